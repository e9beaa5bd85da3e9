/* examples/vae_cells/simulate.c: draws counts from a model with known parameters; simulate.h states its formulas. */
#include "simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 }; /* number of cells drawn at a time */

static void check_count(const char *name, int64_t n, tap_error *e)
{
    if (n < 1 || n > INT32_MAX)
        tap_error_set(e, TAP_EARG, "simulate_counts: %s must be within 1..%d, not %lld", name, INT32_MAX, (long long)n);
}

static void check_number(const char *name, double x, double max, tap_error *e)
{
    if (!(x >= 0 && x <= max)) tap_error_set(e, TAP_EARG, "simulate_counts: %s must be within 0..%g, not %g", name, max, x);
}

static void check(const count_simulation *o, tap_error *e)
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

/* The options with defaults filled in. Invalid options are an error. */
static count_simulation resolve(count_simulation o, tap_error *e)
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

/* The parameters of the distribution of counts. */
typedef struct {
    tap_tensor log_rho;   /* [groups batches,genes] */
    tap_tensor log_theta; /* [genes] */
} parameters;

static tap_var scaled_randn(tap_tape *t, tap_shape s, double sigma)
{
    return tap_mul_scalar(tap_randn(t, s), sigma);
}

static parameters draw_parameters(tap_tape *t, const count_simulation *o)
{
    const int64_t n = o->genes, k = o->groups, b = o->batches;
    tap_var       base = scaled_randn(t, TAP_SHAPE(n), o->spread), shift = scaled_randn(t, TAP_SHAPE(b, n), o->shift);
    tap_var       is_marker = tap_lt(tap_rand(t, TAP_SHAPE(k, 1, n)), tap_scalar(t, o->markers));
    tap_var       fold = tap_where(is_marker, scaled_randn(t, TAP_SHAPE(k, 1, n), o->fold), tap_scalar(t, 0));
    tap_var       log_rho = tap_log_softmax(tap_add(base, tap_add(fold, shift)), -1);
    tap_var       log_theta = tap_add_scalar(scaled_randn(t, TAP_SHAPE(n), 0.5), log(o->theta));
    return (parameters){ tap_value(tap_reshape(log_rho, TAP_SHAPE(k * b, n))), tap_value(log_theta) };
}

/* Draws a label from 0..n-1 for each cell, uniformly. */
static void draw_labels(tap_tape *t, int64_t n, tap_tensor label)
{
    tap_var drawn = tap_floor(tap_mul_scalar(tap_rand(t, label.shape), (double)n));
    if (tap_tape_status(t, NULL) == TAP_OK) tap_tensor_copy(label, tap_value(drawn), NULL);
}

/* A sparse matrix under construction, row by row, in malloc's memory, as the number of entries is unknown until the end. */
typedef struct {
    int64_t  rows, capacity;
    int64_t *start;
    int32_t *column;
    float   *value;
} csr_builder;

static bool reserve(csr_builder *b, int64_t n)
{
    const int64_t used = b->start[b->rows], capacity = 2 * (used + n);
    if (used + n <= b->capacity) return true;
    int32_t *column = realloc(b->column, (size_t)capacity * sizeof *column);
    if (column) b->column = column;
    float *value = realloc(b->value, (size_t)capacity * sizeof *value);
    if (value) b->value = value;
    if (!column || !value) return false;
    b->capacity = capacity;
    return true;
}

/* Appends the rows of x, contiguous float64 [n,columns]; false if memory runs out. */
static bool append(csr_builder *b, tap_tensor x)
{
    const int64_t columns = x.shape.n[1];
    const double *row = x.data;
    for (int64_t i = 0; i < x.shape.n[0]; i++, row += columns) {
        if (!reserve(b, columns)) return false;
        int64_t n = b->start[b->rows];
        for (int64_t k = 0; k < columns; k++) {
            if (row[k] == 0) continue;
            b->column[n] = (int32_t)k;
            b->value[n++] = (float)row[k];
        }
        b->start[++b->rows] = n;
    }
    return true;
}

