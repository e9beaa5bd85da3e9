/* tensor/kernels/eigen.c: eigenvalues of symmetric matrices, by Jacobi's rotations: slower than others, and as exact as any. */
#include <math.h>
#include <stdbool.h>

#include "tensor/kernels/eigen.h"

/* Rotates rows i and k of x, stride 1 between their n elements or, for columns, the row's length. */
static void rotate(double *x, int n, int i, int k, bool columns, double c, double s)
{
    const int along = columns ? n : 1, across = columns ? 1 : n;
    for (int j = 0; j < n; j++) {
        double *p = x + j * along + i * across, *q = x + j * along + k * across, was = *p;
        *p = c * was - s * *q;
        *q = s * was + c * *q;
    }
}

/* The rotation that makes a[i][k] zero (Golub & Van Loan, section 8.5). */
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
    double size = 0;
    for (int i = 0; i < n * n; i++) size = hypot(size, a[i]);
    for (int i = 0; q && i < n * n; i++) q[i] = i % (n + 1) == 0;
    for (int sweep = 0, rotations = 1; rotations && sweep < 50; sweep++) {
        rotations = 0;
        for (int i = 0; i < n; i++)
            for (int k = i + 1; k < n; k++) {
                if (!(fabs(a[i * n + k]) > 1e-16 * size)) continue;
                annihilate(n, a, q, i, k);
                rotations++;
            }
    }
    for (int i = 0; i < n; i++) values[i] = a[i * n + i];
}
