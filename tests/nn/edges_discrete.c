/* The edges of masses: rows of KIND__QUANTITY, functions of the parameters for some values. Classes have the logits x and 0, so that they
 * are Bernoulli variables; and vectors of logits. */
#include "tests/nn/edge_tables.h"

static ldouble times(ldouble a, ldouble b)
{
    return a == 0 || b == 0 ? 0 : a * b;
}

static bool is_inside(ldouble x)
{
    return !(x < 0 || x > 1);
}

static ldouble bernoulli_mass(ldouble l, ldouble x)
{
    return !is_inside(x) ? -INF : (x == (l > 0) ? 0 : l * (x - (l > 0))) - softplus(-fabsl(l));
}

static ldouble x_less_sigmoid(ldouble x, ldouble l)
{
    if (fabsl(l) < 1) return (x - 0.5L) - tanhl(l / 2) / 2;
    return l > 0 ? (x - 1) + sigmoid(-l) : x - sigmoid(l);
}

/* ---- Negative binomial: m = log mu, u = log theta, z = m - u ---- */

/* theta f(z), where f is about e^z below */
static ldouble theta_times(ldouble m, ldouble u, ldouble f)
{
    return m - u < -30 ? expl(m) : times(expl(u), f);
}

/* log(theta (theta + 1) .. (theta + x - 1) / theta^x), and its derivative by u */
static ldouble log_rising(int x, ldouble u)
{
    ldouble sum = 0;
    for (int i = 1; i < x; i++) sum += softplus(logl(i) - u);
    return sum;
}

static ldouble rising_slope(int x, ldouble u)
{
    ldouble sum = 0;
    for (int i = 1; i < x; i++) sum -= sigmoid(logl(i) - u);
    return sum;
}

static ldouble gap(ldouble a, ldouble b)
{
    return a == b ? 0 : a - b;
}

static ldouble counts(int x, ldouble m, ldouble u)
{
    const ldouble none = theta_times(m, u, softplus(gap(m, u)));
    if (isnan(m) || isnan(u)) return NO_LIMIT;
    if (u == -INF) return x == 0 ? 0 : -INF;
    if (m == INF) return -INF;
    return log_rising(x, u) - lgammal(x + 1) - (x == 0 ? 0 : x * logaddexp(-m, -u)) - none;
}

static ldouble counts_by_m(int x, ldouble m, ldouble u)
{
    return u == -INF ? 0 : (x == 0 ? 0 : x * sigmoid(u - m)) - theta_times(m, u, sigmoid(gap(m, u)));
}

static ldouble counts_by_u(int x, ldouble m, ldouble u)
{
    const ldouble z = gap(m, u);
    if (u == -INF) return 0;
    return rising_slope(x, u) + x * sigmoid(z) +
           (z < -30 ? times(expl(m), -expl(z) / 2) : times(expl(u), sigmoid(z) - softplus(z)));
}

/* ---- The same with more zeros ---- */

static ldouble inflated(int x, ldouble m, ldouble u, ldouble l)
{
    const ldouble p = counts(x, m, u);
    if (x > 0) return p - softplus(l);
    return p > -1 ? log1pl(sigmoid(-l) * expm1l(p)) : logaddexp(-softplus(-l), p - softplus(l));
}

/* How much of the mass is of the counts. */
static ldouble of_counts(int x, ldouble m, ldouble u, ldouble l)
{
    const ldouble p = counts(x, m, u);
    return x > 0 ? 1 : p == -INF ? 0 : sigmoid(p - l);
}

static ldouble inflated_by_l(int x, ldouble m, ldouble u, ldouble l)
{
    if (x > 0) return -sigmoid(l);
    return times(times(sigmoid(-l), -expm1l(counts(x, m, u))), sigmoid(l - counts(x, m, u)));
}

static ldouble log_spread(ldouble u, ldouble l)
{
    return logaddexp(-u, -softplus(-l));
}

/* ---- Beta-binomial: of 3, a = log alpha, b = log beta ---- */

