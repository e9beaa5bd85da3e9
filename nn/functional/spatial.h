/* nn/functional/spatial.h: what convolution, pooling and interpolation share about the axes of an image. Not installed. */
#ifndef TAP_NN_FUNCTIONAL_SPATIAL_H
#define TAP_NN_FUNCTIONAL_SPATIAL_H

#include "autograd/internal.h"
#include "nn/nn.h"

/* How windows lie along one axis. */
typedef struct {
    int64_t size, stride, dilation; /* elements of a window; steps from window to window, from element to element */
    int64_t before, after;          /* what is put to the axis at its ends; negative: left out */
    int64_t count;                  /* of windows */
} tap__windows;

/* How far a window reaches. */
static inline int64_t tap__reach(tap__windows w)
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

/* Means over `to` windows that share the axis out evenly, PyTorch's adaptive pooling; 0 < n, and the axis is not empty. */
tap_var tap__adaptive_mean(tap_var x, int axis, int64_t to);

#endif
