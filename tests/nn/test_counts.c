/* Distributions of counts and bytes: against values computed with 60 digits and against long double over a grid of parameters,
 * for which the worst errors are printed; extreme parameters. Their samples are in test_count_samples.c. */
#include <float.h>
#include <stdio.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "tensor/kernels/special.h"
#include "tests/nn/dist_cases.h"

typedef long double wide;

static tap_var many(tap_tape *t, int n, const double *x)
{
    return tap_cast(tap_input(t, wrap((tap_shape){ 1, { n } }, x)), tap_tape_dtype(t));
}

static bool is_wider(void)
{
    volatile wide one = 1, sum = one + (wide)DBL_EPSILON / 16;
    return sum != one;
}

/* ---- The rising factorial ---------------------------------------------------------------------------------------- */

/* Term by term. */
static wide log_rising(int n, int64_t x, wide u)
{
    wide sum = 0, theta = expl(u), c = n % 2 ? 1 : -1;
    for (int k = 2; k < n; k++) c *= k;
    for (int64_t i = 1; i < x; i++) sum += n ? c * expm1l(-n * log1pl((wide)i / theta)) : log1pl((wide)i / theta);
    return sum;
}

static const int64_t counts[] = { 0, 1, 2, 3, 7, 15, 16, 17, 18, 25, 100, 999, 20000 };

enum { COUNTS = sizeof counts / sizeof *counts, ORDERS = 4, RISING_GRID = 65 };

/* In units of DBL_EPSILON: of the value for n = 0 and 1; from there on of its largest terms, which are as large as x. */
static double rising_error(int n, int64_t x, double u)
{
    const wide exact = log_rising(n, x, (wide)u), size = fabsl(exact) + (n > 1 ? (wide)x : 0);
    return size == 0 ? 0 : (double)(fabsl((wide)tap__log_rising_f64(n, (double)x, u) - exact) / size) / DBL_EPSILON;
}

static void test_log_rising(void **state)
{
    (void)state;
    const double bound[ORDERS] = { 8, 8, 8, 16 }, far[] = { -1000, -700, -651, -649, -300, 100, 200, 340 };
    if (!is_wider()) skip();
    for (int n = 0; n < ORDERS; n++) {
        double worst = 0, at_x = 0, at_u = 0;
        for (int i = 0; i < COUNTS; i++) {
            for (int k = 0; k < RISING_GRID + 8; k++) {
                const double u = k < RISING_GRID ? -40 + 1.25 * k : far[k - RISING_GRID], error = rising_error(n, counts[i], u);
                if (error > worst) worst = error, at_x = (double)counts[i], at_u = u;
            }
        }
        print_message("log_rising, derivative %d: %.2f epsilon, at x = %g, u = %g\n", n, worst, at_x, at_u);
        assert_true(worst <= bound[n]);
        assert_true(tap__log_rising_f64(n, 0, 1) == 0 && tap__log_rising_f64(n, 1, 1) == 0);
        assert_true(isnan(tap__log_rising_f64(n, -1, 1)) && isnan(tap__log_rising_f64(n, 2.5, 1)));
        assert_true(isnan(tap__log_rising_f64(n, (double)NAN, 1)) && isnan(tap__log_rising_f64(n, 1, (double)NAN)));
    }
}

/* The operators are these functions. What is 1 too much in all of them cancels in a likelihood. */
static void test_rising_operators(void **state)
{
    const double x[] = { 0, 1, 3, 20 }, u[] = { -2, 0.5, 1, 3 };
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    tap_var      y[3] = { tap__log_rising(many(t, 4, x), many(t, 4, u)), tap__rising_slope(many(t, 4, x), many(t, 4, u)),
                          tap__rising_derivative(2, many(t, 4, x), many(t, 4, u)) };
    (void)state;
    for (int n = 0; n < 3; n++)
        for (int i = 0; i < 4; i++) assert_near_msg("rising", item(y[n], i), tap__log_rising_f64(n, x[i], u[i]), 1e-14);
    const tap_shape square = { 2, { 2, 2 } };
    tap_var         turned =
        tap__rising_derivative(2, tap_mT(tap_reshape(many(t, 4, x), square)), tap_mT(tap_reshape(many(t, 4, u), square)));
    for (int i = 0; i < 4; i++) assert_near_msg("turned", item(turned, i), item(y[2], i % 2 * 2 + i / 2), 0);
    tap_tape_free(t);
}

