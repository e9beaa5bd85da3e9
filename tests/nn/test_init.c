/* tests/nn/test_init.c: initializers: ranges, moments, and that values depend on seed and path alone. */
#include <math.h>
#include <string.h>

#include "nn/nn.h"
#include "tests/check.h"

/* Mean, variance and largest magnitude of a parameter, in units of `size`. */
typedef struct {
    double mean, variance, max_abs;
} moments;

static moments moments_of(tap_init how, tap_shape shape, double size)
{
    moments     s = { 0 };
    tap_module *root = tap_module_new(TAP_F64, 11);
    tap_tensor  v = tap_param_value(tap_param_new(root, "w", shape, how));
    int64_t     n = tap_tensor_numel(v);
    assert_int_equal(tap_module_status(root, NULL), TAP_OK);
    for (int64_t i = 0; i < n; i++) {
        double x = tap_tensor_item(v, i) / size;
        s.mean += x / (double)n;
        s.variance += x * x / (double)n;
        s.max_abs = fmax(s.max_abs, fabs(x));
    }
    tap_module_free(root);
    return s;
}

/* Tolerances are about five standard deviations of 20000 samples. */
static void assert_uniform(moments s)
{
    assert_true(fabs(s.mean) < 0.021 && fabs(s.variance - 1.0 / 3) < 0.011);
    assert_true(s.max_abs <= 1 + 1e-15 && s.max_abs > 0.998);
}

static void assert_normal(moments s)
{
    assert_true(fabs(s.mean) < 0.036 && fabs(s.variance - 1) < 0.05);
    assert_true(s.max_abs > 3 && s.max_abs < 6);
}

static void test_ranges_and_moments(void **state)
{
    (void)state;
    const tap_shape wide = TAP_SHAPE(100, 200), image = TAP_SHAPE(50, 20, 4, 5), flat = TAP_SHAPE(20000);
    assert_uniform(moments_of(tap_init_uniform(0.25), flat, 0.25));
    assert_normal(moments_of(tap_init_normal(0.25), flat, 0.25));
    assert_uniform(moments_of(tap_init_xavier_uniform(2), wide, 2 * sqrt(6.0 / 300)));
    assert_normal(moments_of(tap_init_xavier_normal(2), wide, 2 * sqrt(2.0 / 300)));
    assert_uniform(moments_of(tap_init_xavier_uniform(1), image, sqrt(6.0 / (20 * 20 + 50 * 20))));
    assert_uniform(moments_of(tap_init_kaiming_uniform(sqrt(2)), wide, sqrt(6.0 / 200)));
    assert_normal(moments_of(tap_init_kaiming_normal(sqrt(2)), wide, sqrt(2.0 / 200)));
    assert_normal(moments_of(tap_init_kaiming_normal(1), image, sqrt(1.0 / (20 * 20))));
    assert_uniform(moments_of(tap_init_default(64), flat, 1.0 / 8));
    assert_uniform(moments_of(tap_init_default(64), wide, 1.0 / 8));

    moments zeros = moments_of(tap_init_zeros(), flat, 1), constant = moments_of(tap_init_constant(-3), flat, 1);
    assert_true(zeros.max_abs == 0);
    assert_true(constant.max_abs == 3 && fabs(constant.mean + 3) < 1e-9);
}

static void read_param(tap_dtype dtype, uint64_t seed, const char *before, const char *child, double out[8])
{
    tap_module *root = tap_module_new(dtype, seed);
    if (before) tap_param_new(root, before, TAP_SHAPE(5), tap_init_normal(1));
    tap_param *p = tap_param_new(tap_module_child(root, child), "w", TAP_SHAPE(8), tap_init_normal(1));
    for (int i = 0; i < 8; i++) out[i] = tap_tensor_item(tap_param_value(p), i);
    tap_module_free(root);
}

static void test_depends_on_seed_and_path_alone(void **state)
{
    (void)state;
    double a[8], b[8];
    read_param(TAP_F64, 3, NULL, "enc", a);
    read_param(TAP_F64, 3, "other", "enc", b);
    assert_memory_equal(a, b, sizeof a);
    read_param(TAP_F64, 4, NULL, "enc", b);
    for (int i = 0; i < 8; i++) assert_true(a[i] != b[i]);
    read_param(TAP_F64, 3, NULL, "dec", b);
    for (int i = 0; i < 8; i++) assert_true(a[i] != b[i]);
    read_param(TAP_F32, 3, NULL, "enc", b);
    for (int i = 0; i < 8; i++) assert_true(fabs(a[i] - b[i]) < 1e-6);
}

static void assert_refused(tap_init how, tap_shape shape, const char *expected)
{
    const char *message;
    tap_module *root = tap_module_new(TAP_F32, 0);
    tap_param_new(root, "w", shape, how);
    assert_int_equal(tap_module_status(root, &message), TAP_EARG);
    assert_string_equal(message, expected);
    assert_int_equal(tap_module_numel(root), 0);
    tap_module_free(root);
}

static void test_errors(void **state)
{
    (void)state;
    assert_refused((tap_init){ .how = 99 }, TAP_SHAPE(2), "w: the initializer must be one of tap_init's, not 99");
    assert_refused(tap_init_uniform(-1), TAP_SHAPE(2),
                   "w: the initializer's value must be a finite number, at least 0, not -1");
    assert_refused(tap_init_normal((double)INFINITY), TAP_SHAPE(2),
                   "w: the initializer's value must be a finite number, at least 0, not inf");
    assert_refused(tap_init_kaiming_normal(1), TAP_SHAPE(2),
                   "w: the initializer needs fan_in and fan_out, which shape [2] with fan_in 0 does not give");
    assert_refused(tap_init_xavier_uniform(1), TAP_SHAPE(2),
                   "w: the initializer needs fan_in and fan_out, which shape [2] with fan_in 0 does not give");
    assert_refused(tap_init_default(-4), TAP_SHAPE(2, 2),
                   "w: the initializer needs fan_in and fan_out, which shape [2,2] with fan_in -4 does not give");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_and_moments),
        cmocka_unit_test(test_depends_on_seed_and_path_alone),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
