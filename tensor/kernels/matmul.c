/* tensor/kernels/matmul.c: products of matrices over leading axes, and how threads share them.
 *
 * A call becomes a job: a batch_loop over the leading axes, whose steps are 0 where an operand broadcasts, and one tap__matrix
 * for each operand's last two axes. Leading axes that continue the rows of a are folded into its rows first, so that [..,m,k] x
 * [k,n], a linear layer, is one large product. Then
 * - several products are shared out whole, one product being the unit of work;
 * - a single product is cut into row tiles or column tiles of SHARE_TILE, and a thread computes a range of neighbouring tiles.
 * The kernel is tap__product, or tap__long_product, which sums in double, for sums of more than TAP__LONG terms (product.h).
 *
 * Invariants:
 * - The algorithm is chosen once, from the whole product, as the algorithms round differently.
 * - An element is summed over k in an order that depends on the shapes alone: threads share rows and columns, never k. So the
 *   bits do not depend on the number of threads.
 * - A thread's tiles are neighbours, and for results with many rows they are whole rows: the thread that computes some rows of
 *   a weight's gradient is the thread that updates them.
 * - Only tap__matmul_by_blis calls BLIS. It never gives BLIS more than one thread. */
#include <string.h>

#include "tensor/kernels/matmul.h"
#include "tensor/kernels/product.h"
#include "tensor/arena.h"
#include "tensor/internal.h"
#include "tensor/parallel.h"

/* Work is split by row tiles (by column tiles for short, wide results). Row tiles keep a weight's gradient on the thread that
 * updates it. SHARE_TILE is a multiple of what the micro-kernels compute at a time. */
enum { SHARE_TILE = 48, MIN_ROW_TILES = 8 };

/* The loops over leading axes: steps are in elements, 0 where an operand broadcasts. */
typedef struct {
    int     rank;
    int64_t n[TAP_MAX_RANK];
    int64_t a_step[TAP_MAX_RANK], b_step[TAP_MAX_RANK], out_step[TAP_MAX_RANK];
    int64_t count;
} batch_loop;

static tap__matrix last_two(tap_tensor x)
{
    int r = x.shape.rank;
    return (tap__matrix){ x.data, x.shape.n[r - 2], x.shape.n[r - 1], x.stride[r - 2], x.stride[r - 1] };
}

/* [..,m,k] x [k,n] is one product of all rows if the row stride of a continues over the leading axis. out is contiguous. */
static void fold_rows(batch_loop *l, tap__matrix *a)
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

static batch_loop batch_loop_of(tap_tensor a, tap_tensor b, tap_tensor out)
{
    batch_loop l = { .rank = 0, .count = 1 };
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

/* Replaces *x by a copy if BLIS does not accept its strides. *copy is the memory of that copy, for the caller to release. */
static bool copy_for_blis(tap_tensor *x, tap_arena *scratch, void **copy)
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
    batch_loop             l;
    tap_tensor             a, b, out;
    tap__matrix            am, bm; /* the matrices of the first product */
    bool                   add, by_columns, by_blis;
    tap__product_algorithm algorithm;
    double                *totals; /* for long products, one per element of out; or NULL */
} job;

/* first_total: the index in j->totals of this part of out. */
static void one_product(const job *j, tap__matrix a, tap__matrix b, void *out, int64_t out_stride, int64_t first_total)
{
    if (j->by_blis) tap__gemm(j->out.dtype, 1, a, b, out, out_stride, j->add);
    else if (j->totals) tap__long_product(a, b, out, out_stride, j->add, j->totals + first_total);
    else tap__product(j->algorithm, j->out.dtype, a, b, out, out_stride, j->add);
}

/* Thread body: products first..last-1 of the batch. */
static void products_of_range(void *context, int64_t first, int64_t last)
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
        one_product(j, am, bm, (char *)j->out.data + at_out * size, bm.columns, i * am.rows * bm.columns);
    }
}

