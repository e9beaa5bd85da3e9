/* Views: which elements they show, when no view is possible, and what a bad argument is told. */
#include "layouts.h"
#include "tensor/arena.h"
#include "tensor/view.h"

/* x of small whole numbers, all different. */
static tensor_layout numbered(tap_arena *a, tap_shape shape, int layout)
{
    tensor_layout l = lay_out(a, TAP_F32, shape, layout);
    for (int64_t i = 0; i < l.memory.shape.n[0]; i++) store_at(l.memory, i, (double)i);
    return l;
}

/* An axis of size 1 goes on without a gap, so that whoever hands strides to others hands on sensible ones. */
static void assert_step_of_one(tap_tensor x, int axis)
{
    assert_int_equal(x.stride[axis], axis + 1 < x.shape.rank ? x.stride[axis + 1] * x.shape.n[axis + 1] : 1);
}

static void assert_inert(tap_tensor x)
{
    assert_null(x.data);
    assert_int_equal(x.shape.rank, 0);
}

/* The call's error and inert result, in an `arena` of its own. */
#define ASSERT_FAILS(call, status, message) \
    do { \
        tap_arena *arena = tap_arena_new(); \
        assert_inert(call); \
        assert_error(tap_arena_error(arena), status, message); \
        tap_arena_free(arena); \
    } while (0)

/* ---- Slices ------------------------------------------------------------------------------------------------------ */

/* Walks as Python does, one index at a time. */
static int walk(int64_t n, int64_t start, int64_t stop, int64_t step, int64_t *seen)
{
    int     count = 0;
    bool    to_the_end = step < 0 && stop == TAP_END;
    int64_t at = start < 0 ? start + n : start, end = stop < 0 ? stop + n : stop;
    if (step > 0 && at < 0) at = 0;
    if (step < 0 && at > n - 1) at = n - 1;
    while (at >= 0 && at < n && (step > 0 ? at < end : to_the_end || at > end)) {
        seen[count++] = at;
        if (step > n || step < -n) break;
        at += step;
    }
    return count;
}

static void test_slice_as_python(void **state)
{
    (void)state;
    static const int64_t ends[] = { INT64_MIN, INT64_MIN + 1, -8,     -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7,
                                    8,         INT64_MAX - 1, TAP_END };
    static const int64_t steps[] = { 1, 2, 3, 4, 7, INT64_MAX, -1, -2, -3, -4, -7, -INT64_MAX, INT64_MIN };
    enum { ENDS = sizeof ends / sizeof *ends, STEPS = sizeof steps / sizeof *steps };
    tap_arena *a = tap_arena_new();
    for (int n = 0; n <= 6; n++) {
        tap_tensor x = numbered(a, TAP_SHAPE(2, n), n % 2 ? PLAIN : REVERSED).view;
        for (int i = 0; i < ENDS * ENDS * STEPS; i++) {
            int64_t    start = ends[i / STEPS / ENDS], stop = ends[i / STEPS % ENDS], step = steps[i % STEPS], seen[8];
            int        count = walk(n, start, stop, step, seen);
            tap_tensor y = tap_tensor_slice(a, x, i % 2 ? 1 : -1, start, stop, step);
            assert_int_equal(y.shape.rank, 2);
            assert_int_equal(y.shape.n[0], 2);
            assert_int_equal(y.shape.n[1], count);
            for (int row = 0; row < 2; row++) {
                for (int k = 0; k < count; k++) {
                    assert_true(load_at(y, row * y.stride[0] + k * y.stride[1]) ==
                                load_at(x, row * x.stride[0] + seen[k] * x.stride[1]));
                }
            }
            if (count < 2) assert_int_equal(y.stride[1], x.stride[1]);
            if (count == 0) assert_ptr_equal(y.data, x.data); /* not somewhere outside */
            if (count > 0) assert_int_equal(tap__slice_start(n, start, step), seen[0]);
        }
    }
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
}

