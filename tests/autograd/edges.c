/* tests/autograd/edges.c: runs the rows of edges.h: over a grid of numbers, over a list of vectors, or for the tensors they
 * give. */
#include "tests/autograd/edges.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 192, MAX_POINTS = 9300, MAX_SHOWN = 8 };

/* A floating-point type, as <float.h> describes it. */
typedef struct {
    tap_dtype dtype;
    int       digits, min_exponent, max_exponent;
} type;

static const type types[] = {
    { TAP_F32, FLT_MANT_DIG, FLT_MIN_EXP, FLT_MAX_EXP },
    { TAP_F64, DBL_MANT_DIG, DBL_MIN_EXP, DBL_MAX_EXP },
};

bool edge_is_for(const char *id, const char *name)
{
    const char *remark = strstr(id, "__");
    size_t      n = remark ? (size_t)(remark - id) : strlen(id);
    return strlen(name) == n && !strncmp(id, name, n);
}

bool edge_has_row(const char *name, const edge_row *rows, const edge_vectors *vectors, const edge_case *cases)
{
    for (; rows && rows->id; rows++) {
        if (edge_is_for(rows->id, name)) return true;
    }
    for (; vectors && vectors->id; vectors++) {
        if (edge_is_for(vectors->id, name)) return true;
    }
    for (; cases && cases->id; cases++) {
        if (edge_is_for(cases->id, name)) return true;
    }
    return false;
}

/* "TAP_API tap_var tap_exp(tap_var x);" */
static bool function_on(const char *line, char *name, size_t size)
{
    const char  *at = strncmp(line, "TAP_API tap_var", 15) ? NULL : strstr(line + 15, "tap_");
    const size_t n = at ? strcspn(at + 4, "(") : 0;
    if (n == 0 || n >= size) return false;
    memcpy(name, at + 4, n);
    name[n] = '\0';
    return true;
}

void check_edge_section(const char *header, const char *title, bool (*has_row)(const char *name))
{
    const char *root = getenv("TAP_SOURCE_ROOT");
    char        path[4096], line[1024], name[64];
    bool        within = false;
    int         found = 0, missing = 0;
    snprintf(path, sizeof path, "%s/%s", root ? root : ".", header);
    FILE *f = fopen(path, "r");
    if (!f) fail_msg("%s cannot be read; set TAP_SOURCE_ROOT", path);
    while (fgets(line, sizeof line, f)) {
        if (!strncmp(line, "/* ---- ", 8)) within = !strncmp(line + 8, title, strlen(title));
        if (!within || !function_on(line, name, sizeof name)) continue;
        found++;
        if (has_row(name)) continue;
        print_error("%s has no row\n", name);
        missing++;
    }
    fclose(f);
    assert_true(found > 0);
    assert_int_equal(missing, 0);
}

/* Skips the test unless long double has more digits than double, which it has not on all machines, and not under valgrind. */
static void require_extended_precision(void)
{
    volatile ldouble one = 1, sum = one + (ldouble)DBL_EPSILON / 16;
    if (sum != one) return;
    print_message("skipped: long double has no more digits than double here\n");
    skip();
}

/* ---- Comparing ---- */

static int         failures, shown; /* of the running check, of its row */
static const char *shown_of;

static ldouble power(int exponent)
{
    return ldexpl(1, exponent);
}

/* The error of y in units in the last place of max(|exact|, scale). A number that overflows counts as the power of two after
 * the largest number. */
static double ulps_between(const type *t, ldouble exact, double y, ldouble scale)
{
    ldouble top = power(t->max_exponent), got = (ldouble)y;
    int     exponent;
    if (isnan(exact) || isnan(got)) return isnan(exact) && isnan(got) ? 0 : HUGE_VAL;
    exact = fabsl(exact) > top ? copysignl(top, exact) : exact;
    got = fabsl(got) > top ? copysignl(top, got) : got;
    if (exact == got) return 0;
    frexpl(fmaxl(fabsl(exact), scale), &exponent);
    if (exponent < t->min_exponent) exponent = t->min_exponent;
    if (exponent > t->max_exponent && scale <= top) exponent = t->max_exponent;
    return (double)(fabsl(got - exact) / power(exponent - t->digits));
}

