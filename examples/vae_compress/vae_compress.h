/* examples/vae_compress/vae_compress.h: lossless compression of images by a variational autoencoder. */
#ifndef VAE_COMPRESS_H
#define VAE_COMPRESS_H

#include "examples/common/train.h"
#include "models/models.h"

typedef enum { COMPRESS, DECOMPRESS, BINARIZE, TRAIN, TASKS } task;

typedef struct {
    task          task;
    const char   *from, *to; /* the files of all tasks but training */
    train_options train;
    bool          binary;
    int64_t       latent, hidden;
    const char   *data, *model;
} options;

/* Rows of the table of options: a model is built by the first ones, and depends on more. */
enum { BUILT_BY = 3, MODEL_OPTIONS = 3 + TRAIN_MODEL_OPTIONS, OPTIONS = 5 + TRAIN_OPTIONS };

/* False if there is nothing more to do; *status is then the program's. */
bool options_parse(options *o, int argc, char **argv, int *status);
void options_table(argument table[OPTIONS + 1], options *o);

bool train_on_mnist(options *o);
bool model_read(tap_vae *vae, tap_module *root, options *o, bool binary);
/* -ELBO in nats of an image in the mean, with one draw of z for each, as a code has it. */
bool model_promise(const tap_vae *vae, tap_tensor images, double *nats);

#endif
