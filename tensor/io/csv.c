/* tensor/io/csv.c: text in rows of fields, which libcsv parses: tables, and sparse matrices whose zeros are in the file. */
#include <csv.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/io/reader.h"
#include "tensor/sparse/csr.h"
#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/internal.h"

enum { CHUNK = 1 << 16, MAX_FIELD = 1 << 16, MIN_CAPACITY = 1 << 12 };

/* A growing array of bytes. */
typedef struct {
    char  *data;
    size_t n, capacity;
} buffer;

typedef struct reader reader;
struct reader {
    tap__gzip_reader from;
    tap_arena       *work, *matrix; /* of the buffers with names, and with entries */
    int64_t          row, column;   /* of the next field, from 0 */
    int64_t          columns;       /* of the first row */
    bool             quotes;        /* whether quotes enclose a field; otherwise they are part of it */
    bool             failed;
    void (*add_field)(reader *r, const char *text, size_t n); /* adds a NUL-terminated field of n bytes */
    buffer corner;                                            /* the first field of a matrix */
    buffer text;                                              /* all fields, or the names of columns, each NUL-terminated */
    buffer row_names, entry_rows, entry_columns, values;      /* of a matrix */
};

/* Records an error in the current field, unless there was one before. */
static void fail_field(reader *r, const char *format, ...) TAP_PRINTF(2, 3);
static void fail_field(reader *r, const char *format, ...)
{
    char    what[128];
    va_list args;
    va_start(args, format);
    tap__format_list(what, sizeof what, format, args);
    va_end(args);
    if (!r->failed)
        tap__reader_fail(&r->from.in, TAP_EIO, "row %lld, field %lld: %s", (long long)r->row + 1, (long long)r->column + 1,
                         what);
    r->failed = true;
}

static void append(reader *r, tap_arena *a, buffer *g, const void *bytes, size_t n)
{
    if (g->capacity - g->n < n) {
        const size_t capacity = 2 * (g->n + n) > MIN_CAPACITY ? 2 * (g->n + n) : MIN_CAPACITY;
        char        *data = tap__arena_acquire(a, capacity);
        if (data && g->n > 0) memcpy(data, g->data, g->n);
        if (data && g->data) tap__arena_release(a, g->data);
        if (data) *g = (buffer){ data, g->n, capacity };
        r->failed = r->failed || !data;
    }
    if (r->failed) return;
    memcpy(g->data + g->n, bytes, n);
    g->n += n;
}

/* ---- libcsv ------------------------------------------------------------------------------------------------------ */

static void on_field(void *text, size_t n, void *context)
{
    reader *r = context;
    if (r->failed) return;
    if (n > MAX_FIELD) fail_field(r, "is longer than %d bytes", MAX_FIELD);
    else r->add_field(r, text, n);
    r->column++;
}

static void on_row(int stop, void *context)
{
    reader *r = context;
    (void)stop;
    if (r->failed) return;
    if (r->row == 0) r->columns = r->column;
    if (r->column != r->columns) {
        tap__reader_fail(&r->from.in, TAP_EIO, "row %lld has %lld fields, the first row has %lld", (long long)r->row + 1,
                         (long long)r->column, (long long)r->columns);
        r->failed = true;
    }
    r->row++;
    r->column = 0;
}

/* libcsv stops at a quote in a field that did not begin with one, and at a character between a closing quote and the
 * separator. */
static bool parse_text(reader *r, struct csv_parser *p, const char *text, size_t n)
{
    const char  *nul = memchr(text, '\0', n);
    const size_t length = nul ? (size_t)(nul - text) : n, done = csv_parse(p, text, length, on_field, on_row, r);
    if (done < length && csv_error(p) == CSV_ENOMEM) return tap__reader_fail(&r->from.in, TAP_ENOMEM, "no memory for a field");
    if (done < length && text[done] == '"') fail_field(r, "a quote within a field that does not begin with one");
    else if (done < length) fail_field(r, "'%c' behind the quote that ends it", text[done]);
    else if (nul) fail_field(r, "holds a NUL byte");
    else if (p->entry_pos > MAX_FIELD)
        fail_field(r, "is longer than %d bytes%s", MAX_FIELD, r->quotes ? "; perhaps the quote that ends it is missing" : "");
    return !r->failed;
}

