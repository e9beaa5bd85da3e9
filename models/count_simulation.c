/* Counts of which the truth is known. Formulas are in models.h. */
#include <math.h>
#include <string.h>

#include "models/models.h"
#include "tensor/internal.h"

enum { AT_ONCE = 64 }; /* cells */

static void check_count(const char *name, int64_t n, tap_error *e)
{
    if (n < 1 || n > INT32_MAX)
        tap_error_set(e, TAP_EARG, "simulate_counts: %s must be within 1..%d, not %lld", name, INT32_MAX, (long long)n);
}

static void check_number(const char *name, double x, double most, tap_error *e)
{
    if (!(x >= 0 && x <= most)) tap_error_set(e, TAP_EARG, "simulate_counts: %s must be within 0..%g, not %g", name, most, x);
}

static void check(const tap_count_simulation *o, tap_error *e)
{
    check_count("cells", o->cells, e);
    check_count("genes", o->genes, e);
    check_count("groups", o->groups, e);
    check_count("batches", o->batches, e);
    check_number("markers", o->markers, 1, e);
    check_number("fold", o->fold, 10, e);
    check_number("shift", o->shift, 10, e);
    check_number("spread", o->spread, 10, e);
    check_number("library_spread", o->library_spread, 10, e);
    check_number("library", o->library, 1e6, e);
    check_number("theta", o->theta, 1e6, e);
    if (tap_numel(TAP_SHAPE(o->groups, o->batches, o->genes)) < 0)
        tap_error_set(e, TAP_EARG, "simulate_counts: %lld groups x %lld batches x %lld genes are too many",
                      (long long)o->groups, (long long)o->batches, (long long)o->genes);
}

/* The options with defaults filled in; an error for what cannot be used. */
static tap_count_simulation resolve(tap_count_simulation o, tap_error *e)
{
    if (o.groups == 0) o.groups = 8;
    if (o.batches == 0) o.batches = 3;
    if (o.markers == 0) o.markers = 0.1;
    if (o.fold == 0) o.fold = 0.8;
    if (o.shift == 0) o.shift = 0.2;
    if (o.spread == 0) o.spread = 2;
    if (o.library == 0) o.library = 600;
    if (o.library_spread == 0) o.library_spread = 0.5;
    if (o.theta == 0) o.theta = 2;
    check(&o, e);
    return o;
}

/* What the cells are drawn from: log rho [groups batches,genes] and log theta [genes]. */
typedef struct {
    tap_tensor log_rates, log_theta;
} truth;

static tap_var scaled_randn(tap_tape *t, tap_shape s, double by)
{
    return tap_mul_scalar(tap_randn(t, s), by);
}

static truth draw_truth(tap_tape *t, const tap_count_simulation *o)
{
    const int64_t n = o->genes, k = o->groups, b = o->batches;
    tap_var       base = scaled_randn(t, TAP_SHAPE(n), o->spread), shift = scaled_randn(t, TAP_SHAPE(b, n), o->shift);
    tap_var       is_marker = tap_lt(tap_rand(t, TAP_SHAPE(k, 1, n)), tap_scalar(t, o->markers));
    tap_var       fold = tap_where(is_marker, scaled_randn(t, TAP_SHAPE(k, 1, n), o->fold), tap_scalar(t, 0));
    tap_var       rates = tap_log_softmax(tap_add(base, tap_add(fold, shift)), -1);
    tap_var       theta = tap_add_scalar(scaled_randn(t, TAP_SHAPE(n), 0.5), log(o->theta));
    return (truth){ tap_value(tap_reshape(rates, TAP_SHAPE(k * b, n))), tap_value(theta) };
}

/* Which of n, for each cell. */
static void draw_labels(tap_tape *t, int64_t n, tap_tensor label)
{
    tap_var which = tap_floor(tap_mul_scalar(tap_rand(t, label.shape), (double)n));
    if (tap_tape_status(t, NULL) == TAP_OK) tap_tensor_copy(label, tap_value(which), NULL);
}

/* A matrix that grows by rows, with room for so many entries. */
typedef struct {
    tap_arena *memory;
    int64_t    rows, room;
    int64_t   *start;
    int32_t   *column;
    float     *value;
} rows;

