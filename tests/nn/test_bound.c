/* Bounds on log p(x) and the estimators of their gradients, on models all of whose integrals are known. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "models/models.h"
#include "tests/check.h"

#define LOG_2PI 1.83787706640934548356

/* ---- Mean and standard error of a gradient ----------------------------------------------------------------------- */

enum { NUMBERS = 32 };

typedef tap_var (*objective)(tap_tape *t, const void *ctx); /* of one replicate: [] */

typedef struct {
    int    n;
    double mean[NUMBERS], error[NUMBERS];
} statistics;

static int read_gradient(tap_module *root, double *g)
{
    int n = 0;
    for (tap_param *p = tap_module_next(root, NULL); p; p = tap_module_next(root, p)) {
        for (int64_t i = 0; i < tap_tensor_numel(tap_param_grad(p)); i++) g[n++] = tap_tensor_item(tap_param_grad(p), i);
    }
    return n;
}

/* By all parameters, over independent replicates. */
static statistics gradient(tap_module *root, objective f, const void *ctx, int replicates)
{
    statistics s = { 0 };
    double     g[NUMBERS];
    tap_tape  *t = tap_tape_new(TAP_F64, 5);
    for (int r = 0; r < replicates; r++) {
        tap_tape_reset(t);
        tap_module_zero_grad(root);
        tap_backward(f(t, ctx));
        s.n = read_gradient(root, g);
        for (int i = 0; i < s.n; i++) {
            double d = g[i] - s.mean[i];
            s.mean[i] += d / (r + 1);
            s.error[i] += d * (g[i] - s.mean[i]);
        }
    }
    for (int i = 0; i < s.n; i++) s.error[i] = replicates > 1 ? sqrt(s.error[i] / (replicates - 1.0) / replicates) : 0;
    assert_tape_ok(t);
    tap_tape_free(t);
    return s;
}

/* Within 4 standard errors; what has none, to rounding. */
static void assert_agrees(const char *what, const statistics *s, const double *exact)
{
    for (int i = 0; i < s->n; i++) {
        if (!(fabs(s->mean[i] - exact[i]) <= 4 * s->error[i] + 1e-12))
            fail_msg("%s: derivative %d is %.6g, not %.6g, with a standard error of %.2g", what, i, s->mean[i], exact[i],
                     s->error[i]);
    }
}

/* ---- The linear Gaussian model ----------------------------------------------------------------------------------- */

enum { DATA = 3, LATENT = 2, BATCH = 16, DRAWS = 3 };

static double images[BATCH][DATA];

typedef struct {
    tap_linear_vae    model;
    tap_bound_options options;
    bool              closed_kl, own_baseline;
} linear;

static tap_module *linear_new(linear *l)
{
    static const double V[] = { 0.3, -0.5, 0.2, 0.4, 0.1, -0.3 }, W[] = { 0.9, 0.4, -0.6, 0.5, 0.2, -0.7 };
    tap_module         *root = tap_module_new(TAP_F64, 1);
    *l = (linear){ 0 };
    tap_linear_vae_init(&l->model, root, DATA, LATENT, 0);
    for (int i = 0; i < DATA * LATENT; i++) {
        tap_tensor_set_item(tap_param_value(l->model.V), i, V[i]);
        tap_tensor_set_item(tap_param_value(l->model.W), i, W[i]);
    }
    for (int i = 0; i < LATENT; i++) tap_tensor_set_item(tap_param_value(l->model.log_t), i, -0.3 + 0.2 * i);
    for (int i = 0; i < DATA; i++) tap_tensor_set_item(tap_param_value(l->model.mu), i, 0.1 * i);
    tap_tensor_fill(tap_param_value(l->model.log_sigma), -0.2);
    for (int i = 0; i < BATCH * DATA; i++) images[i / DATA][i % DATA] = sin(1.7 * i) + 0.3;
    return root;
}

static tap_var image_input(tap_tape *t)
{
    return tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH, DATA), images));
}

