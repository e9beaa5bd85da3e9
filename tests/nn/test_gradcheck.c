/* tests/nn/test_gradcheck.c: the gradient check of a module accepts right gradients, rejects wrong ones, and does not change
 * the module. */
#include <math.h>
#include <string.h>

#include "nn/internal.h"
#include "tests/check.h"

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
    return tap_add(y, tap_mul(tap_exp(tap_param_var(t, m->scale)), tap_randn(t, TAP_SHAPE(4, 2))));
}

/* The same function with a part of its gradient cut off. */
static tap_var wrong(tap_tape *t, void *ctx)
{
    model  *m = ctx;
    tap_var s = tap_param_var(t, m->scale);
    return tap_add(right(t, ctx), tap_mul_scalar(tap_square(tap_detach(s)), 1e-3));
}

static tap_var nan_somewhere(tap_tape *t, void *ctx)
{
    model *m = ctx;
    return tap_sum(tap_sqrt(tap_param_var(t, m->unused)), TAP_ALL);
}

static tap_var fails_later(tap_tape *t, void *ctx)
{
    model *m = ctx;
    if (++m->calls == 4) tap_tape_fail(t, TAP_EARG, "enough");
    return tap_square(tap_param_var(t, m->scale));
}

enum { ROOM = 32 };

/* The state of a module: values, the memory of gradients, and whether gradients count as zero. */
typedef struct {
    double value[ROOM], grad[ROOM];
    bool   fresh[ROOM];
} state_of;

static void snapshot(const model *m, state_of *s)
{
    size_t at = 0;
    memset(s, 0, sizeof *s);
    for (tap_param *p = tap_module_next(m->root, NULL); p; p = tap_module_next(m->root, p)) {
        size_t n = (size_t)tap_tensor_numel(p->value), size = tap_dtype_size(p->value.dtype);
        memcpy(&s->value[at], p->value.data, n * size);
        memcpy(&s->grad[at], p->grad.data, n * size);
        s->fresh[at] = p->fresh;
        at += n;
        assert_true(at <= ROOM);
        assert_null(p->f64_copy);
    }
}

/* The check changes nothing, accumulated gradients included. */
static tap_gradcheck_result check(model *m, tap_module_function f, tap_gradcheck_options o)
{
    static state_of before, after;
    tap_tensor_fill(tap_param_grad(m->unused), 7);
    snapshot(m, &before);
    tap_gradcheck_result r = tap_module_gradcheck(m->root, f, m, o);
    snapshot(m, &after);
    assert_memory_equal(&before, &after, sizeof before);
    return r;
}

static void test_right_gradients_pass(void **state)
{
    (void)state;
    model                m = model_new(TAP_F64);
    tap_gradcheck_result r = check(&m, right, (tap_gradcheck_options){ 0 });
    if (!r.ok) fail_msg("%s", r.message);
    assert_int_equal(r.status, TAP_OK);
    assert_int_equal(r.checked, 8 * (6 + 2 + 1 + 2));
    assert_int_equal(m.calls, 2 + 2 * 11);
    assert_non_null(strstr(r.message, "gradcheck: 88 derivatives compared, and all agree"));

    r = check(&m, right, (tap_gradcheck_options){ .order = 2 });
    if (!r.ok) fail_msg("%s", r.message);
    assert_int_equal(r.checked, 88 + 11 * (11 + 8));

    r = check(&m, right, (tap_gradcheck_options){ .elements = 2, .seed = 9 });
    assert_true(r.ok);
    assert_int_equal(r.checked, 8 * (2 + 2 + 1 + 2));

    m.calls = 0;
    r = check(&m, right, (tap_gradcheck_options){ .jacobian = -1, .once = true });
    assert_true(r.ok);
    assert_int_equal(r.checked, 11);
    assert_int_equal(m.calls, 1 + 2 * 11);
    assert_true(check(&m, right, (tap_gradcheck_options){ .directions = 3 }).ok);

    tap_module *part = m.scale->module;
    r = tap_module_gradcheck(part, right, &m, (tap_gradcheck_options){ 0 });
    assert_true(r.ok);
    assert_int_equal(r.checked, 8);
    assert_string_equal(r.name, "noise.scale");
    tap_module_free(m.root);
}

static void test_wrong_gradients_fail(void **state)
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
        assert_string_equal(r.name, "noise.scale");
        assert_non_null(strstr(r.message,
                               "gradcheck: 88 derivatives compared, and they disagree, most in noise.scale, element 0 "
                               "(output element "));
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

