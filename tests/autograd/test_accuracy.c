/* tests/autograd/test_accuracy.c: compares every operator of elementwise.def, in float32 and float64 and over the whole
 * range, with the C library in long double or with a reference that uses another method. Prints a table of the largest
 * errors, each of which has a bound. A row without an entry in the table is compared with its own formula in long double,
 * with a bound of 4 ulp. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "tensor/kernels/special.h"
#include "tests/check.h"
#include "tests/autograd/long_double.h"

/* ---- Functions that call the operators ---- */

typedef tap_var (*caller)(tap_var a, tap_var b, double p, double q);

#define CALL(name, call) \
    static tap_var call_##name(tap_var a, tap_var b, double p, double q) \
    { \
        (void)b, (void)p, (void)q; \
        return call; \
    }
#define UNARY(name, cost, value, rule)            CALL(name, tap_##name(a))
#define UNARY_P(name, cost, value, rule)          CALL(name, tap_##name(a, p))
#define UNARY_PQ(name, cost, value, rule)         CALL(name, tap_##name(a, p, q))
#define PRIVATE_UNARY(name, cost, value, rule)    CALL(name, tap__##name(a))
#define PRIVATE_UNARY_P(name, cost, value, rule)  CALL(name, tap__##name(a, p))
#define PRIVATE_UNARY_PQ(name, cost, value, rule) CALL(name, tap__##name(a, p, q))
#define BINARY(name, cost, value, rule_a, rule_b) CALL(name, tap_##name(a, b))
#define PRIVATE_BINARY(name, cost, value, rule_a, rule_b)
#define TERNARY(name, cost, value, rule_a, rule_b, rule_c)
#define PRIVATE_TERNARY(name, cost, value, rule_a, rule_b, rule_c)
#define COMPARE(name, value)
#include "autograd/ops/elementwise.def"
#undef UNARY
#undef UNARY_P
#undef UNARY_PQ
#undef PRIVATE_UNARY
#undef PRIVATE_UNARY_P
#undef PRIVATE_UNARY_PQ
#undef BINARY

/* Functions composed of several operators. */
CALL(selu, tap_selu(a))
CALL(logsumexp, tap_logsumexp(tap_cat(2, (tap_var[]){ tap_unsqueeze(a, 0), tap_unsqueeze(b, 0) }, 0), TAP_AXES(0)))

/* ---- The table ---- */

/* Errors are in units in the last place (ulp) of the result or, if that is larger, of `scale`, for results that are small by
 * cancellation. A negative scale is a multiple of the smallest normal number, for results with a subnormal factor. */
typedef struct {
    const char *name, *row;
    caller      call;
    ldouble (*exact)(ldouble a, ldouble b, ldouble p, ldouble q);
    int    n; /* the number of inputs */
    double p, q;
    double bound[2]; /* in float32 and float64 */
    double scale;
    double min_a, min_b, max_b; /* the domain: a >= min_a, min_b <= b <= max_b */
} entry;

#define ALL       -HUGE_VAL, -HUGE_VAL, HUGE_VAL
#define FROM(low) low, -HUGE_VAL, HUGE_VAL
#define LOGITS    -HUGE_VAL, 0, 1

