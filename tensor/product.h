/* tensor/product.h: products of two matrices by kernels of our own, which read them where they lie. */
#ifndef TAP_TENSOR_PRODUCT_H
#define TAP_TENSOR_PRODUCT_H

#include "tensor/gemm.h"

/* out = a b + (add ? out : 0) in this thread, for float32 or float64; rows of out are out_stride elements apart. Two ways to the same,
 * which round differently, so that the whole of a product must go one way:
 * - by tiles, any strides: each element is a sum over k from 0 on, of pieces whose length depends on the number of columns of a alone;
 * - by few rows, or few columns, of matrices in which k runs through memory: each element is a dot product. One pass over the large
 *   matrix is all.
 * In both, the bits are the same whatever part of a larger product this is. Sizes may be 0; tiles
 * without terms leave out as it is. */
typedef enum { TAP__BY_TILES, TAP__BY_DOTS } tap__product_way;
typedef void (*tap__product_kernel)(tap__matrix a, tap__matrix b, void *out, int64_t out_stride, bool add);
TAP__KERNEL_DECLARE(extern const tap__product_kernel, tap__product_kernels, [2][2]); /* float32, float64; by way */

static inline void tap__product(tap__product_way way, tap_dtype dtype, tap__matrix a, tap__matrix b, void *out, int64_t out_stride,
                                bool add)
{
    TAP__KERNEL_PICK(tap__product_kernels)[dtype == TAP_F64][way](a, b, out, out_stride, add);
}

/* The way for a whole product: adding up the lanes of vectors must be worth it. */
static inline tap__product_way tap__product_way_for(tap__matrix a, tap__matrix b)
{
    enum { FEW = 8, LONG = 64 };
    const bool along_k = a.column_stride == 1 && b.row_stride == 1 && a.columns >= LONG;
    return along_k && (a.rows <= FEW || b.columns <= FEW) ? TAP__BY_DOTS : TAP__BY_TILES;
}

#endif
