/* nn/layers/rnn.c: recurrent layers: RNN, LSTM and GRU over sequences, with several layers, both directions, and sequences of
 * different lengths.
 *
 * Products with the input are computed for all steps at once. Sequences that have ended keep their state, as if the batch had
 * been packed: their padding is replaced by zeros before it is used, so that nothing in it reaches results or gradients. */
#include <stdio.h>
#include <string.h>

#include "autograd/composed.h"
#include "autograd/internal.h"
#include "nn/layers/rnn.h"
#include "tensor/arena.h"

/* ---- Construction ---- */

static void check(tap_module *m, const tap_rnn_kind *kind, int64_t input_size, int64_t hidden_size, tap_rnn_options o)
{
    if (input_size < 1 || hidden_size < 1)
        tap_module_fail(m, TAP_EARG, "%s: input_size and hidden_size must be at least 1, not %lld and %lld", kind->name,
                        (long long)input_size, (long long)hidden_size);
    if (o.num_layers < 1 || o.num_layers > 1 << 20)
        tap_module_fail(m, TAP_EARG, "%s: num_layers must be from 1 to 2^20, not %lld", kind->name, (long long)o.num_layers);
    if (!(o.dropout >= 0 && o.dropout <= 1))
        tap_module_fail(m, TAP_EARG, "%s: dropout must be within 0..1, not %g", kind->name, o.dropout);
    if (o.proj_size && !kind->has_c) tap_module_fail(m, TAP_EARG, "%s: proj_size is of lstm only", kind->name);
    if (o.proj_size < 0 || (o.proj_size > 0 && o.proj_size >= hidden_size))
        tap_module_fail(m, TAP_EARG, "%s: proj_size must be below hidden_size %lld, not %lld", kind->name,
                        (long long)hidden_size, (long long)o.proj_size);
    if (o.relu && (kind->has_c || kind->own_bias)) tap_module_fail(m, TAP_EARG, "%s: relu is of rnn only", kind->name);
}

static void init(tap_rnn *l, tap_module *m, const char *name, const tap_rnn_kind *kind, const int64_t size[2],
                 tap_rnn_options o)
{
    tap_module *child = tap__layer_module(l, m, name, kind->name);
    if (!child) return;
    if (!o.num_layers) o.num_layers = 1;
    const int64_t directions = o.bidirectional ? 2 : 1, out = o.proj_size ? o.proj_size : size[1];
    *l = (tap_rnn){ .module = child, .kind = kind, .input_size = size[0], .hidden_size = size[1], .options = o };
    check(child, kind, size[0], size[1], o);
    if (tap_module_status(child, NULL) != TAP_OK) return;
    l->weights = tap__module_alloc(child, (size_t)(o.num_layers * directions) * sizeof *l->weights);
    for (int64_t k = 0; l->weights && k < o.num_layers * directions; k++) {
        const int64_t layer = k / directions, sizes[3] = { layer ? directions * out : size[0], size[1], o.proj_size };
        char          suffix[32];
        snprintf(suffix, sizeof suffix, "_l%lld%s", (long long)layer, k % directions ? "_reverse" : "");
        l->weights[k] = tap__rnn_weights(child, kind, suffix, sizes, o.no_bias);
    }
}

void tap_rnn_init(tap_rnn *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size, tap_rnn_options o)
{
    init(l, m, name, tap__rnn_kind(o.relu), (const int64_t[]){ input_size, hidden_size }, o);
}

void tap_lstm_init(tap_rnn *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size, tap_rnn_options o)
{
    init(l, m, name, &tap__lstm_kind, (const int64_t[]){ input_size, hidden_size }, o);
}

void tap_gru_init(tap_rnn *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size, tap_rnn_options o)
{
    init(l, m, name, &tap__gru_kind, (const int64_t[]){ input_size, hidden_size }, o);
}

/* ---- The forward pass ---- */

/* A call while it runs. x is [time,batch,..], and time the number of steps of the longest sequence. */
typedef struct {
    const tap_rnn *l;
    tap_tape      *tape;
    int64_t        time, batch, all_steps; /* all_steps: the time of x before it was cut to the longest sequence */
    int64_t        shortest;               /* all sequences have their first `shortest` steps */
    tap_var        valid;                  /* bool [time,batch,1]: the step is within the sequence; absent if all are */
    tap_var       *in, *out;               /* [time], of the current layer and direction */
    tap_rnn_state  before;                 /* [layers * directions,batch,..]; absent: zeros */
    tap_var       *h, *c;                  /* [layers * directions]: states after the last steps */
} run;

