/* tests/fuzz/torch.c: files of torch.save: the old format, and small archives, in which most mutations break a checksum. */
#include "tests/fuzz/torch.h"
#include "tensor/io/zip.h"

void fuzz(const unsigned char *bytes, size_t n)
{
    check_torch(bytes, n, n);
}

size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t capacity, unsigned seed)
{
    (void)seed;
    return LLVMFuzzerMutate(bytes, n, capacity);
}

static void put_legacy(fuzz_put *put, const char *name, const char *pickle, size_t n)
{
    static const char keys[] = "](U\1"
                               "0U\1"
                               "1e.\4\0\0\0\0\0\0\0" FUZZ_FLOATS "\4\0\0\0\0\0\0\0\1\2\3\4\5\6\7\10";
    char              file[2048] = FUZZ_MAGIC;
    size_t            size = sizeof FUZZ_MAGIC - 1;
    memcpy(file + size, pickle, n);
    memcpy(file + size + n, keys, sizeof keys - 1);
    put(name, file, size + n + sizeof keys - 1);
}

static void put_archive(fuzz_put *put)
{
    static const char pickle[] = "\x80\2" FLOATS("0") ".";
    size_t            n;
    tap_error         e = { 0 };
    tap__zip_writer  *w = tap__zip_create(fuzz_target_path(), 3, &e);
    FUZZ_CHECK(w, "%s", e.message);
    tap__zip_add(w, "m/data.pkl", 1, &(tap__zip_part){ pickle, sizeof pickle - 1 }, true);
    tap__zip_add(w, "m/byteorder", 1, &(tap__zip_part){ "big", 3 }, false);
    tap__zip_add(w, "m/data/0", 1, &(tap__zip_part){ FUZZ_FLOATS, 16 }, false);
    FUZZ_CHECK(tap__zip_commit(w) == TAP_OK, "%s", e.message);
    void *bytes = fuzz_written(&n);
    put("archive", bytes, n);
    free(bytes);
}

void fuzz_seeds(fuzz_put *put)
{
#define PICKLE(name, literal) put_legacy(put, name, literal, sizeof(literal) - 1);
    FUZZ_PICKLES(PICKLE)
    put_archive(put);
    FUZZ_PUT(put, "only_magic", FUZZ_MAGIC);
    FUZZ_PUT(put, "another_pickle", "\x80\2}.");
    FUZZ_PUT(put, "no_archive", "PK\3\4");
}
