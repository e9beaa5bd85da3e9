/* Principal components of a sparse matrix. Its mean is taken off products with it, so that it stays sparse. */
#include <math.h>

#include "tensor/sparse/csr.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/internal.h"
#include "tensor/kernels/eigen.h"
#include "tensor/parallel.h"

enum { MORE = 10, ROUNDS = 12 }; /* directions beside those asked for, and times the matrix is multiplied with */

/* y = x q - 1 b^T: x [rows,columns], q [columns,n], b [n] */
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

/* Columns of q [rows,n] made orthonormal, by Gram and Schmidt, twice; one that depends on those before it becomes 0. */
static void orthonormalize(int64_t rows, int n, double *q)
{
    for (int k = 0; k < n; k++) {
        double before = 0, after = 0;
        for (int64_t i = 0; i < rows; i++) before += q[i * n + k] * q[i * n + k];
        for (int twice = 0; twice < 2; twice++) {
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

/* What the work is done in; x is centred by the means of its columns. */
typedef struct {
    tap_csr x, xt;
    int     n;
    double *q, *y, *mean, *b, *zeros; /* [columns,n], [rows,n], [columns], [n], [n] */
} search;

static void project(const search *s)
{
    for (int k = 0; k < s->n; k++) {
        s->b[k] = 0;
        for (int64_t i = 0; i < s->x.columns; i++) s->b[k] += s->mean[i] * s->q[i * s->n + k];
    }
    multiply(&(product){ s->x, s->n, s->q, s->b, s->y });
}

/* The columns of y add up to 0, so that the mean takes nothing off. */
static void project_back(const search *s)
{
    multiply(&(product){ s->xt, s->n, s->y, s->zeros, s->q });
}

/* The k largest of the n values, largest first. */
static void choose(int n, const double *values, int k, int *which)
{
    for (int i = 0; i < k; i++) {
        which[i] = -1;
        for (int j = 0; j < n; j++) {
            bool taken = false;
            for (int l = 0; l < i; l++) taken = taken || which[l] == j;
            if (!taken && (which[i] < 0 || values[j] > values[which[i]])) which[i] = j;
        }
    }
}

/* Within the directions found, those of y's own principal axes: y^T y = V^T D V. `square` is 0. */
static void turn(const search *s, int k, double *square, double *values, double *vectors, int *which, double *scores)
{
    const int n = s->n;
    for (int64_t i = 0; i < s->x.rows; i++)
        for (int a = 0; a < n; a++)
            for (int b = 0; b < n; b++) square[a * n + b] += s->y[i * n + a] * s->y[i * n + b];
    tap__symmetric_eigen(n, square, values, vectors);
    choose(n, values, k, which);
    for (int64_t i = 0; i < s->x.rows; i++) {
        for (int c = 0; c < k; c++) {
            double sum = 0;
            for (int a = 0; a < n; a++) sum += s->y[i * n + a] * vectors[which[c] * n + a];
            scores[i * k + c] = sum;
        }
    }
}

static double *numbers(tap_arena *a, int64_t n)
{
    return tap_arena_alloc(a, (size_t)n * sizeof(double));
}

static void find(tap_arena *work, tap_csr x, int k, uint64_t seed, double *scores)
{
    const int n = k + MORE < x.columns ? k + MORE : (int)x.columns;
    search    s = { .x = x, .n = n, .xt = tap_csr_transpose(work, x) };
    double   *square = numbers(work, n * n), *vectors = numbers(work, n * n), *values = numbers(work, n);
    int      *which = tap_arena_alloc(work, (size_t)k * sizeof *which);
    s.q = numbers(work, x.columns * n);
    s.y = numbers(work, x.rows * n);
    s.mean = numbers(work, x.columns);
    s.b = numbers(work, n);
    s.zeros = numbers(work, n);
    if (tap_arena_status(work, NULL) != TAP_OK) return;
    for (int64_t i = 0; i < x.columns; i++) {
        for (int64_t j = s.xt.start[i]; j < s.xt.start[i + 1]; j++) s.mean[i] += (double)s.xt.value[j];
        s.mean[i] /= (double)x.rows;
    }
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(x.columns, n), s.q), (tap_rng_key){ seed, tap_random_hash("pca"), 0 });
    project(&s);
    for (int i = 0; i < ROUNDS; i++) {
        project_back(&s);
        orthonormalize(x.columns, n, s.q);
        project(&s);
    }
    turn(&s, k, square, values, vectors, which, scores);
}

tap_tensor tap_csr_pca(tap_arena *a, tap_csr x, int64_t k, uint64_t seed)
{
    if (tap_arena_status(a, NULL) != TAP_OK) return (tap_tensor){ 0 };
    const char *wrong = tap__csr_error(x);
    if (wrong) return tap__tensor_fail(a, TAP_EARG, "csr_pca: %s", wrong);
    const int64_t smaller = x.rows < x.columns ? x.rows : x.columns, most = smaller < TAP__PCA_MAX ? smaller : TAP__PCA_MAX;
    if (k < 1 || k > most)
        return tap__tensor_fail(a, TAP_EARG, "csr_pca: %lld components of [%lld,%lld]; there are 1 to %lld", (long long)k,
                                (long long)x.rows, (long long)x.columns, (long long)most);
    tap_arena *work = tap__arena_new_internal();
    tap__arena_name(work, "csr_pca");
    tap_tensor scores = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(x.rows, k));
    if (scores.data) find(work, x, (int)k, seed, scores.data);
    tap__error_copy(tap_arena_error(a), tap_arena_error(work));
    tap_arena_free(work);
    return tap_arena_status(a, NULL) == TAP_OK ? scores : (tap_tensor){ 0 };
}
