/* examples/common/plot.c: draws plots with cairo. */
#include "plot.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <fontconfig/fontconfig.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common.h"

enum { WIDTH = 690, HEIGHT = 480, LEFT = 76, RIGHT = 200, TOP = 48, BOTTOM = 60, SIZE = 13, LINE = 20 };

struct plot {
    cairo_surface_t *surface;
    cairo_t         *cairo;
    int              columns, panels, entries; /* panels: number begun; entries: in the current panel's legend */
    double           left, top;                /* the current panel's upper left corner */
    plot_axes        axes;
    bool             is_svg;
    tap_file        *file; /* NULL until the plot is written */
};

static void set_color(const plot *p, int color, double alpha)
{
    static const unsigned char colors[][3] = { { 0, 114, 178 },   { 213, 94, 0 },  { 0, 158, 115 },  { 204, 121, 167 },
                                               { 0, 0, 0 },       { 230, 159, 0 }, { 86, 180, 233 }, { 133, 88, 51 },
                                               { 150, 150, 150 }, { 190, 190, 30 } };
    const int                  n = sizeof colors / sizeof *colors;
    const unsigned char       *c = colors[(color % n + n) % n];
    cairo_set_source_rgba(p->cairo, c[0] / 255., c[1] / 255., c[2] / 255., alpha);
}

static double at_x(const plot *p, double x)
{
    return p->left + LEFT + (WIDTH - LEFT - RIGHT) * (x - p->axes.x0) / (p->axes.x1 - p->axes.x0);
}

static double at_y(const plot *p, double y)
{
    return p->top + HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - p->axes.y0) / (p->axes.y1 - p->axes.y0);
}

/* Draws text whose left edge (align = 0), center (0.5) or right edge (1) is at x. */
static void put_text(const plot *p, double x, double y, double align, const char *text)
{
    cairo_text_extents_t size;
    if (!text) return;
    cairo_text_extents(p->cairo, text, &size);
    cairo_move_to(p->cairo, x - align * size.x_advance, y);
    cairo_show_text(p->cairo, text);
}

/* ---- Axes -------------------------------------------------------------------------------------------------------- */

/* The smallest tick step of the form 1, 2 or 5 times a power of ten that divides the range into at most 8 intervals. */
static double tick_step(double range, double base)
{
    const double unit = pow(10, floor(log10(range / 8)));
    if (base > 0) return fmax(1, ceil(range / 10));
    return range <= 8 * unit ? unit : range <= 16 * unit ? 2 * unit : range <= 40 * unit ? 5 * unit : 10 * unit;
}

static const char *tick_text(char text[32], double v, double step, double base)
{
    snprintf(text, 32, "%g", base > 0 ? pow(base, v) : fabs(v) < step / 2 ? 0 : v);
    return text;
}

static void put_line(const plot *p, double x0, double y0, double x1, double y1, double grey)
{
    cairo_set_source_rgb(p->cairo, grey, grey, grey);
    cairo_move_to(p->cairo, floor(x0) + 0.5, floor(y0) + 0.5);
    cairo_line_to(p->cairo, floor(x1) + 0.5, floor(y1) + 0.5);
    cairo_stroke(p->cairo);
}

static void put_ticks(const plot *p)
{
    const plot_axes a = p->axes;
    const double    dx = tick_step(a.x1 - a.x0, a.x_base), dy = tick_step(a.y1 - a.y0, a.y_base);
    char            text[32];
    for (double y = dy * ceil(a.y0 / dy - 1e-9); y <= a.y1 + 1e-9 * dy; y += dy) {
        put_line(p, at_x(p, a.x0), at_y(p, y), at_x(p, a.x1), at_y(p, y), 0.9);
        cairo_set_source_rgb(p->cairo, 0.3, 0.3, 0.3);
        put_text(p, at_x(p, a.x0) - 8, at_y(p, y) + 4.5, 1, tick_text(text, y, dy, a.y_base));
    }
    for (double x = dx * ceil(a.x0 / dx - 1e-9); x <= a.x1 + 1e-9 * dx; x += dx) {
        put_line(p, at_x(p, x), at_y(p, a.y0), at_x(p, x), at_y(p, a.y0) + 5, 0.3);
        cairo_set_source_rgb(p->cairo, 0.3, 0.3, 0.3);
        put_text(p, at_x(p, x), at_y(p, a.y0) + 20, 0.5, tick_text(text, x, dx, a.x_base));
    }
}

