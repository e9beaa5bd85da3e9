/* tests/nn/test_init.c: initializers: ranges, moments, and that values depend on seed and path alone. */
#include <math.h>
#include <string.h>

#include "nn/init_fill.h"
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
    assert_normal(moments_of(tap_init_fan_out(tap_init_kaiming_normal(1)), image, sqrt(1.0 / (50 * 20))));
    assert_uniform(moments_of(tap_init_fan_out(tap_init_kaiming_uniform(1)), wide, sqrt(3.0 / 100)));
    assert_uniform(moments_of(tap_init_default(64), flat, 1.0 / 8));
    assert_uniform(moments_of(tap_init_default(64), wide, 1.0 / 8));

    moments between = moments_of(tap_init_uniform_between(2, 3), flat, 1);
    assert_true(fabs(between.mean - 2.5) < 0.011 && between.max_abs <= 3 && between.max_abs > 2.999);
    between = moments_of(tap_init_uniform_between(-3, -1), flat, 1);
    assert_true(fabs(between.mean + 2) < 0.021 && between.max_abs <= 3 && between.max_abs > 2.999);
    assert_true(fabs(moments_of(tap_init_normal_around(-2, 0.25), flat, 1).mean + 2) < 0.009);
    assert_true(moments_of(tap_init_uniform_between(0, 0), flat, 1).max_abs == 0);

    moments zeros = moments_of(tap_init_zeros(), flat, 1), constant = moments_of(tap_init_constant(-3), flat, 1);
    assert_true(zeros.max_abs == 0);
    assert_true(constant.max_abs == 3 && fabs(constant.mean + 3) < 1e-9);
}

static void test_gains(void **state)
{
    (void)state;
    assert_near(tap_calculate_gain("relu", 0), sqrt(2), 1e-15);
    assert_near(tap_calculate_gain("leaky_relu", 0), sqrt(2 / 1.0001), 1e-15);
    assert_near(tap_calculate_gain("leaky_relu", TAP_ZERO), sqrt(2), 1e-15);
    assert_near(tap_calculate_gain("leaky_relu", 2), sqrt(0.4), 1e-15);
    assert_near(tap_calculate_gain("tanh", 0), 5.0 / 3, 1e-15);
    assert_near(tap_calculate_gain("selu", 0), 0.75, 0);
    assert_near(tap_calculate_gain("conv2d", 0), 1, 0);
    assert_true(isnan(tap_calculate_gain("RELU", 0)) && isnan(tap_calculate_gain(NULL, 0)));
}

/* A standard normal variable within -1..1 has variance 1 - 2 phi(1) / (2 Phi(1) - 1). */
static void test_truncated_normal(void **state)
{
    (void)state;
    moments s = moments_of(tap_init_trunc_normal(0, 0.25, -0.25, 0.25), TAP_SHAPE(20000), 0.25);
    assert_true(fabs(s.mean) < 0.02 && fabs(s.variance - 0.29112509) < 0.01);
    assert_true(s.max_abs <= 1 && s.max_abs > 0.999);
    s = moments_of(tap_init_trunc_normal(1, 1, 1.5, 4), TAP_SHAPE(20000), 1);
    assert_true(s.mean > 2.09 && s.mean < 2.18 && s.max_abs <= 4 && s.max_abs > 3.9);
}

/* The matrix [rows,columns] has perpendicular rows or columns of length `gain`. */
static void assert_orthogonal(tap_dtype dtype, tap_shape shape, double gain, double tolerance)
{
    tap_module      *root = tap_module_new(dtype, 5);
    const tap_tensor x = tap_param_value(tap_param_new(root, "w", shape, tap_init_orthogonal(gain)));
    const int64_t    rows = shape.n[0], columns = tap_numel(shape) / rows, k = rows < columns ? rows : columns;
    for (int64_t a = 0; a < k; a++) {
        for (int64_t b = 0; b < k; b++) {
            double sum = 0;
            for (int64_t i = 0; i < (rows < columns ? columns : rows); i++) {
                const int64_t at = rows < columns ? a * columns + i : i * columns + a;
                const int64_t bt = rows < columns ? b * columns + i : i * columns + b;
                sum += tap_tensor_item(x, at) * tap_tensor_item(x, bt);
            }
            assert_near(sum, a == b ? gain * gain : 0, tolerance);
        }
    }
    assert_int_equal(tap_module_status(root, NULL), TAP_OK);
    tap_module_free(root);
}

static void test_orthogonal(void **state)
{
    (void)state;
    assert_orthogonal(TAP_F64, TAP_SHAPE(20, 20), 1, 1e-13);
    assert_orthogonal(TAP_F64, TAP_SHAPE(3, 5, 4), 2, 1e-13);
    assert_orthogonal(TAP_F64, TAP_SHAPE(30, 7), 0.5, 1e-13);
    assert_orthogonal(TAP_F32, TAP_SHAPE(7, 30), 1, 1e-6);
    tap_module *root = tap_module_new(TAP_F32, 5);
    tap_param_new(root, "w", TAP_SHAPE(0, 3), tap_init_orthogonal(1));
    assert_int_equal(tap_module_status(root, NULL), TAP_OK);
    tap_module_free(root);
}

