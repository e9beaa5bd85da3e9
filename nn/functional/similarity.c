/* nn/functional/similarity.c: normalization of vectors to length 1, and cosine similarity. */
#include <math.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "nn/internal.h"
#include "tensor/shape.h"

/* The value where the condition holds, else x. */
static tap_var fill_where(tap_var condition, double value, tap_var x)
{
    return tap_where(condition, tap_scalar_like(x, value), x);
}

/* A factor to divide x by before its norm is computed, so that neither the norm nor its inverse is out of range: 1, unless the
 * elements are very large or very small. */
static tap_var scale_of(tap_var x, double p, tap_axes axes)
{
    const bool is_f32 = tap__dtype_of(x) == TAP_F32;
    tap_var    max_abs = tap_amax(tap_abs(tap_detach(x)), axes), one = tap_full_like(max_abs, 1);
    double     max = is_f32 ? 0x1p126 : 0x1p1022, min = is_f32 ? 0x1p-100 : 0x1p-900, root = sqrt(max);
    double     count = (double)tap_numel(tap_shape_of(x)) / (double)tap_numel(tap_shape_of(max_abs)),
           terms = p < 1 ? pow(count, 1 / p) : count;
    if (terms > root) terms = root;
    tap_var large = fill_where(tap_gt(max_abs, tap_scalar_like(max_abs, max / terms)), terms, one);
    tap_var small = fill_where(tap_lt(max_abs, tap_scalar_like(max_abs, min)), min, large);
    return fill_where(tap_eq(max_abs, tap_scalar_like(max_abs, (double)INFINITY)), (double)INFINITY, small);
}

/* x / max(|x|_p, eps), 0 / 0 being 0. */
static tap_var normalize_by_order(tap_var x, double p, tap_axes axes, double eps)
{
    tap_var s = scale_of(x, p, axes), z = tap__safe_div(x, s);
    tap_var norm = tap_clamp_min(tap_vector_norm(z, p, axes), tap_div(tap_scalar_like(x, eps), s));
    return tap_div(z, tap_masked_fill(norm, tap_eq(norm, tap_scalar_like(norm, 0)), (double)INFINITY));
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
