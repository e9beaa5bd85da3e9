/* nn/functional/activation.c: activations that take a weight, an axis or bounds, and the table of activations of x alone by
 * name, for options of programs. */
#include <math.h>
#include <string.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "nn/nn.h"
#include "tensor/shape.h"

tap_var tap_prelu(tap_var x, tap_var weight)
{
    TAP_CALL("prelu", x, weight);
    if (!tap__same_tape("prelu", 2, (tap_var[]){ x, weight })) return tap__inert(x.tape);
    const tap_node *n = tap__node_of(x);
    tap_shape       s = n->value.shape, w = tap_shape_of(weight), by_channel = { .rank = s.rank };
    if (w.rank == 1 && w.n[0] != 1) {
        if (s.rank < 2 || s.n[1] != w.n[0])
            return tap__fail_input(n, TAP_ESHAPE, "prelu", "the weight must have the size of axis 1");
        for (int i = 0; i < s.rank; i++) by_channel.n[i] = i == 1 ? -1 : 1;
        weight = tap_reshape(weight, by_channel);
    } else if (w.rank <= 1) {
        weight = tap_reshape(weight, TAP_SCALAR);
    } else {
        return tap__fail_input(n, TAP_ESHAPE, "prelu", "the weight must be [], [1] or [channels]");
    }
    return tap_where(tap_gt(x, tap_scalar_like(x, 0)), x, tap_mul(weight, x));
}

tap_var tap_glu(tap_var x, int axis)
{
    TAP_CALL("glu", x);
    const tap_node *n = tap__node_of(x);
    tap_var         half[2];
    int             positive_axis = axis;
    if (!n) return tap__inert(x.tape);
    if (!tap__normalize_axis(&positive_axis, n->value.shape.rank))
        return tap__fail_input(n, TAP_EARG, "glu", "axis %d is out of range", axis);
    int64_t size = n->value.shape.n[positive_axis];
    if (size % 2 != 0 || size == 0)
        return tap__fail_input(n, TAP_ESHAPE, "glu", "axis %d must have an even size above 0", axis);
    tap_split(x, size / 2, positive_axis, 2, half);
    return tap__gated(half[0], half[1]);
}

tap_var tap_softmin(tap_var x, int axis)
{
    TAP_CALL("softmin", x);
    return tap_softmax(tap_neg(x), axis);
}

tap_var tap_smooth_clip(tap_var x, double lo, double hi)
{
    TAP_CALL("smooth_clip", x);
    const tap_node *n = tap__node_of(x);
    if (!n) return tap__inert(x.tape);
    if (!(lo < hi && isfinite(hi - lo)))
        return tap__fail_input(n, TAP_EARG, "smooth_clip", "the bounds must be finite, and lo below hi, not %g and %g", lo, hi);
    tap_var above_lo = tap_softplus(tap_add_scalar(x, -lo));
    tap_var below_hi = tap_softplus(tap_add_scalar(tap_neg(above_lo), hi - lo));
    return tap_add_scalar(tap_neg(below_hi), hi);
}

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

/* The name and function of each activation. */
/* clang-format off */
#define ACTIVATIONS(DO)                                                                                       \
    DO(relu, tap_relu) DO(tanh, tap_tanh) DO(sigmoid, tap_sigmoid) DO(softplus, tap_softplus) DO(elu, elu)    \
    DO(silu, tap_silu) DO(gelu, tap_gelu) DO(leaky_relu, leaky_relu) DO(selu, tap_selu) DO(mish, tap_mish)    \
    DO(identity, tap_identity)
/* clang-format on */

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
