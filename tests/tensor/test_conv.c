/* tests/tensor/test_conv.c: convolutions against plain loops, for all kinds of windows, groups, layouts and batches, in memory
 * that held NaN before. */
#include <stdlib.h>

#include "layouts.h"
#include "tensor/kernels/conv.h"
#include "tensor/arena.h"
#include "tensor/parallel.h"

enum { GUARD = 16 }; /* elements before and after a result that nothing may touch */
enum { FORWARD, ADJOINT, WEIGHT, FUNCTIONS };

/* batch, in, out, groups; for each axis: size, kernel, count, stride, dilation, pad_before. */
static const tap__conv listed[] = {
    { 2, 3, 4, 1, { { 5, 3, 3, 1, 1, 0 }, { 4, 2, 3, 1, 1, 0 } } },
    { 1, 1, 1, 1, { { 1, 1, 1, 1, 1, 0 }, { 1, 1, 1, 1, 1, 0 } } },
    { 1, 4, 6, 2, { { 7, 3, 7, 1, 1, 1 }, { 9, 3, 9, 1, 1, 1 } } },
    { 3, 4, 4, 4, { { 6, 3, 3, 2, 1, 1 }, { 8, 3, 4, 2, 1, 1 } } },
    { 3, 6, 9, 3, { { 6, 2, 2, 3, 2, 2 }, { 17, 4, 6, 3, 2, 2 } } },
    { 41, 2, 4, 2, { { 6, 3, 6, 1, 1, 1 }, { 6, 3, 6, 1, 1, 1 } } },     /* several work items, the last one smaller */
    { 33, 2, 2, 2, { { 11, 2, 10, 1, 1, 0 }, { 11, 2, 10, 1, 1, 0 } } }, /* more work items than parts */
    { 19, 3, 2, 1, { { 12, 2, 11, 1, 1, 0 }, { 13, 2, 12, 1, 1, 0 } } }, /* an image is a work item */
    { 1, 2, 2, 1, { { 16, 3, 14, 1, 1, 0 }, { 40, 3, 19, 2, 1, 0 } } },
    { 2, 1, 2, 1, { { 3, 3, 5, 1, 1, 2 }, { 31, 3, 11, 3, 1, 2 } } },
    { 2, 2, 2, 1, { { 3, 5, 3, 1, 2, 4 }, { 2, 5, 2, 1, 2, 4 } } }, /* most kernel elements see only padding */
    { 2, 2, 2, 1, { { 3, 1, 5, 2, 1, 3 }, { 3, 1, 5, 2, 1, 3 } } },
    { 2, 2, 2, 1, { { 3, 2, 6, 1, 1, 0 }, { 3, 2, 9, 1, 1, 1 } } }, /* windows beyond the end */
    { 2, 2, 3, 1, { { 9, 2, 2, 1, 1, 0 }, { 9, 2, 3, 2, 1, 0 } } }, /* elements that no kernel element sees */
    { 2, 1, 3, 1, { { 5, 2, 2, 3, 1, 0 }, { 7, 2, 1, 9, 1, 1 } } },
    { 2, 2, 3, 1, { { 1, 3, 2, 3, 1, 0 }, { 1, 3, 2, 3, 1, 0 } } }, /* steps longer than the axis */
    { 2, 2, 3, 1, { { 2, 3, 2, 4, 2, 1 }, { 2, 5, 3, 5, 1, 2 } } },
    { 3, 2, 2, 2, { { 1, 1, 1, 1, 1, 0 }, { 70, 7, 32, 2, 1, 0 } } },
    { 2, 2, 2, 2, { { 20, 3, 18, 1, 1, 0 }, { 3, 3, 1, 1, 1, 0 } } },
    { 0, 2, 2, 1, { { 3, 2, 2, 1, 1, 0 }, { 3, 2, 2, 1, 1, 0 } } },
    { 2, 0, 2, 1, { { 3, 2, 2, 1, 1, 0 }, { 3, 2, 2, 1, 1, 0 } } },
    { 2, 0, 4, 2, { { 13, 2, 12, 1, 1, 0 }, { 13, 2, 12, 1, 1, 0 } } },
    { 2, 2, 0, 1, { { 3, 2, 2, 1, 1, 0 }, { 3, 2, 2, 1, 1, 0 } } },
    { 3, 2, 2, 1, { { 3, 2, 0, 1, 1, 0 }, { 3, 2, 2, 1, 1, 0 } } },
    { 3, 2, 2, 1, { { 3, 2, 2, 1, 1, 0 }, { 0, 2, 2, 1, 1, 2 } } },
    { 1, 4100, 1, 1, { { 1, 1, 1, 1, 1, 0 }, { 3, 1, 3, 1, 1, 0 } } }, /* sums so long that they continue in double */
    { 1, 1, 4100, 1, { { 1, 1, 1, 1, 1, 0 }, { 3, 1, 3, 1, 1, 0 } } },
    { 2, 1, 2, 1, { { 1, 1, 1, 1, 1, 0 }, { 4200, 1, 4200, 1, 1, 0 } } },
    { 140, 1, 2, 1, { { 1, 1, 1, 1, 1, 0 }, { 130, 1, 130, 1, 1, 0 } } },
    { 130, 2, 2, 2, { { 1, 1, 1, 1, 1, 0 }, { 130, 1, 130, 1, 1, 0 } } },
    { 2, 2, 2, 1, { { 6, 5, 6, 1, 1, 2 }, { 20, 9, 20, 1, 1, 4 } } },
    { 3, 2, 2, 1, { { 9, 5, 4, 2, 1, 1 }, { 24, 7, 9, 2, 2, 3 } } },
};

