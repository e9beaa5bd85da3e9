/* Every kind against values from PyTorch, by quadrature over its whole support, and by its samples; gradients at both orders. */
#include <float.h>

#include "tests/nn/dist_cases.h"

enum { NODES = 70000, WIDE = 4, DRAWS = 40000 };

typedef enum { NO_RULE, LINE, PLANE, SIMPLEX, POINTS, UNITS } rule;
typedef enum { NOTHING, ENTROPY = 1, MEAN = 2, VARIANCE = 4, MOMENTS = MEAN | VARIANCE, ALL = 7 } closed;

/* x are n values, of events as wide as the first parameter's. */
typedef struct {
    const char *name;
    dist_case   d;
    rule        rule;  /* how to go over the support: */
    double      at[6]; /* pieces of the line, a square's sides; */
    int         n;
    double      x[9], log_prob[3];
    closed      closed; /* what has a closed form */
    double      entropy, mean[3], variance[3];
} row;

static tap_dist of_ten_trials(tap_var log_alpha, tap_var log_beta)
{
    return tap_beta_binomial(tap_scalar(log_alpha.tape, 10), log_alpha, log_beta);
}

/* clang-format off */
static const row rows[] = {
    { "normal", { .two = tap_normal, .shape = { { 0 }, { 0 } }, .p = { { 1.25 }, { 0.4 } } }, LINE, { -30, 1.25, 33 },
      .n = 3, .x = { -2, 0.5, 3 },
      .log_prob = { -3.6919571249487486, -1.4453123043626412, -2.006973509509168 },
      .closed = ALL, .entropy = 1.8189385332046726, .mean = { 1.25 }, .variance = { 2.225540928492468 } },
    { "log_normal", { .two = tap_log_normal, .shape = { { 0 }, { 0 } }, .p = { { 0.3 }, { -0.5 } } }, LINE, { 0, 1, 4, 20, 400 },
      .n = 3, .x = { 0.1, 1, 4 },
      .log_prob = { -7.322425332548589, -0.5412612154853297, -3.4090673397114433 },
      .closed = ALL, .entropy = 1.2189385332046727, .mean = { 1.6224538421372232 }, .variance = { 1.1705243208704608 } },
    { "laplace", { .two = tap_laplace, .shape = { { 0 }, { 0 } }, .p = { { -0.7 }, { 0.6 } } }, LINE, { -70, -0.7, 70 },
      .n = 3, .x = { -3, -0.7, 2 },
      .log_prob = { -2.555413943576206, -1.2931471805599453, -2.774938598013817 },
      .closed = ALL, .entropy = 2.293147180559945, .mean = { -0.7 }, .variance = { 6.6402338454730945 } },
    { "continuous_bernoulli", { .one = tap_continuous_bernoulli, .shape = { { 0 } }, .p = { { 0.7 } } }, LINE, { 0, 1 },
      .n = 3, .x = { 0, 0.3, 1 },
      .log_prob = { -0.37033394113034723, -0.16033394113034705, 0.32966605886965283 },
      .closed = ALL, .entropy = -0.020169763413776964, .mean = { 0.5578624350630348 }, .variance = { 0.08133069557133377 } },
    { "continuous_bernoulli", { .one = tap_continuous_bernoulli, .shape = { { 0 } }, .p = { { -3 } } }, LINE, { 0, 1 },
      .n = 3, .x = { 0, 0.3, 1 },
      .log_prob = { 1.1496814696108113, 0.24968146961081106, -1.8503185303891887 },
      .closed = ALL, .entropy = -0.3068685590845792, .mean = { 0.28093763684207734 }, .variance = { 0.055970105609051336 } },
    { "continuous_bernoulli", { .one = tap_continuous_bernoulli, .shape = { { 0 } }, .p = { { 6 } } }, LINE, { 0, 0.8, 1 },
      .n = 3, .x = { 0, 0.3, 1 },
      .log_prob = { -4.205758701402978, -2.4057587014029767, 1.7942412985970224 },
      .closed = ALL, .entropy = -0.809150768538089, .mean = { 0.8358182449901791 }, .variance = { 0.025286691334990542 } },
    { "relaxed_bernoulli", { .two = tap_relaxed_bernoulli, .shape = { { 0 }, { 0 } },
        .p = { { 0.8 }, { 1.5 } } }, LINE, { 0, 0.5, 1 },
      .n = 3, .x = { 0.1, 0.5, 0.99 },
      .log_prob = { -1.3154358610458097, 0.24955813733249932, -1.0765077407925823 },
      .closed = NOTHING },
    { "relaxed_bernoulli", { .two = tap_relaxed_bernoulli, .shape = { { 0 }, { 0 } }, .p = { { -1.1 }, { 0.6 } } }, NO_RULE, { 0 },
      .n = 3, .x = { 0.1, 0.5, 0.99 },
      .log_prob = { 0.49893170463380665, -0.7992019128769619, 0.20550370654190075 },
      .closed = NOTHING },
    { "bernoulli", { .one = tap_bernoulli, .shape = { { 0 } }, .p = { { 1.3 } } }, POINTS, { 2 },
      .n = 2, .x = { 0, 1 },
      .log_prob = { -1.5410084538329922, -0.24100845383299216 },
      .closed = ALL, .entropy = 0.519422975877666, .mean = { 0.7858349830425586 }, .variance = { 0.16829836246906024 } },
    { "categorical", { .one = tap_categorical, .shape = { S(4) }, .p = { { 0.3, -1.2, 2, 0 } } }, POINTS, { 4 },
      .n = 3, .x = { 0, 1, 3 },
      .log_prob = { -2.0065879825729347, -3.5065879825729347, -2.3065879825729345 },
      .closed = ENTROPY, .entropy = 0.8303453829134587 },
    { "one_hot_categorical", { .one = tap_one_hot_categorical, .shape = { S(3) }, .p = { { 0.3, -1.2, 2 } } }, UNITS, { 0 },
      .n = 3, .x = { 1, 0, 0, 0, 1, 0, 0, 0, 1 },
      .log_prob = { -1.9016712449527906, -3.401671244952791, -0.20167124495279065 },
      .closed = ALL, .entropy = 0.5621294438874721,
        .mean = { 0.14931886218339122, 0.03331754163216139, 0.8173635961844474 },
        .variance = { 0.12702273957964863, 0.032207483051750585, 0.149280347816875 } },
    { "isotropic_normal", { .two = tap_isotropic_normal, .shape = { S(2), { 0 } },
        .p = { { 0.5, -1 }, { 0.2 } } }, PLANE, { -15, 15 },
      .n = 3, .x = { 0, 0, 1, -2, 3, 1 },
      .log_prob = { -2.6568270951816197, -2.6568270951816197, -5.673267302341997 },
      .closed = ALL, .entropy = 3.2378770664093453, .mean = { 0.5, -1 },
        .variance = { 1.4918246976412703, 1.4918246976412703 } },
    { "isotropic_normal", { .two = tap_isotropic_normal, .shape = { S(3), { 0 } },
        .p = { { 0.5, -1, 2 }, { -0.3 } } }, NO_RULE, { 0 },
      .n = 3, .x = { 0, 0, 0, 1, -2, 1, 3, 1, -0.5 },
      .log_prob = { -6.639877450639105, -3.906699250053341, -16.88929570283572 },
      .closed = ALL, .entropy = 3.3568155996140185, .mean = { 0.5, -1, 2 },
        .variance = { 0.5488116360940265, 0.5488116360940265, 0.5488116360940265 } },
    { "multivariate_normal", { .two = tap_multivariate_normal, .shape = { S(2), S(2, 2) },
        .p = { { 0.5, -1 }, { 0.8, 0, -0.6, 1.4 } } }, PLANE, { -20, 20 },
      .n = 3, .x = { 0, 0, 1, -2, 3, 1 },
      .log_prob = { -2.246167486410226, -2.246167486410226, -10.664534833349002 },
      .closed = ALL, .entropy = 2.9512057517163486, .mean = { 0.5, -1 }, .variance = { 0.6400000000000001, 2.32 } },
    { "multivariate_normal", { .two = tap_multivariate_normal, .shape = { S(3), S(3, 3) },
        .p = { { 0.5, -1, 2 }, { 1.2, 0, 0, -0.4, 0.7, 0, 0.3, 0.9, 1.5 } } }, NO_RULE, { 0 },
      .n = 3, .x = { 0, 0, 0, 1, -2, 1, 3, 1, -0.5 },
      .log_prob = { -5.71255883985178, -3.783987411280352, -23.528318477039996 },
      .closed = ALL, .entropy = 4.487927320577405, .mean = { 0.5, -1, 2 }, .variance = { 1.44, 0.6499999999999999, 3.15 } },
    { "relaxed_one_hot_categorical", { .two = tap_relaxed_one_hot_categorical, .shape = { S(3), { 0 } },
        .p = { { 0.3, -0.6, 1 }, { 1.5 } } }, SIMPLEX, { 0 },
      .n = 3, .x = { 0.2, 0.3, 0.5, 0.98, 0.01, 0.01, 0.1, 0.1, 0.8 },
      .log_prob = { 1.1823333595532746, 1.0041896661276386, 1.8057150373623405 },
      .closed = NOTHING },
    { "relaxed_one_hot_categorical", { .two = tap_relaxed_one_hot_categorical, .shape = { S(3), { 0 } },
        .p = { { 0.3, -0.6, 1 }, { 0.7 } } }, NO_RULE, { 0 },
      .n = 3, .x = { 0.2, 0.3, 0.5, 0.98, 0.01, 0.01, 0.1, 0.1, 0.8 },
      .log_prob = { -0.22305021927994595, 3.0995254487540045, 1.2646061460047617 },
      .closed = NOTHING },
    { "negative_binomial", { .two = tap_negative_binomial, .shape = { { 0 }, { 0 } }, .p = { { 1.1 }, { 0.4 } } }, POINTS, { 800 },
      .n = 3, .x = { 0, 3, 20 },
      .log_prob = { -1.645760193820616, -2.0836381217215121, -8.0970116045120658 },
      .closed = MOMENTS, .mean = { 3.0041660239464334 }, .variance = { 9.0538134883593804 } },
    { "negative_binomial", { .two = tap_negative_binomial, .shape = { { 0 }, { 0 } }, .p = { { 4 }, { 3.5 } } }, POINTS, { 1500 },
      .n = 3, .x = { 0, 40, 100 },
      .log_prob = { -32.256999573684216, -4.027772646941067, -8.9091176659352119 },
      .closed = MOMENTS, .mean = { 54.598150033144239 }, .variance = { 144.61528133366605 } },
    { "zero_inflated_negative_binomial", { .three = tap_zero_inflated_negative_binomial, .shape = { { 0 }, { 0 }, { 0 } },
        .p = { { 1.1 }, { 0.4 }, { -0.5 } } }, POINTS, { 800 },
      .n = 3, .x = { 0, 1, 9 },
      .log_prob = { -0.69797513099841462, -2.1230232268861805, -4.5074890290752937 },
      .closed = MOMENTS, .mean = { 1.8699711740850315 }, .variance = { 7.7565423638270315 } },
    { "beta_binomial", { .two = of_ten_trials, .shape = { { 0 }, { 0 } }, .p = { { 0.6 }, { -0.2 } } }, POINTS, { 11 },
      .n = 3, .x = { 0, 4, 10 },
      .log_prob = { -4.1514276402502489, -2.6901792122478605, -1.5629423100993627 },
      .closed = MOMENTS, .mean = { 6.8997448112761244 }, .variance = { 7.4268388518420157 } },
    { "discretized_logistic", { .two = tap_discretized_logistic, .shape = { { 0 }, { 0 } }, .p = { { 0.2 }, { -1.2 } } },
      POINTS, { 256 },
      .n = 3, .x = { 0, 128, 255 },
      .log_prob = { -3.9897970407703463, -5.1385522613936541, -2.711799101720218 },
      .closed = MEAN, .mean = { 151.10187344092895 } },
    { "discretized_logistic_mixture", { .three = tap_discretized_logistic_mixture, .shape = { S(3), S(3), S(3) },
        .p = { { 0.3, -1.2, 1 }, { -0.7, 0.1, 0.9 }, { -2.5, -1, -1.7 } } }, POINTS, { 256 },
      .n = 3, .x = { 0, 128, 255 },
      .log_prob = { -4.4641545262603643, -7.4843880553167404, -1.4411824446871648 },
      .closed = MEAN, .mean = { 165.5542819771174 } },
};
/* clang-format on */

