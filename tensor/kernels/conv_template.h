/* tensor/kernels/conv_template.h: the kernels of conv_kernels.c, written once for a type T; NAME(f) is f's name for T.
 *
 * Lines are the rows of an image, padded, of which elements that are a stride apart have been brought together: phase r of a line
 * holds its elements r, r + stride, ... The elements that a window element k sees at successive places are then neighbours. */

#ifndef TAP_TENSOR_KERNELS_CONV_TEMPLATE_H
#define TAP_TENSOR_KERNELS_CONV_TEMPLATE_H

/* How the lines of an image lie: rows of `phases` pieces of `pitch` elements. */
typedef struct {
    int64_t rows, phases, pitch;
} lines_of;

static inline lines_of layout(const tap__conv *c)
{
    const tap__conv_axis w = c->axis[1];
    return (lines_of){ tap__conv_padded(c->axis[0]), w.stride, (tap__conv_padded(w) + w.stride - 1) / w.stride };
}

/* The part of phase r that lies in the image: elements first.. of the phase, from element x of the row on, n of them. */
typedef struct {
    int64_t first, x, n;
} part;

static inline part part_of(tap__conv_axis a, int64_t r)
{
    const int64_t first = (a.before - r + a.stride - 1) / a.stride, x = first * a.stride + r - a.before;
    return (part){ first, x, x < a.size ? (a.size - 1 - x) / a.stride + 1 : 0 };
}

#endif

typedef T    NAME(eight) TAP__VECTOR(8 * sizeof(T));
typedef T    NAME(four) TAP__VECTOR(4 * sizeof(T));
typedef BITS NAME(mask) TAP__VECTOR(8 * sizeof(T));

/* n elements, eight at a time, of which the last few may be too many: they are written again later. */
TAP__INLINE void NAME(copy)(T *to, const T *from, int64_t n)
{
    for (int64_t i = 0; i < n; i += 8) memcpy(to + i, from + i, sizeof(NAME(eight)));
}

/* Adds n elements, eight at a time, zeros to those that are too many. */
TAP__INLINE void NAME(add)(T *to, const T *from, int64_t n)
{
    const NAME(mask) count = { 0, 1, 2, 3, 4, 5, 6, 7 };
    for (int64_t i = 0; i < n; i += 8) {
        NAME(eight) x;
        NAME(mask) y;
        memcpy(&x, to + i, sizeof x);
        memcpy(&y, from + i, sizeof y);
        if (n - i < 8) y &= count < (BITS)(n - i);
        x += (NAME(eight))y;
        memcpy(to + i, &x, sizeof x);
    }
}

/* n elements that lie step apart, side by side; those that lie 2 apart four at a time, while more are to come: so that none is read
 * that is not there. */
TAP__INLINE void NAME(pick)(T *to, const T *from, int64_t step, int64_t n)
{
    int64_t i = 0;
    for (; step == 2 && i + 4 < n; i += 4) {
        NAME(eight) x;
        memcpy(&x, from + 2 * i, sizeof x);
        const NAME(four) even = __builtin_shufflevector(x, x, 0, 2, 4, 6);
        memcpy(to + i, &even, sizeof even);
    }
    for (; i < n; i++) to[i] = from[i * step];
}

/* One channel of one image as lines. */
static void NAME(to_lines)(const tap__conv *c, const T *x, int64_t row_stride, int64_t stride, T *lines)
{
    const lines_of       l = layout(c);
    const tap__conv_axis h = c->axis[0], w = c->axis[1];
    memset(lines, 0, (size_t)(l.rows * l.phases * l.pitch) * sizeof(T));
    for (int64_t r = 0; r < l.phases; r++) {
        const part    p = part_of(w, r);
        const int64_t step = w.stride * stride;
        for (int64_t i = 0; i < h.size; i++) {
            const T *from = x + i * row_stride + p.x * stride;
            T       *to = lines + ((i + h.before) * l.phases + r) * l.pitch + p.first;
            NAME(pick)(to, from, step, p.n);
        }
    }
}

