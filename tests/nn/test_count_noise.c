/* Samples of counts and bytes as functions of their noise, through views of all kinds. */
#include <float.h>

#include "tests/nn/dist_cases.h"

enum { ROWS = 3, COLUMNS = 4 };

static tap_var number(tap_tape *t, tap_var from, int64_t i)
{
    return tap_scalar(t, item(from, i));
}

/* Each number of a result is that of the numbers which stand at its place, whatever the strides that they have. */
static void check_views(tap_dist (*make)(tap_var, tap_var), const char *name)
{
    static const double a[2 * COLUMNS] = { 0.3, 9, -0.6, 9, 1.1, 9, 0.8, 9 }, b[2 * ROWS] = { -0.4, 9, 0.2, 9, 1, 9 };
    static const double u[COLUMNS][2 * ROWS] = { { .11, 9, .83, 9, .35, 9 }, { .42, 9, .97, 9, .66, 9 }, { .05, 9, .58, 9, .74, 9 },
                                                 { .91, 9, .27, 9, .49, 9 } };
    tap_tape           *t = tap_tape_new(TAP_F64, 1);
    tap_var             A = tap_slice(tap_input(t, wrap((tap_shape)S(2 * COLUMNS), a)), 0, 0, TAP_END, 2);
    tap_var             B = tap_unsqueeze(tap_slice(tap_input(t, wrap((tap_shape)S(2 * ROWS), b)), 0, 0, TAP_END, 2), 1);
    tap_var             U = tap_mT(tap_slice(tap_input(t, wrap((tap_shape)S(COLUMNS, 2 * ROWS), u[0])), 1, 0, TAP_END, 2));
    tap_dist            d = make(A, B);
    tap_var             z = tap_sample_from(d, U), mean = tap_dist_mean(d), log_p = tap_log_prob(d, z);
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t j = 0; j < COLUMNS; j++) {
            const int64_t at = i * COLUMNS + j;
            tap_dist      one = make(number(t, A, j), number(t, B, i));
            assert_close(item(z, at), tap_item(tap_sample_from(one, number(t, U, at))), 0, name);
            assert_close(item(mean, at), tap_item(tap_dist_mean(one)), 1e-13 * item(mean, at), name);
            assert_close(item(log_p, at), tap_item(tap_log_prob(one, number(t, z, at))), 1e-12, name);
        }
    }
    assert_tape_ok(t, name);
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
    assert_tape_ok(t, "bytes");
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
        tap_var      l = tap_input(t, wrap((tap_shape)S(4), logits)), end = tap_cumsum(tap_softmax(l, -1), -1), zero = tap_zeros(t, TAP_SHAPE(4));
        d = tap_discretized_logistic_mixture(l, zero, zero);
        const double u[] = { item(end, 0), item(end, 1), item(end, 2), nextafter(item(end, 0), 0), nextafter(item(end, 1), 0),
                             nextafter(item(end, 2), 0), 1 - DBL_EPSILON / 2, 0 };
        for (int i = 0; i < 8; i++) {
            const double x = tap_item(tap_sample_from(d, tap_scalar(t, fmin(u[i], 1 - DBL_EPSILON / 2))));
            if (!(x >= 0 && x <= 255)) fail_msg("logits %d, noise %.17g: %g", k, u[i], x);
        }
        assert_tape_ok(t, "components");
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
    tap_var   noise = tap_variable(t, wrap((tap_shape){ 0 }, &u)), v = tap_variable(t, wrap((tap_shape){ 0 }, &u)), in[2] = { noise, v }, g[2];
    tap_dist (*const makers[])(tap_var, tap_var) = { tap_negative_binomial, zero_inflated, beta_binomial, tap_discretized_logistic, mixture };
    for (size_t k = 0; k < sizeof makers / sizeof *makers; k++) {
        tap_grad(tap_add(tap_sample_from(makers[k](v, v), noise), tap_mul_scalar(tap_add(noise, v), 0)), 2, in, g);
        assert_tape_ok(t, "noise");
        assert_true(tap_item(g[0]) == 0 && tap_item(g[1]) == 0);
    }
    assert_tape_ok(t, "noise");
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
    assert_tape_ok(t, "zeros");
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
        tap_dist        counts[] = { tap_negative_binomial(a, b), tap_zero_inflated_negative_binomial(a, b, b), tap_beta_binomial(n, a, b) };
        tap_dist        bytes[] = { tap_discretized_logistic(a, b), tap_discretized_logistic_mixture(b, a, b) };
        for (int i = 0; i < 3; i++) {
            assert_int_equal(tap_value(tap_log_prob(counts[i], n)).dtype, dtype);
            assert_int_equal(tap_value(tap_sample(counts[i])).dtype, dtype);
        }
        for (int i = 0; i < 2; i++) assert_int_equal(tap_value(tap_sample(bytes[i])).dtype, dtype);
    }
    assert_tape_ok(t, "dtypes");
    tap_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_bytes_rise_with_noise),
        cmocka_unit_test(test_noise_between_components),
        cmocka_unit_test(test_noise_with_a_gradient),
        cmocka_unit_test(test_additional_zeros),
        cmocka_unit_test(test_dtype_of_the_first_parameter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
