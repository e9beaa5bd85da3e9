/* autograd/gradcheck.c: gradients compared with central differences.
 *
 * A check computes a table of derivatives twice: by the tape, row by row, and by differences, column by column.
 *
 *                          columns: elements of inputs, or random directions in the space of an input
 *     rows: elements of y  d y_j / d x_i
 *
 * Where the table would be too large, it has one row, the result contracted with a random cotangent u: d <u, y> / d x_i. A
 * plain sum would not do for u: the sum of a softmax is constant. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/gradcheck.h"
#include "autograd/internal.h"
#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/error.h"

enum { COTANGENT_STREAM = 1, DIRECTION_STREAM = 3 }; /* of random numbers; stream 2 is the cotangent at second order */
enum { MAX_ELEMENTS = 10000, MAX_DIRECTIONS = 10000, DEFAULT_DIRECTIONS = 8, MAX_JACOBIAN = 4096 };
enum { NO_ELEMENT = -1, NAME_SIZE = sizeof((tap_gradcheck_result *)0)->name };

typedef struct {
    int     input;
    int64_t element;   /* NO_ELEMENT: a direction */
    int     direction; /* number of the direction in the space of the input */
} column;

typedef struct {
    const tap__gradcheck_function *f;
    tap_gradcheck_options          o;
    bool                           is_second_order;
    tap_tape                      *tape;
    tap_arena                     *arena;
    tap_var                       *in, *g, y;      /* inputs, gradients and result on the tape */
    tap_tensor                     y_first, y_now; /* the result at the inputs, and of the last evaluation */
    tap_tensor                    *dx, cotangent;  /* the gradients of <cotangent, y_first> */
    bool                           is_full;        /* a row for every element of the result */
    int64_t                        n_rows, n_columns;
    column                        *columns;
    double                        *analytic;         /* [n_rows,n_columns] */
    double                        *y_plus, *y_minus; /* the result at x + h and x - h */
    double                         h_plus, h_minus;  /* the steps, as rounded */
    double                        *x_saved, *direction;
    double                         slope_left, slope_right; /* one-sided differences of the worst derivative */
    char (*name)[NAME_SIZE];
    tap_gradcheck_result r;
} check;

tap_status tap__gradcheck_options(tap_gradcheck_options *o, tap_error *e)
{
    if (o->eps == 0) o->eps = 1e-6;
    if (o->atol == 0) o->atol = 1e-6;
    if (o->rtol == 0) o->rtol = 1e-5;
    if (o->order == 0) o->order = 1;
    if (o->jacobian == 0) o->jacobian = MAX_JACOBIAN;
    if (!(o->eps > 0 && o->atol > 0 && o->rtol > 0))
        return tap_error_set(e, TAP_EARG, "gradcheck: eps, atol and rtol must be positive, not %g, %g and %g", o->eps, o->atol,
                             o->rtol);
    if (o->order < 1 || o->order > 2) return tap_error_set(e, TAP_EARG, "gradcheck: order must be 1 or 2, not %d", o->order);
    if (o->directions > MAX_DIRECTIONS)
        return tap_error_set(e, TAP_EARG, "gradcheck: directions must be at most %d, not %d", MAX_DIRECTIONS, o->directions);
    return TAP_OK;
}

tap_gradcheck_result tap__gradcheck_failed(tap_status status, const char *message)
{
    tap_gradcheck_result r = { .status = status };
    snprintf(r.message, sizeof r.message, "%s%.460s", strncmp(message, "gradcheck: ", 11) ? "gradcheck: " : "", message);
    return r;
}

/* ---- Rows and columns of the table ---- */

static bool is_ok(const check *c)
{
    return c->tape->error.status == TAP_OK && tap_arena_status(c->arena, NULL) == TAP_OK;
}

static void *alloc(check *c, int64_t n, size_t size)
{
    return tap_arena_alloc(c->arena, n < 0 || (uint64_t)n > SIZE_MAX / 2 / size ? SIZE_MAX : (size_t)n * size);
}

static tap_tensor new_normal(check *c, uint64_t stream, tap_shape shape)
{
    tap_tensor x = tap_tensor_zeros(c->arena, TAP_F64, shape);
    if (x.data) tap_random_normal(x, (tap_rng_key){ .seed = c->o.seed, .stream = stream });
    return x;
}

static int64_t n_columns_of(const check *c, int input)
{
    int64_t n = tap_numel(c->f->x[input].shape);
    if (c->o.directions > 0) return n > 0 ? c->o.directions : 0;
    return c->o.elements > 0 && c->o.elements < n ? c->o.elements : n;
}