/* The log densities of draws z from q, as a user would put them together. */
static tap_bound_terms densities(const linear *l, tap_var x, tap_dist q, tap_var z)
{
    const tap_estimator e = l->options.estimator;
    tap_dist            prior = tap_standard_normal_like(q);
    z = tap_estimator_sample(e, z);
    return (tap_bound_terms){ .log_px_z = tap_sum(tap_log_prob(tap_linear_vae_decode(&l->model, z), x), TAP_LAST),
                              .log_pz = tap_sum(tap_log_prob(prior, z), TAP_LAST),
                              .log_q = tap_sum(tap_log_prob(tap_estimator_posterior(e, q), z), TAP_LAST),
                              .kl = l->closed_kl ? tap_kl(q, prior) : (tap_var){ 0 },
                              .z = z,
                              .baseline = l->own_baseline ? tap_scalar(x.tape, -4) : (tap_var){ 0 } };
}

static tap_var bound(tap_tape *t, const void *ctx)
{
    const linear *l = ctx;
    tap_var       x = image_input(t);
    tap_dist      q = tap_linear_vae_encode(&l->model, x);
    return tap_mean(tap_variational_bound(densities(l, x, q, tap_sample_n(q, DRAWS)), l->options), TAP_ALL);
}

static tap_var exact_elbo(tap_tape *t, const void *ctx)
{
    return tap_mean(tap_linear_vae_elbo(&((const linear *)ctx)->model, image_input(t)), TAP_ALL);
}

/* Equation (9) as the paper has it. */
static tap_var literal_eq_9(tap_tape *t, const void *ctx)
{
    tap_dist q = tap_linear_vae_encode(&((const linear *)ctx)->model, image_input(t));
    return tap_neg(tap_mean(tap_sum(tap_log_prob(q, tap_detach(tap_sample_n(q, DRAWS))), TAP_LAST), TAP_ALL));
}

static const struct {
    const char   *name;
    tap_estimator estimator;
    bool          closed_kl, own_baseline;
} estimators[] = {
    { "reparameterized", TAP_REPARAMETERIZED, false, false },
    { "reparameterized, KL closed", TAP_REPARAMETERIZED, true, false },
    { "sticking the landing", TAP_STICKING_THE_LANDING, false, false },
    { "doubly reparameterized", TAP_DOUBLY_REPARAMETERIZED, false, false },
    { "score", TAP_SCORE, false, false },
    { "score, KL closed", TAP_SCORE, true, false },
    { "score, baseline of the batch", TAP_SCORE_BASELINE, false, false },
    { "score, baseline of the batch, KL closed", TAP_SCORE_BASELINE, true, false },
    { "score, baseline given", TAP_SCORE_BASELINE, false, true },
    { "score, leave one out", TAP_SCORE_LEAVE_ONE_OUT, false, false },
    { "score, leave one out, KL closed", TAP_SCORE_LEAVE_ONE_OUT, true, false },
};

enum { ESTIMATORS = sizeof estimators / sizeof *estimators };

static void test_gradients_of_the_elbo(void **state)
{
    (void)state;
    const double betas[] = { 1, 2.5 };
    linear       l;
    tap_module  *root = linear_new(&l);
    statistics   exact = gradient(root, exact_elbo, &l, 1), even[2];
    for (int i = 0; i < ESTIMATORS; i++) {
        l.options = (tap_bound_options){ .estimator = estimators[i].estimator };
        l.closed_kl = estimators[i].closed_kl;
        l.own_baseline = estimators[i].own_baseline;
        statistics s = gradient(root, bound, &l, 500);
        assert_agrees(estimators[i].name, &s, exact.mean);
    }
    /* beta: any estimator against the reparameterized one with the KL in closed form. */
    for (int k = 0; k < 2; k++) {
        l = (linear){ .model = l.model, .options = { .beta = betas[k] }, .closed_kl = true };
        even[k] = gradient(root, bound, &l, 500);
        l = (linear){ .model = l.model, .options = { .beta = betas[k], .estimator = TAP_SCORE_LEAVE_ONE_OUT } };
        statistics s = gradient(root, bound, &l, 500);
        for (int i = 0; i < s.n; i++) s.error[i] = hypot(s.error[i], even[k].error[i]);
        assert_agrees("beta", &s, even[k].mean);
    }
    assert_true(fabs(even[0].mean[0] - even[1].mean[0]) > 0.01);
    tap_module_free(root);
}

