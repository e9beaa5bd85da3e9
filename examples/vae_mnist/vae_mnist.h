/* examples/vae_mnist/vae_mnist.h: shared declarations of this program. */
#ifndef VAE_MNIST_H
#define VAE_MNIST_H

#include "examples/common/common.h"

enum { GROWS = OWN }; /* the role of --epochs, which may differ when a run is resumed */

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

/* The measurements of an epoch, a row of the checkpoint's table of records. ELBO = rec - kl is a mean over images in nats. The
 * training ELBO is the mean over the epoch's steps, each computed before its update. */
typedef struct {
    double epoch, skipped; /* skipped: number of steps without an update */
    double train_elbo, test_elbo, test_rec, test_kl;
    double seconds, images_per_second; /* of training, without evaluation */
    double latents[]; /* on the test images: the KL of each dimension of z, then the variances of the posterior means */
} record;

typedef struct {
    options        *o;
    const dataset  *data;
    tap_checkpoint *checkpoint;
    tap_module     *root;
    tap_vae         vae;
    tap_loader     *test_images;
    int64_t         epochs;    /* a copy for the checkpoint */
    double         *records;   /* [epochs + 1,record_columns] */
    int64_t         n_records; /* number of rows filled in */
    double         *means;     /* room for a number of each dimension of z */
    bool            printed;   /* whether the header of the table of epochs was printed */
} run;

bool evaluate(const run *r, record *e); /* measures the test images, with the same noise in each call */

/* The mean of log p(x) over the data, in nats, and its standard error. */
typedef struct {
    bool   known; /* false if the measurement was interrupted */
    double mean, error;
} log_likelihood;

/* Estimates log p(x) = log E_q [p(x|z) p(z) / q(z|x)] from the given number of draws of z for each x; memory use is independent
 * of that number. */
bool measure_log_likelihood(log_likelihood *l, const tap_vae *vae, tap_tensor data, int64_t draws, uint64_t seed, bool quiet);

/* The row of records that belongs to an epoch, from 0, and its number of columns. */
int64_t record_columns(const options *o);
record *record_at(const run *r, int64_t i);
void    latents_print(const run *r, const record *e);

bool metrics_write(const run *r, log_likelihood l); /* metrics.jsonl */
bool timing_write(const run *r);                    /* timing.jsonl */
bool curves_write(const run *r);                    /* training.svg: both ELBOs */

/* Writes reconstructions.png, samples.png, interpolation.png and, if the latent space is two-dimensional, manifold.png. */
bool pictures_write(const run *r);
/* Prints reconstructions of the first test images as text, if standard output is a terminal. */
bool pictures_print(const run *r);

#endif
