/* tests/fuzz/sparse.h: checks for targets that read sparse matrices. */
#ifndef TAP_TESTS_FUZZ_SPARSE_H
#define TAP_TESTS_FUZZ_SPARSE_H

#include "tensor/sparse/csr.h"
#include "tests/fuzz/fuzz.h"

/* Checks a reader's matrix: it is valid, or there is an error; transposed twice, and written and read again, it is the same.
 * data_bytes counts what else the reader returned. */
static inline void check_matrix(tap_arena *a, tap_csr x, const char *path, size_t n, size_t data_bytes)
{
    tap_error e = { 0 };
    FUZZ_CHECK((x.start != NULL) == (tap_arena_status(a, NULL) == TAP_OK), "%s", tap_status_name(tap_arena_status(a, NULL)));
    const size_t entries = x.start ? (size_t)x.start[x.rows] : 0;
    fuzz_check_arena(a, path, n, data_bytes + (x.start ? 8 * ((size_t)x.rows + entries + 1) : 0));
    if (!x.start) return;
    FUZZ_CHECK(!tap__csr_error(x), "%s", tap__csr_error(x));
    for (size_t j = 0; j < entries; j++) FUZZ_CHECK(x.value[j] != 0 && x.value[j] - x.value[j] == 0, "%g", (double)x.value[j]);
    FUZZ_CHECK(tap_matrix_market_write(fuzz_target_path(), x, &e) == TAP_OK, "%s", e.message);
    tap_arena    *again = tap_arena_new();
    const tap_csr t = tap_csr_transpose(again, tap_csr_transpose(again, x)),
                  y = tap_matrix_market_read(again, fuzz_target_path());
    const char *message;
    /* A wide matrix of a few entries may be out of proportion to the file that is written, as it has no comments. */
    if (tap_arena_status(again, &message)) FUZZ_CHECK(strstr(message, "out of proportion"), "%s", message);
    const tap_csr copies[] = { t, y };
    for (int i = 0; i < 2; i++) {
        if (!copies[i].start) continue;
        FUZZ_CHECK(copies[i].rows == x.rows && copies[i].columns == x.columns, "copy %d", i);
        FUZZ_CHECK(!memcmp(copies[i].start, x.start, ((size_t)x.rows + 1) * sizeof *x.start), "copy %d", i);
        FUZZ_CHECK(!entries || !memcmp(copies[i].column, x.column, entries * sizeof *x.column), "copy %d", i);
        FUZZ_CHECK(!entries || !memcmp(copies[i].value, x.value, entries * sizeof *x.value), "copy %d", i);
    }
    tap_arena_free(again);
}

#endif
