/* tests/autograd/gradients_special.c: gradient rows of special functions, activations and private elementwise operators. */
#include "autograd/ops/rules.h"
#include "tests/autograd/gradients.h"

ONE(f_ceil, tap_mul(tap_ceil(a), a))
ONE(f_floor, tap_mul(tap_floor(a), a))
ONE(f_round, tap_mul(tap_round(a), a))
ONE(f_trunc, tap_mul(tap_trunc(a), a))
ONE(f_rsqrt, tap_rsqrt(a))
ONE(f_exp2, tap_exp2(a))
ONE(f_log2, tap_log2(a))
ONE(f_log10, tap_log10(a))
ONE(f_tan, tap_tan(a))
ONE(f_asin, tap_asin(a))
ONE(f_acos, tap_acos(a))
ONE(f_atan, tap_atan(a))
ONE(f_sinh, tap_sinh(a))
ONE(f_cosh, tap_cosh(a))
ONE(f_asinh, tap_asinh(a))
ONE(f_acosh, tap_acosh(a))
ONE(f_atanh, tap_atanh(a))
ONE(f_erf, tap_erf(a))
ONE(f_erfc, tap_erfc(a))
ONE(f_erfinv, tap_erfinv(a))
ONE(f_lgamma, tap_lgamma(a))
ONE(f_digamma, tap_digamma(a))
ONE(f_polygamma_0, tap_polygamma(0, a))
ONE(f_polygamma_2, tap_polygamma(2, a))
/* The counts 0, times, 2 times, 3 times, for the last axis of a. */
static tap_var counts(tap_tape *t, double times)
{
    return tap_mul_scalar(tap_cast(tap_arange(t, 4), TAP_F64), times);
}

ONE(f_log_rising, tap_cast(tap__log_rising(tap_cast(counts(t, 3), TAP_F64), tap_cast(a, TAP_F64)), tap_value(a).dtype))
ONE(f_log_rising_large, tap_cast(tap__log_rising(tap_cast(counts(t, 20), TAP_F64), tap_cast(a, TAP_F64)), tap_value(a).dtype))
ONE(f_rising_slope, tap_cast(tap__rising_slope(tap_cast(counts(t, 20), TAP_F64), tap_cast(a, TAP_F64)), tap_value(a).dtype))
ONE(f_rising_derivative,
    tap_cast(tap__rising_derivative(2, tap_cast(counts(t, 20), TAP_F64), tap_cast(a, TAP_F64)), tap_value(a).dtype))