/* ---- Values computed with 60 digits ------------------------------------------------------------------------------ */

/* x, the parameters, log p(x), and its derivatives by the last two of them. */
typedef struct {
    dist_case d;
    double    x, log_p, slope[2];
} known;

/* clang-format off */
#define NB(x, m, u, ...)    { { .two = tap_negative_binomial, .p = { { m }, { u } } }, x, __VA_ARGS__ }
#define BB(x, n, a, b, ...) { { .three = tap_beta_binomial, .p = { { n }, { a }, { b } } }, x, __VA_ARGS__ }
#define DL(x, loc, s, ...)  { { .two = tap_discretized_logistic, .p = { { loc }, { s } } }, x, __VA_ARGS__, { (double)NAN } }

static const known values[] = {
    NB(0, 1, 0.5, -1.60598144311717411, { -1.02626193949827358, -0.579719503618900527 }),
    NB(3, 1, 0.5, -2.05151811128779929, { 0.106360066896162724, 0.361980583066123775 }),
    NB(5, 2, 30, -2.17654784171266311, { -2.38905609892899834, -3.31067574453509811e-14 }),
    NB(1000, 6.875, 13, -4.90350195899443317, { 32.1542971758398318, -0.0000408025794814508973 }),
    NB(1000, 6.875, 30, -4.90354407283815648, { 32.2246344124051068, -1.79792984166435689e-12 }),
    NB(100000, 11.5, -3, -14.6853311334421767, { 0.000647697562260113033, 0.875436858973091906 }),
    NB(1, -30, 30, -30.0000000000000936, { 0.999999999999906424, 8.75651076269611064e-27 }),
    NB(0, -30, -30, -6.48620997759455199e-14, { -4.6788114844200873e-14, -1.80739849317446468e-14 }),
    NB(7, -30, 30, -218.525161361063543, { 6.99999999999990642, -1.96510082345557853e-12 }),
    NB(12, 3, -30, -32.4849066497908616, { -3.76695959471608022e-14, 0.999999999997232243 }),
    NB(16, 30, -30, -32.7725887222450853, { -9.35762296882616419e-14, 0.99999999999478951 }),
    NB(17, 2.5, 3, -3.15313352878621451, { 2.99870158728141122, 0.028333103250623638 }),
    NB(40, 30, 30, -7407299725247.24888, { -5343237290742.23107, -2064062435526.97128 }),
    NB(2, 0, 300, -1.69314718055994531, { 1.0, 2.57410011120600689e-131 }),
    NB(255, 5.5, -0.25, -6.69000135743324313, { 0.032704229644483131, 0.593416810264897409 }),
    BB(0, 255, 0.5, 0.25, -8.4090493111802006, { -7.67461632641095236, 1.38277808118181575 }),
    BB(255, 255, 0.5, 0.25, -6.38667528134808501, { 1.19336363510449005, -5.97699720478143825 }),
    BB(100, 255, 2, 2.5, -4.32191995114316191, { 0.560893633591572949, -0.089927180752451318 }),
    BB(100, 255, 30, 30.5, -3.08898725090376766, { 3.72712945644166507, -3.72712945643813621 }),
    BB(0, 255, -30, -30, -0.69314718056051767, { -0.500000000000572361, 0.5 }),
    BB(255, 255, -30, -30, -0.69314718056051767, { 0.5, -0.500000000000572361 }),
    BB(17, 255, -30, -30, -33.4573676531294724, { 0.499999999999743995, 0.499999999999993531 }),
    BB(3, 10, -30, 30, -114.519361076660114, { 1.00000000000014036, -2.99999999999775417 }),
    BB(128, 255, 30, -30, -3179.53756445754493, { -126.999999997730121, 1.00000000000050695 }),
    BB(0, 0, 1, 1, 0, { 0, 0 }),
    BB(40000, 65535, 3, 2.5, -9.57868945551906841, { -0.202828148613931652, 0.701027544375220453 }),
    BB(1, 1, 1, 0, -0.313261687518222834, { 0.268941421369995121, -0.268941421369995121 }),
    DL(0, -0.5, -2, -3.69081947226618128),
    DL(128, 0.25, -3, -6.8039647441553011),
    DL(255, 0.75, -1, -1.0825199636045759),
    DL(200, -0.90625, -7, -1613.09917910415789),
    DL(3, 0.5, -7, -1614.84626624381107),
    DL(100, -0.25, 30, -36.2344107257183715),
    DL(0, 0.25, 30, -0.693147180560003611),
    DL(1, 0, 5, -11.2344218983974399),
    DL(255, -1, -6.5, -1327.6748675277654),
    DL(0, 1, -6.5, -1327.6748675277654),
    DL(129, 0, -7, -8.60141224089473265),
};
/* clang-format on */

