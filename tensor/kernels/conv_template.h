/* tensor/kernels/conv_template.h: the kernels of conv_kernels.c, written once for a type T; NAME(f) is f's name for T.
 *
 * Between an image and its columns lie the padded rows: the rows of one channel with their padding, each sorted into phases.
 * Phase r holds the elements r, r + stride, r + 2 stride, ... of the row. The elements that one kernel element sees at
 * successive output pixels are then contiguous, for any stride: im2col copies runs of memory, and col2im adds them. */

#ifndef TAP_TENSOR_KERNELS_CONV_TEMPLATE_H
#define TAP_TENSOR_KERNELS_CONV_TEMPLATE_H

/* The layout of the padded rows of an image: `rows` rows of `phases` phases of `pitch` elements. */
typedef struct {
    int64_t rows, phases, pitch;
} padded_layout;

static inline padded_layout padded_layout_of(const tap__conv *c)
{
    const tap__conv_axis w = c->axis[1];
    return (padded_layout){ tap__conv_padded(c->axis[0]), w.stride, (tap__conv_padded(w) + w.stride - 1) / w.stride };
}

/* The elements of phase r that are not padding: n of them, from element `first` of the phase and element x of the image's
 * row. */
typedef struct {
    int64_t first, x, n;
} phase;

static inline phase phase_of(tap__conv_axis a, int64_t r)
{
    const int64_t first = (a.pad_before - r + a.stride - 1) / a.stride, x = first * a.stride + r - a.pad_before;
    return (phase){ first, x, x < a.size ? (a.size - 1 - x) / a.stride + 1 : 0 };
}

#endif

typedef T    NAME(eight) TAP__VECTOR(8 * sizeof(T));
typedef T    NAME(four) TAP__VECTOR(4 * sizeof(T));
typedef BITS NAME(mask) TAP__VECTOR(8 * sizeof(T));

/* Copies n elements, eight at a time, and up to seven more beyond the end, which are overwritten later. */
TAP__INLINE void NAME(copy)(T *to, const T *from, int64_t n)
{
    for (int64_t i = 0; i < n; i += 8) memcpy(to + i, from + i, sizeof(NAME(eight)));
}

/* Adds n elements, eight at a time, and zeros to up to seven more beyond the end. */
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

/* Packs n elements of the given stride; stride 2 is vectorized except for the last four, to avoid reading past the end. */
TAP__INLINE void NAME(pack_strided)(T *to, const T *from, int64_t stride, int64_t n)
{
    int64_t i = 0;
    for (; stride == 2 && i + 4 < n; i += 4) {
        NAME(eight) x;
        memcpy(&x, from + 2 * i, sizeof x);
        const NAME(four) even = __builtin_shufflevector(x, x, 0, 2, 4, 6);
        memcpy(to + i, &even, sizeof even);
    }
    for (; i < n; i++) to[i] = from[i * stride];
}

/* Pads one channel of one image. */
static void NAME(pad_rows)(const tap__conv *c, const T *x, int64_t row_stride, int64_t stride, T *padded_rows)
{
    const padded_layout  l = padded_layout_of(c);
    const tap__conv_axis h = c->axis[0], w = c->axis[1];
    memset(padded_rows, 0, (size_t)(l.rows * l.phases * l.pitch) * sizeof(T));
    for (int64_t r = 0; r < l.phases; r++) {
        const phase   p = phase_of(w, r);
        const int64_t step = w.stride * stride;
        for (int64_t i = 0; i < h.size; i++) {
            const T *from = x + i * row_stride + p.x * stride;
            T       *to = padded_rows + ((i + h.pad_before) * l.phases + r) * l.pitch + p.first;
            NAME(pack_strided)(to, from, step, p.n);
        }
    }
}

/* Copies padded rows back to one channel of one image, without the padding, and adds its bias. */
static void NAME(unpad_rows)(const tap__conv *c, T *x, int64_t row_stride, T bias, const T *padded_rows)
{
    const padded_layout  l = padded_layout_of(c);
    const tap__conv_axis h = c->axis[0], w = c->axis[1];
    for (int64_t i = 0; i < h.size; i++) {
        T *to = x + i * row_stride;
        for (int64_t r = 0; r < l.phases; r++) {
            const phase p = phase_of(w, r);
            const T    *from = padded_rows + ((i + h.pad_before) * l.phases + r) * l.pitch + p.first;
            for (int64_t j = 0; j < p.n; j++) to[p.x + j * w.stride] = from[j] + bias;
        }
    }
}

