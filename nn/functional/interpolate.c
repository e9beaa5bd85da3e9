/* Changing the resolution: every element of the result is a weighted sum of some of x's, axis by axis. */
#include <math.h>

#include "autograd/ops/rules.h"
#include "nn/functional/spatial.h"

/* One axis, from n elements to `to`. An element of the result has so many taps: places and weights. */
typedef struct resizing resizing;
struct resizing {
    int64_t n, to, taps;
    double  ratio; /* steps of x for one of the result */
    bool    align_corners;
    void (*fill)(const resizing *r, int64_t i, int64_t *place, double *weight); /* a single tap has weight 1 */
};

static tap_var resize(tap_var x, int axis, resizing r)
{
    tap_tensor places, weights;
    tap_shape  shape = { .rank = tap_shape_of(x).rank - axis + 1, .n = { r.to, r.taps, 1, 1 } };
    tap_var    place = tap__push_empty(x.tape, TAP_I64, TAP_SHAPE(r.to * r.taps), &places);
    tap_var    weight = tap__push_empty(x.tape, TAP_F64, shape, &weights);
    if (!places.data || !weights.data) return tap__inert(x.tape);
    for (int64_t i = 0; i < r.to; i++) r.fill(&r, i, (int64_t *)places.data + i * r.taps, (double *)weights.data + i * r.taps);
    x = tap_index_select(x, axis, place);
    if (r.taps == 1) return x;
    x = tap_unflatten(x, axis, TAP_SHAPE(r.to, r.taps));
    return tap_sum(tap__chain_mul(tap_cast(weight, tap_value(x).dtype), x),
                   TAP_AXES(axis + 1)); /* 0 times infinity is nothing here */
}