/* clang-format off */
#define ENTRIES                                                                                                              \
    X(neg, neg, 1, 0, 0,                       0, 0, 0, ALL,             -a)                                                 \
    X(abs, abs, 1, 0, 0,                       0, 0, 0, ALL,             fabsl(a))                                           \
    X(sign, sign, 1, 0, 0,                     0, 0, 0, ALL,             isnan(a) ? a : (a > 0) - (a < 0))                   \
    X(ceil, ceil, 1, 0, 0,                     0, 0, 0, ALL,             ceill(a))                                           \
    X(floor, floor, 1, 0, 0,                   0, 0, 0, ALL,             floorl(a))                                          \
    X(round, round, 1, 0, 0,                   0, 0, 0, ALL,             rintl(a))                                           \
    X(trunc, trunc, 1, 0, 0,                   0, 0, 0, ALL,             truncl(a))                                          \
    X(square, square, 1, 0, 0,                 0.51, 0.51, 0, ALL,       a * a)                                              \
    X(sqrt, sqrt, 1, 0, 0,                     0.51, 0.51, 0, ALL,       sqrtl(a))                                           \
    X(rsqrt, rsqrt, 1, 0, 0,                   1.75, 1.75, 0, ALL,       1 / sqrtl(a))                                       \
    X(reciprocal, reciprocal, 1, 0, 0,         0.51, 0.51, 0, ALL,       1 / a)                                              \
    X(exp, exp, 1, 0, 0,                       1, 1, 0, ALL,             expl(a))                                            \
    X(exp2, exp2, 1, 0, 0,                     1.5, 1.5, 0, ALL,         exp2l(a))                                           \
    X(expm1, expm1, 1, 0, 0,                   1.25, 1.5, 0, ALL,        expm1l(a))                                          \
    X(log, log, 1, 0, 0,                       1, 1.25, 0, ALL,          logl(a))                                            \
    X(log2, log2, 1, 0, 0,                     1.5, 1.5, 0, ALL,         log2l(a))                                           \
    X(log10, log10, 1, 0, 0,                   3, 3, 0, ALL,             log10l(a))                                          \
    X(log1p, log1p, 1, 0, 0,                   1, 1, 0, ALL,             log1pl(a))                                          \
    X(sin, sin, 1, 0, 0,                       1.75, 1, 0, ALL,          sinl(a))                                            \
    X(cos, cos, 1, 0, 0,                       1.75, 1, 0, ALL,          cosl(a))                                            \
    X(tan, tan, 1, 0, 0,                       1.5, 1.5, 0, ALL,         tanl(a))                                            \
    X(asin, asin, 1, 0, 0,                     1.5, 1.5, 0, ALL,         asinl(a))                                           \
    X(acos, acos, 1, 0, 0,                     1.5, 1.5, 0, ALL,         acosl(a))                                           \
    X(atan, atan, 1, 0, 0,                     1.5, 1.5, 0, ALL,         atanl(a))                                           \
    X(sinh, sinh, 1, 0, 0,                     3, 3, 0, ALL,             sinhl(a))                                           \
    X(cosh, cosh, 1, 0, 0,                     3, 3, 0, ALL,             coshl(a))                                           \
    X(tanh, tanh, 1, 0, 0,                     1.75, 2.5, 0, ALL,        tanhl(a))                                           \
    X(asinh, asinh, 1, 0, 0,                   3, 3, 0, ALL,             asinhl(a))                                          \
    X(acosh, acosh, 1, 0, 0,                   3, 3, 0, ALL,             acoshl(a))                                          \
    X(atanh, atanh, 1, 0, 0,                   3, 3, 0, ALL,             atanhl(a))                                          \
    X(erf, erf, 1, 0, 0,                       1.5, 1.5, 0, ALL,         erfl(a))                                            \
    X(erfc, erfc, 1, 0, 0,                     6, 6, 0, ALL,             erfcl(a))                                           \
    X(erfinv, erfinv, 1, 0, 0,                 0.51, 1.5, 0, ALL,        erfinv(a))                                          \
    X(lgamma, lgamma, 1, 0, 0,                 0.51, 6, 1, ALL,          lgammal(a))                                         \
    X(digamma, digamma, 1, 0, 0,               0.51, 2.75, 16, FROM(-1e4), digamma(a))                                       \
    X(digamma_above, digamma, 1, 0, 0,         0.51, 3.25, 0, FROM(0),   digamma(a))                                         \
    X(sigmoid, sigmoid, 1, 0, 0,               2, 1.75, 0, ALL,          sigmoid(a))                                         \
    X(softplus, softplus, 1, 0, 0,             1.75, 1.75, 0, ALL,       softplus(a))                                        \
    X(log_sigmoid, log_sigmoid, 1, 0, 0,       1.75, 1.75, 0, ALL,       -softplus(-a))                                      \
    X(softsign, softsign, 1, 0, 0,             1.75, 1.75, 0, ALL,       isinf(a) ? copysignl(1, a) : a / (1 + fabsl(a)))    \
    X(relu, relu, 1, 0, 0,                     0, 0, 0, ALL,             max_nan(a, 0))                                      \
    X(silu, silu, 1, 0, 0,                     2.75, 2.75, -1024, ALL,   a == -HUGE_VALL ? 0 : a * sigmoid(a))               \
    X(gelu, gelu, 1, 0, 0,                     0.51, 3.5, -64, ALL,      a == -HUGE_VALL ? 0 : a * erfcl(-a / sqrtl(2)) / 2) \
    X(gelu_tanh, gelu_tanh, 1, 0, 0,           16.25, 16.25, 0.001, ALL, gelu_tanh(a))                                       \
    X(mish, mish, 1, 0, 0,                     3.25, 3.25, -1024, ALL,   a == -HUGE_VALL ? 0 : a * tanhl(softplus(a)))       \
    X(selu, selu, 1, 0, 0,                     3, 3.75, 0, ALL,                                                              \
      1.0507009873554804934193349852946L * (a > 0 ? a : 1.6732632423543772848170429916717L * expm1l(a)))                     \
    X(softplus_beta, softplus_beta, 1, 2, 4,   1.75, 1.75, 0, ALL,       a > 2 ? a : softplus(2 * a) / 2)                    \
    X(add_scalar, add_scalar, 1, 3, 0,         0.51, 0.51, 0, ALL,       a + p)                                              \
    X(mul_scalar, mul_scalar, 1, -3, 0,        0.51, 0.51, 0, ALL,       a * p)                                              \
    X(pow_2, pow_scalar, 1, 2, 0,              1.5, 1.5, 0, ALL,        powl(a, p))                                          \
    X(pow_half, pow_scalar, 1, 0.5, 0,         1.5, 1.5, 0, ALL,        powl(a, p))                                          \
    X(pow_minus_3, pow_scalar, 1, -3, 0,       1.5, 1.5, 0, ALL,        powl(a, p))                                          \
    X(pow_0, pow_scalar, 1, 0, 0,              0, 0, 0, ALL,             powl(a, p))                                         \
    X(leaky_relu, leaky_relu, 1, 0.125, 0,     0.51, 0.51, 0, ALL,       a > 0 ? a : a * p)                                  \
    X(elu, elu, 1, 1.5, 0,                     2.5, 2.5, 0, ALL,         a > 0 ? a : p * expm1l(a))                          \
    X(celu, celu, 1, 1.5, 0,                   2.75, 2.75, 0, ALL,       a > 0 ? a : p * expm1l(a / p))                      \
    X(polygamma_0, polygamma, 1, 0, 0,         0.51, 2.75, 16, FROM(-1e4), polygamma(0, a))                                  \
    X(polygamma_1, polygamma, 1, 1, 0,         0.51, 6.25, 16, FROM(-1e4), polygamma(1, a))                                  \
    X(polygamma_2, polygamma, 1, 2, 0,         0.51, 7.75, 16, FROM(-1e4), polygamma(2, a))                                  \
    X(polygamma_3, polygamma, 1, 3, 0,         0.51, 7.5, 16, FROM(-1e4), polygamma(3, a))                                   \
    X(polygamma_1_above, polygamma, 1, 1, 0,   0.51, 6.25, 0, FROM(0),   polygamma(1, a))                                    \
    X(polygamma_2_above, polygamma, 1, 2, 0,   0.51, 7.75, 0, FROM(0),   polygamma(2, a))                                    \
    X(polygamma_30, polygamma, 1, 30, 0,       0.51, 15.25, 0, FROM(0),  polygamma(30, a))                                   \
    X(expm1_minus_x, expm1_minus_x, 1, 0, 0,             5, 5, 0, ALL,             expm1_minus_x(a))                         \
    X(bernoulli_entropy, bernoulli_entropy, 1, 0, 0, 5, 5, 0, ALL,       bernoulli_entropy(a))                               \
    X(tilt_0, cb_cumulant, 1, 0, 0,                   0.51, 16, 0, ALL,         cb_cumulant(0, a))                           \
    X(tilt_1, cb_cumulant, 1, 1, 0,                   0.51, 16, 0, ALL,         cb_cumulant(1, a))                           \
    X(tilt_2, cb_cumulant, 1, 2, 0,                   0.51, 24, 0, ALL,         cb_cumulant(2, a))                           \
    X(tilt_3, cb_cumulant, 1, 3, 0,                   0.51, 64, 0, ALL,         cb_cumulant(3, a))                           \
    X(clamp, clamp, 1, -1.5, 2,                0, 0, 0, ALL,             min_nan(max_nan(a, p), q))                          \
    X(hardtanh, hardtanh, 1, -1.5, 2,          0, 0, 0, ALL,             min_nan(max_nan(a, p), q))                          \
    X(add, add, 2, 0, 0,                       0.51, 0.51, 0, ALL,       a + b)                                              \
    X(sub, sub, 2, 0, 0,                       0.51, 0.51, 0, ALL,       a - b)                                              \
    X(mul, mul, 2, 0, 0,                       0.51, 0.51, 0, ALL,       a * b)                                              \
    X(div, div, 2, 0, 0,                       0.51, 0.51, 0, ALL,       a / b)                                              \
    X(floor_divide, floor_divide, 2, 0, 0,     0.51, 1, 0, ALL,          floor_divide(a, b))                                 \
    X(pow, pow, 2, 0, 0,                       1.5, 1.5, 0, ALL,         powl(a, b))                                         \
    X(hypot, hypot, 2, 0, 0,                   1.5, 1.5, 0, ALL,         hypotl(a, b))                                       \
    X(atan2, atan2, 2, 0, 0,                   2, 2, 0, ALL,             atan2l(a, b))                                       \
    X(xlogy, xlogy, 2, 0, 0,                   2, 2, 0, ALL,             a == 0 && !isnan(b) ? 0 : a * logl(b))              \
    X(logaddexp, logaddexp, 2, 0, 0,           1.25, 1.25, 1, ALL,       logaddexp(a, b))                                    \
    X(logsumexp, logsumexp, 2, 0, 0,           1.5, 1.5, 1, ALL,         logaddexp(a, b))                                    \
    X(logaddexp_above, logaddexp, 2, 0, 0,     12, 24, 0, FROM(0),        logaddexp(a, b))                                   \
    X(maximum, maximum, 2, 0, 0,               0, 0, 0, ALL,             max_nan(a, b))                                      \
    X(minimum, minimum, 2, 0, 0,               0, 0, 0, ALL,             min_nan(a, b))                                      \
    X(clamp_min, clamp_min, 2, 0, 0,           0, 0, 0, ALL,             max_nan(a, b))                                      \
    X(clamp_max, clamp_max, 2, 0, 0,           0, 0, 0, ALL,             min_nan(a, b))                                      \
    X(bce_with_logits, bce_with_logits, 2, 0, 0, 2.25, 1.75, 0, LOGITS,                                                      \
      (b == 1 ? 0 : (1 - b) * softplus(a)) + (b == 0 ? 0 : b * softplus(-a)))
