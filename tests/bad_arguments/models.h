/* Calls of the functions of models.h for test_abuse_nn.c, whose world they are in: each once, and with arguments that make no sense. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_MODELS_H
#define TAP_TESTS_BAD_ARGUMENTS_MODELS_H

/* clang-format off */

#define FUNCTIONS_OF_MODELS                                                                                             \
    X(tap_vae_init, MODULE, tap_vae v; tap_vae_init(&v, tap_module_child(w->m, "new"), (tap_vae_options){ .data = 1 }); \
      w->value = tap_param_value(v.loc.weight))                                                                         \
    X(tap_vae_encode, MODULE | ON_TAPE | VARS, w->out = tap_vae_encode(w->vae, w->in.x).param[0])                          \
    X(tap_vae_decode, MODULE | ON_TAPE | VARS, w->out = tap_vae_decode(w->vae, w->in.noise).param[0])                      \
    X(tap_vae_elbo, MODULE | ON_TAPE | VARS, w->out = tap_vae_elbo(w->vae, w->in.x).elbo)                                  \
    X(tap_vae_elbo_from, MODULE | ON_TAPE | VARS | PAIR, w->out = tap_vae_elbo_from(w->vae, w->in.x, w->in.noise).elbo)    \
    X(tap_vae_loss, MODULE | ON_TAPE | VARS, w->out = tap_vae_loss(w->vae, w->in.x))                                       \
    X(tap_vae_loss_from, MODULE | ON_TAPE | VARS, w->out = tap_vae_loss_from(w->vae, tap_vae_elbo(w->vae, w->in.x)))           \
    X(tap_vae_sample, MODULE | ON_TAPE, w->out = tap_vae_sample(w->vae, w->t, 2))                                          \
    X(tap_vae_reconstruct, MODULE | ON_TAPE | VARS, w->out = tap_vae_reconstruct(w->vae, w->in.x))                         \
    X(tap_vae_encode_given, MODULE | ON_TAPE | VARS | PAIR,                                                            \
      w->out = tap_vae_encode_given(w->conditional, w->in.x, w->in.c).param[0])                                        \
    X(tap_vae_decode_given, MODULE | ON_TAPE | VARS | PAIR,                                                            \
      w->out = tap_vae_decode_given(w->conditional, w->in.z, w->in.c).param[0])                                        \
    X(tap_vae_elbo_given, MODULE | ON_TAPE | VARS | PAIR,                                                              \
      w->out = tap_vae_elbo_given(w->conditional, w->in.x, w->in.c).elbo)                                              \
    X(tap_vae_loss_given, MODULE | ON_TAPE | VARS | PAIR,                                                              \
      w->out = tap_vae_loss_given(w->conditional, w->in.x, w->in.c))                                                   \
    X(tap_vae_sample_given, MODULE | ON_TAPE | VARS, w->out = tap_vae_sample_given(w->conditional, w->in.z))           \
    X(tap_bits_back_encode, 0, tap_arena *a = tap_arena_new();                                                         \
      tap_bits_back_encode(a, w->vae, tap_tensor_wrap(TAP_U8, TAP_SHAPE(2, IN), w->data)); tap_arena_free(a))          \
    X(tap_bits_back_decode, 0, tap_arena *a = tap_arena_new();                                                         \
      tap_bits_back_decode(a, w->vae, tap_tensor_wrap(TAP_U8, TAP_SHAPE(50), w->data)); tap_arena_free(a))             \
    X(tap_bits_back_inspect, 0, tap_bits_back_header h;                                                                \
      assert_int_equal(tap_bits_back_inspect((tap_tensor){ 0 }, &h, NULL), TAP_EARG);                                  \
      assert_int_equal(tap_bits_back_inspect(tap_tensor_wrap(TAP_U8, TAP_SHAPE(50), w->data), NULL, NULL), TAP_EARG))  \
    X(tap_vae_reconstruct_given, MODULE | ON_TAPE | VARS | PAIR,                                                       \
      w->out = tap_vae_reconstruct_given(w->conditional, w->in.x, w->in.c))                                            \
    X(tap_count_vae_init, MODULE, tap_count_vae v;                                                                          \
      tap_count_vae_init(&v, tap_module_child(w->m, "new"), (tap_count_vae_options){ .genes = 1 });                        \
      w->value = tap_param_value(v.log_theta))                                                                             \
    X(tap_count_vae_encode, MODULE | ON_TAPE | VARS, w->out = tap_count_vae_encode(w->count_vae, w->in.x, NOTHING).param[0]) \
    X(tap_count_vae_rates, MODULE | ON_TAPE | VARS, w->out = tap_count_vae_rates(w->count_vae, w->in.noise, NOTHING))      \
    X(tap_count_vae_decode, MODULE | ON_TAPE | VARS,                                                                       \
      w->out = tap_count_vae_decode(w->count_vae, w->in.noise, NOTHING, tap_sum(w->in.noise, tap_keepdim(TAP_LAST))).param[0]) \
    X(tap_count_vae_elbo, MODULE | ON_TAPE | VARS, w->out = tap_count_vae_elbo(w->count_vae, w->in.x, NOTHING).elbo)       \
    X(tap_count_vae_loss, MODULE | ON_TAPE | VARS, w->out = tap_count_vae_loss(w->count_vae, w->in.x, NOTHING))            \
    X(tap_count_vae_log_prob, MODULE | ON_TAPE | VARS, w->out = tap_count_vae_log_prob(w->count_vae, w->in.x, NOTHING, 2)) \
    X(tap_vae_reconstruction_log_prob, MODULE | ON_TAPE | VARS,                                                        \
      w->out = tap_vae_reconstruction_log_prob(w->vae, w->in.x, 2))                                                    \
    X(tap_vae_log_likelihood, MODULE | ON_TAPE | VARS, w->out = tap_vae_log_likelihood(w->vae, w->in.x, 2))            \
    X(tap_vae_deviance, MODULE | ON_TAPE | VARS, w->out = tap_vae_deviance(w->vae, w->in.x, NULL))                     \
    X(tap_vae_fit, MODULE | ON_TAPE | VARS, w->out = tap_vae_fit(w->vae, w->in.x, (tap_fit_options){ .steps = 1 }).param[0]) \
    X(tap_vae_regret, MODULE | ON_TAPE | VARS, w->out = tap_vae_regret(w->vae, w->in.x, 2, (tap_fit_options){ .steps = 1 })) \
    X(tap_scalar_vae_init, MODULE, tap_scalar_vae v; tap_scalar_vae_init(&v, tap_module_child(w->m, "new")); w->value = tap_param_value(v.a)) \
    X(tap_scalar_vae_encode, MODULE | ON_TAPE | VARS, w->out = tap_scalar_vae_encode(w->tiny, w->in.x).param[0])                       \
    X(tap_scalar_vae_decode, MODULE | ON_TAPE | VARS, w->out = tap_scalar_vae_decode(w->tiny, w->in.x).param[0])                       \
    X(tap_scalar_vae_elbo, MODULE | ON_TAPE | VARS, w->out = tap_scalar_vae_elbo(w->tiny, w->in.x))                                    \
    X(tap_linear_vae_init, MODULE, tap_linear_vae v; tap_linear_vae_init(&v, tap_module_child(w->m, "new"), 2, 1, 0);      \
      w->value = tap_param_value(v.V))                                                                                     \
    X(tap_linear_vae_encode, MODULE | ON_TAPE | VARS, w->out = tap_linear_vae_encode(w->linear_vae, w->in.x).param[0])     \
    X(tap_linear_vae_decode, MODULE | ON_TAPE | VARS, w->out = tap_linear_vae_decode(w->linear_vae, w->in.noise).param[0]) \
    X(tap_linear_vae_elbo, MODULE | ON_TAPE | VARS, w->out = tap_linear_vae_elbo(w->linear_vae, w->in.x))                  \
    X(tap_linear_vae_elbo_from, MODULE | ON_TAPE | VARS, tap_var mean = tap_select(w->in.x, 0, 0);                           \
      w->out = tap_linear_vae_elbo_from(w->linear_vae, mean, tap_matmul(tap_mT(w->in.x), w->in.x)))                          \
    X(tap_linear_vae_log_prob, MODULE | ON_TAPE | VARS, w->out = tap_linear_vae_log_prob(w->linear_vae, w->in.x))          \
    X(tap_autoencoder_init, MODULE, tap_autoencoder a;                                                                     \
      tap_autoencoder_init(&a, tap_module_child(w->m, "new"), (tap_autoencoder_options){ .data = 1 });                     \
      w->value = tap_param_value(a.code.weight))                                                                           \
    X(tap_autoencoder_encode, MODULE | ON_TAPE | VARS, w->out = tap_autoencoder_encode(w->autoencoder, w->in.x))           \
    X(tap_autoencoder_decode, MODULE | ON_TAPE | VARS, w->out = tap_autoencoder_decode(w->autoencoder, w->in.noise))       \
    X(tap_autoencoder_loss, MODULE | ON_TAPE | VARS, w->out = tap_autoencoder_loss(w->autoencoder, w->in.x))

