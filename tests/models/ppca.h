/* tests/models/ppca.h: probabilistic PCA without the library's models: the moments of data, their eigenvalues by orthogonal
 * iteration, the optimum in closed form (Tipping & Bishop 1999); and a linear VAE trained towards it. */
#ifndef TAP_TESTS_MODELS_PPCA_H
#define TAP_TESTS_MODELS_PPCA_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "models/models.h"

#define LOG_2PI 1.83787706640934548356

/* The moments of data in R^d, on which alone the ELBO of a linear VAE depends. */
typedef struct {
    int64_t n, d;
    double *mean, *cov; /* [d], [d,d], divided by n */
} moments;

static inline moments moments_of(tap_tensor x)
{
    const int64_t n = x.shape.n[0], d = tap_tensor_numel(x) / n, block = 1000;
    moments       m = { n, d, calloc((size_t)d, sizeof(double)), calloc((size_t)(d * d), sizeof(double)) };
    tap_loader   *l = tap_loader_new(x, (tap_loader_options){ .batch = block, .dtype = TAP_F64 });
    tap_tape     *t = tap_tape_new(TAP_F64, 0);
    tap_tensor    batch;
    for (tap_loader_start(l, 0); tap_loader_next(l, &batch); tap_tape_reset(t)) {
        tap_var       rows = tap_input(t, batch);
        const double *sum = tap_value(tap_sum(rows, TAP_AXES(0))).data, *square = tap_value(tap_mm(tap_mT(rows), rows)).data;
        for (int64_t i = 0; i < d; i++) m.mean[i] += sum[i] / (double)n;
        for (int64_t i = 0; i < d * d; i++) m.cov[i] += square[i] / (double)n;
    }
    for (int64_t i = 0; i < d * d; i++) m.cov[i] -= m.mean[i / d] * m.mean[i % d];
    tap_tape_free(t);
    tap_loader_free(l);
    return m;
}

static inline void moments_free(moments m)
{
    free(m.mean);
    free(m.cov);
}

static inline tap_tensor mean_of(moments m)
{
    return tap_tensor_wrap(TAP_F64, TAP_SHAPE(m.d), m.mean);
}

static inline tap_tensor cov_of(moments m)
{
    return tap_tensor_wrap(TAP_F64, TAP_SHAPE(m.d, m.d), m.cov);
}

static inline double trace_of(moments m)
{
    double sum = 0;
    for (int64_t i = 0; i < m.d; i++) sum += m.cov[i * m.d + i];
    return sum;
}

/* Gram-Schmidt, twice: k rows of length d become orthonormal. */
static inline void orthonormalize(double *q, int64_t k, int64_t d)
{
    for (int64_t i = 0; i < k; i++) {
        for (int64_t pass = 0; pass < 2 * i; pass++) {
            const double *other = q + pass % i * d;
            double        dot = 0;
            for (int64_t c = 0; c < d; c++) dot += q[i * d + c] * other[c];
            for (int64_t c = 0; c < d; c++) q[i * d + c] -= dot * other[c];
        }
        double norm = 0;
        for (int64_t c = 0; c < d; c++) norm += q[i * d + c] * q[i * d + c];
        for (int64_t c = 0; c < d; c++) q[i * d + c] /= sqrt(norm);
    }
}

/* The k largest eigenvalues of the covariance, in descending order. */
static inline void eigenvalues(moments m, int64_t k, int iterations, double *value)
{
    double   *q = malloc((size_t)(k * m.d) * sizeof *q);
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(k, m.d), q), (tap_rng_key){ .seed = 1 });
    for (int i = 0; i < iterations; i++, tap_tape_reset(t)) {
        orthonormalize(q, k, m.d);
        tap_var       rows = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(k, m.d), q));
        const double *next = tap_value(tap_mm(rows, tap_input(t, cov_of(m)))).data;
        for (int64_t j = 0; j < k; j++) value[j] = 0;
        for (int64_t c = 0; c < k * m.d; c++) value[c / m.d] += q[c] * next[c];
        for (int64_t c = 0; c < k * m.d; c++) q[c] = next[c];
    }
    tap_tape_free(t);
    free(q);
}

/* The maximum likelihood of k components: sigma2 is the mean of the eigenvalues left out. Returns the mean of log p. */
static inline double optimum(moments m, int64_t k, const double *value, double *sigma2)
{
    double rest = trace_of(m), log_det = 0;
    for (int64_t i = 0; i < k; i++) rest -= value[i];
    *sigma2 = rest / (double)(m.d - k);
    for (int64_t i = 0; i < k; i++) log_det += log(value[i]);
    log_det += (double)(m.d - k) * log(*sigma2);
    return -0.5 * ((double)m.d * (LOG_2PI + 1) + log_det);
}

/* Latent dimensions whose posterior mean V (x - mu) has a variance above 0.01 over the data. */
static inline int active_units(const tap_linear_vae *v, moments m)
{
    tap_tape  *t = tap_tape_new(TAP_F64, 0);
    tap_var    V = tap_param_var(t, v->V);
    tap_tensor variance = tap_value(tap_sum(tap_mul(tap_matmul(V, tap_input(t, cov_of(m))), V), TAP_LAST));
    int        n = 0;
    for (int64_t i = 0; i < tap_tensor_numel(variance); i++) n += tap_tensor_item(variance, i) > 0.01;
    tap_tape_free(t);
    return n;
}

static inline double sigma2_of(const tap_linear_vae *v)
{
    return v->log_sigma ? exp(2 * tap_tensor_item(tap_param_value(v->log_sigma), 0)) : v->sigma * v->sigma;
}

/* Maximizes the ELBO of all the data by Adam with a cosine schedule. Returns the last ELBO; NaN on an error. */
static inline double maximize_elbo(tap_linear_vae *v, tap_module *root, moments m, int64_t steps, double rate, int64_t report)
{
    const char *message;
    double      elbo = 0;
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    tap_optim  *adam = tap_adam_new(root, (tap_adam_options){ .beta2 = 0.99, .eps = 1e-12 });
    for (int64_t step = 0; step < steps; step++) {
        tap_tape_reset(t);
        tap_var mean = tap_linear_vae_elbo_from(v, tap_input(t, mean_of(m)), tap_input(t, cov_of(m)));
        tap_backward(tap_neg(mean));
        tap_optim_set_lr(adam, rate * (1 + cos(3.14159265358979323846 * (double)step / (double)steps)) / 2 + 1e-12);
        tap_optim_step(adam, t);
        elbo = tap_item(mean);
        if (report && (step + 1) % report == 0) {
            printf("%7lld  ELBO %.6f  sigma^2 %.9f  %d active units\n", (long long)(step + 1), elbo, sigma2_of(v),
                   active_units(v, m));
            fflush(stdout);
        }
    }
    if (tap_tape_status(t, &message)) fprintf(stderr, "%s\n", message);
    tap_tape_free(t);
    return elbo;
}

#endif
