/* tests/autograd/edges_activations.c: activations, and the private operators of rules and densities (autograd/ops/rules.h),
 * at the edges of their domains. */
#include "autograd/ops/rules.h"
#include "tests/autograd/edges.h"

/* sigmoid(x) - t */
static ldouble minus(ldouble x, ldouble t)
{
    if (fabsl(x) < 1) return tanhl(x / 2) / 2 + (0.5L - t);
    return x > 0 ? (1 - t) - sigmoid(-x) : sigmoid(x) - t;
}

/* x s; 0 where s is 0. s is the factor of x in an activation. */
static ldouble gated(ldouble x, ldouble s)
{
    return s == 0 ? 0 : x * s;
}

static ldouble silu_slope(ldouble x)
{
    return isinf(x) ? x > 0 : sigmoid(x) * (1 + x * sigmoid(-x));
}

static ldouble gelu_slope(ldouble x)
{
    return isinf(x) ? x > 0 : erfcl(-x / sqrtl(2)) / 2 + x * expl(-x * x / 2) / sqrtl(2 * pi);
}

static ldouble gelu_tanh_slope(ldouble x)
{
    const ldouble c = 2 * sqrtl(2 / pi), u = c * (x + 0.044715L * x * x * x);
    return fabsl(x) > 100 ? x > 0 : sigmoid(u) + x * c * (1 + 0.134145L * x * x) * sigmoid_slope(u);
}

static ldouble mish_slope(ldouble x)
{
    const ldouble s = softplus(x);
    return fabsl(x) > 2e4L ? x > 0 : tanhl(s) + x * 4 * sigmoid_slope(2 * s) * sigmoid(x);
}

static ldouble gelu_tanh_second(ldouble x)
{
    const ldouble c = 2 * sqrtl(2 / pi), k = 0.044715L, u = c * (x + k * x * x * x), du = c * (1 + 3 * k * x * x),
                  ddu = 6 * c * k * x;
    return fabsl(x) > 100 ? 0 : sigmoid_slope(u) * (2 * du + x * (ddu - tanhl(u / 2) * du * du));
}

static ldouble mish_second(ldouble x)
{
    const ldouble s = softplus(x), t = tanhl(s), p = sigmoid(x);
    return fabsl(x) > 1e4L ? 0 : 4 * sigmoid_slope(2 * s) * p * (2 + x * (1 - p - 2 * t * p));
}

/* y, a product or quotient of the gradient a; 0 where a is 0 and y is NaN */
static ldouble chain(ldouble a, ldouble y)
{
    return a == 0 && isnan(y) ? 0 : y;
}

#define ONE tap_full_like(x, 1)

static ldouble times(ldouble a, ldouble b)
{
    return a == 0 || b == 0 ? 0 : a * b;
}

/* e^a (a - b), and e^a (e^d - 1 - d) with d = b - a */
static ldouble categorical_kl_grad(ldouble a, ldouble b)
{
    if (isnan(a) || isnan(b)) return NO_LIMIT;
    return a == b || a == -INF ? 0 : b == -INF ? INF : expl(a) * (a - b);
}

static ldouble categorical_kl_term(ldouble a, ldouble b)
{
    const ldouble d = b - a;
    if (a == b) return 0;
    if (isinf(d)) return d < 0 ? INF : expl(b);
    return d < 1 ? expl(a) * expm1_minus_x(d) : expl(b) * (1 - (d > 1e4L ? 0 : (1 + d) * expl(-d)));
}

/* x clamped to +-1e35: gradients at infinite x have no limit. */
static ldouble clamp_finite(ldouble x)
{
    return min_nan(max_nan(x, -1e35L), 1e35L);
}

static ldouble bernoulli_kl_grad(ldouble a, ldouble b)
{
    if (isnan(a) || isnan(b)) return NO_LIMIT;
    return a == b || isinf(a) ? 0 : isinf(b) ? -b : sigmoid_slope(a) * (a - b);
}

