/* tests/nn/test_clustering.c: k-means on well separated clusters, and compared with all clusterings of a few points; the
 * adjusted Rand index compared with values computed by hand. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"
#include "tests/check.h"
#include "tensor/parallel.h"
#include "tensor/view.h"

static tap_tensor labels(int64_t n, const int64_t *l)
{
    return tap_tensor_wrap(TAP_I64, TAP_SHAPE(n), (void *)(uintptr_t)l);
}

static tap_tensor points(int64_t n, int64_t d, double *x)
{
    return tap_tensor_wrap(TAP_F64, TAP_SHAPE(n, d), x);
}

static void expect_index(int64_t n, const int64_t *a, const int64_t *b, double wanted)
{
    assert_true(fabs(tap_adjusted_rand_index(labels(n, a), labels(n, b), NULL) - wanted) < 1e-15);
    assert_true(fabs(tap_adjusted_rand_index(labels(n, b), labels(n, a), NULL) - wanted) < 1e-15);
}

/* With s pairs equal in both, p in a, q in b, of N pairs: (s - p q / N) / ((p + q) / 2 - p q / N). */
static void test_adjusted_rand_index(void **state)
{
    const int64_t a[] = { 0, 0, 1, 1 }, same[] = { 9, 9, -5, -5 }, b[] = { 0, 0, 1, 2 }, crossed[] = { 0, 1, 0, 1 },
                  one[] = { 4, 4, 4, 4 }, each[] = { 0, 1, 2, INT64_MAX };
    const int64_t c[] = { 1, 1, 1, 2, 2, 2 }, d[] = { 1, 1, 2, 2, 3, 3 };
    (void)state;
    expect_index(4, a, a, 1);
    expect_index(4, a, same, 1);
    expect_index(4, a, b, (1 - 2. / 6) / (1.5 - 2. / 6));     /* 4/7 */
    expect_index(4, a, crossed, (0 - 4. / 6) / (2 - 4. / 6)); /* -1/2 */
    expect_index(4, a, one, 0);
    expect_index(4, a, each, 0);
    expect_index(4, one, one, 1);
    expect_index(4, each, each, 1);
    expect_index(6, c, d, (2 - 18. / 15) / (4.5 - 18. / 15)); /* 0.2424.. */
    expect_index(0, a, a, 1);
    expect_index(1, a, b, 1);
}

static void test_separated_clusters(void **state)
{
    enum { N = 600, D = 3, K = 4 };
    static double x[N][D];
    int64_t       truth[N], found[N];
    (void)state;
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(N, D), x), (tap_rng_key){ .seed = 1 });
    for (int i = 0; i < N; i++) {
        truth[i] = i * 7 % K;
        x[i][truth[i] % D] += truth[i] < D ? 20 : -20;
    }
    for (uint64_t seed = 0; seed < 5; seed++) {
        const tap_kmeans_options o = { .clusters = K, .seed = seed };
        tap_error                e = { 0 };
        double                   sum = tap_kmeans(points(N, D, x[0]), o, labels(N, found), &e), around = 0;
        assert_int_equal(e.status, TAP_OK);
        expect_index(N, truth, found, 1);
        for (int64_t k = 0; k < K; k++) { /* the sum of squares around the groups' means */
            double total[D] = { 0 }, square = 0, count = 0;
            for (int i = 0; i < N; i++)
                for (int j = 0; j < D && truth[i] == k; j++) total[j] += x[i][j], square += x[i][j] * x[i][j], count += j == 0;
            for (int j = 0; j < D; j++) square -= total[j] * total[j] / count;
            around += square;
        }
        assert_true(fabs(sum - around) < 1e-8);
    }
}

static double sum_of(const double *x, const int *label)
{
    double sum = 0;
    for (int k = 0; k < 3; k++) {
        double total = 0, square = 0, count = 0;
        for (int i = 0; i < 8; i++)
            if (label[i] == k) total += x[i], square += x[i] * x[i], count++;
        if (count > 0) sum += square - total * total / count;
    }
    return sum;
}