/* The steps of x. Halving it again and again makes the gradient of x a sum of few large parts, instead of one as large as x
 * for each step. */
static void split_steps(tap_var x, int64_t n, tap_var *step)
{
    if (n == 1) *step = tap_squeeze(x, TAP_AXES(0));
    if (n <= 1) return;
    split_steps(tap_narrow(x, 0, 0, n / 2), n / 2, step);
    split_steps(tap_narrow(x, 0, n / 2, n - n / 2), n - n / 2, step + n / 2);
}

/* a where step t is within the sequence, else b. */
static tap_var where_valid(const run *r, int64_t t, tap_var a, tap_var b)
{
    return t < r->shortest ? a : tap_where(tap_select(r->valid, 0, t), a, b);
}

/* One direction of one layer, number k of all; fills r->out. */
static void run_direction(run *r, int k, tap_var x, tap_var *result)
{
    const tap_rnn              *l = r->l;
    const tap__rnn_step_weights w = tap__rnn_step_weights_on(r->tape, l->kind, &l->weights[k]);
    const bool                  reverse = l->options.bidirectional && k % 2;
    const int64_t               size = l->options.proj_size ? l->options.proj_size : l->hidden_size;
    const tap_var               zero = tap_scalar_like(x, 0);
    tap_rnn_state               s = { { 0 }, { 0 } };
    s.h = r->before.h.tape ? tap_select(r->before.h, 0, k) : tap_expand(zero, TAP_SHAPE(r->batch, size));
    if (l->kind->has_c)
        s.c = r->before.c.tape ? tap_select(r->before.c, 0, k) : tap_expand(zero, TAP_SHAPE(r->batch, l->hidden_size));
    if (r->time > 0) split_steps(tap__rnn_from_input(l->kind, &l->weights[k], x), r->time, r->in);
    for (int64_t i = 0; i < r->time && tap_tape_status(r->tape, NULL) == TAP_OK; i++) {
        const int64_t       t = reverse ? r->time - 1 - i : i;
        const tap_rnn_state old = s;
        l->kind->step(&w, r->in[t], &s);
        r->out[t] = where_valid(r, t, s.h, zero);
        s.h = where_valid(r, t, s.h, old.h);
        if (l->kind->has_c) s.c = where_valid(r, t, s.c, old.c);
    }
    r->h[k] = s.h;
    r->c[k] = s.c;
    *result = r->time > 0 ? tap_stack((int)r->time, r->out, 0) : tap_expand(zero, TAP_SHAPE(0, r->batch, size));
}

static tap_var run_layers(run *r, tap_var x)
{
    const tap_rnn *l = r->l;
    const int      directions = l->options.bidirectional ? 2 : 1;
    const bool     training = tap_module_training_on(r->tape, l->module);
    for (int i = 0; i < l->options.num_layers; i++) {
        tap_var y[2];
        if (i > 0) x = tap_dropout(x, l->options.dropout, training);
        for (int d = 0; d < directions; d++) run_direction(r, directions * i + d, x, &y[d]);
        x = directions == 2 ? tap_cat(2, y, 2) : y[0];
    }
    return x;
}

/* Reads the lengths: r->time, r->shortest and r->valid. */
static bool read_lengths(run *r, tap_var lengths)
{
    int64_t longest = 0, shortest = r->all_steps;
    if (!tap__check_indices(lengths, r->all_steps + 1, 0, "lengths", "length", NULL)) return false;
    const tap_tensor n = tap_value(lengths);
    if (n.shape.rank != 1 || n.shape.n[0] != r->batch) {
        tap_fail(lengths, TAP_ESHAPE, "lengths must be a vector of %lld numbers, one for each sequence", (long long)r->batch);
        return false;
    }
    for (int64_t i = 0; i < r->batch; i++) {
        tap_shape     position;
        const int64_t length = tap__index_at(n, i, &position);
        if (length > longest) longest = length;
        if (length < shortest) shortest = length;
    }
    r->time = longest;
    r->shortest = shortest;
    if (shortest < longest) r->valid = tap_unsqueeze(tap_lt(tap_unsqueeze(tap_arange(r->tape, longest), 1), lengths), 2);
    return true;
}

