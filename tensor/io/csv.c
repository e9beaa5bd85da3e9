/* Text in rows of fields, taken apart by libcsv: tables, and sparse matrices that are written out in full. */
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

enum { CHUNK = 1 << 16, LONGEST = 1 << 16, FIRST_ROOM = 1 << 12 };

/* Bytes that become more. */
typedef struct {
    char  *data;
    size_t n, room;
} growing;

typedef struct reader reader;
struct reader {
    tap__gzip_reader from;
    tap_arena       *work, *matrix; /* for what grows: names, entries */
    int64_t          row, column;   /* of the next field, from 0 */
    int64_t          columns;       /* of the first row */
    bool             quotes;        /* whether a field may stand in quotes; else these are characters like any other */
    bool             failed;
    void (*take)(reader *r, const char *text, size_t n); /* a field of n bytes, a NUL byte behind it */
    growing corner;                                      /* the first field of a matrix */
    growing text;                                   /* of all fields, or of the names of columns; each ends in a NUL byte */
    growing row_names, rows_of, columns_of, values; /* of a matrix */
};

/* Where the reader is, and what is wrong there. */
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

static void append(reader *r, tap_arena *a, growing *g, const void *bytes, size_t n)
{
    if (g->room - g->n < n) {
        const size_t room = 2 * (g->n + n) > FIRST_ROOM ? 2 * (g->n + n) : FIRST_ROOM;
        char        *data = tap__arena_acquire(a, room);
        if (data && g->n > 0) memcpy(data, g->data, g->n);
        if (data && g->data) tap__arena_release(a, g->data);
        if (data) *g = (growing){ data, g->n, room };
        r->failed = r->failed || !data;
    }
    if (r->failed) return;
    memcpy(g->data + g->n, bytes, n);
    g->n += n;
}

/* ---- libcsv ------------------------------------------------------------------------------------------------------ */

static void take_field(void *text, size_t n, void *context)
{
    reader *r = context;
    if (r->failed) return;
    if (n > LONGEST) fail_field(r, "is longer than %d bytes", LONGEST);
    else r->take(r, text, n);
    r->column++;
}

static void take_row(int stop, void *context)
{
    reader *r = context;
    (void)stop;
    if (r->failed) return;
    if (r->row == 0) r->columns = r->column;
    if (r->column != r->columns) {
        tap__reader_fail(&r->from.in, TAP_EIO, "row %lld has %lld fields, not %lld as the first", (long long)r->row + 1,
                         (long long)r->column, (long long)r->columns);
        r->failed = true;
    }
    r->row++;
    r->column = 0;
}

/* A quote is wrong where a field has begun without one, and anything but a separator is behind the quote that ends a field. */
static bool parse_text(reader *r, struct csv_parser *p, const char *text, size_t n)
{
    const char  *nul = memchr(text, '\0', n);
    const size_t length = nul ? (size_t)(nul - text) : n, done = csv_parse(p, text, length, take_field, take_row, r);
    if (done < length && csv_error(p) == CSV_ENOMEM) return tap__reader_fail(&r->from.in, TAP_ENOMEM, "no memory for a field");
    if (done < length && text[done] == '"') fail_field(r, "a quote within a field that does not begin with one");
    else if (done < length) fail_field(r, "'%c' behind the quote that ends it", text[done]);
    else if (nul) fail_field(r, "holds a NUL byte");
    else if (p->entry_pos > LONGEST)
        fail_field(r, "is longer than %d bytes%s", LONGEST, r->quotes ? "; perhaps the quote that ends it is missing" : "");
    return !r->failed;
}

static bool parse(reader *r, struct csv_parser *p, char *chunk)
{
    bool first = true;
    for (int n; (n = tap__gzip_text(&r->from, chunk, CHUNK)) != 0; first = false) {
        const int mark = n > 0 && first ? tap__gzip_mark(&r->from, chunk, n) : 0;
        if (n < 0 || mark < 0 || !parse_text(r, p, chunk + mark, (size_t)(n - mark))) return false;
    }
    if (csv_fini(p, take_field, take_row, r) == 0) return !r->failed;
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
        return tap__reader_fail(&r->from.in, TAP_EARG,
                                "0x%02x cannot separate fields, as quotes, spaces and ends of lines cannot",
                                (unsigned char)separator);
    if (chunk && csv_init(&p, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) == 0) {
        csv_set_delim(&p, (unsigned char)separator);
        csv_set_quote(&p, r->quotes ? CSV_QUOTE : '\0');
        csv_set_blk_size(&p, FIRST_ROOM);
        ok = parse(r, &p, chunk);
        csv_free(&p);
    }
    tap__error_copy(tap_arena_error(r->from.in.arena), tap_arena_error(r->work));
    tap__error_copy(tap_arena_error(r->from.in.arena), tap_arena_error(r->matrix));
    return ok && r->row > 0 ? true : ok && tap__reader_fail(&r->from.in, TAP_EIO, "holds no row");
}

