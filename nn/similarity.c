/* Directions: vectors made of length 1, and the cosine between two. */
#include <math.h>

#include "autograd/internal.h"
#include "nn/internal.h"

/* In terms of numbers that are not above 1: norms of large or small numbers may be out of range. What would be 0 / 0 is 0. */
static tap_var normalize_by_order(tap_var x, double p, tap_axes axes, double eps)
{
    tap_var least = tap__scalar_like(x, eps), size = tap_amax(tap_abs(tap_detach(x)), axes);
    tap_var s = tap_maximum(size, least), one = tap_masked_fill(s, tap_eq(s, tap__scalar_like(s, 0)), 1), z = tap__beside(x, one);
    tap_var by = tap_clamp_min(tap_vector_norm(z, p, axes), tap_div(least, one));
    return tap_div(z, tap_masked_fill(by, tap_eq(by, tap__scalar_like(by, 0)), (double)INFINITY));
}

tap_var tap_normalize(tap_var x, double p, int axis, double eps)
{
    TAP_CALL("normalize", x);
    const tap_axes  axes = tap_keep(TAP_AXES(axis));
    const tap_node *n = tap__live(x);
    if (n && !tap_dtype_is_float(n->value.dtype))
        return tap__refuse(n, TAP_EDTYPE, "normalize", "%s is not float32 or float64; tap_cast makes it so", tap_dtype_name(n->value.dtype));
    if (p == 2) return tap__unit(x, axes, eps);
    if (p > 0 && n && tap_numel(n->value.shape) > 0) return normalize_by_order(x, p, axes, eps);
    tap_var norm = tap_vector_norm(x, p, axes);
    return tap__chain_div(x, tap_clamp_min(norm, tap__scalar_like(norm, eps)));
}

/* <x1, x2> / (max(|x1|, eps) max(|x2|, eps)) */
tap_var tap_cosine_similarity(tap_var x1, tap_var x2, int axis, double eps)
{
    TAP_CALL("cosine_similarity", x1, x2);
    tap_shape a = tap_shape_of(x1), b = tap_shape_of(x2), both;
    if (!tap__together("cosine_similarity", 2, (tap_var[]){ x1, x2 })) return tap__inert(x1.tape);
    if (!tap__broadcast(a, b, &both)) return tap__refuse(tap__live(x1), TAP_ESHAPE, "cosine_similarity", "the shapes do not broadcast");
    tap_var dot = tap_mul(tap_normalize(tap_expand(x1, both), 2, axis, eps), tap_normalize(tap_expand(x2, both), 2, axis, eps));
    return tap_sum(dot, TAP_AXES(axis));
}
