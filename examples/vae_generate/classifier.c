/* examples/vae_generate/classifier.c: trains or loads a small convolutional network that classifies the generated digits. */
#include "vae_generate.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EPOCHS = 6, BATCH = 64 };

typedef struct {
    const classifier *net;
    const digits     *from;
} train_context;

static bool init(classifier *c, tap_module *m)
{
    const tap_conv_options halving = { .stride = { 2, 2 }, .padding = { 1, 1 } };
    tap_conv_init(&c->conv[0], m, "conv1", 1, 32, 4, halving);
    tap_conv_init(&c->conv[1], m, "conv2", 32, 64, 4, halving);
    tap_linear_init(&c->hidden, m, "hidden", 64 * (SIDE / 4) * (SIDE / 4), FEATURES);
    tap_linear_init(&c->out, m, "out", FEATURES, DIGITS);
    return module_ok(m);
}

tap_var classifier_features(const classifier *c, tap_var x)
{
    const int64_t n = tap_shape_of(x).n[0];
    tap_var       h = tap_reshape(x, TAP_SHAPE(n, 1, SIDE, SIDE));
    for (int i = 0; i < 2; i++) h = tap_relu(tap_conv_forward(&c->conv[i], h));
    return tap_relu(tap_linear_forward(&c->hidden, tap_reshape(h, TAP_SHAPE(n, -1))));
}

static tap_var loss(const void *net, tap_tape *t, batch *b)
{
    const train_context *p = net;
    tap_var              logits = tap_linear_forward(&p->net->out, classifier_features(p->net, tap_input(t, b->x)));
    tap_var              label = labels_of(t, b->held_out ? p->from->test.labels : p->from->train.labels, b->rows, b->n);
    return tap_cross_entropy(logits, label, (tap_var){ 0 }, TAP_NO_INDEX, TAP_REDUCE_MEAN, 0);
}

/* Loads a classifier; fails if it was trained on other data. */
static bool take(tap_module *root, const char *path, const char *data)
{
    tap_arena            *a = tap_arena_new();
    const char           *learned = NULL;
    const tap_safetensors file = tap_safetensors_read(a, path);
    bool                  ok = arena_ok(a);
    if (ok) {
        learned = tap_safetensors_metadata(&file, "classifier of");
        if (!learned) ok = fail("%s: is no classifier that this program has written", path);
        else if (strcmp(learned, data)) ok = fail("%s: has learned %s, not %s", path, learned, data);
    }
    tap_arena_free(a);
    return ok && model_load(root, path);
}

static void data_name(char text[64], const digits *d)
{
    snprintf(text, 64, "%lld %s", (long long)d->train.images.shape.n[0], d->found.name);
}

bool classifier_find(classifier *c, tap_module *root, const options *o, const digits *d, bool *known)
{
    char path[PATH_SIZE], data[64];
    data_name(data, d);
    if (o->classifier) join(path, o->classifier, "");
    else join(path, o->train.out, "classifier.safetensors");
    *known = o->classifier || access(path, F_OK) == 0;
    return init(c, root) && (!*known || take(root, path, data));
}

bool classifier_train(const classifier *c, tap_module *root, const options *o, const digits *d)
{
    char      path[PATH_SIZE], data[64];
    tap_error e = { 0 };
    data_name(data, d);
    join(path, o->train.out, "classifier.safetensors");
    if (!o->train.quiet) printf("\na classifier learns to read the digits\n");
    const train_options train_o = {
        .epochs = EPOCHS, .batch = BATCH, .lr = 1e-3, .checkpoint_every = 1e9, .quiet = o->train.quiet
    };
    /* clang-format off */
    const train_config config = { .options = train_o,
                         .root = root,
                         .net = &(train_context){ c, d },
                         .loss = loss,
                         .data = d->train.images,
                         .held_out = d->test.images };
    /* clang-format on */
    if (!train(&config)) return false;
    return !tap_module_save(root, path, 1, &(tap_metadata){ "classifier of", data }, &e) || fail("%s", e.message);
}
