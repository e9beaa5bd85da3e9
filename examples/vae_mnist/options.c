/* examples/vae_mnist/options.c: the command line, and which options belong to a run that goes on. */
#include "vae_mnist.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

static const char help[] = "usage: vae_mnist [options]\n"
                           "\n"
                           "Trains a variational autoencoder (Kingma & Welling 2014) on MNIST, or on other\n"
                           "28x28 images in its format; writes the model, its measurements and pictures.\n"
                           "\n"
                           "Data and results\n"
                           "  --data DIR         directory with the files train-images-idx3-ubyte and\n"
                           "                     t10k-images-idx3-ubyte, plain or .gz [the first that has\n"
                           "                     them of $TAPESTRY_DATA, ~/.cache/tapestry/mnist and\n"
                           "                     /usr/share/datasets/fashion-mnist]\n"
                           "  --out DIR          folder for the results, created if needed [out/vae_mnist]\n"
                           "\n"
                           "Model\n"
                           "  --hidden N,...     sizes of the encoder's hidden layers; the decoder has them\n"
                           "                     backwards [400]\n"
                           "  --latent N         dimensions of z; 2 also draws manifold.png [20]\n"
                           "  --activation NAME  %.*s\n"
                           "                    %s [relu]\n"
                           "  --likelihood NAME  bernoulli or gaussian [bernoulli]\n"
                           "  --sigma S          gaussian only: standard deviation of a pixel, a number or\n"
                           "                     the word learned [learned]\n"
                           "\n"
                           "Training\n"
                           "  --epochs N         passes over the data; 0 evaluates an untrained model [10]\n"
                           "  --batch N          images per step [128]\n"
                           "  --bound NAME       what to maximize: elbo, or iwae, the importance-weighted\n"
                           "                     bound of Burda et al. 2016 [elbo]\n"
                           "  --samples L        draws of z per image [1]\n"
                           "  --estimator NAME   of the gradient: reparameterized, stl, dreg, score,\n"
                           "                     score-baseline or score-loo [reparameterized]\n"
                           "  --beta B           elbo only: weight of the KL in the loss [1]\n"
                           "  --free-bits X      elbo only: nats of KL that cost nothing, for each dimension\n"
                           "                     of z [0]\n"
                           "  --lr RATE          step size of Adam [1e-3]\n" HELP_CHECKPOINT
                           "  --resume           continue from the checkpoint in --out, to the same bits, as\n"
                           "                     it was begun; only --epochs may be more\n"
                           "  --on-nonfinite DO  when a loss or a gradient is not a finite number: stop, and\n"
                           "                     print where it came from, or skip the step [stop]\n"
                           "  --evaluate K       after training, estimate the log-likelihood of the test\n"
                           "                     images from K weighted draws each [no estimate]\n"
                           "\n" HELP_PROGRAM "\n"
                           "Example\n"
                           "  vae_mnist --latent 2 --hidden 500,500 --activation tanh --out out/plane\n"
                           "  vae_mnist --hidden 200,200 --latent 50 --activation tanh --bound iwae \\\n"
                           "      --samples 50 --evaluate 5000 --out out/iwae\n";

static bool parse_hidden(const char *text, tap_vae_options *model)
{
    char item[24];
    for (model->n_hidden = 0; model->n_hidden < TAP_VAE_MAX_HIDDEN; model->n_hidden++) {
        size_t n = strcspn(text, ",");
        if (n >= sizeof item) return false;
        memcpy(item, text, n);
        item[n] = '\0';
        if (!parse_whole(item, 1, 1e6, &model->hidden[model->n_hidden])) return false;
        if (!text[n]) {
            model->n_hidden++;
            return true;
        }
        text += n + 1;
    }
    return false;
}

static bool parse_estimator(const char *text, tap_estimator *estimator)
{
    static const struct {
        const char   *name;
        tap_estimator value;
    } known[] = { { "reparameterized", TAP_REPARAMETERIZED }, { "stl", TAP_STICKING_THE_LANDING },
                  { "dreg", TAP_DOUBLY_REPARAMETERIZED },     { "score", TAP_SCORE },
                  { "score-baseline", TAP_SCORE_BASELINE },   { "score-loo", TAP_SCORE_LEAVE_ONE_OUT } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        *estimator = known[i].value;
        if (!strcmp(text, known[i].name)) return true;
    }
    return false;
}

/* Defines how an option of its own is printed. */
#define PRINT_TEXT(name, value) \
    static void print_##name(const void *field, char text[PATH_SIZE]) \
    { \
        const options *o = field; \
        snprintf(text, PATH_SIZE, "%s", value); \
    }

PRINT_TEXT(hidden, o->hidden)
PRINT_TEXT(activation, o->activation)
PRINT_TEXT(bound, o->bound)
PRINT_TEXT(estimator, o->estimator)
PRINT_TEXT(nonfinite, o->skip_nonfinite ? "skip" : "stop")
PRINT_TEXT(likelihood, o->model.likelihood == TAP_VAE_GAUSSIAN ? "gaussian" : "bernoulli")

