/* Rows of test_abuse_nn.c for distributions: a call of each kind, and wrong arguments. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_DISTRIBUTIONS_H
#define TAP_TESTS_BAD_ARGUMENTS_DISTRIBUTIONS_H

/* clang-format off */
#define FUNCTIONS_OF_DISTRIBUTIONS \
    X(tap_log_normal, 0, tap_log_normal(w->in.x, w->in.noise)) \
    X(tap_laplace, 0, tap_laplace(w->in.x, w->in.noise)) \
    X(tap_delta, 0, tap_delta(w->in.x)) \
    X(tap_continuous_bernoulli, 0, tap_continuous_bernoulli(w->in.x)) \
    X(tap_relaxed_bernoulli, 0, tap_relaxed_bernoulli(w->in.x, w->in.noise)) \
    X(tap_categorical, 0, tap_categorical(w->in.x)) \
    X(tap_isotropic_normal, 0, tap_isotropic_normal(w->in.x, w->in.noise)) \
    X(tap_multivariate_normal, 0, tap_multivariate_normal(w->in.x, w->in.noise)) \
    X(tap_one_hot_categorical, 0, tap_one_hot_categorical(w->in.x)) \
    X(tap_relaxed_one_hot_categorical, 0, tap_relaxed_one_hot_categorical(w->in.x, w->in.noise)) \
    X(tap_negative_binomial, 0, tap_negative_binomial(w->in.x, w->in.noise)) \
    X(tap_zero_inflated_negative_binomial, 0, tap_zero_inflated_negative_binomial(w->in.x, w->in.noise, w->in.x)) \
    X(tap_beta_binomial, 0, tap_beta_binomial(w->in.x, w->in.noise, w->in.x)) \
    X(tap_discretized_logistic, 0, tap_discretized_logistic(w->in.x, w->in.noise)) \
    X(tap_discretized_logistic_mixture, 0, tap_discretized_logistic_mixture(w->in.x, w->in.noise, w->in.x)) \
    X(tap_dist_batch_shape, ON_TAPE | VARS, tap_dist_batch_shape(w->in.q)) \
    X(tap_dist_event_shape, ON_TAPE | VARS, tap_dist_event_shape(w->in.q)) \
    DIST(tap_rsample) DIST(tap_dist_variance) \
    X(tap_rsample_n, ON_TAPE | VARS, w->out = tap_rsample_n(w->in.q, 3)) \
    X(tap_kl_monte_carlo, ON_TAPE | VARS, tap_var e; w->out = tap_kl_monte_carlo(w->in.b, w->in.b, 3, &e))

#define ZEROS(...) tap_zeros(w->t, TAP_SHAPE(__VA_ARGS__))
#define DIAGONAL(...) tap_isotropic_normal(ZEROS(__VA_ARGS__), tap_scalar(w->t, 0))

