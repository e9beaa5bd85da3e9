/* examples/vae_compress/model.c: trains the model of the images on MNIST, or reads it from a file. */
#include "vae_compress.h"

#include <stdio.h>

enum { HELD_OUT = 12 }; /* the last 1/HELD_OUT of the images is held out */

static bool init(tap_vae *vae, tap_module *root, const options *o)
{
    tap_vae_init(vae, root,
                 (tap_vae_options){ .data = SIDE * SIDE,
                                    .hidden = { o->hidden },
                                    .latent = o->latent,
                                    .likelihood = o->binary ? TAP_VAE_BERNOULLI : TAP_VAE_BETA_BINOMIAL });
    return module_ok(root);
}

/* Converts pixels in [0,1] back to bytes or, for a Bernoulli likelihood, binarizes them with fresh noise in each call. */
static tap_var loss(const void *net, tap_tape *t, batch *b)
{
    const tap_vae *vae = net;
    tap_var        x = tap_input(t, b->x);
    if (vae->options.likelihood == TAP_VAE_BERNOULLI) x = tap_cast(tap_lt(tap_rand(t, tap_shape_of(x)), x), TAP_F32);
    else x = tap_round(tap_mul_scalar(x, 255));
    return tap_vae_loss(vae, x);
}

bool model_promise(const tap_vae *vae, tap_tensor images, double *nats)
{
    return held_out_loss(&(train_config){ .net = vae, .loss = loss, .held_out = images }, nats);
}

static bool train_from(const dataset *d, tap_arena *a, tap_module *root, options *o)
{
    tap_vae            vae;
    const int64_t      n = d->train.shape.n[0], end = n - n / HELD_OUT;
    bool               whole = true;
    const train_config config = { .options = o->train,
                                  .root = root,
                                  .net = &vae,
                                  .loss = loss,
                                  .data = tap_tensor_slice(a, d->train, 0, 0, end, 1),
                                  .held_out = end < n ? tap_tensor_slice(a, d->train, 0, end, n, 1) : (tap_tensor){ 0 } };
    if (!init(&vae, root, o)) return false;
    if (!o->train.quiet)
        printf("%s from %s: %lld for training, %lld held out\n%s VAE, %lld parameters; %s\n", d->name, d->from, (long long)end,
               (long long)(n - end), o->binary ? "Bernoulli" : "beta-binomial", (long long)tap_module_numel(root),
               tap_config());
    return train_and_save(config, d->name, o, &whole);
}

bool train_on_mnist(options *o)
{
    tap_arena  *a = tap_arena_new();
    tap_module *root = tap_module_new(TAP_F32, o->train.seed);
    dataset     d;
    bool        ok = dataset_load(&d, a, o->data) && train_from(&d, a, root, o);
    tap_module_free(root);
    tap_arena_free(a);
    return ok;
}

bool model_read(tap_vae *vae, tap_module *root, options *o, bool binary)
{
    tap_arena  *a = tap_arena_new();
    const char *path = o->model ? o->model
                       : binary ? "out/vae_compress/binary/model.safetensors"
                                : "out/vae_compress/grey/model.safetensors";
    bool        ok = model_options(a, path, o, BUILDS) && init(vae, root, o) && model_load(root, path);
    tap_arena_free(a);
    return ok;
}
