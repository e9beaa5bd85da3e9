/* tests/fuzz/npz.c: .npz files, which are written and read again. */
#include "tests/fuzz/fuzz.h"

static void check_written(const tap_safetensors *s, bool compressed)
{
    tap_error e = { 0 };
    FUZZ_CHECK((compressed ? tap_npz_write_compressed : tap_npz_write)(fuzz_target_path(), s->n, s->tensors, &e) == TAP_OK,
               "%s", e.message);
    tap_arena      *a = tap_arena_new();
    tap_safetensors again = tap_npz_read(a, fuzz_target_path());
    FUZZ_CHECK(again.n == s->n, "%d arrays, not %d", again.n, s->n);
    for (int i = 0; i < s->n; i++) {
        FUZZ_CHECK(!strcmp(again.tensors[i].name, s->tensors[i].name), "'%s'", s->tensors[i].name);
        fuzz_check_same(s->tensors[i].tensor, again.tensors[i].tensor);
    }
    tap_arena_free(a);
}

void fuzz(const unsigned char *bytes, size_t n)
{
    tap_arena      *a = tap_arena_new();
    const char     *path = fuzz_file(bytes, n);
    tap_safetensors s = tap_npz_read(a, path);
    const bool      ok = tap_arena_status(a, NULL) == TAP_OK;
    size_t          data_bytes = 0;
    FUZZ_CHECK(ok || (s.n == 0 && !s.tensors), "%d arrays of a bad file", s.n);
    for (int i = 0; i < s.n; i++) data_bytes += fuzz_touch(s.tensors[i].tensor);
    fuzz_check_arena(a, path, n, data_bytes);
    if (ok) check_written(&s, n % 2);
    tap_arena_free(a);
}

size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t capacity, unsigned seed)
{
    (void)seed;
    return LLVMFuzzerMutate(bytes, n, capacity);
}

/* Two arrays. In the archive, a size of 8 bytes that equals `from` becomes `to`. */
static void put_written(fuzz_put *put, const char *name, bool compressed, uint64_t from, uint64_t to)
{
    static double          zeros[400];
    size_t                 n;
    const tap_named_tensor arrays[] = { { "w", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2), (float[]){ 1.5f, -2 }) },
                                        { "\xc3\xa9", tap_tensor_wrap(TAP_F64, TAP_SHAPE(20, 20), zeros) } };
    tap_error              e = { 0 };
    FUZZ_CHECK((compressed ? tap_npz_write_compressed : tap_npz_write)(fuzz_target_path(), 2, arrays, &e) == TAP_OK, "%s",
               e.message);
    unsigned char *bytes = fuzz_written(&n);
    for (size_t i = 0; from && i + 8 <= n; i++)
        if (!memcmp(bytes + i, &from, 8)) memcpy(bytes + i, &to, 8);
    put(name, bytes, n);
    free(bytes);
}

/* By Python's zipfile, without the fields of ZIP64: an entry that is no array. */
static const char small[] =
    "PK\3\4\24\0\0\0\0\0\0\0!\0G\335\334y\2\0\0\0\2\0\0\0\1\0\0\0xhiPK\1\2\24\3\24\0\0\0\0\0\0\0!\0"
    "G\335\334y\2\0\0\0\2\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\200\1\0\0\0\0xPK\5\6\0\0\0\0\1\0\1\0/\0\0\0!\0\0\0\0\0";

void fuzz_seeds(fuzz_put *put)
{
    put_written(put, "stored", false, 0, 0);
    put_written(put, "deflated", true, 0, 0);
    put_written(put, "gigabytes", true, 3328, 1ull << 40);
    put_written(put, "more_than_stated", true, 3328, 3000);
    put_written(put, "less_than_stated", true, 3328, 20000);
    put_written(put, "stored_gigabytes", false, 3328, 1ull << 40);
    FUZZ_PUT(put, "no_array", small);
    FUZZ_PUT(put, "empty", "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    FUZZ_PUT(put, "begins", "PK\3\4");
}
