/* examples/common/plot.c: draws plots with cairo. The origin of coordinates is the current panel's upper left corner. */
#include "plot.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <fontconfig/fontconfig.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common.h"

/* A panel's size, the edges of the area within its axes, and the left edge of its legend. */
enum { WIDTH = 690, HEIGHT = 480, LEFT = 76, RIGHT = 490, TOP = 48, BOTTOM = 420, LEGEND = 502 };
enum { SIZE = 13, LINE = 20, COLORS = 10 }; /* size of the font, height of a line of the legend, distinct colors */

struct plot {
    cairo_surface_t *surface;
    cairo_t         *cairo;
    int              columns, panels, entries; /* panels: number begun; entries: in the current panel's legend */
    plot_axes        axes;
    tap_file        *file; /* NULL until the plot is written */
};

static void set_color(const plot *p, int color, double alpha)
{
    static const unsigned char colors[COLORS][3] = { { 0, 114, 178 },   { 213, 94, 0 },  { 0, 158, 115 },  { 204, 121, 167 },
                                                     { 0, 0, 0 },       { 230, 159, 0 }, { 86, 180, 233 }, { 133, 88, 51 },
                                                     { 150, 150, 150 }, { 190, 190, 30 } };
    const unsigned char       *c = colors[color % COLORS];
    cairo_set_source_rgba(p->cairo, c[0] / 255., c[1] / 255., c[2] / 255., alpha);
}

static double at_x(const plot *p, double x)
{
    return LEFT + (RIGHT - LEFT) * (x - p->axes.x0) / (p->axes.x1 - p->axes.x0);
}

static double at_y(const plot *p, double y)
{
    return BOTTOM - (BOTTOM - TOP) * (y - p->axes.y0) / (p->axes.y1 - p->axes.y0);
}

/* ---- Axes -------------------------------------------------------------------------------------------------------- */

/* Draws text whose left edge (align = 0), center (0.5) or right edge (1) is at x. */
static void put_text(const plot *p, double x, double y, double align, double grey, const char *text)
{
    cairo_text_extents_t size;
    if (!text) return;
    cairo_text_extents(p->cairo, text, &size);
    cairo_set_source_rgb(p->cairo, grey, grey, grey);
    cairo_move_to(p->cairo, x - align * size.x_advance, y);
    cairo_show_text(p->cairo, text);
}

/* Writes the number of a tick: v or, if a base is set, its power v. */
static void put_number(const plot *p, double x, double y, double align, double base, double v)
{
    char text[32];
    snprintf(text, sizeof text, "%g", base > 0 ? pow(base, v) : v + 0.0); /* -0 becomes 0 */
    put_text(p, x, y, align, 0.3, text);
}

static void put_line(const plot *p, double x0, double y0, double x1, double y1, double grey)
{
    cairo_set_source_rgb(p->cairo, grey, grey, grey);
    cairo_move_to(p->cairo, floor(x0) + 0.5, floor(y0) + 0.5);
    cairo_line_to(p->cairo, floor(x1) + 0.5, floor(y1) + 0.5);
    cairo_stroke(p->cairo);
}

/* The smallest tick step of the form 1, 2 or 5 times a power of ten that divides the range into at most 8 intervals. */
static double tick_step(double range, double base)
{
    const double unit = pow(10, floor(log10(range / 8)));
    if (base > 0) return fmax(1, ceil(range / 10));
    return range <= 8 * unit ? unit : range <= 16 * unit ? 2 * unit : range <= 40 * unit ? 5 * unit : 10 * unit;
}

/* A tick is k steps away from 0. */
static void put_axes(const plot *p)
{
    const plot_axes a = p->axes;
    const double    dx = tick_step(a.x1 - a.x0, a.x_base), dy = tick_step(a.y1 - a.y0, a.y_base);
    cairo_set_line_width(p->cairo, 1);
    for (double k = ceil(a.y0 / dy - 1e-9); k <= a.y1 / dy + 1e-9; k++) {
        put_line(p, at_x(p, a.x0), at_y(p, k * dy), at_x(p, a.x1), at_y(p, k * dy), 0.9);
        put_number(p, LEFT - 8, at_y(p, k * dy) + 4.5, 1, a.y_base, k * dy);
    }
    for (double k = ceil(a.x0 / dx - 1e-9); k <= a.x1 / dx + 1e-9; k++) {
        put_line(p, at_x(p, k * dx), BOTTOM, at_x(p, k * dx), BOTTOM + 5, 0.3);
        put_number(p, at_x(p, k * dx), BOTTOM + 20, 0.5, a.x_base, k * dx);
    }
    put_line(p, LEFT, BOTTOM, at_x(p, a.x1), BOTTOM, 0.3);
    put_line(p, LEFT, BOTTOM, LEFT, at_y(p, a.y1), 0.3);
    put_text(p, (LEFT + RIGHT) / 2., HEIGHT - 16, 0.5, 0.1, a.x);
    cairo_save(p->cairo);
    cairo_translate(p->cairo, 18, (TOP + BOTTOM) / 2.);
    cairo_rotate(p->cairo, -acos(-1) / 2);
    put_text(p, 0, 0, 0.5, 0.1, a.y);
    cairo_restore(p->cairo);
    cairo_set_font_size(p->cairo, SIZE + 2);
    put_text(p, LEFT, TOP - 16, 0, 0.1, a.title);
    cairo_set_font_size(p->cairo, SIZE);
}

