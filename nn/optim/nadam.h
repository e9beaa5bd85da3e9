/* nn/optim/nadam.h: Adam with Nesterov's momentum (Dozat 2016), as in PyTorch. Step t = 1, 2, ... of a parameter x with
 * gradient g, which maximize negates, is
 *
 *     x = x - lr weight_decay x                 decoupled_weight_decay, else
 *     g = g + weight_decay x
 *     mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)
 *     m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2,   v_hat = v / (1 - beta2^t)
 *     x = x - lr ((1 - mu_t) / (1 - p_t) g + mu_t+1 / (1 - p_t+1) m) / (sqrt(v_hat) + eps),   p_t = mu_1 ... mu_t
 *
 * The scalar mu_product is p_t, 1 before the first step. */
#ifdef T

static void NAME(nadam)(const tap__step *s, int64_t n, void *value, const void *grad, void *const state[])
{
    const tap_nadam_options *o = s->options;
    const double             t = (double)s->number;
    const double             mu = o->beta1 * (1 - 0.5 * pow(0.96, t * o->momentum_decay));
    const double             next = o->beta1 * (1 - 0.5 * pow(0.96, (t + 1) * o->momentum_decay));
    const double             product = s->scalar[0] * mu;
    T *restrict x = value, *restrict m = state[0], *restrict v = state[1];
    const T *restrict g = grad;
    const T g_factor = (T)(o->lr * (1 - mu) / (1 - product)), m_factor = (T)(o->lr * next / (1 - product * next));
    const T one_minus_beta1 = (T)(1 - o->beta1), beta2 = (T)o->beta2, one_minus_beta2 = (T)(1 - o->beta2), eps = (T)o->eps;
    const T v_correction = (T)(1 / sqrt(1 - pow(o->beta2, t))), sign = o->maximize ? -1 : 1;
    const T weight_decay = o->decoupled_weight_decay ? 0 : (T)o->weight_decay;
    const T keep = o->decoupled_weight_decay ? (T)(1 - o->lr * o->weight_decay) : 1;
    for (int64_t i = 0; i < n; i++) {
        T d = sign * g[i] + weight_decay * x[i];
        m[i] += one_minus_beta1 * (d - m[i]);
        v[i] = beta2 * v[i] + one_minus_beta2 * d * d;
        x[i] = keep * x[i] - (g_factor * d + m_factor * m[i]) / (SQRT(v[i]) * v_correction + eps);
    }
}

#else

static void nadam_start(const void *options, double state[], double scalar[])
{
    (void)options, (void)state;
    scalar[0] = 1;
}

static void nadam_advance(const void *options, int64_t number, double scalar[])
{
    const tap_nadam_options *o = options;
    scalar[0] *= o->beta1 * (1 - 0.5 * pow(0.96, (double)number * o->momentum_decay));
}

tap_optim *tap_nadam_new(tap_module *m, tap_nadam_options o)
{
    static const tap__option options[] = {
        TAP__OPTION_NUMBER(tap_nadam_options, lr, 2e-3, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_nadam_options, beta1, 0.9, 1),
        TAP__OPTION_NUMBER(tap_nadam_options, beta2, 0.999, 1),
        TAP__OPTION_NUMBER(tap_nadam_options, eps, 1e-8, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_nadam_options, weight_decay, 0, TAP__NO_LIMIT),
        TAP__OPTION_NUMBER(tap_nadam_options, momentum_decay, 4e-3, TAP__NO_LIMIT),
        TAP__OPTION_FLAG(tap_nadam_options, decoupled_weight_decay),
        TAP__OPTION_FLAG(tap_nadam_options, maximize),
        { 0 },
    };
    static const tap__algorithm nadam = {
        .name = "nadam",
        .kernel = TAP__OPTIM_nadam,
        .options = options,
        .size = sizeof o,
        .state = { "exp_avg", "exp_avg_sq" },
        .scalar = { "mu_product" },
        .start = nadam_start,
        .advance = nadam_advance,
    };
    return tap__optim_new(m, &nadam, &o);
}

#endif
