/* tests/autograd/test_reductions.c: results of reductions over every axis, over no elements, with ties and at infinity. */
#include <stdlib.h>
#include <string.h>

#include "tests/autograd/values.h"

#define X     floats(TAP_SHAPE(2, 3), D(1, 2, 3, 4, 5, 6))
#define EMPTY tap_zeros(t, TAP_SHAPE(2, 0))
#define ROWS  TAP_AXES(0)

static void test_sums(void **state)
{
    (void)state;
    expect(tap_sum(X, TAP_ALL), TAP_SCALAR, D(21));
    expect(tap_sum(X, ROWS), TAP_SHAPE(3), D(5, 7, 9));
    expect(tap_sum(X, tap_keepdim(TAP_LAST)), TAP_SHAPE(2, 1), D(6, 15));
    expect(tap_sum(X, TAP_AXES(-2, 1)), TAP_SCALAR, D(21));
    expect(tap_sum(X, ((tap_axes){ .n = 0 })), TAP_SHAPE(2, 3), D(1, 2, 3, 4, 5, 6));
    expect(tap_sum(EMPTY, TAP_LAST), TAP_SHAPE(2), D(0, 0));
    expect(tap_mean(X, ROWS), TAP_SHAPE(3), D(2.5, 3.5, 4.5));
    expect(tap_mean(EMPTY, TAP_LAST), TAP_SHAPE(2), D(NaN, NaN));
    expect(tap_mean(tap_ones(t, TAP_SHAPE(1)), TAP_ALL), TAP_SCALAR, D(1));
    expect(tap_sum_to(X, TAP_SHAPE(3)), TAP_SHAPE(3), D(5, 7, 9));
    expect(tap_sum_to(X, TAP_SHAPE(2, 1)), TAP_SHAPE(2, 1), D(6, 15));
    expect(tap_sum_to(X, TAP_SHAPE(1, 3)), TAP_SHAPE(1, 3), D(5, 7, 9));
    expect(tap_sum_to(X, TAP_SCALAR), TAP_SCALAR, D(21));
    expect(tap_sum_to(X, TAP_SHAPE(2, 3)), TAP_SHAPE(2, 3), D(1, 2, 3, 4, 5, 6));
}

/* Sizes around those at which rows and results are divided into chunks. */
static void test_sums_of_every_size(void **state)
{
    (void)state;
    static const int64_t sizes[] = { 15, 16, 17, 255, 256, 257, 258, 512, 513, 4095, 4096, 4097, 8193 };
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        int64_t n = sizes[k];
        tap_var row = tap_cast(tap_arange(t, n), TAP_F64), rows = tap_add(row, tap_zeros(t, TAP_SHAPE(6, 1)));
        tap_var deep = tap_reshape(rows, TAP_SHAPE(2, 3, n)), one = tap_scalar(t, (double)(n * (n - 1) / 2));
        tap_var same[] = {
            tap_eq(tap_sum(rows, ROWS), tap_mul_scalar(row, 6)),
            tap_eq(tap_sum(deep, TAP_AXES(1)), tap_mul_scalar(row, 3)),
            tap_eq(tap_amax(deep, TAP_AXES(0)), row),
            tap_eq(tap_sum(deep, TAP_LAST), one),
            tap_eq(tap_sum(tap_mT(deep), TAP_AXES(1)), one),
            tap_eq(tap_sum(deep, TAP_AXES(0, 2)), tap_mul_scalar(one, 2)),
            tap_eq(tap_amax(deep, TAP_LAST), tap_scalar(t, (double)(n - 1))),
            tap_eq(tap_amax(tap_neg(row), TAP_ALL), tap_scalar(t, 0)),
        };
        for (size_t i = 0; i < sizeof same / sizeof *same; i++) expect(tap_all(same[i], TAP_ALL), TAP_SCALAR, D(1));
        tap_tape_reset(t);
    }
}

