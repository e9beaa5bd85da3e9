/* tests/bad_arguments/test_autograd.c: calls every function of autograd.h with unusable tapes and vars, and with invalid
 * arguments. Nothing may crash, the first error message must be kept, results must be inert, and parameters and their gradients
 * must keep every bit. */
#define _XOPEN_SOURCE 700
#include "autograd/autograd.h"
#include "tests/bad_arguments/bad_arguments.h"

/* ---- The fixture of a call ---- */

enum { SIDE = 2 };

/* The memory of a parameter, as its leaf sees it. */
typedef struct {
    double value[SIDE * SIDE], grad[SIDE * SIDE];
    bool   fresh;
} memory;

static bool is_unchanged(const memory *before, const memory *after)
{
    return memcmp(before->value, after->value, sizeof before->value) == 0 &&
           memcmp(before->grad, after->grad, sizeof before->grad) == 0 && before->fresh == after->fresh;
}

typedef struct {
    tap_var a, b, v, condition, s, one; /* [2,2] (a parameter), [2,2], [2], bool [2,2], [] depending on a, [] */
} operands;

struct fixture {
    tap_tape  *t, *other;
    tap_leaf   leaf;
    memory     parameter;
    operands   in;
    tap_var    out; /* the result of the call: a var, */
    tap_tensor value;
    double     item;
    int        status; /* -1: none */
    FILE      *sink;
};

static operands operands_on(tap_tape *t, const tap_leaf *leaf)
{
    operands in = { .a = tap_leaf_var(t, leaf), .one = tap_scalar(t, 1) };
    in.b = tap_add_scalar(in.a, 1);
    in.v = tap_select(in.b, 0, 0);
    in.condition = tap_gt(in.a, in.one);
    in.s = tap_sum(tap_mul(in.a, in.b), TAP_ALL);
    return in;
}

static void fixture_begin(fixture *f)
{
    *f = (fixture){ .item = (double)NAN, .status = -1 };
    f->t = tap_tape_new(TAP_F64, 1);
    f->other = tap_tape_new(TAP_F64, 2);
    f->sink = fopen("/dev/null", "w");
    assert_non_null(f->sink);
    for (int i = 0; i < SIDE * SIDE; i++) f->parameter.value[i] = i + 1, f->parameter.grad[i] = -i;
    f->leaf = (tap_leaf){ tap_tensor_wrap(TAP_F64, TAP_SHAPE(SIDE, SIDE), f->parameter.value),
                          tap_tensor_wrap(TAP_F64, TAP_SHAPE(SIDE, SIDE), f->parameter.grad), &f->parameter.fresh, "theta" };
    f->in = operands_on(f->t, &f->leaf);
}

static void fixture_end(fixture *f)
{
    tap_tape_free(f->t);
    tap_tape_free(f->other);
    fclose(f->sink);
}

/* ---- Custom operators: one that queries its node with invalid indices, and broken ones ---- */

static tap_status infer_like(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    return TAP_OK;
}

static void probe_forward(tap_call *c, tap_tensor *out)
{
    assert_non_null(tap_call_scratch(c, 0));
    tap_tensor_copy(*out, c->in[0], NULL);
}

static void probe_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    assert_int_equal(tap_in(n, -1).id, 0);
    assert_int_equal(tap_in(n, 1).id, 0);
    assert_int_equal(tap_in(n, INT_MAX).id, 0);
    assert_false(tap_needs_grad(n, -1));
    assert_false(tap_needs_grad(n, INT_MAX));
    assert_true(tap_needs_grad(n, 0));
    assert_null(tap_attr(n));
    assert_int_not_equal(tap_out(n).id, 0);
    gin[0] = g;
}

static const tap_op probe = { "probe", infer_like, probe_forward, probe_vjp, 0 };

static tap_status infer_silently(tap_call *c, tap_tensor *out)
{
    (void)c, (void)out;
    return TAP_EARG;
}

static tap_status infer_too_much(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    out->shape = overflowing;
    return TAP_OK;
}

static tap_status infer_nothing(tap_call *c, tap_tensor *out)
{
    (void)c;
    out->dtype = no_dtype;
    return TAP_OK;
}

static void greedy_forward(tap_call *c, tap_tensor *out)
{
    (void)out;
    while (tap_call_scratch(c, 8)) continue;
}

static void vast_forward(tap_call *c, tap_tensor *out)
{
    (void)out;
    assert_null(tap_call_scratch(c, SIZE_MAX));
}

