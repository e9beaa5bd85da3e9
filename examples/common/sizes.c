/* examples/common/sizes.c: measures the size of images after compression by gzip, bzip2, xz and PNG. */
#include "sizes.h"

#include <bzlib.h>
#include <lzma.h>
#include <png.h>
#include <stdlib.h>
#include <zlib.h>

/* The maximum compression level of all these programs, and the largest input. */
enum { BEST = 9, LARGEST = 1 << 30 };

static size_t room_for(size_t n)
{
    return n + n / 50 + 4096;
}

size_t size_by_gzip(const uint8_t *from, size_t n)
{
    enum { WINDOW = 15, GZIP = 16, MEMORY = 8 };
    z_stream z = {
        .next_in = (uint8_t *)from, .avail_in = (uInt)n, .next_out = malloc(room_for(n)), .avail_out = (uInt)room_for(n)
    };
    uint8_t *to = z.next_out;
    size_t   size = 0;
    if (to && n < LARGEST && deflateInit2(&z, BEST, Z_DEFLATED, WINDOW + GZIP, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK) {
        if (deflate(&z, Z_FINISH) == Z_STREAM_END) size = z.total_out;
        deflateEnd(&z);
    }
    free(to);
    return size;
}

size_t size_by_bzip2(const uint8_t *from, size_t n)
{
    unsigned   size = (unsigned)room_for(n);
    char      *to = malloc(size);
    const bool ok = to && n < LARGEST && BZ2_bzBuffToBuffCompress(to, &size, (char *)from, (unsigned)n, BEST, 0, 0) == BZ_OK;
    free(to);
    return ok ? size : 0;
}

size_t size_by_xz(const uint8_t *from, size_t n)
{
    size_t     size = 0;
    uint8_t   *to = malloc(room_for(n));
    const bool ok = to && lzma_easy_buffer_encode(BEST, LZMA_CHECK_CRC64, NULL, from, n, to, &size, room_for(n)) == LZMA_OK;
    free(to);
    return ok ? size : 0;
}

size_t pack_bits(uint8_t *to, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i % 8 == 0) to[i / 8] = 0;
        to[i / 8] |= (uint8_t)((from[i] != 0) << (7 - i % 8));
    }
    return (n + 7) / 8;
}

static void count(png_structp png, png_bytep bytes, size_t n)
{
    (void)bytes;
    *(size_t *)png_get_io_ptr(png) += n;
}

static void no_flush(png_structp png)
{
    (void)png;
}

/* The frame that libpng's errors return to with longjmp; none of its variables changes after setjmp. */
static bool encode(png_structp png, png_infop info, size_t *size, const uint8_t *image, int height, int width, int depth,
                   uint8_t *row)
{
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_write_fn(png, size, count, no_flush);
    png_set_compression_level(png, BEST);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, depth, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < height; y++) {
        if (depth == 1) pack_bits(row, image + y * width, (size_t)width);
        png_write_row(png, depth == 1 ? row : image + y * width);
    }
    png_write_end(png, info);
    return true;
}

size_t size_by_png(const uint8_t *images, size_t n, int height, int width, int depth)
{
    const size_t each = (size_t)height * (size_t)width;
    uint8_t     *row = malloc((size_t)width);
    size_t       all = 0;
    bool         ok = row;
    for (size_t i = 0; ok && i < n; i++) {
        png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
        png_infop   info = png ? png_create_info_struct(png) : NULL;
        ok = info && encode(png, info, &all, images + i * each, height, width, depth, row);
        png_destroy_write_struct(&png, &info);
    }
    free(row);
    return ok ? all : 0;
}
