/* nn/layers/conv.c: layers of convolution and of transposed convolution. */
#include "nn/nn.h"

/* Weight and bias start as in PyTorch: U(+-1 / sqrt(fan_in)), fan_in being the elements of weight[0]. size: in, out. */
static void init(tap_conv *l, tap_module *m, const char *name, const int64_t size[2], int64_t kernel, tap_conv_options o,
                 bool transposed)
{
    const char   *what = transposed ? "conv_transpose" : "conv";
    tap_module   *child = tap_module_child(m, name);
    const int64_t groups = o.groups ? o.groups : 1, out = size[1];
    if (!l) {
        tap_module_fail(child, TAP_EARG, "%s: the layer is NULL", what);
        return;
    }
    *l = (tap_conv){ .options = o, .transposed = transposed };
    tap_shape w = TAP_SHAPE(size[transposed ? 0 : 1], size[transposed ? 1 : 0], kernel, kernel);
    if (size[0] <= 0 || size[1] <= 0 || kernel <= 0)
        tap_module_fail(child, TAP_EARG, "%s: channels and kernel must be at least 1, not %lld -> %lld and %lld", what,
                        (long long)size[0], (long long)size[1], (long long)kernel);
    else if (groups < 1 || size[0] % groups || size[1] % groups)
        tap_module_fail(child, TAP_EARG, "%s: channels %lld -> %lld must be divisible by %lld groups", what, (long long)size[0],
                        (long long)size[1], (long long)groups);
    else w.n[1] /= groups;
    int64_t fan_in = tap_numel(w) > 0 ? tap_numel(w) / w.n[0] : 1;
    l->weight = tap_param_new(child, "weight", w, tap_init_default(fan_in));
    l->bias = tap_param_new(child, "bias", TAP_SHAPE(out), tap_init_default(fan_in));
}

void tap_conv_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel, tap_conv_options o)
{
    init(l, m, name, (const int64_t[]){ in, out }, kernel, o, false);
}

void tap_conv_transpose_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel,
                             tap_conv_options o)
{
    init(l, m, name, (const int64_t[]){ in, out }, kernel, o, true);
}

tap_var tap_conv_forward(const tap_conv *l, tap_var x)
{
    TAP_CALL("conv_forward", x);
    static const tap_conv none;
    if (!l) l = &none;
    tap_var weight = tap_param_var(x.tape, l->weight), bias = tap_param_var(x.tape, l->bias);
    return l->transposed ? tap_conv_transpose2d(x, weight, bias, l->options) : tap_conv2d(x, weight, bias, l->options);
}
