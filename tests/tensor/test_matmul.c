/* tests/tensor/test_matmul.c: matrix products against three plain loops, by size, layout, batch and number of threads. */
#include "layouts.h"
#include "tensor/kernels/matmul.h"
#include "tensor/kernels/product.h"
#include "tensor/arena.h"
#include "tensor/parallel.h"

enum { GUARD = 16 }; /* elements before and after a result that nothing may touch */

static tap_tensor guarded(tap_arena *a, tap_dtype dtype, tap_shape shape)
{
    int64_t    n = tap_numel(shape);
    tap_tensor memory = tap_tensor_zeros(a, dtype, TAP_SHAPE(n + 2 * GUARD));
    assert_non_null(memory.data);
    tap_tensor_fill(memory, 77);
    return tap_tensor_wrap(dtype, shape, (char *)memory.data + GUARD * tap_dtype_size(dtype));
}

static void assert_guarded(tap_tensor out)
{
    for (int i = 1; i <= GUARD; i++) {
        assert_true(load_at(out, -i) == 77);
        assert_true(load_at(out, tap_numel(out.shape) - 1 + i) == 77);
    }
}

/* Element `index` of a b, summed in double. */
static double product_at(tap_tensor a, tap_tensor b, tap_shape out, const int64_t *index)
{
    int     r = out.rank;
    int64_t at_a = index[r - 2] * a.stride[r - 2], at_b = index[r - 1] * b.stride[r - 1], k = a.shape.n[r - 1];
    double  sum = 0;
    for (int i = 0; i < r - 2; i++) {
        if (a.shape.n[i] != 1) at_a += index[i] * a.stride[i];
        if (b.shape.n[i] != 1) at_b += index[i] * b.stride[i];
    }
    for (int64_t i = 0; i < k; i++) {
        sum += load_at(a, at_a + i * a.stride[r - 1]) * load_at(b, at_b + i * b.stride[r - 2]);
    }
    return sum;
}

static tap_shape out_shape(tap_tensor a, tap_tensor b)
{
    tap_shape out = a.shape;
    for (int i = 0; i < out.rank; i++) out.n[i] = out.n[i] == 1 ? b.shape.n[i] : out.n[i];
    out.n[out.rank - 2] = a.shape.n[out.rank - 2];
    out.n[out.rank - 1] = b.shape.n[out.rank - 1];
    return out;
}

/* out = a b + added, exactly: a and b hold small whole numbers. */
static void assert_product(tap_tensor a, tap_tensor b, tap_tensor out, double added)
{
    int64_t index[TAP_MAX_RANK] = { 0 }, i = 0, n = tap_numel(out.shape);
    for (; i < n; i++, next_index(out.shape, index)) {
        double want = product_at(a, b, out.shape, index) + added;
        if (load_at(out, i) != want) fail_msg("element %lld: %g, not %g", (long long)i, load_at(out, i), want);
    }
    assert_guarded(out);
}

/* By tap__matmul and by BLIS, each with and without add. */
static void check(tap_arena *memory, tap_tensor a, tap_tensor b)
{
    for (int variant = 0; variant < 4; variant++) {
        tap_tensor out = guarded(memory, a.dtype, out_shape(a, b));
        bool       add = variant & 1, ok;
        if (variant < 2) ok = tap__matmul(a, b, out, add, memory);
        else ok = tap__matmul_by_blis(a, b, out, add, memory);
        assert_true(ok);
        assert_product(a, b, out, add ? 77 : 0);
    }
    assert_int_equal(tap_arena_status(memory, NULL), TAP_OK);
}

static void check_layouts(tap_dtype dtype, tap_shape a, tap_shape b, int layout_a, int layout_b)
{
    uint64_t      rng = 1;
    tap_arena    *memory = tap_arena_new();
    tensor_layout x = lay_out(memory, dtype, a, layout_a), y = lay_out(memory, dtype, b, layout_b);
    fill_random(x, -4, 9, &rng);
    fill_random(y, -4, 9, &rng);
    check(memory, x.view, y.view);
    tap_arena_free(memory);
}