/* Counts a failure, and prints it, up to MAX_SHOWN for each row. */
static void report(const char *id, const type *t, const char *format, ...) TAP_PRINTF(3, 4);

static void report(const char *id, const type *t, const char *format, ...)
{
    char    text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    failures++;
    shown = id == shown_of ? shown + 1 : 1;
    shown_of = id;
    if (shown <= MAX_SHOWN) print_error("%s in %s: %s\n", id, t ? tap_dtype_name(t->dtype) : "both", text);
}

/* Whether the tape has not failed; if it has, reports it. */
static bool check_tape(const char *id, const type *t, const tap_tape *tape, const char *how)
{
    const char *message;
    if (tap_tape_status(tape, &message) == TAP_OK) return true;
    report(id, t, "%s: %s", how, message);
    return false;
}

/* A variable of the type with these numbers, in the buffer. */
static tap_var variable(tap_tape *tape, const type *t, tap_shape shape, const double *x, void *buffer)
{
    tap_tensor v = tap_tensor_wrap(t->dtype, shape, buffer);
    for (int64_t i = 0; i < tap_numel(shape); i++) tap_tensor_set_item(v, i, x[i]);
    return tap_variable(tape, v);
}

static double rounded(const type *t, double x)
{
    return t->dtype == TAP_F32 ? (double)(float)x : x;
}

/* ---- Functions of numbers ---- */

/* Magnitudes at which functions have special values or change their algorithm. Those out of range of the type are left out. */
/* clang-format off */
static const double magnitudes[] = {
    0, 1e-30, 1e-20, 1e-10, 1e-4, 0.1, 0.25, 0.5, 0.9, 1, 1.5, 2, 3, 4, 5, 6, 9, 9.5, 10, 13, 17, 20, 26, 30, 36, 40, 50, 87, 88.5,
    89.3, 100, 104, 300, 700, 709.7, 710.4, 745, 746, 1e3, 1e4, 1e6, 1e10, 1.8e19, 2e19, 1e20, 1e25, 1e30, 1e38, 1e76, 1.3e154,
    1.4e154, 1e200, 1e300, 1e-44, 1e-39, 1e-38, 1e-76, 1e-154, 1e-200, 1e-300, 1e-310, HUGE_VAL,
};
/* clang-format on */
static const double pair_magnitudes[] = { 0,   1e-30, 1e-10, 0.5,   1,     2,      3,      10,
                                          100, 1e20,  1e30,  1e160, 1e300, 1e-160, 1e-300, HUGE_VAL };
static const double triple_magnitudes[] = { 0, 0.25, 0.5, 1, 3, 1e20, 1e300, HUGE_VAL };

typedef struct {
    const type *t;
    int         n;
    double      x[EDGE_INPUTS][MAX_POINTS]; /* by argument */
} grid;

static void add_value(const type *t, double *x, int *n, double value)
{
    double r = rounded(t, value);
    if ((r == 0) != (value == 0) || (isinf(r) && isfinite(value))) return;
    for (int sign = 1; sign >= -1; sign -= 2) x[(*n)++] = sign * r;
    assert_true(*n + 2 < MAX_VALUES);
}

/* The magnitudes, the ends of the type's range and the neighbours of 1, with both signs; and NaN. */
static int values_of(const type *t, int inputs, double *x)
{
    const double *list = inputs == 1 ? magnitudes : inputs == 2 ? pair_magnitudes : triple_magnitudes;
    size_t        count = inputs == 1 ? sizeof magnitudes : inputs == 2 ? sizeof pair_magnitudes : sizeof triple_magnitudes;
    const double  smallest = (double)power(t->min_exponent - t->digits), normal = (double)power(t->min_exponent - 1);
    const double  eps = (double)power(1 - t->digits), largest = (double)((2 - (ldouble)eps) * power(t->max_exponent - 1));
    const double  ends[] = { smallest, largest, normal, 1 + eps, 1 - eps / 2, 3 * smallest, normal / 2 };
    int           n = 0;
    for (size_t i = 0; i < count / sizeof *list; i++) add_value(t, x, &n, list[i]);
    for (int i = 0; i < (inputs == 1 ? 7 : inputs == 2 ? 6 : 2); i++) add_value(t, x, &n, ends[i]);
    x[n++] = (double)NAN;
    return n;
}

