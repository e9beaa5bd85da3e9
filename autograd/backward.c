/* The engine: walks the tape from a result to what it depends on, applying each operator's rule, and adds up what arrives
 * at each node.
 *
 * It alone undoes broadcasting. Unless the tape records (for second derivatives), whatever a rule has left over is given
 * back as soon as the rule has run, and so is each gradient once it has been passed on. */
#include <string.h>

#include "autograd/internal.h"
#include "tensor/arena.h"
#include "tensor/internal.h"

typedef struct {
    tap_tape *tape;
    uint32_t  top, first_new; /* the node started from; nodes from first_new on are this pass's own */
    uint32_t *adjoint;        /* per node up to top: the node of its gradient so far, 0 for none */
    bool     *wanted;
    bool      keep; /* the tape records: nothing may be given back */
} pass;

static tap_var var_of(const tap_tape *t, uint32_t id)
{
    return (tap_var){ (tap_tape *)(uintptr_t)t, id, t->epoch };
}

static bool begin(pass *p, tap_var y)
{
    tap_tape *t = y.tape;
    *p = (pass){ .tape = t, .top = y.id, .first_new = t->n_nodes, .keep = t->recording };
    p->adjoint = tap__arena_acquire(t->arena, (y.id + 1) * sizeof *p->adjoint);
    p->wanted = tap__arena_acquire(t->arena, (y.id + 1) * sizeof *p->wanted);
    if (!p->adjoint || !p->wanted) {
        tap__no_memory(t, NULL);
        return false;
    }
    memset(p->adjoint, 0, (y.id + 1) * sizeof *p->adjoint);
    memset(p->wanted, 0, (y.id + 1) * sizeof *p->wanted);
    return true;
}

/* Leaves whose parameter has been freed have no place for a gradient. */
static bool leaves_are_there(const pass *p)
{
    tap_tape *t = p->tape;
    if (atomic_load(&t->borrower.n_writes) == 0) return true;
    for (uint32_t id = 1; id <= p->top; id++) {
        const tap_node *n = tap__node(t, id);
        if (!n->is_leaf || !p->wanted[id] || tap__memory_state_since(&t->borrower, n->value, n->moment) != TAP__FREED) continue;
        return tap__is_unmodified(t, n, n->moment);
    }
    return true;
}

static void end(pass *p)
{
    tap_tape *t = p->tape;
    tap__arena_release(t->arena, p->wanted);
    tap__arena_release(t->arena, p->adjoint);
}

/* Everything on a way from the nodes already marked up to the top. */
static void mark_ways(pass *p)
{
    for (uint32_t id = 1; id <= p->top; id++) {
        const tap_node *n = tap__node(p->tape, id);
        for (int i = 0; n->op && i < n->n_in && !p->wanted[id]; i++) p->wanted[id] = p->wanted[n->in[i]];
    }
}

bool tap__depends(tap_var y, tap_var x)
{
    pass p;
    bool depends = false;
    if (!tap__node_of(y) || !tap__node_of(x) || x.id > y.id) return false;
    if (begin(&p, y)) {
        p.wanted[x.id] = true;
        mark_ways(&p);
        depends = p.wanted[y.id];
        end(&p);
    }
    return depends;
}

static void release(const pass *p, uint32_t id)
{
    if (!p->keep && id >= p->first_new) tap__release(tap__node(p->tape, id));
}

static void hold(pass *p, uint32_t node, tap_var g)
{
    p->adjoint[node] = g.id;
    tap__node(p->tape, g.id)->adjoint = true;
}

/* Adds g into the gradient of a node. */
static void accumulate(pass *p, uint32_t node, tap_var g)
{
    tap_tape       *t = p->tape;
    const tap_node *to = tap__node(t, node), *from = tap__node_of(g);
    char            a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    if (!from) return;
    if (from->value.dtype != to->value.dtype) {
        tap_error_set(&t->error, TAP_EDTYPE, "backward: a rule gave a %s gradient for %s%s%s of %s",
                      tap_dtype_name(from->value.dtype), tap_shape_format(a, to->value.shape), to->name ? " " : "",
                      to->name ? to->name : "", tap_dtype_name(to->value.dtype));
        return;
    }
    if (!tap_shape_equal(from->value.shape, to->value.shape)) g = tap_sum_to(g, to->value.shape);
    if (t->error.status != TAP_OK) {
        tap_error_set(&t->error, TAP_ESHAPE, "backward: a rule gave a gradient %s for %s",
                      tap_shape_format(a, from->value.shape), tap_shape_format(b, to->value.shape));
        return;
    }
    uint32_t before = p->adjoint[node];
    if (before) g = tap_add(var_of(t, before), g);
    if (!g.id) return;
    hold(p, node, g);
    if (before) {
        tap__node(t, before)->adjoint = false;
        release(p, before);
    }
}

