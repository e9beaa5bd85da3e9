/* Every function of nn.h and models.h on modules, tapes and vars that are no good, and with arguments that make no sense:
 * nothing crashes, the first message is kept, results are inert, and parameters and gradients keep every bit. */
#define _XOPEN_SOURCE 700
#include "models/models.h"
#include "tests/bad_arguments/bad_arguments.h"

/* ---- The world that a call finds ---- */

enum { BATCH = 2, IN = 4, OUT = 3, LATENT = 2, NUMBERS = 1024 };

/* The bits of all parameters and gradients. */
typedef struct {
    int    n;
    double numbers[NUMBERS];
} snapshot;

typedef struct {
    tap_var  x, z, noise, c; /* [2,4], [2,2], [1,2,2], [2]; noise and c are the second of a pair */
    tap_dist q, p, b;        /* normal, normal, Bernoulli */
} operands;

struct world {
    tap_module     *m, *root; /* what calls are given; what is there */
    int64_t         count;    /* numbers in the parameters */
    tap_param      *weight;
    tap_linear      linear_memory, *linear;
    tap_mlp         mlp_memory, *mlp;
    tap_conv        conv_memory, *conv;
    tap_count_vae   count_vae_memory, *count_vae;
    tap_vae         vae_memory, *vae, conditional_memory, *conditional;
    tap_scalar_vae  tiny_memory, *tiny;
    tap_linear_vae  linear_vae_memory, *linear_vae;
    tap_autoencoder autoencoder_memory, *autoencoder;
    tap_optim      *optim;
    tap_loader     *loader;
    tap_tape       *t, *other;
    operands        in;
    double          data[BATCH * IN];
    tap_var         out;    /* what the call gave: a var, */
    tap_tensor      value;  /* a tensor */
    int             status; /* or a status; -1: none */
};

static const tap_csr sparse = { 2, 2, (const int64_t[]){ 0, 1, 3 }, (const int32_t[]){ 1, 0, 1 }, (const float[]){ 1, 2, 3 } };

static tap_tensor data_of(world *w)
{
    return tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH, IN), w->data);
}

static operands operands_on(tap_tape *t, tap_tensor data)
{
    tap_var x = tap_input(t, data), zero = tap_scalar(t, 0);
    tap_var noise = tap_zeros(t, TAP_SHAPE(1, BATCH, LATENT)), z = tap_zeros(t, TAP_SHAPE(BATCH, LATENT));
    tap_var c = tap_ones(t, TAP_SHAPE(LATENT));
    return (operands){ x, z, noise, c, tap_normal(x, zero), tap_normal(zero, zero), tap_bernoulli(x) };
}

/* Every parameter gets a gradient. */
static void learn(world *w)
{
    tap_tape *t = tap_tape_new(TAP_F64, 3);
    tap_var   x = tap_input(t, data_of(w));
    tap_var   y = tap_add(tap_linear_forward(w->linear, x), tap_mlp_forward(w->mlp, x));
    tap_var   image = tap_conv_forward(w->conv, tap_unsqueeze(x, 0));
    tap_var   given = tap_ones(t, TAP_SHAPE(LATENT));
    /* clang-format off */
    tap_var   losses[] = { tap_count_vae_loss(w->count_vae, x, (tap_var){ 0 }), tap_vae_loss(w->vae, x), tap_vae_loss_given(w->conditional, x, given),
                           tap_sum(tap_square(y), TAP_ALL), tap_sum(tap_square(image), TAP_ALL),
                           tap_sum(tap_scalar_vae_elbo(w->tiny, x), TAP_ALL),
                           tap_sum(tap_linear_vae_elbo(w->linear_vae, x), TAP_ALL), tap_autoencoder_loss(w->autoencoder, x) };
    /* clang-format on */
    assert_int_equal(tap_backward(tap_sum(tap_stack(8, losses, 0), TAP_ALL)), TAP_OK);
    tap_tape_free(t);
}

