/* tests/bad_arguments/layer_calls.h: a call of every function of normalization, embedding and other layers, and bad calls, for
 * test_nn.c. A layer is made below the fixture's module, and called at once. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_LAYER_CALLS_H
#define TAP_TESTS_BAD_ARGUMENTS_LAYER_CALLS_H

/* make_NAME(f, sizes.., options) makes a layer in f->value; use_NAME does and calls it on x. */
#define LAYER(name, type, options, sizes, init_arguments) \
    static type make_##name(fixture *f, sizes, options o) \
    { \
        type l = { 0 }; \
        tap_##name##_init(&l, f->m, "new", init_arguments, o); \
        return l; \
    } \
    static tap_var use_##name(fixture *f, tap_var x, sizes, options o) \
    { \
        const type l = make_##name(f, init_arguments, o); \
        return tap_##name##_forward(&l, x); \
    }
/* clang-format off */
LAYER(batch_norm, tap_batch_norm_layer, tap_batch_norm_options, int64_t n, n)
LAYER(instance_norm, tap_instance_norm_layer, tap_instance_norm_options, int64_t n, n)
LAYER(layer_norm, tap_layer_norm_layer, tap_layer_norm_options, tap_shape n, n)
LAYER(rms_norm, tap_rms_norm_layer, tap_rms_norm_options, tap_shape n, n)
/* clang-format on */

static tap_var use_group_norm(fixture *f, int64_t groups, int64_t channels, tap_group_norm_options o)
{
    tap_group_norm_layer l = { 0 };
    tap_group_norm_init(&l, f->m, "new", groups, channels, o);
    return tap_group_norm_forward(&l, f->in.x);
}

/* Rows 0 and 1 of a table, by elements of x. */
static tap_var use_embedding(fixture *f, int64_t rows, int64_t width, tap_embedding_options o)
{
    tap_embedding_layer l = { 0 };
    tap_embedding_init(&l, f->m, "new", rows, width, o);
    return tap_embedding_forward(&l, tap_cast(tap_abs(f->in.x), TAP_I64));
}

static tap_var use_prelu(fixture *f, tap_prelu_options o)
{
    tap_prelu_layer l = { 0 };
    tap_prelu_init(&l, f->m, "new", o);
    return tap_prelu_forward(&l, f->in.x);
}

static tap_var use_dropout(fixture *f, double p)
{
    tap_dropout_layer l = { 0 };
    tap_dropout_init(&l, f->m, "new", p);
    return tap_dropout_forward(&l, f->in.x);
}

static tap_var use_bilinear(fixture *f, int64_t in1, int64_t in2, int64_t out)
{
    tap_bilinear_layer l = { 0 };
    tap_bilinear_init(&l, f->m, "new", in1, in2, out, (tap_linear_options){ 0 });
    return tap_bilinear_forward(&l, f->in.x, f->in.z);
}

static tap_var use_linear_with(fixture *f, tap_linear_options o)
{
    tap_linear l = { 0 };
    tap_linear_init_with(&l, f->m, "new", IN, 2, o);
    return tap_linear_forward(&l, f->in.x);
}

static tap_var use_mlp_with(fixture *f, tap_mlp_options o)
{
    tap_mlp l = { 0 };
    tap_mlp_init_with(&l, f->m, "new", 2, (int64_t[]){ IN, 2 }, tap_relu, o);
    return tap_mlp_forward(&l, f->in.x);
}

static tap_var use_conv1d(fixture *f, int64_t kernel, tap_conv_options o, bool transposed)
{
    tap_conv l = { 0 };
    if (transposed) tap_conv_transpose1d_init(&l, f->m, "new", 2, 3, kernel, o);
    else tap_conv1d_init(&l, f->m, "new", 2, 3, kernel, o);
    return tap_conv_forward(&l, f->in.x);
}

static tap_var use_conv2d(fixture *f, int64_t height, int64_t width, tap_conv_options o, bool transposed)
{
    tap_conv l = { 0 };
    if (transposed) tap_conv_transpose2d_init(&l, f->m, "new", 1, 3, height, width, o);
    else tap_conv2d_init(&l, f->m, "new", 1, 3, height, width, o);
    return tap_conv_forward(&l, tap_unsqueeze(f->in.x, 0));
}

