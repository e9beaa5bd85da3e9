/* nn/nn.h: modules and parameters, layers, functions, losses, distributions, optimizers, data loading, checkpoints, metrics. In
 * brackets, section rules name the files of nn/ that define a section.
 *
 * A model is a struct of the user's with layers embedded by value. Its parameters belong to a tree of named modules, whose root
 * owns them, their gradients and the state of optimizers. The forward pass is a function from vars to vars. Names and layouts
 * are PyTorch's.
 *
 * tap_..._init fills a struct that the caller embeds. tap_..._new returns an object: of a root or module, which owns it, or of
 * the caller, who frees it with tap_..._free; it never returns NULL.
 *
 * Errors: a root keeps its first error. Using a parameter of a failed root fails the tape. */
#ifndef TAP_NN_NN_H
#define TAP_NN_NN_H

#include "autograd/autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Modules (module.c) ------------------------------------------------------------------------------------------ */

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

/* ---- Initializers (init.c, init_fill.c)
 * --------------------------------------------------------------------------------------- */

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

/* ---- Parameters (param.c) ---------------------------------------------------------------------------------------- */

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

/* ---- Buffers (buffer.c) ------------------------------------------------------------------------------------------ */

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

/* ---- Clones, and forward passes with other parameters (clone.c, param.c) ----------------------------------------- */

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
/* What a layer of one's own asks for in its forward pass on tape t: the value of b, and whether m is in training mode, or those
 * of what stands for them on the tape. */
TAP_API tap_tensor tap_buffer_value_on(const tap_tape *t, const tap_buffer *b);
TAP_API bool       tap_module_training_on(const tap_tape *t, const tap_module *m);

/* ---- Printing, saving and loading modules (module_print.c, module_file.c) ---------------------------------------- */

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

/* ---- Layers (layers/, functional/activation.c) ------------------------------------------------------------------- */
/* Each layer is a struct, a function that creates its parameters and buffers below a new module of m, with PyTorch's names,
 * layouts and initial values, and a forward function. The parameters belong to the root. A parameter that options leave out is
 * NULL. Options of {0} give PyTorch's defaults, in brackets. Normalization, embedding and other layers follow the functions that
 * they are made of. Pooling, upsampling and activations have no parameters, and are functions only. */

typedef struct {
    tap_param *weight, *bias; /* [out,in], [out] */
} tap_linear;

typedef struct {
    bool no_bias; /* PyTorch's bias = False */
} tap_linear_options;

TAP_API void    tap_linear_init(tap_linear *l, tap_module *m, const char *name, int64_t in, int64_t out);
TAP_API void    tap_linear_init_with(tap_linear *l, tap_module *m, const char *name, int64_t in, int64_t out,
                                     tap_linear_options o);
TAP_API tap_var tap_linear_forward(const tap_linear *l, tap_var x); /* x W^T + b: [..,in] -> [..,out] */

typedef tap_var (*tap_activation)(tap_var x);

/* relu, tanh, sigmoid, softplus, elu, silu, gelu, leaky_relu, selu, mish or identity, with PyTorch's defaults; NULL: unknown
 * name */
TAP_API tap_activation tap_activation_find(const char *name);
TAP_API const char    *tap_activation_names(void); /* "relu, tanh, ...", for help texts */
TAP_API tap_var        tap_identity(tap_var x);

/* A multilayer perceptron: linear layers "name.0", "name.1", ..., each followed by the activation. sizes: in, hidden, ...,
 * out. */
typedef struct {
    int            n;
    tap_linear    *layers; /* owned by the root */
    tap_activation activation;
    bool           linear_output;
} tap_mlp;

typedef struct {
    bool linear_output; /* no activation follows the last layer: for logits, and for numbers of any sign */
} tap_mlp_options;

TAP_API void    tap_mlp_init(tap_mlp *l, tap_module *m, const char *name, int n_sizes, const int64_t *sizes,
                             tap_activation activation);
TAP_API void    tap_mlp_init_with(tap_mlp *l, tap_module *m, const char *name, int n_sizes, const int64_t *sizes,
                                  tap_activation activation, tap_mlp_options o);
TAP_API tap_var tap_mlp_forward(const tap_mlp *l, tap_var x); /* [..,sizes[0]] -> [..,sizes[n_sizes-1]] */

/* ---- Functions of torch.nn.functional (functional/) -------------------------------------------------------------- */
/* Composed of the operators of autograd.h, and differentiable as often as these. An optional tensor that is absent is { 0 }. */

/* max(x, 0) + weight min(x, 0); weight [], [1] or [channels], axis 1 of x */
TAP_API tap_var tap_prelu(tap_var x, tap_var weight);
/* x clipped smoothly to lo..hi: hi - softplus(hi - lo - softplus(x - lo)), which differs from x by about e^-d at a distance d
 * from both bounds. For log-scales, so that their exponential is finite. */
TAP_API tap_var tap_smooth_clip(tap_var x, double lo, double hi);
TAP_API tap_var tap_glu(tap_var x, int axis);     /* a sigmoid(b), a and b being the halves of x along the axis */
TAP_API tap_var tap_softmin(tap_var x, int axis); /* softmax(-x) */
/* If training, each element is 0 with probability p, else divided by 1 - p; by noise of the tape. If not, x. */
TAP_API tap_var tap_dropout(tap_var x, double p, bool training);

/* y[..,o] = bias[o] + sum_ij x1[..,i] weight[o,i,j] x2[..,j]: x1 [..,in1], x2 [..,in2] with the same leading axes, weight
 * [out,in1,in2]; bias [out], optional */
TAP_API tap_var tap_bilinear(tap_var x1, tap_var x2, tap_var weight, tap_var bias);
/* Rows of a table: index int64 [..] of 0..rows-1, weight [rows,width] -> [..,width]. The row padding_idx gets no gradient. */
TAP_API tap_var tap_embedding(tap_var index, tap_var weight, int64_t padding_idx);
#define TAP_NO_INDEX INT64_MIN /* no padding_idx, no ignore_index */
/* Rows of a sparse matrix as a dense matrix of the tape's dtype, a constant: index int64 [n] -> [n,columns]. x is read during
 * the call. */
TAP_API tap_var tap_csr_select(tap_csr x, tap_var index);
/* int64 [..] -> [..,num_classes], 1 at the index, else 0. num_classes = TAP_NONE stands for the largest index + 1. */
TAP_API tap_var tap_one_hot(tap_var index, int64_t num_classes);

/* x / max(|x|_p, eps), the norm along the axis; 0 / 0 is 0. A vector with infinite elements is normalized to its limit:
 * infinite elements count as their sign, finite ones as 0. Cosine similarity and the normalizations below do the same. */
TAP_API tap_var tap_normalize(tap_var x, double p, int axis, double eps);
/* <x1, x2> / (max(|x1|, eps) max(|x2|, eps)) along the axis; x1 and x2 broadcast */
TAP_API tap_var tap_cosine_similarity(tap_var x1, tap_var x2, int axis, double eps);

/* Normalization: (x - mean) / sqrt(var + eps) * weight + bias, 0 / 0 being 0; weight and bias are optional. Mean and variance
 * (divided by n) are taken over different axes. */
/* Over the last axes, whose sizes are normalized_shape, which is also the shape of weight and bias: Ba et al. 2016 */
TAP_API tap_var tap_layer_norm(tap_var x, tap_shape normalized_shape, tap_var weight, tap_var bias, double eps);
/* Over each group of channels of each example: x [batch,channels,..], weight and bias [channels]: Wu & He 2018 */
TAP_API tap_var tap_group_norm(tap_var x, int64_t groups, tap_var weight, tap_var bias, double eps);
/* Over all axes but the channels: x [batch,channels,..], weight and bias [channels]: Ioffe & Szegedy 2015. If training, the
 * running statistics [channels], which the caller owns and which may be NULL, become (1 - momentum) old + momentum new, the
 * variance divided by n - 1. If not, the running statistics are used for mean and variance. An empty batch [0] is returned as
 * it is. */
TAP_API tap_var tap_batch_norm(tap_var x, const tap_tensor *running_mean, const tap_tensor *running_var, tap_var weight,
                               tap_var bias, bool training, double momentum, double eps);
/* Over the axes behind the channels of each example, with weight and bias [channels]: Ulyanov et al. 2016. x [batch,channels,..].
 * With use_input_stats, the running statistics, which may be NULL, are updated as in batch normalization, by the means over the
 * batch. Without, they are used for mean and variance. */
TAP_API tap_var tap_instance_norm(tap_var x, const tap_tensor *running_mean, const tap_tensor *running_var, tap_var weight,
                                  tap_var bias, bool use_input_stats, double momentum, double eps);
/* x / sqrt(mean x^2 + eps) * weight, over the last axes: Zhang & Sennrich 2019 */
TAP_API tap_var tap_rms_norm(tap_var x, tap_shape normalized_shape, tap_var weight, double eps);

/* softmax(scale q k^T + mask) v: q [..,n,width], k [..,m,width], v [..,m,out] -> [..,n,out]; leading axes broadcast: Vaswani et
 * al. 2017. mask is optional: bool (true: query and key attend) or float (added), and broadcasts to [..,n,m]. is_causal: query
 * i attends to keys 0..i. scale 0 stands for 1/sqrt(width). A query that attends to no key gives 0. A masked key has weight 0,
 * whatever its product with the query, but it takes part in matrix products: NaN and infinity in its row of v, and for
 * gradients of k, reach all queries. Dropout is applied to the weights. */
TAP_API tap_var tap_scaled_dot_product_attention(tap_var query, tap_var key, tap_var value, tap_var mask, double dropout_p,
                                                 bool is_causal, double scale);

/* ---- Losses (functional/losses.c) -------------------------------------------------------------------------------- */

/* A term that is ignored, has weight 0, or is multiplied by a target of 0, adds 0 to the loss and its gradient, even if it is
 * infinite or NaN. If all terms are ignored, the mean is 0 / 0 = NaN, with gradient 0. */

/* The result: the mean of the terms, their sum, the terms themselves, or their sum divided by the size of axis 0. */
typedef enum { TAP_REDUCE_MEAN, TAP_REDUCE_SUM, TAP_REDUCE_NONE, TAP_REDUCE_BATCHMEAN } tap_reduction;

/* In the next four losses the difference of equal infinities is 0. */
TAP_API tap_var tap_mse_loss(tap_var input, tap_var target, tap_reduction how); /* (input - target)^2 */
TAP_API tap_var tap_l1_loss(tap_var input, tap_var target, tap_reduction how);  /* |input - target| */
/* d^2 / (2 beta) for d = |input - target| < beta, else d - beta / 2 */
TAP_API tap_var tap_smooth_l1_loss(tap_var input, tap_var target, tap_reduction how, double beta);
/* d^2 / 2 for d < delta, else delta (d - delta / 2) */
TAP_API tap_var tap_huber_loss(tap_var input, tap_var target, tap_reduction how, double delta);
/* target (log target - input). input holds log-probabilities, and so does target if log_target. The gradient for a target of 0,
 * where the derivative is -infinity, is 0. */
TAP_API tap_var tap_kl_div(tap_var input, tap_var target, tap_reduction how, bool log_target);
/* -target log input - (1 - target) log(1 - input), times weight, which broadcasts; input and target in 0..1. Logarithms are
 * clamped to at least -100, as in PyTorch, with gradient 0 where they are. */
