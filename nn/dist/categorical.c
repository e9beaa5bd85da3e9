/* nn/dist/categorical.c: classes with probabilities softmax(logits), as numbers and as one-hot vectors. Samples have no
 * gradient. */
#include "nn/dist/distribution.h"

/* ---- Categorical: logits [..,k] ---------------------------------------------------------------------------------- */

static tap_var probabilities(tap_dist d)
{
    return tap_softmax(d.param[0], -1);
}

/* The Gumbel-max trick: the argmax of logits + g, where g = -log(-log u) is Gumbel noise from noise u in (0,1). */
static tap_var categorical_sample(tap_dist d, tap_var noise)
{
    tap_var gumbel = tap_neg(tap_log(tap_neg(tap_log(noise))));
    return tap_argmax(tap_add(d.param[0], gumbel), TAP_LAST);
}

/* v with axes of size 1 in front, up to this rank. */
static tap_var unsqueeze_to_rank(tap_var v, int rank)
{
    for (int i = tap_shape_of(v).rank; i < rank; i++) v = tap_unsqueeze(v, 0);
    return v;
}

/* Whether x, which holds integers, lies outside the classes 0, 1, .., k - 1. */
static tap_var outside_classes(tap_dist d, tap_var x)
{
    const tap_shape s = tap_shape_of(d.param[0]);
    const tap_dtype dtype = tap_value(x).dtype;
    tap_var first = tap__scalar(x.tape, dtype, 0), end = tap__scalar(x.tape, dtype, s.rank ? (double)s.n[s.rank - 1] : 0);
    return tap_logical_or(tap_lt(x, first), tap_ge(x, end));
}

/* log_softmax(logits)_x */
static tap_var categorical_log_prob(tap_dist d, tap_var x)
{
    tap_var   log_p = tap_log_softmax(d.param[0], -1), outside = outside_classes(d, x);
    tap_var   index = tap_unsqueeze(tap_where(outside, tap__scalar(x.tape, tap_value(x).dtype, 0), x), -1);
    const int rank = tap_shape_of(log_p).rank, index_rank = tap_shape_of(index).rank;
    tap_var   log_px = tap_take_along_dim(unsqueeze_to_rank(log_p, index_rank), unsqueeze_to_rank(index, rank), -1);
    return tap__neg_inf_where(tap_squeeze(log_px, TAP_AXES(-1)), outside);
}

/* -sum p log p, with the gradient of -sum (p log p - p + 1). Both are the same in exact arithmetic; the terms -p + 1, whose
 * gradient by the logits is 0, keep their rounding errors out. */
static tap_var categorical_entropy(tap_dist d)
{
    tap_var log_p = tap_log_softmax(d.param[0], -1), zero = tap_scalar_like(log_p, 0);
    tap_var value = tap_sum(tap__categorical_kl_grad(tap_detach(log_p), zero), TAP_LAST);
    tap_var surrogate = tap_sum(tap__categorical_kl_term(log_p, zero), TAP_LAST);
    return tap_neg(tap_add(value, tap_sub(surrogate, tap_detach(surrogate))));
}

/* No moments: class numbers are labels. */
const tap_dist_type tap__categorical_type = {
    .name = "categorical",
    .takes = "logits [..,k]",
    .n_param = 1,
    .param_event_rank = { 1 },
    .noise = tap_rand,
    .sample = categorical_sample,
    .log_prob = categorical_log_prob,
    .entropy = categorical_entropy,
};

tap_dist tap_categorical(tap_var logits)
{
    return (tap_dist){ .type = &tap__categorical_type, .param = { logits } };
}

/* ---- One-hot categorical: logits [..,k], events are vectors with a single 1 -------------------------------------- */

static tap_var one_hot_sample(tap_dist d, tap_var noise)
{
    tap_shape s = tap_shape_of(d.param[0]); /* [] if there was no memory */
    tap_var class = categorical_sample(d, noise);
    return tap_cast(tap_one_hot(class, s.rank ? s.n[s.rank - 1] : 0), tap_tape_dtype(class.tape));
}

/* Whether x is not a vector of zeros and a single 1. A vector with a NaN counts as one, so that its log_prob is NaN. */
static tap_var not_one_hot(tap_var x)
{
    tap_var is_one = tap_eq(x, tap_scalar_like(x, 1)), is_nonzero = tap_ne(x, tap_scalar_like(x, 0));
    tap_var ones = tap_count_nonzero(is_one, TAP_LAST), nonzeros = tap_count_nonzero(is_nonzero, TAP_LAST);
    tap_var single = tap__scalar(x.tape, TAP_I64, 1);
    tap_var wrong = tap_logical_or(tap_ne(ones, single), tap_ne(nonzeros, single));
    return tap_logical_and(wrong, tap_logical_not(tap_any(tap_isnan(x), TAP_LAST)));
}

/* sum x log_softmax(logits) */
static tap_var one_hot_log_prob(tap_dist d, tap_var x)
{
    tap_var terms = tap__chain_mul(x, tap_log_softmax(d.param[0], -1));
    return tap__neg_inf_where(tap_sum(terms, TAP_LAST), not_one_hot(x));
}

/* p (1 - p), with 1 - p = -expm1(log p) */
static tap_var one_hot_variance(tap_dist d)
{
    tap_var log_p = tap_log_softmax(d.param[0], -1);
    return tap_neg(tap_mul(tap_exp(log_p), tap_expm1(log_p)));
}

const tap_dist_type tap__one_hot_categorical_type = {
    .name = "one_hot_categorical",
    .takes = "logits [..,k]",
    .n_param = 1,
    .param_event_rank = { 1 },
    .event_rank = 1,
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