enum { VALUES = sizeof values / sizeof *values };

/* In double to rounding of terms that are as large as x |log theta| and x log x; in float32 to its last digit. */
static void check_value(const known *v, tap_dtype dtype)
{
    tap_tape    *t = tap_tape_new(dtype, 0);
    tap_var      in[3], slope[3];
    const int    n = params_of(&v->d);
    const double most = n == 3 ? v->d.p[0][0] : v->x, epsilon = dtype == TAP_F64 ? 4 * DBL_EPSILON : 0.51 * (double)FLT_EPSILON;
    double       terms = (1 + most) * (1 + log1p(most) / 4);
    for (int i = 0; i < n; i++) {
        in[i] = parameter(t, v->d.p[i][0]);
        if (i >= n - 2) terms *= 1 + fabs(v->d.p[i][0]) / 4;
    }
    tap_var log_p = tap_log_prob(dist_of_vars(&v->d, in), tap_scalar(t, v->x));
    assert_near_msg("log_prob", tap_item(log_p), v->log_p, epsilon * fabs(v->log_p) + 4 * DBL_EPSILON * terms);
    tap_grad(log_p, n, in, slope);
    for (int i = 0; i < 2 && !isnan(v->slope[0]); i++) {
        double exact = v->slope[i], got = tap_item(slope[n - 2 + i]);
        assert_near_msg("slope", got, exact, epsilon * fabs(exact) + 4 * DBL_EPSILON * terms);
    }
    assert_tape_ok_msg("values", t);
    tap_tape_free(t);
}

static void test_values(void **state)
{
    (void)state;
    for (int i = 0; i < VALUES; i++) {
        check_value(&values[i], TAP_F64);
        if (values[i].d.two != tap_discretized_logistic) check_value(&values[i], TAP_F32); /* which is computed in float32 */
    }
}

/* ---- Errors over a grid, against long double --------------------------------------------------------------------- */

typedef struct {
    wide log_p, by_mu, by_theta, terms; /* the sum of the terms' sizes */
} outcome;

static outcome negative_binomial(int64_t x, wide m, wide u)
{
    wide k = (wide)x, theta = expl(u), odds = expl(m - u), rise = log_rising(0, x, u), total = (k + theta) * log1pl(odds);
    return (outcome){
        .log_p = rise - lgammal(k + 1) + k * m - total,
        .by_mu = (k - expl(m)) / (1 + odds),
        .by_theta = log_rising(1, x, u) - theta * log1pl(odds) + (k + theta) * odds / (1 + odds),
        .terms = rise + fabsl(lgammal(k + 1)) + fabsl(k * m) + total,
    };
}

static double error_of(double got, wide exact, double least)
{
    return (double)(fabsl((wide)got - exact) / fmaxl(fabsl(exact), (wide)least));
}

/* In float32 to the last digit of the result, value and gradients, unless that is below 1e-5 of the terms. With lgamma in float32,
 * log p(1000) at mu = 970 is wrong by 0.025 for theta = e^13, and by 29,000 for theta = e^30, where it is by 0.016 in float64. */
