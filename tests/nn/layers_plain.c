/* tests/nn/layers_plain.c: rows of the layers that see no sequence. */
#include "tests/nn/layer_tables.h"

/* A layer without parameters. */
#define FUNCTION(name, call) LAYER(name, char, (void)m, ((void)l, call))

#define NAMED     l, m, "layer"
#define CONV(...) ((tap_conv_options){ __VA_ARGS__ })
#define POOL(...) ((tap_pool_options){ __VA_ARGS__ })

/* The table's indices: 0, 3, 2, 1, 0, ... for a table of 4 rows. */
static tap_var places(tap_var x, tap_shape shape, int64_t rows)
{
    tap_var    v = tap_reshape(tap_arange(x.tape, tap_numel(shape)), shape);
    tap_tensor i = tap_value(v);
    for (int64_t k = 0; k < tap_tensor_numel(i); k++) tap_tensor_set_item(i, k, (double)(k * (rows - 1) % rows));
    return v;
}

static tap_var max_pool_indexed(tap_var x)
{
    tap_var       index;
    const tap_var y = tap_max_pool2d(x, POOL(.kernel = { 2, 2 }), &index);
    return tap_mul(y, tap_add_scalar(tap_cast(index, tap_value(x).dtype), 1));
}

/* clang-format off */
LAYER(linear, tap_linear, tap_linear_init(NAMED, 4, 3), tap_linear_forward(l, x))
LAYER(linear_bare, tap_linear, tap_linear_init_with(NAMED, 4, 3, (tap_linear_options){ .no_bias = true }), tap_linear_forward(l, x))
LAYER(bilinear, tap_bilinear_layer, tap_bilinear_init(NAMED, 4, 4, 2, (tap_linear_options){ 0 }), tap_bilinear_forward(l, x, tap_sin(x)))
LAYER(mlp, tap_mlp, tap_mlp_init(NAMED, 3, (const int64_t[]){ 4, 5, 2 }, tap_tanh), tap_mlp_forward(l, x))
LAYER(mlp_linear, tap_mlp, tap_mlp_init_with(NAMED, 3, (const int64_t[]){ 4, 5, 2 }, tap_tanh, (tap_mlp_options){ .linear_output = true }),
      tap_mlp_forward(l, x))
LAYER(conv1d, tap_conv, tap_conv1d_init(NAMED, 2, 3, 3, CONV(.padding = { 1 }, .padding_mode = TAP_PAD_CIRCULAR)), tap_conv_forward(l, x))
LAYER(conv2d, tap_conv, tap_conv2d_init(NAMED, 2, 4, 2, 3, CONV(.groups = 2, .same = true, .padding_mode = TAP_PAD_REFLECT, .no_bias = true)),
      tap_conv_forward(l, x))
LAYER(conv_square, tap_conv, tap_conv_init(NAMED, 2, 3, 2, CONV(.stride = { 2, 1 })), tap_conv_forward(l, x))
LAYER(conv_transpose1d, tap_conv, tap_conv_transpose1d_init(NAMED, 2, 3, 3, CONV(.stride = { 2 }, .output_padding = { 1 })), tap_conv_forward(l, x))
LAYER(conv_transpose2d, tap_conv, tap_conv_transpose2d_init(NAMED, 2, 2, 2, 1, CONV(.stride = { 2, 3 })),
      tap_conv_forward_to(l, x, (const int64_t[]){ 7, 12 }))
LAYER(batch_norm, tap_batch_norm_layer, tap_batch_norm_init(NAMED, 4, (tap_batch_norm_options){ .eps = 0.1 }), tap_batch_norm_forward(l, x))
LAYER(batch_norm_mean, tap_batch_norm_layer,
      tap_batch_norm_init(NAMED, 2, (tap_batch_norm_options){ .eps = 0.1, .cumulative = true, .no_affine = true }), tap_batch_norm_forward(l, x))
LAYER(instance_norm, tap_instance_norm_layer,
      tap_instance_norm_init(NAMED, 2, (tap_instance_norm_options){ .eps = 0.1, .affine = true, .track_running_stats = true }),
      tap_instance_norm_forward(l, x))
LAYER(layer_norm, tap_layer_norm_layer, tap_layer_norm_init(NAMED, TAP_SHAPE(4), (tap_layer_norm_options){ .eps = 0.1 }), tap_layer_norm_forward(l, x))
LAYER(rms_norm, tap_rms_norm_layer, tap_rms_norm_init(NAMED, TAP_SHAPE(4), (tap_rms_norm_options){ 0 }), tap_rms_norm_forward(l, x))
LAYER(group_norm, tap_group_norm_layer, tap_group_norm_init(NAMED, 2, 4, (tap_group_norm_options){ .eps = 0.1 }), tap_group_norm_forward(l, x))
LAYER(embedding, tap_embedding_layer, tap_embedding_init(NAMED, 4, 3, (tap_embedding_options){ 0 }),
      tap_mul(tap_embedding_forward(l, places(x, TAP_SHAPE(5), 4)), tap_select(x, 1, 0)))
