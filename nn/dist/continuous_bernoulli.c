/* nn/dist/continuous_bernoulli.c: the continuous Bernoulli (Loaiza-Ganem & Cunningham 2019). With l = logits its density is
 * e^(l x) / Z on [0,1], Z = (e^l - 1) / l; mean and variance are the first two derivatives of log Z. */
#include "nn/dist/distribution.h"

static tap_var continuous_bernoulli_mean(tap_dist d)
{
    return tap__cb_cumulant(d.param[0], 1);
}

static tap_var continuous_bernoulli_variance(tap_dist d)
{
    return tap__cb_cumulant(d.param[0], 2);
}

/* Gauss-Legendre quadrature over [0,1] with 8 points, which is exact to rounding for the integral below. */
enum { POINTS = 8 };

static const double half_points[POINTS / 2] = { 0.98014492824876811584, 0.8983332387068133698, 0.76276620495816449291,
                                                0.59171732124782490247 };
static const double half_weights[POINTS / 2] = { 0.050614268145188129576, 0.11119051722668723527, 0.15685332293894364367,
                                                 0.18134189168918099148 };

/* The points, or their weights, as a constant [8] of the dtype of x. */
static tap_var quadrature_like(tap_var x, bool weights)
{
    tap_tensor value;
    tap_var    v = tap__push_empty(x.tape, tap_value(x).dtype, TAP_SHAPE(POINTS), &value);
    for (int i = 0; i < POINTS / 2 && value.data; i++) {
        tap_tensor_set_item(value, i, weights ? half_weights[i] : half_points[i]);
        tap_tensor_set_item(value, POINTS - 1 - i, weights ? half_weights[i] : 1 - half_points[i]);
    }
    return v;
}

/* The inverse distribution function log(1 - u + u e^l) / l of noise u. For |l| < 1 it is computed as the integral of
 * sigmoid(logit(u) + l t) over t in [0,1], which has no 0 / 0. */
static tap_var continuous_bernoulli_sample(tap_dist d, tap_var noise)
{
    tap_var is_small = tap_lt(tap_abs(d.param[0]), tap_scalar_like(d.param[0], 1)),
            l = tap_masked_fill(d.param[0], is_small, 1);
    tap_var log_u = tap_log(noise), log_1_u = tap_log1p(tap_neg(noise));
    tap_var closed = tap__safe_div(tap_logaddexp(log_1_u, tap_add(log_u, l)), l);
    tap_var t = quadrature_like(d.param[0], false), w = quadrature_like(d.param[0], true);
    tap_var logit = tap_add(tap_unsqueeze(tap_sub(log_u, log_1_u), -1), tap_mul(tap_unsqueeze(d.param[0], -1), t));
    tap_var x = tap_where(is_small, tap_sum(tap_mul(tap_sigmoid(logit), w), TAP_LAST), closed);
    return tap_clamp(x, 0, 1);
}

/* -|l| with slope -1 or 1 at 0. The functions of it below are smooth there. */
static tap_var minus_abs(tap_var l, tap_var positive)
{
    return tap_where(positive, tap_neg(l), l);
}

/* l x - log Z(l), as l (x - 1) - log Z(-l) for l > 0, so that no large numbers are subtracted. */
static tap_var continuous_bernoulli_log_prob(tap_dist d, tap_var x)
{
    tap_var outside = tap__outside_unit_interval(x), l = d.param[0], positive = tap_gt(l, tap_scalar_like(l, 0));
    tap_var from_end = tap_sub(x, tap_where(positive, tap_scalar_like(l, 1), tap_scalar_like(l, 0)));
    tap_var lx = tap__chain_mul(tap_masked_fill(from_end, outside, 0), l);
    return tap__neg_inf_where(tap__sub_to_neg_inf(tap_neg(tap__cb_cumulant(minus_abs(l, positive), 0)), tap_neg(lx)), outside);
}

/* log Z(l) - l mean = -KL from the uniform distribution, l = 0 */
static tap_var continuous_bernoulli_entropy(tap_dist d)
{
    tap_var uniform = tap_scalar_like(d.param[0], 0);
    return tap_neg(tap__cb_kl(d.param[0], uniform));
}

const tap_dist_type tap__continuous_bernoulli_type = {
    .name = "continuous_bernoulli",
    .takes = "logits",
    .n_param = 1,
    .has_rsample = true,
    .noise = tap_rand,
    .sample = continuous_bernoulli_sample,
    .log_prob = continuous_bernoulli_log_prob,
    .entropy = continuous_bernoulli_entropy,
    .mean = continuous_bernoulli_mean,
    .variance = continuous_bernoulli_variance,
};

tap_dist tap_continuous_bernoulli(tap_var logits)
{
    return (tap_dist){ .type = &tap__continuous_bernoulli_type, .param = { logits } };
}