TAP_API tap_var tap_binary_cross_entropy(tap_var input, tap_var target, tap_var weight, tap_reduction how);
/* Binary cross-entropy of sigmoid(input), computed from the logits without a clamp; pos_weight multiplies the first term. */
TAP_API tap_var tap_binary_cross_entropy_with_logits(tap_var input, tap_var target, tap_var weight, tap_reduction how,
                                                     tap_var pos_weight);
/* -weight[target] input[target]: input [batch,classes,..] (or [classes]), target int64 [batch,..] (or []), weight [classes].
 * Targets equal to ignore_index are ignored. The mean is weighted. */
TAP_API tap_var tap_nll_loss(tap_var input, tap_var target, tap_var weight, int64_t ignore_index, tap_reduction how);
/* nll_loss of log_softmax(input); or, for a float target of input's shape, -sum_c weight[c] target[c] log_softmax(input)[c].
 * With label_smoothing e, the target is 1 - e times itself plus e times the uniform distribution. A difference of logits that
 * overflows counts as infinite. */
TAP_API tap_var tap_cross_entropy(tap_var input, tap_var target, tap_var weight, int64_t ignore_index, tap_reduction how,
                                  double label_smoothing);

/* ---- Convolution, pooling and images (functional/conv.c, pool.c, pad.c, blur.c, interpolate.c; layers/conv.c) ---- */
/* Functions of torch.nn.functional over spatial axes. x is [N,C,H,W] or, for one image, [C,H,W]; in 1-D [N,C,L] or [C,L], and
 * options use the first of their two numbers. {0} gives the defaults in brackets. */

typedef enum { TAP_PAD_CONSTANT, TAP_PAD_REFLECT, TAP_PAD_REPLICATE, TAP_PAD_CIRCULAR } tap_pad_mode;

typedef struct {
    int64_t      stride[2], padding[2], dilation[2]; /* [1, 0, 1] */
    int64_t      output_padding[2];                  /* transposed only: elements added at the end of the output */
    int64_t      groups;                             /* [1] */
    bool         same;                               /* PyTorch's padding = "same", for stride 1: the output has x's size */
    tap_pad_mode padding_mode;                       /* what is in the padding, as in tap_pad; transposed: zeros only [zeros] */
    bool         no_bias;                            /* of layers: PyTorch's bias = False */
} tap_conv_options;

/* y[n,o] = bias[o] + sum_c weight[o,c] * x[n,c], a cross-correlation: weight [out,in/groups,kh,kw]; bias [out],
 * optional. A size becomes (size + 2 padding - dilation (k - 1) - 1) / stride + 1, rounded down. */
TAP_API tap_var tap_conv1d(tap_var x, tap_var weight, tap_var bias, tap_conv_options o);
TAP_API tap_var tap_conv2d(tap_var x, tap_var weight, tap_var bias, tap_conv_options o);
/* Transposed convolutions, the adjoints of convolutions by x, plus bias: weight [in,out/groups,kh,kw].
 * A size becomes (size - 1) stride - 2 padding + dilation (k - 1) + 1 + output_padding. */
TAP_API tap_var tap_conv_transpose1d(tap_var x, tap_var weight, tap_var bias, tap_conv_options o);
TAP_API tap_var tap_conv_transpose2d(tap_var x, tap_var weight, tap_var bias, tap_conv_options o);

/* A layer of convolution, 1-D or 2-D: weight [out,in/groups,kernel..] or, transposed, [in,out/groups,kernel..]; bias [out]. */
typedef struct {
    tap_param       *weight, *bias;
    tap_conv_options options;
    int              axes; /* 1 or 2 */
    bool             transposed;
} tap_conv;

TAP_API void tap_conv1d_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel,
                             tap_conv_options o);
TAP_API void tap_conv2d_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel_height,
                             int64_t kernel_width, tap_conv_options o);
TAP_API void tap_conv_transpose1d_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel,
                                       tap_conv_options o);
TAP_API void tap_conv_transpose2d_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out,
                                       int64_t kernel_height, int64_t kernel_width, tap_conv_options o);
/* 2-D, with a square kernel */
TAP_API void tap_conv_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel,
                           tap_conv_options o);
TAP_API void tap_conv_transpose_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel,
                                     tap_conv_options o);
/* The convolution of x [N,in,L] or [in,L], or [N,in,H,W] or [in,H,W] */
TAP_API tap_var tap_conv_forward(const tap_conv *l, tap_var x);
/* A transposed convolution whose result has the given size, a number for each axis, in place of the options' output_padding:
 * PyTorch's output_size. Up to stride - 1 more than without output_padding are possible. */
TAP_API tap_var tap_conv_forward_to(const tap_conv *l, tap_var x, const int64_t *size);

typedef struct {
    int64_t kernel[2];             /* must be given */
    int64_t stride[2], padding[2]; /* [the kernel's, 0] */
    int64_t dilation[2];           /* maxima only [1] */
    int64_t divisor;               /* means only [the number of elements of the window] */
    bool    ceil_mode;             /* round sizes up, so that windows may extend beyond the padding */
    bool    exclude_pad;           /* means only: leave out the zeros of the padding (PyTorch: !count_include_pad) */
} tap_pool_options;

/* The maximum of each window, NaN if it holds one. *index (may be NULL): the first index of the maximum in the H W plane,
 * int64. */
TAP_API tap_var tap_max_pool2d(tap_var x, tap_pool_options o, tap_var *index);
TAP_API tap_var tap_avg_pool2d(tap_var x, tap_pool_options o);
/* The same of x [N,C,L] or [C,L], and of its L elements */
TAP_API tap_var tap_max_pool1d(tap_var x, tap_pool_options o, tap_var *index);
TAP_API tap_var tap_avg_pool1d(tap_var x, tap_pool_options o);
/* The result has this height and width, by means over rows floor(i H / height) to ceil((i + 1) H / height) - 1, and likewise
 * over columns. 0 keeps the size of x. */
TAP_API tap_var tap_adaptive_avg_pool2d(tap_var x, int64_t height, int64_t width);
TAP_API tap_var tap_adaptive_avg_pool1d(tap_var x, int64_t length);
/* The maxima of the same windows; *index as of tap_max_pool2d */
TAP_API tap_var tap_adaptive_max_pool2d(tap_var x, int64_t height, int64_t width, tap_var *index);
TAP_API tap_var tap_adaptive_max_pool1d(tap_var x, int64_t length, tap_var *index);

/* padding: n numbers: the elements to add before and after the last axis, then before and after the second to last axis, and so
 * on; negative numbers crop. x of any dtype. value is for TAP_PAD_CONSTANT; the other modes need one or two axes before the
 * padded ones. */
TAP_API tap_var tap_pad(tap_var x, int n, const int64_t *padding, tap_pad_mode mode, double value);

/* torchvision's gaussian_blur of [..,H,W]: along both axes, means of kernel_size (odd) pixels with weights proportional to
 * e^(-d^2 / (2 sigma^2)), d being the distance in pixels. Borders are reflected. */
TAP_API tap_var tap_gaussian_blur(tap_var x, int64_t kernel_size, double sigma);

typedef struct {
    int64_t size[3];  /* of the spatial axes; or 0, and */
    double  scale[3]; /* the size is floor(scale * x's size) */
    enum {
        TAP_INTERPOLATE_NEAREST,
        TAP_INTERPOLATE_NEAREST_EXACT,
        TAP_INTERPOLATE_LINEAR,
        TAP_INTERPOLATE_BICUBIC,
        TAP_INTERPOLATE_AREA
    } mode;
    bool align_corners;   /* linear and bicubic: align the centres of the outermost elements, not the edges of the image */
    bool recompute_scale; /* compute positions from the sizes, not from scale */
} tap_interpolate_options;

/* x [N,C,..] at another resolution, with one to three spatial axes; linear stands for bilinear and trilinear, too, and bicubic
 * needs two. */
TAP_API tap_var tap_interpolate(tap_var x, tap_interpolate_options o);

TAP_API tap_var tap_pixel_shuffle(tap_var x, int64_t r);   /* [..,C r r,H,W] -> [..,C,H r,W r] */
TAP_API tap_var tap_pixel_unshuffle(tap_var x, int64_t r); /* [..,C,H r,W r] -> [..,C r r,H,W] */

/* ---- Layers of normalization, tables, noise (layers/normalization.c, embedding.c, activation.c, linear.c) ----------- */
/* Options as of the layers above. For numbers, TAP_ZERO asks for 0; another negative one is an error. Training and evaluation
 * mode are those of the layer's own module (tap_module_train, tap_module_eval), which its state comes from, too. */

/* Batch normalization of x [batch,features,..]: PyTorch's BatchNorm1d, 2d and 3d. In training mode by the statistics of the
 * batch, which the running ones follow, in evaluation mode by the running ones. */
typedef struct {
    tap_module *module;
    tap_param  *weight, *bias;              /* [features] */
    tap_buffer *running_mean, *running_var; /* [features]; NULL: the batch's statistics are used in both modes */
    tap_buffer *num_batches_tracked;        /* int64 [] */
    double      momentum, eps;
    bool        cumulative;
} tap_batch_norm_layer;

typedef struct {
    double eps;              /* [1e-5] */
    double momentum;         /* share of a batch in the running statistics [0.1] */
    bool   cumulative;       /* PyTorch's momentum = None: they are the means over all batches */
    bool   no_affine;        /* PyTorch's affine = False: neither weight nor bias */
    bool   no_running_stats; /* PyTorch's track_running_stats = False */
} tap_batch_norm_options;

TAP_API void    tap_batch_norm_init(tap_batch_norm_layer *l, tap_module *m, const char *name, int64_t features,
                                    tap_batch_norm_options o);
TAP_API tap_var tap_batch_norm_forward(const tap_batch_norm_layer *l, tap_var x);

/* Instance normalization of x [batch,features,..]: PyTorch's InstanceNorm1d, 2d and 3d. num_batches_tracked is not counted, as
 * in PyTorch. */
typedef tap_batch_norm_layer tap_instance_norm_layer;

typedef struct {
    double eps;                 /* [1e-5] */
    double momentum;            /* [0.1] */
    bool   affine;              /* with weight and bias */
    bool   track_running_stats; /* and use them in evaluation mode */
} tap_instance_norm_options;

TAP_API void    tap_instance_norm_init(tap_instance_norm_layer *l, tap_module *m, const char *name, int64_t features,
                                       tap_instance_norm_options o);
TAP_API tap_var tap_instance_norm_forward(const tap_instance_norm_layer *l, tap_var x);

/* Layer normalization over the last axes, of these sizes, with weight and bias of that shape. */
typedef struct {
    tap_module *module;
    tap_param  *weight, *bias;
    tap_shape   normalized_shape;
    double      eps;
} tap_layer_norm_layer;

typedef struct {
    double eps;       /* [1e-5] */
    bool   no_affine; /* PyTorch's elementwise_affine = False: neither weight nor bias */
    bool   no_bias;   /* a weight, but no bias */
} tap_layer_norm_options;

TAP_API void    tap_layer_norm_init(tap_layer_norm_layer *l, tap_module *m, const char *name, tap_shape normalized_shape,
                                    tap_layer_norm_options o);
TAP_API tap_var tap_layer_norm_forward(const tap_layer_norm_layer *l, tap_var x);

/* RMS normalization over the last axes, of these sizes, with a weight of that shape. */
typedef struct {
    tap_module *module;
    tap_param  *weight;
    tap_shape   normalized_shape;
    double      eps; /* TAP_NONE: the machine epsilon of x's dtype */
} tap_rms_norm_layer;

typedef struct {
    double eps;       /* [the machine epsilon of x's dtype] */
    bool   no_affine; /* no weight */
} tap_rms_norm_options;

