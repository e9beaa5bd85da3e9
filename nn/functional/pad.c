/* nn/functional/pad.c: padding and cropping. Constant padding pads with zeros and fills the constant in by a mask; the other
 * modes select elements along each axis by index. */
#include <math.h>

#include "nn/functional/spatial.h"

static tap_var pad_zeros(tap_var x, int n, const int64_t *padding)
{
    for (int i = 0; i < n / 2; i++) {
        if (padding[2 * i] != 0 || padding[2 * i + 1] != 0) x = tap_zero_pad(x, -1 - i, padding[2 * i], padding[2 * i + 1]);
    }
    return x;
}

static tap_var pad_constant(tap_var x, int n, const int64_t *padding, double value)
{
    tap_var   y = pad_zeros(x, n, padding);
    tap_dtype dtype = tap_value(x).dtype;
    if (value == 0) return y;
    tap_var inside = pad_zeros(tap_expand(tap__scalar(x.tape, TAP_BOOL, 1), tap_shape_of(x)), n, padding);
    return tap_where(inside, y, tap__scalar(x.tape, dtype, value));
}

/* The index that element i is copied from; 0..n-1 are the elements of the axis. Circular padding repeats what cropping
 * leaves. */
static int64_t source_index(tap_pad_mode mode, int64_t i, int64_t n, int64_t before, int64_t after)
{
    if (mode == TAP_PAD_REFLECT) return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
    if (mode == TAP_PAD_REPLICATE) return i < 0 ? 0 : i >= n ? n - 1 : i;
    int64_t first = before < 0 ? -before : 0, kept = n - first + (after < 0 ? after : 0);
    return first + (i - first + kept) % kept;
}

static tap_var pad_by_index(tap_var x, int axis, int64_t before, int64_t after, tap_pad_mode mode)
{
    tap_tensor indices;
    int64_t    n = tap_shape_of(x).n[axis], total = n + before + after;
    tap_var    index = tap__push_empty(x.tape, TAP_I64, TAP_SHAPE(total), &indices);
    for (int64_t i = 0; indices.data && i < total; i++)
        ((int64_t *)indices.data)[i] = source_index(mode, i - before, n, before, after);
    return tap_index_select(x, axis, index);
}

/* NULL, or what is wrong with padding an axis of this size. */
static const char *check_axis(tap_pad_mode mode, int64_t n, int64_t before, int64_t after)
{
    int64_t total = n + before + after, kept = n + (before < 0 ? before : 0) + (after < 0 ? after : 0);
    if (mode == TAP_PAD_CONSTANT) return total < 0 || before < -n || after < -n ? "more is cropped than the axis has" : NULL;
    if (total <= 0 || n == 0) return "the axis is empty, or nothing is left of it";
    if (mode == TAP_PAD_REFLECT && (before >= n || after >= n))
        return "reflection needs less padding than the axis has elements";
    if (mode == TAP_PAD_CIRCULAR && (before > kept || after > kept))
        return "circular padding must not repeat the axis more than once";
    return NULL;
}

tap_var tap_pad(tap_var x, int n, const int64_t *padding, tap_pad_mode mode, double value)
{
    TAP_CALL("pad", x);
    const tap_node *node = tap__node_of(x);
    if (!node) return tap__inert(x.tape);
    tap_shape s = node->value.shape;
    if (mode < TAP_PAD_CONSTANT || mode > TAP_PAD_CIRCULAR)
        return tap__fail_input(node, TAP_EARG, "pad", "mode must be a tap_pad_mode, not %d", (int)mode);
    if (n < 0 || n % 2 != 0 || n / 2 > s.rank || (n > 0 && !padding))
        return tap__fail_input(node, TAP_EARG, "pad", "n must be twice the number of padded axes, and padding not NULL, not %d",
                               n);
    if (mode != TAP_PAD_CONSTANT && (n < 2 || n > 6 || (s.rank != n / 2 + 1 && s.rank != n / 2 + 2)))
        return tap__fail_input(node, TAP_ESHAPE, "pad", "%d numbers of this mode need %d or %d axes", n, n / 2 + 1, n / 2 + 2);
    for (int i = 0; i < n / 2; i++) {
        int64_t size = s.n[s.rank - 1 - i], before = padding[2 * i], after = padding[2 * i + 1];
        bool    too_large =
            !tap__is_small(size) || before < -INT32_MAX || before > INT32_MAX || after < -INT32_MAX || after > INT32_MAX;
        const char *why = too_large ? "padding must be below 2^31" : check_axis(mode, size, before, after);
        if (why)
            return tap__fail_input(node, TAP_EARG, "pad", "%lld and %lld at axis %d: %s", (long long)before, (long long)after,
                                   -1 - i, why);
    }
    if (mode == TAP_PAD_CONSTANT) return pad_constant(x, n, padding, value);
    for (int i = 0; i < n / 2; i++) {
        if (padding[2 * i] != 0 || padding[2 * i + 1] != 0)
            x = pad_by_index(x, s.rank - 1 - i, padding[2 * i], padding[2 * i + 1], mode);
    }
    return x;
}
