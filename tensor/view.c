/* tensor/view.c: views, which are the same memory under another shape. Each has one function with a tap_error, for
 * operators, and one with an arena. Messages are "call: shape: reason". */
#include <string.h>

#include "tensor/internal.h"
#include "tensor/shape.h"
#include "tensor/view.h"

static tap_status fail_shape(tap_tensor *out, tap_tensor x, tap_error *e, const char *call, const char *why)
{
    char shape[TAP_SHAPE_TEXT];
    *out = (tap_tensor){ .dtype = x.dtype };
    return tap_error_set(e, TAP_ESHAPE, "%s: %s%s%s", call, tap_shape_format(shape, x.shape), why ? ": " : "", why ? why : "");
}

static tap_status fail_axis(tap_tensor *out, tap_tensor x, tap_error *e, const char *call, int axis)
{
    char shape[TAP_SHAPE_TEXT];
    *out = (tap_tensor){ .dtype = x.dtype };
    return tap_error_set(e, TAP_EARG, "%s: %s: axis %d is out of range", call, tap_shape_format(shape, x.shape), axis);
}

static void *data_at(tap_tensor x, int64_t elements)
{
    return (char *)x.data + elements * (int64_t)tap_dtype_size(x.dtype);
}

tap_status tap__permute(tap_tensor x, int rank, const int *axes, tap_tensor *out, tap_error *e)
{
    if (rank != x.shape.rank || (rank > 0 && !axes))
        return fail_shape(out, x, e, "permute", "needs one entry of axes for each axis");
    unsigned   seen = 0;
    tap_tensor y = x;
    for (int i = 0; i < rank; i++) {
        int axis = axes[i];
        if (!tap__normalize_axis(&axis, rank)) return fail_axis(out, x, e, "permute", axes[i]);
        if (seen & 1u << axis) return fail_shape(out, x, e, "permute", "an axis is named twice");
        seen |= 1u << axis;
        y.shape.n[i] = x.shape.n[axis];
        y.stride[i] = x.stride[axis];
    }
    *out = y;
    return TAP_OK;
}

/* Python's rules: a negative index counts from the end, and is then clipped to the indices at which a slice with this step
 * can start or stop. */
static int64_t clip(int64_t index, int64_t n, int64_t step)
{
    if (index < 0) index += n;
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    return index < low ? low : index > high ? high : index;
}

tap_status tap__transpose(tap_tensor x, int axis0, int axis1, int *axes, tap_tensor *out, tap_error *e)
{
    int rank = x.shape.rank, a = axis0, b = axis1;
    int n_axes = rank > 0 ? rank : 1; /* a scalar counts as a vector, as in PyTorch */
    if (!tap__normalize_axis(&a, n_axes)) return fail_axis(out, x, e, "transpose", axis0);
    if (!tap__normalize_axis(&b, n_axes)) return fail_axis(out, x, e, "transpose", axis1);
    for (int i = 0; i < rank; i++) axes[i] = i == a ? b : i == b ? a : i;
    return tap__permute(x, rank, axes, out, e);
}

int64_t tap__slice_start(int64_t n, int64_t start, int64_t step)
{
    return clip(start, n, step);
}

tap_status tap__slice(tap_tensor x, int axis, int64_t start, int64_t stop, int64_t step, tap_tensor *out, tap_error *e)
{
    int requested = axis;
    if (!tap__normalize_axis(&axis, x.shape.rank)) return fail_axis(out, x, e, "slice", requested);
    if (step == 0) return fail_shape(out, x, e, "slice", "the step must not be 0");
    int64_t n = x.shape.n[axis];
    start = clip(start, n, step);
    stop = step < 0 && stop == TAP_END ? -1 : clip(stop, n, step);
    int64_t  distance = step > 0 ? stop - start : start - stop;
    uint64_t stride = step > 0 ? (uint64_t)step : -(uint64_t)step; /* unsigned: -INT64_MIN does not fit int64_t */
    int64_t  count = distance > 0 ? (int64_t)((uint64_t)(distance - 1) / stride) + 1 : 0;
    *out = x;
    out->shape.n[axis] = count;
    if (count > 0) out->data = data_at(x, start * x.stride[axis]);
    if (count > 1) out->stride[axis] = x.stride[axis] * step;
    return TAP_OK;
}