static void test_diagonal_outside(void **state)
{
    (void)state;
    tap_arena *a = tap_arena_new();
    tap_tensor x = numbered(a, TAP_SHAPE(3, 4), PLAIN).view, y;
    for (int64_t offset = -9; offset <= 9; offset++) {
        assert_int_equal(tap__diagonal(x, offset, 0, 1, &y, NULL), TAP_OK);
        assert_int_equal(y.shape.n[0], offset <= -3 || offset >= 4 ? 0 : offset < 0 ? 3 + offset : offset > 1 ? 4 - offset : 3);
        if (y.shape.n[0] == 0) assert_ptr_equal(y.data, x.data);
    }
    tap_arena_free(a);
}

/* What Python itself answers for range(10)[start:stop:step]. */
static void test_slice_examples(void **state)
{
    (void)state;
    static const struct {
        int64_t     start, stop, step;
        const char *digits;
    } cases[] = {
        { 2, 7, 2, "246" },
        { 0, TAP_END, 3, "0369" },
        { -3, TAP_END, 1, "789" },
        { -100, 3, 1, "012" },
        { TAP_END, TAP_END, -1, "9876543210" },
        { 7, 2, -2, "753" },
        { -2, -5, -1, "876" },
        { 3, -100, -1, "3210" },
        { 5, 5, 1, "" },
        { 5, 2, 1, "" },
        { 2, 5, -1, "" },
        { 9, 0, -4, "951" },
        { 9, TAP_END, -4, "951" },
        { 8, TAP_END, -4, "840" },
        { 100, 200, 1, "" },
        { -100, 200, 100, "0" },
        { 2, TAP_END, INT64_MIN, "2" },
        { 2, 1, INT64_MIN, "2" },
        { 2, 2, INT64_MIN, "" },
        { 0, TAP_END, INT64_MIN, "0" },
    };
    tap_arena *a = tap_arena_new();
    tap_tensor x = numbered(a, TAP_SHAPE(10), PLAIN).view;
    for (size_t s = 0; s < sizeof cases / sizeof *cases; s++) {
        tap_tensor y = tap_tensor_slice(a, x, 0, cases[s].start, cases[s].stop, cases[s].step);
        assert_int_equal(y.shape.n[0], strlen(cases[s].digits));
        for (int64_t i = 0; i < y.shape.n[0]; i++) assert_int_equal('0' + (int)tap_tensor_item(y, i), cases[s].digits[i]);
    }
    tap_arena_free(a);
}

static void test_slice_errors(void **state)
{
    (void)state;
    float      data[12] = { 0 };
    tap_tensor x = tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, 4), data), scalar = tap_tensor_wrap(TAP_F32, TAP_SCALAR, data);
    ASSERT_FAILS(tap_tensor_slice(arena, x, 2, 0, 1, 1), TAP_EARG, "slice: [3,4]: axis 2 is out of range");
    ASSERT_FAILS(tap_tensor_slice(arena, x, -3, 0, 1, 1), TAP_EARG, "slice: [3,4]: axis -3 is out of range");
    ASSERT_FAILS(tap_tensor_slice(arena, scalar, 0, 0, 1, 1), TAP_EARG, "slice: []: axis 0 is out of range");
    ASSERT_FAILS(tap_tensor_slice(arena, x, 0, 0, 1, 0), TAP_ESHAPE, "slice: [3,4]: the step must not be 0");
}

/* ---- Axes in another order --------------------------------------------------------------------------------------- */

static void check_permutation(tap_arena *a, tap_tensor x, const int *axes)
{
    int        rank = x.shape.rank, negative[TAP_MAX_RANK];
    int64_t    index[TAP_MAX_RANK] = { 0 }, source[TAP_MAX_RANK];
    tap_tensor y = tap_tensor_permute(a, x, rank, axes);
    for (int i = 0; i < rank; i++) assert_int_equal(y.shape.n[i], x.shape.n[axes[i]]);
    do {
        for (int i = 0; i < rank; i++) source[axes[i]] = index[i];
        assert_true(load_at(y, offset_at(y, index)) == load_at(x, offset_at(x, source)));
    } while (next_index(y.shape, index));
    for (int i = 0; i < rank; i++) negative[i] = axes[i] - rank;
    tap_tensor z = tap_tensor_permute(a, x, rank, negative);
    assert_true(z.data == y.data && tap_shape_equal(z.shape, y.shape));
    assert_memory_equal(z.stride, y.stride, (size_t)rank * sizeof *z.stride);
}

