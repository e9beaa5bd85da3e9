/* The affine layer. */
#include "nn/nn.h"

void tap_linear_init(tap_linear *l, tap_module *m, const char *name, int64_t in, int64_t out)
{
    tap_module *here = tap_module_child(m, name);
    if (!l) {
        tap_module_fail(here, TAP_EARG, "linear: NULL");
        return;
    }
    if (in <= 0 || out <= 0)
        tap_module_fail(here, TAP_EARG, "linear: sizes %lld -> %lld are not both positive", (long long)in, (long long)out);
    l->weight = tap_param_new(here, "weight", TAP_SHAPE(out, in), tap_init_default(in));
    l->bias = tap_param_new(here, "bias", TAP_SHAPE(out), tap_init_default(in));
}

tap_var tap_linear_forward(const tap_linear *l, tap_var x)
{
    TAP_CALL("linear_forward", x);
    static const tap_linear none;
    if (!l) l = &none;
    return tap_affine(x, tap_param_var(x.tape, l->weight), tap_param_var(x.tape, l->bias));
}
