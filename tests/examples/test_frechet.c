/* The eigenvalues and the Frechet distance of vae_generate against what is known of them. */
#include "examples/vae_generate/vae_generate.h" /* whose fail comes before that of cmocka */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { ROWS = 40, MOST = 128 };

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.17g is not within %g of %.17g", a, tolerance, b);
}

/* Q diag(values) Q^T is a again, Q is orthogonal, and a matrix without full rank has zeros for eigenvalues. */
static void test_eigen(void **state)
{
    static double    x[MOST][MOST], a[MOST][MOST], packed[MOST * MOST], q[MOST * MOST], values[MOST];
    static const int sizes[] = { 1, 2, 3, 17, MOST };
    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const int n = sizes[k], rank = n / 2 + 1;
        int       zeros = 0;
        tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(MOST, MOST), x), (tap_random){ .seed = k });
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                a[i][j] = 0;
                for (int r = 0; r < rank; r++) a[i][j] += x[r][i] * x[r][j];
                packed[i * n + j] = a[i][j];
            }
        symmetric_eigen(n, packed, values, q);
        for (int i = 0; i < n; i++) {
            zeros += fabs(values[i]) < 1e-11;
            for (int j = 0; j < n; j++) {
                double sum = 0, dot = 0;
                for (int r = 0; r < n; r++) {
                    sum += q[r * n + i] * values[r] * q[r * n + j];
                    dot += q[i * n + r] * q[j * n + r];
                }
                assert_near(sum, a[i][j], 1e-11);
                assert_near(dot, i == j, 1e-12);
            }
        }
        assert_int_equal(zeros, n - rank);
    }
}

/* ROWS rows of k numbers whose covariance is the given one, and whose mean is `mean` everywhere. */
static tap_tensor rows_of(tap_arena *a, int k, const double *cov, double mean, uint64_t seed)
{
    tap_tape  *t = tap_tape_new(TAP_F64, seed);
    tap_tensor out = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(ROWS, k));
    tap_var x = tap_randn(t, TAP_SHAPE(ROWS, k)), wanted = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(k, k), (void *)cov));
    x = tap_sub(x, tap_mean(x, TAP_AXES(0)));
    tap_var has = tap_cholesky(tap_mul_scalar(tap_matmul(tap_mT(x), x), 1.0 / (ROWS - 1)), false);
    x = tap_matmul(tap_matmul(x, tap_mT(tap_inv(has))), tap_mT(tap_cholesky(wanted, false)));
    assert_int_equal(tap_tensor_copy(out, tap_value(tap_add_scalar(x, mean)), NULL), TAP_OK);
    tap_tape_free(t);
    return out;
}

static void test_distance(void **state)
{
    (void)state;
    tap_arena *m = tap_arena_new();
    /* One number: (mean - mean')^2 + (sigma - sigma')^2 */
    assert_near(frechet_distance(rows_of(m, 1, (double[]){ 4 }, 1, 1), rows_of(m, 1, (double[]){ 0.25 }, -2, 2)), 9 + 2.25,
                1e-12);
    /* Two: tr sqrt(A B) = sqrt(tr A B + 2 sqrt(det A B)), by Cayley and Hamilton */
    const double A[] = { 2, 0.5, 0.5, 1 }, B[] = { 1, -0.7, -0.7, 3 };
    const double trace = 2 * 1 + 2 * 0.5 * -0.7 + 1 * 3, det = (2 - 0.25) * (3 - 0.49);
    tap_tensor   a = rows_of(m, 2, A, 1, 3), b = rows_of(m, 2, B, 1.5, 4);
    assert_near(frechet_distance(a, b), 2 * 0.25 + 3 + 4 - 2 * sqrt(trace + 2 * sqrt(det)), 1e-12);
    assert_near(frechet_distance(a, b), frechet_distance(b, a), 1e-12);
    assert_near(frechet_distance(a, a), 0, 1e-12);
    tap_arena_free(m);
}

/* Features that are always the same, as dead ones are, and more features than images. */
static void test_degenerate(void **state)
{
    static double x[ROWS][MOST], y[ROWS][MOST];
    (void)state;
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, MOST), x), (tap_random){ .seed = 9 });
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < MOST; j++) {
            if (j % 4 == 0) x[i][j] = 0;
            y[i][j] = x[i][j] + (j == 4 ? 3 : 0);
        }
    tap_tensor a = tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, MOST), x), b = tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, MOST), y);
    assert_near(frechet_distance(a, a), 0, 1e-5);
    assert_near(frechet_distance(a, b), 9, 1e-5);
    assert_true(isnan(frechet_distance(a, tap_tensor_wrap(TAP_F64, TAP_SHAPE(MOST, ROWS), y))));
    assert_true(isnan(frechet_distance((tap_tensor){ 0 }, b)));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_eigen), cmocka_unit_test(test_distance),
                                        cmocka_unit_test(test_degenerate) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
