/* tests/nn/test_loader.c: the loader gives every row once per epoch, in an order that depends on (seed, epoch) alone. */
#include <math.h>
#include <string.h>

#include "nn/nn.h"
#include "tests/check.h"

static uint8_t images[10][2][3];
static double  table[10][2];

static int fill(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < 6; k++) images[i][k / 3][k % 3] = (uint8_t)(25 * i + k);
        table[i][0] = i;
        table[i][1] = -i;
    }
    return 0;
}

static tap_tensor image_data(void)
{
    return tap_tensor_wrap(TAP_U8, TAP_SHAPE(10, 2, 3), images);
}

static tap_tensor table_data(void)
{
    return tap_tensor_wrap(TAP_F64, TAP_SHAPE(10, 2), table);
}

static void test_in_order(void **state)
{
    (void)state;
    tap_loader *l = tap_loader_new(image_data(), (tap_loader_options){ .batch = 4 });
    tap_tensor  x;
    int64_t     n, row = 0;
    assert_int_equal(tap_loader_status(l, NULL), TAP_OK);
    assert_int_equal(tap_loader_batches(l), 3);
    tap_loader_rows(l, &n);
    assert_int_equal(n, 0);
    for (int epoch = 0; epoch < 2; epoch++, row = 0) {
        while (tap_loader_next(l, &x)) {
            const int64_t *rows = tap_loader_rows(l, &n);
            assert_int_equal(x.dtype, TAP_F32);
            assert_true(tap_shape_equal(x.shape, TAP_SHAPE(row < 8 ? 4 : 2, 6)));
            assert_true(tap_tensor_is_contiguous(x));
            for (int64_t i = 0; i < n; i++, row++) {
                assert_int_equal(rows[i], row);
                for (int k = 0; k < 6; k++)
                    assert_true(((float *)x.data)[i * 6 + k] == (float)((double)images[row][k / 3][k % 3] / 255));
            }
        }
        assert_int_equal(row, 10);
        assert_null(x.data);
        assert_false(tap_loader_next(l, &x));
        tap_loader_start(l, 1);
        tap_loader_rows(l, &n);
        assert_int_equal(n, 0);
    }
    tap_loader_free(l);
    tap_loader_free(NULL);
}

static void epoch_order(uint64_t seed, uint64_t epoch, int64_t order[10])
{
    tap_loader *l =
        tap_loader_new(table_data(), (tap_loader_options){ .batch = 3, .shuffle = true, .seed = seed, .dtype = TAP_F64 });
    tap_tensor x;
    int64_t    n, at = 0;
    if (epoch) tap_loader_start(l, epoch);
    while (tap_loader_next(l, &x)) {
        const int64_t *rows = tap_loader_rows(l, &n);
        assert_int_equal(n, x.shape.n[0]);
        for (int64_t i = 0; i < n; i++) {
            assert_true(tap_tensor_item(x, 2 * i) == (double)rows[i]);
            assert_true(tap_tensor_item(x, 2 * i + 1) == -(double)rows[i]);
            order[at++] = rows[i];
        }
    }
    assert_int_equal(at, 10);
    tap_loader_free(l);
}

static void test_shuffle(void **state)
{
    (void)state;
    int64_t a[10], b[10];
    int     seen[10] = { 0 };
    epoch_order(5, 0, a);
    for (int i = 0; i < 10; i++) seen[a[i]]++;
    for (int i = 0; i < 10; i++) assert_int_equal(seen[i], 1);
    epoch_order(5, 0, b);
    assert_memory_equal(a, b, sizeof a);
    epoch_order(5, 1, b);
    assert_memory_not_equal(a, b, sizeof a);
    epoch_order(6, 0, b);
    assert_memory_not_equal(a, b, sizeof a);

    tap_loader *l = tap_loader_new(table_data(), (tap_loader_options){ .shuffle = true, .seed = 5, .dtype = TAP_F64 });
    tap_tensor  x;
    int64_t     n;
    tap_loader_start(l, 1); /* an epoch does not depend on those before, nor on the batch */
    assert_true(tap_loader_next(l, &x));
    epoch_order(5, 1, b);
    assert_memory_equal(tap_loader_rows(l, &n), b, sizeof b);
    tap_loader_start(l, 0);
    assert_true(tap_loader_next(l, &x));
    assert_memory_equal(tap_loader_rows(l, &n), a, sizeof a);
    tap_loader_free(l);
}

