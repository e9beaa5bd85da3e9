/* tensor/kernels/map.h: the one loop over broadcast, strided tensors. */
#ifndef TAP_TENSOR_KERNELS_MAP_H
#define TAP_TENSOR_KERNELS_MAP_H

#include "tensor/tensor.h"

enum { TAP__MAP_MAX = 4 };

/* One run of elements: operand i begins at data[i] and steps stride[i] elements at a time. Operand 0 is the result. */
typedef void (*tap__run)(int64_t n, void *const *data, const int64_t *stride, const void *context);

/* Calls run over all elements of out, to whose shape the n inputs, fewer than TAP__MAP_MAX, must broadcast. Runs are cut at
 * places that depend on the shapes alone, so results do not depend on the number of threads. cost: eighths of a nanosecond for
 * an element, roughly. */
void tap__map(tap__run run, const void *context, const tap_tensor *out, int n, const tap_tensor *in, int cost);

#endif
