/* Matrix products: batches over leading axes, each a call of a kernel on views. */
#include <string.h>

#include "tensor/kernels/matmul.h"
#include "tensor/kernels/product.h"

/* Rows or columns are shared out in multiples of what kernels compute at a time; rows where there are enough of them: a thread then
 * has the same rows of a weight's gradient that it has of the weight, and of the optimizer's state. */
enum { TILE = 48, ROWS_FIRST = 8 };

/* Leading axes as loops, and the last two as a product of m x k by k x n. */
typedef struct {
    int     rank;
    int64_t n[TAP_MAX_RANK];
    int64_t a_step[TAP_MAX_RANK], b_step[TAP_MAX_RANK], out_step[TAP_MAX_RANK];
    int64_t count;
} batch;

static tap__matrix last_two(tap_tensor x)
{
    int r = x.shape.rank;
    return (tap__matrix){ x.data, x.shape.n[r - 2], x.shape.n[r - 1], x.stride[r - 2], x.stride[r - 1] };
}

/* [..,m,k] x [k,n] is one product of all rows when the rows of a follow each other as evenly as those of out do. */
static void fold_rows(batch *l, tap__matrix *a)
{
    while (l->rank > 0) {
        int         i = l->rank - 1;
        tap__matrix all = *a;
        if (a->rows == 1) all.row_stride = l->a_step[i];
        all.rows *= l->n[i];
        if (l->b_step[i] != 0 || l->a_step[i] != all.row_stride * a->rows) return;
        if (!tap__blis_accepts(&all)) return; /* rows that repeat, overlap or run backwards */
        *a = all;
        l->count /= l->n[i];
        l->rank--;
    }
}

static batch batch_of(tap_tensor a, tap_tensor b, tap_tensor out)
{
    batch l = { .rank = 0, .count = 1 };
    for (int i = 0; i < out.shape.rank - 2; i++) {
        if (out.shape.n[i] == 1) continue;
        l.n[l.rank] = out.shape.n[i];
        l.a_step[l.rank] = a.shape.n[i] == 1 ? 0 : a.stride[i];
        l.b_step[l.rank] = b.shape.n[i] == 1 ? 0 : b.stride[i];
        l.out_step[l.rank] = out.stride[i];
        l.count *= l.n[l.rank++];
    }
    return l;
}

/* *copy is set to the memory of a copy that had to be made. */
static bool usable_by_blis(tap_tensor *x, tap_arena *scratch, void **copy)
{
    tap__matrix m = last_two(*x);
    if (tap__blis_accepts(&m)) return true;
    void *p = tap__arena_acquire(scratch, (size_t)tap_numel(x->shape) * tap_dtype_size(x->dtype));
    if (!p) return false;
    tap_tensor y = tap_tensor_wrap(x->dtype, x->shape, p);
    tap__tensor_copy(y, *x, NULL);
    *x = y;
    *copy = p;
    return true;
}

typedef struct {
    batch                  l;
    tap_tensor             a, b, out;
    tap__matrix            am, bm; /* of the first product */
    bool                   add, by_columns, by_blis;
    tap__product_algorithm way;
    double                *total; /* of long products, for each element of out */
} job;

/* total: the first of as many as this part of out has elements. */
static void multiply(const job *j, tap__matrix a, tap__matrix b, void *out, int64_t out_stride, int64_t total)
{
    if (j->by_blis) tap__gemm(j->out.dtype, 1, a, b, out, out_stride, j->add);
    else if (j->total) tap__long_product(a, b, out, out_stride, j->add, j->total + total);
    else tap__product(j->way, j->out.dtype, a, b, out, out_stride, j->add);
}

/* Products first..last-1 of the batch. */
static void whole_products(const void *context, int64_t first, int64_t last)
{
    const job *j = context;
    int64_t    size = (int64_t)tap_dtype_size(j->out.dtype);
    for (int64_t i = first; i < last; i++) {
        tap__matrix am = j->am, bm = j->bm;
        int64_t     at_a = 0, at_b = 0, at_out = 0, rest = i;
        for (int k = j->l.rank - 1; k >= 0; k--) {
            int64_t index = rest % j->l.n[k];
            rest /= j->l.n[k];
            at_a += index * j->l.a_step[k];
            at_b += index * j->l.b_step[k];
            at_out += index * j->l.out_step[k];
        }
        am.data = (char *)j->a.data + at_a * size;
        bm.data = (char *)j->b.data + at_b * size;
        multiply(j, am, bm, (char *)j->out.data + at_out * size, bm.columns, i * am.rows * bm.columns);
    }
}

