/* models/models.h: variational autoencoders and what is measured and compressed with them. The models are made of the public
 * functions of tensor.h, autograd.h and nn.h alone, so that a model of your own can do the same; only compression uses the
 * library's inside.
 *
 * Functions that create parameters report bad options as an error of the module's root. All others report errors on the tape of
 * their vars, and then give inert vars. A model that is NULL, or was never initialized, is such an error. */
#ifndef TAP_MODELS_MODELS_H
#define TAP_MODELS_MODELS_H

#include "nn/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The variational autoencoder (vae.c, vae_options.c, vae_networks.c) ------------------------------------------- */

/* Kingma & Welling 2014:
 *
 *   prior    p(z)    = N(0, I)                                         z in R^latent
 *   encoder  q(z|x)  = N(mu(x), diag(sigma^2(x)))                      (mu, log sigma^2) by networks
 *   decoder  p(x|z)  = Bernoulli(sigmoid(f(z)))                        pixels x in [0,1]
 *                   or N(mean(f(z)), sigma_dec^2 I)                    sigma_dec: one number, one per pixel, or sigma(z)
 *                   or BetaBinomial(255, exp(f(z)), exp(g(z)))         bytes x = 0..255; the encoder takes x / 255
 *   ELBO(x)  = E_q[log p(x|z)] - KL(q(z|x) || p(z))
 *
 * Parameters: enc.0, enc.1, ... are the encoder's hidden layers; loc and logvar its heads; dec.0, dec.1, ... the decoder's
 * hidden layers, with the encoder's sizes in reverse; out its head. A Gaussian decoder also has log_sigma [] or [data] where
 * sigma_dec is learned, or the head out_log_sigma for sigma(z). A beta-binomial decoder has the head out_log_beta for g.
 *
 * For images the networks may be convolutional: conv.0, conv.1, ... halve height and width by 4x4 windows, and the hidden
 * layers (then none by default) follow. The decoder is a linear layer, up, behind its hidden layers, and transposed
 * convolutions conv_t.0, conv_t.1, ..., the last of which is out. */

#define TAP_VAE_MAX_HIDDEN 16
#define TAP_VAE_MAX_CONV   8

typedef enum { TAP_VAE_BERNOULLI, TAP_VAE_GAUSSIAN, TAP_VAE_BETA_BINOMIAL } tap_vae_likelihood;

/* Where a Gaussian decoder's sigma_dec comes from. */
typedef enum {
    TAP_VAE_SIGMA,            /* one number for all pixels, fixed or learned */
    TAP_VAE_SIGMA_PER_PIXEL,  /* learned, one for each pixel */
    TAP_VAE_SIGMA_BY_DECODER, /* sigma(z), for each pixel of each image */
} tap_vae_sigma;

/* {.data = D} gives the defaults in brackets. */
typedef struct {
    int64_t        data;                       /* D, numbers in an image */
    int64_t        image[3];                   /* with convolutions: channels, height and width, whose product is data */
    int            n_conv;                     /* [0] */
    int64_t        conv[TAP_VAE_MAX_CONV];     /* channels of the encoder's convolutions; the decoder's are the reverse */
    int            n_hidden;                   /* [1; 0 with convolutions] */
    int64_t        hidden[TAP_VAE_MAX_HIDDEN]; /* sizes of the encoder's hidden layers; the decoder's are the reverse [400] */
    tap_activation activation;                 /* [tap_relu] */
    int64_t        latent;                     /* [20] */
    int64_t        condition;                  /* numbers in c, for a conditional VAE [0: it has no c] */
    tap_vae_likelihood likelihood;             /* [Bernoulli] */
    tap_vae_sigma      sigma_kind;             /* Gaussian: where sigma_dec comes from [one number] */
    double             sigma;                  /* Gaussian: sigma_dec, if it is one number; 0: learned [0] */
    /* |log sigma| of encoder and decoder, and |log alpha| and |log beta|, stay below clip, by tap_smooth_clip. TAP_NONE: no
     * bound. [TAP_NONE, but 10 for sigma(z) and for a beta-binomial decoder] */
    double         clip;
    tap_activation mean;            /* Gaussian: from the decoder's output to the pixels' means [tap_sigmoid] */
    int64_t        samples;         /* L, or K of IWAE: draws of z per image [1] */
    tap_bound      bound;           /* the bound on log p(x) that training maximizes [ELBO] */
    tap_estimator  estimator;       /* the estimator of its gradient [reparameterized] */
    double         beta, free_bits; /* as in tap_bound_options; beta TAP_ZERO: 0 [1, 0] */
} tap_vae_options;

