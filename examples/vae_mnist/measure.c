/* examples/vae_mnist/measure.c: estimates the log-likelihood of images under a VAE and measures the dimensions of z. */
#include "vae_mnist.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS = 1000, IMAGES = 20 }; /* draws decoded at a time, and images encoded at a time; bounds the memory for any K */

/* Adds the rows of x [n,width] to sum and, unless it is NULL, their squares to squares. */
static void add_rows(tap_tensor x, int64_t width, double *sum, double *squares)
{
    const int64_t n = x.data ? tap_tensor_numel(x) : 0;
    for (int64_t i = 0; i < n; i++) {
        const double v = tap_tensor_item(x, i);
        sum[i % width] += v;
        if (squares) squares[i % width] += v * v;
    }
}

bool measure_latents(double *kl, double *variance, const tap_vae *vae, tap_tensor data, uint64_t seed)
{
    const int64_t n = vae->options.latent;
    const double  count = (double)data.shape.n[0];
    double       *mean = calloc((size_t)n, sizeof *mean); /* the sums of the means, and in variance those of their squares */
    pass          p = pass_begin(data, 500, seed);
    for (int64_t i = 0; i < n; i++) kl[i] = variance[i] = 0;
    while (mean && pass_next(&p)) {
        const tap_dist q = tap_vae_encode(vae, tap_input(p.tape, p.b.x));
        add_rows(tap_value(q.param[0]), n, mean, variance);
        add_rows(tap_value(tap_kl(q, tap_standard_normal_like(q))), n, kl, NULL);
    }
    for (int64_t i = 0; mean && i < n; i++) {
        kl[i] /= count;
        variance[i] = fmax(variance[i] - mean[i] * mean[i] / count, 0) / count;
    }
    const bool ok = mean || fail("out of memory");
    free(mean);
    return pass_end(&p) && ok;
}

/* ---- The log-likelihood: log p(x) = log E_q [p(x|z) p(z) / q(z|x)] ------------------------------------------------ */

/* log(e^a + e^b) */
static double log_add(double a, double b)
{
    return fmax(a, b) + log1p(exp(-fabs(a - b)));
}

/* Log importance weights [k,batch] of k draws from q for the images x. */
static tap_var log_weights(const tap_vae *vae, tap_var x, tap_dist q, int64_t k)
{
    tap_var z = tap_sample_n(q, k), log_pz = tap_log_prob(tap_standard_normal_like(q), z);
    tap_var log_px = tap_sum(tap_log_prob(tap_vae_decode(vae, z), x), TAP_LAST);
    return tap_add(log_px, tap_sum(tap_sub(log_pz, tap_log_prob(q, z)), TAP_LAST));
}

/* Computes the logarithm of the sum of k weights for each image of the batch. The pass's tape keeps q while the decoder's tape
 * is reset for each group of draws. Returns false if interrupted. */
static bool weigh(const tap_vae *vae, const pass *p, tap_tape *decoder, int64_t k, double *log_sums)
{
    tap_dist q = tap_vae_encode(vae, tap_input(p->tape, p->b.x));
    for (int i = 0; i < IMAGES; i++) log_sums[i] = -HUGE_VAL;
    for (int64_t done = 0, part; done < k && !interrupted(); done += part) {
        part = k - done < ROWS / IMAGES ? k - done : ROWS / IMAGES;
        tap_tape_reset(decoder);
        tap_dist   here = tap_normal(tap_input(decoder, tap_value(q.param[0])), tap_input(decoder, tap_value(q.param[1])));
        tap_tensor w = tap_value(log_weights(vae, tap_input(decoder, p->b.x), here, part));
        for (int64_t i = 0; i < part * p->b.n; i++) log_sums[i % p->b.n] = log_add(log_sums[i % p->b.n], tap_tensor_item(w, i));
    }
    return !interrupted();
}

bool measure_log_likelihood(log_likelihood *l, const tap_vae *vae, tap_tensor data, int64_t draws, uint64_t seed, bool quiet)
{
    pass      p = pass_begin(data, IMAGES, seed);
    tap_tape *decoder = tap_tape_new(TAP_F32, seed ^ tap_random_hash("evaluate"));
    double    log_sums[IMAGES], n = (double)data.shape.n[0], sum = 0, squares = 0;
    tap_tape_set_recording(decoder, false);
    bar_start(quiet, "evaluation", "log p(x)", 1, data.shape.n[0], 0);
    while (pass_next(&p) && weigh(vae, &p, decoder, draws, log_sums)) {
        for (int64_t i = 0; i < p.b.n; i++) {
            const double log_p = log_sums[i] - log((double)draws);
            sum += log_p;
            squares += log_p * log_p;
        }
        bar_update(1, p.done, sum / (double)p.done);
    }
    *l = (log_likelihood){ !interrupted(), sum / n, sqrt(fmax(squares - sum * sum / n, 0) / (n * fmax(n - 1, 1))) };
    const bool ok = tape_end(decoder);
    return pass_end(&p) && ok && (!l->known || isfinite(l->mean) || fail("the log-likelihood is not a finite number"));
}
