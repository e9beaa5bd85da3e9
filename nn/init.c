/* nn/init.c: initializers of parameters. Initial values depend on the root's seed and the parameter's path alone, so that
 * adding a layer to a model changes no other layer. */
#include <math.h>

#include "nn/internal.h"

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

tap_init tap_init_normal(double std)
{
    return (tap_init){ .how = TAP_INIT_NORMAL, .value = std };
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

static bool is_uniform(tap_init how)
{
    return how.how == TAP_INIT_UNIFORM || how.how == TAP_INIT_XAVIER_UNIFORM || how.how == TAP_INIT_KAIMING_UNIFORM;
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
    case TAP_INIT_KAIMING_UNIFORM: return how.value * sqrt(3 / in);
    case TAP_INIT_KAIMING_NORMAL: return how.value * sqrt(1 / in);
    default: return how.value;
    }
}

static tap_status check(tap_init how, tap_tensor x, const char *path, tap_error *e)
{
    char text[TAP_SHAPE_TEXT];
    if ((unsigned)how.how > TAP_INIT_KAIMING_NORMAL)
        return tap_error_set(e, TAP_EARG, "%s: the initializer must be one of tap_init's, not %d", path, (int)how.how);
    if (!(how.value >= 0 && isfinite(how.value)) && how.how != TAP_INIT_CONSTANT)
        return tap_error_set(e, TAP_EARG, "%s: the initializer's value must be a finite number, at least 0, not %g", path,
                             how.value);
    if (how.fan_in < 0 || (tap_tensor_numel(x) > 0 && !isfinite(scale_of(how, x.shape)) && how.how != TAP_INIT_CONSTANT))
        return tap_error_set(e, TAP_EARG,
                             "%s: the initializer needs fan_in and fan_out, which shape %s with fan_in %lld does not give",
                             path, tap_shape_format(text, x.shape), (long long)how.fan_in);
    return TAP_OK;
}

tap_status tap__init_fill(tap_init how, tap_tensor x, uint64_t seed, const char *path, tap_error *e)
{
    const tap_rng_key key = { .seed = seed, .stream = tap_random_hash(path) };
    if (check(how, x, path, e) != TAP_OK) return e->status;
    if (how.how == TAP_INIT_ZEROS || how.how == TAP_INIT_CONSTANT) {
        tap_tensor_fill(x, how.how == TAP_INIT_CONSTANT ? how.value : 0);
        return TAP_OK;
    }
    double scale = scale_of(how, x.shape);
    if (is_uniform(how)) {
        tap_random_uniform(x, key);
        rescale(x, 2 * scale, -scale);
    } else {
        tap_random_normal(x, key);
        rescale(x, scale, 0);
    }
    return TAP_OK;
}