static void test_sizes(void **state)
{
    (void)state;
    static const int sizes[] = { 0, 1, 2, 3, 7, 16, 33 };
    enum { N = sizeof sizes / sizeof *sizes };
    for (int i = 0; i < N * N * N; i++) {
        int m = sizes[i / N / N], n = sizes[i / N % N], k = sizes[i % N];
        check_layouts(TAP_F32, TAP_SHAPE(m, k), TAP_SHAPE(k, n), PLAIN, PLAIN);
        check_layouts(TAP_F64, TAP_SHAPE(m, k), TAP_SHAPE(k, n), PLAIN, PLAIN);
        check_layouts(TAP_F32, TAP_SHAPE(2, m, k), TAP_SHAPE(2, k, n), PLAIN, PLAIN);
    }
}

/* Results of several tiles, in rows, columns and both. */
static void test_several_tiles(void **state)
{
    (void)state;
    static const int sizes[][3] = { { 1, 300, 5 },  { 300, 1, 5 },   { 48, 96, 3 },   { 96, 48, 3 },  { 50, 100, 3 },
                                    { 100, 50, 3 }, { 95, 47, 2 },   { 47, 95, 2 },   { 97, 193, 2 }, { 193, 97, 2 },
                                    { 400, 49, 2 }, { 385, 390, 1 }, { 383, 390, 1 }, { 2, 97, 70 },  { 97, 2, 70 } };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int i = 0; i < 4; i++) {
            int m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
            tap_set_threads(i % 2 ? 8 : 3);
            check_layouts(i < 2 ? TAP_F32 : TAP_F64, TAP_SHAPE(m, k), TAP_SHAPE(k, n), i % 2 ? TRANSPOSED : PLAIN, PLAIN);
            check_layouts(TAP_F32, TAP_SHAPE(3, m, k), TAP_SHAPE(1, k, n), PLAIN, i % 2 ? TRANSPOSED : PLAIN);
        }
    }
    tap_set_threads(0);
}

static void test_layouts(void **state)
{
    (void)state;
    static const int sizes[][3] = { { 1, 1, 1 }, { 4, 5, 6 }, { 1, 7, 3 }, { 7, 1, 3 }, { 3, 4, 1 },
                                    { 1, 1, 9 }, { 1, 5, 1 }, { 5, 1, 1 }, { 0, 3, 2 }, { 35, 19, 21 } };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
        for (int i = 0; i < LAYOUTS * LAYOUTS; i++) {
            check_layouts(TAP_F32, TAP_SHAPE(m, k), TAP_SHAPE(k, n), i / LAYOUTS, i % LAYOUTS);
            check_layouts(TAP_F64, TAP_SHAPE(m, k), TAP_SHAPE(k, n), i / LAYOUTS, i % LAYOUTS);
        }
    }
}

/* Batches with broadcast leading axes, of matrices of one row and of several. */
static void test_batches(void **state)
{
    (void)state;
    /* clang-format off */
    static const tap_shape lead[][2] = {
        { { 1, { 3 } }, { 1, { 3 } } },       { { 1, { 1 } }, { 1, { 3 } } },          { { 1, { 3 } }, { 1, { 1 } } },
        { { 1, { 0 } }, { 1, { 1 } } },       { { 2, { 2, 3 } }, { 2, { 2, 3 } } },    { { 2, { 2, 1 } }, { 2, { 1, 3 } } },
        { { 2, { 1, 3 } }, { 2, { 2, 1 } } }, { { 2, { 2, 3 } }, { 2, { 1, 1 } } },    { { 2, { 2, 3 } }, { 2, { 2, 1 } } },
        { { 2, { 1, 1 } }, { 2, { 2, 3 } } }, { { 3, { 2, 1, 3 } }, { 3, { 1, 2, 1 } } },
    };
    /* clang-format on */
    for (size_t s = 0; s < sizeof lead / sizeof *lead; s++) {
        for (int i = 0; i < 4 * LAYOUTS * LAYOUTS; i++) {
            tap_shape a = lead[s][0], b = lead[s][1];
            int       layout_a = i / 4 / LAYOUTS, layout_b = i / 4 % LAYOUTS;
            a.n[a.rank++] = i & 1 ? 1 : 4;
            a.n[a.rank++] = b.n[b.rank++] = 3;
            b.n[b.rank++] = i & 2 ? 1 : 5;
            check_layouts(i & 1 ? TAP_F64 : TAP_F32, a, b, layout_a, layout_b);
        }
    }
}

