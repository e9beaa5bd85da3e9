/* examples/vae_mnist/vae_mnist.h: what the files of this program share. A function that returns false has already said why, in
 * one line on standard error. */
#ifndef VAE_MNIST_H
#define VAE_MNIST_H

#include "examples/common/common.h"
#include "models/models.h"

/* ---- options.c --------------------------------------------------------------------------------------------------- */

typedef struct {
    const char     *data; /* NULL: look for some */
    const char     *out;
    tap_vae_options model;
    const char     *hidden, *activation, *sigma, *bound, *estimator; /* as text, for the records; sigma NULL: not given */
    double          beta, lr;
    int64_t         epochs, batch, threads; /* threads 0: the library's choice */
    int64_t         evaluate;               /* K, draws per image for the log-likelihood; 0: not asked for */
    uint64_t        seed;
    double          checkpoint_every;    /* seconds */
    bool            quiet, resume, skip; /* skip: steps whose numbers are not finite */
    uint64_t        given;               /* which of the table's options, a bit each */
} options;

/* False: the program ends here, with *status (0 after --help, else 2). */
bool options_parse(options *o, int argc, char **argv, int *status);
/* Adds all that the results depend on to the checkpoint. */
void options_keep(const options *o, tap_checkpoint *c);
/* Takes what was not given on the command line from the run, which was to take so many epochs; what was given must be what it was
 * there, but for epochs. The texts are in the arena. */
bool options_resume(options *o, const tap_checkpoint_found *run, int64_t epochs, tap_arena *a);

/* ---- resume.c ---------------------------------------------------------------------------------------------------- */

/* Opens the checkpoint of o->out; with --resume, takes the options that were not given from it. False: it is in use, damaged, of
 * other options, or of a run that is not done and that nobody asked to go on with. */
bool resume_open(tap_checkpoint **c, options *o, tap_arena *a);

/* ---- train.c ----------------------------------------------------------------------------------------------------- */

/* Means over images, in nats. elbo = rec - kl */
typedef struct {
    double elbo, rec, kl;
} score;

/* What became of the dimensions of z, over the test images. */
typedef struct {
    int64_t n, active; /* dimensions; those whose posterior mean has a variance above 0.01 */
    double *kl, *variance;
} latents;

/* One epoch. The training ELBO is the mean over the epoch's steps, each before its update. */
typedef struct {
    int64_t epoch, skipped;                         /* steps left out, as their numbers were not finite */
    double  train_elbo, images_per_second, seconds; /* of training alone */
    score   test;
    latents z;
} record;

/* Trains as the options say, from where the checkpoint stands; evaluates after each epoch (without epochs: once) and appends to
 * records[0..epochs-1]. In *last is the latest evaluation. What records point to is in the arena. */
bool train(tap_vae *vae, tap_module *root, const dataset *d, const options *o, tap_checkpoint *c, tap_arena *a, record *records,
           int64_t *n_records, record *last);

/* ---- evaluate.c -------------------------------------------------------------------------------------------------- */

/* log p(x) by K draws, a mean over the test images, and its standard error over images. */
typedef struct {
    bool   known;
    double mean, error;
} evidence;

bool is_active(const latents *z, int64_t i);
bool latents_measure(latents *z, tap_arena *a, const tap_vae *vae, const options *o, tap_tensor test);
void latents_print(const latents *z);
/* Interrupted, it is not known. */
bool evidence_measure(evidence *l, const tap_vae *vae, const options *o, tap_tensor test);

/* ---- records.c --------------------------------------------------------------------------------------------------- */

/* Records as rows of numbers, for a checkpoint. */
int64_t record_columns(int64_t latent);
void    record_store(double *row, const record *r);
bool    record_restore(record *r, const double *row, int64_t latent, tap_arena *a);

bool metrics_write(const options *o, int64_t n, const record *records, evidence l);           /* metrics.jsonl */
bool timing_write(const options *o, int64_t n, const record *records);                        /* timing.jsonl */
bool model_write(const options *o, const tap_module *root, const char *data, int64_t epochs); /* model.safetensors */

/* ---- chart.c ----------------------------------------------------------------------------------------------------- */

bool chart_write(const options *o, int64_t n, const record *records); /* training.svg: both ELBO curves */

/* ---- pictures.c -------------------------------------------------------------------------------------------------- */

/* reconstructions.png, samples.png, interpolation.png and, with a latent space of two dimensions, manifold.png */
bool pictures_write(const options *o, const tap_vae *vae, tap_tensor test);
/* Reconstructions of the first test images as text, if standard output is a terminal. */
bool pictures_show(const options *o, const tap_vae *vae, tap_tensor test);

/* ---- text.c ------------------------------------------------------------------------------------------------------ */

int  text_columns(void);             /* how many images fit side by side into the terminal */
void text_images(tap_tensor images); /* [1,n,28,28], with blocks of two pixels */

#endif
