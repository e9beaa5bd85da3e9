/* tests/bad_arguments/models.h: a call of every function of models.h, and bad calls, for test_nn.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_MODELS_H
#define TAP_TESTS_BAD_ARGUMENTS_MODELS_H

static void call_tap_vae_init(fixture *f)
{
    tap_vae v;
    tap_vae_init(&v, tap_module_child(f->m, "new"), (tap_vae_options){ .data = 1 });
    f->value = tap_param_value(v.loc.weight);
}

static void call_tap_bits_back_encode(fixture *f)
{
    tap_arena *a = tap_arena_new();
    tap_bits_back_encode(a, f->vae, tap_tensor_wrap(TAP_U8, TAP_SHAPE(2, IN), f->data));
    tap_arena_free(a);
}

static void call_tap_bits_back_decode(fixture *f)
{
    tap_arena *a = tap_arena_new();
    tap_bits_back_decode(a, f->vae, tap_tensor_wrap(TAP_U8, TAP_SHAPE(50), f->data));
    tap_arena_free(a);
}

static void call_tap_bits_back_inspect(fixture *f)
{
    tap_bits_back_header h;
    assert_int_equal(tap_bits_back_inspect((tap_tensor){ 0 }, &h, NULL), TAP_EARG);
    assert_int_equal(tap_bits_back_inspect(tap_tensor_wrap(TAP_U8, TAP_SHAPE(50), f->data), NULL, NULL), TAP_EARG);
}

static void call_tap_count_vae_init(fixture *f)
{
    tap_count_vae v;
    tap_count_vae_init(&v, tap_module_child(f->m, "new"), (tap_count_vae_options){ .genes = 1 });
    f->value = tap_param_value(v.log_theta);
}

static void call_tap_scalar_vae_init(fixture *f)
{
    tap_scalar_vae v;
    tap_scalar_vae_init(&v, tap_module_child(f->m, "new"));
    f->value = tap_param_value(v.a);
}

static void call_tap_linear_vae_init(fixture *f)
{
    tap_linear_vae v;
    tap_linear_vae_init(&v, tap_module_child(f->m, "new"), 2, 1, 0);
    f->value = tap_param_value(v.V);
}

static void call_tap_linear_vae_elbo_from(fixture *f)
{
    tap_var mean = tap_select(f->in.x, 0, 0);
    f->out = tap_linear_vae_elbo_from(f->linear_vae, mean, tap_matmul(tap_mT(f->in.x), f->in.x));
}

static void call_tap_autoencoder_init(fixture *f)
{
    tap_autoencoder a;
    tap_autoencoder_init(&a, tap_module_child(f->m, "new"), (tap_autoencoder_options){ .data = 1 });
    f->value = tap_param_value(a.code.weight);
}

/* clang-format off */
#define FUNCTIONS_OF_MODELS \
    CALL_FUNCTION(tap_vae_init, MODULE) \
    CALL_VAR(tap_vae_encode, MODULE | ON_TAPE | VARS, tap_vae_encode(f->vae, f->in.x).param[0]) \
    CALL_VAR(tap_vae_decode, MODULE | ON_TAPE | VARS, tap_vae_decode(f->vae, f->in.noise).param[0]) \
    CALL_VAR(tap_vae_elbo, MODULE | ON_TAPE | VARS, tap_vae_elbo(f->vae, f->in.x).elbo) \
    CALL_VAR(tap_vae_elbo_from, MODULE | ON_TAPE | VARS | PAIR, tap_vae_elbo_from(f->vae, f->in.x, f->in.noise).elbo) \
    CALL_VAR(tap_vae_loss, MODULE | ON_TAPE | VARS, tap_vae_loss(f->vae, f->in.x)) \
    CALL_VAR(tap_vae_loss_from, MODULE | ON_TAPE | VARS, tap_vae_loss_from(f->vae, tap_vae_elbo(f->vae, f->in.x))) \
    CALL_VAR(tap_vae_sample, MODULE | ON_TAPE, tap_vae_sample(f->vae, f->t, 2)) \
    CALL_VAR(tap_vae_reconstruct, MODULE | ON_TAPE | VARS, tap_vae_reconstruct(f->vae, f->in.x)) \
    CALL_VAR(tap_vae_encode_given, MODULE | ON_TAPE | VARS | PAIR, \
      tap_vae_encode_given(f->conditional, f->in.x, f->in.c).param[0]) \
    CALL_VAR(tap_vae_decode_given, MODULE | ON_TAPE | VARS | PAIR, \
      tap_vae_decode_given(f->conditional, f->in.z, f->in.c).param[0]) \
    CALL_VAR(tap_vae_elbo_given, MODULE | ON_TAPE | VARS | PAIR, tap_vae_elbo_given(f->conditional, f->in.x, f->in.c).elbo) \
    CALL_VAR(tap_vae_loss_given, MODULE | ON_TAPE | VARS | PAIR, tap_vae_loss_given(f->conditional, f->in.x, f->in.c)) \
    CALL_VAR(tap_vae_sample_given, MODULE | ON_TAPE | VARS, tap_vae_sample_given(f->conditional, f->in.z)) \
    CALL_FUNCTION(tap_bits_back_encode, 0) \
    CALL_FUNCTION(tap_bits_back_decode, 0) \
    CALL_FUNCTION(tap_bits_back_inspect, 0) \
    CALL_VAR(tap_vae_reconstruct_given, MODULE | ON_TAPE | VARS | PAIR, \
      tap_vae_reconstruct_given(f->conditional, f->in.x, f->in.c)) \
    CALL_FUNCTION(tap_count_vae_init, MODULE) \
    CALL_VAR(tap_count_vae_encode, MODULE | ON_TAPE | VARS, tap_count_vae_encode(f->count_vae, f->in.x, NOTHING).param[0]) \
    CALL_VAR(tap_count_vae_rates, MODULE | ON_TAPE | VARS, tap_count_vae_rates(f->count_vae, f->in.noise, NOTHING)) \
    CALL_VAR(tap_count_vae_decode, MODULE | ON_TAPE | VARS, \
      tap_count_vae_decode(f->count_vae, f->in.noise, NOTHING, tap_sum(f->in.noise, tap_keepdim(TAP_LAST))).param[0]) \
    CALL_VAR(tap_count_vae_elbo, MODULE | ON_TAPE | VARS, tap_count_vae_elbo(f->count_vae, f->in.x, NOTHING).elbo) \
    CALL_VAR(tap_count_vae_loss, MODULE | ON_TAPE | VARS, tap_count_vae_loss(f->count_vae, f->in.x, NOTHING)) \
    CALL_VAR(tap_count_vae_log_prob, MODULE | ON_TAPE | VARS, tap_count_vae_log_prob(f->count_vae, f->in.x, NOTHING, 2)) \
    CALL_VAR(tap_vae_reconstruction_log_prob, MODULE | ON_TAPE | VARS, tap_vae_reconstruction_log_prob(f->vae, f->in.x, 2)) \
    CALL_VAR(tap_vae_log_likelihood, MODULE | ON_TAPE | VARS, tap_vae_log_likelihood(f->vae, f->in.x, 2)) \
    CALL_VAR(tap_vae_deviance, MODULE | ON_TAPE | VARS, tap_vae_deviance(f->vae, f->in.x, NULL)) \
    CALL_VAR(tap_vae_fit, MODULE | ON_TAPE | VARS, tap_vae_fit(f->vae, f->in.x, (tap_fit_options){ .steps = 1 }).param[0]) \
    CALL_VAR(tap_vae_regret, MODULE | ON_TAPE | VARS, tap_vae_regret(f->vae, f->in.x, 2, (tap_fit_options){ .steps = 1 })) \
    CALL_FUNCTION(tap_scalar_vae_init, MODULE) \
    CALL_VAR(tap_scalar_vae_encode, MODULE | ON_TAPE | VARS, tap_scalar_vae_encode(f->scalar_vae, f->in.x).param[0]) \
    CALL_VAR(tap_scalar_vae_decode, MODULE | ON_TAPE | VARS, tap_scalar_vae_decode(f->scalar_vae, f->in.x).param[0]) \
    CALL_VAR(tap_scalar_vae_elbo, MODULE | ON_TAPE | VARS, tap_scalar_vae_elbo(f->scalar_vae, f->in.x)) \
    CALL_FUNCTION(tap_linear_vae_init, MODULE) \
    CALL_VAR(tap_linear_vae_encode, MODULE | ON_TAPE | VARS, tap_linear_vae_encode(f->linear_vae, f->in.x).param[0]) \
    CALL_VAR(tap_linear_vae_decode, MODULE | ON_TAPE | VARS, tap_linear_vae_decode(f->linear_vae, f->in.noise).param[0]) \
    CALL_VAR(tap_linear_vae_elbo, MODULE | ON_TAPE | VARS, tap_linear_vae_elbo(f->linear_vae, f->in.x)) \
    CALL_FUNCTION(tap_linear_vae_elbo_from, MODULE | ON_TAPE | VARS) \
    CALL_VAR(tap_linear_vae_log_prob, MODULE | ON_TAPE | VARS, tap_linear_vae_log_prob(f->linear_vae, f->in.x)) \
    CALL_FUNCTION(tap_autoencoder_init, MODULE) \
    CALL_VAR(tap_autoencoder_encode, MODULE | ON_TAPE | VARS, tap_autoencoder_encode(f->autoencoder, f->in.x)) \
    CALL_VAR(tap_autoencoder_decode, MODULE | ON_TAPE | VARS, tap_autoencoder_decode(f->autoencoder, f->in.noise)) \
    CALL_VAR(tap_autoencoder_loss, MODULE | ON_TAPE | VARS, tap_autoencoder_loss(f->autoencoder, f->in.x))