/* One right-hand matrix for a batch of left-hand ones whose rows repeat, overlap or run backwards. */
static void test_rows_that_repeat_or_overlap(void **state)
{
    (void)state;
    static const struct {
        int64_t n[3], stride[3], start;
    } cases[] = {
        { { 6, 1, 4 }, { 0, 0, 1 }, 0 }, /* a vector, repeated */
        { { 6, 1, 4 }, { 0, 4, 1 }, 0 },    { { 6, 1, 4 }, { 4, 0, 1 }, 0 },
        { { 6, 1, 4 }, { -4, -4, 1 }, 20 }, /* backwards */
        { { 6, 1, 4 }, { 1, 1, 1 }, 0 },    /* overlapping windows */
        { { 3, 2, 4 }, { 4, 2, 1 }, 0 },    { { 3, 2, 4 }, { 4, 4, 1 }, 0 },
        { { 6, 2, 4 }, { 2, 1, 2 }, 0 },    { { 6, 1, 4 }, { 1, 1, 6 }, 0 }, /* transposed */
        { { 6, 2, 4 }, { 2, 1, 12 }, 0 },   { { 3, 2, 4 }, { -8, -4, 1 }, 20 },
        { { 1, 6, 4 }, { 99, 0, 1 }, 0 },   { { 6, 4, 1 }, { 4, 1, 0 }, 0 }, /* columns */
        { { 6, 4, 1 }, { 4, 1, -3 }, 0 },   { { 6, 4, 1 }, { 1, 0, 1 }, 0 },
    };
    for (size_t s = 0; s < sizeof cases / sizeof *cases; s++) {
        for (int repeated = 0; repeated <= 1; repeated++) {
            uint64_t      rng = s;
            tap_arena    *memory = tap_arena_new();
            int64_t       k = cases[s].n[2];
            tensor_layout x = lay_out(memory, TAP_F32, TAP_SHAPE(100), PLAIN);
            tensor_layout y = lay_out(memory, TAP_F32, TAP_SHAPE(1, k, 5), PLAIN);
            tap_tensor    a = { .dtype = TAP_F32, .shape = { .rank = 3 } }, b = y.view;
            fill_random(x, -4, 9, &rng);
            fill_random(y, -4, 9, &rng);
            for (int i = 0; i < 3; i++) {
                a.shape.n[i] = cases[s].n[i];
                a.stride[i] = cases[s].stride[i];
            }
            a.data = (float *)x.view.data + cases[s].start;
            if (repeated) b = tap_tensor_expand(memory, b, TAP_SHAPE(a.shape.n[0], k, 5));
            check(memory, a, b);
            tap_arena_free(memory);
        }
    }
}

static void fill_with_fractions(tensor_layout l, uint64_t *rng)
{
    for (int64_t i = 0; i < l.memory.shape.n[0]; i++) store_at(l.memory, i, random_below(rng, 1 << 30) / 0x1p29 - 1);
}

