/* Matrix Market files: what is written, what is read back, all that may be in them, and hostile ones. */
#define _XOPEN_SOURCE 700
#include "tensor/tensor.h"
#include "tests/tensor/scratch.h"
#include "tensor/arena.h"

#include <math.h>
#include <zlib.h>

static void write_text(const char *path, const char *text)
{
    scratch_write(path, text, strlen(text));
}

static void write_packed(const char *path, const char *text, size_t n)
{
    gzFile f = gzopen(path, "wb9");
    assert_int_equal(gzwrite(f, text, (unsigned)n), n);
    assert_int_equal(gzclose(f), Z_OK);
}

/* The message of the error that reading x must give; good until the next call. */
static const char *refusal(void)
{
    static char message[TAP_MESSAGE_SIZE];
    const char *text;
    tap_arena  *a = tap_arena_new();
    int         fd = scratch_next_fd();
    assert_null(tap_matrix_market_read(a, "x").start);
    assert_int_equal(tap_arena_status(a, &text), TAP_EIO);
    assert_true(tap__arena_bytes(a) < 1 << 20);
    assert_int_equal(scratch_next_fd(), fd);
    snprintf(message, sizeof message, "%s", text);
    tap_arena_free(a);
    return message;
}

static void expect_refusal(const char *text, const char *wanted)
{
    char        whole[TAP_MESSAGE_SIZE];
    const char *message;
    snprintf(whole, sizeof whole, "x: %s", wanted);
    write_text("x", text);
    message = refusal();
    if (strcmp(message, whole) != 0) fail_msg("%s: '%s'", text, message);
    write_packed("x", text, strlen(text));
    message = refusal();
    if (strcmp(message, whole) != 0) fail_msg("%s, packed: '%s'", text, message);
}

#define HEAD "%%MatrixMarket matrix coordinate integer general\n"
#define REAL "%%MatrixMarket matrix coordinate real general\n"

static void expect(tap_csr x, int64_t rows, int64_t columns, const double *numbers)
{
    assert_non_null(x.start);
    assert_int_equal(x.rows, rows);
    assert_int_equal(x.columns, columns);
    double     room[64];
    tap_error  e = { 0 };
    tap_tensor out = tap_tensor_wrap(TAP_F64, TAP_SHAPE(rows, columns), room);
    if (rows > 0) assert_int_equal(tap_csr_rows(out, x, NULL, &e), TAP_OK);
    for (int64_t i = 0; i < rows * columns; i++) assert_true(room[i] == numbers[i]);
}

static void test_reading(void **state)
{
    const double numbers[] = { 0, 7, 0, 16777216, 0, 3 };
    const char  *texts[] = {
         HEAD "2 3 3\n1 2 7\n2 1 16777216\n2 3 3\n",
         HEAD "%a comment\n%\n\n 2\t3  3 \r\n2 3 3\n\n1  2 7 \r\n 2 1 16777216",
         "%%matrixmarket MATRIX Coordinate INTEGER General\r\n2 3 4\n2 3 3\n1 1 0\n2 1 16777216\n1 2 +7\n",
         REAL "2 3 3\n1 2 7e0\n2 1 1.6777216e7\n2 3 3.0\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tap_arena *a = tap_arena_new();
        write_text("x", texts[i]);
        expect(tap_matrix_market_read(a, "x"), 2, 3, numbers);
        write_packed("x", texts[i], strlen(texts[i]));
        tap_csr x = tap_matrix_market_read(a, "x");
        expect(x, 2, 3, numbers);
        assert_int_equal(x.start[2], 3);
        tap_arena_free(a);
    }
    tap_arena *a = tap_arena_new();
    write_text("x", HEAD "0 4 0\n");
    expect(tap_matrix_market_read(a, "x"), 0, 4, numbers);
    write_text("x", REAL "1 1 1\n1 1 -1e-30\n");
    expect(tap_matrix_market_read(a, "x"), 1, 1, (double[]){ (double)-1e-30f });
    tap_arena_free(a);
}

