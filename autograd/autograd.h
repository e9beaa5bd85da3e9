/* autograd/autograd.h: a tape over tensors, operators that record themselves on it, gradients, and their checks.
 *
 * An operator runs when it is called. While the tape records, it also notes how its result came about; tap_backward then
 * walks the tape from its end and applies each operator's rule, which is itself written in operators.
 *
 * Ownership: the caller owns input data, the tape owns every result until tap_tape_reset. Nothing is freed one by one.
 * Errors: the tape keeps its first one. From then on operators return inert vars, values read as NaN, and nothing outside
 * the tape is touched. Check once, at the end. A tape, like an arena, is for one thread at a time.
 *
 * Shapes: [..,m,k] is any number of leading axes, then m, then k. "Broadcast" is NumPy's rule: axes are aligned at the end,
 * and a size of 1 stretches. Both inputs of an operator have one dtype unless it says otherwise.
 */
#ifndef TAP_AUTOGRAD_AUTOGRAD_H
#define TAP_AUTOGRAD_AUTOGRAD_H

#include <stdio.h>

#include "tensor/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Tapes and vars (autograd/tape.c) --------------------------------------------------------------------------- */

typedef struct tap_tape tap_tape;

/* A value on a tape: a small handle, passed by value, valid until the tape is reset. A later use is an error (TAP_ESTALE). */
typedef struct {
    tap_tape *tape;
    uint32_t  id, epoch;
} tap_var;

/* A tape; dtype, float32 or float64, is that of its scalars and noise. Never NULL: without memory, the tape has failed. */
TAP_API tap_tape *tap_tape_new(tap_dtype dtype, uint64_t seed);
TAP_API void      tap_tape_free(tap_tape *t); /* with all values on it; NULL is allowed */
/* Ends the step: all vars of the tape are stale. Keeps the memory for the next step, and the error. */
TAP_API void tap_tape_reset(tap_tape *t);
/* Returns the status of the first error, TAP_OK before any; *message is its sentence, or "". message may be NULL. */
TAP_API tap_status  tap_tape_status(const tap_tape *t, const char **message);
TAP_API const char *tap_tape_message(const tap_tape *t); /* the sentence alone */
/* Clears the error. The vars that failed calls have returned stay inert; all other values are unchanged. */
TAP_API void tap_tape_clear_error(tap_tape *t);
/* Fails the tape with an error of the caller's, unless it has failed before. */
TAP_API tap_status tap_tape_fail(tap_tape *t, tap_status status, const char *format, ...) TAP_PRINTF(3, 4);
/* Whether operators are recorded for gradients; a new tape records. Returns the previous setting. */
TAP_API bool tap_tape_set_recording(tap_tape *t, bool on);
/* Looks for the source of NaN and infinity: the first operator, or rule, whose result holds one that its inputs do not hold
 * fails the tape with TAP_ENONFINITE and a sentence that says where: "log: [128,20] (enc.weight): gives -inf at [3,7]". A NaN
 * from outside is found where it is used, one in a leaf at once; infinite constants, as masks are, may be used. Returns the
 * previous setting; a new tape does not search, which then costs nothing. */
TAP_API bool      tap_tape_trace_nonfinite(tap_tape *t, bool on);
TAP_API tap_dtype tap_tape_dtype(const tap_tape *t);
/* Whether functions on the tape must leave state of the caller's as it is, such as running statistics: during a gradient check,
 * which calls the forward pass many times. */
TAP_API bool tap_tape_keeps_state(const tap_tape *t);
/* Noise on a tape is a function of (seed, step, number of the draw within the step, index). A reset increments the step;
 * tap_tape_set_step goes to another one, so that its noise is drawn again. */
TAP_API uint64_t tap_tape_step(const tap_tape *t);
TAP_API void     tap_tape_set_step(tap_tape *t, uint64_t step);
TAP_API size_t   tap_tape_bytes(const tap_tape *t); /* heap memory the tape holds now */

/* ---- Values in and out (autograd/inputs.c, autograd/tape.c) ----------------------------------------------------- */

/* Data: no gradient. int64 and bool are copied, so that index and label arrays may be refilled at once. Anything else is
 * borrowed until reset, and read again by the rules of the backward pass: a change in between by a function of the library, and
 * any change of an array of up to 4096 bytes, is detected and fails the backward pass (TAP_ESTALE). After writing to a larger
 * array through a pointer, call tap_tensor_written. */