static void world_begin(world *w)
{
    *w = (world){ .status = -1 };
    for (int i = 0; i < BATCH * IN; i++) w->data[i] = i % 2;
    w->m = w->root = tap_module_new(TAP_F64, 1);
    w->linear = &w->linear_memory;
    w->mlp = &w->mlp_memory;
    w->conv = &w->conv_memory;
    w->vae = &w->vae_memory;
    w->conditional = &w->conditional_memory;
    tap_conv_init(w->conv, w->m, "conv", 1, 2, 2, (tap_conv_options){ 0 });
    tap_linear_init(w->linear, w->m, "linear", IN, OUT);
    tap_mlp_init(w->mlp, w->m, "mlp", 2, (int64_t[]){ IN, OUT }, tap_tanh);
    tap_vae_options options = { .data = IN, .n_hidden = 1, .hidden = { OUT }, .latent = LATENT };
    tap_vae_init(w->vae, tap_module_child(w->m, "vae"), options);
    options.condition = LATENT;
    tap_vae_init(w->conditional, tap_module_child(w->m, "conditional"), options);
    w->count_vae = &w->count_vae_memory;
    tap_count_vae_init(w->count_vae, tap_module_child(w->m, "count_vae"),
                       (tap_count_vae_options){ .genes = IN, .hidden = { OUT }, .latent = LATENT });
    w->tiny = &w->tiny_memory;
    w->linear_vae = &w->linear_vae_memory;
    w->autoencoder = &w->autoencoder_memory;
    tap_scalar_vae_init(w->tiny, tap_module_child(w->m, "tiny"));
    tap_linear_vae_init(w->linear_vae, tap_module_child(w->m, "linear_vae"), IN, LATENT, 0);
    tap_autoencoder_init(w->autoencoder, tap_module_child(w->m, "autoencoder"),
                         (tap_autoencoder_options){ .data = IN, .hidden = { OUT }, .latent = LATENT });
    w->weight = w->linear->weight;
    w->optim = tap_adam_new(w->m, (tap_adam_options){ 0 });
    w->loader = tap_loader_new(data_of(w), (tap_loader_options){ .batch = 1, .dtype = TAP_F64 });
    w->t = tap_tape_new(TAP_F64, 1);
    w->other = tap_tape_new(TAP_F64, 2);
    w->in = operands_on(w->t, data_of(w));
    learn(w);
    w->count = tap_module_numel(w->m);
    assert_true(2 * w->count <= NUMBERS);
}

static void world_end(world *w)
{
    tap_module_free(w->root);
    tap_loader_free(w->loader);
    tap_tape_free(w->t);
    tap_tape_free(w->other);
}

static snapshot snap(const world *w)
{
    snapshot s = { 0 };
    for (tap_param *p = tap_module_next(w->root, NULL); p && s.n < 2 * w->count; p = tap_module_next(w->root, p)) {
        const double *value = tap_param_value(p).data, *grad = tap_param_grad(p).data;
        for (int64_t i = 0; i < tap_tensor_numel(tap_param_value(p)); i++) {
            s.numbers[s.n++] = value[i];
            s.numbers[s.n++] = grad[i];
        }
    }
    return s;
}

static tap_var module_function(tap_tape *t, void *ctx)
{
    world *w = ctx;
    return tap_linear_forward(w->linear, tap_input(t, data_of(w)));
}

static tap_gradcheck_result check(world *w, tap_module_function f, tap_gradcheck_options o)
{
    return tap_module_gradcheck(w->m, f, w, o);
}

/* ---- A call of every function, and what it needs ---- */

enum {
    MODULE = 1, /* a module or parameter that is sound */
    TAPE = 2,   /* a tape, or vars on it */
    ON = 4,     /* without a tape there is no result */
    VARS = 8,   /* at least one var */
    PAIR = 16,  /* more than one */
    LOADER = 32,
    FAILS = 64, /* it is there to fail the module */
};

#define ON_TAPE    (TAPE | ON)
#define SAYS(call) w->status = (int)(call)
/* Whether something can be added to a checkpoint. */
#define CHECKPOINT(add) \
    tap_checkpoint *c = tap_checkpoint_new("point"); \
    add; \
    SAYS(tap_checkpoint_status(c, NULL)); \
    tap_checkpoint_free(c)
#define DIST(f) X(f, ON_TAPE | VARS, w->out = f(w->in.q))

#define NOTHING ((tap_var){ 0 })

