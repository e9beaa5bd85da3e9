/* tests/models/test_vae.c: the VAE against its formulas in plain C, against exact likelihoods, and under the gradient check. */
#include <math.h>
#include <string.h>

#include "models/models.h"
#include "tests/check.h"

#define LOG_2PI 1.83787706640934548356

static void test_parameters_and_defaults(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        tap_shape   shape;
    } expected[] = {
        { "enc.0.weight", { 2, { 5, 7 } } },  { "enc.0.bias", { 1, { 5 } } },      { "enc.1.weight", { 2, { 4, 5 } } },
        { "enc.1.bias", { 1, { 4 } } },       { "loc.weight", { 2, { 2, 4 } } },   { "loc.bias", { 1, { 2 } } },
        { "logvar.weight", { 2, { 2, 4 } } }, { "logvar.bias", { 1, { 2 } } },     { "dec.0.weight", { 2, { 4, 2 } } },
        { "dec.0.bias", { 1, { 4 } } },       { "dec.1.weight", { 2, { 5, 4 } } }, { "dec.1.bias", { 1, { 5 } } },
        { "out.weight", { 2, { 7, 5 } } },    { "out.bias", { 1, { 7 } } },        { "log_sigma", { 0, { 0 } } },
    };
    tap_module *root = tap_module_new(TAP_F32, 0);
    tap_vae     v;
    tap_vae_init(
        &v, root,
        (tap_vae_options){ .data = 7, .n_hidden = 2, .hidden = { 5, 4 }, .latent = 2, .likelihood = TAP_VAE_GAUSSIAN });
    tap_param *p = tap_module_next(root, NULL);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++, p = tap_module_next(root, p)) {
        assert_string_equal(tap_param_path(p), expected[i].path);
        assert_true(tap_shape_equal(tap_param_value(p).shape, expected[i].shape));
    }
    assert_null(p);
    assert_true(tap_tensor_item(tap_param_value(v.log_sigma), 0) == 0);
    tap_module_free(root);

    root = tap_module_new(TAP_F32, 0);
    tap_vae_init(&v, tap_module_child(root, "vae"), (tap_vae_options){ .data = 784 });
    assert_int_equal(tap_module_numel(root), 652824);
    assert_non_null(tap_module_param(root, "vae.enc.0.weight"));
    assert_int_equal(v.options.n_hidden, 1);
    assert_int_equal(v.options.hidden[0], 400);
    assert_int_equal(v.options.latent, 20);
    assert_int_equal(v.options.samples, 1);
    assert_true(v.options.beta == 1 && v.options.activation == tap_relu && v.options.mean == tap_sigmoid && !v.log_sigma);
    tap_vae_init(&v, tap_module_child(root, "plain"), (tap_vae_options){ .data = 784, .beta = TAP_ZERO });
    assert_true(v.options.beta == 0);
    tap_module_free(root);
}

/* ---- The formulas, in plain C ------------------------------------------------------------------------------------ */

enum { DATA = 3, LATENT = 2, BATCH = 4, DRAWS = 3, MAX_WIDTH = 5, KINDS = 5 };

static double param_at(const tap_module *m, const char *path, int64_t i)
{
    return tap_tensor_item(tap_param_value(tap_module_param(m, path)), i);
}

static void layer(const tap_module *m, const char *weight, const char *bias, int in, int out, const double *x, double *y,
                  bool apply_tanh)
{
    for (int i = 0; i < out; i++) {
        y[i] = param_at(m, bias, i);
        for (int k = 0; k < in; k++) y[i] += param_at(m, weight, i * in + k) * x[k];
        if (apply_tanh) y[i] = tanh(y[i]);
    }
}

static double clip(double c, double x)
{
    return c > 0 ? c - log1p(exp(2 * c - log1p(exp(x + c)))) : x;
}