/* Thread body: row tiles, or column tiles, first..last-1 of the only product. */
static void tiles_of_range(void *context, int64_t first, int64_t last)
{
    const job  *j = context;
    tap__matrix am = j->am, bm = j->bm;
    int64_t     size = (int64_t)tap_dtype_size(j->out.dtype), n = bm.columns, whole = j->by_columns ? n : am.rows;
    int64_t     from = first * SHARE_TILE, count = (last * SHARE_TILE < whole ? last * SHARE_TILE : whole) - from;
    if (j->by_columns) {
        bm.columns = count;
        bm.data = (const char *)bm.data + from * bm.column_stride * size;
        one_product(j, am, bm, (char *)j->out.data + from * size, n, from * am.rows);
    } else {
        am.rows = count;
        am.data = (const char *)am.data + from * am.row_stride * size;
        one_product(j, am, bm, (char *)j->out.data + from * n * size, n, from * n);
    }
}

/* Whether threads share columns, not rows. */
static bool is_wide(int64_t rows, int64_t columns)
{
    return columns >= rows && rows < MIN_ROW_TILES * SHARE_TILE;
}

/* The cost of all products, at roughly 48 terms per nanosecond. */
static int64_t cost_ns(const job *j)
{
    return tap__cost_ns((double)j->l.count * (double)j->am.rows * (double)j->bm.columns * (double)j->am.columns / 48);
}

static job job_of(tap_tensor a, tap_tensor b, tap_tensor out, bool add)
{
    job j = { .l = batch_loop_of(a, b, out), .a = a, .b = b, .out = out, .am = last_two(a), .bm = last_two(b), .add = add };
    if (j.l.rank > 0) fold_rows(&j.l, &j.am);
    tap__blis_accepts(&j.am);
    tap__blis_accepts(&j.bm);
    j.by_columns = is_wide(j.am.rows, j.bm.columns);
    j.algorithm = tap__product_algorithm_for(j.am, j.bm);
    return j;
}

/* The threads are the library's, also for BLIS: its own spin at barriers, which stalls for whole time slices on a busy
 * machine. */
static void run(job *j)
{
    int64_t tiles = ((j->by_columns ? j->bm.columns : j->am.rows) + SHARE_TILE - 1) / SHARE_TILE;
    if (j->l.count > 1) tap__parallel(j->l.count, cost_ns(j), products_of_range, j);
    else tap__parallel(tiles, cost_ns(j), tiles_of_range, j);
}

/* Finishes a product without elements, or without terms: those sums are 0. False if there is something to multiply. */
static bool finish_if_empty(tap_tensor a, tap_tensor out, bool add)
{
    if (tap_numel(out.shape) == 0) return true;
    if (a.shape.n[a.shape.rank - 1] > 0) return false;
    if (!add) memset(out.data, 0, (size_t)tap_numel(out.shape) * tap_dtype_size(out.dtype));
    return true;
}

bool tap__matmul(tap_tensor a, tap_tensor b, tap_tensor out, bool add, tap_arena *scratch)
{
    if (finish_if_empty(a, out, add)) return true;
    job j = job_of(a, b, out, add);
    if (tap__product_is_long(j.algorithm, out.dtype, j.am.columns)) {
        j.totals = tap__arena_acquire(scratch, (size_t)tap_numel(out.shape) * sizeof *j.totals);
        if (!j.totals) return false;
    }
    run(&j);
    if (j.totals) tap__arena_release(scratch, j.totals);
    return true;
}

bool tap__matmul_by_blis(tap_tensor a, tap_tensor b, tap_tensor out, bool add, tap_arena *scratch)
{
    if (finish_if_empty(a, out, add)) return true;
    void *copy[2] = { NULL, NULL };
    bool  ok = tap__blis_has_memory(scratch) && copy_for_blis(&a, scratch, &copy[0]) && copy_for_blis(&b, scratch, &copy[1]);
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
