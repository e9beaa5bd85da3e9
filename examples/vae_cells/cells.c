/* examples/vae_cells/cells.c: reads and writes gene counts: folders in the format of 10x Genomics, CSV and TSV. Like those
 * of the library, its functions report errors to an arena or a tap_error. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"

enum { PATH_SIZE = 4096 };

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static bool fail_path(tap_arena *a, const char *path, const char *what)
{
    tap_error_set(tap_arena_error(a), TAP_EIO, "%s: %s", path, what);
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* Whether the file exists. True if that cannot be determined, so that opening the file reports the reason. */
static bool exists(const char *path)
{
    return access(path, F_OK) == 0 || errno != ENOENT;
}

/* Sets path to dir/name.gz if that exists, else to dir/name; false if neither exists. */
static bool find_file(char path[PATH_SIZE], const char *dir, const char *name)
{
    const int n = snprintf(path, PATH_SIZE, "%s/%s.gz", dir, name);
    if (n < 0 || n >= PATH_SIZE) return false;
    if (exists(path)) return true;
    path[n - 3] = '\0';
    return exists(path);
}

/* Reads a folder. Its matrix is [features,barcodes], the transpose of cells_file's. */
static bool read_folder(tap_arena *a, const char *dir, cells_file *c)
{
    char matrix[PATH_SIZE], barcodes[PATH_SIZE], features[PATH_SIZE];
    if (!find_file(matrix, dir, "matrix.mtx"))
        return fail_path(a, dir, exists(dir) ? "has neither matrix.mtx.gz nor matrix.mtx" : "there is no such folder");
    if (!find_file(barcodes, dir, "barcodes.tsv")) return fail_path(a, dir, "has neither barcodes.tsv.gz nor barcodes.tsv");
    if (!find_file(features, dir, "features.tsv") && !find_file(features, dir, "genes.tsv"))
        return fail_path(a, dir, "has neither features.tsv.gz nor features.tsv");
    const char      *message;
    tap_arena       *work = tap_arena_new();
    const tap_csr    x = tap_matrix_market_read(work, matrix);
    const tap_status status = tap_arena_status(work, &message);
    if (status) tap_error_set(tap_arena_error(a), status, "%s", message);
    if (x.start) c->counts = tap_csr_transpose(a, x);
    tap_arena_free(work);
    c->barcodes = tap_tsv_read(a, barcodes);
    c->features = tap_tsv_read(a, features);
    if (tap_arena_status(a, NULL) != TAP_OK) return false;
    if (x.columns == c->barcodes.rows && x.rows == c->features.rows) return true;
    tap_error_set(tap_arena_error(a), TAP_EIO, "%s: holds %lld rows and %lld columns for %lld features and %lld barcodes%s",
                  matrix, (long long)x.rows, (long long)x.columns, (long long)c->features.rows, (long long)c->barcodes.rows,
                  x.rows == c->barcodes.rows && x.columns == c->features.rows ? "; rows and columns are exchanged" : "");
    return false;
}

static void check_counts(tap_arena *a, const char *path, const cells_file *c)
{
    const tap_csr x = c->counts;
    for (int64_t i = 0; i < x.rows; i++) {
        for (int64_t j = x.start[i]; j < x.start[i + 1]; j++) {
            if (x.value[j] >= 0 && x.value[j] == floorf(x.value[j])) continue;
            tap_error_set(tap_arena_error(a), TAP_EIO,
                          "%s: cell %lld (%.60s), gene %d: counts must be whole numbers, at least 0, not %g", path,
                          (long long)i + 1, c->barcodes.text[i * c->barcodes.columns], x.column[j] + 1, (double)x.value[j]);
            return;
        }
    }
}

/* The cells that were read if their counts are valid, otherwise inert cells. */
static cells_file cells_or_inert(tap_arena *a, const char *path, const cells_file *c)
{
    if (tap_arena_status(a, NULL) == TAP_OK) check_counts(a, path, c);
    return tap_arena_status(a, NULL) == TAP_OK ? *c : (cells_file){ .counts = { .rows = 0 } };
}

cells_file cells_read_csv(tap_arena *a, const char *path, char separator)
{
    cells_file c = { .counts = { .rows = 0 } };
    if (path) c.counts = tap_csv_read_matrix(a, path, separator, &c.barcodes, &c.features);
    else tap_error_set(tap_arena_error(a), TAP_EARG, "cells: the path is NULL");
    return cells_or_inert(a, path, &c);
}

