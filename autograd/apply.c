/* Running an operator: its inputs are checked, its shape inferred, its result computed, and all that noted on the tape. */
#include <string.h>

#include "autograd/internal.h"
#include "tensor/arena.h"
#include "tensor/shape.h"

void *tap_call_scratch(tap_call *c, size_t bytes)
{
    if (!c) return NULL;
    tap_tape *t = c->tape;
    if (t->n_scratch == TAP__SCRATCH) {
        tap_call_fail(c, TAP_ENOMEM, "more than %d pieces of scratch memory asked for", TAP__SCRATCH);
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
    tap_call_fail(c, tap_dtype_size(out->dtype) ? TAP_ESHAPE : TAP_EDTYPE, "a result %s of %s cannot be",
                  tap_shape_format(text, out->shape), tap_dtype_name(out->dtype));
    return -1;
}

/* A view of the first input's memory, by another node. */
static tap_node *view(tap_call *c, const tap_var *in, const tap_tensor *out)
{
    const tap_node *base = tap__node(c->tape, in[0].id);
    if (base->storage) tap__arena_retain(base->storage);
    tap_var v = tap__push(c->tape, *out, base->storage);
    if (!v.id) return NULL;
    tap_node *n = tap__node(c->tape, v.id);
    n->borrower_of = base->borrower_of;
    n->source = base->source;
    return n;
}

static tap_node *compute(tap_call *c, tap_tensor *out, int64_t n)
{
    tap_node *node = tap__push_result(c->tape, out, n);
    if (!node) tap__no_memory(c->tape, c);
    else if (n > 0) c->op->forward(c, out);
    return node;
}

static void record(tap_call *c, tap_node *n, const tap_var *in)
{
    const tap_op *op = c->op;
    n->needs = true;
    n->op = op;
    n->n_in = c->n_in;
    n->moment = tap__current_version(c->tape);
    for (int i = 0; i < c->n_in; i++) n->in[i] = in[i].id;
    if (!c->attr || !op->attr_size) return;
    void *copy = tap__arena_acquire(c->tape->arena, op->attr_size);
    if (copy) n->attr = memcpy(copy, c->attr, op->attr_size);
    else tap__no_memory(c->tape, c);
}

/* Whether the operator may read the value: in a rule, if it is what the forward pass had read; else, if it is still there. */
static bool may_read(tap_tape *t, const tap_node *n)
{
    if (!n->source) return true;
    if (t->rule) return tap__is_unmodified(t, n, t->rule->moment);
    if (tap__memory_state_since(&t->borrower, n->value, tap__node(t, n->source)->moment) != TAP__FREED) return true;
    return tap__is_unmodified(t, n, tap__node(t, n->source)->moment);
}

/* The values of live inputs, and whether one of them needs a gradient. False, and the tape has failed, if one may not be read. */
static bool gather(const char *name, int n_in, const tap_var *in, tap_tensor *values, bool *needs)
{
    *needs = false;
    if (!tap__same_tape(name, n_in, in)) return false;
    for (int i = 0; i < n_in; i++) {
        const tap_node *n = tap__node(in[i].tape, in[i].id);
        if (!may_read(n->tape, n)) return false;
        values[i] = n->value;
        *needs = *needs || n->needs;
    }
    return true;
}

/* The result's size, or -1 and an error; *needs: whether it is to be recorded. */
static int64_t infer(tap_call *c, tap_tensor *out, bool *needs)
{
    const tap_op *op = c->op;
    int64_t       size = -1;
    *out = (tap_tensor){ .dtype = TAP_F32 };
    if (op->infer(c, out) == TAP_OK && c->tape->error.status == TAP_OK) size = result_size(c, out);
    if (size < 0) {
        tap_call_fail(c, TAP_EARG, "its shape could not be inferred");
        return -1;
    }
    *needs = *needs && c->tape->recording && tap_dtype_is_float(out->dtype);
    if (*needs && !op->vjp) tap_call_fail(c, TAP_EARG, "an input needs a gradient, and the operator has no rule for it");
    else if (!out->data && !op->forward) tap_call_fail(c, TAP_EARG, "the operator has no forward");
    else return size;
    return -1;
}

tap_var tap_apply(const tap_op *op, const void *attr, int n_in, const tap_var *in)
{
    tap_tensor values[TAP_MAX_INPUTS], out;
    bool       needs;
    tap_tape  *t = in ? tap__tape_of(n_in, in) : NULL;
    if (!t || t->error.status != TAP_OK) return tap__inert(t);
    if (!op || !op->infer || n_in > TAP_MAX_INPUTS || (op->attr_size && !attr))
        return tap__fail(t, TAP_EARG, "apply", "an operator needs infer, its attributes and 1 to %d inputs", TAP_MAX_INPUTS);
    if (t->depth == 0 && !t->rule) tap__count_call(t, op->name);
    if (!gather(op->name, n_in, in, values, &needs)) return tap__inert(t);
    tap__op_call  r = { { t, op, attr, n_in, values }, in };
    const int64_t size = infer(&r.call, &out, &needs);
    if (size < 0) return tap__inert(t);
    const bool is_view = out.data != NULL; /* and holds nothing new */
    tap_node  *n = is_view ? view(&r.call, in, &out) : compute(&r.call, &out, size);
    while (t->n_scratch > 0) tap__arena_release(t->arena, t->scratch[--t->n_scratch]);
    if (n && t->trace && !is_view) tap__trace_nonfinite(&r.call, in, out);
    if (n && needs) record(&r.call, n, in);
    return n && t->error.status == TAP_OK ? (tap_var){ t, n->id, t->epoch } : tap__inert(t);
}
