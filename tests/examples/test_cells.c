/* tests/examples/test_cells.c: files of gene counts: written, read, and malformed. */
#define _XOPEN_SOURCE 700
#include "examples/vae_cells/cells.h"
#include "tensor/tensor.h"
#include "tests/tensor/scratch.h"

#include <sys/stat.h>

static const float counts[3][2] = { { 0, 1 }, { 20, 3 }, { 0, 0 } };

static tap_csr cells(tap_arena *a)
{
    return tap_csr_from_dense(a, tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, 2), (void *)(uintptr_t)counts));
}

static void expect_counts(const cells_file *c)
{
    float     got[3][2];
    tap_error e = { 0 };
    assert_int_equal(tap_csr_rows(tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, 2), got), c->counts, NULL, &e), TAP_OK);
    assert_memory_equal(got, counts, sizeof got);
}

static void test_round_trip(void **state)
{
    const char *const barcodes[] = { "AC-1", "GT-1", "" }, *const features[] = { "E1", "CD3", "E2", "CD8" };
    tap_error  e = { 0 };
    tap_arena *a = tap_arena_new();
    (void)state;
    assert_int_equal(mkdir("named", 0777) + mkdir("plain", 0777), 0);
    const cells_file named = { cells(a), { 3, 1, (const char *[]){ "AC-1", "GT-1", "x y" } }, { 2, 2, features } };
    assert_int_equal(cells_write("named", named, &e), TAP_OK);
    cells_file c = cells_read(a, "named");
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    expect_counts(&c);
    assert_true(c.barcodes.rows == 3 && c.barcodes.columns == 1 && c.features.rows == 2 && c.features.columns == 2);
    assert_string_equal(c.barcodes.text[1], barcodes[1]);
    assert_string_equal(c.features.text[3], "CD8");
    assert_int_equal(cells_write("plain", (cells_file){ .counts = cells(a) }, &e), TAP_OK);
    c = cells_read(a, "plain");
    expect_counts(&c);
    assert_string_equal(c.barcodes.text[2], "cell3");
    assert_string_equal(c.features.text[0], "gene1");
    tap_arena_free(a);
}

static void write_text(const char *path, const char *text)
{
    scratch_write(path, text, strlen(text));
}

static void expect_refusal(const char *path, const char *wanted)
{
    const char *message;
    tap_arena  *a = tap_arena_new();
    assert_null(cells_read(a, path).counts.start);
    assert_true(tap_arena_status(a, &message) != TAP_OK);
    if (strcmp(message, wanted) != 0) fail_msg("'%s'", message);
    tap_arena_free(a);
}

#define HEAD "%%MatrixMarket matrix coordinate integer general\n"

/* Plain files, and names of the older kind; then piece by piece what may be wrong. */
static void test_folders(void **state)
{
    tap_arena *a = tap_arena_new();
    (void)state;
    expect_refusal("nowhere", "nowhere: there is no such folder");
    assert_int_equal(mkdir("old", 0777), 0);
    expect_refusal("old", "old: has neither matrix.mtx.gz nor matrix.mtx");
    write_text("old/matrix.mtx", HEAD "2 3 3\n2 1 1\n1 2 20\n2 2 3\n");
    expect_refusal("old", "old: has neither barcodes.tsv.gz nor barcodes.tsv");
    write_text("old/barcodes.tsv", "a\nb\nc\n");
    expect_refusal("old", "old: has neither features.tsv.gz nor features.tsv");
    write_text("old/genes.tsv", "E1\tg1\nE2\tg2\n");
    const cells_file c = cells_read(a, "old");
    expect_counts(&c);
    write_text("old/barcodes.tsv", "a\nb\n");
    write_text("old/genes.tsv", "E1\nE2\nE3\n");
    expect_refusal("old",
                   "old/matrix.mtx: holds 2 rows and 3 columns for 3 features and 2 barcodes; rows and columns are exchanged");
    write_text("old/genes.tsv", "E1\tg1\nE2\tg2\n");
    expect_refusal("old", "old/matrix.mtx: holds 2 rows and 3 columns for 2 features and 2 barcodes");
    write_text("old/barcodes.tsv", "a\nb\nc\n");
    write_text("old/features.tsv", "E1\n");
    expect_refusal("old", "old/matrix.mtx: holds 2 rows and 3 columns for 1 features and 3 barcodes");
    write_text("old/features.tsv", "E1\nE2\n");
    write_text("old/matrix.mtx", "%%MatrixMarket matrix coordinate real general\n2 3 1\n2 1 1.5\n");
    expect_refusal("old", "old: cell 1 (a), gene 2: counts must be whole numbers, at least 0, not 1.5");
    write_text("old/matrix.mtx", HEAD "2 3 1\n2 3 -1\n");
    expect_refusal("old", "old: cell 3 (c), gene 2: counts must be whole numbers, at least 0, not -1");
    write_text("old/matrix.mtx", "no matrix");
    expect_refusal("old", "old/matrix.mtx: not a Matrix Market file: does not begin with %%MatrixMarket");
    expect_refusal(NULL, "cells: the path is NULL");
    tap_arena_free(a);
}

