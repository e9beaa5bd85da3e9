/* nn/nn.h: modules and parameters, layers, distributions, optimizers, data loading, checkpoints.
 *
 * A model is a struct of the user's with layers embedded by value; its parameters hang in a tree of named modules, whose root
 * owns them, their gradients and the optimizer's state. forward is a function from vars to vars. Names and layouts are
 * PyTorch's.
 *
 * Errors: a root keeps its first one. A parameter of a failed root fails the tape it is used on.
 */
#ifndef TAP_NN_NN_H
#define TAP_NN_NN_H

#include "autograd/autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Modules and parameters -------------------------------------------------------------------------------------- */

typedef struct tap_module tap_module;
typedef struct tap_param  tap_param;

TAP_API tap_module *tap_module_new(tap_dtype dtype, uint64_t seed); /* a root, float32 or float64; never NULL */
TAP_API void        tap_module_free(tap_module *root);              /* and everything below it; NULL is allowed */
/* Names of modules and parameters are printable ASCII without space, dot, " and \; one given twice is an error. */
TAP_API tap_module *tap_module_child(tap_module *m, const char *name);            /* "enc"; never NULL */
TAP_API tap_status  tap_module_status(const tap_module *m, const char **message); /* the root's first error */
TAP_API const char *tap_module_message(const tap_module *m);                      /* its sentence alone; "" if none */
/* The root works again, with all parameters it has. What failed calls returned (a layer, an optimizer) stays unusable. */
TAP_API void tap_module_clear_error(tap_module *m);
/* A caller's own error; the message gets m's path in front. */
TAP_API tap_status tap_module_fail(tap_module *m, tap_status status, const char *format, ...) TAP_PRINTF(3, 4);
TAP_API tap_dtype  tap_module_dtype(const tap_module *m);
TAP_API int64_t    tap_module_numel(const tap_module *m); /* numbers in all parameters at and below m */

/* How a new parameter is filled. Values depend on the root's seed and the parameter's path alone. fan_in and fan_out are
 * PyTorch's: for a weight [out,in,...], in and out times the sizes behind. */
typedef struct {
    enum {
        TAP_INIT_ZEROS,
        TAP_INIT_CONSTANT,
        TAP_INIT_UNIFORM,
        TAP_INIT_NORMAL,
        TAP_INIT_XAVIER_UNIFORM,
        TAP_INIT_XAVIER_NORMAL,
        TAP_INIT_KAIMING_UNIFORM,
        TAP_INIT_KAIMING_NORMAL
    } how;
    double  value;  /* constant: the constant; uniform: +-value; normal: standard deviation; xavier, kaiming: gain */
    int64_t fan_in; /* 0: from the shape */
} tap_init;

TAP_API tap_init tap_init_zeros(void);
TAP_API tap_init tap_init_constant(double c);
TAP_API tap_init tap_init_uniform(double bound);        /* U(-bound, bound) */
TAP_API tap_init tap_init_normal(double std);           /* N(0, std^2) */
TAP_API tap_init tap_init_xavier_uniform(double gain);  /* U(+-gain sqrt(6 / (fan_in + fan_out))), Glorot & Bengio 2010 */
TAP_API tap_init tap_init_xavier_normal(double gain);   /* N(0, gain^2 2 / (fan_in + fan_out)) */
TAP_API tap_init tap_init_kaiming_uniform(double gain); /* U(+-gain sqrt(3 / fan_in)), He et al. 2015 */
TAP_API tap_init tap_init_kaiming_normal(double gain);  /* N(0, gain^2 / fan_in) */
TAP_API tap_init tap_init_default(int64_t fan_in);      /* PyTorch's default for Linear, weight and bias: U(+-1/sqrt(fan_in)) */

/* A new parameter of m with a zero gradient. Never NULL; on an error an inert one, and the root has failed. */
TAP_API tap_param  *tap_param_new(tap_module *m, const char *name, tap_shape shape, tap_init how);
TAP_API const char *tap_param_path(const tap_param *p); /* "enc.0.weight" */
/* A view, writable between steps: after writing to it through its pointer, call tap_tensor_written, so that no backward pass takes
 * the new numbers for those of its forward pass (TAP_ESTALE). NaN [] for a parameter that could not be made. */
TAP_API tap_tensor tap_param_value(const tap_param *p);
/* A view of the gradient, added up since the last step of the parameter's optimizer or, if it has none, since the last step of any
 * optimizer of its root. */
TAP_API tap_tensor tap_param_grad(tap_param *p);
/* Freezing: no gradient is computed for a parameter that does not require one, nor anything that only leads to it, and optimizers
 * leave it alone. From the next tap_param_var on; at first all parameters require one. PyTorch's requires_grad_. */
TAP_API void    tap_param_set_requires_grad(tap_param *p, bool on);
TAP_API bool    tap_param_requires_grad(const tap_param *p);
TAP_API void    tap_module_set_requires_grad(tap_module *m, bool on); /* of all parameters at and below m */
TAP_API tap_var tap_param_var(tap_tape *t, tap_param *p);             /* the parameter as a var; the same one all step long */
/* Parameters at and below m in order of creation: NULL gives the first, the last one NULL. */
TAP_API tap_param *tap_module_next(const tap_module *m, const tap_param *p);
TAP_API tap_param *tap_module_param(const tap_module *m, const char *path); /* by full path; NULL: there is none */
TAP_API void       tap_module_zero_grad(tap_module *m);
/* One training tape per module at a time. */

