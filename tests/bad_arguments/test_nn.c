/* tests/bad_arguments/test_nn.c: calls every function of nn and models with unusable modules, tapes and vars, and with
 * invalid arguments. Nothing may crash, the first error message must be kept, results must be inert, and parameters and
 * gradients must keep every bit. */
#define _XOPEN_SOURCE 700
#include "models/models.h"
#include "tests/bad_arguments/bad_arguments.h"

/* ---- The fixture of a call ---- */

enum { BATCH = 2, IN = 4, OUT = 3, LATENT = 2, NUMBERS = 1024 };

/* The values of all parameters and gradients. */
typedef struct {
    int    n;
    double numbers[NUMBERS];
} snapshot;

typedef struct {
    tap_var  x, z, noise, c; /* [2,4], [2,2], [1,2,2], [2]; noise and c are the second of a pair */
    tap_dist q, p, b;        /* normal, normal, Bernoulli */
} operands;

struct fixture {
    tap_module     *m, *root; /* what calls receive; the module itself */
    int64_t         count;    /* numbers in the parameters */
    tap_param      *weight;
    tap_linear      linear_memory, *linear;
    tap_mlp         mlp_memory, *mlp;
    tap_conv        conv_memory, *conv;
    tap_count_vae   count_vae_memory, *count_vae;
    tap_vae         vae_memory, *vae, conditional_memory, *conditional;
    tap_scalar_vae  scalar_vae_memory, *scalar_vae;
    tap_linear_vae  linear_vae_memory, *linear_vae;
    tap_autoencoder autoencoder_memory, *autoencoder;
    tap_optim      *optim;
    tap_loader     *loader;
    tap_tape       *t, *other;
    operands        in;
    double          data[BATCH * IN];
    tap_var         out;    /* the result of the call: a var, */
    tap_tensor      value;  /* a tensor */
    int             status; /* or a status; -1: none */
};

static const tap_csr sparse = { 2, 2, (const int64_t[]){ 0, 1, 3 }, (const int32_t[]){ 1, 0, 1 }, (const float[]){ 1, 2, 3 } };

static tap_tensor data_of(fixture *f)
{
    return tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH, IN), f->data);
}

static operands operands_on(tap_tape *t, tap_tensor data)
{
    tap_var x = tap_input(t, data), zero = tap_scalar(t, 0);
    tap_var noise = tap_zeros(t, TAP_SHAPE(1, BATCH, LATENT)), z = tap_zeros(t, TAP_SHAPE(BATCH, LATENT));
    tap_var c = tap_ones(t, TAP_SHAPE(LATENT));
    return (operands){ x, z, noise, c, tap_normal(x, zero), tap_normal(zero, zero), tap_bernoulli(x) };
}

/* Gives every parameter a gradient. */
static void compute_gradients(fixture *f)
{
    tap_tape *t = tap_tape_new(TAP_F64, 3);
    tap_var   x = tap_input(t, data_of(f));
    tap_var   y = tap_add(tap_linear_forward(f->linear, x), tap_mlp_forward(f->mlp, x));
    tap_var   image = tap_conv_forward(f->conv, tap_unsqueeze(x, 0));
    tap_var   given = tap_ones(t, TAP_SHAPE(LATENT));
    tap_var   losses[] = { tap_count_vae_loss(f->count_vae, x, (tap_var){ 0 }),
                           tap_vae_loss(f->vae, x),
                           tap_vae_loss_given(f->conditional, x, given),
                           tap_sum(tap_square(y), TAP_ALL),
                           tap_sum(tap_square(image), TAP_ALL),
                           tap_sum(tap_scalar_vae_elbo(f->scalar_vae, x), TAP_ALL),
                           tap_sum(tap_linear_vae_elbo(f->linear_vae, x), TAP_ALL),
                           tap_autoencoder_loss(f->autoencoder, x) };
    assert_int_equal(tap_backward(tap_sum(tap_stack(8, losses, 0), TAP_ALL)), TAP_OK);
    tap_tape_free(t);
}

static void fixture_begin(fixture *f)
{
    *f = (fixture){ .status = -1 };
    for (int i = 0; i < BATCH * IN; i++) f->data[i] = i % 2;
    f->m = f->root = tap_module_new(TAP_F64, 1);
    f->linear = &f->linear_memory;
    f->mlp = &f->mlp_memory;
    f->conv = &f->conv_memory;
    f->vae = &f->vae_memory;
    f->conditional = &f->conditional_memory;
    tap_conv_init(f->conv, f->m, "conv", 1, 2, 2, (tap_conv_options){ 0 });
    tap_linear_init(f->linear, f->m, "linear", IN, OUT);
    tap_mlp_init(f->mlp, f->m, "mlp", 2, (int64_t[]){ IN, OUT }, tap_tanh);
    tap_vae_options options = { .data = IN, .n_hidden = 1, .hidden = { OUT }, .latent = LATENT };
    tap_vae_init(f->vae, tap_module_child(f->m, "vae"), options);
    options.condition = LATENT;
    tap_vae_init(f->conditional, tap_module_child(f->m, "conditional"), options);
    f->count_vae = &f->count_vae_memory;
    tap_count_vae_init(f->count_vae, tap_module_child(f->m, "count_vae"),
                       (tap_count_vae_options){ .genes = IN, .hidden = { OUT }, .latent = LATENT });
    f->scalar_vae = &f->scalar_vae_memory;
    f->linear_vae = &f->linear_vae_memory;
    f->autoencoder = &f->autoencoder_memory;
    tap_scalar_vae_init(f->scalar_vae, tap_module_child(f->m, "tiny"));
    tap_linear_vae_init(f->linear_vae, tap_module_child(f->m, "linear_vae"), IN, LATENT, 0);
    tap_autoencoder_init(f->autoencoder, tap_module_child(f->m, "autoencoder"),
                         (tap_autoencoder_options){ .data = IN, .hidden = { OUT }, .latent = LATENT });
    f->weight = f->linear->weight;
    f->optim = tap_adam_new(f->m, (tap_adam_options){ 0 });
    f->loader = tap_loader_new(data_of(f), (tap_loader_options){ .batch = 1, .dtype = TAP_F64 });
    f->t = tap_tape_new(TAP_F64, 1);
    f->other = tap_tape_new(TAP_F64, 2);
    f->in = operands_on(f->t, data_of(f));
    compute_gradients(f);
    f->count = tap_module_numel(f->m);
    assert_true(2 * f->count <= NUMBERS);
}

