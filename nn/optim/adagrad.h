/* nn/optim/adagrad.h: Adagrad (Duchi et al. 2011), as in PyTorch. Step t = 1, 2, ... of a parameter x with gradient g, which
 * maximize negates, is
 *
 *     g = g + weight_decay x
 *     v = v + g^2                               initial_accumulator_value before the first step
 *     x = x - lr / (1 + (t - 1) lr_decay) g / (sqrt(v) + eps) */
#ifdef T

static void NAME(adagrad)(const tap__step *s, int64_t n, void *value, const void *grad, void *const state[])
{
    const tap_adagrad_options *o = s->options;
    T *restrict x = value, *restrict v = state[0];
    const T *restrict g = grad;
    const T step_size = (T)(o->lr / (1 + (double)(s->number - 1) * o->lr_decay)), eps = (T)o->eps;
    const T sign = o->maximize ? -1 : 1, weight_decay = (T)o->weight_decay;
    for (int64_t i = 0; i < n; i++) {
        T d = sign * g[i] + weight_decay * x[i];
        v[i] += d * d;
        x[i] -= step_size * d / (SQRT(v[i]) + eps);
    }
}

#else

static void adagrad_start(const void *options, double state[], double scalar[])
{
    (void)scalar;
    state[0] = ((const tap_adagrad_options *)options)->initial_accumulator_value;
}

tap_optim *tap_adagrad_new(tap_module *m, tap_adagrad_options o)
{
    static const tap__option options[] = {
        TAP__OPTION_NUMBER(tap_adagrad_options, lr, 1e-2, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_adagrad_options, lr_decay, 0, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_adagrad_options, weight_decay, 0, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_adagrad_options, initial_accumulator_value, 0, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_adagrad_options, eps, 1e-10, TAP__NO_LIMIT),
        TAP__OPTION_FLAG(tap_adagrad_options, maximize),
        { 0 },
    };
    static const tap__algorithm adagrad = {
        .name = "adagrad",
        .kernel = TAP__OPTIM_adagrad,
        .options = options,
        .size = sizeof o,
        .state = { "sum" },
        .start = adagrad_start,
    };
    return tap__optim_new(m, &adagrad, &o);
}

#endif
