/* tests/nn/test_loader_prefetch.c: a thread that prepares batches changes no bit: not of the batches, of those that a tape has
 * borrowed, nor of a run that is resumed; it takes no memory after the first steps, and hides the time that a transform takes. */
#define _XOPEN_SOURCE 700
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/heap.h"
#include "tests/tensor/scratch.h"
#include "tensor/parallel.h"

enum { ROWS = 50, WIDTH = 6, BATCH = 8 };

static float   rows[ROWS][WIDTH];
static int64_t labels[ROWS];

static int fill(void **state)
{
    for (int i = 0; i < ROWS * WIDTH; i++) rows[i / WIDTH][i % WIDTH] = (float)(i * i % 101) / 50;
    for (int i = 0; i < ROWS; i++) labels[i] = i;
    return scratch_enter(state);
}

static tap_status add_noise(const tap_transform *self, int n, const tap_tensor *x, tap_rng *rng, tap_error *e)
{
    (void)self, (void)n, (void)e;
    for (int k = 0; k < WIDTH; k++) ((float *)x[0].data)[k] += (float)tap_rng_normal(rng);
    return TAP_OK;
}

static tap_loader *load(tap_loader_options o)
{
    const tap_tensor arrays[] = { tap_tensor_wrap(TAP_F32, TAP_SHAPE(ROWS, WIDTH), rows),
                                  tap_tensor_wrap(TAP_I64, TAP_SHAPE(ROWS), labels) };
    return tap_loader_new_arrays(2, arrays, NULL, o);
}

static const tap_loader_options noisy = { .batch = BATCH, .shuffle = true, .seed = 4, .transform = { { .row = add_noise } } };

static tap_loader *load_noisy(int prefetch)
{
    tap_loader_options o = noisy;
    o.prefetch = prefetch;
    return load(o);
}

static void assert_next_are_equal(tap_loader *a, tap_loader *b)
{
    tap_tensor     x[2], y[2];
    int64_t        n, m;
    const bool     more = tap_loader_next(a, x);
    const int64_t *in_a = tap_loader_rows(a, &n);
    assert_int_equal(more, tap_loader_next(b, y));
    const int64_t *in_b = tap_loader_rows(b, &m);
    if (!more) return;
    assert_int_equal(n, m);
    assert_memory_equal(in_a, in_b, (size_t)n * sizeof *in_a);
    assert_memory_equal(x[0].data, y[0].data, (size_t)n * sizeof *rows);
    assert_memory_equal(x[1].data, y[1].data, (size_t)n * sizeof *labels);
}

/* With starts of other epochs in between, in the middle of one, and of the same one again. */
static void test_same_batches(void **state)
{
    (void)state;
    for (int prefetch = 1; prefetch <= 16; prefetch += 5) {
        tap_loader *a = load_noisy(0), *b = load_noisy(prefetch);
        for (int i = 0; i < 60; i++) {
            if (i % 9 == 8 || i % 13 == 12) {
                tap_loader_start(a, (uint64_t)i / 9);
                tap_loader_start(b, (uint64_t)i / 9);
            }
            assert_next_are_equal(a, b);
        }
        tap_loader_free(a);
        tap_loader_free(b);
    }
    for (int i = 0; i < 20; i++) { /* freed at any moment */
        tap_tensor  x[2];
        tap_loader *l = load_noisy(1 + i % 3);
        for (int k = 0; k < i / 3; k++) tap_loader_next(l, x);
        tap_loader_free(l);
    }
}

/* ---- Borrowed batches ---- */

/* All batches of an epoch are on one tape, and its gradient is right. */
static void test_borrowed_batches_are_not_overwritten(void **state)
{
    tap_loader *l = load((tap_loader_options){ .batch = 4, .prefetch = 3, .shuffle = true });
    tap_tape   *t = tap_tape_new(TAP_F32, 0);
    double      expected = 0;
    float       one = 1;
    (void)state;
    for (int i = 0; i < ROWS * WIDTH; i++) expected += 2 * pow((double)rows[i / WIDTH][i % WIDTH], 2);
    for (uint64_t epoch = 0; epoch < 20; epoch++) {
        tap_tensor x[2];
        tap_var    w = tap_variable(t, tap_tensor_wrap(TAP_F32, TAP_SCALAR, &one)), sum = tap_scalar(t, 0), dw;
        tap_loader_start(l, epoch);
        while (tap_loader_next(l, x)) sum = tap_add(sum, tap_sum(tap_square(tap_mul(tap_input(t, x[0]), w)), TAP_ALL));
        tap_grad(sum, 1, &w, &dw);
        assert_tape_ok(t);
        assert_near(tap_tensor_item(tap_value(dw), 0), expected, 1e-4 * expected);
        tap_tape_reset(t);
    }
    tap_tape_free(t);
    tap_loader_free(l);
}

/* ---- Steps ---- */

