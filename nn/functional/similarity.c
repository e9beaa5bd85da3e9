/* Directions: vectors made of length 1, and the cosine between two. */
#include <math.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "nn/internal.h"
#include "tensor/shape.h"

static tap_var choose(tap_var condition, double yes, tap_var no)
{
    return tap_where(condition, tap_scalar_like(no, yes), no);
}

/* What x is divided by, lest its norm or the inverse be out of range: 1, but for what is very large, or small. */
static tap_var unit_of(tap_var x, double p, tap_axes axes)
{
    const bool is_f32 = tap__dtype_of(x) == TAP_F32;
    tap_var    size = tap_amax(tap_abs(tap_detach(x)), axes), one = tap_full_like(size, 1);
    double     most = is_f32 ? 0x1p126 : 0x1p1022, least = is_f32 ? 0x1p-100 : 0x1p-900, root = sqrt(most);
    double     count = (double)tap_numel(tap_shape_of(x)) / (double)tap_numel(tap_shape_of(size)),
           terms = p < 1 ? pow(count, 1 / p) : count;
    if (terms > root) terms = root;
    tap_var large = choose(tap_gt(size, tap_scalar_like(size, most / terms)), terms, one);
    tap_var small = choose(tap_lt(size, tap_scalar_like(size, least)), least, large);
    return choose(tap_eq(size, tap_scalar_like(size, (double)INFINITY)), (double)INFINITY, small);
}

/* What would be 0 / 0 is 0. */
static tap_var normalize_by_order(tap_var x, double p, tap_axes axes, double eps)
{
    tap_var s = unit_of(x, p, axes), z = tap__safe_div(x, s);
    tap_var by = tap_clamp_min(tap_vector_norm(z, p, axes), tap_div(tap_scalar_like(x, eps), s));
    return tap_div(z, tap_masked_fill(by, tap_eq(by, tap_scalar_like(by, 0)), (double)INFINITY));
}

tap_var tap_normalize(tap_var x, double p, int axis, double eps)
{
    TAP_CALL("normalize", x);
    const tap_axes  axes = tap_keepdim(TAP_AXES(axis));
    const tap_node *n = tap__node_of(x);
    if (n && !tap_dtype_is_float(n->value.dtype))
        return tap__fail_input(n, TAP_EDTYPE, "normalize", "%s is not float32 or float64; tap_cast makes it so",
                               tap_dtype_name(n->value.dtype));
    if (p == 2) return tap__l2_normalize(x, axes, eps);
    if (p > 0 && n && tap_numel(n->value.shape) > 0) return normalize_by_order(x, p, axes, eps);
    tap_var norm = tap_vector_norm(x, p, axes);
    return tap__chain_div(x, tap_clamp_min(norm, tap_scalar_like(norm, eps)));
}

/* <x1, x2> / (max(|x1|, eps) max(|x2|, eps)) */
tap_var tap_cosine_similarity(tap_var x1, tap_var x2, int axis, double eps)
{
    TAP_CALL("cosine_similarity", x1, x2);
    tap_shape a = tap_shape_of(x1), b = tap_shape_of(x2), both;
    if (!tap__same_tape("cosine_similarity", 2, (tap_var[]){ x1, x2 })) return tap__inert(x1.tape);
    if (!tap__broadcast_shapes(a, b, &both))
        return tap__fail_input(tap__node_of(x1), TAP_ESHAPE, "cosine_similarity", "the shapes do not broadcast");
    tap_var dot = tap_mul(tap_normalize(tap_expand(x1, both), 2, axis, eps), tap_normalize(tap_expand(x2, both), 2, axis, eps));
    return tap_sum(dot, TAP_AXES(axis));
}
