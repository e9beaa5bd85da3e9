/* examples/vae_compress/options.c: the options, and which go together. */
#include "vae_compress.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
const argument options_table[] = {
    { .name = "usage: vae_compress -c IMAGES.idx FILE.tapz [options]\n"
              "       vae_compress -d FILE.tapz IMAGES.idx [options]\n"
              "       vae_compress --train [options]\n"
              "       vae_compress --binarize GREY.idx BINARY.idx [options]\n\n"
              "Lossless compression of images of 28x28 bytes (IDX, plain or gzipped) by bits-back coding (Townsend et al. 2019) "
              "with a variational autoencoder.\n" },
    { "-c", .help = "compress, and say how small, beside what the model promises and other compressors reach" },
    { "-d", .help = "the images again, bit for bit" },
    { "--train", .help = "train a model on MNIST" },
    { "--binarize", .help = "pixels become 255 with probability grey / 255, else 0; --seed N decides" },
    { "--model", "FILE", TEXT, FIELD(model),
      .help = "of --train [out/vae_compress/grey/model.safetensors or, for images of two values, binary/ instead of grey/]" },

    { .name = "Training" },
    { "--binary", NULL, FLAG, FIELD(binary), .roles = SAVED | BUILDS | TRAINS,
      .help = "for images of two values: binarized anew in each epoch" },
    { "--data", "DIR", FOLDER, FIELD(data), .roles = TRAINS,
      .help = "directory with MNIST's four files, plain or .gz [as of vae_mnist]" },
    { "--out", "DIR", FOLDER, FIELD(train.out), .roles = TRAINS,
      .help = "for model and checkpoint [out/vae_compress/grey or binary]" },
    { "--latent", "N", WHOLE, FIELD(latent), 1, 1e4, SAVED | BUILDS | TRAINS, "50", .help = "dimensions of z" },
    { "--hidden", "N", WHOLE, FIELD(hidden), 1, 1e5, SAVED | BUILDS | TRAINS, "500", .help = "units of the hidden layers" },
    TRAINING_ROWS("images", "20", "128", "1e-3"),
    CHECKPOINT_ROWS(""),

    GENERAL_ROWS("not a word"),
    { 0 },
};
/* clang-format on */

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

static bool check(const options *o, uint64_t given)
{
    const bool     codes = o->task == COMPRESS || o->task == DECOMPRESS;
    const unsigned training = codes ? TRAINS | SEEDS : TRAINS;
    if (o->task != TRAIN && !arguments_exclude(given, training, "goes with --train")) return false;
    return codes || !o->model || usage("--model", "", "goes with -c and -d");
}

void options_parse(options *o, int argc, char **argv)
{
    *o = (options){ .task = TASKS };
    arguments_help(argc, argv);
    const int taken = take_task(o, argc, argv);
    if (!taken || !check(o, arguments_take(o, argc - taken, argv + taken))) exit(2);
    if (!o->train.out) o->train.out = o->binary ? "out/vae_compress/binary" : "out/vae_compress/grey";
}
