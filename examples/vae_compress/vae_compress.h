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

bool train_on_mnist(options *o);
bool model_read(tap_vae *vae, tap_module *root, options *o, bool binary);
/* The mean of -ELBO over the images in nats, with one draw of z per image, as the coder uses. */
bool model_promise(const tap_vae *vae, tap_tensor images, double *nats);

#endif
