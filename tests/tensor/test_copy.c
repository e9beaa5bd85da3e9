/* Making, copying, converting, filling and reading tensors. */
#include "layouts.h"
#include "tensor/arena.h"
#include "tensor/parallel.h"

/* ---- Conversions ------------------------------------------------------------------------------------------------- */

enum { MAX_N = 24 };

/* Values of one dtype, and what they are in the others. */
typedef struct {
    double  f64[MAX_N];
    float   f32[MAX_N];
    int64_t i64[MAX_N];
    uint8_t u8[MAX_N], truth[MAX_N];
    int     n;
} values;

#define HUGE_INT INT64_C(9007199254740993) /* 2^53 + 1, which no double is */

/* From float64. */
/* clang-format off */
static const values doubles = {
    .n = 24,
    .f64 = { 0, -0.0, 0.5, -0.5, 1, -1, 1.75, -1.75, 254.99, 255, 255.5, 256, -255.9, 1e-300, 1e300, -1e300, 0x1p53 + 2, 0x1p62,
             0x1p63, -0x1p63, 0x1.fffffffffffffp62, (double)NAN, (double)INFINITY, -(double)INFINITY },
    .f32 = { 0, -0.0f, 0.5f, -0.5f, 1, -1, 1.75f, -1.75f, 254.99f, 255, 255.5f, 256, -255.9f, 0, INFINITY, -INFINITY, 0x1p53f,
             0x1p62f, 0x1p63f, -0x1p63f, 0x1p63f, NAN, INFINITY, -INFINITY },
    .i64 = { 0, 0, 0, 0, 1, -1, 1, -1, 254, 255, 255, 256, -255, 0, INT64_MAX, INT64_MIN, HUGE_INT + 1, INT64_C(1) << 62,
             INT64_MAX, INT64_MIN, INT64_MAX - 1023, 0, INT64_MAX, INT64_MIN },
    .u8 = { 0, 0, 0, 0, 1, 0, 1, 0, 254, 255, 255, 255, 0, 0, 255, 0, 255, 255, 255, 0, 255, 0, 255, 0 },
    .truth = { 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
};
/* clang-format on */

/* From float32. */
static const values floats = {
    .n = 15,
    .f32 = { 0, -0.0f, 0.1f, -0.75f, 3, -3, 255.9f, 256, 0x1p-149f, 3e38f, 0x1p63f, -0x1p63f, NAN, INFINITY, -INFINITY },
    .f64 = { 0, -0.0, 0x1.99999ap-4, -0.75, 3, -3, 0x1.ffccccp7, 256, 0x1p-149, 0x1.c363ccp127, 0x1p63, -0x1p63, (double)NAN,
             (double)INFINITY, -(double)INFINITY },
    .i64 = { 0, 0, 0, 0, 3, -3, 255, 256, 0, INT64_MAX, INT64_MAX, INT64_MIN, 0, INT64_MAX, INT64_MIN },
    .u8 = { 0, 0, 0, 0, 3, 0, 255, 255, 0, 255, 255, 0, 0, 255, 0 },
    .truth = { 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
};

/* From int64. */
static const values integers = {
    .n = 11,
    .i64 = { 0, 1, -1, 255, 256, -256, 16777217, HUGE_INT, -HUGE_INT, INT64_MAX, INT64_MIN },
    .f64 = { 0, 1, -1, 255, 256, -256, 16777217, 0x1p53, -0x1p53, 0x1p63, -0x1p63 },
    .f32 = { 0, 1, -1, 255, 256, -256, 16777216, 0x1p53f, -0x1p53f, 0x1p63f, -0x1p63f },
    .u8 = { 0, 1, 0, 255, 255, 0, 255, 255, 0, 255, 0 },
    .truth = { 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
};

/* From uint8. */
static const values bytes = {
    .n = 5,
    .u8 = { 0, 1, 2, 128, 255 },
    .f32 = { 0, 1, 2, 128, 255 },
    .f64 = { 0, 1, 2, 128, 255 },
    .i64 = { 0, 1, 2, 128, 255 },
    .truth = { 0, 1, 1, 1, 1 },
};

/* From bool. */
/* clang-format off */
static const values truths = {
    .n = 2, .u8 = { 0, 1 }, .f32 = { 0, 1 }, .f64 = { 0, 1 }, .i64 = { 0, 1 }, .truth = { 0, 1 },
};
/* clang-format on */

static tap_tensor values_as(const values *v, tap_dtype dtype)
{
    const void *data[] = { v->f32, v->f64, v->i64, v->u8, v->truth };
    return tap_tensor_wrap(dtype, TAP_SHAPE(v->n), (void *)(uintptr_t)data[dtype]);
}

static void assert_same_element(tap_tensor x, int64_t i, tap_tensor y, int64_t j)
{
    size_t size = tap_dtype_size(x.dtype);
    if (isnan(load_at(x, i)) && isnan(load_at(y, j))) return;
    assert_memory_equal((char *)x.data + i * (int64_t)size, (char *)y.data + j * (int64_t)size, size);
}

static void test_conversions(void **state)
{
    (void)state;
    static const values *const from[] = { &floats, &doubles, &integers, &bytes, &truths };
    for (int i = 0; i < 25; i++) {
        tap_arena *a = tap_arena_new();
        tap_dtype  source = (tap_dtype)(i / 5), target = (tap_dtype)(i % 5);
        tap_tensor x = values_as(from[source], source), want = values_as(from[source], target);
        tap_tensor y = tap_tensor_cast(a, x, target), steps = tap_tensor_zeros(a, target, TAP_SHAPE(3 * MAX_N));
        assert_int_equal(y.dtype, target);
        assert_true(tap_shape_equal(y.shape, x.shape));
        for (int64_t k = 0; k < from[source]->n; k++) assert_same_element(y, k, want, k);

        /* Steps of 3 in the destination, backwards in the source. */
        steps = tap_tensor_slice(a, steps, 0, 1, 3 * from[source]->n, 3);
        x = tap_tensor_slice(a, x, 0, TAP_END, TAP_END, -1);
        assert_int_equal(tap_tensor_copy(steps, x, tap_arena_error(a)), TAP_OK);
        for (int64_t k = 0; k < from[source]->n; k++) assert_same_element(steps, 3 * k, want, from[source]->n - 1 - k);
        assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
        tap_arena_free(a);
    }
}

/* ---- Shapes and layouts ------------------------------------------------------------------------------------------ */

static void check_copy(tap_shape to, tap_shape from, int layout_to, int layout_from, tap_dtype dtype, uint64_t *rng)
{
    int64_t       index[TAP_MAX_RANK] = { 0 };
    tap_arena    *a = tap_arena_new();
    tensor_layout dst = lay_out(a, dtype, to, layout_to), src = lay_out(a, TAP_F32, from, layout_from);
    int64_t       count = dst.memory.shape.n[0], n = tap_numel(to);
    fill_random(src, 1, 90, rng);
    for (int64_t i = 0; i < count; i++) store_at(dst.memory, i, 99);
    assert_int_equal(tap_tensor_copy(dst.view, src.view, tap_arena_error(a)), TAP_OK);
    if (n > 0) {
        do {
            int64_t at = offset_at(dst.view, index);
            assert_true(load_at(dst.view, at) == broadcast_at(src.view, to.rank, index));
            store_at(dst.view, at, 99);
        } while (next_index(to, index));
    }
    /* Nothing between the elements was touched. */
    for (int64_t i = 0; i < count; i++) assert_true(load_at(dst.memory, i) == 99);
    tap_arena_free(a);
}

static void test_layouts(void **state)
{
    (void)state;
    /* clang-format off */
    static const tap_shape shapes[][2] = {
        { { 0, { 0 } }, { 0, { 0 } } },          { { 1, { 7 } }, { 1, { 7 } } },
        { { 1, { 7 } }, { 0, { 0 } } },          { { 2, { 3, 4 } }, { 1, { 4 } } },
        { { 2, { 3, 4 } }, { 2, { 3, 1 } } },    { { 2, { 3, 4 } }, { 2, { 1, 1 } } },
        { { 3, { 2, 3, 4 } }, { 2, { 3, 1 } } }, { { 3, { 5, 3, 4 } }, { 3, { 5, 3, 4 } } },
        { { 3, { 5, 3, 4 } }, { 3, { 1, 3, 1 } } }, { { 4, { 2, 3, 4, 5 } }, { 4, { 2, 1, 4, 1 } } },
        { { 2, { 0, 4 } }, { 1, { 1 } } },       { { 3, { 2, 0, 3 } }, { 3, { 2, 0, 3 } } },
        { { 2, { 3, 5000 } }, { 2, { 3, 1 } } }, { { 2, { 5000, 2 } }, { 1, { 2 } } },
    };
    /* clang-format on */
    uint64_t rng = 1;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (int i = 0; i < LAYOUTS * LAYOUTS; i++) {
            int to = i / LAYOUTS;
            if (to == REPEATED_FIRST || to == REPEATED_LAST) continue; /* elements on top of each other are no destination */
            check_copy(shapes[s][0], shapes[s][1], to, i % LAYOUTS, (tap_dtype)(i % 4), &rng);
        }
    }
}

/* Windows, too, whose elements lie on top of each other. */
static void test_any_strides(void **state)
{
    (void)state;
    static const int64_t strides[] = { 0, 1, 2, 4, 8, -1, -4 };
    enum { STRIDES = sizeof strides / sizeof *strides };
    double from[128], to[24];
    for (int i = 0; i < 128; i++) from[i] = i;
    for (int i = 0; i < STRIDES * STRIDES * STRIDES; i++) {
        const int64_t stride[] = { strides[i / STRIDES / STRIDES], strides[i / STRIDES % STRIDES], strides[i % STRIDES] };
        tap_tensor    x = { TAP_F64, TAP_SHAPE(3, 2, 4), { stride[0], stride[1], stride[2] }, from + 64 };
        assert_int_equal(tap_tensor_copy(tap_tensor_wrap(TAP_F64, x.shape, to), x, NULL), TAP_OK);
        for (int k = 0; k < 24; k++)
            assert_true(to[k] == (double)(64 + k / 8 * stride[0] + k / 4 % 2 * stride[1] + k % 4 * stride[2]));
    }
}

/* Both ends are pieces of something larger: axes must not be taken as one where there is a gap. */
static void test_pieces_of_all_sizes(void **state)
{
    (void)state;
    enum { SIDE = 4, ALL = SIDE * SIDE * SIDE };
    for (int64_t size = 1; size < SIDE * SIDE * SIDE; size++) {
        const int64_t n[3] = { 1 + size / 16, 1 + size / 4 % 4, 1 + size % 4 };
        double        from[ALL], to[ALL] = { 0 };
        tap_tensor    x = tap_tensor_wrap(TAP_F64, TAP_SHAPE(SIDE, SIDE, SIDE), from), y = x;
        for (int i = 0; i < ALL; i++) from[i] = i + 1;
        y.data = to;
        for (int i = 0; i < 3; i++) x.shape.n[i] = y.shape.n[i] = n[i];
        assert_int_equal(tap_tensor_copy(y, x, NULL), TAP_OK);
        for (int i = 0; i < ALL; i++) {
            bool inside = i / 16 < n[0] && i / 4 % 4 < n[1] && i % 4 < n[2];
            assert_true(to[i] == (inside ? i + 1 : 0));
        }
    }
}

static void test_threads_change_no_bits(void **state)
{
    (void)state;
    static const tap_shape shapes[] = { { 1, { 100001 } }, { 2, { 3, 40001 } }, { 2, { 40001, 3 } }, { 3, { 31, 53, 67 } } };
    uint64_t               rng = 2;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (int i = 0; i < LAYOUTS * LAYOUTS; i++) {
            int to = i / LAYOUTS, from = i % LAYOUTS;
            if (to == REPEATED_FIRST || to == REPEATED_LAST) continue;
            if (to != PLAIN && from != PLAIN && from != to) continue;
            tap_arena    *a = tap_arena_new();
            tensor_layout x = lay_out(a, TAP_F64, shapes[s], from), y = lay_out(a, TAP_F32, shapes[s], to), z;
            z = lay_out(a, TAP_F32, shapes[s], to);
            for (int64_t k = 0; k < x.memory.shape.n[0]; k++) store_at(x.memory, k, random_below(&rng, 1 << 30) / 0x1p29 - 1);
            for (int threads = 1; threads <= 4; threads++) {
                tap_set_threads(threads);
                if (threads > 1) tap_tensor_fill(z.memory, 0);
                tap_tensor_copy(threads == 1 ? y.view : z.view, x.view, NULL);
                if (threads > 1) assert_memory_equal(z.memory.data, y.memory.data, (size_t)y.memory.shape.n[0] * sizeof(float));
            }
            int64_t index[TAP_MAX_RANK] = { 0 };
            do {
                assert_true(load_at(y.view, offset_at(y.view, index)) ==
                            (double)(float)load_at(x.view, offset_at(x.view, index)));
            } while (next_index(shapes[s], index));
            tap_arena_free(a);
        }
    }
    tap_set_threads(0);
}

static void test_copy_errors(void **state)
{
    (void)state;
    float      data[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
    double     other[12] = { 0 };
    tap_tensor x = tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, 4), data), y = tap_tensor_wrap(TAP_F64, TAP_SHAPE(4), other);
    tap_tensor bad[4] = { x, x, x, x };
    tap_error  shape = { TAP_OK, "" };
    assert_int_equal(tap_tensor_copy(y, x, &shape), TAP_ESHAPE);
    assert_error(&shape, TAP_ESHAPE, "copy: [3,4] does not broadcast to [4]");
    shape.status = TAP_OK;
    y.shape.n[0] = 3;
    assert_int_equal(tap_tensor_copy(x, y, &shape), TAP_ESHAPE);
    assert_error(&shape, TAP_ESHAPE, "copy: [3] does not broadcast to [3,4]");
    shape.status = TAP_OK;
    x.shape.n[1] = 1; /* only src is broadcast */
    y.shape.n[0] = 4;
    assert_int_equal(tap_tensor_copy(x, y, &shape), TAP_ESHAPE);
    assert_error(&shape, TAP_ESHAPE, "copy: [4] does not broadcast to [3,1]");
    assert_int_equal(tap_tensor_copy(x, y, NULL), TAP_ESHAPE);

    bad[0].data = NULL;
    bad[1].dtype = (tap_dtype)-1;
    bad[2].shape.rank = 9;
    bad[3].shape.n[0] = -3;
    for (int i = 0; i < 8; i++) {
        tap_error e = { TAP_OK, "" };
        assert_int_equal(i < 4 ? tap_tensor_copy(bad[i], x, &e) : tap_tensor_copy(x, bad[i - 4], &e), TAP_EARG);
        assert_error(&e, TAP_EARG, "copy: a tensor is inert or invalid");
    }
    for (int i = 0; i < 4; i++) tap_tensor_fill(bad[i], 99); /* does nothing */
    for (int i = 0; i < 12; i++) assert_true(data[i] == (float)(i + 1) && other[i] == 0);
}

