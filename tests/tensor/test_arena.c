/* Arenas: where memory comes from, when it comes again, and what happens when there is none. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "layouts.h"
#include "tests/tensor/limits.h"
#include "tensor/arena.h"

/* Requests that no machine can meet are to fail under the address sanitizer as they do without it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void assert_filled(const unsigned char *p, size_t bytes, unsigned char with)
{
    for (size_t i = 0; i < bytes; i++) assert_int_equal(p[i], with);
}

static void test_alignment_and_zeros(void **state)
{
    (void)state;
    enum { N = 400 };
    static unsigned char *p[N];
    tap_arena            *a = tap_arena_new();
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < N; i++) {
            p[i] = tap_arena_alloc(a, i * i / 3);
            assert_non_null(p[i]);
            assert_int_equal((uintptr_t)p[i] % 64, 0);
            assert_filled(p[i], i * i / 3, 0);
            memset(p[i], (int)(i % 255) + 1, i * i / 3);
        }
        for (size_t i = 0; i < N; i++) assert_filled(p[i], i * i / 3, (unsigned char)(i % 255 + 1)); /* no overlaps */
        tap_arena_reset(a);
    }
    tap_arena_free(a);
}

/* A step of a loop: requests of many sizes, some given back on the way. */
enum { STEP = 300 };

static void step(tap_arena *a, size_t unit, void *at[STEP])
{
    for (size_t i = 0; i < STEP; i++) {
        at[i] = tap__arena_acquire(a, (i * 7919 % 31 + 1) * unit);
        assert_non_null(at[i]);
        if (i % 3 == 2) tap__arena_release(a, at[i - 1]);
    }
}

static void test_reset_repeats_addresses(void **state)
{
    (void)state;
    static const size_t units[] = { 1, 64, 1000, 20000 };
    for (int u = 0; u < 4; u++) {
        void      *first[STEP], *again[STEP];
        tap_arena *a = tap_arena_new();
        step(a, units[u], first);
        tap_arena_reset(a);
        step(a, units[u], first); /* from now on in one chunk */
        size_t held = tap__arena_bytes(a);
        for (int round = 0; round < 5; round++) {
            tap_arena_reset(a);
            step(a, units[u], again);
            assert_memory_equal(again, first, sizeof first);
            assert_int_equal(tap__arena_bytes(a), held);
        }
        tap_arena_free(a);
    }
}

static void test_first_chunk_repeats_at_once(void **state)
{
    (void)state;
    tap_arena *a = tap_arena_new();
    assert_int_equal(tap__arena_bytes(a), 0);
    void *p = tap_arena_alloc(a, 1000), *q = tap_arena_alloc(a, 2000);
    tap_arena_reset(a);
    assert_ptr_equal(tap_arena_alloc(a, 1000), p);
    assert_ptr_equal(tap_arena_alloc(a, 2000), q);
    tap_arena_free(a);
}

/* What needed many chunks lies in one after the reset, of no more than was used. */
static void test_reset_consolidates(void **state)
{
    (void)state;
    enum { N = 50, SIZE = 100000 };
    char      *p[N];
    tap_arena *a = tap_arena_new();
    for (int i = 0; i < N; i++) p[i] = tap__arena_acquire(a, SIZE);
    size_t before = tap__arena_bytes(a);
    tap_arena_reset(a);
    for (int i = 0; i < N; i++) p[i] = tap__arena_acquire(a, SIZE);
    assert_true(tap__arena_bytes(a) >= N * SIZE && tap__arena_bytes(a) <= before);
    for (int i = 1; i < N; i++) assert_true(p[i] - p[i - 1] == p[1] - p[0]);
    assert_true(p[1] - p[0] >= SIZE && p[1] - p[0] <= SIZE + 128);

    tap_arena_reset(a); /* a larger step next, then a smaller one: no chunk is lost */
    for (int i = 0; i < 2 * N; i++) assert_non_null(tap__arena_acquire(a, SIZE));
    tap_arena_reset(a);
    assert_non_null(tap__arena_acquire(a, 1));
    assert_true(tap__arena_bytes(a) >= 2 * N * SIZE);
    tap_arena_free(a);
}

