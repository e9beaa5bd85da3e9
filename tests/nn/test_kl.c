/* KL divergences: closed forms against PyTorch, against samples, and theorem 1.3 against linear algebra in plain loops. */
#include <stdlib.h>

#include "tests/nn/dist_cases.h"

typedef struct {
    dist_case q, p;
    double    kl;
} row;

/* clang-format off */
static const row rows[] = {
    { { .two = tap_normal, .shape = { { 0 }, { 0 } }, .p = { { 1.25 }, { 0.4 } } },
      { .two = tap_normal, .shape = { { 0 }, { 0 } }, .p = { { -0.5 }, { 0.9 } } }, 0.43705364317502554 },
    { { .two = tap_log_normal, .shape = { { 0 }, { 0 } }, .p = { { 0.3 }, { -0.5 } } },
      { .two = tap_log_normal, .shape = { { 0 }, { 0 } }, .p = { { -0.2 }, { 0.1 } } }, 0.3529384500908488 },
    { { .two = tap_laplace, .shape = { { 0 }, { 0 } }, .p = { { -0.7 }, { 0.6 } } },
      { .two = tap_laplace, .shape = { { 0 }, { 0 } }, .p = { { 0.4 }, { 0.2 } } }, 0.31631674833770096 },
    { { .two = tap_laplace, .shape = { { 0 }, { 0 } }, .p = { { 0.1 }, { 0.6 } } },
      { .two = tap_laplace, .shape = { { 0 }, { 0 } }, .p = { { -0.7 }, { 0.2 } } }, 0.21668788993220536 },
    { { .two = tap_laplace, .shape = { { 0 }, { 0 } }, .p = { { -0.7 }, { 0.6 } } },
      { .two = tap_normal, .shape = { { 0 }, { 0 } }, .p = { { 1.25 }, { 0.4 } } }, 1.371902743313865 },
    { { .two = tap_normal, .shape = { { 0 }, { 0 } }, .p = { { 1.25 }, { 0.4 } } },
      { .two = tap_laplace, .shape = { { 0 }, { 0 } }, .p = { { -0.7 }, { 0.6 } } }, 0.6178195034085362 },
    { { .one = tap_bernoulli, .shape = { { 0 } }, .p = { { 1.3 } } },
      { .one = tap_bernoulli, .shape = { { 0 } }, .p = { { -0.4 } } }, 0.30792626973931003 },
    { { .one = tap_continuous_bernoulli, .shape = { { 0 } }, .p = { { 2.5 } } },
      { .one = tap_continuous_bernoulli, .shape = { { 0 } }, .p = { { -0.8 } } }, 0.40357120419313797 },
    { { .one = tap_continuous_bernoulli, .shape = { { 0 } }, .p = { { 0.6 } } },
      { .one = tap_continuous_bernoulli, .shape = { { 0 } }, .p = { { 7 } } }, 1.220125987179311 },
    { { .one = tap_categorical, .shape = { S(4) }, .p = { { 0.3, -1.2, 2, 0 } } },
      { .one = tap_categorical, .shape = { S(4) }, .p = { { 1, 0, 0.5, -1 } } }, 0.5133988880897458 },
    { { .one = tap_one_hot_categorical, .shape = { S(3) }, .p = { { 0.3, -1.2, 2 } } },
      { .one = tap_one_hot_categorical, .shape = { S(3) }, .p = { { 1, 0, 0.5 } } }, 0.5601395664786475 },
    { { .two = tap_normal, .shape = { S(3), S(3) }, .p = { { 1, -0.5, 0.3 }, { 0.1, -0.4, 0.5 } } },
      { .two = tap_isotropic_normal, .shape = { S(3), { 0 } }, .p = { { 0.5, -1, 2 }, { -0.3 } } }, 4.4871434196446955 },
    { { .two = tap_isotropic_normal, .shape = { S(3), { 0 } }, .p = { { 0.5, -1, 2 }, { -0.3 } } },
      { .two = tap_normal, .shape = { S(3), S(3) }, .p = { { 1, -0.5, 0.3 }, { 0.1, -0.4, 0.5 } } }, 1.448433872825064 },
    { { .two = tap_isotropic_normal, .shape = { S(3), { 0 } }, .p = { { 0.5, -1, 2 }, { -0.3 } } },
      { .two = tap_normal, .shape = { { 0 }, { 0 } }, .p = { { 0 }, { 0 } } }, 2.84821745414104 },
    { { .two = tap_isotropic_normal, .shape = { S(3), { 0 } }, .p = { { 0.5, -1, 2 }, { -0.3 } } },
      { .two = tap_isotropic_normal, .shape = { S(3), { 0 } }, .p = { { 0.1, -0.3, 1.5 }, { 0.25 } } }, 0.922245422417804 },
    { { .two = tap_normal, .shape = { S(3), S(3) }, .p = { { 1, -0.5, 0.3 }, { 0.1, -0.4, 0.5 } } },
      { .two = tap_multivariate_normal, .shape = { S(3), S(3, 3) },
        .p = { { 0.5, -1, 2 }, { 1.2, 0, 0, -0.4, 0.7, 0, 0.3, 0.9, 1.5 } } }, 2.5852538523511153 },
    { { .two = tap_multivariate_normal, .shape = { S(3), S(3, 3) },
        .p = { { 0.5, -1, 2 }, { 1.2, 0, 0, -0.4, 0.7, 0, 0.3, 0.9, 1.5 } } },
      { .two = tap_normal, .shape = { S(3), S(3) }, .p = { { 1, -0.5, 0.3 }, { 0.1, -0.4, 0.5 } } }, 1.2732050955468746 },
    { { .two = tap_multivariate_normal, .shape = { S(3), S(3, 3) },
        .p = { { 0.5, -1, 2 }, { 1.2, 0, 0, -0.4, 0.7, 0, 0.3, 0.9, 1.5 } } },
      { .two = tap_normal, .shape = { { 0 }, { 0 } }, .p = { { 0 }, { 0 } } }, 3.5138882790366126 },
    { { .two = tap_isotropic_normal, .shape = { S(3), { 0 } }, .p = { { 0.5, -1, 2 }, { -0.3 } } },
      { .two = tap_multivariate_normal, .shape = { S(3), S(3, 3) },
        .p = { { 0.2, 0.4, 1 }, { 0.9, 0, 0, 0.5, 1.3, 0, -0.2, 0.1, 0.8 } } }, 2.2293259345012153 },
    { { .two = tap_multivariate_normal, .shape = { S(3), S(3, 3) },
        .p = { { 0.5, -1, 2 }, { 1.2, 0, 0, -0.4, 0.7, 0, 0.3, 0.9, 1.5 } } },
      { .two = tap_isotropic_normal, .shape = { S(3), { 0 } }, .p = { { 0.1, -0.3, 1.5 }, { 0.25 } } }, 0.8809374043543977 },
    { { .two = tap_multivariate_normal, .shape = { S(3), S(3, 3) },
        .p = { { 0.5, -1, 2 }, { 1.2, 0, 0, -0.4, 0.7, 0, 0.3, 0.9, 1.5 } } },
      { .two = tap_multivariate_normal, .shape = { S(3), S(3, 3) },
        .p = { { 0.2, 0.4, 1 }, { 0.9, 0, 0, 0.5, 1.3, 0, -0.2, 0.1, 0.8 } } }, 4.101987258583351 },
};
/* clang-format on */