TAP_API tap_var tap_input(tap_tape *t, tap_tensor x);
TAP_API tap_var tap_variable(tap_tape *t, tap_tensor x); /* tap_input, but tap_grad can compute its gradient */
TAP_API tap_var tap_scalar(tap_tape *t, double value);   /* [] in the tape's dtype */
TAP_API tap_var tap_zeros(tap_tape *t, tap_shape shape);
TAP_API tap_var tap_ones(tap_tape *t, tap_shape shape);
TAP_API tap_var tap_full(tap_tape *t, tap_shape shape, double value);
TAP_API tap_var tap_full_like(tap_var x, double value); /* a constant of x's shape and dtype */
/* A constant [] of x's dtype if that is a float dtype, otherwise of the tape's. */
TAP_API tap_var tap_scalar_like(tap_var x, double value);
TAP_API tap_var tap_arange(tap_tape *t, int64_t n);      /* int64: 0, 1, ..., n-1 */
TAP_API tap_var tap_eye(tap_tape *t, int64_t n);         /* [n,n], 1 on the diagonal */
TAP_API tap_var tap_randn(tap_tape *t, tap_shape shape); /* N(0,1) noise, the next draw of this step */
TAP_API tap_var tap_rand(tap_tape *t, tap_shape shape);  /* uniform on (0,1) */

/* Memory that receives the gradient of a leaf: a parameter, seen from the tape. */
typedef struct {
    tap_tensor value; /* borrowed until reset; changes are detected as in tap_input */
    tap_tensor grad;  /* shape and dtype of value, contiguous; tap_backward adds to it */
    bool      *fresh; /* not NULL: while *fresh is true, grad counts as zero whatever it holds; a backward pass sets it false */
    const char *name; /* for messages; borrowed until reset */
} tap_leaf;

TAP_API tap_var tap_leaf_var(tap_tape *t, const tap_leaf *leaf); /* the struct is copied */

/* A view of the value, to be read, good until reset. Once the tape has failed, values read as NaN, those of integers as 0, in
 * the var's shape; [] for a var that a failed call returned. The data are never NULL where the shape has elements. */
TAP_API tap_tensor tap_value(tap_var v);
TAP_API tap_shape  tap_shape_of(tap_var v);
TAP_API double     tap_item(tap_var v);   /* v with one element; NaN once the tape has failed */
TAP_API tap_var    tap_detach(tap_var v); /* the same value, a constant for gradients */
TAP_API tap_var    tap_named(tap_var     v,
                             const char *name); /* v, with this name in messages and graphs; name is borrowed until reset */

/* ---- Elementwise, with broadcasting (autograd/ops/elementwise.def) ---------------------------------------------- */
/* Most of these functions are rows of elementwise.def, which also give the gradients: the row `UNARY(tanh, ...)` defines
 * tap_tanh. The others are composed of them in elementwise_composed.c; where and cast are in elementwise.c. */

TAP_API tap_var tap_neg(tap_var x);
TAP_API tap_var tap_abs(tap_var x);  /* |x|; gradient 0 at 0 */
TAP_API tap_var tap_sign(tap_var x); /* -1, 0 or 1; gradient 0, as of the next four */
TAP_API tap_var tap_ceil(tap_var x);
TAP_API tap_var tap_floor(tap_var x);
TAP_API tap_var tap_round(tap_var x);  /* to the nearest integer, halves to the even one */
TAP_API tap_var tap_trunc(tap_var x);  /* towards 0 */
TAP_API tap_var tap_square(tap_var x); /* x^2 */
TAP_API tap_var tap_sqrt(tap_var x);
TAP_API tap_var tap_rsqrt(tap_var x);                /* 1 / sqrt(x) */
TAP_API tap_var tap_reciprocal(tap_var x);           /* 1 / x */
TAP_API tap_var tap_pow_scalar(tap_var x, double p); /* x^p */
TAP_API tap_var tap_exp(tap_var x);
TAP_API tap_var tap_exp2(tap_var x);  /* 2^x */
TAP_API tap_var tap_expm1(tap_var x); /* e^x - 1, accurate near 0 */
TAP_API tap_var tap_log(tap_var x);   /* natural */
TAP_API tap_var tap_log2(tap_var x);
TAP_API tap_var tap_log10(tap_var x);
TAP_API tap_var tap_log1p(tap_var x); /* log(1 + x), accurate near 0 */
TAP_API tap_var tap_sin(tap_var x);
TAP_API tap_var tap_cos(tap_var x);
TAP_API tap_var tap_tan(tap_var x);
TAP_API tap_var tap_asin(tap_var x);
TAP_API tap_var tap_acos(tap_var x);
TAP_API tap_var tap_atan(tap_var x);
TAP_API tap_var tap_sinh(tap_var x);
TAP_API tap_var tap_cosh(tap_var x);
TAP_API tap_var tap_tanh(tap_var x);
TAP_API tap_var tap_asinh(tap_var x);
TAP_API tap_var tap_acosh(tap_var x);
TAP_API tap_var tap_atanh(tap_var x);
TAP_API tap_var tap_erf(tap_var x);              /* 2/sqrt(pi) integral of e^(-t^2) from 0 to x */
TAP_API tap_var tap_erfc(tap_var x);             /* 1 - erf(x), accurate for large x */
TAP_API tap_var tap_erfinv(tap_var x);           /* erf(erfinv(x)) = x */
TAP_API tap_var tap_lgamma(tap_var x);           /* log |Gamma(x)| */
TAP_API tap_var tap_digamma(tap_var x);          /* its derivative */
TAP_API tap_var tap_polygamma(int n, tap_var x); /* the n-th derivative of digamma, 0 <= n <= 1000000 */