static void fixture_end(fixture *f)
{
    tap_module_free(f->root);
    tap_loader_free(f->loader);
    tap_tape_free(f->t);
    tap_tape_free(f->other);
}

static snapshot take_snapshot(const fixture *f)
{
    snapshot s = { 0 };
    for (tap_param *p = tap_module_next(f->root, NULL); p && s.n < 2 * f->count; p = tap_module_next(f->root, p)) {
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
    fixture *f = ctx;
    return tap_linear_forward(f->linear, tap_input(t, data_of(f)));
}

static void keep_checkpoint_status(fixture *f, tap_checkpoint *c)
{
    f->status = (int)tap_checkpoint_status(c, NULL);
    tap_checkpoint_free(c);
}

static tap_gradcheck_result check(fixture *f, tap_module_function function, tap_gradcheck_options o)
{
    return tap_module_gradcheck(f->m, function, f, o);
}

/* ---- A call of every function, and its needs ---- */

enum {
    MODULE = 1, /* a sound module or parameter */
    TAPE = 2,   /* a tape, or vars on it */
    ON = 4,     /* without a tape, there is no result */
    VARS = 8,   /* at least one var */
    PAIR = 16,  /* more than one */
    LOADER = 32,
    FAILS = 64, /* the call fails the module on purpose */
};

#define ON_TAPE     (TAPE | ON)
#define OF_DIST(op) CALL_VAR(op, ON_TAPE | VARS, op(f->in.q))

#define NOTHING ((tap_var){ 0 })

static void call_tap_module_new(fixture *f)
{
    (void)f;
    tap_module *m = tap_module_new(no_dtype, 0);
    assert_int_equal(tap_module_status(m, NULL), TAP_EDTYPE);
    tap_module_free(m);
}

static void call_tap_param_set_requires_grad(fixture *f)
{
    tap_param_set_requires_grad(f->weight, true);
    tap_param_set_requires_grad(NULL, false);
}

static void call_tap_param_requires_grad(fixture *f)
{
    tap_param_requires_grad(f->weight);
    assert_false(tap_param_requires_grad(NULL));
}

static void call_tap_linear_init(fixture *f)
{
    tap_linear l;
    tap_linear_init(&l, f->m, "new", 2, 2);
    f->value = tap_param_value(l.weight);
}

static void call_tap_activation_find(fixture *f)
{
    (void)f;
    assert_null(tap_activation_find(NULL));
    assert_null(tap_activation_find(""));
}

static void call_tap_mlp_init(fixture *f)
{
    tap_mlp l;
    tap_mlp_init(&l, f->m, "new", 2, (int64_t[]){ 2, 2 }, tap_relu);
    f->value = tap_param_value(l.layers[0].weight);
}

static void call_tap_conv_init(fixture *f)
{
    tap_conv l;
    tap_conv_init(&l, f->m, "new", 2, 3, 2, (tap_conv_options){ 0 });
    f->value = tap_param_value(l.weight);
}

static void call_tap_conv_transpose_init(fixture *f)
{
    tap_conv l;
    tap_conv_transpose_init(&l, f->m, "new", 2, 3, 2, (tap_conv_options){ 0 });
    f->value = tap_param_value(l.weight);
}

static void call_tap_variational_bound(fixture *f)
{
    tap_var y = tap_log_prob(f->in.q, f->in.x);
    f->out = tap_variational_bound((tap_bound_terms){ .log_px_z = f->in.x, .log_pz = y, .log_q = y }, (tap_bound_options){ 0 });
}

static void call_tap_loader_new(fixture *f)
{
    (void)f;
    tap_loader *l = tap_loader_new((tap_tensor){ 0 }, (tap_loader_options){ 0 });
    assert_int_equal(tap_loader_status(l, NULL), TAP_ESHAPE);
    tap_loader_free(l);
}

static void call_tap_checkpoint_module(fixture *f)
{
    tap_checkpoint *c = tap_checkpoint_new("point");
    tap_checkpoint_module(c, "m", f->m);
    keep_checkpoint_status(f, c);
}

static void call_tap_checkpoint_optim(fixture *f)
{
    tap_checkpoint *c = tap_checkpoint_new("point");
    tap_checkpoint_optim(c, "o", f->optim);
    keep_checkpoint_status(f, c);
}

static void call_tap_checkpoint_tape(fixture *f)
{
    tap_checkpoint *c = tap_checkpoint_new("point");
    tap_checkpoint_tape(c, "t", f->t);
    keep_checkpoint_status(f, c);
}

static void call_tap_checkpoint_loader(fixture *f)
{
    tap_checkpoint *c = tap_checkpoint_new("point");
    tap_checkpoint_loader(c, "l", f->loader);
    keep_checkpoint_status(f, c);
}

static void call_tap_loader_rows(fixture *f)
{
    int64_t n = -1;
    tap_loader_rows(f->loader, &n);
    assert_int_equal(n, 0);
}

/* clang-format off */
#define FUNCTIONS_OF_NN \
    CALL_FUNCTION(tap_module_new, 0) \
    CALL(tap_module_free, 0, tap_module_free(NULL)) \
    CALL_STATUS(tap_module_child, MODULE, tap_module_status(tap_module_child(f->m, "child"), NULL)) \
    CALL_STATUS(tap_module_status, MODULE, tap_module_status(f->m, NULL)) \
    CALL(tap_module_message, 0, tap_module_message(f->m)) \
    CALL(tap_module_clear_error, 0, tap_module_clear_error(NULL)) \
    CALL(tap_module_set_requires_grad, 0, tap_module_set_requires_grad(f->m, true)) \
    CALL_FUNCTION(tap_param_set_requires_grad, 0) \
    CALL_FUNCTION(tap_param_requires_grad, 0) \
    CALL(tap_module_fail, MODULE | FAILS, tap_module_fail(f->m, TAP_EIO, "%s", "one more")) \
    CALL(tap_module_dtype, 0, tap_module_dtype(f->m)) \
    CALL(tap_module_numel, 0, tap_module_numel(f->m)) \
    CALL(tap_init_zeros, 0, tap_init_zeros()) \
    CALL(tap_init_constant, 0, tap_init_constant((double)NAN)) \
    CALL(tap_init_uniform, 0, tap_init_uniform(-1)) \
    CALL(tap_init_normal, 0, tap_init_normal((double)INFINITY)) \
    CALL(tap_init_uniform_between, 0, tap_init_uniform_between(1, -1)) \
    CALL(tap_init_normal_around, 0, tap_init_normal_around((double)NAN, -1)) \
    CALL(tap_init_xavier_uniform, 0, tap_init_xavier_uniform(-1)) \
    CALL(tap_init_xavier_normal, 0, tap_init_xavier_normal(-1)) \
    CALL(tap_init_kaiming_uniform, 0, tap_init_kaiming_uniform(-1)) \
    CALL(tap_init_kaiming_normal, 0, tap_init_kaiming_normal(-1)) \
    CALL(tap_init_default, 0, tap_init_default(INT64_MIN)) \
    CALL(tap_init_fan_out, 0, tap_init_fan_out(tap_init_zeros())) \
    CALL(tap_init_trunc_normal, 0, tap_init_trunc_normal((double)NAN, -1, 1, -1)) \
    CALL(tap_init_orthogonal, 0, tap_init_orthogonal(-1)) \
    CALL(tap_init_eye, 0, tap_init_eye()) \
    CALL(tap_init_dirac, 0, tap_init_dirac(INT64_MIN)) \
    CALL(tap_calculate_gain, 0, tap_calculate_gain(NULL, (double)NAN)) \
    CALL_TENSOR(tap_param_new, MODULE, tap_param_value(tap_param_new(f->m, "new", TAP_SHAPE(2), tap_init_zeros()))) \
    CALL(tap_param_path, 0, assert_non_null(tap_param_path(f->weight))) \
    CALL(tap_param_value, 0, tap_param_value(f->weight)) \
    CALL(tap_param_grad, 0, tap_param_grad(f->weight)) \
    CALL_VAR(tap_param_var, MODULE | ON_TAPE, tap_param_var(f->t, f->weight)) \
    CALL(tap_module_next, 0, tap_module_next(f->m, f->weight)) \
    CALL(tap_module_param, 0, tap_module_param(f->m, "linear.weight")) \
    CALL(tap_module_zero_grad, 0, tap_module_zero_grad(f->m)) \
    CALL(tap_module_print, 0, tap_module_print(f->m)) \
    CALL(tap_module_fprint, 0, tap_module_fprint(NULL, f->m)) \
    CALL_STATUS(tap_module_save, MODULE, tap_module_save(f->m, "module", 0, NULL, NULL)) \
    CALL_STATUS(tap_module_load, MODULE, tap_module_load(f->m, "good", NULL)) \
    CALL_FUNCTION(tap_linear_init, MODULE) \
    CALL_VAR(tap_linear_forward, MODULE | ON_TAPE | VARS, tap_linear_forward(f->linear, f->in.x)) \
    CALL_FUNCTION(tap_activation_find, 0) \
    CALL(tap_activation_names, 0, assert_non_null(tap_activation_names())) \
    CALL_TENSOR(tap_identity, ON_TAPE | VARS, tap_value(tap_identity(f->in.x))) \
    CALL_FUNCTION(tap_mlp_init, MODULE) \
    CALL_VAR(tap_mlp_forward, MODULE | ON_TAPE | VARS, tap_mlp_forward(f->mlp, f->in.x)) \
    CALL_FUNCTION(tap_conv_init, MODULE) \
    CALL_FUNCTION(tap_conv_transpose_init, MODULE) \
    CALL_VAR(tap_conv_forward, MODULE | ON_TAPE | VARS, tap_conv_forward(f->conv, tap_unsqueeze(f->in.x, 0))) \
    CALL_VAR(tap_one_hot, ON_TAPE | VARS, tap_one_hot(tap_cast(tap_abs(f->in.x), TAP_I64), TAP_NONE)) \
    CALL(tap_normal, 0, tap_normal(f->in.x, f->in.noise)) \
    CALL_VAR(tap_standard_normal_like, ON_TAPE, tap_neg(tap_standard_normal_like(f->in.q).param[0])) \
    CALL(tap_bernoulli, 0, tap_bernoulli(f->in.x)) \
    OF_DIST(tap_sample) \
    CALL_VAR(tap_sample_n, ON_TAPE | VARS, tap_sample_n(f->in.b, 3)) \
    CALL_VAR(tap_sample_from, ON_TAPE | VARS | PAIR, tap_sample_from(f->in.p, f->in.x)) \
    CALL_VAR(tap_log_prob, ON_TAPE | VARS | PAIR, tap_log_prob(f->in.b, f->in.x)) \
    OF_DIST(tap_entropy) OF_DIST(tap_dist_mean) \
    CALL_VAR(tap_kl, ON_TAPE | VARS, tap_kl(f->in.q, f->in.p)) \
    CALL_VAR(tap_estimator_sample, ON_TAPE | VARS, tap_estimator_sample(TAP_SCORE, f->in.x)) \
    CALL_VAR(tap_estimator_posterior, ON_TAPE | VARS, tap_estimator_posterior(TAP_STICKING_THE_LANDING, f->in.q).param[0]) \
    CALL_FUNCTION(tap_variational_bound, ON_TAPE | VARS | PAIR) \
    CALL_VAR(tap_free_bits, ON_TAPE | VARS, tap_free_bits(f->in.x, 0.5)) \
    CALL_FUNCTION(tap_loader_new, 0) \
    CALL(tap_loader_free, 0, tap_loader_free(NULL)) \
    CALL_STATUS(tap_loader_status, LOADER, tap_loader_status(f->loader, NULL)) \
    CALL(tap_loader_start, 0, tap_loader_start(f->loader, UINT64_MAX)) \
    CALL(tap_loader_next, LOADER, tap_loader_next(f->loader, &f->value)) \
    CALL_STATUS(tap_loader_batches, LOADER, tap_loader_batches(f->loader) == 2 ? TAP_OK : TAP_EARG) \
    CALL(tap_loader_epoch, 0, tap_loader_epoch(NULL)) \
    CALL(tap_loader_new_arrays, 0, tap_loader_free(tap_loader_new_arrays(INT_MIN, NULL, NULL, (tap_loader_options){ 0 }))) \
    CALL(tap_loader_new_dataset, 0, \
      tap_loader_free(tap_loader_new_dataset((tap_dataset){ 0 }, NULL, (tap_loader_options){ 0 }))) \
    CALL(tap_loader_cycle, LOADER, tap_loader_cycle(f->loader, &f->value)) \
    CALL(tap_image_folder_new, 0, tap_image_folder_free(tap_image_folder_new("none", INT_MAX))) \
    CALL(tap_image_folder_free, 0, tap_image_folder_free(NULL)) \
    CALL(tap_image_folder_status, 0, assert_int_equal(tap_image_folder_status(NULL, NULL), TAP_EARG)) \
    CALL(tap_image_folder_class, 0, assert_null(tap_image_folder_class(NULL, INT64_MIN))) \
    CALL(tap_image_folder_dataset, 0, assert_null(tap_image_folder_dataset(NULL).read)) \
    CALL(tap_shards_new, 0, tap_shards_free(tap_shards_new((tap_shards_mode)INT_MIN))) \
    CALL(tap_shards_free, 0, tap_shards_free(NULL)) \
    CALL(tap_shards_status, 0, assert_int_equal(tap_shards_status(NULL, NULL), TAP_EARG)) \
    CALL(tap_shards_add, 0, tap_shards_add(NULL, 1, NULL, NULL)) \
    CALL(tap_shards_dataset, 0, assert_null(tap_shards_dataset(NULL).read)) \
    CALL(tap_transform_random_crop, 0, assert_non_null(tap_transform_random_crop(INT64_MIN).row)) \
    CALL(tap_transform_horizontal_flip, 0, assert_non_null(tap_transform_horizontal_flip((double)NAN).row)) \
    CALL(tap_transform_normalize, 0, assert_non_null(tap_transform_normalize(INT_MAX, NULL, NULL).row)) \
    CALL(tap_transform_mixup, 0, assert_non_null(tap_transform_mixup((double)NAN).batch)) \
    CALL(tap_checkpoint_new, 0, tap_checkpoint_free(tap_checkpoint_new(NULL))) \
    CALL(tap_checkpoint_free, 0, tap_checkpoint_free(NULL)) \
    CALL(tap_checkpoint_status, 0, tap_checkpoint_status(NULL, NULL)) \
    CALL(tap_checkpoint_peek, 0, assert_null(tap_checkpoint_peek(NULL).path)) \
    CALL_FUNCTION(tap_checkpoint_module, MODULE) \
    CALL_FUNCTION(tap_checkpoint_optim, MODULE) \
    CALL_FUNCTION(tap_checkpoint_tape, TAPE | ON) \
    CALL_FUNCTION(tap_checkpoint_loader, LOADER) \
    CALL(tap_checkpoint_tensor, 0, tap_checkpoint_tensor(NULL, NULL, (tap_tensor){ 0 })) \
    CALL(tap_checkpoint_table, 0, tap_checkpoint_table(NULL, NULL, (tap_tensor){ 0 }, NULL)) \
    CALL(tap_checkpoint_option, 0, tap_checkpoint_option(NULL, NULL, NULL)) \
    CALL(tap_checkpoint_save, 0, assert_int_equal(tap_checkpoint_save(NULL, NULL), TAP_EARG)) \
    CALL(tap_checkpoint_resume, 0, assert_false(tap_checkpoint_resume(NULL, NULL))) \
    CALL_FUNCTION(tap_loader_rows, LOADER) \
    CALL(tap_frechet_distance, 0, assert_true(isnan(tap_frechet_distance((tap_tensor){ 0 }, (tap_tensor){ 0 }, NULL)))) \
    CALL_VAR(tap_csr_select, ON_TAPE | VARS, tap_csr_select(sparse, tap_cast(tap_select(f->in.x, 0, 0), TAP_I64))) \
    CALL(tap_kmeans, 0, assert_true(isnan(tap_kmeans((tap_tensor){ 0 }, (tap_kmeans_options){ 0 }, (tap_tensor){ 0 }, NULL)))) \
    CALL(tap_adjusted_rand_index, 0, assert_true(isnan(tap_adjusted_rand_index((tap_tensor){ 0 }, (tap_tensor){ 0 }, NULL)))) \
    CALL(tap_auroc, 0, \
      assert_true(isnan(tap_auroc((tap_tensor){ 0 }, (tap_tensor){ 0 }, (tap_bootstrap_options){ 0 }, NULL).low))) \
    CALL(tap_average_precision, 0, \
      assert_true(isnan(tap_average_precision((tap_tensor){ 0 }, (tap_tensor){ 0 }, (tap_bootstrap_options){ 0 }, \
      NULL).value))) \
    CALL(tap_roc_curve, 0, \
      assert_int_equal(tap_roc_curve((tap_tensor){ 0 }, (tap_tensor){ 0 }, (tap_tensor){ 0 }, (tap_tensor){ 0 }, NULL), 0)) \
    CALL_STATUS(tap_module_gradcheck, MODULE, check(f, module_function, (tap_gradcheck_options){ 0 }).status)
/* clang-format on */

#include "tests/bad_arguments/distributions.h"
#include "tests/bad_arguments/layer_calls.h"
#include "tests/bad_arguments/sequence_calls.h"
#include "tests/bad_arguments/models.h"
#include "tests/bad_arguments/optimizers.h"
#include "tests/bad_arguments/state.h"

#define CALL          AS_FUNCTION
#define CALL_FUNCTION AS_NOTHING
FUNCTIONS_OF_NN
FUNCTIONS_OF_DISTRIBUTIONS
FUNCTIONS_OF_LAYERS
FUNCTIONS_OF_SEQUENCES
FUNCTIONS_OF_OPTIMIZERS
FUNCTIONS_OF_MODELS
FUNCTIONS_OF_STATE
#undef CALL
#undef CALL_FUNCTION

static const function_call rows[] = {
#define CALL          AS_ROW
#define CALL_FUNCTION AS_WRITTEN_ROW
    FUNCTIONS_OF_NN FUNCTIONS_OF_DISTRIBUTIONS FUNCTIONS_OF_LAYERS FUNCTIONS_OF_SEQUENCES FUNCTIONS_OF_OPTIMIZERS
        FUNCTIONS_OF_MODELS FUNCTIONS_OF_STATE
#undef CALL
#undef CALL_FUNCTION
};

enum { ROWS = sizeof rows / sizeof *rows };

/* ---- Conditions: what is wrong with the fixture ---- */

static void sound(fixture *f)
{
    (void)f;
}

static void tape_failed(fixture *f)
{
    tap_tape_fail(f->t, TAP_EIO, "the first error");
}

static void module_failed(fixture *f)
{
    tap_module_fail(f->m, TAP_EIO, "the first error");
}

static void stale(fixture *f)
{
    tap_tape_reset(f->t);
}

static void mixed(fixture *f)
{
    operands there = operands_on(f->other, data_of(f));
    there.x = f->in.x;
    there.z = f->in.z;
    f->in = there;
}

static void half_empty(fixture *f)
{
    f->in = (operands){ .x = f->in.x, .z = f->in.z };
}

static void tapeless(fixture *f)
{
    tap_tape_free(f->t);
    f->t = NULL;
    f->in = (operands){ 0 };
}

static void loader_failed(fixture *f)
{
    tap_loader_free(f->loader);
    f->loader = tap_loader_new((tap_tensor){ 0 }, (tap_loader_options){ 0 });
}

static void no_pointers(fixture *f)
{
    tap_loader_free(f->loader);
    f->m = NULL;
    f->weight = NULL;
    f->linear = NULL;
    f->mlp = NULL;
    f->conv = NULL;
    f->vae = NULL;
    f->count_vae = NULL;
    f->conditional = NULL;
    f->scalar_vae = NULL;
    f->linear_vae = NULL;
    f->autoencoder = NULL;
    f->optim = NULL;
    f->loader = NULL;
}

/* A call that needs one of these must fail with this status. */
static const struct {
    const char *name;
    void (*make)(fixture *f);
    unsigned   needs;
    tap_status status;
} conditions[] = {
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

static void check_outcome(const fixture *f, const char *call, bool broken, const char *where)
{
    if (broken && f->out.id != 0) fail_msg("%s, %s: the result is not inert", call, where);
    if (broken && !is_unreadable(f->value)) fail_msg("%s, %s: there is a value", call, where);
    if (broken && f->status == TAP_OK) fail_msg("%s, %s: says TAP_OK", call, where);
    if (!broken && f->out.tape && f->out.id == 0) fail_msg("%s, %s: the result is inert", call, where);
    if (!broken && f->status > 0) fail_msg("%s, %s: says %s", call, where, tap_status_name((tap_status)f->status));
}

/* The tape has the expected status, and its message is still the first error's. */
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

static void check_call(size_t k, const function_call *r)
{
    const char *where = conditions[k].name;
    fixture     f;
    fixture_begin(&f);
    conditions[k].make(&f);
    const bool     broken = r->traits & conditions[k].needs;
    const snapshot before = take_snapshot(&f);
    r->call(&f);
    const snapshot after = take_snapshot(&f);

    check_outcome(&f, r->name, broken, where);
    tap_status here = broken && (r->traits & ON) ? conditions[k].status : conditions[k].make == tape_failed ? TAP_EIO : TAP_OK;
    check_tape(f.t, here, r->name, where);
    check_tape(f.other, conditions[k].make == mixed && broken ? TAP_ESTALE : TAP_OK, r->name, where);
    check_module(f.root, conditions[k].make == module_failed || (f.m && r->traits & FAILS) ? TAP_EIO : TAP_OK, r->name, where);
    if (broken) assert_memory_equal(before.numbers, after.numbers, sizeof before.numbers);
    fixture_end(&f);
}

static void test_every_function_under_every_condition(void **state)
{
    fixture f;
    (void)state;
    fixture_begin(&f);
    assert_int_equal(tap_module_save(f.m, "good", 0, NULL, NULL), TAP_OK);
    fixture_end(&f);
    for (size_t k = 0; k < sizeof conditions / sizeof *conditions; k++) {
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

/* ---- Invalid arguments, on a sound module and tape ---- */

static tap_tensor of_rank(fixture *f, int rank)
{
    tap_tensor x = data_of(f);
    x.shape.rank = rank;
    return x;
}

static void fail_as(fixture *f, tap_status status, const tap_error *e)
{
    f->status = (int)status;
    tap_module_fail(f->m, status, "%s", e->message);
}

static void save(fixture *f, const char *path, int n, const tap_metadata *metadata)
{
    tap_error e = { 0 };
    fail_as(f, tap_module_save(f->m, path, n, metadata, &e), &e);
}

/* Fails the module as the checkpoint has failed, and frees the checkpoint. */
static void fail_as_checkpoint(fixture *f, tap_checkpoint *c)
{
    const char *message;
    tap_error   e = { .status = tap_checkpoint_status(c, &message) };
    snprintf(e.message, sizeof e.message, "%s", message);
    tap_checkpoint_free(c);
    fail_as(f, e.status, &e);
}

static void load_from(fixture *f, const char *path)
{
    tap_error e = { 0 };
    fail_as(f, tap_module_load(f->m, path, &e), &e);
}

static void load(fixture *f, tap_tensor tensor, const char *name)
{
    tap_named_tensor named = { name, tensor };
    assert_int_equal(tap_safetensors_write("bad", 1, &named, 0, NULL, NULL), TAP_OK);
    load_from(f, "bad");
}

static void gradcheck(fixture *f, tap_module_function function, tap_gradcheck_options o)
{
    tap_gradcheck_result r = check(f, function, o);
    tap_error            e = { r.status, "" };
    memcpy(e.message, r.message, sizeof e.message);
    assert_false(r.ok);
    fail_as(f, r.status, &e);
}

static void make_loader(fixture *f, tap_tensor data, tap_loader_options o)
{
    tap_error   e = { 0 };
    const char *message;
    tap_loader *l = tap_loader_new(data, o);
    e.status = tap_loader_status(l, &message);
    snprintf(e.message, sizeof e.message, "%s", message);
    assert_false(tap_loader_next(l, &f->value));
    tap_loader_start(l, 1);
    assert_int_equal(tap_loader_batches(l), 0);
    tap_loader_free(l);
    fail_as(f, e.status, &e);
}

static void param(fixture *f, const char *name, tap_shape shape, tap_init how)
{
    f->value = tap_param_value(tap_param_new(f->m, name, shape, how));
}

static void vae(fixture *f, tap_vae_options o)
{
    tap_vae v;
    tap_vae_init(&v, tap_module_child(f->m, "new"), o);
    f->out = tap_vae_loss(&v, f->in.x);
}

static void linear_vae(fixture *f, int64_t data, int64_t latent, double sigma)
{
    tap_linear_vae v;
    tap_linear_vae_init(&v, f->m, data, latent, sigma);
    f->out = tap_linear_vae_elbo(&v, f->in.x);
}

static void mlp(fixture *f, int n, const int64_t *sizes, tap_activation activation)
{
    tap_mlp l;
    tap_mlp_init(&l, f->m, "new", n, sizes, activation);
    f->out = tap_mlp_forward(&l, f->in.x);
}

static void linear(fixture *f, int64_t in, int64_t out)
{
    tap_linear l;
    tap_linear_init(&l, f->m, "new", in, out);
    f->out = tap_linear_forward(&l, f->in.x);
}

static void conv(fixture *f, int64_t in, int64_t out, int64_t kernel, int64_t groups)
{
    tap_conv l;
    tap_conv_init(&l, f->m, "new", in, out, kernel, (tap_conv_options){ .groups = groups });
    f->out = tap_conv_forward(&l, tap_unsqueeze(f->in.x, 0));
}

#include "tests/bad_arguments/bound.h"
#include "tests/bad_arguments/functional.h"
#include "tests/bad_arguments/layers.h"
#include "tests/bad_arguments/spatial.h"
#include "tests/bad_arguments/data.h"
#include "tests/bad_arguments/training.h"

static void bad_param_no_init(fixture *f)
{
    tap_init how = { .how = 99 };
    param(f, "p", TAP_SCALAR, how);
}

static void bad_use_dtype(fixture *f)
{
    tap_module *m = tap_module_new(TAP_F32, 0);
    f->out = tap_param_var(f->t, tap_param_new(m, "p", TAP_SCALAR, tap_init_zeros()));
    tap_module_free(m);
}

/* clang-format off */
#define BAD_CALLS \
    BAD_STATUS(child_null, TAP_EARG, "a name must be printable ASCII without space, dot, \" and \\, not ''", \
      tap_module_status(tap_module_child(f->m, NULL), NULL)) \
    BAD_STATUS(child_dot, TAP_EARG, "a name must be printable ASCII without space, dot, \" and \\, not 'a.b'", \
      tap_module_status(tap_module_child(f->m, "a.b"), NULL)) \
    BAD_STATUS(child_taken, TAP_EARG, "linear: the name is in use already", \
      tap_module_status(tap_module_child(f->m, "linear"), NULL)) \
    BAD_CALL(param_null, TAP_EARG, "a name must be printable ASCII without space, dot, \" and \\, not ''", \
      param(f, NULL, TAP_SCALAR, tap_init_zeros())) \
    BAD_CALL(param_negative, TAP_ESHAPE, "p: tensor: invalid shape [-3]", param(f, "p", negative, tap_init_zeros())) \
    BAD_CALL(param_overflowing, TAP_ESHAPE, "p: tensor: invalid shape [9223372036854775807,9223372036854775807]", \
      param(f, "p", overflowing, tap_init_zeros())) \
    BAD_CALL(param_rank, TAP_ESHAPE, "p: tensor: invalid shape [0,0,0,0,0,0,0,0]", param(f, "p", rank_9, tap_init_zeros())) \
    BAD_CALL(param_rank_min, TAP_ESHAPE, "p: tensor: invalid shape []", param(f, "p", rank_min, tap_init_normal(1))) \
    BAD_CALL(param_vast, TAP_ENOMEM, NULL, param(f, "p", vast, tap_init_normal(1))) \
    BAD_FUNCTION(param_no_init, TAP_EARG, "p: the initializer must be one of tap_init's, not 99") \
    BAD_CALL(param_uniform, TAP_EARG, "p: the initializer's value must be a finite number, at least 0, not -1", \
      param(f, "p", TAP_SCALAR, tap_init_uniform(-1))) \
    BAD_CALL(param_normal, TAP_EARG, "p: the initializer's value must be a finite number, at least 0, not nan", \
      param(f, "p", TAP_SCALAR, tap_init_normal((double)NAN))) \
    BAD_CALL(param_no_fan, TAP_EARG, \
      "p: the initializer needs fan_in and fan_out, which shape [3] with fan_in 0 does not give", \
      param(f, "p", TAP_SHAPE(3), tap_init_xavier_normal(1))) \
    BAD_CALL(param_fan, TAP_EARG, \
      "p: the initializer needs fan_in and fan_out, which shape [3] with fan_in -9223372036854775808 does not give", \
      param(f, "p", TAP_SHAPE(3), tap_init_default(INT64_MIN))) \
    BAD_CALL(param_trunc, TAP_EARG, "p: trunc_normal needs a standard deviation above 0 and a below b, within 5 of them around " \
      "the mean, not mean nan, std 1, a -1 and b 1", param(f, "p", TAP_SHAPE(3), tap_init_trunc_normal((double)NAN, 1, -1, 1))) \
    BAD_CALL(param_dirac, TAP_EARG, "p: dirac needs three to five axes, the first of which the groups divide, not shape [2,2,2] " \
      "and -9223372036854775808 groups", param(f, "p", TAP_SHAPE(2, 2, 2), tap_init_dirac(INT64_MIN))) \
    BAD_VAR(use_null, TAP_EARG, "param_var: the parameter is NULL; was the layer initialized?", tap_param_var(f->t, NULL)) \
    BAD_FUNCTION(use_dtype, TAP_EDTYPE, "param_var: p is float32, but the tape is float64") \
    BAD_CALL(save_null, TAP_EARG, "save: the path is NULL", save(f, NULL, 0, NULL)) \
    BAD_CALL(save_folder, TAP_EIO, "none/module: cannot create a file in its folder: No such file or directory", \
      save(f, "none/module", 0, NULL)) \
    BAD_CALL(save_no_metadata, TAP_EARG, "module: a path, tensors or metadata are missing", save(f, "module", 1, NULL)) \
    BAD_CALL(save_negative, TAP_EARG, "module: a path, tensors or metadata are missing", save(f, "module", -1, NULL)) \
    BAD_CALL(load_null, TAP_EARG, "load: the path is NULL", load_from(f, NULL)) \
    BAD_CALL(load_nothing, TAP_EIO, "none: cannot open: No such file or directory", load_from(f, "none")) \
    BAD_CALL(load_other, TAP_EIO, \
      "bad does not fit the module: missing conv.weight, conv.bias and 53 more; different linear.weight (float64 [2,4], " \
      "not float64 [3,4])", \
      load(f, data_of(f), "linear.weight")) \
    BAD_CALL(gradcheck_null, TAP_EARG, "gradcheck: the function is NULL", gradcheck(f, NULL, (tap_gradcheck_options){ 0 })) \
    BAD_CALL(gradcheck_nowhere, TAP_EARG, "gradcheck: the function's result is not on the tape it was given", \
      gradcheck(f, nowhere, (tap_gradcheck_options){ 0 })) \
    BAD_CALL(gradcheck_vast, TAP_ENOMEM, NULL, gradcheck(f, matrix_function, (tap_gradcheck_options){ 0 })) \
    BAD_CALL(gradcheck_eps, TAP_EARG, "gradcheck: eps, atol and rtol must be positive, not -1, 1e-06 and 1e-05", \
      gradcheck(f, module_function, (tap_gradcheck_options){ .eps = -1 })) \
    BAD_CALL(gradcheck_directions, TAP_EARG, "gradcheck: directions must be at most 10000, not 2147483647", \
      gradcheck(f, module_function, (tap_gradcheck_options){ .directions = INT_MAX })) \
    BAD_CALL(gradcheck_order, TAP_EARG, "gradcheck: order must be 1 or 2, not 3", \
      gradcheck(f, module_function, (tap_gradcheck_options){ .order = 3 })) \
    BAD_VAR(csr_select_float, TAP_ESHAPE, "csr_select: [4]: the index must be int64 [n]", \
      tap_csr_select(sparse, tap_select(f->in.x, 0, 0))) \
    BAD_VAR(csr_select_rank, TAP_ESHAPE, "csr_select: [2,4]: the index must be int64 [n]", \
      tap_csr_select(sparse, tap_cast(f->in.x, TAP_I64))) \
    BAD_VAR(csr_select_far, TAP_EARG, "csr_select: [4]: row must be within 0..1, not 2", \
      tap_csr_select(sparse, tap_arange(f->t, 4))) \
    BAD_VAR(csr_select_below, TAP_EARG, "csr_select: [1]: row must be within 0..1, not -1", \
      tap_csr_select(sparse, tap_cast(tap_full(f->t, TAP_SHAPE(1), -1), TAP_I64))) \
    BAD_VAR(csr_select_inert, TAP_EARG, "csr_select: [2]: the matrix is inert", \
      tap_csr_select((tap_csr){ 0, 0, NULL, NULL, NULL }, tap_arange(f->t, 2))) \
    BAD_VAR(csr_select_bad, TAP_EARG, "csr_select: [2]: a column is out of range or order", \
      tap_csr_select((tap_csr){ 2, 1, sparse.start, sparse.column, sparse.value }, tap_arange(f->t, 2))) \
    BAD_VAR(clip_order, TAP_EARG, "smooth_clip: [2,4]: the bounds must be finite, and lo below hi, not 1 and 1", \
      tap_smooth_clip(f->in.x, 1, 1)) \
    BAD_VAR(clip_nan, TAP_EARG, "smooth_clip: [2,4]: the bounds must be finite, and lo below hi, not nan and 1", \
      tap_smooth_clip(f->in.x, (double)NAN, 1))
/* clang-format on */

#define BAD_CALL     AS_BAD_FUNCTION
#define BAD_FUNCTION AS_NOTHING
BAD_CALLS
STATE_BAD_CALLS
LAYER_BAD_CALLS
NEW_LAYER_BAD_CALLS
SEQUENCE_BAD_CALLS
TRAINING_BAD_CALLS
OPTIMIZER_BAD_CALLS
DATA_BAD_CALLS
FUNCTIONAL_BAD_CALLS
SPATIAL_BAD_CALLS
DISTRIBUTION_BAD_CALLS
BOUND_BAD_CALLS
MODEL_BAD_CALLS
#undef BAD_CALL
#undef BAD_FUNCTION

static const bad_call bad_calls[] = {
#define BAD_CALL     AS_BAD_ROW
#define BAD_FUNCTION AS_WRITTEN_BAD_ROW
    BAD_CALLS STATE_BAD_CALLS LAYER_BAD_CALLS NEW_LAYER_BAD_CALLS SEQUENCE_BAD_CALLS TRAINING_BAD_CALLS OPTIMIZER_BAD_CALLS
        DATA_BAD_CALLS FUNCTIONAL_BAD_CALLS SPATIAL_BAD_CALLS DISTRIBUTION_BAD_CALLS BOUND_BAD_CALLS MODEL_BAD_CALLS
#undef BAD_CALL
#undef BAD_FUNCTION
};

/* The error is the tape's or, if that has none, the module's. */
static void test_bad_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_calls / sizeof *bad_calls; i++) {
        const bad_call *r = &bad_calls[i];
        const char     *message;
        fixture         f;
        fixture_begin(&f);
        const snapshot before = take_snapshot(&f);
        r->call(&f);
        tap_status status = tap_tape_status(f.t, &message);
        if (status == TAP_OK) status = tap_module_status(f.m, &message);
        if ((int)status != r->status) fail_msg("%s: %s: %s", r->name, tap_status_name(status), message);
        if (r->message && strcmp(without_number(message), r->message) != 0) fail_msg("%s: '%s'", r->name, message);
        check_outcome(&f, r->name, true, "bad arguments");
        const snapshot after = take_snapshot(&f);
        assert_memory_equal(before.numbers, after.numbers, sizeof before.numbers);
        fixture_end(&f);
    }
}

/* ---- Calls that have nothing to fail ---- */

static void test_null_pointers(void **state)
{
    fixture    f;
    tap_tensor x;
    (void)state;
    fixture_begin(&f);
    assert_null(tap_param_var(NULL, f.weight).tape);
    assert_null(tap_module_param(f.m, NULL));
    assert_false(tap_loader_next(NULL, &x));
    assert_null(x.data);
    assert_false(tap_loader_next(f.loader, NULL));
    tap_loader_rows(f.loader, NULL);
    assert_int_equal(tap_module_status(f.m, NULL), TAP_OK);
    fixture_end(&f);
}

static void test_every_function_has_a_row(void **state)
{
    static const char *const headers[] = { "nn/module.h", "nn/functional.h", "nn/layers.h",  "nn/dist.h",      "nn/optim.h",
                                           "nn/data.h",   "nn/checkpoint.h", "nn/metrics.h", "models/models.h" };
    (void)state;
    int declared = 0;
    for (int i = 0; i < (int)(sizeof headers / sizeof *headers); i++) declared += check_header(headers[i], ROWS, rows);
    assert_int_equal(declared, ROWS);
}

int main(void)
{
    const struct CMUnitTest complete[] = { cmocka_unit_test(test_every_function_has_a_row) };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_function_under_every_condition),
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_null_pointers),
    };
    return cmocka_run_group_tests(complete, NULL, NULL) + cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
