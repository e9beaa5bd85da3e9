/* autograd/errors.c: errors on a tape, and checks of vars. A message begins with the function that the user's program called,
 * the number of that call among the calls of the function since the last reset, and the shapes and names of its inputs:
 * "softmax, call 3: [128,10] (logits): axis 5 is out of range". Three cases:
 *
 * operator called by the user      NAME, call 2: SHAPES (NAMES): reason within a composed function       NAME, call 2: SHAPES
 * (NAMES): reason; at OPERATOR: SHAPES (NAMES) within a gradient rule           backward of NAME, call 2: SHAPES (NAMES):
 * OPERATOR: SHAPES (NAMES): reason */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autograd/internal.h"
#include "tensor/text.h"
#include "tensor/error.h"

static void append(char *text, size_t size, const char *part)
{
    size_t used = strlen(text);
    if (used + 1 < size) snprintf(text + used, size - used, "%s", part);
}

bool tap__describe(const tap_tape *t, int n, const uint32_t *id, char *text, size_t size)
{
    char shape[TAP_SHAPE_TEXT];
    bool named = false;
    text[0] = '\0';
    for (int i = 0; i < n && i < 4; i++) {
        append(text, size, i ? " x " : "");
        append(text, size, tap_shape_format(shape, tap__node(t, id[i])->value.shape));
    }
    if (n > 4) append(text, size, " x ...");
    for (int i = 0; i < n && i < 4; i++) {
        const char *name = tap__name_of(tap__node(t, id[i]));
        if (!name) continue;
        append(text, size, named ? ", " : " (");
        append(text, size, name);
        named = true;
    }
    if (named) append(text, size, ")");
    return named;
}

/* ---- Calls ------------------------------------------------------------------------------------------------------- */

void tap__count_call(tap_tape *t, const char *name)
{
    t->call = 0;
    if (t->n_calls == t->max_calls) {
        const uint32_t max = t->max_calls ? 2 * t->max_calls : 256;
        const char   **grown = max > t->max_calls ? realloc(t->calls, max * sizeof *grown) : NULL;
        if (!grown) return; /* messages go without a number */
        t->calls = grown;
        t->max_calls = max;
    }
    t->calls[t->n_calls++] = name;
    t->call = t->n_calls;
}

/* Notes the inputs of a composed function for messages. If one cannot be used, the tape fails, in the name of the function. */
static void set_call_site(tap_tape *t, const char *name, int n, const tap_var *in)
{
    t->site = (tap__call_site){ .name = name };
    for (int i = 0; i < n && t->site.n < TAP_MAX_INPUTS; i++) {
        if (!in[i].tape) continue;
        if (in[i].tape != t) {
            tap__fail(t, TAP_ESTALE, name, "input %d is on another tape", i);
            tap__fail(in[i].tape, TAP_ESTALE, name, "input 0 is on another tape");
        } else if (tap__node_for_call(name, in[i])) {
            t->site.id[t->site.n++] = in[i].id;
        }
    }
}

tap_running tap_call_begin(const char *name, int n, const tap_var *in)
{
    tap_tape *t = in ? tap__tape_of(n, in) : NULL;
    if (!t || t->error.status != TAP_OK) return (tap_running){ NULL };
    if (t->depth == 0 && !t->rule) {
        tap__count_call(t, name);
        set_call_site(t, name, n, in);
    }
    t->depth++;
    return (tap_running){ t };
}

void tap_call_end(tap_running *r)
{
    if (r && r->tape) r->tape->depth--;
}

/* Appends ", call 17" for the 17th call of this name, nothing for the first. */
static void append_number(const tap_tape *t, uint32_t call, char *text, size_t size)
{
    char     number[32];
    uint32_t count = 0;
    if (call == 0) return;
    const char *name = t->calls[call - 1];
    for (uint32_t i = 0; i < call; i++) count += t->calls[i] == name || (name && t->calls[i] && !strcmp(t->calls[i], name));
    snprintf(number, sizeof number, ", call %u", count);
    if (count > 1) append(text, size, number);
}

/* Appends "NAME, call 2: [3,4] x [4] (w)". */
static void describe_call(const tap_tape *t, const char *name, uint32_t call, int n, const uint32_t *id, char *text,
                          size_t size)
{
    char inputs[TAP_MESSAGE_SIZE / 3];
    append(text, size, name ? name : "operator");
    append_number(t, call, text, size);
    tap__describe(t, n, id, inputs, sizeof inputs);
    append(text, size, *inputs ? ": " : "");
    append(text, size, inputs);
}

/* Appends "backward of NAME: ...: CALL: ...", for an error within a rule. */
static void describe_in_rule(const tap_tape *t, const char *call, int n, const uint32_t *id, char *text, size_t size)
{
    const tap_node *rule = t->rule;
    const char     *name = rule->call ? t->calls[rule->call - 1] : rule->op->name;
    append(text, size, "backward of ");
    describe_call(t, name, rule->call, rule->n_in, rule->in, text, size);
    if (n > 0) append(text, size, ": ");
    if (n > 0) describe_call(t, call, 0, n, id, text, size);
}

/* The composed function that runs and, if an input of the failing operator has a name that the inputs of the function do not
 * have, the operator: "; at affine: [128,784] x [400,20] (net.0.weight)". */
