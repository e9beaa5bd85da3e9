/* examples/vae_mnist/options.c: the command line. Every option is a row of one table; a bad value is one line that says what
 * the option takes. */
#include "vae_mnist.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <stdlib.h>
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

typedef enum { TEXT, WHOLE, SEED, REAL, HIDDEN, ACTIVATION, LIKELIHOOD, SIGMA, BOUND, ESTIMATOR, NONFINITE } kind;

typedef struct {
    const char *name;
    kind        kind;
    void       *field; /* for the first four kinds */
    double      min, max;
    const char *takes;
} option;

enum { OPTIONS = 21 }; /* and one that ends the table */

static bool usage(const char *name, const char *value, const char *takes)
{
    return fail("%s%s%s: %s; see --help", name, *value ? " " : "", value, takes);
}

static bool parse_whole(const char *text, double min, double max, int64_t *value)
{
    if (!*text || text[strspn(text, "0123456789")]) return false;
    errno  = 0;
    *value = strtoll(text, NULL, 10);
    return errno == 0 && (double)*value >= min && (double)*value <= max;
}

static bool parse_seed(const char *text, uint64_t *value)
{
    if (!*text || text[strspn(text, "0123456789")]) return false;
    errno  = 0;
    *value = strtoull(text, NULL, 10);
    return errno == 0;
}

/* The comparison refuses NaN too. */
static bool parse_real(const char *text, double min, double max, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end && *value >= min && *value <= max;
}

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

static bool parse_likelihood(const char *text, tap_vae_likelihood *likelihood)
{
    *likelihood = strcmp(text, "gaussian") ? TAP_VAE_BERNOULLI : TAP_VAE_GAUSSIAN;
    return *likelihood == TAP_VAE_GAUSSIAN || !strcmp(text, "bernoulli");
}

static bool parse_bound(const char *text, tap_bound *bound)
{
    *bound = strcmp(text, "iwae") ? TAP_ELBO : TAP_IWAE;
    return *bound == TAP_IWAE || !strcmp(text, "elbo");
}

static bool parse_estimator(const char *text, tap_estimator *estimator)
{
    static const struct {
        const char   *name;
        tap_estimator value;
    } known[] = { { "reparameterized", TAP_REPARAMETERIZED },   { "stl", TAP_STICKING_THE_LANDING },
                  { "dreg", TAP_DOUBLY_REPARAMETERIZED },       { "score", TAP_SCORE },
                  { "score-baseline", TAP_SCORE_BASELINE },     { "score-loo", TAP_SCORE_LEAVE_ONE_OUT } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        *estimator = known[i].value;
        if (!strcmp(text, known[i].name)) return true;
    }
    return false;
}

static bool set(options *o, const option *row, const char *value)
{
    switch (row->kind) {
    case TEXT: *(const char **)row->field = value; return *value && strlen(value) < (size_t)row->max;
    case WHOLE: return parse_whole(value, row->min, row->max, row->field);
    case SEED: return parse_seed(value, row->field);
    case REAL: return parse_real(value, row->min, row->max, row->field);
    case HIDDEN: o->hidden = value; return parse_hidden(value, &o->model);
    case ACTIVATION: o->activation = value; return (o->model.activation = tap_activation_find(value)) != NULL;
    case LIKELIHOOD: return parse_likelihood(value, &o->model.likelihood);
    case BOUND: o->bound = value; return parse_bound(value, &o->model.bound);
    case ESTIMATOR: o->estimator = value; return parse_estimator(value, &o->model.estimator);
    case NONFINITE: o->skip = !strcmp(value, "skip"); return o->skip || !strcmp(value, "stop");
    case SIGMA:
        o->sigma       = value;
        o->model.sigma = 0; /* learned */
        return !strcmp(value, "learned") || parse_real(value, row->min, row->max, &o->model.sigma);
    }
    return false;
}