TAP_API tap_var tap_sigmoid(tap_var x); /* 1 / (1 + e^-x) */
TAP_API tap_var tap_log_sigmoid(tap_var x);
TAP_API tap_var tap_softplus(tap_var x); /* log(1 + e^x), without overflow */
/* softplus(beta x) / beta; x if beta x > threshold. */
TAP_API tap_var tap_softplus_beta(tap_var x, double beta, double threshold);
TAP_API tap_var tap_softsign(tap_var x);                 /* x / (1 + |x|) */
TAP_API tap_var tap_relu(tap_var x);                     /* max(x, 0); gradient 0 at 0 */
TAP_API tap_var tap_relu6(tap_var x);                    /* min(max(x, 0), 6); gradient 0 at 0 and 6 */
TAP_API tap_var tap_leaky_relu(tap_var x, double slope); /* x if x > 0, else slope x */
TAP_API tap_var tap_elu(tap_var x, double alpha);        /* x if x > 0, else alpha (e^x - 1) */
TAP_API tap_var tap_celu(tap_var x, double alpha);       /* x if x > 0, else alpha (e^(x / alpha) - 1); alpha not 0 */
TAP_API tap_var tap_selu(tap_var x);                     /* 1.0507.. elu(x, 1.6732..): keeps mean 0 and variance 1 */
TAP_API tap_var tap_silu(tap_var x);                     /* x sigmoid(x) */
TAP_API tap_var tap_mish(tap_var x);                     /* x tanh(softplus(x)) */
TAP_API tap_var tap_gelu(tap_var x);                     /* x (1 + erf(x / sqrt 2)) / 2 */
TAP_API tap_var tap_gelu_tanh(tap_var x);                /* its approximation x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 */
TAP_API tap_var tap_hardtanh(tap_var x, double lo, double hi); /* min(max(x, lo), hi); gradient 0 at lo and hi */
TAP_API tap_var tap_clamp(tap_var x, double lo, double hi);    /* min(max(x, lo), hi); gradient 1 at lo and hi. NaN stays */
TAP_API tap_var tap_clamp_min(tap_var a, tap_var b);           /* max(a, b), all of its gradient to a where a == b */
TAP_API tap_var tap_clamp_max(tap_var a, tap_var b);           /* min(a, b), the same */
/* NaN, inf and -inf replaced by finite numbers: what is given, or the nearest that x's dtype has. Gradient 0 there. */
TAP_API tap_var tap_nan_to_num(tap_var x, double nan, double posinf, double neginf);

TAP_API tap_var tap_add(tap_var a, tap_var b);                  /* a + b */
TAP_API tap_var tap_sub(tap_var a, tap_var b);                  /* a - b */
TAP_API tap_var tap_mul(tap_var a, tap_var b);                  /* a * b */
TAP_API tap_var tap_div(tap_var a, tap_var b);                  /* a / b */
TAP_API tap_var tap_floor_divide(tap_var a, tap_var b);         /* floor(a / b), rounded as Python does; gradient 0 */
TAP_API tap_var tap_pow(tap_var a, tap_var b);                  /* a^b; a > 0, or a = 0 <= b, where a gradient by b is wanted */
TAP_API tap_var tap_hypot(tap_var a, tap_var b);                /* sqrt(a^2 + b^2), without overflow; gradient 0 at 0, 0 */
TAP_API tap_var tap_atan2(tap_var a, tap_var b);                /* the angle of the point (b, a); gradient 0 at 0, 0 */
TAP_API tap_var tap_xlogy(tap_var a, tap_var b);                /* a log b; 0 where a is 0 and b is not NaN */
TAP_API tap_var tap_logaddexp(tap_var a, tap_var b);            /* log(e^a + e^b), without overflow */
TAP_API tap_var tap_lerp(tap_var a, tap_var b, tap_var weight); /* a + weight (b - a) */
TAP_API tap_var tap_maximum(tap_var a, tap_var b);              /* gradients are halved where a == b */
TAP_API tap_var tap_minimum(tap_var a, tap_var b);
TAP_API tap_var tap_add_scalar(tap_var x, double s); /* x + s */
TAP_API tap_var tap_mul_scalar(tap_var x, double s); /* x * s */