#define MODEL_WRONGS \
    X(count_vae_null, TAP_EARG, "count_vae: NULL", tap_count_vae_init(NULL, w->m, (tap_count_vae_options){ .genes = IN })) \
    X(count_vae_empty, TAP_EARG, "count_vae_loss: [2,4]: the layer was never initialized", w->out = tap_count_vae_loss(&(tap_count_vae){ 0 }, w->in.x, NOTHING)) \
    X(count_vae_nobody, TAP_EARG, "count_vae_loss: [2,4]: the layer was never initialized", w->out = tap_count_vae_loss(NULL, w->in.x, NOTHING)) \
    X(count_vae_rates_empty, TAP_EARG, "count_vae_rates: [1,2,2]: the layer was never initialized", w->out = tap_count_vae_rates(NULL, w->in.noise, NOTHING)) \
    X(count_vae_no_draws, TAP_EARG, "count_vae_log_prob: [2,4]: draws must be at least 1, not -9223372036854775808", \
      w->out = tap_count_vae_log_prob(w->count_vae, w->in.x, NOTHING, INT64_MIN)) \
    X(count_vae_width, TAP_ESHAPE, NULL, w->out = tap_count_vae_loss(w->count_vae, w->in.noise, NOTHING)) \
    X(vae_nothing, TAP_EARG, "new: vae: data must be at least 1, not 0", vae(w, (tap_vae_options){ 0 })) \
    X(vae_data, TAP_EARG, "new: vae: data must be at least 1, not -9223372036854775808", \
      vae(w, (tap_vae_options){ .data = INT64_MIN })) \
    X(vae_data_max, TAP_ESHAPE, "new.enc.0.weight: tensor: invalid shape [400,9223372036854775807]", \
      vae(w, (tap_vae_options){ .data = INT64_MAX })) \
    X(vae_n_hidden, TAP_EARG, "new: vae: n_hidden must be within 1..16, not 17", \
      vae(w, (tap_vae_options){ .data = IN, .n_hidden = TAP_VAE_MAX_HIDDEN + 1 })) \
    X(vae_n_hidden_min, TAP_EARG, "new: vae: n_hidden must be within 1..16, not -2147483648", \
      vae(w, (tap_vae_options){ .data = IN, .n_hidden = INT_MIN })) \
    X(vae_hidden, TAP_EARG, "new: vae: hidden[1] must be at least 1, not 0", \
      vae(w, (tap_vae_options){ .data = IN, .n_hidden = 2, .hidden = { 3 } })) \
    X(vae_latent, TAP_EARG, "new: vae: latent must be at least 1, not -1", vae(w, (tap_vae_options){ .data = IN, .latent = -1 })) \
    X(vae_likelihood, TAP_EARG, "new: vae: likelihood must be TAP_VAE_BERNOULLI, TAP_VAE_GAUSSIAN or TAP_VAE_BETA_BINOMIAL, not 99", \
      vae(w, (tap_vae_options){ .data = IN, .likelihood = (tap_vae_likelihood)99 })) \
    X(vae_sigma, TAP_EARG, "new: vae: sigma must be a finite number from 0 up, not nan", \
      vae(w, (tap_vae_options){ .data = IN, .sigma = (double)NAN })) \
    X(vae_samples, TAP_EARG, "new: vae: samples must be at least 1, not -9223372036854775808", \
      vae(w, (tap_vae_options){ .data = IN, .samples = INT64_MIN })) \
    X(vae_beta, TAP_EARG, "new: vae: beta must be finite, not nan", \
      vae(w, (tap_vae_options){ .data = IN, .beta = (double)NAN })) \
    X(vae_n_conv, TAP_EARG, "new: vae: n_conv must be within 0..8, not -1", vae(w, (tap_vae_options){ .data = IN, .n_conv = -1 })) \
    X(vae_image, TAP_EARG, "new: vae: image 1 x 2 x 4, data = 4: the sizes of image must be at least 1 and multiply to data", \
      vae(w, (tap_vae_options){ .data = IN, .image = { 1, 2, 4 }, .n_conv = 1, .conv = { 2 } })) \
    X(vae_image_min, TAP_EARG, NULL, \
      vae(w, (tap_vae_options){ .data = IN, .image = { INT64_MIN, INT64_MIN, INT64_MIN }, .n_conv = 1, .conv = { 2 } })) \
    X(vae_image_sides, TAP_EARG, "new: vae: image 1 x 2 x 2, data = 4: height and width must be multiples of 2^n_conv", \
      vae(w, (tap_vae_options){ .data = IN, .image = { 1, 2, 2 }, .n_conv = 2, .conv = { 2, 2 } })) \
    X(vae_conv_channels, TAP_EARG, "new: vae: image 1 x 2 x 2, data = 4: numbers of channels must be at least 1 and make sizes of tensors", \
      vae(w, (tap_vae_options){ .data = IN, .image = { 1, 2, 2 }, .n_conv = 1, .conv = { INT64_MAX } })) \
    X(vae_init_null, TAP_EARG, "vae: NULL", tap_vae_init(NULL, w->m, (tap_vae_options){ .data = IN })) \
    X(vae_loss_empty, TAP_EARG, "vae_loss: [2,4]: the layer was never initialized", w->out = tap_vae_loss(&(tap_vae){ 0 }, w->in.x)) \
    X(vae_sample_empty, TAP_EARG, "vae_sample: [1,0]: the layer was never initialized", w->out = tap_vae_sample(&(tap_vae){ 0 }, w->t, 1)) \
    X(vae_condition, TAP_EARG, "new: vae: condition must be at least 0, not -1", vae(w, (tap_vae_options){ .data = IN, .condition = -1 })) \
    X(vae_condition_min, TAP_EARG, "new: vae: condition must be at least 0, not -9223372036854775808", \
      vae(w, (tap_vae_options){ .data = IN, .condition = INT64_MIN })) \
    X(vae_condition_max, TAP_ESHAPE, "new.enc.0.weight: tensor: invalid shape [400,9223372036854775807]", \
      tap_vae v; tap_vae_init(&v, tap_module_child(w->m, "new"), (tap_vae_options){ .data = IN, .condition = INT64_MAX })) \
    X(vae_condition_none, TAP_EARG, "vae_elbo_given: [2,4] x [2]: c must not be given, as condition = 0", \
      w->out = tap_vae_elbo_given(w->vae, w->in.x, w->in.c).elbo) \
    X(vae_condition_missing, TAP_EARG, "vae_elbo: [2,4]: c must be given, as condition = 2", \
      w->out = tap_vae_elbo(w->conditional, w->in.x).elbo) \
    X(vae_condition_shape, TAP_ESHAPE, "vae_decode_given: [2,2] x [2,4]: c must be [..,2] and broadcast to the leading axes of [2,2], not [2,4]", \
      w->out = tap_vae_decode_given(w->conditional, w->in.z, w->in.x).param[0]) \
    X(vae_condition_dtype, TAP_EDTYPE, NULL, \
      w->out = tap_vae_encode_given(w->conditional, w->in.x, tap_cast(w->in.c, TAP_I64)).param[0]) \
    X(vae_encode_shape, TAP_ESHAPE, \
      "vae_encode: [1,2,2]: inner sizes 2 and 4 differ; at affine: [1,2,2] x [3,4] x [3] (vae.enc.0.weight, vae.enc.0.bias)", \
      w->out = tap_vae_encode(w->vae, w->in.noise).param[0]) \
    X(vae_decode_shape, TAP_ESHAPE, \
      "vae_decode: [2,4]: inner sizes 4 and 2 differ; at affine: [2,4] x [3,2] x [3] (vae.dec.0.weight, vae.dec.0.bias)", \
      w->out = tap_vae_decode(w->vae, w->in.x).param[0]) \
    X(vae_elbo_dtype, TAP_EDTYPE, \
      "vae_elbo: [2,4]: uint8 is not float32 or float64; tap_cast makes it so; at affine: [2,4] x [3,4] x [3] (vae.enc.0.weight, vae.enc.0.bias)", \
      w->out = tap_vae_elbo(w->vae, tap_cast(w->in.x, TAP_U8)).elbo) \
    X(vae_noise, TAP_ESHAPE, "vae_elbo_from: [2,4] x [2,4]: the noise must have at least one draw of shape [2,2], along an axis in front", \
      w->out = tap_vae_elbo_from(w->vae, w->in.x, w->in.x).elbo) \
    X(vae_no_noise, TAP_ESHAPE, "vae_elbo_from: [2,4] x [0,2,2]: the noise must have at least one draw of shape [2,2], along an axis in front", \
      w->out = tap_vae_elbo_from(w->vae, w->in.x, tap_zeros(w->t, TAP_SHAPE(0, BATCH, LATENT))).elbo) \
    X(vae_sample_negative, TAP_EARG, "vae_sample: n must be at least 0, not -1", w->out = tap_vae_sample(w->vae, w->t, -1)) \
    X(vae_sample_vast, TAP_ENOMEM, NULL, w->out = tap_vae_sample(w->vae, w->t, 1ll << 50)) \
    X(vae_reconstruct_shape, TAP_ESHAPE, \
      "vae_reconstruct: [1,2,2]: inner sizes 2 and 4 differ; at affine: [1,2,2] x [3,4] x [3] (vae.enc.0.weight, vae.enc.0.bias)", \
      w->out = tap_vae_reconstruct(w->vae, w->in.noise)) \
    X(vae_log_likelihood_none, TAP_EARG, "vae_log_likelihood: [2,4]: samples must be at least 1, not 0", \
      w->out = tap_vae_log_likelihood(w->vae, w->in.x, 0)) \
    X(vae_log_likelihood_vast, TAP_ENOMEM, NULL, w->out = tap_vae_log_likelihood(w->vae, w->in.x, 1ll << 50)) \
    X(vae_reconstruction_negative, TAP_EARG, "vae_reconstruction_log_prob: [2,4]: samples must be at least 1, not -9223372036854775808", \
      w->out = tap_vae_reconstruction_log_prob(w->vae, w->in.x, INT64_MIN)) \
    X(vae_deviance_shape, TAP_ESHAPE, NULL, w->out = tap_vae_deviance(w->vae, w->in.noise, NULL)) \
    X(vae_deviance_condition, TAP_EARG, "vae_deviance: [2,4]: c must be given, as condition = 2", w->out = tap_vae_deviance(w->conditional, w->in.x, NULL)) \
    X(vae_fit_steps, TAP_EARG, "vae_fit: [2,4]: steps must be at least 0, not -9223372036854775808", \
      w->out = tap_vae_fit(w->vae, w->in.x, (tap_fit_options){ .steps = INT64_MIN }).param[0]) \
    X(vae_fit_lr, TAP_EARG, "vae_fit: [2,4]: lr must be a finite number above 0, not inf", \
      w->out = tap_vae_fit(w->vae, w->in.x, (tap_fit_options){ .lr = (double)INFINITY }).param[0]) \
    X(vae_regret_draws, TAP_EARG, "vae_regret: [2,4]: samples must be at least 1, not -1", \
      w->out = tap_vae_regret(w->vae, w->in.x, -1, (tap_fit_options){ .steps = 1 })) \
    X(vae_regret_vast, TAP_ENOMEM, NULL, w->out = tap_vae_regret(w->vae, w->in.x, 1ll << 50, (tap_fit_options){ .steps = 1 })) \
    X(vae_clip, TAP_EARG, "new: vae: clip must be finite, not inf", \
      vae(w, (tap_vae_options){ .data = IN, .clip = (double)INFINITY })) \
    X(vae_sigma_kind, TAP_EARG, "new: vae: sigma_kind must be a tap_vae_sigma, not 7", \
      vae(w, (tap_vae_options){ .data = IN, .likelihood = TAP_VAE_GAUSSIAN, .sigma_kind = (tap_vae_sigma)7 })) \
    X(vae_sigma_given, TAP_EARG, "new: vae: sigma must be 0 for a sigma_kind that is learned, not 0.5", \
      vae(w, (tap_vae_options){ .data = IN, .likelihood = TAP_VAE_GAUSSIAN, .sigma_kind = TAP_VAE_SIGMA_PER_PIXEL, \
                                .sigma = 0.5 })) \
    X(vae_sigma_bernoulli, TAP_EARG, "new: vae: sigma_kind is for a Gaussian likelihood, not for a Bernoulli one", \
      vae(w, (tap_vae_options){ .data = IN, .sigma_kind = TAP_VAE_SIGMA_BY_DECODER })) \
    X(vae_sigma_bytes, TAP_EARG, "new: vae: sigma_kind is for a Gaussian likelihood, not for a beta-binomial one", \
      vae(w, (tap_vae_options){ .data = IN, .likelihood = TAP_VAE_BETA_BINOMIAL, .sigma_kind = TAP_VAE_SIGMA_PER_PIXEL })) \
    X(vae_bound, TAP_EARG, "new: vae: bound must be TAP_ELBO or TAP_IWAE, not 5", vae(w, (tap_vae_options){ .data = IN, .bound = (tap_bound)5 })) \
    X(vae_estimator, TAP_EARG, "new: vae: estimator must be a tap_estimator, not -1", \
      vae(w, (tap_vae_options){ .data = IN, .estimator = (tap_estimator)-1 })) \
    X(vae_free_bits, TAP_EARG, "new: vae: free_bits must be a finite number from 0 up, not nan", \
      vae(w, (tap_vae_options){ .data = IN, .free_bits = (double)NAN })) \
    X(vae_free_bits_stl, TAP_EARG, "new: vae: free_bits need the KL in closed form, which this estimator does not use", \
      vae(w, (tap_vae_options){ .data = IN, .free_bits = 1, .estimator = TAP_STICKING_THE_LANDING })) \
    X(vae_iwae_beta, TAP_EARG, "new: vae: beta and free_bits are for TAP_ELBO, not for TAP_IWAE", \
      vae(w, (tap_vae_options){ .data = IN, .bound = TAP_IWAE, .beta = 2 })) \
    X(vae_iwae_stl, TAP_EARG, \
      "new: vae: sticking the landing is biased for TAP_IWAE; take TAP_DOUBLY_REPARAMETERIZED", \
      vae(w, (tap_vae_options){ .data = IN, .bound = TAP_IWAE, .estimator = TAP_STICKING_THE_LANDING })) \
    X(vae_leave_one_out, TAP_EARG, "new: vae: TAP_SCORE_LEAVE_ONE_OUT needs at least 2 samples, not 1", \
      vae(w, (tap_vae_options){ .data = IN, .estimator = TAP_SCORE_LEAVE_ONE_OUT })) \
    X(scalar_vae_null, TAP_EARG, "scalar_vae: NULL", tap_scalar_vae_init(NULL, w->m)) \
    X(linear_vae_null, TAP_EARG, "linear_vae: NULL", tap_linear_vae_init(NULL, w->m, 1, 1, 0)) \
    X(linear_vae_sizes, TAP_EARG, "linear_vae: data and latent must be at least 1, not 3 and -1", linear_vae(w, 3, -1, 0)) \
    X(linear_vae_sigma, TAP_EARG, "linear_vae: sigma must be a finite number from 0 up, not nan", \
      linear_vae(w, 4, 1, (double)NAN)) \
    X(linear_vae_shape, TAP_ESHAPE, NULL, w->out = tap_linear_vae_log_prob(w->linear_vae, w->in.noise)) \
    X(linear_vae_cov, TAP_ESHAPE, NULL, \
      w->out = tap_linear_vae_elbo_from(w->linear_vae, tap_select(w->in.x, 0, 0), w->in.noise)) \
    X(autoencoder_null, TAP_EARG, "autoencoder: NULL", \
      tap_autoencoder_init(NULL, w->m, (tap_autoencoder_options){ .data = 1 })) \
    X(autoencoder_n_hidden, TAP_EARG, "autoencoder: n_hidden must be within 1..16, not -1", \
      tap_autoencoder a; tap_autoencoder_init(&a, w->m, (tap_autoencoder_options){ .data = 1, .n_hidden = -1 })) \
    X(autoencoder_data, TAP_EARG, "new.enc.0: linear: sizes must be at least 1, not 0 -> 400", tap_autoencoder a; \
      tap_autoencoder_init(&a, tap_module_child(w->m, "new"), (tap_autoencoder_options){ 0 }); \
      w->out = tap_autoencoder_loss(&a, w->in.x))

#endif
