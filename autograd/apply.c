/* Running an operator: its inputs are checked, its shape inferred, its result computed, and all that noted on the tape. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "autograd/internal.h"

static void append(char *text, size_t size, const char *part)
{
    size_t used = strlen(text);
    if (used + 1 < size) snprintf(text + used, size - used, "%s", part);
}

bool tap__describe(const tap_tape *t, int n, const uint32_t *id, char *text, size_t size)
{
    char shape[TAP_SHAPE_TEXT];
    bool named = false;
    text[0] = '\0';
    for (int i = 0; i < n && i < 4; i++) {
        append(text, size, i ? " x " : "");
        append(text, size, tap_shape_format(shape, tap__node(t, id[i])->value.shape));
    }
    if (n > 4) append(text, size, " x ...");
    for (int i = 0; i < n && i < 4; i++) {
        const char *name = tap__node(t, id[i])->name;
        if (!name) continue;
        append(text, size, named ? ", " : " (");
        append(text, size, name);
        named = true;
    }
    if (named) append(text, size, ")");
    return named;
}

/* What a call carries beyond its public part. */
typedef struct {
    tap_call       call; /* first */
    const tap_var *vars;
} running;

tap_status tap_call_fail(tap_call *c, tap_status status, const char *format, ...)
{
    char      where[TAP_MESSAGE_SIZE / 2] = "";
    tap_error none = { 0 }, *e = c ? &c->tape->error : &none;
    va_list   args;
    if (c) {
        uint32_t id[TAP_MAX_INPUTS];
        for (int i = 0; i < c->n_in; i++) id[i] = ((const running *)c)->vars[i].id;
        snprintf(where, sizeof where, "%s: ", c->op->name);
        size_t used = strlen(where);
        tap__describe(c->tape, c->n_in, id, where + used, sizeof where - used);
    }
    va_start(args, format);
    status = tap__error_set_in(e, status, where, format, args);
    va_end(args);
    return status;
}

tap_var tap__refuse(const tap_node *n, tap_status status, const char *call, const char *format, ...)
{
    char    where[TAP_MESSAGE_SIZE / 2], shape[TAP_SHAPE_TEXT];
    va_list args;
    snprintf(where, sizeof where, "%s: %s%s%s%s", call, tap_shape_format(shape, n->value.shape), n->name ? " (" : "",
             n->name ? n->name : "", n->name ? ")" : "");
    va_start(args, format);
    tap__error_set_in(&n->tape->error, status, where, format, args);
    va_end(args);
    return tap__inert(n->tape);
}

void *tap_call_scratch(tap_call *c, size_t bytes)
{
    if (!c) return NULL;
    tap_tape *t = c->tape;
    if (t->n_scratch == TAP__SCRATCH) {
        tap_call_fail(c, TAP_ENOMEM, "more than %d pieces of scratch memory asked for", TAP__SCRATCH);
        return NULL;
    }
    void *p = tap__arena_take(t->arena, bytes);
    if (p) t->scratch[t->n_scratch++] = p;
    else tap__no_memory(t, c);
    return p;
}

bool tap__together(const char *call, int n, const tap_var *in)
{
    tap_tape *t = tap__tape_of(n, in);
    for (int i = 0; t && i < n; i++) {
        if (in[i].tape && in[i].tape != t) {
            tap_error_set(&t->error, TAP_ESTALE, "%s: input %d is on another tape", call, i);
            tap_error_set(&in[i].tape->error, TAP_ESTALE, "%s: input 0 is on another tape", call);
            return false;
        }
        if (!in[i].tape) {
            tap_error_set(&t->error, TAP_EARG, "%s: input %d is no var", call, i);
            return false;
        }
        if (!tap__live(in[i])) return false;
    }
    return t != NULL;
}

bool tap__inputs(const char *call, int n, const tap_var *x, tap_tensor *values)
{
    if (!tap__together(call, n, x)) return false;
    for (int i = 0; i < n; i++) values[i] = tap__node(x[i].tape, x[i].id)->value;
    return true;
}

tap_var tap__refuse_all(const char *call, int n, const tap_var *x, tap_status status, const char *format, ...)
{
    tap_tensor   values[TAP_MAX_INPUTS];
    const tap_op op = { .name = call };
    char         why[TAP_MESSAGE_SIZE];
    va_list      args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (!tap__inputs(call, n, x, values)) return tap__inert(tap__tape_of(n, x));
    running r = { { tap__tape_of(n, x), &op, NULL, n, values }, x };
    tap_call_fail(&r.call, status, "%s", why);
    return tap__inert(r.call.tape);
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
    if (base->storage) tap__arena_share(base->storage);
    tap_var v = tap__push(c->tape, *out, base->storage);
    if (!v.id) return NULL;
    tap_node *n = tap__node(c->tape, v.id);
    n->borrower_of = base->borrower_of;
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
    for (int i = 0; i < c->n_in; i++) n->in[i] = in[i].id;
    if (!c->attr || !op->attr_size) return;
    void *copy = tap__arena_take(c->tape->arena, op->attr_size);
    if (copy) n->attr = memcpy(copy, c->attr, op->attr_size);
    else tap__no_memory(c->tape, c);
}

tap_var tap_apply(const tap_op *op, const void *attr, int n_in, const tap_var *in)
{
    tap_tape *t = in ? tap__tape_of(n_in, in) : NULL;
    if (!t || t->error.status != TAP_OK) return tap__inert(t);
    if (!op || !op->infer || n_in > TAP_MAX_INPUTS || (op->attr_size && !attr)) {
        tap_error_set(&t->error, TAP_EARG, "apply: an operator needs infer, its attributes and 1 to %d inputs", TAP_MAX_INPUTS);
        return tap__inert(t);
    }
    tap_tensor values[TAP_MAX_INPUTS], out;
    bool       needs = false;
    if (!tap__together(op->name, n_in, in)) return tap__inert(t);
    for (int i = 0; i < n_in; i++) {
        const tap_node *n = tap__node(t, in[i].id);
        values[i] = n->value;
        needs = needs || n->needs;
    }

    running r = { { t, op, attr, n_in, values }, in };
    int64_t size = -1;
    out.data = NULL;
    out.dtype = TAP_F32;
    out.shape.rank = 0;
    if (op->infer(&r.call, &out) == TAP_OK && t->error.status == TAP_OK) size = result_size(&r.call, &out);
    if (size < 0) {
        tap_call_fail(&r.call, TAP_EARG, "its shape could not be inferred");
        return tap__inert(t);
    }
    needs = needs && t->recording && tap_dtype_is_float(out.dtype);
    if (needs && !op->vjp) {
        tap_call_fail(&r.call, TAP_EARG, "an input needs a gradient, and the operator has no rule for it");
        return tap__inert(t);
    }
    const bool is_view = out.data != NULL; /* and holds nothing new */
    if (!is_view && !op->forward) {
        tap_call_fail(&r.call, TAP_EARG, "the operator has no forward");
        return tap__inert(t);
    }
    tap_node *n = is_view ? view(&r.call, in, &out) : compute(&r.call, &out, size);
    while (t->n_scratch > 0) tap__arena_give_back(t->arena, t->scratch[--t->n_scratch]);
    if (n && t->trace && !is_view) tap__trace_nonfinite(&r.call, in, out);
    if (n && needs) record(&r.call, n, in);
    return n && t->error.status == TAP_OK ? (tap_var){ t, n->id, t->epoch } : tap__inert(t);
}