/* A head of the decoder: a transposed convolution if the networks are convolutional, else a linear layer. */
typedef struct {
    tap_linear linear;
    tap_conv   conv;
} tap_vae_head;

typedef struct {
    tap_vae_options options;                                          /* as passed, with the defaults filled in */
    tap_conv        conv[TAP_VAE_MAX_CONV], conv_t[TAP_VAE_MAX_CONV]; /* conv_t[i] takes what conv[i] gives */
    tap_mlp         enc, dec;
    tap_linear      loc, logvar, up;
    tap_vae_head    out, out_log_sigma, out_log_beta; /* the last two only where p(x|z) has these parameters */
    tap_param      *log_sigma;                        /* NULL unless sigma_dec is a parameter of its own */
} tap_vae;

/* In nats, per image [batch]: elbo = rec - kl, where rec = E_q[log p(x|z)] by the draws and kl is in closed form. bound is the
 * one that the options ask for, with the gradient to train with (tap_variational_bound); by default it is elbo. */
typedef struct {
    tap_var elbo, rec, kl, bound;
} tap_vae_terms;

TAP_API void          tap_vae_init(tap_vae *v, tap_module *m, tap_vae_options o);
TAP_API tap_dist      tap_vae_encode(const tap_vae *v, tap_var x); /* q(z|x): x [batch,D], z [batch,latent] */
TAP_API tap_dist      tap_vae_decode(const tap_vae *v, tap_var z); /* p(x|z): z [..,latent], x [..,D] */
TAP_API tap_vae_terms tap_vae_elbo(const tap_vae *v, tap_var x);   /* with L draws of z */
/* The ELBO with draws z = mu + sigma noise, noise [L,batch,latent]. */
TAP_API tap_vae_terms tap_vae_elbo_from(const tap_vae *v, tap_var x, tap_var noise);
TAP_API tap_var       tap_vae_loss(const tap_vae *v, tap_var x);                /* -mean over images of the bound: [] */
TAP_API tap_var       tap_vae_loss_from(const tap_vae *v, tap_vae_terms terms); /* the loss of terms that are at hand */
TAP_API tap_var       tap_vae_sample(const tap_vae *v, tap_tape *t, int64_t n); /* means of p(x|z), z ~ p(z): [n,D] */
TAP_API tap_var       tap_vae_reconstruct(const tap_vae *v, tap_var x);         /* mean of p(x|z), z = mu(x): [batch,D] */

/* ---- The conditional VAE (vae.c) ---------------------------------------------------------------------------------- */

/* A tap_vae with .condition = n takes n numbers c, such as the class of an image, one-hot, into both networks (M2 of Kingma et
 * al. 2014; Sohn et al. 2015, with their prior p(z|c) held fixed). z describes what c does not, and images can be drawn of a
 * chosen c:
 *
 *   p(z) = N(0, I)   q(z|x,c)   p(x|z,c)   ELBO(x|c) = E_q[log p(x|z,c)] - KL(q(z|x,c) || p(z))
 *
 * c is appended to x (to the output of the convolutions) and to z, where they enter linear layers. c is [batch,condition] and
 * broadcasts to the leading axes of x and z, draws of z included. A conditional model takes these functions, and any other
 * model those above; the other way round is an error. */
TAP_API tap_dist      tap_vae_encode_given(const tap_vae *v, tap_var x, tap_var c); /* q(z|x,c) */
TAP_API tap_dist      tap_vae_decode_given(const tap_vae *v, tap_var z, tap_var c); /* p(x|z,c) */
TAP_API tap_vae_terms tap_vae_elbo_given(const tap_vae *v, tap_var x, tap_var c);   /* ELBO(x|c) */
TAP_API tap_var       tap_vae_loss_given(const tap_vae *v, tap_var x, tap_var c);   /* -mean over images of the bound: [] */
TAP_API tap_var       tap_vae_sample_given(const tap_vae *v, tap_var c);            /* one image for each row of c: [batch,D] */
TAP_API tap_var       tap_vae_reconstruct_given(const tap_vae *v, tap_var x, tap_var c); /* z = mu(x,c): [batch,D] */

