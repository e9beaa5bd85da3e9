/* tensor/shape.c: dtypes, shapes and axes, and the shapes of broadcast and reduced tensors. */
#include <stdio.h>
#include <string.h>

#include "tensor/shape.h"

static const struct {
    const char *name;
    size_t      size;
} dtypes[] = {
    [TAP_F32] = { "float32", 4 }, [TAP_F64] = { "float64", 8 }, [TAP_I64] = { "int64", 8 },
    [TAP_U8] = { "uint8", 1 },    [TAP_BOOL] = { "bool", 1 },
};

static bool is_dtype(tap_dtype dtype)
{
    return (unsigned)dtype < sizeof dtypes / sizeof *dtypes;
}

size_t tap_dtype_size(tap_dtype dtype)
{
    return is_dtype(dtype) ? dtypes[dtype].size : 0;
}

const char *tap_dtype_name(tap_dtype dtype)
{
    return is_dtype(dtype) ? dtypes[dtype].name : "unknown dtype";
}

bool tap_dtype_is_float(tap_dtype dtype)
{
    return dtype == TAP_F32 || dtype == TAP_F64;
}

int64_t tap_numel(tap_shape shape)
{
    return tap__numel(&shape);
}

bool tap_shape_equal(tap_shape a, tap_shape b)
{
    if (a.rank != b.rank) return false;
    for (int i = 0; i < a.rank && i < TAP_MAX_RANK; i++) {
        if (a.n[i] != b.n[i]) return false;
    }
    return true;
}

const char *tap_shape_format(char text[TAP_SHAPE_TEXT], tap_shape shape)
{
    if (!text) return "";
    int at = snprintf(text, TAP_SHAPE_TEXT, "[");
    int rank = shape.rank < 0 ? 0 : shape.rank > TAP_MAX_RANK ? TAP_MAX_RANK : shape.rank;
    for (int i = 0; i < rank; i++) {
        at += snprintf(text + at, (size_t)(TAP_SHAPE_TEXT - at), i ? ",%lld" : "%lld", (long long)shape.n[i]);
    }
    snprintf(text + at, (size_t)(TAP_SHAPE_TEXT - at), "]");
    return text;
}

tap_axes tap_keepdim(tap_axes axes)
{
    axes.keepdim = true;
    return axes;
}

bool tap__normalize_axis(int *axis, int rank)
{
    if (*axis < -rank || *axis >= rank) return false;
    if (*axis < 0) *axis += rank;
    return true;
}

bool tap__broadcast_shapes(tap_shape a, tap_shape b, tap_shape *out)
{
    const tap_shape *big = a.rank >= b.rank ? &a : &b, *small = a.rank >= b.rank ? &b : &a;
    const int        lead = big->rank - small->rank;
    *out = *big;
    for (int i = 0; i < small->rank; i++) {
        int64_t x = big->n[lead + i], y = small->n[i];
        if (x != y && x != 1 && y != 1) return false;
        out->n[lead + i] = x == 1 ? y : x;
    }
    return true;
}

tap_status tap__reduced_shape(tap_shape x, tap_axes axes, unsigned *mask, tap_shape *out, tap_error *e)
{
    *mask = 0;
    if (axes.all) *mask = (1u << x.rank) - 1u;
    if (!axes.all && (axes.n < 0 || axes.n > TAP_MAX_RANK))
        return tap_error_set(e, TAP_EARG, "the number of axes must be 0 to %d, not %d", TAP_MAX_RANK, axes.n);
    for (int i = 0; !axes.all && i < axes.n; i++) {
        int axis = axes.axis[i];
        /* PyTorch lets a scalar be reduced over its "last" axis, which models over any batch shape rely on. */
        if (x.rank == 0 && (axis == 0 || axis == -1)) continue;
        if (!tap__normalize_axis(&axis, x.rank))
            return tap_error_set(e, TAP_EARG, "axis %d is out of range for rank %d", axes.axis[i], x.rank);
        if (*mask & 1u << axis) return tap_error_set(e, TAP_EARG, "axis %d is named twice", axes.axis[i]);
        *mask |= 1u << axis;
    }
    out->rank = 0;
    for (int i = 0; i < x.rank; i++) {
        if (!(*mask & 1u << i)) out->n[out->rank++] = x.n[i];
        else if (axes.keepdim) out->n[out->rank++] = 1;
    }
    return TAP_OK;
}

void tap__set_contiguous(tap_tensor *x)
{
    int64_t stride = 1;
    for (int i = x->shape.rank - 1; i >= 0; i--) {
        x->stride[i] = stride;
        stride *= x->shape.n[i] > 1 ? x->shape.n[i] : 1;
    }
}