static void test_permute(void **state)
{
    (void)state;
    tap_arena *a = tap_arena_new();
    for (int layout = 0; layout < LAYOUTS; layout++) {
        tap_tensor x = numbered(a, TAP_SHAPE(2, 3, 4, 5), layout).view;
        for (int i = 0; i < 4 * 4 * 4 * 4; i++) {
            int axes[4] = { i / 64, i / 16 % 4, i / 4 % 4, i % 4 };
            if ((1 << axes[0] | 1 << axes[1] | 1 << axes[2] | 1 << axes[3]) == 15) check_permutation(a, x, axes);
        }
    }
    tap_tensor scalar = tap_tensor_zeros(a, TAP_F32, TAP_SCALAR);
    assert_ptr_equal(tap_tensor_permute(a, scalar, 0, NULL).data, scalar.data);
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
}

static void test_permute_errors(void **state)
{
    (void)state;
    float      data[12] = { 0 };
    tap_tensor x = tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, 4), data);
    ASSERT_FAILS(tap_tensor_permute(arena, x, 3, ((int[]){ 0, 1, 2 })), TAP_ESHAPE,
                 "permute: [3,4]: needs one entry of axes for each axis");
    ASSERT_FAILS(tap_tensor_permute(arena, x, -1, ((int[]){ 0, 1 })), TAP_ESHAPE,
                 "permute: [3,4]: needs one entry of axes for each axis");
    ASSERT_FAILS(tap_tensor_permute(arena, x, 2, NULL), TAP_ESHAPE, "permute: [3,4]: needs one entry of axes for each axis");
    ASSERT_FAILS(tap_tensor_permute(arena, x, 2, ((int[]){ 0, 2 })), TAP_EARG, "permute: [3,4]: axis 2 is out of range");
    ASSERT_FAILS(tap_tensor_permute(arena, x, 2, ((int[]){ 1, -1 })), TAP_ESHAPE, "permute: [3,4]: an axis is named twice");
}

static void test_transpose(void **state)
{
    (void)state;
    tap_arena *a = tap_arena_new();
    tap_tensor x = numbered(a, TAP_SHAPE(2, 3, 4), MIXED).view;
    for (int i = -3; i < 3; i++) {
        for (int j = -3; j < 3; j++) {
            int        p = (i + 3) % 3, q = (j + 3) % 3;
            int64_t    index[TAP_MAX_RANK] = { 0 };
            tap_tensor y = tap_tensor_transpose(a, x, i, j);
            do {
                int64_t source[3] = { index[0], index[1], index[2] };
                source[p] = index[q];
                source[q] = index[p];
                assert_true(load_at(y, offset_at(y, index)) == load_at(x, offset_at(x, source)));
            } while (next_index(y.shape, index));
            assert_int_equal(y.shape.n[p], x.shape.n[q]);
        }
    }
    tap_tensor scalar = tap_tensor_zeros(a, TAP_F64, TAP_SCALAR);
    assert_true(tap_tensor_transpose(a, scalar, 0, -1).data == scalar.data);
    tap_arena_free(a);
    ASSERT_FAILS(tap_tensor_transpose(arena, x, 0, 3), TAP_EARG, "transpose: [2,3,4]: axis 3 is out of range");
    ASSERT_FAILS(tap_tensor_transpose(arena, x, -4, 0), TAP_EARG, "transpose: [2,3,4]: axis -4 is out of range");
    ASSERT_FAILS(tap_tensor_transpose(arena, scalar, 1, 0), TAP_EARG, "transpose: []: axis 1 is out of range");
    ASSERT_FAILS(tap_tensor_transpose(arena, scalar, 0, 1), TAP_EARG, "transpose: []: axis 1 is out of range");
    ASSERT_FAILS(tap_tensor_transpose(arena, scalar, -1, -2), TAP_EARG, "transpose: []: axis -2 is out of range");
}