TAP_API void    tap_rms_norm_init(tap_rms_norm_layer *l, tap_module *m, const char *name, tap_shape normalized_shape,
                                  tap_rms_norm_options o);
TAP_API tap_var tap_rms_norm_forward(const tap_rms_norm_layer *l, tap_var x);

/* Group normalization of x [batch,channels,..]; weight and bias [channels]. */
typedef struct {
    tap_module *module;
    tap_param  *weight, *bias;
    int64_t     groups;
    double      eps;
} tap_group_norm_layer;

typedef struct {
    double eps;       /* [1e-5] */
    bool   no_affine; /* neither weight nor bias */
} tap_group_norm_options;

TAP_API void    tap_group_norm_init(tap_group_norm_layer *l, tap_module *m, const char *name, int64_t groups, int64_t channels,
                                    tap_group_norm_options o);
TAP_API tap_var tap_group_norm_forward(const tap_group_norm_layer *l, tap_var x);

/* A table of vectors: weight [num_embeddings,embedding_dim], from N(0,1). */
typedef struct {
    tap_param *weight;
    int64_t    padding_idx;         /* TAP_NO_INDEX: none */
    double     max_norm, norm_type; /* max_norm: INFINITY for none */
    bool       scale_grad_by_freq;
} tap_embedding_layer;

typedef struct {
    bool    has_padding_idx;    /* the row padding_idx begins as 0, and gets no gradient */
    int64_t padding_idx;        /* from the end if it is negative */
    bool    scale_grad_by_freq; /* the gradient of a row is divided by how often its index occurs in the call */
    /* Before a call reads rows whose norm of order norm_type is above max_norm, it divides them by norm + 1e-7 and multiplies them
     * by max_norm, in the weight itself and in both modes; no gradient flows through that. Not for several threads at once. */
    double max_norm;  /* [none] */
    double norm_type; /* above 0, or INFINITY [2] */
} tap_embedding_options;

TAP_API void    tap_embedding_init(tap_embedding_layer *l, tap_module *m, const char *name, int64_t num_embeddings,
                                   int64_t embedding_dim, tap_embedding_options o);
TAP_API tap_var tap_embedding_forward(const tap_embedding_layer *l, tap_var index); /* int64 [..] -> [..,embedding_dim] */

/* max(x, 0) + weight min(x, 0): weight [num_parameters], one slope for all, or one for each of the channels, axis 1 of x */
typedef struct {
    tap_param *weight;
} tap_prelu_layer;

typedef struct {
    int64_t num_parameters; /* [1] */
    double  init;           /* [0.25] */
} tap_prelu_options;

TAP_API void    tap_prelu_init(tap_prelu_layer *l, tap_module *m, const char *name, tap_prelu_options o);
TAP_API tap_var tap_prelu_forward(const tap_prelu_layer *l, tap_var x);

/* tap_dropout in training mode, with p within 0..1; x itself in evaluation mode. */
typedef struct {
    const tap_module *module;
    double            p;
} tap_dropout_layer;

TAP_API void    tap_dropout_init(tap_dropout_layer *l, tap_module *m, const char *name, double p);
TAP_API tap_var tap_dropout_forward(const tap_dropout_layer *l, tap_var x);

/* tap_bilinear with weight [out,in1,in2] and bias [out]. */
typedef struct {
    tap_param *weight, *bias;
} tap_bilinear_layer;

TAP_API void    tap_bilinear_init(tap_bilinear_layer *l, tap_module *m, const char *name, int64_t in1, int64_t in2, int64_t out,
                                  tap_linear_options o);
TAP_API tap_var tap_bilinear_forward(const tap_bilinear_layer *l, tap_var x1, tap_var x2);

/* ---- Recurrent layers and cells (layers/rnn.c, layers/rnn_cell.c) ------------------------------------------------ */
/* With gates and products by element, W = weight_ih, U = weight_hh, sigma(x) = 1 / (1 + e^-x):
 *     RNN:   h' = tanh(W x + b_ih + U h + b_hh), or relu of it                                          Elman 1990
 *     LSTM:  i, f, o = sigma(W x + b_ih + U h + b_hh), g = tanh(the same), by rows i, f, g, o,
 *            c' = f c + i g,  h' = o tanh(c'), with proj_size h' = weight_hr (o tanh(c'))  Hochreiter & Schmidhuber 1997
 *     GRU:   r, z = sigma(W x + b_ih + U h + b_hh),  n = tanh(W x + b_ih + r (U h + b_hh)), by rows r, z, n,
 *            h' = (1 - z) n + z h                                                                      Cho et al. 2014 */

typedef struct tap_rnn_kind tap_rnn_kind;

/* Of a cell, or of one direction of one layer: [gates * hidden_size,input size], [gates * hidden_size,output size], twice
 * [gates * hidden_size], and [proj_size,hidden_size]. */
typedef struct {
    tap_param *weight_ih, *weight_hh, *bias_ih, *bias_hh, *weight_hr;
} tap_rnn_weights;

/* What a recurrence hands on from step to step; c is of LSTMs only. A forward function takes the state before the first step,
 * zeros where a var is { 0 }, and leaves the state after the last one. To go on after a reset of the tape, copy the values. */
typedef struct {
    tap_var h, c;
} tap_rnn_state;

typedef struct {
    int64_t num_layers;    /* each above the one before [1] */
    bool    bidirectional; /* a second recurrence from the end of each sequence; the next layer gets both outputs */
    bool    batch_first;   /* x and the output are [batch,time,..]; states are not */
    bool    no_bias;
    double  dropout;   /* of the outputs of all layers but the last, in training mode [0] */
    int64_t proj_size; /* LSTM only: size of h, by a product after each step [0: hidden_size, without a product] */
    bool    relu;      /* RNN only: PyTorch's nonlinearity = "relu" [tanh] */
} tap_rnn_options;

/* RNN, LSTM or GRU, made by one of the three functions below. */
typedef struct {
    tap_module         *module;
    const tap_rnn_kind *kind;
    int64_t             input_size, hidden_size;
    tap_rnn_options     options;
    tap_rnn_weights    *weights; /* of weight_.._l0, weight_.._l0_reverse, weight_.._l1, ...; owned by the root */
} tap_rnn;

TAP_API void tap_rnn_init(tap_rnn *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                          tap_rnn_options o);
TAP_API void tap_lstm_init(tap_rnn *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                           tap_rnn_options o);
TAP_API void tap_gru_init(tap_rnn *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                          tap_rnn_options o);
/* x [time,batch,input_size], or one sequence [time,input_size], gives the h of the last layer after each step, [time,batch,out]
 * or [time,out]; with both directions, their h side by side. The state, which may be NULL, is h [layers * directions,batch,out]
 * and c [layers * directions,batch,hidden_size], without batch for one sequence.
 *
 * lengths, int64 [batch], optional, are the numbers of steps of the sequences, 0..time, in any order, as if x had been packed by
 * pack_padded_sequence with enforce_sorted = False: what follows them in x is not used, whatever it is, the output is 0 there,
 * and the state is that after the last step of each sequence. */
TAP_API tap_var tap_rnn_forward(const tap_rnn *l, tap_var x, tap_rnn_state *state, tap_var lengths);

/* One step: PyTorch's RNNCell, LSTMCell and GRUCell. */
typedef struct {
    tap_module         *module;
    const tap_rnn_kind *kind;
    int64_t             hidden_size;
    tap_rnn_weights     weights;
} tap_rnn_cell;

typedef struct {
    bool no_bias;
    bool relu; /* RNN only [tanh] */
} tap_rnn_cell_options;

TAP_API void tap_rnn_cell_init(tap_rnn_cell *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                               tap_rnn_cell_options o);
TAP_API void tap_lstm_cell_init(tap_rnn_cell *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                                tap_rnn_cell_options o);
TAP_API void tap_gru_cell_init(tap_rnn_cell *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                               tap_rnn_cell_options o);
/* h' [batch,hidden_size] of x [batch,input_size], or [hidden_size] of [input_size], which is also state->h. The state, which may
 * be NULL, has the shape of the result. */
TAP_API tap_var tap_rnn_cell_forward(const tap_rnn_cell *l, tap_var x, tap_rnn_state *state);

/* ---- Attention and transformers (layers/attention.c, layers/transformer.c) --------------------------------------- */

typedef struct {
    int64_t kdim, vdim;    /* sizes of key and value [embed_dim] */
    double  dropout;       /* of the weights, in training mode [0] */
    bool    batch_first;   /* inputs and output are [batch,length,..] */
    bool    no_bias;       /* neither in_proj_bias nor that of out_proj */
    bool    add_bias_kv;   /* one more key and value, bias_k and bias_v, behind the others */
    bool    add_zero_attn; /* one more key and value, zeros, behind those */
} tap_multihead_attention_options;

/* Attention of num_heads heads of width embed_dim / num_heads: Vaswani et al. 2017. q, k and v are products of query, key and
 * value with in_proj_weight, rows of q, k, v above each other, plus in_proj_bias; each head computes softmax(q k^T / sqrt(width))
 * v of its columns, and out_proj all of them. */
typedef struct {
    tap_module *module;
    tap_param  *in_proj_weight; /* [3 embed_dim,embed_dim]; with another kdim or vdim NULL, and: */
    tap_param  *q_proj_weight, *k_proj_weight, *v_proj_weight; /* [embed_dim,embed_dim], [embed_dim,kdim], [embed_dim,vdim] */
    tap_param  *in_proj_bias;                                  /* [3 embed_dim] */
    tap_param  *bias_k, *bias_v;                               /* [1,1,embed_dim] */
    tap_linear  out_proj;
    int64_t     embed_dim, num_heads;
    tap_multihead_attention_options options;
} tap_multihead_attention;

/* Keys and values of earlier calls, so that the next token of a text is computed from itself and these: each call with the cache
 * appends its own keys and values, and attends to all. The tape must not record, since no gradient passes through the cache. To
 * begin another text, set length to 0. For a stack l of n layers:
 *
 *     for (int i = 0; i < n; i++) tap_attention_cache_init(&cache[i], arena, &l.layers[i].self_attn, batch, longest);
 *     for (...) { ... y = tap_transformer_encoder_forward(&l, token, (tap_attention_call){ .is_causal = true, .cache = cache }); }
 */
typedef struct {
    tap_tensor key, value; /* [batch,heads,capacity,width] */
    int64_t    length;     /* keys and values that it holds */
} tap_attention_cache;

/* An empty cache for a layer, in memory of the arena. */
TAP_API void tap_attention_cache_init(tap_attention_cache *c, tap_arena *a, const tap_multihead_attention *l, int64_t batch,
                                      int64_t capacity);

/* How attention is called; {0}: to all keys. Masks are bool, true where attention is forbidden, the opposite of
 * tap_scaled_dot_product_attention, or float, added to the scores; both may be given. A query that may attend to no key gets 0
 * from all of them. keys: those in the cache, and the new ones. */
typedef struct {
    tap_var attn_mask;        /* [queries,keys] or [batch * heads,queries,keys] */
    tap_var key_padding_mask; /* [batch,keys]; [keys] for one sequence */
    bool    is_causal;        /* a query attends to no key behind its own position; with attn_mask only a hint, as in PyTorch */
    bool    no_average;       /* weights: of each head; PyTorch's average_attn_weights = False */
    /* If not NULL, *weights becomes the weights of the keys, the mean of the heads [batch,queries,keys], or [batch,heads,
     * queries,keys]; without batch for one sequence. In a stack, an array: one var for each layer. */
    tap_var             *weights;
    tap_attention_cache *cache; /* NULL: none. In a stack, an array: one cache for each layer */
} tap_attention_call;

