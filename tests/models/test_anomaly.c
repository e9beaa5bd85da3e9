/* tests/models/test_anomaly.c: the anomaly scores of a VAE against closed forms, where the decoder is linear and z a scalar,
 * and against their formulas in plain C. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/models.h"
#include "tests/check.h"
#include "tensor/parallel.h"

enum { BATCH = 3, DATA = 4, HIDDEN = 2, DRAWS = 200000 };

static const double LOG_2PI = 1.83787706640934548356, SIGMA = 0.5;

static double images[BATCH][DATA] = { { 0.3, 0, 1, 0.1 }, { 0, 0, 0, 0.2 }, { 1, 0.5, 0.8, 0.5 } };

typedef struct {
    tap_vae     vae;
    tap_module *root;
    tap_tape   *tape;
    tap_var     x;
} fixture;

static fixture fixture_of(tap_vae_options o)
{
    fixture s = { .root = tap_module_new(TAP_F64, 3), .tape = tap_tape_new(TAP_F64, 8) };
    o.data = DATA;
    o.n_hidden = 1;
    o.hidden[0] = HIDDEN;
    tap_vae_init(&s.vae, s.root, o);
    assert_int_equal(tap_module_status(s.root, NULL), TAP_OK);
    s.x = tap_input(s.tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH, DATA), images));
    return s;
}

/* x = A z + b + SIGMA noise */
static fixture linear_fixture(void)
{
    return fixture_of((tap_vae_options){
        .latent = 1, .likelihood = TAP_VAE_GAUSSIAN, .sigma = SIGMA, .activation = tap_identity, .mean = tap_identity });
}

static fixture bernoulli_fixture(void)
{
    return fixture_of((tap_vae_options){ .latent = 2, .activation = tap_tanh });
}

static void fixture_end(fixture *s)
{
    assert_tape_ok(s->tape);
    tap_tape_free(s->tape);
    tap_module_free(s->root);
}

/* Exact values of image i under the linear decoder x = A z + b + SIGMA noise. */
typedef struct {
    double log_p, loc, log_scale; /* the posterior is N(loc, exp(2 log_scale)) */
    double residual2, a2;         /* |x - b|^2 and |A|^2 */
    double a_dot_residual;        /* A . (x - b) */
} exact_values;

static exact_values exact_values_of(const fixture *s, int i)
{
    const double zero[] = { 0 }, one[] = { 1 };
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    tap_var      at_0 =
        tap_dist_mean(tap_vae_decode(&s->vae, tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(1, 1), (void *)zero))));
    tap_var at_1 = tap_dist_mean(tap_vae_decode(&s->vae, tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(1, 1), (void *)one))));
    exact_values k = { 0 };
    for (int j = 0; j < DATA; j++) {
        const double a = item(at_1, j) - item(at_0, j), d = images[i][j] - item(at_0, j);
        k.residual2 += d * d, k.a2 += a * a, k.a_dot_residual += a * d;
    }
    tap_tape_free(t);
    const double s2 = SIGMA * SIGMA, precision = 1 + k.a2 / s2;
    k.loc = k.a_dot_residual / s2 / precision;
    k.log_scale = -log(precision) / 2;
    /* Woodbury: x^T C^-1 x = |x|^2 / s^2 - (A.x)^2 / s^4 / precision, det C = s^2d precision */
    k.log_p = -0.5 * (DATA * (LOG_2PI + log(s2)) + log(precision) + k.residual2 / s2 -
                      k.a_dot_residual * k.a_dot_residual / s2 / s2 / precision);
    return k;
}

/* E log p(x|z) for z ~ N(loc, exp(2 log_scale)) */
static double expected_rec(const exact_values *k, double loc, double log_scale)
{
    const double square = k->residual2 - 2 * loc * k->a_dot_residual + (loc * loc + exp(2 * log_scale)) * k->a2;
    return -0.5 * (square / (SIGMA * SIGMA) + DATA * (LOG_2PI + 2 * log(SIGMA)));
}

