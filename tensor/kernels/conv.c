/* tensor/kernels/conv.c: convolutions as matrix products.
 *
 * im2col copies the windows of an image to the columns of a matrix, one column per output pixel, one row per channel and kernel
 * element. With the weight as a matrix w [out, in kH kW], the three functions of conv.h are
 *   forward: y = w columns,   adjoint: columns = w^T y, then x = col2im(columns),   weight gradient: w += y columns^T.
 * The work is cut into work items, a few images in one group of channels, so that the columns of an item are multiplied while
 * they are in the cache. Items are dealt out in parts, each of which has buffers of its own for the padded rows, the columns
 * and the rows of y; threads share the parts. For the weight's gradient each part has its own sum, and the number of parts does
 * not depend on the threads: neither do the bits. */
#include <string.h>

#include "tensor/kernels/conv.h"
#include "tensor/kernels/product.h"
#include "tensor/kernels/reduce.h"
#include "tensor/arena.h"
#include "tensor/internal.h"
#include "tensor/parallel.h"
#include "tensor/shape.h"

/* TARGET_COLUMNS: the im2col columns per product, roughly; more gain nothing, and take memory. Images with at least
 * MIN_UNBATCHED_PIXELS output pixels are not batched. A sum over all images is cut into at most MAX_PARTS parts, whose number
 * must not depend on the threads. A part sums about MAX_ITEMS_IN_F32 items per group in float32; if there are more, parts take
 * turns, and their sums are added up in double. */
enum { TARGET_COLUMNS = 240, MIN_UNBATCHED_PIXELS = 128, MAX_PARTS = 8, MAX_ITEMS_IN_F32 = 16, ALIGN = 64 };

typedef struct job job;

/* A work item, images first.. of one group, and the buffers of its part. */
typedef struct {
    int64_t first, images, group, length; /* length: the columns of its product, images P Q */
    char   *padded_rows, *columns, *rows;
    double *padded_totals, *totals; /* NULL if not needed */
} work_item;

typedef void (*item_function)(const job *j, const work_item *item, int64_t part);

