/* nn/layers/layer.c: what layers share; layer.h describes the functions. */
#include "nn/layers/layer.h"

#include <math.h>

tap_module *tap__layer_module(const void *layer, tap_module *m, const char *name, const char *what)
{
    tap_module *child = tap_module_child(m, name);
    if (layer) return child;
    tap_module_fail(child, TAP_EARG, "%s: the layer is NULL", what);
    return NULL;
}

double tap__layer_option(tap_module *m, const char *what, const char *option, double x, double otherwise)
{
    if (x == 0) return otherwise;
    if (x == TAP_ZERO) return 0;
    if (!(x > 0 && isfinite(x)))
        tap_module_fail(m, TAP_EARG, "%s: %s must be a finite number, at least 0, not %g", what, option, x);
    return x;
}

tap_param *tap__layer_param(bool wanted, tap_module *m, const char *name, tap_shape shape, double value)
{
    return wanted ? tap_param_new(m, name, shape, tap_init_constant(value)) : NULL;
}

tap_var tap__layer_affine(tap_var x, tap_var weight, tap_var bias)
{
    if (bias.tape || tap_shape_of(weight).rank != 2) return tap_affine(x, weight, bias);
    return tap_affine(x, weight, tap_expand(tap_scalar_like(weight, 0), TAP_SHAPE(tap_shape_of(weight).n[0])));
}

bool tap__layer_usable(tap_var x, const tap_module *m)
{
    if (tap_tape_status(x.tape, NULL) != TAP_OK) return false;
    if (!m) tap_fail(x, TAP_EARG, "the layer was never initialized");
    else if (m->root->error.status != TAP_OK) tap_tape_fail(x.tape, m->root->error.status, "%s", m->root->error.message);
    return tap_tape_status(x.tape, NULL) == TAP_OK;
}
