/* The edges of densities on the line: rows of KIND__QUANTITY, functions of the value, of the location and of a log-scale that is a
 * multiple of the grid's numbers, so that scales overflow and underflow. */
#include "tests/nn/edge_tables.h"

enum { K = 30 };

static ldouble times(ldouble a, ldouble b)
{
    return a == 0 || b == 0 ? 0 : a * b;
}

/* (x - loc) / scale, and 0 for 0 */
static ldouble in_scales(ldouble x, ldouble loc, ldouble log_scale)
{
    return mul_exp(x - loc, -log_scale);
}

static const ldouble half_log_2pi = 0.918938533204672741780329736405617639861L;

static ldouble normal(ldouble x, ldouble loc, ldouble log_scale)
{
    const ldouble u = in_scales(x, loc, log_scale);
    return isinf(u) ? -INF : -u * u / 2 - log_scale - half_log_2pi;
}

static ldouble normal_by_x(ldouble x, ldouble loc, ldouble log_scale)
{
    return -in_scales(in_scales(x, loc, log_scale), 0, log_scale);
}

static ldouble normal_by_log_scale(ldouble x, ldouble loc, ldouble log_scale)
{
    const ldouble u = in_scales(x, loc, log_scale);
    return u * u - 1;
}

static ldouble laplace(ldouble x, ldouble loc, ldouble log_scale)
{
    const ldouble u = fabsl(in_scales(x, loc, log_scale));
    return isinf(u) ? -INF : -u - log_scale - ln2;
}

static ldouble laplace_by_x(ldouble x, ldouble loc, ldouble log_scale)
{
    return x == loc ? 0 : copysignl(expl(-log_scale), loc - x);
}

/* At x = infinity nothing is left to lose by going further, though there is by moving the location. */
static ldouble log_normal_by_x(ldouble x, ldouble loc, ldouble log_scale)
{
    return x <= 0 || isinf(x) ? 0 : (normal_by_x(logl(x), loc, log_scale) - 1) / x;
}

static ldouble mild(ldouble x)
{
    return min_nan(max_nan(x, -40), 40);
}

static ldouble mean_of_log_normal(ldouble loc, ldouble log_scale)
{
    return expl(loc + expl(2 * log_scale) / 2);
}

static ldouble variance_of_log_normal(ldouble loc, ldouble log_scale)
{
    const ldouble s2 = expl(2 * log_scale);
    return times(expm1l(s2), expl(2 * loc + s2));
}

static ldouble variance_slope(ldouble loc, ldouble log_scale)
{
    const ldouble s2 = expl(2 * log_scale);
    return times(2 * s2 * (2 * expl(s2) - 1), expl(2 * loc + s2));
}

/* Where the quarter of a continuous Bernoulli's mass ends. */
static ldouble quartile(ldouble l)
{
    if (l == 0) return 0.25L;
    if (isinf(l)) return l > 0;
    return l > 1 ? 1 + logl(0.25L + 0.75L * expl(-l)) / l : log1pl(0.25L * expm1l(l)) / l;
}

static ldouble quartile_slope(ldouble l)
{
    if (fabsl(l) < 1e-3L) return 3 / 32.L + l / 32 - 3 * l * l / 1024 - l * l * l / 256;
    return isinf(l) ? 0 : (sigmoid(l - logl(3)) - quartile(l)) / l;
}

static ldouble continuous_bernoulli(ldouble l, ldouble x)
{
    if (x < 0 || x > 1) return -INF;
    if (isnan(l) || isnan(x)) return l + x;
    const ldouble from_end = times(x - (l > 0), l);
    return isinf(from_end) ? -INF : from_end - cb_cumulant(0, -fabsl(l));
}

static bool is_inside(ldouble x)
{
    return !(x < 0 || x > 1);
}

/* T > 0: log T + v - 2 log(1 + e^v) - log(x (1 - x)), v = l - T logit(x), at x = 1/4 */
static const ldouble logit_quarter = -1.09861228866810969139524523692252570465L;

static ldouble relaxed_at(ldouble l, ldouble t)
{
    return l - t * logit_quarter;
}

static ldouble relaxed(ldouble l, ldouble t)
{
    const ldouble v = relaxed_at(l, t);
    if (t <= 0) return NO_LIMIT;
    return isinf(v) ? -INF : logl(t) - softplus(v) - softplus(-v) - logl(0.1875L);
}

static ldouble relaxed_by_t(ldouble l, ldouble t)
{
    return 1 / t + tanhl(relaxed_at(l, t) / 2) * logit_quarter;
}

