/* nn/init.c: initializers of parameters. Initial values depend on the root's seed and the parameter's path alone, so that
 * adding a layer to a model changes no other layer. */
#include <math.h>
#include <string.h>

#include "nn/internal.h"
#include "nn/init_fill.h"

tap_init tap_init_zeros(void)
{
    return (tap_init){ .how = TAP_INIT_ZEROS };
}

tap_init tap_init_constant(double c)
{
    return (tap_init){ .how = TAP_INIT_CONSTANT, .value = c };
}

tap_init tap_init_uniform(double bound)
{
    return (tap_init){ .how = TAP_INIT_UNIFORM, .value = bound };
}

tap_init tap_init_uniform_between(double low, double high)
{
    return (tap_init){ .how = TAP_INIT_UNIFORM, .a = low, .b = high };
}

tap_init tap_init_normal(double std)
{
    return (tap_init){ .how = TAP_INIT_NORMAL, .value = std };
}

tap_init tap_init_normal_around(double mean, double std)
{
    return (tap_init){ .how = TAP_INIT_NORMAL, .value = std, .mean = mean };
}

tap_init tap_init_xavier_uniform(double gain)
{
    return (tap_init){ .how = TAP_INIT_XAVIER_UNIFORM, .value = gain };
}

tap_init tap_init_xavier_normal(double gain)
{
    return (tap_init){ .how = TAP_INIT_XAVIER_NORMAL, .value = gain };
}

tap_init tap_init_kaiming_uniform(double gain)
{
    return (tap_init){ .how = TAP_INIT_KAIMING_UNIFORM, .value = gain };
}

tap_init tap_init_kaiming_normal(double gain)
{
    return (tap_init){ .how = TAP_INIT_KAIMING_NORMAL, .value = gain };
}

tap_init tap_init_fan_out(tap_init how)
{
    how.fan_out = true;
    return how;
}

tap_init tap_init_trunc_normal(double mean, double std, double a, double b)
{
    return (tap_init){ .how = TAP_INIT_TRUNC_NORMAL, .value = std, .mean = mean, .a = a, .b = b };
}

tap_init tap_init_orthogonal(double gain)
{
    return (tap_init){ .how = TAP_INIT_ORTHOGONAL, .value = gain };
}

tap_init tap_init_eye(void)
{
    return (tap_init){ .how = TAP_INIT_EYE };
}

tap_init tap_init_dirac(int64_t groups)
{
    return (tap_init){ .how = TAP_INIT_DIRAC, .groups = groups };
}

double tap_calculate_gain(const char *nonlinearity, double param)
{
    static const struct {
        const char *name;
        double      gain;
    } rows[] = {
        { "linear", 1 },
        { "identity", 1 },
        { "sigmoid", 1 },
        { "conv1d", 1 },
        { "conv2d", 1 },
        { "conv3d", 1 },
        { "conv_transpose1d", 1 },
        { "conv_transpose2d", 1 },
        { "conv_transpose3d", 1 },
        { "tanh", 5.0 / 3 },
        { "relu", 1.4142135623730951 },
        { "selu", 0.75 },
    };
    const double slope = param == 0 ? 0.01 : param == TAP_ZERO ? 0 : param;
    for (size_t i = 0; nonlinearity && i < sizeof rows / sizeof *rows; i++) {
        if (!strcmp(rows[i].name, nonlinearity)) return rows[i].gain;
    }
    return nonlinearity && !strcmp(nonlinearity, "leaky_relu") ? sqrt(2 / (1 + slope * slope)) : (double)NAN;
}

tap_init tap_init_default(int64_t fan_in)
{
    return (tap_init){ .how = TAP_INIT_KAIMING_UNIFORM, .value = sqrt(1.0 / 3), .fan_in = fan_in };
}

/* x = factor * x + offset */
static void rescale(tap_tensor x, double factor, double offset)
{
    int64_t n = tap_tensor_numel(x);
    if (x.dtype == TAP_F32) {
        float *v = x.data;
        for (int64_t i = 0; i < n; i++) v[i] = (float)(factor * (double)v[i] + offset);
    } else {
        double *v = x.data;
        for (int64_t i = 0; i < n; i++) v[i] = factor * v[i] + offset;
    }
}

/* The scale s of U(-s, s) or N(0, s^2); not finite if fan_in or fan_out is needed, and neither the shape nor the caller gives
 * it. */