/* clang-format off */
#define FUNCTIONS_OF_NN \
    X(tap_module_new, 0, tap_module *m = tap_module_new(no_dtype, 0); \
      assert_int_equal(tap_module_status(m, NULL), TAP_EDTYPE); tap_module_free(m)) \
    X(tap_module_free, 0, tap_module_free(NULL)) \
    X(tap_module_child, MODULE, SAYS(tap_module_status(tap_module_child(w->m, "child"), NULL))) \
    X(tap_module_status, MODULE, SAYS(tap_module_status(w->m, NULL))) \
    X(tap_module_message, 0, tap_module_message(w->m)) \
    X(tap_module_clear_error, 0, tap_module_clear_error(NULL)) \
    X(tap_module_set_requires_grad, 0, tap_module_set_requires_grad(w->m, true)) \
    X(tap_param_set_requires_grad, 0, tap_param_set_requires_grad(w->weight, true); tap_param_set_requires_grad(NULL, false)) \
    X(tap_param_requires_grad, 0, tap_param_requires_grad(w->weight); assert_false(tap_param_requires_grad(NULL))) \
    X(tap_module_fail, MODULE | FAILS, tap_module_fail(w->m, TAP_EIO, "%s", "one more")) \
    X(tap_module_dtype, 0, tap_module_dtype(w->m)) \
    X(tap_module_numel, 0, tap_module_numel(w->m)) \
    X(tap_init_zeros, 0, tap_init_zeros()) \
    X(tap_init_constant, 0, tap_init_constant((double)NAN)) \
    X(tap_init_uniform, 0, tap_init_uniform(-1)) \
    X(tap_init_normal, 0, tap_init_normal((double)INFINITY)) \
    X(tap_init_xavier_uniform, 0, tap_init_xavier_uniform(-1)) \
    X(tap_init_xavier_normal, 0, tap_init_xavier_normal(-1)) \
    X(tap_init_kaiming_uniform, 0, tap_init_kaiming_uniform(-1)) \
    X(tap_init_kaiming_normal, 0, tap_init_kaiming_normal(-1)) \
    X(tap_init_default, 0, tap_init_default(INT64_MIN)) \
    X(tap_param_new, MODULE, w->value = tap_param_value(tap_param_new(w->m, "new", TAP_SHAPE(2), tap_init_zeros()))) \
    X(tap_param_path, 0, assert_non_null(tap_param_path(w->weight))) \
    X(tap_param_value, 0, tap_param_value(w->weight)) \
    X(tap_param_grad, 0, tap_param_grad(w->weight)) \
    X(tap_param_var, MODULE | ON_TAPE, w->out = tap_param_var(w->t, w->weight)) \
    X(tap_module_next, 0, tap_module_next(w->m, w->weight)) \
    X(tap_module_param, 0, tap_module_param(w->m, "linear.weight")) \
    X(tap_module_zero_grad, 0, tap_module_zero_grad(w->m)) \
    X(tap_module_print, 0, tap_module_print(w->m)) \
    X(tap_module_fprint, 0, tap_module_fprint(NULL, w->m)) \
    X(tap_module_save, MODULE, SAYS(tap_module_save(w->m, "module", 0, NULL, NULL))) \
    X(tap_module_load, MODULE, SAYS(tap_module_load(w->m, "good", NULL))) \
    X(tap_linear_init, MODULE, tap_linear l; tap_linear_init(&l, w->m, "new", 2, 2); \
      w->value = tap_param_value(l.weight)) \
    X(tap_linear_forward, MODULE | ON_TAPE | VARS, w->out = tap_linear_forward(w->linear, w->in.x)) \
    X(tap_activation_find, 0, assert_null(tap_activation_find(NULL)); assert_null(tap_activation_find(""))) \
    X(tap_activation_names, 0, assert_non_null(tap_activation_names())) \
    X(tap_identity, ON_TAPE | VARS, w->value = tap_value(tap_identity(w->in.x))) \
    X(tap_mlp_init, MODULE, tap_mlp l; tap_mlp_init(&l, w->m, "new", 2, (int64_t[]){ 2, 2 }, tap_relu); \
      w->value = tap_param_value(l.layers[0].weight)) \
    X(tap_mlp_forward, MODULE | ON_TAPE | VARS, w->out = tap_mlp_forward(w->mlp, w->in.x)) \
    X(tap_conv_init, MODULE, tap_conv l; tap_conv_init(&l, w->m, "new", 2, 3, 2, (tap_conv_options){ 0 }); \
      w->value = tap_param_value(l.weight)) \
    X(tap_conv_transpose_init, MODULE, tap_conv l; \
      tap_conv_transpose_init(&l, w->m, "new", 2, 3, 2, (tap_conv_options){ 0 }); w->value = tap_param_value(l.weight)) \
    X(tap_conv_forward, MODULE | ON_TAPE | VARS, w->out = tap_conv_forward(w->conv, tap_unsqueeze(w->in.x, 0))) \
    X(tap_one_hot, ON_TAPE | VARS, w->out = tap_one_hot(tap_cast(tap_abs(w->in.x), TAP_I64), TAP_NONE)) \
    X(tap_normal, 0, tap_normal(w->in.x, w->in.noise)) \
    X(tap_standard_normal_like, ON_TAPE,        w->out = tap_neg(tap_standard_normal_like(w->in.q).param[0])) \
    X(tap_bernoulli, 0, tap_bernoulli(w->in.x)) \
    DIST(tap_sample) \
    X(tap_sample_n, ON_TAPE | VARS, w->out = tap_sample_n(w->in.b, 3)) \
    X(tap_sample_from, ON_TAPE | VARS | PAIR, w->out = tap_sample_from(w->in.p, w->in.x)) \
    X(tap_log_prob, ON_TAPE | VARS | PAIR, w->out = tap_log_prob(w->in.b, w->in.x)) \
    DIST(tap_entropy) DIST(tap_dist_mean) \
    X(tap_kl, ON_TAPE | VARS, w->out = tap_kl(w->in.q, w->in.p)) \
    X(tap_estimator_sample, ON_TAPE | VARS, w->out = tap_estimator_sample(TAP_SCORE, w->in.x)) \
    X(tap_estimator_posterior, ON_TAPE | VARS, w->out = tap_estimator_posterior(TAP_STICKING_THE_LANDING, w->in.q).param[0]) \
    X(tap_variational_bound, ON_TAPE | VARS | PAIR, tap_var y = tap_log_prob(w->in.q, w->in.x); \
      w->out = tap_variational_bound((tap_bound_terms){ .log_px_z = w->in.x, .log_pz = y, .log_q = y }, OF(0))) \
    X(tap_free_bits, ON_TAPE | VARS, w->out = tap_free_bits(w->in.x, 0.5)) \
    X(tap_adam_new, MODULE, tap_optim_free(w->optim); SAYS(tap_optim_step(tap_adam_new(w->m, (tap_adam_options){ .lr = TAP_ZERO }), NULL))) \
    X(tap_sgd_new, MODULE, tap_optim_free(w->optim); SAYS(tap_optim_step(tap_sgd_new(w->m, (tap_sgd_options){ .lr = TAP_ZERO }), NULL))) \
    X(tap_optim_step, MODULE | TAPE, SAYS(tap_optim_step(w->optim, w->t))) \
    X(tap_optim_set_lr, 0, tap_optim_set_lr(w->optim, 1)) \
    X(tap_optim_free, 0, tap_optim_free(w->optim); tap_optim_free(NULL)) \
    X(tap_loader_new, 0, tap_loader *l = tap_loader_new((tap_tensor){ 0 }, (tap_loader_options){ 0 }); \
      assert_int_equal(tap_loader_status(l, NULL), TAP_ESHAPE); tap_loader_free(l)) \
    X(tap_loader_free, 0, tap_loader_free(NULL)) \
    X(tap_loader_status, LOADER, SAYS(tap_loader_status(w->loader, NULL))) \
    X(tap_loader_start, 0, tap_loader_start(w->loader, UINT64_MAX)) \
    X(tap_loader_next, LOADER, tap_loader_next(w->loader, &w->value)) \
    X(tap_loader_batches, LOADER, SAYS(tap_loader_batches(w->loader) == 2 ? TAP_OK : TAP_EARG)) \
    X(tap_loader_epoch, 0, tap_loader_epoch(NULL)) \
    X(tap_optim_finite, 0, tap_optim_finite(NULL)) \
    X(tap_checkpoint_new, 0, tap_checkpoint_free(tap_checkpoint_new(NULL))) \
    X(tap_checkpoint_free, 0, tap_checkpoint_free(NULL)) \
    X(tap_checkpoint_status, 0, tap_checkpoint_status(NULL, NULL)) \
    X(tap_checkpoint_peek, 0, assert_null(tap_checkpoint_peek(NULL).path)) \
    X(tap_checkpoint_module, MODULE, CHECKPOINT(tap_checkpoint_module(c, "m", w->m))) \
    X(tap_checkpoint_optim, MODULE, CHECKPOINT(tap_checkpoint_optim(c, "o", w->optim))) \
    X(tap_checkpoint_tape, TAPE | ON, CHECKPOINT(tap_checkpoint_tape(c, "t", w->t))) \
    X(tap_checkpoint_loader, LOADER, CHECKPOINT(tap_checkpoint_loader(c, "l", w->loader))) \
    X(tap_checkpoint_tensor, 0, tap_checkpoint_tensor(NULL, NULL, (tap_tensor){ 0 })) \
    X(tap_checkpoint_table, 0, tap_checkpoint_table(NULL, NULL, (tap_tensor){ 0 }, NULL)) \
    X(tap_checkpoint_option, 0, tap_checkpoint_option(NULL, NULL, NULL)) \
    X(tap_checkpoint_save, 0, assert_int_equal(tap_checkpoint_save(NULL, NULL), TAP_EARG)) \
    X(tap_checkpoint_resume, 0, assert_false(tap_checkpoint_resume(NULL, NULL))) \
    X(tap_loader_rows, LOADER, int64_t n = -1; tap_loader_rows(w->loader, &n); assert_int_equal(n, 0)) \
    X(tap_frechet_distance, 0, assert_true(isnan(tap_frechet_distance((tap_tensor){ 0 }, (tap_tensor){ 0 }, NULL)))) \
    X(tap_csr_select, ON_TAPE | VARS, w->out = tap_csr_select(sparse, tap_cast(tap_select(w->in.x, 0, 0), TAP_I64))) \
    X(tap_kmeans, 0, assert_true(isnan(tap_kmeans((tap_tensor){ 0 }, (tap_kmeans_options){ 0 }, (tap_tensor){ 0 }, NULL)))) \
    X(tap_adjusted_rand_index, 0, assert_true(isnan(tap_adjusted_rand_index((tap_tensor){ 0 }, (tap_tensor){ 0 }, NULL)))) \
    X(tap_auroc, 0, assert_true(isnan(tap_auroc((tap_tensor){ 0 }, (tap_tensor){ 0 }, (tap_bootstrap_options){ 0 }, NULL).low))) \
    X(tap_average_precision, 0, \
      assert_true(isnan(tap_average_precision((tap_tensor){ 0 }, (tap_tensor){ 0 }, (tap_bootstrap_options){ 0 }, NULL).value))) \
    X(tap_roc_curve, 0, \
      assert_int_equal(tap_roc_curve((tap_tensor){ 0 }, (tap_tensor){ 0 }, (tap_tensor){ 0 }, (tap_tensor){ 0 }, NULL), 0)) \
    X(tap_module_gradcheck, MODULE, SAYS(check(w, module_function, (tap_gradcheck_options){ 0 }).status))
