/* tests/autograd/edges_elementwise.c: elementwise operators at the edges of their domains. A row has the call, the value,
 * the gradients, their tolerances in ulp, and the reason if there is no limit somewhere. */
#include "tests/autograd/edges.h"

static const char *const below_0 = "negative numbers have no root, logarithm or power";

/* a b; 0 where a factor is 0, even if the other is infinite or NaN */
static ldouble times(ldouble a, ldouble b)
{
    return a == 0 || b == 0 ? 0 : a * b;
}

/* a / hypot(a, b); an infinite number counts as +-1, and a finite one beside it as 0 */
static ldouble over_hypot(ldouble a, ldouble b)
{
    if (isinf(a)) return copysignl(isinf(b) ? sqrtl(0.5L) : 1, a);
    return a == 0 || isinf(b) ? 0 : a / hypotl(a, b);
}

/* a log b */
static ldouble xlogy(ldouble a, ldouble b)
{
    return a == 0 && !isnan(b) ? 0 : a * logl(b);
}

/* d a^b / da */
static ldouble power_slope(ldouble a, ldouble b)
{
    ldouble y = b - 1 == b && isfinite(a) && a != 0 ? powl(a, b) / a : powl(b == rintl(b) ? a : fabsl(a), b - 1);
    return b == 0 || (y == 0 && isinf(b)) || (a == 0 && b == INF) ? 0 : b * y;
}

/* a + c (b - a), where a number of weight 0 counts as 0 */
static ldouble lerp(ldouble a, ldouble b, ldouble c)
{
    if (a == b) return a;
    return isinf(c) ? c * (b - a) : times(1 - c, a) + times(c, b);
}

/* The share of the gradient that a takes in max(a, b). */
static ldouble heaviside(ldouble a, ldouble b)
{
    return a > b ? 1 : a == b ? 0.5L : 0;
}

