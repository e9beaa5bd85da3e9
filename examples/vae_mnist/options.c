/* examples/vae_mnist/options.c: the options, which of them go together, and those of a run that is resumed. */
#include "vae_mnist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROWS = OWN }; /* the role of --epochs: it may differ when a run is resumed */

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
    { "--bound", "NAME", CHOICE, FIELD(model.bound), .roles = SAVED, .initial = "elbo", .takes = BOUNDS,
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

bool options_resume(options *o, const tap_checkpoint *c, tap_arena *a)
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

void options_parse(options *o, int argc, char **argv)
{
    *o = (options){ .model = { .data = SIDE * SIDE, .clip = 20 } }; /* e^40 and e^-40 are finite in float32 */
    o->given = arguments_take(o, argc, argv);
    if (!o->train.resume && !complete(o)) exit(2);
}
