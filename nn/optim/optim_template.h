/* nn/optim/optim_template.h: the kernels of optim_kernels.c, written once for a type T with its square root SQRT. NAME(f) is f's name
 * for T. */

/* d = g + decay x;  m += (1 - beta1) (d - m);  v = beta2 v + (1 - beta2) d^2;  x -= lr m / (sqrt(v) correction + eps) */
static void NAME(adam)(const tap__optim_numbers *s, int64_t n, void *value, const void *grad, void *mean, void *square)
{
    T *restrict x = value, *restrict m = mean, *restrict v = square;
    const T *restrict g = grad;
    const T lr = (T)s->lr, decay = (T)s->decay, eps = (T)s->eps, correction = (T)s->correction;
    const T a = (T)(1 - s->beta1), b = (T)s->beta2, c = (T)(1 - s->beta2);
    for (int64_t i = 0; i < n; i++) {
        T d = g[i] + decay * x[i];
        m[i] += a * (d - m[i]);
        v[i] = b * v[i] + c * d * d;
        x[i] -= lr * m[i] / (SQRT(v[i]) * correction + eps);
    }
}

/* x -= lr (g + decay x) */
static void NAME(sgd)(const tap__optim_numbers *s, int64_t n, void *value, const void *grad, void *unused, void *unused_too)
{
    T *restrict x = value;
    const T *restrict g = grad;
    const T lr = (T)s->lr, decay = (T)s->decay;
    for (int64_t i = 0; i < n; i++) x[i] -= lr * (g[i] + decay * x[i]);
    (void)unused, (void)unused_too;
}

/* d = g + decay x;  v = momentum v + d;  x -= lr (by_d d + by_v v) */
static void NAME(momentum)(const tap__optim_numbers *s, int64_t n, void *value, const void *grad, void *velocity, void *unused)
{
    T *restrict x = value, *restrict v = velocity;
    const T *restrict g = grad;
    const T lr = (T)s->lr, decay = (T)s->decay, momentum = (T)s->momentum, by_d = (T)s->by_d, by_v = (T)s->by_v;
    for (int64_t i = 0; i < n; i++) {
        T d = g[i] + decay * x[i];
        v[i] = momentum * v[i] + d;
        x[i] -= lr * (by_d * d + by_v * v[i]);
    }
    (void)unused;
}
