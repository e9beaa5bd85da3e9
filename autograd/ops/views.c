/* autograd/ops/views.c: operators whose result is a view of their input, and their adjoints. If a view has every element
 * once (permute, reshape), its gradient is a view as well. If it leaves out elements or has some several times (slice,
 * diagonal, unfold), its gradient is embed: zeros, with the gradient added to the elements of the view. */
#include <string.h>

#include "autograd/internal.h"
#include "tensor/internal.h"
#include "tensor/shape.h"
#include "tensor/view.h"

/* The reason in a message "call: shape: reason" of tensor/. */
static const char *reason_of(const tap_error *e)
{
    const char *shape = strstr(e->message, ": ");
    const char *why = shape ? strstr(shape + 2, ": ") : NULL;
    return why ? why + 2 : e->message;
}

/* The status of a view function of tensor/, for an operator's infer: its error becomes the call's, which names the inputs. */
static tap_status infer_from(tap_call *c, tap_status status, const tap_error *e)
{
    return status == TAP_OK ? TAP_OK : tap_call_fail(c, status, "%s", reason_of(e));
}

/* Fails the tape with an error of tensor/, for a function that is composed of operators. */
static tap_var fail_with(const tap_node *n, const char *call, const tap_error *e)
{
    return tap__fail_input(n, e->status, call, "%s", reason_of(e));
}

/* ---- permute ---- */

typedef struct {
    int rank, axis[TAP_MAX_RANK];
} permutation;

static tap_status permute_infer(tap_call *c, tap_tensor *out)
{
    const permutation *p = c->attr;
    tap_error          e = { 0 };
    return infer_from(c, tap__permute(c->in[0], p->rank, p->axis, out, &e), &e);
}

static void permute_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const permutation *p = tap_attr(n);
    int                inverse[TAP_MAX_RANK];
    for (int i = 0; i < p->rank; i++) inverse[p->axis[i] < 0 ? p->axis[i] + p->rank : p->axis[i]] = i;
    gin[0] = tap_permute(g, p->rank, inverse);
}

static const tap_op permute_op = { "permute", permute_infer, NULL, permute_vjp, sizeof(permutation) };

tap_var tap_permute(tap_var x, int rank, const int *axes)
{
    permutation p = { .rank = axes ? rank : -1 };
    for (int i = 0; axes && i < rank && i < TAP_MAX_RANK; i++) p.axis[i] = axes[i];
    return tap_apply(&permute_op, &p, 1, &x);
}

tap_var tap_transpose(tap_var x, int axis0, int axis1)
{
    TAP_CALL("transpose", x);
    const tap_node *n = tap__node_of(x);
    tap_tensor      y;
    tap_error       e = { 0 };
    int             axes[TAP_MAX_RANK];
    if (!n) return tap__inert(x.tape);
    if (tap__transpose(n->value, axis0, axis1, axes, &y, &e) != TAP_OK) return fail_with(n, "transpose", &e);
    return tap_permute(x, n->value.shape.rank, axes);
}

tap_var tap_mT(tap_var x)
{
    TAP_CALL("mT", x);
    return tap_transpose(x, -2, -1);
}

tap_var tap_movedim(tap_var x, int n, const int *from, const int *to)
{
    TAP_CALL("movedim", x);
    const tap_node *node = tap__node_of(x);
    int             axes[TAP_MAX_RANK], rank;
    unsigned        moved_from = 0, moved_to = 0;
    if (!node) return tap__inert(x.tape);
    rank = node->value.shape.rank;
    if (n < 0 || n > rank) return tap__fail_input(node, TAP_EARG, "movedim", "n must be 0 to %d, not %d", rank, n);
    if (n > 0 && (!from || !to)) return tap__fail_input(node, TAP_EARG, "movedim", "from and to must not be NULL");
    for (int i = 0; i < n; i++) {
        int a = from[i], b = to[i];
        if (!tap__normalize_axis(&a, rank) || !tap__normalize_axis(&b, rank))
            return tap__fail_input(node, TAP_EARG, "movedim", "axis %d or %d is out of range", from[i], to[i]);
        if (moved_from & 1u << a || moved_to & 1u << b)
            return tap__fail_input(node, TAP_EARG, "movedim", "axis %d or %d occurs twice", from[i], to[i]);
        moved_from |= 1u << a;
        moved_to |= 1u << b;
        axes[b] = a;
    }
    for (int i = 0, rest = 0; i < rank; i++) {
        if (moved_to & 1u << i) continue;
        while (moved_from & 1u << rest) rest++;
        axes[i] = rest++;
    }
    return tap_permute(x, rank, axes);
}

