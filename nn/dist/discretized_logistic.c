/* Bytes, to which a logistic variable is rounded: Salimans et al. 2017. Byte x lies at 2 x / 255 - 1 and reaches 1/255 to both
 * sides, the first and the last to infinity. */
#include <float.h>

#include "autograd/ops/rules.h"
#include "nn/dist/distribution.h"
#include "tensor/kernels/map.h"
#include "tensor/shape.h"

enum { LAST = 255 };

#define LOG_2_BY_LAST    -4.848116364598481
#define ROOT_256_BY_LAST 1.0019588657362393

/* ---- Pieces ------------------------------------------------------------------------------------------------------ */

/* log(1 - e^-w), w = 2 / (255 scale); where that is small, it is log w. */
static tap_var log_width(tap_var log_scale)
{
    tap_var small = tap_gt(log_scale, tap_scalar_like(log_scale, 40));
    tap_var w = tap_mul_scalar(tap_exp(tap_neg(tap_masked_fill(log_scale, small, 0))), 2. / LAST);
    return tap_where(small, tap_add_scalar(tap_neg(log_scale), LOG_2_BY_LAST), tap_log(tap_neg(tap_expm1(tap_neg(w)))));
}

/* sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - e^(a - b)), in logarithms: no bin is so small that digits are lost.
 * Distances are in 128ths of a bin, which has x and its edges exact, and no loc is too large. */
static tap_var log_mass(tap_var x, tap_var loc, tap_var log_scale)
{
    tap_var first = tap_eq(x, tap_scalar_like(x, 0)), last = tap_eq(x, tap_scalar_like(x, LAST));
    tap_var at = tap_mul_scalar(x, 1. / 128), from = tap_mul_scalar(loc, LAST / 256.);
    tap_var high = tap_sub(tap_add_scalar(at, (1 - LAST) / 256.), from),
            low = tap_sub(from, tap_add_scalar(at, (-1 - LAST) / 256.));
    tap_var below = tap_log_sigmoid(tap__in_scales(high, log_scale, ROOT_256_BY_LAST));
    tap_var above = tap_log_sigmoid(tap__in_scales(low, log_scale, ROOT_256_BY_LAST));
    tap_var width = log_width(log_scale);
    tap_var ends = tap_add(tap_masked_fill(below, last, 0), tap_masked_fill(above, first, 0));
    return tap_add(ends, tap_masked_fill(width, tap_logical_or(first, last), 0));
}

static tap_var nearest(tap_var loc, tap_var log_scale, tap_var u)
{
    tap_var logistic = tap_sub(tap_log(u), tap_log1p(tap_neg(u)));
    tap_var y = tap_add(loc, tap_mul(tap_exp(log_scale), logistic));
    return tap_clamp(tap_round(tap_mul_scalar(tap_add_scalar(y, 1), LAST / 2.)), 0, LAST);
}

/* ---- The mean: the sum over x = 0 .. 254 of P(> x) = sigmoid((loc - edge) / scale), edge = (2 x + 1) / 255 - 1 ----- */

static tap_status mean_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    if (!tap__broadcast_shapes(c->in[0].shape, c->in[1].shape, &out->shape))
        return tap_call_fail(c, TAP_ESHAPE, "the shapes do not broadcast");
    return tap__one_float(c);
}

static double mean_of(double loc, double log_scale)
{
    const double precision = exp(-log_scale);
    double       sum = 0;
    for (int x = 0; x < LAST; x++) {
        const double away = (2 * x + 1) / (double)LAST - 1 - loc;
        sum += 1 / (1 + exp(away == 0 || (isinf(away) && log_scale < (double)INFINITY) ? away : away * precision));
    }
    return sum;
}

static void mean_run(int64_t n, void *const *data, const int64_t *stride, const void *context)
{
    double       *y = data[0];
    const double *loc = data[1], *log_scale = data[2];
    (void)context;
    for (int64_t i = 0; i < n; i++) y[i * stride[0]] = mean_of(loc[i * stride[1]], log_scale[i * stride[2]]);
}

static void mean_forward(tap_call *c, tap_tensor *out)
{
    enum { COST = 10000 };
    tap__map(mean_run, NULL, out, 2, c->in, COST);
}

/* With 255 terms for each element: it is the value that is asked for often. */
static void mean_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_var edge = tap_add_scalar(tap_mul_scalar(tap_cast(tap_arange(g.tape, LAST), TAP_F64), 2. / LAST), 1. / LAST - 1);
    tap_var log_scale = tap_unsqueeze(tap_in(n, 1), -1), precision = tap_exp(tap_neg(log_scale));
    tap_var z = tap__in_scales(tap_sub(tap_unsqueeze(tap_in(n, 0), -1), edge), log_scale, 1);
    tap_var slope = tap_mul(tap_sigmoid(z), tap_sigmoid(tap_neg(z)));
    if (tap_needs_grad(n, 0)) gin[0] = tap__chain_mul(g, tap_sum(tap__chain_mul(slope, precision), TAP_LAST));
    if (tap_needs_grad(n, 1)) gin[1] = tap_neg(tap__chain_mul(g, tap_sum(tap__chain_mul(slope, z), TAP_LAST)));
}

