/* tests/tensor/test_sums.c: sums of many float32 products have an error below 1e-6 of the sum of the terms' magnitudes, in all
 * algorithms. Meson runs this with the kernels of each vector width. Its argument is the number of terms of the longest
 * sums. */
#include <stdlib.h>

#include "layouts.h"
#include "tensor/kernels/conv.h"
#include "tensor/kernels/matmul.h"

static int64_t max_terms = 100000;

/* How terms are made: constants, which are the worst case of running sums, and numbers as models sum them. */
enum { CONSTANT, CONSTANTS, THIRDS, POSITIVE, MIXED_SIGNS, DECAYING, KINDS };

typedef struct {
    int      kind;
    uint64_t rng;
} terms;

static double fraction(terms *t)
{
    return random_below(&t->rng, 1 << 24) / 0x1p24;
}

/* Factor 0 or 1 of term i, in float32. */
static float factor(terms *t, int which, int64_t i)
{
    switch (t->kind) {
    case CONSTANT: return 0.1f;
    case CONSTANTS: return which ? 0.7f : 0.3f;
    case THIRDS: return 1 / 3.0f;
    case POSITIVE: return (float)fraction(t);
    case MIXED_SIGNS: return (float)(2 * fraction(t) - 1);
    default: return which ? 1 : 1 / (float)(1 + i);
    }
}

/* k terms a[i] b[i], their sum, and the sum of their magnitudes. */
typedef struct {
    float *a, *b;
    double sum, magnitude;
} series;

static series series_of(int kind, int64_t k)
{
    terms       t = { kind, 5 };
    long double sum = 0, magnitude = 0;
    series      s = { malloc((size_t)k * sizeof(float)), malloc((size_t)k * sizeof(float)), 0, 0 };
    assert_true(s.a && s.b);
    for (int64_t i = 0; i < k; i++) {
        s.a[i] = factor(&t, 0, i);
        s.b[i] = factor(&t, 1, i);
        sum += (long double)s.a[i] * (long double)s.b[i];
        magnitude += fabsl((long double)s.a[i] * (long double)s.b[i]);
    }
    s.sum = (double)sum;
    s.magnitude = (double)magnitude;
    return s;
}

static void free_series(series s)
{
    free(s.a);
    free(s.b);
}

/* All n elements of out are the same number, and the sum of s. */
static void assert_sum(const char *what, series s, int64_t k, const float *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const double error = fabs((double)out[i] - s.sum) / s.magnitude;
        if (!(error <= 1e-6))
            fail_msg("%s, %lld terms: error %.2g, %.9g for %.9g", what, (long long)k, error, (double)out[i], s.sum);
        if (out[i] != out[0]) fail_msg("%s, %lld terms: element %lld is not the first", what, (long long)k, (long long)i);
    }
}

/* ---- Products of matrices; all rows of a, and all columns of b, are the same ---- */

/* a_across, b_across: k is not the contiguous axis of the operand. */
typedef struct {
    const char *what;
    int64_t     batch, m, n;
    bool        a_across, b_across;
} shape;

static tap_tensor repeat_row(tap_arena *a, const float *x, int64_t batch, int64_t rows, int64_t k, bool across)
{
    tap_tensor t = tap_tensor_zeros(a, TAP_F32, across ? TAP_SHAPE(batch, k, rows) : TAP_SHAPE(batch, rows, k));
    assert_non_null(t.data);
    if (across) t = tap_tensor_transpose(a, t, 1, 2);
    tap_tensor_copy(t, tap_tensor_wrap(TAP_F32, TAP_SHAPE(k), (void *)(uintptr_t)x), NULL);
    return t;
}

