/* tests/models/test_linear.c: the linear VAE against linear algebra in plain C, and trained to the optimum of probabilistic
 * PCA. */
#include "tests/check.h"
#include "tests/models/ppca.h"

/* ---- Decompositions of log p(x) and of the ELBO ------------------------------------------------------------------ */

enum { DATA = 4, LATENT = 2, IMAGES = 5, DRAWS = 20000 };

static double images[IMAGES][DATA] = {
    { 0.3, -1, 2, 0.1 }, { 0, 0, 0, 0 }, { 1, 1, -1, 0.5 }, { -2, 0.7, 0.4, 3 }, { 5, 1, 0, 1 }
};

/* Inverse and log-determinant of a positive definite [n,n] by elimination. */
static double invert(int n, double *m, double *inverse)
{
    double log_det = 0;
    for (int i = 0; i < n * n; i++) inverse[i] = i % (n + 1) == 0;
    for (int k = 0; k < n; k++) {
        double pivot = m[k * n + k];
        log_det += log(pivot);
        for (int c = 0; c < n; c++) m[k * n + c] /= pivot, inverse[k * n + c] /= pivot;
        for (int r = 0; r < n; r++) {
            double factor = r == k ? 0 : m[r * n + k];
            for (int c = 0; c < n; c++)
                m[r * n + c] -= factor * m[k * n + c], inverse[r * n + c] -= factor * inverse[k * n + c];
        }
    }
    return log_det;
}

static double quadratic(int n, const double *m, const double *x)
{
    double sum = 0;
    for (int i = 0; i < n * n; i++) sum += x[i / n] * m[i] * x[i % n];
    return sum;
}

/* log N(x | mu, W W^T + sigma^2 I), by the [data,data] matrix. */
static double log_p(const tap_linear_vae *v, const double *x)
{
    double C[DATA * DATA], inverse[DATA * DATA], y[DATA];
    for (int i = 0; i < DATA * DATA; i++) {
        C[i] = i % (DATA + 1) == 0 ? sigma2_of(v) : 0;
        for (int k = 0; k < LATENT; k++)
            C[i] += param_item(v->W, i / DATA * LATENT + k) * param_item(v->W, i % DATA * LATENT + k);
    }
    for (int i = 0; i < DATA; i++) y[i] = x[i] - param_item(v->mu, i);
    double log_det = invert(DATA, C, inverse);
    return -0.5 * (DATA * LOG_2PI + log_det + quadratic(DATA, inverse, y));
}

/* KL(q(z|x) || p(z|x)), the posterior by Bayes' theorem: precision P = I + W^T W / sigma^2, mean P^-1 W^T (x - mu) /
 * sigma^2. */
static double posterior_kl(const tap_linear_vae *v, const double *x)
{
    double P[LATENT * LATENT], copy[LATENT * LATENT], inverse[LATENT * LATENT], y[LATENT] = { 0 }, difference[LATENT],
                                                                                kl = -LATENT;
    for (int i = 0; i < LATENT * LATENT; i++) {
        P[i] = i % (LATENT + 1) == 0;
        for (int k = 0; k < DATA; k++)
            P[i] += param_item(v->W, k * LATENT + i / LATENT) * param_item(v->W, k * LATENT + i % LATENT) / sigma2_of(v);
        copy[i] = P[i];
    }
    for (int i = 0; i < DATA * LATENT; i++)
        y[i % LATENT] += param_item(v->W, i) * (x[i / LATENT] - param_item(v->mu, i / LATENT)) / sigma2_of(v);
    double log_det = invert(LATENT, copy, inverse);
    for (int i = 0; i < LATENT; i++) {
        difference[i] = 0;
        for (int k = 0; k < DATA; k++) difference[i] += param_item(v->V, i * DATA + k) * (x[k] - param_item(v->mu, k));
        for (int k = 0; k < LATENT; k++) difference[i] -= inverse[i * LATENT + k] * y[k];
        kl += P[i * LATENT + i] * exp(2 * param_item(v->log_t, i)) - 2 * param_item(v->log_t, i);
    }
    return 0.5 * (kl - log_det + quadratic(LATENT, P, difference));
}

static tap_module *model(tap_linear_vae *v, double sigma)
{
    tap_module *root = tap_module_new(TAP_F64, 4);
    tap_linear_vae_init(v, root, DATA, LATENT, sigma);
    for (int i = 0; i < LATENT; i++) tap_tensor_set_item(tap_param_value(v->log_t), i, 0.1 - 0.4 * i);
    for (int i = 0; i < DATA; i++) tap_tensor_set_item(tap_param_value(v->mu), i, 0.2 * i);
    if (v->log_sigma) tap_tensor_fill(tap_param_value(v->log_sigma), -0.3);
    return root;
}

