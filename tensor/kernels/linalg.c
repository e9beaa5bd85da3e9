/* tensor/kernels/linalg.c: batches of factorizations and solves. Threads share the matrices of a batch and, for solves, strips
 * of STRIP columns of the right-hand sides. The kernels for one matrix are in linalg_template.h. */
#include "tensor/kernels/linalg.h"
#include "tensor/arena.h"
#include "tensor/cpu.h"
#include "tensor/internal.h"
#include "tensor/parallel.h"

#include <float.h>

enum { STRIP = 96 }; /* columns; a constant, so that the bits do not depend on the threads */

typedef struct {
    const tap__linalg_kernel *kernel;
    tap_tensor                a, pivots, x;
    int64_t                   n, columns, strips;
    bool                      upper, unit;
    int64_t                  *info;
    const int64_t            *shift;
    tap_tensor                weight;
} job;

bool tap__linalg_has_memory(int64_t n, tap_arena *a)
{
    return n <= TAP__LINALG_BLOCK || tap__blis_has_memory(a);
}

static job job_on(tap_tensor a)
{
    const tap__linalg_kernel *table = TAP__KERNEL_PICK(tap__linalg_kernels);
    return (job){ .kernel = &table[a.dtype == TAP_F64], .a = a, .n = a.shape.n[a.shape.rank - 1] };
}

/* The number of matrices (inner = 2) or vectors (inner = 1) in x: the product of all axes but the last `inner`. */
static int64_t count_of(tap_tensor x, int inner)
{
    int64_t count = 1;
    for (int i = 0; i < x.shape.rank - inner; i++) count *= x.shape.n[i];
    return count;
}

/* The matrix of x that belongs to matrix i of the batch `of`. x has as many leading axes as `of`; those of size 1 broadcast. */
static void *matrix_at(tap_tensor x, int inner, tap_tensor of, int64_t i)
{
    int64_t offset = 0;
    for (int k = x.shape.rank - inner - 1; k >= 0; k--) {
        if (x.shape.n[k] != 1) offset += i % of.shape.n[k] * x.stride[k];
        i /= of.shape.n[k];
    }
    return (char *)x.data + offset * (int64_t)tap_dtype_size(x.dtype);
}

static void share_matrices(job *j, tap__range_fn body)
{
    const int64_t count = count_of(j->a, 2);
    const double  n = (double)j->n;
    tap__parallel(count, tap__cost_ns((double)count * (n * n * n / 16 + n * n)), body, j);
}

/* Whether a matrix should be scaled: 1, down, if an element is near the largest of its type and none is so small that dividing
 * it by 2^20 would cost digits; -1, up, if no element is well above the smallest normal number and not all are 0; else 0. */
static int scaling_of(tap_dtype dtype, const void *x, int64_t count, int64_t stride)
{
    int large = 0, normal = 0, not_0 = 0, small = 0;
    for (int64_t i = 0; dtype == TAP_F32 && i < count; i++) {
        const float v = fabsf(((const float *)x)[i * stride]);
        large |= v > FLT_MAX / (1 << 16);
        normal |= v > FLT_MIN / FLT_EPSILON * (1 << 16);
        not_0 |= v > 0;
        small |= (v > 0) & (v < FLT_MIN * (1 << 20));
    }
    for (int64_t i = 0; dtype == TAP_F64 && i < count; i++) {
        const double v = fabs(((const double *)x)[i * stride]);
        large |= v > DBL_MAX / (1 << 16);
        normal |= v > DBL_MIN / DBL_EPSILON * (1 << 16);
        not_0 |= v > 0;
        small |= (v > 0) & (v < DBL_MIN * (1 << 20));
    }
    return large ? !small : not_0 && !normal ? -1 : 0;
}

static void scale_by_power(tap_dtype dtype, void *x, int64_t count, int64_t shift)
{
    for (int64_t i = 0; dtype == TAP_F32 && i < count; i++) ((float *)x)[i] = ldexpf(((float *)x)[i], (int)shift);
    for (int64_t i = 0; dtype == TAP_F64 && i < count; i++) ((double *)x)[i] = ldexp(((double *)x)[i], (int)shift);
}

void tap__scale_matrices(tap_tensor x, bool positive, int64_t *shift)
{
    const int64_t n = x.shape.n[x.shape.rank - 1], all = x.shape.n[x.shape.rank - 2] * n, up = x.dtype == TAP_F32 ? 48 : 78;
    for (int64_t i = 0; i < count_of(x, 2); i++) {
        void     *matrix = matrix_at(x, 2, x, i);
        const int size = positive ? scaling_of(x.dtype, matrix, n, n + 1) : scaling_of(x.dtype, matrix, all, 1);
        shift[i] = size < 0 ? up : size > 0 && !positive ? -20 : 0;
        if (shift[i]) scale_by_power(x.dtype, matrix, all, shift[i]);
    }
}

void tap__unscale_matrices(tap_tensor x, tap_tensor shift, tap_tensor rhs_shift, double by)
{
    const int64_t size = x.shape.n[x.shape.rank - 2] * x.shape.n[x.shape.rank - 1];
    for (int64_t i = 0; i < count_of(x, 2); i++) {
        int64_t of = *(const int64_t *)matrix_at(shift, 0, x, i);
        if (rhs_shift.data) of -= *(const int64_t *)matrix_at(rhs_shift, 0, x, i);
        if (of) scale_by_power(x.dtype, matrix_at(x, 2, x, i), size, (int64_t)floor(by * (double)of));
    }
}