enum { ROWS = sizeof rows / sizeof *rows };

/* ---- Rules ------------------------------------------------------------------------------------------------------- */

typedef struct {
    int    n, width; /* nodes of `width` numbers each, 0: a scalar */
    double x[NODES * 3], w[NODES];
} quadrature;

static quadrature nodes;

static void put(double w, const double *x)
{
    assert_true(nodes.n < NODES);
    for (int i = 0; i < (nodes.width ? nodes.width : 1); i++) nodes.x[nodes.n * (nodes.width ? nodes.width : 1) + i] = x[i];
    nodes.w[nodes.n++] = w;
}

/* Doubly exponential: exact to rounding between kinks, whatever happens at the ends. */
static void piece(double a, double b)
{
    const double h = 1 / 32.0, half_pi = 1.57079632679489661923;
    for (int k = -120; k <= 120; k++) {
        double u = half_pi * sinh(k * h), share = 1 / (1 + exp(-2 * u)),
               x = k < 0 ? a + (b - a) * share : b - (b - a) / (1 + exp(2 * u));
        put((b - a) * 0.5 * h * half_pi * cosh(k * h) / (cosh(u) * cosh(u)), &x);
    }
}

static void plane(double low, double high)
{
    enum { SIDE = 201 };
    const double h = (high - low) / (SIDE - 1);
    for (int i = 0; i < SIDE * SIDE; i++) put(h * h, (double[]){ low + h * (i / SIDE), low + h * (i % SIDE) });
}

