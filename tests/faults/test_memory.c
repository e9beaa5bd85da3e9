/* tests/faults/test_memory.c: the n-th request for memory is refused, for every n up to the number of requests of a run. Either
 * some owner reports TAP_ENOMEM with a message, and everything is as it was; or the run succeeds, with the same bits as
 * always. */
#define _XOPEN_SOURCE 700
#include <math.h>
#include <sys/stat.h>

#include "examples/vae_cells/simulate.h"
#include "models/models.h"
#include "tensor/kernels/matmul.h"
#include "tests/autograd/gradient_tables.h"
#include "tests/faults/faults.h"
#include "tests/heap.h"
#include "tests/nn/layer_tables.h"
#include "tests/tensor/limits.h"
#include "tensor/arena.h"
#include "tensor/error.h"

static long request; /* the one that is refused */
static bool and_later, happened;

void faults_end(void)
{
    heap_refuse(0, false);
    heap_watch(false);
}

static void start(void)
{
    heap_refuse(request, and_later);
}

static bool stop(void)
{
    const long refused = heap_refused();
    heap_refuse(0, false);
    return happened = refused > 0;
}

/* libzip 1.7 loses a block when it opens an entry without memory, and mktime, which it calls, may keep the name of a time zone. */
static long may_differ(const scenario *s)
{
    return strstr(s->name, "reading") && (strstr(s->name, "archive") || strstr(s->name, ".npz"));
}

/* Returns whether there was an n-th request. With n = 0 nothing is refused; with n = -1, memory that the C library keeps is no
 * leak either. */
static bool try_refusing(const scenario *s, long n, bool all)
{
    request = n;
    and_later = all;
    snprintf(current_fault.what, sizeof current_fault.what, "request %ld%s refused", n, all ? " and all later" : "");
    happened = false;
    heap_take();
    heap_watch(true);
    tap_error e = faults_run(s, start, stop, n <= 0);
    heap_watch(false);
    CHECK(labs(heap_take().outstanding) <= may_differ(s) || n < 0);
    if (e.status == TAP_OK) return happened;
    CHECK(e.status == TAP_ENOMEM);
    CHECK(strstr(e.message, "emory") &&
          strncmp(e.message, "arena: no memory for", 20) != 0); /* the message must name the purpose */
    return true;
}

/* Arenas allocate by chunks and then block by block, so that every use of memory is refused once. */
static void try_all(const scenario *s)
{
    for (int by_block = 0; by_block < 2; by_block++) {
        tap__arena_one_chunk_per_block(by_block);
        try_refusing(s, 0, false);
        for (int all = 0; all < 2; all++) {
            for (long n = 1; try_refusing(s, n, all); n++) continue;
        }
    }
    tap__arena_one_chunk_per_block(false);
}

static void test_scenario(void **state)
{
    try_refusing(*state, -1, false);
    try_all(*state);
    faults_count_scenario();
}

/* ---- Training ---- */

enum { IMAGES = 12, SIDE = 4, PIXELS = SIDE * SIDE, BATCH = 4, STEPS = 3, CLASSES = 3 };

static uint8_t images[IMAGES][PIXELS];

typedef struct {
    tap_vae     vae;
    tap_mlp     mlp;
    tap_conv    conv;
    tap_param  *scale, *shift;
    tap_tensor  running_mean, running_var;
    float       running[2][2];
    tap_loader *loader;
    int64_t     labels[BATCH];
} model;

typedef struct {
    void (*init)(model *m, tap_module *root);
    tap_var (*loss)(model *m, tap_tape *t, tap_var x);
} architecture;

static record values, grads;

static void save_state(const tap_module *root)
{
    values.n = grads.n = 0;
    record_values(&values, root);
    record_grads(&grads, root);
}

static void check_unchanged(const tap_module *root)
{
    static record values_now, grads_now;
    values_now.n = grads_now.n = 0;
    record_values(&values_now, root);
    record_grads(&grads_now, root);
    CHECK(record_equal(&values_now, &values) && record_equal(&grads_now, &grads));
}

