/* nn/dist/negative_binomial.c: the negative binomial of mean mu and inverse dispersion theta, and its zero-inflated form (Lopez
 * et al. 2018). */
#include "nn/dist/counts.h"

/* ---- Negative binomial: log_mu, log_theta ------------------------------------------------------------------------ */

/* -log P(0) = theta log(1 + mu / theta). It tends to mu for theta >> mu, and to 0 for theta -> 0. */
static tap_var minus_log_p_zero(tap_var log_mu, tap_var log_theta)
{
    tap_var z = tap__safe_sub(log_mu, log_theta), small = tap_lt(z, tap_scalar_like(z, -40));
    tap_var general = tap_mul(tap_exp(tap_masked_fill(log_theta, small, 0)), tap_softplus(z));
    return tap_where(small, tap_exp(tap_where(small, log_mu, tap_scalar_like(z, 0))), general);
}

/* log P(x) = log[(theta)_x / theta^x] - log x! + x log mu - (theta + x) log(1 + mu / theta), where (theta)_x = theta (theta +
 * 1) .. (theta + x - 1). The factor of x, log mu - log(1 + mu / theta), is -log(1 / mu + 1 / theta). theta = 0 puts all mass at
 * 0. */
static tap_var log_mass(tap_var x, tap_var log_mu, tap_var log_theta)
{
    const double inf = (double)INFINITY;
    tap_var      no_theta = tap_logical_and(tap__equals_number(log_theta, -inf), tap_eq(log_mu, log_mu));
    tap_var      is_zero = tap__equals_number(x, 0), theta = tap_masked_fill(log_theta, no_theta, 0);
    tap_var      coefficient = tap_sub(tap__log_rising(x, theta), tap__log_factorial(x));
    tap_var      power = tap__chain_mul(x, tap_logaddexp(tap_neg(log_mu), tap_neg(theta)));
    tap_var      log_p = tap_sub(tap_sub(coefficient, power), minus_log_p_zero(log_mu, theta));
    log_p = tap__neg_inf_where(log_p, tap_logical_and(tap__equals_number(log_mu, inf), tap_eq(log_theta, log_theta)));
    return tap_masked_fill(tap__neg_inf_where(log_p, no_theta), tap_logical_and(no_theta, is_zero), 0);
}

static tap_var negative_binomial_log_prob(tap_dist d, tap_var x)
{
    tap_var k = tap__detach_f64(x), outside = tap__outside_integers(k, tap__max_float_like(k));
    tap_var log_p = log_mass(tap_masked_fill(k, outside, 0), tap__to_f64(d.param[0]), tap__to_f64(d.param[1]));
    return tap__to_dtype_of(tap__neg_inf_where(log_p, outside), d.param[0]);
}

/* A Poisson variable whose rate is mu Gamma(theta) / theta. */
static double generate_negative_binomial(tap_rng *s, double log_mu, double log_theta)
{
    return tap__next_poisson(s, exp(tap__next_log_gamma(s, exp(log_theta)) + (log_mu - log_theta)));
}

static tap_var negative_binomial_sample(tap_dist d, tap_var noise)
{
    return tap__to_dtype_of(tap__generate(generate_negative_binomial, 0, noise, d.param[0], d.param[1]), d.param[0]);
}

static tap_var negative_binomial_mean(tap_dist d)
{
    return tap_exp(d.param[0]);
}

/* mu + mu^2 / theta */
static tap_var negative_binomial_variance(tap_dist d)
{
    return tap_add(tap_exp(d.param[0]), tap_exp(tap_sub(tap_mul_scalar(d.param[0], 2), d.param[1])));
}

const tap_dist_type tap__negative_binomial_type = {
    .name = "negative_binomial",
    .takes = "log_mu and log_theta",
    .n_param = 2,
    .noise = tap__rand_f64,
    .sample = negative_binomial_sample,
    .log_prob = negative_binomial_log_prob,
    .mean = negative_binomial_mean,
    .variance = negative_binomial_variance,
};