static double log_likelihood(const tap_module *m, const tap_vae_options *o, const double *z, const double *x)
{
    double a[MAX_WIDTH], b[MAX_WIDTH], f[MAX_WIDTH], sum = 0;
    layer(m, "dec.0.weight", "dec.0.bias", LATENT, 4, z, a, true);
    layer(m, "dec.1.weight", "dec.1.bias", 4, 5, a, b, true);
    layer(m, "out.weight", "out.bias", 5, DATA, b, f, false);
    for (int i = 0; i < DATA; i++) {
        double p = 1 / (1 + exp(-f[i])), log_sigma = o->sigma > 0 ? log(o->sigma) : 0, head[DATA];
        if (o->likelihood == TAP_VAE_BERNOULLI) {
            sum += x[i] * log(p) + (1 - x[i]) * log(1 - p);
            continue;
        }
        if (o->sigma_kind == TAP_VAE_SIGMA_BY_DECODER) {
            layer(m, "out_log_sigma.weight", "out_log_sigma.bias", 5, DATA, b, head, false);
            log_sigma = clip(o->clip, head[i]);
        } else if (o->sigma == 0) {
            log_sigma = clip(o->clip, param_at(m, "log_sigma", o->sigma_kind == TAP_VAE_SIGMA_PER_PIXEL ? i : 0));
        }
        sum -= 0.5 * pow((x[i] - p) / exp(log_sigma), 2) + log_sigma + 0.5 * LOG_2PI;
    }
    return sum;
}

/* log_w: log p(x,z) - log q(z|x) of each draw */
static void reference(const tap_module *m, const tap_vae_options *o, const double *x, double noise[DRAWS][BATCH][LATENT],
                      int image, double *rec, double *kl, double *log_w)
{
    double a[MAX_WIDTH], b[MAX_WIDTH], mu[LATENT], log_sigma[LATENT], z[LATENT];
    layer(m, "enc.0.weight", "enc.0.bias", DATA, 5, x, a, true);
    layer(m, "enc.1.weight", "enc.1.bias", 5, 4, a, b, true);
    layer(m, "loc.weight", "loc.bias", 4, LATENT, b, mu, false);
    layer(m, "logvar.weight", "logvar.bias", 4, LATENT, b, log_sigma, false);
    *rec = *kl = 0;
    for (int i = 0; i < LATENT; i++) {
        log_sigma[i] = clip(o->clip, log_sigma[i] / 2);
        *kl += 0.5 * (exp(2 * log_sigma[i]) + mu[i] * mu[i] - 1) - log_sigma[i];
    }
    for (int l = 0; l < DRAWS; l++) {
        for (int i = 0; i < LATENT; i++) z[i] = mu[i] + exp(log_sigma[i]) * noise[l][image][i];
        log_w[l] = log_likelihood(m, o, z, x);
        *rec += log_w[l] / DRAWS;
        for (int i = 0; i < LATENT; i++) log_w[l] += (pow(noise[l][image][i], 2) - z[i] * z[i]) / 2 + log_sigma[i];
    }
}

/* Small VAEs of every likelihood. */
static tap_vae_options small_options(int kind)
{
    tap_vae_options o = {
        .data = DATA, .n_hidden = 2, .hidden = { 5, 4 }, .latent = LATENT, .activation = tap_tanh, .samples = DRAWS
    };
    o.likelihood = kind == 0 ? TAP_VAE_BERNOULLI : TAP_VAE_GAUSSIAN;
    o.sigma = kind == 1 ? 0.7 : 0;
    o.sigma_kind = kind == 3 ? TAP_VAE_SIGMA_PER_PIXEL : kind == 4 ? TAP_VAE_SIGMA_BY_DECODER : TAP_VAE_SIGMA;
    o.clip = kind == 3 ? 1 : kind == 4 ? 2 : 0;
    o.beta = 1.5;
    return o;
}

/* With log_sigma away from 0, where a mistake could hide. */
static tap_module *model_of(tap_vae *v, tap_vae_options o)
{
    tap_module *root = tap_module_new(TAP_F64, 3);
    tap_vae_init(v, root, o);
    for (int i = 0; v->log_sigma && i < tap_tensor_numel(tap_param_value(v->log_sigma)); i++)
        tap_tensor_set_item(tap_param_value(v->log_sigma), i, -0.4 + 0.1 * i);
    assert_int_equal(tap_module_status(root, NULL), TAP_OK);
    return root;
}

static tap_module *small_model(tap_vae *v, int kind)
{
    return model_of(v, small_options(kind));
}

static double images[BATCH][DATA] = { { 0, 1, 1 }, { 0.25, 0, 0.75 }, { 1, 0.5, 0 }, { 0.1, 0.9, 0.3 } };

static tap_var image_input(tap_tape *t)
{
    return tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH, DATA), images));
}

