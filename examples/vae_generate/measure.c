/* examples/vae_generate/measure.c: evaluates the generated digits against real ones, using a classifier trained on real images:
 * its accuracy on the requested digits, and the Frechet distance between its features of generated and of real images. */
#include "vae_generate.h"

#include <stdio.h>

/* The classifier's results on a set of images. */
typedef struct {
    int64_t    n[DIGITS + 1], right[DIGITS + 1]; /* by digit; the last entry is the total */
    tap_tensor features;                         /* float64 [images,FEATURES] */
} classifier_stats;

static void count(classifier_stats *p, int64_t digit, bool right)
{
    p->n[digit]++, p->n[DIGITS]++;
    p->right[digit] += right, p->right[DIGITS] += right;
}

/* The accuracy in percent; "-" if there are no such images. */
static const char *share(char text[16], const classifier_stats *p, int digit)
{
    if (!p->n[digit]) return "-";
    snprintf(text, 16, "%.2f", 100 * (double)p->right[digit] / (double)p->n[digit]);
    return text;
}

/* Classifies the images or, if a model is given, as many samples of it with the same labels. */
static bool classify(classifier_stats *p, tap_arena *a, const options *o, const classifier *c, const tap_vae *vae,
                     labelled from)
{
    tap_loader *images = tap_loader_new(from.images, (tap_loader_options){ .batch = 500 });
    tap_tape   *t = tap_tape_new(TAP_F32, o->train.seed ^ tap_random_hash("measure"));
    tap_tensor  x;
    *p = (classifier_stats){ .features = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(from.images.shape.n[0], FEATURES)) };
    tap_tape_set_recording(t, false);
    while (!interrupted() && tap_loader_next(images, &x)) {
        tap_tape_reset(t);
        const int64_t done = p->n[DIGITS], n = x.shape.n[0];
        tap_var       label = labels_of(t, from.labels, tap_loader_rows(images, &(int64_t){ 0 }), n);
        tap_var       h = classifier_features(c, vae ? tap_vae_sample_given(vae, one_hot(label)) : tap_input(t, x));
        tap_tensor    right = tap_value(tap_eq(tap_argmax(tap_linear_forward(&c->out, h), TAP_LAST), label));
        tap_tensor_copy(tap_tensor_slice(a, p->features, 0, done, done + n, 1), tap_value(h), tap_arena_error(a));
        for (int64_t i = 0; i < n && right.data; i++)
            count(p, (int64_t)tap_tensor_item(tap_value(label), i), tap_tensor_item(right, i) != 0);
    }
    bool ok = loader_end(images);
    ok = tape_end(t) && ok;
    return arena_ok(a) && ok;
}

/* Every second image, beginning with index `first`. */
static labelled half(tap_arena *a, labelled all, int64_t first)
{
    return (labelled){ tap_tensor_contiguous(a, tap_tensor_slice(a, all.images, 0, first, TAP_END, 2)),
                       tap_tensor_contiguous(a, tap_tensor_slice(a, all.labels, 0, first, TAP_END, 2)) };
}

static void print(const classifier_stats *real, const classifier_stats *held_back, const classifier_stats *drawn)
{
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

/* Compares one half of the test images with the other half, and with generated images with the labels of the other half. */
static bool compare(const options *o, const classifier *c, const tap_vae *vae, const digits *d)
{
    tap_arena       *a = tap_arena_new();
    const labelled   first = half(a, d->test, 0), second = half(a, d->test, 1);
    classifier_stats real, held_back, drawn;
    bool             ok = classify(&real, a, o, c, NULL, first) && classify(&held_back, a, o, c, NULL, second) &&
              classify(&drawn, a, o, c, vae, second);
    if (ok && !interrupted()) {
        printf("the classifier reads %.2f %% of the test images right\n",
               100 * (double)(real.right[DIGITS] + held_back.right[DIGITS]) / (double)(real.n[DIGITS] + held_back.n[DIGITS]));
        print(&real, &held_back, &drawn);
    }
    tap_arena_free(a);
    return ok;
}

bool measure(const options *o, const tap_vae *vae, const digits *d, const classifier *c, tap_module *root, bool known)
{
    const bool ok = (known || classifier_train(c, root, o, d)) && compare(o, c, vae, d);
    if (interrupted()) note("interrupted before the digits were measured");
    return ok;
}
