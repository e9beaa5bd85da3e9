/* Optimizers: options, state and the step, which goes once through all parameters. Their state lives as long as the root. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "autograd/internal.h"
#include "nn/internal.h"

enum { CHUNK = 8192 }; /* elements: a fixed partition, so the threads cannot change a bit */

/* An option: 0 stands for its default, a negative number for 0. It must be finite and below `most`. */
static double option(tap_module *m, const char *what, double given, double standard, double most)
{
    if (!(isfinite(given) && given < most)) tap_module_fail(m, TAP_EARG, "%s = %g is out of range", what, given);
    return given == 0 ? standard : given < 0 ? 0 : given;
}

static const char *const state_names[TAP__OPTIMS][2] = {
    [TAP__ADAM] = { "exp_avg", "exp_avg_sq" },
    [TAP__MOMENTUM] = { "momentum_buffer" },
};

static int64_t pieces(const tap_param *p)
{
    return (tap_numel(p->value.shape) + CHUNK - 1) / CHUNK;
}

/* By how far into its parameter a chunk lies, so that a thread's share is the same part of each: the part of its gradient that was
 * computed by this thread, and is in its processor's cache. */
static int by_place(const void *a, const void *b)
{
    const tap__chunk *x = a, *y = b;
    const double      at_x = (double)x->start / (double)tap_numel(x->slot->param->value.shape);
    const double      at_y = (double)y->start / (double)tap_numel(y->slot->param->value.shape);
    if (at_x != at_y) return at_x < at_y ? -1 : 1;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* A parameter has one optimizer: with two, the first would take its gradient and leave the second one none. */
static void check_owners(tap_module *m, const char *call)
{
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) {
        if (p->owner) tap__param_fail(p, TAP_EARG, call, "has an optimizer already; free that one first (tap_optim_free)");
    }
}

/* What has been added up in p's gradient before belongs to nobody's step. */
static void own(tap_optim *o, tap_param *p)
{
    p->owner = o;
    tap__param_drop_grad(p);
}

/* The optimizer over what hangs at and below m, with n_state zeroed tensors for each parameter. */
static tap_optim *optim_new(tap_module *m, const char *call, int kind, int n_state, tap__optim_numbers numbers)
{
    check_owners(m, call);
    tap_optim *o = tap__module_alloc(m, sizeof *o);
    if (!o) return &m->root->no_optim;
    *o = (tap_optim){
        .root = m->root, .module = m, .newest = m->root->last, .numbers = numbers, .state_names = state_names[kind]
    };
    o->kernel = TAP__KERNEL_PICK(tap__optim_kernels)[kind][m->root->dtype];
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) {
        o->n_slots++;
        o->n_chunks += pieces(p);
        o->numel += tap_numel(p->value.shape);
    }
    if (o->n_slots == 0) tap_module_fail(m, TAP_EARG, "%s: there are no parameters yet", call);
    o->slots = tap__module_alloc(m, (size_t)o->n_slots * sizeof *o->slots);
    o->chunks = tap__module_alloc(m, (size_t)o->n_chunks * sizeof *o->chunks);
    if (!o->slots || !o->chunks) return &m->root->no_optim;

    tap__slot  *slot = o->slots;
    tap__chunk *chunk = o->chunks;
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p), slot++) {
        int64_t n = tap_numel(p->value.shape);
        slot->param = p;
        for (int k = 0; k < n_state; k++) {
            slot->state[k] = tap__module_alloc(m, (size_t)n * tap_dtype_size(m->root->dtype));
            if (!slot->state[k]) return &m->root->no_optim;
        }
        for (int64_t at = 0; at < n; at += CHUNK) *chunk++ = (tap__chunk){ slot, at, n - at < CHUNK ? n - at : CHUNK };
    }
    qsort(o->chunks, (size_t)o->n_chunks, sizeof *o->chunks, by_place);
    for (int64_t i = 0; i < o->n_slots; i++) own(o, o->slots[i].param);
    return o;
}

tap_optim *tap_adam_new(tap_module *root, tap_adam_options o)
{
    root = tap__module(root);
    const double all = (double)INFINITY;
    return optim_new(root, "adam", TAP__ADAM, 2,
                     (tap__optim_numbers){
                         .lr = option(root, "adam: lr", o.lr, 1e-3, all),
                         .beta1 = option(root, "adam: beta1", o.beta1, 0.9, 1),
                         .beta2 = option(root, "adam: beta2", o.beta2, 0.999, 1),
                         .eps = option(root, "adam: eps", o.eps, 1e-8, all),
                         .decay = option(root, "adam: weight_decay", o.weight_decay, 0, all),
                     });
}

