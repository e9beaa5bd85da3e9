/* Distributions against their definitions: densities that integrate to one, samples with the right moments, entropy and KL as
 * integrals. */
#include <math.h>
#include <string.h>

#include "nn/nn.h"
#include "tests/check.h"

#define PI 3.14159265358979323846

enum { GRID = 4001 };

static tap_var vector(tap_tape *t, int64_t n, double *x)
{
    return tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(n), x));
}

/* The trapezoidal rule over [low, high], which is exact to rounding for these integrands. */
static double integral(const double *f, double low, double high)
{
    double sum = 0;
    for (int i = 0; i < GRID; i++) sum += f[i] * (i == 0 || i == GRID - 1 ? 0.5 : 1);
    return sum * (high - low) / (GRID - 1);
}

static void test_normal_values(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    double    x[] = { 0, 1.5, -2 }, loc[] = { 0, 1, 0.5 }, scale[] = { 1, 0.25, 3 };
    double    log_scale[] = { log(1), log(0.25), log(3) };
    tap_dist  d = tap_normal(vector(t, 3, loc), vector(t, 3, log_scale));
    tap_var   lp = tap_log_prob(d, vector(t, 3, x)), h = tap_entropy(d);
    for (int i = 0; i < 3; i++) {
        double density = exp(-0.5 * pow((x[i] - loc[i]) / scale[i], 2)) / (scale[i] * sqrt(2 * PI));
        assert_near(item(lp, i), log(density), 1e-14);
        assert_near(item(h, i), 0.5 * log(2 * PI * exp(1) * scale[i] * scale[i]), 1e-14);
        assert_true(item(tap_dist_mean(d), i) == loc[i]);
    }
    assert_near(item(lp, 0), -0.918938533204672742, 1e-15);
    assert_tape_ok(t);
    tap_tape_free(t);
}

static void test_normal_integrals(void **state)
{
    (void)state;
    static double x[GRID], p[GRID], h[GRID], m[GRID], kl[GRID];
    const double  low = -30, high = 34;
    tap_tape     *t = tap_tape_new(TAP_F64, 0);
    for (int i = 0; i < GRID; i++) x[i] = low + (high - low) * i / (GRID - 1);
    tap_dist q = tap_normal(tap_scalar(t, 1.25), tap_scalar(t, 0.4));
    tap_dist other = tap_normal(tap_scalar(t, -0.5), tap_scalar(t, 0.9));
    tap_var  lq = tap_log_prob(q, vector(t, GRID, x)), lo = tap_log_prob(other, vector(t, GRID, x));
    for (int i = 0; i < GRID; i++) {
        p[i] = exp(item(lq, i));
        m[i] = p[i] * x[i];
        h[i] = -p[i] * item(lq, i);
        kl[i] = p[i] * (item(lq, i) - item(lo, i));
    }
    assert_near(integral(p, low, high), 1, 1e-12);
    assert_near(integral(m, low, high), tap_item(tap_dist_mean(q)), 1e-12);
    assert_near(integral(h, low, high), tap_item(tap_entropy(q)), 1e-12);
    assert_near(integral(kl, low, high), tap_item(tap_kl(q, other)), 1e-12);
    tap_tape_free(t);
}

static void test_kl_normal(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    double    loc[] = { 0, 1, -3 }, log_scale[] = { 0, -1.5, 0.7 };
    tap_dist  q = tap_normal(vector(t, 3, loc), vector(t, 3, log_scale));
    tap_var   to_prior = tap_kl(q, tap_standard_normal_like(q)), to_itself = tap_kl(q, q);
    for (int i = 0; i < 3; i++) {
        assert_near(item(to_prior, i), 0.5 * (exp(2 * log_scale[i]) + loc[i] * loc[i] - 1 - 2 * log_scale[i]), 1e-14);
        assert_true(item(to_itself, i) == 0);
    }
    /* Near zero it is d^2 where the scales are off by a factor e^d, not rounding. */
    tap_dist near = tap_normal(tap_scalar(t, 0), tap_scalar(t, 1e-7));
    assert_near(tap_item(tap_kl(near, tap_standard_normal_like(near))) / 1e-14, 1, 1e-6);
    assert_tape_ok(t);
    tap_tape_free(t);
}

