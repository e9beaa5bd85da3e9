/* tensor/kernels/index.c: gather, scatter, sorting, argmax and cumulative sums: loops along one axis, once for every lane.
 *
 * A lane is the elements along the axis for one position in the other axes. Lanes that are neighbours along the last axis are
 * handled together, in strips of at most STRIP, so that the inner loop runs through memory; argsort and argmax handle one lane
 * at a time. Threads share strips, or lanes, and a lane is always walked in the order of the axis: the bits, and which write
 * comes last, do not depend on the number of threads. */
#include "tensor/kernels/index.h"
#include "tensor/parallel.h"
#include "tensor/view.h"

#include <math.h>

enum { STRIP = 64 }; /* the lanes that are handled together, at most */

/* The positions in the other axes: rows along the last axis (of one position, if that is the axis), cut into strips. */
typedef struct {
    int     rank, axis;
    int64_t n[TAP_MAX_RANK]; /* the shape, with size 1 for the axis */
    int64_t width, strips;   /* lanes and strips of a row */
} lane_strips;

static lane_strips lane_strips_of(tap_shape shape, int axis, int64_t *count)
{
    lane_strips l = { .rank = shape.rank, .axis = axis };
    *count = 1;
    for (int i = 0; i < shape.rank; i++) l.n[i] = i == axis ? 1 : shape.n[i];
    l.width = l.n[shape.rank - 1];
    l.strips = (l.width + STRIP - 1) / STRIP;
    for (int i = 0; i < shape.rank; i++) *count *= i == shape.rank - 1 ? l.strips : l.n[i];
    return l;
}

/* The number of lanes of strip s; offset[k] is where its first lane begins in x[k]. */
static int64_t strip_at(const lane_strips *l, int64_t s, int n, const tap_tensor *const *x, int64_t *offset)
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
    lane_strips     l;
    tap__index_mode how;
    tap_tensor      indexed, values, index;
} index_job;

#define INDEX_STRIP(name, T, ADD) \
    static void name(const index_job *j, const int64_t *offset, int64_t width) \
    { \
        const int     axis = j->l.axis; \
        const int64_t indexed_stride = last_stride(&j->indexed), values_stride = last_stride(&j->values); \
        const int64_t index_stride = last_stride(&j->index), step = j->indexed.stride[axis]; \
        for (int64_t i = 0; i < j->index.shape.n[axis]; i++) { \
            T             *indexed = (T *)j->indexed.data + offset[0]; \
            T             *values = (T *)j->values.data + offset[1] + i * j->values.stride[axis]; \
            const int64_t *k = (const int64_t *)j->index.data + offset[2] + i * j->index.stride[axis]; \
            if (j->how == TAP__GATHER) { \
                for (int64_t c = 0; c < width; c++) \
                    values[c * values_stride] = indexed[k[c * index_stride] * step + c * indexed_stride]; \
            } else if (j->how == TAP__SCATTER) { \
                for (int64_t c = 0; c < width; c++) \
                    indexed[k[c * index_stride] * step + c * indexed_stride] = values[c * values_stride]; \
            } else { \
                for (int64_t c = 0; c < width; c++) \
                    ADD(indexed[k[c * index_stride] * step + c * indexed_stride], values[c * values_stride]); \
            } \
        } \
    }

#define ADD_FLOAT(to, x)       (to) += (x)
#define ADD_UNSUPPORTED(to, x) (void)0
INDEX_STRIP(index_f32, float, ADD_FLOAT)
INDEX_STRIP(index_f64, double, ADD_FLOAT)
INDEX_STRIP(index_i64, int64_t, ADD_UNSUPPORTED)
INDEX_STRIP(index_u8, uint8_t, ADD_UNSUPPORTED)

static void index_strips(void *context, int64_t first, int64_t last)
{
    static void (*const strip[])(const index_job *, const int64_t *, int64_t) = {
        [TAP_F32] = index_f32, [TAP_F64] = index_f64, [TAP_I64] = index_i64, [TAP_U8] = index_u8, [TAP_BOOL] = index_u8,
    };
    const index_job  *j = context;
    const tap_tensor *x[3] = { &j->indexed, &j->values, &j->index };
    int64_t           offset[3];
    for (int64_t s = first; s < last; s++) {
        int64_t width = strip_at(&j->l, s, 3, x, offset);
        strip[j->indexed.dtype](j, offset, width);
    }
}

