/* examples/vae_mnist/train.c: trains the VAE and evaluates it on the test images after each epoch. */
#include "vae_mnist.h"

#include <math.h>

typedef struct {
    run        *r;
    tap_vae     test_vae; /* the model with options adapted to evaluation */
    tap_tape   *test_tape;
    tap_loader *test_images;
    int64_t     epochs;  /* a copy for the checkpoint */
    bool        printed; /* whether the table's header was printed */
} context;

/* The loss: the mean over images of beta KL - rec, or of the negative bound. Reports the ELBO. */
static tap_var loss(const void *net, tap_tape *t, batch *b)
{
    const tap_vae      *vae = net;
    const tap_vae_terms terms = tap_vae_elbo(vae, tap_input(t, b->x));
    b->per_row = terms.elbo;
    return tap_vae_loss_from(vae, terms);
}

/* Computes means over the whole test set, with the same noise in each call. */
static bool evaluate(const context *c, record *e)
{
    const char  *message;
    const double n = (double)c->r->data->test.shape.n[0];
    double       rec = 0, kl = 0;
    tap_tensor   x;
    tap_loader_start(c->test_images, 0);
    tap_tape_set_step(c->test_tape, 0);
    while (tap_loader_next(c->test_images, &x)) {
        tap_tape_reset(c->test_tape);
        const tap_vae_terms terms = tap_vae_elbo(&c->test_vae, tap_input(c->test_tape, x));
        rec += total(terms.rec);
        kl += total(terms.kl);
    }
    e->test_elbo = (rec - kl) / n;
    e->test_rec = rec / n;
    e->test_kl = kl / n;
    if (tap_tape_status(c->test_tape, &message) || tap_loader_status(c->test_images, &message)) return fail("%s", message);
    if (!isfinite(e->test_elbo))
        return fail("the test ELBO is not a finite number in epoch %.0f; a smaller --lr may help", e->epoch);
    const run *r = c->r;
    return measure_latents(e->latents, e->latents + r->o->model.latent, r->vae, r->data->test, r->o->train.seed);
}

static void print_epoch(context *c, const record *e)
{
    bar_clear();
    if (!c->r->o->train.quiet) {
        if (!c->printed) printf("\nepoch  train ELBO   test ELBO         rec        KL   images/s  seconds\n");
        printf("%5.0f  %10.2f  %10.2f  %10.2f  %8.2f  %9.0f  %7.1f\n", e->epoch, e->train_elbo, e->test_elbo, e->test_rec,
               e->test_kl, e->images_per_second, e->seconds);
        fflush(stdout);
    }
    c->printed = true;
    if (e->skipped > 0) note("epoch %.0f: %.0f steps skipped", e->epoch, e->skipped);
}

static bool end_epoch(void *ctx, int64_t epoch, const progress *p)
{
    context *c = ctx;
    record  *e = record_at(c->r, c->r->n_records);
    e->epoch = (double)epoch;
    e->skipped = (double)p->skipped;
    e->seconds = p->seconds;
    e->train_elbo = p->sum / (double)p->rows;
    e->images_per_second = (double)p->rows / p->seconds;
    if (!evaluate(c, e)) return false;
    c->r->n_records++;
    print_epoch(c, e);
    return metrics_write(c->r, (log_likelihood){ 0 });
}

static void declare(void *ctx, tap_checkpoint *c, progress *p)
{
    context        *t = ctx;
    const tap_shape shape = TAP_SHAPE(t->epochs, record_columns(t->r->o));
    tap_checkpoint_loader(c, "test_images", t->test_images);
    tap_checkpoint_tensor(c, "epochs", tap_tensor_wrap(TAP_I64, TAP_SCALAR, &t->epochs));
    tap_checkpoint_tensor(c, "sums", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), &p->sum));
    tap_checkpoint_tensor(c, "counts", tap_tensor_wrap(TAP_I64, TAP_SHAPE(2), &p->rows));
    tap_checkpoint_table(c, "records", tap_tensor_wrap(TAP_F64, shape, t->r->records), &t->r->n_records);
}

static bool resumed(void *ctx, int64_t epoch, const progress *p)
{
    context       *c = ctx;
    const options *o = c->r->o;
    c->epochs = o->train.epochs; /* may exceed the checkpoint's number */
    if (!o->train.quiet) printf("resuming in epoch %lld, after %lld images of it\n", (long long)epoch, (long long)p->rows);
    return true;
}

static bool run_training(context *c, bool *whole)
{
    const run         *r = c->r;
    const options     *o = r->o;
    const double       epochs = (double)o->train.epochs + 1;
    const out_file     files[] = { { "metrics.jsonl", epochs * (200 + 20 * (double)o->model.latent) },
                                   { "timing.jsonl", epochs * 100 },
                                   { "training.svg", 1e5 + 200 * epochs },
                                   { "reconstructions.png", PICTURE_BYTES },
                                   { "samples.png", PICTURE_BYTES },
                                   { "interpolation.png", PICTURE_BYTES },
                                   { "manifold.png", PICTURE_BYTES } };
    const train_config config = { .options = o->train,
                                  .root = r->root,
                                  .net = r->vae,
                                  .loss = loss,
                                  .data = r->data->train,
                                  .checkpoint = r->checkpoint,
                                  .n_results = (int)(sizeof files / sizeof *files) - (o->model.latent != 2),
                                  .results = files,
                                  .constant_lr = true,
                                  .skip_nonfinite = o->skip_nonfinite != 0,
                                  .data_name = "images",
                                  .reported = "ELBO",
                                  .checkpoint_bytes = 8 * epochs * (double)record_columns(o),
                                  .ctx = c,
                                  .declare = declare,
                                  .resumed = resumed,
                                  .end_epoch = end_epoch };
    return run_prepare(&config) && train(&config, whole) && (o->train.epochs > 0 || evaluate(c, record_at(r, 0)));
}

bool train_vae(run *r, bool *whole)
{
    const options *o = r->o;
    /* Keeps memory use roughly independent of the number of samples. */
    const int64_t samples = o->model.samples, test_batch = samples < 500 ? 500 / samples : 1;
    const int64_t images = r->data->train.shape.n[0], batch_size = o->train.batch;
    if (o->model.estimator == TAP_SCORE_BASELINE && images % batch_size == 1)
        return fail("--batch %lld: the last batch of %lld images has one, and --estimator score-baseline needs two",
                    (long long)batch_size, (long long)images);
    context c = {
        .r = r,
        .test_vae = *r->vae,
        .test_tape = tap_tape_new(TAP_F32, o->train.seed ^ tap_random_hash("test")),
        .test_images = tap_loader_new(r->data->test, (tap_loader_options){ .batch = test_batch }),
        .epochs = o->train.epochs,
    };
    /* The baseline needs other images, which a test batch may lack. It affects gradients only. */
    if (o->model.estimator == TAP_SCORE_BASELINE) c.test_vae.options.estimator = TAP_SCORE;
    tap_tape_set_recording(c.test_tape, false);
    options_save(r->checkpoint, o);
    const bool ok = run_training(&c, whole);
    tap_loader_free(c.test_images);
    tap_tape_free(c.test_tape);
    return ok;
}
