/* nn/buffer.c: buffers: tensors that are saved, loaded and checkpointed with a module, but not trained, such as the running
 * statistics of batch normalization. Parameters and buffers together are the state of a module, whose entries are below. */
#include <string.h>

#include "autograd/internal.h"
#include "nn/internal.h"
#include "tensor/arena.h"
#include "tensor/error.h"

tap_buffer *tap_buffer_new(tap_module *m, const char *name, tap_dtype dtype, tap_shape shape, double value)
{
    m = tap__module(m);
    tap__root  *r = m->root;
    const char *path = tap__new_path(m, name);
    tap_buffer *b = path ? tap__module_alloc(m, sizeof *b) : NULL;
    if (!b) return &r->no_buffer;
    *b = (tap_buffer){ .module = m, .path = path, .value = tap_tensor_zeros(r->values, dtype, shape) };
    if (!b->value.data) {
        const tap_error *e = tap_arena_error(r->values);
        tap_error_set(&r->error, e->status, "%s: %s", path, e->message);
        return &r->no_buffer;
    }
    tap_tensor_fill(b->value, value);
    if (r->last_buffer) r->last_buffer->next = b;
    else r->first_buffer = b;
    r->last_buffer = b;
    return b;
}

const char *tap_buffer_path(const tap_buffer *b)
{
    return b ? b->path : "";
}

tap_tensor tap_buffer_value(const tap_buffer *b)
{
    return b ? b->value : (tap_tensor){ 0 };
}

tap_tensor tap_buffer_value_on(const tap_tape *t, const tap_buffer *b)
{
    const tap__map_entry *e = t && b ? tap__map_find(t, b) : NULL;
    return tap_buffer_value(e && e->other ? e->other : b);
}

bool tap_module_training_on(const tap_tape *t, const tap_module *m)
{
    const tap__map_entry *e = t && m ? tap__map_find(t, m) : NULL;
    return tap_module_training(e && e->other ? e->other : m);
}

tap_buffer *tap_module_next_buffer(const tap_module *m, const tap_buffer *b)
{
    m = tap__module(m);
    tap_buffer *next = b ? b->next : m->root->first_buffer;
    while (next && !tap__module_has(m, next->module)) next = next->next;
    return next;
}

tap_buffer *tap_module_buffer(const tap_module *m, const char *path)
{
    for (tap_buffer *b = tap_module_next_buffer(m, NULL); path && b; b = tap_module_next_buffer(m, b)) {
        if (!strcmp(b->path, path)) return b;
    }
    return NULL;
}

/* ---- Entries of a module's state ---- */

tap__entry tap__next_entry(const tap_module *m, tap__entry e)
{
    tap_param *p = e.buffer ? NULL : tap_module_next(m, e.param);
    return p ? (tap__entry){ .param = p } : (tap__entry){ .buffer = tap_module_next_buffer(m, e.buffer) };
}

const char *tap__entry_path(tap__entry e)
{
    return e.param ? e.param->path : tap_buffer_path(e.buffer);
}

tap_tensor *tap__entry_value(tap__entry e)
{
    if (e.param) return &e.param->value;
    return e.buffer ? &e.buffer->value : NULL;
}
