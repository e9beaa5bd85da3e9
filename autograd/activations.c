/* Elementwise functions made of others. */
#include <float.h>
#include <math.h>

#include "autograd/internal.h"

tap_var tap_polygamma(int n, tap_var x)
{
    const tap_node *v = tap__live(x);
    if (v && (n < 0 || n > 1000000)) return tap__refuse(v, TAP_EARG, "polygamma", "n = %d is not from 0 to 1000000", n);
    return tap__polygamma(x, n);
}

tap_var tap_celu(tap_var x, double alpha)
{
    const tap_node *v = tap__live(x);
    return v && alpha == 0 ? tap__refuse(v, TAP_EARG, "celu", "alpha is 0") : tap__celu(x, alpha);
}

tap_var tap_softplus_beta(tap_var x, double beta, double threshold)
{
    const tap_node *v = tap__live(x);
    if (v && beta == 0) return tap__refuse(v, TAP_EARG, "softplus_beta", "beta is 0");
    tap_var z = tap_mul_scalar(x, beta);
    return tap_where(tap_gt(z, tap__scalar_like(z, threshold)), x, tap_mul_scalar(tap_softplus(z), 1 / beta));
}

tap_var tap_relu6(tap_var x)
{
    return tap_hardtanh(x, 0, 6);
}

/* Klambauer et al., Self-Normalizing Neural Networks (2017). */
tap_var tap_selu(tap_var x)
{
    return tap_mul_scalar(tap_elu(x, 1.6732632423543772), 1.0507009873554805);
}

tap_var tap_mish(tap_var x)
{
    return tap_mul(x, tap_tanh(tap_softplus(x)));
}

/* (1 + tanh u) / 2 = sigmoid(2 u), which keeps its digits for u far below 0; 2 sqrt(2/pi) = 1.5957.. */
tap_var tap_gelu_tanh(tap_var x)
{
    tap_var cubic = tap_mul(x, tap_add_scalar(tap_mul_scalar(tap_square(x), 0.044715), 1));
    return tap_mul(x, tap_sigmoid(tap_mul_scalar(cubic, 1.5957691216057308)));
}

tap_var tap_nan_to_num(tap_var x, double nan, double posinf, double neginf)
{
    const double most = tap_value(x).dtype == TAP_F32 ? (double)FLT_MAX : DBL_MAX;
    const double from[] = { (double)INFINITY, -(double)INFINITY }, to[] = { fmin(posinf, most), fmax(neginf, -most) };
    tap_var      y = tap_where(tap_eq(x, x), x, tap__scalar_like(x, nan));
    for (int i = 0; i < 2; i++) y = tap_where(tap_eq(x, tap__scalar_like(x, from[i])), tap__scalar_like(x, to[i]), y);
    return y;
}

/* From the nearer end, so that both ends are met, and a where a == b. */
tap_var tap_lerp(tap_var a, tap_var b, tap_var weight)
{
    tap_var way = tap_sub(b, a), rest = tap_add_scalar(tap_neg(weight), 1);
    tap_var near_a = tap_lt(weight, tap__scalar_like(weight, 0.5));
    return tap_where(near_a, tap_add(a, tap_mul(way, weight)), tap_sub(b, tap_mul(way, rest)));
}
