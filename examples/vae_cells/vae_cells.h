/* examples/vae_cells/vae_cells.h: shared declarations of this program. */
#ifndef VAE_CELLS_H
#define VAE_CELLS_H

#include "cells.h"
#include "examples/common/common.h"
#include "simulate.h"

typedef struct {
    train_options    train;
    const char      *data, *metadata, *simulate; /* NULL: not given */
    int              likelihood;                 /* of type tap_count_likelihood */
    bool             no_batches;
    int64_t          latent, hidden, clusters, draws;
    double           scale;     /* 0: the median library size */
    char             separator; /* of CSV files; 0: not given */
    count_simulation simulation;
} options;

typedef struct {
    tap_csr    counts, full_counts; /* [cells,genes]; full_counts: of cells with any counts */
    tap_csv    barcodes;            /* a row for each cell, which begins with its name */
    tap_tensor full;                /* int64 [n]: indices of the cells with counts */
    int64_t    empty_genes;         /* number of genes without counts */
    tap_tensor group, batch;        /* int64 [cells]; inert if unknown */
    int64_t    n_groups, n_batches; /* 0 if unknown */
    tap_tensor train, held_out;     /* int64 [n,2]: index of a cell with counts, library size */
} cells;

/* A batch of cells on a tape: x, counts [n,genes], and c, one-hot batches [n,batches] or { 0 } for data without batches. */
typedef struct {
    tap_var x, c;
} cell_batch;

bool       cells_load(cells *d, tap_arena *a, options *o); /* fills in options that depend on the data */
cell_batch cells_select(const cells *d, tap_var index);    /* the cells with these indices */

/* The model, and a baseline that depends only on a cell's library size and batch. */
typedef struct {
    options      *o;
    const cells  *d;
    tap_module   *root[2];
    tap_count_vae vae, baseline;
} models;

cell_batch cells_of(const models *m, tap_tape *t, const batch *b); /* of rows of the training or the held-out cells */
tap_var    baseline_log_prob(const models *m, cell_batch s);       /* [n] */
bool       report(const models *m);

#endif
