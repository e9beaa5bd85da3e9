/* examples/check_gradients.c: shows how gradient checks find a wrong gradient, in a float32 model with a custom operator
 * whose rule is first wrong and then right, and in a plain function, which is checked to second order. */
#include <math.h>
#include <stdio.h>

#include "nn/nn.h"

enum { A = 3 };

/* An operator, y = exp(-A x^2), with a right rule and a wrong one, which lacks a factor. */
static tap_status bump_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    return TAP_OK;
}

static void bump_forward(tap_call *c, tap_tensor *out)
{
    for (int64_t i = 0; i < tap_tensor_numel(*out); i++) {
        const double x = tap_tensor_item(c->in[0], i);
        tap_tensor_set_item(*out, i, exp(-A * x * x));
    }
}

/* The right rule: dx = -2 A x y g. */
static void right_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap_mul_scalar(tap_mul(g, tap_mul(tap_in(n, 0), tap_out(n))), -2 * A);
}

/* The wrong rule, which lacks the factor A. */
static void wrong_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap_mul_scalar(tap_mul(g, tap_mul(tap_in(n, 0), tap_out(n))), -2);
}

static const tap_op right_bump = { "bump", bump_infer, bump_forward, right_vjp, 0 };
static const tap_op wrong_bump = { "bump", bump_infer, bump_forward, wrong_vjp, 0 };

/* A float32 model that uses the operator. */
typedef struct {
    tap_linear    hidden, out;
    const tap_op *bump;
} model;

static tap_var loss(tap_tape *t, void *ctx)
{
    static float x[4][2] = { { -1, -1 }, { -1, 1 }, { 1, -1 }, { 1, 1 } }, target[4][1] = { { 1 }, { 0 }, { 0 }, { 1 } };
    const model *m = ctx;
    tap_var      z = tap_linear_forward(&m->hidden, tap_input(t, tap_tensor_wrap(TAP_F32, TAP_SHAPE(4, 2), x)));
    tap_var      h = tap_apply(m->bump, NULL, 1, &z), logits = tap_linear_forward(&m->out, h);
    return tap_mean(tap_bce_with_logits(logits, tap_input(t, tap_tensor_wrap(TAP_F32, TAP_SHAPE(4, 1), target))), TAP_ALL);
}

/* Checks the model on float64 copies of its parameters, as finite differences need float64. The model itself is unchanged. */
static tap_gradcheck_result check_model(const tap_op *bump)
{
    tap_module *root = tap_module_new(TAP_F32, 0);
    model       m = { .bump = bump };
    tap_linear_init(&m.hidden, root, "hidden", 2, 4);
    tap_linear_init(&m.out, root, "out", 4, 1);
    tap_gradcheck_result r = tap_module_gradcheck(root, loss, &m, (tap_gradcheck_options){ .order = 2 });
    tap_module_free(root);
    return r;
}

/* A plain function, of which every output is derived by every input. */
static tap_var cosine(tap_tape *t, const tap_var *in, void *ctx)
{
    tap_var u = tap_named(in[0], "u"), v = tap_named(in[1], "v");
    tap_var lengths = tap_mul(tap_sum(tap_square(u), TAP_LAST), tap_sum(tap_square(v), TAP_LAST));
    (void)t, (void)ctx;
    return tap_div(tap_sum(tap_mul(u, v), TAP_LAST), tap_sqrt(lengths));
}

int main(void)
{
    tap_gradcheck_result wrong = check_model(&wrong_bump), right = check_model(&right_bump);
    printf("With an error in the rule of bump:\n  %s\n", wrong.message);
    printf("analytic is what the tape says, numeric what differences say. %s is where they are farthest apart;\n", wrong.name);
    printf("its gradient is %.4f times too small, and a is %d: the rule has forgotten it.\n\n", wrong.numeric / wrong.analytic,
           A);
    printf("With the right rule, first and second order:\n  %s\n\n", right.message);

    double               u[2][3] = { { 1, 2, -1 }, { 0.5, 3, 1 } }, v[2][3] = { { -2, 0.3, 1 }, { 1, 1, -1 } };
    tap_tensor           in[2] = { tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 3), u), tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 3), v) };
    tap_gradcheck_result plain = tap_gradcheck(cosine, NULL, 2, in, (tap_gradcheck_options){ .order = 2 });
    printf("The cosine of the angle between two vectors, first and second order:\n  %s\n", plain.message);

    bool found = !wrong.ok && wrong.status == TAP_OK && fabs(wrong.numeric / wrong.analytic - A) < 1e-4;
    return !(found && right.ok && plain.ok);
}
