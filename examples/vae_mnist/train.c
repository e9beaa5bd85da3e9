/* examples/vae_mnist/train.c: training and evaluation. Everything random depends on the seed alone. */
#include "vae_mnist.h"

#include <math.h>
#include <stdlib.h>

/* What training has come to within its epoch. */
typedef struct {
    double  sum, seconds;  /* of the ELBOs of the images seen; before the program was started */
    int64_t seen, skipped; /* images; steps that were left out */
} progress;

typedef struct {
    const options  *o;
    const tap_vae  *vae;
    tap_vae         test_vae; /* the same, for numbers without gradients */
    tap_module     *root;
    tap_arena      *arena; /* of the records */
    tap_tensor      test;
    int64_t         n_images; /* for training */
    tap_tape       *tape, *test_tape;
    tap_optim      *optim;
    tap_loader     *images, *test_images;
    tap_checkpoint *checkpoint;
    double          saved; /* when */
    progress        here;
    double         *rows; /* of records, for the checkpoint */
    int64_t         n_rows, epochs;
    bool            printed; /* an epoch */
} trainer;

/* Over the images of a batch, in double: a mean over the data set should not depend on how float32 rounds. */
static double total(tap_var per_image)
{
    tap_tensor v = tap_value(per_image);
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

/* The forward and the backward pass: the gradient of the mean over images of beta KL - rec. Returns the sum of their ELBOs. */
static double pass(const trainer *t, tap_tensor x)
{
    tap_vae_terms terms = tap_vae_elbo(t->vae, tap_input(t->tape, x));
    tap_backward(tap_vae_loss_from(t->vae, terms));
    return total(terms.elbo);
}

/* Goes through the step once more, with the same noise, and looks where the first number came up that is not finite. */
static bool explain(const trainer *t, tap_tensor x)
{
    const char    *message;
    const uint64_t step = tap_tape_step(t->tape);
    tap_module_zero_grad(t->root);
    tap_tape_reset(t->tape);
    tap_tape_set_step(t->tape, step);
    tap_tape_trace_nonfinite(t->tape, true);
    pass(t, x);
    if (tap_tape_status(t->tape, &message) == TAP_OK) message = "the loss or its gradient is not a finite number";
    return fail("epoch %llu, step %llu: %s; a smaller --lr may help", (unsigned long long)tap_loader_epoch(t->images),
                (unsigned long long)step, message);
}

/* One step. Of what is not finite nothing gets into the weights. */
static bool step(trainer *t, tap_tensor x)
{
    tap_tape_reset(t->tape);
    const double sum = pass(t, x);
    if (!check(t->tape, t->images, 0, "", 0)) return false;
    if (isfinite(sum) && tap_optim_finite(t->optim)) {
        tap_optim_step(t->optim, t->tape);
        t->here.sum += sum;
        t->here.seen += x.shape.n[0];
        return true;
    }
    if (!t->o->skip) return explain(t, x);
    tap_module_zero_grad(t->root);
    t->here.skipped++;
    return true;
}

/* Training does not end when there is no room for a checkpoint: there may be some again, and the one before is still there. */
static bool save(trainer *t)
{
    tap_error  e = { 0 };
    tap_status status = tap_checkpoint_save(t->checkpoint, &e);
    if (status != TAP_OK) note("no checkpoint: %s", e.message);
    t->saved = now();
    return status == TAP_OK;
}

/* Fills in what training says about the epoch, from where it stands. *whole is false if it was interrupted. */
static bool train_epoch(trainer *t, record *r, bool *whole)
{
    const int64_t epoch = (int64_t)tap_loader_epoch(t->images);
    const double  start = now() - t->here.seconds;
    tap_tensor    x;
    while ((*whole = !interrupted()) && tap_loader_next(t->images, &x)) {
        if (!step(t, x)) return false;
        t->here.seconds = now() - start;
        bar_update(epoch, t->here.seen, t->here.sum / (double)t->here.seen);
        if (now() - t->saved >= t->o->checkpoint_every) save(t);
    }
    if (*whole && t->here.seen == 0)
        return fail("epoch %lld: no step had finite numbers; a smaller --lr may help", (long long)epoch);
    *r = (record){
        .epoch = epoch,
        .skipped = t->here.skipped,
        .seconds = t->here.seconds,
        .train_elbo = t->here.sum / (double)t->here.seen,
        .images_per_second = (double)t->here.seen / t->here.seconds,
    };
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
        tap_vae_terms terms = tap_vae_elbo(&t->test_vae, tap_input(t->test_tape, x));
        rec += total(terms.rec);
        kl += total(terms.kl);
        n += x.shape.n[0];
    }
    r->test = (score){ .elbo = (rec - kl) / (double)n, .rec = rec / (double)n, .kl = kl / (double)n };
    return check(t->test_tape, t->test_images, r->test.elbo, "test ELBO", r->epoch) &&
           latents_measure(&r->z, t->arena, t->vae, t->o, t->test);
}

static void print_epoch(const options *o, const record *r, bool first)
{
    bar_clear();
    if (o->quiet) return;
    if (first) printf("\nepoch  train ELBO   test ELBO         rec        KL   images/s  seconds\n");
    printf("%5lld  %10.2f  %10.2f  %10.2f  %8.2f  %9.0f  %7.1f\n", (long long)r->epoch, r->train_elbo, r->test.elbo,
           r->test.rec, r->test.kl, r->images_per_second, r->seconds);
    fflush(stdout);
}

