/* tests/bad_arguments/bound.h: bad calls of the bounds on log p(x), for test_nn.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_BOUND_H
#define TAP_TESTS_BAD_ARGUMENTS_BOUND_H

/* Log densities, and options. */
#define BOUND(x) ((tap_bound_terms){ .log_px_z = x, .log_pz = x, .log_q = x })
#define KL       tap_reshape(tap_select(f->in.x, 0, 0), TAP_SHAPE(4, 1))
#define OF(...)  ((tap_bound_options){ __VA_ARGS__ })

static void bad_bound_dreg_copy(fixture *f)
{
    tap_var         z = tap_mul_scalar(tap_reshape(tap_narrow(tap_param_var(f->t, f->weight), 0, 0, 2), TAP_SHAPE(2, 4)), 1);
    tap_bound_terms d = BOUND(tap_sin(z));
    d.z = tap_named(tap_mul_scalar(z, 1), "weights");
    f->out = tap_variational_bound(d, OF(.bound = TAP_IWAE, .estimator = TAP_DOUBLY_REPARAMETERIZED));
}

static void bad_bound_iwae_bits(fixture *f)
{
    tap_bound_terms d = BOUND(f->in.x);
    d.kl = KL;
    f->out = tap_variational_bound(d, OF(.bound = TAP_IWAE, .free_bits = 0.5));
}

static void bad_bound_shape(fixture *f)
{
    tap_bound_terms d = BOUND(f->in.x);
    d.log_q = f->in.noise;
    f->out = tap_variational_bound(d, OF(0));
}

static void bad_bound_prior_shape(fixture *f)
{
    tap_bound_terms d = BOUND(f->in.x);
    d.log_pz = f->in.noise;
    f->out = tap_variational_bound(d, OF(0));
}

static void bad_bound_z_shape(fixture *f)
{
    tap_bound_terms d = BOUND(f->in.x);
    d.z = f->in.noise;
    f->out = tap_variational_bound(d, OF(0));
}

static void bad_bound_baseline(fixture *f)
{
    tap_bound_terms d = BOUND(f->in.x);
    d.baseline = f->in.noise;
    f->out = tap_variational_bound(d, OF(.estimator = TAP_SCORE_BASELINE));
}

static void bad_bound_large_baseline(fixture *f)
{
    tap_bound_terms d = BOUND(f->in.x);
    d.baseline = tap_zeros(f->t, TAP_SHAPE(3, 2, 4));
    f->out = tap_variational_bound(d, OF(.estimator = TAP_SCORE_BASELINE));
}

