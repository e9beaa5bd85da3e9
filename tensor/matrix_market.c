/* Matrix Market's coordinate format: a line that says what is in the file, comments, a line of rows, columns and entries, and a line
 * for each entry: row and column, counted from 1, and number. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/input.h"
#include "tensor/sparse.h"
#include "tensor/text.h"

enum { BUFFER = 1 << 16, LONGEST = 1 << 10, SHORTEST_ENTRY = 6, FEW = 1 << 17 }; /* "1 1 1\n" */

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

typedef struct {
    tap__packed from;
    char       *buffer, *at, *end; /* what was read, and how far it was looked at */
    int64_t     line;              /* its number, from 1 */
    bool        integer;
    int64_t     rows, columns;
} reader;

#define fail(r, ...) tap__input_fail(&(r)->from.in, __VA_ARGS__)

static bool fail_line(const reader *r, const char *what)
{
    return fail(r, TAP_EIO, "line %lld: %s", (long long)r->line, what);
}

/* Moves what is left to the front, and reads on behind it. */
static bool refill(reader *r)
{
    const size_t left = (size_t)(r->end - r->at);
    memmove(r->buffer, r->at, left);
    const int n = tap__packed_text(&r->from, r->buffer + left, BUFFER - (int)left);
    r->at = r->buffer;
    r->end = r->buffer + left + (n > 0 ? n : 0);
    return n >= 0;
}

/* The next line, as a string; NULL at the end, *ok telling if it is the file's. */
static char *next_line(reader *r, bool *ok)
{
    *ok = true;
    if (r->end - r->at < LONGEST && !(*ok = refill(r))) return NULL;
    if (r->at == r->end) return NULL;
    char *line = r->at, *stop = memchr(line, '\n', (size_t)(r->end - line));
    r->line++;
    if (!stop && r->end - line < LONGEST) stop = r->end; /* the last one may end without */
    if (!stop || stop - line >= LONGEST) {
        *ok = fail_line(r, "is longer than any should be");
        return NULL;
    }
    r->at = stop + (stop < r->end);
    *stop = '\0';
    if (strlen(line) == (size_t)(stop - line)) return line;
    *ok = fail_line(r, "holds a NUL byte");
    return NULL;
}

static bool is_blank(const char *text)
{
    return !text[strspn(text, " \t\r")];
}

/* Cuts the next word off the text; an empty one at its end. */
static const char *take_word(char **text)
{
    char        *word = *text + strspn(*text, " \t\r");
    const size_t n = strcspn(word, " \t\r");
    *text = word + n + (word[n] != '\0');
    word[n] = '\0';
    return word;
}

static bool is_word(const char *text, const char *word)
{
    return tap__same_letters(text, word, SIZE_MAX);
}

static bool read_banner(reader *r)
{
    bool        ok;
    const char *word[6];
    char       *line = next_line(r, &ok);
    if (!ok) return false;
    if (!line || !tap__same_letters(line, "%%MatrixMarket", 14))
        return fail(r, TAP_EIO, "not a Matrix Market file: does not begin with %%%%MatrixMarket");
    for (int i = 0; i < 6; i++) word[i] = take_word(&line);
    if (!*word[4] || *word[5]) return fail_line(r, "there should be four words behind %%MatrixMarket");
    r->integer = is_word(word[3], "integer");
    if (!is_word(word[1], "matrix") || !is_word(word[2], "coordinate") || (!r->integer && !is_word(word[3], "real")) ||
        !is_word(word[4], "general"))
        return fail_line(r, "not a matrix coordinate, integer or real, general, which is what can be read");
    return true;
}

/* A whole number from least to most, and what is behind it. */
static bool take_whole(char **text, int64_t least, int64_t most, int64_t *value)
{
    char *stop;
    *text += strspn(*text, " \t");
    if (**text < '0' || **text > '9') return false;
    *value = strtoll(*text, &stop, 10);
    *text = stop;
    return *value >= least && *value <= most && (*stop == ' ' || *stop == '\t' || is_blank(stop));
}

/* A number that is a float32, for integers exactly. */
static bool take_number(const reader *r, char *text, float *value)
{
    char        *stop;
    const double number = tap__parse_number(text, &stop);
    *value = (float)number;
    if (stop == text || !is_blank(stop) || !isfinite(*value)) return false;
    return !r->integer || ((double)*value == number && number == floor(number));
}

/* Sizes and entries that a file of this size can hold: a few forged bytes must not claim all memory. */
static bool read_sizes(reader *r, int64_t *n)
{
    bool          ok;
    char         *line;
    const int64_t room = tap__packed_room(&r->from), most = TAP__CSR_MOST;
    do line = next_line(r, &ok);
    while (line && (*line == '%' || is_blank(line)));
    if (!line) return ok && fail(r, TAP_EIO, "truncated: has no line of sizes");
    if (!take_whole(&line, 0, most, &r->rows) || !take_whole(&line, 0, most, &r->columns) ||
        !take_whole(&line, 0, INT64_MAX, n) || !is_blank(line))
        return fail_line(r,
                         "there should be rows, columns and entries: whole numbers, of which the first two fit into 31 bits");
    if (*n > (room + 1) / SHORTEST_ENTRY) return fail(r, TAP_EIO, "truncated: has no room for %lld entries", (long long)*n);
    if (r->rows + r->columns > FEW + room)
        return fail(r, TAP_EIO, "%lld rows and %lld columns are out of proportion to its size", (long long)r->rows,
                    (long long)r->columns);
    return true;
}