static const tap_op silent = { "silent", infer_silently, probe_forward, probe_vjp, 0 };
static const tap_op too_much = { "too_much", infer_too_much, probe_forward, probe_vjp, 0 };
static const tap_op nothing = { "nothing", infer_nothing, probe_forward, probe_vjp, 0 };
static const tap_op greedy = { "greedy", infer_like, greedy_forward, probe_vjp, 0 };
static const tap_op vast_scratch = { "vast_scratch", infer_like, vast_forward, probe_vjp, 0 };
static const tap_op no_infer = { "no_infer", NULL, probe_forward, probe_vjp, 0 };
static const tap_op no_forward = { "no_forward", infer_like, NULL, probe_vjp, 0 };
static const tap_op no_rule = { "no_rule", infer_like, probe_forward, NULL, 0 };
static const tap_op with_attr = { "with_attr", infer_like, probe_forward, probe_vjp, 4 };

static tap_var square_function(tap_tape *t, const tap_var *in, void *ctx)
{
    (void)t, (void)ctx;
    return tap_square(in[0]);
}

static tap_var foreign_function(tap_tape *t, const tap_var *in, void *ctx)
{
    (void)t, (void)in;
    return ((fixture *)ctx)->in.a;
}

/* Its result has no gradient. */
static tap_var integer_function(tap_tape *t, const tap_var *in, void *ctx)
{
    (void)t, (void)ctx;
    return tap_cast(in[0], TAP_I64);
}

/* Its result is larger at each call. */
static tap_var growing_function(tap_tape *t, const tap_var *in, void *ctx)
{
    int *calls = ctx;
    return tap_mul(in[0], tap_zeros(t, TAP_SHAPE(1 + 1000 * (*calls)++, 1, 1)));
}

static tap_gradcheck_result check(tap_function function, void *ctx, int n, const tap_tensor *x)
{
    return tap_gradcheck(function, ctx, n, x, (tap_gradcheck_options){ 0 });
}

/* An int64 index [2,2] of equal elements. */
static tap_var indices(fixture *f, double value)
{
    return tap_cast(tap_full(f->t, TAP_SHAPE(2, 2), value), TAP_I64);
}

/* ---- A call of every function. Its traits: how many vars it takes, and whether it fails the tape ---- */

enum {
    VARS = 3,  /* a mask */
    FAILS = 4, /* the call fails the tape on purpose */
};

#define UNARY(op)  CALL_VAR(op, 1, op(f->in.a))
#define BINARY(op) CALL_VAR(op, 2, op(f->in.a, f->in.b))

static void call_tap_tape_new(fixture *f)
{
    (void)f;
    tap_tape *t = tap_tape_new(no_dtype, 1);
    assert_int_equal(tap_tape_status(t, NULL), TAP_EDTYPE);
    tap_tape_free(t);
}

static void call_tap_call_begin(fixture *f)
{
    (void)f;
    tap_running r = tap_call_begin("it", 0, NULL);
    tap_call_end(&r);
}

static void call_tap_split(fixture *f)
{
    tap_var piece[2] = { { 0 } };
    tap_split(f->in.a, 1, 0, 2, piece);
    f->out = piece[1];
}

static void call_tap_chunk(fixture *f)
{
    tap_var piece[2] = { { 0 } };
    tap_chunk(f->in.a, INT64_MAX, 0, 2, piece);
    f->out = piece[1];
}

static void call_tap_unbind(fixture *f)
{
    tap_var piece[2] = { { 0 } };
    tap_unbind(f->in.a, 0, 2, piece);
    f->out = piece[1];
}

