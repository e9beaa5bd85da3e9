/* nn/dist/formulas.c: parts of the formulas of several families. */
#include "nn/dist/distribution.h"

tap_var tap__divide_by_scale(tap_var x, tap_var log_scale, double k)
{
    tap_var half = tap_exp(tap_mul_scalar(log_scale, -0.5));
    return tap__times_exp(x, tap_neg(log_scale), k == 1 ? half : tap_mul_scalar(half, k));
}

tap_var tap__neg_inf_where(tap_var log_prob, tap_var outside)
{
    return tap_masked_fill(log_prob, outside, -(double)INFINITY);
}

tap_var tap__outside_unit_interval(tap_var x)
{
    return tap_logical_or(tap_lt(x, tap_scalar_like(x, 0)), tap_gt(x, tap_scalar_like(x, 1)));
}

tap_var tap__outside_integers(tap_var x, tap_var max)
{
    tap_var zero = tap_scalar_like(x, 0), fraction = tap_sub(x, tap_floor(x));
    return tap_logical_or(tap_logical_or(tap_lt(x, zero), tap_gt(x, max)), tap_gt(fraction, zero));
}

tap_var tap__detach_f64(tap_var x)
{
    tap_var v = tap_detach(x);
    return tap_value(v).dtype == TAP_F64 ? v : tap_cast(v, TAP_F64);
}

tap_var tap__to_f64(tap_var x)
{
    return tap_value(x).dtype == TAP_F32 ? tap_cast(x, TAP_F64) : x;
}

tap_var tap__to_dtype_of(tap_var x, tap_var like)
{
    return tap_value(like).dtype == TAP_F32 ? tap_cast(x, TAP_F32) : x;
}
