/* tests/autograd/test_operators.c: properties of all operators, by the rows of their gradient tests: results for unusable
 * vars, for inputs of another dtype, and messages; and whether each operator has a row. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/autograd/gradient_tables.h"
#include "tests/autograd/no_gradient.h"
#include "tests/autograd/sources.h"

/* ---- Unusable vars: the result is inert, nothing crashes, and the tape keeps its first error ---- */

static void inputs_on(tap_tape *t, const gradient_row *r, tap_var *in)
{
    for (int i = 0; i < r->n; i++) in[i] = tap_full(t, r->shape[i], 0.5 * (r->low[i] + r->high[i]));
}

static void expect_inert(const gradient_row *r, const char *how, tap_tape *t, const tap_var *in, tap_status want)
{
    const char *message;
    tap_var     y = r->f(t, in, NULL);
    tap_status  status = tap_tape_status(t, &message);
    if (y.id != 0) fail_msg("%s, %s: the result is not inert", r->op, how);
    if (want != TAP_OK && status != want) fail_msg("%s, %s: %s: %s", r->op, how, tap_status_name(status), message);
    if (status != TAP_OK && !*message) fail_msg("%s, %s: fails without a message", r->op, how);
}

static void check_unusable(const gradient_row *r)
{
    tap_tape   *t = tap_tape_new(TAP_F64, 1), *other = tap_tape_new(TAP_F64, 2);
    tap_var     in[GRADIENT_INPUTS] = { { 0 } }, none[GRADIENT_INPUTS] = { { 0 } };
    const char *message;
    expect_inert(r, "no vars", t, none, TAP_OK);
    tap_tape_free(t);

    t = tap_tape_new(TAP_F64, 1);
    inputs_on(t, r, in);
    tap_tape_reset(t);
    expect_inert(r, "stale vars", t, in, TAP_ESTALE);
    tap_tape_free(t);

    t = tap_tape_new(TAP_F64, 1);
    for (int i = 0; i < r->n; i++) in[i] = tap__inert(t);
    expect_inert(r, "inert vars", t, in, TAP_EARG);
    tap_tape_free(t);

    t = tap_tape_new(TAP_F64, 1);
    inputs_on(t, r, in);
    in[0] = (tap_var){ 0 };
    if (r->n > 1) expect_inert(r, "no first var", t, in, TAP_EARG);
    tap_tape_free(t);

    t = tap_tape_new(TAP_F64, 1);
    inputs_on(t, r, in);
    inputs_on(other, r, none);
    for (int i = 1; i < r->n; i++) in[i] = none[i];
    if (r->n > 1) expect_inert(r, "vars of two tapes", t, in, TAP_ESTALE);
    tap_tape_free(t);

    t = tap_tape_new(TAP_F64, 1);
    inputs_on(t, r, in);
    tap_tape_fail(t, TAP_EIO, "the first error");
    expect_inert(r, "a failed tape", t, in, TAP_EIO);
    tap_tape_status(t, &message);
    assert_string_equal(message, "the first error");
    tap_tape_free(t);
    tap_tape_free(other);
}

static void test_unusable_vars(void **state)
{
    (void)state;
    for (int k = 0; k < TABLES; k++) {
        for (const gradient_row *r = tables[k]; r->op; r++) check_unusable(r);
    }
}

/* ---- Inputs of another float dtype than the tape's: constants in operators and rules have the dtype of the inputs ---- */

static void expect_f32(const gradient_row *r, const char *what, tap_var v)
{
    const char *message;
    if (tap_tape_status(v.tape, &message) != TAP_OK) fail_msg("%s: %s", r->op, message);
    if (tap_value(v).dtype != TAP_F32) fail_msg("%s: the %s of float32 is %s", r->op, what, tap_dtype_name(tap_value(v).dtype));
}

static void check_other_dtype(const gradient_row *r)
{
    tap_tape  *t = tap_tape_new(TAP_F64, 1);
    tap_arena *a = tap_arena_new();
    tap_var    in[GRADIENT_INPUTS], dx[GRADIENT_INPUTS];
    for (int i = 0; i < r->n; i++) {
        tap_tensor x = tap_tensor_zeros(a, TAP_F32, r->shape[i]);
        tap_tensor_fill(x, 0.5 * (r->low[i] + r->high[i]));
        in[i] = tap_variable(t, x);
    }
    tap_var y = r->f(t, in, NULL);
    expect_f32(r, "result", y);
    tap_vjp(y, tap_full_like(y, 1), r->n, in, dx);
    for (int i = 0; i < r->n; i++) expect_f32(r, "gradient", dx[i]);
    tap_tape_free(t);
    tap_arena_free(a);
}

static void test_another_dtype(void **state)
{
    (void)state;
    for (int k = 0; k < TABLES; k++) {
        for (const gradient_row *r = tables[k]; r->op; r++) {
            if (strcmp(r->op, "cast") != 0) check_other_dtype(r);
        }
    }
}

/* ---- Messages begin with the name of the function that was called ---- */

