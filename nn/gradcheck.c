/* The gradients of a whole module against central differences. Noise is a function of the tape's seed and step, so it stays the same
 * while a parameter moves, and sampling can be checked with the rest. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/internal.h"

typedef struct {
    tap_module           *module;
    tap_module_function   f;
    void                 *ctx;
    tap_gradcheck_options options;
    tap_tape             *tape;
    tap_arena            *memory;
    tap_gradcheck_result  result;
    const char           *path; /* of the worst element */
    double                worst; /* its error, in tolerances */
} check;

/* f contracted with a cotangent, on a tape that repeats the same step: the cotangent is noise drawn after all that f draws. */
static tap_var contracted(check *c)
{
    tap_tape_reset(c->tape);
    tap_tape_set_step(c->tape, 0);
    tap_var y = c->f(c->tape, c->ctx);
    return tap_sum(tap_mul(y, tap_randn(c->tape, tap_shape_of(y))), TAP_ALL);
}

static double value_with(check *c, double *element, double x)
{
    *element = x;
    return tap_item(contracted(c));
}

static void compare(check *c, const tap_param *p, int input, int64_t i)
{
    double *x = (double *)p->value.data + i;
    double  analytic = ((const double *)p->grad.data)[i], before, h;
    memcpy(&before, x, sizeof before);
    h = c->options.eps * fmax(1, fabs(before));
    double above = before + h, below = before - h; /* as they are rounded, so that their distance is exact */
    double numeric = (value_with(c, x, above) - value_with(c, x, below)) / (above - below);
    memcpy(x, &before, sizeof before);

    double error = fabs(analytic - numeric) / (c->options.atol + c->options.rtol * fabs(numeric));
    if (isnan(error)) error = (double)INFINITY;
    c->result.checked++;
    if (c->path && error <= c->worst) return;
    c->worst = error;
    c->path = p->path;
    c->result.input = input;
    c->result.element = i;
    c->result.analytic = analytic;
    c->result.numeric = numeric;
}

/* All elements of a parameter, or some at random. */
static void compare_parameter(check *c, const tap_param *p, int input)
{
    int64_t  n = tap_numel(p->value.shape), some = c->options.elements;
    int64_t *order = NULL;
    if (some > 0 && some < n) {
        order = tap_arena_alloc(c->memory, (size_t)n * sizeof *order);
        if (!order) return;
        tap_random_permutation(order, n, (tap_random){ c->options.seed, tap_random_hash(p->path), 0 });
        n = some;
    }
    for (int64_t i = 0; i < n && tap_tape_status(c->tape, NULL) == TAP_OK; i++) compare(c, p, input, order ? order[i] : i);
}

static void run(check *c)
{
    tap_module_zero_grad(c->module);
    tap_backward(contracted(c));
    int input = 0;
    for (tap_param *p = tap_module_next(c->module, NULL); p; p = tap_module_next(c->module, p)) {
        tap_param_grad(p); /* zeros, if the function does not use it */
        compare_parameter(c, p, input++);
    }
    tap_module_zero_grad(c->module);
}

static tap_gradcheck_result conclude(check *c)
{
    tap_gradcheck_result *r = &c->result;
    const char           *message;
    r->status = tap_arena_status(c->memory, &message);
    if (r->status == TAP_OK) r->status = tap_tape_status(c->tape, &message);
    r->ok = r->status == TAP_OK && c->path && c->worst <= 1;
    if (r->status != TAP_OK) snprintf(r->message, sizeof r->message, "gradcheck: %s", message);
    else if (!c->path) snprintf(r->message, sizeof r->message, "gradcheck: there is nothing to compare");
    else
        snprintf(r->message, sizeof r->message, "gradcheck: %lld derivatives compared, %s %s, element %lld: analytic %.12g, numeric %.12g",
                 (long long)r->checked, r->ok ? "and all agree; the farthest apart is" : "and they disagree, most in", c->path,
                 (long long)r->element, r->analytic, r->numeric);
    return *r;
}

/* Checks f, or fails with a sentence. */
static tap_gradcheck_result check_once(check *c)
{
    c->tape = tap_tape_new(TAP_F64, c->options.seed);
    c->memory = tap_arena_new();
    run(c);
    tap_gradcheck_result result = conclude(c);
    tap_arena_free(c->memory);
    tap_tape_free(c->tape);
    return result;
}

/* Of the check in ctx, the gradient by every parameter, contracted with noise: its gradients are the second derivatives. */
static tap_var gradient(tap_tape *t, void *ctx)
{
    check  *c = ctx;
    tap_var total = tap_scalar(t, 0), y = c->f(t, c->ctx);
    tap_var s = tap_sum(tap_mul(y, tap_randn(t, tap_shape_of(y))), TAP_ALL);
    for (tap_param *p = tap_module_next(c->module, NULL); p; p = tap_module_next(c->module, p)) {
        tap_var x = tap_use(t, p), dx;
        tap_grad(s, 1, &x, &dx);
        total = tap_add(total, tap_sum(tap_mul(dx, tap_randn(t, tap_shape_of(dx))), TAP_ALL));
    }
    return total;
}

static tap_status check_options(const tap_module *m, tap_module_function f, const tap_gradcheck_options *o, tap_error *e)
{
    tap__error_copy(e, &m->root->error);
    if (!f) tap_error_set(e, TAP_EARG, "gradcheck: the function is NULL");
    if (m->root->dtype != TAP_F64)
        tap_error_set(e, TAP_EDTYPE, "gradcheck: the module is %s; differences need float64", tap_dtype_name(m->root->dtype));
    if (!(o->eps > 0 && o->atol > 0 && o->rtol > 0))
        tap_error_set(e, TAP_EARG, "gradcheck: eps %g, atol %g and rtol %g are not all positive", o->eps, o->atol, o->rtol);
    if (o->order < 1 || o->order > 2) tap_error_set(e, TAP_EARG, "gradcheck: order %d is neither 1 nor 2", o->order);
    return e->status;
}

tap_gradcheck_result tap_module_gradcheck(tap_module *root, tap_module_function f, void *ctx, tap_gradcheck_options options)
{
    tap_error e = { 0 };
    if (options.eps == 0) options.eps = 1e-6;
    if (options.atol == 0) options.atol = 1e-6;
    if (options.rtol == 0) options.rtol = 1e-5;
    if (options.order == 0) options.order = 1;
    root = tap__module(root);
    if (check_options(root, f, &options, &e) != TAP_OK) {
        tap_gradcheck_result refused = { .status = e.status };
        snprintf(refused.message, sizeof refused.message, "%s", e.message);
        return refused;
    }
    check                first = { .module = root, .f = f, .ctx = ctx, .options = options };
    tap_gradcheck_result result = check_once(&first);
    if (options.order == 1 || !result.ok) return result;

    check second = { .module = root, .f = gradient, .ctx = &first, .options = options };
    second.result.checked = result.checked;
    return check_once(&second);
}
