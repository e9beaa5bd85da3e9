/* tests/fuzz/png.c: PNG files, which are written and read again. */
#include "tests/fuzz/fuzz.h"

#include <zlib.h>

void fuzz(const unsigned char *bytes, size_t n)
{
    tap_error   e = { 0 };
    tap_arena  *a = tap_arena_new();
    const char *path = fuzz_file(bytes, n);
    tap_tensor  x = tap_png_read(a, path);
    FUZZ_CHECK((x.data != NULL) == (tap_arena_status(a, NULL) == TAP_OK), "%s", tap_status_name(tap_arena_status(a, NULL)));
    fuzz_check_arena(a, path, n, x.data ? fuzz_touch(x) : 0);
    if (x.data && tap_tensor_numel(x) < 1 << 16) {
        FUZZ_CHECK(tap_png_write(fuzz_target_path(), x, &e) == TAP_OK, "%s", e.message);
        tap_arena *again = tap_arena_new();
        fuzz_check_same(x, tap_png_read(again, fuzz_target_path()));
        tap_arena_free(again);
    }
    tap_arena_free(a);
}

static size_t number_at(const unsigned char *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

/* Corrects the checksums of the chunks after 7 of 8 mutations. */
size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t capacity, unsigned seed)
{
    n = LLVMFuzzerMutate(bytes, n, capacity);
    for (size_t at = 8; seed % 8 && at + 12 <= n && number_at(bytes + at) <= n - at - 12; at += 12 + number_at(bytes + at)) {
        const size_t end = at + 8 + number_at(bytes + at);
        const uLong  crc = crc32(0, bytes + at + 4, (uInt)(end - at - 4));
        for (int i = 0; i < 4; i++) bytes[end + (size_t)i] = (unsigned char)(crc >> (24 - 8 * i));
    }
    return n;
}

/* ---- Seeds ------------------------------------------------------------------------------------------------------- */

typedef struct {
    unsigned char bytes[512];
    size_t        n;
} file;

static void add_chunk(file *f, const char *kind, const void *data, size_t n)
{
    unsigned char *p = f->bytes + f->n;
    for (int i = 0; i < 4; i++) p[i] = (unsigned char)(n >> (24 - 8 * i));
    memcpy(p + 4, kind, 4);
    memcpy(p + 8, data, n);
    const uLong crc = crc32(0, p + 4, (uInt)n + 4);
    for (int i = 0; i < 4; i++) p[8 + n + (size_t)i] = (unsigned char)(crc >> (24 - 8 * i));
    f->n += 12 + n;
}

/* A file of 3 x 2 pixels, whose rows are all zeros behind the filter's byte. The header states a width of its own. */
static void put_image(fuzz_put *put, const char *name, unsigned char bits, unsigned char type, unsigned char interlaced,
                      unsigned width)
{
    static const unsigned char zeros[64];
    file                       f = { .bytes = "\x89PNG\r\n\x1a\n", .n = 8 };
    unsigned char              packed[64];
    const unsigned char        header[] = { (unsigned char)(width >> 24),
                                            (unsigned char)(width >> 16),
                                            (unsigned char)(width >> 8),
                                            (unsigned char)width,
                                            0,
                                            0,
                                            0,
                                            2,
                                            bits,
                                            type,
                                            0,
                                            0,
                                            interlaced };
    uLongf                     n = sizeof packed;
    FUZZ_CHECK(compress(packed, &n, zeros, sizeof zeros) == Z_OK, "%s", name);
    add_chunk(&f, "IHDR", header, sizeof header);
    add_chunk(&f, "gAMA", "\0\0\xb1\x8f", 4);
    if (type == 3) add_chunk(&f, "PLTE", "\1\2\3\4\5\6", 6);
    if (type == 3) add_chunk(&f, "tRNS", "\x80", 1);
    if (type == 0) add_chunk(&f, "tRNS", "\0\0", 2);
    add_chunk(&f, "IDAT", packed, n);
    add_chunk(&f, "tEXt", "a\0b", 3);
    add_chunk(&f, "IEND", "", 0);
    put(name, f.bytes, f.n);
}

void fuzz_seeds(fuzz_put *put)
{
    put_image(put, "bits", 1, 0, 0, 3);
    put_image(put, "bits_interlaced", 1, 0, 1, 3);
    put_image(put, "grey", 8, 0, 0, 3);
    put_image(put, "wide", 16, 0, 0, 3);
    put_image(put, "colour", 8, 2, 1, 3);
    put_image(put, "palette", 2, 3, 0, 3);
    put_image(put, "grey_alpha", 8, 4, 0, 3);
    put_image(put, "colour_alpha", 16, 6, 0, 3);
    put_image(put, "no_type", 8, 5, 0, 3);
    put_image(put, "too_wide", 8, 0, 0, 300);
    put_image(put, "gigabytes", 8, 0, 0, 0x7fffffff);
    FUZZ_PUT(put, "signature", "\x89PNG\r\n\x1a\n");
    FUZZ_PUT(put, "ascii", "\x89PNG\n\x1a\n");
}