/* ---- expand: the engine sums its gradient to the shape of the input ---- */

static tap_status expand_infer(tap_call *c, tap_tensor *out)
{
    tap_error e = { 0 };
    return infer_from(c, tap__expand(c->in[0], *(const tap_shape *)c->attr, out, &e), &e);
}

static void expand_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)n;
    gin[0] = g;
}

static const tap_op expand_op = { "expand", expand_infer, NULL, expand_vjp, sizeof(tap_shape) };

tap_var tap_expand(tap_var x, tap_shape shape)
{
    return tap_apply(&expand_op, &shape, 1, &x);
}

/* ---- reshape ---- */

static tap_status reshape_infer(tap_call *c, tap_tensor *out)
{
    tap_error e = { 0 };
    tap_shape shape = *(const tap_shape *)c->attr;
    if (tap__reshape_shape(c->in[0].shape, &shape, &e) != TAP_OK) return infer_from(c, e.status, &e);
    if (tap__reshape_view(c->in[0], shape, out)) return TAP_OK;
    *out = (tap_tensor){ .dtype = c->in[0].dtype, .shape = shape };
    return TAP_OK;
}

static void reshape_forward(tap_call *c, tap_tensor *out)
{
    tap_tensor flat = tap_tensor_wrap(out->dtype, c->in[0].shape, out->data);
    tap__tensor_copy(flat, c->in[0], NULL);
}

static void reshape_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap_reshape(g, tap_shape_of(tap_in(n, 0)));
}

static const tap_op reshape_op = { "reshape", reshape_infer, reshape_forward, reshape_vjp, sizeof(tap_shape) };

tap_var tap_reshape(tap_var x, tap_shape shape)
{
    return tap_apply(&reshape_op, &shape, 1, &x);
}

tap_var tap_flatten(tap_var x, int start, int end)
{
    TAP_CALL("flatten", x);
    const tap_node *n = tap__node_of(x);
    if (!n) return tap__inert(x.tape);
    tap_shape s = n->value.shape, flat = { .rank = 1, .n = { 1 } };
    if (s.rank == 0) return tap_reshape(x, flat);
    if (!tap__normalize_axis(&start, s.rank) || !tap__normalize_axis(&end, s.rank) || start > end)
        return tap__fail_input(n, TAP_EARG, "flatten", "the axes are out of range or in the wrong order");
    flat.rank = 0;
    for (int i = 0; i < s.rank; i++) {
        if (i <= start || i > end) flat.n[flat.rank++] = s.n[i];
        else flat.n[flat.rank - 1] *= s.n[i];
    }
    return tap_reshape(x, flat);
}

tap_var tap_unflatten(tap_var x, int axis, tap_shape sizes)
{
    TAP_CALL("unflatten", x);
    const tap_node *n = tap__node_of(x);
    if (!n) return tap__inert(x.tape);
    tap_shape s = n->value.shape, to = { .rank = 0 };
    if (!tap__normalize_axis(&axis, s.rank)) return tap__fail_input(n, TAP_EARG, "unflatten", "the axis is out of range");
    if (sizes.rank < 1 || s.rank - 1 + sizes.rank > TAP_MAX_RANK)
        return tap__fail_input(n, TAP_EARG, "unflatten", "sizes must have 1 to %d axes, not %d", TAP_MAX_RANK + 1 - s.rank,
                               sizes.rank);
    tap_shape part = TAP_SHAPE(s.n[axis]);
    if (tap__reshape_shape(part, &sizes, NULL) != TAP_OK)
        return tap__fail_input(n, TAP_EARG, "unflatten", "the product of the sizes must be %lld", (long long)s.n[axis]);
    for (int i = 0; i < axis; i++) to.n[to.rank++] = s.n[i];
    for (int i = 0; i < sizes.rank; i++) to.n[to.rank++] = sizes.n[i];
    for (int i = axis + 1; i < s.rank; i++) to.n[to.rank++] = s.n[i];
    return tap_reshape(x, to);
}

