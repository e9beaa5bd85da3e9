/* nn/module.c: the tree of modules and parameters. The root owns the whole tree and keeps its first error. A root that has
 * failed creates nothing: new modules are the root itself, and new parameters are `no_param`, which has no value. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autograd/internal.h" /* tap_param_var: leaves of a tape */
#include "nn/internal.h"
#include "tensor/arena.h"
#include "tensor/error.h"

#define NO_MEMORY "module: no memory for a root"

/* Two failed roots: the result of tap_module_new without memory, and the root of a NULL module. Nothing ever writes to a failed
 * root. */
#define FAILED_ROOT(self, status, sentence) \
    { \
        .module = { .root = &self, .path = "" }, .error = { status, sentence }, \
        .no_param = { .module = &self.module, .path = "" }, .no_optim = { .root = &self }, \
        .no_linear = { &self.no_param, &self.no_param }, \
    }
static tap__root no_root = FAILED_ROOT(no_root, TAP_ENOMEM, NO_MEMORY);
static tap__root null_root = FAILED_ROOT(null_root, TAP_EARG, "module: NULL");

tap_module *tap__module(const tap_module *m)
{
    return m ? (tap_module *)(uintptr_t)m : &null_root.module;
}

static bool is_static_root(const tap_module *m)
{
    return !m || m->root == &no_root || m->root == &null_root;
}

tap_module *tap_module_new(tap_dtype dtype, uint64_t seed)
{
    tap__root *r = calloc(1, sizeof *r);
    if (!r) {
        tap_error_set(NULL, TAP_ENOMEM, NO_MEMORY);
        return &no_root.module;
    }
    r->module = (tap_module){ .root = r, .path = "" };
    r->dtype = dtype;
    r->seed = seed;
    r->memory = tap__arena_new_internal();
    r->values = tap__arena_new_internal();
    r->grads = tap__arena_new_internal();
    if (tap_arena_status(r->memory, NULL) != TAP_OK) tap_error_set(&r->error, TAP_ENOMEM, NO_MEMORY);
    tap__arena_name(r->values, "values");
    tap__arena_name(r->grads, "gradients");
    r->no_param = (tap_param){ .module = &r->module, .path = "" };
    r->no_linear = (tap_linear){ &r->no_param, &r->no_param };
    r->no_optim = (tap_optim){ .root = r };
    if (!tap_dtype_is_float(dtype))
        tap_module_fail(&r->module, TAP_EDTYPE, "module: parameters are float32 or float64, not %s", tap_dtype_name(dtype));
    return &r->module;
}

void tap_module_free(tap_module *root)
{
    if (is_static_root(root) || root->parent) return;
    tap__root *r = root->root;
    if (r->error.status != TAP_OK && !r->error_read) tap__report_unread("module", &r->error);
    tap_arena_free(r->memory);
    tap_arena_free(r->values);
    tap_arena_free(r->grads);
    free(r);
}

tap_status tap_module_status(const tap_module *m, const char **message)
{
    const tap_error *e = &tap__module(m)->root->error;
    if (message) *message = e->status == TAP_OK ? "" : e->message;
    if (message && e->status != TAP_OK && !is_static_root(m)) tap__module(m)->root->error_read = true;
    return e->status;
}

const char *tap_module_message(const tap_module *m)
{
    const char *message;
    tap_module_status(m, &message);
    return message;
}

void tap_module_clear_error(tap_module *m)
{
    if (is_static_root(m)) return;
    tap__root *r = m->root;
    tap_arena *memory[] = { r->memory, r->values, r->grads };
    for (int i = 0; i < 3; i++) tap_arena_clear_error(memory[i]);
    r->error.status = TAP_OK;
    r->error_read = false;
}

tap_status tap_module_fail(tap_module *m, tap_status status, const char *format, ...)
{
    va_list args;
    m = tap__module(m);
    va_start(args, format);
    status = tap__error_set_in(&m->root->error, status, m->path, format, args);
    va_end(args);
    return status;
}

tap_status tap__param_fail(tap_param *p, tap_status status, const char *call, const char *format, ...)
{
    char    where[TAP_MESSAGE_SIZE / 2];
    va_list args;
    snprintf(where, sizeof where, "%s: %s", call, p->path);
    va_start(args, format);
    status = tap__error_set_in(&p->module->root->error, status, where, format, args);
    va_end(args);
    return status;
}

tap_dtype tap_module_dtype(const tap_module *m)
{
    return tap__module(m)->root->dtype;
}

void *tap__module_alloc(tap_module *m, size_t bytes)
{
    tap__root *r = m->root;
    tap__arena_name(r->memory, *m->path ? m->path : "module");
    void *p = r->error.status == TAP_OK ? tap_arena_alloc(r->memory, bytes) : NULL;
    if (!p) tap__error_copy(&r->error, tap_arena_error(r->memory));
    return p;
}

static const char *last_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* Names are keys of safetensors files, which any reader must accept, and a dot separates the levels of the tree. */
static bool is_name(const char *name)
{
    if (!name || !*name) return false;
    for (const char *c = name; *c; c++) {
        if (*c <= ' ' || *c > '~' || *c == '.' || *c == '"' || *c == '\\') return false;
    }
    return strcmp(name, "__metadata__") != 0; /* a reserved key of the format */
}

