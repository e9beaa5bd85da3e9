/* models/compression/bitexact.h: networks and tables for a coder that give the same bits on every machine, with every compiler
 * and any number of threads. Not installed.
 *
 * A decoder must compute exactly the intervals that the encoder used. So all arithmetic here is additions, multiplications,
 * divisions and comparisons of IEEE numbers, each rounded by itself, in a fixed order. exp and the functions made of it
 * (tensor/kernels/vmath.h) are compiled without fused multiply-adds. */
#ifndef TAP_MODELS_COMPRESSION_BITEXACT_H
#define TAP_MODELS_COMPRESSION_BITEXACT_H

#include "models/compression/rans.h"
#include "tensor/tensor.h"
#include "tensor/cpu.h"

/* y = b + x_0 w_0 + x_1 w_1 + .., summed in this order. */
typedef struct {
    int64_t      in, out;
    const float *w, *b; /* [in,out], [out] */
} tap__bitexact_linear;

/* The parameters of pixel distributions are rounded to grids: logits from -MAX to MAX, with STEPS to a unit, and log alpha and
 * log beta likewise. */
enum { TAP__LOGIT_STEPS = 64, TAP__LOGIT_MAX = 16, TAP__LOGITS = 2 * TAP__LOGIT_MAX * TAP__LOGIT_STEPS + 1 };
enum { TAP__BETA_STEPS = 8, TAP__BETA_MAX = 12, TAP__BETAS = 2 * TAP__BETA_MAX * TAP__BETA_STEPS + 1 };

typedef struct {
    void (*linear)(const tap__bitexact_linear *l, int64_t rows, const float *x, float *y); /* [rows,in] -> [rows,out] */
    void (*relu)(int64_t n, float *x);
    void (*clip)(int64_t n, float *x, float c);                              /* tap_smooth_clip(x, -c, c) */
    void (*precision)(int64_t n, float *x);                                  /* e^-x */
    void (*grid)(int64_t n, const float *x, int max, int steps, int32_t *y); /* (x + max) steps, rounded; NaN gives 0 */
} tap__bitexact_kernels;

TAP__KERNEL_DECLARE(extern const tap__bitexact_kernels, tap__bitexact, [1]);

/* z is one of 2^12 bins that are equally likely under the prior N(0, 1). */
enum { TAP__BIN_BITS = 12, TAP__BINS = 1 << TAP__BIN_BITS };
/* The normal distribution function is tabulated from -RANGE to RANGE, with STEPS to a unit. */
enum { TAP__NORMAL_STEPS = 256, TAP__NORMAL_RANGE = 8, TAP__NORMALS = 2 * TAP__NORMAL_RANGE * TAP__NORMAL_STEPS + 1 };

typedef struct {
    uint64_t normal_cdf[TAP__NORMALS]; /* times 2^32 */
    float    bin_edge[TAP__BINS + 1];  /* the lower edge of bin i; bins 0 and BINS - 1 extend to -infinity and infinity */
    float    median[TAP__BINS];
    uint32_t p_one[TAP__LOGITS]; /* freq of a pixel that is 1: sigmoid(logit) */
} tap__bitexact_tables;

void tap__bitexact_tables_make(tap__bitexact_tables *t);

/* The interval of a bin under N(mu, 1/precision^2), and the bin whose interval holds a slot. Every bin has freq >= 1. */
tap__interval tap__bin_interval(const tap__bitexact_tables *t, float mu, float precision, int bin);
int           tap__bin_at(const tap__bitexact_tables *t, float mu, float precision, uint32_t slot);

/* BetaBinomial(255, alpha, beta), with log alpha and log beta at these points of the grid: byte x has the slots
 * start[x] .. start[x + 1] - 1. */
enum { TAP__BYTES = 256 };
void tap__beta_binomial_table(uint32_t start[TAP__BYTES + 1], int alpha, int beta);

#endif