tap_dist tap_negative_binomial(tap_var log_mu, tap_var log_theta)
{
    return (tap_dist){ &tap__negative_binomial_type, { log_mu, log_theta } };
}

/* ---- Zero-inflated negative binomial: log_mu, log_theta, logits -------------------------------------------------- */

/* log(c + (1 - c) P(0)), c = sigmoid(logits); as log(1 - (1 - c) (1 - P(0))) where P(0) > 1/e. log_p is log P(0). */
static tap_var log_p_zero(tap_var logits, tap_var log_p)
{
    tap_var likely = tap_gt(log_p, tap_scalar_like(log_p, -1));
    tap_var expm1 = tap_expm1(tap_masked_fill(log_p, tap_logical_not(likely), 0));
    tap_var by_complement = tap_log1p(tap_mul(tap_sigmoid(tap_neg(logits)), expm1));
    tap_var by_sum = tap_logaddexp(tap_log_sigmoid(logits), tap_add(tap_log_sigmoid(tap_neg(logits)), log_p));
    return tap_where(likely, by_complement, by_sum);
}

/* log([x = 0] c + (1 - c) P(x)), c = sigmoid(logits) */
static tap_var zero_inflated_log_prob(tap_dist d, tap_var x)
{
    tap_var k = tap__detach_f64(x), outside = tap__outside_integers(k, tap__max_float_like(k)),
            logits = tap__to_f64(d.param[2]);
    tap_var count = tap_masked_fill(k, outside, 0), is_zero = tap_eq(count, tap_scalar_like(k, 0));
    tap_var log_p = log_mass(count, tap__to_f64(d.param[0]), tap__to_f64(d.param[1]));
    tap_var inside = tap_where(is_zero, log_p_zero(logits, log_p), tap_add(log_p, tap_log_sigmoid(tap_neg(logits))));
    return tap__to_dtype_of(tap__neg_inf_where(inside, outside), d.param[0]);
}

/* The value of the noise decides about an additional zero. As the seed of a stream it gives a count that does not depend on
 * it. */
static tap_var zero_inflated_sample(tap_dist d, tap_var noise)
{
    tap_var p = tap_sigmoid(tap__to_f64(tap_detach(d.param[2]))), u = tap__to_f64(noise);
    return tap_masked_fill(negative_binomial_sample(d, u), tap_lt(u, p), 0);
}

static tap_var log_mean(tap_dist d)
{
    return tap_add(d.param[0], tap_log_sigmoid(tap_neg(d.param[2])));
}

/* (1 - c) mu */
static tap_var zero_inflated_mean(tap_dist d)
{
    return tap_exp(log_mean(d));
}

/* mean + (1 - c) mu^2 (1 / theta + c) */
static tap_var zero_inflated_variance(tap_dist d)
{
    tap_var log_spread = tap_logaddexp(tap_neg(d.param[1]), tap_log_sigmoid(d.param[2]));
    tap_var log_ratio = tap_add(tap_log_sigmoid(tap_neg(d.param[2])), log_spread);
    return tap_add(tap_exp(log_mean(d)), tap_exp(tap_add(tap_mul_scalar(d.param[0], 2), log_ratio)));
}

const tap_dist_type tap__zero_inflated_negative_binomial_type = {
    .name = "zero_inflated_negative_binomial",
    .takes = "log_mu, log_theta and logits",
    .n_param = 3,
    .noise = tap__rand_f64,
    .sample = zero_inflated_sample,
    .log_prob = zero_inflated_log_prob,
    .mean = zero_inflated_mean,
    .variance = zero_inflated_variance,
};

tap_dist tap_zero_inflated_negative_binomial(tap_var log_mu, tap_var log_theta, tap_var logits)
{
    return (tap_dist){ &tap__zero_inflated_negative_binomial_type, { log_mu, log_theta, logits } };
}
