/* The gradients of a whole module against central differences. Noise is a function of the tape's seed and step, so it stays the
 * same while a parameter moves, and sampling can be checked with the rest. */
#include <math.h>
#include <string.h>

#include "autograd/gradcheck.h"
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

    if (tap__gradcheck_compare(&c->result, &c->options, input, i, analytic, numeric)) c->path = p->path;
}

/* All elements of a parameter, or some at random. */
static void compare_parameter(check *c, const tap_param *p, int input)
{
    int64_t        n = tap_numel(p->value.shape);
    const int64_t *some = tap__gradcheck_elements(c->memory, &c->options, tap_random_hash(p->path), &n);
    for (int64_t i = 0; i < n && tap_tape_status(c->tape, NULL) == TAP_OK; i++) compare(c, p, input, some ? some[i] : i);
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
    const char *message;
    tap_status  status = tap_arena_status(c->memory, &message);
    if (status == TAP_OK) status = tap_tape_status(c->tape, &message);
    if (status != TAP_OK) return tap__gradcheck_failed(status, message);
    tap__gradcheck_conclude(&c->result, c->path);
    return c->result;
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

static tap_status check_arguments(const tap_module *m, tap_module_function f, tap_gradcheck_options *o, tap_error *e)
{
    tap__error_copy(e, &m->root->error);
    if (!f) tap_error_set(e, TAP_EARG, "gradcheck: the function is NULL");
    if (m->root->dtype != TAP_F64)
        tap_error_set(e, TAP_EDTYPE, "gradcheck: the module is %s; differences need float64", tap_dtype_name(m->root->dtype));
    return tap__gradcheck_options(o, e);
}

tap_gradcheck_result tap_module_gradcheck(tap_module *root, tap_module_function f, void *ctx, tap_gradcheck_options options)
{
    tap_error e = { 0 };
    root = tap__module(root);
    check_arguments(root, f, &options, &e);
    if (e.status != TAP_OK) return tap__gradcheck_failed(e.status, e.message);

    check                first = { .module = root, .f = f, .ctx = ctx, .options = options };
    tap_gradcheck_result result = check_once(&first);
    if (options.order == 1 || !result.ok) return result;

    check                second = { .module = root, .f = gradient, .ctx = &first, .options = options };
    tap_gradcheck_result both = check_once(&second);
    both.checked += result.checked;
    return both;
}