/* clang-format on */

#include "tests/bad_arguments/distributions.h"
#include "tests/bad_arguments/bound.h"
#include "tests/bad_arguments/functional.h"
#include "tests/bad_arguments/layers.h"
#include "tests/bad_arguments/models.h"
#include "tests/bad_arguments/spatial.h"
#include "tests/bad_arguments/training.h"

#define X AS_FUNCTION
FUNCTIONS_OF_NN
FUNCTIONS_OF_DISTRIBUTIONS
FUNCTIONS_OF_MODELS
#undef X

static const row rows[] = {
#define X AS_ROW
    FUNCTIONS_OF_NN FUNCTIONS_OF_DISTRIBUTIONS FUNCTIONS_OF_MODELS
#undef X
};

enum { ROWS = sizeof rows / sizeof *rows };

/* ---- What may be wrong with the world ---- */

static void sound(world *w)
{
    (void)w;
}

static void tape_failed(world *w)
{
    tap_tape_fail(w->t, TAP_EIO, "the first error");
}

static void module_failed(world *w)
{
    tap_module_fail(w->m, TAP_EIO, "the first error");
}

static void stale(world *w)
{
    tap_tape_reset(w->t);
}

static void mixed(world *w)
{
    operands there = operands_on(w->other, data_of(w));
    there.x = w->in.x;
    there.z = w->in.z;
    w->in = there;
}

