/* Every function of autograd.h on tapes and vars that are no good, and with arguments that make no sense: nothing crashes, the
 * first message is kept, results are inert, and parameters and their gradients stay as they were to the last bit. */
#define _XOPEN_SOURCE 700
#include "autograd/autograd.h"
#include "tests/bad_arguments/bad_arguments.h"

/* ---- The world that a call finds ---- */

enum { SIDE = 2 };

/* The memory of a parameter. */
typedef struct {
    double value[SIDE * SIDE], grad[SIDE * SIDE];
    bool   fresh;
} memory;

static bool untouched(const memory *before, const memory *after)
{
    return memcmp(before->value, after->value, sizeof before->value) == 0 &&
           memcmp(before->grad, after->grad, sizeof before->grad) == 0 && before->fresh == after->fresh;
}

typedef struct {
    tap_var a, b, v, condition, s, one; /* [2,2] (a parameter), [2,2], [2], bool [2,2], [] depending on a, [] */
} operands;

struct world {
    tap_tape  *t, *other;
    tap_leaf   leaf;
    memory     parameter;
    operands   in;
    tap_var    out; /* what the call gave: a var, */
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

static void world_begin(world *w)
{
    *w = (world){ .item = (double)NAN, .status = -1 };
    w->t = tap_tape_new(TAP_F64, 1);
    w->other = tap_tape_new(TAP_F64, 2);
    w->sink = fopen("/dev/null", "w");
    assert_non_null(w->sink);
    for (int i = 0; i < SIDE * SIDE; i++) w->parameter.value[i] = i + 1, w->parameter.grad[i] = -i;
    w->leaf = (tap_leaf){ tap_tensor_wrap(TAP_F64, TAP_SHAPE(SIDE, SIDE), w->parameter.value),
                          tap_tensor_wrap(TAP_F64, TAP_SHAPE(SIDE, SIDE), w->parameter.grad), &w->parameter.fresh, "theta" };
    w->in = operands_on(w->t, &w->leaf);
}

static void world_end(world *w)
{
    tap_tape_free(w->t);
    tap_tape_free(w->other);
    fclose(w->sink);
}

/* ---- Operators of one's own: one that asks impertinent questions, and broken ones ---- */

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
    return ((world *)ctx)->in.a;
}

/* A result that has no gradient. */
static tap_var integer_function(tap_tape *t, const tap_var *in, void *ctx)
{
    (void)t, (void)ctx;
    return tap_cast(in[0], TAP_I64);
}

/* A result that is larger each time. */
static tap_var growing_function(tap_tape *t, const tap_var *in, void *ctx)
{
    int *calls = ctx;
    return tap_mul(in[0], tap_zeros(t, TAP_SHAPE(1 + 1000 * (*calls)++, 1, 1)));
}

static tap_gradcheck_result check(tap_function f, void *ctx, int n, const tap_tensor *x)
{
    return tap_gradcheck(f, ctx, n, x, (tap_gradcheck_options){ 0 });
}

/* int64 [2,2], all the same. */
static tap_var places(world *w, double value)
{
    return tap_cast(tap_full(w->t, TAP_SHAPE(2, 2), value), TAP_I64);
}

/* ---- A call of every function. Its traits: how many vars it takes, and what is special about it ---- */

enum {
    VARS = 3,  /* a mask */
    FAILS = 4, /* it is there to fail the tape */
};

#define ONE(f)  X(f, 1, w->out = f(w->in.a))
#define PAIR(f) X(f, 2, w->out = f(w->in.a, w->in.b))

