/* tensor/sparse/pca.c: principal components of a sparse matrix, by randomized subspace iteration (Halko, Martinsson & Tropp
 * 2011). Columns are not centred in memory, so that the matrix stays sparse: products with it are corrected by the mean. */
#include <math.h>

#include "tensor/sparse/csr.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/internal.h"
#include "tensor/kernels/eigen.h"
#include "tensor/parallel.h"

enum { OVERSAMPLING = 10, ITERATIONS = 12 }; /* more directions than components; powers of x^T x */

/* y = x q - 1 b^T, with x [rows,columns], q [columns,n], b [n] and y [rows,n]. */
typedef struct {
    tap_csr       x;
    int           n;
    const double *q, *b;
    double       *y;
} product;

static void multiply_rows(void *context, int64_t first, int64_t last)
{
    const product *p = context;
    for (int64_t i = first; i < last; i++) {
        double *y = p->y + i * p->n;
        for (int k = 0; k < p->n; k++) y[k] = -p->b[k];
        for (int64_t j = p->x.start[i]; j < p->x.start[i + 1]; j++) {
            const double *q = p->q + (int64_t)p->x.column[j] * p->n, value = (double)p->x.value[j];
            for (int k = 0; k < p->n; k++) y[k] += value * q[k];
        }
    }
}

static void multiply(product *p)
{
    tap__parallel(p->x.rows, tap__cost_ns(0.5 * p->n * (double)(p->x.start[p->x.rows] + p->x.rows)), multiply_rows, p);
}

/* Makes the columns of q [rows,n] orthonormal, by Gram-Schmidt with one reorthogonalization. A column that depends on those
 * before it becomes 0. */
static void orthonormalize(int64_t rows, int n, double *q)
{
    for (int k = 0; k < n; k++) {
        double before = 0, after = 0;
        for (int64_t i = 0; i < rows; i++) before += q[i * n + k] * q[i * n + k];
        for (int pass = 0; pass < 2; pass++) {
            for (int l = 0; l < k; l++) {
                double dot = 0;
                for (int64_t i = 0; i < rows; i++) dot += q[i * n + l] * q[i * n + k];
                for (int64_t i = 0; i < rows; i++) q[i * n + k] -= dot * q[i * n + l];
            }
        }
        for (int64_t i = 0; i < rows; i++) after += q[i * n + k] * q[i * n + k];
        const double scale = after > 1e-24 * before ? 1 / sqrt(after) : 0;
        for (int64_t i = 0; i < rows; i++) q[i * n + k] *= scale;
    }
}

/* The matrix and the arrays of the iteration. mean: of x's columns. */
typedef struct {
    tap_csr x, xt;
    int     n;
    double *q, *y, *mean, *b, *zeros; /* [columns,n], [rows,n], [columns], [n], [n] */
} workspace;

/* y = (centred x) q. */
static void project(const workspace *s)
{
    for (int k = 0; k < s->n; k++) {
        s->b[k] = 0;
        for (int64_t i = 0; i < s->x.columns; i++) s->b[k] += s->mean[i] * s->q[i * s->n + k];
    }
    multiply(&(product){ s->x, s->n, s->q, s->b, s->y });
}

/* q = (centred x)^T y. The columns of y add up to 0, so that no correction by the mean is needed. */
static void project_transposed(const workspace *s)
{
    multiply(&(product){ s->xt, s->n, s->y, s->zeros, s->q });
}

/* Sets index to the k largest of the n values, the largest first. */
static void select_largest(int n, const double *values, int k, int *index)
{
    for (int i = 0; i < k; i++) {
        index[i] = -1;
        for (int j = 0; j < n; j++) {
            bool selected = false;
            for (int l = 0; l < i; l++) selected = selected || index[l] == j;
            if (!selected && (index[i] < 0 || values[j] > values[index[i]])) index[i] = j;
        }
    }
}

/* Rotates y to its principal axes, the eigenvectors of gram = y^T y, and stores the first k columns in scores. gram is
 * zeroed. */
static void rotate_to_principal_axes(const workspace *s, int k, double *gram, double *values, double *vectors, int *index,
                                     double *scores)
{
    const int n = s->n;
    for (int64_t i = 0; i < s->x.rows; i++)
        for (int a = 0; a < n; a++)
            for (int b = 0; b < n; b++) gram[a * n + b] += s->y[i * n + a] * s->y[i * n + b];
    tap__symmetric_eigen(n, gram, values, vectors);
    select_largest(n, values, k, index);
    for (int64_t i = 0; i < s->x.rows; i++) {
        for (int c = 0; c < k; c++) {
            double sum = 0;
            for (int a = 0; a < n; a++) sum += s->y[i * n + a] * vectors[index[c] * n + a];
            scores[i * k + c] = sum;
        }
    }
}

static double *alloc_doubles(tap_arena *a, int64_t n)
{
    return tap_arena_alloc(a, (size_t)n * sizeof(double));
}

static void compute_scores(tap_arena *work, tap_csr x, int k, uint64_t seed, double *scores)
{
    const int n = k + OVERSAMPLING < x.columns ? k + OVERSAMPLING : (int)x.columns;
    workspace s = { .x = x, .n = n, .xt = tap_csr_transpose(work, x) };
    double   *gram = alloc_doubles(work, n * n), *vectors = alloc_doubles(work, n * n), *values = alloc_doubles(work, n);
    int      *index = tap_arena_alloc(work, (size_t)k * sizeof *index);
    s.q = alloc_doubles(work, x.columns * n);
    s.y = alloc_doubles(work, x.rows * n);
    s.mean = alloc_doubles(work, x.columns);
    s.b = alloc_doubles(work, n);
    s.zeros = alloc_doubles(work, n);
    if (tap_arena_status(work, NULL) != TAP_OK) return;
    for (int64_t i = 0; i < x.columns; i++) {
        for (int64_t j = s.xt.start[i]; j < s.xt.start[i + 1]; j++) s.mean[i] += (double)s.xt.value[j];
        s.mean[i] /= (double)x.rows;
    }
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(x.columns, n), s.q), (tap_rng_key){ seed, tap_random_hash("pca"), 0 });
    project(&s);
    for (int i = 0; i < ITERATIONS; i++) {
        project_transposed(&s);
        orthonormalize(x.columns, n, s.q);
        project(&s);
    }
    rotate_to_principal_axes(&s, k, gram, values, vectors, index, scores);
}

tap_tensor tap_csr_pca(tap_arena *a, tap_csr x, int64_t k, uint64_t seed)
{
    if (tap_arena_status(a, NULL) != TAP_OK) return (tap_tensor){ 0 };
    const char *problem = tap__csr_error(x);
    if (problem) return tap__tensor_fail(a, TAP_EARG, "csr_pca: %s", problem);
    const int64_t min_size = x.rows < x.columns ? x.rows : x.columns, max = min_size < TAP__PCA_MAX ? min_size : TAP__PCA_MAX;
    if (k < 1 || k > max)
        return tap__tensor_fail(a, TAP_EARG, "csr_pca: k must be 1 to %lld for [%lld,%lld], not %lld", (long long)max,
                                (long long)x.rows, (long long)x.columns, (long long)k);
    tap_arena *work = tap__arena_new_internal();
    tap__arena_name(work, "csr_pca");
    tap_tensor scores = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(x.rows, k));
    if (scores.data) compute_scores(work, x, (int)k, seed, scores.data);
    tap__error_copy(tap_arena_error(a), tap_arena_error(work));
    tap_arena_free(work);
    return tap_arena_status(a, NULL) == TAP_OK ? scores : (tap_tensor){ 0 };
}
