/* tests/tensor/test_mapped.c: mapped files have the same elements as files that were read, and those that cannot be mapped say
 * why. */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>

#include "tests/tensor/scratch.h"
#include "tensor/arena.h"

static void assert_same(tap_tensor x, tap_tensor y)
{
    assert_non_null(x.data);
    assert_true(x.dtype == y.dtype && tap_shape_equal(x.shape, y.shape));
    for (int64_t i = 0; i < tap_tensor_numel(x); i++) assert_true(tap_tensor_item(x, i) == tap_tensor_item(y, i));
}

static void assert_ok(const tap_arena *a)
{
    const char *message;
    if (tap_arena_status(a, &message) != TAP_OK) fail_msg("%s", message);
}

static void test_npy(void **state)
{
    static const tap_dtype dtypes[] = { TAP_F32, TAP_F64, TAP_I64, TAP_U8 };
    static const tap_shape shapes[] = { S(2, 3, 4), S(7), { .rank = 0 }, S(3, 0, 2) };
    tap_arena             *a = tap_arena_new();
    int                    fd = scratch_next_fd();
    (void)state;
    for (int i = 0; i < 16; i++) {
        tap_tensor x = tap_tensor_zeros(a, dtypes[i % 4], shapes[i / 4]);
        for (int64_t k = 0; k < tap_tensor_numel(x); k++) tap_tensor_set_item(x, k, (double)(3 * k + i));
        assert_int_equal(tap_npy_write("x", x, NULL), TAP_OK);
        assert_same(tap_npy_map(a, "x"), x);
        assert_int_equal(scratch_next_fd(), fd);
        assert_int_equal(unlink("x"), 0); /* it lives on */
    }
    assert_ok(a);
    tap_arena_free(a);
}

/* A file made by hand, with elements 1, 2, 3, ... of this size. */
static void write_npy(const char *dtype, const char *fortran, const char *shape, int n, int size, int padding)
{
    unsigned char bytes[1024] = "\x93NUMPY\1\0";
    char          header[256];
    int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }%*s\n", dtype, fortran,
                          shape, padding, "");
    bytes[8] = (unsigned char)length;
    memcpy(bytes + 10, header, (size_t)length);
    for (int i = 0; i < n; i++) bytes[10 + length + i * size + (dtype[0] == '>' ? size - 1 : 0)] = (unsigned char)(i + 1);
    scratch_write("x", bytes, (size_t)(10 + length) + (size_t)n * (size_t)size);
}

static void test_fortran_order(void **state)
{
    tap_arena *a = tap_arena_new();
    (void)state;
    write_npy("|u1", "True", "(2, 3, 2)", 12, 1, 0);
    tap_tensor x = tap_npy_map(a, "x");
    assert_same(x, tap_npy_read(a, "x"));
    assert_true(tap_tensor_item(x, 1) == 7); /* [0,0,1] */
    assert_ok(a);
    tap_arena_free(a);
}

static void refuse(tap_status status, const char *expected)
{
    const char *message;
    tap_arena  *a = tap_arena_new();
    int         fd = scratch_next_fd();
    if (strstr(expected, "tensor '")) assert_int_equal(tap_safetensors_map(a, "x").n, 0);
    else if (strstr(expected, "IDX") || strstr(expected, "gzipped") || strstr(expected, "int32")) {
        assert_null(tap_idx_map(a, "x").data);
    } else assert_null(tap_npy_map(a, "x").data);
    assert_int_equal(tap_arena_status(a, &message), status);
    assert_string_equal(message, expected);
    assert_int_equal(scratch_next_fd(), fd);
    tap_arena_free(a);
}

static void test_what_cannot_be_mapped(void **state)
{
    tap_arena *a = tap_arena_new();
    (void)state;
    write_npy(">f8", "False", "(3,)", 3, 8, 0);
    refuse(TAP_EDTYPE, "x: cannot be mapped: its elements are big-endian");
    write_npy("<i2", "False", "(3,)", 3, 2, 0);
    refuse(TAP_EDTYPE, "x: cannot be mapped: its elements are int16, which must be converted");
    write_npy("|b1", "False", "(3,)", 3, 1, 0);
    refuse(TAP_EDTYPE, "x: cannot be mapped: its elements are bool, which must be converted");
    for (int padding = 0; padding < 8; padding++) { /* one of eight is aligned */
        write_npy("<f8", "False", "(3,)", 3, 8, padding);
        tap_tensor x = tap_npy_map(a, "x");
        const bool aligned =
            (10 + padding + (int)strlen("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n")) % 8 == 0;
        assert_true((x.data != NULL) == aligned);
        tap_arena_clear_error(a);
        if (padding == 0) refuse(TAP_EDTYPE, "x: cannot be mapped: its elements begin at byte 68, which is no multiple of 8");
    }
    write_npy("<f8", "False", "(4,)", 3, 8, 4);
    refuse(TAP_EIO, "x: truncated: shape [4] takes 32 bytes, the file has 24");
    scratch_write("x", "\0\0\x08\1\0\0\0\2ab", 10);
    assert_same(tap_idx_map(a, "x"), tap_idx_read(a, "x"));
    assert_ok(a);
    scratch_write("x", "\0\0\x0c\1\0\0\0\1abcd", 12);
    refuse(TAP_EDTYPE, "x: cannot be mapped: its elements are int32, which must be converted");
    scratch_write("x", "\1\0\x08\1\0\0\0\2ab", 10);
    refuse(TAP_EIO, "x: not an IDX file: begins with 01 00 instead of 00 00");
    gzFile f = gzopen("x", "wb");
    assert_int_equal(gzwrite(f, "\0\0\x08\1\0\0\0\2ab", 10), 10);
    gzclose(f);
    refuse(TAP_EIO, "x: is gzipped, and must be decompressed to be used in parts");
    tap_arena_free(a);
}

