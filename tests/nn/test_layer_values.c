/* tests/nn/test_layer_values.c: what layers begin with, the names of their state, the values they compute in both modes, and the
 * functions that are new with them, by formulas. */
#include <string.h>

#include "tests/check.h"

#define NO_OPTIONS \
    { \
        0 \
    }

static tap_module *root;
static tap_tape   *t;

static int begin(void **state)
{
    (void)state;
    root = tap_module_new(TAP_F64, 5);
    t = tap_tape_new(TAP_F64, 6);
    return 0;
}

static int end(void **state)
{
    (void)state;
    const char      *message;
    const tap_status status = tap_module_status(root, &message);
    if (status != TAP_OK) print_error("%s\n", message);
    const tap_status on_tape = tap_tape_status(t, &message);
    if (on_tape != TAP_OK) print_error("%s\n", message);
    tap_tape_free(t);
    tap_module_free(root);
    return status != TAP_OK || on_tape != TAP_OK;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

/* The numbers 0.5, -1.25, ..., which do not repeat. */
static tap_var numbers(tap_shape shape)
{
    tap_var    v = tap_zeros(t, shape);
    tap_tensor x = tap_value(v);
    for (int64_t i = 0; i < tap_tensor_numel(x); i++) tap_tensor_set_item(x, i, 2 * sin(1 + 1.9 * (double)i));
    return v;
}

static void assert_values(const char *what, tap_tensor x, int n, const double *expected)
{
    assert_int_equal(tap_tensor_numel(x), n);
    for (int i = 0; i < n; i++) assert_near_msg(what, tap_tensor_item(x, i), expected[i], 1e-12);
}

static void assert_same(tap_var a, tap_var b)
{
    assert_true(tap_shape_equal(tap_shape_of(a), tap_shape_of(b)));
    for (int64_t i = 0; i < tap_numel(tap_shape_of(a)); i++) assert_near(item(a, i), item(b, i), 1e-12);
}

static void assert_constant(const tap_param *p, tap_shape shape, double value)
{
    assert_true(tap_shape_equal(tap_param_value(p).shape, shape));
    for (int64_t i = 0; i < tap_numel(shape); i++) assert_near(param_item(p, i), value, 0);
}

/* All elements are within the bound, and one is near it. */
static void assert_uniform(const tap_param *p, double bound)
{
    double largest = 0;
    for (int64_t i = 0; i < tap_tensor_numel(tap_param_value(p)); i++) largest = fmax(largest, fabs(param_item(p, i)));
    assert_true(largest <= bound && largest > 0.7 * bound);
}

/* ---- State ---- */

static void assert_state(const char *const *names)
{
    for (tap_param *p = tap_module_next(root, NULL); p; p = tap_module_next(root, p)) {
        assert_non_null(*names);
        assert_string_equal(tap_param_path(p), *names++);
    }
    for (tap_buffer *b = tap_module_next_buffer(root, NULL); b; b = tap_module_next_buffer(root, b)) {
        assert_non_null(*names);
        assert_string_equal(tap_buffer_path(b), *names++);
    }
    assert_null(*names);
}

static void test_initial_state(void **state)
{
    (void)state;
    tap_linear              linear;
    tap_bilinear_layer      bilinear;
    tap_conv                conv, transposed;
    tap_batch_norm_layer    norm;
    tap_instance_norm_layer instance;
    tap_layer_norm_layer    layer;
    tap_rms_norm_layer      rms;
    tap_group_norm_layer    group;
    tap_prelu_layer         prelu;
    tap_linear_init_with(&linear, root, "linear", 25, 40, (tap_linear_options){ .no_bias = true });
    assert_null(linear.bias);
    assert_uniform(linear.weight, 1.0 / 5);
    tap_bilinear_init(&bilinear, root, "bilinear", 4, 5, 30, (tap_linear_options)NO_OPTIONS);
    assert_uniform(bilinear.weight, 1.0 / 2);
    assert_uniform(bilinear.bias, 1.0 / 2);
    tap_conv1d_init(&conv, root, "conv", 6, 20, 3, (tap_conv_options){ .groups = 2, .no_bias = true });
    assert_uniform(conv.weight, 1.0 / 3);
    tap_conv_transpose2d_init(&transposed, root, "transposed", 3, 8, 4, 2, (tap_conv_options)NO_OPTIONS);
    assert_uniform(transposed.weight, 1.0 / 8);
    assert_uniform(transposed.bias, 1.0 / 8);
    tap_batch_norm_init(&norm, root, "norm", 3, (tap_batch_norm_options)NO_OPTIONS);
    assert_constant(norm.weight, TAP_SHAPE(3), 1);
    assert_constant(norm.bias, TAP_SHAPE(3), 0);
    assert_values("mean", tap_buffer_value(norm.running_mean), 3, (const double[]){ 0, 0, 0 });
    assert_values("var", tap_buffer_value(norm.running_var), 3, (const double[]){ 1, 1, 1 });
    assert_values("batches", tap_buffer_value(norm.num_batches_tracked), 1, (const double[]){ 0 });
    tap_instance_norm_init(&instance, root, "instance", 2, (tap_instance_norm_options)NO_OPTIONS);
    assert_true(!instance.weight && !instance.bias && !instance.running_mean);
    tap_layer_norm_init(&layer, root, "layer", TAP_SHAPE(2, 3), (tap_layer_norm_options){ .no_bias = true });
    assert_constant(layer.weight, TAP_SHAPE(2, 3), 1);
    tap_rms_norm_init(&rms, root, "rms", TAP_SHAPE(2), (tap_rms_norm_options)NO_OPTIONS);
    assert_constant(rms.weight, TAP_SHAPE(2), 1);
    tap_group_norm_init(&group, root, "group", 1, 2, (tap_group_norm_options)NO_OPTIONS);
    assert_constant(group.weight, TAP_SHAPE(2), 1);
    assert_constant(group.bias, TAP_SHAPE(2), 0);
    tap_prelu_init(&prelu, root, "prelu", (tap_prelu_options)NO_OPTIONS);
    assert_constant(prelu.weight, TAP_SHAPE(1), 0.25);
    static const char *const names[] = { "linear.weight",
                                         "bilinear.weight",
                                         "bilinear.bias",
                                         "conv.weight",
                                         "transposed.weight",
                                         "transposed.bias",
                                         "norm.weight",
                                         "norm.bias",
                                         "layer.weight",
                                         "rms.weight",
                                         "group.weight",
                                         "group.bias",
                                         "prelu.weight",
                                         "norm.running_mean",
                                         "norm.running_var",
                                         "norm.num_batches_tracked",
                                         NULL };
    assert_state(names);
}

static void test_options_leave_state_out(void **state)
{
    (void)state;
    tap_batch_norm_layer    norm;
    tap_instance_norm_layer instance;
    tap_layer_norm_layer    layer;
    tap_rms_norm_layer      rms;
    tap_group_norm_layer    group;
    tap_prelu_layer         prelu;
    tap_batch_norm_init(&norm, root, "norm", 3, (tap_batch_norm_options){ .no_affine = true, .no_running_stats = true });
    tap_layer_norm_init(&layer, root, "layer", TAP_SHAPE(2), (tap_layer_norm_options){ .no_affine = true });
    tap_rms_norm_init(&rms, root, "rms", TAP_SHAPE(2), (tap_rms_norm_options){ .no_affine = true });
    tap_group_norm_init(&group, root, "group", 1, 2, (tap_group_norm_options){ .no_affine = true });
    tap_prelu_init(&prelu, root, "prelu", (tap_prelu_options){ .num_parameters = 3, .init = TAP_ZERO });
    assert_constant(prelu.weight, TAP_SHAPE(3), 0);
    tap_instance_norm_init(&instance, root, "instance", 2,
                           (tap_instance_norm_options){ .affine = true, .track_running_stats = true });
    assert_constant(instance.weight, TAP_SHAPE(2), 1);
    assert_constant(instance.bias, TAP_SHAPE(2), 0);
    static const char *const names[] = { "prelu.weight",
                                         "instance.weight",
                                         "instance.bias",
                                         "instance.running_mean",
                                         "instance.running_var",
                                         "instance.num_batches_tracked",
                                         NULL };
    assert_state(names);
}

/* ---- Normalization ---- */

/* Two batches of the columns (1, 3) and (5, 11): mean 2, variance 2; mean 8, variance 18 (divided by n - 1). */
static tap_var column(int which)
{
    const double x[2][2] = { { 1, 3 }, { 5, 11 } };
    tap_var      v = tap_zeros(t, TAP_SHAPE(2, 1));
    for (int i = 0; i < 2; i++) tap_tensor_set_item(tap_value(v), i, x[which][i]);
    return v;
}

static void check_running(tap_batch_norm_options o, const double mean[2], const double var[2])
{
    static int           n;
    char                 name[16];
    tap_batch_norm_layer l;
    snprintf(name, sizeof name, "norm%d", n++);
    tap_batch_norm_init(&l, root, name, 1, o);
    for (int i = 0; i < 2; i++) {
        const tap_var y = tap_batch_norm_forward(&l, column(i));
        const double  spread = i == 0 ? 1 : 9, eps = o.eps > 0 ? o.eps : 1e-5;
        assert_near(item(y, 1), (i == 0 ? 1 : 3) / sqrt(spread + eps), 1e-12);
        assert_values("mean", tap_buffer_value(l.running_mean), 1, &mean[i]);
        assert_values("var", tap_buffer_value(l.running_var), 1, &var[i]);
        assert_near(tap_tensor_item(tap_buffer_value(l.num_batches_tracked), 0), i + 1, 0);
    }
    tap_module_eval(l.module);
    const tap_var y = tap_batch_norm_forward(&l, column(0));
    assert_near(item(y, 0), (1 - mean[1]) / sqrt(var[1] + (o.eps > 0 ? o.eps : 1e-5)), 1e-12);
    assert_near(tap_tensor_item(tap_buffer_value(l.num_batches_tracked), 0), 2, 0);
    assert_values("mean in evaluation", tap_buffer_value(l.running_mean), 1, &mean[1]);
}

static void test_batch_norm(void **state)
{
    (void)state;
    check_running((tap_batch_norm_options)NO_OPTIONS, (const double[]){ 0.2, 0.98 }, (const double[]){ 1.1, 2.79 });
    check_running((tap_batch_norm_options){ .momentum = 0.5, .eps = 0.01 }, (const double[]){ 1, 4.5 },
                  (const double[]){ 1.5, 9.75 });
    check_running((tap_batch_norm_options){ .cumulative = true }, (const double[]){ 2, 5 }, (const double[]){ 2, 10 });
    check_running((tap_batch_norm_options){ .momentum = TAP_ZERO }, (const double[]){ 0, 0 }, (const double[]){ 1, 1 });
    tap_batch_norm_layer l;
    tap_batch_norm_init(&l, root, "batch", 1, (tap_batch_norm_options){ .no_running_stats = true, .eps = TAP_ZERO });
    tap_module_eval(l.module);
    assert_near(item(tap_batch_norm_forward(&l, column(0)), 1), 1, 1e-12);
}

/* One channel of two examples, (1, 3) and (5, 11): the means of their means and variances are 5 and 10. */
static void test_batch_norm_of_an_empty_batch(void **state)
{
    (void)state;
    tap_batch_norm_layer l;
    tap_batch_norm_init(&l, root, "l", 2, (tap_batch_norm_options)NO_OPTIONS);
    tap_batch_norm_forward(&l, tap_zeros(t, TAP_SHAPE(0, 2)));
    assert_values("mean", tap_buffer_value(l.running_mean), 2, (const double[]){ 0, 0 });
    assert_values("variance", tap_buffer_value(l.running_var), 2, (const double[]){ 1, 1 });
    assert_values("batches", tap_buffer_value(l.num_batches_tracked), 1, (const double[]){ 1 });
}

/* The rows of an embedding [3,2] have the norms 10, 5 and 0.5; those that are read are shortened to 2, also by a later call
 * on the same tape. Gradients are as without. */
static void test_max_norm(void **state)
{
    (void)state;
    static const int64_t index[] = { 1, 2, 1 };
    tap_embedding_layer  l;
    tap_embedding_init(&l, root, "l", 3, 2, (tap_embedding_options){ .max_norm = 2 });
    const double begin_with[] = { 6, 8, 3, 4, 0.3, 0.4 }, scale = 2 / (5 + 1e-7), scale_0 = 2 / (10 + 1e-7);
    for (int i = 0; i < 6; i++) tap_tensor_set_item(tap_param_value(l.weight), i, begin_with[i]);
    const tap_var y = tap_embedding_forward(&l, tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(3), (void *)(uintptr_t)index)));
    assert_values("rows", tap_value(y), 6, (const double[]){ 3 * scale, 4 * scale, 0.3, 0.4, 3 * scale, 4 * scale });
    assert_values("table", tap_param_value(l.weight), 6, (const double[]){ 6, 8, 3 * scale, 4 * scale, 0.3, 0.4 });
    const tap_var z = tap_embedding_forward(&l, tap_arange(t, 1));
    assert_values("row 0", tap_value(z), 2, (const double[]){ 6 * scale_0, 8 * scale_0 });
    tap_backward(tap_add(tap_sum(y, TAP_ALL), tap_sum(z, TAP_ALL)));
    assert_values("gradient", tap_param_grad(l.weight), 6, (const double[]){ 1, 1, 2, 2, 1, 1 });
}

