/* Gaussians, by element, with one scale for a vector, and with a covariance; and the log-normal. */
#include "nn/distribution.h"

#define SQRT_HALF 0.70710678118654752440

static tap_var loc_of(tap_dist d)
{
    return d.param[0];
}

/* ---- Normal: loc, log_scale -------------------------------------------------------------------------------------- */

static tap_var normal_sample(tap_dist d, tap_var noise)
{
    return tap_add(d.param[0], tap_mul(tap_exp(d.param[1]), noise));
}

/* -((x - loc) / (sqrt 2 scale))^2 - (log scale + log(2 pi) / 2). What depends on the scale alone is computed in its own shape,
 * often one number, and is no pass over x. */
static tap_var normal_log_prob(tap_dist d, tap_var x)
{
    tap_var minus_log = tap_neg(d.param[1]);
    tap_var inverse = tap_mul_scalar(tap_exp(minus_log), SQRT_HALF);
    tap_var u = tap_mul(tap_sub(x, d.param[0]), inverse);
    return tap_sub(tap_add_scalar(minus_log, -TAP__HALF_LOG_2PI), tap_square(u));
}

/* log scale + log(2 pi e) / 2 */
static tap_var normal_entropy(tap_dist d)
{
    return tap_add_scalar(d.param[1], 0.5 + TAP__HALF_LOG_2PI);
}

static tap_var normal_variance(tap_dist d)
{
    return tap_exp(tap_mul_scalar(d.param[1], 2));
}

const tap_dist_type tap__normal_type = {
    .name = "normal",
    .takes = "loc and log_scale",
    .n_param = 2,
    .noise = tap_randn,
    .sample = normal_sample,
    .log_prob = normal_log_prob,
    .entropy = normal_entropy,
    .mean = loc_of,
    .variance = normal_variance,
};

tap_dist tap_normal(tap_var loc, tap_var log_scale)
{
    return (tap_dist){ &tap__normal_type, { loc, log_scale } };
}

/* Its parameters stay small: whatever is computed with q broadcasts them. */
tap_dist tap_standard_normal_like(tap_dist q)
{
    tap_tape *t = q.param[0].tape;
    if (!t) return tap_normal(q.param[0], q.param[0]);
    tap_var   zero = tap_scalar(t, 0);
    tap_shape s = q.type && q.type->event_rank ? tap_shape_of(q.param[0]) : TAP_SCALAR;
    return s.rank ? tap_isotropic_normal(tap_zeros(t, TAP_SHAPE(s.n[s.rank - 1])), zero) : tap_normal(zero, zero);
}

/* ---- Isotropic: loc [..,d], log_scale [..] ----------------------------------------------------------------------- */

static double size_of(tap_dist d)
{
    tap_shape s = tap_shape_of(d.param[0]);
    return s.rank ? (double)s.n[s.rank - 1] : 0;
}

static tap_dist by_element(tap_dist d)
{
    return tap_normal(d.param[0], tap_unsqueeze(d.param[1], -1));
}

static tap_var isotropic_sample(tap_dist d, tap_var noise)
{
    return normal_sample(by_element(d), noise);
}

/* -|x - loc|^2 / (2 scale^2) - d (log scale + log(2 pi) / 2) */
static tap_var isotropic_log_prob(tap_dist d, tap_var x)
{
    tap_var distance = tap_sum(tap_square(tap_sub(x, d.param[0])), TAP_LAST);
    tap_var precision = tap_mul_scalar(tap_exp(tap_mul_scalar(d.param[1], -2)), 0.5);
    tap_var volume = tap_mul_scalar(tap_add_scalar(d.param[1], TAP__HALF_LOG_2PI), size_of(d));
    return tap_neg(tap_add(tap_mul(distance, precision), volume));
}

static tap_var isotropic_entropy(tap_dist d)
{
    return tap_mul_scalar(normal_entropy(d), size_of(d));
}

static tap_var isotropic_variance(tap_dist d)
{
    return normal_variance(by_element(d));
}

const tap_dist_type tap__isotropic_normal_type = {
    .name = "isotropic_normal",
    .takes = "loc [..,d] and log_scale [..]",
    .n_param = 2,
    .own = { 1, 0 },
    .event_rank = 1,
    .noise = tap_randn,
    .sample = isotropic_sample,
    .log_prob = isotropic_log_prob,
    .entropy = isotropic_entropy,
    .mean = loc_of,
    .variance = isotropic_variance,
};

tap_dist tap_isotropic_normal(tap_var loc, tap_var log_scale)
{
    return (tap_dist){ &tap__isotropic_normal_type, { loc, log_scale } };
}