#define THREE_WRONGS \
    X(inflated_batch, TAP_ESHAPE, \
      "log_prob: [2,4] x [4] x [3] x [2,4]: the parameters of a zero_inflated_negative_binomial must broadcast, not [2,4], [4] and [3]", \
      w->out = tap_log_prob(tap_zero_inflated_negative_binomial(w->in.x, ZEROS(4), ZEROS(3)), w->in.x)) \
    X(trials_batch, TAP_ESHAPE, "sample: [3] x [2,4] x [4]: the parameters of a beta_binomial must broadcast, not [3], [2,4] and [4]", \
      w->out = tap_sample(tap_beta_binomial(ZEROS(3), w->in.x, ZEROS(4)))) \
    X(mixture_axis, TAP_ESHAPE, "sample: [2,4] x [4] x []: a discretized_logistic_mixture takes logits [..,k], loc [..,k] and log_scale " \
      "[..,k], not [2,4], [4] and []", \
      w->out = tap_sample(tap_discretized_logistic_mixture(w->in.x, ZEROS(4), tap_scalar(w->t, 0)))) \
    X(mixture_size, TAP_ESHAPE, "log_prob: [2,4] x [4] x [2,1] x [2,4]: a discretized_logistic_mixture takes logits [..,k], loc [..,k] and " \
      "log_scale [..,k], not [2,4], [4] and [2,1]", \
      w->out = tap_log_prob(tap_discretized_logistic_mixture(w->in.x, ZEROS(4), ZEROS(2, 1)), w->in.x)) \
    X(mixture_none, TAP_EARG, NULL, w->out = tap_sample(tap_discretized_logistic_mixture(ZEROS(0), ZEROS(0), ZEROS(0)))) \
    X(mixture_rank, TAP_EARG, "sample_n: [1,1,1,1,1,1,1,1] x []: n samples of shape [1,1,1,1,1,1,1,1] would have more than 8 axes", \
      w->out = tap_sample_n(tap_discretized_logistic(ZEROS(1, 1, 1, 1, 1, 1, 1, 1), tap_scalar(w->t, 0)), 2)) \
    X(counts_shape, TAP_ESHAPE, NULL, w->out = tap_log_prob(tap_negative_binomial(w->in.x, ZEROS(4)), ZEROS(3))) \
    X(counts_noise, TAP_ESHAPE, "sample_from: [2,4] x [4] x [3]: the shapes do not broadcast", \
      w->out = tap_sample_from(tap_negative_binomial(w->in.x, ZEROS(4)), ZEROS(3))) \
    X(counts_dtype, TAP_EDTYPE, NULL, tap_var whole = tap_cast(w->in.x, TAP_I64); \
      w->out = tap_log_prob(tap_negative_binomial(whole, whole), w->in.x)) \
    X(counts_sample_dtype, TAP_EDTYPE, NULL, tap_var whole = tap_cast(w->in.x, TAP_I64); \
      w->out = tap_sample(tap_negative_binomial(whole, whole))) \
    X(bytes_dtype, TAP_EDTYPE, NULL, tap_var whole = tap_cast(w->in.x, TAP_I64); \
      w->out = tap_log_prob(tap_discretized_logistic(whole, w->in.x), w->in.x)) \
    X(bytes_mean_dtype, TAP_EDTYPE, NULL, tap_var whole = tap_cast(w->in.x, TAP_I64); \
      w->out = tap_dist_mean(tap_discretized_logistic(whole, whole))) \
    X(counts_foreign, TAP_ESTALE, NULL, \
      w->out = tap_log_prob(tap_zero_inflated_negative_binomial(w->in.x, w->in.x, tap_scalar(w->other, 0)), w->in.x)) \
    X(counts_third, TAP_EARG, NULL, w->out = tap_sample(tap_beta_binomial(w->in.x, w->in.x, NOTHING))) \
    X(rsample_counts, TAP_EARG, \
      "rsample: [2,4] x [2,4]: a negative_binomial has no reparameterized sample; take tap_sample and the score function", \
      w->out = tap_rsample(tap_negative_binomial(w->in.x, w->in.x))) \
    X(entropy_counts, TAP_EARG, "entropy: [2,4] x [2,4] x [2,4]: a beta_binomial has no closed form for this", \
      w->out = tap_entropy(tap_beta_binomial(w->in.x, w->in.x, w->in.x))) \
    X(variance_bytes, TAP_EARG, "dist_variance: [2,4] x [2,4]: a discretized_logistic has no closed form for this", \
      w->out = tap_dist_variance(tap_discretized_logistic(w->in.x, w->in.x))) \
    X(kl_counts, TAP_EARG, "kl: [2,4] x [2,4] x [2,4] x [2,4] x ...: no closed form for KL(negative_binomial || zero_inflated_negative_binomial)", \
      w->out = tap_kl(tap_negative_binomial(w->in.x, w->in.x), tap_zero_inflated_negative_binomial(w->in.x, w->in.x, w->in.x))) \
    X(kl_bytes, TAP_EARG, "kl: [2,4] x [2,4] x [2,4] x [2,4] x ...: no closed form for KL(discretized_logistic_mixture || " \
      "discretized_logistic_mixture)", \
      tap_dist d = tap_discretized_logistic_mixture(w->in.x, w->in.x, w->in.x); w->out = tap_kl(d, d))