static ldouble trials(int x, ldouble a, ldouble b)
{
    const int y = 3 - x;
    if (a == b && isinf(a)) return NO_LIMIT;
    if (a == -INF || b == INF) return isnan(a) || isnan(b) ? NO_LIMIT : x == 0 ? 0 : -INF;
    if (b == -INF || a == INF) return isnan(a) || isnan(b) ? NO_LIMIT : y == 0 ? 0 : -INF;
    return logl(x == 0 || y == 0 ? 1 : 3) + log_rising(x, a) + log_rising(y, b) - log_rising(3, logaddexp(a, b)) -
           x * softplus(b - a) - y * softplus(a - b);
}

static ldouble trials_by_a(int x, ldouble a, ldouble b)
{
    const ldouble p = sigmoid(a - b), q = sigmoid(b - a);
    if (a == -INF || b == -INF) return 0;
    return rising_slope(x, a) - times(p, rising_slope(3, logaddexp(a, b))) + x * q - (3 - x) * p;
}

static ldouble trials_variance(ldouble a, ldouble b)
{
    return 3 * sigmoid_slope(a - b) * (1 + 2 * sigmoid(-logaddexp(a, b)));
}

static ldouble trials_variance_by_a(ldouble a, ldouble b)
{
    const ldouble sum = logaddexp(a, b), p = sigmoid(a - b);
    return 3 * sigmoid_slope(a - b) * (-tanhl((a - b) / 2) * (1 + 2 * sigmoid(-sum)) - 2 * sigmoid_slope(sum) * p);
}

/* ---- Bytes ---- */

enum { K = 30 };

static ldouble edge(int x, int side, ldouble loc, ldouble log_scale)
{
    return mul_exp((2 * x - 255 + side) / 255.L - loc, -log_scale);
}

static ldouble byte(int x, ldouble loc, ldouble log_scale)
{
    const ldouble high = edge(x, 1, loc, log_scale), low = edge(x, -1, loc, log_scale), w = 2 / 255.L * expl(-log_scale);
    if (x == 0) return -softplus(-high);
    if (x == 255) return -softplus(low);
    return -softplus(-high) - softplus(low) + (log_scale > 60 ? logl(2 / 255.L) - log_scale : logl(-expm1l(-w)));
}

static ldouble byte_by_loc(int x, ldouble loc, ldouble log_scale)
{
    const ldouble high = edge(x, 1, loc, log_scale), low = edge(x, -1, loc, log_scale);
    return times((x == 255 ? 0 : -sigmoid(-high)) + (x == 0 ? 0 : sigmoid(low)), expl(-log_scale));
}

static ldouble byte_by_log_scale(int x, ldouble loc, ldouble log_scale)
{
    const ldouble high = edge(x, 1, loc, log_scale), low = edge(x, -1, loc, log_scale), w = 2 / 255.L * expl(-log_scale);
    const ldouble ends = (x == 255 ? 0 : -times(high, sigmoid(-high))) + (x == 0 ? 0 : times(low, sigmoid(low)));
    return ends - (x == 0 || x == 255 || isinf(w) ? 0 : w == 0 ? 1 : w / expm1l(w));
}

/* Sums over the edges between bytes. */
static ldouble byte_mean(int what, ldouble loc, ldouble log_scale)
{
    ldouble sum = 0;
    for (int x = 0; x < 255; x++) {
        const ldouble z = -edge(x, 1, loc, log_scale);
        sum += what == 0   ? sigmoid(z)
               : what == 1 ? times(sigmoid_slope(z), expl(-log_scale))
               : isinf(z)  ? 0
                           : -z * sigmoid_slope(z);
    }
    return sum;
}

#define LIMITED      .max_fraction = 0.5e-6
#define STEEP(v)     tap_mul_scalar(v, K)
#define NOTHING(x)   tap_full_like(x, 0)
#define AT(x, v)     tap_full_like(x, v)
#define VECTOR(a, b) tap_stack(2, (tap_var[]){ a, b }, -1)
#define FIRST(x)     tap_select(x, -1, 0)
#define CLASS(x, v)  tap_cast(tap_full_like(x, v), TAP_I64)
#define TWO(x)       VECTOR(x, NOTHING(x))

/* clang-format off */
#define COUNT(X2, k, ...)                                                                                                            \
    X2(negative_binomial__log_prob_##k, tap_log_prob(tap_negative_binomial(a, b), AT(a, k)), counts(k, a, b), counts_by_m(k, a, b),   \
       counts_by_u(k, a, b), 32, 32, __VA_ARGS__)
