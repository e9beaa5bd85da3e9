/* tests/nn/test_classification.c: AUROC, average precision and the ROC curve, compared with their definitions by pairs and
 * thresholds; and bootstrap intervals. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"
#include "tests/check.h"
#include "tensor/parallel.h"

enum { MAX_N = 400 };

static const tap_bootstrap_options value_alone = { .resamples = TAP_NONE };

static tap_tensor numbers(int n, const double *x)
{
    return tap_tensor_wrap(TAP_F64, TAP_SHAPE(n), (void *)x);
}

static tap_tensor bytes(int n, const uint8_t *x)
{
    return tap_tensor_wrap(TAP_U8, TAP_SHAPE(n), (void *)x);
}

static double area_by_pairs(int n, const double *s, const uint8_t *y)
{
    double won = 0, pairs = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            if (!y[i] || y[j]) continue;
            won += s[i] > s[j] ? 1 : s[i] == s[j] ? 0.5 : 0;
            pairs++;
        }
    return won / pairs;
}

/* The number of positives, or of all, with at least this score. */
static double at_least(int n, const double *s, const uint8_t *y, double score, bool positives)
{
    double count = 0;
    for (int i = 0; i < n; i++) count += s[i] >= score && (y[i] || !positives);
    return count;
}

/* The mean over positives of the precision at their score. */
static double precision_by_thresholds(int n, const double *s, const uint8_t *y)
{
    double sum = 0, positives = 0;
    for (int i = 0; i < n; i++) {
        if (!y[i]) continue;
        sum += at_least(n, s, y, s[i], true) / at_least(n, s, y, s[i], false);
        positives++;
    }
    return sum / positives;
}

/* Computed by hand: the negative at 0.35 is above one of the two positives. */
static void test_known_values(void **state)
{
    const double s[] = { 0.1, 0.4, 0.35, 0.8 }, same[] = { 2, 2, 2, 2 },
                 endless[] = { -(double)INFINITY, 0, (double)INFINITY, (double)INFINITY };
    const uint8_t y[] = { 0, 0, 1, 1 };
    (void)state;
    assert_near(tap_auroc(numbers(4, s), bytes(4, y), value_alone, NULL).value, 0.75, 1e-15);
    assert_near(tap_average_precision(numbers(4, s), bytes(4, y), value_alone, NULL).value, 0.5 * 1 + 0.5 * 2 / 3, 1e-15);
    assert_near(tap_auroc(numbers(4, same), bytes(4, y), value_alone, NULL).value, 0.5, 0);
    assert_near(tap_average_precision(numbers(4, same), bytes(4, y), value_alone, NULL).value, 0.5, 0);
    assert_near(tap_auroc(numbers(4, endless), bytes(4, y), value_alone, NULL).value, 1, 0);
    assert_near(tap_average_precision(numbers(4, endless), bytes(4, y), value_alone, NULL).value, 1, 0);
}

/* Scores with many ties or none, as any dtype, forwards and as a view backwards. */
static void test_definitions(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        double       s[MAX_N], u[MAX_N];
        float        f[MAX_N];
        uint8_t      y[MAX_N];
        int64_t      whole[MAX_N];
        const int    n = 2 + round * 9;
        const double levels = round % 2 ? 5 : 1e9;
        tap_arena   *a = tap_arena_new();
        tap_error    e = { 0 };
        tap_random_uniform(numbers(n, s), (tap_rng_key){ .seed = (uint64_t)round });
        tap_random_uniform(numbers(n, u), (tap_rng_key){ .seed = (uint64_t)round, .stream = 1 });
        for (int i = 0; i < n; i++) {
            y[i] = i == 0 || (i > 1 && u[i] < 0.4);
            s[i] = floor(levels * s[i] + y[i]);
            f[i] = (float)s[i];
            whole[i] = y[i];
        }
        const double area = tap_auroc(numbers(n, s), bytes(n, y), value_alone, &e).value,
                     precision = tap_average_precision(numbers(n, s), bytes(n, y), value_alone, &e).value;
        assert_near(area, area_by_pairs(n, s, y), 1e-14);
        assert_near(precision, precision_by_thresholds(n, s, y), 1e-14);
        const tap_tensor back = tap_tensor_slice(a, numbers(n, s), 0, -1, TAP_END, -1),
                         labels_back = tap_tensor_slice(a, tap_tensor_wrap(TAP_I64, TAP_SHAPE(n), whole), 0, -1, TAP_END, -1);
        assert_near(tap_auroc(back, labels_back, value_alone, &e).value, area, 1e-14);
        assert_near(tap_average_precision(back, labels_back, value_alone, &e).value, precision, 1e-14);
        if (levels < 10)
            assert_true(tap_auroc(tap_tensor_wrap(TAP_F32, TAP_SHAPE(n), f), bytes(n, y), value_alone, &e).value == area);
        assert_int_equal(e.status, TAP_OK);
        tap_arena_free(a);
    }
}

