/* Wrong arguments, for test_abuse_autograd.c, of operators that work element by element. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_ELEMENTWISE_H
#define TAP_TESTS_BAD_ARGUMENTS_ELEMENTWISE_H

/* clang-format off */
#define ELEMENTWISE_WRONGS \
    X(neg_bool, TAP_EDTYPE, "neg: [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      w->out = tap_neg(w->in.condition)) \
    X(exp_int, TAP_EDTYPE, "exp: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_exp(var_of(w, TAP_I64))) \
    X(relu_uint8, TAP_EDTYPE, "relu: [2,2]: uint8 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_relu(var_of(w, TAP_U8))) \
    X(exp_vast, TAP_ENOMEM, NULL, w->out = tap_exp(wide(w, 1 << 25))) \
    X(add_shapes, TAP_ESHAPE, "add: [2,2] x [3] (theta): the shapes do not broadcast", \
      w->out = two(w, tap_add, tap_zeros(w->t, TAP_SHAPE(3)))) \
    X(sub_vast, TAP_ENOMEM, NULL, w->out = tap_sub(tap_unsqueeze(wide(w, 1 << 18), 1), wide(w, 1 << 18))) \
    X(mul_overflowing, TAP_ESHAPE, \
      "mul: [1099511627776,1] x [1099511627776]: a result [1099511627776,1099511627776] of float64 cannot be", \
      w->out = tap_mul(tap_expand(w->in.s, TAP_SHAPE(1ll << 40, 1)), tap_expand(w->in.s, TAP_SHAPE(1ll << 40)))) \
    X(div_dtypes, TAP_EDTYPE, "div: [2,2] x [2,2] (theta): dtypes float64 and float32 differ", \
      w->out = two(w, tap_div, var_of(w, TAP_F32))) \
    X(pow_bools, TAP_EDTYPE, "pow: [2,2] x [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      w->out = tap_pow(w->in.condition, w->in.condition)) \
    X(maximum_ints, TAP_EDTYPE, "maximum: [2,2] x [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_maximum(var_of(w, TAP_I64), var_of(w, TAP_I64))) \
    X(minimum_dtypes, TAP_EDTYPE, "minimum: [2,2] x [2,2] (theta): dtypes float64 and uint8 differ", \
      w->out = two(w, tap_minimum, var_of(w, TAP_U8))) \
    X(add_scalar_int, TAP_EDTYPE, "add_scalar: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_add_scalar(var_of(w, TAP_I64), 1)) \
    X(mul_scalar_bool, TAP_EDTYPE, "mul_scalar: [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      w->out = tap_mul_scalar(w->in.condition, 1)) \
    X(polygamma_negative, TAP_EARG, "polygamma: [2,2] (theta): n must be 0 to 1000000, not -1", \
      w->out = tap_polygamma(-1, w->in.a)) \
    X(polygamma_min, TAP_EARG, "polygamma: [2,2] (theta): n must be 0 to 1000000, not -2147483648", \
      w->out = tap_polygamma(INT_MIN, w->in.a)) \
    X(polygamma_max, TAP_EARG, "polygamma: [2,2] (theta): n must be 0 to 1000000, not 2147483647", \
      w->out = tap_polygamma(INT_MAX, w->in.a)) \
    X(polygamma_bool, TAP_EDTYPE, "polygamma: [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      w->out = tap_polygamma(1, w->in.condition)) \
    X(celu_flat, TAP_EARG, "celu: [2,2] (theta): alpha must not be 0", w->out = tap_celu(w->in.a, -0.0)) \
    X(softplus_beta_flat, TAP_EARG, "softplus_beta: [2,2] (theta): beta must not be 0", \
      w->out = tap_softplus_beta(w->in.a, 0, 20)) \
    X(gelu_int, TAP_EDTYPE, "gelu: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_gelu(var_of(w, TAP_I64))) \
    X(clamp_int, TAP_EDTYPE, "clamp: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_clamp(var_of(w, TAP_I64), 0, 1)) \
    X(xlogy_dtypes, TAP_EDTYPE, "xlogy: [2,2] x [2,2] (theta): dtypes float64 and float32 differ", \
      w->out = two(w, tap_xlogy, var_of(w, TAP_F32))) \
    X(lerp_shapes, TAP_ESHAPE, "lerp: [2,2] x [2,2] x [3] (theta): the shapes do not broadcast", \
      w->out = tap_lerp(w->in.a, w->in.b, tap_zeros(w->t, TAP_SHAPE(3)))) \
    X(bce_target_bool, TAP_EDTYPE, "bce_with_logits: [2,2] x [2,2] (theta): dtypes float64 and bool differ", \
      w->out = two(w, tap_bce_with_logits, w->in.condition)) \
    X(bce_shapes, TAP_ESHAPE, "bce_with_logits: [2,2] x [2,3] (theta): the shapes do not broadcast", \
      w->out = two(w, tap_bce_with_logits, tap_zeros(w->t, TAP_SHAPE(2, 3)))) \
    X(eq_dtypes, TAP_EDTYPE, "eq: [2,2] x [2,2] (theta): dtypes float64 and bool differ", \
      w->out = two(w, tap_eq, w->in.condition)) \
    X(lt_shapes, TAP_ESHAPE, "lt: [2,2] x [3,2] (theta): the shapes do not broadcast", \
      w->out = two(w, tap_lt, tap_zeros(w->t, TAP_SHAPE(3, 2)))) \
    X(where_condition, TAP_EDTYPE, "where: [2,2] x [2,2] x [2,2] (theta, theta): the condition must be bool, not float64", \
      w->out = tap_where(w->in.a, w->in.a, w->in.b)) \
    X(where_dtypes, TAP_EDTYPE, "where: [2,2] x [2,2] x [2,2] (theta): dtypes float64 and float32 differ", \
      w->out = tap_where(w->in.condition, w->in.a, var_of(w, TAP_F32))) \
    X(where_shapes, TAP_ESHAPE, "where: [2,2] x [2,2] x [5] (theta): the shapes do not broadcast", \
      w->out = tap_where(w->in.condition, w->in.a, tap_zeros(w->t, TAP_SHAPE(5)))) \
    X(cast_nowhere, TAP_EDTYPE, "cast: [2,2] (theta): the dtype must be TAP_F32 to TAP_BOOL, not 99", w->out = tap_cast(w->in.a, no_dtype)) \
    X(cast_negative, TAP_EDTYPE, "cast: [2,2] (theta): the dtype must be TAP_F32 to TAP_BOOL, not -1", w->out = tap_cast(w->in.a, (tap_dtype)-1))
/* clang-format on */

#endif
