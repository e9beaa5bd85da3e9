/* tests/check.h: cmocka with the headers it needs, and the assertions and shorthands that many tests use. */
#ifndef TAP_TESTS_CHECK_H
#define TAP_TESTS_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "nn/nn.h"

/* A shape as an initializer, which tables of constants need: S(2, 3) is [2,3]. */
/* clang-format off */
#define S(...) { .rank = (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), .n = { __VA_ARGS__ } }
/* clang-format on */

/* Element i of a variable's or a parameter's value, counted in row-major order. */
static inline double item(tap_var v, int64_t i)
{
    return tap_tensor_item(tap_value(v), i);
}

static inline double param_item(const tap_param *p, int64_t i)
{
    return tap_tensor_item(tap_param_value(p), i);
}

/* |value - expected| <= tolerance, which NaN never is. */
static inline void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) fail_msg("%.17g is not within %g of %.17g", value, tolerance, expected);
}

static inline void assert_near_msg(const char *what, double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%s: %.17g is not within %g of %.17g", what, value, tolerance, expected);
}

/* The tape has no error. */
static inline void assert_tape_ok(const tap_tape *t)
{
    const char *message;
    if (tap_tape_status(t, &message) != TAP_OK) fail_msg("%s", message);
    assert_string_equal(message, "");
}

static inline void assert_tape_ok_msg(const char *what, const tap_tape *t)
{
    const char *message;
    if (tap_tape_status(t, &message) != TAP_OK) fail_msg("%s: %s", what, message);
}

/* The tape has this error, with this message. */
static inline void assert_tape_error(const tap_tape *t, tap_status status, const char *expected)
{
    const char *message;
    assert_int_equal(tap_tape_status(t, &message), status);
    assert_string_equal(message, expected);
}

static inline void assert_tape_error_and_free(tap_tape *t, tap_status status, const char *expected)
{
    assert_tape_error(t, status, expected);
    tap_tape_free(t);
}

#endif