/* ---- Making and reading ------------------------------------------------------------------------------------------ */

static void test_wrap_and_zeros(void **state)
{
    (void)state;
    float      data[12];
    tap_arena *a = tap_arena_new();
    tap_tensor x = tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, 1, 4), data);
    assert_true(x.data == data && tap_shape_equal(x.shape, TAP_SHAPE(3, 1, 4)));
    assert_true(x.stride[0] == 4 && x.stride[2] == 1 && tap_tensor_is_contiguous(x));
    assert_null(tap_tensor_wrap(TAP_F32, TAP_SHAPE(3), NULL).data);
    assert_null(tap_tensor_wrap((tap_dtype)5, TAP_SHAPE(3), data).data);
    assert_null(tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, -1), data).data);
    assert_int_equal(tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, -1), data).shape.rank, 0);

    for (int dtype = TAP_F32; dtype <= TAP_BOOL; dtype++) {
        memset(tap__arena_acquire(a, 4096), 0xff, 4096);
        tap_arena_reset(a);
        tap_tensor z = tap_tensor_zeros(a, (tap_dtype)dtype, TAP_SHAPE(5, 7));
        for (int64_t i = 0; i < 35; i++) assert_true(load_at(z, i) == 0);
        assert_non_null(tap_tensor_zeros(a, (tap_dtype)dtype, TAP_SHAPE(5, 0)).data);
    }
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    assert_null(tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(3, -4)).data);
    assert_error(tap_arena_error(a), TAP_ESHAPE, "tensor: invalid shape [3,-4]");
    assert_null(tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(3, 4)).data);
    tap_arena_free(a);
    a = tap_arena_new();
    assert_null(tap_tensor_zeros(a, (tap_dtype)9, TAP_SHAPE(3)).data);
    assert_error(tap_arena_error(a), TAP_EDTYPE, "tensor: unknown dtype 9");
    tap_arena_free(a);
    assert_null(tap_tensor_zeros(NULL, TAP_F32, TAP_SHAPE(3)).data);
}

