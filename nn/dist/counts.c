/* Distributions of counts. Their likelihoods are small differences of large numbers, so that all is computed in double and
 * rounded at the end; and lgamma(theta + x) - lgamma(theta) is one operator, which keeps its digits for any theta. */
#include <float.h>
#include <string.h>

#include "autograd/ops/rules.h"
#include "nn/dist/distribution.h"
#include "tensor/kernels/map.h"
#include "tensor/random.h"
#include "tensor/shape.h"

tap_var tap__constant_f64(tap_var x)
{
    tap_var v = tap_detach(x);
    return tap_value(v).dtype == TAP_F64 ? v : tap_cast(v, TAP_F64);
}

tap_var tap__as_f64(tap_var x)
{
    return tap_value(x).dtype == TAP_F32 ? tap_cast(x, TAP_F64) : x;
}

tap_var tap__rounded(tap_var x, tap_var like)
{
    return tap_value(like).dtype == TAP_F32 ? tap_cast(x, TAP_F32) : x;
}

tap_var tap__not_whole(tap_var x, tap_var most)
{
    tap_var zero = tap_scalar_like(x, 0), fraction = tap_sub(x, tap_floor(x));
    return tap_logical_or(tap_logical_or(tap_lt(x, zero), tap_gt(x, most)), tap_gt(fraction, zero));
}

static tap_var largest_like(tap_var x)
{
    return tap_scalar_like(x, DBL_MAX);
}

/* log x! = log(1 2 .. x) */
static tap_var log_factorial(tap_var x)
{
    return tap__log_rising(x, tap_scalar_like(x, 0));
}

static tap_var is(tap_var x, double value)
{
    return tap_eq(x, tap_scalar_like(x, value));
}

/* ---- Samples ----------------------------------------------------------------------------------------------------- */

/* A number from two parameters, by a sequence that noise is the seed of. */
typedef double (*generator)(tap__rng_stream *s, double a, double b);

typedef struct {
    generator next;
    uint64_t  stream;
} drawing;

static tap_status draw_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = TAP_F64;
    out->shape = c->in[0].shape;
    for (int i = 1; i < c->n_in; i++) {
        if (!tap__broadcast_shapes(out->shape, c->in[i].shape, &out->shape))
            return tap_call_fail(c, TAP_ESHAPE, "the shapes do not broadcast");
    }
    return tap__one_float(c);
}

static void draw_run(int64_t n, void *const *data, const int64_t *stride, const void *context)
{
    const drawing *d = context;
    double        *y = data[0];
    const double  *noise = data[1], *a = data[2], *b = data[3];
    for (int64_t i = 0; i < n; i++) {
        tap__rng_stream s = { .key = { .stream = d->stream } };
        memcpy(&s.key.seed, &noise[i * stride[1]], sizeof s.key.seed);
        y[i * stride[0]] = d->next(&s, a[i * stride[2]], b[i * stride[3]]);
    }
}

static void draw_forward(tap_call *c, tap_tensor *out)
{
    enum { COST = 4000 };
    tap__map(draw_run, c->attr, out, c->n_in, c->in, COST);
}

static const tap_op draw_op = { "sample", draw_infer, draw_forward, NULL, sizeof(drawing) };

static tap_var drawn(generator next, uint64_t stream, tap_var noise, tap_var a, tap_var b)
{
    const drawing d = { next, stream };
    const tap_var in[] = { tap_detach(noise), tap_detach(a), tap_detach(b) };
    return tap_apply(&draw_op, &d, 3, (tap_var[]){ tap__as_f64(in[0]), tap__as_f64(in[1]), tap__as_f64(in[2]) });
}

/* ---- Negative binomial: log_mu, log_theta ------------------------------------------------------------------------ */

/* theta log(1 + mu / theta), which is mu if theta is much larger, and 0 if theta is */
static tap_var minus_log_none(tap_var log_mu, tap_var log_theta)
{
    tap_var z = tap__safe_sub(log_mu, log_theta), small = tap_lt(z, tap_scalar_like(z, -40));
    tap_var some = tap_mul(tap_exp(tap_masked_fill(log_theta, small, 0)), tap_softplus(z));
    return tap_where(small, tap_exp(tap_where(small, log_mu, tap_scalar_like(z, 0))), some);
}

/* log[(theta)_x / theta^x] - log x! + x log mu - (theta + x) log(1 + mu / theta), with (theta)_x = theta (theta + 1) ..: x times
 * log mu - log(1 + mu / theta) = -log(1 / mu + 1 / theta). With theta = 0, all is 0. */
static tap_var log_mass(tap_var x, tap_var log_mu, tap_var log_theta)
{
    tap_var never = tap_logical_and(is(log_theta, -(double)INFINITY), tap_eq(log_mu, log_mu)), none = is(x, 0);
    tap_var some = tap_masked_fill(log_theta, never, 0);
    tap_var ways = tap_sub(tap__log_rising(x, some), log_factorial(x));
    tap_var each = tap__chain_mul(x, tap_logaddexp(tap_neg(log_mu), tap_neg(some)));
    tap_var log_p = tap_sub(tap_sub(ways, each), minus_log_none(log_mu, some));
    log_p = tap__infinite_if(log_p, tap_logical_and(is(log_mu, (double)INFINITY), tap_eq(log_theta, log_theta)));
    return tap_masked_fill(tap__infinite_if(log_p, never), tap_logical_and(never, none), 0);
}