/* An input of another dtype, of sizes that fit no other input, or with too many axes. */
static tap_var make_misfit(tap_tape *t, const gradient_row *r, int input, int how)
{
    const tap_shape odd[] = { TAP_SHAPE(7, 5), TAP_SHAPE(11), TAP_SCALAR, { 8, { 1, 1, 1, 1, 1, 1, 1, 13 } }, TAP_SHAPE(0, 3) };
    const tap_dtype dtypes[] = { TAP_I64, TAP_BOOL, TAP_U8 };
    if (how < 5) return tap_full(t, odd[how], 0.5);
    return tap_cast(tap_full(t, r->shape[input], 1), dtypes[how - 5]);
}

/* Whether the message begins with the name of the last function that was called on the tape. */
static bool begins_with_the_call(const tap_tape *t, const char *message)
{
    const char  *name = t->n_calls > 0 ? t->calls[t->n_calls - 1] : "";
    const size_t n = strlen(name);
    return !strncmp(message, name, n) && (message[n] == ':' || message[n] == ',');
}

/* Whether a call that fails has a message that begins with its name. */
static bool names_the_call(const gradient_row *r, int input, int how)
{
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   in[GRADIENT_INPUTS];
    inputs_on(t, r, in);
    in[input] = make_misfit(t, r, input, how);
    t->n_calls = 0;
    r->f(t, in, NULL);
    const char *message = tap_tape_message(t);
    const bool  good = !*message || begins_with_the_call(t, message);
    if (!good) print_error("%s, input %d, way %d: %s\n", r->op, input, how, message);
    tap_tape_free(t);
    return good;
}

static void test_messages_begin_with_the_call(void **state)
{
    int bad = 0;
    (void)state;
    for (int k = 0; k < TABLES; k++) {
        for (const gradient_row *r = tables[k]; r->op; r++) {
            for (int i = 0; i < r->n; i++) {
                for (int how = 0; how < 8; how++) bad += !names_the_call(r, i, how);
            }
        }
    }
    assert_int_equal(bad, 0);
}

/* A composed function without TAP_CALL would record the calls within it instead of its own. */
static bool is_called_by_name(const gradient_row *r)
{
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   in[GRADIENT_INPUTS];
    bool      found = false;
    inputs_on(t, r, in);
    r->f(t, in, NULL);
    for (uint32_t i = 0; i < t->n_calls; i++) found = found || !strcmp(t->calls[i], r->op);
    tap_tape_free(t);
    return found;
}

static bool is_public(const char *name);

static void test_every_function_is_called_by_name(void **state)
{
    int bad = 0;
    (void)state;
    for (int k = 0; k < TABLES; k++) {
        for (const gradient_row *r = tables[k]; r->op; r++) {
            const bool good = !is_public(r->op) || is_called_by_name(r);
            if (!good) print_error("%s: no call of this name is on the tape\n", r->op);
            bad += !good;
        }
    }
    assert_int_equal(bad, 0);
}

/* ---- Completeness: sources and headers are searched for operators and functions ---- */

static bool has_row(const char *name)
{
    for (int k = 0; k < TABLES; k++) {
        for (const gradient_row *r = tables[k]; r->op; r++) {
            if (!strcmp(r->op, name)) return true;
        }
    }
    return false;
}

typedef struct {
    char missing[4096];
} demands;

static void require_row(const char *name, void *context)
{
    demands *d = context;
    if (has_row(name) || needs_no_gradient(name) || strlen(d->missing) + strlen(name) + 2 >= sizeof d->missing) return;
    strcat(strcat(d->missing, " "), name);
}

static void test_every_operator_has_a_row(void **state)
{
    (void)state;
    demands   d = { "" };
    const int found = sources_operators(require_row, &d);
    if (found < 0) fail_msg("the sources cannot be read; set TAP_SOURCE_ROOT");
    assert_true(found >= 42);
    if (*d.missing) fail_msg("operators without a gradient test:%s", d.missing);
}

static void test_every_function_has_a_row(void **state)
{
    (void)state;
    demands d = { "" };
    if (sources_functions(require_row, &d) <= 0) fail_msg("the headers cannot be read; set TAP_SOURCE_ROOT");
    if (*d.missing) fail_msg("functions without a gradient test:%s", d.missing);
}

typedef struct {
    const char *name;
    bool        found;
} wanted;

static void compare_name(const char *name, void *context)
{
    wanted *w = context;
    w->found = w->found || !strcmp(name, w->name);
}

/* Whether a header declares a function of this name. Some operators have no public function. */
static bool is_public(const char *name)
{
    wanted w = { name, false };
    if (sources_functions(compare_name, &w) <= 0) fail_msg("the headers cannot be read; set TAP_SOURCE_ROOT");
    return w.found;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unusable_vars),
        cmocka_unit_test(test_another_dtype),
        cmocka_unit_test(test_messages_begin_with_the_call),
        cmocka_unit_test(test_every_function_is_called_by_name),
        cmocka_unit_test(test_every_operator_has_a_row),
        cmocka_unit_test(test_every_function_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