/* The same back, a number added. */
static void NAME(from_lines)(const tap__conv *c, T *x, int64_t row_stride, T bias, const T *lines)
{
    const lines_of       l = layout(c);
    const tap__conv_axis h = c->axis[0], w = c->axis[1];
    for (int64_t i = 0; i < h.size; i++) {
        T *to = x + i * row_stride;
        for (int64_t r = 0; r < l.phases; r++) {
            const part p = part_of(w, r);
            const T   *from = lines + ((i + h.before) * l.phases + r) * l.pitch + p.first;
            for (int64_t j = 0; j < p.n; j++) to[p.x + j * w.stride] = from[j] + bias;
        }
    }
}

/* What window element (u, v) sees at the places of row p. */
static inline int64_t NAME(seen)(const tap__conv *c, lines_of l, int64_t p, int64_t u, int64_t v)
{
    const tap__conv_axis h = c->axis[0], w = c->axis[1];
    const int64_t        row = p * h.stride + u * h.dilation, at = v * w.dilation;
    return (row * l.phases + at % w.stride) * l.pitch + at / w.stride;
}

static void NAME(spread)(const tap__conv *c, tap_tensor x, void *lines, void *columns)
{
    const lines_of       l = layout(c);
    const tap__conv_axis h = c->axis[0], w = c->axis[1];
    const int64_t        image = l.rows * l.phases * l.pitch;
    T                   *to = columns;
    for (int64_t channel = 0; channel < x.shape.n[1]; channel++) {
        for (int64_t n = 0; n < x.shape.n[0]; n++) NAME(to_lines)
        (c, (const T *)x.data + n * x.stride[0] + channel * x.stride[1], x.stride[2], x.stride[3], (T *)lines + n * image);
        for (int64_t k = 0; k < h.kernel * w.kernel; k++) {
            const T *from = (const T *)lines + NAME(seen)(c, l, 0, k / w.kernel, k % w.kernel);
            for (int64_t n = 0; n < x.shape.n[0]; n++) {
                for (int64_t p = 0; p < h.count; p++, to += w.count)
                    NAME(copy)(to, from + n * image + p * h.stride * l.phases * l.pitch, w.count);
            }
        }
    }
}

/* total += lines, which are then 0 */
static void NAME(add_lines)(int64_t n, T *lines, double *total)
{
    for (int64_t i = 0; i < n; i++) total[i] += (double)lines[i];
    memset(lines, 0, (size_t)n * sizeof(T));
}

/* The columns of a channel added up in n elements of lines. */
static const T *NAME(add_columns)(const tap__conv *c, int64_t images, int64_t n, const T *from, T *lines, double *total)
{
    const lines_of       l = layout(c);
    const tap__conv_axis h = c->axis[0], w = c->axis[1];
    memset(lines, 0, (size_t)n * sizeof(T));
    if (total) memset(total, 0, (size_t)n * sizeof *total);
    for (int64_t k = 0; k < h.kernel * w.kernel; k++) {
        T *to = lines + NAME(seen)(c, l, 0, k / w.kernel, k % w.kernel);
        if (total && k > 0 && k % TAP__CONV_RUN == 0) NAME(add_lines)(n, lines, total);
        for (int64_t i = 0; i < images; i++) {
            for (int64_t p = 0; p < h.count; p++, from += w.count)
                NAME(add)(to + i * (n / images) + p * h.stride * l.phases * l.pitch, from, w.count);
        }
    }
    for (int64_t i = 0; total && i < n; i++) lines[i] = (T)(total[i] + (double)lines[i]);
    return from;
}

static void NAME(gather)(const tap__conv *c, tap_tensor x, void *lines, double *total, const void *columns, const void *bias)
{
    const int64_t images = x.shape.n[0], n = tap__conv_padded_size(c, images);
    const T      *from = columns;
    for (int64_t channel = 0; images > 0 && channel < x.shape.n[1]; channel++) {
        from = NAME(add_columns)(c, images, n, from, lines, total);
        for (int64_t i = 0; i < images; i++) NAME(from_lines)
        (c, (T *)x.data + i * x.stride[0] + channel * x.stride[1], x.stride[2], bias ? ((const T *)bias)[channel] : 0,
         (const T *)lines + i * (n / images));
    }
}
