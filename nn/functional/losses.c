/* Losses in PyTorch's terms: a term per element or per example, then weighted, then reduced. An absent weight is { 0 }. */
#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "nn/internal.h"

static bool is_given(tap_var v)
{
    return v.tape != NULL;
}

/* A sum over all but axis 0, and a mean over that. */
static tap_var batch_mean(tap_var loss)
{
    tap_axes rest = { .n = 0 };
    for (int i = 1; i < tap_shape_of(loss).rank; i++) rest.axis[rest.n++] = i;
    return tap_mean(rest.n > 0 ? tap_sum(loss, rest) : loss, TAP_ALL);
}

static tap_var reduced(tap_var loss, tap_reduction how)
{
    switch (how) {
    case TAP_REDUCE_MEAN: return tap_mean(loss, TAP_ALL);
    case TAP_REDUCE_SUM: return tap_sum(loss, TAP_ALL);
    case TAP_REDUCE_BATCHMEAN: return batch_mean(loss);
    case TAP_REDUCE_NONE: return loss;
    }
    return tap__fail(loss.tape, TAP_EARG, "loss", "%d is no reduction", (int)how);
}

/* What has no weight does not count, be it infinite. */
static tap_var weighted(tap_var loss, tap_var weight)
{
    return is_given(weight) ? tap__chain_mul(weight, loss) : loss;
}

/* A mean may be in range where squares are not. */
tap_var tap_mse_loss(tap_var input, tap_var target, tap_reduction how)
{
    TAP_CALL("mse_loss", input, target);
    tap_var d = tap__safe_sub(input, target);
    return how == TAP_REDUCE_MEAN ? tap__mean_square(d, TAP_ALL) : reduced(tap_square(d), how);
}

tap_var tap_l1_loss(tap_var input, tap_var target, tap_reduction how)
{
    TAP_CALL("l1_loss", input, target);
    return reduced(tap_abs(tap__safe_sub(input, target)), how);
}

tap_var tap_huber_loss(tap_var input, tap_var target, tap_reduction how, double delta)
{
    TAP_CALL("huber_loss", input, target);
    if (!(delta > 0)) return tap__fail(input.tape, TAP_EARG, "huber_loss", "delta must be above 0, not %g", delta);
    return reduced(tap__huber(input, target, tap_scalar_like(input, delta)), how);
}

tap_var tap_smooth_l1_loss(tap_var input, tap_var target, tap_reduction how, double beta)
{
    TAP_CALL("smooth_l1_loss", input, target);
    if (!(beta >= 0)) return tap__fail(input.tape, TAP_EARG, "smooth_l1_loss", "beta must not be below 0, but is %g", beta);
    tap_var    d = tap__safe_sub(input, target);
    const bool is_0 = beta == 0 || (tap__dtype_of(d) == TAP_F32 && (float)beta == 0);
    return reduced(is_0 ? tap_abs(d) : tap__smooth_l1(d, beta), how);
}

tap_var tap_kl_div(tap_var input, tap_var target, tap_reduction how, bool log_target)
{
    TAP_CALL("kl_div", input, target);
    return reduced(log_target ? tap__kl_log_term(target, input) : tap__kl_term(target, input), how);
}

tap_var tap_binary_cross_entropy(tap_var input, tap_var target, tap_var weight, tap_reduction how)
{
    TAP_CALL("binary_cross_entropy", input, target, weight);
    return reduced(weighted(tap__bce(input, target), weight), how);
}

tap_var tap_binary_cross_entropy_with_logits(tap_var input, tap_var target, tap_var weight, tap_reduction how,
                                             tap_var pos_weight)
{
    TAP_CALL("binary_cross_entropy_with_logits", input, target, weight, pos_weight);
    tap_var loss = is_given(pos_weight) ? tap__weighted_bce(input, target, pos_weight) : tap_bce_with_logits(input, target);
    return reduced(weighted(loss, weight), how);
}

