/* nn/dist/bernoulli.c: the Bernoulli distribution: logits. Samples have no gradient. */
#include "nn/dist/distribution.h"

/* p = sigmoid(logits) */
static tap_var bernoulli_mean(tap_dist d)
{
    return tap_sigmoid(d.param[0]);
}

/* p (1 - p) */
static tap_var bernoulli_variance(tap_dist d)
{
    return tap_mul(tap_sigmoid(d.param[0]), tap_sigmoid(tap_neg(d.param[0])));
}

/* 1 where u < p, for noise u in (0,1) */
static tap_var bernoulli_sample(tap_dist d, tap_var noise)
{
    tap_var p = tap_sigmoid(tap_detach(d.param[0]));
    return tap_cast(tap_lt(noise, p), tap_tape_dtype(p.tape));
}

/* x log p + (1 - x) log(1 - p), by one operator of the logits; -infinity for x outside [0,1] */
static tap_var bernoulli_log_prob(tap_dist d, tap_var x)
{
    return tap__bernoulli_log_prob(d.param[0], x);
}

/* -p log p - (1 - p) log(1 - p) */
static tap_var bernoulli_entropy(tap_dist d)
{
    return tap__bernoulli_entropy(d.param[0]);
}

const tap_dist_type tap__bernoulli_type = {
    .name = "bernoulli",
    .takes = "logits",
    .n_param = 1,
    .noise = tap_rand,
    .sample = bernoulli_sample,
    .log_prob = bernoulli_log_prob,
    .entropy = bernoulli_entropy,
    .mean = bernoulli_mean,
    .variance = bernoulli_variance,
};

tap_dist tap_bernoulli(tap_var logits)
{
    return (tap_dist){ .type = &tap__bernoulli_type, .param = { logits } };
}