static void test_literal_eq_9_is_zero(void **state)
{
    (void)state;
    const double zeros[NUMBERS] = { 0 };
    linear       l;
    tap_module  *root = linear_new(&l);
    statistics   s = gradient(root, literal_eq_9, &l, 1000), exact = gradient(root, exact_elbo, &l, 1);
    assert_agrees("eq. 9", &s, zeros);
    assert_true(s.error[0] > 0);                        /* it is noise around zero, */
    assert_true(fabs(exact.mean[0]) > 20 * s.error[0]); /* and the gradient is not zero */
    tap_module_free(root);
}

/* The bound by the four draws mu +- t in both dimensions, which take the expectation of a quadratic exactly. */
static tap_tensor exact_draws(double noise[4][BATCH][LATENT])
{
    for (int i = 0; i < 4 * BATCH; i++) {
        noise[i / BATCH][i % BATCH][0] = i / BATCH % 2 ? 1 : -1;
        noise[i / BATCH][i % BATCH][1] = i / BATCH / 2 ? 1 : -1;
    }
    return tap_tensor_wrap(TAP_F64, TAP_SHAPE(4, BATCH, LATENT), noise);
}

/* Theorem 1.2: both forms, with the value of every estimator. */
static void test_both_forms(void **state)
{
    (void)state;
    double      noise[4][BATCH][LATENT];
    linear      l;
    tap_module *root = linear_new(&l);
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    tap_var     x = image_input(t);
    tap_dist    q = tap_linear_vae_encode(&l.model, x);
    tap_var     z = tap_sample_from(q, tap_input(t, exact_draws(noise)));
    tap_tensor  exact = tap_value(tap_linear_vae_elbo(&l.model, x));
    for (int i = 0; i < ESTIMATORS; i++) {
        l.options = (tap_bound_options){ .estimator = estimators[i].estimator };
        l.closed_kl = estimators[i].closed_kl;
        tap_tensor value = tap_value(tap_variational_bound(densities(&l, x, q, z), l.options));
        assert_true(tap_shape_equal(value.shape, TAP_SHAPE(BATCH)));
        for (int k = 0; k < BATCH; k++)
            assert_near_msg(estimators[i].name, tap_tensor_item(value, k), tap_tensor_item(exact, k), 1e-12);
    }
    assert_tape_ok(t);
    tap_tape_free(t);
    tap_module_free(root);
}

/* ---- The importance-weighted bound ------------------------------------------------------------------------------- */

enum { PARAMETERS = 6, REPEATS = 64 };

static const double x0 = 1.3, tiny_at[PARAMETERS] = { 0.4, -0.2, -0.4, 0.9, 0.3, -0.1 };

static double normal(double x, double mean, double log_scale)
{
    double u = (x - mean) / exp(log_scale);
    return -u * u / 2 - log_scale - LOG_2PI / 2;
}

static double log_weight(const double *p, double noise)
{
    double z = p[0] * x0 + p[1] + exp(p[2]) * noise;
    return normal(x0, p[3] * z + p[4], p[5]) + normal(z, 0, 0) - normal(z, p[0] * x0 + p[1], p[2]);
}

/* The bound with two draws, an integral over two numbers. */
static double bound_of_two(const double *p)
{
    enum { N = 181 };
    const double h = 0.1;
    double       log_w[N], q[N], sum = 0;
    for (int i = 0; i < N; i++) {
        double u = (i - N / 2) * h;
        log_w[i] = log_weight(p, u);
        q[i] = h * exp(normal(u, 0, 0));
    }
    for (int i = 0; i < N * N; i++) {
        double a = log_w[i / N], b = log_w[i % N], high = fmax(a, b);
        sum += q[i / N] * q[i % N] * (high + log1p(exp(fmin(a, b) - high)) - log(2));
    }
    return sum;
}