enum { ROWS = sizeof rows / sizeof *rows };

static void test_values(void **state)
{
    (void)state;
    for (const row *r = rows; r < rows + ROWS; r++) {
        for (int dtype = TAP_F32; dtype <= TAP_F64; dtype++) {
            tap_tape *t = tap_tape_new((tap_dtype)dtype, 0);
            tap_dist  q = dist_of(t, &r->q), p = dist_of(t, &r->p);
            double    tolerance = dtype == TAP_F64 ? 2e-14 : 2e-6;
            assert_near_msg(q.type == p.type ? "of a kind" : "of two kinds", tap_item(tap_kl(q, p)), r->kl,
                            tolerance * (1 + r->kl));
            if (q.type == p.type) assert_near_msg("to itself", tap_item(tap_kl(q, q)), 0, dtype == TAP_F64 ? 1e-15 : 5e-7);
            assert_tape_ok_msg("kl", t);
            tap_tape_free(t);
        }
    }
}

/* Within 4 standard errors of a million samples; under valgrind, of fewer. */
static void test_samples(void **state)
{
    (void)state;
    enum { CHUNK = 50000 };
    const int chunks = getenv("TAP_TEST_SHORT") ? 1 : 20;
    for (const row *r = rows; r < rows + ROWS; r++) {
        double    mean = 0, variance = 0;
        tap_tape *t = tap_tape_new(TAP_F64, 21);
        tap_tape_set_recording(t, false);
        for (int i = 0; i < chunks; i++) {
            tap_var error, kl = tap_kl_monte_carlo(dist_of(t, &r->q), dist_of(t, &r->p), CHUNK, &error);
            mean += tap_item(kl) / chunks;
            variance += tap_item(error) * tap_item(error) / (chunks * chunks);
            assert_tape_ok_msg("kl_monte_carlo", t);
            tap_tape_reset(t);
        }
        assert_true(variance > 0 && variance < 1e-4 * 20 / chunks);
        assert_near_msg("samples", mean, r->kl, 4 * sqrt(variance));
        tap_tape_free(t);
    }
}

