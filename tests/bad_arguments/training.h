/* Wrong arguments, for test_abuse_nn.c, of optimizers, checkpoints and loaders. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_TRAINING_H
#define TAP_TESTS_BAD_ARGUMENTS_TRAINING_H

/* clang-format off */
#define TRAINING_WRONGS \
    X(adam_lr, TAP_EARG, "adam: lr must be a finite number, at least 0, not nan", adam(w, (tap_adam_options){ .lr = (double)NAN })) \
    X(adam_beta1, TAP_EARG, "adam: beta1 must be at least 0 and below 1, not 1", adam(w, (tap_adam_options){ .beta1 = 1 })) \
    X(adam_beta2, TAP_EARG, "adam: beta2 must be at least 0 and below 1, not 2", adam(w, (tap_adam_options){ .beta2 = 2 })) \
    X(adam_eps, TAP_EARG, "adam: eps must be a finite number, at least 0, not inf", adam(w, (tap_adam_options){ .eps = (double)INFINITY })) \
    X(adam_decay, TAP_EARG, "adam: weight_decay must be a finite number, at least 0, not nan", \
      adam(w, (tap_adam_options){ .weight_decay = (double)NAN })) \
    X(sgd_lr, TAP_EARG, "sgd: lr must be a finite number, at least 0, not inf", sgd(w, (tap_sgd_options){ .lr = (double)INFINITY })) \
    X(sgd_momentum, TAP_EARG, "sgd: momentum must be a finite number, at least 0, not nan", sgd(w, (tap_sgd_options){ .momentum = (double)NAN })) \
    X(sgd_nesterov, TAP_EARG, "sgd: nesterov needs a momentum above 0", sgd(w, (tap_sgd_options){ .nesterov = true })) \
    X(optim_set_lr, TAP_EARG, "optim_set_lr: lr must be a finite number, at least 0, not -1", tap_optim_set_lr(w->optim, -1)) \
    X(checkpoint_no_module, TAP_EARG, "checkpoint: m must not be NULL", POINT(tap_checkpoint_module(c, "m", NULL))) \
    X(checkpoint_no_name, TAP_EARG, "checkpoint: a name must not be empty", POINT(tap_checkpoint_optim(c, NULL, w->optim))) \
    X(checkpoint_no_tensor, TAP_EARG, "checkpoint: x must not be NULL", POINT(tap_checkpoint_tensor(c, "x", (tap_tensor){ 0 }))) \
    X(checkpoint_rank, TAP_ESHAPE, "checkpoint: x has no valid shape", POINT(tap_checkpoint_tensor(c, "x", of_rank(w, INT_MAX)))) \
    X(checkpoint_table_rank, TAP_ESHAPE, "checkpoint: x must have at least one axis", \
      int64_t n = 1; POINT(tap_checkpoint_table(c, "x", of_rank(w, INT_MIN), &n))) \
    X(checkpoint_taken, TAP_EARG, "checkpoint: t is the name of another item already", \
      POINT(tap_checkpoint_tape(c, "t", w->other); tap_checkpoint_loader(c, "t", w->loader))) \
    X(checkpoint_no_option, TAP_EARG, "checkpoint: an option needs a key and a value", POINT(tap_checkpoint_option(c, "x", NULL))) \
    X(loader_inert, TAP_ESHAPE, "loader: data must have rows, not shape []", \
      make_loader(w, (tap_tensor){ 0 }, (tap_loader_options){ 0 })) \
    X(loader_scalar, TAP_ESHAPE, "loader: data must have rows, not shape []", \
      make_loader(w, of_rank(w, 0), (tap_loader_options){ 0 })) \
    X(loader_rank, TAP_ESHAPE, "loader: data must have rows, not shape [2,4,0,0,0,0,0,0]", \
      make_loader(w, of_rank(w, INT_MAX), (tap_loader_options){ 0 })) \
    X(loader_rank_min, TAP_ESHAPE, "loader: data must have rows, not shape []", \
      make_loader(w, of_rank(w, INT_MIN), (tap_loader_options){ 0 })) \
    X(loader_batch, TAP_EARG, "loader: batch must be at least 1, not -9223372036854775808", \
      make_loader(w, data_of(w), (tap_loader_options){ .batch = INT64_MIN })) \
    X(loader_dtype, TAP_EDTYPE, "loader: batches must be float32 or float64, not uint8", \
      make_loader(w, data_of(w), (tap_loader_options){ .dtype = TAP_U8 })) \
    X(loader_no_dtype, TAP_EDTYPE, "loader: batches must be float32 or float64, not unknown dtype", \
      make_loader(w, data_of(w), (tap_loader_options){ .dtype = no_dtype })) \
    X(loader_scale, TAP_EARG, "loader: scale must be finite, not nan", \
      make_loader(w, data_of(w), (tap_loader_options){ .scale = (double)NAN })) \
    X(loader_vast, TAP_ENOMEM, NULL, tap_tensor wide = { TAP_F64, { 2, { 1ll << 50, 1 } }, { 0 }, w->data }; \
      make_loader(w, wide, (tap_loader_options){ 0 }))
/* clang-format on */

#endif
