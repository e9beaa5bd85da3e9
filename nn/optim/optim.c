/* nn/optim/optim.c: optimizers: options, state, and the step, which updates all parameters in one parallel pass. The arithmetic
 * of the updates is in adam_template.h and sgd_template.h. An optimizer lives as long as its root, or until tap_optim_free. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "nn/internal.h"
#include "tensor/borrow.h"
#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/kernels/reduce.h"
#include "tensor/parallel.h"

enum { CHUNK = 8192 }; /* elements. The partition is fixed, so that the number of threads does not change a bit of the result */

/* A hyper-parameter of at least 0 and below the limit: 0 stands for its default, TAP_ZERO for 0. */
static double option(tap_module *m, const char *name, double x, double default_value, double limit)
{
    if (x == TAP_ZERO) return 0;
    if (!(x >= 0 && x < limit)) {
        if (isinf(limit)) tap_module_fail(m, TAP_EARG, "%s must be a finite number, at least 0, not %g", name, x);
        else tap_module_fail(m, TAP_EARG, "%s must be at least 0 and below %g, not %g", name, limit, x);
    }
    return x == 0 ? default_value : x;
}

static const char *const state_names[TAP__N_UPDATES][2] = {
    [TAP__ADAM] = { "exp_avg", "exp_avg_sq" },
    [TAP__SGD_MOMENTUM] = { "momentum_buffer" },
};

static int64_t count_chunks(const tap_param *p)
{
    return (tap_numel(p->value.shape) + CHUNK - 1) / CHUNK;
}

/* Orders chunks by their relative position in their parameter, so that a thread gets the same fraction of each: that part of
 * the gradient was computed by the same thread, and is in its processor's cache. */
static int compare_positions(const void *a, const void *b)
{
    const tap__chunk *x = a, *y = b;
    const double      position_x = (double)x->start / (double)tap_numel(x->slot->param->value.shape);
    const double      position_y = (double)y->start / (double)tap_numel(y->slot->param->value.shape);
    if (position_x != position_y) return position_x < position_y ? -1 : 1;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* A parameter has one optimizer: of two, the first to step would consume the gradient. */
static void check_owners(tap_module *m, const char *call)
{
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) {
        if (p->owner) tap__param_fail(p, TAP_EARG, call, "has an optimizer already; free that one first (tap_optim_free)");
    }
}

/* A gradient accumulated before the optimizer was made is not used. */
static void take_ownership(tap_optim *o, tap_param *p)
{
    p->owner = o;
    tap__param_drop_grad(p);
}

/* An optimizer of the parameters at and below m, with zeroed state for each. */
static tap_optim *optim_new(tap_module *m, const char *call, int update, tap__hyperparameters hyper)
{
    check_owners(m, call);
    tap_optim *o = tap__module_alloc(m, sizeof *o);
    if (!o) return &m->root->no_optim;
    *o = (tap_optim){
        .root = m->root, .module = m, .newest = m->root->last, .hyper = hyper, .state_names = state_names[update]
    };
    o->kernel = TAP__KERNEL_PICK(tap__update_kernels)[update][m->root->dtype];
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) {
        o->n_slots++;
        o->n_chunks += count_chunks(p);
        o->numel += tap_numel(p->value.shape);
    }
    if (o->n_slots == 0) tap_module_fail(m, TAP_EARG, "%s: the module must have parameters, and has none yet", call);
    o->slots = tap__module_alloc(m, (size_t)o->n_slots * sizeof *o->slots);
    o->chunks = tap__module_alloc(m, (size_t)o->n_chunks * sizeof *o->chunks);
    if (!o->slots || !o->chunks) return &m->root->no_optim;

    tap__slot  *slot = o->slots;
    tap__chunk *chunk = o->chunks;
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p), slot++) {
        int64_t n = tap_numel(p->value.shape);
        slot->param = p;
        for (int k = 0; k < 2 && o->state_names[k]; k++) {
            slot->state[k] = tap__module_alloc(m, (size_t)n * tap_dtype_size(m->root->dtype));
            if (!slot->state[k]) return &m->root->no_optim;
        }
        for (int64_t at = 0; at < n; at += CHUNK) *chunk++ = (tap__chunk){ slot, at, n - at < CHUNK ? n - at : CHUNK };
    }
    qsort(o->chunks, (size_t)o->n_chunks, sizeof *o->chunks, compare_positions);
    for (int64_t i = 0; i < o->n_slots; i++) take_ownership(o, o->slots[i].param);
    return o;
}

