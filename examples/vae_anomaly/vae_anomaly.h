/* examples/vae_anomaly/vae_anomaly.h: shared declarations of this program. A function that returns false has printed the
 * reason, one line on standard error. */
#ifndef VAE_ANOMALY_H
#define VAE_ANOMALY_H

#include "examples/common/train.h"
#include "models/models.h"

enum { SCORES = 5, DIGITS = 10, MODEL_OPTIONS = 2 + TRAIN_MODEL_OPTIONS, OPTIONS = 9 + TRAIN_OPTIONS };
enum { INDEX, CLASS, ANOMALY, SCORE, COLUMNS = SCORE + SCORES };
extern const char *const columns[COLUMNS];

typedef struct {
    train_options train;
    const char   *normal, *anomaly, *data, *model, *only; /* NULL: not given; only: a directory to score */
    int64_t       latent, samples, weights, steps;
} options;

/* Images uint8 [n,28,28] and a table float64 [n,COLUMNS] of their labels and scores. */
typedef struct {
    tap_tensor images, table;
    int64_t    anomalies; /* number of images that are anomalies */
} set;

/* If it returns false, the program must end with *status (0 after --help, else 2). */
bool options_parse(options *o, int argc, char **argv, int *status);
/* A trained model depends on the first MODEL_OPTIONS options; the first, `latent`, suffices to rebuild it. */
void options_table(argument table[OPTIONS + 1], options *o);

/* Draws the scores and the extreme images. Unless images are only scored, prints how well each score detects the anomalies of
 * each class; auroc gets the values for all anomalies. */
bool report(const set *s, const options *o, double auroc[SCORES]);

#endif
