/* tests/autograd/test_indexing.c: results of indexing, sorting, reductions and scans, element by element, for repeated
 * indices, ties, NaN, zeros, empty and scalar inputs. Gradients are checked in test_gradients.c, except where an exact value
 * matters (a zero factor). */
#include <stdlib.h>
#include <string.h>

#include "tests/autograd/values.h"

static void test_gather_and_scatter(void **state)
{
    (void)state;
    tap_var x = floats(TAP_SHAPE(2, 3), D(1, 2, 3, 4, 5, 6)), zero = tap_zeros(t, TAP_SHAPE(2, 3));
    tap_var twice = indices(TAP_SHAPE(2, 2), I(0, 0, 2, 1)), rows = indices(TAP_SHAPE(1, 3), I(1, 0, 1));
    expect(tap_gather(x, 1, twice), TAP_SHAPE(2, 2), D(1, 1, 6, 5));
    expect(tap_gather(x, 0, rows), TAP_SHAPE(1, 3), D(4, 2, 6));
    expect(tap_scatter_add(zero, 1, twice, x), TAP_SHAPE(2, 3), D(3, 0, 0, 0, 5, 4));
    expect(tap_scatter(zero, 1, twice, x), TAP_SHAPE(2, 3), D(2, 0, 0, 0, 5, 4));
    expect(tap_scatter(x, 0, rows, tap_zeros(t, TAP_SHAPE(1, 3))), TAP_SHAPE(2, 3), D(1, 0, 3, 0, 5, 0));
    expect(tap_index_select(x, -1, indices(TAP_SHAPE(4), I(2, 0, 0, 1))), TAP_SHAPE(2, 4), D(3, 1, 1, 2, 6, 4, 4, 5));
    expect(tap_take_along_dim(x, indices(TAP_SHAPE(1, 1), I(1)), 1), TAP_SHAPE(2, 1), D(2, 5));
    expect(tap_gather(tap_arange(t, 3), 0, indices(TAP_SHAPE(2), I(2, 1))), TAP_SHAPE(2), D(2, 1));
    expect(tap_scatter(zero, 1, indices(TAP_SHAPE(1, 2), I(2, 1)), x), TAP_SHAPE(2, 3), D(0, 2, 1, 0, 0, 0));
    expect(tap_scatter(zero, -2, indices(TAP_SHAPE(1, 2), I(1, 0)), x), TAP_SHAPE(2, 3), D(0, 2, 0, 1, 0, 0));
    expect(tap_take_along_dim(tap_narrow(x, 0, 1, 1), indices(TAP_SHAPE(2, 2), I(0, 1, 2, 0)), -1), TAP_SHAPE(2, 2),
           D(4, 5, 6, 4));
    expect(tap_masked_fill(x, tap_gt(x, tap_scalar(t, 2)), -1), TAP_SHAPE(2, 3), D(1, 2, -1, -1, -1, -1));
}

/* A transposed view, an expanded index, and more columns than are processed at a time. */
static void test_strided_indexing(void **state)
{
    (void)state;
    enum { ROWS = 5, WIDE = 200 };
    tap_var x = tap_mT(tap_randn(t, TAP_SHAPE(WIDE, ROWS))), zero = tap_zeros(t, TAP_SHAPE(ROWS, WIDE));
    tap_var index = tap_expand(indices(TAP_SHAPE(3, 1), I(4, 0, 4)), TAP_SHAPE(3, WIDE));
    tap_var y = tap_gather(x, 0, index), z = tap_scatter_add(zero, 0, index, y);
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    for (int64_t k = 0; k < WIDE; k++) {
        double first = tap_tensor_get(tap_value(x), I(0, k)), last = tap_tensor_get(tap_value(x), I(4, k));
        assert_true(tap_tensor_get(tap_value(y), I(1, k)) == first);
        assert_true(tap_tensor_get(tap_value(y), I(2, k)) == last);
        assert_true(tap_tensor_get(tap_value(z), I(4, k)) == last + last);
        assert_true(tap_tensor_get(tap_value(z), I(1, k)) == 0);
    }
}