/* BLIS does not accept negative strides: such matrices are copied. */
static void test_blis_copies_to_scratch(void **state)
{
    (void)state;
    uint64_t      rng = 5;
    tap_arena    *memory = tap_arena_new(), *broken = tap_arena_new(), *scratch = tap_arena_new();
    tap_shape     shape = TAP_SHAPE(200, 200);
    tensor_layout plain = lay_out(memory, TAP_F64, shape, PLAIN), odd = lay_out(memory, TAP_F64, shape, REVERSED);
    tensor_layout transposed = lay_out(memory, TAP_F64, shape, TRANSPOSED), sliced = lay_out(memory, TAP_F64, shape, SLICED);
    tap_tensor    out = guarded(memory, TAP_F64, shape);
    fill_random(plain, -4, 9, &rng);
    fill_random(odd, -4, 9, &rng);
    tap_error_set(tap_arena_error(broken), TAP_ENOMEM, "broken");
    assert_false(tap__matmul_by_blis(plain.view, odd.view, out, false, broken));
    assert_false(tap__matmul_by_blis(odd.view, plain.view, out, false, broken));
    for (int64_t i = 0; i < 40000; i += 97) assert_true(load_at(out, i) == 77);

    assert_true(tap__matmul_by_blis(transposed.view, sliced.view, out, false, broken)); /* views need no memory */
    assert_true(tap__matmul_by_blis(transposed.view, sliced.view, out, false, scratch));
    assert_int_equal(tap__arena_bytes(scratch), 0);
    assert_true(tap__matmul_by_blis(odd.view, odd.view, out, false, scratch));
    size_t held = tap__arena_bytes(scratch);
    assert_true(held >= 2 * 200 * 200 * sizeof(double));
    for (int i = 0; i < 10; i++) assert_true(tap__matmul_by_blis(odd.view, odd.view, out, false, scratch));
    assert_int_equal(tap__arena_bytes(scratch), held);
    tap_arena_free(scratch);
    tap_arena_free(broken);
    tap_arena_free(memory);
}

static tap__matrix matrix_of(tap_tensor x)
{
    return (tap__matrix){ x.data, x.shape.n[0], x.shape.n[1], x.stride[0], x.stride[1] };
}

enum { WIDTHS = 3 };
typedef const tap__product_kernel (*kernels_of_width)[2];

/* The kernels of width i; NULL if this processor cannot run them. */
static kernels_of_width width(int i)
{
#if defined(__x86_64__)
    if (i == 1) return tap__isa() >= TAP__AVX2 ? tap__product_kernels_avx2 : NULL;
    if (i == 2) return tap__isa() >= TAP__AVX512 ? tap__product_kernels_avx512 : NULL;
#endif
    return i == 0 ? tap__product_kernels_generic : NULL;
}

/* The kernels of all vector widths that run here, for products of several tiles, panels and depths, and their remainders. */
static void test_every_width(void **state)
{
    (void)state;
    /* clang-format off */
    static const int sizes[][3] = { { 1, 1, 1 },   { 5, 4, 9 },     { 15, 50, 31 }, { 64, 48, 20 }, { 66, 47, 7 },
                                    { 9, 3, 600 }, { 70, 101, 521 }, { 3, 97, 30 },  { 97, 3, 30 },  { 80, 16, 64 },
                                    { 0, 3, 4 },   { 3, 0, 4 } };
    /* clang-format on */
    uint64_t rng = 12;
    for (size_t i = 0; i < WIDTHS * (sizeof sizes / sizeof *sizes) * LAYOUTS * 4; i++) {
        const kernels_of_width kernels = width((int)(i % WIDTHS));
        const int             *size = sizes[i / WIDTHS % (sizeof sizes / sizeof *sizes)];
        const tap_dtype        dtype = random_below(&rng, 2) ? TAP_F32 : TAP_F64;
        tap_arena             *memory = tap_arena_new();
        tensor_layout          x = lay_out(memory, dtype, TAP_SHAPE(size[0], size[2]), random_below(&rng, LAYOUTS));
        tensor_layout          y = lay_out(memory, dtype, TAP_SHAPE(size[2], size[1]), random_below(&rng, LAYOUTS));
        tap_tensor             out = guarded(memory, dtype, TAP_SHAPE(size[0], size[1]));
        const bool             add = random_below(&rng, 2);
        fill_random(x, -4, 9, &rng);
        fill_random(y, -4, 9, &rng);
        const tap__matrix a = matrix_of(x.view), b = matrix_of(y.view);
        for (int algorithm = 0; kernels && algorithm < (a.column_stride == 1 && b.row_stride == 1 ? 2 : 1); algorithm++) {
            tap_tensor_fill(out, 77);
            kernels[dtype == TAP_F64][algorithm](a, b, out.data, size[1], add);
            assert_product(x.view, y.view, out, add ? 77 : 0);
        }
        tap_arena_free(memory);
    }
}

