/* tests/nn/test_attention.c: multi-head attention and transformers: masks, weights, generation with a cache, dropout.
 * test_layers checks their gradients and trains them. */
#include <string.h>

#include "tests/check.h"

enum { LENGTH = 4, BATCH = 2, SIZE = 6, HEADS = 3, CAPACITY = 8 };

static const tap_var            none = { 0 };
static const tap_attention_call plain = { .is_causal = false };

typedef struct {
    tap_module *root;
    tap_tape   *t;
    tap_arena  *a;
} fixture;

static fixture begin(void)
{
    return (fixture){ tap_module_new(TAP_F64, 7), tap_tape_new(TAP_F64, 3), tap_arena_new() };
}

static void end(fixture *f)
{
    assert_tape_ok(f->t);
    assert_string_equal(tap_module_message(f->root), "");
    assert_int_equal(tap_arena_status(f->a, NULL), TAP_OK);
    tap_tape_free(f->t);
    tap_module_free(f->root);
    tap_arena_free(f->a);
}

static void assert_same(tap_var a, tap_var b, double tolerance)
{
    const tap_tensor x = tap_value(a), y = tap_value(b);
    assert_true(tap_shape_equal(x.shape, y.shape));
    for (int64_t i = 0; i < tap_tensor_numel(x); i++) assert_near(tap_tensor_item(x, i), tap_tensor_item(y, i), tolerance);
}

static tap_multihead_attention heads(fixture *f, tap_multihead_attention_options o)
{
    tap_multihead_attention l;
    tap_multihead_attention_init(&l, f->root, "attn", SIZE, HEADS, o);
    for (tap_param *p = tap_module_next(f->root, NULL); p; p = tap_module_next(f->root, p)) {
        const tap_tensor x = tap_param_value(p); /* biases that are not 0 */
        for (int64_t i = 0; i < tap_tensor_numel(x); i++)
            tap_tensor_set_item(x, i, tap_tensor_item(x, i) + 0.1 * sin((double)i));
    }
    return l;
}

/* bool: x's elements that are not 0. */
static tap_var bools(tap_tape *t, tap_shape shape, const double *x)
{
    return tap_cast(tap_input(t, tap_tensor_wrap(TAP_F64, shape, (void *)(uintptr_t)x)), TAP_BOOL);
}

static tap_var infinite(tap_var mask)
{
    return tap_masked_fill(tap_zeros(mask.tape, tap_shape_of(mask)), mask, -(double)INFINITY);
}

/* ---- Masks and weights ---- */

/* Inputs that are one var share a product; the numbers are those of separate ones. */
static void test_shared_products(void **state)
{
    (void)state;
    fixture                       f = begin();
    const tap_multihead_attention l = heads(&f, (tap_multihead_attention_options){ 0 });
    const tap_var                 x = tap_randn(f.t, TAP_SHAPE(LENGTH, BATCH, SIZE)), y = tap_detach(x), z = tap_detach(x);
    const tap_var                 self = tap_multihead_attention_forward(&l, x, x, x, plain);
    assert_same(tap_multihead_attention_forward(&l, x, y, y, plain), self, 1e-14);
    assert_same(tap_multihead_attention_forward(&l, x, y, z, plain), self, 1e-14);
    end(&f);
}

/* Layouts: batch_first, and one sequence. */
static void test_layouts(void **state)
{
    (void)state;
    fixture                 f = begin();
    tap_multihead_attention l = heads(&f, (tap_multihead_attention_options){ 0 });
    const tap_var           x = tap_randn(f.t, TAP_SHAPE(LENGTH, BATCH, SIZE));
    tap_var                 weights, of_one;
    const tap_var           y = tap_multihead_attention_forward(&l, x, x, x, (tap_attention_call){ .weights = &weights });
    const tap_var           one = tap_select(x, 1, 1), first = tap_transpose(x, 0, 1);
    assert_same(tap_multihead_attention_forward(&l, one, one, one, (tap_attention_call){ .weights = &of_one }),
                tap_select(y, 1, 1), 1e-14);
    assert_same(of_one, tap_select(weights, 0, 1), 1e-14);
    l.options.batch_first = true;
    assert_same(tap_transpose(tap_multihead_attention_forward(&l, first, first, first, plain), 0, 1), y, 1e-14);
    assert_same(tap_multihead_attention_forward(&l, one, one, one, plain), tap_select(y, 1, 1), 1e-14);
    end(&f);
}