static void fill(grid *g, int inputs)
{
    double values[MAX_VALUES];
    int    n = values_of(g->t, inputs, values), count = 1;
    for (int k = 0; k < inputs; k++) count *= n;
    assert_true(count <= MAX_POINTS);
    for (int i = 0; i < count; i++) {
        for (int k = 0, rest = i; k < inputs; k++, rest /= n) g->x[k][i] = values[rest % n];
    }
    g->n = count;
}

static void point_of(const grid *g, int n, int i, ldouble *v)
{
    for (int k = 0; k < n; k++) v[k] = (ldouble)g->x[k][i];
}

static bool any_nan(int n, const ldouble *v)
{
    for (int k = 0; k < n; k++) {
        if (isnan(v[k])) return true;
    }
    return false;
}

static const char *text_of(char *text, size_t size, int n, const ldouble *v)
{
    int used = 0;
    for (int k = 0; k < n; k++) used += snprintf(text + used, size - (size_t)used, "%s%.9Lg", k ? ", " : "", v[k]);
    return text;
}

/* The results of a row on a grid: y, and the gradients for a cotangent all of whose elements are `c`. */
typedef struct {
    tap_tape *tape;
    tap_var   y, g[EDGE_INPUTS];
    bool      has_gradient; /* results that are bool have none */
    void     *memory;
} results;

static results run_row(const edge_row *r, const grid *g, double c, bool trace)
{
    results s = { .tape = tap_tape_new(g->t->dtype, 1), .memory = malloc((size_t)(EDGE_INPUTS * MAX_POINTS) * sizeof(double)) };
    tap_var in[EDGE_INPUTS];
    const tap_shape shape = TAP_SHAPE(g->n);
    assert_non_null(s.memory);
    tap_tape_trace_nonfinite(s.tape, trace);
    for (int k = 0; k < r->n; k++)
        in[k] = variable(s.tape, g->t, shape, g->x[k], (char *)s.memory + (size_t)(k * MAX_POINTS) * sizeof(double));
    s.y = r->f(in);
    s.has_gradient = s.y.id && tap_dtype_is_float(tap_value(s.y).dtype);
    if (s.has_gradient) tap_vjp(s.y, tap_full_like(s.y, c), r->n, in, s.g);
    return s;
}

static void end_run(results *s)
{
    tap_tape_free(s->tape);
    free(s->memory);
}

/* Compares one number with the expected one. Returns whether it must be NaN because there is no limit. */
static bool check_number(const edge_row *r, const grid *g, const ldouble *v, const char *what, double got, ldouble want,
                         double allowed, double scale)
{
    char   text[128];
    double off = ulps_between(g->t, want, got, fmaxl((ldouble)scale, (ldouble)r->tiny * power(g->t->min_exponent - 1)));
    bool   no_limit = isnan(want) && !any_nan(r->n, v);
    if (no_limit && !r->no_limit)
        report(r->id, g->t, "%s at %s: NaN without a reason", what, text_of(text, sizeof text, r->n, v));
    if (!(off <= allowed))
        report(r->id, g->t, "%s at %s is %.9g, not %.9Lg: %.3g ulp, %g allowed", what, text_of(text, sizeof text, r->n, v), got,
               want, off, allowed);
    return no_limit;
}

static bool overflows(const type *t, ldouble x)
{
    return !(fabsl(x) < power(t->max_exponent));
}

/* Whether the row skips the point. */
static bool is_skipped(const edge_row *r, const type *t, const ldouble *v)
{
    bool out = false;
    for (int k = 0; k < r->n && r->max_fraction > 0; k++)
        out = out || (isfinite(v[k]) && fabsl(v[k]) > (ldouble)r->max_fraction * power(t->max_exponent));
    return out;
}

static const char *const slope_name[EDGE_INPUTS] = { "the gradient", "the gradient by the second",
                                                     "the gradient by the third" };

