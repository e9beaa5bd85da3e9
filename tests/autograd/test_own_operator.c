/* tests/autograd/test_own_operator.c: operators written by a user: their arguments, and errors in infer, forward and vjp. */
#define _XOPEN_SOURCE 700
#include <math.h>

#include "tests/autograd/tape.h"

/* factor x, through scratch memory */
static void scale_forward(tap_call *c, tap_tensor *out)
{
    double *s = tap_call_scratch(c, sizeof *s);
    if (!s) return;
    *s = *(const double *)c->attr;
    for (int64_t i = 0; i < tap_tensor_numel(*out); i++) tap_tensor_set_item(*out, i, *s * tap_tensor_item(c->in[0], i));
}

static void scale_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    assert_true(tap_needs_grad(n, 0));
    assert_false(tap_needs_grad(n, 1));
    assert_int_equal(tap_in(n, 1).id, 0);
    assert_int_equal(tap_shape_of(tap_in(n, 0)).n[0], N);
    assert_int_equal(tap_shape_of(tap_out(n)).n[0], N);
    gin[0] = tap_mul_scalar(g, *(const double *)tap_attr(n));
}

static void vjp_of_wrong_shape(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)n;
    gin[0] = tap_reshape(tap_cat(2, (tap_var[]){ g, g }, 0), TAP_SHAPE(2, 1, N));
    gin[0] = tap_slice(gin[0], 2, 0, 2, 1);
}

static void vjp_of_wrong_dtype(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)n;
    gin[0] = tap_cast(g, TAP_F32);
}

static void vjp_that_fails(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)gin, (void)n;
    tap_tape_fail(g.tape, TAP_EARG, "the rule gave up");
}

static void vjp_with_bad_call(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap_mm(g, tap_in(n, 0));
}

static void vjp_on_another_tape(const tap_node *n, tap_var g, tap_var *gin)
{
    static double numbers[N];
    (void)n, (void)g;
    gin[0] = tap_input(*(tap_tape *const *)tap_attr(n), vector(numbers));
}

static void vjp_of_nothing(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)n, (void)g, (void)gin;
}

static void copy_forward(tap_call *c, tap_tensor *out)
{
    tap_tensor_copy(*out, c->in[0], NULL);
}

static const tap_op scale = { "scale", infer_like, scale_forward, scale_vjp, sizeof(double) };

static tap_var apply_scale(tap_var x, double factor)
{
    return tap_apply(&scale, &factor, 1, &x);
}

static void test_own_operator(void **state)
{
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    double    numbers[N] = { 1, 2, 3 };
    tap_var   x = tap_variable(t, vector(numbers)), y = apply_scale(x, 3), dx, ddx;
    (void)state;
    assert_elements(y, (double[]){ 3, 6, 9 });
    tap_grad(tap_sum(tap_square(y), TAP_ALL), 1, &x, &dx);
    assert_elements(dx, (double[]){ 18, 36, 54 });
    tap_grad(tap_sum(dx, TAP_ALL), 1, &x, &ddx);
    assert_elements(ddx, (double[]){ 18, 18, 18 });
    for (int i = 0; i < 20; i++) y = apply_scale(y, 1); /* scratch memory is given back after each call */
    assert_elements(y, (double[]){ 3, 6, 9 });
    assert_tape_ok(t);
    apply_scale(tap_named(tap_zeros(t, TAP_SHAPE(1, 2)), "it"), 3);
    assert_tape_error(t, TAP_EARG, "scale, call 22: [1,2] (it): 2 elements are a pair");
    tap_tape_free(t);
}

static tap_status infer_view_with_scratch(tap_call *c, tap_tensor *out)
{
    *out = c->in[0];
    return tap_call_scratch(c, 64) ? TAP_OK : TAP_ENOMEM;
}

