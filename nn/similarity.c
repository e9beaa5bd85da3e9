/* Directions: vectors made of length 1, and the cosine between two. */
#include "autograd/internal.h"
#include "nn/internal.h"

tap_var tap_normalize(tap_var x, double p, int axis, double eps)
{
    tap_var norm = tap_vector_norm(x, p, tap_keep(TAP_AXES(axis)));
    return tap_div(x, tap_clamp_min(norm, tap__scalar_like(norm, eps)));
}

/* <x1, x2> / (max(|x1|, eps) max(|x2|, eps)) */
tap_var tap_cosine_similarity(tap_var x1, tap_var x2, int axis, double eps)
{
    tap_shape a = tap_shape_of(x1), b = tap_shape_of(x2), both;
    if (!tap__together("cosine_similarity", 2, (tap_var[]){ x1, x2 })) return tap__inert(x1.tape);
    if (!tap__broadcast(a, b, &both)) return tap__refuse(tap__live(x1), TAP_ESHAPE, "cosine_similarity", "the shapes do not broadcast");
    tap_var dot = tap_mul(tap_normalize(tap_expand(x1, both), 2, axis, eps), tap_normalize(tap_expand(x2, both), 2, axis, eps));
    return tap_sum(dot, TAP_AXES(axis));
}
