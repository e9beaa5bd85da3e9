/* examples/new_layer.c: defines a layer, the gated linear unit (Dauphin et al. 2017), checks its gradient and trains it.
 * A layer is a struct of parameters, a function that creates them and a function from vars to vars. The tape derives the
 * gradient. */
#include <stdio.h>

#include "nn/nn.h"

/* The layer y = (x W^T + b) sigmoid(x V^T + c), elementwise. */
typedef struct {
    tap_linear value, gate; /* value: W and b; gate: V and c */
} glu;

static void glu_init(glu *l, tap_module *m, const char *name, int64_t in, int64_t out)
{
    tap_module *self = tap_module_child(m, name);
    tap_linear_init(&l->value, self, "value", in, out);
    tap_linear_init(&l->gate, self, "gate", in, out);
}

static tap_var glu_forward(const glu *l, tap_var x) /* [..,in] -> [..,out] */
{
    return tap_mul(tap_linear_forward(&l->value, x), tap_sigmoid(tap_linear_forward(&l->gate, x)));
}

/* A model that uses the layer to decide whether two signs are equal (XNOR), which no single linear layer can do. */
typedef struct {
    glu        hidden;
    tap_linear out;
} model;

static double corners[4][2] = { { -1, -1 }, { -1, 1 }, { 1, -1 }, { 1, 1 } };
static double equal[4][1] = { { 1 }, { 0 }, { 0 }, { 1 } };

static tap_var logits(tap_tape *t, const model *net)
{
    tap_var x = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(4, 2), corners));
    return tap_linear_forward(&net->out, glu_forward(&net->hidden, x));
}

static tap_var loss(tap_tape *t, void *net)
{
    tap_var target = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(4, 1), equal));
    return tap_mean(tap_bce_with_logits(logits(t, net), target), TAP_ALL);
}

int main(void)
{
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_tape   *tape = tap_tape_new(TAP_F64, 0);
    model       net;
    glu_init(&net.hidden, root, "hidden", 2, 8);
    tap_linear_init(&net.out, root, "out", 8, 1);

    tap_gradcheck_result check = tap_module_gradcheck(root, loss, &net, (tap_gradcheck_options){ .order = 2 });
    printf("%s\n", check.message);

    tap_optim *adam = tap_adam_new(root, (tap_adam_options){ .lr = 0.05 });
    for (int step = 1; step <= 200; step++) {
        tap_tape_reset(tape);
        tap_var l = loss(tape, &net);
        tap_backward(l);
        tap_optim_step(adam, tape);
        if (step == 1 || step % 50 == 0) printf("step %3d  loss %.4f\n", step, tap_item(l));
    }

    tap_tape_reset(tape);
    tap_tensor p = tap_value(tap_sigmoid(logits(tape, &net)));
    for (int i = 0; i < 4; i++)
        printf("signs %2.0f and %2.0f: equal with probability %.3f\n", corners[i][0], corners[i][1], tap_tensor_item(p, i));

    const tap_status status = tap_tape_status(tape, NULL);
    if (status) fprintf(stderr, "new_layer: %s\n", tap_tape_message(tape));
    tap_tape_free(tape);
    tap_module_free(root);
    return status != TAP_OK || !check.ok;
}