/* x = softmax(a, b, 0), for which dx_1 dx_2 = x_1 x_2 x_3 da db */
static void simplex(void)
{
    enum { SIDE = 241 };
    const double h = 0.25;
    for (int i = 0; i < SIDE * SIDE; i++) {
        double a = h * (i / SIDE - SIDE / 2), b = h * (i % SIDE - SIDE / 2), z = exp(a) + exp(b) + 1;
        double x[] = { exp(a) / z, exp(b) / z, 1 / z };
        put(h * h * x[0] * x[1] * x[2], x);
    }
}

static void lay_out(const row *r, int width)
{
    nodes.n = 0;
    nodes.width = width;
    for (int i = 0; r->rule == LINE && (i == 0 || r->at[i] > r->at[i - 1]) && r->at[i + 1] > r->at[i]; i++)
        piece(r->at[i], r->at[i + 1]);
    for (int i = 0; r->rule == POINTS && i < r->at[0]; i++) put(1, (double[]){ i });
    for (int i = 0; r->rule == UNITS && i < width; i++) put(1, (double[]){ i == 0, i == 1, i == 2 });
    if (r->rule == PLANE) plane(r->at[0], r->at[1]);
    if (r->rule == SIMPLEX) simplex();
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

static int width_of(const row *r, tap_tape *t)
{
    tap_shape s = tap_dist_event_shape(dist_of(t, &r->d));
    return s.rank ? (int)s.n[0] : 0;
}

/* n values as a var: whole numbers where the kind wants them. */
static tap_var values(tap_tape *t, const row *r, int n, int width, const double *x)
{
    tap_var v = tap_input(t, wrap(width ? (tap_shape){ 2, { n, width } } : (tap_shape){ 1, { n } }, x));
    return strcmp(r->name, "categorical") == 0 ? tap_cast(v, TAP_I64) : tap_cast(v, tap_tape_dtype(t));
}

static void check_values(const row *r, tap_dtype dtype, double tolerance)
{
    tap_tape *t = tap_tape_new(dtype, 0);
    tap_dist  d = dist_of(t, &r->d);
    const int width = width_of(r, t);
    tap_var   log_p = tap_log_prob(d, values(t, r, r->n, width, r->x));
    for (int i = 0; i < r->n; i++)
        assert_near_msg(r->name, item(log_p, i), r->log_prob[i], tolerance * (1 + fabs(r->log_prob[i])));
    if (r->closed & ENTROPY) assert_near_msg(r->name, tap_item(tap_entropy(d)), r->entropy, tolerance * (1 + fabs(r->entropy)));
    for (int i = 0; r->closed & MEAN && i < (width ? width : 1); i++) {
        assert_near_msg(r->name, item(tap_dist_mean(d), i), r->mean[i], tolerance * (1 + fabs(r->mean[i])));
        if (r->closed & VARIANCE)
            assert_near_msg(r->name, item(tap_dist_variance(d), i), r->variance[i], tolerance * (1 + fabs(r->variance[i])));
    }
    assert_int_equal(tap_value(log_p).dtype, dtype);
    assert_tape_ok_msg(r->name, t);
    tap_tape_free(t);
}

static void test_values(void **state)
{
    (void)state;
    for (int k = 0; k < ROWS; k++) {
        check_values(&rows[k], TAP_F64, 2e-14);
        check_values(&rows[k], TAP_F32, 2e-6);
    }
}

/* ---- Integrals, and samples -------------------------------------------------------------------------------------- */

/* The total mass, the entropy and the moments of the first number of an event. */
typedef struct {
    double mass, entropy, mean, variance;
} moments;

static moments integrals(const row *r, tap_tape *t, tap_dist d)
{
    const int width = width_of(r, t), step = width ? width : 1;
    moments   m = { 0 };
    lay_out(r, width);
    tap_var log_p = tap_log_prob(d, values(t, r, nodes.n, width, nodes.x));
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < nodes.n; i++) {
            double l = item(log_p, i), p = exp(l) * nodes.w[i], x = nodes.x[i * step];
            if (pass == 1) m.variance += p * (x - m.mean) * (x - m.mean);
            if (pass == 1 || p == 0) continue;
            m.mass += p;
            m.entropy -= p * l;
            m.mean += p * x;
        }
    }
    return m;
}

/* The mean of x[0], x[step], ... is within 4 of its standard errors. */
static void assert_mean(const double *x, int n, double expected, const char *what)
{
    double mean = 0, variance = 0;
    for (int i = 0; i < n; i++) mean += x[i] / n;
    for (int i = 0; i < n; i++) variance += (x[i] - mean) * (x[i] - mean) / (n - 1);
    assert_near_msg(what, mean, expected, 4 * sqrt(variance / n) + 1e-12);
}

