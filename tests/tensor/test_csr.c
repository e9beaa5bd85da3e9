/* Sparse matrices against the dense ones that they stand for, principal components against an eigendecomposition, and matrices that
 * are none. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/check.h"
#include "tensor/kernels/eigen.h"
#include "tensor/parallel.h"
#include "tensor/view.h"

enum { ROWS = 60, COLUMNS = 25 };

static double dense[ROWS][COLUMNS];

/* Three directions of descending weight, and a little more; four of five numbers are 0. */
static int fill(void **state)
{
    double part[ROWS][3], to[3][COLUMNS], keep[ROWS][COLUMNS];
    (void)state;
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, 3), part), (tap_rng_key){ .seed = 1 });
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, COLUMNS), to), (tap_rng_key){ .seed = 2 });
    tap_random_uniform(tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, COLUMNS), keep), (tap_rng_key){ .seed = 3 });
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++) {
            for (int k = 0; k < 3; k++) dense[i][j] += (3 - k) * part[i][k] * to[k][j];
            dense[i][j] = keep[i][j] < 0.2 && i != 7 ? (double)(float)(dense[i][j] + 1) : 0;
        }
    return 0;
}

static tap_tensor whole(void)
{
    return tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, COLUMNS), dense);
}

static void test_dense(void **state)
{
    double     rows[ROWS][COLUMNS];
    float      some[3][COLUMNS];
    tap_error  e = { 0 };
    tap_arena *a = tap_arena_new();
    tap_csr    x = tap_csr_from_dense(a, whole());
    (void)state;
    assert_int_equal(x.rows, ROWS);
    assert_int_equal(x.columns, COLUMNS);
    assert_true(x.start[ROWS] < ROWS * COLUMNS / 3 && x.start[8] == x.start[7]);
    for (int64_t j = 0; j < x.start[ROWS]; j++) assert_true(x.value[j] != 0);
    assert_int_equal(tap_csr_rows(tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, COLUMNS), rows), x, NULL, &e), TAP_OK);
    assert_memory_equal(rows, dense, sizeof dense);
    assert_int_equal(tap_csr_rows(tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, COLUMNS), some), x, (int64_t[]){ 59, 7, 59 }, &e),
                     TAP_OK);
    for (int j = 0; j < COLUMNS; j++) {
        assert_true((double)some[0][j] == dense[59][j] && some[2][j] == some[0][j]);
        assert_true(some[1][j] == 0);
    }
    tap_arena_free(a);
}

static void test_transpose(void **state)
{
    double     rows[COLUMNS][ROWS];
    tap_arena *a = tap_arena_new();
    tap_csr    x = tap_csr_from_dense(a, whole()), y = tap_csr_transpose(a, x), z = tap_csr_transpose(a, y);
    tap_error  e = { 0 };
    (void)state;
    assert_int_equal(tap_csr_rows(tap_tensor_wrap(TAP_F64, TAP_SHAPE(COLUMNS, ROWS), rows), y, NULL, &e), TAP_OK);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++) assert_true(rows[j][i] == dense[i][j]);
    assert_memory_equal(x.start, z.start, (ROWS + 1) * sizeof *x.start);
    assert_memory_equal(x.column, z.column, (size_t)x.start[ROWS] * sizeof *x.column);
    assert_memory_equal(x.value, z.value, (size_t)x.start[ROWS] * sizeof *x.value);
    tap_arena_free(a);
}

static void test_log_normalize(void **state)
{
    const float      counts[2][3] = { { 1, 0, 3 }, { 0, 0, 0 } };
    const tap_tensor c = tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), (void *)(uintptr_t)counts);
    tap_arena       *a = tap_arena_new();
    tap_csr          y = tap_csr_log_normalize(a, tap_csr_from_dense(a, c), 8);
    (void)state;
    assert_int_equal(y.start[2], 2);
    assert_true(y.value[0] == (float)log(3) && y.value[1] == (float)log(7));
    /* Zeros that are kept, alone in their row: 0 / 0 would be NaN. */
    const tap_csr zeros = { 2, 2, (int64_t[]){ 0, 2, 3 }, (int32_t[]){ 0, 1, 1 }, (float[]){ 0, 0, 1 } };
    y = tap_csr_log_normalize(a, zeros, 8);
    assert_true(y.value[0] == 0 && y.value[1] == 0 && y.value[2] == (float)log(9));
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
}