/* ---- Axes more and fewer ----------------------------------------------------------------------------------------- */

static void test_select(void **state)
{
    (void)state;
    tap_arena *a = tap_arena_new();
    for (int layout = 0; layout < LAYOUTS; layout++) {
        tap_tensor x = numbered(a, TAP_SHAPE(2, 3, 4), layout).view;
        for (int axis = -3; axis < 3; axis++) {
            int along = (axis + 3) % 3, size = (int)x.shape.n[along];
            for (int at = -size; at < size; at++) {
                tap_tensor y = tap_tensor_select(a, x, axis, at);
                int64_t    index[TAP_MAX_RANK] = { 0 };
                assert_int_equal(y.shape.rank, 2);
                do {
                    int64_t source[3] = { index[0], index[1], (at + size) % size };
                    for (int k = 2; k > along; k--) {
                        int64_t swap = source[k];
                        source[k] = source[k - 1];
                        source[k - 1] = swap;
                    }
                    assert_true(load_at(y, offset_at(y, index)) == load_at(x, offset_at(x, source)));
                } while (next_index(y.shape, index));
            }
        }
    }
    tap_tensor x = numbered(a, TAP_SHAPE(3, 0), PLAIN).view;
    assert_true(tap_shape_equal(tap_tensor_select(a, x, 0, 2).shape, TAP_SHAPE(0)));
    tap_arena_free(a);
    x = tap_tensor_wrap(TAP_U8, TAP_SHAPE(3, 0), &(uint8_t){ 0 });
    ASSERT_FAILS(tap_tensor_select(arena, x, 0, 3), TAP_EARG, "select: [3,0]: index 3 is out of range for axis 0");
    ASSERT_FAILS(tap_tensor_select(arena, x, -2, -4), TAP_EARG, "select: [3,0]: index -4 is out of range for axis -2");
    ASSERT_FAILS(tap_tensor_select(arena, x, 1, 0), TAP_EARG, "select: [3,0]: index 0 is out of range for axis 1");
    ASSERT_FAILS(tap_tensor_select(arena, x, 0, INT64_MIN), TAP_EARG,
                 "select: [3,0]: index -9223372036854775808 is out of range for axis 0");
    ASSERT_FAILS(tap_tensor_select(arena, x, 2, 0), TAP_EARG, "select: [3,0]: axis 2 is out of range");
}

static void test_expand(void **state)
{
    (void)state;
    static const tap_shape cases[][2] = {
        { { 0, { 0 } }, { 2, { 3, 4 } } },       { { 1, { 4 } }, { 2, { 3, 4 } } },
        { { 2, { 3, 1 } }, { 3, { 2, 3, 4 } } }, { { 2, { 1, 4 } }, { 2, { 3, 4 } } },
        { { 2, { 3, 4 } }, { 2, { 3, 4 } } },    { { 1, { 1 } }, { 2, { 3, 0 } } },
        { { 2, { 0, 1 } }, { 2, { 0, 5 } } },    { { 3, { 2, 1, 2 } }, { 5, { 1, 3, 2, 2, 2 } } },
    };
    tap_arena *a = tap_arena_new();
    for (size_t s = 0; s < sizeof cases / sizeof *cases; s++) {
        for (int layout = 0; layout < LAYOUTS; layout++) {
            tap_tensor x = numbered(a, cases[s][0], layout).view, y = tap_tensor_expand(a, x, cases[s][1]);
            int64_t    index[TAP_MAX_RANK] = { 0 };
            assert_true(tap_shape_equal(y.shape, cases[s][1]));
            if (tap_numel(y.shape) == 0) continue;
            do {
                assert_true(load_at(y, offset_at(y, index)) == broadcast_at(x, y.shape.rank, index));
            } while (next_index(y.shape, index));
        }
    }
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);

    float      data[12] = { 0 };
    tap_tensor x = tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, 4), data);
    ASSERT_FAILS(tap_tensor_expand(arena, x, TAP_SHAPE(3, 5)), TAP_ESHAPE, "expand: [3,4]: does not broadcast to [3,5]");
    ASSERT_FAILS(tap_tensor_expand(arena, x, TAP_SHAPE(4)), TAP_ESHAPE, "expand: [3,4]: does not broadcast to [4]");
    ASSERT_FAILS(tap_tensor_expand(arena, x, TAP_SHAPE(3, 1)), TAP_ESHAPE, "expand: [3,4]: does not broadcast to [3,1]");
    ASSERT_FAILS(tap_tensor_expand(arena, x, TAP_SHAPE(-1, 3, 4)), TAP_ESHAPE, "expand: [3,4]: does not broadcast to [-1,3,4]");
    ASSERT_FAILS(tap_tensor_expand(arena, x, ((tap_shape){ .rank = 9 })), TAP_ESHAPE,
                 "expand: [3,4]: does not broadcast to [0,0,0,0,0,0,0,0]");
}