/* Orders of the norm, and a weight that is not the parameter itself. */
static void test_max_norm_of_other_orders(void **state)
{
    (void)state;
    const double orders[] = { 1, (double)INFINITY }, norms[] = { 7, 4 };
    for (int i = 0; i < 2; i++) {
        tap_embedding_layer l;
        tap_embedding_init(&l, root, i ? "b" : "a", 1, 2, (tap_embedding_options){ .max_norm = 2, .norm_type = orders[i] });
        tap_tensor_set_item(tap_param_value(l.weight), 0, 3);
        tap_tensor_set_item(tap_param_value(l.weight), 1, -4);
        assert_near(item(tap_embedding_forward(&l, tap_arange(t, 1)), 1), -8 / (norms[i] + 1e-7), 1e-12);
        if (i == 0) continue;
        tap_tape *other = tap_tape_new(TAP_F64, 0);
        tap_param_replace(other, l.weight, tap_ones(other, TAP_SHAPE(1, 2)));
        tap_embedding_forward(&l, tap_arange(other, 1));
        assert_string_equal(tap_tape_message(other), "embedding_forward: [1]: max_norm shortens rows of the parameter itself, "
                                                     "which another value replaces on this tape");
        tap_tape_free(other);
    }
}

/* What read the rows before they were shortened cannot be differentiated. */
static void test_max_norm_is_a_change(void **state)
{
    (void)state;
    tap_embedding_layer l;
    tap_embedding_init(&l, root, "l", 1, 20000, (tap_embedding_options){ .max_norm = 2 });
    tap_tensor_fill(tap_param_value(l.weight), 3);
    tap_tape     *other = tap_tape_new(TAP_F64, 0);
    const tap_var y = tap_sum(tap_square(tap_param_var(other, l.weight)), TAP_ALL);
    tap_embedding_forward(&l, tap_arange(other, 1));
    assert_int_equal(tap_backward(y), TAP_ESTALE);
    assert_non_null(tap_tape_message(other));
    tap_tape_free(other);
}

