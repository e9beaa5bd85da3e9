/* examples/vae_generate/vae_generate.h: shared declarations of this program. A function that returns false has printed the
 * reason, one line on standard error. */
#ifndef VAE_GENERATE_H
#define VAE_GENERATE_H

#include "examples/common/train.h"
#include "models/models.h"

enum { DIGITS = 10 };

typedef struct {
    train_options train;
    const char   *data, *model, *classifier; /* NULL: search for a data set; train a model; use the one in `out` */
    int64_t       latent, digit, ends[2];    /* digit to draw, test images to interpolate between; -1: not requested */
    double        beta;
    bool          samples, traversals, measure;
} options;

/* Images and their labels, int64 [n]. */
typedef struct {
    tap_tensor images, labels;
} labelled;

typedef struct {
    dataset  found;
    labelled train, test;
} digits;

tap_var labels_of(tap_tape *t, tap_tensor labels, const int64_t *rows, int64_t n); /* the labels of these rows: int64 [n] */
tap_var one_hot(tap_var label);                                                    /* float32 [..,DIGITS] */

/* ---- model.c ----------------------------------------------------------------------------------------------------- */

/* Trains a model and saves it, or loads the one that the options name. Checks beforehand that the files can be written. *whole
 * is false if training was interrupted. */
bool model_get(tap_vae *vae, tap_module *root, options *o, const digits *d, int n, const out_file *files, bool *whole);

/* ---- classifier.c ------------------------------------------------------------------------------------------------ */

enum { FEATURES = 128 };

typedef struct {
    tap_conv   conv[2];
    tap_linear hidden, out;
} classifier;

/* Loads the file that the options name or, if it exists, out/classifier.safetensors. *known: whether there is such a file. */
bool classifier_find(classifier *c, tap_module *root, const options *o, const digits *d, bool *known);
/* Trains the classifier and saves it in out. *whole is false if training was interrupted. */
bool    classifier_train(const classifier *c, tap_module *root, const options *o, const digits *d, bool *whole);
tap_var classifier_features(const classifier *c, tap_var x); /* the last hidden layer: [n,784] -> [n,FEATURES] */

/* ---- draw.c ------------------------------------------------------------------------------------------------------ */

bool draw(const options *o, const tap_vae *vae, const digits *d);
enum { PICTURES = 5 };
int draw_files(out_file files[PICTURES], const options *o); /* lists the files that draw() writes; returns their number */

/* ---- measure.c --------------------------------------------------------------------------------------------------- */

/* Evaluates the model with the classifier, which is trained first unless it is known. */
bool measure(const options *o, const tap_vae *vae, const digits *d, const classifier *c, tap_module *root, bool known);

#endif