/* The second step has two backward passes: if the second fails, it must not change the gradient of the first. */
static void train(const architecture *a, tap_error *e)
{
    model       m = { 0 };
    tap_module *root = tap_module_new(TAP_F32, 1);
    tap_tape   *t = tap_tape_new(TAP_F32, 2);
    tap_tensor  x;
    a->init(&m, root);
    tap_optim  *adam = tap_adam_new(root, (tap_adam_options){ 0 });
    tap_loader *l = m.loader = tap_loader_new(tap_tensor_wrap(TAP_U8, TAP_SHAPE(IMAGES, PIXELS), images),
                                              (tap_loader_options){ .batch = BATCH, .shuffle = true });
    for (uint64_t step = 0; step < STEPS; step++) {
        tap_loader_start(l, step);
        for (int pass = 0; pass < 1 + (step == 1) && tap_loader_next(l, &x); pass++) {
            save_state(root);
            tap_tape_reset(t);
            tap_backward(a->loss(&m, t, tap_input(t, x)));
            if (tap_tape_status(t, NULL) != TAP_OK) check_unchanged(root);
        }
        save_state(root);
        const bool ok = tap_tape_status(t, NULL) == TAP_OK && tap_module_status(root, NULL) == TAP_OK;
        CHECK((tap_optim_step(adam, t) == TAP_OK) == ok);
        if (!ok) check_unchanged(root);
    }
    report(e, root, l, t);
    if (e->status == TAP_OK) record_values(&result, root);
    tap_loader_free(l);
    tap_tape_free(t);
    tap_module_free(root);
}

static void init_vae(model *m, tap_module *root)
{
    tap_vae_init(&m->vae, root, (tap_vae_options){ .data = PIXELS, .hidden = { 5 }, .latent = 2 });
}

static void init_conv_vae(model *m, tap_module *root)
{
    tap_vae_init(&m->vae, root,
                 (tap_vae_options){ .data = PIXELS,
                                    .image = { 1, SIDE, SIDE },
                                    .n_conv = 1,
                                    .conv = { 2 },
                                    .latent = 2,
                                    .likelihood = TAP_VAE_GAUSSIAN,
                                    .sigma_kind = TAP_VAE_SIGMA_BY_DECODER,
                                    .bound = TAP_IWAE,
                                    .samples = 2,
                                    .estimator = TAP_DOUBLY_REPARAMETERIZED });
}

static tap_var loss_vae(model *m, tap_tape *t, tap_var x)
{
    (void)t;
    return tap_vae_loss(&m->vae, x);
}

static tap_var labels(model *m, tap_tape *t)
{
    int64_t        n;
    const int64_t *rows = tap_loader_rows(m->loader, &n);
    for (int64_t i = 0; i < n; i++) m->labels[i] = rows[i] % CLASSES;
    return tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(n), m->labels));
}

static void init_mlp(model *m, tap_module *root)
{
    tap_mlp_init(&m->mlp, root, "net", 3, (const int64_t[]){ PIXELS, 5, CLASSES }, tap_tanh);
}

static tap_var loss_mlp(model *m, tap_tape *t, tap_var x)
{
    tap_var logits = tap_mlp_forward(&m->mlp, tap_dropout(x, 0.25, true));
    return tap_cross_entropy(logits, labels(m, t), (tap_var){ 0 }, TAP_NO_INDEX, TAP_REDUCE_MEAN, 0.1);
}

static void init_conv(model *m, tap_module *root)
{
    tap_conv_init(&m->conv, tap_module_child(root, "net"), "conv", 1, 2, 3, (tap_conv_options){ .padding = { 1, 1 } });
    m->scale = tap_param_new(root, "scale", TAP_SHAPE(2), tap_init_constant(1));
    m->shift = tap_param_new(root, "shift", TAP_SHAPE(2), tap_init_zeros());
    tap_mlp_init(&m->mlp, root, "head", 2, (const int64_t[]){ 2 * PIXELS / 4, CLASSES }, tap_identity);
    m->running_mean = tap_tensor_wrap(TAP_F32, TAP_SHAPE(2), m->running[0]);
    m->running_var = tap_tensor_wrap(TAP_F32, TAP_SHAPE(2), m->running[1]);
    tap_tensor_fill(m->running_var, 1);
}