static void test_squeeze_and_unsqueeze(void **state)
{
    (void)state;
    tap_arena *a = tap_arena_new();
    for (int layout = 0; layout < LAYOUTS; layout++) {
        tap_tensor x = numbered(a, TAP_SHAPE(2, 3, 4), layout).view;
        for (int axis = -4; axis < 4; axis++) {
            int        at = (axis + 4) % 4;
            int64_t    index[TAP_MAX_RANK] = { 0 };
            tap_tensor y = tap_tensor_unsqueeze(a, x, axis);
            assert_int_equal(y.shape.rank, 4);
            assert_int_equal(y.shape.n[at], 1);
            assert_step_of_one(y, at);
            do {
                int64_t source[3] = { index[at > 0 ? 0 : 1], index[at > 1 ? 1 : 2], index[at > 2 ? 2 : 3] };
                assert_true(load_at(y, offset_at(y, index)) == load_at(x, offset_at(x, source)));
            } while (next_index(y.shape, index));
            tap_tensor z = tap_tensor_squeeze(a, y, axis);
            assert_true(z.data == x.data && tap_shape_equal(z.shape, x.shape));
            assert_memory_equal(z.stride, x.stride, 3 * sizeof *x.stride);
        }
    }
    tap_tensor scalar = tap_tensor_zeros(a, TAP_F32, TAP_SCALAR), one = tap_tensor_unsqueeze(a, scalar, 0);
    assert_int_equal(one.stride[0], 1);
    assert_true(tap_shape_equal(one.shape, TAP_SHAPE(1)));
    assert_true(tap_shape_equal(tap_tensor_squeeze(a, one, 0).shape, TAP_SCALAR));
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);

    float      data[12] = { 0 };
    tap_tensor x = tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, 4), data);
    tap_tensor most = tap_tensor_wrap(TAP_F32, TAP_SHAPE(1, 1, 1, 1, 1, 1, 1, 1), data);
    ASSERT_FAILS(tap_tensor_squeeze(arena, x, 0), TAP_ESHAPE, "squeeze: [3,4]: the axis must have size 1");
    ASSERT_FAILS(tap_tensor_squeeze(arena, x, 2), TAP_EARG, "squeeze: [3,4]: axis 2 is out of range");
    ASSERT_FAILS(tap_tensor_unsqueeze(arena, x, 3), TAP_EARG, "unsqueeze: [3,4]: axis 3 is out of range");
    ASSERT_FAILS(tap_tensor_unsqueeze(arena, x, -4), TAP_EARG, "unsqueeze: [3,4]: axis -4 is out of range");
    ASSERT_FAILS(tap_tensor_unsqueeze(arena, most, 0), TAP_ESHAPE,
                 "unsqueeze: [1,1,1,1,1,1,1,1]: a result of 9 axes would be above the maximum of 8");
}

/* ---- Reshape ----------------------------------------------------------------------------------------------------- */