static void test_terms_by_formula(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        double      noise[DRAWS][BATCH][LATENT], rec, kl, log_w[DRAWS], loss = 0;
        tap_vae     v;
        tap_module *root = small_model(&v, kind);
        tap_tape   *t = tap_tape_new(TAP_F64, 8), *u = tap_tape_new(TAP_F64, 8);
        tap_tensor  draws = tap_tensor_wrap(TAP_F64, TAP_SHAPE(DRAWS, BATCH, LATENT), noise);
        tap_random_normal(draws, (tap_rng_key){ 1, 2, 3 });

        tap_vae_terms e = tap_vae_elbo_from(&v, image_input(t), tap_input(t, draws));
        assert_true(tap_shape_equal(tap_shape_of(e.elbo), TAP_SHAPE(BATCH)));
        for (int i = 0; i < BATCH; i++) {
            reference(root, &v.options, images[i], noise, i, &rec, &kl, log_w);
            assert_near(tap_tensor_item(tap_value(e.rec), i), rec, 1e-12);
            assert_near(tap_tensor_item(tap_value(e.kl), i), kl, 1e-13);
            assert_near(tap_tensor_item(tap_value(e.elbo), i), rec - kl, 1e-12);
        }

        /* tap_vae_elbo makes the same draws: the first noise of the tape's step. */
        tap_tensor_copy(draws, tap_value(tap_randn(u, TAP_SHAPE(DRAWS, BATCH, LATENT))), NULL);
        tap_tape_set_step(t, 0);
        tap_vae_terms drawn = tap_vae_elbo(&v, image_input(t));
        tap_vae_terms given = tap_vae_elbo_from(&v, image_input(t), tap_input(t, draws));
        for (int i = 0; i < BATCH; i++) {
            assert_true(tap_tensor_item(tap_value(drawn.elbo), i) == tap_tensor_item(tap_value(given.elbo), i));
            loss += 1.5 * tap_tensor_item(tap_value(drawn.kl), i) - tap_tensor_item(tap_value(drawn.rec), i);
        }
        tap_tape_set_step(t, 0);
        assert_near(tap_item(tap_vae_loss(&v, image_input(t))), loss / BATCH, 1e-12);
        assert_tape_ok(t);
        tap_tape_free(t);
        tap_tape_free(u);
        tap_module_free(root);
    }
}

/* The bound of each kind and estimator. */
static void test_bounds_by_formula(void **state)
{
    (void)state;
    static const struct {
        tap_bound     bound;
        tap_estimator estimator;
        double        beta, free_bits;
    } cases[] = {
        { TAP_ELBO, TAP_REPARAMETERIZED, 1, 0 },
        { TAP_ELBO, TAP_REPARAMETERIZED, 2, 0.05 },
        { TAP_ELBO, TAP_SCORE, 2, 0.05 },
        { TAP_ELBO, TAP_SCORE_BASELINE, TAP_ZERO, 0 },
        { TAP_ELBO, TAP_SCORE_LEAVE_ONE_OUT, 1, 0 },
        { TAP_ELBO, TAP_STICKING_THE_LANDING, 1, 0 },
        { TAP_ELBO, TAP_DOUBLY_REPARAMETERIZED, 1, 0 },
        { TAP_IWAE, TAP_REPARAMETERIZED, 1, 0 },
        { TAP_IWAE, TAP_DOUBLY_REPARAMETERIZED, 1, 0 },
        { TAP_IWAE, TAP_SCORE, 1, 0 },
        { TAP_IWAE, TAP_SCORE_BASELINE, 1, 0 },
        { TAP_IWAE, TAP_SCORE_LEAVE_ONE_OUT, 1, 0 },
    };
    double noise[DRAWS][BATCH][LATENT], rec, kl, log_w[DRAWS];
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(DRAWS, BATCH, LATENT), noise), (tap_rng_key){ 1, 2, 3 });
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        tap_vae_options o = small_options(4);
        o.bound = cases[k].bound;
        o.estimator = cases[k].estimator;
        o.beta = cases[k].beta;
        o.free_bits = cases[k].free_bits;
        tap_vae       v;
        tap_module   *root = model_of(&v, o);
        tap_tape     *t = tap_tape_new(TAP_F64, 8);
        tap_var       x = image_input(t), z = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(DRAWS, BATCH, LATENT), noise));
        tap_vae_terms e = tap_vae_elbo_from(&v, x, z);
        tap_tensor    bound = tap_value(e.bound);
        tap_dist      q = tap_vae_encode(&v, x);
        tap_tensor free_kl = tap_value(tap_sum(tap_free_bits(tap_kl(q, tap_standard_normal_like(q)), o.free_bits), TAP_LAST));
        double     loss = 0;
        for (int i = 0; i < BATCH; i++) {
            const bool closed =
                o.bound == TAP_ELBO && o.estimator != TAP_STICKING_THE_LANDING && o.estimator != TAP_DOUBLY_REPARAMETERIZED;
            double mean = 0, weight = 0, expected;
            reference(root, &v.options, images[i], noise, i, &rec, &kl, log_w);
            for (int l = 0; l < DRAWS; l++) mean += log_w[l] / DRAWS, weight += exp(log_w[l]) / DRAWS;
            expected = o.bound == TAP_IWAE ? log(weight) : mean;
            if (closed) expected = rec - fmax(o.beta, 0) * (o.free_bits > 0 ? tap_tensor_item(free_kl, i) : kl);
            assert_near(tap_tensor_item(bound, i), expected, 1e-12);
            assert_near(tap_tensor_item(tap_value(e.elbo), i), rec - kl, 1e-12);
            loss -= expected / BATCH;
        }
        assert_near(tap_item(tap_vae_loss_from(&v, e)), loss, 1e-12);
        assert_int_equal(tap_backward(tap_vae_loss_from(&v, e)), TAP_OK);
        assert_tape_ok(t);
        tap_tape_free(t);
        tap_module_free(root);
    }
}

