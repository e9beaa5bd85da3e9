/* nn/optim/lbfgs.c: L-BFGS (Nocedal & Wright 2006, algorithm 7.4), with a line search for the strong Wolfe conditions
 * (algorithms 3.5 and 3.6, cubic interpolation by equation 3.59), as in PyTorch.
 *
 * All parameters together are a vector x with gradient g. The direction is d = -H g, where the approximation H of the inverse
 * Hessian comes from the last steps s and the changes y of the gradient along them; x = x + t d. */
#include <math.h>
#include <string.h>

#include "nn/internal.h"
#include "nn/optim/vector.h"
#include "tensor/borrow.h"

enum { MAX_SEARCH = 25, N_VECTORS = 8 }; /* evaluations of a line search; vectors besides the history */

static const double sufficient_decrease = 1e-4, curvature = 0.9, smallest_bracket = 1e-9;

/* A point x + t d of a line search. */
typedef struct {
    double t, loss, slope; /* slope: <g, d> */
    void  *g;
} point;

/* The optimizer's state and scratch memory, in one block. */
typedef struct {
    int64_t n_iter, func_evals, count, oldest; /* steps in the history, and where its ring begins */
    double  t, h_diag;
    double *ro, *alpha, *partial;           /* [history_size], [history_size]; sums of chunks */
    void   *old_dirs, *old_stps;            /* y and s: [history_size, n] */
    void   *d, *g, *prev_g, *start, *trial; /* [n]; start: x before a line search */
    void   *search_g[3];                    /* [n], gradients of points of the line search */
} lbfgs;

/* One call of the step. */
typedef struct {
    tap_optim               *o;
    lbfgs                   *l;
    const tap_lbfgs_options *options;
    tap__vector_space        v;
    tap_tape                *tape;
    tap_module_function      loss;
    void                    *ctx;
    bool                     failed;
} run;

static void *row(const run *r, void *matrix, int64_t i)
{
    const int64_t at = (r->l->oldest + i) % r->options->history_size;
    return (char *)matrix + (size_t)at * (size_t)r->v.n * tap_dtype_size(r->v.dtype);
}

/* ---- Evaluations ---- */

/* The loss at the current values; g receives its gradient. */
static double evaluate(run *r, void *g)
{
    tap_optim *o = r->o;
    char      *at = g;
    if (r->failed) return (double)NAN;
    for (int64_t i = 0; i < o->n_slots; i++) tap__param_drop_grad(o->slots[i].param);
    tap_tape_reset(r->tape);
    tap_var loss = r->loss(r->tape, r->ctx);
    tap_backward(loss);
    r->failed = tap_tape_status(r->tape, NULL) != TAP_OK || o->root->error.status != TAP_OK;
    for (int64_t i = 0; i < o->n_slots; i++) {
        tap_param   *p = o->slots[i].param;
        const size_t bytes = tap__param_bytes(p);
        if (bytes && !p->frozen && tap__param_has_grad(p)) memcpy(at, p->grad.data, bytes);
        else if (bytes) memset(at, 0, bytes);
        at += bytes;
        tap__param_drop_grad(p);
    }
    r->l->func_evals++;
    return tap_item(loss);
}

static void get_values(const run *r, void *x)
{
    char *at = x;
    for (int64_t i = 0; i < r->o->n_slots; i++) {
        const tap_param *p = r->o->slots[i].param;
        const size_t     bytes = tap__param_bytes(p);
        if (bytes) memcpy(at, p->value.data, bytes);
        at += bytes;
    }
}

static void set_values(const run *r, const void *x)
{
    const char *at = x;
    for (int64_t i = 0; i < r->o->n_slots; i++) {
        tap_param   *p = r->o->slots[i].param;
        const size_t bytes = tap__param_bytes(p);
        if (bytes && !p->frozen) memcpy(p->value.data, at, bytes);
        at += bytes;
        if (!p->frozen) tap__note_write(p->value);
    }
}

/* Sets the values to start + t d. */
static void move_to(run *r, double t)
{
    tap__vector_axpy(&r->v, r->l->trial, r->l->start, t, r->l->d);
    set_values(r, r->l->trial);
}

static void evaluate_at(run *r, point *p, double t)
{
    move_to(r, t);
    p->t = t;
    p->loss = evaluate(r, p->g);
    p->slope = tap__vector_dot(&r->v, p->g, r->l->d);
}

/* ---- The line search ---- */

