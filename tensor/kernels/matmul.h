/* tensor/kernels/matmul.h: batches of matrix products, for tensors of any strides. Part of the seam that map.h describes. */
#ifndef TAP_TENSOR_KERNELS_MATMUL_H
#define TAP_TENSOR_KERNELS_MATMUL_H

#include "tensor/tensor.h"

/* out = a b + (add ? out : 0): a [..,m,k], b [..,k,n], any strides, out [..,m,n] contiguous; all of one float dtype and one
 * rank. A leading axis of size 1 in a or b broadcasts. The error of float32 sums is below 1e-6 of the sum of absolute values
 * for any number of terms (product.h). Sums of more than TAP__LONG terms need 8 bytes of scratch per element of out; false (and
 * scratch has failed) without memory. The bits do not depend on the number of threads. */
bool tap__matmul(tap_tensor a, tap_tensor b, tap_tensor out, bool add, tap_arena *scratch);

/* As tap__matmul, by BLIS, for comparisons: its float32 sums lose digits as they get longer. Operands whose strides BLIS does
 * not accept are copied; false also if there is no memory for BLIS. */
bool tap__matmul_by_blis(tap_tensor a, tap_tensor b, tap_tensor out, bool add, tap_arena *scratch);

#endif
