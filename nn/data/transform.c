/* nn/data/transform.c: transforms of images and batches, as in torchvision. */
#include <math.h>
#include <string.h>

#include "nn/nn.h"
#include "tensor/random.h"
#include "tensor/text.h"

/* The field of an image with at least `axes` axes; NULL, and an error in the transform's name, if there is none. */
static const tap_tensor *image_of(const tap_transform *self, const char *name, int n, const tap_tensor *x, int axes,
                                  tap_error *e)
{
    char text[TAP_SHAPE_TEXT];
    if (self->field < 0 || self->field >= n) {
        tap_error_set(e, TAP_EARG, "%s: field must be within 0..%d, not %d", name, n - 1, self->field);
        return NULL;
    }
    if (x[self->field].shape.rank < axes) {
        tap_error_set(e, TAP_ESHAPE, "%s: field %d must have at least %d axes, not %s", name, self->field, axes,
                      tap_shape_format(text, x[self->field].shape));
        return NULL;
    }
    return &x[self->field];
}

/* ---- Random crop ---- */

/* Moves a plane [height,width] so that its element [y,x] is the one at [y+dy,x+dx], or 0 beyond the edges. In place: lines are
 * written in the direction in which those to be read have not been written yet. */
static void shift_plane(char *plane, int64_t height, int64_t width, int64_t dy, int64_t dx, int64_t size)
{
    const int64_t kept = width - (dx < 0 ? -dx : dx), line = width * size;
    for (int64_t i = 0; i < height; i++) {
        const int64_t y = dy < 0 ? height - 1 - i : i, from = y + dy;
        char         *to = plane + y * line;
        if (from < 0 || from >= height || kept <= 0) {
            memset(to, 0, (size_t)line);
            continue;
        }
        memmove(to + (dx < 0 ? -dx * size : 0), plane + from * line + (dx > 0 ? dx * size : 0), (size_t)(kept * size));
        memset(to + (dx < 0 ? 0 : kept * size), 0, (size_t)(line - kept * size));
    }
}

static tap_status random_crop(const tap_transform *self, int n, const tap_tensor *x, tap_rng *rng, tap_error *e)
{
    const int64_t padding = self->size;
    if (padding < 0 || padding > INT32_MAX)
        return tap_error_set(e, TAP_EARG, "random_crop: padding must be within 0..2^31-1, not %lld", (long long)padding);
    const tap_tensor *image = image_of(self, "random_crop", n, x, 2, e);
    if (!image) return e->status;
    const int     rank = image->shape.rank;
    const int64_t height = image->shape.n[rank - 2], width = image->shape.n[rank - 1];
    const int64_t dy = tap_rng_below(rng, 2 * padding + 1) - padding, dx = tap_rng_below(rng, 2 * padding + 1) - padding;
    const int64_t size = (int64_t)tap_dtype_size(image->dtype), plane = height * width;
    for (int64_t at = 0, all = tap_numel(image->shape); at < all; at += plane)
        shift_plane((char *)image->data + at * size, height, width, dy, dx, size);
    return TAP_OK;
}

tap_transform tap_transform_random_crop(int64_t padding)
{
    return (tap_transform){ .row = random_crop, .size = padding };
}

/* ---- Horizontal flip ---- */

static void reverse(char *line, int64_t n, size_t size)
{
    char swap[8];
    for (char *a = line, *b = line + (n - 1) * (int64_t)size; a < b; a += size, b -= size) {
        memcpy(swap, a, size);
        memcpy(a, b, size);
        memcpy(b, swap, size);
    }
}

static tap_status horizontal_flip(const tap_transform *self, int n, const tap_tensor *x, tap_rng *rng, tap_error *e)
{
    const tap_tensor *image = image_of(self, "horizontal_flip", n, x, 1, e);
    const double      p = self->number[0];
    char              text[40];
    if (!(p >= 0 && p <= 1)) {
        tap__format(text, sizeof text, "%g", p);
        tap_error_set(e, TAP_EARG, "horizontal_flip: p must be within 0..1, not %s", text);
    }
    if (!image || e->status != TAP_OK || tap_rng_uniform(rng) >= p) return e->status;
    const int64_t width = image->shape.n[image->shape.rank - 1], all = tap_numel(image->shape);
    const size_t  size = tap_dtype_size(image->dtype);
    for (int64_t at = 0; at < all; at += width) reverse((char *)image->data + at * (int64_t)size, width, size);
    return TAP_OK;
}

tap_transform tap_transform_horizontal_flip(double p)
{
    return (tap_transform){ .row = horizontal_flip, .number = { p } };
}

