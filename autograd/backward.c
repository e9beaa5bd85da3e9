/* autograd/backward.c: reverse-mode differentiation (tap_backward, tap_grad, tap_vjp).
 *
 * A pass walks the tape from the node y, whose gradient is given, down to node 1, in the reverse order of the calls:
 *
 *     forward, recorded          1: x  --->  2: square(x)  --->  3: sum(square(x)) = y
 *     backward, rule by rule    adjoint[1] <---  adjoint[2]  <---  adjoint[3] = the cotangent
 *
 * The adjoint of a node is the gradient of y by the value of that node. adjoint[id] is the number of the node that holds it; 0:
 * none has arrived. needs_grad[id] says whether the pass computes it: whether the node is on a path from y to what is
 * differentiated by.
 *
 * 1. An input has a lower number than its result. Therefore, when the walk reaches a node, its adjoint is complete.
 * 2. A rule may return a gradient of the shape that its input was broadcast to. accumulate() alone sums it back, and adds it.
 * 3. Nodes from first_new on are the pass's own. Unless the tape records (second derivatives), storage is released as early as
 *    possible: intermediate results of a rule after the rule, an adjoint after the rule that has read it. So that each adjoint
 *    can be released alone, unshare() gives a gradient that a rule passes on as it is (the rule of an addition does) a node of
 *    its own on the same storage.
 *
 * Gradients in place. tap_backward adds the adjoint of a leaf to leaf.grad. Where leaf.grad counts as zero (*leaf.fresh), a
 * rule can have its gradient computed there, without a copy. It asks by tap__compute_grad_in_place(n, i), right before the
 * operator whose result becomes gin[i]:
 * 1. If input i is such a leaf, it becomes tape.grad_target.
 * 2. The next result that is computed on the tape (views are not) takes the target, which is then NULL again. If the result
 *    has the dtype and shape of leaf.grad, it is computed there: its node has grad_of_leaf set, and the leaf's node
 *    grad_in_place. Else it is computed in other memory. A target that was not taken ends with the rule.
 * 3. unshare() copies such a gradient if the rule gives it to another input, or with other strides. So a rule that asks for the
 *    wrong input is slower, not wrong.
 * 4. finish_leaves() copies or adds to leaf.grad what was not computed there; a sum of two gradients, for example. */
#include <string.h>

#include "autograd/internal.h"
#include "tensor/arena.h"
#include "tensor/internal.h"

typedef struct {
    tap_tape *tape;
    uint32_t  top, first_new; /* the node y; the first node of the pass's own */
    uint32_t *adjoint;        /* [top + 1] */
    bool     *needs_grad;     /* [top + 1] */
    bool      create_graph;   /* the tape records: nothing may be released */
} pass;

static tap_var var_of(tap_tape *t, uint32_t id)
{
    return (tap_var){ t, id, t->epoch };
}

static bool begin_pass(pass *p, tap_var y)
{
    tap_tape *t = y.tape;
    *p = (pass){ .tape = t, .top = y.id, .first_new = t->n_nodes, .create_graph = t->recording };
    p->adjoint = tap__arena_acquire(t->arena, (y.id + 1) * sizeof *p->adjoint);
    p->needs_grad = tap__arena_acquire(t->arena, (y.id + 1) * sizeof *p->needs_grad);
    if (!p->adjoint || !p->needs_grad) {
        tap__no_memory(t, NULL);
        return false;
    }
    memset(p->adjoint, 0, (y.id + 1) * sizeof *p->adjoint);
    memset(p->needs_grad, 0, (y.id + 1) * sizeof *p->needs_grad);
    return true;
}

/* Whether all leaves that get a gradient still exist; if a parameter has been freed, the tape has failed. */
static bool leaves_are_alive(const pass *p)
{
    tap_tape *t = p->tape;
    if (atomic_load(&t->borrower.n_writes) == 0) return true;
    for (uint32_t id = 1; id <= p->top; id++) {
        const tap_node *n = tap__node(t, id);
        if (!n->is_leaf || !p->needs_grad[id] || tap__memory_state_since(&t->borrower, n->value, n->version) != TAP__FREED)
            continue;
        return tap__is_unmodified(t, n, n->version);
    }
    return true;
}

static void end_pass(pass *p)
{
    tap_tape *t = p->tape;
    tap__arena_release(t->arena, p->needs_grad);
    tap__arena_release(t->arena, p->adjoint);
}

/* Marks all nodes on a path from y to the nodes that are marked already. */
static void mark_reachable(pass *p)
{
    for (uint32_t id = 1; id <= p->top; id++) {
        const tap_node *n = tap__node(p->tape, id);
        for (int i = 0; n->op && i < n->n_in && !p->needs_grad[id]; i++) p->needs_grad[id] = p->needs_grad[n->in[i]];
    }
}

bool tap__depends(tap_var y, tap_var x)
{
    pass p;
    bool depends = false;
    if (!tap__node_of(y) || !tap__node_of(x) || x.id > y.id) return false;
    if (begin_pass(&p, y)) {
        p.needs_grad[x.id] = true;
        mark_reachable(&p);
        depends = p.needs_grad[y.id];
        end_pass(&p);
    }
    return depends;
}

