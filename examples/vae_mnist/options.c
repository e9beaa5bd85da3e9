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
                           "  --out DIR          where the results go; made if need be [out/vae_mnist]\n"
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
                           "  --bound NAME       what to climb: elbo, or iwae, the importance-weighted\n"
                           "                     bound of Burda et al. 2016 [elbo]\n"
                           "  --samples L        draws of z per image [1]\n"
                           "  --estimator NAME   of the gradient: reparameterized, stl, dreg, score,\n"
                           "                     score-baseline or score-loo [reparameterized]\n"
                           "  --beta B           elbo only: weight of the KL in the loss [1]\n"
                           "  --free-bits X      elbo only: nats of KL that cost nothing, for each dimension\n"
                           "                     of z [0]\n"
                           "  --lr RATE          step size of Adam [1e-3]\n"
                           "  --seed N           results depend on it, and not on the number of threads [0]\n"
                           "  --threads N        1 to 256 [OMP_NUM_THREADS, else all processors]\n"
                           "\n"
                           "  --checkpoint-every S\n"
                           "                     seconds between checkpoints; there is one after each epoch,\n"
                           "                     too, and after an interruption [60]\n"
                           "  --resume           go on from the checkpoint in --out, to the same bits. What\n"
                           "                     was given then holds; only --epochs may be more\n"
                           "  --on-nonfinite DO  when a loss or a gradient is not a finite number: stop, and\n"
                           "                     say where it came from, or skip the step [stop]\n"
                           "\n"
                           "  --evaluate K       in the end, estimate the log-likelihood of the test images\n"
                           "                     from K weighted draws each [not]\n"
                           "  --quiet            print the results only\n"
                           "  --help             print this\n"
                           "\n"
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

/* What an option of its own is: how its text is taken, and printed again. */
#define OWN_OPTION(name, taken, printed) \
    static bool take_##name(void *field, const char *text) \
    { \
        options *o = field; \
        return taken; \
    } \
    static void print_##name(const void *field, char text[PATH_SIZE]) \
    { \
        const options *o = field; \
        snprintf(text, PATH_SIZE, "%s", printed); \
    }

OWN_OPTION(hidden, parse_hidden(o->hidden = text, &o->model), o->hidden)
OWN_OPTION(activation, (o->model.activation = tap_activation_find(o->activation = text)) != NULL, o->activation)
OWN_OPTION(bound, (o->model.bound = strcmp(o->bound = text, "iwae") ? TAP_ELBO : TAP_IWAE) == TAP_IWAE || !strcmp(text, "elbo"),
           o->bound)
OWN_OPTION(estimator, parse_estimator(o->estimator = text, &o->model.estimator), o->estimator)
OWN_OPTION(nonfinite, (o->skip = !strcmp(text, "skip")) || !strcmp(text, "stop"), o->skip ? "skip" : "stop")
OWN_OPTION(likelihood,
           (o->model.likelihood = strcmp(text, "gaussian") ? TAP_VAE_BERNOULLI : TAP_VAE_GAUSSIAN) == TAP_VAE_GAUSSIAN ||
               !strcmp(text, "bernoulli"),
           o->model.likelihood == TAP_VAE_GAUSSIAN ? "gaussian" : "bernoulli")

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
    if (m->estimator == TAP_SCORE_BASELINE && o->batch < 2)
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
        ARGUMENT("--out", FOLDER, &o->out),
        ARGUMENT_OWN("--hidden", o, "must be 1 to 16 layer sizes from 1 to 1000000, such as 400 or 200,200", take_hidden, print_hidden),
        ARGUMENT_NUMBER("--latent", WHOLE, &o->model.latent, 1, 1e6),
        ARGUMENT_OWN("--activation", o, activation, take_activation, print_activation),
        ARGUMENT_OWN("--likelihood", o, "must be bernoulli or gaussian", take_likelihood, print_likelihood),
        ARGUMENT_OWN("--sigma", o, "must be a number above 0, or the word learned", take_sigma, print_sigma),
        ARGUMENT_NUMBER("--epochs", WHOLE, &o->epochs, 0, 1e6),
        ARGUMENT_NUMBER("--batch", WHOLE, &o->batch, 1, 1e6),
        ARGUMENT_NUMBER("--samples", WHOLE, &o->model.samples, 1, 1e6),
        ARGUMENT_OWN("--bound", o, "must be elbo or iwae", take_bound, print_bound),
        ARGUMENT_OWN("--estimator", o, "must be reparameterized, stl, dreg, score, score-baseline or score-loo", take_estimator,
                     print_estimator),
        ARGUMENT_NUMBER("--free-bits", REAL, &o->model.free_bits, 0, 1e6),
        ARGUMENT_NUMBER("--evaluate", WHOLE, &o->evaluate, 1, 1e9),
        ARGUMENT_NUMBER("--beta", REAL, &o->beta, 0, 1e6),
        ARGUMENT_NUMBER("--lr", REAL, &o->lr, DBL_MIN, 1e3),
        ARGUMENT("--seed", SEED, &o->seed),
        ARGUMENT_NUMBER("--threads", WHOLE, &o->threads, 1, 256),
        ARGUMENT_OWN("--on-nonfinite", o, "must be stop or skip", take_nonfinite, print_nonfinite),
        ARGUMENT_NUMBER("--checkpoint-every", REAL, &o->checkpoint_every, 0, 1e9),
        ARGUMENT("--resume", FLAG, &o->resume),
        ARGUMENT("--quiet", FLAG, &o->quiet),
        ARGUMENT_END,
    };
    /* clang-format on */
    memcpy(table, rows, sizeof rows);
}