static bool take_hidden(void *field, const char *text)
{
    options *o = field;
    o->hidden = text;
    return parse_hidden(text, &o->model);
}

static bool take_activation(void *field, const char *text)
{
    options *o = field;
    o->activation = text;
    o->model.activation = tap_activation_find(text);
    return o->model.activation != NULL;
}

static bool take_bound(void *field, const char *text)
{
    options *o = field;
    o->bound = text;
    o->model.bound = strcmp(text, "iwae") == 0 ? TAP_IWAE : TAP_ELBO;
    return o->model.bound == TAP_IWAE || strcmp(text, "elbo") == 0;
}

static bool take_estimator(void *field, const char *text)
{
    options *o = field;
    o->estimator = text;
    return parse_estimator(text, &o->model.estimator);
}

static bool take_nonfinite(void *field, const char *text)
{
    options *o = field;
    o->skip_nonfinite = strcmp(text, "skip") == 0;
    return o->skip_nonfinite || strcmp(text, "stop") == 0;
}

static bool take_likelihood(void *field, const char *text)
{
    options *o = field;
    o->model.likelihood = strcmp(text, "gaussian") == 0 ? TAP_VAE_GAUSSIAN : TAP_VAE_BERNOULLI;
    return o->model.likelihood == TAP_VAE_GAUSSIAN || strcmp(text, "bernoulli") == 0;
}

static bool take_sigma(void *field, const char *text)
{
    options *o = field;
    o->sigma = text;
    o->model.sigma = 0; /* learned */
    return !strcmp(text, "learned") || parse_real(text, DBL_MIN, 1e6, &o->model.sigma);
}

static void print_sigma(const void *field, char text[PATH_SIZE])
{
    const options *o = field;
    if (o->sigma && o->model.sigma > 0) snprintf(text, PATH_SIZE, "%.17g", o->model.sigma);
    else snprintf(text, PATH_SIZE, "learned");
}

/* Options that are right by themselves and not together. */
static bool check(const options *o)
{
    const tap_vae_options *m = &o->model;
    const bool             pathwise = m->estimator == TAP_STICKING_THE_LANDING || m->estimator == TAP_DOUBLY_REPARAMETERIZED;
    if (o->sigma && m->likelihood != TAP_VAE_GAUSSIAN)
        return usage("--sigma", o->sigma, "goes with --likelihood gaussian only");
    if (m->bound == TAP_IWAE && o->beta != 1) return usage("--beta", "", "goes with --bound elbo only");
    if (m->bound == TAP_IWAE && m->free_bits > 0) return usage("--free-bits", "", "goes with --bound elbo only");
    if (m->bound == TAP_IWAE && m->estimator == TAP_STICKING_THE_LANDING)
        return usage("--estimator", "stl", "is biased with --bound iwae; dreg is not");
    if (m->free_bits > 0 && pathwise) return usage("--free-bits", "", "does not go with --estimator stl or dreg");
    if (m->estimator == TAP_SCORE_LEAVE_ONE_OUT && m->samples < 2)
        return usage("--estimator", "score-loo", "needs --samples 2 or more");
    if (m->estimator == TAP_SCORE_BASELINE && o->train.batch < 2)
        return usage("--estimator", "score-baseline", "needs --batch 2 or more");
    return true;
}

enum { OPTIONS = 23 }; /* and one that ends the table */

static void make_table(argument table[OPTIONS], options *o)
{
    static char activation[160];
    snprintf(activation, sizeof activation, "must be one of %s", tap_activation_names());
    /* clang-format off */
    const argument rows[OPTIONS] = {
        ARGUMENT("--data", FOLDER, &o->data),
        ARGUMENT_OWN("--hidden", o, "must be 1 to 16 layer sizes from 1 to 1000000, such as 400 or 200,200", take_hidden, print_hidden),
        ARGUMENT_NUMBER("--latent", WHOLE, &o->model.latent, 1, 1e6),
        ARGUMENT_OWN("--activation", o, activation, take_activation, print_activation),
        ARGUMENT_OWN("--likelihood", o, "must be bernoulli or gaussian", take_likelihood, print_likelihood),
        ARGUMENT_OWN("--sigma", o, "must be a number above 0, or the word learned", take_sigma, print_sigma),
        ARGUMENT_NUMBER("--epochs", WHOLE, &o->train.epochs, 0, 1e6),
        ARGUMENT_NUMBER("--batch", WHOLE, &o->train.batch, 1, 1e6),
        ARGUMENT_NUMBER("--samples", WHOLE, &o->model.samples, 1, 1e6),
        ARGUMENT_OWN("--bound", o, "must be elbo or iwae", take_bound, print_bound),
        ARGUMENT_OWN("--estimator", o, "must be reparameterized, stl, dreg, score, score-baseline or score-loo", take_estimator,
                     print_estimator),
        ARGUMENT_NUMBER("--free-bits", REAL, &o->model.free_bits, 0, 1e6),
        ARGUMENT_NUMBER("--evaluate", WHOLE, &o->evaluate, 1, 1e9),
        ARGUMENT_NUMBER("--beta", REAL, &o->beta, 0, 1e6),
        ARGUMENT_NUMBER("--lr", REAL, &o->train.lr, DBL_MIN, 1e3),
        ARGUMENT("--seed", SEED, &o->train.seed),
        ARGUMENT_OWN("--on-nonfinite", o, "must be stop or skip", take_nonfinite, print_nonfinite),
        ARGUMENTS_OF_RUN(&o->train),
        ARGUMENT_END,
    };
    /* clang-format on */
    memcpy(table, rows, sizeof rows);
}