/* clang-format off */
#define FUNCTIONS \
    CALL_FUNCTION(tap_tape_new, 0) \
    CALL(tap_tape_free, 0, tap_tape_free(NULL)) \
    CALL(tap_tape_reset, 0, tap_tape_reset(f->t)) \
    CALL(tap_tape_status, 0, tap_tape_status(f->t, NULL)) \
    CALL_FUNCTION(tap_call_begin, 0) \
    CALL(tap_call_end, 0, tap_call_end(NULL)) \
    CALL(tap_fail, FAILS, tap_fail((tap_var){ f->t, 0, 0 }, TAP_EIO, "%s", "another one")) \
    CALL(tap_tape_message, 0, tap_tape_message(f->t)) \
    CALL(tap_tape_clear_error, 0, tap_tape_clear_error(NULL)) \
    CALL(tap_tape_fail, FAILS, tap_tape_fail(f->t, TAP_EIO, "%s", "another one")) \
    CALL(tap_tape_set_recording, 0, tap_tape_set_recording(f->t, tap_tape_set_recording(f->t, false))) \
    CALL(tap_tape_trace_nonfinite, 0, tap_tape_trace_nonfinite(f->t, tap_tape_trace_nonfinite(f->t, false))) \
    CALL(tap_tape_dtype, 0, tap_tape_dtype(f->t)) \
    CALL(tap_tape_keeps_state, 0, tap_tape_keeps_state(f->t)) \
    CALL(tap_tape_step, 0, tap_tape_step(f->t)) \
    CALL(tap_tape_set_step, 0, tap_tape_set_step(f->t, UINT64_MAX)) \
    CALL(tap_tape_bytes, 0, tap_tape_bytes(f->t)) \
    CALL_VAR(tap_input, 0, tap_input(f->t, f->leaf.value)) \
    CALL_VAR(tap_variable, 0, tap_variable(f->t, f->leaf.value)) \
    CALL_VAR(tap_scalar, 0, tap_scalar(f->t, 2)) \
    CALL_VAR(tap_zeros, 0, tap_zeros(f->t, TAP_SHAPE(2, 3))) \
    CALL_VAR(tap_ones, 0, tap_ones(f->t, TAP_SHAPE(2, 3))) \
    CALL_VAR(tap_full, 0, tap_full(f->t, TAP_SHAPE(2, 3), 5)) \
    CALL_VAR(tap_full_like, 1, tap_full_like(f->in.a, 5)) \
    CALL_VAR(tap_scalar_like, 1, tap_scalar_like(f->in.a, 5)) \
    CALL_VAR(tap_arange, 0, tap_arange(f->t, 3)) \
    CALL_VAR(tap_eye, 0, tap_eye(f->t, 3)) \
    CALL_VAR(tap_randn, 0, tap_randn(f->t, TAP_SHAPE(2, 3))) \
    CALL_VAR(tap_rand, 0, tap_rand(f->t, TAP_SHAPE(2, 3))) \
    CALL_VAR(tap_leaf_var, 0, tap_leaf_var(f->t, &f->leaf)) \
    CALL_TENSOR(tap_value, 1, tap_value(f->in.a)) \
    CALL(tap_shape_of, 1, tap_shape_of(f->in.a)) \
    CALL_NUMBER(tap_item, 1, tap_item(f->in.s)) \
    CALL_TENSOR(tap_named, 1, tap_value(tap_named(f->in.a, NULL))) \
    BINARY(tap_eq) BINARY(tap_ne) BINARY(tap_lt) BINARY(tap_le) BINARY(tap_gt) BINARY(tap_ge) BINARY(tap_logical_and) \
    BINARY(tap_logical_or) UNARY(tap_logical_not) UNARY(tap_isnan) UNARY(tap_isinf) UNARY(tap_isfinite) \
    CALL_FUNCTION(tap_split, 1) \
    CALL_FUNCTION(tap_chunk, 1) \
    CALL_FUNCTION(tap_unbind, 1) \
    CALL_VAR(tap_count_nonzero, 1, tap_count_nonzero(f->in.a, TAP_ALL)) \
    CALL_VAR(tap_any, 1, tap_any(f->in.a, TAP_ALL)) \
    CALL_VAR(tap_all, 1, tap_all(f->in.a, TAP_ALL)) \
    CALL_VAR(tap_argmax, 1, tap_argmax(f->in.a, TAP_ALL)) \
    CALL_VAR(tap_argmin, 1, tap_argmin(f->in.a, TAP_LAST)) \
    CALL_VAR(tap_argsort, 1, tap_argsort(f->in.a, 0, TAP_DESCENDING)) \
    CALL_STATUS(tap_backward, 1, tap_backward(f->in.s)) \
    CALL(tap_grad, 2, tap_grad(f->in.s, 1, &f->in.b, &f->out)) \
    CALL(tap_vjp, 3, tap_vjp(f->in.s, f->in.one, 1, &f->in.a, &f->out)) \
    CALL(tap_apply, 1, tap_vjp(tap_apply(&probe, NULL, 1, &f->in.a), f->in.a, 1, &f->in.a, &f->out)) \
    CALL(tap_call_fail, 0, assert_int_equal(tap_call_fail(NULL, TAP_EIO, "nobody's"), TAP_EIO)) \
    CALL(tap_call_scratch, 0, assert_null(tap_call_scratch(NULL, 8))) \
    CALL_VAR(tap_in, 0, tap_in(NULL, 0)) \
    CALL_VAR(tap_out, 0, tap_out(NULL)) \
    CALL(tap_attr, 0, assert_null(tap_attr(NULL))) \
    CALL(tap_needs_grad, 0, assert_false(tap_needs_grad(NULL, 0))) \
    CALL(tap_gradcheck, 0, assert_int_equal(check(NULL, NULL, 1, &f->leaf.value).status, TAP_EARG)) \
    CALL(tap_dump, 1, tap_dump(f->in.a, f->sink)) \
    CALL(tap_tape_write_dot, 0, tap_tape_write_dot(f->t, "graph.dot", NULL))
