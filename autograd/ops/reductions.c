/* autograd/ops/reductions.c: sums, means, maxima, counts and argmax over axes. Variances and norms are in moments.c, sums of
 * exponentials in softmax.c, products and cumulative sums in scans.c. */
#include <math.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "tensor/kernels/index.h"
#include "tensor/kernels/reduce.h"
#include "tensor/shape.h"

tap_status tap__reduce_infer(tap_call *c, tap_tensor *out)
{
    unsigned  mask;
    tap_error e = { 0 };
    out->dtype = c->in[0].dtype;
    if (!tap_dtype_is_float(out->dtype))
        return tap_call_fail(c, TAP_EDTYPE, "%s is not float32 or float64; tap_cast makes it so", tap_dtype_name(out->dtype));
    if (tap__reduced_shape(c->in[0].shape, *(const tap_axes *)c->attr, &mask, &out->shape, &e) != TAP_OK)
        return tap_call_fail(c, e.status, "%s", e.message);
    return TAP_OK;
}

static void reduce_forward(tap_call *c, tap_tensor *out, tap__reduction how)
{
    unsigned  mask;
    tap_shape shape;
    tap__reduced_shape(c->in[0].shape, *(const tap_axes *)c->attr, &mask, &shape, NULL);
    if (!tap__reduce(how, c->in[0], mask, *out, c->tape->arena)) tap__no_memory(c->tape, c);
}

tap_var tap__with_axes(tap_var v, tap_axes axes, tap_shape of)
{
    unsigned  mask;
    tap_shape kept;
    if (tap__reduced_shape(of, tap_keepdim(axes), &mask, &kept, NULL) != TAP_OK) return v;
    return axes.keepdim ? v : tap_reshape(v, kept);
}

/* ---- sum ---- */

static void sum_forward(tap_call *c, tap_tensor *out)
{
    reduce_forward(c, out, TAP__SUM);
}

static void sum_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_shape shape = tap_shape_of(tap_in(n, 0));
    gin[0] = tap_expand(tap__with_axes(g, *(const tap_axes *)tap_attr(n), shape), shape);
}

static const tap_op sum_op = { "sum", tap__reduce_infer, sum_forward, sum_vjp, sizeof(tap_axes) };

tap_var tap_sum(tap_var x, tap_axes axes)
{
    return tap_apply(&sum_op, &axes, 1, &x);
}

/* ---- mean ---- */

static void mean_forward(tap_call *c, tap_tensor *out)
{
    reduce_forward(c, out, TAP__MEAN);
}

static void mean_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_shape    shape = tap_shape_of(tap_in(n, 0));
    const double count = (double)tap_numel(shape) / (double)tap_numel(tap_shape_of(g));
    tap_var      share = tap_mul_scalar(g, 1 / count);
    gin[0] = tap_expand(tap__with_axes(share, *(const tap_axes *)tap_attr(n), shape), shape);
}

static const tap_op mean_op = { "mean", tap__reduce_infer, mean_forward, mean_vjp, sizeof(tap_axes) };

tap_var tap_mean(tap_var x, tap_axes axes)
{
    return tap_apply(&mean_op, &axes, 1, &x);
}

tap_var tap_sum_to(tap_var x, tap_shape shape)
{
    TAP_CALL("sum_to", x);
    char            a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    const tap_node *n = tap__node_of(x);
    if (!n) return tap__inert(x.tape);
    tap_shape from = n->value.shape, wide;
    if (tap_shape_equal(from, shape)) return x;
    if (tap_numel(shape) < 0 || !tap__broadcast_shapes(from, shape, &wide) || !tap_shape_equal(wide, from)) {
        tap__fail(x.tape, TAP_ESHAPE, "sum_to", "%s does not broadcast to %s", tap_shape_format(a, shape),
                  tap_shape_format(b, from));
        return tap__inert(x.tape);
    }
    tap_axes axes = { .keepdim = true };
    int      lead = from.rank - shape.rank;
    for (int i = 0; i < from.rank; i++) {
        if (i < lead || shape.n[i - lead] != from.n[i]) axes.axis[axes.n++] = i;
    }
    return tap_reshape(tap_sum(x, axes), shape);
}

/* ---- amax ---- */

static tap_status amax_infer(tap_call *c, tap_tensor *out)
{
    if (tap__reduce_infer(c, out) != TAP_OK) return c->tape->error.status;
    if (tap_numel(c->in[0].shape) == 0 && tap_numel(out->shape) > 0)
        return tap_call_fail(c, TAP_ESHAPE, "an axis of size 0 has no maximum");
    return TAP_OK;
}