/* Results that are cut into blocks, and left matrices that are packed because their columns are a power of two apart. */
static void test_blocks_and_packing(void **state)
{
    (void)state;
    static const int sizes[][3] = { { 1300, 1250, 5 }, { 256, 520, 40 }, { 320, 513, 600 } };
    uint64_t         rng = 10;
    for (int i = 0; i < WIDTHS * 3 * 2; i++) {
        const kernels_of_width kernels = width(i % WIDTHS);
        const int             *size = sizes[i / WIDTHS % 3];
        const tap_dtype        dtype = i < WIDTHS * 3 ? TAP_F32 : TAP_F64;
        tap_arena             *memory = tap_arena_new();
        tensor_layout          x = lay_out(memory, dtype, TAP_SHAPE(size[0], size[2]), TRANSPOSED);
        tensor_layout          y = lay_out(memory, dtype, TAP_SHAPE(size[2], size[1]), PLAIN);
        tap_tensor             out = guarded(memory, dtype, TAP_SHAPE(size[0], size[1]));
        fill_random(x, -4, 9, &rng);
        fill_random(y, -4, 9, &rng);
        if (kernels) kernels[dtype == TAP_F64][TAP__TILED](matrix_of(x.view), matrix_of(y.view), out.data, size[1], false);
        for (int64_t at = 0; kernels && at < size[0] * size[1]; at += 43)
            assert_true(load_at(out, at) ==
                        product_at(x.view, y.view, out.shape, (const int64_t[]){ at / size[1], at % size[1] }));
        assert_guarded(out);
        tap_arena_free(memory);
    }
}

static void product_of(tap__product_algorithm algorithm, tap__matrix a, tap__matrix b, float *out, int64_t out_row,
                       double *total)
{
    if (tap__product_is_long(algorithm, TAP_F32, a.columns)) tap__long_product(a, b, out, out_row, false, total);
    else tap__product(algorithm, TAP_F32, a, b, out, out_row, false);
}

/* A part of a product, computed alone, has the same bits as in the whole. */
static void test_a_part_has_the_bits_of_the_whole(void **state)
{
    (void)state;
    uint64_t   rng = 8;
    tap_arena *memory = tap_arena_new();
    double    *total = tap_arena_alloc(memory, 10000 * sizeof *total);
    assert_non_null(total);
    for (int i = 0; i < 60; i++) {
        const int m = 1 + random_below(&rng, 100), n = 1 + random_below(&rng, 100),
                  k = 1 + random_below(&rng, i < 50 ? 1200 : 20000);
        tensor_layout x = lay_out(memory, TAP_F32, TAP_SHAPE(m, k), i % 2 ? TRANSPOSED : PLAIN);
        tensor_layout y = lay_out(memory, TAP_F32, TAP_SHAPE(k, n), i % 4 < 2 ? TRANSPOSED : PLAIN);
        tap_tensor    whole = guarded(memory, TAP_F32, TAP_SHAPE(m, n)), part = guarded(memory, TAP_F32, TAP_SHAPE(m, n));
        fill_with_fractions(x, &rng);
        fill_with_fractions(y, &rng);
        tap__matrix            a = matrix_of(x.view), b = matrix_of(y.view);
        tap__product_algorithm algorithm = a.column_stride == 1 && b.row_stride == 1 && i % 8 < 4 ? TAP__DOT : TAP__TILED;
        const int              row = random_below(&rng, m), column = random_below(&rng, n);
        product_of(algorithm, a, b, whole.data, n, total);
        a.data = (const float *)a.data + row * a.row_stride;
        b.data = (const float *)b.data + column * b.column_stride;
        a.rows -= row;
        b.columns -= column;
        product_of(algorithm, a, b, part.data, n, total);
        for (int64_t r = 0; r < a.rows; r++) {
            const float *at = (const float *)whole.data + (row + r) * n + column;
            assert_memory_equal((const float *)part.data + r * n, at, (size_t)b.columns * sizeof(float));
        }
    }
    tap_arena_free(memory);
}

