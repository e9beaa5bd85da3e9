/* tests/tensor/test_reduce.c: sums, means and maxima against plain loops, over every set of axes, in every layout. */
#include "layouts.h"
#include "tensor/kernels/reduce.h"
#include "tensor/arena.h"
#include "tensor/parallel.h"

enum { GUARD = 16 }; /* elements after a result that nothing may touch */

static tap_tensor result_for(tap_arena *a, tap_tensor x, unsigned mask)
{
    tap_shape shape = { 0 };
    for (int i = 0; i < x.shape.rank; i++) {
        if (!(mask & 1u << i)) shape.n[shape.rank++] = x.shape.n[i];
    }
    tap_tensor memory = tap_tensor_zeros(a, x.dtype, TAP_SHAPE(tap_numel(shape) + GUARD));
    assert_non_null(memory.data);
    tap_tensor_fill(memory, 77);
    return tap_tensor_wrap(x.dtype, shape, memory.data);
}

/* The index in the result, counted in C order, of element `index` of x. */
static int64_t result_index(tap_tensor x, unsigned mask, const int64_t *index)
{
    int64_t at = 0;
    for (int i = 0; i < x.shape.rank; i++) {
        if (!(mask & 1u << i)) at = at * x.shape.n[i] + index[i];
    }
    return at;
}

static double add_or_max(tap__reduction how, double a, double b)
{
    return how != TAP__MAX ? a + b : isnan(a) || isnan(b) ? (double)NAN : fmax(a, b);
}

/* Sums of x - i % 5, or of its square, for result i. */
static void check_about(tap_arena *memory, tap__reduction how, tap_tensor x, unsigned mask)
{
    const int64_t n = tap_numel(result_for(memory, x, mask).shape);
    int64_t       index[TAP_MAX_RANK] = { 0 };
    double       *want = tap_arena_alloc(memory, (size_t)n * sizeof *want),
           *about = tap_arena_alloc(memory, (size_t)n * sizeof *about);
    double *got = tap_arena_alloc(memory, (size_t)(n + 1) * sizeof *got);
    for (int64_t i = 0; i < n; i++) about[i] = (double)(i % 5);
    if (tap_numel(x.shape) > 0) {
        do {
            const int64_t at = result_index(x, mask, index);
            const double  gap = load_at(x, offset_at(x, index)) - about[at];
            want[at] += how == TAP__SUM_ABOUT ? gap : gap * gap;
        } while (next_index(x.shape, index));
    }
    got[n] = 77;
    assert_true(tap__reduce_about(how, x, mask, about, got, memory));
    for (int64_t i = 0; i < n; i++) assert_true(got[i] == want[i] || isnan(want[i]));
    assert_true(got[n] == 77);
}

static void check(tap_arena *memory, tap__reduction how, tap_tensor x, unsigned mask)
{
    tap_tensor out = result_for(memory, x, mask);
    int64_t    n = tap_numel(out.shape), index[TAP_MAX_RANK] = { 0 };
    double    *want = tap_arena_alloc(memory, (size_t)n * sizeof *want);
    for (int64_t i = 0; i < n; i++) want[i] = how == TAP__MAX ? -(double)INFINITY : 0;
    if (tap_numel(x.shape) > 0) {
        do {
            int64_t at = result_index(x, mask, index);
            want[at] = add_or_max(how, want[at], load_at(x, offset_at(x, index)));
        } while (next_index(x.shape, index));
    }
    for (int64_t i = 0; i < n && how == TAP__MEAN; i++) want[i] /= (double)(tap_numel(x.shape) / n);
    assert_true(tap__reduce(how, x, mask, out, memory));
    for (int64_t i = 0; i < n; i++) {
        double got = load_at(out, i);
        if (x.dtype == TAP_F32) want[i] = (double)(float)want[i];
        if (got != want[i] && !(isnan(got) && isnan(want[i])))
            fail_msg("axes %x, element %lld: %g, not %g", mask, (long long)i, got, want[i]);
    }
    for (int i = 0; i < GUARD; i++) assert_true(load_at(out, n + i) == 77);
}