LAYER(embedding_frequency, tap_embedding_layer, tap_embedding_init(NAMED, 4, 3, (tap_embedding_options){ .scale_grad_by_freq = true }),
      tap_mul(tap_embedding_forward(l, places(x, TAP_SHAPE(5), 4)), tap_select(x, 1, 0)))
LAYER(prelu, tap_prelu_layer, tap_prelu_init(NAMED, (tap_prelu_options){ .num_parameters = 4 }), tap_prelu_forward(l, x))
LAYER(dropout, tap_dropout_layer, tap_dropout_init(NAMED, 0.4), tap_dropout_forward(l, x))
LAYER(weight_norm, tap_conv, tap_conv_init(NAMED, 2, 3, 2, CONV(0)); tap_weight_norm(l->weight, (tap_weight_norm_options){ .dim = 1 }),
      tap_conv_forward(l, x))
LAYER(weight_norm_all, tap_linear, tap_linear_init(NAMED, 4, 3); tap_weight_norm(l->weight, (tap_weight_norm_options){ .all = true }),
      tap_linear_forward(l, x))
LAYER(spectral_norm, tap_linear, tap_linear_init(NAMED, 4, 3); tap_spectral_norm(l->weight, (tap_spectral_norm_options){ 0 }),
      tap_add(tap_linear_forward(l, x), tap_linear_forward(l, tap_neg(x))))
LAYER(spectral_norm_conv, tap_conv, tap_conv_init(NAMED, 2, 3, 2, CONV(0));
      tap_spectral_norm(l->weight, (tap_spectral_norm_options){ .n_power_iterations = 2, .dim = 1 }), tap_conv_forward(l, x))
FUNCTION(max_pool1d, tap_max_pool1d(x, POOL(.kernel = { 3 }, .padding = { 1 }), NULL))
FUNCTION(max_pool2d, max_pool_indexed(x))
FUNCTION(avg_pool1d, tap_avg_pool1d(x, POOL(.kernel = { 2 }, .ceil_mode = true)))
FUNCTION(avg_pool2d, tap_avg_pool2d(x, POOL(.kernel = { 2, 3 }, .padding = { 1, 1 }, .exclude_pad = true)))
FUNCTION(adaptive_avg_pool1d, tap_adaptive_avg_pool1d(x, 3))
FUNCTION(adaptive_avg_pool2d, tap_adaptive_avg_pool2d(x, 2, 3))
FUNCTION(adaptive_max_pool1d, tap_adaptive_max_pool1d(x, 3, NULL))
FUNCTION(adaptive_max_pool2d, tap_adaptive_max_pool2d(x, 2, 3, NULL))
FUNCTION(upsample, tap_interpolate(x, (tap_interpolate_options){ .scale = { 2, 1.5 }, .mode = TAP_INTERPOLATE_LINEAR }))
/* clang-format on */

#define ROW(name, ...) \
    { \
#name, S(__VA_ARGS__), name##_make, name##_call, false \
    }

/* clang-format off */
const layer_row plain_layers[] = {
    ROW(linear, 5, 4),
    ROW(linear_bare, 5, 4),
    ROW(bilinear, 5, 4),
    ROW(mlp, 5, 4),
    ROW(mlp_linear, 5, 4),
    ROW(conv1d, 2, 2, 5),
    ROW(conv2d, 2, 2, 4, 5),
    ROW(conv_square, 2, 2, 4, 5),
    ROW(conv_transpose1d, 2, 2, 4),
    ROW(conv_transpose2d, 1, 2, 3, 4),
    ROW(batch_norm, 5, 4),
    ROW(batch_norm_mean, 3, 2, 2, 2),
    ROW(instance_norm, 2, 2, 3, 2),
    ROW(layer_norm, 5, 4),
    ROW(rms_norm, 5, 4),
    ROW(group_norm, 2, 4, 3),
    ROW(embedding, 3, 4),
    { "embedding_frequency", S(3, 4), embedding_frequency_make, embedding_frequency_call, .no_derivative = true },
    ROW(prelu, 5, 4),
    ROW(dropout, 5, 4),
    ROW(weight_norm, 2, 2, 4, 5),
    ROW(weight_norm_all, 5, 4),
    ROW(spectral_norm, 5, 4),
    ROW(spectral_norm_conv, 2, 2, 4, 5),
    ROW(max_pool1d, 2, 2, 7),
    ROW(max_pool2d, 2, 2, 4, 5),
    ROW(avg_pool1d, 2, 2, 7),
    ROW(avg_pool2d, 2, 2, 4, 5),
    ROW(adaptive_avg_pool1d, 2, 2, 7),
    ROW(adaptive_avg_pool2d, 2, 2, 4, 5),
    ROW(adaptive_max_pool1d, 2, 2, 7),
    ROW(adaptive_max_pool2d, 2, 2, 4, 5),
    ROW(upsample, 1, 2, 3, 4),
    { 0 },
};
/* clang-format on */
