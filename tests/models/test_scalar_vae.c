/* tests/models/test_scalar_vae.c: training the scalar VAE ends in the family of its optima from any start; and its limit,
 * standardization. */
#include <math.h>
#include <stdio.h>

#include "models/models.h"
#include "tests/check.h"

static const double mu = 1, sigma = 2, best = -2.112085713764618; /* of data from N(1, 4): -log(2 pi e sigma^2) / 2 */

enum { BATCH = 1024, STEPS = 2000 };

static double get(const tap_param *p)
{
    return tap_tensor_item(tap_param_value(p), 0);
}

static void set(tap_param *p, double value)
{
    tap_tensor_set_item(tap_param_value(p), 0, value);
}

/* One draw of z for each x, fresh data for each step. */
static tap_var loss(const tap_scalar_vae *m, tap_var x)
{
    const tap_estimator e = TAP_STICKING_THE_LANDING;
    tap_dist            q = tap_scalar_vae_encode(m, x);
    tap_var             z = tap_sample_n(q, 1);
    tap_bound_terms     d = { .log_px_z = tap_log_prob(tap_scalar_vae_decode(m, z), x),
                              .log_pz = tap_log_prob(tap_standard_normal_like(q), z),
                              .log_q = tap_log_prob(tap_estimator_posterior(e, q), z) };
    return tap_neg(tap_mean(tap_variational_bound(d, (tap_bound_options){ .estimator = e }), TAP_ALL));
}

static void train(const tap_scalar_vae *m, tap_module *root, uint64_t seed)
{
    tap_tape  *t = tap_tape_new(TAP_F64, seed);
    tap_optim *sgd = tap_sgd_new(root, (tap_sgd_options){ .lr = 1 });
    for (int step = 0; step < STEPS; step++) {
        tap_tape_reset(t);
        tap_var x = tap_add_scalar(tap_mul_scalar(tap_randn(t, TAP_SHAPE(BATCH)), sigma), mu);
        tap_backward(loss(m, x));
        tap_optim_set_lr(sgd, 0.1 * pow(1 - step / (STEPS + 1.0), 2));
        tap_optim_step(sgd, t);
    }
    assert_tape_ok(t);
    tap_tape_free(t);
}

/* The mean of the ELBO over N(mu, sigma^2): it is a quadratic in x, so that the mean of two points is exact. */
static double mean_elbo(const tap_scalar_vae *m)
{
    double    x[] = { mu - sigma, mu + sigma };
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    double mean = tap_item(tap_mean(tap_scalar_vae_elbo(m, tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), x))), TAP_ALL));
    tap_tape_free(t);
    return mean;
}

static void test_training_reaches_the_family(void **state)
{
    static const double starts[][6] = { /* a, b, log t, c, v, log s */
                                        { 0.5, 0, 0, 0.5, 0, 0 },
                                        { -1, 1, 0.5, -0.5, 2, 0.3 },
                                        { 0.2, -0.5, -1, 1.5, -1, 0.7 },
                                        { 1, 0.3, -0.5, 2, 1.5, 1 },
                                        { -0.3, 0.5, 0.2, -1.2, 0, 0.5 }
    };
    (void)state;
    for (size_t k = 0; k < sizeof starts / sizeof *starts; k++) {
        tap_module    *root = tap_module_new(TAP_F64, 0);
        tap_scalar_vae m;
        tap_scalar_vae_init(&m, root);
        tap_param *p[] = { m.a, m.b, m.log_t, m.c, m.v, m.log_s };
        for (int i = 0; i < 6; i++) set(p[i], starts[k][i]);
        train(&m, root, k);
        const double a = get(m.a), b = get(m.b), t = exp(get(m.log_t)), c = get(m.c), v = get(m.v), s = exp(get(m.log_s));
        print_message("from start %zu: c = %.4f, s = %.4f, ELBO %.6f\n", k + 1, c, s, mean_elbo(&m));
        assert_near_msg("v", v, mu, 0.01 * mu);
        assert_near_msg("c^2 + s^2", c * c + s * s, sigma * sigma, 0.01 * sigma * sigma);
        assert_near_msg("a", a, c / (sigma * sigma), 0.01 * fabs(c) / (sigma * sigma));
        assert_near_msg("b", b, -c * mu / (sigma * sigma), 0.01 * fabs(c * mu) / (sigma * sigma));
        assert_near_msg("t", t, s / sigma, 0.01 * s / sigma);
        assert_near_msg("ELBO", mean_elbo(&m), best, 0.002);
        tap_module_free(root);
    }
}

