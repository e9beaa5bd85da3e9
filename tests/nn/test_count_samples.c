/* Samples of counts and bytes: their distribution by a chi-squared test, and what they are as functions of their noise. */
#include <float.h>
#include <stdlib.h>

#include "tensor/random.h"
#include "tests/nn/dist_cases.h"

/* ---- Samples ----------------------------------------------------------------------------------------------------- */

enum { DRAWS = 100000, CELLS = 4000 };

/* How far the cells' counts are from what is expected of them, in standard deviations (Wilson & Hilferty 1931). Neighbouring cells
 * with less than 20 are one; the last one is the rest. */
static double chi_squared(int draws, const int *count, const double *p)
{
    double sum = 0, expected = 0, observed = 0, left = draws, seen = 0;
    int    df = -1;
    for (int i = 0; i < CELLS; i++) {
        expected += p[i] * draws;
        observed += count[i];
        if (expected < 20 || left - expected < 20) continue;
        sum += (observed - expected) * (observed - expected) / expected;
        left -= expected;
        seen += observed;
        expected = observed = 0;
        df++;
    }
    sum += (draws - seen - left) * (draws - seen - left) / left;
    df++;
    return df == 0 ? 0 : (cbrt(sum / df) - (1 - 2. / (9 * df))) / sqrt(2. / (9 * df));
}

static const struct {
    const char *name;
    dist_case   d;
} sampled[] = {
    { "negative_binomial", { .two = tap_negative_binomial, .p = { { 1.1 }, { -0.4 } } } },
    { "negative_binomial, large", { .two = tap_negative_binomial, .p = { { 6 }, { 0.7 } } } },
    { "negative_binomial, small", { .two = tap_negative_binomial, .p = { { -3 }, { -3 } } } },
    { "poisson", { .two = tap_negative_binomial, .p = { { 2.7 }, { 30 } } } }, /* below and above what is counted one by one */
    { "poisson, large", { .two = tap_negative_binomial, .p = { { 4 }, { 30 } } } },
    { "poisson, larger", { .two = tap_negative_binomial, .p = { { 7.5 }, { 30 } } } },
    { "zero_inflated", { .three = tap_zero_inflated_negative_binomial, .p = { { 1.1 }, { 1 }, { -0.3 } } } },
    { "beta_binomial", { .three = tap_beta_binomial, .p = { { 255 }, { 0.5 }, { -0.25 } } } },
    { "beta_binomial, two peaks", { .three = tap_beta_binomial, .p = { { 255 }, { -2 }, { -1.5 } } } },
    { "beta_binomial, few", { .three = tap_beta_binomial, .p = { { 3 }, { -1 }, { 2 } } } },
    { "binomial", { .three = tap_beta_binomial, .p = { { 255 }, { 30 }, { 30.5 } } } },
    { "binomial, rare", { .three = tap_beta_binomial, .p = { { 3000 }, { 25 }, { 30 } } } },
    { "binomial, frequent", { .three = tap_beta_binomial, .p = { { 17 }, { 31 }, { 30 } } } },
    { "discretized_logistic", { .two = tap_discretized_logistic, .p = { { 0.2 }, { -1.5 } } } },
    { "discretized_logistic, at the end", { .two = tap_discretized_logistic, .p = { { -1.01 }, { -4.5 } } } },
    { "mixture",
      { .three = tap_discretized_logistic_mixture,
        .shape = { S(3), S(3), S(3) },
        .p = { { 0, 1, -2 }, { -0.7, 0.1, 0.9 }, { -3, -2, -6 } } } },
};

