/* nn/functional/pool.c: pooling: windows are new axes of a view (tap_unfold), and each window is reduced to its maximum or
 * mean. The windows of adaptive maxima, whose sizes differ, are lists of indices. Over one axis, a second one has size 1. */
#include <math.h>

#include "nn/functional/spatial.h"

enum { HEIGHT, WIDTH };

/* Whether x is [N,C,H,W] or [C,H,W], of floats, and its images are not empty. */
static bool check_image(const tap_node *n, const char *call)
{
    tap_shape s = n->value.shape;
    if (!tap_dtype_is_float(n->value.dtype))
        tap__fail_input(n, TAP_EDTYPE, call, "%s is not float32 or float64; tap_cast makes it so",
                        tap_dtype_name(n->value.dtype));
    else if (s.rank != 3 && s.rank != 4) tap__fail_input(n, TAP_ESHAPE, call, "needs [N,C,H,W] or [C,H,W]");
    else if (!tap__all_small(s) || s.n[s.rank - 2] == 0 || s.n[s.rank - 1] == 0)
        tap__fail_input(n, TAP_ESHAPE, call, "images must have sizes from 1 to 2^31 - 1");
    else return true;
    return false;
}

/* In ceil mode the last window may extend beyond the padding, but it begins within the input or the padding before it. */
static bool check_axis(const tap_node *n, const char *call, int64_t size, int i, tap_pool_options o, tap__windows *w)
{
    const int64_t kernel = o.kernel[i], padding = o.padding[i];
    if (kernel < 1 || !tap__is_small(kernel) || !tap__is_small(o.stride[i]) || !tap__is_small(padding) ||
        !tap__is_small(o.dilation[i])) {
        tap__fail_input(n, TAP_EARG, call, "kernel %lld, stride %lld, padding %lld or dilation %lld is out of range",
                        (long long)kernel, (long long)o.stride[i], (long long)padding, (long long)o.dilation[i]);
        return false;
    }
    *w = (tap__windows){ .size = kernel, .pad_before = padding };
    w->stride = o.stride[i] ? o.stride[i] : kernel;
    w->dilation = o.dilation[i] ? o.dilation[i] : 1;
    int64_t extent = tap__window_extent(*w), slack = size + 2 * padding - extent + (o.ceil_mode ? w->stride - 1 : 0);
    if (padding > kernel / 2) {
        tap__fail_input(n, TAP_EARG, call, "padding must be at most half of the kernel %lld, not %lld", (long long)kernel,
                        (long long)padding);
        return false;
    }
    if (slack < 0) {
        tap__fail_input(n, TAP_ESHAPE, call, "a window covers %lld elements, but axis %d has only %lld with its padding",
                        (long long)extent, i - 2, (long long)(size + 2 * padding));
        return false;
    }
    w->count = slack / w->stride + 1;
    if (o.ceil_mode && (w->count - 1) * w->stride >= size + padding) w->count--;
    w->pad_after = (w->count - 1) * w->stride + extent - size - padding;
    return true;
}

static bool check(const tap_node *n, const char *call, tap_pool_options o, tap__windows w[2])
{
    if (!check_image(n, call)) return false;
    const int64_t *size = n->value.shape.n + n->value.shape.rank - 2;
    return check_axis(n, call, size[HEIGHT], HEIGHT, o, &w[HEIGHT]) && check_axis(n, call, size[WIDTH], WIDTH, o, &w[WIDTH]);
}

/* A view with the windows along axis, axis+1, ..., of n axes, as n new last axes. */
static tap_var window_view(tap_var x, int axis, int n, const tap__windows *w)
{
    for (int i = 0; i < n; i++) {
        x = tap_unfold(x, axis + i, tap__window_extent(w[i]), w[i].stride);
        if (w[i].dilation > 1) x = tap_slice(x, -1, 0, TAP_END, w[i].dilation);
    }
    return x;
}