static void test_contiguous(void **state)
{
    (void)state;
    static const struct {
        int64_t n[2], stride[2];
        bool    contiguous;
    } cases[] = {
        { { 3, 4 }, { 4, 1 }, true },   { { 3, 4 }, { 5, 1 }, false }, { { 3, 4 }, { 1, 3 }, false },
        { { 3, 4 }, { -4, 1 }, false }, { { 3, 4 }, { 0, 1 }, false }, { { 1, 4 }, { 99, 1 }, true },
        { { 4, 1 }, { 1, -7 }, true },  { { 4, 1 }, { 2, 1 }, false }, { { 1, 1 }, { 0, 0 }, true },
        { { 0, 4 }, { 9, 9 }, true },
    };
    for (size_t s = 0; s < sizeof cases / sizeof *cases; s++) {
        float      data[64];
        tap_arena *a = tap_arena_new();
        tap_tensor x = { .dtype = TAP_F32, .shape = TAP_SHAPE(cases[s].n[0], cases[s].n[1]), .data = data + 16 };
        for (int i = 0; i < 64; i++) data[i] = (float)i;
        memcpy(x.stride, cases[s].stride, sizeof cases[s].stride);
        assert_int_equal(tap_tensor_is_contiguous(x), cases[s].contiguous);
        tap_tensor y = tap_tensor_contiguous(a, x);
        assert_true((y.data == x.data) == cases[s].contiguous && tap_tensor_is_contiguous(y));
        for (int64_t i = 0; i < tap_numel(x.shape); i++) assert_true(tap_tensor_item(y, i) == tap_tensor_item(x, i));
        assert_ptr_equal(tap_tensor_cast(a, x, TAP_F32).data, x.data);
        tap_arena_free(a);
    }
    tap_tensor odd = { .dtype = TAP_F32, .shape = { .rank = 99 } };
    assert_false(tap_tensor_is_contiguous(odd));
}

