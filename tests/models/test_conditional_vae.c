/* tests/models/test_conditional_vae.c: the conditional VAE: its networks and ELBO against the same in operators, its gradient,
 * its errors. */
#include <math.h>
#include <string.h>

#include "models/models.h"
#include "tests/check.h"

enum { BATCH = 2, SIDE = 4, DATA = SIDE * SIDE, LATENT = 2, CONDITION = 3, DRAWS = 3 };

static double images[BATCH][DATA], classes[BATCH][CONDITION] = { { 0, 1, 0 }, { 0.25, 0, 0.75 } };

static int draw_images(void **state)
{
    (void)state;
    tap_random_uniform(tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH, DATA), images), (tap_rng_key){ .seed = 4 });
    return 0;
}

typedef struct {
    tap_vae     vae;
    tap_module *root;
    tap_tape   *tape;
    tap_var     x, c;
} fixture;

static tap_var input(tap_tape *t, int64_t n, double *numbers)
{
    return tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH, n), numbers));
}

static fixture fixture_of(tap_vae_options o)
{
    fixture s = { .root = tap_module_new(TAP_F64, 3), .tape = tap_tape_new(TAP_F64, 8) };
    o.data = DATA;
    o.image[0] = 1, o.image[1] = o.image[2] = SIDE;
    o.conv[0] = 3, o.conv[1] = 2;
    o.hidden[0] = 5;
    o.latent = LATENT;
    o.activation = tap_tanh;
    o.samples = DRAWS;
    tap_vae_init(&s.vae, s.root, o);
    assert_int_equal(tap_module_status(s.root, NULL), TAP_OK);
    s.x = input(s.tape, DATA, *images);
    s.c = input(s.tape, CONDITION, *classes);
    return s;
}

static void fixture_end(fixture *s, tap_status status, const char *expected)
{
    const char *message;
    if (tap_tape_status(s->tape, &message) != status) fail_msg("%s", message);
    assert_string_equal(message, expected);
    tap_tape_free(s->tape);
    tap_module_free(s->root);
}

static void assert_same(tap_var a, tap_var b)
{
    assert_true(tap_shape_equal(tap_shape_of(a), tap_shape_of(b)));
    assert_true(tap_numel(tap_shape_of(a)) > 0);
    for (int64_t i = 0; i < tap_numel(tap_shape_of(a)); i++)
        assert_true(fabs(tap_tensor_item(tap_value(a), i) - tap_tensor_item(tap_value(b), i)) < 1e-13);
}

static tap_var parameter(const fixture *s, const char *path)
{
    return tap_param_var(s->tape, tap_module_param(s->root, path));
}

static tap_var layer(const fixture *s, const char *weight, const char *bias, tap_var x)
{
    return tap_affine(x, parameter(s, weight), parameter(s, bias));
}

static tap_var concat(tap_var a, tap_var b)
{
    return tap_cat(2, (tap_var[]){ a, b }, -1);
}

/* The latent variable's parameters from the last hidden layer. */
static void assert_heads(const fixture *s, tap_var h)
{
    tap_dist q = tap_vae_encode_given(&s->vae, s->x, s->c);
    assert_same(q.param[0], layer(s, "loc.weight", "loc.bias", h));
    assert_same(q.param[1], tap_mul_scalar(layer(s, "logvar.weight", "logvar.bias", h), 0.5));
}

/* ELBO, loss, samples and reconstructions against the same in operators, given the networks' distributions and the tape's
 * draws. */
static void assert_bound(const fixture *s)
{
    tap_tape_set_step(s->tape, 7);
    tap_vae_terms e = tap_vae_elbo_given(&s->vae, s->x, s->c);
    tap_tape_set_step(s->tape, 7);
    tap_var  loss = tap_vae_loss_given(&s->vae, s->x, s->c);
    tap_dist q = tap_vae_encode_given(&s->vae, s->x, s->c);
    tap_tape_set_step(s->tape, 7);
    tap_var z = tap_sample_n(q, DRAWS);
    tap_var rec = tap_sum(tap_log_prob(tap_vae_decode_given(&s->vae, z, s->c), s->x), TAP_LAST);
    tap_var kl = tap_sum(tap_kl(q, tap_standard_normal_like(q)), TAP_LAST);
    assert_same(e.rec, tap_mean(rec, TAP_AXES(0)));
    assert_same(e.kl, kl);
    assert_same(e.elbo, tap_sub(e.rec, kl));
    assert_same(loss, tap_neg(tap_mean(e.elbo, TAP_ALL)));

    tap_tape_set_step(s->tape, 7);
    tap_var drawn = tap_vae_sample_given(&s->vae, s->c);
    tap_tape_set_step(s->tape, 7);
    tap_var noise = tap_randn(s->tape, TAP_SHAPE(BATCH, LATENT));
    assert_same(drawn, tap_dist_mean(tap_vae_decode_given(&s->vae, noise, s->c)));
    assert_same(tap_vae_reconstruct_given(&s->vae, s->x, s->c), tap_dist_mean(tap_vae_decode_given(&s->vae, q.param[0], s->c)));
}

