/* autograd/ops/elementwise_composed.c: elementwise functions composed of others, and functions that check their parameters. */
#include <float.h>
#include <math.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"

tap_var tap_polygamma(int n, tap_var x)
{
    TAP_CALL("polygamma", x);
    const tap_node *v = tap__node_of(x);
    if (v && (n < 0 || n > 1000000)) return tap__fail_input(v, TAP_EARG, "polygamma", "n must be 0 to 1000000, not %d", n);
    return tap__polygamma(x, n);
}

/* p, or if it is 0 or infinite in x's dtype, the nearest number that is not. */
static double clamp_to_dtype(tap_var x, double p)
{
    const bool   single = tap_value(x).dtype == TAP_F32;
    const double max = single ? (double)FLT_MAX : DBL_MAX, min = single ? 0x1p-149 : 0x1p-1074;
    return copysign(fmin(fmax(fabs(p), min), max), p);
}

tap_var tap_celu(tap_var x, double alpha)
{
    TAP_CALL("celu", x);
    const tap_node *v = tap__node_of(x);
    if (v && alpha == 0) return tap__fail_input(v, TAP_EARG, "celu", "alpha must not be 0");
    return tap__celu(x, isinf(alpha) ? alpha : clamp_to_dtype(x, alpha));
}

tap_var tap_softplus_beta(tap_var x, double beta, double threshold)
{
    TAP_CALL("softplus_beta", x);
    const tap_node *v = tap__node_of(x);
    if (v && beta == 0) return tap__fail_input(v, TAP_EARG, "softplus_beta", "beta must not be 0");
    return tap__softplus_beta(x, clamp_to_dtype(x, beta), threshold);
}

tap_var tap_relu6(tap_var x)
{
    TAP_CALL("relu6", x);
    return tap_hardtanh(x, 0, 6);
}

/* Klambauer et al., Self-Normalizing Neural Networks (2017). */
tap_var tap_selu(tap_var x)
{
    TAP_CALL("selu", x);
    return tap_mul_scalar(tap_elu(x, 1.6732632423543772), 1.0507009873554805);
}

tap_var tap_nan_to_num(tap_var x, double nan, double posinf, double neginf)
{
    TAP_CALL("nan_to_num", x);
    const double max = tap_value(x).dtype == TAP_F32 ? (double)FLT_MAX : DBL_MAX;
    const double from[] = { (double)INFINITY, -(double)INFINITY }, to[] = { fmin(posinf, max), fmax(neginf, -max) };
    tap_var      y = tap_where(tap_eq(x, x), x, tap_scalar_like(x, nan));
    for (int i = 0; i < 2; i++) y = tap_where(tap_eq(x, tap_scalar_like(x, from[i])), tap_scalar_like(x, to[i]), y);
    return y;
}

tap_var tap_masked_fill(tap_var x, tap_var mask, double value)
{
    TAP_CALL("masked_fill", x, mask);
    if (tap__dtype_of(mask) != TAP_BOOL)
        return tap_fail(x, TAP_EDTYPE, "the mask must be bool, not %s", tap_dtype_name(tap__dtype_of(mask)));
    return tap_where(mask, tap_scalar_like(x, value), x);
}

tap_var tap__zero_like(tap_var x)
{
    return tap__scalar(x.tape, tap_value(x).dtype, 0);
}

tap_var tap_logical_not(tap_var x)
{
    TAP_CALL("logical_not", x);
    return tap_eq(x, tap__zero_like(x));
}

tap_var tap_isnan(tap_var x)
{
    TAP_CALL("isnan", x);
    return tap_ne(x, x);
}

tap_var tap_isinf(tap_var x)
{
    TAP_CALL("isinf", x);
    return tap_eq(tap_abs(x), tap_scalar_like(x, (double)INFINITY));
}

tap_var tap_isfinite(tap_var x)
{
    TAP_CALL("isfinite", x);
    return tap_lt(tap_abs(x), tap_scalar_like(x, (double)INFINITY));
}
