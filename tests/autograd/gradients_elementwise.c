/* tests/autograd/gradients_elementwise.c: gradient rows of elementwise operators. */
#include "autograd/ops/rules.h"
#include "tests/autograd/gradients.h"

ONE(f_neg, tap_neg(a))
ONE(f_abs, tap_abs(a))
ONE(f_sign, tap_sign(a))
ONE(f_square, tap_square(a))
ONE(f_sqrt, tap_sqrt(a))
ONE(f_reciprocal, tap_reciprocal(a))
ONE(f_exp, tap_exp(a))
ONE(f_expm1, tap_expm1(a))
ONE(f_log, tap_log(a))
ONE(f_log1p, tap_log1p(a))
ONE(f_sin, tap_sin(a))
ONE(f_cos, tap_cos(a))
ONE(f_tanh, tap_tanh(a))
ONE(f_sigmoid, tap_sigmoid(a))
ONE(f_softplus, tap_softplus(a))
ONE(f_relu, tap_relu(a))
ONE(f_silu, tap_silu(a))
ONE(f_add_scalar, tap_add_scalar(a, 3))
ONE(f_mul_scalar, tap_mul_scalar(a, -3))
ONE(f_shared, tap_add(tap_mul(a, a), a))
ONE(f_cast, tap_mul(tap_cast(tap_cast(a, TAP_F64), tap_value(a).dtype), a))
ONE(f_mask, tap_mul(tap_cast(tap_gt(a, tap_scalar_like(a, 0)), tap_value(a).dtype), a))
ONE(f_detach, tap_mul(a, tap_add_scalar(tap_mul_scalar(tap_detach(tap_sign(a)), 2), 1)))
TWO(f_add, tap_add(a, b))
TWO(f_sub, tap_sub(a, b))
TWO(f_mul, tap_mul(a, b))
TWO(f_div, tap_div(a, b))
TWO(f_pow, tap_pow(a, b))
TWO(f_maximum, tap_maximum(a, b))
TWO(f_minimum, tap_minimum(a, b))
TWO(f_bce, tap_bce_with_logits(a, b))
TWO(f_relu_grad, tap__relu_grad(a, b))
TWO(f_tanh_grad, tap__tanh_grad(a, b, tap_tanh(b)))
TWO(f_sigmoid_grad, tap__sigmoid_grad(a, b, tap_sigmoid(b)))
TWO(f_sigmoid_sub, tap__sigmoid_sub(a, b))
TWO(f_gated, tap__gated(a, b))
TWO(f_gated_grad, tap__gated_grad(a, b))
TWO(f_gated_slope, tap__gated_slope(a, b))
THREE(f_bernoulli_grad, tap__bernoulli_grad(a, b, c))
TWO(f_bernoulli_log_prob, tap__bernoulli_log_prob(a, b))
TWO(f_sigmoid_of_difference, tap__sigmoid_of_difference(a, b))
TWO(f_heaviside_of_difference, tap__heaviside_of_difference(a, b))
TWO(f_where, tap_where(tap_gt(a, b), tap_mul(a, b), tap_sin(b)))

/* clang-format off */
const gradient_row elementwise_gradients[] = {
    { "neg", f_neg, R1, KINK(0) },
    { "abs", f_abs, R1, KINK(0) },
    { "sign", f_sign, R1, KINK(0) },
    { "square", f_square, R1, KINK(0) },
    { "sqrt", f_sqrt, POSITIVE1 },
    { "reciprocal", f_reciprocal, POSITIVE1 },
    { "exp", f_exp, R1 },
    { "expm1", f_expm1, R1 },
    { "log", f_log, POSITIVE1 },
    { "log1p", f_log1p, POSITIVE1 },
    { "sin", f_sin, R1 },
    { "cos", f_cos, R1 },
    { "tanh", f_tanh, R1 },
    { "sigmoid", f_sigmoid, R1 },
    { "softplus", f_softplus, R1 },
    { "relu", f_relu, R1, KINK(0) },
    { "silu", f_silu, R1 },
    { "add_scalar", f_add_scalar, R1 },
    { "mul_scalar", f_mul_scalar, R1 },
    { "mul", f_shared, R1 },
    { "cast", f_cast, R1 },
    { "cast", f_mask, R1, KINK(0) },
    { "detach", f_detach, R1, KINK(0) },
    { "add", f_add, R2 },
    { "add", f_add, .n = 2, .shape = { S(2, 1, 4), S(3, 1) }, .low = { -2, -2 }, .high = { 2, 2 } },
    { "sub", f_sub, R2 },
    { "sub", f_sub, .n = 2, .shape = { S(4), S3 }, .low = { -2, -2 }, .high = { 2, 2 } },
    { "mul", f_mul, R2 },
    { "mul", f_mul, .n = 2, .shape = { { .rank = 0 }, S3 }, .low = { -2, -2 }, .high = { 2, 2 } },
    { "div", f_div, .n = 2, .shape = { S3, S(3, 1) }, .low = { -2, 0.5 }, .high = { 2, 2 } },
    { "pow", f_pow, .n = 2, .shape = { S3, S3 }, .low = { 0.3, -2 }, .high = { 2, 2 } },
    { "maximum", f_maximum, R2 },
    { "minimum", f_minimum, R2 },
    { "bce_with_logits", f_bce, .n = 2, .shape = { S3, S3 }, .low = { -4, 0 }, .high = { 4, 1 } },
    { "relu_grad", f_relu_grad, R2, KINK(0) },
    { "tanh_grad", f_tanh_grad, R2 },
    { "sigmoid_grad", f_sigmoid_grad, R2 },
    { "sigmoid_sub", f_sigmoid_sub, R2 },
    { "bernoulli_grad", f_bernoulli_grad, .n = 3, .shape = { S3, S3, S3 }, .low = { -2, 0.05, -2 }, .high = { 2.3, 0.95, 2.3 } },
    { "bernoulli_log_prob", f_bernoulli_log_prob, .n = 2, .shape = { S3, S3 }, .low = { -2, 0.05 }, .high = { 2.3, 0.95 }, KINK(0) },
    { "gated", f_gated, R2 },
    { "gated_grad", f_gated_grad, R2 },
    { "gated_slope", f_gated_slope, R2 },
    { "sigmoid_of_difference", f_sigmoid_of_difference, R2 },
    { "heaviside_of_difference", f_heaviside_of_difference, R2 },
    { "where", f_where, R2 },
    { 0 },
};
/* clang-format on */
