/* tests/golden/opinfo_case.c: one case. Compares the operator in float64 with the stored results and gradients, and in float32
 * with itself in float64. */
#include "tests/golden/opinfo.h"

typedef struct {
    int        n;
    tap_tensor x[MAX_OUTPUTS];
} results;

/* A name for messages: "out3" and the like. */
typedef struct {
    char text[48];
} label;

static label numbered(const char *kind, int number)
{
    label l;
    snprintf(l.text, sizeof l.text, "%s%d", kind, number);
    return l;
}

/* Whether the tape has no error. Writes its message otherwise. */
static bool tape_ok(const call *c, FILE *out)
{
    const char *message;
    if (tap_tape_status(c->tape, &message) == TAP_OK) return true;
    fputs(message, out);
    return false;
}

/* Runs the operator, and copies its results to r. */
static bool run(call *c, precision p, FILE *out, results *r)
{
    if (opinfo_begin(c, p)) c->out[0] = c->row->run(c);
    if (c->skip[0] || !tape_ok(c, out)) return false;
    r->n = c->n_out;
    for (int i = 0; i < r->n; i++) {
        tap_tensor x = tap_value(c->out[i]);
        r->x[i] = tap_tensor_zeros(c->case_arena, x.dtype, x.shape);
        tap_tensor_copy(r->x[i], x, tap_arena_error(c->case_arena));
    }
    return true;
}

static bool check_results(const call *c, FILE *out, const results *r)
{
    int n = 0;
    while (n < MAX_OUTPUTS && opinfo_tensor(c, "out", n)) n++;
    if (n != r->n) fprintf(out, "%d results, expected %d", r->n, n);
    for (int i = 0; i < n && n == r->n; i++) {
        if (!opinfo_compare(out, numbered("out", i).text, r->x[i], *opinfo_tensor(c, "out", i), opinfo_exact)) return false;
    }
    return n == r->n && n > 0;
}

/* d sum_k <out_k, cot_k> / d x */
static bool differentiate(call *c, FILE *out, int n, const tap_var *x, tap_var *dx)
{
    tap_var part[MAX_OPERANDS];
    int     cotangents = 0;
    for (int k = 0; k < c->n_out; k++) {
        const tap_tensor *cotangent = opinfo_tensor(c, "cot", k);
        if (!cotangent) continue;
        tap_vjp(c->out[k], tap_input(c->tape, *cotangent), n, x, part);
        for (int i = 0; i < n; i++) dx[i] = cotangents ? tap_add(dx[i], part[i]) : part[i];
        cotangents++;
    }
    if (!cotangents) fputs("there are gradients, but no cotangents", out);
    return cotangents && tape_ok(c, out);
}

static const operand *input(const call *c, int number)
{
    for (int i = 0; i < c->n_operands; i++) {
        if (c->operands[i].number == number) return &c->operands[i];
    }
    return NULL;
}

static bool check_gradients(call *c, FILE *out)
{
    tap_var x[MAX_OPERANDS], dx[MAX_OPERANDS];
    int     number[MAX_OPERANDS], n = 0;
    for (int i = 0; i < MAX_OPERANDS; i++) {
        if (!opinfo_tensor(c, "grad", i)) continue;
        if (!input(c, i)) {
            fprintf(out, "there is a grad%d, but no argument in%d", i, i);
            return false;
        }
        x[n] = input(c, i)->var;
        number[n++] = i;
    }
    if (n == 0) return true;
    if (!differentiate(c, out, n, x, dx)) return false;
    for (int i = 0; i < n; i++) {
        const tap_tensor *want = opinfo_tensor(c, "grad", number[i]);
        if (!opinfo_compare(out, numbered("grad", number[i]).text, tap_value(dx[i]), *want, opinfo_exact)) return false;
    }
    return true;
}

static bool check_float32(tap_arena *a, FILE *out, const results *exact, const results *rounded, const results *single)
{
    for (int i = 0; i < exact->n; i++) {
        tap_tensor want = rounded->x[i]; /* rounded to float32 below, as larger values become infinity */
        tolerance  t = opinfo_single(exact->x[i], want);
        if (want.dtype == TAP_F64) want = tap_tensor_cast(a, want, TAP_F32);
        if (!opinfo_compare(out, numbered("in float32, out", i).text, single->x[i], want, t)) return false;
    }
    return true;
}

static bool check(call *c, FILE *out)
{
    results exact, rounded, single;
    bool    ok = run(c, EXACT, out, &exact) && check_results(c, out, &exact) && check_gradients(c, out);
    opinfo_end(c);
    if (!ok) return false;
    ok = run(c, ROUNDED, out, &rounded);
    opinfo_end(c);
    if (!ok) return false;
    ok = run(c, SINGLE, out, &single);
    opinfo_end(c);
    return ok && check_float32(c->case_arena, out, &exact, &rounded, &single);
}

outcome opinfo_case(const operator_row *row, const tap_safetensors *file, const char *name, const cJSON *sample, FILE *out)
{
    call c = { .row = row, .file = file, .name = name, .case_arena = tap_arena_new() };
    char reason[REASON_SIZE];
    bool bound = opinfo_bind(&c, sample, reason), ok = bound && check(&c, out);
    if (!bound) fputs(reason, out);
    if (c.skip[0]) fputs(c.skip, out);
    opinfo_unbind(&c);
    tap_arena_free(c.case_arena);
    return ok ? PASSED : c.skip[0] ? SKIPPED : FAILED;
}
