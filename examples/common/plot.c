/* examples/common/plot.c: draws plots with cairo, one at a time. The origin of coordinates is the current panel's upper left
 * corner. */
#include "common.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <fontconfig/fontconfig.h>
#include <math.h>
#include <stdio.h>

/* A panel's size, the edges of the area within its axes, and the left edge of its legend. */
enum { WIDTH = 690, HEIGHT = 480, LEFT = 76, RIGHT = 490, TOP = 48, BOTTOM = 420, LEGEND = 502 };
enum { SIZE = 13, LINE = 20, COLORS = 10 }; /* size of the font, height of a line of the legend, distinct colors */

static cairo_surface_t *surface;
static cairo_t         *cairo;
static int              across, panels, entries; /* across: panels in a row; panels: begun; entries: in the panel's legend */
static plot_axes        axes;
static tap_file        *file; /* NULL until the plot is written */

static void set_color(int color, double alpha)
{
    static const unsigned colors[COLORS] = { 0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0x000000,
                                             0xe69f00, 0x56b4e9, 0x855833, 0x969696, 0xbebe1e };
    const unsigned        c = colors[color % COLORS];
    cairo_set_source_rgba(cairo, (c >> 16) / 255., (c >> 8 & 255) / 255., (c & 255) / 255., alpha);
}

static double at_x(double x)
{
    return LEFT + (RIGHT - LEFT) * (x - axes.x0) / (axes.x1 - axes.x0);
}

static double at_y(double y)
{
    return BOTTOM - (BOTTOM - TOP) * (y - axes.y0) / (axes.y1 - axes.y0);
}

/* ---- Axes --------------------------------------------------------------------------------------------------------- */

/* Draws text whose left edge (align = 0), center (0.5) or right edge (1) is at x. */
static void put_text(double x, double y, double align, double grey, const char *text)
{
    cairo_text_extents_t size;
    if (!text) return;
    cairo_text_extents(cairo, text, &size);
    cairo_set_source_rgb(cairo, grey, grey, grey);
    cairo_move_to(cairo, x - align * size.x_advance, y);
    cairo_show_text(cairo, text);
}

/* Writes the number of a tick: v or, if a base is set, its power v. */
static void put_number(double x, double y, double align, double base, double v)
{
    char text[32];
    snprintf(text, sizeof text, "%g", base > 0 ? pow(base, v) : v + 0.0); /* -0 becomes 0 */
    put_text(x, y, align, 0.3, text);
}

static void put_line(double x0, double y0, double x1, double y1, double grey)
{
    cairo_set_source_rgb(cairo, grey, grey, grey);
    cairo_move_to(cairo, floor(x0) + 0.5, floor(y0) + 0.5);
    cairo_line_to(cairo, floor(x1) + 0.5, floor(y1) + 0.5);
    cairo_stroke(cairo);
}

/* The smallest tick step of the form 1, 2 or 5 times a power of ten that divides the range into at most 8 intervals. */
static double tick_step(double range, double base)
{
    const double unit = pow(10, floor(log10(range / 8)));
    if (base > 0) return fmax(1, ceil(range / 10));
    return range <= 8 * unit ? unit : range <= 16 * unit ? 2 * unit : range <= 40 * unit ? 5 * unit : 10 * unit;
}