static int64_t count_columns(const check *c)
{
    int64_t n = 0;
    for (int i = 0; i < c->f->n; i++) n += n_columns_of(c, i);
    return n;
}

/* The columns of an input: all of its elements, or some of them at random, or directions. */
static column *add_columns(check *c, int input, column *to)
{
    int64_t  n = tap_numel(c->f->x[input].shape), count = n_columns_of(c, input);
    int64_t *order = c->o.directions <= 0 && count < n ? alloc(c, n, sizeof *order) : NULL;
    if (order) tap_random_permutation(order, n, (tap_rng_key){ .seed = c->o.seed, .stream = (uint64_t)input });
    for (int64_t i = 0; i < count; i++) {
        if (c->o.directions > 0) *to++ = (column){ input, NO_ELEMENT, (int)i };
        else *to++ = (column){ .input = input, .element = order ? order[i] : i };
    }
    return to;
}

static void choose_columns(check *c)
{
    int64_t rows = tap_numel(c->y_first.shape), max_numel = 0;
    c->n_columns = count_columns(c);
    c->is_full = c->o.directions <= 0 && (c->n_columns == 0 || rows <= c->o.jacobian / c->n_columns);
    if (!c->is_full && c->o.directions == 0 && c->n_columns > MAX_ELEMENTS) {
        c->o.directions = DEFAULT_DIRECTIONS;
        c->n_columns = count_columns(c);
    }
    c->n_rows = c->is_full ? rows : 1;
    c->columns = alloc(c, c->n_columns, sizeof *c->columns);
    c->analytic = alloc(c, c->n_rows * c->n_columns, sizeof *c->analytic);
    c->y_plus = alloc(c, rows, sizeof *c->y_plus);
    c->y_minus = alloc(c, rows, sizeof *c->y_minus);
    for (int i = 0; i < c->f->n; i++) {
        const int64_t numel = tap_numel(c->f->x[i].shape);
        if (numel > max_numel) max_numel = numel;
    }
    if (c->o.directions > 0) {
        c->x_saved = alloc(c, max_numel, sizeof *c->x_saved);
        c->direction = alloc(c, max_numel, sizeof *c->direction);
    }
    column *at = c->columns;
    for (int i = 0; i < c->f->n && tap_arena_status(c->arena, NULL) == TAP_OK; i++) at = add_columns(c, i, at);
}

static const double *fill_direction(check *c, const column *k)
{
    tap_tensor v = tap_tensor_wrap(TAP_F64, c->f->x[k->input].shape, c->direction);
    uint64_t   stream = DIRECTION_STREAM + ((uint64_t)k->input << 32) + (uint64_t)k->direction;
    tap_random_normal(v, (tap_rng_key){ .seed = c->o.seed, .stream = stream });
    return c->direction;
}

