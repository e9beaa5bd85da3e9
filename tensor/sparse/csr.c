/* tensor/sparse/csr.c: sparse matrices in compressed rows: checks, conversions, transposition, and dense rows. */
#include <math.h>
#include <string.h>

#include "tensor/borrow.h"
#include "tensor/sparse/csr.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/internal.h"
#include "tensor/parallel.h"

const char *tap__csr_size_error(tap_csr x)
{
    if (!x.start) return "the matrix is inert";
    if (x.rows < 0 || x.columns < 0 || x.rows > TAP__CSR_MAX || x.columns > TAP__CSR_MAX) return "its size is out of range";
    if (x.start[0] != 0 || x.start[x.rows] < 0) return "start does not begin at 0";
    return x.start[x.rows] > 0 && (!x.column || !x.value) ? "column or value is NULL" : NULL;
}

const char *tap__csr_row_error(tap_csr x, int64_t i)
{
    int64_t before = -1;
    if (x.start[i] < 0 || x.start[i] > x.start[i + 1] || x.start[i + 1] > x.start[x.rows]) return "start is out of order";
    for (int64_t j = x.start[i]; j < x.start[i + 1]; j++) {
        if (x.column[j] <= before || x.column[j] >= x.columns) return "a column is out of range or order";
        before = x.column[j];
    }
    return NULL;
}

const char *tap__csr_error(tap_csr x)
{
    const char *problem = tap__csr_size_error(x);
    for (int64_t i = 0; !problem && i < x.rows; i++) problem = tap__csr_row_error(x, i);
    return problem;
}

static bool check_csr(tap_arena *a, tap_csr x, const char *call)
{
    if (tap_arena_status(a, NULL) != TAP_OK) return false;
    const char *problem = tap__csr_error(x);
    if (problem) tap__tensor_fail(a, TAP_EARG, "%s: %s", call, problem);
    return !problem;
}

/* Allocates n entries, and start, which is zeroed; false if there is no memory. */
static bool allocate(tap_arena *a, tap_csr *x, int64_t n, int64_t **start, int32_t **column, float **value)
{
    *start = tap_arena_alloc(a, (size_t)(x->rows + 1) * sizeof **start);
    *column = tap__arena_acquire(a, (size_t)n * sizeof **column);
    *value = tap__arena_acquire(a, (size_t)n * sizeof **value);
    x->start = *start;
    x->column = *column;
    x->value = *value;
    return *start && *column && *value;
}

/* Converts the number of entries of each row, in start[row + 1], to the row's start. */
static void cumulative_sum(int64_t rows, int64_t *start)
{
    for (int64_t i = 0; i < rows; i++) start[i + 1] += start[i];
}

/* After entries were stored at start[row]++, each start is that of the next row: moves them up by one. */
static void shift_row_starts(int64_t rows, int64_t *start)
{
    memmove(start + 1, start, (size_t)rows * sizeof *start);
    start[0] = 0;
}

static tap_csr transpose(tap_arena *a, tap_csr x)
{
    tap_csr  y = { .rows = x.columns, .columns = x.rows };
    int64_t *start;
    int32_t *column;
    float   *value;
    if (!allocate(a, &y, x.start[x.rows], &start, &column, &value)) return (tap_csr){ 0 };
    for (int64_t j = 0; j < x.start[x.rows]; j++) start[x.column[j] + 1]++;
    cumulative_sum(y.rows, start);
    for (int64_t i = 0; i < x.rows; i++) {
        for (int64_t j = x.start[i]; j < x.start[i + 1]; j++) {
            const int64_t k = start[x.column[j]]++;
            column[k] = (int32_t)i;
            value[k] = x.value[j];
        }
    }
    shift_row_starts(y.rows, start);
    return y;
}

tap_csr tap_csr_transpose(tap_arena *a, tap_csr x)
{
    if (!check_csr(a, x, "csr_transpose")) return (tap_csr){ 0 };
    const char   *before = tap__arena_name(a, "csr_transpose");
    const tap_csr y = transpose(a, x);
    tap__arena_name(a, before);
    return y;
}

