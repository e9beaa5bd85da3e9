/* IDX files as they are: libFuzzer may also make gzip streams of them, and gets as far as zlib lets it. */
#include "tests/fuzz/idx_seeds.h"

void fuzz(const unsigned char *bytes, size_t n)
{
    tap_arena  *a = tap_arena_new();
    const char *path = fuzz_file(bytes, n);
    fuzz_check_read(a, tap_idx_read(a, path), path, n);
    tap_arena_free(a);
}

void fuzz_seeds(fuzz_put *put)
{
    idx_seeds(put);
}
