/* examples/vae_anomaly/report.c: reports how well the scores separate anomalies from normal images, in numbers and plots. */
#include "vae_anomaly.h"

#include <math.h>
#include <stdio.h>

enum { BINS = 60, WIDE = 16, HIGH = 4, CLASSES = 256, ALL = -1, NONE = -2 };

/* Room for the scores of a set's images, their anomaly flags, and the points of a curve. */
typedef struct {
    tap_tensor score, anomaly, x, y;
} score_buffer;

/* Collects the scores of the normal images, if `normal` is set, and of the anomalies of `class`, or ALL or NONE. Returns the
 * number of anomalies. */
static int64_t take(score_buffer *d, const set *s, int score, bool normal, int64_t class)
{
    int64_t n = 0, anomalies = 0;
    for (const double *row = s->table.data, *end = row + tap_tensor_numel(s->table); row < end; row += COLUMNS) {
        const bool strange = row[ANOMALY] != 0;
        if (strange ? class != ALL && row[CLASS] != (double)class : !normal) continue;
        ((double *)d->score.data)[n] = row[SCORE + score];
        ((uint8_t *)d->anomaly.data)[n++] = strange;
        anomalies += strange;
    }
    d->score.shape.n[0] = d->anomaly.shape.n[0] = n;
    return anomalies;
}

static bool measure_class(double *auroc, score_buffer *d, const set *s, int score, int64_t class, uint64_t seed)
{
    const tap_bootstrap_options o = { .seed = seed };
    tap_error                   e = { 0 };
    char                        name[24] = "all";
    if (take(d, s, score, true, class) == 0 && class != ALL) return true;
    const tap_interval a = tap_auroc(d->score, d->anomaly, o, &e), p = tap_average_precision(d->score, d->anomaly, o, &e);
    if (e.status) return fail("%s", e.message);
    if (class == ALL) *auroc = a.value;
    else snprintf(name, sizeof name, "%lld", (long long)class);
    printf("%14s  %.4f [%.4f, %.4f]   %.4f [%.4f, %.4f]\n", name, a.value, a.low, a.high, p.value, p.low, p.high);
    return true;
}

static bool measure(score_buffer *d, const set *s, uint64_t seed, double auroc[SCORES])
{
    for (int i = 0; i < SCORES; i++) {
        printf("\n%-14s  AUROC, 95 %%               average precision, 95 %%\n", columns[SCORE + i]);
        for (int64_t kind = ALL; kind < CLASSES; kind++)
            if (!measure_class(&auroc[i], d, s, i, kind, seed)) return false;
    }
    return true;
}

static bool draw_curves(score_buffer *d, const set *s, const char *out)
{
    plot_begin(PLOT_PNG, 1, 1);
    plot_panel((plot_axes){ .title = "ROC", .x = "normal images refused", .y = "anomalies found", .x1 = 1, .y1 = 1 });
    for (int i = 0; i < SCORES; i++) {
        take(d, s, i, true, ALL);
        plot_curve(PLOT_SOLID, tap_roc_curve(d->score, d->anomaly, d->x, d->y, NULL), d->x.data, d->y.data, i,
                   columns[SCORE + i]);
    }
    return plot_write(out, "roc.png");
}

/* Draws a panel for each score. Its axis is four times as long as the range of the lowest 95 % of the normal scores. */
static bool draw_histograms(score_buffer *d, const set *s, const char *out)
{
    double height[2][BINS];
    plot_begin(PLOT_PNG, 3, 2);
    for (int i = 0; i < SCORES; i++) {
        take(d, s, i, true, NONE);
        int64_t          n = d->score.shape.n[0];
        tap_tape        *t = tap_tape_new(TAP_F64, 0);
        const tap_tensor sorted = tap_value(tap_sort(tap_input(t, d->score), 0, TAP_ASCENDING, NULL));
        const double lo = tap_tensor_item(sorted, 0), hi = lo + fmax(4 * (tap_tensor_item(sorted, n - 1 - n / 20) - lo), 1e-6);
        double       max_height = plot_bins(n, d->score.data, BINS, lo, hi, height[0]);
        n = take(d, s, i, false, ALL);
        max_height = fmax(max_height, plot_bins(n, d->score.data, BINS, lo, hi, height[1]));
        plot_panel((plot_axes){ .title = columns[SCORE + i], .x0 = lo, .x1 = hi, .y1 = 1.05 * max_height });
        plot_bars(BINS, height[0], 0, n > 0 ? "normal" : NULL);
        plot_bars(BINS, height[1], 1, n > 0 ? "anomalies" : NULL);
        tap_tape_free(t);
    }
    return plot_write(out, "histogram.png");
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

bool report(const set *s, const options *o, double auroc[SCORES])
{
    tap_arena      *a = tap_arena_new();
    const tap_shape n = TAP_SHAPE(s->table.shape.n[0]), points = TAP_SHAPE(n.n[0] + 1);
    score_buffer    d = { tap_tensor_zeros(a, TAP_F64, n), tap_tensor_zeros(a, TAP_U8, n), tap_tensor_zeros(a, TAP_F64, points),
                          tap_tensor_zeros(a, TAP_F64, points) };
    const char     *out = o->train.out;
    const bool      ok = arena_ok(a) && draw_histograms(&d, s, out) && draw_extremes(s, out) &&
                    (o->only || (draw_curves(&d, s, out) && measure(&d, s, o->train.seed, auroc)));
    tap_arena_free(a);
    return ok;
}
