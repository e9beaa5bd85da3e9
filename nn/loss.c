/* Losses in PyTorch's terms: a term per element or per example, then weighted, then reduced. An absent weight is { 0 }. */
#include "autograd/internal.h"
#include "nn/internal.h"

static bool is_given(tap_var v)
{
    return v.tape != NULL;
}

/* batch: what a batch mean divides by. */
static tap_var reduced(tap_var loss, tap_reduction how)
{
    tap_shape s = tap_shape_of(loss);
    switch (how) {
    case TAP_REDUCE_MEAN: return tap_mean(loss, TAP_ALL);
    case TAP_REDUCE_SUM: return tap_sum(loss, TAP_ALL);
    case TAP_REDUCE_BATCHMEAN: return tap_mul_scalar(tap_sum(loss, TAP_ALL), 1 / (double)(s.rank > 0 ? s.n[0] : 1));
    case TAP_REDUCE_NONE: return loss;
    }
    tap_tape_fail(loss.tape, TAP_EARG, "loss: %d is no reduction", (int)how);
    return tap__inert(loss.tape);
}

static tap_var weighted(tap_var loss, tap_var weight)
{
    return is_given(weight) ? tap_mul(loss, weight) : loss;
}

tap_var tap_mse_loss(tap_var input, tap_var target, tap_reduction how)
{
    return reduced(tap_square(tap_sub(input, target)), how);
}

tap_var tap_l1_loss(tap_var input, tap_var target, tap_reduction how)
{
    return reduced(tap_abs(tap_sub(input, target)), how);
}

/* The pair of a parabola within `knee` of 0 and a line beyond, joined without a kink: knee times the one of slope 1. */
static tap_var parabola_and_line(tap_var d, double knee)
{
    tap_var near = tap_mul_scalar(tap_square(d), 0.5), far = tap_mul_scalar(tap_add_scalar(d, -0.5 * knee), knee);
    return tap_where(tap_lt(d, tap__scalar_like(d, knee)), near, far);
}

tap_var tap_huber_loss(tap_var input, tap_var target, tap_reduction how, double delta)
{
    if (!(delta > 0)) tap_tape_fail(input.tape, TAP_EARG, "huber_loss: delta must be above 0, not %g", delta);
    return reduced(parabola_and_line(tap_abs(tap_sub(input, target)), delta), how);
}

tap_var tap_smooth_l1_loss(tap_var input, tap_var target, tap_reduction how, double beta)
{
    if (!(beta >= 0)) tap_tape_fail(input.tape, TAP_EARG, "smooth_l1_loss: beta must not be below 0, but is %g", beta);
    if (beta == 0) return tap_l1_loss(input, target, how);
    return reduced(tap_mul_scalar(parabola_and_line(tap_abs(tap_sub(input, target)), beta), 1 / beta), how);
}

tap_var tap_kl_div(tap_var input, tap_var target, tap_reduction how, bool log_target)
{
    if (log_target) return reduced(tap_mul(tap_exp(target), tap_sub(target, input)), how);
    return reduced(tap_sub(tap_xlogy(target, target), tap_mul(target, input)), how);
}

tap_var tap_binary_cross_entropy(tap_var input, tap_var target, tap_var weight, tap_reduction how)
{
    tap_var least = tap__scalar_like(input, -100); /* PyTorch's bound, so that a probability of 0 costs no infinity */
    tap_var yes = tap_clamp_min(tap_log(input), least), no = tap_clamp_min(tap_log1p(tap_neg(input)), least);
    return reduced(weighted(tap_neg(tap_add(no, tap_mul(target, tap_sub(yes, no)))), weight), how);
}

tap_var tap_binary_cross_entropy_with_logits(tap_var input, tap_var target, tap_var weight, tap_reduction how,
                                             tap_var pos_weight)
{
    if (!is_given(pos_weight)) return reduced(weighted(tap_bce_with_logits(input, target), weight), how);
    /* (1 - t) x - (1 + (w - 1) t) log sigmoid(x) */
    tap_var none = tap_mul(tap_sub(tap__scalar_like(target, 1), target), input);
    tap_var share = tap_add_scalar(tap_mul(tap_add_scalar(pos_weight, -1), target), 1);
    return reduced(weighted(tap_add(none, tap_mul(share, tap_softplus(tap_neg(input)))), weight), how);
}

/* ---- Classes ---- */

static int class_axis(tap_var input)
{
    return tap_shape_of(input).rank > 1;
}

