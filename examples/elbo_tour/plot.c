/* examples/elbo_tour/plot.c: curves, axes and letters as grey pixels. */
#include "elbo_tour.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* ---- Letters of 3 x 5 pixels: five octal digits, a row each ------------------------------------------------------- */

static const char *glyph(char c)
{
    static const char *const digits[] = { "75557", "26227", "71747", "71717", "55711", "74717", "74757", "71122", "75757", "75717" };
    static const char *const letters[] = { "25755", "65656", "34443", "65556", "74647", "74644", "34553", "55755", "72227",
                                           "11152", "55655", "44447", "57755", "65555", "25552", "65644", "25563", "65655",
                                           "34216", "72222", "55557", "55552", "55775", "55255", "55222", "71247" };
    static const char *const others[] = { ".00002", ",00024", "-00700", "+02720", "=07070", "(12221", ")42224", "/11244",
                                          "|22222", "^25000", ":02020", "_00007" };
    if (isdigit((unsigned char)c)) return digits[c - '0'];
    if (isalpha((unsigned char)c)) return letters[toupper((unsigned char)c) - 'A'];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i][0] == c) return others[i] + 1;
    return "00000";
}

static void darken(tap_tensor picture, int x, int y, double grey)
{
    const int64_t h = picture.shape.n[0], w = picture.shape.n[1];
    if (!picture.data || x < 0 || y < 0 || x >= w || y >= h) return;
    float *pixel = (float *)picture.data + y * w + x;
    if (grey < (double)*pixel) *pixel = (float)grey;
}

static void put_glyph(tap_tensor picture, int x, int y, int scale, char c, double grey)
{
    const char *rows = glyph(c);
    for (int i = 0; i < 5 * scale; i++)
        for (int j = 0; j < 3 * scale; j++)
            if ((rows[i / scale] - '0') & (4 >> j / scale)) darken(picture, x + j, y + i, grey);
}

void plot_text(tap_tensor picture, int x, int y, int scale, const char *text)
{
    for (; *text; text++, x += 4 * scale) put_glyph(picture, x, y, scale, *text, 0.15);
}

/* ---- Pictures ---------------------------------------------------------------------------------------------------- */

tap_tensor picture_new(tap_arena *a, int width, int height)
{
    tap_tensor picture = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(height, width));
    tap_tensor_fill(picture, 1);
    return picture;
}

bool picture_write(const tour *o, const char *name, tap_tensor picture)
{
    char      path[PATH_SIZE];
    tap_error e = { 0 };
    join(path, o->out, name);
    return tap_png_write(path, picture, &e) ? fail("%s", e.message) : true;
}

/* ---- Axes and curves --------------------------------------------------------------------------------------------- */

static double at_x(const panel *p, double x)
{
    return p->left + (p->right - p->left) * (x - p->x0) / (p->x1 - p->x0);
}

static double at_y(const panel *p, double y)
{
    return p->bottom - (p->bottom - p->top) * (y - p->y0) / (p->y1 - p->y0);
}

static double tick_step(double range, double base)
{
    double unit = pow(10, floor(log10(range / 6)));
    if (base > 0) return 1;
    return range / unit <= 12 ? 2 * unit : range / unit <= 30 ? 5 * unit : 10 * unit;
}

static void tick_text(char text[32], double v, double step, double base)
{
    snprintf(text, 32, "%g", base > 0 ? pow(base, v) : fabs(v) < step / 2 ? 0 : v);
}

