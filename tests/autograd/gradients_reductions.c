/* Gradient tests of the reductions. */
#include "tests/autograd/gradients.h"

ONE(f_sum_all, tap_sum(tap_square(a), TAP_ALL))
ONE(f_sum_last, tap_sum(a, TAP_LAST))
ONE(f_sum_first, tap_sum(a, TAP_AXES(0)))
ONE(f_sum_ends, tap_sum(a, TAP_AXES(0, -1)))
ONE(f_sum_keep, tap_sum(a, tap_keep(TAP_AXES(1))))
ONE(f_sum_none, tap_sum(a, ((tap_axes){ .n = 0 })))
ONE(f_mean, tap_mean(tap_square(a), TAP_AXES(0)))
ONE(f_sum_to, tap_sum_to(a, TAP_SHAPE(3, 1)))
ONE(f_amax_all, tap_amax(a, TAP_ALL))
ONE(f_amax_last, tap_amax(a, TAP_LAST))
ONE(f_amax_keep, tap_amax(a, tap_keep(TAP_AXES(0, 1))))
ONE(f_logsumexp, tap_logsumexp(a, TAP_LAST))
ONE(f_logsumexp_keep, tap_logsumexp(a, tap_keep(TAP_AXES(0))))
ONE(f_softmax, tap_exp(tap_sub(a, tap_logsumexp(a, tap_keep(TAP_LAST)))))

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
    { 0 },
};
