/* nn/module.h: trees of named modules with parameters and buffers, their initial values, files of their state, clones, gradient
 * checks. */
#ifndef TAP_NN_MODULE_H
#define TAP_NN_MODULE_H

#include "autograd/autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Modules (module.c) --------------------------------------------------------------------------------------------- */

typedef struct tap_module tap_module;
typedef struct tap_param  tap_param;
typedef struct tap_buffer tap_buffer;

TAP_API tap_module *tap_module_new(tap_dtype dtype, uint64_t seed); /* a root, float32 or float64; never NULL */
TAP_API void        tap_module_free(tap_module *root);              /* frees the whole tree; NULL is allowed */
/* Names of modules and parameters are printable ASCII without space, dot, " and \, and unique among those of a module. */
TAP_API tap_module *tap_module_child(tap_module *m, const char *name);            /* "enc"; never NULL */
TAP_API tap_status  tap_module_status(const tap_module *m, const char **message); /* the root's first error */
TAP_API const char *tap_module_message(const tap_module *m); /* the message alone; "" if there is no error */
/* Clears the root's error; its parameters are as before. Layers and optimizers returned by failed calls stay unusable. */
TAP_API void tap_module_clear_error(tap_module *m);
/* Fails the root with an error of the caller's; the message begins with m's path. */
TAP_API tap_status tap_module_fail(tap_module *m, tap_status status, const char *format, ...) TAP_PRINTF(3, 4);
TAP_API tap_dtype  tap_module_dtype(const tap_module *m);
TAP_API int64_t    tap_module_numel(const tap_module *m); /* elements of all parameters at and below m */

/* Training or evaluation mode of the modules at and below m: dropout, batch normalization and the like ask for it. A root
 * begins in training mode, a child in the mode of its parent. */
TAP_API void tap_module_train(tap_module *m);
TAP_API void tap_module_eval(tap_module *m);
TAP_API bool tap_module_training(const tap_module *m);

/* ---- Initializers (init.c, init_fill.c) ----------------------------------------------------------------------------- */

/* How a new parameter is filled. The values depend on the root's seed and the parameter's path alone. fan_in and fan_out are
 * PyTorch's: for a weight [out,in,...], in and out times the product of the other sizes. */
typedef struct {
    enum {
        TAP_INIT_ZEROS,
        TAP_INIT_CONSTANT,
        TAP_INIT_UNIFORM,
        TAP_INIT_NORMAL,
        TAP_INIT_XAVIER_UNIFORM,
        TAP_INIT_XAVIER_NORMAL,
        TAP_INIT_KAIMING_UNIFORM,
        TAP_INIT_KAIMING_NORMAL,
        TAP_INIT_TRUNC_NORMAL,
        TAP_INIT_ORTHOGONAL,
        TAP_INIT_EYE,
        TAP_INIT_DIRAC
    } how;
    double  value;      /* constant: the constant; uniform: +-value; normal: standard deviation; xavier, kaiming: gain */
    int64_t fan_in;     /* 0: computed from the shape */
    bool    fan_out;    /* kaiming: divide by fan_out, not fan_in */
    double  mean, a, b; /* normal: its mean; uniform: its bounds, if not both are 0; truncated normal: mean and bounds */
    int64_t groups;     /* dirac */
} tap_init;

TAP_API tap_init tap_init_zeros(void);
TAP_API tap_init tap_init_constant(double c);
TAP_API tap_init tap_init_uniform(double bound);                    /* U(-bound, bound) */
TAP_API tap_init tap_init_uniform_between(double low, double high); /* U(low, high) */
TAP_API tap_init tap_init_normal(double std);                       /* N(0, std^2) */
TAP_API tap_init tap_init_normal_around(double mean, double std);   /* N(mean, std^2) */
TAP_API tap_init tap_init_xavier_uniform(double gain);  /* U(+-gain sqrt(6 / (fan_in + fan_out))), Glorot & Bengio 2010 */
TAP_API tap_init tap_init_xavier_normal(double gain);   /* N(0, gain^2 2 / (fan_in + fan_out)) */
TAP_API tap_init tap_init_kaiming_uniform(double gain); /* U(+-gain sqrt(3 / fan_in)), He et al. 2015 */
TAP_API tap_init tap_init_kaiming_normal(double gain);  /* N(0, gain^2 / fan_in) */
TAP_API tap_init tap_init_default(int64_t fan_in);      /* U(+-1/sqrt(fan_in)), PyTorch's for Linear and Conv */
TAP_API tap_init tap_init_fan_out(tap_init how);        /* kaiming with fan_out in place of fan_in */
/* N(mean, std^2) given that it is within a..b, by inversion of the distribution function; PyTorch's defaults are 0, 1, -2, 2 */
TAP_API tap_init tap_init_trunc_normal(double mean, double std, double a, double b);
/* gain times a random matrix [n0, n1 n2 ...] with perpendicular rows or columns of length 1: Saxe et al. 2014 */
TAP_API tap_init tap_init_orthogonal(double gain);
TAP_API tap_init tap_init_eye(void); /* ones on the diagonal of a matrix */
/* A convolution [out,in,..] that passes channel i of each group of outputs on from channel i, through the middle of the
 * kernel */
