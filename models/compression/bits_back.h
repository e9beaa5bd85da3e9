/* models/compression/bits_back.h: the networks of a VAE as a coder runs them. Not installed. */
#ifndef TAP_MODELS_COMPRESSION_BITS_BACK_H
#define TAP_MODELS_COMPRESSION_BITS_BACK_H

#include "models/models.h"
#include "models/compression/bitexact.h"

typedef struct {
    int64_t                      data, latent, widest; /* the widest layer */
    bool                         bytes;                /* pixels are bytes, else one of two values */
    float                        clip;                 /* 0: none */
    int                          n_encoder, n_decoder;
    tap__bitexact_linear         encoder[TAP_VAE_MAX_HIDDEN + 1], decoder[TAP_VAE_MAX_HIDDEN + 1];
    const tap__bitexact_kernels *run;
    const tap__bitexact_tables  *tables;
    uint64_t                     checksum; /* of weights, tables, and what the arithmetic here makes of them */
} tap__coder;

/* What one thread works in, for so many images at a time. */
typedef struct tap__byte_table tap__byte_table;
typedef struct {
    float           *x, *z;          /* [rows,data] and [rows,latent] */
    float           *mu, *precision; /* [rows,latent], of q(z|x) */
    int32_t         *at;     /* [rows,data], places in the grid of logits; for bytes, [rows,2 data], of alpha and of beta */
    float           *h[2];   /* [rows,widest] */
    tap__byte_table *tables; /* those that were asked for last, 2^table_bits */
    int              table_bits;
} tap__coder_buffers;

/* In memory of the arena; false, and the arena has failed, if a coder cannot run the model. */
bool tap__coder_init(tap__coder *c, tap_arena *a, const tap_vae *v);
bool tap__coder_buffers_init(tap__coder_buffers *room, tap_arena *a, const tap__coder *c, int64_t rows,
                             int64_t images); /* of so many in all */

void tap__coder_encode(const tap__coder *c, tap__coder_buffers *room, int64_t rows); /* x -> mu, precision */
void tap__coder_decode(const tap__coder *c, tap__coder_buffers *room, int64_t rows); /* z -> at */

/* The interval of a pixel, which is a byte or 0 or 1, in an image of the room; and the pixel that a place belongs to. */
tap__interval tap__pixel_interval(const tap__coder *c, tap__coder_buffers *room, int64_t row, int64_t i, int pixel);
int tap__pixel_at(const tap__coder *c, tap__coder_buffers *room, int64_t row, int64_t i, uint32_t place, tap__interval *of);

#endif
