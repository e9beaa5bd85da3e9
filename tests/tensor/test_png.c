/* What is written, libpng's own reader must find; what libpng writes is read; hostile files are refused. check_files.py compares
 * PngSuite, where there is one, with another decoder. */
#define _XOPEN_SOURCE 700
#include "tests/tensor/scratch.h"

#include <math.h>
#include <png.h>
#include <signal.h>
#include <sys/resource.h>
#include <zlib.h>

#include "tensor/arena.h"

/* Reads x.png, checks that it is 8-bit greyscale of this size and holds these values. */
static void expect_png(unsigned height, unsigned width, const unsigned char *values)
{
    size_t         n;
    unsigned char *file = (unsigned char *)scratch_read("x.png", &n);
    png_image      image = { .version = PNG_IMAGE_VERSION };
    unsigned char  found[64];
    assert_int_equal(png_image_begin_read_from_memory(&image, file, n), 1);
    assert_int_equal(image.height, height);
    assert_int_equal(image.width, width);
    assert_int_equal(image.format, PNG_FORMAT_GRAY);
    assert_int_equal(file[24], 8); /* bits, */
    assert_int_equal(file[25], 0); /* greyscale */
    assert_true(PNG_IMAGE_SIZE(image) <= sizeof found);
    assert_int_equal(png_image_finish_read(&image, NULL, found, 0, NULL), 1);
    assert_memory_equal(found, values, (size_t)height * width);
    free(file);
    assert_int_equal(scratch_count(), 1);
    unlink("x.png");
}

static void test_float32(void **state)
{
    float               x[] = { 0, 1, 0.5f, -3, 7, NAN, INFINITY, -INFINITY, 0.1f, 1 / 255.0f };
    const unsigned char grey[] = { 0, 255, 128, 0, 255, 0, 255, 0, 26, 1 };
    tap_error           e = { 0 };
    (void)state;
    assert_int_equal(tap_png_write("x.png", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 5), x), &e), TAP_OK);
    assert_int_equal(e.status, TAP_OK);
    expect_png(2, 5, grey);
}

static void test_float64(void **state)
{
    double              x[] = { 0.25, -0.0, 1e300, (double)NAN, 0.9979, 0.9981 };
    const unsigned char grey[] = { 64, 0, 255, 0, 254, 255 };
    (void)state;
    assert_int_equal(tap_png_write("x.png", tap_tensor_wrap(TAP_F64, TAP_SHAPE(6, 1), x), NULL), TAP_OK);
    expect_png(6, 1, grey);
}

static void test_uint8_views(void **state)
{
    unsigned char       x[] = { 1, 2, 3, 4, 5, 6 };
    const unsigned char same[] = { 1, 2, 3, 4, 5, 6 }, transposed[] = { 1, 4, 2, 5, 3, 6 }, mirrored[] = { 3, 2, 1, 6, 5, 4 };
    tap_tensor          image = tap_tensor_wrap(TAP_U8, TAP_SHAPE(2, 3), x);
    tap_error           e = { 0 };
    tap_arena          *a = tap_arena_new();
    (void)state;
    assert_int_equal(tap_png_write("x.png", image, &e), TAP_OK);
    expect_png(2, 3, same);
    assert_int_equal(tap_png_write("x.png", tap_tensor_transpose(a, image, 0, 1), &e), TAP_OK);
    expect_png(3, 2, transposed);
    assert_int_equal(tap_png_write("x.png", tap_tensor_slice(a, image, 1, -1, TAP_END, -1), &e), TAP_OK);
    expect_png(2, 3, mirrored);
    tap_arena_free(a);
}

/* libpng alone would stop at a million. */
static void test_rows_longer_than_a_buffer(void **state)
{
    static unsigned char x[1500000];
    (void)state;
    assert_int_equal(tap_png_write("x.png", tap_tensor_wrap(TAP_U8, TAP_SHAPE(1, sizeof x), x), NULL), TAP_OK);
    assert_int_equal(unlink("x.png"), 0);
}

