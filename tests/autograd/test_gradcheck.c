/* tests/autograd/test_gradcheck.c: the gradient check finds wrong rules, and its message says where. */
#include <math.h>
#include <string.h>

#include "tests/check.h"
#include "tests/autograd/gradients.h"

ONE(exponential, tap_exp(tap_named(a, "angle")))
ONE(magnitude, tap_abs(a))
ONE(nan_gradient, tap_mul_scalar(a, (double)NAN))
ONE(softmax, tap_exp(tap_sub(a, tap_logsumexp(a, tap_keepdim(TAP_LAST)))))
ONE(sine, tap_sin(a))
TWO(sum_of_two, tap_add(a, b))
TWO(product, tap_mul(tap_named(a, "left"), b))

/* ---- Operators of one's own: sin with several rules ---- */

static tap_status sin_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    return TAP_OK;
}

static void sin_forward(tap_call *c, tap_tensor *out)
{
    for (int64_t i = 0; i < tap_tensor_numel(*out); i++) tap_tensor_set_item(*out, i, sin(tap_tensor_item(c->in[0], i)));
}

static void cosh_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_var x = tap_in(n, 0);
    gin[0] = tap_mul(g, tap_mul_scalar(tap_add(tap_exp(x), tap_exp(tap_neg(x))), 0.5));
}

static void cos_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap_mul(g, tap_cos(tap_in(n, 0)));
}

/* The gradient is right, but detached, so that its derivative is wrong. */
static void detached_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap_mul(g, tap_detach(tap_cos(tap_in(n, 0))));
}

/* The result grows with each call. */
static void drifting_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    static int calls;
    gin[0] = tap_mul(g, tap_mul_scalar(tap_cos(tap_in(n, 0)), 1 + 1e-13 * ++calls));
}

static const tap_op without_rule = { "without_rule", sin_infer, sin_forward, NULL, 0 };

/* The gradient is right, but has no rule for its own. */
static void once_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_var x = tap_in(n, 0);
    gin[0] = tap_mul(g, tap_apply(&without_rule, NULL, 1, (tap_var[]){ tap_add_scalar(x, 1.57079632679489661923) }));
}

static const tap_op right_sin = { "right_sin", sin_infer, sin_forward, cos_vjp, 0 };
static const tap_op wrong_sin = { "wrong_sin", sin_infer, sin_forward, cosh_vjp, 0 };
static const tap_op detached_sin = { "detached_sin", sin_infer, sin_forward, detached_vjp, 0 };
static const tap_op drifting_sin = { "drifting_sin", sin_infer, sin_forward, drifting_vjp, 0 };
static const tap_op once_sin = { "once_sin", sin_infer, sin_forward, once_vjp, 0 };

static tap_var apply(tap_tape *t, const tap_var *in, void *op)
{
    (void)t;
    return tap_apply(op, NULL, 1, in);
}

static tap_gradcheck_result check_op(const tap_op *op, int64_t n, tap_gradcheck_options o)
{
    static double x[] = { 0.01, 1.5, 0.02, -0.7 };
    tap_tensor    in = tap_tensor_wrap(TAP_F64, TAP_SHAPE(n), x);
    return tap_gradcheck(apply, (void *)(uintptr_t)op, 1, &in, o);
}

static void assert_passes(tap_gradcheck_result r, int64_t checked)
{
    if (!r.ok) fail_msg("%s", r.message);
    assert_int_equal(r.status, TAP_OK);
    assert_int_equal(r.checked, checked);
}

static void assert_begins(const char *message, const char *begin)
{
    if (strncmp(message, begin, strlen(begin)) != 0) fail_msg("'%s' does not begin with '%s'", message, begin);
}

static void test_own_operators(void **state)
{
    (void)state;
    assert_passes(check_op(&right_sin, 3, (tap_gradcheck_options){ 0 }), 3 * 3);
    assert_passes(check_op(&right_sin, 3, (tap_gradcheck_options){ .order = 2 }), 3 * 3 + 3 * 6);

    for (int order = 1; order <= 2; order++) {
        tap_gradcheck_result r = check_op(&wrong_sin, 3, (tap_gradcheck_options){ .order = order });
        assert_false(r.ok);
        assert_int_equal(r.status, TAP_OK);
        assert_int_equal(r.input, 0);
        assert_int_equal(r.element, 1);
        assert_int_equal(r.output, 1);
        assert_string_equal(r.name, "");
        assert_float_equal(r.analytic, cosh(1.5), 1e-12);
        assert_float_equal(r.numeric, cos(1.5), 1e-9);
        assert_begins(r.message,
                      "gradcheck: 9 derivatives compared, and they disagree, most in input 0, element 1 (output element 1): "
                      "analytic 2.35240961524, numeric 0.070737");
        assert_null(strstr(r.message, "kink"));
    }
}

