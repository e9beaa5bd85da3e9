/* Convolution over one axis or two: what PyTorch's options ask for. */
#include "autograd/ops/convolution.h"
#include "nn/functional/spatial.h"

/* A call and what follows from its shapes and options. */
typedef struct {
    const char  *name;
    tap_var      in[3]; /* x, weight, bias */
    int          axes;
    bool         transposed, single; /* single: x has no batch axis */
    int64_t      batch, out, groups; /* out: channels */
    tap__windows w[2];               /* over x or, transposed, over the output */
    int64_t      extra[2];           /* added to the output's end */
} convolution;

#define GIVEN(c) ((c)->in[2].tape ? 3 : 2)

/* Fails the tape with the shapes in front; false. */
#define REFUSE(c, status, ...) (tap__fail_inputs((c)->name, GIVEN(c), (c)->in, status, __VA_ARGS__), false)

static bool check_channels(convolution *c, tap_shape x, tap_shape w, tap_conv_options o)
{
    c->groups = o.groups ? o.groups : 1;
    if (!tap__is_small(c->groups)) return REFUSE(c, TAP_EARG, "%lld groups", (long long)o.groups);
    int64_t split = w.n[0], takes = c->transposed ? w.n[0] : w.n[1] * c->groups;
    int64_t channels = x.n[c->single ? 0 : 1];
    c->out = c->transposed ? w.n[1] * c->groups : w.n[0];
    if (channels != takes)
        return REFUSE(c, TAP_ESHAPE, "%lld channels, but the weight takes %lld", (long long)channels, (long long)takes);
    if (split % c->groups != 0)
        return REFUSE(c, TAP_ESHAPE, "%lld channels do not go into %lld groups", (long long)split, (long long)c->groups);
    if (!c->in[2].tape) return true;
    tap_shape b = tap_shape_of(c->in[2]);
    return (b.rank == 1 && b.n[0] == c->out) || REFUSE(c, TAP_ESHAPE, "the bias is not [%lld]", (long long)c->out);
}

/* What the options say about one axis, in the numbers they stand for; those of the padding come later. */
static bool read_options(convolution *c, int i, tap_conv_options o)
{
    const char   *name[] = { "stride", "padding", "dilation", "output_padding" };
    const int64_t value[] = { o.stride[i], o.padding[i], o.dilation[i], o.output_padding[i] };
    for (int k = 0; k < 4; k++) {
        if (!tap__is_small(value[k])) return REFUSE(c, TAP_EARG, "%s %lld is out of range", name[k], (long long)value[k]);
    }
    c->w[i].stride = o.stride[i] ? o.stride[i] : 1;
    c->w[i].dilation = o.dilation[i] ? o.dilation[i] : 1;
    c->extra[i] = o.output_padding[i];
    if (o.same && (c->transposed || c->w[i].stride != 1 || o.padding[i] != 0))
        return REFUSE(c, TAP_EARG, "same sizes go with a convolution of stride 1, and no other padding");
    if (c->extra[i] > 0 && !c->transposed) return REFUSE(c, TAP_EARG, "output_padding is for transposed convolutions");
    if (c->extra[i] > 0 && c->extra[i] >= c->w[i].stride && c->extra[i] >= c->w[i].dilation)
        return REFUSE(c, TAP_EARG, "output_padding %lld is not below stride or dilation", (long long)c->extra[i]);
    return true;
}

/* Lays the windows along an axis of this size. */
static bool check_axis(convolution *c, int i, int64_t size, tap_conv_options o)
{
    tap__windows *w = &c->w[i];
    if (!read_options(c, i, o)) return false;
    if (w->size == 0) return REFUSE(c, TAP_ESHAPE, "the weight has no elements");
    const int64_t reach = tap__reach(*w), padding = o.same ? reach - 1 : 2 * o.padding[i];
    w->before = padding / 2;
    w->after = padding - w->before;
    if (c->transposed && (size == 0 || (size - 1) * w->stride + reach + c->extra[i] <= padding))
        return REFUSE(c, TAP_ESHAPE, "nothing is left of axis %d", i - c->axes);
    if (!c->transposed && reach > size + padding)
        return REFUSE(c, TAP_ESHAPE, "the kernel reaches over %lld elements, axis %d has %lld with its padding",
                      (long long)reach, i - c->axes, (long long)(size + padding));
    w->count = c->transposed ? size : (size + padding - reach) / w->stride + 1;
    return true;
}

static bool check(convolution *c, tap_conv_options o)
{
    tap_tensor in[3];
    if (!tap__inputs(c->name, GIVEN(c), c->in, in)) return false;
    const tap_shape x = in[0].shape, w = in[1].shape;
    const tap_dtype dtype = in[0].dtype;
    if (!tap_dtype_is_float(dtype))
        return REFUSE(c, TAP_EDTYPE, "%s is not float32 or float64; tap_cast makes it so", tap_dtype_name(dtype));
    for (int i = 1; i < GIVEN(c); i++) {
        if (in[i].dtype != dtype)
            return REFUSE(c, TAP_EDTYPE, "dtypes %s and %s differ", tap_dtype_name(dtype), tap_dtype_name(in[i].dtype));
    }
    c->single = x.rank == c->axes + 1;
    if ((!c->single && x.rank != c->axes + 2) || w.rank != c->axes + 2)
        return REFUSE(c, TAP_ESHAPE, "needs x of %d or %d axes, and a weight of %d", c->axes + 1, c->axes + 2, c->axes + 2);
    if (!tap__all_small(x) || !tap__all_small(w)) return REFUSE(c, TAP_ESHAPE, "the sizes are too large");
    if (!check_channels(c, x, w, o)) return false;
    c->batch = c->single ? 1 : x.n[0];
    for (int i = 0; i < c->axes; i++) {
        c->w[i].size = w.n[2 + i];
        if (!check_axis(c, i, x.n[x.rank - c->axes + i], o)) return false;
    }
    return true;
}

/* The convolution that is meant, a transposed one being the adjoint of one with input and output exchanged; in one axis, it has
 * a first axis of size 1. */
static tap__conv meant(const convolution *c)
{
    const tap_shape x = tap_shape_of(c->in[0]);
    const int64_t   channels = x.n[c->single ? 0 : 1];
    tap__conv       m = { .batch = c->batch, .groups = c->groups, .axis = { { 1, 1, 1, 1, 1, 0 } } };
    m.in = c->transposed ? c->out : channels;
    m.out = c->transposed ? channels : c->out;
    for (int i = 0; i < c->axes; i++) {
        const tap__windows w = c->w[i];
        const int64_t      size = c->transposed ? (w.count - 1) * w.stride + tap__reach(w) - w.before - w.after + c->extra[i]
                                                : x.n[x.rank - c->axes + i];
        m.axis[2 - c->axes + i] = (tap__conv_axis){ size, w.size, w.count, w.stride, w.dilation, w.before };
    }
    return m;
}

static tap_var convolve(tap_var x, tap_var weight, tap_var bias, tap_conv_options o, const char *name, int axes,
                        bool transposed)
{
    convolution c = { .name = name, .in = { x, weight, bias }, .axes = axes, .transposed = transposed };
    if (!check(&c, o)) return tap__inert(tap__tape_of(3, c.in));
    const tap__conv m = meant(&c);
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
