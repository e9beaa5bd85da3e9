/* nn/metrics/classification.c: how well scores tell positives from negatives. They are sorted once; whatever follows counts positives and negatives
 * by score. */
#include <math.h>
#include <stdlib.h>

#include "nn/internal.h"
#include "tensor/random.h"
#include "tensor/arena.h"
#include "tensor/parallel.h"

enum { TASKS = 16 }; /* into which resamples are cut, each with counts of its own */

/* By distinct score, the highest first: how many negatives and positives have it. */
typedef struct {
    int64_t n[2];
} count;

typedef struct {
    count    all;
    int64_t  scores;   /* how many different ones there are */
    count   *at;       /* [scores] */
    int64_t *place[2]; /* of each negative, of each positive: which score it has */
} ranking;

typedef double (*metric)(const ranking *r, const count *at);

static double area(const ranking *r, const count *at)
{
    double won = 0, above = 0; /* pairs, positives with a higher score */
    for (int64_t i = 0; i < r->scores; i++) {
        const double positives = (double)at[i].n[1];
        won += (double)at[i].n[0] * (above + positives / 2);
        above += positives;
    }
    return won / ((double)r->all.n[0] * (double)r->all.n[1]);
}

static double precision(const ranking *r, const count *at)
{
    double sum = 0, positives = 0, both = 0;
    for (int64_t i = 0; i < r->scores; i++) {
        if (at[i].n[0] + at[i].n[1] == 0) continue;
        positives += (double)at[i].n[1];
        both += (double)(at[i].n[0] + at[i].n[1]);
        sum += (double)at[i].n[1] * positives / both;
    }
    return sum / (double)r->all.n[1];
}

/* ---- From scores to counts ---------------------------------------------------------------------------------------- */

typedef struct {
    double score;
    bool   positive;
} item;

static int higher_first(const void *a, const void *b)
{
    const double x = ((const item *)a)->score, y = ((const item *)b)->score;
    return (x < y) - (x > y);
}

static tap_status refuse(const char *call, tap_tensor score, tap_tensor positive, tap_error *e, const char *what)
{
    char a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    return tap_error_set(e, TAP_EARG, "%s: scores %s, positive %s: %s", call, tap_shape_format(a, score.shape),
                         tap_shape_format(b, positive.shape), what);
}

/* The n items, counted; what is wrong with them, or NULL. */
static const char *read_items(item *items, int64_t n, tap_tensor score, tap_tensor positive, count *all)
{
    for (int64_t i = 0; i < n; i++) {
        const double s = tap_tensor_item(score, i), p = tap_tensor_item(positive, i);
        if (isnan(s)) return "there is a NaN among the scores";
        if (p != 0 && p != 1) return "positive is neither 0 nor 1";
        items[i] = (item){ s, p == 1 };
        all->n[p == 1]++;
    }
    return !all->n[1] ? "there are no positives" : !all->n[0] ? "there are no negatives" : NULL;
}

static void count_items(ranking *r, const item *items, int64_t n)
{
    int64_t done[2] = { 0 };
    for (int64_t i = 0; i < n; i++) {
        const int kind = items[i].positive;
        r->scores += i == 0 || items[i].score != items[i - 1].score;
        r->at[r->scores - 1].n[kind]++;
        r->place[kind][done[kind]++] = r->scores - 1;
    }
}

/* Everything is in the arena. */
static tap_status rank(ranking *r, tap_arena *a, const char *call, tap_tensor score, tap_tensor positive, tap_error *e)
{
    const char   *message;
    const int64_t n = score.data && score.shape.rank == 1 ? score.shape.n[0] : -1;
    *r = (ranking){ 0 };
    if (n < 1 || !positive.data || positive.shape.rank != 1 || positive.shape.n[0] != n)
        return refuse(call, score, positive, e, "both need the same shape [n], n at least 1");
    item *items = tap_arena_alloc(a, (size_t)n * sizeof *items);
    r->at = tap_arena_alloc(a, (size_t)n * sizeof *r->at);
    int64_t *places = tap_arena_alloc(a, (size_t)n * sizeof *places);
    if (tap_arena_status(a, &message)) return tap_error_set(e, TAP_ENOMEM, "%s: %s", call, message);
    message = read_items(items, n, score, positive, &r->all);
    if (message) return refuse(call, score, positive, e, message);
    r->place[0] = places;
    r->place[1] = places + r->all.n[0];
    qsort(items, (size_t)n, sizeof *items, higher_first);
    count_items(r, items, n);
    return TAP_OK;
}

/* ---- The bootstrap ------------------------------------------------------------------------------------------------ */

typedef struct {
    const ranking *r;
    metric         of;
    int64_t        resamples;
    uint64_t       seed;
    count         *room;   /* [TASKS,scores] */
    double        *values; /* [resamples] */
} bootstrap;

