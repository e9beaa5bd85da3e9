/* Tables of text, and matrices written out as such: good ones, hostile ones, and what their columns say. */
#define _XOPEN_SOURCE 700
#include "tensor/tensor.h"
#include "tests/tensor/scratch.h"

#include <zlib.h>

static void write_packed(const char *path, const void *text, size_t n)
{
    gzFile f = gzopen(path, "wb9");
    assert_int_equal(gzwrite(f, text, (unsigned)n), n);
    assert_int_equal(gzclose(f), Z_OK);
}

static void expect_table(tap_csv t, int64_t rows, int64_t columns, const char *const *texts)
{
    assert_non_null(t.text);
    assert_int_equal(t.rows, rows);
    assert_int_equal(t.columns, columns);
    for (int64_t i = 0; i < rows * columns; i++) assert_string_equal(t.text[i], texts[i]);
}

static void expect_read(const char *text, char separator, int64_t rows, int64_t columns, const char *const *texts)
{
    tap_arena *a = tap_arena_new();
    scratch_write("x", text, strlen(text));
    expect_table(tap_csv_read(a, "x", separator), rows, columns, texts);
    write_packed("x", text, strlen(text));
    expect_table(tap_csv_read(a, "x", separator), rows, columns, texts);
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
}

static void test_tables(void **state)
{
    const char *plain[] = { "a", "b c", "", "1" }, *quoted[] = { "a,b", "say \"x\"\n", "c", "" };
    (void)state;
    expect_read("a,b c\n,1\n", ',', 2, 2, plain);
    expect_read("a , b c\r\n\r\n,1", ',', 2, 2, plain);
    expect_read("a\tb c\n\t1\n\n", '\t', 2, 2, plain);
    expect_read("\"a,b\",\"say \"\"x\"\"\n\"\nc,\n", ',', 2, 2, quoted);
    expect_read("a,b\nc,d\n", '\t', 2, 1, (const char *[]){ "a,b", "c,d" });
    expect_read("\xef\xbb\xbf\"a,b\",\"say \"\"x\"\"\n\"\nc,\n", ',', 2, 2, quoted);
}

/* Longer than any piece of it that is read at once. */
static void test_long_table(void **state)
{
    enum { N = 20000 };
    tap_arena *a = tap_arena_new();
    FILE      *f = fopen("x", "w");
    (void)state;
    for (int i = 0; i < N; i++) fprintf(f, "row %d,\"%d\"\n", i, i * 7);
    fclose(f);
    tap_csv t = tap_csv_read(a, "x", ',');
    assert_int_equal(t.rows, N);
    for (int i = 0; i < N; i++) {
        char text[32];
        snprintf(text, sizeof text, "row %d", i);
        assert_string_equal(t.text[2 * i], text);
        assert_int_equal(strtol(t.text[2 * i + 1], NULL, 10), i * 7);
    }
    tap_arena_free(a);
}

/* The messages of the errors that reading x must give, as a table and as a matrix: the same but for what only one asks for. */
static const char *refusal(bool matrix, char separator)
{
    static char message[TAP_MESSAGE_SIZE];
    const char *text;
    tap_arena  *a = tap_arena_new();
    int         fd = scratch_next_fd();
    tap_csv     names[2];
    if (matrix) assert_null(tap_csv_read_matrix(a, "x", separator, &names[0], &names[1]).start);
    else assert_null(tap_csv_read(a, "x", separator).text);
    assert_true(tap_arena_status(a, &text) != TAP_OK);
    assert_int_equal(scratch_next_fd(), fd);
    snprintf(message, sizeof message, "%s", text);
    tap_arena_free(a);
    return message;
}

static void expect_refusal(bool matrix, const char *text, const char *wanted)
{
    scratch_write("x", text, strlen(text));
    const char *message = refusal(matrix, ',');
    if (strcmp(message, wanted) != 0) fail_msg("%s: '%s'", text, message);
}

