/* nn/functional.h: the functions of torch.nn.functional, composed of the operators of autograd.h, and differentiable as often
 * as these. An optional tensor that is absent is { 0 }. */
#ifndef TAP_NN_FUNCTIONAL_H
#define TAP_NN_FUNCTIONAL_H

#include "autograd/autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Activations and dropout (functional/activation.c, dropout.c) --------------------------------------------------- */

typedef tap_var (*tap_activation)(tap_var x); /* elementwise */

/* relu, tanh, sigmoid, softplus, elu, silu, gelu, leaky_relu, selu, mish or identity, with PyTorch's defaults; NULL: unknown
 * name */
TAP_API tap_activation tap_activation_find(const char *name);
TAP_API const char    *tap_activation_names(void); /* "relu, tanh, ...", for help texts */
TAP_API tap_var        tap_identity(tap_var x);

/* max(x, 0) + weight min(x, 0); weight [], [1] or [channels], axis 1 of x */
TAP_API tap_var tap_prelu(tap_var x, tap_var weight);
/* x clipped smoothly to lo..hi: hi - softplus(hi - lo - softplus(x - lo)), which differs from x by about e^-d at a distance d
 * from both bounds. For log-scales, so that their exponential is finite. */
TAP_API tap_var tap_smooth_clip(tap_var x, double lo, double hi);
TAP_API tap_var tap_glu(tap_var x, int axis);     /* a sigmoid(b), a and b being the halves of x along the axis */
TAP_API tap_var tap_softmin(tap_var x, int axis); /* softmax(-x) */
/* If training, each element is 0 with probability p, else divided by 1 - p; by noise of the tape. If not, x. */
TAP_API tap_var tap_dropout(tap_var x, double p, bool training);

/* ---- Products and tables (functional/bilinear.c, embedding.c, csr_select.c, one_hot.c) ------------------------------ */

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

/* ---- Normalization (functional/normalization.c, similarity.c) ------------------------------------------------------- */

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
/* Over the axes after the channels of each example, with weight and bias [channels]: Ulyanov et al. 2016. x
 * [batch,channels,..]. With use_input_stats, the running statistics, which may be NULL, are updated as in batch normalization,
 * by the means over the batch. Without, they are used for mean and variance. */
TAP_API tap_var tap_instance_norm(tap_var x, const tap_tensor *running_mean, const tap_tensor *running_var, tap_var weight,
                                  tap_var bias, bool use_input_stats, double momentum, double eps);
/* x / sqrt(mean x^2 + eps) * weight, over the last axes: Zhang & Sennrich 2019 */
TAP_API tap_var tap_rms_norm(tap_var x, tap_shape normalized_shape, tap_var weight, double eps);

/* ---- Attention (functional/attention.c) ----------------------------------------------------------------------------- */

/* softmax(scale q k^T + mask) v: q [..,n,width], k [..,m,width], v [..,m,out] -> [..,n,out]; leading axes broadcast: Vaswani et
 * al. 2017. mask is optional: bool (true: query and key attend) or float (added), and broadcasts to [..,n,m]. is_causal: query
 * i attends to keys 0..i. scale 0 stands for 1/sqrt(width). A query that attends to no key gives 0. A masked key has weight 0,
 * whatever its product with the query, but it takes part in matrix products: NaN and infinity in its row of v, and for
 * gradients of k, reach all queries. Dropout is applied to the weights. */
TAP_API tap_var tap_scaled_dot_product_attention(tap_var query, tap_var key, tap_var value, tap_var mask, double dropout_p,
                                                 bool is_causal, double scale);

/* ---- Convolution, pooling and images (functional/conv.c, pool.c, pad.c, blur.c, interpolate.c) ---------------------- */
/* Functions over spatial axes. x is [N,C,H,W] or, for one image, [C,H,W]; in 1-D [N,C,L] or [C,L], and
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
/* In 1-D; *index counts the L elements */
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

/* ---- Losses (functional/losses.c) ----------------------------------------------------------------------------------- */

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

#ifdef __cplusplus
}
#endif

#endif