static bool parse(reader *r, struct csv_parser *p, char *chunk)
{
    bool first = true;
    for (int n; (n = tap__gzip_read_text(&r->from, chunk, CHUNK)) != 0; first = false) {
        const int bom = n > 0 && first ? tap__gzip_bom_size(&r->from, chunk, n) : 0;
        if (n < 0 || bom < 0 || !parse_text(r, p, chunk + bom, (size_t)(n - bom))) return false;
    }
    if (csv_fini(p, on_field, on_row, r) == 0) return !r->failed;
    if (csv_error(p) == CSV_ENOMEM) return tap__reader_fail(&r->from.in, TAP_ENOMEM, "no memory for a field");
    fail_field(r, "the quote that ends it is missing");
    return false;
}

static bool is_separator(char c)
{
    return c != '\0' && !strchr("\" \r\n", c);
}

/* Whether all went well. Arena and work are to be freed by the caller. A NUL byte, which is refused, is no quote of any
 * file. */
static bool read_fields(reader *r, char separator)
{
    struct csv_parser p;
    char             *chunk = tap__arena_acquire(r->work, CHUNK);
    bool              ok = false;
    if (!is_separator(separator))
        return tap__reader_fail(
            &r->from.in, TAP_EARG,
            "the separator must be a character other than quotes, spaces, ends of lines and NUL, not 0x%02x",
            (unsigned char)separator);
    if (chunk && csv_init(&p, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) == 0) {
        csv_set_delim(&p, (unsigned char)separator);
        csv_set_quote(&p, r->quotes ? CSV_QUOTE : '\0');
        csv_set_blk_size(&p, MIN_CAPACITY);
        ok = parse(r, &p, chunk);
        csv_free(&p);
    }
    tap__error_copy(tap_arena_error(r->from.in.arena), tap_arena_error(r->work));
    tap__error_copy(tap_arena_error(r->from.in.arena), tap_arena_error(r->matrix));
    return ok && r->row > 0 ? true : ok && tap__reader_fail(&r->from.in, TAP_EIO, "has no rows");
}

static bool open_reader(reader *r, tap_arena *a, const char *path)
{
    r->work = tap__arena_new_internal();
    r->matrix = tap__arena_new_internal();
    if (!tap__gzip_open(&r->from, a, path, "csv")) return false;
    tap__arena_name(r->work, path);
    tap__arena_name(r->matrix, path);
    return true;
}

static void close_reader(reader *r)
{
    tap__gzip_close(&r->from);
    tap_arena_free(r->work);
    tap_arena_free(r->matrix);
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static void add_text(reader *r, const char *text, size_t n)
{
    append(r, r->work, &r->text, text, n + 1);
}

static tap_csv make_table(tap_arena *a, const buffer *g, int64_t rows, int64_t columns)
{
    const char **text = tap_arena_alloc(a, (size_t)(rows * columns) * sizeof *text);
    char        *bytes = tap__arena_acquire(a, g->n);
    if (!text || !bytes) return (tap_csv){ 0 };
    if (g->n > 0) memcpy(bytes, g->data, g->n);
    for (int64_t i = 0; i < rows * columns; i++, bytes += strlen(bytes) + 1) text[i] = bytes;
    return (tap_csv){ rows, columns, text };
}

static tap_csv read_table(tap_arena *a, const char *path, char separator, bool quotes)
{
    reader  r = { .add_field = add_text, .quotes = quotes };
    tap_csv t = { 0 };
    if (open_reader(&r, a, path) && read_fields(&r, separator)) t = make_table(a, &r.text, r.row, r.columns);
    close_reader(&r);
    return t;
}

tap_csv tap_csv_read(tap_arena *a, const char *path, char separator)
{
    return read_table(a, path, separator, true);
}

tap_csv tap_tsv_read(tap_arena *a, const char *path)
{
    return read_table(a, path, '\t', false);
}

char tap_csv_guess_separator(const char *line)
{
    static const char separators[] = ",;\t|";
    int               max = 0;
    char              guess = '\0';
    for (const char *c = separators; line && *c; c++) {
        int n = 0;
        for (const char *at = line; (at = strchr(at, *c)); at++) n++;
        if (n > max) guess = *c;
        if (n > max) max = n;
    }
    return guess;
}

typedef struct {
    const char *text;
    int64_t     row;
} entry;

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->text, ((const entry *)b)->text);
}

static bool is_table(tap_csv t)
{
    if (!t.text || t.rows < 1 || t.columns < 1 || tap_numel(TAP_SHAPE(t.rows, t.columns)) < 0) return false;
    for (int64_t i = 0; i < t.rows * t.columns; i++)
        if (!t.text[i]) return false;
    return true;
}

static void number_labels(entry *e, int64_t n, int64_t *label, int64_t *n_labels)
{
    qsort(e, (size_t)n, sizeof *e, compare_entries);
    for (int64_t i = 0; i < n; i++) {
        *n_labels += i == 0 || strcmp(e[i - 1].text, e[i].text) != 0;
        label[e[i].row] = *n_labels - 1;
    }
}