static void test_released_memory_is_reused(void **state)
{
    (void)state;
    tap_arena *a = tap_arena_new();
    void      *p = tap__arena_acquire(a, 1000), *q = tap__arena_acquire(a, 1000);
    assert_ptr_not_equal(p, q);
    tap__arena_release(a, p);
    assert_ptr_equal(tap__arena_acquire(a, 1000), p);
    assert_ptr_not_equal(tap__arena_acquire(a, 1000), p);
    tap__arena_release(a, p);
    tap__arena_release(a, q);
    void *again[2] = { tap__arena_acquire(a, 990), tap__arena_acquire(a, 1001) };
    assert_true((again[0] == p && again[1] == q) || (again[0] == q && again[1] == p));
    unsigned char *zeroed = again[0];
    memset(zeroed, 0xff, 990);
    tap__arena_release(a, zeroed);
    assert_ptr_equal(tap_arena_alloc(a, 1000), zeroed);
    assert_filled(zeroed, 1000, 0);
    tap_arena_free(a);
}

static void test_shared_memory_waits_for_the_last_use(void **state)
{
    (void)state;
    tap_arena *a = tap_arena_new();
    void      *p = tap__arena_acquire(a, 500);
    tap__arena_retain(p);
    tap__arena_retain(p);
    for (int uses = 3; uses > 1; uses--) {
        tap__arena_release(a, p);
        assert_ptr_not_equal(tap__arena_acquire(a, 500), p);
    }
    tap__arena_release(a, p);
    assert_ptr_equal(tap__arena_acquire(a, 500), p);
    tap__arena_retain(p); /* the count begins anew */
    tap__arena_release(a, p);
    assert_ptr_not_equal(tap__arena_acquire(a, 500), p);
    tap__arena_release(a, p);
    assert_ptr_equal(tap__arena_acquire(a, 500), p);
    tap_arena_free(a);
}

static void test_best_fitting_block_is_used(void **state)
{
    (void)state;
    tap_arena *a = tap_arena_new();
    void      *small = tap__arena_acquire(a, 256), *large = tap__arena_acquire(a, 1024), *middle = tap__arena_acquire(a, 320);
    tap__arena_release(a, middle);
    tap__arena_release(a, small);
    tap__arena_release(a, large);
    assert_ptr_equal(tap__arena_acquire(a, 200), small);
    assert_ptr_equal(tap__arena_acquire(a, 200), middle);
    tap__arena_release(a, small);
    tap__arena_release(a, middle);
    assert_ptr_equal(tap__arena_acquire(a, 200), small);
    assert_ptr_equal(tap__arena_acquire(a, 200), middle);
    void *fresh = tap__arena_acquire(a, 200); /* 1024 bytes would waste more than they hold */
    assert_ptr_not_equal(fresh, large);
    assert_ptr_not_equal(tap__arena_acquire(a, 1025), large);
    assert_ptr_equal(tap__arena_acquire(a, 600), large);

    tap__arena_release(a, small);
    tap__arena_release(a, large);
    tap_arena_reset(a); /* forgets what was given back */
    void *p = tap__arena_acquire(a, 256), *q = tap__arena_acquire(a, 256), *r = tap__arena_acquire(a, 1024);
    assert_true(p == small && q != small && r != small && q != r);
    tap_arena_free(a);
}

static void test_errors_stick(void **state)
{
    (void)state;
    const char *message = NULL;
    tap_arena  *a = tap_arena_new();
    assert_int_equal(tap_arena_status(a, &message), TAP_OK);
    assert_string_equal(message, "");
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    assert_non_null(tap_arena_alloc(a, 10));
    tap_error_set(tap_arena_error(a), TAP_EIO, "no such file: %s", "x");
    assert_null(tap_arena_alloc(a, 10));
    assert_null(tap__arena_acquire(a, 10));
    assert_int_equal(tap_arena_status(a, &message), TAP_EIO);
    assert_string_equal(message, "no such file: x");
    tap_arena_reset(a);
    tap_error_set(tap_arena_error(a), TAP_EARG, "later");
    assert_null(tap_arena_alloc(a, 10));
    assert_error(tap_arena_error(a), TAP_EIO, "no such file: x");
    tap_arena_free(a);
}

