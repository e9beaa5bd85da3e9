/* nn/optim/rprop.h: resilient backpropagation (Riedmiller & Braun 1993), as in PyTorch. A step of a parameter x with gradient
 * g, which maximize negates, is, for an element whose gradient in the step before was p,
 *
 *     s = clamp(s eta, step_size_min, step_size_max),   eta = etaplus if g p > 0, etaminus if g p < 0, else 1
 *     g = 0                                             if g p < 0: the step is left out
 *     x = x - sign(g) s,   p = g
 *
 * Before the first step p is 0, and s is lr. */
#ifdef T

static void NAME(rprop)(const tap__step *s, int64_t n, void *value, const void *grad, void *const state[])
{
    const tap_rprop_options *o = s->options;
    T *restrict x = value, *restrict p = state[0], *restrict size = state[1];
    const T *restrict g = grad;
    const T sign = o->maximize ? -1 : 1, etaminus = (T)o->etaminus, etaplus = (T)o->etaplus;
    const T smallest = (T)o->step_size_min, largest = (T)o->step_size_max;
    for (int64_t i = 0; i < n; i++) {
        T d = sign * g[i], agreement = d * p[i];
        T grown = size[i] * (agreement > 0 ? etaplus : agreement < 0 ? etaminus : 1);
        T clamped = grown < smallest ? smallest : grown;
        size[i] = clamped > largest ? largest : clamped;
        p[i] = agreement < 0 ? 0 : d;
        x[i] -= p[i] > 0 ? size[i] : p[i] < 0 ? -size[i] : p[i]; /* NaN stays NaN */
    }
}

#else

static void rprop_start(const void *options, double state[], double scalar[])
{
    (void)scalar;
    state[1] = ((const tap_rprop_options *)options)->lr;
}

static const char *rprop_check(const void *options)
{
    const tap_rprop_options *o = options;
    if (!(o->etaminus > 0 && o->etaminus < 1 && o->etaplus > 1)) return "needs 0 < etaminus < 1 < etaplus";
    return NULL;
}

tap_optim *tap_rprop_new(tap_module *m, tap_rprop_options o)
{
    static const tap__option options[] = {
        TAP__OPTION_NUMBER(tap_rprop_options, lr, 1e-2, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_rprop_options, etaminus, 0.5, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_rprop_options, etaplus, 1.2, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_rprop_options, step_size_min, 1e-6, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_rprop_options, step_size_max, 50, TAP__NO_LIMIT),
        TAP__OPTION_FLAG(tap_rprop_options, maximize),
        { 0 },
    };
    static const tap__algorithm rprop = {
        .name = "rprop",
        .kernel = TAP__OPTIM_rprop,
        .options = options,
        .size = sizeof o,
        .state = { "prev", "step_size" },
        .check = rprop_check,
        .start = rprop_start,
    };
    return tap__optim_new(m, &rprop, &o);
}

#endif
