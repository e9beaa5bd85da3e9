/* examples/vae_cells/data.c: loads the counts, selects the nonempty cells and splits them into training and held-out cells. */
#define _POSIX_C_SOURCE 200809L
#include "vae_cells.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The separator as the option accepts it: "';'" or "tab". */
static const char *separator_name(char text[8], char separator)
{
    snprintf(text, 8, "'%c'", separator);
    return separator == '\t' ? "tab" : text;
}

/* ---- Counts ------------------------------------------------------------------------------------------------------- */

bool is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static bool ends_in(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

char separator_of(const options *o, const char *path)
{
    return o->separator ? o->separator : ends_in(path, ".tsv") || ends_in(path, ".tsv.gz") ? '\t' : ',';
}

bool has_columns(tap_csv t, const char *path, char separator)
{
    if (t.columns > 1) return true;
    char       by[8], other[8];
    const char guess = tap_csv_guess_separator(t.text[0]);
    if (!guess) return fail("%s: has one column when separated by %s", path, separator_name(by, separator));
    return fail("%s: has one column when separated by %s; it looks separated by %s: --separator %s", path,
                separator_name(by, separator), separator_name(other, guess), separator_name(other, guess));
}

static bool read_counts(cells *d, tap_arena *a, const options *o)
{
    const bool       folder = is_folder(o->data), known = ends_in(o->data, ".csv") || ends_in(o->data, ".csv.gz");
    const char       separator = separator_of(o, o->data);
    const cells_file c = folder || (!o->separator && !known) ? cells_read(a, o->data) : cells_read_csv(a, o->data, separator);
    const char      *message;
    d->counts = c.counts;
    d->barcodes = c.barcodes;
    if (tap_arena_status(a, &message) == TAP_OK) return true;
    tap_arena    *work = tap_arena_new();
    const tap_csv t = folder ? (tap_csv){ 0 } : tap_csv_read(work, o->data, separator);
    const char   *unread; /* if the table cannot be read, `message` gives the reason */
    if (tap_arena_status(work, &unread) != TAP_OK || t.columns != 1 || has_columns(t, o->data, separator)) fail("%s", message);
    tap_arena_free(work);
    return false;
}

/* ---- Selection and split ------------------------------------------------------------------------------------------ */

/* Finds the cells with any counts and makes a matrix of them. It shares all entries, as rows without counts have none. */
static bool find_full(cells *d, tap_arena *a)
{
    int64_t        n = 0, *start = tap_arena_alloc(a, (size_t)(d->counts.rows + 1) * sizeof *start);
    const int64_t *of = d->counts.start;
    d->full = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(d->counts.rows));
    if (!arena_ok(a)) return false;
    for (int64_t i = 0; i < d->counts.rows; i++) {
        if (of[i] == of[i + 1]) continue;
        start[n] = of[i];
        ((int64_t *)d->full.data)[n++] = i;
    }
    start[n] = of[d->counts.rows];
    d->full.shape.n[0] = n;
    d->full_counts = d->counts;
    d->full_counts.rows = n;
    d->full_counts.start = start;
    return n >= 10 || fail("%lld cells with counts are too few: one in ten is held out", (long long)n);
}

static bool find_empty_genes(cells *d, tap_arena *a)
{
    uint8_t *has = tap_arena_alloc(a, (size_t)d->counts.columns);
    if (!arena_ok(a)) return false;
    for (int64_t j = 0; j < d->counts.start[d->counts.rows]; j++) has[d->counts.column[j]] = 1;
    for (int64_t i = 0; i < d->counts.columns; i++) d->empty_genes += !has[i];
    return true;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Holds out one cell in ten, chosen by the seed. *median gets the median library size. */
static bool split(cells *d, tap_arena *a, uint64_t seed, double *median)
{
    const tap_csr x = d->full_counts;
    const int64_t n = x.rows, out = n / 10;
    int64_t      *order = tap_arena_alloc(a, (size_t)n * sizeof *order);
    double       *size = tap_arena_alloc(a, (size_t)n * sizeof *size);
    d->held_out = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(out, 2));
    d->train = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(n - out, 2));
    if (!arena_ok(a)) return false;
    tap_random_permutation(order, n, (tap_rng_key){ seed, tap_random_hash("held out"), 0 });
    for (int64_t i = 0; i < n; i++) {
        int64_t *to = i < out ? (int64_t *)d->held_out.data + 2 * i : (int64_t *)d->train.data + 2 * (i - out);
        for (int64_t j = x.start[order[i]]; j < x.start[order[i] + 1]; j++) size[i] += (double)x.value[j];
        to[0] = ((const int64_t *)d->full.data)[order[i]];
        to[1] = (int64_t)fmin(size[i], 0x1p62);
    }
    qsort(size, (size_t)n, sizeof *size, compare);
    *median = size[n / 2];
    return true;
}

static bool check_options(const cells *d, const options *o)
{
    const long long genes = d->counts.columns, n = d->full_counts.rows;
    if (o->latent > genes || o->latent > n)
        return fail("--latent %lld: must not be above the %lld genes and the %lld cells with counts", (long long)o->latent,
                    genes, n);
    return o->clusters <= n || fail("--clusters %lld: must not be above the %lld cells with counts", (long long)o->clusters, n);
}

static void introduce(const cells *d, const options *o, double median)
{
    const tap_csr x = d->counts;
    if (d->full_counts.rows < x.rows || d->empty_genes)
        note("%s: %lld cells and %lld genes have no counts; nothing is learned from such cells", o->data,
             (long long)(x.rows - d->full_counts.rows), (long long)d->empty_genes);
    if (!o->train.quiet)
        printf(
            "%s: %lld cells x %lld genes, %.1f %% of counts are not 0, median library size %.0f; %lld batches, %lld groups\n",
            o->data, (long long)x.rows, (long long)x.columns,
            100 * (double)x.start[x.rows] / ((double)x.rows * (double)x.columns), median, (long long)d->n_batches,
            (long long)d->n_groups);
}

bool cells_load(cells *d, tap_arena *a, options *o)
{
    double median = 0;
    if (!read_counts(d, a, o) || !find_full(d, a) || !find_empty_genes(d, a) || !metadata_read(d, a, o) ||
        !split(d, a, o->train.seed, &median))
        return false;
    if (o->scale == 0) o->scale = median;
    if (o->clusters == 0) o->clusters = d->n_groups ? d->n_groups : 8;
    if (!check_options(d, o)) return false;
    introduce(d, o, median);
    return true;
}

cell_batch cells_select(const cells *d, tap_var index)
{
    cell_batch s = { .x = tap_csr_select(d->counts, index) };
    if (d->n_batches)
        s.c = tap_cast(tap_one_hot(tap_index_select(tap_input(index.tape, d->batch), 0, index), d->n_batches), TAP_F32);
    return s;
}