void plot_panel(plot *p, plot_axes axes)
{
    if (!p) return;
    if (!(axes.x1 > axes.x0)) axes.x1 = axes.x0 + 1;
    if (!(axes.y1 > axes.y0)) axes.y1 = axes.y0 + 1;
    const int row = p->panels / p->columns, column = p->panels % p->columns;
    cairo_identity_matrix(p->cairo);
    cairo_translate(p->cairo, WIDTH * column, HEIGHT * row);
    p->axes = axes;
    p->entries = 0;
    p->panels++;
    put_axes(p);
}

/* The element of x [n,columns]; 0 if there is no such column. */
static double item(tap_tensor x, int64_t row, int64_t column)
{
    return column < x.shape.n[1] ? tap_tensor_item(x, row * x.shape.n[1] + column) : 0;
}

void plot_limits(tap_tensor x, int64_t column, double *from, double *to)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int64_t i = 0; i < x.shape.n[0]; i++) {
        low = fmin(low, item(x, i, column));
        high = fmax(high, item(x, i, column));
    }
    const double more = high > low ? (high - low) / 20 : 1;
    *from = (low <= high ? low : 0) - more;
    *to = (low <= high ? high : 0) + more;
}

/* ---- Series ------------------------------------------------------------------------------------------------------ */

/* Writes a series' name, if it has one, into the legend, returns the height of the mark to its left, and sets the color. */
static double put_name(plot *p, const char *name, int color, double alpha)
{
    const double y = TOP + 6 + LINE * p->entries;
    put_text(p, LEGEND + 28, y + 4.5, 0, 0.1, name);
    p->entries += name != NULL;
    set_color(p, color, alpha);
    return y;
}

/* Clips drawing to the area within the axes until cairo_restore. */
static void clip(const plot *p)
{
    cairo_save(p->cairo);
    cairo_rectangle(p->cairo, LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP);
    cairo_clip(p->cairo);
}

static void add_curve(const plot *p, int64_t n, const double *x, const double *y)
{
    bool down = false; /* whether the pen is down */
    for (int64_t i = 0; i < n; i++) {
        const bool here = isfinite(x[i]) && isfinite(y[i]);
        if (here) (down ? cairo_line_to : cairo_move_to)(p->cairo, at_x(p, x[i]), at_y(p, y[i]));
        down = here;
    }
}

void plot_curve(plot *p, int64_t n, const double *x, const double *y, int color, const char *name)
{
    if (!p) return;
    const double mark = put_name(p, name, color, 1);
    cairo_set_line_width(p->cairo, 2);
    clip(p);
    add_curve(p, n, x, y);
    cairo_stroke(p->cairo);
    cairo_restore(p->cairo);
    if (!name) return;
    cairo_move_to(p->cairo, LEGEND, mark);
    cairo_line_to(p->cairo, LEGEND + 22, mark);
    cairo_stroke(p->cairo);
}

void plot_dashed(plot *p, int64_t n, const double *x, const double *y, int color, const char *name)
{
    if (!p) return;
    cairo_set_dash(p->cairo, (double[]){ 6, 4 }, 2, 0);
    plot_curve(p, n, x, y, color, name);
    cairo_set_dash(p->cairo, NULL, 0, 0);
}

void plot_area(plot *p, int64_t n, const double *x, const double *y, int color)
{
    if (!p || n < 1) return;
    set_color(p, color, 0.25);
    clip(p);
    add_curve(p, n, x, y);
    cairo_line_to(p->cairo, at_x(p, x[n - 1]), at_y(p, 0));
    cairo_line_to(p->cairo, at_x(p, x[0]), at_y(p, 0));
    cairo_fill(p->cairo);
    cairo_restore(p->cairo);
}

