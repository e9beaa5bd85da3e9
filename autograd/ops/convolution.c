/* autograd/ops/convolution.c: convolution y = w * x + bias, its adjoint by x (a transposed convolution), and its adjoint by
 * w. Each is bilinear in its first two inputs, and the gradients of each are the two others. */
#include "autograd/ops/convolution.h"

static tap_shape x_shape(const tap__conv *c)
{
    return TAP_SHAPE(c->batch, c->in, c->axis[0].size, c->axis[1].size);
}

static tap_shape w_shape(const tap__conv *c)
{
    return TAP_SHAPE(c->out, c->in / c->groups, c->axis[0].kernel, c->axis[1].kernel);
}

static tap_shape y_shape(const tap__conv *c)
{
    return TAP_SHAPE(c->batch, c->out, c->axis[0].count, c->axis[1].count);
}

/* Whether the sizes of scratch memory fit into int64_t. */
static bool sizes_fit(const tap__conv *c)
{
    const tap__conv_axis h = c->axis[0], w = c->axis[1];
    return tap_numel(TAP_SHAPE(c->in, h.kernel, w.kernel, c->batch, h.count, w.count, 16)) >= 0 &&
           tap_numel(TAP_SHAPE(c->batch, tap__conv_padded(h), tap__conv_padded(w) + w.stride, 16)) >= 0;
}

/* Checks that in[0] and in[1] have the shapes a and b, and the bias this number of channels. */
static tap_status infer(tap_call *c, tap_shape a, tap_shape b, int64_t channels, tap_shape result, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    out->shape = result;
    if (tap__one_float(c) != TAP_OK) return c->tape->error.status;
    if (!tap_shape_equal(c->in[0].shape, a) || !tap_shape_equal(c->in[1].shape, b) ||
        (c->n_in == 3 && !tap_shape_equal(c->in[2].shape, TAP_SHAPE(channels))))
        return tap_call_fail(c, TAP_ESHAPE, "the shapes are not those of the convolution");
    return sizes_fit(c->attr) ? TAP_OK : tap_call_fail(c, TAP_ESHAPE, "the sizes are too large");
}

static void fail_unless(tap_call *c, bool ok)
{
    if (!ok) tap__no_memory(c->tape, c);
}

/* The gradients of weight and bias, where n needs them; x and y are the input and the output of the convolution, or their
 * gradients, and g is the gradient of n's result. */
static void weight_and_bias_vjp(const tap_node *n, tap_var x, tap_var y, tap_var g, tap_var *gin)
{
    if (tap_needs_grad(n, 1)) {
        tap__compute_grad_in_place(n, 1);
        gin[1] = tap__conv_weight_of(x, y, tap_attr(n));
    }
    if (tap_needs_grad(n, 2)) {
        tap__compute_grad_in_place(n, 2);
        gin[2] = tap_sum(g, TAP_AXES(0, 2, 3));
    }
}

/* ---- y = w * x + bias ---- */

static tap_status conv_infer(tap_call *c, tap_tensor *out)
{
    const tap__conv *g = c->attr;
    return infer(c, x_shape(g), w_shape(g), g->out, y_shape(g), out);
}

static void conv_forward(tap_call *c, tap_tensor *out)
{
    fail_unless(c, tap__conv_forward(c->attr, c->in[0], c->in[1], c->n_in == 3 ? &c->in[2] : NULL, *out, c->tape->arena));
}

static void conv_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const tap__conv *c = tap_attr(n);
    if (tap_needs_grad(n, 0)) gin[0] = tap__conv_adjoint_of(g, tap_in(n, 1), (tap_var){ 0 }, c);
    weight_and_bias_vjp(n, tap_in(n, 0), g, g, gin);
}

static const tap_op conv_op = { "conv", conv_infer, conv_forward, conv_vjp, sizeof(tap__conv) };

tap_var tap__conv_of(tap_var x, tap_var w, tap_var bias, const tap__conv *c)
{
    return tap_apply(&conv_op, c, bias.tape ? 3 : 2, (tap_var[]){ x, w, bias });
}

/* ---- The adjoint by x ---- */

static tap_status conv_adjoint_infer(tap_call *c, tap_tensor *out)
{
    const tap__conv *g = c->attr;
    return infer(c, y_shape(g), w_shape(g), g->in, x_shape(g), out);
}

static void conv_adjoint_forward(tap_call *c, tap_tensor *out)
{
    fail_unless(c, tap__conv_adjoint(c->attr, c->in[0], c->in[1], c->n_in == 3 ? &c->in[2] : NULL, *out, c->tape->arena));
}

static void conv_adjoint_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const tap__conv *c = tap_attr(n);
    if (tap_needs_grad(n, 0)) gin[0] = tap__conv_of(g, tap_in(n, 1), (tap_var){ 0 }, c);
    weight_and_bias_vjp(n, g, tap_in(n, 0), g, gin);
}

static const tap_op conv_adjoint_op = { "conv_adjoint", conv_adjoint_infer, conv_adjoint_forward, conv_adjoint_vjp,
                                        sizeof(tap__conv) };

tap_var tap__conv_adjoint_of(tap_var y, tap_var w, tap_var bias, const tap__conv *c)
{
    return tap_apply(&conv_adjoint_op, c, bias.tape ? 3 : 2, (tap_var[]){ y, w, bias });
}

/* ---- The adjoint by w ---- */

static tap_status conv_weight_infer(tap_call *c, tap_tensor *out)
{
    const tap__conv *g = c->attr;
    return infer(c, x_shape(g), y_shape(g), 0, w_shape(g), out);
}

static void conv_weight_forward(tap_call *c, tap_tensor *out)
{
    fail_unless(c, tap__conv_weight(c->attr, c->in[0], c->in[1], *out, c->tape->arena));
}

static void conv_weight_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const tap__conv *c = tap_attr(n);
    if (tap_needs_grad(n, 0)) gin[0] = tap__conv_adjoint_of(tap_in(n, 1), g, (tap_var){ 0 }, c);
    if (tap_needs_grad(n, 1)) gin[1] = tap__conv_of(tap_in(n, 0), g, (tap_var){ 0 }, c);
}

static const tap_op conv_weight_op = { "conv_weight", conv_weight_infer, conv_weight_forward, conv_weight_vjp,
                                       sizeof(tap__conv) };

tap_var tap__conv_weight_of(tap_var x, tap_var y, const tap__conv *c)
{
    return tap_apply(&conv_weight_op, c, 2, (tap_var[]){ x, y });
}