/* clang-format on */

#define X(id, name, n, p_, q_, bound32, bound64, scale, domain, value) \
    static ldouble exact_##id(ldouble a, ldouble b, ldouble p, ldouble q) \
    { \
        (void)b, (void)p, (void)q; \
        return value; \
    }
ENTRIES
#undef X

static const entry entries[] = {
#define X(id, name, n, p, q, bound32, bound64, scale, domain, value) \
    { #id, #name, call_##name, exact_##id, n, p, q, { bound32, bound64 }, scale, domain },
    ENTRIES
#undef X
};

/* ---- Rows without an entry: their own formula in long double ---- */

#define T                           ldouble
#define L(name)                     name##l
#define M(name)                     ldouble_##name
#define ldouble_exp                 expl
#define ldouble_expm1               expm1l
#define ldouble_log                 logl
#define ldouble_log1p               log1pl
#define ldouble_tanh                tanhl
#define ldouble_sigmoid             sigmoid
#define ldouble_softplus            softplus
#define ldouble_any_sin             sinl
#define ldouble_any_cos             cosl
#define ldouble_gelu_tanh           gelu_tanh
#define ldouble_expm1_minus_x       expm1_minus_x
#define ldouble_bernoulli_entropy   bernoulli_entropy
#define ldouble_mish(x)             ((x)*tanhl(softplus(x)))
#define ldouble_exp_square(x, rate) expl((rate) * (x) * (x))
#define MAX                         max_nan
#define MIN                         min_nan
#define LN2                         ln2

#define FORMULA(name, x, y, value) \
    static ldouble formula_##name(ldouble x, ldouble y, ldouble p, ldouble q) \
    { \
        (void)x, (void)y, (void)p, (void)q; \
        return (ldouble)(value); \
    }
#define UNARY(name, cost, value, rule)            FORMULA(name, x, unused, value)
#define UNARY_P                                   UNARY
#define UNARY_PQ                                  UNARY
#define PRIVATE_UNARY                             UNARY
#define PRIVATE_UNARY_P                           UNARY
#define PRIVATE_UNARY_PQ                          UNARY
#define BINARY(name, cost, value, rule_a, rule_b) FORMULA(name, a, b, value)
#include "autograd/ops/elementwise.def"
#undef UNARY
#undef BINARY
#undef T

/* clang-format off */
static const entry rows[] = {
#define ROW(name, n) { #name, #name, call_##name, formula_##name, n, 0.5, 2, { 4, 4 }, 0, ALL },
#define UNARY(name, cost, value, rule)            ROW(name, 1)
#define BINARY(name, cost, value, rule_a, rule_b) ROW(name, 2)
#include "autograd/ops/elementwise.def"
};
/* clang-format on */

enum { N_ENTRIES = sizeof entries / sizeof *entries, N_ROWS = sizeof rows / sizeof *rows };

static bool has_entry(const char *row)
{
    for (int k = 0; k < N_ENTRIES; k++) {
        if (!strcmp(entries[k].row, row)) return true;
    }
    return false;
}

/* ---- Arguments ---- */

/* A floating-point type, as <float.h> describes it. */
typedef struct {
    tap_dtype dtype;
    int       digits, min_exponent, max_exponent;
    double    min, max; /* positive numbers */
} type;

static const type types[] = {
    { TAP_F32, FLT_MANT_DIG, FLT_MIN_EXP, FLT_MAX_EXP, 0x1p-149, 0x1.fffffep127 },
    { TAP_F64, DBL_MANT_DIG, DBL_MIN_EXP, DBL_MAX_EXP, 0x1p-1074, 0x1.fffffffffffffp1023 },
};

enum { MAX_POINTS = 30000 };

typedef struct {
    const type *t;
    int64_t     n;
    double      x[2][MAX_POINTS]; /* for each input */
    uint64_t    rng;
} grid;

/* A uniform random number from [0,1). */
static double uniform(grid *g)
{
    g->rng = g->rng * 6364136223846793005u + 1442695040888963407u;
    return (double)((g->rng ^ g->rng >> 29) >> 11) * 0x1p-53;
}

/* Adds the points (a, b) and (-a, b). */
static void add_points(grid *g, double a, double b)
{
    assert_true(g->n + 2 <= MAX_POINTS);
    for (int sign = 1; sign >= -1; sign -= 2, g->n++) {
        g->x[0][g->n] = sign * a;
        g->x[1][g->n] = b;
    }
}

/* Values at which functions change their algorithm, with their neighbours in the type, and the ends of the range. */
static int special_points(const type *t, double *x)
{
    static const double at[] = { 0,
                                 0.25,
                                 1 / 3.,
                                 0.5,
                                 0.6931471805599453,
                                 0.75,
                                 1,
                                 1.4616321449683623,
                                 1.5,
                                 2,
                                 2.5,
                                 3,
                                 4,
                                 5,
                                 6,
                                 8,
                                 10,
                                 12,
                                 16,
                                 20,
                                 40,
                                 88.72,
                                 100,
                                 170.5,
                                 709.78,
                                 745.13,
                                 1e4,
                                 1e6,
                                 1e15 };
    int                 n = 0;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        double step = at[i] > 0 ? ldexp(1, ilogb(at[i]) + 1 - t->digits) : t->min;
        for (int k = -2; k <= 2; k++) x[n++] = at[i] + k * step;
    }
    x[n++] = t->max;
    x[n++] = ldexp(1, t->min_exponent - 1);
    x[n++] = HUGE_VAL;
    x[n++] = (double)NAN;
    return n;
}

