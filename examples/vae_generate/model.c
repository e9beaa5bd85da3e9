/* examples/vae_generate/model.c: trains the conditional VAE and saves it to model.safetensors, or loads a trained one. */
#include "vae_generate.h"

#include <stdio.h>

/* The loss function's context: the model and its data. */
typedef struct {
    const tap_vae *vae;
    const digits  *from;
} train_context;

static bool init(tap_vae *vae, tap_module *root, const options *o)
{
    tap_vae_init(vae, root,
                 (tap_vae_options){ .data = SIDE * SIDE,
                                    .image = { 1, SIDE, SIDE },
                                    .n_conv = 2,
                                    .conv = { 32, 64 },
                                    .n_hidden = 1,
                                    .hidden = { 256 },
                                    .latent = o->latent,
                                    .condition = DIGITS,
                                    .beta = o->beta > 0 ? o->beta : TAP_ZERO,
                                    .clip = 20 });
    return module_ok(root);
}

static tap_var loss(const void *net, tap_tape *t, batch *b)
{
    const train_context *p = net;
    const tap_tensor     labels = b->held_out ? p->from->test.labels : p->from->train.labels;
    return tap_vae_loss_given(p->vae, tap_input(t, b->x), one_hot(labels_of(t, labels, b->rows, b->n)));
}

static void introduce(const options *o, const digits *d, const tap_module *root)
{
    if (o->train.quiet) return;
    printf("%s from %s: %lld for training, %lld for testing\nconditional VAE, %lld parameters; %s\n", d->found.name,
           d->found.from, (long long)d->train.images.shape.n[0], (long long)d->test.images.shape.n[0],
           (long long)tap_module_numel(root), tap_config());
}

static bool train_model(tap_vae *vae, tap_module *root, options *o, const digits *d, int n, const out_file *files, bool *whole)
{
    if (!init(vae, root, o)) return false;
    introduce(o, d, root);
    const train_config config = { .options = o->train,
                                  .root = root,
                                  .net = &(train_context){ vae, d },
                                  .loss = loss,
                                  .data = d->train.images,
                                  .held_out = d->test.images,
                                  .n_results = n,
                                  .results = files };
    return train_and_save(config, d->found.name, o, whole);
}

static bool load(tap_vae *vae, tap_module *root, options *o)
{
    tap_arena *a = tap_arena_new();
    bool       ok = model_options(a, o->model, o, BUILDS) && init(vae, root, o) && model_load(root, o->model);
    tap_arena_free(a);
    return ok;
}

bool model_get(tap_vae *vae, tap_module *root, options *o, const digits *d, int n, const out_file *files, bool *whole)
{
    *whole = true;
    return o->model ? load(vae, root, o) && prepare_out(o->train.out, n, files) : train_model(vae, root, o, d, n, files, whole);
}
