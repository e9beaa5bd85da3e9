/* Gradients against central differences, contracted with a random cotangent: never a plain sum, which for a softmax would
 * be blind. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/gradcheck.h"
#include "autograd/internal.h"

enum { COTANGENT_STREAM = 1, DIRECTION_STREAM = 2 };

tap_status tap__gradcheck_options(tap_gradcheck_options *o, tap_error *e)
{
    if (o->eps == 0) o->eps = 1e-6;
    if (o->atol == 0) o->atol = 1e-6;
    if (o->rtol == 0) o->rtol = 1e-5;
    if (o->order == 0) o->order = 1;
    if (!(o->eps > 0 && o->atol > 0 && o->rtol > 0))
        return tap_error_set(e, TAP_EARG, "gradcheck: eps %g, atol %g and rtol %g are not all positive", o->eps, o->atol, o->rtol);
    if (o->order < 1 || o->order > 2) return tap_error_set(e, TAP_EARG, "gradcheck: order %d is neither 1 nor 2", o->order);
    return TAP_OK;
}

bool tap__gradcheck_compare(tap_gradcheck_result *r, const tap_gradcheck_options *o, int input, int64_t element, double analytic,
                            double numeric)
{
    double error = fabs(analytic - numeric) / (o->atol + o->rtol * fabs(numeric));
    double worst = fabs(r->analytic - r->numeric) / (o->atol + o->rtol * fabs(r->numeric));
    bool   first = r->checked++ == 0;
    if (!first && (isnan(worst) || error <= worst)) return false;
    r->input = input;
    r->element = element;
    r->analytic = analytic;
    r->numeric = numeric;
    r->ok = error <= 1;
    return true;
}

void tap__gradcheck_conclude(tap_gradcheck_result *r, const char *where)
{
    if (r->checked == 0)
        snprintf(r->message, sizeof r->message, "gradcheck: there is nothing to compare");
    else
        snprintf(r->message, sizeof r->message, "gradcheck: %lld derivatives compared, and %s %s, element %lld: analytic %.12g, numeric %.12g",
                 (long long)r->checked, r->ok ? "all agree; the farthest apart is" : "they disagree, most in", where,
                 (long long)r->element, r->analytic, r->numeric);
}

tap_gradcheck_result tap__gradcheck_failed(tap_status status, const char *message)
{
    tap_gradcheck_result r = { .status = status };
    snprintf(r.message, sizeof r.message, "%s%.460s", strncmp(message, "gradcheck: ", 11) ? "gradcheck: " : "", message);
    return r;
}

const int64_t *tap__gradcheck_elements(tap_arena *a, const tap_gradcheck_options *o, uint64_t stream, int64_t *n)
{
    int64_t *order = NULL;
    if (o->elements <= 0 || o->elements >= *n) return NULL;
    order = tap__arena_take(a, (size_t)*n * sizeof *order);
    if (order) tap_random_permutation(order, *n, (tap_random){ .seed = o->seed, .stream = stream });
    *n = order ? o->elements : 0;
    return order;
}

static double contract(tap_tensor y, tap_tensor cotangent)
{
    double  sum = 0;
    int64_t n = tap_tensor_numel(y);
    if (!tap_shape_equal(y.shape, cotangent.shape)) return (double)NAN; /* not the same function as before */
    for (int64_t i = 0; i < n; i++) sum += ((const double *)cotangent.data)[i] * tap_tensor_item(y, i);
    return sum;
}

static tap_tensor normal(tap_arena *a, const tap_gradcheck_options *o, uint64_t stream, tap_shape shape)
{
    tap_tensor x = tap_tensor_zeros(a, TAP_F64, shape);
    if (x.data) tap_random_normal(x, (tap_random){ .seed = o->seed, .stream = stream });
    return x;
}

typedef struct {
    tap_function          f;
    void                 *ctx;
    int                   n;
    tap_tensor           *x; /* copies */
    tap_gradcheck_options o;
    tap_tape             *tape;
    tap_arena            *arena;
    tap_gradcheck_result  r;
} check;

static tap_var evaluate(check *c, tap_var *in)
{
    tap_tape_reset(c->tape);
    tap_tape_set_step(c->tape, 0);
    for (int i = 0; i < c->n; i++) in[i] = tap_variable(c->tape, c->x[i]);
    tap_var y = c->f(c->tape, in, c->ctx);
    if (y.tape != c->tape) tap_tape_fail(c->tape, TAP_EARG, "gradcheck: the function's result is not on the tape it was given");
    return y;
}

/* All gradients at once, by the tape. */
static bool analytic(check *c, tap_tensor *dx, tap_tensor *cotangent)
{
    tap_var    in[TAP_MAX_INPUTS], g[TAP_MAX_INPUTS];
    tap_var    y = evaluate(c, in);
    tap_tensor value = tap_value(y);
    if (value.data && value.dtype != TAP_F64)
        tap_tape_fail(c->tape, TAP_EDTYPE, "gradcheck: the function's result is %s, not float64", tap_dtype_name(value.dtype));
    *cotangent = normal(c->arena, &c->o, COTANGENT_STREAM, value.shape);
    tap_tape_set_recording(c->tape, false);
    tap_vjp(y, tap_input(c->tape, *cotangent), c->n, in, g);
    tap_tape_set_recording(c->tape, true);
    for (int i = 0; i < c->n; i++) {
        dx[i] = tap_tensor_zeros(c->arena, TAP_F64, c->x[i].shape);
        tap_tensor gi = tap_value(g[i]);
        if (gi.data && dx[i].data) tap_tensor_copy(dx[i], gi, tap_arena_error(c->arena));
    }
    return tap_tape_status(c->tape, NULL) == TAP_OK && tap_arena_status(c->arena, NULL) == TAP_OK;
}