/* The option's value as it would be given, the same text for the same value. */
static void print(char text[PATH_SIZE], const options *o, const option *row)
{
    switch (row->kind) {
    case TEXT: snprintf(text, PATH_SIZE, "%s", *(const char *const *)row->field); break;
    case WHOLE: snprintf(text, PATH_SIZE, "%" PRId64, *(const int64_t *)row->field); break;
    case SEED: snprintf(text, PATH_SIZE, "%" PRIu64, *(const uint64_t *)row->field); break;
    case REAL: snprintf(text, PATH_SIZE, "%.17g", *(const double *)row->field); break;
    case HIDDEN: snprintf(text, PATH_SIZE, "%s", o->hidden); break;
    case ACTIVATION: snprintf(text, PATH_SIZE, "%s", o->activation); break;
    case LIKELIHOOD: snprintf(text, PATH_SIZE, "%s", o->model.likelihood == TAP_VAE_GAUSSIAN ? "gaussian" : "bernoulli"); break;
    case BOUND: snprintf(text, PATH_SIZE, "%s", o->bound); break;
    case ESTIMATOR: snprintf(text, PATH_SIZE, "%s", o->estimator); break;
    case NONFINITE: snprintf(text, PATH_SIZE, "%s", o->skip ? "skip" : "stop"); break;
    case SIGMA:
        if (o->sigma && o->model.sigma > 0) snprintf(text, PATH_SIZE, "%.17g", o->model.sigma);
        else
            snprintf(text, PATH_SIZE, "learned");
        break;
    }
}