enum { LISTED = sizeof listed / sizeof *listed };

static tap__conv_axis random_axis(uint64_t *rng)
{
    return (tap__conv_axis){ 1 + random_below(rng, 20), 1 + random_below(rng, 4), 1 + random_below(rng, 15),
                             1 + random_below(rng, 4),  1 + random_below(rng, 3), random_below(rng, 5) };
}

static tap__conv random_conv(uint64_t *rng)
{
    const int64_t groups = 1 + random_below(rng, 3);
    return (tap__conv){ 1 + random_below(rng, 6),
                        groups * (1 + random_below(rng, 3)),
                        groups * (1 + random_below(rng, 5)),
                        groups,
                        { random_axis(rng), random_axis(rng) } };
}

static tap_shape shape_of_x(const tap__conv *c)
{
    return TAP_SHAPE(c->batch, c->in, c->axis[0].size, c->axis[1].size);
}

static tap_shape shape_of_y(const tap__conv *c)
{
    return TAP_SHAPE(c->batch, c->out, c->axis[0].count, c->axis[1].count);
}

static tap_shape shape_of_w(const tap__conv *c)
{
    return TAP_SHAPE(c->out, c->in / c->groups, c->axis[0].kernel, c->axis[1].kernel);
}

/* The operands and the result of a convolution. */
typedef struct {
    tap__conv  c;
    tap_tensor x, y, w;
} convolution;

/* Called for every product x w of the sum for an element of y: the offsets of the three elements in C order. */
typedef void (*product_visitor)(int64_t at_x, int64_t at_y, int64_t at_w, convolution *job, double *want);