/* The offset, in padded rows, of what kernel element (u, v) sees at the first output pixel of row p. */
static inline int64_t NAME(window_offset)(const tap__conv *c, padded_layout l, int64_t p, int64_t u, int64_t v)
{
    const tap__conv_axis h = c->axis[0], w = c->axis[1];
    const int64_t        row = p * h.stride + u * h.dilation, at = v * w.dilation;
    return (row * l.phases + at % w.stride) * l.pitch + at / w.stride;
}

static void NAME(im2col)(const tap__conv *c, tap_tensor x, void *padded_rows, void *columns)
{
    const padded_layout  l = padded_layout_of(c);
    const tap__conv_axis h = c->axis[0], w = c->axis[1];
    const int64_t        image = l.rows * l.phases * l.pitch;
    T                   *to = columns;
    for (int64_t channel = 0; channel < x.shape.n[1]; channel++) {
        for (int64_t n = 0; n < x.shape.n[0]; n++) NAME(pad_rows)
        (c, (const T *)x.data + n * x.stride[0] + channel * x.stride[1], x.stride[2], x.stride[3],
         (T *)padded_rows + n * image);
        for (int64_t k = 0; k < h.kernel * w.kernel; k++) {
            const T *from = (const T *)padded_rows + NAME(window_offset)(c, l, 0, k / w.kernel, k % w.kernel);
            for (int64_t n = 0; n < x.shape.n[0]; n++) {
                for (int64_t p = 0; p < h.count; p++, to += w.count)
                    NAME(copy)(to, from + n * image + p * h.stride * l.phases * l.pitch, w.count);
            }
        }
    }
}

/* totals += padded_rows; padded_rows = 0 */
static void NAME(flush_to_totals)(int64_t n, T *padded_rows, double *totals)
{
    for (int64_t i = 0; i < n; i++) totals[i] += (double)padded_rows[i];
    memset(padded_rows, 0, (size_t)n * sizeof(T));
}

/* Adds up the columns of one channel in the n elements of padded_rows. Returns the columns of the next channel. */
static const T *NAME(sum_columns)(const tap__conv *c, int64_t images, int64_t n, const T *from, T *padded_rows, double *totals)
{
    const padded_layout  l = padded_layout_of(c);
    const tap__conv_axis h = c->axis[0], w = c->axis[1];
    memset(padded_rows, 0, (size_t)n * sizeof(T));
    if (totals) memset(totals, 0, (size_t)n * sizeof *totals);
    for (int64_t k = 0; k < h.kernel * w.kernel; k++) {
        T *to = padded_rows + NAME(window_offset)(c, l, 0, k / w.kernel, k % w.kernel);
        if (totals && k > 0 && k % TAP__CONV_SUM_BLOCK == 0) NAME(flush_to_totals)(n, padded_rows, totals);
        for (int64_t i = 0; i < images; i++) {
            for (int64_t p = 0; p < h.count; p++, from += w.count)
                NAME(add)(to + i * (n / images) + p * h.stride * l.phases * l.pitch, from, w.count);
        }
    }
    for (int64_t i = 0; totals && i < n; i++) padded_rows[i] = (T)(totals[i] + (double)padded_rows[i]);
    return from;
}

static void NAME(col2im)(const tap__conv *c, tap_tensor x, void *padded_rows, double *totals, const void *columns,
                         const void *bias)
{
    const int64_t images = x.shape.n[0], n = tap__conv_padded_size(c, images);
    const T      *from = columns;
    for (int64_t channel = 0; images > 0 && channel < x.shape.n[1]; channel++) {
        from = NAME(sum_columns)(c, images, n, from, padded_rows, totals);
        for (int64_t i = 0; i < images; i++) NAME(unpad_rows)
        (c, (T *)x.data + i * x.stride[0] + channel * x.stride[1], x.stride[2], bias ? ((const T *)bias)[channel] : 0,
         (const T *)padded_rows + i * (n / images));
    }
}
