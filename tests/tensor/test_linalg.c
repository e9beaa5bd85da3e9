/* tests/tensor/test_linalg.c: factorizations and solves, multiplied back, by size, dtype, layout, batch and number of
 * threads. */
#include <float.h>

#include "layouts.h"
#include "tensor/kernels/linalg.h"
#include "tensor/parallel.h"

static const int64_t sizes[] = { 0, 1, 2, 3, 5, 8, 13, 16, 31, 32, 33, 47, 64, 65, 97, 130 };

enum { SIZES = sizeof sizes / sizeof *sizes };

static double epsilon(tap_dtype dtype)
{
    return dtype == TAP_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
}

static double at(tap_tensor x, int64_t i, int64_t j)
{
    return load_at(x, i * x.stride[0] + j * x.stride[1]);
}

static void set(tap_tensor x, int64_t i, int64_t j, double value)
{
    store_at(x, i * x.stride[0] + j * x.stride[1], value);
}

/* A tensor of pseudo-random numbers in -1..1. */
static tensor_layout noise(tap_arena *a, tap_dtype dtype, tap_shape shape, int layout, uint64_t seed)
{
    tensor_layout l = lay_out(a, dtype, shape, layout);
    for (int64_t i = 0; i < l.memory.shape.n[0]; i++) store_at(l.memory, i, random_below(&seed, 2001) / 1000.0 - 1);
    return l;
}

static tap_tensor copy_of(tap_arena *a, tap_tensor x)
{
    tap_tensor y = tap_tensor_zeros(a, x.dtype, x.shape);
    assert_int_equal(tap_tensor_copy(y, x, NULL), TAP_OK);
    return y;
}

/* Element (i,j) of a matrix that is stored in a tensor: all of it, its transpose, or a triangle. */
typedef double (*element)(tap_tensor x, int64_t i, int64_t j);

static double transposed(tap_tensor x, int64_t i, int64_t j)
{
    return at(x, j, i);
}

static double lower(tap_tensor x, int64_t i, int64_t j)
{
    return i >= j ? at(x, i, j) : 0;
}

static double upper(tap_tensor x, int64_t i, int64_t j)
{
    return i <= j ? at(x, i, j) : 0;
}

static double unit_lower(tap_tensor x, int64_t i, int64_t j)
{
    return i > j ? at(x, i, j) : i == j;
}

static double unit_upper(tap_tensor x, int64_t i, int64_t j)
{
    return i < j ? at(x, i, j) : i == j;
}

static double product(tap_tensor a, element ea, tap_tensor b, element eb, int64_t i, int64_t j)
{
    double sum = 0;
    for (int64_t k = 0; k < a.shape.n[1]; k++) sum += ea(a, i, k) * eb(b, k, j);
    return sum;
}

static void assert_near_at_size(double x, double y, double tolerance, const char *what, int64_t n)
{
    if (!(fabs(x - y) <= tolerance)) fail_msg("%s, size %lld: %.17g, not %.17g", what, (long long)n, x, y);
}

/* ---- Cholesky ---- */

/* The triangle that must not be read is NaN. */
static void check_cholesky(tap_dtype dtype, int64_t n, bool up)
{
    int64_t    info = -1;
    tap_arena *a = tap_arena_new();
    tap_tensor m = noise(a, dtype, TAP_SHAPE(n, n), PLAIN, 1).view, x = copy_of(a, m), y = copy_of(a, m);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) set(x, i, j, product(m, at, m, transposed, i, j) + (i == j));
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) set(y, i, j, (up ? i <= j : i >= j) ? at(x, i, j) : (double)NAN);
    }
    tap__cholesky(y, up, &info);
    assert_int_equal(info, 0);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            double back = up ? product(y, transposed, y, at, i, j) : product(y, at, y, transposed, i, j);
            if (up ? i > j : i < j) assert_true(at(y, i, j) == 0);
            assert_near_at_size(back, at(x, i, j), 4 * (double)n * epsilon(dtype) * (1 + (double)n), "cholesky", n);
        }
    }
    tap_arena_free(a);
}

static void test_cholesky(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++) {
        for (int variant = 0; variant < 4; variant++) check_cholesky(variant & 1 ? TAP_F32 : TAP_F64, sizes[i], variant & 2);
    }
}