static ldouble cb_kl_grad(ldouble a, ldouble b)
{
    if (isnan(a) || isnan(b)) return NO_LIMIT;
    return a == b || isinf(a) ? 0 : isinf(b) ? -b : cb_cumulant(2, a) * (a - b);
}

/* a / hypot(a, b) for finite b */
static ldouble over_hypot(ldouble a, ldouble b)
{
    return isinf(a) ? copysignl(1, a) : a / hypotl(a, b);
}

/* clang-format off */
#define ACTIVATIONS(X1, X2, X3)                                                                                                       \
    X1(sigmoid, tap_sigmoid(x), sigmoid(x), sigmoid_slope(x), 2, 5, NULL)                                                             \
    X1(softplus, tap_softplus(x), softplus(x), sigmoid(x), 2, 2, NULL)                                                                \
    X1(log_sigmoid, tap_log_sigmoid(x), -softplus(-x), sigmoid(-x), 2, 2, NULL)                                                       \
    X1(softsign, tap_softsign(x), isinf(x) ? copysignl(1, x) : x / (1 + fabsl(x)), 1 / ((1 + fabsl(x)) * (1 + fabsl(x))), 2, 4, NULL) \
    X1(relu, tap_relu(x), max_nan(x, 0), x > 0, 0, 0, NULL)                                                                           \
    X1(relu6, tap_relu6(x), min_nan(max_nan(x, 0), 6), x > 0 && x < 6, 0, 0, NULL)                                                    \
    X1(hardtanh, tap_hardtanh(x, -1, 2), min_nan(max_nan(x, -1), 2), x > -1 && x < 2, 0, 0, NULL)                                     \
    X1(silu, tap_silu(x), gated(x, sigmoid(x)), silu_slope(x), 3, 6, NULL, .tiny = 1024)                                              \
    X1(gelu, tap_gelu(x), gated(x, erfcl(-x / sqrtl(2)) / 2), gelu_slope(x), 4, 16, NULL, .tiny = 64)                                 \
    X1(gelu_tanh, tap_gelu_tanh(x), gelu_tanh(x), gelu_tanh_slope(x), 17, 32, NULL, .error_scale = 0.001)                                   \
    X1(mish, tap_mish(x), gated(x, tanhl(softplus(x))), mish_slope(x), 4, 16, NULL, .tiny = 1024)                                     \
    X1(leaky_relu, tap_leaky_relu(x, 0.125), x > 0 ? x : x * 0.125L, x > 0 ? 1 : 0.125L, 1, 0, NULL)                                  \
    X1(leaky_relu__steep, tap_leaky_relu(x, HUGE_VAL), x >= 0 ? x : x * INF, x > 0 ? 1 : INF, 0, 0, NULL)                             \
    X1(elu, tap_elu(x, 1.5), x > 0 ? x : 1.5L * expm1l(x), x > 0 ? 1 : 1.5L * expl(x), 3, 3, NULL)                                    \
    X1(elu_slope, tap__elu_slope(x, 1.5), x > 0 ? 1 : 1.5L * expl(x), x > 0 ? 0 : 1.5L * expl(x), 3, 3, NULL)                         \
    X1(celu, tap_celu(x, 1.5), x > 0 ? x : 1.5L * expm1l(x / 1.5L), x > 0 ? 1 : expl(x / 1.5L), 3, 300, NULL)                         \
    X1(celu__relu, tap_celu(x, 0x1p-149), x > 0 ? x : 0x1p-149L * expm1l(x * 0x1p149L), x > 0 ? 1 : expl(x * 0x1p149L), 3, 2, NULL)   \
    X1(celu__linear, tap_celu(x, HUGE_VAL), x == -INF ? NO_LIMIT : x, 1, 0, 0, "inf / inf may be anything")                           \
    X1(celu_slope, tap__celu_slope(x, 1.5), x > 0 ? 1 : expl(x / 1.5L), x > 0 ? 0 : expl(x / 1.5L) / 1.5L, 300, 300, NULL)            \
    X1(selu, tap_selu(x), 1.0507009873554804934193349852946L * (x > 0 ? x : 1.6732632423543772848170429916717L * expm1l(x)),          \
       1.0507009873554804934193349852946L * (x > 0 ? 1 : 1.6732632423543772848170429916717L * expl(x)), 4, 4, NULL)                   \
    X1(softplus_beta, tap_softplus_beta(x, 2, 20), x > 10 ? x : softplus(2 * x) / 2, x > 10 ? 1 : sigmoid(2 * x), 2, 2, NULL)         \
    X1(softplus_beta__steep, tap_softplus_beta(x, 0x1p100, HUGE_VAL), softplus(x * 0x1p100L) / 0x1p100L, sigmoid(x * 0x1p100L), 3,    \
       2, NULL)                                                                                                                       \
    X1(softplus_beta_slope, tap__softplus_beta_slope(x, 2, 20), x > 10 ? 1 : sigmoid(2 * x), x > 10 ? 0 : 2 * sigmoid_slope(2 * x), 2, 4, NULL, \
       .by_parts = true)                                                                                                              \
    X2(bce_with_logits, tap_bce_with_logits(a, b), softplus(-fabsl(a)) + (b == (a > 0) ? 0 : a * ((a > 0) - b)),                      \
       minus(a, b), -a, 3, 3, "0 (inf - inf) may be anything")                                                                        \
    X2(bernoulli_log_prob, tap__bernoulli_log_prob(a, b),                                                                             \
       b < 0 || b > 1 ? -INF : (b == (a > 0) ? 0 : a * (b - (a > 0))) - softplus(-fabsl(a)),                                          \
       b < 0 || b > 1 ? 0 : -minus(a, b), b < 0 || b > 1 ? 0 : a, 3, 3, NULL)                                                         \
    X2(sigmoid_sub, tap__sigmoid_sub(a, b), minus(a, b), sigmoid_slope(a), -1, 3, 4, NULL)                                            \
    X2(bernoulli_grad, tap__bernoulli_grad(tap_full_like(a, 1), a, b), a < 0 || a > 1 ? 0 : -minus(b, a), a >= 0 && a <= 1, a < 0 || a > 1 ? 0 : -sigmoid_slope(b), 3, 4, NULL)