static void test_instance_norm(void **state)
{
    (void)state;
    tap_instance_norm_layer l;
    const tap_var           x = tap_reshape(tap_cat(2, (tap_var[]){ column(0), column(1) }, 0), TAP_SHAPE(2, 1, 2));
    tap_instance_norm_init(&l, root, "norm", 1, (tap_instance_norm_options){ .track_running_stats = true });
    tap_var y = tap_instance_norm_forward(&l, x);
    assert_near(item(y, 1), 1 / sqrt(1 + 1e-5), 1e-12);
    assert_near(item(y, 3), 3 / sqrt(9 + 1e-5), 1e-12);
    assert_near(tap_tensor_item(tap_buffer_value(l.running_mean), 0), 0.5, 1e-12);
    assert_near(tap_tensor_item(tap_buffer_value(l.running_var), 0), 1.9, 1e-12);
    assert_near(tap_tensor_item(tap_buffer_value(l.num_batches_tracked), 0), 0, 0);
    tap_module_eval(root);
    y = tap_instance_norm_forward(&l, x);
    assert_near(item(y, 3), 10.5 / sqrt(1.9 + 1e-5), 1e-12);
    tap_instance_norm_layer bare;
    tap_instance_norm_init(&bare, root, "bare", 1, (tap_instance_norm_options){ .eps = 1 });
    tap_module_eval(root);
    assert_near(item(tap_instance_norm_forward(&bare, x), 1), 1 / sqrt(2), 1e-12);
}

