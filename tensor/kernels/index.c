/* Index tensors, order and running sums: loops along one axis for every place in the others, which threads share. */
#include "tensor/kernels/index.h"
#include "tensor/parallel.h"
#include "tensor/view.h"

#include <math.h>

enum { STRIP = 64 }; /* neighbours along the last axis that go along the axis together */

/* The places beside the axis: rows of neighbours along the last axis (or single places, if that is the axis), in strips. */
typedef struct {
    int     rank, axis;
    int64_t n[TAP_MAX_RANK]; /* sizes beside the axis, that of the axis being 1 */
    int64_t width, strips;   /* of a row */
} lanes;

static lanes lanes_of(tap_shape shape, int axis, int64_t *count)
{
    lanes l = { .rank = shape.rank, .axis = axis };
    *count = 1;
    for (int i = 0; i < shape.rank; i++) l.n[i] = i == axis ? 1 : shape.n[i];
    l.width = l.n[shape.rank - 1];
    l.strips = (l.width + STRIP - 1) / STRIP;
    for (int i = 0; i < shape.rank; i++) *count *= i == shape.rank - 1 ? l.strips : l.n[i];
    return l;
}

/* Strip s begins at *column of its row, and is so wide; offset of its first place in each of the tensors. */
static int64_t strip_at(const lanes *l, int64_t s, int n, const tap_tensor *const *x, int64_t *offset)
{
    int64_t row = s / l->strips, column = s % l->strips * STRIP;
    for (int k = 0; k < n; k++) offset[k] = column * x[k]->stride[l->rank - 1];
    for (int i = l->rank - 2; i >= 0; i--) {
        int64_t at = row % l->n[i];
        row /= l->n[i];
        for (int k = 0; k < n; k++) offset[k] += at * x[k]->stride[i];
    }
    return l->width - column < STRIP ? l->width - column : STRIP;
}

static int64_t last_stride(const tap_tensor *x)
{
    return x->stride[x->shape.rank - 1];
}

/* ---- index ---- */

typedef struct {
    lanes           l;
    tap__index_mode how;
    tap_tensor      far, near, index;
} index_job;

#define INDEX_STRIP(name, T, ADD) \
    static void name(const index_job *j, const int64_t *offset, int64_t width) \
    { \
        const int     axis = j->l.axis; \
        const int64_t fs = last_stride(&j->far), ns = last_stride(&j->near); \
        const int64_t is = last_stride(&j->index), step = j->far.stride[axis]; \
        for (int64_t i = 0; i < j->index.shape.n[axis]; i++) { \
            T             *far = (T *)j->far.data + offset[0]; \
            T             *near = (T *)j->near.data + offset[1] + i * j->near.stride[axis]; \
            const int64_t *k = (const int64_t *)j->index.data + offset[2] + i * j->index.stride[axis]; \
            if (j->how == TAP__GATHER) { \
                for (int64_t c = 0; c < width; c++) near[c * ns] = far[k[c * is] * step + c * fs]; \
            } else if (j->how == TAP__SCATTER) { \
                for (int64_t c = 0; c < width; c++) far[k[c * is] * step + c * fs] = near[c * ns]; \
            } else { \
                for (int64_t c = 0; c < width; c++) ADD(far[k[c * is] * step + c * fs], near[c * ns]); \
            } \
        } \
    }

#define ADD_FLOAT(to, x) (to) += (x)
#define ADD_NOT(to, x)   (void)0
INDEX_STRIP(index_f32, float, ADD_FLOAT)
INDEX_STRIP(index_f64, double, ADD_FLOAT)
INDEX_STRIP(index_i64, int64_t, ADD_NOT)
INDEX_STRIP(index_u8, uint8_t, ADD_NOT)

static void index_strips(void *context, int64_t first, int64_t last)
{
    static void (*const strip[])(const index_job *, const int64_t *, int64_t) = {
        [TAP_F32] = index_f32, [TAP_F64] = index_f64, [TAP_I64] = index_i64, [TAP_U8] = index_u8, [TAP_BOOL] = index_u8,
    };
    const index_job  *j = context;
    const tap_tensor *x[3] = { &j->far, &j->near, &j->index };
    int64_t           offset[3];
    for (int64_t s = first; s < last; s++) {
        int64_t width = strip_at(&j->l, s, 3, x, offset);
        strip[j->far.dtype](j, offset, width);
    }
}

void tap__index(tap__index_mode how, tap_tensor far, tap_tensor near, tap_tensor index, int axis)
{
    int64_t   count;
    index_job j = { lanes_of(index.shape, axis, &count), how, far, near, index };
    tap__parallel(count, tap_numel(index.shape) * 2, index_strips, &j);
}