/* info is the order of the first leading minor that is not positive, at every position in a block. */
static void test_cholesky_info_is_the_minor(void **state)
{
    (void)state;
    enum { N = 70 };
    for (int64_t k = 0; k < N; k++) {
        int64_t    info[3] = { -1, -1, -1 };
        tap_arena *a = tap_arena_new();
        tap_tensor x = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(3, N, N));
        for (int64_t i = 0; i < 3 * N; i++) store_at(x, i * N + i % N, i == N + k ? 0 : i == 2 * N + k ? (double)NAN : 1);
        tap__cholesky(x, k % 2, info);
        assert_int_equal(info[0], 0);
        assert_int_equal(info[1], k + 1);
        assert_int_equal(info[2], k + 1);
        tap_arena_free(a);
    }
}

/* ---- LU ---- */

static void swap_rows(tap_tensor x, int64_t i, int64_t j)
{
    for (int64_t k = 0; k < x.shape.n[1]; k++) {
        double tmp = at(x, i, k);
        set(x, i, k, at(x, j, k));
        set(x, j, k, tmp);
    }
}

static void check_lu(tap_dtype dtype, int64_t n)
{
    int64_t    info = -1;
    tap_arena *a = tap_arena_new();
    tap_tensor x = noise(a, dtype, TAP_SHAPE(n, n), PLAIN, 2).view, lu = copy_of(a, x);
    tap_tensor pivots = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(n));
    tap__lu(lu, pivots, &info);
    assert_int_equal(info, 0);
    for (int64_t k = 0; k < n; k++) {
        int64_t with = ((int64_t *)pivots.data)[k];
        assert_true(with >= k && with < n);
        swap_rows(x, k, with);
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            if (i > j) assert_true(fabs(at(lu, i, j)) <= 1);
            assert_near_at_size(product(lu, unit_lower, lu, upper, i, j), at(x, i, j), 20 * (double)n * epsilon(dtype), "lu",
                                n);
        }
    }
    tap_arena_free(a);
}

static void test_lu(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++) {
        check_lu(TAP_F64, sizes[i]);
        check_lu(TAP_F32, sizes[i]);
    }
}

/* info is the number of the first pivot that is 0, and nothing is divided by it. A NaN is a pivot, not a 0. */
static void test_lu_info_is_the_pivot(void **state)
{
    (void)state;
    enum { N = 40 };
    for (int64_t k = 0; k < N; k++) {
        int64_t    info[2] = { -1, -1 };
        tap_arena *a = tap_arena_new();
        tap_tensor x = noise(a, TAP_F32, TAP_SHAPE(2, N, N), PLAIN, 3).view,
                   pivots = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(2, N));
        for (int64_t i = 0; i < N; i++) {
            store_at(x, i * N + k, 0);
            store_at(x, (N + i) * N + k, i == N - 1 ? (double)NAN : 0);
        }
        tap__lu(x, pivots, info);
        assert_int_equal(info[0], k + 1);
        assert_int_equal(info[1], 0);
        tap_arena_free(a);
    }
}

static void test_determinants(void **state)
{
    (void)state;
    static const double x[3][3][3] = { { { 2, 0, 0 }, { 7, 3, 0 }, { 1, 1, 5 } },
                                       { { 0, 1, 0 }, { 1, 0, 0 }, { 0, 0, 1e200 } },
                                       { { 1, 2, 3 }, { 2, 4, 6 }, { 0, 1, 1 } } };
    double              memory[3][3][3], det[3] = { 7, 7, 7 }, sign[3] = { 7, 7, 7 }, log_abs[3] = { 7, 7, 7 };
    int64_t             rows[9], info[3];
    tap_tensor          lu = tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 3, 3), memory),
               pivots = tap_tensor_wrap(TAP_I64, TAP_SHAPE(3, 3), rows);
    memcpy(memory, x, sizeof x);
    tap__lu(lu, pivots, info);
    tap__lu_determinant(lu, pivots, NULL, det, sign, log_abs);
    assert_near_at_size(det[0], 30, 1e-13, "det", 3);
    assert_near_at_size(log_abs[0], log(30), 1e-14, "log", 3);
    assert_true(sign[0] == 1 && det[1] == -1e200 && sign[1] == -1 && det[2] == 0 && sign[2] == 0 && isinf(log_abs[2]));
    assert_near_at_size(log_abs[1], 200 * log(10), 1e-12, "log", 3);
}

/* ---- Solving ---- */