/* clang-format on */

#define CALL          AS_FUNCTION
#define CALL_FUNCTION AS_NOTHING
FUNCTIONS
#undef CALL
#undef CALL_FUNCTION

static const function_call rows[] = {
#define CALL          AS_ROW
#define CALL_FUNCTION AS_WRITTEN_ROW
    FUNCTIONS
#undef CALL
#undef CALL_FUNCTION
};

enum { ROWS = sizeof rows / sizeof *rows };

/* ---- Conditions: what is wrong with the fixture ---- */

static void sound(fixture *f)
{
    (void)f;
}

static void failed(fixture *f)
{
    tap_tape_fail(f->t, TAP_EIO, "the first error");
}

static void stale(fixture *f)
{
    tap_tape_reset(f->t);
}

/* Vars whose id is beyond the last one of the tape. */
static void forged(fixture *f)
{
    f->in.a.id = f->in.b.id = f->in.v.id = f->in.condition.id = f->in.s.id = f->in.one.id = UINT32_MAX;
}

/* Vars of a later step than the tape's. */
static void ahead(fixture *f)
{
    f->in = operands_on(f->other, &f->leaf);
    tap_tape_reset(f->other);
    f->in = operands_on(f->other, &f->leaf);
    f->in.a.tape = f->in.b.tape = f->in.v.tape = f->in.condition.tape = f->in.s.tape = f->in.one.tape = f->t;
}

static void mixed(fixture *f)
{
    operands here = f->in;
    f->in = operands_on(f->other, &f->leaf);
    f->in.a = here.a;
    f->in.s = here.s;
}

static void mixed_with_failed(fixture *f)
{
    mixed(f);
    tap_tape_fail(f->t, TAP_EIO, "the first error");
}

static void half_empty(fixture *f)
{
    f->in.b = f->in.v = f->in.condition = f->in.one = (tap_var){ 0 };
}

static void inert(fixture *f)
{
    f->in.a.id = f->in.b.id = f->in.v.id = f->in.condition.id = f->in.s.id = f->in.one.id = 0;
}

static void empty(fixture *f)
{
    tap_tape_free(f->t);
    f->t = NULL;
    memset(&f->in, 0, sizeof f->in);
}

/* A call of at least this many vars must fail the tape with this status. */
static const struct {
    const char *name;
    void (*make)(fixture *f);
    int        vars;
    tap_status status;
} conditions[] = {
    { "sound", sound, 4, TAP_OK },     { "failed", failed, 0, TAP_EIO },
    { "stale", stale, 1, TAP_ESTALE }, { "forged", forged, 1, TAP_ESTALE },
    { "ahead", ahead, 1, TAP_ESTALE }, { "mixed", mixed, 2, TAP_ESTALE },
    { "inert", inert, 1, TAP_EARG },   { "mixed, one of them failed", mixed_with_failed, 0, TAP_EIO },
    { "empty", empty, 4, TAP_OK },     { "half empty", half_empty, 2, TAP_EARG },
};

static void check_outcome(const fixture *f, const char *call, bool broken, const char *where)
{
    if (broken && f->out.id != 0) fail_msg("%s, %s: the result is not inert", call, where);
    if (broken && !is_unreadable(f->value)) fail_msg("%s, %s: there is a value", call, where);
    if (broken && !isnan(f->item)) fail_msg("%s, %s: gives %g, not NaN", call, where, f->item);
    if (broken && f->status == TAP_OK) fail_msg("%s, %s: says TAP_OK", call, where);
    if (!broken && f->out.tape && f->out.id == 0) fail_msg("%s, %s: the result is inert", call, where);
    if (!broken && f->status > 0) fail_msg("%s, %s: says %s", call, where, tap_status_name((tap_status)f->status));
}

static void test_every_function_under_every_condition(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof conditions / sizeof *conditions; k++) {
        for (int i = 0; i < ROWS; i++) {
            const function_call *r = &rows[i];
            const char          *message;
            fixture              f;
            fixture_begin(&f);
            conditions[k].make(&f);
            const memory before = f.parameter;
            const bool   fails = (int)(r->traits & VARS) >= conditions[k].vars, alive = f.t != NULL;
            r->call(&f);

            tap_status status = tap_tape_status(f.t, &message), expected = fails ? conditions[k].status : TAP_OK;
            if (!fails && alive && (r->traits & FAILS)) expected = TAP_EIO;
            if (!alive) expected = TAP_EARG;
            if (status != expected)
                fail_msg("%s, %s: the tape says %s: %s", r->name, conditions[k].name, tap_status_name(status), message);
            if (conditions[k].status == TAP_EIO) assert_string_equal(message, "the first error");
            check_outcome(&f, r->name, fails || !alive, conditions[k].name);
            if ((fails || !alive) && !is_unchanged(&before, &f.parameter))
                fail_msg("%s, %s: the parameter has changed", r->name, conditions[k].name);
            fixture_end(&f);
        }
    }
}

