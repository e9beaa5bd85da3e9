/* Gradients against central differences.
 *
 * A check is a table of derivatives, computed twice: by the tape, row by row, and by differences, column by column. A column is
 * an element of an input, or a random direction in the space of one; a row is an element of the result or, where these would be
 * too many, the only one, the result contracted with a random cotangent (never a plain sum, which for a softmax is blind). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/gradcheck.h"
#include "autograd/internal.h"
#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/error.h"

enum { COTANGENT_STREAM = 1, DIRECTION_STREAM = 3 }; /* the second order has a cotangent of its own */
enum { MANY_ELEMENTS = 10000, CONTRACTED = -1, NAME = sizeof((tap_gradcheck_result *)0)->name };

typedef struct {
    int     input;
    int64_t element;   /* CONTRACTED: */
    int     direction; /* along this one */
} column;

typedef struct {
    const tap__checked   *of;
    tap_gradcheck_options o;
    bool                  second; /* order */
    tap_tape             *tape;
    tap_arena            *arena;
    tap_var              *in, *g, y;
    tap_tensor           *dx, value, now, cotangent; /* the gradients; the result, unperturbed and as it is */
    bool                  full;                      /* a row for every element of the result */
    int64_t               n_rows, n_columns;
    column               *columns;
    double               *analytic;              /* [n_rows,n_columns] */
    double               *above, *below;         /* the result to both sides */
    double               *from, *along;          /* of an input: values, and a direction */
    double                up, down, left, right; /* steps taken; slopes of the worst derivative to both sides */
    char (*name)[NAME];
    tap_gradcheck_result r;
} check;

tap_status tap__gradcheck_options(tap_gradcheck_options *o, tap_error *e)
{
    if (o->eps == 0) o->eps = 1e-6;
    if (o->atol == 0) o->atol = 1e-6;
    if (o->rtol == 0) o->rtol = 1e-5;
    if (o->order == 0) o->order = 1;
    if (o->jacobian == 0) o->jacobian = 4096;
    if (!(o->eps > 0 && o->atol > 0 && o->rtol > 0))
        return tap_error_set(e, TAP_EARG, "gradcheck: eps %g, atol %g and rtol %g are not all positive", o->eps, o->atol,
                             o->rtol);
    if (o->order < 1 || o->order > 2) return tap_error_set(e, TAP_EARG, "gradcheck: order %d is neither 1 nor 2", o->order);
    if (o->directions > MANY_ELEMENTS)
        return tap_error_set(e, TAP_EARG, "gradcheck: %d directions are more than %d", o->directions, MANY_ELEMENTS);
    return TAP_OK;
}

tap_gradcheck_result tap__gradcheck_failed(tap_status status, const char *message)
{
    tap_gradcheck_result r = { .status = status };
    snprintf(r.message, sizeof r.message, "%s%.460s", strncmp(message, "gradcheck: ", 11) ? "gradcheck: " : "", message);
    return r;
}

/* ---- What is compared ---- */

static bool is_well(const check *c)
{
    return c->tape->error.status == TAP_OK && tap_arena_status(c->arena, NULL) == TAP_OK;
}

static void *take(check *c, int64_t n, size_t size)
{
    return tap_arena_alloc(c->arena, n < 0 || (uint64_t)n > SIZE_MAX / 2 / size ? SIZE_MAX : (size_t)n * size);
}

static tap_tensor normal(check *c, uint64_t stream, tap_shape shape)
{
    tap_tensor x = tap_tensor_zeros(c->arena, TAP_F64, shape);
    if (x.data) tap_random_normal(x, (tap_rng_key){ .seed = c->o.seed, .stream = stream });
    return x;
}

static int64_t columns_of(const check *c, int input)
{
    int64_t n = tap_numel(c->of->x[input].shape);
    if (c->o.directions > 0) return n > 0 ? c->o.directions : 0;
    return c->o.elements > 0 && c->o.elements < n ? c->o.elements : n;
}

static int64_t count_columns(const check *c)
{
    int64_t n = 0;
    for (int i = 0; i < c->of->n; i++) n += columns_of(c, i);
    return n;
}