static bool open_reader(reader *r, tap_arena *a, const char *path)
{
    r->work = tap__arena_new_internal();
    r->matrix = tap__arena_new_internal();
    if (!tap__gzip_open(&r->from, a, path, "table")) return false;
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

static void take_text(reader *r, const char *text, size_t n)
{
    append(r, r->work, &r->text, text, n + 1);
}

static tap_csv table_of(tap_arena *a, const growing *g, int64_t rows, int64_t columns)
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
    reader  r = { .take = take_text, .quotes = quotes };
    tap_csv t = { 0 };
    if (open_reader(&r, a, path) && read_fields(&r, separator)) t = table_of(a, &r.text, r.row, r.columns);
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
    static const char known[] = ",;\t|";
    int               most = 0;
    char              guess = '\0';
    for (const char *c = known; line && *c; c++) {
        int n = 0;
        for (const char *at = line; (at = strchr(at, *c)); at++) n++;
        if (n > most) guess = *c;
        if (n > most) most = n;
    }
    return guess;
}

typedef struct {
    const char *text;
    int64_t     row;
} entry;

static int compare(const void *a, const void *b)
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

static void number(entry *e, int64_t n, int64_t *label, int64_t *numbers)
{
    qsort(e, (size_t)n, sizeof *e, compare);
    for (int64_t i = 0; i < n; i++) {
        *numbers += i == 0 || strcmp(e[i - 1].text, e[i].text) != 0;
        label[e[i].row] = *numbers - 1;
    }
}

tap_tensor tap_csv_labels(tap_arena *a, tap_csv t, const char *name, int64_t *n)
{
    int64_t numbers = 0, column = 0;
    if (n) *n = 0;
    if (!is_table(t) || !name) return tap__tensor_fail(a, TAP_EARG, "table_labels: the table or the name is missing");
    while (column < t.columns && strcmp(t.text[column], name) != 0) column++;
    if (column == t.columns) return (tap_tensor){ 0 };
    tap_arena *work = tap__arena_new_internal();
    tap__arena_name(work, "table_labels");
    entry     *e = tap_arena_alloc(work, (size_t)t.rows * sizeof *e);
    tap_tensor label = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(t.rows - 1));
    for (int64_t i = 1; e && i < t.rows; i++) e[i - 1] = (entry){ t.text[i * t.columns + column], i - 1 };
    if (e && label.data) number(e, t.rows - 1, label.data, &numbers);
    tap__error_copy(tap_arena_error(a), tap_arena_error(work));
    tap_arena_free(work);
    if (n) *n = numbers;
    return tap_arena_status(a, NULL) == TAP_OK ? label : (tap_tensor){ 0 };
}

/* ---- Matrices ---------------------------------------------------------------------------------------------------- */

static void take_number(reader *r, const char *text)
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
    append(r, r->matrix, &r->rows_of, &row, sizeof row);
    append(r, r->matrix, &r->columns_of, &column, sizeof column);
    append(r, r->matrix, &r->values, &value, sizeof value);
}

static void take_cell(reader *r, const char *text, size_t n)
{
    if (r->row > 0 && r->column > 0) take_number(r, text);
    else if (r->column > 0) append(r, r->work, &r->text, text, n + 1);
    else if (r->row > 0) append(r, r->work, &r->row_names, text, n + 1);
    else append(r, r->work, &r->corner, text, n + 1);
}

static const char *name_separator(char text[4], char separator)
{
    snprintf(text, 4, "'%c'", separator);
    return separator == '\t' ? "tabs" : text;
}

/* Whether there are columns of numbers; else the separator is not that of the file. */
static bool check_columns(const reader *r, char separator)
{
    char       by[4], other[4];
    const char guess = tap_csv_guess_separator(r->corner.data);
    if (r->columns > 1) return true;
    if (!guess)
        return tap__reader_fail(&r->from.in, TAP_EIO, "has one column when separated by %s", name_separator(by, separator));
    return tap__reader_fail(&r->from.in, TAP_EIO, "has one column when separated by %s; it looks separated by %s",
                            name_separator(by, separator), name_separator(other, guess));
}

tap_csr tap_csv_read_matrix(tap_arena *a, const char *path, char separator, tap_csv *rows, tap_csv *columns)
{
    reader  r = { .take = take_cell, .quotes = true };
    tap_csr x = { 0 };
    if (rows) *rows = (tap_csv){ 0 };
    if (columns) *columns = (tap_csv){ 0 };
    if (open_reader(&r, a, path) && read_fields(&r, separator) && check_columns(&r, separator)) {
        const tap__entries e = { .memory = r.matrix,
                                 .n = (int64_t)(r.values.n / sizeof(float)),
                                 .row = (int32_t *)(void *)r.rows_of.data,
                                 .column = (int32_t *)(void *)r.columns_of.data,
                                 .value = (float *)(void *)r.values.data };
        r.matrix = NULL;
        x = tap__csr_of(a, path, r.row - 1, r.columns - 1, &e);
        if (rows) *rows = table_of(a, &r.row_names, r.row - 1, 1);
        if (columns) *columns = table_of(a, &r.text, 1, r.columns - 1);
    }
    close_reader(&r);
    return tap_arena_status(a, NULL) == TAP_OK ? x : (tap_csr){ 0 };
}
