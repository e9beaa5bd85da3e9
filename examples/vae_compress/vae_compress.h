/* examples/vae_compress/vae_compress.h: lossless compression of images by a variational autoencoder. */
#ifndef VAE_COMPRESS_H
#define VAE_COMPRESS_H

#include "../common/learn.h"
#include "models/models.h"

/* ---- options.c --------------------------------------------------------------------------------------------------- */

typedef enum { COMPRESS = 1, DECOMPRESS, TRAIN, BINARIZE } task;

typedef struct {
    task        task;
    bool        binary, quiet, resume;
    int64_t     latent, hidden, epochs, batch, threads;
    double      lr, checkpoint_every;
    uint64_t    seed;
    const char *data, *out, *model, *from, *to; /* the last two are what -c, -d and --binarize are given */
} options;

enum { OPTIONS = 14, KEPT = 7 }; /* a trained model depends on the first ones, and is built by the first of these */
enum { BUILT_BY = 3 };

/* False if there is nothing more to do; *status is then the program's. */
bool options_parse(options *o, int argc, char **argv, int *status);
void options_table(argument table[OPTIONS + 1], options *o);

/* ---- model.c ----------------------------------------------------------------------------------------------------- */

bool model_train(options *o);
bool model_read(tap_vae *vae, tap_module *root, options *o, const char *path); /* sets what it was trained with in o */

/* ---- compress.c -------------------------------------------------------------------------------------------------- */

bool perform(options *o); /* the task */

/* ---- report.c ---------------------------------------------------------------------------------------------------- */

/* Bits per pixel of the coded bytes, beside what the model promises and other compressors need. Binary images become 0 and 1. */
bool report(const tap_vae *vae, tap_arena *a, tap_tensor images, int64_t bytes, double seconds);

#endif
