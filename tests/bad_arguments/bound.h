/* Wrong arguments, for test_abuse_nn.c, of bounds on log p(x). */
#ifndef TAP_TESTS_BAD_ARGUMENTS_BOUND_H
#define TAP_TESTS_BAD_ARGUMENTS_BOUND_H

/* clang-format off */
/* Log densities, and options */
#define BOUND(x) ((tap_bound_terms){ .log_px_z = x, .log_pz = x, .log_q = x })
#define KL       tap_reshape(tap_select(w->in.x, 0, 0), TAP_SHAPE(4, 1))
#define OF(...)  ((tap_bound_options){ __VA_ARGS__ })

#define ELBO_WRONGS \
    X(free_bits_scalar, TAP_ESHAPE, "free_bits: []: the KL must have an axis of latent dimensions", \
      w->out = tap_free_bits(tap_scalar(w->t, 1), 1)) \
    X(free_bits_negative, TAP_EARG, "free_bits: [2,4]: nats must be a finite number from 0 up, not -1", \
      w->out = tap_free_bits(w->in.x, -1)) \
    X(bound_nothing, TAP_EARG, "variational_bound: [2,4]: input 0 is an empty var", \
      w->out = tap_variational_bound((tap_bound_terms){ .log_q = w->in.x }, OF(0))) \
    X(bound_missing, TAP_EARG, "variational_bound: [2,4]: log p(z) and log q(z|x) must be given", \
      w->out = tap_variational_bound((tap_bound_terms){ .log_px_z = w->in.x }, OF(0))) \
    X(bound_prior_missing, TAP_EARG, "variational_bound: [2,4] x [2,4]: log p(z) and log q(z|x) must be given", \
      w->out = tap_variational_bound((tap_bound_terms){ .log_px_z = w->in.x, .log_q = w->in.x }, OF(0))) \
    X(bound_iwae_missing, TAP_EARG, "variational_bound: [2,4] x [4,1]: log p(z) and log q(z|x) must be given", \
      w->out = tap_variational_bound((tap_bound_terms){ .log_px_z = w->in.x, .kl = KL }, OF(.bound = TAP_IWAE))) \
    X(bound_score, TAP_EARG, "variational_bound: [2,4] x [4,1]: the score function needs log q(z|x)", \
      w->out = tap_variational_bound((tap_bound_terms){ .log_px_z = w->in.x, .kl = KL }, OF(.estimator = TAP_SCORE))) \
    X(bound_stl, TAP_EARG, "variational_bound: [2,4] x [4,1]: this estimator takes the KL by the draws, not in closed form", \
      w->out = tap_variational_bound((tap_bound_terms){ .log_px_z = w->in.x, .kl = KL }, OF(.estimator = TAP_STICKING_THE_LANDING))) \
    X(bound_free_bits, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: free_bits need the KL in closed form", \
      w->out = tap_variational_bound(BOUND(w->in.x), OF(.free_bits = 1))) \
    X(bound_dreg, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: this estimator needs the draws z", \
      w->out = tap_variational_bound(BOUND(w->in.x), OF(.bound = TAP_IWAE, .estimator = TAP_DOUBLY_REPARAMETERIZED))) \
    X(bound_dreg_copy, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4] x [2,4] (weights): log p(x|z) must be computed from this z, not from a copy", \
      tap_var z = tap_mul_scalar(tap_reshape(tap_narrow(tap_param_var(w->t, w->weight), 0, 0, 2), TAP_SHAPE(2, 4)), 1); \
      tap_bound_terms d = BOUND(tap_sin(z)); \
      d.z = tap_named(tap_mul_scalar(z, 1), "weights"); \
      w->out = tap_variational_bound(d, OF(.bound = TAP_IWAE, .estimator = TAP_DOUBLY_REPARAMETERIZED))) \
    X(bound_estimator, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: estimator must be a tap_estimator", \
      w->out = tap_variational_bound(BOUND(w->in.x), OF(.estimator = (tap_estimator)9))) \
    X(bound_bound, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: bound must be TAP_ELBO or TAP_IWAE", \
      w->out = tap_variational_bound(BOUND(w->in.x), OF(.bound = (tap_bound)9))) \
    X(bound_beta, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: beta must be finite", \
      w->out = tap_variational_bound(BOUND(w->in.x), OF(.beta = (double)NAN))) \
    X(bound_nan_bits, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: free_bits must be a finite number from 0 up", \
      w->out = tap_variational_bound(BOUND(w->in.x), OF(.free_bits = -1))) \
    X(bound_iwae_beta, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: beta and free_bits are for TAP_ELBO", \
      w->out = tap_variational_bound(BOUND(w->in.x), OF(.bound = TAP_IWAE, .beta = 2))) \
    X(bound_iwae_bits, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4] x [4,1]: beta and free_bits are for TAP_ELBO", \
      tap_bound_terms d = BOUND(w->in.x); d.kl = KL; w->out = tap_variational_bound(d, OF(.bound = TAP_IWAE, .free_bits = 0.5))) \
    X(bound_iwae_stl, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: sticking the landing is biased for " \
      "TAP_IWAE; take TAP_DOUBLY_REPARAMETERIZED", \
      w->out = tap_variational_bound(BOUND(w->in.x), OF(.bound = TAP_IWAE, .estimator = TAP_STICKING_THE_LANDING))) \
    X(bound_scalar, TAP_ESHAPE, "variational_bound: [] x [] x []: log p(x|z) must have an axis of draws in front", \
      w->out = tap_variational_bound(BOUND(tap_scalar(w->t, 1)), OF(0))) \
    X(bound_no_draws, TAP_ESHAPE, "variational_bound: [0,4] x [0,4] x [0,4]: log p(x|z) must have an axis of draws in front", \
      w->out = tap_variational_bound(BOUND(tap_narrow(w->in.x, 0, 0, 0)), OF(0))) \
    X(bound_shape, TAP_ESHAPE, "variational_bound: [2,4] x [2,4] x [1,2,2]: log q(z|x) must have the shape of log p(x|z)", \
      tap_bound_terms d = BOUND(w->in.x); d.log_q = w->in.noise; w->out = tap_variational_bound(d, OF(0))) \
    X(bound_prior_shape, TAP_ESHAPE, "variational_bound: [2,4] x [1,2,2] x [2,4]: log p(z) must have the shape of log p(x|z)", \
      tap_bound_terms d = BOUND(w->in.x); d.log_pz = w->in.noise; w->out = tap_variational_bound(d, OF(0))) \
    X(bound_z_shape, TAP_ESHAPE, "variational_bound: [2,4] x [2,4] x [2,4] x [1,2,2]: z must begin with the axes of log p(x|z)", \
      tap_bound_terms d = BOUND(w->in.x); d.z = w->in.noise; w->out = tap_variational_bound(d, OF(0))) \
    X(bound_kl_shape, TAP_ESHAPE, "variational_bound: [2,4] x [2,4]: the KL must be [..,latent] for the images of log p(x|z)", \
      w->out = tap_variational_bound((tap_bound_terms){ .log_px_z = w->in.x, .kl = w->in.x }, OF(0))) \
    X(bound_one_draw, TAP_ESHAPE, "variational_bound: [1,4] x [1,4] x [1,4]: TAP_SCORE_LEAVE_ONE_OUT needs at least 2 draws", \
      w->out = tap_variational_bound(BOUND(tap_narrow(w->in.x, 0, 0, 1)), OF(.estimator = TAP_SCORE_LEAVE_ONE_OUT))) \
    X(bound_one_image, TAP_ESHAPE, "variational_bound: [2,1] x [2,1] x [2,1]: a baseline from the other images needs at least 2 images", \
      w->out = tap_variational_bound(BOUND(tap_narrow(w->in.x, 1, 0, 1)), OF(.estimator = TAP_SCORE_BASELINE))) \
    X(bound_baseline, TAP_ESHAPE, "variational_bound: [2,4] x [2,4] x [2,4] x [1,2,2]: the baseline must broadcast to log p(x|z)", \
      tap_bound_terms d = BOUND(w->in.x); d.baseline = w->in.noise; \
      w->out = tap_variational_bound(d, OF(.estimator = TAP_SCORE_BASELINE))) \
    X(bound_large_baseline, TAP_ESHAPE, "variational_bound: [2,4] x [2,4] x [2,4] x [3,2,4]: the baseline must broadcast to log p(x|z)", \
      tap_bound_terms d = BOUND(w->in.x); d.baseline = tap_zeros(w->t, TAP_SHAPE(3, 2, 4)); \
      w->out = tap_variational_bound(d, OF(.estimator = TAP_SCORE_BASELINE)))
/* clang-format on */

#endif
