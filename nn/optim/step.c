/* nn/optim/step.c: the step of an optimizer, which updates all its parameters in one parallel pass. The arithmetic is in the
 * files of the algorithms. */
#include <math.h>
#include <stdatomic.h>

#include "nn/internal.h"
#include "tensor/borrow.h"
#include "tensor/kernels/reduce.h"
#include "tensor/parallel.h"

static void step_chunks(void *context, int64_t first, int64_t last)
{
    const tap_optim *o = context;
    for (int64_t i = first; i < last; i++) {
        const tap__chunk *c = &o->chunks[i];
        const tap__slot  *s = c->slot;
        if (!s->reached) continue;
        const size_t    offset = (size_t)c->start * tap_dtype_size(o->root->dtype);
        const tap__step step = { o->groups[s->group].options, s->step, s->scalar };
        void           *state[TAP__MAX_STATES];
        for (int k = 0; k < TAP__MAX_STATES; k++) state[k] = s->state[k] ? (char *)s->state[k] + offset : NULL;
        o->kernel(&step, c->n, (char *)s->param->value.data + offset, (char *)s->param->grad.data + offset, state);
    }
}

static void start_state(const tap_optim *o, tap__slot *s)
{
    double state[TAP__MAX_STATES] = { 0 };
    o->algorithm->start(o->groups[s->group].options, state, s->scalar);
    for (int k = 0; k < TAP__MAX_STATES; k++) {
        if (s->state[k]) tap_tensor_fill(tap_tensor_wrap(o->root->dtype, s->param->value.shape, s->state[k]), state[k]);
    }
}

/* A parameter that no backward pass has reached keeps its value and state, as in PyTorch, where its gradient is None. */
static void begin_step(tap_optim *o)
{
    for (int64_t i = 0; i < o->n_slots; i++) {
        tap__slot *s = &o->slots[i];
        s->reached = !s->param->frozen && tap__param_has_grad(s->param);
        tap__param_drop_grad(s->param);
        if (!s->reached) continue;
        if (++s->step == 1 && o->algorithm->start) start_state(o, s);
        tap__note_write(s->param->value);
    }
}

static void end_step(tap_optim *o)
{
    for (int64_t i = 0; i < o->n_slots && o->algorithm->advance; i++) {
        tap__slot *s = &o->slots[i];
        if (s->reached) o->algorithm->advance(o->groups[s->group].options, s->step, s->scalar);
    }
}

/* A parameter of the optimizer's module that was made after the optimizer needs an optimizer of its own. */
static tap_status check_newer(tap_optim *o, const char *call)
{
    for (tap_param *p = o->newest ? o->newest->next : NULL; p; p = p->next) {
        if (!tap__module_has(o->module, p->module) || p->owner || p->frozen) continue;
        return tap__param_fail(p, TAP_EARG, call, "was made after the optimizer of its module, and has no optimizer");
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

/* The first error that a step would be made in spite of. */
static tap_status check_step(tap_optim *o, tap_tape *t, const char *call)
{
    if (!o) return TAP_EARG;
    tap_status status = t ? tap_tape_status(t, NULL) : TAP_OK;
    if (status == TAP_OK) status = o->root->error.status;
    if (status == TAP_OK && !o->module)
        status = tap_error_set(&o->root->error, TAP_EARG, "%s: the optimizer could not be made", call);
    if (status == TAP_OK) status = check_newer(o, call);
    return status;
}

tap_status tap_optim_step(tap_optim *o, tap_tape *t)
{
    const tap_status status = check_step(o, t, "optim_step");
    if (status != TAP_OK) return status;
    if (!o->kernel)
        return tap_module_fail(o->module, TAP_EARG, "optim_step: %s evaluates the loss itself: call tap_optim_step_closure",
                               o->algorithm->name);
    begin_step(o);
    tap__parallel(o->n_chunks, o->numel / 2, step_chunks, o);
    end_step(o);
    expire_unowned(o);
    return TAP_OK;
}

double tap_optim_step_closure(tap_optim *o, tap_tape *t, tap_module_function loss, void *ctx)
{
    if (check_step(o, t, "optim_step_closure") != TAP_OK) return (double)NAN;
    if (!t || !loss) {
        tap_module_fail(o->module, TAP_EARG, "optim_step_closure: the %s must not be NULL", t ? "function" : "tape");
        return (double)NAN;
    }
    if (!o->kernel) {
        const double value = tap__optim_begin(o) ? o->algorithm->minimize(o, t, loss, ctx) : (double)NAN;
        expire_unowned(o);
        return value;
    }
    tap_tape_reset(t);
    const tap_var v = loss(t, ctx);
    tap_backward(v);
    const double value = tap_item(v);
    return tap_optim_step(o, t) == TAP_OK ? value : (double)NAN;
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
