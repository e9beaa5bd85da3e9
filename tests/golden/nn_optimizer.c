/* tests/golden/nn_optimizer.c: cases of torch.optim: steps with given gradients; values, rates and states are compared. */
#include <math.h>
#include <stdlib.h>

#include "nn/internal.h"
#include "tests/golden/nn.h"

#define MAKE(algorithm) \
    static tap_optim *make_##algorithm(tap_module *m) \
    { \
        return tap_##algorithm##_new(m, (tap_##algorithm##_options){ 0 }); \
    }
MAKE(sgd)
MAKE(adam)
MAKE(adamw)
MAKE(adamax)
MAKE(nadam)
MAKE(radam)
MAKE(rmsprop)
MAKE(adagrad)
MAKE(adadelta)
MAKE(rprop)
MAKE(asgd)

/* Optimizers with default options, under PyTorch's names. */
static const struct {
    const char *class_name;
    tap_optim *(*make)(tap_module *m);
} classes[] = {
    { "SGD", make_sgd },           { "Adam", make_adam },   { "AdamW", make_adamw },     { "Adamax", make_adamax },
    { "NAdam", make_nadam },       { "RAdam", make_radam }, { "RMSprop", make_rmsprop }, { "Adagrad", make_adagrad },
    { "Adadelta", make_adadelta }, { "Rprop", make_rprop }, { "ASGD", make_asgd },
};

tap_optim *nn_make_optim(const char *class_name, tap_module *m)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (!strcmp(classes[i].class_name, class_name)) return classes[i].make(m);
    }
    return NULL;
}

/* ---- Arguments ---- */

/* Pairs of PyTorch, and what options call their elements. */
static const struct {
    const char *name, *element[2];
} pairs[] = {
    { "betas", { "beta1", "beta2" } },
    { "etas", { "etaminus", "etaplus" } },
    { "step_sizes", { "step_size_min", "step_size_max" } },
};

/* How a computation is carried out: other values give the same numbers. */
static bool is_implementation(const char *name)
{
    static const char *const names[] = { "foreach", "capturable", "differentiable", "fused" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(names[i], name)) return true;
    }
    return false;
}

/* None is the default. */
static void set_argument(tap_optim *o, int group, const cJSON *x)
{
    if (cJSON_IsNull(x)) return;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (strcmp(pairs[i].name, x->string) != 0) continue;
        for (int k = 0; k < 2; k++)
            tap_optim_set(o, group, pairs[i].element[k], nn_number(cJSON_GetArrayItem(x, k), (double)NAN));
        return;
    }
    if (!is_implementation(x->string)) tap_optim_set(o, group, x->string, nn_number(x, (double)NAN));
}

/* Numbers first: a flag may need one of them. */
static void set_arguments(tap_optim *o, int group, const cJSON *args)
{
    const cJSON *x;
    cJSON_ArrayForEach(x, args)
    {
        if (!cJSON_IsBool(x)) set_argument(o, group, x);
    }
    cJSON_ArrayForEach(x, args)
    {
        if (cJSON_IsBool(x)) set_argument(o, group, x);
    }
}

/* ---- A run ---- */

enum { MAX_TENSORS = 16 };

typedef struct {
    nn_case       *c;
    tap_module    *root;
    tap_optim     *optim;
    tap_scheduler *scheduler; /* NULL: none */
    int            n_params, n_groups;
    tap_param     *param[MAX_TENSORS];
} run;

/* Parameters "0", "1", ... with the values start/I. */
static bool make_params(run *r)
{
    r->n_params = (int)nn_number(nn_field(r->c->json, "params"), 0);
    if (r->n_params < 1 || r->n_params > MAX_TENSORS) nn_fail(r->c, "needs 1 to %d params", (int)MAX_TENSORS);
    for (int i = 0; i < r->n_params && !nn_failed(r->c); i++) {
        char             name[16];
        const tap_tensor start = nn_tensor(r->c, "start/%d", i);
        snprintf(name, sizeof name, "%d", i);
        r->param[i] = tap_param_new(r->root, name, start.shape, tap_init_zeros());
        tap_tensor_copy(tap_param_value(r->param[i]), start, NULL);
    }
    return nn_module_ok(r->c, r->root);
}

