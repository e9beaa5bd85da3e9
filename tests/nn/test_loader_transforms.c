/* tests/nn/test_loader_transforms.c: what transforms do to rows and batches, and that their noise depends on (seed, epoch, row)
 * alone. */
#include <string.h>

#include "tests/check.h"

enum {
    ROWS = 12,
    CHANNELS = 2,
    HEIGHT = 3,
    WIDTH = 4,
    PIXELS = CHANNELS * HEIGHT * WIDTH,
    BYTES = PIXELS * (int)sizeof(float)
};

static float   images[ROWS][CHANNELS][HEIGHT][WIDTH];
static int64_t labels[ROWS];

static int fill(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS * PIXELS; i++) (&images[0][0][0][0])[i] = (float)(i + 1);
    for (int i = 0; i < ROWS; i++) labels[i] = i % 3;
    return 0;
}

static tap_loader *load(tap_loader_options o)
{
    const tap_tensor        arrays[] = { tap_tensor_wrap(TAP_F32, TAP_SHAPE(ROWS, CHANNELS, HEIGHT, WIDTH), images),
                                         tap_tensor_wrap(TAP_I64, TAP_SHAPE(ROWS), labels) };
    const tap_field_options how[] = { { 0 }, { .as = TAP_FIELD_ONE_HOT, .classes = 3 } };
    return tap_loader_new_arrays(2, arrays, how, o);
}

/* Of each row of an epoch, its image after the transforms. */
static void collect(tap_loader_options o, uint64_t epoch, float out[ROWS][PIXELS])
{
    tap_tensor  x[2];
    tap_loader *l = load(o);
    const char *message;
    int64_t     n;
    for (tap_loader_start(l, epoch); tap_loader_next(l, x);) {
        const int64_t *rows = tap_loader_rows(l, &n);
        for (int64_t i = 0; i < n; i++) memcpy(out[rows[i]], (float *)x[0].data + i * PIXELS, BYTES);
    }
    if (tap_loader_status(l, &message) != TAP_OK) fail_msg("%s", message);
    tap_loader_free(l);
}

/* ---- What they do ---- */

/* Whether the image is the original one, shifted and filled with zeros. */
static bool is_shifted(const float *image, int row, int dy, int dx)
{
    for (int c = 0; c < CHANNELS; c++) {
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                const bool inside = y + dy >= 0 && y + dy < HEIGHT && x + dx >= 0 && x + dx < WIDTH;
                if (*image++ != (inside ? images[row][c][y + dy][x + dx] : 0)) return false;
            }
        }
    }
    return true;
}

static void test_random_crop(void **state)
{
    static float out[ROWS][PIXELS];
    int          count[11][11] = { { 0 } }, found = 0;
    (void)state;
    for (uint64_t epoch = 0; epoch < 100; epoch++) {
        collect((tap_loader_options){ .shuffle = true, .transform = { tap_transform_random_crop(2) } }, epoch, out);
        for (int row = 0; row < ROWS; row++) {
            int matches = 0;
            for (int k = 0; k < 25; k++) {
                const bool match = is_shifted(out[row], row, k / 5 - 2, k % 5 - 2);
                matches += match;
                count[k / 5][k % 5] += match;
            }
            assert_int_equal(matches, 1);
        }
    }
    for (int k = 0; k < 25; k++) assert_near(count[k / 5][k % 5], 48, 4 * sqrt(48));
    collect((tap_loader_options){ .transform = { tap_transform_random_crop(100) } }, 0, out); /* mostly beyond all edges */
    for (int row = 0; row < ROWS; row++) found += is_shifted(out[row], row, 50, 50);
    assert_true(found >= ROWS - 1);
    collect((tap_loader_options){ .transform = { tap_transform_random_crop(0) } }, 0, out);
    assert_memory_equal(out, images, sizeof out);
}

static void test_horizontal_flip(void **state)
{
    static float out[ROWS][PIXELS];
    int          flipped = 0;
    (void)state;
    for (uint64_t epoch = 0; epoch < 50; epoch++) {
        collect((tap_loader_options){ .transform = { tap_transform_horizontal_flip(0.25) } }, epoch, out);
        for (int row = 0; row < ROWS; row++) {
            const bool flip = out[row][0] != images[row][0][0][0];
            flipped += flip;
            for (int k = 0; k < PIXELS; k++) {
                const int x = k % WIDTH;
                assert_true(out[row][k] == (&images[row][0][0][0])[flip ? k - x + WIDTH - 1 - x : k]);
            }
        }
    }
    assert_near(flipped, 150, 4 * sqrt(600 * 0.25 * 0.75));
}

static void test_normalize(void **state)
{
    static float out[ROWS][PIXELS];
    const double mean[] = { 3, 7 }, std[] = { 2, 0.3 };
    (void)state;
    collect((tap_loader_options){ .transform = { tap_transform_normalize(2, mean, std) } }, 0, out);
    for (int i = 0; i < ROWS * PIXELS; i++) {
        const int c = i / (HEIGHT * WIDTH) % CHANNELS;
        assert_true(out[i / PIXELS][i % PIXELS] == (float)(((double)(&images[0][0][0][0])[i] - mean[c]) / std[c]));
    }
    collect((tap_loader_options){ .transform = { tap_transform_normalize(1, (double[]){ 5 }, (double[]){ 4 }) } }, 0, out);
    for (int i = 0; i < ROWS * PIXELS; i++) assert_true(out[i / PIXELS][i % PIXELS] == (float)(i + 1 - 5) / 4);
}

