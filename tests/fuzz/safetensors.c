/* tests/fuzz/safetensors.c: safetensors files, which are written and read again. */
#include "tests/fuzz/safetensors.h"

static void check_written(const tap_safetensors *s)
{
    tap_error  e = { 0 };
    tap_status status = tap_safetensors_write(fuzz_target_path(), s->n, s->tensors, s->n_metadata, s->metadata, &e);
    FUZZ_CHECK(status == TAP_OK, "%s", e.message);
    tap_arena      *a = tap_arena_new();
    tap_safetensors again = tap_safetensors_read(a, fuzz_target_path());
    FUZZ_CHECK(again.n == s->n && again.n_metadata == s->n_metadata, "%d tensors, not %d", again.n, s->n);
    for (int i = 0; i < s->n; i++) {
        const tap_tensor *x = tap_safetensors_find(&again, s->tensors[i].name);
        FUZZ_CHECK(x, "there is no '%s'", s->tensors[i].name);
        fuzz_check_same(s->tensors[i].tensor, *x);
    }
    for (int i = 0; i < s->n_metadata; i++) {
        const char *value = tap_safetensors_metadata(&again, s->metadata[i].key);
        FUZZ_CHECK(value && strcmp(value, s->metadata[i].value) == 0, "metadata '%s'", s->metadata[i].key);
    }
    tap_arena_free(a);
}

/* A file that can be mapped is the same as when it is read. */
static void check_mapped(const tap_safetensors *s, const char *path)
{
    const char     *message;
    tap_arena      *a = tap_arena_new();
    tap_safetensors mapped = tap_safetensors_map(a, path);
    tap_status      status = tap_arena_status(a, &message);
    fuzz_check_status(status, message, path);
    FUZZ_CHECK(mapped.n == (status == TAP_OK ? s->n : 0), "%d tensors, not %d", mapped.n, s->n);
    for (int i = 0; i < mapped.n; i++) fuzz_check_same(s->tensors[i].tensor, mapped.tensors[i].tensor);
    tap_arena_free(a);
}

void fuzz(const unsigned char *bytes, size_t n)
{
    tap_arena      *a = tap_arena_new();
    const char     *path = fuzz_file(bytes, n);
    tap_safetensors s = tap_safetensors_read(a, path);
    bool            ok = tap_arena_status(a, NULL) == TAP_OK;
    size_t          data_bytes = 0;
    FUZZ_CHECK(ok || (s.n == 0 && !s.tensors && s.n_metadata == 0 && !s.metadata), "%d tensors of a bad file", s.n);
    for (int i = 0; i < s.n; i++) data_bytes += fuzz_touch(s.tensors[i].tensor);
    fuzz_check_arena(a, path, n, data_bytes);
    check_mapped(&s, path);
    if (ok) check_written(&s);
    tap_arena_free(a);
}

size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t capacity, unsigned seed)
{
    return mutate_safetensors(bytes, n, capacity, seed);
}

/* ---- Seeds ------------------------------------------------------------------------------------------------------- */

static void put_written(fuzz_put *put)
{
    size_t                 n;
    double                 d[3] = { 0.5, -1, 2 };
    const tap_named_tensor tensors[] = {
        { "flag", tap_tensor_wrap(TAP_BOOL, TAP_SCALAR, (unsigned char[]){ 1 }) },
        { "bytes", tap_tensor_wrap(TAP_U8, TAP_SHAPE(1, 2), "\1\2") },
        { "step", tap_tensor_wrap(TAP_I64, TAP_SCALAR, (int64_t[]){ -2 }) },
        { "w", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2), (float[]){ 1.5f, -2 }) },
        { "d", tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), d) },
        { "nothing", tap_tensor_wrap(TAP_F64, TAP_SHAPE(0, 7), d) },
    };
    const tap_metadata metadata[] = { { "quote\"\\", "line\nbell\a \xC3\xA9/" }, { "", "" } };
    tap_error          e = { 0 };
    tap_safetensors_write(fuzz_target_path(), 6, tensors, 2, metadata, &e);
    FUZZ_CHECK(e.status == TAP_OK, "%s", e.message);
    void *bytes = fuzz_written(&n);
    put("written", bytes, n);
    free(bytes);
}

#define X(dtype, shape, begin, end) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