/* clang-format off */
#define FUNCTIONS \
    X(tap_tape_new, 0, tap_tape *t = tap_tape_new(no_dtype, 1); \
      assert_int_equal(tap_tape_status(t, NULL), TAP_EDTYPE); tap_tape_free(t)) \
    X(tap_tape_free, 0, tap_tape_free(NULL)) \
    X(tap_tape_reset, 0, tap_tape_reset(w->t)) \
    X(tap_tape_status, 0, tap_tape_status(w->t, NULL)) \
    X(tap_call_begin, 0, tap_running r = tap_call_begin("it", 0, NULL); tap_call_end(&r)) \
    X(tap_call_end, 0, tap_call_end(NULL)) \
    X(tap_fail, FAILS, tap_fail((tap_var){ w->t, 0, 0 }, TAP_EIO, "%s", "another one")) \
    X(tap_tape_message, 0, tap_tape_message(w->t)) \
    X(tap_tape_clear_error, 0, tap_tape_clear_error(NULL)) \
    X(tap_tape_fail, FAILS, tap_tape_fail(w->t, TAP_EIO, "%s", "another one")) \
    X(tap_tape_set_recording, 0, tap_tape_set_recording(w->t, tap_tape_set_recording(w->t, false))) \
    X(tap_tape_trace_nonfinite, 0, tap_tape_trace_nonfinite(w->t, tap_tape_trace_nonfinite(w->t, false))) \
    X(tap_tape_dtype, 0, tap_tape_dtype(w->t)) \
    X(tap_tape_step, 0, tap_tape_step(w->t)) \
    X(tap_tape_set_step, 0, tap_tape_set_step(w->t, UINT64_MAX)) \
    X(tap_tape_bytes, 0, tap_tape_bytes(w->t)) \
    X(tap_input, 0, w->out = tap_input(w->t, w->leaf.value)) \
    X(tap_variable, 0, w->out = tap_variable(w->t, w->leaf.value)) \
    X(tap_scalar, 0, w->out = tap_scalar(w->t, 2)) \
    X(tap_zeros, 0, w->out = tap_zeros(w->t, TAP_SHAPE(2, 3))) \
    X(tap_ones, 0, w->out = tap_ones(w->t, TAP_SHAPE(2, 3))) \
    X(tap_full, 0, w->out = tap_full(w->t, TAP_SHAPE(2, 3), 5)) \
    X(tap_full_like, 1, w->out = tap_full_like(w->in.a, 5)) \
    X(tap_scalar_like, 1, w->out = tap_scalar_like(w->in.a, 5)) \
    X(tap_arange, 0, w->out = tap_arange(w->t, 3)) \
    X(tap_eye, 0, w->out = tap_eye(w->t, 3)) \
    X(tap_randn, 0, w->out = tap_randn(w->t, TAP_SHAPE(2, 3))) \
    X(tap_rand, 0, w->out = tap_rand(w->t, TAP_SHAPE(2, 3))) \
    X(tap_leaf_var, 0, w->out = tap_leaf_var(w->t, &w->leaf)) \
    X(tap_value, 1, w->value = tap_value(w->in.a)) \
    X(tap_shape_of, 1, tap_shape_of(w->in.a)) \
    X(tap_item, 1, w->item = tap_item(w->in.s)) \
    X(tap_named, 1, w->value = tap_value(tap_named(w->in.a, NULL))) \
    PAIR(tap_eq) PAIR(tap_ne) PAIR(tap_lt) PAIR(tap_le) PAIR(tap_gt) PAIR(tap_ge) PAIR(tap_logical_and) \
    PAIR(tap_logical_or) ONE(tap_logical_not) ONE(tap_isnan) ONE(tap_isinf) ONE(tap_isfinite) \
    X(tap_split, 1, tap_var piece[2] = { { 0 } }; tap_split(w->in.a, 1, 0, 2, piece); w->out = piece[1]) \
    X(tap_chunk, 1, tap_var piece[2] = { { 0 } }; tap_chunk(w->in.a, INT64_MAX, 0, 2, piece); w->out = piece[1]) \
    X(tap_unbind, 1, tap_var piece[2] = { { 0 } }; tap_unbind(w->in.a, 0, 2, piece); w->out = piece[1]) \
    X(tap_count_nonzero, 1, w->out = tap_count_nonzero(w->in.a, TAP_ALL)) \
    X(tap_any, 1, w->out = tap_any(w->in.a, TAP_ALL)) \
    X(tap_all, 1, w->out = tap_all(w->in.a, TAP_ALL)) \
    X(tap_argmax, 1, w->out = tap_argmax(w->in.a, TAP_ALL)) \
    X(tap_argmin, 1, w->out = tap_argmin(w->in.a, TAP_LAST)) \
    X(tap_argsort, 1, w->out = tap_argsort(w->in.a, 0, TAP_DESCENDING)) \
    X(tap_backward, 1, w->status = tap_backward(w->in.s)) \
    X(tap_grad, 2, tap_grad(w->in.s, 1, &w->in.b, &w->out)) \
    X(tap_vjp, 3, tap_vjp(w->in.s, w->in.one, 1, &w->in.a, &w->out)) \
    X(tap_apply, 1, tap_vjp(tap_apply(&probe, NULL, 1, &w->in.a), w->in.a, 1, &w->in.a, &w->out)) \
    X(tap_call_fail, 0, assert_int_equal(tap_call_fail(NULL, TAP_EIO, "nobody's"), TAP_EIO)) \
    X(tap_call_scratch, 0, assert_null(tap_call_scratch(NULL, 8))) \
    X(tap_in, 0, w->out = tap_in(NULL, 0)) \
    X(tap_out, 0, w->out = tap_out(NULL)) \
    X(tap_attr, 0, assert_null(tap_attr(NULL))) \
    X(tap_needs_grad, 0, assert_false(tap_needs_grad(NULL, 0))) \
    X(tap_gradcheck, 0, assert_int_equal(check(NULL, NULL, 1, &w->leaf.value).status, TAP_EARG)) \
    X(tap_dump, 1, tap_dump(w->in.a, w->sink)) \
    X(tap_tape_write_dot, 0, tap_tape_write_dot(w->t, "graph.dot", NULL))