/* ---- Anomaly scores (anomaly.c) ----------------------------------------------------------------------------------- */

/* How likely a VAE, which is not conditional, finds images x [batch,data], each by itself: [batch], in nats. An image that is
 * unlike the training data has a low log p, a large deviance and a large regret. Memory is for L or K times the batch. */

/* A function of images that keeps their shape, such as a blur. */
typedef tap_var (*tap_map_fn)(tap_var x);

/* mean_l log p(x|z_l), z_l ~ q(z|x), l = 1..L: the "reconstruction probability" of An & Cho 2015 */
TAP_API tap_var tap_vae_reconstruction_log_prob(const tap_vae *v, tap_var x, int64_t samples);
/* log mean_k p(x,z_k) / q(z_k|x), z_k ~ q(z|x), k = 1..K: tends to log p(x) from below (Burda et al. 2016) */
TAP_API tap_var tap_vae_log_likelihood(const tap_vae *v, tap_var x, int64_t samples);
/* sum KL(p(.|mean h(x)) || p(.|mean h(x^))) over pixels, where x^ = tap_vae_reconstruct(x), h = filter and p is Bernoulli or
 * normal with the decoder's sigma: for h = identity, the log-likelihood of the saturated model minus log p(x|z), half the
 * deviance of Nelder & Wedderburn 1972. A linear filter such as a blur forgives shifts by a pixel; NULL: identity. Logarithms
 * are not below -100. A beta-binomial decoder is an error. */
TAP_API tap_var tap_vae_deviance(const tap_vae *v, tap_var x, tap_map_fn filter);

/* {0} gives the defaults in brackets. */
typedef struct {
    int64_t  steps; /* of Adam [100] */
    double   lr;    /* Adam's step size; it falls to 0 linearly over the second half of the steps [0.1] */
    uint64_t seed;  /* of the noise, one draw of z per step */
} tap_fit_options;

/* The q(z) = N(mu, diag(sigma^2)) with the highest ELBO for each image: optimizes (mu, sigma) per image by Adam, starting from
 * q(z|x), with the decoder fixed. The result is detached. */
TAP_API tap_dist tap_vae_fit(const tap_vae *v, tap_var x, tap_fit_options o);
/* The likelihood regret of Xiao et al. 2020: the ELBO under the q of tap_vae_fit minus that under q(z|x), both by the same L
 * draws of the noise. Unlike there, (mu, sigma) are optimized themselves and not an encoder for each image. */
TAP_API tap_var tap_vae_regret(const tap_vae *v, tap_var x, int64_t samples, tap_fit_options o);

/* ---- Lossless compression (compression/) -------------------------------------------------------------------------- */

/* Bits-back coding with ANS (Townsend et al. 2019) compresses an image x to about -ELBO(x): z is drawn from q(z|x) by decoding
 * it from the bits written so far, then x is written by p(x|z) and z by p(z). The decoder gets z's bits back.
 *
 * The VAE must consist of linear layers with tap_relu and have no condition. images are uint8 [n,..] of `data` bytes each: any
 * bytes for a beta-binomial likelihood, at most two different values for a Bernoulli one. The compressed bytes depend on the
 * model and the images alone, not on threads, processor or compiler. */
typedef struct {
    int64_t  count, data; /* number of images, and of bytes in each */
    bool     binary;      /* coded by a Bernoulli likelihood */
    uint64_t model;       /* checksum of the model */
} tap_bits_back_header;

/* uint8 [n,..] -> uint8 [bytes] */
TAP_API tap_tensor tap_bits_back_encode(tap_arena *a, const tap_vae *v, tap_tensor images);
/* uint8 [bytes] -> uint8 [n,data]. Bytes that are damaged, or were compressed with another model, are an error. */
TAP_API tap_tensor tap_bits_back_decode(tap_arena *a, const tap_vae *v, tap_tensor bytes);
/* Reads the header of compressed bytes. Bytes that are damaged, or are no compressed images, are an error. */
TAP_API tap_status tap_bits_back_inspect(tap_tensor bytes, tap_bits_back_header *h, tap_error *e);