static void resample(const ranking *r, tap_rng_key at, count *counts)
{
    tap__rng_stream numbers = { .key = at };
    for (int64_t i = 0; i < r->scores; i++) counts[i] = (count){ 0 };
    for (int kind = 0; kind < 2; kind++) {
        const int64_t n = r->all.n[kind];
        for (int64_t i = 0; i < n; i++) { /* u n is below n: u is 1 - 2^-53 at most, and the product is rounded down then */
            const int64_t k = (int64_t)(tap__next_uniform(&numbers) * (double)n);
            counts[r->place[kind][k]].n[kind]++;
        }
    }
}

static void run_tasks(void *context, int64_t first, int64_t last)
{
    const bootstrap *b = context;
    for (int64_t task = first; task < last; task++) {
        count *counts = b->room + task * b->r->scores;
        for (int64_t i = task; i < b->resamples; i += TASKS) {
            resample(b->r, (tap_rng_key){ b->seed, tap_random_hash("bootstrap"), (uint64_t)i }, counts);
            b->values[i] = b->of(b->r, counts);
        }
    }
}

static int lower_first(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the values next to it, linearly. */
static double quantile(const double *values, int64_t n, double p)
{
    const double  at = p * (double)(n - 1), below = floor(at);
    const int64_t i = (int64_t)below, next = i + 1 < n ? i + 1 : i;
    return values[i] + (at - below) * (values[next] - values[i]);
}

static tap_status find_interval(tap_interval *x, tap_arena *a, const ranking *r, metric of, tap_bootstrap_options o,
                                const char *call, tap_error *e)
{
    const char   *message;
    const int64_t n = o.resamples;
    if ((double)n > 1e9) return tap_error_set(e, TAP_EARG, "%s: %lld resamples are more than 10^9", call, (long long)n);
    bootstrap b = { r,
                    of,
                    n,
                    o.seed,
                    tap_arena_alloc(a, (size_t)(TASKS * r->scores) * sizeof *b.room),
                    tap_arena_alloc(a, (size_t)n * sizeof *b.values) };
    if (tap_arena_status(a, &message)) return tap_error_set(e, TAP_ENOMEM, "%s: %s", call, message);
    const double draws = (double)n * (double)(r->all.n[0] + r->all.n[1]);
    tap__parallel(TASKS, tap__cost_ns(10 * draws), run_tasks, &b);
    qsort(b.values, (size_t)n, sizeof *b.values, lower_first);
    x->low = quantile(b.values, n, (1 - o.level) / 2);
    x->high = quantile(b.values, n, (1 + o.level) / 2);
    return TAP_OK;
}

static tap_interval measure(const char *call, metric of, tap_tensor score, tap_tensor positive, tap_bootstrap_options o,
                            tap_error *e)
{
    const double nan = (double)NAN;
    tap_interval x = { nan, nan, nan };
    ranking      r;
    if (o.resamples == 0) o.resamples = 1000;
    if (o.level == 0) o.level = 0.95;
    if (!(o.level > 0 && o.level < 1)) {
        tap_error_set(e, TAP_EARG, "%s: level = %g is not between 0 and 1", call, o.level);
        return x;
    }
    tap_arena *a = tap__arena_new_internal();
    if (!rank(&r, a, call, score, positive, e) && (o.resamples < 0 || !find_interval(&x, a, &r, of, o, call, e)))
        x.value = of(&r, r.at);
    tap_arena_free(a);
    return x;
}

tap_interval tap_auroc(tap_tensor score, tap_tensor positive, tap_bootstrap_options o, tap_error *e)
{
    return measure("auroc", area, score, positive, o, e);
}

tap_interval tap_average_precision(tap_tensor score, tap_tensor positive, tap_bootstrap_options o, tap_error *e)
{
    return measure("average_precision", precision, score, positive, o, e);
}

/* ---- The curve ----------------------------------------------------------------------------------------------------- */

static bool has_room(tap_tensor x, int64_t n)
{
    return x.data && x.dtype == TAP_F64 && x.shape.rank == 1 && x.shape.n[0] > n;
}

int64_t tap_roc_curve(tap_tensor score, tap_tensor positive, tap_tensor false_rate, tap_tensor true_rate, tap_error *e)
{
    tap_arena *a = tap__arena_new_internal();
    ranking    r;
    count      sum = { 0 };
    int64_t    points = 0;
    if (!rank(&r, a, "roc_curve", score, positive, e)) {
        if (has_room(false_rate, score.shape.n[0]) && has_room(true_rate, score.shape.n[0])) points = r.scores + 1;
        else refuse("roc_curve", score, positive, e, "the rates need room for n + 1 numbers, float64");
    }
    for (int64_t i = 0; i < points; i++) {
        for (int kind = 0; kind < 2 && i > 0; kind++) sum.n[kind] += r.at[i - 1].n[kind];
        tap_tensor_set_item(false_rate, i, (double)sum.n[0] / (double)r.all.n[0]);
        tap_tensor_set_item(true_rate, i, (double)sum.n[1] / (double)r.all.n[1]);
    }
    tap_arena_free(a);
    return points;
}
