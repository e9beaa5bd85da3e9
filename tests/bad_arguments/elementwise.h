/* tests/bad_arguments/elementwise.h: bad calls of elementwise operators, for test_autograd.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_ELEMENTWISE_H
#define TAP_TESTS_BAD_ARGUMENTS_ELEMENTWISE_H

/* clang-format off */
#define ELEMENTWISE_BAD_CALLS \
    BAD_VAR(neg_bool, TAP_EDTYPE, "neg: [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      tap_neg(f->in.condition)) \
    BAD_VAR(exp_int, TAP_EDTYPE, "exp: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_exp(var_of(f, TAP_I64))) \
    BAD_VAR(relu_uint8, TAP_EDTYPE, "relu: [2,2]: uint8 is not float32 or float64; tap_cast makes it so", \
      tap_relu(var_of(f, TAP_U8))) \
    BAD_VAR(exp_vast, TAP_ENOMEM, NULL, tap_exp(wide(f, 1 << 25))) \
    BAD_VAR(add_shapes, TAP_ESHAPE, "add: [2,2] x [3] (theta): the shapes do not broadcast", \
      with_a(f, tap_add, tap_zeros(f->t, TAP_SHAPE(3)))) \
    BAD_VAR(sub_vast, TAP_ENOMEM, NULL, tap_sub(tap_unsqueeze(wide(f, 1 << 18), 1), wide(f, 1 << 18))) \
    BAD_VAR(mul_overflowing, TAP_ESHAPE, \
      "mul: [1099511627776,1] x [1099511627776]: " \
      "the result must have a valid shape and dtype, not [1099511627776,1099511627776] of float64", \
      tap_mul(tap_expand(f->in.s, TAP_SHAPE(1ll << 40, 1)), tap_expand(f->in.s, TAP_SHAPE(1ll << 40)))) \
    BAD_VAR(div_dtypes, TAP_EDTYPE, "div: [2,2] x [2,2] (theta): dtypes float64 and float32 differ", \
      with_a(f, tap_div, var_of(f, TAP_F32))) \
    BAD_VAR(pow_bools, TAP_EDTYPE, "pow: [2,2] x [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      tap_pow(f->in.condition, f->in.condition)) \
    BAD_VAR(maximum_ints, TAP_EDTYPE, "maximum: [2,2] x [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_maximum(var_of(f, TAP_I64), var_of(f, TAP_I64))) \
    BAD_VAR(minimum_dtypes, TAP_EDTYPE, "minimum: [2,2] x [2,2] (theta): dtypes float64 and uint8 differ", \
      with_a(f, tap_minimum, var_of(f, TAP_U8))) \
    BAD_VAR(add_scalar_int, TAP_EDTYPE, "add_scalar: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_add_scalar(var_of(f, TAP_I64), 1)) \
    BAD_VAR(mul_scalar_bool, TAP_EDTYPE, "mul_scalar: [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      tap_mul_scalar(f->in.condition, 1)) \
    BAD_VAR(polygamma_negative, TAP_EARG, "polygamma: [2,2] (theta): n must be 0 to 1000000, not -1", \
      tap_polygamma(-1, f->in.a)) \
    BAD_VAR(polygamma_min, TAP_EARG, "polygamma: [2,2] (theta): n must be 0 to 1000000, not -2147483648", \
      tap_polygamma(INT_MIN, f->in.a)) \
    BAD_VAR(polygamma_max, TAP_EARG, "polygamma: [2,2] (theta): n must be 0 to 1000000, not 2147483647", \
      tap_polygamma(INT_MAX, f->in.a)) \
    BAD_VAR(polygamma_bool, TAP_EDTYPE, "polygamma: [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      tap_polygamma(1, f->in.condition)) \
    BAD_VAR(celu_flat, TAP_EARG, "celu: [2,2] (theta): alpha must not be 0", tap_celu(f->in.a, -0.0)) \
    BAD_VAR(softplus_beta_flat, TAP_EARG, "softplus_beta: [2,2] (theta): beta must not be 0", \
      tap_softplus_beta(f->in.a, 0, 20)) \
    BAD_VAR(gelu_int, TAP_EDTYPE, "gelu: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_gelu(var_of(f, TAP_I64))) \
    BAD_VAR(clamp_int, TAP_EDTYPE, "clamp: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_clamp(var_of(f, TAP_I64), 0, 1)) \
    BAD_VAR(xlogy_dtypes, TAP_EDTYPE, "xlogy: [2,2] x [2,2] (theta): dtypes float64 and float32 differ", \
      with_a(f, tap_xlogy, var_of(f, TAP_F32))) \
    BAD_VAR(lerp_shapes, TAP_ESHAPE, "lerp: [2,2] x [2,2] x [3] (theta): the shapes do not broadcast", \
      tap_lerp(f->in.a, f->in.b, tap_zeros(f->t, TAP_SHAPE(3)))) \
    BAD_VAR(bce_target_bool, TAP_EDTYPE, "bce_with_logits: [2,2] x [2,2] (theta): dtypes float64 and bool differ", \
      with_a(f, tap_bce_with_logits, f->in.condition)) \
    BAD_VAR(bce_shapes, TAP_ESHAPE, "bce_with_logits: [2,2] x [2,3] (theta): the shapes do not broadcast", \
      with_a(f, tap_bce_with_logits, tap_zeros(f->t, TAP_SHAPE(2, 3)))) \
    BAD_VAR(eq_dtypes, TAP_EDTYPE, "eq: [2,2] x [2,2] (theta): dtypes float64 and bool differ", \
      with_a(f, tap_eq, f->in.condition)) \
    BAD_VAR(lt_shapes, TAP_ESHAPE, "lt: [2,2] x [3,2] (theta): the shapes do not broadcast", \
      with_a(f, tap_lt, tap_zeros(f->t, TAP_SHAPE(3, 2)))) \
    BAD_VAR(where_condition, TAP_EDTYPE, \
      "where: [2,2] x [2,2] x [2,2] (theta, theta): the condition must be bool, not float64", \
      tap_where(f->in.a, f->in.a, f->in.b)) \
    BAD_VAR(where_dtypes, TAP_EDTYPE, "where: [2,2] x [2,2] x [2,2] (theta): dtypes float64 and float32 differ", \
      tap_where(f->in.condition, f->in.a, var_of(f, TAP_F32))) \
    BAD_VAR(where_shapes, TAP_ESHAPE, "where: [2,2] x [2,2] x [5] (theta): the shapes do not broadcast", \
      tap_where(f->in.condition, f->in.a, tap_zeros(f->t, TAP_SHAPE(5)))) \
    BAD_VAR(cast_nowhere, TAP_EDTYPE, "cast: [2,2] (theta): the dtype must be TAP_F32 to TAP_BOOL, not 99", \
      tap_cast(f->in.a, no_dtype)) \
    BAD_VAR(cast_negative, TAP_EDTYPE, "cast: [2,2] (theta): the dtype must be TAP_F32 to TAP_BOOL, not -1", \
      tap_cast(f->in.a, (tap_dtype)-1))
/* clang-format on */

#endif
