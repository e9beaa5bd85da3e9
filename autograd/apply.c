/* autograd/apply.c: tap_apply, which runs an operator: it checks the inputs, infers the shape of the result, computes the
 * result, and records the call on the tape if an input requires a gradient. */
#include <string.h>

#include "autograd/internal.h"
#include "tensor/arena.h"
#include "tensor/shape.h"

void *tap_call_scratch(tap_call *c, size_t bytes)
{
    if (!c) return NULL;
    tap_tape *t = c->tape;
    if (t->n_scratch == TAP__SCRATCH) {
        tap_call_fail(c, TAP_ENOMEM, "at most %d blocks of scratch memory can be used in a call", TAP__SCRATCH);
        return NULL;
    }
    void *p = tap__arena_acquire(t->arena, bytes);
    if (p) t->scratch[t->n_scratch++] = p;
    else tap__no_memory(t, c);
    return p;
}

/* The number of elements of a result, or -1 and an error. */
static int64_t result_size(tap_call *c, const tap_tensor *out)
{
    char          text[TAP_SHAPE_TEXT];
    const int64_t n = tap__numel(&out->shape);
    if (tap_dtype_size(out->dtype) && n >= 0) return n;
    tap_call_fail(c, tap_dtype_size(out->dtype) ? TAP_ESHAPE : TAP_EDTYPE,
                  "the result must have a valid shape and dtype, not %s of %s", tap_shape_format(text, out->shape),
                  tap_dtype_name(out->dtype));
    return -1;
}

/* A new node for a view of the first input's memory. */
static tap_node *push_view(tap_call *c, const tap_var *in, const tap_tensor *out)
{
    const tap_node *base = tap__node(c->tape, in[0].id);
    if (base->storage) tap__arena_retain(base->storage);
    tap_var v = tap__push(c->tape, *out, base->storage);
    if (!v.id) return NULL;
    tap_node *n = tap__node(c->tape, v.id);
    n->grad_of_leaf = base->grad_of_leaf;
    n->source = base->source;
    return n;
}

/* A new node for the result, computed; NULL, and an error, if there is no memory. */
static tap_node *push_computed(tap_call *c, tap_tensor *out, int64_t n)
{
    tap_node *node = tap__push_result(c->tape, out, n);
    if (!node) tap__no_memory(c->tape, c);
    else if (n > 0) c->op->forward(c, out);
    return node;
}

static void record(tap_call *c, tap_node *n, const tap_var *in)
{
    const tap_op *op = c->op;
    n->requires_grad = true;
    n->op = op;
    n->n_in = c->n_in;
    n->version = tap__current_version(c->tape);
    for (int i = 0; i < c->n_in; i++) n->in[i] = in[i].id;
    if (!c->attr || !op->attr_size) return;
    void *copy = tap__arena_acquire(c->tape->arena, op->attr_size);
    if (copy) n->attr = memcpy(copy, c->attr, op->attr_size);
    else tap__no_memory(c->tape, c);
}

/* Whether an operator may read the value: within a rule, if it is unmodified since the forward pass; else if it has not been
 * freed. */
static bool is_readable(tap_tape *t, const tap_node *n)
{
    if (!n->source) return true;
    if (t->rule) return tap__is_unmodified(t, n, t->rule->version);
    if (tap__memory_state_since(&t->borrower, n->value, tap__node(t, n->source)->version) != TAP__FREED) return true;
    return tap__is_unmodified(t, n, tap__node(t, n->source)->version);
}

/* The values of the inputs, and whether one of them requires a gradient. False, and the tape has failed, if one cannot be
 * used. */
static bool get_inputs(const char *name, int n_in, const tap_var *in, tap_tensor *values, bool *requires_grad)
{
    *requires_grad = false;
    if (!tap__same_tape(name, n_in, in)) return false;
    for (int i = 0; i < n_in; i++) {
        const tap_node *n = tap__node(in[i].tape, in[i].id);
        if (!is_readable(n->tape, n)) return false;
        values[i] = n->value;
        *requires_grad = *requires_grad || n->requires_grad;
    }
    return true;
}

/* The number of elements of the result, or -1 and an error. *requires_grad, that of the inputs, becomes that of the result. */
static int64_t infer(tap_call *c, tap_tensor *out, bool *requires_grad)
{
    const tap_op *op = c->op;
    int64_t       size = -1;
    *out = (tap_tensor){ .dtype = TAP_F32 };
    if (op->infer(c, out) == TAP_OK && c->tape->error.status == TAP_OK) size = result_size(c, out);
    if (size < 0) {
        tap_call_fail(c, TAP_EARG, "its shape could not be inferred");
        return -1;
    }
    *requires_grad = *requires_grad && c->tape->recording && tap_dtype_is_float(out->dtype);
    if (*requires_grad && !op->vjp)
        tap_call_fail(c, TAP_EARG, "an input needs a gradient, and the operator has no rule for it");
    else if (!out->data && !op->forward) tap_call_fail(c, TAP_EARG, "the operator has no forward");
    else return size;
    return -1;
}

tap_var tap_apply(const tap_op *op, const void *attr, int n_in, const tap_var *in)
{
    tap_tensor values[TAP_MAX_INPUTS], out;
    bool       requires_grad;
    tap_tape  *t = in ? tap__tape_of(n_in, in) : NULL;
    if (!t || t->error.status != TAP_OK) return tap__inert(t);
    if (!op || !op->infer || n_in > TAP_MAX_INPUTS || (op->attr_size && !attr))
        return tap__fail(t, TAP_EARG, "apply", "an operator needs infer, its attributes and 1 to %d inputs", TAP_MAX_INPUTS);
    if (t->depth == 0 && !t->rule) tap__count_call(t, op->name);
    if (!get_inputs(op->name, n_in, in, values, &requires_grad)) return tap__inert(t);
    tap__op_call  r = { { t, op, attr, n_in, values }, in };
    const int64_t size = infer(&r.call, &out, &requires_grad);
    if (size < 0) return tap__inert(t);
    const bool is_view = out.data != NULL; /* and holds nothing new */
    tap_node  *n = is_view ? push_view(&r.call, in, &out) : push_computed(&r.call, &out, size);
    while (t->n_scratch > 0) tap__arena_release(t->arena, t->scratch[--t->n_scratch]);
    if (n && t->trace && !is_view) tap__trace_nonfinite(&r.call, in, out);
    if (n && requires_grad) record(&r.call, n, in);
    return n && t->error.status == TAP_OK ? (tap_var){ t, n->id, t->epoch } : tap__inert(t);
}