static void put_axes(const plot *p)
{
    const plot_axes a = p->axes;
    cairo_set_line_width(p->cairo, 1);
    cairo_set_font_size(p->cairo, SIZE);
    put_ticks(p);
    put_line(p, at_x(p, a.x0), at_y(p, a.y0), at_x(p, a.x1), at_y(p, a.y0), 0.3);
    put_line(p, at_x(p, a.x0), at_y(p, a.y0), at_x(p, a.x0), at_y(p, a.y1), 0.3);
    cairo_set_source_rgb(p->cairo, 0.1, 0.1, 0.1);
    put_text(p, (at_x(p, a.x0) + at_x(p, a.x1)) / 2, p->top + HEIGHT - 16, 0.5, a.x);
    cairo_save(p->cairo);
    cairo_translate(p->cairo, p->left + 18, (at_y(p, a.y0) + at_y(p, a.y1)) / 2);
    cairo_rotate(p->cairo, -acos(-1) / 2);
    put_text(p, 0, 0, 0.5, a.y);
    cairo_restore(p->cairo);
    cairo_set_font_size(p->cairo, SIZE + 2);
    put_text(p, at_x(p, a.x0), p->top + TOP - 16, 0, a.title);
    cairo_set_font_size(p->cairo, SIZE);
}

/* Writes the next name of the legend; (*x, *y) is the position for the line or marker beside it. */
static void put_name(plot *p, const char *name, double *x, double *y)
{
    *x = p->left + WIDTH - RIGHT + 12;
    *y = p->top + TOP + 6 + LINE * p->entries++;
    cairo_set_source_rgb(p->cairo, 0.1, 0.1, 0.1);
    put_text(p, *x + 28, *y + 4.5, 0, name);
}

