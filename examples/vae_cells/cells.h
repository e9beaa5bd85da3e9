/* examples/vae_cells/cells.h: files of gene counts in cells. */
#ifndef EXAMPLES_CELLS_H
#define EXAMPLES_CELLS_H

#include "tensor/tensor.h"

/* counts [cells,genes], and a row of names for each cell and each gene. */
typedef struct {
    tap_csr counts;
    tap_csv barcodes, features;
} cells_file;

/* Reads a 10x Genomics folder (matrix.mtx, barcodes.tsv, and features.tsv or genes.tsv, gzipped or plain), or a file that ends in .csv,
 * .csv.gz, .tsv or .tsv.gz by cells_read_csv. Counts must be whole numbers from 0 up. Inert after an error, which goes to the arena. */
cells_file cells_read(tap_arena *a, const char *path);
/* Reads a file of cells by genes in the format of tap_csv_read_matrix. */
cells_file cells_read_csv(tap_arena *a, const char *path, char separator);
/* Writes gzipped files into the folder, which must exist. Absent tables of names stand for cell1, ... and gene1, ... */
tap_status cells_write(const char *folder, cells_file c, tap_error *e);

#endif
