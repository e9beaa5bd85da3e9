/* nn/metrics/classification.c: metrics of binary classification by scores: AUROC, average precision, the ROC curve, and
 * bootstrap intervals.
 *
 * Scores are sorted once, into a list of distinct scores, the highest first, with the number of negatives and positives of
 * each. Metrics are functions of these counts; a bootstrap resample has the same scores and other counts. */
#include <math.h>
#include <stdlib.h>

#include "nn/internal.h"
#include "tensor/random.h"
#include "tensor/arena.h"
#include "tensor/parallel.h"

enum { TASKS = 16 }; /* resamples are divided into TASKS tasks, each with a buffer of counts */

/* The numbers of negatives, n[0], and positives, n[1]. */
typedef struct {
    int64_t n[2];
} count;

typedef struct {
    count    all;
    int64_t  n_scores;       /* distinct scores */
    count   *counts;         /* [n_scores], the highest score first */
    int64_t *score_index[2]; /* of each negative, of each positive: the index of its score */
} ranking;

typedef double (*metric)(const ranking *r, const count *counts);

/* The area under the ROC curve: the fraction of pairs in which the positive has the higher score, ties counted half. */
static double roc_area(const ranking *r, const count *counts)
{
    double won = 0, higher = 0; /* pairs, positives with a higher score */
    for (int64_t i = 0; i < r->n_scores; i++) {
        const double positives = (double)counts[i].n[1];
        won += (double)counts[i].n[0] * (higher + positives / 2);
        higher += positives;
    }
    return won / ((double)r->all.n[0] * (double)r->all.n[1]);
}

/* Average precision: the mean over positives of the precision at their score. */
static double average_precision(const ranking *r, const count *counts)
{
    double sum = 0, positives = 0, total = 0;
    for (int64_t i = 0; i < r->n_scores; i++) {
        if (counts[i].n[0] + counts[i].n[1] == 0) continue;
        positives += (double)counts[i].n[1];
        total += (double)(counts[i].n[0] + counts[i].n[1]);
        sum += (double)counts[i].n[1] * positives / total;
    }
    return sum / (double)r->all.n[1];
}

/* ---- From scores to counts ---------------------------------------------------------------------------------------- */

typedef struct {
    double score;
    bool   positive;
} item;

static int compare_descending(const void *a, const void *b)
{
    const double x = ((const item *)a)->score, y = ((const item *)b)->score;
    return (x < y) - (x > y);
}

static tap_status fail(const char *call, tap_tensor score, tap_tensor positive, tap_error *e, const char *what)
{
    char a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    return tap_error_set(e, TAP_EARG, "%s: scores %s, positive %s: %s", call, tap_shape_format(a, score.shape),
                         tap_shape_format(b, positive.shape), what);
}

/* Reads the n items and counts them; returns NULL, or what is wrong with them. */
static const char *read_items(item *items, int64_t n, tap_tensor score, tap_tensor positive, count *all)
{
    for (int64_t i = 0; i < n; i++) {
        const double s = tap_tensor_item(score, i), p = tap_tensor_item(positive, i);
        if (isnan(s)) return "scores must not be NaN";
        if (p != 0 && p != 1) return "positive must be 0 or 1";
        items[i] = (item){ s, p == 1 };
        all->n[p == 1]++;
    }
    return !all->n[1] ? "there must be positives" : !all->n[0] ? "there must be negatives" : NULL;
}

static void count_items(ranking *r, const item *items, int64_t n)
{
    int64_t done[2] = { 0 };
    for (int64_t i = 0; i < n; i++) {
        const int label = items[i].positive;
        r->n_scores += i == 0 || items[i].score != items[i - 1].score;
        r->counts[r->n_scores - 1].n[label]++;
        r->score_index[label][done[label]++] = r->n_scores - 1;
    }
}

/* The ranking of the scores, in memory of the arena. */
static tap_status make_ranking(ranking *r, tap_arena *a, const char *call, tap_tensor score, tap_tensor positive, tap_error *e)
{
    const char   *message;
    const int64_t n = score.data && score.shape.rank == 1 ? score.shape.n[0] : -1;
    *r = (ranking){ 0 };
    if (n < 1 || !positive.data || positive.shape.rank != 1 || positive.shape.n[0] != n)
        return fail(call, score, positive, e, "both need the same shape [n], n at least 1");
    item *items = tap_arena_alloc(a, (size_t)n * sizeof *items);
    r->counts = tap_arena_alloc(a, (size_t)n * sizeof *r->counts);
    int64_t *indices = tap_arena_alloc(a, (size_t)n * sizeof *indices);
    if (tap_arena_status(a, &message)) return tap_error_set(e, TAP_ENOMEM, "%s: %s", call, message);
    message = read_items(items, n, score, positive, &r->all);
    if (message) return fail(call, score, positive, e, message);
    r->score_index[0] = indices;
    r->score_index[1] = indices + r->all.n[0];
    qsort(items, (size_t)n, sizeof *items, compare_descending);
    count_items(r, items, n);
    return TAP_OK;
}

/* ---- The bootstrap ------------------------------------------------------------------------------------------------ */

typedef struct {
    const ranking *r;
    metric         metric;
    int64_t        resamples;
    uint64_t       seed;
    count         *buffer; /* [TASKS,n_scores] */
    double        *values; /* [resamples] */
} bootstrap;