static void half_empty(world *w)
{
    w->in = (operands){ .x = w->in.x, .z = w->in.z };
}

static void tapeless(world *w)
{
    tap_tape_free(w->t);
    w->t = NULL;
    w->in = (operands){ 0 };
}

static void loader_failed(world *w)
{
    tap_loader_free(w->loader);
    w->loader = tap_loader_new((tap_tensor){ 0 }, (tap_loader_options){ 0 });
}

static void no_pointers(world *w)
{
    tap_loader_free(w->loader);
    w->m = NULL;
    w->weight = NULL;
    w->linear = NULL;
    w->mlp = NULL;
    w->conv = NULL;
    w->vae = NULL;
    w->count_vae = NULL;
    w->conditional = NULL;
    w->tiny = NULL;
    w->linear_vae = NULL;
    w->autoencoder = NULL;
    w->optim = NULL;
    w->loader = NULL;
}

/* Calls that need one of these come to nothing. On what they fail, they leave this status. */
static const struct {
    const char *name;
    void (*make)(world *w);
    unsigned   needs;
    tap_status status;
} worlds[] = {
    { "sound", sound, 0, TAP_OK },
    { "a failed tape", tape_failed, TAPE, TAP_EIO },
    { "a failed module", module_failed, MODULE, TAP_EIO },
    { "a stale var", stale, VARS, TAP_ESTALE },
    { "mixed tapes", mixed, PAIR, TAP_ESTALE },
    { "half empty", half_empty, PAIR, TAP_EARG },
    { "no tape", tapeless, ON, TAP_EARG },
    { "a failed loader", loader_failed, LOADER, TAP_ESHAPE },
    { "no pointers", no_pointers, MODULE | LOADER, TAP_EARG },
};

static void check_outcome(const world *w, const char *call, bool broken, const char *where)
{
    if (broken && w->out.id != 0) fail_msg("%s, %s: the result is not inert", call, where);
    if (broken && !is_unreadable(w->value)) fail_msg("%s, %s: there is a value", call, where);
    if (broken && w->status == TAP_OK) fail_msg("%s, %s: says TAP_OK", call, where);
    if (!broken && w->out.tape && w->out.id == 0) fail_msg("%s, %s: the result is inert", call, where);
    if (!broken && w->status > 0) fail_msg("%s, %s: says %s", call, where, tap_status_name((tap_status)w->status));
}

/* The tape has the status, and the first error is still the first one. */
static void check_tape(const tap_tape *t, tap_status expected, const char *call, const char *where)
{
    const char *message;
    tap_status  status = tap_tape_status(t, &message);
    if (t && status != expected) fail_msg("%s, %s: the tape says %s: %s", call, where, tap_status_name(status), message);
    if (t && status == TAP_EIO) assert_string_equal(message, "the first error");
}

static void check_module(const tap_module *m, tap_status expected, const char *call, const char *where)
{
    const char *message;
    tap_status  status = tap_module_status(m, &message);
    if (status != expected) fail_msg("%s, %s: the module says %s: %s", call, where, tap_status_name(status), message);
    if (strcmp(where, "a failed module") == 0) assert_string_equal(message, "the first error");
}

static void check_call(size_t k, const row *r)
{
    const char *where = worlds[k].name;
    world       w;
    world_begin(&w);
    worlds[k].make(&w);
    const bool     broken = r->traits & worlds[k].needs;
    const snapshot before = snap(&w);
    r->call(&w);
    const snapshot after = snap(&w);

    check_outcome(&w, r->name, broken, where);
    tap_status here = broken && (r->traits & ON) ? worlds[k].status : worlds[k].make == tape_failed ? TAP_EIO : TAP_OK;
    check_tape(w.t, here, r->name, where);
    check_tape(w.other, worlds[k].make == mixed && broken ? TAP_ESTALE : TAP_OK, r->name, where);
    check_module(w.root, worlds[k].make == module_failed || (w.m && r->traits & FAILS) ? TAP_EIO : TAP_OK, r->name, where);
    if (broken) assert_memory_equal(before.numbers, after.numbers, sizeof before.numbers);
    world_end(&w);
}

