/* tests/fuzz/npy.c: NumPy's files. */
#include "tests/fuzz/fuzz.h"

void fuzz(const unsigned char *bytes, size_t n)
{
    tap_arena  *a = tap_arena_new();
    const char *path = fuzz_file(bytes, n);
    tap_tensor  x = tap_npy_read(a, path);
    fuzz_check_mapped(x, tap_npy_map, path);
    fuzz_check_read(a, x, path, n);
    tap_arena_free(a);
}

/* Corrects the length of the header, which ends with the last brace, after 7 of 8 mutations. */
size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t capacity, unsigned seed)
{
    n = LLVMFuzzerMutate(bytes, n, capacity);
    size_t start = n > 6 && bytes[6] == 1 ? 10 : 12, end = n;
    while (end > start && bytes[end - 1] != '}' && bytes[end - 1] != '\n') end--;
    if (end <= start || seed % 8 == 0) return n;
    for (size_t i = 8; i < start; i++) bytes[i] = (unsigned char)((end - start) >> 8 * (i - 8));
    return n;
}

/* ---- Seeds ------------------------------------------------------------------------------------------------------- */

static void put_written(fuzz_put *put, tap_dtype dtype, tap_shape shape)
{
    size_t        n;
    unsigned char data[64] = { 1, 0, 1, 0, 0, 0, 0xc0, 0x3f };
    char          name[64 + TAP_SHAPE_TEXT], text[TAP_SHAPE_TEXT];
    tap_error     e = { 0 };
    tap_npy_write(fuzz_target_path(), tap_tensor_wrap(dtype, shape, data), &e);
    FUZZ_CHECK(e.status == TAP_OK, "%s", e.message);
    void *bytes = fuzz_written(&n);
    snprintf(name, sizeof name, "%s%s", tap_dtype_name(dtype), tap_shape_format(text, shape));
    put(name, bytes, n);
    free(bytes);
}

static void put_header(fuzz_put *put, const char *name, int version, const char *header, size_t data)
{
    unsigned char bytes[1024] = "\x93NUMPY";
    size_t        n = strlen(header), start = version == 1 ? 10 : 12;
    bytes[6] = (unsigned char)version;
    for (size_t i = 8; i < start; i++) bytes[i] = (unsigned char)(n >> 8 * (i - 8));
    memcpy(bytes + start, header, n);
    for (size_t i = 0; i < data; i++) bytes[start + n + i] = (unsigned char)i;
    put(name, bytes, start + n + data);
}

static void put_shape(fuzz_put *put, const char *name, const char *shape, size_t data)
{
    char header[256];
    snprintf(header, sizeof header, "{'descr': '>i2', 'fortran_order': True, 'shape': %s, }\n", shape);
    put_header(put, name, 1, header, data);
}

void fuzz_seeds(fuzz_put *put)
{
    put_written(put, TAP_F32, TAP_SHAPE(2, 3));
    put_written(put, TAP_F64, TAP_SHAPE(2));
    put_written(put, TAP_I64, TAP_SCALAR);
    put_written(put, TAP_U8, TAP_SHAPE(1, 1, 1, 1, 2, 1, 1, 1));
    put_written(put, TAP_BOOL, TAP_SHAPE(3));
    put_written(put, TAP_F32, TAP_SHAPE(0, 3));
    put_header(put, "version_2", 2, "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }\n", 8);
    put_header(put, "version_3", 3, "{\"shape\":(2L,3L),\"fortran_order\":True,\"descr\":\"|i1\"}", 6);
    put_header(put, "version_4", 4, "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }\n", 8);
    put_header(put, "objects", 1, "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n", 8);
    put_header(put, "structured", 1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }\n", 4);
    put_header(put, "twice", 1, "{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n", 8);
    put_header(put, "other_key", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}\n", 4);
    put_header(put, "escape", 1, "{'\\x64escr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", 4);
    put_header(put, "control", 1, "{'\x1b[2J': '<f4', 'fortran_order': False, 'shape': (1,), }\n", 4);
    put_shape(put, "fortran", "(2, 3)", 12);
    put_shape(put, "left_over", "(2, 3)", 13);
    put_shape(put, "negative", "(-2, -3)", 12);
    put_shape(put, "no_tuple", "(6)", 12);
    put_shape(put, "gigabytes", "(4294967295,)", 12);
    put_shape(put, "overflow", "(99999999999999999999, 0)", 0);
    put_shape(put, "overflow_to_0", "(4294967296, 4294967296)", 0);
    put_shape(put, "overflow_to_2", "(9223372036854775809,)", 2);
    put_shape(put, "rank_9", "(1, 1, 1, 1, 1, 1, 1, 1, 1)", 2);
    FUZZ_PUT(put, "header_of_gigabytes",
             "\x93NUMPY\2\0\xff\xff\xff\xff{'descr': '<f4', 'fortran_order': False, 'shape': (), }");
}
