/* autograd/ops/scans.c: products over axes, and cumulative sums, products and log-sum-exps along an axis.
 *
 * A product is composed of multiplications as long as no product of some of its factors can be out of range. Otherwise the
 * product and its gradient are computed with exponents of any size (tensor/kernels/powers.h), so that they are exact
 * wherever the dtype can hold them; such a gradient has no second derivative. */
#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "tensor/kernels/index.h"
#include "tensor/kernels/powers.h"
#include "tensor/shape.h"

static void fail_second_derivative(const tap_node *n, const char *call)
{
    char text[TAP_SHAPE_TEXT];
    tap_tape_fail(n->tape, TAP_EARG, "%s: %s: no second derivative where products of the factors are out of range", call,
                  tap_shape_format(text, tap_shape_of(tap_in(n, 0))));
}

/* Whether products over these axes may be composed of multiplications, because no partial product can overflow or underflow. */
static bool products_in_range(const tap_node *n, unsigned mask)
{
    const int in_range = tap__products_in_range(n->value, mask, n->tape->arena);
    if (in_range < 0) tap__no_memory(n->tape, NULL);
    return in_range > 0;
}

/* ---- prod ---- */

static unsigned mask_of(const tap_call *c)
{
    unsigned  mask;
    tap_shape shape;
    tap__reduced_shape(c->in[0].shape, *(const tap_axes *)c->attr, &mask, &shape, NULL);
    return mask;
}

static tap_status prod_others_infer(tap_call *c, tap_tensor *out)
{
    if (tap__reduce_infer(c, out) != TAP_OK) return c->tape->error.status;
    out->shape = c->in[0].shape;
    return TAP_OK;
}

static void prod_others_forward(tap_call *c, tap_tensor *out)
{
    tap__scaled *scratch = tap_call_scratch(c, (size_t)tap_numel(out->shape) * sizeof *scratch);
    if (scratch) tap__products_of_others(c->in[0], mask_of(c), *out, scratch);
}

static void prod_others_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)g, (void)gin;
    fail_second_derivative(n, "prod");
}

static const tap_op prod_others_op = { "prod_others", prod_others_infer, prod_others_forward, prod_others_vjp,
                                       sizeof(tap_axes) };

static void prod_forward(tap_call *c, tap_tensor *out)
{
    tap__products(c->in[0], mask_of(c), *out);
}

static void prod_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const tap_axes axes = *(const tap_axes *)tap_attr(n);
    const tap_var  x = tap_in(n, 0);
    gin[0] = tap__chain_mul(tap__with_axes(g, axes, tap_shape_of(x)), tap_apply(&prod_others_op, &axes, 1, &x));
}

static const tap_op prod_op = { "prod", tap__reduce_infer, prod_forward, prod_vjp, sizeof(tap_axes) };

/* Multiplies the two halves of the axis until its size is 1. No division occurs in the gradient, so zeros need no special
 * case. */
static tap_var prod_axis(tap_var x, int axis)
{
    tap_shape s = tap_shape_of(x);
    int64_t   n = s.n[axis];
    s.n[axis] = 1;
    if (n == 0) return tap_expand(tap_scalar_like(x, 1), s);
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
    TAP_CALL("prod", x);
    const tap_node *n = tap__node_of(x);
    unsigned        mask;
    tap_shape       out;
    tap_error       e = { 0 };
    if (!n) return tap__inert(x.tape);
    if (!tap_dtype_is_float(n->value.dtype))
        return tap__fail_input(n, TAP_EDTYPE, "prod", "%s is not float32 or float64; tap_cast makes it so",
                               tap_dtype_name(n->value.dtype));
    if (tap__reduced_shape(n->value.shape, axes, &mask, &out, &e) != TAP_OK)
        return tap__fail_input(n, e.status, "prod", "%s", e.message);
    if (tap_numel(n->value.shape) > 0 && !products_in_range(n, mask)) return tap_apply(&prod_op, &axes, 1, &x);
    for (int i = 0; i < n->value.shape.rank; i++) {
        if (mask & 1u << i) x = prod_axis(x, i);
    }
    return tap_reshape(x, out);
}

/* ---- cumsum ---- */

static tap_status cumsum_infer(tap_call *c, tap_tensor *out)
{
    int original_axis = *(const int *)c->attr, axis = original_axis;
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    if (!tap_dtype_is_float(out->dtype))
        return tap_call_fail(c, TAP_EDTYPE, "%s is not float32 or float64; tap_cast makes it so", tap_dtype_name(out->dtype));
    return tap__normalize_axis(&axis, out->shape.rank) ? TAP_OK
                                                       : tap_call_fail(c, TAP_EARG, "axis %d is out of range", original_axis);
}

static void cumsum_forward(tap_call *c, tap_tensor *out)
{
    int axis = *(const int *)c->attr;
    tap__normalize_axis(&axis, out->shape.rank);
    tap__cumsum(c->in[0], axis, *out);
}

/* Element i is a term of the sums i, i + 1, ...: the gradient is the cumulative sum from the end. */
static void cumsum_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    int      axis = *(const int *)tap_attr(n);
    tap_axes axes = TAP_AXES(axis);
    gin[0] = tap_flip(tap_cumsum(tap_flip(g, axes), axis), axes);
}

static const tap_op cumsum_op = { "cumsum", cumsum_infer, cumsum_forward, cumsum_vjp, sizeof(int) };

