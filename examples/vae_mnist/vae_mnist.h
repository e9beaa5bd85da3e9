/* examples/vae_mnist/vae_mnist.h: what the files of this program share. A function that returns false has already said why, in
 * one line on standard error. */
#ifndef VAE_MNIST_H
#define VAE_MNIST_H

#include "models/models.h"

#define SIDE      28 /* images are SIDE x SIDE pixels */
#define PATH_SIZE 4096

/* ---- main.c ------------------------------------------------------------------------------------------------------ */

bool interrupted(void); /* Ctrl-C was pressed: finish the step, write what there is */

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
    bool            quiet;
} options;

/* False: the program ends here, with *status (0 after --help, else 2). */
bool options_parse(options *o, int argc, char **argv, int *status);

/* ---- data.c ------------------------------------------------------------------------------------------------------ */

typedef struct {
    const char *name;            /* "MNIST" */
    char        from[PATH_SIZE]; /* its directory */
    tap_tensor  train, test;     /* uint8 [n,28,28] */
} dataset;

/* From o->data, or from the first place of the search that has any. The images live in the arena. */
bool dataset_load(dataset *d, tap_arena *a, const options *o);

/* The first place of the search that has any images, or `given` if that is not NULL; no word if there is none. */
bool dataset_find(char dir[PATH_SIZE], const char *given);
/* The file of a part ("train", "t10k") and a kind ("images", "labels") in dir, whatever it is called there; its tensor's rank. */
bool dataset_file(char path[PATH_SIZE], const char *dir, const char *part, const char *kind, int rank);

/* path = dir/name, or dir for an empty name; false if that is too long. */
bool join(char path[PATH_SIZE], const char *dir, const char *name);

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
    int64_t epoch;
    double  train_elbo, images_per_second, seconds; /* of training alone */
    score   test;
    latents z;
} record;

/* Trains as the options say, evaluates after each epoch (without epochs: once) and appends to records[0..epochs-1]. In *last
 * is the latest evaluation. What records point to is in the arena. */
bool train(tap_vae *vae, tap_module *root, const dataset *d, const options *o, tap_arena *a, record *records,
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

bool metrics_write(const options *o, int64_t n, const record *records, evidence l);         /* metrics.jsonl */
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

/* ---- screen.c ---------------------------------------------------------------------------------------------------- */

bool   fail(const char *format, ...) TAP_PRINTF(1, 2); /* one line on standard error; returns false */
double now(void);                                      /* seconds since some moment */

/* A line on the terminal behind standard error, redrawn now and then; nothing when that is no terminal. */
void bar_start(bool quiet, const char *task, const char *number, int64_t rounds, int64_t images_per_round);
void bar_update(int64_t round, int64_t images, double value); /* the number that is to be shown, so far */
void bar_clear(void);

/* What the terminal behind a descriptor can show. */
bool screen_is_terminal(int fd);
bool screen_has_color(int fd); /* and NO_COLOR is not set */
bool screen_is_utf8(void);
int  screen_width(int fd);

#endif
