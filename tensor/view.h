/* tensor/view.h: tensor.h's functions for views, with errors that go to a tap_error instead of an arena. On an error *out is
 * inert. Not installed. */
#ifndef TAP_TENSOR_VIEW_H
#define TAP_TENSOR_VIEW_H

#include "tensor/tensor.h"

tap_status tap__permute(tap_tensor x, int rank, const int *axes, tap_tensor *out, tap_error *e);
/* Sets axes[0..rank-1] to the permutation, too. */
tap_status tap__transpose(tap_tensor x, int axis0, int axis1, int *axes, tap_tensor *out, tap_error *e);
tap_status tap__slice(tap_tensor x, int axis, int64_t start, int64_t stop, int64_t step, tap_tensor *out, tap_error *e);
/* Index of the first element of a slice of an axis of size n. */
int64_t    tap__slice_start(int64_t n, int64_t start, int64_t step);
tap_status tap__select(tap_tensor x, int axis, int64_t index, tap_tensor *out, tap_error *e);
tap_status tap__expand(tap_tensor x, tap_shape shape, tap_tensor *out, tap_error *e);
tap_status tap__unsqueeze(tap_tensor x, int axis, tap_tensor *out, tap_error *e);
tap_status tap__squeeze(tap_tensor x, int axis, tap_tensor *out, tap_error *e);
/* The diagonal becomes the last axis. */
tap_status tap__diagonal(tap_tensor x, int64_t offset, int axis1, int axis2, tap_tensor *out, tap_error *e);
/* The windows' elements become the last axis. */
tap_status tap__unfold(tap_tensor x, int axis, int64_t size, int64_t step, tap_tensor *out, tap_error *e);

/* Replaces a -1 in the requested shape; an error if the numbers of elements differ. */
tap_status tap__reshape_shape(tap_shape from, tap_shape *shape, tap_error *e);
/* A view of x under another shape of the same size, or false if its strides do not allow one. */
bool tap__reshape_view(tap_tensor x, tap_shape shape, tap_tensor *out);

#endif
