/* nn/dist/relaxed.c: continuous relaxations of Bernoulli and one-hot variables, whose samples have gradients (Maddison et al.
 * 2017, Jang et al. 2017). In the formulas T is the temperature. */
#include <float.h>

#include "nn/dist/distribution.h"
#include "tensor/kernels/special.h"

/* T; NaN where it is not above 0. */
static tap_var temperature_of(tap_dist d)
{
    tap_var t = d.param[1];
    return tap_masked_fill(t, tap_le(t, tap_scalar_like(t, 0)), (double)NAN);
}

/* log x and log(1 - x). A sample that was rounded to 0 or 1 counts as the next number inside. */
static tap_var safe_log(tap_var x)
{
    return tap_log(tap_clamp_min(x, tap_scalar_like(x, tap_value(x).dtype == TAP_F32 ? (double)FLT_MIN : DBL_MIN)));
}

static tap_var safe_log_complement(tap_var x)
{
    tap_var min = tap_scalar_like(x, (tap_value(x).dtype == TAP_F32 ? (double)FLT_EPSILON : DBL_EPSILON) / 4);
    return tap_log(tap_clamp_min(tap_sub(tap_scalar_like(x, 1), x), min));
}

/* ---- Relaxed Bernoulli: logits, temperature ---------------------------------------------------------------------- */

/* sigmoid((logits + logit(u)) / T), u the noise */
static tap_var relaxed_bernoulli_sample(tap_dist d, tap_var noise)
{
    tap_var logistic = tap_sub(tap_log(noise), tap_log1p(tap_neg(noise)));
    return tap_sigmoid(tap_div(tap_add(d.param[0], logistic), temperature_of(d)));
}

/* log T + v - 2 log(1 + e^v) - log x - log(1 - x), v = logits - T logit(x) */
static tap_var relaxed_bernoulli_log_prob(tap_dist d, tap_var x)
{
    tap_var outside = tap__outside_unit_interval(x), t = temperature_of(d);
    tap_var log_x = safe_log(x), log_1_x = safe_log_complement(x);
    tap_var v = tap_sub(d.param[0], tap__chain_mul(tap_sub(log_x, log_1_x), t));
    tap_var softplus = tap_add(tap_softplus(v), tap_softplus(tap_neg(v)));
    return tap__neg_inf_where(tap_sub(tap__sub_to_neg_inf(tap_log(t), softplus), tap_add(log_x, log_1_x)), outside);
}

const tap_dist_type tap__relaxed_bernoulli_type = {
    .name = "relaxed_bernoulli",
    .takes = "logits and temperature",
    .n_param = 2,
    .has_rsample = true,
    .noise = tap_rand,
    .sample = relaxed_bernoulli_sample,
    .log_prob = relaxed_bernoulli_log_prob,
};

tap_dist tap_relaxed_bernoulli(tap_var logits, tap_var temperature)
{
    return (tap_dist){ &tap__relaxed_bernoulli_type, { logits, temperature } };
}

/* ---- Relaxed one-hot categorical: logits [..,k], temperature [..] ------------------------------------------------ */

/* softmax((logits + g) / T), g = -log(-log u) from noise u; relative to the largest, so that it is finite for any T */
static tap_var relaxed_one_hot_sample(tap_dist d, tap_var noise)
{
    tap_var gumbel = tap_neg(tap_log(tap_neg(tap_log(noise))));
    tap_var score = tap_add(d.param[0], gumbel), max = tap_detach(tap_amax(score, tap_keepdim(TAP_LAST)));
    return tap_softmax(tap_div(tap__safe_sub(score, max), tap_unsqueeze(temperature_of(d), -1)), -1);
}

/* log (k-1)! + (k-1) log T + sum_i (log_softmax(logits - T log x)_i - log x_i), the density of x_1 .. x_(k-1) */
static tap_var relaxed_one_hot_log_prob(tap_dist d, tap_var x)
{
    tap_shape s = tap_shape_of(x);
    double    k = (double)s.n[s.rank - 1];
    tap_var   outside = tap_any(tap__outside_unit_interval(x), TAP_LAST);
    tap_var   y = safe_log(x), t = temperature_of(d);
    tap_var   shifted = tap_sub(y, tap_detach(tap_amin(y, tap_keepdim(TAP_LAST)))); /* log_softmax is invariant to the shift */
    tap_var   score = tap_log_softmax(tap_sub(d.param[0], tap__chain_mul(shifted, tap_unsqueeze(t, -1))), -1);
    tap_var   constant = tap_add_scalar(tap_mul_scalar(tap_log(t), k - 1), tap__lgamma_f64(k));
    return tap__neg_inf_where(tap__sub_to_neg_inf(constant, tap_sum(tap_sub(y, score), TAP_LAST)), outside);
}

const tap_dist_type tap__relaxed_one_hot_categorical_type = {
    .name = "relaxed_one_hot_categorical",
    .takes = "logits [..,k] and temperature [..]",
    .n_param = 2,
    .param_event_rank = { 1, 0 },
    .event_rank = 1,
    .has_rsample = true,
    .noise = tap_rand,
    .sample = relaxed_one_hot_sample,
    .log_prob = relaxed_one_hot_log_prob,
};

tap_dist tap_relaxed_one_hot_categorical(tap_var logits, tap_var temperature)
{
    return (tap_dist){ &tap__relaxed_one_hot_categorical_type, { logits, temperature } };
}