static void test_epsilons(void **state)
{
    (void)state;
    tap_layer_norm_layer layer;
    tap_rms_norm_layer   rms, given;
    tap_group_norm_layer group;
    const tap_var        x =
        tap_mul_scalar(tap_unsqueeze(tap_select(column(0), 1, 0), 0), 1e-7); /* [1,2]: mean 2e-7, deviation 1e-7 */
    tap_layer_norm_init(&layer, root, "layer", TAP_SHAPE(2), (tap_layer_norm_options)NO_OPTIONS);
    tap_rms_norm_init(&rms, root, "rms", TAP_SHAPE(2), (tap_rms_norm_options)NO_OPTIONS);
    tap_rms_norm_init(&given, root, "given", TAP_SHAPE(2), (tap_rms_norm_options){ .eps = 1e-14 });
    tap_group_norm_init(&group, root, "group", 1, 2, (tap_group_norm_options)NO_OPTIONS);
    assert_near(item(tap_layer_norm_forward(&layer, x), 1), 1e-7 / sqrt(1e-14 + 1e-5), 1e-15);
    assert_near(item(tap_group_norm_forward(&group, x), 1), 1e-7 / sqrt(1e-14 + 1e-5), 1e-15);
    assert_near(item(tap_rms_norm_forward(&rms, x), 1), 3e-7 / sqrt(5e-14 + 0x1p-52), 1e-12);
    assert_near(item(tap_rms_norm_forward(&given, x), 1), 3e-7 / sqrt(5e-14 + 1e-14), 1e-12);
}

