/* tensor/kernels/index.h: elements addressed by an index tensor, order along an axis, and cumulative sums. Part of the seam
 * that map.h describes. */
#ifndef TAP_TENSOR_KERNELS_INDEX_H
#define TAP_TENSOR_KERNELS_INDEX_H

#include "tensor/tensor.h"

typedef enum { TAP__GATHER, TAP__SCATTER, TAP__SCATTER_ADD } tap__index_mode;

/* PyTorch's gather, scatter and scatter_add. With k = index[i,j,..], and indexed[..,k,..] meaning that k replaces the
 * coordinate along the axis:
 * - TAP__GATHER: values[i,j,..] = indexed[..,k,..]
 * - TAP__SCATTER: indexed[..,k,..] = values[i,j,..]
 * - TAP__SCATTER_ADD: indexed[..,k,..] += values[i,j,..], for floats only
 * values and index (int64) have one shape; indexed has their rank, and is at least as large in every axis but this one. Every k
 * is in range. Writes to the same element happen in the order of the axis, for any number of threads. */
void tap__index(tap__index_mode how, tap_tensor indexed, tap_tensor values, tap_tensor index, int axis);

/* Whether all of index is in 0..n-1; if not, *bad is the first index that is not. */
bool tap__index_in_range(tap_tensor index, int64_t n, int64_t *bad);

/* out (int64, contiguous, x's shape): the indices that sort x along the axis, ascending or descending. The sort is stable, and
 * NaN counts as largest. scratch: twice as many int64 as x has elements. */
void tap__argsort(tap_tensor x, int axis, bool descending, tap_tensor out, int64_t *scratch);

/* out (int64, contiguous, x's shape without the axis): the index of the first largest (or smallest) element along the axis; NaN
 * counts as both. The axis has at least one element. */
void tap__argmax(tap_tensor x, int axis, bool smallest, tap_tensor out);

/* out (contiguous, shape and float dtype of x): cumulative sums along the axis, accumulated in double. */
void tap__cumsum(tap_tensor x, int axis, tap_tensor out);

#endif