static void test_linear_decoder_against_closed_forms(void **state)
{
    (void)state;
    fixture  s = linear_fixture();
    tap_dist q = tap_vae_encode(&s.vae, s.x), best = tap_vae_fit(&s.vae, s.x, (tap_fit_options){ .steps = 2000, .lr = 0.05 });
    tap_var  rec = tap_vae_reconstruction_log_prob(&s.vae, s.x, DRAWS), log_p = tap_vae_log_likelihood(&s.vae, s.x, DRAWS),
            regret = tap_vae_regret(&s.vae, s.x, DRAWS, (tap_fit_options){ .steps = 2000, .lr = 0.05 }),
            deviance = tap_vae_deviance(&s.vae, s.x, NULL);
    assert_true(tap_shape_equal(tap_shape_of(rec), TAP_SHAPE(BATCH)) && tap_shape_equal(tap_shape_of(log_p), TAP_SHAPE(BATCH)));
    assert_true(tap_shape_equal(tap_shape_of(regret), TAP_SHAPE(BATCH)) &&
                tap_shape_equal(tap_shape_of(deviance), TAP_SHAPE(BATCH)));
    for (int i = 0; i < BATCH; i++) {
        const exact_values k = exact_values_of(&s, i);
        const double       loc = item(q.param[0], i), log_scale = item(q.param[1], i);
        const double kl = 0.5 * (loc * loc + exp(2 * log_scale) - 1) - log_scale, elbo = expected_rec(&k, loc, log_scale) - kl;
        assert_near(item(rec, i), expected_rec(&k, loc, log_scale), 0.02);
        assert_near(item(log_p, i), k.log_p, 0.01);
        assert_near(item(best.param[0], i), k.loc, 1e-3);
        assert_near(item(best.param[1], i), k.log_scale, 1e-3);
        assert_near(item(regret, i), k.log_p - elbo, 0.02);
        assert_near(item(deviance, i), (k.residual2 - 2 * loc * k.a_dot_residual + loc * loc * k.a2) / (2 * SIGMA * SIGMA),
                    1e-12);
    }
    fixture_end(&s);
}

/* The fitted q maximizes the ELBO, and steps, lr and seed have their effect. */
static void test_fit_starts_at_the_encoder_and_reaches_the_optimum(void **state)
{
    (void)state;
    fixture s = linear_fixture();
    tap_var start = tap_vae_encode(&s.vae, s.x).param[0],
            one = tap_vae_fit(&s.vae, s.x, (tap_fit_options){ .steps = 1 }).param[0],
            other = tap_vae_fit(&s.vae, s.x, (tap_fit_options){ .steps = 1, .lr = 0.3 }).param[0],
            defaults = tap_vae_fit(&s.vae, s.x, (tap_fit_options){ 0 }).param[0],
            explicit_defaults = tap_vae_fit(&s.vae, s.x, (tap_fit_options){ .steps = 100, .lr = 0.1 }).param[0],
            seeded = tap_vae_fit(&s.vae, s.x, (tap_fit_options){ .seed = 1 }).param[0];
    for (int i = 0; i < BATCH; i++) {
        const exact_values k = exact_values_of(&s, i);
        assert_near(fabs(item(one, i) - item(start, i)), 0.1, 1e-6); /* Adam's first step has the size of lr */
        assert_near(item(other, i) - item(start, i), 3 * (item(one, i) - item(start, i)), 1e-6);
        assert_near(item(defaults, i), k.loc, 0.05);
        assert_true(item(defaults, i) == item(explicit_defaults, i));
        assert_true(item(defaults, i) != item(seeded, i));
    }
    fixture_end(&s);
}

static double bernoulli_kl(double p, double q)
{
    return (p > 0 ? p * log(p / q) : 0) + (p < 1 ? (1 - p) * log((1 - p) / (1 - q)) : 0);
}

/* The mean of each pixel and the next one. */
static tap_var average_with_next(tap_var x)
{
    return tap_mul_scalar(tap_add(x, tap_roll(x, 1, (int64_t[]){ -1 }, (int[]){ 1 })), 0.5);
}

