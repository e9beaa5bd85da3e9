/* tests/examples/test_simulate.c: simulated gene counts: their moments, the same bits for any number of threads, and options out of
 * range. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "examples/vae_cells/simulate.h"
#include "tests/check.h"
#include "tensor/parallel.h"

static void test_simulation_has_the_moments_asked_for(void **state)
{
    enum { N = 4000, G = 50, K = 4, B = 2 };
    static double                 in_group_and_gene[K][G], per_cell[K], of_gene[G];
    static const count_simulation o = { .cells = N, .genes = G, .groups = K, .batches = B, .library = 300, .seed = 4 };
    tap_arena                    *a = tap_arena_new();
    const simulated_counts        s = simulate_counts(a, o);
    double                        in_group[K] = { 0 }, in_batch[B] = { 0 }, log_l = 0, log_l2 = 0, excess = 0, differ = 0;
    (void)state;
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    assert_true(s.counts.rows == N && s.counts.columns == G);
    for (int64_t i = 0; i < N; i++) {
        const int    k = (int)tap_tensor_item(s.group, i), b = (int)tap_tensor_item(s.batch, i);
        const double l = exp(tap_tensor_item(s.log_library, i));
        double       sum = 0;
        assert_true(k >= 0 && k < K && b >= 0 && b < B);
        in_group[k]++, in_batch[b]++;
        log_l += log(l) / N, log_l2 += log(l) * log(l) / N;
        for (int64_t j = s.counts.start[i]; j < s.counts.start[i + 1]; j++) {
            const double x = (double)s.counts.value[j];
            assert_true(x > 0 && x == floor(x));
            in_group_and_gene[k][s.counts.column[j]] += x;
            of_gene[s.counts.column[j]] += x;
            sum += x;
        }
        per_cell[k] += sum;
        excess += (sum - l) / l / N;
    }
    for (int k = 0; k < K; k++) assert_true(fabs(in_group[k] - N / K) < 5 * sqrt(N * 0.1875));
    for (int b = 0; b < B; b++) assert_true(fabs(in_batch[b] - N / B) < 5 * sqrt(N * 0.25));
    assert_true(fabs(log_l - log(300)) < 5 * 0.5 / sqrt(N) && fabs(sqrt(log_l2 - log_l * log_l) - 0.5) < 0.05);
    assert_true(fabs(excess) < 0.1); /* counts of a cell add up to its library size, on average */
    for (int k = 0; k < K; k++)
        for (int g = 0; g < G; g++) {
            const double share = in_group_and_gene[k][g] / per_cell[k],
                         other = in_group_and_gene[(k + 1) % K][g] / per_cell[(k + 1) % K];
            differ += fabs(share - other) > 0.3 * (share + other);
        }
    assert_true(differ > 3 && differ < K * G * 0.5); /* some genes are markers, not most */
    tap_arena_free(a);
}

static void test_simulation_depends_on_the_seed_alone(void **state)
{
    count_simulation o = { .cells = 200, .genes = 30, .seed = 4 };
    tap_arena       *a = tap_arena_new();
    (void)state;
    tap__parallel_threshold_for_tests(0);
    tap_set_threads(1);
    const simulated_counts one = simulate_counts(a, o);
    tap_set_threads(3);
    const simulated_counts three = simulate_counts(a, o);
    tap_set_threads(0);
    tap__parallel_threshold_for_tests(25000);
    o.seed = 5;
    const simulated_counts other = simulate_counts(a, o);
    const int64_t          n = one.counts.start[200];
    assert_true(n > 200 && n == three.counts.start[200] && n != other.counts.start[200]);
    assert_memory_equal(one.counts.start, three.counts.start, 201 * sizeof(int64_t));
    assert_memory_equal(one.counts.column, three.counts.column, (size_t)n * sizeof(int32_t));
    assert_memory_equal(one.counts.value, three.counts.value, (size_t)n * sizeof(float));
    assert_memory_equal(one.group.data, three.group.data, 200 * sizeof(int64_t));
    tap_arena_free(a);
}

static void assert_simulation_error(count_simulation o, const char *expected)
{
    const char *message;
    tap_arena  *a = tap_arena_new();
    assert_null(simulate_counts(a, o).counts.start);
    assert_int_equal(tap_arena_status(a, &message), TAP_EARG);
    assert_string_equal(message, expected);
    tap_arena_free(a);
}

static void test_simulation_errors(void **state)
{
    const count_simulation o = { .cells = 3, .genes = 2 };
    count_simulation       bad[] = { o, o, o, o, o, o, o };
    (void)state;
    assert_simulation_error((count_simulation){ .genes = 2 }, "simulate_counts: cells must be within 1..2147483647, not 0");
    assert_simulation_error((count_simulation){ .cells = 2, .genes = -1 },
                            "simulate_counts: genes must be within 1..2147483647, not -1");
    assert_simulation_error((count_simulation){ .cells = 2, .genes = 2, .groups = INT64_MAX, .batches = 2 },
                            "simulate_counts: groups must be within 1..2147483647, not 9223372036854775807");
    assert_simulation_error((count_simulation){ .cells = 2, .genes = INT32_MAX, .groups = INT32_MAX, .batches = 2 },
                            "simulate_counts: 2147483647 groups x 2 batches x 2147483647 genes are too many");
    assert_simulation_error((count_simulation){ .cells = INT64_MIN, .genes = 2 },
                            "simulate_counts: cells must be within 1..2147483647, not -9223372036854775808");
    bad[0].markers = 1.5, bad[1].fold = -1, bad[2].shift = (double)NAN, bad[3].spread = 11, bad[4].library_spread = -1;
    bad[5].library = 2e6, bad[6].theta = -0.5;
    /* clang-format off */
    static const char *const expected[] = { "markers must be within 0..1, not 1.5",         "fold must be within 0..10, not -1",
                                          "shift must be within 0..10, not nan",          "spread must be within 0..10, not 11",
                                          "library_spread must be within 0..10, not -1",  "library must be within 0..1e+06, not 2e+06",
                                          "theta must be within 0..1e+06, not -0.5" };
    /* clang-format on */
    for (int i = 0; i < 7; i++) {
        char text[128];
        snprintf(text, sizeof text, "simulate_counts: %s", expected[i]);
        assert_simulation_error(bad[i], text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simulation_has_the_moments_asked_for),
        cmocka_unit_test(test_simulation_depends_on_the_seed_alone),
        cmocka_unit_test(test_simulation_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