/* A call of one of the three functions. */
struct job {
    const tap__conv        *c;
    const tap__conv_kernel *kernel;
    tap_dtype               dtype;
    int64_t                 size;                          /* bytes of an element */
    int64_t                 output_pixels, kernel_size;    /* P Q; kH kW */
    int64_t                 in, out;                       /* channels of a group */
    int64_t                 images_per_item, items, parts; /* parts: those that the items are dealt out to */
    int64_t                 first;                         /* the first work item of this run */
    bool                    in_rows;                       /* the y of a work item has the layout of a product's result */
    tap_tensor              x, y;
    const char             *w, *bias;                   /* contiguous; bias may be NULL */
    char                   *sums;                       /* the weight's gradient, one per part */
    char                   *memory;                     /* for each part, buffers of these sizes: */
    int64_t                 padded_rows, columns, rows; /* in bytes; rows: of y */
    int64_t                 padded_totals, totals;      /* in bytes: sums in double, of padded rows and of a product */
    item_function           run_item;
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

/* The images of a work item: several, if they have few output pixels. Any number above 0 gives the same bits. */
static int64_t images_per_item(int64_t output_pixels, int64_t images)
{
    const int64_t enough = output_pixels == 0                     ? TARGET_COLUMNS
                           : output_pixels < MIN_UNBATCHED_PIXELS ? (TARGET_COLUMNS + output_pixels - 1) / output_pixels
                                                                  : 1;
    return images < 1 ? 1 : images < enough ? images : enough;
}

static job job_of(const tap__conv *c, tap_tensor x, tap_tensor y)
{
    job j = { .c = c, .kernel = &TAP__KERNEL_PICK(tap__conv_kernels)[x.dtype == TAP_F64], .dtype = x.dtype, .x = x, .y = y };
    j.size = (int64_t)tap_dtype_size(x.dtype);
    j.output_pixels = c->axis[0].count * c->axis[1].count;
    j.kernel_size = c->axis[0].kernel * c->axis[1].kernel;
    j.in = c->in / c->groups;
    j.out = c->out / c->groups;
    j.images_per_item = images_per_item(j.output_pixels, c->batch);
    j.in_rows = j.images_per_item == 1 && y.stride[3] == 1 && y.stride[2] == c->axis[1].count;
    j.items = (c->batch + j.images_per_item - 1) / j.images_per_item * c->groups;
    j.padded_rows = aligned((tap__conv_padded_size(c, j.images_per_item) + TAP__CONV_SPARE) * j.size);
    j.columns = aligned((j.in * j.kernel_size * j.images_per_item * j.output_pixels + TAP__CONV_SPARE) * j.size);
    j.rows = aligned(j.out * j.images_per_item * j.output_pixels * j.size);
    return j;
}

/* The data of x in C order. If that needs a copy, *copy is its memory, for the caller to release. NULL without memory. */
static const void *contiguous_data(tap_tensor x, tap_arena *scratch, void **copy)
{
    if (tap_tensor_is_contiguous(x)) return x.data;
    *copy = tap__arena_acquire(scratch, (size_t)tap_numel(x.shape) * tap_dtype_size(x.dtype));
    if (*copy) tap__tensor_copy(tap_tensor_wrap(x.dtype, x.shape, *copy), x, NULL);
    return *copy;
}

static int64_t part_bytes(const job *j)
{
    return j->padded_rows + j->columns + j->rows + j->padded_totals + j->totals;
}

static work_item work_item_of(const job *j, int64_t part, int64_t number)
{
    work_item item = { .first = number / j->c->groups * j->images_per_item, .group = number % j->c->groups };
    item.images = j->c->batch - item.first < j->images_per_item ? j->c->batch - item.first : j->images_per_item;
    item.length = item.images * j->output_pixels;
    item.padded_rows = j->memory + part * part_bytes(j);
    item.columns = item.padded_rows + j->padded_rows;
    item.rows = item.columns + j->columns;
    item.padded_totals = j->padded_totals ? (double *)(void *)(item.rows + j->rows) : NULL;
    item.totals = j->totals ? (double *)(void *)(item.rows + j->rows + j->padded_totals) : NULL;
    return item;
}

/* The view of x or y that a work item covers: its images, and the channels of its group. */
static tap_tensor item_view(tap_tensor x, const work_item *item, int64_t channels)
{
    int64_t at = item->first * x.stride[0] + item->group * channels * x.stride[1];
    x.data = (char *)x.data + at * (int64_t)tap_dtype_size(x.dtype);
    x.shape.n[0] = item->images;
    x.shape.n[1] = channels;
    return x;
}

/* The work item's part of y, [images,out,P,Q], in the layout of a product's result: in y itself, or in the item's buffer as
 * [out,images,P,Q], to be copied. */
static tap_tensor result_rows(const job *j, const work_item *item)
{
    tap_tensor rows = item_view(j->y, item, j->out);
    if (j->in_rows) return rows;
    rows.data = item->rows;
    tap__set_contiguous(&rows);
    rows.stride[0] = j->output_pixels;
    rows.stride[1] = item->length;
    return rows;
}

/* The work item's part of y, copied to that layout if necessary. */
static tap_tensor load_result_rows(const job *j, const work_item *item)
{
    tap_tensor rows = result_rows(j, item);
    if (!j->in_rows) tap__tensor_copy(rows, item_view(j->y, item, j->out), NULL);
    return rows;
}

static tap__matrix matrix_of(const work_item *item, tap_tensor rows)
{
    return (tap__matrix){ rows.data, rows.shape.n[1], item->length, rows.stride[1], 1 };
}

static void im2col(const job *j, const work_item *item)
{
    j->kernel->im2col(j->c, item_view(j->x, item, j->in), item->padded_rows, item->columns);
}

static tap__matrix matrix(const void *data, int64_t rows, int64_t columns, bool transposed)
{
    return (tap__matrix){ data, rows, columns, transposed ? 1 : columns, transposed ? rows : 1 };
}

/* out = a b + (add ? out : 0) */
static void multiply(const job *j, const work_item *item, tap__matrix a, tap__matrix b, void *out, int64_t out_row, bool add)
{
    const int64_t width = b.columns * j->size;
    for (int64_t i = 0; a.columns == 0 && !add && i < a.rows; i++)
        memset((char *)out + i * out_row * j->size, 0, (size_t)width);
    if (item->totals) tap__long_product(a, b, out, out_row, add, item->totals);
    else tap__product(TAP__TILED, j->dtype, a, b, out, out_row, add);
}

static int64_t weight_bytes(const job *j)
{
    return j->c->out * j->in * j->kernel_size * j->size;
}

/* The offset in bytes of the weight of the work item's group. */
static int64_t weight_offset(const job *j, const work_item *item)
{
    return item->group * j->out * j->in * j->kernel_size * j->size;
}

/* Forward: y = bias + w columns */
static void forward(const job *j, const work_item *item, int64_t part)
{
    const int64_t k = j->in * j->kernel_size;
    tap_tensor    rows = result_rows(j, item), bias = rows;
    im2col(j, item);
    if (j->bias) {
        bias.data = (char *)(uintptr_t)j->bias + item->group * j->out * j->size;
        for (int i = 0; i < 4; i++) bias.stride[i] = i == 1;
        tap__tensor_copy(rows, bias, NULL);
    }
    multiply(j, item, matrix(j->w + weight_offset(j, item), j->out, k, false), matrix(item->columns, k, item->length, false),
             rows.data, rows.stride[1], j->bias != NULL);
    if (!j->in_rows) tap__tensor_copy(item_view(j->y, item, j->out), rows, NULL);
    (void)part;
}

/* Adjoint: columns = w^T y, x = bias + col2im(columns) */
static void adjoint(const job *j, const work_item *item, int64_t part)
{
    const int64_t    k = j->in * j->kernel_size;
    const tap_tensor rows = load_result_rows(j, item);
    multiply(j, item, matrix(j->w + weight_offset(j, item), k, j->out, true), matrix_of(item, rows), item->columns,
             item->length, false);
    j->kernel->col2im(j->c, item_view(j->x, item, j->in), item->padded_rows, item->padded_totals, item->columns,
                      j->bias ? j->bias + item->group * j->in * j->size : NULL);
    (void)part;
}

/* Weight gradient, of one part: w += y columns^T */
static void weight_gradient(const job *j, const work_item *item, int64_t part)
{
    const int64_t    k = j->in * j->kernel_size;
    const tap_tensor rows = load_result_rows(j, item);
    im2col(j, item);
    multiply(j, item, matrix_of(item, rows), matrix(item->columns, item->length, k, true),
             j->sums + part * weight_bytes(j) + weight_offset(j, item), k, true);
}

/* Thread body: all work items of parts first..last-1. */
static void run_parts(void *context, int64_t first, int64_t last)
{
    const job *j = context;
    for (int64_t part = first; part < last; part++) {
        for (int64_t i = j->items * part / j->parts; i < j->items * (part + 1) / j->parts; i++) {
            const work_item item = work_item_of(j, part, j->first + i);
            j->run_item(j, &item, part);
        }
    }
}

/* The cost of all work items, at roughly 48 terms per nanosecond. */
static int64_t cost_ns(const job *j)
{
    const double terms =
        (double)j->items * (double)(j->images_per_item * j->output_pixels) * (double)(j->kernel_size * j->in) * (double)j->out;
    return tap__cost_ns(terms / 48);
}

/* Deals out the work items to at most n parts, which threads share. */
static bool run(job *j, int64_t n, item_function run_item, tap_arena *scratch)
{
    j->run_item = run_item;
    j->parts = n < j->items ? n : j->items;
    const size_t size = (size_t)part_bytes(j), max = j->parts > 0 ? SIZE_MAX / (size_t)j->parts : SIZE_MAX;
    j->memory = tap__arena_acquire(scratch, size <= max ? (size_t)j->parts * size : SIZE_MAX);
    if (!j->memory) return false;
    tap__parallel(j->parts, cost_ns(j), run_parts, j);
    tap__arena_release(scratch, j->memory);
    return true;
}

/* Runs the job with as many parts as threads: the results of its work items are not added up. */
static bool run_with_weight(job *j, tap_tensor w, const tap_tensor *bias, item_function run_item, tap_arena *scratch)
{
    void *copy[2] = { NULL, NULL };
    j->w = contiguous_data(w, scratch, &copy[0]);
    j->bias = bias ? contiguous_data(*bias, scratch, &copy[1]) : NULL;
    bool ok = j->w && (!bias || j->bias) && run(j, tap_threads(), run_item, scratch);
    for (int i = 0; i < 2; i++) {
        if (copy[i]) tap__arena_release(scratch, copy[i]);
    }
    return ok;
}

/* The bytes that a product of this number of terms and elements needs for tap__long_product. */
static int64_t totals_for(const job *j, int64_t terms, int64_t elements)
{
    return tap__product_is_long(TAP__TILED, j->dtype, terms) ? aligned(elements * (int64_t)sizeof(double)) : 0;
}

bool tap__conv_forward(const tap__conv *c, tap_tensor x, tap_tensor w, const tap_tensor *bias, tap_tensor y, tap_arena *scratch)
{
    job j = job_of(c, x, y);
    j.totals = totals_for(&j, j.in * j.kernel_size, j.out * j.images_per_item * j.output_pixels);
    return run_with_weight(&j, w, bias, forward, scratch);
}

bool tap__conv_adjoint(const tap__conv *c, tap_tensor y, tap_tensor w, const tap_tensor *bias, tap_tensor x, tap_arena *scratch)
{
    job j = job_of(c, x, y);
    j.totals = totals_for(&j, j.out, j.in * j.kernel_size * j.images_per_item * j.output_pixels);
    if (j.dtype == TAP_F32 && j.kernel_size > TAP__CONV_SUM_BLOCK)
        j.padded_totals = aligned(tap__conv_padded_size(c, j.images_per_item) * (int64_t)sizeof(double));
    return run_with_weight(&j, w, bias, adjoint, scratch);
}

/* The weight's gradient from the job's work items, in n parts. */
static bool sum_items(job *j, int64_t n, tap_tensor w, tap_arena *scratch)
{
    memset(j->sums, 0, (size_t)((n > 1 ? n : 1) * weight_bytes(j)));
    if (!run(j, n, weight_gradient, scratch)) return false;
    return n <= 1 || tap__reduce(TAP__SUM, tap_tensor_wrap(j->dtype, TAP_SHAPE(n, tap_numel(w.shape)), j->sums), 1, w, scratch);
}

/* As sum_items, for more work items than n parts should sum in float32: their sums are added up in double. */
static bool sum_in_double(job *j, int64_t n, tap_tensor w, tap_arena *scratch)
{
    const int64_t    all = j->items, max = n * MAX_ITEMS_IN_F32 * j->c->groups;
    const tap_tensor total =
        tap_tensor_wrap(TAP_F64, w.shape, tap__arena_acquire(scratch, (size_t)tap_numel(w.shape) * sizeof(double)));
    if (!total.data) return false;
    tap__tensor_fill(total, 0);
    bool ok = true;
    for (j->first = 0; ok && j->first < all; j->first += max) {
        j->items = all - j->first < max ? all - j->first : max;
        ok = sum_items(j, n, w, scratch);
        if (ok) tap__add_to_total(matrix(w.data, 1, tap_numel(w.shape), false), total.data);
    }
    if (ok) tap__tensor_copy(w, total, NULL);
    tap__arena_release(scratch, total.data);
    return ok;
}

bool tap__conv_weight(const tap__conv *c, tap_tensor x, tap_tensor y, tap_tensor w, tap_arena *scratch)
{
    job           j = job_of(c, x, y);
    const int64_t n = j.items < MAX_PARTS ? j.items : MAX_PARTS;
    j.sums = n > 1 ? tap__arena_acquire(scratch, (size_t)(n * weight_bytes(&j))) : w.data;
    if (!j.sums) return false;
    j.totals = totals_for(&j, j.images_per_item * j.output_pixels, j.out * j.in * j.kernel_size);
    const bool many = j.dtype == TAP_F32 && j.items > n * MAX_ITEMS_IN_F32 * c->groups;
    const bool ok = many ? sum_in_double(&j, n, w, scratch) : sum_items(&j, n, w, scratch);
    if (n > 1) tap__arena_release(scratch, j.sums);
    return ok;
}
