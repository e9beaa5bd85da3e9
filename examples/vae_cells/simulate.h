/* examples/vae_cells/simulate.h: simulates gene counts with known groups and batches. */
#ifndef EXAMPLES_SIMULATE_H
#define EXAMPLES_SIMULATE_H

#include "nn/nn.h"

/* Simulates cells of overlapping groups, measured in batches:
 *
 *   x ~ NegativeBinomial(l rho, theta)   rho = softmax over genes of (base + fold of the group + shift of the batch)
 *   base ~ N(0, spread^2)   fold ~ N(0, fold^2) for a part of each group's genes, its markers, else 0   shift ~ N(0, shift^2)
 *   log l ~ N(log library, library_spread^2)   log theta of a gene ~ N(log theta, 0.5^2)
 *
 * The group and the batch of a cell are uniform and independent. {.cells = N, .genes = G} gives the defaults in brackets:
 * 0 stands for the default, and numbers must not be negative. */
typedef struct {
    int64_t  cells, genes;
    int64_t  groups, batches;         /* [8, 3] */
    double   markers;                 /* the probability that a gene is a marker of a group [0.1] */
    double   fold, shift, spread;     /* [0.8, 0.2, 2] */
    double   library, library_spread; /* [600, 0.5] */
    double   theta;                   /* [2] */
    uint64_t seed;
} count_simulation;

typedef struct {
    tap_csr    counts;       /* [cells,genes] */
    tap_tensor group, batch; /* int64 [cells] */
    tap_tensor log_library;  /* float64 [cells] */
} simulated_counts;

simulated_counts simulate_counts(tap_arena *a, count_simulation o); /* inert on error; the arena holds the error */

#endif
