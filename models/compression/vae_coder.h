/* models/compression/vae_coder.h: the networks of a VAE in bit-exact arithmetic, and the intervals of pixels under its
 * likelihood. Not installed. */
#ifndef TAP_MODELS_COMPRESSION_VAE_CODER_H
#define TAP_MODELS_COMPRESSION_VAE_CODER_H

#include "models/models.h"
#include "models/compression/bitexact.h"

typedef struct {
    int64_t                      data, latent, max_width; /* max_width: of any layer */
    bool                         beta_binomial; /* pixels are bytes; else they are 0 or 1, by a Bernoulli likelihood */
    float                        clip;          /* 0: none */
    int                          n_encoder, n_decoder;
    tap__bitexact_linear         encoder[TAP_VAE_MAX_HIDDEN + 1], decoder[TAP_VAE_MAX_HIDDEN + 1];
    const tap__bitexact_kernels *kernels;
    const tap__bitexact_tables  *tables;
    uint64_t                     checksum; /* of weights, tables and what this machine's arithmetic makes of a fixed input */
} tap__vae_coder;

/* The buffers of one thread, for a number of images (rows) at a time. */
typedef struct tap__byte_table tap__byte_table;
typedef struct {
    float           *x, *z;          /* [rows,data] and [rows,latent] */
    float           *mu, *precision; /* [rows,latent]: q(z|x) = N(mu, 1/precision^2) */
    int32_t         *grid; /* grid points of logits [rows,data] or, beta-binomial, of log alpha and log beta [rows,2,data] */
    float           *h[2]; /* [rows,max_width], the layers' outputs in turn */
    tap__byte_table *byte_tables; /* a cache of 2^byte_table_bits tables */
    int              byte_table_bits;
} tap__vae_coder_buffers;

/* In the arena's memory; false, and an error of the arena, if the VAE is of a kind that is not supported. */
bool tap__vae_coder_init(tap__vae_coder *c, tap_arena *a, const tap_vae *v);
/* n_images in all will be coded, which decides the size of the cache. */
bool tap__vae_coder_buffers_init(tap__vae_coder_buffers *b, tap_arena *a, const tap__vae_coder *c, int64_t rows,
                                 int64_t n_images);

void tap__vae_coder_posterior(const tap__vae_coder *c, tap__vae_coder_buffers *b,
                              int64_t rows); /* q(z|x): x -> mu, precision */
void tap__vae_coder_likelihood(const tap__vae_coder *c, tap__vae_coder_buffers *b, int64_t rows); /* p(x|z): z -> grid */

/* Pixel i of an image under p(x|z): the interval of a value (a byte, or 0 or 1), and the value whose interval holds a slot. */
tap__interval tap__pixel_interval(const tap__vae_coder *c, tap__vae_coder_buffers *b, int64_t row, int64_t i, int value);
int tap__pixel_at(const tap__vae_coder *c, tap__vae_coder_buffers *b, int64_t row, int64_t i, uint32_t slot, tap__interval *of);

#endif
