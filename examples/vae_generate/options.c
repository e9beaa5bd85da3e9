/* examples/vae_generate/options.c: parses the command line. */
#include "vae_generate.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: vae_generate [options]\n"
    "\n"
    "Trains a conditional variational autoencoder (Kingma et al. 2014, Sohn et al.\n"
    "2015) on MNIST, draws digits that were asked for, and measures how good they\n"
    "are. With --model, draws and measures only.\n"
    "\n"
    "Data and results\n"
    "  --data DIR         directory with MNIST's four files, plain or .gz [as of\n"
    "                     vae_mnist]\n"
    "  --out DIR          where the results go; made if need be [out/vae_generate]\n"
    "  --model FILE       a model trained before, DIR/model.safetensors\n"
    "  --classifier FILE  the classifier of --measure [classifier.safetensors in\n"
    "                     --out; without one, --measure trains one on --data]\n"
    "\n"
    "What to draw, into --out [all of it, but for --digit]\n"
    "  --samples          samples.png, digits by chance, and digits.png, all ten in\n"
    "                     16 hands\n"
    "  --digit D          digit_D.png, 256 times the digit D\n"
    "  --traversals       traversals.png: what each dimension of z does to a 3, or\n"
    "                     to D\n"
    "  --interpolate A,B  interpolation.png: from test image number A to number B\n"
    "                     [0,1]\n"
    "  --measure          how many of the digits a classifier reads as what they are\n"
    "                     meant to be, and the Frechet distance of its features\n"
    "\n"
    "Training\n"
    "  --latent N         dimensions of z [12]\n"
    "  --beta B           weight of the KL in the loss: the more, the plainer and the\n"
    "                     surer are the digits [4]\n" HELP_TRAIN(
        "images", "4", "128", "1e-3") "\n" HELP_PROGRAM "\n"
                                      "Example\n"
                                      "  vae_generate --out out/digits\n"
                                      "  vae_generate --model out/digits/model.safetensors --digit 7 --out out/sevens\n";

static bool take_pair(void *field, const char *text)
{
    return parse_list(text, 0, 1e9, 2, field) == 2;
}

void options_table(argument table[OPTIONS + 1], options *o)
{
    const argument rows[OPTIONS + 1] = {
        ARGUMENT_NUMBER("--latent", WHOLE, &o->latent, 1, 1e4),
        ARGUMENT_NUMBER("--beta", REAL, &o->beta, 0, 1e6),
        ARGUMENTS_OF_MODEL(&o->train),
        ARGUMENT("--data", FOLDER, &o->data),
        ARGUMENT("--model", TEXT, &o->model),
        ARGUMENT("--classifier", TEXT, &o->classifier),
        ARGUMENT("--samples", FLAG, &o->samples),
        ARGUMENT_NUMBER("--digit", WHOLE, &o->digit, 0, DIGITS - 1),
        ARGUMENT("--traversals", FLAG, &o->traversals),
        ARGUMENT_CUSTOM("--interpolate", o->ends, "must be two numbers of test images, such as 3,18", take_pair, NULL),
        ARGUMENT("--measure", FLAG, &o->measure),
        ARGUMENTS_OF_RUN(&o->train),
        ARGUMENT_END,
    };
    memcpy(table, rows, sizeof rows);
}

bool options_parse(options *o, int argc, char **argv, int *status)
{
    argument table[OPTIONS + 1];
    uint64_t given;
    *o = (options){ .train = { .out = "out/vae_generate", .epochs = 4, .batch = 128, .lr = 1e-3, .checkpoint_every = 60 },
                    .latent = 12,
                    .beta = 4,
                    .digit = -1,
                    .ends = { -1, -1 } };
    options_table(table, o);
    if (!arguments_take(table, help, argc, argv, &given, status)) return false;
    if (o->model && !arguments_exclude(table, given, " --latent --beta" TRAIN_NAMES, NOT_WITH_MODEL)) return false;
    if (!o->samples && !o->traversals && !o->measure && o->digit < 0 && o->ends[0] < 0) {
        o->samples = o->traversals = o->measure = true;
        o->ends[0] = 0;
        o->ends[1] = 1;
    }
    if (o->classifier && !o->measure) return usage("--classifier", "", "goes with --measure");
    return !o->data || !o->model || o->measure || o->ends[0] >= 0 ||
           usage("--data", "", "goes with training, --interpolate and --measure");
}