/* clang-format on */

#define X AS_FUNCTION
FUNCTIONS
#undef X

static const row rows[] = {
#define X AS_ROW
    FUNCTIONS
#undef X
};

enum { ROWS = sizeof rows / sizeof *rows };

/* ---- What may be wrong with the world ---- */

static void sound(world *w)
{
    (void)w;
}

static void failed(world *w)
{
    tap_tape_fail(w->t, TAP_EIO, "the first error");
}

static void stale(world *w)
{
    tap_tape_reset(w->t);
}

/* Vars of a number that the tape has not reached. */
static void forged(world *w)
{
    w->in.a.id = w->in.b.id = w->in.v.id = w->in.condition.id = w->in.s.id = w->in.one.id = UINT32_MAX;
}

/* Vars of a later step than the tape has reached. */
static void ahead(world *w)
{
    w->in = operands_on(w->other, &w->leaf);
    tap_tape_reset(w->other);
    w->in = operands_on(w->other, &w->leaf);
    w->in.a.tape = w->in.b.tape = w->in.v.tape = w->in.condition.tape = w->in.s.tape = w->in.one.tape = w->t;
}

static void mixed(world *w)
{
    operands here = w->in;
    w->in = operands_on(w->other, &w->leaf);
    w->in.a = here.a;
    w->in.s = here.s;
}

static void mixed_with_failed(world *w)
{
    mixed(w);
    tap_tape_fail(w->t, TAP_EIO, "the first error");
}

static void half_empty(world *w)
{
    w->in.b = w->in.v = w->in.condition = w->in.one = (tap_var){ 0 };
}

static void inert(world *w)
{
    w->in.a.id = w->in.b.id = w->in.v.id = w->in.condition.id = w->in.s.id = w->in.one.id = 0;
}

static void empty(world *w)
{
    tap_tape_free(w->t);
    w->t = NULL;
    memset(&w->in, 0, sizeof w->in);
}

/* What a call must find in a world: with this many vars or more, it fails the tape with this status. */
static const struct {
    const char *name;
    void (*make)(world *w);
    int        vars;
    tap_status status;
} worlds[] = {
    { "sound", sound, 4, TAP_OK },     { "failed", failed, 0, TAP_EIO },
    { "stale", stale, 1, TAP_ESTALE }, { "forged", forged, 1, TAP_ESTALE },
    { "ahead", ahead, 1, TAP_ESTALE }, { "mixed", mixed, 2, TAP_ESTALE },
    { "inert", inert, 1, TAP_EARG },   { "mixed, one of them failed", mixed_with_failed, 0, TAP_EIO },
    { "empty", empty, 4, TAP_OK },     { "half empty", half_empty, 2, TAP_EARG },
};

static void check_outcome(const world *w, const char *call, bool broken, const char *where)
{
    if (broken && w->out.id != 0) fail_msg("%s, %s: the result is not inert", call, where);
    if (broken && !is_unreadable(w->value)) fail_msg("%s, %s: there is a value", call, where);
    if (broken && !isnan(w->item)) fail_msg("%s, %s: gives %g, not NaN", call, where, w->item);
    if (broken && w->status == TAP_OK) fail_msg("%s, %s: says TAP_OK", call, where);
    if (!broken && w->out.tape && w->out.id == 0) fail_msg("%s, %s: the result is inert", call, where);
    if (!broken && w->status > 0) fail_msg("%s, %s: says %s", call, where, tap_status_name((tap_status)w->status));
}

