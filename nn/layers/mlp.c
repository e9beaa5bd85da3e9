/* nn/layers/mlp.c: a multilayer perceptron: linear layers, each followed by the activation, or the last one by none. */
#include <stdio.h>

#include "nn/layers/layer.h"

void tap_mlp_init(tap_mlp *l, tap_module *m, const char *name, int n_sizes, const int64_t *sizes, tap_activation activation)
{
    tap_mlp_init_with(l, m, name, n_sizes, sizes, activation, (tap_mlp_options){ 0 });
}

void tap_mlp_init_with(tap_mlp *l, tap_module *m, const char *name, int n_sizes, const int64_t *sizes,
                       tap_activation activation, tap_mlp_options o)
{
    tap_module *child = tap__layer_module(l, m, name, "mlp");
    if (!child) return;
    if (n_sizes < 2) tap_module_fail(child, TAP_EARG, "mlp: there must be at least 2 sizes, in and out, not %d", n_sizes);
    if (!sizes) tap_module_fail(child, TAP_EARG, "mlp: sizes is NULL");
    if (!activation) tap_module_fail(child, TAP_EARG, "mlp: the activation is NULL; there are %s", tap_activation_names());
    tap_linear *layers = tap__module_alloc(child, (size_t)n_sizes * sizeof *layers);
    if (!layers) {
        *l = (tap_mlp){ .n = 1, .layers = &child->root->no_linear, .activation = tap_identity };
        return;
    }
    *l = (tap_mlp){ .n = n_sizes - 1, .layers = layers, .activation = activation, .linear_output = o.linear_output };
    for (int i = 0; i < l->n; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        tap_linear_init(&layers[i], child, number, sizes[i], sizes[i + 1]);
    }
}

tap_var tap_mlp_forward(const tap_mlp *l, tap_var x)
{
    TAP_CALL("mlp_forward", x);
    if (!l || l->n == 0) return tap_fail(x, TAP_EARG, "the layer was never initialized");
    for (int i = 0; i < l->n; i++) {
        x = tap_linear_forward(&l->layers[i], x);
        if (i + 1 < l->n || !l->linear_output) x = l->activation(x);
    }
    return x;
}