/* ---- Linear layers, dropout ---- */

static void test_bilinear(void **state)
{
    (void)state;
    const tap_var x1 = numbers(TAP_SHAPE(2, 2, 3)), x2 = tap_cos(numbers(TAP_SHAPE(2, 2, 2))), w = numbers(TAP_SHAPE(2, 3, 2));
    const tap_var b = numbers(TAP_SHAPE(2));
    const tap_var expected = tap_einsum("abi,oij,abj->abo", 3, (tap_var[]){ x1, w, x2 });
    assert_same(tap_bilinear(x1, x2, w, (tap_var){ 0 }), expected);
    assert_same(tap_bilinear(x1, x2, w, b), tap_add(expected, b));
    const tap_var v1 = tap_select(tap_select(x1, 0, 1), 0, 0), v2 = tap_select(tap_select(x2, 0, 1), 0, 0);
    assert_same(tap_bilinear(v1, v2, w, (tap_var){ 0 }), tap_select(tap_select(expected, 0, 1), 0, 0));
}

static void test_linear_output(void **state)
{
    (void)state;
    tap_mlp       l;
    const tap_var x = numbers(TAP_SHAPE(5, 2));
    tap_mlp_init_with(&l, root, "mlp", 3, (const int64_t[]){ 2, 3, 2 }, tap_relu, (tap_mlp_options){ .linear_output = true });
    const tap_var h = tap_relu(tap_linear_forward(&l.layers[0], x));
    assert_same(tap_mlp_forward(&l, x), tap_linear_forward(&l.layers[1], h));
}

static void test_dropout_follows_the_mode(void **state)
{
    (void)state;
    tap_dropout_layer l;
    const tap_var     x = tap_ones(t, TAP_SHAPE(1000));
    tap_dropout_init(&l, root, "dropout", 0.25);
    const double kept = tap_item(tap_sum(tap_cast(tap_gt(tap_dropout_forward(&l, x), tap_scalar(t, 1)), TAP_F64), TAP_ALL));
    assert_near(kept, 750, 50);
    tap_module_eval(root);
    assert_same(tap_dropout_forward(&l, x), x);
}

/* ---- Convolution and pooling ---- */