static void visit_products(convolution *job, product_visitor visit, double *want)
{
    const tap__conv *c = &job->c;
    const tap_shape  y = shape_of_y(c), w = shape_of_w(c);
    for (int64_t i = 0; i < tap_numel(y) * (tap_numel(w) / (c->out ? c->out : 1)); i++) {
        int64_t rest = i, at[4], element[4];
        for (int k = 3; k >= 1; k--) {
            element[k] = rest % w.n[k];
            rest /= w.n[k];
        }
        for (int k = 3; k >= 0; k--) {
            at[k] = rest % y.n[k];
            rest /= y.n[k];
        }
        element[0] = at[1];
        const int64_t row = at[2] * c->axis[0].stride + element[2] * c->axis[0].dilation - c->axis[0].pad_before;
        const int64_t column = at[3] * c->axis[1].stride + element[3] * c->axis[1].dilation - c->axis[1].pad_before;
        const int64_t channel = at[1] / (c->out / c->groups) * w.n[1] + element[1];
        if (row < 0 || row >= c->axis[0].size || column < 0 || column >= c->axis[1].size) continue;
        visit(((at[0] * c->in + channel) * c->axis[0].size + row) * c->axis[1].size + column,
              ((at[0] * y.n[1] + at[1]) * y.n[2] + at[2]) * y.n[3] + at[3],
              ((element[0] * w.n[1] + element[1]) * w.n[2] + element[2]) * w.n[3] + element[3], job, want);
    }
}

/* Element i in C order. */
static double element(tap_tensor x, int64_t i)
{
    int64_t index[TAP_MAX_RANK];
    for (int k = x.shape.rank - 1; k >= 0; k--) {
        index[k] = i % x.shape.n[k];
        i /= x.shape.n[k];
    }
    return load_at(x, offset_at(x, index));
}

static void add_to_y(int64_t x, int64_t y, int64_t w, convolution *job, double *want)
{
    want[y] += element(job->x, x) * element(job->w, w);
}

static void add_to_x(int64_t x, int64_t y, int64_t w, convolution *job, double *want)
{
    want[x] += element(job->y, y) * element(job->w, w);
}

static void add_to_w(int64_t x, int64_t y, int64_t w, convolution *job, double *want)
{
    want[w] += element(job->y, y) * element(job->x, x);
}

static bool convolve(int function, convolution *job, const tap_tensor *bias, tap_arena *scratch)
{
    if (function == FORWARD) return tap__conv_forward(&job->c, job->x, job->w, bias, job->y, scratch);
    if (function == ADJOINT) return tap__conv_adjoint(&job->c, job->y, job->w, bias, job->x, scratch);
    return tap__conv_weight(&job->c, job->x, job->y, job->w, scratch);
}

/* Replaces the result's tensor by one that is full of NaN, with a guard before and after it. */
static tap_tensor *result_of(int function, convolution *job, tap_arena *memory)
{
    tap_tensor     *out = function == FORWARD ? &job->y : function == ADJOINT ? &job->x : &job->w;
    const int64_t   n = tap_numel(out->shape);
    const tap_dtype dtype = out->dtype;
    tap_tensor      all = tap_tensor_zeros(memory, dtype, TAP_SHAPE(n + 2 * GUARD));
    assert_non_null(all.data);
    tap_tensor_fill(all, 77);
    *out = tap_tensor_wrap(dtype, out->shape, (char *)all.data + GUARD * tap_dtype_size(dtype));
    tap_tensor_fill(*out, (double)NAN);
    return out;
}

/* Operands of small whole numbers, so that every sum is exact. */
static convolution lay_out_all(const tap__conv *c, tap_dtype dtype, int layout, tap_arena *memory, uint64_t *rng)
{
    tensor_layout x = lay_out(memory, dtype, shape_of_x(c), layout % LAYOUTS),
                  y = lay_out(memory, dtype, shape_of_y(c), (layout + 2) % LAYOUTS);
    tensor_layout w = lay_out(memory, dtype, shape_of_w(c), (layout + 5) % LAYOUTS);
    fill_random(x, -4, 9, rng);
    fill_random(y, -4, 9, rng);
    fill_random(w, -4, 9, rng);
    return (convolution){ *c, x.view, y.view, w.view };
}

/* An arena whose memory is full of NaN. */
static tap_arena *arena_full_of_nan(size_t bytes)
{
    tap_arena *a = tap_arena_new();
    void      *p = tap_arena_alloc(a, bytes);
    assert_non_null(p);
    memset(p, 0xff, bytes);
    tap_arena_reset(a);
    return a;
}

