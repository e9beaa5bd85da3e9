/* autograd/debug.c: a var as text (tap_dump), and the graph of a tape in the language of Graphviz (tap_tape_write_dot). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "autograd/internal.h"
#include "tensor/text.h"

static const char *op_name(const tap_node *n)
{
    return n->op ? n->op->name : n->is_leaf ? "parameter" : n->requires_grad ? "variable" : "constant";
}

void tap_dump(tap_var v, FILE *out)
{
    char            shape[TAP_SHAPE_TEXT], number[32];
    const char     *message;
    const tap_node *n = tap__node_of(v);
    if (!out) return;
    if (!n) {
        tap_status s = tap_tape_status(v.tape, &message);
        fprintf(out, "inert var (%s%s%s)\n", tap_status_name(s), *message ? ": " : "", message);
        return;
    }
    int64_t count = tap_numel(n->value.shape);
    fprintf(out, "%%%u %s%s%s %s %s%s:", n->id, op_name(n), n->name ? " " : "", n->name ? n->name : "",
            tap_dtype_name(n->value.dtype), tap_shape_format(shape, n->value.shape),
            n->requires_grad ? ", needs a gradient" : "");
    for (int64_t i = 0; i < count && i < 6; i++) {
        tap__format(number, sizeof number, " %.6g", tap_tensor_item(n->value, i));
        fputs(number, out);
    }
    fprintf(out, "%s\n", count > 6 ? " ..." : "");
}

/* Formatted text into a file. The file keeps its first error, and appears at its path when it is complete. */
static void print(tap_file *f, const char *format, ...) TAP_PRINTF(2, 3);

static void print(tap_file *f, const char *format, ...)
{
    char    line[512];
    va_list args;
    va_start(args, format);
    tap__format_list(line, sizeof line, format, args);
    va_end(args);
    tap_file_write(f, line, strlen(line));
}

/* The text of a label: quotes and backslashes are escaped, control characters left out. */
static void print_escaped(tap_file *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') print(f, "\\%c", *text);
        else if ((unsigned char)*text >= ' ') print(f, "%c", *text);
    }
}

static void print_node(tap_file *f, const tap_node *n)
{
    char shape[TAP_SHAPE_TEXT];
    print(f, "  n%u [label=\"%s\\n", n->id, op_name(n));
    if (n->name) {
        print_escaped(f, n->name);
        print(f, "\\n");
    }
    print(f, "%s %s\"%s];\n", tap_dtype_name(n->value.dtype), tap_shape_format(shape, n->value.shape),
          n->is_leaf ? ", style=filled, fillcolor=lightblue"
          : n->op    ? ""
                     : ", style=filled, fillcolor=lightgrey");
    for (int i = 0; i < n->n_in; i++) print(f, "  n%u -> n%u;\n", n->in[i], n->id);
}

/* Whether a node belongs into the picture. A constant that no recorded call uses does not. */
static bool is_used(const tap_tape *t, uint32_t id)
{
    if (tap__node(t, id)->op || tap__node(t, id)->requires_grad) return true;
    for (uint32_t k = id + 1; k < t->n_nodes; k++) {
        const tap_node *n = tap__node(t, k);
        for (int i = 0; i < n->n_in; i++) {
            if (n->in[i] == id) return true;
        }
    }
    return false;
}

tap_status tap_tape_write_dot(tap_tape *t, const char *path, tap_error *e)
{
    if (!t || !path) return tap_error_set(e, TAP_EARG, "write_dot: a tape and a path are needed");
    tap_file *f = tap_file_create(path, e);
    if (!f) return e ? e->status : TAP_EIO;
    print(f, "digraph tape {\n  rankdir=BT;\n  node [shape=box, fontname=monospace];\n");
    for (uint32_t id = 1; id < t->n_nodes; id++) {
        if (is_used(t, id)) print_node(f, tap__node(t, id));
    }
    print(f, "}\n");
    return tap_file_commit(f);
}
