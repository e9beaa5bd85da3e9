/* Reductions over any axes. Where the fastest axis is reduced, each result is a sum of runs; where it is kept, rows are
 * added into a strip of results. Both in double, cut at fixed places, so threads change nothing. */
#include <math.h>

#include "tensor/kernels/reduce.h"
#include "tensor/arena.h"
#include "tensor/internal.h"
#include "tensor/parallel.h"

enum { RUN = 4096, STRIP = 256, FEW = 8 };

typedef struct {
    int     rank;
    int64_t count;
    int64_t n[TAP_MAX_RANK], step[TAP_MAX_RANK];
} axes;

typedef struct {
    tap__reduction            how;
    const tap__reduce_kernel *kernel;
    tap_tensor                x, out;
    const double             *about; /* a number for each result, or NULL */
    double                   *wide;  /* where results go in double, or NULL */
    axes                      kept, reduced;
    int64_t                   pieces; /* that each result is the sum of */
    int64_t                   result; /* whose pieces are summed into part */
    double                   *part;
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

/* The order of summation is ours to choose: the fastest axis last. A tensor and its transpose have the same sum, to the last
 * bit. */
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

/* Axes that go on where the next one ends become one with it. */
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

/* The sum or mean of result i's elements, partial sums of which overflow in double: of its infinities, if it has any, or else
 * of numbers that are scaled down. */
static double sum_apart(const job *j, int64_t i)
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
    if (j->wide) {
        j->wide[i] = value;
        return;
    }
    const bool apart = !isfinite(value) && j->how != TAP__MAX && j->x.dtype == TAP_F64;
    if (apart) value = sum_apart(j, i);
    else if (j->how == TAP__MEAN) value /= (double)j->reduced.count;
    if (j->out.dtype == TAP_F32) ((float *)j->out.data)[i] = (float)value;
    else ((double *)j->out.data)[i] = value;
}

static int64_t inner_size(const axes *a)
{
    return a->rank ? a->n[a->rank - 1] : 1;
}

static int64_t pieces_of(const job *j)
{
    int64_t inner = inner_size(&j->reduced);
    return j->reduced.count / inner * ((inner + RUN - 1) / RUN);
}

/* The cost of so many elements. */
static int64_t steps_of(const job *j, int64_t count)
{
    return j->how == TAP__EXPONENTIALS ? count / 2 : count / 8;
}

/* Piece p of result i: one run of the fastest reduced axis. */
static double piece(const job *j, int64_t i, int64_t p)
{
    const axes *r = &j->reduced;
    int64_t     inner = inner_size(r), per_row = (inner + RUN - 1) / RUN, start = p % per_row * RUN;
    int64_t     step = r->rank ? r->step[r->rank - 1] : 1, n = inner - start < RUN ? inner - start : RUN;
    int64_t     offset = offset_of(&j->kept, j->kept.rank, i) + offset_of(r, r->rank - 1, p / per_row) + start * step;
    return j->kernel->run(n, element(j, offset), step, j->about ? j->about[i] : 0);
}

static void results(void *context, int64_t first, int64_t last)
{
    const job *j = context;
    for (int64_t i = first; i < last; i++) {
        double total = start_value(j);
        for (int64_t p = 0; p < j->pieces; p++) total = combine(j, total, piece(j, i, p));
        store(j, i, total);
    }
}

static void pieces_of_one(void *context, int64_t first, int64_t last)
{
    const job *j = context;
    for (int64_t p = first; p < last; p++) j->part[p] = piece(j, j->result, p);
}

/* Few long sums: threads share the pieces of each, which are then added in order. */
static bool results_by_pieces(job *j, tap_arena *scratch)
{
    j->part = tap__arena_acquire(scratch, (size_t)j->pieces * sizeof *j->part);
    if (!j->part) return false;
    for (j->result = 0; j->result < j->kept.count; j->result++) {
        tap__parallel(j->pieces, steps_of(j, j->reduced.count), pieces_of_one, j);
        double total = start_value(j);
        for (int64_t p = 0; p < j->pieces; p++) total = combine(j, total, j->part[p]);
        store(j, j->result, total);
    }
    tap__arena_release(scratch, j->part);
    return true;
}

static bool reduce_fastest(job *j, tap_arena *scratch)
{
    j->pieces = pieces_of(j);
    if (j->kept.count < FEW && j->pieces >= FEW) return results_by_pieces(j, scratch);
    tap__parallel(j->kept.count, steps_of(j, j->kept.count * j->reduced.count), results, j);
    return true;
}

/* Strip s: STRIP neighbours along the fastest kept axis. */
static void strip(const job *j, int64_t s)
{
    const axes *k = &j->kept;
    int64_t     inner = k->n[k->rank - 1], per_row = (inner + STRIP - 1) / STRIP, start = s % per_row * STRIP;
    int64_t     row = s / per_row, step = k->step[k->rank - 1], n = inner - start < STRIP ? inner - start : STRIP;
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

static void strips(void *context, int64_t first, int64_t last)
{
    for (int64_t s = first; s < last; s++) strip(context, s);
}

static void reduce_slower(job *j)
{
    int64_t inner = inner_size(&j->kept), n = j->kept.count / inner * ((inner + STRIP - 1) / STRIP);
    tap__parallel(n, steps_of(j, j->kept.count * j->reduced.count), strips, j);
}

static job job_on(tap__reduction how, tap_tensor x, unsigned mask)
{
    const tap__reduce_kernel(*table)[2] = TAP__KERNEL_PICK(tap__reduce_kernels);
    job j = { .how = how, .kernel = &table[how][x.dtype == TAP_F64], .x = x, .kept.count = 1, .reduced.count = 1 };
    for (int i = 0; i < x.shape.rank; i++) add_axis(mask & 1u << i ? &j.reduced : &j.kept, x.shape.n[i], x.stride[i]);
    return j;
}

/* There are results, and elements. */
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
    j.wide = out;
    if (j.reduced.count > 0 && j.kept.count > 0) return run(&j, scratch);
    for (int64_t i = 0; i < j.kept.count; i++) out[i] = 0;
    return true;
}

bool tap__all_finite(int64_t n, tap_dtype dtype, const void *data)
{
    return TAP__KERNEL_PICK(tap__finite_kernels)[dtype](n, data);
}
