/* autograd/ops/indexing.c: operators that read and write elements at the places an index tensor gives. gather and
 * scatter_add are each other's gradients. */
#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "tensor/kernels/index.h"
#include "tensor/internal.h"
#include "tensor/shape.h"

tap_var tap__at_least_1d(tap_var x)
{
    return tap_shape_of(x).rank == 0 ? tap_reshape(x, TAP_SHAPE(1)) : x;
}

static bool is_empty(tap_var x)
{
    return x.id && tap_numel(tap_shape_of(x)) == 0;
}

/* Checks in[1], the index into in[0] along the axis. */
static tap_status check_index(tap_call *c, int axis)
{
    tap_shape x = c->in[0].shape, index = c->in[1].shape;
    int64_t   bad;
    int       at = axis;
    if (c->in[1].dtype != TAP_I64)
        return tap_call_fail(c, TAP_EDTYPE, "the index is %s, not int64", tap_dtype_name(c->in[1].dtype));
    if (!tap__normalize_axis(&at, x.rank)) return tap_call_fail(c, TAP_EARG, "axis %d is out of range", axis);
    if (x.rank != index.rank) return tap_call_fail(c, TAP_ESHAPE, "the index must have as many axes as the tensor");
    for (int i = 0; i < x.rank; i++) {
        if (i != at && index.n[i] > x.n[i])
            return tap_call_fail(c, TAP_ESHAPE, "only along axis %d may the index be larger than the tensor", axis);
    }
    if (!tap__index_in_range(c->in[1], x.n[at], &bad))
        return tap_call_fail(c, TAP_EARG, "index %lld is out of range for axis %d", (long long)bad, axis);
    return TAP_OK;
}

static int axis_of(tap_call *c)
{
    int axis = *(const int *)c->attr;
    tap__normalize_axis(&axis, c->in[0].shape.rank);
    return axis;
}

/* ---- gather ---- */

static tap_status gather_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    out->shape = c->in[1].shape;
    return check_index(c, *(const int *)c->attr);
}

static void gather_forward(tap_call *c, tap_tensor *out)
{
    tap__index(TAP__GATHER, c->in[0], *out, c->in[1], axis_of(c));
}

static void gather_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap_scatter_add(tap_full_like(tap_in(n, 0), 0), *(const int *)tap_attr(n), tap_in(n, 1), g);
}

static const tap_op gather_op = { "gather", gather_infer, gather_forward, gather_vjp, sizeof(int) };

tap_var tap_gather(tap_var x, int axis, tap_var index)
{
    TAP_CALL("gather", x, index);
    tap_shape shape = tap_shape_of(index);
    if (is_empty(index) && x.tape == index.tape) return tap_reshape(tap_slice(tap_flatten(x, 0, -1), 0, 0, 0, 1), shape);
    return tap_reshape(tap_apply(&gather_op, &axis, 2, (tap_var[]){ tap__at_least_1d(x), tap__at_least_1d(index) }), shape);
}

/* ---- scatter, scatter_add ---- */

static tap_status scatter_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    if (check_index(c, *(const int *)c->attr) != TAP_OK) return c->tape->error.status;
    if (c->in[2].dtype != out->dtype)
        return tap_call_fail(c, TAP_EDTYPE, "dtypes %s and %s differ", tap_dtype_name(out->dtype),
                             tap_dtype_name(c->in[2].dtype));
    if (!tap_shape_equal(c->in[1].shape, c->in[2].shape))
        return tap_call_fail(c, TAP_ESHAPE, "index and source differ in shape");
    return TAP_OK;
}

static tap_status scatter_add_infer(tap_call *c, tap_tensor *out)
{
    if (!tap_dtype_is_float(c->in[0].dtype))
        return tap_call_fail(c, TAP_EDTYPE, "%s is not float32 or float64; tap_cast makes it so",
                             tap_dtype_name(c->in[0].dtype));
    return scatter_infer(c, out);
}

static void scatter_forward(tap_call *c, tap_tensor *out)
{
    tap__tensor_copy(*out, c->in[0], NULL);
    tap__index(TAP__SCATTER, *out, c->in[2], c->in[1], axis_of(c));
}

static void scatter_add_forward(tap_call *c, tap_tensor *out)
{
    tap__tensor_copy(*out, c->in[0], NULL);
    tap__index(TAP__SCATTER_ADD, *out, c->in[2], c->in[1], axis_of(c));
}

/* bool, of the index's shape: whether an element of the source is in the result. Where several are written to one place, the
 * last is. */
static tap_var last_writers(tap_tape *t, int axis, tap_var index, tap_shape shape)
{
    tap_shape along = { .rank = shape.rank }, s = tap_shape_of(index);
    if (!tap__normalize_axis(&axis, shape.rank)) return tap__inert(t); /* the tape has failed */
    for (int i = 0; i < shape.rank; i++) along.n[i] = i == axis ? s.n[i] : 1;
    tap_var position = tap_expand(tap_reshape(tap_arange(t, s.n[axis]), along), s);
    tap_var no_writer = tap_expand(tap__scalar(t, TAP_I64, -1), shape);
    return tap_eq(tap_gather(tap_scatter(no_writer, axis, index, position), axis, index), position);
}