static void test_linear_networks_by_formula(void **state)
{
    (void)state;
    fixture s = fixture_of((tap_vae_options){ .condition = CONDITION, .n_hidden = 1 });
    assert_heads(&s, tap_tanh(layer(&s, "enc.0.weight", "enc.0.bias", concat(s.x, s.c))));
    tap_var z = tap_randn(s.tape, TAP_SHAPE(DRAWS, BATCH, LATENT)), c = tap_expand(s.c, TAP_SHAPE(DRAWS, BATCH, CONDITION));
    tap_var f = layer(&s, "out.weight", "out.bias", tap_tanh(layer(&s, "dec.0.weight", "dec.0.bias", concat(z, c))));
    assert_same(tap_vae_decode_given(&s.vae, z, s.c).param[0], f);
    assert_bound(&s);
    fixture_end(&s, TAP_OK, "");
}

/* c is appended to the output of the convolutions, and to z. */
static void test_convolutional_networks_by_formula(void **state)
{
    (void)state;
    const tap_conv_options halving = { .stride = { 2, 2 }, .padding = { 1, 1 } };
    for (int hidden = 0; hidden < 2; hidden++) {
        fixture s = fixture_of((tap_vae_options){ .condition = CONDITION, .n_conv = 1, .n_hidden = hidden });
        tap_var image = tap_reshape(s.x, TAP_SHAPE(BATCH, 1, SIDE, SIDE));
        tap_var h = tap_tanh(tap_conv2d(image, parameter(&s, "conv.0.weight"), parameter(&s, "conv.0.bias"), halving));
        h = concat(tap_reshape(h, TAP_SHAPE(BATCH, 12)), s.c);
        if (hidden) h = tap_tanh(layer(&s, "enc.0.weight", "enc.0.bias", h));
        assert_heads(&s, h);

        tap_var z = tap_randn(s.tape, TAP_SHAPE(BATCH, LATENT));
        h = concat(z, s.c);
        if (hidden) h = tap_tanh(layer(&s, "dec.0.weight", "dec.0.bias", h));
        h = tap_reshape(tap_tanh(layer(&s, "up.weight", "up.bias", h)), TAP_SHAPE(BATCH, 3, 2, 2));
        h = tap_conv_transpose2d(h, parameter(&s, "out.weight"), parameter(&s, "out.bias"), halving);
        assert_same(tap_vae_decode_given(&s.vae, z, s.c).param[0], tap_reshape(h, TAP_SHAPE(BATCH, DATA)));
        assert_bound(&s);
        fixture_end(&s, TAP_OK, "");
    }
}

/* One c for all images, and z without batch axes. */
static void test_condition_broadcasts(void **state)
{
    (void)state;
    fixture s = fixture_of((tap_vae_options){ .condition = CONDITION, .n_hidden = 1 });
    tap_var one = tap_select(s.c, 0, 1), all = tap_expand(one, TAP_SHAPE(BATCH, CONDITION));
    assert_same(tap_vae_encode_given(&s.vae, s.x, one).param[0], tap_vae_encode_given(&s.vae, s.x, all).param[0]);
    assert_same(tap_vae_encode_given(&s.vae, s.x, tap_unsqueeze(one, 0)).param[0],
                tap_vae_encode_given(&s.vae, s.x, all).param[0]);
    assert_true(tap_shape_equal(tap_shape_of(tap_vae_sample_given(&s.vae, one)), TAP_SHAPE(DATA)));
    fixture_end(&s, TAP_OK, "");
}

static tap_var loss(tap_tape *t, void *vae)
{
    return tap_vae_loss_given(vae, input(t, DATA, *images), input(t, CONDITION, *classes));
}

static void test_gradients(void **state)
{
    (void)state;
    for (int n_conv = 0; n_conv <= 2; n_conv++) {
        fixture s = fixture_of((tap_vae_options){ .condition = CONDITION, .n_conv = n_conv, .n_hidden = n_conv != 1 });
        tap_gradcheck_result r = tap_module_gradcheck(s.root, loss, &s.vae, (tap_gradcheck_options){ 0 });
        if (!r.ok) fail_msg("%s", r.message);
        assert_int_equal(r.checked, tap_module_numel(s.root));
        r = tap_module_gradcheck(s.root, loss, &s.vae, (tap_gradcheck_options){ .order = 2, .elements = 2 });
        if (!r.ok) fail_msg("%s", r.message);
        fixture_end(&s, TAP_OK, "");
    }
}

