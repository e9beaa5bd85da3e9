/* The edges of KL(q || p): rows of Q__kl__P. Locations are a and 0, and log-scales b of q and c of p, multiples of the grid's numbers. */
#include "tests/nn/edge_tables.h"

enum { K = 30 };

static ldouble times(ldouble a, ldouble b)
{
    return a == 0 || b == 0 ? 0 : a * b;
}

static const ldouble half_log_2pi = 0.918938533204672741780329736405617639861L;

/* ---- Gaussians ---- */

static ldouble gaussians(ldouble a, ldouble b, ldouble c)
{
    const ldouble u = mul_exp(a, -c);
    return expm1_minus_x(2 * (b - c)) / 2 + u * u / 2;
}

static ldouble gaussians_by_a(ldouble a, ldouble c)
{
    return mul_exp(mul_exp(a, -c), -c);
}

static ldouble gaussians_by_b(ldouble b, ldouble c)
{
    return expm1l(2 * (b - c));
}

static ldouble gaussians_by_c(ldouble a, ldouble b, ldouble c)
{
    const ldouble u = mul_exp(a, -c);
    return -expm1l(2 * (b - c)) - u * u;
}

static ldouble within(ldouble x)
{
    return min_nan(max_nan(x, -2), 2);
}

/* ---- Laplace ---- */

/* e^-|x| - 1 + |x| */
static ldouble bend(ldouble x)
{
    return expm1_minus_x(-fabsl(x));
}

static ldouble laplaces(ldouble a, ldouble b, ldouble c)
{
    const ldouble u = mul_exp(fabsl(a), -b), d = b - c;
    if (isnan(u)) return u;
    return u > 50 ? mul_exp(fabsl(a), -c) - 1 - d : expm1_minus_x(d) + times(expl(d), bend(u));
}

static ldouble laplaces_by_a(ldouble a, ldouble b, ldouble c)
{
    return copysignl(mul_exp(-expm1l(-mul_exp(fabsl(a), -b)), -c), a);
}

static ldouble laplaces_by_b(ldouble a, ldouble b, ldouble c)
{
    const ldouble u = mul_exp(fabsl(a), -b), d = b - c;
    return u > 50 ? -1 : expm1l(d) + times(expl(d), expl(-u) * (1 + u) - 1);
}

static ldouble laplaces_by_c(ldouble a, ldouble b, ldouble c)
{
    const ldouble u = mul_exp(fabsl(a), -b), d = b - c;
    return u > 50 ? 1 - mul_exp(fabsl(a), -c) : -expm1l(d) - times(expl(d), bend(u));
}

/* E|z| / scale_p, z from N(a, e^b) */
static ldouble mean_distance(ldouble a, ldouble b, ldouble c)
{
    const ldouble u = mul_exp(a, -b) / sqrtl(2), half = expl(-u * u);
    return times(expl(b - c), sqrtl(2 / pi) * half) + mul_exp(times(a, erfl(u)), -c);
}

static ldouble normal_laplace(ldouble a, ldouble b, ldouble c)
{
    if (mean_distance(a, b, c) == INF && !isnan(c - b)) return INF;
    return mean_distance(a, b, c) + (c - b) + ln2 - half_log_2pi - 0.5L;
}

static ldouble bell_of(ldouble a, ldouble b, ldouble c)
{
    const ldouble u = mul_exp(a, -b) / sqrtl(2);
    return times(expl(b - c), sqrtl(2 / pi) * expl(-u * u));
}

static ldouble laplace_normal(ldouble a, ldouble b, ldouble c)
{
    const ldouble u = mul_exp(a, -c);
    if (b - c == INF && !isnan(a)) return INF;
    return (c - b) + half_log_2pi - ln2 - 1 + expl(2 * (b - c)) + u * u / 2;
}

#define LIMITED    .max_fraction = 0.5e-6
#define STEEP(v)   tap_mul_scalar(v, K)
#define NEAR(v)    tap_clamp(v, -2, 2)
#define NOTHING(x) tap_full_like(x, 0)
#define AXIS(x)    tap_unsqueeze(x, -1)
#define MATRIX(x)  AXIS(AXIS(tap_exp(x)))
#define FIRST(x)   tap_select(x, -1, 0)
#define TWO(x)     tap_stack(2, (tap_var[]){ x, NOTHING(x) }, -1)
#define IS_NEAR(v) ((v) >= -2 && (v) <= 2)
#define SAME       "inf - inf and inf 0 may be anything"