/* Tiles first..last-1 of one product: some of its columns or, where there are more, of its rows. An element is summed in
 * the same order whichever range it falls into. */
static void tiles_of_one(const void *context, int64_t first, int64_t last)
{
    const job  *j = context;
    tap__matrix am = j->am, bm = j->bm;
    int64_t     size = (int64_t)tap_dtype_size(j->out.dtype), n = bm.columns, whole = j->by_columns ? n : am.rows;
    int64_t     from = first * TILE, count = (last * TILE < whole ? last * TILE : whole) - from;
    if (j->by_columns) {
        bm.columns = count;
        bm.data = (const char *)bm.data + from * bm.column_stride * size;
        multiply(j, am, bm, (char *)j->out.data + from * size, n, from * am.rows);
    } else {
        am.rows = count;
        am.data = (const char *)am.data + from * am.row_stride * size;
        multiply(j, am, bm, (char *)j->out.data + from * n * size, n, from * n);
    }
}

/* Whether columns are shared out, not rows. */
static bool is_wide(int64_t rows, int64_t columns)
{
    return columns >= rows && rows < ROWS_FIRST * TILE;
}

/* The nanoseconds that all products take, roughly: one for 48 terms. */
static int64_t steps_of(const job *j)
{
    return tap__cost_ns((double)j->l.count * (double)j->am.rows * (double)j->bm.columns * (double)j->am.columns / 48);
}

static job job_of(tap_tensor a, tap_tensor b, tap_tensor out, bool add)
{
    job j = { .l = batch_of(a, b, out), .a = a, .b = b, .out = out, .am = last_two(a), .bm = last_two(b), .add = add };
    if (j.l.rank > 0) fold_rows(&j.l, &j.am);
    tap__blis_accepts(&j.am);
    tap__blis_accepts(&j.bm);
    j.by_columns = is_wide(j.am.rows, j.bm.columns);
    j.way = tap__product_algorithm_for(j.am, j.bm);
    return j;
}

/* Threads are ours, one product each: BLIS's own would spin at barriers, which stalls for whole time slices on a busy machine. */
static void run(const job *j)
{
    int64_t tiles = ((j->by_columns ? j->bm.columns : j->am.rows) + TILE - 1) / TILE;
    if (j->l.count > 1) tap__parallel(j->l.count, steps_of(j), whole_products, j);
    else tap__parallel(tiles, steps_of(j), tiles_of_one, j);
}

static bool nothing_to_add(tap_tensor a, tap_tensor out, bool add)
{
    if (tap_numel(out.shape) == 0) return true;
    if (a.shape.n[a.shape.rank - 1] > 0) return false;
    if (!add) memset(out.data, 0, (size_t)tap_numel(out.shape) * tap_dtype_size(out.dtype));
    return true;
}

bool tap__matmul(tap_tensor a, tap_tensor b, tap_tensor out, bool add, tap_arena *scratch)
{
    if (nothing_to_add(a, out, add)) return true;
    job j = job_of(a, b, out, add);
    if (tap__product_is_long(j.way, out.dtype, j.am.columns)) {
        j.total = tap__arena_acquire(scratch, (size_t)tap_numel(out.shape) * sizeof *j.total);
        if (!j.total) return false;
    }
    run(&j);
    if (j.total) tap__arena_release(scratch, j.total);
    return true;
}

bool tap__matmul_by_blis(tap_tensor a, tap_tensor b, tap_tensor out, bool add, tap_arena *scratch)
{
    if (nothing_to_add(a, out, add)) return true;
    void *copy[2] = { NULL, NULL };
    bool  ok = tap__blis_has_memory(scratch) && usable_by_blis(&a, scratch, &copy[0]) && usable_by_blis(&b, scratch, &copy[1]);
    if (ok) {
        job j = job_of(a, b, out, add);
        j.by_blis = true;
        run(&j);
    }
    for (int i = 0; i < 2; i++) {
        if (copy[i]) tap__arena_release(scratch, copy[i]);
    }
    return ok;
}
