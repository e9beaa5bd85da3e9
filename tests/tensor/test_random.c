/* Random numbers: the generator's published answers, the distributions, and that a number depends on its place alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/random.h"
#include "tests/check.h"
#include "tensor/parallel.h"

enum { MANY = 200000 };

/* The place { 1, 2, 3 } on every machine: its first normal numbers, and a hash of MANY of them. */
#define NORMAL_0    -0x1.cd2baafc05007p+0
#define NORMAL_1    0x1.add100df0ef83p-2
#define NORMAL_HASH 0x27e188d8fd9458da

typedef void (*generator)(tap_tensor x, tap_rng_key at);

static double *many(generator fill, tap_rng_key at)
{
    double *x = test_malloc(MANY * sizeof *x);
    fill(tap_tensor_wrap(TAP_F64, TAP_SHAPE(MANY), x), at);
    return x;
}

/* ---- The generator ---- */

/* The first answer is Random123's own; the others come from a second implementation, and show where a place's parts go. */
static void test_philox_answers(void **state)
{
    (void)state;
    const struct {
        tap_rng_key at;
        uint64_t    block, word[4];
    } known[] = {
        { { 0, 0, 0 }, 0, { 0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b } },
        { { 1, 2, 3 }, 4, { 0xaf8db620be0d3f78, 0xb24f14b89308fbc5, 0x94de8a2ce19321b5, 0x0238a905b992fe9a } },
        { { UINT64_MAX, UINT64_MAX, UINT64_MAX },
          UINT64_MAX,
          { 0x070814df3247b8d4, 0xde39d40cc0538903, 0xa289552d68079217, 0x9bf289173594ef7a } },
    };
    for (int i = 0; i < 3; i++) {
        uint64_t word[4];
        tap__random_words(known[i].at, known[i].block, 4, word);
        assert_memory_equal(word, known[i].word, sizeof word);
    }
}

static void test_blocks_follow_each_other(void **state)
{
    (void)state;
    tap_rng_key at = { 5, 6, 7 };
    uint64_t    all[12], one[4];
    tap__random_words(at, 40, 12, all);
    for (uint64_t i = 0; i < 3; i++) {
        tap__random_words(at, 40 + i, 4, one);
        assert_memory_equal(one, all + 4 * i, sizeof one);
    }
}

static void test_numbers_are_made_of_their_words(void **state)
{
    (void)state;
    tap_rng_key at = { 11, 12, 13 };
    uint64_t    word[400];
    double      uniform[400], normal[400];
    tap__random_words(at, 0, 400, word);
    tap_random_uniform(tap_tensor_wrap(TAP_F64, TAP_SHAPE(400), uniform), at);
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(400), normal), at);
    for (int i = 0; i < 400; i++) assert_true(uniform[i] == ((double)(word[i] >> 12) + 0.5) * 0x1p-52);
    for (int i = 0; i < 400; i += 2) {
        double distance = sqrt(-2 * log(uniform[i])), angle = 2 * acos(-1) * uniform[i + 1];
        assert_near(normal[i], distance * cos(angle), 1e-14);
        assert_near(normal[i + 1], distance * sin(angle), 1e-14);
    }
}

/* ---- The same everywhere ---- */

static uint64_t hash_of_bits(const double *x, int n)
{
    uint64_t hash = 0;
    for (int i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        hash = (hash ^ bits) * 0x100000001b3u;
    }
    return hash;
}

/* Whichever compiler and vector width. */
static void test_same_bits_on_every_machine(void **state)
{
    (void)state;
    double *x = many(tap_random_normal, (tap_rng_key){ 1, 2, 3 });
    assert_true(x[0] == NORMAL_0 && x[1] == NORMAL_1);
    assert_int_equal(hash_of_bits(x, MANY), NORMAL_HASH);
    test_free(x);
}

static void test_same_bits_for_each_width(void **state)
{
    (void)state;
    uint64_t word[512];
    double   x[512], y[512];
    tap__random_words((tap_rng_key){ 1, 2, 3 }, 0, 512, word);
    tap__random_to_normal_generic(512, word, x);
    TAP__KERNEL_PICK(tap__random_to_normal)(512, word, y);
    assert_memory_equal(x, y, sizeof x);
    tap__random_to_uniform_generic(512, word, x);
    TAP__KERNEL_PICK(tap__random_to_uniform)(512, word, y);
    assert_memory_equal(x, y, sizeof x);
}

