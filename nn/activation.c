/* Activations by name. */
#include <string.h>

#include "nn/nn.h"

tap_var tap_identity(tap_var x)
{
    return x;
}

#define ACTIVATIONS(DO) DO(relu) DO(tanh) DO(sigmoid) DO(softplus) DO(elu) DO(silu) DO(identity)

tap_activation tap_activation_find(const char *name)
{
#define ROW(f) { #f, tap_##f },
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
#define NAME(f) ", " #f
    static const char names[] = ACTIVATIONS(NAME);
    return names + 2;
}
