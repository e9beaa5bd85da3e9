/* tests/nn/test_loader_fields.c: loaders of several arrays and of data sets given as functions: what is in their batches, and
 * which rows come when. */
#include <string.h>

#include "tests/check.h"

enum { ROWS = 10 };

static uint8_t images[ROWS][2][3], labels[ROWS];
static double  numbers[ROWS];

static int fill(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < 6; k++) images[i][k / 3][k % 3] = (uint8_t)(25 * i + k);
        labels[i] = (uint8_t)(i % 4);
        numbers[i] = i + 0.5;
    }
    return 0;
}

static void get_arrays(tap_tensor arrays[3])
{
    arrays[0] = tap_tensor_wrap(TAP_U8, TAP_SHAPE(ROWS, 2, 3), images);
    arrays[1] = tap_tensor_wrap(TAP_U8, TAP_SHAPE(ROWS), labels);
    arrays[2] = tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS), numbers);
}

static void assert_ok(const tap_loader *l)
{
    const char *message;
    if (tap_loader_status(l, &message) != TAP_OK) fail_msg("%s", message);
}

static void assert_failed(tap_loader *l, tap_status status, const char *expected)
{
    const char *message;
    tap_tensor  x[TAP_MAX_FIELDS];
    assert_int_equal(tap_loader_status(l, &message), status);
    assert_string_equal(message, expected);
    assert_false(tap_loader_next(l, x));
    tap_loader_free(l);
}

/* ---- Fields ---- */

static void test_fields_as_they_are(void **state)
{
    tap_tensor arrays[3], x[3];
    int64_t    n;
    (void)state;
    get_arrays(arrays);
    tap_loader *l = tap_loader_new_arrays(3, arrays, NULL, (tap_loader_options){ .batch = 4, .shuffle = true });
    for (int seen = 0; tap_loader_next(l, x); seen += (int)n) {
        const int64_t *rows = tap_loader_rows(l, &n);
        assert_true(tap_shape_equal(x[0].shape, TAP_SHAPE(seen < 8 ? 4 : 2, 2, 3)));
        assert_true(tap_shape_equal(x[1].shape, TAP_SHAPE(n)));
        assert_true(x[0].dtype == TAP_U8 && x[1].dtype == TAP_U8 && x[2].dtype == TAP_F64);
        for (int64_t i = 0; i < n; i++) {
            assert_memory_equal((char *)x[0].data + 6 * i, images[rows[i]], 6);
            assert_true(tap_tensor_item(x[1], i) == labels[rows[i]]);
            assert_true(tap_tensor_item(x[2], i) == numbers[rows[i]]);
        }
    }
    assert_ok(l);
    for (int f = 0; f < 3; f++) assert_null(x[f].data);
    tap_loader_free(l);
}

static void test_converted_fields(void **state)
{
    const tap_field_options how[] = { { .as = TAP_FIELD_FLOAT },
                                      { .as = TAP_FIELD_INDEX },
                                      { .as = TAP_FIELD_FLOAT, .scale = 2 },
                                      { .as = TAP_FIELD_ONE_HOT, .classes = 4 },
                                      { .as = TAP_FIELD_FLOAT, .flatten = true, .scale = 1 },
                                      { .flatten = true } };
    tap_tensor              arrays[6], x[6];
    (void)state;
    get_arrays(arrays);
    arrays[3] = arrays[1];
    arrays[4] = arrays[5] = arrays[0];
    tap_loader *l = tap_loader_new_arrays(6, arrays, how, (tap_loader_options){ .batch = ROWS });
    assert_true(tap_loader_next(l, x));
    assert_true(x[0].dtype == TAP_F32 && tap_shape_equal(x[0].shape, TAP_SHAPE(ROWS, 2, 3)));
    assert_true(x[1].dtype == TAP_I64 && tap_shape_equal(x[1].shape, TAP_SHAPE(ROWS)));
    assert_true(x[2].dtype == TAP_F32 && tap_shape_equal(x[2].shape, TAP_SHAPE(ROWS)));
    assert_true(x[3].dtype == TAP_F32 && tap_shape_equal(x[3].shape, TAP_SHAPE(ROWS, 4)));
    assert_true(x[4].dtype == TAP_F32 && tap_shape_equal(x[4].shape, TAP_SHAPE(ROWS, 6)));
    assert_true(x[5].dtype == TAP_U8 && tap_shape_equal(x[5].shape, TAP_SHAPE(ROWS, 6)));
    for (int64_t i = 0; i < ROWS; i++) {
        for (int k = 0; k < 6; k++) {
            const int pixel = images[i][k / 3][k % 3];
            assert_true(((float *)x[0].data)[6 * i + k] == (float)(pixel * (1.0 / 255)));
            assert_true(((float *)x[4].data)[6 * i + k] == (float)pixel);
            assert_int_equal(((uint8_t *)x[5].data)[6 * i + k], pixel);
        }
        assert_int_equal(((int64_t *)x[1].data)[i], labels[i]);
        assert_true(((float *)x[2].data)[i] == (float)(2 * numbers[i]));
        for (int c = 0; c < 4; c++) assert_true(((float *)x[3].data)[4 * i + c] == (c == labels[i] ? 1.0f : 0.0f));
    }
    tap_loader_free(l);
}

