/* tests/bad_arguments/test_integers.c: every integer argument at its extremes. Whatever the sizes, steps and indices are, a
 * call gives a result, or an error that names a function. Under the sanitizers, no computation may overflow. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/models.h"
#include "tests/check.h"

/* Some calls ask for more memory than there is: malloc must give NULL under the address sanitizer, too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* Sizes between 2^24 and 2^59 are left out: there may be memory for the smaller ones, and the calls would take minutes. */
static const int64_t values[] = { INT64_MIN, INT64_MIN + 1, -(1ll << 62), -(1ll << 32),  INT_MIN,  -4, -3, -1, 0, 1, 2, 3, 4, 7,
                                  1ll << 59, 1ll << 60,     1ll << 62,    INT64_MAX - 1, INT64_MAX };
static const int64_t large[] = { INT_MAX, 1ll << 31, 1ll << 32, 1ll << 40 };
enum { N_VALUES = sizeof values / sizeof *values, N_LARGE = sizeof large / sizeof *large };

static double data[240];

typedef struct {
    tap_tape *t;
    tap_var   none, pair, image, batch, kernel, square, index; /* [3,4], [2,3,4], [1,2,3,4], [2,2,2,2], [4,4,4], int64 [3] */
} inputs;

static tap_var input(tap_tape *t, tap_shape s)
{
    return tap_variable(t, tap_tensor_wrap(TAP_F64, s, data));
}

static inputs begin(void)
{
    static int64_t indices[] = { 0, 1, 2 };
    inputs         in = { .t = tap_tape_new(TAP_F64, 0) };
    in.pair = input(in.t, TAP_SHAPE(3, 4));
    in.image = input(in.t, TAP_SHAPE(2, 3, 4));
    in.batch = input(in.t, TAP_SHAPE(1, 2, 3, 4));
    in.kernel = input(in.t, TAP_SHAPE(2, 2, 2, 2));
    in.square = input(in.t, TAP_SHAPE(4, 4, 4));
    in.index = tap_input(in.t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(3), indices));
    return in;
}

/* A call with two integers, or with one of them. */
typedef struct {
    const char *name;
    tap_var (*call)(const inputs *in, int64_t a, int64_t b);
} call;

#define POOL(...) ((tap_pool_options){ __VA_ARGS__ })
#define CONV(...) ((tap_conv_options){ __VA_ARGS__ })

/* Pads both ends of the last axis, and of the axis before it. */
static tap_var pad_last(tap_var x, int64_t a, int64_t b, tap_pad_mode mode, double value)
{
    return tap_pad(x, 2, (int64_t[]){ a, b }, mode, value);
}

static tap_var pad_before_last(tap_var x, int64_t a, int64_t b, tap_pad_mode mode, double value)
{
    return tap_pad(x, 4, (int64_t[]){ 0, 0, a, b }, mode, value);
}

static tap_var first(int n, const tap_var *out)
{
    return n > 0 ? out[0] : (tap_var){ 0 };
}

