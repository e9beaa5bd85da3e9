/* models/models.h: models assembled from nn alone. Whatever they use, a user's model can use too. */
#ifndef TAP_MODELS_MODELS_H
#define TAP_MODELS_MODELS_H

#include "nn/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The variational autoencoder (Kingma & Welling 2014):
 *
 *   prior    p(z)    = N(0, I)                                         z in R^latent
 *   encoder  q(z|x)  = N(mu(x), diag(sigma^2(x)))                      (mu, log sigma^2) by networks
 *   decoder  p(x|z)  = Bernoulli(sigmoid(f(z))) or N(mean(f(z)), sigma_dec^2 I), sigma_dec a number, one per pixel, or sigma(z),
 *                      or, for bytes x = 0..255, BetaBinomial(255, exp(f(z)), exp(g(z))); the encoder takes these as x / 255
 *   ELBO(x)  = E_q[log p(x|z)] - KL(q(z|x) || p(z))
 *
 * Parameters: enc.0, enc.1, ... hidden layers; loc and logvar, the heads; dec.0, dec.1, ... the hidden sizes backwards; out;
 * and log_sigma [], or [data], when sigma_dec is learned; or out_log_sigma, a second head of the decoder; out and out_log_beta for
 * bytes.
 *
 * For images it may be convolutional: conv.0, conv.1, ... halve height and width by windows of 4x4, and the hidden layers (now none by
 * default) follow. Back go up, a linear layer, and transposed convolutions conv_t.0, conv_t.1, ..., the last of which is out.
 *
 * It may be conditional: numbers c, such as the class of an image, one-hot, are given to both networks (M2 of Kingma et al. 2014;
 * Sohn et al. 2015, with their prior p(z|c) held fixed). z is left to say the rest, and images can be drawn of a c that is chosen:
 *
 *   p(z) = N(0, I)   q(z|x,c)   p(x|z,c)   ELBO(x|c) = E_q[log p(x|z,c)] - KL(q(z|x,c) || p(z))
 *
 * c is appended to x, or to what the convolutions make of it, and to z, where they enter linear layers. */

#define TAP_VAE_MAX_HIDDEN 16
#define TAP_VAE_MAX_CONV   8

typedef enum { TAP_VAE_BERNOULLI, TAP_VAE_GAUSSIAN, TAP_VAE_BETA_BINOMIAL } tap_vae_likelihood;
typedef enum {
    TAP_VAE_SIGMA,            /* one number for all pixels, given or learned */
    TAP_VAE_SIGMA_PER_PIXEL,  /* learned, one for each */
    TAP_VAE_SIGMA_BY_DECODER, /* the decoder's own sigma(z), for each pixel of each image */
} tap_vae_sigma;

/* {.data = D} gives the defaults in brackets. */
typedef struct {
    int64_t            data;                       /* D, numbers in an image */
    int64_t            image[3];                   /* with convolutions: channels, height, width, whose product data is */
    int                n_conv;                     /* [0] */
    int64_t            conv[TAP_VAE_MAX_CONV];     /* channels of the encoder's convolutions, backwards the decoder's */
    int                n_hidden;                   /* [1; 0 with convolutions] */
    int64_t            hidden[TAP_VAE_MAX_HIDDEN]; /* sizes of the encoder's hidden layers, backwards the decoder's [400] */
    tap_activation     activation;                 /* [tap_relu] */
    int64_t            latent;                     /* [20] */
    int64_t            condition;                  /* numbers in c [0: none is given] */
    tap_vae_likelihood likelihood;                 /* [Bernoulli] */
    tap_vae_sigma      sigma_kind;                 /* Gaussian: what sigma_dec is [one number] */
    double             sigma;                      /* Gaussian: this number; 0 means learned [0] */
    double             clip;                       /* |log sigma| of encoder and decoder, and |log alpha| and |log beta|, stay
                                                      below it, by tap_smooth_clip; negative: not [0: not, but 10 for the
                                                      decoder's own sigma, and for bytes] */
    tap_activation     mean;                       /* Gaussian: from the decoder's output to a pixel's mean [tap_sigmoid] */
    int64_t            samples;                    /* L or K, draws of z per image [1] */
    tap_bound          bound;                      /* what training climbs [ELBO], */
    tap_estimator      estimator;                  /* along which gradient [reparameterized], */
    double             beta, free_bits;            /* as in tap_bound_options [1, 0] */
} tap_vae_options;

