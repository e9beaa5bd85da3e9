/* tests/tensor/test_map.c: the loop over strided tensors: the number of runs that it is cut into, and that each element is in
 * one run. */
#include "layouts.h"

#include "tensor/kernels/map.h"

enum { MAX_RUNS = 5000 }; /* runs that are recorded */

typedef struct {
    int     n_op, runs;
    int64_t n[MAX_RUNS], stride[TAP__MAP_MAX];
    int64_t sum; /* of the products of each input's elements and out's */
} runs;

static tap_arena *a;
static runs       recorded;

static int begin(void **state)
{
    (void)state;
    a = tap_arena_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    tap_arena_free(a);
    return 0;
}

/* Records a run. With one thread, runs come one after the other. */
static void record_run(int64_t n, void *const *data, const int64_t *stride, const void *context)
{
    runs *r = &recorded;
    (void)context;
    if (r->runs < MAX_RUNS) r->n[r->runs] = n;
    r->runs++;
    for (int k = 0; k < r->n_op; k++) r->stride[k] = stride[k];
    for (int64_t i = 0; i < n; i++) {
        for (int k = 1; k < r->n_op; k++)
            r->sum += (int64_t)((const double *)data[0])[i * stride[0]] * (int64_t)((const double *)data[k])[i * stride[k]];
    }
}

static void run_map(tap_tensor out, int n, const tap_tensor *in)
{
    recorded = (runs){ .n_op = 1 + n };
    tap_set_threads(1);
    tap__map(record_run, NULL, &out, n, in, 1);
    tap_set_threads(0);
}

/* All recorded runs have the same length, and these strides. */
static void assert_runs(int count, int64_t n, int64_t out_stride, int64_t in_stride)
{
    assert_int_equal(recorded.runs, count);
    for (int i = 0; i < count; i++) assert_int_equal(recorded.n[i], n);
    assert_int_equal(recorded.stride[0], out_stride);
    assert_int_equal(recorded.stride[1], in_stride);
}

static tap_tensor numbered(tap_shape shape)
{
    tap_tensor x = tap_tensor_zeros(a, TAP_F64, shape);
    for (int64_t i = 0; i < tap_numel(shape); i++) tap_tensor_set_item(x, i, (double)(i % 1000 + 1));
    return x;
}

static int64_t sum_of_products(tap_tensor x, tap_tensor y)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < tap_numel(x.shape); i++) sum += (int64_t)tap_tensor_item(x, i) * (int64_t)tap_tensor_item(y, i);
    return sum;
}

/* ---- Tests -------------------------------------------------------------------------------------------------------- */

