/* nn/gradcheck.c: the gradients of a whole module against central differences. Noise is a function of the tape's seed and step,
 * so that it stays the same while a parameter is perturbed, and models that sample can be checked, too.
 *
 * A float32 module is checked in float64: during the check every parameter of the root has a float64 copy, and tap_param_var
 * gives that copy on the check's tape. */
#include "autograd/gradcheck.h"
#include "nn/internal.h"
#include "tensor/arena.h"
#include "tensor/error.h"

typedef struct {
    tap_module         *module;
    tap_module_function f;
    void               *ctx;
    int                 n;
} checked_module;

/* Skips frozen parameters, which have no gradient. */
static tap_param *next_trainable(const tap_module *m, tap_param *p)
{
    do p = tap_module_next(m, p);
    while (p && p->frozen);
    return p;
}

static tap_var call(tap_tape *t, tap_var *in, const void *ctx)
{
    const checked_module *c = ctx;
    tap_var               y = c->f(t, c->ctx);
    tap_param            *p = NULL;
    for (int i = 0; i < c->n; i++) {
        p = next_trainable(c->module, p);
        in[i] = tap_param_var(t, p);
    }
    return y;
}

/* Copies of all parameters of the root, with values and gradients of their own, so that the check does not change the
 * module. */
static void make_f64_copies(tap__root *r, tap_arena *memory)
{
    for (tap_param *p = r->first; p; p = p->next) {
        tap_param *copy = tap_arena_alloc(memory, sizeof *copy);
        if (!copy) return;
        *copy = (tap_param){ .module = p->module, .path = p->path, .fresh = true, .frozen = p->frozen };
        copy->value = tap_tensor_cast(memory, p->value, TAP_F64);
        copy->grad = tap_tensor_zeros(memory, TAP_F64, p->value.shape);
        p->f64_copy = copy;
    }
}

static void drop_f64_copies(tap__root *r)
{
    for (tap_param *p = r->first; p; p = p->next) p->f64_copy = NULL;
}

static tap_gradcheck_result check(tap_module *m, tap_module_function f, void *ctx, tap_gradcheck_options o, tap_arena *memory)
{
    checked_module          c = { m, f, ctx, 0 };
    tap__gradcheck_function checked = { .promote_f32 = m->root->dtype == TAP_F32, .by_name = true, .ctx = &c, .call = call };
    const char             *message;
    for (tap_param *p = next_trainable(m, NULL); p; p = next_trainable(m, p)) c.n++;
    tap_tensor *x = tap_arena_alloc(memory, (size_t)c.n * sizeof *x);
    if (checked.promote_f32) make_f64_copies(m->root, memory);
    tap_status status = tap_arena_status(memory, &message);
    if (status != TAP_OK) return tap__gradcheck_failed(status, message);
    tap_param *p = NULL;
    for (int i = 0; i < c.n; i++) {
        p = next_trainable(m, p);
        x[i] = checked.promote_f32 ? p->f64_copy->value : p->value;
    }
    checked.n = c.n;
    checked.x = x;
    return tap__gradcheck(&checked, o);
}

tap_gradcheck_result tap_module_gradcheck(tap_module *m, tap_module_function f, void *ctx, tap_gradcheck_options options)
{
    tap_error e = { 0 };
    m = tap__module(m);
    tap__error_copy(&e, &m->root->error);
    if (!f) tap_error_set(&e, TAP_EARG, "gradcheck: the function is NULL");
    tap__gradcheck_options(&options, &e);
    if (e.status != TAP_OK) return tap__gradcheck_failed(e.status, e.message);
    tap_arena           *memory = tap__arena_new_internal();
    tap_gradcheck_result r = check(m, f, ctx, options, memory);
    drop_f64_copies(m->root);
    tap_arena_free(memory);
    return r;
}
