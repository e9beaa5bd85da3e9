/* tensor/kernels/reduce_kernels.c: the inner loops of sums and maxima, compiled for each vector width. Sixteen accumulators
 * allow vectors of any width without a change in the order of summation. */
#include <math.h>
#include <string.h>

#include "tensor/kernels/reduce.h"
#include "tensor/kernels/vmath.h"

enum { LANES = 16 };

#define ADD(a, x, c)              ((void)(c), (a) + (x))
#define MAX(a, x, c)              ((void)(c), (x) > (a) || (x) != (x) ? (x) : (a)) /* NaN propagates */
#define ADD_ABOUT(a, x, c)        ((a) + ((x) - (c)))
#define ADD_SQUARE_ABOUT(a, x, c) ((a) + ((x) - (c)) * ((x) - (c)))

#define ADD_LOG2_SIZE(a, x, c) ((void)(c), (a) + log2_size(x))

/* |log2 |x||, within a tenth: the bits of a double, as an integer, are nearly linear in its logarithm. */
static inline double log2_size(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const double log2 = (double)(int64_t)(bits & 0x7fffffffffffffffu) * 0x1p-52 - 1023;
    return x == 0 ? 0 : fabs(log2);
}

#define ADD_ZERO(a, x, c) ((void)(c), (a) + ((x) == 0 ? 1 : 0))

/* The last argument of KERNELS: the center of result i, 0 or about[i]. */
#define ZERO(i)    0
#define ABOUT_I(i) about[i]

#define KERNELS(name, T, start, op, fold, CENTER) \
    static double name##_run(int64_t n, const void *data, int64_t stride, double about) \
    { \
        const T *x = data; \
        double   acc[LANES]; \
        for (int k = 0; k < LANES; k++) acc[k] = start; \
        int64_t i = 0; \
        if (stride == 1) { \
            for (; i + LANES <= n; i += LANES) { \
                for (int k = 0; k < LANES; k++) acc[k] = op(acc[k], (double)x[i + k], about); \
            } \
        } \
        for (; i < n; i++) acc[i % LANES] = op(acc[i % LANES], (double)x[i * stride], about); \
        for (int half = LANES / 2; half > 0; half /= 2) { \
            for (int k = 0; k < half; k++) acc[k] = fold(acc[k], acc[k + half], 0); \
        } \
        return acc[0]; \
    } \
    static void name##_into(int64_t n, const void *data, int64_t stride, double *restrict acc, const double *about) \
    { \
        const T *restrict x = data; \
        (void)about; \
        if (stride == 1) { \
            for (int64_t i = 0; i < n; i++) acc[i] = op(acc[i], (double)x[i], CENTER(i)); \
        } else { \
            for (int64_t i = 0; i < n; i++) acc[i] = op(acc[i], (double)x[i * stride], CENTER(i)); \
        } \
    }

/* e^x in the precision of the dtype, by the vector functions of vmath.h; x is converted to double and back without loss. */
static inline double exp_f32(double x)
{
    return x != 0 ? (double)tap__exp_f32((float)x) : 0;
}

static inline double exp_f64(double x)
{
    return x != 0 ? tap__exp_f64(x) : 0;
}

#define ADD_EXP_F32(a, x, c) ((void)(c), (a) + exp_f32(x))
#define ADD_EXP_F64(a, x, c) ((void)(c), (a) + exp_f64(x))

KERNELS(sum_f32, float, 0, ADD, ADD, ZERO)
KERNELS(sum_f64, double, 0, ADD, ADD, ZERO)
KERNELS(max_f32, float, -(double)INFINITY, MAX, MAX, ZERO)
KERNELS(max_f64, double, -(double)INFINITY, MAX, MAX, ZERO)
KERNELS(about_f32, float, 0, ADD_ABOUT, ADD, ABOUT_I)
KERNELS(about_f64, double, 0, ADD_ABOUT, ADD, ABOUT_I)
KERNELS(squares_f32, float, 0, ADD_SQUARE_ABOUT, ADD, ABOUT_I)
KERNELS(squares_f64, double, 0, ADD_SQUARE_ABOUT, ADD, ABOUT_I)
KERNELS(sizes_f32, float, 0, ADD_LOG2_SIZE, ADD, ZERO)
KERNELS(sizes_f64, double, 0, ADD_LOG2_SIZE, ADD, ZERO)
KERNELS(exp_sum_f32, float, 0, ADD_EXP_F32, ADD, ZERO)
KERNELS(exp_sum_f64, double, 0, ADD_EXP_F64, ADD, ZERO)
KERNELS(zeros_f32, float, 0, ADD_ZERO, ADD, ZERO)
KERNELS(zeros_f64, double, 0, ADD_ZERO, ADD, ZERO)

const tap__reduce_kernel TAP__KERNEL(tap__reduce_kernels)[TAP__REDUCTIONS][2] = {
    [TAP__SUM] = { { sum_f32_run, sum_f32_into }, { sum_f64_run, sum_f64_into } },
    [TAP__MEAN] = { { sum_f32_run, sum_f32_into }, { sum_f64_run, sum_f64_into } },
    [TAP__MAX] = { { max_f32_run, max_f32_into }, { max_f64_run, max_f64_into } },
    [TAP__SUM_ABOUT] = { { about_f32_run, about_f32_into }, { about_f64_run, about_f64_into } },
    [TAP__SQUARES_ABOUT] = { { squares_f32_run, squares_f32_into }, { squares_f64_run, squares_f64_into } },
    [TAP__LOG2_SIZES] = { { sizes_f32_run, sizes_f32_into }, { sizes_f64_run, sizes_f64_into } },
    [TAP__NONZERO_EXP] = { { exp_sum_f32_run, exp_sum_f32_into }, { exp_sum_f64_run, exp_sum_f64_into } },
    [TAP__ZERO_COUNT] = { { zeros_f32_run, zeros_f32_into }, { zeros_f64_run, zeros_f64_into } },
};

/* Infinities and NaN have an exponent of all ones: only then does adding one to the exponent carry into the sign bit. The loop
 * has no branch, so that it vectorizes. */
#define FINITE(name, T, exponent, one) \
    static bool name(int64_t n, const void *data) \
    { \
        const char *at = data; \
        T           bits, carry = 0; \
        for (int64_t i = 0; i < n; i++) { \
            memcpy(&bits, at + i * (int64_t)sizeof bits, sizeof bits); \
            carry |= (bits & (exponent)) + (one); \
        } \
        return !(carry >> (8 * sizeof carry - 1)); \
    }

FINITE(finite_f32, uint32_t, 0x7f800000u, 0x00800000u)
FINITE(finite_f64, uint64_t, 0x7ff0000000000000u, 0x0010000000000000u)

const tap__finite_kernel TAP__KERNEL(tap__finite_kernels)[2] = { finite_f32, finite_f64 };
