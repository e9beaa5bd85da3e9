/* tests/autograd/test_nonfinite.c: tracing NaN and infinity: the message names the operator that computed the first one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/internal.h"
#include "tests/check.h"

static const double infinity = (double)INFINITY, nan_value = (double)NAN;

static tap_tape *tracing(tap_dtype dtype)
{
    tap_tape *t = tap_tape_new(dtype, 1);
    assert_false(tap_tape_trace_nonfinite(t, true));
    assert_true(tap_tape_trace_nonfinite(t, true));
    return t;
}

static void assert_finds(tap_tape *t, const char *expected)
{
    const char *message;
    tap_status  status = tap_tape_status(t, &message);
    assert_string_equal(message, expected);
    assert_int_equal(status, TAP_ENONFINITE);
    tap_tape_free(t);
}

static void assert_finds_nothing(tap_tape *t)
{
    assert_tape_ok(t);
    tap_tape_free(t);
}

static tap_var put(tap_tape *t, tap_shape shape, double *x)
{
    return tap_variable(t, tap_tensor_wrap(TAP_F64, shape, x));
}

/* ---- Forward ---- */

static void test_forward(void **state)
{
    (void)state;
    double    x[6] = { 1, 2, 3, 4, 0, 6 }, zero[6] = { 0 };
    tap_tape *t = tracing(TAP_F64);
    tap_var   y = tap_log(tap_named(put(t, TAP_SHAPE(2, 3), x), "rate"));
    assert_int_equal(y.id, 0);
    assert_true(isnan(tap_item(tap_sum(y, TAP_ALL))));
    assert_finds(t, "log: [2,3] (rate): gives -inf at [1,1]");

    t = tracing(TAP_F64);
    tap_sqrt(tap_add_scalar(put(t, TAP_SHAPE(2, 3), x), -2.5));
    assert_finds(t, "sqrt: [2,3]: gives nan at [0,0]");

    t = tracing(TAP_F64);
    tap_div(put(t, TAP_SHAPE(2, 3), x), put(t, TAP_SHAPE(2, 3), zero)); /* infinities first, but NaN counts for more */
    assert_finds(t, "div: [2,3] x [2,3]: gives nan at [1,1]");

    t = tracing(TAP_F32);
    float      f[3] = { 1, 89, 2 };
    tap_tensor single = tap_tensor_wrap(TAP_F32, TAP_SHAPE(3), f);
    tap_exp(tap_tanh(tap_input(t, single)));
    tap_exp(tap_input(t, single));
    assert_finds(t, "exp: [3]: gives inf at [1]");
}

static void test_index_of_the_nonfinite_element(void **state)
{
    (void)state;
    double x[67];
    for (int at = 0; at < 67; at++) {
        char      expected[64];
        tap_tape *t = tracing(TAP_F64);
        for (int i = 0; i < 67; i++) x[i] = i == at ? 710 : i;
        tap_exp(put(t, TAP_SHAPE(67), x));
        snprintf(expected, sizeof expected, "exp: [67]: gives inf at [%d]", at);
        assert_finds(t, expected);
    }
}

static void test_downstream_of_the_nearest_name(void **state)
{
    (void)state;
    double    x[2] = { 1, -3 }, w[2] = { 1, 1 };
    tap_tape *t = tracing(TAP_F64);
    tap_var   far = tap_named(put(t, TAP_SHAPE(2), w), "far"), near = tap_named(put(t, TAP_SHAPE(2), x), "near");
    tap_sqrt(tap_add(tap_exp(tap_neg(far)), tap_mul_scalar(near, 2)));
    assert_finds(t, "sqrt: [2]: gives nan at [1], downstream of near");
}

/* ---- NaN and infinity in inputs ---- */

static void test_data_and_leaves(void **state)
{
    (void)state;
    double    x[4] = { 1, 2, nan_value, 4 }, grad[4] = { 0 }, one[2] = { 1, 1 };
    tap_tape *t = tracing(TAP_F64);
    tap_var   in = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 2), x));
    tap_add(put(t, TAP_SHAPE(2), one), tap_transpose(in, 0, 1)); /* a view brings nothing up */
    assert_finds(t, "add: [2] x [2,2]: input 1 holds nan at [0,1]");

    t = tracing(TAP_F64);
    in = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 2), x));
    tap_sum(tap_where(tap_eq(in, in), in, tap_scalar(t, 0)), TAP_ALL); /* missing values, left out */
    assert_finds_nothing(t);

    t = tracing(TAP_F64);
    tap_leaf leaf = { tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 2), x), tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 2), grad), NULL,
                      "w" };
    assert_int_equal(tap_leaf_var(t, &leaf).id, 0);
    assert_finds(t, "leaf: [2,2] (w): holds nan at [1,0]");
    x[2] = -infinity;
    t = tracing(TAP_F64);
    leaf.name = NULL;
    tap_leaf_var(t, &leaf);
    assert_finds(t, "leaf: [2,2]: holds -inf at [1,0]");
}

static tap_var softmax(tap_var x)
{
    return tap_exp(tap_sub(x, tap_logsumexp(x, tap_keepdim(TAP_LAST))));
}

/* scores where allowed is above 0, -inf elsewhere: through softmax and back. */
static tap_tape *masked_softmax(double *allowed)
{
    static double scores[6] = { 1, 2, 3, 4, 5, 6 };
    tap_tape     *t = tracing(TAP_F64);
    tap_var       x = put(t, TAP_SHAPE(2, 3), scores), dx;
    tap_var       mask = tap_gt(put(t, TAP_SHAPE(2, 3), allowed), tap_scalar(t, 0));
    tap_var       p = softmax(tap_where(mask, x, tap_scalar(t, -infinity)));
    tap_grad(tap_sum(tap_square(p), TAP_ALL), 1, &x, &dx);
    return t;
}

