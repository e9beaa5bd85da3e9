/* tests/models/test_count_vae.c: the VAE of counts: its distributions against formulas in plain C, its likelihood against an integral,
 * and its gradient. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/models.h"
#include "tests/check.h"

enum { CELLS = 3, GENES = 5, LATENT = 2, BATCHES = 2 };

static double counts[CELLS][GENES] = { { 3, 0, 1, 0, 7 }, { 0, 0, 0, 2, 1 }, { 0, 0, 0, 0, 0 } };
static double one_hot[CELLS][BATCHES] = { { 1, 0 }, { 0, 1 }, { 1, 0 } };

typedef struct {
    tap_count_vae vae;
    tap_module   *root;
    tap_tape     *tape;
    tap_var       x, c; /* c is {0} for a model without a condition */
} fixture;

static fixture fixture_of(tap_count_vae_options o)
{
    fixture s = { .root = tap_module_new(TAP_F64, 3), .tape = tap_tape_new(TAP_F64, 8) };
    o.genes = GENES;
    o.latent = o.latent ? o.latent : LATENT;
    o.hidden[0] = 4;
    o.activation = tap_tanh;
    tap_count_vae_init(&s.vae, s.root, o);
    assert_int_equal(tap_module_status(s.root, NULL), TAP_OK);
    tap_random_normal(tap_param_value(s.vae.log_theta), (tap_rng_key){ .seed = 1 });
    s.x = tap_input(s.tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(CELLS, GENES), counts));
    if (o.condition) s.c = tap_input(s.tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(CELLS, BATCHES), one_hot));
    return s;
}

static void fixture_end(fixture *s)
{
    assert_tape_ok(s->tape);
    tap_tape_free(s->tape);
    tap_module_free(s->root);
}

static void assert_near_relative(double a, double b)
{
    if (!(fabs(a - b) <= 1e-10 * (1 + fabs(b)))) fail_msg("%.17g is not %.17g", a, b);
}

static tap_var layer(const fixture *s, const char *name, tap_var x)
{
    char weight[32], bias[32];
    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(bias, sizeof bias, "%s.bias", name);
    return tap_affine(x, tap_param_var(s->tape, tap_module_param(s->root, weight)),
                      tap_param_var(s->tape, tap_module_param(s->root, bias)));
}

static tap_var both(tap_var a, tap_var b)
{
    return b.tape ? tap_cat(2, (tap_var[]){ a, b }, -1) : a;
}

/* The encoder's input is log(1 + scale x / l), which is 0 for a cell without counts. */
static void check_encoder(const fixture *s, double scale)
{
    double input[CELLS][GENES];
    for (int i = 0; i < CELLS; i++) {
        double l = 0;
        for (int g = 0; g < GENES; g++) l += counts[i][g];
        for (int g = 0; g < GENES; g++) input[i][g] = log1p(scale * counts[i][g] / fmax(l, 1));
    }
    tap_var  in = tap_input(s->tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(CELLS, GENES), input));
    tap_var  h = tap_tanh(layer(s, "enc.0", both(in, s->c))), loc = layer(s, "loc", h), logvar = layer(s, "logvar", h);
    tap_dist q = tap_count_vae_encode(&s->vae, s->x, s->c);
    for (int i = 0; i < CELLS * LATENT; i++) {
        assert_near_relative(item(q.param[0], i), item(loc, i));
        assert_true(fabs(item(q.param[1], i) - item(logvar, i) / 2) < 1e-3); /* up to the smooth clip */
    }
}

static double log_negative_binomial(double x, double mu, double theta)
{
    return lgamma(x + theta) - lgamma(theta) - lgamma(x + 1) + theta * log(theta / (theta + mu)) +
           (x > 0 ? x * log(mu / (theta + mu)) : 0);
}

static void check_decoder(const fixture *s, bool zero_inflated)
{
    tap_var z = tap_randn(s->tape, TAP_SHAPE(CELLS, LATENT)), h = tap_tanh(layer(s, "dec.0", both(z, s->c)));
    tap_var logits = layer(s, "out", h), rates = tap_count_vae_rates(&s->vae, z, s->c);
    tap_var log_l = tap_log(tap_input(s->tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(CELLS, 1), (double[]){ 11, 3, 1 })));
    tap_var log_p = tap_log_prob(tap_count_vae_decode(&s->vae, z, s->c, log_l), s->x);
    tap_var zero_logits = zero_inflated ? layer(s, "zero", h) : logits;
    for (int i = 0; i < CELLS; i++) {
        double sum = 0;
        for (int g = 0; g < GENES; g++) sum += exp(item(logits, i * GENES + g));
        for (int g = 0; g < GENES; g++) {
            const int    k = i * GENES + g;
            const double rate = exp(item(logits, k)) / sum, l = (double[]){ 11, 3, 1 }[i];
            const double theta = exp(tap_tensor_item(tap_param_value(s->vae.log_theta), g)),
                         p_zero = 1 / (1 + exp(-item(zero_logits, k)));
            const double p = exp(log_negative_binomial(counts[i][g], l * rate, theta));
            assert_near_relative(item(rates, k), rate);
            assert_near_relative(item(log_p, k), zero_inflated ? log(p_zero * (counts[i][g] == 0) + (1 - p_zero) * p) : log(p));
        }
    }
}

