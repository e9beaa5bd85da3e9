/* nn/optim/adadelta.h: Adadelta (Zeiler 2012), as in PyTorch. A step of a parameter x with gradient g, which maximize negates,
 * is
 *
 *     g = g + weight_decay x
 *     v = rho v + (1 - rho) g^2                 0 before the first step
 *     d = sqrt(u + eps) / sqrt(v + eps) g
 *     u = rho u + (1 - rho) d^2                 0 before the first step
 *     x = x - lr d */
#ifdef T

static void NAME(adadelta)(const tap__step *s, int64_t n, void *value, const void *grad, void *const state[])
{
    const tap_adadelta_options *o = s->options;
    T *restrict x = value, *restrict v = state[0], *restrict u = state[1];
    const T *restrict g = grad;
    const T lr = (T)o->lr, rho = (T)o->rho, one_minus_rho = (T)(1 - o->rho), eps = (T)o->eps;
    const T sign = o->maximize ? -1 : 1, weight_decay = (T)o->weight_decay;
    for (int64_t i = 0; i < n; i++) {
        T d = sign * g[i] + weight_decay * x[i];
        v[i] = rho * v[i] + one_minus_rho * d * d;
        d *= SQRT(u[i] + eps) / SQRT(v[i] + eps);
        u[i] = rho * u[i] + one_minus_rho * d * d;
        x[i] -= lr * d;
    }
}

#else

tap_optim *tap_adadelta_new(tap_module *m, tap_adadelta_options o)
{
    static const tap__option options[] = {
        TAP__OPTION_NUMBER(tap_adadelta_options, lr, 1, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_adadelta_options, rho, 0.9, 1),
        TAP__OPTION_NUMBER(tap_adadelta_options, eps, 1e-6, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_adadelta_options, weight_decay, 0, TAP__NO_LIMIT),
        TAP__OPTION_FLAG(tap_adadelta_options, maximize),
        { 0 },
    };
    static const tap__algorithm adadelta = {
        .name = "adadelta",
        .kernel = TAP__OPTIM_adadelta,
        .options = options,
        .size = sizeof o,
        .state = { "square_avg", "acc_delta" },
    };
    return tap__optim_new(m, &adadelta, &o);
}

#endif