static void test_samples(void **state)
{
    (void)state;
    const int draws = getenv("TAP_TEST_SHORT") ? DRAWS / 50 : DRAWS;
    for (size_t k = 0; k < 2 * sizeof sampled / sizeof *sampled; k++) {
        static int    count[CELLS];
        static double p[CELLS];
        tap_tape     *t = tap_tape_new(k % 2 ? TAP_F64 : TAP_F32, 31);
        tap_dist      d = dist_of(t, &sampled[k / 2].d);
        tap_var       z = tap_sample_n(d, draws), log_p = tap_log_prob(d, tap_arange(t, CELLS));
        memset(count, 0, sizeof count);
        for (int i = 0; i < CELLS; i++) p[i] = exp(item(log_p, i));
        for (int i = 0; i < draws; i++) {
            double x = item(z, i);
            assert_true(x >= 0 && x == floor(x));
            if (x < CELLS) count[(int)x]++;
        }
        double far = chi_squared(draws, count, p);
        assert_int_equal(tap_value(z).dtype, tap_tape_dtype(t));
        if (!(far > -3.5 && far < 3.5)) fail_msg("%s: chi-squared is %.2f deviations off", sampled[k / 2].name, far);
        assert_tape_ok_msg(sampled[k / 2].name, t);
        tap_tape_free(t);
    }
}

/* Mean and variance of means so large that they are met in many steps, and no number is too large. */
static void test_large_samples(void **state)
{
    (void)state;
    const double mean[] = { 1e5, 1e9, 1e14, 1e300 };
    for (int k = 0; k < 4; k++) {
        const int n = k == 3 || getenv("TAP_TEST_SHORT") ? 100 : 20000;
        tap_tape *t = tap_tape_new(TAP_F64, 5);
        tap_dist  d = tap_negative_binomial(tap_scalar(t, log(mean[k])), tap_scalar(t, log(mean[k]))); /* variance 2 mu */
        tap_dist  b = tap_beta_binomial(tap_scalar(t, floor(mean[k])), tap_scalar(t, 300), tap_scalar(t, 300));
        tap_var   z = tap_sample_n(d, n), x = tap_sample_n(b, n);
        double    first[2] = { 0 }, second[2] = { 0 };
        for (int i = 0; i < n; i++) {
            double a = (item(z, i) - mean[k]) / sqrt(2 * mean[k]), c = (item(x, i) - mean[k] / 2) / sqrt(mean[k] / 4);
            first[0] += a / n, second[0] += a * a / n, first[1] += c / n, second[1] += c * c / n;
        }
        for (int i = 0; i < 2 && k < 3; i++) {
            assert_near_msg("mean", first[i], 0, 4 / sqrt(n));
            assert_near_msg("variance", second[i], 1, 4 * sqrt(2. / n));
        }
        assert_true(isfinite(item(z, 0)) && isfinite(item(x, 0)));
        assert_tape_ok_msg("large samples", t);
        tap_tape_free(t);
    }
}

/* The generators themselves, where parameters are none. */
static void test_sequences(void **state)
{
    (void)state;
    const double inf = (double)INFINITY, nan = (double)NAN;
    tap_rng      s = { .key = { .seed = 1 } };
    assert_true(tap__next_log_gamma(&s, inf) == inf && tap__next_log_gamma(&s, 0) == -inf &&
                isnan(tap__next_log_gamma(&s, nan)));
    assert_true(isnan(tap__next_log_gamma(&s, -1)));
    assert_true(tap__next_poisson(&s, inf) == inf && tap__next_poisson(&s, 0) == 0 && isnan(tap__next_poisson(&s, nan)));
    assert_true(isnan(tap__next_binomial(&s, 2.5, 0.5)) && isnan(tap__next_binomial(&s, -1, 0.5)));
    assert_true(isnan(tap__next_binomial(&s, 3, nan)) && isnan(tap__next_binomial(&s, 3, 1.5)) &&
                isnan(tap__next_binomial(&s, 3, -0.5)));
    assert_true(isnan(tap__next_binomial(&s, nan, 0.5)));
    assert_true(tap__next_binomial(&s, 1000, 0) == 0 && tap__next_binomial(&s, 1000, 1) == 1000 &&
                tap__next_binomial(&s, 0, 0.5) == 0);
    double mean = 0;
    for (int i = 0; i < 1000; i++) {
        double u = tap_rng_uniform(&s);
        assert_true(u > 0 && u < 1);
        mean += u / 1000;
    }
    assert_near_msg("uniform", mean, 0.5, 4 * sqrt(1 / 12. / 1000));
}

