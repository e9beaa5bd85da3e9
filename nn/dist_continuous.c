/* Laplace, Delta and the continuous Bernoulli. */
#include "nn/distribution.h"

/* ---- Laplace: loc, log_scale ------------------------------------------------------------------------------------- */

/* By the inverse distribution function, from noise in (0,1). */
static tap_var laplace_sample(tap_dist d, tap_var noise)
{
    tap_var v = tap_add_scalar(noise, -0.5);
    tap_var standard = tap_mul(tap_sign(v), tap_log1p(tap_mul_scalar(tap_abs(v), -2)));
    return tap_sub(d.param[0], tap_mul(tap_exp(d.param[1]), standard));
}

/* -|x - loc| / scale - log scale - log 2 */
static tap_var laplace_log_prob(tap_dist d, tap_var x)
{
    tap_var minus_log = tap_neg(d.param[1]);
    tap_var u = tap_mul(tap_abs(tap_sub(x, d.param[0])), tap_exp(minus_log));
    return tap_sub(tap_add_scalar(minus_log, -TAP__LOG_2), u);
}

static tap_var laplace_entropy(tap_dist d)
{
    return tap_add_scalar(d.param[1], 1 + TAP__LOG_2);
}

static tap_var laplace_variance(tap_dist d)
{
    return tap_mul_scalar(tap_exp(tap_mul_scalar(d.param[1], 2)), 2);
}

static tap_var loc_of(tap_dist d)
{
    return d.param[0];
}

const tap_dist_type tap__laplace_type = {
    .name = "laplace",
    .takes = "loc and log_scale",
    .n_param = 2,
    .noise = tap_rand,
    .sample = laplace_sample,
    .log_prob = laplace_log_prob,
    .entropy = laplace_entropy,
    .mean = loc_of,
    .variance = laplace_variance,
};

tap_dist tap_laplace(tap_var loc, tap_var log_scale)
{
    return (tap_dist){ &tap__laplace_type, { loc, log_scale } };
}

/* ---- Delta: loc -------------------------------------------------------------------------------------------------- */

static tap_var delta_sample(tap_dist d, tap_var noise)
{
    tap_shape shape = tap_shape_of(noise), whole = shape;
    tap__broadcast(shape, tap_shape_of(d.param[0]), &whole);
    return tap_expand(d.param[0], whole);
}

/* +infinity at loc, -infinity elsewhere: the limit of a Normal's, whose scale goes to 0. NaN stays NaN. */
static tap_var delta_log_prob(tap_dist d, tap_var x)
{
    tap_var away = tap_detach(tap_sub(x, d.param[0])), everywhere = tap__full_like(away, -(double)INFINITY);
    tap_var there = tap_masked_fill(everywhere, tap_eq(x, d.param[0]), (double)INFINITY);
    return tap_where(tap_isnan(away), away, there);
}

static tap_var delta_entropy(tap_dist d)
{
    return tap__full_like(d.param[0], -(double)INFINITY);
}

static tap_var delta_variance(tap_dist d)
{
    return tap__full_like(d.param[0], 0);
}

const tap_dist_type tap__delta_type = {
    .name = "delta",
    .takes = "loc",
    .n_param = 1,
    .noise = tap_zeros,
    .sample = delta_sample,
    .log_prob = delta_log_prob,
    .entropy = delta_entropy,
    .mean = loc_of,
    .variance = delta_variance,
};

tap_dist tap_delta(tap_var loc)
{
    return (tap_dist){ .type = &tap__delta_type, .param = { loc } };
}

/* ---- Continuous Bernoulli: logits -------------------------------------------------------------------------------- */
/* The density is e^(l x) / Z on [0,1], Z = (e^l - 1) / l. Where |l| < 1 that and what follows from it lose digits, and their
 * derivatives more. There the integrals over [0,1] are taken as they stand, by Gauss' rule of 8 points, which is exact to
 * rounding for them. */

enum { POINTS = 8 };

static const double half_points[POINTS / 2] = { 0.98014492824876811584, 0.8983332387068133698, 0.76276620495816449291,
                                                0.59171732124782490247 };
static const double half_weights[POINTS / 2] = { 0.050614268145188129576, 0.11119051722668723527, 0.15685332293894364367,
                                                 0.18134189168918099148 };

/* The points, or their weights, as a constant [8] of the dtype of x. */
static tap_var points_like(tap_var x, bool weights)
{
    tap_tensor value;
    tap_var    v = tap__push_empty(x.tape, tap_value(x).dtype, TAP_SHAPE(POINTS), &value);
    for (int i = 0; i < POINTS / 2 && value.data; i++) {
        tap_tensor_set_item(value, i, weights ? half_weights[i] : half_points[i]);
        tap_tensor_set_item(value, POINTS - 1 - i, weights ? half_weights[i] : 1 - half_points[i]);
    }
    return v;
}

