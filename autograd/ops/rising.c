/* autograd/ops/rising.c: higher derivatives of the rising factorial, which occurs in the likelihoods of counts.
 * tensor/kernels/rising.h has the value and the first derivative. */
#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "tensor/kernels/map.h"
#include "tensor/kernels/special.h"
#include "tensor/shape.h"

enum { COST = 1000 }; /* per element, as tap__map takes it */

static tap_status rising_derivative_infer(tap_call *c, tap_tensor *out)
{
    if (c->in[0].dtype != TAP_F64 || c->in[1].dtype != TAP_F64)
        return tap_call_fail(c, TAP_EDTYPE, "both operands must be float64");
    out->dtype = TAP_F64;
    if (!tap__broadcast_shapes(c->in[0].shape, c->in[1].shape, &out->shape))
        return tap_call_fail(c, TAP_ESHAPE, "the shapes do not broadcast");
    return TAP_OK;
}

/* The result is contiguous, and so its stride is 1. */
static void rising_derivative_run(int64_t n, void *const *data, const int64_t *stride, const void *context)
{
    double       *y = data[0];
    const double *x = data[1], *u = data[2];
    for (int64_t i = 0; i < n; i++) y[i] = tap__log_rising_f64(*(const int *)context, x[i * stride[1]], u[i * stride[2]]);
}

static void rising_derivative_forward(tap_call *c, tap_tensor *out)
{
    tap__map(rising_derivative_run, c->attr, out, 2, c->in, COST);
}

/* d r_n / du = n r_n + r_(n+1) for r_n = theta^n d^n r_0 / dtheta^n, theta = e^u */
static void rising_derivative_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const int order = *(const int *)tap_attr(n);
    tap_var   next = tap__rising_derivative(order + 1, tap_in(n, 0), tap_in(n, 1));
    if (tap_needs_grad(n, 1)) gin[1] = tap__chain_mul(g, tap_add(tap_mul_scalar(tap_out(n), order), next));
}

static const tap_op rising_derivative_op = { "rising_derivative", rising_derivative_infer, rising_derivative_forward,
                                             rising_derivative_vjp, sizeof(int) };

tap_var tap__rising_derivative(int n, tap_var x, tap_var u)
{
    return tap_apply(&rising_derivative_op, &n, 2, (tap_var[]){ x, u });
}