/* Bool masks, masks of 0 and -infinity, both kinds at once, one for each head, and is_causal agree. */
static void test_masks(void **state)
{
    (void)state;
    static const double           padded[BATCH * LENGTH] = { 0, 0, 0, 1, 0, 1, 0, 0 };
    fixture                       f = begin();
    const tap_multihead_attention l =
        heads(&f, (tap_multihead_attention_options){ .add_bias_kv = true, .add_zero_attn = true });
    const tap_var            x = tap_randn(f.t, TAP_SHAPE(LENGTH, BATCH, SIZE));
    const tap_var            attn = tap_cast(tap_triu(tap_ones(f.t, TAP_SHAPE(LENGTH, LENGTH)), 1), TAP_BOOL);
    const tap_var            padding = bools(f.t, TAP_SHAPE(BATCH, LENGTH), padded);
    const tap_var            by_head = tap_expand(attn, TAP_SHAPE(BATCH * HEADS, LENGTH, LENGTH));
    tap_var                  weights;
    const tap_attention_call calls[] = {
        { .attn_mask = attn, .key_padding_mask = padding, .weights = &weights, .no_average = true },
        { .attn_mask = infinite(attn), .key_padding_mask = padding },
        { .attn_mask = attn, .key_padding_mask = infinite(padding) },
        { .attn_mask = infinite(attn), .key_padding_mask = infinite(padding) },
        { .attn_mask = by_head, .key_padding_mask = padding },
        { .key_padding_mask = padding, .is_causal = true },
        { .attn_mask = attn, .key_padding_mask = padding, .is_causal = true },
    };
    const tap_var y = tap_multihead_attention_forward(&l, x, x, x, calls[0]);
    for (int i = 1; i < 7; i++) assert_same(tap_multihead_attention_forward(&l, x, x, x, calls[i]), y, 1e-14);
    const tap_var forbidden = tap_logical_or(attn, tap_reshape(padding, TAP_SHAPE(BATCH, 1, 1, LENGTH)));
    const tap_var of_keys = tap_narrow(weights, 3, 0, LENGTH); /* two columns follow, for bias_k and zeros */
    assert_true(tap_shape_equal(tap_shape_of(weights), TAP_SHAPE(BATCH, HEADS, LENGTH, LENGTH + 2)));
    assert_near(item(tap_sum(tap_where(forbidden, of_keys, tap_scalar(f.t, 0)), TAP_ALL), 0), 0, 0);
    assert_true(item(tap_amin(tap_where(forbidden, tap_scalar(f.t, 1), of_keys), TAP_ALL), 0) > 0);
    assert_same(tap_sum(weights, TAP_LAST), tap_ones(f.t, TAP_SHAPE(BATCH, HEADS, LENGTH)), 1e-14);
    end(&f);
}

/* A float mask that is not infinite is added to the scores, and has a gradient; weights are averaged over the heads. */
static void test_float_mask_and_average(void **state)
{
    (void)state;
    fixture                       f = begin();
    const tap_multihead_attention l = heads(&f, (tap_multihead_attention_options){ 0 });
    const tap_var x = tap_randn(f.t, TAP_SHAPE(LENGTH, BATCH, SIZE)), mask = tap_zeros(f.t, TAP_SHAPE(LENGTH, LENGTH));
    double        numbers[LENGTH * LENGTH] = { 0 };
    tap_var       all, mean, g;
    const tap_var bias = tap_variable(f.t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(LENGTH, LENGTH), numbers));
    const tap_var y = tap_multihead_attention_forward(
        &l, x, x, x, (tap_attention_call){ .attn_mask = mask, .weights = &all, .no_average = true });
    assert_same(tap_multihead_attention_forward(&l, x, x, x, (tap_attention_call){ .weights = &mean }), y, 1e-14);
    assert_same(tap_mean(all, TAP_AXES(1)), mean, 1e-14);
    const tap_var z = tap_multihead_attention_forward(&l, x, x, x, (tap_attention_call){ .attn_mask = bias });
    tap_grad(tap_sum(tap_square(z), TAP_ALL), 1, &bias, &g);
    assert_true(item(tap_amax(tap_abs(g), TAP_ALL), 0) > 1e-3);
    end(&f);
}

