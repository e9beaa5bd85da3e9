/* tensor/io/png_read.c: reading PNG files with libpng. It reports errors by longjmp, to decode, which owns nothing that would
 * have to be freed. Memory for the pixels is allocated only if a file of this size can hold them, and large amounts only if
 * they were found in it. */
#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/arena.h"
#include "tensor/io/reader.h"

/* Deflate's best is 258 bytes from two bits. */
enum { MAX_DEFLATE_RATIO = 1032, USUAL_RATIO = 16, SMALL_IMAGE = 1 << 20, MAX_PIXEL = 8 };

/* Whether pixels are kept, or only decoded to see that the file has them. */
typedef enum { KEEP, TRY } png_purpose;

typedef struct {
    tap__reader    in;
    png_purpose    purpose;
    bool           tried, must_try;
    tap_shape      shape;  /* [height,width,channels] */
    unsigned char *pixels; /* in the arena */
    unsigned char *row;    /* of a try; from malloc */
    size_t         most;   /* bytes that libpng may request at once */
} reader;

static void on_error(png_structp png, png_const_charp message)
{
    const reader *r = png_get_error_ptr(png);
    if (errno == ENOMEM) tap__reader_fail(&r->in, TAP_ENOMEM, "no memory to decode it");
    else tap__reader_fail(&r->in, TAP_EIO, "bad PNG: %s", message); /* kept only if reading has not failed before */
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

/* A chunk's length is not trusted, either. libpng skips texts and the like for which it gets no memory. */
static png_voidp on_malloc(png_structp png, png_alloc_size_t n)
{
    const reader *r = png_get_mem_ptr(png);
    return n <= r->most ? malloc(n) : NULL;
}

static void on_free(png_structp png, png_voidp p)
{
    (void)png;
    free(p);
}

static void on_read(png_structp png, png_bytep to, size_t n)
{
    reader *r = png_get_io_ptr(png);
    if (n > r->in.left) png_error(png, "truncated");
    if (!tap__reader_read(&r->in, to, n)) png_error(png, "cannot read");
}

/* Whether a file of this size can hold `bytes` bytes of pixels, after the filters' bytes. */
static bool check_size(const reader *r, uint64_t bytes)
{
    char           text[TAP_SHAPE_TEXT];
    const uint64_t most = r->in.size < UINT64_MAX / MAX_DEFLATE_RATIO ? r->in.size * MAX_DEFLATE_RATIO : UINT64_MAX;
    return bytes <= most ||
           tap__reader_fail(&r->in, TAP_EIO, "truncated: an image %s takes %llu bytes, the file can hold %llu",
                            tap_shape_format(text, r->shape), (unsigned long long)bytes, (unsigned long long)most);
}

/* Reads what precedes the pixels, and to keep them, has libpng convert them to 8 bits for each channel: palettes become
 * colours, a transparent colour becomes an alpha channel. Returns the number of passes over the rows; 0 on an error. */
static int read_header(png_structp png, png_infop info, reader *r)
{
    r->most = (size_t)r->in.size + SMALL_IMAGE;
    png_read_info(png, info);
    const png_uint_32 height = png_get_image_height(png, info), width = png_get_image_width(png, info);
    const uint64_t    bytes = ((uint64_t)png_get_rowbytes(png, info) + 1) * height;
    r->shape = TAP_SHAPE(height, width, png_get_channels(png, info));
    if (!check_size(r, bytes)) return 0;
    if (r->most < ((size_t)width + SMALL_IMAGE) * MAX_PIXEL) r->most = ((size_t)width + SMALL_IMAGE) * MAX_PIXEL;
    if (r->purpose == KEEP) png_set_expand(png);
    if (r->purpose == KEEP) png_set_scale_16(png);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    r->shape.n[2] = png_get_channels(png, info);
    const int64_t pixels = tap_numel(r->shape);
    r->must_try = !r->tried && pixels > SMALL_IMAGE && (uint64_t)pixels / USUAL_RATIO > r->in.size;
    return passes;
}

/* libpng's errors jump back to setjmp here. No local variable that is used after it has changed. */
static bool decode(png_structp png, png_infop info, reader *r)
{
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_read_fn(png, r, on_read);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(png, r->in.size + SMALL_IMAGE); /* for compressed texts and profiles */
    const int passes = read_header(png, info, r);
    if (passes == 0 || (r->must_try && r->purpose == KEEP)) return passes > 0;
    const size_t width = png_get_rowbytes(png, info);
    if (r->purpose == KEEP) r->pixels = tap__arena_acquire(r->in.arena, (size_t)tap_numel(r->shape));
    else r->row = malloc(width);
    if (r->purpose == KEEP ? !r->pixels : !r->row) return tap__reader_fail(&r->in, TAP_ENOMEM, "no memory for its pixels");
    for (int pass = 0; pass < passes; pass++) {
        for (int64_t y = 0; y < r->shape.n[0]; y++)
            png_read_row(png, r->purpose == KEEP ? r->pixels + (size_t)y * width : r->row, NULL);
    }
    png_read_end(png, info);
    return true;
}

static bool run(reader *r, png_purpose purpose)
{
    r->purpose = purpose;
    r->most = SMALL_IMAGE;
    errno = 0;
    png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, r, on_error, on_warning, r, on_malloc, on_free);
    png_infop   info = png ? png_create_info_struct(png) : NULL;
    const bool  ok = info ? decode(png, info, r) : tap__reader_fail(&r->in, TAP_ENOMEM, "no memory to decode it");
    png_destroy_read_struct(&png, &info, NULL);
    free(r->row);
    r->row = NULL;
    return ok;
}

/* An image that would be large for its file is decoded twice: to see whether it is there, and to keep it. */
static bool read_image(reader *r)
{
    if (!run(r, KEEP)) return false;
    if (!r->must_try) return true;
    if (!tap__reader_seek(&r->in, 0) || !run(r, TRY) || !tap__reader_seek(&r->in, 0)) return false;
    r->tried = true;
    return run(r, KEEP);
}

tap_tensor tap_png_read(tap_arena *a, const char *path)
{
    reader r = { .tried = false };
    if (!tap__reader_open(&r.in, a, path, "png")) return (tap_tensor){ 0 };
    const bool ok = read_image(&r);
    tap__reader_close(&r.in);
    return ok ? tap_tensor_wrap(TAP_U8, r.shape, r.pixels) : (tap_tensor){ 0 };
}
