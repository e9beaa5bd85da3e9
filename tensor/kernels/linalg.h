/* tensor/kernels/linalg.h: factorizations of square matrices, and solving with them. */
#ifndef TAP_TENSOR_KERNELS_LINALG_H
#define TAP_TENSOR_KERNELS_LINALG_H

#include "tensor/kernels/blis.h"
#include "tensor/kernels/powers.h"

/* All take batches over leading axes, float32 or float64; the bits do not depend on the number of threads. What is written to
 * is contiguous; "per matrix" is in C order of its leading axes. */

/* Larger matrices are factored, and solved with, by products of BLIS's. Whether it has memory for an n x n one; if not, the
 * arena has failed. To be asked before the functions below are called, but for solve_triangular, which does. */
enum { TAP__LINALG_BLOCK = 32 };
bool tap__linalg_has_memory(int64_t n, tap_arena *a);

/* Matrices [..,n,m] that leave no room for what is between, or whose numbers are subnormal, are multiplied by a power of two,
 * 2^shift per matrix: 0 for most. The diagonal of a positive definite matrix says how large it is; its shift is even, and not
 * below 0. */
void tap__scale_matrices(tap_tensor x, bool positive, int64_t *shift);
/* x [..,n,m] times 2^(by (shift - less)). Leading axes of size 1 in shift and less [..], int64, repeat; less may have no data:
 * 0. */
void tap__unscale_matrices(tap_tensor x, tap_tensor shift, tap_tensor less, double by);

/* x [..,n,n], of which one triangle is read, becomes its Cholesky factor U (x = U^T U) or else L (x = L L^T), with zeros in the
 * other triangle. bad, per matrix: 0, or the order of the first leading minor that is not positive. */
void tap__cholesky(tap_tensor x, bool upper, int64_t *bad);

/* x [..,n,n] becomes L (of unit diagonal, below) and U (on and above the diagonal) of P x = L U. swap [..,n], int64: step k
 * exchanged rows k and swap[k]. bad, per matrix: 0, or the number (from 1) of the first pivot that is 0. */
void tap__lu(tap_tensor x, tap_tensor swap, int64_t *bad);

/* x [..,n,m] becomes the solution y of A y = x, where A was factored into lu and swap, with no bad pivot. Leading axes of size
 * 1 in lu and swap repeat. */
void tap__lu_solve(tap_tensor lu, tap_tensor swap, tap_tensor x);

/* Determinants, per matrix, of the tensors' dtype, where they are not NULL. log is that of the absolute value. shift: what the
 * matrices were settled by; NULL: by nothing. */
void tap__lu_determinant(tap_tensor lu, tap_tensor swap, const int64_t *shift, void *det, void *sign, void *log);

/* x [..,n,m] becomes the solution y of A y = x, A being one triangle of a [..,n,n], with ones for its diagonal if unit. a has
 * the rank of x; leading axes of size 1 repeat, strides are free. A copy that BLIS may ask for is made in scratch; false if
 * there is no memory. */
bool tap__solve_triangular(tap_tensor a, tap_tensor x, bool upper, bool unit, tap_arena *scratch);

/* out [..,n,n]: the cofactors of a (the transposed adjugate), d det(a) / d a, for singular a as well, times weight [..], whose
 * data may be NULL: 1. a is contiguous, and destroyed; swap [..,2n], int64, is for its use; shift as above. */
void tap__cofactors_of(tap_tensor a, tap_tensor swap, const int64_t *shift, tap_tensor weight, tap_tensor out);

/* The same for one matrix. Rows of a, lu and out follow each other without gaps, rows of x are stride elements apart. */
typedef struct {
    int64_t (*cholesky)(int64_t n, void *a, bool upper);
    int64_t (*lu)(int64_t n, void *a, int64_t *swap);
    void (*swap_rows)(int64_t n, const int64_t *swap, void *x, int64_t columns, int64_t stride);
    void (*determinant)(int64_t n, const void *lu, const int64_t *swap, int64_t shift, double *det, double *sign, double *log);
    void (*solve)(tap__matrix a, void *x, int64_t columns, int64_t stride, bool upper, bool unit);
    void (*cofactors)(int64_t n, void *a, int64_t *swap, tap__scaled weight, void *out);
} tap__linalg_kernel;

/* float32, float64 */
#if defined(__x86_64__)
extern const tap__linalg_kernel tap__linalg_kernels_avx2[2], tap__linalg_kernels_avx512[2];
#endif
extern const tap__linalg_kernel tap__linalg_kernels_generic[2];

#endif