/* The formulas far from 0 get a number that does no harm for the logits near it; those near it do none to any. */
typedef struct {
    tap_var is_near, far;
} sides;

static sides sides_of(tap_var logits)
{
    tap_var is_near = tap_lt(tap_abs(logits), tap__scalar_like(logits, 1));
    return (sides){ is_near, tap_masked_fill(logits, is_near, 1) };
}

/* l t + log w at the points t: the logarithms of what integrals of e^(l x) are sums of. */
static tap_var terms(tap_var logits)
{
    tap_var t = points_like(logits, false), w = points_like(logits, true);
    return tap_add(tap_mul(tap_unsqueeze(logits, -1), t), tap_log(w));
}

/* log Z */
tap_var tap__continuous_bernoulli_normalizer(tap_var logits)
{
    sides   s = sides_of(logits);
    tap_var size = tap_abs(s.far);
    tap_var far = tap_add(tap_relu(s.far), tap_sub(tap_log1p(tap_neg(tap_exp(tap_neg(size)))), tap_log(size)));
    return tap_where(s.is_near, tap_logsumexp(terms(logits), TAP_LAST), far);
}

/* (log Z)' = (1 + coth(l / 2)) / 2 - 1 / l */
static tap_var mean_of(tap_dist d)
{
    sides   s = sides_of(d.param[0]);
    tap_var coth = tap_reciprocal(tap_tanh(tap_mul_scalar(s.far, 0.5)));
    tap_var far = tap_sub(tap_mul_scalar(tap_add_scalar(coth, 1), 0.5), tap_reciprocal(s.far));
    tap_var near = tap_sum(tap_mul(tap_softmax(terms(d.param[0]), -1), points_like(d.param[0], false)), TAP_LAST);
    return tap_where(s.is_near, near, far);
}

/* (log Z)'' = 1 / l^2 - 1 / (2 sinh(l / 2))^2 */
static tap_var variance_of(tap_dist d)
{
    sides   s = sides_of(d.param[0]);
    tap_var coth = tap_reciprocal(tap_tanh(tap_mul_scalar(s.far, 0.5)));
    tap_var far = tap_sub(tap_square(tap_reciprocal(s.far)), tap_mul_scalar(tap_add_scalar(tap_square(coth), -1), 0.25));
    tap_var p = tap_softmax(terms(d.param[0]), -1), t = points_like(d.param[0], false);
    tap_var away = tap_sub(t, tap_sum(tap_mul(p, t), tap_keep(TAP_LAST)));
    return tap_where(s.is_near, tap_sum(tap_mul(p, tap_square(away)), TAP_LAST), far);
}

/* The inverse distribution function log(1 - u + u e^l) / l, which is the integral of sigmoid(logit u + l t) over t in [0,1]. */
static tap_var continuous_bernoulli_sample(tap_dist d, tap_var noise)
{
    sides   s = sides_of(d.param[0]);
    tap_var yes = tap_log(noise), no = tap_log1p(tap_neg(noise));
    tap_var far = tap_div(tap_logaddexp(no, tap_add(yes, s.far)), s.far);
    tap_var t = points_like(d.param[0], false), w = points_like(d.param[0], true);
    tap_var at = tap_add(tap_unsqueeze(tap_sub(yes, no), -1), tap_mul(tap_unsqueeze(d.param[0], -1), t));
    tap_var x = tap_where(s.is_near, tap_sum(tap_mul(tap_sigmoid(at), w), TAP_LAST), far);
    return tap_clamp(x, 0, 1);
}

static tap_var continuous_bernoulli_log_prob(tap_dist d, tap_var x)
{
    tap_var outside = tap_logical_or(tap_lt(x, tap__scalar_like(x, 0)), tap_gt(x, tap__scalar_like(x, 1)));
    tap_var inside = tap_sub(tap_mul(x, d.param[0]), tap__continuous_bernoulli_normalizer(d.param[0]));
    return tap_masked_fill(inside, outside, -(double)INFINITY);
}

static tap_var continuous_bernoulli_entropy(tap_dist d)
{
    return tap_sub(tap__continuous_bernoulli_normalizer(d.param[0]), tap_mul(d.param[0], mean_of(d)));
}

const tap_dist_type tap__continuous_bernoulli_type = {
    .name = "continuous_bernoulli",
    .takes = "logits",
    .n_param = 1,
    .noise = tap_rand,
    .sample = continuous_bernoulli_sample,
    .log_prob = continuous_bernoulli_log_prob,
    .entropy = continuous_bernoulli_entropy,
    .mean = mean_of,
    .variance = variance_of,
};

tap_dist tap_continuous_bernoulli(tap_var logits)
{
    return (tap_dist){ .type = &tap__continuous_bernoulli_type, .param = { logits } };
}