/* Pairs without a closed form have an estimate, too, and its gradient is unbiased with and without a path. */
static void test_monte_carlo(void **state)
{
    (void)state;
    const double l = 1.3, m = -0.4, two[] = { 0.5, -0.3 }, other[] = { 1, 0.2 };
    tap_tape    *t = tap_tape_new(TAP_F64, 2);
    tap_var a = tap_variable(t, wrap(TAP_SCALAR, &l)), b = tap_input(t, wrap(TAP_SCALAR, &m)), one = tap_scalar(t, 1), e, g,
            exact;
    tap_var  x = tap_input(t, wrap((tap_shape)S(2), two)), y = tap_input(t, wrap((tap_shape)S(2), other));
    tap_dist q = tap_relaxed_one_hot_categorical(x, one), p = tap_relaxed_one_hot_categorical(y, one);
    tap_var  kl = tap_kl_monte_carlo(q, p, 1000, &e);
    assert_true(tap_item(kl) > 0 && tap_item(e) > 0 && tap_item(e) < 0.1);

    tap_dist pair[][2] = { { tap_bernoulli(a), tap_bernoulli(b) }, { tap_normal(a, one), tap_normal(b, one) } };
    for (int k = 0; k < 2; k++) {
        enum { N = 200000 };
        tap_grad(tap_kl_monte_carlo(pair[k][0], pair[k][1], N, NULL), 1, &a, &g);
        tap_grad(tap_kl(pair[k][0], pair[k][1]), 1, &a, &exact);
        assert_true(fabs(tap_item(exact)) > 0.1);
        assert_near_msg("gradient", tap_item(g), tap_item(exact), 0.01);
    }
    /* For N(0,c) and N(0,1), c = e^(2 l), log q - log p at z = e^l n is v = (c - 1) n^2 / 2 - l, and its slope along the path
     * c n^2 - 1: no more. */
    tap_var zero = tap_scalar(t, 0), few = tap_kl_monte_carlo(tap_normal(zero, a), tap_normal(zero, zero), 2, &e);
    tap_grad(few, 1, &a, &g);
    assert_near_msg("path", tap_item(g), 2 * (tap_item(few) + l) / (1 - exp(-2 * l)) - 1, 1e-13);
    assert_true(tap_item(e) > 0 && tap_item(e) < 10);
    tap_kl_monte_carlo(pair[1][0], pair[1][1], 9, &e);
    tap_grad(e, 1, &a, &g);
    assert_true(tap_item(e) > 0 && tap_item(g) == 0);
    assert_tape_ok_msg("monte carlo", t);
    tap_kl_monte_carlo(pair[1][0], pair[1][1], 1, &e); /* an error, and no standard error */
    assert_true(e.tape == t && e.id == 0);
    tap_tape_free(t);
}

