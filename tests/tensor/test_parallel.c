/* How many threads run, which kernels, and what the environment has to say about it. */
#define _POSIX_C_SOURCE 200809L
#include <omp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <blis.h>

#include "layouts.h"
#include "tensor/kernels/blis.h"
#include "tensor/kernels/matmul.h"
#include "tensor/kernels/reduce.h"
#include "tensor/parallel.h"

static const char *self; /* this program, to run it again in another environment */

static void test_number_of_threads(void **state)
{
    (void)state;
    static const int asked[] = { 1, 2, 7, 256, 257, 1000000, INT32_MAX }, given[] = { 1, 2, 7, 256, 256, 256, 256 };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        tap_set_threads(asked[i]);
        assert_int_equal(tap_threads(), given[i]);
    }
    int most = omp_get_max_threads() < 256 ? omp_get_max_threads() : 256;
    tap_set_threads(0);
    assert_int_equal(tap_threads(), most);
    tap_set_threads(INT32_MIN);
    assert_int_equal(tap_threads(), most);
}

enum { MAX_N = 1000 };

typedef struct {
    atomic_int calls;
    atomic_int seen[MAX_N];
} tally;

static void visit(void *context, int64_t first, int64_t last)
{
    tally *t = context;
    atomic_fetch_add(&t->calls, 1);
    for (int64_t i = first; i < last; i++) atomic_fetch_add(&t->seen[i], 1);
}

/* How many ranges 0..n-1 came in; every index in exactly one. */
static int ranges(int64_t n, int64_t steps)
{
    tally t = { 0 };
    tap__parallel(n, steps, visit, &t);
    for (int64_t i = 0; i < MAX_N; i++) assert_int_equal(atomic_load(&t.seen[i]), i < n);
    return atomic_load(&t.calls);
}

static void test_every_index_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 9; threads++) {
        tap_set_threads(threads);
        for (int64_t n = 0; n <= MAX_N; n += n < 40 ? 1 : 137) {
            int count = ranges(n, INT64_MAX);
            assert_int_equal(count, n < threads ? n : threads);
        }
    }
    tap_set_threads(0);
}

static void test_small_loops_stay_in_one_thread(void **state)
{
    (void)state;
    tap_set_threads(5);
    for (int64_t steps = -1000; steps < 10000; steps += 1000) assert_int_equal(ranges(100, steps), 1);
    assert_int_equal(ranges(100, 1000000), 5);
    assert_int_equal(ranges(100, INT64_MIN), 1);
    tap_set_threads(1);
    assert_int_equal(ranges(100, INT64_MAX), 1);
    tap_set_threads(0);
}

/* Loops within a user's parallel region start no threads of their own. */
static void test_within_a_parallel_region(void **state)
{
    (void)state;
    int most = 0;
    tap_set_threads(4);
#pragma omp parallel num_threads(2) reduction(max : most)
    most = omp_get_num_threads() > 1 ? ranges(100, INT64_MAX) : 1;
    assert_int_equal(most, 1);
    tap_set_threads(0);
}

static void test_config(void **state)
{
    (void)state;
    tap_set_threads(3);
    const char *text = tap_config();
    assert_int_equal(strncmp(text, "tapestry ", 9), 0);
    assert_non_null(strstr(text, " kernels, BLIS "));
    assert_non_null(strstr(text, ", 3 threads"));
    tap_set_threads(1);
    text = tap_config();
    assert_string_equal(text + strlen(text) - 10, ", 1 thread");
    tap_set_threads(0);
}

/* ---- Another environment ----------------------------------------------------------------------------------------- */

/* A checksum of a sum, a copy and a product, each large enough for eight threads. */
static unsigned checksum(void)
{
    uint64_t      rng = 1;
    unsigned      hash = 1;
    tap_arena    *a = tap_arena_new();
    tensor_layout x = lay_out(a, TAP_F32, TAP_SHAPE(300, 1300), PLAIN), y = lay_out(a, TAP_F32, TAP_SHAPE(1300, 60), PLAIN);
    tap_tensor sums = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(300)), product = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(300, 60));
    for (int64_t i = 0; i < 300 * 1300; i++) store_at(x.memory, i, random_below(&rng, 1 << 30) / 0x1p29 - 1);
    for (int64_t i = 0; i < 1300 * 60; i++) store_at(y.memory, i, random_below(&rng, 1 << 30) / 0x1p29 - 1);
    tap_set_threads(8);
    bool       ok = tap__reduce(TAP__SUM, x.view, 2, sums, a) && tap__matmul(x.view, y.view, product, false, a);
    tap_tensor turned = tap_tensor_contiguous(a, tap_tensor_transpose(a, x.view, 0, 1)), all[] = { sums, product, turned };
    for (int k = 0; k < 3; k++) {
        const unsigned char *bytes = all[k].data;
        for (int64_t i = 0; i < 4 * tap_tensor_numel(all[k]); i++) hash = hash * 31 + bytes[i];
    }
    if (!ok || tap_arena_status(a, NULL) != TAP_OK) hash = 0;
    tap_arena_free(a);
    return hash;
}

typedef struct {
    int      threads, isa;
    unsigned checksum;
} answers;

