/* examples/vae_generate/vae_generate.h: what the files of this program share. A function that returns false has already said why,
 * in one line on standard error. */
#ifndef VAE_GENERATE_H
#define VAE_GENERATE_H

#include "examples/common/common.h"
#include "models/models.h"

enum { DIGITS = 10 };

typedef struct {
    const char *data, *out, *model, *classifier; /* NULL: look for some; train one; the one in out */
    int64_t     latent, epochs, batch, threads;
    int64_t     digit, from, to; /* -1: none is asked for */
    double      lr, beta, checkpoint_every;
    uint64_t    seed;
    bool        samples, traversals, measure, resume, quiet;
} options;

/* Images with their labels, int64 [n]. */
typedef struct {
    tap_tensor images, labels;
} labelled;

typedef struct {
    dataset  found;
    labelled train, test;
} digits;

/* ---- options.c --------------------------------------------------------------------------------------------------- */

/* False: the program ends here, with *status (0 after --help, else 2). */
bool options_parse(options *o, int argc, char **argv, int *status);
/* Adds all that a trained model depends on to the checkpoint. */
void options_keep(const options *o, tap_checkpoint *c);

/* ---- learn.c ----------------------------------------------------------------------------------------------------- */

/* Something to be learned from images and labels. */
typedef struct {
    double      lr;
    tap_module *root;
    const void *net;
    tap_var (*loss)(const void *net, tap_var x, tap_var label); /* [], a mean over images */
    labelled        from;
    int64_t         epochs, batch;
    uint64_t        seed;
    double          checkpoint_every; /* seconds */
    tap_checkpoint *checkpoint;       /* NULL: none */
    bool            resume, quiet;    /* resume: from where the checkpoint stands */
} lesson;

/* By Adam, whose step size falls to 0 over the second half. *whole is false if it was interrupted. */
bool    learn(const lesson *l, bool *whole);
tap_var labels_of(tap_tape *t, const tap_loader *images, tap_tensor labels); /* of the last batch: int64 [n] */
tap_var one_hot(tap_var label);                                              /* float32 [..,DIGITS] */
bool    tape_end(tap_tape *t);                                               /* frees it; whether all went well on it */

/* ---- model.c ----------------------------------------------------------------------------------------------------- */

/* Trains a model and writes it, or reads the one that the options name. *whole is false if training was interrupted. */
bool model_get(tap_vae *vae, tap_module *root, const options *o, const digits *d, bool *whole);

/* ---- classifier.c ------------------------------------------------------------------------------------------------ */

enum { FEATURES = 128 };

typedef struct {
    tap_conv   conv[2];
    tap_linear hidden, out;
} classifier;

/* The same as of a model: from its file or, if there is none, trained and written. */
bool    classifier_get(classifier *c, tap_module *root, const options *o, const digits *d, bool *whole);
tap_var classifier_features(const classifier *c, tap_var x); /* its last hidden layer: [n,784] -> [n,FEATURES] */

/* ---- draw.c ------------------------------------------------------------------------------------------------------ */

bool draw(const options *o, const tap_vae *vae, const digits *d);

/* ---- measure.c --------------------------------------------------------------------------------------------------- */

bool measure(const options *o, const tap_vae *vae, const digits *d);

/* ---- frechet.c --------------------------------------------------------------------------------------------------- */

/* |mean_a - mean_b|^2 + tr(A + B - 2 sqrt(A B)), the squared Frechet (Wasserstein-2) distance of N(mean_a, A) and N(mean_b, B):
 * Dowson & Landau 1982, Heusel et al. 2017. a, b: float64 [n,k], whose rows have these means and covariances. NaN on an error. */
double frechet_distance(tap_tensor a, tap_tensor b);
/* Eigenvalues of the symmetric a [n,n], by Jacobi's rotations; in q (may be NULL) the eigenvectors as rows. a is used up. */
void symmetric_eigen(int n, double *a, double *values, double *q);

#endif
