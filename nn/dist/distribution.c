/* nn/dist/distribution.c: what all distributions have in common: checks of shapes, samples, and the calls of a family's
 * formulas. A family is a table of formulas (struct tap_dist_type) in a file of its own; they are operators on the parameters,
 * so that gradients follow. */
#include "nn/dist/distribution.h"

#include <string.h>

#define CALL(name, d) TAP_CALL(name, d.param[0], d.param[1], d.param[2])

enum { PARAMS = sizeof((tap_dist){ 0 }.param) / sizeof(tap_var) };

/* ---- Shapes ------------------------------------------------------------------------------------------------------ */

/* The tape to report errors to: that of the first parameter that has one, else that of `with`. */
static tap_tape *tape_of(tap_dist d, tap_var with)
{
    tap_tape *t = with.tape;
    for (int i = PARAMS; i-- > 0;) t = d.param[i].tape ? d.param[i].tape : t;
    return t;
}

static tap_var inert(tap_dist d, tap_var with)
{
    return (tap_var){ .tape = tape_of(d, with) };
}

static const char *article(const tap_dist_type *type)
{
    return strchr("aei", type->name[0]) ? "an" : "a";
}

static tap_shape drop_last_axes(tap_shape s, int axes)
{
    s.rank = s.rank > axes ? s.rank - axes : 0;
    return s;
}

/* The last axis, or [] for 0 axes. */
static tap_shape last_axis(tap_shape s, int axes)
{
    return axes ? TAP_SHAPE(s.n[s.rank - 1]) : TAP_SCALAR;
}

bool tap__shape_join(tap_shape a, tap_shape b, tap_shape *out)
{
    if (a.rank + b.rank > TAP_MAX_RANK) return false;
    for (int i = 0; i < b.rank; i++) a.n[a.rank + i] = b.n[i];
    a.rank += b.rank;
    *out = a;
    return true;
}

/* Whether all parameters have their event axes, and these are as long as the first parameter's. */
static bool event_axes_match(const tap_dist_type *type, const tap_shape *s)
{
    for (int k = 0; k < type->n_param; k++) {
        if (s[k].rank < type->param_event_rank[k]) return false;
        for (int i = 1; i <= type->param_event_rank[k]; i++) {
            if (s[k].n[s[k].rank - i] != s[0].n[s[0].rank - 1]) return false;
        }
    }
    return true;
}

/* Whether all parameters broadcast to a batch, which it sets, and the noise has not too many axes. */
static bool broadcast_batch(const tap_dist_type *type, const tap_shape *shape, tap__dist_shapes *s)
{
    tap_shape noise;
    s->batch = drop_last_axes(shape[0], type->param_event_rank[0]);
    for (int k = 1; k < type->n_param; k++) {
        if (!tap__broadcast_shapes(s->batch, drop_last_axes(shape[k], type->param_event_rank[k]), &s->batch)) return false;
    }
    return tap__shape_join(s->batch, s->noise_event, &noise);
}

/* "[2], [3] and [4]" */
static const char *format_shapes(int n, const tap_shape *s, char *text)
{
    char  one[TAP_SHAPE_TEXT];
    char *to = text;
    for (int k = 0; k < n; k++)
        to += snprintf(to, TAP_SHAPE_TEXT + 8, "%s%s", k == 0 ? "" : k + 1 < n ? ", " : " and ", tap_shape_format(one, s[k]));
    return text;
}

