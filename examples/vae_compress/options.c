/* examples/vae_compress/options.c: parses the command line. */
#include "vae_compress.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: vae_compress -c IMAGES.idx FILE.tapz [options]\n"
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
    "  --hidden N         units of the hidden layers [500]\n" HELP_TRAIN(
        "images", "20", "128", "1e-3") "\n"
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
        ARGUMENTS_OF_MODEL(&o->train),
        ARGUMENT("--data", FOLDER, &o->data),
        ARGUMENT("--model", TEXT, &o->model),
        ARGUMENTS_OF_RUN(&o->train),
        ARGUMENT_END,
    };
    memcpy(table, rows, sizeof rows);
}

/* Parses the task and its files, which come first. Returns the number of arguments consumed, 0 on an error. */
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
    static const char learning[] = " --binary --latent --hidden --data --out" TRAIN_NAMES, seed[] = " --seed ";
    if (o->task != TRAIN && !arguments_exclude(table, given, learning, "goes with --train")) return false;
    if (o->task != TRAIN && o->task != BINARIZE && !arguments_exclude(table, given, seed, "goes with --train")) return false;
    return o->task == COMPRESS || o->task == DECOMPRESS || !o->model || usage("--model", "", "goes with -c and -d");
}

bool options_parse(options *o, int argc, char **argv, int *status)
{
    argument table[OPTIONS + 1];
    uint64_t given;
    int      taken = 0;
    *o = (options){ .train = { .epochs = 20, .batch = 128, .lr = 1e-3, .checkpoint_every = 60 }, .latent = 50, .hidden = 500 };
    *status = 2;
    options_table(table, o);
    if (!asks_for_help(argc, argv) && !(taken = take_task(o, argc, argv))) return false;
    if (!arguments_take(table, help, argc - taken, argv + taken, &given, status) || !check(o, table, given)) return false;
    if (!o->train.out) o->train.out = o->binary ? "out/vae_compress/binary" : "out/vae_compress/grey";
    return true;
}