static void test_mixup(void **state)
{
    tap_tensor  x[2];
    tap_loader *l = load((tap_loader_options){ .batch = 5, .transform = { tap_transform_mixup(0.4) } });
    double      lambdas[3] = { 0 };
    int64_t     n;
    (void)state;
    for (int batch = 0; tap_loader_next(l, x); batch++) {
        const int64_t *rows = tap_loader_rows(l, &n);
        const double   first = tap_tensor_item(x[0], 0), a = (double)images[rows[0]][0][0][0],
                     b = (double)images[rows[n - 1]][0][0][0], lambda = (first - b) / (a - b);
        assert_true(lambda >= 0 && lambda <= 1);
        lambdas[batch] = lambda;
        for (int64_t i = 0; i < n; i++) {
            const int64_t other = n - 1 - i;
            for (int k = 0; k < PIXELS; k++) {
                const double p = (double)(&images[rows[i]][0][0][0])[k], q = (double)(&images[rows[other]][0][0][0])[k];
                assert_near(tap_tensor_item(x[0], i * PIXELS + k), lambda * p + (1 - lambda) * q, 1e-4 * (p + q));
            }
            for (int c = 0; c < 3; c++)
                assert_near(tap_tensor_item(x[1], 3 * i + c),
                            lambda * (labels[rows[i]] == c) + (1 - lambda) * (labels[rows[other]] == c), 1e-4);
        }
    }
    assert_int_equal(tap_loader_status(l, NULL), TAP_OK);
    assert_true(lambdas[0] != lambdas[1] && lambdas[1] != lambdas[2]);
    tap_loader_free(l);
}

/* ---- What their noise depends on ---- */

static tap_status add_noise(const tap_transform *self, int n, const tap_tensor *x, tap_rng *rng, tap_error *e)
{
    (void)self, (void)e;
    assert_int_equal(n, 2);
    assert_true(tap_shape_equal(x[0].shape, TAP_SHAPE(CHANNELS, HEIGHT, WIDTH)) && tap_shape_equal(x[1].shape, TAP_SHAPE(3)));
    for (int k = 0; k < PIXELS; k++) ((float *)x[0].data)[k] += (float)tap_rng_normal(rng);
    return TAP_OK;
}

static void test_noise_is_a_function_of_seed_epoch_and_row(void **state)
{
    static float        first[ROWS][PIXELS], other[ROWS][PIXELS];
    const tap_transform list[] = { { .row = add_noise }, tap_transform_random_crop(1), tap_transform_horizontal_flip(0.5) };
    tap_loader_options  o = { .batch = 5, .seed = 3 };
    (void)state;
    memcpy(o.transform, list, sizeof list);
    collect(o, 4, first);
    for (int i = 0; i < 12; i++) {
        o.batch = 1 + i;
        o.prefetch = i % 4;
        o.shuffle = i % 2;
        o.keyed = i % 3;
        collect(o, 4, other);
        assert_memory_equal(first, other, sizeof first);
    }
    collect(o, 5, other);
    for (int i = 0; i < ROWS; i++) assert_memory_not_equal(first[i], other[i], BYTES);
    o.seed = 2;
    collect(o, 4, other);
    for (int i = 0; i < ROWS; i++) assert_memory_not_equal(first[i], other[i], BYTES);
}

/* A row that is drawn twice has other noise the second time. */
static void test_noise_of_a_row_drawn_twice(void **state)
{
    const double weights[ROWS] = { 1 };
    tap_tensor   x[2], y[2];
    (void)state;
    tap_loader_options o = { .batch = 2,
                             .draws = 4,
                             .weights = tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS), (void *)(uintptr_t)weights),
                             .transform = { { .row = add_noise } } };
    tap_loader        *l = load(o);
    o.batch = 4;
    tap_loader *m = load(o);
    assert_true(tap_loader_next(m, y));
    for (int64_t at = 0; at < 4; at += 2) {
        assert_true(tap_loader_next(l, x));
        assert_memory_not_equal(x[0].data, (char *)x[0].data + BYTES, BYTES);
        assert_memory_equal(x[0].data, (char *)y[0].data + at * BYTES, 2 * BYTES);
    }
    tap_loader_free(l);
    tap_loader_free(m);
}

static tap_status fail_at_row_7(const tap_transform *self, int n, const tap_tensor *x, tap_rng *rng, tap_error *e)
{
    (void)n, (void)rng;
    if (x[0].shape.rank != 3 || *(float *)x[0].data != images[7][0][0][0]) return TAP_OK;
    return tap_error_set(e, TAP_EARG, "%s", (const char *)self->context);
}

static void test_a_transform_that_fails(void **state)
{
    const char *message;
    tap_tensor  x[2];
    (void)state;
    for (int prefetch = 0; prefetch < 3; prefetch++) {
        const tap_transform t = { .row = fail_at_row_7, .context = "seven is enough" };
        tap_loader         *l = load((tap_loader_options){ .batch = 4, .prefetch = prefetch, .transform = { t } });
        assert_true(tap_loader_next(l, x));
        assert_false(tap_loader_next(l, x));
        assert_int_equal(tap_loader_status(l, &message), TAP_EARG);
        assert_string_equal(message, "loader: row 7: seven is enough");
        tap_loader_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_crop),
        cmocka_unit_test(test_horizontal_flip),
        cmocka_unit_test(test_normalize),
        cmocka_unit_test(test_mixup),
        cmocka_unit_test(test_noise_is_a_function_of_seed_epoch_and_row),
        cmocka_unit_test(test_noise_of_a_row_drawn_twice),
        cmocka_unit_test(test_a_transform_that_fails),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
