/* nn/layers/parametrizations.c: weight normalization and spectral normalization. A layer's weight is taken out of the tree, and
 * the parameters take its place from which tap_param_var computes it. The layer itself does not change. */
#include <math.h>

#include "autograd/ops/rules.h"
#include "nn/layers/layer.h"

/* Starts to parametrize a weight of at least this many axes: *where is the module "parametrizations.NAME" beside it. NULL, and
 * the root has failed, if that is impossible. */
static tap__parametrization *begin(tap_param *weight, const char *call, int dim, int least, tap_module **where)
{
    if (!weight || weight->module->root->error.status != TAP_OK) return NULL;
    const int   rank = weight->value.shape.rank;
    tap_module *m = weight->module;
    if (weight->parametrization) tap__param_fail(weight, TAP_EARG, call, "the parameter has a parametrization already");
    else if (weight->owner) tap__param_fail(weight, TAP_EARG, call, "must come before the optimizer");
    else if (rank < least) tap__param_fail(weight, TAP_ESHAPE, call, "needs a weight of at least %d axes, not %d", least, rank);
    else if (dim < 0 || (dim >= rank && rank > 0))
        tap__param_fail(weight, TAP_EARG, call, "dim must be one of the weight's %d axes, not %d", rank, dim);
    if (m->root->error.status != TAP_OK) return NULL;
    tap_module *all = tap__find_child(m, "parametrizations");
    *where = tap_module_child(all ? all : tap_module_child(m, "parametrizations"), tap__last_name(weight->path));
    return tap__module_alloc(m, sizeof(tap__parametrization));
}

/* ---- Weight normalization: Salimans & Kingma 2016 ---- */

static tap_var weight_of_norm(tap_tape *t, const tap__parametrization *p)
{
    const tap_var g = tap_param_var(t, p->original[0]), v = tap_param_var(t, p->original[1]);
    tap_axes      axes = { .all = p->all };
    TAP_CALL("weight_norm", g, v);
    for (int i = 0; i < tap_shape_of(v).rank && !p->all; i++) {
        if (i != p->dim) axes.axis[axes.n++] = i;
    }
    return tap_mul(g, p->all || axes.n > 0 ? tap__l2_normalize(v, tap_keepdim(axes), 0) : tap_sign(v));
}

/* The norms of the parts of v that have the same index along dim, or of all of v. */
static void fill_norms(tap_tensor g, tap_tensor v, int dim)
{
    const int64_t n = tap_numel(g.shape);
    int64_t       inner = 1;
    for (int i = dim + 1; i < v.shape.rank; i++) inner *= v.shape.n[i];
    for (int64_t k = 0; k < n; k++) {
        double largest = 0, sum = 0;
        for (int64_t i = 0; i < tap_numel(v.shape); i++) {
            if (n == 1 || i / inner % n == k) largest = fmax(largest, fabs(tap_tensor_item(v, i)));
        }
        for (int64_t i = 0; i < tap_numel(v.shape) && largest > 0; i++) {
            const double x = tap_tensor_item(v, i) / largest;
            if (n == 1 || i / inner % n == k) sum += x * x;
        }
        tap_tensor_set_item(g, k, largest * sqrt(sum));
    }
}

void tap_weight_norm(tap_param *weight, tap_weight_norm_options o)
{
    tap_module           *where;
    tap__parametrization *p = begin(weight, "weight_norm", o.dim, 0, &where);
    if (!p) return;
    tap_shape shape = { .rank = o.all ? 0 : weight->value.shape.rank };
    for (int i = 0; i < shape.rank; i++) shape.n[i] = i == o.dim ? weight->value.shape.n[i] : 1;
    *p = (tap__parametrization){ .compute = weight_of_norm, .dim = o.dim, .all = o.all };
    p->original[0] = tap_param_new(where, "original0", shape, tap_init_zeros());
    p->original[1] = tap__param_move(weight, where, "original1");
    weight->parametrization = p;
    if (where->root->error.status != TAP_OK) return;
    p->original[0]->frozen = p->original[1]->frozen;
    fill_norms(p->original[0]->value, p->original[1]->value, o.dim);
}

/* ---- Spectral normalization: Miyato et al. 2018 ---- */

