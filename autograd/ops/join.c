/* Putting tensors together and taking them apart: cat and stack, split and its kin, and what repeats or rolls. */
#include "autograd/internal.h"

/* PyTorch takes an empty vector [0] for nothing at all beside inputs of any shape. */
static bool is_nothing(tap_shape s)
{
    return s.rank == 1 && s.n[0] == 0;
}

/* The input whose shape the others have but along the axis. */
static int first_of(const tap_call *c)
{
    int i = 0;
    while (i < c->n_in - 1 && is_nothing(c->in[i].shape)) i++;
    return is_nothing(c->in[i].shape) ? 0 : i;
}

static tap_status cat_infer(tap_call *c, tap_tensor *out)
{
    const int given = *(const int *)c->attr, first = first_of(c);
    int       axis = given;
    out->dtype = c->in[0].dtype;
    out->shape = c->in[first].shape;
    if (!tap__axis(&axis, out->shape.rank)) return tap_call_fail(c, TAP_EARG, "axis %d is out of range", given);
    for (int i = 1; i < c->n_in; i++) {
        tap_shape s = c->in[i].shape;
        if (c->in[i].dtype != out->dtype) return tap_call_fail(c, TAP_EDTYPE, "the dtype of input %d differs from input 0", i);
        if (i <= first || is_nothing(s)) continue;
        bool fits = s.rank == out->shape.rank;
        for (int k = 0; fits && k < s.rank; k++) fits = k == axis || s.n[k] == out->shape.n[k];
        if (!fits || __builtin_add_overflow(out->shape.n[axis], s.n[axis], &out->shape.n[axis]))
            return tap_call_fail(c, TAP_ESHAPE, "input %d does not fit input %d beside axis %d", i, first, given);
    }
    return TAP_OK;
}

static void cat_forward(tap_call *c, tap_tensor *out)
{
    int        axis = *(const int *)c->attr;
    int64_t    start = 0;
    tap_tensor place;
    tap__axis(&axis, out->shape.rank);
    for (int i = 0; i < c->n_in; i++) {
        if (is_nothing(c->in[i].shape)) continue;
        int64_t count = c->in[i].shape.n[axis];
        tap__slice(*out, axis, start, start + count, 1, &place, NULL);
        tap__tensor_copy(place, c->in[i], NULL);
        start += count;
    }
}

static void cat_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    int     axis = *(const int *)tap_attr(n);
    int64_t start = 0;
    tap__axis(&axis, tap_shape_of(g).rank);
    for (int i = 0; tap_in(n, i).id; i++) {
        const tap_shape s = tap_shape_of(tap_in(n, i));
        int64_t         count = is_nothing(s) ? 0 : s.n[axis];
        if (tap_needs_grad(n, i) && !is_nothing(s)) gin[i] = tap_slice(g, axis, start, start + count, 1);
        start += count;
    }
}

static const tap_op cat_op = { "cat", cat_infer, cat_forward, cat_vjp, sizeof(int) };

tap_var tap_cat(int n, const tap_var *x, int axis)
{
    tap_tape *t = x ? tap__tape_of(n, x) : NULL;
    tap_var   all = tap__inert(t);
    if (!t || n <= TAP_MAX_INPUTS) return tap_apply(&cat_op, &axis, n, x);
    for (int i = 0; i < n; i += TAP_MAX_INPUTS - 1) {
        tap_var part[TAP_MAX_INPUTS];
        int     count = 0;
        if (i > 0) part[count++] = all;
        for (int k = i; k < n && k < i + TAP_MAX_INPUTS - 1; k++) part[count++] = x[k];
        all = tap_apply(&cat_op, &axis, count, part);
    }
    return all;
}

tap_var tap_stack(int n, const tap_var *x, int axis)
{
    TAP_CALL_N("stack", n, x);
    tap_tape *t = x ? tap__tape_of(n, x) : NULL;
    tap_var  *wide = t ? tap__arena_acquire(t->arena, (size_t)n * sizeof *wide) : NULL;
    if (!wide) {
        if (t) tap__no_memory(t, NULL);
        return tap__inert(t);
    }
    for (int i = 0; i < n; i++) wide[i] = tap_unsqueeze(x[i], axis);
    tap_var all = tap_cat(n, wide, axis);
    tap__arena_release(t->arena, wide);
    return all;
}

/* ---- Pieces along an axis: how many there are, or 0 and an error ---- */

static bool can_take(const tap_node *n, const char *call, int *axis, int64_t pieces, int room, const tap_var *out)
{
    if (!tap__axis(axis, n->value.shape.rank)) tap__fail_input(n, TAP_EARG, call, "the axis is out of range");
    else if (pieces > room || (pieces > 0 && !out))
        tap__fail_input(n, TAP_EARG, call, "there are more pieces than there is room for");
    else return true;
    return false;
}

/* So that the pieces of a failed call are inert, as any other result is. */
static const tap_node *start(tap_var x, int room, tap_var *out)
{
    for (int i = 0; out && i < room; i++) out[i] = tap__inert(x.tape);
    return tap__node_of(x);
}