static tap_var use_conv_to(fixture *f, tap_conv_options o, bool transposed, const int64_t *size)
{
    tap_conv l = { 0 };
    if (transposed) tap_conv_transpose1d_init(&l, f->m, "new", 2, 3, 2, o);
    else tap_conv1d_init(&l, f->m, "new", 2, 3, 2, o);
    return tap_conv_forward_to(&l, f->in.x, size);
}

static tap_var use_weight_norm(fixture *f, tap_weight_norm_options o)
{
    tap_linear l = { 0 };
    tap_linear_init(&l, f->m, "new", IN, 2);
    tap_weight_norm(l.weight, o);
    return tap_linear_forward(&l, f->in.x);
}

static tap_var use_spectral_norm(fixture *f, tap_spectral_norm_options o)
{
    tap_linear l = { 0 };
    tap_linear_init(&l, f->m, "new", IN, 2);
    tap_spectral_norm(l.weight, o);
    return tap_linear_forward(&l, f->in.x);
}

static void bad_conv_to_rank(fixture *f)
{
    tap_conv l = { 0 };
    tap_conv_transpose1d_init(&l, f->m, "new", 2, 3, 2, (tap_conv_options){ 0 });
    f->out = tap_conv_forward_to(&l, f->in.c, (int64_t[]){ 50 });
}

static void bad_norm_twice(fixture *f)
{
    tap_linear l = { 0 };
    tap_linear_init(&l, f->m, "new", IN, 2);
    tap_weight_norm(l.weight, (tap_weight_norm_options){ 0 });
    tap_spectral_norm(l.weight, (tap_spectral_norm_options){ 0 });
}

static void bad_norm_vector(fixture *f)
{
    tap_linear l = { 0 };
    tap_linear_init(&l, f->m, "new", IN, 2);
    tap_spectral_norm(l.bias, (tap_spectral_norm_options){ 0 });
}

/* clang-format off */
#define LAYER_CALL(name, ...) CALL_VAR(name, MODULE | ON_TAPE | VARS, __VA_ARGS__)
#define NEW_LAYER(name, ...)  CALL(name, MODULE, __VA_ARGS__; f->status = (int)tap_module_status(f->m, NULL))
#define IMAGE_X               tap_unsqueeze(f->in.x, 0)