/* All elements of an input, some at random, or directions. */
static column *add_columns(check *c, int input, column *to)
{
    int64_t  n = tap_numel(c->of->x[input].shape), count = columns_of(c, input);
    int64_t *order = c->o.directions <= 0 && count < n ? take(c, n, sizeof *order) : NULL;
    if (order) tap_random_permutation(order, n, (tap_rng_key){ .seed = c->o.seed, .stream = (uint64_t)input });
    for (int64_t i = 0; i < count; i++) {
        if (c->o.directions > 0) *to++ = (column){ input, CONTRACTED, (int)i };
        else *to++ = (column){ .input = input, .element = order ? order[i] : i };
    }
    return to;
}

static void plan(check *c)
{
    int64_t rows = tap_numel(c->value.shape), most = 0;
    c->n_columns = count_columns(c);
    c->full = c->o.directions <= 0 && (c->n_columns == 0 || rows <= c->o.jacobian / c->n_columns);
    if (!c->full && c->o.directions == 0 && c->n_columns > MANY_ELEMENTS) {
        c->o.directions = 8;
        c->n_columns = count_columns(c);
    }
    c->n_rows = c->full ? rows : 1;
    c->columns = take(c, c->n_columns, sizeof *c->columns);
    c->analytic = take(c, c->n_rows * c->n_columns, sizeof *c->analytic);
    c->above = take(c, rows, sizeof *c->above);
    c->below = take(c, rows, sizeof *c->below);
    for (int i = 0; i < c->of->n; i++) most = tap_numel(c->of->x[i].shape) > most ? tap_numel(c->of->x[i].shape) : most;
    if (c->o.directions > 0) {
        c->from = take(c, most, sizeof *c->from);
        c->along = take(c, most, sizeof *c->along);
    }
    column *at = c->columns;
    for (int i = 0; i < c->of->n && tap_arena_status(c->arena, NULL) == TAP_OK; i++) at = add_columns(c, i, at);
}

static const double *direction(check *c, const column *k)
{
    tap_tensor v = tap_tensor_wrap(TAP_F64, c->of->x[k->input].shape, c->along);
    uint64_t   stream = DIRECTION_STREAM + ((uint64_t)k->input << 32) + (uint64_t)k->direction;
    tap_random_normal(v, (tap_rng_key){ .seed = c->o.seed, .stream = stream });
    return c->along;
}