/* The minimum of the cubic with the values and slopes of two points, within lo..hi. */
static double interpolate(const point *a, const point *b, double lo, double hi)
{
    if (a->t > b->t) return interpolate(b, a, lo, hi);
    const double d1 = a->slope + b->slope - 3 * (a->loss - b->loss) / (a->t - b->t);
    const double square = d1 * d1 - a->slope * b->slope;
    if (!(square >= 0)) return (lo + hi) / 2;
    const double d2 = sqrt(square);
    const double t = b->t - (b->t - a->t) * ((b->slope + d2 - d1) / (b->slope - a->slope + 2 * d2));
    return fmin(fmax(t, lo), hi);
}

static bool is_too_high(const point *p, const point *origin)
{
    return p->loss > origin->loss + sufficient_decrease * p->t * origin->slope;
}

static bool is_flat_enough(const point *p, const point *origin)
{
    return fabs(p->slope) <= -curvature * origin->slope;
}

/* Grows the step until b[0] and b[1] bracket a point that satisfies the conditions, or b[1] is one: then it returns true. */
static bool find_bracket(run *r, const point *origin, point b[2], int *evaluations)
{
    for (; *evaluations < MAX_SEARCH; ++*evaluations) {
        if (is_too_high(&b[1], origin) || (*evaluations > 1 && b[1].loss >= b[0].loss)) return false;
        if (is_flat_enough(&b[1], origin)) return true;
        if (b[1].slope >= 0) return false;
        const double t = interpolate(&b[0], &b[1], b[1].t + 0.01 * (b[1].t - b[0].t), b[1].t * 10);
        void        *memory = b[0].g == origin->g ? r->l->search_g[1] : b[0].g;
        b[0] = b[1];
        b[1].g = memory;
        evaluate_at(r, &b[1], t);
        if (r->failed) return true;
    }
    b[0] = *origin;
    return false;
}

/* A trial step within the bracket; *slow: the one before was near a bound. */
static double trial_step(const point *a, const point *b, bool *slow)
{
    const double lo = fmin(a->t, b->t), hi = fmax(a->t, b->t), margin = 0.1 * (hi - lo), t = interpolate(a, b, lo, hi);
    if (!(fmin(hi - t, t - lo) < margin)) {
        *slow = false;
        return t;
    }
    if (!*slow && t < hi && t > lo) {
        *slow = true;
        return t;
    }
    *slow = false;
    return fabs(t - hi) < fabs(t - lo) ? hi - margin : lo + margin;
}

/* Shrinks the bracket. Returns the index of its best point. */
static int zoom(run *r, const point *origin, point b[2], int *evaluations)
{
    const double size = tap__vector_max_abs(&r->v, r->l->d);
    void        *spare = r->l->search_g[2];
    bool         slow = false, done = false;
    int          low = b[0].loss <= b[1].loss ? 0 : 1;
    while (!done && *evaluations < MAX_SEARCH && fabs(b[1].t - b[0].t) * size >= smallest_bracket && !r->failed) {
        point p = { .g = spare };
        evaluate_at(r, &p, trial_step(&b[0], &b[1], &slow));
        ++*evaluations;
        const bool is_high = is_too_high(&p, origin) || p.loss >= b[low].loss;
        done = !is_high && is_flat_enough(&p, origin);
        /* p replaces the high point, or the low one; but if the minimum is between p and the low one, that becomes the high.
         * The low point keeps its place, which decides between points of equal loss. */
        if (!is_high && !done && p.slope * (b[1 - low].t - b[low].t) >= 0) {
            const point high = b[1 - low];
            b[1 - low] = b[low];
            b[low] = high;
        }
        const int replaced = is_high ? 1 - low : low;
        spare = b[replaced].g;
        b[replaced] = p;
        if (is_high) low = b[0].loss <= b[1].loss ? 0 : 1;
    }
    return low;
}

/* A step t from the origin that satisfies the strong Wolfe conditions. g becomes the gradient there. */
static double search(run *r, point origin, double t, double *loss)
{
    lbfgs *l = r->l;
    point  bracket[2] = { origin, { .g = l->search_g[0] } };
    int    evaluations = 0;
    evaluate_at(r, &bracket[1], t);
    const bool  found = find_bracket(r, &origin, bracket, &evaluations);
    const point best = bracket[found ? 1 : zoom(r, &origin, bracket, &evaluations)];
    *loss = best.loss;
    if (best.g != l->g) tap__vector_copy(&r->v, l->g, best.g);
    return best.t;
}

/* ---- The direction ---- */

