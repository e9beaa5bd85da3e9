/* nn/data/describe.c: identifies a loader's data and options for a checkpoint, by a hash of some rows: data may be larger than
 * memory. */
#include <inttypes.h>
#include <stdio.h>

#include <xxhash.h>

#include "nn/data/loader.h"
#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/error.h"

enum { ROWS = 64, MAX_BYTES = 1 << 16 };

static uint64_t hash_row(const tap__maker *m, const tap_tensor *row, tap_arena *scratch, uint64_t hash)
{
    for (int f = 0; f < m->n; f++) {
        const tap_tensor x = tap_tensor_contiguous(scratch, row[f]);
        const size_t     bytes = x.data ? (size_t)tap_numel(x.shape) * tap_dtype_size(x.dtype) : 0;
        hash = XXH3_64bits_withSeed(x.data, bytes < MAX_BYTES ? bytes : MAX_BYTES, hash);
    }
    return hash;
}

/* The i-th of the rows that are hashed: all, or ROWS from the first to the last. */
static int64_t sampled(int64_t rows, int64_t i)
{
    if (rows <= ROWS) return i;
    return (rows - 1) / (ROWS - 1) * i + (rows - 1) % (ROWS - 1) * i / (ROWS - 1);
}

static uint64_t hash_data(const tap__maker *m, tap_error *e)
{
    const int64_t rows = m->order.rows, n = rows < ROWS ? rows : ROWS;
    uint64_t      hash = 0;
    tap_tensor    row[TAP_MAX_FIELDS];
    tap_arena    *scratch = tap__arena_new_internal();
    for (int64_t i = 0; i < n && tap_arena_status(scratch, NULL) == TAP_OK; i++) {
        for (int f = 0; f < m->n && m->is_function; f++) row[f] = tap_tensor_zeros(scratch, m->data.dtype[f], m->data.shape[f]);
        if (tap_arena_status(scratch, NULL) != TAP_OK || !tap__read_row(m, sampled(rows, i), row, e)) break;
        hash = hash_row(m, row, scratch, hash);
        tap_arena_reset(scratch);
    }
    tap__error_copy(e, tap_arena_error(scratch));
    tap_arena_free(scratch);
    return hash;
}

static uint64_t hash_numbers(uint64_t hash, const double *numbers, size_t n)
{
    return XXH3_64bits_withSeed(numbers, n * sizeof *numbers, hash);
}

/* Of options that a loader of one array, without transforms and weights, does not have. */
static uint64_t hash_options(const tap__maker *m, uint64_t hash)
{
    const tap__order *o = &m->order;
    for (int f = 0; f < m->n && (m->n > 1 || m->is_function); f++) {
        const tap_field_options *field = &m->field[f];
        hash = hash_numbers(hash, (double[]){ (double)field->as, field->flatten, field->scale, (double)field->classes }, 4);
    }
    for (int i = 0; i < m->n_transforms; i++) {
        const tap_transform *t = &m->transform[i];
        hash = hash_numbers(hash, (double[]){ t->row != NULL, t->batch != NULL, t->field, (double)t->size }, 4);
        hash = hash_numbers(hash, t->number, 2 * TAP_MAX_CHANNELS);
    }
    if (o->weight) hash = XXH3_64bits_withSeed(o->weight, (size_t)o->rows * sizeof *o->weight, hash);
    return hash;
}

static void describe_order(const tap__maker *m, char *text, size_t size)
{
    const tap__order        *o = &m->order;
    static const char *const how[] = { "in order", "shuffled by seed", "permuted by seed", "drawn by seed",
                                       "drawn without replacement by seed" };
    int                      n = o->kind == TAP__IN_ORDER ? snprintf(text, size, "%s", how[0])
                                                          : snprintf(text, size, "%s %" PRIu64, how[o->kind], o->seed);
    if (o->weight) n += snprintf(text + n, size - (size_t)n, ", %" PRId64 " of %" PRId64, o->draws, o->rows);
    if (m->n_transforms > 0) snprintf(text + n, size - (size_t)n, ", %d transforms", m->n_transforms);
}

/* Dtype and shape of the first field, and how many there are besides. */
static void describe_fields(const tap__maker *m, char *text, size_t size)
{
    char      shape[TAP_SHAPE_TEXT];
    tap_shape all = tap__field_shape(m, 0);
    for (int i = all.rank++; i > 0; i--) all.n[i] = all.n[i - 1];
    all.n[0] = m->order.rows;
    const int n = snprintf(text, size, "%s %s", tap_dtype_name(tap__field_dtype(m, 0)), tap_shape_format(shape, all));
    if (m->n > 1) snprintf(text + n, size - (size_t)n, " and %d more", m->n - 1);
}

tap_status tap__loader_describe(tap_loader *l, char *text, size_t size, tap_error *e)
{
    tap_error                 error = { 0 };
    const tap__maker         *m = tap__loader_maker(l);
    const tap_loader_options *o = tap__loader_options_of(l);
    const uint64_t            hash = hash_options(m, hash_data(m, &error));
    char                      fields[TAP_SHAPE_TEXT + 64], order[160];
    describe_fields(m, fields, sizeof fields);
    describe_order(m, order, sizeof order);
    tap__format(text, size, "%s with hash %016" PRIx64 ", times %.17g in batches of %" PRId64 "%s, %s", fields, hash,
                m->field[0].scale, o->batch, o->drop_last ? " without the last" : "", order);
    return tap__error_copy(e, &error);
}
