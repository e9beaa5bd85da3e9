/* examples/vae.c: a whole variational autoencoder (Kingma & Welling 2014) on MNIST: data, model, training, test, pictures.
 * usage: vae [FOLDER]   the folder with MNIST's files [~/.cache/tapestry/mnist] */
#include <nn/nn.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 28, PIXELS = SIDE * SIDE, HIDDEN = 500, LATENT = 20, BATCH = 100, EPOCHS = 6, COLUMNS = 16 };

typedef struct {
    tap_linear enc, loc, logvar, dec, out;
} vae;

static void vae_init(vae *v, tap_module *root)
{
    tap_linear_init(&v->enc, root, "enc", PIXELS, HIDDEN);
    tap_linear_init(&v->loc, root, "loc", HIDDEN, LATENT);
    tap_linear_init(&v->logvar, root, "logvar", HIDDEN, LATENT);
    tap_linear_init(&v->dec, root, "dec", LATENT, HIDDEN);
    tap_linear_init(&v->out, root, "out", HIDDEN, PIXELS);
}

static tap_dist encode(const vae *v, tap_var x) /* q(z|x) */
{
    tap_var h = tap_silu(tap_linear_forward(&v->enc, x));
    return tap_normal(tap_linear_forward(&v->loc, h), tap_mul_scalar(tap_linear_forward(&v->logvar, h), 0.5));
}

static tap_dist decode(const vae *v, tap_var z) /* p(x|z) */
{
    return tap_bernoulli(tap_linear_forward(&v->out, tap_silu(tap_linear_forward(&v->dec, z))));
}

static tap_var vae_elbo(const vae *v, tap_var x) /* E_q[log p(x|z)] - KL(q(z|x) || p(z)) in nats, mean over images: [] */
{
    tap_dist q = encode(v, x), p = decode(v, tap_sample(q));
    tap_var  kl = tap_sum(tap_kl(q, tap_standard_normal_like(q)), TAP_LAST);
    return tap_mean(tap_sub(tap_sum(tap_log_prob(p, x), TAP_LAST), kl), TAP_ALL);
}

/* Goes through the data once and returns the mean ELBO. Trains if there is an optimizer. */
static double run_epoch(const vae *v, tap_tape *tape, tap_loader *data, tap_optim *adam)
{
    double     sum = 0, n = 0;
    tap_tensor x;
    tap_tape_set_recording(tape, adam != NULL);
    for (tap_loader_start(data, tap_loader_epoch(data) + 1); tap_loader_next(data, &x); n += (double)x.shape.n[0]) {
        tap_tape_reset(tape);
        tap_var elbo = vae_elbo(v, tap_input(tape, x));
        if (adam) tap_backward(tap_neg(elbo));
        if (adam) tap_optim_step(adam, tape);
        sum += tap_item(elbo) * (double)x.shape.n[0];
    }
    return sum / n;
}

/* Writes vae.png: a row of test images, a row of their reconstructions, and four rows of samples. */
static void draw(const vae *v, tap_tape *tape, tap_loader *test, tap_error *e)
{
    tap_tensor batch;
    tap_loader_start(test, 0);
    tap_loader_next(test, &batch);
    tap_var x = tap_slice(tap_input(tape, batch), 0, 0, COLUMNS, 1), prior = tap_randn(tape, TAP_SHAPE(4 * COLUMNS, LATENT));
    tap_var z = tap_cat(2, (tap_var[]){ tap_dist_mean(encode(v, x)), prior }, 0);
    tap_var rows = tap_reshape(tap_cat(2, (tap_var[]){ x, tap_dist_mean(decode(v, z)) }, 0), TAP_SHAPE(6, COLUMNS, SIDE, SIDE));
    tap_var picture = tap_reshape(tap_transpose(rows, 1, 2), TAP_SHAPE(6 * SIDE, COLUMNS * SIDE));
    if (tap_tape_status(tape, NULL) == TAP_OK) tap_png_write("vae.png", tap_value(picture), e);
}

int main(int argc, char **argv)
{
    const char *home = getenv("HOME"), *folder = argc > 1 ? argv[1] : home ? home : "", *parts[] = { "train", "t10k" };
    const char *subfolder = argc > 1 ? "" : "/.cache/tapestry/mnist", *message;
    char        path[4096];
    tap_arena  *arena = tap_arena_new();
    tap_tape   *tape = tap_tape_new(TAP_F32, 0);
    tap_module *root = tap_module_new(TAP_F32, 0);
    tap_loader *data[2];
    vae         v;
    bool        found = true;
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s%s/%s-images-idx3-ubyte.gz", folder, subfolder, parts[i]);
        data[i] = tap_loader_new(tap_idx_read(arena, path), (tap_loader_options){ .batch = BATCH, .shuffle = i == 0 });
        found = tap_loader_status(data[i], &message) == TAP_OK && found;
    }
    vae_init(&v, root);
    tap_optim *adam = tap_adam_new(root, (tap_adam_options){ 0 });
    for (int i = 0; i < EPOCHS && found && tap_tape_status(tape, NULL) == TAP_OK; i++) {
        tap_optim_set_lr(adam, 3e-3 * (EPOCHS - i) / EPOCHS);
        const double train = run_epoch(&v, tape, data[0], adam), test = run_epoch(&v, tape, data[1], NULL);
        printf("epoch %d of %d: ELBO %.2f nats per training image, %.2f per test image\n", i + 1, EPOCHS, train, test);
    }
    if (found) draw(&v, tape, data[1], tap_arena_error(arena));
    const bool ok = tap_tape_status(tape, &message) == TAP_OK && tap_arena_status(arena, &message) == TAP_OK;
    if (!ok) fprintf(stderr, "vae: %s%s\n", message, found ? "" : "; examples/fetch_mnist.sh FOLDER downloads MNIST");
    for (int i = 0; i < 2; i++) tap_loader_free(data[i]);
    tap_tape_free(tape);
    tap_module_free(root);
    tap_arena_free(arena);
    return !ok;
}
