/* tensor/kernels/eigen.c: eigenvalues and eigenvectors of a symmetric matrix, by the cyclic Jacobi method (Golub & Van Loan,
 * Matrix Computations, section 8.5). It is slower than tridiagonalization, simple, and as accurate as any method. */
#include <math.h>
#include <stdbool.h>

#include "tensor/kernels/eigen.h"

/* Rotates rows i and k of x [n,n], or its columns i and k. */
static void rotate(double *x, int n, int i, int k, bool columns, double c, double s)
{
    const int along = columns ? n : 1, across = columns ? 1 : n;
    for (int j = 0; j < n; j++) {
        double *p = x + j * along + i * across, *q = x + j * along + k * across, old = *p;
        *p = c * old - s * *q;
        *q = s * old + c * *q;
    }
}

/* Applies to a, and to the eigenvectors q, the rotation that makes a[i][k] zero. */
static void annihilate(int n, double *a, double *q, int i, int k)
{
    const double tau = (a[k * n + k] - a[i * n + i]) / (2 * a[i * n + k]);
    const double t = copysign(1, tau) / (fabs(tau) + hypot(1, tau)), c = 1 / hypot(1, t), s = t * c;
    rotate(a, n, i, k, false, c, s);
    rotate(a, n, i, k, true, c, s);
    a[i * n + k] = a[k * n + i] = 0;
    if (q) rotate(q, n, i, k, false, c, s);
}

void tap__symmetric_eigen(int n, double *a, double *values, double *q)
{
    double norm = 0;
    for (int i = 0; i < n * n; i++) norm = hypot(norm, a[i]);
    for (int i = 0; q && i < n * n; i++) q[i] = i % (n + 1) == 0;
    for (int sweep = 0, rotations = 1; rotations && sweep < 50; sweep++) {
        rotations = 0;
        for (int i = 0; i < n; i++)
            for (int k = i + 1; k < n; k++) {
                if (!(fabs(a[i * n + k]) > 1e-16 * norm)) continue;
                annihilate(n, a, q, i, k);
                rotations++;
            }
    }
    for (int i = 0; i < n; i++) values[i] = a[i * n + i];
}
