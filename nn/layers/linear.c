/* nn/layers/linear.c: the linear (affine) layer, x W^T + b, and the bilinear one. */
#include "nn/layers/layer.h"

void tap_linear_init(tap_linear *l, tap_module *m, const char *name, int64_t in, int64_t out)
{
    tap_linear_init_with(l, m, name, in, out, (tap_linear_options){ 0 });
}

void tap_linear_init_with(tap_linear *l, tap_module *m, const char *name, int64_t in, int64_t out, tap_linear_options o)
{
    tap_module *child = tap__layer_module(l, m, name, "linear");
    if (!child) return;
    if (in <= 0 || out <= 0)
        tap_module_fail(child, TAP_EARG, "linear: sizes must be at least 1, not %lld -> %lld", (long long)in, (long long)out);
    l->weight = tap_param_new(child, "weight", TAP_SHAPE(out, in), tap_init_default(in));
    l->bias = o.no_bias ? NULL : tap_param_new(child, "bias", TAP_SHAPE(out), tap_init_default(in));
}

tap_var tap_linear_forward(const tap_linear *l, tap_var x)
{
    TAP_CALL("linear_forward", x);
    static const tap_linear none;
    if (!l) l = &none;
    return tap__layer_affine(x, tap_param_var(x.tape, l->weight), tap__layer_var(x.tape, l->bias));
}

/* ---- Bilinear ---- */

void tap_bilinear_init(tap_bilinear_layer *l, tap_module *m, const char *name, int64_t in1, int64_t in2, int64_t out,
                       tap_linear_options o)
{
    tap_module *child = tap__layer_module(l, m, name, "bilinear");
    if (!child) return;
    if (in1 <= 0 || in2 <= 0 || out <= 0)
        tap_module_fail(child, TAP_EARG, "bilinear: sizes must be at least 1, not %lld x %lld -> %lld", (long long)in1,
                        (long long)in2, (long long)out);
    l->weight = tap_param_new(child, "weight", TAP_SHAPE(out, in1, in2), tap_init_default(in1));
    l->bias = o.no_bias ? NULL : tap_param_new(child, "bias", TAP_SHAPE(out), tap_init_default(in1));
}

tap_var tap_bilinear_forward(const tap_bilinear_layer *l, tap_var x1, tap_var x2)
{
    TAP_CALL("bilinear_forward", x1, x2);
    static const tap_bilinear_layer none;
    if (!l) l = &none;
    return tap_bilinear(x1, x2, tap_param_var(x1.tape, l->weight), tap__layer_var(x1.tape, l->bias));
}
