/* tensor/sparse/csr.h: checks of sparse matrices, and their construction from entries. Not installed. */
#ifndef TAP_TENSOR_SPARSE_CSR_H
#define TAP_TENSOR_SPARSE_CSR_H

#include "tensor/tensor.h"

/* Maximum number of rows and of columns; maximum number of components. */
enum { TAP__CSR_MAX = INT32_MAX, TAP__PCA_MAX = 1000 };

/* Describes what is invalid in the whole matrix, in its sizes alone, or in row i of a matrix with valid sizes; NULL if
 * nothing is. */
const char *tap__csr_error(tap_csr x);
const char *tap__csr_size_error(tap_csr x);
const char *tap__csr_row_error(tap_csr x, int64_t i);

/* Entries (row[i], column[i], value[i]) in any order, in an arena of their own. */
typedef struct {
    tap_arena *memory;
    int64_t    n;
    int32_t   *row, *column;
    float     *value;
} tap__entries;

/* The matrix of these entries, without zeros. Frees their arena. A duplicate entry is an error, which begins with `where`
 * and names its row and column, counted from 1. */
tap_csr tap__csr_from_entries(tap_arena *a, const char *where, int64_t rows, int64_t columns, const tap__entries *e);

#endif