static tap_var copy_of(tap_var v)
{
    tap_tensor      to;
    const tap_node *n = tap__node(v.tape, v.id);
    tap_var         copy = tap__push_empty(v.tape, n->value.dtype, n->value.shape, &to);
    if (to.data) tap__tensor_copy(to, n->value, NULL);
    return copy;
}

/* g for the input number `to`. What a rule passes on as it is (an add does) gets a node of its own, sharing the memory, so that
 * each node's gradient can be given back alone; what was computed in a leaf's gradient is for this leaf alone. */
static tap_var own(const pass *p, tap_var g, uint32_t to, bool shared)
{
    const tap_node *n = tap__node(p->tape, g.id);
    if (n->borrower_of && (n->borrower_of != to || !tap_tensor_is_contiguous(n->value))) return copy_of(g);
    return shared && !p->keep ? tap_detach(g) : g;
}

/* One rule. */
static void apply_rule(pass *p, uint32_t id)
{
    tap_tape *t = p->tape;
    tap_node *n = tap__node(t, id);
    tap_var   gin[TAP_MAX_INPUTS] = { { 0 } };
    uint32_t  mark = t->n_nodes;
    n->op->vjp(n, var_of(t, p->adjoint[id]), gin);
    t->lender = NULL;
    for (int i = 0; i < n->n_in && t->error.status == TAP_OK; i++) {
        if (!gin[i].tape || !p->wanted[n->in[i]]) continue;
        if (gin[i].tape != t) tap_error_set(&t->error, TAP_ESTALE, "%s: its rule gave a gradient on another tape", n->op->name);
        if (!tap__node_of(gin[i])) break;
        bool shared = gin[i].id < mark || tap__node(t, gin[i].id)->adjoint;
        accumulate(p, n->in[i], own(p, gin[i], n->in[i], shared));
    }
    if (p->keep || t->error.status != TAP_OK) return;
    for (uint32_t k = mark; k < t->n_nodes; k++) {
        if (!tap__node(t, k)->adjoint) tap__release(tap__node(t, k));
    }
}

/* Rules in the reverse order of the calls; a gradient is complete when its node comes up. */
static void walk(pass *p, const bool *kept)
{
    tap_tape *t = p->tape;
    t->wanted = p->wanted;
    for (uint32_t id = p->top; id > 0 && t->error.status == TAP_OK; id--) {
        if (!p->wanted[id] || !p->adjoint[id] || !tap__node(t, id)->op) continue;
        t->rule = tap__node(t, id);
        t->call = t->rule->call;
        apply_rule(p, id);
        if (!kept || !kept[id]) release(p, p->adjoint[id]);
    }
    t->wanted = NULL;
    t->rule = NULL;
}

/* Into what it was computed in, if it was; else copied, or added to what there is. */
static void add_to_leaf(const tap_node *n, tap_tensor g)
{
    const tap_leaf *leaf = &n->leaf;
    tap__note_write(leaf->grad);
    if (n->lent && g.data == leaf->grad.data) return;
    if (n->lent || (leaf->fresh && *leaf->fresh)) tap__tensor_copy(leaf->grad, g, NULL);
    else tap__accumulate(leaf->grad, g);
    if (leaf->fresh) *leaf->fresh = false;
}

static void arrive(const tap_node *n, tap_tensor g)
{
    add_to_leaf(n, g);
    if (n->passes) ++*n->passes;
}

/* The gradients arrived at. Two leaves may be one parameter: what was computed in its gradient comes first. After an error, what has
 * been computed there does not count. */
static void finish_leaves(const pass *p)
{
    tap_tape *t = p->tape;
    for (int lent = 1; lent >= 0; lent--) {
        for (uint32_t id = 1; id <= p->top; id++) {
            tap_node *n = tap__node(t, id);
            if (!n->is_leaf || n->lent != lent) continue;
            if (t->error.status == TAP_OK && p->adjoint[id]) arrive(n, tap__node(t, p->adjoint[id])->value);
            if (t->error.status != TAP_OK && lent) *n->leaf.fresh = true;
        }
    }
    for (uint32_t id = 1; id <= p->top; id++) tap__node(t, id)->lent = false;
}

static void to_leaves(pass *p, tap_var loss)
{
    tap_var one = tap_full_like(loss, 1);
    if (one.id) hold(p, loss.id, one);
    p->tape->lends = true;
    walk(p, NULL);
    p->tape->lends = false;
    finish_leaves(p);
}

