/* tensor/kernels/product.c: products with so long sums that float32 would lose digits. k is cut into blocks of TAP__LONG
 * terms; each block is a product in float32, and the blocks are summed in double. */
#include <string.h>

#include "tensor/kernels/product.h"

void tap__add_to_total(tap__matrix x, double *total)
{
    for (int64_t i = 0; i < x.rows; i++) {
        const float *row = (const float *)x.data + i * x.row_stride;
        double      *to = total + i * x.columns;
        for (int64_t j = 0; j < x.columns; j++) to[j] += (double)row[j];
    }
}

void tap__add_product(tap__matrix a, tap__matrix b, float *block, int64_t block_row, double *total)
{
    const tap__matrix sums = { block, a.rows, b.columns, block_row, 1 };
    const int64_t     k = a.columns, a_step = a.column_stride * TAP__LONG, b_step = b.row_stride * TAP__LONG;
    for (int64_t i = 0; i < k; i += TAP__LONG) {
        a.columns = b.rows = k - i < TAP__LONG ? k - i : TAP__LONG;
        tap__product(TAP__TILED, TAP_F32, a, b, block, block_row, false);
        tap__add_to_total(sums, total);
        a.data = (const float *)a.data + a_step;
        b.data = (const float *)b.data + b_step;
    }
}

void tap__long_product(tap__matrix a, tap__matrix b, float *out, int64_t out_row, bool add, double *total)
{
    const tap__matrix sums = { out, a.rows, b.columns, out_row, 1 };
    memset(total, 0, (size_t)(a.rows * b.columns) * sizeof *total);
    if (add) tap__add_to_total(sums, total);
    tap__add_product(a, b, out, out_row, total);
    for (int64_t i = 0; i < a.rows; i++) {
        for (int64_t j = 0; j < b.columns; j++) out[i * out_row + j] = (float)total[i * b.columns + j];
    }
}
