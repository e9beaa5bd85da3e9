/* nn/data/loader.c: batches of the rows of arrays or of a data set, in order, shuffled or drawn, made when they are asked for
 * or by a thread before that.
 *
 * The data belong to the caller; the loader owns the memory of its batches. A batch that a tape has borrowed is not reused
 * until that tape is reset, so that there are one or two as a rule, and with prefetch as many more as are prepared. The
 * position is that of the next batch to be handed out, whatever is prepared already: a prepared batch is used if it was made
 * for the position, and dropped otherwise. */
#include <math.h>

#include "nn/data/loader.h"
#include "tensor/borrow.h"
#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/error.h"

struct tap_loader {
    tap_arena           *memory; /* of the order and the batches; holds the error */
    tap_loader_options   options;
    tap__maker           maker; /* the thread's while that is working */
    tap__prefetch       *prefetch;
    tap__batch          *batches, *last; /* all of them, and the one handed out last */
    tap__loader_position position;
    int                  n;      /* fields */
    int64_t              n_last; /* rows of the last batch in this epoch */
    int64_t              rows;   /* of an epoch */
};

/* Returned when there is no memory for a loader, with its error; and the error of NULL. */
static tap_loader      no_loader;
static const tap_error no_memory = { TAP_ENOMEM, "loader: no memory" }, null = { TAP_EARG, "loader: NULL" };

/* ---- Checks ---- */

static void check_options(const tap_loader_options *o, tap_error *e)
{
    if (!tap_dtype_is_float(o->dtype))
        tap_error_set(e, TAP_EDTYPE, "loader: batches must be float32 or float64, not %s", tap_dtype_name(o->dtype));
    if (o->batch <= 0) tap_error_set(e, TAP_EARG, "loader: batch must be at least 1, not %lld", (long long)o->batch);
    if (o->prefetch < 0 || o->prefetch > TAP__MAX_PREFETCH)
        tap_error_set(e, TAP_EARG, "loader: prefetch must be within 0..%d, not %d", TAP__MAX_PREFETCH, o->prefetch);
}

/* Whether x has rows; if not, an error that calls it `what`. */
static bool has_rows(tap_tensor x, const char *what, tap_error *e)
{
    char      text[TAP_SHAPE_TEXT];
    tap_shape row = x.shape;
    row.n[0] = 1;
    if (!x.data || x.shape.rank < 1 || tap_numel(x.shape) < 0 || tap_numel(row) < 0)
        tap_error_set(e, TAP_ESHAPE, "loader: %s must have rows, not shape %s", what, tap_shape_format(text, x.shape));
    if (!tap_dtype_size(x.dtype)) tap_error_set(e, TAP_EDTYPE, "loader: the %s must have a dtype", what);
    return e->status == TAP_OK;
}

static void check_arrays(const tap_loader *l, bool only, tap_error *e)
{
    const tap__maker *m = &l->maker;
    char              what[24];
    for (int f = 0; f < l->n; f++) {
        tap__format(what, sizeof what, only ? "data" : "array %d", f);
        if (!has_rows(m->array[f], what, e)) return;
        if (m->array[f].shape.n[0] != m->array[0].shape.n[0])
            tap_error_set(e, TAP_ESHAPE, "loader: array %d has %lld rows, array 0 has %lld", f,
                          (long long)m->array[f].shape.n[0], (long long)m->array[0].shape.n[0]);
    }
}

static void check_dataset(const tap_loader *l, tap_error *e)
{
    const tap_dataset *d = &l->maker.data;
    char               text[TAP_SHAPE_TEXT];
    if (d->error && d->error->status != TAP_OK) tap__error_copy(e, d->error);
    if (!d->read) tap_error_set(e, TAP_EARG, "loader: the data set has no function read");
    if (d->rows < 0) tap_error_set(e, TAP_EARG, "loader: the data set cannot have %lld rows", (long long)d->rows);
    for (int f = 0; f < l->n; f++) {
        if (!tap_dtype_size(d->dtype[f])) tap_error_set(e, TAP_EDTYPE, "loader: field %d of the data set must have a dtype", f);
        if (tap_numel(d->shape[f]) < 0 || d->shape[f].rank == TAP_MAX_RANK)
            tap_error_set(e, TAP_ESHAPE, "loader: a row's field %d must have a shape of at most %d axes, not %s", f,
                          TAP_MAX_RANK - 1, tap_shape_format(text, d->shape[f]));
    }
}

