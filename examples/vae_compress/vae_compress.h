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

/* If it returns false, the program must end with *status (0 after --help, else 2). */
bool options_parse(options *o, int argc, char **argv, int *status);
void options_table(argument table[OPTIONS + 1], options *o);

bool train_on_mnist(options *o);
bool model_read(tap_vae *vae, tap_module *root, options *o, bool binary);
/* The mean of -ELBO over the images in nats, with one draw of z per image, as the coder uses. */
bool model_promise(const tap_vae *vae, tap_tensor images, double *nats);

/* Sizes in bytes after compression by gzip -9, bzip2 -9 and xz -9, and as separate PNG files; 0 if unknown. */
typedef struct {
    size_t gzip, bzip2, xz, png;
} sizes;

sizes sizes_of(tap_tensor images, bool binary); /* uint8 [n,28,28]; binary: measured as one bit per pixel, set if not 0 */

#endif