/* ---- The VAE of counts (count_vae.c) ------------------------------------------------------------------------------ */

/* scVI (Lopez et al. 2018) for x [genes], the counts of each gene in a cell. The library size l = sum x depends on the
 * measurement and is taken as given; an l of 0 counts as 1.
 *
 *   p(z)       = N(0, I)
 *   q(z|x,c)   = N(mu, diag(sigma^2)), by a network of log(1 + scale x / l)
 *   p(x|z,c,l) = NegativeBinomial(l rho, theta)   rho = softmax(f(z,c)), the genes' rates; theta: a parameter of each gene
 *             or the same, zero-inflated: x is 0 with an additional probability sigmoid(g(z,c))
 *
 * c, such as the batch that a cell was measured in, one-hot, goes to both networks, as in a conditional tap_vae.
 *
 * Parameters: enc.0, ..., loc, logvar, dec.0, ..., out as a tap_vae's; log_theta [genes]; the head zero for g, where
 * zero-inflated. */

typedef enum {
    TAP_COUNTS_NB,  /* negative binomial */
    TAP_COUNTS_ZINB /* zero-inflated negative binomial */
} tap_count_likelihood;

/* {.genes = G} gives the defaults in brackets. */
typedef struct {
    int64_t        genes;
    int            n_hidden;                   /* [1] */
    int64_t        hidden[TAP_VAE_MAX_HIDDEN]; /* sizes of the encoder's hidden layers; the decoder's are the reverse [128] */
    tap_activation activation;                 /* [tap_relu] */
    int64_t        latent;                     /* [10] */
    int64_t        condition;                  /* numbers in c [0: it has no c] */
    tap_count_likelihood likelihood;           /* [negative binomial] */
    double               scale;                /* [1e4] */
} tap_count_vae_options;

typedef struct {
    tap_count_vae_options options; /* as passed, with the defaults filled in */
    tap_vae               net;     /* the networks; net.out gives the softmax's logits f */
    tap_linear            zero;    /* g */
    tap_param            *log_theta;
} tap_count_vae;

/* x [batch,genes] are whole numbers from 0 up; c is [batch,condition], or (tap_var){ 0 } for a model without a condition. */
TAP_API void     tap_count_vae_init(tap_count_vae *v, tap_module *m, tap_count_vae_options o);
TAP_API tap_dist tap_count_vae_encode(const tap_count_vae *v, tap_var x, tap_var c); /* q(z|x,c): z [batch,latent] */
/* rho [..,genes], which sums to 1. A conditional model without a c gives the mean over all one-hot c: the rates as if measured
 * in every batch. */
TAP_API tap_var tap_count_vae_rates(const tap_count_vae *v, tap_var z, tap_var c);
/* p(x|z,c,l): z [..,latent], log_library = log l [..,1] */
TAP_API tap_dist tap_count_vae_decode(const tap_count_vae *v, tap_var z, tap_var c, tap_var log_library);
/* The ELBO of each cell [batch], with one draw of z and the KL in closed form. */
TAP_API tap_vae_terms tap_count_vae_elbo(const tap_count_vae *v, tap_var x, tap_var c);
TAP_API tap_var       tap_count_vae_loss(const tap_count_vae *v, tap_var x, tap_var c); /* -mean over cells of the ELBO: [] */
/* The importance-weighted bound (TAP_IWAE) on log p(x|c,l) with K = draws; it tends to log p(x|c,l) from below: [batch] */
TAP_API tap_var tap_count_vae_log_prob(const tap_count_vae *v, tap_var x, tap_var c, int64_t draws);

/* ---- The linear VAE (linear_vae.c) -------------------------------------------------------------------------------- */

/* Probabilistic PCA as a VAE (Tipping & Bishop 1999, Lucas et al. 2019):
 *
 *   p(z) = N(0, I)   q(z|x) = N(V (x - mu), diag(t^2))   p(x|z) = N(W z + mu, sigma^2 I)   p(x) = N(mu, W W^T + sigma^2 I)
 *
 * At the optimum mu is the mean of the data, the columns of W span the principal directions whose variance is above sigma^2,
 * and the ELBO is log p(x). */
