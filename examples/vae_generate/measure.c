/* examples/vae_generate/measure.c: evaluates the generated digits against real ones, using a classifier trained on real images:
 * its accuracy on the requested digits, and the Frechet distance between its features of generated and of real images. */
#include "vae_generate.h"

#include <stdio.h>

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
    tap_tensor from = tap_tensor_contiguous(a, tap_tensor_slice(a, s->test.images, 0, first, TAP_END, 2)), x;
    tap_tensor labels = tap_tensor_contiguous(a, tap_tensor_slice(a, s->test.labels, 0, first, TAP_END, 2));
    *p = (classifier_stats){ .features = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(from.shape.n[0], FEATURES)) };
    tap_loader *images = tap_loader_new(from, (tap_loader_options){ .batch = 500 });
    tap_tape   *t = tap_tape_new(TAP_F32, s->o.train.seed ^ tap_random_hash("measure"));
    tap_tape_set_recording(t, false);
    while (!interrupted() && tap_loader_next(images, &x)) {
        tap_tape_reset(t);
        const int64_t done = p->n[DIGITS], n = x.shape.n[0];
        tap_var       label = labels_of(t, labels, tap_loader_rows(images, &(int64_t){ 0 }), n);
        tap_var       image = drawn ? tap_vae_sample_given(&s->vae, one_hot(label)) : tap_input(t, x);
        tap_var       h = classifier_features(&s->reader, image), logits = tap_linear_forward(&s->reader.out, h);
        tap_tensor    right = tap_value(tap_eq(tap_argmax(logits, TAP_LAST), label));
        tap_tensor_copy(tap_tensor_slice(a, p->features, 0, done, done + n, 1), tap_value(h), tap_arena_error(a));
        for (int64_t i = 0; i < n && right.data; i++) {
            const int64_t digit = (int64_t)tap_tensor_item(tap_value(label), i), hit = tap_tensor_item(right, i) != 0;
            p->n[digit]++, p->n[DIGITS]++;
            p->right[digit] += hit, p->right[DIGITS] += hit;
        }
    }
    bool ok = loader_end(images);
    ok = tape_end(t) && ok;
    return arena_ok(a) && ok;
}

static void print(const classifier_stats *real, const classifier_stats *held_back, const classifier_stats *drawn)
{
    printf("the classifier reads %.2f %% of the test images right\n",
           100 * (double)(real->right[DIGITS] + held_back->right[DIGITS]) / (double)(real->n[DIGITS] + held_back->n[DIGITS]));
    printf("\nread as what they are meant to be, %%\ndigit     real  generated\n");
    for (int i = 0; i <= DIGITS; i++) {
        char name[8] = "all", a[16], b[16];
        if (i < DIGITS) snprintf(name, sizeof name, "%d", i);
        printf("%5s  %7s  %9s\n", name, share(a, held_back, i), share(b, drawn, i));
    }
    printf("Frechet distance to other real images: real %.2f, generated %.2f\n",
           tap_frechet_distance(real->features, held_back->features, NULL),
           tap_frechet_distance(real->features, drawn->features, NULL));
}

bool measure(const state *s)
{
    classifier_stats real, held_back, drawn;
    bool             whole = true;
    if (s->reader_missing && !classifier_train(s, &whole)) return false;
    /* One half of the test images is compared with the other, and with generated images with the labels of the other. */
    if (whole && !(classify(&real, s, 0, false) && classify(&held_back, s, 1, false) && classify(&drawn, s, 1, true)))
        return false;
    if (!whole || interrupted()) note("interrupted before the digits were measured");
    else print(&real, &held_back, &drawn);
    return true;
}