static void test_every_function_in_every_world(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof worlds / sizeof *worlds; k++) {
        for (int i = 0; i < ROWS; i++) {
            const row  *r = &rows[i];
            const char *message;
            world       w;
            world_begin(&w);
            worlds[k].make(&w);
            const memory before = w.parameter;
            const bool   fails = (int)(r->traits & VARS) >= worlds[k].vars, alive = w.t != NULL;
            r->call(&w);

            tap_status status = tap_tape_status(w.t, &message), expected = fails ? worlds[k].status : TAP_OK;
            if (!fails && alive && (r->traits & FAILS)) expected = TAP_EIO;
            if (!alive) expected = TAP_EARG;
            if (status != expected)
                fail_msg("%s, %s: the tape says %s: %s", r->name, worlds[k].name, tap_status_name(status), message);
            if (worlds[k].status == TAP_EIO) assert_string_equal(message, "the first error");
            check_outcome(&w, r->name, fails || !alive, worlds[k].name);
            if ((fails || !alive) && !untouched(&before, &w.parameter))
                fail_msg("%s, %s: the parameter has changed", r->name, worlds[k].name);
            world_end(&w);
        }
    }
}

/* ---- Arguments that make no sense, on a sound tape ---- */

static tap_var var_of(world *w, tap_dtype dtype)
{
    return tap_cast(w->in.a, dtype);
}

static tap_tensor strided(const world *w)
{
    tap_tensor x = w->leaf.value;
    x.stride[0] = 1;
    x.stride[1] = SIDE;
    return x;
}

static tap_tensor of_rank(const world *w, int rank)
{
    tap_tensor x = w->leaf.value;
    x.shape.rank = rank;
    return x;
}

static tap_tensor of_dtype(const world *w, tap_dtype dtype)
{
    tap_tensor x = w->leaf.value;
    x.dtype = dtype;
    return x;
}

static const tap_shape vast_of_pairs = { 2, { 1ll << 50, 2 } };

/* [n,n] in the memory of one number. */
static tap_var wide(world *w, int64_t n)
{
    return tap_expand(w->in.s, TAP_SHAPE(n, n));
}

static tap_var put_leaf(world *w, tap_tensor value, tap_tensor grad)
{
    tap_leaf leaf = { value, grad, NULL, "phi" };
    return tap_leaf_var(w->t, &leaf);
}

static tap_var two(world *w, tap_var (*f)(tap_var a, tap_var b), tap_var b)
{
    return f(w->in.a, b);
}

#define APPLY(op, attr) tap_apply(op, attr, 1, &w->in.a)

#include "tests/bad_arguments/elementwise.h"
#include "tests/bad_arguments/products.h"
#include "tests/bad_arguments/reductions.h"
#include "tests/bad_arguments/views.h"