bool tap__dist_validate(tap_dist d, tap_var with, const char *call, tap__dist_shapes *s)
{
    char      text[PARAMS * (TAP_SHAPE_TEXT + 8)];
    tap_shape shape[PARAMS];
    tap_tape *t = tape_of(d, with);
    *s = (tap__dist_shapes){ 0 };
    if (!d.type || !d.param[0].tape) {
        if (t) tap__fail(t, TAP_EARG, call, "the distribution was never made");
        return false;
    }
    const int n = d.type->n_param;
    for (int k = 0; k < n; k++) shape[k] = tap_shape_of(d.param[k]);
    if (tap_tape_status(t, NULL) != TAP_OK) return false;
    if (!event_axes_match(d.type, shape)) {
        tap__fail(t, TAP_ESHAPE, call, "%s %s takes %s, not %s", article(d.type), d.type->name, d.type->takes,
                  format_shapes(n, shape, text));
        return false;
    }
    s->noise_event = last_axis(shape[0], d.type->is_mixture ? 0 : d.type->param_event_rank[0]);
    s->event = last_axis(shape[0], d.type->event_rank);
    if (broadcast_batch(d.type, shape, s)) return true;
    tap__fail(t, TAP_ESHAPE, call, "the parameters of %s %s must broadcast, not %s", article(d.type), d.type->name,
              format_shapes(n, shape, text));
    *s = (tap__dist_shapes){ 0 };
    return false;
}

/* Whether the distribution is one of such vectors, or one of elements whose last axis is or broadcasts to such a vector. */
static bool covers_event(tap__dist_shapes s, tap_shape event)
{
    const int64_t size = s.batch.rank ? s.batch.n[s.batch.rank - 1] : 1;
    return s.event.rank == event.rank || size == event.n[0] || size == 1;
}

bool tap__dist_validate_pair(tap_dist q, tap_dist p, const char *call, tap__dist_pair *pair)
{
    char              x[TAP_SHAPE_TEXT], y[TAP_SHAPE_TEXT];
    tap__dist_shapes *a = &pair->q, *b = &pair->p;
    if (!tap__dist_validate(q, p.param[0], call, a) || !tap__dist_validate(p, q.param[0], call, b)) return false;
    pair->event = a->event.rank ? a->event : b->event;
    const tap_shape x_axis = a->noise_event, y_axis = b->noise_event;
    const bool      same_axis = x_axis.rank == 0 || y_axis.rank == 0 || x_axis.n[0] == y_axis.n[0];
    tap_shape       first = drop_last_axes(a->batch, pair->event.rank - a->event.rank);
    tap_shape       second = drop_last_axes(b->batch, pair->event.rank - b->event.rank);
    if (same_axis && covers_event(*a, pair->event) && covers_event(*b, pair->event) &&
        tap__broadcast_shapes(first, second, &pair->batch))
        return true;
    tap__fail(q.param[0].tape, TAP_ESHAPE, call, "%s %s and %s %s must have the same events and broadcast", q.type->name,
              tap_shape_format(x, tap_shape_of(q.param[0])), p.type->name, tap_shape_format(y, tap_shape_of(p.param[0])));
    return false;
}

tap_shape tap_dist_batch_shape(tap_dist d)
{
    tap__dist_shapes s;
    tap__dist_validate(d, d.param[0], "dist_batch_shape", &s);
    return s.batch;
}

tap_shape tap_dist_event_shape(tap_dist d)
{
    tap__dist_shapes s;
    tap__dist_validate(d, d.param[0], "dist_event_shape", &s);
    return s.event;
}

/* ---- Samples ----------------------------------------------------------------------------------------------------- */

enum { ONE = -1 };

/* One sample, or n along a new axis in front. */
static tap_var draw(tap_dist d, int64_t n, const char *call, bool reparameterized)
{
    tap__dist_shapes s;
    tap_shape        shape;
    if (!tap__dist_validate(d, d.param[0], call, &s)) return inert(d, d.param[0]);
    if (reparameterized && !d.type->has_rsample) {
        tap__fail(d.param[0].tape, TAP_EARG, call,
                  "%s %s has no reparameterized sample; take tap_sample and the score function", article(d.type), d.type->name);
        return inert(d, d.param[0]);
    }
    tap__shape_join(s.batch, s.noise_event, &shape);
    if (n != ONE) tap__shape_join(TAP_SHAPE(n), shape, &shape);
    return d.type->sample(d, d.type->noise(d.param[0].tape, shape));
}

