/* tensor/kernels/blis.h: a strided matrix, and its product by BLIS. Only blis.c includes BLIS's own header, which defines a
 * great many names. */
#ifndef TAP_TENSOR_KERNELS_BLIS_H
#define TAP_TENSOR_KERNELS_BLIS_H

#include "tensor/tensor.h"

/* Element (i,j) is data[i row_stride + j column_stride]. */
typedef struct {
    const void *data;
    int64_t     rows, columns, row_stride, column_stride;
} tap__matrix;

/* Whether BLIS accepts the strides of x: they must be positive, and rows or columns must not overlap. The stride of an axis of
 * size 1 is replaced by one that BLIS accepts. */
bool tap__blis_accepts(tap__matrix *x);

/* Whether the heap has the memory that BLIS will allocate for the present number of threads; if not, the arena has failed. To
 * be called before tap__gemm, which ends the process without memory (blis.c). */
bool tap__blis_has_memory(tap_arena *a);

/* out = alpha a b + (add ? out : 0), float32 or float64, in this thread. The caller has checked strides and memory. */
void tap__gemm(tap_dtype dtype, double alpha, tap__matrix a, tap__matrix b, void *out, int64_t out_stride, bool add);

/* The name of the kernels that BLIS runs, such as "haswell". */
const char *tap__blis_kernels(void);

#endif
