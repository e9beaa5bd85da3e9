/* nn/dist/discretized_logistic.c: bytes that a logistic variable is rounded to, and mixtures of these (Salimans et al. 2017).
 * Byte x is the bin of width 2/255 around 2 x / 255 - 1; the bins of 0 and 255 extend to -infinity and infinity. */
#include <float.h>

#include "nn/dist/distribution.h"
#include "tensor/kernels/map.h"

enum { MAX_BYTE = 255 };

#define LOG_2_BY_255    -4.848116364598481
#define ROOT_256_BY_255 1.0019588657362393

/* ---- The mass of a bin ------------------------------------------------------------------------------------------- */

/* log(1 - e^-w), w = 2 / (255 scale) being the width of a bin in scales; log w where that is small. */
static tap_var log_width(tap_var log_scale)
{
    tap_var small = tap_gt(log_scale, tap_scalar_like(log_scale, 40));
    tap_var w = tap_mul_scalar(tap_exp(tap_neg(tap_masked_fill(log_scale, small, 0))), 2. / MAX_BYTE);
    return tap_where(small, tap_add_scalar(tap_neg(log_scale), LOG_2_BY_255), tap_log(tap_neg(tap_expm1(tap_neg(w)))));
}

/* log P(x) = log(sigmoid(b) - sigmoid(a)) = log sigmoid(b) + log sigmoid(-a) + log(1 - e^(a - b)), a and b being the edges of
 * the bin in scales: no digits are lost in small bins. Distances are in units in which x and the edges are exact. */
static tap_var log_mass(tap_var x, tap_var loc, tap_var log_scale)
{
    tap_var first = tap_eq(x, tap_scalar_like(x, 0)), last = tap_eq(x, tap_scalar_like(x, MAX_BYTE));
    tap_var at = tap_mul_scalar(x, 1. / 128), center = tap_mul_scalar(loc, MAX_BYTE / 256.);
    tap_var upper = tap_sub(tap_add_scalar(at, (1 - MAX_BYTE) / 256.), center);
    tap_var lower = tap_sub(center, tap_add_scalar(at, (-1 - MAX_BYTE) / 256.));
    tap_var log_sigmoid_b = tap_log_sigmoid(tap__divide_by_scale(upper, log_scale, ROOT_256_BY_255));
    tap_var log_sigmoid_a = tap_log_sigmoid(tap__divide_by_scale(lower, log_scale, ROOT_256_BY_255)); /* of -a */
    tap_var width = log_width(log_scale);
    tap_var edges = tap_add(tap_masked_fill(log_sigmoid_b, last, 0), tap_masked_fill(log_sigmoid_a, first, 0));
    return tap_add(edges, tap_masked_fill(width, tap_logical_or(first, last), 0));
}

/* The byte nearest to loc + scale logit(u) */
static tap_var round_to_byte(tap_var loc, tap_var log_scale, tap_var u)
{
    tap_var logistic = tap_sub(tap_log(u), tap_log1p(tap_neg(u)));
    tap_var y = tap_add(loc, tap_mul(tap_exp(log_scale), logistic));
    return tap_clamp(tap_round(tap_mul_scalar(tap_add_scalar(y, 1), MAX_BYTE / 2.)), 0, MAX_BYTE);
}

/* ---- The mean: the sum over x = 0 .. 254 of P(> x) = sigmoid((loc - edge) / scale), edge = (2 x + 1) / 255 - 1 ----- */

static tap_status mean_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    if (!tap__broadcast_shapes(c->in[0].shape, c->in[1].shape, &out->shape))
        return tap_call_fail(c, TAP_ESHAPE, "the shapes do not broadcast");
    return tap__one_float(c);
}

static double mean_of_byte(double loc, double log_scale)
{
    const double precision = exp(-log_scale);
    double       sum = 0;
    for (int x = 0; x < MAX_BYTE; x++) {
        const double distance = (2 * x + 1) / (double)MAX_BYTE - 1 - loc;
        /* 0 infinity is 0 here, and an infinite distance stays infinite over any finite scale. */
        const bool is_limit = distance == 0 || (isinf(distance) && log_scale < (double)INFINITY);
        sum += 1 / (1 + exp(is_limit ? distance : distance * precision));
    }
    return sum;
}

static void mean_run(int64_t n, void *const *data, const int64_t *stride, const void *context)
{
    double       *y = data[0];
    const double *loc = data[1], *log_scale = data[2];
    (void)context;
    for (int64_t i = 0; i < n; i++) y[i * stride[0]] = mean_of_byte(loc[i * stride[1]], log_scale[i * stride[2]]);
}

static void mean_forward(tap_call *c, tap_tensor *out)
{
    enum { COST = 10000 };
    tap__map(mean_run, NULL, out, 2, c->in, COST);
}

/* By operators, with 255 terms for each element: gradients of a mean are rarely needed. */
static void mean_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_var edge =
        tap_add_scalar(tap_mul_scalar(tap_cast(tap_arange(g.tape, MAX_BYTE), TAP_F64), 2. / MAX_BYTE), 1. / MAX_BYTE - 1);
    tap_var log_scale = tap_unsqueeze(tap_in(n, 1), -1), precision = tap_exp(tap_neg(log_scale));
    tap_var z = tap__divide_by_scale(tap_sub(tap_unsqueeze(tap_in(n, 0), -1), edge), log_scale, 1);
    tap_var slope = tap_mul(tap_sigmoid(z), tap_sigmoid(tap_neg(z)));
    if (tap_needs_grad(n, 0)) gin[0] = tap__chain_mul(g, tap_sum(tap__chain_mul(slope, precision), TAP_LAST));
    if (tap_needs_grad(n, 1)) gin[1] = tap_neg(tap__chain_mul(g, tap_sum(tap__chain_mul(slope, z), TAP_LAST)));
}