static void test_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    const generator fills[] = { tap_random_uniform, tap_random_normal };
    for (int f = 0; f < 2; f++) {
        tap_set_threads(1);
        double *one = many(fills[f], (tap_rng_key){ 3, 1, 4 });
        for (int threads = 2; threads <= 4; threads++) {
            tap_set_threads(threads);
            double *several = many(fills[f], (tap_rng_key){ 3, 1, 4 });
            assert_memory_equal(one, several, MANY * sizeof *one);
            test_free(several);
        }
        test_free(one);
    }
    tap_set_threads(0);
}

static void test_a_short_tensor_is_the_beginning_of_a_long_one(void **state)
{
    (void)state;
    const generator fills[] = { tap_random_uniform, tap_random_normal };
    for (int f = 0; f < 2; f++) {
        double *all = many(fills[f], (tap_rng_key){ 9, 9, 9 });
        for (int n = 1; n < 1100; n += 57) {
            double some[1100] = { 0 };
            fills[f](tap_tensor_wrap(TAP_F64, TAP_SHAPE(n), some), (tap_rng_key){ 9, 9, 9 });
            assert_memory_equal(some, all, (size_t)n * sizeof *some);
            assert_true(some[n] == 0);
        }
        test_free(all);
    }
}

static void test_float32_is_float64_rounded(void **state)
{
    (void)state;
    const generator fills[] = { tap_random_uniform, tap_random_normal };
    for (int f = 0; f < 2; f++) {
        float   x[1001];
        double *y = many(fills[f], (tap_rng_key){ 1, 1, 1 });
        fills[f](tap_tensor_wrap(TAP_F32, TAP_SHAPE(7, 11, 13), x), (tap_rng_key){ 1, 1, 1 });
        for (int i = 0; i < 1001; i++) assert_true(x[i] == (float)y[i]);
        test_free(y);
    }
}

/* ---- Distributions ---- */

static void test_uniform_is_inside_the_interval(void **state)
{
    (void)state;
    const uint64_t extreme[4] = { 0, UINT64_MAX, 0xfff, UINT64_MAX - 0xfff };
    double         x[4], y[4];
    float          z[4];
    TAP__KERNEL_PICK(tap__random_to_uniform)(4, extreme, x);
    assert_true(x[0] == 0x1p-53 && x[1] == 1 - 0x1p-53 && x[2] == x[0] && x[3] == x[1]);
    TAP__KERNEL_PICK(tap__random_to_normal)(4, extreme, y);
    for (int i = 0; i < 4; i++) assert_true(isfinite(y[i]));

    /* A rare place, whose first number is nearer to 1 than any float but 1 itself. */
    tap_rng_key rare = { .seed = 7, .step = 7028739 };
    tap_random_uniform(tap_tensor_wrap(TAP_F64, TAP_SHAPE(4), x), rare);
    tap_random_uniform(tap_tensor_wrap(TAP_F32, TAP_SHAPE(4), z), rare);
    assert_true((float)x[0] == 1 && x[0] < 1);
    assert_true(z[0] == 1 - 0x1p-24f);
}