/* Whether x, in C order, can be seen through strides of this shape: they would have to be the first step along each axis. */
static bool view_exists(tap_tensor x, tap_shape shape)
{
    int64_t    offset[4096], index[TAP_MAX_RANK] = { 0 }, first = 1;
    tap_tensor y = { .shape = shape };
    int        count = 0;
    do {
        offset[count++] = offset_at(x, index);
    } while (next_index(x.shape, index));
    for (int i = shape.rank - 1; i >= 0; i--) {
        if (shape.n[i] > 1) y.stride[i] = offset[first] - offset[0];
        first *= shape.n[i];
    }
    count = 0;
    do {
        if (offset[count++] != offset[0] + offset_at(y, index)) return false;
    } while (next_index(shape, index));
    return true;
}

static void check_reshape(tap_arena *a, tap_tensor x, tap_shape shape, int *views)
{
    int64_t    from[TAP_MAX_RANK] = { 0 }, to[TAP_MAX_RANK] = { 0 };
    tap_tensor y = { 0 }, z = tap_tensor_reshape(a, x, shape);
    bool       possible = view_exists(x, shape);
    *views += possible;
    if (tap__reshape_view(x, shape, &y) != possible) {
        char text[2][TAP_SHAPE_TEXT];
        fail_msg("%s to %s: a view is %s", tap_shape_format(text[0], x.shape), tap_shape_format(text[1], shape),
                 possible ? "possible" : "not possible");
    }
    assert_true(tap_shape_equal(z.shape, shape));
    if (possible) assert_true(y.data == x.data && z.data == x.data);
    else assert_true(z.data != x.data && tap_tensor_is_contiguous(z));
    for (int i = 0; i < shape.rank; i++) {
        if (shape.n[i] == 1) assert_step_of_one(z, i);
    }
    do {
        assert_true(load_at(z, offset_at(z, to)) == load_at(x, offset_at(x, from)));
        next_index(x.shape, from);
    } while (next_index(shape, to));
}

/* A shape of so many elements, with some axes of size 1. */
static tap_shape random_shape(int64_t n, uint64_t *rng)
{
    tap_shape shape = { 0 };
    while (n > 1 || random_below(rng, 3) == 0) {
        int64_t by = shape.rank == TAP_MAX_RANK - 1 ? n : 1 + random_below(rng, 6);
        if (n % by != 0) continue;
        shape.n[shape.rank++] = by;
        n /= by;
        if (shape.rank == TAP_MAX_RANK) break;
    }
    return shape;
}

/* Strides of all kinds: those of C order, changed now and then so that some neighbours merge and some do not. */
static tap_tensor random_strides(tap_arena *a, uint64_t *rng)
{
    tap_tensor x = { .dtype = TAP_F32, .shape = { .rank = random_below(rng, 5) } };
    int64_t    low = 0, high = 0, step = 1;
    for (int i = x.shape.rank - 1; i >= 0; i--) {
        static const int sizes[] = { 1, 2, 2, 3, 4, 6 };
        int              kind = random_below(rng, 8);
        x.shape.n[i] = sizes[random_below(rng, 6)];
        x.stride[i] = kind == 0 ? -step : kind == 1 ? 0 : kind == 2 ? 2 * step : kind == 3 ? random_below(rng, 40) - 20 : step;
        step = x.stride[i] * x.shape.n[i];
        int64_t reach = x.stride[i] * (x.shape.n[i] - 1);
        if (reach < 0) low += reach;
        else high += reach;
    }
    if (x.shape.rank > 1 && random_below(rng, 4) == 0) {
        int64_t n = x.shape.n[0], stride = x.stride[0];
        x.shape.n[0] = x.shape.n[1];
        x.stride[0] = x.stride[1];
        x.shape.n[1] = n;
        x.stride[1] = stride;
    }
    float *data = tap_arena_alloc(a, (size_t)(high - low + 1) * sizeof *data);
    for (int64_t i = 0; i <= high - low; i++) data[i] = (float)i;
    x.data = data - low;
    return x;
}