static void test_broadcasting(void **state)
{
    (void)state;
    tap_tape       *t = tap_tape_new(TAP_F64, 0);
    tap_dist        d = tap_normal(tap_zeros(t, TAP_SHAPE(2, 1)), tap_zeros(t, TAP_SHAPE(3)));
    tap_dist        one = tap_normal(tap_zeros(t, TAP_SHAPE(4)), tap_scalar(t, 0));
    tap_dist        b = tap_bernoulli(tap_zeros(t, TAP_SHAPE(2, 3)));
    const tap_shape shape = TAP_SHAPE(2, 3);
    assert_true(tap_shape_equal(tap_shape_of(tap_sample(d)), shape));
    assert_true(tap_shape_equal(tap_shape_of(tap_entropy(d)), shape));
    assert_true(tap_shape_equal(tap_shape_of(tap_dist_mean(d)), shape));
    assert_true(tap_shape_equal(tap_shape_of(tap_log_prob(d, tap_scalar(t, 1))), shape));
    assert_true(tap_shape_equal(tap_shape_of(tap_kl(d, tap_standard_normal_like(d))), shape));
    assert_true(tap_shape_equal(tap_shape_of(tap_sample_n(d, 5)), TAP_SHAPE(5, 2, 3)));
    assert_true(tap_shape_equal(tap_shape_of(tap_sample_n(d, 0)), TAP_SHAPE(0, 2, 3)));
    assert_true(tap_shape_equal(tap_shape_of(tap_sample_from(d, tap_zeros(t, TAP_SHAPE(7, 2, 3)))), TAP_SHAPE(7, 2, 3)));
    assert_true(tap_shape_equal(tap_shape_of(tap_entropy(one)), TAP_SHAPE(4)));
    assert_true(tap_shape_equal(tap_shape_of(tap_sample(b)), shape));
    assert_true(tap_shape_equal(tap_shape_of(tap_sample_n(b, 5)), TAP_SHAPE(5, 2, 3)));
    assert_tape_ok(t);
    tap_tape_free(t);
}

static void test_normal_samples(void **state)
{
    (void)state;
    const int64_t n = 20000;
    tap_tape     *t = tap_tape_new(TAP_F64, 3);
    double        loc[] = { -1, 2 }, log_scale[] = { log(0.5), log(3) };
    tap_dist      d = tap_normal(vector(t, 2, loc), vector(t, 2, log_scale));
    tap_var       z = tap_sample_n(d, n);
    for (int k = 0; k < 2; k++) {
        double mean = 0, variance = 0, scale = exp(log_scale[k]);
        for (int64_t i = 0; i < n; i++) {
            double u = (item(z, 2 * i + k) - loc[k]) / scale;
            mean += u / (double)n;
            variance += u * u / (double)n;
        }
        assert_near(mean, 0, 5 / sqrt((double)n));
        assert_near(variance, 1, 5 * sqrt(2 / (double)n));
    }
    double  noise[] = { 2, -1 };
    tap_var from = tap_sample_from(d, vector(t, 2, noise));
    assert_near(item(from, 0), 0, 1e-15);
    assert_near(item(from, 1), -1, 1e-14);
    assert_true(item(tap_sample(d), 0) != item(tap_sample(d), 0)); /* draws of a step differ */
    tap_tape_free(t);
}

/* d mean(z^2) / d loc = 2 mean(z), and by log_scale 2 mean(z scale noise): gradients go through the sample. */
static void test_samples_are_reparameterized(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    double    loc = 0.5, log_scale = -0.25, eps = 1.75;
    tap_var   x[] = { tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &loc)),
                      tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &log_scale)) };
    tap_var   dx[2], z = tap_sample_from(tap_normal(x[0], x[1]), tap_scalar(t, eps));
    tap_grad(tap_square(z), 2, x, dx);
    assert_near(tap_item(dx[0]), 2 * tap_item(z), 1e-14);
    assert_near(tap_item(dx[1]), 2 * tap_item(z) * exp(log_scale) * eps, 1e-14);

    tap_var h = tap_entropy(tap_normal(x[0], x[1]));
    tap_grad(h, 2, x, dx); /* the paper's 5.4: entropy moves with log sigma alone, at rate 1 */
    assert_true(tap_item(dx[0]) == 0 && tap_item(dx[1]) == 1);

    tap_var hard = tap_sample(tap_bernoulli(x[0]));
    tap_grad(tap_mul(hard, tap_sub(hard, x[1])), 1, x, dx);
    assert_true(tap_item(dx[0]) == 0);
    assert_tape_ok(t);
    tap_tape_free(t);
}