static double value_with(check *c, double *element, double x, tap_tensor cotangent)
{
    tap_var in[TAP_MAX_INPUTS];
    double  was = *element;
    *element = x;
    double sum = contract(tap_value(evaluate(c, in)), cotangent);
    *element = was;
    return sum;
}

static void compare_all(check *c)
{
    tap_tensor dx[TAP_MAX_INPUTS], cotangent;
    if (!analytic(c, dx, &cotangent)) return;
    for (int k = 0; k < c->n; k++) {
        double *x = c->x[k].data;
        int64_t n = tap_numel(c->x[k].shape);
        const int64_t *some = tap__gradcheck_elements(c->arena, &c->o, (uint64_t)k, &n);
        for (int64_t i = 0; i < n && tap_tape_status(c->tape, NULL) == TAP_OK; i++) {
            int64_t at = some ? some[i] : i;
            double  h = c->o.eps * fmax(1, fabs(x[at]));
            volatile double above = x[at] + h, below = x[at] - h; /* the step that is really taken */
            double  slope = value_with(c, &x[at], above, cotangent) - value_with(c, &x[at], below, cotangent);
            tap__gradcheck_compare(&c->r, &c->o, k, at, ((double *)dx[k].data)[at], slope / (above - below));
        }
    }
}

/* ---- The gradient of the gradient: sum_i <v_i, dx_i>, as a function of x and of the cotangent ---- */

typedef struct {
    tap_function f;
    void        *ctx;
    int          n;
    tap_tensor  *v;
} second;

static tap_var contracted_gradient(tap_tape *t, const tap_var *in, void *ctx)
{
    const second *s = ctx;
    tap_var       dx[TAP_MAX_INPUTS], sum = tap_scalar(t, 0);
    tap_var       y = s->f(t, in, s->ctx);
    tap_vjp(y, in[s->n], s->n, in, dx);
    for (int i = 0; i < s->n; i++) sum = tap_add(sum, tap_sum(tap_mul(dx[i], tap_input(t, s->v[i])), TAP_ALL));
    return sum;
}

static tap_gradcheck_result run(tap_function f, void *ctx, int n, const tap_tensor *x, tap_gradcheck_options o, const char *order);

static tap_gradcheck_result check_second(check *c)
{
    tap_tensor  v[TAP_MAX_INPUTS], x[TAP_MAX_INPUTS], dx[TAP_MAX_INPUTS];
    second      s = { c->f, c->ctx, c->n, v };
    const char *message = "there are too many inputs for order 2";
    if (c->n + 1 > TAP_MAX_INPUTS) return tap__gradcheck_failed(TAP_EARG, message);
    analytic(c, dx, &x[c->n]);
    for (int i = 0; i < c->n; i++) {
        x[i] = c->x[i];
        v[i] = normal(c->arena, &c->o, DIRECTION_STREAM + (uint64_t)i, x[i].shape);
    }
    if (tap_arena_status(c->arena, &message) != TAP_OK) return tap__gradcheck_failed(TAP_ENOMEM, message);
    tap_gradcheck_result r = run(contracted_gradient, &s, c->n + 1, x, c->o, "second order, ");
    r.checked += c->r.checked;
    return r;
}

static void copy_inputs(check *c, const tap_tensor *x)
{
    for (int i = 0; i < c->n; i++) {
        if (x[i].dtype != TAP_F64 || !x[i].data || tap_numel(x[i].shape) < 0) {
            tap_tape_fail(c->tape, TAP_EDTYPE, "gradcheck: input %d must be a float64 tensor", i);
            return;
        }
        c->x[i] = tap_tensor_zeros(c->arena, TAP_F64, x[i].shape);
        if (c->x[i].data) tap_tensor_copy(c->x[i], x[i], tap_arena_error(c->arena));
    }
}

static tap_gradcheck_result conclude(check *c, const char *order)
{
    char        where[64];
    const char *message;
    tap_status  status = tap_tape_status(c->tape, &message);
    if (status == TAP_OK) status = tap_arena_status(c->arena, &message);
    if (status != TAP_OK) return tap__gradcheck_failed(status, message);
    if (c->r.checked == 0) c->r.ok = true; /* of empty inputs, all elements agree */
    snprintf(where, sizeof where, "%sinput %d", order, c->r.input);
    tap__gradcheck_conclude(&c->r, where);
    return c->r;
}

static tap_gradcheck_result run(tap_function f, void *ctx, int n, const tap_tensor *x, tap_gradcheck_options o, const char *order)
{
    tap_tensor copy[TAP_MAX_INPUTS];
    check      c = { .f = f, .ctx = ctx, .n = n, .x = copy, .o = o };
    c.arena = tap_arena_new();
    c.tape = tap_tape_new(TAP_F64, o.seed);
    copy_inputs(&c, x);
    if (tap_tape_status(c.tape, NULL) == TAP_OK && tap_arena_status(c.arena, NULL) == TAP_OK) compare_all(&c);
    tap_gradcheck_result r = conclude(&c, order);
    if (r.ok && o.order == 2 && !*order) r = check_second(&c);
    tap_tape_free(c.tape);
    tap_arena_free(c.arena);
    return r;
}

tap_gradcheck_result tap_gradcheck(tap_function f, void *ctx, int n, const tap_tensor *x, tap_gradcheck_options options)
{
    tap_error e = { 0 };
    if (!f || !x || n < 1 || n > TAP_MAX_INPUTS)
        return tap__gradcheck_failed(TAP_EARG, "a function and 1 to 16 inputs are needed");
    if (tap__gradcheck_options(&options, &e) != TAP_OK) return tap__gradcheck_failed(e.status, e.message);
    return run(f, ctx, n, x, options, "");
}