static bool take_entry(const reader *r, char *line, const tap__entries *e, int64_t i)
{
    int64_t row, column;
    if (!take_whole(&line, 1, r->rows, &row) || !take_whole(&line, 1, r->columns, &column) ||
        !take_number(r, line, &e->value[i]))
        return fail_line(r, r->integer ? "there should be a row, a column and an integer that is a float32"
                                       : "there should be a row, a column and a number that is a float32");
    e->row[i] = (int32_t)(row - 1);
    e->column[i] = (int32_t)(column - 1);
    return true;
}

static bool read_entries(reader *r, const tap__entries *e)
{
    bool    ok;
    char   *line;
    int64_t i = 0;
    while ((line = next_line(r, &ok))) {
        if (is_blank(line)) continue;
        if (i == e->n) return fail(r, TAP_EIO, "has more than %lld entries", (long long)e->n);
        if (!take_entry(r, line, e, i++)) return false;
    }
    if (ok && i < e->n) return fail(r, TAP_EIO, "truncated: ends behind %lld of %lld entries", (long long)i, (long long)e->n);
    return ok;
}

/* Room for n entries; false, and the reader's error, if there is none. */
static bool make_room(const reader *r, tap__entries *e)
{
    tap__arena_name(e->memory, r->from.in.path);
    e->row = tap__arena_take(e->memory, (size_t)e->n * sizeof *e->row);
    e->column = tap__arena_take(e->memory, (size_t)e->n * sizeof *e->column);
    e->value = tap__arena_take(e->memory, (size_t)e->n * sizeof *e->value);
    return tap__error_copy(tap_arena_error(r->from.in.arena), tap_arena_error(e->memory)) == TAP_OK;
}

static tap_csr read_matrix(reader *r)
{
    tap__entries e = { .n = 0 };
    char         buffer[BUFFER + 1];
    r->buffer = r->at = r->end = buffer;
    if (!read_banner(r) || !read_sizes(r, &e.n)) return (tap_csr){ 0 };
    e.memory = tap__arena_new_internal();
    if (make_room(r, &e) && read_entries(r, &e)) return tap__csr_of(r->from.in.arena, r->from.in.path, r->rows, r->columns, &e);
    tap_arena_free(e.memory);
    return (tap_csr){ 0 };
}

tap_csr tap_matrix_market_read(tap_arena *a, const char *path)
{
    reader  r = { .line = 0 };
    tap_csr x = { 0 };
    if (tap__packed_open(&r.from, a, path, "matrix_market")) x = read_matrix(&r);
    tap__packed_close(&r.from);
    return x;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static bool all_whole(tap_csr x)
{
    for (int64_t j = 0; j < x.start[x.rows]; j++)
        if (x.value[j] != floorf(x.value[j])) return false;
    return true;
}

/* A line of an entry; nine digits tell a float32 from any other. Returns its length. */
static int print_entry(char text[64], int64_t row, int32_t column, double value, bool whole)
{
    return tap__format(text, 64, whole ? "%lld %d %.0f\n" : "%lld %d %.9g\n", (long long)row + 1, column + 1, value);
}

static tap_status write_entries(tap_file *f, tap_csr x)
{
    char       lines[BUFFER];
    const bool whole = all_whole(x);
    int        n = 0;
    for (int64_t i = 0; i < x.rows; i++) {
        for (int64_t j = x.start[i]; j < x.start[i + 1]; j++) {
            n += print_entry(lines + n, i, x.column[j], (double)x.value[j], whole);
            if (n < BUFFER - 64) continue;
            if (tap_file_write(f, lines, (size_t)n) != TAP_OK) return TAP_EIO;
            n = 0;
        }
    }
    return tap_file_write(f, lines, (size_t)n);
}

tap_status tap_matrix_market_write(const char *path, tap_csr x, tap_error *e)
{
    char         header[128];
    const char  *wrong = tap__csr_wrong(x);
    const size_t length = path ? strlen(path) : 0;
    if (!path) return tap_error_set(e, TAP_EARG, "matrix_market: the path is NULL");
    for (int64_t j = 0; !wrong && j < x.start[x.rows]; j++)
        if (!isfinite(x.value[j])) wrong = "a number is not finite";
    if (wrong) return tap_error_set(e, TAP_EARG, "%s: %s", path, wrong);
    tap_file *f = length > 3 && !strcmp(path + length - 3, ".gz") ? tap_file_create_gzip(path, e) : tap_file_create(path, e);
    if (!f) return e ? e->status : TAP_EIO;
    snprintf(header, sizeof header, "%%%%MatrixMarket matrix coordinate %s general\n%lld %lld %lld\n",
             all_whole(x) ? "integer" : "real", (long long)x.rows, (long long)x.columns, (long long)x.start[x.rows]);
    tap_status status = tap_file_write(f, header, strlen(header));
    if (status == TAP_OK) status = write_entries(f, x);
    if (status == TAP_OK) return tap_file_commit(f);
    tap_file_abandon(f);
    return status;
}