/* Checks values at all points, and gradients where there is a value. Returns how many have no limit. */
static int check_points(const edge_row *r, const grid *g)
{
    const double above = r->above == 0 ? 1 : r->above,
                 slope_error_scale = r->slope_error_scale == 0 ? r->error_scale : r->slope_error_scale;
    results s = run_row(r, g, above, false);
    int     without = 0;
    if (check_tape(r->id, g->t, s.tape, "a call")) {
        for (int i = 0; i < g->n; i++) {
            ldouble v[EDGE_INPUTS];
            point_of(g, r->n, i, v);
            if (is_skipped(r, g->t, v)) continue;
            const ldouble y = r->y(v);
            without += check_number(r, g, v, "the value", item(s.y, i), y, r->ulps, r->error_scale);
            const bool has_slope = s.has_gradient && !isnan(y) && !any_nan(r->n, v) && !(r->finite && overflows(g->t, y));
            for (int k = 0; k < r->n && has_slope; k++)
                without += check_number(r, g, v, slope_name[k], item(s.g[k], i), r->slope[k](v) * (ldouble)above, r->slope_ulps,
                                        slope_error_scale);
        }
    }
    end_run(&s);
    return without;
}

/* Checks that all gradients are 0 if the gradient from above is. */
static void check_masked(const edge_row *r, const grid *g)
{
    char    text[128];
    results s = run_row(r, g, 0, false);
    for (int k = 0; k < r->n && s.has_gradient && tap_tape_status(s.tape, NULL) == TAP_OK; k++) {
        for (int i = 0; i < g->n; i++) {
            ldouble v[EDGE_INPUTS];
            if (item(s.g[k], i) == 0) continue;
            point_of(g, r->n, i, v);
            if (r->matrices && any_nan(r->n, v)) continue;
            report(r->id, g->t, "%s at %s where it is masked is %g", slope_name[k], text_of(text, sizeof text, r->n, v),
                   item(s.g[k], i));
        }
    }
    end_run(&s);
}

/* Whether arguments, value and gradients are finite in the type. */
static bool is_finite_point(const edge_row *r, const type *t, const ldouble *v)
{
    bool finite = !is_skipped(r, t, v) && !overflows(t, r->y(v));
    for (int k = 0; k < r->n; k++) finite = finite && !overflows(t, v[k]) && !overflows(t, r->slope[k](v));
    return finite;
}

/* Checks that all intermediate results are finite at points where arguments, value and gradients are. */
static void check_intermediates(const edge_row *r, const grid *g)
{
    static grid finite;
    finite.t = g->t;
    finite.n = 0;
    for (int i = 0; i < g->n; i++) {
        ldouble v[EDGE_INPUTS];
        point_of(g, r->n, i, v);
        if (!is_finite_point(r, g->t, v)) continue;
        for (int k = 0; k < r->n; k++) finite.x[k][finite.n] = g->x[k][i];
        finite.n++;
    }
    results s = run_row(r, &finite, 1, true);
    check_tape(r->id, g->t, s.tape, "traced where all is finite");
    end_run(&s);
}

void check_edge_rows(const edge_row *rows)
{
    static grid grids[2][EDGE_INPUTS];
    require_extended_precision();
    failures = 0;
    for (int t = 0; t < 2; t++) {
        for (int n = 0; n < EDGE_INPUTS; n++) {
            grids[t][n].t = &types[t];
            fill(&grids[t][n], n + 1);
        }
    }
    for (const edge_row *r = rows; r->id; r++) {
        int without = 0;
        for (int t = 0; t < 2; t++) {
            const grid *g = &grids[t][r->n - 1];
            without += check_points(r, g);
            check_masked(r, g);
            if (!r->by_parts) check_intermediates(r, g);
        }
        if (r->no_limit && !without) report(r->id, NULL, "gives a reason that is not needed: %s", r->no_limit);
    }
    if (failures) fail_msg("%d numbers are wrong", failures);
}

/* ---- Functions of vectors ---- */