static double dot(int64_t n, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* ---- Derivatives by the tape ---- */

/* c->y = f(x), copied to c->y_now. */
static void evaluate(check *c)
{
    char      a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    tap_tape *t = c->tape;
    tap_tape_reset(t);
    tap_tape_set_step(t, 0);
    tap_tape_set_recording(t, true);
    c->y = c->f->call(t, c->in, c->f->ctx);
    if (c->y.tape != t) tap_tape_fail(t, TAP_EARG, "gradcheck: the function's result is not on the tape it was given");
    tap_tensor y = tap_value(c->y);
    if (tap_tape_status(t, NULL) != TAP_OK) return;
    if (y.dtype != TAP_F64)
        tap_tape_fail(t, TAP_EDTYPE, "gradcheck: the function's result is %s, not float64", tap_dtype_name(y.dtype));
    if (!c->y_now.data) c->y_now = tap_tensor_zeros(c->arena, TAP_F64, y.shape);
    if (!c->y_now.data) return;
    if (!tap_shape_equal(y.shape, c->y_now.shape))
        tap_tape_fail(t, TAP_ESHAPE, "gradcheck: the function's result is %s, and then %s", tap_shape_format(a, c->y_now.shape),
                      tap_shape_format(b, y.shape));
    if (is_ok(c)) tap_tensor_copy(c->y_now, y, tap_arena_error(c->arena));
}

/* c->g = the gradients of <cotangent, c->y>. */
static void compute_vjp(check *c, tap_tensor cotangent)
{
    tap_tape_set_recording(c->tape, false);
    tap_vjp(c->y, tap_input(c->tape, cotangent), c->f->n, c->in, c->g);
}

/* Evaluates f for the first time: the result, its gradients for the random cotangent, and the names of the inputs. */
static void evaluate_first(check *c)
{
    evaluate(c);
    if (!is_ok(c)) return;
    c->y_first = tap_tensor_zeros(c->arena, TAP_F64, c->y_now.shape);
    if (c->y_first.data) tap_tensor_copy(c->y_first, c->y_now, NULL);
    c->cotangent = new_normal(c, COTANGENT_STREAM + c->is_second_order, c->y_first.shape);
    for (int i = 0; i < c->f->n && is_ok(c); i++) {
        const tap_node *x = tap__node_of(c->in[i]);
        if (x && x->name) snprintf(c->name[i], sizeof c->name[i], "%s", x->name);
    }
    if (is_ok(c)) compute_vjp(c, c->cotangent);
    for (int i = 0; i < c->f->n && is_ok(c); i++) {
        c->dx[i] = tap_tensor_zeros(c->arena, TAP_F64, c->f->x[i].shape);
        if (c->dx[i].data) tap_tensor_copy(c->dx[i], tap_value(c->g[i]), tap_arena_error(c->arena));
    }
}

/* Fills the table by the tape: a row is the gradient for a one-hot cotangent or, if there is one row, for the random one. */
static void fill_analytic(check *c)
{
    tap_tensor one = tap_tensor_zeros(c->arena, TAP_F64, c->is_full ? c->y_first.shape : TAP_SCALAR);
    uint32_t   mark = c->tape->n_nodes;
    for (int64_t row = 0; row < c->n_rows && is_ok(c); row++) {
        double *hot = (double *)one.data + row;
        *hot = 1;
        if (c->is_full) compute_vjp(c, one);
        for (int64_t i = 0; i < c->n_columns && is_ok(c); i++) {
            const column *k = &c->columns[i];
            tap_tensor    dx = c->is_full ? tap_value(c->g[k->input]) : c->dx[k->input];
            c->analytic[row * c->n_columns + i] =
                k->element >= 0 ? tap_tensor_item(dx, k->element) : dot(tap_tensor_numel(dx), dx.data, fill_direction(c, k));
        }
        tap__truncate(c->tape, mark);
        *hot = 0;
    }
}

static const char *describe(const check *c, int input, char *text, size_t size)
{
    const char *name = c->name[input];
    if (c->is_second_order && input == c->f->n - 1) snprintf(text, size, "the cotangent");
    else if (c->f->by_name) snprintf(text, size, "%s", name);
    else snprintf(text, size, *name ? "input %d (%s)" : "input %d", input, name);
    return text;
}

static void compare_bits(check *c, const char *what, tap_tensor before, tap_tensor after)
{
    for (int64_t i = 0; i < tap_tensor_numel(before) && is_ok(c); i++) {
        double a = tap_tensor_item(before, i), b = tap_tensor_item(after, i);
        if (memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b))) continue;
        tap_tape_fail(c->tape, TAP_EARG,
                      "gradcheck: the function does not give the same result twice: %s, element %lld, "
                      "is %.17g and then %.17g",
                      what, (long long)i, a, b);
    }
}

/* Computes result and gradients again, which must give the same bits. */
static void check_determinism(check *c)
{
    char what[NAME_SIZE + 64], where[NAME_SIZE + 32];
    evaluate(c);
    compare_bits(c, "its value", c->y_first, c->y_now);
    if (is_ok(c)) compute_vjp(c, c->cotangent);
    for (int i = 0; i < c->f->n && is_ok(c); i++) {
        snprintf(what, sizeof what, "its gradient by %s", describe(c, i, where, sizeof where));
        compare_bits(c, what, c->dx[i], tap_value(c->g[i]));
    }
}

/* ---- Derivatives by central differences ---- */

/* (to - from) / h, in the one row contracted with the cotangent: <u, to - from>, since <u, to> - <u, from> would round more. */
static double difference_quotient(const check *c, int64_t row, const double *to, const double *from, double h)
{
    const double *u = c->cotangent.data;
    double        sum = 0;
    if (c->is_full) return (to[row] - from[row]) / h;
    for (int64_t i = 0; i < tap_tensor_numel(c->y_first); i++) sum += u[i] * (to[i] - from[i]);
    return sum / h;
}