tap_status tap__select(tap_tensor x, int axis, int64_t index, tap_tensor *out, tap_error *e)
{
    char shape[TAP_SHAPE_TEXT];
    int  requested = axis;
    if (!tap__normalize_axis(&axis, x.shape.rank)) return fail_axis(out, x, e, "select", requested);
    int64_t n = x.shape.n[axis], i = index < 0 ? index + n : index;
    if (i < 0 || i >= n) {
        *out = (tap_tensor){ .dtype = x.dtype };
        return tap_error_set(e, TAP_EARG, "select: %s: index %lld is out of range for axis %d",
                             tap_shape_format(shape, x.shape), (long long)index, requested);
    }
    x.data = data_at(x, i * x.stride[axis]);
    x.shape.n[axis] = 1;
    return tap__squeeze(x, axis, out, e);
}

tap_status tap__expand(tap_tensor x, tap_shape shape, tap_tensor *out, tap_error *e)
{
    char a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    bool valid = shape.rank >= 0 && shape.rank <= TAP_MAX_RANK;
    int  lead = valid ? shape.rank - x.shape.rank : -1;
    for (int i = 0; lead >= 0 && i < x.shape.rank; i++) {
        if (shape.n[lead + i] == -1) shape.n[lead + i] = x.shape.n[i];
    }
    bool fits = lead >= 0 && tap_numel(shape) >= 0;
    *out = (tap_tensor){ .dtype = x.dtype, .shape = shape, .data = x.data };
    for (int i = 0; fits && i < x.shape.rank; i++) {
        bool same = x.shape.n[i] == shape.n[lead + i];
        fits = same || x.shape.n[i] == 1;
        out->stride[lead + i] = same ? x.stride[i] : 0;
    }
    if (fits) return TAP_OK;
    *out = (tap_tensor){ .dtype = x.dtype };
    return tap_error_set(e, TAP_ESHAPE, "expand: %s: does not broadcast to %s", tap_shape_format(a, x.shape),
                         tap_shape_format(b, shape));
}

tap_status tap__unsqueeze(tap_tensor x, int axis, tap_tensor *out, tap_error *e)
{
    int requested = axis, rank = x.shape.rank;
    if (rank == TAP_MAX_RANK) return fail_shape(out, x, e, "unsqueeze", "a result of 9 axes would be above the maximum of 8");
    if (!tap__normalize_axis(&axis, rank + 1)) return fail_axis(out, x, e, "unsqueeze", requested);
    *out = x;
    out->shape.rank = rank + 1;
    for (int i = rank; i > axis; i--) {
        out->shape.n[i] = x.shape.n[i - 1];
        out->stride[i] = x.stride[i - 1];
    }
    out->shape.n[axis] = 1;
    out->stride[axis] = axis < rank ? x.shape.n[axis] * x.stride[axis] : 1;
    return TAP_OK;
}

tap_status tap__squeeze(tap_tensor x, int axis, tap_tensor *out, tap_error *e)
{
    int requested = axis;
    if (!tap__normalize_axis(&axis, x.shape.rank)) return fail_axis(out, x, e, "squeeze", requested);
    if (x.shape.n[axis] != 1) return fail_shape(out, x, e, "squeeze", "the axis must have size 1");
    for (int i = axis; i + 1 < x.shape.rank; i++) {
        x.shape.n[i] = x.shape.n[i + 1];
        x.stride[i] = x.stride[i + 1];
    }
    x.shape.rank--;
    *out = x;
    return TAP_OK;
}

