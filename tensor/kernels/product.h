/* tensor/kernels/product.h: the product of two strided matrices in one thread, by kernels that read both operands without
 * copies. */
#ifndef TAP_TENSOR_KERNELS_PRODUCT_H
#define TAP_TENSOR_KERNELS_PRODUCT_H

#include "tensor/kernels/blis.h"
#include "tensor/cpu.h"

/* out = a b + (add ? out : 0) in this thread, for float32 or float64; rows of out are out_stride elements apart. Two algorithms
 * with different rounding; choose once per product, never per tile:
 * - TAP__TILED, for any strides: each element is a sum over k, in order, of blocks whose length depends on the number of
 *   columns of a alone;
 * - TAP__DOT, for few rows or few columns of matrices in which k is contiguous: each element is a dot product. The larger
 *   matrix is read once.
 * In both, an element has the same bits in any part of a larger product. Sizes may be 0; TAP__TILED without terms leaves out as
 * it is.
 *
 * A running sum in float32 loses up to 1.5e-8 of its value with each term, in the worst case: all terms have one sign and the
 * same low bits. So registers sum blocks of 32 terms (in each lane, for TAP__DOT), and the sums of blocks are added up in
 * memory; TAP__DOT continues in double after 512 terms of a lane. The error is then below 1e-6 of the sum of absolute values:
 * for dot products of any length, and for tiles of up to TAP__LONG terms. Longer sums take tap__long_product. */
typedef enum { TAP__TILED, TAP__DOT } tap__product_algorithm;
typedef void (*tap__product_kernel)(tap__matrix a, tap__matrix b, void *out, int64_t out_stride, bool add);
TAP__KERNEL_DECLARE(extern const tap__product_kernel, tap__product_kernels, [2][2]); /* [float32, float64][algorithm] */

static inline void tap__product(tap__product_algorithm algorithm, tap_dtype dtype, tap__matrix a, tap__matrix b, void *out,
                                int64_t out_stride, bool add)
{
    TAP__KERNEL_PICK(tap__product_kernels)[dtype == TAP_F64][algorithm](a, b, out, out_stride, add);
}

/* Whether a product with this number of terms per sum must be a tap__long_product, which needs memory for one double per element of out. */
enum { TAP__LONG = 4096 };
static inline bool tap__product_is_long(tap__product_algorithm algorithm, tap_dtype dtype, int64_t terms)
{
    return algorithm == TAP__TILED && dtype == TAP_F32 && terms > TAP__LONG;
}

/* out = a b + (add ? out : 0) by TAP__TILED in float32, for any number of terms: blocks of TAP__LONG terms are summed in
 * float32, and their sums in total [a.rows,b.columns]. */
void tap__long_product(tap__matrix a, tap__matrix b, float *out, int64_t out_row, bool add, double *total);
/* total += a b. block is overwritten with the sums of TAP__LONG terms; its rows are block_row elements apart. */
void tap__add_product(tap__matrix a, tap__matrix b, float *block, int64_t block_row, double *total);
void tap__add_to_total(tap__matrix x, double *total); /* total += x, float32, whose column stride is 1 */

/* The algorithm for a whole product: TAP__DOT pays if the sums are long enough for the horizontal sums of vectors at their
 * end. */
static inline tap__product_algorithm tap__product_algorithm_for(tap__matrix a, tap__matrix b)
{
    enum { MAX_ROWS = 8, MIN_TERMS = 64 };
    const bool along_k = a.column_stride == 1 && b.row_stride == 1 && a.columns >= MIN_TERMS;
    return along_k && (a.rows <= MAX_ROWS || b.columns <= MAX_ROWS) ? TAP__DOT : TAP__TILED;
}

#endif
