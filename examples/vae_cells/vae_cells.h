/* examples/vae_cells/vae_cells.h: what the files of this program share. A function that returns false has already said why,
 * in one line on standard error. */
#ifndef VAE_CELLS_H
#define VAE_CELLS_H

#include "cells.h"
#include "examples/common/train.h"
#include "models/models.h"
#include "simulate.h"

enum {
    SHAPING = 5,
    MODEL_OPTIONS = 5 + TRAIN_MODEL_OPTIONS,
    OPTIONS = 16 + TRAIN_OPTIONS
}; /* options: those to build a model again, those that it depends on, all */

typedef struct {
    train_options    train;
    const char      *data, *metadata, *model, *simulate; /* NULL: not given */
    int              likelihood;                         /* a tap_count_likelihood */
    bool             no_batches;
    int64_t          latent, hidden, clusters, draws;
    double           scale;     /* 0: the median library size */
    char             separator; /* of CSV files; 0: not given */
    count_simulation simulation;
} options;

/* False: the program ends here, with *status (0 after --help, else 2). */
bool options_parse(options *o, int argc, char **argv, int *status);
void options_table(argument table[OPTIONS + 1], options *o);
/* As the option takes it: "';'" or "tab". */
const char *separator_name(char text[8], char separator);

typedef struct {
    tap_csr    counts, full_counts; /* [cells,genes]; those of cells that have any */
    tap_csv    barcodes;            /* a row for each cell, which begins with its name */
    tap_tensor full;                /* int64 [n]: which cells have counts */
    int64_t    empty_genes;         /* how many have none */
    tap_tensor group, batch;        /* int64 [cells]; inert where nobody knows, */
    int64_t    n_groups, n_batches; /* which are 0 then */
    tap_tensor train, held_out;     /* int64 [n,2]: a cell with counts and its library size */
} cells;

/* Some cells on a tape: counts [n,genes] and, one-hot, batches [n,batches], { 0 } where there are none. */
typedef struct {
    tap_var x, c;
} cell_batch;

bool cells_load(cells *d, tap_arena *a, options *o);          /* fills in the options that are up to the data */
bool metadata_read(cells *d, tap_arena *a, const options *o); /* groups and batches, if there is metadata */
bool is_folder(const char *path);
char separator_of(const options *o, const char *path); /* of the fields of this file */
/* Whether a table has more than one column; else the separator is another one, perhaps that which occurs. */
bool       has_columns(tap_csv t, const char *path, char separator);
cell_batch cells_select(const cells *d, tap_var index); /* those of these numbers */

/* The model, and a baseline that sees nothing but a cell's library size and batch. */
typedef struct {
    tap_module   *root[2];
    tap_count_vae vae, baseline;
} models;

/* Trains both and writes the model; or reads the one that the options name, and trains its baseline. *whole is false if it was
 * interrupted. */
bool    models_get(models *m, options *o, const cells *d, bool *whole);
tap_var baseline_log_prob(const models *m, cell_batch s); /* [n] */
bool    report(const options *o, const models *m, const cells *d);
enum { RESULTS = 4 };
void report_files(out_file files[RESULTS], const options *o, const cells *d); /* what it writes */

#endif