#define FUNCTIONS_OF_LAYERS \
    LAYER_CALL(tap_linear_init_with, use_linear_with(f, (tap_linear_options){ .no_bias = true })) \
    LAYER_CALL(tap_mlp_init_with, use_mlp_with(f, (tap_mlp_options){ .linear_output = true })) \
    LAYER_CALL(tap_conv1d_init, use_conv1d(f, 2, (tap_conv_options){ .no_bias = true }, false)) \
    LAYER_CALL(tap_conv2d_init, use_conv2d(f, 1, 2, (tap_conv_options){ .padding_mode = TAP_PAD_CIRCULAR }, false)) \
    LAYER_CALL(tap_conv_transpose1d_init, use_conv1d(f, 2, (tap_conv_options){ 0 }, true)) \
    LAYER_CALL(tap_conv_transpose2d_init, use_conv2d(f, 1, 2, (tap_conv_options){ 0 }, true)) \
    LAYER_CALL(tap_conv_forward_to, use_conv_to(f, (tap_conv_options){ 0 }, true, (int64_t[]){ 5 })) \
    NEW_LAYER(tap_batch_norm_init, make_batch_norm(f, IN, (tap_batch_norm_options){ .cumulative = true })) \
    LAYER_CALL(tap_batch_norm_forward, use_batch_norm(f, f->in.x, IN, (tap_batch_norm_options){ 0 })) \
    NEW_LAYER(tap_instance_norm_init, make_instance_norm(f, IN, (tap_instance_norm_options){ .affine = true })) \
    LAYER_CALL(tap_instance_norm_forward, \
      use_instance_norm(f, IMAGE_X, BATCH, (tap_instance_norm_options){ .track_running_stats = true })) \
    NEW_LAYER(tap_layer_norm_init, make_layer_norm(f, TAP_SHAPE(IN), (tap_layer_norm_options){ .no_bias = true })) \
    LAYER_CALL(tap_layer_norm_forward, use_layer_norm(f, f->in.x, TAP_SHAPE(IN), (tap_layer_norm_options){ 0 })) \
    NEW_LAYER(tap_rms_norm_init, make_rms_norm(f, TAP_SHAPE(IN), (tap_rms_norm_options){ 0 })) \
    LAYER_CALL(tap_rms_norm_forward, use_rms_norm(f, f->in.x, TAP_SHAPE(IN), (tap_rms_norm_options){ .no_affine = true })) \
    LAYER_CALL(tap_group_norm_init, use_group_norm(f, 2, IN, (tap_group_norm_options){ .no_affine = true })) \
    LAYER_CALL(tap_group_norm_forward, use_group_norm(f, 2, IN, (tap_group_norm_options){ 0 })) \
    LAYER_CALL(tap_embedding_init, use_embedding(f, 2, 3, (tap_embedding_options){ .has_padding_idx = true })) \
    LAYER_CALL(tap_embedding_forward, use_embedding(f, 2, 3, (tap_embedding_options){ .scale_grad_by_freq = true })) \
    LAYER_CALL(tap_prelu_init, use_prelu(f, (tap_prelu_options){ .num_parameters = IN })) \
    LAYER_CALL(tap_prelu_forward, use_prelu(f, (tap_prelu_options){ .init = TAP_ZERO })) \
    LAYER_CALL(tap_dropout_init, use_dropout(f, 0)) \
    LAYER_CALL(tap_dropout_forward, use_dropout(f, 0.5)) \
    LAYER_CALL(tap_bilinear_init, use_bilinear(f, IN, LATENT, 3)) \
    CALL_VAR(tap_bilinear_forward, MODULE | ON_TAPE | VARS, use_bilinear(f, IN, LATENT, 1)) \
    LAYER_CALL(tap_weight_norm, use_weight_norm(f, (tap_weight_norm_options){ .all = true })) \
    LAYER_CALL(tap_spectral_norm, use_spectral_norm(f, (tap_spectral_norm_options){ .dim = 1 }))

