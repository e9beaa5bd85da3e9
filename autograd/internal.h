/* autograd/internal.h: the tape from inside. Not installed. */
#ifndef TAP_AUTOGRAD_INTERNAL_H
#define TAP_AUTOGRAD_INTERNAL_H

#include "autograd/autograd.h"
#include "tensor/borrow.h"
#include "tensor/tensor.h"

enum { TAP__SEGMENT = 256, TAP__SCRATCH = 8 };

/* Borrowed values of up to so many bytes are compared with a copy before a rule reads them, so that writes are found of which
 * nobody has told. */
enum { TAP__SNAPSHOT = 4096 };

/* A value on the tape and how it came about. Number 0 of every tape is the inert node. */
struct tap_node {
    tap_tape     *tape;
    const tap_op *op; /* NULL: a value put in from outside, or a result that was not recorded */
    const void   *attr;
    void         *storage; /* the arena's memory that the value lives in, this node being one of its users; NULL: borrowed */
    const char   *name;
    uint32_t      id;
    int           n_in;
    bool          needs;       /* a gradient: some leaf or variable is behind it */
    bool          adjoint;     /* held by a backward pass under way */
    bool          is_leaf;     /* then leaf says where its gradient goes */
    bool          lent;        /* this leaf's gradient is where a result was computed */
    uint32_t      borrower_of; /* the leaf in whose gradient this value lies, 0: none */
    uint32_t      source;      /* the node that borrowed the memory of this value (itself, or what it is a view of), 0: none */
    uint32_t      call;        /* the call that it was made by, a number into the tape's calls, from 1 on; 0: not known */
    size_t        moment;      /* how many writes to borrowed memory there had been when the operator ran */
    void         *snapshot;    /* of a small borrowed value: a copy; NULL: none */
    tap_tensor    value;
    tap_leaf      leaf;
    uint32_t     *passes; /* of a leaf: counts the backward passes that reach it; NULL: nobody asks */
    uint32_t      in[TAP_MAX_INPUTS];
};

/* A call of a composed function: its name and inputs, for messages. */
typedef struct {
    const char *name;
    int         n;
    uint32_t    id[TAP_MAX_INPUTS];
} tap__call_site;

struct tap_tape {
    tap_arena      *arena;
    tap_error       error;
    tap_dtype       dtype;
    bool            recording;
    bool            trace; /* NaN and infinity: an operator that brings them up fails */
    bool            widen; /* float32 becomes float64 on it: a gradient check of a float32 module */
    uint32_t        epoch, n_nodes;
    uint64_t        seed, step, draws;
    tap_node      **segment; /* nodes in pieces that never move */
    uint32_t        n_segments, max_segments;
    const bool     *wanted; /* during a backward pass: the nodes on a way to what is differentiated by, */
    const tap_node *rule;   /* and the one whose rule runs */
    bool            lends;  /* during a pass that ends in the leaves' gradients: results may be computed in these, */
    tap_node       *lender; /* the next one of that shape in this leaf's */
    void           *scratch[TAP__SCRATCH];
    int             n_scratch;
    tap__borrower   borrower; /* whose memory is read, and what was written to it since */
    bool is_told, *told;      /* the error has been read, or reported; told points to is_told, for readers of a const tape */
    bool keeps_state;         /* functions leave memory of the caller's alone, such as running statistics: a gradient check */
    tap__call_site site;      /* the composed function that the user has called, while one runs */
    int            depth;     /* and how many are running within each other */
    const char   **calls;     /* the names of all functions that the user has called since the last reset */
    uint32_t       n_calls, max_calls, call; /* call: the one at work, from 1 on */
    void          *unreadable[3]; /* NaN in float32 and float64, and zeros: what values read as once the tape has failed */
    int64_t        n_unreadable[3];
};

static inline tap_node *tap__node(const tap_tape *t, uint32_t id)
{
    return &t->segment[id / TAP__SEGMENT][id % TAP__SEGMENT];
}

/* The node behind v, or NULL and an error on v's tape (and none where v has no tape). call: who asks, for the message; NULL
 * stands for the composed function that is running. */
tap_node *tap__node_for_call(const char *call, tap_var v);
tap_node *tap__node_of(tap_var v);

/* The user has called the function of this name, and nobody else is at work: it is counted. */
void tap__count_call(tap_tape *t, const char *name);
/* A new node with the value, not recorded, of a tape that has not failed; takes over one use of storage (NULL: borrowed). */
tap_var tap__push(tap_tape *t, tap_tensor value, void *storage);
/* A new node with uninitialized contents; *value is inert where there is no memory. */
tap_var tap__push_empty(tap_tape *t, tap_dtype dtype, tap_shape shape, tap_tensor *value);
/* The same for a tape that has not failed: out's dtype and shape, of n elements, are given, its data and strides set. NULL, and
 * no error yet, where there is no memory. */