/* Several rows of indices, each longer than what is processed at a time, and a transposed index. */
static void test_indexing_of_long_rows(void **state)
{
    (void)state;
    enum { OUTER = 3, LONG = 4, WIDE = 150 };
    tap_var x = tap_randn(t, TAP_SHAPE(OUTER, LONG, WIDE)), zero = tap_zeros(t, TAP_SHAPE(OUTER, LONG, WIDE));
    int64_t number[WIDE * LONG * OUTER];
    for (int i = 0; i < WIDE * LONG * OUTER; i++) number[i] = (i * 7 + i / 11) % LONG;
    tap_var index = tap_transpose(indices(TAP_SHAPE(WIDE, LONG, OUTER), number), 0, 2);
    tap_var sums = tap_cumsum(x, 1), picked = tap_gather(x, 1, index), put = tap_scatter(zero, 1, index, x),
            added = tap_scatter_add(zero, 1, index, x);
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    for (int64_t i = 0; i < OUTER; i++) {
        for (int64_t k = 0; k < WIDE; k++) {
            double sum = 0, last[LONG] = { 0 }, all[LONG] = { 0 };
            for (int64_t j = 0; j < LONG; j++) {
                double  value = tap_tensor_get(tap_value(x), I(i, j, k));
                int64_t to = number[(k * LONG + j) * OUTER + i];
                assert_true(tap_tensor_get(tap_value(sums), I(i, j, k)) == (sum += value));
                assert_true(tap_tensor_get(tap_value(picked), I(i, j, k)) == tap_tensor_get(tap_value(x), I(i, to, k)));
                last[to] = value;
                all[to] += value;
            }
            for (int64_t j = 0; j < LONG; j++) {
                assert_true(tap_tensor_get(tap_value(put), I(i, j, k)) == last[j]);
                assert_true(tap_tensor_get(tap_value(added), I(i, j, k)) == all[j]);
            }
        }
    }
}

static void test_scalars_and_empty_tensors(void **state)
{
    (void)state;
    tap_var s = tap_scalar(t, 7), none = indices(TAP_SHAPE(2, 0), I(0)), one = indices(TAP_SHAPE(1), I(0)), order;
    expect(tap_gather(s, 0, one), TAP_SHAPE(1), D(7));
    expect(tap_gather(s, -1, indices(TAP_SCALAR, I(0))), TAP_SCALAR, D(7));
    expect(tap_index_select(s, 0, one), TAP_SCALAR, D(7));
    expect(tap_index_select(floats(TAP_SHAPE(2, 2), D(1, 2, 3, 4)), 0, indices(TAP_SCALAR, I(1))), TAP_SHAPE(1, 2), D(3, 4));
    expect(tap_gather(tap_ones(t, TAP_SHAPE(5)), 0, none), TAP_SHAPE(2, 0), NULL);
    expect(tap_scatter_add(s, 0, indices(TAP_SCALAR, I(0)), s), TAP_SCALAR, D(14));
    expect(tap_sort(s, 0, true, &order), TAP_SCALAR, D(7));
    expect(order, TAP_SCALAR, D(0));
    expect(tap_topk(s, 1, -1, TAP_LARGEST, &order), TAP_SCALAR, D(7));
    expect(tap_cumsum(s, 0), TAP_SCALAR, D(7));
    expect(tap_cumprod(s, -1), TAP_SCALAR, D(7));
    expect(tap_softmax(s, 0), TAP_SCALAR, D(1));
    expect(tap_argmax(s, TAP_AXES(0)), TAP_SCALAR, D(0));
    expect(tap_sort(tap_zeros(t, TAP_SHAPE(0, 3)), 0, TAP_ASCENDING, NULL), TAP_SHAPE(0, 3), NULL);
    expect(tap_cumsum(tap_zeros(t, TAP_SHAPE(0)), 0), TAP_SHAPE(0), NULL);
    expect(tap_prod(tap_zeros(t, TAP_SHAPE(2, 0)), TAP_LAST), TAP_SHAPE(2), D(1, 1));
    expect(tap_any(tap_zeros(t, TAP_SHAPE(2, 0)), TAP_LAST), TAP_SHAPE(2), D(0, 0));
    expect(tap_all(tap_zeros(t, TAP_SHAPE(2, 0)), TAP_LAST), TAP_SHAPE(2), D(1, 1));
}