#define INFLATED(X3, k)                                                                                                              \
    X3(zero_inflated_negative_binomial__log_prob_##k, tap_log_prob(tap_zero_inflated_negative_binomial(a, b, c), AT(a, k)),          \
       inflated(k, a, b, c), times(of_counts(k, a, b, c), counts_by_m(k, a, b)), times(of_counts(k, a, b, c), counts_by_u(k, a, b)),  \
       inflated_by_l(k, a, b, c), 64, 64, NULL, .error_scale = 1, .by_parts = true, LIMITED, .finite = true)
#define TRIALS(X2, k)                                                                                                                \
    X2(beta_binomial__log_prob_##k, tap_log_prob(tap_beta_binomial(AT(a, 3), a, b), AT(a, k)), trials(k, a, b), trials_by_a(k, a, b), \
       trials_by_a(3 - k, b, a), 32, 32, "alpha / beta may be anything", .error_scale = 1, .by_parts = true, LIMITED, .finite = true)
#define BYTE(X2, k)                                                                                                                  \
    X2(discretized_logistic__log_prob_##k, tap_log_prob(tap_discretized_logistic(a, STEEP(b)), AT(a, k)), byte(k, a, K * b),         \
       byte_by_loc(k, a, K * b), K * byte_by_log_scale(k, a, K * b), 24, 80, "inf 0 may be anything", .error_scale = 1, .by_parts = true, LIMITED,           \
       .finite = true)