/* Scores are X V for the eigenvectors V of the covariance, up to their signs. */
static void check_pca(tap_tensor x, int rows, int columns, int k)
{
    static double centred[ROWS][COLUMNS], square[COLUMNS * COLUMNS], values[COLUMNS], vectors[COLUMNS * COLUMNS];
    double        all = 0; /* the sum of all squares */
    tap_arena    *a = tap_arena_new();
    tap_tensor    scores = tap_csr_pca(a, tap_csr_from_dense(a, x), k, 5);
    assert_true(scores.data && scores.dtype == TAP_F64 && tap_shape_equal(scores.shape, TAP_SHAPE(rows, k)));
    for (int j = 0; j < columns; j++) {
        double mean = 0;
        for (int i = 0; i < rows; i++) mean += tap_tensor_item(x, i * columns + j) / rows;
        for (int i = 0; i < rows; i++) centred[i][j] = tap_tensor_item(x, i * columns + j) - mean;
    }
    for (int i = 0; i < columns * columns; i++) {
        square[i] = 0;
        for (int r = 0; r < rows; r++) square[i] += centred[r][i / columns] * centred[r][i % columns];
    }
    for (int i = 0; i < columns; i++) all += square[i * columns + i];
    tap__symmetric_eigen(columns, square, values, vectors);
    for (int c = 0, best; c < k; c++) {
        double sign = 0, error = 0, size = 0;
        best = 0;
        for (int j = 1; j < columns; j++)
            if (values[j] > values[best]) best = j;
        values[best] = -1;
        const double *v = vectors + best * columns;
        for (int pass = 0; pass < 2; pass++)
            for (int i = 0; i < rows; i++) {
                double       wanted = 0;
                const double got = tap_tensor_item(scores, i * k + c);
                for (int j = 0; j < columns; j++) wanted += centred[i][j] * v[j];
                if (pass == 0) sign += wanted * got;
                else error += pow(got - copysign(wanted, wanted * sign), 2), size += wanted * wanted;
            }
        assert_true(sqrt(error) <= 1e-9 * sqrt(size) + 1e-12 * sqrt(all));
    }
    tap_arena_free(a);
}

static void test_pca(void **state)
{
    (void)state;
    static double small[ROWS][COLUMNS], alike[ROWS][COLUMNS], product[ROWS][COLUMNS];
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++) {
            product[i][j] = (i % 4) * (j % 3 + 1);
            small[i][j] = 0x1p-60 * dense[i][j];
            alike[i][j] = i == j ? 1 + (j * 7 % COLUMNS) / 128. : 0; /* takes long to tell apart */
        }
    check_pca(whole(), ROWS, COLUMNS, 3);
    check_pca(whole(), ROWS, COLUMNS, COLUMNS);
    check_pca(tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, COLUMNS), small), ROWS, COLUMNS, 3);
    check_pca(tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, COLUMNS), product), ROWS, COLUMNS, 4); /* a single component */
    check_pca(tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS, COLUMNS), alike), ROWS, COLUMNS, 15);
    check_pca(tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 3), (double[]){ 1, 0, 2, 0, 3, 0 }), 2, 3, 2); /* one direction, and a 0 */
    check_pca(tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 3), (double[]){ 1, 0, 2, 0, 0, 0, 3, 0, 1 }), 3, 3,
              2);                                                                    /* an empty row and column */
    check_pca(tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 2), (double[4]){ 0 }), 2, 2, 2); /* nothing but zeros */
}

