/* Operators that change the shape: views of their input, whose gradients are views too; and what needs a copy: reshape at
 * times, pad, cat. */
#include <string.h>

#include "autograd/internal.h"

/* The reason in a message "call: shape: reason" of the tensor floor. */
static const char *reason(const tap_error *e)
{
    const char *shape = strstr(e->message, ": ");
    const char *why = shape ? strstr(shape + 2, ": ") : NULL;
    return why ? why + 2 : e->message;
}

/* Makes a view function of the tensor floor an operator's infer: its error becomes the tape's, with names. */
static tap_status viewed(tap_call *c, tap_status status, const tap_error *e)
{
    return status == TAP_OK ? TAP_OK : tap_call_fail(c, status, "%s", reason(e));
}

/* The same for what is composed of operators. */
static tap_var refuse(const tap_node *n, const char *call, const tap_error *e)
{
    char shape[TAP_SHAPE_TEXT];
    tap_shape_format(shape, n->value.shape);
    if (n->name) tap_tape_fail(n->tape, e->status, "%s: %s (%s): %s", call, shape, n->name, reason(e));
    else tap_tape_fail(n->tape, e->status, "%s: %s: %s", call, shape, reason(e));
    return tap__inert(n->tape);
}

/* ---- permute ---- */

typedef struct {
    int rank, axis[TAP_MAX_RANK];
} permutation;

static tap_status permute_infer(tap_call *c, tap_tensor *out)
{
    const permutation *p = c->attr;
    tap_error          e = { 0 };
    return viewed(c, tap__permute(c->in[0], p->rank, p->axis, out, &e), &e);
}

static void permute_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const permutation *p = tap_attr(n);
    int                back[TAP_MAX_RANK];
    for (int i = 0; i < p->rank; i++) back[p->axis[i] < 0 ? p->axis[i] + p->rank : p->axis[i]] = i;
    gin[0] = tap_permute(g, p->rank, back);
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
    const tap_node *n = tap__live(x);
    tap_tensor      y;
    tap_error       e = { 0 };
    int             axes[TAP_MAX_RANK];
    if (!n) return tap__inert(x.tape);
    if (tap__transpose(n->value, axis0, axis1, axes, &y, &e) != TAP_OK) return refuse(n, "transpose", &e);
    return tap_permute(x, n->value.shape.rank, axes);
}

tap_var tap_mT(tap_var x)
{
    return tap_transpose(x, -2, -1);
}

/* ---- expand: the engine sums gradients back to the input's shape ---- */

static tap_status expand_infer(tap_call *c, tap_tensor *out)
{
    tap_error e = { 0 };
    return viewed(c, tap__expand(c->in[0], *(const tap_shape *)c->attr, out, &e), &e);
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
    if (tap__reshape_shape(c->in[0].shape, &shape, &e) != TAP_OK) return viewed(c, e.status, &e);
    if (tap__reshape_view(c->in[0], shape, out)) return TAP_OK;
    *out = (tap_tensor){ .dtype = c->in[0].dtype, .shape = shape };
    return TAP_OK;
}

static void reshape_forward(tap_call *c, tap_tensor *out)
{
    tap_tensor flat = tap_tensor_wrap(out->dtype, c->in[0].shape, out->data);
    tap_tensor_copy(flat, c->in[0], NULL);
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

tap_var tap_unsqueeze(tap_var x, int axis)
{
    const tap_node *n = tap__live(x);
    tap_tensor      y;
    tap_error       e = { 0 };
    if (!n) return tap__inert(x.tape);
    if (tap__unsqueeze(n->value, axis, &y, &e) != TAP_OK) return refuse(n, "unsqueeze", &e);
    return tap_reshape(x, y.shape);
}

tap_var tap_squeeze(tap_var x, int axis)
{
    const tap_node *n = tap__live(x);
    tap_tensor      y;
    tap_error       e = { 0 };
    if (!n) return tap__inert(x.tape);
    if (tap__squeeze(n->value, axis, &y, &e) != TAP_OK) return refuse(n, "squeeze", &e);
    return tap_reshape(x, y.shape);
}

/* ---- slice, and pad, which is its gradient ---- */

typedef struct {
    int64_t start, stop, step;
    int     axis;
} slice;

static tap_status slice_infer(tap_call *c, tap_tensor *out)
{
    const slice *s = c->attr;
    tap_error    e = { 0 };
    return viewed(c, tap__slice(c->in[0], s->axis, s->start, s->stop, s->step, out, &e), &e);
}

static void slice_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const slice *s = tap_attr(n);
    tap_shape    x = tap_shape_of(tap_in(n, 0));
    int          axis = s->axis < 0 ? s->axis + x.rank : s->axis;
    gin[0] = tap__pad(g, x, axis, tap__slice_start(x.n[axis], s->start, s->step), s->step);
}