/* ---- Classes ---- */

static int class_axis(tap_var input)
{
    return tap_shape_of(input).rank > 1;
}

static tap_var picked(tap_var input, tap_var target)
{
    int axis = class_axis(input);
    return tap_squeeze(tap_gather(input, axis, tap_unsqueeze(target, axis)), TAP_AXES(axis));
}

/* A vector along the classes. */
static tap_var by_class(tap_var weight, tap_var input)
{
    tap_shape along = { .rank = tap_shape_of(input).rank };
    for (int i = 0; i < along.rank; i++) along.n[i] = i == class_axis(input) ? -1 : 1;
    return tap_reshape(weight, along);
}

/* Targets, and how they count: where `ignored` (absent: nowhere) not at all, else with their class's weight. */
typedef struct {
    tap_var target, ignored, weight;
} classes;

static bool has_class_weight(const char *call, tap_var input, tap_var weight)
{
    char      a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    tap_shape s = tap_shape_of(input), want = TAP_SHAPE(s.rank > 0 ? s.n[class_axis(input)] : 1);
    if (!is_given(weight) || tap_shape_equal(tap_shape_of(weight), want)) return true;
    tap__fail(input.tape, TAP_ESHAPE, call, "the weight is %s, not %s", tap_shape_format(a, tap_shape_of(weight)),
              tap_shape_format(b, want));
    return false;
}

static bool fits(const char *call, tap_var input, tap_var target)
{
    const tap_var both[] = { input, target };
    tap_shape     s = tap_shape_of(input), want = { .rank = 0 };
    for (int i = 0; i < s.rank; i++) {
        if (i != class_axis(input)) want.n[want.rank++] = s.n[i];
    }
    if (tap_value(target).dtype != TAP_I64)
        tap__fail_inputs(call, 2, both, TAP_EDTYPE, "the target must be int64, not %s", tap_dtype_name(tap_value(target).dtype));
    else if (s.rank == 0 || !tap_shape_equal(want, tap_shape_of(target)))
        tap__fail_inputs(call, 2, both, TAP_ESHAPE, "the target must be the input's shape without its class axis");
    else return true;
    return false;
}

/* Whether targets and weight go with the input; then *c is them, made safe to gather with. */
static bool take_classes(const char *call, tap_var input, tap_var target, tap_var weight, int64_t ignore_index, classes *c)
{
    int64_t ignored;
    *c = (classes){ target, { 0 }, weight };
    if (!tap__same_tape(call, 2, (tap_var[]){ input, target }) || !fits(call, input, target) ||
        !has_class_weight(call, input, weight))
        return false;
    const int64_t n = tap_shape_of(input).n[class_axis(input)];
    if (!tap__check_indices(target, n, ignore_index, "target", "class", &ignored)) return false;
    if (ignored == 0) return true;
    c->ignored = tap_eq(target, tap__scalar(target.tape, TAP_I64, (double)ignore_index));
    c->target = tap_where(c->ignored, tap__scalar(target.tape, TAP_I64, 0), target);
    return true;
}

static tap_var without_ignored(const classes *c, tap_var loss)
{
    return is_given(c->ignored) ? tap_masked_fill(loss, c->ignored, 0) : loss;
}

/* What each example counts; absent: 1. */
static tap_var share_of(const classes *c, tap_var input)
{
    if (!is_given(c->weight) && !is_given(c->ignored)) return (tap_var){ 0 };
    tap_var one = tap_scalar_like(input, 1);
    if (is_given(c->weight))
        one = tap_reshape(tap_index_select(c->weight, 0, tap_reshape(c->target, TAP_SHAPE(-1))), tap_shape_of(c->target));
    return is_given(c->ignored) ? tap_where(c->ignored, tap_scalar_like(input, 0), one) : one;
}