/* Both running statistics are updated, or neither. */
static tap_var batch_norm(model *m, tap_tape *t, tap_var x)
{
    const model before = *m;
    tap_var     y = tap_batch_norm(x, &m->running_mean, &m->running_var, tap_param_var(t, m->scale), tap_param_var(t, m->shift),
                                   true, 0.1, 1e-5);
    for (int i = 0; i < 2; i++) {
        CHECK(isfinite(m->running[0][i]) && isfinite(m->running[1][i]));
        CHECK((m->running[0][i] != before.running[0][i]) == (m->running[1][i] != before.running[1][i]));
    }
    return y;
}

static tap_var loss_conv(model *m, tap_tape *t, tap_var x)
{
    tap_var h = tap_conv_forward(&m->conv, tap_reshape(x, TAP_SHAPE(-1, 1, SIDE, SIDE)));
    h = tap_max_pool2d(tap_relu(batch_norm(m, t, h)), (tap_pool_options){ .kernel = { 2, 2 } }, NULL);
    tap_var logits = tap_mlp_forward(&m->mlp, tap_reshape(h, TAP_SHAPE(-1, 2 * PIXELS / 4)));
    return tap_cross_entropy(logits, labels(m, t), (tap_var){ 0 }, TAP_NO_INDEX, TAP_REDUCE_MEAN, 0);
}

static void run_vae(tap_error *e)
{
    train(&(architecture){ init_vae, loss_vae }, e);
}

static void run_conv_vae(tap_error *e)
{
    train(&(architecture){ init_conv_vae, loss_vae }, e);
}

static void run_mlp(tap_error *e)
{
    train(&(architecture){ init_mlp, loss_mlp }, e);
}

static void run_conv(tap_error *e)
{
    train(&(architecture){ init_conv, loss_conv }, e);
}

/* A step of each layer of a table. */
static void run_table(const layer_row *rows, tap_error *e)
{
    tap_module *root = tap_module_new(TAP_F64, 1);
    tap_tape   *t = tap_tape_new(TAP_F64, 2);
    tap_arena  *a = tap_arena_new();
    tap_var     loss = tap_scalar(t, 0);
    const char *message;
    for (const layer_row *r = rows; r->name; r++) {
        tap_module *m = tap_module_child(root, r->name);
        tap_param  *x = tap_param_new(m, "x", r->x, tap_init_normal(1));
        void       *layer = r->make(m, a);
        if (layer) loss = tap_add(loss, tap_sum(tap_square(r->call(layer, tap_param_var(t, x))), TAP_ALL));
    }
    if (tap_arena_status(a, &message) != TAP_OK) tap_error_set(e, TAP_ENOMEM, "no memory for the structs of layers");
    else tap_backward(loss);
    report(e, root, NULL, t);
    if (e->status == TAP_OK) record_values(&result, root);
    tap_arena_free(a);
    tap_tape_free(t);
    tap_module_free(root);
}

static void run_layers(tap_error *e)
{
    run_table(plain_layers, e);
}

static void run_sequences(tap_error *e)
{
    run_table(sequence_layers, e);
}

static tap_var square_of_weights(tap_tape *t, void *ctx)
{
    return tap_sum(tap_square(tap_param_var(t, tap_module_param(ctx, "w"))), TAP_ALL);
}