/* What this program answers where a variable is set, or not (value NULL); the checksum if it is asked for one. */
static answers run(const char *question, const char *name, const char *value)
{
    answers got = { -1, -1, 0 };
    int     ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        if (value) setenv(name, value, 1);
        else unsetenv(name);
        const char *emulator = getenv("MESON_EXE_WRAPPER"); /* Meson's, without which a cross-built program does not run */
        if (emulator) execl(emulator, emulator, self, question, (char *)NULL);
        else execl(self, self, question, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *f = fdopen(ends[0], "r");
    assert_non_null(f);
    int fields = fscanf(f, "%d %d %u", &got.threads, &got.isa, &got.checksum);
    fclose(f);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || fields != 3)
        fail_msg("%s=%s: the program ends with %d", name, value ? value : "", status);
    return got;
}

static unsigned hash_of(const char *text)
{
    return text ? (unsigned)tap_random_hash(text) : 0;
}

static int answer(const char *question)
{
    int      threads = tap_threads(), isa = (int)tap__isa();
    unsigned sum = strcmp(question, "checksum") == 0 ? checksum() : 0;
    if (strcmp(question, "blis") == 0) sum = hash_of(tap__blis_kernels());
    if (strcmp(question, "environment") == 0) sum = hash_of(getenv("BLIS_ARCH_TYPE"));
    printf("%d %d %u\n", threads, isa, sum);
    return 0;
}

static void test_omp_num_threads(void **state)
{
    (void)state;
    assert_int_equal(run("threads", "OMP_NUM_THREADS", "3").threads, 3);
    assert_int_equal(run("threads", "OMP_NUM_THREADS", "1").threads, 1);
    assert_int_equal(run("threads", "OMP_NUM_THREADS", "1000").threads, 256);
    assert_int_equal(run("threads", "OMP_NUM_THREADS", NULL).threads, omp_get_num_procs());
}

/* Fewer threads than asked for: the same bits, and BLIS, which would abort on it, does not notice. */
static void test_fewer_threads_than_asked_for(void **state)
{
    (void)state;
    unsigned want = checksum();
    assert_int_not_equal(want, 0);
    assert_int_equal(run("checksum", "OMP_THREAD_LIMIT", "1").checksum, want);
    assert_int_equal(run("checksum", "OMP_THREAD_LIMIT", "3").checksum, want);
    assert_int_equal(run("checksum", "OMP_DYNAMIC", "true").checksum, want);
    assert_int_equal(run("checksum", "OMP_MAX_ACTIVE_LEVELS", "0").checksum, want);
    assert_int_equal(run("checksum", "BLIS_NUM_THREADS", "5").checksum, want);
    tap_set_threads(0);
}

static void test_vector_width(void **state)
{
    (void)state;
    int best = run("width", "TAP_ISA", NULL).isa, avx2 = run("width", "TAP_ISA", "avx2").isa;
    assert_true(best >= TAP__GENERIC && best < TAP__ISAS);
    assert_int_equal(run("width", "TAP_ISA", "generic").isa, TAP__GENERIC);
    assert_int_equal(avx2, best < TAP__AVX2 ? best : TAP__AVX2);
    assert_int_equal(run("width", "TAP_ISA", "avx512").isa, best); /* the processor has the last word */
    assert_int_equal(run("width", "TAP_ISA", "nonsense").isa, best);
}

/* BLIS aborts on a number that is none of its kernels', so it is not told of one; kernels that it has are the user's choice. What
 * the user has set stays in the environment. */
static void test_kernels_of_blis(void **state)
{
    (void)state;
    static const char *const unsound[] = { "", "nonsense", "3x", "-1", "1000", "99999999999999999999" };
    char                     generic[16];
    unsigned                 best = run("blis", "BLIS_ARCH_TYPE", NULL).checksum;
    for (size_t i = 0; i < sizeof unsound / sizeof *unsound; i++) {
        assert_int_equal(run("blis", "BLIS_ARCH_TYPE", unsound[i]).checksum, best);
        assert_int_equal(run("environment", "BLIS_ARCH_TYPE", unsound[i]).checksum, hash_of(unsound[i]));
    }
    assert_int_equal(run("environment", "BLIS_ARCH_TYPE", NULL).checksum, 0);
    snprintf(generic, sizeof generic, "%d", (int)BLIS_ARCH_GENERIC);
#ifdef BLIS_CONFIG_GENERIC
    assert_int_equal(run("blis", "BLIS_ARCH_TYPE", generic).checksum, hash_of("generic"));
#else
    assert_int_equal(run("blis", "BLIS_ARCH_TYPE", generic).checksum, best);
#endif
}

int main(int argc, char **argv)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_of_threads),
        cmocka_unit_test(test_every_index_once), cmocka_unit_test(test_small_loops_stay_in_one_thread),
        cmocka_unit_test(test_within_a_parallel_region),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_omp_num_threads),
        cmocka_unit_test(test_fewer_threads_than_asked_for),
        cmocka_unit_test(test_vector_width),
        cmocka_unit_test(test_kernels_of_blis),
    };
    /* clang-format on */
    self = argv[0];
    if (argc > 1) return answer(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
