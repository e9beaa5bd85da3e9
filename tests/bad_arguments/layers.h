/* Wrong arguments, for test_abuse_nn.c, of linear and convolutional layers and the MLP. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_LAYERS_H
#define TAP_TESTS_BAD_ARGUMENTS_LAYERS_H

/* clang-format off */
#define LAYER_WRONGS \
    X(linear_zero, TAP_EARG, "new: linear: sizes must be at least 1, not 0 -> 2", linear(w, 0, 2)) \
    X(linear_negative, TAP_EARG, "new: linear: sizes must be at least 1, not 4 -> -9223372036854775808", \
      linear(w, IN, INT64_MIN)) \
    X(linear_overflowing, TAP_ESHAPE, "new.weight: tensor: invalid shape [9223372036854775807,9223372036854775807]", \
      linear(w, INT64_MAX, INT64_MAX)) \
    X(linear_vast, TAP_ENOMEM, NULL, linear(w, 1 << 25, 1 << 25)) \
    X(linear_init_null, TAP_EARG, "new: linear: the layer is NULL", tap_linear_init(NULL, w->m, "new", 1, 1)) \
    X(linear_forward_null, TAP_EARG, "linear_forward: [2,4]: the parameter is NULL; was the layer initialized?", \
      w->out = tap_linear_forward(NULL, w->in.x)) \
    X(linear_forward_empty, TAP_EARG, "linear_forward: [2,4]: the parameter is NULL; was the layer initialized?", \
      w->out = tap_linear_forward(&(tap_linear){ 0 }, w->in.x)) \
    X(linear_forward_shape, TAP_ESHAPE, \
      "linear_forward: [1,2,2]: inner sizes 2 and 4 differ; at affine: [1,2,2] x [3,4] x [3] (linear.weight, linear.bias)", \
      w->out = tap_linear_forward(w->linear, w->in.noise)) \
    X(linear_forward_dtype, TAP_EDTYPE, \
      "linear_forward: [2,4]: int64 is not float32 or float64; tap_cast makes it so; at affine: [2,4] x [3,4] x [3] (linear.weight, linear.bias)", \
      w->out = tap_linear_forward(w->linear, tap_cast(w->in.x, TAP_I64))) \
    X(conv_layer_init_null, TAP_EARG, "new: conv: the layer is NULL", tap_conv_init(NULL, w->m, "new", 1, 1, 1, (tap_conv_options){ 0 })) \
    X(conv_layer_transpose_init_null, TAP_EARG, "new: conv_transpose: the layer is NULL", \
      tap_conv_transpose_init(NULL, w->m, "new", 1, 1, 1, (tap_conv_options){ 0 })) \
    X(conv_layer_channels, TAP_EARG, "new: conv: channels and kernel must be at least 1, not 0 -> 2 and 2", conv(w, 0, 2, 2, 0)) \
    X(conv_layer_none, TAP_EARG, "new: conv: channels and kernel must be at least 1, not 2 -> 0 and 2", conv(w, 2, 0, 2, 0)) \
    X(conv_layer_kernel, TAP_EARG, "new: conv: channels and kernel must be at least 1, not 1 -> 2 and -2", conv(w, 1, 2, -2, 0)) \
    X(conv_layer_groups, TAP_EARG, "new: conv: channels 1 -> 2 must be divisible by 2 groups", conv(w, 1, 2, 2, 2)) \
    X(conv_layer_groups_min, TAP_EARG, "new: conv: channels 1 -> 2 must be divisible by -9223372036854775808 groups", \
      conv(w, 1, 2, 2, INT64_MIN)) \
    X(conv_layer_overflowing, TAP_ESHAPE, NULL, conv(w, INT64_MAX, INT64_MAX, INT64_MAX, 0)) \
    X(conv_layer_vast, TAP_ENOMEM, NULL, conv(w, 1 << 20, 1 << 20, 16, 0)) \
    X(conv_layer_forward_null, TAP_EARG, "conv_forward: [2,4]: the parameter is NULL; was the layer initialized?", \
      w->out = tap_conv_forward(NULL, w->in.x)) \
    X(conv_layer_forward_shape, TAP_ESHAPE, \
      "conv_forward: [2,4]: needs x of 3 or 4 axes, and a weight of 4; at conv2d: [2,4] x [2,1,2,2] x [2] (conv.weight, conv.bias)", \
      w->out = tap_conv_forward(w->conv, w->in.x)) \
    X(mlp_sizes, TAP_EARG, "new: mlp: there must be at least 2 sizes, in and out, not 1", mlp(w, 1, (int64_t[]){ IN }, tap_relu)) \
    X(mlp_sizes_min, TAP_EARG, "new: mlp: there must be at least 2 sizes, in and out, not -2147483648", \
      mlp(w, INT_MIN, (int64_t[]){ IN }, tap_relu)) \
    X(mlp_null, TAP_EARG, "new: mlp: sizes is NULL", mlp(w, 2, NULL, tap_relu)) \
    X(mlp_negative, TAP_EARG, "new.0: linear: sizes must be at least 1, not 4 -> -1", \
      mlp(w, 2, (int64_t[]){ IN, -1 }, tap_relu)) \
    X(mlp_no_activation, TAP_EARG, "new: mlp: the activation is NULL; there are relu, tanh, sigmoid, softplus, elu, silu, gelu, leaky_relu, " \
      "selu, mish, identity", \
      mlp(w, 2, (int64_t[]){ IN, OUT }, NULL)) \
    X(mlp_init_null, TAP_EARG, "new: mlp: the layer is NULL", tap_mlp_init(NULL, w->m, "new", 2, (int64_t[]){ 1, 1 }, tap_relu)) \
    X(mlp_forward_null, TAP_EARG, "mlp_forward: [2,4]: the layer was never initialized", w->out = tap_mlp_forward(NULL, w->in.x)) \
    X(mlp_forward_empty, TAP_EARG, "mlp_forward: [2,4]: the layer was never initialized", w->out = tap_mlp_forward(&(tap_mlp){ 0 }, w->in.x)) \
    X(mlp_forward_shape, TAP_ESHAPE, "mlp_forward: [1,2,2]: inner sizes 2 and 4 differ; at affine: [1,2,2] x [3,4] x [3] (mlp.0.weight, mlp.0.bias)", \
      w->out = tap_mlp_forward(w->mlp, w->in.noise))
/* clang-format on */

#endif