static void test_bernoulli(void **state)
{
    (void)state;
    const int64_t n = 20000;
    tap_tape     *t = tap_tape_new(TAP_F64, 5);
    double        logits[] = { -1.2, 0, 2.5 }, one[] = { 1, 1, 1 }, zero[] = { 0, 0, 0 }, other[] = { 0.3, -2, 2.5 };
    tap_dist      d = tap_bernoulli(vector(t, 3, logits)), e = tap_bernoulli(vector(t, 3, other));
    tap_var       l1 = tap_log_prob(d, vector(t, 3, one)), l0 = tap_log_prob(d, vector(t, 3, zero));
    tap_var       z = tap_sample_n(d, n), kl = tap_kl(d, e);
    for (int k = 0; k < 3; k++) {
        double p = 1 / (1 + exp(-logits[k])), r = 1 / (1 + exp(-other[k])), mean = 0;
        assert_near(item(l1, k), log(p), 1e-14);
        assert_near(item(l0, k), log(1 - p), 1e-14);
        assert_near(item(tap_dist_mean(d), k), p, 1e-15);
        assert_near(item(tap_entropy(d), k), -p * log(p) - (1 - p) * log(1 - p), 1e-14);
        assert_near(item(kl, k), p * log(p / r) + (1 - p) * log((1 - p) / (1 - r)), 1e-14);
        for (int64_t i = 0; i < n; i++) {
            double x = item(z, 3 * i + k);
            assert_true(x == 0 || x == 1);
            mean += x / (double)n;
        }
        assert_near(mean, p, 5 * sqrt(p * (1 - p) / (double)n));
    }
    double  noise[] = { 0.2, 0.5, 0.92 };
    tap_var from = tap_sample_from(d, vector(t, 3, noise));
    assert_true(item(from, 0) == 1 && item(from, 1) == 0 && item(from, 2) == 1); /* P(1) = 0.231, 0.5, 0.924 */
    assert_tape_ok(t);
    tap_tape_free(t);
}

static void test_bernoulli_is_stable(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    double    logits[] = { -800, 800 }, right[] = { 0, 1 }, wrong[] = { 1, 0 };
    tap_dist  d = tap_bernoulli(vector(t, 2, logits));
    for (int i = 0; i < 2; i++) {
        assert_true(item(tap_log_prob(d, vector(t, 2, right)), i) == 0);
        assert_true(item(tap_log_prob(d, vector(t, 2, wrong)), i) == -800);
        assert_true(item(tap_entropy(d), i) == 0);
        assert_true(item(tap_kl(d, d), i) == 0);
    }
    tap_tape_free(t);
}

static void test_float32(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F32, 0);
    tap_dist  d = tap_normal(tap_scalar(t, 1), tap_scalar(t, 0.5)), b = tap_bernoulli(tap_scalar(t, 0.25));
    assert_int_equal(tap_value(tap_sample(d)).dtype, TAP_F32);
    assert_int_equal(tap_value(tap_sample(b)).dtype, TAP_F32);
    assert_near(tap_item(tap_log_prob(d, tap_scalar(t, 2))), -0.91893853320467274 - 0.5 - 0.5 * exp(-1), 1e-6);
    assert_near(tap_item(tap_log_prob(b, tap_sample(b))), tap_item(tap_log_prob(b, tap_scalar(t, 1))), 1);
    assert_tape_ok(t);
    tap_tape_free(t);
}

static tap_tape *new_tape(void)
{
    return tap_tape_new(TAP_F64, 0);
}