static const tap_op mean_op = { "byte_mean", mean_infer, mean_forward, mean_vjp, 0 };

static tap_var byte_mean(tap_var loc, tap_var log_scale)
{
    tap_var mean = tap_apply(&mean_op, NULL, 2, (tap_var[]){ tap__to_f64(loc), tap__to_f64(log_scale) });
    return tap__to_dtype_of(mean, loc);
}

/* ---- Discretized logistic: loc, log_scale ------------------------------------------------------------------------ */

/* x as a constant of the parameters' dtype, and whether it is outside 0, 1, .., 255. */
typedef struct {
    tap_var x, outside;
} bytes;

static bytes bytes_of(tap_var x, tap_var like)
{
    tap_var v = tap__detach_f64(x), outside = tap__outside_integers(v, tap_scalar_like(v, MAX_BYTE));
    return (bytes){ tap__to_dtype_of(tap_masked_fill(v, outside, 0), like), outside };
}

static tap_var logistic_log_prob(tap_dist d, tap_var x)
{
    bytes b = bytes_of(x, d.param[0]);
    return tap__neg_inf_where(log_mass(b.x, d.param[0], d.param[1]), b.outside);
}

static tap_var logistic_sample(tap_dist d, tap_var noise)
{
    tap_var loc = tap__to_f64(tap_detach(d.param[0])), log_scale = tap__to_f64(tap_detach(d.param[1]));
    return tap__to_dtype_of(round_to_byte(loc, log_scale, tap__to_f64(tap_detach(noise))), d.param[0]);
}

static tap_var logistic_mean(tap_dist d)
{
    return byte_mean(d.param[0], d.param[1]);
}

const tap_dist_type tap__discretized_logistic_type = {
    .name = "discretized_logistic",
    .takes = "loc and log_scale",
    .n_param = 2,
    .noise = tap__rand_f64,
    .sample = logistic_sample,
    .log_prob = logistic_log_prob,
    .mean = logistic_mean,
};

tap_dist tap_discretized_logistic(tap_var loc, tap_var log_scale)
{
    return (tap_dist){ &tap__discretized_logistic_type, { loc, log_scale } };
}

/* ---- Mixture: logits [..,k], loc [..,k], log_scale [..,k] -------------------------------------------------------- */

/* log sum_i softmax(logits)_i P_i(x) */
static tap_var mixture_log_prob(tap_dist d, tap_var x)
{
    bytes   b = bytes_of(x, d.param[1]);
    tap_var each = log_mass(tap_unsqueeze(b.x, -1), d.param[1], d.param[2]);
    tap_var max = tap_detach(tap_amax(each, tap_keepdim(TAP_LAST))); /* taken out, or large ones would absorb the log weights */
    tap_var log_p = tap_logsumexp(tap_add(tap_log_softmax(d.param[0], -1), tap__safe_sub(each, max)), TAP_LAST);
    log_p = tap_add(log_p, tap_squeeze(max, TAP_AXES(-1)));
    return tap__neg_inf_where(log_p, b.outside);
}

/* The element of x [..,k] whose component is selected. */
static tap_var select_component(tap_var selected, tap_var x)
{
    return tap_sum(tap_where(selected, x, tap_scalar_like(x, 0)), TAP_LAST);
}

/* The weights divide (0,1) into intervals. The interval that the noise u lies in selects the component, and u's position within
 * it, which is uniform again, gives the sample. */
static tap_var mixture_sample(tap_dist d, tap_var noise)
{
    const tap_shape s = tap_shape_of(d.param[0]);
    const int64_t   n = s.rank ? s.n[s.rank - 1] : 0;
    tap_var         p[3], u = tap__to_f64(tap_detach(noise));
    for (int i = 0; i < 3; i++) p[i] = tap__to_f64(tap_detach(d.param[i]));
    tap_var weight = tap_softmax(p[0], -1), end = tap_cumsum(weight, -1);
    tap_var is_past = tap_ge(tap_unsqueeze(u, -1), tap_narrow(end, -1, 0, n - 1));
    tap_var selected = tap_eq(tap_arange(u.tape, n), tap_count_nonzero(is_past, tap_keepdim(TAP_LAST)));
    tap_var within =
        tap_add_scalar(tap_div(tap_sub(u, select_component(selected, end)), select_component(selected, weight)), 1);
    within = tap_clamp(within, DBL_MIN, 1 - DBL_EPSILON / 2);
    return tap__to_dtype_of(round_to_byte(select_component(selected, p[1]), select_component(selected, p[2]), within),
                            d.param[1]);
}

/* sum_i softmax(logits)_i mean_i */
static tap_var mixture_mean(tap_dist d)
{
    return tap_sum(tap_mul(tap_softmax(d.param[0], -1), byte_mean(d.param[1], d.param[2])), TAP_LAST);
}

const tap_dist_type tap__discretized_logistic_mixture_type = {
    .name = "discretized_logistic_mixture",
    .takes = "logits [..,k], loc [..,k] and log_scale [..,k]",
    .n_param = 3,
    .param_event_rank = { 1, 1, 1 },
    .is_mixture = true,
    .noise = tap__rand_f64,
    .sample = mixture_sample,
    .log_prob = mixture_log_prob,
    .mean = mixture_mean,
};

tap_dist tap_discretized_logistic_mixture(tap_var logits, tap_var loc, tap_var log_scale)
{
    return (tap_dist){ &tap__discretized_logistic_mixture_type, { logits, loc, log_scale } };
}