static void test_second_order(void **state)
{
    (void)state;
    assert_passes(check_op(&detached_sin, 3, (tap_gradcheck_options){ 0 }), 9);
    tap_gradcheck_result r = check_op(&detached_sin, 3, (tap_gradcheck_options){ .order = 2 });
    assert_false(r.ok);
    assert_int_equal(r.element, r.output);
    assert_begins(r.message, "gradcheck: 27 derivatives compared, and they disagree, most in second order, input 0, element ");
    assert_non_null(strstr(r.message, " (gradient by input 0, element "));
    r = check_op(&detached_sin, 3, (tap_gradcheck_options){ .order = 2, .jacobian = -1 });
    assert_false(r.ok);
    assert_int_equal(r.output, -1);
    assert_int_equal(r.checked, 3 + 6);
}

static void test_missing_rules_fail_loudly(void **state)
{
    (void)state;
    const char *expected = "gradcheck: without_rule: [3]: an input needs a gradient, and the operator has no rule for it";
    for (int order = 1; order <= 2; order++) {
        tap_gradcheck_result r = check_op(&without_rule, 3, (tap_gradcheck_options){ .order = order });
        assert_false(r.ok);
        assert_int_equal(r.status, TAP_EARG);
        assert_string_equal(r.message, expected);
    }
    assert_passes(check_op(&once_sin, 3, (tap_gradcheck_options){ 0 }), 9);
    tap_gradcheck_result r = check_op(&once_sin, 3, (tap_gradcheck_options){ .order = 2 });
    assert_false(r.ok);
    assert_int_equal(r.status, TAP_EARG);
    assert_string_equal(r.message, "gradcheck: backward of once_sin: [3]: without_rule: [3]: an input needs a gradient, and "
                                   "the operator has no rule for it");
}

/* ---- Which derivatives are compared ---- */

static void test_by_size(void **state)
{
    (void)state;
    static double x[20000];
    for (int i = 0; i < 20000; i++) x[i] = sin(i);
    tap_tensor pair[2] = { tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 3), x), tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), x) };
    assert_passes(tap_gradcheck(product, NULL, 2, pair, (tap_gradcheck_options){ 0 }), 6 * (6 + 3));
    assert_passes(tap_gradcheck(product, NULL, 2, pair, (tap_gradcheck_options){ .order = 2 }), 6 * 9 + 9 * (9 + 6));
    assert_passes(tap_gradcheck(product, NULL, 2, pair, (tap_gradcheck_options){ .jacobian = -1 }), 9);
    assert_passes(tap_gradcheck(product, NULL, 2, pair, (tap_gradcheck_options){ .jacobian = 53 }), 9);
    assert_passes(tap_gradcheck(product, NULL, 2, pair, (tap_gradcheck_options){ .jacobian = 54 }), 54);
    assert_passes(tap_gradcheck(product, NULL, 2, pair, (tap_gradcheck_options){ .elements = 2 }), 6 * 4);
    assert_passes(tap_gradcheck(product, NULL, 2, pair, (tap_gradcheck_options){ .directions = 5 }), 10);

    tap_tensor in = tap_tensor_wrap(TAP_F64, TAP_SHAPE(50, 100), x);
    assert_passes(tap_gradcheck(exponential, NULL, 1, &in, (tap_gradcheck_options){ .elements = 17 }), 17);
    in = tap_tensor_wrap(TAP_F64, TAP_SHAPE(100, 200), x);
    assert_passes(tap_gradcheck(softmax, NULL, 1, &in, (tap_gradcheck_options){ 0 }), 8);
    assert_passes(tap_gradcheck(sine, NULL, 1, &in, (tap_gradcheck_options){ .order = 2 }), 8 + 2 * 8);
    assert_passes(tap_gradcheck(sine, NULL, 1, &in, (tap_gradcheck_options){ .elements = 20, .directions = -1 }), 20);
    in = tap_tensor_wrap(TAP_F64, TAP_SHAPE(0, 3), x);
    assert_passes(tap_gradcheck(sine, NULL, 1, &in, (tap_gradcheck_options){ .order = 2 }), 0);
    assert_passes(tap_gradcheck(sine, NULL, 1, &in, (tap_gradcheck_options){ .directions = 2 }), 0);
}

static void test_directions_find_a_wrong_rule(void **state)
{
    (void)state;
    tap_gradcheck_result r = check_op(&wrong_sin, 4, (tap_gradcheck_options){ .directions = 3 });
    assert_false(r.ok);
    assert_int_equal(r.checked, 3);
    assert_int_equal(r.element, -1);
    assert_int_equal(r.output, -1);
    assert_begins(r.message,
                  "gradcheck: 3 derivatives compared, and they disagree, most in input 0, a random direction: analytic ");
}

