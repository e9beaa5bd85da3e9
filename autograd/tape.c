/* Tapes: their life, their nodes, and values going in and out. */
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "autograd/internal.h"

static tap_tape no_memory = { .error = { TAP_ENOMEM, "tape: no memory" }, .dtype = TAP_F32 };

/* Never the same twice in a process, so that a var is stale also where a new tape lies at the address of a freed one. */
static uint32_t next_epoch(void)
{
    static atomic_uint last;
    return atomic_fetch_add(&last, 1) + 1;
}

tap_tape *tap_tape_new(tap_dtype dtype, uint64_t seed)
{
    tap_tape *t = calloc(1, sizeof *t);
    if (!t) {
        tap_error_set(NULL, TAP_ENOMEM, "%s", no_memory.error.message);
        return &no_memory;
    }
    t->arena = tap_arena_new();
    tap__arena_name(t->arena, "tape");
    t->dtype = dtype;
    t->seed = seed;
    t->recording = true;
    t->epoch = next_epoch();
    t->n_nodes = 1;
    if (tap_arena_status(t->arena, NULL) != TAP_OK) tap__error_copy(&t->error, &no_memory.error);
    if (!tap_dtype_is_float(dtype)) {
        t->dtype = TAP_F32;
        tap_error_set(&t->error, TAP_EDTYPE, "tape: its dtype must be float32 or float64, not %s", tap_dtype_name(dtype));
    }
    return t;
}

void tap_tape_free(tap_tape *t)
{
    if (!t || t == &no_memory) return;
    for (uint32_t i = 0; i < t->n_segments; i++) free(t->segment[i]);
    free(t->segment);
    tap_arena_free(t->arena);
    free(t);
}

void tap_tape_reset(tap_tape *t)
{
    if (!t || t == &no_memory) return;
    tap_arena_reset(t->arena);
    t->n_nodes = 1;
    t->epoch = next_epoch();
    t->step++;
    t->draws = 0;
}

tap_status tap_tape_status(const tap_tape *t, const char **message)
{
    static const tap_error none = { TAP_EARG, "tape: NULL" };
    const tap_error       *e = t ? &t->error : &none;
    if (message) *message = e->status == TAP_OK ? "" : e->message;
    return e->status;
}

tap_status tap_tape_fail(tap_tape *t, tap_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    status = tap__error_set_in(t ? &t->error : NULL, status, NULL, format, args);
    va_end(args);
    return status;
}

bool tap_tape_set_recording(tap_tape *t, bool on)
{
    if (!t || t == &no_memory) return false;
    bool was = t->recording;
    t->recording = on;
    return was;
}

bool tap_tape_trace_nonfinite(tap_tape *t, bool on)
{
    if (!t || t == &no_memory) return false;
    bool was = t->trace;
    t->trace = on;
    return was;
}

tap_dtype tap_tape_dtype(const tap_tape *t)
{
    return t ? t->dtype : TAP_F32;
}

uint64_t tap_tape_step(const tap_tape *t)
{
    return t ? t->step : 0;
}

void tap_tape_set_step(tap_tape *t, uint64_t step)
{
    if (!t || t == &no_memory) return;
    t->step = step;
    t->draws = 0;
}

size_t tap_tape_bytes(const tap_tape *t)
{
    if (!t || t == &no_memory) return 0;
    return sizeof *t + tap__arena_bytes(t->arena) + (size_t)t->n_segments * TAP__SEGMENT * sizeof(tap_node) +
           t->max_segments * sizeof *t->segment;
}

tap_var tap__inert(tap_tape *t)
{
    return (tap_var){ t, 0, t ? t->epoch : 0 };
}

tap_tape *tap__tape_of(int n, const tap_var *v)
{
    for (int i = 0; i < n; i++) {
        if (v[i].tape) return v[i].tape;
    }
    return NULL;
}

tap_node *tap__live(tap_var v)
{
    tap_tape *t = v.tape;
    if (!t || t->error.status != TAP_OK) return NULL;
    if (v.epoch != t->epoch || v.id >= t->n_nodes) {
        tap_error_set(&t->error, TAP_ESTALE, "var %u is used after its tape was reset", v.id);
        return NULL;
    }
    if (v.id != 0) return tap__node(t, v.id);
    tap_error_set(&t->error, TAP_EARG, "an empty var is used");
    return NULL;
}