tap_status tap__diagonal(tap_tensor x, int64_t offset, int axis1, int axis2, tap_tensor *out, tap_error *e)
{
    int a = axis1, b = axis2, rank = x.shape.rank, kept = 0;
    if (!tap__normalize_axis(&a, rank)) return fail_axis(out, x, e, "diagonal", axis1);
    if (!tap__normalize_axis(&b, rank)) return fail_axis(out, x, e, "diagonal", axis2);
    if (a == b) return fail_shape(out, x, e, "diagonal", "an axis is named twice");
    int64_t rows = x.shape.n[a], columns = x.shape.n[b];
    offset = offset < -rows ? -rows : offset > columns ? columns : offset;
    int64_t down = offset < 0 ? -offset : 0, right = offset > 0 ? offset : 0;
    int64_t n = rows - down < columns - right ? rows - down : columns - right;
    *out = x;
    for (int i = 0; i < rank; i++) {
        if (i == a || i == b) continue;
        out->shape.n[kept] = x.shape.n[i];
        out->stride[kept++] = x.stride[i];
    }
    out->shape.rank = rank - 1;
    out->shape.n[kept] = n;
    out->stride[kept] = x.stride[a] + x.stride[b];
    if (n > 0) out->data = data_at(x, down * x.stride[a] + right * x.stride[b]);
    return TAP_OK;
}

tap_status tap__unfold(tap_tensor x, int axis, int64_t size, int64_t step, tap_tensor *out, tap_error *e)
{
    int requested = axis, rank = x.shape.rank;
    if (rank == TAP_MAX_RANK) return fail_shape(out, x, e, "unfold", "a result of 9 axes would be above the maximum of 8");
    if (!tap__normalize_axis(&axis, rank)) return fail_axis(out, x, e, "unfold", requested);
    if (size < 1 || step < 1) return fail_shape(out, x, e, "unfold", "size and step must be at least 1");
    if (size > x.shape.n[axis]) return fail_shape(out, x, e, "unfold", "the window is larger than the axis");
    *out = x;
    out->shape.rank = rank + 1;
    out->shape.n[axis] = (x.shape.n[axis] - size) / step + 1;
    out->stride[axis] = out->shape.n[axis] > 1 ? x.stride[axis] * step : x.stride[axis];
    out->shape.n[rank] = size;
    out->stride[rank] = x.stride[axis];
    return TAP_OK;
}

tap_status tap__reshape_shape(tap_shape from, tap_shape *shape, tap_error *e)
{
    char      a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    tap_shape to = *shape;
    int       unknown = -1, unknowns = 0;
    for (int i = 0; i < to.rank && i < TAP_MAX_RANK; i++) {
        if (to.n[i] != -1) continue;
        unknown = i;
        unknowns++;
        to.n[i] = 1;
    }
    int64_t want = tap_numel(from), have = tap_numel(to);
    bool    fits = unknowns == 0 ? have == want : unknowns == 1 && have > 0 && want % have == 0;
    if (fits && unknowns == 1) to.n[unknown] = want / have;
    if (!fits || want < 0)
        return tap_error_set(e, TAP_ESHAPE, "reshape: %s: does not hold as many elements as %s", tap_shape_format(a, from),
                             tap_shape_format(b, *shape));
    *shape = to;
    return TAP_OK;
}

/* Both shapes are split into runs of axes with equal numbers of elements. Within a run, the axes of x must have one common
 * stride, so that they can be merged and split again. */
