/* examples/vae_generate/vae_generate.h: what the files of this program share. A function that returns false has already said
 * why, in one line on standard error. */
#ifndef VAE_GENERATE_H
#define VAE_GENERATE_H

#include "examples/common/train.h"
#include "models/models.h"

enum { DIGITS = 10 };
enum { MODEL_OPTIONS = 2 + TRAIN_MODEL_OPTIONS, OPTIONS = 10 + TRAIN_OPTIONS };

typedef struct {
    train_options train;
    const char   *data, *model, *classifier; /* NULL: look for some; train one; the one in out */
    int64_t       latent, digit, ends[2];    /* digit and the ends of the interpolation, test images; -1: none is asked for */
    double        beta;
    bool          samples, traversals, measure;
} options;

/* Images with their labels, int64 [n]. */
typedef struct {
    tap_tensor images, labels;
} labelled;

typedef struct {
    dataset  found;
    labelled train, test;
} digits;

tap_var labels_of(tap_tape *t, tap_tensor labels, const int64_t *rows, int64_t n); /* of these rows: int64 [n] */
tap_var one_hot(tap_var label);                                                    /* float32 [..,DIGITS] */

/* ---- options.c --------------------------------------------------------------------------------------------------- */

/* False: the program ends here, with *status (0 after --help, else 2). */
bool options_parse(options *o, int argc, char **argv, int *status);
/* The table of options, of which a trained model depends on the first MODEL_OPTIONS; without `latent`, the first, none can
 * be built. */
void options_table(argument table[OPTIONS + 1], options *o);

/* ---- model.c ----------------------------------------------------------------------------------------------------- */

/* Trains a model and writes it, or reads the one that the options name; and sees before whether the files can be written.
 * *whole is false if training was interrupted. */
bool model_get(tap_vae *vae, tap_module *root, options *o, const digits *d, int n, const out_file *files, bool *whole);

/* ---- classifier.c ------------------------------------------------------------------------------------------------ */

enum { FEATURES = 128 };

typedef struct {
    tap_conv   conv[2];
    tap_linear hidden, out;
} classifier;

/* Reads it from the file that the options name or, if it is there, classifier.safetensors in out; it is *known then. */
bool classifier_find(classifier *c, tap_module *root, const options *o, const digits *d, bool *known);
/* Trains it, and writes it into out. *whole is false if that was interrupted. */
bool    classifier_train(const classifier *c, tap_module *root, const options *o, const digits *d, bool *whole);
tap_var classifier_features(const classifier *c, tap_var x); /* its last hidden layer: [n,784] -> [n,FEATURES] */

/* ---- draw.c ------------------------------------------------------------------------------------------------------ */

bool draw(const options *o, const tap_vae *vae, const digits *d);
enum { PICTURES = 5 };
int draw_files(out_file files[PICTURES], const options *o); /* how many files it writes, and which */

/* ---- measure.c --------------------------------------------------------------------------------------------------- */

/* By this classifier, which learns now if it is not known. */
bool measure(const options *o, const tap_vae *vae, const digits *d, const classifier *c, tap_module *root, bool known);

#endif
