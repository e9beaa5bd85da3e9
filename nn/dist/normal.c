/* nn/dist/normal.c: normal distributions of elements, isotropic ones of vectors and those with a covariance; and the
 * log-normal. In the formulas mu is loc, sigma e^log_scale, and eps the noise. */
#include "nn/dist/distribution.h"

static tap_var mu(tap_dist d)
{
    return d.param[0];
}

/* ---- Normal: loc, log_scale -------------------------------------------------------------------------------------- */

/* z = mu + sigma eps */
static tap_var normal_sample(tap_dist d, tap_var noise)
{
    return tap_add(d.param[0], tap__chain_mul(noise, tap_exp(d.param[1])));
}

/* -(log sigma + log(2 pi) / 2) - u^2, u = (x - mu) / (sqrt 2 sigma) */
static tap_var normal_log_prob(tap_dist d, tap_var x)
{
    tap_var u = tap__divide_by_scale(tap_sub(x, d.param[0]), d.param[1], TAP__FOURTH_ROOT_HALF);
    return tap__sub_square(tap_add_scalar(tap_neg(d.param[1]), -TAP__HALF_LOG_2PI), u);
}

/* log sigma + log(2 pi e) / 2 */
static tap_var normal_entropy(tap_dist d)
{
    return tap_add_scalar(d.param[1], 0.5 + TAP__HALF_LOG_2PI);
}

/* sigma^2 */
static tap_var normal_variance(tap_dist d)
{
    return tap_exp(tap_mul_scalar(d.param[1], 2));
}

const tap_dist_type tap__normal_type = {
    .name = "normal",
    .takes = "loc and log_scale",
    .n_param = 2,
    .has_rsample = true,
    .noise = tap_randn,
    .sample = normal_sample,
    .log_prob = normal_log_prob,
    .entropy = normal_entropy,
    .mean = mu,
    .variance = normal_variance,
};

tap_dist tap_normal(tap_var loc, tap_var log_scale)
{
    return (tap_dist){ &tap__normal_type, { loc, log_scale } };
}

/* loc and log_scale are single numbers, or loc one event: operations with q broadcast them. */
tap_dist tap_standard_normal_like(tap_dist q)
{
    tap_tape *t = q.param[0].tape;
    if (!t) return tap_normal(q.param[0], q.param[0]);
    tap_var   zero = tap_scalar(t, 0);
    tap_shape s = q.type && q.type->event_rank ? tap_shape_of(q.param[0]) : TAP_SCALAR;
    return s.rank ? tap_isotropic_normal(tap_zeros(t, TAP_SHAPE(s.n[s.rank - 1])), zero) : tap_normal(zero, zero);
}

/* ---- Isotropic: loc [..,d], log_scale [..] ----------------------------------------------------------------------- */

/* d, the size of an event */
static double event_size(tap_dist d)
{
    tap_shape s = tap_shape_of(d.param[0]);
    return s.rank ? (double)s.n[s.rank - 1] : 0;
}

/* The Normal of its elements. */
static tap_dist elements(tap_dist d)
{
    return tap_normal(d.param[0], tap_unsqueeze(d.param[1], -1));
}

static tap_var isotropic_sample(tap_dist d, tap_var noise)
{
    return normal_sample(elements(d), noise);
}

/* -d (log sigma + log(2 pi) / 2) - |u|^2, u = (x - mu) / (sqrt 2 sigma) */
static tap_var isotropic_log_prob(tap_dist d, tap_var x)
{
    tap_var u = tap__divide_by_scale(tap_sub(x, d.param[0]), tap_unsqueeze(d.param[1], -1), TAP__FOURTH_ROOT_HALF);
    tap_var constant = tap_mul_scalar(tap_add_scalar(d.param[1], TAP__HALF_LOG_2PI), -event_size(d));
    return tap__sub_to_neg_inf(constant, tap_sum(tap_square(u), TAP_LAST));
}

/* d (log sigma + log(2 pi e) / 2) */
static tap_var isotropic_entropy(tap_dist d)
{
    return tap_mul_scalar(normal_entropy(d), event_size(d));
}

static tap_var isotropic_variance(tap_dist d)
{
    return normal_variance(elements(d));
}

const tap_dist_type tap__isotropic_normal_type = {
    .name = "isotropic_normal",
    .takes = "loc [..,d] and log_scale [..]",
    .n_param = 2,
    .param_event_rank = { 1, 0 },
    .event_rank = 1,
    .has_rsample = true,
    .noise = tap_randn,
    .sample = isotropic_sample,
    .log_prob = isotropic_log_prob,
    .entropy = isotropic_entropy,
    .mean = mu,
    .variance = isotropic_variance,
};

tap_dist tap_isotropic_normal(tap_var loc, tap_var log_scale)
{
    return (tap_dist){ &tap__isotropic_normal_type, { loc, log_scale } };
}

/* ---- Multivariate: loc [..,d], scale_tril [..,d,d] --------------------------------------------------------------- */
/* L is the lower triangle of scale_tril, the covariance L L^T. */

/* Whether there is one L for all rows, so that one matrix product does for them. */
static bool has_one_factor(tap_dist d, tap_var rows)
{
    return tap_shape_of(d.param[1]).rank == 2 && tap_shape_of(rows).rank > 1;
}

