/* tests/bad_arguments/optimizers.h: calls of optimizers, for test_nn.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_OPTIMIZERS_H
#define TAP_TESTS_BAD_ARGUMENTS_OPTIMIZERS_H

static void call_tap_optim_free(fixture *f)
{
    tap_optim_free(f->optim);
    tap_optim_free(NULL);
}

static tap_var square_of_weight(tap_tape *t, void *ctx)
{
    const fixture *f = ctx;
    return tap_sum(tap_square(tap_param_var(t, f->weight)), TAP_ALL);
}

static void call_tap_optim_step_closure(fixture *f)
{
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    f->status = isnan(tap_optim_step_closure(f->optim, t, square_of_weight, f)) ? TAP_EARG : TAP_OK;
    tap_tape_free(t);
}

static void call_tap_clip_grad_norm(fixture *f)
{
    f->status = isnan(tap_clip_grad_norm(f->m, 1, (tap_clip_options){ 0 })) ? TAP_EARG : TAP_OK;
}

static void closure(fixture *f, tap_tape *t, tap_module_function loss)
{
    f->status = isnan(tap_optim_step_closure(f->optim, t, loss, f)) ? TAP_EARG : TAP_OK;
}

static const tap_group_options no_decay = { .weight_decay = TAP_ZERO };

static void group(fixture *f, tap_param_predicate which, tap_group_options g)
{
    tap_optim_group(f->optim, which, NULL, g);
    f->status = (int)tap_optim_step(f->optim, f->t);
}

static void group_list(fixture *f, int n, tap_param *const *params)
{
    tap_optim_group_list(f->optim, n, params, no_decay);
    f->status = (int)tap_optim_step(f->optim, f->t);
}

static void set(fixture *f, int which, const char *option, double value)
{
    tap_optim_set(f->optim, which, option, value);
    f->status = (int)tap_optim_step(f->optim, f->t);
}

#define NEW_OPTIM(algorithm, ...) \
    (tap_optim_free(f->optim), \
     f->status = (int)tap_optim_step(tap_##algorithm##_new(f->m, (tap_##algorithm##_options){ __VA_ARGS__ }), NULL))
#define BAD_OPTIM(name, algorithm, message, ...) \
    BAD_CALL(name, TAP_EARG, #algorithm ": " message, NEW_OPTIM(algorithm, __VA_ARGS__))
#define CALL_OPTIM(algorithm) CALL(tap_##algorithm##_new, MODULE, NEW_OPTIM(algorithm, .lr = TAP_ZERO))

/* clang-format off */
#define FUNCTIONS_OF_OPTIMIZERS \
    CALL_OPTIM(sgd) CALL_OPTIM(adam) CALL_OPTIM(adamw) CALL_OPTIM(adamax) CALL_OPTIM(nadam) CALL_OPTIM(radam) \
    CALL_OPTIM(rmsprop) CALL_OPTIM(adagrad) CALL_OPTIM(adadelta) CALL_OPTIM(rprop) CALL_OPTIM(asgd) \
    CALL(tap_lbfgs_new, 0, tap_optim_free(f->optim), tap_optim_finite(tap_lbfgs_new(f->m, (tap_lbfgs_options){ 0 }))) \
    CALL_FUNCTION(tap_optim_step_closure, MODULE) \
    CALL_STATUS(tap_optim_step, MODULE | TAPE, tap_optim_step(f->optim, f->t)) \
    CALL(tap_optim_finite, 0, tap_optim_finite(NULL)) \
    CALL(tap_optim_set_lr, 0, tap_optim_set_lr(f->optim, 1)) \
    CALL(tap_optim_lr, 0, tap_optim_lr(f->optim)) \
    CALL(tap_optim_set, 0, tap_optim_set(f->optim, 0, "lr", 1)) \
    CALL(tap_optim_get, 0, tap_optim_get(f->optim, -1, NULL)) \
    CALL(tap_optim_group, 0, tap_optim_group(f->optim, tap_is_vector, NULL, no_decay)) \
    CALL(tap_optim_group_list, 0, tap_optim_group_list(f->optim, 0, NULL, no_decay)) \
    CALL(tap_optim_groups, 0, tap_optim_groups(f->optim)) \
    CALL(tap_optim_group_lr, 0, tap_optim_group_lr(f->optim, INT_MAX)) \
    CALL(tap_is_vector, 0, tap_is_vector(f->weight, NULL)) \
    CALL(tap_is_matrix, 0, tap_is_matrix(f->weight, NULL)) \
    CALL(tap_is_below, 0, tap_is_below(f->weight, f->m)) \
    CALL(tap_grad_norm, 0, tap_grad_norm(f->m, 2)) \
    CALL_FUNCTION(tap_clip_grad_norm, MODULE) \
    CALL(tap_clip_grad_value, MODULE, tap_clip_grad_value(f->m, 1e-3)) \
    CALL_FUNCTION(tap_optim_free, 0)