/* A query without a key: weights 0, so that the output is the bias, and finite gradients. */
static void test_all_keys_masked(void **state)
{
    (void)state;
    static const double           padded[BATCH * LENGTH] = { 1, 1, 1, 1, 0, 0, 0, 0 };
    fixture                       f = begin();
    const tap_multihead_attention l = heads(&f, (tap_multihead_attention_options){ 0 });
    const tap_var x = tap_randn(f.t, TAP_SHAPE(LENGTH, BATCH, SIZE)), padding = bools(f.t, TAP_SHAPE(BATCH, LENGTH), padded);
    const tap_var y = tap_multihead_attention_forward(&l, x, x, x, (tap_attention_call){ .key_padding_mask = padding });
    const tap_var bias = tap_param_var(f.t, l.out_proj.bias);
    assert_same(tap_select(y, 1, 0), tap_expand(bias, TAP_SHAPE(LENGTH, SIZE)), 1e-14);
    assert_true(fabs(item(tap_select(y, 1, 1), 0) - item(bias, 0)) > 1e-6);
    tap_backward(tap_sum(tap_square(y), TAP_ALL));
    for (tap_param *p = tap_module_next(f.root, NULL); p; p = tap_module_next(f.root, p)) {
        const tap_tensor g = tap_param_grad(p);
        for (int64_t i = 0; i < tap_tensor_numel(g); i++) assert_true(isfinite(tap_tensor_item(g, i)));
    }
    end(&f);
}

static void test_empty(void **state)
{
    (void)state;
    fixture                       f = begin();
    const tap_multihead_attention l = heads(&f, (tap_multihead_attention_options){ 0 });
    const tap_var no_batch = tap_zeros(f.t, TAP_SHAPE(LENGTH, 0, SIZE)), x = tap_ones(f.t, TAP_SHAPE(1, 1, SIZE));
    const tap_var no_length = tap_zeros(f.t, TAP_SHAPE(0, 1, SIZE));
    assert_true(tap_shape_equal(tap_shape_of(tap_multihead_attention_forward(&l, no_batch, no_batch, no_batch, plain)),
                                TAP_SHAPE(LENGTH, 0, SIZE)));
    assert_true(
        tap_shape_equal(tap_shape_of(tap_multihead_attention_forward(&l, no_length, x, x, plain)), TAP_SHAPE(0, 1, SIZE)));
    assert_same(tap_multihead_attention_forward(&l, x, no_length, no_length, plain),
                tap_reshape(tap_param_var(f.t, l.out_proj.bias), TAP_SHAPE(1, 1, SIZE)), 0);
    end(&f);
}

/* ---- Generation ---- */

/* Tokens one after the other, and the first two at once, give the rows of the causal pass over all. */
static void test_generation(void **state)
{
    (void)state;
    fixture                 f = begin();
    tap_transformer_encoder l;
    tap_attention_cache     cache[2];
    tap_transformer_encoder_init(
        &l, f.root, "gpt", SIZE, HEADS, 2,
        (tap_transformer_stack_options){ .layer = { .dim_feedforward = 5, .norm_first = true }, .final_norm = true });
    tap_module_eval(f.root);
    tap_tape_set_recording(f.t, false);
    for (int i = 0; i < 2; i++) tap_attention_cache_init(&cache[i], f.a, &l.layers[i].self_attn, BATCH, CAPACITY);
    const tap_var x = tap_randn(f.t, TAP_SHAPE(CAPACITY, BATCH, SIZE));
    const tap_var y = tap_transformer_encoder_forward(&l, x, (tap_attention_call){ .is_causal = true });
    for (int text = 0; text < 2; text++) {
        for (int64_t at = 0, n = 2; at < CAPACITY; at += n, n = 1) {
            const tap_attention_call call = { .is_causal = true, .cache = cache };
            assert_same(tap_transformer_encoder_forward(&l, tap_narrow(x, 0, at, n), call), tap_narrow(y, 0, at, n), 1e-14);
            assert_int_equal(cache[1].length, at + n);
        }
        for (int i = 0; i < 2; i++) cache[i].length = 0;
    }
    end(&f);
}