static void test_errors(void **state)
{
    (void)state;
    if (!is_wider()) skip();
    for (int dtype = TAP_F32; dtype <= TAP_F64; dtype++) {
        double    worst[3] = { 0 };
        tap_tape *t = tap_tape_new((tap_dtype)dtype, 0);
        for (int i = 0; i < COUNTS; i++) {
            for (double m = -30; m <= 10; m += 5) {
                for (double u = -30; u <= 30; u += 3.75) {
                    tap_var in[] = { parameter(t, m), parameter(t, u) }, slope[2];
                    tap_var log_p = tap_log_prob(tap_negative_binomial(in[0], in[1]), tap_scalar(t, (double)counts[i]));
                    outcome e = negative_binomial(counts[i], (wide)m, (wide)u);
                    double  least = dtype == TAP_F32 ? 1e-5 * (double)e.terms : (double)e.terms;
                    tap_grad(log_p, 2, in, slope);
                    double error[] = { error_of(tap_item(log_p), e.log_p, least), error_of(tap_item(slope[0]), e.by_mu, least),
                                       error_of(tap_item(slope[1]), e.by_theta, least) };
                    for (int k = 0; k < 3; k++) worst[k] = fmax(worst[k], error[k]);
                    tap_tape_reset(t);
                }
            }
        }
        double epsilon = dtype == TAP_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
        print_message("negative_binomial, %s: %.2f epsilon, by log_mu %.2f, by log_theta %.2f\n",
                      tap_dtype_name((tap_dtype)dtype), worst[0] / epsilon, worst[1] / epsilon, worst[2] / epsilon);
        for (int k = 0; k < 3; k++) assert_true(worst[k] < (dtype == TAP_F32 ? 0.51 : 8) * epsilon);
        assert_tape_ok_msg("errors", t);
        tap_tape_free(t);
    }
}

static wide log_sigmoid(wide x)
{
    return x < 0 ? x - log1pl(expl(x)) : -log1pl(expl(-x));
}

/* The bin's mass as a difference of whichever of the two tails is the smaller one. */
static wide log_bin(int x, wide loc, wide scale)
{
    wide y = 2 * (wide)x / 255 - 1, above = (y + 1 / 255.L - loc) / scale, below = (y - 1 / 255.L - loc) / scale;
    if (x == 0) return log_sigmoid(above);
    if (x == 255) return log_sigmoid(-below);
    if (y < loc) return log_sigmoid(above) + log1pl(-expl(log_sigmoid(below) - log_sigmoid(above)));
    return log_sigmoid(-below) + log1pl(-expl(log_sigmoid(-above) - log_sigmoid(-below)));
}

/* Of all bytes, as many as 40 widths away, where no difference of sigmoids would be left; and they sum up to 1. */
static void test_bytes(void **state)
{
    (void)state;
    if (!is_wider()) skip();
    for (int dtype = TAP_F32; dtype <= TAP_F64; dtype++) {
        double    worst = 0;
        tap_tape *t = tap_tape_new((tap_dtype)dtype, 0);
        for (double log_scale = -8; log_scale <= 3; log_scale++) {
            for (double loc = -1.5; loc <= 1.5; loc += 0.375) {
                double   mass = 0, mean = 0, least = 1 + fabs(loc) / exp(log_scale); /* loc is rounded, too */
                tap_dist d = tap_discretized_logistic(tap_scalar(t, loc), tap_scalar(t, log_scale));
                tap_var  log_p = tap_log_prob(d, tap_arange(t, 256));
                for (int x = 0; x < 256; x++) {
                    wide right = log_bin(x, (wide)loc, expl((wide)log_scale));
                    worst = fmax(worst, error_of(item(log_p, x), right, least));
                    mass += exp(item(log_p, x));
                    mean += x * exp(item(log_p, x));
                }
                assert_near_msg("mass", mass, 1, dtype == TAP_F32 ? 2e-5 : 1e-13);
                assert_near_msg("mean", tap_item(tap_dist_mean(d)), mean, dtype == TAP_F32 ? 4e-3 : 1e-10);
                tap_tape_reset(t);
            }
        }
        double epsilon = dtype == TAP_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
        print_message("discretized_logistic, %s: %.2f epsilon\n", tap_dtype_name((tap_dtype)dtype), worst / epsilon);
        assert_true(worst < 4 * epsilon);
        assert_tape_ok_msg("bytes", t);
        tap_tape_free(t);
    }
}

/* ---- What follows from other kinds ------------------------------------------------------------------------------- */

