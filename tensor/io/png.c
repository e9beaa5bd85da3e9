/* tensor/io/png.c: writing 8-bit PNG files with libpng. It reports errors by longjmp, to encode, which owns
 * nothing that would have to be freed. */
#include <errno.h>
#include <png.h>
#include <stdlib.h>

#include "tensor/tensor.h"

typedef struct {
    tap_file   *file;
    const char *path;
    tap_error  *e;
    tap_status  status;
} output;

static void on_error(png_structp png, png_const_charp message)
{
    output    *o = png_get_error_ptr(png);
    tap_status status = errno == ENOMEM ? TAP_ENOMEM : TAP_EIO;
    o->status = tap_error_set(o->e, status, "%s: libpng: %s", o->path, message); /* kept only if the file has no error yet */
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void on_write(png_structp png, png_bytep bytes, size_t n)
{
    output *o = png_get_io_ptr(png);
    if (tap_file_write(o->file, bytes, n) != TAP_OK) png_error(png, "cannot write");
}

static void on_flush(png_structp png)
{
    (void)png;
}

static unsigned char to_byte(double x)
{
    return (unsigned char)(x >= 1 ? 255 : x > 0 ? x * 255 + 0.5 : 0); /* NaN fails both comparisons */
}

/* Channels of an image [height,width] or [height,width,channels]. */
static int64_t channels_of(tap_shape shape)
{
    return shape.rank == 3 ? shape.n[2] : 1;
}

static void convert_row(tap_tensor image, int64_t y, unsigned char *row)
{
    const int64_t channels = channels_of(image.shape);
    for (int64_t i = 0; i < image.shape.n[1] * channels; i++) {
        const int64_t at = y * image.stride[0] + i / channels * image.stride[1] + i % channels * image.stride[2];
        if (image.dtype == TAP_U8) row[i] = ((const unsigned char *)image.data)[at];
        else if (image.dtype == TAP_F32) row[i] = to_byte((double)((const float *)image.data)[at]);
        else row[i] = to_byte(((const double *)image.data)[at]);
    }
}

/* libpng's errors jump back to setjmp here. No local variable changes after it. */
static bool encode(png_structp png, png_infop info, output *o, tap_tensor image, unsigned char *row)
{
    static const int types[] = { PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA };
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_write_fn(png, o, on_write, on_flush);
    png_set_IHDR(png, info, (png_uint_32)image.shape.n[1], (png_uint_32)image.shape.n[0], 8,
                 types[channels_of(image.shape) - 1], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int64_t y = 0; y < image.shape.n[0]; y++) {
        convert_row(image, y, row);
        png_write_row(png, row);
    }
    png_write_end(png, info);
    return true;
}

static tap_status check(const char *path, tap_tensor image, tap_error *e)
{
    char text[TAP_SHAPE_TEXT];
    if (!path) return tap_error_set(e, TAP_EARG, "png: the path is NULL");
    if (!image.data) return tap_error_set(e, TAP_EARG, "%s: the image is an inert tensor", path);
    if (image.dtype != TAP_U8 && !tap_dtype_is_float(image.dtype))
        return tap_error_set(e, TAP_EDTYPE, "%s: the image must be float32, float64 or uint8, not %s", path,
                             tap_dtype_name(image.dtype));
    if (image.shape.rank != 2 && (image.shape.rank != 3 || channels_of(image.shape) < 1 || channels_of(image.shape) > 4))
        return tap_error_set(e, TAP_ESHAPE, "%s: the image must be [height,width] or [height,width,1 to 4 channels], not %s",
                             path, tap_shape_format(text, image.shape));
    for (int i = 0; i < 2; i++) {
        if (image.shape.n[i] < 1 || image.shape.n[i] > PNG_UINT_31_MAX)
            return tap_error_set(e, TAP_ESHAPE, "%s: height and width must be 1 to 2147483647, not %s", path,
                                 tap_shape_format(text, image.shape));
    }
    return TAP_OK;
}

tap_status tap_png_write(const char *path, tap_tensor image, tap_error *e)
{
    tap_status status = check(path, image, e);
    if (status != TAP_OK) return status;
    output o = { .path = path, .e = e, .file = tap_file_create(path, e) };
    if (!o.file) return e ? e->status : TAP_EIO;

    errno = 0;
    png_structp    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &o, on_error, on_warning);
    png_infop      info = png ? png_create_info_struct(png) : NULL;
    unsigned char *row = malloc((size_t)(image.shape.n[1] * channels_of(image.shape)));
    if (!info || !row) status = tap_error_set(e, TAP_ENOMEM, "%s: no memory to encode it", path);
    else if (!encode(png, info, &o, image, row)) status = o.status;
    free(row);
    png_destroy_write_struct(&png, &info);
    if (status == TAP_OK) return tap_file_commit(o.file);
    tap_file_abandon(o.file);
    return status;
}
