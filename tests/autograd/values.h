/* tests/autograd/values.h: helpers of tests that compare the results of operators element by element. Each test has its own
 * tape t. */
#ifndef TAP_TESTS_AUTOGRAD_VALUES_H
#define TAP_TESTS_AUTOGRAD_VALUES_H

#include <math.h>

#include "autograd/autograd.h"
#include "tests/check.h"

#define NaN ((double)NAN)
#define Inf ((double)INFINITY)

static tap_tape *t;

static int begin(void **state)
{
    (void)state;
    t = tap_tape_new(TAP_F64, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    tap_tape_free(t);
    return 0;
}

static inline tap_var floats(tap_shape shape, const double *x)
{
    tap_var v = tap_zeros(t, shape);
    for (int64_t i = 0; i < tap_numel(shape); i++) tap_tensor_set_item(tap_value(v), i, x[i]);
    return v;
}

static inline tap_var indices(tap_shape shape, const int64_t *x)
{
    return tap_input(t, tap_tensor_wrap(TAP_I64, shape, (void *)(uintptr_t)x));
}

/* Each element differs from want by at most tolerance (1 + |want|), and is NaN where want is. */
static inline void expect_near(tap_var v, tap_shape shape, const double *want, double tolerance)
{
    tap_tensor x = tap_value(v);
    assert_tape_ok(t);
    assert_true(tap_shape_equal(x.shape, shape));
    for (int64_t i = 0; i < tap_numel(shape); i++) {
        double got = tap_tensor_item(x, i);
        bool   same = got == want[i] || (isnan(got) && isnan(want[i]));
        bool   near = isfinite(want[i]) && fabs(got - want[i]) <= tolerance * (1 + fabs(want[i]));
        if (!same && !near) fail_msg("element %d: %.17g, not %.17g", (int)i, got, want[i]);
    }
}

static inline void expect(tap_var v, tap_shape shape, const double *want)
{
    expect_near(v, shape, want, 0);
}

#define D(...) ((const double[]){ __VA_ARGS__ })
#define I(...) ((const int64_t[]){ __VA_ARGS__ })

#endif
