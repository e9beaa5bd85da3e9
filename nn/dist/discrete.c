/* Bernoulli and classes: samples are values without a gradient. */
#include "autograd/ops/rules.h"
#include "nn/dist/distribution.h"

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

/* The operator itself is -infinity for x outside [0,1]. */
static tap_var bernoulli_log_prob(tap_dist d, tap_var x)
{
    return tap__bernoulli_log_prob(d.param[0], x);
}

static tap_var bernoulli_entropy(tap_dist d)
{
    return tap__bernoulli_entropy(d.param[0]);
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

/* Whether x, of whole numbers, is none of 0, 1, .., k - 1. */
static tap_var no_class(tap_dist d, tap_var x)
{
    const tap_shape s = tap_shape_of(d.param[0]);
    const tap_dtype dtype = tap_value(x).dtype;
    tap_var first = tap__scalar(x.tape, dtype, 0), end = tap__scalar(x.tape, dtype, s.rank ? (double)s.n[s.rank - 1] : 0);
    return tap_logical_or(tap_lt(x, first), tap_ge(x, end));
}

static tap_var categorical_log_prob(tap_dist d, tap_var x)
{
    tap_var   log_p = tap_log_softmax(d.param[0], -1), outside = no_class(d, x);
    tap_var   index = tap_unsqueeze(tap_where(outside, tap__scalar(x.tape, tap_value(x).dtype, 0), x), -1);
    const int rank = tap_shape_of(log_p).rank, wanted = tap_shape_of(index).rank;
    tap_var   each = tap_squeeze(tap_take_along_dim(lifted(log_p, wanted), lifted(index, rank), -1), TAP_AXES(-1));
    return tap__infinite_if(each, outside);
}

/* -sum p log p, the gradient being that of -sum (p log p - p + 1): without the p, of which softmax makes nothing but rounding errors. */
static tap_var categorical_entropy(tap_dist d)
{
    tap_var log_p = tap_log_softmax(d.param[0], -1), none = tap_scalar_like(log_p, 0);
    tap_var value = tap_sum(tap__categorical_kl_grad(tap_detach(log_p), none), TAP_LAST),
            more = tap_sum(tap__categorical_kl_term(log_p, none), TAP_LAST);
    return tap_neg(tap_add(value, tap_sub(more, tap_detach(more))));
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

/* Whether x is no vector of zeros and a single 1; what has a NaN is left as it is. */
static tap_var not_one_hot(tap_var x)
{
    tap_var one = tap_eq(x, tap_scalar_like(x, 1)), other = tap_ne(x, tap_scalar_like(x, 0));
    tap_var ones = tap_count_nonzero(one, TAP_LAST), others = tap_count_nonzero(other, TAP_LAST);
    tap_var single = tap__scalar(x.tape, TAP_I64, 1);
    tap_var wrong = tap_logical_or(tap_ne(ones, single), tap_ne(others, single));
    return tap_logical_and(wrong, tap_logical_not(tap_any(tap_isnan(x), TAP_LAST)));
}

static tap_var one_hot_log_prob(tap_dist d, tap_var x)
{
    tap_var terms = tap__chain_mul(x, tap_log_softmax(d.param[0], -1));
    return tap__infinite_if(tap_sum(terms, TAP_LAST), not_one_hot(x));
}

/* p (1 - p), 1 - p being the sum of the others */
static tap_var one_hot_variance(tap_dist d)
{
    tap_var log_p = tap_log_softmax(d.param[0], -1);
    return tap_neg(tap_mul(tap_exp(log_p), tap_expm1(log_p)));
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