/* ---- Invalid arguments, on a sound tape ---- */

static tap_var var_of(fixture *f, tap_dtype dtype)
{
    return tap_cast(f->in.a, dtype);
}

static tap_tensor strided(const fixture *f)
{
    tap_tensor x = f->leaf.value;
    x.stride[0] = 1;
    x.stride[1] = SIDE;
    return x;
}

static tap_tensor of_rank(const fixture *f, int rank)
{
    tap_tensor x = f->leaf.value;
    x.shape.rank = rank;
    return x;
}

static tap_tensor of_dtype(const fixture *f, tap_dtype dtype)
{
    tap_tensor x = f->leaf.value;
    x.dtype = dtype;
    return x;
}

static const tap_shape vast_of_pairs = { 2, { 1ll << 50, 2 } };

/* [n,n] in the memory of one element. */
static tap_var wide(fixture *f, int64_t n)
{
    return tap_expand(f->in.s, TAP_SHAPE(n, n));
}

static tap_var put_leaf(fixture *f, tap_tensor value, tap_tensor grad)
{
    tap_leaf leaf = { value, grad, NULL, "phi" };
    return tap_leaf_var(f->t, &leaf);
}

static tap_var with_a(fixture *f, tap_var (*op)(tap_var a, tap_var b), tap_var b)
{
    return op(f->in.a, b);
}

#define APPLY(op, attr) tap_apply(op, attr, 1, &f->in.a)

#include "tests/bad_arguments/elementwise.h"
#include "tests/bad_arguments/products.h"
#include "tests/bad_arguments/reductions.h"
#include "tests/bad_arguments/views.h"

static void bad_backward_unrecorded(fixture *f)
{
    tap_tape_set_recording(f->t, false);
    f->status = (int)tap_backward(tap_neg(f->in.s));
}

static void bad_apply_many(fixture *f)
{
    tap_var many[17];
    for (int i = 0; i < 17; i++) many[i] = f->in.a;
    f->out = tap_apply(&probe, NULL, 17, many);
}