/* In the files of 10x Genomics a quote is a character like any other. */
static void test_quotes(void **state)
{
    const char *const features[] = { "E1", "5\" end", "\"E2\"", "\"" };
    tap_error         e = { 0 };
    tap_arena        *a = tap_arena_new();
    (void)state;
    assert_int_equal(mkdir("quotes", 0777), 0);
    write_text("quotes/matrix.mtx", HEAD "2 3 3\n2 1 1\n1 2 20\n2 2 3\n");
    write_text("quotes/barcodes.tsv", "\"a\nb\"\"\n\"c\"\n");
    write_text("quotes/features.tsv", "E1\t5\" end\n\"E2\"\t\"\n");
    for (int again = 0; again < 2; again++) {
        const cells_file c = cells_read(a, "quotes");
        expect_counts(&c);
        assert_string_equal(c.barcodes.text[0], "\"a");
        assert_string_equal(c.barcodes.text[1], "b\"\"");
        assert_string_equal(c.barcodes.text[2], "\"c\"");
        for (int i = 0; i < 4; i++) assert_string_equal(c.features.text[i], features[i]);
        assert_int_equal(cells_write("quotes", c, &e), TAP_OK); /* the .gz, which is read next */
    }
    tap_arena_free(a);
}

static void test_separators(void **state)
{
    const char *const texts[] = { ",g1,g2\nc1,0,1\nc2,20,3\nc3,,\n", ";g1;g2\nc1;0;1\nc2;20;3\nc3;;\n",
                                  "\tg1\tg2\nc1\t0\t1\nc2\t20\t3\nc3\t\t\n" };
    tap_arena        *a = tap_arena_new();
    (void)state;
    for (int i = 0; i < 3; i++) {
        write_text("some.txt", texts[i]);
        const cells_file c = cells_read_csv(a, "some.txt", ",;\t"[i]);
        expect_counts(&c);
        assert_string_equal(c.barcodes.text[1], "c2");
    }
    write_text("x.tsv", texts[2]);
    const cells_file c = cells_read(a, "x.tsv");
    expect_counts(&c);
    tap_arena_free(a);
    expect_refusal("y.tsv.gz", "y.tsv.gz: cannot open: No such file or directory");
    write_text("x.csv", texts[1]);
    expect_refusal("x.csv", "x.csv: has one column when separated by ','; it looks separated by ';'");
    write_text("x.csv", texts[2]);
    expect_refusal("x.csv", "x.csv: has one column when separated by ','; it looks separated by tabs");
    write_text("x.tsv", texts[0]);
    expect_refusal("x.tsv", "x.tsv: has one column when separated by tabs; it looks separated by ','");
    write_text("x.csv", "cell g1 g2\nc1 0 1\n");
    expect_refusal("x.csv", "x.csv: has one column when separated by ','");
}

static void test_csv(void **state)
{
    tap_arena *a = tap_arena_new();
    (void)state;
    write_text("x.csv", ",g1,g2\nc1,0,1\nc2,20,3\nc3,,\n");
    const cells_file c = cells_read(a, "x.csv");
    expect_counts(&c);
    assert_string_equal(c.features.text[1], "g2");
    write_text("x.csv", ",g1,g2\nc1,0,1\nc2,20,0.5\n");
    expect_refusal("x.csv", "x.csv: cell 2 (c2), gene 2: counts must be whole numbers, at least 0, not 0.5");
    expect_refusal("y.csv", "y.csv: cannot open: No such file or directory");
    expect_refusal("y.csv.gz", "y.csv.gz: cannot open: No such file or directory");
    tap_arena_free(a);
}

static void expect_unwritten(const char *dir, cells_file c, tap_status status, const char *wanted)
{
    tap_error e = { 0 };
    assert_int_equal(cells_write(dir, c, &e), status);
    if (strcmp(e.message, wanted) != 0) fail_msg("'%s'", e.message);
    assert_int_equal(cells_write(dir, c, NULL), status);
}

static void test_invalid_cells_are_not_written(void **state)
{
    char        longest[5000];
    const char *names = "cells: barcodes, row 2: a name is missing, or contains a tab or the end of a line";
    tap_arena  *a = tap_arena_new();
    cells_file  c = { .counts = cells(a) };
    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    expect_unwritten(NULL, c, TAP_EARG, "cells: the path is NULL");
    expect_unwritten(longest, c, TAP_EARG, "cells: the path is too long");
    expect_unwritten("new", (cells_file){ .counts = { .rows = 0 } }, TAP_EARG, "cells: the matrix is inert");
    c.barcodes = (tap_csv){ 2, 1, (const char *[]){ "a", "b" } };
    expect_unwritten("new", c, TAP_EARG, "cells: barcodes must have 3 rows and at least one column, not [2,1]");
    for (int i = 0; i < 4; i++) {
        c.barcodes = (tap_csv){ 3, 1, (const char *[]){ "a", (const char *[]){ NULL, "b\tc", "", " " }[i], "d" } };
        expect_unwritten("new", c, TAP_EARG, names);
    }
    c.barcodes = (tap_csv){ 0 };
    expect_unwritten("new", c, TAP_EIO, "new/matrix.mtx.gz: cannot create a file in its folder: No such file or directory");
    tap_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_folders), cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_separators), cmocka_unit_test(test_csv),     cmocka_unit_test(test_invalid_cells_are_not_written),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