static tap_var image_input(tap_tape *t)
{
    return tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(IMAGES, DATA), images));
}

static tap_bound_terms densities(const tap_linear_vae *v, tap_var x, tap_dist q, tap_var z)
{
    return (tap_bound_terms){ .log_px_z = tap_sum(tap_log_prob(tap_linear_vae_decode(v, z), x), TAP_LAST),
                              .log_pz = tap_sum(tap_log_prob(tap_standard_normal_like(q), z), TAP_LAST),
                              .log_q = tap_sum(tap_log_prob(q, z), TAP_LAST) };
}

/* log p(x) = ELBO + KL(q || posterior), and ELBO = E[log p(x,z) - log q] = E[log p(x|z)] - KL(q || prior): expectations by the
 * draws mean +- t in both dimensions, exact for quadratics. */
static void test_decompositions(void **state)
{
    (void)state;
    for (int fixed = 0; fixed < 2; fixed++) {
        double          signs[4][1][LATENT] = { { { 1, 1 } }, { { 1, -1 } }, { { -1, 1 } }, { { -1, -1 } } };
        tap_linear_vae  v;
        tap_module     *root = model(&v, fixed ? 0.7 : 0);
        tap_tape       *t = tap_tape_new(TAP_F64, 0);
        tap_var         x = image_input(t), noise = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(4, 1, LATENT), signs));
        tap_dist        q = tap_linear_vae_encode(&v, x);
        tap_bound_terms d = densities(&v, x, q, tap_sample_from(q, noise));
        tap_tensor      first = tap_value(tap_variational_bound(d, (tap_bound_options){ 0 }));
        d.kl = tap_kl(q, tap_standard_normal_like(q));
        tap_tensor second = tap_value(tap_variational_bound(d, (tap_bound_options){ 0 }));
        tap_tensor elbo = tap_value(tap_linear_vae_elbo(&v, x)), log_prob = tap_value(tap_linear_vae_log_prob(&v, x));
        for (int i = 0; i < IMAGES; i++) {
            assert_near_msg("log p(x)", tap_tensor_item(log_prob, i), log_p(&v, images[i]), 1e-10);
            assert_near_msg("ELBO + KL to the posterior", tap_tensor_item(elbo, i) + posterior_kl(&v, images[i]),
                            log_p(&v, images[i]), 1e-10);
            assert_near_msg("ELBO by the joint density", tap_tensor_item(first, i), tap_tensor_item(elbo, i), 1e-10);
            assert_near_msg("ELBO by the KL to the prior", tap_tensor_item(second, i), tap_tensor_item(elbo, i), 1e-10);
            assert_true(posterior_kl(&v, images[i]) > 0.01);
        }
        moments m = moments_of(tap_tensor_wrap(TAP_F64, TAP_SHAPE(IMAGES, DATA), images));
        tap_var of = tap_linear_vae_elbo_from(&v, tap_input(t, mean_of(m)), tap_input(t, cov_of(m)));
        assert_near_msg("by the moments", tap_item(of), tap_item(tap_mean(tap_linear_vae_elbo(&v, x), TAP_ALL)), 1e-12);
        assert_tape_ok(t);
        moments_free(m);
        tap_tape_free(t);
        tap_module_free(root);
    }
}

