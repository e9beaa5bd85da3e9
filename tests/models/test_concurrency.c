/* tests/models/test_concurrency.c: tapes and models of different threads are independent: what each thread computes, writes and
 * reports is, to the last bit, what the same calls give alone, also when these calls are the first in the process. */
#define _XOPEN_SOURCE 700
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "models/models.h"
#include "tensor/kernels/matmul.h"
#include "tests/tensor/scratch.h"
#include "tensor/parallel.h"

extern char **environ;

enum { JOBS = 6, IMAGES = 80, SIDE = 8, DATA = SIDE * SIDE, BATCH = 32, MAX_STEPS = 12, SAMPLES = 9, ERRORS = 8 };

/* The results of a job, to compare. */
typedef struct {
    double   loss[MAX_STEPS];
    uint64_t product, samples, weights, loaded, picture;
    char     config[128];
    char     gradients[TAP_MESSAGE_SIZE];
    char     error[ERRORS][TAP_MESSAGE_SIZE];
} results;

typedef struct {
    int                number;
    pthread_barrier_t *start; /* NULL: alone */
    results            got;
} job;

/* Fewer under valgrind, which runs one thread at a time. */
static int steps(void)
{
    return getenv("TAP_TEST_SHORT") ? 3 : MAX_STEPS;
}

static tap_vae_options model_of(int number)
{
    static const tap_vae_options models[JOBS] = {
        { .samples = 2 },
        { .likelihood = TAP_VAE_GAUSSIAN, .activation = tap_tanh },
        { .bound = TAP_IWAE, .samples = 5, .estimator = TAP_DOUBLY_REPARAMETERIZED },
        { .image = { 1, SIDE, SIDE }, .n_conv = 1, .conv = { 6 } },
        { .likelihood = TAP_VAE_GAUSSIAN, .sigma_kind = TAP_VAE_SIGMA_BY_DECODER, .activation = tap_softplus },
        { .samples = 4, .estimator = TAP_SCORE_LEAVE_ONE_OUT, .activation = tap_silu },
    };
    tap_vae_options o = models[number];
    o.data = DATA;
    o.latent = 3;
    if (o.n_conv == 0) o.n_hidden = 1;
    o.hidden[0] = 40;
    return o;
}

static tap_dtype dtype_of(int number)
{
    return number % 3 == 1 ? TAP_F64 : TAP_F32;
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
    for (const unsigned char *p = bytes; n > 0; n--) hash = (hash ^ *p++) * 0x100000001B3;
    return hash;
}

static uint64_t hash_of(tap_tensor x)
{
    return x.data ? hash_bytes(1, x.data, (size_t)tap_tensor_numel(x) * tap_dtype_size(x.dtype)) : 0;
}

static uint64_t weights_of(const tap_module *m)
{
    uint64_t hash = 1;
    for (const tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) {
        uint64_t one = hash_of(tap_param_value(p));
        hash = hash_bytes(hash, &one, sizeof one);
    }
    return hash;
}

/* A hash of x^T x by BLIS, which is used for large matrices. */
static uint64_t product(tap_tensor x)
{
    tap_arena *a = tap_arena_new();
    tap_tensor out = tap_tensor_zeros(a, x.dtype, TAP_SHAPE(x.shape.n[1], x.shape.n[1]));
    tap__matmul_by_blis(tap_tensor_transpose(a, x, 0, 1), x, out, false, a);
    uint64_t hash = hash_of(out);
    tap_arena_free(a);
    return hash;
}

/* Stores error number index of a job. */
static void report(results *o, int index, const char *message)
{
    snprintf(o->error[index], sizeof o->error[index], "%s", message);
}

static void train(job *j, const tap_vae *v, tap_module *root, tap_tape *t, tap_tensor images)
{
    const char *message;
    tap_tensor  x;
    int         step = 0;
    tap_optim  *o =
        j->number % 2 ? tap_sgd_new(root, (tap_sgd_options){ .momentum = 0.9 }) : tap_adam_new(root, (tap_adam_options){ 0 });
    tap_loader *l = tap_loader_new(images, (tap_loader_options){ .batch = BATCH,
                                                                 .shuffle = true,
                                                                 .dtype = dtype_of(j->number),
                                                                 .seed = (uint64_t)j->number,
                                                                 .prefetch = j->number % 3 });
    for (uint64_t epoch = 0; step < steps() && tap_tape_status(t, NULL) == TAP_OK; epoch++) {
        tap_loader_start(l, epoch);
        while (step < steps() && tap_loader_next(l, &x)) {
            tap_tape_reset(t);
            tap_var loss = tap_vae_loss(v, tap_input(t, x));
            tap_backward(loss);
            tap_optim_step(o, t);
            j->got.loss[step++] = tap_item(loss);
        }
    }
    tap_loader_status(l, &message);
    report(&j->got, 0, message);
    tap_loader_free(l);
}