/* Eight points on a line, in three clusters: the best of all 3^8 clusterings. */
static void test_global_minimum(void **state)
{
    double  x[8], min = HUGE_VAL;
    int64_t found[8];
    (void)state;
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(8), x), (tap_rng_key){ .seed = 8 });
    for (int way = 0; way < 6561; way++) {
        int label[8];
        for (int i = 0, rest = way; i < 8; i++, rest /= 3) label[i] = rest % 3;
        min = fmin(min, sum_of(x, label));
    }
    const double sum =
        tap_kmeans(points(8, 1, x), (tap_kmeans_options){ .clusters = 3, .restarts = 50 }, labels(8, found), NULL);
    assert_true(fabs(sum - min) < 1e-12);
}

/* The result is the best restart, not the last one, with its labels. */
static void test_best_restart_is_returned(void **state)
{
    double x[8];
    (void)state;
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(8), x), (tap_rng_key){ .seed = 9 });
    for (uint64_t seed = 0; seed < 50; seed++) {
        int64_t      found[8];
        int          label[8];
        const double first = tap_kmeans(points(8, 1, x), (tap_kmeans_options){ .clusters = 3, .restarts = 1, .seed = seed },
                                        labels(8, found), NULL);
        const double best = tap_kmeans(points(8, 1, x), (tap_kmeans_options){ .clusters = 3, .restarts = 4, .seed = seed },
                                       labels(8, found), NULL);
        for (int i = 0; i < 8; i++) label[i] = (int)found[i];
        assert_true(best <= first && fabs(best - sum_of(x, label)) < 1e-12);
    }
}

typedef struct {
    double  sum, chance; /* what a run ends with, and how likely */
    int64_t seen;
} outcome;

enum { PLACES = 8, CENTRES = 3, RUNS = 4000 };

/* Points for which, from 1 % of all starts, the second iteration leaves a centre without points. */
static const double sites[PLACES][2] = { { .25, .25 }, { .5, .5 }, { 2.25, .5 }, { .75, 2 },
                                         { 0, 0 },     { 2, 0 },   { 1.5, 2 },   { 1.25, 2.25 } };

typedef struct {
    double x[PLACES][2];
    int    n, k, rounds; /* points, centres */
} task;

static double square_between(const double *a, const double *b)
{
    return (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]);
}

static double nearest_of(int k, const double *x, double (*centre)[2], int *which)
{
    double min = HUGE_VAL;
    for (int c = 0; c < k; c++) {
        const double far = square_between(x, centre[c]);
        if (far < min) {
            min = far;
            *which = c;
        }
    }
    return min;
}

/* A plain version of Lloyd's algorithm, starting from some of the points. */
static double lloyd(const task *t, const int *start)
{
    double centre[CENTRES][2], sum = HUGE_VAL, before;
    int    label[PLACES], farthest = 0;
    for (int c = 0; c < t->k; c++) memcpy(centre[c], t->x[start[c]], sizeof centre[c]);
    for (int round = 0;; round++) {
        double max = 0;
        before = sum, sum = 0;
        for (int i = 0; i < t->n; i++) {
            const double far = nearest_of(t->k, t->x[i], centre, &label[i]);
            sum += far;
            if (far > max) {
                max = far;
                farthest = i;
            }
        }
        if (round == t->rounds || !(sum < before)) return sum;
        for (int c = 0; c < t->k; c++) {
            double total[2] = { 0 }, count = 0;
            for (int i = 0; i < t->n; i++)
                if (label[i] == c) total[0] += t->x[i][0], total[1] += t->x[i][1], count++;
            if (count == 0) memcpy(total, t->x[farthest], sizeof total), count = 1;
            centre[c][0] = total[0] / count, centre[c][1] = total[1] / count;
        }
    }
}

static double weight_of(const task *t, int i, const int *start, int some)
{
    double min = some == 0 ? 1 : HUGE_VAL;
    for (int c = 0; c < some; c++) min = fmin(min, square_between(t->x[i], t->x[start[c]]));
    return min;
}