/* Scratch memory that infer asks for is released after the call, also when the result is a view. */
static void test_scratch_of_a_view(void **state)
{
    (void)state;
    const tap_op op = { "looker", infer_view_with_scratch, NULL, vjp_of_nothing, 0 };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    for (int step = 0; step < 3; step++) {
        tap_var x = tap_ones(t, TAP_SHAPE(N));
        for (int i = 0; i < 20; i++) tap_apply(&op, NULL, 1, &x);
        assert_elements(apply_scale(x, 3), (double[]){ 3, 3, 3 });
        tap_tape_reset(t);
    }
    assert_tape_ok(t);
    tap_tape_free(t);
}

static void test_operator_without_a_rule(void **state)
{
    const tap_op op = { "ruleless", infer_like, copy_forward, NULL, 0 };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    double       numbers[N] = { 1, 2, 3 };
    tap_var      data = tap_input(t, vector(numbers)), x = tap_named(tap_variable(t, vector(numbers)), "x");
    (void)state;
    assert_elements(tap_apply(&op, NULL, 1, &data), numbers);
    tap_tape_set_recording(t, false);
    assert_elements(tap_apply(&op, NULL, 1, &x), numbers);
    tap_tape_set_recording(t, true);
    assert_tape_ok(t);
    assert_int_equal(tap_apply(&op, NULL, 1, &x).id, 0);
    assert_tape_error(t, TAP_EARG, "ruleless, call 3: [3] (x): an input needs a gradient, and the operator has no rule for it");
    tap_tape_free(t);
}

static void test_operator_without_forward(void **state)
{
    const tap_op op = { "hollow", infer_like, NULL, scale_vjp, 0 };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    tap_var      x = tap_zeros(t, TAP_SHAPE(N));
    (void)state;
    assert_int_equal(tap_apply(&op, NULL, 1, &x).id, 0);
    assert_tape_error(t, TAP_EARG, "hollow: [3]: the operator has no forward");
    tap_tape_free(t);
}

static tap_status infer_any(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    return TAP_OK;
}

static void forward_of_none(tap_call *c, tap_tensor *out)
{
    (void)c;
    assert_true(tap_tensor_numel(*out) > 0);
    tap_tensor_set_item(*out, 0, 7);
}

/* forward is not called for results without elements. */
static void test_empty_results(void **state)
{
    const tap_op op = { "some", infer_any, forward_of_none, vjp_of_nothing, 0 };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    tap_var      none = tap_zeros(t, TAP_SHAPE(2, 0)), one = tap_zeros(t, TAP_SHAPE(1));
    (void)state;
    assert_true(tap_shape_equal(tap_shape_of(tap_apply(&op, NULL, 1, &none)), TAP_SHAPE(2, 0)));
    assert_true(tap_item(tap_apply(&op, NULL, 1, &one)) == 7);
    assert_tape_ok(t);
    tap_tape_free(t);
}

static tap_status infer_reversed(tap_call *c, tap_tensor *out)
{
    *out = c->in[0];
    out->data = (double *)out->data + (N - 1) * out->stride[0];
    out->stride[0] *= -1;
    return TAP_OK;
}

static void reversed_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)n;
    gin[0] = tap_slice(g, 0, TAP_END, TAP_END, -1);
}

static void test_own_view(void **state)
{
    const tap_op op = { "reversed", infer_reversed, NULL, reversed_vjp, 0 };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    double       numbers[N] = { 1, 2, 3 };
    tap_var      x = tap_variable(t, vector(numbers)), y = tap_apply(&op, NULL, 1, &x), dx;
    (void)state;
    assert_elements(y, (double[]){ 3, 2, 1 });
    assert_ptr_equal(tap_value(y).data, &numbers[2]);
    tap_vjp(y, tap_square(y), 1, &x, &dx);
    assert_elements(dx, (double[]){ 1, 4, 9 });
    assert_tape_ok(t);
    tap_tape_free(t);
}