/* The tree at and below m: modules and parameters in order of creation, shapes, and how many numbers each has.
 *
 *     module                   144
 *       enc                    144
 *         weight  [16,8]       128
 *         bias    [16]          16
 *     total: 144 parameters, float32
 *
 * A failed root's status and message come first; nothing else if it has no parameters. */
TAP_API void tap_module_print(const tap_module *m);             /* to stdout */
TAP_API void tap_module_fprint(FILE *out, const tap_module *m); /* nothing if out is NULL */

/* Writes all parameters under their paths, with metadata of the caller's; whole or not at all. */
TAP_API tap_status tap_module_save(const tap_module *m, const char *path, int n_metadata, const tap_metadata *metadata,
                                   tap_error *e);
/* Reads all parameters (converting between float32 and float64) or, if a name, shape or dtype does not fit, none. */
TAP_API tap_status tap_module_load(tap_module *m, const char *path, tap_error *e);

/* ---- Layers ------------------------------------------------------------------------------------------------------ */

typedef struct {
    tap_param *weight, *bias; /* [out,in], [out] */
} tap_linear;

TAP_API void    tap_linear_init(tap_linear *l, tap_module *m, const char *name, int64_t in, int64_t out);
TAP_API tap_var tap_linear_forward(const tap_linear *l, tap_var x); /* x W^T + b: [..,in] -> [..,out] */

typedef tap_var (*tap_activation)(tap_var x);

/* relu, tanh, sigmoid, softplus, elu, silu, identity; NULL: unknown */
TAP_API tap_activation tap_activation_find(const char *name);
TAP_API const char    *tap_activation_names(void); /* "relu, tanh, ..." for help texts */
TAP_API tap_var        tap_identity(tap_var x);

/* Linear layers "name.0", "name.1", ..., each followed by the activation. sizes: in, hidden, ..., out. */
typedef struct {
    int            n;
    tap_linear    *layers; /* owned by the root */
    tap_activation activation;
} tap_mlp;

TAP_API void    tap_mlp_init(tap_mlp *l, tap_module *m, const char *name, int n_sizes, const int64_t *sizes,
                             tap_activation activation);
TAP_API tap_var tap_mlp_forward(const tap_mlp *l, tap_var x); /* [..,sizes[0]] -> [..,sizes[n_sizes-1]] */

/* ---- Functions in PyTorch's terms (torch.nn.functional) ---------------------------------------------------------- */
/* Composed of the operators of autograd.h, and differentiable as often as these. A tensor that may be absent is { 0 } then. */

TAP_API tap_var tap_prelu(tap_var x,
                          tap_var weight); /* max(x, 0) + weight min(x, 0); weight [], [1] or [channels], axis 1 of x */
/* x held between lo and hi without a corner: hi - softplus(hi - lo - softplus(x - lo)), which is x up to e^-d at a distance d
 * from both. For log-scales, whose exponential is to stay finite. */
TAP_API tap_var tap_smooth_clip(tap_var x, double lo, double hi);
TAP_API tap_var tap_glu(tap_var x, int axis);     /* a sigmoid(b), x = [a,b] along the axis */
TAP_API tap_var tap_softmin(tap_var x, int axis); /* softmax(-x) */
/* While training, each element is 0 with probability p, else divided by 1 - p; noise of the tape. */
TAP_API tap_var tap_dropout(tap_var x, double p, bool training);

/* Rows of a table: index [..] int64 in 0..rows-1, weight [rows,width] -> [..,width]. The row padding_idx gets no gradient. */
TAP_API tap_var tap_embedding(tap_var index, tap_var weight, int64_t padding_idx);
#define TAP_NO_INDEX INT64_MIN /* for padding_idx and ignore_index: none */
/* Rows of a sparse matrix, as a dense one of the tape's dtype: index int64 [n] -> [n,columns]. A constant; x is borrowed for the call. */
TAP_API tap_var tap_csr_select(tap_csr x, tap_var index);
TAP_API tap_var tap_one_hot(tap_var index, int64_t num_classes); /* int64 [..] -> [..,num_classes]; -1: the largest index + 1 */

/* x / max(|x|_p, eps), the norm along the axis. What is infinite counts as its sign, and all that is finite beside it as 0, which is the
 * limit; 0 / 0 is 0. So it is in the next, and in normalization. */
TAP_API tap_var tap_normalize(tap_var x, double p, int axis, double eps);
TAP_API tap_var tap_cosine_similarity(tap_var x1, tap_var x2, int axis,
                                      double eps); /* of normalized x1 and x2; they broadcast */

/* (x - mean) / sqrt(var + eps) * weight + bias, 0 / 0 being 0. Weight and bias may be absent. Mean and variance (divided by n) are */
/* over the last axes, whose shape is given and is weight's and bias's; */
TAP_API tap_var tap_layer_norm(tap_var x, tap_shape normalized_shape, tap_var weight, tap_var bias, double eps);
/* over each of the groups of channels of each example: x [batch,channels,..], weight and bias [channels]; */
TAP_API tap_var tap_group_norm(tap_var x, int64_t groups, tap_var weight, tap_var bias, double eps);
/* over all but the channels while training; the running statistics [channels] (the caller's, may be NULL then) follow with the
 * momentum, the variance divided by n - 1. Else the running statistics themselves. An empty batch [0] comes back as it is. */
