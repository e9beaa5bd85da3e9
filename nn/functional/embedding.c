/* Rows of a table by number. */
#include "autograd/internal.h"
#include "nn/internal.h"
#include "tensor/sparse/csr.h"

/* ---- Numbers of rows and classes ---- */

/* Element number i of int64 numbers, and where it is. */
static int64_t number_at(tap_tensor x, int64_t i, tap_shape *at)
{
    int64_t offset = 0;
    *at = (tap_shape){ .rank = x.shape.rank };
    for (int k = x.shape.rank - 1; k >= 0; i /= x.shape.n[k--]) {
        at->n[k] = i % x.shape.n[k];
        offset += at->n[k] * x.stride[k];
    }
    return ((const int64_t *)x.data)[offset];
}

static bool out_of_range(const char *call, const tap_node *node, const char *what, const char *kind, int64_t number,
                         tap_shape at, int64_t n)
{
    char where[TAP_SHAPE_TEXT + 4] = " at ";
    tap_shape_format(where + 4, at);
    if (at.rank == 0) where[0] = '\0';
    if (n < 0) tap__fail_input(node, TAP_EARG, call, "%s %lld%s is below 0", what, (long long)number, where);
    else if (n == 0) tap__fail_input(node, TAP_EARG, call, "%s %lld%s: there is no %s", what, (long long)number, where, kind);
    else
        tap__fail_input(node, TAP_EARG, call, "%s %lld%s is not a %s of 0..%lld", what, (long long)number, where, kind,
                        (long long)(n - 1));
    return false;
}

bool tap__in_range(const char *call, tap_var v, int64_t n, int64_t except, const char *what, const char *kind,
                   int64_t *exceptions)
{
    const tap_node *node = tap__node_of(v);
    int64_t         count = 0;
    if (!node) return false;
    const tap_tensor x = node->value;
    if (x.dtype != TAP_I64) {
        tap__fail_input(node, TAP_EDTYPE, call, "the %s is %s, not int64", what, tap_dtype_name(x.dtype));
        return false;
    }
    for (int64_t i = 0; i < tap_numel(x.shape); i++) {
        tap_shape     at;
        const int64_t number = number_at(x, i, &at);
        if (number == except) count++;
        else if (number < 0 || (n >= 0 && number >= n)) return out_of_range(call, node, what, kind, number, at, n);
    }
    if (exceptions) *exceptions = count;
    return true;
}

/* ---- Rows of a table ---- */

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
    if (!tap__in_range("embedding", index, w.n[0], TAP_NO_INDEX, "index", "row", NULL)) return tap__inert(index.tape);
    tap_var flat = tap_reshape(index, TAP_SHAPE(-1)), rows = tap_index_select(weight, 0, flat);
    if (padding_idx != TAP_NO_INDEX) {
        if (padding_idx < 0) padding_idx += w.n[0];
        tap_var pads = tap_eq(flat, tap__scalar(index.tape, TAP_I64, (double)padding_idx));
        rows = tap_where(tap_unsqueeze(pads, 1), tap_detach(rows), rows);
    }
    i.n[i.rank++] = w.n[1];
    return tap_reshape(rows, i);
}

tap_var tap_one_hot(tap_var index, int64_t num_classes)
{
    TAP_CALL("one_hot", index);
    const bool    largest = num_classes == -1;
    const int64_t n = largest ? -1 : num_classes < 0 ? 0 : num_classes;
    if (!tap__in_range("one_hot", index, n, TAP_NO_INDEX, "index", "class", NULL)) return tap__inert(index.tape);
    const tap_tensor x = tap_value(index);
    for (int64_t i = 0; largest && i < tap_numel(x.shape); i++) {
        tap_shape     at;
        const int64_t number = number_at(x, i, &at);
        if (number >= num_classes) num_classes = number + 1;
    }
    if (num_classes < 1) return tap__fail_input(tap__node_of(index), TAP_EARG, "one_hot", "there is no class");
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
    const char     *wrong = tap__csr_size_error(*x);
    if (c->in[0].dtype != TAP_I64 || s.rank != 1) return tap_call_fail(c, TAP_ESHAPE, "the index must be int64 [n]");
    for (int64_t i = 0; i < s.n[0] && !wrong; i++) {
        const int64_t row = row_of(c, i);
        if (row < 0 || row >= x->rows)
            return tap_call_fail(c, TAP_EARG, "there are %lld rows, and no row %lld", (long long)x->rows, (long long)row);
        wrong = tap__csr_row_error(*x, row);
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
