/* tensor/kernels/powers.h: products of any number of factors, whose partial products may be out of range. */
#ifndef TAP_TENSOR_KERNELS_POWERS_H
#define TAP_TENSOR_KERNELS_POWERS_H

#include <math.h>

#include "tensor/tensor.h"

/* m 2^e, which is never out of range: |m| is in 1/2..1, or m is 0, infinite or NaN. */
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

/* What lies more than 200 powers of two below the other is nothing beside it. */
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

/* Whether all products of elements of x that go into one result, the axes of mask being reduced, are normal numbers of its
 * dtype, or 0. 1 or 0; -1 where scratch has no memory. */
int tap__products_in_range(tap_tensor x, unsigned mask, tap_arena *scratch);

/* out is contiguous. products: over the axes of mask. others: for each element the product of the others of its result, out
 * being of x's shape; room is for as many numbers as go into a result. */
void tap__products(tap_tensor x, unsigned mask, tap_tensor out);
void tap__products_of_others(tap_tensor x, unsigned mask, tap_tensor out, tap__scaled *room);
/* out_i = x_0 .. x_i along the axis, and out_i = sum_j g_j d (x_0 .. x_j) / d x_i; room is for as many numbers as the axis has.
 * */
void tap__running_products(tap_tensor x, int axis, tap_tensor out);
void tap__running_products_gradient(tap_tensor x, tap_tensor g, int axis, tap_tensor out, tap__scaled *room);

#endif
