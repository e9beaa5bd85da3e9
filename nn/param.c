/* nn/param.c: parameters: value, gradient, freezing, the var of a parameter on a tape, and iteration over a module's
 * parameters. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/internal.h" /* tap_param_var: leaves of a tape */
#include "nn/internal.h"
#include "tensor/arena.h"
#include "tensor/error.h"

static void append(tap__root *r, tap_param *p)
{
    if (r->last) r->last->next = p;
    else r->first = p;
    r->last = p;
}

tap_param *tap_param_new(tap_module *m, const char *name, tap_shape shape, tap_init how)
{
    m = tap__module(m);
    tap__root  *r = m->root;
    const char *path = tap__new_path(m, name);
    tap_param  *p = path ? tap__module_alloc(m, sizeof *p) : NULL;
    if (!p) return &r->no_param;

    *p = (tap_param){ .module = m, .path = path, .fresh = true, .init = how };
    p->value = tap_tensor_zeros(r->values, r->dtype, shape);
    if (p->value.data) p->grad = tap_tensor_zeros(r->grads, r->dtype, shape);
    if (!p->grad.data) {
        tap_error *e = tap_arena_error(p->value.data ? r->grads : r->values);
        tap_error_set(&r->error, e->status, "%s: %s", path, e->message);
        return &r->no_param;
    }
    if (tap__init_fill(how, p->value, r->seed, path, &r->error) != TAP_OK) return &r->no_param;
    append(r, p);
    return p;
}

static void unlink_param(tap__root *r, tap_param *p)
{
    tap_param *before = r->first == p ? NULL : r->first;
    while (before && before->next != p) before = before->next;
    if (before) before->next = p->next;
    else r->first = p->next;
    if (r->last == p) r->last = before;
    p->next = NULL;
}

tap_param *tap__param_move(tap_param *p, tap_module *m, const char *name)
{
    tap__root  *r = p->module->root;
    const char *path = tap__new_path(m, name);
    tap_param  *q = path ? tap__module_alloc(m, sizeof *q) : NULL;
    if (!q) return &r->no_param;
    *q = (tap_param){
        .module = m, .path = path, .value = p->value, .grad = p->grad, .fresh = true, .frozen = p->frozen, .init = p->init
    };
    unlink_param(r, p);
    append(r, q);
    p->value.data = p->grad.data = NULL;
    return q;
}

const char *tap_param_path(const tap_param *p)
{
    return p ? p->path : "";
}

/* The value of a parameter that could not be made: NaN. */
static tap_tensor nan_value(const tap_param *p)
{
    static _Thread_local float  nan_f32;
    static _Thread_local double nan_f64;
    nan_f32 = NAN;
    nan_f64 = (double)NAN;
    if (p && p->module->root->dtype == TAP_F64) return tap_tensor_wrap(TAP_F64, TAP_SCALAR, &nan_f64);
    return tap_tensor_wrap(TAP_F32, TAP_SCALAR, &nan_f32);
}

tap_tensor tap_param_value(const tap_param *p)
{
    return p && p->value.data ? p->value : nan_value(p);
}

tap_tensor tap_param_grad(tap_param *p)
{
    if (!p || !p->grad.data) return nan_value(p);
    if (p->fresh) {
        tap_tensor_fill(p->grad, 0);
        p->fresh = false; /* what the caller writes is part of the gradient */
        p->zeroed = true;
    }
    return p->grad;
}

size_t tap__param_bytes(const tap_param *p)
{
    return (size_t)tap_numel(p->value.shape) * tap_dtype_size(p->value.dtype);
}

bool tap__param_has_grad(const tap_param *p)
{
    const char  *bytes = p->grad.data;
    const size_t n = tap__param_bytes(p);
    if (p->fresh || p->passes > 0) return p->passes > 0;
    return !p->zeroed || (n > 0 && (bytes[0] != 0 || memcmp(bytes, bytes + 1, n - 1) != 0));
}

void tap__param_drop_grad(tap_param *p)
{
    p->fresh = true;
    p->zeroed = p->expired = false;
    p->passes = 0;
}

/* ---- Freezing ---- */

void tap_param_set_requires_grad(tap_param *p, bool on)
{
    for (int i = 0; p && p->parametrization && i < 2; i++) tap_param_set_requires_grad(p->parametrization->original[i], on);
    if (p && p->value.data) p->frozen = !on;
}

bool tap_param_requires_grad(const tap_param *p)
{
    if (p && p->parametrization) p = p->parametrization->original[0];
    return p && p->value.data && !p->frozen;
}