static int64_t within(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

/* ---- The modes ---- */

/* PyTorch rounds to float before it rounds down. */
static void nearest(const resizing *r, int64_t i, int64_t *place, double *weight)
{
    (void)weight;
    *place = within((int64_t)floorf((float)(r->ratio * (double)i)), r->n);
}

static void nearest_exact(const resizing *r, int64_t i, int64_t *place, double *weight)
{
    (void)weight;
    *place = within((int64_t)floorf((float)(r->ratio * ((double)i + 0.5))), r->n);
}

/* Element i of the result lies at x's element *at and this part of the way to the next. */
static double position(const resizing *r, int64_t i, int64_t *at)
{
    double place = r->align_corners ? r->ratio * (double)i : r->ratio * ((double)i + 0.5) - 0.5;
    if (r->taps == 2 && place < 0) place = 0;
    *at = (int64_t)floor(place);
    if (*at > r->n - 1) *at = r->n - 1;
    return fmin(place - (double)*at, 1);
}

static void linear(const resizing *r, int64_t i, int64_t *place, double *weight)
{
    double t = position(r, i, &place[0]);
    place[1] = within(place[0] + 1, r->n);
    weight[0] = 1 - t;
    weight[1] = t;
}

/* Keys 1981 with a = -3/4: at distance t <= 1, and at distance 1 <= t <= 2. */
static double cubic_near(double t)
{
    return (1.25 * t - 2.25) * t * t + 1;
}

static double cubic_far(double t)
{
    return ((-0.75 * t + 3.75) * t - 6) * t + 3;
}

static void cubic(const resizing *r, int64_t i, int64_t *place, double *weight)
{
    int64_t      at;
    const double t = position(r, i, &at);
    for (int k = 0; k < 4; k++) place[k] = within(at - 1 + k, r->n);
    weight[0] = cubic_far(1 + t);
    weight[1] = cubic_near(t);
    weight[2] = cubic_near(1 - t);
    weight[3] = cubic_far(2 - t);
}

/* The mean from floor(i n / to) to before ceil((i+1) n / to). A window smaller than others shares the last one's weight out
 * among the taps that are left: no weight is 0, and inf stays inf. */
static void area(const resizing *r, int64_t i, int64_t *place, double *weight)
{
    int64_t first = i * r->n / r->to, last = ((i + 1) * r->n + r->to - 1) / r->to - 1, size = last - first + 1;
    for (int64_t k = 0; k < r->taps; k++) {
        place[k] = first + k < last ? first + k : last;
        weight[k] = 1 / (double)size / (double)(first + k < last ? 1 : r->taps - size + 1);
    }
}

tap_var tap__adaptive_mean(tap_var x, int axis, int64_t to)
{
    int64_t n = tap_shape_of(x).rank > axis ? tap_shape_of(x).n[axis] : to;
    if (n == to) return x;
    if (n % to == 0) return tap_mean(tap_unflatten(x, axis, TAP_SHAPE(to, n / to)), TAP_AXES(axis + 1));
    return resize(x, axis, (resizing){ .n = n, .to = to, .taps = (n + to - 1) / to + 1, .fill = area });
}

/* ---- interpolate ---- */

/* The size of the result along spatial axis i; 0, and the tape has failed, if there is none. */
static int64_t size_along(const tap_node *n, int i, tap_interpolate_options o)
{
    int64_t size = n->value.shape.n[2 + i];
    double  scaled = floor((double)size * o.scale[i]);
    if (!tap__is_small(size) || size == 0)
        tap__fail_input(n, TAP_ESHAPE, "interpolate", "axis %d is empty or too large", 2 + i);
    else if ((o.size[i] == 0) == (o.scale[i] == 0))
        tap__fail_input(n, TAP_EARG, "interpolate", "needs a size or a scale for axis %d, not both", 2 + i);
    else if (o.size[i] ? o.size[i] < 0 || !tap__is_small(o.size[i]) : !(scaled >= 1 && scaled <= INT32_MAX))
        tap__fail_input(n, TAP_EARG, "interpolate", "size %lld or scale %g is out of range", (long long)o.size[i], o.scale[i]);
    else return o.size[i] ? o.size[i] : (int64_t)scaled;
    return 0;
}

static tap_var resize_to(tap_var x, int axis, int64_t to, double scale, tap_interpolate_options o)
{
    static const resizing kinds[] = {
        [TAP_INTERPOLATE_NEAREST] = { .taps = 1, .fill = nearest },
        [TAP_INTERPOLATE_NEAREST_EXACT] = { .taps = 1, .fill = nearest_exact },
        [TAP_INTERPOLATE_LINEAR] = { .taps = 2, .fill = linear },
        [TAP_INTERPOLATE_BICUBIC] = { .taps = 4, .fill = cubic },
    };
    if (o.mode == TAP_INTERPOLATE_AREA) return tap__adaptive_mean(x, axis, to);
    resizing r = kinds[o.mode];
    r.n = tap_shape_of(x).rank > axis ? tap_shape_of(x).n[axis] : to;
    r.to = to;
    r.align_corners = o.align_corners;
    if (o.mode == TAP_INTERPOLATE_LINEAR && r.n == to) return x;
    r.ratio = scale > 0 && !o.recompute_scale ? 1 / scale : (double)r.n / (double)to;
    if (o.align_corners) r.ratio = to > 1 ? (double)(r.n - 1) / (double)(to - 1) : 0;
    if (tap_value(x).dtype == TAP_F32) r.ratio = (double)(float)r.ratio;
    return resize(x, axis, r);
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
        return tap__fail_input(n, TAP_ESHAPE, "interpolate", "needs [N,C,..] with one to three axes more");
    if (o.mode < TAP_INTERPOLATE_NEAREST || o.mode > TAP_INTERPOLATE_AREA)
        return tap__fail_input(n, TAP_EARG, "interpolate", "%d is no mode", (int)o.mode);
    if (o.mode == TAP_INTERPOLATE_BICUBIC && axes != 2)
        return tap__fail_input(n, TAP_ESHAPE, "interpolate", "bicubic needs [N,C,H,W]");
    if (o.align_corners && o.mode != TAP_INTERPOLATE_LINEAR && o.mode != TAP_INTERPOLATE_BICUBIC)
        return tap__fail_input(n, TAP_EARG, "interpolate", "align_corners goes with linear and bicubic");
    for (int i = 0; i < axes; i++) {
        to[i] = size_along(n, i, o);
        if (!to[i]) return tap__inert(x.tape);
    }
    for (int i = 0; i < axes; i++) x = resize_to(x, 2 + i, to[i], o.scale[i], o);
    return x;
}

/* ---- pixel_shuffle, pixel_unshuffle ---- */

/* How many planes [..,A,H,W] has in its leading axes; -1, and the tape has failed, if it has none or r is no factor. */
static int64_t planes(const tap_node *n, const char *call, int64_t r)
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
    int64_t         b = n ? planes(n, "pixel_shuffle", r) : -1;
    if (b < 0) return tap__inert(x.tape);
    tap_shape s = n->value.shape, to = s;
    int64_t   square = r * r, *size = to.n + s.rank - 3, c = size[0] / square, h = size[1], w = size[2];
    if (size[0] % square != 0)
        return tap__fail_input(n, TAP_ESHAPE, "pixel_shuffle", "%lld channels do not make up squares of %lld",
                               (long long)size[0], (long long)r);
    if (__builtin_mul_overflow(h, r, &size[1]) || __builtin_mul_overflow(w, r, &size[2]))
        return tap__fail_input(n, TAP_ESHAPE, "pixel_shuffle", "the result is too large");
    size[0] = c;
    x = tap_permute(tap_reshape(x, TAP_SHAPE(b, c, r, r, h, w)), 6, (const int[]){ 0, 1, 4, 2, 5, 3 });
    return tap_reshape(x, to);
}

tap_var tap_pixel_unshuffle(tap_var x, int64_t r)
{
    TAP_CALL("pixel_unshuffle", x);
    const tap_node *n = tap__node_of(x);
    int64_t         b = n ? planes(n, "pixel_unshuffle", r) : -1;
    if (b < 0) return tap__inert(x.tape);
    tap_shape s = n->value.shape, to = s;
    int64_t   square = r * r, *size = to.n + s.rank - 3, c = size[0], h = size[1] / r, w = size[2] / r;
    if (size[1] % r != 0 || size[2] % r != 0)
        return tap__fail_input(n, TAP_ESHAPE, "pixel_unshuffle", "[%lld,%lld] does not divide into squares of %lld",
                               (long long)size[1], (long long)size[2], (long long)r);
    if (__builtin_mul_overflow(c, square, &size[0]))
        return tap__fail_input(n, TAP_ESHAPE, "pixel_unshuffle", "the result is too large");
    size[1] = h;
    size[2] = w;
    x = tap_permute(tap_reshape(x, TAP_SHAPE(b, c, h, r, w, r)), 6, (const int[]){ 0, 1, 3, 5, 2, 4 });
    return tap_reshape(x, to);
}