static void scatter_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    int     axis = *(const int *)tap_attr(n);
    tap_var index = tap_in(n, 1), zero = tap_scalar_like(g, 0);
    if (tap_needs_grad(n, 0)) gin[0] = tap_scatter(g, axis, index, tap_expand(zero, tap_shape_of(index)));
    if (tap_needs_grad(n, 2))
        gin[2] = tap_where(last_writers(n->tape, axis, index, tap_shape_of(g)), tap_gather(g, axis, index), zero);
}

static void scatter_add_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    if (tap_needs_grad(n, 0)) gin[0] = g;
    if (tap_needs_grad(n, 2)) gin[2] = tap_gather(g, *(const int *)tap_attr(n), tap_in(n, 1));
}

static const tap_op scatter_op = { "scatter", scatter_infer, scatter_forward, scatter_vjp, sizeof(int) };
static const tap_op scatter_add_op = { "scatter_add", scatter_add_infer, scatter_add_forward, scatter_add_vjp, sizeof(int) };

/* Of a source that is larger than the index, the first elements are written. */
static tap_var scatter(const tap_op *op, tap_var x, int axis, tap_var index, tap_var src)
{
    tap_shape shape = tap_shape_of(x), s = tap_shape_of(index), from = tap_shape_of(src);
    if (is_empty(index) && x.tape == index.tape) return x;
    for (int i = 0; i < s.rank && s.rank == from.rank; i++) {
        if (s.n[i] < from.n[i]) src = tap_narrow(src, i, 0, s.n[i]);
    }
    const tap_var in[3] = { tap__at_least_1d(x), tap__at_least_1d(index), tap__at_least_1d(src) };
    return tap_reshape(tap_apply(op, &axis, 3, in), shape);
}

tap_var tap_scatter(tap_var x, int axis, tap_var index, tap_var src)
{
    TAP_CALL("scatter", x, index, src);
    return scatter(&scatter_op, x, axis, index, src);
}

tap_var tap_scatter_add(tap_var x, int axis, tap_var index, tap_var src)
{
    TAP_CALL("scatter_add", x, index, src);
    return scatter(&scatter_add_op, x, axis, index, src);
}

/* ---- index_select and take_along_dim: gather with an index of another shape ---- */

tap_var tap_index_select(tap_var x, int axis, tap_var index)
{
    TAP_CALL("index_select", x, index);
    int at = axis;
    if (!tap__same_tape("index_select", 2, (tap_var[]){ x, index })) return tap__inert(x.tape);
    const tap_node *n = tap__node_of(x);
    tap_var         wide = tap__at_least_1d(x), i = tap__at_least_1d(index);
    tap_shape       s = tap_shape_of(wide), along = { .rank = s.rank }, shape = tap_shape_of(i);
    if (!tap__normalize_axis(&at, s.rank)) return tap__fail_input(n, TAP_EARG, "index_select", "axis %d is out of range", axis);
    if (shape.rank != 1)
        return tap__fail_input(n, TAP_ESHAPE, "index_select", "the index must have one axis, not %d", shape.rank);
    for (int k = 0; k < s.rank; k++) along.n[k] = k == at ? shape.n[0] : 1;
    s.n[at] = shape.n[0];
    tap_var y = tap_gather(wide, at, tap_expand(tap_reshape(i, along), s));
    return n->value.shape.rank == 0 ? tap_reshape(y, TAP_SCALAR) : y;
}

tap_var tap_take_along_dim(tap_var x, tap_var index, int axis)
{
    TAP_CALL("take_along_dim", x, index);
    int at = axis;
    if (!tap__same_tape("take_along_dim", 2, (tap_var[]){ x, index })) return tap__inert(x.tape);
    const tap_node *n = tap__node_of(x);
    tap_shape       s = tap_shape_of(x), i = tap_shape_of(index), broadcast, out;
    if (!tap__normalize_axis(&at, s.rank))
        return tap__fail_input(n, TAP_EARG, "take_along_dim", "axis %d is out of range", axis);
    if (s.rank != i.rank)
        return tap__fail_input(n, TAP_ESHAPE, "take_along_dim", "the index must have as many axes as the tensor");
    int64_t length = s.n[at], count = i.n[at];
    s.n[at] = i.n[at] = 1;
    if (!tap__broadcast_shapes(s, i, &broadcast))
        return tap__fail_input(n, TAP_ESHAPE, "take_along_dim", "the index does not broadcast");
    out = broadcast;
    broadcast.n[at] = length;
    out.n[at] = count;
    return tap_gather(tap_expand(x, broadcast), at, tap_expand(index, out));
}