/* clang-format on */

static void bad_vae_condition_max(fixture *f)
{
    tap_vae v;
    tap_vae_init(&v, tap_module_child(f->m, "new"), (tap_vae_options){ .data = IN, .condition = INT64_MAX });
}

static void bad_autoencoder_n_hidden(fixture *f)
{
    tap_autoencoder a;
    tap_autoencoder_init(&a, f->m, (tap_autoencoder_options){ .data = 1, .n_hidden = -1 });
}

static void bad_autoencoder_data(fixture *f)
{
    tap_autoencoder a;
    tap_autoencoder_init(&a, tap_module_child(f->m, "new"), (tap_autoencoder_options){ 0 });
    f->out = tap_autoencoder_loss(&a, f->in.x);
}

/* clang-format off */
#define MODEL_BAD_CALLS \
    BAD_CALL(count_vae_null, TAP_EARG, "count_vae: NULL", \
      tap_count_vae_init(NULL, f->m, (tap_count_vae_options){ .genes = IN })) \
    BAD_VAR(count_vae_empty, TAP_EARG, "count_vae_loss: [2,4]: the layer was never initialized", \
      tap_count_vae_loss(&(tap_count_vae){ 0 }, f->in.x, NOTHING)) \
    BAD_VAR(count_vae_nobody, TAP_EARG, "count_vae_loss: [2,4]: the layer was never initialized", \
      tap_count_vae_loss(NULL, f->in.x, NOTHING)) \
    BAD_VAR(count_vae_rates_empty, TAP_EARG, "count_vae_rates: [1,2,2]: the layer was never initialized", \
      tap_count_vae_rates(NULL, f->in.noise, NOTHING)) \
    BAD_VAR(count_vae_no_draws, TAP_EARG, "count_vae_log_prob: [2,4]: draws must be at least 1, not -9223372036854775808", \
      tap_count_vae_log_prob(f->count_vae, f->in.x, NOTHING, INT64_MIN)) \
    BAD_VAR(count_vae_width, TAP_ESHAPE, NULL, tap_count_vae_loss(f->count_vae, f->in.noise, NOTHING)) \
    BAD_CALL(vae_nothing, TAP_EARG, "new: vae: data must be at least 1, not 0", vae(f, (tap_vae_options){ 0 })) \
    BAD_CALL(vae_data, TAP_EARG, "new: vae: data must be at least 1, not -9223372036854775808", \
      vae(f, (tap_vae_options){ .data = INT64_MIN })) \
    BAD_CALL(vae_data_max, TAP_ESHAPE, "new.enc.0.weight: tensor: invalid shape [400,9223372036854775807]", \
      vae(f, (tap_vae_options){ .data = INT64_MAX })) \
    BAD_CALL(vae_n_hidden, TAP_EARG, "new: vae: n_hidden must be within 1..16, not 17", \
      vae(f, (tap_vae_options){ .data = IN, .n_hidden = TAP_VAE_MAX_HIDDEN + 1 })) \
    BAD_CALL(vae_n_hidden_min, TAP_EARG, "new: vae: n_hidden must be within 1..16, not -2147483648", \
      vae(f, (tap_vae_options){ .data = IN, .n_hidden = INT_MIN })) \
    BAD_CALL(vae_hidden, TAP_EARG, "new: vae: hidden[1] must be at least 1, not 0", \
      vae(f, (tap_vae_options){ .data = IN, .n_hidden = 2, .hidden = { 3 } })) \
    BAD_CALL(vae_latent, TAP_EARG, "new: vae: latent must be at least 1, not -1", \
      vae(f, (tap_vae_options){ .data = IN, .latent = -1 })) \
    BAD_CALL(vae_likelihood, TAP_EARG, \
      "new: vae: likelihood must be TAP_VAE_BERNOULLI, TAP_VAE_GAUSSIAN or TAP_VAE_BETA_BINOMIAL, not 99", \
      vae(f, (tap_vae_options){ .data = IN, .likelihood = (tap_vae_likelihood)99 })) \
    BAD_CALL(vae_sigma, TAP_EARG, "new: vae: sigma must be a finite number from 0 up, not nan", \
      vae(f, (tap_vae_options){ .data = IN, .sigma = (double)NAN })) \
    BAD_CALL(vae_samples, TAP_EARG, "new: vae: samples must be at least 1, not -9223372036854775808", \
      vae(f, (tap_vae_options){ .data = IN, .samples = INT64_MIN })) \
    BAD_CALL(vae_beta, TAP_EARG, "new: vae: beta must be finite, not nan", \
      vae(f, (tap_vae_options){ .data = IN, .beta = (double)NAN })) \
    BAD_CALL(vae_n_conv, TAP_EARG, "new: vae: n_conv must be within 0..8, not -1", \
      vae(f, (tap_vae_options){ .data = IN, .n_conv = -1 })) \
    BAD_CALL(vae_image, TAP_EARG, \
      "new: vae: image 1 x 2 x 4, data = 4: the sizes of image must be at least 1 and multiply to data", \
      vae(f, (tap_vae_options){ .data = IN, .image = { 1, 2, 4 }, .n_conv = 1, .conv = { 2 } })) \
    BAD_CALL(vae_image_min, TAP_EARG, NULL, \
      vae(f, (tap_vae_options){ .data = IN, .image = { INT64_MIN, INT64_MIN, INT64_MIN }, .n_conv = 1, .conv = { 2 } })) \
    BAD_CALL(vae_image_sides, TAP_EARG, "new: vae: image 1 x 2 x 2, data = 4: height and width must be multiples of 2^n_conv", \
      vae(f, (tap_vae_options){ .data = IN, .image = { 1, 2, 2 }, .n_conv = 2, .conv = { 2, 2 } })) \
    BAD_CALL(vae_conv_channels, TAP_EARG, \
      "new: vae: image 1 x 2 x 2, data = 4: numbers of channels must be at least 1 and make sizes of tensors", \
      vae(f, (tap_vae_options){ .data = IN, .image = { 1, 2, 2 }, .n_conv = 1, .conv = { INT64_MAX } })) \
    BAD_CALL(vae_init_null, TAP_EARG, "vae: NULL", tap_vae_init(NULL, f->m, (tap_vae_options){ .data = IN })) \
    BAD_VAR(vae_loss_empty, TAP_EARG, "vae_loss: [2,4]: the layer was never initialized", \
      tap_vae_loss(&(tap_vae){ 0 }, f->in.x)) \
    BAD_VAR(vae_sample_empty, TAP_EARG, "vae_sample: [1,0]: the layer was never initialized", \
      tap_vae_sample(&(tap_vae){ 0 }, f->t, 1)) \
    BAD_CALL(vae_condition, TAP_EARG, "new: vae: condition must be at least 0, not -1", \
      vae(f, (tap_vae_options){ .data = IN, .condition = -1 })) \
    BAD_CALL(vae_condition_min, TAP_EARG, "new: vae: condition must be at least 0, not -9223372036854775808", \
      vae(f, (tap_vae_options){ .data = IN, .condition = INT64_MIN })) \
    BAD_FUNCTION(vae_condition_max, TAP_ESHAPE, "new.enc.0.weight: tensor: invalid shape [400,9223372036854775807]") \
    BAD_VAR(vae_condition_none, TAP_EARG, "vae_elbo_given: [2,4] x [2]: c must not be given, as condition = 0", \
      tap_vae_elbo_given(f->vae, f->in.x, f->in.c).elbo) \
    BAD_VAR(vae_condition_missing, TAP_EARG, "vae_elbo: [2,4]: c must be given, as condition = 2", \
      tap_vae_elbo(f->conditional, f->in.x).elbo) \
    BAD_VAR(vae_condition_shape, TAP_ESHAPE, \
      "vae_decode_given: [2,2] x [2,4]: c must be [..,2] and broadcast to the leading axes of [2,2], not [2,4]", \
      tap_vae_decode_given(f->conditional, f->in.z, f->in.x).param[0]) \
    BAD_VAR(vae_condition_dtype, TAP_EDTYPE, NULL, \
      tap_vae_encode_given(f->conditional, f->in.x, tap_cast(f->in.c, TAP_I64)).param[0]) \
    BAD_VAR(vae_encode_shape, TAP_ESHAPE, \
      "vae_encode: [1,2,2]: inner sizes 2 and 4 differ; at affine: [1,2,2] x [3,4] x [3] (vae.enc.0.weight, vae.enc.0.bias)", \
      tap_vae_encode(f->vae, f->in.noise).param[0]) \
    BAD_VAR(vae_decode_shape, TAP_ESHAPE, \
      "vae_decode: [2,4]: inner sizes 4 and 2 differ; at affine: [2,4] x [3,2] x [3] (vae.dec.0.weight, vae.dec.0.bias)", \
      tap_vae_decode(f->vae, f->in.x).param[0]) \
    BAD_VAR(vae_elbo_dtype, TAP_EDTYPE, \
      "vae_elbo: [2,4]: uint8 is not float32 or float64; tap_cast makes it so; at affine: [2,4] x [3,4] x [3] " \
      "(vae.enc.0.weight, vae.enc.0.bias)", \
      tap_vae_elbo(f->vae, tap_cast(f->in.x, TAP_U8)).elbo) \
    BAD_VAR(vae_noise, TAP_ESHAPE, \
      "vae_elbo_from: [2,4] x [2,4]: the noise must have at least one draw of shape [2,2], along an axis in front", \
      tap_vae_elbo_from(f->vae, f->in.x, f->in.x).elbo) \
    BAD_VAR(vae_no_noise, TAP_ESHAPE, \
      "vae_elbo_from: [2,4] x [0,2,2]: the noise must have at least one draw of shape [2,2], along an axis in front", \
      tap_vae_elbo_from(f->vae, f->in.x, tap_zeros(f->t, TAP_SHAPE(0, BATCH, LATENT))).elbo) \
    BAD_VAR(vae_sample_negative, TAP_EARG, "vae_sample: n must be at least 0, not -1", tap_vae_sample(f->vae, f->t, -1)) \
    BAD_VAR(vae_sample_vast, TAP_ENOMEM, NULL, tap_vae_sample(f->vae, f->t, 1ll << 50)) \
    BAD_VAR(vae_reconstruct_shape, TAP_ESHAPE, \
      "vae_reconstruct: [1,2,2]: inner sizes 2 and 4 differ; at affine: [1,2,2] x [3,4] x [3] (vae.enc.0.weight, " \
      "vae.enc.0.bias)", \
      tap_vae_reconstruct(f->vae, f->in.noise)) \
    BAD_VAR(vae_log_likelihood_none, TAP_EARG, "vae_log_likelihood: [2,4]: samples must be at least 1, not 0", \
      tap_vae_log_likelihood(f->vae, f->in.x, 0)) \
    BAD_VAR(vae_log_likelihood_vast, TAP_ENOMEM, NULL, tap_vae_log_likelihood(f->vae, f->in.x, 1ll << 50)) \
    BAD_VAR(vae_reconstruction_negative, TAP_EARG, \
      "vae_reconstruction_log_prob: [2,4]: samples must be at least 1, not -9223372036854775808", \
      tap_vae_reconstruction_log_prob(f->vae, f->in.x, INT64_MIN)) \
    BAD_VAR(vae_deviance_shape, TAP_ESHAPE, NULL, tap_vae_deviance(f->vae, f->in.noise, NULL)) \
    BAD_VAR(vae_deviance_condition, TAP_EARG, "vae_deviance: [2,4]: c must be given, as condition = 2", \
      tap_vae_deviance(f->conditional, f->in.x, NULL)) \
    BAD_VAR(vae_fit_steps, TAP_EARG, "vae_fit: [2,4]: steps must be at least 0, not -9223372036854775808", \
      tap_vae_fit(f->vae, f->in.x, (tap_fit_options){ .steps = INT64_MIN }).param[0]) \
    BAD_VAR(vae_fit_lr, TAP_EARG, "vae_fit: [2,4]: lr must be a finite number above 0, not inf", \
      tap_vae_fit(f->vae, f->in.x, (tap_fit_options){ .lr = (double)INFINITY }).param[0]) \
    BAD_VAR(vae_regret_draws, TAP_EARG, "vae_regret: [2,4]: samples must be at least 1, not -1", \
      tap_vae_regret(f->vae, f->in.x, -1, (tap_fit_options){ .steps = 1 })) \
    BAD_VAR(vae_regret_vast, TAP_ENOMEM, NULL, tap_vae_regret(f->vae, f->in.x, 1ll << 50, (tap_fit_options){ .steps = 1 })) \
    BAD_CALL(vae_clip, TAP_EARG, "new: vae: clip must be finite, not inf", \
      vae(f, (tap_vae_options){ .data = IN, .clip = (double)INFINITY })) \
    BAD_CALL(vae_sigma_kind, TAP_EARG, "new: vae: sigma_kind must be a tap_vae_sigma, not 7", \
      vae(f, (tap_vae_options){ .data = IN, .likelihood = TAP_VAE_GAUSSIAN, .sigma_kind = (tap_vae_sigma)7 })) \
    BAD_CALL(vae_sigma_given, TAP_EARG, "new: vae: sigma must be 0 for a sigma_kind that is learned, not 0.5", \
      vae(f, (tap_vae_options){ .data = IN, .likelihood = TAP_VAE_GAUSSIAN, .sigma_kind = TAP_VAE_SIGMA_PER_PIXEL, \
      .sigma = 0.5 })) \
    BAD_CALL(vae_sigma_bernoulli, TAP_EARG, "new: vae: sigma_kind is for a Gaussian likelihood, not for a Bernoulli one", \
      vae(f, (tap_vae_options){ .data = IN, .sigma_kind = TAP_VAE_SIGMA_BY_DECODER })) \
    BAD_CALL(vae_sigma_bytes, TAP_EARG, "new: vae: sigma_kind is for a Gaussian likelihood, not for a beta-binomial one", \
      vae(f, (tap_vae_options){ .data = IN, .likelihood = TAP_VAE_BETA_BINOMIAL, .sigma_kind = TAP_VAE_SIGMA_PER_PIXEL })) \
    BAD_CALL(vae_bound, TAP_EARG, "new: vae: bound must be TAP_ELBO or TAP_IWAE, not 5", \
      vae(f, (tap_vae_options){ .data = IN, .bound = (tap_bound)5 })) \
    BAD_CALL(vae_estimator, TAP_EARG, "new: vae: estimator must be a tap_estimator, not -1", \
      vae(f, (tap_vae_options){ .data = IN, .estimator = (tap_estimator)-1 })) \
    BAD_CALL(vae_free_bits, TAP_EARG, "new: vae: free_bits must be a finite number from 0 up, not nan", \
      vae(f, (tap_vae_options){ .data = IN, .free_bits = (double)NAN })) \
    BAD_CALL(vae_free_bits_stl, TAP_EARG, "new: vae: free_bits need the KL in closed form, which this estimator does not use", \
      vae(f, (tap_vae_options){ .data = IN, .free_bits = 1, .estimator = TAP_STICKING_THE_LANDING })) \
    BAD_CALL(vae_iwae_beta, TAP_EARG, "new: vae: beta and free_bits are for TAP_ELBO, not for TAP_IWAE", \
      vae(f, (tap_vae_options){ .data = IN, .bound = TAP_IWAE, .beta = 2 })) \
    BAD_CALL(vae_iwae_stl, TAP_EARG, "new: vae: sticking the landing is biased for TAP_IWAE; take TAP_DOUBLY_REPARAMETERIZED", \
      vae(f, (tap_vae_options){ .data = IN, .bound = TAP_IWAE, .estimator = TAP_STICKING_THE_LANDING })) \
    BAD_CALL(vae_leave_one_out, TAP_EARG, "new: vae: TAP_SCORE_LEAVE_ONE_OUT needs at least 2 samples, not 1", \
      vae(f, (tap_vae_options){ .data = IN, .estimator = TAP_SCORE_LEAVE_ONE_OUT })) \
    BAD_CALL(scalar_vae_null, TAP_EARG, "scalar_vae: NULL", tap_scalar_vae_init(NULL, f->m)) \
    BAD_CALL(linear_vae_null, TAP_EARG, "linear_vae: NULL", tap_linear_vae_init(NULL, f->m, 1, 1, 0)) \
    BAD_CALL(linear_vae_sizes, TAP_EARG, "linear_vae: data and latent must be at least 1, not 3 and -1", \
      linear_vae(f, 3, -1, 0)) \
    BAD_CALL(linear_vae_sigma, TAP_EARG, "linear_vae: sigma must be a finite number from 0 up, not nan", \
      linear_vae(f, 4, 1, (double)NAN)) \
    BAD_VAR(linear_vae_shape, TAP_ESHAPE, NULL, tap_linear_vae_log_prob(f->linear_vae, f->in.noise)) \
    BAD_VAR(linear_vae_cov, TAP_ESHAPE, NULL, tap_linear_vae_elbo_from(f->linear_vae, tap_select(f->in.x, 0, 0), f->in.noise)) \
    BAD_CALL(autoencoder_null, TAP_EARG, "autoencoder: NULL", \
      tap_autoencoder_init(NULL, f->m, (tap_autoencoder_options){ .data = 1 })) \
    BAD_FUNCTION(autoencoder_n_hidden, TAP_EARG, "autoencoder: n_hidden must be within 1..16, not -1") \
    BAD_FUNCTION(autoencoder_data, TAP_EARG, "new.enc.0: linear: sizes must be at least 1, not 0 -> 400")
/* clang-format on */

#endif