static void test_names(void **state)
{
    (void)state;
    double               x[] = { 0, 1, 2 };
    tap_tensor           in[2] = { tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), x), tap_tensor_wrap(TAP_F64, TAP_SHAPE(1), x) };
    tap_gradcheck_result r = tap_gradcheck(exponential, NULL, 1, in, (tap_gradcheck_options){ .rtol = 1e-300, .atol = 1e-300 });
    assert_false(r.ok);
    assert_string_equal(r.name, "angle");
    assert_non_null(strstr(r.message, "most in input 0 (angle), element "));
    r = tap_gradcheck(product, NULL, 2, in, (tap_gradcheck_options){ .order = 2, .elements = 1 });
    assert_passes(r, 3 * 2 + 4 * 3);
}

/* ---- Functions that are not differentiable, and errors ---- */

static void test_a_kink_is_hinted_at_and_no_excuse(void **state)
{
    (void)state;
    double               x[] = { 1, 0, -1 };
    tap_tensor           in = tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), x);
    tap_gradcheck_result r = tap_gradcheck(magnitude, NULL, 1, &in, (tap_gradcheck_options){ 0 });
    assert_passes(r, 9); /* the slope of |x| at 0 is given as 0, half way */
    x[1] = 2e-7;
    r = tap_gradcheck(magnitude, NULL, 1, &in, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    assert_int_equal(r.element, 1);
    assert_non_null(strstr(r.message, "; is there a kink? The slope is -0.6 to the left and 1 to the right"));
    assert_false(tap_gradcheck(nan_gradient, NULL, 1, &in, (tap_gradcheck_options){ 0 }).ok);
    assert_float_equal(x[0], 1, 0);
}

static tap_var restless(tap_tape *t, const tap_var *in, void *calls)
{
    (void)t;
    return tap_add_scalar(tap_sin(in[0]), 1e-14 * ++*(int *)calls);
}

static void test_the_same_result_twice(void **state)
{
    (void)state;
    int                  calls = 0;
    double               x[] = { 0.5, 0.25 };
    tap_tensor           in = tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), x);
    tap_gradcheck_result r = tap_gradcheck(restless, &calls, 1, &in, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    assert_int_equal(r.status, TAP_EARG);
    assert_begins(r.message,
                  "gradcheck: the function does not give the same result twice: its value, element 0, is 0.479425538604");
    assert_int_equal(calls, 2);
    assert_passes(tap_gradcheck(restless, &calls, 1, &in, (tap_gradcheck_options){ .once = true }), 4);

    r = check_op(&drifting_sin, 2, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    assert_begins(r.message,
                  "gradcheck: the function does not give the same result twice: its gradient by input 0, element 0, is ");
    assert_passes(check_op(&drifting_sin, 2, (tap_gradcheck_options){ .once = true }), 4);
}

static tap_var growing(tap_tape *t, const tap_var *in, void *calls)
{
    return ++*(int *)calls < 4 ? tap_sin(in[0]) : tap_add(in[0], tap_zeros(t, TAP_SHAPE(3, 2)));
}

static void test_errors_of_the_check(void **state)
{
    (void)state;
    int                  calls = 0;
    float                f[2] = { 1, 2 };
    double               d[6] = { 0 };
    tap_tensor           single = tap_tensor_wrap(TAP_F32, TAP_SHAPE(2), f);
    tap_tensor           pair[2] = { tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), d), tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), d) };
    tap_gradcheck_result r = tap_gradcheck(exponential, NULL, 1, &single, (tap_gradcheck_options){ 0 });
    assert_int_equal(r.status, TAP_EDTYPE);
    assert_string_equal(r.message, "gradcheck: input 0 must be a float64 tensor");
    r = tap_gradcheck(sum_of_two, NULL, 2, pair, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    assert_int_equal(r.status, TAP_ESHAPE);
    assert_string_equal(r.message, "gradcheck: add: [2] x [3]: the shapes do not broadcast");
    r = tap_gradcheck(growing, &calls, 1, pair, (tap_gradcheck_options){ 0 });
    assert_int_equal(r.status, TAP_ESHAPE);
    assert_string_equal(r.message, "gradcheck: the function's result is [2], and then [3,2]");
    assert_int_equal(calls, 4);
    assert_int_equal(tap_gradcheck(NULL, NULL, 1, pair, (tap_gradcheck_options){ 0 }).status, TAP_EARG);
    assert_int_equal(tap_gradcheck(exponential, NULL, 0, pair, (tap_gradcheck_options){ 0 }).status, TAP_EARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_operators),
        cmocka_unit_test(test_second_order),
        cmocka_unit_test(test_missing_rules_fail_loudly),
        cmocka_unit_test(test_by_size),
        cmocka_unit_test(test_directions_find_a_wrong_rule),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_a_kink_is_hinted_at_and_no_excuse),
        cmocka_unit_test(test_the_same_result_twice),
        cmocka_unit_test(test_errors_of_the_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