#define NEW_LAYER_BAD_CALLS \
    BAD_CALL(linear_with_null, TAP_EARG, "new: linear: the layer is NULL", \
      tap_linear_init_with(NULL, f->m, "new", 1, 1, (tap_linear_options){ 0 })) \
    BAD_CALL(mlp_with_null, TAP_EARG, "new: mlp: the layer is NULL", \
      tap_mlp_init_with(NULL, f->m, "new", 2, (int64_t[]){ 1, 1 }, tap_relu, (tap_mlp_options){ 0 })) \
    BAD_CALL(conv_layer_height, TAP_EARG, "new: conv: channels and kernel must be at least 1, not 1 -> 3 and 0", \
      use_conv2d(f, 0, 2, (tap_conv_options){ 0 }, false)) \
    BAD_CALL(conv_layer_no_width, TAP_EARG, "new: conv: channels and kernel must be at least 1, not 1 -> 3 and 0", \
      use_conv2d(f, 2, 0, (tap_conv_options){ 0 }, false)) \
    BAD_CALL(conv_layer_no_height, TAP_EARG, "new: conv: channels and kernel must be at least 1, not 1 -> 3 and 0", \
      use_conv2d(f, 0, 1, (tap_conv_options){ 0 }, false)) \
    BAD_CALL(conv_layer_width, TAP_EARG, "new: conv_transpose: channels and kernel must be at least 1, not 1 -> 3 and -1", \
      use_conv2d(f, 2, -1, (tap_conv_options){ 0 }, true)) \
    BAD_VAR(conv_layer_mode, TAP_EARG, \
      "conv_forward: [2,4]: padding_mode must be a tap_pad_mode, not 9; at conv1d: [2,4] x [3,2,2] x [3] (new.weight, new.bias)", \
      use_conv1d(f, 2, (tap_conv_options){ .padding_mode = (tap_pad_mode)9 }, false)) \
    BAD_VAR(conv_layer_mode_transposed, TAP_EARG, \
      "conv_forward: [2,4]: a transposed convolution has no padding_mode; at conv_transpose1d: [2,4] x [2,3,2] x [3] (new.weight, " \
      "new.bias)", \
      use_conv1d(f, 2, (tap_conv_options){ .padding_mode = TAP_PAD_REFLECT }, true)) \
    BAD_VAR(conv_layer_reflect, TAP_EARG, NULL, \
      use_conv1d(f, 2, (tap_conv_options){ .padding_mode = TAP_PAD_REFLECT, .padding = { 9 } }, false)) \
    BAD_VAR(conv_to_null, TAP_EARG, "conv_forward_to: [2,4]: the size must not be NULL, and the layer a transposed convolution", \
      use_conv_to(f, (tap_conv_options){ 0 }, true, NULL)) \
    BAD_VAR(conv_to_forward, TAP_EARG, \
      "conv_forward_to: [2,4]: the size must not be NULL, and the layer a transposed convolution", \
      use_conv_to(f, (tap_conv_options){ 0 }, false, (int64_t[]){ 5 })) \
    BAD_VAR(conv_to_size, TAP_EARG, "conv_forward_to: [2,4]: the size along axis -1 must be within 8..9, not 10", \
      use_conv_to(f, (tap_conv_options){ .stride = { 2 } }, true, (int64_t[]){ 10 })) \
    BAD_FUNCTION(conv_to_rank, TAP_ESHAPE, \
      "conv_forward_to: [2]: needs x of 2 or 3 axes, and a weight of 3; at conv_transpose1d: [2] x [2,3,2] x [3] (new.weight, " \
      "new.bias)") \
    BAD_VAR(conv_to_none, TAP_EARG, "conv_forward_to: [2,4]: the parameter is NULL; was the layer initialized?", \
      tap_conv_forward_to(NULL, f->in.x, (int64_t[]){ 5 })) \
    BAD_VAR(conv_to_padding, TAP_EARG, NULL, \
      use_conv_to(f, (tap_conv_options){ .padding = { INT64_MAX } }, true, (int64_t[]){ 5 })) \
    BAD_CALL(batch_norm_layer_null, TAP_EARG, "new: batch_norm: the layer is NULL", \
      tap_batch_norm_init(NULL, f->m, "new", 2, (tap_batch_norm_options){ 0 })) \
    BAD_VAR(batch_norm_layer_features, TAP_EARG, "new: batch_norm: features must be at least 1, not 0", \
      use_batch_norm(f, f->in.x, 0, (tap_batch_norm_options){ 0 })) \
    BAD_VAR(batch_norm_layer_eps, TAP_EARG, "new: batch_norm: eps must be a finite number, at least 0, not -2", \
      use_batch_norm(f, f->in.x, IN, (tap_batch_norm_options){ .eps = -2 })) \
    BAD_VAR(batch_norm_layer_momentum, TAP_EARG, "new: batch_norm: momentum must be a finite number, at least 0, not nan", \
      use_batch_norm(f, f->in.x, IN, (tap_batch_norm_options){ .momentum = (double)NAN })) \
    BAD_VAR(batch_norm_layer_empty, TAP_EARG, "batch_norm_forward: [2,4]: the layer was never initialized", \
      tap_batch_norm_forward(&(tap_batch_norm_layer){ 0 }, f->in.x)) \
    BAD_VAR(batch_norm_layer_shape, TAP_ESHAPE, NULL, use_batch_norm(f, f->in.x, 3, (tap_batch_norm_options){ 0 })) \
    BAD_CALL(instance_norm_layer_null, TAP_EARG, "new: instance_norm: the layer is NULL", \
      tap_instance_norm_init(NULL, f->m, "new", 2, (tap_instance_norm_options){ 0 })) \
    BAD_VAR(instance_norm_layer_features, TAP_EARG, "new: instance_norm: features must be at least 1, not -1", \
      use_instance_norm(f, IMAGE_X, -1, (tap_instance_norm_options){ 0 })) \
    BAD_VAR(instance_norm_layer_eps, TAP_EARG, "new: instance_norm: eps must be a finite number, at least 0, not -2", \
      use_instance_norm(f, IMAGE_X, BATCH, (tap_instance_norm_options){ .eps = -2 })) \
    BAD_VAR(instance_norm_layer_momentum, TAP_EARG, "new: instance_norm: momentum must be a finite number, at least 0, not -2", \
      use_instance_norm(f, IMAGE_X, BATCH, (tap_instance_norm_options){ .momentum = -2 })) \
    BAD_VAR(instance_norm_layer_none, TAP_EARG, "instance_norm_forward: [2,4]: the layer was never initialized", \
      tap_instance_norm_forward(NULL, f->in.x)) \
    BAD_VAR(instance_norm_rank, TAP_ESHAPE, "instance_norm: [2,4]: needs [batch,channels,..]", \
      tap_instance_norm(f->in.x, NULL, NULL, NOTHING, NOTHING, true, 0, 0)) \
    BAD_VAR(instance_norm_one, TAP_ESHAPE, "instance_norm: [2,4,1]: needs more than one value per channel", \
      tap_instance_norm(tap_unsqueeze(f->in.x, 2), NULL, NULL, NOTHING, NOTHING, true, 0, 0)) \
    BAD_VAR(instance_norm_weight, TAP_ESHAPE, "instance_norm: [1,2,4] x [2,4]: the weight must be [2], not [2,4]", \
      tap_instance_norm(IMAGE_X, NULL, NULL, f->in.x, NOTHING, true, 0, 0)) \
    BAD_VAR(instance_norm_bias, TAP_ESHAPE, "instance_norm: [1,2,4] x [2,4]: the bias must be [2], not [2,4]", \
      tap_instance_norm(IMAGE_X, NULL, NULL, NOTHING, f->in.x, true, 0, 0)) \
    BAD_VAR(instance_norm_mean, TAP_ESHAPE, \
      "instance_norm: [1,2,4]: the running mean must be [channels], of floats, not []", \
      tap_instance_norm(IMAGE_X, &(tap_tensor){ 0 }, NULL, NOTHING, NOTHING, true, 0, 0)) \
    BAD_VAR(instance_norm_var, TAP_ESHAPE, \
      "instance_norm: [1,2,4]: the running variance must be [channels], of floats, not []", \
      tap_instance_norm(IMAGE_X, NULL, &(tap_tensor){ 0 }, NOTHING, NOTHING, true, 0, 0)) \
    BAD_VAR(instance_norm_no_stats, TAP_EARG, NULL, \
      tap_instance_norm(IMAGE_X, NULL, NULL, NOTHING, NOTHING, false, 0, 0)) \
    BAD_CALL(layer_norm_layer_null, TAP_EARG, "new: layer_norm: the layer is NULL", \
      tap_layer_norm_init(NULL, f->m, "new", TAP_SHAPE(2), (tap_layer_norm_options){ 0 })) \
    BAD_VAR(layer_norm_layer_shape, TAP_ESHAPE, "new: layer_norm: normalized_shape must have axes of sizes from 1 up, not []", \
      use_layer_norm(f, f->in.x, TAP_SCALAR, (tap_layer_norm_options){ 0 })) \
    BAD_VAR(layer_norm_layer_eps, TAP_EARG, "new: layer_norm: eps must be a finite number, at least 0, not -2", \
      use_layer_norm(f, f->in.x, TAP_SHAPE(IN), (tap_layer_norm_options){ .eps = -2 })) \
    BAD_VAR(layer_norm_layer_none, TAP_EARG, "layer_norm_forward: [2,4]: the layer was never initialized", \
      tap_layer_norm_forward(NULL, f->in.x)) \
    BAD_CALL(rms_norm_layer_null, TAP_EARG, "new: rms_norm: the layer is NULL", \
      tap_rms_norm_init(NULL, f->m, "new", TAP_SHAPE(2), (tap_rms_norm_options){ 0 })) \
    BAD_VAR(rms_norm_layer_shape, TAP_ESHAPE, "new: rms_norm: normalized_shape must have axes of sizes from 1 up, not [0]", \
      use_rms_norm(f, f->in.x, TAP_SHAPE(0), (tap_rms_norm_options){ 0 })) \
    BAD_VAR(rms_norm_layer_eps, TAP_EARG, "new: rms_norm: eps must be a finite number, at least 0, not inf", \
      use_rms_norm(f, f->in.x, TAP_SHAPE(4), (tap_rms_norm_options){ .eps = (double)INFINITY })) \
    BAD_VAR(rms_norm_layer_none, TAP_EARG, "rms_norm_forward: [2,4]: the layer was never initialized", \
      tap_rms_norm_forward(NULL, f->in.x)) \
    BAD_CALL(group_norm_layer_null, TAP_EARG, "new: group_norm: the layer is NULL", \
      tap_group_norm_init(NULL, f->m, "new", 1, 2, (tap_group_norm_options){ 0 })) \
    BAD_VAR(group_norm_layer_groups, TAP_EARG, \
      "new: group_norm: 4 channels must be at least 1 and divisible by 3 groups", \
      use_group_norm(f, 3, IN, (tap_group_norm_options){ 0 })) \
    BAD_VAR(group_norm_layer_zero, TAP_EARG, "new: group_norm: 4 channels must be at least 1 and divisible by 0 groups", \
      use_group_norm(f, 0, IN, (tap_group_norm_options){ 0 })) \
    BAD_VAR(group_norm_layer_eps, TAP_EARG, "new: group_norm: eps must be a finite number, at least 0, not -2", \
      use_group_norm(f, 2, IN, (tap_group_norm_options){ .eps = -2 })) \
    BAD_VAR(group_norm_layer_none, TAP_EARG, "group_norm_forward: [2,4]: the layer was never initialized", \
      tap_group_norm_forward(NULL, f->in.x)) \
    BAD_CALL(embedding_layer_null, TAP_EARG, "new: embedding: the layer is NULL", \
      tap_embedding_init(NULL, f->m, "new", 1, 2, (tap_embedding_options){ 0 })) \
    BAD_VAR(embedding_layer_max_norm, TAP_EARG, "new: embedding: max_norm must be a finite number, at least 0, not -2", \
      use_embedding(f, 2, 2, (tap_embedding_options){ .max_norm = -2 })) \
    BAD_VAR(embedding_layer_norm_type, TAP_EARG, "new: embedding: norm_type must be above 0, not nan", \
      use_embedding(f, 2, 2, (tap_embedding_options){ .norm_type = (double)NAN })) \
    BAD_VAR(embedding_layer_rows, TAP_EARG, "new: embedding: sizes must be at least 1, not -9223372036854775808 and 2", \
      use_embedding(f, INT64_MIN, 2, (tap_embedding_options){ .has_padding_idx = true })) \
    BAD_VAR(embedding_layer_padding, TAP_EARG, "new: embedding: padding_idx must be a row of 2, not -3", \
      use_embedding(f, 2, 2, (tap_embedding_options){ .has_padding_idx = true, .padding_idx = -3 })) \
    BAD_VAR(embedding_layer_index, TAP_EARG, NULL, \
      use_embedding(f, 1, 2, (tap_embedding_options){ .scale_grad_by_freq = true })) \
    BAD_VAR(embedding_layer_none, TAP_EARG, "embedding_forward: [2,4]: the parameter is NULL; was the layer initialized?", \
      tap_embedding_forward(NULL, f->in.x)) \
    BAD_CALL(prelu_layer_null, TAP_EARG, "new: prelu: the layer is NULL", \
      tap_prelu_init(NULL, f->m, "new", (tap_prelu_options){ 0 })) \
    BAD_VAR(prelu_layer_count, TAP_EARG, "new: prelu: num_parameters must be at least 1, not -1", \
      use_prelu(f, (tap_prelu_options){ .num_parameters = -1 })) \
    BAD_VAR(prelu_layer_init, TAP_EARG, "new: prelu: init must be a finite number, at least 0, not nan", \
      use_prelu(f, (tap_prelu_options){ .init = (double)NAN })) \
    BAD_VAR(prelu_layer_none, TAP_EARG, "prelu_forward: [2,4]: the parameter is NULL; was the layer initialized?", \
      tap_prelu_forward(NULL, f->in.x)) \
    BAD_CALL(dropout_layer_null, TAP_EARG, "new: dropout: the layer is NULL", tap_dropout_init(NULL, f->m, "new", 0)) \
    BAD_VAR(dropout_layer_p, TAP_EARG, "new: dropout: p must be within 0..1, not 1.5", use_dropout(f, 1.5)) \
    BAD_VAR(dropout_layer_none, TAP_EARG, "dropout_forward: [2,4]: the layer was never initialized", \
      tap_dropout_forward(NULL, f->in.x)) \
    BAD_CALL(bilinear_layer_null, TAP_EARG, "new: bilinear: the layer is NULL", \
      tap_bilinear_init(NULL, f->m, "new", 1, 1, 1, (tap_linear_options){ 0 })) \
    BAD_VAR(bilinear_layer_sizes, TAP_EARG, "new: bilinear: sizes must be at least 1, not 4 x 0 -> 1", \
      use_bilinear(f, IN, 0, 1)) \
    BAD_VAR(bilinear_layer_shape, TAP_ESHAPE, \
      "bilinear_forward: [2,4] x [2,2]: needs x1 [..,in1], x2 [..,in2] and a weight [out,in1,in2]; at bilinear: [2,4] x [2,2] x " \
      "[1,3,2] x [1] (new.weight, new.bias)", use_bilinear(f, 3, 2, 1)) \
    BAD_VAR(bilinear_layer_none, TAP_EARG, "bilinear_forward: [2,4] x [2,2]: the parameter is NULL; was the layer initialized?", \
      tap_bilinear_forward(NULL, f->in.x, f->in.z)) \
    BAD_VAR(bilinear_rows, TAP_ESHAPE, "bilinear: [2,4] x [1,4] x [1,4,4]: x1 and x2 must have the same leading axes", \
      tap_bilinear(f->in.x, tap_ones(f->t, TAP_SHAPE(1, 4)), tap_ones(f->t, TAP_SHAPE(1, 4, 4)), NOTHING)) \
    BAD_VAR(weight_norm_dim, TAP_EARG, "weight_norm: new.weight: dim must be one of the weight's 2 axes, not 2", \
      use_weight_norm(f, (tap_weight_norm_options){ .dim = 2 })) \
    BAD_VAR(spectral_norm_dim, TAP_EARG, "spectral_norm: new.weight: dim must be one of the weight's 2 axes, not -3", \
      use_spectral_norm(f, (tap_spectral_norm_options){ .dim = -3 })) \
    BAD_VAR(spectral_norm_iterations, TAP_EARG, \
      "spectral_norm: new.weight: needs at least 1 power iteration, not -1, and a weight with elements", \
      use_spectral_norm(f, (tap_spectral_norm_options){ .n_power_iterations = -1 })) \
    BAD_VAR(spectral_norm_eps, TAP_EARG, \
      "new.parametrizations.weight: spectral_norm: eps must be a finite number, at least 0, not -3", \
      use_spectral_norm(f, (tap_spectral_norm_options){ .eps = -3 })) \
    BAD_FUNCTION(norm_twice, TAP_EARG, "spectral_norm: new.weight: the parameter has a parametrization already") \
    BAD_FUNCTION(norm_vector, TAP_ESHAPE, "spectral_norm: new.bias: needs a weight of at least 2 axes, not 1") \
    BAD_CALL(norm_late, TAP_EARG, "weight_norm: linear.weight: must come before the optimizer", \
      tap_weight_norm(f->weight, (tap_weight_norm_options){ 0 })) \
    BAD_VAR(max_pool1d_rank, TAP_ESHAPE, "max_pool1d: [2]: needs [N,C,L] or [C,L]", \
      tap_max_pool1d(f->in.c, (tap_pool_options){ .kernel = { 1 } }, NULL)) \
    BAD_VAR(adaptive_max_size, TAP_EARG, "adaptive_max_pool2d: [1,2,4]: [-1,2] is out of range", \
      tap_adaptive_max_pool2d(IMAGE_X, -1, 2, NULL)) \
    BAD_VAR(adaptive_max_rank, TAP_ESHAPE, "adaptive_max_pool1d: [2]: needs [N,C,L] or [C,L]", \
      tap_adaptive_max_pool1d(f->in.c, 2, NULL)) \
    BAD_VAR(adaptive_max_vast, TAP_ENOMEM, NULL, tap_adaptive_max_pool2d(IMAGE_X, INT32_MAX, 1 << 25, NULL))
/* clang-format on */

#endif
