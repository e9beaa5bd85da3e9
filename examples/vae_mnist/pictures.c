/* examples/vae_mnist/pictures.c: shows what the model has learned, as pictures and as text. A picture is an expression over
 * vars: a grid of images [rows,columns,height,width]. */
#define _POSIX_C_SOURCE 200809L
#include "vae_mnist.h"

#include <math.h>
#include <unistd.h>

enum { MAX_TEST = 40, EDGE = 2, SHOWN = SIDE - 2 * EDGE }; /* text omits the margin, which is empty in digits */

typedef struct {
    const tap_vae *vae;
    tap_tape      *tape;
    tap_tensor     test;
} render_context;

static render_context render_begin(const options *o, const tap_vae *vae, tap_tensor test)
{
    render_context s = { vae, tap_tape_new(TAP_F32, o->train.seed), test };
    tap_tape_set_recording(s.tape, false);
    return s;
}

/* The first n <= MAX_TEST test images [n,784], repeated cyclically if the test set is smaller. */
static tap_var test_images(const render_context *s, int64_t n)
{
    static int64_t index[MAX_TEST];
    for (int64_t i = 0; i < n; i++) index[i] = i % s->test.shape.n[0];
    return images_select(s->tape, s->test, tap_input(s->tape, tap_tensor_wrap(TAP_I64, TAP_SHAPE(n), index)));
}

static tap_var grid(tap_var images, int64_t rows, int64_t columns)
{
    return tap_reshape(images, TAP_SHAPE(rows, columns, SIDE, SIDE));
}

static tap_var decode(const render_context *s, tap_var z)
{
    return tap_dist_mean(tap_vae_decode(s->vae, z));
}

static tap_var reconstructions(const render_context *s)
{
    tap_var x = test_images(s, MAX_TEST), y = tap_vae_reconstruct(s->vae, x);
    return tap_cat(2, (tap_var[]){ grid(x, 4, 10), grid(y, 4, 10) }, 2); /* each image above its reconstruction */
}

static tap_var samples(const render_context *s)
{
    return grid(tap_vae_sample(s->vae, s->tape, 256), 16, 16);
}

/* Rows with a test image at each end; between them, the decoded z = (1 - t) mu_a + t mu_b for t from 0 to 1. */
static tap_var interpolation(const render_context *s)
{
    static float steps[10];
    for (int i = 0; i < 10; i++) steps[i] = (float)i / 9;
    tap_var t = tap_input(s->tape, tap_tensor_wrap(TAP_F32, TAP_SHAPE(10, 1), steps));
    tap_var x = test_images(s, 16), mu = tap_dist_mean(tap_vae_encode(s->vae, x));
    tap_var a = tap_unsqueeze(tap_slice(mu, 0, 0, 8, 1), 1);  /* [8,1,latent] */
    tap_var b = tap_unsqueeze(tap_slice(mu, 0, 8, 16, 1), 1); /* [8,1,latent] */
    tap_var z = tap_add(a, tap_mul(t, tap_sub(b, a)));        /* [8,10,latent] */
    tap_var left = grid(tap_slice(x, 0, 0, 8, 1), 8, 1), right = grid(tap_slice(x, 0, 8, 16, 1), 8, 1);
    return tap_cat(3, (tap_var[]){ left, grid(decode(s, z), 8, 10), right }, 1);
}

/* The p-quantile of the standard normal distribution, by bisection, which is fast enough here. */
static double normal_quantile(double p)
{
    double low = -10, high = 10;
    for (int i = 0; i < 60; i++) {
        double z = (low + high) / 2;
        if (0.5 * erfc(-z / sqrt(2)) < p) low = z;
        else high = z;
    }
    return low;
}

/* Decodes 20 x 20 points of the latent plane, the centers of cells with equal probability under the prior. */
static tap_var manifold(const render_context *s)
{
    static float z[20][20][2];
    for (int i = 0; i < 20; i++)
        for (int j = 0; j < 20; j++) {
            z[i][j][0] = (float)normal_quantile((j + 0.5) / 20);
            z[i][j][1] = (float)normal_quantile((19 - i + 0.5) / 20);
        }
    return grid(decode(s, tap_input(s->tape, tap_tensor_wrap(TAP_F32, TAP_SHAPE(400, 2), z))), 20, 20);
}

bool pictures_write(const options *o, const tap_vae *vae, tap_tensor test)
{
    const render_context s = render_begin(o, vae, test);
    const char          *out = o->train.out;
    const bool           ok = sheet_write(out, "reconstructions.png", reconstructions(&s), 2) &&
                    sheet_write(out, "samples.png", samples(&s), 2) &&
                    sheet_write(out, "interpolation.png", interpolation(&s), 2) &&
                    (o->model.latent != 2 || sheet_write(out, "manifold.png", manifold(&s), 0));
    return tape_end(s.tape) && ok;
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

bool pictures_print(const options *o, const tap_vae *vae, tap_tensor test)
{
    if (!screen_is_terminal(STDOUT_FILENO)) return true;
    const render_context s = render_begin(o, vae, test);
    const int            fit = (screen_width(STDOUT_FILENO) + 2) / (SHOWN + 2), n = fit < 1 ? 1 : fit > 6 ? 6 : fit;
    printf("reconstructions of the first test images:\n");
    print_images(tap_value(grid(tap_vae_reconstruct(vae, test_images(&s, n)), 1, n)));
    return tape_end(s.tape);
}
