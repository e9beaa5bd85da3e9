/* What is written, libpng's own reader must find. */
#define _XOPEN_SOURCE 700
#include "tests/tensor/scratch.h"

#include <math.h>
#include <png.h>
#include <signal.h>
#include <sys/resource.h>

#include "tensor/tensor.h"

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
        { "x.png", tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 3, 3), memory), TAP_ESHAPE,
          "x.png: the image must be [height,width], not [3,3,3]" },
        { "x.png", tap_tensor_wrap(TAP_F64, TAP_SCALAR, memory), TAP_ESHAPE,
          "x.png: the image must be [height,width], not []" },
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float32),     cmocka_unit_test(test_float64),
        cmocka_unit_test(test_uint8_views), cmocka_unit_test(test_rows_longer_than_a_buffer),
        cmocka_unit_test(test_bad_images),  cmocka_unit_test(test_interrupted),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
