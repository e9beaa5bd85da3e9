/* tensor/io/elements.c: elements as files have them, converted in place to those of a tensor. Where a tensor's elements are
 * wider, the loop goes backwards, so that no element is overwritten before it is read. */
#include "tensor/io/elements.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are read into memory as a little-endian file has them");

static const struct {
    const char *name;
    tap_dtype   dtype;
    int         size;
} elements[] = {
    [TAP__FILE_BOOL] = { "bool", TAP_BOOL, 1 },    [TAP__FILE_U8] = { "uint8", TAP_U8, 1 },
    [TAP__FILE_I8] = { "int8", TAP_I64, 1 },       [TAP__FILE_I16] = { "int16", TAP_I64, 2 },
    [TAP__FILE_U16] = { "uint16", TAP_I64, 2 },    [TAP__FILE_I32] = { "int32", TAP_I64, 4 },
    [TAP__FILE_U32] = { "uint32", TAP_I64, 4 },    [TAP__FILE_I64] = { "int64", TAP_I64, 8 },
    [TAP__FILE_U64] = { "uint64", TAP_I64, 8 },    [TAP__FILE_F16] = { "float16", TAP_F32, 2 },
    [TAP__FILE_BF16] = { "bfloat16", TAP_F32, 2 }, [TAP__FILE_F32] = { "float32", TAP_F32, 4 },
    [TAP__FILE_F64] = { "float64", TAP_F64, 8 },
};

tap_dtype tap__element_dtype(tap__element e)
{
    return elements[e].dtype;
}

int tap__element_size(tap__element e)
{
    return elements[e].size;
}

const char *tap__element_name(tap__element e)
{
    return elements[e].name;
}

static void swap_bytes(unsigned char *p, int64_t n, int size)
{
    for (; n > 0; n--, p += size) {
        for (int low = 0, high = size - 1; low < high; low++, high--) {
            unsigned char byte = p[low];
            p[low] = p[high];
            p[high] = byte;
        }
    }
}

static void widen_signed(unsigned char *data, int64_t n, int size)
{
    int shift = 64 - 8 * size;
    for (int64_t i = n; i-- > 0;) {
        uint64_t bits = 0;
        memcpy(&bits, data + i * size, (size_t)size);
        int64_t value = (int64_t)(bits << shift) >> shift;
        memcpy(data + i * (int64_t)sizeof value, &value, sizeof value);
    }
}

/* False if a number is above INT64_MAX. */
static bool widen_unsigned(unsigned char *data, int64_t n, int size)
{
    uint64_t high = 0;
    for (int64_t i = n; i-- > 0;) {
        uint64_t bits = 0;
        memcpy(&bits, data + i * size, (size_t)size);
        memcpy(data + i * (int64_t)sizeof bits, &bits, sizeof bits);
        high |= bits;
    }
    return high <= INT64_MAX;
}

/* The bits of the float32 that equals a float16. Subnormal ones are mantissa / 2^24; a NaN keeps its payload. */
static uint32_t from_half(uint32_t half)
{
    uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 0x3ff, bits;
    if (exponent == 31) return sign | 0x7f800000 | mantissa << 13;
    if (exponent > 0) return sign | (exponent + 112) << 23 | mantissa << 13;
    float value = (float)mantissa * 0x1p-24f;
    memcpy(&bits, &value, sizeof bits);
    return sign | bits;
}

static void widen_floats(unsigned char *data, int64_t n, bool bfloat)
{
    for (int64_t i = n; i-- > 0;) {
        uint16_t half;
        memcpy(&half, data + i * 2, sizeof half);
        uint32_t bits = bfloat ? (uint32_t)half << 16 : from_half(half);
        memcpy(data + i * (int64_t)sizeof bits, &bits, sizeof bits);
    }
}

bool tap__decode(void *data, int64_t n, tap__element e, bool big_endian)
{
    unsigned char *p = data;
    int            size = elements[e].size;
    if (big_endian && size > 1) swap_bytes(p, n, size);
    switch (e) {
    case TAP__FILE_BOOL:
        for (int64_t i = 0; i < n; i++) p[i] = p[i] != 0;
        return true;
    case TAP__FILE_I8:
    case TAP__FILE_I16:
    case TAP__FILE_I32: widen_signed(p, n, size); return true;
    case TAP__FILE_U16:
    case TAP__FILE_U32:
    case TAP__FILE_U64: return widen_unsigned(p, n, size);
    case TAP__FILE_F16:
    case TAP__FILE_BF16: widen_floats(p, n, e == TAP__FILE_BF16); return true;
    default: return true;
    }
}
