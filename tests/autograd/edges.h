/* tests/autograd/edges.h: tests of functions and their gradients at the edges of their domains: at zeros of either sign, at
 * the smallest and the largest numbers, at poles, bounds, infinities and NaN, in float32 and in float64.
 *
 * Three kinds of rows state the expected results, as formulas in long double or as numbers:
 *
 * - edge_row: a function of one, two or three numbers, at every point of the grid in edges.c.
 * - edge_vectors: a function of vectors along an axis, for the list of vectors in edges.c.
 * - edge_case: any function, for tensors that are written out.
 *
 * Every row has a tolerance in units in the last place (ulp). If a result is NaN though no argument is, the row must give
 * the reason why there is no limit; a reason that is not needed fails as well. Two further properties are checked for each
 * row:
 *
 * - If the gradient from above is 0, so is the gradient of every argument, whatever the arguments are: a masked element adds
 *   nothing.
 * - If arguments, results and gradients are finite, so are all intermediate results, as tap_tape_trace_nonfinite sees them.
 *   / */
#ifndef TAP_TESTS_AUTOGRAD_EDGES_H
#define TAP_TESTS_AUTOGRAD_EDGES_H

#include <math.h>

#include "autograd/internal.h"
#include "tests/check.h"
#include "tests/autograd/long_double.h"

#define INF      ((ldouble)HUGE_VALL)
#define NO_LIMIT ((ldouble)NAN)

/* ---- Functions of numbers ---- */

enum { EDGE_INPUTS = 3 };

typedef struct {
    const char *id; /* the operator or public function without tap_; after two underscores, a remark */
    int         n;
    tap_var (*f)(const tap_var *v);
    ldouble (*y)(const ldouble *v);
    ldouble (*slope[EDGE_INPUTS])(const ldouble *v); /* by each argument */
    double      ulps, slope_ulps;
    const char *no_limit; /* the reason, or NULL */
    double error_scale; /* errors are relative to at least this, for results that are small by cancellation of the arguments */
    double slope_error_scale; /* likewise for gradients; 0: as error_scale */
    double tiny;         /* or relative to this many smallest normal numbers, for products with a factor that is subnormal */
    double above;        /* the gradient from above, a power of two [1] */
    bool   by_parts;     /* intermediate results may overflow; a comment in the row says why */
    double max_fraction; /* finite arguments above this fraction of the type's largest number are skipped; 0: none is */
    bool   finite;       /* gradients are checked only where the value is finite in the type */
    bool   matrices;     /* masks are checked only where no argument is NaN, since sums of products spread it */
} edge_row;

/* A list of rows is a macro of X1(id, call, value, slope, ulps, slope_ulps, reason, ...), X2 with two slopes, X3 with three. In
 * the call, x (or a, b and c) are vars; in the formulas they are numbers. Arguments after the reason set further members. */
#define EDGE_FUNCTION(id, what, type, arguments, expression) \
    static type id##_##what(const arguments *v) \
    { \
        const arguments x = v[0], a = x; \
        (void)x, (void)a; \
        return expression; \
    }
#define EDGE_FUNCTION2(id, what, type, arguments, expression) \
    static type id##_##what(const arguments *v) \
    { \
        const arguments a = v[0], b = v[1]; \
        (void)a, (void)b; \
        return expression; \
    }
#define EDGE_FUNCTION3(id, what, type, arguments, expression) \
    static type id##_##what(const arguments *v) \
    { \
        const arguments a = v[0], b = v[1], c = v[2]; \
        (void)a, (void)b, (void)c; \
        return expression; \
    }

#define EDGE1_FUNCTIONS(id, call, value, slope, ...) \
    EDGE_FUNCTION(id, f, tap_var, tap_var, call) \
    EDGE_FUNCTION(id, y, ldouble, ldouble, value) \
    EDGE_FUNCTION(id, x, ldouble, ldouble, slope)
#define EDGE2_FUNCTIONS(id, call, value, by_a, by_b, ...) \
    EDGE_FUNCTION2(id, f, tap_var, tap_var, call) \
    EDGE_FUNCTION2(id, y, ldouble, ldouble, value) \
    EDGE_FUNCTION2(id, a, ldouble, ldouble, by_a) \
    EDGE_FUNCTION2(id, b, ldouble, ldouble, by_b)
