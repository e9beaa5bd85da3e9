/* nn/functional/dropout.c: dropout (Srivastava et al. 2014), scaled while training so that inference needs no change. */
#include "nn/nn.h"

tap_var tap_dropout(tap_var x, double p, bool training)
{
    TAP_CALL("dropout", x);
    if (tap_tape_status(x.tape, NULL) != TAP_OK) return (tap_var){ .tape = x.tape };
    if (!(p >= 0 && p <= 1)) return tap_fail(x, TAP_EARG, "p must be within 0..1, not %g", p);
    if (!training || p == 0) return x;
    tap_var u = tap_rand(x.tape, tap_shape_of(x)), zero = tap_scalar_like(x, 0);
    return tap_where(tap_ge(u, tap_scalar_like(u, p)), tap_mul_scalar(x, p < 1 ? 1 / (1 - p) : 0), zero);
}