/* Long sums release their scratch memory, and fail without memory. */
static void test_long_sums_take_memory(void **state)
{
    (void)state;
    uint64_t      rng = 15;
    tap_arena    *memory = tap_arena_new(), *broken = tap_arena_new(), *scratch = tap_arena_new();
    tensor_layout a = lay_out(memory, TAP_F32, TAP_SHAPE(2, 20, TAP__LONG + 1), TRANSPOSED);
    tensor_layout b = lay_out(memory, TAP_F32, TAP_SHAPE(2, TAP__LONG + 1, 30), PLAIN);
    tap_tensor    out = guarded(memory, TAP_F32, TAP_SHAPE(2, 20, 30));
    fill_random(a, -4, 9, &rng);
    fill_random(b, -4, 9, &rng);
    tap_error_set(tap_arena_error(broken), TAP_ENOMEM, "broken");
    assert_false(tap__matmul(a.view, b.view, out, false, broken));
    for (int64_t i = 0; i < 1200; i++) assert_true(load_at(out, i) == 77);
    assert_true(tap__matmul(a.view, b.view, out, true, scratch));
    assert_product(a.view, b.view, out, 77);
    const size_t held = tap__arena_bytes(scratch);
    for (int i = 0; i < 600; i++) assert_true(tap__matmul(a.view, b.view, out, false, scratch));
    assert_int_equal(tap__arena_bytes(scratch), held);
    assert_product(a.view, b.view, out, 0);
    tap_arena_free(scratch);
    tap_arena_free(broken);
    tap_arena_free(memory);
}

static void test_accuracy(void **state)
{
    (void)state;
    uint64_t      rng = 9;
    tap_arena    *memory = tap_arena_new();
    tensor_layout a = lay_out(memory, TAP_F32, TAP_SHAPE(3, 5000), PLAIN),
                  b = lay_out(memory, TAP_F32, TAP_SHAPE(5000, 4), PLAIN);
    tap_tensor out = guarded(memory, TAP_F32, TAP_SHAPE(3, 4));
    int64_t    index[TAP_MAX_RANK] = { 0 };
    fill_with_fractions(a, &rng);
    fill_with_fractions(b, &rng);
    assert_true(tap__matmul(a.view, b.view, out, false, memory));
    /* The terms' magnitudes add up to about 1250; the rounding error of such a sum is far below this bound. */
    for (int i = 0; i < 12; i++, next_index(out.shape, index))
        assert_true(fabs(load_at(out, i) - product_at(a.view, b.view, out.shape, index)) < 1250 * 0x1p-23 * 8);
    tap_arena_free(memory);
}

