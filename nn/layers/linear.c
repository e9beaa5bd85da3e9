/* nn/layers/linear.c: the linear (affine) layer, x W^T + b. */
#include "nn/nn.h"

void tap_linear_init(tap_linear *l, tap_module *m, const char *name, int64_t in, int64_t out)
{
    tap_module *child = tap_module_child(m, name);
    if (!l) {
        tap_module_fail(child, TAP_EARG, "linear: the layer is NULL");
        return;
    }
    if (in <= 0 || out <= 0)
        tap_module_fail(child, TAP_EARG, "linear: sizes must be at least 1, not %lld -> %lld", (long long)in, (long long)out);
    l->weight = tap_param_new(child, "weight", TAP_SHAPE(out, in), tap_init_default(in));
    l->bias = tap_param_new(child, "bias", TAP_SHAPE(out), tap_init_default(in));
}

tap_var tap_linear_forward(const tap_linear *l, tap_var x)
{
    TAP_CALL("linear_forward", x);
    static const tap_linear none;
    if (!l) l = &none;
    return tap_affine(x, tap_param_var(x.tape, l->weight), tap_param_var(x.tape, l->bias));
}