/* Clips drawing to the panel until end_panel. */
static void begin_panel(const plot *p)
{
    cairo_save(p->cairo);
    cairo_rectangle(p->cairo, p->left + LEFT, p->top + TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    cairo_clip(p->cairo);
}

static void end_panel(const plot *p)
{
    cairo_restore(p->cairo);
}

/* ---- Public functions -------------------------------------------------------------------------------------------- */

/* Frees the caches of cairo and fontconfig, so that leak checkers report nothing. */
static void free_fonts(void)
{
    cairo_debug_reset_static_data();
    FcFini();
}

static cairo_status_t append(void *of, const unsigned char *bytes, unsigned int n)
{
    const plot *p = of;
    return !p->file || tap_file_write(p->file, bytes, n) ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

static plot *begin(int columns, int rows, bool svg)
{
    static bool begun;
    plot       *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    if (!begun) atexit(free_fonts);
    begun = true;
    p->columns = columns;
    p->is_svg = svg;
    p->surface = svg ? cairo_svg_surface_create_for_stream(append, p, WIDTH * columns, HEIGHT * rows)
                     : cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH * columns, HEIGHT * rows);
    p->cairo = cairo_create(p->surface);
    cairo_set_source_rgb(p->cairo, 1, 1, 1);
    cairo_paint(p->cairo);
    cairo_set_line_join(p->cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_select_font_face(p->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    return p;
}

plot *plot_new(int columns, int rows)
{
    return begin(columns, rows, false);
}

plot *plot_new_svg(int columns, int rows)
{
    return begin(columns, rows, true);
}

void plot_panel(plot *p, plot_axes axes)
{
    if (!p) return;
    if (!(axes.x1 > axes.x0)) axes.x1 = axes.x0 + 1;
    if (!(axes.y1 > axes.y0)) axes.y1 = axes.y0 + 1;
    p->axes = axes;
    const int row = p->panels / p->columns;
    p->left = WIDTH * (p->panels % p->columns);
    p->top = HEIGHT * row;
    p->panels++;
    p->entries = 0;
    put_axes(p);
}

static void put_curve(plot *p, int64_t n, const double *x, const double *y, int color, const char *name)
{
    bool   down = false; /* whether the pen is down */
    double at[2];
    set_color(p, color, 1);
    cairo_set_line_width(p->cairo, 2);
    begin_panel(p);
    for (int64_t i = 0; i < n; i++) {
        const bool here = isfinite(x[i]) && isfinite(y[i]);
        if (here) (down ? cairo_line_to : cairo_move_to)(p->cairo, at_x(p, x[i]), at_y(p, y[i]));
        down = here;
    }
    cairo_stroke(p->cairo);
    end_panel(p);
    if (!name) return;
    put_name(p, name, &at[0], &at[1]);
    set_color(p, color, 1);
    cairo_move_to(p->cairo, at[0], at[1]);
    cairo_line_to(p->cairo, at[0] + 22, at[1]);
    cairo_stroke(p->cairo);
}

void plot_curve(plot *p, int64_t n, const double *x, const double *y, int color, const char *name)
{
    if (p) put_curve(p, n, x, y, color, name);
}

void plot_dashed(plot *p, int64_t n, const double *x, const double *y, int color, const char *name)
{
    if (!p) return;
    cairo_set_dash(p->cairo, (double[]){ 6, 4 }, 2, 0);
    put_curve(p, n, x, y, color, name);
    cairo_set_dash(p->cairo, NULL, 0, 0);
}

void plot_area(plot *p, int64_t n, const double *x, const double *y, int color)
{
    if (!p || n < 1) return;
    set_color(p, color, 0.25);
    begin_panel(p);
    cairo_move_to(p->cairo, at_x(p, x[0]), at_y(p, 0));
    for (int64_t i = 0; i < n; i++)
        if (isfinite(x[i]) && isfinite(y[i])) cairo_line_to(p->cairo, at_x(p, x[i]), at_y(p, y[i]));
    cairo_line_to(p->cairo, at_x(p, x[n - 1]), at_y(p, 0));
    cairo_fill(p->cairo);
    end_panel(p);
}

static void put_point(const plot *p, double x, double y, double radius)
{
    cairo_new_sub_path(p->cairo);
    cairo_arc(p->cairo, x, y, radius, 0, 2 * acos(-1));
    cairo_fill(p->cairo);
}

void plot_points(plot *p, int64_t n, const double *x, const double *y, int color, const char *name)
{
    double at[2];
    if (!p) return;
    const double radius = n > 2000 ? 1.4 : n > 100 ? 2 : 3.5;
    set_color(p, color, n > 200 ? 0.6 : 1);
    begin_panel(p);
    for (int64_t i = 0; i < n; i++)
        if (isfinite(x[i]) && isfinite(y[i])) put_point(p, at_x(p, x[i]), at_y(p, y[i]), radius);
    end_panel(p);
    if (!name) return;
    put_name(p, name, &at[0], &at[1]);
    set_color(p, color, 1);
    put_point(p, at[0] + 11, at[1], 4);
}

/* The range of the numbers, extended by a small margin. */
static void span(int64_t n, const double *x, double *from, double *to)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int64_t i = 0; i < n; i++) low = fmin(low, x[i]), high = fmax(high, x[i]);
    const double more = high > low ? (high - low) / 20 : 1;
    *from = (low <= high ? low : 0) - more;
    *to = (low <= high ? high : 0) + more;
}

/* Draws the points in their original order, so that no group covers the others. */
void plot_groups(plot *p, const char *title, const char *name, int64_t n, const double *x, const double *y,
                 const int64_t *group)
{
    enum { COLORS = 10 };
    plot_axes axes = { .title = title };
    int64_t   groups = 0;
    span(n, x, &axes.x0, &axes.x1);
    span(n, y, &axes.y0, &axes.y1);
    plot_panel(p, axes);
    if (!p) return;
    begin_panel(p);
    for (int64_t i = 0; i < n; i++) {
        set_color(p, (int)(group[i] % COLORS), 0.6);
        if (isfinite(x[i]) && isfinite(y[i])) put_point(p, at_x(p, x[i]), at_y(p, y[i]), n > 2000 ? 1.4 : 2);
        groups = group[i] < groups ? groups : group[i] + 1;
    }
    end_panel(p);
    for (int k = 0; k < COLORS && k < groups; k++) {
        char text[64];
        snprintf(text, sizeof text, "%s %d", name, k + 1);
        plot_points(p, 0, NULL, NULL, k, text);
    }
}

void plot_bars(plot *p, int64_t n, double x0, double x1, const double *height, int color, const char *name)
{
    double at[2];
    if (!p) return;
    set_color(p, color, 0.5);
    begin_panel(p);
    for (int64_t i = 0; i < n; i++) {
        const double left = at_x(p, x0 + (x1 - x0) * (double)i / (double)n),
                     right = at_x(p, x0 + (x1 - x0) * (double)(i + 1) / (double)n);
        if (isfinite(height[i]))
            cairo_rectangle(p->cairo, left, at_y(p, height[i]), right - left, at_y(p, 0) - at_y(p, height[i]));
    }
    cairo_fill(p->cairo);
    end_panel(p);
    if (!name) return;
    put_name(p, name, &at[0], &at[1]);
    set_color(p, color, 0.5);
    cairo_rectangle(p->cairo, at[0] + 4, at[1] - 6, 14, 12);
    cairo_fill(p->cairo);
}

double plot_bins(int64_t n, const double *x, int bins, double x0, double x1, double *height)
{
    double most = 0;
    for (int i = 0; i < bins; i++) height[i] = 0;
    for (int64_t i = 0; i < n; i++) {
        const double bin = floor((x[i] - x0) / (x1 - x0) * bins);
        if (bin >= 0 && bin < bins) most = fmax(most, height[(int)bin] += 1 / (double)n);
    }
    return most;
}

/* Writes the surface. cairo writes an SVG file when its surface is finished. */
static cairo_status_t write_surface(plot *p)
{
    if (!p->is_svg) return cairo_surface_write_to_png_stream(p->surface, append, p);
    cairo_surface_finish(p->surface);
    return cairo_surface_status(p->surface);
}

bool plot_write(plot *p, const char *dir, const char *name)
{
    char      path[PATH_SIZE];
    tap_error e = { 0 };
    if (!p) return fail("%s: out of memory", name);
    tap_file      *f = join(path, dir, name) ? tap_file_create(path, &e) : NULL;
    cairo_status_t status = cairo_status(p->cairo);
    p->file = f;
    if (f && !status) status = write_surface(p);
    cairo_destroy(p->cairo);
    cairo_surface_destroy(p->surface);
    free(p);
    if (f && status && status != CAIRO_STATUS_WRITE_ERROR) { /* a write error is reported by the file */
        tap_file_abandon(f);
        return fail("%s: %s", path, cairo_status_to_string(status));
    }
    return f && !tap_file_commit(f) ? true : fail("%s", *e.message ? e.message : "the name is too long");
}

bool plot_write_curves(const char *dir, const char *file, const char *title, const char *x_title, int64_t n, const double *x,
                       int curves, const double *y, const char *const *names)
{
    plot_axes axes = { .title = title, .x = x_title, .x0 = x[0], .x1 = x[n - 1] };
    plot     *p = plot_new_svg(1, 1);
    span(curves * n, y, &axes.y0, &axes.y1);
    plot_panel(p, axes);
    for (int i = 0; i < curves; i++) plot_curve(p, n, x, y + i * n, i, names[i]);
    return plot_write(p, dir, file);
}
