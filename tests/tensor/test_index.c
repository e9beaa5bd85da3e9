/* tests/tensor/test_index.c: gather, scatter, argsort, argmax and cumulative sums, against loops over one element at a time, in
 * every layout, along every axis, for every dtype. */
#include "layouts.h"
#include "tensor/kernels/index.h"
#include "tensor/parallel.h"

static const tap_shape shapes[] = {
    { 1, { 1 } },        { 1, { 9 } },         { 1, { 130 } },        { 2, { 3, 5 } },    { 2, { 1, 7 } },
    { 2, { 7, 1 } },     { 2, { 4, 150 } },    { 2, { 66, 3 } },      { 3, { 2, 3, 4 } }, { 3, { 3, 1, 65 } },
    { 3, { 3, 64, 2 } }, { 3, { 2, 2, 129 } }, { 4, { 2, 3, 2, 5 } }, { 2, { 0, 3 } },    { 3, { 2, 3, 0 } },
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static const tap_dtype dtypes[] = { TAP_F32, TAP_F64, TAP_I64, TAP_U8 };

/* The layouts for results, whose elements must not overlap. */
static const int result_layouts[] = { PLAIN, TRANSPOSED, SLICED, REVERSED, MIXED };

typedef struct {
    tap_arena *memory;
    tap_shape  shape;
    tap_dtype  dtype;
    int        axis, layout;
    uint64_t   rng;
} fixture;

/* Calls check for every combination of shape, dtype, layout and axis. */
static void check_everything(void (*check)(fixture *s))
{
    for (int i = 0; i < SHAPES * 4 * LAYOUTS; i++) {
        fixture s = { NULL, shapes[i / 4 / LAYOUTS], dtypes[i % 4], 0, i / 4 % LAYOUTS, (uint64_t)i };
        for (s.axis = 0; s.axis < s.shape.rank; s.axis++) {
            s.memory = tap_arena_new();
            tap_set_threads(1 + (i + s.axis) % 3);
            check(&s);
            tap_arena_free(s.memory);
        }
    }
    tap_set_threads(0);
}

static double load_index(tap_tensor x, const int64_t *index)
{
    return load_at(x, offset_at(x, index));
}

/* The offset of the element of x at `index`, with a as the coordinate along the axis. */
static int64_t offset_with(tap_tensor x, const int64_t *index, int axis, int64_t a)
{
    int64_t at[TAP_MAX_RANK];
    memcpy(at, index, sizeof at);
    at[axis] = a;
    return offset_at(x, at);
}

/* ---- index ---- */

/* tap__index, one element after the other in C order, which keeps the order of the axis. */
static void reference_index(tap__index_mode how, tap_tensor indexed, tap_tensor values, tap_tensor index, int axis)
{
    int64_t at[TAP_MAX_RANK] = { 0 };
    if (tap_numel(index.shape) == 0) return;
    do {
        const int64_t there = offset_with(indexed, at, axis, (int64_t)load_index(index, at)), here = offset_at(values, at);
        if (how == TAP__GATHER) store_at(values, here, load_at(indexed, there));
        else if (how == TAP__SCATTER) store_at(indexed, there, load_at(values, here));
        else store_at(indexed, there, load_at(indexed, there) + load_at(values, here));
    } while (next_index(index.shape, at));
}

static void check_index(fixture *s)
{
    for (int how = TAP__GATHER; how <= TAP__SCATTER_ADD; how++) {
        if (how == TAP__SCATTER_ADD && !tap_dtype_is_float(s->dtype)) continue;
        const bool gather = how == TAP__GATHER;
        const int  layout = result_layouts[(s->layout + how) % 5], size = 1 + random_below(&s->rng, 12);
        tap_shape  wide = s->shape;
        for (int i = 0; i < wide.rank; i++) wide.n[i] += random_below(&s->rng, 2);
        wide.n[s->axis] = size;
        tensor_layout indexed = lay_out(s->memory, s->dtype, wide, gather ? s->layout : layout);
        tensor_layout values = lay_out(s->memory, s->dtype, s->shape, gather ? layout : s->layout);
        tensor_layout index = lay_out(s->memory, TAP_I64, s->shape, (s->layout + 3) % LAYOUTS);
        fill_random(indexed, 0, 100, &s->rng);
        fill_random(values, 0, 100, &s->rng);
        fill_random(index, 0, size, &s->rng);
        tap_tensor    out = gather ? values.memory : indexed.memory;
        const int64_t n = out.shape.n[0];
        double       *want = tap_arena_alloc(s->memory, (size_t)n * sizeof *want + 1);
        double       *before = tap_arena_alloc(s->memory, (size_t)n * sizeof *want + 1);
        assert_true(want && before);
        for (int64_t i = 0; i < n; i++) before[i] = load_at(out, i);
        reference_index((tap__index_mode)how, indexed.view, values.view, index.view, s->axis);
        for (int64_t i = 0; i < n; i++) want[i] = load_at(out, i);
        for (int64_t i = 0; i < n; i++) store_at(out, i, before[i]);
        tap__index((tap__index_mode)how, indexed.view, values.view, index.view, s->axis);
        for (int64_t i = 0; i < n; i++) assert_true(load_at(out, i) == want[i]);
    }
}

static void test_index(void **state)
{
    (void)state;
    check_everything(check_index);
}

static void test_in_range(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES * LAYOUTS; i++) {
        uint64_t      rng = (uint64_t)i;
        int64_t       bad = 77, at[TAP_MAX_RANK] = { 0 };
        tap_arena    *memory = tap_arena_new();
        tensor_layout x = lay_out(memory, TAP_I64, shapes[i / LAYOUTS], i % LAYOUTS);
        fill_random(x, 0, 5, &rng);
        assert_true(tap__index_in_range(x.view, 5, &bad));
        if (tap_numel(x.view.shape) == 0) {
            assert_true(tap__index_in_range(x.view, 0, &bad));
            tap_arena_free(memory);
            continue;
        }
        do { /* each element in turn */
            const int64_t offset = offset_at(x.view, at), kept = ((int64_t *)x.view.data)[offset];
            for (int k = 0; k < 3; k++) {
                const int64_t wrong = (const int64_t[]){ -1, 5, INT64_MIN }[k];
                ((int64_t *)x.view.data)[offset] = wrong;
                assert_false(tap__index_in_range(x.view, 5, &bad));
                assert_true(bad == wrong);
                assert_int_equal(tap__index_in_range(x.view, 6, &bad), wrong == 5);
            }
            ((int64_t *)x.view.data)[offset] = kept;
        } while (next_index(x.view.shape, at));
        const int64_t last = tap_numel(x.view.shape) - 1, first = last / 2;
        for (int64_t k = 0; k <= last; k++) {
            int64_t index[TAP_MAX_RANK], rest = k;
            for (int r = x.view.shape.rank - 1; r >= 0; r--) {
                index[r] = rest % x.view.shape.n[r];
                rest /= x.view.shape.n[r];
            }
            if (k >= first && load_index(x.view, index) >= 0) ((int64_t *)x.view.data)[offset_at(x.view, index)] = -1 - k;
        }
        assert_false(tap__index_in_range(x.view, 5, &bad));
        if (i % LAYOUTS != REPEATED_FIRST && i % LAYOUTS != REPEATED_LAST) assert_true(bad == -1 - first);
        tap_arena_free(memory);
    }
}

