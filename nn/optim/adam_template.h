/* nn/optim/adam_template.h: the update of Adam (Kingma & Ba 2015, algorithm 1), included by optim_kernels.c once for each type
 * T, whose square root is SQRT; NAME(f) is f's name for T. Step t = 1, 2, ... of a parameter x with gradient g is
 *
 *     g = g + weight_decay x                    L2 regularization, as PyTorch's Adam; AdamW's decoupled decay is not in here
 *     m = beta1 m + (1 - beta1) g               first moment, 0 before the first step
 *     v = beta2 v + (1 - beta2) g^2             second moment, 0 before the first step
 *     m_hat = m / (1 - beta1^t)                 corrected for their bias towards 0
 *     v_hat = v / (1 - beta2^t)
 *     x = x - lr m_hat / (sqrt(v_hat) + eps)
 *
 * lr is the paper's alpha. The corrections are the same for all elements: optim.c computes step_size = lr / (1 - beta1^t) and
 * v_correction = 1 / sqrt(1 - beta2^t), so that x = x - step_size m / (sqrt(v) v_correction + eps). All is done in one pass
 * over the memory. */

static void NAME(adam)(const tap__update *u, int64_t n, void *value, const void *grad, void *first_moment, void *second_moment)
{
    T *restrict x = value, *restrict m = first_moment, *restrict v = second_moment;
    const T *restrict g = grad;
    const T step_size = (T)u->step_size, weight_decay = (T)u->weight_decay, eps = (T)u->eps, v_correction = (T)u->v_correction;
    const T one_minus_beta1 = (T)(1 - u->beta1), beta2 = (T)u->beta2, one_minus_beta2 = (T)(1 - u->beta2);
    for (int64_t i = 0; i < n; i++) {
        T d = g[i] + weight_decay * x[i];
        m[i] += one_minus_beta1 * (d - m[i]);
        v[i] = beta2 * v[i] + one_minus_beta2 * d * d;
        x[i] -= step_size * m[i] / (SQRT(v[i]) * v_correction + eps);
    }
}