/* Means of powers, each within 4.5 of its standard deviations. */
static void test_moments(void **state)
{
    (void)state;
    const double        even[9] = { 1, 0, 1. / 3, 0, 1. / 5, 0, 1. / 7, 0, 1. / 9 }; /* of 2 u - 1 */
    const double        gauss[9] = { 1, 0, 1, 0, 3, 0, 15, 0, 105 };
    const generator     fills[] = { tap_random_uniform, tap_random_normal };
    const double *const known[] = { even, gauss };
    for (int f = 0; f < 2; f++) {
        double *x = many(fills[f], (tap_rng_key){ 2, 7, 1 });
        for (int power = 1; power <= 4; power++) {
            double sum = 0;
            for (int i = 0; i < MANY; i++) sum += pow(f == 0 ? 2 * x[i] - 1 : x[i], power);
            double variance = known[f][2 * power] - known[f][power] * known[f][power];
            assert_near(sum / MANY, known[f][power], 4.5 * sqrt(variance / MANY));
        }
        test_free(x);
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov: the distribution function of n numbers is somewhere further than 1.95 / sqrt(n) from the true one
 * once in a thousand times. */
static void test_distribution_functions(void **state)
{
    (void)state;
    const generator fills[] = { tap_random_uniform, tap_random_normal };
    for (int f = 0; f < 2; f++) {
        double *x = many(fills[f], (tap_rng_key){ 8, 2, 8 });
        double  most = 0;
        qsort(x, MANY, sizeof *x, ascending);
        for (int i = 0; i < MANY; i++) {
            const double p = f == 0 ? x[i] : 0.5 * erfc(-x[i] / sqrt(2)), below = p - (double)i / MANY;
            const double distance = fmax(fabs(below), fabs(below - 1. / MANY));
            if (distance > most) most = distance;
        }
        assert_true(most < 1.95 / sqrt(MANY));
        test_free(x);
    }
}

static double correlation(const double *x, const double *y, int n)
{
    double xy = 0, xx = 0, yy = 0;
    for (int i = 0; i < n; i++) {
        xy += x[i] * y[i];
        xx += x[i] * x[i];
        yy += y[i] * y[i];
    }
    return xy / sqrt(xx * yy);
}

/* Normal numbers, and their squares, which see dependent distances, of neighbouring places and of neighbours in one place. */
static void test_places_are_independent(void **state)
{
    (void)state;
    const tap_rng_key at = { 10, 20, 30 };
    const tap_rng_key other[] = { { 11, 20, 30 }, { 10, 21, 30 }, { 10, 20, 31 }, { 20, 10, 30 }, { 10, 30, 20 } };
    double           *x = many(tap_random_normal, at);
    double            bound = 4.5 / sqrt(MANY);
    for (int lag = 1; lag <= 5; lag++) assert_near(correlation(x, x + lag, MANY - lag), 0, bound);
    for (int k = 0; k < 5; k++) {
        double *y = many(tap_random_normal, other[k]);
        assert_near(correlation(x, y, MANY), 0, bound);
        for (int i = 0; i < MANY; i++) y[i] = (x[i] * x[i] - 1) * (y[i] * y[i] - 1);
        double sum = 0;
        for (int i = 0; i < MANY; i++) sum += y[i];
        assert_near(sum / MANY, 0, 2 * bound);
        test_free(y);
    }
    test_free(x);
}

/* ---- Views ---- */

static void test_views_are_filled_in_their_own_order(void **state)
{
    (void)state;
    const generator fills[] = { tap_random_uniform, tap_random_normal };
    const tap_dtype dtypes[] = { TAP_F32, TAP_F64 };
    for (int f = 0; f < 2; f++) {
        for (int d = 0; d < 2; d++) {
            tap_arena *a = tap_arena_new();
            tap_tensor base = tap_tensor_zeros(a, dtypes[d], TAP_SHAPE(90, 40));
            tap_tensor view = tap_tensor_slice(a, base, 0, -2, 3, -2); /* from row 88 upwards, every second */
            view = tap_tensor_transpose(a, tap_tensor_slice(a, view, 1, 5, 35, 1), 0, 1);
            tap_tensor flat = tap_tensor_zeros(a, dtypes[d], view.shape);
            assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
            fills[f](view, (tap_rng_key){ 4, 5, 6 });
            fills[f](flat, (tap_rng_key){ 4, 5, 6 });

            int64_t n = tap_tensor_numel(flat), touched = 0;
            assert_true(n > 1200);
            for (int64_t i = 0; i < n; i++) assert_true(tap_tensor_item(view, i) == tap_tensor_item(flat, i));
            for (int64_t i = 0; i < 90 * 40; i++) touched += tap_tensor_item(base, i) != 0;
            assert_int_equal(touched, n);
            tap_arena_free(a);
        }
    }
}

static void test_the_last_number_wins_in_an_expanded_view(void **state)
{
    (void)state;
    tap_arena *a = tap_arena_new();
    tap_tensor base = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(1, 3));
    double    *x = many(tap_random_normal, (tap_rng_key){ 1, 2, 3 });
    tap_random_normal(tap_tensor_expand(a, base, TAP_SHAPE(1000, 3)), (tap_rng_key){ 1, 2, 3 });
    for (int i = 0; i < 3; i++) assert_true(tap_tensor_item(base, i) == x[2997 + i]);
    test_free(x);
    tap_arena_free(a);
}

static void test_what_cannot_be_filled_is_left_alone(void **state)
{
    (void)state;
    int64_t whole[4] = { 1, 2, 3, 4 }, same[4] = { 1, 2, 3, 4 };
    double  x = 5;
    tap_random_uniform(tap_tensor_wrap(TAP_I64, TAP_SHAPE(4), whole), (tap_rng_key){ 1, 2, 3 });
    tap_random_normal(tap_tensor_wrap(TAP_I64, TAP_SHAPE(4), whole), (tap_rng_key){ 1, 2, 3 });
    assert_memory_equal(whole, same, sizeof whole);
    tap_random_normal((tap_tensor){ .dtype = TAP_F64 }, (tap_rng_key){ 1, 2, 3 });
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 0), &x), (tap_rng_key){ 1, 2, 3 });
    assert_true(x == 5);
    tap_random_normal(tap_tensor_wrap(TAP_F64, TAP_SCALAR, &x), (tap_rng_key){ 1, 2, 3 });
    assert_true(x == NORMAL_0);
}