/* -log Bernoulli(target | sigmoid(logits)) = softplus(logits) - target logits, per element, for target in [0,1] */
TAP_API tap_var tap_bce_with_logits(tap_var logits, tap_var target);

TAP_API tap_var tap_eq(tap_var a, tap_var b); /* bool, as are the next five; no gradient */
TAP_API tap_var tap_ne(tap_var a, tap_var b);
TAP_API tap_var tap_lt(tap_var a, tap_var b);
TAP_API tap_var tap_le(tap_var a, tap_var b);
TAP_API tap_var tap_gt(tap_var a, tap_var b);
TAP_API tap_var tap_ge(tap_var a, tap_var b);
TAP_API tap_var tap_logical_and(tap_var a, tap_var b); /* of any dtype; what is not 0 is true */
TAP_API tap_var tap_logical_or(tap_var a, tap_var b);
TAP_API tap_var tap_logical_not(tap_var x);
TAP_API tap_var tap_isnan(tap_var x);
TAP_API tap_var tap_isinf(tap_var x);
TAP_API tap_var tap_isfinite(tap_var x);
TAP_API tap_var tap_where(tap_var condition, tap_var a, tap_var b);     /* condition ? a : b; condition bool, all broadcast */
TAP_API tap_var tap_masked_fill(tap_var x, tap_var mask, double value); /* value where mask (bool), else x; both broadcast */
TAP_API tap_var tap_cast(tap_var x, tap_dtype dtype);                   /* a gradient passes between float dtypes only */

/* ---- Shape (autograd/ops/views.c) ------------------------------------------------------------------------------- */
/* Views without a copy, but for reshape, flatten and unflatten where strides do not allow one, and diag_embed, fold and
 * zero_pad. Negative axes count from the end. */

TAP_API tap_var tap_reshape(tap_var x, tap_shape shape);             /* one size may be -1 */
TAP_API tap_var tap_flatten(tap_var x, int start, int end);          /* axes start..end become one; [] becomes [1] */
TAP_API tap_var tap_unflatten(tap_var x, int axis, tap_shape sizes); /* one axis becomes several; one size may be -1 */
TAP_API tap_var tap_permute(tap_var x, int rank, const int *axes);   /* out axis i = x axis axes[i] */
TAP_API tap_var tap_transpose(tap_var x, int axis0, int axis1);
TAP_API tap_var tap_mT(tap_var x); /* [..,m,n] -> [..,n,m] */
/* Axis from[i] goes to to[i]; the others keep their order. */
TAP_API tap_var tap_movedim(tap_var x, int n, const int *from, const int *to);
TAP_API tap_var tap_expand(tap_var x, tap_shape shape); /* size 1 -> n, -1 keeps, new axes in front */
TAP_API tap_var tap_unsqueeze(tap_var x, int axis);     /* a new axis of size 1 there */
TAP_API tap_var tap_squeeze(tap_var x, tap_axes axes);  /* drops those of size 1 among the axes */
TAP_API tap_var tap_slice(tap_var x, int axis, int64_t start, int64_t stop, int64_t step); /* as tap_tensor_slice */
TAP_API tap_var tap_narrow(tap_var x, int axis, int64_t start, int64_t length); /* that piece; outside the axis is an error */
TAP_API tap_var tap_select(tap_var x, int axis, int64_t index);                 /* drops the axis */
TAP_API tap_var tap_flip(tap_var x, tap_axes axes);                             /* backwards */
/* x[i,i+offset] of two axes, as a new last axis. */
TAP_API tap_var tap_diagonal(tap_var x, int64_t offset, int axis1, int axis2);
/* The adjoint: zeros but for x's last axis on that diagonal. */
TAP_API tap_var tap_diag_embed(tap_var x, int64_t offset, int axis1, int axis2);
TAP_API tap_var tap_diag(tap_var x, int64_t offset); /* [n] -> a matrix with that diagonal; [m,n] -> its diagonal */
/* Windows along an axis, PyTorch's Tensor.unfold: [..,n,..] -> [..,(n-size)/step+1,..,size]. */
TAP_API tap_var tap_unfold(tap_var x, int axis, int64_t size, int64_t step);
/* The adjoint: [..,windows,..,size] -> [..,n,..], elements added where windows overlap. */
TAP_API tap_var tap_fold(tap_var windows, int axis, int64_t n, int64_t step);
TAP_API tap_var tap_zero_pad(tap_var x, int axis, int64_t before,
                             int64_t after); /* zeros at both ends; a negative number crops */

/* ---- Joining and splitting (autograd/ops/join.c) ---------------------------------------------------------------- */

