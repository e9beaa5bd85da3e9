/* Whether a file holds what is to be put back: each tensor under its name, in its shape and dtype, and nothing else. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nn/internal.h"
#include "tensor/text.h"

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
    tap__format_list(c->text + at, sizeof c->text - at, format, args);
    va_end(args);
}

static void report(const complaint *c, int n, const char *path, const char *to, tap_error *e)
{
    char   text[TAP_MESSAGE_SIZE] = "";
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        if (c[i].n == 0) continue;
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s %s", at ? "; " : "", c[i].what, c[i].text);
        if (c[i].n > 2) at += (size_t)snprintf(text + at, sizeof text - at, " and %d more", c[i].n - 2);
    }
    if (at) tap_error_set(e, TAP_EIO, "%s does not fit the %s: %s", path, to, text);
}

static bool is_among(const char *name, int n, const tap_named_tensor *wanted)
{
    for (int i = 0; i < n; i++) {
        if (!strcmp(wanted[i].name, name)) return true;
    }
    return false;
}

tap_status tap__check_tensors(const tap_safetensors *file, const char *path, const char *to, int n,
                              const tap_named_tensor *wanted, bool any_float, tap_error *e)
{
    complaint missing = { .what = "missing" }, wrong = { .what = "different" }, extra = { .what = "unexpected" };
    char      a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    for (int i = 0; i < n; i++) {
        const tap_tensor *t = tap_safetensors_find(file, wanted[i].name), *x = &wanted[i].tensor;
        if (!t) complain(&missing, "%s", wanted[i].name);
        else if (!tap_shape_equal(t->shape, x->shape) || (any_float ? !tap_dtype_is_float(t->dtype) : t->dtype != x->dtype))
            complain(&wrong, "%s (%s %s, not %s %s)", wanted[i].name, tap_dtype_name(t->dtype), tap_shape_format(a, t->shape),
                     tap_dtype_name(x->dtype), tap_shape_format(b, x->shape));
    }
    for (int i = 0; i < file->n; i++) {
        if (!is_among(file->tensors[i].name, n, wanted)) complain(&extra, "%s", file->tensors[i].name);
    }
    report((complaint[]){ missing, wrong, extra }, 3, path, to, e);
    return e->status;
}
