/* tensor/kernels/matmul.h: matrix products over strides. */
#ifndef TAP_TENSOR_KERNELS_MATMUL_H
#define TAP_TENSOR_KERNELS_MATMUL_H

#include "tensor/internal.h"

/* out = a b + (add ? out : 0): a [..,m,k], b [..,k,n], out [..,m,n] contiguous, one float dtype, all of one rank, where a
 * leading axis of size 1 in a or b repeats; any strides. The error of float32 sums is below 1e-6 of the sum of absolute values, however
 * many terms they have (product.h). Those of more than TAP__LONG terms need 8 bytes from scratch for an element of out; false (and
 * scratch has failed) if there are none. The bits do not depend on the number of threads. */
bool tap__matmul(tap_tensor a, tap_tensor b, tap_tensor out, bool add, tap_arena *scratch);

/* The same by BLIS, to be compared with: its float32 sums lose digits as they get longer. Operands whose strides it does not take are
 * copied; false also if there is no memory for BLIS. */
bool tap__matmul_by_blis(tap_tensor a, tap_tensor b, tap_tensor out, bool add, tap_arena *scratch);

/* Name of the kernels that BLIS runs. */
const char *tap__blis_kernels(void);

#endif