char cells_separator(const char *path)
{
    if (ends_with(path, ".csv") || ends_with(path, ".csv.gz")) return ',';
    return ends_with(path, ".tsv") || ends_with(path, ".tsv.gz") ? '\t' : '\0';
}

cells_file cells_read(tap_arena *a, const char *path)
{
    cells_file c = { .counts = { .rows = 0 } };
    const char separator = path ? cells_separator(path) : ',';
    if (separator) return cells_read_csv(a, path, separator);
    if (tap_arena_status(a, NULL) == TAP_OK) read_folder(a, path, &c);
    return cells_or_inert(a, path, &c);
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* Whether a row of names can be read back unchanged. A single empty name would be an empty line. */
static bool is_plain(tap_csv t, int64_t row)
{
    bool empty = t.columns == 1;
    for (const char *const *text = t.text + row * t.columns, *const *end = text + t.columns; text < end; text++) {
        if (!*text || strpbrk(*text, "\t\r\n")) return false;
        empty = empty && !(*text)[strspn(*text, " ")];
    }
    return !empty;
}

/* Writes the rows of the table or, if it is absent, n numbered names. */
static tap_status write_names(const char *path, tap_csv t, const char *name, int64_t n, tap_error *e)
{
    char      line[64];
    tap_file *f = tap_file_create_gzip(path, e);
    if (!f) return e ? e->status : TAP_EIO;
    for (int64_t i = 0; i < n && !t.text; i++) {
        snprintf(line, sizeof line, "%s%lld\n", name, (long long)i + 1);
        tap_file_write(f, line, strlen(line));
    }
    for (int64_t i = 0; t.text && i < t.rows * t.columns; i++) {
        tap_file_write(f, t.text[i], strlen(t.text[i]));
        tap_file_write(f, (i + 1) % t.columns ? "\t" : "\n", 1);
    }
    return tap_file_commit(f);
}

static tap_status check_names(tap_csv t, const char *what, int64_t rows, tap_error *e)
{
    if (!t.text) return TAP_OK;
    if (t.rows != rows || t.columns < 1 || t.columns >= INT32_MAX)
        return tap_error_set(e, TAP_EARG, "cells: %s must have %lld rows and at least one column, not [%lld,%lld]", what,
                             (long long)rows, (long long)t.rows, (long long)t.columns);
    for (int64_t i = 0; i < rows; i++)
        if (!is_plain(t, i))
            return tap_error_set(e, TAP_EARG, "cells: %s, row %lld: a name is missing, or contains a tab or the end of a line",
                                 what, (long long)i + 1);
    return TAP_OK;
}

static tap_status write_all(char path[PATH_SIZE], size_t n, const cells_file *c, tap_error *e)
{
    const char *message;
    tap_arena  *work = tap_arena_new();
    snprintf(path + n, PATH_SIZE - n, "/matrix.mtx.gz");
    const tap_csr x = tap_csr_transpose(work, c->counts);
    tap_status    status = tap_arena_status(work, &message);
    status = status ? tap_error_set(e, status, "cells: %s", message) : tap_matrix_market_write(path, x, e);
    tap_arena_free(work);
    snprintf(path + n, PATH_SIZE - n, "/barcodes.tsv.gz");
    if (status == TAP_OK) status = write_names(path, c->barcodes, "cell", c->counts.rows, e);
    snprintf(path + n, PATH_SIZE - n, "/features.tsv.gz");
    return status == TAP_OK ? write_names(path, c->features, "gene", c->counts.columns, e) : status;
}

tap_status cells_write(const char *dir, cells_file c, tap_error *e)
{
    char         path[PATH_SIZE];
    const size_t n = dir ? strlen(dir) : 0;
    if (!dir || n > PATH_SIZE - 32) return tap_error_set(e, TAP_EARG, "cells: the path is %s", dir ? "too long" : "NULL");
    if (!c.counts.start) return tap_error_set(e, TAP_EARG, "cells: the matrix is inert");
    tap_status status = check_names(c.barcodes, "barcodes", c.counts.rows, e);
    if (status == TAP_OK) status = check_names(c.features, "features", c.counts.columns, e);
    memcpy(path, dir, n);
    return status == TAP_OK ? write_all(path, n, &c, e) : status;
}