tap_var tap_cumsum(tap_var x, int axis)
{
    TAP_CALL("cumsum", x);
    if (tap_shape_of(x).rank == 0) return tap_sum(x, TAP_AXES(axis));
    return tap_apply(&cumsum_op, &axis, 1, &x);
}

/* ---- cumprod ---- */

static int axis_of(const tap_call *c)
{
    int axis = *(const int *)c->attr;
    tap__normalize_axis(&axis, c->in[0].shape.rank);
    return axis;
}

static void cumprod_grad_forward(tap_call *c, tap_tensor *out)
{
    tap__scaled *scratch = tap_call_scratch(c, (size_t)tap_numel(out->shape) * sizeof *scratch);
    if (scratch) tap__running_products_gradient(c->in[0], c->in[1], axis_of(c), *out, scratch);
}

static void cumprod_grad_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)g, (void)gin;
    fail_second_derivative(n, "cumprod");
}

static const tap_op cumprod_grad_op = { "cumprod_grad", cumsum_infer, cumprod_grad_forward, cumprod_grad_vjp, sizeof(int) };

static void cumprod_forward(tap_call *c, tap_tensor *out)
{
    tap__running_products(c->in[0], axis_of(c), *out);
}

static void cumprod_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap_apply(&cumprod_grad_op, tap_attr(n), 2, (tap_var[]){ tap_in(n, 0), g });
}

static const tap_op cumprod_op = { "cumprod", cumsum_infer, cumprod_forward, cumprod_vjp, sizeof(int) };

/* The inclusive scan of an associative operator (Hillis and Steele 1986): after the pass with k, each element is the result
 * for the last 2 k elements. The gradient follows from that of op. */
static tap_var scan(const char *call, tap_var x, int axis, tap_var (*op)(tap_var, tap_var))
{
    const tap_node *node = tap__node_of(x);
    if (!node) return tap__inert(x.tape);
    if (node->value.shape.rank == 0) return tap_sum(x, TAP_AXES(axis));
    int at = axis;
    if (!tap__normalize_axis(&at, node->value.shape.rank))
        return tap__fail_input(node, TAP_EARG, call, "axis %d is out of range", axis);
    int64_t n = node->value.shape.n[at];
    for (int64_t k = 1; k < n; k *= 2) {
        tap_var combined = op(tap_slice(x, at, k, n, 1), tap_slice(x, at, 0, n - k, 1));
        x = tap_cat(2, (tap_var[]){ tap_slice(x, at, 0, k, 1), combined }, at);
    }
    return x;
}

tap_var tap_cumprod(tap_var x, int axis)
{
    TAP_CALL("cumprod", x);
    const tap_node *n = tap__node_of(x);
    int             at = axis;
    const bool      needs_exponents = n && tap_dtype_is_float(n->value.dtype) && n->value.shape.rank > 0 &&
                                 tap__normalize_axis(&at, n->value.shape.rank) && tap_numel(n->value.shape) > 0 &&
                                 !products_in_range(n, 1u << at);
    return needs_exponents ? tap_apply(&cumprod_op, &at, 1, &x) : scan("cumprod", x, axis, tap_mul);
}

/* ---- logcumsumexp ---- */

/* For each element, a window of elements that ends with it: max is the largest x in the window, sum the sum of e^(x - max). */
typedef struct {
    tap_var sum, max;
} window;

/* The window's sum of e^(x - max), for a max that is at least its own. */
static tap_var rescale_sum(window w, tap_var max)
{
    return tap_mul(w.sum, tap_exp(tap__safe_sub(w.max, max)));
}

static tap_var range(tap_var x, int axis, int64_t first, int64_t end)
{
    return tap_slice(x, axis, first, end, 1);
}

/* log sum e^x over all elements up to each, by a scan over windows. Its gradient, shares of such sums, keeps its digits
 * however large x is. */
static tap_var logcumsumexp_by_windows(tap_var x, int axis)
{
    const int64_t n = tap_shape_of(x).n[axis];
    window        w = { tap_exp(tap__safe_sub(x, tap_detach(x))), tap_detach(x) };
    for (int64_t k = 1; k < n; k *= 2) {
        window  late = { range(w.sum, axis, k, n), range(w.max, axis, k, n) };
        window  early = { range(w.sum, axis, 0, n - k), range(w.max, axis, 0, n - k) };
        tap_var max = tap_maximum(late.max, early.max), sum = tap_add(rescale_sum(late, max), rescale_sum(early, max));
        w.sum = tap_cat(2, (tap_var[]){ range(w.sum, axis, 0, k), sum }, axis);
        w.max = tap_cat(2, (tap_var[]){ range(w.max, axis, 0, k), max }, axis);
    }
    return tap_add(tap_log(w.sum), w.max);
}

/* The value is a scan with logaddexp; the gradient is that of the scan over windows. */
tap_var tap_logcumsumexp(tap_var x, int axis)
{
    TAP_CALL("logcumsumexp", x);
    const tap_node *n = tap__node_of(x);
    tap_var         value = scan("logcumsumexp", n && n->requires_grad ? tap_detach(x) : x, axis, tap_logaddexp);
    int             at = axis;
    if (!n || !n->requires_grad || !value.id) return value;
    if (n->value.shape.rank == 0) return tap_sum(x, TAP_AXES(axis));
    tap__normalize_axis(&at, n->value.shape.rank);
    tap_var windows = logcumsumexp_by_windows(x, at);
    return tap_add(value, tap__safe_sub(windows, tap_detach(windows)));
}