/* The result at x + h along the column. Returns the step as rounded, (x + h) - x, and puts x back. */
static double evaluate_at_step(check *c, const column *k, double h, double *result)
{
    double *x = c->f->x[k->input].data;
    int64_t n = tap_tensor_numel(c->f->x[k->input]);
    if (k->element >= 0) {
        double          was = x[k->element];
        volatile double to = was + h;
        x[k->element] = to;
        evaluate(c);
        x[k->element] = was;
        h = to - was;
    } else {
        memcpy(c->x_saved, x, (size_t)n * sizeof *x);
        for (int64_t i = 0; i < n; i++) x[i] += h * c->direction[i];
        evaluate(c);
        memcpy(x, c->x_saved, (size_t)n * sizeof *x);
    }
    if (tap_tensor_numel(c->y_now) > 0) memcpy(result, c->y_now.data, (size_t)tap_tensor_numel(c->y_now) * sizeof *result);
    return h;
}

/* |analytic - numeric| / (atol + rtol |numeric|): at most 1 if they agree, NaN if one of them is. */
static double error_in_tolerances(const check *c, double analytic, double numeric)
{
    return fabs(analytic - numeric) / (c->o.atol + c->o.rtol * fabs(numeric));
}

static void compare(check *c, const column *k, int64_t row, double analytic, double numeric)
{
    tap_gradcheck_result *r = &c->r;
    double error = error_in_tolerances(c, analytic, numeric), worst = error_in_tolerances(c, r->analytic, r->numeric);
    bool   first = r->checked++ == 0;
    if (!first && (isnan(worst) || error <= worst)) return;
    r->ok = error <= 1;
    r->input = k->input;
    r->element = k->element;
    r->output = c->is_full ? row : NO_ELEMENT;
    r->analytic = analytic;
    r->numeric = numeric;
    c->slope_left = difference_quotient(c, row, c->y_first.data, c->y_minus, -c->h_minus);
    c->slope_right = difference_quotient(c, row, c->y_plus, c->y_first.data, c->h_plus);
}

static void compare_column(check *c, int64_t i)
{
    const column *k = &c->columns[i];
    const double *x = c->f->x[k->input].data;
    double        h = k->element >= 0 ? c->o.eps * fmax(1, fabs(x[k->element])) : c->o.eps;
    if (k->element < 0) fill_direction(c, k);
    c->h_plus = evaluate_at_step(c, k, h, c->y_plus);
    c->h_minus = evaluate_at_step(c, k, -h, c->y_minus);
    for (int64_t row = 0; row < c->n_rows && is_ok(c); row++)
        compare(c, k, row, c->analytic[row * c->n_columns + i],
                difference_quotient(c, row, c->y_plus, c->y_minus, c->h_plus - c->h_minus));
}

/* ---- The message ---- */

/* " (output element 3)"; at order 2 the output is an element of a gradient. */
static void describe_output(const check *c, char *text, size_t size)
{
    char    where[NAME_SIZE + 32];
    int64_t at = c->r.output;
    int     input = 0;
    *text = '\0';
    if (at < 0 || c->n_rows == 1) return;
    if (!c->is_second_order) {
        snprintf(text, size, " (output element %lld)", (long long)at);
        return;
    }
    for (; at >= tap_tensor_numel(c->f->x[input]); input++) at -= tap_tensor_numel(c->f->x[input]);
    snprintf(text, size, " (gradient by %s, element %lld)", describe(c, input, where, sizeof where), (long long)at);
}

/* "; is there a kink? ...", if the one-sided slopes of a wrong derivative are far apart. */
static void describe_kink(const check *c, char *text, size_t size)
{
    double tolerance = c->o.atol + c->o.rtol * fabs(c->r.numeric) + c->o.eps;
    *text = '\0';
    if (!c->r.ok && fabs(c->slope_left - c->slope_right) > 100 * tolerance)
        tap__format(text, size, "; is there a kink? The slope is %.6g to the left and %.6g to the right", c->slope_left,
                    c->slope_right);
}

static void write_message(check *c, int64_t before)
{
    tap_gradcheck_result *r = &c->r;
    char                  where[NAME_SIZE + 32], element[32] = ", a random direction", output[NAME_SIZE + 96], kink[128];
    bool                  any = r->checked > 0;
    if (!any) r->ok = c->f->n > 0; /* of empty inputs, all elements agree */
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
                r->ok ? "all agree; the farthest apart is" : "they disagree, most in",
                c->is_second_order ? "second order, " : "", describe(c, r->input, where, sizeof where), element, output,
                r->analytic, r->numeric, kink);
}

/* ---- Second order: the derivatives of the gradient of <cotangent, y>, by x and by the cotangent ---- */

typedef struct {
    const tap__gradcheck_function *f;
    tap_tensor                     cotangent;
    tap_var                       *dx;
} first_order;

