/* Distributions: what all kinds have in common. A kind is a table of formulas, in dist_*.c. Everything is ordinary operators on the
 * parameters, so gradients follow. */
#include "autograd/ops/rules.h"
#include "nn/dist/distribution.h"
#include "tensor/shape.h"

#include <string.h>

#define CALL(name, d) TAP_CALL(name, d.param[0], d.param[1], d.param[2])

enum { PARAMS = sizeof((tap_dist){ 0 }.param) / sizeof(tap_var) };

/* ---- Shapes ------------------------------------------------------------------------------------------------------ */

/* The first tape there is, to report to: one of the parameters', or that of the var that comes with them. */
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

static tap_shape without_last(tap_shape s, int axes)
{
    s.rank = s.rank > axes ? s.rank - axes : 0;
    return s;
}

/* The last axis, or none. */
static tap_shape last_of(tap_shape s, int axes)
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

/* Whether all parameters have the axes of their own, and these are as long as the first parameter's. */
static bool fits(const tap_dist_type *type, const tap_shape *s)
{
    for (int k = 0; k < type->n_param; k++) {
        if (s[k].rank < type->own[k]) return false;
        for (int i = 1; i <= type->own[k]; i++) {
            if (s[k].n[s[k].rank - i] != s[0].n[s[0].rank - 1]) return false;
        }
    }
    return true;
}

/* Whether all parameters broadcast, to the batch and, of a sample, to more axes. */
static bool broadcasts(const tap_dist_type *type, const tap_shape *shape, tap__dist_shapes *s)
{
    tap_shape whole;
    s->batch = without_last(shape[0], type->own[0]);
    for (int k = 1; k < type->n_param; k++) {
        if (!tap__broadcast_shapes(s->batch, without_last(shape[k], type->own[k]), &s->batch)) return false;
    }
    return tap__shape_join(s->batch, s->own, &whole);
}

/* "[2], [3] and [4]" */
static const char *listed(int n, const tap_shape *s, char *text)
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
        if (t) tap__fail(t, TAP_EARG, call, "a distribution that was never made");
        return false;
    }
    const int n = d.type->n_param;
    for (int k = 0; k < n; k++) shape[k] = tap_shape_of(d.param[k]);
    if (tap_tape_status(t, NULL) != TAP_OK) return false;
    if (!fits(d.type, shape)) {
        tap__fail(t, TAP_ESHAPE, call, "%s %s takes %s, not %s", article(d.type), d.type->name, d.type->takes,
                  listed(n, shape, text));
        return false;
    }
    s->own = last_of(shape[0], d.type->mixes ? 0 : d.type->own[0]);
    s->event = last_of(shape[0], d.type->event_rank);
    if (broadcasts(d.type, shape, s)) return true;
    tap__fail(t, TAP_ESHAPE, call, "the parameters of %s %s, %s, do not broadcast", article(d.type), d.type->name,
              listed(n, shape, text));
    *s = (tap__dist_shapes){ 0 };
    return false;
}