typedef struct {
    tap_param *V, *log_t, *W, *mu; /* [latent,data], [latent], [data,latent], [data] */
    tap_param *log_sigma;          /* [], NULL if sigma is fixed */
    double     sigma;              /* as passed: 0 means learned */
} tap_linear_vae;

TAP_API void     tap_linear_vae_init(tap_linear_vae *v, tap_module *m, int64_t data, int64_t latent, double sigma);
TAP_API tap_dist tap_linear_vae_encode(const tap_linear_vae *v, tap_var x); /* q(z|x): x [..,data] */
TAP_API tap_dist tap_linear_vae_decode(const tap_linear_vae *v, tap_var z); /* p(x|z): z [..,latent] */
TAP_API tap_var  tap_linear_vae_elbo(const tap_linear_vae *v, tap_var x);   /* in closed form: [batch,data] -> [batch] */
/* The mean of the ELBO over images of which only the mean [data] and the covariance [data,data] (divided by n) are known: [] */
TAP_API tap_var tap_linear_vae_elbo_from(const tap_linear_vae *v, tap_var mean, tap_var cov);
TAP_API tap_var tap_linear_vae_log_prob(const tap_linear_vae *v, tap_var x); /* log p(x), exactly: [batch,data] -> [batch] */

/* ---- The scalar VAE (scalar_vae.c) -------------------------------------------------------------------------------- */

/* A VAE with a scalar latent and scalar data, whose networks are affine:
 *
 *   p(z) = N(0, 1)   q(z|x) = N(a x + b, t^2)   p(x|z) = N(c z + v, s^2)
 *
 * For data x ~ N(mu, sigma^2) the highest ELBO is -log(2 pi e sigma^2) / 2, and every |c| < sigma has it with
 *   v = mu, s^2 = sigma^2 - c^2, a = c / sigma^2, b = -a mu, t = s / sigma. */
typedef struct {
    tap_param *a, *b, *log_t, *c, *v, *log_s; /* [] */
} tap_scalar_vae;

TAP_API void     tap_scalar_vae_init(tap_scalar_vae *v, tap_module *m);     /* a = c = 0.5, t = s = 1, b = v = 0 */
TAP_API tap_dist tap_scalar_vae_encode(const tap_scalar_vae *v, tap_var x); /* q(z|x), x of any shape */
TAP_API tap_dist tap_scalar_vae_decode(const tap_scalar_vae *v, tap_var z); /* p(x|z), z of any shape */
TAP_API tap_var  tap_scalar_vae_elbo(const tap_scalar_vae *v, tap_var x);   /* in closed form, for each element of x */

/* ---- The autoencoder (autoencoder.c) ------------------------------------------------------------------------------ */

/* {.data = D} gives the defaults in brackets, those of tap_vae_options. */
typedef struct {
    int64_t        data;
    int            n_hidden;                   /* [1] */
    int64_t        hidden[TAP_VAE_MAX_HIDDEN]; /* [400] */
    tap_activation activation;                 /* [tap_relu] */
    int64_t        latent;                     /* [20] */
} tap_autoencoder_options;

/* A plain autoencoder with the networks of a VAE: z = f(x), x^ = g(z), pixels in [0,1]. It has no distribution to sample from.
 * Parameters: enc.0, ...; code; dec.0, ...; out. */
typedef struct {
    tap_autoencoder_options options;
    tap_mlp                 enc, dec;
    tap_linear              code, out;
} tap_autoencoder;

TAP_API void    tap_autoencoder_init(tap_autoencoder *a, tap_module *m, tap_autoencoder_options o);
TAP_API tap_var tap_autoencoder_encode(const tap_autoencoder *a, tap_var x); /* z: [..,data] -> [..,latent] */
TAP_API tap_var tap_autoencoder_decode(const tap_autoencoder *a, tap_var z); /* x^ in (0,1): [..,latent] -> [..,data] */
TAP_API tap_var tap_autoencoder_loss(const tap_autoencoder *a, tap_var x);   /* mean over images of -log Bernoulli(x|x^): [] */

#ifdef __cplusplus
}
#endif

#endif