/* clang-format off */
#define WRONGS \
    X(input_inert, TAP_EARG, "input: the tensor is inert or invalid", w->out = tap_input(w->t, (tap_tensor){ 0 })) \
    X(input_rank, TAP_EARG, "input: the tensor is inert or invalid", w->out = tap_input(w->t, of_rank(w, 9))) \
    X(input_dtype, TAP_EARG, "input: the tensor is inert or invalid", w->out = tap_input(w->t, of_dtype(w, no_dtype))) \
    X(variable_int, TAP_EDTYPE, "variable: to take a gradient, the dtype must be float32 or float64, not int64", w->out = tap_variable(w->t, of_dtype(w, TAP_I64))) \
    X(variable_rank, TAP_EARG, "variable: the tensor is inert or invalid", w->out = tap_variable(w->t, of_rank(w, INT_MIN))) \
    X(leaf_null, TAP_EARG, "leaf_var: the leaf is NULL", w->out = tap_leaf_var(w->t, NULL)) \
    X(leaf_inert, TAP_EARG, "leaf_var: the gradient of phi must be contiguous, with the value's shape and dtype", \
      w->out = put_leaf(w, (tap_tensor){ 0 }, (tap_tensor){ 0 })) \
    X(leaf_rank, TAP_EARG, "leaf_var: the gradient of phi must be contiguous, with the value's shape and dtype", \
      w->out = put_leaf(w, of_rank(w, INT_MAX), of_rank(w, INT_MAX))) \
    X(leaf_int, TAP_EDTYPE, "leaf_var: to take a gradient, the dtype must be float32 or float64, not int64", w->out = put_leaf(w, of_dtype(w, TAP_I64), of_dtype(w, TAP_I64))) \
    X(leaf_grad_none, TAP_EARG, "leaf_var: the gradient of phi must be contiguous, with the value's shape and dtype", \
      w->out = put_leaf(w, w->leaf.value, (tap_tensor){ .dtype = TAP_F64, .shape = w->leaf.value.shape })) \
    X(leaf_grad_dtype, TAP_EARG, "leaf_var: the gradient of phi must be contiguous, with the value's shape and dtype", \
      w->out = put_leaf(w, w->leaf.value, of_dtype(w, TAP_F32))) \
    X(leaf_grad_shape, TAP_EARG, "leaf_var: the gradient of phi must be contiguous, with the value's shape and dtype", \
      w->out = put_leaf(w, w->leaf.value, of_rank(w, 1))) \
    X(leaf_grad_strides, TAP_EARG, "leaf_var: the gradient of phi must be contiguous, with the value's shape and dtype", \
      w->out = put_leaf(w, w->leaf.value, strided(w))) \
    X(zeros_negative, TAP_ESHAPE, "zeros: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not [-3]", w->out = tap_zeros(w->t, negative)) \
    X(zeros_overflowing, TAP_ESHAPE, "zeros: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not [9223372036854775807,9223372036854775807]", \
      w->out = tap_zeros(w->t, overflowing)) \
    X(zeros_rank, TAP_ESHAPE, "zeros: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not [0,0,0,0,0,0,0,0]", w->out = tap_zeros(w->t, rank_9)) \
    X(zeros_vast, TAP_ENOMEM, NULL, w->out = tap_zeros(w->t, vast)) \
    X(randn_rank, TAP_ESHAPE, "randn: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not []", w->out = tap_randn(w->t, rank_min)) \
    X(randn_vast, TAP_ENOMEM, NULL, w->out = tap_randn(w->t, vast)) \
    X(rand_negative, TAP_ESHAPE, "rand: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not [-3]", w->out = tap_rand(w->t, negative)) \
    X(item_matrix, TAP_ESHAPE, "item: the var must have one element, not [2,2]", w->item = tap_item(w->in.a)) \
    X(item_empty, TAP_ESHAPE, "item: the var must have one element, not [0,2]", w->item = tap_item(tap_slice(w->in.a, 0, 0, 0, 1))) \
    X(arange_negative, TAP_ESHAPE, "arange: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not [-3]", w->out = tap_arange(w->t, -3)) \
    X(eye_negative, TAP_ESHAPE, "eye: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not [-3]", w->out = tap_eye(w->t, -3)) \
    X(full_vast, TAP_ENOMEM, NULL, w->out = tap_full(w->t, vast, 1)) \
    X(backward_matrix, TAP_ESHAPE, "backward: the loss must have one element, not [2,2]", w->status = tap_backward(w->in.a)) \
    X(backward_constant, TAP_EARG, "backward: the loss depends on no parameter, or was not recorded", \
      w->status = tap_backward(w->in.one)) \
    X(backward_detached, TAP_EARG, "backward: the loss depends on no parameter, or was not recorded", \
      w->status = tap_backward(tap_detach(w->in.s))) \
    X(backward_bool, TAP_EARG, "backward: the loss depends on no parameter, or was not recorded", \
      w->status = tap_backward(tap_gt(w->in.s, w->in.one))) \
    X(backward_unrecorded, TAP_EARG, "backward: the loss depends on no parameter, or was not recorded", \
      tap_tape_set_recording(w->t, false); w->status = tap_backward(tap_neg(w->in.s))) \
    X(grad_matrix, TAP_ESHAPE, "grad: the result must have one element, not [2,2]; see tap_vjp", \
      tap_grad(w->in.a, 1, &w->in.a, &w->out)) \
    X(grad_null, TAP_EARG, "grad: n must be at least 0, and x and dx not NULL", tap_grad(w->in.s, 1, NULL, &w->out)) \
    X(grad_nowhere, TAP_EARG, "grad: n must be at least 0, and x and dx not NULL", tap_grad(w->in.s, 1, &w->in.a, NULL)) \
    X(grad_negative, TAP_EARG, "grad: n must be at least 0, and x and dx not NULL", tap_grad(w->in.s, -1, &w->in.a, &w->out)) \
    X(vjp_null, TAP_EARG, "vjp: n must be at least 0, and x and dx not NULL", tap_vjp(w->in.s, w->in.one, 1, NULL, &w->out)) \
    X(vjp_nowhere, TAP_EARG, "vjp: n must be at least 0, and x and dx not NULL", tap_vjp(w->in.s, w->in.one, 1, &w->in.a, NULL)) \
    X(vjp_negative, TAP_EARG, "vjp: n must be at least 0, and x and dx not NULL", \
      tap_vjp(w->in.s, w->in.one, INT_MIN, &w->in.a, &w->out)) \
    X(vjp_shape, TAP_ESHAPE, "vjp: a cotangent [2] of float64 for a result [2,2] of float64", \
      tap_vjp(w->in.a, w->in.v, 1, &w->in.a, &w->out)) \
    X(vjp_dtype, TAP_EDTYPE, "vjp: a cotangent [2,2] of float32 for a result [2,2] of float64", \
      tap_vjp(w->in.a, var_of(w, TAP_F32), 1, &w->in.a, &w->out)) \
    X(apply_nothing, TAP_EARG, "apply: an operator needs infer, its attributes and 1 to 16 inputs", \
      w->out = APPLY(NULL, NULL)) \
    X(apply_no_infer, TAP_EARG, "apply: an operator needs infer, its attributes and 1 to 16 inputs", \
      w->out = APPLY(&no_infer, NULL)) \
    X(apply_no_attr, TAP_EARG, "apply: an operator needs infer, its attributes and 1 to 16 inputs", \
      w->out = APPLY(&with_attr, NULL)) \
    X(apply_no_forward, TAP_EARG, "no_forward: [2,2] (theta): the operator has no forward", w->out = APPLY(&no_forward, NULL)) \
    X(apply_no_rule, TAP_EARG, "no_rule: [2,2] (theta): an input needs a gradient, and the operator has no rule for it", \
      w->out = APPLY(&no_rule, NULL)) \
    X(apply_many, TAP_EARG, "apply: an operator needs infer, its attributes and 1 to 16 inputs", \
      tap_var many[17]; for (int i = 0; i < 17; i++) many[i] = w->in.a; w->out = tap_apply(&probe, NULL, 17, many)) \
    X(apply_silent, TAP_EARG, "silent: [2,2] (theta): its shape could not be inferred", w->out = APPLY(&silent, NULL)) \
    X(apply_too_much, TAP_ESHAPE, \
      "too_much: [2,2] (theta): the result must have a valid shape and dtype, not [9223372036854775807,9223372036854775807] of float64", \
      w->out = APPLY(&too_much, NULL)) \
    X(apply_untyped, TAP_EDTYPE, "nothing: [2,2] (theta): the result must have a valid shape and dtype, not [] of unknown dtype", w->out = APPLY(&nothing, NULL)) \
    X(apply_greedy, TAP_ENOMEM, "greedy: [2,2] (theta): at most 8 blocks of scratch memory can be used in a call", \
      w->out = APPLY(&greedy, NULL)) \
    X(apply_vast, TAP_ENOMEM, NULL, w->out = APPLY(&vast_scratch, NULL))
