/* examples/vae_generate/options.c: the options, and which go together. */
#include "vae_generate.h"

#include <stdlib.h>

static bool parse_ends(void *o, const char *text)
{
    return parse_list(text, 0, 1e9, 2, ((options *)o)->ends) == 2;
}

/* clang-format off */
const argument options_table[] = {
    { .name = "usage: vae_generate [options]\n\n"
              "Trains a conditional variational autoencoder (Kingma et al. 2014, Sohn et al. 2015) on MNIST, draws digits that "
              "were asked for, and measures how good they are. With --model, draws and measures only." },

    { .name = "Data and results" },
    { "--data", "DIR", FOLDER, FIELD(data), .help = "directory with MNIST's four files, plain or .gz [as of vae_mnist]" },
    { "--out", "DIR", FOLDER, FIELD(train.out), .initial = "out/vae_generate",
      .help = "where the results go; made if need be" },
    { "--model", "FILE", TEXT, FIELD(model), .help = "a model trained before, DIR/model.safetensors" },
    { "--classifier", "FILE", TEXT, FIELD(classifier),
      .help = "the classifier of --measure [classifier.safetensors in --out; without one, --measure trains one on --data]" },

    { .name = "What to draw, into --out [all of it, but for --digit]" },
    { "--samples", NULL, FLAG, FIELD(samples), .help = "samples.png, digits by chance, and digits.png, all ten in 16 hands" },
    { "--digit", "D", WHOLE, FIELD(digit), 0, DIGITS - 1, .help = "digit_D.png, 256 times the digit D" },
    { "--traversals", NULL, FLAG, FIELD(traversals),
      .help = "traversals.png: what each dimension of z does to a 3, or to D" },
    { "--interpolate", "A,B", CUSTOM, 0, .takes = "two numbers of test images, such as 3,18", .parse = parse_ends,
      .help = "interpolation.png: from test image number A to number B [0,1]" },
    { "--measure", NULL, FLAG, FIELD(measure),
      .help = "how many of the digits a classifier reads as what they are meant to be, and the Frechet distance of its features" },

    { .name = "Training" },
    { "--latent", "N", WHOLE, FIELD(latent), 1, 1e4, SAVED | BUILDS | TRAINS, "12", .help = "dimensions of z" },
    { "--beta", "B", REAL, FIELD(beta), 0, 1e6, SAVED | TRAINS, "4",
      .help = "weight of the KL in the loss: the more, the plainer and the surer are the digits" },
    TRAINING_ROWS("images", "4", "128", "1e-3"),
    CHECKPOINT_ROWS(""),

    GENERAL_ROWS("print the results only"),
    { .name = "Example\n"
              "  vae_generate --out out/digits\n"
              "  vae_generate --model out/digits/model.safetensors --digit 7 --out out/sevens" },
    { 0 },
};
/* clang-format on */

static bool check(const options *o, uint64_t given)
{
    if (o->model && !arguments_exclude(given, TRAINS, NOT_WITH_MODEL)) return false;
    if (o->classifier && !o->measure) return usage("--classifier", "", "goes with --measure");
    return !o->data || !o->model || o->measure || o->ends[0] >= 0 ||
           usage("--data", "", "goes with training, --interpolate and --measure");
}

void options_parse(options *o, int argc, char **argv)
{
    *o = (options){ .digit = -1, .ends = { -1, -1 } };
    const uint64_t given = arguments_take(o, argc, argv);
    if (!o->samples && !o->traversals && !o->measure && o->digit < 0 && o->ends[0] < 0) {
        o->samples = o->traversals = o->measure = true;
        o->ends[0] = 0;
        o->ends[1] = 1;
    }
    if (!check(o, given)) exit(2);
}