/* [..,H,W] -> [..,windows along H,windows along W,height,width], with the padding filled with this number. */
static tap_var windows(tap_var x, const tap__windows w[2], double padding)
{
    const int64_t ends[] = { w[WIDTH].pad_before, w[WIDTH].pad_after, w[HEIGHT].pad_before, w[HEIGHT].pad_after };
    return window_view(tap_pad(x, 4, ends, TAP_PAD_CONSTANT, padding), tap_shape_of(x).rank - 2, 2, w);
}

/* ---- max_pool2d ---- */

/* The index along the axis of element k of window i; for an element in the padding before the axis, the index of the window's
 * first element that is not. */
static int64_t index_on(tap__windows w, int64_t i, int64_t k)
{
    const int64_t index = i * w.stride - w.pad_before + k * w.dilation;
    return index < 0 ? index + (-index + w.dilation - 1) / w.dilation * w.dilation : index;
}

/* Indices into the H W plane of all elements of all windows: [windows,elements]. The maximum of a window is in the padding,
 * which is -inf, only if the whole window is -inf; the index is that of its first element then. */
static tap_var plane_indices(tap_tape *t, const tap__windows w[2], const int64_t size[2])
{
    tap_tensor    x;
    const int64_t n = w[HEIGHT].size * w[WIDTH].size, count = w[HEIGHT].count * w[WIDTH].count;
    tap_var       v = tap__push_empty(t, TAP_I64, TAP_SHAPE(count, n), &x);
    for (int64_t i = 0; x.data && i < count; i++) {
        for (int64_t k = 0; k < n; k++) {
            int64_t row = index_on(w[HEIGHT], i / w[WIDTH].count, k / w[WIDTH].size);
            int64_t column = index_on(w[WIDTH], i % w[WIDTH].count, k % w[WIDTH].size);
            ((int64_t *)x.data)[i * n + k] = row * size[WIDTH] + column;
        }
    }
    return v;
}

tap_var tap_max_pool2d(tap_var x, tap_pool_options o, tap_var *index)
{
    TAP_CALL("max_pool2d", x);
    const tap_node *n = tap__node_of(x);
    tap__windows    w[2];
    if (index) *index = tap__inert(x.tape);
    if (!n || !check(n, "max_pool2d", o, w)) return tap__inert(x.tape);
    if (o.divisor || o.exclude_pad)
        return tap__fail_input(n, TAP_EARG, "max_pool2d", "divisor and exclude_pad are for tap_avg_pool2d");
    tap_shape s = n->value.shape, flat = s, grid = TAP_SHAPE(w[HEIGHT].count, w[WIDTH].count);
    int       last = s.rank - 1;
    for (int i = 0; i < 2; i++) {
        if (index_on(w[i], 0, 0) >= s.n[last - 1 + i])
            return tap__fail_input(n, TAP_ESHAPE, "max_pool2d", "the first window must not lie in the padding alone");
    }
    flat.n[last - 1] = grid.n[0] * grid.n[1];
    flat.n[last] = w[HEIGHT].size * w[WIDTH].size;
    tap_var elements = tap_reshape(windows(tap_detach(x), w, -(double)INFINITY), flat);
    tap_var argmax = tap_argmax(elements, tap_keepdim(TAP_LAST));
    tap_var position = tap_gather(tap_expand(plane_indices(x.tape, w, s.n + last - 1), flat), -1, argmax);
    position = tap_squeeze(position, TAP_LAST);
    if (index) *index = tap_unflatten(position, -1, grid);
    return tap_unflatten(tap_gather(tap_flatten(x, -2, -1), -1, position), -1, grid);
}

/* ---- adaptive_max_pool2d ---- */

/* Windows from floor(i n / to) to ceil((i + 1) n / to) - 1; shorter ones repeat their last element. */
static int64_t adaptive_index(int64_t n, int64_t to, int64_t i, int64_t k)
{
    const int64_t first = i * n / to, last = ((i + 1) * n + to - 1) / to - 1;
    return first + k < last ? first + k : last;
}

static int64_t adaptive_size(int64_t n, int64_t to)
{
    return n % to == 0 ? n / to : (n + to - 1) / to + 1;
}

