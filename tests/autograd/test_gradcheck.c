/* The gradient check itself: it must see what is wrong, and say so. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "autograd/autograd.h"

static tap_var exponential(tap_tape *t, const tap_var *in, void *ctx)
{
    (void)t, (void)ctx;
    return tap_exp(in[0]);
}

static tap_var sum_of_two(tap_tape *t, const tap_var *in, void *ctx)
{
    (void)t, (void)ctx;
    return tap_add(in[0], in[1]);
}

/* sin with the gradient of sinh. */
static tap_status wrong_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    return TAP_OK;
}

static void wrong_forward(tap_call *c, tap_tensor *out)
{
    for (int64_t i = 0; i < tap_tensor_numel(*out); i++) tap_tensor_set_item(*out, i, sin(tap_tensor_item(c->in[0], i)));
}

static void wrong_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_var x = tap_in(n, 0);
    gin[0] = tap_mul(g, tap_mul_scalar(tap_add(tap_exp(x), tap_exp(tap_neg(x))), 0.5));
}

static tap_var wrong(tap_tape *t, const tap_var *in, void *ctx)
{
    static const tap_op op = { "wrong_sin", wrong_infer, wrong_forward, wrong_vjp, 0 };
    (void)t, (void)ctx;
    return tap_apply(&op, NULL, 1, in);
}

static tap_var nan_gradient(tap_tape *t, const tap_var *in, void *ctx)
{
    (void)t, (void)ctx;
    return tap_mul_scalar(in[0], (double)NAN);
}

static void test_a_wrong_rule_is_found(void **state)
{
    (void)state;
    double               x[] = { 0.01, 1.5, 0.02 };
    tap_tensor           in = tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), x);
    tap_gradcheck_result r = tap_gradcheck(wrong, NULL, 1, &in, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    assert_int_equal(r.status, TAP_OK);
    assert_int_equal(r.element, 1);
    assert_non_null(strstr(r.message, "they disagree, most in input 0, element 1"));
    assert_false(tap_gradcheck(nan_gradient, NULL, 1, &in, (tap_gradcheck_options){ 0 }).ok);
    assert_float_equal(x[1], 1.5, 0);
}

static void test_random_elements(void **state)
{
    (void)state;
    static double        x[5000];
    tap_tensor           in = tap_tensor_wrap(TAP_F64, TAP_SHAPE(50, 100), x);
    tap_gradcheck_result r = tap_gradcheck(exponential, NULL, 1, &in, (tap_gradcheck_options){ .elements = 17 });
    assert_true(r.ok);
    assert_int_equal(r.checked, 17);
}

static void test_errors_of_the_check(void **state)
{
    (void)state;
    float                f[2] = { 1, 2 };
    double               d[6] = { 0 };
    tap_tensor           single = tap_tensor_wrap(TAP_F32, TAP_SHAPE(2), f);
    tap_tensor           pair[2] = { tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), d), tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), d) };
    tap_gradcheck_result r = tap_gradcheck(exponential, NULL, 1, &single, (tap_gradcheck_options){ 0 });
    assert_int_equal(r.status, TAP_EDTYPE);
    r = tap_gradcheck(sum_of_two, NULL, 2, pair, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    assert_int_equal(r.status, TAP_ESHAPE);
    assert_string_equal(r.message, "gradcheck: add: [2] x [3]: the shapes do not broadcast");
    assert_int_equal(tap_gradcheck(NULL, NULL, 1, pair, (tap_gradcheck_options){ 0 }).status, TAP_EARG);
    assert_int_equal(tap_gradcheck(exponential, NULL, 0, pair, (tap_gradcheck_options){ 0 }).status, TAP_EARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wrong_rule_is_found),
        cmocka_unit_test(test_random_elements),
        cmocka_unit_test(test_errors_of_the_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