static void check_samples(const row *r, tap_tape *t, tap_dist d, moments m)
{
    static double x[DRAWS], square[DRAWS], surprise[DRAWS];
    const int     width = width_of(r, t), step = width ? width : 1;
    tap_var       z = tap_sample_n(d, DRAWS), log_p = tap_log_prob(d, z);
    for (int i = 0; i < DRAWS; i++) {
        x[i] = item(z, i * step);
        square[i] = (x[i] - m.mean) * (x[i] - m.mean);
        surprise[i] = -item(log_p, i);
    }
    assert_mean(x, DRAWS, m.mean, r->name);
    assert_mean(square, DRAWS, m.variance, r->name);
    assert_mean(surprise, DRAWS, m.entropy, r->name);
}

static void test_integrals_and_samples(void **state)
{
    (void)state;
    int tried = 0;
    for (const row *r = rows; r < rows + ROWS; r++) {
        if (r->rule == NO_RULE) continue;
        tap_tape *t = tap_tape_new(TAP_F64, 11);
        tap_dist  d = dist_of(t, &r->d);
        moments   m = integrals(r, t, d);
        assert_near_msg(r->name, m.mass, 1, 1e-10);
        if (r->closed & ENTROPY) assert_near_msg(r->name, tap_item(tap_entropy(d)), m.entropy, 1e-10);
        if (r->closed & MEAN) assert_near_msg(r->name, item(tap_dist_mean(d), 0), m.mean, 1e-10);
        if (r->closed & VARIANCE) assert_near_msg(r->name, item(tap_dist_variance(d), 0), m.variance, 1e-9);
        check_samples(r, t, d, m);
        assert_tape_ok_msg(r->name, t);
        tap_tape_free(t);
        tried++;
    }
    assert_true(tried >= 18);
}

/* Any two components of a vector vary together as they should. */
static void test_covariance(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 4);
    for (const row *r = rows; r < rows + ROWS; r++) {
        if (r->d.two != tap_multivariate_normal || r->d.shape[0].n[0] != 3) continue;
        static double product[DRAWS];
        const double *l = r->d.p[1];
        tap_var       z = tap_sample_n(dist_of(t, &r->d), DRAWS);
        for (int k = 0; k < 9; k++) {
            const int a = k / 3, b = k % 3;
            double    covariance = 0;
            for (int j = 0; j < 3; j++) covariance += l[3 * a + j] * l[3 * b + j];
            for (int i = 0; i < DRAWS; i++) product[i] = (item(z, 3 * i + a) - r->mean[a]) * (item(z, 3 * i + b) - r->mean[b]);
            assert_mean(product, DRAWS, covariance, "covariance");
        }
    }
    assert_tape_ok_msg("covariance", t);
    tap_tape_free(t);
}

/* ---- Samples of given noise, by hand ------------------------------------------------------------------------------ */

static tap_var numbers(tap_tape *t, tap_shape shape, const double *x)
{
    return tap_input(t, wrap(shape, x));
}

/* A sample is as far up in its distribution as its noise is in (0,1), or on the side of the normal noise. */
static void test_samples_by_hand(void **state)
{
    (void)state;
    const double u[] = { 0.2, 0.9 }, shape2[] = { -0.7, 0.4 };
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    tap_var      noise = numbers(t, (tap_shape)S(2), u), a = tap_scalar(t, -0.7), b = tap_scalar(t, 0.6);
    tap_var      laplace = tap_sample_from(tap_laplace(a, b), noise);
    assert_near_msg("laplace", item(laplace, 0), -0.7 + exp(0.6) * log(0.4), 1e-14);
    assert_near_msg("laplace", item(laplace, 1), -0.7 - exp(0.6) * log(0.2), 1e-14);
    tap_var relaxed = tap_sample_from(tap_relaxed_bernoulli(a, b), noise);
    for (int i = 0; i < 2; i++)
        assert_near_msg("relaxed_bernoulli", item(relaxed, i), 1 / (1 + exp((0.7 - log(u[i] / (1 - u[i]))) / 0.6)), 1e-14);
    tap_var log_normal = tap_sample_from(tap_log_normal(a, b), noise);
    for (int i = 0; i < 2; i++) assert_near_msg("log_normal", item(log_normal, i), exp(-0.7 + exp(0.6) * u[i]), 1e-14);
    tap_dist delta = tap_delta(numbers(t, (tap_shape)S(2), shape2)); /* of noise smaller than it, and larger */
    tap_var  one = tap_sample_from(delta, b), four = tap_sample_from(delta, tap_zeros(t, (tap_shape)S(2, 1)));
    assert_true(tap_shape_equal(tap_shape_of(one), (tap_shape)S(2)) && tap_shape_equal(tap_shape_of(four), (tap_shape)S(2, 2)));
    assert_true(item(one, 1) == 0.4 && item(four, 2) == -0.7);
    assert_tape_ok_msg("samples by hand", t);
    tap_tape_free(t);
}

/* L as it is read: what lies above the diagonal counts for nothing, and a column may point either way. */
enum { D = 3 };

static const double triangle[2][D][D] = { { { 1.2, 7, -3 }, { -0.4, -0.7, 9 }, { 0.3, 0.9, 1.5 } },
                                          { { -0.5, 5, 2 }, { 0.8, 2, -4 }, { -1.1, 0.6, 0.9 } } };

/* Vectors of noise, [..,3], of which each has the factor `of[i]`: z = loc + L noise, and log p(z) follows from the noise alone. */
static void check_vectors(tap_tape *t, tap_shape shape, tap_shape factors, const int *of)
{
    const double loc[D] = { 0.5, -1, 2 };
    double       noise[8 * D];
    const int    n = (int)tap_numel(shape) / D;
    for (int i = 0; i < n * D; i++) noise[i] = 1.5 * sin(2.3 * i + 1);
    tap_dist d = tap_multivariate_normal(numbers(t, (tap_shape)S(D), loc), numbers(t, factors, &triangle[0][0][0]));
    tap_var  z = tap_sample_from(d, numbers(t, shape, noise)), log_p = tap_log_prob(d, z);
    assert_true(tap_shape_equal(tap_shape_of(z), shape) && tap_shape_of(log_p).rank == shape.rank - 1);
    for (int i = 0; i < n; i++) {
        double expected = -D * 0.5 * log(2 * 3.14159265358979323846);
        for (int j = 0; j < D; j++) {
            double at = loc[j];
            for (int k = 0; k <= j; k++) at += triangle[of[i]][j][k] * noise[i * D + k];
            assert_near_msg("multivariate sample", item(z, i * D + j), at, 1e-14);
            expected -= noise[i * D + j] * noise[i * D + j] / 2 + log(fabs(triangle[of[i]][j][j]));
        }
        assert_near_msg("multivariate log_prob", item(log_p, i), expected, 1e-13);
    }
    for (int i = 0; i < (factors.rank > 2 ? 2 : 1); i++) {
        double entropy = D * 0.5 * (1 + log(2 * 3.14159265358979323846));
        for (int j = 0; j < D; j++) {
            double variance = 0;
            for (int k = 0; k <= j; k++) variance += triangle[i][j][k] * triangle[i][j][k];
            entropy += log(fabs(triangle[i][j][j]));
            assert_near_msg("multivariate variance", item(tap_dist_variance(d), i * D + j), variance, 1e-14);
        }
        assert_near_msg("multivariate entropy", item(tap_entropy(d), i), entropy, 1e-14);
    }
    assert_tape_ok_msg("multivariate", t);
}