/* A last layer of the decoder: transposed convolution, or linear. */
typedef struct {
    tap_linear linear;
    tap_conv   conv;
} tap_vae_head;

typedef struct {
    tap_vae_options options;                                          /* as given, defaults filled in */
    tap_conv        conv[TAP_VAE_MAX_CONV], conv_t[TAP_VAE_MAX_CONV]; /* conv_t[i] has conv[i]'s output as input */
    tap_mlp         enc, dec;
    tap_linear      loc, logvar, up;
    tap_vae_head    out, out_log_sigma, out_log_beta; /* the second for the decoder's own sigma, the third for bytes */
    tap_param      *log_sigma;                        /* NULL unless learned by itself */
} tap_vae;

/* In nats, per image: [batch]. elbo = rec - kl, KL in closed form. bound is what the options ask for, with the gradient to
 * train with (tap_variational_bound): by default, elbo itself. */
typedef struct {
    tap_var elbo, rec, kl, bound;
} tap_vae_terms;

TAP_API void          tap_vae_init(tap_vae *v, tap_module *m, tap_vae_options o);    /* errors go to m's root */
TAP_API tap_dist      tap_vae_encode(const tap_vae *v, tap_var x);                   /* q(z|x): x [batch,D], z [batch,latent] */
TAP_API tap_dist      tap_vae_decode(const tap_vae *v, tap_var z);                   /* p(x|z): z [..,latent], x [..,D] */
TAP_API tap_vae_terms tap_vae_elbo(const tap_vae *v, tap_var x);                     /* L draws of z */
TAP_API tap_vae_terms tap_vae_elbo_from(const tap_vae *v, tap_var x, tap_var noise); /* with noise [L,batch,latent] */
TAP_API tap_var       tap_vae_loss(const tap_vae *v, tap_var x);                     /* -mean over images of the bound: [] */
TAP_API tap_var       tap_vae_loss_from(const tap_vae *v, tap_vae_terms terms);      /* the same from terms already computed */
TAP_API tap_var       tap_vae_sample(const tap_vae *v, tap_tape *t, int64_t n);      /* means of p(x|z), z ~ p(z): [n,D] */
TAP_API tap_var       tap_vae_reconstruct(const tap_vae *v, tap_var x);              /* mean of p(x|z), z = mu(x): [batch,D] */

/* The same given c [batch,condition], which broadcasts to the leading axes of x and z, draws of z included. A conditional model is
 * for these alone, and any other for those above: the rest are errors. */
TAP_API tap_dist      tap_vae_encode_given(const tap_vae *v, tap_var x, tap_var c); /* q(z|x,c) */
TAP_API tap_dist      tap_vae_decode_given(const tap_vae *v, tap_var z, tap_var c); /* p(x|z,c) */
TAP_API tap_vae_terms tap_vae_elbo_given(const tap_vae *v, tap_var x, tap_var c);
TAP_API tap_var       tap_vae_loss_given(const tap_vae *v, tap_var x, tap_var c);
TAP_API tap_var       tap_vae_sample_given(const tap_vae *v, tap_var c); /* one for each row of c: [batch,D] */
TAP_API tap_var       tap_vae_reconstruct_given(const tap_vae *v, tap_var x, tap_var c);

/* Lossless compression by bits-back coding (Townsend et al. 2019), which needs about -ELBO(x) for an image x: z is drawn from q(z|x)
 * by taking bits off those already written, x and z are written by p(x|z) and p(z), and whoever reads them gets z's bits back.
 *
 * For a VAE of linear layers and tap_relu, without a condition, and images [n,..] of bytes, `data` of them each: any with a beta-binomial
 * likelihood, two values with Bernoulli's. Bytes depend on the model and the images alone, not on threads, processor or compiler. */
