/* examples/new_operator.c: defines an operator, the pseudo-Huber function, checks it to second order and uses it in a fit.
 * An operator infers its output's shape, computes it, and expresses its gradient by operators. The engine does the rest. */
#include <math.h>
#include <stdio.h>

#include "autograd/autograd.h"

/* The function y = sqrt(x^2 + delta^2) - delta, which is about x^2 / (2 delta) for small x and |x| for large x. */
typedef struct {
    double delta;
} huber_attr;

static tap_status huber_infer(tap_call *c, tap_tensor *out)
{
    const huber_attr *a = c->attr;
    if (!(a->delta > 0)) return tap_call_fail(c, TAP_EARG, "delta must be above 0, not %g", a->delta);
    if (!tap_dtype_is_float(c->in[0].dtype))
        return tap_call_fail(c, TAP_EDTYPE, "needs floats, not %s", tap_dtype_name(c->in[0].dtype));
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    return TAP_OK;
}

static void huber_forward(tap_call *c, tap_tensor *out)
{
    double delta = ((const huber_attr *)c->attr)->delta;
    for (int64_t i = 0; i < tap_tensor_numel(*out); i++)
        tap_tensor_set_item(*out, i, hypot(tap_tensor_item(c->in[0], i), delta) - delta);
}

/* The derivative dy/dx = x / sqrt(x^2 + delta^2) = x / (y + delta). */
static void huber_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const huber_attr *a = tap_attr(n);
    gin[0] = tap_mul(g, tap_div(tap_in(n, 0), tap_add_scalar(tap_out(n), a->delta)));
}

static const tap_op huber_op = { "huber", huber_infer, huber_forward, huber_vjp, sizeof(huber_attr) };

static tap_var huber(tap_var x, double delta)
{
    return tap_apply(&huber_op, &(huber_attr){ delta }, 1, &x);
}

static tap_var under_test(tap_tape *t, const tap_var *in, void *ctx)
{
    (void)t, (void)ctx;
    return huber(in[0], 0.5);
}

/* The center of the data with respect to the loss: the m that minimizes sum_i loss(x_i - m). */
static double centre(tap_tape *t, tap_tensor data, tap_var (*loss)(tap_var))
{
    double     m = 0;
    tap_tensor cell = tap_tensor_wrap(TAP_F64, TAP_SCALAR, &m);
    for (int step = 0; step < 500; step++) {
        tap_tape_reset(t);
        tap_var v = tap_variable(t, cell), dv;
        tap_grad(tap_mean(loss(tap_sub(tap_input(t, data), v)), TAP_ALL), 1, &v, &dv);
        m -= 0.1 * tap_item(dv);
    }
    return m;
}

static tap_var robust(tap_var x)
{
    return huber(x, 0.1);
}

int main(void)
{
    double     x[6] = { -2, -0.5, 0, 0.1, 1, 3 }, data[6] = { 1.1, 0.9, 1.0, 1.2, 0.8, 40 };
    tap_tensor at = tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 3), x), points = tap_tensor_wrap(TAP_F64, TAP_SHAPE(6), data);

    tap_gradcheck_result check = tap_gradcheck(under_test, NULL, 1, &at, (tap_gradcheck_options){ .order = 2 });
    printf("%s\n", check.message);

    tap_tape *tape = tap_tape_new(TAP_F64, 0);
    printf("the centre of 1.1, 0.9, 1.0, 1.2, 0.8 and 40: %.2f by squares, %.2f by huber\n", centre(tape, points, tap_square),
           centre(tape, points, robust));

    const tap_status status = tap_tape_status(tape, NULL);
    if (status) fprintf(stderr, "new_operator: %s\n", tap_tape_message(tape));
    tap_tape_free(tape);
    return status != TAP_OK || !check.ok;
}
