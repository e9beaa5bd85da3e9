/* tests/fuzz/csv.c: comma-separated tables, read as text and as a matrix. An input that begins with T is separated by tabs.
 * Each input is also read as TSV, which has no quoting. */
#include "tests/fuzz/sparse.h"

static char separator(const unsigned char *bytes, size_t n)
{
    return n > 0 && *bytes == 'T' ? '\t' : ',';
}

static size_t touch(tap_csv t)
{
    size_t bytes = 0;
    for (int64_t i = 0; i < t.rows * t.columns; i++) bytes += sizeof *t.text + strlen(t.text[i]) + 1;
    return bytes;
}

void fuzz(const unsigned char *bytes, size_t n)
{
    tap_csv     names[2];
    tap_arena  *a = tap_arena_new(), *b = tap_arena_new();
    const char *path = fuzz_file(bytes, n);
    tap_csv     t = tap_csv_read(a, path, separator(bytes, n));
    FUZZ_CHECK((t.text != NULL) == (tap_arena_status(a, NULL) == TAP_OK), "%s", tap_status_name(tap_arena_status(a, NULL)));
    fuzz_check_arena(a, path, n, touch(t));
    if (t.text) {
        int64_t    kinds;
        tap_tensor label = tap_csv_labels(a, t, t.text[0], &kinds);
        FUZZ_CHECK(label.data && tap_tensor_numel(label) == t.rows - 1 && kinds <= t.rows - 1, "%lld kinds", (long long)kinds);
    }
    tap_csr x = tap_csv_read_matrix(b, path, separator(bytes, n), &names[0], &names[1]);
    FUZZ_CHECK(!x.start || t.text, "a matrix, but no table");
    if (x.start) FUZZ_CHECK(x.rows == t.rows - 1 && x.columns == t.columns - 1, "%lld rows", (long long)x.rows);
    check_matrix(b, x, path, n, touch(names[0]) + touch(names[1]));
    tap_arena_free(a);
    tap_arena_free(b);
    a = tap_arena_new();
    t = tap_tsv_read(a, path);
    FUZZ_CHECK((t.text != NULL) == (tap_arena_status(a, NULL) == TAP_OK), "%s", tap_status_name(tap_arena_status(a, NULL)));
    fuzz_check_arena(a, path, n, touch(t));
    for (int64_t i = 0; i < t.rows * t.columns; i++) FUZZ_CHECK(!strpbrk(t.text[i], "\t\r\n"), "'%s'", t.text[i]);
    tap_arena_free(a);
}

void fuzz_seeds(fuzz_put *put)
{
    FUZZ_PUT(put, "counts", "\"\",g1,\"g,2\"\ncell a,0,7\ncell b,300,\n");
    FUZZ_PUT(put, "numbers", ",a,b\r\nx,-1.5e-3, 2 \r\ny,,1e38");
    FUZZ_PUT(put, "tabs", "T\ta\tb\nx\t1\t2\n");
    FUZZ_PUT(put, "quotes_of_tsv", "\"a\t5' \"x\"\"\n\"\t\"\n");
    FUZZ_PUT(put, "semicolons", ";a;b\nx;1;2\n");
    FUZZ_PUT(put, "mark", "\xef\xbb\xbf\"a\",b\r\n\r\nx,1\r\n");
    FUZZ_PUT(put, "utf_16",
             "\xff\xfe"
             "a\0,\0b\0");
    FUZZ_PUT(put, "nul_quotes", "a,b\n\0c\0,d\n");
    FUZZ_PUT(put, "quotes", "\"a \"\"b\"\"\",\"c\nd\"\n\"\",1\n");
    FUZZ_PUT(put, "open_quote", "a,\"b\nc,1\n");
    FUZZ_PUT(put, "quote_within", "a,b\"c\nd,1\n");
    FUZZ_PUT(put, "behind_quote", "a,\"b\"c\nd,1\n");
    FUZZ_PUT(put, "ragged", "a,b\nc\n");
    FUZZ_PUT(put, "no_number", ",a\nx,1x\n");
    FUZZ_PUT(put, "infinite", ",a\nx,inf\n");
    FUZZ_PUT(put, "nul", "a,b\0c\n");
    FUZZ_PUT(put, "only_newlines", "\n\r\n\n");
    FUZZ_PUT(put, "one_field", "a");
    FUZZ_PUT(put, "packed", "\x1f\x8b\x08\0\0\0\0\0\0\3\3\0\0\0\0\0\0\0\0\0");
}