static double dot(int64_t n, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* ---- By the tape ---- */

/* c->y = f(x), and the result in c->now. */
static void evaluate(check *c)
{
    char      a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    tap_tape *t = c->tape;
    tap_tape_reset(t);
    tap_tape_set_step(t, 0);
    tap_tape_set_recording(t, true);
    c->y = c->of->call(t, c->in, c->of->ctx);
    if (c->y.tape != t) tap_tape_fail(t, TAP_EARG, "gradcheck: the function's result is not on the tape it was given");
    tap_tensor y = tap_value(c->y);
    if (tap_tape_status(t, NULL) != TAP_OK) return;
    if (y.dtype != TAP_F64)
        tap_tape_fail(t, TAP_EDTYPE, "gradcheck: the function's result is %s, not float64", tap_dtype_name(y.dtype));
    if (!c->now.data) c->now = tap_tensor_zeros(c->arena, TAP_F64, y.shape);
    if (!c->now.data) return;
    if (!tap_shape_equal(y.shape, c->now.shape))
        tap_tape_fail(t, TAP_ESHAPE, "gradcheck: the function's result is %s, and then %s", tap_shape_format(a, c->now.shape),
                      tap_shape_format(b, y.shape));
    if (is_well(c)) tap_tensor_copy(c->now, y, tap_arena_error(c->arena));
}

/* c->g = the gradients for a cotangent. */
static void pull(check *c, tap_tensor cotangent)
{
    tap_tape_set_recording(c->tape, false);
    tap_vjp(c->y, tap_input(c->tape, cotangent), c->of->n, c->in, c->g);
}

/* f for the first time: the result, its gradients for the random cotangent, and the inputs' names. */
static void begin(check *c)
{
    evaluate(c);
    if (!is_well(c)) return;
    c->value = tap_tensor_zeros(c->arena, TAP_F64, c->now.shape);
    if (c->value.data) tap_tensor_copy(c->value, c->now, NULL);
    c->cotangent = normal(c, COTANGENT_STREAM + c->second, c->value.shape);
    for (int i = 0; i < c->of->n && is_well(c); i++) {
        const tap_node *x = tap__node_of(c->in[i]);
        if (x && x->name) snprintf(c->name[i], sizeof c->name[i], "%s", x->name);
    }
    if (is_well(c)) pull(c, c->cotangent);
    for (int i = 0; i < c->of->n && is_well(c); i++) {
        c->dx[i] = tap_tensor_zeros(c->arena, TAP_F64, c->of->x[i].shape);
        if (c->dx[i].data) tap_tensor_copy(c->dx[i], tap_value(c->g[i]), tap_arena_error(c->arena));
    }
}

/* The table by the tape: the gradient for each one-hot cotangent, or the one that there is. */
static void differentiate(check *c)
{
    tap_tensor one = tap_tensor_zeros(c->arena, TAP_F64, c->full ? c->value.shape : TAP_SCALAR);
    uint32_t   mark = c->tape->n_nodes;
    for (int64_t row = 0; row < c->n_rows && is_well(c); row++) {
        double *hot = (double *)one.data + row;
        *hot = 1;
        if (c->full) pull(c, one);
        for (int64_t i = 0; i < c->n_columns && is_well(c); i++) {
            const column *k = &c->columns[i];
            tap_tensor    dx = c->full ? tap_value(c->g[k->input]) : c->dx[k->input];
            c->analytic[row * c->n_columns + i] =
                k->element >= 0 ? tap_tensor_item(dx, k->element) : dot(tap_tensor_numel(dx), dx.data, direction(c, k));
        }
        tap__truncate(c->tape, mark);
        *hot = 0;
    }
}

static const char *describe(const check *c, int input, char *text, size_t size)
{
    const char *name = c->name[input];
    if (c->second && input == c->of->n - 1) snprintf(text, size, "the cotangent");
    else if (c->of->by_name) snprintf(text, size, "%s", name);
    else snprintf(text, size, *name ? "input %d (%s)" : "input %d", input, name);
    return text;
}

static void compare_bits(check *c, const char *what, tap_tensor before, tap_tensor after)
{
    for (int64_t i = 0; i < tap_tensor_numel(before) && is_well(c); i++) {
        double a = tap_tensor_item(before, i), b = tap_tensor_item(after, i);
        if (memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b))) continue;
        tap_tape_fail(c->tape, TAP_EARG,
                      "gradcheck: the function does not give the same result twice: %s, element %lld, "
                      "is %.17g and then %.17g",
                      what, (long long)i, a, b);
    }
}

/* Everything once more, which is to be the same to the last bit. */
static void repeat(check *c)
{
    char what[NAME + 64], where[NAME + 32];
    evaluate(c);
    compare_bits(c, "its value", c->value, c->now);
    if (is_well(c)) pull(c, c->cotangent);
    for (int i = 0; i < c->of->n && is_well(c); i++) {
        snprintf(what, sizeof what, "its gradient by %s", describe(c, i, where, sizeof where));
        compare_bits(c, what, c->dx[i], tap_value(c->g[i]));
    }
}

/* ---- By differences ---- */

/* Between two results h apart. Contracted are the differences, whose sum rounds less than a difference of sums. */
static double slope(const check *c, int64_t row, const double *to, const double *from, double h)
{
    const double *u = c->cotangent.data;
    double        sum = 0;
    if (c->full) return (to[row] - from[row]) / h;
    for (int64_t i = 0; i < tap_tensor_numel(c->value); i++) sum += u[i] * (to[i] - from[i]);
    return sum / h;
}

/* Steps from x along the column, evaluates there and steps back; the step that was really taken. */
static double step(check *c, const column *k, double h, double *result)
{
    double *x = c->of->x[k->input].data;
    int64_t n = tap_tensor_numel(c->of->x[k->input]);
    if (k->element >= 0) {
        double          was = x[k->element];
        volatile double to = was + h;
        x[k->element] = to;
        evaluate(c);
        x[k->element] = was;
        h = to - was;
    } else {
        memcpy(c->from, x, (size_t)n * sizeof *x);
        for (int64_t i = 0; i < n; i++) x[i] += h * c->along[i];
        evaluate(c);
        memcpy(x, c->from, (size_t)n * sizeof *x);
    }
    if (tap_tensor_numel(c->now) > 0) memcpy(result, c->now.data, (size_t)tap_tensor_numel(c->now) * sizeof *result);
    return h;
}

/* How far apart two derivatives are, in tolerances. NaN is worse than anything. */
static double distance(const check *c, double analytic, double numeric)
{
    return fabs(analytic - numeric) / (c->o.atol + c->o.rtol * fabs(numeric));
}