/* The gradient of an input that the rule does not set is zero. */
static void test_rule_of_nothing(void **state)
{
    const tap_op op = { "flat", infer_like, copy_forward, vjp_of_nothing, 0 };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    double       numbers[N] = { 1, 2, 3 };
    tap_var      x = tap_variable(t, vector(numbers)), dx;
    (void)state;
    tap_grad(tap_sum(tap_mul(x, tap_apply(&op, NULL, 1, &x)), TAP_ALL), 1, &x, &dx);
    assert_elements(dx, numbers);
    assert_tape_ok(t);
    tap_tape_free(t);
}

/* The gradient of one parameter is complete when the rule of another fails. Both leaf gradients stay unchanged. */
static void test_failing_backward_touches_nothing(void **state)
{
    static const struct {
        void (*vjp)(const tap_node *n, tap_var g, tap_var *gin);
        tap_status  status;
        const char *message;
    } rules[] = {
        { vjp_of_wrong_shape, TAP_ESHAPE, "backward of broken: [3] (second): [3] does not broadcast to [2,1,2]" },
        { vjp_of_wrong_dtype, TAP_EDTYPE, "backward: a rule gave a float32 gradient for [3] second of float64" },
        { vjp_that_fails, TAP_EARG, "the rule gave up" },
        { vjp_with_bad_call, TAP_ESHAPE,
          "backward of broken: [3] (second): mm: [3] x [3] (second): needs matrices [m,k] and [k,n]" },
        { vjp_on_another_tape, TAP_ESTALE, "broken: its rule gave a gradient on another tape" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const tap_op op = { "broken", infer_like, copy_forward, rules[i].vjp, sizeof(tap_tape *) };
        tap_tape    *t = tap_tape_new(TAP_F64, 1), *other = tap_tape_new(TAP_F64, 1);
        memory       m[2] = { { { 1, 2, 3 }, { 4, 5, 6 }, false }, { { 1, 2, 3 }, { 7, 8, 9 }, true } }, before[2];
        tap_leaf     first = leaf_of(&m[0], "first"), second = leaf_of(&m[1], "second");
        memcpy(before, m, sizeof m);
        tap_var a = tap_leaf_var(t, &first), b = tap_leaf_var(t, &second);
        tap_var loss = tap_sum(tap_mul(tap_apply(&op, &other, 1, &b), a), TAP_ALL);
        assert_true(tap_item(loss) == 14);
        assert_int_equal(tap_backward(loss), rules[i].status);
        assert_tape_error(t, rules[i].status, rules[i].message);
        for (int k = 0; k < 2; k++) assert_untouched(&before[k], &m[k]);
        assert_tape_ok(other);
        assert_true(tap_tape_set_recording(t, true)); /* the pass had switched it off */
        tap_tape_free(t);
        tap_tape_free(other);
    }
}

/* After an error in tap_grad all dx are inert, even of an input whose gradient was complete. */
static void test_failing_grad_is_inert(void **state)
{
    const tap_op op = { "broken", infer_like, copy_forward, vjp_that_fails, sizeof(tap_tape *) };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    double       numbers[N] = { 1, 2, 3 };
    tap_var      x[2] = { tap_variable(t, vector(numbers)), tap_variable(t, vector(numbers)) }, dx[2];
    (void)state;
    tap_grad(tap_sum(tap_mul(tap_apply(&op, &t, 1, &x[0]), x[1]), TAP_ALL), 2, x, dx);
    assert_tape_error(t, TAP_EARG, "the rule gave up");
    for (int i = 0; i < 2; i++) assert_true(dx[i].tape == t && dx[i].id == 0);
    tap_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_operator),
        cmocka_unit_test(test_scratch_of_a_view),
        cmocka_unit_test(test_operator_without_a_rule),
        cmocka_unit_test(test_operator_without_forward),
        cmocka_unit_test(test_own_view),
        cmocka_unit_test(test_empty_results),
        cmocka_unit_test(test_rule_of_nothing),
        cmocka_unit_test(test_failing_backward_touches_nothing),
        cmocka_unit_test(test_failing_grad_is_inert),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