static void test_every_function_in_every_world(void **state)
{
    world w;
    (void)state;
    world_begin(&w);
    assert_int_equal(tap_module_save(w.m, "good", 0, NULL, NULL), TAP_OK);
    world_end(&w);
    for (size_t k = 0; k < sizeof worlds / sizeof *worlds; k++) {
        for (int i = 0; i < ROWS; i++) check_call(k, &rows[i]);
    }
}

static tap_var nowhere(tap_tape *t, void *ctx)
{
    (void)t, (void)ctx;
    return (tap_var){ 0 };
}

static tap_var matrix_function(tap_tape *t, void *ctx)
{
    (void)ctx;
    return tap_exp(tap_zeros(t, TAP_SHAPE(1 << 25, 1 << 25)));
}

/* ---- Arguments that make no sense, on a sound module and tape ---- */

static tap_tensor of_rank(world *w, int rank)
{
    tap_tensor x = data_of(w);
    x.shape.rank = rank;
    return x;
}

static void fail_as(world *w, tap_status status, const tap_error *e)
{
    SAYS(status);
    tap_module_fail(w->m, status, "%s", e->message);
}

static void save(world *w, const char *path, int n, const tap_metadata *metadata)
{
    tap_error e = { 0 };
    fail_as(w, tap_module_save(w->m, path, n, metadata, &e), &e);
}

/* What a checkpoint says when something has been added. */
#define POINT(...) \
    tap_checkpoint *c = tap_checkpoint_new("point"); \
    __VA_ARGS__; \
    fail_as_checkpoint(w, c)

static void fail_as_checkpoint(world *w, tap_checkpoint *c)
{
    const char *message;
    tap_error   e = { .status = tap_checkpoint_status(c, &message) };
    snprintf(e.message, sizeof e.message, "%s", message);
    tap_checkpoint_free(c);
    fail_as(w, e.status, &e);
}

static void load_from(world *w, const char *path)
{
    tap_error e = { 0 };
    fail_as(w, tap_module_load(w->m, path, &e), &e);
}

static void load(world *w, tap_tensor tensor, const char *name)
{
    tap_named_tensor named = { name, tensor };
    assert_int_equal(tap_safetensors_write("bad", 1, &named, 0, NULL, NULL), TAP_OK);
    load_from(w, "bad");
}

static void gradcheck(world *w, tap_module_function f, tap_gradcheck_options o)
{
    tap_gradcheck_result r = check(w, f, o);
    tap_error            e = { r.status, "" };
    memcpy(e.message, r.message, sizeof e.message);
    assert_false(r.ok);
    fail_as(w, r.status, &e);
}

static void make_loader(world *w, tap_tensor data, tap_loader_options o)
{
    tap_error   e = { 0 };
    const char *message;
    tap_loader *l = tap_loader_new(data, o);
    e.status = tap_loader_status(l, &message);
    snprintf(e.message, sizeof e.message, "%s", message);
    assert_false(tap_loader_next(l, &w->value));
    tap_loader_start(l, 1);
    assert_int_equal(tap_loader_batches(l), 0);
    tap_loader_free(l);
    fail_as(w, e.status, &e);
}

static void adam(world *w, tap_adam_options o)
{
    tap_optim_free(w->optim);
    SAYS(tap_optim_step(tap_adam_new(w->m, o), w->t));
}

static void sgd(world *w, tap_sgd_options o)
{
    tap_optim_free(w->optim);
    SAYS(tap_optim_step(tap_sgd_new(w->m, o), w->t));
}

static void param(world *w, const char *name, tap_shape shape, tap_init how)
{
    w->value = tap_param_value(tap_param_new(w->m, name, shape, how));
}

static void vae(world *w, tap_vae_options o)
{
    tap_vae v;
    tap_vae_init(&v, tap_module_child(w->m, "new"), o);
    w->out = tap_vae_loss(&v, w->in.x);
}

static void linear_vae(world *w, int64_t data, int64_t latent, double sigma)
{
    tap_linear_vae v;
    tap_linear_vae_init(&v, w->m, data, latent, sigma);
    w->out = tap_linear_vae_elbo(&v, w->in.x);
}

static void mlp(world *w, int n, const int64_t *sizes, tap_activation f)
{
    tap_mlp l;
    tap_mlp_init(&l, w->m, "new", n, sizes, f);
    w->out = tap_mlp_forward(&l, w->in.x);
}

static void linear(world *w, int64_t in, int64_t out)
{
    tap_linear l;
    tap_linear_init(&l, w->m, "new", in, out);
    w->out = tap_linear_forward(&l, w->in.x);
}