static void test_sorting(void **state)
{
    (void)state;
    tap_var x = floats(TAP_SHAPE(7), D(3, -1, NaN, 3, Inf, -1, 0)), order;
    expect(tap_argsort(x, 0, false), TAP_SHAPE(7), D(1, 5, 6, 0, 3, 4, 2));
    expect(tap_argsort(x, 0, true), TAP_SHAPE(7), D(2, 4, 0, 3, 6, 1, 5));
    expect(tap_sort(x, 0, false, &order), TAP_SHAPE(7), D(-1, -1, 0, 3, 3, Inf, NaN));
    expect(tap_topk(tap_narrow(x, 0, 3, 4), 2, 0, false, &order), TAP_SHAPE(2), D(-1, 0));
    expect(order, TAP_SHAPE(2), D(2, 3));
    expect(tap_argmax(x, TAP_ALL), TAP_SCALAR, D(2));
    expect(tap_argmin(x, TAP_ALL), TAP_SCALAR, D(2));
    tap_var gaps = floats(TAP_SHAPE(4), D(NaN, 1, NaN, 2));
    expect(tap_argsort(gaps, 0, true), TAP_SHAPE(4), D(0, 2, 3, 1));
    expect(tap_argsort(gaps, 0, false), TAP_SHAPE(4), D(1, 3, 0, 2));
    tap_var m = floats(TAP_SHAPE(2, 3), D(1, 5, 5, 2, 0, 0));
    expect(tap_argmax(m, TAP_LAST), TAP_SHAPE(2), D(1, 0));
    expect(tap_argmin(m, tap_keepdim(TAP_AXES(0))), TAP_SHAPE(1, 3), D(0, 1, 1));
    expect(tap_argmax(tap_mT(m), TAP_ALL), TAP_SCALAR, D(2));
    expect(tap_argmax(tap_arange(t, 9), TAP_ALL), TAP_SCALAR, D(8));
    expect(tap_sort(tap_eq(m, tap_scalar(t, 5)), 1, TAP_DESCENDING, NULL), TAP_SHAPE(2, 3), D(1, 1, 0, 0, 0, 0));
}