/* Elements that are repeated by strides of 0 are checked once: otherwise this test would not end. */
static void test_in_range_checks_repeated_elements_once(void **state)
{
    (void)state;
    int64_t    numbers[6] = { 0, 1, 2, 3, 4, 5 }, bad = 77;
    tap_tensor x = { .dtype = TAP_I64, .shape = TAP_SHAPE((int64_t)1 << 20, 3, (int64_t)1 << 20, 2), .data = numbers };
    x.stride[1] = 2;
    x.stride[3] = 1;
    assert_true(tap__index_in_range(x, 6, &bad));
    assert_false(tap__index_in_range(x, 5, &bad));
    assert_int_equal(bad, 5);
}

/* ---- Order ---- */

/* Many equal numbers, and some NaN. */
static tensor_layout numbers_to_sort(fixture *s)
{
    tensor_layout x = lay_out(s->memory, s->dtype, s->shape, s->layout);
    fill_random(x, s->dtype == TAP_U8 ? 0 : -5, 11, &s->rng);
    for (int64_t i = 0; tap_dtype_is_float(s->dtype) && i < x.memory.shape.n[0]; i++) {
        if (random_below(&s->rng, 12) == 0) store_at(x.memory, i, (double)NAN);
    }
    return x;
}

/* Whether a comes before b; NaN counts as largest. */
static bool comes_before(double a, double b, bool descending)
{
    if (isnan(a) || isnan(b)) return isnan(a) != isnan(b) && isnan(a) == descending;
    return descending ? a > b : a < b;
}

