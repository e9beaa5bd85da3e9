/* What readers of files share: what is no regular file, files that change while they are read, elements as files have them. */
#define _XOPEN_SOURCE 700
#include "tensor/tensor.h"
#include "tests/tensor/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tensor/io/elements.h"
#include "tensor/io/reader.h"

static void expect_refusal(const char *path, tap_status status, const char *expected)
{
    tap__reader in;
    const char *message;
    tap_arena  *a = tap_arena_new();
    int         fd = scratch_next_fd();
    assert_false(tap__reader_open(&in, a, path, "format"));
    assert_int_equal(tap_arena_status(a, &message), status);
    assert_string_equal(message, expected);
    tap__reader_close(&in);
    assert_int_equal(scratch_next_fd(), fd);
    tap_arena_free(a);
}

/* Nobody writes to the pipe: opening it must not wait for that. */
static void test_no_regular_file(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    expect_refusal("pipe", TAP_EIO, "pipe: is not a regular file");
    expect_refusal(".", TAP_EIO, ".: is not a regular file");
    expect_refusal("/dev/zero", TAP_EIO, "/dev/zero: is not a regular file");
    expect_refusal("none", TAP_EIO, "none: cannot open: No such file or directory");
    expect_refusal("", TAP_EIO, "cannot open: No such file or directory");
    expect_refusal(NULL, TAP_EARG, "format: the path is NULL");
    unlink("pipe");
}

static void test_failed_arena(void **state)
{
    tap__reader in;
    const char *message;
    tap_arena  *a = tap_arena_new();
    (void)state;
    assert_false(tap__reader_open(&in, NULL, "x", "format"));
    tap_error_set(tap_arena_error(a), TAP_EARG, "first");
    assert_false(tap__reader_open(&in, a, "none", "format"));
    assert_int_equal(tap_arena_status(a, &message), TAP_EARG);
    assert_string_equal(message, "first");
    tap_arena_free(a);
}

static void test_reads_in_parts(void **state)
{
    tap__reader in;
    char        text[8] = "";
    tap_arena  *a = tap_arena_new();
    (void)state;
    scratch_write("x", "one two", 7);
    assert_true(tap__reader_open(&in, a, "x", "format"));
    assert_int_equal(in.left, 7);
    assert_true(tap__reader_read(&in, text, 4));
    assert_int_equal(in.left, 3);
    assert_true(tap__reader_read(&in, text, 0));
    assert_string_equal(text, "one ");
    assert_true(tap__reader_read(&in, text, 3));
    assert_string_equal(text, "two ");
    assert_int_equal(in.left, 0);
    tap__reader_close(&in);
    tap__reader_close(&in);
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
    unlink("x");
}

static void test_shrinking_file(void **state)
{
    tap__reader in;
    char        text[8];
    const char *message;
    tap_arena  *a = tap_arena_new();
    (void)state;
    scratch_write("x", "one two", 7);
    assert_true(tap__reader_open(&in, a, "x", "format"));
    assert_true(tap__reader_read(&in, text, 3));
    assert_int_equal(truncate("x", 6), 0);
    assert_false(tap__reader_read(&in, text, 4));
    assert_int_equal(tap_arena_status(a, &message), TAP_EIO);
    assert_string_equal(message, "x: became shorter while it was read");
    tap__reader_close(&in);
    tap_arena_free(a);
    unlink("x");
}

static void test_unreadable(void **state)
{
    tap__reader in;
    const char *message;
    char        bytes[4];
    tap_arena  *a = tap_arena_new();
    (void)state;
    scratch_write("x", "one two", 7);
    assert_true(tap__reader_open(&in, a, "x", "format"));
    close(in.fd);
    in.fd = open("x", O_WRONLY);
    assert_false(tap__reader_read(&in, bytes, 4));
    assert_int_equal(tap_arena_status(a, &message), TAP_EIO);
    assert_string_equal(message, "x: cannot read: Bad file descriptor");
    tap__reader_close(&in);
    tap_arena_free(a);
    unlink("x");
}