static void test_drop_last(void **state)
{
    (void)state;
    const int64_t batch[] = { 3, 5, 10, 11 }, batches[] = { 3, 2, 1, 0 };
    for (int k = 0; k < 4; k++) {
        tap_loader *l = tap_loader_new(table_data(), (tap_loader_options){ .batch = batch[k], .drop_last = true });
        tap_tensor  x;
        int64_t     n = 0;
        while (tap_loader_next(l, &x)) {
            assert_int_equal(x.shape.n[0], batch[k]);
            n++;
        }
        assert_int_equal(n, batches[k]);
        assert_int_equal(tap_loader_batches(l), batches[k]);
        tap_loader_free(l);
    }
}

static void test_any_strides(void **state)
{
    (void)state;
    tap_arena *a = tap_arena_new();
    tap_tensor x, data = tap_tensor_transpose(a, image_data(), 1, 2);
    data = tap_tensor_slice(a, data, 0, 9, TAP_END, -3); /* rows 9, 6, 3, 0 */
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    assert_true(tap_shape_equal(data.shape, TAP_SHAPE(4, 3, 2)));
    tap_loader *l = tap_loader_new(data, (tap_loader_options){ .batch = 4, .scale = 2, .dtype = TAP_F64 });
    assert_true(tap_loader_next(l, &x));
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 6; k++) assert_true(tap_tensor_item(x, i * 6 + k) == 2.0 * images[9 - 3 * i][k % 2][k / 2]);
    }
    tap_loader_free(l);

    data = tap_tensor_select(a, table_data(), 1, 1); /* rank 1: rows are numbers */
    l = tap_loader_new(data, (tap_loader_options){ .batch = 10 });
    assert_true(tap_loader_next(l, &x));
    assert_true(tap_shape_equal(x.shape, TAP_SHAPE(10, 1)));
    assert_true(tap_tensor_item(x, 7) == -7);
    tap_loader_free(l);
    tap_arena_free(a);
}

static void test_no_rows(void **state)
{
    (void)state;
    tap_tensor  x;
    tap_loader *l = tap_loader_new(tap_tensor_wrap(TAP_U8, TAP_SHAPE(0, 4), images), (tap_loader_options){ .shuffle = true });
    assert_int_equal(tap_loader_status(l, NULL), TAP_OK);
    assert_int_equal(tap_loader_batches(l), 0);
    assert_false(tap_loader_next(l, &x));
    tap_loader_free(l);
}

static void assert_refused(tap_tensor data, tap_loader_options o, tap_status status, const char *expected)
{
    const char *message;
    tap_tensor  x;
    int64_t     n = 9;
    tap_loader *l = tap_loader_new(data, o);
    assert_int_equal(tap_loader_status(l, &message), status);
    assert_string_equal(message, expected);
    tap_loader_start(l, 3);
    assert_false(tap_loader_next(l, &x));
    assert_null(x.data);
    assert_int_equal(tap_loader_batches(l), 0);
    tap_loader_rows(l, &n);
    assert_int_equal(n, 0);
    tap_loader_free(l);
}