static void check_product(const shape *p, int kind, int64_t k)
{
    const series s = series_of(kind, k);
    tap_arena   *memory = tap_arena_new();
    tap_tensor   a = repeat_row(memory, s.a, p->batch, p->m, k, p->a_across),
               bt = repeat_row(memory, s.b, p->batch, p->n, k, p->b_across);
    tap_tensor b = tap_tensor_transpose(memory, bt, 1, 2),
               out = tap_tensor_zeros(memory, TAP_F32, TAP_SHAPE(p->batch, p->m, p->n));
    for (int add = 0; add <= 1; add++) {
        tap_tensor_fill(out, add ? 0 : 77);
        assert_true(tap__matmul(a, b, out, add, memory));
        assert_sum(p->what, s, k, out.data, tap_numel(out.shape));
    }
    tap_arena_free(memory);
    free_series(s);
}

static void test_products(void **state)
{
    (void)state;
    /* clang-format off */
    static const shape shapes[] = {
        { "a dot product", 1, 1, 1, false, false },     { "a matrix by a vector", 1, 33, 1, false, false },
        { "few rows", 1, 5, 21, false, false },         { "a dot product across rows", 1, 1, 1, true, true },
        { "tiles", 1, 9, 50, false, true },             { "the gradient of a weight", 1, 20, 30, true, true },
        { "a layer", 1, 70, 33, false, false },         { "both across", 1, 33, 70, true, false },
        { "a batch", 3, 2, 3, true, true },             { "a batch of few rows", 3, 2, 3, false, false },
    };
    /* clang-format on */
    static const int64_t length[] = { 1000, 2500, 4096, 4097, 12345, 100000, 1000000, 10000000, 50000000 };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes * (sizeof length / sizeof *length); i++) {
        const shape  *p = &shapes[i / (sizeof length / sizeof *length)];
        const int64_t k = length[i % (sizeof length / sizeof *length)];
        for (int kind = 0; kind < KINDS && k * p->batch * (p->m + p->n) <= 2 * max_terms; kind++) check_product(p, kind, k);
    }
}

/* Operands of one element, broadcast to any number of terms. */
static void test_broadcast_element(void **state)
{
    (void)state;
    float        a = 0.1f, b = 0.7f;
    tap_arena   *memory = tap_arena_new();
    const series s = { NULL, NULL, (double)max_terms * (double)a * (double)b, (double)max_terms * (double)a * (double)b };
    tap_tensor   x = tap_tensor_expand(memory, tap_tensor_wrap(TAP_F32, TAP_SHAPE(1, 1), &a), TAP_SHAPE(3, max_terms));
    tap_tensor   y = tap_tensor_expand(memory, tap_tensor_wrap(TAP_F32, TAP_SHAPE(1, 1), &b), TAP_SHAPE(max_terms, 5));
    tap_tensor   out = tap_tensor_zeros(memory, TAP_F32, TAP_SHAPE(3, 5));
    assert_true(tap__matmul(x, y, out, false, memory));
    assert_sum("repeated elements", s, max_terms, out.data, 15);
    tap_arena_free(memory);
}

/* ---- Convolutions ---- */

/* An image of one row. */
static tap__conv geometry(int64_t batch, int64_t in, int64_t out, int64_t size, int64_t kernel)
{
    return (tap__conv){ batch, in, out, 1, { { 1, 1, 1, 1, 1, 0 }, { size, kernel, size - kernel + 1, 1, 1, 0 } } };
}

static tap_tensor image(tap_arena *a, int64_t batch, int64_t channels, int64_t size)
{
    return tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(batch, channels, 1, size));
}

/* x [..,n,size]: channel i is filled with values[i]. */
static void fill_channels(tap_tensor x, const float *values)
{
    x.shape.rank = 3; /* the axis of size 1 is left out */
    x.shape.n[2] = x.shape.n[3];
    x.stride[2] = x.stride[3];
    tap_tensor by_channel = tap_tensor_wrap(TAP_F32, TAP_SHAPE(x.shape.n[1], 1), (void *)(uintptr_t)values);
    tap_tensor_copy(x, by_channel, NULL);
}

