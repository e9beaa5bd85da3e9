/* nn/data/order.c: which row comes at which place of an epoch: in order, shuffled, or drawn with weights. All are functions of
 * (seed, epoch). */
#include <math.h>
#include <stdlib.h>

#include "nn/data/loader.h"
#include "tensor/internal.h"
#include "tensor/random.h"

static tap_rng_key key_of(const tap__order *o, uint64_t epoch)
{
    return (tap_rng_key){ o->seed, tap_random_hash(o->weight ? "loader weights" : "loader"), epoch };
}

/* ---- Weights ---- */

static bool check_weights(const tap__order *o, tap_tensor w, bool shuffle, tap_error *e)
{
    char text[TAP_SHAPE_TEXT];
    if (w.shape.rank != 1 || w.shape.n[0] != o->rows || !tap_dtype_size(w.dtype)) {
        tap_error_set(e, TAP_ESHAPE, "loader: weights must be [%lld], one for each row, not %s", (long long)o->rows,
                      tap_shape_format(text, w.shape));
        return false;
    }
    if (shuffle) tap_error_set(e, TAP_EARG, "loader: weights draw rows in a random order already; leave out shuffle");
    return !shuffle;
}

/* Sums go up from row to row, so that a row of weight 0 is never found by a search for the first sum above a number. */
static void accumulate(tap__order *o, tap_error *e)
{
    int64_t positive = 0;
    double  sum = 0;
    for (int64_t i = 0; i < o->rows; i++) {
        const double w = o->weight[i];
        if (!(w >= 0 && w < HUGE_VAL)) {
            tap_error_set(e, TAP_EARG, "loader: weights must be finite and at least 0; that of row %lld is not", (long long)i);
            return;
        }
        positive += w > 0;
        sum += w;
        if (o->kind == TAP__DRAWN) o->weight[i] = sum;
    }
    if (o->draws > 0 && (positive == 0 || sum == HUGE_VAL))
        tap_error_set(e, TAP_EARG, "loader: the sum of the weights must be above 0, and finite");
    if (o->kind == TAP__DRAWN_WITHOUT && o->draws > positive)
        tap_error_set(e, TAP_EARG, "loader: %lld rows cannot be drawn without replacement from %lld of weight above 0",
                      (long long)o->draws, (long long)positive);
}

static void init_weights(tap__order *o, tap_arena *a, const tap_loader_options *options)
{
    const size_t rows = (size_t)o->rows;
    tap_error   *e = tap_arena_error(a);
    if (!check_weights(o, options->weights, options->shuffle, e)) return;
    o->kind = options->without_replacement ? TAP__DRAWN_WITHOUT : TAP__DRAWN;
    o->weight = tap_arena_alloc(a, rows * sizeof *o->weight);
    if (options->without_replacement) o->arrival = tap_arena_alloc(a, rows * sizeof *o->arrival);
    if (tap_arena_status(a, NULL) != TAP_OK) return;
    tap__tensor_copy(tap_tensor_wrap(TAP_F64, TAP_SHAPE(o->rows), o->weight), options->weights, e);
    accumulate(o, e);
}

/* The row whose interval of the sums has a number that is uniform between 0 and the whole. */
static int64_t draw(const tap__order *o, int64_t i)
{
    uint64_t word[4];
    tap__random_words(key_of(o, o->epoch), (uint64_t)i / 4, 4, word);
    const double at = ((double)(word[i % 4] >> 12) + 0.5) * 0x1p-52 * o->weight[o->rows - 1];
    int64_t      low = 0, high = o->rows - 1;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (o->weight[middle] > at) high = middle;
        else low = middle + 1;
    }
    return low;
}

static int by_time(const void *a, const void *b)
{
    const tap__arrival *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Rows arrive after exponential times with the weights as rates: the next one to arrive is each of the others with a
 * probability in proportion to its weight (Efraimidis & Spirakis 2006). */
static void draw_all(tap__order *o)
{
    tap_rng rng = { .key = key_of(o, o->epoch) };
    for (int64_t i = 0; i < o->rows; i++) {
        const double time = -log(tap_rng_uniform(&rng));
        o->arrival[i] = (tap__arrival){ o->weight[i] > 0 ? time / o->weight[i] : HUGE_VAL, i };
    }
    qsort(o->arrival, (size_t)o->rows, sizeof *o->arrival, by_time);
}

/* ---- All kinds ---- */

void tap__order_init(tap__order *o, tap_arena *a, int64_t rows, bool is_function, const tap_loader_options *options)
{
    tap_error *e = tap_arena_error(a);
    *o = (tap__order){ .rows = rows, .draws = rows, .seed = options->seed };
    if (options->weights.data) {
        if (options->draws) o->draws = options->draws;
        if (o->draws < 0) tap_error_set(e, TAP_EARG, "loader: draws must be at least 1, not %lld", (long long)o->draws);
        else init_weights(o, a, options);
        return;
    }
    if (options->draws || options->without_replacement)
        tap_error_set(e, TAP_EARG, "loader: draws and without_replacement need weights");
    if (options->shuffle) o->kind = options->keyed || is_function ? TAP__PERMUTED : TAP__SHUFFLED;
    if (o->kind == TAP__SHUFFLED) o->row = tap_arena_alloc(a, (size_t)rows * sizeof *o->row);
}

void tap__order_begin(tap__order *o, uint64_t epoch)
{
    if (o->is_made && o->epoch == epoch) return;
    o->is_made = true;
    o->epoch = epoch;
    if (o->kind == TAP__SHUFFLED) tap_random_permutation(o->row, o->rows, key_of(o, epoch));
    else if (o->kind == TAP__PERMUTED) o->bijection = tap__bijection_of(o->rows, key_of(o, epoch));
    else if (o->kind == TAP__DRAWN_WITHOUT) draw_all(o);
}

int64_t tap__order_row(const tap__order *o, int64_t i)
{
    switch (o->kind) {
    case TAP__SHUFFLED: return o->row[i];
    case TAP__PERMUTED: return tap__bijection_at(&o->bijection, i);
    case TAP__DRAWN: return draw(o, i);
    case TAP__DRAWN_WITHOUT: return o->arrival[i].row;
    default: return i;
    }
}