/* Vectors that are multiplied by each power of two in scales. */
static const double shapes[][EDGE_LENGTH] = {
    { 1, 2, 3, 4 }, { 3, 4, 0, 0 }, { 1, 1, 1, 1 }, { -1, 0, 0, 0 }, { 1, -1, 1, -1 }, { 5, 5, 5, 6 }, { -3, 1, -2, 0.5 },
};
static const int scales[2][9] = {
    { -149, -126, -100, -66, 0, 20, 60, 100, 125 },
    { -1074, -1022, -600, -100, 0, 100, 500, 600, 1021 },
};
/* Vectors that are used as they are; M stands for the largest number of the type. */
#define M 1e999L
/* clang-format off */
static const ldouble others[][EDGE_LENGTH] = {
    { 0, 0, 0, 0 }, { -0.0L, 0, -0.0L, 0 }, { 0.1L, 0.1L, 0.1L, 0.1L }, { -7, -7, -7, -7 }, { M, M, M, M }, { M, -M, M, -M },
    { M, M, -M, -M }, { M, 1, 1, 1 }, { -M, 1, 1, 1 }, { 1e30L, 1e30L, 1e-30L, 1e-30L }, { 1e30L, 1e-30L, 1e30L, 1e-30L },
    { 1e-30L, 1e30L, 1e30L, 1e-30L }, { 1e30L, 1e30L, 1, 1e-30L }, { 1e8L, 1, 1e8L, 1 }, { 1, 2, 0, 4 }, { 0, 2, 0, 4 },
    { 100, 200, 300, 400 }, { -1e4L, -1e4L, -1e4L, -1e4L }, { -1e4L, 0, 1e4L, 3 }, { 20, 0, -20, 1 }, { -100, -101, -99, -100 },
    { 1e20L, 2e20L, 3e20L, 2e20L }, { 3e38L, 3e38L, 3e38L, 3e38L },
    { INF, 1, 2, 3 }, { -INF, 1, 2, 3 }, { 1, -INF, 2, -INF }, { INF, INF, 1, 2 }, { INF, -INF, 1, 2 }, { INF, INF, INF, INF },
    { -INF, -INF, -INF, -INF }, { INF, 0, 0, -INF }, { 0, INF, 0, 0 },
    { NO_LIMIT, 1, 2, 3 }, { INF, 1, NO_LIMIT, 0 }, { -INF, -INF, NO_LIMIT, -INF },
};
/* clang-format on */

enum { SHAPES = sizeof shapes / sizeof *shapes, OTHERS = sizeof others / sizeof *others, MAX_VECTORS = 9 * SHAPES + OTHERS };

typedef struct {
    const type *t;
    int         n;
    double      x[MAX_VECTORS][EDGE_LENGTH];
} vectors;

static void add_vector(vectors *l, const ldouble *x)
{
    for (int i = 0; i < EDGE_LENGTH; i++) {
        const ldouble largest = power(l->t->max_exponent) - power(l->t->max_exponent - l->t->digits);
        l->x[l->n][i] = rounded(l->t, (double)(fabsl(x[i]) == M ? copysignl(largest, x[i]) : x[i]));
    }
    l->n++;
}
#undef M

static void fill_vectors(vectors *l)
{
    for (int k = 0; k < OTHERS; k++) add_vector(l, others[k]);
    for (int k = 0; k < 9; k++) {
        for (int s = 0; s < SHAPES; s++) {
            ldouble x[EDGE_LENGTH];
            for (int i = 0; i < EDGE_LENGTH; i++) x[i] = (ldouble)shapes[s][i] * power(scales[l->t->dtype == TAP_F64][k]);
            add_vector(l, x);
        }
    }
}

static const double cotangent[EDGE_LENGTH] = { 1, -2, 0.5, 3 };

/* The index of element i of vector k, with vectors in rows [n,4] or in columns [4,n]. */
static int64_t index_of(const vectors *l, bool columns, int length, int k, int i)
{
    return columns ? (int64_t)i * l->n + k : (int64_t)k * length + i;
}