tap_var tap_unsqueeze(tap_var x, int axis)
{
    TAP_CALL("unsqueeze", x);
    const tap_node *n = tap__node_of(x);
    tap_tensor      y;
    tap_error       e = { 0 };
    if (!n) return tap__inert(x.tape);
    if (tap__unsqueeze(n->value, axis, &y, &e) != TAP_OK) return fail_with(n, "unsqueeze", &e);
    return tap_reshape(x, y.shape);
}

tap_var tap_squeeze(tap_var x, tap_axes axes)
{
    TAP_CALL("squeeze", x);
    const tap_node *n = tap__node_of(x);
    unsigned        mask;
    tap_shape       kept, to = { .rank = 0 };
    tap_error       e = { 0 };
    if (!n) return tap__inert(x.tape);
    tap_shape s = n->value.shape;
    if (tap__reduced_shape(s, axes, &mask, &kept, &e) != TAP_OK)
        return tap__fail_input(n, TAP_EARG, "squeeze", "%s", e.message);
    for (int i = 0; i < s.rank; i++) {
        if (s.n[i] != 1 || !(mask & 1u << i)) to.n[to.rank++] = s.n[i];
    }
    return tap_reshape(x, to);
}

/* ---- embed: the adjoint of a view ---- */

typedef struct {
    tap_shape     shape;
    const tap_op *view;
    int64_t       attr[5]; /* the attributes of the view */
} embedding;

static tap_status embed_infer(tap_call *c, tap_tensor *out)
{
    const embedding *a = c->attr;
    out->dtype = c->in[0].dtype;
    out->shape = a->shape;
    return TAP_OK;
}

/* Whether windows, which are the last axis of x, overlap. Even then, the elements at one index within the windows do not. */
static bool overlaps(tap_tensor x)
{
    int last = x.shape.rank - 1;
    for (int i = 0; i < last; i++) {
        int64_t step = x.stride[i] < 0 ? -x.stride[i] : x.stride[i];
        if (x.shape.n[i] > 1 && step <= (x.shape.n[last] - 1) * x.stride[last]) return true;
    }
    return false;
}

static void embed_forward(tap_call *c, tap_tensor *out)
{
    const embedding *a = c->attr;
    tap_call         view = { c->tape, a->view, a->attr, 1, out };
    tap_tensor       target = { 0 }, g = c->in[0];
    tap__tensor_fill(*out, 0);
    if (tap_numel(g.shape) == 0 || a->view->infer(&view, &target) != TAP_OK) return;
    if (!overlaps(target) || !tap_dtype_is_float(out->dtype)) { /* only the windows of fold overlap, and they are floats */
        tap__tensor_copy(target, g, NULL);
        return;
    }
    for (int64_t i = 0; i < g.shape.n[g.shape.rank - 1]; i++) {
        tap_tensor target_i, g_i;
        tap__select(target, -1, i, &target_i, NULL);
        tap__select(g, -1, i, &g_i, NULL);
        tap__accumulate(target_i, g_i);
    }
}

static void embed_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const embedding *a = tap_attr(n);
    gin[0] = tap_apply(a->view, a->attr, 1, &g);
}

static const tap_op embed_op = { "embed", embed_infer, embed_forward, embed_vjp, sizeof(embedding) };

/* Zeros of the shape, with g added to the elements of the view that has these attributes. */
static tap_var embed(tap_var g, tap_shape shape, const tap_op *view, const void *attr)
{
    embedding a = { .shape = shape, .view = view };
    memcpy(a.attr, attr, view->attr_size);
    return tap_apply(&embed_op, &a, 1, &g);
}

static void view_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = embed(g, tap_shape_of(tap_in(n, 0)), n->op, tap_attr(n));
}

/* ---- slice ---- */

typedef struct {
    int64_t start, stop, step;
    int     axis;
} slice;