static void resample(const ranking *r, tap_rng_key key, count *counts)
{
    tap_rng rng = { .key = key };
    for (int64_t i = 0; i < r->n_scores; i++) counts[i] = (count){ 0 };
    for (int label = 0; label < 2; label++) {
        const int64_t n = r->all.n[label];
        for (int64_t i = 0; i < n; i++) { /* u n < n also after rounding, since u <= 1 - 2^-53 */
            const int64_t k = (int64_t)(tap_rng_uniform(&rng) * (double)n);
            counts[r->score_index[label][k]].n[label]++;
        }
    }
}

static void run_tasks(void *context, int64_t first, int64_t last)
{
    const bootstrap *b = context;
    for (int64_t task = first; task < last; task++) {
        count *counts = b->buffer + task * b->r->n_scores;
        for (int64_t i = task; i < b->resamples; i += TASKS) {
            resample(b->r, (tap_rng_key){ b->seed, tap_random_hash("bootstrap"), (uint64_t)i }, counts);
            b->values[i] = b->metric(b->r, counts);
        }
    }
}

static int compare_ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The quantile of sorted values, interpolated linearly. */
static double quantile(const double *values, int64_t n, double p)
{
    const double  position = p * (double)(n - 1), below = floor(position);
    const int64_t i = (int64_t)below, next = i + 1 < n ? i + 1 : i;
    return values[i] + (position - below) * (values[next] - values[i]);
}

static tap_status find_interval(tap_interval *x, tap_arena *a, const ranking *r, metric m, tap_bootstrap_options o,
                                const char *call, tap_error *e)
{
    const char   *message;
    const int64_t n = o.resamples;
    if ((double)n > 1e9) return tap_error_set(e, TAP_EARG, "%s: resamples must be at most 10^9, not %lld", call, (long long)n);
    bootstrap b = { r,
                    m,
                    n,
                    o.seed,
                    tap_arena_alloc(a, (size_t)(TASKS * r->n_scores) * sizeof *b.buffer),
                    tap_arena_alloc(a, (size_t)n * sizeof *b.values) };
    if (tap_arena_status(a, &message)) return tap_error_set(e, TAP_ENOMEM, "%s: %s", call, message);
    const double draws = (double)n * (double)(r->all.n[0] + r->all.n[1]);
    tap__parallel(TASKS, tap__cost_ns(10 * draws), run_tasks, &b);
    qsort(b.values, (size_t)n, sizeof *b.values, compare_ascending);
    x->low = quantile(b.values, n, (1 - o.level) / 2);
    x->high = quantile(b.values, n, (1 + o.level) / 2);
    return TAP_OK;
}

static tap_interval evaluate(const char *call, metric m, tap_tensor score, tap_tensor positive, tap_bootstrap_options o,
                             tap_error *e)
{
    const double nan = (double)NAN;
    tap_interval x = { nan, nan, nan };
    ranking      r;
    if (o.resamples == 0) o.resamples = 1000;
    if (o.resamples < TAP_NONE) {
        tap_error_set(e, TAP_EARG, "%s: resamples must be at least 1, or TAP_NONE, not %lld", call, (long long)o.resamples);
        return x;
    }
    if (o.level == 0) o.level = 0.95;
    if (!(o.level > 0 && o.level < 1)) {
        tap_error_set(e, TAP_EARG, "%s: level must be between 0 and 1, not %g", call, o.level);
        return x;
    }
    tap_arena *a = tap__arena_new_internal();
    if (!make_ranking(&r, a, call, score, positive, e) && (o.resamples == TAP_NONE || !find_interval(&x, a, &r, m, o, call, e)))
        x.value = m(&r, r.counts);
    tap_arena_free(a);
    return x;
}

tap_interval tap_auroc(tap_tensor score, tap_tensor positive, tap_bootstrap_options o, tap_error *e)
{
    return evaluate("auroc", roc_area, score, positive, o, e);
}

tap_interval tap_average_precision(tap_tensor score, tap_tensor positive, tap_bootstrap_options o, tap_error *e)
{
    return evaluate("average_precision", average_precision, score, positive, o, e);
}

/* ---- The curve ----------------------------------------------------------------------------------------------------- */

/* Whether x is float64 [> n]. */
static bool has_capacity(tap_tensor x, int64_t n)
{
    return x.data && x.dtype == TAP_F64 && x.shape.rank == 1 && x.shape.n[0] > n;
}

int64_t tap_roc_curve(tap_tensor score, tap_tensor positive, tap_tensor false_rate, tap_tensor true_rate, tap_error *e)
{
    tap_arena *a = tap__arena_new_internal();
    ranking    r;
    count      sum = { 0 };
    int64_t    points = 0;
    if (!make_ranking(&r, a, "roc_curve", score, positive, e)) {
        if (has_capacity(false_rate, score.shape.n[0]) && has_capacity(true_rate, score.shape.n[0])) points = r.n_scores + 1;
        else fail("roc_curve", score, positive, e, "the rates must be float64 [n + 1] or longer");
    }
    for (int64_t i = 0; i < points; i++) {
        for (int label = 0; label < 2 && i > 0; label++) sum.n[label] += r.counts[i - 1].n[label];
        tap_tensor_set_item(false_rate, i, (double)sum.n[0] / (double)r.all.n[0]);
        tap_tensor_set_item(true_rate, i, (double)sum.n[1] / (double)r.all.n[1]);
    }
    tap_arena_free(a);
    return points;
}
