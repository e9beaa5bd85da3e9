/* Distributions: a table of formulas for each kind. Everything is ordinary operators on the parameters, so gradients follow. */
#include "nn/distribution.h"
#include "tensor/internal.h"

#define HALF_LOG_2PI 0.91893853320467274178
#define SQRT_HALF    0.70710678118654752440

/* x in the shape of a sample, where a parameter alone may be smaller. */
static tap_var as_sample(tap_dist d, tap_var x);

/* ---- Normal: loc, log_scale -------------------------------------------------------------------------------------- */

static tap_var normal_sample(tap_dist d, tap_var noise)
{
    return tap_add(d.param[0], tap_mul(tap_exp(d.param[1]), noise));
}

/* -((x - loc) / (sqrt 2 scale))^2 - (log scale + log(2 pi) / 2). What depends on the scale alone is computed in its own shape,
 * often one number, and is no pass over x. */
static tap_var normal_log_prob(tap_dist d, tap_var x)
{
    tap_var minus_log = tap_neg(d.param[1]);
    tap_var inverse = tap_mul_scalar(tap_exp(minus_log), SQRT_HALF);
    tap_var u = tap_mul(tap_sub(x, d.param[0]), inverse);
    return tap_sub(tap_add_scalar(minus_log, -HALF_LOG_2PI), tap_square(u));
}

/* log scale + log(2 pi e) / 2 */
static tap_var normal_entropy(tap_dist d)
{
    return as_sample(d, tap_add_scalar(d.param[1], 0.5 + HALF_LOG_2PI));
}

static tap_var normal_mean(tap_dist d)
{
    return as_sample(d, d.param[0]);
}

const tap_dist_type tap__normal_type = {
    .name = "normal",
    .n_param = 2,
    .noise = tap_randn,
    .sample = normal_sample,
    .log_prob = normal_log_prob,
    .entropy = normal_entropy,
    .mean = normal_mean,
};

tap_dist tap_normal(tap_var loc, tap_var log_scale)
{
    return (tap_dist){ &tap__normal_type, { loc, log_scale } };
}

/* Its parameters stay scalars: whatever is computed with q broadcasts them. */
tap_dist tap_standard_normal_like(tap_dist q)
{
    tap_var zero = q.param[0].tape ? tap_scalar(q.param[0].tape, 0) : q.param[0];
    return tap_normal(zero, zero);
}

/* ---- Bernoulli: logits ------------------------------------------------------------------------------------------- */

static tap_var bernoulli_mean(tap_dist d)
{
    return tap_sigmoid(d.param[0]);
}

static tap_var bernoulli_sample(tap_dist d, tap_var noise)
{
    tap_var p = tap_sigmoid(tap_detach(d.param[0]));
    return tap_cast(tap_lt(noise, p), tap_tape_dtype(p.tape));
}

static tap_var bernoulli_log_prob(tap_dist d, tap_var x)
{
    return tap_neg(tap_bce_with_logits(d.param[0], x));
}

/* log(1 + e^l) - l sigmoid(l) */
static tap_var bernoulli_entropy(tap_dist d)
{
    return tap_sub(tap_softplus(d.param[0]), tap_silu(d.param[0]));
}

const tap_dist_type tap__bernoulli_type = {
    .name = "bernoulli",
    .n_param = 1,
    .noise = tap_rand,
    .sample = bernoulli_sample,
    .log_prob = bernoulli_log_prob,
    .entropy = bernoulli_entropy,
    .mean = bernoulli_mean,
};

tap_dist tap_bernoulli(tap_var logits)
{
    return (tap_dist){ .type = &tap__bernoulli_type, .param = { logits } };
}

/* ---- What they have in common ------------------------------------------------------------------------------------ */

/* The first tape there is, to report to: one of the parameters', or that of the var that comes with them. */
static tap_tape *tape_of(tap_dist d, tap_var with)
{
    return d.param[0].tape ? d.param[0].tape : d.param[1].tape ? d.param[1].tape : with.tape;
}

/* A distribution that nobody made, and one whose parameters do not go together, fail the tape. */
static bool is_sound(tap_dist d, tap_var with, const char *who, tap_shape *shape)
{
    char      a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    tap_tape *t = tape_of(d, with);
    if (!d.type || !d.param[0].tape) {
        if (t) tap_tape_fail(t, TAP_EARG, "%s: a distribution that was never made", who);
        return false;
    }
    tap_shape first = tap_shape_of(d.param[0]), second = d.type->n_param == 2 ? tap_shape_of(d.param[1]) : first;
    if (tap_tape_status(t, NULL) != TAP_OK) return false;
    if (tap__broadcast(first, second, shape)) return true;
    tap_tape_fail(t, TAP_ESHAPE, "%s: the parameters of a %s, %s and %s, do not broadcast", who, d.type->name,
                  tap_shape_format(a, first), tap_shape_format(b, second));
    return false;
}

static tap_var inert(tap_dist d, tap_var with)
{
    return (tap_var){ .tape = tape_of(d, with) };
}

static tap_var as_sample(tap_dist d, tap_var x)
{
    tap_shape shape;
    if (!is_sound(d, x, d.type->name, &shape)) return inert(d, x);
    return tap_shape_equal(tap_shape_of(x), shape) ? x : tap_expand(x, shape);
}

tap_var tap_sample(tap_dist d)
{
    tap_shape shape;
    if (!is_sound(d, d.param[0], "sample", &shape)) return inert(d, d.param[0]);
    return d.type->sample(d, d.type->noise(d.param[0].tape, shape));
}

tap_var tap_sample_n(tap_dist d, int64_t n)
{
    tap_shape shape;
    if (!is_sound(d, d.param[0], "sample_n", &shape)) return inert(d, d.param[0]);
    if (n < 0 || shape.rank == TAP_MAX_RANK) {
        char text[TAP_SHAPE_TEXT];
        tap_tape_fail(d.param[0].tape, TAP_EARG, "sample_n: %lld samples of shape %s", (long long)n,
                      tap_shape_format(text, shape));
        return inert(d, d.param[0]);
    }
    tap_shape more = { .rank = shape.rank + 1, .n = { n } };
    for (int i = 0; i < shape.rank; i++) more.n[i + 1] = shape.n[i];
    return d.type->sample(d, d.type->noise(d.param[0].tape, more));
}

tap_var tap_sample_from(tap_dist d, tap_var noise)
{
    tap_shape shape;
    return is_sound(d, noise, "sample_from", &shape) ? d.type->sample(d, noise) : inert(d, noise);
}

tap_var tap_log_prob(tap_dist d, tap_var x)
{
    tap_shape shape;
    return is_sound(d, x, "log_prob", &shape) ? d.type->log_prob(d, x) : inert(d, x);
}

tap_var tap_entropy(tap_dist d)
{
    tap_shape shape;
    return is_sound(d, d.param[0], "entropy", &shape) ? d.type->entropy(d) : inert(d, d.param[0]);
}

tap_var tap_dist_mean(tap_dist d)
{
    tap_shape shape;
    return is_sound(d, d.param[0], "dist_mean", &shape) ? d.type->mean(d) : inert(d, d.param[0]);
}