static void test_multivariate_by_hand(void **state)
{
    (void)state;
    tap_tape       *t = tap_tape_new(TAP_F64, 0);
    const tap_shape shared = S(D, D), own = S(2, D, D);
    const int       first[8] = { 0 }, in_turn[8] = { 0, 1, 0, 1, 0, 1, 0, 1 };
    check_vectors(t, (tap_shape)S(D), shared, first);
    check_vectors(t, (tap_shape)S(4, D), shared, first);
    check_vectors(t, (tap_shape)S(2, 4, D), shared, first);
    check_vectors(t, (tap_shape)S(2, D), own, in_turn);
    check_vectors(t, (tap_shape)S(4, 2, D), own, in_turn);
    /* Columns that point the other way make no other distribution. */
    tap_var  l = numbers(t, own, &triangle[0][0][0]), loc = tap_zeros(t, (tap_shape)S(D));
    tap_var  signs = tap_unsqueeze(tap_sign(tap_diagonal(l, 0, -2, -1)), -2);
    tap_dist q = tap_multivariate_normal(loc, l), p = tap_multivariate_normal(loc, tap_mul(l, signs));
    for (int i = 0; i < 2; i++) {
        assert_near_msg("kl of the same", item(tap_kl(q, p), i), 0, 1e-14);
        assert_near_msg("kl of the same", item(tap_kl(p, q), i), 0, 1e-14);
    }
    assert_tape_ok_msg("kl", t);
    tap_tape_free(t);
}

/* ---- Gradients --------------------------------------------------------------------------------------------------- */

typedef enum { LOG_PROB, SAMPLE, ENTROPY_OF, MEAN_OF, VARIANCE_OF } what;

typedef struct {
    const row *r;
    what       what;
    int        width;
    tap_var (*of)(tap_dist d);
} question;

static tap_var answer(tap_tape *t, const tap_var *in, void *ctx)
{
    const question *q = ctx;
    const row      *r = q->r;
    tap_dist        d = dist_of_vars(&r->d, in);
    const int       n = params_of(&r->d);
    switch (q->what) {
    case LOG_PROB: return tap_log_prob(d, r->rule == POINTS || r->rule == UNITS ? values(t, r, r->n, q->width, r->x) : in[n]);
    case SAMPLE: return tap_rsample_n(d, 3);
    default: return q->of(d);
    }
}

static void check_gradients(const row *r, what about)
{
    static tap_var (*const of[])(
        tap_dist) = { [ENTROPY_OF] = tap_entropy, [MEAN_OF] = tap_dist_mean, [VARIANCE_OF] = tap_dist_variance };
    tap_tape  *t = tap_tape_new(TAP_F64, 0);
    question   q = { r, about, width_of(r, t), about > SAMPLE ? of[about] : NULL };
    const bool hard = r->rule == POINTS || r->rule == UNITS;
    double     x[9];
    tap_tensor in[4];
    int        n = params_of(&r->d);
    tap_tape_free(t);
    for (int i = 0; i < n; i++) in[i] = param_of(&r->d, i);
    /* Inside of the support, and off a kink. */
    for (int i = 0; i < 9; i++)
        x[i] = r->x[i] == 0 && r->rule == LINE ? 0.2 : r->x[i] == 1 ? 0.9 : r->x[i] == -0.7 ? -0.5 : r->x[i];
    if (about == LOG_PROB && !hard)
        in[n++] = wrap(q.width ? (tap_shape){ 2, { r->n, q.width } } : (tap_shape){ 1, { r->n } }, x);
    tap_gradcheck_result g = tap_gradcheck(answer, &q, n, in, (tap_gradcheck_options){ .order = 2, .seed = 5 });
    if (!g.ok) fail_msg("%s, %d: %s", r->name, (int)about, g.message);
}

static void test_gradients(void **state)
{
    (void)state;
    for (const row *r = rows; r < rows + ROWS; r++) {
        check_gradients(r, LOG_PROB);
        if (r->rule != POINTS && r->rule != UNITS) check_gradients(r, SAMPLE);
        if (r->closed & ENTROPY) check_gradients(r, ENTROPY_OF);
        if (r->closed & MEAN) check_gradients(r, MEAN_OF);
        if (r->closed & VARIANCE) check_gradients(r, VARIANCE_OF);
    }
}

/* ---- What is special --------------------------------------------------------------------------------------------- */

/* Logits near 0, on both sides of where the formula changes, and far: computed with 50 digits. */
static const struct {
    double logits, log_density, mean, variance; /* the density at 1/4 */
    double sample, slope;                       /* of noise 0.3, and its derivative by the logits */
} continuous[] = {
    { 0, 0.0, 0.5, 0.0833333333333333333, 0.299999999999999989, 0.104999999999999998 },
    { 1e-12, -2.50000000000041662e-13, 0.500000000000083333, 0.0833333333333333333, 0.300000000000104989,
      0.105000000000027998 },
    { -1e-5, 2.49999583333333354e-6, 0.499999166666666668, 0.0833333333329166667, 0.299998950001399991, 0.104999719999317502 },
    { 0.02, -0.00501666661111146395, 0.501666655555661375, 0.0833316666931213228, 0.302105581629757096, 0.105557235951506168 },
    { -0.5, 0.114604949007243262, 0.458505917463201716, 0.0823019109672362351, 0.251218969828263048, 0.0898129603055511453 },
    { 0.999, -0.290992917570535612, 0.581897376612003384, 0.0793341077681289701, 0.41561285745214482, 0.12236247352241163 },
    { 1.001, -0.291656870981705818, 0.582056029421416859, 0.0793186973034899372, 0.415857590050777404, 0.122370104852100196 },
    { -40, -6.31112054588606369, 0.0249999999999999958, 0.000624999999999995752, 0.00891687359846830903,
      0.00022292183996170768 },
};