#define ROWS(X1, X2, X3)                                                                                                             \
    X2(bernoulli__log_prob, tap_log_prob(tap_bernoulli(a), b), bernoulli_mass(a, b), is_inside(b) ? x_less_sigmoid(b, a) : 0,         \
       is_inside(b) ? a : 0, 3, 3, NULL)                                                                                             \
    X1(bernoulli__entropy, tap_entropy(tap_bernoulli(x)), bernoulli_entropy(x), -times(sigmoid_slope(x), x), 6, 6, NULL, .tiny = 16)           \
    X1(bernoulli__mean, tap_dist_mean(tap_bernoulli(x)), sigmoid(x), sigmoid_slope(x), 2, 5, NULL)                                            \
    X1(bernoulli__variance, tap_dist_variance(tap_bernoulli(x)), sigmoid_slope(x), -sigmoid_slope(x) * tanhl(x / 2), 5, 5, NULL, .error_scale = 0.25)         \
    X1(categorical__log_prob, tap_log_prob(tap_categorical(TWO(x)), CLASS(x, 0)), -softplus(-x), sigmoid(-x), 3, 3, NULL)            \
    X1(categorical__log_prob_outside, tap_log_prob(tap_categorical(TWO(x)), CLASS(x, 2)), -INF, 0, 0, 0, NULL)                                   \
    X1(categorical__log_prob_below, tap_log_prob(tap_categorical(TWO(x)), CLASS(x, -1)), -INF, 0, 0, 0, NULL)                                    \
    X1(categorical__entropy, tap_entropy(tap_categorical(TWO(x))), bernoulli_entropy(x), -times(sigmoid_slope(x), x), 8, 32, NULL, .tiny = 64,               \
       .error_scale = 0.05)                                                                                                                               \
    X1(one_hot_categorical__log_prob, tap_log_prob(tap_one_hot_categorical(TWO(x)), VECTOR(AT(x, 1), AT(x, 0))), -softplus(-x), sigmoid(-x), 3,     \
       3, NULL)                                                                                                                                     \
    X1(one_hot_categorical__log_prob_outside, tap_log_prob(tap_one_hot_categorical(AT(VECTOR(x, x), 0)), VECTOR(x, NOTHING(x))),     \
       isnan(x) ? x : x == 1 ? -ln2 : -INF, x == 1 ? -ln2 : 0, 2, 2, NULL)                                                          \
    X1(one_hot_categorical__log_prob_twice, tap_log_prob(tap_one_hot_categorical(TWO(x)), VECTOR(AT(x, 1), AT(x, 1))), -INF, 0, 0, 0, NULL)      \
    X1(one_hot_categorical__entropy, tap_entropy(tap_one_hot_categorical(TWO(x))), bernoulli_entropy(x), -times(sigmoid_slope(x), x), 8, 32, NULL,           \
       .tiny = 64, .error_scale = 0.05)                                                                                                                   \
    X1(one_hot_categorical__mean, FIRST(tap_dist_mean(tap_one_hot_categorical(TWO(x)))), sigmoid(x), sigmoid_slope(x), 3, 5, NULL, .error_scale = 1e-3)             \
    X1(one_hot_categorical__variance, FIRST(tap_dist_variance(tap_one_hot_categorical(TWO(x)))), sigmoid_slope(x), -sigmoid_slope(x) * tanhl(x / 2), 200, 200,        \
       NULL, .tiny = 16,                                                                                                                            \
       .error_scale = 1e-3)                                                                                                                \
    COUNT(X2, 0, NULL, .error_scale = 1, .by_parts = true, LIMITED, .finite = true) COUNT(X2, 1, NULL, .error_scale = 1, .by_parts = true, LIMITED, .finite = true)   \
    COUNT(X2, 7, NULL, .error_scale = 1, .by_parts = true, LIMITED, .finite = true)                                                                          \
    X2(negative_binomial__log_prob_outside, tap_log_prob(tap_negative_binomial(a, b), AT(a, 0.5)), -INF, 0, 0, 0, 0, NULL)                        \
    X2(negative_binomial__log_prob_infinite, tap_log_prob(tap_negative_binomial(a, b), AT(a, HUGE_VAL)), -INF, 0, 0, 0, 0, NULL)                  \
    X2(negative_binomial__mean, tap_dist_mean(tap_negative_binomial(a, b)), expl(a), expl(a), 0, 2, 2, NULL) \
    X2(negative_binomial__variance, tap_dist_variance(tap_negative_binomial(a, b)), expl(a) + expl(2 * a - b), expl(a) + 2 * expl(2 * a - b), \
       -expl(2 * a - b), 256, 256, "inf - inf may be anything", .tiny = 4, LIMITED, .finite = true)                                                    \
    X1(zero_inflated_negative_binomial__log_prob_of_hardly_any, tap_log_prob(tap_zero_inflated_negative_binomial(AT(x, -30), NOTHING(x), x), \
       NOTHING(x)), inflated(0, -30, 0, x), inflated_by_l(0, -30, 0, x), 32, 32, NULL)                                               \
    INFLATED(X3, 0) INFLATED(X3, 3)                                                                                                  \
    X3(zero_inflated_negative_binomial__log_prob_outside, tap_log_prob(tap_zero_inflated_negative_binomial(a, b, c), AT(a, -1)), -INF, 0, \
       0, 0, 0, 0, NULL)                                                                                                             \
    X3(zero_inflated_negative_binomial__mean, tap_dist_mean(tap_zero_inflated_negative_binomial(a, b, c)), expl(a - softplus(c)),    \
       expl(a - softplus(c)), 0, -times(expl(a - softplus(c)), sigmoid(c)), 256, 256, "inf 0 may be anything", .tiny = 4, LIMITED, .finite = true)     \
    X3(zero_inflated_negative_binomial__variance, tap_dist_variance(tap_zero_inflated_negative_binomial(a, b, c)),                   \
       expl(a - softplus(c)) + expl(2 * a + (log_spread(b, c) - softplus(c))),                                                         \
       expl(a - softplus(c)) + 2 * expl(2 * a + (log_spread(b, c) - softplus(c))), -expl(2 * a + (-softplus(c) - b)),                     \
       times(-sigmoid(c), expl(a - softplus(c)) + expl(2 * a + (log_spread(b, c) - softplus(c)))) + expl(a + a - softplus(c)) * sigmoid_slope(c), 256, 512,   \
       "inf - inf may be anything", .tiny = 4, .by_parts = true, LIMITED, .finite = true)                                                              \
    TRIALS(X2, 0) TRIALS(X2, 1) TRIALS(X2, 3)                                                                                        \
    X2(beta_binomial__log_prob_outside, tap_log_prob(tap_beta_binomial(AT(a, 3), a, b), AT(a, 4)), -INF, 0, 0, 0, 0, NULL)                        \
    X2(beta_binomial__mean, tap_dist_mean(tap_beta_binomial(AT(a, 3), a, b)), 3 * sigmoid(a - b), 3 * sigmoid_slope(a - b), -3 * sigmoid_slope(a - b), 128, 256, \
       "alpha / beta may be anything", .tiny = 4, LIMITED)                                                                                    \
    X2(beta_binomial__variance, tap_dist_variance(tap_beta_binomial(AT(a, 3), a, b)), trials_variance(a, b), trials_variance_by_a(a, b), \
       trials_variance_by_a(b, a), 256, 256, "alpha / beta may be anything", .error_scale = 1, .by_parts = true, LIMITED, .finite = true)                    \
    BYTE(X2, 0) BYTE(X2, 127) BYTE(X2, 254) BYTE(X2, 255)                                                                            \
    X2(discretized_logistic__log_prob_outside, tap_log_prob(tap_discretized_logistic(a, b), AT(a, 256)), -INF, 0, 0, 0, 0, NULL)                  \
    X2(discretized_logistic__mean, tap_dist_mean(tap_discretized_logistic(a, STEEP(b))), byte_mean(0, a, K * b), byte_mean(1, a, K * b), \
       K * byte_mean(2, a, K * b), 64, 256, "inf 0 may be anything", .error_scale = 256, .by_parts = true, LIMITED, .finite = true)                          \
    X2(discretized_logistic_mixture__log_prob, tap_log_prob(tap_discretized_logistic_mixture(TWO(a), VECTOR(b, b), TWO(NOTHING(a))), AT(a, 3)), \
       isnan(a) ? a : byte(3, b, 0), 0, byte_by_loc(3, b, 0), 16, 16, NULL, .error_scale = 4, LIMITED)                                              \
    X2(discretized_logistic_mixture__log_prob_outside, tap_log_prob(tap_discretized_logistic_mixture(TWO(a), VECTOR(b, b), TWO(a)), AT(a, -3)), \
       -INF, 0, 0, 0, 0, NULL)                                                                                                                    \
    X2(discretized_logistic_mixture__mean, tap_dist_mean(tap_discretized_logistic_mixture(TWO(a), VECTOR(b, b), TWO(NOTHING(a)))),   \
       isnan(a) ? a : byte_mean(0, b, 0), 0, byte_mean(1, b, 0), 16, 64, NULL, .error_scale = 256, LIMITED)


