/* tests/tensor/layouts.h: tensors of small numbers in every kind of memory layout, and their elements read without the
 * library's help. */
#ifndef TAP_TESTS_TENSOR_LAYOUTS_H
#define TAP_TESTS_TENSOR_LAYOUTS_H

#include <math.h>
#include <string.h>

#include "tensor/tensor.h"
#include "tests/check.h"

/* A pseudo-random number 0..n-1, the same in every run. */
static inline int random_below(uint64_t *rng, int n)
{
    *rng = *rng * 6364136223846793005u + 1442695040888963407u;
    return (int)((*rng >> 33) % (uint64_t)n);
}

static inline double load_at(tap_tensor x, int64_t offset)
{
    switch (x.dtype) {
    case TAP_F32: return (double)((const float *)x.data)[offset];
    case TAP_F64: return ((const double *)x.data)[offset];
    case TAP_I64: return (double)((const int64_t *)x.data)[offset];
    default: return ((const uint8_t *)x.data)[offset];
    }
}

static inline void store_at(tap_tensor x, int64_t offset, double value)
{
    switch (x.dtype) {
    case TAP_F32: ((float *)x.data)[offset] = (float)value; break;
    case TAP_F64: ((double *)x.data)[offset] = value; break;
    case TAP_I64: ((int64_t *)x.data)[offset] = (int64_t)value; break;
    default: ((uint8_t *)x.data)[offset] = (uint8_t)value;
    }
}

/* The next index in C order; false after the last. */
static inline bool next_index(tap_shape shape, int64_t *index)
{
    for (int i = shape.rank - 1; i >= 0; i--) {
        if (++index[i] < shape.n[i]) return true;
        index[i] = 0;
    }
    return false;
}

static inline int64_t offset_at(tap_tensor x, const int64_t *index)
{
    int64_t offset = 0;
    for (int i = 0; i < x.shape.rank; i++) offset += index[i] * x.stride[i];
    return offset;
}

/* Axes 0, 1, ... of a larger shape, seen by a tensor that broadcasts to it. */
static inline double broadcast_at(tap_tensor x, int rank, const int64_t *index)
{
    int64_t offset = 0;
    for (int i = 0; i < x.shape.rank; i++) {
        if (x.shape.n[i] != 1) offset += index[rank - x.shape.rank + i] * x.stride[i];
    }
    return load_at(x, offset);
}

enum { PLAIN, TRANSPOSED, SLICED, REVERSED, REPEATED_FIRST, REPEATED_LAST, MIXED, LAYOUTS };

/* A view in one of the layouts, and all of the memory that it is a view of. */
typedef struct {
    tap_tensor view, memory;
} tensor_layout;

/* A tensor of zeros in this layout. Sizes and strides after the last axis are set to numbers that nothing may use. */
static inline tensor_layout lay_out(tap_arena *a, tap_dtype dtype, tap_shape shape, int layout)
{
    tensor_layout l = { .view = { .dtype = dtype, .shape = shape } };
    int64_t       step = 1, start = 0;
    for (int k = shape.rank; k < TAP_MAX_RANK; k++) l.view.shape.n[k] = 3, l.view.stride[k] = 1 << 20;
    for (int k = 0; k < shape.rank; k++) {
        bool    first_fastest = layout == TRANSPOSED || layout == MIXED;
        int     axis = first_fastest ? k : shape.rank - 1 - k;
        bool    gaps = layout == SLICED || layout == MIXED, backwards = layout == REVERSED || (layout == MIXED && k % 2 == 0);
        int64_t stride = gaps ? 2 * step : step, n = shape.n[axis];
        if (axis == (layout == REPEATED_FIRST ? 0 : layout == REPEATED_LAST ? shape.rank - 1 : -1)) continue;
        if (backwards && n > 0) start += (n - 1) * stride;
        l.view.stride[axis] = backwards ? -stride : stride;
        step = stride * (n > 0 ? n : 1) + (gaps ? 1 : 0);
    }
    l.memory = tap_tensor_zeros(a, dtype, TAP_SHAPE(step));
    assert_non_null(l.memory.data);
    l.view.data = (char *)l.memory.data + start * (int64_t)tap_dtype_size(dtype);
    return l;
}

/* Fills all of the memory with whole numbers low..low+count-1. Sums and products of a few thousand of them are exact in any
 * order. */
static inline void fill_random(tensor_layout l, int low, int count, uint64_t *rng)
{
    for (int64_t i = 0; i < l.memory.shape.n[0]; i++) store_at(l.memory, i, low + random_below(rng, count));
}

static inline void assert_error(const tap_error *e, tap_status status, const char *message)
{
    assert_string_equal(e->message, message);
    assert_int_equal(e->status, status);
}

#endif