/* Whether the state of a run depends on it. */
static bool is_saved(const argument *row)
{
    static const char *const others[] = { "--data",   "--out",  "--epochs", "--evaluate", "--threads", "--checkpoint-every",
                                          "--resume", "--quiet" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(row->name, others[i])) return false;
    return true;
}

/* Checks the options together, when all are known. */
static bool complete(options *o)
{
    if (!check(o)) return false;
    o->model.beta = o->beta > 0 ? o->beta : TAP_ZERO;
    return true;
}

static bool parse(options *o, int argc, char **argv)
{
    argument table[OPTIONS];
    make_table(table, o);
    return arguments_parse(table, argc, argv, &o->given) && (o->train.resume || complete(o));
}

void options_save(const options *o, tap_checkpoint *c)
{
    char     text[PATH_SIZE];
    options  mine = *o;
    argument table[OPTIONS];
    make_table(table, &mine);
    for (const argument *row = table; row->name; row++) {
        argument_print(row, text);
        if (is_saved(row)) tap_checkpoint_option(c, row->name + strlen("--"), text);
    }
}

/* A copy in the arena of the run's value of an option; NULL if it has none. */
static const char *value_of(const tap_checkpoint_found *found, const argument *row, tap_arena *a)
{
    const char *value = tap_safetensors_metadata(&found->file, row->name + strlen("--"));
    char       *copy = value ? tap_arena_alloc(a, strlen(value) + 1) : NULL;
    return copy ? strcpy(copy, value) : NULL;
}

/* Takes or compares one option of a run that is resumed. */
static bool resume_option(options *o, const argument *row, bool given, const tap_checkpoint_found *found, tap_arena *a)
{
    char        text[PATH_SIZE];
    const char *was = value_of(found, row, a);
    if (!was) return fail("%s: its metadata has no %s", found->path, row->name);
    if (given) {
        argument_print(row, text);
        if (!strcmp(text, was)) return true;
        return fail("%s %s: the run in %s has %s, and cannot be resumed with another", row->name, text, o->train.out, was);
    }
    if (row->take == take_sigma && o->model.likelihood != TAP_VAE_GAUSSIAN) return true;
    return argument_set(row, was) || fail("%s: %s must not be %s", found->path, row->name, was);
}

bool options_resume(options *o, const tap_checkpoint *c, tap_arena *a)
{
    const tap_checkpoint_found found = tap_checkpoint_peek(c);
    argument                   table[OPTIONS];
    if (!o->train.resume) return true;
    if (!found.path) return complete(o);
    const tap_tensor *records = tap_safetensors_find(&found.file, "records"),
                     *epochs = tap_safetensors_find(&found.file, "epochs");
    const long long done = records ? records->shape.n[0] : 0;
    make_table(table, o);
    for (const argument *row = table; row->name; row++) {
        const bool given = o->given >> (row - table) & 1;
        if (is_saved(row) && !resume_option(o, row, given, &found, a)) return false;
        if (row->field == &o->train.epochs && !given) o->train.epochs = epochs ? (int64_t)tap_tensor_item(*epochs, 0) : 0;
    }
    if (!complete(o)) return false;
    return done <= o->train.epochs ||
           fail("--epochs %lld: the run in %s has already trained for %lld", (long long)o->train.epochs, o->train.out, done);
}

bool options_parse(options *o, int argc, char **argv, int *status)
{
    *o = (options){
        .train = { .out = "out/vae_mnist", .epochs = 10, .batch = 128, .lr = 1e-3, .checkpoint_every = 60 },
        .hidden = "400",
        .activation = "relu",
        .bound = "elbo",
        .estimator = "reparameterized",
        .beta = 1,
        .model = { .data = SIDE * SIDE,
                   .n_hidden = 1,
                   .hidden = { 400 },
                   .activation = tap_relu,
                   .latent = 20,
                   .samples = 1,
                   .clip = 20 }, /* e^40 and e^-40 are numbers, in float32, too */
    };
    if (asks_for_help(argc, argv)) {
        const char *names = tap_activation_names(), *rest = names + strlen(names) * 2 / 3;
        while (*rest != ' ') rest--;
        printf(help, (int)(rest - names), names, rest);
        *status = end_program(true);
        return false;
    }
    *status = 2;
    return parse(o, argc, argv);
}
