/* tensor/kernels/powers.h: products of any number of factors, whose partial products may be out of range. */
#ifndef TAP_TENSOR_KERNELS_POWERS_H
#define TAP_TENSOR_KERNELS_POWERS_H

#include <math.h>

#include "tensor/tensor.h"

/* m 2^e, a double with an exponent of any size: |m| is in [1/2, 1), or m is 0, infinite or NaN. */
typedef struct {
    double  m;
    int64_t e;
} tap__scaled;

static inline tap__scaled tap__scaled_of(double m, int64_t e)
{
    int k = 0;
    m = frexp(m, &k);
    return (tap__scaled){ m, m == 0 || !isfinite(m) ? 0 : e + k };
}

static inline tap__scaled tap__scaled_mul(tap__scaled a, tap__scaled b)
{
    return tap__scaled_of(a.m * b.m, a.e + b.e);
}

/* A summand that is more than 2^200 times smaller than the other does not change the sum. */
static inline tap__scaled tap__scaled_add(tap__scaled a, tap__scaled b)
{
    if (a.m == 0 || !isfinite(b.m)) return tap__scaled_of(a.m + b.m, b.e);
    if (b.m == 0 || !isfinite(a.m)) return a;
    const int64_t gap = a.e - b.e;
    if (gap > 200 || gap < -200) return gap > 0 ? a : b;
    return tap__scaled_of(a.m + ldexp(b.m, (int)-gap), a.e);
}

static inline double tap__scaled_value(tap__scaled a)
{
    return ldexp(a.m, a.e > 5000 ? 5000 : a.e < -5000 ? -5000 : (int)a.e);
}

/* Whether every product of elements that belong to one result, the axes of mask being reduced, is a normal number of x's dtype,
 * or 0: 1 or 0; -1 if scratch has no memory. */
int tap__products_in_range(tap_tensor x, unsigned mask, tap_arena *scratch);

/* Products over the axes of mask; and, for each element of x, the product of the other elements of its result. out is
 * contiguous; the second one has x's shape. prefix is a buffer of one number per element of a result. */
void tap__products(tap_tensor x, unsigned mask, tap_tensor out);
void tap__products_of_others(tap_tensor x, unsigned mask, tap_tensor out, tap__scaled *prefix);
/* Cumulative products along the axis, out_i = x_0 x_1 .. x_i, and their gradient, out_i = sum_j g_j d(x_0 .. x_j) / d x_i.
 * prefix is a buffer of one number per element of the axis. */
void tap__running_products(tap_tensor x, int axis, tap_tensor out);
void tap__running_products_gradient(tap_tensor x, tap_tensor g, int axis, tap_tensor out, tap__scaled *prefix);

#endif