/* No additional zeros; a third of them; all are. */
static void test_zero_inflation(void **state)
{
    (void)state;
    const double x[] = { 0, 1, 4 }, logit = log(0.5);
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    tap_var      m = tap_scalar(t, 1.1), u = tap_scalar(t, 0.3), k = many(t, 3, x), far = tap_scalar(t, 800);
    tap_var      plain = tap_log_prob(tap_negative_binomial(m, u), k);
    tap_var      none = tap_log_prob(tap_zero_inflated_negative_binomial(m, u, tap_neg(far)), k);
    tap_var      third = tap_log_prob(tap_zero_inflated_negative_binomial(m, u, tap_scalar(t, logit)), k);
    tap_var      all = tap_log_prob(tap_zero_inflated_negative_binomial(m, u, far), k);
    for (int i = 0; i < 3; i++) {
        double p = exp(item(plain, i));
        assert_near_msg("none", item(none, i), item(plain, i), 1e-15);
        assert_near_msg("a third", item(third, i), log((i == 0) / 3. + p * 2 / 3), 1e-15);
        assert_near_msg("all", item(all, i), i == 0 ? 0 : item(plain, i) - 800, 1e-12);
    }
    assert_tape_ok_msg("zero inflation", t);
    tap_tape_free(t);
}

/* Poisson, binomial and uniform distributions as limits. */
static void test_limits(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    for (int x = 0; x < 60; x++) {
        for (double m = -30; m <= 5; m += 2.5) {
            tap_var k = tap_scalar(t, x), poisson = tap_log_prob(tap_negative_binomial(tap_scalar(t, m), tap_scalar(t, 60)), k);
            assert_near_msg("poisson", tap_item(poisson), x * m - exp(m) - lgamma(x + 1), 1e-12);
        }
        tap_var n = tap_scalar(t, 59), k = tap_scalar(t, x), large = tap_scalar(t, 60), zero = tap_scalar(t, 0);
        double  ways = lgamma(60) - lgamma(x + 1) - lgamma(60 - x);
        assert_near_msg("binomial", tap_item(tap_log_prob(tap_beta_binomial(n, tap_add_scalar(large, log(3)), large), k)),
                        ways + x * log(0.75) + (59 - x) * log(0.25), 1e-12);
        assert_near_msg("uniform", tap_item(tap_log_prob(tap_beta_binomial(n, zero, zero), k)), -log(60), 1e-12);
    }
    assert_tape_ok_msg("limits", t);
    tap_tape_free(t);
}

static void test_mixture(void **state)
{
    (void)state;
    const double    logits[] = { 0.3, -(double)INFINITY, 1.2 }, loc[] = { -0.5, 0, 0.75 }, log_scale[] = { -2, -1, -4 };
    const double    two[] = { 0.3, 1.2 }, w = 1 / (1 + exp(0.9)), x[] = { 0, 60, 222, 255 };
    const tap_shape three = S(3);
    tap_tape       *t = tap_tape_new(TAP_F64, 3);
    tap_var  in[] = { tap_input(t, wrap(three, logits)), tap_input(t, wrap(three, loc)), tap_input(t, wrap(three, log_scale)) };
    tap_dist d = tap_discretized_logistic_mixture(in[0], in[1], in[2]), each = tap_discretized_logistic(in[1], in[2]);
    tap_var  log_p = tap_log_prob(d, many(t, 4, x)), of_each = tap_log_prob(each, tap_unsqueeze(many(t, 4, x), -1));
    tap_var  z = tap_sample_n(d, 1000), mean = tap_dist_mean(d), means = tap_dist_mean(each);
    assert_int_equal(tap_shape_of(log_p).rank, 1);
    for (int i = 0; i < 4; i++)
        assert_near_msg("mixture", item(log_p, i), log(w * exp(item(of_each, 3 * i)) + (1 - w) * exp(item(of_each, 3 * i + 2))),
                        1e-13);
    assert_near_msg("mean", tap_item(mean), w * item(means, 0) + (1 - w) * item(means, 2), 1e-12);
    for (int i = 0; i < 1000; i++) assert_true(item(z, i) >= 0 && item(z, i) <= 255 && item(z, i) == floor(item(z, i)));
    /* Noise in the middle of a component's share is its median: loc. */
    double  middle[] = { w / 2, w + (1 - w) / 2 };
    tap_var at = tap_sample_from(d, many(t, 2, middle));
    assert_true(item(at, 0) == 64 && item(at, 1) == 223); /* 127.5 (loc + 1), to the nearest */
    /* A single component, with parameters that broadcast. */
    tap_dist one = tap_discretized_logistic_mixture(tap_zeros(t, TAP_SHAPE(1)), tap_input(t, wrap((tap_shape)S(2, 1), two)),
                                                    tap_scalar(t, -1.5));
    tap_sample(one);
    assert_int_equal(tap_tape_status(t, NULL), TAP_ESHAPE); /* a log_scale without the axis */
    tap_tape_free(t);
}

