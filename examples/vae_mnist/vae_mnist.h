/* examples/vae_mnist/vae_mnist.h: shared declarations of this program. A function that returns false has printed the reason, one line
 * on standard error. */
#ifndef VAE_MNIST_H
#define VAE_MNIST_H

#include "examples/common/train.h"
#include "models/models.h"

/* ---- options.c --------------------------------------------------------------------------------------------------- */

#define LIKELIHOODS "must be bernoulli or gaussian"
#define BOUNDS      "must be elbo or iwae"
#define ESTIMATORS  "must be reparameterized, stl, dreg, score, score-baseline or score-loo"

enum { SIGMA_ROW = 4, SAVED_OPTIONS = 14, EPOCHS_ROW = 15, OPTIONS = 23 };

typedef struct {
    train_options   train;
    const char     *data; /* NULL: search for a data set */
    tap_vae_options model;
    const char     *hidden, *activation, *sigma;  /* as given, for the records; sigma NULL: not given */
    int             likelihood, bound, estimator; /* the enumerators of the library, in its order */
    double          beta;
    int64_t         evaluate;       /* K, draws per image for the log-likelihood; 0: no evaluation */
    int             skip_nonfinite; /* 1: leave out steps whose numbers are not finite */
    uint64_t        given;          /* one bit for each option of the table that was given */
} options;

/* False: the program ends here, with *status (0 after --help, else 2). */
bool options_parse(options *o, int argc, char **argv, int *status);
/* The table of options; the results depend on the first SAVED_OPTIONS of them. */
void options_table(argument table[OPTIONS], options *o);
/* Takes the options that were not given from the checkpoint of a run, if there is one to resume. Those that were given must be equal to
 * the run's; only the number of epochs may grow. The texts are in the arena. */
bool options_resume(options *o, const tap_checkpoint *c, tap_arena *a);

/* ---- train.c ----------------------------------------------------------------------------------------------------- */

/* Means over images, in nats. elbo = rec - kl */
typedef struct {
    double elbo, rec, kl;
} score;

/* The dimensions of z over the test images: the KL of each, and the variance of its posterior mean. */
typedef struct {
    int64_t n, active; /* dimensions; those whose variance is above 0.01 */
    double *kl, *variance;
} latents;

/* The measurements of an epoch. The training ELBO is the mean over the epoch's steps, each before its update. */
typedef struct {
    int64_t epoch, skipped;                         /* steps without an update */
    double  train_elbo, images_per_second, seconds; /* of training, without evaluation */
    score   test;
    latents z;
} record;

typedef struct {
    const options  *o;
    tap_vae        *vae;
    tap_module     *root;
    const dataset  *data;
    tap_checkpoint *checkpoint;
    tap_arena      *arena;
    record         *records;   /* [epochs]; */
    int64_t         n_records; /* the first ones are filled in */
    record          last;      /* the latest evaluation */
} run;

/* Trains as the options say, from where the checkpoint stands, and evaluates after each epoch; without epochs, evaluates once. *whole is
 * false if training was interrupted. */
bool train_vae(run *r, bool *whole);

/* ---- evaluate.c -------------------------------------------------------------------------------------------------- */

/* log p(x) by K draws, a mean over the test images, and its standard error over images. */
typedef struct {
    bool   known;
    double mean, error;
} evidence;

bool is_active(const latents *z, int64_t i);
bool latents_measure(latents *z, tap_arena *a, const tap_vae *vae, const options *o, tap_tensor test);
void latents_print(const latents *z);
bool evidence_measure(evidence *l, const tap_vae *vae, const options *o, tap_tensor test); /* not known if interrupted */

/* ---- records.c --------------------------------------------------------------------------------------------------- */

/* Records as rows of numbers, for a checkpoint. */
int64_t record_columns(int64_t latent);
void    record_store(double *row, const record *r);
bool    record_restore(record *r, const double *row, int64_t latent, tap_arena *a);

bool metrics_write(const options *o, int64_t n, const record *records, evidence l);           /* metrics.jsonl */
bool timing_write(const options *o, int64_t n, const record *records);                        /* timing.jsonl */
bool curves_write(const options *o, int64_t n, const record *records);                        /* training.svg: both ELBOs */
bool model_write(const options *o, const tap_module *root, const char *data, int64_t epochs); /* model.safetensors */

/* ---- pictures.c -------------------------------------------------------------------------------------------------- */

/* reconstructions.png, samples.png, interpolation.png and, with a latent space of two dimensions, manifold.png */
bool pictures_write(const options *o, const tap_vae *vae, tap_tensor test);
/* Reconstructions of the first test images as text, if standard output is a terminal. */
bool pictures_print(const options *o, const tap_vae *vae, tap_tensor test);

#endif