TAP_API void tap_multihead_attention_init(tap_multihead_attention *l, tap_module *m, const char *name, int64_t embed_dim,
                                          int64_t num_heads, tap_multihead_attention_options o);
/* query [queries,batch,embed_dim], key [keys,batch,kdim], value [keys,batch,vdim] -> [queries,batch,embed_dim], or all of them
 * without batch for one sequence. One product serves inputs that are the same var. With a cache that holds keys, key and value
 * may be { 0 }. */
TAP_API tap_var tap_multihead_attention_forward(const tap_multihead_attention *l, tap_var query, tap_var key, tap_var value,
                                                tap_attention_call c);

/* Of encoder and decoder layers. TAP_ZERO asks for 0. */
typedef struct {
    int64_t        dim_feedforward; /* [2048] */
    double         dropout;         /* of attention weights, hidden units, and what residual blocks add [0.1] */
    tap_activation activation;      /* [tap_relu] */
    double         layer_norm_eps;  /* [1e-5] */
    bool           batch_first;
    bool           norm_first; /* x + f(norm(x)) in place of norm(x + f(x)) */
    bool           no_bias;    /* in no layer */
} tap_transformer_options;

/* norm(x + f(x)) for f = self-attention, then linear2(activation(linear1)). */
typedef struct {
    tap_module             *module;
    tap_multihead_attention self_attn;
    tap_linear              linear1, linear2; /* [dim_feedforward,d_model] and back */
    tap_layer_norm_layer    norm1, norm2;
    tap_transformer_options options;
} tap_transformer_encoder_layer;

/* The same, but between them attention to the memory, the output of an encoder. */
typedef struct {
    tap_module             *module;
    tap_multihead_attention self_attn, multihead_attn;
    tap_linear              linear1, linear2;
    tap_layer_norm_layer    norm1, norm2, norm3;
    tap_transformer_options options;
} tap_transformer_decoder_layer;

TAP_API void tap_transformer_encoder_layer_init(tap_transformer_encoder_layer *l, tap_module *m, const char *name,
                                                int64_t d_model, int64_t nhead, tap_transformer_options o);
TAP_API void tap_transformer_decoder_layer_init(tap_transformer_decoder_layer *l, tap_module *m, const char *name,
                                                int64_t d_model, int64_t nhead, tap_transformer_options o);
/* src [length,batch,d_model], or [length,d_model], to the same shape. PyTorch's src_mask and src_key_padding_mask are those of
 * the self-attention. With is_causal, this is the layer of a decoder-only transformer. */
TAP_API tap_var tap_transformer_encoder_layer_forward(const tap_transformer_encoder_layer *l, tap_var src,
                                                      tap_attention_call self);
/* tgt [length,batch,d_model] and memory [keys,batch,d_model], or both without batch. PyTorch's tgt_.. masks are those of self,
 * its memory_.. masks those of cross. A cache of cross that holds keys stands for the memory, which is then not read. */
TAP_API tap_var tap_transformer_decoder_layer_forward(const tap_transformer_decoder_layer *l, tap_var tgt, tap_var memory,
                                                      tap_attention_call self, tap_attention_call cross);

typedef struct {
    tap_transformer_options layer;
    bool                    final_norm; /* a layer normalization behind the last layer, "norm" */
    tap_layer_norm_options  norm;
} tap_transformer_stack_options;

/* num_layers layers "layers.0", "layers.1", ... */
typedef struct {
    tap_module                    *module;
    int                            num_layers;
    tap_transformer_encoder_layer *layers; /* owned by the root */
    bool                           has_norm;
    tap_layer_norm_layer           norm;
} tap_transformer_encoder;

typedef struct {
    tap_module                    *module;
    int                            num_layers;
    tap_transformer_decoder_layer *layers; /* owned by the root */
    bool                           has_norm;
    tap_layer_norm_layer           norm;
} tap_transformer_decoder;

TAP_API void tap_transformer_encoder_init(tap_transformer_encoder *l, tap_module *m, const char *name, int64_t d_model,
                                          int64_t nhead, int64_t num_layers, tap_transformer_stack_options o);
TAP_API void tap_transformer_decoder_init(tap_transformer_decoder *l, tap_module *m, const char *name, int64_t d_model,
                                          int64_t nhead, int64_t num_layers, tap_transformer_stack_options o);
/* As of one layer; the masks are those of each layer. */
TAP_API tap_var tap_transformer_encoder_forward(const tap_transformer_encoder *l, tap_var src, tap_attention_call self);
TAP_API tap_var tap_transformer_decoder_forward(const tap_transformer_decoder *l, tap_var tgt, tap_var memory,
                                                tap_attention_call self, tap_attention_call cross);

/* ---- Parametrizations (layers/parametrizations.c) ---------------------------------------------------------------- */
/* PyTorch's nn.utils.parametrizations. The weight of a layer leaves the tree. Others take its place, under PyTorch's names, and
 * are trained and saved; from them the layer's weight is computed whenever tap_param_var asks for it, and the layer remains as it
 * is:
 *
 *     tap_linear_init(&l, m, "l", 8, 16);
 *     tap_weight_norm(l.weight, (tap_weight_norm_options){ 0 });
 *
 * tap_param_value and tap_param_grad of the weight itself are NaN [] from then on. It must come before the optimizer. */

typedef struct {
    int  dim; /* the axis that has an element of g for each index [0] */
    bool all; /* PyTorch's dim = None: g is [], and the norm that of the whole v */
} tap_weight_norm_options;

/* weight = g v / |v|, with the norm over all axes but dim: Salimans & Kingma 2016. g is NAME.parametrizations.weight.original0, v
 * NAME.parametrizations.weight.original1. */
TAP_API void tap_weight_norm(tap_param *weight, tap_weight_norm_options o);

typedef struct {
    int    n_power_iterations; /* [1] */
    double eps;                /* least length in the normalization of u and v [1e-12] */
    int    dim;                /* the axis of the rows, negative from the end; 1 for a transposed convolution, as PyTorch [0] */
} tap_spectral_norm_options;

/* weight = w / sigma, where sigma = u^T W v approximates the largest singular value of the matrix W of w: Miyato et al. 2018. w is
 * NAME.parametrizations.weight.original. Each use in training mode refines the buffers NAME.parametrizations.weight.0._u and ._v
 * by power iterations first, which no gradient flows through. */
TAP_API void tap_spectral_norm(tap_param *weight, tap_spectral_norm_options o);

/* ---- Distributions (dist/) --------------------------------------------------------------------------------------- */

typedef struct tap_dist_type tap_dist_type;

/* A batch of distributions; parameters of different shapes broadcast. If events are elements, log_prob, entropy and KL are
 * elementwise, and the caller sums them over the axes of one observation. If events are vectors, along the last axis, the
 * results lack that axis. */
typedef struct {
    const tap_dist_type *type;
    tap_var              param[3];
} tap_dist;

/* Events are elements. */
TAP_API tap_dist tap_normal(tap_var loc, tap_var log_scale);     /* N(loc, exp(log_scale)^2) */
TAP_API tap_dist tap_log_normal(tap_var loc, tap_var log_scale); /* the distribution of e^z, z ~ N(loc, exp(log_scale)^2) */
TAP_API tap_dist tap_laplace(tap_var loc, tap_var log_scale);    /* density e^(-|x - loc| / scale) / (2 scale) */
/* A point mass at loc, the limit of a Normal as its scale goes to 0: log_prob is infinity at loc and -infinity elsewhere; the
 * entropy is -infinity. */
TAP_API tap_dist tap_delta(tap_var loc);
TAP_API tap_dist tap_bernoulli(tap_var logits); /* P(1) = sigmoid(logits); logits of all distributions may be infinite */
/* Density e^(logits x) / Z on [0,1], Z = (e^logits - 1) / logits: Loaiza-Ganem & Cunningham 2019 */
TAP_API tap_dist tap_continuous_bernoulli(tap_var logits);
/* The distribution of sigmoid((logits + logit(u)) / temperature), u uniform on (0,1): the binary concrete distribution,
 * Maddison et al. 2017. A temperature of 0 or below gives NaN. */
TAP_API tap_dist tap_relaxed_bernoulli(tap_var logits, tap_var temperature);
TAP_API tap_dist tap_categorical(tap_var logits); /* softmax(logits [..,k]) over classes 0..k-1, int64 [..] */

/* Events are elements that hold integers. x may have any dtype; samples have the dtype of the parameters. Likelihoods of counts
 * are computed in double, so that float32 results are accurate for small mu and large theta, too. */
/* Mean mu and variance mu + mu^2 / theta: a Poisson distribution whose rate is Gamma distributed with shape theta and mean
 * mu. */
TAP_API tap_dist tap_negative_binomial(tap_var log_mu, tap_var log_theta);
/* 0 with probability sigmoid(logits), otherwise negative binomial: Lopez et al. 2018 */
TAP_API tap_dist tap_zero_inflated_negative_binomial(tap_var log_mu, tap_var log_theta, tap_var logits);
/* The number of successes in total_count trials whose common probability of success is Beta(alpha, beta) distributed.
 * total_count must hold integers of at least 0, else the result is NaN; it has no gradient. */
TAP_API tap_dist tap_beta_binomial(tap_var total_count, tap_var log_alpha, tap_var log_beta);
/* Bytes: x = 0..255 stands for the point -1 + 2 x / 255, and its probability is that of the logistic variable loc +
 * exp(log_scale) logit(u), u uniform on (0,1), to be nearest to that point: Salimans et al. 2017. The mixture has k components
 * with weights softmax(logits); its parameters are [..,k]. */
TAP_API tap_dist tap_discretized_logistic(tap_var loc, tap_var log_scale);
TAP_API tap_dist tap_discretized_logistic_mixture(tap_var logits, tap_var loc, tap_var log_scale);

/* Events are vectors [..,d]. */
TAP_API tap_dist tap_isotropic_normal(tap_var loc, tap_var log_scale); /* N(loc, exp(log_scale)^2 I): [..,d], [..] */
/* N(loc, L L^T), where L is the lower triangle of scale_tril: loc [..,d], scale_tril [..,d,d] */
TAP_API tap_dist tap_multivariate_normal(tap_var loc, tap_var scale_tril);
TAP_API tap_dist tap_one_hot_categorical(tap_var logits); /* Categorical, with x as one-hot vectors [..,k] */
/* The distribution of softmax((logits + Gumbel noise) / temperature), logits [..,k], temperature [..]: the concrete
 * distribution (Maddison et al. 2017). The density is that of any k - 1 of the components. */
TAP_API tap_dist tap_relaxed_one_hot_categorical(tap_var logits, tap_var temperature);

/* N(0, 1), or N(0, I) if q's events are vectors: a prior for q. */
TAP_API tap_dist  tap_standard_normal_like(tap_dist q);
TAP_API tap_shape tap_dist_batch_shape(tap_dist d); /* the shape that the parameters broadcast to, without an event axis */
TAP_API tap_shape tap_dist_event_shape(tap_dist d); /* [] or [d] */

/* Samples are reparameterized: gradients reach d's parameters through them. Samples of Bernoulli, Categorical and
 * OneHotCategorical, of counts and of bytes are constants. */
