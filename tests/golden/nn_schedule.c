/* tests/golden/nn_schedule.c: cases of torch.optim.lr_scheduler: rates and momenta of each step are compared. */
#include "tests/golden/nn.h"

#include <math.h>
#include <stdlib.h>

static double argument(const cJSON *args, const char *name, double otherwise)
{
    return nn_number(nn_field(args, name), otherwise);
}

/* As in options: 0 stands for the default, TAP_ZERO for 0. */
static double option(const cJSON *args, const char *name)
{
    const double x = argument(args, name, 0);
    return x == 0 && nn_field(args, name) ? TAP_ZERO : x;
}

static int64_t count(const cJSON *args, const char *name, int64_t otherwise)
{
    return (int64_t)argument(args, name, (double)otherwise);
}

/* The numbers of a list, in the case's memory; NULL if there is no list. */
static double *numbers(nn_case *c, const cJSON *list)
{
    const int n = cJSON_GetArraySize(list);
    double   *x = cJSON_IsArray(list) ? tap_arena_alloc(c->arena, (size_t)(n + 1) * sizeof *x) : NULL;
    for (int i = 0; x && i < n; i++) x[i] = nn_number(cJSON_GetArrayItem(list, i), (double)NAN);
    return x;
}

static int64_t *integers_of(nn_case *c, const cJSON *list)
{
    const int n = cJSON_GetArraySize(list);
    int64_t  *x = tap_arena_alloc(c->arena, (size_t)(n + 1) * sizeof *x);
    for (int i = 0; x && i < n; i++) x[i] = (int64_t)nn_number(cJSON_GetArrayItem(list, i), -1);
    return x;
}

/* ---- Schedules by PyTorch's arguments ---- */

static tap_schedule make_step(nn_case *c, const cJSON *a)
{
    (void)c;
    return tap_step_lr(count(a, "step_size", 0), argument(a, "gamma", 0.1));
}

static tap_schedule make_multi_step(nn_case *c, const cJSON *a)
{
    const cJSON *list = nn_field(a, "milestones");
    return tap_multi_step_lr(cJSON_GetArraySize(list), integers_of(c, list), argument(a, "gamma", 0.1));
}

static tap_schedule make_constant(nn_case *c, const cJSON *a)
{
    (void)c;
    return tap_constant_lr(argument(a, "factor", 1.0 / 3), count(a, "total_iters", 5));
}

static tap_schedule make_linear(nn_case *c, const cJSON *a)
{
    (void)c;
    return tap_linear_lr(argument(a, "start_factor", 1.0 / 3), argument(a, "end_factor", 1), count(a, "total_iters", 5));
}

static tap_schedule make_exponential(nn_case *c, const cJSON *a)
{
    (void)c;
    return tap_exponential_lr(argument(a, "gamma", (double)NAN));
}

static tap_schedule make_polynomial(nn_case *c, const cJSON *a)
{
    (void)c;
    return tap_polynomial_lr(count(a, "total_iters", 5), argument(a, "power", 1));
}

static tap_schedule make_cosine(nn_case *c, const cJSON *a)
{
    (void)c;
    return tap_cosine_annealing_lr(count(a, "T_max", 0), argument(a, "eta_min", 0));
}

static tap_schedule make_restarts(nn_case *c, const cJSON *a)
{
    (void)c;
    return tap_cosine_annealing_warm_restarts(count(a, "T_0", 0), count(a, "T_mult", 1), argument(a, "eta_min", 0));
}

/* min((k + 1) / warmup, sqrt(warmup / (k + 1))) */
static double inverse_sqrt(double k, void *ctx)
{
    const double warmup = *(double *)ctx;
    return fmin((k + 1) / warmup, sqrt(warmup / (k + 1)));
}

static tap_schedule make_lambda(nn_case *c, const cJSON *a)
{
    double *warmup = tap_arena_alloc(c->arena, sizeof *warmup);
    *warmup = argument(a, "warmup", (double)NAN);
    if (strcmp(nn_text(a, "lambda"), "inverse_sqrt") != 0) nn_fail(c, "the lambda '%s' is not known", nn_text(a, "lambda"));
    return tap_lambda_lr(inverse_sqrt, warmup);
}

