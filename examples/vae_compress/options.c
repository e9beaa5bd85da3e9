/* examples/vae_compress/options.c: what the program takes. */
#include "vae_compress.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

static const char help[] = "usage: vae_compress -c IMAGES.idx FILE.tapz [--model FILE]\n"
                           "       vae_compress -d FILE.tapz IMAGES.idx [--model FILE]\n"
                           "       vae_compress --train [--binary] [options]\n"
                           "       vae_compress --binarize GREY.idx BINARY.idx [--seed N]\n"
                           "\n"
                           "Lossless compression of images of 28x28 bytes (IDX, plain or gzipped) by\n"
                           "bits-back coding (Townsend et al. 2019) with a variational autoencoder.\n"
                           "\n"
                           "  -c, --compress     writes FILE.tapz, and says how large it is, beside what the\n"
                           "                     model promises and what other compressors need\n"
                           "  -d, --decompress   writes the images, bit for bit\n"
                           "  --train            trains a model on MNIST's training images\n"
                           "  --binarize         makes pixels 255 with probability grey / 255, else 0\n"
                           "\n"
                           "  --model FILE       of --train [out/vae_compress/grey/model.safetensors or, for\n"
                           "                     images of two values, binary/ instead of grey/]\n"
                           "\n"
                           "Training\n"
                           "  --binary           for images of two values, binarized anew in each epoch\n"
                           "  --data DIR         directory with MNIST's four files, plain or .gz [as of\n"
                           "                     vae_mnist]\n"
                           "  --out DIR          for model and checkpoint [out/vae_compress/grey or binary]\n"
                           "  --latent N         dimensions of z [50]\n"
                           "  --hidden N         units of the hidden layers [500]\n"
                           "  --epochs N         passes over the data [30]\n"
                           "  --batch N          images per step [128]\n"
                           "  --lr RATE          step size of Adam; falls to 0 over the second half [1e-3]\n"
                           "  --checkpoint-every S\n"
                           "                     seconds between checkpoints [60]\n"
                           "  --resume           go on from the checkpoint in --out, to the same bits\n"
                           "\n"
                           "  --seed N           of training, or of --binarize [0]\n"
                           "  --threads N        1 to 256; results do not depend on it [OMP_NUM_THREADS,\n"
                           "                     else all processors]\n"
                           "  --quiet            write files, and say nothing\n"
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
        ARGUMENT("--model", TEXT, &o->model),
        ARGUMENT_NUMBER("--checkpoint-every", REAL, &o->checkpoint_every, 0, 1e9),
        ARGUMENT_NUMBER("--threads", WHOLE, &o->threads, 1, 256),
        ARGUMENT("--resume", FLAG, &o->resume),
        ARGUMENT("--quiet", FLAG, &o->quiet),
        ARGUMENT_END,
    };
    memcpy(table, rows, sizeof rows);
}

static task task_of(const char *text)
{
    static const struct {
        const char *name;
        task        task;
    } all[] = { { "-c", COMPRESS }, { "--compress", COMPRESS }, { "-d", DECOMPRESS }, { "--decompress", DECOMPRESS },
                { "--train", TRAIN }, { "--binarize", BINARIZE } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].name, text)) return all[i].task;
    return 0;
}

/* The task, with its two files, is the first argument. */
static bool take_task(options *o, int *argc, char ***argv)
{
    const char *name = *argc > 1 ? (*argv)[1] : "";
    o->task = task_of(name);
    if (!o->task) return usage(name, "", "what to do comes first: -c, -d, --train or --binarize");
    const int files = o->task == TRAIN ? 0 : 2;
    if (*argc < 2 + files || (files && (!*(*argv)[2] || !*(*argv)[3]))) return usage(name, "", "takes two files, from and to");
    if (files) o->from = (*argv)[2], o->to = (*argv)[3];
    *argc -= 1 + files;
    *argv += 1 + files;
    return true;
}

/* Training has its own options, and the others none of these. */
static bool check(const options *o, const argument *table, uint64_t given)
{
    static const struct {
        const char *name;
        unsigned    tasks;
    } goes[] = { { "--binary", 1 << TRAIN },
                 { "--latent", 1 << TRAIN },
                 { "--hidden", 1 << TRAIN },
                 { "--epochs", 1 << TRAIN },
                 { "--batch", 1 << TRAIN },
                 { "--lr", 1 << TRAIN },
                 { "--seed", 1 << TRAIN | 1 << BINARIZE },
                 { "--data", 1 << TRAIN },
                 { "--out", 1 << TRAIN },
                 { "--model", 1 << COMPRESS | 1 << DECOMPRESS },
                 { "--checkpoint-every", 1 << TRAIN },
                 { "--resume", 1 << TRAIN } };
    for (int i = 0; table[i].name; i++)
        for (size_t k = 0; given >> i & 1 && k < sizeof goes / sizeof *goes; k++)
            if (!strcmp(table[i].name, goes[k].name) && !(goes[k].tasks >> o->task & 1))
                return usage(table[i].name, "", "does not go with this task");
    return true;
}

bool options_parse(options *o, int argc, char **argv, int *status)
{
    argument table[OPTIONS + 1];
    uint64_t given;
    *o = (options){ .latent = 50, .hidden = 500, .epochs = 30, .batch = 128, .lr = 1e-3, .checkpoint_every = 60 };
    *status = 2;
    if (asks_for_help(argc, argv)) {
        fputs(help, stdout);
        *status = end_program(true);
        return false;
    }
    options_table(table, o);
    if (!take_task(o, &argc, &argv) || !arguments_parse(table, argc, argv, &given) || !check(o, table, given)) return false;
    if (!o->out) o->out = o->binary ? "out/vae_compress/binary" : "out/vae_compress/grey";
    return true;
}