/* clang-format off */
#define ELEMENTWISE(X1, X2, X3)                                                                                                          \
    X1(neg, tap_neg(x), -x, -1, 0, 0, NULL)                                                                                              \
    X1(abs, tap_abs(x), fabsl(x), (x > 0) - (x < 0), 0, 0, NULL)                                                                         \
    X1(sign, tap_sign(x), isnan(x) ? x : (x > 0) - (x < 0), 0, 0, 0, NULL)                                                               \
    X1(ceil, tap_ceil(x), ceill(x), 0, 0, 0, NULL)                                                                                       \
    X1(floor, tap_floor(x), floorl(x), 0, 0, 0, NULL)                                                                                    \
    X1(round, tap_round(x), rintl(x), 0, 0, 0, NULL)                                                                                     \
    X1(trunc, tap_trunc(x), truncl(x), 0, 0, 0, NULL)                                                                                    \
    X1(square, tap_square(x), x * x, 2 * x, 1, 1, NULL)                                                                                  \
    X1(square__small, tap_square(x), x * x, 2 * x, 1, 1, NULL, .above = 0x1p-80)                                                         \
    X1(sqrt, tap_sqrt(x), sqrtl(x), x == 0 ? INF : 0.5L / sqrtl(x), 1, 2, below_0)                                                       \
    X1(rsqrt, tap_rsqrt(x), 1 / sqrtl(x), x == 0 ? -INF : -0.5L / (x * sqrtl(x)), 2, 4, below_0)                                         \
    X1(reciprocal, tap_reciprocal(x), 1 / x, -1 / (x * x), 1, 2, NULL)                                                                   \
    X1(reciprocal__small, tap_reciprocal(x), 1 / x, -1 / (x * x), 1, 2, NULL, .above = 0x1p-80)                                          \
    X1(exp, tap_exp(x), expl(x), expl(x), 1, 1, NULL)                                                                                    \
    X1(exp2, tap_exp2(x), exp2l(x), ln2 * exp2l(x), 2, 3, NULL)                                                                          \
    X1(expm1, tap_expm1(x), expm1l(x), expl(x), 2, 2, NULL)                                                                              \
    X1(log, tap_log(x), logl(x), x == 0 ? INF : 1 / x, 1.25, 1, below_0)                                                                 \
    X1(log2, tap_log2(x), log2l(x), x == 0 ? INF : 1 / (x * ln2), 2, 2, below_0)                                                         \
    X1(log10, tap_log10(x), log10l(x), x == 0 ? INF : 1 / (x * logl(10)), 3, 2, below_0)                                                 \
    X1(log1p, tap_log1p(x), log1pl(x), 1 / (1 + x), 1, 2, below_0)                                                                       \
    X1(sin, tap_sin(x), sinl(x), cosl(x), 2, 2, "no limit at infinity")                                                                   \
    X1(cos, tap_cos(x), cosl(x), -sinl(x), 2, 2, "no limit at infinity")                                                                  \
    X1(tan, tap_tan(x), tanl(x), 1 + tanl(x) * tanl(x), 2, 4, "no limit at infinity")                                                     \
    X1(asin, tap_asin(x), asinl(x), 1 / sqrtl((1 - x) * (1 + x)), 2, 4, "no angle has a sine above 1")                                   \
    X1(acos, tap_acos(x), acosl(x), -1 / sqrtl((1 - x) * (1 + x)), 2, 4, "no angle has a cosine above 1")                                \
    X1(atan, tap_atan(x), atanl(x), 1 / (1 + x * x), 2, 2, NULL)                                                                         \
    X1(sinh, tap_sinh(x), sinhl(x), coshl(x), 3, 3, NULL)                                                                                \
    X1(cosh, tap_cosh(x), coshl(x), sinhl(x), 3, 3, NULL)                                                                                \
    X1(tanh, tap_tanh(x), tanhl(x), 4 * sigmoid_slope(2 * x), 2.5, 5, NULL)                                                              \
    X1(asinh, tap_asinh(x), asinhl(x), 1 / hypotl(x, 1), 3, 2, NULL)                                                                     \
    X1(acosh, tap_acosh(x), acoshl(x), isinf(x) ? 0 : 1 / sqrtl((x - 1) * (x + 1)), 3, 4, "no cosh is below 1")                          \
    X1(atanh, tap_atanh(x), atanhl(x), 1 / ((1 - x) * (1 + x)), 3, 3, "no tanh is above 1")                                              \
    X1(erf, tap_erf(x), erfl(x), 2 / sqrtl(pi) * expl(-x * x), 2, 4, NULL)                                                               \
    X1(erfc, tap_erfc(x), erfcl(x), -2 / sqrtl(pi) * expl(-x * x), 6, 4, NULL)                                                           \
    X1(erfinv, tap_erfinv(x), erfinv(x), sqrtl(pi) / 2 * expl(erfinv(x) * erfinv(x)), 1.5, 80, "no erf is above 1")                      \
    X1(lgamma, tap_lgamma(x), lgammal(x), x == -INF ? NO_LIMIT : x == 0 ? -1 / x : digamma(x), 6, 4,                                     \
       "on either side of a pole, the slope has another sign; and there are poles down to -inf", .error_scale = 16)                            \
    X1(digamma, tap_digamma(x), x == -INF ? NO_LIMIT : digamma(x), x == 0 ? INF : polygamma(1, x), 4, 8,                                 \
       "on either side of a pole, digamma has another sign; and there are poles down to -inf", .error_scale = 16)                              \
    X1(polygamma, tap_polygamma(1, x), x == 0 ? INF : polygamma(1, x), polygamma(2, x), 8, 8,                                            \
       "there are poles down to -inf", .error_scale = 16)                                                                                      \
    X1(cast, tap_cast(x, TAP_F64), x, 1, 0, 0, NULL)                                                                                     \
    X1(detach, tap_detach(x), x, 0, 0, 0, NULL)                                                                                          \
    X1(add_scalar, tap_add_scalar(x, 3), x + 3, 1, 0.51, 0, NULL)                                                                        \
    X1(mul_scalar, tap_mul_scalar(x, -0.75), x * -0.75L, -0.75L, 0.51, 0, NULL)                                                          \
    X1(pow_scalar__0, tap_pow_scalar(x, 0), 1, 0, 0, 0, NULL)                                                                            \
    X1(pow_scalar__1, tap_pow_scalar(x, 1), x, 1, 0, 0, NULL)                                                                            \
    X1(pow_scalar__2, tap_pow_scalar(x, 2), x * x, 2 * x, 1, 1, NULL)                                                                    \
    X1(pow_scalar__half, tap_pow_scalar(x, 0.5), powl(x, 0.5L), x == 0 ? INF : power_slope(x, 0.5L), 2, 3, below_0)                      \
    X1(pow_scalar__minus_1, tap_pow_scalar(x, -1), 1 / x, -1 / (x * x), 2, 3, NULL)                                                      \
    X1(pow_scalar__small, tap_pow_scalar(x, 0x1p-20), powl(x, 0x1p-20L), x == 0 ? INF : power_slope(x, 0x1p-20L), 2, 4, below_0)         \
    X1(pow_scalar__inf, tap_pow_scalar(x, HUGE_VAL), powl(x, INF), power_slope(x, INF), 0, 0, NULL)                                      \
    X2(add, tap_add(a, b), a + b, 1, 1, 0.51, 0, "inf - inf may be anything")                                                            \
    X2(sub, tap_sub(a, b), a - b, 1, -1, 0.51, 0, "inf - inf may be anything")                                                           \
    X2(mul, tap_mul(a, b), a * b, b, a, 0.51, 0, "0 inf may be anything")                                                                \
    X2(div, tap_div(a, b), a / b, 1 / b, -a / (b * b), 0.51, 2, "0 / 0 and inf / inf may be anything")                                   \
    X2(floor_divide, tap_floor_divide(a, b), floor_divide(a, b), 0, 0, 1, 0, "0 / 0 and inf mod b may be anything")                      \
    X2(pow, tap_pow(a, b), powl(a, b), power_slope(a, b), a < 0 ? NO_LIMIT : a == 0 && b == 0 ? 0 : xlogy(powl(a, b), a), 2, 4, below_0) \
    X2(hypot, tap_hypot(a, b), hypotl(a, b), over_hypot(a, b), over_hypot(b, a), 2, 4, NULL)                                                         \
    X2(atan2, tap_atan2(a, b), atan2l(a, b), isinf(a) || isinf(b) || (a == 0 && b == 0) ? 0 : b / (a * a + b * b),                       \
       isinf(a) || isinf(b) || (a == 0 && b == 0) ? 0 : -a / (a * a + b * b), 2, 6, NULL)                                                \
    X2(xlogy, tap_xlogy(a, b), xlogy(a, b), a == 0 && b <= 0 ? 0 : logl(b), a == 0 ? 0 : b == 0 ? a * INF : a / b, 2, 2,                 \
       "negative numbers have no logarithm, and 0 inf may be anything")                                                                  \
    X2(logaddexp, tap_logaddexp(a, b), logaddexp(a, b), a == b ? 0.5L : sigmoid(a - b), a == b ? 0.5L : sigmoid(b - a), 2, 2, NULL,      \
       .error_scale = 1)                                                                                                                       \
    X3(lerp, tap_lerp(a, b, c), lerp(a, b, c), 1 - c, c, a == b ? 0 : b - a, 3, 1,                                                      \
       "inf - inf may be anything")                                                                                                      \
    X2(maximum, tap_maximum(a, b), max_nan(a, b), heaviside(a, b), heaviside(b, a), 0, 0, NULL)                                                  \
    X2(minimum, tap_minimum(a, b), min_nan(a, b), heaviside(b, a), heaviside(a, b), 0, 0, NULL)                                                  \
    X2(clamp_min, tap_clamp_min(a, b), max_nan(a, b), a >= b, a < b, 0, 0, NULL)                                                         \
    X2(clamp_max, tap_clamp_max(a, b), min_nan(a, b), a <= b, a > b, 0, 0, NULL)                                                         \
    X1(clamp, tap_clamp(x, -1, 2), min_nan(max_nan(x, -1), 2), x >= -1 && x <= 2, 0, 0, NULL)                                            \
    X1(clamp__inf, tap_clamp(x, -HUGE_VAL, HUGE_VAL), x, 1, 0, 0, NULL)                                                                  \
    X1(nan_to_num, tap_nan_to_num(x, 7, 8, -9), isnan(x) ? 7 : x == INF ? 8 : x == -INF ? -9 : x, isfinite(x), 0, 0, NULL)               \
    X2(where, tap_where(tap_gt(a, tap_scalar_like(a, 1)), a, b), a > 1 ? a : b, a > 1, !(a > 1), 0, 0, NULL)                             \
    X2(where__masked, tap_where(tap_isfinite(b), tap_mul(a, b), tap_scalar_like(a, 1)), isfinite(b) ? a * b : 1, isfinite(b) ? b : 0,    \
       isfinite(b) ? a : 0, 0.51, 0, "0 inf may be anything", .by_parts = true)                                                          \
    X1(masked_fill, tap_masked_fill(x, tap_isnan(x), 5), isnan(x) ? 5 : x, 1, 0, 0, NULL)                                                \
    X1(masked_fill__root, tap_masked_fill(tap_sqrt(x), tap_le(x, tap_scalar_like(x, 0)), 5), x <= 0 ? 5 : sqrtl(x),                      \
       x <= 0 ? 0 : 0.5L / sqrtl(x), 1, 2, NULL, .by_parts = true)                                                                       \
    X2(eq, tap_eq(a, b), a == b, 0, 0, 0, 0, NULL)                                                                                       \
    X2(ne, tap_ne(a, b), a != b, 0, 0, 0, 0, NULL)                                                                                       \
    X2(lt, tap_lt(a, b), a < b, 0, 0, 0, 0, NULL)                                                                                        \
    X2(le, tap_le(a, b), a <= b, 0, 0, 0, 0, NULL)                                                                                       \
    X2(gt, tap_gt(a, b), a > b, 0, 0, 0, 0, NULL)                                                                                        \
    X2(ge, tap_ge(a, b), a >= b, 0, 0, 0, 0, NULL)                                                                                       \
    X2(logical_and, tap_logical_and(a, b), a != 0 && b != 0, 0, 0, 0, 0, NULL)                                                           \
    X2(logical_or, tap_logical_or(a, b), a != 0 || b != 0, 0, 0, 0, 0, NULL)                                                             \
    X1(logical_not, tap_logical_not(x), x == 0, 0, 0, 0, NULL)                                                                           \
    X1(isnan, tap_isnan(x), isnan(x) != 0, 0, 0, 0, NULL)                                                                                \
    X1(isinf, tap_isinf(x), isinf(x) != 0, 0, 0, 0, NULL)                                                                                \
    X1(isfinite, tap_isfinite(x), isfinite(x) != 0, 0, 0, 0, NULL)

EDGE_TABLE(elementwise_edges, ELEMENTWISE)
/* clang-format on */
