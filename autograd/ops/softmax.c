/* autograd/ops/softmax.c: logsumexp, softmax and log_softmax. The maximum is subtracted before exponentials are taken, so
 * that none overflows. For logarithms, the exponentials of all other elements are summed without the maximum's 1, which
 * would round them away. */
#include <math.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "tensor/kernels/reduce.h"
#include "tensor/shape.h"

/* x - *max, where *max is x's maximum over axes, as a constant: its gradient cancels. Elements that equal the maximum give 0
 * even if they are infinite, and so have equal shares of a sum of exponentials. With no elements, *max is 0. */
static tap_var subtract_max(tap_var x, tap_axes axes, tap_var *max)
{
    const bool empty = tap__node_of(x) && tap_numel(tap_shape_of(x)) == 0;
    *max = tap_detach(empty ? tap_sum(x, tap_keepdim(axes)) : tap_amax(x, tap_keepdim(axes)));
    return tap__safe_sub(x, *max);
}

/* ---- log_sum_exp: log sum e^x for x whose maximum is 0, as log1p of the sum without one of the zeros ---- */

static void log_sum_forward(tap_call *c, tap_tensor *out)
{
    unsigned      mask;
    tap_shape     shape;
    const int64_t n = tap_numel(out->shape);
    double       *sum = tap_call_scratch(c, 2 * (size_t)n * sizeof *sum);
    if (!sum) return;
    double *zeros = sum + n;
    tap__reduced_shape(c->in[0].shape, *(const tap_axes *)c->attr, &mask, &shape, NULL);
    if (!tap__reduce_about(TAP__NONZERO_EXP, c->in[0], mask, NULL, sum, c->tape->arena) ||
        !tap__reduce_about(TAP__ZERO_COUNT, c->in[0], mask, NULL, zeros, c->tape->arena)) {
        tap__no_memory(c->tape, c);
        return;
    }
    for (int64_t i = 0; i < n; i++) tap_tensor_set_item(*out, i, log1p(sum[i] + (zeros[i] - 1)));
}

/* g e^x / e^y; e^(x - y) would lose digits */
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
    tap_var max, shifted = subtract_max(x, axes, &max), sum = tap__log_sum_exp(shifted, axes);
    return tap_add(sum, tap_reshape(max, tap_shape_of(sum)));
}

/* Whether x is of a float dtype and has the axis; if not, its tape fails. */
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
    else if (tap__reduced_shape(n->value.shape, TAP_AXES(axis), &mask, &shape, &e) != TAP_OK)
        tap__fail_input(n, e.status, call, "%s", e.message);
    else return true;
    return false;
}

/* ---- softmax and log_softmax: in[0] is the value, computed without a gradient; in[1] is x, which gets the gradient ---- */

static tap_status value_infer(tap_call *c, tap_tensor *out)
{
    *out = c->in[0];
    return TAP_OK;
}

/* y (g - sum g y). The sum is subtracted twice: where one y is nearly 1, g and the sum are nearly equal, and the first
 * difference keeps the rounding error of the sum. */
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
    tap_var  max, e = tap_exp(subtract_max(tap_detach(x), axes, &max));
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
    tap_var  max, shifted = subtract_max(tap_detach(x), axes, &max);
    return tap_apply(&log_softmax_op, &axis, 2, (tap_var[]){ tap_sub(shifted, tap__log_sum_exp(shifted, axes)), x });
}
