/* tensor/kernels/linalg.h: factorizations of square matrices, and solving with them. Part of the seam that map.h describes. The
 * words are LAPACK's: pivots is its ipiv, info its info. */
#ifndef TAP_TENSOR_KERNELS_LINALG_H
#define TAP_TENSOR_KERNELS_LINALG_H

#include "tensor/cpu.h"
#include "tensor/kernels/blis.h"
#include "tensor/kernels/powers.h"

/* All functions take batches over leading axes, of float32 or float64. Tensors that are written to are contiguous. An array
 * "per matrix" is in C order of the leading axes. The bits do not depend on the number of threads. */

/* Matrices larger than TAP__LINALG_BLOCK are factored and solved by products that BLIS computes. Whether there is memory for
 * that, for n x n matrices; if not, the arena has failed. To be called before the functions below, except
 * tap__solve_triangular, which calls it. */
enum { TAP__LINALG_BLOCK = 32 };
bool tap__linalg_has_memory(int64_t n, tap_arena *a);

/* Scales each matrix of x [..,n,m] by a power of two, 2^shift, if its elements are so large that intermediate results may
 * overflow, or all so small that they are subnormal or nearly so. shift, per matrix, is 0 otherwise. For positive definite
 * matrices the diagonal decides, and shift is even and not negative. */
void tap__scale_matrices(tap_tensor x, bool positive, int64_t *shift);
/* x [..,n,m] *= 2^(by (shift - rhs_shift)), the scale of a solution of A y = b: shift is that of A and rhs_shift that of b,
 * [..], int64. Their leading axes of size 1 broadcast. rhs_shift without data is 0. */
void tap__unscale_matrices(tap_tensor x, tap_tensor shift, tap_tensor rhs_shift, double by);

/* x [..,n,n], of which one triangle is read, becomes its Cholesky factor: U (x = U^T U) if upper, else L (x = L L^T), with
 * zeros in the other triangle. info, per matrix: 0, or the order of the first leading minor that is not positive. */
void tap__cholesky(tap_tensor x, bool upper, int64_t *info);

/* x [..,n,n] becomes L (below the diagonal; its own diagonal is 1) and U (on and above it) of P x = L U, by partial pivoting.
 * pivots [..,n], int64: step k swapped rows k and pivots[k]. info, per matrix: 0, or the number (from 1) of the first pivot
 * that is 0. */
void tap__lu(tap_tensor x, tap_tensor pivots, int64_t *info);

/* x [..,n,m] becomes the solution y of A y = x, where tap__lu factored A into lu and pivots with info 0. Leading axes of size 1
 * in lu and pivots broadcast. */
void tap__lu_solve(tap_tensor lu, tap_tensor pivots, tap_tensor x);

/* Per matrix, in lu's dtype: the determinant, its sign, and the logarithm of its absolute value. Each of the three may be NULL.
 * shift: what tap__scale_matrices gave for the matrices before tap__lu, or NULL. */
void tap__lu_determinant(tap_tensor lu, tap_tensor pivots, const int64_t *shift, void *det, void *sign, void *log);

/* x [..,n,m] becomes the solution y of A y = x. A is the upper or lower triangle of a [..,n,n], with a diagonal of ones if
 * unit. a has the rank of x and any strides; its leading axes of size 1 broadcast. It is copied to scratch if BLIS does not
 * accept its strides; false without memory. */
bool tap__solve_triangular(tap_tensor a, tap_tensor x, bool upper, bool unit, tap_arena *scratch);

/* out [..,n,n] = weight times the cofactors of a (the transposed adjugate), d det(a) / d a, for singular a as well. weight [..]
 * without data is 1. a is contiguous and is overwritten. pivots [..,2n], int64, is a buffer. shift: as for
 * tap__lu_determinant. */
void tap__cofactors_of(tap_tensor a, tap_tensor pivots, const int64_t *shift, tap_tensor weight, tap_tensor out);

/* The kernels, for one matrix. a, lu and out are contiguous; the rows of x are stride elements apart. */
typedef struct {
    int64_t (*cholesky)(int64_t n, void *a, bool upper);
    int64_t (*lu)(int64_t n, void *a, int64_t *pivots);
    void (*swap_rows)(int64_t n, const int64_t *pivots, void *x, int64_t columns, int64_t stride);
    void (*determinant)(int64_t n, const void *lu, const int64_t *pivots, int64_t shift, double *det, double *sign,
                        double *log);
    void (*solve)(tap__matrix a, void *x, int64_t columns, int64_t stride, bool upper, bool unit);
    void (*cofactors)(int64_t n, void *a, int64_t *pivots, tap__scaled weight, void *out);
} tap__linalg_kernel;

TAP__KERNEL_DECLARE(extern const tap__linalg_kernel, tap__linalg_kernels, [2]); /* float32, float64 */

#endif