static void test_same_for_any_number_of_threads(void **state)
{
    tap_arena *a = tap_arena_new();
    tap_csr    x = tap_csr_from_dense(a, whole());
    (void)state;
    tap__parallel_threshold_for_tests(0);
    tap_set_threads(1);
    tap_tensor one = tap_csr_pca(a, x, 4, 0), rows = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(ROWS, COLUMNS));
    tap_set_threads(3);
    tap_tensor three = tap_csr_pca(a, x, 4, 0), again = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(ROWS, COLUMNS));
    assert_memory_equal(one.data, three.data, ROWS * 4 * sizeof(double));
    tap_csr_rows(again, x, NULL, NULL);
    tap_set_threads(1);
    tap_csr_rows(rows, x, NULL, NULL);
    assert_memory_equal(rows.data, again.data, ROWS * COLUMNS * sizeof(float));
    tap_set_threads(0);
    tap__parallel_threshold_for_tests(25000);
    tap_arena_free(a);
}

/* ---- What is no matrix ------------------------------------------------------------------------------------------- */

static const float   values[] = { 1, 2, 3 };
static const int32_t columns[] = { 0, 2, 1 }, descending[] = { 2, 0, 1 }, outside[] = { 0, 3, 1 }, below[] = { -1, 2, 1 },
                     twice[] = { 1, 1, 1 };
static const int64_t starts[] = { 0, 2, 3 }, late[] = { 1, 2, 3 }, back[] = { 0, 3, 2 }, beyond[] = { 0, 9, 3 },
                     minus[] = { 0, -1, 3 };

static void test_bad_matrices(void **state)
{
    const struct {
        tap_csr     x;
        const char *wrong;
    } bad[] = {
        { { 2, 3, NULL, columns, values }, "the matrix is inert" },
        { { -1, 3, starts, columns, values }, "its size is out of range" },
        { { 2, -3, starts, columns, values }, "its size is out of range" },
        { { INT64_MAX, 3, starts, columns, values }, "its size is out of range" },
        { { 2, 1ll << 31, starts, columns, values }, "its size is out of range" },
        { { 2, 3, late, columns, values }, "start does not begin at 0" },
        { { 2, 3, starts, NULL, values }, "column or value is NULL" },
        { { 2, 3, starts, columns, NULL }, "column or value is NULL" },
        { { 2, 3, back, columns, values }, "start is out of order" },
        { { 2, 3, beyond, columns, values }, "start is out of order" },
        { { 2, 3, minus, columns, values }, "start is out of order" },
        { { 2, 3, starts, descending, values }, "a column is out of range or order" },
        { { 1, 3, (int64_t[]){ 0, 1 }, NULL, values }, "column or value is NULL" },
        { { 2, 3, starts, (int32_t[]){ 0, 2, 3 }, values }, "a column is out of range or order" }, /* in the last row */
        { { 2, 3, starts, outside, values }, "a column is out of range or order" },
        { { 2, 3, starts, below, values }, "a column is out of range or order" },
        { { 2, 3, starts, twice, values }, "a column is out of range or order" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        float       room[6];
        char        wanted[128];
        const char *message;
        tap_error   e = { 0 };
        tap_arena  *a = tap_arena_new();
        assert_null(tap_csr_transpose(a, bad[i].x).start);
        assert_int_equal(tap_arena_status(a, &message), TAP_EARG);
        snprintf(wanted, sizeof wanted, "csr_transpose: %s", bad[i].wrong);
        assert_string_equal(message, wanted);
        assert_int_equal(tap_csr_rows(tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), room), bad[i].x, NULL, &e), TAP_EARG);
        tap_arena_free(a);
    }
}

static void test_sizes(void **state)
{
    const int64_t nothing[] = { 0, 0 }, one[] = { 0, 1 };
    const int32_t last[] = { INT32_MAX - 1 };
    tap_arena    *a = tap_arena_new();
    (void)state;
    tap_csr x = tap_csr_transpose(a, (tap_csr){ 1, 0, nothing, NULL, NULL });
    assert_true(x.start && x.rows == 0 && x.columns == 1);
    x = tap_csr_transpose(a, (tap_csr){ 0, 0, nothing, NULL, NULL });
    assert_true(x.start && x.rows == 0 && x.columns == 0);
    x = tap_csr_log_normalize(a, (tap_csr){ 1, INT32_MAX, one, last, values }, 1); /* as wide as can be */
    assert_true(x.value && x.value[0] == (float)log1p(1));
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
}