/* K draws estimate p(x) by the mean of w; its standard error, that of the logarithm, is std(w) / (mean(w) sqrt K). */
static void test_k_draws_cover_the_exact_likelihood(void **state)
{
    (void)state;
    double         total = 0, variance = 0;
    tap_linear_vae v;
    tap_module    *root = model(&v, 0);
    tap_tape      *t = tap_tape_new(TAP_F64, 11);
    tap_tape_set_recording(t, false);
    tap_tensor_fill(tap_param_value(v.log_t), 0.1); /* wider than the posterior, so that weights have a variance */
    tap_var         x = image_input(t);
    tap_dist        q = tap_linear_vae_encode(&v, x);
    tap_bound_terms d = densities(&v, x, q, tap_sample_n(q, DRAWS));
    tap_var         log_w = tap_sub(tap_add(d.log_px_z, d.log_pz), d.log_q);
    tap_tensor      estimate = tap_value(tap_variational_bound(d, (tap_bound_options){ .bound = TAP_IWAE }));
    tap_var         w = tap_mul_scalar(tap_softmax(log_w, 0), DRAWS); /* w / mean(w) */
    tap_tensor      relative = tap_value(tap_variance(w, TAP_AXES(0), 1));
    for (int i = 0; i < IMAGES; i++) {
        double error = sqrt(tap_tensor_item(relative, i) / DRAWS),
               difference = tap_tensor_item(estimate, i) - log_p(&v, images[i]);
        print_message("image %d: off by %.5f, standard error %.5f\n", i, difference, error);
        assert_true(error > 0 && error < 0.2 && fabs(difference) < 3 * error);
        total += difference;
        variance += error * error;
    }
    assert_true(fabs(total) < 2 * sqrt(variance));
    assert_tape_ok(t);
    tap_tape_free(t);
    tap_module_free(root);
}

/* ---- Training ---------------------------------------------------------------------------------------------------- */

enum { SIZE = 6, COMPONENTS = 3, ROWS = 500 };

static double rows[ROWS][SIZE];

/* Normal data with these standard deviations, rotated so that no axis is a principal one. */
static moments synthetic(void)
{
    static const double stretch[SIZE] = { 3, 2, 1.4, 0.5, 0.4, 0.3 };
    tap_tensor          x = tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, SIZE), rows);
    tap_random_normal(x, (tap_rng_key){ .seed = 3 });
    for (int r = 0; r < ROWS; r++) {
        double sum = 0;
        for (int i = 0; i < SIZE; i++) sum += rows[r][i] *= stretch[i];
        for (int i = 0; i < SIZE; i++) rows[r][i] += i - 2 * sum / SIZE; /* a reflection, and a mean */
    }
    return moments_of(x);
}

static void test_training_reaches_the_optimum(void **state)
{
    (void)state;
    double         value[SIZE], sigma2;
    moments        m = synthetic();
    tap_module    *root = tap_module_new(TAP_F64, 1);
    tap_linear_vae v;
    eigenvalues(m, SIZE, 500, value);
    double best = optimum(m, COMPONENTS, value, &sigma2);
    tap_linear_vae_init(&v, root, SIZE, COMPONENTS, 0);
    assert_near_msg("ELBO", maximize_elbo(&v, root, m, 3000, 0.02, 0), best, 1e-4);
    assert_near_msg("sigma^2", sigma2_of(&v), sigma2, 1e-4 * sigma2);
    assert_int_equal(active_units(&v, m), COMPONENTS);
    moments_free(m);
    tap_module_free(root);
}

/* As many units are active as there are eigenvalues above sigma^2. */
static void test_fixed_sigma_predicts_active_units(void **state)
{
    (void)state;
    double  value[SIZE];
    moments m = synthetic();
    eigenvalues(m, SIZE, 500, value);
    for (int n_active = 0; n_active <= COMPONENTS; n_active++) {
        const double   sigma2 = n_active ? (value[n_active - 1] + value[n_active]) / 2 : 1.2 * value[0];
        tap_module    *root = tap_module_new(TAP_F64, 2);
        tap_linear_vae v;
        tap_linear_vae_init(&v, root, SIZE, COMPONENTS + 1, sqrt(sigma2));
        maximize_elbo(&v, root, m, 2000, 0.02, 0);
        assert_int_equal(active_units(&v, m), n_active);
        tap_module_free(root);
    }
    moments_free(m);
}

/* ---- Gradients --------------------------------------------------------------------------------------------------- */

static tap_var elbo_and_log_prob(tap_tape *t, void *ctx)
{
    tap_var x = image_input(t), two[] = { tap_linear_vae_elbo(ctx, x), tap_linear_vae_log_prob(ctx, x) };
    return tap_cat(2, two, 0);
}

static void test_gradients(void **state)
{
    (void)state;
    tap_linear_vae       v;
    tap_module          *root = model(&v, 0);
    tap_gradcheck_result r = tap_module_gradcheck(root, elbo_and_log_prob, &v, (tap_gradcheck_options){ 0 });
    if (!r.ok) fail_msg("%s", r.message);
    tap_module_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decompositions),
        cmocka_unit_test(test_k_draws_cover_the_exact_likelihood),
        cmocka_unit_test(test_training_reaches_the_optimum),
        cmocka_unit_test(test_fixed_sigma_predicts_active_units),
        cmocka_unit_test(test_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