static void check_bound(const fixture *s)
{
    tap_tape_set_step(s->tape, 7);
    tap_vae_terms e = tap_count_vae_elbo(&s->vae, s->x, s->c);
    tap_tape_set_step(s->tape, 7);
    tap_var loss = tap_count_vae_loss(&s->vae, s->x, s->c);
    tap_tape_set_step(s->tape, 7);
    tap_var  once = tap_count_vae_log_prob(&s->vae, s->x, s->c, 1);
    tap_dist q = tap_count_vae_encode(&s->vae, s->x, s->c);
    tap_tape_set_step(s->tape, 7);
    tap_var z = tap_sample_n(q, 1),
            zero = tap_input(s->tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(CELLS, 1), (double[]){ log(11), log(3), 0 }));
    tap_var log_p = tap_sum(tap_log_prob(tap_count_vae_decode(&s->vae, z, s->c, zero), s->x), TAP_LAST);
    double  mean = 0;
    for (int i = 0; i < CELLS; i++) {
        double kl = 0, log_ratio = 0;
        for (int j = 0; j < LATENT; j++) {
            const int    k = i * LATENT + j;
            const double m = item(q.param[0], k), l = item(q.param[1], k), noise = (item(z, k) - m) / exp(l);
            kl += 0.5 * (m * m + exp(2 * l) - 1) - l;
            log_ratio += -0.5 * item(z, k) * item(z, k) + 0.5 * noise * noise + l;
        }
        assert_near_relative(item(e.rec, i), item(log_p, i));
        assert_near_relative(item(e.kl, i), kl);
        assert_near_relative(item(e.elbo, i), item(log_p, i) - kl);
        assert_near_relative(item(e.bound, i), item(e.elbo, i));
        assert_near_relative(item(once, i), item(log_p, i) + log_ratio);
        mean += item(e.elbo, i) / CELLS;
    }
    assert_near_relative(item(loss, 0), -mean);
}

static void test_encoder_decoder_and_bound_by_formula(void **state)
{
    (void)state;
    for (int zero_inflated = 0; zero_inflated < 2; zero_inflated++)
        for (int condition = 0; condition <= BATCHES; condition += BATCHES) {
            fixture s = fixture_of((tap_count_vae_options){
                .condition = condition, .scale = 30, .likelihood = zero_inflated ? TAP_COUNTS_ZINB : TAP_COUNTS_NB });
            check_encoder(&s, 30);
            check_decoder(&s, zero_inflated);
            check_bound(&s);
            fixture_end(&s);
        }
}

/* With a scalar z, log p(x) is an integral over it. */
static void test_log_prob_by_quadrature(void **state)
{
    enum { N = 4001, DRAWS = 20000 };
    static double grid[N];
    fixture       s = fixture_of((tap_count_vae_options){ .latent = 1 });
    (void)state;
    for (int i = 0; i < N; i++) grid[i] = -10 + 20. * i / (N - 1);
    tap_var z = tap_input(s.tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(N, 1, 1), grid));
    tap_var log_l = tap_input(s.tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(CELLS, 1), (double[]){ log(11), log(3), 0 }));
    tap_var log_p =
        tap_sum(tap_log_prob(tap_count_vae_decode(&s.vae, tap_expand(z, TAP_SHAPE(N, CELLS, 1)), (tap_var){ 0 }, log_l), s.x),
                TAP_LAST);
    tap_var found = tap_count_vae_log_prob(&s.vae, s.x, (tap_var){ 0 }, DRAWS);
    for (int k = 0; k < CELLS; k++) {
        double p = 0;
        for (int i = 0; i < N; i++)
            p += exp(item(log_p, (int64_t)i * CELLS + k) - 0.5 * grid[i] * grid[i]) / sqrt(8 * atan(1)) * 20 / (N - 1);
        assert_true(fabs(item(found, k) - log(p)) < 5e-3);
    }
    fixture_end(&s);
}

/* Without c, rates are the mean of those of all batches. */
static void test_rates_of_all_batches(void **state)
{
    fixture s = fixture_of((tap_count_vae_options){ .condition = BATCHES });
    tap_var z = tap_randn(s.tape, TAP_SHAPE(2, CELLS, LATENT)), all = tap_count_vae_rates(&s.vae, z, (tap_var){ 0 }),
            each[BATCHES];
    (void)state;
    for (int b = 0; b < BATCHES; b++) each[b] = tap_count_vae_rates(&s.vae, z, tap_select(tap_eye(s.tape, BATCHES), 0, b));
    assert_true(tap_shape_equal(tap_shape_of(all), TAP_SHAPE(2, CELLS, GENES)));
    for (int i = 0; i < 2 * CELLS * GENES; i++) assert_near_relative(item(all, i), (item(each[0], i) + item(each[1], i)) / 2);
    assert_true(fabs(item(each[0], 0) - item(each[1], 0)) > 1e-6);
    fixture_end(&s);
}

