/* examples/vae_mnist/main.c: trains a variational autoencoder on images of digits, evaluates it on the test images after each
 * epoch, and writes results at the end. */
#include "vae_mnist.h"

#include <stdio.h>
#include <string.h>

const char *const program = "vae_mnist";

#define LIKELIHOODS "bernoulli or gaussian"
#define ESTIMATORS  "reparameterized, stl, dreg, score, score-baseline or score-loo"

/* ---- Options ------------------------------------------------------------------------------------------------------ */

static bool parse_hidden(void *parsed, const char *text)
{
    options *o = parsed;
    o->hidden = text;
    o->model.n_hidden = parse_list(text, 1, 1e6, TAP_VAE_MAX_HIDDEN, o->model.hidden);
    return o->model.n_hidden > 0;
}

static bool parse_sigma(void *parsed, const char *text)
{
    options *o = parsed;
    o->sigma = text;
    o->model.sigma = 0; /* learned */
    return !strcmp(text, "learned") || parse_real(text, DBL_MIN, 1e6, &o->model.sigma);
}

static void print_sigma(const void *field, char text[PATH_SIZE])
{
    const double sigma = *(const double *)field;
    if (sigma > 0) snprintf(text, PATH_SIZE, "%.17g", sigma);
    else snprintf(text, PATH_SIZE, "learned");
}

/* clang-format off */
const argument options_table[] = {
    { .name = "usage: vae_mnist [options]\n\n"
              "Trains a variational autoencoder (Kingma & Welling 2014) on MNIST, or on other 28x28 images in its format; writes "
              "the model, its measurements and pictures." },

    { .name = "Data and results" },
    { "--data", "DIR", FOLDER, FIELD(data),
      .help = "directory with the files train-images-idx3-ubyte and t10k-images-idx3-ubyte, plain or .gz [the first that has them "
              "of $TAPESTRY_DATA, ~/.cache/tapestry/mnist and /usr/share/datasets/fashion-mnist]" },
    { "--out", "DIR", FOLDER, FIELD(train.out), .initial = "out/vae_mnist", .help = "folder for the results, created if needed" },

    { .name = "Model" },
    { "--hidden", "N,...", CUSTOM, FIELD(hidden), .roles = SAVED, .initial = "400", .parse = parse_hidden,
      .takes = "1 to 16 layer sizes from 1 to 1000000, such as 400 or 200,200",
      .help = "sizes of the encoder's hidden layers; the decoder has them backwards" },
    { "--latent", "N", WHOLE, FIELD(model.latent), 1, 1e6, SAVED, "20", .help = "dimensions of z; 2 also draws manifold.png" },
    { "--activation", "NAME", TEXT, FIELD(activation), .roles = SAVED, .initial = "relu", .names = tap_activation_names,
      .help = "" },
    { "--likelihood", "NAME", CHOICE, FIELD(model.likelihood), .roles = SAVED, .initial = "bernoulli", .takes = LIKELIHOODS,
      .help = LIKELIHOODS },
    { "--sigma", "S", CUSTOM, FIELD(model.sigma), .roles = SAVED, .takes = "a number above 0, or the word learned", .parse = parse_sigma,
      .print = print_sigma, .help = "gaussian only: standard deviation of a pixel, a number or the word learned [learned]" },

    { .name = "Training" },
    { "--epochs", "N", WHOLE, FIELD(train.epochs), 0, 1e6, GROWS, "10",
      .help = "passes over the data; 0 evaluates an untrained model" },
    { "--batch", "N", WHOLE, FIELD(train.batch), 1, 1e6, SAVED, "128", .help = "images per step" },
    { "--samples", "L", WHOLE, FIELD(model.samples), 1, 1e6, SAVED, "1", .help = "draws of z per image" },
    { "--bound", "NAME", CHOICE, FIELD(model.bound), .roles = SAVED, .initial = "elbo", .takes = "elbo or iwae",
      .help = "what to maximize: elbo, or iwae, the importance-weighted bound of Burda et al. 2016" },
    { "--estimator", "NAME", CHOICE, FIELD(model.estimator), .roles = SAVED, .initial = "reparameterized", .takes = ESTIMATORS,
      .help = "of the gradient: " ESTIMATORS },
    { "--free-bits", "X", REAL, FIELD(model.free_bits), 0, 1e6, SAVED, "0",
      .help = "elbo only: nats of KL that cost nothing, for each dimension of z" },
    { "--beta", "B", REAL, FIELD(beta), 0, 1e6, SAVED, "1", .help = "elbo only: weight of the KL in the loss" },
    { "--lr", "RATE", REAL, FIELD(train.lr), DBL_MIN, 1e3, SAVED, "1e-3", .help = "step size of Adam" },
    { "--seed", "N", SEED, FIELD(train.seed), .roles = SAVED, .initial = "0", .help = "seed of all random numbers" },
    { "--on-nonfinite", "DO", CHOICE, FIELD(skip_nonfinite), .roles = SAVED, .initial = "stop", .takes = "stop or skip",
      .help = "when a loss or a gradient is not a finite number: stop, and print where it came from, or skip the step" },
    CHECKPOINT_ROWS(", as it was begun; only --epochs may be more"),
    { "--evaluate", "K", WHOLE, FIELD(evaluate), 1, 1e9,
      .help = "after training, estimate the log-likelihood of the test images from K weighted draws each [no estimate]" },

    GENERAL_ROWS("print the results only"),
    { .name = "Example\n"
              "  vae_mnist --latent 2 --hidden 500,500 --activation tanh --out out/plane\n"
              "  vae_mnist --hidden 200,200 --latent 50 --activation tanh --bound iwae \\\n"
              "      --samples 50 --evaluate 5000 --out out/iwae" },
    { 0 },
};
/* clang-format on */