static tap_var negative_binomial_log_prob(tap_dist d, tap_var x)
{
    tap_var k = tap__constant_f64(x), outside = tap__not_whole(k, largest_like(k));
    tap_var log_p = log_mass(tap_masked_fill(k, outside, 0), tap__as_f64(d.param[0]), tap__as_f64(d.param[1]));
    return tap__rounded(tap__infinite_if(log_p, outside), d.param[0]);
}

static double next_negative_binomial(tap__rng_stream *s, double log_mu, double log_theta)
{
    return tap__next_poisson(s, exp(tap__next_log_gamma(s, exp(log_theta)) + (log_mu - log_theta)));
}

static tap_var negative_binomial_sample(tap_dist d, tap_var noise)
{
    return tap__rounded(drawn(next_negative_binomial, 0, noise, d.param[0], d.param[1]), d.param[0]);
}

static tap_var negative_binomial_mean(tap_dist d)
{
    return tap_exp(d.param[0]);
}

/* mu + mu^2 / theta */
static tap_var negative_binomial_variance(tap_dist d)
{
    return tap_add(tap_exp(d.param[0]), tap_exp(tap_sub(tap_mul_scalar(d.param[0], 2), d.param[1])));
}

const tap_dist_type tap__negative_binomial_type = {
    .name = "negative_binomial",
    .takes = "log_mu and log_theta",
    .n_param = 2,
    .hard = true,
    .noise = tap__rand_f64,
    .sample = negative_binomial_sample,
    .log_prob = negative_binomial_log_prob,
    .mean = negative_binomial_mean,
    .variance = negative_binomial_variance,
};

tap_dist tap_negative_binomial(tap_var log_mu, tap_var log_theta)
{
    return (tap_dist){ &tap__negative_binomial_type, { log_mu, log_theta } };
}

/* ---- The same with more zeros: log_mu, log_theta, logits --------------------------------------------------------- */

/* log(c + (1 - c) P(0)), c = sigmoid(l): by 1 - P(0) where that is small */
static tap_var log_zero(tap_var logits, tap_var log_p)
{
    tap_var likely = tap_gt(log_p, tap_scalar_like(log_p, -1));
    tap_var near =
        tap_log1p(tap_mul(tap_sigmoid(tap_neg(logits)), tap_expm1(tap_masked_fill(log_p, tap_logical_not(likely), 0))));
    tap_var far = tap_logaddexp(tap_log_sigmoid(logits), tap_add(tap_log_sigmoid(tap_neg(logits)), log_p));
    return tap_where(likely, near, far);
}

/* log([x = 0] c + (1 - c) P(x)) */
static tap_var zero_inflated_log_prob(tap_dist d, tap_var x)
{
    tap_var k = tap__constant_f64(x), outside = tap__not_whole(k, largest_like(k)), logits = tap__as_f64(d.param[2]);
    tap_var count = tap_masked_fill(k, outside, 0), is_zero = tap_eq(count, tap_scalar_like(k, 0));
    tap_var log_p = log_mass(count, tap__as_f64(d.param[0]), tap__as_f64(d.param[1]));
    tap_var inside = tap_where(is_zero, log_zero(logits, log_p), tap_add(log_p, tap_log_sigmoid(tap_neg(logits))));
    return tap__rounded(tap__infinite_if(inside, outside), d.param[0]);
}

/* What makes it an additional zero is the noise's size, which tells nothing about the sequence that it begins. */
static tap_var zero_inflated_sample(tap_dist d, tap_var noise)
{
    tap_var chance = tap_sigmoid(tap__as_f64(tap_detach(d.param[2]))), u = tap__as_f64(noise);
    return tap_masked_fill(negative_binomial_sample(d, u), tap_lt(u, chance), 0);
}

static tap_var log_mean(tap_dist d)
{
    return tap_add(d.param[0], tap_log_sigmoid(tap_neg(d.param[2])));
}

/* P(not an additional zero) mu */
static tap_var zero_inflated_mean(tap_dist d)
{
    return tap_exp(log_mean(d));
}

/* mean + mean mu (1 / theta + P(an additional zero)) */
static tap_var zero_inflated_variance(tap_dist d)
{
    tap_var log_spread = tap_logaddexp(tap_neg(d.param[1]), tap_log_sigmoid(d.param[2]));
    tap_var log_ratio = tap_add(tap_log_sigmoid(tap_neg(d.param[2])), log_spread);
    return tap_add(tap_exp(log_mean(d)), tap_exp(tap_add(tap_mul_scalar(d.param[0], 2), log_ratio)));
}

const tap_dist_type tap__zero_inflated_negative_binomial_type = {
    .name = "zero_inflated_negative_binomial",
    .takes = "log_mu, log_theta and logits",
    .n_param = 3,
    .hard = true,
    .noise = tap__rand_f64,
    .sample = zero_inflated_sample,
    .log_prob = zero_inflated_log_prob,
    .mean = zero_inflated_mean,
    .variance = zero_inflated_variance,
};