/* The probability of a start by k-means++. */
static double chance_of(const task *t, const int *start)
{
    double chance = 1;
    for (int c = 0; c < t->k; c++) {
        double all = 0;
        for (int i = 0; i < t->n; i++) all += weight_of(t, i, start, c);
        chance *= weight_of(t, start[c], start, c) / all;
    }
    return chance;
}

static outcome *outcome_of(outcome *some, int64_t *n, double sum)
{
    int64_t k = 0;
    while (k < *n && !(fabs(some[k].sum - sum) < 1e-9)) k++;
    if (k == *n) some[(*n)++] = (outcome){ .sum = sum };
    return &some[k];
}

/* The distribution of results, by the plain version from each start, compared with 4,000 runs (within 5 standard
 * deviations). */
static void expect_chances(const task *t)
{
    outcome some[PLACES * PLACES * PLACES + 1];
    int64_t n = 0, label[PLACES];
    int     ways = 1;
    for (int c = 0; c < t->k; c++) ways *= t->n;
    for (int way = 0; way < ways; way++) {
        const int start[] = { way % t->n, way / t->n % t->n, way / t->n / t->n };
        if (chance_of(t, start) > 0) outcome_of(some, &n, lloyd(t, start))->chance += chance_of(t, start);
    }
    assert_true(n > 1);
    const int64_t    known = n;
    const tap_tensor x = points(t->n, 2, (double *)(uintptr_t)t->x);
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        const tap_kmeans_options o = { .clusters = t->k, .restarts = 1, .max_iterations = t->rounds, .seed = seed };
        outcome_of(some, &n, tap_kmeans(x, o, labels(t->n, label), NULL))->seen++;
        assert_int_equal(n, known);
    }
    for (int64_t k = 0; k < n; k++) {
        const double wanted = RUNS * some[k].chance;
        assert_true(fabs((double)some[k].seen - wanted) < 5 * sqrt(wanted * (1 - some[k].chance)));
    }
}

static void test_distribution_of_results(void **state)
{
    static const int rounds[] = { 1, 2, 300 };
    (void)state;
    for (int first = 0; first < PLACES; first++) { /* each point in each place */
        task many = { .n = PLACES, .k = CENTRES }, few = { .n = 3, .k = 2, .rounds = 1 };
        for (int i = 0; i < PLACES; i++) memcpy(many.x[i], sites[(first + i) % PLACES], sizeof many.x[i]);
        memcpy(few.x, many.x, sizeof few.x);
        expect_chances(&few);
        for (int k = 0; k < 3; k++) {
            many.rounds = rounds[k];
            expect_chances(&many);
        }
    }
}

/* As many clusters as points; equal points; a single point; float32 with negative strides. */
static void test_degenerate_inputs(void **state)
{
    double  x[6] = { 5, 1, 4, 1, 3, 9 }, same[4] = { 2, 2, 2, 2 };
    float   turned[6] = { 0, 1, 10, 0, 1, 10 };
    int64_t found[6] = { 0 };
    int     axes[TAP_MAX_RANK];
    (void)state;
    assert_true(tap_kmeans(points(3, 2, x), (tap_kmeans_options){ .clusters = 3 }, labels(3, found), NULL) == 0);
    assert_true(found[0] != found[1] && found[1] != found[2] && found[0] != found[2]);
    assert_true(tap_kmeans(points(4, 1, same), (tap_kmeans_options){ .clusters = 3 }, labels(4, found), NULL) == 0);
    for (int i = 0; i < 4; i++) assert_int_equal(found[i], 0); /* the first of equal centres */
    assert_true(fabs(tap_kmeans(points(6, 1, x), (tap_kmeans_options){ .clusters = 1 }, labels(6, found), NULL) -
                     (133 - 23. * 23 / 6)) < 1e-12);
    assert_true(tap_kmeans(points(4, 0, same), (tap_kmeans_options){ .clusters = 2 }, labels(4, found), NULL) == 0);
    tap_tensor t = tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), turned);
    tap__transpose(t, 0, 1, axes, &t, NULL);
    assert_true(fabs(tap_kmeans(t, (tap_kmeans_options){ .clusters = 2 }, labels(3, found), NULL) - 1) < 1e-12);
    assert_true(found[0] == found[1] && found[1] != found[2]);
}