static void test_contiguous_and_cast_errors(void **state)
{
    (void)state;
    float      data[4] = { 0 };
    tap_tensor good = tap_tensor_wrap(TAP_F32, TAP_SHAPE(4), data), bad[4] = { good, good, good, good };
    bad[0].data = NULL;
    bad[1].dtype = (tap_dtype)77;
    bad[2].shape.rank = 9;
    bad[3].shape.n[0] = -4;
    for (int i = 0; i < 4; i++) {
        tap_arena *a = tap_arena_new(), *b = tap_arena_new();
        assert_null(tap_tensor_contiguous(a, bad[i]).data);
        assert_error(tap_arena_error(a), TAP_EARG, "contiguous: the tensor is inert or invalid");
        assert_null(tap_tensor_cast(b, bad[i], TAP_F64).data);
        assert_error(tap_arena_error(b), TAP_EARG, "cast: the tensor is inert or invalid");
        assert_null(tap_tensor_cast(b, good, TAP_F64).data); /* once failed */
        tap_arena_free(b);
        tap_arena_free(a);
    }
    tap_arena *a = tap_arena_new();
    assert_null(tap_tensor_cast(a, good, (tap_dtype)-1).data);
    assert_error(tap_arena_error(a), TAP_EDTYPE, "tensor: unknown dtype -1");
    tap_arena_free(a);
    assert_null(tap_tensor_cast(NULL, good, TAP_F64).data);
}