static tap_module *tiny_new(tap_scalar_vae *m)
{
    tap_module *root = tap_module_new(TAP_F64, 0);
    int         i = 0;
    tap_scalar_vae_init(m, root);
    for (tap_param *p = tap_module_next(root, NULL); p; p = tap_module_next(root, p))
        tap_tensor_fill(tap_param_value(p), tiny_at[i++]);
    return root;
}

typedef struct {
    tap_scalar_vae    model;
    tap_bound_options options;
    int64_t           k, n;
} tiny;

/* [n]: the bound with k draws, n times over for one x */
static tap_var tiny_bounds(tap_tape *t, const tiny *m)
{
    const tap_estimator e = m->options.estimator;
    tap_var             x = tap_full(t, TAP_SHAPE(m->n), x0);
    tap_dist            q = tap_scalar_vae_encode(&m->model, x);
    tap_var             z = tap_estimator_sample(e, tap_sample_n(q, m->k));
    tap_bound_terms     d = { .log_px_z = tap_log_prob(tap_scalar_vae_decode(&m->model, z), x),
                              .log_pz = tap_log_prob(tap_standard_normal_like(q), z),
                              .log_q = tap_log_prob(tap_estimator_posterior(e, q), z),
                              .z = z };
    return tap_variational_bound(d, m->options);
}

static tap_var tiny_bound(tap_tape *t, const void *ctx)
{
    return tap_mean(tiny_bounds(t, ctx), TAP_ALL);
}

static void test_gradients_of_iwae(void **state)
{
    (void)state;
    static const tap_estimator some[] = { TAP_REPARAMETERIZED, TAP_DOUBLY_REPARAMETERIZED, TAP_SCORE, TAP_SCORE_BASELINE,
                                          TAP_SCORE_LEAVE_ONE_OUT };
    double                     exact[PARAMETERS];
    tiny                       m = { .k = 2, .n = REPEATS };
    tap_module                *root = tiny_new(&m.model);
    for (int i = 0; i < PARAMETERS; i++) {
        double p[PARAMETERS], at[2];
        for (int side = 0; side < 2; side++) {
            for (int k = 0; k < PARAMETERS; k++) p[k] = tiny_at[k] + (k == i ? (side ? 1e-4 : -1e-4) : 0);
            at[side] = bound_of_two(p);
        }
        exact[i] = (at[1] - at[0]) / 2e-4;
    }
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        char name[32];
        snprintf(name, sizeof name, "IWAE, estimator %d", (int)some[i]);
        m.options = (tap_bound_options){ .bound = TAP_IWAE, .estimator = some[i] };
        statistics s = gradient(root, tiny_bound, &m, 1000);
        assert_agrees(name, &s, exact);
    }
    tap_module_free(root);
}

/* The bound rises with K, from the ELBO to log p(x), and its mean over repetitions is what an integral says. */
static void test_iwae_rises_to_log_p(void **state)
{
    (void)state;
    const int64_t ks[] = { 1, 2, 5, 20, 100, 1000, 10000 };
    const double  log_p = normal(x0, tiny_at[4], 0.5 * log(tiny_at[3] * tiny_at[3] + exp(2 * tiny_at[5])));
    double        before = 0, variance = 0;
    tiny          m = { .options = { .bound = TAP_IWAE }, .n = 20000 };
    tap_module   *root = tiny_new(&m.model);
    tap_tape     *t = tap_tape_new(TAP_F64, 7);
    tap_var       one = tap_full(t, TAP_SHAPE(1), x0);
    double        elbo = tap_item(tap_scalar_vae_elbo(&m.model, one));
    tap_tape_set_recording(t, false);
    for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
        m.k = ks[i];
        if (m.k >= 100) m.n = 1000000 / m.k;
        tap_tape_reset(t);
        tap_var mean, var = tap_var_mean(tiny_bounds(t, &m), TAP_ALL, 1, &mean);
        double  value = tap_item(mean), error = sqrt(tap_item(var) / (double)m.n);
        if (m.k == 1) assert_near_msg("K = 1", value, elbo, 4 * error);
        if (m.k == 2) assert_near_msg("K = 2", value, bound_of_two(tiny_at), 4 * error);
        if (i > 0 && !(value > before - 4 * sqrt(variance + error * error)))
            fail_msg("K = %lld: %g after %g", (long long)m.k, value, before);
        if (i > 0 && i < 4) assert_true(value > before + 4 * sqrt(variance + error * error)); /* by far, as long as it can */
        assert_true(value < log_p + 4 * error);
        before = value;
        variance = error * error;
    }
    assert_near_msg("K = 10000", before, log_p, 4 * sqrt(variance) + 1e-4);
    assert_true(log_p - elbo > 0.05);
    assert_tape_ok(t);
    tap_tape_free(t);
    tap_module_free(root);
}