static void conv(world *w, int64_t in, int64_t out, int64_t kernel, int64_t groups)
{
    tap_conv l;
    tap_conv_init(&l, w->m, "new", in, out, kernel, (tap_conv_options){ .groups = groups });
    w->out = tap_conv_forward(&l, tap_unsqueeze(w->in.x, 0));
}

/* clang-format off */
#define WRONGS \
    X(child_null, TAP_EARG, "a name must be printable ASCII without space, dot, \" and \\, not ''", \
      SAYS(tap_module_status(tap_module_child(w->m, NULL), NULL))) \
    X(child_dot, TAP_EARG, "a name must be printable ASCII without space, dot, \" and \\, not 'a.b'", \
      SAYS(tap_module_status(tap_module_child(w->m, "a.b"), NULL))) \
    X(child_taken, TAP_EARG, "linear: the name is in use already", SAYS(tap_module_status(tap_module_child(w->m, "linear"), NULL))) \
    X(param_null, TAP_EARG, "a name must be printable ASCII without space, dot, \" and \\, not ''", \
      param(w, NULL, TAP_SCALAR, tap_init_zeros())) \
    X(param_negative, TAP_ESHAPE, "p: tensor: invalid shape [-3]", param(w, "p", negative, tap_init_zeros())) \
    X(param_overflowing, TAP_ESHAPE, "p: tensor: invalid shape [9223372036854775807,9223372036854775807]", \
      param(w, "p", overflowing, tap_init_zeros())) \
    X(param_rank, TAP_ESHAPE, "p: tensor: invalid shape [0,0,0,0,0,0,0,0]", param(w, "p", rank_9, tap_init_zeros())) \
    X(param_rank_min, TAP_ESHAPE, "p: tensor: invalid shape []", param(w, "p", rank_min, tap_init_normal(1))) \
    X(param_vast, TAP_ENOMEM, NULL, param(w, "p", vast, tap_init_normal(1))) \
    X(param_no_init, TAP_EARG, "p: the initializer must be one of tap_init's, not 99", tap_init how = { .how = 99 }; param(w, "p", TAP_SCALAR, how)) \
    X(param_uniform, TAP_EARG, "p: the initializer's value must be a finite number, at least 0, not -1", \
      param(w, "p", TAP_SCALAR, tap_init_uniform(-1))) \
    X(param_normal, TAP_EARG, "p: the initializer's value must be a finite number, at least 0, not nan", \
      param(w, "p", TAP_SCALAR, tap_init_normal((double)NAN))) \
    X(param_no_fan, TAP_EARG, "p: the initializer needs fan_in and fan_out, which shape [3] with fan_in 0 does not give", \
      param(w, "p", TAP_SHAPE(3), tap_init_xavier_normal(1))) \
    X(param_fan, TAP_EARG, "p: the initializer needs fan_in and fan_out, which shape [3] with fan_in -9223372036854775808 does not give", \
      param(w, "p", TAP_SHAPE(3), tap_init_default(INT64_MIN))) \
    X(use_null, TAP_EARG, "param_var: the parameter is NULL; was the layer initialized?", w->out = tap_param_var(w->t, NULL)) \
    X(use_dtype, TAP_EDTYPE, "param_var: p is float32, but the tape is float64", tap_module *m = tap_module_new(TAP_F32, 0); \
      w->out = tap_param_var(w->t, tap_param_new(m, "p", TAP_SCALAR, tap_init_zeros())); tap_module_free(m)) \
    X(save_null, TAP_EARG, "save: the path is NULL", save(w, NULL, 0, NULL)) \
    X(save_folder, TAP_EIO, "none/module: cannot create a file in its folder: No such file or directory", \
      save(w, "none/module", 0, NULL)) \
    X(save_no_metadata, TAP_EARG, "module: a path, tensors or metadata are missing", save(w, "module", 1, NULL)) \
    X(save_negative, TAP_EARG, "module: a path, tensors or metadata are missing", save(w, "module", -1, NULL)) \
    X(load_null, TAP_EARG, "load: the path is NULL", load_from(w, NULL)) \
    X(load_nothing, TAP_EIO, "none: cannot open: No such file or directory", load_from(w, "none")) \
    X(load_other, TAP_EIO, \
      "bad does not fit the module: missing conv.weight, conv.bias and 53 more; " \
      "different linear.weight (float64 [2,4], not float64 [3,4])", \
      load(w, data_of(w), "linear.weight")) \
    X(gradcheck_null, TAP_EARG, "gradcheck: the function is NULL", gradcheck(w, NULL, (tap_gradcheck_options){ 0 })) \
    X(gradcheck_nowhere, TAP_EARG, "gradcheck: the function's result is not on the tape it was given", gradcheck(w, nowhere, (tap_gradcheck_options){ 0 })) \
    X(gradcheck_vast, TAP_ENOMEM, NULL, gradcheck(w, matrix_function, (tap_gradcheck_options){ 0 })) \
    X(gradcheck_eps, TAP_EARG, "gradcheck: eps, atol and rtol must be positive, not -1, 1e-06 and 1e-05", \
      gradcheck(w, module_function, (tap_gradcheck_options){ .eps = -1 })) \
    X(gradcheck_directions, TAP_EARG, "gradcheck: directions must be at most 10000, not 2147483647", \
      gradcheck(w, module_function, (tap_gradcheck_options){ .directions = INT_MAX })) \
    X(gradcheck_order, TAP_EARG, "gradcheck: order must be 1 or 2, not 3", \
      gradcheck(w, module_function, (tap_gradcheck_options){ .order = 3 })) \
    X(csr_select_float, TAP_ESHAPE, "csr_select: [4]: the index must be int64 [n]", \
      w->out = tap_csr_select(sparse, tap_select(w->in.x, 0, 0))) \
    X(csr_select_rank, TAP_ESHAPE, "csr_select: [2,4]: the index must be int64 [n]", \
      w->out = tap_csr_select(sparse, tap_cast(w->in.x, TAP_I64))) \
    X(csr_select_far, TAP_EARG, "csr_select: [4]: row must be within 0..1, not 2", w->out = tap_csr_select(sparse, tap_arange(w->t, 4))) \
    X(csr_select_below, TAP_EARG, "csr_select: [1]: row must be within 0..1, not -1", \
      w->out = tap_csr_select(sparse, tap_cast(tap_full(w->t, TAP_SHAPE(1), -1), TAP_I64))) \
    X(csr_select_inert, TAP_EARG, "csr_select: [2]: the matrix is inert", \
      w->out = tap_csr_select((tap_csr){ 0, 0, NULL, NULL, NULL }, tap_arange(w->t, 2))) \
    X(csr_select_bad, TAP_EARG, "csr_select: [2]: a column is out of range or order", \
      w->out = tap_csr_select((tap_csr){ 2, 1, sparse.start, sparse.column, sparse.value }, tap_arange(w->t, 2))) \
    X(clip_order, TAP_EARG, "smooth_clip: [2,4]: the bounds must be finite, and lo below hi, not 1 and 1", \
      w->out = tap_smooth_clip(w->in.x, 1, 1)) \
    X(clip_nan, TAP_EARG, "smooth_clip: [2,4]: the bounds must be finite, and lo below hi, not nan and 1", \
      w->out = tap_smooth_clip(w->in.x, (double)NAN, 1))
