/* tests/bad_arguments/state.h: calls of functions of a module's state: modes, buffers, clones and replacements, and bad ones
 * among them, for test_nn.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_STATE_H
#define TAP_TESTS_BAD_ARGUMENTS_STATE_H

static tap_status new_buffer(fixture *f, const char *name, tap_dtype dtype, tap_shape shape)
{
    tap_buffer_value(tap_buffer_new(f->m, name, dtype, shape, 1));
    return tap_module_status(f->m, NULL);
}

static void call_tap_module_clone(fixture *f)
{
    tap_module *copy = tap_module_clone(f->m, TAP_F64);
    f->status = (int)tap_module_status(copy, NULL);
    tap_module_free(copy);
}

static void call_tap_module_replace(fixture *f)
{
    tap_module_replace(f->t, f->m, f->m);
    f->out = tap_param_var(f->t, f->weight);
}

static void call_tap_param_replace(fixture *f)
{
    tap_param_replace(f->t, f->weight, tap_zeros(f->t, TAP_SHAPE(OUT, IN)));
    tap_param_replace(f->t, f->weight, (tap_var){ 0 });
    f->out = tap_param_var(f->t, f->weight);
}

static void bad_clone_dtype(fixture *f)
{
    const char *message;
    tap_module *copy = tap_module_clone(f->m, no_dtype);
    tap_module_status(copy, &message);
    tap_module_fail(f->m, TAP_EDTYPE, "%s", message);
    tap_module_free(copy);
}

/* clang-format off */
#define FUNCTIONS_OF_STATE \
    CALL(tap_module_train, 0, tap_module_train(f->m)) \
    CALL(tap_module_eval, 0, tap_module_eval(f->m)) \
    CALL(tap_module_training, 0, tap_module_training(f->m)) \
    CALL(tap_module_training_on, 0, tap_module_training_on(f->t, f->m)) \
    CALL_STATUS(tap_buffer_new, MODULE, new_buffer(f, "buffer", TAP_F64, TAP_SHAPE(2))) \
    CALL(tap_buffer_path, 0, tap_buffer_path(NULL)) \
    CALL(tap_buffer_value, 0, tap_buffer_value(NULL)) \
    CALL(tap_buffer_value_on, 0, tap_buffer_value_on(f->t, NULL)) \
    CALL(tap_module_next_buffer, 0, tap_module_next_buffer(f->m, NULL)) \
    CALL(tap_module_buffer, 0, tap_module_buffer(f->m, NULL)) \
    CALL_FUNCTION(tap_module_clone, MODULE) \
    CALL_FUNCTION(tap_module_replace, MODULE | ON_TAPE) \
    CALL_FUNCTION(tap_param_replace, MODULE | ON_TAPE) \
    CALL_STATUS(tap_module_load_with, MODULE, \
      tap_module_load_with(f->m, "good", (tap_load_options){ .partial = true }, NULL, NULL, NULL))

#define STATE_BAD_CALLS \
    BAD_STATUS(buffer_taken, TAP_EARG, "linear: the name is in use already", \
      new_buffer(f, "linear", TAP_F64, TAP_SCALAR)) \
    BAD_STATUS(buffer_dtype, TAP_EDTYPE, "buffer: tensor: unknown dtype 99", \
      new_buffer(f, "buffer", no_dtype, TAP_SCALAR)) \
    BAD_STATUS(buffer_shape, TAP_ESHAPE, "buffer: tensor: invalid shape [-3]", new_buffer(f, "buffer", TAP_F64, negative)) \
    BAD_FUNCTION(clone_dtype, TAP_EDTYPE, "module: parameters are float32 or float64, not unknown dtype") \
    BAD_CALL(replace_by_null, TAP_EARG, "module: NULL", tap_module_replace(f->t, f->m, NULL)) \
    BAD_CALL(replace_null, TAP_EARG, "param_replace: the parameter is NULL, or could not be made", \
      tap_param_replace(f->t, NULL, f->in.x)) \
    BAD_CALL(replace_shape, TAP_ESHAPE, "param_replace: linear.weight: the var must have shape [3,4], not [2,4]", \
      tap_param_replace(f->t, f->weight, f->in.x)) \
    BAD_CALL(replace_tape, TAP_EARG, "param_replace: linear.weight: the var is on another tape", \
      tap_param_replace(f->t, f->weight, tap_zeros(f->other, TAP_SHAPE(OUT, IN))))
/* clang-format on */

#endif