/* ---- What is known of single estimators -------------------------------------------------------------------------- */

static tap_var tiny_with_noise(tap_tape *t, const tiny *m, const double *noise, int64_t k)
{
    double              copy[8];
    const tap_estimator e = m->options.estimator;
    tap_var             x = tap_full(t, TAP_SHAPE(1), x0);
    for (int i = 0; i < k; i++) copy[i] = noise[i];
    tap_var         eps = tap_mul_scalar(tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(k, 1), copy)), 1); /* not borrowed */
    tap_dist        q = tap_scalar_vae_encode(&m->model, x);
    tap_var         z = tap_estimator_sample(e, tap_sample_from(q, eps));
    tap_bound_terms d = { .log_px_z = tap_log_prob(tap_scalar_vae_decode(&m->model, z), x),
                          .log_pz = tap_log_prob(tap_standard_normal_like(q), z),
                          .log_q = tap_log_prob(tap_estimator_posterior(e, q), z),
                          .z = z };
    return tap_sum(tap_variational_bound(d, m->options), TAP_ALL);
}

/* The gradient by b, at given noise, where z = .. + b: by hand for K draws, with normalized weights w,
 *   doubly reparameterized sum w^2 dlogw/dz, reparameterized sum w dlogw/dz (log q's own part vanishes with z - mean). */
static void test_doubly_reparameterized_by_hand(void **state)
{
    (void)state;
    const double noise[] = { 0.3, -1.2, 2.0 };
    double       w[3], total = 0, expected = 0, at_b[NUMBERS];
    tiny         m = { .options = { .bound = TAP_IWAE, .estimator = TAP_DOUBLY_REPARAMETERIZED } };
    tap_module  *root = tiny_new(&m.model);
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    for (int i = 0; i < 3; i++) total += w[i] = exp(log_weight(tiny_at, noise[i]));
    for (int i = 0; i < 3; i++) {
        double mean = tiny_at[0] * x0 + tiny_at[1], z = mean + exp(tiny_at[2]) * noise[i];
        double by_z =
            tiny_at[3] * (x0 - tiny_at[3] * z - tiny_at[4]) / exp(2 * tiny_at[5]) - z + (z - mean) / exp(2 * tiny_at[2]);
        expected += pow(w[i] / total, 2) * by_z;
    }
    tap_var value = tiny_with_noise(t, &m, noise, 3);
    tap_backward(value);
    read_gradient(root, at_b);
    assert_near_msg("bound", tap_item(value), log(total / 3), 1e-13);
    assert_near_msg("d/db", at_b[1], expected, 1e-13);
    assert_tape_ok(t);
    tap_tape_free(t);
    tap_module_free(root);
}

