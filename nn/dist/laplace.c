/* nn/dist/laplace.c: the Laplace distribution: loc, log_scale. */
#include "nn/dist/distribution.h"

/* By the inverse distribution function of noise u in (0,1): loc + scale log(2 u) for u < 1/2, else loc - scale log(2 (1 -
 * u)) */
static tap_var laplace_sample(tap_dist d, tap_var noise)
{
    tap_var complement = tap_sub(tap_scalar_like(noise, 1), noise), low = tap_lt(noise, complement);
    tap_var standard = tap_log(tap_mul_scalar(tap_where(low, noise, complement), 2));
    return tap_add(d.param[0], tap__chain_mul(tap_where(low, standard, tap_neg(standard)), tap_exp(d.param[1])));
}

/* -|x - loc| / scale - log scale - log 2 */
static tap_var laplace_log_prob(tap_dist d, tap_var x)
{
    tap_var u = tap__divide_by_scale(tap_abs(tap_sub(x, d.param[0])), d.param[1], 1);
    return tap__sub_to_neg_inf(tap_add_scalar(tap_neg(d.param[1]), -TAP__LOG_2), u);
}

/* log scale + log 2 + 1 */
static tap_var laplace_entropy(tap_dist d)
{
    return tap_add_scalar(d.param[1], 1 + TAP__LOG_2);
}

/* 2 scale^2 */
static tap_var laplace_variance(tap_dist d)
{
    return tap_mul_scalar(tap_exp(tap_mul_scalar(d.param[1], 2)), 2);
}

static tap_var laplace_mean(tap_dist d)
{
    return d.param[0];
}

const tap_dist_type tap__laplace_type = {
    .name = "laplace",
    .takes = "loc and log_scale",
    .n_param = 2,
    .has_rsample = true,
    .noise = tap_rand,
    .sample = laplace_sample,
    .log_prob = laplace_log_prob,
    .entropy = laplace_entropy,
    .mean = laplace_mean,
    .variance = laplace_variance,
};

tap_dist tap_laplace(tap_var loc, tap_var log_scale)
{
    return (tap_dist){ &tap__laplace_type, { loc, log_scale } };
}
