/* Rows: what networks are made of, but for convolution and pooling. */
#include "tests/golden/opinfo_rows.h"

#include <float.h>

#define BATCH_NORM "input, running_mean, running_var, weight=null, bias=null, training=false, momentum=0.1, eps=1e-5"
#define ATTENTION  "query, key, value, attn_mask=null, dropout_p=0, is_causal=false, scale=null, enable_gqa=false"

/* Of the dtype that the run is about. */
static double epsilon(const call *c)
{
    return c->precision == EXACT ? DBL_EPSILON : (double)FLT_EPSILON;
}

/* The running statistics are updated in place, so it gets copies. */
static tap_var batch_norm(call *c)
{
    tap_tensor copy[2];
    for (int i = 0; i < 2 && given(c, 1 + i); i++) {
        tap_tensor x = tap_value(T(1 + i));
        copy[i] = tap_tensor_zeros(c->arena, x.dtype, x.shape);
        tap_tensor_copy(copy[i], x, NULL);
    }
    return tap_batch_norm(T(0), given(c, 1) ? &copy[0] : NULL, given(c, 2) ? &copy[1] : NULL, O(3), O(4), B(5), N(6), N(7));
}

static tap_var attention(call *c, tap_var value)
{
    return tap_scaled_dot_product_attention(T(0), T(1), value, O(3), 0, B(5), given(c, 6) ? N(6) : 0);
}

/* Which weights PyTorch's dropout has kept: those that out = (kept weights / (1 - p)) V needs. Told once, from exact inputs. */
static void recover_kept(call *c, tap_var weights)
{
    const tap_tensor *out = opinfo_tensor(c, "out", 0);
    if (c->kept.data || !out) return;
    tap_var    v = tap_detach(T(2)), y = tap_mT(tap_input(c->tape, *out));
    tap_var    needed = tap_mT(tap_solve(tap_matmul(v, tap_mT(v)), tap_matmul(v, y)));
    tap_var    kept = tap_gt(needed, tap_mul_scalar(tap_detach(weights), 0.5 / (1 - N(4))));
    tap_tensor x = tap_value(kept);
    c->kept = tap_tensor_zeros(c->keep, x.dtype, x.shape);
    tap_tensor_copy(c->kept, x, NULL);
}

/* Dropout depends on a generator that is PyTorch's. So its choice is taken from the stored result, and the rest is checked. */
static tap_var attention_with_dropout(call *c)
{
    tap_shape v = tap_shape_of(T(2));
    if (v.rank < 2 || v.n[v.rank - 2] > v.n[v.rank - 1]) return skip_case(c, "dropout, which cannot be seen in the result");
    tap_var weights = attention(c, tap_eye(c->tape, v.n[v.rank - 2]));
    recover_kept(c, weights);
    tap_var kept = tap_cast(tap_input(c->tape, c->kept), tap_tape_dtype(c->tape));
    return tap_matmul(tap_mul(weights, tap_mul_scalar(kept, 1 / (1 - N(4)))), T(2));
}

#define OP AS_FUNCTION
#include "tests/golden/opinfo_layers.def"
#undef OP

#define OP AS_ROW
static const operator_row rows[] = {
#include "tests/golden/opinfo_layers.def"
};

const table opinfo_layers = TABLE(rows);