static double scale_of(tap_init how, tap_shape shape)
{
    double kernel = 1, in = (double)how.fan_in, out = (double)NAN; /* kernel: elements for each pair of channels */
    for (int i = 2; i < shape.rank; i++) kernel *= (double)shape.n[i];
    if (shape.rank >= 2) out = (double)shape.n[0] * kernel;
    if (shape.rank >= 2 && how.fan_in == 0) in = (double)shape.n[1] * kernel;

    switch (how.how) {
    case TAP_INIT_XAVIER_UNIFORM: return how.value * sqrt(6 / (in + out));
    case TAP_INIT_XAVIER_NORMAL: return how.value * sqrt(2 / (in + out));
    case TAP_INIT_KAIMING_UNIFORM: return how.value * sqrt(3 / (how.fan_out ? out : in));
    case TAP_INIT_KAIMING_NORMAL: return how.value * sqrt(1 / (how.fan_out ? out : in));
    default: return how.value;
    }
}

static tap_status check(tap_init how, tap_tensor x, const char *path, tap_error *e)
{
    char text[TAP_SHAPE_TEXT];
    if ((unsigned)how.how > TAP_INIT_DIRAC)
        return tap_error_set(e, TAP_EARG, "%s: the initializer must be one of tap_init's, not %d", path, (int)how.how);
    if (!(how.value >= 0 && isfinite(how.value)) && how.how != TAP_INIT_CONSTANT)
        return tap_error_set(e, TAP_EARG, "%s: the initializer's value must be a finite number, at least 0, not %g", path,
                             how.value);
    if (how.how == TAP_INIT_UNIFORM && !(how.a <= how.b && isfinite(how.b - how.a)))
        return tap_error_set(e, TAP_EARG, "%s: the bounds must be finite numbers in ascending order, not %g and %g", path,
                             how.a, how.b);
    if (how.how == TAP_INIT_NORMAL && !isfinite(how.mean))
        return tap_error_set(e, TAP_EARG, "%s: the mean must be a finite number, not %g", path, how.mean);
    if (how.fan_in < 0 || (tap_tensor_numel(x) > 0 && !isfinite(scale_of(how, x.shape)) && how.how != TAP_INIT_CONSTANT))
        return tap_error_set(e, TAP_EARG,
                             "%s: the initializer needs fan_in and fan_out, which shape %s with fan_in %lld does not give",
                             path, tap_shape_format(text, x.shape), (long long)how.fan_in);
    return TAP_OK;
}

tap__init_draw tap__init_draw_of(tap_init how, tap_shape shape)
{
    const double scale = scale_of(how, shape);
    switch (how.how) {
    case TAP_INIT_ZEROS: return (tap__init_draw){ TAP__DRAW_CONSTANT, 0, 0 };
    case TAP_INIT_CONSTANT: return (tap__init_draw){ TAP__DRAW_CONSTANT, how.value, how.value };
    case TAP_INIT_NORMAL: return (tap__init_draw){ TAP__DRAW_NORMAL, how.mean, scale };
    case TAP_INIT_XAVIER_NORMAL:
    case TAP_INIT_KAIMING_NORMAL: return (tap__init_draw){ TAP__DRAW_NORMAL, 0, scale };
    case TAP_INIT_UNIFORM:
        if (how.a != 0 || how.b != 0) return (tap__init_draw){ TAP__DRAW_UNIFORM, how.a, how.b };
        return (tap__init_draw){ TAP__DRAW_UNIFORM, -scale, scale };
    case TAP_INIT_XAVIER_UNIFORM:
    case TAP_INIT_KAIMING_UNIFORM: return (tap__init_draw){ TAP__DRAW_UNIFORM, -scale, scale };
    default: return (tap__init_draw){ TAP__DRAW_OTHER, 0, 0 };
    }
}

tap_status tap__init_fill(tap_init how, tap_tensor x, uint64_t seed, const char *path, tap_error *e)
{
    const tap_rng_key key = { .seed = seed, .stream = tap_random_hash(path) };
    if (check(how, x, path, e) != TAP_OK) return e->status;
    const tap__init_draw draw = tap__init_draw_of(how, x.shape);
    switch (draw.kind) {
    case TAP__DRAW_CONSTANT: tap_tensor_fill(x, draw.a); break;
    case TAP__DRAW_UNIFORM:
        tap_random_uniform(x, key);
        rescale(x, draw.b - draw.a, draw.a);
        break;
    case TAP__DRAW_NORMAL:
        tap_random_normal(x, key);
        rescale(x, draw.b, draw.a);
        break;
    default: return tap__init_fill_other(how, x, key, path, e);
    }
    return TAP_OK;
}