static double log_uniform(grid *g, int min, int max)
{
    int exponent = min + (int)((max - min) * uniform(g));
    return ldexp(1 + uniform(g), exponent);
}

/* All exponents, and the intervals in which functions change their algorithm. */
static void fill_single(grid *g)
{
    static const double width[] = { 1, 3, 8, 40, 1000, 1e4 };
    double              special[200];
    int                 n = special_points(g->t, special), per_exponent = g->t->dtype == TAP_F32 ? 8 : 2;
    for (int i = 0; i < n; i++) add_points(g, special[i], 0);
    for (int e = g->t->min_exponent - g->t->digits; e < g->t->max_exponent; e++) {
        for (int k = 0; k < per_exponent; k++) add_points(g, log_uniform(g, e, e), 0);
    }
    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < 800; k++) add_points(g, width[i] * uniform(g), 0);
    }
    for (int k = 0; k < 300; k++) {
        add_points(g, 1 + ldexp(uniform(g) - 0.5, -k / 6), 0);
        add_points(g, 1.4616321449683623 + ldexp(uniform(g) - 0.5, -k / 6), 0);
    }
    for (int k = 0; k <= 200; k++) add_points(g, k / 2., 0);
}

static void fill_pairs(grid *g)
{
    static const double width[] = { 1, 10, 100, 1e4 };
    double              special[200];
    int                 n = special_points(g->t, special), least = g->t->min_exponent, largest = g->t->max_exponent;
    for (int i = 0; i < n; i += 3) {
        for (int k = 0; k < n; k += 4) add_points(g, special[i], special[k]), add_points(g, special[i], -special[k]);
    }
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 300; k++) {
            double a = width[i] * (2 * uniform(g) - 1);
            add_points(g, a, width[i] * (2 * uniform(g) - 1));
            add_points(g, a, uniform(g));
            add_points(g, a, a * (1 + ldexp(uniform(g), -k % 60)));
            add_points(g, a, 1 - ldexp(uniform(g), -k % 60));
        }
    }
    for (int k = 0; k < 1500; k++) {
        double a = log_uniform(g, least, largest), b = log_uniform(g, least, largest), sign = uniform(g) < 0.5 ? -1 : 1;
        add_points(g, a, sign * b);
        a = log_uniform(g, -20, 20), b = log_uniform(g, -20, 20);
        add_points(g, a, sign * b);
    }
    for (int k = 0; k < 1000; k++) add_points(g, ldexp(1, -k / 10), -k / 25.);
}