static void test_condition_is_given_if_there_is_one(void **state)
{
    (void)state;
    /* clang-format off */
    static const char *const missing[] = {
        "vae_encode: [2,16]: c must be given, as condition = 3",      "vae_decode: [2,2]: c must be given, as condition = 3",
        "vae_loss: [2,16]: c must be given, as condition = 3",        "vae_sample: [5,2]: c must be given, as condition = 3",
        "vae_reconstruct: [2,16]: c must be given, as condition = 3", "vae_elbo_from: [2,16] x [1,2,2]: c must be given, as condition = 3",
    };
    /* clang-format on */
    static const char *const superfluous[] = {
        "vae_encode_given: [2,16] x [2,3]: c must not be given, as condition = 0",
        "vae_decode_given: [2,16] x [2,3]: c must not be given, as condition = 0",
        "vae_loss_given: [2,16] x [2,3]: c must not be given, as condition = 0",
        "vae_sample_given: [2,3]: c must not be given, as condition = 0",
        "vae_reconstruct_given: [2,16] x [2,3]: c must not be given, as condition = 0",
    };
    for (int k = 0; k < 6; k++) {
        fixture s = fixture_of((tap_vae_options){ .condition = CONDITION, .n_conv = 1 });
        tap_var z = tap_zeros(s.tape, TAP_SHAPE(BATCH, LATENT));
        if (k == 0) tap_vae_encode(&s.vae, s.x);
        if (k == 1) tap_vae_decode(&s.vae, z);
        if (k == 2) tap_vae_loss(&s.vae, s.x);
        if (k == 3) tap_vae_sample(&s.vae, s.tape, 5);
        if (k == 4) tap_vae_reconstruct(&s.vae, s.x);
        if (k == 5) tap_vae_elbo_from(&s.vae, s.x, tap_unsqueeze(z, 0));
        fixture_end(&s, TAP_EARG, missing[k]);
    }
    for (int k = 0; k < 5; k++) {
        fixture s = fixture_of((tap_vae_options){ .n_hidden = 1 });
        if (k == 0) tap_vae_encode_given(&s.vae, s.x, s.c);
        if (k == 1) tap_vae_decode_given(&s.vae, s.x, s.c);
        if (k == 2) tap_vae_loss_given(&s.vae, s.x, s.c);
        if (k == 3) tap_vae_sample_given(&s.vae, s.c);
        if (k == 4) tap_vae_reconstruct_given(&s.vae, s.x, s.c);
        fixture_end(&s, TAP_EARG, superfluous[k]);
    }
}

static void test_wrong_shapes(void **state)
{
    (void)state;
    static const struct {
        tap_shape   c;
        const char *message;
    } cases[] = {
        { { 2, { BATCH, 4 } },
          "vae_elbo_given: [2,16] x [2,4]: c must be [..,3] and broadcast to the leading axes of [2,16], not [2,4]" },
        { { 2, { 3, CONDITION } },
          "vae_elbo_given: [2,16] x [3,3]: c must be [..,3] and broadcast to the leading axes of [2,16], not [3,3]" },
        { { 3, { 1, BATCH, CONDITION } },
          "vae_elbo_given: [2,16] x [1,2,3]: c must be [..,3] and broadcast to the leading axes of [2,16], not [1,2,3]" },
        { { 0, { 0 } }, "vae_elbo_given: [2,16] x []: c must be [..,3] and broadcast to the leading axes of [2,16], not []" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture s = fixture_of((tap_vae_options){ .condition = CONDITION, .n_hidden = 1 });
        tap_vae_elbo_given(&s.vae, s.x, tap_ones(s.tape, cases[i].c));
        fixture_end(&s, TAP_ESHAPE, cases[i].message);
    }
    fixture s = fixture_of((tap_vae_options){ .condition = CONDITION, .n_hidden = 1 });
    tap_vae_encode_given(&s.vae, tap_scalar(s.tape, 1), s.c);
    fixture_end(&s, TAP_ESHAPE,
                "vae_encode_given: [] x [2,3]: c must be [..,3] and broadcast to the leading axes of [], not [2,3]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear_networks_by_formula),
        cmocka_unit_test(test_convolutional_networks_by_formula),
        cmocka_unit_test(test_condition_broadcasts),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_condition_is_given_if_there_is_one),
        cmocka_unit_test(test_wrong_shapes),
    };
    return cmocka_run_group_tests(tests, draw_images, NULL);
}
