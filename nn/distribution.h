/* nn/distribution.h: what a kind of distribution is. Not installed. */
#ifndef TAP_NN_DISTRIBUTION_H
#define TAP_NN_DISTRIBUTION_H

#include "nn/nn.h"

struct tap_dist_type {
    const char *name;
    int         n_param;
    tap_var (*noise)(tap_tape *t, tap_shape shape);
    tap_var (*sample)(tap_dist d, tap_var noise);
    tap_var (*log_prob)(tap_dist d, tap_var x);
    tap_var (*entropy)(tap_dist d);
    tap_var (*mean)(tap_dist d);
};

extern const tap_dist_type tap__normal_type, tap__bernoulli_type;

#endif
