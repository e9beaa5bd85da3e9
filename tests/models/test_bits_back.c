/* tests/models/test_bits_back.c: bits-back coding is lossless, takes about as many bits as -ELBO, and gives the same bytes
 * everywhere. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "models/compression/vae_coder.h"
#include "tests/check.h"
#include "tensor/cpu.h"
#include "tensor/parallel.h"

enum { DATA = 12, LATENT = 3 };

typedef struct {
    tap_arena  *a;
    tap_module *root;
    tap_vae     vae;
} fixture;

/* A VAE whose initial weights are multiplied by weight_scale. */
static fixture fixture_new(tap_vae_likelihood likelihood, tap_dtype dtype, uint64_t seed, double weight_scale)
{
    fixture w = { .a = tap_arena_new(), .root = tap_module_new(dtype, seed) };
    tap_vae_init(&w.vae, w.root,
                 (tap_vae_options){ .data = DATA, .hidden = { 9 }, .latent = LATENT, .likelihood = likelihood });
    for (tap_param *p = tap_module_next(w.root, NULL); p; p = tap_module_next(w.root, p)) {
        tap_tensor x = tap_param_value(p);
        for (int64_t i = 0; i < tap_tensor_numel(x); i++) tap_tensor_set_item(x, i, weight_scale * tap_tensor_item(x, i));
    }
    return w;
}

static void fixture_free(fixture *w)
{
    tap_module_free(w->root);
    tap_arena_free(w->a);
}

static void assert_arena_ok(const tap_arena *a)
{
    const char *message;
    if (tap_arena_status(a, &message)) fail_msg("%s", message);
}

/* Random bytes, of two values or of all. */
static tap_tensor noise_images(tap_arena *a, int64_t n, bool binary, uint64_t seed)
{
    tap_tensor x = tap_tensor_zeros(a, TAP_U8, TAP_SHAPE(n, 3, DATA / 3)),
               u = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(n * DATA));
    tap_random_uniform(u, (tap_rng_key){ .seed = seed });
    for (int64_t i = 0; i < n * DATA; i++) {
        const double v = tap_tensor_item(u, i);
        tap_tensor_set_item(x, i, binary ? (v < 0.3 ? 7 : 200) : floor(256 * v));
    }
    return x;
}

static void assert_round_trip(fixture *w, tap_tensor images)
{
    tap_tensor bytes = tap_bits_back_encode(w->a, &w->vae, images), back = tap_bits_back_decode(w->a, &w->vae, bytes);
    assert_arena_ok(w->a);
    assert_true(back.shape.rank == 2 && back.shape.n[0] == images.shape.n[0] && back.shape.n[1] == DATA);
    assert_memory_equal(back.data, images.data, (size_t)tap_tensor_numel(images));
}

static const tap_vae_likelihood likelihoods[] = { TAP_VAE_BERNOULLI, TAP_VAE_BETA_BINOMIAL };

static void test_round_trips(void **state)
{
    (void)state;
    static const int64_t counts[] = { 0, 1, 2, 63, 64, 65, 129, 200, 259 };
    static const double  weight_scale[] = { 0, 1, 30, 1e4 };
    for (int k = 0; k < 2; k++) {
        for (size_t s = 0; s < sizeof weight_scale / sizeof *weight_scale; s++) {
            fixture w = fixture_new(likelihoods[k], s % 2 ? TAP_F64 : TAP_F32, s, weight_scale[s]);
            for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
                assert_round_trip(&w, noise_images(w.a, counts[i], k == 0, i));
            fixture_free(&w);
        }
    }
}

/* Images of a single value, also where the model gives them almost no probability. */
static void test_constant_images(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        fixture w = fixture_new(likelihoods[k], TAP_F32, 3, 200);
        for (int value = 0; value < 256; value += 51) {
            tap_tensor images = tap_tensor_zeros(w.a, TAP_U8, TAP_SHAPE(70, DATA));
            memset(images.data, value, 70 * DATA);
            assert_round_trip(&w, images);
        }
        fixture_free(&w);
    }
}

static void test_images_of_negative_stride(void **state)
{
    (void)state;
    fixture    w = fixture_new(TAP_VAE_BETA_BINOMIAL, TAP_F32, 3, 1);
    tap_tensor images = noise_images(w.a, 20, false, 5), every_other = tap_tensor_slice(w.a, images, 0, 19, TAP_END, -2);
    tap_tensor back = tap_bits_back_decode(w.a, &w.vae, tap_bits_back_encode(w.a, &w.vae, every_other));
    assert_arena_ok(w.a);
    for (int64_t i = 0; i < 10 * DATA; i++) assert_true(tap_tensor_item(back, i) == tap_tensor_item(every_other, i));
    fixture_free(&w);
}