/* A batch of q against a batch of p: each with each. */
static void test_broadcasting(void **state)
{
    (void)state;
    enum { N = 40000 };
    tap_tape *t = tap_tape_new(TAP_F64, 6);
    tap_dist  q = tap_normal(tap_randn(t, (tap_shape)S(2, 1, 3)), tap_randn(t, (tap_shape)S(3)));
    tap_dist  p = tap_isotropic_normal(tap_randn(t, (tap_shape)S(4, 3)), tap_scalar(t, 1));
    tap_var   e, kl = tap_kl(q, p), estimate = tap_kl_monte_carlo(q, p, N, &e);
    assert_true(tap_shape_equal(tap_shape_of(kl), (tap_shape)S(2, 4)));
    assert_true(tap_shape_equal(tap_shape_of(estimate), (tap_shape)S(2, 4)));
    for (int i = 0; i < 8; i++) assert_near_msg("broadcast", item(estimate, i), item(kl, i), 4.5 * item(e, i));
    assert_tape_ok_msg("broadcasting", t);
    tap_tape_free(t);
}

static void test_delta(void **state)
{
    (void)state;
    const double at[] = { 1, 2 }, of[] = { 1, 3 };
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    tap_var      a = tap_input(t, wrap((tap_shape)S(2), at)), b = tap_input(t, wrap((tap_shape)S(2), of));
    tap_dist     q = tap_delta(a), p = tap_normal(b, b), vector = tap_isotropic_normal(b, tap_scalar(t, 0));
    assert_true(item(tap_kl(q, tap_delta(b)), 0) == 0 && item(tap_kl(q, tap_delta(b)), 1) == (double)INFINITY);
    assert_true(tap_item(tap_kl(q, tap_relaxed_one_hot_categorical(b, tap_scalar(t, 1)))) == (double)INFINITY);
    assert_true(item(tap_kl(q, p), 0) == (double)INFINITY && tap_shape_of(tap_kl(q, p)).rank == 1);
    assert_true(item(tap_kl(q, vector), 0) == (double)INFINITY && tap_shape_of(tap_kl(q, vector)).rank == 0);
    assert_tape_ok_msg("delta", t);
    tap_tape_free(t);
}

/* ---- Theorem 1.3 ------------------------------------------------------------------------------------------------- */

enum { MAX_N = 6 };

typedef struct {
    int    d;
    double mu[2][MAX_N], l[2][MAX_N * MAX_N];
} gaussians;

static void random_gaussians(gaussians *g, int d, uint64_t seed)
{
    *g = (gaussians){ .d = d };
    for (int k = 0; k < 2; k++) {
        tap_random_normal(wrap((tap_shape)S(d), g->mu[k]), (tap_rng_key){ .seed = seed, .stream = (uint64_t)k });
        tap_random_normal(wrap((tap_shape)S(d, d), g->l[k]), (tap_rng_key){ .seed = seed, .stream = (uint64_t)k + 2 });
        for (int i = 0; i < d; i++) g->l[k][i * d + i] = 1 + fabs(g->l[k][i * d + i]);
    }
}

/* Sigma = L L^T, of the lower triangle. */
static void covariance(int d, const double *l, double *sigma)
{
    for (int i = 0; i < d; i++) {
        for (int j = 0; j < d; j++) {
            sigma[i * d + j] = 0;
            for (int k = 0; k <= i && k <= j; k++) sigma[i * d + j] += l[i * d + k] * l[j * d + k];
        }
    }
}

/* The inverse by Gauss and Jordan, and the determinant. */
static double inverse(int d, const double *a, double *inv)
{
    double m[MAX_N][2 * MAX_N] = { { 0 } }, det = 1;
    for (int i = 0; i < d; i++) {
        for (int j = 0; j < d; j++) m[i][j] = a[i * d + j];
        m[i][d + i] = 1;
    }
    for (int c = 0; c < d; c++) {
        int best = c;
        for (int i = c; i < d; i++) best = fabs(m[i][c]) > fabs(m[best][c]) ? i : best;
        for (int j = 0; j < 2 * d; j++) {
            double x = m[c][j];
            m[c][j] = m[best][j];
            m[best][j] = x;
        }
        det *= best == c ? m[c][c] : -m[c][c];
        double pivot = m[c][c];
        for (int j = 0; j < 2 * d; j++) m[c][j] /= pivot;
        for (int i = 0; i < d; i++) {
            double f = i == c ? 0 : m[i][c];
            for (int j = 0; j < 2 * d; j++) m[i][j] -= f * m[c][j];
        }
    }
    for (int i = 0; i < d * d; i++) inv[i] = m[i / d][d + i % d];
    return det;
}