/* ---- Exact likelihoods ------------------------------------------------------------------------------------------- */

static void set(tap_module *root, const char *path, double value)
{
    tap_tensor_fill(tap_param_value(tap_module_param(root, path)), value);
}

/* p(x|z) = N(c z + v, s^2), q(z|x) = N(a x + b, t^2). Data from N(mu, sigma^2) have a whole family of optima: for every c below
 * sigma, s^2 = sigma^2 - c^2 and the q below, ELBO(x) is log N(x | mu, sigma^2) for each x. Noise of +-1 gives the expectation
 * of a quadratic exactly. */
static void test_linear_gaussian_family(void **state)
{
    (void)state;
    const double mu = 0.8, sigma = 2, c[] = { 0, 0.3, -1.1, 1.99 };
    double       x[] = { -3, 0, 0.8, 5 }, noise[2][4] = { { 1, 1, 1, 1 }, { -1, -1, -1, -1 } };
    for (int k = 0; k < 4; k++) {
        const double s = sqrt(sigma * sigma - c[k] * c[k]);
        tap_vae      v;
        tap_tape    *t = tap_tape_new(TAP_F64, 0);
        tap_module  *root = tap_module_new(TAP_F64, 0);
        tap_vae_init(&v, root,
                     (tap_vae_options){ .data = 1,
                                        .hidden = { 1 },
                                        .latent = 1,
                                        .activation = tap_identity,
                                        .mean = tap_identity,
                                        .likelihood = TAP_VAE_GAUSSIAN,
                                        .sigma = s });
        set(root, "enc.0.weight", 1);
        set(root, "enc.0.bias", 0);
        set(root, "loc.weight", c[k] / (sigma * sigma));
        set(root, "loc.bias", -c[k] * mu / (sigma * sigma));
        set(root, "logvar.weight", 0);
        set(root, "logvar.bias", 2 * log(s / sigma));
        set(root, "dec.0.weight", 1);
        set(root, "dec.0.bias", 0);
        set(root, "out.weight", c[k]);
        set(root, "out.bias", mu);
        tap_vae_terms e = tap_vae_elbo_from(&v, tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(4, 1), x)),
                                            tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 4, 1), noise)));
        for (int i = 0; i < 4; i++) {
            double exact = -0.5 * pow((x[i] - mu) / sigma, 2) - log(sigma) - 0.5 * LOG_2PI;
            assert_near(tap_tensor_item(tap_value(e.elbo), i), exact, 1e-12);
        }
        assert_tape_ok(t);
        tap_tape_free(t);
        tap_module_free(root);
    }
}

/* ---- Gradients --------------------------------------------------------------------------------------------------- */

static tap_var loss_function(tap_tape *t, void *ctx)
{
    return tap_vae_loss(ctx, image_input(t));
}

static tap_var terms_function(tap_tape *t, void *ctx)
{
    tap_vae_terms e = tap_vae_elbo(ctx, image_input(t));
    tap_var       both[] = { e.elbo, e.kl };
    return tap_cat(2, both, 0);
}

static void test_gradients(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        tap_vae              v;
        tap_module          *root = small_model(&v, kind);
        tap_gradcheck_result r = tap_module_gradcheck(root, loss_function, &v, (tap_gradcheck_options){ 0 });
        if (!r.ok) fail_msg("%s", r.message);
        assert_int_equal(r.checked, tap_module_numel(root));
        r = tap_module_gradcheck(root, terms_function, &v, (tap_gradcheck_options){ .seed = 1, .elements = 3 });
        if (!r.ok) fail_msg("%s", r.message);
        r = tap_module_gradcheck(root, loss_function, &v, (tap_gradcheck_options){ .order = 2, .elements = 2 });
        if (!r.ok) fail_msg("%s", r.message);
        tap_module_free(root);
    }
}