#define DISTRIBUTION_WRONGS THREE_WRONGS \
    X(sample_shapes, TAP_ESHAPE, "sample: [2,4] x [1,2,2]: the parameters of a normal must broadcast, not [2,4] and [1,2,2]", \
      w->out = tap_sample(tap_normal(w->in.x, w->in.noise))) \
    X(sample_untyped, TAP_EARG, "sample: [2,4] x []: the distribution was never made", \
      w->in.q.type = NULL; w->out = tap_sample(w->in.q)) \
    X(sample_dtype, TAP_EDTYPE, "sample: [2,4] x [2,4]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_sample(tap_normal(tap_cast(w->in.x, TAP_I64), tap_cast(w->in.x, TAP_I64)))) \
    X(sample_half, TAP_EARG, "sample: [2,4]: input 1 is an empty var", w->out = tap_sample(tap_normal(w->in.x, (tap_var){ 0 }))) \
    X(sample_other_half, TAP_EARG, "sample: [2,4]: the distribution was never made", \
      w->out = tap_sample(tap_normal((tap_var){ 0 }, w->in.x))) \
    X(sample_bool, TAP_EDTYPE, "sample: [2,4]: bool is not float32 or float64; tap_cast makes it so", \
      w->out = tap_sample(tap_bernoulli(tap_gt(w->in.x, w->in.x)))) \
    X(sample_n_negative, TAP_EARG, "sample_n: [2,4] x []: n must be at least 0, not -1", w->out = tap_sample_n(w->in.q, -1)) \
    X(sample_n_overflowing, TAP_ESHAPE, "sample_n: [2,4] x []: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not [9223372036854775807,2,4]", \
      w->out = tap_sample_n(w->in.q, INT64_MAX)) \
    X(sample_n_vast, TAP_ENOMEM, NULL, w->out = tap_sample_n(w->in.q, 1ll << 50)) \
    X(sample_n_rank, TAP_EARG, "sample_n: [1,1,1,1,1,1,2,4]: n samples of shape [1,1,1,1,1,1,2,4] would have more than 8 axes", \
      w->out = tap_sample_n(tap_bernoulli(tap_reshape(w->in.x, TAP_SHAPE(1, 1, 1, 1, 1, 1, 2, 4))), 1)) \
    X(sample_n_vector_rank, TAP_EARG, "sample_n: [1,1,1,1,1,1,2,4]: n samples of shape [1,1,1,1,1,1,2,4] would have more than 8 axes", \
      w->out = tap_sample_n(tap_one_hot_categorical(tap_reshape(w->in.x, TAP_SHAPE(1, 1, 1, 1, 1, 1, 2, 4))), 1)) \
    X(sample_matrix, TAP_ESHAPE, \
      "sample: [2,4] x [3,4]: a multivariate_normal takes loc [..,d] and scale_tril [..,d,d], not [2,4] and [3,4]", \
      w->out = tap_sample(tap_multivariate_normal(w->in.x, tap_ones(w->t, TAP_SHAPE(3, 4))))) \
    X(sample_from_shape, TAP_ESHAPE, "sample_from: [2,4] x [] x [1,2,2]: the shapes do not broadcast", \
      w->out = tap_sample_from(w->in.q, w->in.noise)) \
    X(log_prob_shape, TAP_ESHAPE, "log_prob: [2,4] x [] x [1,2,2]: the shapes do not broadcast", \
      w->out = tap_log_prob(w->in.q, w->in.noise)) \
    X(log_prob_dtype, TAP_EDTYPE, "log_prob: [2,4] x [2,4]: dtypes float64 and bool differ", \
      w->out = tap_log_prob(w->in.b, tap_cast(w->in.x, TAP_BOOL))) \
    X(log_prob_nothing, TAP_EARG, "log_prob: [2,4]: the distribution was never made", \
      w->out = tap_log_prob((tap_dist){ 0 }, w->in.x)) \
    X(log_prob_scalar, TAP_ESHAPE, "log_prob: [2,4] x [] x []: the last axis must be the [4] of an isotropic_normal, not []", \
      w->out = tap_log_prob(tap_isotropic_normal(w->in.x, tap_scalar(w->t, 0)), tap_scalar(w->t, 1))) \
    X(kl_monte_carlo_of_nothing, TAP_EARG, "kl_monte_carlo: [2,4]: the distribution was never made", \
      w->out = tap_kl_monte_carlo((tap_dist){ 0 }, w->in.b, 2, NULL)) \
    X(kl_monte_carlo_to_nothing, TAP_EARG, "kl_monte_carlo: [2,4]: the distribution was never made", \
      w->out = tap_kl_monte_carlo(w->in.b, (tap_dist){ 0 }, 2, NULL)) \
    X(entropy_untyped, TAP_EARG, "entropy: [2,4] x []: the distribution was never made", \
      w->in.q.type = NULL; w->out = tap_entropy(w->in.q)) \
    X(mean_shapes, TAP_ESHAPE, "dist_mean: [2,4] x [1,2,2]: the parameters of a normal must broadcast, not [2,4] and [1,2,2]", \
      w->out = tap_dist_mean(tap_normal(w->in.x, w->in.noise))) \
    X(kl_kinds, TAP_EARG, "kl: [2,4] x [] x [2,4]: no closed form for KL(normal || bernoulli)", w->out = tap_kl(w->in.q, w->in.b)) \
    X(kl_nothing, TAP_EARG, "kl: [2,4]: no closed form for KL(nothing || bernoulli)", w->out = tap_kl((tap_dist){ 0 }, w->in.b)) \
    X(kl_shapes, TAP_ESHAPE, "kl: [2,4] x [] x [1,2,2] x [1,2,2]: the shapes do not broadcast", \
      w->out = tap_kl(w->in.q, tap_normal(w->in.noise, w->in.noise))) \
    X(rsample_bernoulli, TAP_EARG, \
      "rsample: [2,4]: a bernoulli has no reparameterized sample; take tap_sample and the score function", \
      w->out = tap_rsample(w->in.b)) \
    X(rsample_categorical, TAP_EARG, \
      "rsample_n: [2,4]: a categorical has no reparameterized sample; take tap_sample and the score function", \
      w->out = tap_rsample_n(tap_categorical(w->in.x), 2)) \
    X(rsample_one_hot, TAP_EARG, \
      "rsample: [2,4]: a one_hot_categorical has no reparameterized sample; take tap_sample and the score function", \
      w->out = tap_rsample(tap_one_hot_categorical(w->in.x))) \
    X(rsample_n_min, TAP_EARG, "rsample_n: [2,4] x []: n must be at least 0, not -9223372036854775808", \
      w->out = tap_rsample_n(w->in.q, INT64_MIN)) \
    X(rsample_nothing, TAP_EARG, "sample_from: [2,4]: the distribution was never made", \
      w->out = tap_sample_from((tap_dist){ 0 }, w->in.x)) \
    X(isotropic_scalar, TAP_ESHAPE, "sample: [] x []: an isotropic_normal takes loc [..,d] and log_scale [..], not [] and []", \
      w->out = tap_sample(tap_isotropic_normal(tap_scalar(w->t, 0), tap_scalar(w->t, 0)))) \
    X(isotropic_batch, TAP_ESHAPE, "entropy: [2,4] x [4]: the parameters of an isotropic_normal must broadcast, not [2,4] and [4]", \
      w->out = tap_entropy(tap_isotropic_normal(w->in.x, ZEROS(4)))) \
    X(isotropic_rank, TAP_ESHAPE, \
      "entropy: [2,4] x [1,1,1,1,1,1,1,2]: the parameters of an isotropic_normal must broadcast, not [2,4] and [1,1,1,1,1,1,1,2]", \
      w->out = tap_entropy(tap_isotropic_normal(w->in.x, ZEROS(1, 1, 1, 1, 1, 1, 1, 2)))) \
    X(isotropic_event, TAP_ESHAPE, "log_prob: [2,4] x [] x [2,1]: the last axis must be the [4] of an isotropic_normal, not [2,1]", \
      w->out = tap_log_prob(tap_isotropic_normal(w->in.x, tap_scalar(w->t, 0)), ZEROS(2, 1))) \
    X(isotropic_noise, TAP_ESHAPE, "sample_from: [2,4] x [] x []: the last axis must be the [4] of an isotropic_normal, not []", \
      w->out = tap_sample_from(tap_isotropic_normal(w->in.x, tap_scalar(w->t, 0)), tap_scalar(w->t, 0))) \
    X(isotropic_foreign, TAP_ESTALE, NULL, \
      w->out = tap_log_prob(tap_isotropic_normal(w->in.x, tap_scalar(w->other, 0)), w->in.x)) \
    X(multivariate_vector, TAP_ESHAPE, \
      "log_prob: [2,4] x [4] x [2,4]: a multivariate_normal takes loc [..,d] and scale_tril [..,d,d], not [2,4] and [4]", \
      w->out = tap_log_prob(tap_multivariate_normal(w->in.x, ZEROS(4)), w->in.x)) \
    X(multivariate_sizes, TAP_ESHAPE, \
      "dist_mean: [2,4] x [4,3]: a multivariate_normal takes loc [..,d] and scale_tril [..,d,d], not [2,4] and [4,3]", \
      w->out = tap_dist_mean(tap_multivariate_normal(w->in.x, ZEROS(4, 3)))) \
    X(categorical_scalar, TAP_ESHAPE, "sample: []: a categorical takes logits [..,k], not []", \
      w->out = tap_sample(tap_categorical(tap_scalar(w->t, 0)))) \
    X(categorical_value, TAP_EDTYPE, NULL, w->out = tap_log_prob(tap_categorical(w->in.x), ZEROS(2))) \
    X(one_hot_event, TAP_ESHAPE, "log_prob: [2,4] x [2,3]: the last axis must be the [4] of a one_hot_categorical, not [2,3]", \
      w->out = tap_log_prob(tap_one_hot_categorical(w->in.x), ZEROS(2, 3))) \
    X(entropy_relaxed, TAP_EARG, "entropy: [2,4] x []: a relaxed_bernoulli has no closed form for this", \
      w->out = tap_entropy(tap_relaxed_bernoulli(w->in.x, tap_scalar(w->t, 1)))) \
    X(mean_relaxed, TAP_EARG, "dist_mean: [2,4] x []: a relaxed_one_hot_categorical has no closed form for this", \
      w->out = tap_dist_mean(tap_relaxed_one_hot_categorical(w->in.x, tap_scalar(w->t, 1)))) \
    X(variance_categorical, TAP_EARG, "dist_variance: [2,4]: a categorical has no closed form for this", \
      w->out = tap_dist_variance(tap_categorical(w->in.x))) \
    X(variance_nothing, TAP_EARG, "dist_variance: [2,4] x []: the distribution was never made", \
      w->in.q.type = NULL; w->out = tap_dist_variance(w->in.q)) \
    X(batch_shape_nothing, TAP_EARG, "dist_batch_shape: the distribution was never made", \
      w->in.q.type = NULL; assert_int_equal(tap_dist_batch_shape(w->in.q).rank, 0)) \
    X(event_shape_batch, TAP_ESHAPE, "dist_event_shape: the parameters of an isotropic_normal must broadcast, not [2,4] and [4]", \
      assert_int_equal(tap_dist_event_shape(tap_isotropic_normal(w->in.x, ZEROS(4))).rank, 0)) \
    X(event_shape_scalar, TAP_ESHAPE, "dist_event_shape: a one_hot_categorical takes logits [..,k], not []", \
      assert_int_equal(tap_dist_event_shape(tap_one_hot_categorical(tap_scalar(w->t, 0))).rank, 0)) \
    X(kl_relaxed, TAP_EARG, "kl: [2,4] x [] x [2,4] x []: no closed form for KL(relaxed_bernoulli || relaxed_bernoulli)", \
      tap_dist d = tap_relaxed_bernoulli(w->in.x, tap_scalar(w->t, 1)); w->out = tap_kl(d, d)) \
    X(kl_delta, TAP_EARG, "kl: [2,4] x [] x [2,4]: no closed form for KL(normal || delta)", w->out = tap_kl(w->in.q, tap_delta(w->in.x))) \
    X(kl_sizes, TAP_ESHAPE, "kl: [2,3] x [] x [1] x []: isotropic_normal [2,3] and isotropic_normal [1] must have the same events and broadcast", \
      w->out = tap_kl(DIAGONAL(2, 3), DIAGONAL(1))) \
    X(kl_normal_size, TAP_ESHAPE, "kl: [2,4] x [] x [2,1] x []: normal [2,4] and isotropic_normal [2,1] must have the same events and broadcast", \
      w->out = tap_kl(w->in.q, DIAGONAL(2, 1))) \
    X(kl_batches, TAP_ESHAPE, "kl: [2,4] x [] x [3,4] x []: normal [2,4] and isotropic_normal [3,4] must have the same events and broadcast", \
      w->out = tap_kl(w->in.q, DIAGONAL(3, 4))) \
    X(kl_classes, TAP_ESHAPE, "kl: [2,4] x [1]: categorical [2,4] and categorical [1] must have the same events and broadcast", \
      w->out = tap_kl(tap_categorical(w->in.x), tap_categorical(ZEROS(1)))) \
    X(kl_foreign, TAP_ESTALE, NULL, w->out = tap_kl(w->in.q, tap_isotropic_normal(tap_zeros(w->other, TAP_SHAPE(4)), tap_scalar(w->other, 0)))) \
    X(kl_monte_carlo_one, TAP_EARG, "kl_monte_carlo: [2,4] x [] x [] x []: n must be at least 2 for a standard error, not 1", \
      tap_var e; w->out = tap_kl_monte_carlo(w->in.q, w->in.p, 1, &e)) \
    X(kl_monte_carlo_min, TAP_EARG, "kl_monte_carlo: [2,4] x [] x [] x []: n must be at least 1, not -9223372036854775808", \
      w->out = tap_kl_monte_carlo(w->in.q, w->in.p, INT64_MIN, NULL)) \
    X(kl_monte_carlo_vast, TAP_ENOMEM, NULL, w->out = tap_kl_monte_carlo(w->in.q, w->in.p, 1ll << 50, NULL)) \
    X(kl_monte_carlo_kinds, TAP_ESHAPE, "kl_monte_carlo: [2,4] x [] x [2,3]: normal [2,4] and one_hot_categorical [2,3] must have the same events and broadcast", \
      w->out = tap_kl_monte_carlo(w->in.q, tap_one_hot_categorical(ZEROS(2, 3)), 3, NULL)) \
    X(kl_monte_carlo_nothing, TAP_EARG, "kl_monte_carlo: [2,4] x []: the distribution was never made", \
      w->out = tap_kl_monte_carlo(w->in.q, (tap_dist){ 0 }, 3, NULL))
/* clang-format on */

#endif