/* ---- Whole numbers ---- */

/* With a bound of 3/4 of all words, the plain upper half of a product would give numbers divisible by 3 half of the time. */
static void test_below_is_fair(void **state)
{
    (void)state;
    const uint64_t bound = UINT64_C(3) << 62;
    int            count[3] = { 0 };
    for (uint64_t i = 0; i < 30000; i++) {
        uint64_t x = tap__random_below((tap_rng_key){ 1, 2, 3 }, i, bound);
        assert_true(x < bound);
        assert_true(x == tap__random_below((tap_rng_key){ 1, 2, 3 }, i, bound));
        count[x % 3]++;
    }
    for (int k = 0; k < 3; k++) assert_near(count[k], 10000, 4.5 * sqrt(30000 * 2. / 9));
    for (uint64_t i = 0; i < 100; i++) assert_int_equal(tap__random_below((tap_rng_key){ 1, 2, 3 }, i, 1), 0);
}

static void test_permutations_are_permutations(void **state)
{
    (void)state;
    static int64_t index[5000], again[5000];
    static bool    seen[5000];
    tap_rng_key    at = { 1, 2, 3 };
    tap_random_permutation(index, 5000, at);
    tap_random_permutation(again, 5000, at);
    assert_memory_equal(index, again, sizeof index);
    int fixed = 0;
    for (int i = 0; i < 5000; i++) {
        assert_true(index[i] >= 0 && index[i] < 5000 && !seen[index[i]]);
        seen[index[i]] = true;
        fixed += index[i] == i;
    }
    assert_true(fixed < 8); /* one is expected, more than seven happen once in 100,000 times */
    at.step++;
    tap_random_permutation(again, 5000, at);
    assert_memory_not_equal(index, again, sizeof index);
}

static void test_permutations_of_few(void **state)
{
    (void)state;
    int64_t index[2] = { 7, 7 };
    tap_random_permutation(index, 0, (tap_rng_key){ 1, 2, 3 });
    tap_random_permutation(index, -1, (tap_rng_key){ 1, 2, 3 });
    tap_random_permutation(NULL, 0, (tap_rng_key){ 1, 2, 3 });
    assert_true(index[0] == 7 && index[1] == 7);
    tap_random_permutation(index, 1, (tap_rng_key){ 1, 2, 3 });
    assert_true(index[0] == 0 && index[1] == 7);
}

/* Chi-square over the six orders of three: with five degrees of freedom, above 20.5 once in a thousand times. */
static void test_permutations_are_fair(void **state)
{
    (void)state;
    enum { ROUNDS = 12000 };
    int    count[27] = { 0 }, orders = 0;
    double chi = 0;
    for (uint64_t step = 0; step < ROUNDS; step++) {
        int64_t i[3];
        tap_random_permutation(i, 3, (tap_rng_key){ 1, 2, step });
        count[9 * i[0] + 3 * i[1] + i[2]]++;
    }
    for (int k = 0; k < 27; k++) {
        if (count[k] == 0) continue;
        orders++;
        chi += (count[k] - ROUNDS / 6.) * (count[k] - ROUNDS / 6.) / (ROUNDS / 6.);
    }
    assert_int_equal(orders, 6);
    assert_true(chi < 20.5);
}

/* ---- Numbers in a sequence, and permutations without an array ---- */

static void test_numbers_in_a_sequence(void **state)
{
    (void)state;
    enum { N = 4000 };
    const tap_rng_key key = { 5, 6, 7 };
    tap_rng           rng = { .key = key }, again = { .key = key };
    double            values[N], sum = 0, squares = 0;
    int               count[5] = { 0 };
    tap_random_uniform(tap_tensor_wrap(TAP_F64, TAP_SHAPE(N), values), key);
    for (int i = 0; i < N; i++) assert_true(tap_rng_uniform(&rng) == values[i]);
    for (int i = 0; i < N; i++) {
        const double x = tap_rng_normal(&again);
        sum += x;
        squares += x * x;
    }
    assert_near(sum / N, 0, 0.06); /* four standard errors */
    assert_near(squares / N, 1, 0.09);
    for (int i = 0; i < N; i++) count[tap_rng_below(&rng, 5)]++;
    for (int i = 0; i < 5; i++) assert_near(count[i], N / 5., 4 * sqrt(N * 0.16));
    assert_int_equal(tap_rng_below(&rng, 1), 0);
    assert_int_equal(tap_rng_below(&rng, 0), -1);
    assert_int_equal(tap_rng_below(NULL, 3), -1);
    for (int i = 0; i < 100; i++) assert_true(tap_rng_below(&rng, INT64_MAX) >= 0);
}