/* A tick is k steps away from 0. */
void plot_panel(plot_axes a)
{
    if (!(a.x1 > a.x0)) a.x1 = a.x0 + 1;
    if (!(a.y1 > a.y0)) a.y1 = a.y0 + 1;
    axes = a;
    entries = 0;
    cairo_identity_matrix(cairo);
    const int row = panels / across;
    cairo_translate(cairo, WIDTH * (panels % across), HEIGHT * row);
    panels++;
    const double dx = tick_step(a.x1 - a.x0, a.x_base), dy = tick_step(a.y1 - a.y0, a.y_base);
    cairo_set_line_width(cairo, 1);
    for (double k = ceil(a.y0 / dy - 1e-9); k <= a.y1 / dy + 1e-9; k++) {
        put_line(at_x(a.x0), at_y(k * dy), at_x(a.x1), at_y(k * dy), 0.9);
        put_number(LEFT - 8, at_y(k * dy) + 4.5, 1, a.y_base, k * dy);
    }
    for (double k = ceil(a.x0 / dx - 1e-9); k <= a.x1 / dx + 1e-9; k++) {
        put_line(at_x(k * dx), BOTTOM, at_x(k * dx), BOTTOM + 5, 0.3);
        put_number(at_x(k * dx), BOTTOM + 20, 0.5, a.x_base, k * dx);
    }
    put_line(LEFT, BOTTOM, at_x(a.x1), BOTTOM, 0.3);
    put_line(LEFT, BOTTOM, LEFT, at_y(a.y1), 0.3);
    put_text((LEFT + RIGHT) / 2., HEIGHT - 16, 0.5, 0.1, a.x);
    cairo_save(cairo);
    cairo_translate(cairo, 18, (TOP + BOTTOM) / 2.);
    cairo_rotate(cairo, -acos(-1) / 2);
    put_text(0, 0, 0.5, 0.1, a.y);
    cairo_restore(cairo);
    cairo_set_font_size(cairo, SIZE + 2);
    put_text(LEFT, TOP - 16, 0, 0.1, a.title);
    cairo_set_font_size(cairo, SIZE);
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

/* ---- Series ------------------------------------------------------------------------------------------------------- */

/* Writes a series' name, if it has one, into the legend, returns the height of the mark to its left, and sets the color. */
static double put_name(const char *name, int color, double alpha)
{
    const double y = TOP + 6 + LINE * entries;
    put_text(LEGEND + 28, y + 4.5, 0, 0.1, name);
    entries += name != NULL;
    set_color(color, alpha);
    return y;
}

/* Clips drawing to the area within the axes until cairo_restore. */
static void clip(void)
{
    cairo_save(cairo);
    cairo_rectangle(cairo, LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP);
    cairo_clip(cairo);
}

static void add_curve(int64_t n, const double *x, const double *y)
{
    bool down = false; /* whether the pen is down */
    for (int64_t i = 0; i < n; i++) {
        const bool here = isfinite(x[i]) && isfinite(y[i]);
        if (here) (down ? cairo_line_to : cairo_move_to)(cairo, at_x(x[i]), at_y(y[i]));
        down = here;
    }
}

void plot_curve(plot_style style, int64_t n, const double *x, const double *y, int color, const char *name)
{
    const double mark = put_name(name, color, style == PLOT_AREA ? 0.25 : 1);
    cairo_set_line_width(cairo, 2);
    cairo_set_dash(cairo, (double[]){ 6, 4 }, style == PLOT_DASHED ? 2 : 0, 0);
    clip();
    add_curve(n, x, y);
    if (style == PLOT_AREA && n > 0) {
        cairo_line_to(cairo, at_x(x[n - 1]), at_y(0));
        cairo_line_to(cairo, at_x(x[0]), at_y(0));
        cairo_fill(cairo);
    }
    cairo_stroke(cairo);
    cairo_restore(cairo);
    if (name) {
        cairo_move_to(cairo, LEGEND, mark);
        cairo_line_to(cairo, LEGEND + 22, mark);
        cairo_stroke(cairo);
    }
    cairo_set_dash(cairo, NULL, 0, 0);
}

/* The radius of each of n points. */
static double radius_for(int64_t n)
{
    return n > 2000 ? 1.4 : n > 100 ? 2 : 3.5;
}

static void put_point(double x, double y, double radius)
{
    if (!isfinite(x) || !isfinite(y)) return;
    cairo_new_sub_path(cairo);
    cairo_arc(cairo, x, y, radius, 0, 2 * acos(-1));
    cairo_fill(cairo);
}

void plot_group(tap_tensor x, tap_tensor group, int k, const char *name)
{
    int64_t n = 0;
    for (int64_t i = 0; i < x.shape.n[0]; i++) n += tap_tensor_item(group, i) == k;
    if (n == 0) return;
    const double mark = put_name(name, k, n > 200 ? 0.6 : 1);
    clip();
    for (int64_t i = 0; i < x.shape.n[0]; i++)
        if (tap_tensor_item(group, i) == k) put_point(at_x(item(x, i, 0)), at_y(item(x, i, 1)), radius_for(n));
    cairo_restore(cairo);
    set_color(k, 1);
    if (name) put_point(LEGEND + 11, mark, 4);
}

/* Draws the points in their original order, so that no group covers the others. */
void plot_groups(plot_axes a, tap_tensor x, tap_tensor group, const char *name, int first)
{
    const int64_t n = x.data && group.data ? x.shape.n[0] : 0;
    bool          seen[COLORS] = { false };
    if (a.x0 == a.x1) plot_limits(x, 0, &a.x0, &a.x1);
    if (a.y0 == a.y1) plot_limits(x, 1, &a.y0, &a.y1);
    plot_panel(a);
    clip();
    for (int64_t i = 0; i < n; i++) {
        const int k = (int)tap_tensor_item(group, i);
        set_color(k, 0.6);
        put_point(at_x(item(x, i, 0)), at_y(item(x, i, 1)), fmin(radius_for(n), 2));
        if (k < COLORS) seen[k] = true;
    }
    cairo_restore(cairo);
    for (int k = 0; k < COLORS; k++) {
        char text[64];
        snprintf(text, sizeof text, "%s%d", name, first + k);
        if (seen[k]) put_point(LEGEND + 11, put_name(text, k, 1), 4);
    }
}

void plot_bars(int64_t n, const double *height, int color, const char *name)
{
    const double mark = put_name(name, color, 0.5), width = (double)(RIGHT - LEFT) / (double)n, bottom = at_y(0);
    clip();
    for (int64_t i = 0; i < n; i++)
        if (isfinite(height[i])) cairo_rectangle(cairo, LEFT + width * (double)i, bottom, width, at_y(height[i]) - bottom);
    cairo_fill(cairo);
    cairo_restore(cairo);
    if (name) cairo_rectangle(cairo, LEGEND + 4, mark - 6, 14, 12);
    cairo_fill(cairo);
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

/* ---- Files -------------------------------------------------------------------------------------------------------- */

static cairo_status_t append(void *none, const unsigned char *bytes, unsigned int n)
{
    (void)none;
    return !file || tap_file_write(file, bytes, n) ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

void plot_begin(plot_format format, int columns, int rows)
{
    across = columns;
    panels = 0;
    file = NULL;
    surface = format == PLOT_SVG ? cairo_svg_surface_create_for_stream(append, NULL, WIDTH * columns, HEIGHT * rows)
                                 : cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH * columns, HEIGHT * rows);
    cairo = cairo_create(surface);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, SIZE);
}

bool plot_write(const char *dir, const char *name)
{
    cairo_status_t status = cairo_status(cairo);
    file = file_begin(dir, name);
    if (!status && cairo_surface_get_type(surface) == CAIRO_SURFACE_TYPE_IMAGE)
        status = cairo_surface_write_to_png_stream(surface, append, NULL);
    cairo_surface_finish(surface); /* writes an SVG file */
    if (!status) status = cairo_surface_status(surface);
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    cairo_debug_reset_static_data(); /* frees the caches of cairo and fontconfig, so that leak checkers report nothing */
    FcFini();
    if (!file || !status || status == CAIRO_STATUS_WRITE_ERROR) return file_end(file);
    tap_file_abandon(file);
    return fail("%s: %s", name, cairo_status_to_string(status));
}
