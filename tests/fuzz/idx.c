/* tests/fuzz/idx.c: plain IDX files. Mutations into gzip streams mostly fail in zlib; idx_gz.c is for those. */
#include "tests/fuzz/idx_seeds.h"

void fuzz(const unsigned char *bytes, size_t n)
{
    tap_arena  *a = tap_arena_new();
    const char *path = fuzz_file(bytes, n);
    tap_tensor  x = tap_idx_read(a, path);
    fuzz_check_mapped(x, tap_idx_map, path);
    fuzz_check_read(a, x, path, n);
    tap_arena_free(a);
}

void fuzz_seeds(fuzz_put *put)
{
    idx_seeds(put);
}
