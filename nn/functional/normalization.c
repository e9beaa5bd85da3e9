/* nn/functional/normalization.c: layer, RMS, group, batch and instance normalization, as in PyTorch: (x - mean) / sqrt(var +
 * eps) over some axes, times weight, plus bias. An absent weight or bias is { 0 }. */
#include <math.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "nn/internal.h"

static tap_var affine(tap_var x, tap_var weight, tap_var bias)
{
    if (weight.tape) x = tap_mul(x, weight);
    return bias.tape ? tap_add(x, bias) : x;
}

/* A vector of channels, shaped to broadcast along axis 1. */
static tap_var by_channel(tap_var v, int rank)
{
    tap_shape s = { .rank = rank };
    for (int i = 0; i < rank; i++) s.n[i] = i == 1 ? -1 : 1;
    return v.tape ? tap_reshape(v, s) : v;
}

/* The node of x; NULL, and the tape has failed, if x does not hold floats, or is not on the tape of weight and bias. */
static const tap_node *check_inputs(const char *call, tap_var x, tap_var weight, tap_var bias)
{
    tap_var in[3] = { x };
    int     n = 1;
    if (weight.tape) in[n++] = weight;
    if (bias.tape) in[n++] = bias;
    const tap_node *node = tap__same_tape(call, n, in) ? tap__node_of(x) : NULL;
    if (!node || tap_dtype_is_float(node->value.dtype)) return node;
    tap__fail_input(node, TAP_EDTYPE, call, "%s is not float32 or float64; tap_cast makes it so",
                    tap_dtype_name(node->value.dtype));
    return NULL;
}

static bool has_shape(const tap_node *n, const char *call, const char *what, tap_var v, tap_shape shape)
{
    char expected[TAP_SHAPE_TEXT], actual[TAP_SHAPE_TEXT];
    if (!v.tape || tap_shape_equal(tap_shape_of(v), shape)) return true;
    tap__fail_input(n, TAP_ESHAPE, call, "%s must be %s, not %s", what, tap_shape_format(expected, shape),
                    tap_shape_format(actual, tap_shape_of(v)));
    return false;
}

/* Sets *axes to the trailing axes; false, and the tape has failed, if they do not have this shape. */
static bool find_trailing_axes(const tap_node *n, const char *call, tap_shape shape, tap_axes *axes)
{
    char text[TAP_SHAPE_TEXT];
    bool fits = tap_numel(shape) >= 0 && shape.rank >= 1 && shape.rank <= n->value.shape.rank;
    *axes = (tap_axes){ .n = fits ? shape.rank : 0 };
    for (int i = 0; i < axes->n; i++) {
        axes->axis[i] = i - shape.rank;
        fits = fits && n->value.shape.n[n->value.shape.rank - shape.rank + i] == shape.n[i];
    }
    if (!fits)
        tap__fail_input(n, TAP_ESHAPE, call, "normalized_shape must be the sizes of the last axes, not %s",
                        tap_shape_format(text, shape));
    return fits;
}

tap_var tap_layer_norm(tap_var x, tap_shape normalized_shape, tap_var weight, tap_var bias, double eps)
{
    TAP_CALL("layer_norm", x, weight, bias);
    const tap_node *n = check_inputs("layer_norm", x, weight, bias);
    tap_axes        axes;
    if (!n || !find_trailing_axes(n, "layer_norm", normalized_shape, &axes)) return tap__inert(x.tape);
    if (!has_shape(n, "layer_norm", "the weight", weight, normalized_shape)) return tap__inert(x.tape);
    if (!has_shape(n, "layer_norm", "the bias", bias, normalized_shape)) return tap__inert(x.tape);
    return affine(tap__standardize(x, axes, true, eps), weight, bias);
}

tap_var tap_rms_norm(tap_var x, tap_shape normalized_shape, tap_var weight, double eps)
{
    TAP_CALL("rms_norm", x, weight);
    const tap_node *n = check_inputs("rms_norm", x, weight, (tap_var){ 0 });
    tap_axes        axes;
    if (!n || !find_trailing_axes(n, "rms_norm", normalized_shape, &axes)) return tap__inert(x.tape);
    if (!has_shape(n, "rms_norm", "the weight", weight, normalized_shape)) return tap__inert(x.tape);
    return affine(tap__standardize(x, axes, false, eps), weight, (tap_var){ 0 });
}