tap_node *tap__push_result(tap_tape *t, tap_tensor *out, int64_t n);
/* The tape has failed for lack of memory; in the name of the call, if there is one. */
void tap__no_memory(tap_tape *t, tap_call *c);
/* A constant [] of the dtype. */
tap_var tap__scalar(tap_tape *t, tap_dtype dtype, double value);
/* Gives the node's memory back early; the var behind it must not be used again. */
void tap__release(tap_node *n);
/* Whether all of in are live and on one tape; if not, each of their tapes has failed in the name of the call. For functions
 * that look at several vars before the first operator does. */
bool tap__same_tape(const char *call, int n, const tap_var *in);
/* The same, and their values. */
bool tap__inputs(const char *call, int n, const tap_var *x, tap_tensor *values);
/* Fails the tape of n, an input of a function that is composed of operators: "call: [2,3] (name): format". Inert. */
tap_var tap__fail_input(const tap_node *n, tap_status status, const char *call, const char *format, ...) TAP_PRINTF(4, 5);
/* The same with all of a function's inputs, at most TAP_MAX_INPUTS: "call: [2,3] x [4] (name): format". */
tap_var tap__fail_inputs(const char *call, int n, const tap_var *x, tap_status status, const char *format, ...)
    TAP_PRINTF(5, 6);
/* A call of an operator, with what it carries beyond the public part. */
typedef struct {
    tap_call       call; /* first */
    const tap_var *vars;
} tap__op_call;

/* Fails the tape in the name of the function that runs, or of the call: "call: format". Inert. */
tap_var tap__fail(tap_tape *t, tap_status status, const char *call, const char *format, ...) TAP_PRINTF(4, 5);
/* Whether the memory of a borrowed value is what it was at that moment; if not, the rule that wants to read it fails. */
bool tap__is_unmodified(tap_tape *t, const tap_node *n, size_t moment);
/* How many writes to borrowed memory there have been; later ones count from there. */
static inline size_t tap__current_version(tap_tape *t)
{
    atomic_store_explicit(&t->borrower.is_extendable, false, memory_order_relaxed);
    return atomic_load_explicit(&t->borrower.n_writes, memory_order_relaxed);
}
/* Whether the value that a node borrows is what it was when the node was made. */
bool tap__is_as_recorded(const tap_tape *t, const tap_node *n);
/* A leaf that takes no gradient unless it is asked for. passes: counts the backward passes that reach it; NULL: nobody asks. */
tap_var tap__leaf_var(tap_tape *t, const tap_leaf *leaf, bool requires_grad, uint32_t *passes);
/* The dtype of v, float32 where there is no v. */
tap_dtype tap__dtype_of(tap_var v);
/* The node's name; NULL if it has none, or its owner has been freed. */
const char *tap__name_of(const tap_node *n);
/* Whether a call's inputs are of one float dtype; an error if not. */
tap_status tap__one_float(tap_call *c);
/* Whether y was computed from x, as far as the tape has recorded it. Both live on one tape. */
bool tap__depends(tap_var y, tap_var x);
/* Forgets all nodes from number first on, and gives their memory back. */
void tap__truncate(tap_tape *t, uint32_t first);
/* Number 0 of the tape. */
tap_var tap__inert(tap_tape *t);
/* The tape of the first var that has one, NULL if none has. */
tap_tape *tap__tape_of(int n, const tap_var *v);

/* "[128,784] x [400,20] (enc.0.weight)": shapes and names of the nodes, the first four. Whether one has a name. */
bool tap__describe(const tap_tape *t, int n, const uint32_t *id, char *text, size_t size);
/* Fails the tape if out, which the call has just computed, holds a NaN or an infinity that came from none of its inputs. */
void tap__trace_nonfinite(tap_call *c, const tap_var *in, tap_tensor out);
/* The same for the value of a leaf, which is to hold none at all. */
void tap__trace_leaf(tap_tape *t, const tap_leaf *leaf);
/* Whether all of a tensor is finite; if not, the text says which number is not: "nan at [3,7]". */
bool tap__is_finite(tap_tensor x, char *text, size_t size);

/* sum += x, outside any tape: sum contiguous, x broadcasting to it, one float dtype. */
void tap__accumulate(tap_tensor sum, tap_tensor x);

/* Uniform noise as tap_rand's, in double on any tape. */
tap_var tap__rand_f64(tap_tape *t, tap_shape shape);

#endif
