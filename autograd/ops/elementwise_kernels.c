/* autograd/ops/elementwise_kernels.c: the loops of elementwise.def's rows, for each dtype. The common strides have loops of
 * their own, which the compiler vectorizes. */
#include <math.h>

#include "autograd/ops/elementwise.h"
#include "tensor/kernels/compiler.h"
#include "tensor/kernels/rising.h"
#include "tensor/kernels/special.h"
#include "tensor/kernels/vmath.h"
#include "tensor/cpu.h"

/* The vector functions reduce arguments up to 10^6 in size; the C library reduces all others. */
#define tap__any_sin_f32(x) (fabsf(x) <= 1e6f ? tap__sin_f32(x) : sinf(x))
#define tap__any_cos_f32(x) (fabsf(x) <= 1e6f ? tap__cos_f32(x) : cosf(x))
#define tap__any_sin_f64(x) (fabs(x) <= 1e6 ? tap__sin_f64(x) : sin(x))
#define tap__any_cos_f64(x) (fabs(x) <= 1e6 ? tap__cos_f64(x) : cos(x))

#define LN2       0.693147180559945309
#define MAX(a, b) ((a) > (b) || (a) != (a) ? (a) : (b)) /* NaN if either is */
#define MIN(a, b) ((a) < (b) || (a) != (a) ? (a) : (b))

/* For the type T with the suffix TAP__SUFFIX: M(exp) is a function of vmath.h or elementwise_functions.h, L(asin) is the C
 * library's, and TYPED(name) is name_f32, name_f64, ... */
#define M(name)                    TAP__MATH(name)
#define L(name)                    CONCATENATE(LIBRARY, TAP__SUFFIX)(name)
#define LIBRARY_f32(name)          name##f
#define LIBRARY_f64(name)          name
#define TYPED(name)                CONCATENATE(name, TAP__SUFFIX)
#define CONCATENATE(name, suffix)  CONCATENATE_(name, suffix) /* expands the suffix first */
#define CONCATENATE_(name, suffix) name##_##suffix
#define MIN_NORMAL                 ((T)(sizeof(T) == sizeof(float) ? 0x1p-126 : 0x1p-1022))

/* Strided elements are gathered into contiguous blocks of this size, so that each function is compiled for contiguous elements
 * only. */
enum { BLOCK = 64 };

static inline int64_t block_size(int64_t at, int64_t n)
{
    return n - at < BLOCK ? n - at : BLOCK;
}

#define DEFINE_GATHER \
    static void TYPED(gather)(T * to, const T *from, int64_t stride, int64_t n) \
    { \
        for (int64_t i = 0; i < n; i++) to[i] = from[i * stride]; \
    }