/* ---- Errors ---- */

/* The error of y in ulp. A number that overflows counts as the power of two after the largest number. */
static double error(const type *t, ldouble exact, double y, double scale)
{
    ldouble top = ldexpl(1, t->max_exponent), got = (ldouble)y, least = (ldouble)scale;
    int     exponent;
    if (isnan(exact) || isnan(got)) return isnan(exact) && isnan(got) ? 0 : HUGE_VAL;
    exact = fabsl(exact) > top ? copysignl(top, exact) : exact;
    got = fabsl(got) > top ? copysignl(top, got) : got;
    if (exact == 0 && scale == 0) return got == 0 && !signbit(got) == !signbit(exact) ? 0 : HUGE_VAL;
    if (scale < 0) least *= -ldexpl(1, t->min_exponent - 1);
    frexpl(fmaxl(fabsl(exact), least), &exponent);
    if (exponent < t->min_exponent) exponent = t->min_exponent;
    if (exponent > t->max_exponent) exponent = t->max_exponent;
    return (double)(fabsl(got - exact) / ldexpl(1, exponent - t->digits));
}

typedef struct {
    double error, a, b, y;
} worst;

/* Rounded to the type. */
static tap_var operand(tap_tape *tape, grid *g, int i)
{
    return tap_cast(tap_input(tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(g->n), g->x[i])), g->t->dtype);
}

