/* nn/optim/sgd.h: stochastic gradient descent in PyTorch's form. A step of a parameter x with gradient g, which maximize
 * negates, is
 *
 *     g = g + weight_decay x
 *     v = momentum v + (1 - dampening) g        velocity; g itself in the first step
 *     x = x - lr v                              or, with Nesterov's momentum, x - lr (g + momentum v)
 *
 * Without momentum there is no velocity: x = x - lr g. */
#ifdef T

static void NAME(sgd_plain)(const tap_sgd_options *o, int64_t n, T *restrict x, const T *restrict g)
{
    const T sign = o->maximize ? -1 : 1, lr = (T)o->lr, weight_decay = (T)o->weight_decay;
    for (int64_t i = 0; i < n; i++) x[i] -= lr * (sign * g[i] + weight_decay * x[i]);
}

static void NAME(sgd)(const tap__step *s, int64_t n, void *value, const void *grad, void *const state[])
{
    const tap_sgd_options *o = s->options;
    T *restrict x = value, *restrict v = state[0];
    const T *restrict g = grad;
    const T sign = o->maximize ? -1 : 1, lr = (T)o->lr, weight_decay = (T)o->weight_decay, momentum = (T)o->momentum;
    const T take = s->number == 1 ? 1 : (T)(1 - o->dampening);
    const T grad_factor = o->nesterov ? 1 : 0, velocity_factor = o->nesterov ? momentum : 1;
    if (!v) {
        NAME(sgd_plain)(o, n, value, grad);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        T d = sign * g[i] + weight_decay * x[i];
        v[i] = momentum * v[i] + take * d;
        x[i] -= lr * (grad_factor * d + velocity_factor * v[i]);
    }
}

#else

static bool sgd_uses(const void *options, int state)
{
    (void)state;
    return ((const tap_sgd_options *)options)->momentum > 0;
}

static const char *sgd_check(const void *options)
{
    const tap_sgd_options *o = options;
    if (o->nesterov && o->momentum == 0) return "nesterov needs a momentum above 0";
    if (o->nesterov && o->dampening > 0) return "nesterov needs a dampening of 0";
    return NULL;
}

tap_optim *tap_sgd_new(tap_module *m, tap_sgd_options o)
{
    static const tap__option options[] = {
        TAP__OPTION_NUMBER(tap_sgd_options, lr, 1e-3, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_sgd_options, momentum, 0, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_sgd_options, dampening, 0, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_sgd_options, weight_decay, 0, TAP__NO_LIMIT),
        TAP__OPTION_FLAG(tap_sgd_options, nesterov),
        TAP__OPTION_FLAG(tap_sgd_options, maximize),
        { 0 },
    };
    static const tap__algorithm sgd = {
        .name = "sgd",
        .kernel = TAP__OPTIM_sgd,
        .options = options,
        .size = sizeof o,
        .state = { "momentum_buffer" },
        .check = sgd_check,
        .uses = sgd_uses,
    };
    return tap__optim_new(m, &sgd, &o);
}

#endif