static void compare(int function, convolution *job, const tap_tensor *bias, tap_tensor out)
{
    static const product_visitor visit[FUNCTIONS] = { add_to_y, add_to_x, add_to_w };
    const int64_t                n = tap_numel(out.shape), plane = out.shape.n[2] * out.shape.n[3];
    double                      *want = calloc((size_t)n + 1, sizeof *want);
    assert_non_null(want);
    for (int64_t i = 0; bias && i < n; i++) want[i] = load_at(*bias, i / plane % out.shape.n[1] * bias->stride[0]);
    visit_products(job, visit[function], want);
    for (int64_t i = 0; i < n; i++) {
        if (load_at(out, i) != want[i])
            fail_msg("function %d, element %d: %g, not %g", function, (int)i, load_at(out, i), want[i]);
    }
    for (int i = 1; i <= GUARD; i++) assert_true(load_at(out, -i) == 77 && load_at(out, n - 1 + i) == 77);
    free(want);
}

static void check(convolution job, int function, bool biased, int threads, tap_arena *scratch)
{
    uint64_t      rng = 3;
    tap_arena    *memory = tap_arena_new();
    tensor_layout bias =
        lay_out(memory, job.x.dtype, TAP_SHAPE(function == FORWARD ? job.c.out : job.c.in), threads % 2 ? PLAIN : MIXED);
    fill_random(bias, 1, 9, &rng);
    tap_tensor *out = result_of(function, &job, memory);
    tap_set_threads(threads);
    assert_true(convolve(function, &job, biased && function != WEIGHT ? &bias.view : NULL, scratch));
    compare(function, &job, biased && function != WEIGHT ? &bias.view : NULL, *out);
    tap_set_threads(0);
    tap_arena_free(memory);
}

static void check_all(const tap__conv *c, int layout, uint64_t *rng)
{
    for (int k = 0; k < 2 * FUNCTIONS; k++) {
        tap_arena  *memory = tap_arena_new(), *scratch = arena_full_of_nan(1 << 21);
        convolution job = lay_out_all(c, k % 2 ? TAP_F64 : TAP_F32, layout, memory, rng);
        check(job, k / 2, (layout + k) % 3 != 0, 1 + (layout + k) % 4, scratch);
        tap_arena_free(scratch);
        tap_arena_free(memory);
    }
}

static void test_listed_convolutions(void **state)
{
    (void)state;
    uint64_t rng = 1;
    for (int i = 0; i < LISTED; i++) {
        for (int layout = 0; layout < LAYOUTS; layout++) check_all(&listed[i], layout, &rng);
    }
}

static void test_random_convolutions(void **state)
{
    (void)state;
    uint64_t rng = 2;
    for (int i = 0; i < 150; i++) {
        const tap__conv c = random_conv(&rng);
        check_all(&c, i, &rng);
    }
}

/* One image, whose y has strides similar to those that a product can read directly: overlapping rows, and strides within a
 * row. */
