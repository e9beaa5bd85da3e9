/* tensor/product.h: products of two matrices by kernels of our own, which read them where they lie. */
#ifndef TAP_TENSOR_PRODUCT_H
#define TAP_TENSOR_PRODUCT_H

#include "tensor/gemm.h"

/* out = a b + (add ? out : 0) in this thread, for float32 or float64 with any strides; rows of out are out_stride elements apart.
 * Each element is a sum over k from 0 on, of pieces whose length depends on the number of columns of a alone: its bits are the same
 * whatever part of a larger product this is. */
typedef void (*tap__product_kernel)(tap__matrix a, tap__matrix b, void *out, int64_t out_stride, bool add);
TAP__KERNEL_DECLARE(extern const tap__product_kernel, tap__product_kernels, [2]);

static inline void tap__product(tap_dtype dtype, tap__matrix a, tap__matrix b, void *out, int64_t out_stride, bool add)
{
    TAP__KERNEL_PICK(tap__product_kernels)[dtype == TAP_F64](a, b, out, out_stride, add);
}

#endif