/* The weight of each example: its class's, 0 where its target is ignored; and the target made safe to gather with. */
static tap_var class_weight(tap_var input, tap_var *target, tap_var ignored, tap_var weight)
{
    tap_var share = tap__scalar_like(input, 1);
    *target = tap_where(ignored, tap__number(target->tape, TAP_I64, 0), *target);
    if (weight.tape) share = tap_reshape(tap_index_select(weight, 0, tap_reshape(*target, TAP_SHAPE(-1))), tap_shape_of(*target));
    return tap_where(ignored, tap__scalar_like(input, 0), share);
}

static tap_var ignored_where(tap_var target, int64_t ignore_index)
{
    return tap_eq(target, tap__number(target.tape, TAP_I64, (double)ignore_index));
}

static tap_var picked(tap_var input, tap_var target)
{
    int axis = class_axis(input);
    return tap_squeeze(tap_gather(input, axis, tap_unsqueeze(target, axis)), TAP_AXES(axis));
}

/* A mean over examples counts each with its weight. */
static tap_var reduced_by(tap_var loss, tap_var share, tap_reduction how)
{
    return how == TAP_REDUCE_MEAN ? tap_div(tap_sum(loss, TAP_ALL), tap_sum(share, TAP_ALL)) : reduced(loss, how);
}

static bool fits(const char *call, tap_var input, tap_var target)
{
    char a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    if (!tap__together(call, 2, (tap_var[]){ input, target })) return false;
    tap_shape s = tap_shape_of(input), want = { .rank = 0 }, t = tap_shape_of(target);
    int       axis = class_axis(input);
    for (int i = 0; i < s.rank; i++) {
        if (i != axis) want.n[want.rank++] = s.n[i];
    }
    if (tap_value(target).dtype != TAP_I64)
        tap_tape_fail(input.tape, TAP_EDTYPE, "%s: the target is %s, not int64", call, tap_dtype_name(tap_value(target).dtype));
    else if (s.rank == 0 || !tap_shape_equal(want, t))
        tap_tape_fail(input.tape, TAP_ESHAPE, "%s: %s x %s: the target must be the input's shape without its class axis", call,
                      tap_shape_format(a, s), tap_shape_format(b, t));
    else return true;
    return false;
}

tap_var tap_nll_loss(tap_var input, tap_var target, tap_var weight, int64_t ignore_index, tap_reduction how)
{
    if (!fits("nll_loss", input, target)) return tap__inert(input.tape);
    tap_var share = class_weight(input, &target, ignored_where(target, ignore_index), weight);
    return reduced_by(tap_neg(tap_mul(picked(input, target), share)), share, how);
}

/* Against a distribution over the classes. */
static tap_var cross_entropy_of(tap_var log_p, tap_var target, tap_var weight, tap_reduction how)
{
    int     axis = class_axis(log_p);
    tap_var terms = tap_mul(log_p, target);
    if (is_given(weight)) {
        tap_shape along = { .rank = tap_shape_of(log_p).rank };
        for (int i = 0; i < along.rank; i++) along.n[i] = i == axis ? -1 : 1;
        terms = tap_mul(terms, tap_reshape(weight, along));
    }
    return reduced(tap_neg(tap_sum(terms, TAP_AXES(axis))), how);
}

tap_var tap_cross_entropy(tap_var input, tap_var target, tap_var weight, int64_t ignore_index, tap_reduction how,
                          double label_smoothing)
{
    int     axis = class_axis(input);
    double  e = label_smoothing;
    tap_var log_p = tap_log_softmax(input, axis);
    if (!(e >= 0 && e <= 1)) tap_tape_fail(input.tape, TAP_EARG, "cross_entropy: label_smoothing %g is not within 0..1", e);
    tap_shape s = tap_shape_of(log_p);
    double    classes = s.rank > 0 ? (double)s.n[axis] : 1;
    if (tap_dtype_is_float(tap_value(target).dtype) && tap_shape_equal(tap_shape_of(target), s))
        return cross_entropy_of(log_p, tap_add_scalar(tap_mul_scalar(target, 1 - e), e / classes), weight, how);
    if (!fits("cross_entropy", input, target)) return tap__inert(input.tape);
    tap_var ignored = ignored_where(target, ignore_index), share = class_weight(input, &target, ignored, weight);
    tap_var loss = tap_mul_scalar(tap_neg(tap_mul(picked(log_p, target), share)), 1 - e);
    if (e > 0) {
        tap_var all = cross_entropy_of(log_p, tap__full_like(log_p, e / classes), weight, TAP_REDUCE_NONE);
        loss = tap_add(loss, tap_masked_fill(all, ignored, 0));
    }
    return reduced_by(loss, share, how);
}