TAP_API tap_var tap_batch_norm(tap_var x, const tap_tensor *running_mean, const tap_tensor *running_var, tap_var weight,
                               tap_var bias, bool training, double momentum, double eps);
TAP_API tap_var tap_rms_norm(tap_var x, tap_shape normalized_shape, tap_var weight,
                             double eps); /* x / sqrt(mean x^2 + eps) * weight */

/* softmax(scale q k^T + mask) v: q [..,n,width], k [..,m,width], v [..,m,out] -> [..,n,out]; leading axes broadcast. mask may be
 * absent, bool (true: takes part) or float (added), and broadcasts to [..,n,m]; causal: query i sees keys 0..i. scale 0 stands for
 * 1/sqrt(width). A query that sees nothing gives 0. What is masked has weight 0, whatever its product with the query, but takes part in
 * matrix products: NaN and infinity in a row of v, and for gradients of k, reach all queries. Dropout is on the weights. Vaswani et
 * al. 2017. */
TAP_API tap_var tap_scaled_dot_product_attention(tap_var query, tap_var key, tap_var value, tap_var mask, double dropout_p,
                                                 bool is_causal, double scale);

/* ---- Losses ------------------------------------------------------------------------------------------------------ */

/* Terms that are ignored, or have weight 0, add nothing to a loss or a gradient, be they infinite or NaN; so it is with what a target of 0
 * is multiplied by. The mean when all are ignored is 0 / 0, NaN, and its gradient 0. */

/* Of the terms: their mean, their sum, the terms themselves, the sum divided by the size of axis 0. */
typedef enum { TAP_REDUCE_MEAN, TAP_REDUCE_SUM, TAP_REDUCE_NONE, TAP_REDUCE_BATCHMEAN } tap_reduction;

/* In the next four, equal infinities differ by 0. */
TAP_API tap_var tap_mse_loss(tap_var input, tap_var target, tap_reduction how); /* (input - target)^2 */
TAP_API tap_var tap_l1_loss(tap_var input, tap_var target, tap_reduction how);  /* |input - target| */
/* d^2 / (2 beta) for d = |input - target| < beta, else d - beta / 2 */
TAP_API tap_var tap_smooth_l1_loss(tap_var input, tap_var target, tap_reduction how, double beta);
/* d^2 / 2 for d < delta, else delta (d - delta / 2) */
TAP_API tap_var tap_huber_loss(tap_var input, tap_var target, tap_reduction how, double delta);
/* target (log target - input), input being log-probabilities; log_target: so is the target. A target of 0 adds 0, and has gradient 0,
 * though the slope there is -infinity. */
TAP_API tap_var tap_kl_div(tap_var input, tap_var target, tap_reduction how, bool log_target);
/* -target log input - (1 - target) log(1 - input), logarithms not below -100, with gradient 0 where they are held there; input and target
 * in 0..1; times weight, which broadcasts */
TAP_API tap_var tap_binary_cross_entropy(tap_var input, tap_var target, tap_var weight, tap_reduction how);
/* The same of sigmoid(input), without the bound; pos_weight multiplies the first term. */
TAP_API tap_var tap_binary_cross_entropy_with_logits(tap_var input, tap_var target, tap_var weight, tap_reduction how,
                                                     tap_var pos_weight);
/* -weight[target] input[target]: input [batch,classes,..] (or [classes]), target int64 [batch,..] (or []), weight [classes]. Targets
 * equal to ignore_index do not count. The mean is weighted. */
TAP_API tap_var tap_nll_loss(tap_var input, tap_var target, tap_var weight, int64_t ignore_index, tap_reduction how);
/* nll_loss of log_softmax(input); or, for a float target of input's shape, -sum_c weight[c] target[c] log_softmax(input)[c]. With
 * label_smoothing e the target is mixed with the uniform distribution, 1 - e to e. Logits that lie further apart than the largest number
 * are infinitely far apart. */
TAP_API tap_var tap_cross_entropy(tap_var input, tap_var target, tap_var weight, int64_t ignore_index, tap_reduction how,
                                  double label_smoothing);

/* ---- Images ------------------------------------------------------------------------------------------------------ */
/* torch.nn.functional over spatial axes. x is [N,C,H,W] or, for one image, [C,H,W]; an axis less in 1-D, which uses the first
 * of two numbers. {0} gives the defaults in brackets. */

typedef struct {
    int64_t stride[2], padding[2], dilation[2]; /* [1, 0, 1] */
    int64_t output_padding[2];                  /* transposed only: added to the output's size, at the end */
    int64_t groups;                             /* [1] */
    bool    same;                               /* padding = "same", for stride 1: as large as x */
} tap_conv_options;

/* y[n,o] = bias[o] + sum_c weight[o,c] * x[n,c], a cross-correlation: weight [out,in/groups,kh,kw]; bias [out] or
 * (tap_var){ 0 }. A size becomes (size + 2 padding - dilation (k - 1) - 1) / stride + 1, rounded down. */
