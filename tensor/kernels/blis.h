/* tensor/kernels/blis.h: the two BLIS calls that products need, behind types of our own: BLIS's header defines a great many names. */
#ifndef TAP_TENSOR_KERNELS_BLIS_H
#define TAP_TENSOR_KERNELS_BLIS_H

#include "tensor/tensor.h"

typedef struct {
    const void *data;
    int64_t     rows, columns, row_stride, column_stride;
} tap__matrix;

/* Whether BLIS takes such a matrix: positive strides, rows or columns that do not overlap. Rewrites strides of axes of size
 * 1, which say nothing. */
bool tap__blis_accepts(tap__matrix *x);

/* BLIS ends the process when it gets no memory. Before it is called with as many threads as there are now, this sees whether the
 * heap has what it will take; if not, the arena has failed. */
bool tap__blis_has_memory(tap_arena *a);

/* out = alpha a b + (add ? out : 0), float or double, in this thread; sizes and strides have been checked. */
void tap__gemm(tap_dtype dtype, double alpha, tap__matrix a, tap__matrix b, void *out, int64_t out_stride, bool add);

/* Name of the kernels that BLIS runs. */
const char *tap__blis_kernels(void);

#endif