/* The strides of axes of size 1 do not matter; for others, rows or columns must not overlap or run backwards. */
static void test_blis_accepts(void **state)
{
    (void)state;
    static const struct {
        int64_t rows, columns, row_stride, column_stride;
        bool    accepted;
        int64_t new_row_stride, new_column_stride;
    } cases[] = {
        { 3, 4, 4, 1, true, 4, 1 },   { 3, 4, 5, 1, true, 5, 1 },   { 3, 4, 3, 1, false, 0, 0 }, { 3, 4, 1, 3, true, 1, 3 },
        { 3, 4, 1, 2, false, 0, 0 },  { 3, 4, 8, 2, true, 8, 2 },   { 3, 4, 7, 2, false, 0, 0 }, { 3, 4, 2, 6, true, 2, 6 },
        { 3, 4, 2, 5, false, 0, 0 },  { 3, 4, 2, 2, false, 0, 0 },  { 3, 4, 0, 1, false, 0, 0 }, { 3, 4, 1, 0, false, 0, 0 },
        { 3, 4, -4, 1, false, 0, 0 }, { 3, 4, 4, -1, false, 0, 0 }, { 2, 2, 2, 1, true, 2, 1 },  { 2, 2, 1, 2, true, 1, 2 },
        { 2, 2, 1, 1, false, 0, 0 },  { 1, 1, -7, 0, true, 1, 1 },  { 1, 1, 9, 4, true, 1, 1 },  { 0, 0, 0, 0, true, 1, 1 },
        { 5, 1, 1, 0, true, 1, 5 },   { 5, 1, 3, -2, true, 3, 1 },  { 5, 1, 2, 99, true, 2, 1 }, { 5, 1, 0, 1, false, 0, 0 },
        { 5, 1, -1, 1, false, 0, 0 }, { 2, 1, 1, 1, true, 1, 2 },   { 5, 0, 3, 0, true, 3, 1 },  { 1, 5, 0, 1, true, 5, 1 },
        { 1, 5, -3, 2, true, 1, 2 },  { 1, 5, 99, 3, true, 1, 3 },  { 1, 5, 1, 0, false, 0, 0 }, { 1, 5, 1, -1, false, 0, 0 },
        { 1, 2, 9, 5, true, 1, 5 },   { 2, 1, 5, 9, true, 5, 1 },   { 0, 5, 0, 1, true, 5, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tap__matrix x = { NULL, cases[i].rows, cases[i].columns, cases[i].row_stride, cases[i].column_stride };
        assert_int_equal(tap__blis_accepts(&x), cases[i].accepted);
        assert_true(x.rows == cases[i].rows && x.columns == cases[i].columns);
        if (!cases[i].accepted) continue;
        assert_int_equal(x.row_stride, cases[i].new_row_stride);
        assert_int_equal(x.column_stride, cases[i].new_column_stride);
    }
}

typedef bool (*product)(tap_tensor a, tap_tensor b, tap_tensor out, bool add, tap_arena *scratch);

static void check_threads(product multiply, tap_dtype dtype, tap_shape a, tap_shape b, int layout_a, int layout_b, bool add,
                          uint64_t *rng)
{
    static const int threads[] = { 1, 2, 3, 4, 8 };
    tap_arena       *memory = tap_arena_new();
    tensor_layout    x = lay_out(memory, dtype, a, layout_a), y = lay_out(memory, dtype, b, layout_b);
    tap_tensor       first = guarded(memory, dtype, out_shape(x.view, y.view)), out = guarded(memory, dtype, first.shape);
    size_t           bytes = (size_t)tap_numel(out.shape) * tap_dtype_size(dtype);
    fill_with_fractions(x, rng);
    fill_with_fractions(y, rng);
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        tap_tensor to = t == 0 ? first : out;
        tap_set_threads(threads[t]);
        tap_tensor_fill(to, 0.3);
        assert_true(multiply(x.view, y.view, to, add, memory));
        if (memcmp(to.data, first.data, bytes) != 0) {
            char text[2][TAP_SHAPE_TEXT];
            fail_msg("%s x %s, layouts %d %d: other bits with %d threads", tap_shape_format(text[0], a),
                     tap_shape_format(text[1], b), layout_a, layout_b, threads[t]);
        }
    }
    tap_set_threads(0);
    tap_arena_free(memory);
}

