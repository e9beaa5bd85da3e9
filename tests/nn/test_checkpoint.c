/* tests/nn/test_checkpoint.c: a run that is resumed from a checkpoint continues to the same bits, and files that are damaged or
 * do not fit are refused. */
#define _XOPEN_SOURCE 700
#include "tests/tensor/scratch.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "nn/internal.h"

#define FILE_NAME "run.safetensors"
#define PREVIOUS  FILE_NAME ".previous"

enum { ROWS = 50, BATCH = 8, EPOCHS = 3, WIDTH = 6 };

static float rows[ROWS][WIDTH];

/* A training run of a small model with noise in its loss. */
typedef struct {
    tap_module     *root;
    tap_mlp         net;
    tap_optim      *optim;
    tap_tape       *tape;
    tap_loader     *data;
    tap_checkpoint *c;
    double          sum, history[EPOCHS][2];
    int64_t         n_history;
    int             steps; /* taken by this process */
} run;

static const tap_loader_options shuffled = { .batch = BATCH, .shuffle = true, .seed = 4 };

#define MAKE(algorithm, ...) \
    if (!strcmp(name, #algorithm)) return tap_##algorithm##_new(m, (tap_##algorithm##_options){ __VA_ARGS__ })

static tap_optim *make_optim(tap_module *m, const char *name)
{
    MAKE(adam, .lr = 0.01);
    MAKE(sgd, .lr = 0.01);
    MAKE(adamw, .lr = 0.01, .amsgrad = true);
    MAKE(adamax, .lr = 0.01);
    MAKE(nadam, .lr = 0.01);
    MAKE(radam, .lr = 0.01);
    MAKE(rmsprop, .lr = 0.01, .momentum = 0.5, .centered = true);
    MAKE(adagrad, .lr = 0.01, .initial_accumulator_value = 0.1);
    MAKE(adadelta, .lr = 0.01);
    MAKE(rprop, .lr = 0.01);
    MAKE(asgd, .lr = 0.01, .t0 = 2);
    MAKE(lbfgs, .max_iter = 2, .history_size = 3, .strong_wolfe = true);
    tap_optim *o = tap_sgd_new(m, (tap_sgd_options){ .lr = 0.01, .momentum = 0.9 });
    if (!strcmp(name, "groups")) tap_optim_group(o, tap_is_vector, NULL, (tap_group_options){ .momentum = 0.5 });
    return o;
}

static run begin(const char *optimizer, tap_loader_options how, uint64_t seed)
{
    run r = { .root = tap_module_new(TAP_F32, 1), .tape = tap_tape_new(TAP_F32, seed) };
    tap_mlp_init(&r.net, r.root, "net", 3, (int64_t[]){ WIDTH, 5, WIDTH }, tap_tanh);
    r.optim = make_optim(r.root, optimizer);
    r.data = tap_loader_new(tap_tensor_wrap(TAP_F32, TAP_SHAPE(ROWS, WIDTH), rows), how);
    return r;
}

static void register_objects(run *r)
{
    r->c = tap_checkpoint_new(FILE_NAME);
    tap_checkpoint_module(r->c, "net", r->root);
    tap_checkpoint_optim(r->c, "optim", r->optim);
    tap_checkpoint_tape(r->c, "tape", r->tape);
    tap_checkpoint_loader(r->c, "data", r->data);
    tap_checkpoint_tensor(r->c, "sum", tap_tensor_wrap(TAP_F64, TAP_SCALAR, &r->sum));
    tap_checkpoint_table(r->c, "history", tap_tensor_wrap(TAP_F64, TAP_SHAPE(EPOCHS, 2), r->history), &r->n_history);
}

static void end(run *r)
{
    tap_checkpoint_free(r->c);
    tap_loader_free(r->data);
    tap_tape_free(r->tape);
    tap_module_free(r->root);
}

typedef struct {
    run       *r;
    tap_tensor x;
} batch;

static tap_var loss_of(tap_tape *t, void *ctx)
{
    const batch *b = ctx;
    tap_var      clean = tap_input(t, b->x), noisy = tap_add(clean, tap_randn(t, b->x.shape));
    return tap_mean(tap_square(tap_sub(tap_mlp_forward(&b->r->net, noisy), clean)), TAP_ALL);
}

static void step(run *r, tap_tensor x)
{
    tap_optim_set_lr(r->optim, 0.01 / (1 + (double)tap_tape_step(r->tape)));
    if (tap_optim_groups(r->optim) > 1) tap_optim_set(r->optim, 1, "momentum", 1 / (1 + (double)tap_tape_step(r->tape)));
    const double loss = tap_optim_step_closure(r->optim, r->tape, loss_of, &(batch){ r, x });
    assert_true(isfinite(loss));
    r->sum += loss;
    r->steps++;
}

static void save(run *r)
{
    tap_error e = { 0 };
    if (r->c && tap_checkpoint_save(r->c, &e) != TAP_OK) fail_msg("%s", e.message);
}

/* Trains to the end, or for n_steps steps; saves after the last two steps and after each epoch. */
static void train(run *r, int n_steps)
{
    tap_tensor x;
    while (tap_loader_epoch(r->data) < EPOCHS) {
        while (tap_loader_next(r->data, &x)) {
            step(r, x);
            if (r->steps + 1 >= n_steps) save(r);
            if (r->steps == n_steps) return;
        }
        r->history[r->n_history][0] = (double)tap_loader_epoch(r->data);
        r->history[r->n_history++][1] = r->sum;
        r->sum = 0;
        tap_loader_start(r->data, tap_loader_epoch(r->data) + 1);
        save(r);
    }
}

static bool load(run *r)
{
    tap_error e = { 0 };
    bool      done = tap_checkpoint_resume(r->c, &e);
    if (e.status != TAP_OK) fail_msg("%s", e.message);
    return done;
}

static void assert_same(const run *a, const run *b)
{
    tap_param *p = tap_module_next(a->root, NULL), *q = tap_module_next(b->root, NULL);
    for (; p && q; p = tap_module_next(a->root, p), q = tap_module_next(b->root, q))
        assert_memory_equal(p->value.data, q->value.data, (size_t)tap_tensor_numel(p->value) * sizeof(float));
    assert_int_equal(a->n_history, EPOCHS);
    assert_int_equal(b->n_history, EPOCHS);
    assert_memory_equal(a->history, b->history, sizeof a->history);
    assert_int_equal(tap_tape_step(a->tape), tap_tape_step(b->tape));
}

/* Runs stop after different numbers of steps, and are resumed with another number of threads. */
static void test_resumed_runs_have_the_same_bits(void **state)
{
    static const char *const optimizers[] = { "adam",  "sgd",     "momentum", "groups",   "adamw", "adamax", "nadam",
                                              "radam", "rmsprop", "adagrad",  "adadelta", "rprop", "asgd",   "lbfgs" };
    const int                steps = EPOCHS * ((ROWS + BATCH - 1) / BATCH);
    (void)state;
    for (int k = 0; k < (int)(sizeof optimizers / sizeof *optimizers); k++) {
        run whole = begin(optimizers[k], shuffled, 7);
        train(&whole, 1000);
        for (int stop = 1 + 3 * (k % 3); stop <= steps; stop += 2 + stop * (k % 3 + 1)) {
            int done = 0;
            while (done < steps) {
                run r = begin(optimizers[k], shuffled, 7);
                tap_set_threads(1 + (stop + done) % 4);
                register_objects(&r);
                assert_int_equal(load(&r), done > 0);
                train(&r, stop);
                done += r.steps;
                if (done == steps && r.n_history == EPOCHS) assert_same(&r, &whole);
                bool at_the_end = r.n_history == EPOCHS;
                end(&r);
                if (r.steps == 0 && !at_the_end) fail_msg("nothing is left to do, and it is not the end");
            }
            run r = begin(optimizers[k], shuffled, 7); /* after the last step, before the last record */
            register_objects(&r);
            assert_true(load(&r));
            train(&r, 1000);
            assert_int_equal(r.steps, 0);
            assert_same(&r, &whole);
            end(&r);
            assert_int_equal(scratch_count(), 2);
            unlink(FILE_NAME), unlink(PREVIOUS);
        }
        end(&whole);
    }
    tap_set_threads(0);
}

/* Leaves two generations, after steps `n_steps - 1` and `n_steps`. */
static void leave_two_generations(int n_steps)
{
    run r = begin("adam", shuffled, 7);
    register_objects(&r);
    train(&r, n_steps);
    end(&r);
}

/* Flips a bit of the byte at this offset, or of the last byte for -1. */
static void flip(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    const int byte = getc(f);
    assert_int_equal(fseek(f, -1, SEEK_CUR), 0);
    putc(byte ^ 4, f);
    assert_int_equal(fclose(f), 0);
}

static int64_t steps_found(const char *passed)
{
    run r = begin("adam", shuffled, 7);
    register_objects(&r);
    tap_checkpoint_found found = tap_checkpoint_peek(r.c);
    assert_non_null(found.path);
    assert_string_equal(found.skipped, passed);
    assert_string_equal(found.path, *passed ? PREVIOUS : FILE_NAME);
    assert_non_null(tap_safetensors_find(&found.file, "net.net.0.weight"));
    assert_true(load(&r));
    assert_null(tap_checkpoint_peek(r.c).path);
    int64_t steps = r.optim->slots[0].step;
    end(&r);
    return steps;
}

static void test_the_newest_whole_generation_is_used(void **state)
{
    (void)state;
    leave_two_generations(5);
    assert_int_equal(steps_found(""), 5);
    flip(FILE_NAME, -1);
    assert_int_equal(steps_found(FILE_NAME ": is damaged: its contents do not match its checksum"), 4);
    assert_int_equal(truncate(FILE_NAME, 100), 0);
    run r = begin("adam", shuffled, 7);
    register_objects(&r);
    assert_true(strstr(tap_checkpoint_peek(r.c).skipped, FILE_NAME ": truncated: ") != NULL);
    assert_true(load(&r));
    /* A damaged file does not replace the whole one at PATH.previous. */
    tap_error e = { 0 };
    assert_int_equal(tap_checkpoint_save(r.c, &e), TAP_OK);
    end(&r);
    flip(FILE_NAME, -1);
    assert_int_equal(steps_found(FILE_NAME ": is damaged: its contents do not match its checksum"), 4);
    unlink(FILE_NAME);
    assert_int_equal(steps_found(FILE_NAME ": is missing"), 4);
    unlink(PREVIOUS);
}

/* Every byte of a file matters, except for the spaces after its header. */
static void test_every_damaged_byte_is_noticed(void **state)
{
    size_t n;
    (void)state;
    leave_two_generations(1);
    unlink(PREVIOUS);
    char  *bytes = scratch_read(FILE_NAME, &n);
    size_t header_end = 8 + (size_t) * (uint64_t *)(void *)bytes;
    for (size_t i = 0; i < n; i += getenv("TAP_TEST_SHORT") ? 37 : 1) {
        if (i < header_end && bytes[i] == ' ' && !memchr(bytes + i, '}', header_end - i)) continue;
        flip(FILE_NAME, (long)i);
        tap_checkpoint *c = tap_checkpoint_new(FILE_NAME);
        if (tap_checkpoint_status(c, NULL) == TAP_OK) fail_msg("a change of byte %zu, %c, is not noticed", i, bytes[i]);
        assert_null(tap_checkpoint_peek(c).path);
        tap_checkpoint_free(c);
        flip(FILE_NAME, (long)i);
    }
    free(bytes);
    unlink(FILE_NAME);
}

static void test_no_whole_generation_is_an_error(void **state)
{
    const char *message;
    tap_error   e = { 0 };
    (void)state;
    leave_two_generations(3);
    flip(FILE_NAME, -1), flip(PREVIOUS, -1);
    run r = begin("adam", shuffled, 7);
    register_objects(&r);
    assert_int_equal(tap_checkpoint_status(r.c, &message), TAP_EIO);
    assert_string_equal(message, FILE_NAME ": is damaged: its contents do not match its checksum; " PREVIOUS
                                           ": is damaged: its contents do not match its checksum");
    assert_false(tap_checkpoint_resume(r.c, &e));
    assert_string_equal(e.message, message);
    assert_int_equal(tap_checkpoint_save(r.c, NULL), TAP_EIO);
    end(&r);
    unlink(PREVIOUS);

    scratch_write(FILE_NAME, "garbage", 7);
    tap_checkpoint *c = tap_checkpoint_new(FILE_NAME);
    tap_checkpoint_status(c, &message);
    assert_string_equal(message, FILE_NAME ": truncated: ends within the header's length");
    tap_checkpoint_free(c);
    e = (tap_error){ 0 };
    tap_module *m = tap_module_new(TAP_F32, 0);
    assert_int_equal(tap_module_save(m, FILE_NAME, 0, NULL, &e), TAP_OK);
    c = tap_checkpoint_new(FILE_NAME);
    tap_checkpoint_status(c, &message);
    assert_string_equal(message, FILE_NAME ": is not a checkpoint");
    tap_checkpoint_free(c);
    tap_module_free(m);
    unlink(FILE_NAME);
}

/* A refused file changes nothing. */
static void assert_refused(run *r, const char *sentence)
{
    tap_error e = { 0 };
    float     first = *(float *)tap_module_next(r->root, NULL)->value.data;
    if (tap_checkpoint_resume(r->c, &e)) fail_msg("loaded in spite of: %s", sentence);
    assert_string_equal(e.message, sentence);
    assert_true(first == *(float *)tap_module_next(r->root, NULL)->value.data);
    assert_int_equal(r->optim->slots[0].step, 0);
    assert_int_equal(tap_loader_epoch(r->data), 0);
    end(r);
}

static void test_changed_options(void **state)
{
    (void)state;
    leave_two_generations(9);
    run r = begin("adam", shuffled, 8);
    register_objects(&r);
    assert_refused(&r, FILE_NAME ": tape was float32, seed 7 and is float32, seed 8 now");
    r = begin("momentum", shuffled, 7);
    register_objects(&r);
    assert_refused(&r, FILE_NAME
                   ": optim was adam: beta1 0.90000000000000002, beta2 0.999, eps 1e-08, weight_decay 0, amsgrad false, "
                   "maximize false and is sgd: momentum 0.90000000000000002, dampening 0, weight_decay 0, nesterov false, "
                   "maximize false now");
    r = begin("adam", (tap_loader_options){ .batch = 9, .shuffle = true, .seed = 4 }, 7);
    register_objects(&r);
    tap_error e = { 0 };
    assert_false(tap_checkpoint_resume(r.c, &e));
    assert_non_null(strstr(e.message, "data was float32 [50,6] with hash "));
    assert_non_null(strstr(e.message, "times 1 in batches of 8, shuffled by seed 4 and is "));
    end(&r);
    const float was = rows[3][2];
    rows[3][2] = was + 1;
    r = begin("adam", shuffled, 7);
    register_objects(&r);
    rows[3][2] = was;
    e = (tap_error){ 0 };
    assert_false(tap_checkpoint_resume(r.c, &e));
    assert_non_null(strstr(e.message, "data was float32 [50,6] with hash "));
    end(&r);
    r = begin("adam", shuffled, 7);
    register_objects(&r);
    tap_checkpoint_option(r.c, "mood", "good");
    assert_refused(&r, FILE_NAME ": mood was not given and is good now");
    r = begin("adam", shuffled, 7);
    register_objects(&r);
    tap_checkpoint_tensor(r.c, "more", tap_tensor_wrap(TAP_F64, TAP_SCALAR, &r.sum));
    assert_refused(&r, FILE_NAME " does not fit the run: missing more");
    unlink(FILE_NAME), unlink(PREVIOUS);
}

/* Options of the program, and the message for a file with other options. */
static void test_options_of_the_program(void **state)
{
    tap_error e = { 0 };
    double    x = 3;
    (void)state;
    for (int i = 0; i < 3; i++) {
        tap_checkpoint *c = tap_checkpoint_new(FILE_NAME);
        tap_checkpoint_tensor(c, "x", tap_tensor_wrap(TAP_F64, TAP_SCALAR, &x));
        tap_checkpoint_option(c, "hidden", i == 1 ? "200" : "400");
        if (i) {
            tap_checkpoint_found found = tap_checkpoint_peek(c);
            assert_string_equal(tap_safetensors_metadata(&found.file, "hidden"), "400");
            x = 0;
        }
        assert_int_equal(tap_checkpoint_resume(c, &e), i == 2);
        if (i == 1) assert_string_equal(e.message, FILE_NAME ": hidden was 400 and is 200 now");
        if (i == 0) assert_int_equal(tap_checkpoint_save(c, &e), TAP_OK);
        assert_true(i == 1 ? x == 0 : x == 3);
        e = (tap_error){ 0 };
        tap_checkpoint_free(c);
    }
    unlink(FILE_NAME);
}

/* A whole file with numbers that no run can have, as a forged one. */
static void test_numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    leave_two_generations(1);
    for (int i = 0; i < 5; i++) {
        run r = begin("adam", shuffled, 7);
        register_objects(&r);
        load(&r);
        tap__loader_position *at = tap__loader_position_of(r.data);
        tap_error             e = { 0 };
        const char           *name = i == 0   ? "data.next"
                                     : i == 1 ? "data.next"
                                     : i == 2 ? "optim.step"
                                     : i == 3 ? "optim.lr"
                                              : "net.net.0.weight";
        if (i == 0) at->next = -8;
        if (i == 1) at->next = ROWS + 1;
        if (i == 2) r.optim->slots[0].step = -1;
        if (i == 3) *(double *)tap__optim_field(r.optim, 0, r.optim->algorithm->options) = (double)NAN;
        if (i == 4) ((float *)tap_module_param(r.root, "net.0.weight")->value.data)[7] = INFINITY;
        assert_int_equal(tap_checkpoint_save(r.c, &e), i < 3 ? TAP_EIO : TAP_ENONFINITE);
        assert_non_null(strstr(e.message, name));
        if (i == 4) assert_string_equal(e.message, FILE_NAME ": net.net.0.weight holds inf at [1,1]");
        end(&r);
    }
    assert_int_equal(steps_found(""), 1);
    unlink(FILE_NAME), unlink(PREVIOUS);
}

static void test_unconsumed_gradients_are_refused(void **state)
{
    tap_error e = { 0 };
    (void)state;
    run r = begin("adam", shuffled, 7);
    register_objects(&r);
    tap_tape_reset(r.tape);
    tap_backward(tap_sum(tap_param_var(r.tape, tap_module_next(r.root, NULL)), TAP_ALL));
    assert_int_equal(tap_checkpoint_save(r.c, &e), TAP_EARG);
    assert_string_equal(e.message, FILE_NAME
                        ": net.0.weight has a gradient that no step has consumed, and a checkpoint does not hold gradients");
    e = (tap_error){ 0 };
    tap_module_zero_grad(r.root);
    assert_int_equal(tap_checkpoint_save(r.c, &e), TAP_OK);
    end(&r);
    unlink(FILE_NAME);
}

static void test_one_process_holds_the_lock(void **state)
{
    const char *message;
    char        sentence[128];
    (void)state;
    tap_checkpoint *first = tap_checkpoint_new(FILE_NAME), *second = tap_checkpoint_new(FILE_NAME);
    assert_int_equal(tap_checkpoint_status(first, NULL), TAP_OK);
    assert_int_equal(tap_checkpoint_status(second, &message), TAP_EIO);
    snprintf(sentence, sizeof sentence, FILE_NAME ": in use by another run, process %ld", (long)getpid());
    assert_string_equal(message, sentence);
    tap_checkpoint_free(second);
    tap_checkpoint_free(first);
    first = tap_checkpoint_new(FILE_NAME);
    assert_int_equal(tap_checkpoint_status(first, NULL), TAP_OK);
    tap_checkpoint_free(first);
    assert_int_equal(scratch_count(), 0);
}

static void assert_sticks(const char *sentence, tap_checkpoint *c)
{
    const char *message;
    tap_error   e = { 0 };
    assert_int_not_equal(tap_checkpoint_status(c, &message), TAP_OK);
    assert_string_equal(message, sentence);
    assert_int_not_equal(tap_checkpoint_save(c, &e), TAP_OK);
    assert_string_equal(e.message, sentence);
    tap_checkpoint_free(c);
    assert_int_equal(scratch_count(), 0);
}

static void test_bad_calls(void **state)
{
    double  x = 0;
    int64_t n = 2;
    (void)state;
    const tap_tensor scalar = tap_tensor_wrap(TAP_F64, TAP_SCALAR, &x), table = tap_tensor_wrap(TAP_F64, TAP_SHAPE(1), &x);
    tap_checkpoint  *c = tap_checkpoint_new(FILE_NAME);
    tap_checkpoint_tensor(c, "x", scalar);
    tap_checkpoint_tensor(c, "x", scalar);
    assert_sticks("checkpoint: x is the name of another item already", c);
    c = tap_checkpoint_new(FILE_NAME);
    tap_checkpoint_tensor(c, "", scalar);
    assert_sticks("checkpoint: a name must not be empty", c);
    c = tap_checkpoint_new(FILE_NAME);
    tap_checkpoint_module(c, "net", NULL);
    assert_sticks("checkpoint: net must not be NULL", c);
    c = tap_checkpoint_new(FILE_NAME);
    tap_checkpoint_table(c, "x", table, NULL);
    assert_sticks("checkpoint: x needs a pointer to its count of rows", c);
    c = tap_checkpoint_new(FILE_NAME);
    tap_checkpoint_table(c, "x", scalar, &n);
    assert_sticks("checkpoint: x must have at least one axis", c);
    c = tap_checkpoint_new(FILE_NAME);
    tap_checkpoint_option(c, "format", "mine");
    assert_sticks("checkpoint: format is the name of another option already", c);
    c = tap_checkpoint_new(FILE_NAME);
    tap_checkpoint_option(c, "checksum", "mine");
    assert_sticks("checkpoint: checksum is the name of another option already", c);
    c = tap_checkpoint_new(FILE_NAME);
    tap_checkpoint_option(c, "key", NULL);
    assert_sticks("checkpoint: an option needs a key and a value", c);
    assert_sticks("checkpoint: the path is NULL", tap_checkpoint_new(NULL));
    assert_sticks("checkpoint: the path is empty", tap_checkpoint_new(""));
    assert_sticks("nowhere/x: cannot create nowhere/x.lock: No such file or directory", tap_checkpoint_new("nowhere/x"));

    tap_error e = { 0 };
    c = tap_checkpoint_new(FILE_NAME);
    tap_checkpoint_table(c, "x", table, &n);
    assert_int_equal(tap_checkpoint_save(c, &e), TAP_EARG);
    assert_string_equal(e.message, FILE_NAME ": x: rows must be within 0..1, not 2");
    n = 1, e = (tap_error){ 0 };
    assert_int_equal(tap_checkpoint_save(c, &e), TAP_OK);
    tap_checkpoint_free(c);
    unlink(FILE_NAME);
    tap_checkpoint_free(NULL);
    assert_int_equal(tap_checkpoint_status(NULL, NULL), TAP_EARG);
}

/* A table grows, and is restored only into a buffer of enough capacity. */
static void test_tables(void **state)
{
    double    x[4] = { 1, 2, 3, 4 };
    int64_t   n = 3;
    tap_error e = { 0 };
    (void)state;
    for (int capacity = 4; capacity >= 2; capacity--) {
        tap_checkpoint *c = tap_checkpoint_new(FILE_NAME);
        tap_checkpoint_table(c, "x", tap_tensor_wrap(TAP_F64, TAP_SHAPE(capacity), x), &n);
        assert_int_equal(tap_checkpoint_resume(c, &e), capacity == 3);
        if (capacity == 4) assert_int_equal(tap_checkpoint_save(c, &e), TAP_OK);
        assert_int_equal(n, capacity == 4 || capacity == 3 ? 3 : 0);
        if (capacity == 3) assert_true(x[0] == 1 && x[2] == 3 && x[3] == 0);
        tap_checkpoint_free(c);
        memset(x, 0, sizeof x), n = 0;
    }
    assert_string_equal(e.message, FILE_NAME " does not fit the run: different x (float64 [3], not float64 [2])");
    unlink(FILE_NAME);
}

static int draw_rows(void **state)
{
    tap_random_normal(tap_tensor_wrap(TAP_F32, TAP_SHAPE(ROWS, WIDTH), rows), (tap_rng_key){ .seed = 3 });
    return scratch_enter(state);
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resumed_runs_have_the_same_bits),           cmocka_unit_test(test_the_newest_whole_generation_is_used),
        cmocka_unit_test(test_every_damaged_byte_is_noticed),      cmocka_unit_test(test_no_whole_generation_is_an_error),
        cmocka_unit_test(test_changed_options), cmocka_unit_test(test_options_of_the_program),
        cmocka_unit_test(test_numbers_out_of_range_are_refused), cmocka_unit_test(test_unconsumed_gradients_are_refused),
        cmocka_unit_test(test_one_process_holds_the_lock),   cmocka_unit_test(test_bad_calls),
        cmocka_unit_test(test_tables),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, draw_rows, scratch_leave);
}