static tap_var loss_of_three(tap_tape *t, void *vae)
{
    return tap_vae_loss(vae, tap_full(t, TAP_SHAPE(3, DATA), 0.5));
}

/* The gradients of a small VAE with the same operators as the job's. */
static void check_gradients(job *j)
{
    tap_module     *root = tap_module_new(dtype_of(j->number), 5);
    tap_vae         v;
    tap_vae_options o = model_of(j->number);
    o.estimator = TAP_REPARAMETERIZED; /* the gradients of others are not those of their values */
    o.hidden[0] = 2 + j->number;
    o.activation = tap_tanh;
    tap_vae_init(&v, root, o);
    tap_gradcheck_result r = tap_module_gradcheck(root, loss_of_three, &v, (tap_gradcheck_options){ .elements = 3 });
    snprintf(j->got.gradients, sizeof j->got.gradients, "%s", r.message);
    tap_module_free(root);
}

static void save_and_load(job *j, const tap_module *root)
{
    char        path[64];
    tap_error   e = { 0 };
    tap_vae     v;
    tap_module *again = tap_module_new(dtype_of(j->number), 1000);
    snprintf(path, sizeof path, "model-%d.safetensors", j->number);
    tap_vae_init(&v, again, model_of(j->number));
    tap_module_save(root, path, 1, &(tap_metadata){ "made by", path }, &e);
    tap_module_load(again, path, &e);
    report(&j->got, 1, e.message);
    j->got.loaded = weights_of(again);
    snprintf(path, sizeof path, "no-model-%d.safetensors", j->number);
    tap_module_load(again, path, &e);
    report(&j->got, 2, e.message);
    tap_module_free(again);
}

static void draw(job *j, tap_tensor samples)
{
    char       path[64];
    size_t     n;
    tap_error  e = { 0 };
    tap_arena *a = tap_arena_new();
    snprintf(path, sizeof path, "samples-%d.png", j->number);
    j->got.samples = hash_of(tap_tensor_contiguous(a, samples));
    tap_png_write(path, tap_tensor_reshape(a, samples, TAP_SHAPE(SAMPLES * SIDE, SIDE)), &e);
    report(&j->got, 3, e.message);
    char *bytes = e.status == TAP_OK ? scratch_read(path, &n) : NULL;
    if (bytes) j->got.picture = hash_bytes(1, bytes, n);
    free(bytes);
    snprintf(path, sizeof path, "no-images-%d.idx", j->number);
    tap_tensor_fill(tap_idx_read(a, path), 1);
    report(&j->got, 4, tap_arena_error(a)->message);
    tap_arena_free(a);
}

/* Errors on the job's tape, in its module, and with NULL modules, whose error each thread has for itself. */
static void cause_errors(job *j, tap_module *root, tap_tape *t)
{
    const char *message;
    tap_linear  l;
    tap_var     x = tap_randn(t, TAP_SHAPE(4 + j->number, 3));
    tap_backward(tap_sum(tap_matmul(x, x), TAP_ALL));
    tap_tape_status(t, &message);
    report(&j->got, 5, message);
    tap_linear_init(&l, tap_module_child(root, "one more"), "layer", -j->number, 2);
    tap_module_status(root, &message);
    report(&j->got, 6, message);

    tap_linear_init(&l, NULL, "layer", 3, 2);
    tap_optim *o = tap_adam_new(NULL, (tap_adam_options){ 0 });
    tap_optim_set_lr(o, j->number);
    tap_module_zero_grad(NULL);
    tap_param_grad(l.weight);
    tap_tape_reset(NULL);
    tap_linear_forward(&l, tap_param_var(t, l.weight));
    if (tap_optim_step(o, NULL) == TAP_EARG) tap_module_status(NULL, &message);
    report(&j->got, 7, message);
}

static void *work(void *argument)
{
    job  *j = argument;
    float pixels[IMAGES][DATA];
    if (j->start) pthread_barrier_wait(j->start);
    tap_tensor images = tap_tensor_wrap(TAP_F32, TAP_SHAPE(IMAGES, DATA), pixels);
    tap_random_uniform(images, (tap_rng_key){ .seed = (uint64_t)j->number });
    tap_module *root = tap_module_new(dtype_of(j->number), (uint64_t)j->number);
    tap_tape   *t = tap_tape_new(dtype_of(j->number), 7);
    tap_vae     v;
    j->got.product = product(images);
    snprintf(j->got.config, sizeof j->got.config, "%s", tap_config());
    tap_vae_init(&v, root, model_of(j->number));
    train(j, &v, root, t, images);
    j->got.weights = weights_of(root);
    draw(j, tap_value(tap_vae_sample(&v, t, SAMPLES)));
    save_and_load(j, root);
    check_gradients(j);
    cause_errors(j, root, t);
    tap_tape_free(t);
    tap_module_free(root);
    return NULL;
}

