/* nn/functional/spatial.h: windows along the axes of an image, shared by convolution, pooling and interpolation. Not
 * installed. */
#ifndef TAP_NN_FUNCTIONAL_SPATIAL_H
#define TAP_NN_FUNCTIONAL_SPATIAL_H

#include "autograd/internal.h"
#include "nn/nn.h"

/* Windows along one axis. */
typedef struct {
    int64_t size, stride, dilation; /* elements of a window; distance of windows, and of elements in a window */
    int64_t pad_before, pad_after;  /* padding at the ends of the axis; negative: cropped */
    int64_t count;                  /* number of windows */
} tap__windows;

/* The extent of a window: from its first element to its last one. */
static inline int64_t tap__window_extent(tap__windows w)
{
    return (w.size - 1) * w.dilation + 1;
}

/* Sizes and options within this range can be multiplied and added without overflow. */
static inline bool tap__is_small(int64_t a)
{
    return a >= 0 && a <= INT32_MAX;
}

static inline bool tap__all_small(tap_shape s)
{
    bool small = true;
    for (int i = 0; i < s.rank; i++) small = small && tap__is_small(s.n[i]);
    return small;
}

/* Means over `to` windows of nearly equal size along the axis: PyTorch's adaptive average pooling. to > 0, and the axis is not
 * empty. */
tap_var tap__adaptive_mean(tap_var x, int axis, int64_t to);

#endif
