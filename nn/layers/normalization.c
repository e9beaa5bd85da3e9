/* nn/layers/normalization.c: layers of batch, instance, layer, group and RMS normalization: parameters, and the running
 * statistics of the first two, for the functions of nn/functional/normalization.c. */
#include <float.h>

#include "nn/layers/layer.h"

static bool check_features(tap_module *m, const char *what, int64_t features)
{
    if (features < 1) tap_module_fail(m, TAP_EARG, "%s: features must be at least 1, not %lld", what, (long long)features);
    return features >= 1;
}

/* ---- Batch and instance normalization ---- */

static void make_statistics(tap_batch_norm_layer *l, tap_module *m, tap_shape features)
{
    l->running_mean = tap_buffer_new(m, "running_mean", tap_module_dtype(m), features, 0);
    l->running_var = tap_buffer_new(m, "running_var", tap_module_dtype(m), features, 1);
    l->num_batches_tracked = tap_buffer_new(m, "num_batches_tracked", TAP_I64, TAP_SCALAR, 0);
}

/* Makes a layer of batch or instance normalization; `what` is which. */
static void init(tap_batch_norm_layer *l, tap_module *m, const char *name, const char *what, int64_t features,
                 tap_batch_norm_options o)
{
    tap_module *child = tap__layer_module(l, m, name, what);
    if (!child) return;
    *l = (tap_batch_norm_layer){ .module = child, .cumulative = o.cumulative };
    l->eps = tap__layer_option(child, what, "eps", o.eps, 1e-5);
    l->momentum = tap__layer_option(child, what, "momentum", o.momentum, 0.1);
    if (!check_features(child, what, features)) return;
    l->weight = tap__layer_param(!o.no_affine, child, "weight", TAP_SHAPE(features), 1);
    l->bias = tap__layer_param(!o.no_affine, child, "bias", TAP_SHAPE(features), 0);
    if (!o.no_running_stats) make_statistics(l, child, TAP_SHAPE(features));
}

void tap_batch_norm_init(tap_batch_norm_layer *l, tap_module *m, const char *name, int64_t features, tap_batch_norm_options o)
{
    init(l, m, name, "batch_norm", features, o);
}

void tap_instance_norm_init(tap_instance_norm_layer *l, tap_module *m, const char *name, int64_t features,
                            tap_instance_norm_options o)
{
    const tap_batch_norm_options same = {
        .eps = o.eps, .momentum = o.momentum, .no_affine = !o.affine, .no_running_stats = !o.track_running_stats
    };
    init(l, m, name, "instance_norm", features, same);
}

/* The layer's running statistics on a tape. */
typedef struct {
    tap_tensor mean, var, batches;
    bool       exist;
} statistics;

static statistics statistics_on(const tap_tape *t, const tap_batch_norm_layer *l)
{
    return (statistics){ tap_buffer_value_on(t, l->running_mean), tap_buffer_value_on(t, l->running_var),
                         tap_buffer_value_on(t, l->num_batches_tracked), l->running_mean != NULL };
}

tap_var tap_batch_norm_forward(const tap_batch_norm_layer *l, tap_var x)
{
    TAP_CALL("batch_norm_forward", x);
    if (!tap__layer_usable(x, l ? l->module : NULL) || !l) return (tap_var){ .tape = x.tape };
    const statistics s = statistics_on(x.tape, l);
    const tap_var    weight = tap__layer_var(x.tape, l->weight), bias = tap__layer_var(x.tape, l->bias);
    const bool       training = tap_module_training_on(x.tape, l->module);
    if (!s.exist) return tap_batch_norm(x, NULL, NULL, weight, bias, true, 0, l->eps);
    const double  batches = tap_tensor_item(s.batches, 0) + 1, momentum = l->cumulative ? 1 / batches : l->momentum;
    const tap_var y = tap_batch_norm(x, &s.mean, &s.var, weight, bias, training, momentum, l->eps);
    if (training && tap_tape_status(x.tape, NULL) == TAP_OK && !tap_tape_keeps_state(x.tape))
        tap_tensor_set_item(s.batches, 0, batches);
    return y;
}

tap_var tap_instance_norm_forward(const tap_instance_norm_layer *l, tap_var x)
{
    TAP_CALL("instance_norm_forward", x);
    if (!tap__layer_usable(x, l ? l->module : NULL) || !l) return (tap_var){ .tape = x.tape };
    const statistics s = statistics_on(x.tape, l);
    const tap_var    weight = tap__layer_var(x.tape, l->weight), bias = tap__layer_var(x.tape, l->bias);
    const bool       of_input = !s.exist || tap_module_training_on(x.tape, l->module);
    return tap_instance_norm(x, s.exist ? &s.mean : NULL, s.exist ? &s.var : NULL, weight, bias, of_input, l->momentum, l->eps);
}