static void check_all_axes(tap_arena *memory, tap_tensor x)
{
    for (unsigned mask = 0; mask < 1u << x.shape.rank; mask++) {
        check(memory, TAP__SUM, x, mask);
        check(memory, TAP__MEAN, x, mask);
        check(memory, TAP__MAX, x, mask);
        check_about(memory, TAP__SUM_ABOUT, x, mask);
        check_about(memory, TAP__SQUARES_ABOUT, x, mask);
    }
    assert_int_equal(tap_arena_status(memory, NULL), TAP_OK);
}

static void test_all_axes(void **state)
{
    (void)state;
    static const tap_shape shapes[] = {
        { 0, { 0 } },           { 1, { 1 } },          { 1, { 0 } },         { 1, { 9 } },          { 1, { 5000 } },
        { 2, { 3, 4 } },        { 2, { 17, 1 } },      { 2, { 0, 3 } },      { 2, { 3, 0 } },       { 2, { 4, 4200 } },
        { 2, { 5000, 3 } },     { 2, { 7, 300 } },     { 2, { 300, 7 } },    { 3, { 2, 3, 4 } },    { 3, { 3, 0, 2 } },
        { 3, { 1, 1, 1 } },     { 3, { 5, 1, 270 } },  { 3, { 270, 2, 5 } }, { 4, { 2, 3, 4, 5 } }, { 4, { 1, 3, 1, 20 } },
        { 4, { 20, 2, 1, 9 } }, { 4, { 2, 0, 3, 0 } }, { 2, { 3, 4096 } },
    };
    uint64_t rng = 1;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (int layout = 0; layout < LAYOUTS; layout++) {
            for (int dtype = TAP_F32; dtype <= TAP_F64; dtype++) {
                tap_arena    *memory = tap_arena_new();
                tensor_layout l = lay_out(memory, (tap_dtype)dtype, shapes[s], layout);
                fill_random(l, -20, 41, &rng);
                check_all_axes(memory, l.view);
                fill_random(l, -20, 10, &rng); /* no maximum above 0 */
                check_all_axes(memory, l.view);
                tap_arena_free(memory);
            }
        }
    }
}

/* Axes in any order, repeated, overlapping or reversed. */
static void test_arbitrary_strides(void **state)
{
    (void)state;
    static const struct {
        int64_t n[4], stride[4], start;
    } cases[] = {
        { { 3, 4, 5, 6 }, { 5, 90, 1, 15 }, 0 }, { { 3, 4, 5, 6 }, { -120, 30, -6, 1 }, 264 },
        { { 3, 4, 5, 6 }, { 1, 3, 0, 12 }, 0 },  { { 3, 4, 5, 6 }, { 0, 0, 0, 0 }, 7 },
        { { 3, 4, 5, 6 }, { 1, 1, 1, 1 }, 0 },   { { 3, 1, 5, 1 }, { 5, -7, 1, 0 }, 0 },
    };
    uint64_t      rng = 2;
    tap_arena    *memory = tap_arena_new();
    tensor_layout l = lay_out(memory, TAP_F32, TAP_SHAPE(500), PLAIN);
    fill_random(l, -20, 41, &rng);
    for (size_t s = 0; s < sizeof cases / sizeof *cases; s++) {
        tap_tensor x = { .dtype = TAP_F32, .shape = { .rank = 4 }, .data = (float *)l.memory.data + cases[s].start };
        memcpy(x.shape.n, cases[s].n, sizeof cases[s].n);
        memcpy(x.stride, cases[s].stride, sizeof cases[s].stride);
        check_all_axes(memory, x);
    }
    tap_arena_free(memory);
}

/* A NaN or an infinity in each element in turn. */
static void test_nan_and_infinity(void **state)
{
    (void)state;
    const double special[] = { (double)NAN, (double)INFINITY, -(double)INFINITY };
    uint64_t     rng = 3;
    for (int layout = 0; layout < LAYOUTS; layout++) {
        tap_arena    *memory = tap_arena_new();
        tensor_layout l = lay_out(memory, layout % 2 ? TAP_F64 : TAP_F32, TAP_SHAPE(3, 37), layout);
        int64_t       index[TAP_MAX_RANK] = { 0 };
        fill_random(l, -20, 41, &rng);
        do {
            for (int k = 0; k < 3; k++) {
                int64_t at = offset_at(l.view, index);
                double  before = load_at(l.view, at);
                store_at(l.view, at, special[k]);
                check_all_axes(memory, l.view);
                store_at(l.view, at, before);
            }
        } while (next_index(l.view.shape, index));
        for (int k = 0; k < 3; k++) {
            tap_tensor_fill(l.memory, special[k]);
            check_all_axes(memory, l.view);
        }
        store_at(l.view, 0, (double)INFINITY); /* with -infinity, no sum */
        check_all_axes(memory, l.view);
        tap_arena_free(memory);
    }
}