/* clang-format on */

#define X AS_WRONG_FUNCTION
WRONGS
ELEMENTWISE_WRONGS
REDUCTION_WRONGS
VIEW_WRONGS
PRODUCT_WRONGS
#undef X

static const wrong wrongs[] = {
#define X AS_WRONG_ROW
    WRONGS ELEMENTWISE_WRONGS REDUCTION_WRONGS VIEW_WRONGS PRODUCT_WRONGS
#undef X
};

static void test_wrong_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        const wrong *r = &wrongs[i];
        const char  *message;
        world        w;
        world_begin(&w);
        const memory before = w.parameter;
        r->call(&w);
        tap_status status = tap_tape_status(w.t, &message);
        if ((int)status != r->status) fail_msg("%s: %s: %s", r->name, tap_status_name(status), message);
        if (r->message && strcmp(without_number(message), r->message) != 0) fail_msg("%s: '%s'", r->name, message);
        check_outcome(&w, r->name, true, "wrong arguments");
        if (!untouched(&before, &w.parameter)) fail_msg("%s: the parameter has changed", r->name);
        world_end(&w);
    }
}

/* ---- What has no tape to fail ---- */

static void test_null_pointers(void **state)
{
    world     w;
    tap_error e = { 0 };
    tap_var   none = { 0 }, dx = { 0 };
    (void)state;
    world_begin(&w);
    assert_null(tap_cat(40, NULL, 0).tape);
    assert_null(tap_cat(-1, &w.in.a, 0).tape);
    assert_null(tap_apply(&probe, NULL, 1, NULL).tape);
    assert_null(tap_einsum("ij", 1, NULL).tape);
    assert_null(tap_einsum("ij", INT_MIN, &w.in.a).tape);
    assert_null(tap_einsum(NULL, 1, &none).tape);
    assert_null(tap_apply(&probe, NULL, INT_MIN, &w.in.a).tape);
    assert_null(tap_apply(NULL, NULL, 1, &none).tape);
    tap_grad(none, 1, NULL, NULL);
    tap_vjp(none, none, 1, NULL, &dx);
    tap_vjp(none, w.in.a, -1, &w.in.a, NULL);
    assert_null(tap_leaf_var(NULL, NULL).tape);
    tap_dump(w.in.a, NULL);
    tap_dump(none, w.sink);
    assert_int_equal(tap_tape_fail(NULL, TAP_EIO, "nobody's"), TAP_EIO);
    assert_int_equal(tap_tape_write_dot(NULL, "graph.dot", &e), TAP_EARG);
    assert_string_equal(e.message, "write_dot: a tape and a path are needed");
    assert_int_equal(tap_tape_write_dot(w.t, NULL, NULL), TAP_EARG);
    assert_int_equal(tap_tape_write_dot(w.t, "none/graph.dot", NULL), TAP_EIO);
    assert_int_equal(tap_tape_status(w.t, NULL), TAP_OK);
    world_end(&w);
}

