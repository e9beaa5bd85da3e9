/* Saving and loading a module's parameters as safetensors. A file fits as a whole, or no parameter is touched. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nn/internal.h"

tap_status tap_module_save(const tap_module *m, const char *path, int n_metadata, const tap_metadata *metadata, tap_error *e)
{
    tap_error mine = tap__module(m)->root->error;
    if (!path) tap_error_set(&mine, TAP_EARG, "save: no path");
    tap_arena *a = tap_arena_new();
    size_t     n = 0;
    for (const tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) n++;
    tap_named_tensor *tensors = tap_arena_alloc(a, n * sizeof *tensors);
    if (!tensors) tap__error_copy(&mine, tap_arena_error(a));
    if (mine.status == TAP_OK) {
        n = 0;
        for (const tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p))
            tensors[n++] = (tap_named_tensor){ p->path, p->value };
        tap_safetensors_write(path, (int)n, tensors, n_metadata, metadata, &mine);
    }
    tap_arena_free(a);
    tap__error_copy(e, &mine);
    return mine.status;
}

/* The names that something is wrong with, as many as fit into a sentence. */
typedef struct {
    const char *what;
    int         n;
    char        text[128];
} complaint;

static TAP_PRINTF(2, 3) void complain(complaint *c, const char *format, ...)
{
    size_t  at = strlen(c->text);
    va_list args;
    if (c->n++ >= 2) return;
    if (c->n == 2) at += (size_t)snprintf(c->text + at, sizeof c->text - at, ", ");
    if (at >= sizeof c->text) return;
    va_start(args, format);
    vsnprintf(c->text + at, sizeof c->text - at, format, args);
    va_end(args);
}

static void report(const complaint *c, int n, const char *path, tap_error *e)
{
    char   text[TAP_MESSAGE_SIZE] = "";
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        if (c[i].n == 0) continue;
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s %s", at ? "; " : "", c[i].what, c[i].text);
        if (c[i].n > 2) at += (size_t)snprintf(text + at, sizeof text - at, " and %d more", c[i].n - 2);
    }
    if (at) tap_error_set(e, TAP_EIO, "%s does not fit the module: %s", path, text);
}

/* Whether the file holds every parameter in its shape as floating point numbers, and nothing else. */
static tap_status check(const tap_module *m, const tap_safetensors *file, const char *path, tap_error *e)
{
    complaint missing = { .what = "missing" }, wrong = { .what = "different" }, extra = { .what = "unexpected" };
    char      a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    for (const tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) {
        const tap_tensor *t = tap_safetensors_find(file, p->path);
        if (!t) complain(&missing, "%s", p->path);
        else if (!tap_shape_equal(t->shape, p->value.shape) || !tap_dtype_is_float(t->dtype))
            complain(&wrong, "%s (%s %s, not %s %s)", p->path, tap_dtype_name(t->dtype), tap_shape_format(a, t->shape),
                     tap_dtype_name(p->value.dtype), tap_shape_format(b, p->value.shape));
    }
    for (int i = 0; i < file->n; i++) {
        if (!tap_module_find(m, file->tensors[i].name)) complain(&extra, "%s", file->tensors[i].name);
    }
    report((complaint[]){ missing, wrong, extra }, 3, path, e);
    return e->status;
}

tap_status tap_module_load(tap_module *m, const char *path, tap_error *e)
{
    tap_error mine = tap__module(m)->root->error;
    if (!path) tap_error_set(&mine, TAP_EARG, "load: no path");
    tap_arena *a = tap_arena_new();
    if (mine.status == TAP_OK) {
        tap_safetensors file = tap_safetensors_read(a, path);
        tap__error_copy(&mine, tap_arena_error(a));
        if (mine.status == TAP_OK && check(m, &file, path, &mine) == TAP_OK) {
            for (const tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p))
                tap_tensor_copy(p->value, *tap_safetensors_find(&file, p->path), &mine);
        }
    }
    tap_arena_free(a);
    tap__error_copy(e, &mine);
    return mine.status;
}