static void check_triangular(tap_dtype dtype, int64_t n, int64_t m, int layout, bool up, bool unit)
{
    tap_arena *memory = tap_arena_new(), *scratch = tap_arena_new();
    tap_tensor a = noise(memory, dtype, TAP_SHAPE(n, n), layout, 4).view,
               b = noise(memory, dtype, TAP_SHAPE(n, m), PLAIN, 5).view;
    for (int64_t i = 0; i < n; i++) { /* dominated by the diagonal; the other triangle must not be read */
        for (int64_t j = 0; j < n; j++) set(a, i, j, (up ? i > j : i < j) ? (double)NAN : at(a, i, j) / (double)n);
        set(a, i, i, unit ? (double)NAN : i % 2 ? 2 : -2);
    }
    tap_tensor x = copy_of(memory, b);
    assert_true(tap__solve_triangular(a, x, up, unit, scratch));
    element part = up ? unit ? unit_upper : upper : unit ? unit_lower : lower;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < m; j++) {
            assert_near_at_size(product(a, part, x, at, i, j), at(b, i, j), 40 * (double)n * epsilon(dtype), "solve_triangular",
                                n);
        }
    }
    tap_arena_free(memory);
    tap_arena_free(scratch);
}

static void test_solve_triangular(void **state)
{
    (void)state;
    static const int layouts[] = { PLAIN, TRANSPOSED, SLICED, REVERSED, MIXED };
    for (int i = 0; i < SIZES; i++) {
        for (int variant = 0; variant < 8; variant++) {
            tap_dtype dtype = variant & 1 ? TAP_F32 : TAP_F64;
            check_triangular(dtype, sizes[i], (const int64_t[]){ 7, 95, 100, 0 }[i % 4], layouts[(i + variant) % 5],
                             variant & 2, variant & 4);
            check_triangular(dtype, sizes[i], 1, layouts[(i + variant) % 5], variant & 2, variant & 4);
        }
    }
}

/* A matrix is copied only if BLIS does not accept its strides; without memory for the copy, the function returns false. */
static void test_solve_triangular_copies_to_scratch(void **state)
{
    (void)state;
    enum { N = 2, BATCH = 5 };
    tap_arena *memory = tap_arena_new(), *broken = tap_arena_new();
    tap_error_set(tap_arena_error(broken), TAP_ENOMEM, "broken");
    for (int i = 0; i < 3 * LAYOUTS; i++) {
        tap_tensor a = noise(memory, TAP_F64, TAP_SHAPE(BATCH, N, N), i / 3, 11).view;
        tap_tensor x = noise(memory, TAP_F64, TAP_SHAPE(BATCH, N, 3), PLAIN, 12).view, y = copy_of(memory, x);
        if (i % 3 > 0) { /* reversed rows or columns */
            a.data = (double *)a.data + a.stride[i % 3];
            a.stride[i % 3] = -a.stride[i % 3];
        }
        tap__matrix first = { a.data, N, N, a.stride[1], a.stride[2] };
        const bool  accepted = tap__blis_accepts(&first);
        assert_int_equal(tap__solve_triangular(a, x, false, true, broken), accepted);
        for (int64_t k = 0; k < BATCH * 3; k++) /* the first rows are unchanged */
            assert_true(load_at(x, k / 3 * N * 3 + k % 3) == load_at(y, k / 3 * N * 3 + k % 3));
        for (int64_t k = 0; k < BATCH * 3; k++) {
            const int64_t at = k / 3 * N * 3 + k % 3;
            const double  left = load_at(a, k / 3 * a.stride[0] + a.stride[1]);
            const double  want = load_at(y, at + 3) - (accepted ? left * load_at(y, at) : 0);
            assert_near_at_size(load_at(x, at + 3), want, 1e-14, "scratch", N);
        }
    }
    tap_arena_free(broken);
    tap_arena_free(memory);
}

/* [2,1,n,n] against [1,3,n,m]: leading axes broadcast. */
static void test_solve_broadcasts(void **state)
{
    (void)state;
    enum { N = 37, M = 101 };
    int64_t    info[2];
    tap_arena *memory = tap_arena_new();
    tap_tensor a = noise(memory, TAP_F64, TAP_SHAPE(2, 1, N, N), PLAIN, 6).view, lu = copy_of(memory, a);
    tap_tensor b = noise(memory, TAP_F64, TAP_SHAPE(3, N, M), PLAIN, 7).view,
               pivots = tap_tensor_zeros(memory, TAP_I64, TAP_SHAPE(2, 1, N));
    tap_tensor x = copy_of(memory, tap_tensor_expand(memory, b, TAP_SHAPE(2, 3, N, M)));
    tap__lu(lu, pivots, info);
    tap__lu_solve(lu, pivots, x);
    for (int64_t k = 0; k < 6; k++) {
        tap_tensor ak = tap_tensor_select(memory, tap_tensor_select(memory, a, 0, k / 3), 0, 0);
        tap_tensor xk = tap_tensor_select(memory, tap_tensor_select(memory, x, 0, k / 3), 0, k % 3);
        tap_tensor bk = tap_tensor_select(memory, b, 0, k % 3);
        for (int64_t i = 0; i < N * M; i++)
            assert_near_at_size(product(ak, at, xk, at, i / M, i % M), at(bk, i / M, i % M), 1e-11, "solve", N);
    }
    tap_arena_free(memory);
}