static void describe_composed(const tap_tape *t, const char *call, int n, const uint32_t *id, char *text, char *within,
                              size_t size)
{
    bool is_new = false;
    describe_call(t, t->site.name, t->call, t->site.n, t->site.id, text, size);
    for (int i = 0; i < n && i < 4; i++) {
        const char *name = tap__name_of(tap__node(t, id[i]));
        is_new = is_new || (name && !strstr(text, name));
    }
    if (!is_new) return;
    append(within, size, "; at ");
    describe_call(t, call, 0, n, id, within, size);
}

static tap_status fail_at(tap_tape *t, tap_status status, const char *call, int n, const uint32_t *id, const char *format,
                          va_list args)
{
    char where[TAP_MESSAGE_SIZE / 2] = "", within[TAP_MESSAGE_SIZE / 2] = "", why[TAP_MESSAGE_SIZE];
    if (t->rule) describe_in_rule(t, call, n, id, where, sizeof where);
    else if (t->depth > 0) describe_composed(t, call, n, id, where, within, sizeof where);
    else describe_call(t, call, t->call && t->calls[t->call - 1] == call ? t->call : 0, n, id, where, sizeof where);
    tap__format_list(why, sizeof why, format, args);
    return tap_error_set(&t->error, status, "%s: %s%s", where, why, within);
}

static tap_status fail_with(tap_tape *t, tap_status status, const char *call, int n, const uint32_t *id, const char *format,
                            ...)
{
    va_list args;
    va_start(args, format);
    status = fail_at(t, status, call, n, id, format, args);
    va_end(args);
    return status;
}

tap_status tap_call_fail(tap_call *c, tap_status status, const char *format, ...)
{
    uint32_t id[TAP_MAX_INPUTS];
    va_list  args;
    va_start(args, format);
    if (c) {
        for (int i = 0; i < c->n_in; i++) id[i] = ((const tap__op_call *)c)->vars[i].id;
        status = fail_at(c->tape, status, c->op->name, c->n_in, id, format, args);
    } else {
        status = tap__error_set_in(NULL, status, NULL, format, args);
    }
    va_end(args);
    return status;
}

tap_var tap__fail_input(const tap_node *n, tap_status status, const char *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_at(n->tape, status, call, 1, &n->id, format, args);
    va_end(args);
    return tap__inert(n->tape);
}

tap_var tap__fail_inputs(const char *call, int n, const tap_var *x, tap_status status, const char *format, ...)
{
    uint32_t id[TAP_MAX_INPUTS];
    va_list  args;
    if (!tap__same_tape(call, n, x)) return tap__inert(tap__tape_of(n, x));
    for (int i = 0; i < n; i++) id[i] = x[i].id;
    va_start(args, format);
    fail_at(x[0].tape, status, call, n, id, format, args);
    va_end(args);
    return tap__inert(x[0].tape);
}

tap_var tap__fail(tap_tape *t, tap_status status, const char *call, const char *format, ...)
{
    va_list args;
    if (!t) return tap__inert(t);
    va_start(args, format);
    fail_at(t, status, call, 0, NULL, format, args);
    va_end(args);
    return tap__inert(t);
}

tap_var tap_fail(tap_var x, tap_status status, const char *format, ...)
{
    va_list args;
    if (!x.tape) return tap__inert(NULL);
    va_start(args, format);
    if (x.tape->rule || x.tape->depth > 0) fail_at(x.tape, status, NULL, 0, NULL, format, args);
    else tap__error_set_in(&x.tape->error, status, NULL, format, args);
    va_end(args);
    return tap__inert(x.tape);
}

/* ---- Checks of vars ---------------------------------------------------------------------------------------------- */

tap_node *tap__node_for_call(const char *call, tap_var v)
{
    tap_tape *t = v.tape;
    if (!t || t->error.status != TAP_OK) return NULL;
    if (v.epoch == t->epoch && v.id > 0 && v.id < t->n_nodes) return tap__node(t, v.id);
    if (!call) call = "tape";
    if (v.id == 0 && v.epoch == t->epoch) fail_with(t, TAP_EARG, call, 0, NULL, "an empty var is used");
    else fail_with(t, TAP_ESTALE, call, 0, NULL, "var %u is used after its tape was reset", v.id);
    return NULL;
}

tap_node *tap__node_of(tap_var v)
{
    return tap__node_for_call(NULL, v);
}

bool tap__same_tape(const char *call, int n, const tap_var *in)
{
    tap_tape *t = tap__tape_of(n, in);
    for (int i = 0; t && i < n; i++) {
        if (in[i].tape && in[i].tape != t) {
            tap__fail(t, TAP_ESTALE, call, "input %d is on another tape", i);
            tap__fail(in[i].tape, TAP_ESTALE, call, "input 0 is on another tape");
            return false;
        }
        if (!in[i].tape) {
            tap__fail(t, TAP_EARG, call, "input %d is an empty var", i);
            return false;
        }
        if (!tap__node_for_call(call, in[i])) return false;
    }
    return t != NULL;
}

bool tap__inputs(const char *call, int n, const tap_var *x, tap_tensor *values)
{
    if (!tap__same_tape(call, n, x)) return false;
    for (int i = 0; i < n; i++) values[i] = tap__node(x[i].tape, x[i].id)->value;
    return true;
}
