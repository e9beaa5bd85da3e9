/* tests/fuzz/shards.c: files of rows as a data set, in a stream and mapped: each row is as in the file that is read as a whole. */
#include "tests/fuzz/idx_seeds.h"
#include "tests/fuzz/safetensors.h"

#include "nn/nn.h"

enum { ROWS = 200 };

/* Compares the first rows with x, which is inert if the file cannot be read. */
static void check_rows(tap_dataset d, tap_tensor x)
{
    tap_arena *a = tap_arena_new();
    FUZZ_CHECK(x.data && x.shape.rank > 0 && d.rows == x.shape.n[0] && d.n == 1, "%lld rows", (long long)d.rows);
    for (int64_t i = 0; i < d.rows && i < ROWS; i++) {
        tap_error  e = { 0 };
        tap_tensor row = tap_tensor_zeros(a, d.dtype[0], d.shape[0]);
        FUZZ_CHECK(d.read(d.context, i, &row, &e) == TAP_OK, "%s", e.message);
        fuzz_check_same(row, tap_tensor_select(a, x, 0, i));
        tap_arena_reset(a);
    }
    tap_arena_free(a);
}

static void check(const char *path, const char *name, tap_tensor x)
{
    for (int mode = 0; mode < 2; mode++) {
        const char *message;
        tap_shards *s = tap_shards_new(mode ? TAP_SHARDS_MAP : TAP_SHARDS_STREAM);
        tap_shards_add(s, 1, &path, name);
        const tap_dataset d = tap_shards_dataset(s);
        const tap_status  status = tap_shards_status(s, &message);
        fuzz_check_status(status, message, path);
        if (status == TAP_OK && (x.data || !name)) check_rows(d, x);
        tap_shards_free(s);
    }
}

/* Of a tensor that holds a uint64 above INT64_MAX, which fails as a whole, some rows can be read. */
static bool has_uint64(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        if (bytes[i + 1] == '8' && bytes[i] == 'u') return true;
    }
    return false;
}

void fuzz(const unsigned char *bytes, size_t n)
{
    tap_arena  *a = tap_arena_new();
    const char *path = fuzz_file(bytes, n);
    if (n > 8 && bytes[8] == '{') {
        const tap_safetensors s = tap_safetensors_read(a, path);
        if (s.n > 0) check(path, s.tensors[0].name, s.tensors[0].tensor);
        else check(path, "x", (tap_tensor){ 0 });
    } else if (!has_uint64(bytes, n)) {
        check(path, NULL, n > 0 && bytes[0] == 0x93 ? tap_npy_read(a, path) : tap_idx_read(a, path));
    }
    tap_report_unread_errors(false);
    tap_arena_free(a);
}

size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t capacity, unsigned seed)
{
    return n > 8 && bytes[8] == '{' ? mutate_safetensors(bytes, n, capacity, seed) : LLVMFuzzerMutate(bytes, n, capacity);
}

/* ---- Seeds ---- */

static void put_npy(fuzz_put *put, tap_dtype dtype, tap_shape shape)
{
    size_t        n;
    unsigned char data[64] = { 1, 0, 1, 0, 0, 0, 0xc0, 0x3f };
    char          name[64 + TAP_SHAPE_TEXT], text[TAP_SHAPE_TEXT];
    FUZZ_CHECK(tap_npy_write(fuzz_target_path(), tap_tensor_wrap(dtype, shape, data), NULL) == TAP_OK, "not written");
    void *bytes = fuzz_written(&n);
    snprintf(name, sizeof name, "%s%s", tap_dtype_name(dtype), tap_shape_format(text, shape));
    put(name, bytes, n);
    free(bytes);
}

static void put_safetensors(fuzz_put *put)
{
    size_t                 n;
    float                  data[6] = { 1, 2, 3, 4, 5, 6 };
    const tap_named_tensor tensors[] = { { "w", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 2), data) },
                                         { "b", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2), data + 4) } };
    FUZZ_CHECK(tap_safetensors_write(fuzz_target_path(), 2, tensors, 0, NULL, NULL) == TAP_OK, "not written");
    void *bytes = fuzz_written(&n);
    put("safetensors", bytes, n);
    free(bytes);
}

void fuzz_seeds(fuzz_put *put)
{
    put_npy(put, TAP_F32, TAP_SHAPE(3, 2));
    put_npy(put, TAP_F64, TAP_SHAPE(2, 1, 1));
    put_npy(put, TAP_I64, TAP_SCALAR);
    put_npy(put, TAP_BOOL, TAP_SHAPE(3));
    put_npy(put, TAP_U8, TAP_SHAPE(0, 3));
    put_safetensors(put);
    idx_seeds(put);
}
