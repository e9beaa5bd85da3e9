/* Operators that sum and maximize over axes. */
#include <math.h>

#include "autograd/internal.h"
#include "tensor/index.h"
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
    if (!tap__reduce(how, c->in[0], mask, *out, c->tape->arena)) tap__no_memory(c->tape, c);
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

tap_var tap_amin(tap_var x, tap_axes axes)
{
    return tap_neg(tap_amax(tap_neg(x), axes));
}

/* The maximum as a constant, to be subtracted before exp: it cancels. An infinite one becomes 0, lest inf - inf make NaN, and
 * nothing has none: its sum is 0. */
static tap_var shift_of(tap_var x, tap_axes axes)
{
    const bool empty = tap__live(x) && tap_numel(tap_shape_of(x)) == 0;
    tap_var    top = tap_detach(empty ? tap_sum(x, tap_keep(axes)) : tap_amax(x, tap_keep(axes)));
    return tap_where(tap_isfinite(top), top, tap__scalar_like(top, 0));
}

tap_var tap_logsumexp(tap_var x, tap_axes axes)
{
    tap_var top = shift_of(x, axes), sum = tap_log(tap_sum(tap_exp(tap_sub(x, top)), axes));
    return tap_add(sum, tap_reshape(top, tap_shape_of(sum)));
}

tap_var tap_softmax(tap_var x, int axis)
{
    tap_axes axes = tap_keep(TAP_AXES(axis));
    tap_var  e = tap_exp(tap_sub(x, shift_of(x, axes)));
    return tap_div(e, tap_sum(e, axes));
}

tap_var tap_log_softmax(tap_var x, int axis)
{
    tap_axes axes = tap_keep(TAP_AXES(axis));
    tap_var  below = tap_sub(x, shift_of(x, axes)); /* before the logarithm is taken off: a large x would round it away */
    return tap_sub(below, tap_log(tap_sum(tap_exp(below), axes)));
}

/* ---- Products and moments ---- */

/* By halves: every factor stays apart, so that zeros need no care in the gradient. */
static tap_var prod_axis(tap_var x, int axis)
{
    tap_shape s = tap_shape_of(x);
    int64_t   n = s.n[axis];
    s.n[axis] = 1;
    if (n == 0) return tap_expand(tap__scalar_like(x, 1), s);
    while (n > 1) {
        int64_t half = n / 2;
        tap_var y = tap_mul(tap_slice(x, axis, 0, half, 1), tap_slice(x, axis, half, 2 * half, 1));
        x = n % 2 ? tap_cat(2, (tap_var[]){ y, tap_slice(x, axis, n - 1, n, 1) }, axis) : y;
        n = half + n % 2;
    }
    return x;
}

tap_var tap_prod(tap_var x, tap_axes axes)
{
    const tap_node *n = tap__live(x);
    unsigned        mask;
    tap_shape       out;
    tap_error       e = { 0 };
    if (!n) return tap__inert(x.tape);
    if (!tap_dtype_is_float(n->value.dtype)) return tap__refuse(n, TAP_EDTYPE, "prod", "%s is not float32 or float64; tap_cast makes it so", tap_dtype_name(n->value.dtype));
    if (tap__reduced(n->value.shape, axes, &mask, &out, &e) != TAP_OK) return tap__refuse(n, e.status, "prod", "%s", e.message);
    for (int i = 0; i < n->value.shape.rank; i++) {
        if (mask & 1u << i) x = prod_axis(x, i);
    }
    return tap_reshape(x, out);
}

/* The number of elements of x that go into one result. */
static double count_of(tap_var x, tap_var result)
{
    return (double)tap_numel(tap_shape_of(x)) / (double)tap_numel(tap_shape_of(result));
}

tap_var tap_var_mean(tap_var x, tap_axes axes, double correction, tap_var *mean)
{
    tap_var m = tap_mean(x, tap_keep(axes)), sum = tap_sum(tap_square(tap_sub(x, m)), axes);
    double  n = count_of(x, sum) - correction;
    if (mean) *mean = tap_reshape(m, tap_shape_of(sum));
    return tap_div(sum, tap__scalar_like(sum, n > 0 ? n : 0)); /* 0 / 0 is NaN */
}

tap_var tap_variance(tap_var x, tap_axes axes, double correction)
{
    return tap_var_mean(x, axes, correction, NULL);
}

/* The square root with gradient 0 at 0, where it has a cusp. */
static tap_var cusp(tap_var x)
{
    tap_var zero = tap_eq(x, tap__scalar_like(x, 0));
    return tap_where(zero, tap__scalar_like(x, 0), tap_sqrt(tap_masked_fill(x, zero, 1)));
}

