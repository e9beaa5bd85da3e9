/* nn/functional/interpolate.c: images at another resolution, axis by axis: each element of the result is a weighted sum of a
 * few elements of x, its taps. Also pixel shuffling, which exchanges channels and resolution. */
#include <math.h>

#include "autograd/ops/rules.h"
#include "nn/functional/spatial.h"

/* The resampling of one axis from n elements to `to`. fill gives the taps of element i: indices and weights. */
typedef struct resampling resampling;
struct resampling {
    int64_t n, to, taps;
    double  ratio; /* distance in x of neighbours in the result */
    bool    align_corners;
    void (*fill)(const resampling *r, int64_t i, int64_t *index,
                 double *weight); /* a single tap has weight 1, which is not set */
};

static tap_var resample(tap_var x, int axis, resampling r)
{
    tap_tensor indices, weights;
    tap_shape  shape = { .rank = tap_shape_of(x).rank - axis + 1, .n = { r.to, r.taps, 1, 1 } };
    tap_var    index = tap__push_empty(x.tape, TAP_I64, TAP_SHAPE(r.to * r.taps), &indices);
    tap_var    weight = tap__push_empty(x.tape, TAP_F64, shape, &weights);
    if (!indices.data || !weights.data) return tap__inert(x.tape);
    for (int64_t i = 0; i < r.to; i++) r.fill(&r, i, (int64_t *)indices.data + i * r.taps, (double *)weights.data + i * r.taps);
    x = tap_index_select(x, axis, index);
    if (r.taps == 1) return x;
    x = tap_unflatten(x, axis, TAP_SHAPE(r.to, r.taps));
    return tap_sum(tap__chain_mul(tap_cast(weight, tap_value(x).dtype), x),
                   TAP_AXES(axis + 1)); /* 0 times infinity is 0 here */
}