/* The radius of each of n points. */
static double radius_for(int64_t n)
{
    return n > 2000 ? 1.4 : n > 100 ? 2 : 3.5;
}

static void put_point(const plot *p, double x, double y, double radius)
{
    if (!isfinite(x) || !isfinite(y)) return;
    cairo_new_sub_path(p->cairo);
    cairo_arc(p->cairo, x, y, radius, 0, 2 * acos(-1));
    cairo_fill(p->cairo);
}

void plot_group(plot *p, tap_tensor x, tap_tensor group, int k, const char *name)
{
    int64_t n = 0;
    for (int64_t i = 0; i < x.shape.n[0]; i++) n += tap_tensor_item(group, i) == k;
    if (!p || n == 0) return;
    const double mark = put_name(p, name, k, n > 200 ? 0.6 : 1);
    clip(p);
    for (int64_t i = 0; i < x.shape.n[0]; i++)
        if (tap_tensor_item(group, i) == k) put_point(p, at_x(p, item(x, i, 0)), at_y(p, item(x, i, 1)), radius_for(n));
    cairo_restore(p->cairo);
    set_color(p, k, 1);
    if (name) put_point(p, LEGEND + 11, mark, 4);
}

/* Draws the points in their original order, so that no group covers the others. */
void plot_groups(plot *p, plot_axes axes, tap_tensor x, tap_tensor group, const char *name, int first)
{
    const int64_t n = x.data && group.data ? x.shape.n[0] : 0;
    bool          seen[COLORS] = { false };
    if (axes.x0 == axes.x1) plot_limits(x, 0, &axes.x0, &axes.x1);
    if (axes.y0 == axes.y1) plot_limits(x, 1, &axes.y0, &axes.y1);
    plot_panel(p, axes);
    if (!p) return;
    clip(p);
    for (int64_t i = 0; i < n; i++) {
        const int k = (int)tap_tensor_item(group, i);
        set_color(p, k, 0.6);
        put_point(p, at_x(p, item(x, i, 0)), at_y(p, item(x, i, 1)), fmin(radius_for(n), 2));
        if (k < COLORS) seen[k] = true;
    }
    cairo_restore(p->cairo);
    for (int k = 0; k < COLORS; k++) {
        char text[64];
        snprintf(text, sizeof text, "%s%d", name, first + k);
        if (seen[k]) put_point(p, LEGEND + 11, put_name(p, text, k, 1), 4);
    }
}

void plot_bars(plot *p, int64_t n, const double *height, int color, const char *name)
{
    if (!p) return;
    const double mark = put_name(p, name, color, 0.5), width = (double)(RIGHT - LEFT) / (double)n, bottom = at_y(p, 0);
    clip(p);
    for (int64_t i = 0; i < n; i++)
        if (isfinite(height[i]))
            cairo_rectangle(p->cairo, LEFT + width * (double)i, bottom, width, at_y(p, height[i]) - bottom);
    cairo_fill(p->cairo);
    cairo_restore(p->cairo);
    if (name) cairo_rectangle(p->cairo, LEGEND + 4, mark - 6, 14, 12);
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

/* ---- Files ------------------------------------------------------------------------------------------------------- */

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

plot *plot_new(plot_format format, int columns, int rows)
{
    static bool begun;
    plot       *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    if (!begun) atexit(free_fonts);
    begun = true;
    p->columns = columns;
    p->surface = format == PLOT_SVG ? cairo_svg_surface_create_for_stream(append, p, WIDTH * columns, HEIGHT * rows)
                                    : cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH * columns, HEIGHT * rows);
    p->cairo = cairo_create(p->surface);
    cairo_set_source_rgb(p->cairo, 1, 1, 1);
    cairo_paint(p->cairo);
    cairo_set_line_join(p->cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_select_font_face(p->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(p->cairo, SIZE);
    return p;
}

bool plot_write(plot *p, const char *dir, const char *name)
{
    tap_error e = { 0 };
    if (!p) return fail("%s: out of memory", name);
    tap_file      *f = p->file = file_begin(dir, name, &e);
    cairo_status_t status = cairo_status(p->cairo);
    if (!status && cairo_surface_get_type(p->surface) == CAIRO_SURFACE_TYPE_IMAGE)
        status = cairo_surface_write_to_png_stream(p->surface, append, p);
    cairo_surface_finish(p->surface); /* writes an SVG file */
    if (!status) status = cairo_surface_status(p->surface);
    cairo_destroy(p->cairo);
    cairo_surface_destroy(p->surface);
    free(p);
    if (!f || !status || e.status) return file_end(f, &e);
    tap_file_abandon(f);
    return fail("%s: %s", name, cairo_status_to_string(status));
}
