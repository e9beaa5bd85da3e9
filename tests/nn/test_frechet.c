/* tests/nn/test_frechet.c: the Frechet distance, compared with closed forms for one and two features. */
#include <math.h>
#include <string.h>

#include "nn/nn.h"
#include "tests/check.h"

enum { ROWS = 40, MAX_N = 128 };

/* ROWS rows of k numbers with this covariance and mean. */
static tap_tensor rows_of(tap_arena *a, int k, const double *cov, double mean, uint64_t seed)
{
    tap_tape  *t = tap_tape_new(TAP_F64, seed);
    tap_tensor out = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(ROWS, k));
    tap_var x = tap_randn(t, TAP_SHAPE(ROWS, k)), wanted = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(k, k), (void *)cov));
    x = tap_sub(x, tap_mean(x, TAP_AXES(0)));
    tap_var has = tap_cholesky(tap_mul_scalar(tap_matmul(tap_mT(x), x), 1.0 / (ROWS - 1)), TAP_LOWER);
    x = tap_matmul(tap_matmul(x, tap_mT(tap_inv(has))), tap_mT(tap_cholesky(wanted, TAP_LOWER)));
    assert_int_equal(tap_tensor_copy(out, tap_value(tap_add_scalar(x, mean)), NULL), TAP_OK);
    tap_tape_free(t);
    return out;
}

static double distance(tap_tensor a, tap_tensor b)
{
    return tap_frechet_distance(a, b, NULL);
}

static void test_distance(void **state)
{
    (void)state;
    tap_arena *m = tap_arena_new();
    /* One feature: (mean - mean')^2 + (sigma - sigma')^2 */
    assert_near(distance(rows_of(m, 1, (double[]){ 4 }, 1, 1), rows_of(m, 1, (double[]){ 0.25 }, -2, 2)), 9 + 2.25, 1e-12);
    /* Two features: tr sqrt(A B) = sqrt(tr A B + 2 sqrt(det A B)), by Cayley and Hamilton */
    const double A[] = { 2, 0.5, 0.5, 1 }, B[] = { 1, -0.7, -0.7, 3 };
    const double trace = 2 * 1 + 2 * 0.5 * -0.7 + 1 * 3, det = (2 - 0.25) * (3 - 0.49);
    tap_tensor   a = rows_of(m, 2, A, 1, 3), b = rows_of(m, 2, B, 1.5, 4);
    assert_near(distance(a, b), 2 * 0.25 + 3 + 4 - 2 * sqrt(trace + 2 * sqrt(det)), 1e-12);
    assert_near(distance(a, b), distance(b, a), 1e-12);
    assert_near(distance(a, a), 0, 1e-12);
    tap_arena_free(m);
}

/* Constant features, and more features than rows. */
static void test_degenerate(void **state)
{
    static double x[ROWS][MAX_N], y[ROWS][MAX_N];
    (void)state;
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, MAX_N), x), (tap_rng_key){ .seed = 9 });
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < MAX_N; j++) {
            if (j % 4 == 0) x[i][j] = 0;
            y[i][j] = x[i][j] + (j == 4 ? 3 : 0);
        }
    tap_tensor a = tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, MAX_N), x), b = tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, MAX_N), y);
    assert_near(distance(a, a), 0, 1e-5);
    assert_near(distance(a, b), 9, 1e-5);
}

static void test_single_precision(void **state)
{
    static const float  a[] = { 1, 2, 4, 7 };
    static const double b[] = { 1, 2, 4, 9 };
    (void)state;
    tap_tensor x = tap_tensor_wrap(TAP_F32, TAP_SHAPE(4, 1), (void *)a),
               y = tap_tensor_wrap(TAP_F64, TAP_SHAPE(4, 1), (void *)b);
    const double spread = sqrt(7) - sqrt(38. / 3);
    assert_near(distance(x, y), 0.25 + spread * spread, 1e-12);
    assert_near(distance(y, x), 0.25 + spread * spread, 1e-12);
}

static void test_errors(void **state)
{
    static double  numbers[8];
    static int64_t whole[8];
    (void)state;
    const struct {
        tap_tensor  a, b;
        const char *message;
    } rows[] = {
        { tap_tensor_wrap(TAP_I64, TAP_SHAPE(4, 2), whole), tap_tensor_wrap(TAP_F64, TAP_SHAPE(4, 2), numbers),
          "frechet_distance: both need float32 or float64" },
        { tap_tensor_wrap(TAP_F64, TAP_SHAPE(4, 2), numbers), tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 4), numbers),
          "frechet_distance: both need shapes [n,k], with the same k" },
        { tap_tensor_wrap(TAP_F64, TAP_SHAPE(8), numbers), tap_tensor_wrap(TAP_F64, TAP_SHAPE(8), numbers),
          "frechet_distance: both need shapes [n,k], with the same k" },
        { tap_tensor_wrap(TAP_F64, TAP_SHAPE(1, 4), numbers), tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 4), numbers),
          "frechet_distance: both need at least two rows" },
        { tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 0), numbers), tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 0), numbers),
          "frechet_distance: needs 1 to 4096 columns" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tap_error e = { 0 };
        assert_true(isnan(tap_frechet_distance(rows[i].a, rows[i].b, &e)));
        assert_string_equal(e.message, rows[i].message);
        assert_int_equal(e.status, TAP_EARG);
    }
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_distance),
                                        cmocka_unit_test(test_degenerate), cmocka_unit_test(test_single_precision),
                                        cmocka_unit_test(test_errors) };
    /* clang-format on */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