/* Takes one option at argv[i], "--opt value" or "--opt=value"; returns how many arguments that were, 0 on an error. */
static int take(options *o, const option *all, char **argv, int i)
{
    const option *table = all;
    const char   *arg = argv[i], *equals = strchr(arg, '=');
    size_t        n = equals ? (size_t)(equals - arg) : strlen(arg);
    while (table->name && (strlen(table->name) != n || memcmp(table->name, arg, n))) table++;
    if (!table->name) {
        usage(arg, "", arg[0] == '-' ? "there is no such option" : "not an option; all arguments begin with --");
        return 0;
    }
    const char *value = equals ? equals + 1 : argv[i + 1];
    if (!value || (!equals && !strncmp(value, "--", 2))) {
        usage(table->name, "", "a value is missing");
        return 0;
    }
    if (!set(o, table, value)) {
        usage(table->name, *value ? value : "''", table->takes);
        return 0;
    }
    o->given |= 1ull << (table - all);
    return equals ? 1 : 2;
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

static void make_table(option table[OPTIONS], options *o)
{
    static char activation[160];
    snprintf(activation, sizeof activation, "must be one of %s", tap_activation_names());
    const option rows[OPTIONS] = {
        { "--data", TEXT, &o->data, 0, PATH_SIZE - 64, "must name a directory" },
        { "--out", TEXT, &o->out, 0, PATH_SIZE - 64, "must name a directory" },
        { "--hidden", HIDDEN, NULL, 0, 0, "must be 1 to 16 layer sizes from 1 to 1000000, such as 400 or 200,200" },
        { "--latent", WHOLE, &o->model.latent, 1, 1e6, "must be a whole number from 1 to 1000000" },
        { "--activation", ACTIVATION, NULL, 0, 0, activation },
        { "--likelihood", LIKELIHOOD, NULL, 0, 0, "must be bernoulli or gaussian" },
        { "--sigma", SIGMA, NULL, DBL_MIN, 1e6, "must be a number above 0, or the word learned" },
        { "--epochs", WHOLE, &o->epochs, 0, 1e6, "must be a whole number from 0 to 1000000" },
        { "--batch", WHOLE, &o->batch, 1, 1e6, "must be a whole number from 1 to 1000000" },
        { "--samples", WHOLE, &o->model.samples, 1, 1e6, "must be a whole number from 1 to 1000000" },
        { "--bound", BOUND, NULL, 0, 0, "must be elbo or iwae" },
        { "--estimator", ESTIMATOR, NULL, 0, 0,
          "must be reparameterized, stl, dreg, score, score-baseline or score-loo" },
        { "--free-bits", REAL, &o->model.free_bits, 0, 1e6, "must be a number from 0 to 1000000" },
        { "--evaluate", WHOLE, &o->evaluate, 1, 1e9, "must be a whole number from 1 to 1000000000" },
        { "--beta", REAL, &o->beta, 0, 1e6, "must be a number from 0 to 1000000" },
        { "--lr", REAL, &o->lr, DBL_MIN, 1e3, "must be a number above 0, at most 1000" },
        { "--seed", SEED, &o->seed, 0, 0, "must be a whole number from 0 to 18446744073709551615" },
        { "--threads", WHOLE, &o->threads, 1, 256, "must be a whole number from 1 to 256" },
        { "--on-nonfinite", NONFINITE, NULL, 0, 0, "must be stop or skip" },
        { "--checkpoint-every", REAL, &o->checkpoint_every, 0, 1e9, "must be a number from 0 to 1000000000" },
        { 0 },
    };
    memcpy(table, rows, sizeof rows);
}

/* Whether the state of a run depends on it. */
static bool matters(const option *row)
{
    static const char *const free[] = { "--data", "--out", "--epochs", "--evaluate", "--threads", "--checkpoint-every" };
    for (size_t i = 0; i < sizeof free / sizeof *free; i++)
        if (!strcmp(row->name, free[i])) return false;
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
    option table[OPTIONS];
    make_table(table, o);
    for (int i = 1, n; i < argc; i += n) {
        n = 1;
        if (!strcmp(argv[i], "--quiet")) o->quiet = true;
        else if (!strcmp(argv[i], "--resume")) o->resume = true;
        else if (!(n = take(o, table, argv, i)))
            return false;
    }
    return o->resume || settle(o);
}

void options_keep(const options *o, tap_checkpoint *c)
{
    char    text[PATH_SIZE];
    options mine = *o;
    option  table[OPTIONS];
    make_table(table, &mine);
    for (const option *row = table; row->name; row++) {
        print(text, &mine, row);
        if (matters(row)) tap_checkpoint_option(c, row->name + strlen("--"), text);
    }
}

/* A copy in the arena of what the run has for an option; NULL if there is none. */
static const char *value_of(const tap_checkpoint_found *run, const option *row, tap_arena *a)
{
    const char *value = tap_safetensors_metadata(&run->file, row->name + strlen("--"));
    char       *copy  = value ? tap_arena_alloc(a, strlen(value) + 1) : NULL;
    return copy ? strcpy(copy, value) : NULL;
}

/* One option of a run that goes on. */
static bool resume(options *o, const option *row, bool given, const tap_checkpoint_found *run, tap_arena *a)
{
    char        text[PATH_SIZE];
    const char *was = value_of(run, row, a);
    if (!was) return fail("%s: says nothing of %s", run->path, row->name);
    if (given) {
        print(text, o, row);
        if (!strcmp(text, was)) return true;
        return fail("%s %s: the run in %s has %s, and cannot go on with another", row->name, text, o->out, was);
    }
    if (row->kind == SIGMA && o->model.likelihood != TAP_VAE_GAUSSIAN) return true;
    return set(o, row, was) || fail("%s: has %s %s, which %s", run->path, row->name, was, row->takes);
}

bool options_resume(options *o, const tap_checkpoint_found *run, int64_t epochs, tap_arena *a)
{
    option table[OPTIONS];
    make_table(table, o);
    for (const option *row = table; row->name; row++) {
        const bool given = o->given >> (row - table) & 1;
        if (matters(row) && !resume(o, row, given, run, a)) return false;
        if (row->field == &o->epochs && !given) o->epochs = epochs;
    }
    return settle(o);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) return true;
    return false;
}

bool options_parse(options *o, int argc, char **argv, int *status)
{
    *o = (options){
        .out        = "out/vae_mnist",
        .hidden     = "400",
        .activation = "relu",
        .bound      = "elbo",
        .estimator  = "reparameterized",
        .beta       = 1,
        .lr         = 1e-3,
        .epochs     = 10,
        .batch      = 128,
        .checkpoint_every = 60,
        .model = { .data = SIDE * SIDE, .n_hidden = 1, .hidden = { 400 }, .activation = tap_relu, .latent = 20, .samples = 1,
                   .clip = 20 }, /* e^40 and e^-40 are numbers, in float32, too */
    };
    if (asks_for_help(argc, argv)) {
        const char *names = tap_activation_names(), *rest = names + strlen(names) * 2 / 3;
        while (*rest != ' ') rest--;
        printf(help, (int)(rest - names), names, rest);
        *status = fflush(stdout) ? !fail("standard output: %s", strerror(errno)) : 0;
        return false;
    }
    *status = 2;
    return parse(o, argc, argv);
}
