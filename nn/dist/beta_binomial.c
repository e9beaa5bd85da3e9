/* nn/dist/beta_binomial.c: the beta-binomial: the number of successes in n trials whose common probability is Beta(alpha,
 * beta). */
#include "nn/dist/counts.h"

/* n = total_count in float64; NaN where it is not a count. */
static tap_var n_trials(tap_dist d)
{
    tap_var n = tap__detach_f64(d.param[0]);
    return tap_masked_fill(n, tap__outside_integers(n, tap__max_float_like(n)), (double)NAN);
}

/* With y = n - x, theta = alpha + beta, p = alpha / theta, q = beta / theta and (a)_x = a (a + 1) .. (a + x - 1):
 *
 *   log P(x) = log n! / (x! y!) + log[(alpha)_x / alpha^x (beta)_y / beta^y / ((theta)_n / theta^n)] + x log p + y log q
 *
 * a and b are log alpha and log beta. */
static tap_var log_mass(tap_var n, tap_var x, tap_var a, tap_var b)
{
    tap_var y = tap_sub(n, x), logits = tap_sub(a, b);
    tap_var log_choose = tap_sub(tap__log_factorial(n), tap_add(tap__log_factorial(x), tap__log_factorial(y)));
    tap_var rising = tap_add(tap__log_rising(x, a), tap__log_rising(y, b));
    tap_var rising_all = tap__log_rising(n, tap_logaddexp(a, b));
    tap_var binomial = tap_add(tap__chain_mul(x, tap_log_sigmoid(logits)), tap__chain_mul(y, tap_log_sigmoid(tap_neg(logits))));
    return tap_add(log_choose, tap_add(tap_sub(rising, rising_all), binomial));
}

/* alpha = 0 puts all mass at 0, beta = 0 at n; both are NaN. */
static tap_var beta_binomial_log_prob(tap_dist d, tap_var x)
{
    const double inf = (double)INFINITY;
    tap_var      n = n_trials(d), k = tap__detach_f64(x), outside = tap__outside_integers(k, n);
    tap_var      count = tap_masked_fill(k, outside, 0), a = tap__to_f64(d.param[1]), b = tap__to_f64(d.param[2]);
    tap_var      no_alpha = tap_logical_and(tap__equals_number(a, -inf), tap_eq(b, b));
    tap_var      no_beta = tap_logical_and(tap__equals_number(b, -inf), tap_eq(a, a));
    tap_var      log_p = log_mass(n, count, tap_masked_fill(a, no_alpha, 0), tap_masked_fill(b, no_beta, 0));
    tap_var      certain =
        tap_logical_or(tap_logical_and(no_alpha, tap__equals_number(count, 0)), tap_logical_and(no_beta, tap_eq(count, n)));
    log_p = tap_masked_fill(tap__neg_inf_where(log_p, tap_logical_or(no_alpha, no_beta)), certain, 0);
    log_p = tap_masked_fill(log_p, tap_logical_and(no_alpha, no_beta), (double)NAN);
    return tap__to_dtype_of(tap__neg_inf_where(log_p, outside), d.param[1]);
}

/* The logit of a Beta(alpha, beta) variable G / (G + H), which is log G - log H for Gamma variables G and H. */
static double generate_beta_logit(tap_rng *s, double log_alpha, double log_beta)
{
    double log_g = tap__next_log_gamma(s, exp(log_alpha));
    return log_g - tap__next_log_gamma(s, exp(log_beta));
}

static double generate_binomial(tap_rng *s, double n, double logit)
{
    return tap__next_binomial(s, n, 1 / (1 + exp(-logit)));
}

static tap_var beta_binomial_sample(tap_dist d, tap_var noise)
{
    tap_var logit = tap__generate(generate_beta_logit, 0, noise, d.param[1], d.param[2]);
    return tap__to_dtype_of(tap__generate(generate_binomial, 1, noise, n_trials(d), logit), d.param[1]);
}

/* p = alpha / (alpha + beta) */
static tap_var success_probability(tap_dist d)
{
    return tap_sigmoid(tap_sub(d.param[1], d.param[2]));
}

/* n p */
static tap_var beta_binomial_mean(tap_dist d)
{
    return tap_mul(tap__to_dtype_of(n_trials(d), d.param[1]), success_probability(d));
}

/* n p q (1 + (n - 1) r), where r = 1 / (alpha + beta + 1) is the correlation of two trials */
static tap_var beta_binomial_variance(tap_dist d)
{
    tap_var n = tap__to_dtype_of(n_trials(d), d.param[1]), p = success_probability(d);
    tap_var q = tap_sigmoid(tap_sub(d.param[2], d.param[1]));
    tap_var r = tap_sigmoid(tap_neg(tap_logaddexp(d.param[1], d.param[2])));
    return tap_mul(tap_mul(n, tap_mul(p, q)), tap_add_scalar(tap_mul(tap_add_scalar(n, -1), r), 1));
}

const tap_dist_type tap__beta_binomial_type = {
    .name = "beta_binomial",
    .takes = "total_count, log_alpha and log_beta",
    .n_param = 3,
    .noise = tap__rand_f64,
    .sample = beta_binomial_sample,
    .log_prob = beta_binomial_log_prob,
    .mean = beta_binomial_mean,
    .variance = beta_binomial_variance,
};

tap_dist tap_beta_binomial(tap_var total_count, tap_var log_alpha, tap_var log_beta)
{
    return (tap_dist){ &tap__beta_binomial_type, { total_count, log_alpha, log_beta } };
}
