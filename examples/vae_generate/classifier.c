/* examples/vae_generate/classifier.c: trains or loads a small convolutional network that classifies the generated digits. */
#include "vae_generate.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

tap_var classifier_features(const classifier *c, tap_var x)
{
    const int64_t n = tap_shape_of(x).n[0];
    tap_var       h = tap_reshape(x, TAP_SHAPE(n, 1, SIDE, SIDE));
    for (int i = 0; i < 2; i++) h = tap_relu(tap_conv_forward(&c->conv[i], h));
    return tap_relu(tap_linear_forward(&c->hidden, tap_reshape(h, TAP_SHAPE(n, -1))));
}

static tap_var loss(const void *net, tap_tape *t, batch *b)
{
    const state *s = net;
    tap_var      logits = tap_linear_forward(&s->reader.out, classifier_features(&s->reader, tap_input(t, b->x)));
    tap_var      label = labels_of(t, b->held_out ? s->test.labels : s->train.labels, b->rows, b->n);
    return tap_cross_entropy(logits, label, (tap_var){ 0 }, TAP_NO_INDEX, TAP_REDUCE_MEAN, 0);
}

/* Loads the classifier; fails if it was trained on other data. */
static bool load(const state *s)
{
    const tap_safetensors file = tap_safetensors_read(s->arena, s->reader_file);
    if (!arena_ok(s->arena)) return false;
    const char *learned = tap_safetensors_metadata(&file, "classifier of");
    if (!learned) return fail("%s: is no classifier that this program has written", s->reader_file);
    if (strcmp(learned, s->reader_data)) return fail("%s: has learned %s, not %s", s->reader_file, learned, s->reader_data);
    return model_load(s->reader_root, s->reader_file);
}

bool classifier_find(state *s)
{
    const tap_conv_options halving = { .stride = { 2, 2 }, .padding = { 1, 1 } };
    const char            *given = s->o.classifier;
    tap_conv_init(&s->reader.conv[0], s->reader_root, "conv1", 1, 32, 4, halving);
    tap_conv_init(&s->reader.conv[1], s->reader_root, "conv2", 32, 64, 4, halving);
    tap_linear_init(&s->reader.hidden, s->reader_root, "hidden", 64 * (SIDE / 4) * (SIDE / 4), FEATURES);
    tap_linear_init(&s->reader.out, s->reader_root, "out", FEATURES, DIGITS);
    snprintf(s->reader_data, sizeof s->reader_data, "%lld %s", (long long)s->train.images.shape.n[0], s->found.name);
    join(s->reader_file, given ? given : s->o.train.out, given ? "" : "classifier.safetensors");
    s->reader_missing = !given && access(s->reader_file, F_OK) != 0;
    return module_ok(s->reader_root) && (s->reader_missing || load(s));
}

bool classifier_train(const state *s, bool *whole)
{
    const bool quiet = s->o.train.quiet;
    tap_error  e = { 0 };
    if (!quiet) printf("\na classifier learns to read the digits\n");
    train_config config = { .root = s->reader_root, .net = s, .loss = loss };
    config.options = (train_options){ .epochs = 6, .batch = 64, .lr = 1e-3, .checkpoint_every = 1e9, .quiet = quiet };
    config.data = s->train.images, config.held_out = s->test.images;
    if (!train(&config, whole)) return false;
    if (!*whole) return true;
    const tap_metadata of = { "classifier of", s->reader_data };
    return !tap_module_save(s->reader_root, s->reader_file, 1, &of, &e) || fail("%s", e.message);
}