bool tap__reshape_view(tap_tensor x, tap_shape shape, tap_tensor *out)
{
    tap_tensor y = { .dtype = x.dtype, .shape = shape, .data = x.data };
    int        from[TAP_MAX_RANK], n_from = 0;
    if (tap_numel(shape) == 0) {
        tap__set_contiguous(&y);
        *out = y;
        return true;
    }
    for (int i = 0; i < x.shape.rank; i++) {
        if (x.shape.n[i] != 1) from[n_from++] = i;
    }
    int i = n_from - 1;
    int j = shape.rank - 1;
    while (j >= 0) {
        if (shape.n[j] == 1) {
            y.stride[j] = j + 1 < shape.rank ? y.stride[j + 1] * shape.n[j + 1] : 1;
            j--;
            continue;
        }
        /* Take axes of x until the run ends where an axis of y does. */
        int64_t stride = x.stride[from[i]], run = x.shape.n[from[i]], used = 1;
        i--;
        while (used < run) {
            while (j >= 0 && used * shape.n[j] <= run) {
                y.stride[j] = stride * used;
                used *= shape.n[j];
                j--;
            }
            if (used == run) break;
            if (i < 0 || x.stride[from[i]] != stride * run) return false;
            run *= x.shape.n[from[i]];
            i--;
        }
    }
    *out = y;
    return true;
}

bool tap__check_input(tap_arena *a, tap_tensor x, tap_tensor *out, const char *call)
{
    *out = (tap_tensor){ .dtype = x.dtype };
    if (!a || tap_arena_status(a, NULL) != TAP_OK) return false;
    if (x.data && tap_dtype_size(x.dtype) && tap_numel(x.shape) >= 0) return true;
    tap_error_set(tap_arena_error(a), TAP_EARG, "%s: the tensor is inert or invalid", call);
    return false;
}

tap_tensor tap_tensor_permute(tap_arena *a, tap_tensor x, int rank, const int *axes)
{
    tap_tensor out;
    if (tap__check_input(a, x, &out, "permute")) tap__permute(x, rank, axes, &out, tap_arena_error(a));
    return out;
}

tap_tensor tap_tensor_transpose(tap_arena *a, tap_tensor x, int axis0, int axis1)
{
    tap_tensor out;
    int        axes[TAP_MAX_RANK];
    if (tap__check_input(a, x, &out, "transpose")) tap__transpose(x, axis0, axis1, axes, &out, tap_arena_error(a));
    return out;
}

tap_tensor tap_tensor_slice(tap_arena *a, tap_tensor x, int axis, int64_t start, int64_t stop, int64_t step)
{
    tap_tensor out;
    if (tap__check_input(a, x, &out, "slice")) tap__slice(x, axis, start, stop, step, &out, tap_arena_error(a));
    return out;
}

tap_tensor tap_tensor_select(tap_arena *a, tap_tensor x, int axis, int64_t index)
{
    tap_tensor out;
    if (tap__check_input(a, x, &out, "select")) tap__select(x, axis, index, &out, tap_arena_error(a));
    return out;
}

tap_tensor tap_tensor_expand(tap_arena *a, tap_tensor x, tap_shape shape)
{
    tap_tensor out;
    if (tap__check_input(a, x, &out, "expand")) tap__expand(x, shape, &out, tap_arena_error(a));
    return out;
}

tap_tensor tap_tensor_unsqueeze(tap_arena *a, tap_tensor x, int axis)
{
    tap_tensor out;
    if (tap__check_input(a, x, &out, "unsqueeze")) tap__unsqueeze(x, axis, &out, tap_arena_error(a));
    return out;
}

tap_tensor tap_tensor_squeeze(tap_arena *a, tap_tensor x, int axis)
{
    tap_tensor out;
    if (tap__check_input(a, x, &out, "squeeze")) tap__squeeze(x, axis, &out, tap_arena_error(a));
    return out;
}

tap_tensor tap_tensor_reshape(tap_arena *a, tap_tensor x, tap_shape shape)
{
    tap_tensor out;
    if (!tap__check_input(a, x, &out, "reshape")) return out;
    if (tap__reshape_shape(x.shape, &shape, tap_arena_error(a)) != TAP_OK) return out;
    if (tap__reshape_view(x, shape, &out)) return out;
    tap_tensor copy = tap_tensor_contiguous(a, x);
    if (!copy.data) return copy;
    tap__reshape_view(copy, shape, &out);
    return out;
}