static tap_status slice_infer(tap_call *c, tap_tensor *out)
{
    const slice *s = c->attr;
    tap_error    e = { 0 };
    return infer_from(c, tap__slice(c->in[0], s->axis, s->start, s->stop, s->step, out, &e), &e);
}

static const tap_op slice_op = { "slice", slice_infer, NULL, view_vjp, sizeof(slice) };

tap_var tap_slice(tap_var x, int axis, int64_t start, int64_t stop, int64_t step)
{
    slice s = { start, stop, step, axis };
    return tap_apply(&slice_op, &s, 1, &x);
}

tap_var tap_select(tap_var x, int axis, int64_t index)
{
    TAP_CALL("select", x);
    const tap_node *n = tap__node_of(x);
    tap_tensor      y;
    tap_error       e = { 0 };
    if (!n) return tap__inert(x.tape);
    if (tap__select(n->value, axis, index, &y, &e) != TAP_OK) return fail_with(n, "select", &e);
    int64_t stop = index == -1 ? TAP_END : index + 1;
    return tap_squeeze(tap_slice(x, axis, index, stop, 1), TAP_AXES(axis));
}

tap_var tap_narrow(tap_var x, int axis, int64_t start, int64_t length)
{
    TAP_CALL("narrow", x);
    const tap_node *n = tap__node_of(x);
    int             at = axis;
    if (!n) return tap__inert(x.tape);
    if (!tap__normalize_axis(&at, n->value.shape.rank))
        return tap__fail_input(n, TAP_EARG, "narrow", "the axis is out of range");
    int64_t size = n->value.shape.n[at];
    if (start < 0 && start >= -size) start += size;
    if (start < 0 || length < 0 || start > size || length > size - start)
        return tap__fail_input(n, TAP_EARG, "narrow", "start %lld and length %lld exceed the axis of size %lld",
                               (long long)start, (long long)length, (long long)size);
    return tap_slice(x, axis, start, start + length, 1);
}

tap_var tap_flip(tap_var x, tap_axes axes)
{
    TAP_CALL("flip", x);
    const tap_node *n = tap__node_of(x);
    unsigned        mask;
    tap_shape       kept;
    tap_error       e = { 0 };
    if (!n) return tap__inert(x.tape);
    if (tap__reduced_shape(n->value.shape, axes, &mask, &kept, &e) != TAP_OK)
        return tap__fail_input(n, TAP_EARG, "flip", "%s", e.message);
    for (int i = 0; i < TAP_MAX_RANK; i++) {
        if (mask & 1u << i) x = tap_slice(x, i, TAP_END, TAP_END, -1);
    }
    return x;
}

/* ---- diagonal ---- */

typedef struct {
    int64_t offset;
    int     axis1, axis2;
} diagonal;

static tap_status diagonal_infer(tap_call *c, tap_tensor *out)
{
    const diagonal *d = c->attr;
    tap_error       e = { 0 };
    return infer_from(c, tap__diagonal(c->in[0], d->offset, d->axis1, d->axis2, out, &e), &e);
}

static const tap_op diagonal_op = { "diagonal", diagonal_infer, NULL, view_vjp, sizeof(diagonal) };

tap_var tap_diagonal(tap_var x, int64_t offset, int axis1, int axis2)
{
    diagonal d = { offset, axis1, axis2 };
    return tap_apply(&diagonal_op, &d, 1, &x);
}

tap_var tap_diag_embed(tap_var x, int64_t offset, int axis1, int axis2)
{
    TAP_CALL("diag_embed", x);
    const tap_node *n = tap__node_of(x);
    int             a = axis1, b = axis2;
    if (!n) return tap__inert(x.tape);
    tap_shape s = n->value.shape, square = { .rank = s.rank + 1 };
    if (s.rank == 0 || s.rank == TAP_MAX_RANK)
        return tap__fail_input(n, TAP_EARG, "diag_embed", "the rank must be 1 to %d, not %d", TAP_MAX_RANK - 1, s.rank);
    if (!tap__normalize_axis(&a, square.rank) || !tap__normalize_axis(&b, square.rank) || a == b)
        return tap__fail_input(n, TAP_EARG, "diag_embed", "the axes are out of range or the same");
    int64_t side;
    if (offset == INT64_MIN || __builtin_add_overflow(s.n[s.rank - 1], offset < 0 ? -offset : offset, &side))
        return tap__fail_input(n, TAP_EARG, "diag_embed", "the offset is too large");
    for (int i = 0, k = 0; i < square.rank; i++) square.n[i] = i == a || i == b ? side : s.n[k++];
    return embed(x, square, &diagonal_op, &(diagonal){ offset, axis1, axis2 });
}

