/* tensor/sparse/csr.h: what the files about sparse matrices share. Not installed. */
#ifndef TAP_TENSOR_SPARSE_CSR_H
#define TAP_TENSOR_SPARSE_CSR_H

#include "tensor/tensor.h"

enum { TAP__CSR_MAX = INT32_MAX, TAP__PCA_MAX = 1000 }; /* rows, and columns; components */

/* What is wrong with x, its size alone, a row within it; NULL: nothing. */
const char *tap__csr_error(tap_csr x);
const char *tap__csr_size_error(tap_csr x);
const char *tap__csr_row_error(tap_csr x, int64_t i);

/* Entries (row[i], column[i], value[i]), in any order, within the matrix. They are in an arena of their own. */
typedef struct {
    tap_arena *memory;
    int64_t    n;
    int32_t   *row, *column;
    float     *value;
} tap__entries;

/* The matrix of these, whose memory is given back on the way. An error, which begins with `where`, names the place of an
 * entry that comes twice, counted from 1. Zeros do not count. */
tap_csr tap__csr_of(tap_arena *a, const char *where, int64_t rows, int64_t columns, const tap__entries *e);

#endif