tap_dist tap_zero_inflated_negative_binomial(tap_var log_mu, tap_var log_theta, tap_var logits)
{
    return (tap_dist){ &tap__zero_inflated_negative_binomial_type, { log_mu, log_theta, logits } };
}

/* ---- Beta-binomial: total_count, log_alpha, log_beta ------------------------------------------------------------- */

/* In double; NaN where it is none. */
static tap_var trials(tap_dist d)
{
    tap_var n = tap__constant_f64(d.param[0]);
    return tap_masked_fill(n, tap__not_whole(n, largest_like(n)), (double)NAN);
}

/* log n! / (x! y!) + log[(alpha)_x / alpha^x (beta)_y / beta^y / (theta)_n theta^n] + x log p + y log q with y = n - x,
 * theta = alpha + beta, p = alpha / theta, q = beta / theta */
static tap_var log_share(tap_var n, tap_var yes, tap_var a, tap_var b)
{
    tap_var no = tap_sub(n, yes), logits = tap_sub(a, b);
    tap_var ways = tap_sub(log_factorial(n), tap_add(log_factorial(yes), log_factorial(no)));
    tap_var rise = tap_add(tap__log_rising(yes, a), tap__log_rising(no, b));
    tap_var of_all = tap__log_rising(n, tap_logaddexp(a, b));
    tap_var binomial =
        tap_add(tap__chain_mul(yes, tap_log_sigmoid(logits)), tap__chain_mul(no, tap_log_sigmoid(tap_neg(logits))));
    return tap_add(ways, tap_add(tap_sub(rise, of_all), binomial));
}

/* alpha = 0 leaves failures alone, beta = 0 successes. */
static tap_var beta_binomial_log_prob(tap_dist d, tap_var x)
{
    tap_var n = trials(d), k = tap__constant_f64(x), outside = tap__not_whole(k, n), yes = tap_masked_fill(k, outside, 0);
    tap_var a = tap__as_f64(d.param[1]), b = tap__as_f64(d.param[2]);
    tap_var no_yes = tap_logical_and(is(a, -(double)INFINITY), tap_eq(b, b)),
            no_no = tap_logical_and(is(b, -(double)INFINITY), tap_eq(a, a));
    tap_var log_p = log_share(n, yes, tap_masked_fill(a, no_yes, 0), tap_masked_fill(b, no_no, 0));
    tap_var sure = tap_logical_or(tap_logical_and(no_yes, is(yes, 0)), tap_logical_and(no_no, tap_eq(yes, n)));
    log_p = tap_masked_fill(tap__infinite_if(log_p, tap_logical_or(no_yes, no_no)), sure, 0);
    log_p = tap_masked_fill(log_p, tap_logical_and(no_yes, no_no), (double)NAN);
    return tap__rounded(tap__infinite_if(log_p, outside), d.param[1]);
}

/* The logit of a Beta(alpha, beta) */
static double next_logit(tap__rng_stream *s, double log_alpha, double log_beta)
{
    double yes = tap__next_log_gamma(s, exp(log_alpha));
    return yes - tap__next_log_gamma(s, exp(log_beta));
}

static double next_count(tap__rng_stream *s, double n, double logit)
{
    return tap__next_binomial(s, n, 1 / (1 + exp(-logit)));
}

static tap_var beta_binomial_sample(tap_dist d, tap_var noise)
{
    tap_var logit = drawn(next_logit, 0, noise, d.param[1], d.param[2]);
    return tap__rounded(drawn(next_count, 1, noise, trials(d), logit), d.param[1]);
}

static tap_var chance(tap_dist d)
{
    return tap_sigmoid(tap_sub(d.param[1], d.param[2]));
}

static tap_var beta_binomial_mean(tap_dist d)
{
    return tap_mul(tap__rounded(trials(d), d.param[1]), chance(d));
}

/* n p q (1 + (n - 1) / (alpha + beta + 1)) */
static tap_var beta_binomial_variance(tap_dist d)
{
    tap_var n = tap__rounded(trials(d), d.param[1]), p = chance(d), q = tap_sigmoid(tap_sub(d.param[2], d.param[1]));
    tap_var alike = tap_sigmoid(tap_neg(tap_logaddexp(d.param[1], d.param[2])));
    return tap_mul(tap_mul(n, tap_mul(p, q)), tap_add_scalar(tap_mul(tap_add_scalar(n, -1), alike), 1));
}

const tap_dist_type tap__beta_binomial_type = {
    .name = "beta_binomial",
    .takes = "total_count, log_alpha and log_beta",
    .n_param = 3,
    .hard = true,
    .noise = tap__rand_f64,
    .sample = beta_binomial_sample,
    .log_prob = beta_binomial_log_prob,
    .mean = beta_binomial_mean,
    .variance = beta_binomial_variance,
};

tap_dist tap_beta_binomial(tap_var total_count, tap_var log_alpha, tap_var log_beta)
{
    return (tap_dist){ &tap__beta_binomial_type, { total_count, log_alpha, log_beta } };
}
