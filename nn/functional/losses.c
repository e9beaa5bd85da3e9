/* nn/functional/losses.c: losses, as in PyTorch: a term for each element or example is weighted, then reduced. An absent weight
 * is { 0 }. */
#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "nn/internal.h"

static bool is_present(tap_var v)
{
    return v.tape != NULL;
}

/* The sum over all axes but the first, and the mean over that: a mean of sums does not overflow where the sum of all would. */
static tap_var batch_mean(tap_var loss)
{
    tap_axes rest = { .n = 0 };
    for (int i = 1; i < tap_shape_of(loss).rank; i++) rest.axis[rest.n++] = i;
    return tap_mean(rest.n > 0 ? tap_sum(loss, rest) : loss, TAP_ALL);
}

static tap_var reduce(tap_var loss, tap_reduction how)
{
    switch (how) {
    case TAP_REDUCE_MEAN: return tap_mean(loss, TAP_ALL);
    case TAP_REDUCE_SUM: return tap_sum(loss, TAP_ALL);
    case TAP_REDUCE_BATCHMEAN: return batch_mean(loss);
    case TAP_REDUCE_NONE: return loss;
    }
    return tap__fail(loss.tape, TAP_EARG, "loss", "the reduction must be a tap_reduction, not %d", (int)how);
}

/* An infinite term of weight 0 adds 0. */
static tap_var apply_weight(tap_var loss, tap_var weight)
{
    return is_present(weight) ? tap__chain_mul(weight, loss) : loss;
}

/* The mean is computed without the squares, which may overflow where their mean does not. */
tap_var tap_mse_loss(tap_var input, tap_var target, tap_reduction how)
{
    TAP_CALL("mse_loss", input, target);
    tap_var d = tap__safe_sub(input, target);
    return how == TAP_REDUCE_MEAN ? tap__mean_square(d, TAP_ALL) : reduce(tap_square(d), how);
}

tap_var tap_l1_loss(tap_var input, tap_var target, tap_reduction how)
{
    TAP_CALL("l1_loss", input, target);
    return reduce(tap_abs(tap__safe_sub(input, target)), how);
}

tap_var tap_huber_loss(tap_var input, tap_var target, tap_reduction how, double delta)
{
    TAP_CALL("huber_loss", input, target);
    if (!(delta > 0)) return tap__fail(input.tape, TAP_EARG, "huber_loss", "delta must be above 0, not %g", delta);
    return reduce(tap__huber(input, target, tap_scalar_like(input, delta)), how);
}

tap_var tap_smooth_l1_loss(tap_var input, tap_var target, tap_reduction how, double beta)
{
    TAP_CALL("smooth_l1_loss", input, target);
    if (!(beta >= 0)) return tap__fail(input.tape, TAP_EARG, "smooth_l1_loss", "beta must be at least 0, not %g", beta);
    tap_var    d = tap__safe_sub(input, target);
    const bool is_0 = beta == 0 || (tap__dtype_of(d) == TAP_F32 && (float)beta == 0);
    return reduce(is_0 ? tap_abs(d) : tap__smooth_l1(d, beta), how);
}

tap_var tap_kl_div(tap_var input, tap_var target, tap_reduction how, bool log_target)
{
    TAP_CALL("kl_div", input, target);
    return reduce(log_target ? tap__kl_log_term(target, input) : tap__kl_term(target, input), how);
}

tap_var tap_binary_cross_entropy(tap_var input, tap_var target, tap_var weight, tap_reduction how)
{
    TAP_CALL("binary_cross_entropy", input, target, weight);
    return reduce(apply_weight(tap__bce(input, target), weight), how);
}

tap_var tap_binary_cross_entropy_with_logits(tap_var input, tap_var target, tap_var weight, tap_reduction how,
                                             tap_var pos_weight)
{
    TAP_CALL("binary_cross_entropy_with_logits", input, target, weight, pos_weight);
    tap_var loss = is_present(pos_weight) ? tap__weighted_bce(input, target, pos_weight) : tap_bce_with_logits(input, target);
    return reduce(apply_weight(loss, weight), how);
}

/* ---- Classes ---- */