/* clang-format on */

#define X AS_WRONG_FUNCTION
WRONGS
LAYER_WRONGS
TRAINING_WRONGS
FUNCTIONAL_WRONGS
SPATIAL_WRONGS
DISTRIBUTION_WRONGS
ELBO_WRONGS
MODEL_WRONGS
#undef X

static const wrong wrongs[] = {
#define X AS_WRONG_ROW
    WRONGS LAYER_WRONGS TRAINING_WRONGS FUNCTIONAL_WRONGS SPATIAL_WRONGS DISTRIBUTION_WRONGS ELBO_WRONGS MODEL_WRONGS
#undef X
};

/* Who fails is the tape, or else the module. */
static void test_wrong_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        const wrong *r = &wrongs[i];
        const char  *message;
        world        w;
        world_begin(&w);
        const snapshot before = snap(&w);
        r->call(&w);
        tap_status status = tap_tape_status(w.t, &message);
        if (status == TAP_OK) status = tap_module_status(w.m, &message);
        if ((int)status != r->status) fail_msg("%s: %s: %s", r->name, tap_status_name(status), message);
        if (r->message && strcmp(without_number(message), r->message) != 0) fail_msg("%s: '%s'", r->name, message);
        check_outcome(&w, r->name, true, "wrong arguments");
        const snapshot after = snap(&w);
        assert_memory_equal(before.numbers, after.numbers, sizeof before.numbers);
        world_end(&w);
    }
}

/* ---- What has nothing to fail ---- */

static void test_null_pointers(void **state)
{
    world      w;
    tap_tensor x;
    (void)state;
    world_begin(&w);
    assert_null(tap_param_var(NULL, w.weight).tape);
    assert_null(tap_module_param(w.m, NULL));
    assert_false(tap_loader_next(NULL, &x));
    assert_null(x.data);
    assert_false(tap_loader_next(w.loader, NULL));
    tap_loader_rows(w.loader, NULL);
    assert_int_equal(tap_module_status(w.m, NULL), TAP_OK);
    world_end(&w);
}

static void test_every_function_has_a_row(void **state)
{
    (void)state;
    assert_int_equal(check_header("nn/nn.h", ROWS, rows) + check_header("models/models.h", ROWS, rows), ROWS);
}

int main(void)
{
    const struct CMUnitTest complete[] = { cmocka_unit_test(test_every_function_has_a_row) };
    const struct CMUnitTest abuse[] = {
        cmocka_unit_test(test_every_function_in_every_world),
        cmocka_unit_test(test_wrong_arguments),
        cmocka_unit_test(test_null_pointers),
    };
    return cmocka_run_group_tests(complete, NULL, NULL) + cmocka_run_group_tests(abuse, scratch_enter, scratch_leave);
}