/* Contiguous tensors are one run of at most 4096 elements, or several of 4096. */
static void test_contiguous_is_one_run(void **state)
{
    (void)state;
    static const struct {
        tap_shape shape;
        int       runs;
        int64_t   last;
    } cases[] = { { { 3, { 4, 5, 6 } }, 1, 120 },       { { 3, { 16, 8, 32 } }, 1, 4096 },     { { 2, { 17, 241 } }, 2, 1 },
                  { { 4, { 8, 1, 8, 128 } }, 2, 4096 }, { { 4, { 1, 32, 128, 1 } }, 1, 4096 }, { { 1, { 12287 } }, 3, 4095 },
                  { { 5, { 1, 2, 3, 4, 1 } }, 1, 24 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tap_tensor x = numbered(cases[i].shape);
        run_map(x, 1, &x);
        assert_int_equal(recorded.runs, cases[i].runs);
        assert_int_equal(recorded.n[recorded.runs - 1], cases[i].last);
        assert_int_equal(recorded.stride[0], 1);
        assert_int_equal(recorded.stride[1], 1);
        assert_int_equal(recorded.sum, sum_of_products(x, x));
    }
}

/* For every permutation of the axes, the loop follows the memory of the result. */
static void test_loop_follows_the_result(void **state)
{
    int axes[4];
    (void)state;
    tap_tensor x = numbered(TAP_SHAPE(2, 3, 4, 5)), y = numbered(TAP_SHAPE(2, 3, 4, 5));
    for (int code = 0; code < 256; code++) {
        int found = 0;
        for (int i = 0; i < 4; i++) {
            axes[i] = code >> 2 * i & 3;
            found |= 1 << axes[i];
        }
        if (found != 15) continue;
        tap_tensor out = tap_tensor_permute(a, x, 4, axes), in = tap_tensor_permute(a, y, 4, axes);
        run_map(out, 1, &in);
        assert_runs(1, 120, 1, 1);
        assert_int_equal(recorded.sum, sum_of_products(x, y));
        in = numbered(out.shape);
        run_map(out, 1, &in);
        assert_int_equal(recorded.stride[0], 1);
        assert_int_equal(recorded.sum, sum_of_products(out, in));
    }
}

/* Reversed axes merge as well, and axes of size 1 do not count, whatever their stride. */
static void test_reversed_axes_merge(void **state)
{
    (void)state;
    tap_tensor x = numbered(TAP_SHAPE(4, 5, 6)), back = tap_tensor_slice(a, x, 0, -1, TAP_END, -1), all = back;
    run_map(back, 1, &back);
    assert_runs(4, 30, 1, 1);
    for (int i = 1; i < 3; i++) all = tap_tensor_slice(a, all, i, -1, TAP_END, -1);
    run_map(all, 1, &all);
    assert_runs(1, 120, -1, -1);
    assert_int_equal(recorded.sum, sum_of_products(x, x));

    tap_tensor thin = tap_tensor_permute(a, numbered(TAP_SHAPE(1, 2, 1, 3, 1)), 5, (const int[]){ 4, 3, 2, 1, 0 });
    run_map(thin, 1, &thin);
    assert_runs(1, 6, 1, 1);
    for (int i = 0; i < 5; i += 2) thin.stride[i] = 100 + i;
    run_map(thin, 1, &thin);
    assert_runs(1, 6, 1, 1);
    assert_int_equal(recorded.sum, sum_of_products(thin, thin));
}

/* Axes are merged only if every operand continues one over the next. */
static void test_gaps_stop_merging(void **state)
{
    (void)state;
    static const struct {
        tap_shape in;
        int       runs;
        int64_t   n, stride;
    } cases[] = { { { 3, { 1, 1, 6 } }, 20, 6, 1 }, { { 3, { 4, 1, 1 } }, 4, 30, 0 }, { { 3, { 1, 5, 1 } }, 20, 6, 0 },
                  { { 3, { 1, 5, 6 } }, 4, 30, 1 }, { { 1, { 6 } }, 20, 6, 1 },       { { 3, { 4, 5, 1 } }, 20, 6, 0 },
                  { { 0, { 0 } }, 1, 120, 0 },      { { 3, { 1, 1, 1 } }, 1, 120, 0 } };
    tap_tensor out = numbered(TAP_SHAPE(4, 5, 6)), wide = numbered(TAP_SHAPE(4, 5, 12));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tap_tensor in = numbered(cases[i].in);
        run_map(out, 1, &in);
        assert_runs(cases[i].runs, cases[i].n, 1, cases[i].stride);
        assert_int_equal(recorded.sum, sum_of_products(out, tap_tensor_expand(a, in, out.shape)));
    }
    tap_tensor half = tap_tensor_slice(a, wide, 2, 0, 6, 1), second = tap_tensor_slice(a, wide, 2, 0, TAP_END, 2);
    run_map(out, 1, &half);
    assert_runs(20, 6, 1, 1);
    run_map(out, 1, &second);
    assert_runs(1, 120, 1, 2);
    assert_int_equal(recorded.sum, sum_of_products(out, second));
    run_map(out, 2, (const tap_tensor[]){ second, half });
    assert_runs(20, 6, 1, 2);
}

/* Every row of more than 4096 elements is cut at the same places. */
static void test_long_rows_are_cut(void **state)
{
    (void)state;
    tap_tensor out = numbered(TAP_SHAPE(3, 5000)), in = numbered(TAP_SHAPE(5000));
    run_map(out, 1, &in);
    assert_int_equal(recorded.runs, 6);
    for (int i = 0; i < 6; i++) assert_int_equal(recorded.n[i], i % 2 ? 904 : 4096);
    assert_int_equal(recorded.sum, sum_of_products(out, tap_tensor_expand(a, in, out.shape)));
    run_map(tap_tensor_slice(a, out, 1, 0, 4096, 1), 1, (const tap_tensor[]){ tap_tensor_slice(a, in, 0, 0, 4096, 1) });
    assert_runs(3, 4096, 1, 1);
    run_map(numbered(TAP_SHAPE(3, 0)), 1, &in);
    assert_int_equal(recorded.runs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_contiguous_is_one_run, begin, end),
        cmocka_unit_test_setup_teardown(test_loop_follows_the_result, begin, end),
        cmocka_unit_test_setup_teardown(test_reversed_axes_merge, begin, end),
        cmocka_unit_test_setup_teardown(test_gaps_stop_merging, begin, end),
        cmocka_unit_test_setup_teardown(test_long_rows_are_cut, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