static void compare(check *c, const column *k, int64_t row, double analytic, double numeric)
{
    tap_gradcheck_result *r = &c->r;
    double                error = distance(c, analytic, numeric), worst = distance(c, r->analytic, r->numeric);
    bool                  first = r->checked++ == 0;
    if (!first && (isnan(worst) || error <= worst)) return;
    r->ok = error <= 1;
    r->input = k->input;
    r->element = k->element;
    r->output = c->full ? row : CONTRACTED;
    r->analytic = analytic;
    r->numeric = numeric;
    c->left = slope(c, row, c->value.data, c->below, -c->down);
    c->right = slope(c, row, c->above, c->value.data, c->up);
}

static void compare_column(check *c, int64_t i)
{
    const column *k = &c->columns[i];
    const double *x = c->of->x[k->input].data;
    double        h = k->element >= 0 ? c->o.eps * fmax(1, fabs(x[k->element])) : c->o.eps;
    if (k->element < 0) direction(c, k);
    c->up = step(c, k, h, c->above);
    c->down = step(c, k, -h, c->below);
    for (int64_t row = 0; row < c->n_rows && is_well(c); row++)
        compare(c, k, row, c->analytic[row * c->n_columns + i], slope(c, row, c->above, c->below, c->up - c->down));
}

/* ---- The verdict ---- */

/* " (output element 3)"; at order 2 an output is an element of a gradient. */
static void describe_output(const check *c, char *text, size_t size)
{
    char    where[NAME + 32];
    int64_t at = c->r.output;
    int     input = 0;
    *text = '\0';
    if (at < 0 || c->n_rows == 1) return;
    if (!c->second) {
        snprintf(text, size, " (output element %lld)", (long long)at);
        return;
    }
    while (at >= tap_tensor_numel(c->of->x[input])) at -= tap_tensor_numel(c->of->x[input++]);
    snprintf(text, size, " (gradient by %s, element %lld)", describe(c, input, where, sizeof where), (long long)at);
}

/* Where the slopes to both sides are far apart, the point may be no place to differentiate at: a hint, and no excuse. */
static void describe_kink(const check *c, char *text, size_t size)
{
    double tolerance = c->o.atol + c->o.rtol * fabs(c->r.numeric) + c->o.eps;
    *text = '\0';
    if (!c->r.ok && fabs(c->left - c->right) > 100 * tolerance)
        tap__format(text, size, "; is there a kink? The slope is %.6g to the left and %.6g to the right", c->left, c->right);
}

static void conclude(check *c, int64_t before)
{
    tap_gradcheck_result *r = &c->r;
    char                  where[NAME + 32], element[32] = ", a random direction", output[NAME + 96], kink[128];
    bool                  any = r->checked > 0;
    if (!any) r->ok = c->of->n > 0; /* of empty inputs, all elements agree */
    r->checked += before;
    if (!any) {
        snprintf(r->message, sizeof r->message, "gradcheck: there is nothing to compare");
        return;
    }
    snprintf(r->name, sizeof r->name, "%s", c->name[r->input]);
    if (r->element >= 0) snprintf(element, sizeof element, ", element %lld", (long long)r->element);
    describe_output(c, output, sizeof output);
    describe_kink(c, kink, sizeof kink);
    tap__format(r->message, sizeof r->message,
                "gradcheck: %lld derivatives compared, and %s %s%s%s%s: analytic %.12g, numeric %.12g%s", (long long)r->checked,
                r->ok ? "all agree; the farthest apart is" : "they disagree, most in", c->second ? "second order, " : "",
                describe(c, r->input, where, sizeof where), element, output, r->analytic, r->numeric, kink);
}

/* ---- The gradient of the gradient: of <dy/dx, cotangent>, by x and by the cotangent ---- */

typedef struct {
    const tap__checked *f;
    tap_tensor          cotangent;
    tap_var            *dx;
} first_order;

static tap_var gradients(tap_tape *t, tap_var *in, const void *ctx)
{
    const first_order *s = ctx;
    int                n = s->f->n;
    tap_var            y = s->f->call(t, in, s->f->ctx);
    in[n] = tap_variable(t, s->cotangent);
    tap_vjp(y, in[n], n, in, s->dx);
    for (int i = 0; i < n; i++) s->dx[i] = tap_reshape(s->dx[i], TAP_SHAPE(-1));
    return tap_cat(n, s->dx, 0);
}

