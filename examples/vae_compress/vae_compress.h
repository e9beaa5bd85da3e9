/* examples/vae_compress/vae_compress.h: lossless compression of images by a variational autoencoder. */
#ifndef VAE_COMPRESS_H
#define VAE_COMPRESS_H

#include "../common/learn.h"
#include "models/models.h"

typedef enum { COMPRESS, DECOMPRESS, BINARIZE, TRAIN, TASKS } task;

typedef struct {
    task        task;
    const char *from, *to; /* the files of all tasks but training */
    bool        binary, quiet, resume;
    int64_t     latent, hidden, epochs, batch, threads;
    double      lr, checkpoint_every;
    uint64_t    seed;
    const char *data, *out, *model;
} options;

/* Rows of the table of options: a model is built by the first ones and depends on more; others belong to training, too. */
enum { BUILT_BY = 3, KEPT = 7, OF_TRAINING = 11, OPTIONS = 14 };

/* False if there is nothing more to do; *status is then the program's. */
bool options_parse(options *o, int argc, char **argv, int *status);
void options_table(argument table[OPTIONS + 1], options *o);

bool model_train(options *o);
bool model_read(tap_vae *vae, tap_module *root, options *o, bool binary);
/* -ELBO in nats of an image in the mean, with one draw of z for each, as a code has it. */
bool model_promise(const tap_vae *vae, tap_tensor images, double *nats);

#endif