static void test_products_and_extremes(void **state)
{
    (void)state;
    expect(tap_prod(X, ROWS), TAP_SHAPE(3), D(4, 10, 18));
    expect(tap_prod(X, tap_keepdim(TAP_LAST)), TAP_SHAPE(2, 1), D(6, 120));
    for (int64_t n = 1, factorial = 1; n <= 9; factorial *= ++n)
        expect(tap_prod(tap_add_scalar(tap_cast(tap_arange(t, n), TAP_F64), 1), TAP_ALL), TAP_SCALAR, D((double)factorial));
    expect(tap_amax(X, ROWS), TAP_SHAPE(3), D(4, 5, 6));
    expect(tap_amin(X, tap_keepdim(TAP_LAST)), TAP_SHAPE(2, 1), D(1, 4));
    expect(tap_amax(X, TAP_ALL), TAP_SCALAR, D(6));
    expect(tap_amax(tap_zeros(t, TAP_SHAPE(0, 3)), TAP_LAST), TAP_SHAPE(0), NULL);
}

/* Equal elements share a gradient. */
static void test_ties(void **state)
{
    (void)state;
    double  x[6] = { 3, 3, 1, 2, 2, 2 };
    tap_var v = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 3), x)), g;
    tap_grad(tap_sum(tap_amax(v, TAP_LAST), TAP_ALL), 1, &v, &g);
    expect(g, TAP_SHAPE(2, 3), D(0.5, 0.5, 0, 1.0 / 3, 1.0 / 3, 1.0 / 3));
    tap_grad(tap_amin(v, TAP_ALL), 1, &v, &g);
    expect(g, TAP_SHAPE(2, 3), D(0, 0, 1, 0, 0, 0));
}

static void test_moments_and_norms(void **state)
{
    (void)state;
    tap_var mean, y = floats(TAP_SHAPE(3), D(3, -4, 0));
    expect(tap_variance(X, ROWS, 0), TAP_SHAPE(3), D(2.25, 2.25, 2.25));
    expect(tap_variance(X, TAP_LAST, 1), TAP_SHAPE(2), D(1, 1));
    expect(tap_variance(X, TAP_LAST, 3), TAP_SHAPE(2), D(NaN, NaN));
    expect(tap_std(X, TAP_LAST, 4), TAP_SHAPE(2), D(NaN, NaN));
    expect(tap_variance(X, TAP_LAST, -1), TAP_SHAPE(2), D(0.5, 0.5));
    expect(tap_variance(EMPTY, TAP_LAST, 0), TAP_SHAPE(2), D(NaN, NaN));
    expect(tap_vector_norm(EMPTY, 2, TAP_LAST), TAP_SHAPE(2), D(0, 0));
    expect(tap_variance(X, ROWS, 1), TAP_SHAPE(3), D(4.5, 4.5, 4.5));
    expect(tap_std(X, ROWS, 0), TAP_SHAPE(3), D(1.5, 1.5, 1.5));
    expect(tap_var_mean(X, tap_keepdim(TAP_LAST), 1, &mean), TAP_SHAPE(2, 1), D(1, 1));
    expect(mean, TAP_SHAPE(2, 1), D(2, 5));
    expect(tap_vector_norm(y, 1, TAP_ALL), TAP_SCALAR, D(7));
    expect(tap_vector_norm(y, 2, tap_keepdim(TAP_ALL)), TAP_SHAPE(1), D(5));
    expect(tap_vector_norm(y, 0, TAP_ALL), TAP_SCALAR, D(2));
    expect(tap_vector_norm(y, Inf, TAP_ALL), TAP_SCALAR, D(4));
    expect(tap_vector_norm(y, -Inf, TAP_ALL), TAP_SCALAR, D(0));
    expect(tap_vector_norm(floats(TAP_SHAPE(3), D(1, -4, 9)), 0.5, TAP_ALL), TAP_SCALAR, D(36));
    expect(tap_vector_norm(floats(TAP_SHAPE(2), D(2, -2)), -1, TAP_ALL), TAP_SCALAR, D(1));
}

