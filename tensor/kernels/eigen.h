/* tensor/kernels/eigen.h: eigenvalues and eigenvectors of symmetric matrices. Not installed. */
#ifndef TAP_TENSOR_KERNELS_EIGEN_H
#define TAP_TENSOR_KERNELS_EIGEN_H

/* Eigenvalues of the symmetric a [n,n], which is overwritten; the rows of q [n,n] (may be NULL) become the eigenvectors.
 * Costs a few multiples of n^3 operations. */
void tap__symmetric_eigen(int n, double *a, double *values, double *q);

#endif
