/* tests/fuzz/checkpoint.c: checkpoints of a small run. A file is loaded completely and the run resumes, or nothing changes. */
#include "nn/checkpoint.c" /* for its checksum and the contents of a checkpoint, which are private */

#include "tests/fuzz/safetensors.h"
#include "tensor/arena.h"

enum { ROWS = 5, WIDTH = 3, EPOCHS = 4 };

static float rows[ROWS][WIDTH] = { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 }, { 10, 11, 12 }, { 13, 14, 15 } };

typedef struct {
    tap_module     *root;
    tap_linear      l;
    tap_optim      *adam;
    tap_scheduler  *rates;
    tap_tape       *tape;
    tap_loader     *data;
    tap_checkpoint *c;
    tap_tensor      history; /* an allocation that ends with the last row */
    int64_t         n_history;
} run;

static void begin(run *r, const char *path)
{
    *r = (run){ .root = tap_module_new(TAP_F32, 1), .tape = tap_tape_new(TAP_F32, 2), .n_history = 1 };
    r->history = tap_tensor_wrap(TAP_F64, TAP_SHAPE(EPOCHS, 2), calloc(EPOCHS * 2, sizeof(double)));
    tap_linear_init(&r->l, r->root, "l", WIDTH, 2);
    r->adam = tap_adam_new(r->root, (tap_adam_options){ .lr = 0.01 });
    tap_optim_group(r->adam, tap_is_vector, NULL, (tap_group_options){ .lr = 0.02 });
    r->rates = tap_scheduler_new(r->adam, tap_exponential_lr(0.5));
    r->data = tap_loader_new(tap_tensor_wrap(TAP_F32, TAP_SHAPE(ROWS, WIDTH), rows),
                             (tap_loader_options){ .batch = 2, .shuffle = true });
    r->c = tap_checkpoint_new(path);
    tap_checkpoint_module(r->c, "net", r->root);
    tap_checkpoint_optim(r->c, "adam", r->adam);
    tap_checkpoint_tape(r->c, "tape", r->tape);
    tap_checkpoint_loader(r->c, "data", r->data);
    tap_checkpoint_table(r->c, "history", r->history, &r->n_history);
    tap_checkpoint_option(r->c, "latent", "2");
}

static void end(run *r)
{
    tap_checkpoint_free(r->c);
    free(r->history.data);
    tap_loader_free(r->data);
    tap_tape_free(r->tape);
    tap_module_free(r->root);
}

static void step(run *r)
{
    tap_tensor x;
    if (!tap_loader_next(r->data, &x)) {
        tap_loader_start(r->data, tap_loader_epoch(r->data) + 1);
        tap_loader_next(r->data, &x);
    }
    tap_tape_reset(r->tape);
    tap_var y = tap_linear_forward(&r->l, tap_input(r->tape, x));
    tap_backward(tap_mean(tap_square(tap_add(y, tap_randn(r->tape, TAP_SHAPE(2)))), TAP_ALL));
    tap_optim_step(r->adam, r->tape);
    tap_scheduler_step(r->rates);
}

/* Everything that a load may change. */
typedef struct {
    float                weight[3][2 * WIDTH], bias[3][2]; /* values and both moments */
    double               lr[2], base_lr[2], at, history[EPOCHS][2];
    int64_t              n_history, adam_step[2], tape_step;
    tap__loader_position place;
} state;

static state state_of(const run *r)
{
    state s;
    memset(&s, 0, sizeof s);
    const void *weight[] = { r->l.weight->value.data, r->adam->slots[0].state[0], r->adam->slots[0].state[1] };
    const void *bias[] = { r->l.bias->value.data, r->adam->slots[1].state[0], r->adam->slots[1].state[1] };
    for (int k = 0; k < 3; k++) {
        memcpy(s.weight[k], weight[k], sizeof s.weight[k]);
        memcpy(s.bias[k], bias[k], sizeof s.bias[k]);
    }
    memcpy(s.history, r->history.data, sizeof s.history);
    for (int i = 0; i < 2; i++) s.lr[i] = tap_optim_group_lr(r->adam, i);
    for (int i = 0; i < 2; i++) s.base_lr[i] = r->rates->base_lr[i];
    s.at = r->rates->at;
    s.n_history = r->n_history;
    for (int i = 0; i < 2; i++) s.adam_step[i] = r->adam->slots[i].step;
    s.tape_step = (int64_t)r->tape->step;
    s.place = *tap__loader_position_of(r->data);
    return s;
}

