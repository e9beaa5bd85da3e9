/* nn/module_print.c: a module as text: the tree of its modules and parameters, in two passes: the first measures the
 * columns. */
#include <stdio.h>
#include <string.h>

#include "nn/internal.h"

enum { INDENT = 2, NUMBER_TEXT = 32 };

/* The widths of the columns: names, shapes, and counts of numbers. */
typedef struct {
    FILE *out; /* NULL: the first pass, which measures */
    int   name, shape, count;
} printer;

/* Formats 12345 as "12,345". */
static const char *format_count(char text[NUMBER_TEXT], int64_t n)
{
    char      digits[NUMBER_TEXT], *to = text;
    const int length = snprintf(digits, sizeof digits, "%lld", (long long)n);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

static void widen(int *width, size_t n)
{
    if (n > (size_t)*width) *width = (int)n;
}

/* count: the number of elements; -1: a buffer. */
static void put_line(printer *p, int depth, const char *name, const char *shape, int64_t count)
{
    char      text[NUMBER_TEXT] = "buffer";
    const int indent = depth * INDENT;
    if (count >= 0) format_count(text, count);
    if (p->out) {
        fprintf(p->out, "%*s%-*s  %-*s  %*s\n", indent, "", p->name - indent, name, p->shape, shape, p->count, text);
        return;
    }
    widen(&p->name, (size_t)indent + strlen(name));
    widen(&p->shape, strlen(shape));
    widen(&p->count, strlen(text));
}

static void put_params(printer *p, const tap_module *m, int depth)
{
    char shape[TAP_SHAPE_TEXT];
    for (const tap_param *q = tap_module_next(m, NULL); q; q = tap_module_next(m, q)) {
        if (q->module == m)
            put_line(p, depth, tap__last_name(q->path), tap_shape_format(shape, q->value.shape), tap_numel(q->value.shape));
    }
}

/* Buffers have no count, since the counts are of parameters. */
static void put_buffers(printer *p, const tap_module *m, int depth)
{
    char shape[TAP_SHAPE_TEXT];
    for (const tap_buffer *b = tap_module_next_buffer(m, NULL); b; b = tap_module_next_buffer(m, b)) {
        if (b->module == m) put_line(p, depth, tap__last_name(b->path), tap_shape_format(shape, b->value.shape), -1);
    }
}

static int depth_below(const tap_module *top, const tap_module *m)
{
    int depth = 0;
    for (; m != top; m = m->parent) depth++;
    return depth;
}

static void put_tree(printer *p, const tap_module *top)
{
    for (const tap_module *m = top; m; m = tap__next_module(top, m)) {
        const char *name = m != top ? tap__last_name(m->path) : *m->path ? m->path : "module";
        const int   depth = depth_below(top, m);
        put_line(p, depth, name, "", tap_module_numel(m));
        put_params(p, m, depth + 1);
        put_buffers(p, m, depth + 1);
    }
}

void tap_module_fprint(FILE *out, const tap_module *m)
{
    char        text[NUMBER_TEXT];
    const char *message;
    printer     p = { 0 };
    if (!out) return;
    const tap_status status = tap_module_status(m, &message);
    if (status != TAP_OK) fprintf(out, "failed module (%s: %s)\n", tap_status_name(status), message);
    if (status != TAP_OK && !tap_module_next(m, NULL)) return;
    put_tree(&p, m);
    p.out = out;
    put_tree(&p, m);
    fprintf(out, "total: %s parameters, %s\n", format_count(text, tap_module_numel(m)), tap_dtype_name(tap_module_dtype(m)));
}

void tap_module_print(const tap_module *m)
{
    tap_module_fprint(stdout, m);
}