/* A sample follows from its noise, and noise from (seed, draw, step, index). */
static void test_samples_are_replayed(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof sampled / sizeof *sampled; k++) {
        double    before[50];
        tap_tape *t = tap_tape_new(TAP_F32, 8);
        for (int round = 0; round < 2; round++) {
            tap_tape_set_step(t, 3);
            tap_dist d = dist_of(t, &sampled[k].d);
            tap_var  z = tap_sample_n(d, 50), more = tap_sample_n(d, 50), u = tap_rand(t, TAP_SHAPE(50));
            tap_var  a = tap_sample_from(d, u), b = tap_sample_from(d, tap_flip(u, TAP_ALL));
            int      same = 0;
            for (int i = 0; i < 50; i++) {
                assert_true(round == 0 || item(z, i) == before[i]);
                assert_true(item(a, i) == item(b, 49 - i));
                same += item(z, i) == item(more, i);
                before[i] = item(z, i);
            }
            assert_true(same < 50);
            assert_tape_ok_msg(sampled[k].name, t);
            tap_tape_reset(t);
        }
        tap_tape_free(t);
    }
}

/* The gradient of KL from samples is that of log q times what it is multiplied with. */
static void test_kl_monte_carlo(void **state)
{
    (void)state;
    enum { N = 100000 };
    tap_tape *t = tap_tape_new(TAP_F64, 2);
    tap_var   a = parameter(t, 0.5), b = tap_scalar(t, 0.8), none = tap_scalar(t, 30), error, g;
    tap_dist  q = tap_negative_binomial(a, none), p = tap_negative_binomial(b, none); /* Poisson */
    tap_var   kl = tap_kl_monte_carlo(q, p, N, &error);
    tap_grad(kl, 1, &a, &g);
    assert_near_msg("kl", tap_item(kl), exp(0.5) * (0.5 - 0.8) + exp(0.8) - exp(0.5), 4 * tap_item(error));
    assert_near_msg("gradient", tap_item(g), exp(0.5) * (0.5 - 0.8), 0.02); /* of mu (log mu - b) + e^b - mu */
    const tap_shape two = S(2), three = S(3);
    tap_dist        m = tap_discretized_logistic_mixture(tap_zeros(t, two), tap_zeros(t, two), tap_zeros(t, two));
    tap_dist        n = tap_discretized_logistic_mixture(tap_zeros(t, three), tap_zeros(t, three), tap_zeros(t, three));
    assert_near_msg("of mixtures", tap_item(tap_kl_monte_carlo(m, n, 10, NULL)), 0, 1e-13);
    assert_tape_ok_msg("kl_monte_carlo", t);
    tap_tape_free(t);
}

/* ---- Functions of noise ------------------------------------------------------------------------------------------- */

enum { ROWS = 3, COLUMNS = 4 };

static tap_var number(tap_tape *t, tap_var from, int64_t i)
{
    return tap_scalar(t, item(from, i));
}

/* Each number of a result is that of the numbers which stand at its place, whatever the strides that they have. */
static void check_views(tap_dist (*make)(tap_var, tap_var), const char *name)
{
    static const double a[2 * COLUMNS] = { 0.3, 9, -0.6, 9, 1.1, 9, 0.8, 9 }, b[2 * ROWS] = { -0.4, 9, 0.2, 9, 1, 9 };
    static const double u[COLUMNS][2 * ROWS] = {
        { .11, 9, .83, 9, .35, 9 }, { .42, 9, .97, 9, .66, 9 }, { .05, 9, .58, 9, .74, 9 }, { .91, 9, .27, 9, .49, 9 }
    };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   A = tap_slice(tap_input(t, wrap((tap_shape)S(2 * COLUMNS), a)), 0, 0, TAP_END, 2);
    tap_var   B = tap_unsqueeze(tap_slice(tap_input(t, wrap((tap_shape)S(2 * ROWS), b)), 0, 0, TAP_END, 2), 1);
    tap_var   U = tap_mT(tap_slice(tap_input(t, wrap((tap_shape)S(COLUMNS, 2 * ROWS), u[0])), 1, 0, TAP_END, 2));
    tap_dist  d = make(A, B);
    tap_var   z = tap_sample_from(d, U), mean = tap_dist_mean(d), log_p = tap_log_prob(d, z);
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t j = 0; j < COLUMNS; j++) {
            const int64_t at = i * COLUMNS + j;
            tap_dist      one = make(number(t, A, j), number(t, B, i));
            assert_near_msg(name, item(z, at), tap_item(tap_sample_from(one, number(t, U, at))), 0);
            assert_near_msg(name, item(mean, at), tap_item(tap_dist_mean(one)), 1e-13 * item(mean, at));
            assert_near_msg(name, item(log_p, at), tap_item(tap_log_prob(one, number(t, z, at))), 1e-12);
        }
    }
    assert_tape_ok_msg(name, t);
    tap_tape_free(t);
}

