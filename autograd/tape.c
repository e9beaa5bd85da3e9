/* autograd/tape.c: tapes, their nodes, constants and noise made on a tape, and values read from it.
 *
 * A tape is a growing array of nodes, in the order of the calls, in segments that never move, so that a tap_node * stays valid:
 *
 *     segment[0]                        segment[1]
 *     +---+---+---+-- --+-----+         +-----+-----+--
 *     | 0 | 1 | 2 | ... | 255 |         | 256 | 257 | ...        TAP__SEGMENT nodes each
 *     +---+---+---+-- --+-----+         +-----+-----+--
 *
 * - Node 0 is inert: it stands for a value that could not be computed. Inputs have lower numbers than results: in[i] < id.
 * - A var is {tape, id, epoch}. Each reset begins a new epoch, and no two epochs of a process are equal. A var of another epoch
 *   is stale; tap__node_for_call finds that out.
 * - A node is recorded (op is not NULL) if the tape records and an input requires a gradient. Then op, attr and in say how the
 *   value was computed; the backward pass (backward.c) reads them.
 * - A value lies in one of three places. (a) In memory of the tape's arena: `storage` counts its uses, one for each node that
 *   views it; the last tap__release gives it back, tap_tape_reset all of it at once. (b) In memory of the caller's, which is
 *   borrowed: `source` is the node that borrowed it, `version` tells later writes from earlier ones (inputs.c). (c) In the
 *   gradient of a leaf: `grad_of_leaf` is the leaf (backward.c).
 * - The tape keeps its first error. From then on tap__node_for_call returns NULL, all results are inert, and values read as
 *   NaN. */
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "autograd/internal.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/internal.h"
#include "tensor/shape.h"

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
    t->arena = tap__arena_new_internal();
    tap__arena_name(t->arena, "tape");
    t->dtype = dtype;
    t->seed = seed;
    t->recording = true;
    t->epoch = next_epoch();
    t->n_nodes = 1;
    t->report_flag = &t->error_reported;
    tap__borrower_open(&t->borrower);
    if (tap_arena_status(t->arena, NULL) != TAP_OK) tap__error_copy(&t->error, &no_memory.error);
    if (!tap_dtype_is_float(dtype)) {
        t->dtype = TAP_F32;
        tap_error_set(&t->error, TAP_EDTYPE, "tape: its dtype must be float32 or float64, not %s", tap_dtype_name(dtype));
    }
    return t;
}

/* Prints an error that the user has not read. */
static void report_error(tap_tape *t)
{
    if (t->error.status == TAP_OK || t->error_reported) return;
    t->error_reported = true;
    tap__report_unread("tape", &t->error);
}

void tap_tape_free(tap_tape *t)
{
    if (!t || t == &no_memory) return;
    report_error(t);
    tap__borrower_close(&t->borrower);
    for (uint32_t i = 0; i < t->n_segments; i++) free(t->segment[i]);
    free(t->segment);
    free(t->map.entries);
    free(t->calls);
    tap_arena_free(t->arena);
    free(t);
}

void tap_tape_reset(tap_tape *t)
{
    if (!t || t == &no_memory) return;
    report_error(t);
    tap__borrower_reset(&t->borrower);
    tap_arena_reset(t->arena);
    memset(t->unreadable, 0, sizeof t->unreadable);
    t->n_calls = t->call = 0;
    t->map.n = 0;
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
    if (message && t && t->report_flag && e->status != TAP_OK) *t->report_flag = true;
    return e->status;
}

const char *tap_tape_message(const tap_tape *t)
{
    const char *message;
    tap_tape_status(t, &message);
    return message;
}

void tap_tape_clear_error(tap_tape *t)
{
    if (!t || t == &no_memory) return;
    tap_arena_clear_error(t->arena);
    t->error.status = TAP_OK;
    t->error_reported = false;
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

bool tap_tape_keeps_state(const tap_tape *t)
{
    return t && t->keeps_state;
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
           t->max_segments * sizeof *t->segment + t->max_calls * sizeof *t->calls + t->map.max * sizeof *t->map.entries +
           tap__borrower_bytes(&t->borrower);
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

/* A node without a value; NULL if there is no memory. */
static tap_node *new_node(tap_tape *t, void *storage)
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
    n->requires_grad = n->is_adjoint = n->is_leaf = n->grad_in_place = false;
    n->grad_of_leaf = n->source = 0;
    n->call = t->call;
    n->snapshot = NULL;
    n->version = 0;
    return n;
}

tap_var tap__push(tap_tape *t, tap_tensor value, void *storage)
{
    tap_node *n = new_node(t, storage);
    if (!n) tap__no_memory(t, NULL);
    if (!n) return tap__inert(t);
    n->value = value;
    return (tap_var){ t, n->id, t->epoch };
}

/* A new node whose value lies in the gradient of the leaf, or NULL if that has another dtype or shape, or if there is no
 * memory. */
static tap_node *push_into_grad(tap_tape *t, tap_node *leaf, tap_tensor *out)
{
    if (leaf->leaf.grad.dtype != out->dtype || !tap_shape_equal(leaf->leaf.grad.shape, out->shape)) return NULL;
    tap_node *node = new_node(t, NULL);
    if (!node) return NULL;
    leaf->grad_in_place = true;
    *leaf->leaf.fresh = false;
    *out = leaf->leaf.grad;
    tap__set_contiguous(out);
    node->value = *out;
    node->grad_of_leaf = leaf->id;
    return node;
}

tap_node *tap__push_result(tap_tape *t, tap_tensor *out, int64_t n)
{
    tap_node *target = t->grad_target;
    t->grad_target = NULL;
    tap_node *in_place = target ? push_into_grad(t, target, out) : NULL;
    if (in_place) return in_place;
    void     *storage = tap__arena_acquire(t->arena, (size_t)n * tap_dtype_size(out->dtype));
    tap_node *node = storage ? new_node(t, storage) : NULL;
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
        tap_error_set(&t->error, TAP_ESHAPE,
                      "tape: a shape must have at most %d sizes, each at least 0, with a product below 2^63, not %s",
                      TAP_MAX_RANK, tap_shape_format(text, shape));
        return tap__inert(t);
    }
    tap_tensor      x = { .dtype = dtype, .shape = shape };
    const tap_node *node = tap__push_result(t, &x, n);
    if (!node) tap__no_memory(t, NULL);
    if (!node) return tap__inert(t);
    *value = x;
    return (tap_var){ t, node->id, t->epoch };
}