/* clang-format off */
#define CALLS \
    X(slice, tap_slice(in->pair, 1, a, b, 1)) \
    X(slice_step, tap_slice(in->pair, 1, 2, a, b)) \
    X(narrow, tap_narrow(in->pair, 1, a, b)) \
    X(select, tap_select(in->pair, 0, a)) \
    X(unfold, tap_unfold(in->pair, 1, a, b)) \
    X(fold, tap_fold(in->image, 0, a, b)) \
    X(zero_pad, tap_zero_pad(in->pair, 1, a, b)) \
    X(diagonal, tap_diagonal(in->pair, a, 0, 1)) \
    X(diag_embed, tap_diag_embed(in->pair, a, 0, 1)) \
    X(tril, tap_add(tap_tril(in->pair, a), tap_triu(in->pair, b))) \
    X(roll, tap_roll(in->pair, 2, (int64_t[]){ a, b }, (int[]){ 0, 1 })) \
    X(roll_flat, tap_roll(in->pair, 1, &a, NULL)) \
    X(repeat, tap_repeat(in->pair, TAP_SHAPE(a, b))) \
    X(repeat_empty, tap_repeat(tap_slice(in->pair, 0, 0, 0, 1), TAP_SHAPE(a, b))) \
    X(tile, tap_tile(in->pair, TAP_SHAPE(a, b, 2))) \
    X(reshape, tap_reshape(in->pair, TAP_SHAPE(a, b))) \
    X(unflatten, tap_unflatten(in->pair, 1, TAP_SHAPE(a, b))) \
    X(expand, tap_expand(tap_slice(in->pair, 0, 0, 1, 1), TAP_SHAPE(a, b, 4))) \
    X(sum_to, tap_sum_to(in->pair, TAP_SHAPE(a, b))) \
    X(split, first(tap_split(in->pair, a, 1, 4, out), out)) \
    X(chunk, first(tap_chunk(in->pair, a, 1, 4, out), out)) \
    X(topk, tap_topk(in->pair, a, 1, b > 0, NULL)) \
    X(zeros, tap_zeros(in->t, TAP_SHAPE(a, b))) \
    X(randn, tap_randn(in->t, TAP_SHAPE(a, b))) \
    X(arange, tap_arange(in->t, a)) \
    X(eye, tap_eye(in->t, a)) \
    X(polygamma, tap_polygamma((int)a, in->pair)) \
    X(one_hot, tap_one_hot(in->index, a)) \
    X(embedding, tap_embedding(in->index, in->pair, a)) \
    X(nll_loss, \
      tap_nll_loss(tap_mT(in->pair), tap_one_hot(tap_slice(in->index, 0, 0, 1, 1), 4), in->none, a, TAP_REDUCE_MEAN)) \
    X(cross_entropy, tap_cross_entropy(in->pair, in->index, in->none, a, TAP_REDUCE_MEAN, 0.1)) \
    X(layer_norm, tap_layer_norm(in->pair, TAP_SHAPE(a, b), in->none, in->none, 1e-5)) \
    X(group_norm, tap_group_norm(in->square, a, in->none, in->none, 1e-5)) \
    X(sample_n, tap_sample_n(tap_normal(in->pair, in->pair), a)) \
    X(kl_monte_carlo, tap_kl_monte_carlo(tap_normal(in->pair, in->pair), tap_laplace(in->pair, in->pair), a, NULL)) \
    X(pad, pad_last(in->pair, a, b, TAP_PAD_CONSTANT, 1)) \
    X(pad_reflect, pad_last(in->image, a, b, TAP_PAD_REFLECT, 0)) \
    X(pad_replicate, pad_last(in->image, a, b, TAP_PAD_REPLICATE, 0)) \
    X(pad_circular, pad_before_last(in->image, a, b, TAP_PAD_CIRCULAR, 0)) \
    X(blur, tap_gaussian_blur(in->square, a, 1)) \
    X(max_pool_stride, tap_max_pool2d(in->image, POOL(.kernel = { a, 2 }, .stride = { b, 1 }), NULL)) \
    X(max_pool_padding, tap_max_pool2d(in->image, POOL(.kernel = { a, 2 }, .padding = { b, 1 }, .ceil_mode = true), NULL)) \
    X(max_pool_dilation, tap_max_pool2d(in->image, POOL(.kernel = { 2, a }, .dilation = { 1, b }, .ceil_mode = true), NULL)) \
    X(max_pool_strides, tap_max_pool2d(in->image, POOL(.kernel = { 2, 2 }, .stride = { a, b }, .ceil_mode = true), NULL)) \
    X(avg_pool, tap_avg_pool2d(in->image, POOL(.kernel = { a, 2 }, .divisor = b, .exclude_pad = true))) \
    X(avg_pool_padding, tap_avg_pool2d(in->image, POOL(.kernel = { 2, a }, .padding = { 1, b }, .ceil_mode = true))) \
    X(adaptive_pool, tap_adaptive_avg_pool2d(in->image, a, b)) \
    X(conv_stride, tap_conv2d(in->image, in->kernel, in->none, CONV(.stride = { a, 1 }, .padding = { b, 0 }))) \
    X(conv_dilation, tap_conv2d(in->image, in->kernel, in->none, CONV(.dilation = { a, 1 }, .padding = { b, 0 }))) \
    X(conv_same, tap_conv2d(in->image, in->kernel, in->none, CONV(.dilation = { a, b }, .same = true))) \
    X(conv_groups, tap_conv2d(in->image, in->kernel, in->none, CONV(.groups = a, .output_padding = { b, 0 }))) \
    X(transpose_stride, tap_conv_transpose2d(in->image, in->kernel, in->none, CONV(.stride = { a, 1 }, .padding = { b, 0 }))) \
    X(transpose_dilation, \
      tap_conv_transpose2d(in->image, in->kernel, in->none, CONV(.stride = { a, 1 }, .dilation = { b, 1 }))) \
    X(transpose_groups, tap_conv_transpose2d(in->image, in->kernel, in->none, CONV(.groups = a, .output_padding = { b, 0 }))) \
    X(nearest, tap_interpolate(in->batch, (tap_interpolate_options){ .size = { a, b } })) \
    X(linear, tap_interpolate(in->batch, (tap_interpolate_options){ .size = { a, b }, .mode = TAP_INTERPOLATE_LINEAR })) \
    X(area, tap_interpolate(in->batch, (tap_interpolate_options){ .size = { a, b }, .mode = TAP_INTERPOLATE_AREA })) \
    X(scale, tap_interpolate(in->batch, (tap_interpolate_options){ .scale = { (double)a, (double)b } })) \
    X(pixel_shuffle, tap_pixel_shuffle(in->square, a)) \
    X(pixel_unshuffle, tap_pixel_unshuffle(in->square, a))
/* clang-format on */

#define X(name, ...) \
    static tap_var call_##name(const inputs *in, int64_t a, int64_t b) \
    { \
        tap_var out[4]; \
        (void)out, (void)a, (void)b; \
        return __VA_ARGS__; \
    }
CALLS
#undef X

