/* tensor/kernels/reduce.c: reductions over any axes of a strided tensor.
 *
 * The axes of x are split into the kept and the reduced ones. In both lists, neighbouring axes that continue each other are
 * merged. There are two loops, by the axis of x with the smallest stride:
 * - If it is reduced, each result is a sum of partial sums, one per run of at most MAX_RUN elements along that axis
 *   (reduce_fastest).
 * - If it is kept, rows are added into a strip of at most STRIP neighbouring results (reduce_slower).
 * Both accumulate in double. Runs and strips depend on shapes and strides alone, so the bits do not depend on the threads. */
#include <math.h>

#include "tensor/kernels/reduce.h"
#include "tensor/arena.h"
#include "tensor/internal.h"
#include "tensor/parallel.h"

/* With fewer than MIN_RESULTS results of at least MIN_RESULTS runs each, threads share the runs of one result. */
enum { MAX_RUN = 4096, STRIP = 256, MIN_RESULTS = 8 };

typedef struct {
    int     rank;
    int64_t count;
    int64_t n[TAP_MAX_RANK], step[TAP_MAX_RANK];
} axes;

typedef struct {
    tap__reduction            how;
    const tap__reduce_kernel *kernel;
    tap_tensor                x, out;
    const double             *about;   /* the center of each result, or NULL */
    double                   *out_f64; /* the results in double, instead of out; or NULL */
    axes                      kept, reduced;
    int64_t                   runs;   /* the runs of each result */
    int64_t                   result; /* for run_partial_sums: the result whose runs are summed into partial */
    double                   *partial;
} job;

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

static void add_axis(axes *a, int64_t n, int64_t step)
{
    a->count *= n;
    if (n == 1) return;
    a->n[a->rank] = n;
    a->step[a->rank++] = step;
}

/* Sorts the reduced axes, the smallest stride last: the order of summation follows the memory, so that a tensor and its
 * transpose have the same sum, bit for bit. */
static void sort_fastest_last(axes *a)
{
    for (int i = 1; i < a->rank; i++) {
        for (int j = i; j > 0 && magnitude(a->step[j - 1]) < magnitude(a->step[j]); j--) {
            int64_t n = a->n[j], step = a->step[j];
            a->n[j] = a->n[j - 1];
            a->step[j] = a->step[j - 1];
            a->n[j - 1] = n;
            a->step[j - 1] = step;
        }
    }
}

/* Merges each axis into the next one where it continues that without a gap. */
static void merge(axes *a)
{
    int last = 0;
    for (int i = 1; i < a->rank; i++) {
        if (a->step[last] == a->step[i] * a->n[i]) a->n[i] *= a->n[last];
        else last++;
        a->n[last] = a->n[i];
        a->step[last] = a->step[i];
    }
    if (a->rank > 0) a->rank = last + 1;
}

static int64_t offset_of(const axes *a, int rank, int64_t i)
{
    int64_t offset = 0;
    for (int k = rank - 1; k >= 0; k--) {
        offset += i % a->n[k] * a->step[k];
        i /= a->n[k];
    }
    return offset;
}

static const char *element(const job *j, int64_t offset)
{
    return (const char *)j->x.data + offset * (int64_t)tap_dtype_size(j->x.dtype);
}

static double start_value(const job *j)
{
    return j->how == TAP__MAX ? -(double)INFINITY : 0;
}

static double combine(const job *j, double a, double b)
{
    return j->how != TAP__MAX ? a + b : b > a || b != b ? b : a;
}

/* The sum or mean of result i, whose partial sums overflow in double: the sum of its infinities, if it has any, or else the sum
 * of numbers scaled by 2^-64, scaled back. */
static double sum_scaled(const job *j, int64_t i)
{
    const double scale = 0x1p-64, *x = j->x.data;
    const axes  *r = &j->reduced;
    double       sum = 0, infinite = 0;
    x += offset_of(&j->kept, j->kept.rank, i);
    for (int64_t k = 0; k < r->count; k++) {
        const double element = x[offset_of(r, r->rank, k)];
        if (isfinite(element)) sum += element * scale;
        else infinite += element;
    }
    if (infinite != 0) return infinite;
    return j->how == TAP__MEAN ? sum / (double)r->count / scale : sum / scale;
}

static void store(const job *j, int64_t i, double value)
{
    if (j->out_f64) {
        j->out_f64[i] = value;
        return;
    }
    const bool overflowed = !isfinite(value) && j->how != TAP__MAX && j->x.dtype == TAP_F64;
    if (overflowed) value = sum_scaled(j, i);
    else if (j->how == TAP__MEAN) value /= (double)j->reduced.count;
    if (j->out.dtype == TAP_F32) ((float *)j->out.data)[i] = (float)value;
    else ((double *)j->out.data)[i] = value;
}

static int64_t inner_size(const axes *a)
{
    return a->rank ? a->n[a->rank - 1] : 1;
}

static int64_t runs_of(const job *j)
{
    int64_t inner = inner_size(&j->reduced);
    return j->reduced.count / inner * ((inner + MAX_RUN - 1) / MAX_RUN);
}

/* The cost of n elements in nanoseconds. */
static int64_t cost_ns(const job *j, int64_t count)
{
    return j->how == TAP__NONZERO_EXP ? count / 2 : count / 8;
}