#define OPTIMIZER_BAD_CALLS \
    BAD_OPTIM(adam_lr, adam, "lr must be a finite number, at least 0, not nan", .lr = (double)NAN) \
    BAD_OPTIM(adam_beta1, adam, "beta1 must be at least 0 and below 1, not 1", .beta1 = 1) \
    BAD_OPTIM(adam_beta2, adam, "beta2 must be at least 0 and below 1, not 2", .beta2 = 2) \
    BAD_OPTIM(adam_eps, adam, "eps must be a finite number, at least 0, not inf", .eps = (double)INFINITY) \
    BAD_OPTIM(adam_decay, adam, "weight_decay must be a finite number, at least 0, not nan", .weight_decay = (double)NAN) \
    BAD_OPTIM(adamw_decay, adamw, "weight_decay must be a finite number, at least 0, not -2", .weight_decay = -2) \
    BAD_OPTIM(sgd_lr, sgd, "lr must be a finite number, at least 0, not inf", .lr = (double)INFINITY) \
    BAD_OPTIM(sgd_momentum, sgd, "momentum must be a finite number, at least 0, not nan", .momentum = (double)NAN) \
    BAD_OPTIM(sgd_nesterov, sgd, "nesterov needs a momentum above 0", .nesterov = true) \
    BAD_OPTIM(sgd_dampening, sgd, "nesterov needs a dampening of 0", .momentum = 0.9, .dampening = 0.1, .nesterov = true) \
    BAD_OPTIM(adamax_beta1, adamax, "beta1 must be at least 0 and below 1, not 1", .beta1 = 1) \
    BAD_OPTIM(nadam_decay, nadam, "momentum_decay must be a finite number, at least 0, not -2", .momentum_decay = -2) \
    BAD_OPTIM(radam_beta2, radam, "beta2 must be at least 0 and below 1, not nan", .beta2 = (double)NAN) \
    BAD_OPTIM(rmsprop_alpha, rmsprop, "alpha must be a finite number, at least 0, not inf", .alpha = (double)INFINITY) \
    BAD_OPTIM(adagrad_sum, adagrad, "initial_accumulator_value must be a finite number, at least 0, not -2", \
      .initial_accumulator_value = -2) \
    BAD_OPTIM(adadelta_rho, adadelta, "rho must be at least 0 and below 1, not 1", .rho = 1) \
    BAD_OPTIM(rprop_etas, rprop, "needs 0 < etaminus < 1 < etaplus", .etaplus = 1) \
    BAD_OPTIM(asgd_t0, asgd, "t0 must be a finite number, at least 0, not nan", .t0 = (double)NAN) \
    BAD_OPTIM(lbfgs_count, lbfgs, "max_iter must be at least 1, not -9223372036854775808", .max_iter = INT64_MIN) \
    BAD_CALL(closure_null, TAP_EARG, "optim_step_closure: the function must not be NULL", closure(f, f->t, NULL)) \
    BAD_CALL(closure_no_tape, TAP_EARG, "optim_step_closure: the tape must not be NULL", closure(f, NULL, square_of_weight)) \
    BAD_CALL(optim_set_lr, TAP_EARG, "optim_set_lr: lr must be a finite number, at least 0, not -1", \
      tap_optim_set_lr(f->optim, -1)) \
    BAD_CALL(optim_set_unknown, TAP_EARG, "optim_set: adam has no option momentum", set(f, 0, "momentum", 0)) \
    BAD_CALL(optim_set_null, TAP_EARG, "optim_set: adam has no option NULL", set(f, 0, NULL, 0)) \
    BAD_CALL(optim_set_nowhere, TAP_EARG, "optim_set: the group must be one of 0..0, not 1", set(f, 1, "lr", 0)) \
    BAD_CALL(optim_set_range, TAP_EARG, "optim_set: beta1 must be at least 0 and below 1, not 1", set(f, 0, "beta1", 1)) \
    BAD_CALL(optim_set_flag, TAP_EARG, "optim_set: amsgrad must be 0 or 1, not 2", set(f, 0, "amsgrad", 2)) \
    BAD_CALL(norm_order, TAP_EARG, "grad_norm: the order of the norm must be above 0, not 0", tap_grad_norm(f->m, 0)) \
    BAD_CALL(clip_norm_order, TAP_EARG, "clip_grad_norm: the order of the norm must be above 0, not nan", \
      tap_clip_grad_norm(f->m, 1, (tap_clip_options){ .norm_type = (double)NAN })) \
    BAD_CALL(clip_norm, TAP_EARG, "clip_grad_norm: the norm must be at least 0, not -1", \
      tap_clip_grad_norm(f->m, -1, (tap_clip_options){ 0 })) \
    BAD_CALL(clip_value, TAP_EARG, "clip_grad_value: the value must be at least 0, not nan", \
      tap_clip_grad_value(f->m, (double)NAN)) \
    BAD_CALL(group_null, TAP_EARG, "optim_group: the predicate must not be NULL", group(f, NULL, no_decay)) \
    BAD_CALL(group_option, TAP_EARG, "optim_group: adam has no option momentum", \
      group(f, tap_is_vector, (tap_group_options){ .momentum = 0.9 })) \
    BAD_CALL(group_range, TAP_EARG, "optim_group: eps must be a finite number, at least 0, not -3", \
      group(f, tap_is_vector, (tap_group_options){ .eps = -3 })) \
    BAD_CALL(group_no_list, TAP_EARG, "optim_group_list: needs a list of n parameters", group_list(f, 2, NULL)) \
    BAD_CALL(group_negative, TAP_EARG, "optim_group_list: needs a list of n parameters", group_list(f, INT_MIN, NULL)) \
    BAD_CALL(group_null_member, TAP_EARG, "optim_group_list: parameter 0 of the list is not one of the optimizer's", \
      group_list(f, 1, (tap_param *[]){ NULL }))
/* clang-format on */

#endif
