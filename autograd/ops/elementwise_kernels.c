/* The loops behind elementwise.def: each row for each dtype, with separate loops for the strides that matter, so that they
 * vectorize. */
#include <math.h>

#include "autograd/ops/elementwise.h"
#include "tensor/kernels/compiler.h"
#include "tensor/kernels/rising.h"
#include "tensor/kernels/special.h"
#include "tensor/kernels/vmath.h"

/* The vector forms reduce arguments up to a million. */
#define tap__any_sin_f32(x) (fabsf(x) <= 1e6f ? tap__sin_f32(x) : sinf(x))
#define tap__any_cos_f32(x) (fabsf(x) <= 1e6f ? tap__cos_f32(x) : cosf(x))
#define tap__any_sin_f64(x) (fabs(x) <= 1e6 ? tap__sin_f64(x) : sin(x))
#define tap__any_cos_f64(x) (fabs(x) <= 1e6 ? tap__cos_f64(x) : cos(x))

#define LN2          0.693147180559945309
#define HIGHER(a, b) ((a) > (b) || (a) != (a) ? (a) : (b)) /* of any NaN, too */
#define LOWER(a, b)  ((a) < (b) || (a) != (a) ? (a) : (b))

/* M(exp) is a function of vmath.h for T, L(asin) one of the C library. */
#define M(name)           TAP__MATH(name)
#define L(name)           F2(LIBRARY, TAP__SUFFIX)(name)
#define LIBRARY_f32(name) name##f
#define LIBRARY_f64(name) name
#define F(name)           F2(name, TAP__SUFFIX)
#define F2(name, suffix)  F3(name, suffix)
#define F3(name, suffix)  name##_##suffix
#define SMALLEST          ((T)(sizeof(T) == sizeof(float) ? 0x1p-126 : 0x1p-1022)) /* that is normal */

/* Elements at a stride are brought together in blocks, so that each function is compiled for neighbours only. */
enum { BLOCK = 64 };

static inline int64_t block_at(int64_t at, int64_t n)
{
    return n - at < BLOCK ? n - at : BLOCK;
}

#define GATHER \
    static void F(gather)(T * to, const T *from, int64_t stride, int64_t n) \
    { \
        for (int64_t i = 0; i < n; i++) to[i] = from[i * stride]; \
    }

