/* examples/vae_cells/data.c: loads the counts and the table of metadata, selects the nonempty cells and splits them into training
 * and held-out cells. */
#define _POSIX_C_SOURCE 200809L
#include "vae_cells.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The separator as the option accepts it: "';'" or "tab". */
static const char *separator_name(char text[8], char separator)
{
    snprintf(text, 8, "'%c'", separator);
    return separator == '\t' ? "tab" : text;
}

/* ---- Counts ------------------------------------------------------------------------------------------------------- */

static bool is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* Reads a CSV file; the arena holds the error if that fails. If the file has a single column, reports that the separator is
 * wrong, suggests one that occurs, and returns false. */
static bool read_table(tap_csv *t, tap_arena *a, const options *o, const char *path)
{
    const char separator = o->separator ? o->separator : cells_separator(path) == '\t' ? '\t' : ',';
    char       by[8], other[8];
    *t = tap_csv_read(a, path, separator);
    if (t->columns != 1) return true;
    const char guess = tap_csv_guess_separator(t->text[0]);
    if (!guess) return fail("%s: has one column when separated by %s", path, separator_name(by, separator));
    return fail("%s: has one column when separated by %s; it looks separated by %s: --separator %s", path,
                separator_name(by, separator), separator_name(other, guess), separator_name(other, guess));
}

static bool read_counts(cells *d, tap_arena *a, const options *o)
{
    const bool       by_name = !o->separator || is_folder(o->data);
    const cells_file c = by_name ? cells_read(a, o->data) : cells_read_csv(a, o->data, o->separator);
    const char      *message;
    tap_csv          t;
    d->counts = c.counts;
    d->barcodes = c.barcodes;
    if (tap_arena_status(a, &message) == TAP_OK) return true;
    tap_arena *work = tap_arena_new();
    if (read_table(&t, work, o, o->data)) fail("%s", message);
    tap_arena_clear_error(work); /* `message` gives the reason */
    tap_arena_free(work);
    return false;
}

/* ---- Metadata ----------------------------------------------------------------------------------------------------- */

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

/* Sorts the rows of the table read from `path` into the order of the cells of `data`, by the column that holds their barcodes. */
static bool rows_match(tap_csv *t, const cells *d, tap_arena *a, const char *path, const char *data)
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

/* Reads the table given, or else DIR/metadata.csv if it exists. A CSV file of counts has no default table. */
static bool read_metadata(cells *d, tap_arena *a, const options *o)
{
    char        path[PATH_SIZE];
    const char *from = o->metadata;
    tap_csv     t;
    if (!from && join(path, o->data, "metadata.csv") && access(path, F_OK) == 0) from = path;
    if (!from)
        return !o->separator || !is_folder(o->data) || fail("--separator: is for CSV files, and there is none in %s", o->data);
    if (!read_table(&t, a, o, from) || !arena_ok(a) || !rows_match(&t, d, a, from, o->data)) return false;
    d->group = tap_csv_labels(a, t, "group", &d->n_groups);
    d->batch = tap_csv_labels(a, t, "batch", &d->n_batches);
    if (!arena_ok(a)) return false;
    if (o->metadata && !d->group.data && !d->batch.data)
        return fail("%s: has neither a column called group nor one called batch", from);
    if (o->no_batches) d->batch = (tap_tensor){ 0 }, d->n_batches = 0;
    return true;
}

/* ---- Selection and split ------------------------------------------------------------------------------------------ */

/* Finds the genes without counts, and the cells with any. A matrix of these cells shares all entries, as the other rows have
 * none. */
static bool find_full(cells *d, tap_arena *a)
{
    const tap_csr x = d->counts;
    int64_t       n = 0, *start = tap_arena_alloc(a, (size_t)(x.rows + 1) * sizeof *start);
    uint8_t      *has_counts = tap_arena_alloc(a, (size_t)x.columns);
    d->full = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(x.rows));
    if (!arena_ok(a)) return false;
    for (int64_t j = 0; j < x.start[x.rows]; j++) has_counts[x.column[j]] = 1;
    for (int64_t i = 0; i < x.columns; i++) d->empty_genes += !has_counts[i];
    for (int64_t i = 0; i < x.rows; i++) {
        if (x.start[i] == x.start[i + 1]) continue;
        start[n] = x.start[i];
        ((int64_t *)d->full.data)[n++] = i;
    }
    start[n] = x.start[x.rows];
    d->full.shape.n[0] = n;
    d->full_counts = (tap_csr){ n, x.columns, start, x.column, x.value };
    return n >= 10 || fail("%lld cells with counts are too few: one in ten is held out", (long long)n);
}

/* Holds out one cell in ten, chosen by the seed. *median gets the median library size. */
static bool split(cells *d, tap_arena *a, uint64_t seed, double *median)
{
    const tap_csr    x = d->full_counts;
    const int64_t    n = x.rows;
    const tap_tensor all = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(n, 2)), sizes = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(n));
    int64_t         *order = tap_arena_alloc(a, (size_t)n * sizeof *order), *row = all.data;
    double          *size = sizes.data;
    if (!arena_ok(a)) return false;
    tap_random_permutation(order, n, (tap_rng_key){ seed, tap_random_hash("held out"), 0 });
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = x.start[order[i]]; j < x.start[order[i] + 1]; j++) size[i] += (double)x.value[j];
        row[2 * i] = ((const int64_t *)d->full.data)[order[i]];
        row[2 * i + 1] = (int64_t)fmin(size[i], 0x1p62);
    }
    d->held_out = tap_tensor_slice(a, all, 0, 0, n / 10, 1);
    d->train = tap_tensor_slice(a, all, 0, n / 10, n, 1);
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    *median = tap_item(tap_select(tap_sort(tap_input(t, sizes), 0, TAP_ASCENDING, NULL), 0, n / 2));
    return tape_end(t);
}

bool cells_load(cells *d, tap_arena *a, options *o)
{
    double median;
    if (!read_counts(d, a, o) || !find_full(d, a) || !read_metadata(d, a, o) || !split(d, a, o->train.seed, &median))
        return false;
    const long long genes = d->counts.columns, all = d->counts.rows, n = d->full_counts.rows, counts = d->counts.start[all];
    if (o->scale == 0) o->scale = median;
    if (o->clusters == 0) o->clusters = d->n_groups ? d->n_groups : 8;
    if (o->latent > genes || o->latent > n)
        return fail("--latent %lld: must not be above the %lld genes and the %lld cells with counts", (long long)o->latent,
                    genes, n);
    if (o->clusters > n)
        return fail("--clusters %lld: must not be above the %lld cells with counts", (long long)o->clusters, n);
    if (n < all || d->empty_genes)
        note("%s: %lld cells and %lld genes have no counts; nothing is learned from such cells", o->data, all - n,
             (long long)d->empty_genes);
    if (!o->train.quiet)
        printf(
            "%s: %lld cells x %lld genes, %.1f %% of counts are not 0, median library size %.0f; %lld batches, %lld groups\n",
            o->data, all, genes, 100 * (double)counts / ((double)all * (double)genes), median, (long long)d->n_batches,
            (long long)d->n_groups);
    return true;
}

cell_batch cells_select(const cells *d, tap_var index)
{
    cell_batch s = { .x = tap_csr_select(d->counts, index) };
    if (d->n_batches)
        s.c = tap_cast(tap_one_hot(tap_index_select(tap_input(index.tape, d->batch), 0, index), d->n_batches), TAP_F32);
    return s;
}
