/* examples/vae_cells/cells.h: reads and writes files of gene counts in cells. */
#ifndef EXAMPLES_CELLS_H
#define EXAMPLES_CELLS_H

#include "tensor/tensor.h"

/* counts [cells,genes], with a row of names for each cell (barcodes) and each gene (features). */
typedef struct {
    tap_csr counts;
    tap_csv barcodes, features;
} cells_file;

/* Reads a 10x Genomics folder (matrix.mtx, barcodes.tsv, and features.tsv or genes.tsv, gzipped or plain), or, by
 * cells_read_csv, a file that ends in .csv, .csv.gz, .tsv or .tsv.gz. Counts must be integers >= 0. On error, the result is
 * inert and the arena holds the error. */
cells_file cells_read(tap_arena *a, const char *path);
char       cells_separator(const char *path); /* by the end of the file's name: comma or tab; '\0' for any other name */
/* Reads a [cells,genes] file in the format of tap_csv_read_matrix. */
cells_file cells_read_csv(tap_arena *a, const char *path, char separator);
/* Writes gzipped files into the folder, which must exist. Absent tables of names default to cell1, ... and gene1, ... */
tap_status cells_write(const char *dir, cells_file c, tap_error *e);

#endif