static void test_reshape(void **state)
{
    (void)state;
    uint64_t   rng = 7;
    int        views = 0;
    tap_arena *a = tap_arena_new();
    for (int i = 0; i < 20000; i++) {
        tap_tensor x = random_strides(a, &rng);
        check_reshape(a, x, random_shape(tap_numel(x.shape), &rng), &views);
        if (i % 100 == 0) tap_arena_reset(a);
    }
    assert_true(views > 2000 && views < 18000);
    for (int layout = 0; layout < LAYOUTS; layout++) {
        tap_tensor x = numbered(a, TAP_SHAPE(2, 6, 4), layout).view;
        for (int i = 0; i < 50; i++) check_reshape(a, x, random_shape(48, &rng), &views);
    }
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
}

static void test_reshape_fills_in(void **state)
{
    (void)state;
    static const struct {
        tap_shape from, to, got;
    } cases[] = {
        { { 2, { 3, 4 } }, { 1, { -1 } }, { 1, { 12 } } },
        { { 2, { 3, 4 } }, { 3, { 2, -1, 3 } }, { 3, { 2, 2, 3 } } },
        { { 0, { 0 } }, { 1, { -1 } }, { 1, { 1 } } },
        { { 1, { 1 } }, { 0, { 0 } }, { 0, { 0 } } },
        { { 2, { 0, 3 } }, { 2, { -1, 3 } }, { 2, { 0, 3 } } },
        { { 2, { 0, 3 } }, { 3, { 7, 0, 9 } }, { 3, { 7, 0, 9 } } },
        { { 2, { 3, 4 } }, { 3, { 12, 1, -1 } }, { 3, { 12, 1, 1 } } },
        { { 2, { 3, 4 } }, { 8, { 1, 2, 1, 1, 3, 1, 1, -1 } }, { 8, { 1, 2, 1, 1, 3, 1, 1, 2 } } },
    };
    for (size_t s = 0; s < sizeof cases / sizeof *cases; s++) {
        tap_arena *a = tap_arena_new();
        tap_tensor x = numbered(a, cases[s].from, PLAIN).view, y = tap_tensor_reshape(a, x, cases[s].to);
        assert_true(tap_shape_equal(y.shape, cases[s].got));
        assert_ptr_equal(y.data, x.data);
        assert_true(tap_tensor_is_contiguous(y));
        for (int i = 0; i < y.shape.rank; i++)
            assert_int_equal(y.stride[i], tap_tensor_wrap(TAP_F32, cases[s].got, x.data).stride[i]);
        tap_arena_free(a);
    }
}

static void test_reshape_errors(void **state)
{
    (void)state;
    float      data[12] = { 0 };
    tap_tensor x = tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, 4), data), empty = tap_tensor_wrap(TAP_F32, TAP_SHAPE(0), data);
    static const struct {
        tap_shape   to;
        const char *message;
    } cases[] = {
        { { 1, { 11 } }, "reshape: [3,4]: does not hold as many elements as [11]" },
        { { 0, { 0 } }, "reshape: [3,4]: does not hold as many elements as []" },
        { { 2, { -1, 5 } }, "reshape: [3,4]: does not hold as many elements as [-1,5]" },
        { { 2, { -1, 24 } }, "reshape: [3,4]: does not hold as many elements as [-1,24]" },
        { { 3, { -1, 3, -1 } }, "reshape: [3,4]: does not hold as many elements as [-1,3,-1]" },
        { { 2, { -1, 0 } }, "reshape: [3,4]: does not hold as many elements as [-1,0]" },
        { { 2, { -2, -6 } }, "reshape: [3,4]: does not hold as many elements as [-2,-6]" },
        { { 2, { INT64_MAX, INT64_MAX } },
          "reshape: [3,4]: does not hold as many elements as [9223372036854775807,9223372036854775807]" },
        { { -1, { 0 } }, "reshape: [3,4]: does not hold as many elements as []" },
        { { 9, { 3, 4, 1, 1, 1, 1, 1, 1 } }, "reshape: [3,4]: does not hold as many elements as [3,4,1,1,1,1,1,1]" },
    };
    for (size_t s = 0; s < sizeof cases / sizeof *cases; s++)
        ASSERT_FAILS(tap_tensor_reshape(arena, x, cases[s].to), TAP_ESHAPE, cases[s].message);
    ASSERT_FAILS(tap_tensor_reshape(arena, empty, TAP_SHAPE(-1, 0)), TAP_ESHAPE,
                 "reshape: [0]: does not hold as many elements as [-1,0]"); /* -1 could be anything */
    ASSERT_FAILS(tap_tensor_reshape(arena, empty, TAP_SHAPE(3)), TAP_ESHAPE,
                 "reshape: [0]: does not hold as many elements as [3]");
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

