/* tensor/kernels/map.h: the one loop over broadcast, strided tensors.
 *
 * Six headers are the seam between operators and the processor: map.h, reduce.h, matmul.h, conv.h, index.h and linalg.h. They
 * take tensors of any strides, and say nothing of vectors, tiles or threads; operators above them have no loops over elements
 * of their own for maps, reductions, products, convolutions, indexing and factorizations. Another back end, as for a GPU, would
 * implement these six. The other headers of tensor/kernels are details of the one for CPUs, or arithmetic that kernels
 * inline. */
#ifndef TAP_TENSOR_KERNELS_MAP_H
#define TAP_TENSOR_KERNELS_MAP_H

#include "tensor/tensor.h"

enum { TAP__MAP_MAX = 4 };

/* One run of n elements: element j of operand i is at data[i] + j stride[i], strides being in elements. Operand 0 is the
 * result. */
typedef void (*tap__run)(int64_t n, void *const *data, const int64_t *stride, const void *context);

/* Calls run for all elements of out. The n inputs, fewer than TAP__MAP_MAX, must broadcast to out's shape. The loop is cut into
 * runs by shapes and strides alone, so results do not depend on the number of threads. cost: eighths of a nanosecond per
 * element, roughly. */
void tap__map(tap__run run, const void *context, const tap_tensor *out, int n, const tap_tensor *in, int cost);

#endif
