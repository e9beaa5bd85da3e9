/* nn/dist.h: distributions, and bounds on log p(x). */
#ifndef TAP_NN_DIST_H
#define TAP_NN_DIST_H

#include "autograd/autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Distributions (dist/) ------------------------------------------------------------------------------------------ */

typedef struct tap_dist_type tap_dist_type;

/* A batch of distributions; parameters of different shapes broadcast. If events are elements, log_prob, entropy and KL are
 * elementwise, and the caller sums them over the axes of one observation. If events are vectors, along the last axis, the
 * results lack that axis. */
typedef struct {
    const tap_dist_type *type;
    tap_var              param[3];
} tap_dist;

/* Events are elements. */
TAP_API tap_dist tap_normal(tap_var loc, tap_var log_scale);     /* N(loc, exp(log_scale)^2) */
TAP_API tap_dist tap_log_normal(tap_var loc, tap_var log_scale); /* the distribution of e^z, z ~ N(loc, exp(log_scale)^2) */
TAP_API tap_dist tap_laplace(tap_var loc, tap_var log_scale);    /* density e^(-|x - loc| / scale) / (2 scale) */
/* A point mass at loc, the limit of a Normal as its scale goes to 0: log_prob is infinity at loc and -infinity elsewhere; the
 * entropy is -infinity. */
TAP_API tap_dist tap_delta(tap_var loc);
TAP_API tap_dist tap_bernoulli(tap_var logits); /* P(1) = sigmoid(logits); logits of all distributions may be infinite */
/* Density e^(logits x) / Z on [0,1], Z = (e^logits - 1) / logits: Loaiza-Ganem & Cunningham 2019 */
TAP_API tap_dist tap_continuous_bernoulli(tap_var logits);
/* The distribution of sigmoid((logits + logit(u)) / temperature), u uniform on (0,1): the binary concrete distribution,
 * Maddison et al. 2017. A temperature of 0 or below gives NaN. */
TAP_API tap_dist tap_relaxed_bernoulli(tap_var logits, tap_var temperature);
TAP_API tap_dist tap_categorical(tap_var logits); /* softmax(logits [..,k]) over classes 0..k-1, int64 [..] */

/* Events are elements that hold integers. x may have any dtype; samples have the dtype of the parameters. Likelihoods of counts
 * are computed in double, so that float32 results are accurate for small mu and large theta, too. */
/* Mean mu and variance mu + mu^2 / theta: a Poisson distribution whose rate is Gamma distributed with shape theta and mean
 * mu. */
TAP_API tap_dist tap_negative_binomial(tap_var log_mu, tap_var log_theta);
/* 0 with probability sigmoid(logits), otherwise negative binomial: Lopez et al. 2018 */
TAP_API tap_dist tap_zero_inflated_negative_binomial(tap_var log_mu, tap_var log_theta, tap_var logits);
/* The number of successes in total_count trials whose common probability of success is Beta(alpha, beta) distributed.
 * total_count must hold integers of at least 0, else the result is NaN; it has no gradient. */
TAP_API tap_dist tap_beta_binomial(tap_var total_count, tap_var log_alpha, tap_var log_beta);
/* Bytes: x = 0..255 stands for the point -1 + 2 x / 255, and its probability is that of the logistic variable loc +
 * exp(log_scale) logit(u), u uniform on (0,1), to be nearest to that point: Salimans et al. 2017. The mixture has k components
 * with weights softmax(logits); its parameters are [..,k]. */
TAP_API tap_dist tap_discretized_logistic(tap_var loc, tap_var log_scale);
TAP_API tap_dist tap_discretized_logistic_mixture(tap_var logits, tap_var loc, tap_var log_scale);

/* Events are vectors [..,d]. */
TAP_API tap_dist tap_isotropic_normal(tap_var loc, tap_var log_scale); /* N(loc, exp(log_scale)^2 I): [..,d], [..] */
/* N(loc, L L^T), where L is the lower triangle of scale_tril: loc [..,d], scale_tril [..,d,d] */
TAP_API tap_dist tap_multivariate_normal(tap_var loc, tap_var scale_tril);
TAP_API tap_dist tap_one_hot_categorical(tap_var logits); /* Categorical, with x as one-hot vectors [..,k] */
/* The distribution of softmax((logits + Gumbel noise) / temperature), logits [..,k], temperature [..]: the concrete
 * distribution (Maddison et al. 2017). The density is that of any k - 1 of the components. */
TAP_API tap_dist tap_relaxed_one_hot_categorical(tap_var logits, tap_var temperature);

/* N(0, 1), or N(0, I) if q's events are vectors: a prior for q. */
TAP_API tap_dist  tap_standard_normal_like(tap_dist q);
TAP_API tap_shape tap_dist_batch_shape(tap_dist d); /* the shape that the parameters broadcast to, without an event axis */
TAP_API tap_shape tap_dist_event_shape(tap_dist d); /* [] or [d] */

/* Samples are reparameterized: gradients reach d's parameters through them. Samples of Bernoulli, Categorical and
 * OneHotCategorical, of counts and of bytes are constants. */
TAP_API tap_var tap_sample(tap_dist d);
TAP_API tap_var tap_sample_n(tap_dist d, int64_t n); /* n samples along a new axis in front */
/* tap_sample and tap_sample_n, but an error for distributions whose samples are constants. */
TAP_API tap_var tap_rsample(tap_dist d);
TAP_API tap_var tap_rsample_n(tap_dist d, int64_t n);
/* A sample computed from given noise, z = g(noise). Normal distributions take noise ~ N(0,1): loc + scale noise, or loc + L
 * noise. The others take noise in (0,1) and invert the distribution function: a Bernoulli sample is noise < P(1). Classes take
 * noise [..,k]. A Delta uses the shape of the noise only. NegativeBinomial and BetaBinomial use an element's noise as the seed
 * of a random stream of its own. */