static void check_argsort(fixture *s)
{
    const tensor_layout x = numbers_to_sort(s);
    const bool          descending = random_below(&s->rng, 2);
    tap_tensor          out = tap_tensor_zeros(s->memory, TAP_I64, s->shape);
    int64_t            *scratch = tap_arena_alloc(s->memory, 2 * sizeof *scratch * (size_t)tap_numel(s->shape) + 1),
            at[TAP_MAX_RANK] = { 0 };
    assert_true(out.data && scratch);
    tap__argsort(x.view, s->axis, descending, out, scratch);
    if (tap_numel(s->shape) == 0) return;
    do {
        const double this_value = load_index(x.view, at);
        int64_t      rank = 0;
        for (int64_t i = 0; i < s->shape.n[s->axis]; i++) {
            const double other = load_at(x.view, offset_with(x.view, at, s->axis, i));
            rank += comes_before(other, this_value, descending) ||
                    (!comes_before(this_value, other, descending) && i < at[s->axis]);
        }
        assert_true(load_at(out, offset_with(out, at, s->axis, rank)) == (double)at[s->axis]);
    } while (next_index(s->shape, at));
}

static void test_argsort(void **state)
{
    (void)state;
    check_everything(check_argsort);
}

/* The first largest (or smallest) element, or the first NaN. */
static void check_argmax(fixture *s)
{
    const tensor_layout x = numbers_to_sort(s);
    const bool          smallest = random_below(&s->rng, 2);
    tap_shape           without = { .rank = s->shape.rank - 1 }, once = s->shape;
    int64_t             at[TAP_MAX_RANK] = { 0 }, i = 0;
    for (int k = 0; k < without.rank; k++) without.n[k] = s->shape.n[k < s->axis ? k : k + 1];
    if (s->shape.n[s->axis] == 0) return;
    tap_tensor out = tap_tensor_zeros(s->memory, TAP_I64, without);
    tap__argmax(x.view, s->axis, smallest, out);
    once.n[s->axis] = 1;
    if (tap_numel(once) == 0) return;
    do {
        int64_t best = -1;
        for (int64_t k = 0; k < s->shape.n[s->axis]; k++) {
            const double value = load_at(x.view, offset_with(x.view, at, s->axis, k));
            const double best_value = best < 0 ? 0 : load_at(x.view, offset_with(x.view, at, s->axis, best));
            if (best < 0 || (!isnan(best_value) && (isnan(value) || (smallest ? value < best_value : value > best_value))))
                best = k;
        }
        assert_true(load_at(out, i++) == (double)best);
    } while (next_index(once, at));
}

static void test_argmax(void **state)
{
    (void)state;
    check_everything(check_argmax);
}

/* ---- Cumulative sums ---- */

static void check_cumsum(fixture *s)
{
    if (!tap_dtype_is_float(s->dtype)) return;
    const tensor_layout x = lay_out(s->memory, s->dtype, s->shape, s->layout);
    tensor_layout       y = lay_out(s->memory, s->dtype, s->shape, PLAIN);
    int64_t             at[TAP_MAX_RANK] = { 0 };
    for (int64_t i = 0; i < x.memory.shape.n[0]; i++) store_at(x.memory, i, random_below(&s->rng, 1 << 30) / 0x1p29 - 1);
    tap__cumsum(x.view, s->axis, y.view);
    if (tap_numel(s->shape) == 0) return;
    do {
        double sum = 0;
        for (int64_t k = 0; k <= at[s->axis]; k++) sum += load_at(x.view, offset_with(x.view, at, s->axis, k));
        assert_true(load_index(y.view, at) == (s->dtype == TAP_F32 ? (double)(float)sum : sum));
    } while (next_index(s->shape, at));
}

static void test_cumsum(void **state)
{
    (void)state;
    check_everything(check_cumsum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_in_range),
        cmocka_unit_test(test_in_range_checks_repeated_elements_once),
        cmocka_unit_test(test_argsort),
        cmocka_unit_test(test_argmax),
        cmocka_unit_test(test_cumsum),
    };
    tap__parallel_threshold_for_tests(0); /* threads share even what is not worth it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