static void test_a_class_out_of_range(void **state)
{
    const char             *message;
    const tap_field_options how[] = { { 0 }, { .as = TAP_FIELD_ONE_HOT, .classes = 3 } };
    tap_tensor              arrays[3], x[2];
    (void)state;
    get_arrays(arrays);
    for (int prefetch = 0; prefetch < 3; prefetch++) {
        tap_loader *l = tap_loader_new_arrays(2, arrays, how, (tap_loader_options){ .batch = 3, .prefetch = prefetch });
        assert_true(tap_loader_next(l, x));
        assert_int_equal(tap_loader_status(l, NULL), TAP_OK);
        assert_false(tap_loader_next(l, x));
        assert_int_equal(tap_loader_status(l, &message), TAP_EARG);
        assert_string_equal(message, "loader: row 3: field 1 must be a class of 0..2, not 3");
        assert_null(x[0].data);
        assert_false(tap_loader_cycle(l, x));
        tap_loader_free(l);
    }
}

/* One array through either constructor gives the same bits. */
static void test_the_same_as_a_loader_of_one_array(void **state)
{
    const tap_loader_options o = { .batch = 3, .shuffle = true, .seed = 9, .dtype = TAP_F64 };
    const tap_field_options  how = { .as = TAP_FIELD_FLOAT, .flatten = true };
    tap_tensor               arrays[3], x, y;
    (void)state;
    get_arrays(arrays);
    tap_loader *a = tap_loader_new(arrays[0], o), *b = tap_loader_new_arrays(1, arrays, &how, o);
    while (tap_loader_next(a, &x)) {
        assert_true(tap_loader_next(b, &y));
        assert_true(x.dtype == y.dtype && tap_shape_equal(x.shape, y.shape));
        assert_memory_equal(x.data, y.data, (size_t)tap_tensor_numel(x) * 8);
    }
    assert_false(tap_loader_next(b, &y));
    tap_loader_free(a);
    tap_loader_free(b);
}

/* ---- Orders ---- */

/* The rows of an epoch of a loader of numbers. */
static int64_t rows_of(tap_loader_options o, uint64_t epoch, int64_t *rows)
{
    tap_tensor arrays[3], x;
    int64_t    n, count = 0;
    get_arrays(arrays);
    tap_loader *l = tap_loader_new_arrays(1, &arrays[2], NULL, o);
    for (tap_loader_start(l, epoch); tap_loader_next(l, &x);) {
        const int64_t *part = tap_loader_rows(l, &n);
        for (int64_t i = 0; i < n; i++) {
            assert_true(tap_tensor_item(x, i) == numbers[part[i]]);
            rows[count++] = part[i];
        }
    }
    assert_ok(l);
    tap_loader_free(l);
    return count;
}

static void test_a_shuffle_without_an_array(void **state)
{
    int64_t a[ROWS], b[ROWS];
    int     seen[ROWS] = { 0 };
    (void)state;
    assert_int_equal(rows_of((tap_loader_options){ .batch = 3, .shuffle = true, .keyed = true, .seed = 5 }, 2, a), ROWS);
    for (int i = 0; i < ROWS; i++) seen[a[i]]++;
    for (int i = 0; i < ROWS; i++) assert_int_equal(seen[i], 1);
    rows_of((tap_loader_options){ .batch = 10, .shuffle = true, .keyed = true, .seed = 5 }, 2, b);
    assert_memory_equal(a, b, sizeof a);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(a[i], tap_random_permuted(i, ROWS, (tap_rng_key){ 5, tap_random_hash("loader"), 2 }));
    rows_of((tap_loader_options){ .shuffle = true, .keyed = true, .seed = 5 }, 3, b);
    assert_memory_not_equal(a, b, sizeof a);
    rows_of((tap_loader_options){ .shuffle = true, .seed = 5 }, 2, b);
    assert_memory_not_equal(a, b, sizeof a);
    tap_random_permutation(a, ROWS, (tap_rng_key){ 5, tap_random_hash("loader"), 2 });
    assert_memory_equal(a, b, sizeof a);
}

