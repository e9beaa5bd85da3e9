/* nn/optim/adamax.h: Adamax (Kingma & Ba 2015, algorithm 2), as in PyTorch. Step t = 1, 2, ... of a parameter x with gradient
 * g, which maximize negates, is
 *
 *     g = g + weight_decay x
 *     m = beta1 m + (1 - beta1) g               0 before the first step
 *     u = max(beta2 u, |g| + eps)               0 before the first step
 *     x = x - lr / (1 - beta1^t) m / u */
#ifdef T

static void NAME(adamax)(const tap__step *s, int64_t n, void *value, const void *grad, void *const state[])
{
    const tap_adamax_options *o = s->options;
    T *restrict x = value, *restrict m = state[0], *restrict u = state[1];
    const T *restrict g = grad;
    const T step_size = (T)(o->lr / (1 - pow(o->beta1, (double)s->number)));
    const T one_minus_beta1 = (T)(1 - o->beta1), beta2 = (T)o->beta2, eps = (T)o->eps;
    const T sign = o->maximize ? -1 : 1, weight_decay = (T)o->weight_decay;
    for (int64_t i = 0; i < n; i++) {
        T d = sign * g[i] + weight_decay * x[i], size = ABS(d) + eps, decayed = beta2 * u[i];
        m[i] += one_minus_beta1 * (d - m[i]);
        u[i] = decayed > size ? decayed : size;
        x[i] -= step_size * m[i] / u[i];
    }
}

#else

tap_optim *tap_adamax_new(tap_module *m, tap_adamax_options o)
{
    static const tap__option options[] = {
        TAP__OPTION_NUMBER(tap_adamax_options, lr, 2e-3, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_adamax_options, beta1, 0.9, 1),
        TAP__OPTION_NUMBER(tap_adamax_options, beta2, 0.999, 1),
        TAP__OPTION_NUMBER(tap_adamax_options, eps, 1e-8, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_adamax_options, weight_decay, 0, TAP__NO_LIMIT),
        TAP__OPTION_FLAG(tap_adamax_options, maximize),
        { 0 },
    };
    static const tap__algorithm adamax = {
        .name = "adamax",
        .kernel = TAP__OPTIM_adamax,
        .options = options,
        .size = sizeof o,
        .state = { "exp_avg", "exp_inf" },
    };
    return tap__optim_new(m, &adamax, &o);
}

#endif
