/* examples/common/measure_vae.h: measurements of a VAE over a data set. A function that returns false has printed the
 * reason, one line on standard error. */
#ifndef EXAMPLES_MEASURE_VAE_H
#define EXAMPLES_MEASURE_VAE_H

#include "models/models.h"

/* For each dimension of z, means over the data [n,...]: KL(q(z|x) | p(z)) in nats, and the variance of the mean of q(z|x). */
bool measure_latents(double *kl, double *variance, const tap_vae *vae, tap_tensor data, uint64_t seed);

/* log p(x) in nats, a mean over the data, and its standard error over the data. */
typedef struct {
    bool   known; /* false if the measurement was interrupted */
    double mean, error;
} log_likelihood;

/* log p(x) = log E_q [p(x|z) p(z) / q(z|x)] by so many draws of z for each x, in memory that does not depend on their
 * number. */
bool measure_log_likelihood(log_likelihood *l, const tap_vae *vae, tap_tensor data, int64_t draws, uint64_t seed, bool quiet);

#endif