TAP_API tap_var tap_sample(tap_dist d);
TAP_API tap_var tap_sample_n(tap_dist d, int64_t n); /* n samples along a new axis in front */
/* tap_sample and tap_sample_n, but an error for distributions whose samples are constants. */
TAP_API tap_var tap_rsample(tap_dist d);
TAP_API tap_var tap_rsample_n(tap_dist d, int64_t n);
/* A sample computed from given noise, z = g(noise). Normal distributions take noise ~ N(0,1): loc + scale noise, or loc + L
 * noise. The others take noise in (0,1) and invert the distribution function: a Bernoulli sample is noise < P(1). Classes take
 * noise [..,k]. A Delta uses the shape of the noise only. NegativeBinomial and BetaBinomial use an element's noise as the seed
 * of a random stream of its own. */
TAP_API tap_var tap_sample_from(tap_dist d, tap_var noise);
/* The natural logarithm of the density or mass, with all constants. It is -infinity, without a gradient, outside the
 * support: for x below 0, above 1, above the last class, count or byte, not an integer, or not one-hot, as the distribution
 * requires. NaN stays NaN. Two distributions accept more: Bernoulli takes x between 0 and 1, which gives x log P(1) + (1 -
 * x) log P(0); the relaxed one-hot takes vectors of numbers in 0..1 that do not sum to 1 exactly, because of rounding. x of
 * counts and bytes has no gradient. If x - loc and differences of log-scales are finite in the dtype, the result and its
 * gradients are finite wherever their exact values are in the range of the dtype. In float64, masses of counts lose about
 * log10(x log x) digits. */
TAP_API tap_var tap_log_prob(tap_dist d, tap_var x);
/* Entropy, mean and variance in closed form. Without a closed form they are errors: all three for relaxed distributions,
 * mean and variance of Categorical, entropy of counts and bytes, variance of bytes. */
TAP_API tap_var tap_entropy(tap_dist d);
TAP_API tap_var tap_dist_mean(tap_dist d);
TAP_API tap_var tap_dist_variance(tap_dist d); /* of each element */
/* KL(q || p) in closed form, for these pairs: two distributions of the same type, except relaxed ones; any two of Normal,
 * isotropic and multivariate Normal (of vectors if one of the two is of vectors); Normal and Laplace; and Delta with any
 * density, which gives infinity. Any other pair is an error. */
TAP_API tap_var tap_kl(tap_dist q, tap_dist p);
/* A Monte Carlo estimate of KL(q || p) for any pair: the mean of log q(z) - log p(z) over n samples z ~ q. *standard_error, a
 * constant, receives its standard error; NULL, or n must be at least 2. Gradients are unbiased: through the samples or, where
 * these are constants, by the score function. */
TAP_API tap_var tap_kl_monte_carlo(tap_dist q, tap_dist p, int64_t n, tap_var *standard_error);

/* ---- Bounds on log p(x) and their gradient estimators (dist/bound.c) --------------------------------------------- */

typedef enum {
    TAP_ELBO, /* mean_l [log p(x,z_l) - log q(z_l|x)], or mean_l log p(x|z_l) - KL(q(z|x) || p(z)): Kingma & Welling 2014 */
    TAP_IWAE, /* log mean_l [p(x,z_l) / q(z_l|x)], draws l = 1..K: Burda et al. 2016 */
} tap_bound;

/* How a gradient reaches the parameters of q(z|x), from which z was drawn. All are unbiased. */
typedef enum {
    TAP_REPARAMETERIZED,        /* through z = g(noise) and through log q */
    TAP_STICKING_THE_LANDING,   /* through z only, for the ELBO with the KL by draws; Roeder et al. 2017 */
    TAP_DOUBLY_REPARAMETERIZED, /* for IWAE, Tucker et al. 2019; for the ELBO it equals sticking the landing */
    TAP_SCORE,                  /* (log p(x,z) - log q(z|x)) grad log q(z|x); no gradient through z */
    TAP_SCORE_BASELINE,         /* TAP_SCORE minus a baseline that does not depend on z [the mean of the other images] */
    TAP_SCORE_LEAVE_ONE_OUT,    /* TAP_SCORE minus a baseline from the image's other draws; for IWAE, Mnih & Rezende 2016 */
} tap_estimator;

/* {0} gives the defaults in brackets. */
typedef struct {
    tap_bound     bound;     /* [ELBO] */
    tap_estimator estimator; /* [reparameterized] */
    double        beta;      /* ELBO: factor of the KL (Higgins et al. 2017); TAP_ZERO for 0 [1] */
    double        free_bits; /* ELBO: nats per latent dimension, as in tap_free_bits [0] */
} tap_bound_options;

/* The terms of a bound for draws z ~ q(z|x), in nats, summed over each observation. Terms that the bound does not need may be
 * absent, { 0 }. */
typedef struct {
    tap_var log_px_z, log_pz, log_q; /* log p(x|z), log p(z), log q(z|x): [L,..], draws and images */
    tap_var kl;                      /* KL(q(z|x) || p(z)) by latent dimension [..,d]: if given, the ELBO uses it */
    tap_var z;                       /* [L,..,d], the var that log p(x|z) was computed from; for doubly reparameterized IWAE */
    tap_var baseline;                /* broadcasts to [L,..] */
} tap_bound_terms;

/* z and q with the gradients detached that the estimator does not use. Compute log q(z|x) as
 * tap_log_prob(tap_estimator_posterior(e, q), z) with z = tap_estimator_sample(e, z), and log p(x|z) from that z. */
TAP_API tap_var  tap_estimator_sample(tap_estimator e, tap_var z);
TAP_API tap_dist tap_estimator_posterior(tap_estimator e, tap_dist q);
/* The bound for each image [..]. Its gradient is the estimator, so the loss is -tap_mean(bound, TAP_ALL). It has first
 * derivatives only. */
TAP_API tap_var tap_variational_bound(tap_bound_terms d, tap_bound_options o);
/* kl [..,d] by latent dimension, but the constant `nats` in each dimension j whose mean over the images is at most nats, so
 * that the mean of the sum over d is sum_j max(nats, mean KL_j): Kingma et al. 2016 */
TAP_API tap_var tap_free_bits(tap_var kl, double nats);

/* ---- Optimizers (optim/) ----------------------------------------------------------------------------------------- */

typedef struct tap_optim tap_optim; /* owned by its root */

/* A function of a module's parameters. */
typedef tap_var (*tap_module_function)(tap_tape *t, void *ctx);

/* {0} gives PyTorch's defaults, in brackets. TAP_ZERO asks for 0; any other negative number is an error. maximize: the gradient
 * is negated, so that the function grows. */
typedef struct {
    double lr;           /* the paper's alpha [1e-3] */
    double beta1, beta2; /* below 1 [0.9, 0.999] */
    double eps;          /* [1e-8] */
    double weight_decay; /* adam: L2, added to the gradient [0]; adamw: decoupled from it [0.01] */
    bool   amsgrad;      /* use the largest second moment so far: Reddi et al. 2018 */
    bool   maximize;
} tap_adam_options;
typedef tap_adam_options tap_adamw_options;

typedef struct {
    double lr;           /* [1e-3] */
    double momentum;     /* [0] */
    double dampening;    /* [0] */
    double weight_decay; /* L2: added to the gradient [0] */
    bool   nesterov;     /* needs a momentum, and no dampening */
    bool   maximize;
} tap_sgd_options;

typedef struct {
    double lr;           /* [2e-3] */
    double beta1, beta2; /* below 1 [0.9, 0.999] */
    double eps;          /* [1e-8] */
    double weight_decay; /* L2: added to the gradient [0] */
    bool   maximize;
} tap_adamax_options;

typedef struct {
    double lr;                     /* [2e-3] */
    double beta1, beta2;           /* below 1 [0.9, 0.999] */
    double eps;                    /* [1e-8] */
    double weight_decay;           /* [0] */
    double momentum_decay;         /* [4e-3] */
    bool   decoupled_weight_decay; /* as in AdamW; else L2 */
    bool   maximize;
} tap_nadam_options;

typedef struct {
    double lr;                     /* [1e-3] */
    double beta1, beta2;           /* below 1 [0.9, 0.999] */
    double eps;                    /* [1e-8] */
    double weight_decay;           /* [0] */
    bool   decoupled_weight_decay; /* as in AdamW; else L2 */
    bool   maximize;
} tap_radam_options;

typedef struct {
    double lr;           /* [1e-2] */
    double alpha;        /* [0.99] */
    double eps;          /* outside the root [1e-8] */
    double weight_decay; /* L2: added to the gradient [0] */
    double momentum;     /* [0] */
    bool   centered;     /* divide by the standard deviation of the gradient */
    bool   maximize;
} tap_rmsprop_options;

typedef struct {
    double lr;                        /* [1e-2] */
    double lr_decay;                  /* [0] */
    double weight_decay;              /* L2: added to the gradient [0] */
    double initial_accumulator_value; /* [0] */
    double eps;                       /* outside the root [1e-10] */
    bool   maximize;
} tap_adagrad_options;

typedef struct {
    double lr;           /* [1] */
    double rho;          /* below 1 [0.9] */
    double eps;          /* inside the roots [1e-6] */
    double weight_decay; /* L2: added to the gradient [0] */
    bool   maximize;
} tap_adadelta_options;

typedef struct {
    double lr;                           /* the first step size [1e-2] */
    double etaminus, etaplus;            /* 0 < etaminus < 1 < etaplus [0.5, 1.2] */
    double step_size_min, step_size_max; /* [1e-6, 50] */
    bool   maximize;
} tap_rprop_options;

typedef struct {
    double lr;           /* [1e-2] */
    double lambd;        /* decay of the weights [1e-4] */
    double alpha;        /* power of the decay of the rate [0.75] */
    double t0;           /* the step after which averaging begins [1e6] */
    double weight_decay; /* L2: added to the gradient [0] */
    bool   maximize;
} tap_asgd_options;

typedef struct {
    double  lr;               /* factor of the steps [1] */
    int64_t max_iter;         /* iterations of a step [20] */
    int64_t max_eval;         /* evaluations of the loss in a step [max_iter 5/4] */
    double  tolerance_grad;   /* a step ends when no element of the gradient is larger [1e-7] */
    double  tolerance_change; /* or when values and loss change by no more [1e-9] */
    int64_t history_size;     /* [100] */
    bool    strong_wolfe;     /* a line search: PyTorch's line_search_fn = "strong_wolfe" */
} tap_lbfgs_options;

/* An optimizer of all parameters that exist now at and below m. It uses gradients of backward passes since it was made. A
 * parameter has one optimizer at a time; a parameter made later below m needs one of its own, or the next step is an error. A
 * parameter that no backward pass has reached since the last step is not changed, nor are its state and its count of steps;
 * weight decay does not apply to it. The formulas are for a parameter x with gradient g in its step t = 1, 2, ...; states are 0
 * before the first step. A checkpoint holds the states under PyTorch's names. */
/* Adam, Kingma & Ba 2015, algorithm 1:
 *     g = g + weight_decay x,   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2,
 *     m_hat = m / (1 - beta1^t),   v_hat = v / (1 - beta2^t),   x = x - lr m_hat / (sqrt(v_hat) + eps)
 * With amsgrad, v_hat is computed from the largest v so far. */
TAP_API tap_optim *tap_adam_new(tap_module *m, tap_adam_options o);
/* Loshchilov & Hutter 2019: x = x - lr weight_decay x, then Adam's step without weight decay */
TAP_API tap_optim *tap_adamw_new(tap_module *m, tap_adamw_options o);
/* Stochastic gradient descent in PyTorch's form: g = g + weight_decay x, v = momentum v + (1 - dampening) g, but v = g in the
 * first step, x = x - lr v or, with Nesterov's momentum, x = x - lr (g + momentum v) */
