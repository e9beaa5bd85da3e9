/* nn/optim/radam.h: rectified Adam (Liu et al. 2020), as in PyTorch. Step t = 1, 2, ... of a parameter x with gradient g, which
 * maximize negates, is
 *
 *     x = x - lr weight_decay x                 decoupled_weight_decay, else
 *     g = g + weight_decay x
 *     m = beta1 m + (1 - beta1) g,   m_hat = m / (1 - beta1^t),   v = beta2 v + (1 - beta2) g^2
 *     rho_inf = 2 / (1 - beta2) - 1,   rho = rho_inf - 2 t beta2^t / (1 - beta2^t)
 *     x = x - lr m_hat                          if rho <= 5: too few steps to estimate the variance of v; else
 *     x = x - lr m_hat r sqrt(1 - beta2^t) / (sqrt(v) + eps),
 *     r^2 = (rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho) */
#ifdef T

static void NAME(radam)(const tap__step *s, int64_t n, void *value, const void *grad, void *const state[])
{
    const tap_radam_options *o = s->options;
    const double             t = (double)s->number, rest = pow(o->beta2, t), longest = 2 / (1 - o->beta2) - 1;
    const double             rho = longest - 2 * t * rest / (1 - rest);
    const bool               rectified = rho > 5;
    const double             r = sqrt((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho)) * sqrt(1 - rest);
    T *restrict x = value, *restrict m = state[0], *restrict v = state[1];
    const T *restrict g = grad;
    const T step_size = (T)(o->lr / (1 - pow(o->beta1, t)) * (rectified ? r : 1));
    const T one_minus_beta1 = (T)(1 - o->beta1), beta2 = (T)o->beta2, one_minus_beta2 = (T)(1 - o->beta2), eps = (T)o->eps;
    const T sign = o->maximize ? -1 : 1, weight_decay = o->decoupled_weight_decay ? 0 : (T)o->weight_decay;
    const T keep = o->decoupled_weight_decay ? (T)(1 - o->lr * o->weight_decay) : 1;
    for (int64_t i = 0; i < n; i++) {
        T d = sign * g[i] + weight_decay * x[i];
        m[i] += one_minus_beta1 * (d - m[i]);
        v[i] = beta2 * v[i] + one_minus_beta2 * d * d;
        x[i] = keep * x[i] - step_size * m[i] / (rectified ? SQRT(v[i]) + eps : 1);
    }
}

#else

tap_optim *tap_radam_new(tap_module *m, tap_radam_options o)
{
    static const tap__option options[] = {
        TAP__OPTION_NUMBER(tap_radam_options, lr, 1e-3, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_radam_options, beta1, 0.9, 1),
        TAP__OPTION_NUMBER(tap_radam_options, beta2, 0.999, 1),
        TAP__OPTION_NUMBER(tap_radam_options, eps, 1e-8, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_radam_options, weight_decay, 0, TAP__NO_LIMIT),
        TAP__OPTION_FLAG(tap_radam_options, decoupled_weight_decay),
        TAP__OPTION_FLAG(tap_radam_options, maximize),
        { 0 },
    };
    static const tap__algorithm radam = {
        .name = "radam",
        .kernel = TAP__OPTIM_radam,
        .options = options,
        .size = sizeof o,
        .state = { "exp_avg", "exp_avg_sq" },
    };
    return tap__optim_new(m, &radam, &o);
}

#endif
