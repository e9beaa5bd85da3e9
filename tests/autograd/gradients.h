/* tests/autograd/gradients.h: the rows of the gradient tests. A row has the name of the operator, a function that calls it,
 * the shapes of its inputs, and the intervals of their values; test_gradients.c checks every row in all layouts. */
#ifndef TAP_TESTS_AUTOGRAD_GRADIENTS_H
#define TAP_TESTS_AUTOGRAD_GRADIENTS_H

#include <math.h>

#include "autograd/internal.h"
#include "tests/check.h"

enum { GRADIENT_INPUTS = 5 };

typedef struct {
    const char  *op; /* the operator or public function under test, without tap_ */
    tap_function f;
    int          n;
    tap_shape    shape[GRADIENT_INPUTS];
    double       low[GRADIENT_INPUTS], high[GRADIENT_INPUTS]; /* inputs are spread over these intervals */
    bool         has_kink;
    double       kink;      /* inputs keep away from it */
    bool         ties;      /* equal inputs are a kink as well: no input is expanded */
    bool         fixed;     /* f takes these sizes only, not 1 or 0 */
    bool         not_empty; /* f needs at least one element */
    bool         apart;     /* f(x, x) has no derivative */
} gradient_row;

/* Tables end with { 0 }. */
extern const gradient_row elementwise_gradients[], special_gradients[], views_gradients[], reductions_gradients[],
    indexing_gradients[], products_gradients[], linalg_gradients[], functional_gradients[], spatial_gradients[];

/* A function of one or two inputs that is an expression in a (and b). */
#define ONE(name, expression) \
    static tap_var name(tap_tape *t, const tap_var *in, void *ctx) \
    { \
        const tap_var a = in[0]; \
        (void)t, (void)ctx, (void)a; \
        return expression; \
    }
#define TWO(name, expression) \
    static tap_var name(tap_tape *t, const tap_var *in, void *ctx) \
    { \
        const tap_var a = in[0], b = in[1]; \
        (void)t, (void)ctx, (void)a, (void)b; \
        return expression; \
    }
#define THREE(name, expression) \
    static tap_var name(tap_tape *t, const tap_var *in, void *ctx) \
    { \
        const tap_var a = in[0], b = in[1], c = in[2]; \
        (void)t, (void)ctx, (void)a, (void)b, (void)c; \
        return expression; \
    }

#define KINK(x) .has_kink = true, .kink = x
/* clang-format off */
#define S3        { .rank = 3, .n = { 2, 3, 4 } }
/* clang-format on */
#define R1        .n = 1, .shape = { S3 }, .low = { -2 }, .high = { 2.3 }
#define POSITIVE1 .n = 1, .shape = { S3 }, .low = { 0.3 }, .high = { 3 }
#define R2        .n = 2, .shape = { S3, S3 }, .low = { -2, -2 }, .high = { 2.3, 2.3 }

#endif