typedef struct {
    int64_t  count, data; /* images, and bytes in each */
    bool     binary;      /* by a Bernoulli likelihood */
    uint64_t model;       /* the checksum of the model */
} tap_bits_back_header;

/* uint8 [n,..] -> uint8 [bytes], and back: uint8 [n,data]. What is damaged, or was compressed with another model, is an error. */
TAP_API tap_tensor tap_bits_back_encode(tap_arena *a, const tap_vae *v, tap_tensor images);
TAP_API tap_tensor tap_bits_back_decode(tap_arena *a, const tap_vae *v, tap_tensor bytes);
/* What compressed bytes say of themselves; an error if they are damaged, or no such bytes. */
TAP_API tap_status tap_bits_back_inspect(tap_tensor bytes, tap_bits_back_header *h, tap_error *e);

/* The variational autoencoder of counts (scVI, Lopez et al. 2018): x [genes], how often each gene was seen in a cell, and l their sum,
 * the cell's library size, which depends on the measurement and is taken as given.
 *
 *   p(z) = N(0, I)   q(z|x,c) = N(mu, diag(sigma^2)), a network's of log(1 + scale x / l)
 *   p(x|z,c,l) = NegativeBinomial(l rho, theta)   rho = softmax(f(z,c)), the rates: the share that each gene has   theta: one for each gene
 *
 * or, zero-inflated, x is 0 with a further chance sigmoid(g(z,c)). c, such as the batch that a cell was measured in, one-hot, goes to
 * both networks, as in a tap_vae: z is left to say the rest. An l of 0 counts as 1.
 *
 * Parameters: a tap_vae's enc.0, ..., loc, logvar, dec.0, ..., out; log_theta [genes]; zero, a second head, when zero-inflated. */

typedef enum { TAP_COUNTS_NB, TAP_COUNTS_ZINB } tap_count_likelihood;

/* {.genes = G} gives the defaults in brackets. */
typedef struct {
    int64_t              genes;
    int                  n_hidden;                   /* [1] */
    int64_t              hidden[TAP_VAE_MAX_HIDDEN]; /* sizes of the encoder's hidden layers, backwards the decoder's [128] */
    tap_activation       activation;                 /* [tap_relu] */
    int64_t              latent;                     /* [10] */
    int64_t              condition;                  /* numbers in c [0: none is given] */
    tap_count_likelihood likelihood;                 /* [negative binomial] */
    double               scale;                      /* [1e4] */
} tap_count_vae_options;

typedef struct {
    tap_count_vae_options options; /* as given, defaults filled in */
    tap_vae               net;     /* its networks; out gives the softmax's logits */
    tap_linear            zero;
    tap_param            *log_theta;
} tap_count_vae;

/* x [batch,genes] in whole numbers from 0 up, c [batch,condition], or (tap_var){ 0 } where there is none. */
TAP_API void     tap_count_vae_init(tap_count_vae *v, tap_module *m, tap_count_vae_options o); /* errors go to m's root */
TAP_API tap_dist tap_count_vae_encode(const tap_count_vae *v, tap_var x, tap_var c);           /* q(z|x,c): z [batch,latent] */
/* rho: [..,genes], sums 1; where c is missing, its mean over all c that are one-hot: as if measured in every batch */
TAP_API tap_var tap_count_vae_rates(const tap_count_vae *v, tap_var z, tap_var c);
/* p(x|z,c,l): z [..,latent], log_library = log l [..,1] */
TAP_API tap_dist      tap_count_vae_decode(const tap_count_vae *v, tap_var z, tap_var c, tap_var log_library);
TAP_API tap_vae_terms tap_count_vae_elbo(const tap_count_vae *v, tap_var x,
                                         tap_var c); /* one draw of z, KL in closed form: [batch] */
TAP_API tap_var       tap_count_vae_loss(const tap_count_vae *v, tap_var x, tap_var c); /* -mean over cells of the ELBO: [] */
/* The importance-weighted bound on log p(x|c,l) with so many draws of z (TAP_IWAE), which it approaches: [batch] */
TAP_API tap_var tap_count_vae_log_prob(const tap_count_vae *v, tap_var x, tap_var c, int64_t draws);