static void test_continuous_bernoulli(void **state)
{
    (void)state;
    const double quarter = 0.25, noise = 0.3;
    for (size_t i = 0; i < sizeof continuous / sizeof *continuous; i++) {
        tap_tape *t = tap_tape_new(TAP_F64, 0);
        tap_var   l = tap_variable(t, wrap(TAP_SCALAR, &continuous[i].logits)), slope, curvature;
        tap_dist  d = tap_continuous_bernoulli(l);
        tap_var   log_p = tap_log_prob(d, tap_scalar(t, quarter)), x = tap_sample_from(d, tap_scalar(t, noise));
        assert_near_msg("log_prob", tap_item(log_p), continuous[i].log_density, 1e-15 * (1 + fabs(continuous[i].logits)));
        assert_near_msg("mean", tap_item(tap_dist_mean(d)), continuous[i].mean, 1e-15);
        assert_near_msg("variance", tap_item(tap_dist_variance(d)), continuous[i].variance, 1e-15);
        assert_near_msg("sample", tap_item(x), continuous[i].sample, 1e-15);
        tap_grad(log_p, 1, &l, &slope); /* 1/4 - mean, and then -variance */
        tap_grad(slope, 1, &l, &curvature);
        assert_near_msg("slope", tap_item(slope), quarter - continuous[i].mean, 1e-15);
        assert_near_msg("curvature", tap_item(curvature), -continuous[i].variance, 2e-15);
        tap_grad(x, 1, &l, &slope);
        assert_near_msg("slope of the sample", tap_item(slope), continuous[i].slope, 1e-15);
        assert_tape_ok_msg("continuous_bernoulli", t);
        tap_tape_free(t);
    }
}

static tap_var many(tap_tape *t, int n, const double *x)
{
    return tap_cast(tap_input(t, wrap((tap_shape){ 1, { n } }, x)), tap_tape_dtype(t));
}

static void assert_all_finite(tap_var v, const char *name)
{
    for (int64_t i = 0; i < tap_numel(tap_shape_of(v)); i++) {
        if (!isfinite(item(v, i))) fail_msg("%s: number %d is %g", name, (int)i, item(v, i));
    }
}

/* Extreme parameters, and values at the ends of the support, give finite numbers and gradients. */
static void check_extremes(tap_dtype dtype)
{
    const double large[] = { -1e4, -90, 0, 90, 1e4 }, ends[] = { 0, 1, 0.5, 0, 1 }, hot[] = { 0, 1, 0, 0, 0 },
                 half[] = { 0.5, 0.5, 0.5, 0.5, 0.5 };
    tap_tape *t = tap_tape_new(dtype, 0);
    tap_var   l = tap_cast(tap_variable(t, wrap((tap_shape){ 1, { 5 } }, large)), dtype), x = many(t, 5, ends), dl;
    tap_dist  of[] = { tap_continuous_bernoulli(l), tap_bernoulli(l), tap_relaxed_bernoulli(l, tap_scalar(t, 0.5)),
                       tap_relaxed_one_hot_categorical(l, tap_scalar(t, 0.5)), tap_one_hot_categorical(l) };
    for (int k = 0; k < 5; k++) {
        tap_var lp = tap_log_prob(of[k], k < 4 ? x : many(t, 5, hot)), z = tap_sample_from(of[k], many(t, 5, half));
        tap_grad(tap_sum(tap_add(tap_sum(lp, TAP_ALL), tap_sum(z, TAP_ALL)), TAP_ALL), 1, &l, &dl);
        assert_all_finite(lp, "log_prob");
        assert_all_finite(tap_log_prob(of[k], z), "log_prob of a sample");
        assert_all_finite(z, "sample");
        assert_all_finite(dl, "gradient");
        if (k < 2) assert_all_finite(tap_dist_variance(of[k]), "variance");
        if (k < 2 || k == 4) assert_all_finite(tap_entropy(of[k]), "entropy");
        if (k < 2 || k == 4) assert_all_finite(tap_kl(of[k], of[k]), "kl");
    }
    assert_tape_ok_msg("extremes", t);
    tap_tape_free(t);
}

/* A sample that was rounded to 1 counts as one that is short of it by a quarter of the rounding error of 1. */
static void check_last_sample(tap_dtype dtype, double epsilon)
{
    const double rest = log(epsilon / 4);
    tap_tape    *t = tap_tape_new(dtype, 0);
    tap_dist     d = tap_relaxed_bernoulli(tap_scalar(t, 0), tap_scalar(t, 2));
    assert_near_msg("log_prob of 1", tap_item(tap_log_prob(d, tap_scalar(t, 1))), log(2) + rest, 1e-6 * fabs(rest));
    tap_tape_free(t);
}

/* Noise next to 0 and 1 gives samples within them, rounding or not. */
static void check_samples_within(tap_dtype dtype, double epsilon)
{
    tap_tape *t = tap_tape_new(dtype, 0);
    for (int l = -40; l <= 40; l++) {
        double u[64];
        for (int i = 0; i < 32; i++) {
            u[i] = ldexp(1, -i - 1);
            u[i + 32] = 1 - (i + 1) * epsilon / 2;
        }
        tap_var x = tap_sample_from(tap_continuous_bernoulli(tap_scalar(t, l / 2.0)), many(t, 64, u));
        for (int i = 0; i < 64; i++)
            if (!(item(x, i) >= 0 && item(x, i) <= 1)) fail_msg("sample %d %d %.17g", l, i, item(x, i));
        tap_tape_reset(t);
    }
    tap_tape_free(t);
}

static void test_extremes(void **state)
{
    (void)state;
    check_extremes(TAP_F64);
    check_extremes(TAP_F32);
    check_last_sample(TAP_F64, DBL_EPSILON);
    check_last_sample(TAP_F32, (double)FLT_EPSILON);
    check_samples_within(TAP_F64, DBL_EPSILON);
    check_samples_within(TAP_F32, (double)FLT_EPSILON);
}