/* The next epoch, and a checkpoint of where it begins. */
static bool finish_epoch(trainer *t, const record *records, int64_t n)
{
    const record *r = &records[n - 1];
    record_store(t->rows + (n - 1) * record_columns(t->o->model.latent), r);
    t->n_rows = n;
    print_epoch(t->o, r, !t->printed);
    t->printed = true;
    if (r->skipped) note("epoch %lld: %lld steps skipped", (long long)r->epoch, (long long)r->skipped);
    if (!metrics_write(t->o, n, records, (evidence){ 0 })) return false;
    tap_loader_start(t->images, (uint64_t)r->epoch + 1);
    t->here = (progress){ 0 };
    save(t);
    return true;
}

static bool run(trainer *t, record *records, int64_t *n, record *last)
{
    const int64_t epochs = t->o->epochs;
    bool          whole = true;
    if (epochs == 0) return evaluate(t, last);
    const double epoch = (double)t->here.seen / (double)t->n_images;
    bar_start(t->o->quiet, "epoch", "ELBO", epochs, t->n_images, ((double)*n + epoch) / (double)epochs);
    while ((int64_t)tap_loader_epoch(t->images) <= epochs) {
        record r;
        if (!train_epoch(t, &r, &whole)) return false;
        if (!whole) return save(t);
        if (!evaluate(t, &r)) return false;
        *last = records[(*n)++] = r;
        if (!finish_epoch(t, records, *n)) return false;
    }
    bar_clear();
    return true;
}

static void declare(trainer *t)
{
    tap_checkpoint *c = t->checkpoint;
    const int64_t   columns = record_columns(t->o->model.latent);
    options_keep(t->o, c);
    tap_checkpoint_module(c, "model", t->root);
    tap_checkpoint_optim(c, "adam", t->optim);
    tap_checkpoint_tape(c, "noise", t->tape);
    tap_checkpoint_loader(c, "images", t->images);
    tap_checkpoint_loader(c, "test_images", t->test_images);
    tap_checkpoint_tensor(c, "epochs", tap_tensor_wrap(TAP_I64, TAP_SCALAR, &t->epochs));
    tap_checkpoint_tensor(c, "sums", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), &t->here.sum));
    tap_checkpoint_tensor(c, "counts", tap_tensor_wrap(TAP_I64, TAP_SHAPE(2), &t->here.seen));
    tap_checkpoint_table(c, "records", tap_tensor_wrap(TAP_F64, TAP_SHAPE(t->o->epochs, columns), t->rows), &t->n_rows);
}

/* Puts everything back to where the checkpoint stands. */
static bool resume(trainer *t, record *records, int64_t *n, record *last)
{
    tap_error                  e = { 0 };
    const tap_checkpoint_found run = tap_checkpoint_peek(t->checkpoint);
    if (!run.path) return true;
    if (!tap_checkpoint_resume(t->checkpoint, &e)) return fail("%s", e.message);
    const int64_t columns = record_columns(t->o->model.latent);
    for (; *n < t->n_rows; ++*n)
        if (!record_restore(&records[*n], t->rows + *n * columns, t->o->model.latent, t->arena)) return false;
    if (*n) *last = records[*n - 1];
    t->epochs = t->o->epochs;
    if (!t->o->quiet)
        printf("going on in epoch %llu, after %lld images of it\n", (unsigned long long)tap_loader_epoch(t->images),
               (long long)t->here.seen);
    return true;
}

bool train(tap_vae *vae, tap_module *root, const dataset *d, const options *o, tap_checkpoint *c, tap_arena *a, record *records,
           int64_t *n_records, record *last)
{
    /* About the same memory for any number of samples. */
    int64_t            test_batch = o->model.samples < 500 ? 500 / o->model.samples : 1;
    tap_loader_options shuffled = { .batch = o->batch, .shuffle = true, .seed = o->seed };
    const int64_t      rest = d->train.shape.n[0] % o->batch;
    if (o->model.estimator == TAP_SCORE_BASELINE && rest == 1)
        return fail("--batch %lld: the last batch of %lld images has one, and --estimator score-baseline needs two",
                    (long long)o->batch, (long long)d->train.shape.n[0]);

    /* clang-format off */
    trainer t = {
        .o           = o,
        .vae         = vae,
        .test_vae    = *vae,
        .root        = root,
        .arena       = a,
        .test        = d->test,
        .n_images    = d->train.shape.n[0],
        .tape        = tap_tape_new(TAP_F32, o->seed),
        .test_tape   = tap_tape_new(TAP_F32, o->seed ^ tap_random_hash("test")),
        .optim       = tap_adam_new(root, (tap_adam_options){ .lr = o->lr }),
        .images      = tap_loader_new(d->train, shuffled),
        .test_images = tap_loader_new(d->test, (tap_loader_options){ .batch = test_batch }),
        .checkpoint  = c,
        .saved       = now(),
        .rows        = calloc((size_t)(o->epochs ? o->epochs : 1), (size_t)record_columns(o->model.latent) * sizeof(double)),
        .epochs      = o->epochs,
    };
    /* clang-format on */
    /* The baseline, which is for gradients, is a mean over other images; a batch may have none. */
    if (o->model.estimator == TAP_SCORE_BASELINE) t.test_vae.options.estimator = TAP_SCORE;
    tap_tape_set_recording(t.test_tape, false);
    tap_loader_start(t.images, 1);
    bool ok = t.rows || fail("out of memory");
    if (ok) declare(&t);
    ok = ok && (!o->resume || resume(&t, records, n_records, last)) && run(&t, records, n_records, last);
    free(t.rows);
    tap_loader_free(t.test_images);
    tap_loader_free(t.images);
    tap_tape_free(t.test_tape);
    tap_tape_free(t.tape);
    return ok;
}