/* The same with a decoder, whose attention to the memory has a cache of its own. The tape is reset after each token. */
static void test_generation_by_a_decoder(void **state)
{
    (void)state;
    fixture                 f = begin();
    tap_transformer_decoder l;
    tap_attention_cache     self[2], cross[2];
    double                  x[CAPACITY * BATCH * SIZE], m[LENGTH * BATCH * SIZE], y[CAPACITY * BATCH * SIZE];
    const tap_tensor        tokens = tap_tensor_wrap(TAP_F64, TAP_SHAPE(CAPACITY, BATCH, SIZE), x);
    const tap_tensor        memory = tap_tensor_wrap(TAP_F64, TAP_SHAPE(LENGTH, BATCH, SIZE), m);
    const tap_tensor        expected = tap_tensor_wrap(TAP_F64, TAP_SHAPE(CAPACITY, BATCH, SIZE), y);
    tap_transformer_decoder_init(&l, f.root, "decoder", SIZE, HEADS, 2,
                                 (tap_transformer_stack_options){ .layer = { .dim_feedforward = 5 } });
    tap_module_eval(f.root);
    tap_tape_set_recording(f.t, false);
    for (int i = 0; i < 2; i++) {
        tap_attention_cache_init(&self[i], f.a, &l.layers[i].self_attn, BATCH, CAPACITY);
        tap_attention_cache_init(&cross[i], f.a, &l.layers[i].multihead_attn, BATCH, LENGTH);
    }
    for (int i = 0; i < CAPACITY * BATCH * SIZE; i++) x[i] = sin(i);
    for (int i = 0; i < LENGTH * BATCH * SIZE; i++) m[i] = cos(2 * i);
    const tap_attention_call causal = { .is_causal = true };
    const tap_var whole = tap_transformer_decoder_forward(&l, tap_input(f.t, tokens), tap_input(f.t, memory), causal, plain);
    assert_int_equal(tap_tensor_copy(expected, tap_value(whole), NULL), TAP_OK);
    for (int64_t at = 0; at < CAPACITY; at++) {
        tap_tape_reset(f.t);
        const tap_var token = tap_narrow(tap_input(f.t, tokens), 0, at, 1);
        const tap_var of_memory = at < 3 ? tap_input(f.t, memory) : none; /* later than the first, it is not read */
        const tap_var got =
            tap_transformer_decoder_forward(&l, token, of_memory, (tap_attention_call){ .is_causal = true, .cache = self },
                                            (tap_attention_call){ .cache = cross });
        assert_same(got, tap_narrow(tap_input(f.t, expected), 0, at, 1), 1e-14);
        assert_int_equal(cross[0].length, LENGTH);
    }
    end(&f);
}

/* ---- Transformers ---- */

/* Dropout is 0.1 unless TAP_ZERO is given, and in training mode only. */
static void test_dropout(void **state)
{
    (void)state;
    for (int zero = 0; zero < 2; zero++) {
        fixture                       f = begin();
        tap_transformer_encoder_layer l;
        const tap_var                 x = tap_randn(f.t, TAP_SHAPE(LENGTH, BATCH, SIZE));
        tap_transformer_encoder_layer_init(&l, f.root, "layer", SIZE, HEADS,
                                           (tap_transformer_options){ .dropout = zero ? TAP_ZERO : 0 });
        assert_near(l.options.dropout, zero ? 0 : 0.1, 0);
        assert_int_equal(l.options.dim_feedforward, 2048);
        const tap_var a = tap_transformer_encoder_layer_forward(&l, x, plain);
        const tap_var b = tap_transformer_encoder_layer_forward(&l, x, plain);
        assert_true((item(tap_amax(tap_abs(tap_sub(a, b)), TAP_ALL), 0) > 1e-3) == !zero);
        tap_module_eval(f.root);
        assert_same(tap_transformer_encoder_layer_forward(&l, x, plain), tap_transformer_encoder_layer_forward(&l, x, plain),
                    0);
        end(&f);
    }
}

/* The dropout of attention weights leaves rows whose sum is not 1. */
static void test_dropout_of_weights(void **state)
{
    (void)state;
    fixture                       f = begin();
    const tap_multihead_attention l = heads(&f, (tap_multihead_attention_options){ .dropout = 1 });
    const tap_var                 x = tap_randn(f.t, TAP_SHAPE(LENGTH, BATCH, SIZE));
    tap_var                       weights;
    tap_multihead_attention_forward(&l, x, x, x, (tap_attention_call){ .weights = &weights });
    assert_near(item(tap_amax(weights, TAP_ALL), 0), 0, 0);
    tap_module_eval(f.root);
    tap_multihead_attention_forward(&l, x, x, x, (tap_attention_call){ .weights = &weights });
    assert_near(item(tap_sum(weights, TAP_ALL), 0), BATCH * LENGTH, 1e-13);
    end(&f);
}

