/* examples/vae_generate/frechet.c: how far two Gaussians are apart. */
#include "vae_generate.h"

#include <math.h>

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

void symmetric_eigen(int n, double *a, double *values, double *q)
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

static tap_var covariance(tap_var x)
{
    tap_var d = tap_sub(x, tap_mean(x, TAP_AXES(0)));
    return tap_mul_scalar(tap_matmul(tap_mT(d), d), 1.0 / (double)(tap_shape_of(x).n[0] - 1));
}

/* tr sqrt(A B): A B has the eigenvalues of sqrt(A) B sqrt(A), which is symmetric; sqrt(A) = Q^T sqrt(D) Q. */
static double trace_of_root(tap_tape *t, tap_arena *m, tap_var a, tap_var b)
{
    const int  n = (int)tap_shape_of(a).n[0];
    tap_tensor values = tap_tensor_zeros(m, TAP_F64, TAP_SHAPE(n)), q = tap_tensor_zeros(m, TAP_F64, TAP_SHAPE(n, n)),
               work = tap_tensor_zeros(m, TAP_F64, TAP_SHAPE(n, n));
    double sum = 0;
    if (tap_tape_status(t, NULL) || tap_arena_status(m, NULL)) return (double)NAN;
    tap_tensor_copy(work, tap_value(a), NULL);
    symmetric_eigen(n, work.data, values.data, q.data);
    tap_var vectors = tap_input(t, q), roots = tap_sqrt(tap_relu(tap_input(t, values)));
    tap_var root = tap_matmul(tap_mul(tap_mT(vectors), roots), vectors), product = tap_matmul(root, tap_matmul(b, root));
    tap_tensor_copy(work, tap_value(product), NULL);
    symmetric_eigen(n, work.data, values.data, NULL);
    for (int i = 0; i < n; i++) sum += sqrt(fmax(tap_tensor_item(values, i), 0));
    return sum;
}

double frechet_distance(tap_tensor a, tap_tensor b)
{
    tap_tape  *t = tap_tape_new(TAP_F64, 0);
    tap_arena *memory = tap_arena_new();
    tap_tape_set_recording(t, false);
    tap_var x = tap_input(t, a), y = tap_input(t, b), A = covariance(x), B = covariance(y);
    tap_var means = tap_sum(tap_square(tap_sub(tap_mean(x, TAP_AXES(0)), tap_mean(y, TAP_AXES(0)))), TAP_ALL);
    double  apart = tap_item(means) + tap_item(tap_trace(tap_add(A, B))) - 2 * trace_of_root(t, memory, A, B);
    tap_arena_free(memory);
    tap_tape_free(t);
    return apart;
}