static void test_decode_integers(void **state)
{
    int64_t             wide[3];
    unsigned char       flags[] = { 0, 1, 255 }, turned[] = { 1, 2, 3 };
    const unsigned char i1[] = { 0x80, 0x7f, 0xff }, i2[] = { 0xfe, 0xff, 0x02, 0x01, 0x00, 0x80 };
    const unsigned char i4[] = { 0x80, 0, 0, 1, 0, 0, 1, 2 }, i8[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe };
    const unsigned char u8[] = { 1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f };
    (void)state;
    assert_true(tap__decode(memcpy(wide, i1, sizeof i1), 3, TAP__FILE_I8, true));
    assert_true(wide[0] == -128 && wide[1] == 127 && wide[2] == -1);
    assert_true(tap__decode(memcpy(wide, i2, sizeof i2), 3, TAP__FILE_I16, false));
    assert_true(wide[0] == -2 && wide[1] == 258 && wide[2] == -32768);
    assert_true(tap__decode(memcpy(wide, i4, sizeof i4), 2, TAP__FILE_I32, true));
    assert_true(wide[0] == -2147483647 && wide[1] == 258);
    assert_true(tap__decode(memcpy(wide, i8, sizeof i8), 1, TAP__FILE_I64, true));
    assert_true(wide[0] == -2);
    assert_true(tap__decode(memcpy(wide, i2, sizeof i2), 3, TAP__FILE_U16, false));
    assert_true(wide[0] == 65534 && wide[1] == 258 && wide[2] == 32768);
    assert_true(tap__decode(memcpy(wide, i4, sizeof i4), 2, TAP__FILE_U32, true));
    assert_true(wide[0] == 2147483649 && wide[1] == 258);
    assert_true(tap__decode(memcpy(wide, u8, sizeof u8), 2, TAP__FILE_U64, false));
    assert_true(wide[0] == 1 && wide[1] == INT64_MAX);
    assert_false(tap__decode(memcpy(wide, i8, sizeof i8), 1, TAP__FILE_U64, true));
    assert_true(tap__decode(flags, 3, TAP__FILE_BOOL, false));
    assert_memory_equal(flags, "\0\1\1", 3);
    assert_true(tap__decode(turned, 3, TAP__FILE_U8, true));
    assert_memory_equal(turned, "\1\2\3", 3);
}

/* The value of a float16 by its definition. */
static double half_value(unsigned bits)
{
    const int    exponent = (int)(bits >> 10 & 31), mantissa = (int)(bits & 0x3ff);
    const double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == 31) return sign * (mantissa ? (double)NAN : (double)INFINITY);
    return sign * (exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24));
}

/* Every float16 and every bfloat16. */
static void test_decode_floats(void **state)
{
    static uint32_t bits[65536];
    static float    value[65536];
    double          real[1];
    (void)state;
    for (unsigned i = 0; i < 65536; i++) memcpy((char *)value + 2 * i, &(uint16_t){ (uint16_t)i }, 2);
    assert_true(tap__decode(value, 65536, TAP__FILE_F16, false));
    for (unsigned i = 0; i < 65536; i++) {
        const double expected = half_value(i);
        assert_true(isnan(expected) ? isnan(value[i]) : (double)value[i] == expected);
        assert_true(!signbit(value[i]) == !(i & 0x8000));
    }
    for (unsigned i = 0; i < 65536; i++) memcpy((char *)bits + 2 * i, &(uint16_t){ (uint16_t)i }, 2);
    assert_true(tap__decode(bits, 65536, TAP__FILE_BF16, false));
    for (unsigned i = 0; i < 65536; i++) assert_int_equal(bits[i], i << 16);
    assert_true(tap__decode(memcpy(value, "\x3c\x01\xc0\x00", 4), 2, TAP__FILE_F16, true));
    assert_true(value[0] == 1 + 0x1p-10f && value[1] == -2);
    assert_true(tap__decode(memcpy(real, "\x3f\xf8\0\0\0\0\0\0", 8), 1, TAP__FILE_F64, true));
    assert_true(real[0] == 1.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_regular_file), cmocka_unit_test(test_failed_arena), cmocka_unit_test(test_reads_in_parts),
        cmocka_unit_test(test_shrinking_file),  cmocka_unit_test(test_unreadable),   cmocka_unit_test(test_decode_integers),
        cmocka_unit_test(test_decode_floats),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