/* ---- Fields ---- */

static void init_field(tap_loader *l, int f, tap_error *e)
{
    tap__maker        *m = &l->maker;
    tap_field_options *o = &m->field[f];
    const tap_dtype    from = tap__field_dtype(m, f);
    const bool         is_index = o->as == TAP_FIELD_INDEX || o->as == TAP_FIELD_ONE_HOT;
    tap_shape          shape = tap__field_shape(m, f);
    if (o->scale == 0) o->scale = from == TAP_U8 ? 1.0 / 255 : 1;
    if (!isfinite(o->scale)) tap_error_set(e, TAP_EARG, "loader: scale must be finite, not %g", o->scale);
    if (o->as > TAP_FIELD_ONE_HOT || (int)o->as < 0)
        tap_error_set(e, TAP_EARG, "loader: field %d: as must be a TAP_FIELD, not %d", f, (int)o->as);
    if (is_index && tap_dtype_is_float(from))
        tap_error_set(e, TAP_EDTYPE, "loader: field %d must hold integers to be classes, not %s", f, tap_dtype_name(from));
    if (o->as == TAP_FIELD_ONE_HOT) {
        if (o->classes < 1)
            tap_error_set(e, TAP_EARG, "loader: field %d: classes must be at least 1, not %lld", f, (long long)o->classes);
        if (shape.rank >= TAP_MAX_RANK - 1) tap_error_set(e, TAP_ESHAPE, "loader: field %d has too many axes for one more", f);
        else shape.n[shape.rank++] = o->classes;
    }
    m->dtype[f] = o->as == TAP_FIELD_AS_IS ? from : o->as == TAP_FIELD_INDEX ? TAP_I64 : l->options.dtype;
    if (tap_numel(shape) < 0) tap_error_set(e, TAP_ESHAPE, "loader: field %d has too many elements in a row", f);
    m->shape[f] = o->flatten ? TAP_SHAPE(tap_numel(shape)) : shape;
}

static void init_scratch(tap_loader *l)
{
    tap__maker *m = &l->maker;
    for (int f = 0; f < l->n && m->is_function; f++) {
        if (m->field[f].as == TAP_FIELD_AS_IS) continue;
        m->scratch[f] = tap_tensor_zeros(l->memory, m->data.dtype[f], m->data.shape[f]);
    }
}

/* ---- Batches ---- */

static tap__batch *add_batch(tap_loader *l)
{
    const int64_t rows = l->options.batch < l->rows ? l->options.batch : l->rows;
    tap__batch   *b = tap_arena_alloc(l->memory, sizeof *b);
    if (!b) return NULL;
    if (rows > INT64_MAX / (int64_t)sizeof *b->rows) {
        tap_error_set(tap_arena_error(l->memory), TAP_ENOMEM, "loader: no memory for a batch of %lld rows", (long long)rows);
        return NULL;
    }
    b->rows = tap_arena_alloc(l->memory, (size_t)rows * sizeof *b->rows);
    for (int f = 0; f < l->n; f++) {
        tap_shape shape = { .rank = l->maker.shape[f].rank + 1, .n = { rows } };
        for (int i = 1; i < shape.rank; i++) shape.n[i] = l->maker.shape[f].n[i - 1];
        b->x[f] = tap_tensor_zeros(l->memory, l->maker.dtype[f], shape);
    }
    if (tap_arena_status(l->memory, NULL) != TAP_OK) return NULL;
    b->next = l->batches;
    l->batches = b;
    return b;
}

static bool is_borrowed(const tap_loader *l, const tap__batch *b)
{
    for (int f = 0; f < l->n; f++) {
        if (tap__is_borrowed(b->x[f])) return true;
    }
    return false;
}

/* A batch for the place, in memory that neither a tape nor the thread uses; NULL, and the loader has failed, if there is no
 * memory. Without a thread, the batch handed out last is as good as any. */
