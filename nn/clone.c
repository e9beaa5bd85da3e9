/* nn/clone.c: a copy of a module, and a forward pass with the parameters of such a copy. A layer is a struct of pointers to the
 * parameters that it was initialized with. A tape can put others in their place (autograd/var_map.c), so that one struct of
 * layers serves any number of copies. */
#include <string.h>

#include "autograd/internal.h"
#include "nn/internal.h"
#include "tensor/arena.h"
#include "tensor/error.h"

const char *tap__path_below(const tap_module *m, const char *path)
{
    const size_t n = strlen(m->path);
    return n ? path + n + 1 : path;
}

/* The module of the copy that has the same path below it as `like` has below `top`. */
static tap_module *module_like(tap_module *copy, const tap_module *top, const tap_module *like)
{
    if (like == top) return copy;
    tap_module *parent = module_like(copy, top, like->parent), *c = tap__find_child(parent, tap__last_name(like->path));
    return c ? c : parent;
}

static void copy_params(tap_module *copy, const tap_module *m)
{
    for (const tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) {
        tap_param *q =
            tap_param_new(module_like(copy, m, p->module), tap__last_name(p->path), p->value.shape, tap_init_zeros());
        if (!q->value.data) return;
        tap_tensor_copy(q->value, p->value, NULL);
        q->frozen = p->frozen;
    }
}

static void copy_buffers(tap_module *copy, const tap_module *m)
{
    for (const tap_buffer *b = tap_module_next_buffer(m, NULL); b; b = tap_module_next_buffer(m, b)) {
        const tap_tensor  x = b->value;
        const tap_dtype   dtype = tap_dtype_is_float(x.dtype) ? tap_module_dtype(copy) : x.dtype;
        const tap_buffer *c = tap_buffer_new(module_like(copy, m, b->module), tap__last_name(b->path), dtype, x.shape, 0);
        if (!c->value.data) return;
        tap_tensor_copy(c->value, x, NULL);
    }
}

void tap__module_copy(tap_module *copy, const tap_module *m)
{
    copy->training = m->training;
    for (const tap_module *c = tap__next_module(m, m); c; c = tap__next_module(m, c))
        tap_module_child(module_like(copy, m, c->parent), tap__last_name(c->path))->training = c->training;
    copy_params(copy, m);
    copy_buffers(copy, m);
}

tap_module *tap_module_clone(const tap_module *m, tap_dtype dtype)
{
    m = tap__module(m);
    tap_module *copy = tap_module_new(dtype, m->root->seed);
    if (copy->root->error.status == TAP_OK) tap__error_copy(&copy->root->error, &m->root->error);
    if (copy->root->error.status == TAP_OK) tap__module_copy(copy, m);
    return copy;
}

/* ---- Forward passes with another module's state ---- */

static void replace(tap_tape *t, const void *key, void *other)
{
    tap__map_entry *e = tap__map_add(t, key);
    if (!e) return;
    e->is_given = false;
    e->var = (tap_var){ 0 };
    e->other = key == other ? NULL : other;
}

/* Whether the entry of the other module, if there is one, can stand for that at the path; if not, the tape has failed. */
static bool fits(tap_tape *t, const char *path, tap__entry e, tap__entry other)
{
    char              a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    const tap_tensor *x = tap__entry_value(e), *y = tap__entry_value(other);
    if (!y) tap__fail(t, TAP_EARG, "module_replace", "the other module has no %s", path);
    else if (!tap_shape_equal(x->shape, y->shape))
        tap__fail(t, TAP_ESHAPE, "module_replace", "%s is %s, but %s of the other module %s", path,
                  tap_shape_format(a, x->shape), tap__entry_path(other), tap_shape_format(b, y->shape));
    return tap_tape_status(t, NULL) == TAP_OK;
}

/* Whether e has this path below m, and is a parameter or a buffer as `like` is. */
static bool is_at(const tap_module *m, tap__entry e, const char *path, tap__entry like)
{
    return !e.param == !like.param && tap__entry_value(e) && !strcmp(tap__path_below(m, tap__entry_path(e)), path);
}

/* Entries of two trees correspond if their paths below m and `other` are the same. As a rule the order of creation is the same,
 * too, so that the search begins with the one after the last that was found. */
static bool replace_entries(tap_tape *t, const tap_module *m, const tap_module *other)
{
    tap__entry o = { 0 };
    for (tap__entry e = tap__next_entry(m, (tap__entry){ 0 }); tap__entry_value(e); e = tap__next_entry(m, e)) {
        const char *path = tap__path_below(m, tap__entry_path(e));
        o = tap__next_entry(other, o);
        if (!is_at(other, o, path, e)) {
            o = tap__next_entry(other, (tap__entry){ 0 });
            while (tap__entry_value(o) && !is_at(other, o, path, e)) o = tap__next_entry(other, o);
        }
        if (!fits(t, path, e, o)) return false;
        if (e.param) replace(t, e.param, o.param);
        else replace(t, e.buffer, o.buffer);
    }
    return true;
}

void tap_module_replace(tap_tape *t, tap_module *m, tap_module *other)
{
    m = tap__module(m);
    other = tap__module(other);
    if (!t || tap_tape_status(t, NULL) != TAP_OK) return;
    const tap_error *e = m->root->error.status != TAP_OK ? &m->root->error : &other->root->error;
    if (e->status != TAP_OK) {
        tap_tape_fail(t, e->status, "%s", e->message);
        return;
    }
    if (!replace_entries(t, m, other)) return;
    for (tap_module *c = m; c; c = tap__next_module(m, c)) replace(t, c, module_like(other, m, c));
}
