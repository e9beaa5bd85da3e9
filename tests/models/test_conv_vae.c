/* tests/models/test_conv_vae.c: the convolutional VAE: its networks against the same in operators, and its gradient. */
#include <math.h>
#include <string.h>

#include "models/models.h"
#include "tests/check.h"

enum { BATCH = 2, CHANNELS = 2, SIDE = 4, DATA = CHANNELS * SIDE * SIDE, LATENT = 2, DRAWS = 3 };

static double images[BATCH][DATA];

static int draw_images(void **state)
{
    (void)state;
    tap_random_uniform(tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH, DATA), images), (tap_rng_key){ .seed = 4 });
    return 0;
}

static tap_module *model_of(tap_vae *v, int n_conv, int n_hidden, tap_vae_sigma kind)
{
    tap_module *root = tap_module_new(TAP_F64, 3);
    tap_vae_init(v, root,
                 /* clang-format off */
                 (tap_vae_options){ .data = DATA, .image = { CHANNELS, SIDE, SIDE }, .n_conv = n_conv, .conv = { 3, 2 },
                                    .n_hidden = n_hidden, .hidden = { 5 }, .latent = LATENT, .activation = tap_tanh,
                                    .likelihood = TAP_VAE_GAUSSIAN, .sigma_kind = kind, .samples = DRAWS });
    /* clang-format on */
    assert_int_equal(tap_module_status(root, NULL), TAP_OK);
    return root;
}

static tap_var image_input(tap_tape *t)
{
    return tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH, DATA), images));
}

static void test_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        tap_shape   shape;
    } expected[] = {
        { "conv.0.weight", { 4, { 3, 2, 4, 4 } } },
        { "conv.0.bias", { 1, { 3 } } },
        { "conv.1.weight", { 4, { 2, 3, 4, 4 } } },
        { "conv.1.bias", { 1, { 2 } } },
        { "conv_t.0.weight", { 4, { 2, 3, 4, 4 } } },
        { "conv_t.0.bias", { 1, { 3 } } },
        { "enc.0.weight", { 2, { 5, 2 } } },
        { "enc.0.bias", { 1, { 5 } } },
        { "loc.weight", { 2, { 2, 5 } } },
        { "loc.bias", { 1, { 2 } } },
        { "logvar.weight", { 2, { 2, 5 } } },
        { "logvar.bias", { 1, { 2 } } },
        { "dec.0.weight", { 2, { 5, 2 } } },
        { "dec.0.bias", { 1, { 5 } } },
        { "up.weight", { 2, { 2, 5 } } },
        { "up.bias", { 1, { 2 } } },
        { "out.weight", { 4, { 3, 2, 4, 4 } } },
        { "out.bias", { 1, { 2 } } },
        { "out_log_sigma.weight", { 4, { 3, 2, 4, 4 } } },
        { "out_log_sigma.bias", { 1, { 2 } } },
    };
    tap_vae     v;
    tap_module *root = model_of(&v, 2, 1, TAP_VAE_SIGMA_BY_DECODER);
    tap_param  *p = tap_module_next(root, NULL);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++, p = tap_module_next(root, p)) {
        assert_string_equal(tap_param_path(p), expected[i].path);
        assert_true(tap_shape_equal(tap_param_value(p).shape, expected[i].shape));
    }
    assert_null(p);
    tap_module_free(root);
}

static void assert_same(tap_var a, tap_var b)
{
    assert_true(tap_shape_equal(tap_shape_of(a), tap_shape_of(b)));
    for (int64_t i = 0; i < tap_numel(tap_shape_of(a)); i++)
        assert_true(fabs(tap_tensor_item(tap_value(a), i) - tap_tensor_item(tap_value(b), i)) < 1e-13);
}

static tap_var parameter(tap_tape *t, const tap_module *root, const char *path)
{
    return tap_param_var(t, tap_module_param(root, path));
}

/* One convolution and no hidden layer, over draws in front of the batch. */
static void test_networks_by_formula(void **state)
{
    (void)state;
    const tap_conv_options halving = { .stride = { 2, 2 }, .padding = { 1, 1 } };
    tap_vae                v;
    tap_module            *root = model_of(&v, 1, 0, TAP_VAE_SIGMA);
    tap_tape              *t = tap_tape_new(TAP_F64, 8);
    tap_var                x = image_input(t), z = tap_randn(t, TAP_SHAPE(DRAWS, BATCH, LATENT));
    tap_var h = tap_tanh(tap_conv2d(tap_reshape(x, TAP_SHAPE(BATCH, CHANNELS, SIDE, SIDE)), parameter(t, root, "conv.0.weight"),
                                    parameter(t, root, "conv.0.bias"), halving));
    assert_same(tap_vae_encode(&v, x).param[0], tap_affine(tap_reshape(h, TAP_SHAPE(BATCH, 12)),
                                                           parameter(t, root, "loc.weight"), parameter(t, root, "loc.bias")));
    h = tap_tanh(tap_affine(z, parameter(t, root, "up.weight"), parameter(t, root, "up.bias")));
    h = tap_conv_transpose2d(tap_reshape(h, TAP_SHAPE(DRAWS * BATCH, 3, 2, 2)), parameter(t, root, "out.weight"),
                             parameter(t, root, "out.bias"), halving);
    assert_same(tap_vae_decode(&v, z).param[0], tap_sigmoid(tap_reshape(h, TAP_SHAPE(DRAWS, BATCH, DATA))));
    assert_true(tap_shape_equal(tap_shape_of(tap_vae_elbo(&v, x).elbo), TAP_SHAPE(BATCH)));
    assert_true(tap_shape_equal(tap_shape_of(tap_vae_sample(&v, t, 5)), TAP_SHAPE(5, DATA)));
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    tap_tape_free(t);
    tap_module_free(root);
}

/* Two images of half the size are not taken for one. */
static void test_images_of_another_size_are_errors(void **state)
{
    (void)state;
    const char *message;
    tap_vae     v;
    tap_module *root = model_of(&v, 1, 0, TAP_VAE_SIGMA);
    tap_tape   *t = tap_tape_new(TAP_F64, 8);
    tap_vae_encode(&v, tap_reshape(image_input(t), TAP_SHAPE(2 * BATCH, DATA / 2)));
    assert_int_equal(tap_tape_status(t, &message), TAP_ESHAPE);
    assert_string_equal(message, "vae_encode: [4,16]: the last axis must be the 32 numbers of an image, not [4,16]");
    tap_tape_free(t);
    tap_module_free(root);
}

static tap_var loss(tap_tape *t, void *context)
{
    return tap_vae_loss(context, image_input(t));
}

static void test_gradients(void **state)
{
    (void)state;
    for (int n_conv = 1; n_conv <= 2; n_conv++) {
        tap_vae     v;
        tap_module *root = model_of(&v, n_conv, n_conv - 1, n_conv == 1 ? TAP_VAE_SIGMA_BY_DECODER : TAP_VAE_SIGMA_PER_PIXEL);
        tap_gradcheck_result r = tap_module_gradcheck(root, loss, &v, (tap_gradcheck_options){ 0 });
        if (!r.ok) fail_msg("%s", r.message);
        r = tap_module_gradcheck(root, loss, &v, (tap_gradcheck_options){ .order = 2, .elements = 2 });
        if (!r.ok) fail_msg("%s", r.message);
        tap_module_free(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_networks_by_formula),
        cmocka_unit_test(test_images_of_another_size_are_errors),
        cmocka_unit_test(test_gradients),
    };
    return cmocka_run_group_tests(tests, draw_images, NULL);
}
