/* examples/vae_compress/report.c: how many bits a pixel takes, beside what the model promises and what other compressors need. */
#include "vae_compress.h"

#include <bzlib.h>
#include <lzma.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

/* -ELBO in nats of all images together, with one draw of z for each, as a code for them has it. */
static bool promise(const tap_vae *vae, tap_tensor images, double *nats)
{
    tap_loader *data = tap_loader_new(images, (tap_loader_options){ .batch = 500, .scale = 1 });
    tap_tape   *t = tap_tape_new(TAP_F32, 0);
    const char *message;
    tap_tensor  x;
    *nats = 0;
    tap_tape_set_recording(t, false);
    while (tap_loader_next(data, &x)) {
        tap_tape_reset(t);
        *nats -= tap_item(tap_sum(tap_cast(tap_vae_elbo(vae, tap_input(t, x)).elbo, TAP_F64), TAP_ALL));
    }
    bool ok = !tap_loader_status(data, &message) || fail("%s", message);
    tap_loader_free(data);
    return tape_end(t) && ok;
}

/* Images of 0 and 1 and, if they are binary, packed 8 pixels to a byte, the first one highest. */
static size_t pack(uint8_t *to, const uint8_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i % 8 == 0) to[i / 8] = 0;
        to[i / 8] |= (uint8_t)(x[i] << (7 - i % 8));
    }
    return (n + 7) / 8;
}

/* What comes of n bytes in no more room; */
typedef size_t compressor(uint8_t *to, size_t room, const uint8_t *from, size_t n); /* 0 if it cannot */

static size_t by_gzip(uint8_t *to, size_t room, const uint8_t *from, size_t n)
{
    z_stream z = { .next_in = (uint8_t *)from, .avail_in = (uInt)n, .next_out = to, .avail_out = (uInt)room };
    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
    const int end = deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return end == Z_STREAM_END ? z.total_out : 0;
}

static size_t by_bzip2(uint8_t *to, size_t room, const uint8_t *from, size_t n)
{
    unsigned size = (unsigned)room;
    return BZ2_bzBuffToBuffCompress((char *)to, &size, (char *)from, (unsigned)n, 9, 0, 0) == BZ_OK ? size : 0;
}

static size_t by_xz(uint8_t *to, size_t room, const uint8_t *from, size_t n)
{
    size_t size = 0;
    return lzma_easy_buffer_encode(9, LZMA_CHECK_CRC64, NULL, from, n, to, &size, room) == LZMA_OK ? size : 0;
}

static void count_bytes(png_structp png, png_bytep bytes, size_t n)
{
    (void)bytes;
    *(size_t *)png_get_io_ptr(png) += n;
}

static void no_flush(png_structp png)
{
    (void)png;
}

/* Where a jump lands: nothing here changes after setjmp. */
static bool write_png(png_structp png, png_infop info, size_t *size, const uint8_t *image, int depth)
{
    uint8_t row[SIDE];
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_write_fn(png, size, count_bytes, no_flush);
    png_set_compression_level(png, 9);
    png_set_IHDR(png, info, SIDE, SIDE, depth, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < SIDE; y++) {
        if (depth == 1) pack(row, image + y * SIDE, SIDE);
        png_write_row(png, depth == 1 ? row : image + y * SIDE);
    }
    png_write_end(png, info);
    return true;
}

/* A picture for each image, 1 or 8 bits deep. */
static size_t by_png(const uint8_t *images, int64_t n, int depth)
{
    size_t all = 0;
    bool   ok = true;
    for (int64_t i = 0; ok && i < n; i++) {
        png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
        png_infop   info = png ? png_create_info_struct(png) : NULL;
        ok = info && write_png(png, info, &all, images + i * SIDE * SIDE, depth);
        png_destroy_write_struct(&png, &info);
    }
    return ok ? all : 0;
}

static void line(const char *name, double bytes, int64_t pixels)
{
    if (bytes > 0) printf("  %-22s %7.4f bits per pixel %12.0f bytes\n", name, 8 * bytes / (double)pixels, bytes);
    else printf("  %-22s       -\n", name);
}

static void others(const uint8_t *images, int64_t n, bool binary)
{
    static const struct {
        const char *name;
        compressor *by;
    } all[] = { { "gzip -9", by_gzip }, { "bzip2 -9", by_bzip2 }, { "xz -9", by_xz } };
    const size_t pixels = (size_t)n * SIDE * SIDE, room = pixels + pixels / 50 + 4096;
    uint8_t     *from = malloc(pixels), *to = malloc(room);
    const size_t size = from && binary ? pack(from, images, pixels) : pixels;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        line(all[i].name, from && to && room < 1u << 31 ? (double)all[i].by(to, room, binary ? from : images, size) : 0, (int64_t)pixels);
    line("PNG, one for each", (double)by_png(images, n, binary ? 1 : 8), (int64_t)pixels);
    free(from);
    free(to);
}

bool report(const tap_vae *vae, tap_arena *a, tap_tensor images, int64_t bytes, double seconds)
{
    const int64_t n = images.shape.n[0], pixels = tap_tensor_numel(images);
    const bool    binary = vae->options.likelihood == TAP_VAE_BERNOULLI;
    double        nats;
    images = tap_tensor_contiguous(a, tap_tensor_cast(a, images, TAP_U8));
    uint8_t *x = images.data;
    uint8_t  most = 0;
    for (int64_t i = 0; i < pixels; i++) most = x[i] > most ? x[i] : most;
    for (int64_t i = 0; binary && i < pixels; i++) x[i] = x[i] == most && most;
    if (!promise(vae, images, &nats)) return false;
    printf("%lld images of 28x28, %s: %.2f MB of pixels per second\n", (long long)n, binary ? "two values" : "bytes",
           (double)pixels / 1e6 / seconds);
    if (n == 0) return true;
    line("vae_compress", (double)bytes, pixels);
    line("promised, -ELBO", nats / log(2) / 8, pixels);
    others(x, n, binary);
    return true;
}
