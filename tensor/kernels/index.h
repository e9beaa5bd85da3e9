/* tensor/kernels/index.h: elements addressed by an index tensor, and order along an axis. */
#ifndef TAP_TENSOR_KERNELS_INDEX_H
#define TAP_TENSOR_KERNELS_INDEX_H

#include "tensor/tensor.h"

typedef enum { TAP__GATHER, TAP__SCATTER, TAP__SCATTER_ADD } tap__index_mode;

/* With k = index[i,j,..], and far[..,k,..] meaning that k stands in for the coordinate along the axis:
 * gather near[i,j,..] = far[..,k,..]; scatter far[..,k,..] = near[i,j,..]; scatter_add adds instead (floats only).
 * near and index (int64) have one shape, far the same rank and at least their sizes beside the axis; every k is in range.
 * Elements that land on one place do so in the order of the axis, whatever the number of threads. */
void tap__index(tap__index_mode how, tap_tensor far, tap_tensor near, tap_tensor index, int axis);

/* Whether all of index lies in 0..n-1; else *bad is the first that does not. */
bool tap__index_in_range(tap_tensor index, int64_t n, int64_t *bad);

/* out (int64, contiguous, shape of x): the places of x's elements along the axis in rising or falling order; equal ones keep
 * theirs, NaN counts as largest. scratch: twice as many int64 as x has elements. */
void tap__argsort(tap_tensor x, int axis, bool descending, tap_tensor out, int64_t *scratch);

/* out (int64, contiguous, x's shape without the axis): the place of the first largest (or smallest) element along the axis;
 * NaN counts as both. The axis has a size above 0. */
void tap__argmax(tap_tensor x, int axis, bool smallest, tap_tensor out);

/* out (contiguous, shape and float dtype of x): sums along the axis up to each element, in double. */
void tap__cumsum(tap_tensor x, int axis, tap_tensor out);

#endif