static results run_vectors(const edge_vectors *r, const vectors *l, bool columns, double c, bool trace)
{
    static double   numbers[MAX_VECTORS * EDGE_LENGTH];
    results         s = { .tape = tap_tape_new(l->t->dtype, 1), .has_gradient = true, .memory = malloc(sizeof numbers) };
    const tap_shape shape = columns ? TAP_SHAPE(EDGE_LENGTH, l->n) : TAP_SHAPE(l->n, EDGE_LENGTH);
    assert_non_null(s.memory);
    tap_tape_trace_nonfinite(s.tape, trace);
    for (int k = 0; k < l->n; k++) {
        for (int i = 0; i < EDGE_LENGTH; i++) numbers[index_of(l, columns, EDGE_LENGTH, k, i)] = l->x[k][i];
    }
    tap_var x = variable(s.tape, l->t, shape, numbers, s.memory);
    s.y = r->f(x, columns ? 0 : -1);
    if (!s.y.id) return s;
    tap_var   above = tap_full_like(s.y, c);
    const int m = r->reduces ? 1 : EDGE_LENGTH;
    for (int k = 0; k < l->n && c != 0; k++) {
        for (int i = 0; i < m; i++) tap_tensor_set_item(tap_value(above), index_of(l, columns, m, k, i), c * cotangent[i]);
    }
    tap_vjp(s.y, above, 1, &x, s.g);
    return s;
}

static ldouble largest_of(int n, const ldouble *v)
{
    ldouble max = 0;
    for (int i = 0; i < n; i++) max = isfinite(v[i]) ? fmaxl(max, fabsl(v[i])) : max;
    return max;
}

static bool check_vector(const edge_vectors *r, const vectors *l, const ldouble *x, const char *what, int n, const double *got,
                         const ldouble *want, double allowed)
{
    char text[160];
    bool no_limit = false;
    for (int i = 0; i < n; i++) {
        double off = ulps_between(l->t, want[i], got[i], largest_of(n, want));
        bool   without = isnan(want[i]) && !any_nan(EDGE_LENGTH, x);
        no_limit = no_limit || without;
        if (without && !r->no_limit)
            report(r->id, l->t, "%s of %s: NaN without a reason", what, text_of(text, sizeof text, EDGE_LENGTH, x));
        if (off <= allowed) continue;
        report(r->id, l->t, "%s %d of %s is %.9g, not %.9Lg: %.3g ulp, %g allowed", what, i,
               text_of(text, sizeof text, EDGE_LENGTH, x), got[i], want[i], off, allowed);
    }
    return no_limit;
}

static void read_vector(const vectors *l, bool columns, int n, tap_var v, int k, double *to)
{
    for (int i = 0; i < n; i++) to[i] = item(v, index_of(l, columns, n, k, i));
}

static void exact_vector(const edge_vectors *r, const double *x, ldouble *v, ldouble *y, ldouble *g)
{
    ldouble c[EDGE_LENGTH];
    for (int i = 0; i < EDGE_LENGTH; i++) {
        v[i] = (ldouble)x[i];
        c[i] = (ldouble)cotangent[i];
    }
    r->y(v, y);
    r->gradient(v, c, g);
}

static int check_all_vectors(const edge_vectors *r, const vectors *l, bool columns)
{
    const int n = r->reduces ? 1 : EDGE_LENGTH;
    int       without = 0;
    results   s = run_vectors(r, l, columns, 1, false);
    if (check_tape(r->id, l->t, s.tape, "a call")) {
        for (int k = 0; k < l->n; k++) {
            ldouble x[EDGE_LENGTH], y[EDGE_LENGTH], g[EDGE_LENGTH];
            double  got[EDGE_LENGTH];
            exact_vector(r, l->x[k], x, y, g);
            read_vector(l, columns, n, s.y, k, got);
            without += check_vector(r, l, x, "value", n, got, y, r->ulps);
            if (any_nan(EDGE_LENGTH, x)) continue;
            read_vector(l, columns, EDGE_LENGTH, s.g[0], k, got);
            without += check_vector(r, l, x, "gradient", EDGE_LENGTH, got, g, r->slope_ulps);
        }
    }
    end_run(&s);
    return without;
}

