/* tensor/shape.h: sizes, axes and strides: the rules of broadcasting and of reductions. Not installed. */
#ifndef TAP_TENSOR_SHAPE_H
#define TAP_TENSOR_SHAPE_H

#include "tensor/tensor.h"

/* Makes a negative axis nonnegative; false if it is out of range for the rank. */
bool tap__normalize_axis(int *axis, int rank);

/* The shape that a and b broadcast to; false if they do not broadcast. */
bool tap__broadcast_shapes(tap_shape a, tap_shape b, tap_shape *out);

/* Sets *mask to the axes to be reduced (bit i: axis i) and *out to the result's shape; an error for an axis that is out of
 * range or named twice. */
tap_status tap__reduced_shape(tap_shape x, tap_axes axes, unsigned *mask, tap_shape *out, tap_error *e);

/* tap_numel, inline, for callers that need it once for every operator. */
static inline int64_t tap__numel(const tap_shape *shape)
{
    if (shape->rank < 0 || shape->rank > TAP_MAX_RANK) return -1;
    int64_t n = 1;
    bool    empty = false;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->n[i] < 0) return -1;
        if (shape->n[i] == 0) empty = true;
        else if (__builtin_mul_overflow(n, shape->n[i], &n)) return -1;
    }
    /* Elements of the widest dtype must be addressable, also where another axis is empty: strides are products of sizes,
     * too. */
    if (n > INT64_MAX / 8) return -1;
    return empty ? 0 : n;
}

/* Sets the strides of x's shape in C order. */
void tap__set_contiguous(tap_tensor *x);

#endif