/* A group for each parameter, if there are groups. All accumulators begin at the constructor's value, as PyTorch's do. */
static bool make_optim(run *r)
{
    const cJSON *groups = nn_field(r->c->json, "groups"), *group;
    r->optim = nn_make_optim(nn_text(r->c->json, "class"), r->root);
    if (!r->optim) {
        nn_fail(r->c, "there is no optimizer '%s'", nn_text(r->c->json, "class"));
        return false;
    }
    set_arguments(r->optim, 0, nn_field(r->c->json, "args"));
    r->n_groups = groups ? cJSON_GetArraySize(groups) : 1;
    if (groups && r->n_groups != r->n_params) nn_fail(r->c, "needs a group for each parameter");
    for (int i = 1; i < r->n_groups && !nn_failed(r->c); i++)
        tap_optim_group_list(r->optim, 1, &r->param[i], (tap_group_options){ 0 });
    const double accumulator = tap_optim_get(r->optim, 0, "initial_accumulator_value");
    int          i = 0;
    cJSON_ArrayForEach(group, groups)
    {
        set_arguments(r->optim, i, group);
        if (!isnan(accumulator)) tap_optim_set(r->optim, i, "initial_accumulator_value", accumulator);
        i++;
    }
    const cJSON *schedule = nn_field(r->c->json, "schedule");
    if (schedule) r->scheduler = tap_scheduler_new(r->optim, nn_make_schedule(r->c, schedule));
    return nn_module_ok(r->c, r->root);
}

/* Gives a parameter a gradient by a backward pass, since PyTorch tells one of zeros from None, too. */
static void give_gradient(run *r, tap_param *p, tap_tensor g)
{
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_backward(tap_sum(tap_mul(tap_param_var(t, p), tap_input(t, g)), TAP_ALL));
    if (tap_tape_status(t, NULL) != TAP_OK) nn_fail(r->c, "%s", tap_tape_message(t));
    tap_tape_free(t);
}

static void step(run *r, int64_t k)
{
    char             what[64];
    const tap_tensor rate = nn_at(nn_tensor(r->c, "lr"), k), have_grad = nn_at(nn_tensor(r->c, "have_grad"), k);
    for (int g = 0; g < r->n_groups; g++) {
        snprintf(what, sizeof what, "lr of group %d in step %lld", g, (long long)k);
        nn_compare_number(r->c, what, tap_optim_group_lr(r->optim, g), tap_tensor_item(rate, g));
    }
    for (int i = 0; i < r->n_params; i++) {
        if (tap_tensor_item(have_grad, i) != 0) give_gradient(r, r->param[i], nn_at(nn_tensor(r->c, "grad/%d", i), k));
    }
    tap_optim_step(r->optim, NULL);
    if (r->scheduler) tap_scheduler_step(r->scheduler);
    for (int i = 0; i < r->n_params; i++) {
        snprintf(what, sizeof what, "value/%d after step %lld", i, (long long)k);
        nn_compare(r->c, what, tap_param_value(r->param[i]), nn_at(nn_tensor(r->c, "value/%d", i), k));
    }
}

/* ---- The state at the end ---- */

/* The state of a slot under PyTorch's name; NaN [] if there is none. */
static tap_tensor state_of(tap_optim *o, tap__slot *s, const char *name, double *number)
{
    const tap__algorithm *a = o->algorithm;
    *number = strcmp(name, "step") == 0 ? (double)s->step : (double)NAN;
    for (int k = 0; a->scalar[k]; k++) {
        if (!strcmp(a->scalar[k], name)) *number = s->scalar[k];
    }
    for (int k = 0; a->state[k]; k++) {
        if (!strcmp(a->state[k], name) && s->state[k]) return tap_tensor_wrap(TAP_F64, s->param->value.shape, s->state[k]);
    }
    return tap_tensor_wrap(TAP_F64, TAP_SCALAR, number);
}

