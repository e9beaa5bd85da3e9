/* examples/common/measure_vae.h: measurements of a VAE over a data set. A function that returns false has printed the
 * reason, one line on standard error. */
#ifndef EXAMPLES_MEASURE_VAE_H
#define EXAMPLES_MEASURE_VAE_H

#include "models/models.h"

/* Means over the data [n,...] for each dimension of z: KL(q(z|x) | p(z)) in nats, and the variance of q(z|x)'s mean. */
bool measure_latents(double *kl, double *variance, const tap_vae *vae, tap_tensor data, uint64_t seed);

/* The mean of log p(x) over the data, in nats, and its standard error. */
typedef struct {
    bool   known; /* false if the measurement was interrupted */
    double mean, error;
} log_likelihood;

/* Estimates log p(x) = log E_q [p(x|z) p(z) / q(z|x)] from the given number of draws of z for each x; memory use is independent
 * of that number. */
bool measure_log_likelihood(log_likelihood *l, const tap_vae *vae, tap_tensor data, int64_t draws, uint64_t seed, bool quiet);

#endif