ONE(f_log_sigmoid, tap_log_sigmoid(a))
ONE(f_softplus_beta, tap_softplus_beta(a, 3, 1.5))
ONE(f_softsign, tap_softsign(a))
ONE(f_relu6, tap_relu6(a))
ONE(f_relu6_high, tap_relu6(tap_add_scalar(a, 6)))
ONE(f_leaky_relu, tap_leaky_relu(a, 0.2))
ONE(f_elu, tap_elu(a, 1.5))
ONE(f_celu, tap_celu(a, 1.5))
ONE(f_selu, tap_selu(a))
ONE(f_mish, tap_mish(a))
ONE(f_gelu, tap_gelu(a))
ONE(f_gelu_tanh, tap_gelu_tanh(a))
ONE(f_clamp, tap_clamp(a, -1, 9))
ONE(f_clamp_high, tap_clamp(a, -9, 1))
ONE(f_hardtanh, tap_hardtanh(a, -1, 9))
ONE(f_hardtanh_high, tap_hardtanh(a, -9, 1))
ONE(f_nan_to_num, tap_nan_to_num(tap_mul(a, a), 0, 1, -1))
ONE(f_pow_scalar, tap_pow_scalar(a, 2.5))
ONE(f_pow_scalar_0, tap_mul(tap_pow_scalar(a, 0), a))
ONE(f_pow_scalar_3, tap_pow_scalar(a, 3))
ONE(f_pow_scalar_minus_2, tap_pow_scalar(a, -2))
ONE(f_pow_constant, tap_pow(a, tap_scalar_like(a, 3)))
TWO(f_hypot, tap_hypot(a, b))
TWO(f_atan2, tap_atan2(a, b))
TWO(f_xlogy, tap_xlogy(a, b))
TWO(f_logaddexp, tap_logaddexp(a, b))
TWO(f_floor_divide, tap_mul(tap_floor_divide(a, b), a))
TWO(f_clamp_min, tap_clamp_min(a, b))
TWO(f_clamp_max, tap_clamp_max(a, b))
THREE(f_lerp, tap_lerp(a, b, c))
ONE(f_elu_slope, tap__elu_slope(a, 1.5))
ONE(f_celu_slope, tap__celu_slope(a, 1.5))
ONE(f_softplus_beta_slope, tap__softplus_beta_slope(a, 3, 1.5))
ONE(f_exp_square, tap__exp_square(a, -0.5))
TWO(f_huber, tap__huber(a, b, tap_scalar_like(a, 1.1)))
ONE(f_smooth_l1, tap__smooth_l1(a, 0.9))
TWO(f_kl_term, tap__kl_term(a, b))
TWO(f_kl_log_term, tap__kl_log_term(a, b))
TWO(f_bce, tap__bce(a, b))
THREE(f_weighted_bce, tap__weighted_bce(a, b, c))
THREE(f_standard_score, tap__standard_score(a, b, c))
TWO(f_chain_mul, tap__chain_mul(a, b))
TWO(f_chain_div, tap__chain_div(a, b))
TWO(f_abs_grad, tap__abs_grad(a, b))
TWO(f_sqrt_grad, tap__sqrt_grad(a, b))
TWO(f_log_grad, tap__log_grad(a, b))
TWO(f_atan_grad, tap__atan_grad(a, b))
TWO(f_acosh_grad, tap__acosh_grad(a, b))
TWO(f_silu_grad, tap__silu_grad(a, b))
TWO(f_gelu_tanh_grad, tap__gelu_tanh_grad(a, b))
TWO(f_mish_grad, tap__mish_grad(a, b))
TWO(f_safe_sub, tap__safe_sub(a, b))
TWO(f_pow_slope, tap__pow_slope(a, b))
TWO(f_pow_log, tap__pow_log(a, b))
TWO(f_hypot_slope, tap__hypot_slope(a, b))
TWO(f_atan2_slope, tap__atan2_slope(a, b))
TWO(f_xlogy_slope, tap__xlogy_slope(a, b))
ONE(f_expm1_minus_x, tap__expm1_minus_x(a))
ONE(f_bernoulli_entropy, tap__bernoulli_entropy(a))
ONE(f_cb_cumulant, tap__cb_cumulant(a, 0))
TWO(f_mask_unit_interval, tap__mask_unit_interval(a, b))
TWO(f_sub_to_neg_inf, tap__sub_to_neg_inf(a, b))
TWO(f_sub_square, tap__sub_square(a, b))
TWO(f_times_exp, tap__times_exp(a, b, tap_exp(tap_mul_scalar(b, 0.5))))
TWO(f_exp_difference, tap__exp_difference(a, b))
TWO(f_categorical_kl_term, tap__categorical_kl_term(a, b))
TWO(f_categorical_kl_grad, tap__categorical_kl_grad(a, b))
TWO(f_bernoulli_kl, tap__bernoulli_kl(a, b))
TWO(f_bernoulli_kl_grad, tap__bernoulli_kl_grad(a, b))
TWO(f_sigmoid_difference, tap__sigmoid_difference(a, b))
TWO(f_cb_mean_difference, tap__cb_mean_difference(a, b))
TWO(f_cb_kl, tap__cb_kl(a, b))
TWO(f_cb_kl_grad, tap__cb_kl_grad(a, b))

#define FROM(a, b)                .n = 1, .shape = { S3 }, .low = { a }, .high = { b }
#define PAIR(a, b, low_b, high_b) .n = 2, .shape = { S3, S3 }, .low = { a, low_b }, .high = { b, high_b }
#define ROWS(low_b)               .n = 2, .shape = { S(2, 1, 4), S(3, 1) }, .low = { -2, low_b }, .high = { 2.3, 2.2 }