/* ---- Extremes, and what cannot be -------------------------------------------------------------------------------- */

static void assert_all_finite(tap_var v, const char *name)
{
    for (int64_t i = 0; i < tap_numel(tap_shape_of(v)); i++) {
        if (!isfinite(item(v, i))) fail_msg("%s: number %d is %g", name, (int)i, item(v, i));
    }
}

/* All combinations of three numbers for each of three parameters, each with all counts. */
static void check_extremes(tap_dtype dtype, int kind)
{
    static const double numbers[] = { -30, 0.3, 30 }, x[] = { 0, 1, 2, 17, 128, 254, 255 };
    double              p[3][27];
    const tap_shape     all = S(27, 1), many_of = S(27, 1, 1);
    tap_tape           *t = tap_tape_new(dtype, 1);
    tap_var             v[3], slope[3];
    for (int i = 0; i < 27; i++) {
        for (int k = 0, place = i; k < 3; k++, place /= 3) p[k][i] = numbers[place % 3];
    }
    for (int k = 0; k < 3; k++) {
        tap_tensor value;
        tap_var    cast = tap__push_empty(t, dtype, kind == 4 ? many_of : all, &value);
        for (int i = 0; i < 27; i++) tap_tensor_set_item(value, i, p[k][i]);
        v[k] = tap_variable(t, tap_value(cast));
    }
    tap_dist d[] = { tap_negative_binomial(v[0], v[1]), tap_zero_inflated_negative_binomial(v[0], v[1], v[2]),
                     tap_beta_binomial(tap_scalar(t, 255), v[0], v[1]), tap_discretized_logistic(v[0], v[1]),
                     tap_discretized_logistic_mixture(v[2], v[0], v[1]) };
    tap_var  log_p = tap_log_prob(d[kind], many(t, 7, x)), z = tap_sample(d[kind]);
    tap_grad(tap_sum(log_p, TAP_ALL), 3, v, slope);
    assert_int_equal(tap_value(log_p).dtype, dtype);
    assert_all_finite(log_p, "log_prob");
    assert_all_finite(z, "sample");
    assert_all_finite(tap_dist_mean(d[kind]), "mean");
    for (int k = 0; k < 3; k++) assert_all_finite(slope[k], "gradient");
    if (dtype == TAP_F64) {
        tap_var total = tap_add(tap_sum(slope[0], TAP_ALL), tap_add(tap_sum(slope[1], TAP_ALL), tap_sum(slope[2], TAP_ALL)));
        tap_grad(total, 3, v, slope);
        for (int k = 0; k < 3; k++) assert_all_finite(slope[k], "second derivative");
    }
    assert_tape_ok_msg("extremes", t);
    tap_tape_free(t);
}

static void test_extremes(void **state)
{
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        check_extremes(TAP_F32, kind);
        check_extremes(TAP_F64, kind);
    }
}

