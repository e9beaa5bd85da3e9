/* Rows of a table by number. */
#include "autograd/internal.h"
#include "nn/internal.h"
#include "tensor/sparse.h"

tap_var tap_embedding(tap_var index, tap_var weight, int64_t padding_idx)
{
    char a[TAP_SHAPE_TEXT];
    if (!tap__together("embedding", 2, (tap_var[]){ index, weight })) return tap__inert(index.tape);
    tap_shape i = tap_shape_of(index), w = tap_shape_of(weight);
    if (w.rank != 2 || i.rank == TAP_MAX_RANK) {
        tap_tape_fail(index.tape, TAP_ESHAPE, "embedding: the weight must be [rows,width], not %s", tap_shape_format(a, w));
        return tap__inert(index.tape);
    }
    tap_var flat = tap_reshape(index, TAP_SHAPE(-1)), rows = tap_index_select(weight, 0, flat);
    if (padding_idx != TAP_NO_INDEX) {
        if (padding_idx < 0) padding_idx += w.n[0];
        tap_var pads = tap_eq(flat, tap__number(index.tape, TAP_I64, (double)padding_idx));
        rows = tap_where(tap_unsqueeze(pads, 1), tap_detach(rows), rows);
    }
    i.n[i.rank++] = w.n[1];
    return tap_reshape(rows, i);
}

tap_var tap_one_hot(tap_var index, int64_t num_classes)
{
    const tap_node *n = tap__live(index);
    if (!n) return tap__inert(index.tape);
    tap_tensor x = n->value;
    int64_t    count = tap_numel(x.shape), most = -1;
    if (x.dtype != TAP_I64) return tap__refuse(n, TAP_EDTYPE, "one_hot", "the index is %s, not int64", tap_dtype_name(x.dtype));
    for (int64_t i = 0; i < count; i++) {
        double at = tap_tensor_item(x, i);
        if (at < 0) return tap__refuse(n, TAP_EARG, "one_hot", "index %.0f is below 0", at);
        if (at > (double)most) most = (int64_t)at;
    }
    if (num_classes == -1) num_classes = most + 1;
    if (num_classes < 1 || most >= num_classes)
        return tap__refuse(n, TAP_EARG, "one_hot", "index %lld does not go with %lld classes", (long long)most, (long long)num_classes);
    return tap_cast(tap_eq(tap_unsqueeze(index, -1), tap_arange(index.tape, num_classes)), TAP_I64);
}

/* ---- Rows of a sparse matrix ------------------------------------------------------------------------------------- */

static int64_t row_of(const tap_call *c, int64_t i)
{
    return ((const int64_t *)c->in[0].data)[i * c->in[0].stride[0]];
}

static tap_status csr_select_infer(tap_call *c, tap_tensor *out)
{
    const tap_csr  *x = c->attr;
    const tap_shape s = c->in[0].shape;
    const char     *wrong = tap__csr_size_wrong(*x);
    if (c->in[0].dtype != TAP_I64 || s.rank != 1) return tap_call_fail(c, TAP_ESHAPE, "the index must be int64 [n]");
    for (int64_t i = 0; i < s.n[0] && !wrong; i++) {
        const int64_t row = row_of(c, i);
        if (row < 0 || row >= x->rows)
            return tap_call_fail(c, TAP_EARG, "there are %lld rows, and no row %lld", (long long)x->rows, (long long)row);
        wrong = tap__csr_row_wrong(*x, row);
    }
    out->dtype = tap_tape_dtype(c->tape);
    out->shape = TAP_SHAPE(s.n[0], x->columns);
    return wrong ? tap_call_fail(c, TAP_EARG, "%s", wrong) : TAP_OK;
}

static void csr_select_forward(tap_call *c, tap_tensor *out)
{
    const int64_t n = out->shape.n[0];
    int64_t      *row = tap_call_scratch(c, (size_t)n * sizeof *row);
    for (int64_t i = 0; row && i < n; i++) row[i] = row_of(c, i);
    if (row) tap_csr_rows(*out, *(const tap_csr *)c->attr, row, NULL);
}

static const tap_op csr_select_op = { "csr_select", csr_select_infer, csr_select_forward, NULL, sizeof(tap_csr) };

tap_var tap_csr_select(tap_csr x, tap_var index)
{
    return tap_apply(&csr_select_op, &x, 1, &index);
}
