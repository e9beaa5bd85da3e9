/* tensor/tensor.c: tensors in memory: creating, copying, converting, reading and writing their elements. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tensor/borrow.h"
#include "tensor/kernels/map.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/internal.h"
#include "tensor/shape.h"

tap_tensor tap__tensor_fail(tap_arena *a, tap_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tap__error_set_in(tap_arena_error(a), status, NULL, format, args);
    va_end(args);
    return (tap_tensor){ 0 };
}

tap_tensor tap_tensor_wrap(tap_dtype dtype, tap_shape shape, void *data)
{
    if (!data || !tap_dtype_size(dtype) || tap_numel(shape) < 0) return (tap_tensor){ 0 };
    tap_tensor x = { .dtype = dtype, .shape = shape, .data = data };
    tap__set_contiguous(&x);
    return x;
}

static tap_tensor tensor_uninitialized(tap_arena *a, tap_dtype dtype, tap_shape shape)
{
    char    text[TAP_SHAPE_TEXT];
    int64_t n = tap_numel(shape);
    if (!tap_dtype_size(dtype)) return tap__tensor_fail(a, TAP_EDTYPE, "tensor: unknown dtype %d", (int)dtype);
    if (n < 0) return tap__tensor_fail(a, TAP_ESHAPE, "tensor: invalid shape %s", tap_shape_format(text, shape));
    return tap_tensor_wrap(dtype, shape, tap__arena_acquire(a, (size_t)n * tap_dtype_size(dtype)));
}

tap_tensor tap_tensor_zeros(tap_arena *a, tap_dtype dtype, tap_shape shape)
{
    tap_tensor x = tensor_uninitialized(a, dtype, shape);
    if (x.data) memset(x.data, 0, (size_t)tap_numel(shape) * tap_dtype_size(dtype));
    return x;
}

bool tap_tensor_is_contiguous(tap_tensor x)
{
    int64_t stride = 1, n = tap_numel(x.shape);
    if (n <= 0) return n == 0;
    for (int i = x.shape.rank - 1; i >= 0; i--) {
        if (x.shape.n[i] != 1 && x.stride[i] != stride) return false;
        stride *= x.shape.n[i];
    }
    return true;
}

int64_t tap_tensor_numel(tap_tensor x)
{
    return x.data ? tap_numel(x.shape) : 0;
}

/* In C, converting a float outside of the integer's range is undefined: such values are clipped, and NaN becomes 0. */
static int64_t to_int(double x, double low, double high)
{
    return isnan(x) ? 0 : x <= low ? (int64_t)low : x >= high ? (high >= 0x1p63 ? INT64_MAX : (int64_t)high) : (int64_t)x;
}

#define TO_f32(x)   (float)(x)
#define TO_f64(x)   (double)(x)
#define TO_i64_f(x) to_int((double)(x), -0x1p63, 0x1p63)
#define TO_u8_f(x)  (uint8_t) to_int((double)(x), 0, 255)
#define TO_i64_i(x) (int64_t)(x)
#define TO_u8_i(x)  (uint8_t)((x) < 0 ? 0 : (x) > 255 ? 255 : (x))
#define TO_u8_u(x)  (uint8_t)(x)
#define TO_bool(x)  (uint8_t)((x) != 0)

#define CONVERT(name, D, S, to) \
    static void name(int64_t n, void *const *data, const int64_t *stride, const void *context) \
    { \
        D            *d = data[0]; \
        const S      *s = data[1]; \
        const int64_t ds = stride[0], ss = stride[1]; \
        (void)context; \
        if (ds == 1 && ss == 1) { \
            for (int64_t i = 0; i < n; i++) d[i] = to(s[i]); \
        } else { \
            for (int64_t i = 0; i < n; i++) d[i * ds] = to(s[i * ss]); \
        } \
    }

/* clang-format off */
CONVERT(f32_f32, float, float, TO_f32)        CONVERT(f32_f64, float, double, TO_f32)
CONVERT(f32_i64, float, int64_t, TO_f32)      CONVERT(f32_u8, float, uint8_t, TO_f32)
CONVERT(f64_f32, double, float, TO_f64)       CONVERT(f64_f64, double, double, TO_f64)
CONVERT(f64_i64, double, int64_t, TO_f64)     CONVERT(f64_u8, double, uint8_t, TO_f64)
CONVERT(i64_f32, int64_t, float, TO_i64_f)    CONVERT(i64_f64, int64_t, double, TO_i64_f)
CONVERT(i64_i64, int64_t, int64_t, TO_i64_i)  CONVERT(i64_u8, int64_t, uint8_t, TO_i64_i)
CONVERT(u8_f32, uint8_t, float, TO_u8_f)      CONVERT(u8_f64, uint8_t, double, TO_u8_f)
CONVERT(u8_i64, uint8_t, int64_t, TO_u8_i)    CONVERT(u8_u8, uint8_t, uint8_t, TO_u8_u)
CONVERT(bool_f32, uint8_t, float, TO_bool)    CONVERT(bool_f64, uint8_t, double, TO_bool)
CONVERT(bool_i64, uint8_t, int64_t, TO_bool)  CONVERT(bool_u8, uint8_t, uint8_t, TO_bool)

