/* tests/fuzz/torch_pickle.c: pickles within an archive of torch.save, which is made around them, with correct checksums and two
 * storages. */
#include "tests/fuzz/torch.h"
#include "tensor/io/zip.h"

void fuzz(const unsigned char *bytes, size_t n)
{
    size_t           size;
    tap_error        e = { 0 };
    tap__zip_writer *w = tap__zip_create(fuzz_target_path(), 3, &e);
    FUZZ_CHECK(w, "%s", e.message);
    tap__zip_add(w, "m/data.pkl", 1, &(tap__zip_part){ bytes, n }, n % 2);
    tap__zip_add(w, "m/data/0", 1, &(tap__zip_part){ FUZZ_FLOATS, 16 }, false);
    tap__zip_add(w, "m/data/1", 1, &(tap__zip_part){ FUZZ_FLOATS, 8 }, true);
    FUZZ_CHECK(tap__zip_commit(w) == TAP_OK, "%s", e.message);
    void *archive = fuzz_written(&size);
    check_torch(archive, size, size + n);
    free(archive);
}

size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t capacity, unsigned seed)
{
    (void)seed;
    return LLVMFuzzerMutate(bytes, n, capacity);
}

void fuzz_seeds(fuzz_put *put)
{
#define PICKLE(name, literal) FUZZ_PUT(put, name, literal);
    FUZZ_PICKLES(PICKLE)
}
