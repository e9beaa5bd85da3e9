/* examples/vae_mnist/measure.c: evaluates a VAE on the test images: its ELBO, the dimensions of z, and the log-likelihood. */
#include "vae_mnist.h"

#include <math.h>

enum { ROWS = 1000, IMAGES = 20 }; /* draws decoded at a time, and images encoded at a time; bounds the memory for any K */

/* Adds the rows of x [n,width] to sum and, unless it is NULL, their squares to squares. */
static void add_rows(tap_tensor x, double *sum, double *squares)
{
    for (int64_t i = 0; x.shape.rank == 2 && i < tap_tensor_numel(x); i++) {
        const double v = tap_tensor_item(x, i);
        sum[i % x.shape.n[1]] += v;
        if (squares) squares[i % x.shape.n[1]] += v * v;
    }
}

bool evaluate(const run *r, record *e)
{
    const int64_t latent = r->o->model.latent;
    const double  n = (double)r->data->test.shape.n[0];
    double        rec = 0, kl = 0, *kls = e->latents, *variances = kls + latent, *means = r->means; /* sums, before division */
    tap_tape     *t = tap_tape_new(TAP_F32, r->o->train.seed ^ tap_random_hash("test"));
    tap_vae       vae = r->vae;
    tap_tensor    x;
    /* The baseline needs other images, which a test batch may lack. It affects gradients only. */
    if (vae.options.estimator == TAP_SCORE_BASELINE) vae.options.estimator = TAP_SCORE;
    tap_tape_set_recording(t, false);
    for (int64_t i = 0; i < latent; i++) kls[i] = variances[i] = means[i] = 0;
    tap_loader_start(r->test_images, 0);
    while (tap_loader_next(r->test_images, &x)) {
        tap_tape_reset(t);
        const tap_vae_terms terms = tap_vae_elbo(&vae, tap_input(t, x));
        const tap_dist      q = tap_vae_encode(&vae, tap_input(t, x));
        rec += total(terms.rec);
        kl += total(terms.kl);
        add_rows(tap_value(tap_kl(q, tap_standard_normal_like(q))), kls, NULL);
        add_rows(tap_value(q.param[0]), means, variances);
    }
    for (int64_t i = 0; i < latent; i++) {
        kls[i] /= n;
        variances[i] = fmax(variances[i] - means[i] * means[i] / n, 0) / n;
    }
    e->test_elbo = (rec - kl) / n;
    e->test_rec = rec / n;
    e->test_kl = kl / n;
    if (!tape_end(t) || !loader_ok(r->test_images)) return false;
    return isfinite(e->test_elbo) ||
           fail("the test ELBO is not a finite number in epoch %.0f; a smaller --lr may help", e->epoch);
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