static const double *as_double(tap_var v)
{
    return tap_value(tap_cast(v, TAP_F64)).data;
}

static worst measure(const entry *e, grid *g)
{
    worst         w = { 0, 0, 0, 0 };
    tap_tape     *tape = tap_tape_new(g->t->dtype, 1);
    tap_var       in[2] = { operand(tape, g, 0), operand(tape, g, 1) };
    const double *x[2] = { as_double(in[0]), as_double(in[1]) }, *y = as_double(e->call(in[0], in[1], e->p, e->q));
    assert_int_equal(tap_tape_status(tape, NULL), TAP_OK);
    for (int64_t i = 0; i < g->n; i++) {
        double a = x[0][i], b = x[1][i];
        if (a < e->min_a || (e->n == 2 && (b < e->min_b || b > e->max_b))) continue;
        double ulps = error(g->t, e->exact((ldouble)a, (ldouble)b, (ldouble)e->p, (ldouble)e->q), y[i], e->scale);
        if (ulps > w.error) w = (worst){ ulps, a, b, y[i] };
    }
    tap_tape_free(tape);
    return w;
}

static void report(const entry *e, const worst *w)
{
    char where[2][64];
    for (int i = 0; i < 2; i++) {
        if (w[i].error == 0) snprintf(where[i], sizeof where[i], "-");
        else if (e->n == 1) snprintf(where[i], sizeof where[i], "%.9g", w[i].a);
        else snprintf(where[i], sizeof where[i], "%.6g, %.6g", w[i].a, w[i].b);
    }
    print_message("%-16s %8.2f  %-26s %8.2f  %-26s", e->name, w[0].error, where[0], w[1].error, where[1]);
    if (e->scale != 0) print_message(" of max(|y|, %g%s)", fabs(e->scale), e->scale < 0 ? " least" : "");
    print_message("\n");
}

