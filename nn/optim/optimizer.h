/* nn/optim/optimizer.h: what an optimizer is made of: the description of an algorithm, and the state of the parameters it
 * steps. Not installed.
 *
 * An algorithm is one file, such as nn/optim/adam.h, listed in nn/optim/optimizers.h. It is included twice by optim_kernels.c,
 * with T = float and T = double, where it defines the update of adjacent elements, tap__update_kernel, for the vector width in
 * question; and once by optimizers.c, without T, where it defines its options, its tap__algorithm and its constructor. */
#ifndef TAP_NN_OPTIM_OPTIMIZER_H
#define TAP_NN_OPTIM_OPTIMIZER_H

#include <math.h>
#include <stddef.h>

#include "nn/nn.h"
#include "nn/optim/optimizers.h"
#include "tensor/cpu.h"

enum { TAP__MAX_STATES = 3, TAP__MAX_SCALARS = 2, TAP__MAX_OWN = 12 };

/* A field of an algorithm's options. */
typedef struct {
    const char *name;                                 /* as in the struct; NULL ends a table */
    enum { TAP__NUMBER, TAP__COUNT, TAP__FLAG } type; /* double, int64_t, bool */
    size_t offset;
    double default_value; /* which 0 stands for; a flag has none */
    double limit;         /* numbers are at least 0 and below the limit */
} tap__option;

#define TAP__OPTION_NUMBER(options, name, default_value, limit) \
    { \
#name, TAP__NUMBER, offsetof(options, name), default_value, limit \
    }
#define TAP__OPTION_COUNT(options, name, default_value) \
    { \
#name, TAP__COUNT, offsetof(options, name), default_value, 1e15 \
    }
#define TAP__OPTION_FLAG(options, name) \
    { \
#name, TAP__FLAG, offsetof(options, name), 0, 0 \
    }
#define TAP__NO_LIMIT HUGE_VAL

/* The step that a parameter is taking. */
typedef struct {
    const void   *options; /* the algorithm's struct, all defaults filled in */
    int64_t       number;  /* counts the steps of the parameter, from 1 */
    const double *scalar;  /* before the step */
} tap__step;

/* Updates n elements of a value, given their gradient and states; state[k] is NULL if the options do not use it. */
typedef void (*tap__update_kernel)(const tap__step *s, int64_t n, void *value, const void *grad, void *const state[]);

#define TAP__OPTIM_ENUMERATOR(name) TAP__OPTIM_##name,
enum { TAP__OPTIMIZERS(TAP__OPTIM_ENUMERATOR) TAP__N_OPTIMIZERS };
TAP__KERNEL_DECLARE(extern const tap__update_kernel, tap__update_kernels, [TAP__N_OPTIMIZERS][2]); /* [..][TAP_F32 or F64] */

/* An item of the state of an algorithm that steps by closures, for a checkpoint. */
typedef struct {
    const char *name;
    tap_tensor  x;
    int64_t    *rows; /* how many of x's rows there are now; NULL: all */
    int64_t     max;  /* of a count, from 0; -1: x holds any finite numbers */
} tap__own_item;

/* An optimization algorithm. Functions that are NULL have nothing to do. */
typedef struct {
    const char        *name;    /* "adam" */
    int                kernel;  /* its index in tap__update_kernels; -1: it steps by closures alone */
    const tap__option *options; /* the first one is lr */
    size_t             size;    /* of the options */
    const char        *state[TAP__MAX_STATES + 1], *scalar[TAP__MAX_SCALARS + 1]; /* PyTorch's names, ended by NULL */
    /* Returns the rule that the combination of options breaks; NULL if there is none. */
    const char *(*check)(const void *options);
    bool (*uses)(const void *options, int state); /* whether state[k] is needed; NULL: always */
    /* Sets what elements of the states, and the scalars, are before the first step, if that is not 0. */
    void (*start)(const void *options, double state[], double scalar[]);
    /* Computes the scalars after step `number`. */
    void (*advance)(const void *options, int64_t number, double scalar[]);
    /* For an algorithm that steps by closures: makes o->own before the first step, false without memory; lists its contents;
     * and steps, as tap_optim_step_closure. */
    bool (*begin)(tap_optim *o);
    int (*items)(tap_optim *o, tap__own_item items[TAP__MAX_OWN]);
    double (*minimize)(tap_optim *o, tap_tape *t, tap_module_function loss, void *ctx);
} tap__algorithm;

/* Parameters with options of their own. */
typedef struct {
    void *options; /* the algorithm's struct, all defaults filled in */
} tap__group;

/* A parameter and its state in the optimizer. */
typedef struct {
    tap_param *param;
    int        group;
    bool       reached; /* by a backward pass since the last step; else the current step leaves it alone */
    int64_t    step;    /* steps taken */
    double     scalar[TAP__MAX_SCALARS];
    void      *state[TAP__MAX_STATES];
} tap__slot;

/* Elements start..start+n-1 of a parameter: the unit of work of a step. */
typedef struct {
    const tap__slot *slot;
    int64_t          start, n;
} tap__chunk;

struct tap_optim {
    struct tap__root     *root;
    tap_module           *module; /* it steps the parameters that were at and below this one when it was made; NULL: inert */
    const tap_param      *newest; /* the last parameter of the root at that time */
    const tap__algorithm *algorithm;
    tap__update_kernel    kernel;
    int                   n_groups;
    tap__group           *groups;
    int64_t               numel, n_slots, n_chunks;
    tap__slot            *slots;
    tap__chunk           *chunks;
    void                 *own;       /* memory of the algorithm's, one block */
    tap_scheduler        *scheduler; /* NULL: none */
};

/* An optimizer of the parameters at and below m, with zeroed state for each. options: the algorithm's struct as the caller gave
 * it. */
tap_optim *tap__optim_new(tap_module *m, const tap__algorithm *a, const void *options);

/* The root's status, or TAP_EARG for an optimizer that could not be made. */
tap_status tap__optim_status(const tap_optim *o);

/* Makes o->own if the algorithm needs it; false, and the root has failed, without memory. */
bool tap__optim_begin(tap_optim *o);

/* The field of a group's options. */
void *tap__optim_field(const tap_optim *o, int group, const tap__option *field);

/* The options but lr, which a schedule may change, as "adam: beta1 0.9, ..., amsgrad false", in memory of the arena; NULL if
 * there is none. */
const char *tap__optim_describe(const tap_optim *o, tap_arena *a);

#endif