void tap__index(tap__index_mode how, tap_tensor indexed, tap_tensor values, tap_tensor index, int axis)
{
    int64_t   count;
    index_job j = { lane_strips_of(index.shape, axis, &count), how, indexed, values, index };
    tap__parallel(count, tap_numel(index.shape) * 2, index_strips, &j);
}

bool tap__index_in_range(tap_tensor index, int64_t n, int64_t *bad)
{
    tap_tensor once = index; /* broadcast axes are checked once */
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

/* ---- argsort: bottom-up merge sort, merging runs of 1, 2, 4, ... ---- */

#define IS_NAN_FLOAT(x)   ((x) != (x))
#define IS_NAN_INTEGER(x) ((void)(x), 0)

/* Writes to `to` the indices that sort the n elements x[i * step]. `spare` is a buffer of n indices. */
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
SORT_LANE(sort_i64, int64_t, IS_NAN_INTEGER)
SORT_LANE(sort_u8, uint8_t, IS_NAN_INTEGER)

/* A view of x with the axis moved to the end. */
static tap_tensor move_axis_last(tap_tensor x, int axis)
{
    int axes[TAP_MAX_RANK], rank = x.shape.rank;
    for (int i = 0; i < rank - 1; i++) axes[i] = i < axis ? i : i + 1;
    axes[rank - 1] = axis;
    tap__permute(x, rank, axes, &x, NULL);
    return x;
}

/* The offset of lane s along the last axis. */
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
    tap_tensor x, out;     /* with the axis moved to the end */
    bool       descending; /* for argmax: whether the smallest element is wanted */
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
        sort[j->x.dtype](n, lane(&j->x, s), j->x.stride[axis], j->descending, sorted, sorted + n);
        for (int64_t i = 0; i < n; i++) out[i * j->out.stride[axis]] = sorted[i];
    }
}

void tap__argsort(tap_tensor x, int axis, bool descending, tap_tensor out, int64_t *scratch)
{
    lane_job j = { move_axis_last(x, axis), move_axis_last(out, axis), descending, scratch };
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
ARGMAX_LANE(argmax_i64, int64_t, IS_NAN_INTEGER)
ARGMAX_LANE(argmax_u8, uint8_t, IS_NAN_INTEGER)

static void argmax_lanes(void *context, int64_t first, int64_t last)
{
    static int64_t (*const argmax[])(int64_t, const void *, int64_t, bool) = {
        [TAP_F32] = argmax_f32, [TAP_F64] = argmax_f64, [TAP_I64] = argmax_i64, [TAP_U8] = argmax_u8, [TAP_BOOL] = argmax_u8,
    };
    const lane_job *j = context;
    int             axis = j->x.shape.rank - 1;
    for (int64_t s = first; s < last; s++)
        ((int64_t *)j->out.data)[s] = argmax[j->x.dtype](j->x.shape.n[axis], lane(&j->x, s), j->x.stride[axis], j->descending);
}

void tap__argmax(tap_tensor x, int axis, bool smallest, tap_tensor out)
{
    lane_job j = { move_axis_last(x, axis), out, smallest, NULL };
    tap__parallel(tap_numel(out.shape), tap_numel(x.shape) * 2, argmax_lanes, &j);
}

/* ---- cumsum ---- */

typedef struct {
    lane_strips l;
    tap_tensor  x, out;
} sum_job;

/* Computes lane c again, whose sums overflow in double: the sum of its infinities, from the first one on, and until then the
 * sum of numbers scaled by 2^-64. */
static void cumsum_scaled(const sum_job *j, const int64_t *offset, int64_t c)
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
            for (int64_t c = 0; c < width; c++) { \
                sum[c] += (double)x[c * xs]; \
                y[c * ys] = (T)sum[c]; \
            } \
        } \
        for (int64_t c = 0; sizeof(T) == sizeof(double) && c < width; c++) { \
            if (!isfinite(sum[c])) cumsum_scaled(j, offset, c); \
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
    sum_job j = { lane_strips_of(x.shape, axis, &count), x, out };
    tap__parallel(count, tap_numel(x.shape), cumsum_strips, &j);
}
