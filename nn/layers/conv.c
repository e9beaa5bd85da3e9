/* nn/layers/conv.c: layers of convolution and of transposed convolution, over one axis and over two. */
#include "nn/layers/layer.h"

/* The sizes of a layer: channels in and out, and the kernel's along each axis. */
typedef struct {
    int64_t in, out, kernel[2];
    int     axes;
    bool    transposed;
} sizes;

/* The shape of the weight; if the sizes do not allow one, m has failed. */
static tap_shape weight_shape(tap_module *m, const char *what, sizes s, int64_t groups)
{
    tap_shape w = { .rank = 2 + s.axes, .n = { s.transposed ? s.in : s.out, s.transposed ? s.out : s.in } };
    bool      positive = s.in > 0 && s.out > 0;
    int64_t   kernel = s.kernel[0];
    for (int i = 0; i < s.axes; i++) {
        w.n[2 + i] = s.kernel[i];
        if (s.kernel[i] <= 0) kernel = s.kernel[i];
    }
    if (!positive || kernel <= 0)
        tap_module_fail(m, TAP_EARG, "%s: channels and kernel must be at least 1, not %lld -> %lld and %lld", what,
                        (long long)s.in, (long long)s.out, (long long)kernel);
    else if (groups < 1 || s.in % groups || s.out % groups)
        tap_module_fail(m, TAP_EARG, "%s: channels %lld -> %lld must be divisible by %lld groups", what, (long long)s.in,
                        (long long)s.out, (long long)groups);
    else w.n[1] /= groups;
    return w;
}

/* Weight and bias start as in PyTorch: U(+-1 / sqrt(fan_in)), fan_in being the elements of weight[0]. */
static void init(tap_conv *l, tap_module *m, const char *name, sizes s, tap_conv_options o)
{
    const char *what = s.transposed ? "conv_transpose" : "conv";
    tap_module *child = tap__layer_module(l, m, name, what);
    if (!child) return;
    *l = (tap_conv){ .options = o, .axes = s.axes, .transposed = s.transposed };
    const tap_shape w = weight_shape(child, what, s, o.groups ? o.groups : 1);
    const int64_t   fan_in = tap_numel(w) > 0 ? tap_numel(w) / w.n[0] : 1;
    l->weight = tap_param_new(child, "weight", w, tap_init_default(fan_in));
    l->bias = o.no_bias ? NULL : tap_param_new(child, "bias", TAP_SHAPE(s.out), tap_init_default(fan_in));
}

void tap_conv1d_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel, tap_conv_options o)
{
    init(l, m, name, (sizes){ in, out, { kernel }, 1, false }, o);
}

void tap_conv2d_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel_height,
                     int64_t kernel_width, tap_conv_options o)
{
    init(l, m, name, (sizes){ in, out, { kernel_height, kernel_width }, 2, false }, o);
}

void tap_conv_transpose1d_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel,
                               tap_conv_options o)
{
    init(l, m, name, (sizes){ in, out, { kernel }, 1, true }, o);
}

void tap_conv_transpose2d_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel_height,
                               int64_t kernel_width, tap_conv_options o)
{
    init(l, m, name, (sizes){ in, out, { kernel_height, kernel_width }, 2, true }, o);
}

void tap_conv_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel, tap_conv_options o)
{
    tap_conv2d_init(l, m, name, in, out, kernel, kernel, o);
}

void tap_conv_transpose_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel,
                             tap_conv_options o)
{
    tap_conv_transpose2d_init(l, m, name, in, out, kernel, kernel, o);
}

static tap_var forward(const tap_conv *l, tap_var x, tap_conv_options o)
{
    const tap_var weight = tap_param_var(x.tape, l->weight), bias = tap__layer_var(x.tape, l->bias);
    if (l->axes == 1) return l->transposed ? tap_conv_transpose1d(x, weight, bias, o) : tap_conv1d(x, weight, bias, o);
    return l->transposed ? tap_conv_transpose2d(x, weight, bias, o) : tap_conv2d(x, weight, bias, o);
}

tap_var tap_conv_forward(const tap_conv *l, tap_var x)
{
    TAP_CALL("conv_forward", x);
    static const tap_conv none;
    if (!l) l = &none;
    return forward(l, x, l->options);
}

/* The output_padding along axis i that gives this size; -1, and the tape has failed, if there is none. The convolution checks
 * the options later, so sizes are computed as double, which does not overflow. */
static int64_t padding_for(const tap_conv *l, tap_var x, int i, int64_t size)
{
    const tap_conv_options o = l->options;
    const tap_shape        s = tap_shape_of(x), w = tap_shape_of(tap_param_var(x.tape, l->weight));
    if (s.rank <= l->axes || w.rank != l->axes + 2) return 0; /* the convolution says what is wrong */
    const double stride = o.stride[i] ? (double)o.stride[i] : 1, dilation = o.dilation[i] ? (double)o.dilation[i] : 1;
    const double inner = (double)(s.n[s.rank - l->axes + i] - 1) * stride + dilation * (double)(w.n[2 + i] - 1) + 1;
    const double more = (double)size - (inner - 2 * (double)o.padding[i]);
    if (more >= 0 && more < stride) return (int64_t)more;
    tap_fail(x, TAP_EARG, "the size along axis %d must be within %.0f..%.0f, not %lld", i - l->axes, (double)size - more,
             (double)size - more + stride - 1, (long long)size);
    return -1;
}

tap_var tap_conv_forward_to(const tap_conv *l, tap_var x, const int64_t *size)
{
    TAP_CALL("conv_forward_to", x);
    static const tap_conv none;
    if (!l) l = &none;
    if (tap_tape_status(x.tape, NULL) != TAP_OK) return (tap_var){ .tape = x.tape };
    if (!size || (l->weight && !l->transposed))
        return tap_fail(x, TAP_EARG, "the size must not be NULL, and the layer a transposed convolution");
    tap_conv_options o = l->options;
    for (int i = 0; i < l->axes; i++) {
        o.output_padding[i] = padding_for(l, x, i, size[i]);
        if (o.output_padding[i] < 0) return (tap_var){ .tape = x.tape };
    }
    return forward(l, x, o);
}
