/* Elementwise operators: the rows of elementwise.def, where and cast. */
#include "autograd/elementwise.h"
#include "autograd/internal.h"

enum { CHEAP = 1, DEAR = 4 }; /* nanoseconds per element, roughly */

/* An operator of the table knows its row. */
typedef struct {
    tap_op op; /* first */
    int    row, cost;
} row_op;

static tap__run loop_for(int row, tap_dtype dtype)
{
    return (*TAP__KERNEL_PICK(&tap__elementwise))[row][dtype];
}

static tap_status infer_row(tap_call *c, tap_tensor *out, bool compare)
{
    const row_op *op = (const row_op *)c->op;
    out->shape = c->in[0].shape;
    out->dtype = compare ? TAP_BOOL : c->in[0].dtype;
    if (c->n_in == 2 && c->in[0].dtype != c->in[1].dtype)
        return tap_call_fail(c, TAP_EDTYPE, "dtypes %s and %s differ", tap_dtype_name(c->in[0].dtype),
                             tap_dtype_name(c->in[1].dtype));
    if (!loop_for(op->row, c->in[0].dtype))
        return tap_call_fail(c, TAP_EDTYPE, "%s is not float32 or float64; tap_cast makes it so", tap_dtype_name(c->in[0].dtype));
    if (c->n_in == 2 && !tap__broadcast(c->in[0].shape, c->in[1].shape, &out->shape))
        return tap_call_fail(c, TAP_ESHAPE, "the shapes do not broadcast");
    return TAP_OK;
}

static tap_status infer_same(tap_call *c, tap_tensor *out)
{
    return infer_row(c, out, false);
}

static tap_status infer_bool(tap_call *c, tap_tensor *out)
{
    return infer_row(c, out, true);
}

static void run_row(tap_call *c, tap_tensor *out)
{
    const row_op *op = (const row_op *)c->op;
    tap_tensor    operand[3] = { *out, c->in[0] };
    if (c->n_in == 2) operand[2] = c->in[1];
    tap__map(loop_for(op->row, c->in[0].dtype), c->attr, 1 + c->n_in, operand, op->cost);
}

/* ---- Pieces of rules ---- */

#define NONE ((tap_var){ 0 })

/* s + y (1 - s) */
static tap_var silu_slope(tap_var s, tap_var y)
{
    return tap_add(s, tap_sub(y, tap_mul(y, s)));
}

/* b a^(b-1), and 0 where b is 0, also at a = 0 */
static tap_var pow_by_base(tap_var g, tap_var a, tap_var b)
{
    tap_var slope = tap_mul(b, tap_pow(a, tap_add_scalar(b, -1)));
    return tap_mul(g, tap_where(tap_eq(b, tap__scalar_like(b, 0)), tap__scalar_like(b, 0), slope));
}

/* y log a, and 0 where y is 0 */
static tap_var pow_by_exponent(tap_var g, tap_var a, tap_var y)
{
    tap_var none = tap__scalar_like(y, 0);
    return tap_mul(g, tap_where(tap_eq(y, none), none, tap_mul(y, tap_log(a))));
}

/* ---- The table ---- */

#define GIVE(i, rule)                      \
    if (tap_needs(n, i)) {                 \
        tap_var given = (rule);            \
        if (given.tape) gin[i] = given;    \
    }