TAP_API tap_var tap_sample_from(tap_dist d, tap_var noise);
/* The natural logarithm of the density or mass, with all constants. It is -infinity, without a gradient, outside the
 * support: for x below 0, above 1, above the last class, count or byte, not an integer, or not one-hot, as the distribution
 * requires. NaN stays NaN. Two distributions accept more: Bernoulli takes x between 0 and 1, which gives x log P(1) + (1 -
 * x) log P(0); the relaxed one-hot takes vectors of numbers in 0..1 that do not sum to 1 exactly, because of rounding. x of
 * counts and bytes has no gradient. If x - loc and differences of log-scales are finite in the dtype, the result and its
 * gradients are finite wherever their exact values are in the range of the dtype. In float64, masses of counts lose about
 * log10(x log x) digits. */
TAP_API tap_var tap_log_prob(tap_dist d, tap_var x);
/* Entropy, mean and variance in closed form. Without a closed form they are errors: all three for relaxed distributions,
 * mean and variance of Categorical, entropy of counts and bytes, variance of bytes. */
TAP_API tap_var tap_entropy(tap_dist d);
TAP_API tap_var tap_dist_mean(tap_dist d);
TAP_API tap_var tap_dist_variance(tap_dist d); /* of each element */
/* KL(q || p) in closed form, for these pairs: two distributions of the same type, except relaxed ones; any two of Normal,
 * isotropic and multivariate Normal (of vectors if one of the two is of vectors); Normal and Laplace; and Delta with any
 * density, which gives infinity. Any other pair is an error. */
TAP_API tap_var tap_kl(tap_dist q, tap_dist p);
/* A Monte Carlo estimate of KL(q || p) for any pair: the mean of log q(z) - log p(z) over n samples z ~ q. *standard_error, a
 * constant, receives its standard error; NULL, or n must be at least 2. Gradients are unbiased: through the samples or, where
 * these are constants, by the score function. */
TAP_API tap_var tap_kl_monte_carlo(tap_dist q, tap_dist p, int64_t n, tap_var *standard_error);

/* ---- Bounds on log p(x) and their gradient estimators (dist/bound.c) ------------------------------------------------ */

typedef enum {
    TAP_ELBO, /* mean_l [log p(x,z_l) - log q(z_l|x)], or mean_l log p(x|z_l) - KL(q(z|x) || p(z)): Kingma & Welling 2014 */
    TAP_IWAE, /* log mean_l [p(x,z_l) / q(z_l|x)], draws l = 1..K: Burda et al. 2016 */
} tap_bound;

/* How a gradient reaches the parameters of q(z|x), from which z was drawn. All are unbiased. */
typedef enum {
    TAP_REPARAMETERIZED,        /* through z = g(noise) and through log q */
    TAP_STICKING_THE_LANDING,   /* through z only, for the ELBO with the KL by draws; Roeder et al. 2017 */
    TAP_DOUBLY_REPARAMETERIZED, /* for IWAE, Tucker et al. 2019; for the ELBO it equals sticking the landing */
    TAP_SCORE,                  /* (log p(x,z) - log q(z|x)) grad log q(z|x); no gradient through z */
    TAP_SCORE_BASELINE,         /* TAP_SCORE minus a baseline that does not depend on z [the mean of the other images] */
    TAP_SCORE_LEAVE_ONE_OUT,    /* TAP_SCORE minus a baseline from the image's other draws; for IWAE, Mnih & Rezende 2016 */
} tap_estimator;

/* {0} gives the defaults in brackets. */
typedef struct {
    tap_bound     bound;     /* [ELBO] */
    tap_estimator estimator; /* [reparameterized] */
    double        beta;      /* ELBO: factor of the KL (Higgins et al. 2017); TAP_ZERO for 0 [1] */
    double        free_bits; /* ELBO: nats per latent dimension, as in tap_free_bits [0] */
} tap_bound_options;

/* The terms of a bound for draws z ~ q(z|x), in nats, summed over each observation. Terms that the bound does not need may be
 * absent, { 0 }. */
typedef struct {
    tap_var log_px_z, log_pz, log_q; /* log p(x|z), log p(z), log q(z|x): [L,..], draws and images */
    tap_var kl;                      /* KL(q(z|x) || p(z)) by latent dimension [..,d]: if given, the ELBO uses it */
    tap_var z;                       /* [L,..,d], the var that log p(x|z) was computed from; for doubly reparameterized IWAE */
    tap_var baseline;                /* broadcasts to [L,..] */
} tap_bound_terms;

/* z and q with the gradients detached that the estimator does not use. Compute log q(z|x) as
 * tap_log_prob(tap_estimator_posterior(e, q), z) with z = tap_estimator_sample(e, z), and log p(x|z) from that z. */
TAP_API tap_var  tap_estimator_sample(tap_estimator e, tap_var z);
TAP_API tap_dist tap_estimator_posterior(tap_estimator e, tap_dist q);
/* The bound for each image [..]. Its gradient is the estimator, so the loss is -tap_mean(bound, TAP_ALL). It has first
 * derivatives only. */
TAP_API tap_var tap_variational_bound(tap_bound_terms d, tap_bound_options o);
/* kl [..,d] by latent dimension, but the constant `nats` in each dimension j whose mean over the images is at most nats, so
 * that the mean of the sum over d is sum_j max(nats, mean KL_j): Kingma et al. 2016 */
TAP_API tap_var tap_free_bits(tap_var kl, double nats);

#ifdef __cplusplus
}
#endif

#endif