/* Measures and prints the errors of an entry. Returns whether one is above its bound. */
static bool exceeds_bound(const entry *e, grid grids[2][2])
{
    bool  bad = false;
    worst w[2];
    for (int t = 0; t < 2; t++) w[t] = measure(e, &grids[t][e->n - 1]);
    report(e, w);
    for (int t = 0; t < 2; t++) {
        if (w[t].error <= e->bound[t]) continue;
        print_error("%s of %a, %a is %a in %s: %g ulp, %g allowed\n", e->name, w[t].a, w[t].b, w[t].y,
                    tap_dtype_name(types[t].dtype), w[t].error, e->bound[t]);
        bad = true;
    }
    return bad;
}

/* Whether long double has more digits than double, which it has not on all machines, and not under valgrind. */
static bool has_extended_precision(void)
{
    volatile ldouble one = 1, sum = one + (ldouble)DBL_EPSILON / 16;
    return sum != one;
}

static void test_errors_are_within_bounds(void **state)
{
    static grid grids[2][2]; /* type, inputs */
    int         bad = 0;
    (void)state;
    if (!has_extended_precision()) {
        print_message("skipped: long double is no wider than double here\n");
        skip();
    }
    for (int t = 0; t < 2; t++) {
        for (int n = 0; n < 2; n++) grids[t][n] = (grid){ .t = &types[t], .rng = 1 };
        fill_single(&grids[t][0]);
        fill_pairs(&grids[t][1]);
    }
    print_message("%-16s %8s  %-26s %8s  %s\n", "worst errors", "float32", "at", "float64", "at");
    for (int k = 0; k < N_ENTRIES; k++) bad += exceeds_bound(&entries[k], grids);
    for (int k = 0; k < N_ROWS; k++) bad += !has_entry(rows[k].row) && exceeds_bound(&rows[k], grids);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_errors_are_within_bounds) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