static void test_rows_drawn_with_weights(void **state)
{
    enum { DRAWS = 20000 };
    static int64_t rows[DRAWS], again[DRAWS];
    const double   weights[ROWS] = { 0, 1, 2, 3, 4, 0, 0, 0, 10, 0 };
    int            count[ROWS] = { 0 };
    (void)state;
    tap_loader_options o = {
        .batch = 7, .seed = 3, .draws = DRAWS, .weights = tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS), (void *)(uintptr_t)weights)
    };
    assert_int_equal(rows_of(o, 0, rows), DRAWS);
    for (int i = 0; i < DRAWS; i++) count[rows[i]]++;
    for (int i = 0; i < ROWS; i++) { /* within four standard errors */
        const double p = weights[i] / 20;
        assert_near(count[i], DRAWS * p, 4 * sqrt(DRAWS * p * (1 - p)));
    }
    o.batch = 1000;
    o.prefetch = 2;
    rows_of(o, 0, again);
    assert_memory_equal(rows, again, sizeof rows);
    rows_of(o, 1, again);
    assert_memory_not_equal(rows, again, sizeof rows);
    o.draws = 0;
    assert_int_equal(rows_of(o, 0, again), ROWS);
}

/* The first of two rows is 1, 2 or 3 with probability 1/6, 2/6, 3/6, the second one of the others in proportion. */
static void test_rows_drawn_without_replacement(void **state)
{
    enum { EPOCHS = 3000 };
    float   weights[ROWS] = { 0, 1, 2, 3 };
    int     first[ROWS] = { 0 }, first_1_then_2 = 0;
    int64_t rows[ROWS];
    (void)state;
    const tap_loader_options o = { .draws = 2,
                                   .weights = tap_tensor_wrap(TAP_F32, TAP_SHAPE(ROWS), weights),
                                   .without_replacement = true };
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        assert_int_equal(rows_of(o, epoch, rows), 2);
        assert_true(rows[0] != rows[1] && rows[1] >= 1 && rows[1] <= 3);
        first[rows[0]]++;
        first_1_then_2 += rows[0] == 1 && rows[1] == 2;
    }
    for (int i = 1; i <= 3; i++) assert_near(first[i], EPOCHS * i / 6., 4 * sqrt(EPOCHS * i / 6. * (1 - i / 6.)));
    assert_near(first_1_then_2, EPOCHS / 6. * 2 / 5, 4 * sqrt(EPOCHS / 15.));
}

/* ---- Epochs without an end ---- */

static void test_cycle(void **state)
{
    tap_tensor arrays[3], x;
    (void)state;
    get_arrays(arrays);
    for (int prefetch = 0; prefetch < 4; prefetch++) {
        tap_loader *a = tap_loader_new(arrays[2], (tap_loader_options){ .batch = 4, .shuffle = true, .prefetch = prefetch });
        tap_loader *b = tap_loader_new(arrays[2], (tap_loader_options){ .batch = 4, .shuffle = true });
        for (uint64_t epoch = 0; epoch < 3; epoch++) {
            for (tap_loader_start(b, epoch); tap_loader_next(b, &x);) {
                tap_tensor y;
                assert_true(tap_loader_cycle(a, &y));
                assert_int_equal(tap_loader_epoch(a), epoch);
                assert_true(tap_shape_equal(x.shape, y.shape));
                assert_memory_equal(x.data, y.data, (size_t)tap_tensor_numel(x) * 4);
            }
        }
        tap_loader_free(a);
        tap_loader_free(b);
    }
}

/* ---- Functions ---- */

typedef struct {
    int64_t bad; /* the row that cannot be read */
    int     how; /* 0: with a message; 1: without one; 2: with one, but returns TAP_OK */
} function;

