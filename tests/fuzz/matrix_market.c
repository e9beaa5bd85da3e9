/* tests/fuzz/matrix_market.c: Matrix Market files, which are written and read again. */
#include "tests/fuzz/sparse.h"

void fuzz(const unsigned char *bytes, size_t n)
{
    tap_arena  *a = tap_arena_new();
    const char *path = fuzz_file(bytes, n);
    check_matrix(a, tap_matrix_market_read(a, path), path, n, 0);
    tap_arena_free(a);
}

/* ---- Seeds ------------------------------------------------------------------------------------------------------- */

#define HEAD "%%MatrixMarket matrix coordinate integer general\n"
#define REAL "%%MatrixMarket matrix coordinate real general\n"

void fuzz_seeds(fuzz_put *put)
{
    FUZZ_PUT(put, "counts", HEAD "%comment\n2 3 3\n1 2 7\n2 1 16777216\n2 3 3\n");
    FUZZ_PUT(put, "numbers", REAL "2 2 2\n1 2 -1.5e-3\n2 1 0.25");
    FUZZ_PUT(put, "upper_case", "%%MATRIXMARKET Matrix Coordinate REAL General\r\n1 1 1\r\n1 1 1\r\n");
    FUZZ_PUT(put, "empty", HEAD "0 0 0\n");
    FUZZ_PUT(put, "many_rows", HEAD "100000 3 0\n");
    FUZZ_PUT(put, "twice", HEAD "2 3 2\n1 2 7\n1 2 8\n");
    FUZZ_PUT(put, "zeros", HEAD "2 3 3\n1 2 0\n1 2 0\n2 2 5\n");
    FUZZ_PUT(put, "too_few", HEAD "2 3 2\n1 2 7\n");
    FUZZ_PUT(put, "too_many", HEAD "2 3 1\n1 2 7\n1 3 7\n");
    FUZZ_PUT(put, "outside", HEAD "2 3 1\n3 2 7\n");
    FUZZ_PUT(put, "row_0", HEAD "2 3 1\n0 2 7\n");
    FUZZ_PUT(put, "gigabytes", HEAD "2 3 9223372036854775807\n");
    FUZZ_PUT(put, "overflow", HEAD "2147483647 2147483647 1\n1 1 1\n");
    FUZZ_PUT(put, "overflow_64", HEAD "9223372036854775808 2 1\n1 1 1\n");
    FUZZ_PUT(put, "infinite", REAL "1 1 1\n1 1 1e39\n");
    FUZZ_PUT(put, "nan", REAL "1 1 1\n1 1 nan\n");
    FUZZ_PUT(put, "no_integer", HEAD "1 1 1\n1 1 1.5\n");
    FUZZ_PUT(put, "pattern", "%%MatrixMarket matrix coordinate pattern general\n2 3 2\n1 2\n2 3\n");
    FUZZ_PUT(put, "unsigned", "%%MatrixMarket matrix coordinate unsigned-integer general\n2 3 1\n1 2 7\n");
    FUZZ_PUT(put, "symmetric", "%%MatrixMarket matrix coordinate real symmetric\n2 2 2\n1 1 1\n2 1 5\n");
    FUZZ_PUT(put, "mirrored_twice", "%%MatrixMarket matrix coordinate pattern symmetric\n2 2 2\n1 2\n2 1\n");
    FUZZ_PUT(put, "skew", "%%MatrixMarket matrix coordinate integer skew-symmetric\n3 3 2\n2 1 5\n3 2 -1\n");
    FUZZ_PUT(put, "array", "%%MatrixMarket matrix array real general\n2 2\n1\n0\n-2\n.5\n");
    FUZZ_PUT(put, "array_symmetric", "%%MatrixMarket matrix array integer symmetric\n2 2\n1\n2\n3\n");
    FUZZ_PUT(put, "array_skew", "%%MatrixMarket matrix array integer skew-symmetric\n3 3\n1\n2\n3\n");
    FUZZ_PUT(put, "array_overflow", "%%MatrixMarket matrix array real general\n2147483647 2147483647\n1\n");
    FUZZ_PUT(put, "mark_and_empty_lines", "\xef\xbb\xbf\r\n" HEAD "\r\n%\r\n2 3 1\r\n\r\n1 2 7\r\n\r\n");
    FUZZ_PUT(put, "comment_between", HEAD "2 3 2\n1 2 7\n%\n1 3 7\n");
    FUZZ_PUT(put, "utf_16", "\xff\xfe%\0%\0M\0");
    FUZZ_PUT(put, "nul", HEAD "1 1 1\n1 1\0 1\n");
    FUZZ_PUT(put, "packed", "\x1f\x8b\x08\0\0\0\0\0\0\3\3\0\0\0\0\0\0\0\0\0");
}