static bool check_n_samples(tap_dist d, int64_t n, const char *call)
{
    char             text[TAP_SHAPE_TEXT];
    tap__dist_shapes s;
    if (!tap__dist_validate(d, d.param[0], call, &s)) return false;
    if (n >= 0 && s.batch.rank + s.noise_event.rank < TAP_MAX_RANK) return true;
    tap__shape_join(s.batch, s.event, &s.batch);
    if (n < 0) tap__fail(d.param[0].tape, TAP_EARG, call, "n must be at least 0, not %lld", (long long)n);
    else
        tap__fail(d.param[0].tape, TAP_EARG, call, "n samples of shape %s would have more than %d axes",
                  tap_shape_format(text, s.batch), TAP_MAX_RANK);
    return false;
}

tap_var tap_sample(tap_dist d)
{
    CALL("sample", d);
    return draw(d, ONE, "sample", false);
}

tap_var tap_sample_n(tap_dist d, int64_t n)
{
    CALL("sample_n", d);
    return check_n_samples(d, n, "sample_n") ? draw(d, n, "sample_n", false) : inert(d, d.param[0]);
}

tap_var tap_rsample(tap_dist d)
{
    CALL("rsample", d);
    return draw(d, ONE, "rsample", true);
}

tap_var tap_rsample_n(tap_dist d, int64_t n)
{
    CALL("rsample_n", d);
    return check_n_samples(d, n, "rsample_n") ? draw(d, n, "rsample_n", true) : inert(d, d.param[0]);
}

/* Whether the last axis of x is this one ([]: any). It is not broadcast. */
static bool check_last_axis(tap_dist d, tap_var x, tap_shape axis, const char *call)
{
    char      a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    tap_shape s = tap_shape_of(x);
    if (!tap__same_tape(call, 2, (tap_var[]){ d.param[0], x })) return false;
    if (axis.rank == 0 || (s.rank > 0 && s.n[s.rank - 1] == axis.n[0])) return true;
    tap__fail(x.tape, TAP_ESHAPE, call, "the last axis must be the %s of %s %s, not %s", tap_shape_format(b, axis),
              article(d.type), d.type->name, tap_shape_format(a, s));
    return false;
}

tap_var tap_sample_from(tap_dist d, tap_var noise)
{
    TAP_CALL("sample_from", d.param[0], d.param[1], d.param[2], noise);
    tap__dist_shapes s;
    if (!tap__dist_validate(d, noise, "sample_from", &s) || !check_last_axis(d, noise, s.noise_event, "sample_from"))
        return inert(d, noise);
    return d.type->sample(d, noise);
}

/* ---- Densities and moments --------------------------------------------------------------------------------------- */

tap_var tap_log_prob(tap_dist d, tap_var x)
{
    TAP_CALL("log_prob", d.param[0], d.param[1], d.param[2], x);
    tap__dist_shapes s;
    if (!tap__dist_validate(d, x, "log_prob", &s) || !check_last_axis(d, x, s.event, "log_prob")) return inert(d, x);
    return d.type->log_prob(d, x);
}

/* The value of a formula, expanded to the batch shape, or with of_event to batch and event shape. */
static tap_var evaluate(tap_dist d, tap_var (*formula)(tap_dist d), bool of_event, const char *call)
{
    tap__dist_shapes s;
    if (!tap__dist_validate(d, d.param[0], call, &s)) return inert(d, d.param[0]);
    if (!formula) {
        tap__fail(d.param[0].tape, TAP_EARG, call, "%s %s has no closed form for this", article(d.type), d.type->name);
        return inert(d, d.param[0]);
    }
    if (of_event) tap__shape_join(s.batch, s.event, &s.batch);
    tap_var v = formula(d);
    return tap_shape_equal(tap_shape_of(v), s.batch) ? v : tap_expand(v, s.batch);
}

tap_var tap_entropy(tap_dist d)
{
    CALL("entropy", d);
    return evaluate(d, d.type ? d.type->entropy : NULL, false, "entropy");
}

tap_var tap_dist_mean(tap_dist d)
{
    CALL("dist_mean", d);
    return evaluate(d, d.type ? d.type->mean : NULL, true, "dist_mean");
}

tap_var tap_dist_variance(tap_dist d)
{
    CALL("dist_variance", d);
    return evaluate(d, d.type ? d.type->variance : NULL, true, "dist_variance");
}