/* More than one piece of a file, rows and columns in an order of their own. */
static void test_large_file(void **state)
{
    enum { N = 30000, ROWS = 997 };
    tap_arena *a = tap_arena_new();
    FILE      *f = fopen("x", "w");
    (void)state;
    fputs(HEAD, f);
    fprintf(f, "%d %d %d\n", ROWS, N, N);
    for (int i = 0; i < N; i++) fprintf(f, "%d %d %d\n", i * 31 % ROWS + 1, N - i, i + 1);
    fclose(f);
    const char *message;
    tap_csr     x = tap_matrix_market_read(a, "x");
    if (tap_arena_status(a, &message) != TAP_OK) fail_msg("%s", message);
    assert_int_equal(x.start[ROWS], N);
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t j = x.start[i]; j < x.start[i + 1]; j++) {
            assert_int_equal(x.value[j], N - x.column[j]);
            assert_int_equal(((int64_t)x.value[j] - 1) * 31 % ROWS, i);
            assert_true(j == x.start[i] || x.column[j - 1] < x.column[j]);
        }
    tap_arena_free(a);
}

#define KIND(format, field, symmetry) "%%MatrixMarket matrix " format " " field " " symmetry "\n"

/* What every kind of file stands for. */
static void test_fields_and_symmetries(void **state)
{
    const struct {
        const char *text;
        int64_t     rows, columns;
        double      numbers[9];
    } cases[] = {
        { KIND("coordinate", "pattern", "general") "2 3 3\n1 2\n2 1\n2 3\n", 2, 3, { 0, 1, 0, 1, 0, 1 } },
        { KIND("coordinate", "unsigned-integer", "general") "2 3 2\n1 2 7\n2 1 4\n", 2, 3, { 0, 7, 0, 4, 0, 0 } },
        { KIND("coordinate", "unsigned", "general") "1 1 1\n1 1 7\n", 1, 1, { 7 } },
        { KIND("coordinate", "double", "general") "1 1 1\n1 1 0.5\n", 1, 1, { 0.5 } },
        { KIND("coordinate", "integer", "symmetric") "3 3 4\n1 1 1\n3 1 5\n3 2 6\n3 3 9\n",
          3,
          3,
          { 1, 0, 5, 0, 0, 6, 5, 6, 9 } },
        { KIND("coordinate", "integer", "symmetric") "2 2 1\n1 2 5\n", 2, 2, { 0, 5, 5, 0 } }, /* the other triangle */
        { KIND("coordinate", "pattern", "symmetric") "2 2 2\n1 1\n2 1\n", 2, 2, { 1, 1, 1, 0 } },
        { KIND("coordinate", "real", "skew-symmetric") "3 3 2\n2 1 5\n3 1 -0.5\n", 3, 3, { 0, -5, 0.5, 5, 0, 0, -0.5, 0, 0 } },
        { KIND("coordinate", "real", "skew-symmetric") "2 2 1\n2 2 0\n", 2, 2, { 0, 0, 0, 0 } },
        { KIND("array", "real", "general") "2 3\n1\n4\n2\n0.5\n3\n6\n", 2, 3, { 1, 2, 3, 4, 0.5, 6 } },
        { KIND("array", "integer", "symmetric") "% a\n3 3\n1\n2\n3\n4\n5\n6\n", 3, 3, { 1, 2, 3, 2, 4, 5, 3, 5, 6 } },
        { KIND("array", "integer", "skew-symmetric") "3 3\n1\n2\n3\n", 3, 3, { 0, -1, -2, 1, 0, -3, 2, 3, 0 } },
        { KIND("array", "unsigned-integer", "general") "0 3\n", 0, 3, { 0 } },
        { KIND("array", "integer", "skew-symmetric") "0 0\n", 0, 0, { 0 } },
        { KIND("array", "integer", "skew-symmetric") "1 1\n", 1, 1, { 0 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *message;
        tap_arena  *a = tap_arena_new();
        write_text("x", cases[i].text);
        const tap_csr x = tap_matrix_market_read(a, "x");
        if (tap_arena_status(a, &message) != TAP_OK) fail_msg("%s%s", cases[i].text, message);
        expect(x, cases[i].rows, cases[i].columns, cases[i].numbers);
        write_packed("x", cases[i].text, strlen(cases[i].text));
        expect(tap_matrix_market_read(a, "x"), cases[i].rows, cases[i].columns, cases[i].numbers);
        tap_arena_free(a);
    }
}

/* Byte order marks, empty lines, long comments and the ends of other systems' lines. */
static void test_blank_lines_and_comments(void **state)
{
    enum { N = 10000 };
    const double numbers[] = { 0, 7, 0, 0, 0, 3 };
    const char  *texts[] = {
         "\xef\xbb\xbf" HEAD "2 3 2\n1 2 7\n2 3 3\n",
         "\xef\xbb\xbf\r\n\n" HEAD "\r\n%\r\n \t \r\n%% a\r\n\r\n2 3 2\r\n\r\n1 2 7\r\n \r\n2 3 3\r\n\r\n",
         "\n" HEAD "\n2 3 2\n\n1 2 7\n\n2\t3\t3",
    };
    static char text[N + 200];
    (void)state;
    tap_arena *a = tap_arena_new();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_text("x", texts[i]);
        expect(tap_matrix_market_read(a, "x"), 2, 3, numbers);
        write_packed("x", texts[i], strlen(texts[i]));
        expect(tap_matrix_market_read(a, "x"), 2, 3, numbers);
    }
    memcpy(text, HEAD, sizeof HEAD - 1);
    memset(text + sizeof HEAD - 1, '%', N);
    strcpy(text + sizeof HEAD - 1 + N, "\n2 3 2\n1 2 7\n2 3 3\n");
    write_text("x", text);
    expect(tap_matrix_market_read(a, "x"), 2, 3, numbers);
    tap_arena_free(a);
    scratch_write("x", "\xff\xfe%\0%\0", 6);
    assert_string_equal(refusal(), "x: is text in UTF-16; text in UTF-8 can be read");
    scratch_write("x", "\xfe\xff\0%\0%", 6);
    assert_string_equal(refusal(), "x: is text in UTF-16; text in UTF-8 can be read");
    write_text("x", "\xef\xbb\xbf");
    assert_string_equal(refusal(), "x: not a Matrix Market file: does not begin with %%MatrixMarket");
}

static void test_refused_kinds(void **state)
{
    const char *words = "line 1: there should be four words after %%MatrixMarket, such as matrix coordinate integer general";
    (void)state;
    expect_refusal("", "not a Matrix Market file: does not begin with %%MatrixMarket");
    expect_refusal("1 1 1\n", "not a Matrix Market file: does not begin with %%MatrixMarket");
    expect_refusal("%%MatrixMarket matrix coordinate integer\n", words);
    expect_refusal("%%MatrixMarket matrix coordinate integer general x\n", words);
    expect_refusal("%%MatrixMarket vector coordinate integer general\n",
                   "line 1: object 'vector' cannot be read; a matrix can");
    expect_refusal("\n%%MatrixMarket matrix sparse integer general\n",
                   "line 2: format 'sparse' cannot be read; coordinate and array can");
    expect_refusal(KIND("coordinate", "complex", "general"),
                   "line 1: field 'complex' cannot be read; real, integer, unsigned-integer and pattern can");
    expect_refusal(KIND("coordinate", "real", "hermitian"),
                   "line 1: symmetry 'hermitian' cannot be read; general, symmetric and skew-symmetric can");
    expect_refusal(KIND("array", "pattern", "general"), "line 1: an array cannot be a pattern, as it has values");
    expect_refusal(KIND("coordinate", "unsigned", "skew-symmetric"),
                   "line 1: a skew-symmetric matrix cannot be unsigned, as it has negative values");
    expect_refusal(KIND("coordinate", "pattern", "skew-symmetric"),
                   "line 1: a skew-symmetric matrix cannot be pattern, as it has negative values");
}

static void test_refused_sizes(void **state)
{
    (void)state;
    expect_refusal(HEAD "%\n", "truncated: has no line of sizes");
    expect_refusal(HEAD "2 3\n", "line 2: there is no number of entries; the line should be: rows columns entries");
    expect_refusal(HEAD "2\n", "line 2: there is no number of columns; the line should be: rows columns entries");
    expect_refusal(HEAD "2 3 3 4\n", "line 2: unexpected '4'; the line should be: rows columns entries");
    expect_refusal(HEAD "2 -3 3\n", "line 2: number of columns -3 is not within 0..2147483647");
    expect_refusal(HEAD "2 2147483648 3\n", "line 2: number of columns 2147483648 is not within 0..2147483647");
    expect_refusal(HEAD "%\n\n2147483648 2 3\n", "line 4: number of rows 2147483648 is not within 0..2147483647");
    expect_refusal(HEAD "2 3 -1\n", "line 2: number of entries -1 is not within 0..9223372036854775807");
    expect_refusal(HEAD "2 3x 3\n", "line 2: number of columns '3x' is not a whole number");
    expect_refusal(KIND("array", "real", "general") "2 3 6\n", "line 2: unexpected '6'; the line should be: rows columns");
    expect_refusal(KIND("coordinate", "real", "symmetric") "2 3 0\n",
                   "line 2: a symmetric matrix has as many rows as columns, not 2 and 3");
}

static void test_refused_entries(void **state)
{
    (void)state;
    expect_refusal(HEAD "2 3 1\n1 1\n", "line 3: there is no value; the line should be: row column value");
    expect_refusal(HEAD "2 3 1\n1\n", "line 3: there is no column; the line should be: row column value");
    expect_refusal(HEAD "2 3 1\n1 1 x\n", "line 3: value 'x' is not a number");
    expect_refusal(HEAD "2 3 1\n1 1 1x\n", "line 3: value '1x' is not a number");
    expect_refusal(HEAD "2 3 1\n1 1 1 1\n", "line 3: unexpected '1'; the line should be: row column value");
    expect_refusal(HEAD "2 3 1\n0 1 1\n", "line 3: row 0 is not within 1..2; rows and columns count from 1");
    expect_refusal(HEAD "2 3 1\n1 0 1\n", "line 3: column 0 is not within 1..3; rows and columns count from 1");
    expect_refusal(HEAD "2 3 2\n1 1 1\n\n3 1 1\n", "line 5: row 3 is not within 1..2");
    expect_refusal(HEAD "2 3 1\n-1 1 1\n", "line 3: row -1 is not within 1..2");
    expect_refusal(HEAD "2 3 1\n1 4 1\n", "line 3: column 4 is not within 1..3");
    expect_refusal(HEAD "2 3 1\n99999999999999999999 4 1\n", "line 3: row 99999999999999999999 is not within 1..2");
    expect_refusal(HEAD "2 3 1\n1 1.5 1\n", "line 3: column '1.5' is not a whole number");
    expect_refusal(HEAD "2 3 1\n- 1 1\n", "line 3: row '-' is not a whole number");
    expect_refusal(HEAD "2 3 1\n1 1 1.5\n", "line 3: value 1.5 is not an integer, which the first line promises");
    expect_refusal(HEAD "2 3 1\n1 1 16777217\n", "line 3: value 16777217 is an integer that float32 cannot hold");
    expect_refusal(KIND("coordinate", "unsigned-integer", "general") "1 1 1\n1 1 -2\n",
                   "line 3: value -2 is below 0, but the first line says unsigned");
    expect_refusal(REAL "2 3 1\n1 1 nan\n", "line 3: value nan is not a finite number in float32");
    expect_refusal(REAL "2 3 1\n1 1 1e39\n", "line 3: value 1e39 is not a finite number in float32");
    expect_refusal(KIND("coordinate", "pattern", "general") "2 3 1\n1 1 1\n",
                   "line 3: unexpected '1'; the line should be: row column");
    expect_refusal(KIND("array", "real", "general") "1 2\n1\n1 2\n", "line 4: unexpected '2'; the line should be: value");
    expect_refusal(KIND("coordinate", "real", "skew-symmetric") "2 2 1\n2 2 1\n",
                   "line 3: row 2, column 2: the diagonal of a skew-symmetric matrix is 0");
    expect_refusal(HEAD "2 3 2\n2 3 1\n2 3 4\n", "has two entries for row 2, column 3");
    expect_refusal(HEAD "2 3 2\n1 1 1\n1 1 4\n", "has two entries for row 1, column 1");
    expect_refusal(KIND("coordinate", "real", "symmetric") "2 2 2\n1 2 1\n2 1 1\n", "has two entries for row 1, column 2");
}

/* Both numbers are told, and a comment is no entry. */
static void test_refused_counts(void **state)
{
    const char *comment = "a comment among the entries; comments go before the line of sizes";
    char        text[100];
    (void)state;
    expect_refusal(HEAD "2 3 2\n1 1 1\n", "truncated: line 2 promises 2 entries, the file holds 1");
    expect_refusal(HEAD "2 3 99\n1 1 1\n2 1 1\n", "truncated: line 2 promises 99 entries, the file holds 2");
    expect_refusal(HEAD "%\n\n2 3 1\n1 1 1\n\n1 2 1\n1 3 1\n\n", "line 4 promises 1 entries, the file holds 3");
    expect_refusal(HEAD "2 3 0\n1 1 1\n", "line 2 promises 0 entries, the file holds 1");
    expect_refusal(KIND("array", "integer", "general") "2 3\n1\n2\n3\n4\n5\n",
                   "truncated: line 2 promises 6 entries, the file holds 5");
    expect_refusal(KIND("array", "integer", "symmetric") "2 2\n1\n2\n3\n4\n", "line 2 promises 3 entries, the file holds 4");
    snprintf(text, sizeof text, "line 4: %s", comment);
    expect_refusal(HEAD "2 3 2\n1 1 1\n% between\n1 2 1\n", text);
    expect_refusal(HEAD "2 3 1\n1 1 1\n% behind\n", text);
    snprintf(text, sizeof text, "line 3: %s", comment);
    expect_refusal(HEAD "2 3 99\n% of too few\n", text);
}

/* A few bytes that promise much. */
static void test_claimed_sizes_are_checked(void **state)
{
    char line[20000];
    (void)state;
    write_packed("x", HEAD "2 3 999999999\n1 1 1\n", 69);
    assert_string_equal(refusal(), "x: truncated: line 2 promises 999999999 entries, the file holds 1");
    write_text("x", KIND("array", "real", "general") "2147483647 2147483647\n1\n");
    assert_string_equal(refusal(), "x: truncated: line 2 promises 4611686014132420609 entries, the file holds 1");
    write_text("x", HEAD "2000000000 3 0\n");
    assert_string_equal(refusal(), "x: 2000000000 rows and 3 columns are out of proportion to its size");
    memset(line, ' ', sizeof line);
    memcpy(line, HEAD, sizeof HEAD - 1);
    scratch_write("x", line, sizeof line);
    assert_string_equal(refusal(), "x: line 2: is longer than 16383 characters");
    memset(line, '\0', sizeof line);
    scratch_write("x", line, 9);
    assert_string_equal(refusal(), "x: line 1: holds a NUL byte");
}

/* Text that is packed more tightly than text is. */
static void test_decompression_bomb(void **state)
{
    enum { N = 8 << 20 };
    char *text = malloc(N);
    (void)state;
    assert_non_null(text);
    memset(text, '\n', N);
    memcpy(text, HEAD, sizeof HEAD - 1);
    write_packed("x", text, N);
    assert_string_equal(refusal(), "x: decompresses to more than 256 times its size");
    free(text);
}

static void test_truncated(void **state)
{
    const char text[] = HEAD "2 3 3\n1 2 7\n2 1 5\n2 3 300";
    size_t     n;
    (void)state;
    for (size_t k = 0; k < sizeof text - 5; k++) {
        scratch_write("x", text, k);
        assert_non_null(strstr(refusal(), "x: "));
    }
    write_packed("x", text, sizeof text - 1);
    char *packed = scratch_read("x", &n);
    for (size_t k = 1; k < n; k++) {
        scratch_write("x", packed, k);
        assert_non_null(strstr(refusal(), k > 20 ? "x: truncated: the gzip stream ends early" : "x: "));
    }
    packed[n - 8] ^= 1;
    scratch_write("x", packed, n);
    assert_string_equal(refusal(), "x: corrupt gzip stream: incorrect data check");
    free(packed);
}

static void test_writing(void **state)
{
    const float numbers[2][3] = { { 0, 1.5f, 0.1f }, { -2e-38f, 0, 3e38f } },
                counts[2][3] = { { 0, 1, 0 }, { 16777216, 0, 20 } };
    const double  zeros[6] = { 0 };
    double        back[6];
    tap_error     e = { 0 };
    tap_arena    *a = tap_arena_new();
    const tap_csr x = tap_csr_from_dense(a, tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), (void *)(uintptr_t)numbers));
    const tap_csr y = tap_csr_from_dense(a, tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), (void *)(uintptr_t)counts));
    (void)state;
    assert_int_equal(tap_matrix_market_write("y", y, &e), TAP_OK);
    scratch_expect("y", HEAD "2 3 3\n1 2 1\n2 1 16777216\n2 3 20\n");
    assert_int_equal(tap_matrix_market_write("x.gz", x, &e), TAP_OK);
    for (int i = 0; i < 6; i++) back[i] = (double)numbers[i / 3][i % 3];
    expect(tap_matrix_market_read(a, "x.gz"), 2, 3, back);
    size_t n;
    char  *bytes = scratch_read("x.gz", &n);
    assert_int_equal((unsigned char)bytes[0], 0x1f);
    free(bytes);
    assert_int_equal(tap_matrix_market_write("y", (tap_csr){ 2, 3, (int64_t[]){ 0, 0, 0 }, NULL, NULL }, &e), TAP_OK);
    expect(tap_matrix_market_read(a, "y"), 2, 3, zeros);
    tap_arena_free(a);
}