/* Where q is the posterior, sticking the landing has no variance: each single draw gives the zero it should. */
static void test_sticking_the_landing_has_no_noise_at_the_optimum(void **state)
{
    (void)state;
    const double noise[] = { 1.7 }, c = 0.9, s2 = exp(-0.2), sigma2 = c * c + s2;
    const double optimum[] = { c / sigma2, -c * 0.3 / sigma2, 0.5 * log(s2 / sigma2), c, 0.3, 0.5 * log(s2) };
    for (int e = 0; e < 2; e++) {
        double      g[NUMBERS];
        tiny        m = { .options = { .estimator = e ? TAP_REPARAMETERIZED : TAP_STICKING_THE_LANDING } };
        tap_module *root = tiny_new(&m.model);
        tap_tape   *t = tap_tape_new(TAP_F64, 0);
        int         i = 0;
        for (tap_param *p = tap_module_next(root, NULL); p; p = tap_module_next(root, p))
            tap_tensor_fill(tap_param_value(p), optimum[i++]);
        tap_backward(tiny_with_noise(t, &m, noise, 1));
        read_gradient(root, g);
        for (i = 0; i < 3; i++) assert_true(e ? fabs(g[i]) > 0.1 : fabs(g[i]) < 1e-13);
        assert_tape_ok(t);
        tap_tape_free(t);
        tap_module_free(root);
    }
}

/* ---- By hand ----------------------------------------------------------------------------------------------------- */

/* Of x[0], x[stride], ..: all but one. */
static double mean_without(const double *x, int n, int stride, int out)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += i == out ? 0 : x[i * stride];
    return sum / (n - 1);
}

/* What is taken off for draw k of image b, of the f of all draws and the bounds of all columns. */
static double baseline_of(const tap_bound_options *o, int columns, const double *f, const double *bounds, int k, int b)
{
    double sum = 0;
    if (o->estimator == TAP_SCORE) return 0;
    if (o->estimator == TAP_SCORE_BASELINE) return mean_without(bounds, columns, 1, b);
    const double others = mean_without(f + b, DRAWS, columns, k);
    for (int j = 0; j < DRAWS; j++) sum += exp(j == k ? others : f[j * columns + b]) / DRAWS;
    return o->bound == TAP_IWAE ? log(sum) : others;
}

/* The derivative by log q itself: the signal of the score function, for IWAE beside what is differentiated anyhow. */
static void check_signals(tap_bound_options o, int columns, bool closed_kl, bool given)
{
    enum { MAX_N = DRAWS * 3 };
    const bool   iwae = o.bound == TAP_IWAE;
    const double beta = o.beta < 0 ? 0 : o.beta > 0 ? o.beta : 1;
    double       px[MAX_N], pz[MAX_N], q[MAX_N], base[MAX_N], f[MAX_N], bounds[3] = { 0 }, total[3] = { 0 };
    for (int i = 0; i < DRAWS * columns; i++) {
        px[i] = sin(i + 1);
        pz[i] = cos(2 * i);
        q[i] = 0.3 * sin(3 * i) - 0.5;
        base[i] = 0.7 * cos(5 * i);
        f[i] = px[i] + (closed_kl ? 0 : beta * (pz[i] - q[i]));
        bounds[i % columns] += f[i] / DRAWS;
        total[i % columns] += exp(f[i]);
    }
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_shape s = columns > 1 ? TAP_SHAPE(DRAWS, columns) : TAP_SHAPE(DRAWS),
              of_kl = columns > 1 ? TAP_SHAPE(columns, 1) : TAP_SHAPE(1);
    tap_var         log_q = tap_variable(t, tap_tensor_wrap(TAP_F64, s, q)), by_q;
    tap_bound_terms d = { .log_px_z = tap_input(t, tap_tensor_wrap(TAP_F64, s, px)),
                          .log_pz = tap_input(t, tap_tensor_wrap(TAP_F64, s, pz)),
                          .log_q = log_q,
                          .kl = closed_kl ? tap_zeros(t, of_kl) : (tap_var){ 0 },
                          .baseline = given ? tap_input(t, tap_tensor_wrap(TAP_F64, s, base)) : (tap_var){ 0 } };
    tap_var         bound = tap_variational_bound(d, o);
    tap_grad(tap_sum(bound, TAP_ALL), 1, &log_q, &by_q);
    assert_tape_ok(t);
    for (int b = 0; b < columns; b++) {
        if (iwae) bounds[b] = log(total[b] / DRAWS);
        assert_near_msg("bound", tap_tensor_item(tap_value(bound), b), bounds[b], 1e-14);
    }
    for (int i = 0; i < DRAWS * columns; i++) {
        const int    k = i / columns, b = i % columns;
        const double signal = (iwae ? bounds[b] : f[i]) - (given ? base[i] : baseline_of(&o, columns, f, bounds, k, b));
        const double expected = iwae ? signal - exp(f[i]) / total[b] : signal / DRAWS;
        assert_near_msg("d/d log q", tap_tensor_item(tap_value(by_q), i), expected, 1e-14);
    }
    tap_tape_free(t);
}