/* ---- Normalize ---- */

static bool check_channels(const tap_transform *self, const tap_tensor *x, tap_error *e)
{
    char text[TAP_SHAPE_TEXT];
    if (self->size < 1 || self->size > TAP_MAX_CHANNELS)
        tap_error_set(e, TAP_EARG, "normalize: channels must be within 1..%d, with a mean and a std", TAP_MAX_CHANNELS);
    else if (self->size > 1 && x->shape.n[0] != self->size)
        tap_error_set(e, TAP_ESHAPE, "normalize: the image must have %lld channels, not shape %s", (long long)self->size,
                      tap_shape_format(text, x->shape));
    else if (!tap_dtype_is_float(x->dtype))
        tap_error_set(e, TAP_EDTYPE, "normalize: the image must be float32 or float64, not %s", tap_dtype_name(x->dtype));
    for (int64_t c = 0; e->status == TAP_OK && c < self->size; c++) {
        if (!isfinite(self->number[c]) || !(self->number[TAP_MAX_CHANNELS + c] > 0))
            tap_error_set(e, TAP_EARG, "normalize: channel %lld needs a finite mean and a std above 0", (long long)c);
    }
    return e->status == TAP_OK;
}

static tap_status normalize(const tap_transform *self, int n, const tap_tensor *x, tap_rng *rng, tap_error *e)
{
    const tap_tensor *image = image_of(self, "normalize", n, x, 1, e);
    (void)rng;
    if (!image || !check_channels(self, image, e)) return e->status;
    const int64_t plane = tap_numel(image->shape) / self->size;
    for (int64_t c = 0, i = 0; c < self->size; c++) {
        const double mean = self->number[c], std = self->number[TAP_MAX_CHANNELS + c];
        for (const int64_t end = i + plane; i < end; i++) {
            if (image->dtype == TAP_F32) {
                float *v = (float *)image->data + i;
                *v = (float)(((double)*v - mean) / std);
            } else {
                double *v = (double *)image->data + i;
                *v = (*v - mean) / std;
            }
        }
    }
    return TAP_OK;
}

tap_transform tap_transform_normalize(int channels, const double *mean, const double *std)
{
    tap_transform t = { .row = normalize, .size = mean && std ? channels : 0 };
    for (int c = 0; mean && std && c < channels && c < TAP_MAX_CHANNELS; c++) {
        t.number[c] = mean[c];
        t.number[TAP_MAX_CHANNELS + c] = std[c];
    }
    return t;
}

/* ---- Mixup ---- */

/* Rows i and n-1-i become lambda one + (1 - lambda) other, both at once, so that no copy is needed. */
static void mix(tap_tensor x, double lambda)
{
    const int64_t rows = x.shape.n[0], width = rows ? tap_numel(x.shape) / rows : 0;
    for (int64_t i = 0; i < (rows + 1) / 2; i++) {
        const int64_t a = i * width, b = (rows - 1 - i) * width;
        for (int64_t k = 0; k < width; k++) {
            if (x.dtype == TAP_F32) {
                float       *v = x.data;
                const double p = (double)v[a + k], q = (double)v[b + k];
                v[a + k] = (float)(lambda * p + (1 - lambda) * q);
                v[b + k] = (float)(lambda * q + (1 - lambda) * p);
            } else {
                double      *v = x.data;
                const double p = v[a + k], q = v[b + k];
                v[a + k] = lambda * p + (1 - lambda) * q;
                v[b + k] = lambda * q + (1 - lambda) * p;
            }
        }
    }
}

static tap_status mixup(const tap_transform *self, int n, const tap_tensor *x, tap_rng *rng, tap_error *e)
{
    const double alpha = self->number[0];
    for (int f = 0; f < n; f++) {
        if (!tap_dtype_is_float(x[f].dtype))
            tap_error_set(e, TAP_EDTYPE, "mixup: field %d is %s, which cannot be mixed; labels must be TAP_FIELD_ONE_HOT", f,
                          tap_dtype_name(x[f].dtype));
    }
    if (!(alpha > 0 && alpha < HUGE_VAL)) tap_error_set(e, TAP_EARG, "mixup: alpha must be finite and above 0");
    if (e->status != TAP_OK) return e->status;
    const double a = tap__next_log_gamma(rng, alpha), b = tap__next_log_gamma(rng, alpha);
    for (int f = 0; f < n; f++) mix(x[f], 1 / (1 + exp(b - a)));
    return TAP_OK;
}

tap_transform tap_transform_mixup(double alpha)
{
    return (tap_transform){ .batch = mixup, .number = { alpha } };
}