static tap_schedule make_cyclic(nn_case *c, const cJSON *a)
{
    const char *mode = nn_text(a, "mode");
    return tap_cyclic_lr((tap_cyclic_lr_options){
        .base_lr = argument(a, "base_lr", 0),
        .base_lrs = numbers(c, nn_field(a, "base_lr")),
        .max_lr = argument(a, "max_lr", 0),
        .max_lrs = numbers(c, nn_field(a, "max_lr")),
        .step_size_up = argument(a, "step_size_up", 0),
        .step_size_down = argument(a, "step_size_down", 0),
        .mode = !strcmp(mode, "triangular2") ? TAP_CYCLIC_TRIANGULAR2
                : !strcmp(mode, "exp_range") ? TAP_CYCLIC_EXP_RANGE
                                             : TAP_CYCLIC_TRIANGULAR,
        .gamma = option(a, "gamma"),
        .keep_momentum = argument(a, "cycle_momentum", 1) == 0,
        .base_momentum = option(a, "base_momentum"),
        .base_momenta = numbers(c, nn_field(a, "base_momentum")),
        .max_momentum = option(a, "max_momentum"),
        .max_momenta = numbers(c, nn_field(a, "max_momentum")),
    });
}

static tap_schedule make_one_cycle(nn_case *c, const cJSON *a)
{
    return tap_one_cycle_lr((tap_one_cycle_lr_options){
        .max_lr = argument(a, "max_lr", 0),
        .max_lrs = numbers(c, nn_field(a, "max_lr")),
        .total_steps = count(a, "total_steps", count(a, "epochs", 0) * count(a, "steps_per_epoch", 0)),
        .pct_start = option(a, "pct_start"),
        .anneal = strcmp(nn_text(a, "anneal_strategy"), "linear") ? TAP_ANNEAL_COS : TAP_ANNEAL_LINEAR,
        .keep_momentum = argument(a, "cycle_momentum", 1) == 0,
        .base_momentum = option(a, "base_momentum"),
        .base_momenta = numbers(c, nn_field(a, "base_momentum")),
        .max_momentum = option(a, "max_momentum"),
        .max_momenta = numbers(c, nn_field(a, "max_momentum")),
        .div_factor = argument(a, "div_factor", 0),
        .final_div_factor = argument(a, "final_div_factor", 0),
        .three_phase = nn_flag(a, "three_phase"),
    });
}

static tap_schedule make_plateau(nn_case *c, const cJSON *a)
{
    return tap_reduce_lr_on_plateau((tap_plateau_options){
        .maximize = !strcmp(nn_text(a, "mode"), "max"),
        .factor = option(a, "factor"),
        .patience = (int64_t)option(a, "patience"),
        .threshold = option(a, "threshold"),
        .absolute_threshold = !strcmp(nn_text(a, "threshold_mode"), "abs"),
        .cooldown = count(a, "cooldown", 0),
        .min_lr = argument(a, "min_lr", 0),
        .min_lrs = numbers(c, nn_field(a, "min_lr")),
        .eps = option(a, "eps"),
    });
}

/* The schedules of a list, in the case's memory. */
static const tap_schedule *parts_of(nn_case *c, const cJSON *list)
{
    const int     n = cJSON_GetArraySize(list);
    tap_schedule *parts = tap_arena_alloc(c->arena, (size_t)(n + 1) * sizeof *parts);
    for (int i = 0; parts && i < n; i++) parts[i] = nn_make_schedule(c, cJSON_GetArrayItem(list, i));
    return parts;
}

static tap_schedule make_sequential(nn_case *c, const cJSON *a)
{
    const cJSON *list = nn_field(a, "schedulers");
    return tap_sequential_lr(cJSON_GetArraySize(list), parts_of(c, list), integers_of(c, nn_field(a, "milestones")));
}

static tap_schedule make_chained(nn_case *c, const cJSON *a)
{
    const cJSON *list = nn_field(a, "schedulers");
    return tap_chained_lr(cJSON_GetArraySize(list), parts_of(c, list));
}