#define N(loc, s)    tap_normal(loc, s)
#define N1(loc, s)   tap_normal(AXIS(loc), AXIS(s))
#define ISO(loc, s)  tap_isotropic_normal(AXIS(loc), s)
#define MANY(loc, s) tap_multivariate_normal(AXIS(loc), MATRIX(s))

/* clang-format off */
#define GAUSSIANS(X3, id, q, p)                                                                                                      \
    X3(id, tap_kl(q(a, STEEP(b)), p(NOTHING(a), STEEP(c))), gaussians(a, K * b, K * c), gaussians_by_a(a, K * c),                    \
       K * gaussians_by_b(K * b, K * c), K * gaussians_by_c(a, K * b, K * c), 32, 32, SAME, .error_scale = 32, .by_parts = true, LIMITED, .finite = true)
/* By factors, which take what is near from what is near. */
#define FACTORS(X3, id, q, p)                                                                                                        \
    X3(id, tap_kl(q(NEAR(a), NEAR(b)), p(NOTHING(a), NEAR(c))), gaussians(within(a), within(b), within(c)),                          \
       IS_NEAR(a) ? gaussians_by_a(a, within(c)) : 0, IS_NEAR(b) ? gaussians_by_b(b, within(c)) : 0,                                 \
       IS_NEAR(c) ? gaussians_by_c(within(a), within(b), c) : 0, 32, 32, NULL, .error_scale = 4, .matrices = true)
