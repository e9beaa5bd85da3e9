/* KL(q || p) in closed form, by pair of kinds. */
#include "nn/distribution.h"

/* d + ((e^-2d - 1) + ((mu_q - mu_p) / scale_p)^2) / 2 with d = log scale_p - log scale_q */
static tap_var normal_normal(tap_dist q, tap_dist p)
{
    tap_var d = tap_sub(p.param[1], q.param[1]);
    tap_var ratio = tap_expm1(tap_mul_scalar(d, -2));
    tap_var shift = tap_mul(tap_sub(q.param[0], p.param[0]), tap_exp(tap_neg(p.param[1])));
    return tap_add(d, tap_mul_scalar(tap_add(ratio, tap_square(shift)), 0.5));
}

/* P(1) (l_q - l_p) + log(1 + e^l_p) - log(1 + e^l_q) */
static tap_var bernoulli_bernoulli(tap_dist q, tap_dist p)
{
    tap_var ratio = tap_mul(tap_sigmoid(q.param[0]), tap_sub(q.param[0], p.param[0]));
    return tap_add(ratio, tap_sub(tap_softplus(p.param[0]), tap_softplus(q.param[0])));
}

static const struct {
    const tap_dist_type *q, *p;
    tap_var (*kl)(tap_dist q, tap_dist p);
} table[] = {
    { &tap__normal_type, &tap__normal_type, normal_normal },
    { &tap__bernoulli_type, &tap__bernoulli_type, bernoulli_bernoulli },
};

tap_var tap_kl(tap_dist q, tap_dist p)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (q.type == table[i].q && p.type == table[i].p) return table[i].kl(q, p);
    }
    tap_tape *t = q.param[0].tape ? q.param[0].tape : p.param[0].tape;
    if (t)
        tap_tape_fail(t, TAP_EARG, "kl: no closed form for KL(%s || %s)", q.type ? q.type->name : "nothing",
                      p.type ? p.type->name : "nothing");
    return (tap_var){ .tape = t };
}