/* e times the loss of an even distribution over the classes */
static tap_var even_part(tap_var log_p, const classes *c, double e)
{
    const int       axis = class_axis(log_p);
    const tap_shape s = tap_shape_of(log_p);
    tap_var         even;
    if (is_given(c->weight)) {
        tap_var part = tap_mul_scalar(by_class(c->weight, log_p), e / (double)s.n[axis]);
        even = tap_sum(tap__chain_mul(part, log_p), TAP_AXES(axis));
    } else {
        even = tap_mul_scalar(tap_mean(log_p, TAP_AXES(axis)), e);
    }
    return without_ignored(c, tap_neg(even));
}

/* (1 - e) loss + even; of what has no part nothing, be it infinite. */
static tap_var mixed(tap_var loss, tap_var even, double e)
{
    if (e == 0) return loss;
    return e == 1 ? even : tap_add(tap_mul_scalar(loss, 1 - e), even);
}

/* x over the sum of the shares, which may be out of range itself */
static tap_var over_sum(tap_var x, tap_var share)
{
    return tap_mul_scalar(tap_div(x, tap_mean(share, TAP_ALL)), 1 / (double)tap_numel(tap_shape_of(share)));
}

/* A mean over examples counts each with its share. */
static tap_var class_loss(tap_var log_p, const classes *c, tap_reduction how, double e)
{
    tap_var loss = without_ignored(c, tap_neg(picked(log_p, c->target))), share = share_of(c, log_p);
    tap_var even = e > 0 ? even_part(log_p, c, e) : loss;
    if (!is_given(share)) return reduced(mixed(loss, even, e), how);
    if (how != TAP_REDUCE_MEAN || tap_numel(tap_shape_of(share)) == 0)
        return reduced(mixed(tap__chain_mul(share, loss), even, e), how);
    return tap_sum(mixed(tap__chain_mul(over_sum(share, share), loss), over_sum(even, share), e), TAP_ALL);
}

tap_var tap_nll_loss(tap_var input, tap_var target, tap_var weight, int64_t ignore_index, tap_reduction how)
{
    TAP_CALL("nll_loss", input, target, weight);
    classes c;
    if (!take_classes("nll_loss", input, target, weight, ignore_index, &c)) return tap__inert(input.tape);
    return class_loss(input, &c, how, 0);
}

/* Against a distribution over the classes. What is not to be expected, or has no weight, does not count, be it impossible. */
static tap_var expected_loss(tap_var log_p, tap_var target, tap_var weight, tap_reduction how)
{
    tap_var terms = tap__chain_mul(target, log_p);
    if (is_given(weight)) terms = tap__chain_mul(by_class(weight, log_p), terms);
    return reduced(tap_neg(tap_sum(terms, TAP_AXES(class_axis(log_p)))), how);
}

tap_var tap_cross_entropy(tap_var input, tap_var target, tap_var weight, int64_t ignore_index, tap_reduction how,
                          double label_smoothing)
{
    TAP_CALL("cross_entropy", input, target, weight);
    const char  *call = "cross_entropy";
    const double e = label_smoothing;
    if (!tap__same_tape(call, 2, (tap_var[]){ input, target })) return tap__inert(input.tape);
    if (!(e >= 0 && e <= 1)) return tap__fail(input.tape, TAP_EARG, call, "label_smoothing %g is not within 0..1", e);
    int       axis = class_axis(input);
    tap_shape s = tap_shape_of(input);
    if (tap_dtype_is_float(tap_value(target).dtype) && tap_shape_equal(tap_shape_of(target), s)) {
        if (!has_class_weight(call, input, weight)) return tap__inert(input.tape);
        if (e > 0) target = tap_add_scalar(tap_mul_scalar(target, 1 - e), e / (s.rank > 0 ? (double)s.n[axis] : 1));
        return expected_loss(tap_log_softmax(input, axis), target, weight, how);
    }
    classes c;
    if (!take_classes(call, input, target, weight, ignore_index, &c)) return tap__inert(input.tape);
    return class_loss(tap_log_softmax(input, axis), &c, how, e);
}