/* 1/2 [Tr(S1^-1 S0) - d + (mu1 - mu0)^T S1^-1 (mu1 - mu0) + log(det S1 / det S0)], letter by letter */
static double theorem(const gaussians *g)
{
    const int d = g->d;
    double    s0[MAX_N * MAX_N] = { 0 }, s1[MAX_N * MAX_N] = { 0 }, inv0[MAX_N * MAX_N], inv1[MAX_N * MAX_N], sum = -d;
    covariance(d, g->l[0], s0);
    covariance(d, g->l[1], s1);
    sum += log(inverse(d, s1, inv1) / inverse(d, s0, inv0));
    for (int i = 0; i < d; i++) {
        for (int j = 0; j < d; j++)
            sum += inv1[i * d + j] * (s0[j * d + i] + (g->mu[1][i] - g->mu[0][i]) * (g->mu[1][j] - g->mu[0][j]));
    }
    return 0.5 * sum;
}

static tap_var kl_of(const gaussians *g, tap_var *in, tap_tape *t)
{
    const int d = g->d;
    for (int k = 0; k < 4; k++)
        in[k] = tap_variable(t, k < 2 ? wrap((tap_shape)S(d), g->mu[k]) : wrap((tap_shape)S(d, d), g->l[k - 2]));
    return tap_kl(tap_multivariate_normal(in[0], in[2]), tap_multivariate_normal(in[1], in[3]));
}

static void test_theorem_1_3(void **state)
{
    (void)state;
    for (int d = 1; d <= MAX_N; d++) {
        gaussians g;
        tap_var   in[4], dx[4];
        tap_tape *t = tap_tape_new(TAP_F64, 0);
        random_gaussians(&g, d, (uint64_t)d);
        tap_var kl = kl_of(&g, in, t);
        assert_near_msg("theorem 1.3", tap_item(kl), theorem(&g), 1e-10);
        tap_grad(kl, 4, in, dx);
        for (int k = 0; k < 4; k++) {
            double *x = k < 2 ? g.mu[k] : g.l[k - 2];
            for (int i = 0; i < (k < 2 ? d : d * d); i++) {
                const double h = 1e-5, at = x[i], slope = item(dx[k], i);
                x[i] = at + h;
                double above = theorem(&g);
                x[i] = at - h;
                double below = theorem(&g);
                x[i] = at;
                assert_near_msg("gradient of theorem 1.3", slope, (above - below) / (2 * h), 1e-7 * (1 + fabs(slope)));
            }
        }
        assert_tape_ok_msg("theorem 1.3", t);
        tap_tape_free(t);
    }
}

/* sigma^2 I against I: the logarithm counts d times. The paper's 6.4 counts it once. */
static void test_isotropic_formula(void **state)
{
    (void)state;
    const double mu[] = { 0.4, -1.1, 2, 0.3 }, log_sigma = -0.7, d = 4;
    double       square = 0, s2 = exp(2 * log_sigma);
    for (int i = 0; i < 4; i++) square += mu[i] * mu[i];
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_dist  q = tap_isotropic_normal(tap_input(t, wrap((tap_shape)S(4), mu)), tap_scalar(t, log_sigma));
    double    kl = tap_item(tap_kl(q, tap_standard_normal_like(q))), as_printed = 0.5 * (s2 * d - d + square - 2 * log_sigma);
    assert_near_msg("isotropic", kl, 0.5 * (s2 * d - d + square - 2 * d * log_sigma), 1e-14);
    assert_near_msg("what the paper leaves out", kl - as_printed, -(d - 1) * log_sigma, 1e-14);
    tap_tape_free(t);
}

/* ---- 5.4: entropy is the noise's and log |det dz / d noise| ------------------------------------------------------- */

