/* Elements as files have them, of every kind: every float16 and bfloat16 is compared with its definition. */
#include "tensor/io/elements.h"

#include <string.h>

#include "tests/check.h"

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
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_decode_integers), cmocka_unit_test(test_decode_floats) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