static void test_errors(void **state)
{
    (void)state;
    tap_tensor negative = image_data();
    negative.shape.n[0] = -1;
    assert_refused((tap_tensor){ 0 }, (tap_loader_options){ 0 }, TAP_ESHAPE, "loader: data must have rows, not shape []");
    assert_refused(negative, (tap_loader_options){ 0 }, TAP_ESHAPE, "loader: data must have rows, not shape [-1,2,3]");
    assert_refused(image_data(), (tap_loader_options){ .dtype = TAP_I64 }, TAP_EDTYPE,
                   "loader: batches must be float32 or float64, not int64");
    assert_refused(image_data(), (tap_loader_options){ .batch = -2 }, TAP_EARG, "loader: batch must be at least 1, not -2");
    assert_refused(image_data(), (tap_loader_options){ .scale = (double)NAN }, TAP_EARG,
                   "loader: scale must be finite, not nan");
}

/* ---- Batches that a tape has borrowed ---------------------------------------------------------------------------- */

/* Batches on a tape keep their values until the tape is reset; then their buffers are reused. */
static void test_borrowed_batches_are_not_overwritten(void **state)
{
    (void)state;
    tap_loader *l = tap_loader_new(table_data(), (tap_loader_options){ .batch = 2, .dtype = TAP_F64 });
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    const void *seen[4][5];
    for (uint64_t epoch = 0; epoch < 4; epoch++) {
        tap_tensor x;
        tap_var w = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), ((double[]){ 1, 1 }))), sum = tap_scalar(t, 0), dw;
        double  expected = 0;
        tap_loader_start(l, epoch);
        for (int i = 0; tap_loader_next(l, &x); i++) {
            sum = tap_add(sum, tap_sum(tap_square(tap_mul(tap_input(t, x), w)), TAP_ALL));
            seen[epoch][i] = x.data;
        }
        for (int i = 0; i < 10; i++) expected += 2 * table[i][0] * table[i][0];
        tap_grad(sum, 1, &w, &dw);
        assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
        assert_true(tap_tensor_item(tap_value(dw), 0) == expected);
        for (int i = 0; i < 5 && epoch > 1; i++) assert_ptr_equal(seen[epoch][i], seen[epoch - 1][i]);
        tap_tape_reset(t);
    }
    tap_tape_free(t);
    tap_loader_free(l);
}

/* A loop that resets the tape before each step needs two buffers. */
static void test_a_loop_uses_two_buffers(void **state)
{
    (void)state;
    tap_loader *l = tap_loader_new(table_data(), (tap_loader_options){ .batch = 2, .dtype = TAP_F64 });
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    const void *first = NULL, *second = NULL;
    tap_tensor  x;
    for (uint64_t epoch = 0; epoch < 3; epoch++, tap_loader_start(l, epoch)) {
        while (tap_loader_next(l, &x)) {
            tap_tape_reset(t);
            tap_input(t, x);
            if (!first) first = x.data;
            else if (!second) second = x.data;
            assert_true(x.data == first || x.data == second);
        }
    }
    assert_true(first != second);
    tap_tape_free(t);
    tap_loader_free(l);
}

static void test_a_tape_outlives_the_loader(void **state)
{
    (void)state;
    static double wide[4][1000];
    tap_loader   *l =
        tap_loader_new(tap_tensor_wrap(TAP_F64, TAP_SHAPE(4, 1000), wide), (tap_loader_options){ .dtype = TAP_F64 });
    tap_tape  *t = tap_tape_new(TAP_F64, 0);
    tap_tensor x;
    double     one = 1;
    assert_true(tap_loader_next(l, &x));
    tap_var loss = tap_sum(tap_mul(tap_input(t, x), tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &one))), TAP_ALL);
    tap_loader_free(l);
    assert_int_equal(tap_backward(loss), TAP_ESTALE);
    tap_tape_free(t);
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),    cmocka_unit_test(test_shuffle), cmocka_unit_test(test_drop_last),
        cmocka_unit_test(test_any_strides), cmocka_unit_test(test_no_rows), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_borrowed_batches_are_not_overwritten), cmocka_unit_test(test_a_loop_uses_two_buffers),
        cmocka_unit_test(test_a_tape_outlives_the_loader),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, fill, NULL);
}