/* Sums over k channels, forward and adjoint, with kernels of one element. */
static void check_channels(int kind, int64_t k)
{
    const series    s = series_of(kind, k);
    tap_arena      *memory = tap_arena_new();
    const tap__conv c = geometry(2, k, 3, 20, 1), back = geometry(2, 3, k, 20, 1);
    tap_tensor      x = image(memory, 2, k, 20), w = image(memory, 3, k, 1), y = image(memory, 2, 3, 20),
               wt = image(memory, k, 3, 1);
    fill_channels(x, s.a);
    fill_channels(w, s.b);
    tap_tensor_copy(wt, tap_tensor_transpose(memory, w, 0, 1), NULL);
    assert_true(tap__conv_forward(&c, x, w, NULL, y, memory));
    assert_sum("channels of a convolution", s, k, y.data, 120);
    assert_true(tap__conv_adjoint(&back, x, wt, NULL, y, memory));
    assert_sum("channels of a transposed convolution", s, k, y.data, 120);
    tap_arena_free(memory);
    free_series(s);
}

/* Sums over a kernel of k elements: forward on an image of k elements, and an adjoint whose result is one element. */
static void check_kernel_size(int kind, int64_t k)
{
    const series    s = series_of(kind, k);
    tap_arena      *memory = tap_arena_new();
    const tap__conv c = geometry(3, 1, 2, k, k), back = { 3, 1, 1, 1, { { 1, 1, 1, 1, 1, 0 }, { 1, k, k, 1, 1, k - 1 } } };
    tap_tensor x = image(memory, 3, 1, k), w = image(memory, 2, 1, k), y = image(memory, 3, 2, 1), z = image(memory, 3, 1, 1);
    tap_tensor_copy(x, tap_tensor_wrap(TAP_F32, TAP_SHAPE(k), s.a), NULL);
    tap_tensor_copy(w, tap_tensor_wrap(TAP_F32, TAP_SHAPE(k), s.b), NULL);
    assert_true(tap__conv_forward(&c, x, w, NULL, y, memory));
    assert_sum("a window of a convolution", s, k, y.data, 6);
    w = tap_tensor_slice(memory, w, 3, -1, TAP_END, -1); /* its last element meets the first output pixel */
    assert_true(tap__conv_adjoint(&back, x, tap_tensor_slice(memory, w, 0, 0, 1, 1), NULL, z, memory));
    assert_sum("a window of a transposed convolution", s, k, z.data, 3);
    tap_arena_free(memory);
    free_series(s);
}

/* The gradient of a weight: sums over the output pixels of all images. */
static void check_output_pixels(int kind, int64_t batch, int64_t pixels)
{
    const int64_t   k = batch * pixels;
    const series    s = series_of(kind, k);
    tap_arena      *memory = tap_arena_new();
    const tap__conv c = geometry(batch, 2, 3, pixels, 1);
    tap_tensor      x = image(memory, batch, 2, pixels), y = image(memory, batch, 3, pixels), w = image(memory, 3, 2, 1);
    tap_tensor_copy(x, tap_tensor_wrap(TAP_F32, TAP_SHAPE(batch, 1, 1, pixels), s.a), NULL);
    tap_tensor_copy(y, tap_tensor_wrap(TAP_F32, TAP_SHAPE(batch, 1, 1, pixels), s.b), NULL);
    assert_true(tap__conv_weight(&c, x, y, w, memory));
    assert_sum("the weight of a convolution", s, k, w.data, 6);
    tap_arena_free(memory);
    free_series(s);
}

static void test_convolutions(void **state)
{
    (void)state;
    const int64_t more = max_terms > 500000 ? max_terms : 500000;
    for (int kind = 0; kind < KINDS; kind++) {
        check_channels(kind, 1000);
        check_channels(kind, 4097);
        check_channels(kind, 12345);
        check_kernel_size(kind, 1000);
        check_kernel_size(kind, 2000);
        check_output_pixels(kind, 64, 784);
        check_output_pixels(kind, 20, 5000);
        check_output_pixels(kind, 2000, 49);
        check_output_pixels(kind, 100000, 1);
        check_output_pixels(kind, more / 128, 128);
        check_output_pixels(kind, 1, more);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_broadcast_element),
        cmocka_unit_test(test_convolutions),
    };
    if (argc > 1) max_terms = strtoll(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