TAP_API tap_init tap_init_dirac(int64_t groups);
/* PyTorch's gain for the layer before a nonlinearity: 1 for linear, identity, sigmoid, conv1d and so on; tanh 5/3, relu
 * sqrt(2), selu 3/4, leaky_relu sqrt(2 / (1 + param^2)) with param = 0 for 0.01, TAP_ZERO for 0. NaN: unknown name */
TAP_API double tap_calculate_gain(const char *nonlinearity, double param);

/* ---- Parameters (param.c) ------------------------------------------------------------------------------------------- */

/* A new parameter of m with a zero gradient. On an error it is inert, and the root has failed. */
TAP_API tap_param  *tap_param_new(tap_module *m, const char *name, tap_shape shape, tap_init how);
TAP_API const char *tap_param_path(const tap_param *p); /* "enc.0.weight" */
/* A view of the value. It may be written to between steps: call tap_tensor_written afterwards, so that a backward pass of an
 * earlier forward pass fails (TAP_ESTALE) instead of using the new numbers. NaN [] for a parameter that could not be made. */
TAP_API tap_tensor tap_param_value(const tap_param *p);
/* A view of the gradient, accumulated since the last step of the parameter's optimizer or, if it has none, since the last step
 * of any optimizer of its root. It may be written to between the backward pass and the step: to clip gradients, or to average
 * them over the processes of a data-parallel training, after tap_backward and before tap_optim_step:
 *
 *     for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) {
 *         tap_tensor g = tap_param_grad(p);                    // contiguous, of the module's dtype
 *         all_reduce_mean(g.data, tap_numel(g.shape));         // the caller's, such as MPI_Allreduce and a division
 *     } */
TAP_API tap_tensor tap_param_grad(tap_param *p);
/* Freezing, PyTorch's requires_grad_: no gradient is computed for a parameter that does not require one, and optimizers do not
 * change it. It takes effect at the next tap_param_var. New parameters require a gradient. */
TAP_API void    tap_param_set_requires_grad(tap_param *p, bool on);
TAP_API bool    tap_param_requires_grad(const tap_param *p);
TAP_API void    tap_module_set_requires_grad(tap_module *m, bool on); /* for all parameters at and below m */
TAP_API tap_var tap_param_var(tap_tape *t, tap_param *p); /* the leaf of the parameter: one var until the tape is reset */
/* Iterates over the parameters at and below m in order of creation: the one after p, or the first for p = NULL; NULL at the
 * end. */
TAP_API tap_param *tap_module_next(const tap_module *m, const tap_param *p);
TAP_API tap_param *tap_module_param(const tap_module *m, const char *path); /* by full path; NULL if there is none */
TAP_API void       tap_module_zero_grad(tap_module *m);
/* A module is trained on one tape at a time. Tapes that do not record (tap_tape_set_recording) change nothing in a module in
 * evaluation mode, so that any number of threads, each with a tape of its own, can evaluate it at the same time. */

/* ---- Buffers (buffer.c) --------------------------------------------------------------------------------------------- */

/* A buffer is a tensor that belongs to the state of a module but is not trained, such as a running mean: it is saved, loaded,
 * cloned and checkpointed under its path as parameters are, it is not counted as a parameter, and no optimizer changes it.
 * PyTorch's register_buffer. */

/* A new buffer of m, filled with the value. A buffer of floats usually has the module's dtype (tap_module_dtype). On an error
 * it is inert, and the root has failed. */
TAP_API tap_buffer *tap_buffer_new(tap_module *m, const char *name, tap_dtype dtype, tap_shape shape, double value);
TAP_API const char *tap_buffer_path(const tap_buffer *b); /* "bn.running_mean" */
/* A view of the value, which may be written to; { 0 } for a buffer that could not be made. A layer that changes its buffers in
 * the forward pass must not do so during a gradient check: see tap_tape_keeps_state. */