tap_var tap_std(tap_var x, tap_axes axes, double correction)
{
    return cusp(tap_variance(x, axes, correction));
}

tap_var tap_vector_norm(tap_var x, double ord, tap_axes axes)
{
    if (ord == 2) return cusp(tap_sum(tap_square(x), axes));
    tap_var size = tap_abs(x);
    if (ord == 1) return tap_sum(size, axes);
    if (isinf(ord)) return ord > 0 ? tap_amax(size, axes) : tap_amin(size, axes);
    if (ord == 0) return tap_sum(tap_cast(tap_ne(size, tap__scalar_like(size, 0)), tap_value(size).dtype), axes);
    return tap_pow_scalar(tap_sum(tap_pow_scalar(size, ord), axes), 1 / ord);
}

/* ---- Counting: results are int64 or bool, and have no gradient ---- */

static tap_var number_like(tap_var x, double value)
{
    return tap__number(x.tape, tap_value(x).dtype, value);
}

tap_var tap_count_nonzero(tap_var x, tap_axes axes)
{
    return tap_cast(tap_sum(tap_cast(tap_ne(x, number_like(x, 0)), TAP_F64), axes), TAP_I64);
}

tap_var tap_any(tap_var x, tap_axes axes)
{
    return tap_cast(tap_count_nonzero(x, axes), TAP_BOOL);
}

tap_var tap_all(tap_var x, tap_axes axes)
{
    return tap_logical_not(tap_any(tap_logical_not(x), axes));
}

tap_var tap_logical_not(tap_var x)
{
    return tap_eq(x, number_like(x, 0));
}

tap_var tap_isnan(tap_var x)
{
    return tap_ne(x, x);
}

tap_var tap_isinf(tap_var x)
{
    return tap_eq(tap_abs(x), tap__scalar_like(x, (double)INFINITY));
}

tap_var tap_isfinite(tap_var x)
{
    return tap_lt(tap_abs(x), tap__scalar_like(x, (double)INFINITY));
}

/* ---- Running sums and products ---- */

static tap_status cumsum_infer(tap_call *c, tap_tensor *out)
{
    int given = *(const int *)c->attr, axis = given;
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    if (!tap_dtype_is_float(out->dtype))
        return tap_call_fail(c, TAP_EDTYPE, "%s is not float32 or float64; tap_cast makes it so", tap_dtype_name(out->dtype));
    return tap__axis(&axis, out->shape.rank) ? TAP_OK : tap_call_fail(c, TAP_EARG, "axis %d is out of range", given);
}

static void cumsum_forward(tap_call *c, tap_tensor *out)
{
    int axis = *(const int *)c->attr;
    tap__axis(&axis, out->shape.rank);
    tap__cumsum(c->in[0], axis, *out);
}

/* Element i counts in sums i and after. */
static void cumsum_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    int      axis = *(const int *)tap_attr(n);
    tap_axes axes = TAP_AXES(axis);
    gin[0] = tap_flip(tap_cumsum(tap_flip(g, axes), axis), axes);
}

static const tap_op cumsum_op = { "cumsum", cumsum_infer, cumsum_forward, cumsum_vjp, sizeof(int) };

tap_var tap_cumsum(tap_var x, int axis)
{
    if (tap_shape_of(x).rank == 0) return tap_sum(x, TAP_AXES(axis));
    return tap_apply(&cumsum_op, &axis, 1, &x);
}

/* Running results of any associative operator: after the pass with k, each element stands for the last 2 k (Hillis & Steele
 * 1986). Made of op alone, so its gradient is op's. */
static tap_var scan(const char *call, tap_var x, int axis, tap_var (*op)(tap_var, tap_var))
{
    const tap_node *node = tap__live(x);
    if (!node) return tap__inert(x.tape);
    if (node->value.shape.rank == 0) return tap_sum(x, TAP_AXES(axis));
    int at = axis;
    if (!tap__axis(&at, node->value.shape.rank)) return tap__refuse(node, TAP_EARG, call, "axis %d is out of range", axis);
    int64_t n = node->value.shape.n[at];
    for (int64_t k = 1; k < n; k *= 2) {
        tap_var both = op(tap_slice(x, at, k, n, 1), tap_slice(x, at, 0, n - k, 1));
        x = tap_cat(2, (tap_var[]){ tap_slice(x, at, 0, k, 1), both }, at);
    }
    return x;
}

tap_var tap_cumprod(tap_var x, int axis)
{
    return scan("cumprod", x, axis, tap_mul);
}

tap_var tap_logcumsumexp(tap_var x, int axis)
{
    return scan("logcumsumexp", x, axis, tap_logaddexp);
}