tap_schedule nn_make_schedule(nn_case *c, const cJSON *json)
{
    static const struct {
        const char *class_name;
        tap_schedule (*make)(nn_case *c, const cJSON *args);
    } classes[] = {
        { "StepLR", make_step },
        { "MultiStepLR", make_multi_step },
        { "ConstantLR", make_constant },
        { "LinearLR", make_linear },
        { "ExponentialLR", make_exponential },
        { "PolynomialLR", make_polynomial },
        { "CosineAnnealingLR", make_cosine },
        { "CosineAnnealingWarmRestarts", make_restarts },
        { "LambdaLR", make_lambda },
        { "CyclicLR", make_cyclic },
        { "OneCycleLR", make_one_cycle },
        { "ReduceLROnPlateau", make_plateau },
        { "SequentialLR", make_sequential },
        { "ChainedScheduler", make_chained },
    };
    const char *name = nn_text(json, "class");
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (!strcmp(classes[i].class_name, name)) return classes[i].make(c, nn_field(json, "args"));
    }
    nn_fail(c, "there is no schedule '%s'", name);
    return (tap_schedule){ 0 };
}

/* ---- A run ---- */

/* An optimizer with a group for each base rate; NULL if the case names another optimizer. */
static tap_optim *make_optim(nn_case *c, tap_module *root, const cJSON *base_lr)
{
    const int   n = cJSON_GetArraySize(base_lr);
    const char *name = nn_text(c->json, "optimizer");
    tap_param  *p[8];
    if (n < 1 || n > 8) nn_fail(c, "needs 1 to 8 base rates");
    for (int i = 0; i < n && !nn_failed(c); i++) {
        char path[] = { (char)('a' + i), '\0' };
        p[i] = tap_param_new(root, path, TAP_SCALAR, tap_init_zeros());
    }
    if (nn_failed(c)) return NULL;
    tap_optim *o = nn_make_optim(name, root);
    if (!o) nn_fail(c, "there is no optimizer '%s'", name);
    if (o && !strcmp(name, "SGD")) tap_optim_set(o, 0, "momentum", 0.9);
    for (int i = 0; i < n && o; i++) {
        if (i > 0) tap_optim_group_list(o, 1, &p[i], (tap_group_options){ 0 });
        tap_optim_set(o, i, "lr", nn_number(cJSON_GetArrayItem(base_lr, i), (double)NAN));
    }
    return o;
}

static void compare_rates(nn_case *c, tap_optim *o, int64_t k)
{
    const char      *momentum = isnan(tap_optim_get(o, 0, "momentum")) ? "beta1" : "momentum";
    const tap_tensor lr = nn_at(nn_tensor(c, "lr"), k), m = nn_at(nn_tensor(c, "momentum"), k);
    for (int i = 0; i < tap_optim_groups(o); i++) {
        char what[64];
        snprintf(what, sizeof what, "lr of group %d in step %lld", i, (long long)k);
        nn_compare_number(c, what, tap_optim_group_lr(o, i), tap_tensor_item(lr, i));
        snprintf(what, sizeof what, "momentum of group %d in step %lld", i, (long long)k);
        nn_compare_number(c, what, tap_optim_get(o, i, momentum), tap_tensor_item(m, i));
    }
}

static void run(nn_case *c, tap_module *root)
{
    const cJSON  *metrics = nn_field(c->json, "metrics"), *epochs = nn_field(c->json, "epochs");
    const int64_t steps = count(c->json, "steps", 0);
    tap_optim    *o = make_optim(c, root, nn_field(c->json, "base_lr"));
    if (!o || !nn_module_ok(c, root)) return;
    tap_scheduler *s = tap_scheduler_new(o, nn_make_schedule(c, c->json));
    for (int64_t k = 0; k < steps && nn_module_ok(c, root); k++) {
        if (k > 0 && metrics) tap_scheduler_step_metric(s, nn_number(cJSON_GetArrayItem(metrics, (int)k - 1), (double)NAN));
        else if (k > 0 && epochs) tap_scheduler_step_to(s, nn_number(cJSON_GetArrayItem(epochs, (int)k - 1), (double)NAN));
        else if (k > 0) tap_scheduler_step(s);
        compare_rates(c, o, k);
    }
}

outcome nn_run_schedule(nn_case *c)
{
    tap_module *root = tap_module_new(TAP_F64, 0);
    run(c, root);
    nn_module_ok(c, root);
    tap_module_free(root);
    return nn_failed(c) ? FAILED : PASSED;
}
