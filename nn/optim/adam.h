/* nn/optim/adam.h: Adam (Kingma & Ba 2015, algorithm 1), with the variants AMSGrad (Reddi et al. 2018) and AdamW (Loshchilov &
 * Hutter 2019). Step t = 1, 2, ... of a parameter x with gradient g, which maximize negates, is
 *
 *     x = x - lr weight_decay x                 AdamW
 *     g = g + weight_decay x                    Adam: L2 regularization
 *     m = beta1 m + (1 - beta1) g               first moment, 0 before the first step
 *     v = beta2 v + (1 - beta2) g^2             second moment, 0 before the first step
 *     m_hat = m / (1 - beta1^t)                 corrected for their bias towards 0
 *     v_hat = v / (1 - beta2^t)                 AMSGrad: the largest v so far, divided by the same number
 *     x = x - lr m_hat / (sqrt(v_hat) + eps)
 *
 * lr is the paper's alpha. The update is computed as x - step_size m / (sqrt(v) v_correction + eps). */
#ifdef T

/* A loop for each variant, so that the compiler vectorizes it. */
static inline void NAME(adam_update)(const tap__step *s, bool decoupled, bool amsgrad, int64_t n, void *value, const void *grad,
                                     void *const state[])
{
    const tap_adam_options *o = s->options;
    const double            t = (double)s->number;
    T *restrict x = value, *restrict m = state[0], *restrict v = state[1], *restrict largest = state[2];
    const T *restrict g = grad;
    const T step_size = (T)(o->lr / (1 - pow(o->beta1, t))), v_correction = (T)(1 / sqrt(1 - pow(o->beta2, t)));
    const T one_minus_beta1 = (T)(1 - o->beta1), beta2 = (T)o->beta2, one_minus_beta2 = (T)(1 - o->beta2), eps = (T)o->eps;
    const T sign = o->maximize ? -1 : 1, weight_decay = decoupled ? 0 : (T)o->weight_decay;
    const T keep = decoupled ? (T)(1 - o->lr * o->weight_decay) : 1;
    for (int64_t i = 0; i < n; i++) {
        T d = sign * g[i] + weight_decay * x[i];
        m[i] += one_minus_beta1 * (d - m[i]);
        v[i] = beta2 * v[i] + one_minus_beta2 * d * d;
        if (amsgrad) largest[i] = largest[i] > v[i] ? largest[i] : v[i];
        x[i] = keep * x[i] - step_size * m[i] / (SQRT(amsgrad ? largest[i] : v[i]) * v_correction + eps);
    }
}

static void NAME(adam)(const tap__step *s, int64_t n, void *value, const void *grad, void *const state[])
{
    if (state[2]) NAME(adam_update)(s, false, true, n, value, grad, state);
    else NAME(adam_update)(s, false, false, n, value, grad, state);
}

static void NAME(adamw)(const tap__step *s, int64_t n, void *value, const void *grad, void *const state[])
{
    if (state[2]) NAME(adam_update)(s, true, true, n, value, grad, state);
    else NAME(adam_update)(s, true, false, n, value, grad, state);
}

#else

static bool adam_uses(const void *options, int state)
{
    return state < 2 || ((const tap_adam_options *)options)->amsgrad;
}

#define ADAM_OPTIONS(weight_decay_default) \
    { \
        TAP__OPTION_NUMBER(tap_adam_options, lr, 1e-3, TAP__NO_LIMIT), TAP__OPTION_NUMBER(tap_adam_options, beta1, 0.9, 1), \
            TAP__OPTION_NUMBER(tap_adam_options, beta2, 0.999, 1), \
            TAP__OPTION_NUMBER(tap_adam_options, eps, 1e-8, TAP__NO_LIMIT), \
            TAP__OPTION_NUMBER(tap_adam_options, weight_decay, weight_decay_default, TAP__NO_LIMIT), \
            TAP__OPTION_FLAG(tap_adam_options, amsgrad), TAP__OPTION_FLAG(tap_adam_options, maximize), { 0 }, \
    }

tap_optim *tap_adam_new(tap_module *m, tap_adam_options o)
{
    static const tap__option    options[] = ADAM_OPTIONS(0);
    static const tap__algorithm adam = {
        .name = "adam",
        .kernel = TAP__OPTIM_adam,
        .options = options,
        .size = sizeof o,
        .state = { "exp_avg", "exp_avg_sq", "max_exp_avg_sq" },
        .uses = adam_uses,
    };
    return tap__optim_new(m, &adam, &o);
}

tap_optim *tap_adamw_new(tap_module *m, tap_adamw_options o)
{
    static const tap__option    options[] = ADAM_OPTIONS(0.01);
    static const tap__algorithm adamw = {
        .name = "adamw",
        .kernel = TAP__OPTIM_adamw,
        .options = options,
        .size = sizeof o,
        .state = { "exp_avg", "exp_avg_sq", "max_exp_avg_sq" },
        .uses = adam_uses,
    };
    return tap__optim_new(m, &adamw, &o);
}

#undef ADAM_OPTIONS
#endif