static void compare_state(run *r)
{
    const cJSON *states = nn_field(r->c->json, "state"), *name;
    for (int i = 0; i < r->n_params; i++) {
        tap__slot *s = &r->optim->slots[i];
        char       what[64];
        double     number;
        snprintf(what, sizeof what, "%d", i);
        cJSON_ArrayForEach(name, nn_field(states, what))
        {
            const char *n = cJSON_GetStringValue(name);
            snprintf(what, sizeof what, "state/%d/%s", i, n ? n : "");
            nn_compare(r->c, what, state_of(r->optim, s, n ? n : "", &number), nn_tensor(r->c, "%s", what));
        }
    }
}

static void run_steps(run *r)
{
    const int64_t steps = (int64_t)nn_number(nn_field(r->c->json, "steps"), 0);
    if (!make_params(r) || !make_optim(r)) return;
    for (int64_t k = 0; k < steps && nn_module_ok(r->c, r->root); k++) step(r, k);
    if (nn_module_ok(r->c, r->root)) compare_state(r);
}

/* ---- L-BFGS ---- */

/* sum_i 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2 */
static tap_var rosenbrock(tap_tape *t, void *ctx)
{
    const tap_var x = tap_param_var(t, ctx);
    const int64_t n = tap_numel(tap_shape_of(x));
    const tap_var left = tap_narrow(x, 0, 0, n - 1), right = tap_narrow(x, 0, 1, n - 1);
    const tap_var valley = tap_square(tap_sub(right, tap_square(left)));
    return tap_sum(tap_add(tap_mul_scalar(valley, 100), tap_square(tap_add_scalar(tap_neg(left), 1))), TAP_ALL);
}

/* sum_i from 1 of i/2 (x_i - 1/i)^2 + cos x_i */
static tap_var quadcos(tap_tape *t, void *ctx)
{
    const tap_var x = tap_param_var(t, ctx);
    const tap_var i = tap_add_scalar(tap_cast(tap_arange(t, tap_numel(tap_shape_of(x))), TAP_F64), 1);
    const tap_var d = tap_sub(x, tap_reciprocal(i));
    return tap_sum(tap_add(tap_mul_scalar(tap_mul(i, tap_square(d)), 0.5), tap_cos(x)), TAP_ALL);
}

static double loss_at(tap_tape *t, tap_module_function loss, tap_param *p)
{
    tap_tape_reset(t);
    return tap_item(loss(t, p));
}

/* Compares up to 100 times the drift that rounding causes, if that is more than the usual tolerance. */
static void compare_drifting(nn_case *c, const char *what, int64_t k, tap_tensor got, tap_tensor want)
{
    const double    drift = 100 * nn_number(nn_field(c->json, "rounding_drift"), 0);
    const tolerance t = { opinfo_exact.absolute, drift > opinfo_exact.relative ? drift : opinfo_exact.relative };
    char            name[64];
    snprintf(name, sizeof name, "%s after call %lld", what, (long long)k);
    if (!nn_failed(c)) opinfo_compare(c->out, name, got, want, t);
}

static void compare_number(nn_case *c, const char *what, int64_t k, double got)
{
    const tap_tensor want = nn_at(nn_tensor(c, "%s", what), k);
    if (tap_dtype_is_float(want.dtype)) compare_drifting(c, what, k, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &got), want);
    else compare_drifting(c, what, k, tap_tensor_wrap(TAP_I64, TAP_SCALAR, &(int64_t){ (int64_t)got }), want);
}

static double counted(tap_optim *o, const char *name)
{
    tap__own_item items[TAP__MAX_OWN];
    const int     n = o->own ? o->algorithm->items(o, items) : 0;
    for (int i = 0; i < n; i++) {
        if (!strcmp(items[i].name, name)) return tap_tensor_item(items[i].x, 0);
    }
    return (double)NAN;
}

static void set_lbfgs_arguments(run *r)
{
    const cJSON *x;
    cJSON_ArrayForEach(x, nn_field(r->c->json, "args"))
    {
        if (!strcmp(x->string, "line_search_fn"))
            tap_optim_set(r->optim, 0, "strong_wolfe", cJSON_IsString(x) && !strcmp(x->valuestring, "strong_wolfe"));
        else set_argument(r->optim, 0, x);
    }
}