EDGE_TABLE(discrete_edges, ROWS)
/* clang-format on */

/* ---- Vectors of logits ---- */

/* Of log_softmax, classes of -infinity being impossible, and all the same if all are. */
static void log_probabilities(const ldouble *x, ldouble *y)
{
    ldouble most = -INF, sum = 0; /* of all but one of the largest */
    bool    wrong = false;
    for (int i = 0; i < EDGE_LENGTH; i++) wrong = wrong || isnan(x[i]), most = fmaxl(most, x[i]);
    for (int i = 0; i < EDGE_LENGTH; i++) sum += x[i] == most ? 1 : 0;
    sum -= 1;
    for (int i = 0; i < EDGE_LENGTH; i++) sum += x[i] == most || isinf(most) ? 0 : expl(x[i] - most);
    for (int i = 0; i < EDGE_LENGTH; i++)
        y[i] = wrong ? NO_LIMIT : x[i] == most ? -log1pl(sum) : isinf(most) ? -INF : x[i] - most - log1pl(sum);
}

static tap_var entropy_of(tap_var x, int axis)
{
    (void)axis;
    return tap_unsqueeze(tap_entropy(tap_categorical(x)), -1);
}

static void entropy_value(const ldouble *x, ldouble *y)
{
    ldouble p[EDGE_LENGTH];
    log_probabilities(x, p);
    y[0] = 0;
    for (int i = 0; i < EDGE_LENGTH; i++) y[0] -= p[i] == -INF ? 0 : expl(p[i]) * p[i];
}

static void entropy_gradient(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble p[EDGE_LENGTH], h;
    log_probabilities(x, p);
    entropy_value(x, &h);
    for (int i = 0; i < EDGE_LENGTH; i++)
        g[i] = p[i] == -INF || fabsl(p[i] + h) < 1e-18L * h ? 0 : -c[0] * expl(p[i]) * (p[i] + h);
}

/* clang-format off */
const edge_vectors class_edges[] = {
    { "categorical__entropy", entropy_of, entropy_value, entropy_gradient, .reduces = true, .ulps = 8, .slope_ulps = 32, .last = true,
      .by_parts = true },
    { 0 },
};
/* clang-format on */
