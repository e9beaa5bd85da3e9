/* examples/vae_generate/options.c: the command line. */
#include "vae_generate.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

static const char help[] = "usage: vae_generate [options]\n"
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
                           "  --classifier FILE  the judge of --measure [classifier.safetensors in --out;\n"
                           "                     if there is none, one learns from --data]\n"
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
                           "                     surer are the digits [4]\n"
                           "  --epochs N         passes over the data [4]\n"
                           "  --batch N          images per step [128]\n"
                           "  --lr RATE          step size of Adam; falls to 0 over the second half [1e-3]\n"
                           "  --checkpoint-every S\n"
                           "                     seconds between checkpoints; there is one after each epoch,\n"
                           "                     too, and after an interruption [60]\n"
                           "  --resume           go on from the checkpoint in --out, to the same bits\n"
                           "\n"
                           "  --seed N           results depend on it, and not on the number of threads [0]\n"
                           "  --threads N        1 to 256 [OMP_NUM_THREADS, else all processors]\n"
                           "  --quiet            print the measurements only\n"
                           "  --help             print this\n"
                           "\n"
                           "Example\n"
                           "  vae_generate --out out/digits\n"
                           "  vae_generate --model out/digits/model.safetensors --digit 7 --out out/sevens\n";

static bool take_pair(void *field, const char *text)
{
    options    *o = field;
    char        first[24];
    const char *comma = strchr(text, ',');
    if (!comma || comma - text >= (int)sizeof first) return false;
    snprintf(first, sizeof first, "%.*s", (int)(comma - text), text);
    return parse_whole(first, 0, 1e9, &o->from) && parse_whole(comma + 1, 0, 1e9, &o->to);
}

void options_table(argument table[OPTIONS + 1], options *o)
{
    const argument rows[OPTIONS + 1] = {
        ARGUMENT_NUMBER("--latent", WHOLE, &o->latent, 1, 1e4),
        ARGUMENT_NUMBER("--beta", REAL, &o->beta, 0, 1e6),
        ARGUMENT_NUMBER("--epochs", WHOLE, &o->epochs, 1, 1e6),
        ARGUMENT_NUMBER("--batch", WHOLE, &o->batch, 1, 1e6),
        ARGUMENT_NUMBER("--lr", REAL, &o->lr, DBL_MIN, 1e3),
        ARGUMENT("--seed", SEED, &o->seed),
        ARGUMENT("--data", FOLDER, &o->data),
        ARGUMENT("--out", FOLDER, &o->out),
        ARGUMENT("--model", TEXT, &o->model),
        ARGUMENT("--classifier", TEXT, &o->classifier),
        ARGUMENT("--samples", FLAG, &o->samples),
        ARGUMENT_NUMBER("--digit", WHOLE, &o->digit, 0, DIGITS - 1),
        ARGUMENT("--traversals", FLAG, &o->traversals),
        ARGUMENT_OWN("--interpolate", o, "must be two numbers of test images, such as 3,18", take_pair, NULL),
        ARGUMENT("--measure", FLAG, &o->measure),
        ARGUMENT_NUMBER("--checkpoint-every", REAL, &o->checkpoint_every, 0, 1e9),
        ARGUMENT_NUMBER("--threads", WHOLE, &o->threads, 1, 256),
        ARGUMENT("--resume", FLAG, &o->resume),
        ARGUMENT("--quiet", FLAG, &o->quiet),
        ARGUMENT_END,
    };
    memcpy(table, rows, sizeof rows);
}

/* What goes with training alone. */
static bool check(const options *o, const argument *table, uint64_t given)
{
    static const char *const training[] = { "--latent",           "--beta",  "--epochs", "--batch", "--lr",
                                            "--checkpoint-every", "--resume" };
    for (int i = 0; o->model && table[i].name; i++)
        for (size_t k = 0; given >> i & 1 && k < sizeof training / sizeof *training; k++)
            if (!strcmp(table[i].name, training[k])) return usage(table[i].name, "", "goes with training, not with --model");
    return true;
}

bool options_parse(options *o, int argc, char **argv, int *status)
{
    argument table[OPTIONS + 1];
    uint64_t given;
    *o = (options){ .out = "out/vae_generate",
                    .latent = 12,
                    .beta = 4,
                    .epochs = 4,
                    .batch = 128,
                    .lr = 1e-3,
                    .checkpoint_every = 60,
                    .digit = -1,
                    .from = -1,
                    .to = -1 };
    *status = 2;
    if (asks_for_help(argc, argv)) {
        fputs(help, stdout);
        *status = end_program(true);
        return false;
    }
    options_table(table, o);
    if (!arguments_parse(table, argc, argv, &given) || !check(o, table, given)) return false;
    if (o->samples || o->traversals || o->measure || o->digit >= 0 || o->from >= 0) return true;
    o->samples = o->traversals = o->measure = true;
    o->from = 0, o->to = 1;
    return true;
}
