/* The loops behind elementwise.def: each row for each dtype, with separate loops for the strides that matter, so that they vectorize. */
#include <math.h>

#include "autograd/elementwise.h"
#include "tensor/vmath.h"

#define tap__abs_f32  fabsf
#define tap__abs_f64  fabs
#define tap__sqrt_f32 sqrtf
#define tap__sqrt_f64 sqrt
#define tap__pow_f32  powf
#define tap__pow_f64  pow

#define M(name)           TAP__MATH(name)
#define F(name)           F2(name, TAP__SUFFIX)
#define F2(name, suffix)  F3(name, suffix)
#define F3(name, suffix)  name##_##suffix

#define LOOP1(R, name, value)                                                                           \
    static inline R F(name##_of)(T x)                                                                   \
    {                                                                                                   \
        return (R)(value);                                                                              \
    }                                                                                                   \
    static void F(name)(int64_t n, void *const *data, const int64_t *stride, const void *context)       \
    {                                                                                                   \
        R *restrict       y = data[0];                                                                  \
        const T *restrict x = data[1];                                                                  \
        const int64_t     ys = stride[0], xs = stride[1];                                               \
        (void)context;                                                                                  \
        if (ys == 1 && xs == 1) {                                                                       \
            for (int64_t i = 0; i < n; i++) y[i] = F(name##_of)(x[i]);                                  \
        } else {                                                                                        \
            for (int64_t i = 0; i < n; i++) y[i * ys] = F(name##_of)(x[i * xs]);                        \
        }                                                                                               \
    }

#define LOOP2(R, name, value)                                                                           \
    static inline R F(name##_of)(T a, T b)                                                              \
    {                                                                                                   \
        return (R)(value);                                                                              \
    }                                                                                                   \
    static void F(name)(int64_t n, void *const *data, const int64_t *stride, const void *context)       \
    {                                                                                                   \
        R *restrict   y = data[0];                                                                      \
        const T      *a = data[1], *b = data[2];                                                        \
        const int64_t ys = stride[0], as = stride[1], bs = stride[2];                                   \
        (void)context;                                                                                  \
        if (ys == 1 && as == 1 && bs == 1) {                                                            \
            for (int64_t i = 0; i < n; i++) y[i] = F(name##_of)(a[i], b[i]);                            \
        } else if (ys == 1 && as == 1 && bs == 0) {                                                     \
            const T b0 = *b;                                                                            \
            for (int64_t i = 0; i < n; i++) y[i] = F(name##_of)(a[i], b0);                              \
        } else if (ys == 1 && as == 0 && bs == 1) {                                                     \
            const T a0 = *a;                                                                            \
            for (int64_t i = 0; i < n; i++) y[i] = F(name##_of)(a0, b[i]);                              \
        } else {                                                                                        \
            for (int64_t i = 0; i < n; i++) y[i * ys] = F(name##_of)(a[i * as], b[i * bs]);             \
        }                                                                                               \
    }

/* A choice moves bits, whatever they mean. */
#define CHOOSE                                                                                          \
    static void F(where)(int64_t n, void *const *data, const int64_t *stride, const void *context)      \
    {                                                                                                   \
        T *restrict    y = data[0];                                                                     \
        const uint8_t *c = data[1];                                                                     \
        const T       *a = data[2], *b = data[3];                                                       \
        (void)context;                                                                                  \
        for (int64_t i = 0; i < n; i++)                                                                 \
            y[i * stride[0]] = c[i * stride[1]] ? a[i * stride[2]] : b[i * stride[3]];                  \
    }

#define ACCUMULATE                                                                                      \
    static void F(accumulate)(int64_t n, void *const *data, const int64_t *stride, const void *context) \
    {                                                                                                   \
        T *restrict       y = data[0];                                                                  \
        const T *restrict x = data[1];                                                                  \
        (void)context;                                                                                  \
        if (stride[0] == 1 && stride[1] == 1) {                                                         \
            for (int64_t i = 0; i < n; i++) y[i] += x[i];                                               \
        } else {                                                                                        \
            for (int64_t i = 0; i < n; i++) y[i * stride[0]] += x[i * stride[1]];                       \
        }                                                                                               \
    }

#define UNARY(name, cost, value, rule)            LOOP1(T, name, value)
#define BINARY(name, cost, value, rule_a, rule_b) LOOP2(T, name, value)
#define INNER                                     BINARY
#define COMPARE(name, value)                      LOOP2(uint8_t, name, value)

#define T           float
#define TAP__SUFFIX f32
#include "autograd/elementwise.def"
CHOOSE
ACCUMULATE
#undef T
#undef TAP__SUFFIX

#define T           double
#define TAP__SUFFIX f64
#include "autograd/elementwise.def"
CHOOSE
ACCUMULATE
#undef T
#undef TAP__SUFFIX

/* Other dtypes can be compared and chosen from. */
#undef UNARY
#undef BINARY
#define UNARY(name, cost, value, rule)
#define BINARY(name, cost, value, rule_a, rule_b)

#define T           int64_t
#define TAP__SUFFIX i64
#include "autograd/elementwise.def"
CHOOSE
#undef T
#undef TAP__SUFFIX

#define T           uint8_t
#define TAP__SUFFIX u8
#include "autograd/elementwise.def"
CHOOSE
#undef T
#undef TAP__SUFFIX

#undef UNARY
#undef BINARY
#undef COMPARE
#define UNARY(name, cost, value, rule)            [TAP__ROW_##name] = { name##_f32, name##_f64 },
#define BINARY(name, cost, value, rule_a, rule_b) [TAP__ROW_##name] = { name##_f32, name##_f64 },
#define COMPARE(name, value)                      [TAP__ROW_##name] = { name##_f32, name##_f64, name##_i64, name##_u8, name##_u8 },

const tap__elementwise_table TAP__KERNEL(tap__elementwise) = {
#include "autograd/elementwise.def"
    [TAP__ROW_where] = { where_f32, where_f64, where_i64, where_u8, where_u8 },
    [TAP__ROW_accumulate] = { accumulate_f32, accumulate_f64 },
};