tap_status tap_backward(tap_var loss)
{
    char      text[TAP_SHAPE_TEXT];
    tap_tape *t = loss.tape;
    tap_node *y = tap__node_for_call("backward", loss);
    if (!y) return t ? t->error.status : tap_error_set(NULL, TAP_EARG, "backward: an empty var");
    if (tap_numel(y->value.shape) != 1)
        return tap_error_set(&t->error, TAP_ESHAPE, "backward: the loss must have one element, not %s",
                             tap_shape_format(text, y->value.shape));
    if (!y->needs) return tap_error_set(&t->error, TAP_EARG, "backward: the loss depends on no parameter, or was not recorded");

    bool was = tap_tape_set_recording(t, false);
    pass p;
    if (begin(&p, loss)) {
        for (uint32_t id = 1; id <= p.top; id++) p.wanted[id] = tap__node(t, id)->needs;
        if (leaves_are_there(&p)) to_leaves(&p, loss);
        tap__truncate(t, p.first_new);
        end(&p);
    }
    tap_tape_set_recording(t, was);
    return t->error.status;
}

static void inert_all(tap_tape *t, int n, tap_var *dx)
{
    for (int i = 0; i < n; i++) dx[i] = tap__inert(t);
}

static bool can_receive(tap_tape *t, const char *call, int n, const tap_var *x, tap_var *dx)
{
    if (dx) inert_all(t, n, dx);
    if (n == 0 || (n > 0 && x && dx)) return true;
    if (t) tap_error_set(&t->error, TAP_EARG, "%s: n is negative, or x or dx is NULL", call);
    return false;
}

static bool is_usable(const char *call, tap_tape *t, tap_var v, const char *what)
{
    if (v.tape != t)
        tap__fail(t, v.tape ? TAP_ESTALE : TAP_EARG, call, "%s is %s", what, v.tape ? "on another tape" : "no var");
    return tap__node_for_call(call, v) && t->error.status == TAP_OK;
}

/* Whether all that a pass from y is asked for can be had. */
static bool check_vjp(const char *call, tap_var y, tap_var cotangent, int n, const tap_var *x, tap_var *dx)
{
    char            a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    tap_tape       *t = y.tape;
    const tap_node *from = tap__node_for_call(call, y);
    if (!can_receive(t, call, n, x, dx) || !from || !is_usable(call, t, cotangent, "the cotangent")) return false;
    const tap_tensor c = tap__node(t, cotangent.id)->value;
    if (!tap_shape_equal(c.shape, from->value.shape) || c.dtype != from->value.dtype) {
        tap__fail(t, c.dtype == from->value.dtype ? TAP_ESHAPE : TAP_EDTYPE, call, "a cotangent %s of %s for a result %s of %s",
                  tap_shape_format(a, c.shape), tap_dtype_name(c.dtype), tap_shape_format(b, from->value.shape),
                  tap_dtype_name(from->value.dtype));
        return false;
    }
    for (int i = 0; i < n; i++) {
        if (!is_usable(call, t, x[i], "an input")) return false;
    }
    return true;
}

static void contract(const char *call, tap_var y, tap_var cotangent, int n, const tap_var *x, tap_var *dx)
{
    tap_tape *t = y.tape;
    if (!check_vjp(call, y, cotangent, n, x, dx)) return;
    pass  p;
    bool *kept = tap__arena_acquire(t->arena, (y.id + 1) * sizeof *kept);
    if (!begin(&p, y) || !kept) return;
    for (int i = 0; i < n; i++) {
        if (x[i].id <= y.id) p.wanted[x[i].id] = tap__node(t, x[i].id)->needs;
    }
    memcpy(kept, p.wanted, y.id + 1);
    mark_ways(&p);
    p.adjoint[y.id] = cotangent.id;
    walk(&p, kept);
    for (int i = 0; i < n; i++) {
        uint32_t g = x[i].id <= y.id && kept[x[i].id] ? p.adjoint[x[i].id] : 0;
        dx[i] = g ? var_of(t, g) : tap_full_like(x[i], 0);
    }
    tap__arena_release(t->arena, kept);
    end(&p);
    if (t->error.status != TAP_OK) inert_all(t, n, dx);
}

void tap_vjp(tap_var y, tap_var cotangent, int n, const tap_var *x, tap_var *dx)
{
    contract("vjp", y, cotangent, n, x, dx);
}

void tap_grad(tap_var y, int n, const tap_var *x, tap_var *dx)
{
    char      text[TAP_SHAPE_TEXT];
    tap_node *node = tap__node_for_call("grad", y);
    if (!can_receive(y.tape, "grad", n, x, dx) || !node) return;
    if (tap_numel(node->value.shape) != 1) {
        tap_error_set(&y.tape->error, TAP_ESHAPE, "grad: the result must have one element, not %s; see tap_vjp",
                      tap_shape_format(text, node->value.shape));
        return;
    }
    contract("grad", y, tap_full_like(y, 1), n, x, dx);
}