TAP_API tap_var tap_conv1d(tap_var x, tap_var weight, tap_var bias, tap_conv_options o);
TAP_API tap_var tap_conv2d(tap_var x, tap_var weight, tap_var bias, tap_conv_options o);
/* The adjoints, with a bias of their own: weight [in,out/groups,kh,kw].
 * A size becomes (size - 1) stride - 2 padding + dilation (k - 1) + 1 + output_padding. */
TAP_API tap_var tap_conv_transpose1d(tap_var x, tap_var weight, tap_var bias, tap_conv_options o);
TAP_API tap_var tap_conv_transpose2d(tap_var x, tap_var weight, tap_var bias, tap_conv_options o);

/* A layer of 2-D convolution with a square kernel: weight [out,in/groups,kernel,kernel] or, transposed,
 * [in,out/groups,kernel,kernel]; bias [out]. */
typedef struct {
    tap_param       *weight, *bias; /* owned by the root */
    tap_conv_options options;
    bool             transposed;
} tap_conv;

TAP_API void    tap_conv_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel,
                              tap_conv_options o);
TAP_API void    tap_conv_transpose_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel,
                                        tap_conv_options o);
TAP_API tap_var tap_conv_forward(const tap_conv *l, tap_var x); /* [N,in,H,W] or [in,H,W]: by tap_conv2d or its adjoint */

typedef struct {
    int64_t kernel[2];             /* must be given */
    int64_t stride[2], padding[2]; /* [the kernel's, 0] */
    int64_t dilation[2];           /* of maxima [1] */
    int64_t divisor;               /* of means [0: how many elements a window has] */
    bool    ceil_mode;             /* round sizes up: windows may reach beyond the padding */
    bool    exclude_pad;           /* a mean is over elements of x alone, not over the padding's zeros */
} tap_pool_options;

/* The largest of each window, NaN if there is one; *index (may be NULL): the first place of it in its H W plane, int64. */
TAP_API tap_var tap_max_pool2d(tap_var x, tap_pool_options o, tap_var *index);
TAP_API tap_var tap_avg_pool2d(tap_var x, tap_pool_options o);
/* Means over windows floor(i H / height) to ceil((i + 1) H / height), so that the result has this size; 0 keeps one. */
TAP_API tap_var tap_adaptive_avg_pool2d(tap_var x, int64_t height, int64_t width);

typedef enum { TAP_PAD_CONSTANT, TAP_PAD_REFLECT, TAP_PAD_REPLICATE, TAP_PAD_CIRCULAR } tap_pad_mode;

/* padding: for the last axis how much before and after it, then for the one before it, and so on: n numbers, negative
 * ones crop. x of any dtype. value is for TAP_PAD_CONSTANT; the other modes need one or two axes before the padded ones. */
TAP_API tap_var tap_pad(tap_var x, int n, const int64_t *padding, tap_pad_mode mode, double value);

/* Along both axes of [..,H,W], means with weights proportional to e^(-d^2 / (2 sigma^2)) over kernel_size (odd) pixels, at the borders
 * reflected ones: torchvision's gaussian_blur. */
TAP_API tap_var tap_gaussian_blur(tap_var x, int64_t kernel_size, double sigma);

typedef struct {
    int64_t size[3];  /* of the spatial axes: these, */
    double  scale[3]; /* or floor(scale * x's size) */
    enum {
        TAP_INTERPOLATE_NEAREST,
        TAP_INTERPOLATE_NEAREST_EXACT,
        TAP_INTERPOLATE_LINEAR,
        TAP_INTERPOLATE_BICUBIC,
        TAP_INTERPOLATE_AREA
    } mode;
    bool align_corners;   /* linear and bicubic: the outermost elements stay where they are, not the image's edges */
    bool recompute_scale; /* places follow from the sizes, not from scale */
} tap_interpolate_options;

/* x [N,C,..] at another resolution, with one to three spatial axes (linear is bilinear and trilinear, too; bicubic two). */
TAP_API tap_var tap_interpolate(tap_var x, tap_interpolate_options o);

TAP_API tap_var tap_pixel_shuffle(tap_var x, int64_t r);   /* [..,C r r,H,W] -> [..,C,H r,W r] */
TAP_API tap_var tap_pixel_unshuffle(tap_var x, int64_t r); /* and back */

/* ---- Distributions ----------------------------------------------------------------------------------------------- */

typedef struct tap_dist_type tap_dist_type;

/* A batch of distributions. Where an event is an element, log_prob, entropy and KL are elementwise: sum them over the axes that
 * belong together. Where it is a vector, in the last axis, they are without that axis. Parameters of different shapes broadcast. */
typedef struct {
    const tap_dist_type *type;
    tap_var              param[3];
} tap_dist;

