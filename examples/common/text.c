/* examples/common/text.c: prints images in a terminal, two pixels per character: half blocks in shades of grey; without colour,
 * half blocks in black and white; without UTF-8, ASCII characters. */
#define _POSIX_C_SOURCE 200809L
#include "common.h"

#include <stdio.h>
#include <unistd.h>

enum { EDGE = 2, SHOWN = SIDE - 2 * EDGE }; /* omits the margin, which is empty in digits */

int text_columns(void)
{
    int n = (screen_width(STDOUT_FILENO) + 2) / (SHOWN + 2);
    return n < 1 ? 1 : n > 6 ? 6 : n;
}

static double pixel(tap_tensor images, int64_t i, int64_t row, int64_t column)
{
    double v = tap_tensor_get(images, (int64_t[]){ 0, i, row + EDGE, column + EDGE });
    return v > 0 ? v < 1 ? v : 1 : 0;
}

static void put_greys(double upper, double lower)
{
    printf("\033[38;5;%d;48;5;%dm▀", 232 + (int)(23 * upper), 232 + (int)(23 * lower));
}

static void put_cell(double upper, double lower, bool color, bool utf8)
{
    static const char *const blocks[] = { " ", "▄", "▀", "█" };
    static const char        letters[] = " .:-=+*#%@";
    if (!utf8) putchar(letters[(int)(9 * (upper + lower) / 2 + 0.5)]);
    else if (color) put_greys(upper, lower);
    else fputs(blocks[2 * (upper >= 0.5) + (lower >= 0.5)], stdout);
}

void text_images(tap_tensor images)
{
    bool    color = screen_has_color(STDOUT_FILENO), utf8 = screen_is_utf8();
    int64_t n = images.data ? images.shape.n[1] : 0;
    printf("reconstructions of the first test images:\n");
    for (int row = 0; row < SHOWN && n; row += 2) {
        for (int64_t i = 0; i < n; i++) {
            fputs(i ? "  " : "", stdout);
            for (int column = 0; column < SHOWN; column++)
                put_cell(pixel(images, i, row, column), pixel(images, i, row + 1, column), color, utf8);
            if (color && utf8) fputs("\033[0m", stdout);
        }
        putchar('\n');
    }
}
