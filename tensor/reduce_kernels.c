/* The inner loops of sums and maxima. Sixteen accumulators let the compiler use vectors without reordering anything. */
#include <math.h>
#include <string.h>

#include "tensor/reduce.h"

enum { LANES = 16 };

#define ADD(a, x) ((a) + (x))
#define MAX(a, x) ((x) > (a) || (x) != (x) ? (x) : (a)) /* NaN wins, and stays */

#define KERNELS(name, T, start, op)                                                                 \
    static double name##_run(int64_t n, const void *data, int64_t stride)                           \
    {                                                                                               \
        const T *x = data;                                                                          \
        double   acc[LANES];                                                                        \
        for (int k = 0; k < LANES; k++) acc[k] = start;                                             \
        int64_t i = 0;                                                                              \
        if (stride == 1) {                                                                          \
            for (; i + LANES <= n; i += LANES) {                                                    \
                for (int k = 0; k < LANES; k++) acc[k] = op(acc[k], (double)x[i + k]);              \
            }                                                                                       \
        }                                                                                           \
        for (; i < n; i++) acc[i % LANES] = op(acc[i % LANES], (double)x[i * stride]);              \
        for (int half = LANES / 2; half > 0; half /= 2) {                                           \
            for (int k = 0; k < half; k++) acc[k] = op(acc[k], acc[k + half]);                      \
        }                                                                                           \
        return acc[0];                                                                              \
    }                                                                                               \
    static void name##_into(int64_t n, const void *data, int64_t stride, double *restrict acc)      \
    {                                                                                               \
        const T *restrict x = data;                                                                 \
        if (stride == 1) {                                                                          \
            for (int64_t i = 0; i < n; i++) acc[i] = op(acc[i], (double)x[i]);                      \
        } else {                                                                                    \
            for (int64_t i = 0; i < n; i++) acc[i] = op(acc[i], (double)x[i * stride]);             \
        }                                                                                           \
    }

KERNELS(sum_f32, float, 0, ADD)
KERNELS(sum_f64, double, 0, ADD)
KERNELS(max_f32, float, -(double)INFINITY, MAX)
KERNELS(max_f64, double, -(double)INFINITY, MAX)

const tap__reduce_kernel TAP__KERNEL(tap__reduce_kernels)[TAP__REDUCTIONS][2] = {
    [TAP__SUM] = { { sum_f32_run, sum_f32_into }, { sum_f64_run, sum_f64_into } },
    [TAP__MAX] = { { max_f32_run, max_f32_into }, { max_f64_run, max_f64_into } },
};

/* An exponent of all ones, and only such, carries into the sign when one is added to it. There is no branch in the loop, so that it
 * runs in vectors. */
#define FINITE(name, T, exponent, one)                              \
    static bool name(int64_t n, const void *data)                   \
    {                                                               \
        const char *at = data;                                      \
        T           bits, carry = 0;                                \
        for (int64_t i = 0; i < n; i++) {                           \
            memcpy(&bits, at + i * (int64_t)sizeof bits, sizeof bits); \
            carry |= (bits & (exponent)) + (one);                   \
        }                                                           \
        return !(carry >> (8 * sizeof carry - 1));                  \
    }

FINITE(finite_f32, uint32_t, 0x7f800000u, 0x00800000u)
FINITE(finite_f64, uint64_t, 0x7ff0000000000000u, 0x0010000000000000u)

const tap__finite_kernel TAP__KERNEL(tap__finite_kernels)[2] = { finite_f32, finite_f64 };