/* Enough rows for several threads, each of which sorts in its own scratch memory. */
static void test_many_sorts(void **state)
{
    (void)state;
    enum { LANES = 300, N = 400 };
    tap_var       x = tap_randn(t, TAP_SHAPE(LANES, N)), y = tap_sort(x, 1, TAP_DESCENDING, NULL);
    const double *sorted = tap_value(y).data;
    assert_true(fabs(tap_item(tap_sum(tap_sub(x, y), TAP_ALL))) < 1e-9);
    for (int i = 0; i < LANES * N; i++) assert_true(i % N == 0 || sorted[i - 1] >= sorted[i]);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_long_sorts(void **state)
{
    (void)state;
    enum { N = 1000, LANES = 3 };
    static double lane[N];
    for (int64_t n = 1; n <= N; n += 111) {
        tap_var x = tap_randn(t, TAP_SHAPE(n, LANES)), y = tap_sort(x, 0, TAP_ASCENDING, NULL);
        for (int64_t k = 0; k < LANES; k++) {
            for (int64_t i = 0; i < n; i++) lane[i] = tap_tensor_get(tap_value(x), I(i, k));
            qsort(lane, (size_t)n, sizeof *lane, compare_doubles);
            for (int64_t i = 0; i < n; i++) assert_true(tap_tensor_get(tap_value(y), I(i, k)) == lane[i]);
        }
    }
}

static tap_var float32(tap_shape shape, const double *x)
{
    return tap_cast(floats(shape, x), TAP_F32);
}

static void test_float32(void **state)
{
    (void)state;
    tap_var x = float32(TAP_SHAPE(2, 3), D(1, 5, NaN, 4, 2, 6)), zero = float32(TAP_SHAPE(2, 3), D(0, 0, 0, 0, 0, 0));
    tap_var twice = indices(TAP_SHAPE(2, 2), I(0, 0, 2, 1));
    expect(tap_gather(x, 1, twice), TAP_SHAPE(2, 2), D(1, 1, 6, 2));
    expect(tap_scatter(zero, 1, twice, tap_narrow(x, 1, 0, 2)), TAP_SHAPE(2, 3), D(5, 0, 0, 0, 2, 4));
    expect(tap_scatter_add(zero, 1, twice, tap_narrow(x, 1, 0, 2)), TAP_SHAPE(2, 3), D(6, 0, 0, 0, 2, 4));
    expect(tap_argsort(x, 1, TAP_ASCENDING), TAP_SHAPE(2, 3), D(0, 1, 2, 1, 0, 2));
    expect(tap_argsort(x, 0, TAP_DESCENDING), TAP_SHAPE(2, 3), D(1, 0, 0, 0, 1, 1));
    expect(tap_argmax(x, TAP_LAST), TAP_SHAPE(2), D(2, 2));
    expect(tap_argmin(x, TAP_AXES(0)), TAP_SHAPE(3), D(0, 1, 0));
    expect(tap_cumsum(tap_mT(x), 1), TAP_SHAPE(3, 2), D(1, 5, 5, 7, NaN, NaN));
    expect(tap_cumsum(tap_narrow(x, 1, 0, 2), 0), TAP_SHAPE(2, 2), D(1, 5, 5, 7));
}

/* Integers are indexed and sorted as well. */
static void test_integers(void **state)
{
    (void)state;
    tap_var i = indices(TAP_SHAPE(2, 3), I(7, -2, 7, 1, 9, 0)), b = tap_cast(floats(TAP_SHAPE(4), D(3, 0, 200, 3)), TAP_U8),
            order;
    tap_var index = indices(TAP_SHAPE(2, 1), I(2, 1));
    expect(tap_gather(i, 1, index), TAP_SHAPE(2, 1), D(7, 9));
    expect(tap_scatter(i, 1, index, indices(TAP_SHAPE(2, 1), I(5, 6))), TAP_SHAPE(2, 3), D(7, -2, 5, 1, 6, 0));
    expect(tap_sort(i, 1, false, &order), TAP_SHAPE(2, 3), D(-2, 7, 7, 0, 1, 9));
    expect(order, TAP_SHAPE(2, 3), D(1, 0, 2, 2, 0, 1));
    expect(tap_argmin(i, TAP_LAST), TAP_SHAPE(2), D(1, 2));
    expect(tap_sort(b, 0, TAP_DESCENDING, &order), TAP_SHAPE(4), D(200, 3, 3, 0));
    expect(order, TAP_SHAPE(4), D(2, 0, 3, 1));
    expect(tap_argmax(b, TAP_ALL), TAP_SCALAR, D(2));
    expect(tap_argmin(b, TAP_ALL), TAP_SCALAR, D(1));
    for (int dtype = TAP_F32; dtype <= TAP_U8; dtype++) { /* the first of equal elements */
        tap_var equal = tap_cast(floats(TAP_SHAPE(4), D(2, 1, 1, 2)), (tap_dtype)dtype);
        expect(tap_argmin(equal, TAP_ALL), TAP_SCALAR, D(1));
        expect(tap_argmax(equal, TAP_ALL), TAP_SCALAR, D(0));
    }
}

/* An index out of range is found at every position, whatever the strides of the index. */
static void test_every_index_is_checked(void **state)
{
    (void)state;
    for (int at = 0; at < 6; at++) {
        for (int how = 0; how < 4; how++) {
            int64_t number[6] = { 0, 1, 2, 2, 1, 0 };
            number[at] = how % 2 ? -1 : 3;
            tap_tape_free(t);
            t = tap_tape_new(TAP_F64, 0);
            tap_var index = indices(TAP_SHAPE(2, 3), number), x = tap_zeros(t, TAP_SHAPE(3, 3));
            if (how >= 2) index = tap_mT(index);
            assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
            assert_int_equal(tap_gather(x, 0, index).id, 0);
            assert_int_equal(tap_tape_status(t, NULL), TAP_EARG);
        }
    }
    for (int at = 0; at < 2; at++) {
        int64_t number[2] = { 1, 1 };
        number[at] = 2;
        tap_tape_free(t);
        t = tap_tape_new(TAP_F64, 0);
        tap_var repeated = tap_expand(indices(TAP_SHAPE(2, 1), number), TAP_SHAPE(2, 2));
        assert_int_equal(tap_gather(tap_zeros(t, TAP_SHAPE(2, 2)), 0, repeated).id, 0);
        tap_tape_free(t);
        t = tap_tape_new(TAP_F64, 0);
        repeated = tap_expand(indices(TAP_SHAPE(1, 2), number), TAP_SHAPE(2, 2));
        assert_int_equal(tap_gather(tap_zeros(t, TAP_SHAPE(2, 2)), 0, repeated).id, 0);
    }
}

static void test_reductions(void **state)
{
    (void)state;
    tap_var x = floats(TAP_SHAPE(2, 3), D(0, 2, NaN, 0, 0, -3)), mean;
    expect(tap_count_nonzero(x, TAP_LAST), TAP_SHAPE(2), D(2, 1));
    expect(tap_any(x, TAP_AXES(0)), TAP_SHAPE(3), D(0, 1, 1));
    expect(tap_all(x, tap_keepdim(TAP_AXES(0))), TAP_SHAPE(1, 3), D(0, 0, 1));
    expect(tap_isnan(x), TAP_SHAPE(2, 3), D(0, 0, 1, 0, 0, 0));
    expect(tap_isinf(tap_div(x, tap_scalar(t, 0))), TAP_SHAPE(2, 3), D(0, 1, 0, 0, 0, 1));
    expect(tap_isfinite(x), TAP_SHAPE(2, 3), D(1, 1, 0, 1, 1, 1));
    expect(tap_logical_not(x), TAP_SHAPE(2, 3), D(1, 0, 0, 1, 1, 0));
    expect(tap_logical_and(x, tap_scalar(t, 1)), TAP_SHAPE(2, 3), D(0, 1, 1, 0, 0, 1));
    expect(tap_logical_or(tap_arange(t, 3), tap_arange(t, 1)), TAP_SHAPE(3), D(0, 1, 1));
    expect(tap_amin(x, TAP_LAST), TAP_SHAPE(2), D(NaN, -3));
    tap_var y = floats(TAP_SHAPE(4), D(1, 2, 3, 6));
    expect(tap_prod(y, TAP_ALL), TAP_SCALAR, D(36));
    expect(tap_var_mean(y, TAP_ALL, 1, &mean), TAP_SCALAR, D(14.0 / 3));
    expect(mean, TAP_SCALAR, D(3));
    expect(tap_std(tap_ones(t, TAP_SHAPE(3)), TAP_ALL, 0), TAP_SCALAR, D(0));
    expect(tap_variance(tap_ones(t, TAP_SHAPE(1)), TAP_ALL, 1), TAP_SCALAR, D(NaN));
    expect(tap_vector_norm(floats(TAP_SHAPE(2), D(3, -4)), 2, TAP_ALL), TAP_SCALAR, D(5));
    expect(tap_vector_norm(y, 0, TAP_ALL), TAP_SCALAR, D(4));
    expect(tap_cumsum(y, 0), TAP_SHAPE(4), D(1, 3, 6, 12));
    expect(tap_cumprod(y, 0), TAP_SHAPE(4), D(1, 2, 6, 36));
    expect(tap_logcumsumexp(floats(TAP_SHAPE(4), D(-Inf, -Inf, 5, -1e4)), 0), TAP_SHAPE(4), D(-Inf, -Inf, 5, 5));
    expect(tap_softmax(floats(TAP_SHAPE(2), D(Inf, 0)), 0), TAP_SHAPE(2), D(1, 0));
    expect(tap_softmax(floats(TAP_SHAPE(2), D(-Inf, 1e4)), 0), TAP_SHAPE(2), D(0, 1));
    expect(tap_log_softmax(floats(TAP_SHAPE(2), D(1e9, 1e9)), 0), TAP_SHAPE(2), D(-log(2), -log(2))); /* no digit is lost */
    expect(tap_log_softmax(floats(TAP_SHAPE(2), D(-1e4, 1e4)), -1), TAP_SHAPE(2), D(-2e4, 0));
}

static void test_gradients_at_kinks(void **state)
{
    (void)state;
    double  zeros[3] = { 0 };
    tap_var x = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), zeros)), dx;
    tap_grad(tap_vector_norm(x, 2, TAP_ALL), 1, &x, &dx);
    expect(dx, TAP_SHAPE(3), D(0, 0, 0));
    tap_grad(tap_std(x, TAP_ALL, 1), 1, &x, &dx);
    expect(dx, TAP_SHAPE(3), D(0, 0, 0));
}