void tap__release(tap_node *n)
{
    if (n->storage) tap__arena_release(n->tape->arena, n->storage);
    n->storage = NULL;
    n->value.data = NULL;
}

void tap__truncate(tap_tape *t, uint32_t first)
{
    for (uint32_t id = first; id < t->n_nodes; id++) tap__release(tap__node(t, id));
    t->n_nodes = first;
}

tap_var tap_scalar(tap_tape *t, double value)
{
    return tap__scalar(t, tap_tape_dtype(t), value);
}

/* Counts a call of a function without inputs; false, and an error, if the shape is invalid. */
static bool begin_call(tap_tape *t, const char *call, tap_shape shape)
{
    char text[TAP_SHAPE_TEXT];
    if (!t || t->error.status != TAP_OK) return false;
    if (t->depth == 0 && !t->rule) tap__count_call(t, call);
    if (tap_numel(shape) >= 0) return true;
    tap__fail(t, TAP_ESHAPE, call, "a shape must have at most %d sizes, each at least 0, with a product below 2^63, not %s",
              TAP_MAX_RANK, tap_shape_format(text, shape));
    return false;
}

static tap_var new_filled(tap_tape *t, const char *call, tap_shape shape, double value)
{
    tap_tensor x;
    if (!begin_call(t, call, shape)) return tap__inert(t);
    tap_var v = tap__push_empty(t, tap_tape_dtype(t), shape, &x);
    tap__tensor_fill(x, value);
    return v;
}

tap_var tap_full(tap_tape *t, tap_shape shape, double value)
{
    return new_filled(t, "full", shape, value);
}

tap_var tap_ones(tap_tape *t, tap_shape shape)
{
    return new_filled(t, "ones", shape, 1);
}

static tap_var new_range(tap_tape *t, const char *call, int64_t n)
{
    tap_tensor x;
    if (!begin_call(t, call, TAP_SHAPE(n))) return tap__inert(t);
    tap_var v = tap__push_empty(t, TAP_I64, TAP_SHAPE(n), &x);
    for (int64_t i = 0; x.data && i < n; i++) ((int64_t *)x.data)[i] = i;
    return v;
}

tap_var tap_arange(tap_tape *t, int64_t n)
{
    return new_range(t, "arange", n);
}

tap_var tap_eye(tap_tape *t, int64_t n)
{
    tap_var i = new_range(t, "eye", n);
    return tap_cast(tap_eq(i, tap_unsqueeze(i, 1)), tap_tape_dtype(t));
}

tap_var tap_zeros(tap_tape *t, tap_shape shape)
{
    tap_tensor x;
    if (!begin_call(t, "zeros", shape)) return tap__inert(t);
    tap_var v = tap__push_empty(t, tap_tape_dtype(t), shape, &x);
    if (x.data) memset(x.data, 0, (size_t)tap_numel(shape) * tap_dtype_size(x.dtype));
    return v;
}

tap_var tap_full_like(tap_var v, double value)
{
    const tap_node *n = tap__node_for_call("full_like", v);
    tap_tensor      x;
    if (!n) return tap__inert(v.tape);
    tap_var full = tap__push_empty(v.tape, n->value.dtype, n->value.shape, &x);
    tap__tensor_fill(x, value);
    return full;
}

tap_var tap__scalar(tap_tape *t, tap_dtype dtype, double value)
{
    tap_tensor x;
    tap_var    v = tap__push_empty(t, dtype, TAP_SCALAR, &x);
    tap__tensor_fill(x, value);
    return v;
}