/* The columns of a Hilbert matrix are nearly parallel. */
static void test_orthogonal_to_rounding(void **state)
{
    enum { N = 10 };
    double x[N][N];
    (void)state;
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < N; k++) x[i][k] = 1.0 / (i + k + 1);
    }
    tap__orthogonalize(x[0], N, N);
    for (int a = 0; a < N; a++) {
        for (int b = 0; b < N; b++) {
            double sum = 0;
            for (int i = 0; i < N; i++) sum += x[i][a] * x[i][b];
            assert_near(sum, a == b, 1e-13);
        }
    }
}

static void assert_ones(tap_init how, tap_shape shape, int n, const int64_t *ones)
{
    tap_module      *root = tap_module_new(TAP_F32, 5);
    const tap_tensor x = tap_param_value(tap_param_new(root, "w", shape, how));
    double           sum = 0;
    for (int64_t i = 0; i < tap_numel(shape); i++) sum += fabs(tap_tensor_item(x, i));
    for (int i = 0; i < n; i++) assert_true(tap_tensor_item(x, ones[i]) == 1);
    assert_true(sum == n);
    tap_module_free(root);
}

static void test_identities(void **state)
{
    (void)state;
    assert_ones(tap_init_eye(), TAP_SHAPE(3, 2), 2, (int64_t[]){ 0, 3 });
    assert_ones(tap_init_eye(), TAP_SHAPE(2, 3), 2, (int64_t[]){ 0, 4 });
    assert_ones(tap_init_dirac(1), TAP_SHAPE(3, 2, 3), 2, (int64_t[]){ 1, 10 });
    assert_ones(tap_init_dirac(2), TAP_SHAPE(4, 3, 2, 3), 4, (int64_t[]){ 4, 28, 40, 64 });
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
    assert_refused(tap_init_uniform_between(2, 1), TAP_SHAPE(2),
                   "w: the bounds must be finite numbers in ascending order, not 2 and 1");
    assert_refused(tap_init_uniform_between(0, (double)INFINITY), TAP_SHAPE(2),
                   "w: the bounds must be finite numbers in ascending order, not 0 and inf");
    assert_refused(tap_init_normal_around((double)NAN, 1), TAP_SHAPE(2), "w: the mean must be a finite number, not nan");
    assert_refused(tap_init_kaiming_normal(1), TAP_SHAPE(2),
                   "w: the initializer needs fan_in and fan_out, which shape [2] with fan_in 0 does not give");
    assert_refused(tap_init_xavier_uniform(1), TAP_SHAPE(2),
                   "w: the initializer needs fan_in and fan_out, which shape [2] with fan_in 0 does not give");
    assert_refused(tap_init_default(-4), TAP_SHAPE(2, 2),
                   "w: the initializer needs fan_in and fan_out, which shape [2,2] with fan_in -4 does not give");
    assert_refused(tap_init_fan_out(tap_init_kaiming_normal(1)), TAP_SHAPE(2),
                   "w: the initializer needs fan_in and fan_out, which shape [2] with fan_in 0 does not give");
    assert_refused(tap_init_kaiming_normal(tap_calculate_gain("RELU", 0)), TAP_SHAPE(2, 2),
                   "w: the initializer's value must be a finite number, at least 0, not nan");
    assert_refused(tap_init_trunc_normal(0, 1, 2, 2), TAP_SHAPE(2),
                   "w: trunc_normal needs a standard deviation above 0 and a below b, within 5 of them around the mean, not "
                   "mean 0, std 1, a 2 and b 2");
    assert_refused(tap_init_trunc_normal(0, 1, 6, 7), TAP_SHAPE(2),
                   "w: trunc_normal needs a standard deviation above 0 and a below b, within 5 of them around the mean, not "
                   "mean 0, std 1, a 6 and b 7");
    assert_refused(tap_init_orthogonal(1), TAP_SHAPE(2), "w: orthogonal needs two or more axes, not shape [2]");
    assert_refused(tap_init_eye(), TAP_SHAPE(2, 2, 2), "w: eye needs two axes, not shape [2,2,2]");
    assert_refused(tap_init_dirac(3), TAP_SHAPE(4, 2, 2),
                   "w: dirac needs three to five axes, the first of which the groups divide, not shape [4,2,2] and 3 groups");
    assert_refused(tap_init_dirac(1), TAP_SHAPE(4, 2),
                   "w: dirac needs three to five axes, the first of which the groups divide, not shape [4,2] and 1 groups");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_and_moments),
        cmocka_unit_test(test_gains),
        cmocka_unit_test(test_truncated_normal),
        cmocka_unit_test(test_orthogonal),
        cmocka_unit_test(test_orthogonal_to_rounding),
        cmocka_unit_test(test_identities),
        cmocka_unit_test(test_depends_on_seed_and_path_alone),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
