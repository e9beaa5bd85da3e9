/* tensor/kernels/map.c: the loop over broadcast, strided tensors.
 *
 * A loop holds the sizes of its axes and, for every operand, its data and a stride per axis, in elements. It is built from the
 * shape of out in four steps:
 * - every operand gets a stride for every axis of out, which is 0 where the operand broadcasts;
 * - axes of size 1 are dropped;
 * - axes are sorted so that the result is walked in the order of its memory, the smallest stride last;
 * - neighbouring axes are merged where each operand continues one axis over the next without a gap.
 * The last axis is the inner one. Its row of elements is cut into runs of at most MAX_RUN, and a run is what the caller's
 * function gets: one pointer and one stride for each operand. Threads share the runs.
 *
 * Invariants:
 * - Every element of out is in exactly one run.
 * - Where runs begin and end depends on shapes and strides alone, never on the number of threads.
 * - A loop has at least one axis: tensors of one element, and small contiguous ones, take run_flat and build no loop. */
#include "tensor/kernels/map.h"
#include "tensor/parallel.h"
#include "tensor/shape.h"

enum { MAX_RUN = 4096 }; /* elements: few enough to share out among threads, many enough to make up for the call */

typedef struct {
    int     rank, n_op;
    int64_t n[TAP_MAX_RANK];
    int64_t stride[TAP__MAP_MAX][TAP_MAX_RANK];
    char   *data[TAP__MAP_MAX];
    int64_t size[TAP__MAP_MAX];
} loop;

/* Whether axis i of the loop continues axis i + 1 without a gap, in every operand. */
static bool merges(const loop *l, int i)
{
    for (int k = 0; k < l->n_op; k++) {
        if (l->stride[k][i] != l->stride[k][i + 1] * l->n[i + 1]) return false;
    }
    return true;
}

static void drop_axis(loop *l, int i)
{
    for (l->rank--; i < l->rank; i++) {
        l->n[i] = l->n[i + 1];
        for (int k = 0; k < l->n_op; k++) l->stride[k][i] = l->stride[k][i + 1];
    }
}

static void swap_axes(loop *l, int i, int j)
{
    int64_t n = l->n[i];
    l->n[i] = l->n[j];
    l->n[j] = n;
    for (int k = 0; k < l->n_op; k++) {
        int64_t s = l->stride[k][i];
        l->stride[k][i] = l->stride[k][j];
        l->stride[k][j] = s;
    }
}

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

/* Sorts the axes so that the result is walked in the order of its memory. Insertion sort: there are few axes. */
static void sort_axes(loop *l)
{
    for (int i = 1; i < l->rank; i++) {
        for (int j = i; j > 0 && magnitude(l->stride[0][j - 1]) < magnitude(l->stride[0][j]); j--) swap_axes(l, j - 1, j);
    }
}

static void add_operand(loop *l, const tap_tensor *x)
{
    const int k = l->n_op++, lead = l->rank - x->shape.rank;
    l->data[k] = x->data;
    l->size[k] = (int64_t)tap_dtype_size(x->dtype);
    for (int i = 0; i < l->rank; i++) l->stride[k][i] = i < lead || x->shape.n[i - lead] == 1 ? 0 : x->stride[i - lead];
}

/* Builds the loop for an out of several elements, so that one axis at least is left. */
static void loop_over(loop *l, const tap_tensor *out, int n, const tap_tensor *in)
{
    l->rank = out->shape.rank;
    l->n_op = 0;
    for (int i = 0; i < l->rank; i++) l->n[i] = out->shape.n[i];
    add_operand(l, out);
    for (int k = 0; k < n; k++) add_operand(l, &in[k]);
    for (int i = l->rank - 1; i >= 0; i--) {
        if (l->n[i] == 1) drop_axis(l, i);
    }
    sort_axes(l);
    for (int i = l->rank - 2; i >= 0; i--) {
        if (!merges(l, i)) continue;
        l->n[i + 1] *= l->n[i];
        drop_axis(l, i);
    }
}

/* A loop cut into runs: run r is number r % runs_per_row of row r / runs_per_row. */
typedef struct {
    loop        l;
    tap__run    run;
    const void *context;
    int64_t     runs_per_row;
} job;

static void do_runs(void *context, int64_t first, int64_t last)
{
    const job  *j = context;
    const loop *l = &j->l;
    int         inner = l->rank - 1;
    int64_t     stride[TAP__MAP_MAX];
    for (int k = 0; k < l->n_op; k++) stride[k] = l->stride[k][inner];
    for (int64_t r = first; r < last; r++) {
        int64_t row = r / j->runs_per_row, start = r % j->runs_per_row * MAX_RUN, n = l->n[inner] - start;
        int64_t offset[TAP__MAP_MAX];
        void   *data[TAP__MAP_MAX];
        for (int k = 0; k < l->n_op; k++) offset[k] = start * stride[k];
        for (int i = inner - 1; i >= 0; i--) {
            int64_t at = row % l->n[i];
            row /= l->n[i];
            for (int k = 0; k < l->n_op; k++) offset[k] += at * l->stride[k][i];
        }
        for (int k = 0; k < l->n_op; k++) data[k] = l->data[k] + offset[k] * l->size[k];
        j->run(n < MAX_RUN ? n : MAX_RUN, data, stride, j->context);
    }
}

/* The stride that walks x in C order: 0 for one element, 1 for a contiguous x of this shape, -1 if x needs several strides. */
static int64_t flat_stride(const tap_tensor *x, const tap_shape *shape)
{
    int64_t stride = 1, n = 1;
    bool    flat = true;
    for (int i = x->shape.rank - 1; i >= 0; i--) {
        const int64_t size = x->shape.n[i];
        n *= size;
        flat = flat && (size == 1 || x->stride[i] == stride) && size == shape->n[i];
        stride *= size;
    }
    if (n == 1) return 0;
    return flat && x->shape.rank == shape->rank ? 1 : -1;
}

/* Handles small contiguous operands by a single run, without building a loop: most tensors of a tape are such. */
static bool run_flat(tap__run run, const void *context, const tap_tensor *out, int n, const tap_tensor *in, int64_t count)
{
    void   *data[TAP__MAP_MAX] = { out->data };
    int64_t stride[TAP__MAP_MAX] = { 1 };
    if (count > MAX_RUN || (count > 1 && flat_stride(out, &out->shape) != 1)) return false;
    for (int k = 0; k < n; k++) {
        data[1 + k] = in[k].data;
        stride[1 + k] = flat_stride(&in[k], &out->shape);
        if (stride[1 + k] < 0) return false;
    }
    run(count, data, stride, context);
    return true;
}

void tap__map(tap__run run, const void *context, const tap_tensor *out, int n, const tap_tensor *in, int cost)
{
    const int64_t count = tap__numel(&out->shape);
    if (count <= 0 || run_flat(run, context, out, n, in, count)) return;
    job j;
    j.run = run;
    j.context = context;
    loop_over(&j.l, out, n, in);
    const int64_t inner = j.l.n[j.l.rank - 1];
    j.runs_per_row = (inner + MAX_RUN - 1) / MAX_RUN;
    tap__parallel(count / inner * j.runs_per_row, count * cost / 8, do_runs, &j);
}