static void test_threads_change_no_bits(void **state)
{
    (void)state;
    /* clang-format off */
    static const int sizes[][3] = { { 33, 17, 1000 }, { 64, 64, 64 },    { 1, 300, 9000 },  { 300, 1, 9000 },
                                    { 97, 193, 150 }, { 193, 97, 150 },  { 5, 5, 110000 },  { 2000, 3, 450 },
                                    { 3, 2000, 450 }, { 129, 130, 160 }, { 100, 90, 5000 }, { 65, 16, 2600 },  { 16, 65, 2600 },
                                    { 980, 900, 3 } };
    /* clang-format on */
    uint64_t rng = 3;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
        check_threads(tap__matmul, TAP_F32, TAP_SHAPE(m, k), TAP_SHAPE(k, n), PLAIN, s % 2 ? PLAIN : TRANSPOSED, false, &rng);
        check_threads(tap__matmul, TAP_F64, TAP_SHAPE(m, k), TAP_SHAPE(k, n), s % 2 ? TRANSPOSED : PLAIN, PLAIN, true, &rng);
    }
    check_threads(tap__matmul, TAP_F32, TAP_SHAPE(820, 810), TAP_SHAPE(810, 1330), PLAIN, TRANSPOSED, true,
                  &rng); /* in blocks */
    /* The layers of a common network. */
    check_threads(tap__matmul, TAP_F32, TAP_SHAPE(128, 784), TAP_SHAPE(784, 400), PLAIN, TRANSPOSED, true, &rng);
    check_threads(tap__matmul, TAP_F32, TAP_SHAPE(784, 128), TAP_SHAPE(128, 400), TRANSPOSED, PLAIN, false, &rng);
}

/* BLIS by default computes small products by a path of its own, which would make the bits depend on the threads. */
static void test_threads_change_no_bits_of_blis(void **state)
{
    (void)state;
    uint64_t rng = 7;
    for (int i = 0; i < 24; i++) {
        const int m = 1 + random_below(&rng, 400), n = 1 + random_below(&rng, 400), k = 1 + random_below(&rng, 60);
        check_threads(tap__matmul_by_blis, i % 2 ? TAP_F32 : TAP_F64, TAP_SHAPE(m, k), TAP_SHAPE(k, n),
                      i % 4 < 2 ? PLAIN : TRANSPOSED, i % 8 < 4 ? PLAIN : TRANSPOSED, i & 1, &rng);
    }
}

/* Odd sizes and layouts, all large enough for several threads. */
static void test_threads_change_no_bits_anywhere(void **state)
{
    (void)state;
    uint64_t rng = 4;
    for (int i = 0; i < 60; i++) {
        int m = 1 + random_below(&rng, 300), n = 1 + random_below(&rng, 300),
            k = 1 + 1000000 * (1 + i % 4) / (m * n) + random_below(&rng, 40);
        check_threads(tap__matmul, i % 3 ? TAP_F32 : TAP_F64, TAP_SHAPE(m, k), TAP_SHAPE(k, n), random_below(&rng, LAYOUTS),
                      random_below(&rng, LAYOUTS), i & 1, &rng);
    }
}

static void test_threads_change_no_bits_in_batches(void **state)
{
    (void)state;
    uint64_t rng = 6;
    for (int layout = 0; layout < LAYOUTS; layout++) {
        check_threads(tap__matmul, TAP_F32, TAP_SHAPE(7, 60, 50), TAP_SHAPE(7, 50, 70), layout, PLAIN, false, &rng);
        check_threads(tap__matmul, TAP_F32, TAP_SHAPE(5, 61, 50), TAP_SHAPE(1, 50, 73), layout, PLAIN, true, &rng);
        check_threads(tap__matmul, TAP_F64, TAP_SHAPE(1, 61, 50), TAP_SHAPE(5, 50, 73), PLAIN, layout, false, &rng);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_several_tiles),
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_rows_that_repeat_or_overlap),
        cmocka_unit_test(test_blis_copies_to_scratch),
        cmocka_unit_test(test_every_width),
        cmocka_unit_test(test_a_part_has_the_bits_of_the_whole),
        cmocka_unit_test(test_blocks_and_packing),
        cmocka_unit_test(test_long_sums_take_memory),
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_blis_accepts),
        cmocka_unit_test(test_threads_change_no_bits),
        cmocka_unit_test(test_threads_change_no_bits_of_blis),
        cmocka_unit_test(test_threads_change_no_bits_anywhere),
        cmocka_unit_test(test_threads_change_no_bits_in_batches),
    };
    tap__parallel_threshold_for_tests(0); /* threads share even what is not worth it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