tap_var tap_group_norm(tap_var x, int64_t groups, tap_var weight, tap_var bias, double eps)
{
    TAP_CALL("group_norm", x, weight, bias);
    const tap_node *n = check_inputs("group_norm", x, weight, bias);
    if (!n) return tap__inert(x.tape);
    tap_shape s = n->value.shape;
    if (s.rank < 2 || groups < 1 || s.n[1] % groups != 0)
        return tap__fail_input(n, TAP_ESHAPE, "group_norm", "channels, axis 1, must be divisible by groups = %lld",
                               (long long)groups);
    tap_shape channels = TAP_SHAPE(s.n[1]), grouped = TAP_SHAPE(s.n[0], groups, s.n[1] / groups);
    if (!has_shape(n, "group_norm", "the weight", weight, channels)) return tap__inert(x.tape);
    if (!has_shape(n, "group_norm", "the bias", bias, channels)) return tap__inert(x.tape);
    for (int i = 2; i < s.rank; i++) grouped.n[2] *= s.n[i];
    tap_var y = tap_reshape(tap__standardize(tap_reshape(x, grouped), TAP_LAST, true, eps), s);
    return affine(y, by_channel(weight, s.rank), by_channel(bias, s.rank));
}

/* ---- Batch norm ---- */

static bool is_statistic(const tap_node *n, const char *call, const char *what, const tap_tensor *stat)
{
    char text[TAP_SHAPE_TEXT];
    if (!stat ||
        (stat->data && tap_dtype_is_float(stat->dtype) && stat->shape.rank == 1 && stat->shape.n[0] == n->value.shape.n[1]))
        return true;
    tap__fail_input(n, TAP_ESHAPE, call, "the %s must be [channels], of floats, not %s", what,
                    tap_shape_format(text, stat->shape));
    return false;
}

/* share * x; a share of 0 of infinity is 0. */
static double weigh(double share, double x)
{
    return share == 0 ? 0 : share * x;
}

/* stat = (1 - momentum) stat + momentum value */
static void update_running(const tap_tensor *stat, tap_var value, double momentum)
{
    if (!stat || tap_tape_keeps_state(value.tape)) return;
    tap_tensor v = tap_value(value);
    for (int64_t i = 0; i < tap_numel(stat->shape); i++)
        tap_tensor_set_item(*stat, i, weigh(1 - momentum, tap_tensor_item(*stat, i)) + weigh(momentum, tap_tensor_item(v, i)));
}

static tap_var running_mean_of(tap_var x, const tap_tensor *stat)
{
    tap_var v = tap_cast(tap_input(x.tape, *stat), tap_value(x).dtype);
    return by_channel(v, tap_shape_of(x).rank);
}

/* sqrt(var + eps), computed in double, so that a small eps or variance is not lost in the sum. */
static tap_var deviation(tap_var x, const tap_tensor *var, double eps)
{
    tap_tensor s;
    tap_var    v = tap__push_empty(x.tape, tap_value(x).dtype, var->shape, &s);
    for (int64_t i = 0; v.id && i < tap_numel(var->shape); i++) tap_tensor_set_item(s, i, sqrt(tap_tensor_item(*var, i) + eps));
    return by_channel(v, tap_shape_of(x).rank);
}

