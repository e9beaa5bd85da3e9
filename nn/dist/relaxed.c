/* Relaxations of Bernoulli and one-hot classes whose samples have gradients: Maddison et al. 2017, Jang et al. 2017. */
#include <float.h>

#include "autograd/ops/rules.h"
#include "nn/dist/distribution.h"
#include "tensor/kernels/special.h"

/* NaN where it is none. */
static tap_var temperature_of(tap_dist d)
{
    tap_var t = d.param[1];
    return tap_masked_fill(t, tap_le(t, tap_scalar_like(t, 0)), (double)NAN);
}

/* log x and log(1 - x). A sample that was rounded to 0 or 1 counts as the farthest one that is not. */
static tap_var log_of(tap_var x)
{
    return tap_log(tap_clamp_min(x, tap_scalar_like(x, tap_value(x).dtype == TAP_F32 ? (double)FLT_MIN : DBL_MIN)));
}

static tap_var log_of_rest(tap_var x)
{
    tap_var least = tap_scalar_like(x, (tap_value(x).dtype == TAP_F32 ? (double)FLT_EPSILON : DBL_EPSILON) / 4);
    return tap_log(tap_clamp_min(tap_sub(tap_scalar_like(x, 1), x), least));
}

/* ---- Relaxed Bernoulli: logits, temperature ---------------------------------------------------------------------- */

/* sigmoid((logits + logit(noise)) / temperature) */
static tap_var relaxed_bernoulli_sample(tap_dist d, tap_var noise)
{
    tap_var logistic = tap_sub(tap_log(noise), tap_log1p(tap_neg(noise)));
    return tap_sigmoid(tap_div(tap_add(d.param[0], logistic), temperature_of(d)));
}

/* log T + v - 2 log(1 + e^v) - log x - log(1 - x) with v = logits - T logit(x) */
static tap_var relaxed_bernoulli_log_prob(tap_dist d, tap_var x)
{
    tap_var outside = tap__outside_unit(x), t = temperature_of(d);
    tap_var yes = log_of(x), no = log_of_rest(x);
    tap_var v = tap_sub(d.param[0], tap__chain_mul(tap_sub(yes, no), t));
    tap_var less = tap_add(tap_softplus(v), tap_softplus(tap_neg(v)));
    return tap__infinite_if(tap_sub(tap__sub_to_neg_inf(tap_log(t), less), tap_add(yes, no)), outside);
}

const tap_dist_type tap__relaxed_bernoulli_type = {
    .name = "relaxed_bernoulli",
    .takes = "logits and temperature",
    .n_param = 2,
    .noise = tap_rand,
    .sample = relaxed_bernoulli_sample,
    .log_prob = relaxed_bernoulli_log_prob,
};

tap_dist tap_relaxed_bernoulli(tap_var logits, tap_var temperature)
{
    return (tap_dist){ &tap__relaxed_bernoulli_type, { logits, temperature } };
}

/* ---- Relaxed one-hot categorical: logits [..,k], temperature [..] ------------------------------------------------ */

/* softmax((logits + Gumbel) / temperature), from the largest one down, which is 0 at any temperature */
static tap_var relaxed_one_hot_sample(tap_dist d, tap_var noise)
{
    tap_var gumbel = tap_neg(tap_log(tap_neg(tap_log(noise))));
    tap_var score = tap_add(d.param[0], gumbel), most = tap_detach(tap_amax(score, tap_keepdim(TAP_LAST)));
    return tap_softmax(tap_div(tap__safe_sub(score, most), tap_unsqueeze(temperature_of(d), -1)), -1);
}

/* log (k-1)! + (k-1) log T + sum_i (log_softmax(logits - T log x)_i - log x_i), a density by x_1 .. x_(k-1) */
static tap_var relaxed_one_hot_log_prob(tap_dist d, tap_var x)
{
    tap_shape s = tap_shape_of(x);
    double    k = (double)s.n[s.rank - 1];
    tap_var   outside = tap_any(tap__outside_unit(x), TAP_LAST);
    tap_var   y = log_of(x), t = temperature_of(d);
    tap_var   above =
        tap_sub(y, tap_detach(tap_amin(y, tap_keepdim(TAP_LAST)))); /* the same to log_softmax, at any temperature */
    tap_var score = tap_log_softmax(tap_sub(d.param[0], tap__chain_mul(above, tap_unsqueeze(t, -1))), -1);
    tap_var constant = tap_add_scalar(tap_mul_scalar(tap_log(t), k - 1), tap__lgamma_f64(k));
    return tap__infinite_if(tap__sub_to_neg_inf(constant, tap_sum(tap_sub(y, score), TAP_LAST)), outside);
}

const tap_dist_type tap__relaxed_one_hot_categorical_type = {
    .name = "relaxed_one_hot_categorical",
    .takes = "logits [..,k] and temperature [..]",
    .n_param = 2,
    .own = { 1, 0 },
    .event_rank = 1,
    .noise = tap_rand,
    .sample = relaxed_one_hot_sample,
    .log_prob = relaxed_one_hot_log_prob,
};

tap_dist tap_relaxed_one_hot_categorical(tap_var logits, tap_var temperature)
{
    return (tap_dist){ &tap__relaxed_one_hot_categorical_type, { logits, temperature } };
}
