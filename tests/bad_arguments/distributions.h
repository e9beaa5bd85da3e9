/* tests/bad_arguments/distributions.h: a call of every function of distributions, and bad calls, for test_nn.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_DISTRIBUTIONS_H
#define TAP_TESTS_BAD_ARGUMENTS_DISTRIBUTIONS_H

static void call_tap_kl_monte_carlo(fixture *f)
{
    tap_var e;
    f->out = tap_kl_monte_carlo(f->in.b, f->in.b, 3, &e);
}

/* clang-format off */
#define FUNCTIONS_OF_DISTRIBUTIONS \
    CALL(tap_log_normal, 0, tap_log_normal(f->in.x, f->in.noise)) \
    CALL(tap_laplace, 0, tap_laplace(f->in.x, f->in.noise)) \
    CALL(tap_delta, 0, tap_delta(f->in.x)) \
    CALL(tap_continuous_bernoulli, 0, tap_continuous_bernoulli(f->in.x)) \
    CALL(tap_relaxed_bernoulli, 0, tap_relaxed_bernoulli(f->in.x, f->in.noise)) \
    CALL(tap_categorical, 0, tap_categorical(f->in.x)) \
    CALL(tap_isotropic_normal, 0, tap_isotropic_normal(f->in.x, f->in.noise)) \
    CALL(tap_multivariate_normal, 0, tap_multivariate_normal(f->in.x, f->in.noise)) \
    CALL(tap_one_hot_categorical, 0, tap_one_hot_categorical(f->in.x)) \
    CALL(tap_relaxed_one_hot_categorical, 0, tap_relaxed_one_hot_categorical(f->in.x, f->in.noise)) \
    CALL(tap_negative_binomial, 0, tap_negative_binomial(f->in.x, f->in.noise)) \
    CALL(tap_zero_inflated_negative_binomial, 0, tap_zero_inflated_negative_binomial(f->in.x, f->in.noise, f->in.x)) \
    CALL(tap_beta_binomial, 0, tap_beta_binomial(f->in.x, f->in.noise, f->in.x)) \
    CALL(tap_discretized_logistic, 0, tap_discretized_logistic(f->in.x, f->in.noise)) \
    CALL(tap_discretized_logistic_mixture, 0, tap_discretized_logistic_mixture(f->in.x, f->in.noise, f->in.x)) \
    CALL(tap_dist_batch_shape, ON_TAPE | VARS, tap_dist_batch_shape(f->in.q)) \
    CALL(tap_dist_event_shape, ON_TAPE | VARS, tap_dist_event_shape(f->in.q)) \
    OF_DIST(tap_rsample) OF_DIST(tap_dist_variance) \
    CALL_VAR(tap_rsample_n, ON_TAPE | VARS, tap_rsample_n(f->in.q, 3)) \
    CALL_FUNCTION(tap_kl_monte_carlo, ON_TAPE | VARS)
/* clang-format on */

#define ZEROS(...)    tap_zeros(f->t, TAP_SHAPE(__VA_ARGS__))
#define DIAGONAL(...) tap_isotropic_normal(ZEROS(__VA_ARGS__), tap_scalar(f->t, 0))

static void bad_counts_dtype(fixture *f)
{
    tap_var whole = tap_cast(f->in.x, TAP_I64);
    f->out = tap_log_prob(tap_negative_binomial(whole, whole), f->in.x);
}

static void bad_counts_sample_dtype(fixture *f)
{
    tap_var whole = tap_cast(f->in.x, TAP_I64);
    f->out = tap_sample(tap_negative_binomial(whole, whole));
}

static void bad_bytes_dtype(fixture *f)
{
    tap_var whole = tap_cast(f->in.x, TAP_I64);
    f->out = tap_log_prob(tap_discretized_logistic(whole, f->in.x), f->in.x);
}

static void bad_bytes_mean_dtype(fixture *f)
{
    tap_var whole = tap_cast(f->in.x, TAP_I64);
    f->out = tap_dist_mean(tap_discretized_logistic(whole, whole));
}

static void bad_kl_bytes(fixture *f)
{
    tap_dist d = tap_discretized_logistic_mixture(f->in.x, f->in.x, f->in.x);
    f->out = tap_kl(d, d);
}

