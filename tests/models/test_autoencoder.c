/* tests/models/test_autoencoder.c: the plain autoencoder: its loss against the formula in plain C, its gradients, and
 * training. */
#include <math.h>

#include "models/models.h"
#include "tests/check.h"

enum { DATA = 3, BATCH = 4, HIDDEN = 2 };

static double images[BATCH][DATA] = { { 0, 1, 1 }, { 0.25, 0, 0.75 }, { 1, 0.5, 0 }, { 0.1, 0.9, 0.3 } };

static const tap_autoencoder_options small = { .data = DATA, .hidden = { HIDDEN }, .latent = 1, .activation = tap_tanh };

static tap_var image_input(tap_tape *t)
{
    return tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH, DATA), images));
}

static void layer(const tap_linear *l, int in, int out, const double *x, double *y, bool apply_tanh)
{
    for (int i = 0; i < out; i++) {
        y[i] = param_item(l->bias, i);
        for (int k = 0; k < in; k++) y[i] += param_item(l->weight, i * in + k) * x[k];
        if (apply_tanh) y[i] = tanh(y[i]);
    }
}

static void test_loss_by_formula(void **state)
{
    (void)state;
    double          loss = 0;
    tap_autoencoder a;
    tap_module     *root = tap_module_new(TAP_F64, 3);
    tap_tape       *t = tap_tape_new(TAP_F64, 0);
    tap_autoencoder_init(&a, root, small);
    tap_var    z = tap_autoencoder_encode(&a, image_input(t));
    tap_tensor code = tap_value(z), image = tap_value(tap_autoencoder_decode(&a, z));
    assert_true(tap_shape_equal(code.shape, TAP_SHAPE(BATCH, 1)) && tap_shape_equal(image.shape, TAP_SHAPE(BATCH, DATA)));
    for (int i = 0; i < BATCH; i++) {
        double h[HIDDEN], c[1], g[HIDDEN], f[DATA];
        layer(&a.enc.layers[0], DATA, HIDDEN, images[i], h, true);
        layer(&a.code, HIDDEN, 1, h, c, false);
        layer(&a.dec.layers[0], 1, HIDDEN, c, g, true);
        layer(&a.out, HIDDEN, DATA, g, f, false);
        assert_true(fabs(tap_tensor_item(code, i) - c[0]) < 1e-14);
        for (int k = 0; k < DATA; k++) {
            double p = 1 / (1 + exp(-f[k]));
            assert_true(fabs(tap_tensor_item(image, i * DATA + k) - p) < 1e-14);
            loss -= (images[i][k] * log(p) + (1 - images[i][k]) * log(1 - p)) / BATCH;
        }
    }
    assert_true(fabs(tap_item(tap_autoencoder_loss(&a, image_input(t))) - loss) < 1e-13);
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    tap_tape_free(t);
    tap_module_free(root);
}

static tap_var loss_function(tap_tape *t, void *ctx)
{
    return tap_autoencoder_loss(ctx, image_input(t));
}

static void test_gradients(void **state)
{
    (void)state;
    tap_autoencoder a;
    tap_module     *root = tap_module_new(TAP_F64, 3);
    tap_autoencoder_init(&a, root, small);
    tap_gradcheck_result r = tap_module_gradcheck(root, loss_function, &a, (tap_gradcheck_options){ .order = 2 });
    if (!r.ok) fail_msg("%s", r.message);
    tap_module_free(root);
}

/* Four images coded by one number: the loss falls to almost 0. */
static void test_learns_to_copy(void **state)
{
    (void)state;
    float           x[4][4] = { { 1, 0, 0, 0 }, { 0, 1, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 1 } };
    tap_autoencoder a;
    tap_module     *root = tap_module_new(TAP_F32, 1);
    tap_tape       *t = tap_tape_new(TAP_F32, 0);
    tap_autoencoder_init(&a, root,
                         (tap_autoencoder_options){ .data = 4, .hidden = { 16 }, .latent = 1, .activation = tap_tanh });
    tap_optim *adam = tap_adam_new(root, (tap_adam_options){ .lr = 0.01 });
    double     loss = 0;
    for (int step = 0; step < 2000; step++) {
        tap_tape_reset(t);
        tap_var now = tap_autoencoder_loss(&a, tap_input(t, tap_tensor_wrap(TAP_F32, TAP_SHAPE(4, 4), x)));
        tap_backward(now);
        tap_optim_step(adam, t);
        loss = tap_item(now);
    }
    assert_true(loss < 0.1);
    tap_tape_free(t);
    tap_module_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_loss_by_formula), cmocka_unit_test(test_gradients),
                                        cmocka_unit_test(test_learns_to_copy) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