static void test_strides_of_y(void **state)
{
    (void)state;
    static const struct {
        int64_t count, row, step;
    } cases[] = { { 6, 6, 1 },  { 6, 6, 2 }, { 6, 5, 1 }, { 6, 7, 1 }, { 6, 6, 0 },
                  { 6, 6, -1 }, { 1, 3, 1 }, { 1, 1, 3 }, { 2, 1, 2 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t        rng = i;
        tap_arena      *memory = tap_arena_new(), *scratch = arena_full_of_nan(1 << 20);
        const tap__conv c = { 1, 2, 4, 2, { { 5, 2, 4, 1, 1, 0 }, { 7, 2, cases[i].count, 1, 1, 0 } } };
        convolution     job = lay_out_all(&c, TAP_F32, PLAIN, memory, &rng);
        tensor_layout   y = lay_out(memory, TAP_F32, TAP_SHAPE(300), PLAIN);
        fill_random(y, -4, 9, &rng);
        job.y.data = (float *)y.view.data + 50;
        job.y.stride[1] = 40;
        job.y.stride[2] = cases[i].row;
        job.y.stride[3] = cases[i].step;
        check(job, ADJOINT, true, 1, scratch);
        check(job, WEIGHT, false, 1, scratch);
        tap_arena_free(scratch);
        tap_arena_free(memory);
    }
}

/* Fractions as operands, so that sums are rounded. */
static void test_threads_change_no_bits(void **state)
{
    (void)state;
    static const int threads[] = { 1, 2, 3, 5, 8 };
    uint64_t         rng = 4;
    for (int i = 0; i < LISTED * FUNCTIONS; i++) {
        tap_arena  *memory = tap_arena_new();
        convolution job = lay_out_all(&listed[i / FUNCTIONS], i % 2 ? TAP_F64 : TAP_F32, PLAIN, memory, &rng);
        tap_tensor  first = { 0 }, all[] = { job.x, job.y, job.w };
        for (int k = 0; k < 3; k++) {
            for (int64_t at = 0; at < tap_numel(all[k].shape); at++)
                tap_tensor_set_item(all[k], at, random_below(&rng, 1 << 30) / 0x1p29 - 1);
        }
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            tap_arena        *scratch = arena_full_of_nan(1 << 21);
            const tap_tensor *out = result_of(i % FUNCTIONS, &job, memory);
            tap_set_threads(threads[t]);
            assert_true(convolve(i % FUNCTIONS, &job, NULL, scratch));
            if (t == 0) first = *out;
            assert_memory_equal(out->data, first.data, (size_t)tap_numel(out->shape) * tap_dtype_size(out->dtype));
            tap_arena_free(scratch);
        }
        tap_set_threads(0);
        tap_arena_free(memory);
    }
}

/* Scratch memory is released, also that of copies; without memory the functions return false. */
static void test_scratch(void **state)
{
    (void)state;
    static const tap__conv cases[] = { { 5, 1, 4, 1, { { 6, 2, 5, 1, 1, 0 }, { 6, 2, 5, 1, 1, 0 } } },
                                       { 20, 1, 4, 1, { { 6, 2, 5, 1, 1, 0 }, { 6, 2, 5, 1, 1, 0 } } } };
    uint64_t               rng = 6;
    for (int i = 0; i < 4 * FUNCTIONS; i++) {
        const int     function = i % FUNCTIONS, layout = i / FUNCTIONS % 2 ? MIXED : PLAIN;
        tap_arena    *memory = tap_arena_new(), *broken = tap_arena_new(), *scratch = tap_arena_new();
        convolution   job = lay_out_all(&cases[i / FUNCTIONS / 2], TAP_F32, PLAIN, memory, &rng);
        tensor_layout w = lay_out(memory, TAP_F32, job.w.shape, layout);
        tensor_layout bias = lay_out(memory, TAP_F32, TAP_SHAPE(function == FORWARD ? job.c.out : job.c.in), layout);
        job.w = w.view;
        result_of(function, &job, memory);
        tap_error_set(tap_arena_error(broken), TAP_ENOMEM, "broken");
        assert_false(convolve(function, &job, &bias.view, broken));
        assert_true(convolve(function, &job, &bias.view, scratch));
        const size_t held = tap__arena_bytes(scratch);
        for (int k = 0; k < 600; k++) assert_true(convolve(function, &job, &bias.view, scratch));
        assert_int_equal(tap__arena_bytes(scratch), held);
        tap_arena_free(scratch);
        tap_arena_free(broken);
        tap_arena_free(memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listed_convolutions),
        cmocka_unit_test(test_random_convolutions),
        cmocka_unit_test(test_strides_of_y),
        cmocka_unit_test(test_threads_change_no_bits),
        cmocka_unit_test(test_scratch),
    };
    tap__parallel_threshold_for_tests(0); /* threads share even what is not worth it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