static void check_masked_vectors(const edge_vectors *r, const vectors *l, bool columns)
{
    char    text[160];
    results s = run_vectors(r, l, columns, 0, false);
    for (int k = 0; k < l->n && tap_tape_status(s.tape, NULL) == TAP_OK; k++) {
        ldouble x[EDGE_LENGTH];
        double  got[EDGE_LENGTH];
        read_vector(l, columns, EDGE_LENGTH, s.g[0], k, got);
        for (int i = 0; i < EDGE_LENGTH; i++) x[i] = (ldouble)l->x[k][i];
        for (int i = 0; i < EDGE_LENGTH; i++) {
            if (got[i] == 0) continue;
            report(r->id, l->t, "gradient %d of %s where it is masked is %g", i, text_of(text, sizeof text, EDGE_LENGTH, x),
                   got[i]);
        }
    }
    end_run(&s);
}

static bool all_finite(const type *t, int n, const ldouble *v)
{
    for (int i = 0; i < n; i++) {
        if (overflows(t, v[i])) return false;
    }
    return true;
}

static void check_vector_intermediates(const edge_vectors *r, const vectors *l, bool columns)
{
    static vectors finite;
    finite.t = l->t;
    finite.n = 0;
    for (int k = 0; k < l->n; k++) {
        ldouble x[EDGE_LENGTH], y[EDGE_LENGTH], g[EDGE_LENGTH];
        exact_vector(r, l->x[k], x, y, g);
        if (!all_finite(l->t, EDGE_LENGTH, x) || !all_finite(l->t, r->reduces ? 1 : EDGE_LENGTH, y) ||
            !all_finite(l->t, EDGE_LENGTH, g))
            continue;
        memcpy(finite.x[finite.n++], l->x[k], sizeof finite.x[0]);
    }
    results s = run_vectors(r, &finite, columns, 1, true);
    check_tape(r->id, l->t, s.tape, "traced where all is finite");
    end_run(&s);
}

void check_edge_vectors(const edge_vectors *rows)
{
    static vectors lists[2];
    require_extended_precision();
    failures = 0;
    for (int t = 0; t < 2; t++) {
        lists[t].t = &types[t];
        lists[t].n = 0;
        fill_vectors(&lists[t]);
    }
    for (const edge_vectors *r = rows; r->id; r++) {
        int without = 0;
        for (int i = 0; i < 4; i++) {
            const vectors *l = &lists[i / 2];
            const bool     columns = i % 2;
            if (columns ? r->last : r->first) continue;
            without += check_all_vectors(r, l, columns);
            check_masked_vectors(r, l, columns);
            if (!r->by_parts) check_vector_intermediates(r, l, columns);
        }
        if (r->no_limit && !without) report(r->id, NULL, "gives a reason that is not needed: %s", r->no_limit);
    }
    if (failures) fail_msg("%d numbers are wrong", failures);
}

/* ---- Cases ---- */

tap_var edge_places(tap_var v, tap_shape shape, const int64_t *places)
{
    return tap_input(v.tape, tap_tensor_wrap(TAP_I64, shape, (void *)(uintptr_t)places));
}

/* x rounded to the type; a finite x stays finite, and one that is not 0 stays so. */
static double within_type(const type *t, double x)
{
    const double r = rounded(t, x);
    if (isfinite(x) && isinf(r)) return copysign((double)((2 - power(1 - t->digits)) * power(t->max_exponent - 1)), x);
    return r == 0 && x != 0 ? copysign((double)power(t->min_exponent - t->digits), x) : r;
}

static bool differs(const edge_case *r, const type *t, double exact, double got)
{
    if (ulps_between(t, (ldouble)exact, got, 0) > r->ulps) return true;
    return r->ulps == 0 && exact == 0 && signbit(exact) != signbit(got);
}

/* Compares the elements of v with the expected ones. Returns how many of these are NaN. */
static int check_numbers(const edge_case *r, const type *t, const char *what, tap_var v, tap_shape shape, const double *want)
{
    int without = 0;
    if (!tap_shape_equal(tap_shape_of(v), shape)) {
        char a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
        report(r->id, t, "%s is %s, not %s", what, tap_shape_format(a, tap_shape_of(v)), tap_shape_format(b, shape));
        return 0;
    }
    for (int64_t i = 0; i < tap_numel(shape); i++) {
        const double exact = within_type(t, want[i]);
        without += isnan(exact) != 0;
        if (!differs(r, t, exact, item(v, i))) continue;
        report(r->id, t, "%s at %d is %.9g, not %.9g: %.3g ulp", what, (int)i, item(v, i), exact,
               ulps_between(t, (ldouble)exact, item(v, i), 0));
    }
    return without;
}