enum { REPLICATES = 500, NUMBERS = 160 };

/* The mean of the loss's gradient over the noise, and its squared standard error. */
static int mean_gradient(tap_bound bound, tap_estimator e, double *mean, double *error2)
{
    tap_vae_options o = small_options(2);
    o.bound = bound;
    o.estimator = e;
    o.beta = 1;
    tap_vae     v;
    tap_module *root = model_of(&v, o);
    tap_tape   *t = tap_tape_new(TAP_F64, 40 + (uint64_t)e);
    int         n = 0;
    for (int r = 0; r < REPLICATES; r++) {
        tap_tape_reset(t);
        tap_module_zero_grad(root);
        assert_int_equal(tap_backward(tap_vae_loss(&v, image_input(t))), TAP_OK);
        n = 0;
        for (tap_param *p = tap_module_next(root, NULL); p; p = tap_module_next(root, p)) {
            for (int64_t i = 0; i < tap_tensor_numel(tap_param_grad(p)); i++, n++) {
                assert_true(n < NUMBERS);
                if (r == 0) mean[n] = error2[n] = 0;
                double d = tap_tensor_item(tap_param_grad(p), i) - mean[n];
                mean[n] += d / (r + 1);
                error2[n] += d * d * r / (r + 1) / REPLICATES / (REPLICATES - 1);
            }
        }
    }
    tap_tape_free(t);
    tap_module_free(root);
    return n;
}

static void test_estimators_agree(void **state)
{
    (void)state;
    for (int b = 0; b < 2; b++) {
        const tap_bound bound = b ? TAP_IWAE : TAP_ELBO;
        double          mean[NUMBERS], error2[NUMBERS], other[NUMBERS], other2[NUMBERS];
        mean_gradient(bound, TAP_REPARAMETERIZED, mean, error2);
        for (int e = TAP_STICKING_THE_LANDING; e <= TAP_SCORE_LEAVE_ONE_OUT; e++) {
            if (b && e == TAP_STICKING_THE_LANDING) continue;
            int n = mean_gradient(bound, (tap_estimator)e, other, other2);
            for (int i = 0; i < n; i++) {
                if (!(fabs(mean[i] - other[i]) <= 4 * sqrt(error2[i] + other2[i]) + 1e-12))
                    fail_msg("bound %d, estimator %d: derivative %d is %g, not %g", b, e, i, other[i], mean[i]);
            }
        }
    }
}

/* ---- Samples and reconstructions --------------------------------------------------------------------------------- */

static void test_sample_and_reconstruct(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        tap_vae     v;
        tap_module *root = small_model(&v, kind);
        tap_tape   *t = tap_tape_new(TAP_F64, 0);
        tap_var     s = tap_vae_sample(&v, t, 6), again = tap_vae_sample(&v, t, 6);
        assert_true(tap_shape_equal(tap_shape_of(s), TAP_SHAPE(6, DATA)));
        for (int i = 0; i < 6 * DATA; i++) {
            double p = tap_tensor_item(tap_value(s), i);
            assert_true(p > 0 && p < 1 && p != tap_tensor_item(tap_value(again), i));
        }
        tap_var r = tap_vae_reconstruct(&v, image_input(t)), mu = tap_dist_mean(tap_vae_encode(&v, image_input(t)));
        tap_var mean = tap_dist_mean(tap_vae_decode(&v, mu));
        assert_true(tap_shape_equal(tap_shape_of(mu), TAP_SHAPE(BATCH, LATENT)));
        assert_true(tap_shape_equal(tap_shape_of(r), TAP_SHAPE(BATCH, DATA)));
        for (int i = 0; i < BATCH * DATA; i++)
            assert_true(tap_tensor_item(tap_value(r), i) == tap_tensor_item(tap_value(mean), i));
        assert_tape_ok(t);
        tap_tape_free(t);
        tap_module_free(root);
    }
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