TAP_API tap_tensor  tap_buffer_value(const tap_buffer *b);
TAP_API tap_buffer *tap_module_next_buffer(const tap_module *m, const tap_buffer *b); /* iterates as tap_module_next does */
TAP_API tap_buffer *tap_module_buffer(const tap_module *m, const char *path);         /* by full path; NULL if there is none */

/* ---- Printing, saving and loading (module_print.c, module_file.c) --------------------------------------------------- */

/* Prints the tree at and below m: modules and parameters in order of creation, shapes, and numbers of elements.
 *
 *     module                   144
 *       enc                    144
 *         weight  [16,8]       128
 *         bias    [16]          16
 *     total: 144 parameters, float32
 *
 * For a failed root, its status and message are printed first. */
TAP_API void tap_module_print(const tap_module *m);             /* to stdout */
TAP_API void tap_module_fprint(FILE *out, const tap_module *m); /* nothing if out is NULL */

/* Writes a safetensors file of all parameters and buffers under their paths, with metadata of the caller's. On an error no file
 * is replaced. */
TAP_API tap_status tap_module_save(const tap_module *m, const char *path, int n_metadata, const tap_metadata *metadata,
                                   tap_error *e);
/* Reads all parameters and buffers from a safetensors file, a file of torch.save or an .npz, by its contents (see
 * tap_torch_read), converting floats to their dtype. On an error, such as a name or shape that does not fit,
 * none is changed. */
TAP_API tap_status tap_module_load(tap_module *m, const char *path, tap_error *e);

/* {0} stands for tap_module_load. */
typedef struct {
    /* PyTorch's strict=False: what the file lacks keeps its value, and what m does not have is left out. What both have must
     * have the same shape. */
    bool partial;
    /* The part of the file to read, when its paths are not those of m: what is "weight" below m is PREFIX "weight" in the file,
     * and tensors of other names are ignored. "": the file's paths begin at m [m's path and a dot, and no tensor is ignored] */
    const char *prefix;
} tap_load_options;

/* Names that partial loading left out, in memory of the arena: of m's parameters and buffers, and of the file's tensors. */
typedef struct {
    int                n_missing, n_unexpected;
    const char *const *missing, *const *unexpected;
} tap_load_result;

/* Reads a module's state, or part of it, from a file or part of it. result and its arena may both be NULL. */
TAP_API tap_status tap_module_load_with(tap_module *m, const char *path, tap_load_options o, tap_arena *a,
                                        tap_load_result *result, tap_error *e);

/* ---- Clones, and forward passes with other parameters (clone.c, param.c) -------------------------------------------- */

/* A new root with a copy of all modules, parameters and buffers at and below m, their modes and freezing, without gradients and
 * optimizers; the caller frees it. Its paths are those below m. Floats are converted to the dtype, the module's or another one.
 * A clone has no layers: for a forward pass with it, pass the original's layers to a tape after tap_module_replace. */
TAP_API tap_module *tap_module_clone(const tap_module *m, tap_dtype dtype);
/* Until the tape is reset, the parameters, buffers and modes at and below `other` stand for those of the same path at and below
 * m: layers of m compute with them, and gradients reach them. The tape fails if `other` lacks one, or if shapes differ. To undo
 * it, replace m by itself. */
TAP_API void tap_module_replace(tap_tape *t, tap_module *m, tap_module *other);
/* Until the tape is reset, tap_param_var(t, p) is v, a var of p's shape: torch.func.functional_call, for weights that are
 * computed, as in MAML and hypernetworks. The gradient goes to what v was computed from. { 0 } undoes it. */
TAP_API void tap_param_replace(tap_tape *t, tap_param *p, tap_var v);
/* For layers of your own: the value of b, and whether m is in training mode, in a forward pass on tape t, where another
 * module's may stand for them. */
TAP_API tap_tensor tap_buffer_value_on(const tap_tape *t, const tap_buffer *b);
TAP_API bool       tap_module_training_on(const tap_tape *t, const tap_module *m);

/* ---- Gradient checks (gradcheck.c) ---------------------------------------------------------------------------------- */

/* A function of a module's parameters. */
typedef tap_var (*tap_module_function)(tap_tape *t, void *ctx);

/* tap_gradcheck by every parameter at and below m that is not frozen, with fixed noise. The message names the parameter. A
 * float64 module's values are perturbed and restored. A float32 module is checked in float64: on the check's tape,
 * tap_param_var gives float64 copies of the parameters, and float32 data put on it, as well as casts to float32, become
 * float64. Afterwards values and gradients are as before. */
TAP_API tap_gradcheck_result tap_module_gradcheck(tap_module *m, tap_module_function f, void *ctx,
                                                  tap_gradcheck_options options);

#ifdef __cplusplus
}
#endif

#endif
