/* examples/vae_mnist/options.c: parses the command line, and restores the options of a run that is resumed. */
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

static bool parse_hidden(void *field, const char *text)
{
    int64_t sizes[TAP_VAE_MAX_HIDDEN];
    *(const char **)field = text;
    return parse_list(text, 1, 1e6, TAP_VAE_MAX_HIDDEN, sizes) > 0;
}

static bool parse_activation(void *field, const char *text)
{
    *(const char **)field = text;
    return tap_activation_find(text) != NULL;
}

static bool parse_sigma(void *field, const char *text)
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

/* Checks for combinations of options that are invalid although each option is valid. */
static bool check(const options *o)
{
    const tap_vae_options *m = &o->model;
    const bool             pathwise = m->estimator == TAP_STICKING_THE_LANDING || m->estimator == TAP_DOUBLY_REPARAMETERIZED;
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

void options_table(argument table[OPTIONS], options *o)
{
    static char activation[160];
    snprintf(activation, sizeof activation, "must be one of %s", tap_activation_names());
    /* clang-format off */
    const argument rows[OPTIONS] = {
        ARGUMENT_CUSTOM("--hidden", &o->hidden,
                        "must be 1 to 16 layer sizes from 1 to 1000000, such as 400 or 200,200", parse_hidden, NULL),
        ARGUMENT_NUMBER("--latent", WHOLE, &o->model.latent, 1, 1e6),
        ARGUMENT_CUSTOM("--activation", &o->activation, activation, parse_activation, NULL),
        ARGUMENT_CHOICE("--likelihood", &o->likelihood, LIKELIHOODS),
        ARGUMENT_CUSTOM("--sigma", o, "must be a number above 0, or the word learned", parse_sigma, print_sigma),
        ARGUMENT_NUMBER("--batch", WHOLE, &o->train.batch, 1, 1e6),
        ARGUMENT_NUMBER("--samples", WHOLE, &o->model.samples, 1, 1e6),
        ARGUMENT_CHOICE("--bound", &o->bound, BOUNDS),
        ARGUMENT_CHOICE("--estimator", &o->estimator, ESTIMATORS),
        ARGUMENT_NUMBER("--free-bits", REAL, &o->model.free_bits, 0, 1e6),
        ARGUMENT_NUMBER("--beta", REAL, &o->beta, 0, 1e6),
        ARGUMENT_NUMBER("--lr", REAL, &o->train.lr, DBL_MIN, 1e3),
        ARGUMENT("--seed", SEED, &o->train.seed),
        ARGUMENT_CHOICE("--on-nonfinite", &o->skip_nonfinite, "must be stop or skip"),
        ARGUMENT("--data", FOLDER, &o->data),
        ARGUMENT_NUMBER("--epochs", WHOLE, &o->train.epochs, 0, 1e6),
        ARGUMENT_NUMBER("--evaluate", WHOLE, &o->evaluate, 1, 1e9),
        ARGUMENTS_OF_RUN(&o->train),
        ARGUMENT_END,
    };
    /* clang-format on */
    memcpy(table, rows, sizeof rows);
}

/* Checks the options together and fills in the model's options, once all are known. */
static bool complete(options *o)
{
    o->model.n_hidden = parse_list(o->hidden, 1, 1e6, TAP_VAE_MAX_HIDDEN, o->model.hidden);
    o->model.activation = tap_activation_find(o->activation);
    o->model.likelihood = (tap_vae_likelihood)o->likelihood;
    o->model.bound = (tap_bound)o->bound;
    o->model.estimator = (tap_estimator)o->estimator;
    o->model.beta = o->beta > 0 ? o->beta : TAP_ZERO;
    return check(o);
}

bool options_resume(options *o, const tap_checkpoint *c, tap_arena *a)
{
    const tap_checkpoint_found found = tap_checkpoint_peek(c);
    const uint64_t             sigma_bit = 1u << SIGMA_ROW;
    argument                   table[OPTIONS];
    if (!o->train.resume) return true;
    if (!found.path) return complete(o);
    const tap_tensor *records = tap_safetensors_find(&found.file, "records"),
                     *epochs = tap_safetensors_find(&found.file, "epochs");
    const long long done = records ? records->shape.n[0] : 0;
    options_table(table, o);
    if (!options_from_run(&found, table, SAVED_OPTIONS, o->given, a)) return false;
    if (o->likelihood != TAP_VAE_GAUSSIAN && !(o->given & sigma_bit)) o->sigma = NULL;
    if (!(o->given >> EPOCHS_ROW & 1)) o->train.epochs = epochs ? (int64_t)tap_tensor_item(*epochs, 0) : 0;
    if (!complete(o)) return false;
    return done <= o->train.epochs ||
           fail("--epochs %lld: the run in %s has already trained for %lld", (long long)o->train.epochs, o->train.out, done);
}

bool options_parse(options *o, int argc, char **argv, int *status)
{
    argument table[OPTIONS];
    *o = (options){
        .train = { .out = "out/vae_mnist", .epochs = 10, .batch = 128, .lr = 1e-3, .checkpoint_every = 60 },
        .hidden = "400",
        .activation = "relu",
        .beta = 1,
        .model = { .data = SIDE * SIDE, .latent = 20, .samples = 1, .clip = 20 }, /* e^40 and e^-40 are finite in float32 */
    };
    if (asks_for_help(argc, argv)) {
        const char *names = tap_activation_names(), *rest = names + strlen(names) * 2 / 3;
        while (*rest != ' ') rest--;
        printf(help, (int)(rest - names), names, rest);
        *status = end_program(true);
        return false;
    }
    *status = 2;
    options_table(table, o);
    return arguments_parse(table, argc, argv, &o->given) && (o->train.resume || complete(o));
}
