/* nn/dist/distribution.h: what a family of distributions consists of, and what the families share. Not installed. */
#ifndef TAP_NN_DIST_DISTRIBUTION_H
#define TAP_NN_DIST_DISTRIBUTION_H

#include <math.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "nn/nn.h"
#include "tensor/shape.h"

/* A family: its formulas, written in operators, so that gradients follow. They are called with parameters whose shapes have
 * been checked. Entropy and moments may have any shape that broadcasts to the full one. NULL: there is no closed form. */
struct tap_dist_type {
    const char *name;
    const char *takes; /* the parameters and their shapes, for messages */
    int         n_param;
    int         param_event_rank[3]; /* the number of last axes of each parameter that are no batch axes: 1, or 2 for [d,d] */
    int         event_rank;          /* 1: an event is the last axis of the first parameter; 0: each element is one */
    bool        is_mixture;          /* over the last axis of the parameters, which noise and samples do not have */
    bool        has_rsample; /* samples are reparameterized: gradients reach the parameters through them (as in PyTorch) */
    tap_var (*noise)(tap_tape *t,
                     tap_shape shape); /* of the batch shape and the last axis of the first parameter, if it has one */
    tap_var (*sample)(tap_dist d, tap_var noise);
    tap_var (*log_prob)(tap_dist d, tap_var x);
    tap_var (*entropy)(tap_dist d);
    tap_var (*mean)(tap_dist d);
    tap_var (*variance)(tap_dist d);
};

extern const tap_dist_type tap__normal_type, tap__isotropic_normal_type, tap__multivariate_normal_type, tap__log_normal_type,
    tap__laplace_type, tap__delta_type, tap__continuous_bernoulli_type, tap__bernoulli_type, tap__categorical_type,
    tap__one_hot_categorical_type, tap__relaxed_bernoulli_type, tap__relaxed_one_hot_categorical_type,
    tap__negative_binomial_type, tap__zero_inflated_negative_binomial_type, tap__beta_binomial_type,
    tap__discretized_logistic_type, tap__discretized_logistic_mixture_type;

#define TAP__HALF_LOG_2PI     0.91893853320467274178
#define TAP__LOG_2            0.69314718055994530942
#define TAP__SQRT_HALF        0.70710678118654752440
#define TAP__FOURTH_ROOT_HALF 0.84089641525371454303

/* ---- Shapes (distribution.c) -------------------------------------------------------------------------------------- */

typedef struct {
    tap_shape batch, event;
    tap_shape noise_event; /* the axis that noise has behind the batch; [] if it has none */
} tap__dist_shapes;

/* Two distributions of the same events. One of elements counts as one of vectors if the other is. */
typedef struct {
    tap__dist_shapes q, p;
    tap_shape        batch; /* which both broadcast to */
    tap_shape        event; /* the larger one */
} tap__dist_pair;

/* Whether d was made by one of the constructors, and its parameters fit together; if not, an error in the name of the call.
 * `with` is a var that came with d: the error is reported on its tape if d has none. */
bool tap__dist_validate(tap_dist d, tap_var with, const char *call, tap__dist_shapes *s);
/* Validates both, and checks that their batches broadcast and their events agree. */
bool tap__dist_validate_pair(tap_dist q, tap_dist p, const char *call, tap__dist_pair *pair);

/* The axes of a, then those of b; false if these are more than TAP_MAX_RANK. */
bool tap__shape_join(tap_shape a, tap_shape b, tap_shape *out);

/* ---- Parts of formulas (formulas.c) ------------------------------------------------------------------------------- */

/* k^2 x / scale. It is finite wherever the result is, though x or 1 / scale may overflow by itself. Factors of the scale alone
 * are computed in its own shape, often [], and cost no pass over x. */
tap_var tap__divide_by_scale(tap_var x, tap_var log_scale, double k);

tap_var tap__neg_inf_where(tap_var log_prob, tap_var outside); /* -infinity there, without a gradient */
tap_var tap__outside_unit_interval(tap_var x);                 /* whether x < 0 or x > 1 */
tap_var tap__outside_integers(tap_var x, tap_var max);         /* whether x (float64) is outside 0, 1, .., max */

/* Log masses of whole numbers are computed in float64. */
tap_var tap__detach_f64(tap_var x);                /* x of any dtype as a constant */
tap_var tap__to_f64(tap_var x);                    /* with a gradient, as the next */
tap_var tap__to_dtype_of(tap_var x, tap_var like); /* x as float32 if `like` is */

#endif