/* The same result for any number of threads with the same seed; one restart of one iteration stops early. */
static void test_threads_change_no_bits(void **state)
{
    enum { N = 500, D = 4 };
    static double x[N][D];
    int64_t       one[N], three[N];
    (void)state;
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(N, D), x), (tap_rng_key){ .seed = 2 });
    const tap_kmeans_options o = { .clusters = 7, .seed = 3 };
    tap__parallel_threshold_for_tests(0);
    tap_set_threads(1);
    const double a = tap_kmeans(points(N, D, x[0]), o, labels(N, one), NULL);
    tap_set_threads(3);
    const double b = tap_kmeans(points(N, D, x[0]), o, labels(N, three), NULL);
    assert_true(a == b);
    assert_memory_equal(one, three, sizeof one);
    tap_set_threads(0);
    tap__parallel_threshold_for_tests(25000);
    const double hasty = tap_kmeans(
        points(N, D, x[0]), (tap_kmeans_options){ .clusters = 7, .restarts = 1, .max_iterations = 1 }, labels(N, one), NULL);
    assert_true(hasty > a && hasty < 2 * a);
}

static void expect_error(tap_tensor x, tap_kmeans_options o, tap_tensor l, const char *wanted)
{
    tap_error e = { 0 };
    assert_true(isnan(tap_kmeans(x, o, l, &e)));
    assert_string_equal(e.message, wanted);
}

static void test_errors(void **state)
{
    double                   x[4] = { 1, 2, 3, 4 }, bad[2] = { 1, (double)NAN };
    int64_t                  l[4];
    tap_error                e = { 0 };
    const tap_tensor         two = points(2, 2, x);
    const tap_kmeans_options o = { .clusters = 2 };
    (void)state;
    expect_error((tap_tensor){ 0 }, o, labels(2, l), "kmeans: x must be [n,d], not []");
    expect_error(tap_tensor_wrap(TAP_F64, TAP_SHAPE(4), x), o, labels(4, l), "kmeans: x must be [n,d], not [4]");
    expect_error(two, o, labels(3, l), "kmeans: labels must be int64 [2], contiguous");
    expect_error(two, o, (tap_tensor){ 0 }, "kmeans: labels must be int64 [2], contiguous");
    expect_error(two, o, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), x), "kmeans: labels must be int64 [2], contiguous");
    expect_error(two, (tap_kmeans_options){ .clusters = 3 }, labels(2, l),
                 "kmeans: clusters must be within 1..2, the number of points, not 3");
    expect_error(two, (tap_kmeans_options){ 0 }, labels(2, l),
                 "kmeans: clusters must be within 1..2, the number of points, not 0");
    expect_error(two, (tap_kmeans_options){ .clusters = 1, .restarts = -1 }, labels(2, l),
                 "kmeans: restarts and max_iterations must be at least 1, not -1 and 300");
    expect_error(two, (tap_kmeans_options){ .clusters = 1, .max_iterations = -2 }, labels(2, l),
                 "kmeans: restarts and max_iterations must be at least 1, not 10 and -2");
    expect_error(points(2, 1, bad), o, labels(2, l), "kmeans: x must be finite");
    assert_true(isnan(tap_adjusted_rand_index(labels(2, l), labels(3, l), &e)));
    assert_string_equal(e.message, "adjusted_rand_index: both labels must be int64 [n], contiguous");
    assert_true(isnan(tap_adjusted_rand_index((tap_tensor){ 0 }, labels(3, l), NULL)));
    assert_true(isnan(tap_adjusted_rand_index(two, two, NULL)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adjusted_rand_index),      cmocka_unit_test(test_separated_clusters),
        cmocka_unit_test(test_global_minimum),           cmocka_unit_test(test_distribution_of_results),
        cmocka_unit_test(test_best_restart_is_returned), cmocka_unit_test(test_degenerate_inputs),
        cmocka_unit_test(test_threads_change_no_bits),   cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