static results expected[JOBS];

/* Runs each job in a thread of its own, all at once. */
static void run_in_threads(job *jobs)
{
    pthread_t         thread[JOBS];
    pthread_barrier_t start;
    assert_int_equal(pthread_barrier_init(&start, NULL, JOBS), 0);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (job){ .number = i, .start = &start };
        assert_int_equal(pthread_create(&thread[i], NULL, work, &jobs[i]), 0);
    }
    for (int i = 0; i < JOBS; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
    pthread_barrier_destroy(&start);
}

static void alone(job *jobs)
{
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (job){ .number = i };
        work(&jobs[i]);
    }
}

static void assert_same_as_alone(const job *jobs)
{
    for (int i = 0; i < JOBS; i++) {
        const results *got = &jobs[i].got, *want = &expected[i];
        assert_string_equal(got->gradients, want->gradients);
        for (int k = 0; k < ERRORS; k++) assert_string_equal(got->error[k], want->error[k]);
        for (int k = 0; k < steps(); k++)
            if (memcmp(&got->loss[k], &want->loss[k], sizeof(double)) != 0)
                fail_msg("job %d: loss %.17g at step %d, alone %.17g", i, got->loss[k], k, want->loss[k]);
        if (got->product != want->product) fail_msg("job %d: another product than alone", i);
        if (got->weights != want->weights) fail_msg("job %d: other weights than alone", i);
        if (got->samples != want->samples) fail_msg("job %d: other samples than alone", i);
        if (got->picture != want->picture) fail_msg("job %d: another picture than alone", i);
        if (got->loaded != want->weights) fail_msg("job %d: what it loaded is not what it saved", i);
    }
}

/* Must be the first test: the processor, the number of threads and BLIS have not been asked for yet. The library must not
 * change the environment, which another thread may be reading. */
static void test_first_use_is_in_threads(void **state)
{
    job          first[JOBS], one[JOBS];
    char *const *before = environ;
    (void)state;
    run_in_threads(first);
    assert_ptr_equal(environ, before);
    alone(one);
    for (int i = 0; i < JOBS; i++) expected[i] = one[i].got;
    assert_same_as_alone(first);
    for (int i = 0; i < JOBS; i++) assert_string_equal(first[i].got.config, expected[i].config);
}

/* The results that the others are compared with are as expected, and differ between jobs. */
static void test_expected_results_are_sound(void **state)
{
    (void)state;
    for (int i = 0; i < JOBS; i++) {
        const results *o = &expected[i];
        const double   first = o->loss[0], last = o->loss[steps() - 1];
        char           wrong[96];
        snprintf(wrong, sizeof wrong, "matmul: [%d,3] x [%d,3]: inner sizes 3 and %d differ", 4 + i, 4 + i, 4 + i);
        if (!isfinite(last) || !(last != first)) fail_msg("job %d: the loss went from %g to %g", i, first, last);
        assert_non_null(strstr(o->gradients, "agree"));
        assert_string_equal(o->error[0], "");
        assert_string_equal(o->error[1], "");
        assert_non_null(strstr(o->error[2], ".safetensors: cannot open: No such file or directory"));
        assert_string_equal(o->error[3], "");
        assert_non_null(strstr(o->error[4], ".idx: cannot open: No such file or directory"));
        assert_string_equal(o->error[5], wrong);
        assert_string_equal(o->error[6], "a name must be printable ASCII without space, dot, \" and \\, not 'one more'");
        assert_string_equal(o->error[7], "module: NULL");
        for (int k = 0; k < i; k++) assert_int_not_equal(o->weights, expected[k].weights);
    }
}

/* Changes the number of threads over and over while the jobs run. */
static void *change_threads(void *argument)
{
    const atomic_bool *done = argument;
    for (int i = 0; !atomic_load(done); i++) tap_set_threads(1 + i % 3);
    return NULL;
}

static void test_threads_in_threads(void **state)
{
    job         jobs[JOBS];
    pthread_t   thread;
    atomic_bool done = false;
    (void)state;
    tap__parallel_threshold_for_tests(0);
    tap_set_threads(3);
    run_in_threads(jobs);
    for (int i = 0; i < JOBS; i++) assert_non_null(strstr(jobs[i].got.config, ", 3 threads"));
    assert_same_as_alone(jobs);
    assert_int_equal(pthread_create(&thread, NULL, change_threads, &done), 0);
    run_in_threads(jobs);
    atomic_store(&done, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_same_as_alone(jobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_use_is_in_threads),
        cmocka_unit_test(test_expected_results_are_sound),
        cmocka_unit_test(test_threads_in_threads),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