#define PIECES(X1, X2, X3)                                                                                                         \
    X2(chain_mul, tap__chain_mul(a, b), chain(a, a * b), b, a, 0.51, 0, "inf 0 may be anything")                                   \
    X2(chain_div, tap__chain_div(a, b), chain(a, a / b), 1 / b, a == 0 ? 0 : -a / (b * b), 0.51, 2, "inf / inf may be anything")   \
    X2(abs_grad, tap__abs_grad(a, b), times(a, (b > 0) - (b < 0)), (b > 0) - (b < 0), 0, 0, 0, NULL)                               \
    X2(relu_grad, tap__relu_grad(a, b), b > 0 ? a : 0, b > 0, 0, 0, 0, NULL)                                                       \
    X1(sqrt_grad, tap__sqrt_grad(ONE, tap_sqrt(x)), x < 0 ? NO_LIMIT : x == 0 ? INF : 0.5L / sqrtl(x), x == 0 ? -INF : -0.25L / x / sqrtl(x), \
       2, 4, "negative numbers have no root")                                                                                      \
    X2(log_grad, tap__log_grad(a, b), chain(a, a / (b == 0 ? 0 : b)), 1 / (b == 0 ? 0 : b), a == 0 ? 0 : -a / (b * b), 1, 2,       \
       "inf / inf may be anything")                                                                                                \
    X1(atan_grad, tap__atan_grad(ONE, x), 1 / (1 + x * x), isinf(x) ? 0 : -2 * x / ((1 + x * x) * (1 + x * x)), 2, 4, NULL)        \
    X1(acosh_grad, tap__acosh_grad(ONE, x), x < 1 ? NO_LIMIT : isinf(x) ? 0 : 1 / sqrtl((x - 1) * (x + 1)),                        \
       isinf(x) ? 0 : -x / sqrtl((x - 1) * (x + 1)) / (x - 1) / (x + 1), 4, 8, "no cosh is below 1")                               \
    X1(tanh_grad, tap__tanh_grad(ONE, x, tap_tanh(x)), 4 * sigmoid_slope(2 * x), -8 * tanhl(x) * sigmoid_slope(2 * x), 5, 9, NULL) \
    X1(sigmoid_grad, tap__sigmoid_grad(ONE, x, tap_sigmoid(x)), sigmoid_slope(x), -sigmoid_slope(x) * tanhl(x / 2), 5, 8, NULL)    \
    X1(silu_grad, tap__silu_grad(ONE, x), silu_slope(x), times(sigmoid_slope(x), 2 - x * tanhl(x / 2)), 6, 12, NULL, .tiny = 1024, .by_parts = true) \
    X1(gelu_tanh_grad, tap__gelu_tanh_grad(ONE, x), gelu_tanh_slope(x), gelu_tanh_second(x), 32, 64, NULL, .error_scale = 0.001)         \
    X1(mish_grad, tap__mish_grad(ONE, x), mish_slope(x), mish_second(x), 16, 48, NULL, .tiny = 8192, .by_parts = true)             \
    X1(exp_square, tap__exp_square(x, -0.5), expl(-x * x / 2), times(-x, expl(-x * x / 2)), 2, 3, NULL)                            \
    X2(safe_sub, tap__safe_sub(a, b), a == b ? 0 : a - b, 1, -1, 0.51, 0, NULL)                                                    \
    X2(sigmoid_of_difference, tap__sigmoid_of_difference(a, b), a == b ? 0.5L : sigmoid(a - b), a == b ? 0.25L : sigmoid_slope(a - b), a == b ? -0.25L : -sigmoid_slope(a - b), 16, 16, NULL) \
    X2(heaviside_of_difference, tap__heaviside_of_difference(a, b), a > b ? 1 : a == b ? 0.5L : 0, 0, 0, 0, 0, NULL)               \
    X1(hypot_slope, tap__hypot_slope(x, ONE), over_hypot(x, 1), isinf(x) ? 0 : over_hypot(1, x) * over_hypot(1, x) / hypotl(x, 1), 3, 12, NULL)      \
    X2(xlogy_slope, tap__xlogy_slope(a, b), a == 0 && !isnan(b) ? 0 : a / (b == 0 ? 0 : b), 1 / (b == 0 ? 0 : b), a == 0 ? 0 : -a / (b * b), 1, 2, \
       "inf / inf may be anything")                                                                                                \
    X2(mask_unit_interval, tap__mask_unit_interval(a, b), b < 0 || b > 1 ? 0 : a, b >= 0 && b <= 1, 0, 0, 0, NULL)