/* Events are elements. */
TAP_API tap_dist tap_normal(tap_var loc, tap_var log_scale);     /* N(loc, exp(log_scale)^2) */
TAP_API tap_dist tap_log_normal(tap_var loc, tap_var log_scale); /* e^z, z as above; x > 0 */
TAP_API tap_dist tap_laplace(tap_var loc, tap_var log_scale);    /* density e^(-|x - loc| / scale) / (2 scale) */
/* All at loc, the limit of a Normal whose scale goes to 0: log_prob is infinity there, -infinity elsewhere, entropy -infinity. */
TAP_API tap_dist tap_delta(tap_var loc);
TAP_API tap_dist tap_bernoulli(tap_var logits); /* P(1) = sigmoid(logits); logits may be infinite, here and below */
/* density e^(logits x) / Z, x in [0,1], with Z from (0,1): Loaiza-Ganem & Cunningham 2019 */
TAP_API tap_dist tap_continuous_bernoulli(tap_var logits);
/* sigmoid((logits + logit(u)) / temperature), u uniform: the binary concrete density on [0,1], Maddison et al. 2017. A temperature
 * that is not above 0 gives NaN. */
TAP_API tap_dist tap_relaxed_bernoulli(tap_var logits, tap_var temperature);
TAP_API tap_dist tap_categorical(tap_var logits); /* softmax(logits [..,k]) over classes 0..k-1, int64 [..] */

/* Events are elements, and whole numbers: x may be of any dtype, samples are of the parameters'. Likelihoods of counts are computed
 * in double, so that in float32 they have all their digits, however small mu, and however large theta. */
/* Mean mu, variance mu + mu^2 / theta: a Poisson whose rate is a Gamma of shape theta and mean mu. */
TAP_API tap_dist tap_negative_binomial(tap_var log_mu, tap_var log_theta);
/* 0 with the chance sigmoid(logits), else the same: Lopez et al. 2018 */
TAP_API tap_dist tap_zero_inflated_negative_binomial(tap_var log_mu, tap_var log_theta, tap_var logits);
/* Of total_count trials, each a success with the same chance, which is Beta(alpha, beta). A total_count that is no whole number
 * from 0 up gives NaN; it has no gradient. */
TAP_API tap_dist tap_beta_binomial(tap_var total_count, tap_var log_alpha, tap_var log_beta);
/* Bytes 0..255, at -1, -1 + 2/255, .., 1, to the nearest of which a logistic variable loc + exp(log_scale) logit(u) is rounded:
 * Salimans et al. 2017; and a mixture of k, with weights softmax(logits), all [..,k]. */
TAP_API tap_dist tap_discretized_logistic(tap_var loc, tap_var log_scale);
TAP_API tap_dist tap_discretized_logistic_mixture(tap_var logits, tap_var loc, tap_var log_scale);

/* Events are vectors [..,d]. */
TAP_API tap_dist tap_isotropic_normal(tap_var loc, tap_var log_scale); /* N(loc, exp(log_scale)^2 I): [..,d], [..] */
TAP_API tap_dist tap_multivariate_normal(tap_var loc,
                                         tap_var scale_tril); /* N(loc, L L^T), L the lower triangle: [..,d], [..,d,d] */
TAP_API tap_dist tap_one_hot_categorical(tap_var logits);     /* as Categorical; vectors with a single 1 */
/* softmax((logits + Gumbel noise) / temperature): [..,k], [..]; the concrete density on the simplex, by all but one component */
TAP_API tap_dist tap_relaxed_one_hot_categorical(tap_var logits, tap_var temperature);

/* N(0, 1), or N(0, I) where q's events are vectors, to compare q with. */
TAP_API tap_dist  tap_standard_normal_like(tap_dist q);
TAP_API tap_shape tap_dist_batch_shape(tap_dist d); /* [..] of the parameters, together */
TAP_API tap_shape tap_dist_event_shape(tap_dist d); /* [] or [d] */

/* Samples are reparameterized, so that gradients reach d's parameters; those of Bernoulli, Categorical, OneHotCategorical, of
 * counts and bytes are values, and have none. */
TAP_API tap_var tap_sample(tap_dist d);
TAP_API tap_var tap_sample_n(tap_dist d, int64_t n); /* n samples along a new axis in front */
/* The same; an error, where gradients would need the score function. */
TAP_API tap_var tap_rsample(tap_dist d);
TAP_API tap_var tap_rsample_n(tap_dist d, int64_t n);
/* z = g(noise): Gaussians loc + L noise, noise ~ N(0,1); the others by inverse distribution functions, noise in (0,1), so that a
 * Bernoulli is noise < P(1); classes take noise [..,k]. A Delta takes the shape alone. For NegativeBinomial and BetaBinomial an
 * element's noise is the seed of a random sequence of its own. */
TAP_API tap_var tap_sample_from(tap_dist d, tap_var noise);
/* Natural logarithm of density or mass, all constants included; -infinity, without a gradient, where x cannot be: below 0, or above 1
 * or the last class, count or byte; no whole number; no vector of zeros and a single 1. NaN stays NaN. Two kinds take more: a Bernoulli x
 * between 0 and 1, for x log P(1) + (1 - x) log P(0), and relaxed classes vectors from 0 to 1 that do not sum to 1, as what is
 * rounded does not. x of counts and bytes has no gradient. Distances x - loc and differences of log-scales are to be numbers
 * of the dtype; what is computed from them, and its gradient, is a number wherever mathematics has one that the dtype holds. In float64, masses
 * of counts lose what x log x loses, a digit for each power of ten. */
TAP_API tap_var tap_log_prob(tap_dist d, tap_var x);
/* The next three are errors where there is no closed form: for relaxed kinds, moments of Categorical, entropy of counts and bytes,
 * variance of bytes. */
