/* autograd/ops/join.c: joining tensors (cat, stack), splitting them (split, chunk, unbind), and repeating and rolling
 * elements. */
#include "autograd/internal.h"
#include "tensor/arena.h"
#include "tensor/internal.h"
#include "tensor/shape.h"
#include "tensor/view.h"

/* cat ignores an empty vector [0] among inputs of any shape, as PyTorch does. */
static bool is_ignored(tap_shape s)
{
    return s.rank == 1 && s.n[0] == 0;
}

/* The first input that is not ignored: all others must have its shape except along the axis. */
static int first_input(const tap_call *c)
{
    int i = 0;
    while (i < c->n_in - 1 && is_ignored(c->in[i].shape)) i++;
    return is_ignored(c->in[i].shape) ? 0 : i;
}

static tap_status cat_infer(tap_call *c, tap_tensor *out)
{
    const int original_axis = *(const int *)c->attr, first = first_input(c);
    int       axis = original_axis;
    out->dtype = c->in[0].dtype;
    out->shape = c->in[first].shape;
    if (!tap__normalize_axis(&axis, out->shape.rank))
        return tap_call_fail(c, TAP_EARG, "axis %d is out of range", original_axis);
    for (int i = 1; i < c->n_in; i++) {
        tap_shape s = c->in[i].shape;
        if (c->in[i].dtype != out->dtype) return tap_call_fail(c, TAP_EDTYPE, "the dtype of input %d differs from input 0", i);
        if (i <= first || is_ignored(s)) continue;
        bool fits = s.rank == out->shape.rank;
        for (int k = 0; fits && k < s.rank; k++) fits = k == axis || s.n[k] == out->shape.n[k];
        if (!fits || __builtin_add_overflow(out->shape.n[axis], s.n[axis], &out->shape.n[axis]))
            return tap_call_fail(c, TAP_ESHAPE, "inputs %d and %d may differ in shape along axis %d only", first, i,
                                 original_axis);
    }
    return TAP_OK;
}

static void cat_forward(tap_call *c, tap_tensor *out)
{
    int        axis = *(const int *)c->attr;
    int64_t    start = 0;
    tap_tensor target;
    tap__normalize_axis(&axis, out->shape.rank);
    for (int i = 0; i < c->n_in; i++) {
        if (is_ignored(c->in[i].shape)) continue;
        int64_t count = c->in[i].shape.n[axis];
        tap__slice(*out, axis, start, start + count, 1, &target, NULL);
        tap__tensor_copy(target, c->in[i], NULL);
        start += count;
    }
}

static void cat_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    int     axis = *(const int *)tap_attr(n);
    int64_t start = 0;
    tap__normalize_axis(&axis, tap_shape_of(g).rank);
    for (int i = 0; tap_in(n, i).id; i++) {
        const tap_shape s = tap_shape_of(tap_in(n, i));
        int64_t         count = is_ignored(s) ? 0 : s.n[axis];
        if (tap_needs_grad(n, i) && !is_ignored(s)) gin[i] = tap_slice(g, axis, start, start + count, 1);
        start += count;
    }
}

static const tap_op cat_op = { "cat", cat_infer, cat_forward, cat_vjp, sizeof(int) };

/* More inputs than a node can have are joined in groups, and then the groups. */
tap_var tap_cat(int n, const tap_var *x, int axis)
{
    tap_tape *t = x ? tap__tape_of(n, x) : NULL;
    if (!t || n <= TAP_MAX_INPUTS) return tap_apply(&cat_op, &axis, n, x);
    const int groups = (n - 1) / TAP_MAX_INPUTS + 1;
    tap_var  *group = tap__arena_acquire(t->arena, (size_t)groups * sizeof *group);
    if (!group) {
        tap__no_memory(t, NULL);
        return tap__inert(t);
    }
    for (int i = 0; i < groups; i++) {
        const int from = i * TAP_MAX_INPUTS, count = n - from < TAP_MAX_INPUTS ? n - from : TAP_MAX_INPUTS;
        group[i] = tap_apply(&cat_op, &axis, count, x + from);
    }
    const tap_var all = tap_cat(groups, group, axis);
    tap__arena_release(t->arena, group);
    return all;
}

tap_var tap_stack(int n, const tap_var *x, int axis)
{
    TAP_CALL_N("stack", n, x);
    tap_tape *t = x ? tap__tape_of(n, x) : NULL;
    tap_var  *unsqueezed = t ? tap__arena_acquire(t->arena, (size_t)n * sizeof *unsqueezed) : NULL;
    if (!unsqueezed) {
        if (t) tap__no_memory(t, NULL);
        return tap__inert(t);
    }
    for (int i = 0; i < n; i++) unsqueezed[i] = tap_unsqueeze(x[i], axis);
    tap_var all = tap_cat(n, unsqueezed, axis);
    tap__arena_release(t->arena, unsqueezed);
    return all;
}