TAP_API tap_var tap_cat(int n, const tap_var *x, int axis);   /* equal shapes but along axis; an empty vector [0] is left out */
TAP_API tap_var tap_stack(int n, const tap_var *x, int axis); /* equal shapes, along a new axis */
/* Views of the parts of an axis, in out[0..capacity-1]; the rest of out is inert. They return the number of parts, 0 on an
 * error. */
TAP_API int tap_split(tap_var x, int64_t size, int axis, int capacity,
                      tap_var *out); /* of this size; the last may be smaller */
/* At most `chunks` parts of equal size; the last may be smaller. */
TAP_API int     tap_chunk(tap_var x, int64_t chunks, int axis, int capacity, tap_var *out);
TAP_API int     tap_unbind(tap_var x, int axis, int capacity, tap_var *out); /* parts of size 1, without the axis */
TAP_API tap_var tap_repeat(tap_var x, tap_shape times); /* NumPy's tile; at least as many numbers as axes */
TAP_API tap_var tap_tile(tap_var x, tap_shape times);   /* the same; missing numbers in front are 1 */
/* Element i goes to i + shift, around the end; axes NULL (then n = 1): of all elements in C order. */
TAP_API tap_var tap_roll(tap_var x, int n, const int64_t *shifts, const int *axes);

/* ---- Reductions (autograd/ops/reductions.c, moments.c) ---------------------------------------------------------- */
/* axes: TAP_ALL, TAP_LAST, TAP_AXES(0, 2), and tap_keepdim(...) of these. Summation order is fixed, whatever the threads. */

TAP_API tap_var tap_sum(tap_var x, tap_axes axes);
TAP_API tap_var tap_mean(tap_var x, tap_axes axes); /* NaN over no elements */
/* Gradients are shared equally between equal elements; an axis of size 0 is an error. */
TAP_API tap_var tap_amax(tap_var x, tap_axes axes);
TAP_API tap_var tap_amin(tap_var x, tap_axes axes);
TAP_API tap_var tap_prod(tap_var x, tap_axes axes);      /* 1 over no elements */
TAP_API tap_var tap_logsumexp(tap_var x, tap_axes axes); /* log sum e^x, without overflow */
/* Moments: sum (x - mean)^2 / (n - correction); PyTorch's default correction is 1. NaN where n <= correction. */
TAP_API tap_var tap_variance(tap_var x, tap_axes axes, double correction);
TAP_API tap_var tap_std(tap_var x, tap_axes axes, double correction); /* gradient 0 where it is 0 */
/* Returns the variance; *mean (may be NULL) is the mean. */
TAP_API tap_var tap_var_mean(tap_var x, tap_axes axes, double correction, tap_var *mean);
/* (sum |x|^ord)^(1/ord); ord 0 counts, +-INFINITY is the largest or smallest |x|; gradient 0 where a norm of order 2 is 0 */
TAP_API tap_var tap_vector_norm(tap_var x, double ord, tap_axes axes);
TAP_API tap_var tap_count_nonzero(tap_var x, tap_axes axes); /* int64, x of any dtype; no gradient */
TAP_API tap_var tap_any(tap_var x, tap_axes axes);           /* bool; false over no elements */
TAP_API tap_var tap_all(tap_var x, tap_axes axes);           /* bool; true over no elements */
/* The index of the largest (smallest) element along one axis or, with TAP_ALL, in C order: int64. The first of equal elements;
 * NaN counts as largest and as smallest. */
TAP_API tap_var tap_argmax(tap_var x, tap_axes axes);
TAP_API tap_var tap_argmin(tap_var x, tap_axes axes);
TAP_API tap_var tap_sum_to(tap_var x, tap_shape shape); /* sums what broadcasting shape to x's shape has repeated */

/* ---- Along one axis (autograd/ops/softmax.c, scans.c, sorting.c) ------------------------------------------------ */
/* A scalar has axis 0, as in PyTorch. */

TAP_API tap_var tap_softmax(tap_var x, int axis);      /* e^x / sum e^x */
TAP_API tap_var tap_log_softmax(tap_var x, int axis);  /* x - log sum e^x */
TAP_API tap_var tap_cumsum(tap_var x, int axis);       /* y_i = x_0 + ... + x_i */
TAP_API tap_var tap_cumprod(tap_var x, int axis);      /* y_i = x_0 ... x_i */
TAP_API tap_var tap_logcumsumexp(tap_var x, int axis); /* y_i = log(e^x_0 + ... + e^x_i) */

typedef enum { TAP_ASCENDING = 0, TAP_DESCENDING = 1 } tap_order;
typedef enum { TAP_SMALLEST = 0, TAP_LARGEST = 1 } tap_topk_type;