#define POINT(X2, p, density)                                                                                                        \
    X2(delta__kl__##p, tap_kl(tap_delta(a), density), INF, 0, 0, 0, 0, NULL)
#define POINT_1(X2, p, density)                                                                                                      \
    X2(delta__kl__##p, tap_kl(tap_delta(AXIS(a)), density), INF, 0, 0, 0, 0, NULL)

#define ROWS(X1, X2, X3)                                                                                                             \
    GAUSSIANS(X3, normal__kl__normal, N, N)                                                                                          \
    GAUSSIANS(X3, normal__kl__isotropic_normal, N1, ISO)                                                                             \
    GAUSSIANS(X3, isotropic_normal__kl__normal, ISO, N1)                                                                             \
    GAUSSIANS(X3, isotropic_normal__kl__isotropic_normal, ISO, ISO)                                                                  \
    GAUSSIANS(X3, log_normal__kl__log_normal, tap_log_normal, tap_log_normal)                                                        \
    FACTORS(X3, normal__kl__multivariate_normal, N1, MANY)                                                                           \
    FACTORS(X3, isotropic_normal__kl__multivariate_normal, ISO, MANY)                                                                \
    FACTORS(X3, multivariate_normal__kl__normal, MANY, N1)                                                                           \
    FACTORS(X3, multivariate_normal__kl__isotropic_normal, MANY, ISO)                                                                \
    FACTORS(X3, multivariate_normal__kl__multivariate_normal, MANY, MANY)                                                            \
    X2(normal__kl__normal__near, tap_kl(N(NOTHING(a), a), N(NOTHING(a), b)), gaussians(0, a, b), gaussians_by_b(a, b), -gaussians_by_b(a, b), \
       32, 32, SAME, LIMITED, .finite = true, .by_parts = true)                                                                                        \
    X3(laplace__kl__laplace, tap_kl(tap_laplace(a, STEEP(b)), tap_laplace(NOTHING(a), STEEP(c))), laplaces(a, K * b, K * c),         \
       laplaces_by_a(a, K * b, K * c), K * laplaces_by_b(a, K * b, K * c), K * laplaces_by_c(a, K * b, K * c), 32, 32, SAME, .error_scale = 32,           \
       .by_parts = true, LIMITED, .finite = true)                                                                                                      \
    X2(laplace__kl__laplace__near, tap_kl(tap_laplace(NOTHING(a), a), tap_laplace(NOTHING(a), b)), expm1_minus_x(a - b), expm1l(a - b),   \
       -expm1l(a - b), 32, 32, SAME, LIMITED, .finite = true, .by_parts = true)                                                                        \
    X3(normal__kl__laplace, tap_kl(N(a, STEEP(b)), tap_laplace(NOTHING(a), STEEP(c))), normal_laplace(a, K * b, K * c),              \
       mul_exp(erfl(mul_exp(a, -K * b) / sqrtl(2)), -K * c), K * (bell_of(a, K * b, K * c) - 1),                             \
       K * (1 - mean_distance(a, K * b, K * c)), 32, 64, SAME, .error_scale = 256, .by_parts = true, LIMITED, .finite = true)                                \
    X3(laplace__kl__normal, tap_kl(tap_laplace(a, STEEP(b)), N(NOTHING(a), STEEP(c))), laplace_normal(a, K * b, K * c),              \
       gaussians_by_a(a, K * c), K * (2 * expl(2 * (K * b - K * c)) - 1),                                                            \
       K * (1 - 2 * expl(2 * (K * b - K * c)) - 2 * gaussians_by_a(a, K * c) * a / 2), 32, 64, SAME, .error_scale = 256, .by_parts = true, LIMITED,          \
       .finite = true)                                                                                                                              \
    X2(bernoulli__kl__bernoulli, tap_kl(tap_bernoulli(a), tap_bernoulli(b)), bernoulli_kl(a, b), bernoulli_by_q(a, b), sigmoid_difference(b, a), \
       24, 8, NULL, .tiny = 16)                                                                                                      \
    X2(categorical__kl__categorical, tap_kl(tap_categorical(TWO(a)), tap_categorical(TWO(b))), bernoulli_kl(a, b),                   \
       bernoulli_by_q(a, b), sigmoid_difference(b, a), 64, 64, CERTAIN, .error_scale = 4, .by_parts = true, LIMITED, .finite = true)                                \
    X2(one_hot_categorical__kl__one_hot_categorical, tap_kl(tap_one_hot_categorical(TWO(a)), tap_one_hot_categorical(TWO(b))),       \
       bernoulli_kl(a, b), bernoulli_by_q(a, b), sigmoid_difference(b, a), 64, 64, CERTAIN, .error_scale = 4, .by_parts = true, LIMITED, .finite = true)            \
    X2(continuous_bernoulli__kl__continuous_bernoulli, tap_kl(tap_continuous_bernoulli(a), tap_continuous_bernoulli(b)), cb_kl(a, b), \
       continuous_by_q(a, b), cb_mean_difference(b, a), 64, 32, NULL)                                                                          \
    X2(delta__kl__delta, tap_kl(tap_delta(a), tap_delta(b)), isnan(a) || isnan(b) ? NO_LIMIT : a == b ? 0 : INF, 0, 0, 0, 0, NULL)   \
    POINT(X2, normal, N(b, b)) POINT_1(X2, isotropic_normal, ISO(b, b)) POINT_1(X2, multivariate_normal, MANY(b, NOTHING(b)))        \
    POINT(X2, log_normal, tap_log_normal(b, b)) POINT(X2, laplace, tap_laplace(b, b))                                                \
    POINT(X2, continuous_bernoulli, tap_continuous_bernoulli(b)) POINT(X2, relaxed_bernoulli, tap_relaxed_bernoulli(b, b))           \
    X2(delta__kl__relaxed_one_hot_categorical, tap_kl(tap_delta(TWO(a)), tap_relaxed_one_hot_categorical(TWO(b), b)), INF, 0, 0, 0, 0, NULL)

#define CERTAIN NULL

static ldouble bernoulli_by_q(ldouble a, ldouble b)
{
    return a == b || isinf(a) ? 0 : isinf(b) ? -b : sigmoid_slope(a) * (a - b);
}

static ldouble continuous_by_q(ldouble a, ldouble b)
{
    return a == b || isinf(a) ? 0 : isinf(b) ? -b : cb_cumulant(2, a) * (a - b);
}

EDGE_TABLE(divergence_edges, ROWS)
/* clang-format on */