static void test_idx_of_a_wrong_size(void **state)
{
    static const struct {
        size_t      n;
        const char *message;
    } cases[] = { { 3, "x: truncated: ends within its header" },
                  { 7, "x: truncated: ends within its header" },
                  { 9, "x: truncated: shape [2] takes 2 bytes, the file has 1" },
                  { 11, "x: bytes left over behind the data of shape [2]: 1" } };
    const char *message;
    (void)state;
    for (int i = 0; i < 4; i++) {
        tap_arena *a = tap_arena_new();
        scratch_write("x", "\0\0\x08\1\0\0\0\2abc", cases[i].n);
        assert_null(tap_idx_map(a, "x").data);
        assert_int_equal(tap_arena_status(a, &message), TAP_EIO);
        assert_string_equal(message, cases[i].message);
        tap_arena_free(a);
    }
}

static void test_safetensors(void **state)
{
    tap_arena             *a = tap_arena_new();
    tap_named_tensor       tensors[5];
    static const tap_dtype dtypes[] = { TAP_F32, TAP_F64, TAP_I64, TAP_U8 };
    const char            *names[] = { "a", "b", "c", "d" };
    (void)state;
    for (int i = 0; i < 4; i++) {
        tensors[i] = (tap_named_tensor){ names[i], tap_tensor_zeros(a, dtypes[i], TAP_SHAPE(3, i)) };
        for (int k = 0; k < 3 * i; k++) tap_tensor_set_item(tensors[i].tensor, k, 5 * i + k);
    }
    const tap_metadata metadata = { "key", "value" };
    assert_int_equal(tap_safetensors_write("x", 4, tensors, 1, &metadata, NULL), TAP_OK);
    const tap_safetensors read = tap_safetensors_read(a, "x"), mapped = tap_safetensors_map(a, "x");
    assert_ok(a);
    assert_int_equal(mapped.n, 4);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(mapped.tensors[i].name, read.tensors[i].name);
        assert_same(mapped.tensors[i].tensor, read.tensors[i].tensor);
    }
    assert_string_equal(tap_safetensors_metadata(&mapped, "key"), "value");
    tensors[0] = (tap_named_tensor){ "mask", tap_tensor_zeros(a, TAP_BOOL, TAP_SHAPE(3)) };
    assert_int_equal(tap_safetensors_write("x", 1, tensors, 0, NULL, NULL), TAP_OK);
    refuse(TAP_EDTYPE, "x: tensor 'mask' cannot be mapped: its elements are bool, which must be converted");
    tap_arena_free(a);
}

/* A terabyte of holes, of which one row is read. */
static void test_larger_than_memory(void **state)
{
    const int64_t rows = 1ll << 28, width = 1024;
    const char    header[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (268435456, 1024), }";
    unsigned char bytes[128] = "\x93NUMPY\1\0\x76";
    tap_arena    *a = tap_arena_new();
    (void)state;
    memset(bytes + 10, ' ', sizeof bytes - 10);
    memcpy(bytes + 10, header, sizeof header - 1);
    scratch_write("x", bytes, sizeof bytes);
    if (truncate("x", 128 + 4 * rows * width) != 0) {
        tap_arena_free(a);
        skip(); /* the file system has no such files */
    }
    tap_tensor x = tap_npy_map(a, "x");
    if (!x.data) { /* no such address space */
        tap_arena_free(a);
        skip();
    }
    assert_true(tap_shape_equal(x.shape, TAP_SHAPE(rows, width)));
    assert_true(tap_tensor_get(x, (int64_t[]){ rows - 1, width - 1 }) == 0);
    assert_true(tap__arena_bytes(a) < 1 << 20);
    tap_arena_free(a);
    unlink("x");
}

/* A tape that has borrowed a mapped tensor notices that it is gone. */
static void test_unmapped_memory_is_noticed(void **state)
{
    tap_arena  *a = tap_arena_new();
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    double      d[] = { 1, 2 }, one = 1;
    const char *message;
    (void)state;
    assert_int_equal(tap_npy_write("x", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), d), NULL), TAP_OK);
    tap_var w = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &one));
    tap_var loss = tap_sum(tap_mul(w, tap_input(t, tap_npy_map(a, "x"))), TAP_ALL);
    tap_arena_reset(a);
    assert_int_equal(tap_backward(loss), TAP_ESTALE);
    assert_int_equal(tap_tape_status(t, &message), TAP_ESTALE);
    assert_non_null(strstr(message, "freed"));
    tap_arena_free(a);
    tap_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npy),
        cmocka_unit_test(test_fortran_order),
        cmocka_unit_test(test_what_cannot_be_mapped),
        cmocka_unit_test(test_idx_of_a_wrong_size),
        cmocka_unit_test(test_safetensors),
        cmocka_unit_test(test_larger_than_memory),
        cmocka_unit_test(test_unmapped_memory_is_noticed),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
