/* examples/vae_generate/vae_generate.h: shared declarations of this program. */
#ifndef VAE_GENERATE_H
#define VAE_GENERATE_H

#include "examples/common/common.h"

enum { DIGITS = 10, PICTURES = 5 };

typedef struct {
    train_options train;
    const char   *data, *classifier;      /* NULL: search for a data set; use the one in `out` */
    int64_t       latent, digit, ends[2]; /* digit to draw, test images to interpolate between; -1: not requested */
    double        beta;
    bool          samples, traversals, measure;
} options;

/* All that the program works with. */
typedef struct {
    options     o;
    tap_arena  *arena;
    dataset     found;
    tap_tensor  train_labels, test_labels; /* int64 [n], of the images found.train and found.test */
    tap_module *root, *reader_root;        /* of vae; of the classifier, the reader */
    tap_vae     vae;
    tap_conv    reader_conv[2]; /* the classifier's layers */
    tap_linear  reader_hidden, reader_out;
    char        reader_file[PATH_SIZE], reader_data[64]; /* the classifier's file; what it learns from, "60000 MNIST" */
    bool        reader_missing;                          /* whether the classifier must be trained */
    char        digit_file[32];                          /* of --digit */
} state;

tap_var one_hot(tap_var label); /* float32 [..,DIGITS] */

/* measure.c: loads the classifier from the file that the options name or, if it exists, out/classifier.safetensors; then
 * evaluates the model with the classifier, which is trained first if it is missing, and saved. */
bool classifier_find(state *s);
bool measure(const state *s);

#endif