static void test_fill(void **state)
{
    (void)state;
    const double numbers[] = { 0, 3, -2, 300, 0.5, (double)NAN };
    for (int i = 0; i < 5 * 6; i++) {
        tap_arena    *a = tap_arena_new();
        double        value = numbers[i % 6];
        tensor_layout l = lay_out(a, (tap_dtype)(i / 6), TAP_SHAPE(3, 5), MIXED);
        tap_tensor    one = tap_tensor_wrap(TAP_F64, TAP_SCALAR, &value), want = tap_tensor_cast(a, one, l.view.dtype);
        int64_t       index[TAP_MAX_RANK] = { 0 };
        tap_tensor_fill(l.view, value);
        do {
            assert_same_element(l.view, offset_at(l.view, index), want, 0);
            store_at(l.view, offset_at(l.view, index), 0);
        } while (next_index(l.view.shape, index));
        for (int64_t k = 0; k < l.memory.shape.n[0]; k++) assert_true(load_at(l.memory, k) == 0);
        tap_arena_free(a);
    }
}

static void test_get_and_item(void **state)
{
    (void)state;
    uint64_t rng = 3;
    for (int i = 0; i < 5 * LAYOUTS; i++) {
        tap_arena    *a = tap_arena_new();
        tensor_layout l = lay_out(a, (tap_dtype)(i / LAYOUTS), TAP_SHAPE(3, 4, 5), i % LAYOUTS);
        int64_t       index[TAP_MAX_RANK] = { 0 }, k = 0;
        fill_random(l, 0, 2, &rng);
        do {
            double want = load_at(l.view, offset_at(l.view, index));
            assert_true(tap_tensor_get(l.view, index) == want);
            assert_true(tap_tensor_item(l.view, k) == want);
            tap_tensor_set_item(l.view, k++, 1 - want);
            assert_true(load_at(l.view, offset_at(l.view, index)) == 1 - want);
        } while (next_index(l.view.shape, index));
        tap_arena_free(a);
    }
}