static tap__batch *batch_for(tap_loader *l, tap__loader_position at)
{
    tap__batch *b = l->batches;
    while (b && (b->is_posted || (l->prefetch && b == l->last) || is_borrowed(l, b))) b = b->next;
    if (!b) b = add_batch(l);
    if (!b) return NULL;
    const int64_t left = l->rows - at.next;
    b->at = at;
    b->n = left < l->options.batch ? left : l->options.batch;
    return b;
}

/* Whether there is a batch at this place. */
static bool has_batch(const tap_loader *l, tap__loader_position at)
{
    const int64_t left = l->rows - at.next;
    return left > 0 && (left >= l->options.batch || !l->options.drop_last);
}

/* ---- New loaders ---- */

static tap_loader *new_loader(int n, const tap_field_options *fields, tap_loader_options o)
{
    tap_arena  *memory;
    tap_loader *l = tap__arena_object(sizeof *l, "loader", "loader", &no_memory, &memory);
    if (!l) return &no_loader;
    l->memory = memory;
    l->options = o;
    if (o.batch == 0) l->options.batch = 128;
    if (n < 1 || n > TAP_MAX_FIELDS)
        tap_error_set(tap_arena_error(memory), TAP_EARG, "loader: a row must have 1 to %d fields, not %d", TAP_MAX_FIELDS, n);
    else l->n = l->maker.n = n;
    for (int f = 0; f < l->n && fields; f++) l->maker.field[f] = fields[f];
    return l;
}

/* Completes a loader whose data are set; check_data has checked them. */
static tap_loader *complete(tap_loader *l, int64_t rows)
{
    tap_error  *e = tap_arena_error(l->memory);
    tap__maker *m = &l->maker;
    if (e->status == TAP_OK) check_options(&l->options, e);
    for (int f = 0; f < l->n && e->status == TAP_OK; f++) init_field(l, f, e);
    if (e->status != TAP_OK) return l;
    m->seed = l->options.seed;
    for (const tap_transform *t = l->options.transform; m->n_transforms < TAP_MAX_TRANSFORMS && (t->row || t->batch); t++)
        m->transform[m->n_transforms++] = *t;
    tap__order_init(&m->order, l->memory, rows, m->is_function, &l->options);
    l->rows = m->order.draws;
    if (e->status == TAP_OK) init_scratch(l);
    if (e->status == TAP_OK) add_batch(l);
    if (e->status == TAP_OK && l->options.prefetch > 0) l->prefetch = tap__prefetch_new(m, e);
    return l;
}

static tap_loader *of_arrays(int n, const tap_tensor *arrays, const tap_field_options *fields, tap_loader_options o, bool only)
{
    tap_loader *l = new_loader(n, fields, o);
    if (l == &no_loader) return l;
    tap_error *e = tap_arena_error(l->memory);
    if (!arrays) tap_error_set(e, TAP_EARG, "loader: the arrays are NULL");
    for (int f = 0; f < l->n && arrays; f++) l->maker.array[f] = arrays[f];
    if (e->status == TAP_OK) check_arrays(l, only, e);
    return complete(l, arrays && e->status == TAP_OK ? arrays[0].shape.n[0] : 0);
}

tap_loader *tap_loader_new(tap_tensor data, tap_loader_options o)
{
    const tap_field_options field = { .as = TAP_FIELD_FLOAT, .flatten = true, .scale = o.scale };
    return of_arrays(1, &data, &field, o, true);
}

tap_loader *tap_loader_new_arrays(int n, const tap_tensor *arrays, const tap_field_options *fields, tap_loader_options o)
{
    return of_arrays(n, arrays, fields, o, false);
}

tap_loader *tap_loader_new_dataset(tap_dataset data, const tap_field_options *fields, tap_loader_options o)
{
    const bool  has_failed = data.error && data.error->status != TAP_OK;
    tap_loader *l = new_loader(has_failed ? 1 : data.n, fields, o);
    if (l == &no_loader) return l;
    tap_error *e = tap_arena_error(l->memory);
    l->maker.is_function = true;
    l->maker.data = data;
    if (e->status == TAP_OK) check_dataset(l, e);
    return complete(l, data.rows);
}