static ldouble softened(ldouble l, ldouble t)
{
    return t <= 0 ? NO_LIMIT : sigmoid(l / t);
}

static ldouble softened_by_l(ldouble l, ldouble t)
{
    return times(sigmoid_slope(l / t), 1 / t);
}

static ldouble softened_by_t(ldouble l, ldouble t)
{
    return times(-sigmoid_slope(l / t), times(l / t, 1 / t));
}

#define STEEP(v)     tap_mul_scalar(v, K)
#define MILD(v)      tap_clamp(v, -40, 40) /* of which neither e^v nor e^-v overflows */
#define LIMITED      .max_fraction = 0.5e-6
#define NOTHING(x)   tap_full_like(x, 0)
#define AT(x, v)     tap_full_like(x, v)
#define AXIS(x)      tap_unsqueeze(x, -1)
#define VECTOR(a, b) tap_stack(2, (tap_var[]){ a, b }, -1)
#define HALVES(x)    VECTOR(AT(x, 0.5), AT(x, 0.5))
#define FIRST(x)     tap_select(x, -1, 0)
#define SAME         "inf - inf and inf 0 may be anything"

/* clang-format off */
#define DENSITY(X3, kind, make, x, loc)                                                                                              \
    X3(kind##__log_prob, tap_log_prob(make(loc(b), STEEP(c)), x(a)), normal(a, b, K * c), normal_by_x(a, b, K * c),                  \
       -normal_by_x(a, b, K * c), K * normal_by_log_scale(a, b, K * c), 16, 24, SAME, .error_scale = 64, .by_parts = true, LIMITED, .finite = true)