TAP_API tap_optim *tap_sgd_new(tap_module *m, tap_sgd_options o);
/* Kingma & Ba 2015, algorithm 2: m as in Adam, u = max(beta2 u, |g| + eps), x = x - lr / (1 - beta1^t) m / u */
TAP_API tap_optim *tap_adamax_new(tap_module *m, tap_adamax_options o);
/* Adam with Nesterov's momentum, Dozat 2016: m and v as in Adam, mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2), p_t = mu_1 ...
 * mu_t, x = x - lr ((1 - mu_t) / (1 - p_t) g + mu_t+1 / (1 - p_t+1) m) / (sqrt(v_hat) + eps) */
TAP_API tap_optim *tap_nadam_new(tap_module *m, tap_nadam_options o);
/* Rectified Adam, Liu et al. 2020: m, m_hat and v as in Adam, rho = rho_inf - 2 t beta2^t / (1 - beta2^t) with rho_inf = 2 / (1
 * - beta2) - 1; x = x - lr m_hat as long as rho <= 5, then x = x - lr m_hat r sqrt(1 - beta2^t) / (sqrt(v) + eps), r^2 = (rho -
 * 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho) */
TAP_API tap_optim *tap_radam_new(tap_module *m, tap_radam_options o);
/* Hinton 2012: g = g + weight_decay x, v = alpha v + (1 - alpha) g^2, d = g / (sqrt(v) + eps), or centered (Graves 2013) with v
 * - a^2 for v, a = alpha a + (1 - alpha) g; b = momentum b + d, x = x - lr b */
TAP_API tap_optim *tap_rmsprop_new(tap_module *m, tap_rmsprop_options o);
/* Duchi et al. 2011: g = g + weight_decay x, v = v + g^2, x = x - lr / (1 + (t - 1) lr_decay) g / (sqrt(v) + eps) */
TAP_API tap_optim *tap_adagrad_new(tap_module *m, tap_adagrad_options o);
/* Zeiler 2012: g = g + weight_decay x, v = rho v + (1 - rho) g^2, d = sqrt(u + eps) / sqrt(v + eps) g, u = rho u + (1 - rho)
 * d^2, x = x - lr d */
TAP_API tap_optim *tap_adadelta_new(tap_module *m, tap_adadelta_options o);
/* Resilient backpropagation, Riedmiller & Braun 1993, which uses signs of gradients alone. Each element has a step size s, lr
 * at first. If the signs of g and of the gradient p before agree, s grows by etaplus; if not, it shrinks by etaminus, and the
 * element is not moved (g = 0). s is kept within step_size_min..max. x = x - sign(g) s */
TAP_API tap_optim *tap_rprop_new(tap_module *m, tap_rprop_options o);
/* Averaged stochastic gradient descent, Polyak & Juditsky 1992: g = g + weight_decay x, x = (1 - lambd eta) x - eta g, ax = ax
 * + mu (x - ax), then eta = lr / (1 + lambd lr t)^alpha and mu = 1 / max(1, t - t0); eta is lr, mu 1 at first */
TAP_API tap_optim *tap_asgd_new(tap_module *m, tap_asgd_options o);
/* L-BFGS, Nocedal & Wright 2006, algorithm 7.4: x = x + t d, where d = -H g, and H, an estimate of the inverse Hessian, comes
 * from the last history_size steps. t is lr (in the first iteration lr min(1, 1 / |g|_1)) or, with strong_wolfe, found from
 * there by a line search (algorithms 3.5 and 3.6). It holds 2 history_size + 8 copies of the parameters, and steps by
 * tap_optim_step_closure, for deterministic losses. It has no groups. */
TAP_API tap_optim *tap_lbfgs_new(tap_module *m, tap_lbfgs_options o);
/* One step with the accumulated gradients, which count as zero afterwards. Does nothing, and returns the status, if the tape
 * (NULL: no tape is asked) or the root has failed. */
TAP_API tap_status tap_optim_step(tap_optim *o, tap_tape *t);
/* A step with gradients of a loss that the step evaluates itself, on the tape, which is reset before each evaluation: once or,
 * for L-BFGS, several times. Returns the loss before the step; NaN, and the values are as before, on an error. */
TAP_API double tap_optim_step_closure(tap_optim *o, tap_tape *t, tap_module_function loss, void *ctx);
TAP_API bool   tap_optim_finite(const tap_optim *o);      /* whether all gradients of the next step are finite */
TAP_API void   tap_optim_set_lr(tap_optim *o, double lr); /* of all groups; at least 0 */
TAP_API double tap_optim_lr(const tap_optim *o);          /* of group 0; NaN if the optimizer could not be made */
/* An option of a group, by its name in the options struct, such as "weight_decay"; a flag is 0 or 1. Flags, counts, and options
 * that need another state, such as the first momentum, are set before the first step. */
TAP_API void   tap_optim_set(tap_optim *o, int group, const char *option, double value);
TAP_API double tap_optim_get(const tap_optim *o, int group, const char *option); /* NaN if there is none */

/* Groups of parameters with options of their own, PyTorch's param_groups. Group 0 holds all parameters at first. No weight
 * decay for biases and norms:
 *
 *     tap_optim_group(o, tap_is_vector, NULL, (tap_group_options){ .weight_decay = TAP_ZERO });
 *
 * Groups are made before the first step, and before a checkpoint or a schedule is told of the optimizer. */
typedef bool (*tap_param_predicate)(const tap_param *p, void *ctx);
TAP_API bool tap_is_vector(const tap_param *p, void *unused); /* at most one axis: biases, weights of normalizations */
TAP_API bool tap_is_matrix(const tap_param *p, void *unused); /* two or more axes: weights of linear layers and convolutions */
TAP_API bool tap_is_below(const tap_param *p, void *module);  /* at or below the module */

/* What differs from group 0; 0 stands for its value, TAP_ZERO for 0. An option that the algorithm does not have is an error.
 * tap_optim_set sets all other options. */
typedef struct {
    double lr, weight_decay, momentum, beta1, beta2, eps;
} tap_group_options;

/* Moves the optimizer's parameters for which the predicate is true, or those of a list, from their groups to a new one. Returns
 * its number: 1, 2, ...; 0 on an error of the root. */
TAP_API int    tap_optim_group(tap_optim *o, tap_param_predicate which, void *ctx, tap_group_options g);
TAP_API int    tap_optim_group_list(tap_optim *o, int n, tap_param *const *params, tap_group_options g);
TAP_API int    tap_optim_groups(const tap_optim *o); /* how many there are, including group 0 */
TAP_API double tap_optim_group_lr(const tap_optim *o, int group);
/* Frees an optimizer before its root, so that its parameters may have another one. No checkpoint may hold it. NULL is
 * allowed. */
TAP_API void tap_optim_free(tap_optim *o);

/* ---- Schedules of learning rates (optim/schedule.c, optim/scheduler.c) ------------------------------------------- */

/* The learning rate of each group as a function of the step k = 0, 1, ... and of its base rate, which it had when the scheduler
 * was made; as in torch.optim.lr_scheduler. */
typedef struct tap_schedule_type tap_schedule_type;

/* Rates that rise from base_lr to max_lr and fall again, while the momentum (or beta1) falls and rises: Smith 2017. {0} gives
 * the defaults in brackets; TAP_ZERO asks for 0. Lists hold a number for each group, in place of the one beside it, or are NULL. */
typedef struct {
    double        base_lr, max_lr;
    const double *base_lrs, *max_lrs;
    double        step_size_up, step_size_down; /* steps of a half-cycle [2000, step_size_up] */
    enum {
        TAP_CYCLIC_TRIANGULAR,
        TAP_CYCLIC_TRIANGULAR2, /* each cycle is half as high as the one before */
        TAP_CYCLIC_EXP_RANGE    /* the height shrinks by gamma in each step */
    } mode;
    double        gamma;                       /* [1] */
    bool          keep_momentum;               /* leave the momentum alone: PyTorch's cycle_momentum = False */
    double        base_momentum, max_momentum; /* [0.8, 0.9] */
    const double *base_momenta, *max_momenta;
} tap_cyclic_lr_options;

/* One rise from max_lr / div_factor to max_lr and one fall to max_lr / div_factor / final_div_factor, while the momentum (or
 * beta1) falls and rises: Smith & Topin 2018. {0} gives the defaults in brackets; TAP_ZERO asks for 0. */
typedef struct {
    double        max_lr;
    const double *max_lrs;     /* of each group, or NULL */
    int64_t       total_steps; /* must be given; later steps are an error */
    double        pct_start;   /* the part of the steps that rises [0.3] */
    enum { TAP_ANNEAL_COS, TAP_ANNEAL_LINEAR } anneal;
    bool          keep_momentum;                /* leave the momentum alone: PyTorch's cycle_momentum = False */
    double        base_momentum, max_momentum;  /* [0.85, 0.95] */
    double        div_factor, final_div_factor; /* [25, 1e4] */
    bool          three_phase;                  /* fall as fast as it rose, then to the final rate */
    const double *base_momenta, *max_momenta;   /* of each group, or NULL */
} tap_one_cycle_lr_options;

/* lr is multiplied by factor when a metric has not become better for more than patience steps. {0} gives the defaults in
 * brackets; TAP_ZERO asks for 0. Better is below best (1 - threshold), or above best (1 + threshold) if maximize; with an
 * absolute threshold best -+ threshold. NaN is never better. */
typedef struct {
    bool          maximize;
    double        factor;             /* below 1 [0.1] */
    int64_t       patience;           /* [10] */
    double        threshold;          /* [1e-4] */
    bool          absolute_threshold; /* PyTorch's threshold_mode = "abs" */
    int64_t       cooldown;           /* steps after a reduction that do not count [0] */
    double        min_lr;             /* [0] */
    const double *min_lrs;            /* of each group, or NULL */
    double        eps;                /* reductions of no more than this are left out [1e-8] */
} tap_plateau_options;

/* Made by the functions below. What it points to is the caller's, and copied by tap_scheduler_new. */
typedef struct tap_schedule {
    const tap_schedule_type   *type;
    double                     number[3];
    int                        n; /* of milestones or parts */
    const int64_t             *milestones;
    const struct tap_schedule *parts;
    double (*factor)(double step, void *ctx);
    void         *ctx;
    const double *lrs[4];
    union {
        tap_cyclic_lr_options    cyclic;
        tap_one_cycle_lr_options one_cycle;
        tap_plateau_options      plateau;
    } options;
} tap_schedule;

/* The base rate times a factor: */
TAP_API tap_schedule tap_step_lr(int64_t step_size, double gamma); /* gamma^floor(k / step_size) */
/* gamma^m, where m of the n milestones are at most k; one that occurs twice counts twice */
TAP_API tap_schedule tap_multi_step_lr(int n, const int64_t *milestones, double gamma);
TAP_API tap_schedule tap_constant_lr(double factor, int64_t total_iters); /* factor for k < total_iters, then 1; 0: for ever */
/* start_factor + (end_factor - start_factor) min(k, total_iters) / total_iters: a warm-up */
TAP_API tap_schedule tap_linear_lr(double start_factor, double end_factor, int64_t total_iters);
TAP_API tap_schedule tap_exponential_lr(double gamma);                     /* gamma^k */
TAP_API tap_schedule tap_polynomial_lr(int64_t total_iters, double power); /* (1 - min(k, total_iters) / total_iters)^power */
TAP_API tap_schedule tap_lambda_lr(double (*factor)(double step, void *ctx), void *ctx); /* factor(k, ctx); ctx is borrowed */
/* eta_min + (base - eta_min) (1 + cos(pi k / T_max)) / 2, which goes up again after T_max: Loshchilov & Hutter 2017 */
TAP_API tap_schedule tap_cosine_annealing_lr(int64_t T_max, double eta_min);
/* The fall from k = 0 to T_max again and again; the first takes T_0 steps, each other one T_mult times as long as the one
 * before */