static void test_outside_of_the_support(void **state)
{
    (void)state;
    const double outside[] = { -0.5, 1.5 }, vector[] = { -0.25, 1.25 };
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    tap_var      zero = tap_scalar(t, 0), one = tap_scalar(t, 1), x = many(t, 2, outside), nan = tap_scalar(t, (double)NAN);
    tap_dist     d[] = { tap_continuous_bernoulli(zero), tap_relaxed_bernoulli(zero, one), tap_log_normal(zero, zero),
                         tap_delta(zero) };
    for (int k = 0; k < 4; k++) {
        assert_true(item(tap_log_prob(d[k], x), 0) == -(double)INFINITY);
        assert_true(k == 2 || item(tap_log_prob(d[k], x), 1) == -(double)INFINITY);
        assert_true(isnan(tap_item(tap_log_prob(d[k], nan))));
    }
    tap_dist simplex_of = tap_relaxed_one_hot_categorical(tap_zeros(t, (tap_shape){ 1, { 2 } }), one);
    assert_true(tap_item(tap_log_prob(simplex_of, many(t, 2, vector))) == -(double)INFINITY);
    assert_true(tap_item(tap_log_prob(d[2], zero)) == -(double)INFINITY);
    tap_var below = tap_scalar(t, -0.5);
    assert_true(isnan(tap_item(tap_sample(tap_relaxed_bernoulli(zero, zero)))));
    tap_dist endless = tap_delta(tap_scalar(t, (double)INFINITY));
    assert_true(tap_item(tap_log_prob(endless, tap_scalar(t, -(double)INFINITY))) == -(double)INFINITY);
    tap_var at = tap_variable(t, wrap((tap_shape){ 1, { 2 } }, vector)), slope; /* outside there is no slope */
    tap_grad(tap_sum(tap_log_prob(d[2], at), TAP_ALL), 1, &at, &slope);
    assert_true(item(slope, 0) == 0 && item(slope, 1) < 0);
    assert_true(isnan(tap_item(tap_sample(tap_relaxed_bernoulli(zero, below)))));
    assert_true(isnan(item(tap_sample(tap_relaxed_one_hot_categorical(tap_zeros(t, (tap_shape){ 1, { 2 } }), below)), 1)));
    assert_tape_ok_msg("outside", t);
    tap_tape_free(t);
}

static void test_delta(void **state)
{
    (void)state;
    const double loc[] = { 1, -2 };
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    tap_var      l = tap_variable(t, wrap((tap_shape){ 1, { 2 } }, loc)), z, dz;
    tap_dist     d = tap_delta(l);
    z = tap_rsample_n(d, 3);
    assert_true(tap_shape_equal(tap_shape_of(z), (tap_shape){ 2, { 3, 2 } }));
    for (int i = 0; i < 6; i++) assert_true(item(z, i) == loc[i % 2] && item(tap_log_prob(d, z), i) == (double)INFINITY);
    tap_grad(tap_sum(z, TAP_ALL), 1, &l, &dz);
    assert_true(item(dz, 0) == 3 && item(dz, 1) == 3);
    assert_true(item(tap_dist_mean(d), 1) == -2 && item(tap_dist_variance(d), 1) == 0);
    assert_true(item(tap_entropy(d), 0) == -(double)INFINITY);
    assert_tape_ok_msg("delta", t);
    tap_tape_free(t);
}

/* Classes that cannot be count for nothing. */
static void test_impossible_classes(void **state)
{
    (void)state;
    const double logits[] = { 0, -(double)INFINITY, 0 };
    tap_tape    *t = tap_tape_new(TAP_F64, 9);
    tap_var      l = tap_variable(t, wrap((tap_shape){ 1, { 3 } }, logits)), dl;
    tap_dist     c = tap_categorical(l), o = tap_one_hot_categorical(l),
             all = tap_categorical(tap_zeros(t, (tap_shape){ 1, { 3 } }));
    tap_var h = tap_entropy(c), z = tap_sample_n(c, 1000);
    assert_near_msg("entropy", tap_item(h), log(2), 1e-15);
    assert_near_msg("kl", tap_item(tap_kl(c, all)), log(1.5), 1e-15);
    assert_true(tap_item(tap_kl(all, c)) == (double)INFINITY);
    tap_grad(tap_add(h, tap_kl(c, all)), 1, &l, &dl);
    for (int i = 0; i < 3; i++) assert_near_msg("gradient", item(dl, i), 0, 1e-15);
    for (int i = 0; i < 1000; i++) assert_true(item(z, i) == 0 || item(z, i) == 2);
    tap_var lp = tap_log_prob(o, tap_sample_n(o, 1000));
    for (int i = 0; i < 1000; i++) assert_near_msg("log_prob", item(lp, i), -log(2), 1e-15);
    assert_int_equal(tap_value(z).dtype, TAP_I64);
    /* A class for each of several, one class for all, and each for each. */
    const double several[] = { 0, log(3), log(2), log(2) }, p[2][2] = { { 0.25, 0.75 }, { 0.5, 0.5 } };
    tap_dist     two = tap_categorical(tap_input(t, wrap((tap_shape){ 2, { 2, 2 } }, several)));
    tap_var index = tap_arange(t, 2), of_each = tap_log_prob(two, index), of_one = tap_log_prob(two, tap_select(index, 0, 1)),
            of_all = tap_log_prob(two, tap_unsqueeze(index, 1));
    assert_int_equal(tap_shape_of(of_each).rank, 1);
    assert_int_equal(tap_shape_of(of_one).rank, 1);
    assert_int_equal(tap_shape_of(of_all).rank, 2);
    for (int i = 0; i < 2; i++) {
        assert_near_msg("a class for each", item(of_each, i), log(p[i][i]), 1e-15);
        assert_near_msg("one class", item(of_one, i), log(p[i][1]), 1e-15);
        for (int k = 0; k < 2; k++) assert_near_msg("each for each", item(of_all, 2 * k + i), log(p[i][k]), 1e-15);
    }
    assert_tape_ok_msg("impossible classes", t);
    tap_tape_free(t);
}

/* ---- Shapes ------------------------------------------------------------------------------------------------------ */

#define SHAPE(...) ((tap_shape)S(__VA_ARGS__))
#define NONE       ((tap_shape){ 0 })

