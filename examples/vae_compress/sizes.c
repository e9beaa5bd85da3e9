/* examples/vae_compress/sizes.c: measures the size of images after compression by gzip, bzip2, xz and PNG. */
#include "sizes.h"

#include <bzlib.h>
#include <lzma.h>
#include <png.h>
#include <stdlib.h>
#include <zlib.h>

/* The maximum compression level of all these programs, and the largest input. */
enum { BEST = 9, LARGEST = 1 << 30 };

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
static bool encode(png_structp png, png_infop info, size_t *size, const uint8_t *image, int depth)
{
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_write_fn(png, size, count, no_flush);
    png_set_compression_level(png, BEST);
    png_set_IHDR(png, info, SIDE, SIDE, depth, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    png_set_packing(png);
    for (int y = 0; y < SIDE; y++) png_write_row(png, image + y * SIDE);
    png_write_end(png, info);
    return true;
}

static size_t size_by_png(tap_tensor images, int depth)
{
    size_t all = 0;
    for (int64_t i = 0; i < images.shape.n[0]; i++) {
        png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
        png_infop   info = png ? png_create_info_struct(png) : NULL;
        const bool  ok = info && encode(png, info, &all, (const uint8_t *)images.data + i * SIDE * SIDE, depth);
        png_destroy_write_struct(&png, &info);
        if (!ok) return 0;
    }
    return all;
}

sizes sizes_of(tap_tensor images, bool binary)
{
    const uint8_t *pixel = images.data;
    const size_t   pixels = (size_t)tap_tensor_numel(images), n = binary ? (pixels + 7) / 8 : pixels, room = n + n / 50 + 4096;
    uint8_t       *packed = calloc(n, 1), *to = malloc(room);
    uLongf         gzip = room;
    unsigned       bzip2 = (unsigned)room;
    sizes          s = { .png = size_by_png(images, binary ? 1 : 8) };
    for (size_t i = 0; packed && i < pixels; i++) {
        if (binary) packed[i / 8] |= (uint8_t)((pixel[i] != 0) << (7 - i % 8));
        else packed[i] = pixel[i];
    }
    if (packed && to && n < LARGEST) {
        if (compress2(to, &gzip, packed, n, BEST) == Z_OK) s.gzip = gzip + 18 - 6; /* gzip's header and trailer for zlib's */
        if (BZ2_bzBuffToBuffCompress((char *)to, &bzip2, (char *)packed, (unsigned)n, BEST, 0, 0) == BZ_OK) s.bzip2 = bzip2;
        if (lzma_easy_buffer_encode(BEST, LZMA_CHECK_CRC64, NULL, packed, n, to, &s.xz, room) != LZMA_OK) s.xz = 0;
    }
    free(packed);
    free(to);
    return s;
}
