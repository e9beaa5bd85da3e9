/* nn/module.c: the tree of modules. The root owns the whole tree and keeps its first error. A root that has failed creates
 * nothing: new modules are the root itself, new parameters and buffers are `no_param` and `no_buffer`, which have no value. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/internal.h"
#include "tensor/arena.h"
#include "tensor/error.h"

#define NO_MEMORY "module: no memory for a root"

/* Two failed roots: the result of tap_module_new without memory, and the root of a NULL module. Nothing ever writes to a failed
 * root. */
#define FAILED_ROOT(self, status, sentence) \
    { \
        .module = { .root = &self, .path = "" }, .error = { status, sentence }, \
        .no_param = { .module = &self.module, .path = "" }, .no_buffer = { .module = &self.module, .path = "" }, \
        .no_optim = { .root = &self }, .no_linear = { &self.no_param, &self.no_param }, \
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
    r->module = (tap_module){ .root = r, .path = "", .training = true };
    r->dtype = dtype;
    r->seed = seed;
    r->memory = tap__arena_new_internal();
    r->values = tap__arena_new_internal();
    r->grads = tap__arena_new_internal();
    if (tap_arena_status(r->memory, NULL) != TAP_OK) tap_error_set(&r->error, TAP_ENOMEM, NO_MEMORY);
    tap__arena_name(r->values, "values");
    tap__arena_name(r->grads, "gradients");
    r->no_param = (tap_param){ .module = &r->module, .path = "" };
    r->no_buffer = (tap_buffer){ .module = &r->module, .path = "" };
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

const char *tap__last_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

tap_module *tap__find_child(const tap_module *m, const char *name)
{
    tap_module *c = m->children;
    while (c && strcmp(tap__last_name(c->path), name) != 0) c = c->sibling;
    return c;
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
    if (tap__find_child(m, name)) return true;
    for (const tap_param *p = m->root->first; p; p = p->next) {
        if (p->module == m && !strcmp(tap__last_name(p->path), name)) return true;
    }
    for (const tap_buffer *b = m->root->first_buffer; b; b = b->next) {
        if (b->module == m && !strcmp(tap__last_name(b->path), name)) return true;
    }
    return false;
}

const char *tap__new_path(tap_module *m, const char *name)
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
    const char *path = tap__new_path(m, name);
    tap_module *c = path ? tap__module_alloc(m, sizeof *c) : NULL;
    if (!c) return &m->root->module;
    *c = (tap_module){ .root = m->root, .parent = m, .path = path, .sibling = m->children, .training = m->training };
    m->children = c;
    return c;
}

/* ---- The tree, in order of creation; a list of children has the newest first ---- */

static const tap_module *first_child(const tap_module *m)
{
    const tap_module *c = m->children;
    while (c && c->sibling) c = c->sibling;
    return c;
}

static const tap_module *next_sibling(const tap_module *m)
{
    const tap_module *c = m->parent->children;
    if (c == m) return NULL;
    while (c->sibling != m) c = c->sibling;
    return c;
}

bool tap__module_has(const tap_module *m, const tap_module *below)
{
    while (below && below != m) below = below->parent;
    return below != NULL;
}

tap_module *tap__next_module(const tap_module *top, const tap_module *m)
{
    const tap_module *next = first_child(m);
    for (; !next && m != top; m = m->parent) next = next_sibling(m);
    return (tap_module *)(uintptr_t)next;
}

/* ---- Training and evaluation ---- */

static void set_training(tap_module *m, bool on)
{
    m = tap__module(m);
    if (is_static_root(m)) return;
    for (tap_module *c = m; c; c = tap__next_module(m, c)) c->training = on;
}

void tap_module_train(tap_module *m)
{
    set_training(m, true);
}

void tap_module_eval(tap_module *m)
{
    set_training(m, false);
}

bool tap_module_training(const tap_module *m)
{
    return tap__module(m)->training;
}