/* Groups, a schedule of schedules, an average, and L-BFGS. */
static void run_optimizers(tap_error *e)
{
    tap_module *root = tap_module_new(TAP_F64, 1);
    tap_tape   *t = tap_tape_new(TAP_F64, 2);
    tap_param_new(root, "w", TAP_SHAPE(3, 4), tap_init_orthogonal(1));
    tap_param_new(root, "b", TAP_SHAPE(3), tap_init_trunc_normal(0, 1, -2, 2));
    tap_module        *average = tap_averaged_model_new(root);
    tap_optim         *o = tap_adamw_new(root, (tap_adamw_options){ .amsgrad = true });
    const tap_schedule part[] = { tap_linear_lr(0.5, 1, 2), tap_exponential_lr(0.5) };
    const tap_schedule parts[] = { tap_sequential_lr(2, part, (int64_t[]){ 1 }), tap_step_lr(1, 0.5) };
    tap_optim_group(o, tap_is_vector, NULL, (tap_group_options){ .weight_decay = TAP_ZERO });
    tap_scheduler *s = tap_scheduler_new(o, tap_chained_lr(2, parts));
    for (int step = 0; step < 2; step++) {
        tap_optim_step_closure(o, t, square_of_weights, root);
        tap_scheduler_step(s);
        tap_averaged_model_update(average, root, (tap_average_options){ 0 });
    }
    tap_optim_free(o);
    o = tap_lbfgs_new(root, (tap_lbfgs_options){ .history_size = 2, .strong_wolfe = true });
    tap_optim_step_closure(o, t, square_of_weights, root);
    report(e, root, NULL, t);
    report(e, average, NULL, NULL);
    if (e->status == TAP_OK) record_values(&result, root);
    if (e->status == TAP_OK) record_values(&result, average);
    tap_tape_free(t);
    tap_module_free(average);
    tap_module_free(root);
}

/* Encodes and decodes, with one stream. */
static void run_bits_back(tap_error *e)
{
    tap_vae     v;
    tap_arena  *a = tap_arena_new();
    tap_module *root = tap_module_new(TAP_F32, 1);
    const char *message;
    tap_vae_init(&v, root,
                 (tap_vae_options){ .data = PIXELS, .hidden = { 5 }, .latent = 2, .likelihood = TAP_VAE_BETA_BINOMIAL });
    report(e, root, NULL, NULL);
    if (e->status == TAP_OK) {
        tap_tensor bytes = tap_bits_back_encode(a, &v, tap_tensor_wrap(TAP_U8, TAP_SHAPE(IMAGES, PIXELS), images));
        tap_tensor back = tap_bits_back_decode(a, &v, bytes);
        if (tap_arena_status(a, &message)) tap_error_set(e, tap_arena_status(a, NULL), "%s", message);
        CHECK(e->status || !memcmp(back.data, images, sizeof images));
        if (e->status == TAP_OK) record_tensor(&result, bytes);
    }
    tap_arena_free(a);
    tap_module_free(root);
}

/* Fitting q to an image uses a tape and a module of its own; the model's gradients must not change. */
static void run_scores(tap_error *e)
{
    model       m = { 0 };
    tap_module *root = tap_module_new(TAP_F32, 1);
    tap_tape   *t = tap_tape_new(TAP_F32, 2);
    init_vae(&m, root);
    save_state(root);
    tap_var x =
        tap_mul_scalar(tap_cast(tap_input(t, tap_tensor_wrap(TAP_U8, TAP_SHAPE(IMAGES, PIXELS), images)), TAP_F32), 1. / 255);
    tap_var s[] = { tap_vae_reconstruction_log_prob(&m.vae, x, 2), tap_vae_log_likelihood(&m.vae, x, 2),
                    tap_vae_deviance(&m.vae, x, NULL), tap_vae_regret(&m.vae, x, 2, (tap_fit_options){ .steps = 2 }) };
    tap_var all = tap_stack(4, s, 0);
    report(e, root, NULL, t);
    check_unchanged(root);
    if (e->status == TAP_OK) record_tensor(&result, tap_value(all));
    tap_tape_free(t);
    tap_module_free(root);
}

static void run_metrics(tap_error *e)
{
    static double  score[] = { 3, 1, 2, 2, 5, 1, 2 }, x[8], y[8];
    static uint8_t positive[] = { 0, 0, 1, 0, 1, 1, 0 };
    tap_tensor     s = tap_tensor_wrap(TAP_F64, TAP_SHAPE(7), score), p = tap_tensor_wrap(TAP_U8, TAP_SHAPE(7), positive);
    tap_interval   found[] = { tap_auroc(s, p, (tap_bootstrap_options){ .resamples = 20 }, e),
                               tap_average_precision(s, p, (tap_bootstrap_options){ .resamples = 20 }, e) };
    int64_t n = tap_roc_curve(s, p, tap_tensor_wrap(TAP_F64, TAP_SHAPE(8), x), tap_tensor_wrap(TAP_F64, TAP_SHAPE(8), y), e);
    CHECK(e->status == TAP_OK || isnan(found[0].value) || isnan(found[1].value) || n == 0);
    if (e->status == TAP_OK) record_bytes(&result, found, sizeof found);
}

