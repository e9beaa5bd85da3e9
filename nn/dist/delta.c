/* nn/dist/delta.c: all mass at one point, loc. */
#include "nn/dist/distribution.h"

/* loc, in the shape of the noise */
static tap_var delta_sample(tap_dist d, tap_var noise)
{
    tap_shape shape = tap_shape_of(noise), full = shape;
    tap__broadcast_shapes(shape, tap_shape_of(d.param[0]), &full);
    return tap_expand(d.param[0], full);
}

/* infinity at loc, -infinity elsewhere: the limit of a Normal's log density for scale -> 0. NaN stays NaN. */
static tap_var delta_log_prob(tap_dist d, tap_var x)
{
    const double inf = (double)INFINITY;
    tap_var      difference = tap_detach(tap__safe_sub(x, d.param[0])), elsewhere = tap_full_like(difference, -inf);
    tap_var      log_p = tap_masked_fill(elsewhere, tap_eq(x, d.param[0]), inf);
    return tap_where(tap_isnan(difference), difference, log_p);
}

static tap_var delta_entropy(tap_dist d)
{
    return tap_full_like(d.param[0], -(double)INFINITY);
}

static tap_var delta_mean(tap_dist d)
{
    return d.param[0];
}

static tap_var delta_variance(tap_dist d)
{
    return tap_full_like(d.param[0], 0);
}

const tap_dist_type tap__delta_type = {
    .name = "delta",
    .takes = "loc",
    .n_param = 1,
    .has_rsample = true,
    .noise = tap_zeros,
    .sample = delta_sample,
    .log_prob = delta_log_prob,
    .entropy = delta_entropy,
    .mean = delta_mean,
    .variance = delta_variance,
};

tap_dist tap_delta(tap_var loc)
{
    return (tap_dist){ .type = &tap__delta_type, .param = { loc } };
}
