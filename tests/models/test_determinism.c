/* tests/models/test_determinism.c: training gives the same bits with any number of threads, and allocates nothing after its
 * first steps. Requests by BLIS are counted with one thread only: its pools grow when threads first meet in it, which may be
 * late. */
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/bench/architectures.h"
#include "tests/heap.h"
#include "tensor/parallel.h"

enum { IMAGES = 300, DATA = 784, BATCH = 24, STEPS = 20 };

static uint8_t images[IMAGES][DATA];

static int draw_images(void **state)
{
    (void)state;
    for (int i = 0; i < IMAGES; i++) {
        for (int k = 0; k < DATA; k++) images[i][k] = (uint8_t)((i * 31 + k * k * 17 + (k / 28) * i) % 256);
    }
    return 0;
}

/* Under valgrind, which runs one thread at a time, and with the address sanitizer. */
static bool is_short(void)
{
#ifdef __SANITIZE_ADDRESS__
    return true;
#else
    return getenv("TAP_TEST_SHORT") != NULL;
#endif
}

static void assert_no_heap(int threads)
{
    const heap_requests taken = heap_take();
    if (taken.by_program)
        fail_msg("%ld requests for heap memory after the third step, with %d threads", taken.by_program, threads);
    if (taken.by_libraries && threads == 1)
        fail_msg("%ld requests by libraries after the third step; is BLIS one with OpenMP?", taken.by_libraries);
}

/* The weights after some steps. Requests for heap memory are counted from the fourth on. */
static tap_module *train(tap_vae_options model, int64_t batch, int threads)
{
    const int   steps = is_short() ? 4 : STEPS;
    tap_module *root = tap_module_new(TAP_F32, 1);
    tap_tape   *t = tap_tape_new(TAP_F32, 2);
    tap_vae     v;
    tap_tensor  x;
    int         step = 0;
    tap_set_threads(threads);
    tap_vae_init(&v, root, model);
    tap_optim  *adam = tap_adam_new(root, (tap_adam_options){ 0 });
    tap_loader *l = tap_loader_new(tap_tensor_wrap(TAP_U8, TAP_SHAPE(IMAGES, DATA), images),
                                   (tap_loader_options){ .batch = batch, .shuffle = true, .drop_last = true });
    for (uint64_t epoch = 0; step < steps; epoch++) {
        tap_loader_start(l, epoch);
        while (step < steps && tap_loader_next(l, &x)) {
            heap_watch(++step > 3);
            tap_tape_reset(t);
            tap_backward(tap_vae_loss(&v, tap_input(t, x)));
            tap_optim_step(adam, t);
        }
    }
    heap_watch(false);
    assert_no_heap(threads);
    assert_tape_ok(t);
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

static void check(tap_vae_options model, int64_t batch)
{
    static const int counts[] = { 2, 3, 4, 8 };
    tap_module      *one = train(model, batch, 1);
    for (int i = 0; i < (is_short() ? 1 : 4); i++) {
        tap_module *many = train(model, batch, counts[i]);
        assert_same_bits(one, many, counts[i]);
        tap_module_free(many);
    }
    tap_module_free(one);
}

static void test_threads_change_no_bits(void **state)
{
    (void)state;
    for (int i = 0; i < N_ARCHITECTURES; i++) check(architectures()[i].model, i == 2 ? 4 : BATCH);
}

/* Large enough for threads to share each product. */
static void test_threads_change_no_bits_of_large_batches(void **state)
{
    (void)state;
    if (!is_short()) check(architectures()[0].model, 128);
}

static void test_threads_change_no_bits_of_a_gaussian_vae(void **state)
{
    (void)state;
    check((tap_vae_options){ .data = DATA, .hidden = { 100 }, .likelihood = TAP_VAE_GAUSSIAN, .samples = 3 }, 96);
}

/* Where requests can be counted, one of this program is. */
static void test_heap_requests_are_counted(void **state)
{
    (void)state;
    if (!heap_is_interposed()) skip();
    heap_watch(true);
    void *volatile p = malloc(10);
    heap_watch(false);
    free(p);
    assert_int_equal(heap_take().by_program, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heap_requests_are_counted),
        cmocka_unit_test(test_threads_change_no_bits),
        cmocka_unit_test(test_threads_change_no_bits_of_large_batches),
        cmocka_unit_test(test_threads_change_no_bits_of_a_gaussian_vae),
    };
    tap__parallel_threshold_for_tests(0); /* share every loop among threads */
    return cmocka_run_group_tests(tests, draw_images, NULL);
}