tap_optim *tap_adam_new(tap_module *root, tap_adam_options o)
{
    root = tap__module(root);
    const double no_limit = (double)INFINITY;
    return optim_new(root, "adam", TAP__ADAM,
                     (tap__hyperparameters){
                         .lr = option(root, "adam: lr", o.lr, 1e-3, no_limit),
                         .beta1 = option(root, "adam: beta1", o.beta1, 0.9, 1),
                         .beta2 = option(root, "adam: beta2", o.beta2, 0.999, 1),
                         .eps = option(root, "adam: eps", o.eps, 1e-8, no_limit),
                         .weight_decay = option(root, "adam: weight_decay", o.weight_decay, 0, no_limit),
                     });
}

tap_optim *tap_sgd_new(tap_module *root, tap_sgd_options o)
{
    root = tap__module(root);
    const double               no_limit = (double)INFINITY;
    const tap__hyperparameters hyper = {
        .lr = option(root, "sgd: lr", o.lr, 1e-3, no_limit),
        .weight_decay = option(root, "sgd: weight_decay", o.weight_decay, 0, no_limit),
        .momentum = option(root, "sgd: momentum", o.momentum, 0, no_limit),
        .nesterov = o.nesterov,
    };
    if (hyper.nesterov && hyper.momentum == 0) tap_module_fail(root, TAP_EARG, "sgd: nesterov needs a momentum above 0");
    return optim_new(root, "sgd", hyper.momentum == 0 ? TAP__SGD : TAP__SGD_MOMENTUM, hyper);
}

void tap__optim_describe(const tap_optim *o, char *text, size_t size)
{
    const tap__hyperparameters *h = &o->hyper;
    tap__format(text, size, "weight_decay %.17g, beta1 %.17g, beta2 %.17g, eps %.17g, momentum %.17g, nesterov %s",
                h->weight_decay, h->beta1, h->beta2, h->eps, h->momentum, h->nesterov ? "true" : "false");
}

void tap_optim_set_lr(tap_optim *o, double lr)
{
    if (!o) return;
    if (!(isfinite(lr) && lr >= 0))
        tap_module_fail(&o->root->module, TAP_EARG, "optim_set_lr: lr must be a finite number, at least 0, not %g", lr);
    else if (o->root->error.status == TAP_OK) o->hyper.lr = lr;
}

static void release(tap_optim *o, void *p)
{
    if (p) tap__arena_release(o->root->memory, p);
}

void tap_optim_free(tap_optim *o)
{
    if (!o || !o->module) return;
    for (int64_t i = 0; i < o->n_slots; i++) {
        o->slots[i].param->owner = NULL;
        for (int k = 0; k < 2; k++) release(o, o->slots[i].state[k]);
    }
    release(o, o->chunks);
    release(o, o->slots);
    release(o, o);
}

/* ---- The step ---------------------------------------------------------------------------------------------------- */

/* Adam's bias corrections are 1 for SGD, whose beta1 and beta2 are 0. */
static tap__update update_of(const tap__hyperparameters *h, int64_t step)
{
    return (tap__update){
        .step_size = h->lr / (1 - pow(h->beta1, (double)step)),
        .weight_decay = h->weight_decay,
        .beta1 = h->beta1,
        .beta2 = h->beta2,
        .eps = h->eps,
        .v_correction = 1 / sqrt(1 - pow(h->beta2, (double)step)),
        .momentum = h->momentum,
        .grad_factor = h->nesterov ? 1 : 0,
        .velocity_factor = h->nesterov ? h->momentum : 1,
    };
}

