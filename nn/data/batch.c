/* nn/data/batch.c: makes a batch: reads its rows, converts and transforms them. */
#include <stdio.h>

#include "nn/data/loader.h"
#include "tensor/internal.h"
#include "tensor/random.h"
#include "tensor/shape.h"
#include "tensor/view.h"

/* ---- Reading ---- */

tap_dtype tap__field_dtype(const tap__maker *m, int field)
{
    return m->is_function ? m->data.dtype[field] : m->array[field].dtype;
}

tap_shape tap__field_shape(const tap__maker *m, int field)
{
    if (m->is_function) return m->data.shape[field];
    tap_shape shape = m->array[field].shape;
    shape.rank--;
    for (int i = 0; i < shape.rank; i++) shape.n[i] = shape.n[i + 1];
    return shape;
}

/* Sets e to the caller's error, with the place in front. A function may return a status without a message, or set an error and
 * return TAP_OK. */
static bool check(tap_status status, const tap_error *from, const char *what, int64_t row, tap_error *e)
{
    if (status == TAP_OK && from->status == TAP_OK) return true;
    if (from->status != TAP_OK) tap_error_set(e, from->status, "loader: %s %lld: %s", what, (long long)row, from->message);
    else
        tap_error_set(e, status, "loader: %s %lld: the function returned %s without a message", what, (long long)row,
                      tap_status_name(status));
    return false;
}

bool tap__read_row(const tap__maker *m, int64_t row, tap_tensor *out, tap_error *e)
{
    tap_error error = { 0 };
    if (m->is_function) return check(m->data.read(m->data.context, row, out, &error), &error, "row", row, e);
    for (int f = 0; f < m->n; f++) tap__select(m->array[f], 0, row, &out[f], NULL);
    return true;
}

/* Whether the data set can write the field to the batch itself. */
static bool is_direct(const tap__maker *m, int field)
{
    return m->is_function && m->field[field].as == TAP_FIELD_AS_IS;
}

/* ---- Converting ---- */

static void scale(tap_tensor x, double factor)
{
    const int64_t n = tap_numel(x.shape);
    if (x.dtype == TAP_F32) {
        float *v = x.data;
        for (int64_t i = 0; i < n; i++) v[i] = (float)((double)v[i] * factor);
    } else {
        double *v = x.data;
        for (int64_t i = 0; i < n; i++) v[i] *= factor;
    }
}

static bool set_one_hot(tap_tensor to, tap_tensor from, int64_t classes, int field, int64_t row, tap_error *e)
{
    const int64_t n = tap_numel(from.shape);
    tap__tensor_fill(to, 0);
    for (int64_t i = 0; i < n; i++) {
        const double class = tap_tensor_item(from, i);
        if (!(class >= 0 && class < (double)classes)) {
            tap_error_set(e, TAP_EARG, "loader: row %lld: field %d must be a class of 0..%lld, not %lld", (long long)row, field,
                          (long long)classes - 1, (long long)class);
            return false;
        }
        const int64_t at = i * classes + (int64_t) class;
        if (to.dtype == TAP_F32) ((float *)to.data)[at] = 1;
        else ((double *)to.data)[at] = 1;
    }
    return true;
}

/* Puts a field of a row, of any strides, into the batch's memory. */
static bool place(const tap__maker *m, int field, tap_tensor to, tap_tensor from, int64_t row, tap_error *e)
{
    const tap_field_options *o = &m->field[field];
    if (o->as == TAP_FIELD_ONE_HOT) return set_one_hot(to, from, o->classes, field, row, e);
    tap_tensor as_read = to;
    as_read.shape = from.shape;
    tap__set_contiguous(&as_read);
    tap__tensor_copy(as_read, from, NULL);
    if (o->as == TAP_FIELD_FLOAT && o->scale != 1) scale(to, o->scale);
    return true;
}

/* ---- Rows and batches ---- */

/* The fields of row i of the batch. */
static void row_of(const tap__maker *m, const tap__batch *b, int64_t i, tap_tensor *x)
{
    for (int f = 0; f < m->n; f++) {
        const int64_t bytes = tap_numel(m->shape[f]) * (int64_t)tap_dtype_size(m->dtype[f]);
        x[f] = tap_tensor_wrap(m->dtype[f], m->shape[f], (char *)b->x[f].data + i * bytes);
    }
}

/* Noise of a row, a draw or a batch. */
static tap_rng rng_of(const tap__maker *m, const char *stream, uint64_t epoch, int64_t number)
{
    uint64_t word[4];
    tap__random_words((tap_rng_key){ m->seed, tap_random_hash(stream), epoch }, (uint64_t)number, 4, word);
    return (tap_rng){ .key = { word[0], word[1], word[2] } };
}

static bool transform_row(const tap__maker *m, const tap__batch *b, int64_t i, const tap_tensor *x, tap_error *e)
{
    const bool    repeats = m->order.kind == TAP__DRAWN;
    const int64_t row = b->rows[i], number = repeats ? b->at.next + i : row;
    tap_rng       rng = rng_of(m, repeats ? "loader draw" : "loader row", (uint64_t)b->at.epoch, number);
    for (int t = 0; t < m->n_transforms; t++) {
        const tap_transform *how = &m->transform[t];
        tap_error            error = { 0 };
        if (how->row && !check(how->row(how, m->n, x, &rng, &error), &error, "row", row, e)) return false;
    }
    return true;
}

static bool make_row(const tap__maker *m, const tap__batch *b, int64_t i, tap_error *e)
{
    const int64_t row = b->rows[i];
    tap_tensor    to[TAP_MAX_FIELDS], from[TAP_MAX_FIELDS];
    row_of(m, b, i, to);
    for (int f = 0; f < m->n; f++) {
        from[f] = m->scratch[f];
        if (!is_direct(m, f)) continue;
        from[f] = to[f];
        from[f].shape = tap__field_shape(m, f);
        tap__set_contiguous(&from[f]);
    }
    if (!tap__read_row(m, row, from, e)) return false;
    for (int f = 0; f < m->n; f++) {
        if (!is_direct(m, f) && !place(m, f, to[f], from[f], row, e)) return false;
    }
    return m->n_transforms == 0 || transform_row(m, b, i, to, e);
}

static void transform_batch(const tap__maker *m, const tap__batch *b, tap_error *e)
{
    tap_tensor x[TAP_MAX_FIELDS];
    tap_rng    rng = rng_of(m, "loader batch", (uint64_t)b->at.epoch, b->at.next);
    for (int f = 0; f < m->n; f++) {
        x[f] = b->x[f];
        x[f].shape.n[0] = b->n;
    }
    for (int t = 0; t < m->n_transforms; t++) {
        const tap_transform *how = &m->transform[t];
        tap_error            error = { 0 };
        if (how->batch && !check(how->batch(how, m->n, x, &rng, &error), &error, "batch from row", b->at.next, e)) return;
    }
}

void tap__batch_make(tap__maker *m, tap__batch *b)
{
    b->error = (tap_error){ 0 };
    tap__order_begin(&m->order, (uint64_t)b->at.epoch);
    for (int64_t i = 0; i < b->n; i++) {
        b->rows[i] = tap__order_row(&m->order, b->at.next + i);
        if (!make_row(m, b, i, &b->error)) return;
    }
    if (m->n_transforms > 0) transform_batch(m, b, &b->error);
}