tap_tensor tap_csv_labels(tap_arena *a, tap_csv t, const char *name, int64_t *n)
{
    int64_t n_labels = 0, column = 0;
    if (n) *n = 0;
    if (!is_table(t) || !name) return tap__tensor_fail(a, TAP_EARG, "csv_labels: the table or the name is missing");
    while (column < t.columns && strcmp(t.text[column], name) != 0) column++;
    if (column == t.columns) return (tap_tensor){ 0 };
    tap_arena *work = tap__arena_new_internal();
    tap__arena_name(work, "csv_labels");
    entry     *e = tap_arena_alloc(work, (size_t)t.rows * sizeof *e);
    tap_tensor label = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(t.rows - 1));
    for (int64_t i = 1; e && i < t.rows; i++) e[i - 1] = (entry){ t.text[i * t.columns + column], i - 1 };
    if (e && label.data) number_labels(e, t.rows - 1, label.data, &n_labels);
    tap__error_copy(tap_arena_error(a), tap_arena_error(work));
    tap_arena_free(work);
    if (n) *n = n_labels;
    return tap_arena_status(a, NULL) == TAP_OK ? label : (tap_tensor){ 0 };
}

/* ---- Matrices ---------------------------------------------------------------------------------------------------- */

static void add_number(reader *r, const char *text)
{
    char         *stop;
    const double  number = tap__parse_number(text, &stop);
    const float   value = (float)number;
    const int32_t row = (int32_t)(r->row - 1), column = (int32_t)(r->column - 1);
    if (*stop) fail_field(r, "'%.20s' is not a number", text);
    else if (!isfinite(value)) fail_field(r, "%.20s is not a finite number in float32", text);
    else if (r->row > TAP__CSR_MAX || r->column > TAP__CSR_MAX)
        fail_field(r, "more than %d rows or columns of numbers", TAP__CSR_MAX);
    if (r->failed || value == 0) return;
    append(r, r->matrix, &r->entry_rows, &row, sizeof row);
    append(r, r->matrix, &r->entry_columns, &column, sizeof column);
    append(r, r->matrix, &r->values, &value, sizeof value);
}

static void add_matrix_field(reader *r, const char *text, size_t n)
{
    if (r->row > 0 && r->column > 0) add_number(r, text);
    else if (r->column > 0) append(r, r->work, &r->text, text, n + 1);
    else if (r->row > 0) append(r, r->work, &r->row_names, text, n + 1);
    else append(r, r->work, &r->corner, text, n + 1);
}

static const char *format_separator(char text[4], char separator)
{
    snprintf(text, 4, "'%c'", separator);
    return separator == '\t' ? "tabs" : text;
}

/* Whether there are columns of numbers. If not, the separator is probably wrong. */
static bool check_columns(const reader *r, char separator)
{
    char       text[4], guess_text[4];
    const char guess = tap_csv_guess_separator(r->corner.data);
    if (r->columns > 1) return true;
    if (!guess)
        return tap__reader_fail(&r->from.in, TAP_EIO, "has one column when separated by %s", format_separator(text, separator));
    return tap__reader_fail(&r->from.in, TAP_EIO, "has one column when separated by %s; it looks separated by %s",
                            format_separator(text, separator), format_separator(guess_text, guess));
}

tap_csr tap_csv_read_matrix(tap_arena *a, const char *path, char separator, tap_csv *rows, tap_csv *columns)
{
    reader  r = { .add_field = add_matrix_field, .quotes = true };
    tap_csr x = { 0 };
    if (rows) *rows = (tap_csv){ 0 };
    if (columns) *columns = (tap_csv){ 0 };
    if (open_reader(&r, a, path) && read_fields(&r, separator) && check_columns(&r, separator)) {
        const tap__entries e = { .memory = r.matrix,
                                 .n = (int64_t)(r.values.n / sizeof(float)),
                                 .row = (int32_t *)(void *)r.entry_rows.data,
                                 .column = (int32_t *)(void *)r.entry_columns.data,
                                 .value = (float *)(void *)r.values.data };
        r.matrix = NULL;
        x = tap__csr_from_entries(a, path, r.row - 1, r.columns - 1, &e);
        if (rows) *rows = make_table(a, &r.row_names, r.row - 1, 1);
        if (columns) *columns = make_table(a, &r.text, 1, r.columns - 1);
    }
    close_reader(&r);
    return tap_arena_status(a, NULL) == TAP_OK ? x : (tap_csr){ 0 };
}