/* ---- Multivariate: loc [..,d], scale_tril [..,d,d] --------------------------------------------------------------- */

/* One factor for all rows multiplies a matrix of them, else each row its own. */
static bool is_shared(tap_dist d, tap_var rows)
{
    return tap_shape_of(d.param[1]).rank == 2 && tap_shape_of(rows).rank > 1;
}

static tap_var multivariate_sample(tap_dist d, tap_var noise)
{
    tap_var upper = tap_mT(tap_tril(d.param[1], 0));
    if (is_shared(d, noise)) return tap_add(d.param[0], tap_matmul(noise, upper));
    return tap_add(d.param[0], tap_squeeze(tap_matmul(tap_unsqueeze(noise, -2), upper), TAP_AXES(-2)));
}

/* (L^-1 (x - loc))^T, as rows */
static tap_var whitened(tap_dist d, tap_var x)
{
    tap_var away = tap_sub(x, d.param[0]), upper = tap_mT(d.param[1]);
    if (is_shared(d, away)) return tap_solve_triangular(upper, away, true, false, false);
    return tap_squeeze(tap_solve_triangular(upper, tap_unsqueeze(away, -2), true, false, false), TAP_AXES(-2));
}

/* log |det L|, the half of log det (L L^T) */
static tap_var log_det(tap_dist d)
{
    return tap_sum(tap_log(tap_abs(tap_diagonal(d.param[1], 0, -2, -1))), TAP_LAST);
}

static tap_var multivariate_log_prob(tap_dist d, tap_var x)
{
    tap_var distance = tap_mul_scalar(tap_sum(tap_square(whitened(d, x)), TAP_LAST), 0.5);
    return tap_neg(tap_add(distance, tap_add_scalar(log_det(d), size_of(d) * TAP__HALF_LOG_2PI)));
}

static tap_var multivariate_entropy(tap_dist d)
{
    return tap_add_scalar(log_det(d), size_of(d) * (0.5 + TAP__HALF_LOG_2PI));
}

/* The diagonal of L L^T. */
static tap_var multivariate_variance(tap_dist d)
{
    return tap_sum(tap_square(tap_tril(d.param[1], 0)), TAP_LAST);
}

const tap_dist_type tap__multivariate_normal_type = {
    .name = "multivariate_normal",
    .takes = "loc [..,d] and scale_tril [..,d,d]",
    .n_param = 2,
    .own = { 1, 2 },
    .event_rank = 1,
    .noise = tap_randn,
    .sample = multivariate_sample,
    .log_prob = multivariate_log_prob,
    .entropy = multivariate_entropy,
    .mean = loc_of,
    .variance = multivariate_variance,
};

tap_dist tap_multivariate_normal(tap_var loc, tap_var scale_tril)
{
    return (tap_dist){ &tap__multivariate_normal_type, { loc, scale_tril } };
}

/* ---- Log-normal: loc, log_scale of the logarithm ----------------------------------------------------------------- */

static tap_var log_normal_sample(tap_dist d, tap_var noise)
{
    return tap_exp(normal_sample(d, noise));
}

static tap_var log_normal_log_prob(tap_dist d, tap_var x)
{
    tap_var outside = tap_le(x, tap__scalar_like(x, 0)), y = tap_log(tap_masked_fill(x, outside, 1));
    return tap_masked_fill(tap_sub(normal_log_prob(d, y), y), outside, -(double)INFINITY);
}

static tap_var log_normal_entropy(tap_dist d)
{
    return tap_add(normal_entropy(d), d.param[0]);
}

/* e^(loc + scale^2 / 2) */
static tap_var log_normal_mean(tap_dist d)
{
    return tap_exp(tap_add(d.param[0], tap_mul_scalar(normal_variance(d), 0.5)));
}

/* (e^scale^2 - 1) mean^2 */
static tap_var log_normal_variance(tap_dist d)
{
    return tap_mul(tap_expm1(normal_variance(d)), tap_square(log_normal_mean(d)));
}

const tap_dist_type tap__log_normal_type = {
    .name = "log_normal",
    .takes = "loc and log_scale",
    .n_param = 2,
    .noise = tap_randn,
    .sample = log_normal_sample,
    .log_prob = log_normal_log_prob,
    .entropy = log_normal_entropy,
    .mean = log_normal_mean,
    .variance = log_normal_variance,
};

tap_dist tap_log_normal(tap_var loc, tap_var log_scale)
{
    return (tap_dist){ &tap__log_normal_type, { loc, log_scale } };
}