static void cholesky_range(void *context, int64_t first, int64_t last)
{
    const job *j = context;
    for (int64_t i = first; i < last; i++) j->info[i] = j->kernel->cholesky(j->n, matrix_at(j->a, 2, j->a, i), j->upper);
}

void tap__cholesky(tap_tensor x, bool upper, int64_t *info)
{
    job j = job_on(x);
    j.upper = upper;
    j.info = info;
    share_matrices(&j, cholesky_range);
}

static void lu_range(void *context, int64_t first, int64_t last)
{
    const job *j = context;
    for (int64_t i = first; i < last; i++)
        j->info[i] = j->kernel->lu(j->n, matrix_at(j->a, 2, j->a, i), matrix_at(j->pivots, 1, j->a, i));
}

void tap__lu(tap_tensor x, tap_tensor pivots, int64_t *info)
{
    job j = job_on(x);
    j.pivots = pivots;
    j.info = info;
    share_matrices(&j, lu_range);
}

static void store(tap_dtype dtype, void *to, int64_t i, double value)
{
    if (!to) return;
    if (dtype == TAP_F32) ((float *)to)[i] = (float)value;
    else ((double *)to)[i] = value;
}

void tap__lu_determinant(tap_tensor lu, tap_tensor pivots, const int64_t *shift, void *det, void *sign, void *log)
{
    job j = job_on(lu);
    for (int64_t i = 0; i < count_of(lu, 2); i++) {
        double d, s, l;
        j.kernel->determinant(j.n, matrix_at(lu, 2, lu, i), matrix_at(pivots, 1, lu, i), shift ? shift[i] : 0, &d, &s, &l);
        store(lu.dtype, det, i, d);
        store(lu.dtype, sign, i, s);
        store(lu.dtype, log, i, l);
    }
}

/* Strips first..last-1 of the columns of all right-hand sides. */
static void solve_strips(void *context, int64_t first, int64_t last)
{
    const job *j = context;
    int        r = j->a.shape.rank;
    for (int64_t i = first; i < last; i++) {
        int64_t     item = i / j->strips, from = i % j->strips * STRIP;
        int64_t     columns = j->columns - from < STRIP ? j->columns - from : STRIP;
        char       *x = (char *)matrix_at(j->x, 2, j->x, item) + from * (int64_t)tap_dtype_size(j->x.dtype);
        tap__matrix a = { matrix_at(j->a, 2, j->x, item), j->n, j->n, j->a.stride[r - 2], j->a.stride[r - 1] };
        tap__blis_accepts(&a);
        if (j->pivots.data) {
            j->kernel->swap_rows(j->n, matrix_at(j->pivots, 1, j->x, item), x, columns, j->columns);
            j->kernel->solve(a, x, columns, j->columns, false, true);
        }
        j->kernel->solve(a, x, columns, j->columns, j->upper, j->unit);
    }
}

static void share_columns(job *j, tap_tensor x)
{
    j->x = x;
    j->columns = x.shape.n[x.shape.rank - 1];
    j->strips = (j->columns + STRIP - 1) / STRIP;
    tap__parallel(count_of(x, 2) * j->strips, tap_numel(x.shape) * (j->n / 8 + 1), solve_strips, j);
}

void tap__lu_solve(tap_tensor lu, tap_tensor pivots, tap_tensor x)
{
    job j = job_on(lu);
    j.pivots = pivots;
    j.upper = true;
    share_columns(&j, x);
}

bool tap__solve_triangular(tap_tensor a, tap_tensor x, bool upper, bool unit, tap_arena *scratch)
{
    int         r = a.shape.rank;
    void       *copy = NULL;
    tap__matrix m = { a.data, a.shape.n[r - 2], a.shape.n[r - 1], a.stride[r - 2], a.stride[r - 1] };
    if (!tap__linalg_has_memory(m.rows, scratch)) return false;
    if (!tap__blis_accepts(&m)) {
        copy = tap__arena_acquire(scratch, (size_t)tap_numel(a.shape) * tap_dtype_size(a.dtype));
        if (!copy) return false;
        tap__tensor_copy(tap_tensor_wrap(a.dtype, a.shape, copy), a, NULL);
        a = tap_tensor_wrap(a.dtype, a.shape, copy);
    }
    job j = job_on(a);
    j.upper = upper;
    j.unit = unit;
    share_columns(&j, x);
    if (copy) tap__arena_release(scratch, copy);
    return true;
}

static void cofactors_range(void *context, int64_t first, int64_t last)
{
    const job *j = context;
    for (int64_t i = first; i < last; i++) {
        const double  weight = j->weight.data ? tap_tensor_item(j->weight, i) : 1;
        const int64_t shift = j->shift ? j->shift[i] * (j->n - 1) : 0;
        j->kernel->cofactors(j->n, matrix_at(j->a, 2, j->a, i), matrix_at(j->pivots, 1, j->a, i),
                             tap__scaled_of(weight, -shift), matrix_at(j->x, 2, j->a, i));
    }
}

void tap__cofactors_of(tap_tensor a, tap_tensor pivots, const int64_t *shift, tap_tensor weight, tap_tensor out)
{
    job j = job_on(a);
    j.pivots = pivots;
    j.shift = shift;
    j.weight = weight;
    j.x = out;
    share_matrices(&j, cofactors_range);
}