static void test_nan_in_a_long_row(void **state)
{
    (void)state;
    tap_arena *memory = tap_arena_new();
    tap_tensor x = tap_tensor_zeros(memory, TAP_F32, TAP_SHAPE(100000)), out = result_for(memory, x, 1);
    for (int64_t i = 0; i < 100000; i += 997) {
        store_at(x, i, (double)NAN);
        assert_true(tap__reduce(TAP__MAX, x, 1, out, memory) && isnan(load_at(out, 0)));
        assert_true(tap__reduce(TAP__SUM, x, 1, out, memory) && isnan(load_at(out, 0)));
        store_at(x, i, (double)INFINITY);
        assert_true(tap__reduce(TAP__MAX, x, 1, out, memory) && isinf(load_at(out, 0)));
        store_at(x, i, 0);
    }
    tap_arena_free(memory);
}

/* A float32 sum would lose the ones that are added to 2^24. */
static void test_sums_are_in_double(void **state)
{
    (void)state;
    tap_arena *memory = tap_arena_new();
    tap_tensor x = tap_tensor_zeros(memory, TAP_F32, TAP_SHAPE(1001)), out = result_for(memory, x, 1);
    tap_tensor_fill(x, 1);
    store_at(x, 0, 0x1p24);
    assert_true(tap__reduce(TAP__SUM, x, 1, out, memory));
    assert_true(load_at(out, 0) == 0x1p24 + 1000);
    tap_arena_free(memory);
}

/* Ten million floats of very different sizes, whose exact sum fits into an integer: the result is that sum, rounded. */
static void test_accuracy(void **state)
{
    (void)state;
    enum { N = 10000000 };
    uint64_t   rng = 4;
    tap_arena *memory = tap_arena_new();
    tap_tensor x = tap_tensor_zeros(memory, TAP_F32, TAP_SHAPE(N)), out = result_for(memory, x, 1);
    int64_t    exact = 0;
    for (int64_t i = 0; i < N; i++) {
        int64_t value = (int64_t)random_below(&rng, 1 << 24) << random_below(&rng, 11);
        exact += value;
        ((float *)x.data)[i] = (float)value;
    }
    assert_true(tap__reduce(TAP__SUM, x, 1, out, memory));
    assert_true(fabs(load_at(out, 0) - (double)exact) <= (double)exact * 0x1p-24 * 1.0001);

    /* As the columns of a matrix, too. */
    tap_tensor rows = tap_tensor_wrap(TAP_F32, TAP_SHAPE(N / 4, 4), x.data), columns = result_for(memory, rows, 1);
    double     sum = 0;
    assert_true(tap__reduce(TAP__SUM, rows, 1, columns, memory));
    for (int64_t i = 0; i < 4; i++) sum += load_at(columns, i);
    assert_true(fabs(sum - (double)exact) <= (double)exact * 0x1p-24 * 1.0001);
    tap_arena_free(memory);
}