/* ---- Every operator, with first and second derivatives ---- */

static const gradient_row *row;
static double              inputs[GRADIENT_INPUTS][512], gradients[GRADIENT_INPUTS][512];

static tap_shape reversed(tap_shape s)
{
    tap_shape r = s;
    for (int i = 0; i < s.rank; i++) r.n[i] = s.n[s.rank - 1 - i];
    return r;
}

static void draw_inputs(void)
{
    for (int i = 0; i < row->n; i++) {
        tap_tensor x = tap_tensor_wrap(TAP_F64, TAP_SHAPE(tap_numel(row->shape[i])), inputs[i]);
        CHECK(tap_tensor_numel(x) <= 512);
        tap_random_uniform(x, (tap_rng_key){ .seed = 7, .stream = (uint64_t)i });
        for (int64_t k = 0; k < tap_tensor_numel(x); k++)
            inputs[i][k] = row->low[i] + (row->high[i] - row->low[i]) * inputs[i][k];
    }
}

/* sum f(x) + sum (d sum f(x) / dx)^2 + sum x. The last term makes the result depend on x in any case. */
static tap_var with_gradients(tap_tape *t, const tap_var *x)
{
    tap_var dx[GRADIENT_INPUTS], y = tap_sum(row->f(t, x, NULL), TAP_ALL);
    tap_grad(y, row->n, x, dx);
    for (int i = 0; i < row->n; i++) y = tap_add(y, tap_sum(tap_square(dx[i]), TAP_ALL));
    return tap_add(y, tap_sum(x[0], TAP_ALL));
}

/* Inputs are transposed views, so that some operators need a copy. */
static void run_row(tap_error *e)
{
    const int axes[][3] = { { 0 }, { 0 }, { 1, 0 }, { 2, 1, 0 } };
    tap_tape *t = tap_tape_new(TAP_F64, 2);
    tap_var   x[GRADIENT_INPUTS];
    bool      fresh[GRADIENT_INPUTS] = { 0 };
    for (int i = 0; i < row->n; i++) {
        tap_shape      s = row->shape[i];
        const tap_leaf leaf = { tap_tensor_wrap(TAP_F64, reversed(s), inputs[i]),
                                tap_tensor_wrap(TAP_F64, reversed(s), gradients[i]), &fresh[i], "x" };
        fresh[i] = true;
        x[i] = tap_leaf_var(t, &leaf);
        if (s.rank == 2 || s.rank == 3) x[i] = tap_permute(x[i], s.rank, axes[s.rank]);
        else if (s.rank > 3) x[i] = tap_reshape(x[i], s);
    }
    tap_var y = with_gradients(t, x);
    tap_backward(y);
    report(e, NULL, NULL, t);
    for (int i = 0; i < row->n; i++) {
        CHECK(e->status == TAP_OK || fresh[i]);
        if (e->status == TAP_OK && !fresh[i]) record_tensor(&result, tap_tensor_wrap(TAP_F64, row->shape[i], gradients[i]));
    }
    if (e->status == TAP_OK) record_tensor(&result, tap_value(y));
    tap_tape_free(t);
}

static void test_operators(void **state)
{
    scenario one = { .run = run_row };
    (void)state;
    for (int k = 0; k < TABLES; k++) {
        for (row = tables[k]; row->op; row++) {
            one.name = row->op;
            draw_inputs();
            try_refusing(&one, -1, false);
            try_all(&one);
        }
    }
    faults_count_scenario();
}

/* ---- Gradient checks ---- */

static tap_var checked_function(tap_tape *t, void *layer)
{
    static float x[1] = { 0.5f };
    return tap_exp(tap_linear_forward(layer, tap_input(t, tap_tensor_wrap(TAP_F32, TAP_SHAPE(1, 1), x))));
}