void tap__no_memory(tap_tape *t, tap_call *c)
{
    const char *why;
    if (tap_arena_status(t->arena, &why) == TAP_OK) why = "tape: no memory for one more node";
    if (c) tap_call_fail(c, TAP_ENOMEM, "%s", why);
    else tap_error_set(&t->error, TAP_ENOMEM, "%s", why);
}

static bool add_segment(tap_tape *t)
{
    if (t->n_segments == t->max_segments) {
        uint32_t   max = t->max_segments ? 2 * t->max_segments : 16;
        tap_node **grown = realloc(t->segment, max * sizeof(tap_node *));
        if (!grown) return false;
        t->segment = grown;
        t->max_segments = max;
    }
    tap_node *s = malloc(TAP__SEGMENT * sizeof *s);
    if (!s) return false;
    t->segment[t->n_segments++] = s;
    return true;
}

/* A node without a value, or NULL. */
static tap_node *node_new(tap_tape *t, void *storage)
{
    if (t->n_nodes == UINT32_MAX || (t->n_nodes / TAP__SEGMENT == t->n_segments && !add_segment(t))) return NULL;
    uint32_t  id = t->n_nodes++;
    tap_node *n = tap__node(t, id);
    n->tape = t;
    n->op = NULL;
    n->attr = NULL;
    n->storage = storage;
    n->name = NULL;
    n->id = id;
    n->n_in = 0;
    n->needs = n->adjoint = n->is_leaf = n->lent = false;
    n->borrower_of = 0;
    return n;
}

tap_var tap__push(tap_tape *t, tap_tensor value, void *storage)
{
    tap_node *n = node_new(t, storage);
    if (!n) tap__no_memory(t, NULL);
    if (!n) return tap__inert(t);
    n->value = value;
    return (tap_var){ t, n->id, t->epoch };
}

/* A new node whose value lies in the gradient of the leaf for which it is computed, or NULL. */
static tap_node *push_lent(tap_tape *t, tap_tensor *out)
{
    tap_node *leaf = t->lender;
    if (leaf->leaf.grad.dtype != out->dtype || !tap_shape_equal(leaf->leaf.grad.shape, out->shape)) return NULL;
    tap_node *node = node_new(t, NULL);
    t->lender = NULL;
    if (!node) return NULL;
    leaf->lent = true;
    *leaf->leaf.fresh = false;
    *out = leaf->leaf.grad;
    tap__set_contiguous(out);
    node->value = *out;
    node->borrower_of = leaf->id;
    return node;
}

tap_node *tap__push_result(tap_tape *t, tap_tensor *out, int64_t n)
{
    tap_node *lent = t->lender ? push_lent(t, out) : NULL;
    if (lent) return lent;
    void     *storage = tap__arena_take(t->arena, (size_t)n * tap_dtype_size(out->dtype));
    tap_node *node = storage ? node_new(t, storage) : NULL;
    if (!node) return NULL;
    out->data = storage;
    tap__set_contiguous(out);
    node->value = *out;
    return node;
}

tap_var tap__push_empty(tap_tape *t, tap_dtype dtype, tap_shape shape, tap_tensor *value)
{
    char text[TAP_SHAPE_TEXT];
    *value = (tap_tensor){ .dtype = dtype };
    if (!t || t->error.status != TAP_OK) return tap__inert(t);
    int64_t n = tap_numel(shape);
    if (n < 0) {
        tap_error_set(&t->error, TAP_ESHAPE, "tape: %s is no shape", tap_shape_format(text, shape));
        return tap__inert(t);
    }
    tap_tensor      x = { .dtype = dtype, .shape = shape };
    const tap_node *node = tap__push_result(t, &x, n);
    if (!node) tap__no_memory(t, NULL);
    if (!node) return tap__inert(t);
    *value = x;
    return (tap_var){ t, node->id, t->epoch };
}