/* The indices that sort x, int64: equal elements keep their order, NaN is larger than all numbers. No gradient. */
TAP_API tap_var tap_argsort(tap_var x, int axis, tap_order order);
/* x, sorted; *index (may be NULL) is what tap_argsort gives. */
TAP_API tap_var tap_sort(tap_var x, int axis, tap_order order, tap_var *index);
/* The k smallest elements, ascending, or the k largest, descending; *index (may be NULL): their indices. */
TAP_API tap_var tap_topk(tap_var x, int64_t k, int axis, tap_topk_type which, tap_var *index);

/* ---- Indexing (autograd/ops/indexing.c) ------------------------------------------------------------------------- */
/* index: int64, of as many axes as x, and beside the axis not larger than x. An index out of range is an error. */

TAP_API tap_var tap_gather(tap_var x, int axis, tap_var index); /* y[i,j] = x[index[i,j],j], for axis 0 */
/* x with x[index[i,j],j] = src[i,j], for axis 0; the last of equal indices wins. */
TAP_API tap_var tap_scatter(tap_var x, int axis, tap_var index, tap_var src);
/* x with src[i,j] added to x[index[i,j],j], for axis 0. */
TAP_API tap_var tap_scatter_add(tap_var x, int axis, tap_var index, tap_var src);
TAP_API tap_var tap_index_select(tap_var x, int axis, tap_var index);   /* index [n]: y[i] = x[index[i]], for axis 0 */
TAP_API tap_var tap_take_along_dim(tap_var x, tap_var index, int axis); /* gather; x and index broadcast beside the axis */

/* ---- Matrix products (autograd/ops/matmul.c, einsum.c) ---------------------------------------------------------- */

/* [..,m,k] x [..,k,n] -> [..,m,n]; leading axes broadcast. A vector is a row on the left, a column on the right:
 * [..,m,k] x [k] -> [..,m], [k] x [..,k,n] -> [..,n], [k] x [k] -> []. */
TAP_API tap_var tap_matmul(tap_var a, tap_var b);
TAP_API tap_var tap_dot(tap_var a, tap_var b);   /* [n] x [n] -> [] */
TAP_API tap_var tap_mv(tap_var a, tap_var b);    /* [m,n] x [n] -> [m] */
TAP_API tap_var tap_mm(tap_var a, tap_var b);    /* [m,k] x [k,n] -> [m,n] */
TAP_API tap_var tap_bmm(tap_var a, tap_var b);   /* [b,m,k] x [b,k,n] -> [b,m,n] */
TAP_API tap_var tap_outer(tap_var a, tap_var b); /* [m] x [n] -> [m,n] */
TAP_API tap_var tap_inner(tap_var a, tap_var b); /* [..,k] x [..,k] -> [..,..], summed over k; the product if one is [] */
TAP_API tap_var tap_affine(tap_var x, tap_var weight, tap_var bias); /* x W^T + b: [..,in], [out,in], [out] -> [..,out] */
/* beta input + alpha a b, where input broadcasts to the product of tap_mm or tap_bmm. With beta 0, input may hold anything. */
TAP_API tap_var tap_addmm(tap_var input, tap_var a, tap_var b, double beta, double alpha);
TAP_API tap_var tap_baddbmm(tap_var input, tap_var a, tap_var b, double beta, double alpha);
/* Sums over axes_a[i] of a with axes_b[i] of b; their other axes follow each other. NULL, NULL: a's last n, b's first n. */
TAP_API tap_var tap_tensordot(tap_var a, tap_var b, int n, const int *axes_a, const int *axes_b);
/* "bij,bjk->bik": each letter, A-Z and a-z, is an axis; those that are not behind "->" are summed over. "..." stands for any
 * number of axes, which broadcast. A letter twice in one input is its diagonal. Without "->", the result has "..." and then
 * the letters that occur once, A-Z before a-z. Up to TAP_MAX_INPUTS inputs, multiplied from left to right. */
TAP_API tap_var tap_einsum(const char *equation, int n, const tap_var *x);

TAP_API tap_var tap_tril(tap_var x, int64_t diagonal); /* [..,m,n], zeros above that diagonal; any dtype */
TAP_API tap_var tap_triu(tap_var x, int64_t diagonal); /* zeros below it */
TAP_API tap_var tap_trace(tap_var x);                  /* [..,m,n] -> [..] */

/* ---- Linear algebra (autograd/ops/linalg.c) --------------------------------------------------------------------- */
/* Matrices [..,n,n] in batches; leading axes of two inputs broadcast. Empty batches and matrices are fine. */

/* The arguments of BLAS's triangular routines. */
typedef enum {
    TAP_LOWER = 0, /* the lower triangle */
    TAP_UPPER = 1
} tap_uplo;
typedef enum {
    TAP_RIGHT = 0, /* the matrix is on the right of the unknown: y a = b */
    TAP_LEFT = 1   /* a y = b */
} tap_side;
typedef enum {
    TAP_NON_UNIT = 0, /* the diagonal is read */
    TAP_UNIT = 1      /* the diagonal is not read, and taken for 1 */
} tap_diag_type;