static void test_infinite_masks(void **state)
{
    (void)state;
    double some[6] = { 1, 0, 1, 0, 0, 1 }, none[6] = { 1, 0, 1, 0, 0, 0 };
    assert_finds_nothing(masked_softmax(some));
    const char *message;
    tap_tape   *t = masked_softmax(none); /* a row of nothing but -inf is no distribution */
    assert_int_equal(tap_tape_status(t, &message), TAP_ENONFINITE);
    assert_non_null(strstr(message, " at [1,0]"));
    tap_tape_free(t);

    t = tracing(TAP_F64);
    tap_exp(tap_add_scalar(put(t, TAP_SHAPE(2, 3), some), -infinity)); /* an infinity that the caller asks for */
    assert_finds_nothing(t);
    t = tracing(TAP_F64);
    tap_mul_scalar(put(t, TAP_SHAPE(2, 3), some), infinity);
    assert_finds(t, "mul_scalar: [2,3]: gives nan at [0,1]");
}

/* ---- Backward ---- */

static void test_backward(void **state)
{
    (void)state;
    double    x[3] = { 4, 0, 1 };
    tap_tape *t = tracing(TAP_F64);
    tap_var   v = tap_named(put(t, TAP_SHAPE(3), x), "x"), dx;
    tap_grad(tap_sum(tap_sqrt(v), TAP_ALL), 1, &v, &dx); /* 1 / (2 sqrt 0) */
    assert_int_equal(dx.id, 0);
    const char *message;
    tap_tape_status(t, &message);
    assert_non_null(strstr(message, "backward of sqrt: [3] (x): "));
    assert_non_null(strstr(message, ": gives inf at [1]"));
    tap_tape_free(t);

    t = tracing(TAP_F64);
    double   grad[3] = { 5, 5, 5 };
    tap_leaf leaf = { tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), x), tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), grad), NULL, "w" };
    v = tap_add_scalar(tap_neg(tap_neg(tap_leaf_var(t, &leaf))), 0);
    assert_int_equal(tap_backward(tap_sum(tap_sqrt(v), TAP_ALL)), TAP_ENONFINITE);
    for (int i = 0; i < 3; i++) assert_true(grad[i] == 5); /* all gradients or none */
    tap_tape_status(t, &message);
    assert_non_null(strstr(message, "backward of sqrt: [3]: "));
    assert_non_null(strstr(message, ": gives inf at [1], downstream of w"));
    tap_tape_free(t);
}

/* x |x|^(1/2) has a gradient at 0, and no second one: d/dx x^1.5 = 1.5 x^0.5, and then 0.75 / sqrt x. */
static void test_second_order(void **state)
{
    (void)state;
    double    x[2] = { 4, 0 };
    tap_tape *t = tracing(TAP_F64);
    tap_var   v = tap_named(put(t, TAP_SHAPE(2), x), "x"), dx, ddx;
    tap_grad(tap_sum(tap_pow(v, tap_scalar(t, 1.5)), TAP_ALL), 1, &v, &dx);
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    tap_grad(tap_sum(dx, TAP_ALL), 1, &v, &ddx);
    const char *message;
    assert_int_equal(tap_tape_status(t, &message), TAP_ENONFINITE);
    if (strncmp(message, "backward of pow_slope: [2]", 26) != 0 || !strstr(message, ": gives inf at [1]"))
        fail_msg("%s", message);
    tap_tape_free(t);
}

/* An operator after a backward pass is not reported as part of it. */
static void test_after_backward(void **state)
{
    (void)state;
    double    x[2] = { 4, 0 };
    tap_tape *t = tracing(TAP_F64);
    tap_var   v = tap_named(put(t, TAP_SHAPE(2), x), "x"), dx;
    tap_grad(tap_sum(tap_square(v), TAP_ALL), 1, &v, &dx);
    tap_log(v);
    assert_finds(t, "log: [2] (x): gives -inf at [1]");
}

/* ---- On and off ---- */

static void test_off_by_default_and_on_across_resets(void **state)
{
    (void)state;
    double    x[2] = { 1, 0 };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_log(put(t, TAP_SHAPE(2), x));
    tap_exp(tap_mul_scalar(tap_randn(t, TAP_SHAPE(2)), nan_value));
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    assert_false(tap_tape_trace_nonfinite(t, true));
    for (int i = 0; i < 3; i++) {
        tap_tape_reset(t);
        tap_sum(tap_square(tap_randn(t, TAP_SHAPE(1000))), TAP_ALL);
        assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    }
    assert_true(tap_tape_trace_nonfinite(t, false));
    tap_log(put(t, TAP_SHAPE(2), x));
    double         bad = infinity, grad = 0;
    const tap_leaf leaf = { tap_tensor_wrap(TAP_F64, TAP_SCALAR, &bad), tap_tensor_wrap(TAP_F64, TAP_SCALAR, &grad), NULL,
                            "w" };
    tap_leaf_var(t, &leaf);
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    tap_tape_trace_nonfinite(t, true);
    tap_tape_reset(t);
    tap_log(put(t, TAP_SHAPE(2), x));
    assert_finds(t, "log: [2]: gives -inf at [1]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_index_of_the_nonfinite_element),
        cmocka_unit_test(test_downstream_of_the_nearest_name),
        cmocka_unit_test(test_data_and_leaves),
        cmocka_unit_test(test_infinite_masks),
        cmocka_unit_test(test_backward),
        cmocka_unit_test(test_second_order),
        cmocka_unit_test(test_after_backward),
        cmocka_unit_test(test_off_by_default_and_on_across_resets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
