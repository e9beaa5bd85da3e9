/* Gaussians, by element, with one scale for a vector, and with a covariance; and the log-normal. */
#include "autograd/ops/rules.h"
#include "nn/dist/distribution.h"

#define SQRT_HALF        0.70710678118654752440
#define FOURTH_ROOT_HALF 0.84089641525371454303

static tap_var loc_of(tap_dist d)
{
    return d.param[0];
}

/* ---- Normal: loc, log_scale -------------------------------------------------------------------------------------- */

static tap_var normal_sample(tap_dist d, tap_var noise)
{
    return tap_add(d.param[0], tap__chain_mul(noise, tap_exp(d.param[1])));
}

/* -((x - loc) / (sqrt 2 scale))^2 - (log scale + log(2 pi) / 2) */
static tap_var normal_log_prob(tap_dist d, tap_var x)
{
    tap_var u = tap__in_scales(tap_sub(x, d.param[0]), d.param[1], FOURTH_ROOT_HALF);
    return tap__sub_square(tap_add_scalar(tap_neg(d.param[1]), -TAP__HALF_LOG_2PI), u);
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

/* -|(x - loc) / (sqrt 2 scale)|^2 - d (log scale + log(2 pi) / 2) */
static tap_var isotropic_log_prob(tap_dist d, tap_var x)
{
    tap_var u = tap__in_scales(tap_sub(x, d.param[0]), tap_unsqueeze(d.param[1], -1), FOURTH_ROOT_HALF);
    tap_var density = tap_mul_scalar(tap_add_scalar(d.param[1], TAP__HALF_LOG_2PI), -size_of(d));
    return tap__sub_to_neg_inf(density, tap_sum(tap_square(u), TAP_LAST));
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
    tap_var distance = tap_sum(tap_square(tap_mul_scalar(whitened(d, x), SQRT_HALF)), TAP_LAST);
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

/* At infinity the slope by x is 0, though not that by the logarithm of x. */
static tap_var log_normal_log_prob(tap_dist d, tap_var x)
{
    tap_var outside = tap_le(x, tap_scalar_like(x, 0)), last = tap_eq(x, tap_scalar_like(x, (double)INFINITY));
    tap_var y = tap_masked_fill(tap_log(tap_masked_fill(x, tap_logical_or(outside, last), 1)), last, (double)INFINITY);
    return tap__infinite_if(tap_sub(normal_log_prob(d, y), y), outside);
}

static tap_var log_normal_entropy(tap_dist d)
{
    return tap_add_scalar(tap_add(d.param[0], d.param[1]), 0.5 + TAP__HALF_LOG_2PI);
}

/* e^(loc + scale^2 / 2) */
static tap_var log_normal_mean(tap_dist d)
{
    return tap_exp(tap_add(d.param[0], tap_mul_scalar(normal_variance(d), 0.5)));
}

/* (e^scale^2 - 1) mean^2 = (e^(loc + scale^2) sqrt(1 - e^(-scale^2)))^2, where the root is scale if that is small */
static tap_var log_normal_variance(tap_dist d)
{
    tap_var small = tap_lt(d.param[1], tap_scalar_like(d.param[1], -20));
    tap_var some = normal_variance((tap_dist){ d.type, { d.param[0], tap_masked_fill(d.param[1], small, 0) } });
    tap_var root = tap_where(small, tap_exp(d.param[1]), tap_sqrt(tap_neg(tap_expm1(tap_neg(some)))));
    return tap_square(tap_mul(root, tap_exp(tap_add(d.param[0], normal_variance(d)))));
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
