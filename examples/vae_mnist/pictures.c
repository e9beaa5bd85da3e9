/* examples/vae_mnist/pictures.c: shows what the model has learned, as pictures and as text. A picture is an expression over
 * vars: a grid of images [rows,columns,height,width]. */
#define _POSIX_C_SOURCE 200809L
#include "vae_mnist.h"

#include <math.h>
#include <unistd.h>

enum { MAX_TEST = 40, EDGE = 2, SHOWN = SIDE - 2 * EDGE }; /* text omits the margin, which is empty in digits */

/* The first n <= MAX_TEST test images [n,784], repeated cyclically if the test set is smaller. */
static tap_var test_images(const run *r, tap_tape *t, int64_t n)
{
    int64_t index[MAX_TEST];
    for (int64_t i = 0; i < n; i++) index[i] = i % r->data->test.shape.n[0];
    return images_select(t, r->data->test, tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(n), index)));
}

static tap_var grid(tap_var images, int64_t rows, int64_t columns)
{
    return tap_reshape(images, TAP_SHAPE(rows, columns, SIDE, SIDE));
}

static tap_var reconstructions(const run *r, tap_tape *t)
{
    tap_var x = test_images(r, t, MAX_TEST), y = tap_vae_reconstruct(&r->vae, x);
    return tap_cat(2, (tap_var[]){ grid(x, 4, 10), grid(y, 4, 10) }, 2); /* each image above its reconstruction */
}

/* Rows with a test image at each end; between them, the decoded z = (1 - s) mu_a + s mu_b for s from 0 to 1. */
static tap_var interpolation(const run *r, tap_tape *t)
{
    tap_var x = test_images(r, t, 16), mu = tap_dist_mean(tap_vae_encode(&r->vae, x));
    tap_var s = tap_div(tap_cast(tap_unsqueeze(tap_arange(t, 10), 1), TAP_F32), tap_scalar(t, 9)); /* [10,1] */
    tap_var a = tap_unsqueeze(tap_slice(mu, 0, 0, 8, 1), 1);                                       /* [8,1,latent] */
    tap_var b = tap_unsqueeze(tap_slice(mu, 0, 8, 16, 1), 1);                                      /* [8,1,latent] */
    tap_var z = tap_add(a, tap_mul(s, tap_sub(b, a)));                                             /* [8,10,latent] */
    tap_var left = grid(tap_slice(x, 0, 0, 8, 1), 8, 1), right = grid(tap_slice(x, 0, 8, 16, 1), 8, 1);
    return tap_cat(3, (tap_var[]){ left, grid(tap_dist_mean(tap_vae_decode(&r->vae, z)), 8, 10), right }, 1);
}

/* Decodes 20 x 20 points of the latent plane, the centers of cells with equal probability under the prior: quantiles of N(0,1)
 * at p = 0.5/20, 1.5/20, ..., which are sqrt(2) erfinv(2 p - 1). */
static tap_var manifold(const run *r, tap_tape *t)
{
    tap_var u = tap_mul_scalar(tap_add_scalar(tap_cast(tap_arange(t, 20), TAP_F64), -9.5), 0.1); /* 2 p - 1 */
    tap_var q = tap_cast(tap_mul_scalar(tap_erfinv(u), sqrt(2)), TAP_F32);
    tap_var x = tap_expand(q, TAP_SHAPE(20, 20)), y = tap_expand(tap_unsqueeze(tap_flip(q, TAP_ALL), 1), TAP_SHAPE(20, 20));
    tap_var z = tap_stack(2, (tap_var[]){ x, y }, 2);
    return grid(tap_dist_mean(tap_vae_decode(&r->vae, z)), 20, 20);
}

bool pictures_write(const run *r)
{
    const char *out = r->o->train.out;
    tap_tape   *t = tap_tape_new(TAP_F32, r->o->train.seed);
    tap_tape_set_recording(t, false);
    const bool ok = sheet_write(out, "reconstructions.png", reconstructions(r, t), 2) &&
                    sheet_write(out, "samples.png", grid(tap_vae_sample(&r->vae, t, 256), 16, 16), 2) &&
                    sheet_write(out, "interpolation.png", interpolation(r, t), 2) &&
                    (r->o->model.latent != 2 || sheet_write(out, "manifold.png", manifold(r, t), 0));
    return tape_end(t) && ok;
}

static double pixel(tap_tensor images, int64_t i, int64_t row, int64_t column)
{
    return fmin(fmax(tap_tensor_get(images, (int64_t[]){ 0, i, row + EDGE, column + EDGE }), 0), 1);
}

/* Prints two pixels as one character: a half block in shades of grey; without colour, in black and white; without UTF-8, ASCII. */
static void print_cell(double upper, double lower, bool color, bool utf8)
{
    static const char *const blocks[] = { " ", "▄", "▀", "█" };
    if (!utf8) putchar(" .:-=+*#%@"[(int)(9 * (upper + lower) / 2 + 0.5)]);
    else if (color) printf("\033[38;5;%d;48;5;%dm▀", 232 + (int)(23 * upper), 232 + (int)(23 * lower));
    else fputs(blocks[2 * (upper >= 0.5) + (lower >= 0.5)], stdout);
}

/* Prints images [1,n,28,28] side by side. */
static void print_images(tap_tensor images)
{
    const bool    color = screen_has_color(STDOUT_FILENO), utf8 = screen_is_utf8();
    const int64_t n = images.data ? images.shape.n[1] : 0;
    for (int row = 0; row < SHOWN && n; row += 2) {
        for (int64_t i = 0; i < n; i++) {
            fputs(i ? "  " : "", stdout);
            for (int column = 0; column < SHOWN; column++)
                print_cell(pixel(images, i, row, column), pixel(images, i, row + 1, column), color, utf8);
            if (color && utf8) fputs("\033[0m", stdout);
        }
        putchar('\n');
    }
}

bool pictures_print(const run *r)
{
    if (!screen_is_terminal(STDOUT_FILENO)) return true;
    const int fit = (screen_width(STDOUT_FILENO) + 2) / (SHOWN + 2), n = fit < 1 ? 1 : fit > 6 ? 6 : fit;
    tap_tape *t = tap_tape_new(TAP_F32, r->o->train.seed);
    tap_tape_set_recording(t, false);
    printf("reconstructions of the first test images:\n");
    print_images(tap_value(grid(tap_vae_reconstruct(&r->vae, test_images(r, t, n)), 1, n)));
    return tape_end(t);
}