/* mu + L eps, as rows: mu + eps^T L^T */
static tap_var multivariate_sample(tap_dist d, tap_var noise)
{
    tap_var upper = tap_mT(tap_tril(d.param[1], 0));
    if (has_one_factor(d, noise)) return tap_add(d.param[0], tap_matmul(noise, upper));
    return tap_add(d.param[0], tap_squeeze(tap_matmul(tap_unsqueeze(noise, -2), upper), TAP_AXES(-2)));
}

/* L^-1 (x - mu), as rows */
static tap_var whiten(tap_dist d, tap_var x)
{
    tap_var difference = tap_sub(x, d.param[0]), upper = tap_mT(d.param[1]);
    if (has_one_factor(d, difference)) return tap_solve_triangular(upper, difference, TAP_UPPER, TAP_RIGHT, TAP_NON_UNIT);
    return tap_squeeze(tap_solve_triangular(upper, tap_unsqueeze(difference, -2), TAP_UPPER, TAP_RIGHT, TAP_NON_UNIT),
                       TAP_AXES(-2));
}

/* log |det L|, half of log det (L L^T) */
static tap_var log_det(tap_dist d)
{
    return tap_sum(tap_log(tap_abs(tap_diagonal(d.param[1], 0, -2, -1))), TAP_LAST);
}

/* -(|L^-1 (x - mu)|^2 / 2 + log |det L| + d log(2 pi) / 2) */
static tap_var multivariate_log_prob(tap_dist d, tap_var x)
{
    tap_var distance = tap_sum(tap_square(tap_mul_scalar(whiten(d, x), TAP__SQRT_HALF)), TAP_LAST);
    return tap_neg(tap_add(distance, tap_add_scalar(log_det(d), event_size(d) * TAP__HALF_LOG_2PI)));
}

/* log |det L| + d log(2 pi e) / 2 */
static tap_var multivariate_entropy(tap_dist d)
{
    return tap_add_scalar(log_det(d), event_size(d) * (0.5 + TAP__HALF_LOG_2PI));
}

/* The diagonal of L L^T */
static tap_var multivariate_variance(tap_dist d)
{
    return tap_sum(tap_square(tap_tril(d.param[1], 0)), TAP_LAST);
}

const tap_dist_type tap__multivariate_normal_type = {
    .name = "multivariate_normal",
    .takes = "loc [..,d] and scale_tril [..,d,d]",
    .n_param = 2,
    .param_event_rank = { 1, 2 },
    .event_rank = 1,
    .has_rsample = true,
    .noise = tap_randn,
    .sample = multivariate_sample,
    .log_prob = multivariate_log_prob,
    .entropy = multivariate_entropy,
    .mean = mu,
    .variance = multivariate_variance,
};

tap_dist tap_multivariate_normal(tap_var loc, tap_var scale_tril)
{
    return (tap_dist){ &tap__multivariate_normal_type, { loc, scale_tril } };
}

/* ---- Log-normal: loc and log_scale of log x ---------------------------------------------------------------------- */

/* e^(mu + sigma eps) */
static tap_var log_normal_sample(tap_dist d, tap_var noise)
{
    return tap_exp(normal_sample(d, noise));
}

/* log N(log x | mu, sigma^2) - log x. At infinity the gradient by x is 0, though that by log x is not. */
static tap_var log_normal_log_prob(tap_dist d, tap_var x)
{
    tap_var outside = tap_le(x, tap_scalar_like(x, 0)), is_inf = tap_eq(x, tap_scalar_like(x, (double)INFINITY));
    tap_var y = tap_masked_fill(tap_log(tap_masked_fill(x, tap_logical_or(outside, is_inf), 1)), is_inf, (double)INFINITY);
    return tap__neg_inf_where(tap_sub(normal_log_prob(d, y), y), outside);
}

/* mu + log sigma + log(2 pi e) / 2 */
static tap_var log_normal_entropy(tap_dist d)
{
    return tap_add_scalar(tap_add(d.param[0], d.param[1]), 0.5 + TAP__HALF_LOG_2PI);
}

/* e^(mu + sigma^2 / 2) */
static tap_var log_normal_mean(tap_dist d)
{
    return tap_exp(tap_add(d.param[0], tap_mul_scalar(normal_variance(d), 0.5)));
}

/* (e^(sigma^2) - 1) mean^2 = (e^(mu + sigma^2) sqrt(1 - e^(-sigma^2)))^2, where the root is sigma if that is small */
static tap_var log_normal_variance(tap_dist d)
{
    tap_var small = tap_lt(d.param[1], tap_scalar_like(d.param[1], -20));
    tap_var sigma2 = normal_variance((tap_dist){ d.type, { d.param[0], tap_masked_fill(d.param[1], small, 0) } });
    tap_var root = tap_where(small, tap_exp(d.param[1]), tap_sqrt(tap_neg(tap_expm1(tap_neg(sigma2)))));
    return tap_square(tap_mul(root, tap_exp(tap_add(d.param[0], normal_variance(d)))));
}

const tap_dist_type tap__log_normal_type = {
    .name = "log_normal",
    .takes = "loc and log_scale",
    .n_param = 2,
    .has_rsample = true,
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