/* Sums over all axes but one have the same bits for every permutation of the axes. */
static void test_permuting_changes_no_bits(void **state)
{
    (void)state;
    uint64_t   rng = 6;
    tap_arena *memory = tap_arena_new();
    tap_tensor x = tap_tensor_zeros(memory, TAP_F64, TAP_SHAPE(7, 5, 9, 11)), want[5];
    for (int64_t i = 0; i < tap_numel(x.shape); i++)
        store_at(x, i, ldexp(random_below(&rng, 1 << 30) / 0x1p29 - 1, random_below(&rng, 40)));
    for (int kept = 0; kept < 5; kept++) {
        want[kept] = result_for(memory, x, 15 & ~(1u << kept));
        assert_true(tap__reduce(TAP__SUM, x, 15 & ~(1u << kept), want[kept], memory));
    }
    for (int code = 0; code < 256; code++) {
        int axes[4], position[5] = { -1, -1, -1, -1, 4 };
        for (int i = 0; i < 4; i++) {
            axes[i] = code >> 2 * i & 3;
            position[axes[i]] = i;
        }
        if (position[0] < 0 || position[1] < 0 || position[2] < 0 || position[3] < 0) continue;
        tap_tensor y = tap_tensor_permute(memory, x, 4, axes);
        for (int kept = 0; kept < 5; kept++) {
            tap_tensor out = result_for(memory, y, 15 & ~(1u << position[kept]));
            assert_true(tap__reduce(TAP__SUM, y, 15 & ~(1u << position[kept]), out, memory));
            assert_memory_equal(out.data, want[kept].data, (size_t)tap_numel(out.shape) * sizeof(double));
        }
    }
    tap_arena_free(memory);
}

static void check_threads(tap_dtype dtype, tap_shape shape, int layout, uint64_t *rng)
{
    static const int threads[] = { 1, 2, 3, 4, 8 };
    tap_arena       *memory = tap_arena_new();
    tensor_layout    l = lay_out(memory, dtype, shape, layout);
    for (int64_t i = 0; i < l.memory.shape.n[0]; i++)
        store_at(l.memory, i, ldexp(random_below(rng, 1 << 30) / 0x1p29 - 1, random_below(rng, 40)));
    for (unsigned mask = 1; mask < 1u << shape.rank; mask++) {
        for (int how = 0; how < TAP__REDUCTIONS; how++) {
            tap_tensor    first = result_for(memory, l.view, mask), out = result_for(memory, l.view, mask);
            const int64_t n = tap_numel(out.shape);
            const size_t  size = (size_t)n * (how < TAP__SUM_ABOUT ? tap_dtype_size(dtype) : sizeof(double));
            double       *out_f64[3];
            for (int k = 0; k < 3; k++) out_f64[k] = tap_arena_alloc(memory, (size_t)n * sizeof(double));
            for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
                void *to = how < TAP__SUM_ABOUT ? t ? out.data : first.data : out_f64[t > 0];
                tap_set_threads(threads[t]);
                if (how < TAP__SUM_ABOUT) assert_true(tap__reduce((tap__reduction)how, l.view, mask, t ? out : first, memory));
                else assert_true(tap__reduce_about((tap__reduction)how, l.view, mask, out_f64[2], to, memory));
                assert_memory_equal(to, how < TAP__SUM_ABOUT ? first.data : out_f64[0], size);
            }
        }
    }
    tap_set_threads(0);
    tap_arena_free(memory);
}

static void test_threads_change_no_bits(void **state)
{
    (void)state;
    static const tap_shape shapes[] = {
        { 1, { 330000 } },     { 2, { 3, 110000 } },   { 2, { 110000, 3 } }, { 2, { 700, 480 } },
        { 3, { 50, 60, 40 } }, { 3, { 2, 40000, 2 } }, { 2, { 33, 10001 } }, { 2, { 10001, 33 } },
    };
    uint64_t rng = 5;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        check_threads(s % 2 ? TAP_F32 : TAP_F64, shapes[s], PLAIN, &rng);
        check_threads(s % 2 ? TAP_F64 : TAP_F32, shapes[s], (int)s % LAYOUTS, &rng);
    }
}