/* clang-format off */
#define BAD_CALLS \
    BAD_VAR(input_inert, TAP_EARG, "input: the tensor is inert or invalid", tap_input(f->t, (tap_tensor){ 0 })) \
    BAD_VAR(input_rank, TAP_EARG, "input: the tensor is inert or invalid", tap_input(f->t, of_rank(f, 9))) \
    BAD_VAR(input_dtype, TAP_EARG, "input: the tensor is inert or invalid", tap_input(f->t, of_dtype(f, no_dtype))) \
    BAD_VAR(variable_int, TAP_EDTYPE, "variable: to take a gradient, the dtype must be float32 or float64, not int64", \
      tap_variable(f->t, of_dtype(f, TAP_I64))) \
    BAD_VAR(variable_rank, TAP_EARG, "variable: the tensor is inert or invalid", tap_variable(f->t, of_rank(f, INT_MIN))) \
    BAD_VAR(leaf_null, TAP_EARG, "leaf_var: the leaf is NULL", tap_leaf_var(f->t, NULL)) \
    BAD_VAR(leaf_inert, TAP_EARG, "leaf_var: the gradient of phi must be contiguous, with the value's shape and dtype", \
      put_leaf(f, (tap_tensor){ 0 }, (tap_tensor){ 0 })) \
    BAD_VAR(leaf_rank, TAP_EARG, "leaf_var: the gradient of phi must be contiguous, with the value's shape and dtype", \
      put_leaf(f, of_rank(f, INT_MAX), of_rank(f, INT_MAX))) \
    BAD_VAR(leaf_int, TAP_EDTYPE, "leaf_var: to take a gradient, the dtype must be float32 or float64, not int64", \
      put_leaf(f, of_dtype(f, TAP_I64), of_dtype(f, TAP_I64))) \
    BAD_VAR(leaf_grad_none, TAP_EARG, "leaf_var: the gradient of phi must be contiguous, with the value's shape and dtype", \
      put_leaf(f, f->leaf.value, (tap_tensor){ .dtype = TAP_F64, .shape = f->leaf.value.shape })) \
    BAD_VAR(leaf_grad_dtype, TAP_EARG, "leaf_var: the gradient of phi must be contiguous, with the value's shape and dtype", \
      put_leaf(f, f->leaf.value, of_dtype(f, TAP_F32))) \
    BAD_VAR(leaf_grad_shape, TAP_EARG, "leaf_var: the gradient of phi must be contiguous, with the value's shape and dtype", \
      put_leaf(f, f->leaf.value, of_rank(f, 1))) \
    BAD_VAR(leaf_grad_strides, TAP_EARG, "leaf_var: the gradient of phi must be contiguous, with the value's shape and dtype", \
      put_leaf(f, f->leaf.value, strided(f))) \
    BAD_VAR(zeros_negative, TAP_ESHAPE, \
      "zeros: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not [-3]", \
      tap_zeros(f->t, negative)) \
    BAD_VAR(zeros_overflowing, TAP_ESHAPE, \
      "zeros: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not " \
      "[9223372036854775807,9223372036854775807]", \
      tap_zeros(f->t, overflowing)) \
    BAD_VAR(zeros_rank, TAP_ESHAPE, \
      "zeros: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not [0,0,0,0,0,0,0,0]", \
      tap_zeros(f->t, rank_9)) \
    BAD_VAR(zeros_vast, TAP_ENOMEM, NULL, tap_zeros(f->t, vast)) \
    BAD_VAR(randn_rank, TAP_ESHAPE, \
      "randn: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not []", \
      tap_randn(f->t, rank_min)) \
    BAD_VAR(randn_vast, TAP_ENOMEM, NULL, tap_randn(f->t, vast)) \
    BAD_VAR(rand_negative, TAP_ESHAPE, \
      "rand: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not [-3]", \
      tap_rand(f->t, negative)) \
    BAD_NUMBER(item_matrix, TAP_ESHAPE, "item: the var must have one element, not [2,2]", tap_item(f->in.a)) \
    BAD_NUMBER(item_empty, TAP_ESHAPE, "item: the var must have one element, not [0,2]", \
      tap_item(tap_slice(f->in.a, 0, 0, 0, 1))) \
    BAD_VAR(arange_negative, TAP_ESHAPE, \
      "arange: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not [-3]", \
      tap_arange(f->t, -3)) \
    BAD_VAR(eye_negative, TAP_ESHAPE, \
      "eye: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not [-3]", \
      tap_eye(f->t, -3)) \
    BAD_VAR(full_vast, TAP_ENOMEM, NULL, tap_full(f->t, vast, 1)) \
    BAD_STATUS(backward_matrix, TAP_ESHAPE, "backward: the loss must have one element, not [2,2]", tap_backward(f->in.a)) \
    BAD_STATUS(backward_constant, TAP_EARG, "backward: the loss depends on no parameter, or was not recorded", \
      tap_backward(f->in.one)) \
    BAD_STATUS(backward_detached, TAP_EARG, "backward: the loss depends on no parameter, or was not recorded", \
      tap_backward(tap_detach(f->in.s))) \
    BAD_STATUS(backward_bool, TAP_EARG, "backward: the loss depends on no parameter, or was not recorded", \
      tap_backward(tap_gt(f->in.s, f->in.one))) \
    BAD_FUNCTION(backward_unrecorded, TAP_EARG, "backward: the loss depends on no parameter, or was not recorded") \
    BAD_CALL(grad_matrix, TAP_ESHAPE, "grad: the result must have one element, not [2,2]; see tap_vjp", \
      tap_grad(f->in.a, 1, &f->in.a, &f->out)) \
    BAD_CALL(grad_null, TAP_EARG, "grad: n must be at least 0, and x and dx not NULL", tap_grad(f->in.s, 1, NULL, &f->out)) \
    BAD_CALL(grad_nowhere, TAP_EARG, "grad: n must be at least 0, and x and dx not NULL", \
      tap_grad(f->in.s, 1, &f->in.a, NULL)) \
    BAD_CALL(grad_negative, TAP_EARG, "grad: n must be at least 0, and x and dx not NULL", \
      tap_grad(f->in.s, -1, &f->in.a, &f->out)) \
    BAD_CALL(vjp_null, TAP_EARG, "vjp: n must be at least 0, and x and dx not NULL", \
      tap_vjp(f->in.s, f->in.one, 1, NULL, &f->out)) \
    BAD_CALL(vjp_nowhere, TAP_EARG, "vjp: n must be at least 0, and x and dx not NULL", \
      tap_vjp(f->in.s, f->in.one, 1, &f->in.a, NULL)) \
    BAD_CALL(vjp_negative, TAP_EARG, "vjp: n must be at least 0, and x and dx not NULL", \
      tap_vjp(f->in.s, f->in.one, INT_MIN, &f->in.a, &f->out)) \
    BAD_CALL(vjp_shape, TAP_ESHAPE, "vjp: a cotangent [2] of float64 for a result [2,2] of float64", \
      tap_vjp(f->in.a, f->in.v, 1, &f->in.a, &f->out)) \
    BAD_CALL(vjp_dtype, TAP_EDTYPE, "vjp: a cotangent [2,2] of float32 for a result [2,2] of float64", \
      tap_vjp(f->in.a, var_of(f, TAP_F32), 1, &f->in.a, &f->out)) \
    BAD_VAR(apply_nothing, TAP_EARG, "apply: an operator needs infer, its attributes and 1 to 16 inputs", APPLY(NULL, NULL)) \
    BAD_VAR(apply_no_infer, TAP_EARG, "apply: an operator needs infer, its attributes and 1 to 16 inputs", \
      APPLY(&no_infer, NULL)) \
    BAD_VAR(apply_no_attr, TAP_EARG, "apply: an operator needs infer, its attributes and 1 to 16 inputs", \
      APPLY(&with_attr, NULL)) \
    BAD_VAR(apply_no_forward, TAP_EARG, "no_forward: [2,2] (theta): the operator has no forward", APPLY(&no_forward, NULL)) \
    BAD_VAR(apply_no_rule, TAP_EARG, "no_rule: [2,2] (theta): an input needs a gradient, and the operator has no rule for it", \
      APPLY(&no_rule, NULL)) \
    BAD_FUNCTION(apply_many, TAP_EARG, "apply: an operator needs infer, its attributes and 1 to 16 inputs") \
    BAD_VAR(apply_silent, TAP_EARG, "silent: [2,2] (theta): its shape could not be inferred", APPLY(&silent, NULL)) \
    BAD_VAR(apply_too_much, TAP_ESHAPE, \
      "too_much: [2,2] (theta): the result must have a valid shape and dtype, not " \
      "[9223372036854775807,9223372036854775807] of float64", \
      APPLY(&too_much, NULL)) \
    BAD_VAR(apply_untyped, TAP_EDTYPE, \
      "nothing: [2,2] (theta): the result must have a valid shape and dtype, not [] of unknown dtype", \
      APPLY(&nothing, NULL)) \
    BAD_VAR(apply_greedy, TAP_ENOMEM, "greedy: [2,2] (theta): at most 8 blocks of scratch memory can be used in a call", \
      APPLY(&greedy, NULL)) \
    BAD_VAR(apply_vast, TAP_ENOMEM, NULL, APPLY(&vast_scratch, NULL))
