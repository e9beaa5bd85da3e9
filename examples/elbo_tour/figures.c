/* examples/elbo_tour/figures.c: the paper's figures 3 and 4, drawn from densities of the library. */
#include "elbo_tour.h"

#include <math.h>

enum { POINTS = 601 };

/* The density of N(loc, scale^2) at all x. */
static void density(tap_tape *t, const double *x, double loc, double scale, double *y)
{
    tap_dist   d = tap_normal(tap_scalar(t, loc), tap_scalar(t, log(scale)));
    tap_tensor p = tap_value(tap_exp(tap_log_prob(d, tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(POINTS), (void *)x)))));
    for (int i = 0; i < POINTS; i++) y[i] = tap_tensor_item(p, i);
}

static void fill_places(double *x, double from, double to)
{
    for (int i = 0; i < POINTS; i++) x[i] = from + (to - from) * i / (POINTS - 1);
}

static bool draw_delta(const tour *o, tap_tape *t, tap_arena *a)
{
    static const double width[] = { 1, 0.5, 0.25, 0.1 };
    static const pen    pens[] = { { 0.65, 0 }, { 0.45, 8 }, { 0.3, 4 }, { 0, 0 } };
    double              x[POINTS], y[POINTS];
    char                name[32];
    tap_tensor          picture = picture_new(a, 800, 520);
    panel               p = { picture, 60, 50, 650, 460, -2, 2, 0, 6, 0, 0, 0 };
    plot_axes(&p, "delta_a(x), a to 0", "x");
    fill_places(x, -2, 2);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "a = %g", width[i]);
        density(t, x, 0, width[i] / sqrt(2), y);
        plot_curve(&p, POINTS, x, y, pens[i], name);
    }
    return picture_write(o, "delta.png", picture);
}

static bool draw_kl(const tour *o, tap_tape *t, tap_arena *a)
{
    double     x[POINTS], q[POINTS], p[POINTS], integrand[POINTS];
    tap_tensor picture = picture_new(a, 1180, 480);
    panel      left = { picture, 70, 50, 450, 420, -5, 6, 0, 0.5, 0, 0, 0 };
    panel      right = { picture, 640, 50, 1020, 420, -5, 6, -0.2, 1, 0, 0, 0 };
    fill_places(x, -5, 6);
    density(t, x, -1, 1, q);
    density(t, x, 1, 1.5, p);
    for (int i = 0; i < POINTS; i++) integrand[i] = q[i] * log(q[i] / p[i]);
    tap_dist dq = tap_normal(tap_scalar(t, -1), tap_scalar(t, 0)), dp = tap_normal(tap_scalar(t, 1), tap_scalar(t, log(1.5)));
    char     name[48];
    snprintf(name, sizeof name, "area = KL(q|p) = %.4f", tap_item(tap_kl(dq, dp)));
    plot_axes(&left, "two Gaussians", "x");
    plot_curve(&left, POINTS, x, q, (pen){ 0, 0 }, "q(x)");
    plot_curve(&left, POINTS, x, p, (pen){ 0.5, 8 }, "p(x)");
    plot_area(&right, POINTS, x, integrand, 0.8);
    plot_axes(&right, name, "x");
    plot_curve(&right, POINTS, x, integrand, (pen){ 0, 0 }, "q log(q/p)");
    return picture_write(o, "kl.png", picture);
}

bool draw_figures(const tour *o)
{
    tap_tape  *t = tap_tape_new(TAP_F64, o->seed);
    tap_arena *a = tap_arena_new();
    bool       ok = draw_delta(o, t, a) && draw_kl(o, t, a);
    tap_arena_free(a);
    return tape_end(t) && ok;
}