static void amax_forward(tap_call *c, tap_tensor *out)
{
    reduce_forward(c, out, TAP__MAX);
}

/* g is shared equally between the elements that equal the maximum; if it is NaN, between the elements that are NaN. */
static void amax_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_axes  axes = *(const tap_axes *)tap_attr(n);
    tap_var   x = tap_in(n, 0);
    tap_shape shape = tap_shape_of(x);
    tap_var   is_max = tap__equal_nan(x, tap__with_axes(tap_out(n), axes, shape));
    tap_var   share = tap_div(is_max, tap_sum(is_max, tap_keepdim(axes)));
    gin[0] = tap__chain_mul(share, tap__with_axes(g, axes, shape));
}

static const tap_op amax_op = { "amax", amax_infer, amax_forward, amax_vjp, sizeof(tap_axes) };

tap_var tap_amax(tap_var x, tap_axes axes)
{
    return tap_apply(&amax_op, &axes, 1, &x);
}

tap_var tap_amin(tap_var x, tap_axes axes)
{
    TAP_CALL("amin", x);
    return tap_neg(tap_amax(tap_neg(x), axes));
}

/* ---- Counting: results are int64 or bool, and have no gradient ---- */

tap_var tap_count_nonzero(tap_var x, tap_axes axes)
{
    TAP_CALL("count_nonzero", x);
    return tap_cast(tap_sum(tap_cast(tap_ne(x, tap__zero_like(x)), TAP_F64), axes), TAP_I64);
}

tap_var tap_any(tap_var x, tap_axes axes)
{
    TAP_CALL("any", x);
    return tap_cast(tap_count_nonzero(x, axes), TAP_BOOL);
}

tap_var tap_all(tap_var x, tap_axes axes)
{
    TAP_CALL("all", x);
    return tap_logical_not(tap_any(tap_logical_not(x), axes));
}

/* ---- argmax: the index along one axis, int64, without a gradient ---- */

typedef struct {
    int  axis;
    bool smallest;
} argmax_attr;

static tap_status argmax_infer(tap_call *c, tap_tensor *out)
{
    tap_shape s = c->in[0].shape;
    int       original_axis = ((const argmax_attr *)c->attr)->axis, axis = original_axis;
    if (!tap__normalize_axis(&axis, s.rank)) return tap_call_fail(c, TAP_EARG, "axis %d is out of range", original_axis);
    if (s.n[axis] == 0) return tap_call_fail(c, TAP_ESHAPE, "an axis of size 0 has no largest or smallest element");
    out->dtype = TAP_I64;
    for (int i = 0; i < s.rank; i++) {
        if (i != axis) out->shape.n[out->shape.rank++] = s.n[i];
    }
    return TAP_OK;
}

static void argmax_forward(tap_call *c, tap_tensor *out)
{
    argmax_attr o = *(const argmax_attr *)c->attr;
    tap__normalize_axis(&o.axis, c->in[0].shape.rank);
    tap__argmax(c->in[0], o.axis, o.smallest, *out);
}

static const tap_op argmax_op = { "argmax", argmax_infer, argmax_forward, NULL, sizeof(argmax_attr) };

static tap_var argmax(tap_var x, tap_axes axes, bool smallest)
{
    const tap_node *n = tap__node_of(x);
    unsigned        mask;
    tap_shape       kept;
    tap_error       e = { 0 };
    if (!n) return tap__inert(x.tape);
    if (!axes.all && axes.n != 1) return tap__fail_input(n, TAP_EARG, "argmax", "takes one axis, or all");
    if (tap__reduced_shape(n->value.shape, axes, &mask, &kept, &e) != TAP_OK)
        return tap__fail_input(n, e.status, "argmax", "%s", e.message);
    x = tap_detach(x);
    x = axes.all ? tap_reshape(x, TAP_SHAPE(-1)) : tap__at_least_1d(x);
    return tap_reshape(tap_apply(&argmax_op, &(argmax_attr){ axes.all ? 0 : axes.axis[0], smallest }, 1, &x), kept);
}

tap_var tap_argmax(tap_var x, tap_axes axes)
{
    TAP_CALL("argmax", x);
    return argmax(x, axes, false);
}

tap_var tap_argmin(tap_var x, tap_axes axes)
{
    TAP_CALL("argmin", x);
    return argmax(x, axes, true);
}