static void test_signals_by_hand(void **state)
{
    (void)state;
    for (tap_estimator e = TAP_SCORE; e <= TAP_SCORE_LEAVE_ONE_OUT; e++) {
        for (int given = 0; given <= (e == TAP_SCORE_BASELINE); given++) {
            for (int columns = 3; columns > 0; columns -= 2) {
                if (columns == 1 && e == TAP_SCORE_BASELINE && !given) continue; /* there are no others */
                check_signals((tap_bound_options){ .estimator = e }, columns, false, given);
                check_signals((tap_bound_options){ .estimator = e, .beta = 0.5 }, columns, false, given);
                check_signals((tap_bound_options){ .estimator = e, .beta = -1 }, columns, false, given);
                check_signals((tap_bound_options){ .estimator = e }, columns, true, given);
                check_signals((tap_bound_options){ .estimator = e, .bound = TAP_IWAE }, columns, false, given);
            }
        }
    }
}

/* A baseline made of the other draws or images takes off whatever they have in common: a model that is likelier everywhere by the
 * factor e^100 gets the same gradient from the same draws. */
static void test_baselines_do_not_see_a_constant(void **state)
{
    (void)state;
    double noise[4][BATCH][LATENT], g[2][NUMBERS];
    for (int i = 0; i < 4 * BATCH * LATENT; i++)
        (&noise[0][0][0])[i] = 2 * sin(1.3 * i) + 0.2; /* no mean that is 0 by itself */
    for (int i = 0; i < 4; i++) {
        linear      l;
        tap_module *root = linear_new(&l);
        tap_tape   *t = tap_tape_new(TAP_F64, 0);
        int         n = 0;
        tap_tensor  drawn = tap_tensor_wrap(TAP_F64, TAP_SHAPE(4, BATCH, LATENT), noise);
        l.options.bound = i / 2 ? TAP_IWAE : TAP_ELBO;
        l.options.estimator = i % 2 ? TAP_SCORE_LEAVE_ONE_OUT : TAP_SCORE_BASELINE;
        for (int side = 0; side < 2; side++) {
            tap_tape_reset(t);
            tap_module_zero_grad(root);
            tap_var         x = image_input(t);
            tap_dist        q = tap_linear_vae_encode(&l.model, x);
            tap_bound_terms d = densities(&l, x, q, tap_sample_from(q, tap_input(t, drawn)));
            d.log_px_z = tap_add_scalar(d.log_px_z, side ? 100 : 0);
            tap_backward(tap_mean(tap_variational_bound(d, l.options), TAP_ALL));
            n = read_gradient(root, g[side]);
        }
        for (int k = 0; k < n; k++) assert_near_msg("gradient", g[1][k], g[0][k], 1e-11);
        assert_tape_ok(t);
        tap_tape_free(t);
        tap_module_free(root);
    }
}