#define LOOP1(R, name, value) \
    static inline R F(name##_of)(T x, T p, T q) \
    { \
        (void)p, (void)q; \
        return (R)(value); \
    } \
    static TAP__NOINLINE void F(name)(int64_t n, void *const *data, const int64_t *stride, const void *context) \
    { \
        R *restrict y = data[0]; \
        const T *restrict x = data[1]; \
        const double *pq = context; \
        const T       p = pq ? (T)pq[0] : 0, q = pq ? (T)pq[1] : 0; \
        if (stride[0] == 1 && stride[1] == 1) { \
            for (int64_t i = 0; i < n; i++) y[i] = F(name##_of)(x[i], p, q); \
            return; \
        } \
        for (int64_t at = 0; at < n; at += BLOCK) { \
            R       ys[BLOCK]; \
            T       xs[BLOCK]; \
            int64_t m = block_at(at, n); \
            F(gather)(xs, x + at * stride[1], stride[1], m); \
            F(name)(m, (void *[]){ ys, xs }, (const int64_t[]){ 1, 1 }, context); \
            for (int64_t i = 0; i < m; i++) y[(at + i) * stride[0]] = ys[i]; \
        } \
    }

#define LOOP2(R, name, value) \
    TAP__INLINE R F(name##_of)(T a, T b) \
    { \
        return (R)(value); \
    } \
    static TAP__NOINLINE void F(name)(int64_t n, void *const *data, const int64_t *stride, const void *context) \
    { \
        R *restrict y = data[0]; \
        const T *a = data[1], *b = data[2]; \
        if (stride[0] == 1 && stride[1] == 1 && stride[2] == 1) { \
            for (int64_t i = 0; i < n; i++) y[i] = F(name##_of)(a[i], b[i]); \
            return; \
        } \
        if (stride[0] == 1 && stride[1] == 1 && stride[2] == 0) { \
            const T b0 = *b; \
            for (int64_t i = 0; i < n; i++) y[i] = F(name##_of)(a[i], b0); \
            return; \
        } \
        if (stride[0] == 1 && stride[1] == 0 && stride[2] == 1) { /* the gradient of a sum, in a rule */ \
            const T a0 = *a; \
            for (int64_t i = 0; i < n; i++) y[i] = F(name##_of)(a0, b[i]); \
            return; \
        } \
        for (int64_t at = 0; at < n; at += BLOCK) { \
            R       ys[BLOCK]; \
            T       as[BLOCK], bs[BLOCK]; \
            int64_t m = block_at(at, n); \
            F(gather)(as, a + at * stride[1], stride[1], m); \
            F(gather)(bs, b + at * stride[2], stride[2], m); \
            F(name)(m, (void *[]){ ys, as, bs }, (const int64_t[]){ 1, 1, 1 }, context); \
            for (int64_t i = 0; i < m; i++) y[(at + i) * stride[0]] = ys[i]; \
        } \
    }

#define LOOP3(name, value) \
    TAP__INLINE T F(name##_of)(T a, T b, T c) \
    { \
        (void)b; \
        return (T)(value); \
    } \
    static TAP__NOINLINE void F(name)(int64_t n, void *const *data, const int64_t *stride, const void *context) \
    { \
        T *restrict y = data[0]; \
        const T *a = data[1], *b = data[2], *c = data[3]; \
        (void)context; \
        if (stride[0] == 1 && stride[1] == 1 && stride[2] == 1 && stride[3] == 1) { \
            for (int64_t i = 0; i < n; i++) y[i] = F(name##_of)(a[i], b[i], c[i]); \
            return; \
        } \
        if (stride[0] == 1 && stride[1] == 1 && stride[2] == 0 && stride[3] == 0) { \
            const T b0 = *b, c0 = *c; \
            for (int64_t i = 0; i < n; i++) y[i] = F(name##_of)(a[i], b0, c0); \
            return; \
        } \
        if (stride[0] == 1 && stride[1] == 0 && stride[2] == 1 && stride[3] == 1) { \
            const T a0 = *a; \
            for (int64_t i = 0; i < n; i++) y[i] = F(name##_of)(a0, b[i], c[i]); \
            return; \
        } \
        for (int64_t at = 0; at < n; at += BLOCK) { \
            T       ys[BLOCK], as[BLOCK], bs[BLOCK], cs[BLOCK]; \
            int64_t m = block_at(at, n); \
            F(gather)(as, a + at * stride[1], stride[1], m); \
            F(gather)(bs, b + at * stride[2], stride[2], m); \
            F(gather)(cs, c + at * stride[3], stride[3], m); \
            F(name)(m, (void *[]){ ys, as, bs, cs }, (const int64_t[]){ 1, 1, 1, 1 }, context); \
            for (int64_t i = 0; i < m; i++) y[(at + i) * stride[0]] = ys[i]; \
        } \
    }

/* A choice moves bits, whatever they mean. */
#define CHOOSE \
    static void F(where)(int64_t n, void *const *data, const int64_t *stride, const void *context) \
    { \
        T *restrict y = data[0]; \
        const uint8_t *c = data[1]; \
        const T       *a = data[2], *b = data[3]; \
        (void)context; \
        for (int64_t i = 0; i < n; i++) y[i * stride[0]] = c[i * stride[1]] ? a[i * stride[2]] : b[i * stride[3]]; \
    }

#define ACCUMULATE \
    static void F(accumulate)(int64_t n, void *const *data, const int64_t *stride, const void *context) \
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

#define UNARY(name, cost, value, rule)                     LOOP1(T, name, value)
#define UNARY_P                                            UNARY
#define UNARY_PQ                                           UNARY
#define PRIVATE_UNARY                                      UNARY
#define PRIVATE_UNARY_P                                    UNARY
#define PRIVATE_UNARY_PQ                                   UNARY
#define BINARY(name, cost, value, rule_a, rule_b)          LOOP2(T, name, value)
#define PRIVATE_BINARY                                     BINARY
#define TERNARY(name, cost, value, rule_a, rule_b, rule_c) LOOP3(name, value)
#define PRIVATE_TERNARY                                    TERNARY
#define COMPARE(name, value)                               LOOP2(uint8_t, name, value)

#define T           float
#define TAP__SUFFIX f32
#include "autograd/ops/elementwise_functions.h"
GATHER
#include "autograd/ops/elementwise.def"
CHOOSE
ACCUMULATE
#undef T
#undef TAP__SUFFIX

#define T           double
#define TAP__SUFFIX f64
#include "autograd/ops/elementwise_functions.h"
GATHER
#include "autograd/ops/elementwise.def"
CHOOSE
ACCUMULATE
#undef T
#undef TAP__SUFFIX

/* Other dtypes can be compared and chosen from. */
#undef UNARY
#undef BINARY
#undef TERNARY
#define UNARY(name, cost, value, rule)
#define BINARY(name, cost, value, rule_a, rule_b)
#define TERNARY(name, cost, value, rule_a, rule_b, rule_c)

#define T           int64_t
#define TAP__SUFFIX i64
GATHER
#include "autograd/ops/elementwise.def"
CHOOSE
#undef T
#undef TAP__SUFFIX

#define T           uint8_t
#define TAP__SUFFIX u8
GATHER
#include "autograd/ops/elementwise.def"
CHOOSE
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
