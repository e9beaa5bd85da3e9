/* Activations by name. */
#include <string.h>

#include "nn/nn.h"

tap_var tap_identity(tap_var x)
{
    return x;
}

static tap_var elu(tap_var x)
{
    return tap_elu(x, 1);
}

static tap_var leaky_relu(tap_var x)
{
    return tap_leaky_relu(x, 0.01);
}

/* name and function */
#define ACTIVATIONS(DO)                                                                                       \
    DO(relu, tap_relu) DO(tanh, tap_tanh) DO(sigmoid, tap_sigmoid) DO(softplus, tap_softplus) DO(elu, elu)    \
    DO(silu, tap_silu) DO(gelu, tap_gelu) DO(leaky_relu, leaky_relu) DO(selu, tap_selu) DO(mish, tap_mish)    \
    DO(identity, tap_identity)

tap_activation tap_activation_find(const char *name)
{
#define ROW(name, f) { #name, f },
    static const struct {
        const char    *name;
        tap_activation f;
    } table[] = { ACTIVATIONS(ROW) };
    for (size_t i = 0; name && i < sizeof table / sizeof *table; i++) {
        if (!strcmp(table[i].name, name)) return table[i].f;
    }
    return NULL;
}

const char *tap_activation_names(void)
{
#define NAME(name, f) ", " #name
    static const char names[] = ACTIVATIONS(NAME);
    return names + 2;
}