static void assert_init_error(tap_vae_options o, const char *expected)
{
    const char *message;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    tap_vae     v;
    tap_vae_init(&v, root, o);
    assert_int_equal(tap_module_status(root, &message), TAP_EARG);
    assert_string_equal(message, expected);
    assert_int_equal(tap_module_numel(root), 0);
    /* Its results are inert, with the same error. */
    tap_vae_loss(&v, image_input(t));
    tap_vae_sample(&v, t, 2);
    tap_vae_reconstruct(&v, image_input(t));
    assert_tape_error_and_free(t, TAP_EARG, expected);
    tap_module_free(root);
}

static void test_bad_options(void **state)
{
    (void)state;
    const double inf = (double)INFINITY;
    assert_init_error((tap_vae_options){ .data = 0 }, "vae: data must be at least 1, not 0");
    assert_init_error((tap_vae_options){ .data = 3, .n_hidden = -1 }, "vae: n_hidden must be within 1..16, not -1");
    assert_init_error((tap_vae_options){ .data = 3, .n_hidden = 17 }, "vae: n_hidden must be within 1..16, not 17");
    assert_init_error((tap_vae_options){ .data = 3, .n_hidden = 2, .hidden = { 4 } },
                      "vae: hidden[1] must be at least 1, not 0");
    assert_init_error((tap_vae_options){ .data = 3, .hidden = { -4 } }, "vae: hidden[0] must be at least 1, not -4");
    assert_init_error((tap_vae_options){ .data = 3, .latent = -2 }, "vae: latent must be at least 1, not -2");
    assert_init_error((tap_vae_options){ .data = 3, .samples = -1 }, "vae: samples must be at least 1, not -1");
    assert_init_error((tap_vae_options){ .data = 3, .sigma = -0.5 }, "vae: sigma must be a finite number from 0 up, not -0.5");
    assert_init_error((tap_vae_options){ .data = 3, .sigma = inf }, "vae: sigma must be a finite number from 0 up, not inf");
    assert_init_error((tap_vae_options){ .data = 3, .beta = inf }, "vae: beta must be finite, not inf");
    assert_init_error((tap_vae_options){ .data = 3, .likelihood = (tap_vae_likelihood)5 },
                      "vae: likelihood must be TAP_VAE_BERNOULLI, TAP_VAE_GAUSSIAN or TAP_VAE_BETA_BINOMIAL, not 5");
}

static void test_bad_calls(void **state)
{
    (void)state;
    tap_vae     v;
    tap_module *root = small_model(&v, 0);
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    tap_vae_elbo_from(&v, image_input(t), tap_zeros(t, TAP_SHAPE(BATCH, LATENT)));
    assert_tape_error_and_free(
        t, TAP_ESHAPE,
        "vae_elbo_from: [4,3] x [4,2]: the noise must have at least one draw of shape [4,2], along an axis in front");
    t = tap_tape_new(TAP_F64, 0);
    tap_vae_elbo_from(&v, image_input(t), tap_zeros(t, TAP_SHAPE(0, BATCH, LATENT)));
    assert_tape_error_and_free(
        t, TAP_ESHAPE,
        "vae_elbo_from: [4,3] x [0,4,2]: the noise must have at least one draw of shape [4,2], along an axis in front");

    const char *message;
    t = tap_tape_new(TAP_F64, 0);
    tap_vae_loss(&v, tap_zeros(t, TAP_SHAPE(2, DATA + 1)));
    assert_int_equal(tap_tape_status(t, &message), TAP_ESHAPE);
    assert_non_null(strstr(message, "enc.0.weight"));
    tap_tape_free(t);

    t = tap_tape_new(TAP_F64, 0);
    tap_vae_sample(&v, t, -1);
    assert_tape_error_and_free(t, TAP_EARG, "vae_sample: n must be at least 0, not -1");

    const tap_vae never = { 0 };
    t = tap_tape_new(TAP_F64, 0);
    tap_vae_loss(&never, image_input(t));
    assert_tape_error_and_free(t, TAP_EARG, "vae_loss: [4,3]: the layer was never initialized");
    assert_null(tap_vae_loss(&v, (tap_var){ 0 }).tape);
    assert_null(tap_vae_elbo_from(&v, (tap_var){ 0 }, (tap_var){ 0 }).elbo.tape);
    assert_null(tap_vae_reconstruct(&v, (tap_var){ 0 }).tape);
    assert_null(tap_vae_sample(&v, NULL, 2).tape);
    tap_module_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_and_defaults),
        cmocka_unit_test(test_terms_by_formula),
        cmocka_unit_test(test_bounds_by_formula),
        cmocka_unit_test(test_linear_gaussian_family),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_estimators_agree),
        cmocka_unit_test(test_sample_and_reconstruct),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_bad_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