/* Counts of which the truth is known, to see what a model makes of them: cells of groups that overlap, measured in batches.
 *
 *   x ~ NegativeBinomial(l rho, theta)   rho = softmax over genes of (base + fold of the group + shift of the batch)
 *   base ~ N(0, spread^2)   fold ~ N(0, fold^2) for a part of each group's genes, its markers, else 0   shift ~ N(0, shift^2)
 *   log l ~ N(log library, library_spread^2)   log theta of a gene ~ N(log theta, 0.5^2)
 *
 * A cell's group and batch are each as likely as the others. {.cells = N, .genes = G} gives the defaults in brackets; numbers are not
 * negative, and a 0 stands for the default. */
typedef struct {
    int64_t  cells, genes;
    int64_t  groups, batches;         /* [8, 3] */
    double   markers;                 /* this part of a group's genes [0.1] */
    double   fold, shift, spread;     /* [0.8, 0.2, 2] */
    double   library, library_spread; /* [600, 0.5] */
    double   theta;                   /* [2] */
    uint64_t seed;
} tap_count_simulation;

typedef struct {
    tap_csr    counts;       /* [cells,genes] */
    tap_tensor group, batch; /* int64 [cells] */
    tap_tensor log_library;  /* float64 [cells] */
} tap_simulated_counts;

TAP_API tap_simulated_counts tap_simulate_counts(tap_arena *a, tap_count_simulation o); /* inert on an error */

/* How likely the model finds images x [batch,data], each by itself: [batch], in nats. One that is unlike what it has learned finds itself
 * with a low log p, a large deviance, much regret. Memory is for L or K times the batch. */
/* mean_l log p(x|z_l), z_l ~ q(z|x), l = 1..L: the "reconstruction probability" of An & Cho 2015 */
TAP_API tap_var tap_vae_reconstruction_log_prob(const tap_vae *v, tap_var x, int64_t samples);
/* log mean_k p(x,z_k) / q(z_k|x), k = 1..K, which tends to log p(x) from below: Burda et al. 2016 */
TAP_API tap_var tap_vae_log_likelihood(const tap_vae *v, tap_var x, int64_t samples);
/* sum KL(p(.|mean f(x)) || p(.|mean f(x^))), x^ = tap_vae_reconstruct(x), p Bernoulli or, with the decoder's sigma, normal: what log p(x|z)
 * lacks of the most that any decoder could give, so that what grey pixels cost in any case does not count (half the deviance of Nelder &
 * Wedderburn 1972). f, such as a blur, is linear, and looks past shifts by a pixel; NULL: none. Logarithms are not below -100.
 * Not for beta-binomial decoders. */
TAP_API tap_var tap_vae_deviance(const tap_vae *v, tap_var x, tap_activation filter);

/* {0} gives the defaults in brackets. */
typedef struct {
    int64_t  steps; /* of Adam [100], */
    double   lr;    /* of this size, which falls to 0 over the second half [0.1] */
    uint64_t seed;  /* of its noise, a draw a step */
} tap_fit_options;

/* The q(z) = N(mu, diag(sigma^2)) with the highest ELBO for each image alone, sought from q(z|x) on with the decoder as it is; a constant. */
TAP_API tap_dist tap_vae_fit(const tap_vae *v, tap_var x, tap_fit_options o);
/* The likelihood regret of Xiao et al. 2020: ELBO under that q less ELBO under q(z|x), both by the same L draws. Here q is fitted itself,
 * not an encoder for each image. */
TAP_API tap_var tap_vae_regret(const tap_vae *v, tap_var x, int64_t samples, tap_fit_options o);

/* The same with one number of everything:
 *
 *   p(z) = N(0, 1)   q(z|x) = N(a x + b, t^2)   p(x|z) = N(c z + v, s^2)
 *
 * For x ~ N(mu, sigma^2) its ELBO is best, -log(2 pi e sigma^2) / 2, for every c in [0, sigma) (or its negative) with
 *   v = mu, s^2 = sigma^2 - c^2, a = c / sigma^2, b = -a mu, t = s / sigma. */
