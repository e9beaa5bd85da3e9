/* nn/optim/sgd_template.h: the update of stochastic gradient descent in PyTorch's form, included by optim_kernels.c once for
 * each type T; NAME(f) is f's name for T. A step of a parameter x with gradient g is
 *
 *     g = g + weight_decay x
 *     v = momentum v + g                        velocity, 0 before the first step
 *     x = x - lr v                              or, with Nesterov's momentum, x - lr (g + momentum v)
 *
 * Without momentum there is no velocity: x = x - lr g. */

static void NAME(sgd)(const tap__update *u, int64_t n, void *value, const void *grad, void *unused, void *unused_too)
{
    T *restrict x = value;
    const T *restrict g = grad;
    const T lr = (T)u->step_size, weight_decay = (T)u->weight_decay;
    for (int64_t i = 0; i < n; i++) x[i] -= lr * (g[i] + weight_decay * x[i]);
    (void)unused;
    (void)unused_too;
}

static void NAME(momentum)(const tap__update *u, int64_t n, void *value, const void *grad, void *velocity, void *unused)
{
    T *restrict x = value, *restrict v = velocity;
    const T *restrict g = grad;
    const T lr = (T)u->step_size, weight_decay = (T)u->weight_decay, momentum = (T)u->momentum;
    const T grad_factor = (T)u->grad_factor, velocity_factor = (T)u->velocity_factor;
    for (int64_t i = 0; i < n; i++) {
        T d = g[i] + weight_decay * x[i];
        v[i] = momentum * v[i] + d;
        x[i] -= lr * (grad_factor * d + velocity_factor * v[i]);
    }
    (void)unused;
}