static void test_padding_modes(void **state)
{
    (void)state;
    const tap_var none = { 0 }, x = numbers(TAP_SHAPE(1, 2, 4, 5)), w = numbers(TAP_SHAPE(2, 2, 2, 3));
    for (tap_pad_mode mode = TAP_PAD_CONSTANT; mode <= TAP_PAD_CIRCULAR; mode++) {
        const tap_conv_options o = { .padding = { 1, 2 }, .padding_mode = mode }, same = { .same = true, .padding_mode = mode };
        const tap_conv_options plain = { .padding_mode = TAP_PAD_CONSTANT };
        const int64_t          ends[] = { 2, 2, 1, 1 }, uneven[] = { 1, 1, 0, 1 };
        assert_same(tap_conv2d(x, w, none, o), tap_conv2d(tap_pad(x, 4, ends, mode, 0), w, none, plain));
        assert_same(tap_conv2d(x, w, none, same), tap_conv2d(tap_pad(x, 4, uneven, mode, 0), w, none, plain));
    }
    const tap_var row = numbers(TAP_SHAPE(1, 2, 4)), k = numbers(TAP_SHAPE(1, 2, 3));
    assert_same(
        tap_conv1d(row, k, none, (tap_conv_options){ .padding = { 1 }, .padding_mode = TAP_PAD_REFLECT }),
        tap_conv1d(tap_pad(row, 2, (const int64_t[]){ 1, 1 }, TAP_PAD_REFLECT, 0), k, none, (tap_conv_options)NO_OPTIONS));
}

static void test_convolution_to_a_size(void **state)
{
    (void)state;
    tap_conv               l, one;
    const tap_conv_options o = { .stride = { 3, 2 }, .padding = { 1, 0 }, .dilation = { 1, 2 } };
    const tap_var          x = numbers(TAP_SHAPE(1, 2, 3, 4));
    tap_conv_transpose2d_init(&l, root, "l", 2, 3, 2, 3, o); /* 6 to 8 rows, 11 or 12 columns */
    tap_conv_options more = o;
    more.output_padding[0] = 2, more.output_padding[1] = 1;
    assert_same(tap_conv_forward_to(&l, x, (const int64_t[]){ 8, 12 }),
                tap_conv_transpose2d(x, tap_param_var(t, l.weight), tap_param_var(t, l.bias), more));
    assert_same(tap_conv_forward_to(&l, x, (const int64_t[]){ 6, 11 }), tap_conv_forward(&l, x));
    tap_conv_transpose1d_init(&one, root, "one", 2, 3, 2, (tap_conv_options){ .stride = { 2 }, .no_bias = true });
    const tap_var row = tap_conv_forward_to(&one, numbers(TAP_SHAPE(2, 4)), (const int64_t[]){ 9 });
    assert_true(tap_shape_equal(tap_shape_of(row), TAP_SHAPE(3, 9)));
}

static void test_pooling_over_one_axis(void **state)
{
    (void)state;
    const tap_var          x = numbers(TAP_SHAPE(2, 3, 9)), image = tap_unsqueeze(x, 2);
    const tap_pool_options o = { .kernel = { 3 }, .stride = { 2 }, .padding = { 1 }, .ceil_mode = true };
    const tap_pool_options wide = { .kernel = { 1, 3 }, .stride = { 1, 2 }, .padding = { 0, 1 }, .ceil_mode = true };
    tap_var                index, expected;
    assert_same(tap_max_pool1d(x, o, &index), tap_squeeze(tap_max_pool2d(image, wide, &expected), TAP_AXES(2)));
    assert_same(index, tap_squeeze(expected, TAP_AXES(2)));
    assert_same(tap_avg_pool1d(x, o), tap_squeeze(tap_avg_pool2d(image, wide), TAP_AXES(2)));
    assert_same(tap_adaptive_avg_pool1d(x, 4), tap_squeeze(tap_adaptive_avg_pool2d(image, 1, 4), TAP_AXES(2)));
    tap_max_pool1d(x, (tap_pool_options){ .kernel = { 3 }, .dilation = { 2 } }, &index);
    assert_true(tap_shape_equal(tap_shape_of(index), TAP_SHAPE(2, 3, 2)));
}

/* The largest element and its place in each window of rows and columns floor(i n / to) to ceil((i + 1) n / to) - 1. */
static void check_adaptive_maxima(int64_t height, int64_t width, int64_t to_height, int64_t to_width)
{
    tap_var       index;
    const tap_var x = numbers(TAP_SHAPE(2, height, width)), y = tap_adaptive_max_pool2d(x, to_height, to_width, &index);
    assert_true(tap_shape_equal(tap_shape_of(y), TAP_SHAPE(2, to_height, to_width)));
    for (int64_t c = 0; c < 2; c++) {
        for (int64_t k = 0; k < to_height * to_width; k++) {
            const int64_t i = k / to_width, j = k % to_width, at = c * height * width;
            double        top = -(double)INFINITY;
            int64_t       place = -1;
            for (int64_t r = i * height / to_height; r < ((i + 1) * height + to_height - 1) / to_height; r++) {
                for (int64_t s = j * width / to_width; s < ((j + 1) * width + to_width - 1) / to_width; s++) {
                    if (item(x, at + r * width + s) > top) top = item(x, at + r * width + s), place = r * width + s;
                }
            }
            assert_near(item(y, c * to_height * to_width + k), top, 0);
            assert_near(item(index, c * to_height * to_width + k), (double)place, 0);
        }
    }
}