/* The error of the solution is within the condition number of the matrix: 1.5e10 for the Hilbert matrix of size 8. */
static void test_solve_ill_conditioned(void **state)
{
    (void)state;
    enum { N = 8 };
    int64_t    info;
    tap_arena *memory = tap_arena_new();
    tap_tensor h = tap_tensor_zeros(memory, TAP_F64, TAP_SHAPE(N, N)), b = tap_tensor_zeros(memory, TAP_F64, TAP_SHAPE(N, 1));
    tap_tensor pivots = tap_tensor_zeros(memory, TAP_I64, TAP_SHAPE(N));
    for (int64_t i = 0; i < N * N; i++) set(h, i / N, i % N, 1.0 / (double)(i / N + i % N + 1));
    for (int64_t i = 0; i < N * N; i++) set(b, i / N, 0, at(b, i / N, 0) + at(h, i / N, i % N));
    tap__lu(h, pivots, &info);
    tap__lu_solve(h, pivots, b);
    for (int64_t i = 0; i < N; i++) assert_near_at_size(at(b, i, 0), 1, 1.6e10 * DBL_EPSILON, "hilbert", N);
    tap_arena_free(memory);
}

/* ---- Cofactors ---- */

/* The determinant of the submatrix of these rows and columns, by expansion along its first row. */
static double minor(tap_tensor x, unsigned rows, unsigned columns)
{
    int    i = 0, sign = 1;
    double sum = 0;
    if (rows == 0) return 1;
    while (!(rows & 1u << i)) i++;
    for (int j = 0; 1u << j <= columns; j++) {
        if (!(columns & 1u << j)) continue;
        sum += sign * at(x, i, j) * minor(x, rows & ~(1u << i), columns & ~(1u << j));
        sign = -sign;
    }
    return sum;
}

/* Cofactors of a matrix of rank n - deficit, exactly or up to rounding. */
static void check_cofactors(int n, int deficit, bool exactly)
{
    unsigned   all = (1u << n) - 1;
    tap_arena *memory = tap_arena_new();
    tap_tensor x = noise(memory, TAP_F64, TAP_SHAPE(n, n), PLAIN, (uint64_t)(8 + n)).view;
    for (int k = 0; k < deficit && k < n; k++) {
        for (int j = 0; j < n; j++)
            set(x, k, j, exactly || n == 1 ? 0 : at(x, n - 1, j) / 3 + at(x, n - 1 - (n > deficit + 1), j));
    }
    tap_tensor a = copy_of(memory, x), out = copy_of(memory, x), pivots = tap_tensor_zeros(memory, TAP_I64, TAP_SHAPE(2 * n));
    tap__cofactors_of(a, pivots, NULL, (tap_tensor){ 0 }, out);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            double want = ((i + j) % 2 ? -1 : 1) * minor(x, all & ~(1u << i), all & ~(1u << j));
            assert_near_at_size(at(out, i, j), want, 1e-13, "cofactors", n);
        }
    }
    tap_arena_free(memory);
}

static void test_cofactors(void **state)
{
    (void)state;
    for (int n = 1; n <= 6; n++) {
        for (int deficit = 0; deficit <= 3; deficit++) {
            check_cofactors(n, deficit, true);
            check_cofactors(n, deficit, false);
        }
    }
}

/* After the first pivot, the diagonal is 0, and the largest element of the trailing matrix is smaller than one in the first
 * row. */
static void test_cofactors_pivot_completely(void **state)
{
    (void)state;
    double       x[] = { 4, 0, 3, 0, 0, 1, 0, 2, 0 }, out[9];
    int64_t      rows[6];
    const double want[] = { -2, 0, 0, 6, 0, -8, 0, -4, 0 };
    tap__cofactors_of(tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 3), x), tap_tensor_wrap(TAP_I64, TAP_SHAPE(6), rows), NULL,
                      (tap_tensor){ 0 }, tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 3), out));
    for (int i = 0; i < 9; i++) assert_near_at_size(out[i], want[i], 1e-15, "cofactor", 3);
}

