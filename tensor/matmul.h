/* tensor/matmul.h: matrix products over strides. */
#ifndef TAP_TENSOR_MATMUL_H
#define TAP_TENSOR_MATMUL_H

#include "tensor/internal.h"

/* out = a b + (add ? out : 0): a [..,m,k], b [..,k,n], out [..,m,n] contiguous, one float dtype, all of one rank, where a
 * leading axis of size 1 in a or b repeats. Large products are BLIS's, and operands whose strides it does not take are copied to memory
 * from scratch; false (and scratch has failed) if there is none, or none for BLIS. The bits do not depend on the number of threads. */
bool tap__matmul(tap_tensor a, tap_tensor b, tap_tensor out, bool add, tap_arena *scratch);

/* The same by BLIS, whatever the size. */
bool tap__matmul_by_blis(tap_tensor a, tap_tensor b, tap_tensor out, bool add, tap_arena *scratch);

/* Name of the kernels that BLIS runs. */
const char *tap__blis_kernels(void);

#endif