tap_var tap_scalar_like(tap_var v, double value)
{
    const tap_node *n = tap__node_for_call("scalar_like", v);
    if (!n) return tap__inert(v.tape);
    return tap__scalar(v.tape, tap_dtype_is_float(n->value.dtype) ? n->value.dtype : v.tape->dtype, value);
}

static tap_var new_noise(tap_tape *t, const char *call, tap_dtype dtype, tap_shape shape, void (*fill)(tap_tensor, tap_rng_key))
{
    tap_tensor x;
    if (!begin_call(t, call, shape)) return tap__inert(t);
    tap_var v = tap__push_empty(t, dtype, shape, &x);
    if (x.data) fill(x, (tap_rng_key){ .seed = t->seed, .stream = t->draws++, .step = t->step });
    return v;
}

tap_var tap_randn(tap_tape *t, tap_shape shape)
{
    return new_noise(t, "randn", tap_tape_dtype(t), shape, tap_random_normal);
}

tap_var tap_rand(tap_tape *t, tap_shape shape)
{
    return new_noise(t, "rand", tap_tape_dtype(t), shape, tap_random_uniform);
}

tap_var tap__rand_f64(tap_tape *t, tap_shape shape)
{
    return new_noise(t, "rand", TAP_F64, shape, tap_random_uniform);
}

/* n elements that read as NaN or, for integers, as 0; NULL if there is no memory. */
static void *unreadable_elements(tap_tape *t, tap_dtype dtype, int64_t n)
{
    const int k = dtype == TAP_F32 ? 0 : dtype == TAP_F64 ? 1 : 2;
    if (!t->unreadable[k] || t->n_unreadable[k] < n) {
        t->unreadable[k] = tap__arena_acquire(t->arena, (size_t)n * sizeof(double));
        t->n_unreadable[k] = n;
        for (int64_t i = 0; i < n && t->unreadable[k]; i++) {
            if (k == 0) ((float *)t->unreadable[k])[i] = NAN;
            else ((double *)t->unreadable[k])[i] = k == 1 ? (double)NAN : 0;
        }
    }
    return t->unreadable[k];
}

/* Whether v is of the current epoch, whether or not the tape has failed. */
static bool is_current(tap_var v)
{
    return v.tape && v.id > 0 && v.epoch == v.tape->epoch && v.id < v.tape->n_nodes;
}

/* The value of a var on a failed tape: NaN in the shape of the var, or [] if that is not known. */
static tap_tensor nan_value(tap_var v)
{
    static _Thread_local float  nan_f32;
    static _Thread_local double nan_f64;
    tap_tape                   *t = v.tape;
    if (is_current(v)) {
        const tap_tensor was = tap__node(t, v.id)->value;
        void            *nan = unreadable_elements(t, was.dtype, tap_numel(was.shape));
        if (nan) return tap_tensor_wrap(was.dtype, was.shape, nan);
    }
    nan_f32 = NAN;
    nan_f64 = (double)NAN;
    if (t && t->dtype == TAP_F64) return tap_tensor_wrap(TAP_F64, TAP_SCALAR, &nan_f64);
    return tap_tensor_wrap(TAP_F32, TAP_SCALAR, &nan_f32);
}

tap_tensor tap_value(tap_var v)
{
    const tap_node *n = tap__node_for_call("value", v);
    if (n && n->source && v.tape->rule && !tap__is_unmodified(v.tape, n, v.tape->rule->version)) n = NULL;
    return n ? n->value : nan_value(v);
}

tap_shape tap_shape_of(tap_var v)
{
    tap__node_for_call("shape_of", v);
    return is_current(v) ? tap__node(v.tape, v.id)->value.shape : TAP_SCALAR;
}

tap_dtype tap__dtype_of(tap_var v)
{
    const tap_node *n = tap__node_of(v);
    return n ? n->value.dtype : TAP_F32;
}

double tap_item(tap_var v)
{
    char            text[TAP_SHAPE_TEXT];
    const tap_node *n = tap__node_for_call("item", v);
    if (!n) return (double)NAN;
    if (tap_numel(n->value.shape) == 1) return tap_tensor_item(n->value, 0);
    tap_error_set(&v.tape->error, TAP_ESHAPE, "item: the var must have one element, not %s",
                  tap_shape_format(text, n->value.shape));
    return (double)NAN;
}

tap_var tap_detach(tap_var v)
{
    TAP_CALL("detach", v);
    const tap_node *n = tap__node_for_call("detach", v);
    if (!n) return tap__inert(v.tape);
    if (n->storage) tap__arena_retain(n->storage);
    tap_var same = tap__push(v.tape, n->value, n->storage);
    if (!same.id) return same;
    tap_node *to = tap__node(v.tape, same.id);
    to->grad_of_leaf = n->grad_of_leaf;
    to->source = n->source;
    return same;
}

tap_var tap_named(tap_var v, const char *name)
{
    tap_node *n = tap__node_for_call("named", v);
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

bool tap_needs_grad(const tap_node *n, int i)
{
    if (!n || i < 0 || i >= n->n_in) return false;
    const tap_node *in = tap__node(n->tape, n->in[i]);
    return n->tape->needs_grad ? n->tape->needs_grad[in->id] : in->requires_grad;
}
