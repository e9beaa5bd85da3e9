/* examples/vae_anomaly/options.c: parses the command line. */
#include "vae_anomaly.h"

#include <stdio.h>
#include <string.h>

static const char help[] = "usage: vae_anomaly [options]\n"
                           "\n"
                           "Trains a variational autoencoder on images that are normal, scores test images\n"
                           "by how unlike these they are, and measures how well that finds anomalies.\n"
                           "\n"
                           "  --normal D         the digit that is normal, beside all others; all: ten such\n"
                           "                     tasks; or a directory of images [3]\n"
                           "  --anomaly DIR      a directory whose test images are the anomalies\n"
                           "  --data DIR         the digits: directory with MNIST's four files [as of\n"
                           "                     vae_mnist]\n"
                           "  --out DIR          where the results go; made if need be [out/vae_anomaly]\n"
                           "  --model FILE       a model trained before, DIR/model.safetensors\n"
                           "  --score DIR        with --model: just score the test images of DIR\n"
                           "  --samples N        draws of z for ELBO, reconstruction and regret [10]\n"
                           "  --weights N        draws of z for the likelihood [50]\n"
                           "  --steps N          of Adam, to fit z to each image for the regret [50]\n"
                           "  --latent N         dimensions of z [16]\n" HELP_TRAIN("images", "40", "100", "1e-3") HELP_PROGRAM
    "\n"
    "Example\n"
    "  vae_anomaly --normal all\n"
    "  vae_anomaly --normal /usr/share/datasets/fashion-mnist --anomaly MNIST\n";

void options_table(argument table[OPTIONS + 1], options *o)
{
    const argument rows[OPTIONS + 1] = {
        ARGUMENT_NUMBER("--latent", WHOLE, &o->latent, 1, 1e4),
        ARGUMENT("--normal", FOLDER, &o->normal),
        ARGUMENTS_OF_MODEL(&o->train),
        ARGUMENT("--anomaly", FOLDER, &o->anomaly),
        ARGUMENT("--data", FOLDER, &o->data),
        ARGUMENT("--model", TEXT, &o->model),
        ARGUMENT("--score", FOLDER, &o->only),
        ARGUMENT_NUMBER("--samples", WHOLE, &o->samples, 1, 1e4),
        ARGUMENT_NUMBER("--weights", WHOLE, &o->weights, 1, 1e4),
        ARGUMENT_NUMBER("--steps", WHOLE, &o->steps, 1, 1e6),
        ARGUMENTS_OF_RUN(&o->train),
        ARGUMENT_END,
    };
    memcpy(table, rows, sizeof rows);
}

static bool check(const options *o, const argument *table, uint64_t given)
{
    if (o->model && !arguments_exclude(table, given, " --latent" TRAIN_NAMES, NOT_WITH_MODEL)) return false;
    if (o->only && (!o->model || o->normal || o->anomaly || o->data))
        return usage("--score", "", "goes with --model, without --normal, --anomaly and --data");
    if (!o->normal || (strlen(o->normal) == 1 && strchr("0123456789", *o->normal))) return true;
    if (!strcmp(o->normal, "all")) return !o->model || usage("--model", "", "goes with one task, not with --normal all");
    return o->anomaly || usage("--normal", o->normal, "a directory needs another one, --anomaly DIR");
}

bool options_parse(options *o, int argc, char **argv, int *status)
{
    argument table[OPTIONS + 1];
    uint64_t given;
    *o = (options){ .train = { .out = "out/vae_anomaly", .epochs = 40, .batch = 100, .lr = 1e-3, .checkpoint_every = 60 },
                    .latent = 16,
                    .samples = 10,
                    .weights = 50,
                    .steps = 50 };
    options_table(table, o);
    if (!arguments_take(table, help, argc, argv, &given, status) || !check(o, table, given)) return false;
    if (!o->normal && !o->model) o->normal = "3";
    return true;
}