/* Partial sums that overflow, though the sum or the mean does not; and infinities among such numbers. */
static void test_partial_overflow(void **state)
{
    (void)state;
    enum { N = 5000 };
    static double numbers[2 * N], out[2];
    const double  large = 0x1p1023, inf = (double)INFINITY;
    for (int across = 0; across < 2; across++) {
        tap_arena *memory = tap_arena_new();
        tap_tensor x = tap_tensor_wrap(TAP_F64, across ? TAP_SHAPE(N, 2) : TAP_SHAPE(2, N), numbers),
                   y = tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), out);
        const unsigned mask = across ? 1 : 2;
        for (int i = 0; i < 2 * N; i++) numbers[i] = across ? i < N ? large : -large : i % N < N / 2 ? large : -large;
        numbers[across ? 1 : N] = 2.5;
        assert_true(tap__reduce(TAP__SUM, x, mask, y, memory));
        assert_true(out[0] == 0 && out[1] == -large);
        for (int i = 0; i < 2 * N; i++) numbers[i] = large;
        assert_true(tap__reduce(TAP__MEAN, x, mask, y, memory));
        assert_true(out[0] == large && out[1] == large);
        assert_true(tap__reduce(TAP__SUM, x, mask, y, memory));
        assert_true(out[0] == inf && out[1] == inf);
        numbers[0] = -inf;
        assert_true(tap__reduce(TAP__SUM, x, mask, y, memory));
        assert_true(out[0] == -inf && out[1] == inf);
        numbers[2 * N - 2] = (double)NAN;
        numbers[across ? 2 : 1] = inf;
        assert_true(tap__reduce(TAP__MEAN, x, mask, y, memory));
        assert_true(isnan(out[0]) && (across ? out[1] == large : isnan(out[1])));
        tap_arena_free(memory);
    }
}

static void test_scratch_is_released(void **state)
{
    (void)state;
    tap_arena *memory = tap_arena_new(), *broken = tap_arena_new(), *scratch = tap_arena_new();
    tap_tensor x = tap_tensor_zeros(memory, TAP_F32, TAP_SHAPE(3, 100000)), out = result_for(memory, x, 2);
    tap_error_set(tap_arena_error(broken), TAP_ENOMEM, "broken");
    tap_set_threads(4);
    assert_false(tap__reduce(TAP__SUM, x, 2, out, broken));
    assert_true(load_at(out, 0) == 77);
    assert_true(tap__reduce(TAP__SUM, x, 2, out, scratch));
    assert_true(load_at(out, 0) == 0);
    size_t held = tap__arena_bytes(scratch);
    assert_true(held > 0);
    for (int i = 0; i < 1000; i++) assert_true(tap__reduce(TAP__MAX, x, 2, out, scratch));
    assert_int_equal(tap__arena_bytes(scratch), held);
    tap_set_threads(0);
    tap_arena_free(scratch);
    tap_arena_free(broken);
    tap_arena_free(memory);
}

/* Finite numbers of all sizes, and a number that is not finite in every position. */
static void test_finite(void **state)
{
    const double small[] = { 0, -0.0, 1, -1, 5e-324, 2, 1e308, -1e308, 0.1 },
                 bad[] = { (double)INFINITY, -(double)INFINITY, (double)NAN };
    enum { N = sizeof small / sizeof *small };
    (void)state;
    for (int dtype = TAP_F32; dtype <= TAP_F64; dtype++) {
        double     numbers[N];
        tap_tensor x = tap_tensor_wrap((tap_dtype)dtype, TAP_SHAPE(N), numbers);
        for (int i = 0; i < N; i++) tap_tensor_set_item(x, i, dtype == TAP_F32 && fabs(small[i]) > 1e38 ? 3e38 : small[i]);
        for (int n = 0; n <= N; n++) assert_true(tap__all_finite(n, x.dtype, x.data));
        for (int i = 0; i < N; i++) {
            const double was = tap_tensor_item(x, i);
            for (int k = 0; k < 3; k++) {
                tap_tensor_set_item(x, i, bad[k]);
                assert_false(tap__all_finite(N, x.dtype, x.data));
                assert_true(tap__all_finite(i, x.dtype, x.data));
            }
            tap_tensor_set_item(x, i, was);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_axes),
        cmocka_unit_test(test_arbitrary_strides),
        cmocka_unit_test(test_nan_and_infinity),
        cmocka_unit_test(test_nan_in_a_long_row),
        cmocka_unit_test(test_sums_are_in_double),
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_permuting_changes_no_bits),
        cmocka_unit_test(test_threads_change_no_bits),
        cmocka_unit_test(test_partial_overflow),
        cmocka_unit_test(test_scratch_is_released),
        cmocka_unit_test(test_finite),
    };
    tap__parallel_threshold_for_tests(0); /* threads share even what is not worth it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