static void test_out_of_range(void **state)
{
    (void)state;
    double     data[6] = { 1, 2, 3, 4, 5, 6 };
    tap_tensor x = tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 3), data), scalar = tap_tensor_wrap(TAP_F64, TAP_SCALAR, data);
    tap_tensor empty = tap_tensor_wrap(TAP_F64, TAP_SHAPE(0, 3), data), inert = { 0 }, odd = x;
    assert_true(tap_tensor_get(scalar, NULL) == 1 && tap_tensor_item(scalar, 0) == 1);
    assert_true(isnan(tap_tensor_get(x, NULL)) && isnan(tap_tensor_get(tap_tensor_wrap(TAP_F64, TAP_SHAPE(6), data), NULL)));
    assert_true(isnan(tap_tensor_get(x, (int64_t[]){ 2, 0 })) && isnan(tap_tensor_get(x, (int64_t[]){ 0, 3 })));
    assert_true(isnan(tap_tensor_get(x, (int64_t[]){ -1, 0 })));
    assert_true(isnan(tap_tensor_item(x, 6)) && isnan(tap_tensor_item(x, -1)) && isnan(tap_tensor_item(x, INT64_MIN)));
    assert_true(isnan(tap_tensor_item(empty, 0)) && isnan(tap_tensor_get(empty, (int64_t[]){ 0, 0 })));
    assert_true(isnan(tap_tensor_item(inert, 0)) && isnan(tap_tensor_get(inert, NULL)));
    odd.shape.rank = 9;
    assert_true(isnan(tap_tensor_item(odd, 0)) && isnan(tap_tensor_get(odd, (int64_t[9]){ 0 })));
    odd = x;
    odd.dtype = (tap_dtype)12;
    assert_true(isnan(tap_tensor_item(odd, 0)));
    assert_int_equal(tap_tensor_numel(x), 6);
    assert_int_equal(tap_tensor_numel(empty), 0);
    assert_int_equal(tap_tensor_numel(inert), 0);
    tap_tensor_set_item(x, 6, 99);
    tap_tensor_set_item(x, -1, 99);
    tap_tensor_set_item(empty, 0, 99);
    tap_tensor_set_item(inert, 0, 99);
    tap_tensor_set_item(odd, 0, 99);
    for (int i = 0; i < 6; i++) assert_true(data[i] == i + 1);
}

/* Windows that overlap have steps of one along both axes, and are still not one row. */
static void test_windows(void **state)
{
    (void)state;
    double       x[] = { 1, 2, 3, 4 }, y[6] = { 0 };
    const double want[] = { 1, 2, 2, 3, 3, 4 };
    tap_tensor   windows = tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 2), x);
    windows.stride[0] = 1;
    assert_int_equal(tap_tensor_copy(tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 2), y), windows, NULL), TAP_OK);
    assert_memory_equal(y, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_conversions),
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_any_strides),
        cmocka_unit_test(test_pieces_of_all_sizes),
        cmocka_unit_test(test_threads_change_no_bits),
        cmocka_unit_test(test_copy_errors),
        cmocka_unit_test(test_wrap_and_zeros),
        cmocka_unit_test(test_contiguous),
        cmocka_unit_test(test_contiguous_and_cast_errors),
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_get_and_item),
        cmocka_unit_test(test_out_of_range),
    };
    tap__parallel_threshold_for_tests(0); /* threads share even what is not worth it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
