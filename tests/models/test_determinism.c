/* Training gives the same bits with any number of threads, and after its first steps takes no memory from the heap. The
 * counting functions below stand before the C library's, for other libraries too. OpenMP is not counted, as it takes and gives
 * back a record for each team of one thread. BLIS is counted with one thread: its pools grow when threads first meet in it,
 * which may be late. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "models/models.h"

#if defined(__has_feature)
#define HAS(feature) __has_feature(feature)
#else
#define HAS(feature) 0
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !HAS(address_sanitizer)
#define COUNTS 1
#else
#define COUNTS 0
#endif

#define NOT_INLINE __attribute__((noinline)) /* so that the return address tells who asks */

static atomic_bool counting;
static atomic_long taken_here, taken_elsewhere;

#if COUNTS
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

static void count(const void *caller)
{
    Dl_info here, from;
    if (!atomic_load(&counting) || !dladdr(&taken_here, &here) || !dladdr(caller, &from)) return;
    if (from.dli_fbase == here.dli_fbase) atomic_fetch_add(&taken_here, 1);
    else if (!strstr(from.dli_fname, "omp.so")) atomic_fetch_add(&taken_elsewhere, 1);
}

NOT_INLINE void *malloc(size_t size)
{
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}

NOT_INLINE void *calloc(size_t n, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_calloc(n, size);
}

NOT_INLINE void *realloc(void *p, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_realloc(p, size);
}

NOT_INLINE void *memalign(size_t align, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_memalign(align, size);
}

NOT_INLINE void *aligned_alloc(size_t align, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_memalign(align, size);
}

NOT_INLINE int posix_memalign(void **p, size_t align, size_t size)
{
    count(__builtin_return_address(0));
    *p = __libc_memalign(align, size);
    return *p ? 0 : ENOMEM;
}
#endif

enum { IMAGES = 300, DATA = 196, BATCH = 128, STEPS = 4 };

static uint8_t images[IMAGES][DATA];

static int draw_images(void **state)
{
    (void)state;
    for (int i = 0; i < IMAGES; i++) {
        for (int k = 0; k < DATA; k++) images[i][k] = (uint8_t)((i * 31 + k * k * 17 + (k / 28) * i) % 256);
    }
    return 0;
}

/* The weights after some steps. From the fourth on the heap is watched. */
static tap_module *train(tap_vae_likelihood likelihood, int64_t samples, int threads)
{
    tap_module *root = tap_module_new(TAP_F32, 1);
    tap_tape   *t = tap_tape_new(TAP_F32, 2);
    tap_vae     v;
    tap_tensor  x;
    int         step = 0;
    tap_set_threads(threads);
    tap_vae_init(&v, root, (tap_vae_options){ .data = DATA, .hidden = { 100 }, .likelihood = likelihood, .samples = samples });
    tap_optim  *adam = tap_adam(root, (tap_adam_options){ 0 });
    tap_loader *l = tap_loader_new(tap_tensor_wrap(TAP_U8, TAP_SHAPE(IMAGES, 14, 14), images),
                                   (tap_loader_options){ .batch = BATCH, .shuffle = true, .drop_last = true });
    for (uint64_t epoch = 0; step < STEPS; epoch++) {
        tap_loader_start(l, epoch);
        while (step < STEPS && tap_loader_next(l, &x)) {
            atomic_store(&counting, ++step > 3);
            tap_tape_reset(t);
            tap_backward(tap_vae_loss(&v, tap_input(t, x)));
            tap_optim_step(adam, t);
        }
    }
    atomic_store(&counting, false);
    long here = atomic_exchange(&taken_here, 0), elsewhere = atomic_exchange(&taken_elsewhere, 0);
    if (here) fail_msg("%ld requests for heap memory after the third step, with %d threads", here, threads);
    if (elsewhere && threads == 1) fail_msg("%ld requests for heap memory by libraries after the third step", elsewhere);
    const char *message;
    if (tap_tape_status(t, &message) != TAP_OK) fail_msg("%s", message);
    assert_int_equal(tap_module_status(root, NULL), TAP_OK);
    tap_loader_free(l);
    tap_tape_free(t);
    return root;
}

static void assert_same_bits(const tap_module *a, const tap_module *b, int threads)
{
    tap_param *p = tap_module_next(a, NULL), *q = tap_module_next(b, NULL);
    for (; p && q; p = tap_module_next(a, p), q = tap_module_next(b, q)) {
        tap_tensor x = tap_param_value(p), y = tap_param_value(q);
        if (memcmp(x.data, y.data, (size_t)tap_tensor_numel(x) * tap_dtype_size(x.dtype)) != 0)
            fail_msg("%s depends on the threads: %d and 1 differ", tap_param_path(p), threads);
    }
    assert_true(!p && !q);
}

/* Valgrind runs one thread at a time, and puts its own functions in the place of those above. */
static bool under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload");
}

static void check(tap_vae_likelihood likelihood, int64_t samples)
{
    tap_module *one = train(likelihood, samples, 1);
    for (int threads = 2; threads <= (under_valgrind() ? 2 : 4); threads++) {
        tap_module *many = train(likelihood, samples, threads);
        assert_same_bits(one, many, threads);
        tap_module_free(many);
    }
    tap_module_free(one);
}

static void test_bernoulli(void **state)
{
    (void)state;
    check(TAP_VAE_BERNOULLI, 1);
}

static void test_gaussian(void **state)
{
    (void)state;
    check(TAP_VAE_GAUSSIAN, 3);
}

/* The counter counts, where it can: a request of ours is seen. */
static void test_counter(void **state)
{
    (void)state;
    if (!COUNTS || under_valgrind()) skip();
    atomic_store(&counting, true);
    void *volatile p = malloc(10);
    atomic_store(&counting, false);
    free(p);
    assert_int_equal(atomic_exchange(&taken_here, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter),
        cmocka_unit_test(test_bernoulli),
        cmocka_unit_test(test_gaussian),
    };
    return cmocka_run_group_tests(tests, draw_images, NULL);
}