static tap_gradcheck_result run(const tap__checked *f, tap_gradcheck_options o, const check *first);

static tap_gradcheck_result run_second(check *c)
{
    int          n = c->of->n;
    first_order  s = { c->of, c->cotangent, c->g };
    tap__checked g = *c->of;
    tap_tensor  *x = take(c, n + 1, sizeof *x);
    const char  *message;
    tap_status   status = tap_arena_status(c->arena, &message);
    if (!x) return tap__gradcheck_failed(status, message);
    for (int i = 0; i < n; i++) x[i] = c->of->x[i];
    x[n] = c->cotangent;
    g.n = n + 1;
    g.x = x;
    g.call = gradients;
    g.ctx = &s;
    return run(&g, c->o, c);
}

static void allocate(check *c)
{
    int n = c->of->n;
    c->in = take(c, n, sizeof *c->in);
    c->g = take(c, n, sizeof *c->g);
    c->dx = take(c, n, sizeof *c->dx);
    c->name = take(c, n, sizeof *c->name);
}

static tap_gradcheck_result run(const tap__checked *f, tap_gradcheck_options o, const check *first)
{
    const char *message;
    check       c = { .of = f, .o = o, .second = first != NULL };
    c.arena = tap__arena_new_internal();
    c.tape = tap_tape_new(TAP_F64, o.seed);
    if (is_well(&c)) {
        c.tape->widen = f->widen;
        c.tape->keeps_state = true;
    }
    allocate(&c);
    if (is_well(&c)) begin(&c);
    if (is_well(&c)) plan(&c);
    if (is_well(&c)) differentiate(&c);
    if (is_well(&c) && !o.once) repeat(&c);
    for (int64_t i = 0; i < c.n_columns && is_well(&c); i++) compare_column(&c, i);

    tap_status status = tap_tape_status(c.tape, &message);
    if (status == TAP_OK) status = tap_arena_status(c.arena, &message);
    if (status == TAP_OK) conclude(&c, first ? first->r.checked : 0);
    else c.r = tap__gradcheck_failed(status, message);
    tap_gradcheck_result r = c.r.ok && o.order == 2 && !first ? run_second(&c) : c.r;
    tap_tape_free(c.tape);
    tap_arena_free(c.arena);
    return r;
}

tap_gradcheck_result tap__gradcheck(const tap__checked *f, tap_gradcheck_options o)
{
    return run(f, o, NULL);
}

/* ---- Of a function ---- */

typedef struct {
    tap_function f;
    void        *ctx;
    int          n;
    tap_tensor   x[TAP_MAX_INPUTS]; /* copies */
} function;

static tap_var call(tap_tape *t, tap_var *in, const void *ctx)
{
    const function *f = ctx;
    for (int i = 0; i < f->n; i++) in[i] = tap_variable(t, f->x[i]);
    return f->f(t, in, f->ctx);
}

tap_gradcheck_result tap_gradcheck(tap_function f, void *ctx, int n, const tap_tensor *x, tap_gradcheck_options options)
{
    tap_error e = { 0 };
    function  own = { .f = f, .ctx = ctx, .n = n };
    if (!f || !x || n < 1 || n > TAP_MAX_INPUTS)
        return tap__gradcheck_failed(TAP_EARG, "a function and 1 to 16 inputs are needed");
    if (tap__gradcheck_options(&options, &e) != TAP_OK) return tap__gradcheck_failed(e.status, e.message);
    tap_arena *copies = tap__arena_new_internal();
    for (int i = 0; i < n; i++) {
        if (x[i].dtype != TAP_F64 || !x[i].data || tap_numel(x[i].shape) < 0)
            tap_error_set(&e, TAP_EDTYPE, "gradcheck: input %d must be a float64 tensor", i);
        else own.x[i] = tap_tensor_zeros(copies, TAP_F64, x[i].shape);
        if (own.x[i].data) tap_tensor_copy(own.x[i], x[i], &e);
    }
    tap__error_copy(&e, tap_arena_error(copies));
    const tap__checked   checked = { .n = n, .x = own.x, .ctx = &own, .call = call };
    tap_gradcheck_result r = e.status == TAP_OK ? run(&checked, options, NULL) : tap__gradcheck_failed(e.status, e.message);
    tap_arena_free(copies);
    return r;
}