static const call calls[] = {
#define X(name, ...) { #name, call_##name },
    CALLS
#undef X
};

/* A result must have a gradient; without a result, there must be a message "function: ...". */
static void check(const call *c, int64_t a, int64_t b)
{
    const char   *message;
    const inputs  in = begin();
    const tap_var y = c->call(&in, a, b);
    const int64_t n = tap_numel(tap_shape_of(y));
    if (tap_tape_status(in.t, &message) != TAP_OK) {
        if (!strstr(message, ": ")) fail_msg("%s(%lld, %lld): '%s'", c->name, (long long)a, (long long)b, message);
    } else if (n >= 0 && n < 10000 && tap_dtype_is_float(tap_value(y).dtype)) {
        tap_backward(tap_sum(y, TAP_ALL));
    }
    tap_tape_free(in.t);
}

static void test_operators(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++)
        for (int i = 0; i < N_VALUES * N_VALUES; i++) check(&calls[k], values[i / N_VALUES], values[i % N_VALUES]);
}

/* An index, an offset or a step is no size, and may have any value. */
static void test_indices_and_steps(void **state)
{
    static const char *const names[] = { "slice",    "slice_step", "narrow", "select",   "unfold",
                                         "diagonal", "tril",       "roll",   "roll_flat" };
    (void)state;
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++)
        for (size_t n = 0; n < sizeof names / sizeof *names; n++)
            for (int i = 0; i < N_LARGE * N_VALUES && !strcmp(calls[k].name, names[n]); i++) {
                check(&calls[k], large[i / N_VALUES], values[i % N_VALUES]);
                check(&calls[k], values[i % N_VALUES], large[i / N_VALUES]);
                check(&calls[k], -large[i / N_VALUES], large[i / N_VALUES]);
            }
}

static void test_sparse_matrices_clusters_and_loaders(void **state)
{
    int64_t          label[4];
    const tap_tensor x = tap_tensor_wrap(TAP_F64, TAP_SHAPE(4, 3), data), to = tap_tensor_wrap(TAP_I64, TAP_SHAPE(4), label);
    (void)state;
    for (int i = 0; i < N_VALUES; i++) {
        const int64_t v = values[i];
        tap_arena    *a = tap_arena_new();
        tap_error     e = { 0 };
        const tap_csr s = tap_csr_from_dense(a, x);
        assert_true((tap_csr_pca(a, s, v, 0).data != NULL) == (v >= 1 && v <= 3));
        assert_true(tap_csr_rows(tap_tensor_wrap(TAP_F64, TAP_SHAPE(1, 3), data + 100), s, &v, &e) ==
                    (v >= 0 && v < 4 ? TAP_OK : TAP_EARG));
        e = (tap_error){ 0 };
        assert_true(isfinite(tap_kmeans(x, (tap_kmeans_options){ .clusters = v }, to, &e)) == (v >= 1 && v <= 4));
        tap_loader *l = tap_loader_new(x, (tap_loader_options){ .batch = v });
        assert_true((tap_loader_status(l, NULL) == TAP_OK) == (v >= 0));
        assert_true(tap_loader_batches(l) == (v < 0 ? 0 : v > 0 && v < 4 ? (4 + v - 1) / v : 1));
        tap_loader_free(l);
        tap_arena_free(a);
    }
}

/* Two sizes of a model at a time. */
static void test_models(void **state)
{
    (void)state;
    for (int i = 0; i < N_VALUES * N_VALUES; i++) {
        const int64_t a = values[i / N_VALUES], b = values[i % N_VALUES];
        tap_module   *m = tap_module_new(TAP_F32, 0);
        tap_linear    linear;
        tap_conv      conv[2];
        tap_vae       vae[2];
        tap_count_vae counts;
        tap_linear_init(&linear, m, "linear", a, b);
        tap_module_free(m);
        m = tap_module_new(TAP_F32, 0);
        tap_conv_init(&conv[0], m, "conv", a, 2, b, (tap_conv_options){ 0 });
        tap_module_free(m);
        m = tap_module_new(TAP_F32, 0);
        tap_conv_transpose_init(&conv[1], m, "conv", 4, a, 2, (tap_conv_options){ .groups = b });
        tap_module_free(m);
        m = tap_module_new(TAP_F32, 0);
        tap_vae_init(&vae[0], m, (tap_vae_options){ .data = a, .latent = b, .n_hidden = 1, .hidden = { 2 } });
        tap_module_free(m);
        m = tap_module_new(TAP_F32, 0);
        tap_vae_init(&vae[1], m,
                     (tap_vae_options){ .data = 16, .image = { a, b, 4 }, .n_conv = 1, .conv = { 2 }, .latent = 2 });
        tap_module_free(m);
        m = tap_module_new(TAP_F32, 0);
        tap_count_vae_init(&counts, m,
                           (tap_count_vae_options){ .genes = a, .condition = b, .latent = 2, .n_hidden = 1, .hidden = { 2 } });
        tap_module_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_indices_and_steps),
        cmocka_unit_test(test_sparse_matrices_clusters_and_loaders),
        cmocka_unit_test(test_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
