/* examples/vae_anomaly/options.c: the options, and which go together. */
#include "vae_anomaly.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
const argument options_table[] = {
    { .name = "usage: vae_anomaly [options]\n\n"
              "Trains a variational autoencoder on images that are normal, scores test images by how unlike these they are, and "
              "measures how well that finds anomalies." },

    { .name = "Model" },
    { "--latent", "N", WHOLE, FIELD(latent), 1, 1e4, SAVED | BUILDS | TRAINS, "16", .help = "dimensions of z" },
    { "--model", "FILE", TEXT, FIELD(model), .help = "a model trained before, DIR/model.safetensors" },

    { .name = "Data and results" },
    { "--normal", "D", FOLDER, FIELD(normal), .roles = SAVED | TASK,
      .help = "the digit that is normal, beside all others; all: ten such tasks; or a directory of images [3]" },
    { "--anomaly", "DIR", FOLDER, FIELD(anomaly), .help = "a directory whose test images are the anomalies" },
    { "--data", "DIR", FOLDER, FIELD(data), .help = "the digits: directory with MNIST's four files [as of vae_mnist]" },
    { "--out", "DIR", FOLDER, FIELD(train.out), .initial = "out/vae_anomaly", .help = "where the results go; made if need be" },
    { "--score", "DIR", FOLDER, FIELD(only), .help = "with --model: just score the test images of DIR" },
    { "--samples", "N", WHOLE, FIELD(samples), 1, 1e4, 0, "10", .help = "draws of z for ELBO, reconstruction and regret" },
    { "--weights", "N", WHOLE, FIELD(weights), 1, 1e4, 0, "50", .help = "draws of z for the likelihood" },
    { "--steps", "N", WHOLE, FIELD(steps), 1, 1e6, 0, "50", .help = "of Adam, to fit z to each image for the regret" },

    { .name = "Training" },
    TRAINING_ROWS("images", "40", "100", "1e-3"),
    CHECKPOINT_ROWS(""),

    GENERAL_ROWS("print the results only"),
    { .name = "Example\n"
              "  vae_anomaly --normal all\n"
              "  vae_anomaly --normal /usr/share/datasets/fashion-mnist --anomaly MNIST" },
    { 0 },
};
/* clang-format on */

static bool check(const options *o, uint64_t given)
{
    if (o->model && !arguments_exclude(given, TRAINS, NOT_WITH_MODEL)) return false;
    if (o->only && (!o->model || o->normal || o->anomaly || o->data))
        return usage("--score", "", "goes with --model, without --normal, --anomaly and --data");
    if (!o->normal || (strlen(o->normal) == 1 && strchr("0123456789", *o->normal))) return true;
    if (!strcmp(o->normal, "all")) return !o->model || usage("--model", "", "goes with one task, not with --normal all");
    return o->anomaly || usage("--normal", o->normal, "a directory needs another one, --anomaly DIR");
}

void options_parse(options *o, int argc, char **argv)
{
    *o = (options){ .normal = NULL };
    if (!check(o, arguments_take(o, argc, argv))) exit(2);
    if (!o->normal && !o->model) o->normal = "3";
}