void tap_module_set_requires_grad(tap_module *m, bool on)
{
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) p->frozen = !on;
}

/* ---- On a tape ---- */

/* Whether v is p's leaf on the tape as it is now: a leaf made while the tape did not record, or p was frozen, takes no
 * gradient. */
static bool is_leaf_of(const tap_tape *t, const tap_param *p, tap_var v)
{
    if (v.id == 0 || v.id >= t->n_nodes) return false;
    const tap_node *n = tap__node(t, v.id);
    if (!n->is_leaf || n->leaf.fresh != &p->fresh) return false;
    return (n->requires_grad != p->frozen || !t->recording) && tap__is_as_recorded(t, n);
}

static bool is_usable(tap_tape *t, const tap_param *p)
{
    const tap__root *r = p->module->root;
    if (r->error.status != TAP_OK) tap_tape_fail(t, r->error.status, "%s", r->error.message);
    else if (!p->value.data)
        tap__fail(t, TAP_EARG, "param_var", "the parameter could not be made; the error of its module said why");
    return tap_tape_status(t, NULL) == TAP_OK;
}

/* The leaf of p itself. A tape that does not record changes nothing in p, so that threads can share it. */
static tap_var leaf_var(tap_tape *t, tap_param *p)
{
    if (!is_usable(t, p)) return tap__inert(t);
    if (t->promote_f32 && p->f64_copy) p = p->f64_copy;
    if (p->value.dtype != tap_tape_dtype(t))
        return tap__fail(t, TAP_EDTYPE, "param_var", "%s is %s, but the tape is %s", p->path, tap_dtype_name(p->value.dtype),
                         tap_dtype_name(tap_tape_dtype(t)));
    if (p->expired && t->recording) tap__param_drop_grad(p);
    tap__map_entry *e = tap__map_add(t, p);
    if (!e) return tap__inert(t);
    if (is_leaf_of(t, p, e->var)) return e->var;
    const tap_leaf leaf = { p->value, p->grad, &p->fresh, p->path };
    e->var = tap__leaf_var(t, &leaf, !p->frozen, &p->passes);
    return e->var;
}

tap_var tap_param_var(tap_tape *t, tap_param *p)
{
    if (!t) return tap__inert(t);
    if (!p) return tap__fail(t, TAP_EARG, "param_var", "the parameter is NULL; was the layer initialized?");
    const tap__map_entry *e = tap__map_find(t, p);
    if (e && e->is_given) return e->var;
    if (p->parametrization) return p->parametrization->compute(t, p->parametrization);
    return leaf_var(t, e && e->other ? e->other : p);
}

void tap_param_replace(tap_tape *t, tap_param *p, tap_var v)
{
    char a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    if (!t || tap_tape_status(t, NULL) != TAP_OK) return;
    if (!p || (!p->value.data && !p->parametrization)) {
        tap__fail(t, TAP_EARG, "param_replace", "the parameter is NULL, or could not be made");
        return;
    }
    if (v.tape) {
        const tap_tensor x = tap_value(v);
        if (v.tape != t) tap__fail(t, TAP_EARG, "param_replace", "%s: the var is on another tape", p->path);
        else if (x.data && !tap_shape_equal(x.shape, p->value.shape))
            tap__fail(t, TAP_ESHAPE, "param_replace", "%s: the var must have shape %s, not %s", p->path,
                      tap_shape_format(a, p->value.shape), tap_shape_format(b, x.shape));
        if (tap_tape_status(t, NULL) != TAP_OK) return;
    }
    tap__map_entry *e = tap__map_add(t, p);
    if (!e) return;
    e->var = v;
    e->is_given = v.tape != NULL;
    e->other = NULL;
}

tap_param *tap_module_next(const tap_module *m, const tap_param *p)
{
    m = tap__module(m);
    tap_param *next = p ? p->next : m->root->first;
    while (next && !tap__module_has(m, next->module)) next = next->next;
    return next;
}

tap_param *tap_module_param(const tap_module *m, const char *path)
{
    for (tap_param *p = tap_module_next(m, NULL); path && p; p = tap_module_next(m, p)) {
        if (!strcmp(p->path, path)) return p;
    }
    return NULL;
}

int64_t tap_module_numel(const tap_module *m)
{
    int64_t n = 0;
    for (const tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) n += tap_numel(p->value.shape);
    return n;
}

void tap_module_zero_grad(tap_module *m)
{
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) tap__param_drop_grad(p);
}