static int64_t size_of(const tap_node *n, int axis)
{
    return tap__axis(&axis, n->value.shape.rank) ? n->value.shape.n[axis] : 0;
}

int tap_split(tap_var x, int64_t size, int axis, int room, tap_var *out)
{
    TAP_CALL("split", x);
    const tap_node *n = start(x, room, out);
    if (!n) return 0;
    int64_t whole = size_of(n, axis), pieces = size > 0 && whole > 0 ? (whole - 1) / size + 1 : 1;
    if (size < 0 || (size == 0 && whole > 0)) tap__fail_input(n, TAP_EARG, "split", "the size of a piece must be above 0");
    else if (can_take(n, "split", &axis, pieces, room, out)) {
        for (int64_t i = 0; i < pieces; i++) {
            int64_t start = i * size, rest = whole - start;
            out[i] = tap_narrow(x, axis, start, rest < size ? rest : size);
        }
        return (int)pieces;
    }
    return 0;
}

int tap_chunk(tap_var x, int64_t chunks, int axis, int room, tap_var *out)
{
    TAP_CALL("chunk", x);
    const tap_node *n = start(x, room, out);
    if (!n) return 0;
    if (chunks < 1) {
        tap__fail_input(n, TAP_EARG, "chunk", "the number of chunks must be above 0");
        return 0;
    }
    int64_t whole = size_of(n, axis);
    return tap_split(x, whole > 0 ? (whole - 1) / chunks + 1 : 1, axis, room, out);
}

int tap_unbind(tap_var x, int axis, int room, tap_var *out)
{
    TAP_CALL("unbind", x);
    const tap_node *n = start(x, room, out);
    if (!n || !can_take(n, "unbind", &axis, size_of(n, axis), room, out)) return 0;
    int pieces = (int)n->value.shape.n[axis];
    for (int i = 0; i < pieces; i++) out[i] = tap_select(x, axis, i);
    return pieces;
}

/* ---- Repeating and rolling ---- */

/* Axis by axis, seen as [outer,n,inner]: repeating n is expanding an axis in front of it. */
tap_var tap_repeat(tap_var x, tap_shape times)
{
    TAP_CALL("repeat", x);
    const tap_node *n = tap__node_of(x);
    if (!n) return tap__inert(x.tape);
    tap_shape s = n->value.shape, out = times;
    bool      valid = tap_numel(times) >= 0;
    int       lead = valid ? times.rank - s.rank : -1;
    if (lead < 0) return tap__fail_input(n, TAP_ESHAPE, "repeat", "needs a number of times for every axis");
    for (int i = 0; i < times.rank && valid; i++)
        valid = !__builtin_mul_overflow(i < lead ? 1 : s.n[i - lead], times.n[i], &out.n[i]);
    if (!valid || tap_numel(out) < 0) return tap__fail_input(n, TAP_ESHAPE, "repeat", "too many times");
    int64_t outer = 1, inner = tap_numel(s);
    for (int i = 0; i < times.rank; i++) {
        int64_t size = i < lead ? 1 : s.n[i - lead];
        if (times.n[i] != 1) x = tap_expand(tap_reshape(x, TAP_SHAPE(outer, 1, inner)), TAP_SHAPE(outer, times.n[i], inner));
        outer *= out.n[i];
        if (size > 0) inner /= size;
    }
    return tap_reshape(x, out);
}

tap_var tap_tile(tap_var x, tap_shape times)
{
    TAP_CALL("tile", x);
    if (tap_numel(times) < 0) return tap_repeat(x, times);
    int       rank = tap_shape_of(x).rank;
    tap_shape all = { .rank = times.rank > rank ? times.rank : rank };
    for (int i = 0; i < all.rank; i++) all.n[i] = i < all.rank - times.rank ? 1 : times.n[i - (all.rank - times.rank)];
    return tap_repeat(x, all);
}

static tap_var roll_axis(tap_var x, int64_t shift, int axis)
{
    int64_t size = tap_shape_of(x).n[axis];
    shift = size > 0 ? (shift % size + size) % size : 0;
    if (shift == 0) return x;
    return tap_cat(2, (tap_var[]){ tap_slice(x, axis, size - shift, TAP_END, 1), tap_slice(x, axis, 0, size - shift, 1) },
                   axis);
}

tap_var tap_roll(tap_var x, int n, const int64_t *shifts, const int *axes)
{
    TAP_CALL("roll", x);
    const tap_node *node = tap__node_of(x);
    if (!node) return tap__inert(x.tape);
    tap_shape s = node->value.shape;
    if (n < 0 || (n > 0 && !shifts) || (!axes && n != 1))
        return tap__fail_input(node, TAP_EARG, "roll", "needs a shift for every axis");
    if (!axes) return tap_reshape(roll_axis(tap_flatten(x, 0, -1), *shifts, 0), s);
    for (int i = 0; i < n; i++) {
        int axis = axes[i];
        if (!tap__axis(&axis, s.rank)) return tap__fail_input(node, TAP_EARG, "roll", "axis %d is out of range", axes[i]);
        x = roll_axis(x, shifts[i], axis);
    }
    return x;
}