/* Through float64 copies of the parameters, at second order. */
static void run_gradcheck(tap_error *e)
{
    tap_linear  layer;
    tap_module *root = tap_module_new(TAP_F32, 1);
    tap_linear_init(&layer, root, "layer", 1, 1);
    save_state(root);
    tap_gradcheck_result r = tap_module_gradcheck(root, checked_function, &layer, (tap_gradcheck_options){ .order = 2 });
    check_unchanged(root);
    CHECK(r.ok == (r.status == TAP_OK));
    tap_error_set(e, r.status, "%s", r.message);
    if (r.ok) record_bytes(&result, &r.checked, sizeof r.checked);
    tap_module_free(root);
}

/* ---- Clusters of cells ---- */

/* Simulated counts, their principal components, and the clusters of those. */
static void run_clustering(tap_error *e)
{
    enum { CELLS = 20 };
    int64_t    found[CELLS];
    tap_arena *a = tap_arena_new();
    tap__arena_name(a, "clusters");
    const simulated_counts s = simulate_counts(a, (count_simulation){ .cells = CELLS, .genes = 8, .groups = 2 });
    const tap_tensor       x = tap_csr_pca(a, tap_csr_log_normalize(a, s.counts, 100), 2, 0);
    const tap_tensor       label = tap_tensor_wrap(TAP_I64, TAP_SHAPE(CELLS), found);
    tap__error_copy(e, tap_arena_error(a));
    CHECK((x.data != NULL) == (e->status == TAP_OK));
    if (x.data) tap_kmeans(x, (tap_kmeans_options){ .clusters = 2 }, label, e);
    const double index = e->status == TAP_OK ? tap_adjusted_rand_index(label, s.group, e) : 0;
    if (e->status == TAP_OK) {
        record_tensor(&result, x);
        record_tensor(&result, label);
        record_bytes(&result, &index, sizeof index);
    }
    tap_arena_free(a);
}

/* ---- BLIS, which ends the process when it gets no memory ---- */

enum { WIDTH = 64 };

static size_t growth; /* bytes that the process may allocate */

static int product_by_blis(void)
{
    static float a[WIDTH][WIDTH], b[WIDTH][WIDTH], out[WIDTH][WIDTH];
    const char  *message;
    tap_arena   *arena = tap_arena_new();
    a[1][2] = b[2][3] = 1;
    if (!limit_growth(growth)) return 1;
    bool done = tap__matmul_by_blis(tap_tensor_wrap(TAP_F32, TAP_SHAPE(WIDTH, WIDTH), a),
                                    tap_tensor_wrap(TAP_F32, TAP_SHAPE(WIDTH, WIDTH), b),
                                    tap_tensor_wrap(TAP_F32, TAP_SHAPE(WIDTH, WIDTH), out), false, arena);
    if (done) return out[1][3] == 1 ? 0 : 2;
    if (tap_arena_status(arena, &message) != TAP_ENOMEM || strncmp(message, "BLIS: no memory for ", 20) != 0) return 3;
    return growth < 1 << 28 ? 0 : 4;
}

/* The process has not called BLIS yet. */
static void test_blis(void **state)
{
    (void)state;
    for (growth = 0; growth < 1 << 26; growth += 3 << 20) assert_child_succeeds(product_by_blis);
    growth = 1 << 28;
    assert_child_succeeds(product_by_blis);
}

static int begin(void **state)
{
    for (int i = 0; i < IMAGES; i++) {
        for (int k = 0; k < PIXELS; k++) images[i][k] = (uint8_t)((i * 31 + k * k * 17) % 256);
    }
    tap_set_threads(1); /* OpenMP ends the process when it gets no memory for a thread */
    return scratch_enter(state);
}

static int end(void **state)
{
    faults_count("memory");
    return scratch_leave(state);
}

enum { SKIPPED = 77 }; /* for Meson */

/* ---- Loading ---- */

/* A data set given as a function, and arrays drawn with weights, transformed and prepared by a thread. */
static tap_status read_row(void *context, int64_t number, const tap_tensor *out, tap_error *e)
{
    (void)context, (void)e;
    tap_tensor_set_item(out[0], 0, (double)number);
    return TAP_OK;
}

static void load(tap_loader *l, tap_error *e)
{
    tap_tensor x[2];
    for (int i = 0; i < 5 && tap_loader_cycle(l, x); i++) {
        if (e->status == TAP_OK) record_tensor(&result, x[0]);
    }
    report(e, NULL, l, NULL);
    tap_loader_free(l);
}