#define UNARY_LOOP(R, name, value) \
    static inline R TYPED(name##_of)(T x, T p, T q) \
    { \
        (void)p, (void)q; \
        return (R)(value); \
    } \
    static TAP__NOINLINE void TYPED(name)(int64_t n, void *const *data, const int64_t *stride, const void *context) \
    { \
        R *restrict y = data[0]; \
        const T *restrict x = data[1]; \
        const double *pq = context; \
        const T       p = pq ? (T)pq[0] : 0, q = pq ? (T)pq[1] : 0; \
        if (stride[0] == 1 && stride[1] == 1) { \
            for (int64_t i = 0; i < n; i++) y[i] = TYPED(name##_of)(x[i], p, q); \
            return; \
        } \
        for (int64_t at = 0; at < n; at += BLOCK) { \
            R       ys[BLOCK]; \
            T       xs[BLOCK]; \
            int64_t m = block_size(at, n); \
            TYPED(gather)(xs, x + at * stride[1], stride[1], m); \
            TYPED(name)(m, (void *[]){ ys, xs }, (const int64_t[]){ 1, 1 }, context); \
            for (int64_t i = 0; i < m; i++) y[(at + i) * stride[0]] = ys[i]; \
        } \
    }

#define BINARY_LOOP(R, name, value) \
    TAP__INLINE R TYPED(name##_of)(T a, T b) \
    { \
        return (R)(value); \
    } \
    static TAP__NOINLINE void TYPED(name)(int64_t n, void *const *data, const int64_t *stride, const void *context) \
    { \
        R *restrict y = data[0]; \
        const T *a = data[1], *b = data[2]; \
        if (stride[0] == 1 && stride[1] == 1 && stride[2] == 1) { \
            for (int64_t i = 0; i < n; i++) y[i] = TYPED(name##_of)(a[i], b[i]); \
            return; \
        } \
        if (stride[0] == 1 && stride[1] == 1 && stride[2] == 0) { \
            const T b0 = *b; \
            for (int64_t i = 0; i < n; i++) y[i] = TYPED(name##_of)(a[i], b0); \
            return; \
        } \
        if (stride[0] == 1 && stride[1] == 0 && stride[2] == 1) { /* in a rule, the gradient of a sum */ \
            const T a0 = *a; \
            for (int64_t i = 0; i < n; i++) y[i] = TYPED(name##_of)(a0, b[i]); \
            return; \
        } \
        for (int64_t at = 0; at < n; at += BLOCK) { \
            R       ys[BLOCK]; \
            T       as[BLOCK], bs[BLOCK]; \
            int64_t m = block_size(at, n); \
            TYPED(gather)(as, a + at * stride[1], stride[1], m); \
            TYPED(gather)(bs, b + at * stride[2], stride[2], m); \
            TYPED(name)(m, (void *[]){ ys, as, bs }, (const int64_t[]){ 1, 1, 1 }, context); \
            for (int64_t i = 0; i < m; i++) y[(at + i) * stride[0]] = ys[i]; \
        } \
    }

#define TERNARY_LOOP(name, value) \
    TAP__INLINE T TYPED(name##_of)(T a, T b, T c) \
    { \
        (void)b; \
        return (T)(value); \
    } \
    static TAP__NOINLINE void TYPED(name)(int64_t n, void *const *data, const int64_t *stride, const void *context) \
    { \
        T *restrict y = data[0]; \
        const T *a = data[1], *b = data[2], *c = data[3]; \
        (void)context; \
        if (stride[0] == 1 && stride[1] == 1 && stride[2] == 1 && stride[3] == 1) { \
            for (int64_t i = 0; i < n; i++) y[i] = TYPED(name##_of)(a[i], b[i], c[i]); \
            return; \
        } \
        if (stride[0] == 1 && stride[1] == 1 && stride[2] == 0 && stride[3] == 0) { \
            const T b0 = *b, c0 = *c; \
            for (int64_t i = 0; i < n; i++) y[i] = TYPED(name##_of)(a[i], b0, c0); \
            return; \
        } \
        if (stride[0] == 1 && stride[1] == 0 && stride[2] == 1 && stride[3] == 1) { \
            const T a0 = *a; \
            for (int64_t i = 0; i < n; i++) y[i] = TYPED(name##_of)(a0, b[i], c[i]); \
            return; \
        } \
        for (int64_t at = 0; at < n; at += BLOCK) { \
            T       ys[BLOCK], as[BLOCK], bs[BLOCK], cs[BLOCK]; \
            int64_t m = block_size(at, n); \
            TYPED(gather)(as, a + at * stride[1], stride[1], m); \
            TYPED(gather)(bs, b + at * stride[2], stride[2], m); \
            TYPED(gather)(cs, c + at * stride[3], stride[3], m); \
            TYPED(name)(m, (void *[]){ ys, as, bs, cs }, (const int64_t[]){ 1, 1, 1, 1 }, context); \
            for (int64_t i = 0; i < m; i++) y[(at + i) * stride[0]] = ys[i]; \
        } \
    }

/* where: elements are copied bit by bit, NaNs included. */
#define WHERE_LOOP \
    static void TYPED(where)(int64_t n, void *const *data, const int64_t *stride, const void *context) \
    { \
        T *restrict y = data[0]; \
        const uint8_t *c = data[1]; \
        const T       *a = data[2], *b = data[3]; \
        (void)context; \
        for (int64_t i = 0; i < n; i++) y[i * stride[0]] = c[i * stride[1]] ? a[i * stride[2]] : b[i * stride[3]]; \
    }

/* y += x */
#define ACCUMULATE_LOOP \
    static void TYPED(accumulate)(int64_t n, void *const *data, const int64_t *stride, const void *context) \
    { \
        T *restrict y = data[0]; \
        const T *restrict x = data[1]; \
        (void)context; \
        if (stride[0] == 1 && stride[1] == 1) { \
            for (int64_t i = 0; i < n; i++) y[i] += x[i]; \
        } else { \
            for (int64_t i = 0; i < n; i++) y[i * stride[0]] += x[i * stride[1]]; \
        } \
    }

#define UNARY(name, cost, value, rule)                     UNARY_LOOP(T, name, value)
#define UNARY_P                                            UNARY
#define UNARY_PQ                                           UNARY
#define PRIVATE_UNARY                                      UNARY
#define PRIVATE_UNARY_P                                    UNARY
#define PRIVATE_UNARY_PQ                                   UNARY
#define BINARY(name, cost, value, rule_a, rule_b)          BINARY_LOOP(T, name, value)
#define PRIVATE_BINARY                                     BINARY
#define TERNARY(name, cost, value, rule_a, rule_b, rule_c) TERNARY_LOOP(name, value)
#define PRIVATE_TERNARY                                    TERNARY
#define COMPARE(name, value)                               BINARY_LOOP(uint8_t, name, value)

#define T           float
#define TAP__SUFFIX f32
#include "autograd/ops/elementwise_functions.h"
DEFINE_GATHER
#include "autograd/ops/elementwise.def"
WHERE_LOOP
ACCUMULATE_LOOP
#undef T
#undef TAP__SUFFIX

#define T           double
#define TAP__SUFFIX f64
#include "autograd/ops/elementwise_functions.h"
DEFINE_GATHER
#include "autograd/ops/elementwise.def"
WHERE_LOOP
ACCUMULATE_LOOP
#undef T
#undef TAP__SUFFIX

/* Other dtypes have comparisons and where alone. */
#undef UNARY
#undef BINARY
#undef TERNARY
#define UNARY(name, cost, value, rule)
#define BINARY(name, cost, value, rule_a, rule_b)
#define TERNARY(name, cost, value, rule_a, rule_b, rule_c)

#define T           int64_t
#define TAP__SUFFIX i64
DEFINE_GATHER
#include "autograd/ops/elementwise.def"
WHERE_LOOP
#undef T
#undef TAP__SUFFIX

#define T           uint8_t
#define TAP__SUFFIX u8
DEFINE_GATHER
#include "autograd/ops/elementwise.def"
WHERE_LOOP
#undef T
#undef TAP__SUFFIX

#undef UNARY
#undef BINARY
#undef TERNARY
#undef COMPARE
#define UNARY(name, cost, value, rule)                     [TAP__ROW_##name] = { name##_f32, name##_f64 },
#define BINARY(name, cost, value, rule_a, rule_b)          [TAP__ROW_##name] = { name##_f32, name##_f64 },
#define TERNARY(name, cost, value, rule_a, rule_b, rule_c) [TAP__ROW_##name] = { name##_f32, name##_f64 },
#define COMPARE(name, value)                               [TAP__ROW_##name] = { name##_f32, name##_f64, name##_i64, name##_u8, name##_u8 },

const tap__elementwise_table TAP__KERNEL(tap__elementwise) = {
#include "autograd/ops/elementwise.def"
    [TAP__ROW_where] = { where_f32, where_f64, where_i64, where_u8, where_u8 },
    [TAP__ROW_accumulate] = { accumulate_f32, accumulate_f64 },
};
