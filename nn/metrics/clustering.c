/* nn/metrics/clustering.c: k-means clustering, and the adjusted Rand index of two clusterings. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/internal.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/kernels/reduce.h"
#include "tensor/parallel.h"

/* ---- k-means ----------------------------------------------------------------------------------------------------- */

typedef struct {
    const double *x; /* [n,d] */
    int64_t       n, d, k;
    double       *centre;   /* [k,d] */
    double       *distance; /* [n]: the squared distance of each point to its nearest centre */
    int64_t      *label;    /* [n]: the index of that centre */
} clustering;

static double squared_distance(int64_t d, const double *x, const double *y)
{
    double sum = 0;
    for (int64_t i = 0; i < d; i++) sum += (x[i] - y[i]) * (x[i] - y[i]);
    return sum;
}

static void assign_range(void *context, int64_t first, int64_t last)
{
    const clustering *g = context;
    for (int64_t i = first; i < last; i++) {
        g->distance[i] = HUGE_VAL;
        for (int64_t c = 0; c < g->k; c++) {
            const double far = squared_distance(g->d, g->x + i * g->d, g->centre + c * g->d);
            if (far < g->distance[i]) {
                g->distance[i] = far;
                g->label[i] = c;
            }
        }
    }
}

/* Assigns each point to its nearest centre, the first of equally near ones; returns the sum of squared distances. */
static double assign_points(clustering *g)
{
    double sum = 0;
    tap__parallel(g->n, tap__cost_ns((double)g->n * (double)g->k * (double)g->d), assign_range, g);
    for (int64_t i = 0; i < g->n; i++) sum += g->distance[i];
    return sum;
}

/* Moves each centre to the mean of its points; a centre without points moves to the point that is farthest from its centre. */
static void update_centres(const clustering *g, int64_t *count)
{
    memset(g->centre, 0, (size_t)(g->k * g->d) * sizeof *g->centre);
    memset(count, 0, (size_t)g->k * sizeof *count);
    for (int64_t i = 0; i < g->n; i++) {
        double *c = g->centre + g->label[i] * g->d;
        count[g->label[i]]++;
        for (int64_t j = 0; j < g->d; j++) c[j] += g->x[i * g->d + j];
    }
    for (int64_t c = 0; c < g->k; c++) {
        double *at = g->centre + c * g->d;
        for (int64_t j = 0; j < g->d && count[c] > 0; j++) at[j] /= (double)count[c];
        if (count[c] > 0) continue;
        int64_t far = 0;
        for (int64_t i = 1; i < g->n; i++)
            if (g->distance[i] > g->distance[far]) far = i;
        memcpy(at, g->x + far * g->d, (size_t)g->d * sizeof *at);
    }
}

/* Inverse of the cumulative distribution: the first i at which the sum of weights exceeds `part` of their total, or the last i
 * of weight above 0 if none does because of rounding. */
static int64_t pick(int64_t n, const double *weight, double part)
{
    double  total = 0, sum = 0;
    int64_t last = 0;
    for (int64_t i = 0; i < n; i++) total += weight[i];
    for (int64_t i = 0; i < n; i++) {
        if (!(weight[i] > 0)) continue;
        last = i;
        sum += weight[i];
        if (sum > part * total) break;
    }
    return last;
}

/* k-means++ (Arthur & Vassilvitskii 2007): each centre is a point, drawn with probability proportional to its squared distance
 * from the centres before. */
static void init_centres(const clustering *g, const double *chance)
{
    for (int64_t i = 0; i < g->n; i++) g->distance[i] = 1;
    for (int64_t c = 0; c < g->k; c++) {
        const int64_t at = pick(g->n, g->distance, chance[c]);
        memcpy(g->centre + c * g->d, g->x + at * g->d, (size_t)g->d * sizeof *g->centre);
        for (int64_t i = 0; i < g->n; i++) {
            const double far = squared_distance(g->d, g->x + i * g->d, g->centre + c * g->d);
            if (c == 0 || far < g->distance[i]) g->distance[i] = far;
        }
    }
}

/* The iterations of Lloyd 1982, until the sum of squared distances does not decrease. */
static double iterate(clustering *g, int64_t *count, int64_t max_iterations)
{
    double sum = assign_points(g), previous;
    do {
        previous = sum;
        update_centres(g, count);
        sum = assign_points(g);
    } while (--max_iterations > 0 && sum < previous);
    return sum;
}

static double best_of_restarts(clustering *g, tap_arena *memory, const tap_kmeans_options *o, int64_t *best)
{
    double     min = HUGE_VAL;
    int64_t   *count = tap_arena_alloc(memory, (size_t)g->k * sizeof *count);
    tap_tensor chance = tap_tensor_zeros(memory, TAP_F64, TAP_SHAPE(g->k));
    g->centre = tap_arena_alloc(memory, (size_t)(g->k * g->d) * sizeof *g->centre);
    g->distance = tap_arena_alloc(memory, (size_t)g->n * sizeof *g->distance);
    g->label = tap_arena_alloc(memory, (size_t)g->n * sizeof *g->label);
    if (tap_arena_status(memory, NULL) != TAP_OK) return (double)NAN;
    for (int64_t i = 0; i < o->restarts; i++) {
        tap_random_uniform(chance, (tap_rng_key){ o->seed, tap_random_hash("kmeans"), (uint64_t)i });
        init_centres(g, chance.data);
        const double sum = iterate(g, count, o->max_iterations);
        if (sum < min) {
            min = sum;
            memcpy(best, g->label, (size_t)g->n * sizeof *best);
        }
    }
    return min;
}