const gradient_row special_gradients[] = {
    { "ceil", f_ceil, FROM(-0.9, 0.9), KINK(0) },
    { "floor", f_floor, FROM(0.1, 0.9) },
    { "round", f_round, FROM(0.6, 1.4) },
    { "trunc", f_trunc, FROM(-0.9, 0.9) },
    { "rsqrt", f_rsqrt, POSITIVE1 },
    { "exp2", f_exp2, R1 },
    { "log2", f_log2, POSITIVE1 },
    { "log10", f_log10, POSITIVE1 },
    { "tan", f_tan, FROM(-1.3, 1.2) },
    { "asin", f_asin, FROM(-0.9, 0.8) },
    { "acos", f_acos, FROM(-0.9, 0.8) },
    { "atan", f_atan, R1 },
    { "sinh", f_sinh, R1 },
    { "cosh", f_cosh, R1 },
    { "asinh", f_asinh, R1 },
    { "acosh", f_acosh, FROM(1.2, 3) },
    { "atanh", f_atanh, FROM(-0.9, 0.8) },
    { "erf", f_erf, R1 },
    { "erfc", f_erfc, R1 },
    { "erfinv", f_erfinv, FROM(-0.9, 0.8) },
    { "lgamma", f_lgamma, POSITIVE1 },
    { "lgamma", f_lgamma, FROM(-2.8, -2.2) },
    { "digamma", f_digamma, POSITIVE1 },
    { "digamma", f_digamma, FROM(-0.8, -0.3) },
    { "polygamma", f_polygamma_0, POSITIVE1 },
    { "polygamma", f_polygamma_2, FROM(0.8, 3) },
    { "polygamma", f_polygamma_2, FROM(-1.7, -1.3) },
    { "log_rising", f_log_rising, R1, .fixed = true },
    { "log_rising", f_log_rising_large, R1, .fixed = true },
    { "log_rising", f_log_rising_large, FROM(4, 6), .fixed = true },
    { "rising_slope", f_rising_slope, FROM(4, 6), .fixed = true },
    { "rising_derivative", f_rising_derivative, FROM(4, 6), .fixed = true },
    { "log_sigmoid", f_log_sigmoid, R1 },
    { "softplus_beta", f_softplus_beta, R1, KINK(0.5) },
    { "softsign", f_softsign, R1 },
    { "relu6", f_relu6, R1, KINK(0) },
    { "relu6", f_relu6_high, R1, KINK(0) },
    { "leaky_relu", f_leaky_relu, R1, KINK(0) },
    { "elu", f_elu, R1, KINK(0) },
    { "celu", f_celu, R1, KINK(0) },
    { "selu", f_selu, R1, KINK(0) },
    { "mish", f_mish, R1 },
    { "gelu", f_gelu, R1 },
    { "gelu_tanh", f_gelu_tanh, R1 },
    { "clamp", f_clamp, R1, KINK(-1) },
    { "clamp", f_clamp_high, R1, KINK(1) },
    { "hardtanh", f_hardtanh, R1, KINK(-1) },
    { "hardtanh", f_hardtanh_high, R1, KINK(1) },
    { "nan_to_num", f_nan_to_num, R1 },
    { "pow_scalar", f_pow_scalar, POSITIVE1 },
    { "pow_scalar", f_pow_scalar_0, R1 },
    { "pow_scalar", f_pow_scalar_3, R1 },
    { "pow_scalar", f_pow_scalar_minus_2, FROM(-3, -0.5) },
    { "pow", f_pow_constant, R1 },
    { "hypot", f_hypot, R2 },
    { "hypot", f_hypot, ROWS(-1.9) },
    { "atan2", f_atan2, R2 },
    { "atan2", f_atan2, ROWS(-1.9) },
    { "xlogy", f_xlogy, .n = 2, .shape = { S3, S3 }, .low = { -2, 0.3 }, .high = { 2, 3 } },
    { "xlogy", f_xlogy, ROWS(0.3) },
    { "logaddexp", f_logaddexp, R2 },
    { "logaddexp", f_logaddexp, ROWS(-2) },
    { "floor_divide", f_floor_divide, .n = 2, .shape = { S3, S3 }, .low = { 2.1, 0.8 }, .high = { 2.3, 1 } },
    { "clamp_min", f_clamp_min, R2 },
    { "clamp_min", f_clamp_min, ROWS(-1.9) },
    { "clamp_max", f_clamp_max, R2 },
    { "clamp_max", f_clamp_max, ROWS(-1.9) },
    { "elu_slope", f_elu_slope, R1, KINK(0) },
    { "celu_slope", f_celu_slope, R1, KINK(0) },
    { "softplus_beta_slope", f_softplus_beta_slope, R1, KINK(0.5) },
    { "exp_square", f_exp_square, R1 },
    { "huber", f_huber, R2 },
    { "smooth_l1", f_smooth_l1, R1, KINK(0.9) },
    { "kl_term", f_kl_term, PAIR(0.3, 2, -2, 2) },
    { "kl_log_term", f_kl_log_term, R2 },
    { "bce", f_bce, PAIR(0.1, 0.9, 0.1, 0.9) },
    { "weighted_bce", f_weighted_bce, .n = 3, .shape = { S3, S3, S(4) }, .low = { -2, 0.1, 0.5 }, .high = { 2, 0.9, 2 } },
    { "standard_score", f_standard_score, .n = 3, .shape = { S3, S(4), S(4) }, .low = { -2, -2, 0.5 }, .high = { 2, 2, 2 } },
    { "chain_mul", f_chain_mul, R2 },
    { "chain_div", f_chain_div, PAIR(-2, 2, 0.5, 2) },
    { "abs_grad", f_abs_grad, R2, KINK(0) },
    { "sqrt_grad", f_sqrt_grad, PAIR(-2, 2, 0.5, 2) },
    { "log_grad", f_log_grad, PAIR(-2, 2, 0.5, 2) },
    { "atan_grad", f_atan_grad, R2 },
    { "acosh_grad", f_acosh_grad, PAIR(-2, 2, 1.2, 3) },
    { "silu_grad", f_silu_grad, R2 },
    { "gelu_tanh_grad", f_gelu_tanh_grad, R2 },
    { "mish_grad", f_mish_grad, R2 },
    { "safe_sub", f_safe_sub, R2, .ties = true },
    { "expm1_minus_x", f_expm1_minus_x, R1 },
    { "bernoulli_entropy", f_bernoulli_entropy, R1 },
    { "cb_cumulant", f_cb_cumulant, R1 },
    { "mask_unit_interval", f_mask_unit_interval, PAIR(-2, 2, 0.05, 0.95) },
    { "sub_to_neg_inf", f_sub_to_neg_inf, R2 },
    { "sub_square", f_sub_square, R2 },
    { "times_exp", f_times_exp, R2 },
    { "times_exp", f_times_exp, ROWS(-1.9) },
    { "exp_difference", f_exp_difference, R2 },
    { "categorical_kl_term", f_categorical_kl_term, R2 },
    { "categorical_kl_grad", f_categorical_kl_grad, R2 },
    { "bernoulli_kl", f_bernoulli_kl, R2 },
    { "bernoulli_kl_grad", f_bernoulli_kl_grad, R2 },
    { "sigmoid_difference", f_sigmoid_difference, R2 },
    { "cb_mean_difference", f_cb_mean_difference, R2 },
    { "cb_kl", f_cb_kl, R2 },
    { "cb_kl_grad", f_cb_kl_grad, R2 },
    { "pow_slope", f_pow_slope, PAIR(0.3, 2, -2, 2) },
    { "pow_log", f_pow_log, PAIR(0.3, 2, -2, 2) },
    { "hypot_slope", f_hypot_slope, R2 },
    { "hypot_slope", f_hypot_slope, ROWS(-1.9) },
    { "atan2_slope", f_atan2_slope, R2 },
    { "xlogy_slope", f_xlogy_slope, PAIR(-2, 2, 0.3, 3) },
    { "lerp", f_lerp, .n = 3, .shape = { S3, S(3, 1), S(4) }, .low = { -2, -2, -1 }, .high = { 2, 2, 2 } },
    { 0 },
};