/* Indices into the H W plane: [windows,elements]. */
static tap_var adaptive_indices(tap_tape *t, const int64_t size[2], const int64_t to[2])
{
    tap_tensor    x;
    const int64_t taps[2] = { adaptive_size(size[HEIGHT], to[HEIGHT]), adaptive_size(size[WIDTH], to[WIDTH]) };
    const int64_t count = to[HEIGHT] * to[WIDTH], n = taps[HEIGHT] * taps[WIDTH];
    tap_var       v = tap__push_empty(t, TAP_I64, TAP_SHAPE(count, n), &x);
    for (int64_t i = 0; x.data && i < count; i++) {
        for (int64_t k = 0; k < n; k++) {
            const int64_t row = adaptive_index(size[HEIGHT], to[HEIGHT], i / to[WIDTH], k / taps[WIDTH]);
            const int64_t column = adaptive_index(size[WIDTH], to[WIDTH], i % to[WIDTH], k % taps[WIDTH]);
            ((int64_t *)x.data)[i * n + k] = row * size[WIDTH] + column;
        }
    }
    return v;
}

tap_var tap_adaptive_max_pool2d(tap_var x, int64_t height, int64_t width, tap_var *index)
{
    TAP_CALL("adaptive_max_pool2d", x);
    const tap_node *n = tap__node_of(x);
    if (index) *index = tap__inert(x.tape);
    if (!n || !check_image(n, "adaptive_max_pool2d")) return tap__inert(x.tape);
    if (!tap__is_small(height) || !tap__is_small(width))
        return tap__fail_input(n, TAP_EARG, "adaptive_max_pool2d", "[%lld,%lld] is out of range", (long long)height,
                               (long long)width);
    const tap_shape s = n->value.shape;
    const int64_t  *size = s.n + s.rank - 2, to[2] = { height ? height : size[HEIGHT], width ? width : size[WIDTH] };
    const tap_var   plane = adaptive_indices(x.tape, size, to), flat = tap_flatten(x, -2, -1);
    const tap_shape windows = tap_shape_of(plane);
    if (windows.rank != 2) return tap__inert(x.tape);
    tap_var elements = tap_index_select(tap_detach(flat), -1, tap_reshape(plane, TAP_SHAPE(-1)));
    elements = tap_unflatten(elements, -1, windows);
    const tap_var argmax = tap_argmax(elements, tap_keepdim(TAP_LAST));
    const tap_var position = tap_squeeze(tap_gather(tap_expand(plane, tap_shape_of(elements)), -1, argmax), TAP_LAST);
    if (index) *index = tap_unflatten(position, -1, TAP_SHAPE(to[HEIGHT], to[WIDTH]));
    return tap_unflatten(tap_gather(flat, -1, position), -1, TAP_SHAPE(to[HEIGHT], to[WIDTH]));
}

/* ---- avg_pool2d ---- */

/* The number of elements of window i along the axis that count: those of the input and, unless it is excluded, of the
 * padding. */
static int64_t count_on(tap__windows w, int64_t size, int64_t i, bool exclude_pad)
{
    int64_t first = i * w.stride - w.pad_before, end = first + w.size, limit = exclude_pad ? size : size + w.pad_before;
    if (exclude_pad && first < 0) first = 0;
    return (end < limit ? end : limit) - first;
}

static tap_var counts(const tap_node *n, const tap__windows w[2], bool exclude_pad)
{
    const int64_t *size = n->value.shape.n + n->value.shape.rank - 2, across = w[WIDTH].count;
    tap_tensor     x;
    tap_var        v = tap__push_empty(n->tape, n->value.dtype, TAP_SHAPE(w[HEIGHT].count, across), &x);
    for (int64_t i = 0; x.data && i < w[HEIGHT].count * across; i++) {
        int64_t down = count_on(w[HEIGHT], size[HEIGHT], i / across, exclude_pad);
        tap_tensor_set_item(x, i, (double)(down * count_on(w[WIDTH], size[WIDTH], i % across, exclude_pad)));
    }
    return v;
}