TAP_API tap_var tap_entropy(tap_dist d);
TAP_API tap_var tap_dist_mean(tap_dist d);
TAP_API tap_var tap_dist_variance(tap_dist d); /* of each element */
/* KL(q || p). Closed forms: between Normal, isotropic and multivariate (theirs are of vectors as soon as one of the two is), between
 * two of a kind but the relaxed ones, between Normal and Laplace, and from Delta, which is infinity for any density. Another pair is
 * an error. */
TAP_API tap_var tap_kl(tap_dist q, tap_dist p);
/* The mean of log q(z) - log p(z) over n samples from q, for any pair, and its standard error (may be NULL; else n >= 2), a constant.
 * Gradients are unbiased: along the samples or, where these have none, by the score function. */
TAP_API tap_var tap_kl_monte_carlo(tap_dist q, tap_dist p, int64_t n, tap_var *standard_error);

/* ---- Bounds on log p(x) and the gradients of them ----------------------------------------------------------------- */

typedef enum {
    TAP_ELBO, /* mean_l [log p(x,z_l) - log q(z_l|x)], or mean_l log p(x|z_l) - KL(q(z|x) || p(z)): Kingma & Welling 2014 */
    TAP_IWAE, /* log mean_l [p(x,z_l) / q(z_l|x)], draws l = 1..K: Burda et al. 2016 */
} tap_bound;

/* How a gradient reaches the parameters of q(z|x), from which z was drawn. All are unbiased. */
typedef enum {
    TAP_REPARAMETERIZED,        /* through z = g(noise), and log q */
    TAP_STICKING_THE_LANDING,   /* through z alone: ELBO, KL by the draws; Roeder et al. 2017 */
    TAP_DOUBLY_REPARAMETERIZED, /* the same for IWAE, Tucker et al. 2019; for the ELBO, it is sticking the landing */
    TAP_SCORE,                  /* (log p(x,z) - log q(z|x)) grad log q(z|x); no gradient through z */
    TAP_SCORE_BASELINE,         /* less a baseline that does not depend on z; by default the mean over the other images */
    TAP_SCORE_LEAVE_ONE_OUT,    /* less what the image's other draws give; for IWAE, Mnih & Rezende 2016 */
} tap_estimator;

/* {0} gives the defaults in brackets. */
typedef struct {
    tap_bound     bound;     /* [ELBO] */
    tap_estimator estimator; /* [reparameterized] */
    double        beta;      /* ELBO: of the KL (Higgins et al. 2017); negative stands for 0 [1] */
    double        free_bits; /* ELBO: nats each latent dimension has free, tap_free_bits [0] */
} tap_bound_options;

/* Of draws z ~ q(z|x), in nats, summed over all that is one event. What is not needed may be absent, { 0 }. */
typedef struct {
    tap_var log_px_z, log_pz, log_q; /* log p(x|z), log p(z), log q(z|x): [L,..], a draw and the images */
    tap_var kl;                      /* KL(q(z|x) || p(z)) by latent dimension [..,d]: then the ELBO is in its second form */
    tap_var z;                       /* [L,..,d], the var that log p(x|z) was computed from: IWAE, doubly reparameterized */
    tap_var baseline;                /* broadcasts to [L,..] */
} tap_bound_terms;

/* Draws and density as the estimator wants them: tap_log_prob(tap_estimator_posterior(e, q), tap_estimator_sample(e, z)), and the
 * same draws for the model. They cut the gradients that are not to flow. */
TAP_API tap_var  tap_estimator_sample(tap_estimator e, tap_var z);
TAP_API tap_dist tap_estimator_posterior(tap_estimator e, tap_dist q);
/* The bound for each image [..]; its gradient is the estimator, so that -tap_mean(bound) is a loss. First derivatives only. */
TAP_API tap_var tap_variational_bound(tap_bound_terms d, tap_bound_options o);
/* KL by latent dimension [..,d]; a dimension whose mean over images is not above `nats` has this constant instead. The mean of
 * the sum is sum_j max(nats, mean KL_j), Kingma et al. 2016 */
TAP_API tap_var tap_free_bits(tap_var kl, double nats);

/* ---- Groups ------------------------------------------------------------------------------------------------------ */

/* {.clusters = k} gives the defaults in brackets. */
typedef struct {
    int64_t  clusters;       /* k, from 1 to the number of points */
    int64_t  restarts;       /* the best of so many is taken [10] */
    int64_t  max_iterations; /* of Lloyd's algorithm, for each restart [300] */
    uint64_t seed;
} tap_kmeans_options;

/* k centres with the smallest sum of squared distances from each point to its nearest one, which it returns; not always the smallest
 * there is. By Lloyd 1982, from centres by Arthur & Vassilvitskii 2007 (k-means++). x [n,d], finite; label int64 [n], contiguous, gets
 * the number of each point's centre. NaN on an error. */
TAP_API double tap_kmeans(tap_tensor x, tap_kmeans_options o, tap_tensor label, tap_error *e);
/* Of two ways to group the same n things, labels int64 [n], contiguous: how many pairs they agree on, by which 1 is all, and 0 what
 * chance gives. Hubert & Arabie 1985. NaN on an error. */
