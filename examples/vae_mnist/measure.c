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
    tap_tape     *t = tap_tape_new(TAP_F32, seed);
    tap_loader   *images = tap_loader_new(data, (tap_loader_options){ .batch = 500 });
    tap_tensor    x;
    for (int64_t i = 0; i < n; i++) kl[i] = variance[i] = 0;
    tap_tape_set_recording(t, false);
    while (mean && tap_loader_next(images, &x)) {
        tap_tape_reset(t);
        const tap_dist q = tap_vae_encode(vae, tap_input(t, x));
        add_rows(tap_value(q.param[0]), n, mean, variance);
        add_rows(tap_value(tap_kl(q, tap_standard_normal_like(q))), n, kl, NULL);
    }
    for (int64_t i = 0; mean && i < n; i++) {
        kl[i] /= count;
        variance[i] = fmax(variance[i] - mean[i] * mean[i] / count, 0) / count;
    }
    bool ok = mean || fail("out of memory");
    ok = loader_end(images) && ok;
    free(mean);
    return tape_end(t) && ok;
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

/* Computes the logarithm of the sum of k weights for each image of x. The encoder's tape keeps q while the decoder's tape is
 * reset for each group of draws. Returns false if interrupted. */
static bool weigh(const tap_vae *vae, tap_tape *encoder, tap_tape *decoder, tap_tensor x, int64_t k, double *log_sums)
{
    const int64_t n = x.shape.n[0];
    tap_tape_reset(encoder);
    tap_dist q = tap_vae_encode(vae, tap_input(encoder, x));
    for (int i = 0; i < IMAGES; i++) log_sums[i] = -HUGE_VAL;
    for (int64_t done = 0, part; done < k && !interrupted(); done += part) {
        part = k - done < ROWS / IMAGES ? k - done : ROWS / IMAGES;
        tap_tape_reset(decoder);
        tap_dist   here = tap_normal(tap_input(decoder, tap_value(q.param[0])), tap_input(decoder, tap_value(q.param[1])));
        tap_tensor w = tap_value(log_weights(vae, tap_input(decoder, x), here, part));
        for (int64_t i = 0; i < part * n; i++) log_sums[i % n] = log_add(log_sums[i % n], tap_tensor_item(w, i));
    }
    return !interrupted();
}

bool measure_log_likelihood(log_likelihood *l, const tap_vae *vae, tap_tensor data, int64_t draws, uint64_t seed, bool quiet)
{
    tap_tape   *encoder = tap_tape_new(TAP_F32, seed), *decoder = tap_tape_new(TAP_F32, seed ^ tap_random_hash("evaluate"));
    tap_loader *images = tap_loader_new(data, (tap_loader_options){ .batch = IMAGES });
    tap_tensor  x;
    double      log_sums[IMAGES], n = 0, sum = 0, squares = 0;
    tap_tape_set_recording(encoder, false);
    tap_tape_set_recording(decoder, false);
    bar_start(quiet, "evaluation", "log p(x)", 1, data.shape.n[0], 0);
    while (tap_loader_next(images, &x) && weigh(vae, encoder, decoder, x, draws, log_sums)) {
        for (int64_t i = 0; i < x.shape.n[0]; i++, n++) {
            const double log_p = log_sums[i] - log((double)draws);
            sum += log_p;
            squares += log_p * log_p;
        }
        bar_update(1, (int64_t)n, sum / n);
    }
    bar_clear();
    *l = (log_likelihood){ !interrupted(), sum / n, sqrt(fmax(squares - sum * sum / n, 0) / (n * fmax(n - 1, 1))) };
    bool ok = tape_end(decoder);
    ok = tape_end(encoder) && ok;
    ok = loader_end(images) && ok;
    return ok && (!l->known || isfinite(l->mean) || fail("the log-likelihood is not a finite number"));
}
