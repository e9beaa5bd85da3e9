/* nn/functional/conv.c: convolution and transposed convolution over one axis or two: PyTorch's options, checked and translated
 * into the sizes of autograd/ops/convolution.h. A transposed convolution is the adjoint of the convolution with input and
 * output exchanged. */
#include <stdarg.h>

#include "autograd/ops/convolution.h"
#include "nn/functional/spatial.h"
#include "tensor/text.h"

/* A call, and the sizes that follow from its shapes and options. */
typedef struct {
    const char  *name;
    tap_var      in[3]; /* x, weight, bias */
    int          axes;
    bool         transposed, single; /* single: x has no batch axis */
    int64_t      batch, out, groups; /* out: output channels */
    tap__windows w[2];               /* over x or, transposed, over the output */
    int64_t      extra[2];           /* added to the output's end */
} convolution;

/* x and weight, and bias unless it is absent. */
static int count_inputs(const convolution *c)
{
    return c->in[2].tape ? 3 : 2;
}

/* Fails the tape in the words of the call, with shapes and names of its inputs; returns false. */
static TAP_PRINTF(3, 4) bool fail(const convolution *c, tap_status status, const char *format, ...)
{
    char    why[TAP_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    tap__format_list(why, sizeof why, format, args);
    va_end(args);
    tap__fail_inputs(c->name, count_inputs(c), c->in, status, "%s", why);
    return false;
}

static bool check_channels(convolution *c, tap_shape x, tap_shape w, tap_conv_options o)
{
    c->groups = o.groups ? o.groups : 1;
    if (!tap__is_small(c->groups)) return fail(c, TAP_EARG, "groups must be within 1..2^31 - 1, not %lld", (long long)o.groups);
    int64_t expected = c->transposed ? w.n[0] : w.n[1] * c->groups;
    int64_t channels = x.n[c->single ? 0 : 1];
    c->out = c->transposed ? w.n[1] * c->groups : w.n[0];
    if (channels != expected)
        return fail(c, TAP_ESHAPE, "%lld channels, but the weight expects %lld", (long long)channels, (long long)expected);
    if (w.n[0] % c->groups != 0)
        return fail(c, TAP_ESHAPE, "%lld channels must be divisible by %lld groups", (long long)w.n[0], (long long)c->groups);
    if (!c->in[2].tape) return true;
    tap_shape b = tap_shape_of(c->in[2]);
    return (b.rank == 1 && b.n[0] == c->out) || fail(c, TAP_ESHAPE, "the bias must be [%lld]", (long long)c->out);
}

/* The options of one axis, with defaults resolved; padding follows in check_axis. */
static bool read_options(convolution *c, int i, tap_conv_options o)
{
    const char   *name[] = { "stride", "padding", "dilation", "output_padding" };
    const int64_t value[] = { o.stride[i], o.padding[i], o.dilation[i], o.output_padding[i] };
    for (int k = 0; k < 4; k++) {
        if (!tap__is_small(value[k])) return fail(c, TAP_EARG, "%s %lld is out of range", name[k], (long long)value[k]);
    }
    c->w[i].stride = o.stride[i] ? o.stride[i] : 1;
    c->w[i].dilation = o.dilation[i] ? o.dilation[i] : 1;
    c->extra[i] = o.output_padding[i];
    if (o.same && (c->transposed || c->w[i].stride != 1 || o.padding[i] != 0))
        return fail(c, TAP_EARG, "same needs a convolution of stride 1 without other padding");
    if (c->extra[i] > 0 && !c->transposed) return fail(c, TAP_EARG, "output_padding is for transposed convolutions");
    if (c->extra[i] > 0 && c->extra[i] >= c->w[i].stride && c->extra[i] >= c->w[i].dilation)
        return fail(c, TAP_EARG, "output_padding must be below stride or dilation, not %lld", (long long)c->extra[i]);
    return true;
}

/* The windows along an axis of this size. */
static bool check_axis(convolution *c, int i, int64_t size, tap_conv_options o)
{
    tap__windows *w = &c->w[i];
    if (!read_options(c, i, o)) return false;
    if (w->size == 0) return fail(c, TAP_ESHAPE, "the weight has no elements");
    const int64_t extent = tap__window_extent(*w), padding = o.same ? extent - 1 : 2 * o.padding[i];
    w->pad_before = padding / 2;
    w->pad_after = padding - w->pad_before;
    if (c->transposed && (size == 0 || (size - 1) * w->stride + extent + c->extra[i] <= padding))
        return fail(c, TAP_ESHAPE, "the result has no elements along axis %d", i - c->axes);
    if (!c->transposed && extent > size + padding)
        return fail(c, TAP_ESHAPE, "the kernel covers %lld elements, but axis %d has only %lld with its padding",
                    (long long)extent, i - c->axes, (long long)(size + padding));
    w->count = c->transposed ? size : (size + padding - extent) / w->stride + 1;
    return true;
}

static bool check(convolution *c, tap_conv_options o)
{
    tap_tensor in[3];
    if (!tap__inputs(c->name, count_inputs(c), c->in, in)) return false;
    if (o.padding_mode < TAP_PAD_CONSTANT || o.padding_mode > TAP_PAD_CIRCULAR)
        return fail(c, TAP_EARG, "padding_mode must be a tap_pad_mode, not %d", (int)o.padding_mode);
    if (o.padding_mode != TAP_PAD_CONSTANT && c->transposed)
        return fail(c, TAP_EARG, "a transposed convolution has no padding_mode");
    const tap_shape x = in[0].shape, w = in[1].shape;
    const tap_dtype dtype = in[0].dtype;
    if (!tap_dtype_is_float(dtype))
        return fail(c, TAP_EDTYPE, "%s is not float32 or float64; tap_cast makes it so", tap_dtype_name(dtype));
    for (int i = 1; i < count_inputs(c); i++) {
        if (in[i].dtype != dtype)
            return fail(c, TAP_EDTYPE, "dtypes %s and %s differ", tap_dtype_name(dtype), tap_dtype_name(in[i].dtype));
    }
    c->single = x.rank == c->axes + 1;
    if ((!c->single && x.rank != c->axes + 2) || w.rank != c->axes + 2)
        return fail(c, TAP_ESHAPE, "needs x of %d or %d axes, and a weight of %d", c->axes + 1, c->axes + 2, c->axes + 2);
    if (!tap__all_small(x) || !tap__all_small(w)) return fail(c, TAP_ESHAPE, "sizes must be below 2^31");
    if (!check_channels(c, x, w, o)) return false;
    c->batch = c->single ? 1 : x.n[0];
    for (int i = 0; i < c->axes; i++) {
        c->w[i].size = w.n[2 + i];
        if (!check_axis(c, i, x.n[x.rank - c->axes + i], o)) return false;
    }
    return true;
}

/* The sizes of the forward convolution: a transposed one is the adjoint of that with input and output exchanged, and a
 * convolution over one axis has a first axis of size 1. */
static tap__conv as_forward_conv(const convolution *c)
{
    const tap_shape x = tap_shape_of(c->in[0]);
    const int64_t   channels = x.n[c->single ? 0 : 1];
    tap__conv       m = { .batch = c->batch, .groups = c->groups, .axis = { { 1, 1, 1, 1, 1, 0 } } };
    m.in = c->transposed ? c->out : channels;
    m.out = c->transposed ? channels : c->out;
    for (int i = 0; i < c->axes; i++) {
        const tap__windows w = c->w[i];
        const int64_t      padding = w.pad_before + w.pad_after;
        const int64_t      size = c->transposed ? (w.count - 1) * w.stride + tap__window_extent(w) - padding + c->extra[i]
                                                : x.n[x.rank - c->axes + i];
        m.axis[2 - c->axes + i] = (tap__conv_axis){ size, w.size, w.count, w.stride, w.dilation, w.pad_before };
    }
    return m;
}

/* Pads x along its last axes in another mode than by zeros; the convolution then needs no padding. */
static tap_var pad_first(convolution *c, tap_var x, tap_pad_mode mode)
{
    int64_t ends[4];
    for (int i = 0; i < c->axes; i++) {
        tap__windows *w = &c->w[c->axes - 1 - i];
        ends[2 * i] = w->pad_before;
        ends[2 * i + 1] = w->pad_after;
        w->pad_before = w->pad_after = 0;
    }
    c->in[0] = tap_pad(x, 2 * c->axes, ends, mode, 0);
    return c->in[0];
}

static tap_var convolve(tap_var x, tap_var weight, tap_var bias, tap_conv_options o, const char *name, int axes,
                        bool transposed)
{
    convolution c = { .name = name, .in = { x, weight, bias }, .axes = axes, .transposed = transposed };
    if (!check(&c, o)) return tap__inert(tap__tape_of(3, c.in));
    if (o.padding_mode != TAP_PAD_CONSTANT) x = pad_first(&c, x, o.padding_mode);
    if (tap_tape_status(x.tape, NULL) != TAP_OK) return tap__inert(x.tape);
    const tap__conv m = as_forward_conv(&c);
    if (c.single) x = tap_unsqueeze(x, 0);
    if (axes == 1) x = tap_unsqueeze(x, 2);
    if (axes == 1) weight = tap_unsqueeze(weight, 2);
    tap_var y = transposed ? tap__conv_adjoint_of(x, weight, bias, &m) : tap__conv_of(x, weight, bias, &m);
    if (axes == 1) y = tap_squeeze(y, TAP_AXES(2));
    return c.single ? tap_squeeze(y, TAP_AXES(0)) : y;
}

tap_var tap_conv1d(tap_var x, tap_var weight, tap_var bias, tap_conv_options o)
{
    TAP_CALL("conv1d", x, weight, bias);
    return convolve(x, weight, bias, o, "conv1d", 1, false);
}

tap_var tap_conv2d(tap_var x, tap_var weight, tap_var bias, tap_conv_options o)
{
    TAP_CALL("conv2d", x, weight, bias);
    return convolve(x, weight, bias, o, "conv2d", 2, false);
}

tap_var tap_conv_transpose1d(tap_var x, tap_var weight, tap_var bias, tap_conv_options o)
{
    TAP_CALL("conv_transpose1d", x, weight, bias);
    return convolve(x, weight, bias, o, "conv_transpose1d", 1, true);
}

tap_var tap_conv_transpose2d(tap_var x, tap_var weight, tap_var bias, tap_conv_options o)
{
    TAP_CALL("conv_transpose2d", x, weight, bias);
    return convolve(x, weight, bias, o, "conv_transpose2d", 2, true);
}