void plot_axes(panel *p, const char *title, const char *x_name)
{
    const double dx = tick_step(p->x1 - p->x0, p->x_base), dy = tick_step(p->y1 - p->y0, p->y_base);
    char         text[32];
    for (double y = dy * ceil(p->y0 / dy - 1e-9); y <= p->y1 + 1e-9; y += dy) {
        const int at = (int)at_y(p, y);
        for (int x = p->left; x <= p->right; x++) darken(p->picture, x, at, 0.88);
        tick_text(text, y, dy, p->y_base);
        plot_text(p->picture, p->left - 8 - 8 * (int)strlen(text), at - 5, 2, text);
    }
    for (double x = dx * ceil(p->x0 / dx - 1e-9); x <= p->x1 + 1e-9; x += dx) {
        const int at = (int)at_x(p, x);
        for (int y = p->bottom; y < p->bottom + 6; y++) darken(p->picture, at, y, 0.3);
        tick_text(text, x, dx, p->x_base);
        plot_text(p->picture, at - 4 * (int)strlen(text), p->bottom + 12, 2, text);
    }
    for (int x = p->left; x <= p->right; x++) darken(p->picture, x, p->bottom, 0.3);
    for (int y = p->top; y <= p->bottom; y++) darken(p->picture, p->left, y, 0.3);
    plot_text(p->picture, p->left, p->top - 28, 3, title);
    plot_text(p->picture, p->right - 8 * (int)strlen(x_name), p->bottom + 32, 2, x_name);
}

/* A dot of two pixels across, with soft edges. */
static void dot(panel *p, double x, double y, double grey)
{
    for (int i = (int)y - 2; i <= (int)y + 2; i++)
        for (int j = (int)x - 2; j <= (int)x + 2; j++) {
            double cover = fmin(fmax(1.6 - hypot(j - x, i - y), 0), 1);
            if (i >= p->top && i <= p->bottom && j >= p->left && j <= p->right)
                darken(p->picture, j, i, 1 - cover * (1 - grey));
        }
}

/* Draws from one point to the next; *run is how far the pen has come, for dashes. */
static void stroke(panel *p, double x0, double y0, double x1, double y1, pen with, double *run)
{
    const double length = hypot(x1 - x0, y1 - y0);
    const int    steps = (int)fmin(2 * length, 1e5) + 1;
    for (int i = 0; i < steps; i++, *run += length / steps) {
        const double u = (double)i / steps;
        if (with.dash == 0 || fmod(*run, 2.0 * with.dash) < with.dash) dot(p, x0 + u * (x1 - x0), y0 + u * (y1 - y0), with.grey);
    }
}

void plot_curve(panel *p, int n, const double *x, const double *y, pen with, const char *name)
{
    double run = 0;
    for (int i = 1; i < n; i++) stroke(p, at_x(p, x[i - 1]), at_y(p, y[i - 1]), at_x(p, x[i]), at_y(p, y[i]), with, &run);
    if (!name) return;
    panel     whole = *p;
    const int line = p->top + 8 + 22 * p->legend++;
    whole.right = (int)p->picture.shape.n[1] - 1;
    run = 0;
    stroke(&whole, p->right + 14, line, p->right + 44, line, with, &run);
    plot_text(p->picture, p->right + 52, line - 5, 2, name);
}

void plot_area(panel *p, int n, const double *x, const double *y, double grey)
{
    for (int column = p->left + 1; column <= p->right; column++) {
        const double at = p->x0 + (p->x1 - p->x0) * (column - p->left) / (p->right - p->left);
        int          i = 1;
        while (i < n - 1 && x[i] < at) i++;
        const double value = y[i - 1] + (y[i] - y[i - 1]) * (at - x[i - 1]) / (x[i] - x[i - 1]);
        const int    a = (int)at_y(p, fmax(value, 0)), b = (int)at_y(p, fmin(value, 0));
        for (int row = a; row <= b; row++)
            if (row >= p->top && row <= p->bottom) darken(p->picture, column, row, grey);
    }
}

void plot_letter(panel *p, double x, double y, char c, double grey)
{
    const int column = (int)at_x(p, x), row = (int)at_y(p, y);
    if (column > p->left + 4 && column < p->right - 4 && row > p->top + 6 && row < p->bottom - 6)
        put_glyph(p->picture, column - 3, row - 5, 2, c, grey);
}