/* Copies the matrix into the arena, which already owns b->start. */
static tap_csr finish(csr_builder *b, tap_arena *a, int64_t columns)
{
    const size_t n = (size_t)b->start[b->rows];
    int32_t     *column = n > 0 ? tap_arena_alloc(a, n * sizeof *column) : NULL;
    float       *value = n > 0 ? tap_arena_alloc(a, n * sizeof *value) : NULL;
    if (column && value) {
        memcpy(column, b->column, n * sizeof *column);
        memcpy(value, b->value, n * sizeof *value);
    }
    return (tap_csr){ b->rows, columns, b->start, column, value };
}

/* Draws the counts [n,genes] of cells first..first+n-1. */
static tap_var draw_counts(tap_tape *t, const parameters *p, const count_simulation *o, const simulated_counts *s,
                           int64_t first, int64_t n)
{
    tap_var group = tap_narrow(tap_input(t, s->group), 0, first, n), batch = tap_narrow(tap_input(t, s->batch), 0, first, n);
    tap_var log_l = tap_unsqueeze(tap_narrow(tap_input(t, s->log_library), 0, first, n), 1);
    tap_var row = tap_add(tap_mul_scalar(tap_cast(group, TAP_F64), (double)o->batches), tap_cast(batch, TAP_F64));
    tap_var log_rho = tap_index_select(tap_input(t, p->log_rho), 0, tap_cast(row, TAP_I64));
    return tap_sample(tap_negative_binomial(tap_add(log_rho, log_l), tap_input(t, p->log_theta)));
}

/* Draws the groups, batches and library sizes of all cells. */
static void draw_cells(tap_arena *a, tap_tape *t, const count_simulation *o, simulated_counts *s)
{
    s->group = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(o->cells));
    s->batch = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(o->cells));
    s->log_library = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(o->cells));
    draw_labels(t, o->groups, s->group);
    draw_labels(t, o->batches, s->batch);
    tap_var log_l = tap_add_scalar(scaled_randn(t, TAP_SHAPE(o->cells), o->library_spread), log(o->library));
    if (tap_tape_status(t, NULL) == TAP_OK) tap_tensor_copy(s->log_library, tap_value(log_l), NULL);
}

static void simulate(tap_arena *a, const count_simulation *o, simulated_counts *s)
{
    tap_tape   *t = tap_tape_new(TAP_F64, o->seed), *parameter_tape = tap_tape_new(TAP_F64, o->seed ^ tap_random_hash("truth"));
    csr_builder b = { .start = tap_arena_alloc(a, (size_t)(o->cells + 1) * sizeof *b.start) };
    tap_tape_set_recording(t, false);
    tap_tape_set_recording(parameter_tape, false);
    const parameters p = draw_parameters(parameter_tape, o);
    draw_cells(a, parameter_tape, o, s);
    for (int64_t i = 0; i < o->cells && tap_arena_status(a, NULL) == TAP_OK; i += BLOCK) {
        const char *message;
        tap_tape_reset(t);
        tap_tensor x = tap_value(draw_counts(t, &p, o, s, i, o->cells - i < BLOCK ? o->cells - i : BLOCK));
        if (tap_tape_status(parameter_tape, &message) || tap_tape_status(t, &message))
            tap_error_set(tap_arena_error(a), TAP_ENOMEM, "simulate_counts: %s", message);
        else if (!append(&b, x))
            tap_error_set(tap_arena_error(a), TAP_ENOMEM, "simulate_counts: no memory for %lld cells", (long long)o->cells);
    }
    if (tap_arena_status(a, NULL) == TAP_OK) s->counts = finish(&b, a, o->genes);
    free(b.column);
    free(b.value);
    tap_tape_free(t);
    tap_tape_free(parameter_tape);
}

simulated_counts simulate_counts(tap_arena *a, count_simulation o)
{
    simulated_counts s = { .counts = { .rows = 0 } };
    if (tap_arena_status(a, NULL) != TAP_OK) return s;
    o = resolve(o, tap_arena_error(a));
    if (tap_arena_status(a, NULL) == TAP_OK) simulate(a, &o, &s);
    return tap_arena_status(a, NULL) == TAP_OK ? s : (simulated_counts){ .counts = { .rows = 0 } };
}