static bool make_room(rows *r, int64_t n)
{
    const int64_t used = r->start[r->rows], room = 2 * (used + n);
    if (used + n <= r->room) return true;
    int32_t *column = tap__arena_acquire(r->memory, (size_t)room * sizeof *column);
    float   *value = tap__arena_acquire(r->memory, (size_t)room * sizeof *value);
    if (!column || !value) return false;
    if (used > 0) {
        memcpy(column, r->column, (size_t)used * sizeof *column);
        memcpy(value, r->value, (size_t)used * sizeof *value);
        tap__arena_release(r->memory, r->column);
        tap__arena_release(r->memory, r->value);
    }
    r->column = column, r->value = value, r->room = room;
    return true;
}

/* x float64 [n,columns], contiguous. */
static void append(rows *r, tap_tensor x)
{
    const int64_t width = x.shape.n[1];
    const double *number = x.data;
    for (int64_t i = 0; i < x.shape.n[0]; i++, r->rows++, number += width) {
        if (!make_room(r, width)) return;
        int64_t n = r->start[r->rows];
        for (int64_t k = 0; k < width; k++) {
            if (number[k] == 0) continue;
            r->column[n] = (int32_t)k;
            r->value[n++] = (float)number[k];
        }
        r->start[r->rows + 1] = n;
    }
}

/* The next n cells. */
static tap_var draw_counts(tap_tape *t, const truth *from, const tap_count_simulation *o, const tap_simulated_counts *s,
                           int64_t first, int64_t n)
{
    tap_var group = tap_narrow(tap_input(t, s->group), 0, first, n), batch = tap_narrow(tap_input(t, s->batch), 0, first, n);
    tap_var log_l = tap_unsqueeze(tap_narrow(tap_input(t, s->log_library), 0, first, n), 1);
    tap_var kind =
        tap_cast(tap_add(tap_mul_scalar(tap_cast(group, TAP_F64), (double)o->batches), tap_cast(batch, TAP_F64)), TAP_I64);
    tap_var log_mu = tap_add(tap_index_select(tap_input(t, from->log_rates), 0, kind), log_l);
    return tap_sample(tap_negative_binomial(log_mu, tap_input(t, from->log_theta)));
}

static void simulate(tap_arena *a, const tap_count_simulation *o, tap_simulated_counts *s)
{
    tap_tape *t = tap_tape_new(TAP_F64, o->seed), *of_truth = tap_tape_new(TAP_F64, o->seed ^ tap_random_hash("truth"));
    rows      r = { .memory = a, .start = tap_arena_alloc(a, (size_t)(o->cells + 1) * sizeof *r.start) };
    tap_tape_set_recording(t, false);
    tap_tape_set_recording(of_truth, false);
    const truth from = draw_truth(of_truth, o);
    s->group = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(o->cells));
    s->batch = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(o->cells));
    s->log_library = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(o->cells));
    draw_labels(of_truth, o->groups, s->group);
    draw_labels(of_truth, o->batches, s->batch);
    tap_var log_l = tap_add_scalar(scaled_randn(of_truth, TAP_SHAPE(o->cells), o->library_spread), log(o->library));
    if (tap_tape_status(of_truth, NULL) == TAP_OK) tap_tensor_copy(s->log_library, tap_value(log_l), NULL);
    for (int64_t i = 0; i < o->cells && tap_arena_status(a, NULL) == TAP_OK; i += AT_ONCE) {
        const char *message;
        tap_tape_reset(t);
        tap_tensor x = tap_value(draw_counts(t, &from, o, s, i, o->cells - i < AT_ONCE ? o->cells - i : AT_ONCE));
        if (tap_tape_status(of_truth, &message) || tap_tape_status(t, &message))
            tap_error_set(tap_arena_error(a), TAP_ENOMEM, "simulate_counts: %s", message);
        else append(&r, x);
    }
    s->counts = (tap_csr){ o->cells, o->genes, r.start, r.column, r.value };
    tap_tape_free(t);
    tap_tape_free(of_truth);
}

tap_simulated_counts tap_simulate_counts(tap_arena *a, tap_count_simulation o)
{
    tap_simulated_counts s = { .counts = { .rows = 0 } };
    if (tap_arena_status(a, NULL) != TAP_OK) return s;
    o = resolve(o, tap_arena_error(a));
    if (tap_arena_status(a, NULL) == TAP_OK) simulate(a, &o, &s);
    return tap_arena_status(a, NULL) == TAP_OK ? s : (tap_simulated_counts){ .counts = { .rows = 0 } };
}