/* Appends the last step to the history, if the curvature along it is positive. */
static void remember(run *r)
{
    lbfgs        *l = r->l;
    const int64_t capacity = r->options->history_size;
    tap__vector_axpy(&r->v, l->trial, l->g, -1, l->prev_g);
    const double ys = l->t * tap__vector_dot(&r->v, l->trial, l->d);
    if (!(ys > 1e-10)) return;
    if (l->count == capacity) l->oldest = (l->oldest + 1) % capacity;
    else l->count++;
    const int64_t i = l->count - 1;
    tap__vector_copy(&r->v, row(r, l->old_dirs, i), l->trial);
    tap__vector_scale(&r->v, row(r, l->old_stps, i), l->t, l->d);
    l->ro[(l->oldest + i) % capacity] = 1 / ys;
    l->h_diag = ys / tap__vector_dot(&r->v, l->trial, l->trial);
}

/* d = -H g: Nocedal & Wright, algorithm 7.4. */
static void set_direction(run *r)
{
    lbfgs        *l = r->l;
    const int64_t capacity = r->options->history_size;
    tap__vector_scale(&r->v, l->d, -1, l->g);
    for (int64_t i = l->count - 1; i >= 0; i--) {
        l->alpha[i] = tap__vector_dot(&r->v, row(r, l->old_stps, i), l->d) * l->ro[(l->oldest + i) % capacity];
        tap__vector_axpy(&r->v, l->d, l->d, -l->alpha[i], row(r, l->old_dirs, i));
    }
    tap__vector_scale(&r->v, l->d, l->h_diag, l->d);
    for (int64_t i = 0; i < l->count; i++) {
        const double beta = tap__vector_dot(&r->v, row(r, l->old_dirs, i), l->d) * l->ro[(l->oldest + i) % capacity];
        tap__vector_axpy(&r->v, l->d, l->d, l->alpha[i] - beta, row(r, l->old_stps, i));
    }
}

/* ---- The step ---- */

/* The direction and a first step length of the next iteration. */
static double begin_iteration(run *r)
{
    lbfgs *l = r->l;
    if (l->n_iter++ == 0) {
        l->h_diag = 1;
        l->count = l->oldest = 0;
    } else remember(r);
    set_direction(r);
    tap__vector_copy(&r->v, l->prev_g, l->g);
    return l->n_iter == 1 ? fmin(1, 1 / tap__vector_sum_abs(&r->v, l->g)) * r->options->lr : r->options->lr;
}

/* Moves along the direction. Returns the loss there, which is not evaluated after the last iteration of a step without a line
 * search. */
static double advance(run *r, double slope, double loss, bool last)
{
    lbfgs *l = r->l;
    get_values(r, l->start);
    if (r->options->strong_wolfe) l->t = search(r, (point){ 0, loss, slope, l->g }, l->t, &loss);
    if (r->failed) {
        set_values(r, l->start);
        return loss;
    }
    move_to(r, l->t);
    if (!r->options->strong_wolfe && !last) loss = evaluate(r, l->g);
    return loss;
}

static void iterate(run *r, double loss)
{
    lbfgs        *l = r->l;
    const int64_t max_iter = r->options->max_iter, earlier = l->func_evals - 1;
    const int64_t max_eval = r->options->max_eval ? r->options->max_eval : max_iter * 5 / 4;
    if (tap__vector_max_abs(&r->v, l->g) <= r->options->tolerance_grad) return;
    for (int64_t i = 1; i <= max_iter && !r->failed; i++) {
        l->t = begin_iteration(r);
        const double slope = tap__vector_dot(&r->v, l->g, l->d);
        if (slope > -r->options->tolerance_change) return;
        const double before = loss;
        loss = advance(r, slope, loss, i == max_iter);
        if (i == max_iter || l->func_evals - earlier >= max_eval) return;
        if (tap__vector_max_abs(&r->v, l->g) <= r->options->tolerance_grad) return;
        if (fabs(l->t) * tap__vector_max_abs(&r->v, l->d) <= r->options->tolerance_change) return;
        if (fabs(loss - before) < r->options->tolerance_change) return;
    }
}

static double lbfgs_minimize(tap_optim *o, tap_tape *t, tap_module_function loss, void *ctx)
{
    run r = { .o = o, .l = o->own, .options = o->groups[0].options, .tape = t, .loss = loss, .ctx = ctx };
    r.v = (tap__vector_space){ o->root->dtype, o->numel, r.l->partial };
    const double first = evaluate(&r, r.l->g);
    if (!r.failed) iterate(&r, first);
    return r.failed ? (double)NAN : first;
}

/* ---- Making one ---- */

