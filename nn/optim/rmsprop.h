/* nn/optim/rmsprop.h: RMSprop (Hinton 2012; centered: Graves 2013), as in PyTorch. A step of a parameter x with gradient g,
 * which maximize negates, is
 *
 *     g = g + weight_decay x
 *     v = alpha v + (1 - alpha) g^2
 *     a = alpha a + (1 - alpha) g               centered; else a = 0
 *     d = g / (sqrt(v - a^2) + eps)
 *     b = momentum b + d,   x = x - lr b        without momentum b = d
 *
 * All states are 0 before the first step. */
#ifdef T

/* A loop for each variant, so that the compiler vectorizes it. */
static inline void NAME(rmsprop_update)(const tap__step *s, bool centered, bool moves_on, int64_t n, T *restrict x,
                                        const T *restrict g, void *const state[])
{
    const tap_rmsprop_options *o = s->options;
    T *restrict v = state[0], *restrict b = state[1], *restrict a = state[2];
    const T lr = (T)o->lr, alpha = (T)o->alpha, one_minus_alpha = (T)(1 - o->alpha), eps = (T)o->eps;
    const T momentum = (T)o->momentum, sign = o->maximize ? -1 : 1, weight_decay = (T)o->weight_decay;
    for (int64_t i = 0; i < n; i++) {
        T d = sign * g[i] + weight_decay * x[i];
        v[i] = alpha * v[i] + one_minus_alpha * d * d;
        if (centered) a[i] += one_minus_alpha * (d - a[i]);
        d /= SQRT(centered ? v[i] - a[i] * a[i] : v[i]) + eps;
        if (moves_on) b[i] = momentum * b[i] + d;
        x[i] -= lr * (moves_on ? b[i] : d);
    }
}

static void NAME(rmsprop)(const tap__step *s, int64_t n, void *value, const void *grad, void *const state[])
{
    if (state[2] && state[1]) NAME(rmsprop_update)(s, true, true, n, value, grad, state);
    else if (state[2]) NAME(rmsprop_update)(s, true, false, n, value, grad, state);
    else if (state[1]) NAME(rmsprop_update)(s, false, true, n, value, grad, state);
    else NAME(rmsprop_update)(s, false, false, n, value, grad, state);
}

#else

static bool rmsprop_uses(const void *options, int state)
{
    const tap_rmsprop_options *o = options;
    return state == 1 ? o->momentum > 0 : state == 2 ? o->centered : true;
}

tap_optim *tap_rmsprop_new(tap_module *m, tap_rmsprop_options o)
{
    static const tap__option options[] = {
        TAP__OPTION_NUMBER(tap_rmsprop_options, lr, 1e-2, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_rmsprop_options, alpha, 0.99, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_rmsprop_options, eps, 1e-8, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_rmsprop_options, weight_decay, 0, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_rmsprop_options, momentum, 0, TAP__NO_LIMIT),
        TAP__OPTION_FLAG(tap_rmsprop_options, centered),
        TAP__OPTION_FLAG(tap_rmsprop_options, maximize),
        { 0 },
    };
    static const tap__algorithm rmsprop = {
        .name = "rmsprop",
        .kernel = TAP__OPTIM_rmsprop,
        .options = options,
        .size = sizeof o,
        .state = { "square_avg", "momentum_buffer", "grad_avg" },
        .uses = rmsprop_uses,
    };
    return tap__optim_new(m, &rmsprop, &o);
}

#endif