static tap_dist beta_binomial(tap_var a, tap_var b)
{
    return tap_beta_binomial(tap_scalar(a.tape, 20), a, b);
}

static tap_dist zero_inflated(tap_var a, tap_var b)
{
    return tap_zero_inflated_negative_binomial(a, b, tap_scalar(a.tape, -0.5));
}

static tap_dist mixture(tap_var a, tap_var b)
{
    tap_var of = tap_stack(2, (tap_var[]){ a, tap_neg(a) }, -1), scale = tap_stack(2, (tap_var[]){ b, tap_neg(b) }, -1);
    return tap_discretized_logistic_mixture(tap_mul_scalar(of, 2), of, scale);
}

static void test_views(void **state)
{
    (void)state;
    check_views(tap_negative_binomial, "negative_binomial");
    check_views(zero_inflated, "zero_inflated_negative_binomial");
    check_views(beta_binomial, "beta_binomial");
    check_views(tap_discretized_logistic, "discretized_logistic");
    check_views(mixture, "discretized_logistic_mixture");
}

/* loc + scale logit(u) at its nearest byte. */
static void test_bytes_rise_with_noise(void **state)
{
    (void)state;
    static const double u[] = { 0.001, 0.2, 0.5, 0.8, 0.999 };
    tap_tape           *t = tap_tape_new(TAP_F64, 1);
    tap_dist            d = tap_discretized_logistic(tap_scalar(t, 0.1), tap_scalar(t, -2));
    tap_var             z = tap_sample_from(d, tap_input(t, wrap((tap_shape)S(5), u)));
    for (int i = 0; i < 5; i++) {
        const double y = 0.1 + exp(-2) * log(u[i] / (1 - u[i])), byte = fmin(fmax(rint((y + 1) * 127.5), 0), 255);
        assert_true(item(z, i) == byte);
    }
    assert_tape_ok_msg("bytes", t);
    tap_tape_free(t);
}

/* Where noise goes from one component to the next, or is as large as noise can be, and where rounding would make a share of less
 * than nothing or more than all. */
static void test_noise_between_components(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    double    one[] = { 0, 0 }, ends[] = { -1, 1 };
    tap_var   even = tap_input(t, wrap((tap_shape)S(2), one)), loc = tap_input(t, wrap((tap_shape)S(2), ends));
    tap_dist  d = tap_discretized_logistic_mixture(even, loc, tap_full(t, TAP_SHAPE(2), -1));
    assert_true(tap_item(tap_sample_from(d, tap_scalar(t, 0.5))) == 0); /* the least of the second, which goes far below */
    d = tap_discretized_logistic_mixture(even, loc, tap_full(t, TAP_SHAPE(2), log(0.05)));
    const double most = 0.05 * -log(DBL_EPSILON / 2); /* above the first's loc, -1 */
    assert_true(tap_item(tap_sample_from(d, tap_scalar(t, nextafter(0.5, 0)))) == rint(127.5 * most));
    tap_tape_reset(t);
    for (int k = 0; k < 2000; k++) {
        const double logits[] = { 0.37 * (k % 50), -0.11 * k, -0.013 * k, -36 + 0.01 * k };
        tap_var      l = tap_input(t, wrap((tap_shape)S(4), logits)), end = tap_cumsum(tap_softmax(l, -1), -1),
                zero = tap_zeros(t, TAP_SHAPE(4));
        d = tap_discretized_logistic_mixture(l, zero, zero);
        const double u[] = { item(end, 0),
                             item(end, 1),
                             item(end, 2),
                             nextafter(item(end, 0), 0),
                             nextafter(item(end, 1), 0),
                             nextafter(item(end, 2), 0),
                             1 - DBL_EPSILON / 2,
                             0 };
        for (int i = 0; i < 8; i++) {
            const double x = tap_item(tap_sample_from(d, tap_scalar(t, fmin(u[i], 1 - DBL_EPSILON / 2))));
            if (!(x >= 0 && x <= 255)) fail_msg("logits %d, noise %.17g: %g", k, u[i], x);
        }
        assert_tape_ok_msg("components", t);
        tap_tape_reset(t);
    }
    tap_tape_free(t);
}

