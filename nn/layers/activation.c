/* nn/layers/activation.c: PReLU, whose slopes are trained, and dropout, which asks for the mode of its module. */
#include "nn/layers/layer.h"

void tap_prelu_init(tap_prelu_layer *l, tap_module *m, const char *name, tap_prelu_options o)
{
    tap_module   *child = tap__layer_module(l, m, name, "prelu");
    const int64_t n = o.num_parameters ? o.num_parameters : 1;
    if (!child) return;
    if (n < 1) tap_module_fail(child, TAP_EARG, "prelu: num_parameters must be at least 1, not %lld", (long long)n);
    const double slope = tap__layer_option(child, "prelu", "init", o.init, 0.25);
    l->weight = tap_param_new(child, "weight", TAP_SHAPE(n), tap_init_constant(slope));
}

tap_var tap_prelu_forward(const tap_prelu_layer *l, tap_var x)
{
    TAP_CALL("prelu_forward", x);
    return tap_prelu(x, tap_param_var(x.tape, l ? l->weight : NULL));
}

void tap_dropout_init(tap_dropout_layer *l, tap_module *m, const char *name, double p)
{
    tap_module *child = tap__layer_module(l, m, name, "dropout");
    if (!child) return;
    *l = (tap_dropout_layer){ .module = child, .p = p };
    if (!(p >= 0 && p <= 1)) tap_module_fail(child, TAP_EARG, "dropout: p must be within 0..1, not %g", p);
}

tap_var tap_dropout_forward(const tap_dropout_layer *l, tap_var x)
{
    TAP_CALL("dropout_forward", x);
    if (!tap__layer_usable(x, l ? l->module : NULL) || !l) return (tap_var){ .tape = x.tape };
    return tap_dropout(x, l->p, tap_module_training_on(x.tape, l->module));
}