static void test_bad_images(void **state)
{
    static double memory[27];
    const struct {
        const char *path;
        tap_tensor  image;
        tap_status  status;
        const char *message;
    } bad[] = {
        { "x.png", tap_tensor_wrap(TAP_I64, TAP_SHAPE(3, 3), memory), TAP_EDTYPE,
          "x.png: the image must be float32, float64 or uint8, not int64" },
        { "x.png", tap_tensor_wrap(TAP_BOOL, TAP_SHAPE(3, 3), memory), TAP_EDTYPE,
          "x.png: the image must be float32, float64 or uint8, not bool" },
        { "x.png", tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 1, 5), memory), TAP_ESHAPE,
          "x.png: the image must be [height,width] or [height,width,1 to 4 channels], not [3,1,5]" },
        { "x.png", tap_tensor_wrap(TAP_F64, TAP_SCALAR, memory), TAP_ESHAPE,
          "x.png: the image must be [height,width] or [height,width,1 to 4 channels], not []" },
        { "x.png", tap_tensor_wrap(TAP_F64, TAP_SHAPE(0, 3), memory), TAP_ESHAPE,
          "x.png: height and width must be 1 to 2147483647, not [0,3]" },
        { "x.png", tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 0), memory), TAP_ESHAPE,
          "x.png: height and width must be 1 to 2147483647, not [3,0]" },
        { "x.png", tap_tensor_wrap(TAP_U8, TAP_SHAPE(1, 2147483648), memory), TAP_ESHAPE,
          "x.png: height and width must be 1 to 2147483647, not [1,2147483648]" },
        { "x.png", { 0 }, TAP_EARG, "x.png: the image is an inert tensor" },
        { NULL, tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 3), memory), TAP_EARG, "png: the path is NULL" },
        { "missing/x.png", tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 3), memory), TAP_EIO,
          "missing/x.png: cannot create a file in its folder: No such file or directory" },
        { "/dev/full", tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 3), memory), TAP_EIO,
          "/dev/full: cannot write: No space left on device" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tap_error e = { 0 };
        assert_int_equal(tap_png_write(bad[i].path, bad[i].image, &e), bad[i].status);
        assert_int_equal(e.status, bad[i].status);
        assert_string_equal(e.message, bad[i].message);
        assert_int_equal(tap_png_write(bad[i].path, bad[i].image, NULL), bad[i].status);
    }
    assert_int_equal(scratch_count(), 0);
}

/* libpng is stopped in the middle of the pixels; the old file stays. */
static void test_interrupted(void **state)
{
    static unsigned char noise[200 * 200];
    tap_error            e = { 0 };
    struct rlimit        before, small;
    (void)state;
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (unsigned char)(i * i * 2654435761u >> 13);
    scratch_write("x.png", "before", 6);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 10000;
    void (*action)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    tap_status status = tap_png_write("x.png", tap_tensor_wrap(TAP_U8, TAP_SHAPE(200, 200), noise), &e);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, action);
    assert_int_equal(status, TAP_EIO);
    assert_string_equal(e.message, "x.png: cannot write: File too large");
    scratch_expect("x.png", "before");
    assert_int_equal(scratch_count(), 1);
    unlink("x.png");
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static void expect_pixels(int64_t height, int64_t width, int64_t channels, const unsigned char *values)
{
    const char *message;
    tap_arena  *a = tap_arena_new();
    tap_tensor  x = tap_png_read(a, "x.png");
    if (tap_arena_status(a, &message) != TAP_OK) fail_msg("%s", message);
    assert_int_equal(x.dtype, TAP_U8);
    assert_true(tap_shape_equal(x.shape, TAP_SHAPE(height, width, channels)));
    assert_memory_equal(x.data, values, (size_t)(height * width * channels));
    tap_arena_free(a);
}