/* Each matrix of a batch has the cofactors that it has alone. */
static void test_cofactors_of_a_batch(void **state)
{
    (void)state;
    enum { N = 7, BATCH = 64, SIZE = N * N };
    tap_arena *memory = tap_arena_new();
    tap_tensor x = noise(memory, TAP_F64, TAP_SHAPE(BATCH, N, N), PLAIN, 13).view, all = copy_of(memory, x), one;
    tap_tensor out = copy_of(memory, x), pivots = tap_tensor_zeros(memory, TAP_I64, TAP_SHAPE(BATCH, 2 * N)), alone;
    tap_set_threads(8);
    tap__cofactors_of(all, pivots, NULL, (tap_tensor){ 0 }, out);
    tap_set_threads(1);
    for (int64_t i = 0; i < BATCH; i++) {
        one = copy_of(memory, tap_tensor_select(memory, x, 0, i));
        alone = copy_of(memory, one);
        tap__cofactors_of(one, tap_tensor_select(memory, pivots, 0, i), NULL, (tap_tensor){ 0 }, alone);
        assert_memory_equal(alone.data, (double *)out.data + i * SIZE, SIZE * sizeof(double));
    }
    tap_set_threads(0);
    tap_arena_free(memory);
}

/* ---- Threads ---- */

/* The solutions of three kinds of solves for one batch: [4,n,n] is factored, the right-hand sides are [4,n,300]. */
static tap_tensor solve_all(tap_arena *memory, tap_dtype dtype, int64_t n)
{
    int64_t    info[4];
    tap_tensor x = noise(memory, dtype, TAP_SHAPE(4, n, n), PLAIN, 9).view,
               all = tap_tensor_zeros(memory, dtype, TAP_SHAPE(3, 4, n, 300));
    tap_tensor lu = copy_of(memory, x), cholesky = copy_of(memory, x),
               pivots = tap_tensor_zeros(memory, TAP_I64, TAP_SHAPE(4, n));
    tap_tensor right = noise(memory, dtype, TAP_SHAPE(3, 4, n, 300), PLAIN, 10).view;
    tap_tensor_copy(all, right, NULL);
    for (int64_t i = 0; i < 4 * n; i++) store_at(cholesky, i * n + i % n, (double)n);
    tap__cholesky(cholesky, false, info);
    tap__lu(lu, pivots, info);
    tap__lu_solve(lu, pivots, tap_tensor_select(memory, all, 0, 0));
    assert_true(tap__solve_triangular(cholesky, tap_tensor_select(memory, all, 0, 1), false, false, memory));
    assert_true(tap__solve_triangular(lu, tap_tensor_select(memory, all, 0, 2), true, false, memory));
    return all;
}

static void test_threads_change_no_bits(void **state)
{
    (void)state;
    static const int counts[] = { 1, 2, 3, 4, 7 };
    for (int variant = 0; variant < 2; variant++) {
        tap_arena *memory = tap_arena_new();
        tap_tensor first = { 0 };
        for (int i = 0; i < 5; i++) {
            tap_set_threads(counts[i]);
            tap_tensor now = solve_all(memory, variant ? TAP_F32 : TAP_F64, 90);
            if (i == 0) first = now;
            assert_memory_equal(first.data, now.data, (size_t)tap_tensor_numel(now) * tap_dtype_size(now.dtype));
        }
        tap_set_threads(0);
        tap_arena_free(memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cholesky),
        cmocka_unit_test(test_cholesky_info_is_the_minor),
        cmocka_unit_test(test_lu),
        cmocka_unit_test(test_lu_info_is_the_pivot),
        cmocka_unit_test(test_determinants),
        cmocka_unit_test(test_solve_triangular),
        cmocka_unit_test(test_solve_triangular_copies_to_scratch),
        cmocka_unit_test(test_solve_broadcasts),
        cmocka_unit_test(test_solve_ill_conditioned),
        cmocka_unit_test(test_cofactors),
        cmocka_unit_test(test_cofactors_pivot_completely),
        cmocka_unit_test(test_cofactors_of_a_batch),
        cmocka_unit_test(test_threads_change_no_bits),
    };
    tap__parallel_threshold_for_tests(0); /* threads share even what is not worth it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
