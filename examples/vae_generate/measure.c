/* examples/vae_generate/measure.c: evaluates the generated digits against real ones, using a classifier trained on real images:
 * its accuracy on the requested digits, and the Frechet distance between its features of generated and of real images. */
#include "vae_generate.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FEATURES = 128 };

/* The last hidden layer: [n,784] -> [n,FEATURES]. */
static tap_var features(const state *s, tap_var x)
{
    const int64_t n = tap_shape_of(x).n[0];
    tap_var       h = tap_reshape(x, TAP_SHAPE(n, 1, SIDE, SIDE));
    for (int i = 0; i < 2; i++) h = tap_relu(tap_conv_forward(&s->reader_conv[i], h));
    return tap_relu(tap_linear_forward(&s->reader_hidden, tap_reshape(h, TAP_SHAPE(n, -1))));
}

static tap_var loss(const void *net, tap_tape *t, batch *b)
{
    const state *s = net;
    tap_var      logits = tap_linear_forward(&s->reader_out, features(s, tap_input(t, b->x)));
    tap_var      label = rows_of(t, b->held_out ? s->test_labels : s->train_labels, b->rows, b->n);
    return tap_cross_entropy(logits, label, (tap_var){ 0 }, TAP_NO_INDEX, TAP_REDUCE_MEAN, 0);
}

bool classifier_find(state *s)
{
    const tap_conv_options halving = { .stride = { 2, 2 }, .padding = { 1, 1 } };
    const char            *given = s->o.classifier;
    tap_conv_init(&s->reader_conv[0], s->reader_root, "conv1", 1, 32, 4, halving);
    tap_conv_init(&s->reader_conv[1], s->reader_root, "conv2", 32, 64, 4, halving);
    tap_linear_init(&s->reader_hidden, s->reader_root, "hidden", 64 * (SIDE / 4) * (SIDE / 4), FEATURES);
    tap_linear_init(&s->reader_out, s->reader_root, "out", FEATURES, DIGITS);
    snprintf(s->reader_data, sizeof s->reader_data, "%lld %s", (long long)s->found.train.shape.n[0], s->found.name);
    join(s->reader_file, given ? given : s->o.train.out, given ? "" : "classifier.safetensors");
    s->reader_missing = !given && access(s->reader_file, F_OK) != 0;
    if (s->reader_missing) return true;
    const tap_safetensors file = tap_safetensors_read(s->arena, s->reader_file);
    if (!arena_ok(s->arena)) return false;
    const char *learned = tap_safetensors_metadata(&file, "classifier of");
    if (!learned) return fail("%s: is no classifier that this program has written", s->reader_file);
    if (strcmp(learned, s->reader_data)) return fail("%s: has learned %s, not %s", s->reader_file, learned, s->reader_data);
    return model_load(s->reader_root, s->reader_file);
}

/* Trains the classifier and saves it in out. */
static bool train_classifier(const state *s)
{
    const bool quiet = s->o.train.quiet;
    tap_error  e = { 0 };
    if (!quiet) printf("\na classifier learns to read the digits\n");
    const train_options o = { .epochs = 6, .batch = 64, .lr = 1e-3, .checkpoint_every = 1e9, .quiet = quiet };
    const train_config  config = { o, s->reader_root, s, loss, s->found.train, s->found.test, .checkpoint = NULL };
    if (!train(&config)) return false;
    const tap_metadata of = { "classifier of", s->reader_data };
    return !tap_module_save(s->reader_root, s->reader_file, 1, &of, &e) || fail("%s", e.message);
}

/* The classifier's results on a set of images. */
typedef struct {
    int64_t    n[DIGITS + 1], right[DIGITS + 1]; /* by digit; the last entry is the total */
    tap_tensor features;                         /* float64 [images,FEATURES] */
} classifier_stats;

/* The accuracy in percent; "-" if there are no such images. */
static const char *share(char text[16], const classifier_stats *p, int digit)
{
    if (!p->n[digit]) return "-";
    snprintf(text, 16, "%.2f", 100 * (double)p->right[digit] / (double)p->n[digit]);
    return text;
}

/* Classifies every second image, beginning with index `first`, or, if `drawn`, as many samples of the model with the same
 * labels. */
static bool classify(classifier_stats *p, const state *s, int64_t first, bool drawn)
{
    tap_arena *a = s->arena;
    tap_tensor from = tap_tensor_contiguous(a, tap_tensor_slice(a, s->found.test, 0, first, TAP_END, 2));
    tap_tensor labels = tap_tensor_contiguous(a, tap_tensor_slice(a, s->test_labels, 0, first, TAP_END, 2));
    *p = (classifier_stats){ .features = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(from.shape.n[0], FEATURES)) };
    pass images = pass_begin(from, 500, s->o.train.seed ^ tap_random_hash("measure"));
    while (!interrupted() && pass_next(&images)) {
        const batch *b = &images.b;
        tap_var      label = rows_of(images.tape, labels, b->rows, b->n);
        tap_var      image = drawn ? tap_vae_sample_given(&s->vae, one_hot(label)) : tap_input(images.tape, b->x);
        tap_var      h = features(s, image), logits = tap_linear_forward(&s->reader_out, h);
        tap_tensor   right = tap_value(tap_eq(tap_argmax(logits, TAP_LAST), label));
        tap_tensor_copy(tap_tensor_slice(a, p->features, 0, images.done - b->n, images.done, 1), tap_value(h),
                        tap_arena_error(a));
        for (int64_t i = 0; i < b->n && right.data; i++) {
            const int64_t digit = (int64_t)tap_tensor_item(tap_value(label), i), hit = tap_tensor_item(right, i) != 0;
            p->n[digit]++, p->n[DIGITS]++;
            p->right[digit] += hit, p->right[DIGITS] += hit;
        }
    }
    return pass_end(&images) && arena_ok(a);
}

/* Compares one half of the test images with the other half, and with generated images with the labels of the other half. */
bool measure(const state *s)
{
    classifier_stats real, held_back, drawn;
    const bool       ok = (!s->reader_missing || train_classifier(s)) && classify(&real, s, 0, false) &&
                    classify(&held_back, s, 1, false) && classify(&drawn, s, 1, true);
    if (interrupted()) note("interrupted before the digits were measured");
    if (!ok || interrupted()) return ok;
    printf("the classifier reads %.2f %% of the test images right\n",
           100 * (double)(real.right[DIGITS] + held_back.right[DIGITS]) / (double)(real.n[DIGITS] + held_back.n[DIGITS]));
    printf("\nread as what they are meant to be, %%\ndigit     real  generated\n");
    for (int i = 0; i <= DIGITS; i++) {
        char name[16] = "all", a[16], b[16];
        if (i < DIGITS) snprintf(name, sizeof name, "%d", i);
        printf("%5s  %7s  %9s\n", name, share(a, &held_back, i), share(b, &drawn, i));
    }
    printf("Frechet distance to other real images: real %.2f, generated %.2f\n",
           tap_frechet_distance(real.features, held_back.features, NULL),
           tap_frechet_distance(real.features, drawn.features, NULL));
    return true;
}