static tap_status read_row(void *context, int64_t row, const tap_tensor *out, tap_error *e)
{
    const function *f = context;
    assert_true(tap_shape_equal(out[0].shape, TAP_SHAPE(2)));
    assert_true(out[0].dtype == TAP_F32 && out[1].dtype == TAP_I64 && out[2].dtype == TAP_U8);
    assert_true(out[1].shape.rank == 0 && tap_tensor_is_contiguous(out[0]));
    ((float *)out[0].data)[0] = (float)row;
    ((float *)out[0].data)[1] = (float)-row;
    *(int64_t *)out[1].data = 2 * row;
    *(uint8_t *)out[2].data = (uint8_t)(row % 3);
    if (row != f->bad) return TAP_OK;
    if (f->how == 1) return TAP_EARG;
    tap_error_set(e, TAP_EIO, "the tape has been eaten");
    return f->how == 2 ? TAP_OK : e->status;
}

static tap_dataset dataset(function *f)
{
    return (tap_dataset){ .rows = 11,
                          .n = 3,
                          .dtype = { TAP_F32, TAP_I64, TAP_U8 },
                          .shape = { S(2), TAP_SCALAR, TAP_SCALAR },
                          .read = read_row,
                          .context = f };
}

static void test_rows_of_a_function(void **state)
{
    const tap_field_options how[] = { { 0 },
                                      { .as = TAP_FIELD_FLOAT, .scale = 0.5 },
                                      { .as = TAP_FIELD_ONE_HOT, .classes = 3 } };
    function                f = { .bad = -1 };
    tap_tensor              x[3];
    int64_t                 n, count = 0;
    (void)state;
    for (int prefetch = 0; prefetch < 2; prefetch++, count = 0) {
        const tap_loader_options o = { .batch = 4, .shuffle = true, .seed = 1, .prefetch = prefetch };
        tap_loader              *l = tap_loader_new_dataset(dataset(&f), how, o);
        while (tap_loader_next(l, x)) {
            const int64_t *rows = tap_loader_rows(l, &n);
            assert_true(tap_shape_equal(x[0].shape, TAP_SHAPE(n, 2)) && tap_shape_equal(x[2].shape, TAP_SHAPE(n, 3)));
            for (int64_t i = 0; i < n; i++, count++) {
                assert_int_equal(rows[i], tap_random_permuted(count, 11, (tap_rng_key){ 1, tap_random_hash("loader"), 0 }));
                assert_true(tap_tensor_item(x[0], 2 * i) == (double)rows[i]);
                assert_true(tap_tensor_item(x[0], 2 * i + 1) == (double)-rows[i]);
                assert_true(tap_tensor_item(x[1], i) == (double)rows[i]);
                for (int c = 0; c < 3; c++) assert_true(tap_tensor_item(x[2], 3 * i + c) == (c == rows[i] % 3));
            }
        }
        assert_ok(l);
        assert_int_equal(count, 11);
        tap_loader_free(l);
    }
}

static void test_a_function_that_fails(void **state)
{
    static const char *const expected[] = { "loader: row 5: the tape has been eaten",
                                            "loader: row 5: the function returned TAP_EARG without a message",
                                            "loader: row 5: the tape has been eaten" };
    tap_tensor               x[3];
    (void)state;
    for (int i = 0; i < 9; i++) {
        function    f = { .bad = 5, .how = i / 3 };
        tap_loader *l = tap_loader_new_dataset(dataset(&f), NULL, (tap_loader_options){ .batch = 2, .prefetch = i % 3 });
        assert_true(tap_loader_next(l, x));
        assert_true(tap_loader_next(l, x));
        assert_ok(l);
        assert_false(tap_loader_next(l, x));
        assert_failed(l, i / 3 == 1 ? TAP_EARG : TAP_EIO, expected[i / 3]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_as_they_are),
        cmocka_unit_test(test_converted_fields),
        cmocka_unit_test(test_a_class_out_of_range),
        cmocka_unit_test(test_the_same_as_a_loader_of_one_array),
        cmocka_unit_test(test_a_shuffle_without_an_array),
        cmocka_unit_test(test_rows_drawn_with_weights),
        cmocka_unit_test(test_rows_drawn_without_replacement),
        cmocka_unit_test(test_cycle),
        cmocka_unit_test(test_rows_of_a_function),
        cmocka_unit_test(test_a_function_that_fails),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