/* clang-format on */

#define BAD_CALL     AS_BAD_FUNCTION
#define BAD_FUNCTION AS_NOTHING
BAD_CALLS
ELEMENTWISE_BAD_CALLS
REDUCTION_BAD_CALLS
VIEW_BAD_CALLS
PRODUCT_BAD_CALLS
#undef BAD_CALL
#undef BAD_FUNCTION

static const bad_call bad_calls[] = {
#define BAD_CALL     AS_BAD_ROW
#define BAD_FUNCTION AS_WRITTEN_BAD_ROW
    BAD_CALLS ELEMENTWISE_BAD_CALLS REDUCTION_BAD_CALLS VIEW_BAD_CALLS PRODUCT_BAD_CALLS
#undef BAD_CALL
#undef BAD_FUNCTION
};

static void test_bad_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_calls / sizeof *bad_calls; i++) {
        const bad_call *r = &bad_calls[i];
        const char     *message;
        fixture         f;
        fixture_begin(&f);
        const memory before = f.parameter;
        r->call(&f);
        tap_status status = tap_tape_status(f.t, &message);
        if ((int)status != r->status) fail_msg("%s: %s: %s", r->name, tap_status_name(status), message);
        if (r->message && strcmp(without_number(message), r->message) != 0) fail_msg("%s: '%s'", r->name, message);
        check_outcome(&f, r->name, true, "bad arguments");
        if (!is_unchanged(&before, &f.parameter)) fail_msg("%s: the parameter has changed", r->name);
        fixture_end(&f);
    }
}

/* ---- Calls that have no tape to fail ---- */

