/* tests/golden/opinfo_layers.c: normalization, attention, embedding and the like. */
#include "tests/golden/opinfo_rows.h"

#include <float.h>

#define BATCH_NORM "input, running_mean, running_var, weight=null, bias=null, training=false, momentum=0.1, eps=1e-5"
#define INSTANCE_NORM \
    "input, running_mean=null, running_var=null, weight=null, bias=null, use_input_stats=true, momentum=0.1, eps=1e-5"
#define ATTENTION "query, key, value, attn_mask=null, dropout_p=0, is_causal=false, scale=null, enable_gqa=false"

/* The epsilon of the run's dtype. */
static double epsilon(const call *c)
{
    return c->precision == EXACT ? DBL_EPSILON : (double)FLT_EPSILON;
}

/* Running statistics are updated in place, so the operator gets copies; NULL where there are none. */
static const tap_tensor *copy_statistic(call *c, int i, tap_tensor *copy)
{
    if (!is_given(c, i)) return NULL;
    const tap_tensor x = tap_value(T(i));
    *copy = tap_tensor_zeros(c->arena, x.dtype, x.shape);
    tap_tensor_copy(*copy, x, NULL);
    return copy;
}

static tap_var batch_norm(call *c)
{
    tap_tensor        copy[2];
    const tap_tensor *mean = copy_statistic(c, 1, &copy[0]), *var = copy_statistic(c, 2, &copy[1]);
    return tap_batch_norm(T(0), mean, var, O(3), O(4), B(5), N(6), N(7));
}

static tap_var instance_norm(call *c)
{
    tap_tensor        copy[2];
    const tap_tensor *mean = copy_statistic(c, 1, &copy[0]), *var = copy_statistic(c, 2, &copy[1]);
    return tap_instance_norm(T(0), mean, var, O(3), O(4), B(5), N(6), N(7));
}

static tap_var attention(call *c, tap_var value)
{
    return tap_scaled_dot_product_attention(T(0), T(1), value, O(3), 0, B(5), is_given(c, 6) ? N(6) : 0);
}

/* Recovers the mask of PyTorch's dropout by solving out = (mask * weights / (1 - p)) V. Done once, from exact inputs. */
static void recover_dropout_mask(call *c, tap_var weights)
{
    const tap_tensor *out = opinfo_tensor(c, "out", 0);
    if (c->dropout_mask.data || !out) return;
    tap_var    v = tap_detach(T(2)), y = tap_mT(tap_input(c->tape, *out));
    tap_var    needed = tap_mT(tap_solve(tap_matmul(v, tap_mT(v)), tap_matmul(v, y)));
    tap_var    mask = tap_gt(needed, tap_mul_scalar(tap_detach(weights), 0.5 / (1 - N(4))));
    tap_tensor x = tap_value(mask);
    c->dropout_mask = tap_tensor_zeros(c->case_arena, x.dtype, x.shape);
    tap_tensor_copy(c->dropout_mask, x, NULL);
}

/* Dropout depends on PyTorch's generator, so its mask is recovered from the stored result, and the rest is checked. */
static tap_var attention_with_dropout(call *c)
{
    tap_shape v = tap_shape_of(T(2));
    if (v.rank < 2 || v.n[v.rank - 2] > v.n[v.rank - 1])
        return skip_case(c, "the dropout mask cannot be recovered from the result");
    tap_var weights = attention(c, tap_eye(c->tape, v.n[v.rank - 2]));
    recover_dropout_mask(c, weights);
    tap_var mask = tap_cast(tap_input(c->tape, c->dropout_mask), tap_tape_dtype(c->tape));
    return tap_matmul(tap_mul(weights, tap_mul_scalar(mask, 1 / (1 - N(4)))), T(2));
}

#define OP AS_FUNCTION
#include "tests/golden/opinfo_layers.def"
#undef OP

#define OP AS_ROW
static const operator_row rows[] = {
#include "tests/golden/opinfo_layers.def"
};

const table opinfo_layers = TABLE(rows);
