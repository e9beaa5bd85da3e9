/* examples/elbo_tour/figures.c: draws the paper's figures 3 and 4 from the library's densities. */
#include "elbo_tour.h"

#include <math.h>

enum { POINTS = 601 };

/* Evaluates the density of N(loc, scale^2) at the points x. */
static void density(tap_tape *t, const double *x, double loc, double scale, double *y)
{
    tap_dist   d = tap_normal(tap_scalar(t, loc), tap_scalar(t, log(scale)));
    tap_tensor p = tap_value(tap_exp(tap_log_prob(d, tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(POINTS), (void *)x)))));
    for (int i = 0; i < POINTS; i++) y[i] = tap_tensor_item(p, i);
}

static void fill_range(double *x, double from, double to)
{
    for (int i = 0; i < POINTS; i++) x[i] = from + (to - from) * i / (POINTS - 1);
}

static bool draw_delta(const options *o, tap_tape *t)
{
    static const double width[] = { 1, 0.5, 0.25, 0.1 };
    double              x[POINTS], y[POINTS];
    char                name[32];
    plot               *p = plot_new(PLOT_PNG, 1, 1);
    plot_panel(p, (plot_axes){ .title = "delta_a(x), a to 0", .x = "x", .x0 = -2, .x1 = 2, .y1 = 6 });
    fill_range(x, -2, 2);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "a = %g", width[i]);
        density(t, x, 0, width[i] / sqrt(2), y);
        plot_curve(p, POINTS, x, y, i, name);
    }
    return plot_write(p, o->out, "delta.png");
}

static bool draw_kl(const options *o, tap_tape *t)
{
    double x[POINTS], q[POINTS], p[POINTS], integrand[POINTS];
    plot  *picture = plot_new(PLOT_PNG, 2, 1);
    fill_range(x, -5, 6);
    density(t, x, -1, 1, q);
    density(t, x, 1, 1.5, p);
    for (int i = 0; i < POINTS; i++) integrand[i] = q[i] * log(q[i] / p[i]);
    tap_dist dq = tap_normal(tap_scalar(t, -1), tap_scalar(t, 0)), dp = tap_normal(tap_scalar(t, 1), tap_scalar(t, log(1.5)));
    char     name[48];
    snprintf(name, sizeof name, "area = KL(q|p) = %.4f", tap_item(tap_kl(dq, dp)));
    plot_panel(picture, (plot_axes){ .title = "two Gaussians", .x = "x", .x0 = -5, .x1 = 6, .y1 = 0.5 });
    plot_curve(picture, POINTS, x, q, 0, "q(x)");
    plot_dashed(picture, POINTS, x, p, 1, "p(x)");
    plot_panel(picture, (plot_axes){ .title = name, .x = "x", .x0 = -5, .x1 = 6, .y0 = -0.2, .y1 = 1 });
    plot_bars(picture, POINTS, integrand, 0, NULL);
    plot_curve(picture, POINTS, x, integrand, 0, "q log(q/p)");
    return plot_write(picture, o->out, "kl.png");
}

bool draw_figures(const options *o)
{
    tap_tape *t = tap_tape_new(TAP_F64, o->seed);
    bool      ok = draw_delta(o, t) && draw_kl(o, t);
    return tape_end(t) && ok;
}