typedef struct {
    tap_param *a, *b, *log_t, *c, *v, *log_s; /* [] */
} tap_scalar_vae;

TAP_API void     tap_scalar_vae_init(tap_scalar_vae *v, tap_module *m);     /* a = c = 0.5, t = s = 1, b = v = 0 */
TAP_API tap_dist tap_scalar_vae_encode(const tap_scalar_vae *v, tap_var x); /* any shape */
TAP_API tap_dist tap_scalar_vae_decode(const tap_scalar_vae *v, tap_var z);
TAP_API tap_var  tap_scalar_vae_elbo(const tap_scalar_vae *v, tap_var x); /* in closed form, for each number of x */

/* The trivial solution when p(x) = N(mu, sigma^2) is known, the limit s -> 0 of the above: z = (x - mu) / sigma and back. */
TAP_API tap_var tap_standardize(tap_var x, tap_var mu, tap_var sigma);
TAP_API tap_var tap_unstandardize(tap_var z, tap_var mu, tap_var sigma);

/* The linear VAE, which is probabilistic PCA (Tipping & Bishop 1999, Lucas et al. 2019):
 *
 *   p(z) = N(0, I)   q(z|x) = N(V (x - mu), diag(t^2))   p(x|z) = N(W z + mu, sigma^2 I)   p(x) = N(mu, W W^T + sigma^2 I)
 *
 * At its best, mu is the data's mean, W spans the directions in which their variance is above sigma^2, and ELBO = log p. */
typedef struct {
    tap_param *V, *log_t, *W, *mu; /* [latent,data], [latent], [data,latent], [data] */
    tap_param *log_sigma;          /* [], NULL if sigma is fixed */
    double     sigma;              /* as given: 0 means learned */
} tap_linear_vae;

TAP_API void     tap_linear_vae_init(tap_linear_vae *v, tap_module *m, int64_t data, int64_t latent, double sigma);
TAP_API tap_dist tap_linear_vae_encode(const tap_linear_vae *v, tap_var x); /* [..,data] */
TAP_API tap_dist tap_linear_vae_decode(const tap_linear_vae *v, tap_var z); /* [..,latent] */
TAP_API tap_var  tap_linear_vae_elbo(const tap_linear_vae *v, tap_var x);   /* in closed form: [batch,data] -> [batch] */
/* Its mean over any number of images with this mean [data] and covariance [data,data] (divided by n): [] */
TAP_API tap_var tap_linear_vae_elbo_from(const tap_linear_vae *v, tap_var mean, tap_var cov);
TAP_API tap_var tap_linear_vae_log_prob(const tap_linear_vae *v, tap_var x); /* log p(x), exactly: [batch,data] -> [batch] */

/* {.data = D} gives the defaults in brackets, those of tap_vae_options. */
typedef struct {
    int64_t        data;
    int            n_hidden;                   /* [1] */
    int64_t        hidden[TAP_VAE_MAX_HIDDEN]; /* [400] */
    tap_activation activation;                 /* [tap_relu] */
    int64_t        latent;                     /* [20] */
} tap_autoencoder_options;

/* A plain autoencoder with a VAE's networks: z = f(x), x^ = g(z), pixels in [0,1]. No distribution to draw from.
 * Parameters: enc.0, ...; code; dec.0, ...; out. */
typedef struct {
    tap_autoencoder_options options;
    tap_mlp                 enc, dec;
    tap_linear              code, out;
} tap_autoencoder;

TAP_API void    tap_autoencoder_init(tap_autoencoder *a, tap_module *m, tap_autoencoder_options o);
TAP_API tap_var tap_autoencoder_encode(const tap_autoencoder *a, tap_var x); /* [..,data] -> [..,latent] */
TAP_API tap_var tap_autoencoder_decode(const tap_autoencoder *a, tap_var z); /* and back, in (0,1) */
TAP_API tap_var tap_autoencoder_loss(const tap_autoencoder *a, tap_var x);   /* mean of -log Bernoulli(x|x^): [] */

#ifdef __cplusplus
}
#endif

#endif
