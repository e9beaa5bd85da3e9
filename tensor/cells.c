/* Counts of genes in cells, as single-cell tools keep them: folders as 10x Genomics writes them, and CSV. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tensor/internal.h"

enum { PATH_SIZE = 4096 };

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static bool fail(tap_arena *a, const char *path, const char *what)
{
    tap__tensor_fail(a, TAP_EIO, "%s: %s", path, what);
    return false;
}

static bool ends_in(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* Where there is no telling, opening it tells why. */
static bool is_there(const char *path)
{
    return access(path, F_OK) == 0 || errno != ENOENT;
}

/* dir/name.gz or, if there is none, dir/name; false if there is neither. */
static bool find(char path[PATH_SIZE], const char *dir, const char *name)
{
    const int n = snprintf(path, PATH_SIZE, "%s/%s.gz", dir, name);
    if (n < 0 || n >= PATH_SIZE) return false;
    if (is_there(path)) return true;
    path[n - 3] = '\0';
    return is_there(path);
}

/* In the folder, a feature is a row and a barcode a column. */
static bool read_folder(tap_arena *a, const char *dir, tap_cells *c)
{
    char matrix[PATH_SIZE], barcodes[PATH_SIZE], features[PATH_SIZE];
    if (!find(matrix, dir, "matrix.mtx")) return fail(a, dir, "has no matrix.mtx.gz, nor a plain one");
    if (!find(barcodes, dir, "barcodes.tsv")) return fail(a, dir, "has no barcodes.tsv.gz, nor a plain one");
    if (!find(features, dir, "features.tsv") && !find(features, dir, "genes.tsv"))
        return fail(a, dir, "has no features.tsv.gz, nor a plain one");
    tap_arena    *work = tap__arena_new_internal();
    const tap_csr x = tap_matrix_market_read(work, matrix);
    const char   *before = tap__arena_name(a, dir);
    tap__error_copy(tap_arena_error(a), tap_arena_error(work));
    if (x.start) c->counts = tap_csr_transpose(a, x);
    tap__arena_name(a, before);
    tap_arena_free(work);
    c->barcodes = tap_table_read(a, barcodes, '\t');
    c->features = tap_table_read(a, features, '\t');
    if (tap_arena_status(a, NULL) != TAP_OK) return false;
    if (x.columns == c->barcodes.rows && x.rows == c->features.rows) return true;
    tap__tensor_fail(a, TAP_EIO, "%s: holds %lld rows and %lld columns for %lld features and %lld barcodes", matrix,
                     (long long)x.rows, (long long)x.columns, (long long)c->features.rows, (long long)c->barcodes.rows);
    return false;
}

static void check_counts(tap_arena *a, const char *path, tap_csr x)
{
    for (int64_t i = 0; i < x.rows; i++) {
        for (int64_t j = x.start[i]; j < x.start[i + 1]; j++) {
            if (x.value[j] >= 0 && x.value[j] == floorf(x.value[j])) continue;
            tap__tensor_fail(a, TAP_EIO, "%s: cell %lld, gene %d: %g is no count", path, (long long)i + 1, x.column[j] + 1,
                             (double)x.value[j]);
            return;
        }
    }
}

tap_cells tap_cells_read(tap_arena *a, const char *path)
{
    tap_cells c = { .counts = { .rows = 0 } };
    bool      ok = tap_arena_status(a, NULL) == TAP_OK;
    if (!path) tap__tensor_fail(a, TAP_EARG, "cells: the path is NULL");
    else if (ends_in(path, ".csv") || ends_in(path, ".csv.gz"))
        c.counts = tap_csr_read_table(a, path, ',', &c.barcodes, &c.features);
    else if (ok) read_folder(a, path, &c);
    if (tap_arena_status(a, NULL) == TAP_OK) check_counts(a, path, c.counts);
    return tap_arena_status(a, NULL) == TAP_OK ? c : (tap_cells){ .counts = { .rows = 0 } };
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static bool is_plain(tap_table t)
{
    for (int64_t i = 0; i < t.rows * t.columns; i++)
        if (!t.text[i] || strpbrk(t.text[i], "\t\r\n\"")) return false;
    return true;
}

/* Rows of the table or, if it is absent, n names with numbers. */
static tap_status write_names(const char *path, tap_table t, const char *name, int64_t n, tap_error *e)
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

static bool fits(tap_table t, int64_t rows)
{
    return !t.text || (t.rows == rows && t.columns > 0 && t.columns < INT32_MAX && is_plain(t));
}

static tap_status write_all(char path[PATH_SIZE], size_t n, const tap_cells *c, tap_error *e)
{
    tap_arena *work = tap__arena_new_internal();
    tap__arena_name(work, "cells");
    snprintf(path + n, PATH_SIZE - n, "/matrix.mtx.gz");
    const tap_csr x = tap_csr_transpose(work, c->counts);
    tap_status    status = x.start ? tap_matrix_market_write(path, x, e) : tap__error_copy(e, tap_arena_error(work));
    tap_arena_free(work);
    snprintf(path + n, PATH_SIZE - n, "/barcodes.tsv.gz");
    if (status == TAP_OK) status = write_names(path, c->barcodes, "cell", c->counts.rows, e);
    snprintf(path + n, PATH_SIZE - n, "/features.tsv.gz");
    return status == TAP_OK ? write_names(path, c->features, "gene", c->counts.columns, e) : status;
}

tap_status tap_cells_write(const char *dir, tap_cells c, tap_error *e)
{
    char         path[PATH_SIZE];
    const size_t n = dir ? strlen(dir) : 0;
    if (!dir || n > PATH_SIZE - 32) return tap_error_set(e, TAP_EARG, "cells: the path is %s", dir ? "too long" : "NULL");
    if (!c.counts.start) return tap_error_set(e, TAP_EARG, "cells: the matrix is inert");
    if (!fits(c.barcodes, c.counts.rows) || !fits(c.features, c.counts.columns))
        return tap_error_set(e, TAP_EARG, "cells: barcodes and features are no names of %lld cells and %lld genes",
                             (long long)c.counts.rows, (long long)c.counts.columns);
    memcpy(path, dir, n);
    return write_all(path, n, &c, e);
}