static void run_lbfgs(run *r)
{
    nn_case                  *c = r->c;
    const tap_module_function loss = strcmp(nn_text(c->json, "problem"), "rosenbrock") == 0 ? rosenbrock : quadcos;
    const tap_tensor          start = nn_tensor(c, "start"), value = nn_tensor(c, "value");
    tap_param                *p = tap_param_new(r->root, "x", start.shape, tap_init_zeros());
    tap_tape                 *t = tap_tape_new(TAP_F64, 0);
    tap_tensor_copy(tap_param_value(p), start, NULL);
    r->optim = tap_lbfgs_new(r->root, (tap_lbfgs_options){ 0 });
    set_lbfgs_arguments(r);
    for (int64_t k = 0; k < (int64_t)nn_number(nn_field(c->json, "steps"), 0) && nn_module_ok(c, r->root); k++) {
        compare_number(c, "loss_returned", k, tap_optim_step_closure(r->optim, t, loss, p));
        compare_drifting(c, "value", k, tap_param_value(p), nn_at(value, k));
        compare_number(c, "loss_after", k, loss_at(t, loss, p));
        compare_number(c, "n_iter", k, counted(r->optim, "n_iter"));
        compare_number(c, "func_evals", k, counted(r->optim, "func_evals"));
    }
    tap_tape_free(t);
}

/* ---- Clipping ---- */

/* Parameters with the gradients grad/I, where there are any. */
static void make_gradients(run *r)
{
    const tap_tensor have_grad = nn_tensor(r->c, "have_grad");
    r->n_params = (int)nn_number(nn_field(r->c->json, "params"), 0);
    if (r->n_params < 1 || r->n_params > MAX_TENSORS) nn_fail(r->c, "needs 1 to %d params", (int)MAX_TENSORS);
    for (int i = 0; i < r->n_params && !nn_failed(r->c); i++) {
        char             name[16];
        const tap_tensor grad = nn_tensor(r->c, "grad/%d", i);
        snprintf(name, sizeof name, "%d", i);
        r->param[i] = tap_param_new(r->root, name, grad.shape, tap_init_zeros());
        if (tap_tensor_item(have_grad, i) != 0) tap_tensor_copy(tap_param_grad(r->param[i]), grad, NULL);
    }
}

/* PyTorch takes "inf", too. */
static double order_of(const cJSON *x)
{
    return cJSON_IsString(x) ? strtod(x->valuestring, NULL) : nn_number(x, 2);
}

static void run_clip(run *r)
{
    nn_case     *c = r->c;
    const cJSON *args = nn_field(c->json, "args");
    const char  *message;
    make_gradients(r);
    if (!nn_module_ok(c, r->root)) return;
    if (strcmp(nn_text(c->json, "function"), "clip_grad_norm_") == 0) {
        const tap_clip_options o = { .norm_type = order_of(nn_field(args, "norm_type")),
                                     .error_if_nonfinite = nn_flag(args, "error_if_nonfinite") };
        const double           norm = tap_clip_grad_norm(r->root, nn_number(nn_field(args, "max_norm"), (double)NAN), o);
        if (nn_find(c, "norm")) nn_compare_number(c, "norm", norm, tap_tensor_item(nn_tensor(c, "norm"), 0));
    } else tap_clip_grad_value(r->root, nn_number(nn_field(args, "clip_value"), (double)NAN));
    if (!nn_field(c->json, "error")) nn_module_ok(c, r->root);
    else if (tap_module_status(r->root, &message) != TAP_ENONFINITE) nn_fail(c, "expected an error");
    for (int i = 0; i < r->n_params; i++) {
        char what[64];
        snprintf(what, sizeof what, "grad_after/%d", i);
        if (tap_tensor_item(nn_tensor(c, "have_grad"), i) != 0)
            nn_compare(c, what, tap_param_grad(r->param[i]), nn_tensor(c, "%s", what));
    }
}

outcome nn_run_optimizer(nn_case *c)
{
    run r = { .c = c, .root = tap_module_new(TAP_F64, 0) };
    if (nn_field(c->json, "problem")) run_lbfgs(&r);
    else if (nn_field(c->json, "function")) run_clip(&r);
    else run_steps(&r);
    tap_module_free(r.root);
    return nn_failed(c) ? FAILED : PASSED;
}
