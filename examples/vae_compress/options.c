/* examples/vae_compress/options.c: what the program takes. */
#include "vae_compress.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

static const char help[] = "usage: vae_compress -c IMAGES.idx FILE.tapz [options]\n"
                           "       vae_compress -d FILE.tapz IMAGES.idx [options]\n"
                           "       vae_compress --train [options]\n"
                           "       vae_compress --binarize GREY.idx BINARY.idx [options]\n"
                           "\n"
                           "Lossless compression of images of 28x28 bytes (IDX, plain or gzipped) by\n"
                           "bits-back coding (Townsend et al. 2019) with a variational autoencoder.\n"
                           "\n"
                           "  -c                 compress, and say how small, beside what the model promises\n"
                           "                     and other compressors reach\n"
                           "  -d                 the images again, bit for bit\n"
                           "  --train            train a model on MNIST\n"
                           "  --binarize         pixels become 255 with probability grey / 255, else 0\n"
                           "\n"
                           "  --model FILE       of --train [out/vae_compress/grey/model.safetensors or, for\n"
                           "                     images of two values, binary/ instead of grey/]\n"
                           "\n"
                           "Training\n"
                           "  --binary           for images of two values: binarized anew in each epoch\n"
                           "  --data DIR         directory with MNIST's four files, plain or .gz [as of\n"
                           "                     vae_mnist]\n"
                           "  --out DIR          for model and checkpoint [out/vae_compress/grey or binary]\n"
                           "  --latent N         dimensions of z [50]\n"
                           "  --hidden N         units of the hidden layers [500]\n"
                           "  --epochs N         passes over the data [20]\n"
                           "  --batch N          images per step [128]\n"
                           "  --lr RATE          step size of Adam; falls to 0 over the second half [1e-3]\n"
                           "  --checkpoint-every S\n"
                           "                     seconds between checkpoints [60]\n"
                           "  --resume           go on from the checkpoint in --out, to the same bits\n"
                           "\n"
                           "  --seed N           of training, and of --binarize [0]\n"
                           "  --threads N        1 to 256; results do not depend on it [OMP_NUM_THREADS,\n"
                           "                     else all processors]\n"
                           "  --quiet            not a word\n"
                           "  --help             print this\n";

void options_table(argument table[OPTIONS + 1], options *o)
{
    const argument rows[OPTIONS + 1] = {
        ARGUMENT("--binary", FLAG, &o->binary),
        ARGUMENT_NUMBER("--latent", WHOLE, &o->latent, 1, 1e4),
        ARGUMENT_NUMBER("--hidden", WHOLE, &o->hidden, 1, 1e5),
        ARGUMENT_NUMBER("--epochs", WHOLE, &o->epochs, 1, 1e6),
        ARGUMENT_NUMBER("--batch", WHOLE, &o->batch, 1, 1e6),
        ARGUMENT_NUMBER("--lr", REAL, &o->lr, DBL_MIN, 1e3),
        ARGUMENT("--seed", SEED, &o->seed),
        ARGUMENT("--data", FOLDER, &o->data),
        ARGUMENT("--out", FOLDER, &o->out),
        ARGUMENT_NUMBER("--checkpoint-every", REAL, &o->checkpoint_every, 0, 1e9),
        ARGUMENT("--resume", FLAG, &o->resume),
        ARGUMENT("--model", TEXT, &o->model),
        ARGUMENT_NUMBER("--threads", WHOLE, &o->threads, 1, 256),
        ARGUMENT("--quiet", FLAG, &o->quiet),
        ARGUMENT_END,
    };
    memcpy(table, rows, sizeof rows);
}

/* The task and its files come first. Returns how many arguments that were, 0 on an error. */
static int take_task(options *o, int argc, char **argv)
{
    static const char *const names[TASKS] = { "-c", "-d", "--binarize", "--train" };
    const char              *name = argc > 1 ? argv[1] : "";
    for (o->task = 0; o->task < TASKS && strcmp(name, names[o->task]); o->task++) continue;
    if (o->task == TASKS) return usage(name, "", "what to do comes first, -c, -d, --train or --binarize");
    if (o->task == TRAIN) return 1;
    if (argc < 4 || !*argv[2] || !*argv[3]) return usage(name, "", "takes two files");
    o->from = argv[2], o->to = argv[3];
    return 3;
}

static bool check(const options *o, const argument *table, uint64_t given)
{
    for (int i = 0; i < OF_TRAINING; i++)
        if (given >> i & 1 && o->task != TRAIN && !(o->task == BINARIZE && table[i].kind == SEED))
            return usage(table[i].name, "", "goes with --train");
    return o->task != TRAIN || !o->model || usage("--model", "", "goes with -c and -d");
}

bool options_parse(options *o, int argc, char **argv, int *status)
{
    argument table[OPTIONS + 1];
    uint64_t given;
    int      taken;
    *o = (options){ .latent = 50, .hidden = 500, .epochs = 20, .batch = 128, .lr = 1e-3, .checkpoint_every = 60 };
    *status = 2;
    if (asks_for_help(argc, argv)) {
        fputs(help, stdout);
        *status = end_program(true);
        return false;
    }
    options_table(table, o);
    if (!(taken = take_task(o, argc, argv)) || !arguments_parse(table, argc - taken, argv + taken, &given) || !check(o, table, given))
        return false;
    if (!o->out) o->out = o->binary ? "out/vae_compress/binary" : "out/vae_compress/grey";
    return true;
}