#define LEVEL(x) tap_neg(tap_abs(x)) /* like log-probabilities, not above 0 */
#define SIGN(x)  (((x) > 0) - ((x) < 0))

#define DENSITIES(X1, X2, X3)                                                                                                             \
    X2(sub_to_neg_inf, tap__sub_to_neg_inf(a, b), a == INF && b == a ? -a : a - b, 1, -1, 0.51, 0, "inf - inf may be anything")           \
    X2(sub_square, tap__sub_square(a, b), isnan(b) ? b : a == INF ? isinf(b) ? -a : a : a - b * b, 1, -2 * b, 1, 1, NULL)                 \
    X2(times_exp, tap__times_exp(a, b, tap_exp(tap_mul_scalar(b, 0.5))), a == 0 ? 0 : mul_exp(a, b), expl(b), mul_exp(a, b), 4, 4,        \
       "inf 0 may be anything")                                                                                                           \
    X1(expm1_minus_x, tap__expm1_minus_x(x), expm1_minus_x(x), expm1l(x), 5, 2, NULL)                                                     \
    X2(exp_difference, tap__exp_difference(a, b), exp_difference(a, b), expl(a), -expl(b), 4, 2, NULL)                                    \
    X2(categorical_kl_term, tap__categorical_kl_term(LEVEL(a), LEVEL(b)), categorical_kl_term(-fabsl(a), -fabsl(b)), times(-SIGN(a), categorical_kl_grad(-fabsl(a), -fabsl(b))), \
       -SIGN(b) * exp_difference(-fabsl(b), -fabsl(a)), 16, 8, NULL, .tiny = 4)                                                           \
    X2(categorical_kl_grad, tap__categorical_kl_grad(LEVEL(a), LEVEL(b)), categorical_kl_grad(-fabsl(a), -fabsl(b)),                      \
       times(-SIGN(a), categorical_kl_grad(-fabsl(a), -fabsl(b)) + expl(-fabsl(a))), SIGN(b) * expl(-fabsl(a)), 8, 8, NULL, .error_scale = 0.1) \
    X1(bernoulli_entropy, tap__bernoulli_entropy(x), bernoulli_entropy(x), -times(sigmoid_slope(x), x), 6, 6, NULL, .tiny = 16)           \
    X2(bernoulli_kl, tap__bernoulli_kl(a, b), bernoulli_kl(a, b), bernoulli_kl_grad(a, b), sigmoid_difference(b, a), 24, 8, NULL, .tiny = 16) \
    X2(bernoulli_kl_grad, tap__bernoulli_kl_grad(a, tap_clamp(b, -1e35, 1e35)), bernoulli_kl_grad(a, clamp_finite(b)),                            \
       sigmoid_slope(a) - times(bernoulli_kl_grad(a, clamp_finite(b)), tanhl(a / 2)), b == clamp_finite(b) ? -sigmoid_slope(a) : 0, 6, 12,                \
       NULL, .error_scale = 0.1)                                                                                                                \
    X2(sigmoid_difference, tap__sigmoid_difference(a, b), sigmoid_difference(a, b), sigmoid_slope(a), -sigmoid_slope(b), 6, 6, NULL)      \
    X1(cb_cumulant__log, tap__cb_cumulant(x, 0), cb_cumulant(0, x), cb_cumulant(1, x), 16, 16, NULL)                                      \
    X1(cb_cumulant__mean, tap__cb_cumulant(x, 1), cb_cumulant(1, x), cb_cumulant(2, x), 16, 24, NULL)                                     \
    X1(cb_cumulant__variance, tap__cb_cumulant(x, 2), cb_cumulant(2, x), cb_cumulant(3, x), 24, 64, NULL)                                 \
    X2(cb_mean_difference, tap__cb_mean_difference(a, b), cb_mean_difference(a, b), cb_cumulant(2, a), -cb_cumulant(2, b), 32, 24, NULL)  \
    X2(cb_kl, tap__cb_kl(a, b), cb_kl(a, b), cb_kl_grad(a, b), cb_mean_difference(b, a), 64, 32, NULL)                                    \
    X2(cb_kl_grad, tap__cb_kl_grad(a, tap_clamp(b, -1e35, 1e35)), cb_kl_grad(a, clamp_finite(b)),                                                 \
       cb_cumulant(2, a) + times(cb_cumulant(3, a), a == clamp_finite(b) ? 0 : a - clamp_finite(b)), b == clamp_finite(b) ? -cb_cumulant(2, a) : 0, 24, 96, NULL, .error_scale = 1e-6, \
       .by_parts = true)

EDGE_TABLE(density_edges, DENSITIES)
EDGE_TABLE(activation_edges, ACTIVATIONS)
EDGE_TABLE(piece_edges, PIECES)
/* clang-format on */
