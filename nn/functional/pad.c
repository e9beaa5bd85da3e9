/* Padding. With numbers, it is zeros and a mask; any other is a choice of elements along each axis. */
#include <math.h>

#include "nn/functional/spatial.h"

static tap_var with_zeros(tap_var x, int n, const int64_t *padding)
{
    for (int i = 0; i < n / 2; i++) {
        if (padding[2 * i] != 0 || padding[2 * i + 1] != 0) x = tap_zero_pad(x, -1 - i, padding[2 * i], padding[2 * i + 1]);
    }
    return x;
}

static tap_var with_number(tap_var x, int n, const int64_t *padding, double value)
{
    tap_var   y = with_zeros(x, n, padding);
    tap_dtype dtype = tap_value(x).dtype;
    if (value == 0) return y;
    tap_var inside = with_zeros(tap_expand(tap__scalar(x.tape, TAP_BOOL, 1), tap_shape_of(x)), n, padding);
    return tap_where(inside, y, tap__scalar(x.tape, dtype, value));
}

/* Where element i comes from; elements 0..n-1 are the axis. Going around, only the elements that are not cropped count. */
static int64_t source(tap_pad_mode mode, int64_t i, int64_t n, int64_t before, int64_t after)
{
    if (mode == TAP_PAD_REFLECT) return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
    if (mode == TAP_PAD_REPLICATE) return i < 0 ? 0 : i >= n ? n - 1 : i;
    int64_t first = before < 0 ? -before : 0, kept = n - first + (after < 0 ? after : 0);
    return first + (i - first + kept) % kept;
}

static tap_var with_elements(tap_var x, int axis, int64_t before, int64_t after, tap_pad_mode mode)
{
    tap_tensor places;
    int64_t    n = tap_shape_of(x).n[axis], total = n + before + after;
    tap_var    place = tap__push_empty(x.tape, TAP_I64, TAP_SHAPE(total), &places);
    for (int64_t i = 0; places.data && i < total; i++) ((int64_t *)places.data)[i] = source(mode, i - before, n, before, after);
    return tap_index_select(x, axis, place);
}

/* NULL, or what is wrong with padding an axis of this size. */
static const char *check_axis(tap_pad_mode mode, int64_t n, int64_t before, int64_t after)
{
    int64_t total = n + before + after, kept = n + (before < 0 ? before : 0) + (after < 0 ? after : 0);
    if (mode == TAP_PAD_CONSTANT) return total < 0 || before < -n || after < -n ? "more is cropped than there is" : NULL;
    if (total <= 0 || n == 0) return "nothing is left of the axis, or it is empty";
    if (mode == TAP_PAD_REFLECT && (before >= n || after >= n)) return "only less than the axis can be reflected";
    if (mode == TAP_PAD_CIRCULAR && (before > kept || after > kept)) return "it would go around more than once";
    return NULL;
}

tap_var tap_pad(tap_var x, int n, const int64_t *padding, tap_pad_mode mode, double value)
{
    TAP_CALL("pad", x);
    const tap_node *node = tap__node_of(x);
    if (!node) return tap__inert(x.tape);
    tap_shape s = node->value.shape;
    if (mode < TAP_PAD_CONSTANT || mode > TAP_PAD_CIRCULAR)
        return tap__fail_input(node, TAP_EARG, "pad", "%d is no mode", (int)mode);
    if (n < 0 || n % 2 != 0 || n / 2 > s.rank || (n > 0 && !padding))
        return tap__fail_input(node, TAP_EARG, "pad", "needs two numbers for each of its last axes, not %d", n);
    if (mode != TAP_PAD_CONSTANT && (n < 2 || n > 6 || (s.rank != n / 2 + 1 && s.rank != n / 2 + 2)))
        return tap__fail_input(node, TAP_ESHAPE, "pad", "%d numbers go with %d or %d axes, if not with a constant", n,
                               n / 2 + 1, n / 2 + 2);
    for (int i = 0; i < n / 2; i++) {
        int64_t size = s.n[s.rank - 1 - i], before = padding[2 * i], after = padding[2 * i + 1];
        bool far = !tap__is_small(size) || before < -INT32_MAX || before > INT32_MAX || after < -INT32_MAX || after > INT32_MAX;
        const char *why = far ? "too far" : check_axis(mode, size, before, after);
        if (why)
            return tap__fail_input(node, TAP_EARG, "pad", "%lld and %lld at axis %d: %s", (long long)before, (long long)after,
                                   -1 - i, why);
    }
    if (mode == TAP_PAD_CONSTANT) return with_number(x, n, padding, value);
    for (int i = 0; i < n / 2; i++) {
        if (padding[2 * i] != 0 || padding[2 * i + 1] != 0)
            x = with_elements(x, s.rank - 1 - i, padding[2 * i], padding[2 * i + 1], mode);
    }
    return x;
}
