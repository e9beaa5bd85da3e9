/* autograd/internal.h: nodes and tapes from inside. The data structure and its terms are described at the head of tape.c, the
 * backward pass at the head of backward.c. Not installed. */
#ifndef TAP_AUTOGRAD_INTERNAL_H
#define TAP_AUTOGRAD_INTERNAL_H

#include "autograd/autograd.h"
#include "autograd/composed.h"
#include "tensor/borrow.h"
#include "tensor/tensor.h"

enum { TAP__SEGMENT = 256, TAP__SCRATCH = 8 };

/* Borrowed values of up to this many bytes are compared with a copy before a rule reads them, which finds writes through a
 * pointer that were not reported by tap_tensor_written. */
enum { TAP__SNAPSHOT = 4096 };

/* ---- Nodes and tapes (tape.c) ---- */

/* A value on a tape and the call that computed it. */
struct tap_node {
    tap_tape     *tape;
    const tap_op *op;      /* NULL: a value from outside the tape, or a result that was not recorded */
    const void   *attr;    /* a copy of op's attributes */
    void         *storage; /* arena memory that the value lies in, of which this node holds one use; NULL: other memory */
    const char   *name;
    uint32_t      id;
    int           n_in;
    bool          requires_grad; /* it is a variable or a leaf that takes a gradient, or was recorded */
    bool          is_adjoint;    /* the backward pass that runs holds it as the gradient of a node */
    bool          is_leaf;       /* its gradient is added to leaf.grad */
    bool          grad_in_place; /* of a leaf: a gradient was computed in leaf.grad during this pass (backward.c) */
    uint32_t      grad_of_leaf;  /* the leaf whose leaf.grad holds this value; 0: none */
    uint32_t      source;  /* the node that borrowed the memory of this value: itself, or the one it is a view of; 0: none */
    uint32_t      call;    /* the user's call that made it: tape.calls[call - 1]; 0: not known */
    size_t        version; /* the number of writes to borrowed memory (tap__current_version) when it was recorded or borrowed */
    void         *snapshot; /* of a small borrowed value: a copy; NULL: none */
    tap_tensor    value;
    tap_leaf      leaf;
    uint32_t     *passes; /* of a leaf: incremented by each backward pass that reaches it; NULL: not counted */
    uint32_t      in[TAP_MAX_INPUTS];
};

/* A call of a composed function: its name and inputs, for messages. */
typedef struct {
    const char *name;
    int         n;
    uint32_t    id[TAP_MAX_INPUTS];
} tap__call_site;

/* The var, or the other object, that stands on a tape for an object of the caller's, such as a parameter, until the reset
 * (var_map.c). */
typedef struct {
    const void *key; /* the object's address */
    uint32_t    epoch;
    tap_var     var;
    bool        is_given; /* var replaces the object at the caller's request; else it was made for the object */
    void       *other;    /* another object that replaces this one; NULL: none */
} tap__map_entry;

typedef struct {
    tap__map_entry *entries;
    uint32_t        n, max; /* entries of the current epoch; slots, a power of two or 0 */
} tap__var_map;

struct tap_tape {
    tap_arena *arena;
    tap_error  error;
    tap_dtype  dtype;
    bool       recording;
    bool       trace;       /* an operator that computes a NaN or an infinity from finite inputs fails */
    bool       promote_f32; /* float32 values from outside become float64: a gradient check of a float32 module */
    bool       keeps_state; /* functions leave the caller's state alone, such as running statistics: a gradient check */
    uint32_t   epoch, n_nodes;
    uint64_t   seed, step, draws;
    tap_node **segment;
    uint32_t   n_segments, max_segments;

    tap__var_map map;

    /* During a backward pass: */
    const bool *needs_grad; /* [n_nodes at its start]: whether the pass computes the gradient of a node; NULL: no pass runs */
    const tap_node *rule;   /* the node whose rule runs */
    bool            inplace_grads; /* the pass ends in the leaves: gradients may be computed in place */
    tap_node       *grad_target;   /* the leaf in whose gradient the next result is computed, if it fits; NULL: none */

    void          *scratch[TAP__SCRATCH];
    int            n_scratch;
    tap__borrower  borrower;       /* the memory that is borrowed, and a log of the writes to it */
    bool           error_reported; /* the error has been read by the user, or printed */
    bool          *report_flag;    /* &error_reported, which tap_tape_status sets on a const tape */
    tap__call_site site;           /* the composed function that the user has called, while one runs */
    int            depth;          /* how many composed functions run within each other */
    const char   **calls;          /* the names of all functions that the user has called since the last reset */
    uint32_t       n_calls, max_calls;
    uint32_t       call;            /* the call that runs: calls[call - 1]; 0: not known */
    void          *unreadable[3];   /* NaN in float32 and in float64, and zeros: what values read as once the tape has failed */
    int64_t        n_unreadable[3]; /* elements of these */
};

