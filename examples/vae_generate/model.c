/* examples/vae_generate/model.c: trains the conditional VAE and saves it to model.safetensors, or loads a trained one. */
#include "vae_generate.h"

#include <stdio.h>

tap_var labels_of(tap_tape *t, tap_tensor labels, const int64_t *rows, int64_t n)
{
    tap_var index = tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(n), (void *)rows));
    return tap_index_select(tap_input(t, labels), 0, index);
}

tap_var one_hot(tap_var label)
{
    return tap_cast(tap_one_hot(label, DIGITS), TAP_F32);
}

static bool init(state *s)
{
    tap_vae_options v = { .data = SIDE * SIDE, .image = { 1, SIDE, SIDE }, .n_conv = 2, .conv = { 32, 64 } };
    v.n_hidden = 1, v.hidden[0] = 256, v.latent = s->o.latent, v.condition = DIGITS;
    v.beta = s->o.beta > 0 ? s->o.beta : TAP_ZERO, v.clip = 20;
    tap_vae_init(&s->vae, s->root, v);
    return module_ok(s->root);
}

static tap_var loss(const void *net, tap_tape *t, batch *b)
{
    const state     *s = net;
    const tap_tensor labels = b->held_out ? s->test.labels : s->train.labels;
    return tap_vae_loss_given(&s->vae, tap_input(t, b->x), one_hot(labels_of(t, labels, b->rows, b->n)));
}

bool model_get(state *s, int n, const out_file *files, bool *whole)
{
    options *o = &s->o;
    argument table[OPTIONS + 1];
    options_table(table, o);
    *whole = true;
    if (o->model)
        return model_options(s->arena, o->model, table, 1) && init(s) && model_load(s->root, o->model) &&
               prepare_out(o->train.out, n, files);
    if (!init(s)) return false;
    if (!o->train.quiet)
        printf("%s from %s: %lld for training, %lld for testing\nconditional VAE, %lld parameters; %s\n", s->found.name,
               s->found.from, (long long)s->train.images.shape.n[0], (long long)s->test.images.shape.n[0],
               (long long)tap_module_numel(s->root), tap_config());
    train_config config = { .options = o->train, .root = s->root, .net = s, .loss = loss, .n_results = n, .results = files };
    config.data = s->train.images, config.held_out = s->test.images;
    return train_and_save(config, s->found.name, table, MODEL_OPTIONS, whole);
}