static void test_adaptive_maxima(void **state)
{
    (void)state;
    check_adaptive_maxima(5, 4, 2, 3);
    check_adaptive_maxima(4, 6, 2, 3);
    check_adaptive_maxima(2, 3, 5, 4);
    check_adaptive_maxima(7, 5, 7, 1);
    const tap_var x = numbers(TAP_SHAPE(2, 3, 5));
    tap_var       index;
    assert_true(tap_shape_equal(tap_shape_of(tap_adaptive_max_pool2d(x, 0, 2, NULL)), TAP_SHAPE(2, 3, 2)));
    assert_true(tap_shape_equal(tap_shape_of(tap_adaptive_max_pool1d(x, 0, &index)), TAP_SHAPE(2, 3, 5)));
    for (int i = 0; i < 30; i++) assert_near(item(index, i), i % 5, 0);
}

/* ---- Parametrizations ---- */

static double norm_of(tap_tensor x, int64_t start, int64_t n, int64_t step)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += tap_tensor_item(x, start + i * step) * tap_tensor_item(x, start + i * step);
    return sqrt(sum);
}

static void test_weight_norm(void **state)
{
    (void)state;
    tap_linear l, across, all;
    tap_linear_init(&l, root, "l", 3, 2);
    tap_linear_init_with(&across, root, "across", 3, 2, (tap_linear_options){ .no_bias = true });
    tap_linear_init_with(&all, root, "all", 3, 2, (tap_linear_options){ .no_bias = true });
    const tap_var before = tap_cast(tap_param_var(t, l.weight), TAP_F32);
    tap_param_set_requires_grad(all.weight, false);
    tap_weight_norm(l.weight, (tap_weight_norm_options)NO_OPTIONS);
    tap_weight_norm(across.weight, (tap_weight_norm_options){ .dim = 1 });
    tap_weight_norm(all.weight, (tap_weight_norm_options){ .all = true });
    static const char *const names[] = { "l.bias",
                                         "l.parametrizations.weight.original0",
                                         "l.parametrizations.weight.original1",
                                         "across.parametrizations.weight.original0",
                                         "across.parametrizations.weight.original1",
                                         "all.parametrizations.weight.original0",
                                         "all.parametrizations.weight.original1",
                                         NULL };
    assert_state(names);
    for (int i = 0; i < 6; i++) assert_near(item(tap_param_var(t, l.weight), i), item(before, i), 1e-7);
    tap_param *g = tap_module_param(root, names[1]), *v = tap_module_param(root, names[2]);
    for (int i = 0; i < 2; i++) assert_near(param_item(g, i), norm_of(tap_param_value(v), 3 * i, 3, 1), 1e-12);
    const tap_param *columns = tap_module_param(root, names[3]), *of = tap_module_param(root, names[4]);
    for (int i = 0; i < 3; i++) assert_near(param_item(columns, i), norm_of(tap_param_value(of), i, 2, 3), 1e-12);
    assert_near(param_item(tap_module_param(root, names[5]), 0),
                norm_of(tap_param_value(tap_module_param(root, names[6])), 0, 6, 1), 1e-12);
    tap_tensor_set_item(tap_param_value(g), 1, 10);
    tap_tape_reset(t);
    tap_tensor w = tap_value(tap_param_var(t, l.weight));
    assert_near(norm_of(w, 3, 3, 1), 10, 1e-12);
    assert_true(isnan(param_item(l.weight, 0)));
    assert_false(tap_param_requires_grad(all.weight));
    assert_false(tap_param_requires_grad(tap_module_param(root, names[5])));
    tap_param_set_requires_grad(all.weight, true);
    assert_true(tap_param_requires_grad(tap_module_param(root, names[6])));
    const tap_var given = numbers(TAP_SHAPE(2, 3));
    tap_param_replace(t, l.weight, given);
    assert_same(tap_param_var(t, l.weight), given);

    /* of a clone, by the clone's parameters */
    tap_module *copy = tap_module_clone(root, TAP_F64);
    tap_tensor_fill(tap_param_value(tap_module_param(copy, names[1])), 3);
    tap_tape_reset(t);
    tap_module_replace(t, root, copy);
    w = tap_value(tap_param_var(t, l.weight));
    for (int i = 0; i < 2; i++) assert_near(norm_of(w, 3 * i, 3, 1), 3, 1e-12);
    tap_module_free(copy);
}