static void test_exponentials(void **state)
{
    (void)state;
    tap_var x = floats(TAP_SHAPE(2, 2), D(3, -Inf, -1e4, -Inf)), none = tap_zeros(t, TAP_SHAPE(0, 3));
    expect(tap_logsumexp(x, TAP_LAST), TAP_SHAPE(2), D(3, -1e4));
    expect(tap_logsumexp(x, tap_keepdim(ROWS)), TAP_SHAPE(1, 2), D(3, -Inf));
    expect(tap_logsumexp(EMPTY, TAP_LAST), TAP_SHAPE(2), D(-Inf, -Inf));
    expect(tap_logsumexp(EMPTY, ROWS), TAP_SHAPE(0), NULL);
    expect(tap_log_softmax(x, -1), TAP_SHAPE(2, 2), D(0, -Inf, 0, -Inf));
    expect(tap_softmax(x, -1), TAP_SHAPE(2, 2), D(1, 0, 1, 0));
    expect(tap_softmax(tap_ones(t, TAP_SHAPE(2, 4)), 0), TAP_SHAPE(2, 4), D(0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5));
    for (int axis = -1; axis <= 1; axis++) {
        expect(tap_softmax(EMPTY, axis), TAP_SHAPE(2, 0), NULL);
        expect(tap_log_softmax(none, axis), TAP_SHAPE(0, 3), NULL);
    }
}

static void test_scans(void **state)
{
    (void)state;
    expect(tap_cumsum(X, -1), TAP_SHAPE(2, 3), D(1, 3, 6, 4, 9, 15));
    expect(tap_cumsum(X, -2), TAP_SHAPE(2, 3), D(1, 2, 3, 5, 7, 9));
    expect(tap_cumsum(tap_ones(t, TAP_SHAPE(1, 1)), 1), TAP_SHAPE(1, 1), D(1));
    expect(tap_cumprod(X, 1), TAP_SHAPE(2, 3), D(1, 2, 6, 4, 20, 120));
    expect(tap_cumprod(X, -2), TAP_SHAPE(2, 3), D(1, 2, 3, 4, 10, 18));
    expect(tap_cumprod(floats(TAP_SHAPE(7), D(1, 2, 3, 4, 5, 6, 7)), 0), TAP_SHAPE(7), D(1, 2, 6, 24, 120, 720, 5040));
    expect(tap_cumprod(EMPTY, 1), TAP_SHAPE(2, 0), NULL);
    tap_var (*const running[])(tap_var, int) = { tap_cumsum, tap_cumprod, tap_logcumsumexp };
    for (int i = 0; i < 3; i++) { /* a scalar has axis 0 only */
        assert_int_equal(running[i](tap_scalar(t, 1), 1).id, 0);
        assert_int_equal(tap_tape_status(t, NULL), TAP_EARG);
        tap_tape_free(t);
        t = tap_tape_new(TAP_F64, 0);
    }
}

static void test_counting(void **state)
{
    (void)state;
    assert_int_equal(tap_value(tap_count_nonzero(X, TAP_ALL)).dtype, TAP_I64);
    assert_int_equal(tap_value(tap_any(X, TAP_ALL)).dtype, TAP_BOOL);
    assert_int_equal(tap_value(tap_all(X, TAP_ALL)).dtype, TAP_BOOL);
    expect(tap_count_nonzero(tap_arange(t, 5), TAP_ALL), TAP_SCALAR, D(4));
    expect(tap_count_nonzero(X, ROWS), TAP_SHAPE(3), D(2, 2, 2));
    expect(tap_any(tap_arange(t, 2), TAP_ALL), TAP_SCALAR, D(1));
    expect(tap_all(tap_arange(t, 2), TAP_ALL), TAP_SCALAR, D(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sums, begin, end),
        cmocka_unit_test_setup_teardown(test_sums_of_every_size, begin, end),
        cmocka_unit_test_setup_teardown(test_products_and_extremes, begin, end),
        cmocka_unit_test_setup_teardown(test_ties, begin, end),
        cmocka_unit_test_setup_teardown(test_moments_and_norms, begin, end),
        cmocka_unit_test_setup_teardown(test_exponentials, begin, end),
        cmocka_unit_test_setup_teardown(test_scans, begin, end),
        cmocka_unit_test_setup_teardown(test_counting, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