void fuzz_seeds(fuzz_put *put)
{
    put_written(put);
    put_header(put, "none", "{}", 0);
    put_header(put, "padded", "{}      ", 0);
    put_header(put, "only_metadata", "{\"__metadata__\":{}}", 0);
    put_header(put, "small", "{\"a\":" X("I8", "[2]", "0", "2") ",\"b\":" X("I16", "[2]", "2", "6") "}", 6);
    put_header(put, "i32", "{\"a\":" X("I32", "[1,2]", "0", "8") "}", 8);
    put_header(put, "backwards", "{\"b\":" X("U8", "[2]", "2", "4") ",\"a\":" X("U8", "[2]", "0", "2") "}", 4);
    put_header(put, "floats", "{\"a\":" X("F16", "[1]", "0", "2") ",\"b\":" X("BF16", "[1]", "2", "4") "}", 4);
    put_header(put, "unsigned", "{\"a\":" X("U16", "[1]", "0", "2") ",\"b\":" X("U32", "[1]", "2", "6") "}", 6);
    put_header(put, "u64", "{\"a\":" X("U64", "[1]", "0", "8") "}", 8);
    put_header(put, "f8", "{\"a\":" X("F8_E5M2", "[1]", "0", "1") "}", 1);
    put_header(put, "twice", "{\"a\":" X("U8", "[1]", "0", "1") ",\"a\":" X("U8", "[1]", "1", "2") "}", 2);
    put_header(put, "twice_escaped", "{\"a\":" X("U8", "[1]", "0", "1") ",\"\\u0061\":" X("U8", "[1]", "1", "2") "}", 2);
    put_header(put, "overlap", "{\"a\":" X("U8", "[2]", "0", "2") ",\"b\":" X("U8", "[2]", "1", "3") "}", 3);
    put_header(put, "same_place", "{\"a\":" X("U8", "[2]", "0", "2") ",\"b\":" X("U8", "[2]", "0", "2") "}", 2);
    put_header(put, "empties", "{\"a\":" X("U8", "[0]", "0", "0") ",\"b\":" X("F32", "[0,9]", "0", "0") "}", 0);
    put_header(put, "gap", "{\"a\":" X("U8", "[1]", "0", "1") ",\"b\":" X("U8", "[1]", "2", "3") "}", 3);
    put_header(put, "left_over", "{\"a\":" X("U8", "[1]", "0", "1") "}", 2);
    put_header(put, "missing", "{\"a\":" X("F64", "[2]", "0", "16") "}", 15);
    put_header(put, "gigabytes", "{\"a\":" X("I8", "[4294967296]", "0", "4294967296") "}", 1);
    put_header(put, "overflow", "{\"a\":" X("U8", "[4294967296,4294967296]", "0", "0") "}", 0);
    put_header(put, "overflow_empty", "{\"a\":" X("U8", "[0,4294967296,4294967296]", "0", "0") "}", 0);
    put_header(put, "upside_down", "{\"a\":" X("U8", "[1]", "2", "1") "}", 1);
    put_header(put, "rank_9", "{\"a\":" X("U8", "[1,1,1,1,1,1,1,1,1]", "0", "1") "}", 1);
    put_header(put, "no_entry", "{\"a\":[]}", 0);
    put_header(put, "two_dtypes", "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1);
    put_header(put, "two_metadata", "{\"__metadata__\":{},\"__metadata__\":{}}", 0);
    put_header(put, "metadata_twice", "{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", 0);
    put_header(put, "metadata_number", "{\"__metadata__\":{\"a\":1}}", 0);
    put_header(put, "control", "{\"\\u001b[2J\":[]}", 0);
    put_header(put, "many", "{\"\":0,\"\":0,\"\":0,\"\":0,\"\":0,\"\":0,\"\":0,\"\":0,\"\":0,\"\":0,\"\":0,\"\":0}", 0);
    FUZZ_PUT(put, "header_of_gigabytes", "\xff\xff\xff\xff\0\0\0\0{}");
    FUZZ_PUT(put, "header_of_100_mb", "\0\xe1\xf5\5\0\0\0\0{}");
    FUZZ_PUT(put, "negative_header", "\xff\xff\xff\xff\xff\xff\xff\xff{}");
    FUZZ_PUT(put, "header_overflows", "\xf8\xff\xff\xff\xff\xff\xff\xff{}");
}