/* ---- The same bytes everywhere ----------------------------------------------------------------------------------- */

static uint64_t checksum_of(tap_tensor x)
{
    return XXH3_64bits(x.data, (size_t)tap_tensor_numel(x) * tap_dtype_size(x.dtype));
}

/* The checksums hold for every compiler, optimization, sanitizer and processor. */
static void test_bytes_are_known(void **state)
{
    (void)state;
    static const uint64_t known[] = { 0x5a7e271e4b778be1, 0x4a3929202065bde7 };
    for (int k = 0; k < 2; k++) {
        fixture        w = fixture_new(likelihoods[k], TAP_F32, 11, 2);
        const uint64_t got = checksum_of(tap_bits_back_encode(w.a, &w.vae, noise_images(w.a, 100, k == 0, 1)));
        assert_arena_ok(w.a);
        if (got != known[k]) fail_msg("likelihood %d: 0x%016llx", k, (unsigned long long)got);
        fixture_free(&w);
    }
}

static void test_threads_change_no_bytes(void **state)
{
    (void)state;
    const int before = tap_threads();
    fixture   w = fixture_new(TAP_VAE_BETA_BINOMIAL, TAP_F32, 11, 2);
    tap__parallel_threshold_for_tests(0);
    tap_tensor images = noise_images(w.a, 300, false, 1), first = { 0 };
    for (int threads = 1; threads <= 5; threads++) {
        tap_set_threads(threads);
        tap_tensor bytes = tap_bits_back_encode(w.a, &w.vae, images);
        if (threads == 1) first = bytes;
        assert_arena_ok(w.a);
        assert_int_equal(tap_tensor_numel(bytes), tap_tensor_numel(first));
        assert_memory_equal(bytes.data, first.data, (size_t)tap_tensor_numel(first));
        assert_int_equal(checksum_of(tap_bits_back_decode(w.a, &w.vae, first)), checksum_of(images));
    }
    tap_set_threads(before);
    fixture_free(&w);
}

/* The kernels of every vector width that this processor has, on inputs with zeros, NaN, infinities and large numbers. */
static void test_kernels_of_all_vector_widths_agree(void **state)
{
    (void)state;
    enum { ROWS = 3, IN = 37, OUT = 53 };
    /* clang-format off */
    const tap__bitexact_kernels *kernels[] = { tap__bitexact_generic,
#if defined(__x86_64__)
                                            tap__isa() >= TAP__AVX2 ? tap__bitexact_avx2 : NULL,
                                            tap__isa() >= TAP__AVX512 ? tap__bitexact_avx512 : NULL
#endif
    };
    /* clang-format on */
    static float   x[ROWS * IN], weight[IN * OUT], bias[OUT], y[3][ROWS * OUT];
    static int32_t at[3][ROWS * OUT];
    tap_random_normal(tap_tensor_wrap(TAP_F32, TAP_SHAPE(ROWS * IN), x), (tap_rng_key){ .seed = 1 });
    tap_random_normal(tap_tensor_wrap(TAP_F32, TAP_SHAPE(IN * OUT), weight), (tap_rng_key){ .seed = 2 });
    tap_random_normal(tap_tensor_wrap(TAP_F32, TAP_SHAPE(OUT), bias), (tap_rng_key){ .seed = 3 });
    for (int i = 0; i < ROWS * IN; i += 5) x[i] = 0;
    const tap__bitexact_linear l = { IN, OUT, weight, bias };
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
        if (!kernels[k]) continue;
        kernels[k]->linear(&l, ROWS, x, y[k]);
        y[k][7] = (float)NAN, y[k][8] = (float)INFINITY, y[k][9] = -(float)INFINITY, y[k][10] = 1e30f;
        kernels[k]->relu(OUT, y[k]);
        kernels[k]->clip(2 * OUT, y[k], 10);
        kernels[k]->precision(OUT, y[k]);
        kernels[k]->grid(ROWS * OUT, y[k], TAP__BETA_MAX, TAP__BETA_STEPS, at[k]);
        assert_memory_equal(y[k], y[0], sizeof y[0]);
        assert_memory_equal(at[k], at[0], sizeof at[0]);
        for (int i = 0; i < ROWS * OUT; i++) assert_true(at[k][i] >= 0 && at[k][i] < TAP__BETAS);
    }
}

/* ---- -ELBO bits, and at most 1300 for the header and the states of the streams ------------------------------------ */

