/* nn/loader.c: batches of the rows of a tensor, in order or shuffled by (seed, epoch). The data belong to the caller; the
 * loader owns the order of the rows and the buffers of its batches. A buffer that a tape has borrowed is not reused until that
 * tape is reset, so that there are one or two buffers as a rule. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>

#include "nn/internal.h"
#include "tensor/borrow.h"
#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/internal.h"
#include "tensor/shape.h"
#include "tensor/view.h"

/* Memory for one batch. */
typedef struct buffer {
    struct buffer *next;
    tap_tensor     x;
} buffer;

struct tap_loader {
    tap_arena *memory;   /* of the order and the buffers; holds the error */
    bool is_read, *read; /* the error has been read; read points to is_read, so that it can be set through a const pointer */
    tap_tensor           data;
    buffer              *buffers;
    tap_loader_options   options;
    tap__loader_position position;
    int64_t              rows, n_last; /* rows of the data, and of the last batch */
    int64_t             *order;
};

/* Returned when there is no memory for a loader. */
static tap_loader no_loader;

/* The number of elements in a row. */
static int64_t row_width(tap_tensor data)
{
    tap_shape row = data.shape;
    row.n[0] = 1;
    return tap_numel(row);
}

static void check(const tap_loader *l, tap_error *e)
{
    const tap_loader_options *o = &l->options;
    char                      text[TAP_SHAPE_TEXT];
    if (!l->data.data || l->data.shape.rank < 1 || tap_numel(l->data.shape) < 0 || row_width(l->data) < 0)
        tap_error_set(e, TAP_ESHAPE, "loader: data must have rows, not shape %s", tap_shape_format(text, l->data.shape));
    if (!tap_dtype_size(l->data.dtype)) tap_error_set(e, TAP_EDTYPE, "loader: the data must have a dtype");
    if (!tap_dtype_is_float(o->dtype))
        tap_error_set(e, TAP_EDTYPE, "loader: batches must be float32 or float64, not %s", tap_dtype_name(o->dtype));
    if (o->batch <= 0) tap_error_set(e, TAP_EARG, "loader: batch must be at least 1, not %lld", (long long)o->batch);
    if (!isfinite(o->scale)) tap_error_set(e, TAP_EARG, "loader: scale must be finite, not %g", o->scale);
}

static buffer *add_buffer(tap_loader *l)
{
    const int64_t rows = l->options.batch < l->rows ? l->options.batch : l->rows;
    buffer       *b = tap_arena_alloc(l->memory, sizeof *b);
    if (!b) return NULL;
    b->x = tap_tensor_zeros(l->memory, l->options.dtype, TAP_SHAPE(rows, row_width(l->data)));
    if (!b->x.data) return NULL;
    b->next = l->buffers;
    l->buffers = b;
    return b;
}

/* A buffer that no tape borrows; NULL, and the loader has failed, if there is no memory. */
static buffer *unused_buffer(tap_loader *l)
{
    buffer *b = l->buffers;
    while (b && tap__is_borrowed(b->x)) b = b->next;
    return b ? b : add_buffer(l);
}

static void prepare(tap_loader *l)
{
    l->rows = l->data.shape.n[0];
    l->order = tap_arena_alloc(l->memory, (size_t)l->rows * sizeof *l->order);
    add_buffer(l);
}

tap_loader *tap_loader_new(tap_tensor data, tap_loader_options o)
{
    tap_loader *l = calloc(1, sizeof *l);
    tap_arena  *memory = tap__arena_new_internal();
    if (!l || tap_arena_status(memory, NULL) != TAP_OK) {
        tap_error_set(NULL, TAP_ENOMEM, "loader: no memory");
        tap_arena_free(memory);
        free(l);
        return &no_loader;
    }
    tap__arena_name(memory, "loader");
    l->memory = memory;
    l->read = &l->is_read;
    l->data = data;
    l->options = o;
    if (o.batch == 0) l->options.batch = 128;
    if (o.scale == 0) l->options.scale = data.dtype == TAP_U8 ? 1.0 / 255 : 1;
    tap_error e = { 0 };
    check(l, &e);
    tap__error_copy(tap_arena_error(l->memory), &e);
    if (e.status == TAP_OK) prepare(l);
    tap_loader_start(l, 0);
    return l;
}

void tap_loader_free(tap_loader *l)
{
    if (!l || l == &no_loader) return;
    const tap_error *e = tap_arena_error(l->memory);
    if (e->status != TAP_OK && !l->is_read) tap__report_unread("loader", e);
    tap_arena_free(l->memory);
    free(l);
}

tap_status tap_loader_status(const tap_loader *l, const char **message)
{
    if (l && l != &no_loader) {
        if (message) *l->read = true;
        return tap_arena_status(l->memory, message);
    }
    if (message) *message = l ? "loader: no memory" : "loader: NULL";
    return l ? TAP_ENOMEM : TAP_EARG;
}

