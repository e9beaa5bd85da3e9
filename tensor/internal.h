/* tensor/internal.h: what tensor.c gives to the rest of the library. Not installed. */
#ifndef TAP_TENSOR_INTERNAL_H
#define TAP_TENSOR_INTERNAL_H

#include "tensor/tensor.h"

/* Records the error in the arena and returns an inert tensor. */
tap_tensor tap__tensor_fail(tap_arena *a, tap_status status, const char *format, ...) TAP_PRINTF(3, 4);

/* Whether a function that makes tensors in the arena can go on with x. If not, *out is inert; an invalid x has set the
 * arena's error, which names the call. */
bool tap__check_input(tap_arena *a, tap_tensor x, tap_tensor *out, const char *call);

/* tap_tensor_copy and tap_tensor_fill for memory that cannot be borrowed, so that the write need not be noted (borrow.h). */
tap_status tap__tensor_copy(tap_tensor dst, tap_tensor src, tap_error *e);
void       tap__tensor_fill(tap_tensor x, double value);

#endif