/* A count has no gradient, and none is asked of noise that has one. */
static void test_noise_with_a_gradient(void **state)
{
    (void)state;
    double    u = 0.7;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   noise = tap_variable(t, wrap((tap_shape){ 0 }, &u)), v = tap_variable(t, wrap((tap_shape){ 0 }, &u)),
            in[2] = { noise, v }, g[2];
    tap_dist (*const makers[])(tap_var, tap_var) = { tap_negative_binomial, zero_inflated, beta_binomial,
                                                     tap_discretized_logistic, mixture };
    for (size_t k = 0; k < sizeof makers / sizeof *makers; k++) {
        tap_grad(tap_add(tap_sample_from(makers[k](v, v), noise), tap_mul_scalar(tap_add(noise, v), 0)), 2, in, g);
        assert_tape_ok_msg("noise", t);
        assert_true(tap_item(g[0]) == 0 && tap_item(g[1]) == 0);
    }
    assert_tape_ok_msg("noise", t);
    tap_tape_free(t);
}

/* The additional zeros are where the noise is below their chance. */
static void test_additional_zeros(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_dist  d = tap_zero_inflated_negative_binomial(tap_scalar(t, 7), tap_scalar(t, 7), tap_scalar(t, 0));
    assert_true(tap_item(tap_sample_from(d, tap_scalar(t, nextafter(0.5, 0)))) == 0);
    assert_true(tap_item(tap_sample_from(d, tap_scalar(t, 0.5))) > 0);
    assert_tape_ok_msg("zeros", t);
    tap_tape_free(t);
}

/* Parameters may differ in it. */
static void test_dtype_of_the_first_parameter(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   wide = tap_full(t, TAP_SHAPE(2), 0.3), narrow = tap_cast(wide, TAP_F32), n = tap_scalar(t, 9);
    for (int k = 0; k < 2; k++) {
        const tap_dtype dtype = k ? TAP_F64 : TAP_F32;
        tap_var         a = k ? wide : narrow, b = k ? narrow : wide;
        tap_dist        counts[] = { tap_negative_binomial(a, b), tap_zero_inflated_negative_binomial(a, b, b),
                                     tap_beta_binomial(n, a, b) };
        tap_dist        bytes[] = { tap_discretized_logistic(a, b), tap_discretized_logistic_mixture(b, a, b) };
        for (int i = 0; i < 3; i++) {
            assert_int_equal(tap_value(tap_log_prob(counts[i], n)).dtype, dtype);
            assert_int_equal(tap_value(tap_sample(counts[i])).dtype, dtype);
        }
        for (int i = 0; i < 2; i++) assert_int_equal(tap_value(tap_sample(bytes[i])).dtype, dtype);
    }
    assert_tape_ok_msg("dtypes", t);
    tap_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_large_samples),
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_samples_are_replayed),
        cmocka_unit_test(test_kl_monte_carlo),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_bytes_rise_with_noise),
        cmocka_unit_test(test_noise_between_components),
        cmocka_unit_test(test_noise_with_a_gradient),
        cmocka_unit_test(test_additional_zeros),
        cmocka_unit_test(test_dtype_of_the_first_parameter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
