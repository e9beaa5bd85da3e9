/* nn/optim/asgd.h: averaged stochastic gradient descent (Polyak & Juditsky 1992), as in PyTorch. Step t = 1, 2, ... of a
 * parameter x with gradient g, which maximize negates, is
 *
 *     g = g + weight_decay x
 *     x = (1 - lambd eta) x - eta g
 *     ax = ax + mu (x - ax)                     the average of x, which the caller may use in the end
 *     eta = lr / (1 + lambd lr t)^alpha,   mu = 1 / max(1, t - t0)
 *
 * Before the first step eta is lr, mu is 1 and ax is 0. */
#ifdef T

static void NAME(asgd)(const tap__step *s, int64_t n, void *value, const void *grad, void *const state[])
{
    const tap_asgd_options *o = s->options;
    T *restrict x = value, *restrict ax = state[0];
    const T *restrict g = grad;
    const T eta = (T)s->scalar[0], mu = (T)s->scalar[1], keep = (T)(1 - o->lambd * s->scalar[0]);
    const T sign = o->maximize ? -1 : 1, weight_decay = (T)o->weight_decay;
    for (int64_t i = 0; i < n; i++) {
        T d = sign * g[i] + weight_decay * x[i];
        x[i] = keep * x[i] - eta * d;
        ax[i] = mu == 1 ? x[i] : ax[i] + mu * (x[i] - ax[i]);
    }
}

#else

static void asgd_start(const void *options, double state[], double scalar[])
{
    (void)state;
    scalar[0] = ((const tap_asgd_options *)options)->lr;
    scalar[1] = 1;
}

static void asgd_advance(const void *options, int64_t number, double scalar[])
{
    const tap_asgd_options *o = options;
    const double            t = (double)number;
    scalar[0] = o->lr / pow(1 + o->lambd * o->lr * t, o->alpha);
    scalar[1] = 1 / fmax(1, t - o->t0);
}

tap_optim *tap_asgd_new(tap_module *m, tap_asgd_options o)
{
    static const tap__option options[] = {
        TAP__OPTION_NUMBER(tap_asgd_options, lr, 1e-2, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_asgd_options, lambd, 1e-4, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_asgd_options, alpha, 0.75, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_asgd_options, t0, 1e6, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_asgd_options, weight_decay, 0, TAP__NO_LIMIT),
        TAP__OPTION_FLAG(tap_asgd_options, maximize),
        { 0 },
    };
    static const tap__algorithm asgd = {
        .name = "asgd",
        .kernel = TAP__OPTIM_asgd,
        .options = options,
        .size = sizeof o,
        .state = { "ax" },
        .scalar = { "eta", "mu" },
        .start = asgd_start,
        .advance = asgd_advance,
    };
    return tap__optim_new(m, &asgd, &o);
}

#endif