static void test_roc_curve(void **state)
{
    const double  s[] = { 3, 1, 2, 2, 5, 1, 2 };
    const uint8_t y[] = { 0, 0, 1, 0, 1, 1, 0 };
    double        x[8] = { 0 }, z[8] = { 0 }, area = 0;
    (void)state;
    assert_int_equal(tap_roc_curve(numbers(7, s), bytes(7, y), numbers(8, x), numbers(8, z), NULL), 5);
    const double want_x[] = { 0, 0, 0.25, 0.75, 1 }, want_z[] = { 0, 1. / 3, 1. / 3, 2. / 3, 1 };
    for (int i = 0; i < 5; i++) {
        assert_near(x[i], want_x[i], 1e-15);
        assert_near(z[i], want_z[i], 1e-15);
        if (i > 0) area += (x[i] - x[i - 1]) * (z[i] + z[i - 1]) / 2;
    }
    assert_near(area, tap_auroc(numbers(7, s), bytes(7, y), value_alone, NULL).value, 1e-15);
}

/* ---- Intervals ---------------------------------------------------------------------------------------------------- */

/* Normal scores, those of positives 1 higher: AUROC is P(N(1, 2) > 0). */
static void make_normal(int n, double *s, uint8_t *y, uint64_t seed)
{
    tap_random_normal(numbers(n, s), (tap_rng_key){ .seed = seed });
    for (int i = 0; i < n; i++) {
        y[i] = i % 4 == 0;
        s[i] += y[i];
    }
}

/* The width of the interval matches the standard deviation of the value, and it covers the true value as often as its level
 * says. */
static void test_coverage(void **state)
{
    enum { ROUNDS = 200 };
    const double truth = 0.5 * erfc(-0.5);
    double       s[MAX_N], width = 0, sum = 0, squares = 0;
    uint8_t      y[MAX_N];
    int          held = 0;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        make_normal(MAX_N, s, y, (uint64_t)i);
        const tap_interval x = tap_auroc(numbers(MAX_N, s), bytes(MAX_N, y), (tap_bootstrap_options){ .resamples = 300 }, NULL);
        assert_true(x.low < x.value && x.value < x.high);
        held += x.low <= truth && truth <= x.high;
        width += (x.high - x.low) / ROUNDS;
        sum += x.value;
        squares += x.value * x.value;
    }
    const double scatter = sqrt(squares / ROUNDS - sum * sum / ROUNDS / ROUNDS);
    assert_near(sum / ROUNDS, truth, 0.006);
    assert_near(width / scatter, 2 * 1.96, 0.4);
    assert_true(held >= 180 && held <= 198);
}

static bool same(tap_interval a, tap_interval b)
{
    return a.value == b.value && a.low == b.low && a.high == b.high;
}

static void test_options(void **state)
{
    double  s[MAX_N];
    uint8_t y[MAX_N];
    (void)state;
    make_normal(MAX_N, s, y, 1);
    const tap_tensor   score = numbers(MAX_N, s), label = bytes(MAX_N, y);
    const tap_interval plain = tap_average_precision(score, label, (tap_bootstrap_options){ 0 }, NULL),
                       said = tap_average_precision(score, label, (tap_bootstrap_options){ .resamples = 1000, .level = 0.95 },
                                                    NULL),
                       half = tap_average_precision(score, label, (tap_bootstrap_options){ .level = 0.5 }, NULL),
                       seeded = tap_average_precision(score, label, (tap_bootstrap_options){ .seed = 1 }, NULL),
                       once = tap_average_precision(score, label, (tap_bootstrap_options){ .resamples = 1 }, NULL),
                       none = tap_average_precision(score, label, value_alone, NULL);
    assert_true(same(plain, said) && !same(plain, seeded) && plain.value == seeded.value);
    assert_true(plain.low < half.low && half.low < plain.value && plain.value < half.high && half.high < plain.high);
    assert_near((half.high - half.low) / (plain.high - plain.low), 0.6745 / 1.96, 0.06);
    assert_true(once.low == once.high && once.low > 0 && once.low < 1);
    assert_true(isnan(none.low) && isnan(none.high) && none.value == plain.value);
    const double       perfect[] = { 1, 2, 3, 4 };
    const tap_interval sure =
        tap_auroc(numbers(4, perfect), bytes(4, (const uint8_t[]){ 0, 0, 1, 1 }), (tap_bootstrap_options){ 0 }, NULL);
    assert_true(sure.low == 1 && sure.value == 1 && sure.high == 1);
}