void tap_loader_free(tap_loader *l)
{
    if (!l || l == &no_loader) return;
    tap__prefetch_free(l->prefetch);
    tap_arena_free(l->memory);
}

tap_status tap_loader_status(const tap_loader *l, const char **message)
{
    return tap__object_status(l ? l->memory : NULL, l ? &no_memory : &null, message);
}

/* ---- The position ---- */

void tap__loader_resume(tap_loader *l)
{
    l->n_last = 0;
}

void tap_loader_start(tap_loader *l, uint64_t epoch)
{
    if (tap_loader_status(l, NULL) != TAP_OK) return;
    l->position = (tap__loader_position){ .epoch = (int64_t)epoch };
    l->n_last = 0;
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

tap__maker *tap__loader_maker(tap_loader *l)
{
    if (l->prefetch) tap__prefetch_drop(l->prefetch);
    return &l->maker;
}

const tap_loader_options *tap__loader_options_of(const tap_loader *l)
{
    return &l->options;
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
    return l && l->last ? l->last->rows : NULL;
}

/* ---- Next batches ---- */

static tap__loader_position behind(const tap_loader *l, const tap__batch *b)
{
    const tap__loader_position next = { b->at.epoch, b->at.next + b->n };
    return has_batch(l, next) ? next : (tap__loader_position){ .epoch = (int64_t)((uint64_t)b->at.epoch + 1) };
}

static bool post(tap_loader *l, tap__loader_position at)
{
    tap__batch *b = batch_for(l, at);
    if (b) tap__prefetch_post(l->prefetch, b);
    return b != NULL;
}

static bool is_prepared(const tap_loader *l)
{
    if (tap__prefetch_posted(l->prefetch) == 0) return false;
    const tap__loader_position at = tap__prefetch_peek(l->prefetch, 0)->at;
    return at.epoch == l->position.epoch && at.next == l->position.next;
}

static tap__batch *take(tap_loader *l)
{
    if (!is_prepared(l)) {
        tap__prefetch_drop(l->prefetch);
        if (!post(l, l->position)) return NULL;
    }
    tap__batch *b = tap__prefetch_take(l->prefetch);
    l->last = b;
    for (int n; b->error.status == TAP_OK && (n = tap__prefetch_posted(l->prefetch)) < l->options.prefetch;) {
        if (!post(l, behind(l, n ? tap__prefetch_peek(l->prefetch, n - 1) : b))) return NULL;
    }
    return b;
}

static tap__batch *make(tap_loader *l)
{
    tap__batch *b = batch_for(l, l->position);
    if (b) tap__batch_make(&l->maker, b);
    l->last = b;
    return b;
}

bool tap_loader_next(tap_loader *l, tap_tensor *x)
{
    for (int f = 0; x && f < (l && l->n > 0 ? l->n : 1); f++) x[f] = (tap_tensor){ 0 };
    if (!x || tap_loader_status(l, NULL) != TAP_OK || !has_batch(l, l->position)) return false;
    l->n_last = 0;
    const tap__batch *b = l->prefetch ? take(l) : make(l);
    if (!b) return false;
    if (b->error.status != TAP_OK) {
        tap__error_copy(tap_arena_error(l->memory), &b->error);
        return false;
    }
    l->position.next += b->n;
    l->n_last = b->n;
    for (int f = 0; f < l->n; f++) {
        x[f] = b->x[f];
        x[f].shape.n[0] = b->n;
    }
    return true;
}

bool tap_loader_cycle(tap_loader *l, tap_tensor *x)
{
    if (tap_loader_next(l, x)) return true;
    if (!x || tap_loader_status(l, NULL) != TAP_OK) return false;
    if (tap_loader_batches(l) == 0) {
        tap_error_set(tap_arena_error(l->memory), TAP_EARG, "loader: an epoch of %lld rows has no batch of %lld rows",
                      (long long)l->rows, (long long)l->options.batch);
        return false;
    }
    tap_loader_start(l, tap_loader_epoch(l) + 1);
    return tap_loader_next(l, x);
}
