/* autograd/nonfinite.c: where NaN and infinity come from. Once tap_tape_trace_nonfinite is on, each result is searched after it
 * has been computed, and the tape fails at the first that holds a NaN or an infinity although its inputs do not. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/internal.h"
#include "tensor/arena.h"
#include "tensor/kernels/reduce.h"

static bool is_nan(double x)
{
    return isnan(x);
}

static bool is_not_finite(double x)
{
    return !isfinite(x);
}

/* The first element for which the predicate holds, in C order; -1: none. */
static int64_t find_element(tap_tensor x, bool (*predicate)(double))
{
    int64_t n = tap_tensor_numel(x);
    if (!tap_dtype_is_float(x.dtype) || (tap_tensor_is_contiguous(x) && tap__all_finite(n, x.dtype, x.data))) return -1;
    for (int64_t i = 0; i < n; i++) {
        if (predicate(tap_tensor_item(x, i))) return i;
    }
    return -1;
}

/* "-inf at [3,7]" */
static const char *format_element(char *text, size_t size, tap_tensor x, int64_t element)
{
    char      index[TAP_SHAPE_TEXT];
    double    value = tap_tensor_item(x, element);
    tap_shape at = { .rank = x.shape.rank };
    for (int i = at.rank - 1; i >= 0; i--) {
        at.n[i] = element % x.shape.n[i];
        element /= x.shape.n[i];
    }
    snprintf(text, size, "%s at %s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf", tap_shape_format(index, at));
    return text;
}

/* The nearest name among the nodes that these were computed from, breadth first; NULL if no node has a name. */
static const char *nearest_name(tap_tape *t, int n, const uint32_t *id)
{
    const char *name = NULL;
    uint32_t    first = 0, last = 0, *queue = tap__arena_acquire(t->arena, t->n_nodes * sizeof *queue);
    bool       *visited = tap__arena_acquire(t->arena, t->n_nodes * sizeof *visited);
    if (visited) memset(visited, 0, t->n_nodes * sizeof *visited);
    while (queue && visited && !name) {
        for (int i = 0; i < n; i++) {
            if (!visited[id[i]]) queue[last++] = id[i];
            visited[id[i]] = true;
        }
        if (first == last) break;
        const tap_node *at = tap__node(t, queue[first++]);
        name = at->name;
        n = at->op ? at->n_in : 0;
        id = at->in;
    }
    if (queue) tap__arena_release(t->arena, queue);
    if (visited) tap__arena_release(t->arena, visited);
    return name;
}

/* Fails the tape in the name of the operator. Within a rule, the message begins with the operator whose rule it is, since that
 * one stands in the user's source. */
static void fail_nonfinite(tap_call *c, int n, const uint32_t *id, const char *what)
{
    tap_tape       *t = c->tape;
    const tap_node *rule = t->rule;
    char            shapes[TAP_MESSAGE_SIZE / 3], outer[TAP_MESSAGE_SIZE / 2] = "";
    bool            named = tap__describe(t, n, id, shapes, sizeof shapes);
    if (rule) {
        char around[TAP_MESSAGE_SIZE / 3];
        named = tap__describe(t, rule->n_in, rule->in, around, sizeof around) || named;
        snprintf(outer, sizeof outer, "backward of %s: %s: ", rule->op->name, around);
    }
    const char *name = named ? NULL : rule ? nearest_name(t, rule->n_in, rule->in) : nearest_name(t, n, id);
    tap_error_set(&t->error, TAP_ENONFINITE, "%s%s: %s: %s%s%s", outer, c->op->name, shapes, what,
                  name ? ", downstream of " : "", name ? name : "");
}

/* Whether an attribute of the operator is infinite. Attributes count as inputs: a mask may fill in -infinity. */
static bool has_infinite_attr(const tap_call *c)
{
    double number;
    for (size_t at = 0; c->attr && at + sizeof number <= c->op->attr_size; at += sizeof number) {
        memcpy(&number, (const char *)c->attr + at, sizeof number);
        if (isinf(number)) return true;
    }
    return false;
}

bool tap__is_finite(tap_tensor x, char *text, size_t size)
{
    int64_t element = find_element(x, is_not_finite);
    if (element >= 0) format_element(text, size, x, element);
    return element < 0;
}

void tap__trace_nonfinite(tap_call *c, const tap_var *in, tap_tensor out)
{
    char     what[TAP_SHAPE_TEXT + 64], text[TAP_SHAPE_TEXT + 16];
    uint32_t id[TAP_MAX_INPUTS];
    int64_t  infinite = find_element(out, is_not_finite);
    if (infinite < 0) return;
    int64_t nan = find_element(out, is_nan), source = -1;
    int     i = 0;
    for (; i < c->n_in; i++) {
        source = find_element(c->in[i], nan < 0 ? is_not_finite : is_nan);
        if (source >= 0) break;
    }
    if (nan < 0 && (source >= 0 || has_infinite_attr(c))) return;
    if (source >= 0) snprintf(what, sizeof what, "input %d holds %s", i, format_element(text, sizeof text, c->in[i], source));
    else snprintf(what, sizeof what, "gives %s", format_element(text, sizeof text, out, nan < 0 ? infinite : nan));
    for (int k = 0; k < c->n_in; k++) id[k] = in[k].id;
    fail_nonfinite(c, c->n_in, id, what);
}

void tap__trace_leaf(tap_tape *t, const tap_leaf *leaf)
{
    char    text[TAP_SHAPE_TEXT + 16], shape[TAP_SHAPE_TEXT];
    int64_t element = find_element(leaf->value, is_not_finite);
    if (element < 0) return;
    tap_error_set(&t->error, TAP_ENONFINITE, "leaf: %s%s%s%s: holds %s", tap_shape_format(shape, leaf->value.shape),
                  leaf->name ? " (" : "", leaf->name ? leaf->name : "", leaf->name ? ")" : "",
                  format_element(text, sizeof text, leaf->value, element));
}