#define SAYS(text, ...) \
    do { \
        const char *message; \
        tap_arena  *a = tap_arena_new(); \
        tap_error  *e = tap_arena_error(a); \
        (void)e; \
        __VA_ARGS__; \
        assert_true(tap_arena_status(a, &message) != TAP_OK); \
        if (strcmp(message, text) != 0) fail_msg("'%s'", message); \
        tap_arena_free(a); \
    } while (0)

static void test_bad_arguments(void **state)
{
    float            room[8], negative[] = { 1, -1, (float)NAN, 1 };
    const tap_csr    x = { 2, 3, starts, columns, values }, none = { 0 };
    const tap_tensor out = tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), room);
    tap_tensor       turned = tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, 2), room), bytes = out;
    int              axes[TAP_MAX_RANK];
    (void)state;
    tap__transpose(turned, 0, 1, axes, &turned, NULL);
    bytes.dtype = TAP_U8;
    SAYS("csr_rows: out must be [n,3], not [2,2]", tap_csr_rows(tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 2), room), x, NULL, e));
    SAYS("csr_rows: out must be [n,3], not [6]", tap_csr_rows(tap_tensor_wrap(TAP_F32, TAP_SHAPE(6), room), x, NULL, e));
    SAYS("csr_rows: out must be [n,3], not []", tap_csr_rows((tap_tensor){ 0 }, x, NULL, e));
    SAYS("csr_rows: out must be contiguous and float32 or float64", tap_csr_rows(turned, x, NULL, e));
    SAYS("csr_rows: out must be contiguous and float32 or float64", tap_csr_rows(bytes, x, NULL, e));
    SAYS("csr_rows: row 2 is out of range for 2 rows", tap_csr_rows(out, x, (int64_t[]){ 0, 2 }, e));
    SAYS("csr_rows: row -1 is out of range for 2 rows", tap_csr_rows(out, x, (int64_t[]){ -1, 0 }, e));
    SAYS("csr_rows: out must have at most 1 rows, not 2",
         tap_csr_rows(out, (tap_csr){ 1, 3, starts, columns, values }, NULL, e));
    SAYS("csr_from_dense: x must be [rows,columns], not [6]",
         tap_csr_from_dense(a, tap_tensor_wrap(TAP_F32, TAP_SHAPE(6), room)));
    SAYS("csr_log_normalize: the matrix is inert", tap_csr_log_normalize(a, none, 1));
    SAYS("csr_log_normalize: scale must be a finite number above 0, not 0", tap_csr_log_normalize(a, x, 0));
    SAYS("csr_log_normalize: scale must be a finite number above 0, not inf", tap_csr_log_normalize(a, x, HUGE_VAL));
    SAYS("csr_log_normalize: element [0,2] must be a finite number, at least 0, not -1",
         tap_csr_log_normalize(a, (tap_csr){ 2, 3, starts, columns, negative }, 1));
    SAYS("csr_log_normalize: element [1,1] must be a finite number, at least 0, not nan",
         tap_csr_log_normalize(a, (tap_csr){ 2, 3, starts, columns, (float[]){ 1, 1, (float)NAN } }, 1));
    SAYS("csr_pca: the matrix is inert", tap_csr_pca(a, none, 1, 0));
    SAYS("csr_pca: k must be 1 to 2 for [2,3], not 0", tap_csr_pca(a, x, 0, 0));
    SAYS("csr_pca: k must be 1 to 2 for [2,3], not 3", tap_csr_pca(a, x, 3, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_log_normalize),
        cmocka_unit_test(test_pca),
        cmocka_unit_test(test_same_for_any_number_of_threads),
        cmocka_unit_test(test_bad_matrices),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_bad_arguments),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
