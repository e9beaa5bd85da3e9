/* tests/nn/test_image_folder.c: folders of PNG files as images and classes. */
#define _XOPEN_SOURCE 700
#include <string.h>
#include <sys/stat.h>

#include "tests/tensor/scratch.h"

enum { HEIGHT = 3, WIDTH = 2, PIXELS = HEIGHT * WIDTH };

/* The value of channel c of pixel i of an image. */
static int value_of(int image, int i, int c)
{
    return (40 * image + 7 * i + 60 * c) % 256;
}

static void write_png(const char *path, int image, int height, int channels)
{
    uint8_t   pixels[64];
    tap_error e = { 0 };
    for (int i = 0; i < height * WIDTH; i++) {
        for (int c = 0; c < channels; c++) pixels[i * channels + c] = (uint8_t)value_of(image, i, c);
    }
    if (tap_png_write(path, tap_tensor_wrap(TAP_U8, TAP_SHAPE(height, WIDTH, channels), pixels), &e) != TAP_OK)
        fail_msg("%s", e.message);
}

static int begin(void **state)
{
    return scratch_enter(state);
}

/* Images 0 to 4 in classes 0 to 2, in the order of bytes: capitals come first. */
static void make_folder(void)
{
    const char *folders[] = { "set", "set/dog", "set/Cat", "set/cow", "set/.hidden" };
    for (int i = 0; i < 5; i++) assert_true(mkdir(folders[i], 0700) == 0 || access(folders[i], F_OK) == 0);
    write_png("set/Cat/b.PNG", 1, HEIGHT, 1);
    write_png("set/Cat/a.png", 0, HEIGHT, 3);
    write_png("set/cow/1.png", 2, HEIGHT, 4);
    write_png("set/dog/10.png", 3, HEIGHT, 2);
    write_png("set/dog/9.png", 4, HEIGHT, 3);
    write_png("set/dog/.9.png", 5, HEIGHT, 3);
    scratch_write("set/dog/notes.txt", "no image", 8);
    scratch_write("set/readme", "no folder", 9);
}

static const int     channels_of[5] = { 3, 1, 4, 2, 3 };
static const int64_t class_of[5] = { 0, 0, 1, 2, 2 };

/* What channel c of `wanted` is, of a pixel of an image. */
static int expected(int image, int i, int c, int wanted)
{
    const int channels = channels_of[image];
    const int grey =
        channels < 3
            ? value_of(image, i, 0)
            : (int)floor(0.299 * value_of(image, i, 0) + 0.587 * value_of(image, i, 1) + 0.114 * value_of(image, i, 2) + 0.5);
    if (wanted % 2 == 0 && c == wanted - 1) return channels % 2 == 0 ? value_of(image, i, channels - 1) : 255;
    return wanted < 3 || channels < 3 ? grey : value_of(image, i, c);
}

static void test_images_and_classes(void **state)
{
    (void)state;
    make_folder();
    for (int wanted = 0; wanted <= 4; wanted++) {
        const char       *message;
        const int         channels = wanted ? wanted : 3;
        tap_image_folder *f = tap_image_folder_new("set", wanted);
        tap_loader *l = tap_loader_new_dataset(tap_image_folder_dataset(f), NULL, (tap_loader_options){ .prefetch = wanted });
        tap_tensor  x[2];
        if (!tap_loader_next(l, x)) fail_msg("%s", (tap_loader_status(l, &message), message));
        assert_true(x[0].dtype == TAP_U8 && tap_shape_equal(x[0].shape, TAP_SHAPE(5, channels, HEIGHT, WIDTH)));
        assert_true(x[1].dtype == TAP_I64 && tap_shape_equal(x[1].shape, TAP_SHAPE(5)));
        for (int image = 0; image < 5; image++) {
            assert_int_equal(((int64_t *)x[1].data)[image], class_of[image]);
            for (int k = 0; k < channels * PIXELS; k++)
                assert_int_equal(((uint8_t *)x[0].data)[image * channels * PIXELS + k],
                                 expected(image, k % PIXELS, k / PIXELS, channels));
        }
        assert_string_equal(tap_image_folder_class(f, 0), "Cat");
        assert_string_equal(tap_image_folder_class(f, 2), "dog");
        assert_null(tap_image_folder_class(f, 3));
        assert_null(tap_image_folder_class(f, -1));
        tap_loader_free(l);
        tap_image_folder_free(f);
    }
}

static void refuse(const char *path, int channels, tap_status status, const char *wanted)
{
    const char       *message;
    tap_image_folder *f = tap_image_folder_new(path, channels);
    tap_loader       *l = tap_loader_new_dataset(tap_image_folder_dataset(f), NULL, (tap_loader_options){ 0 });
    tap_tensor        x[2];
    assert_false(tap_loader_next(l, x));
    assert_int_equal(tap_loader_status(l, &message), status);
    assert_string_equal(message, wanted);
    tap_loader_free(l);
    tap_image_folder_free(f);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    make_folder();
    refuse("none", 3, TAP_EIO, "none: cannot read: No such file or directory");
    refuse("set/readme", 3, TAP_EIO, "set/readme: cannot read: Not a directory");
    refuse("set/cow", 3, TAP_EIO, "set/cow: holds no folders, one for each class");
    refuse("set", 5, TAP_EARG, "image_folder: channels must be within 1..4, not 5");
    write_png("set/cow/2.png", 0, HEIGHT + 1, 3);
    refuse("set", 3, TAP_ESHAPE, "loader: row 3: set/cow/2.png: has 2 x 4 pixels, and set/Cat/a.png has 2 x 3");
    scratch_write("set/cow/2.png", "no image", 8);
    refuse("set", 3, TAP_EIO, "loader: row 3: set/cow/2.png: bad PNG: Not a PNG file");
    unlink("set/cow/2.png");
    assert_int_equal(mkdir("set/empty", 0700), 0);
    refuse("set", 3, TAP_EIO, "set/empty: holds no .png files");
    assert_int_equal(rmdir("set/empty"), 0);
    scratch_write("set/Cat/a.png", "no image", 8);
    refuse("set", 3, TAP_EIO, "set/Cat/a.png: bad PNG: Not a PNG file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images_and_classes),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, begin, scratch_leave);
}