/* TAP_LOWER: L of x = L L^T. TAP_UPPER: U of x = U^T U. Only that triangle of x is read, but the gradient is symmetric. A
 * matrix that is not positive definite is an error. */
TAP_API tap_var tap_cholesky(tap_var x, tap_uplo uplo);
/* y of L L^T y = b, given the factor L = l (TAP_LOWER), or of U^T U y = b, given U = l (TAP_UPPER); b [..,n,m]. The gradient by
 * l is that of (l l^T)^-1 b at a triangular l, with both of its triangles, as in PyTorch. */
TAP_API tap_var tap_cholesky_solve(tap_var b, tap_var l, tap_uplo uplo);
/* TAP_LEFT: y of a y = b, b [..,n,m]. TAP_RIGHT: y of y a = b, b [..,m,n]. Only one triangle of a is read. A 0 on the diagonal
 * gives infinities. */
TAP_API tap_var tap_solve_triangular(tap_var a, tap_var b, tap_uplo uplo, tap_side side, tap_diag_type diag);
/* y of a y = b. b is [n], or [..,n] with the leading axes of a, for vectors; else [..,n,m]. A singular a is an error. */
TAP_API tap_var tap_solve(tap_var a, tap_var b);
TAP_API tap_var tap_inv(tap_var x); /* a singular x is an error */
/* [..,n,n] -> [..]; its gradient is right for singular x, too, its second derivative is not finite there. */
TAP_API tap_var tap_det(tap_var x);
/* log |det x|, without overflow; *sign (may be NULL) is -1, 0 or 1, a constant. A gradient needs invertible x. */
TAP_API tap_var tap_slogdet(tap_var x, tap_var *sign);
TAP_API tap_var tap_logdet(tap_var x); /* log det x: NaN where that is negative, -infinity where it is 0 */

/* ---- Gradients (autograd/backward.c) ---------------------------------------------------------------------------- */

/* Adds d loss / d leaf into the gradient of every leaf that loss [] depends on: all of them or, on an error, none. */
TAP_API tap_status tap_backward(tap_var loss);
/* dx[i] = d y / d x[i], y []; zeros where y does not depend on x[i]. If the tape records, so are the dx: differentiate them
 * again. */
TAP_API void tap_grad(tap_var y, int n, const tap_var *x, tap_var *dx);
/* dx[i] = sum_j cotangent_j d y_j / d x[i], for y of any shape and a cotangent of y's shape. Else as tap_grad. */
TAP_API void tap_vjp(tap_var y, tap_var cotangent, int n, const tap_var *x, tap_var *dx);

/* ---- Custom operators (autograd/apply.c, errors.c, tape.c) ------------------------------------------------------- */

#define TAP_MAX_INPUTS 16

typedef struct tap_node tap_node; /* an operator call on the tape, as its rule sees it */
typedef struct tap_op   tap_op;

/* An operator call while it runs. */
typedef struct {
    tap_tape         *tape;
    const tap_op     *op;
    const void       *attr; /* what tap_apply was given, copied: attr_size bytes of it */
    int               n_in;
    const tap_tensor *in;
} tap_call;

struct tap_op {
    const char *name;
    /* Sets out->dtype and out->shape, or returns tap_call_fail. An operator whose result is a view of in[0] sets stride and
     * data too; then forward is not called (and may be NULL). */
    tap_status (*infer)(tap_call *c, tap_tensor *out);
    /* Fills *out: contiguous, of the inferred dtype and shape, contents undefined; never called for empty ones. */
    void (*forward)(tap_call *c, tap_tensor *out);
    /* gin[i] = g . d out / d in[i], in operators, for the i that tap_needs_grad. g has the shape of out. gin[i] may have the
     * shape that in[i] broadcasts to: the engine sums it. A gin[i] left alone is zero. NULL: the operator has no rule, and
     * an input that needs a gradient is an error at the call. */
    void (*vjp)(const tap_node *n, tap_var g, tap_var *gin);
    size_t attr_size;
};

TAP_API tap_var tap_apply(const tap_op *op, const void *attr, int n_in, const tap_var *in);
/* Fails the call's tape; the message gets the operator's name in front and the input shapes at the end. */
TAP_API tap_status tap_call_fail(tap_call *c, tap_status status, const char *format, ...) TAP_PRINTF(3, 4);
TAP_API void      *tap_call_scratch(tap_call *c, size_t bytes); /* for the time of this call; NULL fails the tape */

TAP_API tap_var     tap_in(const tap_node *n, int i);
TAP_API tap_var     tap_out(const tap_node *n);
TAP_API const void *tap_attr(const tap_node *n);
/* Whether the rule needs to compute gin[i]: within a backward pass, whether input i is on a path to what is differentiated
 * by. */
