/* Gradients against central differences, contracted with a random cotangent: never a plain sum, which for a softmax would be blind. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/gradcheck.h"
#include "autograd/internal.h"

enum { COTANGENT_STREAM = 1, ELEMENT_STREAM = 1000 };

tap_gradcheck_options tap__gradcheck_defaults(tap_gradcheck_options o)
{
    if (!(o.eps > 0)) o.eps = 1e-6;
    if (!(o.atol > 0)) o.atol = 1e-6;
    if (!(o.rtol > 0)) o.rtol = 1e-5;
    if (o.order < 1) o.order = 1;
    return o;
}

/* Above 1, or NaN, is a failure. */
static double badness(tap_gradcheck_options o, double analytic, double numeric)
{
    return fabs(analytic - numeric) / (o.atol + o.rtol * fabs(numeric));
}

void tap__gradcheck_compare(tap_gradcheck_result *r, tap_gradcheck_options o, int input, int64_t element, double analytic,
                            double numeric)
{
    double now = badness(o, analytic, numeric), worst = badness(o, r->analytic, r->numeric);
    if (r->checked++ > 0 && !isnan(now) && !(now > worst)) return;
    if (r->checked > 1 && isnan(worst)) return;
    r->input = input;
    r->element = element;
    r->analytic = analytic;
    r->numeric = numeric;
    r->ok = now <= 1;
}

void tap__gradcheck_conclude(tap_gradcheck_result *r, tap_gradcheck_options o, const char *where)
{
    if (r->status != TAP_OK) {
        r->ok = false;
        return;
    }
    if (r->checked == 0) {
        r->ok = true;
        snprintf(r->message, sizeof r->message, "gradcheck: there is no element to compare");
        return;
    }
    snprintf(r->message, sizeof r->message,
             "gradcheck: %s %lld elements; worst %s, element %lld: analytic %.10g, numeric %.10g (%.1e apart, %.1e allowed)",
             r->ok ? "agreement in" : "disagreement in", (long long)r->checked, where, (long long)r->element, r->analytic,
             r->numeric, fabs(r->analytic - r->numeric), o.atol + o.rtol * fabs(r->numeric));
}

void tap__gradcheck_fail(tap_gradcheck_result *r, tap_status status, const char *message)
{
    if (r->status != TAP_OK) return;
    r->status = status;
    snprintf(r->message, sizeof r->message, "%s", message);
}

/* The elements to check: all of n in order, or `most` places drawn at random. */
int64_t tap__gradcheck_count(tap_gradcheck_options o, int64_t n)
{
    return o.elements > 0 && o.elements < n ? o.elements : n;
}

int64_t tap__gradcheck_place(tap_gradcheck_options o, int input, int64_t n, int64_t i)
{
    if (tap__gradcheck_count(o, n) == n) return i;
    double     u;
    tap_random at = { .seed = o.seed, .stream = ELEMENT_STREAM + (uint64_t)input, .step = (uint64_t)i };
    tap_random_uniform(tap_tensor_wrap(TAP_F64, TAP_SCALAR, &u), at);
    int64_t place = (int64_t)(u * (double)n);
    return place < n ? place : n - 1;
}

double tap__gradcheck_contract(tap_tensor y, tap_tensor cotangent)
{
    double  sum = 0;
    int64_t n = tap_tensor_numel(y);
    if (!tap_shape_equal(y.shape, cotangent.shape)) return (double)NAN; /* not the same function as before */
    for (int64_t i = 0; i < n; i++) sum += ((const double *)cotangent.data)[i] * tap_tensor_item(y, i);
    return sum;
}

tap_tensor tap__gradcheck_cotangent(tap_arena *a, tap_gradcheck_options o, tap_shape shape)
{
    tap_tensor c = tap_tensor_zeros(a, TAP_F64, shape);
    if (c.data) tap_random_normal(c, (tap_random){ .seed = o.seed, .stream = COTANGENT_STREAM });
    return c;
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
    *cotangent = tap__gradcheck_cotangent(c->arena, c->o, value.shape);
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
    double sum = tap__gradcheck_contract(tap_value(evaluate(c, in)), cotangent);
    *element = was;
    return sum;
}