/* Images with 1 to 4 channels, of every dtype, and views of them. */
static void test_channels(void **state)
{
    unsigned char bytes[24];
    double        reals[24];
    (void)state;
    for (int i = 0; i < 24; i++) {
        bytes[i] = (unsigned char)(i * 11);
        reals[i] = i * 11 / 255.0;
    }
    for (int channels = 1; channels <= 4; channels++) {
        const tap_shape shape = TAP_SHAPE(2, 3, channels);
        assert_int_equal(tap_png_write("x.png", tap_tensor_wrap(TAP_U8, shape, bytes), NULL), TAP_OK);
        expect_pixels(2, 3, channels, bytes);
        assert_int_equal(tap_png_write("x.png", tap_tensor_wrap(TAP_F64, shape, reals), NULL), TAP_OK);
        expect_pixels(2, 3, channels, bytes);
    }
    /* planes of colours, as convolutions have them */
    tap_arena          *a = tap_arena_new();
    const unsigned char planes[] = { 1, 2, 3, 4, 5, 6 }, colours[] = { 1, 3, 5, 2, 4, 6 };
    const tap_tensor    image = tap_tensor_wrap(TAP_U8, TAP_SHAPE(3, 1, 2), (void *)(uintptr_t)planes);
    assert_int_equal(tap_png_write("x.png", tap_tensor_permute(a, image, 3, (int[]){ 1, 2, 0 }), NULL), TAP_OK);
    expect_pixels(1, 2, 3, colours);
    tap_arena_free(a);
    unlink("x.png");
}

/* A file by libpng. rows: the packed bytes of all rows, row_bytes of them each. */
static void write_by_libpng(int width, int height, int bits, int type, int interlace, const unsigned char *rows,
                            size_t row_bytes)
{
    static png_color palette[] = { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 }, { 10, 11, 12 } };
    static png_byte  alpha[] = { 0, 128 };
    FILE            *f = fopen("x.png", "wb");
    png_structp      png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop        info = png_create_info_struct(png);
    assert_non_null(f);
    png_init_io(png, f);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, bits, type, interlace, 0, 0);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_set_PLTE(png, info, palette, 4);
        png_set_tRNS(png, info, alpha, 2, NULL);
    }
    png_write_info(png, info);
    for (int pass = png_set_interlace_handling(png); pass > 0; pass--) {
        for (int y = 0; y < height; y++) png_write_row(png, rows + (size_t)y * row_bytes);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    assert_int_equal(fclose(f), 0);
}

static void test_depths(void **state)
{
    const unsigned char packed[] = { 0xb0, 0x40 }, bits[] = { 255, 0, 255, 255, 0, 0, 255, 0, 0, 0 };
    const unsigned char two[] = { 170, 255, 0, 0 }, four[] = { 187, 0, 68, 0 };
    const unsigned char wide[] = { 0x12, 0x34, 0xff, 0x7f }, eight[] = { 0x12, 0xff };
    const unsigned char colours[] = { 7, 8, 9, 255, 10, 11, 12, 255, 1, 2, 3, 0, 4, 5, 6, 128 };
    (void)state;
    write_by_libpng(5, 2, 1, PNG_COLOR_TYPE_GRAY, 0, packed, 1);
    expect_pixels(2, 5, 1, bits);
    write_by_libpng(4, 1, 2, PNG_COLOR_TYPE_GRAY, 0, packed, 1);
    expect_pixels(1, 4, 1, two);
    write_by_libpng(2, 2, 4, PNG_COLOR_TYPE_GRAY, 0, packed, 1);
    expect_pixels(2, 2, 1, four);
    write_by_libpng(2, 1, 16, PNG_COLOR_TYPE_GRAY, 0, wide, 4);
    expect_pixels(1, 2, 1, eight);
    write_by_libpng(4, 1, 2, PNG_COLOR_TYPE_PALETTE, 0, &(unsigned char){ 0xb1 }, 1);
    expect_pixels(1, 4, 4, colours);
    unlink("x.png");
}

static void test_interlaced(void **state)
{
    static unsigned char grey[21 * 13];
    (void)state;
    for (size_t i = 0; i < sizeof grey; i++) grey[i] = (unsigned char)(i * 7);
    write_by_libpng(21, 13, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_ADAM7, grey, 21);
    expect_pixels(13, 21, 1, grey);
    unlink("x.png");
}