/* Finds an entry that occurs twice; false if there is none. */
static bool find_duplicate(tap_csr x, int64_t *row, int64_t *column)
{
    for (*row = 0; *row < x.rows; ++*row) {
        for (int64_t j = x.start[*row] + 1; j < x.start[*row + 1]; j++) {
            *column = x.column[j];
            if (x.column[j - 1] == x.column[j]) return true;
        }
    }
    return false;
}

/* The transpose, with the entries of each row in any order. Zeros are dropped. */
static tap_csr sort_by_column(tap_arena *a, int64_t rows, int64_t columns, const tap__entries *e)
{
    tap_csr  x = { .rows = columns, .columns = rows };
    int64_t *start;
    int32_t *row;
    float   *value;
    if (!allocate(a, &x, e->n, &start, &row, &value)) return (tap_csr){ 0 };
    for (int64_t i = 0; i < e->n; i++) start[e->column[i] + 1] += e->value[i] != 0;
    cumulative_sum(columns, start);
    for (int64_t i = 0; i < e->n; i++) {
        if (e->value[i] == 0) continue;
        const int64_t j = start[e->column[i]]++;
        row[j] = e->row[i];
        value[j] = e->value[i];
    }
    shift_row_starts(columns, start);
    return x;
}

/* A radix sort: by column, and then, by a stable transposition, by row. */
tap_csr tap__csr_from_entries(tap_arena *a, const char *where, int64_t rows, int64_t columns, const tap__entries *e)
{
    int64_t    i, j;
    tap_csr    x = { 0 };
    tap_arena *work = tap__arena_new_internal();
    tap__arena_name(work, where);
    tap_csr sorted = sort_by_column(work, rows, columns, e);
    tap_arena_free(e->memory);
    if (sorted.start) x = transpose(a, sorted);
    tap__error_copy(tap_arena_error(a), tap_arena_error(work));
    tap_arena_free(work);
    if (!x.start || !find_duplicate(x, &i, &j)) return x;
    tap__tensor_fail(a, TAP_EIO, "%s: has two entries for row %lld, column %lld", where, (long long)i + 1, (long long)j + 1);
    return (tap_csr){ 0 };
}

tap_csr tap_csr_from_dense(tap_arena *a, tap_tensor x)
{
    tap_tensor inert;
    if (!tap__check_input(a, x, &inert, "csr_from_dense")) return (tap_csr){ 0 };
    if (x.shape.rank != 2 || x.shape.n[0] > TAP__CSR_MAX || x.shape.n[1] > TAP__CSR_MAX) {
        char text[TAP_SHAPE_TEXT];
        tap__tensor_fail(a, TAP_ESHAPE, "csr_from_dense: x must be [rows,columns], not %s", tap_shape_format(text, x.shape));
        return (tap_csr){ 0 };
    }
    tap_csr  y = { .rows = x.shape.n[0], .columns = x.shape.n[1] };
    int64_t *start, n = 0, j = 0;
    int32_t *column;
    float   *value;
    for (int64_t i = 0; i < tap_numel(x.shape); i++) n += (float)tap_tensor_item(x, i) != 0;
    if (!allocate(a, &y, n, &start, &column, &value)) return (tap_csr){ 0 };
    for (int64_t i = 0; i < y.rows; i++) {
        for (int64_t k = 0; k < y.columns; k++) {
            const float number = (float)tap_tensor_item(x, i * y.columns + k);
            if (number == 0) continue;
            column[j] = (int32_t)k;
            value[j++] = number;
        }
        start[i + 1] = j;
    }
    return y;
}

/* ---- Rows of a dense tensor -------------------------------------------------------------------------------------- */

typedef struct {
    tap_csr        x;
    const int64_t *row;
    tap_tensor     out;
} fill_job;