static void release(const pass *p, uint32_t id)
{
    if (!p->create_graph && id >= p->first_new) tap__release(tap__node(p->tape, id));
}

static void set_adjoint(pass *p, uint32_t node, tap_var g)
{
    p->adjoint[node] = g.id;
    tap__node(p->tape, g.id)->is_adjoint = true;
}

/* Adds g to the adjoint of a node. */
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
    set_adjoint(p, node, g);
    if (before) {
        tap__node(t, before)->is_adjoint = false;
        release(p, before);
    }
}

static tap_var copy(tap_var v)
{
    tap_tensor      to;
    const tap_node *n = tap__node(v.tape, v.id);
    tap_var         to_var = tap__push_empty(v.tape, n->value.dtype, n->value.shape, &to);
    if (to.data) tap__tensor_copy(to, n->value, NULL);
    return to_var;
}

/* g as the gradient of the node `to`: a copy if it lies in the gradient of another leaf, a node of its own if it is shared. */
static tap_var unshare(const pass *p, tap_var g, uint32_t to, bool is_shared)
{
    const tap_node *n = tap__node(p->tape, g.id);
    if (n->grad_of_leaf && (n->grad_of_leaf != to || !tap_tensor_is_contiguous(n->value))) return copy(g);
    return is_shared && !p->create_graph ? tap_detach(g) : g;
}

void tap__compute_grad_in_place(const tap_node *n, int i)
{
    tap_tape *t = n->tape;
    t->grad_target = NULL;
    if (!t->inplace_grads || !tap_needs_grad(n, i)) return;
    tap_node *in = tap__node(t, n->in[i]);
    if (in->is_leaf && !in->grad_in_place && in->leaf.fresh && *in->leaf.fresh) t->grad_target = in;
}

/* Runs the rule of a node, and adds what it returns to the adjoints of the inputs. */
static void apply_rule(pass *p, uint32_t id)
{
    tap_tape *t = p->tape;
    tap_node *n = tap__node(t, id);
    tap_var   gin[TAP_MAX_INPUTS] = { { 0 } };
    uint32_t  mark = t->n_nodes;
    n->op->vjp(n, var_of(t, p->adjoint[id]), gin);
    t->grad_target = NULL;
    for (int i = 0; i < n->n_in && t->error.status == TAP_OK; i++) {
        if (!gin[i].tape || !p->needs_grad[n->in[i]]) continue;
        if (gin[i].tape != t) tap_error_set(&t->error, TAP_ESTALE, "%s: its rule gave a gradient on another tape", n->op->name);
        if (!tap__node_of(gin[i])) break;
        bool is_shared = gin[i].id < mark || tap__node(t, gin[i].id)->is_adjoint;
        accumulate(p, n->in[i], unshare(p, gin[i], n->in[i], is_shared));
    }
    if (p->create_graph || t->error.status != TAP_OK) return;
    for (uint32_t k = mark; k < t->n_nodes; k++) {
        if (!tap__node(t, k)->is_adjoint) tap__release(tap__node(t, k));
    }
}

/* Runs the rules from y down. retained: the nodes whose adjoints are not released, as the caller asks for them; NULL: none. */
static void walk(pass *p, const bool *retained)
{
    tap_tape *t = p->tape;
    t->needs_grad = p->needs_grad;
    for (uint32_t id = p->top; id > 0 && t->error.status == TAP_OK; id--) {
        if (!p->needs_grad[id] || !p->adjoint[id] || !tap__node(t, id)->op) continue;
        t->rule = tap__node(t, id);
        t->call = t->rule->call;
        apply_rule(p, id);
        if (!retained || !retained[id]) release(p, p->adjoint[id]);
    }
    t->needs_grad = NULL;
    t->rule = NULL;
}

/* The adjoint g of a leaf into leaf.grad, unless it was computed there. */
static void add_to_leaf(const tap_node *n, tap_tensor g)
{
    const tap_leaf *leaf = &n->leaf;
    tap__note_write(leaf->grad);
    if (n->grad_in_place && g.data == leaf->grad.data) return;
    if (n->grad_in_place || (leaf->fresh && *leaf->fresh)) tap__tensor_copy(leaf->grad, g, NULL);
    else tap__accumulate(leaf->grad, g);
    if (leaf->fresh) *leaf->fresh = false;
}

static void finish_leaf(const tap_node *n, tap_tensor g)
{
    add_to_leaf(n, g);
    if (n->passes) ++*n->passes;
}

/* Adds the adjoints of the leaves to their gradients. Two leaves may be one parameter, so a gradient that was computed in place
 * comes before those that are added to it. After an error, gradients in place count as zero again. */
static void finish_leaves(const pass *p)
{
    tap_tape *t = p->tape;
    for (int in_place = 1; in_place >= 0; in_place--) {
        for (uint32_t id = 1; id <= p->top; id++) {
            tap_node *n = tap__node(t, id);
            if (!n->is_leaf || n->grad_in_place != in_place) continue;
            if (t->error.status == TAP_OK && p->adjoint[id]) finish_leaf(n, tap__node(t, p->adjoint[id])->value);
            if (t->error.status != TAP_OK && in_place) *n->leaf.fresh = true;
        }
    }
    for (uint32_t id = 1; id <= p->top; id++) tap__node(t, id)->grad_in_place = false;
}