/* -ELBO of all images, in bits. */
static double elbo_bits(const fixture *w, tap_tensor images)
{
    enum { DRAWS = 200 };
    tap_tape  *t = tap_tape_new(TAP_F64, 5);
    tap_var    x = tap_cast(tap_input(t, tap_tensor_reshape(w->a, images, TAP_SHAPE(-1, DATA))), TAP_F64);
    const bool binary = w->vae.options.likelihood == TAP_VAE_BERNOULLI;
    if (binary) x = tap_cast(tap_eq(x, tap_scalar(t, 200)), TAP_F64);
    tap_vae_terms e = tap_vae_elbo_from(&w->vae, x, tap_randn(t, TAP_SHAPE(DRAWS, images.shape.n[0], LATENT)));
    const double  bits = -tap_item(tap_sum(e.elbo, TAP_ALL)) / log(2);
    assert_tape_ok(t);
    tap_tape_free(t);
    return bits;
}

static void test_length_is_near_the_elbo(void **state)
{
    (void)state;
    enum { IMAGES = 600 };
    static const double weight_scale[] = { 0.5, 1 };
    for (int k = 0; k < 2; k++) {
        for (int s = 0; s < 2; s++) {
            fixture      w = fixture_new(likelihoods[k], TAP_F64, 4, weight_scale[s]);
            tap_tensor   images = noise_images(w.a, IMAGES, k == 0, 9);
            const double bits = 8. * (double)tap_tensor_numel(tap_bits_back_encode(w.a, &w.vae, images)),
                         expected = elbo_bits(&w, images);
            print_message("likelihood %d, weights x %g: %.0f bits, -ELBO is %.0f\n", k, weight_scale[s], bits, expected);
            assert_true(bits > 0.97 * expected && bits < 1.02 * expected + 1300);
            fixture_free(&w);
        }
    }
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static void test_bins_partition_the_slots(void **state)
{
    (void)state;
    static const float          numbers[] = { 0, 0.3f, -3, 9, 1e-30f, 1e30f, (float)INFINITY, -(float)INFINITY, (float)NAN };
    static const size_t         n = sizeof numbers / sizeof *numbers;
    static tap__bitexact_tables t;
    tap__bitexact_tables_make(&t);
    for (int i = 0; i < TAP__BINS; i += 64) {
        const double u = (i + 0.5) / TAP__BINS, got = 0.5 * erfc(-(double)t.median[i] / sqrt(2));
        assert_true(fabs(got - u) < 1e-5);
    }
    for (size_t i = 0; i < n * n; i++) {
        const float mu = numbers[i / n], precision = fabsf(numbers[i % n]);
        uint32_t    next = 0;
        for (int bin = 0; bin < TAP__BINS; bin++) {
            const tap__interval in = tap__bin_interval(&t, mu, precision, bin);
            assert_true(in.start == next && in.freq > 0);
            next = in.start + in.freq;
            assert_int_equal(tap__bin_at(&t, mu, precision, in.start), bin);
            assert_int_equal(tap__bin_at(&t, mu, precision, next - 1), bin);
        }
        assert_int_equal(next, TAP__RANS_SCALE);
    }
    const tap__interval in = tap__bin_interval(&t, 0.5f, 4, 2500); /* from 0.2790 to 0.2796 */
    const double        expected =
        0.5 * (erfc(-((double)t.bin_edge[2501] - 0.5) * 4 / sqrt(2)) - erfc(-((double)t.bin_edge[2500] - 0.5) * 4 / sqrt(2)));
    assert_true(fabs(in.freq / (double)TAP__RANS_SCALE - expected) < 1e-5);
}

static void test_beta_binomial_table_by_formula(void **state)
{
    (void)state;
    for (int i = 0; i < 49; i++) {
        const int    alpha = i / 7 * (TAP__BETAS - 1) / 6, beta = i % 7 * (TAP__BETAS - 1) / 6;
        const double a = exp((double)alpha / TAP__BETA_STEPS - TAP__BETA_MAX),
                     b = exp((double)beta / TAP__BETA_STEPS - TAP__BETA_MAX);
        uint32_t begin[TAP__BYTES + 1];
        tap__beta_binomial_table(begin, alpha, beta);
        assert_true(begin[0] == 0 && begin[TAP__BYTES] == TAP__RANS_SCALE);
        for (int x = 0; x < TAP__BYTES; x++) {
            const double y = 255 - x, ways = lgamma(256) - lgamma(x + 1) - lgamma(y + 1);
            const double p =
                exp(ways + lgamma(a + x) - lgamma(a) + lgamma(b + y) - lgamma(b) + lgamma(a + b) - lgamma(a + b + 255));
            assert_true(begin[x + 1] > begin[x]);
            assert_true(fabs((begin[x + 1] - begin[x]) / (double)TAP__RANS_SCALE - p) < 2.1 / TAP__RANS_SCALE + 2e-5 * p);
        }
    }
}

/* ---- Bytes that cannot be decoded -------------------------------------------------------------------------------- */

static const char *decode_error(const fixture *w, tap_tensor bytes, tap_arena *a)
{
    const char *message;
    tap_tensor  x = tap_bits_back_decode(a, &w->vae, bytes);
    return tap_arena_status(a, &message) ? message : x.data ? NULL : "nothing";
}

static void fix_checksum(uint8_t *bytes, int64_t n)
{
    const uint64_t sum = XXH3_64bits(bytes + 16, (size_t)n - 16);
    for (int i = 0; i < 8; i++) bytes[8 + i] = (uint8_t)(sum >> 8 * i);
}

/* Changes bits, and cuts the file, in many places, with the checksum as it was and with the one that fits. */
static void test_damaged_bytes_are_errors(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        fixture       w = fixture_new(likelihoods[k], TAP_F32, 8, 5);
        tap_tensor    bytes = tap_bits_back_encode(w.a, &w.vae, noise_images(w.a, 70, k == 0, 2));
        const int64_t n = tap_tensor_numel(bytes);
        uint8_t      *x = bytes.data, sum[8];
        assert_arena_ok(w.a);
        memcpy(sum, x + 8, 8);
        for (int64_t i = 0; i < n; i += i < 64 ? 1 : 5) {
            for (int checksum_fixed = 0; checksum_fixed < 2; checksum_fixed++) {
                tap_arena *a = tap_arena_new();
                x[i] ^= (uint8_t)(1 << i % 8);
                if (checksum_fixed) fix_checksum(x, n);
                const char *message = decode_error(&w, bytes, a);
                if (!message && (!checksum_fixed || i < 8 || i >= 16)) fail_msg("a change of byte %d is not noticed", (int)i);
                if (message && strncmp(message, "bits_back: ", 11)) fail_msg("byte %d: %s", (int)i, message);
                x[i] ^= (uint8_t)(1 << i % 8);
                memcpy(x + 8, sum, 8);
                tap_arena_free(a);
            }
        }
        for (int64_t i = 0; i < n; i += i < 80 ? 1 : 13) {
            tap_arena *a = tap_arena_new();
            uint8_t   *cut = malloc((size_t)i + 1);
            memcpy(cut, x, (size_t)i);
            assert_non_null(decode_error(&w, tap_tensor_wrap(TAP_U8, TAP_SHAPE(i), cut), a));
            tap_arena_free(a);
            if (i >= 16) fix_checksum(cut, i);
            a = tap_arena_new();
            assert_non_null(decode_error(&w, tap_tensor_wrap(TAP_U8, TAP_SHAPE(i), cut), a));
            free(cut);
            tap_arena_free(a);
        }
        fixture_free(&w);
    }
}