/* The weight as a matrix with the axis dim in front. */
static tap_var matrix_of(tap_var w, int dim)
{
    const tap_var first = tap_movedim(w, 1, &dim, (const int[]){ 0 });
    return tap_reshape(first, TAP_SHAPE(tap_shape_of(first).n[0], -1));
}

/* n power iterations towards the singular vectors uv of the largest singular value, which are also written to the buffers. */
static void iterate(const tap__parametrization *p, int n, tap_var matrix, tap_var uv[2], const tap_tensor buffer[2])
{
    const tap_var w = tap_detach(matrix);
    for (int i = 0; i < n; i++) {
        uv[0] = tap_normalize(tap_mv(w, uv[1]), 2, 0, p->eps);
        uv[1] = tap_normalize(tap_mv(tap_mT(w), uv[0]), 2, 0, p->eps);
    }
    if (tap_tape_status(matrix.tape, NULL) != TAP_OK) return;
    for (int i = 0; i < 2; i++) tap_tensor_copy(buffer[i], tap_value(uv[i]), NULL);
}

static tap_var weight_of_spectrum(tap_tape *t, const tap__parametrization *p)
{
    const tap_var w = tap_param_var(t, p->original[0]);
    TAP_CALL("spectral_norm", w);
    if (tap_tape_status(t, NULL) != TAP_OK) return (tap_var){ .tape = t };
    const tap_tensor buffer[] = { tap_buffer_value_on(t, p->u), tap_buffer_value_on(t, p->v) };
    const tap_var    matrix = matrix_of(w, p->dim);
    tap_var          uv[] = { tap_input(t, buffer[0]), tap_input(t, buffer[1]) };
    if (tap_module_training_on(t, p->module) && !tap_tape_keeps_state(t)) iterate(p, p->iterations, matrix, uv, buffer);
    return tap_div(w, tap_dot(uv[0], tap_mv(matrix, uv[1])));
}

/* u and v begin as noise that some iterations have brought near the singular vectors. */
static void start(const tap__parametrization *p, tap_module *m)
{
    const tap_tensor w = p->original[0]->value;
    tap_tape        *t = tap_tape_new(w.dtype, 0);
    tap_tape_set_recording(t, false);
    tap_random_normal(p->v->value, (tap_rng_key){ .seed = m->root->seed, .stream = tap_random_hash(p->v->path) });
    tap_var uv[] = { { 0 }, tap_normalize(tap_input(t, p->v->value), 2, 0, p->eps) };
    iterate(p, 15, matrix_of(tap_input(t, w), p->dim), uv, (const tap_tensor[]){ p->u->value, p->v->value });
    if (tap_tape_status(t, NULL) != TAP_OK) tap_module_fail(m, tap_tape_status(t, NULL), "%s", tap_tape_message(t));
    tap_tape_free(t);
}

void tap_spectral_norm(tap_param *weight, tap_spectral_norm_options o)
{
    tap_module *where;
    const int   rank = weight ? weight->value.shape.rank : 0, dim = o.dim < 0 && o.dim >= -rank ? o.dim + rank : o.dim;
    tap__parametrization *p = begin(weight, "spectral_norm", dim, 2, &where);
    if (!p) return;
    const int64_t size = weight->value.shape.n[dim], n = tap_numel(weight->value.shape);
    *p = (tap__parametrization){ .compute = weight_of_spectrum, .dim = dim };
    p->eps = tap__layer_option(where, "spectral_norm", "eps", o.eps, 1e-12);
    p->iterations = o.n_power_iterations ? o.n_power_iterations : 1;
    if (p->iterations < 1 || n == 0)
        tap__param_fail(weight, TAP_EARG, "spectral_norm",
                        "needs at least 1 power iteration, not %d, and a weight with elements", p->iterations);
    tap_module *norm = tap_module_child(where, "0");
    p->module = norm;
    p->u = tap_buffer_new(norm, "_u", weight->value.dtype, TAP_SHAPE(size), 0);
    p->v = tap_buffer_new(norm, "_v", weight->value.dtype, TAP_SHAPE(n / (size > 0 ? size : 1)), 0);
    p->original[0] = tap__param_move(weight, where, "original");
    weight->parametrization = p;
    if (where->root->error.status == TAP_OK) start(p, where);
}