static tap_status check(tap_tensor x, tap_kmeans_options *o, tap_tensor label, tap_error *e)
{
    char text[TAP_SHAPE_TEXT];
    if (o->restarts == 0) o->restarts = 10;
    if (o->max_iterations == 0) o->max_iterations = 300;
    if (!x.data || x.shape.rank != 2 || tap_numel(x.shape) < 0)
        return tap_error_set(e, TAP_ESHAPE, "kmeans: x must be [n,d], not %s", tap_shape_format(text, x.shape));
    const int64_t n = x.shape.n[0];
    if (label.dtype != TAP_I64 || !label.data || label.shape.rank != 1 || label.shape.n[0] != n ||
        !tap_tensor_is_contiguous(label))
        return tap_error_set(e, TAP_ESHAPE, "kmeans: labels must be int64 [%lld], contiguous", (long long)n);
    if (o->clusters < 1 || o->clusters > n)
        return tap_error_set(e, TAP_EARG, "kmeans: clusters must be within 1..%lld, the number of points, not %lld",
                             (long long)n, (long long)o->clusters);
    if (o->restarts < 0 || o->max_iterations < 0)
        return tap_error_set(e, TAP_EARG, "kmeans: restarts and max_iterations must be at least 1, not %lld and %lld",
                             (long long)o->restarts, (long long)o->max_iterations);
    return TAP_OK;
}

double tap_kmeans(tap_tensor x, tap_kmeans_options o, tap_tensor label, tap_error *e)
{
    double sum = (double)NAN;
    if (check(x, &o, label, e) != TAP_OK) return sum;
    tap_arena *memory = tap__arena_new_internal();
    tap__arena_name(memory, "kmeans");
    tap_tensor points = tap_tensor_cast(memory, tap_tensor_contiguous(memory, x), TAP_F64);
    if (points.data && !tap__all_finite(tap_numel(x.shape), TAP_F64, points.data))
        tap_error_set(tap_arena_error(memory), TAP_EARG, "kmeans: x must be finite");
    clustering g = { .x = points.data, .n = x.shape.n[0], .d = x.shape.n[1], .k = o.clusters };
    if (tap_arena_status(memory, NULL) == TAP_OK) sum = best_of_restarts(&g, memory, &o, label.data);
    tap__error_copy(e, tap_arena_error(memory));
    tap_arena_free(memory);
    return sum;
}

/* ---- The adjusted Rand index ---- */

typedef struct {
    int64_t a, b;
} pair;

static int compare_pairs(const void *left, const void *right)
{
    const pair *p = left, *q = right;
    if (p->a != q->a) return p->a < q->a ? -1 : 1;
    return (p->b > q->b) - (p->b < q->b);
}

/* The number of pairs of equal elements of a sorted array. */
static double count_equal_neighbours(int64_t n, const pair *p)
{
    double sum = 0;
    for (int64_t i = 0, first = 0; i < n; i++) {
        if (compare_pairs(&p[first], &p[i]) != 0) first = i;
        sum += (double)(i - first);
    }
    return sum;
}

/* The number of pairs of points with the same label in a and in b; NULL: any label. */
static double count_equal_pairs(int64_t n, const int64_t *a, const int64_t *b, pair *p)
{
    for (int64_t i = 0; i < n; i++) p[i] = (pair){ a ? a[i] : 0, b ? b[i] : 0 };
    qsort(p, (size_t)n, sizeof *p, compare_pairs);
    return count_equal_neighbours(n, p);
}

static bool is_labels(tap_tensor x)
{
    return x.data && x.dtype == TAP_I64 && x.shape.rank == 1 && x.shape.n[0] >= 0 && tap_tensor_is_contiguous(x);
}

double tap_adjusted_rand_index(tap_tensor a, tap_tensor b, tap_error *e)
{
    if (!is_labels(a) || !is_labels(b) || a.shape.n[0] != b.shape.n[0]) {
        tap_error_set(e, TAP_ESHAPE, "adjusted_rand_index: both labels must be int64 [n], contiguous");
        return (double)NAN;
    }
    const int64_t n = a.shape.n[0];
    tap_arena    *memory = tap__arena_new_internal();
    tap__arena_name(memory, "adjusted_rand_index");
    pair *p = tap_arena_alloc(memory, (size_t)(n + 1) * sizeof *p);
    tap__error_copy(e, tap_arena_error(memory));
    double index = (double)NAN;
    if (p) {
        const double both = count_equal_pairs(n, a.data, b.data, p), in_a = count_equal_pairs(n, a.data, NULL, p),
                     in_b = count_equal_pairs(n, NULL, b.data, p);
        const double chance = n > 1 ? in_a * in_b / (0.5 * (double)n * (double)(n - 1)) : 0, max = (in_a + in_b) / 2;
        index = max == chance ? 1 : (both - chance) / (max - chance);
    }
    tap_arena_free(memory);
    return index;
}