static void run_backward(pass *p, tap_var loss)
{
    tap_var one = tap_full_like(loss, 1);
    if (one.id) set_adjoint(p, loss.id, one);
    p->tape->inplace_grads = true;
    walk(p, NULL);
    p->tape->inplace_grads = false;
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
    if (!y->requires_grad)
        return tap_error_set(&t->error, TAP_EARG, "backward: the loss depends on no parameter, or was not recorded");

    bool was_recording = tap_tape_set_recording(t, false);
    pass p;
    if (begin_pass(&p, loss)) {
        for (uint32_t id = 1; id <= p.top; id++) p.needs_grad[id] = tap__node(t, id)->requires_grad;
        if (leaves_are_alive(&p)) run_backward(&p, loss);
        tap__truncate(t, p.first_new);
        end_pass(&p);
    }
    tap_tape_set_recording(t, was_recording);
    return t->error.status;
}

static void set_inert(tap_tape *t, int n, tap_var *dx)
{
    for (int i = 0; i < n; i++) dx[i] = tap__inert(t);
}

static bool check_arrays(tap_tape *t, const char *call, int n, const tap_var *x, tap_var *dx)
{
    if (dx) set_inert(t, n, dx);
    if (n == 0 || (n > 0 && x && dx)) return true;
    if (t) tap_error_set(&t->error, TAP_EARG, "%s: n must be at least 0, and x and dx not NULL", call);
    return false;
}

static bool check_var(const char *call, tap_tape *t, tap_var v, const char *what)
{
    if (v.tape != t)
        tap__fail(t, v.tape ? TAP_ESTALE : TAP_EARG, call, "%s is %s", what, v.tape ? "on another tape" : "an empty var");
    return tap__node_for_call(call, v) && t->error.status == TAP_OK;
}

/* Whether the arguments of tap_vjp and tap_grad are valid; if not, the tape has failed. */
static bool check_vjp(const char *call, tap_var y, tap_var cotangent, int n, const tap_var *x, tap_var *dx)
{
    char            a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    tap_tape       *t = y.tape;
    const tap_node *from = tap__node_for_call(call, y);
    if (!check_arrays(t, call, n, x, dx) || !from || !check_var(call, t, cotangent, "the cotangent")) return false;
    const tap_tensor c = tap__node(t, cotangent.id)->value;
    if (!tap_shape_equal(c.shape, from->value.shape) || c.dtype != from->value.dtype) {
        tap__fail(t, c.dtype == from->value.dtype ? TAP_ESHAPE : TAP_EDTYPE, call, "a cotangent %s of %s for a result %s of %s",
                  tap_shape_format(a, c.shape), tap_dtype_name(c.dtype), tap_shape_format(b, from->value.shape),
                  tap_dtype_name(from->value.dtype));
        return false;
    }
    for (int i = 0; i < n; i++) {
        if (!check_var(call, t, x[i], "an input")) return false;
    }
    return true;
}

static void compute_vjp(const char *call, tap_var y, tap_var cotangent, int n, const tap_var *x, tap_var *dx)
{
    tap_tape *t = y.tape;
    if (!check_vjp(call, y, cotangent, n, x, dx)) return;
    pass  p;
    bool *retained = tap__arena_acquire(t->arena, (y.id + 1) * sizeof *retained);
    if (!begin_pass(&p, y) || !retained) return;
    for (int i = 0; i < n; i++) {
        if (x[i].id <= y.id) p.needs_grad[x[i].id] = tap__node(t, x[i].id)->requires_grad;
    }
    memcpy(retained, p.needs_grad, y.id + 1);
    mark_reachable(&p);
    p.adjoint[y.id] = cotangent.id;
    walk(&p, retained);
    for (int i = 0; i < n; i++) {
        uint32_t g = x[i].id <= y.id && retained[x[i].id] ? p.adjoint[x[i].id] : 0;
        dx[i] = g ? var_of(t, g) : tap_full_like(x[i], 0);
    }
    tap__arena_release(t->arena, retained);
    end_pass(&p);
    if (t->error.status != TAP_OK) set_inert(t, n, dx);
}

void tap_vjp(tap_var y, tap_var cotangent, int n, const tap_var *x, tap_var *dx)
{
    compute_vjp("vjp", y, cotangent, n, x, dx);
}

void tap_grad(tap_var y, int n, const tap_var *x, tap_var *dx)
{
    char      text[TAP_SHAPE_TEXT];
    tap_node *node = tap__node_for_call("grad", y);
    if (!check_arrays(y.tape, "grad", n, x, dx) || !node) return;
    if (tap_numel(node->value.shape) != 1) {
        tap_error_set(&y.tape->error, TAP_ESHAPE, "grad: the result must have one element, not %s; see tap_vjp",
                      tap_shape_format(text, node->value.shape));
        return;
    }
    compute_vjp("grad", y, tap_full_like(y, 1), n, x, dx);
}