static void test_deviance_by_formula(void **state)
{
    (void)state;
    fixture s = bernoulli_fixture();
    tap_var plain = tap_vae_deviance(&s.vae, s.x, NULL), filtered = tap_vae_deviance(&s.vae, s.x, average_with_next);
    tap_var back = tap_vae_reconstruct(&s.vae, s.x),
            rec = tap_sum(tap_log_prob(tap_vae_decode(&s.vae, tap_vae_encode(&s.vae, s.x).param[0]), s.x), TAP_LAST);
    for (int i = 0; i < BATCH; i++) {
        double expected = 0, expected_filtered = 0, saturated = 0;
        for (int j = 0; j < DATA; j++) {
            const double x = images[i][j], y = images[i][(j + 1) % DATA], p = item(back, i * DATA + j),
                         q = item(back, i * DATA + (j + 1) % DATA);
            expected += bernoulli_kl(x, p);
            expected_filtered += bernoulli_kl((x + y) / 2, (p + q) / 2);
            saturated += (x > 0 ? x * log(x) : 0) + (x < 1 ? (1 - x) * log(1 - x) : 0);
        }
        assert_near(item(plain, i), expected, 1e-12);
        assert_near(item(plain, i), saturated - item(rec, i), 1e-12);
        assert_near(item(filtered, i), expected_filtered, 1e-12);
    }
    fixture_end(&s);
}

/* sigma(z) differs from pixel to pixel. */
static void test_deviance_with_sigma_by_the_decoder(void **state)
{
    (void)state;
    fixture s =
        fixture_of((tap_vae_options){ .latent = 2, .likelihood = TAP_VAE_GAUSSIAN, .sigma_kind = TAP_VAE_SIGMA_BY_DECODER });
    tap_var  deviance = tap_vae_deviance(&s.vae, s.x, average_with_next);
    tap_dist p = tap_vae_decode(&s.vae, tap_vae_encode(&s.vae, s.x).param[0]);
    for (int i = 0; i < BATCH; i++) {
        double expected = 0;
        for (int j = 0; j < DATA; j++) {
            const int    next = i * DATA + (j + 1) % DATA;
            const double d =
                (images[i][j] + images[i][(j + 1) % DATA] - item(p.param[0], i * DATA + j) - item(p.param[0], next)) / 2;
            expected += d * d / (2 * exp(2 * item(p.param[1], i * DATA + j)));
        }
        assert_near(item(deviance, i), expected, 1e-12);
    }
    fixture_end(&s);
}

static void test_regret_is_positive_and_spares_the_model(void **state)
{
    (void)state;
    fixture    s = bernoulli_fixture();
    tap_param *weight = tap_module_param(s.root, "enc.0.weight");
    for (tap_param *p = tap_module_next(s.root, NULL); p;
         p = tap_module_next(s.root, p)) /* an encoder far from the posterior */
        for (int64_t i = 0; i < tap_tensor_numel(tap_param_value(p)); i++)
            tap_tensor_set_item(tap_param_value(p), i, 3 * tap_tensor_item(tap_param_value(p), i));
    tap_var regret = tap_vae_regret(&s.vae, s.x, 200, (tap_fit_options){ .steps = 300 });
    for (int i = 0; i < BATCH; i++) assert_true(item(regret, i) > 0.01);
    assert_near(item(tap_vae_regret(&s.vae, s.x, 3, (tap_fit_options){ .lr = 1e-12 }), 0), 0,
                1e-8); /* the same draws for both */
    for (int64_t i = 0; i < tap_tensor_numel(tap_param_grad(weight)); i++)
        assert_true(tap_tensor_item(tap_param_grad(weight), i) == 0);
    fixture_end(&s);
}

/* ---- Gradients, with fixed noise --------------------------------------------------------------------------------- */

static tap_var scores(tap_tape *t, void *ctx)
{
    const tap_vae *v = ctx;
    tap_var        x = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH, DATA), images));
    tap_var        s[] = { tap_vae_reconstruction_log_prob(v, x, 3), tap_vae_log_likelihood(v, x, 4),
                           tap_vae_deviance(v, x, average_with_next) };
    return tap_stack(3, s, 0);
}

static void test_gradients(void **state)
{
    (void)state;
    fixture              s = bernoulli_fixture();
    tap_gradcheck_result r = tap_module_gradcheck(s.root, scores, &s.vae, (tap_gradcheck_options){ 0 });
    if (!r.ok) fail_msg("%s", r.message);
    fixture_end(&s);
    s = linear_fixture();
    r = tap_module_gradcheck(s.root, scores, &s.vae, (tap_gradcheck_options){ 0 });
    if (!r.ok) fail_msg("%s", r.message);
    fixture_end(&s);
}