static bool is_taken(const tap_module *m, const char *name)
{
    for (const tap_module *c = m->children; c; c = c->sibling) {
        if (!strcmp(last_name(c->path), name)) return true;
    }
    for (const tap_param *p = m->root->first; p; p = p->next) {
        if (p->module == m && !strcmp(last_name(p->path), name)) return true;
    }
    return false;
}

/* The path of a new module or parameter of m; NULL, and the root has failed, if the name cannot be used. */
static const char *new_path(tap_module *m, const char *name)
{
    const char *dot = *m->path ? "." : "";
    if (m->root->error.status != TAP_OK) return NULL;
    if (!is_name(name)) {
        tap_module_fail(m, TAP_EARG, "a name must be printable ASCII without space, dot, \" and \\, not '%s'",
                        name ? name : "");
        return NULL;
    }
    if (is_taken(m, name)) {
        tap_error_set(&m->root->error, TAP_EARG, "%s%s%s: the name is in use already", m->path, dot, name);
        return NULL;
    }
    size_t size = strlen(m->path) + strlen(name) + 2;
    char  *path = tap__module_alloc(m, size);
    if (path) snprintf(path, size, "%s%s%s", m->path, dot, name);
    return path;
}

tap_module *tap_module_child(tap_module *m, const char *name)
{
    m = tap__module(m);
    const char *path = new_path(m, name);
    tap_module *c = path ? tap__module_alloc(m, sizeof *c) : NULL;
    if (!c) return &m->root->module;
    *c = (tap_module){ .root = m->root, .parent = m, .path = path, .sibling = m->children };
    m->children = c;
    return c;
}

tap_param *tap_param_new(tap_module *m, const char *name, tap_shape shape, tap_init how)
{
    m = tap__module(m);
    tap__root  *r = m->root;
    const char *path = new_path(m, name);
    tap_param  *p = path ? tap__module_alloc(m, sizeof *p) : NULL;
    if (!p) return &r->no_param;

    *p = (tap_param){ .module = m, .path = path, .fresh = true };
    p->value = tap_tensor_zeros(r->values, r->dtype, shape);
    if (p->value.data) p->grad = tap_tensor_zeros(r->grads, r->dtype, shape);
    if (!p->grad.data) {
        tap_error *e = tap_arena_error(p->value.data ? r->grads : r->values);
        tap_error_set(&r->error, e->status, "%s: %s", path, e->message);
        return &r->no_param;
    }
    if (tap__init_fill(how, p->value, r->seed, path, &r->error) != TAP_OK) return &r->no_param;
    if (r->last) r->last->next = p;
    else r->first = p;
    r->last = p;
    return p;
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

bool tap__param_has_grad(const tap_param *p)
{
    const char  *bytes = p->grad.data;
    const size_t n = (size_t)tap_numel(p->grad.shape) * tap_dtype_size(p->grad.dtype);
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
    if (p && p->value.data) p->frozen = !on;
}

bool tap_param_requires_grad(const tap_param *p)
{
    return p && p->value.data && !p->frozen;
}

void tap_module_set_requires_grad(tap_module *m, bool on)
{
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) p->frozen = !on;
}

/* Whether p->var is p's leaf on the tape as it is now. The tape may have been reset, or freed and another one made at the same
 * address; and a leaf made while the tape did not record, or p was frozen, takes no gradient. */
static bool has_leaf_on(const tap_tape *t, const tap_param *p)
{
    if (p->var.tape != t || p->var.epoch != t->epoch || p->var.id == 0 || p->var.id >= t->n_nodes) return false;
    const tap_node *n = tap__node(t, p->var.id);
    if (!n->is_leaf || n->leaf.fresh != &p->fresh) return false;
    return (n->requires_grad != p->frozen || !t->recording) && tap__is_as_recorded(t, n);
}

tap_var tap_param_var(tap_tape *t, tap_param *p)
{
    const tap_var inert = { .tape = t };
    if (!t) return inert;
    if (!p) {
        tap__fail(t, TAP_EARG, "param_var", "the parameter is NULL; was the layer initialized?");
        return inert;
    }
    const tap__root *r = p->module->root;
    if (r->error.status != TAP_OK) {
        tap_tape_fail(t, r->error.status, "%s", r->error.message);
        return inert;
    }
    if (!p->value.data) {
        tap__fail(t, TAP_EARG, "param_var", "the parameter could not be made; the error of its module said why");
        return inert;
    }
    if (t->promote_f32 && p->f64_copy) p = p->f64_copy;
    if (p->value.dtype != tap_tape_dtype(t)) {
        tap__fail(t, TAP_EDTYPE, "param_var", "%s is %s, but the tape is %s", p->path, tap_dtype_name(p->value.dtype),
                  tap_dtype_name(tap_tape_dtype(t)));
        return inert;
    }
    if (p->expired) tap__param_drop_grad(p);
    if (has_leaf_on(t, p)) return p->var;
    const tap_leaf leaf = { p->value, p->grad, &p->fresh, p->path };
    p->var = tap__leaf_var(t, &leaf, !p->frozen, &p->passes);
    return p->var;
}

bool tap__module_has(const tap_module *m, const tap_param *p)
{
    const tap_module *ancestor = p->module;
    while (ancestor && ancestor != m) ancestor = ancestor->parent;
    return ancestor != NULL;
}

tap_param *tap_module_next(const tap_module *m, const tap_param *p)
{
    m = tap__module(m);
    tap_param *next = p ? p->next : m->root->first;
    while (next && !tap__module_has(m, next)) next = next->next;
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