/* Completes the options of the model, and checks for combinations that are invalid although each option is valid. */
static bool complete(options *o)
{
    tap_vae_options *m = &o->model;
    const bool       pathwise = m->estimator == TAP_STICKING_THE_LANDING || m->estimator == TAP_DOUBLY_REPARAMETERIZED;
    m->activation = tap_activation_find(o->activation);
    m->beta = o->beta > 0 ? o->beta : TAP_ZERO;
    if (o->sigma && m->likelihood != TAP_VAE_GAUSSIAN) return usage("--sigma", o->sigma, "needs --likelihood gaussian");
    if (m->bound == TAP_IWAE && o->beta != 1) return usage("--beta", "", "needs --bound elbo");
    if (m->bound == TAP_IWAE && m->free_bits > 0) return usage("--free-bits", "", "needs --bound elbo");
    if (m->bound == TAP_IWAE && m->estimator == TAP_STICKING_THE_LANDING)
        return usage("--estimator", "stl", "is biased with --bound iwae; dreg is not");
    if (m->free_bits > 0 && pathwise) return usage("--free-bits", "", "cannot be combined with --estimator stl or dreg");
    if (m->estimator == TAP_SCORE_LEAVE_ONE_OUT && m->samples < 2)
        return usage("--estimator", "score-loo", "needs --samples 2 or more");
    if (m->estimator == TAP_SCORE_BASELINE && o->train.batch < 2)
        return usage("--estimator", "score-baseline", "needs --batch 2 or more");
    return true;
}

/* If there is a run to resume, sets the options that were not given from its checkpoint. Those that were given must be equal
 * to the run's, except that the number of epochs may grow. The arena owns the texts. */
static bool resume(options *o, const tap_checkpoint *c, tap_arena *a)
{
    const tap_checkpoint_found found = tap_checkpoint_peek(c);
    const char                *sigma = o->sigma; /* NULL: not given */
    if (!o->train.resume) return true;
    if (!found.path) return complete(o);
    const tap_tensor *records = tap_safetensors_find(&found.file, "records"),
                     *epochs = tap_safetensors_find(&found.file, "epochs");
    const long long done = records ? records->shape.n[0] : 0;
    if (!options_from_run(&found, o, o->given, a)) return false;
    if (o->model.likelihood != TAP_VAE_GAUSSIAN) o->sigma = sigma;
    if (!arguments_given(o->given, GROWS)) o->train.epochs = epochs ? (int64_t)tap_tensor_item(*epochs, 0) : 0;
    if (!complete(o)) return false;
    return done <= o->train.epochs ||
           fail("--epochs %lld: the run in %s has already trained for %lld", (long long)o->train.epochs, o->train.out, done);
}

/* ---- Training and evaluation -------------------------------------------------------------------------------------- */