TAP_API tap_schedule tap_cosine_annealing_warm_restarts(int64_t T_0, int64_t T_mult, double eta_min);
TAP_API tap_schedule tap_cyclic_lr(tap_cyclic_lr_options o);
TAP_API tap_schedule tap_one_cycle_lr(tap_one_cycle_lr_options o);
TAP_API tap_schedule tap_reduce_lr_on_plateau(tap_plateau_options o);
/* parts[i] from step milestones[i-1] on, where its k is 0; n parts, n - 1 milestones */
TAP_API tap_schedule tap_sequential_lr(int n, const tap_schedule *parts, const int64_t *milestones);
/* In each step one schedule after the other changes the rate, as PyTorch's ChainedScheduler: a factor multiplies it by how much
 * the factor itself changes, cosine annealing moves it in proportion to its distance from eta_min, the others replace it. */
TAP_API tap_schedule tap_chained_lr(int n, const tap_schedule *parts);
/* The rate in a step, for the rate base_lr of group 0; for plots. NaN for a schedule of no function above */
TAP_API double tap_schedule_lr(tap_schedule s, double base_lr, double step);

/* Sets an optimizer's rates, those of step 0 at once, and the next ones whenever it steps, usually after the optimizer's step
 * or after an epoch:
 *
 *     tap_schedule   parts[] = { tap_linear_lr(0.01, 1, 500), tap_cosine_annealing_lr(9500, 0) };
 *     tap_scheduler *s = tap_scheduler_new(o, tap_sequential_lr(2, parts, (int64_t[]){ 500 }));
 *     ... tap_optim_step(o, t); tap_scheduler_step(s);
 *
 * An optimizer has one scheduler, owned by its root, which lives as long as the optimizer. It is a part of the optimizer in
 * checkpoints. Errors are the root's. */
typedef struct tap_scheduler tap_scheduler;

TAP_API tap_scheduler *tap_scheduler_new(tap_optim *o, tap_schedule s); /* never NULL */
TAP_API void           tap_scheduler_step(tap_scheduler *s);
TAP_API void           tap_scheduler_step_to(tap_scheduler *s, double epoch);      /* to any step, a fractional one, too */
TAP_API void           tap_scheduler_step_metric(tap_scheduler *s, double metric); /* for tap_reduce_lr_on_plateau */

/* ---- Clipping of gradients (optim/clip.c) ------------------------------------------------------------------------ */

/* The gradients at and below m as one vector, torch.nn.utils' clip_grad_norm_ and clip_grad_value_: between the backward pass
 * and the step. Frozen parameters, and those that no backward pass has reached since the last step, are left out. */
typedef struct {
    double norm_type;          /* p, above 0, or INFINITY [2] */
    bool   error_if_nonfinite; /* fail (TAP_ENONFINITE), and leave the gradients, if the norm is infinite or NaN */
} tap_clip_options;

/* (sum |g|^p)^(1/p), or max |g| for p = INFINITY; 0 without gradients, NaN on an error of the root */
TAP_API double tap_grad_norm(const tap_module *m, double p);
/* Multiplies the gradients by min(1, max_norm / (norm + 1e-6)). Returns the norm before. An infinite norm makes finite
 * gradients 0 and infinite ones NaN, a NaN makes all of them NaN. */
TAP_API double tap_clip_grad_norm(tap_module *m, double max_norm, tap_clip_options o);
TAP_API void   tap_clip_grad_value(tap_module *m, double clip_value); /* to -clip_value..clip_value; NaN stays */

/* ---- Averages of weights (optim/average.c) ----------------------------------------------------------------------- */

/* Averages of a module's parameters over the steps of its training, torch.optim.swa_utils' AveragedModel: an exponential moving
 * average (EMA) or the equal average (SWA, Izmailov et al. 2018). A forward pass with the average:
 *
 *     tap_module *ema = tap_averaged_model_new(m);
 *     ... tap_optim_step(o, t); tap_averaged_model_update(ema, m, (tap_average_options){ .decay = 0.999 });
 *     tap_module_replace(t, m, tap_averaged_model_module(ema)); ... forward passes of m's layers on t, until it is reset */
typedef struct {
    double decay;       /* average = decay average + (1 - decay) m; 0 for the equal average, TAP_ZERO for 0 */
    bool   use_buffers; /* average buffers, too, integers being cut to integers; else they are copied */
} tap_average_options;

/* A root of the caller's, as PyTorch's: the buffer "n_averaged", and a clone of m as "module". */
TAP_API tap_module *tap_averaged_model_new(const tap_module *m);
/* Adds m to the average; the first update copies it. An error, of the average, if m has other parameters or buffers than the
 * module it was made from. */
TAP_API tap_status  tap_averaged_model_update(tap_module *average, const tap_module *m, tap_average_options o);
TAP_API tap_module *tap_averaged_model_module(const tap_module *average); /* its "module" */

/* ---- Data: rows and transforms (data/transform.c) ---------------------------------------------------------------  */

/* A row of a data set is one tensor or several, its fields: an image and its label. */
enum { TAP_MAX_FIELDS = 8, TAP_MAX_TRANSFORMS = 8, TAP_MAX_CHANNELS = 16 };

/* A data set given as a function. read writes row 0 <= row < rows to out[0..n-1], contiguous tensors of these dtypes and
 * shapes, and returns TAP_OK, or sets *e and returns its status, which fails the loader. It is called for one row at a time,
 * with prefetch by another thread than the program's, and must give the same row each time. */
typedef struct {
    int64_t   rows;
    int       n; /* fields */
    tap_dtype dtype[TAP_MAX_FIELDS];
    tap_shape shape[TAP_MAX_FIELDS]; /* of a field of one row: [3,32,32] for an image, TAP_SCALAR for a label */
    tap_status (*read)(void *context, int64_t row, const tap_tensor *out, tap_error *e);
    void            *context;
    const tap_error *error; /* if there is one, a loader of this data set fails with it; may be NULL */
} tap_dataset;

/* How a field comes into a batch. {0}: as it is, in its dtype and shape. */
typedef struct {
    enum {
        TAP_FIELD_AS_IS,
        TAP_FIELD_FLOAT,  /* in the loader's dtype, times scale */
        TAP_FIELD_INDEX,  /* integers as int64, as losses of classes take them */
        TAP_FIELD_ONE_HOT /* integers 0..classes-1 as rows of zeros and a one, in the loader's dtype: an axis is added */
    } as;
    bool    flatten; /* a row becomes [elements] */
    double  scale;   /* of TAP_FIELD_FLOAT [1/255 for uint8 data, else 1] */
    int64_t classes; /* of TAP_FIELD_ONE_HOT */
} tap_field_options;

/* Changes a row, or a batch, in place: x[0..n-1] are its fields, contiguous, after tap_field_options. rng is a sequence of
 * random numbers that depends on (seed, epoch, row) alone; for rows drawn with replacement, on (seed, epoch, draw); for a
 * batch, on (seed, epoch, the place of its first row in the epoch). So a row is the same in batches of any size, with prefetch
 * or without. Returns TAP_OK, or sets *e and returns its status, which fails the loader. self: its own options. */
typedef struct tap_transform tap_transform;
typedef tap_status (*tap_transform_fn)(const tap_transform *self, int n, const tap_tensor *x, tap_rng *rng, tap_error *e);
struct tap_transform {
    tap_transform_fn row, batch; /* one of them, or both; rows come first */
    void            *context;    /* the caller's */
    /* Options of the transforms below. field: which one they change, unless they say otherwise [0]. */
    int     field;
    int64_t size;
    double  number[2 * TAP_MAX_CHANNELS];
};

/* A random window of the image [...,height,width] padded with `padding` zeros on all sides, of the image's size; any dtype. As
 * torchvision's RandomCrop. */
TAP_API tap_transform tap_transform_random_crop(int64_t padding);
/* Reverses the last axis with probability p; any dtype. As torchvision's RandomHorizontalFlip, whose p is 0.5. */
TAP_API tap_transform tap_transform_horizontal_flip(double p);
/* (x - mean[c]) / std[c] for channel c of the image [channels,...], or of any shape for one channel; floats; std > 0. */
TAP_API tap_transform tap_transform_normalize(int channels, const double *mean, const double *std);
/* Of a batch of k rows: row i becomes lambda row i + (1 - lambda) row k-1-i in all fields, with one lambda ~ Beta(alpha, alpha)
 * for the batch. All fields must be floats, so labels are TAP_FIELD_ONE_HOT: Zhang et al. 2018. */
TAP_API tap_transform tap_transform_mixup(double alpha);

/* ---- Data: loaders (data/loader.c) ------------------------------------------------------------------------------- */

typedef struct tap_loader tap_loader;

/* {0} gives the defaults in brackets. */
typedef struct {
    int64_t   batch;     /* rows of a batch [128] */
    bool      shuffle;   /* the order is a function of (seed, epoch) */
    bool      drop_last; /* leave out the last batch if it is smaller */
    uint64_t  seed;
    tap_dtype dtype; /* of fields that become floats: float32 or float64 [float32] */
    double    scale; /* of tap_loader_new: batches are data * scale [1/255 for uint8 data, else 1] */
    /* Shuffles by tap_random_permuted, another order, which takes no memory; otherwise the order takes 8 bytes a row. Data sets
     * given as functions are always shuffled so. */
    bool keyed;
    /* Rows are drawn with probabilities in proportion to weights [rows], which are at least 0; `draws` of them are an epoch
     * [rows]. Instead of shuffle. As PyTorch's WeightedRandomSampler. Takes 8 bytes a row, without replacement 24. */
    tap_tensor weights;
    int64_t    draws;
    bool       without_replacement;
    /* Batches that a thread prepares while the program uses the one before, 0 to 16. Results are the same with any number; data
     * sets and transforms are called by that thread, and for batches that may not be asked for. [0: no thread] */
    int           prefetch;
    tap_transform transform[TAP_MAX_TRANSFORMS]; /* applied in this order, up to the first without functions */
} tap_loader_options;

/* Batches of data's rows (axis 0), flattened to [batch, elements of a row] and converted to o.dtype, times o.scale. Borrows
 * data. Errors, also those of later calls, are reported by tap_loader_status; the loader then gives no more batches. */
TAP_API tap_loader *tap_loader_new(tap_tensor data, tap_loader_options o);
/* Batches of the rows of n arrays at once, such as images [rows,3,32,32] and labels [rows]: field i is arrays[i] as fields[i]
 * says, as it is if fields is NULL. Borrows the arrays' data. */
TAP_API tap_loader *tap_loader_new_arrays(int n, const tap_tensor *arrays, const tap_field_options *fields,
                                          tap_loader_options o);
/* Batches of the rows of a data set given as a function. Borrows its context. */
TAP_API tap_loader *tap_loader_new_dataset(tap_dataset data, const tap_field_options *fields, tap_loader_options o);
TAP_API void        tap_loader_free(tap_loader *l);
TAP_API tap_status  tap_loader_status(const tap_loader *l, const char **message);
TAP_API void tap_loader_start(tap_loader *l, uint64_t epoch); /* begins an epoch; a new loader is at the beginning of epoch 0 */
TAP_API uint64_t tap_loader_epoch(const tap_loader *l);       /* the current epoch */
/* The next batch; false at the end of the epoch, or on an error. Its fields go to x[0], x[1], ..., each [rows, ...]; they live
 * until the next call or, if a tape has borrowed one of them, until that tape is reset. */
