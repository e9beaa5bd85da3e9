/* Sums of exponentials over axes, and what is divided by them. All is seen below its maximum, which has the exponential 1, so that
 * nothing overflows; what lies beside the maximum is summed up apart, lest 1 round it away. */
#include <math.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "tensor/kernels/reduce.h"

/* x less its maximum, a constant, as it cancels. What is infinite as the maximum is 0 below it: of several such, all alike, each
 * has the same share of a sum of exponentials. Nothing has no maximum. */
static tap_var below_maximum(tap_var x, tap_axes axes, tap_var *top)
{
    const bool empty = tap__node_of(x) && tap_numel(tap_shape_of(x)) == 0;
    *top = tap_detach(empty ? tap_sum(x, tap_keepdim(axes)) : tap_amax(x, tap_keepdim(axes)));
    return tap__safe_sub(x, *top);
}

/* ---- log sum e^x for x whose maximum is 0: log(1 + the sum of all but one 0) ---- */

static void log_sum_forward(tap_call *c, tap_tensor *out)
{
    unsigned      mask;
    tap_shape     shape;
    const int64_t n = tap_numel(out->shape);
    double       *sum = tap_call_scratch(c, 2 * (size_t)n * sizeof *sum), *zeros = sum + n;
    if (!sum) return;
    tap__reduced(c->in[0].shape, *(const tap_axes *)c->attr, &mask, &shape, NULL);
    if (!tap__reduce_about(TAP__EXPONENTIALS, c->in[0], mask, NULL, sum, c->tape->arena) ||
        !tap__reduce_about(TAP__ZEROS, c->in[0], mask, NULL, zeros, c->tape->arena)) {
        tap__no_memory(c->tape, c);
        return;
    }
    for (int64_t i = 0; i < n; i++) tap_tensor_set_item(*out, i, log1p(sum[i] + (zeros[i] - 1)));
}

/* e^x / e^y, where e^(x - y) would lose digits */
static void log_sum_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const tap_axes axes = *(const tap_axes *)tap_attr(n);
    const tap_var  x = tap_in(n, 0), share = tap__chain_mul(g, tap_exp(tap_neg(tap_out(n))));
    gin[0] = tap__chain_mul(tap__with_axes(share, axes, tap_shape_of(x)), tap_exp(x));
}

static const tap_op log_sum_op = { "log_sum_exp", tap__reduce_infer, log_sum_forward, log_sum_vjp, sizeof(tap_axes) };

tap_var tap__log_sum_exp(tap_var x, tap_axes axes)
{
    return tap_apply(&log_sum_op, &axes, 1, &x);
}

tap_var tap_logsumexp(tap_var x, tap_axes axes)
{
    TAP_CALL("logsumexp", x);
    tap_var top, below = below_maximum(x, axes, &top), sum = tap__log_sum_exp(below, axes);
    return tap_add(sum, tap_reshape(top, tap_shape_of(sum)));
}

/* Whether x, of floats, has the axis; an error if not. */
static bool has_axis(tap_var x, const char *call, int axis)
{
    const tap_node *n = tap__node_of(x);
    unsigned        mask;
    tap_shape       shape;
    tap_error       e = { 0 };
    if (!n) return false;
    if (!tap_dtype_is_float(n->value.dtype))
        tap__fail_input(n, TAP_EDTYPE, call, "%s is not float32 or float64; tap_cast makes it so",
                        tap_dtype_name(n->value.dtype));
    else if (tap__reduced(n->value.shape, TAP_AXES(axis), &mask, &shape, &e) != TAP_OK)
        tap__fail_input(n, e.status, call, "%s", e.message);
    else return true;
    return false;
}

/* ---- softmax and log_softmax: in[0] is the value, which x, in[1], has come to ---- */

static tap_status value_infer(tap_call *c, tap_tensor *out)
{
    *out = c->in[0];
    return TAP_OK;
}

/* y (g - sum g y), from g less that sum: the difference of two numbers that are nearly alike where one y is nearly 1. */
static void softmax_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const tap_axes axes = tap_keepdim(TAP_AXES(*(const int *)tap_attr(n)));
    const tap_var  y = tap_out(n), rough = tap_sub(g, tap_sum(tap__chain_mul(g, y), axes));
    if (tap_needs_grad(n, 1)) gin[1] = tap__chain_mul(tap_sub(rough, tap_sum(tap__chain_mul(rough, y), axes)), y);
}

static const tap_op softmax_op = { "softmax", value_infer, NULL, softmax_vjp, sizeof(int) };

tap_var tap_softmax(tap_var x, int axis)
{
    TAP_CALL("softmax", x);
    if (!has_axis(x, "softmax", axis)) return tap__inert(x.tape);
    tap_axes axes = tap_keepdim(TAP_AXES(axis));
    tap_var  top, e = tap_exp(below_maximum(tap_detach(x), axes, &top));
    return tap_apply(&softmax_op, &axis, 2, (tap_var[]){ tap_div(e, tap_sum(e, axes)), x });
}

/* g - e^y sum g */
static void log_softmax_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const tap_axes axes = tap_keepdim(TAP_AXES(*(const int *)tap_attr(n)));
    if (tap_needs_grad(n, 1)) gin[1] = tap__sub_exp(g, tap_out(n), tap_sum(g, axes));
}

static const tap_op log_softmax_op = { "log_softmax", value_infer, NULL, log_softmax_vjp, sizeof(int) };

tap_var tap_log_softmax(tap_var x, int axis)
{
    TAP_CALL("log_softmax", x);
    if (!has_axis(x, "log_softmax", axis)) return tap__inert(x.tape);
    tap_axes axes = tap_keepdim(TAP_AXES(axis));
    tap_var  top,
        below = below_maximum(tap_detach(x), axes, &top); /* before the logarithm is taken off: a large x would round it away */
    return tap_apply(&log_softmax_op, &axis, 2, (tap_var[]){ tap_sub(below, tap__log_sum_exp(below, axes)), x });
}