void tap__loader_resume(tap_loader *l)
{
    const tap_rng_key key = { l->options.seed, tap_random_hash("loader"), (uint64_t)l->position.epoch };
    l->n_last = 0;
    if (l->options.shuffle) tap_random_permutation(l->order, l->rows, key);
    else
        for (int64_t i = 0; i < l->rows; i++) l->order[i] = i;
}

void tap_loader_start(tap_loader *l, uint64_t epoch)
{
    if (tap_loader_status(l, NULL) != TAP_OK) return;
    l->position = (tap__loader_position){ .epoch = (int64_t)epoch };
    tap__loader_resume(l);
}

uint64_t tap_loader_epoch(const tap_loader *l)
{
    return l ? (uint64_t)l->position.epoch : 0;
}

tap__loader_position *tap__loader_position_of(tap_loader *l)
{
    return &l->position;
}

int64_t tap__loader_rows(const tap_loader *l)
{
    return l->rows;
}

/* The hash of all rows, one after the other, whatever their strides. */
static uint64_t hash_of(tap_tensor data, tap_error *e)
{
    uint64_t   hash = 0;
    size_t     bytes = (size_t)row_width(data) * tap_dtype_size(data.dtype);
    tap_arena *scratch = tap__arena_new_internal();
    for (int64_t i = 0; i < data.shape.n[0]; i++) {
        tap_tensor row;
        tap__select(data, 0, i, &row, NULL);
        row = tap_tensor_contiguous(scratch, row);
        if (row.data) hash = XXH3_64bits_withSeed(row.data, bytes, hash);
        tap_arena_reset(scratch);
    }
    tap__error_copy(e, tap_arena_error(scratch));
    tap_arena_free(scratch);
    return hash;
}

tap_status tap__loader_describe(const tap_loader *l, char *text, size_t size)
{
    tap_error                 e = { 0 };
    const uint64_t            hash = hash_of(l->data, &e);
    const tap_loader_options *o = &l->options;
    char                      shape[TAP_SHAPE_TEXT], order[48] = "in order";
    if (o->shuffle) snprintf(order, sizeof order, "shuffled by seed %" PRIu64, o->seed);
    tap__format(text, size, "%s %s with hash %016" PRIx64 ", times %.17g in batches of %" PRId64 "%s, %s",
                tap_dtype_name(l->data.dtype), tap_shape_format(shape, l->data.shape), hash, o->scale, o->batch,
                o->drop_last ? " without the last" : "", order);
    return e.status;
}

static void scale(tap_tensor x, double factor)
{
    int64_t n = tap_tensor_numel(x);
    if (x.dtype == TAP_F32) {
        float *v = x.data;
        for (int64_t i = 0; i < n; i++) v[i] = (float)((double)v[i] * factor);
    } else {
        double *v = x.data;
        for (int64_t i = 0; i < n; i++) v[i] *= factor;
    }
}

/* Copies row `from` of the data, of any strides, to row `to` of the batch. */
static void copy_row(tap_tensor batch, int64_t to, tap_tensor data, int64_t from)
{
    tap_tensor src, dst = { .dtype = batch.dtype };
    tap__select(data, 0, from, &src, NULL);
    dst.data = (char *)batch.data + to * batch.shape.n[1] * (int64_t)tap_dtype_size(dst.dtype);
    dst.shape = src.shape;
    tap__set_contiguous(&dst);
    tap__tensor_copy(dst, src, NULL);
}

bool tap_loader_next(tap_loader *l, tap_tensor *x)
{
    if (x) *x = (tap_tensor){ 0 };
    if (!x || tap_loader_status(l, NULL) != TAP_OK) return false;
    int64_t left = l->rows - l->position.next, n = left < l->options.batch ? left : l->options.batch;
    if (n == 0 || (n < l->options.batch && l->options.drop_last)) return false;
    const buffer *b = unused_buffer(l);
    if (!b) return false;
    for (int64_t i = 0; i < n; i++) copy_row(b->x, i, l->data, l->order[l->position.next + i]);
    l->position.next += n;
    l->n_last = n;
    *x = b->x;
    x->shape.n[0] = n;
    if (l->options.scale != 1) scale(*x, l->options.scale);
    return true;
}

int64_t tap_loader_batches(const tap_loader *l)
{
    if (tap_loader_status(l, NULL) != TAP_OK) return 0;
    int64_t whole = l->rows / l->options.batch;
    return whole + (l->rows % l->options.batch && !l->options.drop_last);
}

const int64_t *tap_loader_rows(const tap_loader *l, int64_t *n)
{
    if (n) *n = l ? l->n_last : 0;
    return l && l->order ? l->order + l->position.next - l->n_last : NULL;
}