static void check_shapes(tap_tape *t, tap_dist d, tap_shape batch, tap_shape event, tap_shape draw)
{
    const char *name = "shapes";
    tap_shape   more = { .rank = draw.rank + 1, .n = { 7 } };
    memcpy(more.n + 1, draw.n, (size_t)draw.rank * sizeof *draw.n);
    assert_true(tap_shape_equal(tap_dist_batch_shape(d), batch));
    assert_true(tap_shape_equal(tap_dist_event_shape(d), event));
    assert_true(tap_shape_equal(tap_shape_of(tap_sample(d)), draw));
    assert_true(tap_shape_equal(tap_shape_of(tap_sample_n(d, 7)), more));
    tap_shape log_p = tap_shape_of(tap_log_prob(d, tap_sample_n(d, 7)));
    assert_int_equal(log_p.rank, batch.rank + 1);
    assert_int_equal(log_p.n[0], 7);
    for (int i = 0; i < batch.rank; i++) assert_int_equal(log_p.n[i + 1], batch.n[i]);
    assert_tape_ok_msg(name, t);
}

static void test_shapes(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_var   a = tap_zeros(t, SHAPE(5, 1, 3)), b = tap_zeros(t, SHAPE(2, 1)), one = tap_ones(t, SHAPE(2)),
            two = tap_ones(t, SHAPE(5, 2));
    tap_dist (*const elements[])(tap_var, tap_var) = { tap_normal, tap_log_normal, tap_laplace, tap_relaxed_bernoulli };
    for (int k = 0; k < 4; k++) check_shapes(t, elements[k](a, tap_add_scalar(b, 1)), SHAPE(5, 2, 3), NONE, SHAPE(5, 2, 3));
    tap_dist (*const alone[])(tap_var) = { tap_delta, tap_bernoulli, tap_continuous_bernoulli };
    for (int k = 0; k < 3; k++) check_shapes(t, alone[k](a), SHAPE(5, 1, 3), NONE, SHAPE(5, 1, 3));
    tap_dist (*const counts[])(tap_var, tap_var) = { tap_negative_binomial, tap_discretized_logistic };
    for (int k = 0; k < 2; k++) check_shapes(t, counts[k](a, b), SHAPE(5, 2, 3), NONE, SHAPE(5, 2, 3));
    tap_var last = tap_zeros(t, SHAPE(4, 1, 1, 1));
    check_shapes(t, tap_zero_inflated_negative_binomial(a, b, last), SHAPE(4, 5, 2, 3), NONE, SHAPE(4, 5, 2, 3));
    check_shapes(t, tap_beta_binomial(last, a, b), SHAPE(4, 5, 2, 3), NONE, SHAPE(4, 5, 2, 3));
    check_shapes(t, tap_discretized_logistic_mixture(a, tap_expand(b, SHAPE(2, 3)), tap_zeros(t, SHAPE(3))), SHAPE(5, 2), NONE,
                 SHAPE(5, 2));
    check_shapes(t, tap_categorical(a), SHAPE(5, 1), NONE, SHAPE(5, 1));
    check_shapes(t, tap_one_hot_categorical(a), SHAPE(5, 1), SHAPE(3), SHAPE(5, 1, 3));
    check_shapes(t, tap_relaxed_one_hot_categorical(a, one), SHAPE(5, 2), SHAPE(3), SHAPE(5, 2, 3));
    check_shapes(t, tap_isotropic_normal(a, two), SHAPE(5, 2), SHAPE(3), SHAPE(5, 2, 3));
    check_shapes(t, tap_multivariate_normal(a, tap_eye(t, 3)), SHAPE(5, 1), SHAPE(3), SHAPE(5, 1, 3));
    check_shapes(t, tap_multivariate_normal(a, tap_expand(tap_eye(t, 3), SHAPE(2, 3, 3))), SHAPE(5, 2), SHAPE(3),
                 SHAPE(5, 2, 3));
    check_shapes(t, tap_multivariate_normal(tap_zeros(t, SHAPE(3)), tap_expand(tap_eye(t, 3), SHAPE(2, 3, 3))), SHAPE(2),
                 SHAPE(3), SHAPE(2, 3));

    tap_dist iso = tap_isotropic_normal(a, two), full = tap_multivariate_normal(a, tap_eye(t, 3));
    tap_dist from[] = { iso, full, tap_standard_normal_like(iso) };
    for (int k = 0; k < 2; k++) {
        assert_true(tap_shape_equal(tap_shape_of(tap_entropy(from[k])), tap_dist_batch_shape(from[k])));
        assert_int_equal(tap_shape_of(tap_dist_mean(from[k])).rank, 3);
        assert_true(tap_shape_equal(tap_shape_of(tap_dist_variance(from[k])), tap_shape_of(tap_dist_mean(from[k]))));
        assert_true(tap_shape_equal(tap_shape_of(tap_kl(from[k], from[2])), tap_dist_batch_shape(from[k])));
        assert_true(tap_shape_equal(tap_shape_of(tap_kl(from[k], tap_normal(a, a))), tap_dist_batch_shape(from[k])));
    }
    assert_true(tap_shape_equal(tap_shape_of(tap_kl(iso, full)), SHAPE(5, 2)));
    assert_true(tap_shape_equal(tap_shape_of(tap_kl_monte_carlo(full, iso, 4, NULL)), SHAPE(5, 2)));
    assert_true(tap_shape_equal(tap_shape_of(tap_kl_monte_carlo(iso, from[2], 4, NULL)), SHAPE(5, 2)));
    assert_true(tap_shape_equal(tap_shape_of(tap_kl_monte_carlo(tap_normal(tap_scalar(t, 0), tap_scalar(t, 0)), iso, 2, NULL)),
                                SHAPE(5, 2)));
    assert_true(
        tap_shape_equal(tap_shape_of(tap_kl_monte_carlo(tap_categorical(a), tap_categorical(a), 4, NULL)), SHAPE(5, 1)));
    assert_tape_ok_msg("shapes", t);
    tap_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_integrals_and_samples),
        cmocka_unit_test(test_covariance),
        cmocka_unit_test(test_samples_by_hand),
        cmocka_unit_test(test_multivariate_by_hand),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_continuous_bernoulli),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_outside_of_the_support),
        cmocka_unit_test(test_delta),
        cmocka_unit_test(test_impossible_classes),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
