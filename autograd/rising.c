/* The rising factorial, which the likelihoods of counts are made of. */
#include "autograd/internal.h"
#include "tensor/map.h"
#include "tensor/special.h"

enum { COST = 1000 };

static tap_status log_rising_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[1].dtype;
    if (!tap__broadcast(c->in[0].shape, c->in[1].shape, &out->shape))
        return tap_call_fail(c, TAP_ESHAPE, "the shapes do not broadcast");
    return tap__one_float(c);
}

#define RUN(T, name)                                                                                       \
    static void name(int64_t n, void *const *data, const int64_t *stride, const void *context)             \
    {                                                                                                      \
        T       *y = data[0];                                                                              \
        const T *x = data[1], *u = data[2];                                                                \
        for (int64_t i = 0; i < n; i++)                                                                    \
            y[i * stride[0]] = (T)tap__log_rising_f64(*(const int *)context, (double)x[i * stride[1]],     \
                                                      (double)u[i * stride[2]]);                           \
    }
RUN(float, run_f32)
RUN(double, run_f64)

static void log_rising_forward(tap_call *c, tap_tensor *out)
{
    tap__map(out->dtype == TAP_F32 ? run_f32 : run_f64, c->attr, out, 2, c->in, COST);
}

static tap_var log_rising(int n, tap_var x, tap_var u);

/* r_n = theta^n d^n r_0 / dtheta^n: d r_n / du = n r_n + r_(n+1) */
static void log_rising_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const int order = *(const int *)tap_attr(n);
    if (!tap_needs(n, 1)) return;
    tap_var next = log_rising(order + 1, tap_in(n, 0), tap_in(n, 1));
    gin[1] = tap_mul(g, tap_add(tap_mul_scalar(tap_out(n), order), next));
}

static const tap_op log_rising_op = { "log_rising", log_rising_infer, log_rising_forward, log_rising_vjp, sizeof(int) };

static tap_var log_rising(int n, tap_var x, tap_var u)
{
    return tap_apply(&log_rising_op, &n, 2, (tap_var[]){ x, u });
}

tap_var tap__log_rising(tap_var x, tap_var u)
{
    return log_rising(0, x, u);
}