static int64_t clamp_index(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

/* ---- The modes ---- */

/* As in PyTorch, the position is rounded to float before it is rounded down. */
static void nearest(const resampling *r, int64_t i, int64_t *index, double *weight)
{
    (void)weight;
    *index = clamp_index((int64_t)floorf((float)(r->ratio * (double)i)), r->n);
}

static void nearest_exact(const resampling *r, int64_t i, int64_t *index, double *weight)
{
    (void)weight;
    *index = clamp_index((int64_t)floorf((float)(r->ratio * ((double)i + 0.5))), r->n);
}

/* Element i of the result lies between x's elements *floor_index and the next one, at the returned fraction of their
 * distance. */
static double position(const resampling *r, int64_t i, int64_t *floor_index)
{
    double coordinate = r->align_corners ? r->ratio * (double)i : r->ratio * ((double)i + 0.5) - 0.5;
    if (r->taps == 2 && coordinate < 0) coordinate = 0;
    *floor_index = (int64_t)floor(coordinate);
    if (*floor_index > r->n - 1) *floor_index = r->n - 1;
    return fmin(coordinate - (double)*floor_index, 1);
}

static void linear(const resampling *r, int64_t i, int64_t *index, double *weight)
{
    double t = position(r, i, &index[0]);
    index[1] = clamp_index(index[0] + 1, r->n);
    weight[0] = 1 - t;
    weight[1] = t;
}

/* The cubic convolution kernel of Keys 1981 with a = -3/4, for distances t <= 1 and for 1 <= t <= 2. */
static double cubic_inner(double t)
{
    return (1.25 * t - 2.25) * t * t + 1;
}

static double cubic_outer(double t)
{
    return ((-0.75 * t + 3.75) * t - 6) * t + 3;
}

static void cubic(const resampling *r, int64_t i, int64_t *index, double *weight)
{
    int64_t      floor_index;
    const double t = position(r, i, &floor_index);
    for (int k = 0; k < 4; k++) index[k] = clamp_index(floor_index - 1 + k, r->n);
    weight[0] = cubic_outer(1 + t);
    weight[1] = cubic_inner(t);
    weight[2] = cubic_inner(1 - t);
    weight[3] = cubic_outer(2 - t);
}

/* The mean of the elements floor(i n / to) <= j < ceil((i+1) n / to). If they are fewer than the taps, the remaining taps
 * repeat the last element and share its weight: no weight is 0, and infinity stays infinity. */
static void area(const resampling *r, int64_t i, int64_t *index, double *weight)
{
    int64_t first = i * r->n / r->to, last = ((i + 1) * r->n + r->to - 1) / r->to - 1, size = last - first + 1;
    for (int64_t k = 0; k < r->taps; k++) {
        index[k] = first + k < last ? first + k : last;
        weight[k] = 1 / (double)size / (double)(first + k < last ? 1 : r->taps - size + 1);
    }
}

tap_var tap__adaptive_mean(tap_var x, int axis, int64_t to)
{
    int64_t n = tap_shape_of(x).rank > axis ? tap_shape_of(x).n[axis] : to;
    if (n == to) return x;
    if (n % to == 0) return tap_mean(tap_unflatten(x, axis, TAP_SHAPE(to, n / to)), TAP_AXES(axis + 1));
    return resample(x, axis, (resampling){ .n = n, .to = to, .taps = (n + to - 1) / to + 1, .fill = area });
}

/* ---- interpolate ---- */

/* The size of the result along spatial axis i; 0, and the tape has failed, if the options give none. */
static int64_t size_along(const tap_node *n, int i, tap_interpolate_options o)
{
    int64_t size = n->value.shape.n[2 + i];
    double  scaled = floor((double)size * o.scale[i]);
    if (!tap__is_small(size) || size == 0)
        tap__fail_input(n, TAP_ESHAPE, "interpolate", "axis %d is empty or too large", 2 + i);
    else if ((o.size[i] == 0) == (o.scale[i] == 0))
        tap__fail_input(n, TAP_EARG, "interpolate", "axis %d needs either a size or a scale", 2 + i);
    else if (o.size[i] ? o.size[i] < 0 || !tap__is_small(o.size[i]) : !(scaled >= 1 && scaled <= INT32_MAX))
        tap__fail_input(n, TAP_EARG, "interpolate", "size %lld or scale %g is out of range", (long long)o.size[i], o.scale[i]);
    else return o.size[i] ? o.size[i] : (int64_t)scaled;
    return 0;
}

static tap_var resample_to(tap_var x, int axis, int64_t to, double scale, tap_interpolate_options o)
{
    static const resampling modes[] = {
        [TAP_INTERPOLATE_NEAREST] = { .taps = 1, .fill = nearest },
        [TAP_INTERPOLATE_NEAREST_EXACT] = { .taps = 1, .fill = nearest_exact },
        [TAP_INTERPOLATE_LINEAR] = { .taps = 2, .fill = linear },
        [TAP_INTERPOLATE_BICUBIC] = { .taps = 4, .fill = cubic },
    };
    if (o.mode == TAP_INTERPOLATE_AREA) return tap__adaptive_mean(x, axis, to);
    resampling r = modes[o.mode];
    r.n = tap_shape_of(x).rank > axis ? tap_shape_of(x).n[axis] : to;
    r.to = to;
    r.align_corners = o.align_corners;
    if (o.mode == TAP_INTERPOLATE_LINEAR && r.n == to) return x;
    r.ratio = scale > 0 && !o.recompute_scale ? 1 / scale : (double)r.n / (double)to;
    if (o.align_corners) r.ratio = to > 1 ? (double)(r.n - 1) / (double)(to - 1) : 0;
    if (tap_value(x).dtype == TAP_F32) r.ratio = (double)(float)r.ratio;
    return resample(x, axis, r);
}

tap_var tap_interpolate(tap_var x, tap_interpolate_options o)
{
    TAP_CALL("interpolate", x);
    const tap_node *n = tap__node_of(x);
    int64_t         to[3] = { 0 };
    if (!n) return tap__inert(x.tape);
    const int axes = n->value.shape.rank - 2;
    if (!tap_dtype_is_float(n->value.dtype))
        return tap__fail_input(n, TAP_EDTYPE, "interpolate", "%s is not float32 or float64; tap_cast makes it so",
                               tap_dtype_name(n->value.dtype));
    if (axes < 1 || axes > 3)
        return tap__fail_input(n, TAP_ESHAPE, "interpolate", "needs [N,C,..] with one to three spatial axes");
    if (o.mode < TAP_INTERPOLATE_NEAREST || o.mode > TAP_INTERPOLATE_AREA)
        return tap__fail_input(n, TAP_EARG, "interpolate", "mode must be one of tap_interpolate_options, not %d", (int)o.mode);
    if (o.mode == TAP_INTERPOLATE_BICUBIC && axes != 2)
        return tap__fail_input(n, TAP_ESHAPE, "interpolate", "bicubic needs [N,C,H,W]");
    if (o.align_corners && o.mode != TAP_INTERPOLATE_LINEAR && o.mode != TAP_INTERPOLATE_BICUBIC)
        return tap__fail_input(n, TAP_EARG, "interpolate", "align_corners needs the mode linear or bicubic");
    for (int i = 0; i < axes; i++) {
        to[i] = size_along(n, i, o);
        if (!to[i]) return tap__inert(x.tape);
    }
    for (int i = 0; i < axes; i++) x = resample_to(x, 2 + i, to[i], o.scale[i], o);
    return x;
}

/* ---- pixel_shuffle, pixel_unshuffle ---- */

/* The product of the leading axes of [..,C,H,W]; -1, and the tape has failed, if x or the factor r cannot be used. */
static int64_t count_images(const tap_node *n, const char *call, int64_t r)
{
    tap_shape s = n->value.shape;
    int64_t   count = 1;
    if (s.rank < 3) tap__fail_input(n, TAP_ESHAPE, call, "needs [..,C,H,W]");
    else if (r < 1 || !tap__is_small(r)) tap__fail_input(n, TAP_EARG, call, "factor %lld is out of range", (long long)r);
    else {
        for (int i = 0; i < s.rank - 3; i++) count *= s.n[i];
        return count;
    }
    return -1;
}

tap_var tap_pixel_shuffle(tap_var x, int64_t r)
{
    TAP_CALL("pixel_shuffle", x);
    const tap_node *n = tap__node_of(x);
    int64_t         batch = n ? count_images(n, "pixel_shuffle", r) : -1;
    if (batch < 0) return tap__inert(x.tape);
    tap_shape s = n->value.shape, to = s;
    int64_t   square = r * r, *size = to.n + s.rank - 3, c = size[0] / square, h = size[1], w = size[2];
    if (size[0] % square != 0)
        return tap__fail_input(n, TAP_ESHAPE, "pixel_shuffle", "%lld channels must be divisible by %lld^2", (long long)size[0],
                               (long long)r);
    if (__builtin_mul_overflow(h, r, &size[1]) || __builtin_mul_overflow(w, r, &size[2]))
        return tap__fail_input(n, TAP_ESHAPE, "pixel_shuffle", "the result is too large");
    size[0] = c;
    x = tap_permute(tap_reshape(x, TAP_SHAPE(batch, c, r, r, h, w)), 6, (const int[]){ 0, 1, 4, 2, 5, 3 });
    return tap_reshape(x, to);
}

tap_var tap_pixel_unshuffle(tap_var x, int64_t r)
{
    TAP_CALL("pixel_unshuffle", x);
    const tap_node *n = tap__node_of(x);
    int64_t         batch = n ? count_images(n, "pixel_unshuffle", r) : -1;
    if (batch < 0) return tap__inert(x.tape);
    tap_shape s = n->value.shape, to = s;
    int64_t   square = r * r, *size = to.n + s.rank - 3, c = size[0], h = size[1] / r, w = size[2] / r;
    if (size[1] % r != 0 || size[2] % r != 0)
        return tap__fail_input(n, TAP_ESHAPE, "pixel_unshuffle", "height %lld and width %lld must be divisible by %lld",
                               (long long)size[1], (long long)size[2], (long long)r);
    if (__builtin_mul_overflow(c, square, &size[0]))
        return tap__fail_input(n, TAP_ESHAPE, "pixel_unshuffle", "the result is too large");
    size[1] = h;
    size[2] = w;
    x = tap_permute(tap_reshape(x, TAP_SHAPE(batch, c, h, r, w, r)), 6, (const int[]){ 0, 1, 3, 5, 2, 4 });
    return tap_reshape(x, to);
}