/* The loss: the mean over images of beta KL - rec, or of the negative bound. Reports the ELBO. */
static tap_var loss(const void *net, tap_tape *t, batch *b)
{
    const tap_vae      *vae = net;
    const tap_vae_terms terms = tap_vae_elbo(vae, tap_input(t, b->x));
    b->per_row = terms.elbo;
    return tap_vae_loss_from(vae, terms);
}

static void print_epoch(run *r, const record *e)
{
    bar_clear();
    if (!r->o->train.quiet) {
        if (!r->printed) printf("\nepoch  train ELBO   test ELBO         rec        KL   images/s  seconds\n");
        printf("%5.0f  %10.2f  %10.2f  %10.2f  %8.2f  %9.0f  %7.1f\n", e->epoch, e->train_elbo, e->test_elbo, e->test_rec,
               e->test_kl, e->images_per_second, e->seconds);
        fflush(stdout);
    }
    r->printed = true;
    if (e->skipped > 0) note("epoch %.0f: %.0f steps skipped", e->epoch, e->skipped);
}

static bool end_epoch(void *ctx, int64_t epoch, const progress *p)
{
    run    *r = ctx;
    record *e = record_at(r, r->n_records);
    e->epoch = (double)epoch;
    e->skipped = (double)p->skipped;
    e->seconds = p->seconds;
    e->train_elbo = p->sum / (double)p->rows;
    e->images_per_second = (double)p->rows / p->seconds;
    if (!evaluate(r, e)) return false;
    r->n_records++;
    print_epoch(r, e);
    return metrics_write(r, (log_likelihood){ 0 });
}

static void declare(void *ctx, tap_checkpoint *c, progress *p)
{
    run            *r = ctx;
    const tap_shape shape = TAP_SHAPE(r->epochs, record_columns(r->o));
    tap_checkpoint_loader(c, "test_images", r->test_images);
    tap_checkpoint_tensor(c, "epochs", tap_tensor_wrap(TAP_I64, TAP_SCALAR, &r->epochs));
    tap_checkpoint_tensor(c, "sums", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), &p->sum));
    tap_checkpoint_tensor(c, "counts", tap_tensor_wrap(TAP_I64, TAP_SHAPE(2), &p->rows));
    tap_checkpoint_table(c, "records", tap_tensor_wrap(TAP_F64, shape, r->records), &r->n_records);
}

static bool resumed(void *ctx, int64_t epoch, const progress *p)
{
    run *r = ctx;
    r->epochs = r->o->train.epochs; /* may exceed the checkpoint's number */
    if (!r->o->train.quiet) printf("resuming in epoch %lld, after %lld images of it\n", (long long)epoch, (long long)p->rows);
    return true;
}

/* Trains, starting at the checkpoint's position, and evaluates after each epoch; with 0 epochs, evaluates once. True also
 * if training was interrupted. */
static bool run_epochs(run *r)
{
    options       *o = r->o;
    const int64_t  images = r->data->train.shape.n[0];
    const double   epochs = (double)o->train.epochs + 1;
    const double   row = 200 + 20 * (double)o->model.latent; /* of text; the checkpoint's records take no more */
    const out_file files[] = { { "metrics.jsonl", 4 * epochs * row },  { "timing.jsonl", epochs * 100 },
                               { "training.svg", 1e5 + 200 * epochs }, { "reconstructions.png", PICTURE_BYTES },
                               { "samples.png", PICTURE_BYTES },       { "interpolation.png", PICTURE_BYTES },
                               { "manifold.png", PICTURE_BYTES } };
    const int      n_files = (int)(sizeof files / sizeof *files) - (o->model.latent != 2);
    train_config   config = { o->train, r->root, &r->vae, loss, r->data->train, .n_results = n_files, .results = files };
    config.checkpoint = r->checkpoint;
    config.constant_lr = true;
    config.skip_nonfinite = o->skip_nonfinite != 0;
    config.data_name = "images";
    config.reported = "ELBO";
    config.ctx = r;
    config.declare = declare;
    config.resumed = resumed;
    config.end_epoch = end_epoch;
    if (o->model.estimator == TAP_SCORE_BASELINE && images % o->train.batch == 1)
        return fail("--batch %lld: the last batch of %lld images has one, and --estimator score-baseline needs two",
                    (long long)o->train.batch, (long long)images);
    options_save(r->checkpoint, o);
    return run_prepare(&config) && (train(&config) || interrupted()) && (o->train.epochs > 0 || evaluate(r, record_at(r, 0)));
}