static size_t vector_bytes(const tap_optim *o)
{
    return (size_t)o->numel * tap_dtype_size(o->root->dtype);
}

static int lbfgs_items(tap_optim *o, tap__own_item items[TAP__MAX_OWN])
{
    lbfgs              *l = o->own;
    const int64_t       most = ((const tap_lbfgs_options *)o->groups[0].options)->history_size, any = 1ll << 53;
    const tap_dtype     dtype = o->root->dtype;
    const tap_shape     n = TAP_SHAPE(o->numel), history = TAP_SHAPE(most, o->numel);
    const tap__own_item all[] = {
        { "n_iter", tap_tensor_wrap(TAP_I64, TAP_SCALAR, &l->n_iter), NULL, any },
        { "func_evals", tap_tensor_wrap(TAP_I64, TAP_SCALAR, &l->func_evals), NULL, any },
        { "history", tap_tensor_wrap(TAP_I64, TAP_SCALAR, &l->count), NULL, most },
        { "oldest", tap_tensor_wrap(TAP_I64, TAP_SCALAR, &l->oldest), NULL, most - 1 },
        { "t", tap_tensor_wrap(TAP_F64, TAP_SCALAR, &l->t), NULL, -1 },
        { "H_diag", tap_tensor_wrap(TAP_F64, TAP_SCALAR, &l->h_diag), NULL, -1 },
        { "ro", tap_tensor_wrap(TAP_F64, TAP_SHAPE(most), l->ro), &l->count, -1 },
        { "d", tap_tensor_wrap(dtype, n, l->d), NULL, -1 },
        { "prev_flat_grad", tap_tensor_wrap(dtype, n, l->prev_g), NULL, -1 },
        { "old_dirs", tap_tensor_wrap(dtype, history, l->old_dirs), &l->count, -1 },
        { "old_stps", tap_tensor_wrap(dtype, history, l->old_stps), &l->count, -1 },
    };
    memcpy(items, all, sizeof all);
    return (int)(sizeof all / sizeof *all);
}

static const tap__option lbfgs_options[] = {
    TAP__OPTION_NUMBER(tap_lbfgs_options, lr, 1, TAP__NO_LIMIT),
    TAP__OPTION_COUNT(tap_lbfgs_options, max_iter, 20),
    TAP__OPTION_COUNT(tap_lbfgs_options, max_eval, 0),
    TAP__OPTION_NUMBER(tap_lbfgs_options, tolerance_grad, 1e-7, TAP__NO_LIMIT),
    TAP__OPTION_NUMBER(tap_lbfgs_options, tolerance_change, 1e-9, TAP__NO_LIMIT),
    TAP__OPTION_COUNT(tap_lbfgs_options, history_size, 100),
    TAP__OPTION_FLAG(tap_lbfgs_options, strong_wolfe),
    { 0 },
};

/* The vectors are allocated with the history size of the first step, as the option can be set until then. */
static bool lbfgs_begin(tap_optim *o)
{
    const int64_t most = ((const tap_lbfgs_options *)o->groups[0].options)->history_size;
    const size_t  bytes = vector_bytes(o);
    const int64_t chunks = tap__vector_chunks(o->numel);
    const double  total = (2 * (double)most + N_VECTORS) * (double)bytes + (2 * (double)most + (double)chunks) * sizeof(double);
    lbfgs        *l = tap__module_alloc(&o->root->module, total < 1e15 ? sizeof *l + (size_t)total : SIZE_MAX / 2);
    if (!l) return false;
    o->own = l;
    l->ro = (double *)(void *)(l + 1);
    l->alpha = l->ro + most;
    l->partial = l->alpha + most;
    char  *at = (char *)(l->partial + chunks);
    void **vectors[N_VECTORS] = { &l->d,     &l->g,           &l->prev_g,      &l->start,
                                  &l->trial, &l->search_g[0], &l->search_g[1], &l->search_g[2] };
    for (int i = 0; i < N_VECTORS; i++, at += bytes) *vectors[i] = at;
    l->old_dirs = at;
    l->old_stps = at + (size_t)most * bytes;
    return true;
}

tap_optim *tap_lbfgs_new(tap_module *m, tap_lbfgs_options o)
{
    static const tap__algorithm algorithm = {
        .name = "lbfgs",
        .kernel = -1,
        .options = lbfgs_options,
        .size = sizeof o,
        .begin = lbfgs_begin,
        .items = lbfgs_items,
        .minimize = lbfgs_minimize,
    };
    return tap__optim_new(m, &algorithm, &o);
}
