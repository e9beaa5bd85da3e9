/* Laplace, Delta and the continuous Bernoulli. */
#include "autograd/ops/rules.h"
#include "nn/dist/distribution.h"
#include "tensor/shape.h"

/* ---- Laplace: loc, log_scale ------------------------------------------------------------------------------------- */

/* By the inverse distribution function, from noise u in (0,1): log(2 u) scales from loc, or as far on the other side. */
static tap_var laplace_sample(tap_dist d, tap_var noise)
{
    tap_var rest = tap_sub(tap_scalar_like(noise, 1), noise), low = tap_lt(noise, rest);
    tap_var standard = tap_log(tap_mul_scalar(tap_where(low, noise, rest), 2));
    return tap_add(d.param[0], tap__chain_mul(tap_where(low, standard, tap_neg(standard)), tap_exp(d.param[1])));
}

/* -|x - loc| / scale - log scale - log 2 */
static tap_var laplace_log_prob(tap_dist d, tap_var x)
{
    tap_var u = tap__in_scales(tap_abs(tap_sub(x, d.param[0])), d.param[1], 1);
    return tap__sub_to_neg_inf(tap_add_scalar(tap_neg(d.param[1]), -TAP__LOG_2), u);
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
    tap__broadcast_shapes(shape, tap_shape_of(d.param[0]), &whole);
    return tap_expand(d.param[0], whole);
}

/* +infinity at loc, -infinity elsewhere: the limit of a Normal's, whose scale goes to 0. NaN stays NaN. */
static tap_var delta_log_prob(tap_dist d, tap_var x)
{
    tap_var away = tap_detach(tap__safe_sub(x, d.param[0])), everywhere = tap_full_like(away, -(double)INFINITY);
    tap_var there = tap_masked_fill(everywhere, tap_eq(x, d.param[0]), (double)INFINITY);
    return tap_where(tap_isnan(away), away, there);
}

static tap_var delta_entropy(tap_dist d)
{
    return tap_full_like(d.param[0], -(double)INFINITY);
}

static tap_var delta_variance(tap_dist d)
{
    return tap_full_like(d.param[0], 0);
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
/* The density is e^(l x) / Z on [0,1], Z = (e^l - 1) / l; mean and variance are the derivatives of log Z. */

static tap_var mean_of(tap_dist d)
{
    return tap__cb_cumulant(d.param[0], 1);
}

static tap_var variance_of(tap_dist d)
{
    return tap__cb_cumulant(d.param[0], 2);
}

/* Integrals over [0,1] by Gauss' rule of 8 points, which is exact to rounding for those below. */
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
    tap_var is_near = tap_lt(tap_abs(logits), tap_scalar_like(logits, 1));
    return (sides){ is_near, tap_masked_fill(logits, is_near, 1) };
}

/* The inverse distribution function log(1 - u + u e^l) / l, which is the integral of sigmoid(logit u + l t) over t in [0,1]. */
static tap_var continuous_bernoulli_sample(tap_dist d, tap_var noise)
{
    sides   s = sides_of(d.param[0]);
    tap_var yes = tap_log(noise), no = tap_log1p(tap_neg(noise));
    tap_var far = tap__safe_div(tap_logaddexp(no, tap_add(yes, s.far)), s.far);
    tap_var t = points_like(d.param[0], false), w = points_like(d.param[0], true);
    tap_var at = tap_add(tap_unsqueeze(tap_sub(yes, no), -1), tap_mul(tap_unsqueeze(d.param[0], -1), t));
    tap_var x = tap_where(s.is_near, tap_sum(tap_mul(tap_sigmoid(at), w), TAP_LAST), far);
    return tap_clamp(x, 0, 1);
}

/* -|l|, whose slope at 0 is one of -1 and 1: what follows is smooth there. */
static tap_var below_of(tap_var logits, tap_var high)
{
    return tap_where(high, tap_neg(logits), logits);
}

/* l (x - 1) - log Z(-l) for l > 0, else l x - log Z(l): nothing large is subtracted. */
static tap_var continuous_bernoulli_log_prob(tap_dist d, tap_var x)
{
    tap_var outside = tap__outside_unit(x), l = d.param[0], high = tap_gt(l, tap_scalar_like(l, 0));
    tap_var from_end = tap_sub(x, tap_where(high, tap_scalar_like(l, 1), tap_scalar_like(l, 0)));
    tap_var slope = tap__chain_mul(tap_masked_fill(from_end, outside, 0), l);
    return tap__infinite_if(tap__sub_to_neg_inf(tap_neg(tap__cb_cumulant(below_of(l, high), 0)), tap_neg(slope)), outside);
}

/* log Z(l) - l mean */
static tap_var continuous_bernoulli_entropy(tap_dist d)
{
    tap_var none = tap_scalar_like(d.param[0], 0);
    return tap_neg(tap__cb_kl(d.param[0], none));
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
