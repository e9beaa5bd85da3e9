/* examples/common/plot.h: curves, points and bars in panels with axes, as a PNG. */
#ifndef EXAMPLES_PLOT_H
#define EXAMPLES_PLOT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct plot plot;

/* What stands at a panel, and the numbers at its edges. With a base, numbers are logarithms, and the axis shows their
 * powers. */
typedef struct {
    const char *title, *x, *y; /* NULL: nothing */
    double      x0, x1, y0, y1;
    double      x_base, y_base;
} plot_axes;

plot *plot_new(int columns, int rows);     /* a PNG file; NULL without memory, which the functions below accept */
plot *plot_new_svg(int columns, int rows); /* an SVG file */
void  plot_panel(plot *p, plot_axes axes); /* the next one, from left to right and downwards; all that follows is in it */

/* Colors are numbers from 0, of which the first ten differ. What has a name (else NULL) is in the legend. Numbers that are not
 * finite leave gaps. */
void plot_curve(plot *p, int64_t n, const double *x, const double *y, int color, const char *name);
void plot_dashed(plot *p, int64_t n, const double *x, const double *y, int color, const char *name);
void plot_area(plot *p, int64_t n, const double *x, const double *y, int color); /* between the curve and 0, pale */
void plot_points(plot *p, int64_t n, const double *x, const double *y, int color, const char *name);
void plot_bars(plot *p, int64_t n, double x0, double x1, const double *height, int color, const char *name); /* side by side */
/* Heights for these: which part of n numbers lies in each of equal bins. Returns the largest. */
double plot_bins(int64_t n, const double *x, int bins, double x0, double x1, double *height);

/* The next panel, around n points in the color of the group that each is of, from 0; in the legend is "name 1" and so on. */
void plot_groups(plot *p, const char *title, const char *name, int64_t n, const double *x, const double *y,
                 const int64_t *group);

/* A picture of its own, SVG: curves y [curves,n] over the same x, which rises. */
bool plot_write_curves(const char *dir, const char *file, const char *title, const char *x_title, int64_t n, const double *x,
                       int curves, const double *y, const char *const *names);

/* Writes dir/name and frees the plot. False: it has said why, in one line on standard error. */
bool plot_write(plot *p, const char *dir, const char *name);

#endif