static void test_an_error_of_the_function(void **state)
{
    (void)state;
    model                m = model_new(TAP_F64);
    tap_gradcheck_result r = check(&m, fails_later, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    assert_int_equal(r.status, TAP_EARG);
    assert_string_equal(r.message, "gradcheck: enough");
    assert_int_equal(m.calls, 4); /* it stops there */
    tap_module_free(m.root);
}

/* ---- float32 ---- */

static float       one = 1, one_grad;
static const float data[4][3] = { { 1, -2, 0.5f }, { 0.1f, 0.2f, 0.3f }, { -1, 3, 2 }, { 0, 0, 1 } };

/* A typical float32 model: float32 data, leaves of the caller's, a sample, and casts in both directions. */
static tap_var single(tap_tape *t, void *ctx)
{
    model   *m = ctx;
    tap_var  x = tap_input(t, tap_tensor_wrap(TAP_F32, TAP_SHAPE(4, 3), (void *)(uintptr_t)data));
    tap_leaf leaf = { tap_tensor_wrap(TAP_F32, TAP_SCALAR, &one), tap_tensor_wrap(TAP_F32, TAP_SCALAR, &one_grad), NULL,
                      "one" };
    tap_var  scale = tap_mul(tap_param_var(t, m->scale), tap_mul(tap_leaf_var(t, &leaf), tap_variable(t, leaf.value)));
    tap_dist q = tap_normal(tap_linear_forward(&m->layer, x), scale);
    tap_var  z = tap_cast(tap_cast(tap_tanh(tap_sample(q)), TAP_F64), TAP_F32);
    m->calls++;
    return tap_mean(tap_square(tap_sub(z, tap_tanh(tap_sample(tap_standard_normal_like(q))))), TAP_LAST);
}

static tap_var single_wrong(tap_tape *t, void *ctx)
{
    model  *m = ctx;
    tap_var s = tap_param_var(t, m->scale);
    return tap_add(single(t, ctx), tap_mul_scalar(tap_square(tap_detach(s)), 1e-3));
}

static void test_a_float32_module_is_checked_in_float64(void **state)
{
    (void)state;
    model       m = model_new(TAP_F32);
    tap_tape   *t = tap_tape_new(TAP_F32, 1);
    const char *message;
    tap_backward(tap_sum(single(t, &m), TAP_ALL)); /* gradients that are to stay */
    assert_false(m.scale->fresh);

    tap_gradcheck_result r = check(&m, single, (tap_gradcheck_options){ .order = 2 });
    if (!r.ok) fail_msg("%s", r.message);
    assert_int_equal(r.checked, 4 * 11 + 11 * (11 + 4));
    r = check(&m, right, (tap_gradcheck_options){ 0 });
    if (!r.ok) fail_msg("%s", r.message);
    r = tap_module_gradcheck(m.scale->module, single, &m,
                             (tap_gradcheck_options){ 0 }); /* the other parameters are copied, too */
    assert_true(r.ok);
    assert_int_equal(r.checked, 4);
    r = check(&m, single_wrong, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    assert_int_equal(r.status, TAP_OK);
    assert_string_equal(r.name, "noise.scale");
    assert_true(fabs(r.numeric - r.analytic - 2e-3 * 0.3) < 1e-7);

    tap_tape_reset(t);
    assert_int_equal(tap_value(single(t, &m)).dtype, TAP_F32); /* and works on as before */
    assert_int_equal(tap_tape_status(t, &message), TAP_OK);
    tap_tape_free(t);
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
    model m = model_new(TAP_F64);
    assert_refused(&m, (tap_gradcheck_options){ .order = 3 }, TAP_EARG, "gradcheck: order must be 1 or 2, not 3");
    assert_refused(&m, (tap_gradcheck_options){ .eps = -1 }, TAP_EARG,
                   "gradcheck: eps, atol and rtol must be positive, not -1, 1e-06 and 1e-05");
    tap_module_fail(m.root, TAP_EIO, "broken");
    assert_refused(&m, (tap_gradcheck_options){ 0 }, TAP_EIO, "gradcheck: broken");
    tap_module_free(m.root);

    model                empty = { .root = tap_module_new(TAP_F64, 0) };
    tap_gradcheck_result r = tap_module_gradcheck(empty.root, nan_somewhere, &empty, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    tap_module_free(empty.root);
}

/* ---- State does not change ----------------------------------------------------------------------------------------- */

static double running[2][2] = { { 0.5, -0.5 }, { 2, 3 } };

static tap_var normalized(tap_tape *t, void *ctx)
{
    const tap_tensor mean = tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), running[0]),
                     var = tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), running[1]);
    tap_var x = tap_mul(tap_randn(t, TAP_SHAPE(4, 2)), tap_param_var(t, ctx));
    return tap_batch_norm(x, &mean, &var, (tap_var){ 0 }, (tap_var){ 0 }, true, 0.1, 1e-5);
}

static void test_running_statistics_stay(void **state)
{
    (void)state;
    for (int dtype = TAP_F32; dtype <= TAP_F64; dtype++) {
        const double         before[2][2] = { { 0.5, -0.5 }, { 2, 3 } };
        tap_module          *root = tap_module_new((tap_dtype)dtype, 0);
        tap_param           *w = tap_param_new(root, "w", TAP_SHAPE(2), tap_init_constant(1));
        tap_gradcheck_result r = tap_module_gradcheck(root, normalized, w, (tap_gradcheck_options){ .order = 2 });
        if (!r.ok) fail_msg("%s", r.message);
        assert_memory_equal(running, before, sizeof before);
        tap_module_free(root);
    }
}

static tap_var of_both(tap_tape *t, void *ctx)
{
    model *m = ctx;
    return tap_mul(tap_param_var(t, m->scale), tap_sum(tap_square(tap_param_var(t, m->unused)), TAP_ALL));
}

static void test_frozen_parameters_are_left_out(void **state)
{
    (void)state;
    for (int dtype = TAP_F32; dtype <= TAP_F64; dtype++) {
        model m = model_new((tap_dtype)dtype);
        tap_module_set_requires_grad(m.root, false);
        tap_param_set_requires_grad(m.scale, true);
        tap_gradcheck_result r = tap_module_gradcheck(m.root, of_both, &m, (tap_gradcheck_options){ 0 });
        if (!r.ok) fail_msg("%s", r.message);
        assert_int_equal(r.checked, 1);
        tap_module_free(m.root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_gradients_pass),
        cmocka_unit_test(test_wrong_gradients_fail),
        cmocka_unit_test(test_nan_fails),
        cmocka_unit_test(test_an_error_of_the_function),
        cmocka_unit_test(test_a_float32_module_is_checked_in_float64),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_running_statistics_stay),
        cmocka_unit_test(test_frozen_parameters_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