static void test_refusals(void **state)
{
    const char *separator = "the separator must be a character other than quotes, spaces, ends of lines and NUL, not 0x";
    (void)state;
    for (int matrix = 0; matrix < 2; matrix++) {
        expect_refusal(matrix, "", "x: has no rows");
        expect_refusal(matrix, "\n\n", "x: has no rows");
        expect_refusal(matrix, "\xef\xbb\xbf", "x: has no rows");
        expect_refusal(matrix, "a,b\nc\n", "x: row 2 has 1 fields, the first row has 2");
        expect_refusal(matrix, "a,b\nc,1,1", "x: row 2 has 3 fields, the first row has 2");
        expect_refusal(matrix, "a,b\nc\"d\",1\n", "x: row 2, field 1: a quote within a field that does not begin with one");
        expect_refusal(matrix, "a,b\n\"c\"d,1\n", "x: row 2, field 1: 'd' behind the quote that ends it");
        expect_refusal(matrix, "a,b\n\"c,1\n", "x: row 2, field 1: the quote that ends it is missing");
        expect_refusal(matrix, "\xff\xfe,", "x: is text in UTF-16; text in UTF-8 can be read");
        for (const char *bad = "\" \n\r"; *bad; bad++) assert_non_null(strstr(refusal(matrix, *bad), separator));
        assert_string_equal(refusal(matrix, '\0'),
                            "x: the separator must be a character other than quotes, spaces, ends of lines and NUL, not 0x00");
    }
    expect_refusal(true, "n,a,b\nc,1,x\n", "x: row 2, field 3: 'x' is not a number");
    expect_refusal(true, "n,a,b\nc,1,1 2\n", "x: row 2, field 3: '1 2' is not a number");
    expect_refusal(true, "n,a,b\nc,nan,1\n", "x: row 2, field 2: nan is not a finite number in float32");
    expect_refusal(true, "n,a,b\nc,1,1e39\n", "x: row 2, field 3: 1e39 is not a finite number in float32");
    expect_refusal(true, "only\n", "x: has one column when separated by ','");
    expect_refusal(true, "a;b,\nc\n", "x: row 2 has 1 fields, the first row has 2");
    expect_refusal(true, "a;b\nc;1\n", "x: has one column when separated by ','; it looks separated by ';'");
    expect_refusal(true, "a\tb|\nc\t1|\n", "x: has one column when separated by ','; it looks separated by tabs");
    expect_refusal(true, "a|b\nc|1\n", "x: has one column when separated by ','; it looks separated by '|'");
}

/* The one there is most of; of as many, the first of , ; tab and |. */
static void test_separator_is_guessed(void **state)
{
    const struct {
        const char *line;
        char        wanted;
    } cases[] = { { "a,b", ',' }, { ";a;b,c", ';' }, { "a\tb", '\t' }, { "a|b", '|' },   { "a b", '\0' },
                  { "", '\0' },   { ",;\t|", ',' },  { "|,|", '|' },   { ";\t\t;", ';' } };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(tap_csv_guess_separator(cases[i].line), cases[i].wanted);
    assert_int_equal(tap_csv_guess_separator(NULL), '\0');
}

/* Between tabs without quoting, a quote may stand anywhere, and nothing stands for anything else. */
static void test_tsv(void **state)
{
    const char  text[] = "\xef\xbb\xbf\"a\t5' \"x\"\"\r\n\n b,c \t\"\n\td\"e", zeros[] = "a\tb\n\0c\0\td\n";
    const char *wanted[] = { "\"a", "5' \"x\"\"", "b,c", "\"", "", "d\"e" }, *message;
    tap_arena  *a = tap_arena_new();
    (void)state;
    scratch_write("x", text, sizeof text - 1);
    expect_table(tap_tsv_read(a, "x"), 3, 2, wanted);
    write_packed("x", text, sizeof text - 1);
    expect_table(tap_tsv_read(a, "x"), 3, 2, wanted);
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    scratch_write("x", zeros, sizeof zeros - 1);
    assert_null(tap_tsv_read(a, "x").text);
    tap_arena_status(a, &message);
    assert_string_equal(message, "x: row 2, field 1: holds a NUL byte");
    tap_arena_free(a);
}