#define EDGE3_FUNCTIONS(id, call, value, by_a, by_b, by_c, ...) \
    EDGE_FUNCTION3(id, f, tap_var, tap_var, call) \
    EDGE_FUNCTION3(id, y, ldouble, ldouble, value) \
    EDGE_FUNCTION3(id, a, ldouble, ldouble, by_a) \
    EDGE_FUNCTION3(id, b, ldouble, ldouble, by_b) \
    EDGE_FUNCTION3(id, c, ldouble, ldouble, by_c)

#define EDGE_ROW(id_, n_, off, slope_off, ...) \
    .id = #id_, .n = n_, .f = id_##_f, .y = id_##_y, .ulps = off, .slope_ulps = slope_off, .no_limit = __VA_ARGS__
#define EDGE1_ROW(id, call, value, by_x, off, ...)       { .slope = { id##_x }, EDGE_ROW(id, 1, off, __VA_ARGS__) },
#define EDGE2_ROW(id, call, value, by_a, by_b, off, ...) { .slope = { id##_a, id##_b }, EDGE_ROW(id, 2, off, __VA_ARGS__) },
#define EDGE3_ROW(id, call, value, by_a, by_b, by_c, off, ...) \
    { .slope = { id##_a, id##_b, id##_c }, EDGE_ROW(id, 3, off, __VA_ARGS__) },

/* The table `name` of the list ROWS(X1, X2, X3). */
#define EDGE_TABLE(name, ROWS) \
    ROWS(EDGE1_FUNCTIONS, EDGE2_FUNCTIONS, EDGE3_FUNCTIONS) \
    const edge_row name[] = { ROWS(EDGE1_ROW, EDGE2_ROW, EDGE3_ROW){ 0 } };

/* ---- Functions of vectors ---- */

enum { EDGE_LENGTH = 4 };

typedef struct {
    const char *id;
    tap_var (*f)(tap_var x, int axis);       /* x of two axes, one of which holds vectors of EDGE_LENGTH numbers */
    void (*y)(const ldouble *x, ldouble *y); /* of one vector */
    void (*gradient)(const ldouble *x, const ldouble *c, ldouble *g); /* of sum_i c_i y_i */
    bool        reduces;                                              /* a vector becomes a number */
    double      ulps, slope_ulps;                                     /* of the largest number of the vector */
    const char *no_limit;
    bool        last;     /* goes along the last axis only, */
    bool        first;    /* or along the first */
    bool        by_parts; /* as above */
} edge_vectors;

/* ---- Anything ---- */

/* Numbers in the rows are doubles. EDGE_MAX and EDGE_MIN, and all other numbers that are out of range of the type under
 * test, become its largest and its smallest positive number. */
#define EDGE_MAX 0x1.fffffffffffffp1023
#define EDGE_MIN 0x1p-1074

typedef struct {
    const char *id;
    int         n;
    tap_var (*f)(const tap_var *v);
    tap_shape     shape[EDGE_INPUTS];
    const double *x[EDGE_INPUTS];
    tap_shape     out;
    const double *y;
    const double *g[EDGE_INPUTS]; /* the gradients; NULL: none */
    const double *c;              /* the cotangent; NULL: ones */
    double        ulps;           /* of each number; 0: to the last bit, and zeros with their signs */
    enum { EDGE_BOTH, EDGE_F32, EDGE_F64 } only;
    const char *no_limit; /* the reason for NaN where no input is */
    const char *unmasked; /* the reason why some gradient is not 0 though the gradient from above is */
} edge_case;

/* edge_cases.h has macros for tables of them. */

/* ---- Tables and checks ---- */

/* Check all rows of a table, which ends with { 0 }, and fail the cmocka test if one is wrong. */
void check_edge_rows(const edge_row *rows);
void check_edge_vectors(const edge_vectors *rows);
void check_edge_cases(const edge_case *rows);

/* An int64 index tensor on the tape of v. */
tap_var edge_places(tap_var v, tap_shape shape, const int64_t *places);

/* Whether the id, without its remark, is the name. */
bool edge_is_for(const char *id, const char *name);
/* Whether one of the tables, which may be NULL, has a row for it. */
bool edge_has_row(const char *name, const edge_row *rows, const edge_vectors *vectors, const edge_case *cases);
/* Fails for each function "TAP_API tap_var tap_NAME(" that the header declares in the section of this title and that has no
 * row. */
void check_edge_section(const char *header, const char *title, bool (*has_row)(const char *name));

#endif