static void test_sizes_beyond_memory(void **state)
{
    (void)state;
    /* clang-format off */
    static const size_t sizes[] = { SIZE_MAX,         SIZE_MAX - 1,     SIZE_MAX - 63,   SIZE_MAX - 64,
                                    SIZE_MAX - 65,    SIZE_MAX - 127,   SIZE_MAX - 1000, SIZE_MAX / 2 + 1,
                                    SIZE_MAX / 2,     SIZE_MAX / 4 + 1, SIZE_MAX / 4 };
    /* clang-format on */
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char       want[100];
        tap_arena *fresh = tap_arena_new(), *used = tap_arena_new();
        void      *p = tap_arena_alloc(used, 100);
        assert_null(tap_arena_alloc(fresh, sizes[i]));
        assert_null(tap__arena_acquire(used, sizes[i]));
        snprintf(want, sizeof want, "arena: no memory for %zu bytes (0 held)", sizes[i]);
        assert_error(tap_arena_error(fresh), TAP_ENOMEM, want);
        snprintf(want, sizeof want, "arena: no memory for %zu bytes (%zu held)", sizes[i], tap__arena_bytes(used));
        assert_error(tap_arena_error(used), TAP_ENOMEM, want);
        assert_filled(p, 100, 0);
        tap_arena_free(used);
        tap_arena_free(fresh);
    }
    tap_arena *a = tap_arena_new();
    assert_null(tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(INT64_MAX / 8)).data);
    assert_int_equal(tap_arena_status(a, NULL), TAP_ENOMEM);
    tap_arena_free(a);
}

static void test_null_arena(void **state)
{
    (void)state;
    const char *message = NULL;
    tap_arena_free(NULL);
    tap_arena_reset(NULL);
    assert_null(tap_arena_alloc(NULL, 10));
    assert_null(tap__arena_acquire(NULL, 10));
    assert_null(tap_arena_error(NULL));
    assert_int_equal(tap_arena_status(NULL, &message), TAP_EARG);
    assert_string_equal(message, "arena: NULL");
}

/* ---- Without memory ---------------------------------------------------------------------------------------------- */

static int arena_without_any_memory(void)
{
    const char *message;
    if (!limit_growth(0)) return 1;
    void *volatile p; /* or the compiler would take each call's success for granted */
    /* Blocks that were freed may be kept by size, one list for each multiple of 16, and are given for no other. */
    for (size_t size = 1 << 20; size >= 16; size = size > 4096 ? size / 2 : size - 16) {
        do p = malloc(size);
        while (p);
    }
    tap_arena *a = tap_arena_new();
    if (!a) return 2;
    if (tap_arena_status(a, &message) != TAP_ENOMEM || strcmp(message, "arena: no memory") != 0) return 3;
    if (tap_arena_alloc(a, 1) || tap__arena_acquire(a, 0) || tap_tensor_zeros(a, TAP_F32, TAP_SCALAR).data) return 4;
    tap_error_set(tap_arena_error(a), TAP_EARG, "later");
    tap_arena_reset(a);
    tap_arena_free(a);
    return tap_arena_status(tap_arena_new(), &message) == TAP_ENOMEM && strcmp(message, "arena: no memory") == 0 ? 0 : 5;
}

/* A chunk is half as large as all before it, unless memory for that is short. */
static int arena_with_little_memory(void)
{
    tap_arena *a = tap_arena_new();
    if (!tap__arena_acquire(a, 64 << 20) || !limit_growth(8 << 20)) return 1;
    if (!tap__arena_acquire(a, 1 << 20)) return 2;
    if (tap__arena_acquire(a, 32 << 20)) return 3;
    if (tap_arena_status(a, NULL) != TAP_ENOMEM || tap__arena_acquire(a, 1)) return 4;
    tap_arena_free(a);
    return 0;
}

static void test_no_memory_at_all(void **state)
{
    (void)state;
    assert_child_succeeds(arena_without_any_memory);
}

static void test_little_memory(void **state)
{
    (void)state;
    assert_child_succeeds(arena_with_little_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alignment_and_zeros),
        cmocka_unit_test(test_reset_repeats_addresses),
        cmocka_unit_test(test_first_chunk_repeats_at_once),
        cmocka_unit_test(test_reset_consolidates),
        cmocka_unit_test(test_released_memory_is_reused),
        cmocka_unit_test(test_shared_memory_waits_for_the_last_use),
        cmocka_unit_test(test_best_fitting_block_is_used),
        cmocka_unit_test(test_errors_stick),
        cmocka_unit_test(test_sizes_beyond_memory),
        cmocka_unit_test(test_null_arena),
        cmocka_unit_test(test_no_memory_at_all),
        cmocka_unit_test(test_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