static void fill_rows(void *context, int64_t first, int64_t last)
{
    const fill_job *f = context;
    for (int64_t i = first; i < last; i++) {
        const int64_t row = f->row ? f->row[i] : i;
        const size_t  bytes = (size_t)f->x.columns * tap_dtype_size(f->out.dtype);
        void         *y = (char *)f->out.data + (size_t)i * bytes;
        memset(y, 0, bytes);
        for (int64_t j = f->x.start[row]; j < f->x.start[row + 1]; j++) {
            if (f->out.dtype == TAP_F32) ((float *)y)[f->x.column[j]] = f->x.value[j];
            else ((double *)y)[f->x.column[j]] = (double)f->x.value[j];
        }
    }
}

static tap_status check_rows(tap_tensor out, tap_csr x, const int64_t *row, tap_error *e)
{
    const char   *problem = tap__csr_size_error(x);
    char          text[TAP_SHAPE_TEXT];
    const int64_t n = out.shape.n[0];
    if (problem) return tap_error_set(e, TAP_EARG, "csr_rows: %s", problem);
    if (!out.data || out.shape.rank != 2 || tap_numel(out.shape) < 0 || out.shape.n[1] != x.columns)
        return tap_error_set(e, TAP_ESHAPE, "csr_rows: out must be [n,%lld], not %s", (long long)x.columns,
                             tap_shape_format(text, out.shape));
    if (!tap_dtype_is_float(out.dtype) || !tap_tensor_is_contiguous(out))
        return tap_error_set(e, TAP_EDTYPE, "csr_rows: out must be contiguous and float32 or float64");
    if (!row && n > x.rows)
        return tap_error_set(e, TAP_EARG, "csr_rows: out must have at most %lld rows, not %lld", (long long)x.rows,
                             (long long)n);
    for (int64_t i = 0; i < n && !problem; i++) {
        if (row && (row[i] < 0 || row[i] >= x.rows))
            return tap_error_set(e, TAP_EARG, "csr_rows: row %lld is out of range for %lld rows", (long long)row[i],
                                 (long long)x.rows);
        problem = tap__csr_row_error(x, row ? row[i] : i);
    }
    return problem ? tap_error_set(e, TAP_EARG, "csr_rows: %s", problem) : TAP_OK;
}

tap_status tap_csr_rows(tap_tensor out, tap_csr x, const int64_t *row, tap_error *e)
{
    const tap_status status = check_rows(out, x, row, e);
    fill_job         f = { x, row, out };
    if (status != TAP_OK) return status;
    tap__parallel(out.shape.n[0], tap__cost_ns(0.5 * (double)tap_numel(out.shape)), fill_rows, &f);
    tap__note_write(out);
    return TAP_OK;
}

tap_csr tap_csr_log_normalize(tap_arena *a, tap_csr x, double scale)
{
    if (!check_csr(a, x, "csr_log_normalize")) return (tap_csr){ 0 };
    if (!(scale > 0 && isfinite(scale))) {
        tap__tensor_fail(a, TAP_EARG, "csr_log_normalize: scale must be a finite number above 0, not %g", scale);
        return (tap_csr){ 0 };
    }
    float *value = tap__arena_acquire(a, (size_t)x.start[x.rows] * sizeof *value);
    if (!value) return (tap_csr){ 0 };
    for (int64_t i = 0; i < x.rows; i++) {
        double sum = 0;
        for (int64_t j = x.start[i]; j < x.start[i + 1]; j++) {
            if (!(x.value[j] >= 0 && isfinite(x.value[j]))) {
                tap__tensor_fail(a, TAP_EARG,
                                 "csr_log_normalize: element [%lld,%lld] must be a finite number, at least 0, not %g",
                                 (long long)i, (long long)x.column[j], (double)x.value[j]);
                return (tap_csr){ 0 };
            }
            sum += (double)x.value[j];
        }
        /* The sum is 0 if all stored values of the row are 0. */
        for (int64_t j = x.start[i]; j < x.start[i + 1]; j++)
            value[j] = sum > 0 ? (float)log1p(scale * (double)x.value[j] / sum) : 0;
    }
    x.value = value;
    return x;
}