static void test_malformed_fields(void **state)
{
    enum { N = 100000, MUCH = 8 << 20 };
    char *text = malloc(MUCH);
    (void)state;
    assert_non_null(text);
    scratch_write("x", "a,b\0,c\n", 7);
    assert_string_equal(refusal(false, ','), "x: row 1, field 2: holds a NUL byte");
    memset(text, 'x', MUCH);
    scratch_write("x", text, N);
    assert_string_equal(refusal(false, ','),
                        "x: row 1, field 1: is longer than 65536 bytes; perhaps the quote that ends it is missing");
    for (int i = 0; i < MUCH; i++) text[i] = i % 2 ? '\n' : '1';
    write_packed("x", text, MUCH);
    assert_string_equal(refusal(false, ','), "x: decompresses to more than 256 times its size");
    free(text);
}

static void test_matrices(void **state)
{
    const double wanted[2][3] = { { 0, 7, 0 }, { -1.5, 0, 300 } };
    double       got[2][3];
    tap_error    e = { 0 };
    tap_csv      rows, columns;
    tap_arena   *a = tap_arena_new();
    const char   text[] = "\"\",g1,\"g,2\",g3\ncell a,0,7,\ncell b,-1.5,0.0,3e2\n";
    (void)state;
    scratch_write("x", text, strlen(text));
    tap_csr x = tap_csv_read_matrix(a, "x", ',', &rows, &columns);
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    assert_int_equal(x.start[x.rows], 3);
    assert_int_equal(tap_csr_rows(tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 3), got), x, NULL, &e), TAP_OK);
    assert_memory_equal(got, wanted, sizeof got);
    expect_table(rows, 2, 1, (const char *[]){ "cell a", "cell b" });
    expect_table(columns, 1, 3, (const char *[]){ "g1", "g,2", "g3" });
    tap_csr again = tap_csv_read_matrix(a, "x", ',', NULL, NULL);
    assert_memory_equal(x.value, again.value, 3 * sizeof *x.value);
    scratch_write("x", "only,\n", 6); /* no row */
    x = tap_csv_read_matrix(a, "x", ',', &rows, &columns);
    assert_true(x.start && x.rows == 0 && x.columns == 1 && rows.rows == 0 && columns.columns == 1);
    tap_arena_free(a);
}

static void test_labels(void **state)
{
    const char *const texts[] = { "cell", "kind", "c1", "T", "c2", "B", "c3", "", "c4", "T" };
    const tap_csv     t = { 5, 2, texts }, one = { 1, 2, texts };
    int64_t           n;
    tap_arena        *a = tap_arena_new();
    tap_tensor        x = tap_csv_labels(a, t, "kind", &n);
    (void)state;
    assert_int_equal(n, 3);
    assert_true(x.dtype == TAP_I64 && tap_shape_equal(x.shape, TAP_SHAPE(4)));
    assert_memory_equal(x.data, ((int64_t[]){ 2, 1, 0, 2 }), 4 * sizeof(int64_t));
    assert_memory_equal(tap_csv_labels(a, t, "cell", NULL).data, ((int64_t[]){ 0, 1, 2, 3 }), 4 * sizeof(int64_t));
    assert_int_equal(tap_tensor_numel(tap_csv_labels(a, one, "cell", &n)), 0);
    assert_int_equal(n, 0);
    assert_null(tap_csv_labels(a, t, "other", &n).data);
    assert_int_equal(n, 0);
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
    const struct {
        tap_csv     t;
        const char *name;
    } bad[] = { { { 0 }, "x" },
                { t, NULL },
                { { 0, 2, texts }, "x" },
                { { 2, -1, texts }, "x" },
                { { INT64_MAX, 2, texts }, "x" },
                { { 1, 2, (const char *[]){ "x", NULL } }, "x" } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *message;
        a = tap_arena_new();
        assert_null(tap_csv_labels(a, bad[i].t, bad[i].name, &n).data);
        assert_int_equal(tap_arena_status(a, &message), TAP_EARG);
        assert_string_equal(message, "csv_labels: the table or the name is missing");
        tap_arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_long_table),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_matrices),
        cmocka_unit_test(test_malformed_fields),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_separator_is_guessed),
        cmocka_unit_test(test_tsv),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