/* A dim from the end is the same axis. */
static void test_spectral_norm_of_the_last_axis(void **state)
{
    (void)state;
    tap_conv l[2];
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "b" : "a";
        tap_conv2d_init(&l[i], root, name, 3, 2, 2, 5, (tap_conv_options)NO_OPTIONS);
        tap_spectral_norm(l[i].weight, (tap_spectral_norm_options){ .dim = i ? 3 : -1 });
        const tap_buffer *u = tap_module_buffer(root, i ? "b.parametrizations.weight.0._u" : "a.parametrizations.weight.0._u");
        assert_true(tap_shape_equal(tap_buffer_value(u).shape, TAP_SHAPE(5)));
    }
}

/* diag(3, 1) and another row of zeros; u and v end at the first axes. */
static void test_spectral_norm(void **state)
{
    (void)state;
    tap_linear l;
    tap_linear_init_with(&l, root, "l", 2, 3, (tap_linear_options){ .no_bias = true });
    tap_tensor_fill(tap_param_value(l.weight), 0);
    tap_tensor_set_item(tap_param_value(l.weight), 0, 3);
    tap_tensor_set_item(tap_param_value(l.weight), 3, 1);
    tap_spectral_norm(l.weight, (tap_spectral_norm_options)NO_OPTIONS);
    static const char *const names[] = { "l.parametrizations.weight.original", "l.parametrizations.weight.0._u",
                                         "l.parametrizations.weight.0._v", NULL };
    assert_state(names);
    const tap_tensor u = tap_buffer_value(tap_module_buffer(root, names[1])),
                     v = tap_buffer_value(tap_module_buffer(root, names[2]));
    assert_near(fabs(tap_tensor_item(u, 0)), 1, 1e-9);
    assert_near(fabs(tap_tensor_item(v, 0)), 1, 1e-9);
    assert_near(item(tap_param_var(t, l.weight), 0), 1, 1e-9);
    assert_near(item(tap_param_var(t, l.weight), 3), 1.0 / 3, 1e-9);

    /* in evaluation u and v stay, and the result is what they give */
    tap_module_eval(root);
    tap_tape_reset(t);
    tap_tensor_set_item(u, 0, 0.6), tap_tensor_set_item(u, 1, 0.8);
    tap_tensor_set_item(v, 0, 1), tap_tensor_set_item(v, 1, 0);
    assert_near(item(tap_param_var(t, l.weight), 0), 3 / 1.8, 1e-12);
    assert_near(tap_tensor_item(u, 0), 0.6, 0);

    /* in training u = W v / |W v| first: both are exact again */
    tap_module_train(root);
    tap_tape_reset(t);
    assert_near(item(tap_param_var(t, l.weight), 0), 1, 1e-12);
    assert_near(tap_tensor_item(u, 0), 1, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_initial_state),
        TEST(test_options_leave_state_out),
        TEST(test_batch_norm),
        TEST(test_instance_norm),
        TEST(test_epsilons),
        TEST(test_bilinear),
        TEST(test_linear_output),
        TEST(test_dropout_follows_the_mode),
        TEST(test_padding_modes),
        TEST(test_convolution_to_a_size),
        TEST(test_pooling_over_one_axis),
        TEST(test_adaptive_maxima),
        TEST(test_weight_norm),
        TEST(test_spectral_norm),
        TEST(test_spectral_norm_of_the_last_axis),
        TEST(test_batch_norm_of_an_empty_batch),
        TEST(test_max_norm),
        TEST(test_max_norm_of_other_orders),
        TEST(test_max_norm_is_a_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