static void test_permuted_elements_are_a_permutation(void **state)
{
    static const int64_t sizes[] = { 1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 100, 1000, 4097 };
    bool                 seen[4097];
    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        for (uint64_t step = 0; step < 3; step++) {
            memset(seen, 0, sizeof seen);
            for (int64_t i = 0; i < sizes[k]; i++) {
                const int64_t to = tap_random_permuted(i, sizes[k], (tap_rng_key){ 1, 2, step });
                assert_in_range(to, 0, sizes[k] - 1);
                assert_false(seen[to]);
                seen[to] = true;
            }
        }
        assert_int_equal(tap_random_permuted(-1, sizes[k], (tap_rng_key){ 0 }), -1);
        assert_int_equal(tap_random_permuted(sizes[k], sizes[k], (tap_rng_key){ 0 }), -1);
    }
    assert_in_range(tap_random_permuted(5, INT64_MAX, (tap_rng_key){ 0 }), 0, INT64_MAX - 1);
    assert_true(tap_random_permuted(0, 1000, (tap_rng_key){ 1, 0, 0 }) !=
                tap_random_permuted(0, 1000, (tap_rng_key){ 2, 0, 0 }));
}

/* Chi-square over the 24 orders of four: with 23 degrees of freedom, above 49.7 once in a thousand times. And each of ten
 * elements comes to each place as often. */
static void test_permuted_elements_are_fair(void **state)
{
    (void)state;
    enum { ROUNDS = 12000 };
    int    count[256] = { 0 }, at[10][10] = { { 0 } }, orders = 0;
    double chi = 0;
    for (uint64_t step = 0; step < ROUNDS; step++) {
        int order = 0;
        for (int i = 0; i < 4; i++) order = 4 * order + (int)tap_random_permuted(i, 4, (tap_rng_key){ 1, 2, step });
        count[order]++;
        for (int i = 0; i < 10; i++) at[i][tap_random_permuted(i, 10, (tap_rng_key){ 3, 4, step })]++;
    }
    for (int k = 0; k < 256; k++) {
        if (count[k] == 0) continue;
        orders++;
        chi += (count[k] - ROUNDS / 24.) * (count[k] - ROUNDS / 24.) / (ROUNDS / 24.);
    }
    assert_int_equal(orders, 24);
    assert_true(chi < 49.7);
    for (int i = 0; i < 100; i++) assert_near(at[i / 10][i % 10], ROUNDS / 10., 4.5 * sqrt(ROUNDS * 0.09));
}

static void test_hash_answers(void **state)
{
    (void)state;
    assert_int_equal(tap_random_hash(""), 0xcbf29ce484222325);
    assert_int_equal(tap_random_hash("a"), 0xaf63dc4c8601ec8c);
    assert_int_equal(tap_random_hash("foobar"), 0x85944171f73967e8);
    assert_int_equal(tap_random_hash("\xff"), 0xaf64724c8602eb6e);
    assert_int_equal(tap_random_hash(NULL), tap_random_hash(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox_answers),
        cmocka_unit_test(test_blocks_follow_each_other),
        cmocka_unit_test(test_numbers_are_made_of_their_words),
        cmocka_unit_test(test_same_bits_on_every_machine),
        cmocka_unit_test(test_same_bits_for_each_width),
        cmocka_unit_test(test_same_bits_for_any_number_of_threads),
        cmocka_unit_test(test_a_short_tensor_is_the_beginning_of_a_long_one),
        cmocka_unit_test(test_float32_is_float64_rounded),
        cmocka_unit_test(test_uniform_is_inside_the_interval),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_distribution_functions),
        cmocka_unit_test(test_places_are_independent),
        cmocka_unit_test(test_views_are_filled_in_their_own_order),
        cmocka_unit_test(test_the_last_number_wins_in_an_expanded_view),
        cmocka_unit_test(test_what_cannot_be_filled_is_left_alone),
        cmocka_unit_test(test_below_is_fair),
        cmocka_unit_test(test_permutations_are_permutations),
        cmocka_unit_test(test_permutations_of_few),
        cmocka_unit_test(test_permutations_are_fair),
        cmocka_unit_test(test_numbers_in_a_sequence),
        cmocka_unit_test(test_permuted_elements_are_a_permutation),
        cmocka_unit_test(test_permuted_elements_are_fair),
        cmocka_unit_test(test_hash_answers),
    };
    tap__parallel_threshold_for_tests(0); /* threads share even what is not worth it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
