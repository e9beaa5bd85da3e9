/* models/compression/bitexact.h: networks and tables for a coder, the same to the last bit on every machine, for every compiler and any number
 * of threads: additions, multiplications, divisions and comparisons of IEEE numbers alone, each rounded, in an order that is
 * written down; exp and its kin are made of these (tensor/kernels/vmath.h without fused operations). Not installed. */
#ifndef TAP_MODELS_COMPRESSION_BITEXACT_H
#define TAP_MODELS_COMPRESSION_BITEXACT_H

#include "models/compression/rans.h"
#include "tensor/internal.h"

/* y = b + x_0 w_0 + x_1 w_1 + .., one term after the other. */
typedef struct {
    int64_t      in, out;
    const float *w, *b; /* [in,out], [out] */
} tap__bitexact_linear;

/* Steps of the grids that distributions of pixels are rounded to, and how far these reach. */
enum { TAP__LOGIT_STEPS = 64, TAP__LOGIT_MAX = 16, TAP__LOGITS = 2 * TAP__LOGIT_MAX * TAP__LOGIT_STEPS + 1 };
enum { TAP__BETA_STEPS = 8, TAP__BETA_MAX = 12, TAP__BETAS = 2 * TAP__BETA_MAX * TAP__BETA_STEPS + 1 };

typedef struct {
    void (*linear)(const tap__bitexact_linear *l, int64_t rows, const float *x, float *y); /* [rows,in] -> [rows,out] */
    void (*relu)(int64_t n, float *x);
    void (*clip)(int64_t n, float *x, float most);                            /* tap_smooth_clip between -most and most */
    void (*precision)(int64_t n, float *x);                                   /* e^-x */
    void (*grid)(int64_t n, const float *x, int most, int steps, int32_t *y); /* (x + most) steps, rounded, NaN: 0 */
} tap__bitexact_kernels;

TAP__KERNEL_DECLARE(extern const tap__bitexact_kernels, tap__bitexact, [1]);

/* z in 2^12 bins that are equally likely under N(0, 1). */
enum { TAP__BIN_BITS = 12, TAP__BINS = 1 << TAP__BIN_BITS };
/* The normal distribution function at -8, .., 8. */
enum { TAP__NORMAL_STEPS = 256, TAP__NORMAL_RANGE = 8, TAP__NORMALS = 2 * TAP__NORMAL_RANGE * TAP__NORMAL_STEPS + 1 };

typedef struct {
    uint64_t normal[TAP__NORMALS]; /* times 2^32 */
    float    edge[TAP__BINS + 1];  /* where bin i begins; the first and the last bin have no other end */
    float    median[TAP__BINS];
    uint32_t white[TAP__LOGITS]; /* sigmoid, as an interval's size */
} tap__bitexact_tables;

void tap__bitexact_tables_make(tap__bitexact_tables *t);

/* The bin's share of N(mu, 1/precision^2), and the bin that a place belongs to. None is without a share. */
tap__interval tap__bin_interval(const tap__bitexact_tables *t, float mu, float precision, int bin);
int           tap__bin_at(const tap__bitexact_tables *t, float mu, float precision, uint32_t place);

/* Where the bytes 0..255 begin, and where they end, for BetaBinomial(255, alpha, beta) at a place of the grid. */
enum { TAP__BYTES = 256 };
void tap__beta_binomial_table(uint32_t begin[TAP__BYTES + 1], int alpha, int beta);

#endif