/* ---- Threads, in float32 ----------------------------------------------------------------------------------------- */

static void compute_scores(float *out, int threads)
{
    static float x[64][16];
    tap_module  *root = tap_module_new(TAP_F32, 1);
    tap_tape    *t = tap_tape_new(TAP_F32, 2);
    tap_vae      v;
    tap_set_threads(threads);
    tap_random_uniform(tap_tensor_wrap(TAP_F32, TAP_SHAPE(64, 16), x), (tap_rng_key){ .seed = 3 });
    tap_vae_init(&v, root, (tap_vae_options){ .data = 16, .latent = 3 });
    tap_var in = tap_input(t, tap_tensor_wrap(TAP_F32, TAP_SHAPE(64, 16), x));
    tap_var s[] = { tap_vae_reconstruction_log_prob(&v, in, 3), tap_vae_log_likelihood(&v, in, 4),
                    tap_vae_deviance(&v, in, average_with_next), tap_vae_regret(&v, in, 2, (tap_fit_options){ .steps = 5 }) };
    tap_var all = tap_stack(4, s, 0);
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    memcpy(out, tap_value(all).data, 4 * 64 * sizeof *out);
    tap_tape_free(t);
    tap_module_free(root);
    tap_set_threads(0);
}

static void test_threads_change_no_bits(void **state)
{
    float one[4 * 64], three[4 * 64];
    (void)state;
    tap__parallel_threshold_for_tests(0);
    compute_scores(one, 1);
    compute_scores(three, 3);
    assert_memory_equal(one, three, sizeof one);
    for (int i = 0; i < 4 * 64; i++) assert_true(isfinite(one[i]));
}

/* ---- Errors ------------------------------------------------------------------------------------------------------- */

static void assert_regret_error(tap_fit_options o, const char *expected)
{
    const char *message;
    fixture     s = bernoulli_fixture();
    assert_true(tap_vae_regret(&s.vae, s.x, 2, o).id == 0);
    assert_int_equal(tap_tape_status(s.tape, &message), TAP_EARG);
    assert_string_equal(message, expected);
    tap_tape_free(s.tape);
    tap_module_free(s.root);
}

static void test_errors(void **state)
{
    const char *message;
    (void)state;
    assert_regret_error((tap_fit_options){ .steps = -3 }, "vae_regret: [3,4]: steps must be at least 0, not -3");
    assert_regret_error((tap_fit_options){ .lr = (double)NAN },
                        "vae_regret: [3,4]: lr must be a finite number above 0, not nan");
    assert_regret_error((tap_fit_options){ .lr = -1 }, "vae_regret: [3,4]: lr must be a finite number above 0, not -1");
    fixture s = fixture_of((tap_vae_options){ .latent = 2, .likelihood = TAP_VAE_BETA_BINOMIAL });
    assert_true(tap_vae_deviance(&s.vae, s.x, NULL).id == 0);
    assert_int_equal(tap_tape_status(s.tape, &message), TAP_EARG);
    assert_string_equal(message, "vae_deviance: [3,4]: the likelihood must be Bernoulli or Gaussian, not beta-binomial");
    tap_tape_free(s.tape);
    tap_module_free(s.root);
    s = bernoulli_fixture();
    assert_true(tap_vae_regret(&s.vae, s.x, 0, (tap_fit_options){ 0 }).id == 0);
    assert_int_equal(tap_tape_status(s.tape, &message), TAP_EARG);
    assert_string_equal(message, "vae_regret: [3,4]: samples must be at least 1, not 0");
    tap_tape_free(s.tape);
    tap_module_free(s.root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear_decoder_against_closed_forms),
        cmocka_unit_test(test_fit_starts_at_the_encoder_and_reaches_the_optimum),
        cmocka_unit_test(test_deviance_by_formula),
        cmocka_unit_test(test_deviance_with_sigma_by_the_decoder),
        cmocka_unit_test(test_regret_is_positive_and_spares_the_model),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_threads_change_no_bits),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