/* ---- split, chunk and unbind: they return the number of parts, or 0 after an error ---- */

/* Checks the axis, and that out has capacity for the parts. */
static bool check_parts(const tap_node *n, const char *call, int *axis, int64_t parts, int capacity, const tap_var *out)
{
    if (!tap__normalize_axis(axis, n->value.shape.rank)) tap__fail_input(n, TAP_EARG, call, "the axis is out of range");
    else if (parts > capacity || (parts > 0 && !out))
        tap__fail_input(n, TAP_EARG, call, "the capacity of out must be at least %lld, not %d", (long long)parts,
                        out ? capacity : 0);
    else return true;
    return false;
}

/* The node of x. All of out becomes inert, as the results of a failed call are. */
static const tap_node *begin_parts(tap_var x, int capacity, tap_var *out)
{
    for (int i = 0; out && i < capacity; i++) out[i] = tap__inert(x.tape);
    return tap__node_of(x);
}

static int64_t size_of(const tap_node *n, int axis)
{
    return tap__normalize_axis(&axis, n->value.shape.rank) ? n->value.shape.n[axis] : 0;
}

int tap_split(tap_var x, int64_t size, int axis, int capacity, tap_var *out)
{
    TAP_CALL("split", x);
    const tap_node *n = begin_parts(x, capacity, out);
    if (!n) return 0;
    int64_t whole = size_of(n, axis), parts = size > 0 && whole > 0 ? (whole - 1) / size + 1 : 1;
    if (size < 0 || (size == 0 && whole > 0))
        tap__fail_input(n, TAP_EARG, "split", "size must be at least 1, not %lld", (long long)size);
    else if (check_parts(n, "split", &axis, parts, capacity, out)) {
        for (int64_t i = 0; i < parts; i++) {
            int64_t start = i * size, rest = whole - start;
            out[i] = tap_narrow(x, axis, start, rest < size ? rest : size);
        }
        return (int)parts;
    }
    return 0;
}

int tap_chunk(tap_var x, int64_t chunks, int axis, int capacity, tap_var *out)
{
    TAP_CALL("chunk", x);
    const tap_node *n = begin_parts(x, capacity, out);
    if (!n) return 0;
    if (chunks < 1) {
        tap__fail_input(n, TAP_EARG, "chunk", "chunks must be at least 1, not %lld", (long long)chunks);
        return 0;
    }
    int64_t whole = size_of(n, axis);
    return tap_split(x, whole > 0 ? (whole - 1) / chunks + 1 : 1, axis, capacity, out);
}

int tap_unbind(tap_var x, int axis, int capacity, tap_var *out)
{
    TAP_CALL("unbind", x);
    const tap_node *n = begin_parts(x, capacity, out);
    if (!n || !check_parts(n, "unbind", &axis, size_of(n, axis), capacity, out)) return 0;
    int parts = (int)n->value.shape.n[axis];
    for (int i = 0; i < parts; i++) out[i] = tap_select(x, axis, i);
    return parts;
}

/* ---- Repeating and rolling ---- */

/* Axis by axis, with x as [outer,n,inner]: n is repeated by expanding a new axis before it. */
tap_var tap_repeat(tap_var x, tap_shape times)
{
    TAP_CALL("repeat", x);
    const tap_node *n = tap__node_of(x);
    if (!n) return tap__inert(x.tape);
    tap_shape s = n->value.shape, out = times;
    bool      valid = tap_numel(times) >= 0;
    int       lead = valid ? times.rank - s.rank : -1;
    if (!valid) return tap__fail_input(n, TAP_ESHAPE, "repeat", "times must be numbers from 0 up with a product below 2^63");
    if (lead < 0)
        return tap__fail_input(n, TAP_ESHAPE, "repeat", "times must have at least %d numbers, not %d", s.rank, times.rank);
    for (int i = 0; i < times.rank && valid; i++)
        valid = !__builtin_mul_overflow(i < lead ? 1 : s.n[i - lead], times.n[i], &out.n[i]);
    if (!valid || tap_numel(out) < 0)
        return tap__fail_input(n, TAP_ESHAPE, "repeat", "the result has more than 2^63 - 1 elements");
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
        return tap__fail_input(node, TAP_EARG, "roll", "needs shifts, and axes unless n is 1");
    if (!axes) return tap_reshape(roll_axis(tap_flatten(x, 0, -1), *shifts, 0), s);
    for (int i = 0; i < n; i++) {
        int axis = axes[i];
        if (!tap__normalize_axis(&axis, s.rank))
            return tap__fail_input(node, TAP_EARG, "roll", "axis %d is out of range", axes[i]);
        x = roll_axis(x, shifts[i], axis);
    }
    return x;
}