/* ---- Layer, group and RMS normalization ---- */

static bool check_shape(tap_module *m, const char *what, tap_shape shape)
{
    char text[TAP_SHAPE_TEXT];
    if (shape.rank >= 1 && tap_numel(shape) > 0) return true;
    tap_module_fail(m, TAP_ESHAPE, "%s: normalized_shape must have axes of sizes from 1 up, not %s", what,
                    tap_shape_format(text, shape));
    return false;
}

void tap_layer_norm_init(tap_layer_norm_layer *l, tap_module *m, const char *name, tap_shape normalized_shape,
                         tap_layer_norm_options o)
{
    tap_module *child = tap__layer_module(l, m, name, "layer_norm");
    if (!child) return;
    *l = (tap_layer_norm_layer){ .module = child, .normalized_shape = normalized_shape };
    l->eps = tap__layer_option(child, "layer_norm", "eps", o.eps, 1e-5);
    if (!check_shape(child, "layer_norm", normalized_shape)) return;
    l->weight = tap__layer_param(!o.no_affine, child, "weight", normalized_shape, 1);
    l->bias = tap__layer_param(!o.no_affine && !o.no_bias, child, "bias", normalized_shape, 0);
}

tap_var tap_layer_norm_forward(const tap_layer_norm_layer *l, tap_var x)
{
    TAP_CALL("layer_norm_forward", x);
    if (!tap__layer_usable(x, l ? l->module : NULL) || !l) return (tap_var){ .tape = x.tape };
    return tap_layer_norm(x, l->normalized_shape, tap__layer_var(x.tape, l->weight), tap__layer_var(x.tape, l->bias), l->eps);
}

void tap_rms_norm_init(tap_rms_norm_layer *l, tap_module *m, const char *name, tap_shape normalized_shape,
                       tap_rms_norm_options o)
{
    tap_module *child = tap__layer_module(l, m, name, "rms_norm");
    if (!child) return;
    *l = (tap_rms_norm_layer){ .module = child, .normalized_shape = normalized_shape };
    l->eps = tap__layer_option(child, "rms_norm", "eps", o.eps, TAP_NONE);
    if (!check_shape(child, "rms_norm", normalized_shape)) return;
    l->weight = tap__layer_param(!o.no_affine, child, "weight", normalized_shape, 1);
}

tap_var tap_rms_norm_forward(const tap_rms_norm_layer *l, tap_var x)
{
    TAP_CALL("rms_norm_forward", x);
    if (!tap__layer_usable(x, l ? l->module : NULL) || !l) return (tap_var){ .tape = x.tape };
    const double machine = tap_value(x).dtype == TAP_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
    const double eps = l->eps == TAP_NONE ? machine : l->eps;
    return tap_rms_norm(x, l->normalized_shape, tap__layer_var(x.tape, l->weight), eps);
}

void tap_group_norm_init(tap_group_norm_layer *l, tap_module *m, const char *name, int64_t groups, int64_t channels,
                         tap_group_norm_options o)
{
    tap_module *child = tap__layer_module(l, m, name, "group_norm");
    if (!child) return;
    *l = (tap_group_norm_layer){ .module = child, .groups = groups };
    l->eps = tap__layer_option(child, "group_norm", "eps", o.eps, 1e-5);
    if (groups < 1 || channels < 1 || channels % groups != 0) {
        tap_module_fail(child, TAP_EARG, "group_norm: %lld channels must be at least 1 and divisible by %lld groups",
                        (long long)channels, (long long)groups);
        return;
    }
    l->weight = tap__layer_param(!o.no_affine, child, "weight", TAP_SHAPE(channels), 1);
    l->bias = tap__layer_param(!o.no_affine, child, "bias", TAP_SHAPE(channels), 0);
}

tap_var tap_group_norm_forward(const tap_group_norm_layer *l, tap_var x)
{
    TAP_CALL("group_norm_forward", x);
    if (!tap__layer_usable(x, l ? l->module : NULL) || !l) return (tap_var){ .tape = x.tape };
    return tap_group_norm(x, l->groups, tap__layer_var(x.tape, l->weight), tap__layer_var(x.tape, l->bias), l->eps);
}
