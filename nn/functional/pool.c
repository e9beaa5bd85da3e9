/* Pooling: windows are a view, what becomes of each is a reduction. */
#include <math.h>

#include "nn/functional/spatial.h"

enum { HEIGHT, WIDTH };

/* x [N,C,H,W] or [C,H,W], of floats, with elements in each image. */
static bool check_image(const tap_node *n, const char *call)
{
    tap_shape s = n->value.shape;
    if (!tap_dtype_is_float(n->value.dtype))
        tap__fail_input(n, TAP_EDTYPE, call, "%s is not float32 or float64; tap_cast makes it so",
                        tap_dtype_name(n->value.dtype));
    else if (s.rank != 3 && s.rank != 4) tap__fail_input(n, TAP_ESHAPE, call, "needs [N,C,H,W] or [C,H,W]");
    else if (!tap__all_small(s) || s.n[s.rank - 2] == 0 || s.n[s.rank - 1] == 0)
        tap__fail_input(n, TAP_ESHAPE, call, "its images are empty or too large");
    else return true;
    return false;
}

/* The last window may reach beyond the padding in ceil mode, but begins within the input or the padding before it. */
static bool check_axis(const tap_node *n, const char *call, int64_t size, int i, tap_pool_options o, tap__windows *w)
{
    const int64_t kernel = o.kernel[i], padding = o.padding[i];
    if (kernel < 1 || !tap__is_small(kernel) || !tap__is_small(o.stride[i]) || !tap__is_small(padding) ||
        !tap__is_small(o.dilation[i])) {
        tap__fail_input(n, TAP_EARG, call, "kernel %lld, stride %lld, padding %lld or dilation %lld is out of range",
                        (long long)kernel, (long long)o.stride[i], (long long)padding, (long long)o.dilation[i]);
        return false;
    }
    *w = (tap__windows){ .size = kernel, .before = padding };
    w->stride = o.stride[i] ? o.stride[i] : kernel;
    w->dilation = o.dilation[i] ? o.dilation[i] : 1;
    int64_t reach = tap__reach(*w), room = size + 2 * padding - reach + (o.ceil_mode ? w->stride - 1 : 0);
    if (padding > kernel / 2) {
        tap__fail_input(n, TAP_EARG, call, "padding %lld is more than half of the kernel, %lld", (long long)padding,
                        (long long)kernel);
        return false;
    }
    if (room < 0) {
        tap__fail_input(n, TAP_ESHAPE, call, "a window reaches over %lld elements, axis %d has %lld with its padding",
                        (long long)reach, i - 2, (long long)(size + 2 * padding));
        return false;
    }
    w->count = room / w->stride + 1;
    if (o.ceil_mode && (w->count - 1) * w->stride >= size + padding) w->count--;
    w->after = (w->count - 1) * w->stride + reach - size - padding;
    return true;
}

static bool check(const tap_node *n, const char *call, tap_pool_options o, tap__windows w[2])
{
    if (!check_image(n, call)) return false;
    const int64_t *size = n->value.shape.n + n->value.shape.rank - 2;
    return check_axis(n, call, size[HEIGHT], HEIGHT, o, &w[HEIGHT]) && check_axis(n, call, size[WIDTH], WIDTH, o, &w[WIDTH]);
}

/* The windows of axes axis, axis+1, ..., n of them, as n new last axes: a view. */
static tap_var lay_windows(tap_var x, int axis, int n, const tap__windows *w)
{
    for (int i = 0; i < n; i++) {
        x = tap_unfold(x, axis + i, tap__reach(w[i]), w[i].stride);
        if (w[i].dilation > 1) x = tap_slice(x, -1, 0, TAP_END, w[i].dilation);
    }
    return x;
}

/* [..,H,W] -> [..,windows down,windows across,height,width] */
static tap_var slide(tap_var x, const tap__windows w[2], double padding)
{
    const int64_t ends[] = { w[WIDTH].before, w[WIDTH].after, w[HEIGHT].before, w[HEIGHT].after };
    return lay_windows(tap_pad(x, 4, ends, TAP_PAD_CONSTANT, padding), tap_shape_of(x).rank - 2, 2, w);
}

/* ---- max_pool2d ---- */

/* The place on the axis of element k of window i; of one in the padding before it, that of the window's first element inside. */
static int64_t place_on(tap__windows w, int64_t i, int64_t k)
{
    const int64_t at = i * w.stride - w.before + k * w.dilation;
    return at < 0 ? at + (-at + w.dilation - 1) / w.dilation * w.dilation : at;
}

/* Places in the plane of all elements of all windows: [windows,elements]. The padding, being -inf, is chosen only where all of
 * a window is -inf, and then as its first element. */
static tap_var places(tap_tape *t, const tap__windows w[2], const int64_t size[2])
{
    tap_tensor    x;
    const int64_t n = w[HEIGHT].size * w[WIDTH].size, count = w[HEIGHT].count * w[WIDTH].count;
    tap_var       v = tap__push_empty(t, TAP_I64, TAP_SHAPE(count, n), &x);
    for (int64_t i = 0; x.data && i < count; i++) {
        for (int64_t k = 0; k < n; k++) {
            int64_t row = place_on(w[HEIGHT], i / w[WIDTH].count, k / w[WIDTH].size);
            int64_t column = place_on(w[WIDTH], i % w[WIDTH].count, k % w[WIDTH].size);
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
    if (o.divisor || o.exclude_pad) return tap__fail_input(n, TAP_EARG, "max_pool2d", "divisor and exclude_pad are for means");
    tap_shape s = n->value.shape, windows = s, down = TAP_SHAPE(w[HEIGHT].count, w[WIDTH].count);
    int       last = s.rank - 1;
    for (int i = 0; i < 2; i++) {
        if (place_on(w[i], 0, 0) >= s.n[last - 1 + i])
            return tap__fail_input(n, TAP_ESHAPE, "max_pool2d", "the first window lies in the padding");
    }
    windows.n[last - 1] = down.n[0] * down.n[1];
    windows.n[last] = w[HEIGHT].size * w[WIDTH].size;
    tap_var seen = tap_reshape(slide(tap_detach(x), w, -(double)INFINITY), windows);
    tap_var best = tap_argmax(seen, tap_keepdim(TAP_LAST));
    tap_var place = tap_gather(tap_expand(places(x.tape, w, s.n + last - 1), windows), -1, best);
    place = tap_squeeze(place, TAP_LAST);
    if (index) *index = tap_unflatten(place, -1, down);
    return tap_unflatten(tap_gather(tap_flatten(x, -2, -1), -1, place), -1, down);
}

/* ---- avg_pool2d ---- */

/* How many elements window i has on the axis: those of the input, or of the padding too, but none beyond it. */
static int64_t count_on(tap__windows w, int64_t size, int64_t i, bool exclude_pad)
{
    int64_t first = i * w.stride - w.before, end = first + w.size, limit = exclude_pad ? size : size + w.before;
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
        return tap__fail_input(n, TAP_EARG, "avg_pool2d", "dilation is for maxima");
    const tap_var mean = tap_mean(slide(x, w, 0), TAP_AXES(-2, -1)); /* in range where the sum is not */
    const double  size = (double)(w[HEIGHT].size * w[WIDTH].size);
    if (o.divisor) return tap_mul_scalar(mean, size / (double)o.divisor);
    const bool all_inside = w[HEIGHT].before + w[WIDTH].before == 0 && w[HEIGHT].after <= 0 && w[WIDTH].after <= 0;
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