static void test_errors(void **state)
{
    (void)state;
    tap_tape *t = new_tape();
    tap_kl(tap_normal(tap_scalar(t, 0), tap_scalar(t, 0)), tap_bernoulli(tap_scalar(t, 0)));
    assert_tape_error_and_free(t, TAP_EARG, "kl: [] x [] x []: no closed form for KL(normal || bernoulli)");

    t = new_tape();
    tap_kl(tap_normal(tap_scalar(t, 0), tap_scalar(t, 0)), (tap_dist){ 0 });
    assert_tape_error_and_free(t, TAP_EARG, "kl: [] x []: no closed form for KL(normal || nothing)");

    t = new_tape();
    tap_sample(tap_normal(tap_zeros(t, TAP_SHAPE(2)), tap_zeros(t, TAP_SHAPE(3))));
    assert_tape_error_and_free(t, TAP_ESHAPE, "sample: [2] x [3]: the parameters of a normal must broadcast, not [2] and [3]");

    /* What has no shape has that of a scalar. */
    t = new_tape();
    assert_int_equal(tap_dist_batch_shape(tap_normal(tap_zeros(t, TAP_SHAPE(2, 5)), tap_scalar(t, 0))).rank, 2);
    assert_int_equal(tap_dist_batch_shape((tap_dist){ 0 }).rank, 0); /* nor what the call before left behind */
    tap_dist unfit = tap_isotropic_normal(tap_zeros(t, TAP_SHAPE(2, 5)), tap_zeros(t, TAP_SHAPE(3)));
    assert_int_equal(tap_dist_batch_shape(unfit).rank, 0);
    assert_int_equal(tap_dist_event_shape(unfit).rank, 0);
    assert_tape_error_and_free(t, TAP_ESHAPE,
                               "dist_batch_shape: the parameters of an isotropic_normal must broadcast, not [2,5] and [3]");

    t = new_tape();
    tap_sample_n(tap_bernoulli(tap_zeros(t, TAP_SHAPE(2))), -1);
    assert_tape_error_and_free(t, TAP_EARG, "sample_n: [2]: n must be at least 0, not -1");

    t = new_tape();
    tap_sample_n(tap_bernoulli(tap_zeros(t, TAP_SHAPE(1, 1, 1, 1, 1, 1, 1, 1))), 2);
    assert_tape_error_and_free(t, TAP_EARG,
                               "sample_n: [1,1,1,1,1,1,1,1]: n samples of shape [1,1,1,1,1,1,1,1] would have more than 8 axes");

    t = new_tape();
    tap_log_prob((tap_dist){ .param = { tap_scalar(t, 0) } }, tap_scalar(t, 0));
    assert_tape_error_and_free(t, TAP_EARG, "log_prob: [] x []: the distribution was never made");

    t = new_tape();
    tap_dist stale = tap_normal(tap_scalar(t, 0), tap_scalar(t, 0));
    tap_tape_reset(t);
    tap_entropy(stale);
    assert_int_equal(tap_tape_status(t, NULL), TAP_ESTALE);
    tap_tape_free(t);

    /* No tape at all: nothing to fail, nothing to crash. */
    const tap_dist none = { 0 };
    const tap_var  nothing = { 0 };
    assert_null(tap_sample(none).tape);
    assert_null(tap_sample_n(none, 2).tape);
    assert_null(tap_sample_from(none, nothing).tape);
    assert_null(tap_log_prob(none, nothing).tape);
    assert_null(tap_entropy(none).tape);
    assert_null(tap_dist_mean(none).tape);
    assert_null(tap_kl(none, none).tape);
    assert_null(tap_sample(tap_normal(nothing, nothing)).tape);
    assert_null(tap_entropy(tap_bernoulli(nothing)).tape);
    assert_null(tap_kl(tap_standard_normal_like(none), tap_normal(nothing, nothing)).tape);
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal_values),
        cmocka_unit_test(test_normal_integrals),
        cmocka_unit_test(test_kl_normal),
        cmocka_unit_test(test_broadcasting),
        cmocka_unit_test(test_normal_samples),
        cmocka_unit_test(test_samples_are_reparameterized),
        cmocka_unit_test(test_bernoulli),
        cmocka_unit_test(test_bernoulli_is_stable),
        cmocka_unit_test(test_float32),
        cmocka_unit_test(test_errors),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