static void test_long_rows_are_written(void **state)
{
    enum { N = 20000 };
    tap_arena *a = tap_arena_new();
    tap_tensor dense = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(2, N)), back = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(2, N));
    tap_error  e = { 0 };
    (void)state;
    tap_random_normal(dense, (tap_rng_key){ .seed = 1 });
    assert_int_equal(tap_matrix_market_write("x.gz", tap_csr_from_dense(a, dense), &e), TAP_OK);
    tap_csr_rows(back, tap_matrix_market_read(a, "x.gz"), NULL, &e);
    assert_memory_equal(dense.data, back.data, 2 * N * sizeof(float));
    tap_arena_free(a);
}

static void test_invalid_matrices_are_not_written(void **state)
{
    tap_error     e[4] = { { 0 } };
    const int64_t start[] = { 0, 1 };
    const float   nan = (float)NAN;
    (void)state;
    assert_int_equal(tap_matrix_market_write(NULL, (tap_csr){ 0 }, &e[0]), TAP_EARG);
    assert_string_equal(e[0].message, "matrix_market: the path is NULL");
    assert_int_equal(tap_matrix_market_write("new", (tap_csr){ 0 }, &e[1]), TAP_EARG);
    assert_string_equal(e[1].message, "new: the matrix is inert");
    assert_int_equal(tap_matrix_market_write("new", (tap_csr){ 1, 1, start, (int32_t[]){ 0 }, &nan }, &e[2]), TAP_EARG);
    assert_string_equal(e[2].message, "new: a value is not finite");
    assert_int_equal(tap_matrix_market_write("none/new", (tap_csr){ 0, 1, start, NULL, NULL }, &e[3]), TAP_EIO);
    assert_int_equal(tap_matrix_market_write("none/new", (tap_csr){ 0, 1, start, NULL, NULL }, NULL), TAP_EIO);
    assert_int_equal(access("new", F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_large_file),
        cmocka_unit_test(test_fields_and_symmetries),
        cmocka_unit_test(test_blank_lines_and_comments),
        cmocka_unit_test(test_refused_kinds),
        cmocka_unit_test(test_refused_sizes),
        cmocka_unit_test(test_refused_entries),
        cmocka_unit_test(test_refused_counts),
        cmocka_unit_test(test_claimed_sizes_are_checked),
        cmocka_unit_test(test_decompression_bomb),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_long_rows_are_written),
        cmocka_unit_test(test_invalid_matrices_are_not_written),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