/* The partial sum of run p of result i. */
static double partial_sum(const job *j, int64_t i, int64_t p)
{
    const axes *r = &j->reduced;
    int64_t     inner = inner_size(r), runs_per_row = (inner + MAX_RUN - 1) / MAX_RUN, start = p % runs_per_row * MAX_RUN;
    int64_t     step = r->rank ? r->step[r->rank - 1] : 1, n = inner - start < MAX_RUN ? inner - start : MAX_RUN;
    int64_t     offset = offset_of(&j->kept, j->kept.rank, i) + offset_of(r, r->rank - 1, p / runs_per_row) + start * step;
    return j->kernel->run(n, element(j, offset), step, j->about ? j->about[i] : 0);
}

static void reduce_results(void *context, int64_t first, int64_t last)
{
    const job *j = context;
    for (int64_t i = first; i < last; i++) {
        double total = start_value(j);
        for (int64_t p = 0; p < j->runs; p++) total = combine(j, total, partial_sum(j, i, p));
        store(j, i, total);
    }
}

static void run_partial_sums(void *context, int64_t first, int64_t last)
{
    const job *j = context;
    for (int64_t p = first; p < last; p++) j->partial[p] = partial_sum(j, j->result, p);
}

/* Few long sums: threads share the runs of each result, whose partial sums are then added in order. */
static bool reduce_long_results(job *j, tap_arena *scratch)
{
    j->partial = tap__arena_acquire(scratch, (size_t)j->runs * sizeof *j->partial);
    if (!j->partial) return false;
    for (j->result = 0; j->result < j->kept.count; j->result++) {
        tap__parallel(j->runs, cost_ns(j, j->reduced.count), run_partial_sums, j);
        double total = start_value(j);
        for (int64_t p = 0; p < j->runs; p++) total = combine(j, total, j->partial[p]);
        store(j, j->result, total);
    }
    tap__arena_release(scratch, j->partial);
    return true;
}

static bool reduce_fastest(job *j, tap_arena *scratch)
{
    j->runs = runs_of(j);
    if (j->kept.count < MIN_RESULTS && j->runs >= MIN_RESULTS) return reduce_long_results(j, scratch);
    tap__parallel(j->kept.count, cost_ns(j, j->kept.count * j->reduced.count), reduce_results, j);
    return true;
}

/* Strip s: at most STRIP results, neighbours along the last kept axis. */
static void reduce_strip(const job *j, int64_t s)
{
    const axes *k = &j->kept;
    int64_t     inner = k->n[k->rank - 1], strips_per_row = (inner + STRIP - 1) / STRIP, start = s % strips_per_row * STRIP;
    int64_t     row = s / strips_per_row, step = k->step[k->rank - 1], n = inner - start < STRIP ? inner - start : STRIP;
    int64_t     base = offset_of(k, k->rank - 1, row) + start * step;
    int64_t     first = row * inner + start;
    double      acc[STRIP];
    for (int64_t i = 0; i < n; i++) acc[i] = start_value(j);
    for (int64_t r = 0; r < j->reduced.count; r++) {
        const char *x = element(j, base + offset_of(&j->reduced, j->reduced.rank, r));
        j->kernel->into(n, x, step, acc, j->about ? j->about + first : NULL);
    }
    for (int64_t i = 0; i < n; i++) store(j, first + i, acc[i]);
}

static void reduce_strips(void *context, int64_t first, int64_t last)
{
    for (int64_t s = first; s < last; s++) reduce_strip(context, s);
}

static void reduce_slower(job *j)
{
    int64_t inner = inner_size(&j->kept), n = j->kept.count / inner * ((inner + STRIP - 1) / STRIP);
    tap__parallel(n, cost_ns(j, j->kept.count * j->reduced.count), reduce_strips, j);
}

static job job_on(tap__reduction how, tap_tensor x, unsigned mask)
{
    const tap__reduce_kernel(*table)[2] = TAP__KERNEL_PICK(tap__reduce_kernels);
    job j = { .how = how, .kernel = &table[how][x.dtype == TAP_F64], .x = x, .kept.count = 1, .reduced.count = 1 };
    for (int i = 0; i < x.shape.rank; i++) add_axis(mask & 1u << i ? &j.reduced : &j.kept, x.shape.n[i], x.stride[i]);
    return j;
}

/* Reduces; there is at least one result, and one element per result. */
static bool run(job *j, tap_arena *scratch)
{
    sort_fastest_last(&j->reduced);
    merge(&j->reduced);
    merge(&j->kept);
    const axes *k = &j->kept, *r = &j->reduced;
    bool        slower = k->rank > 0 && (r->rank == 0 || magnitude(k->step[k->rank - 1]) < magnitude(r->step[r->rank - 1]));
    if (!slower) return reduce_fastest(j, scratch);
    reduce_slower(j);
    return true;
}

bool tap__reduce(tap__reduction how, tap_tensor x, unsigned mask, tap_tensor out, tap_arena *scratch)
{
    job j = job_on(how, x, mask);
    j.out = out;
    if (j.kept.count == 0) return true;
    if (j.reduced.count > 0) return run(&j, scratch);
    tap__tensor_fill(out, how == TAP__MEAN ? (double)NAN : start_value(&j));
    return true;
}

bool tap__reduce_about(tap__reduction how, tap_tensor x, unsigned mask, const double *about, double *out, tap_arena *scratch)
{
    job j = job_on(how, x, mask);
    j.about = about;
    j.out_f64 = out;
    if (j.reduced.count > 0 && j.kept.count > 0) return run(&j, scratch);
    for (int64_t i = 0; i < j.kept.count; i++) out[i] = 0;
    return true;
}

bool tap__all_finite(int64_t n, tap_dtype dtype, const void *data)
{
    return TAP__KERNEL_PICK(tap__finite_kernels)[dtype](n, data);
}
