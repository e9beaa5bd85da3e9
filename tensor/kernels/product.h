/* tensor/kernels/product.h: products of two matrices by kernels of our own, which read them where they lie. */
#ifndef TAP_TENSOR_KERNELS_PRODUCT_H
#define TAP_TENSOR_KERNELS_PRODUCT_H

#include "tensor/kernels/blis.h"

/* out = a b + (add ? out : 0) in this thread, for float32 or float64; rows of out are out_stride elements apart. Two ways to the same,
 * which round differently, so that the whole of a product must go one way:
 * - by tiles, any strides: each element is a sum over k from 0 on, of pieces whose length depends on the number of columns of a alone;
 * - by few rows, or few columns, of matrices in which k runs through memory: each element is a dot product. One pass over the large
 *   matrix is all.
 * In both, the bits are the same whatever part of a larger product this is. Sizes may be 0; tiles without terms leave out as it is.
 *
 * A running sum of float32 loses up to 1.5e-8 of its value with each term, where all have one sign and the same low bits. So registers
 * sum 32 terms (of a dot product, in each lane), and memory some such sums, one after the other; of a dot product, double sums what
 * has more than 512 terms in a lane. The error is then below 1e-6 of the sum of absolute values: for dot products of any length, and
 * for tiles up to TAP__LONG terms. Longer ones go by tap__long_product. */
typedef enum { TAP__TILED, TAP__DOT } tap__product_algorithm;
typedef void (*tap__product_kernel)(tap__matrix a, tap__matrix b, void *out, int64_t out_stride, bool add);
TAP__KERNEL_DECLARE(extern const tap__product_kernel, tap__product_kernels, [2][2]); /* float32, float64; by way */

static inline void tap__product(tap__product_algorithm way, tap_dtype dtype, tap__matrix a, tap__matrix b, void *out,
                                int64_t out_stride, bool add)
{
    TAP__KERNEL_PICK(tap__product_kernels)[dtype == TAP_F64][way](a, b, out, out_stride, add);
}

/* Whether a product needs memory for tap__long_product, as many doubles as it has elements. */
enum { TAP__LONG = 4096 };
static inline bool tap__product_is_long(tap__product_algorithm way, tap_dtype dtype, int64_t terms)
{
    return way == TAP__TILED && dtype == TAP_F32 && terms > TAP__LONG;
}

/* out = a b + (add ? out : 0), float32 by tiles, for any number of terms: those of TAP__LONG are summed in float32, and such sums in
 * total [a.rows,b.columns]. */
void tap__long_product(tap__matrix a, tap__matrix b, float *out, int64_t out_row, bool add, double *total);
/* total += a b; the sums of TAP__LONG terms are left in piece, whose rows are piece_row elements apart. */
void tap__add_product(tap__matrix a, tap__matrix b, float *piece, int64_t piece_row, double *total);
void tap__add_to_total(tap__matrix x, double *total); /* total += x, whose elements lie in rows */

/* The way for a whole product: adding up the lanes of vectors must be worth it. */
static inline tap__product_algorithm tap__product_algorithm_for(tap__matrix a, tap__matrix b)
{
    enum { FEW = 8, LONG = 64 };
    const bool along_k = a.column_stride == 1 && b.row_stride == 1 && a.columns >= LONG;
    return along_k && (a.rows <= FEW || b.columns <= FEW) ? TAP__DOT : TAP__TILED;
}

#endif
