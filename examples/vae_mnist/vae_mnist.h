/* examples/vae_mnist/vae_mnist.h: shared declarations of this program. A function that returns false has printed the reason,
 * one line on standard error. */
#ifndef VAE_MNIST_H
#define VAE_MNIST_H

#include "examples/common/measure_vae.h"
#include "examples/common/train.h"
#include "models/models.h"

/* ---- options.c --------------------------------------------------------------------------------------------------- */

#define LIKELIHOODS "bernoulli or gaussian"
#define BOUNDS      "elbo or iwae"
#define ESTIMATORS  "reparameterized, stl, dreg, score, score-baseline or score-loo"

typedef struct {
    train_options   train;
    const char     *data; /* NULL: search for a data set */
    tap_vae_options model;
    const char     *hidden, *activation, *sigma; /* the texts given, for the records; sigma NULL: not given */
    double          beta;
    int64_t         evaluate;       /* K, the draws per image for the log-likelihood; 0: not measured */
    int             skip_nonfinite; /* 1: omit updates with values that are not finite */
    uint64_t        given;          /* one bit for each option of the table that was given */
} options;

/* Ends the program after --help and after an error. */
void options_parse(options *o, int argc, char **argv);
/* If there is a run to resume, sets the options that were not given from its checkpoint. Those that were given must be equal
 * to the run's, except that the number of epochs may grow. The arena owns the texts. */
bool options_resume(options *o, const tap_checkpoint *c, tap_arena *a);

/* ---- train.c ----------------------------------------------------------------------------------------------------- */

/* The measurements of an epoch, a row of the checkpoint's table of records. ELBO = rec - kl is a mean over images in nats. The
 * training ELBO is the mean over the epoch's steps, each computed before its update. */
typedef struct {
    double epoch, skipped; /* skipped: number of steps without an update */
    double train_elbo, test_elbo, test_rec, test_kl;
    double seconds, images_per_second; /* of training, without evaluation */
    double latents[]; /* on the test images: the KL of each dimension of z, then the variances of the posterior means */
} record;

typedef struct {
    const options  *o;
    tap_vae        *vae;
    tap_module     *root;
    const dataset  *data;
    tap_checkpoint *checkpoint;
    double         *records;   /* [epochs + 1,record_columns] */
    int64_t         n_records; /* number of rows filled in */
} run;

/* Trains according to the options, starting at the checkpoint's position, and evaluates after each epoch; with 0 epochs,
 * evaluates once. *whole is false if training was interrupted. */
bool train_vae(run *r, bool *whole);

/* ---- records.c --------------------------------------------------------------------------------------------------- */

int64_t record_columns(const options *o);
record *record_at(const run *r, int64_t i);
record *record_last(const run *r); /* the latest evaluation; NULL before the first */

/* Whether dimension i of z is active: the variance of its posterior mean is above 0.01. */
bool    is_active(const run *r, const record *e, int64_t i);
int64_t count_active(const run *r, const record *e);
void    latents_print(const run *r, const record *e);

bool metrics_write(const run *r, log_likelihood l); /* metrics.jsonl */
bool timing_write(const run *r);                    /* timing.jsonl */
bool curves_write(const run *r);                    /* training.svg: both ELBOs */
bool model_write(const run *r);                     /* model.safetensors */

/* ---- pictures.c -------------------------------------------------------------------------------------------------- */

/* Writes reconstructions.png, samples.png, interpolation.png and, if the latent space is two-dimensional, manifold.png. */
bool pictures_write(const options *o, const tap_vae *vae, tap_tensor test);
/* Prints reconstructions of the first test images as text, if standard output is a terminal. */
bool pictures_print(const options *o, const tap_vae *vae, tap_tensor test);

#endif
