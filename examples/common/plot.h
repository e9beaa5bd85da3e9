/* examples/common/plot.h: plots curves, points and bars in panels with axes, as PNG or SVG. */
#ifndef EXAMPLES_PLOT_H
#define EXAMPLES_PLOT_H

#include "tensor/tensor.h"

typedef struct plot plot;
typedef enum { PLOT_PNG, PLOT_SVG } plot_format;

/* The titles and axis limits of a panel. If a base is set, the axis is logarithmic: coordinates are exponents of the base, and
 * ticks are labelled with its powers. */
typedef struct {
    const char *title, *x, *y; /* NULL: no title */
    double      x0, x1, y0, y1;
    double      x_base, y_base;
} plot_axes;

plot *plot_new(plot_format format, int columns, int rows); /* NULL if memory runs out, which the functions below accept */
void  plot_panel(plot *p, plot_axes axes); /* begins the next panel in row-major order; subsequent calls draw into it */

/* Colors are indices from 0; ten are distinct. The legend lists the series whose name is not NULL. Values that are not
 * finite leave gaps. */
void plot_curve(plot *p, int64_t n, const double *x, const double *y, int color, const char *name);
void plot_dashed(plot *p, int64_t n, const double *x, const double *y, int color, const char *name);
void plot_area(plot *p, int64_t n, const double *x, const double *y, int color); /* between the curve and 0, translucent */
void plot_bars(plot *p, int64_t n, const double *height, int color, const char *name); /* translucent, across the panel */
/* Draws the points of group k, of the first two columns of x [n,columns] and groups [n] from 0, in the color k. */
void plot_group(plot *p, tap_tensor x, tap_tensor group, int k, const char *name);
/* Begins the next panel and draws points, the first two columns of x [n,columns], colored by group [n] (from 0). Limits that
 * are not set are those of the points. The legend lists the first ten groups as name and number, counted from `first`. */
void plot_groups(plot *p, plot_axes axes, tap_tensor x, tap_tensor group, const char *name, int first);

/* Computes a histogram for plot_bars: the fraction of n numbers in each of `bins` equal bins. Returns the largest fraction. */
double plot_bins(int64_t n, const double *x, int bins, double x0, double x1, double *height);
/* Computes the limits of an axis for a column of x [n,columns]: the numbers' range, extended by a small margin. */
void plot_limits(tap_tensor x, int64_t column, double *from, double *to);

/* Writes dir/name and frees the plot. On failure prints one line on standard error and returns false. */
bool plot_write(plot *p, const char *dir, const char *name);

#endif