static tap_var first_gradients(tap_tape *t, tap_var *in, const void *ctx)
{
    const first_order *s = ctx;
    int                n = s->f->n;
    tap_var            y = s->f->call(t, in, s->f->ctx);
    in[n] = tap_variable(t, s->cotangent);
    tap_vjp(y, in[n], n, in, s->dx);
    for (int i = 0; i < n; i++) s->dx[i] = tap_reshape(s->dx[i], TAP_SHAPE(-1));
    return tap_cat(n, s->dx, 0);
}

static tap_gradcheck_result run_check(const tap__gradcheck_function *f, tap_gradcheck_options o, const check *first);

static tap_gradcheck_result run_second(check *c)
{
    int                     n = c->f->n;
    first_order             s = { c->f, c->cotangent, c->g };
    tap__gradcheck_function g = *c->f;
    tap_tensor             *x = alloc(c, n + 1, sizeof *x);
    const char             *message;
    tap_status              status = tap_arena_status(c->arena, &message);
    if (!x) return tap__gradcheck_failed(status, message);
    for (int i = 0; i < n; i++) x[i] = c->f->x[i];
    x[n] = c->cotangent;
    g.n = n + 1;
    g.x = x;
    g.call = first_gradients;
    g.ctx = &s;
    return run_check(&g, c->o, c);
}

static void allocate(check *c)
{
    int n = c->f->n;
    c->in = alloc(c, n, sizeof *c->in);
    c->g = alloc(c, n, sizeof *c->g);
    c->dx = alloc(c, n, sizeof *c->dx);
    c->name = alloc(c, n, sizeof *c->name);
}

static tap_gradcheck_result run_check(const tap__gradcheck_function *f, tap_gradcheck_options o, const check *first)
{
    const char *message;
    check       c = { .f = f, .o = o, .is_second_order = first != NULL };
    c.arena = tap__arena_new_internal();
    c.tape = tap_tape_new(TAP_F64, o.seed);
    if (is_ok(&c)) {
        c.tape->promote_f32 = f->promote_f32;
        c.tape->keeps_state = true;
    }
    allocate(&c);
    if (is_ok(&c)) evaluate_first(&c);
    if (is_ok(&c)) choose_columns(&c);
    if (is_ok(&c)) fill_analytic(&c);
    if (is_ok(&c) && !o.once) check_determinism(&c);
    for (int64_t i = 0; i < c.n_columns && is_ok(&c); i++) compare_column(&c, i);

    tap_status status = tap_tape_status(c.tape, &message);
    if (status == TAP_OK) status = tap_arena_status(c.arena, &message);
    if (status == TAP_OK) write_message(&c, first ? first->r.checked : 0);
    else c.r = tap__gradcheck_failed(status, message);
    tap_gradcheck_result r = c.r.ok && o.order == 2 && !first ? run_second(&c) : c.r;
    tap_tape_free(c.tape);
    tap_arena_free(c.arena);
    return r;
}

tap_gradcheck_result tap__gradcheck(const tap__gradcheck_function *f, tap_gradcheck_options o)
{
    return run_check(f, o, NULL);
}

/* ---- tap_gradcheck ---- */

typedef struct {
    tap_function f;
    void        *ctx;
    int          n;
    tap_tensor   x[TAP_MAX_INPUTS]; /* copies, which are perturbed */
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
    function  copy = { .f = f, .ctx = ctx, .n = n };
    if (!f || !x || n < 1 || n > TAP_MAX_INPUTS)
        return tap__gradcheck_failed(TAP_EARG, "a function and 1 to 16 inputs are needed");
    if (tap__gradcheck_options(&options, &e) != TAP_OK) return tap__gradcheck_failed(e.status, e.message);
    tap_arena *copies = tap__arena_new_internal();
    for (int i = 0; i < n; i++) {
        if (x[i].dtype != TAP_F64 || !x[i].data || tap_numel(x[i].shape) < 0)
            tap_error_set(&e, TAP_EDTYPE, "gradcheck: input %d must be a float64 tensor", i);
        else copy.x[i] = tap_tensor_zeros(copies, TAP_F64, x[i].shape);
        if (copy.x[i].data) tap_tensor_copy(copy.x[i], x[i], &e);
    }
    tap__error_copy(&e, tap_arena_error(copies));
    const tap__gradcheck_function checked = { .n = n, .x = copy.x, .ctx = &copy, .call = call };
    tap_gradcheck_result          r =
        e.status == TAP_OK ? run_check(&checked, options, NULL) : tap__gradcheck_failed(e.status, e.message);
    tap_arena_free(copies);
    return r;
}
