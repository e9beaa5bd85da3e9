/* tensor/kernels/rows.h: element by element access to the elements of one result of a reduction, in any layout. For slow
 * paths. */
#ifndef TAP_TENSOR_KERNELS_ROWS_H
#define TAP_TENSOR_KERNELS_ROWS_H

#include "tensor/tensor.h"

/* The offset of element i, counted in C order over the axes whose bits are set in mask. */
static inline int64_t tap__row_offset(const tap_tensor *x, unsigned mask, int64_t i)
{
    int64_t offset = 0;
    for (int k = x->shape.rank - 1; k >= 0; k--) {
        if (!(mask & 1u << k)) continue;
        offset += i % x->shape.n[k] * x->stride[k];
        i /= x->shape.n[k];
    }
    return offset;
}

/* The elements of one result; x has a float dtype. Their order is the same for all tensors of a shape. */
typedef struct {
    const tap_tensor *x;
    unsigned          mask;
    int64_t           start, count;
} tap__row;

/* The elements of result i when the axes of mask are reduced. */
static inline tap__row tap__row_of(const tap_tensor *x, unsigned mask, int64_t i)
{
    tap__row r = { x, mask, tap__row_offset(x, ~mask, i), 1 };
    for (int k = 0; k < x->shape.rank; k++) r.count *= mask & 1u << k ? x->shape.n[k] : 1;
    return r;
}

static inline double tap__row_get(const tap__row *r, int64_t k)
{
    const int64_t at = r->start + tap__row_offset(r->x, r->mask, k);
    return r->x->dtype == TAP_F32 ? (double)((const float *)r->x->data)[at] : ((const double *)r->x->data)[at];
}

static inline void tap__row_set(const tap__row *r, int64_t k, double value)
{
    const int64_t at = r->start + tap__row_offset(r->x, r->mask, k);
    if (r->x->dtype == TAP_F32) ((float *)r->x->data)[at] = (float)value;
    else ((double *)r->x->data)[at] = value;
}

#endif
