/* nn/file_match.c: does a safetensors file hold exactly the tensors that a module or a checkpoint expects? Each expected tensor
 * must be there under its name, in its shape and dtype, and no other tensor. A mismatch is reported in one sentence:
 *
 *     w.safetensors does not fit the module: missing dec.bias; different enc.weight (float32 [4,2], not float32 [4,3]);
 *     unexpected z */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nn/internal.h"
#include "tensor/text.h"

enum { MAX_LISTED = 2 }; /* mismatches of one kind that the message lists; it only counts the others */

/* Tensors that do not match for one reason. */
typedef struct {
    const char *reason;
    int         n;
    char        text[128]; /* the first MAX_LISTED, with ", " between them */
} mismatch;

static TAP_PRINTF(2, 3) void add_mismatch(mismatch *m, const char *format, ...)
{
    size_t  used = strlen(m->text);
    va_list args;
    if (m->n++ >= MAX_LISTED) return;
    if (m->n > 1) used += (size_t)snprintf(m->text + used, sizeof m->text - used, ", ");
    if (used >= sizeof m->text) return;
    va_start(args, format);
    tap__format_list(m->text + used, sizeof m->text - used, format, args);
    va_end(args);
}

static void report(const mismatch *m, int n, const char *path, const char *to, tap_error *e)
{
    char   text[TAP_MESSAGE_SIZE] = "";
    size_t used = 0;
    for (int i = 0; i < n; i++) {
        if (m[i].n == 0) continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s", used ? "; " : "", m[i].reason, m[i].text);
        if (m[i].n > MAX_LISTED) used += (size_t)snprintf(text + used, sizeof text - used, " and %d more", m[i].n - MAX_LISTED);
    }
    if (used) tap_error_set(e, TAP_EIO, "%s does not fit the %s: %s", path, to, text);
}

bool tap__has_tensor(const char *name, int n, const tap_named_tensor *tensors)
{
    for (int i = 0; i < n; i++) {
        if (!strcmp(tensors[i].name, name)) return true;
    }
    return false;
}

static bool fits(tap_dtype found, tap_dtype expected, bool any_float)
{
    return found == expected || (any_float && tap_dtype_is_float(found) && tap_dtype_is_float(expected));
}

tap_status tap__check_file_match(const tap_safetensors *file, const char *path, int n, const tap_named_tensor *expected,
                                 bool for_module, tap_error *e)
{
    mismatch missing = { .reason = "missing" }, different = { .reason = "different" }, unexpected = { .reason = "unexpected" };
    char     a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    for (int i = 0; i < n; i++) {
        const tap_tensor *t = tap_safetensors_find(file, expected[i].name), *x = &expected[i].tensor;
        if (!t) add_mismatch(&missing, "%s", expected[i].name);
        else if (!tap_shape_equal(t->shape, x->shape) || !fits(t->dtype, x->dtype, for_module))
            add_mismatch(&different, "%s (%s %s, not %s %s)", expected[i].name, tap_dtype_name(t->dtype),
                         tap_shape_format(a, t->shape), tap_dtype_name(x->dtype), tap_shape_format(b, x->shape));
    }
    for (int i = 0; i < file->n; i++) {
        if (!tap__has_tensor(file->tensors[i].name, n, expected)) add_mismatch(&unexpected, "%s", file->tensors[i].name);
    }
    report((mismatch[]){ missing, different, unexpected }, 3, path, for_module ? "module" : "run", e);
    return e->status;
}
