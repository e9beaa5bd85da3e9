/* nn/functional/csr_select.c: rows of a sparse (CSR) matrix, selected by integer indices, as a dense matrix. An operator
 * without a gradient: the matrix is constant. */
#include "nn/nn.h"
#include "tensor/sparse/csr.h"

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
            return tap_call_fail(c, TAP_EARG, "row must be within 0..%lld, not %lld", (long long)(x->rows - 1), (long long)row);
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