static int class_axis(tap_var input)
{
    return tap_shape_of(input).rank > 1;
}

/* The elements of the target classes. */
static tap_var gather_targets(tap_var input, tap_var target)
{
    int axis = class_axis(input);
    return tap_squeeze(tap_gather(input, axis, tap_unsqueeze(target, axis)), TAP_AXES(axis));
}

/* A vector of classes, shaped to broadcast along the class axis. */
static tap_var by_class(tap_var weight, tap_var input)
{
    tap_shape s = { .rank = tap_shape_of(input).rank };
    for (int i = 0; i < s.rank; i++) s.n[i] = i == class_axis(input) ? -1 : 1;
    return tap_reshape(weight, s);
}

/* Targets that are safe to gather with, where to ignore them (absent: nowhere), and the weight of each class. */
typedef struct {
    tap_var target, ignored, weight;
} class_targets;

static bool check_class_weight(const char *call, tap_var input, tap_var weight)
{
    char      a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    tap_shape s = tap_shape_of(input), want = TAP_SHAPE(s.rank > 0 ? s.n[class_axis(input)] : 1);
    if (!is_present(weight) || tap_shape_equal(tap_shape_of(weight), want)) return true;
    tap__fail(input.tape, TAP_ESHAPE, call, "the weight must be %s, not %s", tap_shape_format(b, want),
              tap_shape_format(a, tap_shape_of(weight)));
    return false;
}

static bool check_target(const char *call, tap_var input, tap_var target)
{
    const tap_var both[] = { input, target };
    tap_shape     s = tap_shape_of(input), want = { .rank = 0 };
    for (int i = 0; i < s.rank; i++) {
        if (i != class_axis(input)) want.n[want.rank++] = s.n[i];
    }
    if (tap_value(target).dtype != TAP_I64)
        tap__fail_inputs(call, 2, both, TAP_EDTYPE, "the target must be int64, not %s",
                         tap_dtype_name(tap_value(target).dtype));
    else if (s.rank == 0 || !tap_shape_equal(want, tap_shape_of(target)))
        tap__fail_inputs(call, 2, both, TAP_ESHAPE, "the target must be the input's shape without its class axis");
    else return true;
    return false;
}

/* Checks targets and weight, and puts them into *c; false, and the tape has failed, if they do not go with the input. */
static bool prepare_targets(const char *call, tap_var input, tap_var target, tap_var weight, int64_t ignore_index,
                            class_targets *c)
{
    int64_t ignored;
    *c = (class_targets){ target, { 0 }, weight };
    if (!tap__same_tape(call, 2, (tap_var[]){ input, target }) || !check_target(call, input, target) ||
        !check_class_weight(call, input, weight))
        return false;
    const int64_t n = tap_shape_of(input).n[class_axis(input)];
    if (!tap__check_indices(target, n, ignore_index, "target", "class", &ignored)) return false;
    if (ignored == 0) return true;
    c->ignored = tap_eq(target, tap__scalar(target.tape, TAP_I64, (double)ignore_index));
    c->target = tap_where(c->ignored, tap__scalar(target.tape, TAP_I64, 0), target);
    return true;
}

static tap_var zero_ignored(const class_targets *c, tap_var loss)
{
    return is_present(c->ignored) ? tap_masked_fill(loss, c->ignored, 0) : loss;
}

/* The weight of each example, 0 if it is ignored; absent: all have weight 1. */
static tap_var example_weights(const class_targets *c, tap_var input)
{
    if (!is_present(c->weight) && !is_present(c->ignored)) return (tap_var){ 0 };
    tap_var w = tap_scalar_like(input, 1);
    if (is_present(c->weight))
        w = tap_reshape(tap_index_select(c->weight, 0, tap_reshape(c->target, TAP_SHAPE(-1))), tap_shape_of(c->target));
    return is_present(c->ignored) ? tap_where(c->ignored, tap_scalar_like(input, 0), w) : w;
}

