/* examples/vae_mnist/chart.c: training.svg, the ELBO by epoch on the training and on the test images. */
#include "vae_mnist.h"

#include <math.h>
#include <stdarg.h>

enum { WIDTH = 720, HEIGHT = 420, LEFT = 84, RIGHT = 24, TOP = 48, BOTTOM = 56 };

#define FONT "font-family=\"Helvetica, Arial, sans-serif\""

/* A drawing in a file, and where numbers fall in it. */
typedef struct {
    tap_file *file;
    double    x0, x1, y0, y1; /* epochs and nats at the edges of the axes */
} chart;

static void put(const chart *c, const char *format, ...) TAP_PRINTF(2, 3);
static void put(const chart *c, const char *format, ...)
{
    char    text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0 && n < (int)sizeof text) tap_file_write(c->file, text, (size_t)n);
}

static double at_x(const chart *c, double epoch)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * (epoch - c->x0) / (c->x1 - c->x0);
}

static double at_y(const chart *c, double nats)
{
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (nats - c->y0) / (c->y1 - c->y0);
}

/* The smallest of 1, 2, 5, 10, 20, ... (or of their tenths and so on) that cuts the range into at most n pieces. */
static double tick_step(double range, int n)
{
    double unit = pow(10, floor(log10(range / n)));
    for (int i = 0; i < 3; i++) {
        static const double multiple[] = { 1, 2, 5 };
        if (range / (multiple[i] * unit) <= n) return multiple[i] * unit;
    }
    return 10 * unit;
}

static double elbo_of(const record *r, bool test)
{
    return test ? r->test.elbo : r->train_elbo;
}

/* Sets the edges so that both curves fit, on whole ticks. Returns the distance of the ticks. */
static double fit_axes(chart *c, int64_t n, const record *records)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int64_t i = 0; i < 2 * n; i++) {
        double elbo = elbo_of(&records[i / 2], i % 2);
        low = fmin(low, elbo);
        high = fmax(high, elbo);
    }
    double step = tick_step(fmax(high - low, 1e-3 * fmax(1, fabs(high))), 6);
    c->x0 = (double)records[0].epoch;
    c->x1 = fmax((double)records[n - 1].epoch, c->x0 + 1);
    c->y0 = step * floor(low / step);
    c->y1 = step * fmax(ceil(high / step), floor(low / step) + 1);
    return step;
}

static void put_axes(const chart *c, double y_step)
{
    double x_step = fmax(1, tick_step(c->x1 - c->x0, 12));
    int    digits = y_step < 1 ? (int)ceil(-log10(y_step)) : 0;
    put(c, "<g stroke=\"#e4e4e4\">\n");
    for (double y = c->y0; y < c->y1 + y_step / 2; y += y_step)
        put(c, "<path d=\"M%d %.1fH%d\"/>\n", LEFT, at_y(c, y), WIDTH - RIGHT);
    put(c, "</g>\n<g font-size=\"13\" fill=\"#555\" text-anchor=\"end\">\n");
    for (double y = c->y0; y < c->y1 + y_step / 2; y += y_step)
        put(c, "<text x=\"%d\" y=\"%.1f\">%.*f</text>\n", LEFT - 10, at_y(c, y) + 4.5, digits, y);
    put(c, "</g>\n<g font-size=\"13\" fill=\"#555\" text-anchor=\"middle\">\n");
    for (double x = x_step * ceil(c->x0 / x_step); x <= c->x1; x += x_step)
        put(c, "<text x=\"%.1f\" y=\"%d\">%.0f</text>\n", at_x(c, x), HEIGHT - BOTTOM + 22, x);
    put(c, "<text x=\"%d\" y=\"%d\" font-size=\"14\">epoch</text>\n", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12);
    put(c, "</g>\n<path d=\"M%d %dH%d\" stroke=\"#555\"/>\n", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT);
}

/* A curve, its points when they are few, and its place in the legend, in the line of the title. */
static void put_curve(const chart *c, int64_t n, const record *records, bool test)
{
    const char *color = test ? "#d55e00" : "#0072b2", *name = test ? "test" : "training";
    int         x = WIDTH - RIGHT - (test ? 134 : 314);
    put(c, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\" stroke-linejoin=\"round\" points=\"", color);
    for (int64_t i = 0; i < n; i++)
        put(c, "%.1f,%.1f ", at_x(c, (double)records[i].epoch), at_y(c, elbo_of(&records[i], test)));
    put(c, "\"/>\n");
    for (int64_t i = 0; i < n && n <= 40; i++)
        put(c, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n", at_x(c, (double)records[i].epoch),
            at_y(c, elbo_of(&records[i], test)), color);
    put(c, "<path d=\"M%d 23h28\" stroke=\"%s\" stroke-width=\"2.5\"/>\n", x, color);
    put(c, "<text x=\"%d\" y=\"28\" font-size=\"14\" fill=\"#222\">%s %.2f</text>\n", x + 38, name,
        elbo_of(&records[n - 1], test));
}

bool chart_write(const options *o, int64_t n, const record *records)
{
    char      path[PATH_SIZE];
    tap_error e = { 0 };
    if (n == 0) return true;
    join(path, o->out, "training.svg");
    chart c = { .file = tap_file_create(path, &e) };
    if (!c.file) return fail("%s", e.message);
    double y_step = fit_axes(&c, n, records);
    put(&c, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" " FONT ">\n", WIDTH,
        HEIGHT, WIDTH, HEIGHT);
    put(&c, "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n");
    put(&c, "<text x=\"%d\" y=\"28\" font-size=\"16\" fill=\"#222\">ELBO, nats per image</text>\n", LEFT);
    put_axes(&c, y_step);
    put_curve(&c, n, records, false);
    put_curve(&c, n, records, true);
    put(&c, "</svg>\n");
    return tap_file_commit(c.file) ? fail("%s", e.message) : true;
}
