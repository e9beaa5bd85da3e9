/* nn/internal.h: the structs of modules and parameters, and functions that the files of nn share. Not installed. */
#ifndef TAP_NN_INTERNAL_H
#define TAP_NN_INTERNAL_H

#include "nn/nn.h"
#include "nn/optim/optimizer.h"
#include "tensor/tensor.h"

typedef struct tap__root tap__root;

struct tap_module {
    tap__root  *root;
    tap_module *parent;             /* NULL: the root */
    const char *path;               /* "" for the root */
    tap_module *children, *sibling; /* lists, the newest child first */
    bool        training;           /* or evaluation */
};

typedef struct tap__parametrization tap__parametrization;

struct tap_param {
    tap_module *module;
    const char *path;
    tap_tensor  value, grad;
    bool        fresh;   /* grad counts as zero */
    bool        zeroed;  /* grad was filled with zeros for the caller, who may have written to it */
    bool        expired; /* it has no optimizer, and another one has stepped: grad lasts until the next forward pass */
    bool        frozen;  /* no gradient is computed for it */
    uint32_t    passes;  /* backward passes that have reached it since the last step */
    tap_optim  *owner;   /* the optimizer that steps it; NULL: none */
    tap_param  *next;
    tap_init    init;                      /* how it was filled at first */
    tap_param  *f64_copy;                  /* during a gradient check of a float32 module; else NULL */
    tap__parametrization *parametrization; /* computes the value, of which only the shape is kept; NULL: value is the value */
};

/* How a layer's weight is computed from other parameters (layers/parametrizations.c). */
struct tap__parametrization {
    tap_var (*compute)(tap_tape *t, const tap__parametrization *p);
    tap_param        *original[2]; /* the second may be NULL */
    tap_buffer       *u, *v;
    const tap_module *module; /* its mode decides about updates of u and v */
    int               dim, iterations;
    bool              all;
    double            eps;
};

/* A new parameter of m that takes over value, gradient and freezing of p, which is left without a place in the tree. The
 * caller gives p a parametrization. */
tap_param *tap__param_move(tap_param *p, tap_module *m, const char *name);

struct tap_buffer {
    tap_module *module;
    const char *path;
    tap_tensor  value;
    tap_buffer *next;
};

/* The root of a tree owns everything in it: names and the state of optimizers in `memory`, values and gradients in an arena
 * each, one parameter after the other. no_param, no_buffer, no_linear and no_optim are inert results of calls on a failed
 * root. */
struct tap__root {
    tap_module  module; /* the root as a module, its first member */
    tap_dtype   dtype;
    uint64_t    seed;
    tap_error   error;
    bool        error_read; /* by the program, so that tap_module_free does not report it */
    tap_arena  *memory, *values, *grads;
    tap_param  *first, *last;
    tap_buffer *first_buffer, *last_buffer;
    tap_param   no_param;
    tap_buffer  no_buffer;
    tap_linear  no_linear;
    tap_optim   no_optim;
};

/* m itself, or a module that has failed if m is NULL. */
tap_module *tap__module(const tap_module *m);

/* Zeroed memory of the root; NULL, and the root has failed, if there is none. */
void *tap__module_alloc(tap_module *m, size_t bytes);

/* Fails the root, in the name of a call on p: "optim_step: enc.weight: format". */
tap_status tap__param_fail(tap_param *p, tap_status status, const char *call, const char *format, ...) TAP_PRINTF(4, 5);
/* Whether p has a gradient: a backward pass has reached it since the last step, or the caller has written one. */
bool   tap__param_has_grad(const tap_param *p);
size_t tap__param_bytes(const tap_param *p); /* of its value, and of its gradient */
/* Marks p as without a gradient. */
void tap__param_drop_grad(tap_param *p);

