/* Bernoulli and classes: samples are values without a gradient. */
#include "nn/distribution.h"

/* ---- Bernoulli: logits ------------------------------------------------------------------------------------------- */

static tap_var bernoulli_mean(tap_dist d)
{
    return tap_sigmoid(d.param[0]);
}

static tap_var bernoulli_variance(tap_dist d)
{
    return tap_mul(tap_sigmoid(d.param[0]), tap_sigmoid(tap_neg(d.param[0])));
}

static tap_var bernoulli_sample(tap_dist d, tap_var noise)
{
    tap_var p = tap_sigmoid(tap_detach(d.param[0]));
    return tap_cast(tap_lt(noise, p), tap_tape_dtype(p.tape));
}

static tap_var bernoulli_log_prob(tap_dist d, tap_var x)
{
    return tap__bernoulli_log_prob(d.param[0], x);
}

/* log(1 + e^l) - l sigmoid(l) */
static tap_var bernoulli_entropy(tap_dist d)
{
    return tap_sub(tap_softplus(d.param[0]), tap_silu(d.param[0]));
}

const tap_dist_type tap__bernoulli_type = {
    .name = "bernoulli",
    .takes = "logits",
    .n_param = 1,
    .hard = true,
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

/* ---- Categorical: logits [..,k] ---------------------------------------------------------------------------------- */

static tap_var probabilities(tap_dist d)
{
    return tap_softmax(d.param[0], -1);
}

/* The largest of logits and Gumbel noise, which comes from noise in (0,1). */
static tap_var categorical_sample(tap_dist d, tap_var noise)
{
    tap_var gumbel = tap_neg(tap_log(tap_neg(tap_log(noise))));
    return tap_argmax(tap_add(d.param[0], gumbel), TAP_LAST);
}

static tap_var lifted(tap_var v, int rank)
{
    for (int i = tap_shape_of(v).rank; i < rank; i++) v = tap_unsqueeze(v, 0);
    return v;
}

static tap_var categorical_log_prob(tap_dist d, tap_var x)
{
    tap_var   log_p = tap_log_softmax(d.param[0], -1), index = tap_unsqueeze(x, -1);
    const int rank = tap_shape_of(log_p).rank, wanted = tap_shape_of(index).rank;
    return tap_squeeze(tap_take_along_dim(lifted(log_p, wanted), lifted(index, rank), -1), TAP_AXES(-1));
}

/* sum p log(p / r) of the classes that are possible. */
tap_var tap__classes_kl(tap_var log_p, tap_var log_r)
{
    tap_var p = tap_exp(log_p), never = tap_eq(p, tap__scalar_like(p, 0));
    return tap_sum(tap_mul(p, tap_masked_fill(tap_sub(log_p, log_r), never, 0)), TAP_LAST);
}

static tap_var categorical_entropy(tap_dist d)
{
    tap_var log_p = tap_log_softmax(d.param[0], -1);
    return tap_neg(tap__classes_kl(log_p, tap__scalar_like(log_p, 0)));
}

/* Numbers of classes have no mean that would mean anything. */
const tap_dist_type tap__categorical_type = {
    .name = "categorical",
    .takes = "logits [..,k]",
    .n_param = 1,
    .own = { 1 },
    .hard = true,
    .noise = tap_rand,
    .sample = categorical_sample,
    .log_prob = categorical_log_prob,
    .entropy = categorical_entropy,
};

tap_dist tap_categorical(tap_var logits)
{
    return (tap_dist){ .type = &tap__categorical_type, .param = { logits } };
}

/* ---- The same, as vectors with a single 1 ------------------------------------------------------------------------ */

static tap_var one_hot_sample(tap_dist d, tap_var noise)
{
    tap_shape s = tap_shape_of(d.param[0]); /* [], where there was no memory for the noise */
    tap_var class = categorical_sample(d, noise);
    return tap_cast(tap_one_hot(class, s.rank ? s.n[s.rank - 1] : 0), tap_tape_dtype(class.tape));
}

static tap_var one_hot_log_prob(tap_dist d, tap_var x)
{
    tap_var terms = tap_mul(x, tap_log_softmax(d.param[0], -1));
    return tap_sum(tap_masked_fill(terms, tap_eq(x, tap__scalar_like(x, 0)), 0), TAP_LAST);
}

static tap_var one_hot_variance(tap_dist d)
{
    tap_var p = probabilities(d);
    return tap_sub(p, tap_square(p));
}

const tap_dist_type tap__one_hot_categorical_type = {
    .name = "one_hot_categorical",
    .takes = "logits [..,k]",
    .n_param = 1,
    .own = { 1 },
    .event_rank = 1,
    .hard = true,
    .noise = tap_rand,
    .sample = one_hot_sample,
    .log_prob = one_hot_log_prob,
    .entropy = categorical_entropy,
    .mean = probabilities,
    .variance = one_hot_variance,
};

tap_dist tap_one_hot_categorical(tap_var logits)
{
    return (tap_dist){ .type = &tap__one_hot_categorical_type, .param = { logits } };
}
