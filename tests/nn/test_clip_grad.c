/* tests/nn/test_clip_grad.c: norms of gradients, and clipping. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"
#include "tensor/parallel.h"
#include "tests/check.h"

enum { BIG = 70001 };

/* Two parameters with gradients, and one without. */
typedef struct {
    tap_module *root;
    tap_param  *p[3];
} model;

static model model_new(tap_dtype dtype, int64_t n, double a, double b)
{
    model m = { .root = tap_module_new(dtype, 0) };
    m.p[0] = tap_param_new(m.root, "a", TAP_SHAPE(n), tap_init_zeros());
    m.p[1] = tap_param_new(m.root, "none", TAP_SHAPE(5), tap_init_zeros());
    m.p[2] = tap_param_new(m.root, "b", TAP_SHAPE(1), tap_init_zeros());
    tap_tensor_fill(tap_param_grad(m.p[1]), 100); /* of the step before */
    tap_module_zero_grad(m.root);
    tap_tensor_set_item(tap_param_grad(m.p[0]), n - 1, a);
    tap_tensor_set_item(tap_param_grad(m.p[2]), 0, b);
    return m;
}

static double grad(const model *m, int which, int64_t i)
{
    return tap_tensor_item(tap_param_grad(m->p[which]), i);
}

static void test_norms(void **state)
{
    (void)state;
    for (int dtype = TAP_F32; dtype <= TAP_F64; dtype++) {
        model m = model_new((tap_dtype)dtype, BIG, -3, 4);
        assert_near(tap_grad_norm(m.root, 2), 5, 1e-12);
        assert_near(tap_grad_norm(m.root, 1), 7, 1e-12);
        assert_near(tap_grad_norm(m.root, 3), cbrt(27 + 64), 1e-12);
        assert_near(tap_grad_norm(m.root, 0.5), 7 + 2 * sqrt(12), 1e-12);
        assert_true(tap_grad_norm(m.root, (double)INFINITY) == 4);
        tap_tensor_set_item(tap_param_grad(m.p[0]), 8192, (double)NAN);
        assert_true(isnan(tap_grad_norm(m.root, 2)) && isnan(tap_grad_norm(m.root, (double)INFINITY)));
        tap_tensor_set_item(tap_param_grad(m.p[0]), 8192, (double)INFINITY);
        assert_true(isinf(tap_grad_norm(m.root, 2)) && isinf(tap_grad_norm(m.root, (double)INFINITY)));
        tap_module_zero_grad(m.root);
        assert_true(tap_grad_norm(m.root, 2) == 0 && tap_grad_norm(m.root, (double)INFINITY) == 0);
        tap_module_free(m.root);
    }
}

/* Squares and cubes that are out of range, of norms that are not. */
static void test_extreme_norms(void **state)
{
    static const double sizes[] = { 1e-300, 1e-170, 1e170, 1e300 };
    (void)state;
    for (int i = 0; i < 4; i++) {
        model m = model_new(TAP_F64, 3, 3 * sizes[i], 4 * sizes[i]);
        assert_near(tap_grad_norm(m.root, 2) / sizes[i], 5, 1e-12);
        assert_near(tap_grad_norm(m.root, 3) / sizes[i], cbrt(27 + 64), 1e-12);
        tap_module_free(m.root);
    }
}

static void test_clip_by_norm(void **state)
{
    (void)state;
    model m = model_new(TAP_F64, 2, -3, 4);
    assert_near(tap_clip_grad_norm(m.root, 10, (tap_clip_options){ 0 }), 5, 1e-15);
    assert_true(grad(&m, 0, 1) == -3 && grad(&m, 2, 0) == 4);
    assert_near(tap_clip_grad_norm(m.root, 1, (tap_clip_options){ 0 }), 5, 1e-15);
    assert_near(grad(&m, 0, 1), -3 / (5 + 1e-6), 1e-15);
    assert_near(grad(&m, 2, 0), 4 / (5 + 1e-6), 1e-15);
    assert_near(tap_clip_grad_norm(m.root, 0.5, (tap_clip_options){ .norm_type = 1 }), 7 / (5 + 1e-6), 1e-15);
    assert_near(tap_grad_norm(m.root, 1), 0.5, 1e-5);
    assert_int_equal(tap_module_status(m.root, NULL), TAP_OK);
    tap_module_free(m.root);
}