static void test_null_pointers(void **state)
{
    fixture   f;
    tap_error e = { 0 };
    tap_var   none = { 0 }, dx = { 0 };
    (void)state;
    fixture_begin(&f);
    assert_null(tap_cat(40, NULL, 0).tape);
    assert_null(tap_cat(-1, &f.in.a, 0).tape);
    assert_null(tap_apply(&probe, NULL, 1, NULL).tape);
    assert_null(tap_einsum("ij", 1, NULL).tape);
    assert_null(tap_einsum("ij", INT_MIN, &f.in.a).tape);
    assert_null(tap_einsum(NULL, 1, &none).tape);
    assert_null(tap_apply(&probe, NULL, INT_MIN, &f.in.a).tape);
    assert_null(tap_apply(NULL, NULL, 1, &none).tape);
    tap_grad(none, 1, NULL, NULL);
    tap_vjp(none, none, 1, NULL, &dx);
    tap_vjp(none, f.in.a, -1, &f.in.a, NULL);
    assert_null(tap_leaf_var(NULL, NULL).tape);
    tap_dump(f.in.a, NULL);
    tap_dump(none, f.sink);
    assert_int_equal(tap_tape_fail(NULL, TAP_EIO, "nobody's"), TAP_EIO);
    assert_int_equal(tap_tape_write_dot(NULL, "graph.dot", &e), TAP_EARG);
    assert_string_equal(e.message, "write_dot: a tape and a path are needed");
    assert_int_equal(tap_tape_write_dot(f.t, NULL, NULL), TAP_EARG);
    assert_int_equal(tap_tape_write_dot(f.t, "none/graph.dot", NULL), TAP_EIO);
    assert_int_equal(tap_tape_status(f.t, NULL), TAP_OK);
    fixture_end(&f);
}

/* Failing with the status TAP_OK does nothing. */
static void test_failing_with_ok(void **state)
{
    fixture f;
    (void)state;
    fixture_begin(&f);
    assert_int_equal(tap_tape_fail(f.t, TAP_OK, "nothing is wrong"), TAP_OK);
    assert_int_equal(tap_tape_status(f.t, NULL), TAP_OK);
    fixture_end(&f);
}

static void test_gradcheck(void **state)
{
    fixture f;
    int     calls = 0;
    (void)state;
    fixture_begin(&f);
    const tap_tensor x = f.leaf.value, single = of_dtype(&f, TAP_F32), inert_one = { .dtype = TAP_F64 }, bad = of_rank(&f, 9);
    assert_true(check(square_function, NULL, 1, &x).ok);
    assert_int_equal(check(NULL, NULL, 1, &x).status, TAP_EARG);
    assert_int_equal(check(square_function, NULL, 1, NULL).status, TAP_EARG);
    assert_int_equal(check(square_function, NULL, 0, &x).status, TAP_EARG);
    assert_int_equal(check(square_function, NULL, INT_MIN, &x).status, TAP_EARG);
    assert_int_equal(check(square_function, NULL, 17, &x).status, TAP_EARG);
    assert_int_equal(check(square_function, NULL, 1, &single).status, TAP_EDTYPE);
    assert_int_equal(check(square_function, NULL, 1, &inert_one).status, TAP_EDTYPE);
    assert_int_equal(check(square_function, NULL, 1, &bad).status, TAP_EDTYPE);
    assert_int_equal(check(foreign_function, &f, 1, &x).status, TAP_EARG);
    assert_string_equal(check(integer_function, NULL, 1, &x).message, "gradcheck: the function's result is int64, not float64");
    assert_false(check(growing_function, &calls, 1, &x).ok);
    tap_gradcheck_options odd = { -1, -1, (double)NAN, UINT64_MAX, INT64_MIN, INT_MAX, INT64_MIN, INT_MIN, true };
    assert_int_equal(tap_gradcheck(square_function, NULL, 1, &x, odd).status, TAP_EARG);
    odd = (tap_gradcheck_options){ .elements = INT64_MIN, .jacobian = INT64_MIN, .directions = INT_MIN, .order = 2 };
    assert_true(tap_gradcheck(square_function, NULL, 1, &x, odd).ok);
    odd = (tap_gradcheck_options){ .elements = INT64_MAX, .jacobian = INT64_MAX, .seed = UINT64_MAX, .order = 2 };
    assert_true(tap_gradcheck(square_function, NULL, 1, &x, odd).ok);
    assert_int_equal(tap_gradcheck(square_function, NULL, 1, &x, (tap_gradcheck_options){ .order = INT_MIN }).status, TAP_EARG);
    assert_int_equal(tap_gradcheck(square_function, NULL, 1, &x, (tap_gradcheck_options){ .directions = INT_MAX }).status,
                     TAP_EARG);
    odd = (tap_gradcheck_options){ .eps = (double)INFINITY };
    assert_false(tap_gradcheck(square_function, NULL, 1, &x, odd).ok);
    fixture_end(&f);
}

static void test_every_function_has_a_row(void **state)
{
    (void)state;
    assert_int_equal(check_header("autograd/autograd.h", ROWS, rows), ROWS);
}

int main(void)
{
    const struct CMUnitTest complete[] = { cmocka_unit_test(test_every_function_has_a_row) };
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_function_under_every_condition), cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_null_pointers),                 cmocka_unit_test(test_failing_with_ok),
        cmocka_unit_test(test_gradcheck),
    };
    /* clang-format on */
    return cmocka_run_group_tests(complete, NULL, NULL) + cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