/* e times the cross-entropy of the uniform distribution over the classes: the part of label smoothing. */
static tap_var uniform_loss(tap_var log_p, const class_targets *c, double e)
{
    const int       axis = class_axis(log_p);
    const tap_shape s = tap_shape_of(log_p);
    tap_var         uniform;
    if (is_present(c->weight)) {
        tap_var share = tap_mul_scalar(by_class(c->weight, log_p), e / (double)s.n[axis]);
        uniform = tap_sum(tap__chain_mul(share, log_p), TAP_AXES(axis));
    } else {
        uniform = tap_mul_scalar(tap_mean(log_p, TAP_AXES(axis)), e);
    }
    return zero_ignored(c, tap_neg(uniform));
}

/* (1 - e) loss + uniform. For e = 0 or 1 the term without a part is left out, since it may be infinite. */
static tap_var mix(tap_var loss, tap_var uniform, double e)
{
    if (e == 0) return loss;
    return e == 1 ? uniform : tap_add(tap_mul_scalar(loss, 1 - e), uniform);
}

/* x / sum(weights), by their mean, since the sum may overflow. */
static tap_var divide_by_sum(tap_var x, tap_var weights)
{
    return tap_mul_scalar(tap_div(x, tap_mean(weights, TAP_ALL)), 1 / (double)tap_numel(tap_shape_of(weights)));
}

/* The reduced loss of classes; a mean over examples is weighted. */
static tap_var class_loss(tap_var log_p, const class_targets *c, tap_reduction how, double e)
{
    tap_var loss = zero_ignored(c, tap_neg(gather_targets(log_p, c->target))), weights = example_weights(c, log_p);
    tap_var uniform = e > 0 ? uniform_loss(log_p, c, e) : loss;
    if (!is_present(weights)) return reduce(mix(loss, uniform, e), how);
    if (how != TAP_REDUCE_MEAN || tap_numel(tap_shape_of(weights)) == 0)
        return reduce(mix(tap__chain_mul(weights, loss), uniform, e), how);
    return tap_sum(mix(tap__chain_mul(divide_by_sum(weights, weights), loss), divide_by_sum(uniform, weights), e), TAP_ALL);
}

tap_var tap_nll_loss(tap_var input, tap_var target, tap_var weight, int64_t ignore_index, tap_reduction how)
{
    TAP_CALL("nll_loss", input, target, weight);
    class_targets c;
    if (!prepare_targets("nll_loss", input, target, weight, ignore_index, &c)) return tap__inert(input.tape);
    return class_loss(input, &c, how, 0);
}

/* The cross-entropy with a target distribution over the classes. An infinite term of probability or weight 0 adds 0. */
static tap_var expected_loss(tap_var log_p, tap_var target, tap_var weight, tap_reduction how)
{
    tap_var terms = tap__chain_mul(target, log_p);
    if (is_present(weight)) terms = tap__chain_mul(by_class(weight, log_p), terms);
    return reduce(tap_neg(tap_sum(terms, TAP_AXES(class_axis(log_p)))), how);
}

tap_var tap_cross_entropy(tap_var input, tap_var target, tap_var weight, int64_t ignore_index, tap_reduction how,
                          double label_smoothing)
{
    TAP_CALL("cross_entropy", input, target, weight);
    const char  *call = "cross_entropy";
    const double e = label_smoothing;
    if (!tap__same_tape(call, 2, (tap_var[]){ input, target })) return tap__inert(input.tape);
    if (!(e >= 0 && e <= 1)) return tap__fail(input.tape, TAP_EARG, call, "label_smoothing must be within 0..1, not %g", e);
    int       axis = class_axis(input);
    tap_shape s = tap_shape_of(input);
    if (tap_dtype_is_float(tap_value(target).dtype) && tap_shape_equal(tap_shape_of(target), s)) {
        if (!check_class_weight(call, input, weight)) return tap__inert(input.tape);
        if (e > 0) target = tap_add_scalar(tap_mul_scalar(target, 1 - e), e / (s.rank > 0 ? (double)s.n[axis] : 1));
        return expected_loss(tap_log_softmax(input, axis), target, weight, how);
    }
    class_targets c;
    if (!prepare_targets(call, input, target, weight, ignore_index, &c)) return tap__inert(input.tape);
    return class_loss(tap_log_softmax(input, axis), &c, how, e);
}