static const tap_op slice_op = { "slice", slice_infer, NULL, slice_vjp, sizeof(slice) };

tap_var tap_slice(tap_var x, int axis, int64_t start, int64_t stop, int64_t step)
{
    slice s = { start, stop, step, axis };
    return tap_apply(&slice_op, &s, 1, &x);
}

tap_var tap_select(tap_var x, int axis, int64_t index)
{
    const tap_node *n = tap__live(x);
    tap_tensor      y;
    tap_error       e = { 0 };
    if (!n) return tap__inert(x.tape);
    if (tap__select(n->value, axis, index, &y, &e) != TAP_OK) return refuse(n, "select", &e);
    int64_t stop = index == -1 ? TAP_END : index + 1;
    return tap_squeeze(tap_slice(x, axis, index, stop, 1), axis);
}

typedef struct {
    tap_shape shape;
    int       axis;
    int64_t   start, step;
} padding;

/* Element i of the input goes to place start + i step of the axis. */
static tap_tensor place_in(tap_tensor out, const padding *p, int64_t count)
{
    out.shape.n[p->axis] = count;
    out.data = (char *)out.data + p->start * out.stride[p->axis] * (int64_t)tap_dtype_size(out.dtype);
    out.stride[p->axis] *= p->step;
    return out;
}

static tap_status pad_infer(tap_call *c, tap_tensor *out)
{
    const padding *p = c->attr;
    out->dtype = c->in[0].dtype;
    out->shape = p->shape;
    return TAP_OK;
}

static void pad_forward(tap_call *c, tap_tensor *out)
{
    const padding *p = c->attr;
    int64_t        count = c->in[0].shape.n[p->axis];
    tap_tensor_fill(*out, 0);
    if (count > 0) tap_tensor_copy(place_in(*out, p, count), c->in[0], NULL);
}

static void pad_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const padding *p = tap_attr(n);
    int64_t        count = tap_shape_of(tap_in(n, 0)).n[p->axis], end = p->start + count * p->step;
    gin[0] = tap_slice(g, p->axis, p->start, end < 0 ? TAP_END : end, p->step);
}

static const tap_op pad_op = { "pad", pad_infer, pad_forward, pad_vjp, sizeof(padding) };

tap_var tap__pad(tap_var g, tap_shape shape, int axis, int64_t start, int64_t step)
{
    padding p = { shape, axis, start, step };
    return tap_apply(&pad_op, &p, 1, &g);
}

/* ---- cat ---- */

static tap_status cat_infer(tap_call *c, tap_tensor *out)
{
    int given = *(const int *)c->attr, axis = given;
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    if (!tap__axis(&axis, out->shape.rank)) return tap_call_fail(c, TAP_EARG, "axis %d is out of range", given);
    for (int i = 1; i < c->n_in; i++) {
        tap_shape s = c->in[i].shape;
        if (c->in[i].dtype != out->dtype) return tap_call_fail(c, TAP_EDTYPE, "the dtype of input %d differs from input 0", i);
        bool fits = s.rank == out->shape.rank;
        for (int k = 0; fits && k < s.rank; k++) fits = k == axis || s.n[k] == out->shape.n[k];
        if (!fits || __builtin_add_overflow(out->shape.n[axis], s.n[axis], &out->shape.n[axis]))
            return tap_call_fail(c, TAP_ESHAPE, "input %d does not fit input 0 beside axis %d", i, given);
    }
    return TAP_OK;
}

static void cat_forward(tap_call *c, tap_tensor *out)
{
    padding p = { .axis = *(const int *)c->attr, .step = 1 };
    tap__axis(&p.axis, out->shape.rank);
    for (int i = 0; i < c->n_in; i++) {
        int64_t count = c->in[i].shape.n[p.axis];
        if (tap_numel(c->in[i].shape) > 0) tap_tensor_copy(place_in(*out, &p, count), c->in[i], NULL);
        p.start += count;
    }
}

static void cat_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    int     axis = *(const int *)tap_attr(n);
    int64_t start = 0;
    tap__axis(&axis, tap_shape_of(g).rank);
    for (int i = 0; tap_in(n, i).id; i++) {
        int64_t count = tap_shape_of(tap_in(n, i)).n[axis];
        if (tap_needs(n, i)) gin[i] = tap_slice(g, axis, start, start + count, 1);
        start += count;
    }
}

static const tap_op cat_op = { "cat", cat_infer, cat_forward, cat_vjp, sizeof(int) };

tap_var tap_cat(int n, const tap_var *x, int axis)
{
    tap_tape *t = x && n > 0 ? tap__tape_of(n, x) : NULL;
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
