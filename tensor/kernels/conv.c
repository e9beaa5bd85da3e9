/* Convolutions: windows become the columns of a matrix, a few images at a time, so that they are multiplied while they are in the
 * cache. */
#include <string.h>

#include "tensor/kernels/conv.h"
#include "tensor/kernels/product.h"
#include "tensor/kernels/reduce.h"
#include "tensor/arena.h"
#include "tensor/internal.h"
#include "tensor/parallel.h"
#include "tensor/shape.h"

/* Columns of a product, about: more gain nothing, and take memory. With MANY places, an image makes a product of its own. A sum over
 * all images is one of so many parts at most, whose number must not depend on the threads. Each sums up to about RUN blocks of
 * images in float32; for more, all parts begin again, and double sums what they get. */
enum { COLUMNS = 240, MANY = 128, PARTS = 8, RUN = 16, ALIGN = 64 };

typedef struct job job;

/* A unit, and the memory of its part. */
typedef struct {
    int64_t first, images, group, length; /* length: of a row of y, in columns */
    char   *lines, *columns, *rows;
    double *line_totals, *totals; /* NULL where none are needed */
} unit;

typedef void (*step)(const job *j, const unit *u, int64_t part);

/* A convolution under way. What threads share out are parts, which have memory of their own; a part is some units, the images of
 * one block in one group. */
struct job {
    const tap__conv        *c;
    const tap__conv_kernel *kernel;
    tap_dtype               dtype;
    int64_t                 size;                /* bytes of an element */
    int64_t                 places, window;      /* P Q; kH kW */
    int64_t                 in, out;             /* channels of a group */
    int64_t                 block, units, parts; /* block: its images */
    int64_t                 first;               /* unit */
    bool                    in_rows;             /* a unit's y lies as a product needs it */
    tap_tensor              x, y;
    const char             *w, *bias;             /* in C order; bias NULL: none */
    char                   *sums;                 /* weights, one for each part */
    char                   *memory;               /* for each part: */
    int64_t                 lines, columns, rows; /* bytes for lines, columns and y's rows */
    int64_t                 line_totals, totals;  /* bytes for sums in double: of lines, and of the elements of a product */
    step                    each;
};

int64_t tap__conv_padded_size(const tap__conv *c, int64_t images)
{
    const int64_t phases = c->axis[1].stride;
    return images * tap__conv_padded(c->axis[0]) * ((tap__conv_padded(c->axis[1]) + phases - 1) / phases * phases);
}