bool tap__index_in_range(tap_tensor index, int64_t n, int64_t *bad)
{
    tap_tensor once = index; /* a repeated axis is looked at once */
    for (int i = 0; i < index.shape.rank; i++) {
        if (index.stride[i] == 0 && index.shape.n[i] > 1) once.shape.n[i] = 1;
    }
    int64_t count = tap_numel(once.shape), at[TAP_MAX_RANK] = { 0 }, offset = 0;
    for (int64_t i = 0; i < count; i++) {
        *bad = ((const int64_t *)once.data)[offset];
        if (*bad < 0 || *bad >= n) return false;
        for (int k = once.shape.rank - 1; k >= 0; k--) {
            offset += once.stride[k];
            if (++at[k] < once.shape.n[k]) break;
            offset -= at[k] * once.stride[k];
            at[k] = 0;
        }
    }
    return true;
}

/* ---- argsort: merging runs of 1, 2, 4, ... ---- */

#define IS_NAN_FLOAT(x) ((x) != (x))
#define IS_NAN_NOT(x)   ((void)(x), 0)

/* The places of the n elements x[i * step] in order, into `to`; `spare` has as much room. */
#define SORT_LANE(name, T, IS_NAN) \
    static bool name##_after(T a, T b, bool descending) \
    { \
        if (IS_NAN(a) || IS_NAN(b)) return descending ? IS_NAN(b) && !IS_NAN(a) : IS_NAN(a) && !IS_NAN(b); \
        return descending ? a < b : a > b; \
    } \
    static void name(int64_t n, const void *data, int64_t step, bool descending, int64_t *to, int64_t *spare) \
    { \
        const T *x = data; \
        int64_t *from = spare, *into = to; \
        for (int64_t i = 0; i < n; i++) to[i] = i; \
        for (int64_t run = 1; run < n; run *= 2) { \
            int64_t *swap = from; \
            from = into; \
            into = swap; \
            for (int64_t low = 0; low < n; low += 2 * run) { \
                int64_t middle = n - low < run ? n : low + run, high = n - middle < run ? n : middle + run; \
                int64_t a = low, b = middle; \
                for (int64_t i = low; i < high; i++) { \
                    bool second = a == middle || (b < high && name##_after(x[from[a] * step], x[from[b] * step], descending)); \
                    into[i] = second ? from[b++] : from[a++]; \
                } \
            } \
        } \
        for (int64_t i = 0; into != to && i < n; i++) to[i] = into[i]; \
    }

SORT_LANE(sort_f32, float, IS_NAN_FLOAT)
SORT_LANE(sort_f64, double, IS_NAN_FLOAT)
SORT_LANE(sort_i64, int64_t, IS_NAN_NOT)
SORT_LANE(sort_u8, uint8_t, IS_NAN_NOT)

/* x with the axis as its last. */
static tap_tensor with_last(tap_tensor x, int axis)
{
    int axes[TAP_MAX_RANK], rank = x.shape.rank;
    for (int i = 0; i < rank - 1; i++) axes[i] = i < axis ? i : i + 1;
    axes[rank - 1] = axis;
    tap__permute(x, rank, axes, &x, NULL);
    return x;
}

/* Where lane s along the last axis begins. */
static int64_t lane_offset(const tap_tensor *x, int64_t s)
{
    int64_t offset = 0;
    for (int i = x->shape.rank - 2; i >= 0; i--) {
        offset += s % x->shape.n[i] * x->stride[i];
        s /= x->shape.n[i];
    }
    return offset;
}

static const void *lane(const tap_tensor *x, int64_t s)
{
    return (const char *)x->data + lane_offset(x, s) * (int64_t)tap_dtype_size(x->dtype);
}

typedef struct {
    tap_tensor x, out; /* with the axis as their last */
    bool       falling;
    int64_t   *scratch;
} lane_job;

static void sort_lanes(void *context, int64_t first, int64_t last)
{
    static void (*const sort[])(int64_t, const void *, int64_t, bool, int64_t *, int64_t *) = {
        [TAP_F32] = sort_f32, [TAP_F64] = sort_f64, [TAP_I64] = sort_i64, [TAP_U8] = sort_u8, [TAP_BOOL] = sort_u8,
    };
    const lane_job *j = context;
    int             axis = j->x.shape.rank - 1;
    int64_t         n = j->x.shape.n[axis];
    for (int64_t s = first; s < last; s++) {
        int64_t *sorted = j->scratch + 2 * s * n, *out = (int64_t *)j->out.data + lane_offset(&j->out, s);
        sort[j->x.dtype](n, lane(&j->x, s), j->x.stride[axis], j->falling, sorted, sorted + n);
        for (int64_t i = 0; i < n; i++) out[i * j->out.stride[axis]] = sorted[i];
    }
}

void tap__argsort(tap_tensor x, int axis, bool descending, tap_tensor out, int64_t *scratch)
{
    lane_job j = { with_last(x, axis), with_last(out, axis), descending, scratch };
    int64_t  n = tap_numel(x.shape);
    if (n > 0) tap__parallel(n / x.shape.n[axis], n * 32, sort_lanes, &j);
}

/* ---- argmax ---- */

#define ARGMAX_LANE(name, T, IS_NAN) \
    static int64_t name(int64_t n, const void *data, int64_t step, bool smallest) \
    { \
        const T *x = data; \
        int64_t  best = 0; \
        for (int64_t i = 1; i < n && !IS_NAN(x[best * step]); i++) { \
            T a = x[i * step], b = x[best * step]; \
            if (IS_NAN(a) || (smallest ? a < b : a > b)) best = i; \
        } \
        return best; \
    }

ARGMAX_LANE(argmax_f32, float, IS_NAN_FLOAT)
ARGMAX_LANE(argmax_f64, double, IS_NAN_FLOAT)
ARGMAX_LANE(argmax_i64, int64_t, IS_NAN_NOT)
ARGMAX_LANE(argmax_u8, uint8_t, IS_NAN_NOT)

static void argmax_lanes(void *context, int64_t first, int64_t last)
{
    static int64_t (*const argmax[])(int64_t, const void *, int64_t, bool) = {
        [TAP_F32] = argmax_f32, [TAP_F64] = argmax_f64, [TAP_I64] = argmax_i64, [TAP_U8] = argmax_u8, [TAP_BOOL] = argmax_u8,
    };
    const lane_job *j = context;
    int             axis = j->x.shape.rank - 1;
    for (int64_t s = first; s < last; s++)
        ((int64_t *)j->out.data)[s] = argmax[j->x.dtype](j->x.shape.n[axis], lane(&j->x, s), j->x.stride[axis], j->falling);
}

void tap__argmax(tap_tensor x, int axis, bool smallest, tap_tensor out)
{
    lane_job j = { with_last(x, axis), out, smallest, NULL };
    tap__parallel(tap_numel(out.shape), tap_numel(x.shape) * 2, argmax_lanes, &j);
}

/* ---- cumsum ---- */

typedef struct {
    lanes      l;
    tap_tensor x, out;
} sum_job;

/* Lane c again, whose sums overflow in double: its infinities, once there are any, or else what scaled numbers sum to. */
static void cumsum_apart(const sum_job *j, const int64_t *offset, int64_t c)
{
    const int     axis = j->l.axis;
    const double *x = (const double *)j->x.data + offset[0] + c * last_stride(&j->x), scale = 0x1p-64;
    double       *y = (double *)j->out.data + offset[1] + c * last_stride(&j->out), sum = 0, infinite = 0;
    for (int64_t i = 0; i < j->x.shape.n[axis]; i++, x += j->x.stride[axis], y += j->out.stride[axis]) {
        if (isfinite(*x)) sum += *x * scale;
        else infinite += *x;
        *y = infinite != 0 ? infinite : sum / scale;
    }
}

#define CUMSUM_STRIP(name, T) \
    static void name(const sum_job *j, const int64_t *offset, int64_t width) \
    { \
        const int     axis = j->l.axis; \
        const int64_t xs = last_stride(&j->x), ys = last_stride(&j->out); \
        double        sum[STRIP] = { 0 }; \
        for (int64_t i = 0; i < j->x.shape.n[axis]; i++) { \
            const T *x = (const T *)j->x.data + offset[0] + i * j->x.stride[axis]; \
            T       *y = (T *)j->out.data + offset[1] + i * j->out.stride[axis]; \
            for (int64_t c = 0; c < width; c++) y[c * ys] = (T)(sum[c] += (double)x[c * xs]); \
        } \
        for (int64_t c = 0; sizeof(T) == sizeof(double) && c < width; c++) { \
            if (!isfinite(sum[c])) cumsum_apart(j, offset, c); \
        } \
    }

CUMSUM_STRIP(cumsum_f32, float)
CUMSUM_STRIP(cumsum_f64, double)

static void cumsum_strips(void *context, int64_t first, int64_t last)
{
    const sum_job    *j = context;
    const tap_tensor *x[2] = { &j->x, &j->out };
    int64_t           offset[2];
    for (int64_t s = first; s < last; s++) {
        int64_t width = strip_at(&j->l, s, 2, x, offset);
        if (j->x.dtype == TAP_F32) cumsum_f32(j, offset, width);
        else cumsum_f64(j, offset, width);
    }
}

void tap__cumsum(tap_tensor x, int axis, tap_tensor out)
{
    int64_t count;
    sum_job j = { lanes_of(x.shape, axis, &count), x, out };
    tap__parallel(count, tap_numel(x.shape), cumsum_strips, &j);
}