/* A picture of one colour is larger than 16 times its file: it is decoded twice. */
static void test_much_smaller_file(void **state)
{
    static unsigned char white[2000 * 1000];
    size_t               n;
    (void)state;
    memset(white, 255, sizeof white);
    for (int interlace = 0; interlace < 2; interlace++) {
        write_by_libpng(2000, 1000, 8, PNG_COLOR_TYPE_GRAY, interlace, white, 2000);
        free(scratch_read("x.png", &n));
        assert_true(n < sizeof white / 16);
        expect_pixels(1000, 2000, 1, white);
    }
    unlink("x.png");
}

static void expect_refusal(const char *expected)
{
    const char *message;
    tap_arena  *a = tap_arena_new();
    const int   fd = scratch_next_fd();
    assert_null(tap_png_read(a, "x.png").data);
    assert_int_equal(tap_arena_status(a, &message), TAP_EIO);
    if (expected) assert_string_equal(message, expected);
    assert_true(tap__arena_bytes(a) < 1 << 21);
    assert_int_equal(scratch_next_fd(), fd);
    tap_arena_free(a);
}

/* Writes the file with other sizes in its header, whose checksum stays right. */
static void forge(const unsigned char *file, size_t n, uint32_t width, uint32_t height)
{
    unsigned char *copy = malloc(n);
    assert_non_null(copy);
    memcpy(copy, file, n);
    for (int i = 0; i < 4; i++) {
        copy[16 + i] = (unsigned char)(width >> (24 - 8 * i));
        copy[20 + i] = (unsigned char)(height >> (24 - 8 * i));
    }
    const uLong crc = crc32(0, copy + 12, 17);
    for (int i = 0; i < 4; i++) copy[29 + i] = (unsigned char)(crc >> (24 - 8 * i));
    scratch_write("x.png", copy, n);
    free(copy);
}

static void test_bad_files(void **state)
{
    static unsigned char noise[40 * 50];
    size_t               n;
    (void)state;
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (unsigned char)(i * i * 2654435761u >> 13);
    scratch_write("x.png", "GIF89a, and some more", 21);
    expect_refusal("x.png: bad PNG: Not a PNG file");
    scratch_write("x.png", "", 0);
    expect_refusal("x.png: bad PNG: truncated");
    assert_int_equal(tap_png_write("x.png", tap_tensor_wrap(TAP_U8, TAP_SHAPE(40, 50), noise), NULL), TAP_OK);
    unsigned char *file = (unsigned char *)scratch_read("x.png", &n);
    for (size_t cut = 0; cut < n; cut += 1 + cut / 40) {
        scratch_write("x.png", file, cut);
        expect_refusal("x.png: bad PNG: truncated");
    }
    file[n / 2] ^= 1;
    scratch_write("x.png", file, n);
    expect_refusal(NULL);
    file[n / 2] ^= 1;
    forge(file, n, 2147483647, 2147483647);
    char text[200];
    snprintf(text, sizeof text,
             "x.png: truncated: an image [2147483647,2147483647,1] takes 4611686016279904256 bytes, the file can"
             " hold %zu",
             n * 1032);
    expect_refusal(text);
    forge(file, n, 50, 40000); /* two million pixels, which this file could hold, but does not */
    expect_refusal("x.png: bad PNG: Not enough image data");
    forge(file, n, 50, 41);
    expect_refusal("x.png: bad PNG: Not enough image data");
    free(file);
    unlink("x.png");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float32),     cmocka_unit_test(test_float64),
        cmocka_unit_test(test_uint8_views), cmocka_unit_test(test_rows_longer_than_a_buffer),
        cmocka_unit_test(test_bad_images),  cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_channels),    cmocka_unit_test(test_depths),
        cmocka_unit_test(test_interlaced),  cmocka_unit_test(test_much_smaller_file),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
