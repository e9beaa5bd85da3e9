/* Matrix products: batches over leading axes, each a call of BLIS on views. */
#include <string.h>
#include <omp.h>

#include "tensor/gemm.h"
#include "tensor/matmul.h"

enum { TILE = 48 }; /* rows or columns are shared out in multiples of what BLIS's kernels compute at a time */

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

/* [..,m,k] x [k,n] is one product of all rows when the rows of a and out follow each other evenly. */
static void fold_rows(batch *l, tap__matrix *a, int64_t n)
{
    while (l->rank > 0) {
        int         i = l->rank - 1;
        tap__matrix all = *a;
        if (a->rows == 1) all.row_stride = l->a_step[i];
        all.rows *= l->n[i];
        if (l->b_step[i] != 0 || l->a_step[i] != all.row_stride * a->rows || l->out_step[i] != n * a->rows) return;
        if (!tap__blis_takes(&all)) return; /* rows that repeat, overlap or run backwards */
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
static bool usable(tap_tensor *x, tap_arena *scratch, void **copy)
{
    tap__matrix m = last_two(*x);
    if (tap__blis_takes(&m)) return true;
    void *p = tap__arena_take(scratch, (size_t)tap_numel(x->shape) * tap_dtype_size(x->dtype));
    if (!p) return false;
    tap_tensor y = tap_tensor_wrap(x->dtype, x->shape, p);
    tap_tensor_copy(y, *x, NULL);
    *x = y;
    *copy = p;
    return true;
}

static void product(const batch *l, int64_t i, tap_tensor a, tap_tensor b, tap_tensor out, tap__matrix am, tap__matrix bm, bool add)
{
    int64_t size = (int64_t)tap_dtype_size(out.dtype), at_a = 0, at_b = 0, at_out = 0;
    for (int k = l->rank - 1; k >= 0; k--) {
        int64_t index = i % l->n[k];
        i /= l->n[k];
        at_a += index * l->a_step[k];
        at_b += index * l->b_step[k];
        at_out += index * l->out_step[k];
    }
    am.data = (char *)a.data + at_a * size;
    bm.data = (char *)b.data + at_b * size;
    tap__gemm(out.dtype, am, bm, (char *)out.data + at_out * size, bm.columns, add);
}

/* Part p of parts of one product: some of its rows or, where there are more, of its columns. An element is summed in the same order
 * whichever part it falls into. */
static void part(tap_tensor out, tap__matrix am, tap__matrix bm, bool add, int64_t p, int64_t parts)
{
    bool    by_columns = bm.columns >= am.rows;
    int64_t size = (int64_t)tap_dtype_size(out.dtype), n = bm.columns;
    int64_t tiles = ((by_columns ? n : am.rows) + TILE - 1) / TILE;
    int64_t first = tiles * p / parts * TILE, last = tiles * (p + 1) / parts * TILE;
    if (by_columns) {
        bm.columns = (last < n ? last : n) - first;
        bm.data = (const char *)bm.data + first * bm.column_stride * size;
        tap__gemm(out.dtype, am, bm, (char *)out.data + first * size, n, add);
    } else {
        am.rows = (last < am.rows ? last : am.rows) - first;
        am.data = (const char *)am.data + first * am.row_stride * size;
        tap__gemm(out.dtype, am, bm, (char *)out.data + first * n * size, n, add);
    }
}

/* Threads are ours, one product of BLIS each: its own would spin at barriers, which stalls for whole time slices on a busy machine. */
static void products(tap_tensor a, tap_tensor b, tap_tensor out, bool add)
{
    batch       l = batch_of(a, b, out);
    tap__matrix am = last_two(a), bm = last_two(b);
    if (l.rank > 0) fold_rows(&l, &am, bm.columns);
    tap__blis_takes(&am);
    tap__blis_takes(&bm);

    int64_t work = am.rows * bm.columns * am.columns / 16; /* nanoseconds, roughly */
    int     threads = tap__threads_for(work * l.count);
    if (l.count > 1) {
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
        for (int64_t i = 0; i < l.count; i++) product(&l, i, a, b, out, am, bm, add);
        return;
    }
    int64_t tiles = ((bm.columns > am.rows ? bm.columns : am.rows) + TILE - 1) / TILE;
    int     parts = threads < tiles ? threads : (int)tiles;
#pragma omp parallel for num_threads(parts) schedule(static) if (parts > 1)
    for (int p = 0; p < parts; p++) part(out, am, bm, add, p, parts);
}

bool tap__matmul(tap_tensor a, tap_tensor b, tap_tensor out, bool add, tap_arena *scratch)
{
    if (tap_numel(out.shape) == 0) return true;
    if (a.shape.n[a.shape.rank - 1] == 0) {
        if (!add) memset(out.data, 0, (size_t)tap_numel(out.shape) * tap_dtype_size(out.dtype));
        return true;
    }
    void *copy[2] = { NULL, NULL };
    bool  ok = usable(&a, scratch, &copy[0]) && usable(&b, scratch, &copy[1]);
    if (ok) products(a, b, out, add);
    for (int i = 0; i < 2; i++) {
        if (copy[i]) tap__arena_give_back(scratch, copy[i]);
    }
    return ok;
}