typedef struct {
    tap_tape *tape;
    tap_var   in[EDGE_INPUTS], y, g[EDGE_INPUTS];
    bool      has_gradient, ok, has_nan; /* has_nan: some input is */
} case_run;

static case_run run_case(const edge_case *r, const type *t, bool masked)
{
    static double memory[EDGE_INPUTS][256];
    double        x[256];
    case_run      s = { .tape = tap_tape_new(t->dtype, 1) };
    for (int k = 0; k < r->n; k++) {
        const int64_t n = tap_numel(r->shape[k]);
        assert_true(n <= 256);
        for (int64_t i = 0; i < n; i++) x[i] = within_type(t, r->x[k][i]);
        for (int64_t i = 0; i < n; i++) s.has_nan = s.has_nan || isnan(x[i]);
        s.in[k] = variable(s.tape, t, r->shape[k], x, memory[k]);
    }
    s.y = r->f(s.in);
    s.ok = check_tape(r->id, t, s.tape, "a call");
    s.has_gradient = s.ok && r->g[0] && tap_dtype_is_float(tap_value(s.y).dtype);
    if (!s.has_gradient) return s;
    tap_var above = tap_full_like(s.y, masked ? 0 : 1);
    for (int64_t i = 0; r->c && !masked && i < tap_numel(r->out); i++)
        tap_tensor_set_item(tap_value(above), i, within_type(t, r->c[i]));
    tap_vjp(s.y, above, r->n, s.in, s.g);
    s.ok = check_tape(r->id, t, s.tape, "a gradient");
    return s;
}

static int check_case(const edge_case *r, const type *t)
{
    case_run  s = run_case(r, t, false);
    edge_case by_value = *r; /* the sign of a gradient that is 0 has no meaning */
    int       without = 0;
    if (by_value.ulps == 0) by_value.ulps = 1e-300;
    if (s.ok) without += check_numbers(r, t, "the value", s.y, r->out, r->y);
    for (int k = 0; k < r->n && s.ok && s.has_gradient; k++) {
        if (r->g[k]) without += check_numbers(&by_value, t, slope_name[k], s.g[k], r->shape[k], r->g[k]);
    }
    tap_tape_free(s.tape);
    if (s.has_nan) return 0;
    if (without && !r->no_limit) report(r->id, t, "NaN without a reason");
    return without;
}

/* Whether some gradient is not 0 though the gradient from above is. */
static bool check_masked_case(const edge_case *r, const type *t)
{
    case_run s = run_case(r, t, true);
    bool     leaks = false;
    for (int k = 0; k < r->n && s.ok && s.has_gradient; k++) {
        for (int64_t i = 0; i < tap_numel(r->shape[k]); i++) {
            if (item(s.g[k], i) == 0) continue;
            leaks = true;
            if (!r->unmasked) report(r->id, t, "%s at %d where all is masked is %g", slope_name[k], (int)i, item(s.g[k], i));
        }
    }
    tap_tape_free(s.tape);
    return leaks;
}

void check_edge_cases(const edge_case *rows)
{
    failures = 0;
    for (const edge_case *r = rows; r->id; r++) {
        int  without = 0;
        bool leaks = false;
        for (int t = 0; t < 2; t++) {
            if (r->only != EDGE_BOTH && (r->only == EDGE_F64) != (t == 1)) continue;
            without += check_case(r, &types[t]);
            leaks = check_masked_case(r, &types[t]) || leaks;
        }
        if (r->no_limit && !without) report(r->id, NULL, "gives a reason that is not needed: %s", r->no_limit);
        if (r->unmasked && !leaks) report(r->id, NULL, "gives a reason that is not needed: %s", r->unmasked);
    }
    if (failures) fail_msg("%d numbers are wrong", failures);
}