static const tap__run convert[5][5] = { /* [to][from] */
    [TAP_F32] = { f32_f32, f32_f64, f32_i64, f32_u8, f32_u8 },
    [TAP_F64] = { f64_f32, f64_f64, f64_i64, f64_u8, f64_u8 },
    [TAP_I64] = { i64_f32, i64_f64, i64_i64, i64_u8, i64_u8 },
    [TAP_U8] = { u8_f32, u8_f64, u8_i64, u8_u8, u8_u8 },
    [TAP_BOOL] = { bool_f32, bool_f64, bool_i64, bool_u8, bool_u8 },
};
/* clang-format on */

tap_status tap__tensor_copy(tap_tensor dst, tap_tensor src, tap_error *e)
{
    char      a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    tap_shape shape;
    if (!dst.data || !src.data || !tap_dtype_size(dst.dtype) || !tap_dtype_size(src.dtype) || tap_numel(dst.shape) < 0 ||
        tap_numel(src.shape) < 0)
        return tap_error_set(e, TAP_EARG, "copy: a tensor is inert or invalid");
    if (!tap__broadcast_shapes(dst.shape, src.shape, &shape) || !tap_shape_equal(shape, dst.shape))
        return tap_error_set(e, TAP_ESHAPE, "copy: %s does not broadcast to %s", tap_shape_format(a, src.shape),
                             tap_shape_format(b, dst.shape));
    tap__map(convert[dst.dtype][src.dtype], NULL, &dst, 1, &src, 1);
    return TAP_OK;
}

tap_status tap_tensor_copy(tap_tensor dst, tap_tensor src, tap_error *e)
{
    tap_status status = tap__tensor_copy(dst, src, e);
    if (status == TAP_OK) tap__note_write(dst);
    return status;
}

void tap_tensor_written(tap_tensor x)
{
    tap__note_write(x);
}

static tap_tensor copy_as(tap_arena *a, tap_tensor x, tap_dtype dtype)
{
    tap_tensor y = tensor_uninitialized(a, dtype, x.shape);
    if (y.data) tap__tensor_copy(y, x, tap_arena_error(a));
    return y;
}

tap_tensor tap_tensor_contiguous(tap_arena *a, tap_tensor x)
{
    tap_tensor out;
    if (!tap__check_input(a, x, &out, "contiguous")) return out;
    return tap_tensor_is_contiguous(x) ? x : copy_as(a, x, x.dtype);
}

tap_tensor tap_tensor_cast(tap_arena *a, tap_tensor x, tap_dtype dtype)
{
    tap_tensor out;
    if (!tap__check_input(a, x, &out, "cast")) return out;
    return x.dtype == dtype ? x : copy_as(a, x, dtype);
}

void tap__tensor_fill(tap_tensor x, double value)
{
    tap_tensor scalar = tap_tensor_wrap(TAP_F64, TAP_SCALAR, &value);
    if (x.data) tap__tensor_copy(x, scalar, NULL);
}

void tap_tensor_fill(tap_tensor x, double value)
{
    tap__tensor_fill(x, value);
    tap__note_write(x);
}

static double load(tap_tensor x, int64_t offset)
{
    switch (x.dtype) {
    case TAP_F32: return (double)((const float *)x.data)[offset];
    case TAP_F64: return ((const double *)x.data)[offset];
    case TAP_I64: return (double)((const int64_t *)x.data)[offset];
    case TAP_U8:
    case TAP_BOOL: return ((const uint8_t *)x.data)[offset];
    }
    return (double)NAN;
}

double tap_tensor_get(tap_tensor x, const int64_t *index)
{
    int64_t offset = 0;
    if (!x.data || tap_numel(x.shape) < 0 || (x.shape.rank > 0 && !index)) return (double)NAN;
    for (int i = 0; i < x.shape.rank; i++) {
        if (index[i] < 0 || index[i] >= x.shape.n[i]) return (double)NAN;
        offset += index[i] * x.stride[i];
    }
    return load(x, offset);
}

static int64_t offset_of(tap_tensor x, int64_t i)
{
    int64_t offset = 0;
    for (int k = x.shape.rank - 1; k >= 0; k--) {
        offset += i % x.shape.n[k] * x.stride[k];
        i /= x.shape.n[k];
    }
    return offset;
}

double tap_tensor_item(tap_tensor x, int64_t i)
{
    return i < 0 || i >= tap_tensor_numel(x) ? (double)NAN : load(x, offset_of(x, i));
}

void tap_tensor_set_item(tap_tensor x, int64_t i, double value)
{
    if (i < 0 || i >= tap_tensor_numel(x)) return;
    x.data = (char *)x.data + offset_of(x, i) * (int64_t)tap_dtype_size(x.dtype);
    x.shape = TAP_SCALAR;
    tap_tensor_fill(x, value);
}
