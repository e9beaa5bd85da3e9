/* tensor/io/matrix_market.c: Matrix Market files (Boisvert, Pozo & Remington 1996, NISTIR 5935): a first line that names the
 * kind of matrix, comments, a line of sizes, and the entries, one a line: row and column, counted from 1, and number
 * (coordinate), or numbers alone, column by column (array). Of a symmetric matrix, one of the two entries that mirror each
 * other is in the file. */
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

enum { BUFFER_SIZE = 1 << 16, MAX_LINE = 1 << 14, SMALL_SIZE = 1 << 17 };

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

typedef enum { REAL, DOUBLE, INTEGER, UNSIGNED_INTEGER, UNSIGNED, PATTERN } number_kind;
typedef enum { GENERAL, SYMMETRIC, SKEW_SYMMETRIC } symmetry_kind;

typedef struct {
    tap__gzip_reader from;
    char            *buffer, *at, *end; /* bytes at..end-1 of the buffer were read and not yet parsed */
    int64_t          line, sizes_line;  /* the numbers of the current line and of the line of sizes, from 1 */
    bool             array;
    number_kind      number;
    symmetry_kind    symmetry;
    int64_t          rows, columns, entries; /* according to the line of sizes; of an array, computed */
} reader;

/* Records an error in the current line. Always false. */
static bool fail_line(const reader *r, const char *format, ...) TAP_PRINTF(2, 3);
static bool fail_line(const reader *r, const char *format, ...)
{
    char    text[TAP_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    tap__format_list(text, sizeof text, format, args);
    va_end(args);
    return tap__reader_fail(&r->from.in, TAP_EIO, "line %lld: %s", (long long)r->line, text);
}

/* Moves unparsed bytes to the front of the buffer, and fills the rest of it. */
static bool refill(reader *r)
{
    const size_t rest = (size_t)(r->end - r->at);
    memmove(r->buffer, r->at, rest);
    const int n = tap__gzip_read_text(&r->from, r->buffer + rest, BUFFER_SIZE - (int)rest);
    const int bom = n > 0 && r->line == 0 && rest == 0 ? tap__gzip_bom_size(&r->from, r->buffer, n) : 0;
    r->at = r->buffer + (bom > 0 ? bom : 0);
    r->end = r->buffer + rest + (n > 0 ? n : 0);
    return n >= 0 && bom >= 0;
}

/* The next line, NUL-terminated. NULL at the end of the file, where *ok is true, and on an error, where it is false. */
static char *next_line(reader *r, bool *ok)
{
    *ok = true;
    if (r->end - r->at < MAX_LINE) *ok = refill(r);
    if (!*ok) return NULL;
    if (r->at == r->end) return NULL;
    char *line = r->at, *stop = memchr(line, '\n', (size_t)(r->end - line));
    r->line++;
    if (!stop && r->end - line < MAX_LINE) stop = r->end; /* the last line may end without a newline */
    if (!stop || stop - line >= MAX_LINE) {
        *ok = fail_line(r, "is longer than %d characters", MAX_LINE - 1);
        return NULL;
    }
    r->at = stop + (stop < r->end);
    *stop = '\0';
    if (strlen(line) == (size_t)(stop - line)) return line;
    *ok = fail_line(r, "holds a NUL byte");
    return NULL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static char *skip_spaces(char *text)
{
    while (is_space(*text)) text++;
    return text;
}

/* Cuts the next word off the line; NULL if there is none. */
static char *next_word(char **line)
{
    char *word = skip_spaces(*line), *end = word;
    while (*end && !is_space(*end)) end++;
    *line = end + (*end != '\0');
    *end = '\0';
    return *word ? word : NULL;
}

/* The next line that is not blank, from its first word on. */
static char *next_nonblank(reader *r, bool *ok)
{
    char *line;
    do {
        line = next_line(r, ok);
        if (line) line = skip_spaces(line);
    } while (line && !*line);
    return line;
}

/* Sets *kind to the word's index among the kinds, ignoring case. `supported` lists them for the error message. */
static bool parse_kind(const reader *r, const char *word, const char *what, const char *const *kinds, const char *supported,
                       int *kind)
{
    for (*kind = 0; kinds[*kind]; ++*kind)
        if (tap__equal_ignoring_case(word, kinds[*kind], SIZE_MAX)) return true;
    return fail_line(r, "%s '%.20s' cannot be read; %s can", what, word, supported);
}

static bool parse_kinds(reader *r, char *word[4])
{
    static const char *const objects[] = { "matrix", NULL };
    static const char *const formats[] = { "coordinate", "array", NULL };
    static const char *const numbers[] = { "real", "double", "integer", "unsigned-integer", "unsigned", "pattern", NULL };
    static const char *const symmetries[] = { "general", "symmetric", "skew-symmetric", NULL };
    int                      object, format, number, symmetry;
    if (!parse_kind(r, word[0], "object", objects, "a matrix", &object) ||
        !parse_kind(r, word[1], "format", formats, "coordinate and array", &format) ||
        !parse_kind(r, word[2], "field", numbers, "real, integer, unsigned-integer and pattern", &number) ||
        !parse_kind(r, word[3], "symmetry", symmetries, "general, symmetric and skew-symmetric", &symmetry))
        return false;
    r->array = format == 1;
    r->number = (number_kind)number;
    r->symmetry = (symmetry_kind)symmetry;
    if (r->array && r->number == PATTERN) return fail_line(r, "an array cannot be a pattern, as it has values");
    if (r->symmetry == SKEW_SYMMETRIC && r->number > INTEGER)
        return fail_line(r, "a skew-symmetric matrix cannot be %.20s, as it has negative values", word[2]);
    return true;
}

static bool read_banner(reader *r)
{
    bool  ok;
    char *word[5], *line = next_nonblank(r, &ok);
    if (!ok) return false;
    if (!line || !tap__equal_ignoring_case(line, "%%MatrixMarket", 14))
        return tap__reader_fail(&r->from.in, TAP_EIO, "not a Matrix Market file: does not begin with %%%%MatrixMarket");
    next_word(&line);
    for (int i = 0; i < 5; i++) word[i] = next_word(&line);
    if (!word[3] || word[4])
        return fail_line(r, "there should be four words after %%%%MatrixMarket, such as matrix coordinate integer general");
    return parse_kinds(r, word);
}

/* Parses the next word of the line as an integer from min to max. For messages, `what` is its meaning and `form` the line's
 * format. */
static bool parse_integer(const reader *r, char **line, const char *what, int64_t min, int64_t max, const char *form,
                          int64_t *value)
{
    char       *end;
    const char *word = next_word(line), *digits = word && *word == '-' ? word + 1 : word;
    if (!word) return fail_line(r, "there is no %s; the line should be: %s", what, form);
    *value = strtoll(word, &end, 10);
    if (*digits < '0' || *digits > '9' || *end) return fail_line(r, "%s '%.20s' is not a whole number", what, word);
    if (*value >= min && *value <= max) return true;
    return fail_line(r, "%s %.20s is not within %lld..%lld%s", what, word, (long long)min, (long long)max,
                     *value == 0 && min == 1 ? "; rows and columns count from 1" : "");
}

static bool expect_end(const reader *r, char **line, const char *form)
{
    const char *word = next_word(line);
    return !word || fail_line(r, "unexpected '%.20s'; the line should be: %s", word, form);
}

/* Number of values in an array file. */
static int64_t count_array(const reader *r)
{
    if (r->symmetry == GENERAL) return r->rows * r->columns;
    return r->rows * (r->rows + (r->symmetry == SYMMETRIC ? 1 : -1)) / 2;
}

static bool read_sizes(reader *r)
{
    bool        ok;
    const char *form = r->array ? "rows columns" : "rows columns entries";
    char       *line = next_nonblank(r, &ok);
    while (line && *line == '%') line = next_nonblank(r, &ok);
    r->sizes_line = r->line;
    if (!line) return ok && tap__reader_fail(&r->from.in, TAP_EIO, "truncated: has no line of sizes");
    if (!parse_integer(r, &line, "number of rows", 0, TAP__CSR_MAX, form, &r->rows) ||
        !parse_integer(r, &line, "number of columns", 0, TAP__CSR_MAX, form, &r->columns) ||
        (!r->array && !parse_integer(r, &line, "number of entries", 0, INT64_MAX, form, &r->entries)) ||
        !expect_end(r, &line, form))
        return false;
    if (r->symmetry != GENERAL && r->rows != r->columns)
        return fail_line(r, "a symmetric matrix has as many rows as columns, not %lld and %lld", (long long)r->rows,
                         (long long)r->columns);
    if (r->array) r->entries = count_array(r);
    return true;
}

/* The next line with an entry; NULL at the end of the file, and on an error, for which *ok is false. */
static char *next_entry(reader *r, bool *ok)
{
    char *line = next_nonblank(r, ok);
    if (!line || *line != '%') return line;
    *ok = fail_line(r, "a comment among the entries; comments go before the line of sizes");
    return NULL;
}

/* Records that the number of entries is wrong, after counting the rest of them. n were read already. */
static bool fail_count(reader *r, int64_t n)
{
    bool ok = true;
    while (next_entry(r, &ok)) n++;
    return ok &&
           tap__reader_fail(&r->from.in, TAP_EIO, "%sline %lld promises %lld entries, the file holds %lld",
                            n < r->entries ? "truncated: " : "", (long long)r->sizes_line, (long long)r->entries, (long long)n);
}

/* Whether a file of this size can hold the stated number of entries: a few forged bytes must not allocate all memory. */
static bool check_sizes(reader *r)
{
    const int64_t max_size = tap__gzip_max_size(&r->from);
    const int64_t shortest = r->array ? 2 : r->number == PATTERN ? 4 : 6; /* "1 1 1\n" */
    if (r->entries > (max_size + 1) / shortest) return fail_count(r, 0);
    if (r->rows + r->columns > SMALL_SIZE + max_size)
        return tap__reader_fail(&r->from.in, TAP_EIO, "%lld rows and %lld columns are out of proportion to its size",
                                (long long)r->rows, (long long)r->columns);
    return true;
}

/* Parses a value; 1 for a pattern. Integers must be exact in float32. */
static bool parse_value(const reader *r, char **line, const char *form, float *value)
{
    char       *stop;
    const char *text = next_word(line);
    *value = 1;
    if (!text) return r->number == PATTERN || fail_line(r, "there is no value; the line should be: %s", form);
    if (r->number == PATTERN) return fail_line(r, "unexpected '%.20s'; the line should be: %s", text, form);
    const double number = tap__parse_number(text, &stop);
    *value = (float)number;
    if (*stop) return fail_line(r, "value '%.20s' is not a number", text);
    if (!isfinite(*value)) return fail_line(r, "value %.20s is not a finite number in float32", text);
    if (r->number == REAL || r->number == DOUBLE) return true;
    if (number != floor(number)) return fail_line(r, "value %.20s is not an integer, which the first line promises", text);
    if ((double)*value != number) return fail_line(r, "value %.20s is an integer that float32 cannot hold", text);
    return r->number == INTEGER || number >= 0 ||
           fail_line(r, "value %.20s is below 0, but the first line says unsigned", text);
}

/* Adds the entry, with indices from 0, and its mirror image in a symmetric matrix. */
static bool add_entry(const reader *r, tap__entries *e, int64_t row, int64_t column, float value)
{
    if (r->symmetry == SKEW_SYMMETRIC && row == column && value != 0)
        return fail_line(r, "row %lld, column %lld: the diagonal of a skew-symmetric matrix is 0", (long long)row + 1,
                         (long long)column + 1);
    for (int mirror = 0; mirror < (r->symmetry != GENERAL && row != column ? 2 : 1); mirror++, e->n++) {
        e->row[e->n] = (int32_t)(mirror ? column : row);
        e->column[e->n] = (int32_t)(mirror ? row : column);
        e->value[e->n] = mirror && r->symmetry == SKEW_SYMMETRIC ? -value : value;
    }
    return true;
}

/* Parses the line of an entry. For an array, *row and *column are the indices of its value, and are moved to the next one's. */
static bool parse_entry(const reader *r, char *line, tap__entries *e, int64_t *row, int64_t *column)
{
    const char *form = r->array ? "value" : r->number == PATTERN ? "row column" : "row column value";
    float       value;
    if (!r->array && (!parse_integer(r, &line, "row", 1, r->rows, form, row) ||
                      !parse_integer(r, &line, "column", 1, r->columns, form, column)))
        return false;
    const int64_t i = *row - !r->array, k = *column - !r->array;
    if (!parse_value(r, &line, form, &value) || !expect_end(r, &line, form) || !add_entry(r, e, i, k, value)) return false;
    if (!r->array || ++*row < r->rows) return true;
    ++*column;
    *row = r->symmetry == GENERAL ? 0 : *column + (r->symmetry == SKEW_SYMMETRIC);
    return true;
}

static bool read_entries(reader *r, tap__entries *e)
{
    bool    ok;
    char   *line;
    int64_t i = 0, row = r->symmetry == SKEW_SYMMETRIC, column = 0;
    for (; (line = next_entry(r, &ok)); i++) {
        if (i == r->entries) return fail_count(r, i + 1);
        if (!parse_entry(r, line, e, &row, &column)) return false;
    }
    return ok && (i == r->entries || fail_count(r, i));
}

/* Allocates memory for all entries; false, and an error, if there is none. */
static bool allocate_entries(const reader *r, tap__entries *e)
{
    const size_t n = (size_t)r->entries * (r->symmetry == GENERAL ? 1 : 2);
    tap__arena_name(e->memory, r->from.in.path);
    e->row = tap__arena_acquire(e->memory, n * sizeof *e->row);
    e->column = tap__arena_acquire(e->memory, n * sizeof *e->column);
    e->value = tap__arena_acquire(e->memory, n * sizeof *e->value);
    return tap__error_copy(tap_arena_error(r->from.in.arena), tap_arena_error(e->memory)) == TAP_OK;
}

static tap_csr read_matrix(reader *r)
{
    tap__entries e = { .n = 0 };
    char         buffer[BUFFER_SIZE + 1];
    r->buffer = r->at = r->end = buffer;
    if (!read_banner(r) || !read_sizes(r) || !check_sizes(r)) return (tap_csr){ 0 };
    e.memory = tap__arena_new_internal();
    if (allocate_entries(r, &e) && read_entries(r, &e))
        return tap__csr_from_entries(r->from.in.arena, r->from.in.path, r->rows, r->columns, &e);
    tap_arena_free(e.memory);
    return (tap_csr){ 0 };
}

tap_csr tap_matrix_market_read(tap_arena *a, const char *path)
{
    reader  r = { .line = 0 };
    tap_csr x = { 0 };
    if (tap__gzip_open(&r.from, a, path, "matrix_market")) x = read_matrix(&r);
    tap__gzip_close(&r.from);
    return x;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static bool all_integers(tap_csr x)
{
    for (int64_t j = 0; j < x.start[x.rows]; j++)
        if (x.value[j] != floorf(x.value[j])) return false;
    return true;
}

/* Formats the line of an entry and returns its length. Nine digits identify a float32. */
static int format_entry(char text[64], int64_t row, int32_t column, double value, bool integers)
{
    return tap__format(text, 64, integers ? "%lld %d %.0f\n" : "%lld %d %.9g\n", (long long)row + 1, column + 1, value);
}

static tap_status write_entries(tap_file *f, tap_csr x)
{
    char       lines[BUFFER_SIZE];
    const bool integers = all_integers(x);
    int        n = 0;
    for (int64_t i = 0; i < x.rows; i++) {
        for (int64_t j = x.start[i]; j < x.start[i + 1]; j++) {
            n += format_entry(lines + n, i, x.column[j], (double)x.value[j], integers);
            if (n < BUFFER_SIZE - 64) continue;
            if (tap_file_write(f, lines, (size_t)n) != TAP_OK) return TAP_EIO;
            n = 0;
        }
    }
    return tap_file_write(f, lines, (size_t)n);
}

tap_status tap_matrix_market_write(const char *path, tap_csr x, tap_error *e)
{
    char         header[128];
    const char  *problem = tap__csr_error(x);
    const size_t length = path ? strlen(path) : 0;
    if (!path) return tap_error_set(e, TAP_EARG, "matrix_market: the path is NULL");
    for (int64_t j = 0; !problem && j < x.start[x.rows]; j++)
        if (!isfinite(x.value[j])) problem = "a value is not finite";
    if (problem) return tap_error_set(e, TAP_EARG, "%s: %s", path, problem);
    tap_file *f = length > 3 && !strcmp(path + length - 3, ".gz") ? tap_file_create_gzip(path, e) : tap_file_create(path, e);
    if (!f) return e ? e->status : TAP_EIO;
    snprintf(header, sizeof header, "%%%%MatrixMarket matrix coordinate %s general\n%lld %lld %lld\n",
             all_integers(x) ? "integer" : "real", (long long)x.rows, (long long)x.columns, (long long)x.start[x.rows]);
    tap_status status = tap_file_write(f, header, strlen(header));
    if (status == TAP_OK) status = write_entries(f, x);
    if (status == TAP_OK) return tap_file_commit(f);
    tap_file_abandon(f);
    return status;
}