void tap__drop(tap_node *n)
{
    if (n->storage) tap__arena_give_back(n->tape->arena, n->storage);
    n->storage = NULL;
    n->value.data = NULL;
}

void tap__forget(tap_tape *t, uint32_t first)
{
    for (uint32_t id = first; id < t->n_nodes; id++) tap__drop(tap__node(t, id));
    t->n_nodes = first;
}

/* A node with x itself or, on a tape that widens, with float32 values as float64. */
static tap_var borrow(tap_tape *t, tap_tensor x)
{
    tap_tensor wide;
    if (!t->widen || x.dtype != TAP_F32) return tap__push(t, x, NULL);
    tap_var v = tap__push_empty(t, TAP_F64, x.shape, &wide);
    if (v.id) tap_tensor_copy(wide, x, &t->error);
    return v;
}

static tap_var put(tap_tape *t, tap_tensor x, const char *call, bool needs)
{
    if (!t || t->error.status != TAP_OK) return tap__inert(t);
    if (!x.data || !tap_dtype_size(x.dtype) || tap_numel(x.shape) < 0) {
        tap_error_set(&t->error, TAP_EARG, "%s: the tensor is inert or invalid", call);
        return tap__inert(t);
    }
    if (needs && !tap_dtype_is_float(x.dtype)) {
        tap_error_set(&t->error, TAP_EDTYPE, "%s: %s has no gradient", call, tap_dtype_name(x.dtype));
        return tap__inert(t);
    }
    tap_var v = borrow(t, x);
    if (v.id) tap__node(t, v.id)->needs = needs && t->recording;
    return v;
}

tap_var tap_input(tap_tape *t, tap_tensor x)
{
    return put(t, x, "input", false);
}

tap_var tap_variable(tap_tape *t, tap_tensor x)
{
    return put(t, x, "variable", true);
}

tap_var tap_leaf_var(tap_tape *t, const tap_leaf *leaf)
{
    if (!t || t->error.status != TAP_OK) return tap__inert(t);
    if (!leaf) {
        tap_error_set(&t->error, TAP_EARG, "leaf: NULL");
        return tap__inert(t);
    }
    tap_tensor grad = leaf->grad;
    if (!grad.data || grad.dtype != leaf->value.dtype || !tap_shape_equal(grad.shape, leaf->value.shape) ||
        !tap_tensor_is_contiguous(grad)) {
        tap_error_set(&t->error, TAP_EARG, "leaf %s: its gradient must be contiguous, with the value's shape and dtype",
                      leaf->name ? leaf->name : "");
        return tap__inert(t);
    }
    tap_var v = put(t, leaf->value, "leaf", true);
    if (!v.id) return v;
    tap_node *n = tap__node(t, v.id);
    n->is_leaf = n->value.dtype == grad.dtype; /* widened, it is a variable */
    n->leaf = *leaf;
    n->name = leaf->name;
    if (t->trace) tap__trace_leaf(t, leaf);
    return t->error.status == TAP_OK ? v : tap__inert(t);
}

tap_var tap_scalar(tap_tape *t, double value)
{
    return tap__number(t, tap_tape_dtype(t), value);
}

tap_var tap_full(tap_tape *t, tap_shape shape, double value)
{
    tap_tensor x;
    tap_var    v = tap__push_empty(t, tap_tape_dtype(t), shape, &x);
    tap_tensor_fill(x, value);
    return v;
}

tap_var tap_ones(tap_tape *t, tap_shape shape)
{
    return tap_full(t, shape, 1);
}

tap_var tap_arange(tap_tape *t, int64_t n)
{
    tap_tensor x;
    tap_var    v = tap__push_empty(t, TAP_I64, TAP_SHAPE(n), &x);
    for (int64_t i = 0; x.data && i < n; i++) ((int64_t *)x.data)[i] = i;
    return v;
}

tap_var tap_eye(tap_tape *t, int64_t n)
{
    tap_var i = tap_arange(t, n);
    return tap_cast(tap_eq(i, tap_unsqueeze(i, 1)), tap_tape_dtype(t));
}