static int64_t aligned(int64_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* Products of few places go better for several images together; any number above 0 gives the same. */
static int64_t images_at_a_time(int64_t places, int64_t images)
{
    const int64_t enough = places == 0 ? COLUMNS : places < MANY ? (COLUMNS + places - 1) / places : 1;
    return images < 1 ? 1 : images < enough ? images : enough;
}

static job job_of(const tap__conv *c, tap_tensor x, tap_tensor y)
{
    job j = { .c = c, .kernel = &TAP__KERNEL_PICK(tap__conv_kernels)[x.dtype == TAP_F64], .dtype = x.dtype, .x = x, .y = y };
    j.size = (int64_t)tap_dtype_size(x.dtype);
    j.places = c->axis[0].count * c->axis[1].count;
    j.window = c->axis[0].kernel * c->axis[1].kernel;
    j.in = c->in / c->groups;
    j.out = c->out / c->groups;
    j.block = images_at_a_time(j.places, c->batch);
    j.in_rows = j.block == 1 && y.stride[3] == 1 && y.stride[2] == c->axis[1].count;
    j.units = (c->batch + j.block - 1) / j.block * c->groups;
    j.lines = aligned((tap__conv_padded_size(c, j.block) + TAP__CONV_SPARE) * j.size);
    j.columns = aligned((j.in * j.window * j.block * j.places + TAP__CONV_SPARE) * j.size);
    j.rows = aligned(j.out * j.block * j.places * j.size);
    return j;
}

/* The data of x in C order; *copy is set to the memory of a copy that had to be made. NULL: there is no memory. */
static const void *dense(tap_tensor x, tap_arena *scratch, void **copy)
{
    if (tap_tensor_is_contiguous(x)) return x.data;
    *copy = tap__arena_acquire(scratch, (size_t)tap_numel(x.shape) * tap_dtype_size(x.dtype));
    if (*copy) tap__tensor_copy(tap_tensor_wrap(x.dtype, x.shape, *copy), x, NULL);
    return *copy;
}

static int64_t part_bytes(const job *j)
{
    return j->lines + j->columns + j->rows + j->line_totals + j->totals;
}

static unit unit_of(const job *j, int64_t part, int64_t number)
{
    unit u = { .first = number / j->c->groups * j->block, .group = number % j->c->groups };
    u.images = j->c->batch - u.first < j->block ? j->c->batch - u.first : j->block;
    u.length = u.images * j->places;
    u.lines = j->memory + part * part_bytes(j);
    u.columns = u.lines + j->lines;
    u.rows = u.columns + j->columns;
    u.line_totals = j->line_totals ? (double *)(void *)(u.rows + j->rows) : NULL;
    u.totals = j->totals ? (double *)(void *)(u.rows + j->rows + j->line_totals) : NULL;
    return u;
}

/* The unit's images and channels, so many in a group, of x or y. */
static tap_tensor share_of(tap_tensor x, const unit *u, int64_t channels)
{
    int64_t at = u->first * x.stride[0] + u->group * channels * x.stride[1];
    x.data = (char *)x.data + at * (int64_t)tap_dtype_size(x.dtype);
    x.shape.n[0] = u->images;
    x.shape.n[1] = channels;
    return x;
}

/* The unit's part of y, [images,out,P,Q], lying in rows: in its own place, or in memory of the unit as [out,images,P,Q]. */
static tap_tensor rows_of(const job *j, const unit *u)
{
    tap_tensor rows = share_of(j->y, u, j->out);
    if (j->in_rows) return rows;
    rows.data = u->rows;
    tap__set_contiguous(&rows);
    rows.stride[0] = j->places;
    rows.stride[1] = u->length;
    return rows;
}

static tap_tensor load_rows(const job *j, const unit *u)
{
    tap_tensor rows = rows_of(j, u);
    if (!j->in_rows) tap__tensor_copy(rows, share_of(j->y, u, j->out), NULL);
    return rows;
}

static tap__matrix matrix_of(const unit *u, tap_tensor rows)
{
    return (tap__matrix){ rows.data, rows.shape.n[1], u->length, rows.stride[1], 1 };
}

static void spread(const job *j, const unit *u)
{
    j->kernel->spread(j->c, share_of(j->x, u, j->in), u->lines, u->columns);
}

static tap__matrix matrix(const void *data, int64_t rows, int64_t columns, bool transposed)
{
    return (tap__matrix){ data, rows, columns, transposed ? 1 : columns, transposed ? rows : 1 };
}

/* out = a b + (add ? out : 0) */
static void multiply(const job *j, const unit *u, tap__matrix a, tap__matrix b, void *out, int64_t out_row, bool add)
{
    const int64_t width = b.columns * j->size;
    for (int64_t i = 0; a.columns == 0 && !add && i < a.rows; i++)
        memset((char *)out + i * out_row * j->size, 0, (size_t)width);
    if (u->totals) tap__long_product(a, b, out, out_row, add, u->totals);
    else tap__product(TAP__TILED, j->dtype, a, b, out, out_row, add);
}

static int64_t weight_bytes(const job *j)
{
    return j->c->out * j->in * j->window * j->size;
}

/* Where the weight of the unit's group begins. */
static int64_t group_at(const job *j, const unit *u)
{
    return u->group * j->out * j->in * j->window * j->size;
}

/* y = w columns, from the bias on */
static void forward(const job *j, const unit *u, int64_t part)
{
    const int64_t k = j->in * j->window;
    tap_tensor    rows = rows_of(j, u), bias = rows;
    spread(j, u);
    if (j->bias) {
        bias.data = (char *)(uintptr_t)j->bias + u->group * j->out * j->size;
        for (int i = 0; i < 4; i++) bias.stride[i] = i == 1;
        tap__tensor_copy(rows, bias, NULL);
    }
    multiply(j, u, matrix(j->w + group_at(j, u), j->out, k, false), matrix(u->columns, k, u->length, false), rows.data,
             rows.stride[1], j->bias != NULL);
    if (!j->in_rows) tap__tensor_copy(share_of(j->y, u, j->out), rows, NULL);
    (void)part;
}

/* columns = w^T y */
static void adjoint(const job *j, const unit *u, int64_t part)
{
    const int64_t    k = j->in * j->window;
    const tap_tensor rows = load_rows(j, u);
    multiply(j, u, matrix(j->w + group_at(j, u), k, j->out, true), matrix_of(u, rows), u->columns, u->length, false);
    j->kernel->gather(j->c, share_of(j->x, u, j->in), u->lines, u->line_totals, u->columns,
                      j->bias ? j->bias + u->group * j->in * j->size : NULL);
    (void)part;
}

/* w += y columns^T */
static void add_weight(const job *j, const unit *u, int64_t part)
{
    const int64_t    k = j->in * j->window;
    const tap_tensor rows = load_rows(j, u);
    spread(j, u);
    multiply(j, u, matrix_of(u, rows), matrix(u->columns, u->length, k, true),
             j->sums + part * weight_bytes(j) + group_at(j, u), k, true);
}

static void parts(void *context, int64_t first, int64_t last)
{
    const job *j = context;
    for (int64_t part = first; part < last; part++) {
        for (int64_t i = j->units * part / j->parts; i < j->units * (part + 1) / j->parts; i++) {
            const unit u = unit_of(j, part, j->first + i);
            j->each(j, &u, part);
        }
    }
}

/* The nanoseconds that all units take, roughly: one for 48 terms. */
static int64_t steps_of(const job *j)
{
    const double terms = (double)j->units * (double)(j->block * j->places) * (double)(j->window * j->in) * (double)j->out;
    return tap__cost_ns(terms / 48);
}

/* Shares out the units among parts, and these among threads. */
static bool run(job *j, int64_t n, step each, tap_arena *scratch)
{
    j->each = each;
    j->parts = n < j->units ? n : j->units;
    const size_t room = (size_t)part_bytes(j), most = j->parts > 0 ? SIZE_MAX / (size_t)j->parts : SIZE_MAX;
    j->memory = tap__arena_acquire(scratch, room <= most ? (size_t)j->parts * room : SIZE_MAX);
    if (!j->memory) return false;
    tap__parallel(j->parts, steps_of(j), parts, j);
    tap__arena_release(scratch, j->memory);
    return true;
}

/* Results need not be added up: there are as many parts as threads. */
static bool run_with(job *j, tap_tensor w, const tap_tensor *bias, step each, tap_arena *scratch)
{
    void *copy[2] = { NULL, NULL };
    j->w = dense(w, scratch, &copy[0]);
    j->bias = bias ? dense(*bias, scratch, &copy[1]) : NULL;
    bool ok = j->w && (!bias || j->bias) && run(j, tap_threads(), each, scratch);
    for (int i = 0; i < 2; i++) {
        if (copy[i]) tap__arena_release(scratch, copy[i]);
    }
    return ok;
}

/* Bytes for a product of so many terms that has so many elements. */
static int64_t totals_for(const job *j, int64_t terms, int64_t elements)
{
    return tap__product_is_long(TAP__TILED, j->dtype, terms) ? aligned(elements * (int64_t)sizeof(double)) : 0;
}

bool tap__conv_forward(const tap__conv *c, tap_tensor x, tap_tensor w, const tap_tensor *bias, tap_tensor y, tap_arena *scratch)
{
    job j = job_of(c, x, y);
    j.totals = totals_for(&j, j.in * j.window, j.out * j.block * j.places);
    return run_with(&j, w, bias, forward, scratch);
}

bool tap__conv_adjoint(const tap__conv *c, tap_tensor y, tap_tensor w, const tap_tensor *bias, tap_tensor x, tap_arena *scratch)
{
    job j = job_of(c, x, y);
    j.totals = totals_for(&j, j.out, j.in * j.window * j.block * j.places);
    if (j.dtype == TAP_F32 && j.window > TAP__CONV_RUN)
        j.line_totals = aligned(tap__conv_padded_size(c, j.block) * (int64_t)sizeof(double));
    return run_with(&j, w, bias, adjoint, scratch);
}

/* The weight of the job's units, by n parts. */
static bool sum_units(job *j, int64_t n, tap_tensor w, tap_arena *scratch)
{
    memset(j->sums, 0, (size_t)((n > 1 ? n : 1) * weight_bytes(j)));
    if (!run(j, n, add_weight, scratch)) return false;
    return n <= 1 || tap__reduce(TAP__SUM, tap_tensor_wrap(j->dtype, TAP_SHAPE(n, tap_numel(w.shape)), j->sums), 1, w, scratch);
}

/* The same for more units than n parts should sum in float32. */
static bool sum_in_double(job *j, int64_t n, tap_tensor w, tap_arena *scratch)
{
    const int64_t    all = j->units, most = n * RUN * j->c->groups;
    const tap_tensor total =
        tap_tensor_wrap(TAP_F64, w.shape, tap__arena_acquire(scratch, (size_t)tap_numel(w.shape) * sizeof(double)));
    if (!total.data) return false;
    tap__tensor_fill(total, 0);
    bool ok = true;
    for (j->first = 0; ok && j->first < all; j->first += most) {
        j->units = all - j->first < most ? all - j->first : most;
        ok = sum_units(j, n, w, scratch);
        if (ok) tap__add_to_total(matrix(w.data, 1, tap_numel(w.shape), false), total.data);
    }
    if (ok) tap__tensor_copy(w, total, NULL);
    tap__arena_release(scratch, total.data);
    return ok;
}

bool tap__conv_weight(const tap__conv *c, tap_tensor x, tap_tensor y, tap_tensor w, tap_arena *scratch)
{
    job           j = job_of(c, x, y);
    const int64_t n = j.units < PARTS ? j.units : PARTS;
    j.sums = n > 1 ? tap__arena_acquire(scratch, (size_t)(n * weight_bytes(&j))) : w.data;
    if (!j.sums) return false;
    j.totals = totals_for(&j, j.block * j.places, j.out * j.in * j.window);
    const bool many = j.dtype == TAP_F32 && j.units > n * RUN * c->groups;
    const bool ok = many ? sum_in_double(&j, n, w, scratch) : sum_units(&j, n, w, scratch);
    if (n > 1) tap__arena_release(scratch, j.sums);
    return ok;
}
