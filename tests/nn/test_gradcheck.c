/* The gradient check of a module: it passes what is right, fails what is wrong, and leaves the module as it was. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "nn/nn.h"

typedef struct {
    tap_module *root;
    tap_linear  layer;
    tap_param  *scale, *unused;
    int         calls;
} model;

static model model_new(tap_dtype dtype)
{
    model m = { .root = tap_module_new(dtype, 4) };
    tap_linear_init(&m.layer, m.root, "layer", 3, 2);
    m.scale = tap_param_new(tap_module_child(m.root, "noise"), "scale", TAP_SCALAR, tap_init_constant(0.3));
    m.unused = tap_param_new(m.root, "unused", TAP_SHAPE(2), tap_init_normal(1));
    return m;
}

/* [4,2], with noise inside. */
static tap_var right(tap_tape *t, void *ctx)
{
    model  *m = ctx;
    tap_var x = tap_randn(t, TAP_SHAPE(4, 3));
    tap_var y = tap_tanh(tap_linear_forward(&m->layer, x));
    m->calls++;
    return tap_add(y, tap_mul(tap_exp(tap_use(t, m->scale)), tap_randn(t, TAP_SHAPE(4, 2))));
}

/* The same with a part of the gradient lost. */
static tap_var wrong(tap_tape *t, void *ctx)
{
    model  *m = ctx;
    tap_var s = tap_use(t, m->scale);
    return tap_add(right(t, ctx), tap_mul_scalar(tap_square(tap_detach(s)), 1e-3));
}

static tap_var nan_somewhere(tap_tape *t, void *ctx)
{
    model *m = ctx;
    return tap_sum(tap_sqrt(tap_use(t, m->unused)), TAP_ALL);
}

static tap_var fails_later(tap_tape *t, void *ctx)
{
    model *m = ctx;
    if (++m->calls == 4) tap_tape_fail(t, TAP_EARG, "enough");
    return tap_square(tap_use(t, m->scale));
}

static void snapshot(const model *m, double *values)
{
    for (tap_param *p = tap_module_next(m->root, NULL); p; p = tap_module_next(m->root, p)) {
        tap_tensor v = tap_param_value(p);
        size_t     n = (size_t)tap_tensor_numel(v);
        memcpy(values, v.data, n * sizeof *values);
        values += n;
    }
}

static tap_gradcheck_result check(model *m, tap_module_function f, tap_gradcheck_options o)
{
    double before[16] = { 0 }, after[16] = { 0 };
    snapshot(m, before);
    tap_gradcheck_result r = tap_module_gradcheck(m->root, f, m, o);
    snapshot(m, after);
    assert_memory_equal(before, after, sizeof before);
    for (tap_param *p = tap_module_next(m->root, NULL); p; p = tap_module_next(m->root, p)) {
        tap_tensor g = tap_param_grad(p);
        for (int64_t i = 0; i < tap_tensor_numel(g); i++) assert_true(tap_tensor_item(g, i) == 0);
    }
    return r;
}

static void test_right(void **state)
{
    (void)state;
    model m = model_new(TAP_F64);
    tap_tensor_fill(tap_param_grad(m.unused), 7); /* what was accumulated before does not count */
    tap_gradcheck_result r = check(&m, right, (tap_gradcheck_options){ 0 });
    if (!r.ok) fail_msg("%s", r.message);
    assert_int_equal(r.status, TAP_OK);
    assert_int_equal(r.checked, 6 + 2 + 1 + 2);
    assert_int_equal(m.calls, 1 + 2 * 11);
    assert_non_null(strstr(r.message, "gradcheck: 11 derivatives compared, and all agree"));

    r = check(&m, right, (tap_gradcheck_options){ .order = 2 });
    if (!r.ok) fail_msg("%s", r.message);
    assert_int_equal(r.checked, 22);

    m.calls = 0;
    r = check(&m, right, (tap_gradcheck_options){ .elements = 2, .seed = 9 });
    assert_true(r.ok);
    assert_int_equal(r.checked, 2 + 2 + 1 + 2);
    tap_module_free(m.root);
}

static void test_wrong(void **state)
{
    (void)state;
    model m = model_new(TAP_F64);
    for (int order = 1; order <= 2; order++) {
        tap_gradcheck_result r = check(&m, wrong, (tap_gradcheck_options){ .order = order });
        assert_false(r.ok);
        assert_int_equal(r.status, TAP_OK);
        assert_int_equal(r.input, 2);
        assert_int_equal(r.element, 0);
        assert_true(fabs(r.numeric - r.analytic) > 1e-5);
        assert_non_null(strstr(r.message,
                               "gradcheck: 11 derivatives compared, and they disagree, most in noise.scale, element 0: "));
    }
    assert_true(check(&m, wrong, (tap_gradcheck_options){ .atol = 1e-2 }).ok);
    tap_module_free(m.root);
}

static void test_nan_fails(void **state)
{
    (void)state;
    model m = model_new(TAP_F64);
    tap_tensor_fill(tap_param_value(m.unused), 0); /* sqrt is not a number a bit to the left */
    tap_gradcheck_result r = check(&m, nan_somewhere, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    assert_int_equal(r.status, TAP_OK);
    assert_int_equal(r.input, 3);
    assert_non_null(strstr(r.message, "unused, element 0: analytic"));
    tap_module_free(m.root);
}

static void test_error_on_the_way(void **state)
{
    (void)state;
    model                m = model_new(TAP_F64);
    tap_gradcheck_result r = check(&m, fails_later, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    assert_int_equal(r.status, TAP_EARG);
    assert_string_equal(r.message, "gradcheck: enough");
    assert_int_equal(m.calls, 5); /* it stops there */
    tap_module_free(m.root);
}

static void assert_refused(model *m, tap_gradcheck_options o, tap_status status, const char *expected)
{
    m->calls = 0;
    tap_gradcheck_result r = tap_module_gradcheck(m->root, right, m, o);
    assert_false(r.ok);
    assert_int_equal(r.status, status);
    assert_string_equal(r.message, expected);
    assert_int_equal(m->calls, 0);
}

static void test_errors(void **state)
{
    (void)state;
    model m = model_new(TAP_F32);
    assert_refused(&m, (tap_gradcheck_options){ 0 }, TAP_EDTYPE, "gradcheck: the module is float32; differences need float64");
    tap_module_free(m.root);
    m = model_new(TAP_F64);
    assert_refused(&m, (tap_gradcheck_options){ .order = 3 }, TAP_EARG, "gradcheck: order 3 is neither 1 nor 2");
    assert_refused(&m, (tap_gradcheck_options){ .eps = -1 }, TAP_EARG,
                   "gradcheck: eps -1, atol 1e-06 and rtol 1e-05 are not all positive");
    tap_module_fail(m.root, TAP_EIO, "broken");
    assert_refused(&m, (tap_gradcheck_options){ 0 }, TAP_EIO, "gradcheck: broken");
    tap_module_free(m.root);

    model empty = { .root = tap_module_new(TAP_F64, 0) };
    tap_gradcheck_result r = tap_module_gradcheck(empty.root, nan_somewhere, &empty, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    tap_module_free(empty.root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_nan_fails),
        cmocka_unit_test(test_error_on_the_way),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