static void step_chunks(void *context, int64_t first, int64_t last)
{
    const tap_optim *o = context;
    for (int64_t i = first; i < last; i++) {
        const tap__chunk *c = &o->chunks[i];
        const tap__slot  *s = c->slot;
        const size_t      offset = (size_t)c->start * tap_dtype_size(o->root->dtype);
        char             *m = s->state[0], *v = s->state[1], *x = s->param->value.data, *g = s->param->grad.data;
        if (s->reached) o->kernel(&s->update, c->n, x + offset, g + offset, m ? m + offset : NULL, v ? v + offset : NULL);
    }
}

/* A parameter that no backward pass has reached keeps its value and state, as in PyTorch, where its gradient is None. */
static void begin_step(tap_optim *o)
{
    const tap__slot *previous = NULL; /* usually of the same step, and its update is the same then */
    for (int64_t i = 0; i < o->n_slots; i++) {
        tap__slot *s = &o->slots[i];
        s->reached = !s->param->frozen && tap__param_has_grad(s->param);
        tap__param_drop_grad(s->param);
        if (!s->reached) continue;
        s->step++;
        s->update = previous && previous->step == s->step ? previous->update : update_of(&o->hyper, s->step);
        previous = s;
        tap__note_write(s->param->value);
    }
}

/* A parameter of the optimizer's module that was made after the optimizer needs an optimizer of its own. */
static tap_status check_newer(tap_optim *o)
{
    for (tap_param *p = o->newest ? o->newest->next : NULL; p; p = p->next) {
        if (!tap__module_has(o->module, p->module) || p->owner || p->frozen) continue;
        return tap__param_fail(p, TAP_EARG, "optim_step", "was made after the optimizer of its module, and has no optimizer");
    }
    return TAP_OK;
}

/* Gradients of parameters without an optimizer last until the next forward pass, so that they are not accumulated over
 * steps. */
static void expire_unowned(const tap_optim *o)
{
    for (tap_param *p = o->root->first; p; p = p->next) {
        if (!p->owner && !p->fresh) p->expired = true;
    }
}

tap_status tap_optim_step(tap_optim *o, tap_tape *t)
{
    if (!o) return TAP_EARG;
    tap_status status = t ? tap_tape_status(t, NULL) : TAP_OK;
    if (status == TAP_OK) status = o->root->error.status;
    if (status == TAP_OK && !o->module)
        status = tap_error_set(&o->root->error, TAP_EARG, "optim_step: the optimizer could not be made");
    if (status == TAP_OK) status = check_newer(o);
    if (status != TAP_OK) return status;
    begin_step(o);
    tap__parallel(o->n_chunks, o->numel / 2, step_chunks, o);
    expire_unowned(o);
    return TAP_OK;
}

typedef struct {
    const tap_optim *o;
    atomic_bool     *finite;
} finite_search;

static void search_chunks(void *context, int64_t first, int64_t last)
{
    const finite_search *s = context;
    for (int64_t i = first; i < last; i++) {
        const tap__chunk *c = &s->o->chunks[i];
        const tap_tensor  g = c->slot->param->grad;
        const char       *at = (const char *)g.data + (size_t)c->start * tap_dtype_size(g.dtype);
        if (!c->slot->param->fresh && !tap__all_finite(c->n, g.dtype, at)) *s->finite = false;
    }
}

bool tap_optim_finite(const tap_optim *o)
{
    atomic_bool finite = true;
    if (o) tap__parallel(o->n_chunks, o->numel / 8, search_chunks, &(finite_search){ o, &finite });
    return finite;
}