/* ELBO in closed form against its integral over z by the trapezoidal rule, away from any optimum. */
static void test_elbo_by_quadrature(void **state)
{
    (void)state;
    const double   a = 0.7, b = -0.4, t = 0.6, c = 1.3, v = 0.2, s = 0.9, log_2pi = 1.83787706640934548356;
    double         xs[] = { -2, 0.5, 3 };
    tap_module    *root = tap_module_new(TAP_F64, 0);
    tap_tape      *tape = tap_tape_new(TAP_F64, 0);
    tap_scalar_vae m;
    tap_scalar_vae_init(&m, root);
    set(m.a, a), set(m.b, b), set(m.log_t, log(t)), set(m.c, c), set(m.v, v), set(m.log_s, log(s));
    tap_tensor elbo = tap_value(tap_scalar_vae_elbo(&m, tap_input(tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), xs))));
    for (int i = 0; i < 3; i++) {
        double sum = 0, h = 0.01;
        for (int k = -1200; k <= 1200; k++) {
            double u = k * h, z = a * xs[i] + b + t * u, q = exp(-u * u / 2) / sqrt(2 * 3.14159265358979323846);
            double log_q = -u * u / 2 - log(t) - log_2pi / 2, log_p = -z * z / 2 - log_2pi / 2;
            log_p += -0.5 * pow((xs[i] - c * z - v) / s, 2) - log(s) - log_2pi / 2;
            sum += h * q * (log_p - log_q);
        }
        assert_near_msg("ELBO", tap_tensor_item(elbo, i), sum, 1e-12);
    }
    assert_int_equal(tap_tape_status(tape, NULL), TAP_OK);
    tap_tape_free(tape);
    tap_module_free(root);
}

/* In the limit s -> 0 of the optima the encoder becomes z = (x - mu) / sigma with no spread, the decoder mu + sigma z. */
static void test_limit_is_the_standardizing_pair(void **state)
{
    (void)state;
    double         xs[] = { -3, 0, 1, 4.5 };
    tap_tape      *tape = tap_tape_new(TAP_F64, 0);
    tap_module    *root = tap_module_new(TAP_F64, 0);
    tap_var        x = tap_input(tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(4), xs));
    tap_var        z = tap_div(tap_sub(x, tap_scalar(tape, mu)), tap_scalar(tape, sigma));
    tap_var        back = tap_add(tap_scalar(tape, mu), tap_mul(tap_scalar(tape, sigma), z));
    tap_scalar_vae m;
    tap_scalar_vae_init(&m, root);
    for (double s = 1; s > 1e-6; s /= 8) {
        const double c = sqrt(sigma * sigma - s * s), a = c / (sigma * sigma);
        set(m.a, a), set(m.b, -a * mu), set(m.log_t, log(s / sigma)), set(m.c, c), set(m.v, mu), set(m.log_s, log(s));
        assert_near_msg("ELBO", mean_elbo(&m), best, 1e-10);
        tap_tensor loc = tap_value(tap_scalar_vae_encode(&m, x).param[0]),
                   out = tap_value(tap_scalar_vae_decode(&m, z).param[0]);
        for (int i = 0; i < 4; i++) {
            assert_near_msg("z", tap_tensor_item(loc, i), (xs[i] - mu) / sigma, s * s);
            assert_near_msg("x^", tap_tensor_item(out, i), xs[i], s * s);
            assert_near_msg("x", tap_tensor_item(tap_value(back), i), xs[i], 1e-15);
        }
    }
    assert_int_equal(tap_tape_status(tape, NULL), TAP_OK);
    tap_tape_free(tape);
    tap_module_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_reaches_the_family),
        cmocka_unit_test(test_elbo_by_quadrature),
        cmocka_unit_test(test_limit_is_the_standardizing_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
