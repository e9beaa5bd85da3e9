/* nn/optim/clip.c: the norm of gradients, and clipping by norm and value, as torch.nn.utils. All gradients of a module are one
 * vector here, divided into pieces by its length alone, so that sums have the same order with any number of threads. */
#include <math.h>

#include "nn/internal.h"
#include "nn/optim/vector.h"
#include "tensor/parallel.h"

enum { MAX_PIECES = 256, PIECE = 8192 };

/* A pass over all gradients: the body is called for n adjacent elements of one gradient, in piece i. */
typedef struct pass pass;
typedef void (*pass_body)(const pass *p, int64_t i, int64_t n, void *grad);

struct pass {
    const tap_module *m;
    tap_dtype         dtype;
    int64_t           numel, piece; /* elements of all gradients; of a piece */
    pass_body         body;
    double            p, scale, factor, bound;
    double           *partial; /* [MAX_PIECES] */
};

static bool has_gradient(const tap_param *p)
{
    return !p->frozen && tap__param_has_grad(p);
}

static void run_piece(const pass *s, int64_t i)
{
    const int64_t first = i * s->piece, last = first + s->piece;
    int64_t       at = 0;
    for (tap_param *p = tap_module_next(s->m, NULL); p && at < last; p = tap_module_next(s->m, p)) {
        if (!has_gradient(p)) continue;
        const int64_t n = tap_numel(p->grad.shape), lo = first > at ? first - at : 0, hi = last - at < n ? last - at : n;
        if (lo < hi) s->body(s, i, hi - lo, (char *)p->grad.data + (size_t)lo * tap_dtype_size(s->dtype));
        at += n;
    }
}

static void run_pieces(void *context, int64_t first, int64_t last)
{
    for (int64_t i = first; i < last; i++) run_piece(context, i);
}

/* Returns the number of pieces. */
static int64_t run(pass *s, pass_body body)
{
    const int64_t n = s->piece ? (s->numel + s->piece - 1) / s->piece : 0;
    s->body = body;
    for (int64_t i = 0; i < n; i++) s->partial[i] = 0;
    tap__parallel(n, s->numel / 2, run_pieces, s);
    return n;
}

static pass begin(const tap_module *m, double partial[MAX_PIECES])
{
    pass s = { .m = m, .dtype = tap_module_dtype(m), .scale = 1, .partial = partial };
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) {
        if (has_gradient(p)) s.numel += tap_numel(p->grad.shape);
    }
    s.piece = (s.numel + MAX_PIECES - 1) / MAX_PIECES;
    if (s.piece < PIECE) s.piece = PIECE;
    return s;
}

/* ---- The norm ---- */

static void sum_powers(const pass *s, int64_t i, int64_t n, void *grad)
{
    s->partial[i] += tap__sum_powers(s->dtype, n, grad, s->p, s->scale);
}

static void find_largest(const pass *s, int64_t i, int64_t n, void *grad)
{
    const double x = tap__max_abs(s->dtype, n, grad);
    if (!(x <= s->partial[i])) s->partial[i] = isnan(s->partial[i]) ? s->partial[i] : x;
}

static double sum(pass *s)
{
    const int64_t n = run(s, sum_powers);
    double        total = 0;
    for (int64_t i = 0; i < n; i++) total += s->partial[i];
    return total;
}

static double largest(pass *s)
{
    const int64_t n = run(s, find_largest);
    double        max = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!(s->partial[i] <= max)) max = isnan(max) ? max : s->partial[i];
    }
    return max;
}

/* Powers that overflow, or vanish, are computed again relative to the largest element. */
static double norm(pass *s, double p)
{
    s->p = p;
    if (isinf(p)) return largest(s);
    const double total = sum(s);
    if (isnan(total) || (total > 1e-280 && isfinite(total))) return pow(total, 1 / p);
    s->scale = largest(s);
    if (s->scale == 0 || !isfinite(s->scale)) return s->scale;
    const double size = s->scale * pow(sum(s), 1 / p);
    s->scale = 1;
    return size;
}

/* Whether the order of the norm can be used. If not, the root has failed. */
static bool check_order(tap_module *m, const char *call, double p)
{
    if (m->root->error.status != TAP_OK) return false;
    if (!(p > 0)) tap_module_fail(m, TAP_EARG, "%s: the order of the norm must be above 0, not %g", call, p);
    return m->root->error.status == TAP_OK;
}

double tap_grad_norm(const tap_module *m, double p)
{
    double      partial[MAX_PIECES];
    tap_module *module = tap__module(m);
    if (!check_order(module, "grad_norm", p)) return (double)NAN;
    pass s = begin(module, partial);
    return norm(&s, p);
}

/* ---- Clipping ---- */

static void multiply(const pass *s, int64_t i, int64_t n, void *grad)
{
    (void)i;
    if (s->dtype == TAP_F32) {
        const float factor = (float)s->factor;
        for (int64_t k = 0; k < n; k++) ((float *)grad)[k] *= factor;
    } else {
        for (int64_t k = 0; k < n; k++) ((double *)grad)[k] *= s->factor;
    }
}

static void clamp(const pass *s, int64_t i, int64_t n, void *grad)
{
    (void)i;
    if (s->dtype == TAP_F32) {
        const float bound = (float)s->bound;
        float      *g = grad;
        for (int64_t k = 0; k < n; k++) g[k] = g[k] > bound ? bound : g[k] < -bound ? -bound : g[k];
    } else {
        const double bound = s->bound;
        double      *g = grad;
        for (int64_t k = 0; k < n; k++) g[k] = g[k] > bound ? bound : g[k] < -bound ? -bound : g[k];
    }
}

double tap_clip_grad_norm(tap_module *m, double max_norm, tap_clip_options o)
{
    double       partial[MAX_PIECES];
    const double p = o.norm_type == 0 ? 2 : o.norm_type;
    m = tap__module(m);
    if (!check_order(m, "clip_grad_norm", p)) return (double)NAN;
    if (!(max_norm >= 0)) {
        tap_module_fail(m, TAP_EARG, "clip_grad_norm: the norm must be at least 0, not %g", max_norm);
        return (double)NAN;
    }
    pass         s = begin(m, partial);
    const double size = norm(&s, p);
    if (o.error_if_nonfinite && !isfinite(size)) {
        tap_module_fail(m, TAP_ENONFINITE, "clip_grad_norm: the norm of order %g of the gradients is %g", p, size);
        return size;
    }
    s.factor = max_norm / (size + 1e-6);
    if (s.factor > 1) s.factor = 1;
    run(&s, multiply);
    return size;
}

void tap_clip_grad_value(tap_module *m, double clip_value)
{
    double partial[MAX_PIECES];
    m = tap__module(m);
    if (!(clip_value >= 0)) tap_module_fail(m, TAP_EARG, "clip_grad_value: the value must be at least 0, not %g", clip_value);
    if (m->root->error.status != TAP_OK) return;
    pass s = begin(m, partial);
    s.bound = clip_value;
    run(&s, clamp);
}