tap_optim *tap_sgd_new(tap_module *root, tap_sgd_options o)
{
    root = tap__module(root);
    const double       all = (double)INFINITY;
    tap__optim_numbers numbers = {
        .lr = option(root, "sgd: lr", o.lr, 1e-3, all),
        .decay = option(root, "sgd: weight_decay", o.weight_decay, 0, all),
        .momentum = option(root, "sgd: momentum", o.momentum, 0, all),
    };
    if (o.nesterov && numbers.momentum == 0) tap_module_fail(root, TAP_EARG, "sgd: nesterov needs a momentum");
    if (numbers.momentum == 0) return optim_new(root, "sgd", TAP__SGD, 0, numbers);
    numbers.by_d = o.nesterov ? 1 : 0;
    numbers.by_v = o.nesterov ? numbers.momentum : 1;
    return optim_new(root, "sgd", TAP__MOMENTUM, 1, numbers);
}

void tap_optim_set_lr(tap_optim *o, double lr)
{
    if (!o) return;
    if (!(isfinite(lr) && lr >= 0)) tap_module_fail(&o->root->module, TAP_EARG, "optim_set_lr: %g is no learning rate", lr);
    else if (o->root->error.status == TAP_OK) o->numbers.lr = lr;
}

static void give_back(tap_optim *o, void *p)
{
    if (p) tap__arena_release(o->root->memory, p);
}

void tap_optim_free(tap_optim *o)
{
    if (!o || !o->module) return;
    for (int64_t i = 0; i < o->n_slots; i++) {
        o->slots[i].param->owner = NULL;
        for (int k = 0; k < 2; k++) give_back(o, o->slots[i].state[k]);
    }
    give_back(o, o->chunks);
    give_back(o, o->slots);
    give_back(o, o);
}

/* ---- The step ---------------------------------------------------------------------------------------------------- */

/* Adam's corrections for its zero start: of the mean in lr, of the square in `correction`. SGD has beta 0 and needs none. */
static tap__optim_numbers numbers_of(const tap_optim *o, int64_t step)
{
    tap__optim_numbers s = o->numbers;
    s.lr /= 1 - pow(s.beta1, (double)step);
    s.correction = 1 / sqrt(1 - pow(s.beta2, (double)step));
    return s;
}

static void step_chunks(const void *context, int64_t first, int64_t last)
{
    const tap_optim *o = context;
    for (int64_t i = first; i < last; i++) {
        const tap__chunk *c = &o->chunks[i];
        const tap__slot  *s = c->slot;
        const size_t      at = (size_t)c->start * tap_dtype_size(o->root->dtype);
        char             *m = s->state[0], *v = s->state[1], *x = s->param->value.data, *g = s->param->grad.data;
        if (s->reached) o->kernel(&s->numbers, c->n, x + at, g + at, m ? m + at : NULL, v ? v + at : NULL);
    }
}

/* Parameters that no backward pass has reached stay as they are, and so do their moments: PyTorch's gradients that are None. */
static void begin_step(tap_optim *o)
{
    const tap__slot *before = NULL;
    for (int64_t i = 0; i < o->n_slots; i++) {
        tap__slot *s = &o->slots[i];
        s->reached = !s->param->frozen && tap__param_has_grad(s->param);
        tap__param_drop_grad(s->param);
        if (!s->reached) continue;
        s->step++;
        s->numbers = before && before->step == s->step ? before->numbers : numbers_of(o, s->step);
        before = s;
        tap__note_write(s->param->value);
    }
}

/* What is newer than the optimizer and hangs where it steps everything needs an optimizer of its own. */
static tap_status check_newer(tap_optim *o)
{
    for (tap_param *p = o->newest ? o->newest->next : NULL; p; p = p->next) {
        if (!tap__module_has(o->module, p) || p->owner || p->frozen) continue;
        return tap__param_fail(p, TAP_EARG, "optim_step", "was made after the optimizer of its module, and no other has it");
    }
    return TAP_OK;
}

/* Gradients that nobody steps do not pile up: those of the passes until this step are done with. */
static void pass_unowned(const tap_optim *o)
{
    for (tap_param *p = o->root->first; p; p = p->next) {
        if (!p->owner && !p->fresh) p->passed = true;
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
    pass_unowned(o);
    return TAP_OK;
}

typedef struct {
    const tap_optim *o;
    atomic_bool     *finite;
} search;

static void search_chunks(const void *context, int64_t first, int64_t last)
{
    const search *s = context;
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
    if (o) tap__parallel(o->n_chunks, o->numel / 8, search_chunks, &(search){ o, &finite });
    return finite;
}
