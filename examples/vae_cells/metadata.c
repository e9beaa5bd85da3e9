/* examples/vae_cells/metadata.c: reads groups and batches from a table, whose rows are matched to cells by barcode. */
#define _POSIX_C_SOURCE 200809L
#include "vae_cells.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The match between a column of a table and the cells' barcodes. */
typedef struct {
    int64_t  column, matched, extra, twice; /* cells found, rows of no cell, last row of a repeated cell (0: none) */
    int64_t *row;                           /* of each cell; 0, the header row, stands for none */
} match;

static void match_column(match *m, const cells *d, tap_csv t, const named *order)
{
    const int64_t n = d->counts.rows;
    m->matched = m->extra = m->twice = 0;
    memset(m->row, 0, (size_t)n * sizeof *m->row);
    for (int64_t i = 1; i < t.rows; i++) {
        const named  key = { t.text[i * t.columns + m->column], 0 };
        const named *found = bsearch(&key, order, (size_t)n, sizeof *order, by_barcode);
        if (!found) m->extra++;
        else if (m->row[found->cell]) m->twice = i;
        else m->row[found->cell] = i, m->matched++;
    }
}

/* Whether the rows below the header are the cells in their original order. */
static bool is_in_order(const cells *d, tap_csv t, int64_t column)
{
    if (t.rows != d->counts.rows + 1) return false;
    for (int64_t i = 0; i < d->counts.rows; i++)
        if (strcmp(t.text[(i + 1) * t.columns + column], barcode_of(d, i)) != 0) return false;
    return true;
}

static bool check_match(const match *m, const cells *d, tap_csv t, const char *path, const char *data)
{
    const char *column = t.text[m->column];
    int64_t     missing = 0;
    if (m->matched == 0)
        return fail("%s: no column holds the barcodes of %s; the first cell is '%.60s', and the first row begins with '%.60s'",
                    path, data, barcode_of(d, 0), t.text[t.columns]);
    if (m->twice)
        return fail("%s: column '%.60s' names the cell '%.60s' twice", path, column, t.text[m->twice * t.columns + m->column]);
    while (missing < d->counts.rows && m->row[missing]) missing++;
    if (missing < d->counts.rows)
        return fail("%s: column '%.60s' names %lld of %lld cells; '%.60s' is missing", path, column, (long long)m->matched,
                    (long long)d->counts.rows, barcode_of(d, missing));
    if (m->extra) note("%s: %lld rows name no cell of %s, and are left out", path, (long long)m->extra, data);
    return true;
}

/* Finds the column that names the most cells. */
static bool find_match(match *m, const cells *d, tap_arena *a, tap_csv t, const char *path, const char *data)
{
    const int64_t n = d->counts.rows;
    named        *order = tap_arena_alloc(a, (size_t)n * sizeof *order);
    match         best = { .matched = -1 };
    m->row = tap_arena_alloc(a, (size_t)n * sizeof *m->row);
    if (!arena_ok(a)) return false;
    for (m->column = 0; m->column < t.columns; m->column++) {
        if (!is_in_order(d, t, m->column)) continue;
        for (int64_t i = 0; i < n; i++) m->row[i] = i + 1;
        return true;
    }
    for (int64_t i = 0; i < n; i++) order[i] = (named){ barcode_of(d, i), i };
    qsort(order, (size_t)n, sizeof *order, by_barcode);
    for (int64_t i = 1; i < n; i++)
        if (by_barcode(&order[i - 1], &order[i]) == 0)
            return fail("%s: two cells are called '%.60s', so that rows of %s cannot be matched to cells", data,
                        order[i].barcode, path);
    for (m->column = 0; m->column < t.columns; m->column++) {
        match_column(m, d, t, order);
        if (m->matched > best.matched) best = *m;
    }
    m->column = best.column;
    match_column(m, d, t, order);
    return check_match(m, d, t, path, data);
}

/* Sorts the table's rows into the order of the cells, below the header. */
static bool sort_rows(tap_csv *t, const cells *d, tap_arena *a, const char *path, const char *data)
{
    const int64_t n = d->counts.rows;
    const size_t  width = (size_t)t->columns * sizeof *t->text;
    match         m;
    if (t->rows < 2) return fail("%s: has no rows below the names of its columns", path);
    if (!find_match(&m, d, a, *t, path, data)) return false;
    const char **text = tap_arena_alloc(a, (size_t)(n + 1) * width);
    if (!arena_ok(a)) return false;
    memcpy(text, t->text, width);
    for (int64_t i = 0; i < n; i++) memcpy(text + (i + 1) * t->columns, t->text + m.row[i] * t->columns, width);
    *t = (tap_csv){ n + 1, t->columns, text };
    return true;
}

/* Reads the table given, or else DIR/metadata.csv if it exists. A CSV file of counts has no default table. */
bool metadata_read(cells *d, tap_arena *a, const options *o)
{
    char        path[PATH_SIZE];
    const char *from = o->metadata;
    if (!from && is_folder(o->data) && join(path, o->data, "metadata.csv") && access(path, F_OK) == 0) from = path;
    if (!from)
        return !o->separator || !is_folder(o->data) || fail("--separator: is for CSV files, and there is none in %s", o->data);
    const char separator = separator_of(o, from);
    tap_csv    t = tap_csv_read(a, from, separator);
    if (!arena_ok(a) || !has_columns(t, from, separator) || !sort_rows(&t, d, a, from, o->data)) return false;
    d->group = tap_csv_labels(a, t, "group", &d->n_groups);
    d->batch = tap_csv_labels(a, t, "batch", &d->n_batches);
    if (!arena_ok(a)) return false;
    if (o->metadata && !d->group.data && !d->batch.data)
        return fail("%s: has neither a column called group nor one called batch", from);
    if (o->no_batches) d->batch = (tap_tensor){ 0 }, d->n_batches = 0;
    return true;
}
