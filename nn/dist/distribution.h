/* nn/dist/distribution.h: what a kind of distribution is. Not installed. */
#ifndef TAP_NN_DIST_DISTRIBUTION_H
#define TAP_NN_DIST_DISTRIBUTION_H

#include <math.h>

#include "autograd/internal.h"
#include "nn/nn.h"

/* Formulas, in operators, on parameters that go together. Entropy and moments may come in the smaller shape of what they depend
 * on; NULL: there is no closed form. */
struct tap_dist_type {
    const char *name;
    const char *takes; /* the parameters and their shapes, for messages */
    int         n_param;
    int         own[3];     /* how many last axes of a parameter are no batch axes: 1, or 2 for a matrix [d,d] */
    int         event_rank; /* 1: the last axis of the first parameter is one event; 0: every element is */
    bool        mixes;      /* over the parameters' own axis, which noise does not have */
    bool        hard;       /* samples jump: no gradient leads from them to the parameters */
    tap_var (*noise)(tap_tape *t, tap_shape shape); /* over the batch and an own axis of the first parameter */
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

#define TAP__HALF_LOG_2PI 0.91893853320467274178
#define TAP__LOG_2        0.69314718055994530942

typedef struct {
    tap_shape batch, event;
    tap_shape own; /* the last axis of noise, where that is no batch axis */
} tap__dist_shapes;

/* Two distributions of the same thing. One that is elementwise stands for a vector's beside one that is a vector's. */
typedef struct {
    tap__dist_shapes q, p;
    tap_shape        batch; /* that both broadcast to */
    tap_shape        event; /* the larger one */
} tap__dist_pair;

/* False, and an error in the name of the call, if nobody made d or its parameters do not go together. `with` is a var that came
 * along, to report to. */
bool tap__dist_validate(tap_dist d, tap_var with, const char *call, tap__dist_shapes *s);
/* The same of both, and whether they go together. */
bool tap__dist_validate_pair(tap_dist q, tap_dist p, const char *call, tap__dist_pair *pair);

/* The axes of a, then those of b; false if they are too many. */
bool tap__shape_join(tap_shape a, tap_shape b, tap_shape *out);

/* k^2 x e^(-log_scale): distances in scales, which may be numbers where neither x nor the scale is one. What depends on the scale alone is
 * computed in its own shape, often one number, and is no pass over x. */
tap_var tap__in_scales(tap_var x, tap_var log_scale, double k);
tap_var tap__infinite_if(tap_var log_prob, tap_var outside); /* -infinity there, without a gradient */
tap_var tap__outside_unit(tap_var x);                        /* whether x is below 0 or above 1 */

/* Whole numbers: values, samples and much of what is between are computed in double, without a gradient by them. */
tap_var tap__constant_f64(tap_var x);            /* x of any dtype */
tap_var tap__as_f64(tap_var x);                  /* float32 as double; a gradient passes, as it does back: */
tap_var tap__rounded(tap_var x, tap_var like);   /* x as float32, if that is what `like` is */
tap_var tap__not_whole(tap_var x, tap_var most); /* whether x (float64) is none of 0, 1, .., most */

#endif