/* clang-format off */
#define COUNT_BAD_CALLS \
    BAD_VAR(inflated_batch, TAP_ESHAPE, \
      "log_prob: [2,4] x [4] x [3] x [2,4]: the parameters of a zero_inflated_negative_binomial must broadcast, not [2,4], " \
      "[4] and [3]", \
      tap_log_prob(tap_zero_inflated_negative_binomial(f->in.x, ZEROS(4), ZEROS(3)), f->in.x)) \
    BAD_VAR(trials_batch, TAP_ESHAPE, \
      "sample: [3] x [2,4] x [4]: the parameters of a beta_binomial must broadcast, not [3], [2,4] and [4]", \
      tap_sample(tap_beta_binomial(ZEROS(3), f->in.x, ZEROS(4)))) \
    BAD_VAR(mixture_axis, TAP_ESHAPE, \
      "sample: [2,4] x [4] x []: a discretized_logistic_mixture takes logits [..,k], loc [..,k] and log_scale [..,k], not " \
      "[2,4], [4] and []", \
      tap_sample(tap_discretized_logistic_mixture(f->in.x, ZEROS(4), tap_scalar(f->t, 0)))) \
    BAD_VAR(mixture_size, TAP_ESHAPE, \
      "log_prob: [2,4] x [4] x [2,1] x [2,4]: a discretized_logistic_mixture takes logits [..,k], loc [..,k] and log_scale " \
      "[..,k], not [2,4], [4] and [2,1]", \
      tap_log_prob(tap_discretized_logistic_mixture(f->in.x, ZEROS(4), ZEROS(2, 1)), f->in.x)) \
    BAD_VAR(mixture_none, TAP_EARG, NULL, tap_sample(tap_discretized_logistic_mixture(ZEROS(0), ZEROS(0), ZEROS(0)))) \
    BAD_VAR(mixture_rank, TAP_EARG, \
      "sample_n: [1,1,1,1,1,1,1,1] x []: n samples of shape [1,1,1,1,1,1,1,1] would have more than 8 axes", \
      tap_sample_n(tap_discretized_logistic(ZEROS(1, 1, 1, 1, 1, 1, 1, 1), tap_scalar(f->t, 0)), 2)) \
    BAD_VAR(counts_shape, TAP_ESHAPE, NULL, tap_log_prob(tap_negative_binomial(f->in.x, ZEROS(4)), ZEROS(3))) \
    BAD_VAR(counts_noise, TAP_ESHAPE, "sample_from: [2,4] x [4] x [3]: the shapes do not broadcast", \
      tap_sample_from(tap_negative_binomial(f->in.x, ZEROS(4)), ZEROS(3))) \
    BAD_FUNCTION(counts_dtype, TAP_EDTYPE, NULL) \
    BAD_FUNCTION(counts_sample_dtype, TAP_EDTYPE, NULL) \
    BAD_FUNCTION(bytes_dtype, TAP_EDTYPE, NULL) \
    BAD_FUNCTION(bytes_mean_dtype, TAP_EDTYPE, NULL) \
    BAD_VAR(counts_foreign, TAP_ESTALE, NULL, \
      tap_log_prob(tap_zero_inflated_negative_binomial(f->in.x, f->in.x, tap_scalar(f->other, 0)), f->in.x)) \
    BAD_VAR(counts_third, TAP_EARG, NULL, tap_sample(tap_beta_binomial(f->in.x, f->in.x, NOTHING))) \
    BAD_VAR(rsample_counts, TAP_EARG, \
      "rsample: [2,4] x [2,4]: a negative_binomial has no reparameterized sample; take tap_sample and the score function", \
      tap_rsample(tap_negative_binomial(f->in.x, f->in.x))) \
    BAD_VAR(entropy_counts, TAP_EARG, "entropy: [2,4] x [2,4] x [2,4]: a beta_binomial has no closed form for this", \
      tap_entropy(tap_beta_binomial(f->in.x, f->in.x, f->in.x))) \
    BAD_VAR(variance_bytes, TAP_EARG, "dist_variance: [2,4] x [2,4]: a discretized_logistic has no closed form for this", \
      tap_dist_variance(tap_discretized_logistic(f->in.x, f->in.x))) \
    BAD_VAR(kl_counts, TAP_EARG, \
      "kl: [2,4] x [2,4] x [2,4] x [2,4] x ...: no closed form for KL(negative_binomial || zero_inflated_negative_binomial)", \
      tap_kl(tap_negative_binomial(f->in.x, f->in.x), tap_zero_inflated_negative_binomial(f->in.x, f->in.x, f->in.x))) \
    BAD_FUNCTION(kl_bytes, TAP_EARG, \
      "kl: [2,4] x [2,4] x [2,4] x [2,4] x ...: no closed form for KL(discretized_logistic_mixture || " \
      "discretized_logistic_mixture)")