TAP_API bool tap_needs_grad(const tap_node *n, int i);

/* ---- Errors of composed functions (autograd/errors.c) ------------------------------------------------------------ */

/* Puts the name of a composed function into its errors: from TAP_CALL("attention", q, k, v) to the end of the block, errors
 * on the tape of these vars begin with that name and show their shapes, whichever operator fails: "attention, call 3:
 * [2,5,8] x [2,4,6] x [2,4,8]: inner sizes 8 and 6 differ". If such functions are nested, the outermost one gives the name.
 * Absent vars, { 0 }, are left out; the others must be on one tape and of its current step. Without GNU C the macro does
 * nothing. */
#if defined(__GNUC__)
/* clang-format off */
#define TAP_CALL_N(name, n, in) __attribute__((cleanup(tap_call_end), unused)) tap_running tap_running_call = tap_call_begin(name, n, in)
/* clang-format on */
#define TAP_CALL(name, ...) \
    const tap_var tap_call_inputs[] = { __VA_ARGS__ }; \
    TAP_CALL_N(name, (int)(sizeof tap_call_inputs / sizeof *tap_call_inputs), tap_call_inputs)
#else
#define TAP_CALL_N(name, n, in) ((void)0)
#define TAP_CALL(name, ...)     ((void)0)
#endif

typedef struct {
    tap_tape *tape;
} tap_running;
TAP_API tap_running tap_call_begin(const char *name, int n, const tap_var *in);
TAP_API void        tap_call_end(tap_running *r);
/* Fails x's tape with the name and shapes of the composed function that is running, and returns an inert var. */
TAP_API tap_var tap_fail(tap_var x, tap_status status, const char *format, ...) TAP_PRINTF(3, 4);

/* ---- Gradient checks and debugging (autograd/gradcheck.c, debug.c) ---------------------------------------------- */

/* A function under test: builds its result from in[0..n-1] on t; ctx is the caller's. Must be the same function every time. */
typedef tap_var (*tap_function)(tap_tape *t, const tap_var *in, void *ctx);

/* {0} gives the defaults in brackets. Central differences are compared with
 * - each derivative d out_j / d in_i, if there are at most `jacobian` of them;
 * - else the gradient of <out, random cotangent>, element by element, if the inputs have at most 10000 elements;
 * - else the derivative of <out, random cotangent> along `directions` random directions in the space of each input. */
typedef struct {
    double   eps;        /* half the width of the central difference, relative to max(1, |x|) [1e-6] */
    double   atol, rtol; /* |analytic - numeric| <= atol + rtol |numeric| [1e-6, 1e-5] */
    uint64_t seed;       /* of the random cotangent, elements and directions, and of noise drawn inside the function */
    int64_t  elements;   /* check at most this many elements of each input, chosen at random [0: all] */
    int      order;      /* 2: check the gradient of the gradient too [1] */
    int64_t  jacobian;   /* the largest number of derivatives to compare one by one; TAP_NONE: never one by one [4096] */
    int directions; /* up to 10000: always this many directions; TAP_NONE: never directions [8, for more than 10000 elements] */
    bool once;      /* do not require that function and gradient give the same bits when computed again */
} tap_gradcheck_options;

typedef struct {
    bool       ok;
    tap_status status; /* TAP_OK, or the error that ended the check, whose sentence is in message */
    /* The derivative with the largest error: */
    int     input;    /* number of the input; at order 2, n stands for the cotangent */
    char    name[96]; /* name of the input: of tap_named, or the path of a parameter; "": none */
    int64_t element;  /* index into the input in C order; -1: along a direction */
    int64_t output; /* index into the result in C order, at order 2 into the gradients of order 1, end to end; -1: contracted */
    double  analytic;                  /* by the tape */
    double  numeric;                   /* by central differences */
    int64_t checked;                   /* number of derivatives compared */
    char    message[TAP_MESSAGE_SIZE]; /* one sentence, whether the check passed or failed */
} tap_gradcheck_result;

/* Checks the gradients of f at float64 inputs x[0..n-1]. x is perturbed on copies. Noise is held fixed. A kink or a jump at an
 * input fails, and the message says that it looks like one: move the input away from it. */
TAP_API tap_gradcheck_result tap_gradcheck(tap_function f, void *ctx, int n, const tap_tensor *x,
                                           tap_gradcheck_options options);

TAP_API void       tap_dump(tap_var v, FILE *out);                                  /* name, operator, shape, first values */
TAP_API tap_status tap_tape_write_dot(tap_tape *t, const char *path, tap_error *e); /* the recorded graph, for Graphviz */

#ifdef __cplusplus
}
#endif

#endif