/* ---- A run -------------------------------------------------------------------------------------------------------- */

/* Writes the results of the epochs so far, also after an interruption, and prints a summary. */
static bool finish(const run *r)
{
    const options *o = r->o;
    const record  *last = record_at(r, r->n_records ? r->n_records - 1 : 0); /* with 0 epochs, a record that is not counted */
    const bool     done = r->n_records == o->train.epochs;
    log_likelihood l = { 0 };
    options        trained = *o;
    trained.train.epochs = r->n_records;

    bool ok = model_save(r->root, o->train.out, r->data->name, &trained, SAVED | GROWS) && metrics_write(r, l) &&
              timing_write(r) && curves_write(r) && pictures_write(r);
    if (ok && !o->train.quiet) printf("\nthe model, its metrics and pictures are in %s\n", o->train.out);
    if (ok && !o->train.quiet && (r->n_records || done)) latents_print(r, last);
    if (ok && o->evaluate && done)
        ok = measure_log_likelihood(&l, &r->vae, r->data->test, o->evaluate, o->train.seed, o->train.quiet) &&
             metrics_write(r, l);
    if (done)
        printf("test ELBO %.2f nats per image (reconstruction %.2f, KL %.2f)\n", last->test_elbo, last->test_rec,
               last->test_kl);
    else
        note("interrupted in epoch %lld of %lld; the same command with --resume continues from here",
             (long long)r->n_records + 1, (long long)o->train.epochs);
    if (l.known)
        printf("test log-likelihood %.2f +- %.2f nats per image (%lld draws)\n", l.mean, l.error, (long long)o->evaluate);
    else if (ok && o->evaluate && done) note("interrupted in the evaluation; the same command with --resume repeats it");
    if (!o->train.quiet && !pictures_print(r)) ok = false;
    return ok;
}

/* Builds the model, trains it and writes the results. */
static bool train_model(run *r, tap_arena *a)
{
    const options *o = r->o;
    const dataset *d = r->data;
    const int64_t  samples = o->model.samples;
    r->epochs = o->train.epochs;
    r->records = tap_arena_alloc(a, ((size_t)r->epochs + 1) * (size_t)record_columns(o) * sizeof *r->records);
    r->means = tap_arena_alloc(a, (size_t)o->model.latent * sizeof *r->means);
    r->root = tap_module_new(TAP_F32, o->train.seed);
    /* Keeps memory use roughly independent of the number of samples. */
    r->test_images = tap_loader_new(r->data->test, (tap_loader_options){ .batch = samples < 500 ? 500 / samples : 1 });
    tap_vae_init(&r->vae, r->root, o->model);
    if (!arena_ok(a)) return false;
    if (!o->train.quiet) {
        printf("%s from %s: %lld for training, %lld for testing\n", d->name, d->from, (long long)d->train.shape.n[0],
               (long long)d->test.shape.n[0]);
        printf("784-%s-%lld VAE, %s, %s likelihood: %lld parameters\n%s\n", o->hidden, (long long)o->model.latent,
               o->activation, o->model.likelihood == TAP_VAE_GAUSSIAN ? "Gaussian" : "Bernoulli",
               (long long)tap_module_numel(r->root), tap_config());
    }
    return run_epochs(r) && finish(r);
}

static bool start(options *o)
{
    tap_arena     *a = tap_arena_new();
    const out_file first = { "checkpoint.safetensors", 0 };
    dataset        data;
    run            r = { .o = o, .data = &data };
    const bool     ok = dataset_load(&data, a, o->data) && prepare_out(o->train.out, 1, &first) &&
                    run_open(&r.checkpoint, o->train.out, o->train.resume, "images", true) && resume(o, r.checkpoint, a) &&
                    train_model(&r, a);
    tap_loader_free(r.test_images);
    tap_module_free(r.root);
    tap_checkpoint_free(r.checkpoint);
    tap_arena_free(a);
    return ok;
}

int main(int argc, char **argv)
{
    options o = { .model = { .data = SIDE * SIDE, .clip = 20 } }; /* e^40 and e^-40 are finite in float32 */
    o.given = arguments_take(&o, argc, argv);
    if (!o.train.resume && !complete(&o)) return 2;
    begin_program(o.train.threads);
    return end_program(start(&o));
}