static const tap_op mean_op = { "byte_mean", mean_infer, mean_forward, mean_vjp, 0 };

static tap_var byte_mean(tap_var loc, tap_var log_scale)
{
    tap_var mean = tap_apply(&mean_op, NULL, 2, (tap_var[]){ tap__as_f64(loc), tap__as_f64(log_scale) });
    return tap__rounded(mean, loc);
}

/* ---- One: loc, log_scale ----------------------------------------------------------------------------------------- */

/* x as a constant of the parameters' dtype, and whether it is no byte. */
typedef struct {
    tap_var x, outside;
} bytes;

static bytes bytes_of(tap_var x, tap_var like)
{
    tap_var v = tap__constant_f64(x), outside = tap__not_whole(v, tap_scalar_like(v, LAST));
    return (bytes){ tap__rounded(tap_masked_fill(v, outside, 0), like), outside };
}

static tap_var logistic_log_prob(tap_dist d, tap_var x)
{
    bytes b = bytes_of(x, d.param[0]);
    return tap__infinite_if(log_mass(b.x, d.param[0], d.param[1]), b.outside);
}

static tap_var logistic_sample(tap_dist d, tap_var noise)
{
    tap_var loc = tap__as_f64(tap_detach(d.param[0])), log_scale = tap__as_f64(tap_detach(d.param[1]));
    return tap__rounded(nearest(loc, log_scale, tap__as_f64(tap_detach(noise))), d.param[0]);
}

static tap_var logistic_mean(tap_dist d)
{
    return byte_mean(d.param[0], d.param[1]);
}

const tap_dist_type tap__discretized_logistic_type = {
    .name = "discretized_logistic",
    .takes = "loc and log_scale",
    .n_param = 2,
    .hard = true,
    .noise = tap__rand_f64,
    .sample = logistic_sample,
    .log_prob = logistic_log_prob,
    .mean = logistic_mean,
};

tap_dist tap_discretized_logistic(tap_var loc, tap_var log_scale)
{
    return (tap_dist){ &tap__discretized_logistic_type, { loc, log_scale } };
}

/* ---- Of several: logits [..,k], loc [..,k], log_scale [..,k] ----------------------------------------------------- */

static tap_var mixture_log_prob(tap_dist d, tap_var x)
{
    bytes   b = bytes_of(x, d.param[1]);
    tap_var each = log_mass(tap_unsqueeze(b.x, -1), d.param[1], d.param[2]);
    tap_var most = tap_detach(tap_amax(each, tap_keepdim(TAP_LAST))); /* beside which the weights would be lost */
    tap_var log_p = tap_logsumexp(tap_add(tap_log_softmax(d.param[0], -1), tap__safe_sub(each, most)), TAP_LAST);
    log_p = tap_add(log_p, tap_squeeze(most, TAP_AXES(-1)));
    return tap__infinite_if(log_p, b.outside);
}

/* The sum over the one component that is not masked. */
static tap_var pick(tap_var chosen, tap_var x)
{
    return tap_sum(tap_where(chosen, x, tap_scalar_like(x, 0)), TAP_LAST);
}

/* The components share (0,1) out among them. Where noise lies decides which it is, and where in its share, again uniform, what
 * comes of it. */
static tap_var mixture_sample(tap_dist d, tap_var noise)
{
    const tap_shape s = tap_shape_of(d.param[0]);
    const int64_t   n = s.rank ? s.n[s.rank - 1] : 0;
    tap_var         p[3], u = tap__as_f64(tap_detach(noise));
    for (int i = 0; i < 3; i++) p[i] = tap__as_f64(tap_detach(d.param[i]));
    tap_var share = tap_softmax(p[0], -1), end = tap_cumsum(share, -1);
    tap_var passed = tap_ge(tap_unsqueeze(u, -1), tap_narrow(end, -1, 0, n - 1));
    tap_var chosen = tap_eq(tap_arange(u.tape, n), tap_count_nonzero(passed, tap_keepdim(TAP_LAST)));
    tap_var within = tap_add_scalar(tap_div(tap_sub(u, pick(chosen, end)), pick(chosen, share)), 1);
    within = tap_clamp(within, DBL_MIN, 1 - DBL_EPSILON / 2);
    return tap__rounded(nearest(pick(chosen, p[1]), pick(chosen, p[2]), within), d.param[1]);
}

static tap_var mixture_mean(tap_dist d)
{
    return tap_sum(tap_mul(tap_softmax(d.param[0], -1), byte_mean(d.param[1], d.param[2])), TAP_LAST);
}

const tap_dist_type tap__discretized_logistic_mixture_type = {
    .name = "discretized_logistic_mixture",
    .takes = "logits [..,k], loc [..,k] and log_scale [..,k]",
    .n_param = 3,
    .own = { 1, 1, 1 },
    .mixes = true,
    .hard = true,
    .noise = tap__rand_f64,
    .sample = mixture_sample,
    .log_prob = mixture_log_prob,
    .mean = mixture_mean,
};

tap_dist tap_discretized_logistic_mixture(tap_var logits, tap_var loc, tap_var log_scale)
{
    return (tap_dist){ &tap__discretized_logistic_mixture_type, { logits, loc, log_scale } };
}