/* Whether the elementwise d can stand for vectors: its last axis is one, or stretches to it. */
static bool stands_for(tap__dist_shapes s, tap_shape event)
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
    const bool same = a->own.rank == 0 || b->own.rank == 0 || a->own.n[0] == b->own.n[0];
    tap_shape  first = without_last(a->batch, pair->event.rank - a->event.rank);
    tap_shape  second = without_last(b->batch, pair->event.rank - b->event.rank);
    if (same && stands_for(*a, pair->event) && stands_for(*b, pair->event) &&
        tap__broadcast_shapes(first, second, &pair->batch))
        return true;
    tap__fail(q.param[0].tape, TAP_ESHAPE, call, "%s %s and %s %s do not go together", q.type->name,
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

/* ---- Formulas ---------------------------------------------------------------------------------------------------- */

tap_var tap__in_scales(tap_var x, tap_var log_scale, double k)
{
    tap_var half = tap_exp(tap_mul_scalar(log_scale, -0.5));
    return tap__times_exp(x, tap_neg(log_scale), k == 1 ? half : tap_mul_scalar(half, k));
}

tap_var tap__infinite_if(tap_var log_prob, tap_var outside)
{
    return tap_masked_fill(log_prob, outside, -(double)INFINITY);
}

tap_var tap__outside_unit(tap_var x)
{
    return tap_logical_or(tap_lt(x, tap_scalar_like(x, 0)), tap_gt(x, tap_scalar_like(x, 1)));
}

/* ---- Samples ----------------------------------------------------------------------------------------------------- */

/* One draw for n < 0, else n along a new axis in front. */
static tap_var draw(tap_dist d, int64_t n, const char *call, bool by_path)
{
    tap__dist_shapes s;
    tap_shape        shape;
    if (!tap__dist_validate(d, d.param[0], call, &s)) return inert(d, d.param[0]);
    if (by_path && d.type->hard) {
        tap__fail(d.param[0].tape, TAP_EARG, call,
                  "%s %s has no reparameterized sample; take tap_sample and the score function", article(d.type), d.type->name);
        return inert(d, d.param[0]);
    }
    tap__shape_join(s.batch, s.own, &shape);
    if (n >= 0) tap__shape_join(TAP_SHAPE(n), shape, &shape);
    return d.type->sample(d, d.type->noise(d.param[0].tape, shape));
}

static bool countable(tap_dist d, int64_t n, const char *call)
{
    char             text[TAP_SHAPE_TEXT];
    tap__dist_shapes s;
    if (!tap__dist_validate(d, d.param[0], call, &s)) return false;
    if (n >= 0 && s.batch.rank + s.own.rank < TAP_MAX_RANK) return true;
    tap__shape_join(s.batch, s.event, &s.batch);
    tap__fail(d.param[0].tape, TAP_EARG, call, "%lld samples of shape %s", (long long)n, tap_shape_format(text, s.batch));
    return false;
}

tap_var tap_sample(tap_dist d)
{
    CALL("sample", d);
    return draw(d, -1, "sample", false);
}

tap_var tap_sample_n(tap_dist d, int64_t n)
{
    CALL("sample_n", d);
    return countable(d, n, "sample_n") ? draw(d, n, "sample_n", false) : inert(d, d.param[0]);
}

tap_var tap_rsample(tap_dist d)
{
    CALL("rsample", d);
    return draw(d, -1, "rsample", true);
}

tap_var tap_rsample_n(tap_dist d, int64_t n)
{
    CALL("rsample_n", d);
    return countable(d, n, "rsample_n") ? draw(d, n, "rsample_n", true) : inert(d, d.param[0]);
}

/* Whether x ends in the axis that it must have; a smaller one is not stretched. */
static bool ends_in(tap_dist d, tap_var x, tap_shape end, const char *call)
{
    char      a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    tap_shape s = tap_shape_of(x);
    if (!tap__same_tape(call, 2, (tap_var[]){ d.param[0], x })) return false;
    if (end.rank == 0 || (s.rank > 0 && s.n[s.rank - 1] == end.n[0])) return true;
    tap__fail(x.tape, TAP_ESHAPE, call, "%s does not end in the %s of %s %s", tap_shape_format(a, s), tap_shape_format(b, end),
              article(d.type), d.type->name);
    return false;
}

tap_var tap_sample_from(tap_dist d, tap_var noise)
{
    TAP_CALL("sample_from", d.param[0], d.param[1], d.param[2], noise);
    tap__dist_shapes s;
    if (!tap__dist_validate(d, noise, "sample_from", &s) || !ends_in(d, noise, s.own, "sample_from")) return inert(d, noise);
    return d.type->sample(d, noise);
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */

tap_var tap_log_prob(tap_dist d, tap_var x)
{
    TAP_CALL("log_prob", d.param[0], d.param[1], d.param[2], x);
    tap__dist_shapes s;
    if (!tap__dist_validate(d, x, "log_prob", &s) || !ends_in(d, x, s.event, "log_prob")) return inert(d, x);
    return d.type->log_prob(d, x);
}

/* What a formula gives, in full shape. */
static tap_var quantity(tap_dist d, tap_var (*formula)(tap_dist d), bool of_event, const char *call)
{
    tap__dist_shapes s;
    if (!tap__dist_validate(d, d.param[0], call, &s)) return inert(d, d.param[0]);
    if (!formula) {
        tap__fail(d.param[0].tape, TAP_EARG, call, "%s %s has none in closed form", article(d.type), d.type->name);
        return inert(d, d.param[0]);
    }
    if (of_event) tap__shape_join(s.batch, s.event, &s.batch);
    tap_var v = formula(d);
    return tap_shape_equal(tap_shape_of(v), s.batch) ? v : tap_expand(v, s.batch);
}

tap_var tap_entropy(tap_dist d)
{
    CALL("entropy", d);
    return quantity(d, d.type ? d.type->entropy : NULL, false, "entropy");
}

tap_var tap_dist_mean(tap_dist d)
{
    CALL("dist_mean", d);
    return quantity(d, d.type ? d.type->mean : NULL, true, "dist_mean");
}

tap_var tap_dist_variance(tap_dist d)
{
    CALL("dist_variance", d);
    return quantity(d, d.type ? d.type->variance : NULL, true, "dist_variance");
}