tap_var tap_diag(tap_var x, int64_t offset)
{
    TAP_CALL("diag", x);
    const tap_node *n = tap__node_of(x);
    if (!n) return tap__inert(x.tape);
    if (n->value.shape.rank == 1) return tap_diag_embed(x, offset, 0, 1);
    return n->value.shape.rank == 2
               ? tap_diagonal(x, offset, 0, 1)
               : tap__fail_input(n, TAP_EARG, "diag", "the rank must be 1 or 2, not %d", n->value.shape.rank);
}

/* ---- unfold ---- */

typedef struct {
    int64_t size, step;
    int     axis;
} window;

static tap_status unfold_infer(tap_call *c, tap_tensor *out)
{
    const window *w = c->attr;
    tap_error     e = { 0 };
    return infer_from(c, tap__unfold(c->in[0], w->axis, w->size, w->step, out, &e), &e);
}

static const tap_op unfold_op = { "unfold", unfold_infer, NULL, view_vjp, sizeof(window) };

tap_var tap_unfold(tap_var x, int axis, int64_t size, int64_t step)
{
    window w = { size, step, axis };
    return tap_apply(&unfold_op, &w, 1, &x);
}

tap_var tap_fold(tap_var windows, int axis, int64_t n, int64_t step)
{
    TAP_CALL("fold", windows);
    const tap_node *w = tap__node_of(windows);
    int             at = axis;
    if (!w) return tap__inert(windows.tape);
    tap_shape s = w->value.shape;
    int       rank = s.rank - 1;
    if (!tap_dtype_is_float(w->value.dtype))
        return tap__fail_input(w, TAP_EDTYPE, "fold", "%s is not float32 or float64; tap_cast makes it so",
                               tap_dtype_name(w->value.dtype));
    if (rank < 1 || !tap__normalize_axis(&at, rank))
        return tap__fail_input(w, TAP_EARG, "fold", "needs the windows as last axis, and the axis %d before it", axis);
    int64_t size = s.n[rank], count = s.n[at];
    if (size < 1 || step < 1 || n < size || (n - size) / step + 1 != count)
        return tap__fail_input(w, TAP_EARG, "fold", "%lld windows of size %lld and step %lld do not cover an axis of size %lld",
                               (long long)count, (long long)size, (long long)step, (long long)n);
    s.rank = rank;
    s.n[at] = n;
    return embed(windows, s, &unfold_op, &(window){ size, step, axis });
}

tap_var tap_zero_pad(tap_var x, int axis, int64_t before, int64_t after)
{
    TAP_CALL("zero_pad", x);
    const tap_node *n = tap__node_of(x);
    int             at = axis;
    int64_t         total;
    if (!n) return tap__inert(x.tape);
    tap_shape s = n->value.shape;
    if (!tap__normalize_axis(&at, s.rank)) return tap__fail_input(n, TAP_EARG, "zero_pad", "axis %d is out of range", axis);
    int64_t size = s.n[at];
    if (before < -size || after < -size || __builtin_add_overflow(before, after, &total) ||
        __builtin_add_overflow(total, size, &total) || total < 0)
        return tap__fail_input(n, TAP_EARG, "zero_pad", "%lld before and %lld after leave no valid size of axis %d",
                               (long long)before, (long long)after, axis);
    x = tap_slice(x, at, before < 0 ? -before : 0, after < 0 ? size + after : TAP_END, 1);
    if (before <= 0 && after <= 0) return x;
    int64_t start = before > 0 ? before : 0, stop = start + tap_shape_of(x).n[at];
    s.n[at] = total;
    return embed(x, s, &slice_op, &(slice){ start, stop, 1, at });
}
