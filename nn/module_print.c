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

static void put_line(printer *p, int depth, const char *name, const char *shape, int64_t count)
{
    char      text[NUMBER_TEXT];
    const int indent = depth * INDENT;
    format_count(text, count);
    if (p->out) {
        fprintf(p->out, "%*s%-*s  %-*s  %*s\n", indent, "", p->name - indent, name, p->shape, shape, p->count, text);
        return;
    }
    widen(&p->name, (size_t)indent + strlen(name));
    widen(&p->shape, strlen(shape));
    widen(&p->count, strlen(text));
}

static const char *last_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
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

/* The module after m in the tree below top, parents before children; *depth is its depth below top. */
static const tap_module *next_module(const tap_module *top, const tap_module *m, int *depth)
{
    const tap_module *next = first_child(m);
    if (next) {
        ++*depth;
        return next;
    }
    for (; m != top; m = m->parent, --*depth) {
        next = next_sibling(m);
        if (next) return next;
    }
    return NULL;
}

static void put_params(printer *p, const tap_module *m, int depth)
{
    char shape[TAP_SHAPE_TEXT];
    for (const tap_param *q = tap_module_next(m, NULL); q; q = tap_module_next(m, q)) {
        if (q->module == m)
            put_line(p, depth, last_name(q->path), tap_shape_format(shape, q->value.shape), tap_numel(q->value.shape));
    }
}

static void put_tree(printer *p, const tap_module *top)
{
    int depth = 0;
    for (const tap_module *m = top; m; m = next_module(top, m, &depth)) {
        const char *name = m != top ? last_name(m->path) : *m->path ? m->path : "module";
        put_line(p, depth, name, "", tap_module_numel(m));
        put_params(p, m, depth + 1);
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