tap_var tap_zeros(tap_tape *t, tap_shape shape)
{
    tap_tensor x;
    tap_var    v = tap__push_empty(t, tap_tape_dtype(t), shape, &x);
    if (x.data) memset(x.data, 0, (size_t)tap_numel(shape) * tap_dtype_size(x.dtype));
    return v;
}

tap_var tap__full_like(tap_var v, double value)
{
    const tap_node *n = tap__live(v);
    tap_tensor      x;
    if (!n) return tap__inert(v.tape);
    tap_var full = tap__push_empty(v.tape, n->value.dtype, n->value.shape, &x);
    tap_tensor_fill(x, value);
    return full;
}

tap_var tap__number(tap_tape *t, tap_dtype dtype, double value)
{
    tap_tensor x;
    tap_var    v = tap__push_empty(t, dtype, TAP_SCALAR, &x);
    tap_tensor_fill(x, value);
    return v;
}

tap_var tap__scalar_like(tap_var v, double value)
{
    const tap_node *n = tap__live(v);
    if (!n) return tap__inert(v.tape);
    return tap__number(v.tape, tap_dtype_is_float(n->value.dtype) ? n->value.dtype : v.tape->dtype, value);
}

static tap_var noise(tap_tape *t, tap_dtype dtype, tap_shape shape, void (*fill)(tap_tensor, tap_random))
{
    tap_tensor x;
    tap_var    v = tap__push_empty(t, dtype, shape, &x);
    if (x.data) fill(x, (tap_random){ .seed = t->seed, .stream = t->draws++, .step = t->step });
    return v;
}

tap_var tap_randn(tap_tape *t, tap_shape shape)
{
    return noise(t, tap_tape_dtype(t), shape, tap_random_normal);
}

tap_var tap_rand(tap_tape *t, tap_shape shape)
{
    return noise(t, tap_tape_dtype(t), shape, tap_random_uniform);
}

tap_var tap__rand_f64(tap_tape *t, tap_shape shape)
{
    return noise(t, TAP_F64, shape, tap_random_uniform);
}

tap_tensor tap_value(tap_var v)
{
    tap_node *n = tap__live(v);
    return n ? n->value : (tap_tensor){ 0 };
}

tap_shape tap_shape_of(tap_var v)
{
    return tap_value(v).shape;
}

double tap_item(tap_var v)
{
    char      text[TAP_SHAPE_TEXT];
    tap_node *n = tap__live(v);
    if (!n) return (double)NAN;
    if (tap_numel(n->value.shape) == 1) return tap_tensor_item(n->value, 0);
    tap_error_set(&v.tape->error, TAP_ESHAPE, "item: %s has not one element", tap_shape_format(text, n->value.shape));
    return (double)NAN;
}

tap_var tap_detach(tap_var v)
{
    tap_node *n = tap__live(v);
    if (!n) return tap__inert(v.tape);
    if (n->storage) tap__arena_share(n->storage);
    tap_var same = tap__push(v.tape, n->value, n->storage);
    if (same.id) tap__node(v.tape, same.id)->borrower_of = n->borrower_of;
    return same;
}

tap_var tap_named(tap_var v, const char *name)
{
    tap_node *n = tap__live(v);
    if (n) n->name = name;
    return v;
}

tap_var tap_in(const tap_node *n, int i)
{
    if (!n || i < 0 || i >= n->n_in) return tap__inert(n ? n->tape : NULL);
    return (tap_var){ n->tape, n->in[i], n->tape->epoch };
}

tap_var tap_out(const tap_node *n)
{
    return n ? (tap_var){ n->tape, n->id, n->tape->epoch } : (tap_var){ 0 };
}

const void *tap_attr(const tap_node *n)
{
    return n ? n->attr : NULL;
}

bool tap_needs(const tap_node *n, int i)
{
    if (!n || i < 0 || i >= n->n_in) return false;
    tap_tape  *t = n->tape;
    tap_node  *in = tap__node(t, n->in[i]);
    const bool needs = t->wanted ? t->wanted[in->id] : in->needs;
    if (t->lends) t->lender = needs && in->is_leaf && !in->lent && in->leaf.fresh && *in->leaf.fresh ? in : NULL;
    return needs;
}