/* Whether the state of a run depends on it. */
static bool matters(const argument *row)
{
    static const char *const others[] = { "--data",   "--out",  "--epochs", "--evaluate", "--threads", "--checkpoint-every",
                                          "--resume", "--quiet" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(row->name, others[i])) return false;
    return true;
}

/* When all options are known. */
static bool settle(options *o)
{
    if (!check(o)) return false;
    o->model.beta = o->beta > 0 ? o->beta : -1; /* in the model's options 0 stands for the default */
    return true;
}

static bool parse(options *o, int argc, char **argv)
{
    argument table[OPTIONS];
    make_table(table, o);
    return arguments_parse(table, argc, argv, &o->given) && (o->resume || settle(o));
}

void options_keep(const options *o, tap_checkpoint *c)
{
    char     text[PATH_SIZE];
    options  mine = *o;
    argument table[OPTIONS];
    make_table(table, &mine);
    for (const argument *row = table; row->name; row++) {
        argument_print(row, text);
        if (matters(row)) tap_checkpoint_option(c, row->name + strlen("--"), text);
    }
}

/* A copy in the arena of what the run has for an option; NULL if there is none. */
static const char *value_of(const tap_checkpoint_found *run, const argument *row, tap_arena *a)
{
    const char *value = tap_safetensors_metadata(&run->file, row->name + strlen("--"));
    char       *copy = value ? tap_arena_alloc(a, strlen(value) + 1) : NULL;
    return copy ? strcpy(copy, value) : NULL;
}

/* One option of a run that goes on. */
static bool resume(options *o, const argument *row, bool given, const tap_checkpoint_found *run, tap_arena *a)
{
    char        text[PATH_SIZE];
    const char *was = value_of(run, row, a);
    if (!was) return fail("%s: says nothing of %s", run->path, row->name);
    if (given) {
        argument_print(row, text);
        if (!strcmp(text, was)) return true;
        return fail("%s %s: the run in %s has %s, and cannot go on with another", row->name, text, o->out, was);
    }
    if (row->take == take_sigma && o->model.likelihood != TAP_VAE_GAUSSIAN) return true;
    return argument_set(row, was) || fail("%s: has %s %s, which is no value of it", run->path, row->name, was);
}

bool options_resume(options *o, const tap_checkpoint_found *run, int64_t epochs, tap_arena *a)
{
    argument table[OPTIONS];
    make_table(table, o);
    for (const argument *row = table; row->name; row++) {
        const bool given = o->given >> (row - table) & 1;
        if (matters(row) && !resume(o, row, given, run, a)) return false;
        if (row->field == &o->epochs && !given) o->epochs = epochs;
    }
    return settle(o);
}

bool options_parse(options *o, int argc, char **argv, int *status)
{
    *o = (options){
        .out = "out/vae_mnist",
        .hidden = "400",
        .activation = "relu",
        .bound = "elbo",
        .estimator = "reparameterized",
        .beta = 1,
        .lr = 1e-3,
        .epochs = 10,
        .batch = 128,
        .checkpoint_every = 60,
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