enum { PERMUTE, TRANSPOSE, SLICE, SELECT, EXPAND, UNSQUEEZE, SQUEEZE, RESHAPE, CALLS };

/* A call that is right for a [1,4], with the name that errors give it. */
static tap_tensor call(int which, tap_arena *a, tap_tensor x, const char **name)
{
    static const char *const names[CALLS] = { "permute", "transpose", "slice",   "select",
                                              "expand",  "unsqueeze", "squeeze", "reshape" };
    *name = names[which];
    switch (which) {
    case PERMUTE: return tap_tensor_permute(a, x, 2, (int[]){ 1, 0 });
    case TRANSPOSE: return tap_tensor_transpose(a, x, 0, 1);
    case SLICE: return tap_tensor_slice(a, x, 1, 1, 3, 1);
    case SELECT: return tap_tensor_select(a, x, 1, 2);
    case EXPAND: return tap_tensor_expand(a, x, TAP_SHAPE(3, 4));
    case UNSQUEEZE: return tap_tensor_unsqueeze(a, x, 0);
    case SQUEEZE: return tap_tensor_squeeze(a, x, 0);
    default: return tap_tensor_reshape(a, x, TAP_SHAPE(2, 2));
    }
}

static void test_views_allocate_nothing(void **state)
{
    (void)state;
    float      data[4] = { 0 };
    tap_arena *a = tap_arena_new();
    for (int i = 0; i < CALLS; i++) {
        const char *name;
        tap_tensor  y = call(i, a, tap_tensor_wrap(TAP_F32, TAP_SHAPE(1, 4), data), &name);
        assert_true((float *)y.data >= data && (float *)y.data < data + 4);
    }
    assert_int_equal(tap__arena_bytes(a), 0);
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
}

static void test_bad_input(void **state)
{
    (void)state;
    float      data[4] = { 0 };
    tap_tensor good = tap_tensor_wrap(TAP_F32, TAP_SHAPE(1, 4), data), bad[4] = { good, good, good, good };
    bad[0].data = NULL;
    bad[1].dtype = (tap_dtype)77;
    bad[2].shape.rank = 9;
    bad[3].shape.n[1] = -4;
    for (int i = 0; i < CALLS; i++) {
        const char *name, *message;
        for (int k = 0; k < 4; k++) {
            char       want[100] = "";
            tap_arena *a = tap_arena_new();
            assert_inert(call(i, a, bad[k], &name));
            assert_int_equal(tap_arena_status(a, &message), TAP_EARG);
            strcat(strcat(want, name), ": the tensor is inert or invalid");
            assert_string_equal(message, want);

            /* A failed arena gives inert tensors, and keeps its first error. */
            assert_inert(call((i + 1) % CALLS, a, good, &name));
            tap_arena_status(a, &message);
            assert_string_equal(message, want);
            tap_arena_free(a);
        }
        assert_inert(call(i, NULL, good, &name));
    }
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slice_as_python),
        cmocka_unit_test(test_slice_examples),
        cmocka_unit_test(test_diagonal_outside),
        cmocka_unit_test(test_slice_errors),
        cmocka_unit_test(test_permute),
        cmocka_unit_test(test_permute_errors),
        cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_select),
        cmocka_unit_test(test_expand),
        cmocka_unit_test(test_squeeze_and_unsqueeze),
        cmocka_unit_test(test_reshape),
        cmocka_unit_test(test_reshape_fills_in),
        cmocka_unit_test(test_reshape_errors),
        cmocka_unit_test(test_views_allocate_nothing),
        cmocka_unit_test(test_bad_input),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
