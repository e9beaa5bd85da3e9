/* nn/functional/embedding.c: rows of an embedding table, selected by integer indices. */
#include "autograd/internal.h"
#include "nn/internal.h"

tap_var tap_embedding(tap_var index, tap_var weight, int64_t padding_idx)
{
    TAP_CALL("embedding", index, weight);
    char a[TAP_SHAPE_TEXT];
    if (!tap__same_tape("embedding", 2, (tap_var[]){ index, weight })) return tap__inert(index.tape);
    tap_shape i = tap_shape_of(index), w = tap_shape_of(weight);
    if (w.rank != 2)
        return tap__fail(index.tape, TAP_ESHAPE, "embedding", "the weight must be [rows,width], not %s",
                         tap_shape_format(a, w));
    if (i.rank == TAP_MAX_RANK)
        return tap__fail(index.tape, TAP_ESHAPE, "embedding", "the index has too many axes for one more");
    if (!tap__check_indices(index, w.n[0], TAP_NO_INDEX, "index", "row", NULL)) return tap__inert(index.tape);
    tap_var flat = tap_reshape(index, TAP_SHAPE(-1)), rows = tap_index_select(weight, 0, flat);
    if (padding_idx != TAP_NO_INDEX) {
        if (padding_idx < 0) padding_idx += w.n[0];
        tap_var pads = tap_eq(flat, tap__scalar(index.tape, TAP_I64, (double)padding_idx));
        rows = tap_where(tap_unsqueeze(pads, 1), tap_detach(rows), rows);
    }
    i.n[i.rank++] = w.n[1];
    return tap_reshape(rows, i);
}

/* ---- Gradients by frequency ---- */

static tap_status scale_grad_infer(tap_call *c, tap_tensor *out)
{
    *out = c->in[0];
    return TAP_OK;
}

static void scale_grad_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    if (tap_needs_grad(n, 0)) gin[0] = tap_mul(g, tap_in(n, 1));
}

/* x itself, with a gradient multiplied by the second input, which broadcasts to x and gets none. */
static const tap_op scale_grad_op = { "scale_grad", scale_grad_infer, NULL, scale_grad_vjp, 0 };

/* 1 / (how often each index occurs), of the dtype, as a column. */
static tap_var inverse_counts(tap_var index, int64_t rows, tap_dtype dtype)
{
    tap_tensor    x;
    const tap_var flat = tap_reshape(index, TAP_SHAPE(-1)), ones = tap_cast(tap_ones(index.tape, tap_shape_of(flat)), dtype);
    const tap_var none = tap__push_empty(index.tape, dtype, TAP_SHAPE(rows), &x);
    if (!x.data && rows > 0) return tap__inert(index.tape);
    tap_tensor_fill(x, 0);
    const tap_var counts = tap_index_select(tap_scatter_add(none, 0, flat, ones), 0, flat);
    return tap_unsqueeze(tap_reciprocal(counts), 1);
}

tap_var tap__embedding_by_frequency(tap_var index, tap_var weight, int64_t padding_idx)
{
    const tap_var y = tap_embedding(index, weight, padding_idx);
    if (tap_tape_status(index.tape, NULL) != TAP_OK) return tap__inert(index.tape);
    const tap_shape s = tap_shape_of(y);
    const tap_var   share = inverse_counts(index, tap_shape_of(weight).n[0], tap__dtype_of(weight));
    const tap_var   in[] = { tap_reshape(y, TAP_SHAPE(-1, s.n[s.rank - 1])), share };
    return tap_reshape(tap_apply(&scale_grad_op, NULL, 2, in), s);
}
