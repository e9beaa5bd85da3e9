/* What the tests of distributions have in common: a distribution as data, so that tables can hold them. */
#ifndef TAP_TESTS_NN_DIST_CASES_H
#define TAP_TESTS_NN_DIST_CASES_H

#include <math.h>
#include <string.h>

#include "nn/nn.h"
#include "tests/check.h"

/* A kind of one, two or three parameters, and these. */
typedef struct {
    tap_dist (*one)(tap_var);
    tap_dist (*two)(tap_var, tap_var);
    tap_dist (*three)(tap_var, tap_var, tap_var);
    tap_shape shape[3];
    double    p[3][9];
} dist_case;

static inline int params_of(const dist_case *c)
{
    return c->three ? 3 : c->two ? 2 : 1;
}

static inline tap_dist dist_of_vars(const dist_case *c, const tap_var *in)
{
    return c->three ? c->three(in[0], in[1], in[2]) : c->two ? c->two(in[0], in[1]) : c->one(in[0]);
}

static inline tap_tensor wrap(tap_shape shape, const double *x)
{
    return tap_tensor_wrap(TAP_F64, shape, (void *)(uintptr_t)x);
}

static inline tap_tensor param_of(const dist_case *c, int i)
{
    return wrap(c->shape[i], c->p[i]);
}

static inline tap_dist dist_of(tap_tape *t, const dist_case *c)
{
    tap_var in[3] = { { 0 } };
    for (int i = 0; i < params_of(c); i++) in[i] = tap_cast(tap_variable(t, param_of(c, i)), tap_tape_dtype(t));
    return dist_of_vars(c, in);
}

/* A number of which gradients are asked. */
static inline tap_var parameter(tap_tape *t, double x)
{
    return tap_variable(t, tap_value(tap_scalar(t, x)));
}

#endif
