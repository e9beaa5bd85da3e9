/* tests/autograd/gradients_reductions.c: gradient rows of reductions and scans. */
#include "autograd/ops/rules.h"
#include "tests/autograd/gradients.h"

ONE(f_sum_all, tap_sum(tap_square(a), TAP_ALL))
ONE(f_sum_last, tap_sum(a, TAP_LAST))
ONE(f_sum_first, tap_sum(a, TAP_AXES(0)))
ONE(f_sum_ends, tap_sum(a, TAP_AXES(0, -1)))
ONE(f_sum_keep, tap_sum(a, tap_keepdim(TAP_AXES(1))))
ONE(f_sum_none, tap_sum(a, ((tap_axes){ .n = 0 })))
ONE(f_mean, tap_mean(tap_square(a), TAP_AXES(0)))
ONE(f_sum_to, tap_sum_to(a, TAP_SHAPE(3, 1)))
ONE(f_amax_all, tap_amax(a, TAP_ALL))
ONE(f_amax_last, tap_amax(a, TAP_LAST))
ONE(f_amax_keep, tap_amax(a, tap_keepdim(TAP_AXES(0, 1))))
ONE(f_logsumexp, tap_logsumexp(a, TAP_LAST))
ONE(f_logsumexp_keep, tap_logsumexp(a, tap_keepdim(TAP_AXES(0))))
ONE(f_softmax, tap_exp(tap_sub(a, tap_logsumexp(a, tap_keepdim(TAP_LAST)))))
ONE(f_amin, tap_amin(a, TAP_AXES(1)))
ONE(f_prod_all, tap_prod(a, TAP_ALL))
ONE(f_prod, tap_prod(a, tap_keepdim(TAP_AXES(1, -1))))
ONE(f_variance, tap_variance(a, TAP_AXES(0, 2), 1))
ONE(f_std, tap_std(a, TAP_LAST, 0))
ONE(f_norm, tap_vector_norm(a, 2, TAP_LAST))
ONE(f_norm_1, tap_vector_norm(a, 1, TAP_AXES(0, 1)))
ONE(f_norm_3, tap_vector_norm(a, 3.5, tap_keepdim(TAP_AXES(1))))
ONE(f_norm_minus, tap_vector_norm(a, -1.5, TAP_LAST))
ONE(f_norm_max, tap_vector_norm(a, (double)INFINITY, TAP_LAST))
ONE(f_norm_min, tap_vector_norm(a, -(double)INFINITY, TAP_LAST))
ONE(f_norm_0, tap_vector_norm(a, 0, TAP_LAST))
ONE(f_softmax_axis, tap_softmax(a, 1))
ONE(f_log_softmax, tap_log_softmax(a, -1))
ONE(f_cumsum, tap_cumsum(a, 1))
ONE(f_cumsum_last, tap_cumsum(a, -1))
ONE(f_logcumsumexp, tap_logcumsumexp(a, 1))
ONE(f_cumprod, tap_cumprod(a, 2))

ONE(f_standardize, tap__standardize(a, TAP_AXES(0, 2), true, 0.1))
ONE(f_standardize_0, tap__standardize(a, TAP_LAST, true, 0))
ONE(f_standardize_rms, tap__standardize(a, TAP_AXES(1), false, 0.1))
ONE(f_inverse_std, tap__inverse_std(a, TAP_LAST, true, 0.1))
ONE(f_inverse_std_rms, tap__inverse_std(a, TAP_AXES(0), false, 0))
ONE(f_l2_normalize, tap__l2_normalize(a, TAP_AXES(1), 1e-12))
ONE(f_l2_normalize_eps, tap__l2_normalize(a, TAP_LAST, 50))
ONE(f_inverse_norm, tap__inverse_norm(a, TAP_AXES(0, 1), 0))
ONE(f_inverse_norm_eps, tap_mul(tap__inverse_norm(a, TAP_LAST, 50), a))
THREE(f_sub_exp, tap__sub_exp(a, b, c))
ONE(f_mean_square, tap__mean_square(a, TAP_AXES(1)))
ONE(f_log_sum_exp, tap__log_sum_exp(tap_sub(a, tap_amax(a, tap_keepdim(TAP_LAST))), TAP_LAST))
ONE(f_norm_half, tap_vector_norm(a, 0.5, TAP_LAST))
TWO(f_safe_div, tap__safe_div(a, b))
TWO(f_equal_nan, tap_mul(tap__equal_nan(a, b), a))

