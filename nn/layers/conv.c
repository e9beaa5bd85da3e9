/* The layer of convolution, forwards and transposed. */
#include "nn/nn.h"

/* Both parameters begin within PyTorch's bounds, 1 / sqrt(numbers in a row of the weight, along its first axis). */
static void init(tap_conv *l, tap_module *m, const char *name, const int64_t size[2], int64_t kernel, tap_conv_options o,
                 bool transposed)
{
    const char   *what = transposed ? "conv_transpose" : "conv";
    tap_module   *here = tap_module_child(m, name);
    const int64_t groups = o.groups ? o.groups : 1, out = size[1];
    if (!l) {
        tap_module_fail(here, TAP_EARG, "%s: NULL", what);
        return;
    }
    *l = (tap_conv){ .options = o, .transposed = transposed };
    tap_shape w = TAP_SHAPE(size[transposed ? 0 : 1], size[transposed ? 1 : 0], kernel, kernel);
    if (size[0] <= 0 || size[1] <= 0 || kernel <= 0)
        tap_module_fail(here, TAP_EARG, "%s: %lld -> %lld channels and a kernel of %lld are not all positive", what,
                        (long long)size[0], (long long)size[1], (long long)kernel);
    else if (groups < 1 || size[0] % groups || size[1] % groups)
        tap_module_fail(here, TAP_EARG, "%s: %lld -> %lld channels do not go into %lld groups", what, (long long)size[0],
                        (long long)size[1], (long long)groups);
    else w.n[1] /= groups;
    int64_t fan_in = tap_numel(w) > 0 ? tap_numel(w) / w.n[0] : 1;
    l->weight = tap_param_new(here, "weight", w, tap_init_default(fan_in));
    l->bias = tap_param_new(here, "bias", TAP_SHAPE(out), tap_init_default(fan_in));
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
