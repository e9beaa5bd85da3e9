/* tests/bad_arguments/training.h: bad calls of checkpoints and loaders, for test_nn.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_TRAINING_H
#define TAP_TESTS_BAD_ARGUMENTS_TRAINING_H

static void bad_checkpoint_no_module(fixture *f)
{
    tap_checkpoint *c = tap_checkpoint_new("point");
    tap_checkpoint_module(c, "m", NULL);
    fail_as_checkpoint(f, c);
}

static void bad_checkpoint_no_name(fixture *f)
{
    tap_checkpoint *c = tap_checkpoint_new("point");
    tap_checkpoint_optim(c, NULL, f->optim);
    fail_as_checkpoint(f, c);
}

static void bad_checkpoint_no_tensor(fixture *f)
{
    tap_checkpoint *c = tap_checkpoint_new("point");
    tap_checkpoint_tensor(c, "x", (tap_tensor){ 0 });
    fail_as_checkpoint(f, c);
}

static void bad_checkpoint_rank(fixture *f)
{
    tap_checkpoint *c = tap_checkpoint_new("point");
    tap_checkpoint_tensor(c, "x", of_rank(f, INT_MAX));
    fail_as_checkpoint(f, c);
}

static void bad_checkpoint_table_rank(fixture *f)
{
    int64_t         n = 1;
    tap_checkpoint *c = tap_checkpoint_new("point");
    tap_checkpoint_table(c, "x", of_rank(f, INT_MIN), &n);
    fail_as_checkpoint(f, c);
}

static void bad_checkpoint_taken(fixture *f)
{
    tap_checkpoint *c = tap_checkpoint_new("point");
    tap_checkpoint_tape(c, "t", f->other);
    tap_checkpoint_loader(c, "t", f->loader);
    fail_as_checkpoint(f, c);
}

static void bad_checkpoint_no_option(fixture *f)
{
    tap_checkpoint *c = tap_checkpoint_new("point");
    tap_checkpoint_option(c, "x", NULL);
    fail_as_checkpoint(f, c);
}

static void bad_loader_vast(fixture *f)
{
    tap_tensor wide = { TAP_F64, { 2, { 1ll << 50, 1 } }, { 0 }, f->data };
    make_loader(f, wide, (tap_loader_options){ .shuffle = true });
}

/* clang-format off */
#define TRAINING_BAD_CALLS \
    BAD_FUNCTION(checkpoint_no_module, TAP_EARG, "checkpoint: m must not be NULL") \
    BAD_FUNCTION(checkpoint_no_name, TAP_EARG, "checkpoint: a name must not be empty") \
    BAD_FUNCTION(checkpoint_no_tensor, TAP_EARG, "checkpoint: x must not be NULL") \
    BAD_FUNCTION(checkpoint_rank, TAP_ESHAPE, "checkpoint: x has no valid shape") \
    BAD_FUNCTION(checkpoint_table_rank, TAP_ESHAPE, "checkpoint: x must have at least one axis") \
    BAD_FUNCTION(checkpoint_taken, TAP_EARG, "checkpoint: t is the name of another item already") \
    BAD_FUNCTION(checkpoint_no_option, TAP_EARG, "checkpoint: an option needs a key and a value") \
    BAD_CALL(loader_inert, TAP_ESHAPE, "loader: data must have rows, not shape []", \
      make_loader(f, (tap_tensor){ 0 }, (tap_loader_options){ 0 })) \
    BAD_CALL(loader_scalar, TAP_ESHAPE, "loader: data must have rows, not shape []", \
      make_loader(f, of_rank(f, 0), (tap_loader_options){ 0 })) \
    BAD_CALL(loader_rank, TAP_ESHAPE, "loader: data must have rows, not shape [2,4,0,0,0,0,0,0]", \
      make_loader(f, of_rank(f, INT_MAX), (tap_loader_options){ 0 })) \
    BAD_CALL(loader_rank_min, TAP_ESHAPE, "loader: data must have rows, not shape []", \
      make_loader(f, of_rank(f, INT_MIN), (tap_loader_options){ 0 })) \
    BAD_CALL(loader_batch, TAP_EARG, "loader: batch must be at least 1, not -9223372036854775808", \
      make_loader(f, data_of(f), (tap_loader_options){ .batch = INT64_MIN })) \
    BAD_CALL(loader_dtype, TAP_EDTYPE, "loader: batches must be float32 or float64, not uint8", \
      make_loader(f, data_of(f), (tap_loader_options){ .dtype = TAP_U8 })) \
    BAD_CALL(loader_no_dtype, TAP_EDTYPE, "loader: batches must be float32 or float64, not unknown dtype", \
      make_loader(f, data_of(f), (tap_loader_options){ .dtype = no_dtype })) \
    BAD_CALL(loader_scale, TAP_EARG, "loader: scale must be finite, not nan", \
      make_loader(f, data_of(f), (tap_loader_options){ .scale = (double)NAN })) \
    BAD_FUNCTION(loader_vast, TAP_ENOMEM, NULL)
/* clang-format on */

#endif