static void check_log_determinant(tap_tape *t, tap_dist q, double entropy)
{
    enum { D = 3 };
    const double noise[D] = { 0.3, -1.2, 0.8 };
    double       jacobian[D * D], inv[D * D];
    tap_var      eps = tap_variable(t, wrap((tap_shape)S(D), noise)), z = tap_sample_from(q, eps), dz;
    for (int i = 0; i < D; i++) {
        tap_grad(tap_select(z, 0, i), 1, &eps, &dz);
        for (int j = 0; j < D; j++) jacobian[i * D + j] = item(dz, j);
    }
    const double standard = D * 0.5 * log(2 * 3.14159265358979323846 * exp(1));
    assert_near_msg("log-determinant identity", entropy - standard, log(fabs(inverse(D, jacobian, inv))), 1e-12);
    assert_tape_ok_msg("log-determinant identity", t);
}

static void test_log_determinant_identity(void **state)
{
    (void)state;
    gaussians g;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    random_gaussians(&g, 3, 77);
    tap_var  mu = tap_input(t, wrap((tap_shape)S(3), g.mu[0])), log_scale = tap_input(t, wrap((tap_shape)S(3), g.mu[1]));
    tap_dist diagonal = tap_normal(mu, log_scale), isotropic = tap_isotropic_normal(mu, tap_scalar(t, -0.6));
    tap_dist full = tap_multivariate_normal(mu, tap_input(t, wrap((tap_shape)S(3, 3), g.l[0])));
    check_log_determinant(t, diagonal, tap_item(tap_sum(tap_entropy(diagonal), TAP_ALL)));
    check_log_determinant(t, isotropic, tap_item(tap_entropy(isotropic)));
    check_log_determinant(t, full, tap_item(tap_entropy(full)));
    tap_tape_free(t);
}

/* ---- Gradients --------------------------------------------------------------------------------------------------- */

static tap_var kl_of_row(tap_tape *t, const tap_var *in, void *ctx)
{
    const row *r = ctx;
    (void)t;
    return tap_kl(dist_of_vars(&r->q, in), dist_of_vars(&r->p, in + params_of(&r->q)));
}

static void check_row(const row *r)
{
    tap_tensor in[4];
    int        n = 0;
    for (int i = 0; i < params_of(&r->q); i++) in[n++] = param_of(&r->q, i);
    for (int i = 0; i < params_of(&r->p); i++) in[n++] = param_of(&r->p, i);
    row                  copy = *r;
    tap_gradcheck_result g = tap_gradcheck(kl_of_row, &copy, n, in, (tap_gradcheck_options){ .order = 2, .seed = 3 });
    if (!g.ok) fail_msg("row %d: %s", (int)(r - rows), g.message);
}

static void test_gradients(void **state)
{
    (void)state;
    for (const row *r = rows; r < rows + ROWS; r++) check_row(r);
}

/* At the same place the distance has a kink, the divergence between Laplaces none. */
static void test_laplace_at_the_same_place(void **state)
{
    (void)state;
    const double    zero = 0, half = 0.5;
    const dist_case q = { .two = tap_laplace, .shape = { { 0 }, { 0 } }, .p = { { 0.3 }, { 0.2 } } };
    row             r = { q, q, 0 };
    tap_tape       *t = tap_tape_new(TAP_F64, 0);
    tap_var         x = tap_variable(t, wrap(TAP_SCALAR, &zero)), s = tap_input(t, wrap(TAP_SCALAR, &half)), dx, curvature;
    tap_grad(tap_kl(tap_laplace(x, s), tap_laplace(tap_scalar(t, 0), s)), 1, &x, &dx);
    tap_grad(dx, 1, &x, &curvature);
    assert_true(tap_item(dx) == 0);
    assert_near_msg("curvature", tap_item(curvature), exp(-1), 1e-15);
    assert_near_msg("at the same place", tap_item(tap_kl(dist_of(t, &r.q), dist_of(t, &r.p))), 0, 1e-16);
    tap_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_monte_carlo),
        cmocka_unit_test(test_broadcasting),
        cmocka_unit_test(test_delta),
        cmocka_unit_test(test_theorem_1_3),
        cmocka_unit_test(test_isotropic_formula),
        cmocka_unit_test(test_log_determinant_identity),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_laplace_at_the_same_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