TAP_API bool tap_loader_next(tap_loader *l, tap_tensor *x);
/* The same without an end: behind the last batch of an epoch comes the first one of the next. False only on an error; it is one
 * if an epoch has no batches. */
TAP_API bool           tap_loader_cycle(tap_loader *l, tap_tensor *x);
TAP_API int64_t        tap_loader_batches(const tap_loader *l); /* per epoch */
TAP_API const int64_t *tap_loader_rows(const tap_loader *l,
                                       int64_t          *n); /* indices of the last batch's rows, until the next call */

/* ---- Data: files of rows (data/shards.c) ------------------------------------------------------------------------- */

/* Files of rows as one data set, which may be larger than memory: .npy, IDX and safetensors files, plain, of any dtype that
 * tap_npy_read and its kin read. Rows are read from the files when they are asked for, which takes the memory of a batch; or the
 * files are mapped, as by tap_npy_map. The files must not change meanwhile.
 *
 *     tap_shards *s = tap_shards_new(TAP_SHARDS_STREAM);
 *     tap_shards_add(s, 2, (const char *[]){ "images0.npy", "images1.npy" }, NULL); // field 0
 *     tap_shards_add(s, 1, (const char *[]){ "labels.npy" }, NULL);                 // field 1
 *     tap_loader *l = tap_loader_new_dataset(tap_shards_dataset(s), NULL, (tap_loader_options){ .shuffle = true }); */
typedef struct tap_shards tap_shards;
typedef enum { TAP_SHARDS_STREAM, TAP_SHARDS_MAP } tap_shards_mode;

TAP_API tap_shards *tap_shards_new(tap_shards_mode mode);
TAP_API void        tap_shards_free(tap_shards *s); /* after the loaders of its data set; NULL is allowed */
TAP_API tap_status  tap_shards_status(const tap_shards *s, const char **message);
/* Adds a field, whose rows are those of n files one after the other. name: of the tensor in a safetensors file; NULL for the
 * other formats. Rows of one field have the same dtype, as read, and shape; all fields have the same number of rows. In a
 * stream, files stay open. Errors, which name the file, are reported by tap_shards_status, and by loaders of the data set. */
TAP_API void tap_shards_add(tap_shards *s, int n, const char *const *paths, const char *name);
/* The data set, for one or several loaders; borrows s. */
TAP_API tap_dataset tap_shards_dataset(tap_shards *s);

/* ---- Data: folders of images (data/folder.c) --------------------------------------------------------------------- */

/* PNG files in one folder for each class, as a data set of images, uint8 [channels,height,width], and of classes, int64: the
 * place of the folder's name among those of all classes, in the order of their bytes. All images must have the size of the
 * first. Folders and files whose names begin with a dot are ignored, and so are files whose names do not end in .png. As
 * torchvision's ImageFolder. */
typedef struct tap_image_folder tap_image_folder;

/* channels: 1 grey, 2 grey and alpha, 3 red, green and blue [3], 4 these and alpha. Images are converted: colours become grey
 * by 0.299 R + 0.587 G + 0.114 B, rounded, as by Pillow; without an alpha channel, alpha is 255. */
TAP_API tap_image_folder *tap_image_folder_new(const char *path, int channels);
TAP_API void              tap_image_folder_free(tap_image_folder *f); /* after the loaders of its data set; NULL is allowed */
TAP_API tap_status        tap_image_folder_status(const tap_image_folder *f, const char **message);
/* The name of a class; NULL if there is none of this number. */
TAP_API const char *tap_image_folder_class(const tap_image_folder *f, int64_t class_number);
/* The data set, for one or several loaders; borrows f. */
TAP_API tap_dataset tap_image_folder_dataset(tap_image_folder *f);

/* ---- Checkpoints (checkpoint.c) ---------------------------------------------------------------------------------- */

/* Everything that determines the rest of a training run, in one safetensors file. Declare once what belongs to it, and save
 * between steps: a run that was killed continues to the same bits, with any number of threads.
 *
 *     tap_checkpoint *c = tap_checkpoint_new("run.safetensors");
 *     tap_checkpoint_module(c, "net", root);
 *     tap_checkpoint_optim(c, "adam", adam);
 *     tap_checkpoint_tape(c, "tape", tape);
 *     tap_checkpoint_loader(c, "data", data);
 *     tap_checkpoint_resume(c, &e);                         // does nothing before the first save
 *     while (tap_loader_epoch(data) < 10) {
 *         while (tap_loader_next(data, &x)) { ... tap_optim_step(adam, tape); }
 *         tap_loader_start(data, tap_loader_epoch(data) + 1);
 *         tap_checkpoint_save(c, &e);                     // if epochs are long, also after steps
 *     }
 *
 * A save writes a new file, syncs and renames it; the file before stays as PATH.previous, in case the newer one is damaged. The
 * file holds a checksum (XXH3) of all its numbers, names and options. */
typedef struct tap_checkpoint tap_checkpoint;

/* The newest generation at a path that is whole. */
typedef struct {
    const char     *path;    /* of its file; NULL if there is none */
    const char     *skipped; /* why a newer generation was skipped; "" if none was */
    tap_safetensors file;    /* its tensors, and its options as metadata */
} tap_checkpoint_found;

/* Reads the newest whole generation, and locks the path (PATH.lock) until it is freed. The status is an error if another
 * process holds the lock, or if there are files and none is whole. */
TAP_API tap_checkpoint *tap_checkpoint_new(const char *path);
TAP_API void            tap_checkpoint_free(tap_checkpoint *c);
TAP_API tap_status      tap_checkpoint_status(const tap_checkpoint *c, const char **message);
/* The generation that tap_checkpoint_new has read, to be inspected; valid until the first resume or save. */
TAP_API tap_checkpoint_found tap_checkpoint_peek(const tap_checkpoint *c);

/* The objects of the run. They are borrowed. Names are the caller's, and unique. */
/* Parameters and buffers, as NAME.enc.weight, and the modes of all modules. Modules made below m later are not included. */
TAP_API void tap_checkpoint_module(tap_checkpoint *c, const char *name, tap_module *m);
TAP_API void tap_checkpoint_optim(tap_checkpoint *c, const char *name, tap_optim *o); /* moments, steps taken, learning rate */
TAP_API void tap_checkpoint_tape(tap_checkpoint *c, const char *name, tap_tape *t);   /* the step, which its noise depends on */
/* Epoch and position in it, which is behind the last batch handed out. The loader's options are those of the run, too, and its
 * data are known again by dtypes, shapes and a hash of 64 rows, evenly spaced from the first to the last (of 64 kB of each of
 * their fields); functions and transforms of the caller's are not. */
TAP_API void tap_checkpoint_loader(tap_checkpoint *c, const char *name, tap_loader *l);
TAP_API void tap_checkpoint_tensor(tap_checkpoint *c, const char *name, tap_tensor x); /* any tensor, such as running means */
/* A table that grows: the first *rows rows of the buffer. */
TAP_API void tap_checkpoint_table(tap_checkpoint *c, const char *name, tap_tensor buffer, int64_t *rows);
/* An option of the run that must not change: resuming from a file with another value is an error that names it. Options of
 * optimizers, tapes and loaders, and the loader's data, are included without a call. */
TAP_API void tap_checkpoint_option(tap_checkpoint *c, const char *key, const char *value);

/* It is an error if a weight is not finite (TAP_ENONFINITE), or if there are gradients that no step has consumed, which would
 * be lost. After a failure the files are as before, and a later save may succeed. */
TAP_API tap_status tap_checkpoint_save(tap_checkpoint *c, tap_error *e);
/* Restores everything and returns true; or changes nothing and returns false, if there is no file, or if it does not fit
 * (*e). */
TAP_API bool tap_checkpoint_resume(tap_checkpoint *c, tap_error *e);

/* ---- Metrics (metrics/classification.c, metrics/frechet.c) ------------------------------------------------------- */

/* The squared Frechet (Wasserstein-2) distance |mean_a - mean_b|^2 + tr(A + B - 2 sqrt(A B)) of the Gaussians N(mean_a, A) and
 * N(mean_b, B) with the means and covariances of the rows of a [n,k] and b [m,k], n and m at least 2, k at most 4096: Dowson &
 * Landau 1982. Of features of images, a measure of how similar generated images are to real ones (FID): Heusel et al. 2017. NaN
 * on an error. */
TAP_API double tap_frechet_distance(tap_tensor a, tap_tensor b, tap_error *e);

/* A metric of scores [n] that separate positives (positive[i] = 1) from negatives (0), and a stratified percentile bootstrap
 * interval at confidence `level`: Efron & Tibshirani 1993, chapter 13. */
typedef struct {
    double value, low, high; /* NaN on an error: no positives, no negatives, NaN among the scores */
} tap_interval;

/* {0} gives the defaults in brackets. */
typedef struct {
    int64_t  resamples; /* TAP_NONE: no interval, low and high are NaN [1000] */
    double   level;     /* [0.95] */
    uint64_t seed;
} tap_bootstrap_options;

/* The area under the ROC curve, which is the probability that a positive has a higher score than a negative, ties counted half:
 * mean_ij [s_i > s_j] + [s_i = s_j] / 2 over positives i and negatives j. Hanley & McNeil 1982 */
TAP_API tap_interval tap_auroc(tap_tensor score, tap_tensor positive, tap_bootstrap_options o, tap_error *e);
/* sum_k (R_k - R_k-1) P_k over the distinct scores, the highest first; R_k and P_k are recall and precision of the threshold
 * "at least the k-th score" */
TAP_API tap_interval tap_average_precision(tap_tensor score, tap_tensor positive, tap_bootstrap_options o, tap_error *e);
/* The ROC curve: false and true positive rates for falling thresholds, from (0,0) to (1,1), written to float64 [>= n+1].
 * Returns the number of points, which is one more than there are distinct scores; 0 on an error. */
TAP_API int64_t tap_roc_curve(tap_tensor score, tap_tensor positive, tap_tensor false_rate, tap_tensor true_rate, tap_error *e);

/* ---- Clustering (metrics/clustering.c) --------------------------------------------------------------------------- */

/* {.clusters = k} gives the defaults in brackets. */
typedef struct {
    int64_t  clusters;       /* k, from 1 to the number of points */
    int64_t  restarts;       /* from other initial centres; the best one is taken [10] */
    int64_t  max_iterations; /* of Lloyd's algorithm, for each restart [300] */
    uint64_t seed;
} tap_kmeans_options;

/* k-means: assigns each point to the nearest of k centres, which minimize the sum of squared distances, and returns that sum; a
 * local minimum. Lloyd 1982, initialized by k-means++ (Arthur & Vassilvitskii 2007). x [n,d], finite; label, int64 [n],
 * contiguous, receives the index of each point's centre. NaN on an error. */
TAP_API double tap_kmeans(tap_tensor x, tap_kmeans_options o, tap_tensor label, tap_error *e);
/* The agreement of two clusterings of the same n points by the pairs of points that both join: 1 for equal clusterings, 0 on
 * average for independent ones. a, b: labels, int64 [n], contiguous. Hubert & Arabie 1985. NaN on an error. */
TAP_API double tap_adjusted_rand_index(tap_tensor a, tap_tensor b, tap_error *e);

/* ---- Gradient checks of modules (gradcheck.c) -------------------------------------------------------------------- */

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
