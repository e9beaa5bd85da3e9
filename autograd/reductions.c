/* Operators that sum and maximize over axes. */
#include <math.h>

#include "autograd/internal.h"
#include "tensor/reduce.h"

static tap_status reduce_infer(tap_call *c, tap_tensor *out)
{
    unsigned  mask;
    tap_error e = { 0 };
    out->dtype = c->in[0].dtype;
    if (!tap_dtype_is_float(out->dtype))
        return tap_call_fail(c, TAP_EDTYPE, "%s is not float32 or float64; tap_cast makes it so", tap_dtype_name(out->dtype));
    if (tap__reduced(c->in[0].shape, *(const tap_axes *)c->attr, &mask, &out->shape, &e) != TAP_OK)
        return tap_call_fail(c, e.status, "%s", e.message);
    return TAP_OK;
}

static void reduce_forward(tap_call *c, tap_tensor *out, tap__reduction how)
{
    unsigned  mask;
    tap_shape shape;
    tap__reduced(c->in[0].shape, *(const tap_axes *)c->attr, &mask, &shape, NULL);
    if (!tap__reduce(how, c->in[0], mask, *out, c->tape->arena)) tap__error_copy(&c->tape->error, tap_arena_error(c->tape->arena));
}

/* v, reduced over axes without keepdim, with those axes put back as size 1. */
static tap_var with_axes(tap_var v, tap_axes axes, tap_shape of)
{
    unsigned  mask;
    tap_shape kept;
    if (tap__reduced(of, tap_keep(axes), &mask, &kept, NULL) != TAP_OK) return v;
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
    gin[0] = tap_expand(with_axes(g, *(const tap_axes *)tap_attr(n), shape), shape);
}

static const tap_op sum_op = { "sum", reduce_infer, sum_forward, sum_vjp, sizeof(tap_axes) };

tap_var tap_sum(tap_var x, tap_axes axes)
{
    return tap_apply(&sum_op, &axes, 1, &x);
}

tap_var tap_mean(tap_var x, tap_axes axes)
{
    tap_var sum = tap_sum(x, axes);
    double  n = (double)tap_numel(tap_shape_of(x)), m = (double)tap_numel(tap_shape_of(sum));
    return tap_mul_scalar(sum, n > 0 ? m / n : (double)NAN);
}

tap_var tap_sum_to(tap_var x, tap_shape shape)
{
    char            a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    const tap_node *n = tap__live(x);
    if (!n) return tap__inert(x.tape);
    tap_shape from = n->value.shape, wide;
    if (tap_shape_equal(from, shape)) return x;
    if (tap_numel(shape) < 0 || !tap__broadcast(from, shape, &wide) || !tap_shape_equal(wide, from)) {
        tap_tape_fail(x.tape, TAP_ESHAPE, "sum_to: %s does not broadcast to %s", tap_shape_format(a, shape),
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
    if (reduce_infer(c, out) != TAP_OK) return c->tape->error.status;
    if (tap_numel(c->in[0].shape) == 0 && tap_numel(out->shape) > 0)
        return tap_call_fail(c, TAP_ESHAPE, "there is no maximum of no elements");
    return TAP_OK;
}

static void amax_forward(tap_call *c, tap_tensor *out)
{
    reduce_forward(c, out, TAP__MAX);
}

/* g goes in equal parts to the elements that are the maximum. */
static void amax_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_axes  axes = *(const tap_axes *)tap_attr(n);
    tap_var   x = tap_in(n, 0);
    tap_shape shape = tap_shape_of(x);
    tap_var   is_max = tap_cast(tap_eq(x, with_axes(tap_out(n), axes, shape)), tap_value(x).dtype);
    tap_var   share = tap_div(is_max, tap_sum(is_max, tap_keep(axes)));
    gin[0] = tap_mul(with_axes(g, axes, shape), share);
}

static const tap_op amax_op = { "amax", amax_infer, amax_forward, amax_vjp, sizeof(tap_axes) };

tap_var tap_amax(tap_var x, tap_axes axes)
{
    return tap_apply(&amax_op, &axes, 1, &x);
}

/* Shifted by the maximum, as a constant: it cancels. An infinite maximum is not subtracted, lest inf - inf make NaN. */
tap_var tap_logsumexp(tap_var x, tap_axes axes)
{
    if (tap__live(x) && tap_numel(tap_shape_of(x)) == 0) return tap_log(tap_sum(tap_exp(x), axes));
    tap_var top = tap_detach(tap_amax(x, tap_keep(axes)));
    tap_var finite = tap_lt(tap_abs(top), tap__scalar_like(top, (double)INFINITY));
    top = tap_where(finite, top, tap__scalar_like(top, 0));
    tap_var sum = tap_log(tap_sum(tap_exp(tap_sub(x, top)), axes));
    return tap_add(sum, tap_reshape(top, tap_shape_of(sum)));
}