static void assert_contains(const char *message, const char *fragment)
{
    if (!message || !strstr(message, fragment)) fail_msg("\"%s\" does not say \"%s\"", message ? message : "", fragment);
}

static void test_errors(void **state)
{
    (void)state;
    fixture    w = fixture_new(TAP_VAE_BETA_BINOMIAL, TAP_F32, 8, 1), other = fixture_new(TAP_VAE_BETA_BINOMIAL, TAP_F32, 9, 1);
    tap_tensor bytes = tap_bits_back_encode(w.a, &w.vae, noise_images(w.a, 5, false, 2));
    uint8_t   *x = bytes.data;
    tap_bits_back_header h;
    assert_int_equal(tap_bits_back_inspect(bytes, &h, NULL), TAP_OK);
    assert_true(h.count == 5 && h.data == DATA && !h.binary && h.model != 0);
    assert_contains(decode_error(&other, bytes, other.a), "compressed with another model");
    x[60] ^= 1;
    assert_contains(decode_error(&w, bytes, w.a), "their checksum does not match: they are damaged");
    fixture_free(&w);
    fixture_free(&other);

    w = fixture_new(TAP_VAE_BERNOULLI, TAP_F32, 8, 1);
    const char *message;
    tap_bits_back_encode(w.a, &w.vae, noise_images(w.a, 5, false, 2));
    tap_arena_status(w.a, &message);
    assert_contains(message, "more than two values");
    fixture_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_constant_images),
        cmocka_unit_test(test_images_of_negative_stride),
        cmocka_unit_test(test_bytes_are_known),
        cmocka_unit_test(test_kernels_of_all_vector_widths_agree),
        cmocka_unit_test(test_length_is_near_the_elbo),
        cmocka_unit_test(test_bins_partition_the_slots),
        cmocka_unit_test(test_beta_binomial_table_by_formula),
        cmocka_unit_test(test_damaged_bytes_are_errors),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_threads_change_no_bytes), /* last: from here on every loop is shared among threads */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