/* Whether the other module is m or below m. */
bool tap__module_has(const tap_module *m, const tap_module *below);
/* The module after m in the tree below top, parents before children, in order of creation; NULL at the end. */
tap_module *tap__next_module(const tap_module *top, const tap_module *m);
/* The path of a new module, parameter or buffer of m; NULL, and the root has failed, if the name cannot be used. */
const char *tap__new_path(tap_module *m, const char *name);
const char *tap__last_name(const char *path);                       /* "weight" of "enc.0.weight" */
tap_module *tap__find_child(const tap_module *m, const char *name); /* NULL if there is none */
/* The part of a path that follows the path of m, which it is below of. */
const char *tap__path_below(const tap_module *m, const char *path);
/* A parameter or a buffer of a module; neither, { 0 }, after the last one. */
typedef struct {
    tap_param  *param;
    tap_buffer *buffer;
} tap__entry;
/* The entry after this one at or below m, the first for { 0 }: parameters, then buffers, both in order of creation. */
tap__entry  tap__next_entry(const tap_module *m, tap__entry e);
const char *tap__entry_path(tap__entry e);  /* "" for { 0 } */
tap_tensor *tap__entry_value(tap__entry e); /* NULL for { 0 } */
/* Copies all modules, parameters and buffers below m, and m's mode, to an empty module of a root without an error. */
void tap__module_copy(tap_module *copy, const tap_module *m);
/* Parameters and buffers at and below m under their paths, in memory of the arena; NULL, and the arena has failed, if there is
 * no memory. */
tap_named_tensor *tap__module_state(const tap_module *m, tap_arena *a, int *n);

bool tap__has_tensor(const char *name, int n, const tap_named_tensor *tensors); /* whether one of them has this name */
/* Whether the file read from the path holds exactly the n expected tensors, in their shapes and dtypes; if not, an error that
 * says how it does not fit the module or, if not for_module, the run. Floats for a module may be of any float dtype. */
tap_status tap__check_file_match(const tap_safetensors *file, const char *path, int n, const tap_named_tensor *expected,
                                 bool for_module, tap_error *e);

/* The options of a loader, and dtypes, shapes and a hash of its data, as text: a checkpoint of one loader does not fit another.
 * The hash is of at most 64 rows, evenly spaced from the first to the last, and of at most 64 kB of each field of a row. An
 * error if there was no memory to compute it, or if the data set reported one. */
tap_status tap__loader_describe(tap_loader *l, char *text, size_t size, tap_error *e);
/* The position of a loader: its epoch, and the number of rows of it that have been in a batch handed out. */
typedef struct {
    int64_t epoch, next;
} tap__loader_position;
tap__loader_position *tap__loader_position_of(tap_loader *l);
int64_t               tap__loader_rows(const tap_loader *l); /* of an epoch */
void                  tap__loader_resume(tap_loader *l);     /* after its position was changed */

/* Whether v is int64 and all its elements are indices 0..n-1 (from 0 up if n < 0) or equal to `except`; *n_except (may be
 * NULL): how many are equal to it. If not, the tape has failed because of the first bad one: "target at [3] must be a class of
 * 0..3, not 7", for what = "target" and noun = "class". */
bool tap__check_indices(tap_var v, int64_t n, int64_t except, const char *what, const char *noun, int64_t *n_except);
/* Element i, in C order, of an int64 tensor of any strides, and its position. */
int64_t tap__index_at(tap_tensor x, int64_t i, tap_shape *position);

/* tap_embedding, but the gradient of a row is divided by how often its index occurs. */
tap_var tap__embedding_by_frequency(tap_var index, tap_var weight, int64_t padding_idx);

/* tap_scaled_dot_product_attention. *weights (may be NULL): the weights of the keys, after dropout, [..,n,m]. */
tap_var tap__attention(tap_var query, tap_var key, tap_var value, tap_var mask, double dropout_p, bool is_causal, double scale,
                       tap_var *weights);

/* Fills x as a new parameter of this path; an error if the initializer is unknown, or does not fit the shape. */
tap_status tap__init_fill(tap_init how, tap_tensor x, uint64_t seed, const char *path, tap_error *e);

#endif
