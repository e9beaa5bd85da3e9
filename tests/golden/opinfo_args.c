/* tests/golden/opinfo_args.c: converts arguments for the rows of operators. An argument of another type fails the tape. */
#include "tests/golden/opinfo.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>

/* The result of a row that has failed. */
static tap_var no_result(const call *c)
{
    return tap_scalar(c->tape, 0);
}

tap_var bad_argument(call *c, int i, const char *expected)
{
    tap_tape_fail(c->tape, TAP_EARG, "the argument '%s' is not %s", c->parameter[i], expected);
    return no_result(c);
}

/* ---- Tensors ----------------------------------------------------------------------------------------------------- */

static const operand *find(const call *c, const cJSON *json)
{
    for (int i = 0; i < c->n_operands; i++) {
        if (c->operands[i].json == json) return &c->operands[i];
    }
    return NULL;
}

tap_var tensor(call *c, int i)
{
    const operand *o = find(c, c->argument[i]);
    return o ? o->var : bad_argument(c, i, "a tensor");
}

tap_var optional(call *c, int i)
{
    return is_given(c, i) ? tensor(c, i) : (tap_var){ 0 };
}

tap_var floating(call *c, int i)
{
    if (!is_tensor(c, i)) return tap_scalar(c->tape, number(c, i));
    tap_var x = tensor(c, i);
    return tap_value(x).dtype == tap_tape_dtype(c->tape) ? x : tap_cast(x, tap_tape_dtype(c->tape));
}

tap_var indices(call *c, int i)
{
    tap_var x = tensor(c, i);
    return tap_value(x).dtype == TAP_I64 ? x : tap_cast(x, TAP_I64);
}

const tap_var *tensors(call *c, int i, int *n)
{
    const cJSON *item;
    *n = 0;
    cJSON_ArrayForEach(item, c->argument[i])
    {
        const operand *o = find(c, item);
        if (o) c->list[(*n)++] = o->var;
    }
    if (!is_list(c, i) || *n != cJSON_GetArraySize(c->argument[i])) bad_argument(c, i, "a list of tensors");
    return c->list;
}

/* ---- Numbers and lists ------------------------------------------------------------------------------------------- */

static double number_of(const cJSON *x)
{
    const char *spelled = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(x, "float"));
    if (cJSON_IsBool(x)) return cJSON_IsTrue(x);
    if (cJSON_IsNumber(x)) return x->valuedouble;
    if (!spelled || strcmp(spelled, "nan") == 0) return (double)NAN;
    return strcmp(spelled, "-inf") == 0 ? -HUGE_VAL : HUGE_VAL;
}

double number(call *c, int i)
{
    const cJSON *x = c->argument[i];
    if (!cJSON_IsNumber(x) && !cJSON_IsBool(x) && !cJSON_HasObjectItem(x, "float")) bad_argument(c, i, "a number");
    return number_of(x);
}

static bool is_integer(const cJSON *x, int64_t *to)
{
    if (!cJSON_IsNumber(x) || !(fabs(x->valuedouble) <= 9007199254740992.0) || x->valuedouble != floor(x->valuedouble))
        return false;
    *to = (int64_t)x->valuedouble;
    return true;
}

/* PyTorch accepts a tensor of one integer as a number. */
int64_t integer(call *c, int i)
{
    int64_t x = 0;
    if (is_tensor(c, i) && tap_numel(tap_shape_of(tensor(c, i))) == 1) return (int64_t)tap_item(tensor(c, i));
    if (!is_integer(c->argument[i], &x)) bad_argument(c, i, "an integer");
    return x;
}

int small_integer(call *c, int i)
{
    int64_t x = integer(c, i);
    if (x < INT_MIN || x > INT_MAX) bad_argument(c, i, "an int");
    return x < INT_MIN || x > INT_MAX ? 0 : (int)x;
}

int integers(call *c, int i, int64_t to[LIST_SIZE])
{
    int          n = 0;
    const cJSON *item;
    if (!is_list(c, i)) {
        to[0] = integer(c, i);
        return 1;
    }
    cJSON_ArrayForEach(item, c->argument[i])
    {
        if (n == LIST_SIZE || !is_integer(item, &to[n])) {
            bad_argument(c, i, "a list of a few integers");
            return 0;
        }
        n++;
    }
    return n;
}

int small_integers(call *c, int i, int to[LIST_SIZE])
{
    int64_t x[LIST_SIZE];
    int     n = integers(c, i, x);
    for (int k = 0; k < n; k++) {
        if (x[k] < INT_MIN || x[k] > INT_MAX) bad_argument(c, i, "a list of ints");
        to[k] = (int)x[k];
    }
    return n;
}

call list_element(const call *c, int i, int which)
{
    call part = *c;
    part.argument[i] = cJSON_GetArrayItem(c->argument[i], which);
    return part;
}

tap_shape shape(call *c, int i)
{
    int64_t   n[LIST_SIZE];
    tap_shape s = { .rank = integers(c, i, n) };
    if (s.rank > TAP_MAX_RANK) {
        bad_argument(c, i, "a shape");
        return TAP_SCALAR;
    }
    memcpy(s.n, n, (size_t)s.rank * sizeof *n);
    return s;
}

tap_axes axes(call *c, int dim, int keepdim)
{
    int      axis[LIST_SIZE];
    tap_axes a = { .keepdim = keepdim >= 0 && flag(c, keepdim), .n = is_given(c, dim) ? small_integers(c, dim, axis) : 0 };
    a.all = a.n == 0;
    if (a.n > TAP_MAX_RANK) {
        bad_argument(c, dim, "a set of axes");
        a.n = 0;
    }
    memcpy(a.axis, axis, (size_t)a.n * sizeof *axis);
    return a;
}

bool flag(call *c, int i)
{
    if (!is_bool(c, i)) bad_argument(c, i, "true or false");
    return cJSON_IsTrue(c->argument[i]);
}

const char *text(call *c, int i)
{
    const char *s = cJSON_GetStringValue(c->argument[i]);
    if (!s) bad_argument(c, i, "a string");
    return s ? s : "";
}

int named(call *c, int i, int n, const char *const *names)
{
    const char *s = text(c, i);
    for (int k = 0; k < n; k++) {
        if (strcmp(s, names[k]) == 0) return k;
    }
    bad_argument(c, i, "a name that is known here");
    return 0;
}

/* ---- Types --------------------------------------------------------------------------------------------- */

bool is_given(const call *c, int i)
{
    return !cJSON_IsNull(c->argument[i]);
}

bool is_tensor(const call *c, int i)
{
    return find(c, c->argument[i]) != NULL;
}

bool is_list(const call *c, int i)
{
    return cJSON_IsArray(c->argument[i]);
}

bool is_bool(const call *c, int i)
{
    return cJSON_IsBool(c->argument[i]);
}

bool is_text(const call *c, int i, const char *value)
{
    return cJSON_IsString(c->argument[i]) && strcmp(c->argument[i]->valuestring, value) == 0;
}

/* ---- Results ----------------------------------------------------------------------------------------------------- */

tap_var two_results(call *c, tap_var first)
{
    c->n_out = 2;
    return first;
}

tap_var results_of(call *c, int n)
{
    if (n > MAX_OUTPUTS) tap_tape_fail(c->tape, TAP_EARG, "%d results, more than %d", n, MAX_OUTPUTS);
    c->n_out = n;
    return n > 0 ? c->out[0] : no_result(c);
}

tap_var skip_case(call *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->skip, sizeof c->skip, format, args);
    va_end(args);
    return no_result(c);
}