/* clang-format on */

static void bad_sample_untyped(fixture *f)
{
    f->in.q.type = NULL;
    f->out = tap_sample(f->in.q);
}

static void bad_entropy_untyped(fixture *f)
{
    f->in.q.type = NULL;
    f->out = tap_entropy(f->in.q);
}

static void bad_variance_nothing(fixture *f)
{
    f->in.q.type = NULL;
    f->out = tap_dist_variance(f->in.q);
}

static void bad_batch_shape_nothing(fixture *f)
{
    f->in.q.type = NULL;
    assert_int_equal(tap_dist_batch_shape(f->in.q).rank, 0);
}

static void bad_kl_relaxed(fixture *f)
{
    tap_dist d = tap_relaxed_bernoulli(f->in.x, tap_scalar(f->t, 1));
    f->out = tap_kl(d, d);
}

static void bad_kl_monte_carlo_one(fixture *f)
{
    tap_var e;
    f->out = tap_kl_monte_carlo(f->in.q, f->in.p, 1, &e);
}

/* clang-format off */
#define DISTRIBUTION_BAD_CALLS \
    COUNT_BAD_CALLS \
    BAD_VAR(sample_shapes, TAP_ESHAPE, \
      "sample: [2,4] x [1,2,2]: the parameters of a normal must broadcast, not [2,4] and [1,2,2]", \
      tap_sample(tap_normal(f->in.x, f->in.noise))) \
    BAD_FUNCTION(sample_untyped, TAP_EARG, "sample: [2,4] x []: the distribution was never made") \
    BAD_VAR(sample_dtype, TAP_EDTYPE, "sample: [2,4] x [2,4]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_sample(tap_normal(tap_cast(f->in.x, TAP_I64), tap_cast(f->in.x, TAP_I64)))) \
    BAD_VAR(sample_half, TAP_EARG, "sample: [2,4]: input 1 is an empty var", tap_sample(tap_normal(f->in.x, (tap_var){ 0 }))) \
    BAD_VAR(sample_other_half, TAP_EARG, "sample: [2,4]: the distribution was never made", \
      tap_sample(tap_normal((tap_var){ 0 }, f->in.x))) \
    BAD_VAR(sample_bool, TAP_EDTYPE, "sample: [2,4]: bool is not float32 or float64; tap_cast makes it so", \
      tap_sample(tap_bernoulli(tap_gt(f->in.x, f->in.x)))) \
    BAD_VAR(sample_n_negative, TAP_EARG, "sample_n: [2,4] x []: n must be at least 0, not -1", tap_sample_n(f->in.q, -1)) \
    BAD_VAR(sample_n_overflowing, TAP_ESHAPE, \
      "sample_n: [2,4] x []: a shape must have at most 8 sizes, each at least 0, with a product below 2^63, not " \
      "[9223372036854775807,2,4]", \
      tap_sample_n(f->in.q, INT64_MAX)) \
    BAD_VAR(sample_n_vast, TAP_ENOMEM, NULL, tap_sample_n(f->in.q, 1ll << 50)) \
    BAD_VAR(sample_n_rank, TAP_EARG, \
      "sample_n: [1,1,1,1,1,1,2,4]: n samples of shape [1,1,1,1,1,1,2,4] would have more than 8 axes", \
      tap_sample_n(tap_bernoulli(tap_reshape(f->in.x, TAP_SHAPE(1, 1, 1, 1, 1, 1, 2, 4))), 1)) \
    BAD_VAR(sample_n_vector_rank, TAP_EARG, \
      "sample_n: [1,1,1,1,1,1,2,4]: n samples of shape [1,1,1,1,1,1,2,4] would have more than 8 axes", \
      tap_sample_n(tap_one_hot_categorical(tap_reshape(f->in.x, TAP_SHAPE(1, 1, 1, 1, 1, 1, 2, 4))), 1)) \
    BAD_VAR(sample_matrix, TAP_ESHAPE, \
      "sample: [2,4] x [3,4]: a multivariate_normal takes loc [..,d] and scale_tril [..,d,d], not [2,4] and [3,4]", \
      tap_sample(tap_multivariate_normal(f->in.x, tap_ones(f->t, TAP_SHAPE(3, 4))))) \
    BAD_VAR(sample_from_shape, TAP_ESHAPE, "sample_from: [2,4] x [] x [1,2,2]: the shapes do not broadcast", \
      tap_sample_from(f->in.q, f->in.noise)) \
    BAD_VAR(log_prob_shape, TAP_ESHAPE, "log_prob: [2,4] x [] x [1,2,2]: the shapes do not broadcast", \
      tap_log_prob(f->in.q, f->in.noise)) \
    BAD_VAR(log_prob_dtype, TAP_EDTYPE, "log_prob: [2,4] x [2,4]: dtypes float64 and bool differ", \
      tap_log_prob(f->in.b, tap_cast(f->in.x, TAP_BOOL))) \
    BAD_VAR(log_prob_nothing, TAP_EARG, "log_prob: [2,4]: the distribution was never made", \
      tap_log_prob((tap_dist){ 0 }, f->in.x)) \
    BAD_VAR(log_prob_scalar, TAP_ESHAPE, \
      "log_prob: [2,4] x [] x []: the last axis must be the [4] of an isotropic_normal, not []", \
      tap_log_prob(tap_isotropic_normal(f->in.x, tap_scalar(f->t, 0)), tap_scalar(f->t, 1))) \
    BAD_VAR(kl_monte_carlo_of_nothing, TAP_EARG, "kl_monte_carlo: [2,4]: the distribution was never made", \
      tap_kl_monte_carlo((tap_dist){ 0 }, f->in.b, 2, NULL)) \
    BAD_VAR(kl_monte_carlo_to_nothing, TAP_EARG, "kl_monte_carlo: [2,4]: the distribution was never made", \
      tap_kl_monte_carlo(f->in.b, (tap_dist){ 0 }, 2, NULL)) \
    BAD_FUNCTION(entropy_untyped, TAP_EARG, "entropy: [2,4] x []: the distribution was never made") \
    BAD_VAR(mean_shapes, TAP_ESHAPE, \
      "dist_mean: [2,4] x [1,2,2]: the parameters of a normal must broadcast, not [2,4] and [1,2,2]", \
      tap_dist_mean(tap_normal(f->in.x, f->in.noise))) \
    BAD_VAR(kl_kinds, TAP_EARG, "kl: [2,4] x [] x [2,4]: no closed form for KL(normal || bernoulli)", \
      tap_kl(f->in.q, f->in.b)) \
    BAD_VAR(kl_nothing, TAP_EARG, "kl: [2,4]: no closed form for KL(nothing || bernoulli)", tap_kl((tap_dist){ 0 }, f->in.b)) \
    BAD_VAR(kl_shapes, TAP_ESHAPE, "kl: [2,4] x [] x [1,2,2] x [1,2,2]: the shapes do not broadcast", \
      tap_kl(f->in.q, tap_normal(f->in.noise, f->in.noise))) \
    BAD_VAR(rsample_bernoulli, TAP_EARG, \
      "rsample: [2,4]: a bernoulli has no reparameterized sample; take tap_sample and the score function", \
      tap_rsample(f->in.b)) \
    BAD_VAR(rsample_categorical, TAP_EARG, \
      "rsample_n: [2,4]: a categorical has no reparameterized sample; take tap_sample and the score function", \
      tap_rsample_n(tap_categorical(f->in.x), 2)) \
    BAD_VAR(rsample_one_hot, TAP_EARG, \
      "rsample: [2,4]: a one_hot_categorical has no reparameterized sample; take tap_sample and the score function", \
      tap_rsample(tap_one_hot_categorical(f->in.x))) \
    BAD_VAR(rsample_n_min, TAP_EARG, "rsample_n: [2,4] x []: n must be at least 0, not -9223372036854775808", \
      tap_rsample_n(f->in.q, INT64_MIN)) \
    BAD_VAR(rsample_nothing, TAP_EARG, "sample_from: [2,4]: the distribution was never made", \
      tap_sample_from((tap_dist){ 0 }, f->in.x)) \
    BAD_VAR(isotropic_scalar, TAP_ESHAPE, \
      "sample: [] x []: an isotropic_normal takes loc [..,d] and log_scale [..], not [] and []", \
      tap_sample(tap_isotropic_normal(tap_scalar(f->t, 0), tap_scalar(f->t, 0)))) \
    BAD_VAR(isotropic_batch, TAP_ESHAPE, \
      "entropy: [2,4] x [4]: the parameters of an isotropic_normal must broadcast, not [2,4] and [4]", \
      tap_entropy(tap_isotropic_normal(f->in.x, ZEROS(4)))) \
    BAD_VAR(isotropic_rank, TAP_ESHAPE, \
      "entropy: [2,4] x [1,1,1,1,1,1,1,2]: the parameters of an isotropic_normal must broadcast, not [2,4] and " \
      "[1,1,1,1,1,1,1,2]", \
      tap_entropy(tap_isotropic_normal(f->in.x, ZEROS(1, 1, 1, 1, 1, 1, 1, 2)))) \
    BAD_VAR(isotropic_event, TAP_ESHAPE, \
      "log_prob: [2,4] x [] x [2,1]: the last axis must be the [4] of an isotropic_normal, not [2,1]", \
      tap_log_prob(tap_isotropic_normal(f->in.x, tap_scalar(f->t, 0)), ZEROS(2, 1))) \
    BAD_VAR(isotropic_noise, TAP_ESHAPE, \
      "sample_from: [2,4] x [] x []: the last axis must be the [4] of an isotropic_normal, not []", \
      tap_sample_from(tap_isotropic_normal(f->in.x, tap_scalar(f->t, 0)), tap_scalar(f->t, 0))) \
    BAD_VAR(isotropic_foreign, TAP_ESTALE, NULL, \
      tap_log_prob(tap_isotropic_normal(f->in.x, tap_scalar(f->other, 0)), f->in.x)) \
    BAD_VAR(multivariate_vector, TAP_ESHAPE, \
      "log_prob: [2,4] x [4] x [2,4]: a multivariate_normal takes loc [..,d] and scale_tril [..,d,d], not [2,4] and [4]", \
      tap_log_prob(tap_multivariate_normal(f->in.x, ZEROS(4)), f->in.x)) \
    BAD_VAR(multivariate_sizes, TAP_ESHAPE, \
      "dist_mean: [2,4] x [4,3]: a multivariate_normal takes loc [..,d] and scale_tril [..,d,d], not [2,4] and [4,3]", \
      tap_dist_mean(tap_multivariate_normal(f->in.x, ZEROS(4, 3)))) \
    BAD_VAR(categorical_scalar, TAP_ESHAPE, "sample: []: a categorical takes logits [..,k], not []", \
      tap_sample(tap_categorical(tap_scalar(f->t, 0)))) \
    BAD_VAR(categorical_value, TAP_EDTYPE, NULL, tap_log_prob(tap_categorical(f->in.x), ZEROS(2))) \
    BAD_VAR(one_hot_event, TAP_ESHAPE, \
      "log_prob: [2,4] x [2,3]: the last axis must be the [4] of a one_hot_categorical, not [2,3]", \
      tap_log_prob(tap_one_hot_categorical(f->in.x), ZEROS(2, 3))) \
    BAD_VAR(entropy_relaxed, TAP_EARG, "entropy: [2,4] x []: a relaxed_bernoulli has no closed form for this", \
      tap_entropy(tap_relaxed_bernoulli(f->in.x, tap_scalar(f->t, 1)))) \
    BAD_VAR(mean_relaxed, TAP_EARG, "dist_mean: [2,4] x []: a relaxed_one_hot_categorical has no closed form for this", \
      tap_dist_mean(tap_relaxed_one_hot_categorical(f->in.x, tap_scalar(f->t, 1)))) \
    BAD_VAR(variance_categorical, TAP_EARG, "dist_variance: [2,4]: a categorical has no closed form for this", \
      tap_dist_variance(tap_categorical(f->in.x))) \
    BAD_FUNCTION(variance_nothing, TAP_EARG, "dist_variance: [2,4] x []: the distribution was never made") \
    BAD_FUNCTION(batch_shape_nothing, TAP_EARG, "dist_batch_shape: the distribution was never made") \
    BAD_CALL(event_shape_batch, TAP_ESHAPE, \
      "dist_event_shape: the parameters of an isotropic_normal must broadcast, not [2,4] and [4]", \
      assert_int_equal(tap_dist_event_shape(tap_isotropic_normal(f->in.x, ZEROS(4))).rank, 0)) \
    BAD_CALL(event_shape_scalar, TAP_ESHAPE, "dist_event_shape: a one_hot_categorical takes logits [..,k], not []", \
      assert_int_equal(tap_dist_event_shape(tap_one_hot_categorical(tap_scalar(f->t, 0))).rank, 0)) \
    BAD_FUNCTION(kl_relaxed, TAP_EARG, \
      "kl: [2,4] x [] x [2,4] x []: no closed form for KL(relaxed_bernoulli || relaxed_bernoulli)") \
    BAD_VAR(kl_delta, TAP_EARG, "kl: [2,4] x [] x [2,4]: no closed form for KL(normal || delta)", \
      tap_kl(f->in.q, tap_delta(f->in.x))) \
    BAD_VAR(kl_sizes, TAP_ESHAPE, \
      "kl: [2,3] x [] x [1] x []: isotropic_normal [2,3] and isotropic_normal [1] must have the same events and broadcast", \
      tap_kl(DIAGONAL(2, 3), DIAGONAL(1))) \
    BAD_VAR(kl_normal_size, TAP_ESHAPE, \
      "kl: [2,4] x [] x [2,1] x []: normal [2,4] and isotropic_normal [2,1] must have the same events and broadcast", \
      tap_kl(f->in.q, DIAGONAL(2, 1))) \
    BAD_VAR(kl_batches, TAP_ESHAPE, \
      "kl: [2,4] x [] x [3,4] x []: normal [2,4] and isotropic_normal [3,4] must have the same events and broadcast", \
      tap_kl(f->in.q, DIAGONAL(3, 4))) \
    BAD_VAR(kl_classes, TAP_ESHAPE, \
      "kl: [2,4] x [1]: categorical [2,4] and categorical [1] must have the same events and broadcast", \
      tap_kl(tap_categorical(f->in.x), tap_categorical(ZEROS(1)))) \
    BAD_VAR(kl_foreign, TAP_ESTALE, NULL, \
      tap_kl(f->in.q, tap_isotropic_normal(tap_zeros(f->other, TAP_SHAPE(4)), tap_scalar(f->other, 0)))) \
    BAD_FUNCTION(kl_monte_carlo_one, TAP_EARG, \
      "kl_monte_carlo: [2,4] x [] x [] x []: n must be at least 2 for a standard error, not 1") \
    BAD_VAR(kl_monte_carlo_min, TAP_EARG, \
      "kl_monte_carlo: [2,4] x [] x [] x []: n must be at least 1, not -9223372036854775808", \
      tap_kl_monte_carlo(f->in.q, f->in.p, INT64_MIN, NULL)) \
    BAD_VAR(kl_monte_carlo_vast, TAP_ENOMEM, NULL, tap_kl_monte_carlo(f->in.q, f->in.p, 1ll << 50, NULL)) \
    BAD_VAR(kl_monte_carlo_kinds, TAP_ESHAPE, \
      "kl_monte_carlo: [2,4] x [] x [2,3]: normal [2,4] and one_hot_categorical [2,3] must have the same events and " \
      "broadcast", \
      tap_kl_monte_carlo(f->in.q, tap_one_hot_categorical(ZEROS(2, 3)), 3, NULL)) \
    BAD_VAR(kl_monte_carlo_nothing, TAP_EARG, "kl_monte_carlo: [2,4] x []: the distribution was never made", \
      tap_kl_monte_carlo(f->in.q, (tap_dist){ 0 }, 3, NULL))
/* clang-format on */

#endif