tap_var tap_batch_norm(tap_var x, const tap_tensor *running_mean, const tap_tensor *running_var, tap_var weight, tap_var bias,
                       bool training, double momentum, double eps)
{
    TAP_CALL("batch_norm", x, weight, bias);
    const tap_node *n = check_inputs("batch_norm", x, weight, bias);
    if (!n) return tap__inert(x.tape);
    tap_shape s = n->value.shape;
    if (s.rank == 1 && s.n[0] == 0) return x;
    if (s.rank < 2) return tap__fail_input(n, TAP_ESHAPE, "batch_norm", "needs [batch,channels,..]");
    tap_shape channels = TAP_SHAPE(s.n[1]);
    if (!has_shape(n, "batch_norm", "the weight", weight, channels)) return tap__inert(x.tape);
    if (!has_shape(n, "batch_norm", "the bias", bias, channels)) return tap__inert(x.tape);
    if (!is_statistic(n, "batch_norm", "running mean", running_mean)) return tap__inert(x.tape);
    if (!is_statistic(n, "batch_norm", "running variance", running_var)) return tap__inert(x.tape);
    weight = by_channel(weight, s.rank);
    bias = by_channel(bias, s.rank);
    if (!training) {
        if (!running_mean || !running_var)
            return tap__fail_input(n, TAP_EARG, "batch_norm", "needs running statistics unless it is training");
        return affine(tap__standard_score(x, running_mean_of(x, running_mean), deviation(x, running_var, eps)), weight, bias);
    }
    tap_axes axes = { .n = s.rank - 1 };
    int64_t  count = 1;
    for (int i = 0, k = 0; i < s.rank; i++) {
        if (i == 1) continue;
        axes.axis[k++] = i;
        count *= s.n[i];
    }
    if (count == 1) return tap__fail_input(n, TAP_ESHAPE, "batch_norm", "training needs more than one value per channel");
    tap_var y = affine(tap__standardize(x, axes, true, eps), weight, bias), mean = { 0 }, var = { 0 };
    if (count == 0) return y; /* an empty batch tells nothing of mean and variance */
    if (running_mean) mean = tap_mean(tap_detach(x), axes);
    if (running_var) var = tap_variance(tap_detach(x), axes, 1);
    if (tap_tape_status(x.tape, NULL) != TAP_OK) return tap__inert(x.tape);
    update_running(running_mean, mean, momentum);
    update_running(running_var, var, momentum);
    return y;
}

/* ---- Instance norm ---- */

/* Means over the examples of what each one adds to the running statistics. */
static void update_by_instance(tap_var x, tap_axes axes, const tap_tensor *mean, const tap_tensor *var, double momentum)
{
    const tap_var d = tap_detach(x);
    const tap_var m = mean ? tap_mean(tap_mean(d, axes), TAP_AXES(0)) : (tap_var){ 0 };
    const tap_var v = var ? tap_mean(tap_variance(d, axes, 1), TAP_AXES(0)) : (tap_var){ 0 };
    if (tap_tape_status(x.tape, NULL) != TAP_OK) return;
    update_running(mean, m, momentum);
    update_running(var, v, momentum);
}

tap_var tap_instance_norm(tap_var x, const tap_tensor *running_mean, const tap_tensor *running_var, tap_var weight,
                          tap_var bias, bool use_input_stats, double momentum, double eps)
{
    TAP_CALL("instance_norm", x, weight, bias);
    const tap_node *n = check_inputs("instance_norm", x, weight, bias);
    if (!n) return tap__inert(x.tape);
    const tap_shape s = n->value.shape;
    if (s.rank < 3) return tap__fail_input(n, TAP_ESHAPE, "instance_norm", "needs [batch,channels,..]");
    const tap_shape channels = TAP_SHAPE(s.n[1]);
    if (!has_shape(n, "instance_norm", "the weight", weight, channels)) return tap__inert(x.tape);
    if (!has_shape(n, "instance_norm", "the bias", bias, channels)) return tap__inert(x.tape);
    if (!is_statistic(n, "instance_norm", "running mean", running_mean)) return tap__inert(x.tape);
    if (!is_statistic(n, "instance_norm", "running variance", running_var)) return tap__inert(x.tape);
    if (!use_input_stats) return tap_batch_norm(x, running_mean, running_var, weight, bias, false, momentum, eps);
    tap_axes axes = { .n = s.rank - 2 };
    int64_t  count = 1;
    for (int i = 2; i < s.rank; i++) {
        axes.axis[i - 2] = i;
        count *= s.n[i];
    }
    if (count == 1) return tap__fail_input(n, TAP_ESHAPE, "instance_norm", "needs more than one value per channel");
    const tap_var y = tap__standardize(x, axes, true, eps);
    if ((running_mean || running_var) && s.n[0] > 0) update_by_instance(x, axes, running_mean, running_var, momentum);
    return affine(y, by_channel(weight, s.rank), by_channel(bias, s.rank));
}