static tap_var f_var_mean(tap_tape *t, const tap_var *in, void *ctx)
{
    tap_var mean, variance = tap_var_mean(in[0], TAP_AXES(1), 1, &mean);
    (void)t, (void)ctx;
    return tap_mul(variance, mean);
}

const gradient_row reductions_gradients[] = {
    { "sum", f_sum_all, R1 },
    { "sum", f_sum_last, R1 },
    { "sum", f_sum_first, R1 },
    { "sum", f_sum_ends, R1 },
    { "sum", f_sum_keep, R1 },
    { "sum", f_sum_none, R1 },
    { "mean", f_mean, R1, .not_empty = true },
    { "sum_to", f_sum_to, R1 },
    { "amax", f_amax_all, R1, .ties = true, .not_empty = true },
    { "amax", f_amax_last, R1, .ties = true, .not_empty = true },
    { "amax", f_amax_keep, R1, .ties = true, .not_empty = true },
    { "logsumexp", f_logsumexp, R1 },
    { "logsumexp", f_logsumexp_keep, R1, .not_empty = true },
    { "logsumexp", f_softmax, R1 },
    { "amin", f_amin, R1, .ties = true, .not_empty = true },
    { "prod", f_prod_all, .n = 1, .shape = { S3 }, .low = { 0.5 }, .high = { 1.6 } },
    { "prod", f_prod, .n = 1, .shape = { S3 }, .low = { -1.6 }, .high = { 1.7 } },
    { "variance", f_variance, R1, .not_empty = true },
    { "std", f_std, R1 },
    { "var_mean", f_var_mean, R1 },
    { "vector_norm", f_norm, R1 },
    { "vector_norm", f_norm_1, R1, KINK(0) },
    { "vector_norm", f_norm_3, R1, KINK(0) },
    { "vector_norm", f_norm_minus, R1, KINK(0) },
    { "vector_norm", f_norm_max, R1, .ties = true, .not_empty = true },
    { "vector_norm", f_norm_min, .n = 1, .shape = { S3 }, .low = { 0.3 }, .high = { 3 }, .ties = true, .not_empty = true },
    { "vector_norm", f_norm_0, R1, KINK(0) },
    { "vector_norm", f_norm_half, R1, KINK(0) },
    { "norm_of_order", f_norm_3, R1, KINK(0) },
    { "standardize", f_standardize, R1 },
    { "standardize", f_standardize_0, R1, .fixed = true },
    { "standardize", f_standardize_rms, R1 },
    { "inverse_std", f_inverse_std, R1 },
    { "inverse_std", f_inverse_std_rms, R1 },
    { "l2_normalize", f_l2_normalize, R1 },
    { "l2_normalize", f_l2_normalize_eps, R1 },
    { "inverse_norm", f_inverse_norm, R1 },
    { "inverse_norm", f_inverse_norm_eps, R1 },
    { "safe_div", f_safe_div, .n = 2, .shape = { S3, S3 }, .low = { -2, 0.5 }, .high = { 2, 2 } },
    { "mean_square", f_mean_square, R1, .not_empty = true },
    { "sub_exp", f_sub_exp, .n = 3, .shape = { S3, S3, S(3, 1) }, .low = { -2, -3, -2 }, .high = { 2, 0.2, 2 } },
    { "log_sum_exp", f_log_sum_exp, R1, .ties = true, .not_empty = true },
    { "equal_nan", f_equal_nan, R2, .ties = true },
    { "softmax", f_softmax_axis, R1 },
    { "log_softmax", f_log_softmax, R1 },
    { "cumsum", f_cumsum, R1 },
    { "cumsum", f_cumsum_last, R1 },
    { "cumprod", f_cumprod, R1 },
    { "logcumsumexp", f_logcumsumexp, R1 },
    { 0 },
};