static bool check_state(const run *r, tap_rnn_state given, bool batched)
{
    const tap_rnn  *l = r->l;
    const int64_t   n = l->options.num_layers * (l->options.bidirectional ? 2 : 1), hidden = l->hidden_size;
    const int64_t   out = l->options.proj_size ? l->options.proj_size : hidden;
    const tap_shape h = batched ? TAP_SHAPE(n, r->batch, out) : TAP_SHAPE(n, out);
    const tap_shape c = batched ? TAP_SHAPE(n, r->batch, hidden) : TAP_SHAPE(n, hidden);
    if (given.h.tape && !tap__rnn_state_fits(given.h, "h", h)) return false;
    return !l->kind->has_c || !given.c.tape || tap__rnn_state_fits(given.c, "c", c);
}

static bool acquire(run *r)
{
    const size_t n = (size_t)(r->l->options.num_layers * (r->l->options.bidirectional ? 2 : 1));
    const size_t count = 2 * (size_t)r->time + 2 * n;
    tap_var     *vars = tap__arena_acquire(r->tape->arena, count * sizeof *vars);
    if (!vars) {
        tap__no_memory(r->tape, NULL);
        return false;
    }
    memset(vars, 0, count * sizeof *vars);
    r->h = vars;
    r->c = vars + n;
    r->in = vars + 2 * n;
    r->out = r->in + r->time;
    return true;
}

/* x as [time,batch,input_size], cut to the longest sequence, with zeros in place of the padding. */
static bool begin(run *r, tap_var *x, tap_rnn_state given, tap_var lengths)
{
    const tap_shape s = tap_shape_of(*x);
    const bool      batched = s.rank == 3;
    if (!r->l->weights) tap_fail(*x, TAP_EARG, "the layer could not be made");
    if (tap_tape_status(r->tape, NULL) != TAP_OK) return false;
    if ((s.rank != 2 && s.rank != 3) || s.n[s.rank - 1] != r->l->input_size) {
        tap_fail(*x, TAP_ESHAPE, "x must be %s, or one sequence [time,input_size], with input_size %lld",
                 r->l->options.batch_first ? "[batch,time,input_size]" : "[time,batch,input_size]",
                 (long long)r->l->input_size);
        return false;
    }
    if (!batched) *x = tap_unsqueeze(*x, 1);
    else if (r->l->options.batch_first) *x = tap_transpose(*x, 0, 1);
    r->all_steps = r->time = r->shortest = tap_shape_of(*x).n[0];
    r->batch = tap_shape_of(*x).n[1];
    if (!check_state(r, given, batched) || (lengths.tape && !read_lengths(r, lengths))) return false;
    if (r->time < r->all_steps) *x = tap_narrow(*x, 0, 0, r->time);
    if (r->valid.tape) *x = tap_where(r->valid, *x, tap_scalar_like(*x, 0));
    if (given.h.tape) r->before.h = batched ? given.h : tap_unsqueeze(given.h, 1);
    if (given.c.tape && r->l->kind->has_c) r->before.c = batched ? given.c : tap_unsqueeze(given.c, 1);
    return acquire(r);
}

static tap_rnn_state last_state(const run *r, bool batched)
{
    const int     n = (int)(r->l->options.num_layers * (r->l->options.bidirectional ? 2 : 1));
    tap_rnn_state s = { tap_stack(n, r->h, 0), { 0 } };
    if (!batched) s.h = tap_squeeze(s.h, TAP_AXES(1));
    if (!r->l->kind->has_c) return s;
    s.c = tap_stack(n, r->c, 0);
    if (!batched) s.c = tap_squeeze(s.c, TAP_AXES(1));
    return s;
}

tap_var tap_rnn_forward(const tap_rnn *l, tap_var x, tap_rnn_state *state, tap_var lengths)
{
    const tap_rnn_state given = state ? *state : (tap_rnn_state){ { 0 }, { 0 } };
    const bool          batched = tap_shape_of(x).rank == 3;
    run                 r = { .l = l, .tape = x.tape };
    TAP_CALL("rnn_forward", x, given.h, given.c, lengths);
    if (!tap__layer_usable(x, l ? l->module : NULL) || !l || !begin(&r, &x, given, lengths)) return (tap_var){ .tape = x.tape };
    tap_var y = run_layers(&r, x);
    if (state) *state = last_state(&r, batched);
    tap__arena_release(r.tape->arena, r.h);
    if (r.time < r.all_steps) y = tap_zero_pad(y, 0, 0, r.all_steps - r.time);
    if (!batched) return tap_squeeze(y, TAP_AXES(1));
    return l->options.batch_first ? tap_transpose(y, 0, 1) : y;
}