static inline tap_node *tap__node(const tap_tape *t, uint32_t id)
{
    return &t->segment[id / TAP__SEGMENT][id % TAP__SEGMENT];
}

/* A new node that is not recorded, on a tape that has not failed. It takes over one use of the storage; NULL: other memory. */
tap_var tap__push(tap_tape *t, tap_tensor value, void *storage);
/* A new node with uninitialized contents; *value is inert if there is no memory. */
tap_var tap__push_empty(tap_tape *t, tap_dtype dtype, tap_shape shape, tap_tensor *value);
/* A new node for the result of an operator, on a tape that has not failed: the caller gives out->dtype and out->shape, of n
 * elements; data and strides are set. Takes the request of tap__compute_grad_in_place. NULL, and no error yet, if there is no
 * memory. */
tap_node *tap__push_result(tap_tape *t, tap_tensor *out, int64_t n);
/* Fails the tape for lack of memory, in the name of the call unless it is NULL. */
void tap__no_memory(tap_tape *t, tap_call *c);
/* Gives the node's use of its storage back before the reset; the var of this node must not be used again. */
void tap__release(tap_node *n);
/* Removes all nodes from number `first` on, and releases their storage. */
void tap__truncate(tap_tape *t, uint32_t first);

/* ---- What stands for objects of the caller's (var_map.c) ---- */

/* The entry of the key since the last reset; NULL if there is none. Valid until the next tap__map_add. */
tap__map_entry *tap__map_find(const tap_tape *t, const void *key);
/* The same, or a new entry; NULL, and the tape has failed, if there is no memory. */
tap__map_entry *tap__map_add(tap_tape *t, const void *key);

/* ---- Values from outside (inputs.c) ---- */

/* A leaf. passes: incremented by each backward pass that reaches it; NULL: not counted. */
tap_var tap__leaf_var(tap_tape *t, const tap_leaf *leaf, bool requires_grad, uint32_t *passes);
/* Whether the memory of a borrowed value is unmodified since that version; if not, the tape fails in the name of the rule. */
bool tap__is_unmodified(tap_tape *t, const tap_node *n, size_t version);
/* Whether the value that a node borrows is what it was when the node was made. */
bool tap__is_as_recorded(const tap_tape *t, const tap_node *n);
/* The name of the node; NULL if it has none, or if its owner has been freed. */
const char *tap__name_of(const tap_node *n);
/* The number of writes to borrowed memory so far, a version in the sense of PyTorch's version counters. Later writes count as
 * new. */
static inline size_t tap__current_version(tap_tape *t)
{
    atomic_store_explicit(&t->borrower.is_extendable, false, memory_order_relaxed);
    return atomic_load_explicit(&t->borrower.n_writes, memory_order_relaxed);
}

/* ---- Calls and their messages (errors.c) ---- */

/* A call of an operator: the public part, and the vars of its inputs. */
typedef struct {
    tap_call       call; /* first, so that a tap_call * points to the whole */
    const tap_var *vars;
} tap__op_call;

/* Counts a function that the user has called, with no composed function and no rule running. */
void tap__count_call(tap_tape *t, const char *name);
/* "[128,784] x [400,20] (enc.0.weight)": shapes and names of the first four of the nodes. Whether one has a name. */
bool tap__describe(const tap_tape *t, int n, const uint32_t *id, char *text, size_t size);

/* ---- Rules (backward.c) ---- */

/* Asks that gin[i], the gradient of n's input i, be computed in the memory where the leaf keeps its gradient. A rule calls this
 * right before the operator whose result becomes gin[i]. It changes no result, and does nothing where it does not apply; see
 * backward.c. */
void tap__compute_grad_in_place(const tap_node *n, int i);
/* sum += x, outside any tape: sum contiguous, x broadcasting to it, one float dtype (ops/elementwise.c). */
void tap__accumulate(tap_tensor sum, tap_tensor x);

/* ---- NaN and infinity (nonfinite.c) ---- */

/* Fails the tape if out, which the call has just computed, holds a NaN or an infinity that none of its inputs holds. */
void tap__trace_nonfinite(tap_call *c, const tap_var *in, tap_tensor out);
/* Fails the tape if the value of a leaf holds a NaN or an infinity. */
void tap__trace_leaf(tap_tape *t, const tap_leaf *leaf);

#endif