tap_var tap_avg_pool2d(tap_var x, tap_pool_options o)
{
    TAP_CALL("avg_pool2d", x);
    const tap_node *n = tap__node_of(x);
    tap__windows    w[2];
    if (!n || !check(n, "avg_pool2d", o, w)) return tap__inert(x.tape);
    if (w[HEIGHT].dilation != 1 || w[WIDTH].dilation != 1)
        return tap__fail_input(n, TAP_EARG, "avg_pool2d", "dilation is for tap_max_pool2d");
    const tap_var mean = tap_mean(windows(x, w, 0), TAP_AXES(-2, -1)); /* in range where the sum is not */
    const double  size = (double)(w[HEIGHT].size * w[WIDTH].size);
    if (o.divisor) return tap_mul_scalar(mean, size / (double)o.divisor);
    const bool all_inside =
        w[HEIGHT].pad_before + w[WIDTH].pad_before == 0 && w[HEIGHT].pad_after <= 0 && w[WIDTH].pad_after <= 0;
    return all_inside ? mean : tap_mul(mean, tap_div(tap_scalar_like(x, size), counts(n, w, o.exclude_pad)));
}

tap_var tap_adaptive_avg_pool2d(tap_var x, int64_t height, int64_t width)
{
    TAP_CALL("adaptive_avg_pool2d", x);
    const tap_node *n = tap__node_of(x);
    if (!n || !check_image(n, "adaptive_avg_pool2d")) return tap__inert(x.tape);
    tap_shape s = n->value.shape;
    if (!tap__is_small(height) || !tap__is_small(width))
        return tap__fail_input(n, TAP_EARG, "adaptive_avg_pool2d", "[%lld,%lld] is out of range", (long long)height,
                               (long long)width);
    if (height) x = tap__adaptive_mean(x, s.rank - 2, height);
    return width ? tap__adaptive_mean(x, s.rank - 1, width) : x;
}

/* ---- Over one axis ---- */

/* [..,L] as [..,1,L]; inert, and the tape has failed, if x is not [N,C,L] or [C,L]. */
static tap_var as_image(tap_var x)
{
    const tap_node *n = tap__node_of(x);
    if (!n) return tap__inert(x.tape);
    if (n->value.shape.rank != 2 && n->value.shape.rank != 3) return tap_fail(x, TAP_ESHAPE, "needs [N,C,L] or [C,L]");
    return tap_unsqueeze(x, -2);
}

/* The options of the only axis, for the second of two. */
static tap_pool_options across(tap_pool_options o)
{
    int64_t *pairs[] = { o.kernel, o.stride, o.padding, o.dilation };
    for (int i = 0; i < 4; i++) {
        pairs[i][WIDTH] = pairs[i][0];
        pairs[i][HEIGHT] = i < 2;
    }
    return o;
}

tap_var tap_max_pool1d(tap_var x, tap_pool_options o, tap_var *index)
{
    TAP_CALL("max_pool1d", x);
    const tap_var y = tap_squeeze(tap_max_pool2d(as_image(x), across(o), index), TAP_AXES(-2));
    if (index) *index = tap_squeeze(*index, TAP_AXES(-2));
    return y;
}

tap_var tap_avg_pool1d(tap_var x, tap_pool_options o)
{
    TAP_CALL("avg_pool1d", x);
    return tap_squeeze(tap_avg_pool2d(as_image(x), across(o)), TAP_AXES(-2));
}

tap_var tap_adaptive_avg_pool1d(tap_var x, int64_t length)
{
    TAP_CALL("adaptive_avg_pool1d", x);
    return tap_squeeze(tap_adaptive_avg_pool2d(as_image(x), 0, length), TAP_AXES(-2));
}

tap_var tap_adaptive_max_pool1d(tap_var x, int64_t length, tap_var *index)
{
    TAP_CALL("adaptive_max_pool1d", x);
    const tap_var y = tap_squeeze(tap_adaptive_max_pool2d(as_image(x), 0, length, index), TAP_AXES(-2));
    if (index) *index = tap_squeeze(*index, TAP_AXES(-2));
    return y;
}