/* The numbers p and q of a WITH row are its attributes. */
#define SINGLE(name, cost, rule, attr_size, parameters, attr)                                       \
    static void name##_vjp(const tap_node *n, tap_var g, tap_var *gin)                              \
    {                                                                                               \
        const double *pq = tap_attr(n);                                                             \
        const double  p = pq ? pq[0] : 0, q = pq ? pq[1] : 0;                                       \
        const tap_var x = tap_in(n, 0), y = tap_out(n);                                             \
        (void)g, (void)x, (void)y, (void)p, (void)q;                                                \
        GIVE(0, rule)                                                                               \
    }                                                                                               \
    static const row_op name##_op = { { #name, infer_same, run_row, name##_vjp, attr_size }, TAP__ROW_##name, cost }; \
    tap_var tap_##name parameters                                                                   \
    {                                                                                               \
        return tap_apply(&name##_op.op, attr, 1, &x);                                               \
    }

#define UNARY(name, cost, value, rule) SINGLE(name, cost, rule, 0, (tap_var x), NULL)
#define WITH(name, cost, value, rule) \
    SINGLE(name, cost, rule, 2 * sizeof(double), (tap_var x, double p), ((const double[]){ p, 0 }))
#define WITH2(name, cost, value, rule) \
    SINGLE(name, cost, rule, 2 * sizeof(double), (tap_var x, double p, double q), ((const double[]){ p, q }))

#define PAIR(function, name, cost, rule_a, rule_b)                                                  \
    static void name##_vjp(const tap_node *n, tap_var g, tap_var *gin)                              \
    {                                                                                               \
        const tap_var a = tap_in(n, 0), b = tap_in(n, 1), y = tap_out(n);                           \
        (void)g, (void)a, (void)b, (void)y;                                                         \
        GIVE(0, rule_a)                                                                             \
        GIVE(1, rule_b)                                                                             \
    }                                                                                               \
    static const row_op name##_op = { { #name, infer_same, run_row, name##_vjp, 0 }, TAP__ROW_##name, cost }; \
    tap_var function(tap_var a, tap_var b)                                                          \
    {                                                                                               \
        return tap_apply(&name##_op.op, NULL, 2, (tap_var[]){ a, b });                              \
    }

#define BINARY(name, cost, value, rule_a, rule_b) PAIR(tap_##name, name, cost, rule_a, rule_b)
#define INNER(name, cost, value, rule_a, rule_b)  PAIR(tap__##name, name, cost, rule_a, rule_b)

#define COMPARE(name, value)                                                                        \
    static const row_op name##_op = { { #name, infer_bool, run_row, NULL, 0 }, TAP__ROW_##name, CHEAP }; \
    tap_var tap_##name(tap_var a, tap_var b)                                                        \
    {                                                                                               \
        return tap_apply(&name##_op.op, NULL, 2, (tap_var[]){ a, b });                              \
    }

#include "autograd/elementwise.def"

void tap__accumulate(tap_tensor sum, tap_tensor x)
{
    tap_tensor operand[2] = { sum, x };
    tap__map(loop_for(TAP__ROW_accumulate, sum.dtype), NULL, 2, operand, CHEAP);
}

/* ---- where and cast ---- */

static tap_status where_infer(tap_call *c, tap_tensor *out)
{
    tap_shape ab;
    out->dtype = c->in[1].dtype;
    if (c->in[0].dtype != TAP_BOOL) return tap_call_fail(c, TAP_EDTYPE, "the condition is %s, not bool", tap_dtype_name(c->in[0].dtype));
    if (c->in[1].dtype != c->in[2].dtype)
        return tap_call_fail(c, TAP_EDTYPE, "dtypes %s and %s differ", tap_dtype_name(c->in[1].dtype),
                             tap_dtype_name(c->in[2].dtype));
    if (!tap__broadcast(c->in[1].shape, c->in[2].shape, &ab) || !tap__broadcast(c->in[0].shape, ab, &out->shape))
        return tap_call_fail(c, TAP_ESHAPE, "the shapes do not broadcast");
    return TAP_OK;
}

static void where_forward(tap_call *c, tap_tensor *out)
{
    tap_tensor operand[4] = { *out, c->in[0], c->in[1], c->in[2] };
    tap__map(loop_for(TAP__ROW_where, out->dtype), NULL, 4, operand, CHEAP);
}

static void where_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_var condition = tap_in(n, 0), zero = tap__scalar_like(g, 0);
    if (tap_needs(n, 1)) gin[1] = tap_where(condition, g, zero);
    if (tap_needs(n, 2)) gin[2] = tap_where(condition, zero, g);
}

static const tap_op where_op = { "where", where_infer, where_forward, where_vjp, 0 };

tap_var tap_where(tap_var condition, tap_var a, tap_var b)
{
    return tap_apply(&where_op, NULL, 3, (tap_var[]){ condition, a, b });
}

static tap_status cast_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = *(const tap_dtype *)c->attr;
    out->shape = c->in[0].shape;
    if (!tap_dtype_size(out->dtype)) return tap_call_fail(c, TAP_EDTYPE, "%d is no dtype", (int)out->dtype);
    return TAP_OK;
}

static void cast_forward(tap_call *c, tap_tensor *out)
{
    tap_tensor_copy(*out, c->in[0], NULL);
}

static void cast_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap_cast(g, tap_value(tap_in(n, 0)).dtype);
}

static const tap_op cast_op = { "cast", cast_infer, cast_forward, cast_vjp, sizeof(tap_dtype) };

tap_var tap_cast(tap_var x, tap_dtype dtype)
{
    if (x.tape && x.tape->widen && dtype == TAP_F32) dtype = TAP_F64;
    return tap_apply(&cast_op, &dtype, 1, &x);
}