static bool is_same(state a, state b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* The file's options are the run's, as others are refused. */
static void check_options_of(const run *r, const char *path)
{
    int             n = 1; /* the checksum */
    tap_arena      *a = tap_arena_new();
    tap_safetensors file = tap_safetensors_read(a, path);
    for (const option *o = r->c->options; o; o = o->next, n++) {
        const char *value = tap_safetensors_metadata(&file, o->pair.key);
        FUZZ_CHECK(value && strcmp(value, o->pair.value) == 0, "%s", o->pair.key);
    }
    FUZZ_CHECK(file.n_metadata == n, "%d options, not %d", file.n_metadata, n);
    tap_arena_free(a);
}

/* The run can be saved over the file it came from and read by another run, and resumes. */
static void check_loaded(run *r, const char *path)
{
    run       other;
    tap_error e = { 0 };
    check_options_of(r, path);
    FUZZ_CHECK(tap_checkpoint_save(r->c, &e) == TAP_OK, "%s", e.message);
    tap_checkpoint_free(r->c); /* and releases the lock */
    r->c = NULL;
    begin(&other, path);
    tap_tensor_copy(other.history, r->history, NULL); /* including rows past the end */
    FUZZ_CHECK(tap_checkpoint_resume(other.c, &e), "%s", e.message);
    FUZZ_CHECK(is_same(state_of(r), state_of(&other)), "saved and loaded, the run is another one");
    end(&other);
}

void fuzz(const unsigned char *bytes, size_t n)
{
    run         r;
    const char *message, *path = fuzz_file(bytes, n);
    tap_error   e = { 0 };
    begin(&r, path);
    const state before = state_of(&r);
    tap_status  status = tap_checkpoint_status(r.c, &message);
    fuzz_check_status(status, message, path);
    if (r.c->found_memory)
        FUZZ_CHECK(tap__arena_bytes(r.c->found_memory) <= (1 << 20) + 64 * n, "%zu bytes", tap__arena_bytes(r.c->found_memory));
    bool done = tap_checkpoint_resume(r.c, &e);
    FUZZ_CHECK(done == (e.status == TAP_OK), "%s", e.status ? e.message : "silent");
    fuzz_check_status(e.status, e.message, path);
    if (done) check_loaded(&r, path);
    else FUZZ_CHECK(is_same(before, state_of(&r)), "the run has changed, but: %s", e.message);
    for (int i = 0; i < 4; i++) step(&r);
    end(&r);
}

/* Corrects the length of the header and the checksum after most mutations. */
size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t capacity, unsigned seed)
{
    n = mutate_safetensors(bytes, n, capacity, seed);
    tap_arena      *a = tap_arena_new();
    tap_safetensors file = tap_safetensors_read(a, fuzz_file(bytes, n));
    char            sum[24];
    format_checksum(sum, checksum(file.n, file.tensors, file.n_metadata, file.metadata));
    for (size_t i = 0; tap_safetensors_metadata(&file, CHECKSUM) && seed / 8 % 8 != 0 && i + strlen(sum) <= n; i++) {
        if (memcmp(bytes + i, "xxh3:", 5) == 0) memcpy(bytes + i, sum, strlen(sum));
    }
    tap_arena_free(a);
    return n;
}

/* ---- Seeds ------------------------------------------------------------------------------------------------------- */

/* The file that this run saves after this many steps, with a change. */
static void put_saved(fuzz_put *put, const char *name, int steps, void (*change)(run *r))
{
    size_t    n;
    run       r;
    tap_error e = { 0 };
    remove(fuzz_target_path());
    begin(&r, fuzz_target_path());
    for (int i = 0; i < steps; i++) step(&r);
    if (change) change(&r);
    FUZZ_CHECK(tap_checkpoint_save(r.c, &e) == TAP_OK, "%s", e.message);
    end(&r);
    void *bytes = fuzz_written(&n);
    put(name, bytes, n);
    free(bytes);
    remove(fuzz_target_path());
}

static void last_step(run *r)
{
    for (int i = 0; i < 2; i++) r->adam->slots[i].step = MAX_STEPS;
}

static void last_epoch(run *r)
{
    tap_loader_start(r->data, UINT64_MAX);
}

static void at_the_end(run *r)
{
    tap__loader_position_of(r->data)->next = ROWS;
}

static void full_table(run *r)
{
    r->n_history = EPOCHS;
}

static void empty_table(run *r)
{
    r->n_history = 0;
}

static void larger_table(run *r)
{
    item *i = r->c->items;
    while (strcmp(i->name, "history") != 0) i = i->next;
    i->x = tap_tensor_zeros(r->c->memory, TAP_F64, TAP_SHAPE(EPOCHS + 1, 2));
    r->n_history = EPOCHS + 1;
}

static void more_options(run *r)
{
    tap_checkpoint_option(r->c, "beta", "\x1b[2J");
}

static void more_tensors(run *r)
{
    static double x[2];
    tap_checkpoint_tensor(r->c, "mean", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), x));
}

void fuzz_seeds(fuzz_put *put)
{
    put_saved(put, "new", 0, NULL);
    put_saved(put, "trained", 3, NULL);
    put_saved(put, "last_step", 1, last_step);
    put_saved(put, "last_epoch", 1, last_epoch);
    put_saved(put, "at_the_end", 1, at_the_end);
    put_saved(put, "full_table", 1, full_table);
    put_saved(put, "larger_table", 1, larger_table);
    put_saved(put, "empty_table", 1, empty_table);
    put_saved(put, "more_options", 1, more_options);
    put_saved(put, "more_tensors", 1, more_tensors);
    put_header(put, "no_format", "{\"__metadata__\":{\"checksum\":\"xxh3:0000000000000000\"}}", 0);
    put_header(put, "no_checksum", "{\"__metadata__\":{\"format\":\"tapestry checkpoint 1\"}}", 0);
}
