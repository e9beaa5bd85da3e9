/* examples/elbo_tour/codes.c: compares, for section 1.2, the codes of an autoencoder and a VAE with the same networks. */
#include "elbo_tour.h"

#include <math.h>

enum { CLASSES = 10, SHOWN = 1500 };

/* Synthetic images of discs: the position determines one of ten classes; position and radius vary within a class. */
static void make_discs(tap_arena *a, uint64_t seed, int64_t n, tap_tensor *images, tap_tensor *labels)
{
    tap_tensor u = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(n, 3));
    *images = tap_tensor_zeros(a, TAP_U8, TAP_SHAPE(n, SIDE, SIDE));
    *labels = tap_tensor_zeros(a, TAP_U8, TAP_SHAPE(n));
    tap_random_uniform(u, (tap_rng_key){ .seed = seed, .stream = (uint64_t)n });
    for (int64_t i = 0; i < n * SIDE * SIDE && images->data; i++) {
        const int64_t image = i / (SIDE * SIDE), kind = image % CLASSES, y = i / SIDE % SIDE, x = i % SIDE;
        const double *r = (const double *)u.data + 3 * image, turn = 0.628 * (double)kind;
        const double  far = hypot((double)x - 14 - 7 * cos(turn) - 2 * r[0], (double)y - 14 - 7 * sin(turn) - 2 * r[1]);
        ((uint8_t *)images->data)[i] = (uint8_t)(255 * fmin(fmax(3.5 + 2 * r[2] - far, 0), 1));
        ((uint8_t *)labels->data)[image] = (uint8_t)kind;
    }
}

bool find_images(options *o, tap_arena *a)
{
    char    dir[PATH_SIZE], path[PATH_SIZE];
    dataset found = { 0 };
    if (!o->data && !dataset_find(dir, NULL)) {
        make_discs(a, o->seed, o->quick ? 2000 : 10000, &o->train, &o->labels);
        make_discs(a, o->seed, SHOWN, &o->test, &o->labels);
        o->images = "made-up discs (no MNIST was found)";
        return arena_ok(a);
    }
    if (!dataset_load(&found, a, o->data)) return false;
    if (found.test.shape.n[0] < 2)
        return fail("%s: has one test image; the picture of codes, whose standard deviations are told, needs two", found.from);
    o->labels = tap_tensor_zeros(a, TAP_U8, TAP_SHAPE(found.test.shape.n[0]));
    tap_tensor_fill(o->labels, CLASSES); /* unknown */
    if (!arena_ok(a)) return false;
    if (dataset_file(path, found.from, "t10k", "labels", 1) &&
        !dataset_labels(&o->labels, a, found.from, "t10k", found.test.shape.n[0], CLASSES))
        return false;
    o->train = tap_tensor_slice(a, found.train, 0, 0, o->quick ? 2000 : TAP_END, 1);
    o->test = tap_tensor_slice(a, found.test, 0, 0, SHOWN, 1);
    o->images = found.name;
    return true;
}

/* Trains an autoencoder or a VAE and plots the codes of the test images. */
static bool show(const options *o, bool variational)
{
    const char     *title = variational ? "VAE, z drawn from q" : "autoencoder";
    tap_module     *root = tap_module_new(TAP_F32, o->seed);
    tap_tape       *t = tap_tape_new(TAP_F32, o->seed);
    tap_loader     *images = tap_loader_new(o->train, (tap_loader_options){ .batch = 100, .shuffle = true, .seed = o->seed });
    tap_loader     *shown = tap_loader_new(o->test, (tap_loader_options){ .batch = o->test.shape.n[0] });
    tap_autoencoder plain = { 0 };
    tap_vae         vae = { 0 };
    tap_tensor      rows;
    const tap_vae_options small = { .data = SIDE * SIDE, .hidden = { 200 }, .activation = tap_tanh, .latent = 2 };
    if (variational) tap_vae_init(&vae, root, small);
    else tap_autoencoder_init(&plain, root, (tap_autoencoder_options){ SIDE * SIDE, 1, { 200 }, tap_tanh, 2 });
    tap_optim *adam = tap_adam_new(root, (tap_adam_options){ .lr = 2e-3 });
    for (uint64_t epoch = 0; epoch < (o->quick ? 1 : 3); epoch++) {
        tap_loader_start(images, epoch);
        while (tap_loader_next(images, &rows)) {
            tap_tape_reset(t);
            tap_var x = tap_input(t, rows);
            tap_backward(variational ? tap_vae_loss(&vae, x) : tap_autoencoder_loss(&plain, x));
            tap_optim_step(adam, t);
        }
    }
    tap_tape_reset(t);
    tap_loader_next(shown, &rows);
    tap_var   x = tap_input(t, rows);
    tap_var   z = variational ? tap_sample(tap_vae_encode(&vae, x)) : tap_autoencoder_encode(&plain, x);
    estimate  z1 = estimate_of(tap_select(z, 1, 0)), z2 = estimate_of(tap_select(z, 1, 1));
    double    half = 3 * sqrt(fmax(z1.variance, z2.variance));
    plot_axes axes = { title, "z_1", "z_2", z1.mean - half, z1.mean + half, z2.mean - half, z2.mean + half, 0, 0 };
    plot_panel(axes);
    for (int k = 0; k <= CLASSES; k++)
        plot_group(tap_value(z), o->labels, k, k < CLASSES ? (char[]){ (char)('0' + k), 0 } : NULL);
    print_note("%-20s z_1 of mean %5.2f and standard deviation %5.2f, z_2 %5.2f and %5.2f", title, z1.mean, sqrt(z1.variance),
               z2.mean, sqrt(z2.variance));
    tap_loader_free(images);
    tap_loader_free(shown);
    bool ok = tape_end(t);
    ok = module_ok(root) && ok;
    tap_module_free(root);
    return ok;
}

bool check_codes(const options *o)
{
    plot_begin(PLOT_PNG, 2, 1);
    printf("\n1.2 An autoencoder and a VAE, two latent dimensions each, on %s\n", o->images);
    const bool ok = show(o, false) && show(o, true);
    print_note("p(z) has 0 and 1 of both: one can draw from the VAE's codes, and not from the autoencoder's");
    return plot_write(o->out, "codes.png") && ok;
}
