/* examples/vae_cells/metadata.c: matches the rows of a table of metadata to cells by their barcodes. */
#include "vae_cells.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *barcode;
    int64_t     cell;
} named;

static int by_barcode(const void *a, const void *b)
{
    return strcmp(((const named *)a)->barcode, ((const named *)b)->barcode);
}

static const char *barcode_of(const cells *d, int64_t cell)
{
    return d->barcodes.text[cell * d->barcodes.columns];
}

/* Whether the rows below the header are the cells in their original order. */
static bool is_in_order(const cells *d, tap_csv t, int64_t column)
{
    if (t.rows != d->counts.rows + 1) return false;
    for (int64_t i = 0; i < d->counts.rows; i++)
        if (strcmp(t.text[(i + 1) * t.columns + column], barcode_of(d, i)) != 0) return false;
    return true;
}

/* Finds the row of each cell by the names in a column; 0, the header row, stands for none. Returns the number of cells found.
 * *twice is the last row that names a cell again, or 0. */
static int64_t match_column(int64_t *row, int64_t *twice, const cells *d, tap_csv t, int64_t column, const named *order)
{
    const int64_t n = d->counts.rows;
    int64_t       matched = 0;
    *twice = 0;
    memset(row, 0, (size_t)n * sizeof *row);
    for (int64_t i = 1; i < t.rows; i++) {
        const named  key = { t.text[i * t.columns + column], 0 };
        const named *found = bsearch(&key, order, (size_t)n, sizeof *order, by_barcode);
        if (found && row[found->cell]) *twice = i;
        else if (found) row[found->cell] = i, matched++;
    }
    return matched;
}

/* Finds the row of each cell by the column that names the most cells. */
static bool find_rows(int64_t *row, const cells *d, tap_csv t, const named *order, const char *path, const char *data)
{
    const int64_t n = d->counts.rows;
    int64_t       column = 0, most = -1, missing = 0, twice;
    for (int64_t j = 0; j < t.columns; j++) {
        const int64_t matched = match_column(row, &twice, d, t, j, order);
        if (matched > most) most = matched, column = j;
    }
    match_column(row, &twice, d, t, column, order);
    if (most == 0)
        return fail("%s: no column holds the barcodes of %s; the first cell is '%.60s', and the first row begins with '%.60s'",
                    path, data, barcode_of(d, 0), t.text[t.columns]);
    if (twice)
        return fail("%s: column '%.60s' names the cell '%.60s' twice", path, t.text[column],
                    t.text[twice * t.columns + column]);
    while (missing < n && row[missing]) missing++;
    if (missing < n)
        return fail("%s: column '%.60s' names %lld of %lld cells; '%.60s' is missing", path, t.text[column], (long long)most,
                    (long long)n, barcode_of(d, missing));
    if (t.rows > n + 1) note("%s: %lld rows name no cell of %s, and are left out", path, (long long)(t.rows - n - 1), data);
    return true;
}

bool rows_match(tap_csv *t, const cells *d, tap_arena *a, const char *path, const char *data)
{
    const int64_t n = d->counts.rows;
    const size_t  width = (size_t)t->columns * sizeof *t->text;
    if (t->rows < 2) return fail("%s: has no rows below the names of its columns", path);
    for (int64_t j = 0; j < t->columns; j++)
        if (is_in_order(d, *t, j)) return true;
    named       *order = tap_arena_alloc(a, (size_t)n * sizeof *order);
    int64_t     *row = tap_arena_alloc(a, (size_t)n * sizeof *row);
    const char **text = tap_arena_alloc(a, (size_t)(n + 1) * width);
    if (!arena_ok(a)) return false;
    for (int64_t i = 0; i < n; i++) order[i] = (named){ barcode_of(d, i), i };
    qsort(order, (size_t)n, sizeof *order, by_barcode);
    for (int64_t i = 1; i < n; i++)
        if (by_barcode(&order[i - 1], &order[i]) == 0)
            return fail("%s: two cells are called '%.60s', so that rows of %s cannot be matched to cells", data,
                        order[i].barcode, path);
    if (!find_rows(row, d, *t, order, path, data)) return false;
    memcpy(text, t->text, width);
    for (int64_t i = 0; i < n; i++) memcpy(text + (i + 1) * t->columns, t->text + row[i] * t->columns, width);
    *t = (tap_csv){ n + 1, t->columns, text };
    return true;
}