/* clang-format off */
#define BOUND_BAD_CALLS \
    BAD_VAR(free_bits_scalar, TAP_ESHAPE, "free_bits: []: the KL must have an axis of latent dimensions", \
      tap_free_bits(tap_scalar(f->t, 1), 1)) \
    BAD_VAR(free_bits_negative, TAP_EARG, "free_bits: [2,4]: nats must be a finite number from 0 up, not -1", \
      tap_free_bits(f->in.x, -1)) \
    BAD_VAR(bound_nothing, TAP_EARG, "variational_bound: [2,4]: input 0 is an empty var", \
      tap_variational_bound((tap_bound_terms){ .log_q = f->in.x }, OF(0))) \
    BAD_VAR(bound_missing, TAP_EARG, "variational_bound: [2,4]: log p(z) and log q(z|x) must be given", \
      tap_variational_bound((tap_bound_terms){ .log_px_z = f->in.x }, OF(0))) \
    BAD_VAR(bound_prior_missing, TAP_EARG, "variational_bound: [2,4] x [2,4]: log p(z) and log q(z|x) must be given", \
      tap_variational_bound((tap_bound_terms){ .log_px_z = f->in.x, .log_q = f->in.x }, OF(0))) \
    BAD_VAR(bound_iwae_missing, TAP_EARG, "variational_bound: [2,4] x [4,1]: log p(z) and log q(z|x) must be given", \
      tap_variational_bound((tap_bound_terms){ .log_px_z = f->in.x, .kl = KL }, OF(.bound = TAP_IWAE))) \
    BAD_VAR(bound_score, TAP_EARG, "variational_bound: [2,4] x [4,1]: the score function needs log q(z|x)", \
      tap_variational_bound((tap_bound_terms){ .log_px_z = f->in.x, .kl = KL }, OF(.estimator = TAP_SCORE))) \
    BAD_VAR(bound_stl, TAP_EARG, \
      "variational_bound: [2,4] x [4,1]: this estimator takes the KL by the draws, not in closed form", \
      tap_variational_bound((tap_bound_terms){ .log_px_z = f->in.x, .kl = KL }, OF(.estimator = TAP_STICKING_THE_LANDING))) \
    BAD_VAR(bound_free_bits, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: free_bits need the KL in closed form", \
      tap_variational_bound(BOUND(f->in.x), OF(.free_bits = 1))) \
    BAD_VAR(bound_dreg, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: this estimator needs the draws z", \
      tap_variational_bound(BOUND(f->in.x), OF(.bound = TAP_IWAE, .estimator = TAP_DOUBLY_REPARAMETERIZED))) \
    BAD_FUNCTION(bound_dreg_copy, TAP_EARG, \
      "variational_bound: [2,4] x [2,4] x [2,4] x [2,4] (weights): log p(x|z) must be computed from this z, not from a copy") \
    BAD_VAR(bound_estimator, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: estimator must be a tap_estimator", \
      tap_variational_bound(BOUND(f->in.x), OF(.estimator = (tap_estimator)9))) \
    BAD_VAR(bound_bound, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: bound must be TAP_ELBO or TAP_IWAE", \
      tap_variational_bound(BOUND(f->in.x), OF(.bound = (tap_bound)9))) \
    BAD_VAR(bound_beta, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: beta must be finite", \
      tap_variational_bound(BOUND(f->in.x), OF(.beta = (double)NAN))) \
    BAD_VAR(bound_nan_bits, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: free_bits must be a finite number from 0 up", \
      tap_variational_bound(BOUND(f->in.x), OF(.free_bits = -1))) \
    BAD_VAR(bound_iwae_beta, TAP_EARG, "variational_bound: [2,4] x [2,4] x [2,4]: beta and free_bits are for TAP_ELBO", \
      tap_variational_bound(BOUND(f->in.x), OF(.bound = TAP_IWAE, .beta = 2))) \
    BAD_FUNCTION(bound_iwae_bits, TAP_EARG, \
      "variational_bound: [2,4] x [2,4] x [2,4] x [4,1]: beta and free_bits are for TAP_ELBO") \
    BAD_VAR(bound_iwae_stl, TAP_EARG, \
      "variational_bound: [2,4] x [2,4] x [2,4]: sticking the landing is biased for TAP_IWAE; take " \
      "TAP_DOUBLY_REPARAMETERIZED", \
      tap_variational_bound(BOUND(f->in.x), OF(.bound = TAP_IWAE, .estimator = TAP_STICKING_THE_LANDING))) \
    BAD_VAR(bound_scalar, TAP_ESHAPE, "variational_bound: [] x [] x []: log p(x|z) must have an axis of draws in front", \
      tap_variational_bound(BOUND(tap_scalar(f->t, 1)), OF(0))) \
    BAD_VAR(bound_no_draws, TAP_ESHAPE, \
      "variational_bound: [0,4] x [0,4] x [0,4]: log p(x|z) must have an axis of draws in front", \
      tap_variational_bound(BOUND(tap_narrow(f->in.x, 0, 0, 0)), OF(0))) \
    BAD_FUNCTION(bound_shape, TAP_ESHAPE, \
      "variational_bound: [2,4] x [2,4] x [1,2,2]: log q(z|x) must have the shape of log p(x|z)") \
    BAD_FUNCTION(bound_prior_shape, TAP_ESHAPE, \
      "variational_bound: [2,4] x [1,2,2] x [2,4]: log p(z) must have the shape of log p(x|z)") \
    BAD_FUNCTION(bound_z_shape, TAP_ESHAPE, \
      "variational_bound: [2,4] x [2,4] x [2,4] x [1,2,2]: z must begin with the axes of log p(x|z)") \
    BAD_VAR(bound_kl_shape, TAP_ESHAPE, \
      "variational_bound: [2,4] x [2,4]: the KL must be [..,latent] for the images of log p(x|z)", \
      tap_variational_bound((tap_bound_terms){ .log_px_z = f->in.x, .kl = f->in.x }, OF(0))) \
    BAD_VAR(bound_one_draw, TAP_ESHAPE, \
      "variational_bound: [1,4] x [1,4] x [1,4]: TAP_SCORE_LEAVE_ONE_OUT needs at least 2 draws", \
      tap_variational_bound(BOUND(tap_narrow(f->in.x, 0, 0, 1)), OF(.estimator = TAP_SCORE_LEAVE_ONE_OUT))) \
    BAD_VAR(bound_one_image, TAP_ESHAPE, \
      "variational_bound: [2,1] x [2,1] x [2,1]: a baseline from the other images needs at least 2 images", \
      tap_variational_bound(BOUND(tap_narrow(f->in.x, 1, 0, 1)), OF(.estimator = TAP_SCORE_BASELINE))) \
    BAD_FUNCTION(bound_baseline, TAP_ESHAPE, \
      "variational_bound: [2,4] x [2,4] x [2,4] x [1,2,2]: the baseline must broadcast to log p(x|z)") \
    BAD_FUNCTION(bound_large_baseline, TAP_ESHAPE, \
      "variational_bound: [2,4] x [2,4] x [2,4] x [3,2,4]: the baseline must broadcast to log p(x|z)")
/* clang-format on */

#endif
