/* examples/vae_compress/vae_compress.h: lossless compression of images by a variational autoencoder. */
#ifndef VAE_COMPRESS_H
#define VAE_COMPRESS_H

#include "examples/common/train.h"
#include "models/models.h"

typedef enum { COMPRESS, DECOMPRESS, BINARIZE, TRAIN, TASKS } task;

typedef struct {
    task          task;
    const char   *from, *to; /* input and output file; unused when training */
    train_options train;
    bool          binary;
    int64_t       latent, hidden;
    const char   *data, *model;
} options;

/* The first BUILT_BY options are needed to rebuild a trained model; it depends on the first MODEL_OPTIONS. */
enum { BUILT_BY = 3, MODEL_OPTIONS = 3 + TRAIN_MODEL_OPTIONS, OPTIONS = 5 + TRAIN_OPTIONS };

/* options.c. If it returns false, the program must end with *status (0 after --help, else 2). */
bool options_parse(options *o, int argc, char **argv, int *status);
void options_table(argument table[OPTIONS + 1], options *o);

#endif