static void test_free_bits(void **state)
{
    (void)state;
    double kl[] = { 0.1, 2, 0.25, 0.2, 4, 0.75 }; /* a mean counts: 0.25 of a dimension that has more is no less than it is */
    const double expected[] = { 0.3, 2, 0.25, 0.3, 4, 0.75 }, by_kl[] = { 0, 1, 1, 0, 1, 1 };
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    tap_var      v = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 3), kl)), dv;
    tap_var      held = tap_free_bits(v, 0.3), log_px_z = tap_zeros(t, TAP_SHAPE(1, 2));
    tap_grad(tap_sum(held, TAP_ALL), 1, &v, &dv);
    for (int i = 0; i < 6; i++) {
        assert_near_msg("KL", tap_tensor_item(tap_value(held), i), expected[i], 0);
        assert_near_msg("gradient", tap_tensor_item(tap_value(dv), i), by_kl[i], 0);
    }
    tap_var b = tap_variational_bound((tap_bound_terms){ .log_px_z = log_px_z, .kl = v },
                                      (tap_bound_options){ .free_bits = 0.3, .beta = 2 });
    assert_near_msg("bound", tap_tensor_item(tap_value(b), 0), -2 * 2.55, 1e-15);
    assert_near_msg("bound", tap_tensor_item(tap_value(b), 1), -2 * 5.05, 1e-15);
    /* Of a single image, and of images along two axes. */
    tap_var      single = tap_free_bits(tap_select(v, 0, 0), 0.3), two = tap_free_bits(tap_reshape(v, TAP_SHAPE(2, 1, 3)), 0.3);
    const double alone[] = { 0.3, 2, 0.3 };
    for (int i = 0; i < 3; i++) assert_near_msg("of one", tap_tensor_item(tap_value(single), i), alone[i], 0);
    for (int i = 0; i < 6; i++) assert_near_msg("of two axes", tap_tensor_item(tap_value(two), i), expected[i], 0);
    tap_var empty[] = { tap_zeros(t, TAP_SHAPE(3, 0)), tap_zeros(t, TAP_SHAPE(0, 3)) };
    for (int i = 0; i < 2; i++)
        assert_true(tap_shape_equal(tap_shape_of(tap_free_bits(empty[i], 0.3)), tap_shape_of(empty[i])));
    assert_near_msg("of one number",
                    tap_item(tap_free_bits(tap_reshape(tap_select(tap_select(v, 0, 0), 0, 0), TAP_SHAPE(1)), 0.3)), 0.3, 0);
    /* Where q is the prior and nothing is free, the KL has its gradient. */
    tap_var none = tap_mul_scalar(v, 0),
            at_prior = tap_variational_bound((tap_bound_terms){ .log_px_z = log_px_z, .kl = none }, (tap_bound_options){ 0 });
    tap_grad(tap_sum(at_prior, TAP_ALL), 1, &none, &dv);
    for (int i = 0; i < 6; i++) assert_near_msg("gradient at the prior", tap_tensor_item(tap_value(dv), i), -1, 0);
    assert_tape_ok(t);
    tap_tape_free(t);
}

static void test_smooth_clip(void **state)
{
    (void)state;
    double    x[] = { -1e300, -(double)INFINITY, -30, -3, 0, 3, 30, 1e300, (double)INFINITY };
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_var   v = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(9), x)), dv, y = tap_smooth_clip(v, -10, 10);
    tap_grad(tap_sum(y, TAP_ALL), 1, &v, &dv);
    for (int i = 0; i < 9; i++) {
        assert_near_msg("clip", tap_tensor_item(tap_value(y), i), fmin(fmax(x[i], -10), 10), fabs(x[i]) < 10 ? 1e-3 : 1e-8);
        assert_near_msg("slope", tap_tensor_item(tap_value(dv), i), fabs(x[i]) < 10 ? 1 : 0, fabs(x[i]) < 10 ? 1e-3 : 1e-8);
    }
    assert_tape_ok(t);
    tap_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_of_the_elbo),
        cmocka_unit_test(test_literal_eq_9_is_zero),
        cmocka_unit_test(test_both_forms),
        cmocka_unit_test(test_gradients_of_iwae),
        cmocka_unit_test(test_iwae_rises_to_log_p),
        cmocka_unit_test(test_doubly_reparameterized_by_hand),
        cmocka_unit_test(test_sticking_the_landing_has_no_noise_at_the_optimum),
        cmocka_unit_test(test_signals_by_hand),
        cmocka_unit_test(test_baselines_do_not_see_a_constant),
        cmocka_unit_test(test_free_bits),
        cmocka_unit_test(test_smooth_clip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
