/* examples/first_steps.c: fits a small network to a noisy sine. A program consists of data, a model, a loss and a loop. */
#include <math.h>
#include <stdio.h>

#include "nn/nn.h"

int main(void)
{
    /* The data: 200 points of y = sin 3x + noise. */
    static float x[200][1], y[200][1], noise[200];
    tap_random_normal(tap_tensor_wrap(TAP_F32, TAP_SHAPE(200), noise), (tap_rng_key){ .seed = 1 });
    for (int i = 0; i < 200; i++) {
        x[i][0] = (float)i / 100 - 1;
        y[i][0] = sinf(3 * x[i][0]) + 0.1f * noise[i];
    }
    tap_tensor xs = tap_tensor_wrap(TAP_F32, TAP_SHAPE(200, 1), x), ys = tap_tensor_wrap(TAP_F32, TAP_SHAPE(200, 1), y);

    /* The module owns the parameters, the tape owns the values of a step, and the program owns the data. */
    tap_module *root = tap_module_new(TAP_F32, 0);
    tap_tape   *tape = tap_tape_new(TAP_F32, 0);
    tap_mlp     net;
    tap_mlp_init(&net, root, "net", 3, (int64_t[]){ 1, 32, 1 }, tap_tanh);
    tap_optim *adam = tap_adam_new(root, (tap_adam_options){ .lr = 0.01 });
    printf("a network of %lld parameters learns sin 3x from 200 noisy points\n", (long long)tap_module_numel(root));

    for (int step = 1; step <= 1000; step++) {
        tap_tape_reset(tape);
        tap_var prediction = tap_mlp_forward(&net, tap_input(tape, xs));
        tap_var loss = tap_mean(tap_square(tap_sub(prediction, tap_input(tape, ys))), TAP_ALL);
        tap_backward(loss);
        tap_optim_step(adam, tape);
        if (step == 1 || step % 200 == 0) printf("step %4d  mean squared error %.4f\n", step, tap_item(loss));
    }

    tap_tape_reset(tape);
    tap_tensor fit = tap_value(tap_mlp_forward(&net, tap_input(tape, xs)));
    for (int i = 20; i < 200; i += 40)
        printf("f(%5.2f) = %6.3f   sin 3x = %6.3f\n", (double)x[i][0], tap_tensor_item(fit, i), sin(3 * (double)x[i][0]));

    /* The tape reports the first error of any call above. */
    const tap_status status = tap_tape_status(tape, NULL);
    if (status) fprintf(stderr, "first_steps: %s\n", tap_tape_message(tape));
    tap_tape_free(tape);
    tap_module_free(root);
    return status != TAP_OK;
}
