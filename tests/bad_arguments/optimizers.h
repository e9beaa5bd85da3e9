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

static void call_tap_averaged_model_new(fixture *f)
{
    tap_module *average = tap_averaged_model_new(f->m);
    assert_int_equal(tap_module_status(average, &(const char *){ NULL }), tap_module_status(f->m, NULL));
    tap_module_free(average);
}

static void call_tap_averaged_model_update(fixture *f)
{
    tap_module *average = tap_averaged_model_new(f->m);
    f->status = (int)tap_averaged_model_update(average, f->m, (tap_average_options){ 0 });
    tap_module_status(average, &(const char *){ NULL });
    tap_module_free(average);
}

static void average(fixture *f, tap_module *m, tap_average_options o)
{
    f->status = (int)tap_averaged_model_update(f->m, m, o);
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

static double always_one(double step, void *ctx)
{
    (void)step, (void)ctx;
    return 1;
}

static tap_schedule one_part;

#define OF_SCHEDULE(make, ...) CALL(make, 0, one_part = make(__VA_ARGS__))
#define BAD_SCHEDULE(name, message, ...) \
    BAD_CALL(name, TAP_EARG, message, one_part = tap_step_lr(7, 0.1), tap_scheduler_new(f->optim, __VA_ARGS__))
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
    OF_SCHEDULE(tap_step_lr, 7, 0.1) \
    OF_SCHEDULE(tap_multi_step_lr, 0, NULL, 0.1) \
    OF_SCHEDULE(tap_constant_lr, 0.5, 3) \
    OF_SCHEDULE(tap_linear_lr, 0.5, 1, 3) \
    OF_SCHEDULE(tap_exponential_lr, 0.9) \
    OF_SCHEDULE(tap_polynomial_lr, 3, 1) \
    OF_SCHEDULE(tap_lambda_lr, always_one, NULL) \
    OF_SCHEDULE(tap_cosine_annealing_lr, 3, 0) \
    OF_SCHEDULE(tap_cosine_annealing_warm_restarts, 3, 1, 0) \
    OF_SCHEDULE(tap_cyclic_lr, (tap_cyclic_lr_options){ .max_lr = 1 }) \
    OF_SCHEDULE(tap_one_cycle_lr, (tap_one_cycle_lr_options){ .max_lr = 1, .total_steps = 9 }) \
    OF_SCHEDULE(tap_reduce_lr_on_plateau, (tap_plateau_options){ 0 }) \
    OF_SCHEDULE(tap_sequential_lr, 1, &one_part, NULL) \
    OF_SCHEDULE(tap_chained_lr, 1, &one_part) \
    CALL(tap_schedule_lr, 0, tap_schedule_lr((tap_schedule){ 0 }, 1, 1)) \
    CALL(tap_scheduler_new, 0, tap_scheduler_new(f->optim, tap_step_lr(7, 0.1))) \
    CALL(tap_scheduler_step, 0, tap_scheduler_step(NULL)) \
    CALL(tap_scheduler_step_to, 0, tap_scheduler_step_to(tap_scheduler_new(f->optim, tap_step_lr(7, 0.1)), 1)) \
    CALL(tap_scheduler_step_metric, 0, tap_scheduler_step_metric(NULL, 1)) \
    CALL_FUNCTION(tap_averaged_model_new, 0) \
    CALL_FUNCTION(tap_averaged_model_update, MODULE) \
    CALL(tap_averaged_model_module, 0, tap_averaged_model_module(f->m)) \
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
    BAD_SCHEDULE(no_schedule, "scheduler: the schedule must be made by a function such as tap_step_lr", (tap_schedule){ 0 }) \
    BAD_SCHEDULE(step_size, "step_lr: step_size must be a finite number of at least 1, not 0", tap_step_lr(0, 0.1)) \
    BAD_SCHEDULE(gamma, "exponential_lr: gamma must be a finite number of at least 0, not nan", \
      tap_exponential_lr((double)NAN)) \
    BAD_SCHEDULE(no_milestones, "multi_step_lr: needs a list of n milestones", tap_multi_step_lr(INT_MAX, NULL, 0.1)) \
    BAD_SCHEDULE(total_iters, "linear_lr: total_iters must be a finite number of at least 0, not -1", tap_linear_lr(1, 1, -1)) \
    BAD_SCHEDULE(lambda, "lambda_lr: the function must not be NULL", tap_lambda_lr(NULL, NULL)) \
    BAD_SCHEDULE(T_max, "cosine_annealing_lr: T_max must be a finite number of at least 1, not -9.22337e+18", \
      tap_cosine_annealing_lr(INT64_MIN, 0)) \
    BAD_SCHEDULE(T_mult, "cosine_annealing_warm_restarts: T_mult must be a finite number of at least 1, not 0", \
      tap_cosine_annealing_warm_restarts(1, 0, 0)) \
    BAD_SCHEDULE(cyclic_mode, "cyclic_lr: the mode must be one of TAP_CYCLIC_..., not 99", \
      tap_cyclic_lr((tap_cyclic_lr_options){ .mode = 99 })) \
    BAD_SCHEDULE(cyclic_length, "cyclic_lr: step_size_down must be a finite number above 0, not -1", \
      tap_cyclic_lr((tap_cyclic_lr_options){ .step_size_down = -1 })) \
    BAD_SCHEDULE(no_total, "one_cycle_lr: total_steps must be a finite number of at least 1, not 0", \
      tap_one_cycle_lr((tap_one_cycle_lr_options){ .max_lr = 1 })) \
    BAD_SCHEDULE(pct_start, "one_cycle_lr: pct_start must be within 0..1, not 2", \
      tap_one_cycle_lr((tap_one_cycle_lr_options){ .max_lr = 1, .total_steps = 9, .pct_start = 2 })) \
    BAD_SCHEDULE(plateau_factor, "reduce_lr_on_plateau: factor must be at least 0 and below 1, not 1", \
      tap_reduce_lr_on_plateau((tap_plateau_options){ .factor = 1 })) \
    BAD_SCHEDULE(no_parts, "sequential_lr: needs a list of n schedules, n at least 1", tap_sequential_lr(0, NULL, NULL)) \
    BAD_SCHEDULE(bad_part, "scheduler: the schedule must be made by a function such as tap_step_lr", \
      tap_chained_lr(1, &(tap_schedule){ 0 })) \
    BAD_SCHEDULE(plateau_part, "chained_lr: reduce_lr_on_plateau, which steps by a metric, cannot be a part", \
      tap_chained_lr(1, (tap_schedule[]){ tap_reduce_lr_on_plateau((tap_plateau_options){ 0 }) })) \
    BAD_SCHEDULE(falling_milestones, "sequential_lr: milestones must not decrease, from 5 to 4", \
      tap_sequential_lr(3, (tap_schedule[]){ one_part, one_part, one_part }, (int64_t[]){ 5, 4 })) \
    BAD_CALL(second_scheduler, TAP_EARG, \
      "scheduler: the optimizer has one already; combine schedules by tap_chained_lr or tap_sequential_lr", \
      tap_scheduler_new(f->optim, tap_step_lr(1, 1)), tap_scheduler_new(f->optim, tap_step_lr(1, 1))) \
    BAD_CALL(step_without_metric, TAP_EARG, "scheduler_step: reduce_lr_on_plateau steps by a metric", \
      tap_scheduler_step(tap_scheduler_new(f->optim, tap_reduce_lr_on_plateau((tap_plateau_options){ 0 })))) \
    BAD_CALL(step_with_metric, TAP_EARG, "scheduler_step_metric: step_lr steps without a metric", \
      tap_scheduler_step_metric(tap_scheduler_new(f->optim, tap_step_lr(1, 1)), 1)) \
    BAD_CALL(step_to_nan, TAP_EARG, "scheduler_step_to: the step must be at least 0, not nan", \
      tap_scheduler_step_to(tap_scheduler_new(f->optim, tap_step_lr(1, 1)), (double)NAN)) \
    BAD_CALL(average_other, TAP_EARG, "averaged_model_update: the average must be made by tap_averaged_model_new", \
      average(f, f->m, (tap_average_options){ 0 })) \
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
