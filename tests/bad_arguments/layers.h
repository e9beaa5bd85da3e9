/* tests/bad_arguments/layers.h: bad calls of linear and convolutional layers and the MLP, for test_nn.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_LAYERS_H
#define TAP_TESTS_BAD_ARGUMENTS_LAYERS_H

/* clang-format off */
#define LAYER_BAD_CALLS \
    BAD_CALL(linear_zero, TAP_EARG, "new: linear: sizes must be at least 1, not 0 -> 2", linear(f, 0, 2)) \
    BAD_CALL(linear_negative, TAP_EARG, "new: linear: sizes must be at least 1, not 4 -> -9223372036854775808", \
      linear(f, IN, INT64_MIN)) \
    BAD_CALL(linear_overflowing, TAP_ESHAPE, "new.weight: tensor: invalid shape [9223372036854775807,9223372036854775807]", \
      linear(f, INT64_MAX, INT64_MAX)) \
    BAD_CALL(linear_vast, TAP_ENOMEM, NULL, linear(f, 1 << 25, 1 << 25)) \
    BAD_CALL(linear_init_null, TAP_EARG, "new: linear: the layer is NULL", tap_linear_init(NULL, f->m, "new", 1, 1)) \
    BAD_VAR(linear_forward_null, TAP_EARG, "linear_forward: [2,4]: the parameter is NULL; was the layer initialized?", \
      tap_linear_forward(NULL, f->in.x)) \
    BAD_VAR(linear_forward_empty, TAP_EARG, "linear_forward: [2,4]: the parameter is NULL; was the layer initialized?", \
      tap_linear_forward(&(tap_linear){ 0 }, f->in.x)) \
    BAD_VAR(linear_forward_shape, TAP_ESHAPE, \
      "linear_forward: [1,2,2]: inner sizes 2 and 4 differ; at affine: [1,2,2] x [3,4] x [3] (linear.weight, linear.bias)", \
      tap_linear_forward(f->linear, f->in.noise)) \
    BAD_VAR(linear_forward_dtype, TAP_EDTYPE, \
      "linear_forward: [2,4]: int64 is not float32 or float64; tap_cast makes it so; at affine: [2,4] x [3,4] x [3] " \
      "(linear.weight, linear.bias)", \
      tap_linear_forward(f->linear, tap_cast(f->in.x, TAP_I64))) \
    BAD_CALL(conv_layer_init_null, TAP_EARG, "new: conv: the layer is NULL", \
      tap_conv_init(NULL, f->m, "new", 1, 1, 1, (tap_conv_options){ 0 })) \
    BAD_CALL(conv_layer_transpose_init_null, TAP_EARG, "new: conv_transpose: the layer is NULL", \
      tap_conv_transpose_init(NULL, f->m, "new", 1, 1, 1, (tap_conv_options){ 0 })) \
    BAD_CALL(conv_layer_channels, TAP_EARG, "new: conv: channels and kernel must be at least 1, not 0 -> 2 and 2", \
      conv(f, 0, 2, 2, 0)) \
    BAD_CALL(conv_layer_none, TAP_EARG, "new: conv: channels and kernel must be at least 1, not 2 -> 0 and 2", \
      conv(f, 2, 0, 2, 0)) \
    BAD_CALL(conv_layer_kernel, TAP_EARG, "new: conv: channels and kernel must be at least 1, not 1 -> 2 and -2", \
      conv(f, 1, 2, -2, 0)) \
    BAD_CALL(conv_layer_groups, TAP_EARG, "new: conv: channels 1 -> 2 must be divisible by 2 groups", conv(f, 1, 2, 2, 2)) \
    BAD_CALL(conv_layer_groups_min, TAP_EARG, "new: conv: channels 1 -> 2 must be divisible by -9223372036854775808 groups", \
      conv(f, 1, 2, 2, INT64_MIN)) \
    BAD_CALL(conv_layer_overflowing, TAP_ESHAPE, NULL, conv(f, INT64_MAX, INT64_MAX, INT64_MAX, 0)) \
    BAD_CALL(conv_layer_vast, TAP_ENOMEM, NULL, conv(f, 1 << 20, 1 << 20, 16, 0)) \
    BAD_VAR(conv_layer_forward_null, TAP_EARG, "conv_forward: [2,4]: the parameter is NULL; was the layer initialized?", \
      tap_conv_forward(NULL, f->in.x)) \
    BAD_VAR(conv_layer_forward_shape, TAP_ESHAPE, \
      "conv_forward: [2,4]: needs x of 3 or 4 axes, and a weight of 4; at conv2d: [2,4] x [2,1,2,2] x [2] (conv.weight, " \
      "conv.bias)", \
      tap_conv_forward(f->conv, f->in.x)) \
    BAD_CALL(mlp_sizes, TAP_EARG, "new: mlp: there must be at least 2 sizes, in and out, not 1", \
      mlp(f, 1, (int64_t[]){ IN }, tap_relu)) \
    BAD_CALL(mlp_sizes_min, TAP_EARG, "new: mlp: there must be at least 2 sizes, in and out, not -2147483648", \
      mlp(f, INT_MIN, (int64_t[]){ IN }, tap_relu)) \
    BAD_CALL(mlp_null, TAP_EARG, "new: mlp: sizes is NULL", mlp(f, 2, NULL, tap_relu)) \
    BAD_CALL(mlp_negative, TAP_EARG, "new.0: linear: sizes must be at least 1, not 4 -> -1", \
      mlp(f, 2, (int64_t[]){ IN, -1 }, tap_relu)) \
    BAD_CALL(mlp_no_activation, TAP_EARG, \
      "new: mlp: the activation is NULL; there are relu, tanh, sigmoid, softplus, elu, silu, gelu, leaky_relu, selu, mish, " \
      "identity", \
      mlp(f, 2, (int64_t[]){ IN, OUT }, NULL)) \
    BAD_CALL(mlp_init_null, TAP_EARG, "new: mlp: the layer is NULL", \
      tap_mlp_init(NULL, f->m, "new", 2, (int64_t[]){ 1, 1 }, tap_relu)) \
    BAD_VAR(mlp_forward_null, TAP_EARG, "mlp_forward: [2,4]: the layer was never initialized", tap_mlp_forward(NULL, f->in.x)) \
    BAD_VAR(mlp_forward_empty, TAP_EARG, "mlp_forward: [2,4]: the layer was never initialized", \
      tap_mlp_forward(&(tap_mlp){ 0 }, f->in.x)) \
    BAD_VAR(mlp_forward_shape, TAP_ESHAPE, \
      "mlp_forward: [1,2,2]: inner sizes 2 and 4 differ; at affine: [1,2,2] x [3,4] x [3] (mlp.0.weight, mlp.0.bias)", \
      tap_mlp_forward(f->mlp, f->in.noise))
/* clang-format on */

#endif
