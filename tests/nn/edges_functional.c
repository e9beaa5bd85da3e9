/* tests/nn/edges_functional.c: activations of nn.h, and dropout, at the edges of their domains. */
#include "autograd/ops/rules.h"
#include "nn/nn.h"
#include "tests/autograd/edges.h"

/* With a weight for each element: as channels of one example. */
static tap_var prelu(tap_var x, tap_var weight)
{
    const tap_shape s = tap_shape_of(x);
    return tap_reshape(tap_prelu(tap_reshape(x, TAP_SHAPE(1, -1)), weight), s);
}

static tap_var glu(tap_var a, tap_var b)
{
    return tap_glu(tap_cat(2, (tap_var[]){ a, b }, 0), 0);
}

/* a sigmoid(b) and a sigmoid'(b), of which no b that is finite makes a number when a is infinite */
static ldouble gated(ldouble a, ldouble b)
{
    return isinf(a) && b > -INF ? a : a * sigmoid(b);
}

static ldouble gated_slope(ldouble a, ldouble b)
{
    const ldouble e = expl(-fabsl(b));
    return isinf(a) && isfinite(b) ? a : a * e / ((1 + e) * (1 + e));
}

/* hi - softplus(hi - lo - softplus(x - lo)) for -3 and 5 */
static ldouble clipped(ldouble x)
{
    return x < 1 ? softplus(x + 3) - 3 - (softplus(softplus(x + 3) - 8) - 0) : 5 - softplus(8 - softplus(x + 3));
}

/* clang-format off */
#define FUNCTIONAL(X1, X2, X3)                                                                                                        \
    X2(prelu, prelu(a, b), a > 0 ? a : a * b, a > 0 ? 1 : b, a > 0 ? 0 : a, 0.51, 0, "0 inf may be anything", .by_parts = true)       \
    X2(glu, glu(a, b), gated(a, b), sigmoid(b), gated_slope(a, b), 3, 5, "inf 0 may be anything")                                     \
    X2(gated, tap__gated(a, b), gated(a, b), sigmoid(b), gated_slope(a, b), 3, 5, "inf 0 may be anything")                            \
    X2(gated_grad, tap__gated_grad(a, b), a == 0 ? 0 : gated(a, b), sigmoid(b), gated_slope(a, b), 3, 5, "inf 0 may be anything")     \
    X1(gated_slope, tap__gated_slope(tap_full_like(x, 1), x), gated_slope(1, x), -gated_slope(tanhl(x / 2), x), 5, 9, NULL)           \
    X1(smooth_clip, tap_smooth_clip(x, -3, 5), clipped(x), sigmoid(8 - softplus(x + 3)) * sigmoid(x + 3), 2, 8, NULL, .error_scale = 4)     \
    X1(dropout, tap_dropout(x, 1, true), 0, 0, 0, 0, NULL)                                                                            \
    X1(dropout__none, tap_dropout(x, 0, true), x, 1, 0, 0, NULL)                                                                      \
    X1(identity, tap_identity(x), x, 1, 0, 0, NULL)

EDGE_TABLE(functional_edges, FUNCTIONAL)
/* clang-format on */