static void test_weights_of_a_stack(void **state)
{
    (void)state;
    fixture                 f = begin();
    tap_transformer_encoder l;
    tap_var                 weights[3] = { { 0 }, { 0 }, { 0 } };
    const tap_var           x = tap_randn(f.t, TAP_SHAPE(LENGTH, BATCH, SIZE));
    tap_transformer_encoder_init(&l, f.root, "e", SIZE, HEADS, 3,
                                 (tap_transformer_stack_options){ .layer = { .dropout = TAP_ZERO, .dim_feedforward = 2 } });
    tap_transformer_encoder_forward(&l, x, (tap_attention_call){ .weights = weights });
    for (int i = 0; i < 3; i++) assert_same(tap_sum(weights[i], TAP_LAST), tap_ones(f.t, TAP_SHAPE(BATCH, LENGTH)), 1e-14);
    end(&f);
}

static void test_state_dict(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "d.layers.0.self_attn.in_proj_weight",
        "d.layers.0.self_attn.in_proj_bias",
        "d.layers.0.self_attn.out_proj.weight",
        "d.layers.0.self_attn.out_proj.bias",
        "d.layers.0.multihead_attn.in_proj_weight",
        "d.layers.0.multihead_attn.in_proj_bias",
        "d.layers.0.multihead_attn.out_proj.weight",
        "d.layers.0.multihead_attn.out_proj.bias",
        "d.layers.0.linear1.weight",
        "d.layers.0.linear1.bias",
        "d.layers.0.linear2.weight",
        "d.layers.0.linear2.bias",
        "d.layers.0.norm1.weight",
        "d.layers.0.norm1.bias",
        "d.layers.0.norm2.weight",
        "d.layers.0.norm2.bias",
        "d.layers.0.norm3.weight",
        "d.layers.0.norm3.bias",
        "d.norm.weight",
        "d.norm.bias",
    };
    fixture                 f = begin();
    tap_transformer_decoder l;
    int                     i = 0;
    tap_transformer_decoder_init(&l, f.root, "d", SIZE, HEADS, 1,
                                 (tap_transformer_stack_options){ .layer = { .dim_feedforward = 2 }, .final_norm = true });
    for (tap_param *p = tap_module_next(f.root, NULL); p; p = tap_module_next(f.root, p), i++)
        assert_string_equal(tap_param_path(p), paths[i]);
    assert_int_equal(i, 20);
    const tap_multihead_attention *attn = &l.layers[0].self_attn;
    for (int64_t k = 0; k < 3 * SIZE; k++) assert_near(param_item(attn->in_proj_bias, k), 0, 0);
    for (int64_t k = 0; k < SIZE; k++) assert_near(param_item(attn->out_proj.bias, k), 0, 0);
    for (int64_t k = 0; k < 3 * SIZE * SIZE; k++)
        assert_true(fabs(param_item(attn->in_proj_weight, k)) <= sqrt(6.0 / (4 * SIZE)));
    end(&f);
}

/* A stack whose construction has failed stays unusable, also when the error has been cleared. */
static void test_failed_stack(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        fixture                 f = begin();
        tap_transformer_encoder encoder;
        tap_transformer_decoder decoder;
        tap_tape               *t = tap_tape_new(TAP_F64, 0);
        const tap_var           x = tap_zeros(t, TAP_SHAPE(LENGTH, SIZE));
        if (k == 0)
            tap_transformer_encoder_init(&encoder, f.root, "e", SIZE, HEADS, 0,
                                         (tap_transformer_stack_options){ .final_norm = true });
        else
            tap_transformer_decoder_init(&decoder, f.root, "d", SIZE, HEADS, 0,
                                         (tap_transformer_stack_options){ .final_norm = true });
        assert_int_equal(tap_module_status(f.root, NULL), TAP_EARG);
        tap_module_clear_error(f.root);
        if (k == 0) tap_transformer_encoder_forward(&encoder, x, plain);
        else tap_transformer_decoder_forward(&decoder, x, x, plain, plain);
        assert_int_equal(tap_tape_status(t, NULL), TAP_EARG);
        assert_non_null(strstr(tap_tape_message(t), "the layer could not be made"));
        tap_tape_free(t);
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_products),
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_float_mask_and_average),
        cmocka_unit_test(test_all_keys_masked),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_generation),
        cmocka_unit_test(test_generation_by_a_decoder),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_dropout_of_weights),
        cmocka_unit_test(test_weights_of_a_stack),
        cmocka_unit_test(test_state_dict),
        cmocka_unit_test(test_failed_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