static tap_var product(tap_tape *tape, const tap_var *in, void *ctx)
{
    (void)tape, (void)ctx;
    return tap_prod(in[0], TAP_LAST);
}

static tap_var products(tap_tape *tape, const tap_var *in, void *ctx)
{
    (void)tape, (void)ctx;
    return tap_cumprod(in[0], 1);
}

/* With no, one and two zeros among the factors. */
static void test_products_with_zeros(void **state)
{
    (void)state;
    double                x[15] = { 2, -1, 0.5, 3, 1.5, 2, 0, 0.5, 3, 1.5, 2, 0, 0.5, 0, 1.5 };
    tap_tensor            in = tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 5), x);
    tap_gradcheck_options o = { .order = 2 };
    tap_gradcheck_result  r = tap_gradcheck(product, NULL, 1, &in, o);
    if (!r.ok) fail_msg("%s", r.message);
    r = tap_gradcheck(products, NULL, 1, &in, o);
    if (!r.ok) fail_msg("%s", r.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gather_and_scatter, begin, end),
        cmocka_unit_test_setup_teardown(test_strided_indexing, begin, end),
        cmocka_unit_test_setup_teardown(test_indexing_of_long_rows, begin, end),
        cmocka_unit_test_setup_teardown(test_scalars_and_empty_tensors, begin, end),
        cmocka_unit_test_setup_teardown(test_sorting, begin, end),
        cmocka_unit_test_setup_teardown(test_long_sorts, begin, end),
        cmocka_unit_test_setup_teardown(test_many_sorts, begin, end),
        cmocka_unit_test_setup_teardown(test_float32, begin, end),
        cmocka_unit_test_setup_teardown(test_integers, begin, end),
        cmocka_unit_test_setup_teardown(test_every_index_is_checked, begin, end),
        cmocka_unit_test_setup_teardown(test_reductions, begin, end),
        cmocka_unit_test_setup_teardown(test_gradients_at_kinks, begin, end),
        cmocka_unit_test(test_products_with_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
