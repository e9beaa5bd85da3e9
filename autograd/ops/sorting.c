/* autograd/ops/sorting.c: the order of elements along an axis. argsort finds indices, which have no gradient; sort and topk
 * gather by them. */
#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "tensor/kernels/index.h"
#include "tensor/shape.h"

typedef struct {
    int  axis;
    bool descending;
} argsort_attr;

static tap_status argsort_infer(tap_call *c, tap_tensor *out)
{
    int original_axis = ((const argsort_attr *)c->attr)->axis, axis = original_axis;
    out->dtype = TAP_I64;
    out->shape = c->in[0].shape;
    return tap__normalize_axis(&axis, out->shape.rank) ? TAP_OK
                                                       : tap_call_fail(c, TAP_EARG, "axis %d is out of range", original_axis);
}

static void argsort_forward(tap_call *c, tap_tensor *out)
{
    argsort_attr o = *(const argsort_attr *)c->attr;
    int64_t     *scratch = tap_call_scratch(c, 2 * (size_t)tap_numel(out->shape) * sizeof *scratch);
    tap__normalize_axis(&o.axis, out->shape.rank);
    if (scratch) tap__argsort(c->in[0], o.axis, o.descending, *out, scratch);
}

static const tap_op argsort_op = { "argsort", argsort_infer, argsort_forward, NULL, sizeof(argsort_attr) };

tap_var tap_argsort(tap_var x, int axis, tap_order order)
{
    TAP_CALL("argsort", x);
    tap_var vector = tap__at_least_1d(tap_detach(x));
    return tap_reshape(tap_apply(&argsort_op, &(argsort_attr){ axis, order != TAP_ASCENDING }, 1, &vector), tap_shape_of(x));
}

tap_var tap_sort(tap_var x, int axis, tap_order order, tap_var *index)
{
    TAP_CALL("sort", x);
    tap_var indices = tap_argsort(x, axis, order);
    if (index) *index = indices;
    return tap_gather(x, axis, indices);
}

tap_var tap_topk(tap_var x, int64_t k, int axis, tap_topk_type which, tap_var *index)
{
    TAP_CALL("topk", x);
    tap_shape s = tap_shape_of(x);
    int       at = axis;
    if (s.rank == 0) s = TAP_SHAPE(1);
    if (tap__normalize_axis(&at, s.rank) && (k < 0 || k > s.n[at]))
        return tap_fail(x, TAP_EARG, "k must be 0 to %lld, not %lld", (long long)s.n[at], (long long)k);
    tap_var first =
        tap_narrow(tap__at_least_1d(tap_argsort(x, axis, which == TAP_SMALLEST ? TAP_ASCENDING : TAP_DESCENDING)), axis, 0, k);
    if (tap_shape_of(x).rank == 0) first = tap_reshape(first, TAP_SCALAR);
    if (index) *index = first;
    return tap_gather(x, axis, first);
}
