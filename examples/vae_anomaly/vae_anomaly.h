/* examples/vae_anomaly/vae_anomaly.h: shared declarations of this program. */
#ifndef VAE_ANOMALY_H
#define VAE_ANOMALY_H

#include "examples/common/common.h"
#include "models/models.h"

enum { SCORES = 5, DIGITS = 10 };
enum { TASK = OWN }; /* the role of --normal, which is restored with a model if the command names no other task */
enum { INDEX, CLASS, ANOMALY, SCORE, COLUMNS = SCORE + SCORES };
extern const char *const columns[COLUMNS];

typedef struct {
    train_options train;
    const char   *normal, *anomaly, *data, *only; /* NULL: not given; only: a directory to score */
    int64_t       latent, samples, weights, steps;
} options;

/* Images uint8 [n,28,28] and a table float64 [n,COLUMNS] of their labels and scores. */
typedef struct {
    tap_tensor images, table;
    int64_t    anomalies; /* number of images that are anomalies */
} set;

/* Draws the scores and the extreme images. Unless images are only scored, prints how well each score detects the anomalies of
 * each class; auroc gets the values for all anomalies. */
bool report(const set *s, const options *o, double auroc[SCORES]);

#endif