static tap_var loss_of(tap_tape *t, void *ctx)
{
    const fixture *s = ctx;
    tap_var        x = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(CELLS, GENES), counts)), c = { 0 };
    if (s->vae.options.condition) c = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(CELLS, BATCHES), one_hot));
    return tap_add(tap_count_vae_loss(&s->vae, x, c), tap_mean(tap_count_vae_log_prob(&s->vae, x, c, 3), TAP_ALL));
}

static void test_gradients(void **state)
{
    (void)state;
    for (int zero_inflated = 0; zero_inflated < 2; zero_inflated++) {
        fixture                    s = fixture_of((tap_count_vae_options){
                               .condition = BATCHES, .scale = 30, .likelihood = zero_inflated ? TAP_COUNTS_ZINB : TAP_COUNTS_NB });
        const tap_gradcheck_result r = tap_module_gradcheck(s.root, loss_of, &s, (tap_gradcheck_options){ 0 });
        if (!r.ok) fail_msg("%s", r.message);
        assert_true(r.checked >= tap_module_numel(s.root));
        fixture_end(&s);
    }
}

static void test_defaults_and_parameters(void **state)
{
    tap_module   *root = tap_module_new(TAP_F32, 0);
    tap_count_vae v;
    (void)state;
    tap_count_vae_init(&v, root, (tap_count_vae_options){ .genes = 7, .condition = 3 });
    assert_true(v.options.latent == 10 && v.options.n_hidden == 1 && v.options.hidden[0] == 128 && v.options.scale == 1e4);
    assert_int_equal(tap_module_numel(root), 10 * 128 + 128 + 2 * (128 * 10 + 10) + 13 * 128 + 128 + 128 * 7 + 7 + 7);
    for (int g = 0; g < 7; g++) assert_true(tap_tensor_item(tap_param_value(v.log_theta), g) == 0);
    assert_null(tap_module_param(root, "zero.weight"));
    tap_module_free(root);
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

static void assert_init_error(tap_count_vae_options o, const char *expected)
{
    const char   *message;
    tap_module   *root = tap_module_new(TAP_F64, 0);
    tap_count_vae v;
    tap_count_vae_init(&v, root, o);
    assert_int_equal(tap_module_status(root, &message), TAP_EARG);
    assert_string_equal(message, expected);
    tap_module_free(root);
}

static void assert_loss_error(tap_count_vae_options o, bool with_condition, const char *expected)
{
    const char *message;
    fixture     s = fixture_of(o);
    tap_var     c = with_condition ? tap_ones(s.tape, TAP_SHAPE(CELLS, 3)) : (tap_var){ 0 };
    assert_true(isnan(tap_item(tap_count_vae_loss(&s.vae, s.x, c))));
    assert_true(tap_tape_status(s.tape, &message) != TAP_OK);
    assert_string_equal(message, expected);
    tap_tape_free(s.tape);
    tap_module_free(s.root);
}

static void test_errors(void **state)
{
    const char *message;
    tap_module *root = tap_module_new(TAP_F64, 0);
    (void)state;
    assert_init_error((tap_count_vae_options){ 0 }, "vae: data must be at least 1, not 0");
    assert_init_error((tap_count_vae_options){ .genes = 2, .latent = -1 }, "vae: latent must be at least 1, not -1");
    assert_init_error((tap_count_vae_options){ .genes = 2, .n_hidden = 99 }, "vae: n_hidden must be within 1..16, not 99");
    assert_init_error((tap_count_vae_options){ .genes = 2, .condition = -1 }, "vae: condition must be at least 0, not -1");
    assert_init_error((tap_count_vae_options){ .genes = 2, .scale = -1 },
                      "count_vae: scale must be a finite number above 0, not -1");
    assert_init_error((tap_count_vae_options){ .genes = 2, .scale = (double)NAN },
                      "count_vae: scale must be a finite number above 0, not nan");
    assert_init_error((tap_count_vae_options){ .genes = 2, .likelihood = (tap_count_likelihood)7 },
                      "count_vae: likelihood must be TAP_COUNTS_NB or TAP_COUNTS_ZINB, not 7");
    tap_count_vae_init(NULL, root, (tap_count_vae_options){ .genes = 2 });
    assert_int_equal(tap_module_status(root, &message), TAP_EARG);
    assert_string_equal(message, "count_vae: NULL");
    tap_module_free(root);
    assert_loss_error((tap_count_vae_options){ 0 }, true,
                      "count_vae_loss: [3,5] x [3,3]: c must not be given, as condition = 0");
    assert_loss_error((tap_count_vae_options){ .condition = 2 }, true,
                      "count_vae_loss: [3,5] x [3,3]: c must be [..,2] and broadcast to the leading axes of [3,5], not [3,3]");
    assert_loss_error((tap_count_vae_options){ .condition = 2 }, false,
                      "count_vae_loss: [3,5]: c must be given, as condition = 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encoder_decoder_and_bound_by_formula),
        cmocka_unit_test(test_log_prob_by_quadrature),
        cmocka_unit_test(test_rates_of_all_batches),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_defaults_and_parameters),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