TAP_API double tap_adjusted_rand_index(tap_tensor a, tap_tensor b, tap_error *e);

/* ---- Optimizers -------------------------------------------------------------------------------------------------- */

typedef struct tap_optim tap_optim; /* owned by its root */

/* {0} gives PyTorch's defaults, in brackets. A field set to a negative number stands for 0. */
typedef struct {
    double lr;           /* [1e-3] */
    double beta1, beta2; /* [0.9, 0.999] */
    double eps;          /* [1e-8] */
    double weight_decay; /* L2, added to the gradient [0] */
} tap_adam_options;

typedef struct {
    double lr;           /* [1e-3] */
    double momentum;     /* [0] */
    double weight_decay; /* [0] */
    bool   nesterov;
} tap_sgd_options;

/* For all parameters there are now at and below m; never NULL. Each takes the gradients of backward passes since it was made. A
 * parameter has one optimizer at a time; one made later below m needs one of its own, or the next step is an error. A parameter that
 * no backward pass has reached since the last step stays as it is, with its moments and without weight decay. */
TAP_API tap_optim *tap_adam_new(tap_module *m, tap_adam_options o); /* Kingma & Ba 2015, algorithm 1 */
TAP_API tap_optim *tap_sgd_new(tap_module *m, tap_sgd_options o);   /* v = momentum v + g; x -= lr v (PyTorch's form) */
/* One step on the accumulated gradients, which then count as zero. Touches nothing if the tape (NULL: none to ask) or the root
 * has failed. */
TAP_API tap_status tap_optim_step(tap_optim *o, tap_tape *t);
TAP_API bool       tap_optim_finite(const tap_optim *o); /* whether all gradients that the next step takes are finite numbers */
TAP_API void       tap_optim_set_lr(tap_optim *o, double lr); /* for a schedule */
/* Before its root: gives its memory back, and its parameters may have another optimizer. Not while a checkpoint has it. NULL is
 * allowed. */
TAP_API void tap_optim_free(tap_optim *o);

/* ---- Data -------------------------------------------------------------------------------------------------------- */

typedef struct tap_loader tap_loader;

/* {0} gives the defaults in brackets. */
typedef struct {
    int64_t   batch;     /* rows of a batch [128] */
    bool      shuffle;   /* by (seed, epoch) */
    bool      drop_last; /* leave out a last batch that is smaller */
    uint64_t  seed;
    tap_dtype dtype; /* of the batches [float32] */
    double    scale; /* batches are data * scale [1/255 for uint8 data, else 1] */
} tap_loader_options;

/* Batches of data's rows (axis 0), flattened to [batch, numel of a row]. Borrows data. Never NULL; check tap_loader_status. */
TAP_API tap_loader *tap_loader_new(tap_tensor data, tap_loader_options o);
TAP_API void        tap_loader_free(tap_loader *l);
TAP_API tap_status  tap_loader_status(const tap_loader *l, const char **message);
TAP_API void        tap_loader_start(tap_loader *l, uint64_t epoch); /* begins an epoch; a new loader stands at epoch 0 */
TAP_API uint64_t    tap_loader_epoch(const tap_loader *l);           /* the epoch it stands in */
/* The next batch; false at the end. *x lives until the next call or, if a tape has borrowed it, until that tape is reset. */
TAP_API bool           tap_loader_next(tap_loader *l, tap_tensor *x);
TAP_API int64_t        tap_loader_batches(const tap_loader *l);          /* per epoch */
TAP_API const int64_t *tap_loader_rows(const tap_loader *l, int64_t *n); /* which rows the last batch holds, for labels */

/* ---- Checkpoints ------------------------------------------------------------------------------------------------- */

/* Everything that determines the rest of a training run, in one safetensors file. Say once what belongs to it, and save between
 * steps: a run that was killed then goes on to the same bits, with any number of threads.
 *
 *     tap_checkpoint *c = tap_checkpoint_new("run.safetensors");
 *     tap_checkpoint_module(c, "net", root);
 *     tap_checkpoint_optim(c, "adam", adam);
 *     tap_checkpoint_tape(c, "tape", tape);
 *     tap_checkpoint_loader(c, "data", data);
 *     tap_checkpoint_resume(c, &e);                         // nothing happens if there is none yet
 *     while (tap_loader_epoch(data) < 10) {
 *         while (tap_loader_next(data, &x)) { ... tap_optim_step(adam, tape); }
 *         tap_loader_start(data, tap_loader_epoch(data) + 1);
 *         tap_checkpoint_save(c, &e);                     // after a step, too, if epochs are long
 *     }
 *
 * A save writes beside the old file, syncs, and renames; what was there before stays as PATH.previous, in case the newer one is
 * damaged. The file holds a checksum (XXH3) of all its numbers, names and options. */
typedef struct tap_checkpoint tap_checkpoint;

/* What a path holds: the newest generation that is whole. */
typedef struct {
    const char     *path;    /* of the file; NULL: there is none */
    const char     *skipped; /* why a newer generation was skipped; "" if none was */
    tap_safetensors file;    /* its numbers, and its options as metadata */
} tap_checkpoint_found;