/* The weights after training, saved and resumed after each third step, in a loader with another prefetch. */
static void train(int prefetch, int steps, bool resume, float weights[WIDTH])
{
    tap_linear      net;
    tap_module     *root = tap_module_new(TAP_F32, 1);
    tap_loader     *l = load_noisy(prefetch);
    tap_tape       *t = tap_tape_new(TAP_F32, 2);
    tap_tensor      x[2];
    tap_error       e = { 0 };
    int             step = 0;
    tap_checkpoint *c = resume ? tap_checkpoint_new("run") : NULL;
    tap_linear_init(&net, root, "net", WIDTH, 1);
    tap_optim *adam = tap_adam_new(root, (tap_adam_options){ 0 });
    if (resume) {
        tap_checkpoint_module(c, "net", root);
        tap_checkpoint_optim(c, "adam", adam);
        tap_checkpoint_tape(c, "tape", t);
        tap_checkpoint_loader(c, "data", l);
        tap_checkpoint_resume(c, &e);
    }
    for (; step < steps && tap_loader_cycle(l, x); step++) {
        heap_watch(!resume && step >= 3 * ROWS / BATCH);
        tap_tape_reset(t);
        tap_backward(tap_mean(tap_square(tap_linear_forward(&net, tap_input(t, x[0]))), TAP_ALL));
        tap_optim_step(adam, t);
    }
    heap_watch(false);
    if (resume) tap_checkpoint_save(c, &e);
    if (e.status != TAP_OK) fail_msg("%s", e.message);
    assert_tape_ok(t);
    memcpy(weights, tap_param_value(net.weight).data, WIDTH * sizeof *weights);
    if (resume) tap_checkpoint_free(c);
    tap_loader_free(l);
    tap_tape_free(t);
    tap_module_free(root);
}

/* With 1 to 4 threads for the steps, which share each loop. */
static void test_same_training_without_memory(void **state)
{
    float alone[WIDTH], ahead[WIDTH];
    (void)state;
    tap_set_threads(1);
    train(0, 60, false, alone);
    for (int prefetch = 1; prefetch < 4; prefetch++) {
        tap_set_threads(1 + prefetch);
        heap_take();
        train(prefetch, 60, false, ahead);
        const heap_requests taken = heap_take();
        if (taken.by_program) fail_msg("%ld requests for heap memory with prefetch %d", taken.by_program, prefetch);
        assert_memory_equal(alone, ahead, sizeof alone);
    }
}

static void test_same_training_in_parts(void **state)
{
    float whole[WIDTH], parts[WIDTH];
    (void)state;
    train(0, 30, false, whole);
    for (int k = 0; k < 10; k++) train(k % 4, 3, true, parts);
    assert_memory_equal(whole, parts, sizeof whole);
    remove("run");
    remove("run.previous");
}

/* What is prepared is not counted: the checkpoint of a loader says what was handed out. */
static void test_position_is_what_was_handed_out(void **state)
{
    (void)state;
    for (int done = 0; done < 8; done++) {
        tap_loader     *a = load_noisy(3), *b = load_noisy(0);
        tap_checkpoint *c = tap_checkpoint_new("place");
        tap_tensor      x[2];
        tap_error       e = { 0 };
        for (int i = 0; i < done; i++) tap_loader_next(a, x);
        tap_checkpoint_loader(c, "data", a);
        assert_int_equal(tap_checkpoint_save(c, &e), TAP_OK);
        tap_checkpoint_free(c);
        c = tap_checkpoint_new("place");
        tap_loader_next(b, x);
        tap_checkpoint_loader(c, "data", b);
        assert_true(tap_checkpoint_resume(c, &e));
        tap_checkpoint_free(c);
        for (int i = done; i < 9; i++) assert_next_are_equal(a, b);
        tap_loader_free(a);
        tap_loader_free(b);
    }
    remove("place");
    remove("place.previous");
}

/* ---- Time ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void wait_ms(int ms)
{
    nanosleep(&(struct timespec){ .tv_nsec = 1000000L * ms }, NULL);
}

static atomic_int n_waits;

static tap_status wait_5_ms(const tap_transform *self, int n, const tap_tensor *x, tap_rng *rng, tap_error *e)
{
    (void)self, (void)n, (void)x, (void)rng, (void)e;
    n_waits++;
    wait_ms(5);
    return TAP_OK;
}

static double seconds_of_40_steps(int prefetch)
{
    tap_loader *l = load((tap_loader_options){ .batch = BATCH, .prefetch = prefetch, .transform = { { .batch = wait_5_ms } } });
    tap_tensor  x[2];
    const double start = now();
    n_waits = 0;
    for (int i = 0; i < 40; i++) {
        assert_true(tap_loader_cycle(l, x));
        wait_ms(7); /* a step */
    }
    tap_loader_free(l);
    assert_in_range(n_waits, 40, 40 + prefetch); /* none was prepared in vain, also at the ends of epochs */
    return now() - start;
}

/* Alone, the steps take 280 ms and the transforms 200 ms. The best of a few, as other programs use the processors, too. */
static void test_a_transform_is_hidden(void **state)
{
    double alone = HUGE_VAL, ahead = HUGE_VAL;
    (void)state;
    for (int i = 0; i < 5 && !(ahead < alone - 0.12); i++) {
        alone = fmin(alone, seconds_of_40_steps(0));
        ahead = fmin(ahead, seconds_of_40_steps(1));
    }
    assert_true(alone >= 0.48);
    if (!(ahead < alone - 0.12)) fail_msg("40 steps take %g s with prefetch, %g s without", ahead, alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_batches),
        cmocka_unit_test(test_borrowed_batches_are_not_overwritten),
        cmocka_unit_test(test_same_training_without_memory),
        cmocka_unit_test(test_same_training_in_parts),
        cmocka_unit_test(test_position_is_what_was_handed_out),
        cmocka_unit_test(test_a_transform_is_hidden),
    };
    tap__parallel_threshold_for_tests(0);
    return cmocka_run_group_tests(tests, fill, scratch_leave);
}