/* A failure with OK for its status is none. */
static void test_failing_with_ok(void **state)
{
    world w;
    (void)state;
    world_begin(&w);
    assert_int_equal(tap_tape_fail(w.t, TAP_OK, "nothing is wrong"), TAP_OK);
    assert_int_equal(tap_tape_status(w.t, NULL), TAP_OK);
    world_end(&w);
}

static void test_gradcheck(void **state)
{
    world w;
    int   calls = 0;
    (void)state;
    world_begin(&w);
    const tap_tensor x = w.leaf.value, single = of_dtype(&w, TAP_F32), inert_one = { .dtype = TAP_F64 }, bad = of_rank(&w, 9);
    assert_true(check(square_function, NULL, 1, &x).ok);
    assert_int_equal(check(NULL, NULL, 1, &x).status, TAP_EARG);
    assert_int_equal(check(square_function, NULL, 1, NULL).status, TAP_EARG);
    assert_int_equal(check(square_function, NULL, 0, &x).status, TAP_EARG);
    assert_int_equal(check(square_function, NULL, INT_MIN, &x).status, TAP_EARG);
    assert_int_equal(check(square_function, NULL, 17, &x).status, TAP_EARG);
    assert_int_equal(check(square_function, NULL, 1, &single).status, TAP_EDTYPE);
    assert_int_equal(check(square_function, NULL, 1, &inert_one).status, TAP_EDTYPE);
    assert_int_equal(check(square_function, NULL, 1, &bad).status, TAP_EDTYPE);
    assert_int_equal(check(foreign_function, &w, 1, &x).status, TAP_EARG);
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
    world_end(&w);
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
    const struct CMUnitTest abuse[] = {
        cmocka_unit_test(test_every_function_in_every_world), cmocka_unit_test(test_wrong_arguments),
        cmocka_unit_test(test_null_pointers),                 cmocka_unit_test(test_failing_with_ok),
        cmocka_unit_test(test_gradcheck),
    };
    /* clang-format on */
    return cmocka_run_group_tests(complete, NULL, NULL) + cmocka_run_group_tests(abuse, scratch_enter, scratch_leave);
}