/* The address sanitizer needs memory of its own in a new thread, and ends the process without it. libzip 1.7 leaks when it has no
 * memory. */
#ifdef __SANITIZE_ADDRESS__
enum { PREFETCH = 0 };
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libzip.so";
}
#else
enum { PREFETCH = 2 };
#endif

static void run_loaders(tap_error *e)
{
    static const double     weights[IMAGES] = { 1, 2, 0, 3, 4, 5, 6, 7, 8, 9, 1, 2 };
    const tap_dataset       data = { .rows = 9, .n = 1, .dtype = { TAP_F32 }, .shape = { { 0 } }, .read = read_row };
    const tap_field_options float64 = { .as = TAP_FIELD_FLOAT },
                            how[] = { float64, { .as = TAP_FIELD_ONE_HOT, .classes = 256 } };
    const tap_loader_options drawn = { .batch = BATCH,
                                       .dtype = TAP_F64,
                                       .prefetch = PREFETCH,
                                       .weights = tap_tensor_wrap(TAP_F64, TAP_SHAPE(IMAGES), (void *)(uintptr_t)weights),
                                       .draws = 10,
                                       .without_replacement = true,
                                       .transform = { tap_transform_mixup(1), tap_transform_horizontal_flip(0.5) } };
    const tap_tensor         arrays[] = { tap_tensor_wrap(TAP_U8, TAP_SHAPE(IMAGES, PIXELS), images),
                                          tap_tensor_wrap(TAP_U8, TAP_SHAPE(IMAGES), images) };
    load(tap_loader_new_arrays(2, arrays, how, drawn), e);
    load(tap_loader_new_dataset(data, &float64, (tap_loader_options){ .batch = 2, .dtype = TAP_F64, .shuffle = true }), e);
}

static void make_folder(void)
{
    CHECK(mkdir("images", 0700) == 0 && mkdir("images/a", 0700) == 0);
    CHECK(tap_png_write("images/a/b.png", tap_tensor_wrap(TAP_U8, TAP_SHAPE(SIDE, SIDE), images), NULL) == TAP_OK);
}

static void remove_folder(const tap_error *e)
{
    (void)e;
    CHECK(unlink("images/a/b.png") == 0 && rmdir("images/a") == 0 && rmdir("images") == 0);
}

static void run_folder(tap_error *e)
{
    tap_image_folder *f = tap_image_folder_new("images", 3);
    load(tap_loader_new_dataset(tap_image_folder_dataset(f), NULL, (tap_loader_options){ .batch = 1 }), e);
    tap_image_folder_free(f);
}

int main(void)
{
    if (!heap_is_interposed()) {
        print_message("skipped: malloc is not interposed\n");
        return SKIPPED;
    }
    /* clang-format off */
    static const scenario scenarios[] = {
        { .name = "training a VAE", .run = run_vae },           { .name = "training a convolutional VAE", .run = run_conv_vae },
        { .name = "training an MLP", .run = run_mlp },          { .name = "training a convolutional network", .run = run_conv },
        { .name = "layers", .run = run_layers },
        { .name = "layers of sequences", .run = run_sequences },
        { .name = "optimizers and schedules", .run = run_optimizers },
        { .name = "checking gradients", .run = run_gradcheck }, { .name = "bits back", .run = run_bits_back },
        { .name = "clustering cells", .run = run_clustering },  { .name = "loading rows", .run = run_loaders },
        { .name = "loading a folder", .before = make_folder, .run = run_folder, .after = remove_folder },
        { .name = "scoring images", .run = run_scores },        { .name = "measuring scores", .run = run_metrics },
        { 0 },
    };
    /* clang-format on */
    struct CMUnitTest tests[64] = { cmocka_unit_test(test_blis), cmocka_unit_test(test_operators) };
    size_t            n = 2;
    for (const scenario *s = scenarios; s->run; s++) tests[n++] = faults_test(s, test_scenario);
    for (const scenario *s = file_scenarios; s->run; s++) tests[n++] = faults_test(s, test_scenario);
    return _cmocka_run_group_tests("memory", tests, n, begin, end);
}
