/* examples/vae_anomaly/report.c: reports how well the scores separate anomalies from normal images, in numbers and plots. */
#include "vae_anomaly.h"

#include <math.h>
#include <stdio.h>

#include "examples/common/plot.h"

enum { BINS = 60, WIDE = 16, HIGH = 4, CLASSES = 256, ALL = -1, NONE = -2 };

/* Buffers for the scores of a set, their anomaly flags, and the points of a curve. */
typedef struct {
    double  *score, *x, *y;
    uint8_t *anomaly;
} score_buffer;

static bool score_buffer_new(score_buffer *d, tap_arena *a, const set *s)
{
    const size_t n = (size_t)s->table.shape.n[0] + 1, size = n * sizeof(double);
    *d = (score_buffer){ tap_arena_alloc(a, size), tap_arena_alloc(a, size), tap_arena_alloc(a, size), tap_arena_alloc(a, n) };
    return arena_ok(a);
}

/* Collects the scores of the normal images, if `normal` is set, and of the anomalies of `class`, or ALL or NONE. Returns
 * their number. */
static int64_t take(const score_buffer *d, const set *s, int score, bool normal, int64_t class, int64_t *anomalies)
{
    int64_t n = 0;
    *anomalies = 0;
    for (const double *row = s->table.data, *end = row + tap_tensor_numel(s->table); row < end; row += COLUMNS) {
        const bool strange = row[ANOMALY] != 0;
        if (strange ? class != ALL && row[CLASS] != (double)class : !normal) continue;
        d->score[n] = row[SCORE + score];
        d->anomaly[n++] = strange;
        *anomalies += strange;
    }
    return n;
}

static bool measure_class(double *auroc, const score_buffer *d, const set *s, int score, int64_t class,
                          const tap_bootstrap_options *o)
{
    tap_error     e = { 0 };
    char          name[24] = "all";
    int64_t       anomalies;
    const int64_t n = take(d, s, score, true, class, &anomalies);
    if (class != ALL && anomalies == 0) return true;
    const tap_tensor x = tap_tensor_wrap(TAP_F64, TAP_SHAPE(n), d->score),
                     y = tap_tensor_wrap(TAP_U8, TAP_SHAPE(n), d->anomaly);
    const tap_interval a = tap_auroc(x, y, *o, &e), p = tap_average_precision(x, y, *o, &e);
    if (e.status) return fail("%s", e.message);
    if (class == ALL) *auroc = a.value;
    else snprintf(name, sizeof name, "%lld", (long long)class);
    printf("%14s  %.4f [%.4f, %.4f]   %.4f [%.4f, %.4f]\n", name, a.value, a.low, a.high, p.value, p.low, p.high);
    return true;
}

bool measure(const set *s, const options *o, double auroc[SCORES])
{
    const tap_bootstrap_options how = { .seed = o->train.seed };
    tap_arena                  *a = tap_arena_new();
    score_buffer                d;
    bool                        ok = score_buffer_new(&d, a, s);
    for (int i = 0; ok && i < SCORES; i++) {
        printf("\n%-14s  AUROC, 95 %%               average precision, 95 %%\n", columns[SCORE + i]);
        for (int64_t kind = ALL; ok && kind < CLASSES; kind++) ok = measure_class(&auroc[i], &d, s, i, kind, &how);
    }
    tap_arena_free(a);
    return ok;
}

static bool draw_curves(const score_buffer *d, const set *s, const char *out)
{
    const int64_t    m = s->table.shape.n[0];
    const tap_tensor x = tap_tensor_wrap(TAP_F64, TAP_SHAPE(m + 1), d->x), y = tap_tensor_wrap(TAP_F64, TAP_SHAPE(m + 1), d->y),
                     score = tap_tensor_wrap(TAP_F64, TAP_SHAPE(m), d->score),
                     anomaly = tap_tensor_wrap(TAP_U8, TAP_SHAPE(m), d->anomaly);
    int64_t anomalies;
    plot   *p = plot_new(PLOT_PNG, 1, 1);
    plot_panel(p, (plot_axes){ .title = "ROC", .x = "normal images refused", .y = "anomalies found", .x1 = 1, .y1 = 1 });
    for (int i = 0; i < SCORES; i++) {
        take(d, s, i, true, ALL, &anomalies);
        plot_curve(p, tap_roc_curve(score, anomaly, x, y, NULL), d->x, d->y, i, columns[SCORE + i]);
    }
    return plot_write(p, out, "roc.png");
}

/* Draws a panel for each score. Its axis is four times as long as the range of the lowest 95 % of the normal scores. */
static bool draw_histograms(const score_buffer *d, const set *s, const char *out)
{
    double height[2][BINS];
    plot  *p = plot_new(PLOT_PNG, 3, 2);
    for (int i = 0; i < SCORES; i++) {
        int64_t          anomalies, n = take(d, s, i, true, NONE, &anomalies);
        tap_tape        *t = tap_tape_new(TAP_F64, 0);
        const tap_tensor sorted =
            tap_value(tap_sort(tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(n), d->score)), 0, TAP_ASCENDING, NULL));
        const double lo = tap_tensor_item(sorted, 0), hi = lo + fmax(4 * (tap_tensor_item(sorted, n - 1 - n / 20) - lo), 1e-6);
        double       max_height = plot_bins(n, d->score, BINS, lo, hi, height[0]);
        n = take(d, s, i, false, ALL, &anomalies);
        max_height = fmax(max_height, plot_bins(n, d->score, BINS, lo, hi, height[1]));
        plot_panel(p, (plot_axes){ .title = columns[SCORE + i], .x0 = lo, .x1 = hi, .y1 = 1.05 * max_height });
        plot_bars(p, BINS, height[0], 0, n > 0 ? "normal" : NULL);
        plot_bars(p, BINS, height[1], 1, n > 0 ? "anomalies" : NULL);
        tap_tape_free(t);
    }
    return plot_write(p, out, "histogram.png");
}

/* Draws the images with the lowest deviance and, in as many rows below them, those with the highest deviance. */
static bool draw_extremes(const set *s, const char *out)
{
    const int64_t m = s->table.shape.n[0], wide = m < WIDE ? m : WIDE, high = m < WIDE * HIGH ? 1 : HIGH, n = high * wide;
    tap_tape     *t = tap_tape_new(TAP_F32, 0);
    tap_var       order = tap_argsort(tap_select(tap_input(t, s->table), 1, COLUMNS - 1), 0, TAP_ASCENDING);
    tap_var       ends = tap_cat(2, (tap_var[]){ tap_narrow(order, 0, 0, n), tap_narrow(order, 0, m - n, n) }, 0);
    tap_var       x = tap_reshape(images_select(t, s->images, ends), TAP_SHAPE(2 * high, wide, SIDE * SIDE));
    const bool    ok = sheet_write(out, "extremes.png", x, 2);
    return tape_end(t) && ok;
}

bool draw(const set *s, const options *o)
{
    tap_arena   *a = tap_arena_new();
    score_buffer d;
    bool         ok = score_buffer_new(&d, a, s) && draw_histograms(&d, s, o->train.out) && draw_extremes(s, o->train.out);
    if (ok && !o->only) ok = draw_curves(&d, s, o->train.out);
    tap_arena_free(a);
    return ok;
}