/* Quantiles of three resamples are interpolated linearly. */
static void test_quantiles(void **state)
{
    double  s[MAX_N];
    uint8_t y[MAX_N];
    (void)state;
    make_normal(MAX_N, s, y, 3);
    tap_interval x[4];
    const double level[] = { 1e-300, 1 - 1e-15, 0.25, 0.75 };
    for (int i = 0; i < 4; i++)
        x[i] =
            tap_auroc(numbers(MAX_N, s), bytes(MAX_N, y), (tap_bootstrap_options){ .resamples = 3, .level = level[i] }, NULL);
    const tap_bootstrap_options two = { .resamples = 2, .level = 1 - 1e-15 };
    const tap_interval first = tap_auroc(numbers(MAX_N, s), bytes(MAX_N, y), (tap_bootstrap_options){ .resamples = 1 }, NULL),
                       both = tap_auroc(numbers(MAX_N, s), bytes(MAX_N, y), two, NULL);
    assert_true(fmin(fabs(first.low - both.low), fabs(first.low - both.high)) < 1e-14);
    const double min = x[1].low, middle = x[0].low, max = x[1].high;
    assert_true(min < middle && middle < max && x[0].high == middle);
    assert_near(x[2].low, min + 0.75 * (middle - min), 1e-14);
    assert_near(x[2].high, middle + 0.25 * (max - middle), 1e-14);
    assert_near(x[3].low, min + 0.25 * (middle - min), 1e-14);
    assert_near(x[3].high, middle + 0.75 * (max - middle), 1e-14);
}

static void test_threads_change_no_bits(void **state)
{
    double  s[MAX_N];
    uint8_t y[MAX_N];
    (void)state;
    make_normal(MAX_N, s, y, 2);
    tap__parallel_threshold_for_tests(0);
    tap_set_threads(1);
    const tap_interval one = tap_auroc(numbers(MAX_N, s), bytes(MAX_N, y), (tap_bootstrap_options){ 0 }, NULL);
    tap_set_threads(3);
    const tap_interval three = tap_auroc(numbers(MAX_N, s), bytes(MAX_N, y), (tap_bootstrap_options){ 0 }, NULL);
    tap_set_threads(0);
    assert_true(same(one, three));
}

/* ---- Errors ------------------------------------------------------------------------------------------------------- */

static void expect(tap_tensor score, tap_tensor positive, tap_bootstrap_options o, const char *expected)
{
    tap_error          e = { 0 };
    const tap_interval x = tap_auroc(score, positive, o, &e);
    assert_true(isnan(x.value) && isnan(x.low) && isnan(x.high));
    assert_int_equal(e.status, TAP_EARG);
    assert_string_equal(e.message, expected);
    assert_true(isnan(tap_average_precision(score, positive, o, NULL).value));
}

static void test_errors(void **state)
{
    const double                s[] = { 1, 2, 3 }, holes[] = { 1, (double)NAN, 3 };
    const tap_bootstrap_options o = { 0 };
    const uint8_t               y[] = { 0, 1, 1 }, two[] = { 0, 1, 2 }, none[] = { 0, 0, 0 }, all[] = { 1, 1, 1 };
    double                      x[4], z[4];
    tap_error                   e = { 0 };
    (void)state;
    expect(numbers(3, s), bytes(2, y), o, "auroc: scores [3], positive [2]: both need the same shape [n], n at least 1");
    expect(numbers(0, s), bytes(0, y), o, "auroc: scores [0], positive [0]: both need the same shape [n], n at least 1");
    expect(numbers(1, s), bytes(1, y), o, "auroc: scores [1], positive [1]: there must be positives");
    expect((tap_tensor){ 0 }, bytes(3, y), o, "auroc: scores [], positive [3]: both need the same shape [n], n at least 1");
    expect(tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 1), (void *)s), bytes(3, y), o,
           "auroc: scores [3,1], positive [3]: both need the same shape [n], n at least 1");
    expect(numbers(3, holes), bytes(3, y), o, "auroc: scores [3], positive [3]: scores must not be NaN");
    expect(numbers(3, s), bytes(3, two), o, "auroc: scores [3], positive [3]: positive must be 0 or 1");
    expect(numbers(3, s), bytes(3, none), o, "auroc: scores [3], positive [3]: there must be positives");
    expect(numbers(3, s), bytes(3, all), o, "auroc: scores [3], positive [3]: there must be negatives");
    expect(numbers(3, s), bytes(3, y), (tap_bootstrap_options){ .level = 1 }, "auroc: level must be between 0 and 1, not 1");
    expect(numbers(3, s), bytes(3, y), (tap_bootstrap_options){ .level = (double)NAN },
           "auroc: level must be between 0 and 1, not nan");
    expect(numbers(3, s), bytes(3, y), (tap_bootstrap_options){ .resamples = INT64_MAX },
           "auroc: resamples must be at most 10^9, not 9223372036854775807");
    assert_int_equal(tap_roc_curve(numbers(3, s), bytes(3, y), numbers(3, x), numbers(4, z), &e), 0);
    assert_string_equal(e.message, "roc_curve: scores [3], positive [3]: the rates must be float64 [n + 1] or longer");
    assert_int_equal(tap_roc_curve(numbers(3, s), bytes(3, y), numbers(4, x), numbers(3, z), NULL), 0);
    assert_int_equal(tap_roc_curve(numbers(3, s), bytes(3, none), numbers(4, x), numbers(4, z), NULL), 0);
    assert_int_equal(tap_roc_curve(numbers(3, s), bytes(3, y), numbers(4, x), bytes(4, y), NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_definitions),
        cmocka_unit_test(test_roc_curve),
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_threads_change_no_bits),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