static void compare_all(check *c)
{
    tap_tensor dx[TAP_MAX_INPUTS], cotangent;
    if (!analytic(c, dx, &cotangent)) return;
    for (int k = 0; k < c->n; k++) {
        double *x = c->x[k].data;
        int64_t n = tap_numel(c->x[k].shape), count = tap__gradcheck_count(c->o, n);
        for (int64_t i = 0; i < count && tap_tape_status(c->tape, NULL) == TAP_OK; i++) {
            int64_t at = tap__gradcheck_place(c->o, k, n, i);
            double  h = c->o.eps * fmax(1, fabs(x[at]));
            volatile double above = x[at] + h, below = x[at] - h; /* the step that is really taken */
            double  slope = value_with(c, &x[at], above, cotangent) - value_with(c, &x[at], below, cotangent);
            tap__gradcheck_compare(&c->r, c->o, k, at, ((double *)dx[k].data)[at], slope / (above - below));
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

static tap_gradcheck_result run(tap_function f, void *ctx, int n, const tap_tensor *x, tap_gradcheck_options o, bool second_order);

static void check_second(check *c)
{
    tap_tensor v[TAP_MAX_INPUTS], x[TAP_MAX_INPUTS], dx[TAP_MAX_INPUTS];
    second     s = { c->f, c->ctx, c->n, v };
    if (c->n + 1 > TAP_MAX_INPUTS) {
        tap__gradcheck_fail(&c->r, TAP_EARG, "gradcheck: too many inputs for order 2");
        return;
    }
    if (!analytic(c, dx, &x[c->n])) return;
    for (int i = 0; i < c->n; i++) {
        x[i] = c->x[i];
        v[i] = tap_tensor_zeros(c->arena, TAP_F64, x[i].shape);
        if (v[i].data) tap_random_normal(v[i], (tap_random){ .seed = c->o.seed, .stream = 2 + (uint64_t)i });
    }
    if (tap_arena_status(c->arena, NULL) != TAP_OK) return;
    tap_gradcheck_result r = run(contracted_gradient, &s, c->n + 1, x, c->o, true);
    r.checked += c->r.checked;
    c->r = r;
}

static void check_inputs(check *c, const tap_tensor *x)
{
    char text[TAP_MESSAGE_SIZE];
    for (int i = 0; i < c->n; i++) {
        if (x[i].dtype != TAP_F64 || !x[i].data || tap_numel(x[i].shape) < 0) {
            snprintf(text, sizeof text, "gradcheck: input %d must be a float64 tensor", i);
            tap__gradcheck_fail(&c->r, TAP_EDTYPE, text);
            return;
        }
        c->x[i] = tap_tensor_zeros(c->arena, TAP_F64, x[i].shape);
        if (c->x[i].data) tap_tensor_copy(c->x[i], x[i], tap_arena_error(c->arena));
    }
}

static tap_gradcheck_result run(tap_function f, void *ctx, int n, const tap_tensor *x, tap_gradcheck_options o, bool second_order)
{
    tap_tensor  copy[TAP_MAX_INPUTS];
    char        where[64];
    const char *message;
    check       c = { .f = f, .ctx = ctx, .n = n, .x = copy, .o = tap__gradcheck_defaults(o) };
    c.arena = tap_arena_new();
    c.tape = tap_tape_new(TAP_F64, o.seed);
    check_inputs(&c, x);
    if (c.r.status == TAP_OK) compare_all(&c);
    if (tap_tape_status(c.tape, &message) != TAP_OK) tap__gradcheck_fail(&c.r, tap_tape_status(c.tape, NULL), message);
    if (tap_arena_status(c.arena, &message) != TAP_OK) tap__gradcheck_fail(&c.r, tap_arena_status(c.arena, NULL), message);
    snprintf(where, sizeof where, "%sinput %d", second_order ? "second order, " : "", c.r.input);
    tap__gradcheck_conclude(&c.r, c.o, where);
    if (c.r.ok && c.o.order > 1 && !second_order) check_second(&c);
    tap_tape_free(c.tape);
    tap_arena_free(c.arena);
    return c.r;
}

tap_gradcheck_result tap_gradcheck(tap_function f, void *ctx, int n, const tap_tensor *x, tap_gradcheck_options options)
{
    tap_gradcheck_result r = { 0 };
    if (f && x && n >= 1 && n <= TAP_MAX_INPUTS) return run(f, ctx, n, x, options, false);
    tap__gradcheck_fail(&r, TAP_EARG, "gradcheck: a function and 1 to 16 inputs are needed");
    return r;
}
