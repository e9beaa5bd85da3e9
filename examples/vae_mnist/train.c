/* examples/vae_mnist/train.c: training and evaluation. Everything random depends on the seed alone. */
#include "vae_mnist.h"

#include <math.h>

typedef struct {
    const options *o;
    const tap_vae *vae;
    tap_arena     *arena; /* of the records */
    tap_tensor     test;
    tap_tape      *tape, *test_tape;
    tap_optim     *optim;
    tap_loader    *images, *test_images;
} trainer;

/* Over the images of a batch, in double: a mean over the data set should not depend on how float32 rounds. */
static double total(tap_var per_image)
{
    tap_tensor v   = tap_value(per_image);
    double     sum = 0;
    for (int64_t i = 0; i < tap_tensor_numel(v); i++) sum += tap_tensor_item(v, i);
    return sum;
}

/* The library has an error, or the numbers have run away. */
static bool check(const tap_tape *tape, const tap_loader *images, double value, const char *what, int64_t epoch)
{
    const char *message;
    if (tap_tape_status(tape, &message) || tap_loader_status(images, &message)) return fail("%s", message);
    if (isfinite(value)) return true;
    return fail("the %s is not a finite number in epoch %lld; a smaller --lr may help", what, (long long)epoch);
}

/* One step along the gradient of the mean over images of beta KL - rec. Returns the sum of their ELBOs. */
static double step(const trainer *t, tap_tensor x)
{
    tap_tape_reset(t->tape);
    tap_vae_terms terms = tap_vae_elbo(t->vae, tap_input(t->tape, x));
    tap_backward(tap_vae_loss_of(t->vae, terms));
    tap_optim_step(t->optim, t->tape);
    return total(terms.elbo);
}

/* Fills in what training says about an epoch. *whole is false if it was interrupted. */
static bool train_epoch(const trainer *t, int64_t epoch, int64_t n_images, record *r, bool *whole)
{
    double     start = now(), sum = 0;
    int64_t    seen = 0;
    tap_tensor x;
    tap_loader_start(t->images, (uint64_t)epoch);
    while (!interrupted() && tap_loader_next(t->images, &x)) {
        sum += step(t, x);
        seen += x.shape.n[0];
        if (!check(t->tape, t->images, sum, "training loss", epoch)) return false;
        bar_update(epoch, seen, sum / (double)seen);
    }
    r->epoch             = epoch;
    r->seconds           = now() - start;
    r->train_elbo        = sum / (double)seen;
    r->images_per_second = (double)seen / r->seconds;
    *whole               = seen == n_images;
    return check(t->tape, t->images, 0, "", epoch);
}

/* Means over the whole test set, with the same noise every time. */
static bool evaluate(const trainer *t, record *r)
{
    double     rec = 0, kl = 0;
    int64_t    n = 0;
    tap_tensor x;
    tap_loader_start(t->test_images, 0);
    tap_tape_set_step(t->test_tape, 0);
    while (tap_loader_next(t->test_images, &x)) {
        tap_tape_reset(t->test_tape);
        tap_vae_terms terms = tap_vae_elbo(t->vae, tap_input(t->test_tape, x));
        rec += total(terms.rec);
        kl += total(terms.kl);
        n += x.shape.n[0];
    }
    r->test = (score){ .elbo = (rec - kl) / (double)n, .rec = rec / (double)n, .kl = kl / (double)n };
    return check(t->test_tape, t->test_images, r->test.elbo, "test ELBO", r->epoch) &&
           latents_measure(&r->z, t->arena, t->vae, t->o, t->test);
}

static void print_epoch(const options *o, const record *r)
{
    bar_clear();
    if (o->quiet) return;
    if (r->epoch == 1) printf("\nepoch  train ELBO   test ELBO         rec        KL   images/s  seconds\n");
    printf("%5lld  %10.2f  %10.2f  %10.2f  %8.2f  %9.0f  %7.1f\n", (long long)r->epoch, r->train_elbo, r->test.elbo,
           r->test.rec, r->test.kl, r->images_per_second, r->seconds);
    fflush(stdout);
}

static bool run(const trainer *t, int64_t n_images, record *records, int64_t *n_records, record *last)
{
    bool whole = true;
    if (t->o->epochs == 0) return evaluate(t, last);
    bar_start(t->o->quiet, "epoch", "ELBO", t->o->epochs, n_images);
    for (int64_t epoch = 1; epoch <= t->o->epochs && !interrupted(); epoch++) {
        record r = { 0 };
        if (!train_epoch(t, epoch, n_images, &r, &whole)) return false;
        if (!whole) break;
        if (!evaluate(t, &r)) return false;
        *last = records[(*n_records)++] = r;
        print_epoch(t->o, &r);
        if (!metrics_write(t->o, *n_records, records, (evidence){ 0 })) return false;
    }
    bar_clear();
    return true;
}

bool train(tap_vae *vae, tap_module *root, const dataset *d, const options *o, tap_arena *a, record *records,
           int64_t *n_records, record *last)
{
    /* About the same memory for any number of samples. */
    int64_t            test_batch = o->model.samples < 500 ? 500 / o->model.samples : 1;
    tap_loader_options shuffled   = { .batch = o->batch, .shuffle = true, .seed = o->seed };

    trainer t = {
        .o           = o,
        .vae         = vae,
        .arena       = a,
        .test        = d->test,
        .tape        = tap_tape_new(TAP_F32, o->seed),
        .test_tape   = tap_tape_new(TAP_F32, o->seed ^ tap_random_hash("test")),
        .optim       = tap_adam(root, (tap_adam_options){ .lr = o->lr }),
        .images      = tap_loader_new(d->train, shuffled),
        .test_images = tap_loader_new(d->test, (tap_loader_options){ .batch = test_batch }),
    };
    tap_tape_set_recording(t.test_tape, false);
    bool ok = run(&t, d->train.shape.n[0], records, n_records, last);
    tap_loader_free(t.test_images);
    tap_loader_free(t.images);
    tap_tape_free(t.test_tape);
    tap_tape_free(t.tape);
    return ok;
}