#define ROWS(X1, X2, X3)                                                                                                             \
    DENSITY(X3, normal, tap_normal, , )                                                                                              \
    DENSITY(X3, isotropic_normal, tap_isotropic_normal, AXIS, AXIS)                                                                  \
    X1(normal__entropy, tap_entropy(tap_normal(NOTHING(x), x)), x + half_log_2pi + 0.5L, 1, 1, 0, NULL, .error_scale = 2)                              \
    X2(normal__mean, tap_dist_mean(tap_normal(a, b)), a, 1, 0, 0, 0, NULL)                                                           \
    X1(normal__variance, tap_dist_variance(tap_normal(NOTHING(x), x)), expl(2 * x), 2 * expl(2 * x), 2, 2, NULL, LIMITED)                     \
    X2(normal__path, tap_sample_from(tap_normal(a, MILD(b)), AT(a, -1.5)), a - 1.5L * expl(mild(b)), 1, b == mild(b) ? -1.5L * expl(b) : 0, 3,      \
       2, NULL, .error_scale = 2)                                                                                                                         \
    X2(normal__path_of_the_mode, tap_sample_from(tap_normal(a, STEEP(b)), NOTHING(a)), a, 1, 0, 0, 0, NULL, .by_parts = true, LIMITED,                 \
       .finite = true)                                                                                                                              \
    X1(isotropic_normal__entropy, tap_entropy(tap_isotropic_normal(AXIS(NOTHING(x)), x)), x + half_log_2pi + 0.5L, 1, 1, 0, NULL, .error_scale = 2)     \
    X2(isotropic_normal__mean, FIRST(tap_dist_mean(tap_isotropic_normal(AXIS(a), b))), a, 1, 0, 0, 0, NULL)                          \
    X1(isotropic_normal__variance, FIRST(tap_dist_variance(tap_isotropic_normal(AXIS(NOTHING(x)), x))), expl(2 * x), 2 * expl(2 * x), 2, 2,         \
       NULL, LIMITED)                                                                                                                                  \
    X2(isotropic_normal__path, FIRST(tap_sample_from(tap_isotropic_normal(AXIS(a), MILD(b)), AXIS(AT(a, -1.5)))), a - 1.5L * expl(mild(b)), \
       1, b == mild(b) ? -1.5L * expl(b) : 0, 3, 2, NULL, .error_scale = 2)                                                                               \
    X2(multivariate_normal__log_prob, tap_log_prob(tap_multivariate_normal(AXIS(b), AXIS(AXIS(AT(b, 0.5)))), AXIS(a)), normal(a, b, -ln2), \
       normal_by_x(a, b, -ln2), -normal_by_x(a, b, -ln2), 8, 8, SAME, .by_parts = true, LIMITED, .finite = true)                                       \
    X1(multivariate_normal__entropy, tap_entropy(tap_multivariate_normal(AXIS(NOTHING(x)), AXIS(AXIS(x)))),                          \
       logl(fabsl(x)) + half_log_2pi + 0.5L, x == 0 ? 0 : 1 / x, 4, 4, NULL, .error_scale = 1)                                                        \
    X2(multivariate_normal__mean, FIRST(tap_dist_mean(tap_multivariate_normal(AXIS(a), AXIS(AXIS(b))))), a, 1, 0, 0, 0, NULL)         \
    X1(multivariate_normal__variance, FIRST(tap_dist_variance(tap_multivariate_normal(AXIS(NOTHING(x)), AXIS(AXIS(x))))), x * x, 2 * x, 1, 1, NULL) \
    X2(multivariate_normal__path, FIRST(tap_sample_from(tap_multivariate_normal(AXIS(a), AXIS(AXIS(b))), AXIS(AT(a, -1.5)))), a - 1.5L * b, \
       1, -1.5L, 2, 0, SAME, LIMITED, .error_scale = 1)                                                                                                      \
    X3(log_normal__log_prob, tap_log_prob(tap_log_normal(b, STEEP(c)), a),                                                           \
       a <= 0 ? -INF : normal(logl(a), b, K * c) - logl(a), log_normal_by_x(a, b, K * c),                                            \
       a <= 0 ? 0 : -normal_by_x(logl(a), b, K * c), a <= 0 ? 0 : K * normal_by_log_scale(logl(a), b, K * c), 64, 128, SAME, .error_scale = 64,  \
       .by_parts = true, LIMITED, .finite = true)                                                                                                      \
    X2(log_normal__entropy, tap_entropy(tap_log_normal(a, b)), a + b + half_log_2pi + 0.5L, 1, 1, 3, 0, SAME, .error_scale = 4)            \
    X2(log_normal__mean, tap_dist_mean(tap_log_normal(a, MILD(b))), mean_of_log_normal(a, mild(b)), mean_of_log_normal(a, mild(b)),       \
       b == mild(b) ? times(mean_of_log_normal(a, b), expl(2 * b)) : 0, 256, 256, NULL, .tiny = 4, LIMITED, .finite = true)             \
    X2(log_normal__variance, tap_dist_variance(tap_log_normal(a, MILD(b))), variance_of_log_normal(a, mild(b)),                      \
       2 * variance_of_log_normal(a, mild(b)), b == mild(b) ? variance_slope(a, b) : 0, 512, 512, NULL, .tiny = 4, .by_parts = true, LIMITED, \
       .finite = true)                                                                                                               \
    X2(log_normal__path, tap_sample_from(tap_log_normal(a, MILD(b)), AT(a, -1.5)), expl(a - 1.5L * expl(mild(b))),                   \
       expl(a - 1.5L * expl(mild(b))), b == mild(b) ? times(expl(a - 1.5L * expl(b)), -1.5L * expl(b)) : 0, 256, 512, NULL, .tiny = 4,              \
       .finite = true)                                                                                                                              \
    X3(laplace__log_prob, tap_log_prob(tap_laplace(b, STEEP(c)), a), laplace(a, b, K * c), laplace_by_x(a, b, K * c),                \
       -laplace_by_x(a, b, K * c), K * (fabsl(in_scales(a, b, K * c)) - 1), 8, 8, SAME, .error_scale = 64, .by_parts = true, LIMITED, .finite = true)        \
    X1(laplace__entropy, tap_entropy(tap_laplace(NOTHING(x), x)), x + 1 + ln2, 1, 1, 0, NULL, .error_scale = 2)                                        \
    X2(laplace__mean, tap_dist_mean(tap_laplace(a, b)), a, 1, 0, 0, 0, NULL)                                                         \
    X1(laplace__variance, tap_dist_variance(tap_laplace(NOTHING(x), x)), 2 * expl(2 * x), 4 * expl(2 * x), 2, 2, NULL, LIMITED)               \
    X2(laplace__path, tap_sample_from(tap_laplace(a, MILD(b)), AT(a, 0.25)), a - ln2 * expl(mild(b)), 1, b == mild(b) ? -ln2 * expl(b) : 0, 3,      \
       3, NULL, .error_scale = 2)                                                                                                                         \
    X1(laplace__path_of_small_noise, tap_sample_from(tap_laplace(x, NOTHING(x)), AT(x, 1e-30)), x + logl(2e-30L), 1, 2, 0, NULL)      \
    X2(delta__log_prob, tap_log_prob(tap_delta(b), a), isnan(a) || isnan(b) ? NO_LIMIT : a == b ? INF : -INF, 0, 0, 0, 0, NULL)      \
    X1(delta__entropy, tap_entropy(tap_delta(x)), -INF, 0, 0, 0, NULL)                                                               \
    X1(delta__mean, tap_dist_mean(tap_delta(x)), x, 1, 0, 0, NULL)                                                                   \
    X1(delta__variance, tap_dist_variance(tap_delta(x)), 0, 0, 0, 0, NULL)                                                           \
    X1(delta__path, tap_sample_from(tap_delta(x), NOTHING(x)), x, 1, 0, 0, NULL)                                                     \
    X2(continuous_bernoulli__log_prob, tap_log_prob(tap_continuous_bernoulli(a), b), continuous_bernoulli(a, b),                     \
       is_inside(b) ? b - cb_cumulant(1, a) : 0, is_inside(b) ? a : 0, 8, 8, NULL, .error_scale = 0.5)                                            \
    X1(continuous_bernoulli__entropy, tap_entropy(tap_continuous_bernoulli(x)), -cb_kl(x, 0),                                      \
       isinf(x) ? 0 : -cb_cumulant(2, x) * x, 64, 32, NULL)                                                                                 \
    X1(continuous_bernoulli__mean, tap_dist_mean(tap_continuous_bernoulli(x)), cb_cumulant(1, x), cb_cumulant(2, x), 16, 24, NULL)                  \
    X1(continuous_bernoulli__variance, tap_dist_variance(tap_continuous_bernoulli(x)), cb_cumulant(2, x), cb_cumulant(3, x), 24, 64, NULL)          \
    X1(continuous_bernoulli__path, tap_sample_from(tap_continuous_bernoulli(x), AT(x, 0.25)), quartile(x), quartile_slope(x), 8, 32, NULL,          \
       .error_scale = 0.03)                                                                                                                               \
    X2(relaxed_bernoulli__log_prob, tap_log_prob(tap_relaxed_bernoulli(a, b), AT(a, 0.25)), relaxed(a, b), -tanhl(relaxed_at(a, b) / 2), \
       relaxed_by_t(a, b), 16, 16, "no temperature; inf - inf", .error_scale = 32, LIMITED)                                                         \
    X2(relaxed_bernoulli__log_prob_outside, tap_log_prob(tap_relaxed_bernoulli(a, b), AT(a, 1.5)), -INF, 0, 0, 0, 0, NULL)           \
    X2(relaxed_bernoulli__path, tap_sample_from(tap_relaxed_bernoulli(a, b), AT(a, 0.5)), softened(a, b), softened_by_l(a, b),       \
       softened_by_t(a, b), 256, 512, "no temperature; inf / inf", .tiny = 4, .by_parts = true, LIMITED, .finite = true)                               \
    X2(relaxed_one_hot_categorical__log_prob, tap_log_prob(tap_relaxed_one_hot_categorical(VECTOR(a, NOTHING(a)), b),                \
       VECTOR(AT(a, 0.25), AT(a, 0.75))), a == -INF && b == INF ? INF : isinf(a) && !isinf(b) && b > 0 ? -INF : relaxed(a, b),                      \
       -tanhl(relaxed_at(a, b) / 2), relaxed_by_t(a, b), 32, 32,                                                                                    \
       "no temperature; inf - inf", .error_scale = 32, LIMITED, .finite = true)                                                                               \
    X2(relaxed_one_hot_categorical__log_prob_outside, tap_log_prob(tap_relaxed_one_hot_categorical(VECTOR(a, NOTHING(a)), b),        \
       VECTOR(AT(a, -0.25), AT(a, 0.75))), -INF, 0, 0, 0, 0, NULL)                                                                   \
    X1(relaxed_one_hot_categorical__path, FIRST(tap_sample_from(tap_relaxed_one_hot_categorical(VECTOR(x, NOTHING(x)), AT(x, 0.5)),  \
       HALVES(x))), sigmoid(2 * x), 2 * sigmoid_slope(2 * x), 2048, 4096, NULL, .tiny = 4, .error_scale = 1e-3, LIMITED)                               \
    X1(relaxed_one_hot_categorical__path_of_the_coldest, FIRST(tap_sample_from(tap_relaxed_one_hot_categorical(VECTOR(tap_sign(x), NOTHING(x)), \
       AT(x, 1e-44)), HALVES(x))), isnan(x) ? x : x > 0 ? 1 : x < 0 ? 0 : 0.5L, 0, 0, 0, NULL, .by_parts = true)

EDGE_TABLE(continuous_edges, ROWS)
/* clang-format on */