/* Reads what is there, and keeps others from using the path (PATH.lock) until it is freed. Never NULL; check the status: it tells
 * if another process is at it, or if there are files and none is whole. */
TAP_API tap_checkpoint *tap_checkpoint_new(const char *path);
TAP_API void            tap_checkpoint_free(tap_checkpoint *c);
TAP_API tap_status      tap_checkpoint_status(const tap_checkpoint *c, const char **message);
/* What was there when the checkpoint was made, to look into; good until the first load or save. */
TAP_API tap_checkpoint_found tap_checkpoint_peek(const tap_checkpoint *c);

/* What belongs to it. All is borrowed; names are the caller's, each once. */
TAP_API void tap_checkpoint_module(tap_checkpoint *c, const char *name,
                                   tap_module *m); /* values of parameters: NAME.enc.weight */
TAP_API void tap_checkpoint_optim(tap_checkpoint *c, const char *name, tap_optim *o); /* moments, steps taken, learning rate */
TAP_API void tap_checkpoint_tape(tap_checkpoint *c, const char *name, tap_tape *t);   /* where its noise stands */
TAP_API void tap_checkpoint_loader(tap_checkpoint *c, const char *name, tap_loader *l); /* epoch and position in it */
TAP_API void tap_checkpoint_tensor(tap_checkpoint *c, const char *name, tap_tensor x);  /* any numbers, such as running means */
/* A table that grows: the first *rows of room's rows. */
TAP_API void tap_checkpoint_table(tap_checkpoint *c, const char *name, tap_tensor room, int64_t *rows);
/* What must not change: a load refuses a file with another value, and names it. Options of optimizers, tapes and loaders, and the
 * loader's data, are among these by themselves. */
TAP_API void tap_checkpoint_option(tap_checkpoint *c, const char *key, const char *value);

/* Whole or not at all. Refuses weights that are not finite (TAP_ENONFINITE), and gradients that no step has consumed, which it
 * would lose. After a failure what there was is still there, and a later save may succeed. */
TAP_API tap_status tap_checkpoint_save(tap_checkpoint *c, tap_error *e);
/* Puts everything back and returns true, or changes nothing: there is none, or it does not fit (e). */
TAP_API bool tap_checkpoint_resume(tap_checkpoint *c, tap_error *e);

/* ---- Measures of results ----------------------------------------------------------------------------------------- */

/* |mean_a - mean_b|^2 + tr(A + B - 2 sqrt(A B)), the squared Frechet (Wasserstein-2) distance of N(mean_a, A) and N(mean_b, B) that
 * have the means and covariances of the rows of a [n,k] and b [m,k], n and m at least 2, k at most 4096: Dowson & Landau 1982. Of
 * features of images it says how like drawn ones are to real ones: Heusel et al. 2017. NaN on an error. */
TAP_API double tap_frechet_distance(tap_tensor a, tap_tensor b, tap_error *e);

/* How well scores [n] tell positives (positive[i] = 1) from negatives (0), with a bootstrap interval: the same of `resamples` draws with
 * replacement, of as many positives among the positives and negatives among the negatives, less what is outside the middle `level`
 * of them (Efron & Tibshirani 1993, chapter 13). */
typedef struct {
    double value, low, high; /* NaN on an error: no positives, no negatives, scores that are NaN */
} tap_interval;

/* {0} gives the defaults in brackets. */
typedef struct {
    int64_t  resamples; /* negative: none, and low and high are NaN [1000] */
    double   level;     /* [0.95] */
    uint64_t seed;
} tap_bootstrap_options;

/* The chance that a positive has a higher score than a negative, ties counted half, which is the area under the ROC curve:
 * mean_ij [s_i > s_j] + [s_i = s_j] / 2 over positives i and negatives j. Hanley & McNeil 1982 */
TAP_API tap_interval tap_auroc(tap_tensor score, tap_tensor positive, tap_bootstrap_options o, tap_error *e);
/* sum_k (R_k - R_k-1) P_k over the different scores, the highest first: recall R_k and precision P_k of what scores at least so much */
TAP_API tap_interval tap_average_precision(tap_tensor score, tap_tensor positive, tap_bootstrap_options o, tap_error *e);
/* The ROC curve, the parts of the negatives and of the positives that score at least so much, from (0,0) to (1,1), into float64 [>= n+1];
 * returns how many points that are, one more than there are different scores; 0 on an error. */
TAP_API int64_t tap_roc_curve(tap_tensor score, tap_tensor positive, tap_tensor false_rate, tap_tensor true_rate, tap_error *e);

/* ---- Checking ---------------------------------------------------------------------------------------------------- */

/* Any function of a module's parameters. */
typedef tap_var (*tap_module_function)(tap_tape *t, void *ctx);

/* tap_gradcheck by every parameter at and below m, noise held fixed. The message names the parameter. Values of a float64
 * module are perturbed and put back; frozen parameters are left out. A float32 one is checked through a float64 twin: on the check's tape tap_param_var gives the
 * twin's parameters, and float32 data put on it become float64, as do casts to float32. In the end values and gradients are
 * as they were. */
TAP_API tap_gradcheck_result tap_module_gradcheck(tap_module *m, tap_module_function f, void *ctx,
                                                  tap_gradcheck_options options);

#ifdef __cplusplus
}
#endif

#endif