static void test_outside_of_the_support(void **state)
{
    (void)state;
    const double inf = (double)INFINITY, x[] = { -1, 0.5, 256, inf, -inf, 1e300, (double)NAN };
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    tap_var  v = parameter(t, 0.4), zero = tap_scalar(t, 0), n = tap_scalar(t, 255), one = tap_zeros(t, TAP_SHAPE(1)), dv, dx;
    tap_var  at = tap_variable(t, wrap((tap_shape)S(7), x));
    tap_dist d[] = { tap_negative_binomial(v, v), tap_zero_inflated_negative_binomial(v, v, zero), tap_beta_binomial(n, v, v),
                     tap_discretized_logistic(v, v), tap_discretized_logistic_mixture(one, tap_add(one, v), one) };
    for (int k = 0; k < 5; k++) {
        tap_var log_p = tap_log_prob(d[k], at);
        for (int i = 0; i < 5; i++) {
            if (i != 2 || k > 1) assert_true(item(log_p, i) == -inf);
        }
        assert_true(k < 2 ? isfinite(item(log_p, 2)) && isfinite(item(log_p, 5)) : item(log_p, 5) == -inf);
        assert_true(isnan(item(log_p, 6)));
        tap_grad(tap_sum(tap_log_prob(d[k], tap_narrow(at, 0, 0, 6)), TAP_ALL), 1, &v, &dv);
        tap_grad(tap_sum(log_p, TAP_ALL), 1, &at, &dx);
        assert_true(k < 2 ? isfinite(tap_item(dv)) : tap_item(dv) == 0);
        for (int i = 0; i < 7; i++) assert_true(item(dx, i) == 0);
    }
    const double none[] = { -1, 2.5, inf, (double)NAN };
    tap_dist     of[] = { tap_beta_binomial(many(t, 4, none), v, v) };
    tap_var      log_p = tap_log_prob(of[0], tap_scalar(t, 2)), z = tap_sample(of[0]);
    for (int i = 0; i < 4; i++) assert_true(isnan(item(log_p, i)) && isnan(item(z, i)) && isnan(item(tap_dist_mean(of[0]), i)));
    tap_var nan = tap_scalar(t, (double)NAN);
    assert_true(isnan(tap_item(tap_sample(tap_negative_binomial(nan, v)))) &&
                isnan(tap_item(tap_sample(tap_negative_binomial(v, nan)))));
    assert_true(isnan(tap_item(tap_sample(tap_beta_binomial(n, nan, v)))) && isnan(tap_item(tap_log_prob(d[2], nan))));
    assert_true(isnan(tap_item(tap_log_prob(tap_negative_binomial(v, nan), zero))));
    assert_tape_ok_msg("outside", t);
    tap_tape_free(t);
}

/* Counts as they come in files; results are of the parameters' dtype, whatever the tape's. */
static void test_dtypes(void **state)
{
    (void)state;
    for (int dtype = TAP_F32; dtype <= TAP_U8; dtype++) {
        tap_tape *t = tap_tape_new(TAP_F64, 0);
        tap_var   x = tap_cast(tap_arange(t, 4), (tap_dtype)dtype), v = tap_cast(tap_scalar(t, 0.5), TAP_F32);
        tap_var   n = tap_cast(tap_scalar(t, 9), (tap_dtype)dtype), one = tap_unsqueeze(v, 0);
        tap_dist  d[] = { tap_negative_binomial(v, v), tap_zero_inflated_negative_binomial(v, v, v), tap_beta_binomial(n, v, v),
                          tap_discretized_logistic(v, v), tap_discretized_logistic_mixture(one, one, one) };
        for (int k = 0; k < 5; k++) {
            tap_var log_p = tap_log_prob(d[k], x), same = tap_log_prob(d[k], tap_cast(x, TAP_F64));
            for (int i = 0; i < 4; i++) assert_true(item(log_p, i) == item(same, i));
            assert_int_equal(tap_value(log_p).dtype, TAP_F32);
            assert_int_equal(tap_value(tap_sample(d[k])).dtype, TAP_F32);
            assert_int_equal(tap_value(tap_dist_mean(d[k])).dtype, TAP_F32);
            if (k < 3) assert_int_equal(tap_value(tap_dist_variance(d[k])).dtype, TAP_F32);
        }
        assert_tape_ok_msg("dtypes", t);
        tap_tape_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_rising), cmocka_unit_test(test_rising_operators),
        cmocka_unit_test(test_values),     cmocka_unit_test(test_errors),
        cmocka_unit_test(test_bytes),      cmocka_unit_test(test_zero_inflation),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_mixture),
        cmocka_unit_test(test_extremes),   cmocka_unit_test(test_outside_of_the_support),
        cmocka_unit_test(test_dtypes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