static void test_clip_nonfinite(void **state)
{
    (void)state;
    model m = model_new(TAP_F32, 2, -3, (double)INFINITY);
    assert_true(isinf(tap_clip_grad_norm(m.root, 1, (tap_clip_options){ .error_if_nonfinite = true })));
    assert_string_equal(tap_module_message(m.root), "clip_grad_norm: the norm of order 2 of the gradients is inf");
    tap_module_clear_error(m.root);
    assert_true(grad(&m, 0, 1) == -3);
    assert_true(isinf(tap_clip_grad_norm(m.root, 1, (tap_clip_options){ 0 })));
    assert_true(grad(&m, 0, 1) == 0 && isnan(grad(&m, 2, 0)));
    tap_module_free(m.root);
}

static void test_clip_by_value(void **state)
{
    (void)state;
    for (int dtype = TAP_F32; dtype <= TAP_F64; dtype++) {
        model m = model_new((tap_dtype)dtype, BIG, -3, (double)NAN);
        tap_tensor_set_item(tap_param_grad(m.p[0]), 0, 0.25);
        tap_tensor_set_item(tap_param_grad(m.p[0]), 1, (double)INFINITY);
        tap_clip_grad_value(m.root, 0.5);
        assert_true(grad(&m, 0, BIG - 1) == -0.5 && grad(&m, 0, 0) == 0.25 && grad(&m, 0, 1) == 0.5 && isnan(grad(&m, 2, 0)));
        tap_module_free(m.root);
    }
}

/* Clipping does not make a gradient for a parameter that has none: a step would decay it. */
static void test_parameters_without_gradient(void **state)
{
    (void)state;
    model      m = model_new(TAP_F64, 2, 3, 4);
    tap_optim *o = tap_sgd_new(m.root, (tap_sgd_options){ .lr = 0.5, .weight_decay = 1 });
    tap_tensor_fill(tap_param_value(m.p[1]), 1);
    tap_tensor_fill(tap_param_grad(m.p[0]), 1);
    tap_clip_grad_norm(m.root, 1, (tap_clip_options){ 0 });
    tap_clip_grad_value(m.root, 1);
    assert_int_equal(tap_optim_step(o, NULL), TAP_OK);
    assert_true(tap_tensor_item(tap_param_value(m.p[1]), 0) == 1);
    assert_true(tap_tensor_item(tap_param_value(m.p[0]), 0) < 0);
    tap_module_free(m.root);
}

static void test_threads_change_no_bits(void **state)
{
    double one[3] = { 0 };
    (void)state;
    tap__parallel_threshold_for_tests(0);
    for (int threads = 1; threads <= 4; threads++) {
        static const double orders[] = { 1, 2, 3 };
        model               m = model_new(TAP_F32, BIG, -3, 4);
        tap_random_normal(tap_param_grad(m.p[0]), (tap_rng_key){ .seed = 1 });
        tap_set_threads(threads);
        for (int i = 0; i < 3; i++) {
            const double norm = tap_grad_norm(m.root, orders[i]);
            if (threads == 1) one[i] = norm;
            assert_true(norm == one[i]);
        }
        tap_module_free(m.root);
    }
    tap__parallel_threshold_for_tests(25000);
    tap_set_threads(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_norms),
        cmocka_unit_test(test_extreme_norms),
        cmocka_unit_test(test_clip_by_norm),
        cmocka_unit_test(test_clip_nonfinite),
        cmocka_unit_test(test_clip_by_value),
        cmocka_unit_test(test_parameters_without_gradient),
        cmocka_unit_test(test_threads_change_no_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
