/* nn/optim/average.c: averages of a module's parameters over the steps of a training: EMA and SWA, as torch.optim.swa_utils. An
 * average is a module like any other, so that it is saved, checkpointed and put in the place of the trained one like any
 * other. */
#include <math.h>
#include <string.h>

#include "nn/internal.h"
#include "tensor/borrow.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

enum { CHUNK = 8192 };

static const char count_name[] = "n_averaged", module_name[] = "module";

tap_module *tap_averaged_model_new(const tap_module *m)
{
    m = tap__module(m);
    tap_module *average = tap_module_new(m->root->dtype, m->root->seed);
    if (average->root->error.status == TAP_OK) tap__error_copy(&average->root->error, &m->root->error);
    tap_buffer_new(average, count_name, TAP_I64, TAP_SCALAR, 0);
    tap_module *copy = tap_module_child(average, module_name);
    if (average->root->error.status == TAP_OK) tap__module_copy(copy, m);
    return average;
}

tap_module *tap_averaged_model_module(const tap_module *average)
{
    average = tap__module(average);
    tap_module *c = average->children;
    while (c && strcmp(tap__last_name(c->path), module_name) != 0) c = c->sibling;
    return c ? c : (tap_module *)(uintptr_t)average;
}

/* ---- Updates ---- */

/* average = average + part (x - average) */
typedef struct {
    tap_tensor average, x;
    double     part;
} lerp;

static void lerp_chunks(void *context, int64_t first, int64_t last)
{
    const lerp   *l = context;
    const int64_t n = tap_numel(l->x.shape), end = last * CHUNK < n ? last * CHUNK : n;
    if (l->x.dtype == TAP_F32) {
        const float part = (float)l->part, *x = l->x.data;
        float      *average = l->average.data;
        for (int64_t i = first * CHUNK; i < end; i++) average[i] += part * (x[i] - average[i]);
    } else {
        const double *x = l->x.data;
        double       *average = l->average.data;
        for (int64_t i = first * CHUNK; i < end; i++) average[i] += l->part * (x[i] - average[i]);
    }
}

/* The weights of an update: average = average + part (x - average), and decay = 1 - part, as the caller gave it. */
typedef struct {
    double  decay, part;
    int64_t n; /* of an equal average: the updates before; -1: a moving one */
} weights;

/* An integer is averaged as PyTorch does, rounding by rounding, as it is cut to an integer then. */
static double average_of(double average, double x, weights w)
{
    return trunc(w.n >= 0 ? average + (x - average) / (double)(w.n + 1) : average * w.decay + x * w.part);
}

static void update(tap_tensor average, tap_tensor x, weights w)
{
    const int64_t n = tap_numel(x.shape);
    if (w.part == 1 || x.dtype == TAP_BOOL) tap_tensor_copy(average, x, NULL);
    else if (tap_dtype_is_float(x.dtype))
        tap__parallel((n + CHUNK - 1) / CHUNK, n / 2, lerp_chunks, &(lerp){ average, x, w.part });
    else {
        for (int64_t i = 0; i < n; i++)
            tap_tensor_set_item(average, i, average_of(tap_tensor_item(average, i), tap_tensor_item(x, i), w));
    }
    tap__note_write(average);
}

/* Whether x of the module and y of its copy have the same place, dtype and shape. If not, the average has failed. */
static bool correspond(tap_module *average, const tap_module *m, tap__entry x, const tap_module *copy, tap__entry y)
{
    const tap_tensor *a = tap__entry_value(x), *b = tap__entry_value(y);
    const char       *name = a ? tap__path_below(m, tap__entry_path(x)) : "nothing";
    const char       *there = b ? tap__path_below(copy, tap__entry_path(y)) : "nothing";
    const bool        same =
        a && b && !x.param == !y.param && !strcmp(name, there) && a->dtype == b->dtype && tap_shape_equal(a->shape, b->shape);
    if (!same)
        tap_module_fail(average, TAP_EARG,
                        "averaged_model_update: the average must be of this module; it has %s in place of %s", there, name);
    return same;
}

/* Whether both modules have the same parameters and buffers. If not, the average has failed. */
static bool check_entries(tap_module *average, const tap_module *copy, const tap_module *m)
{
    tap__entry x = tap__next_entry(m, (tap__entry){ 0 }), y = tap__next_entry(copy, (tap__entry){ 0 });
    for (; tap__entry_value(x) || tap__entry_value(y); x = tap__next_entry(m, x), y = tap__next_entry(copy, y)) {
        if (!correspond(average, m, x, copy, y)) return false;
    }
    return true;
}

/* The modules have been checked to correspond. */
static void add(const tap_module *copy, const tap_module *m, weights w, bool use_buffers)
{
    const weights as_it_is = { .part = 1 };
    tap__entry    x = tap__next_entry(m, (tap__entry){ 0 }), y = tap__next_entry(copy, (tap__entry){ 0 });
    for (; tap__entry_value(x); x = tap__next_entry(m, x), y = tap__next_entry(copy, y))
        update(*tap__entry_value(y), *tap__entry_value(x), x.param || use_buffers ? w : as_it_is);
}

tap_status tap_averaged_model_update(tap_module *average, const tap_module *m, tap_average_options o)
{
    average = tap__module(average);
    m = tap__module(m);
    const tap_module *copy = tap_averaged_model_module(average);
    const tap_buffer *count = tap_module_buffer(average, count_name);
    const double      decay = o.decay == TAP_ZERO ? 0 : o.decay;
    if (average->root->error.status == TAP_OK && m->root->error.status != TAP_OK) return m->root->error.status;
    if (copy == average || !count)
        return tap_module_fail(average, TAP_EARG, "averaged_model_update: the average must be made by tap_averaged_model_new");
    if (!(decay >= 0 && decay <= 1))
        tap_module_fail(average, TAP_EARG, "averaged_model_update: decay must be within 0..1, not %g", decay);
    if (average->root->error.status != TAP_OK || !check_entries(average, copy, m)) return average->root->error.status;

    int64_t *n = count->value.data;
    weights  w = { decay, 1 - decay, -1 };
    if (o.decay == 0) w = (weights){ 0, 1 / ((double)*n + 1), *n };
    if (*n == 0) w.part = 1; /* the first update copies */
    add(copy, m, w, o.use_buffers);
    ++*n;
    return TAP_OK;
}
