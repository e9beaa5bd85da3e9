/* tests/tensor/test_eigen.c: eigenvalues and eigenvectors of symmetric matrices. */
#include <math.h>

#include "tests/check.h"
#include "tensor/kernels/eigen.h"
#include "tensor/tensor.h"

enum { MAX_N = 128 };

/* Q diag(values) Q^T is a, Q is orthogonal, and a matrix of rank r has n - r eigenvalues 0. */
static void test_decomposition(void **state)
{
    static double    x[MAX_N][MAX_N], a[MAX_N][MAX_N], packed[MAX_N * MAX_N], q[MAX_N * MAX_N], values[MAX_N];
    static const int sizes[] = { 1, 2, 3, 17, MAX_N };
    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const int n = sizes[k], rank = n / 2 + 1;
        int       zeros = 0;
        tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(MAX_N, MAX_N), x), (tap_rng_key){ .seed = k });
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                a[i][j] = 0;
                for (int r = 0; r < rank; r++) a[i][j] += x[r][i] * x[r][j];
                packed[i * n + j] = a[i][j];
            }
        tap__symmetric_eigen(n, packed, values, q);
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

/* A small eigenvalue beside large ones is exact; eigenvalues are in the order of the diagonal. */
static void test_small_eigenvalue_is_exact(void **state)
{
    double a[9] = { 2, 1, 0, 1, 2, 0, 0, 0, 1e-12 }, values[3];
    (void)state;
    tap__symmetric_eigen(3, a, values, NULL);
    assert_near(values[0], 1, 1e-15);
    assert_near(values[1], 3, 1e-15);
    assert_near(values[2], 1e-12, 1e-27);
}

/* What counts as 0 is relative to the norm of the matrix. */
static void test_scaled_matrices(void **state)
{
    const double scales[] = { 1e-30, 1e30 };
    (void)state;
    for (int k = 0; k < 2; k++) {
        const double s = scales[k];
        double       a[9] = { 2 * s, s, 0, s, 2 * s, 0, 0, 0, s }, values[3];
        tap__symmetric_eigen(3, a, values, NULL);
        assert_near(values[0] / s, 1, 1e-15);
        assert_near(values[1] / s, 3, 1e-15);
        assert_near(values[2] / s, 1, 1e-15);
    }
}

/* A diagonal matrix needs no rotation: Q is the identity. */
static void test_diagonal(void **state)
{
    double a[9] = { 1, 0, 0, 0, 1, 0, 0, 0, 0 }, values[3], q[9];
    (void)state;
    tap__symmetric_eigen(3, a, values, q);
    for (int i = 0; i < 9; i++) assert_true(q[i] == (i % 4 == 0));
    assert_true(values[0] == 1 && values[1] == 1 && values[2] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_decomposition), cmocka_unit_test(test_small_eigenvalue_is_exact),
                                        cmocka_unit_test(test_scaled_matrices), cmocka_unit_test(test_diagonal) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
