/* tests/golden/opinfo_bind.c: binds the arguments of a sample to parameters, and puts its tensors on the tape of a run. */
#include "tests/golden/opinfo.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

static bool refuse(char reason[REASON_SIZE], const char *format, ...) TAP_PRINTF(2, 3);
static bool refuse(char reason[REASON_SIZE], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reason, REASON_SIZE, format, args);
    va_end(args);
    return false;
}

/* ---- Binding ----------------------------------------------------------------------------------------------------- */

/* "name" or "name=default". A default that is not JSON is a string. */
static void add_parameter(call *c, const char *spec, size_t length)
{
    char copy[64] = "";
    int  i = c->n_parameters++;
    memcpy(copy, spec, length < sizeof copy ? length : sizeof copy - 1);
    char *equals = strchr(copy, '=');
    if (equals) {
        *equals++ = '\0';
        cJSON *value = cJSON_Parse(equals);
        if (!value) value = cJSON_CreateString(equals);
        cJSON_AddItemToArray(c->defaults, value);
        c->argument[i] = value;
    }
    snprintf(c->parameter[i], sizeof c->parameter[i], "%.*s", (int)sizeof c->parameter[i] - 1, copy);
}

static void read_signature(call *c)
{
    const char *at = c->row->signature;
    c->defaults = cJSON_CreateArray();
    c->n_parameters = 0;
    while (*at && c->n_parameters < MAX_PARAMETERS) {
        size_t length = strcspn(at, ",");
        add_parameter(c, at, length);
        at += length;
        at += strspn(at, ", ");
    }
}

static bool bind_keyword(call *c, const cJSON *value, char reason[REASON_SIZE])
{
    for (int i = 0; i < c->n_parameters; i++) {
        if (strcmp(c->parameter[i], value->string) != 0) continue;
        c->argument[i] = value;
        return true;
    }
    return refuse(reason, "there is no parameter '%.40s' (%s)", value->string, c->row->signature);
}

bool opinfo_bind(call *c, const cJSON *sample, char reason[REASON_SIZE])
{
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(sample, "args"),
                *kwargs = cJSON_GetObjectItemCaseSensitive(sample, "kwargs"), *value;
    int n = 0;
    read_signature(c);
    if (!cJSON_IsArray(args) || !cJSON_IsObject(kwargs)) return refuse(reason, "needs a list of args and an object of kwargs");
    cJSON_ArrayForEach(value, args)
    {
        if (n >= c->n_parameters) return refuse(reason, "more than %d arguments (%s)", c->n_parameters, c->row->signature);
        c->argument[n++] = value;
    }
    cJSON_ArrayForEach(value, kwargs)
    {
        if (!bind_keyword(c, value, reason)) return false;
    }
    for (int i = 0; i < c->n_parameters; i++) {
        if (!c->argument[i]) return refuse(reason, "lacks the argument '%s'", c->parameter[i]);
    }
    return true;
}

void opinfo_unbind(call *c)
{
    cJSON_Delete(c->defaults);
    c->defaults = NULL;
}

/* ---- The tensors of a run --------------------------------------------------------------------------------------------- */

const tap_tensor *opinfo_tensor(const call *c, const char *kind, int number)
{
    char key[KEY_SIZE];
    snprintf(key, sizeof key, "%s/%s%d", c->name, kind, number);
    return tap_safetensors_find(c->file, key);
}

/* Reads a list of at most `capacity` integers. Returns their count, or -1 if it is something else. */
static int read_list(const cJSON *json, int capacity, int64_t *to)
{
    int          n = 0;
    const cJSON *item;
    if (!cJSON_IsArray(json)) return -1;
    cJSON_ArrayForEach(item, json)
    {
        double x = item->valuedouble;
        if (!cJSON_IsNumber(item) || n == capacity || !(x >= -9e15 && x <= 9e15) || x != (double)(int64_t)x) return -1;
        to[n++] = (int64_t)x;
    }
    return n;
}

/* Whether the view that x describes fits into n elements. */
static bool view_fits(tap_tensor x, int64_t offset, int64_t n)
{
    double low = (double)offset, high = (double)offset; /* exact up to 2^53, and without overflow */
    if (tap_numel(x.shape) == 0) return true;
    for (int i = 0; i < x.shape.rank; i++) {
        double reach = (double)x.stride[i] * (double)(x.shape.n[i] - 1);
        *(reach < 0 ? &low : &high) += reach;
    }
    return low >= 0 && high < (double)n;
}

static bool read_view(const call *c, const cJSON *json, tap_tensor *x, int64_t *start, char reason[REASON_SIZE])
{
    const cJSON *key = cJSON_GetObjectItemCaseSensitive(json, "tensor"),
                *offset = cJSON_GetObjectItemCaseSensitive(json, "offset");
    const tap_tensor *flat = tap_safetensors_find(c->file, cJSON_GetStringValue(key));
    if (!flat) return refuse(reason, "the file has no tensor '%.40s'", cJSON_IsString(key) ? key->valuestring : "");
    *x = *flat;
    x->shape.rank = read_list(cJSON_GetObjectItemCaseSensitive(json, "shape"), TAP_MAX_RANK, x->shape.n);
    int strides = read_list(cJSON_GetObjectItemCaseSensitive(json, "strides"), TAP_MAX_RANK, x->stride);
    if (x->shape.rank < 0 || strides != x->shape.rank)
        return refuse(reason, "tensor '%.40s' needs a shape and as many strides, at most %d", key->valuestring, TAP_MAX_RANK);
    *start = cJSON_IsNumber(offset) && fabs(offset->valuedouble) < 9e15 ? (int64_t)offset->valuedouble : -1;
    if (tap_numel(x->shape) == 0) *start = 0;
    if (tap_numel(x->shape) < 0 || !view_fits(*x, *start, tap_tensor_numel(*flat)))
        return refuse(reason, "tensor '%.40s' is no view within its storage", key->valuestring);
    return true;
}

/* The view on a copy of the storage in the precision of the run. */
static tap_tensor storage_view(call *c, tap_tensor flat, tap_tensor view, int64_t start)
{
    if (c->precision != EXACT && flat.dtype == TAP_F64) {
        flat = tap_tensor_cast(c->arena, flat, TAP_F32);
        if (c->precision == ROUNDED) flat = tap_tensor_cast(c->arena, flat, TAP_F64);
    }
    view.dtype = flat.dtype;
    view.data = (char *)flat.data + start * (int64_t)tap_dtype_size(flat.dtype);
    return view;
}

/* I of the key "CASE/inI", or -1 for another key. */
static int input_number(const call *c, const char *key)
{
    size_t n = strlen(c->name);
    char  *end;
    if (strncmp(key, c->name, n) != 0 || strncmp(key + n, "/in", 3) != 0) return -1;
    long number = strtol(key + n + 3, &end, 10);
    return end > key + n + 3 && *end == '\0' && number >= 0 && number < MAX_OPERANDS ? (int)number : -1;
}

static bool add_operand(call *c, const cJSON *json)
{
    char       reason[REASON_SIZE];
    tap_tensor x;
    int64_t    start = 0;
    if (c->n_operands == MAX_OPERANDS) refuse(reason, "more than %d tensors", MAX_OPERANDS);
    else if (read_view(c, json, &x, &start, reason)) {
        const char *key = cJSON_GetObjectItemCaseSensitive(json, "tensor")->valuestring;
        int         number = input_number(c, key);
        x = storage_view(c, *tap_safetensors_find(c->file, key), x, start);
        bool differentiable = number >= 0 && opinfo_tensor(c, "grad", number);
        c->operands[c->n_operands++] =
            (operand){ json, number, differentiable ? tap_variable(c->tape, x) : tap_input(c->tape, x) };
        return true;
    }
    tap_tape_fail(c->tape, TAP_EARG, "%s", reason);
    return false;
}

static bool add_operands(call *c, const cJSON *value)
{
    const cJSON *item;
    if (cJSON_HasObjectItem(value, "tensor")) return add_operand(c, value);
    if (!cJSON_IsArray(value)) return true;
    cJSON_ArrayForEach(item, value)
    {
        if (!add_operands(c, item)) return false;
    }
    return true;
}

bool opinfo_begin(call *c, precision p)
{
    c->precision = p;
    c->tape = tap_tape_new(p == SINGLE ? TAP_F32 : TAP_F64, 0);
    c->arena = tap_arena_new();
    c->n_operands = 0;
    c->n_out = 1;
    for (int i = 0; i < c->n_parameters; i++) {
        if (!add_operands(c, c->argument[i])) return false;
    }
    return true;
}

void opinfo_end(call *c)
{
    tap_tape_free(c->tape);
    tap_arena_free(c->arena);
    c->tape = NULL;
    c->arena = NULL;
}

/* ---- Description of a sample ------------------------------------------------------------------------------------------ */

static void describe(FILE *out, const tap_safetensors *file, const cJSON *value)
{
    const cJSON *key = cJSON_GetObjectItemCaseSensitive(value, "tensor"), *item;
    if (key) {
        const tap_tensor *flat = tap_safetensors_find(file, cJSON_GetStringValue(key));
        fputs(flat ? tap_dtype_name(flat->dtype) : "tensor", out);
        value = cJSON_GetObjectItemCaseSensitive(value, "shape");
    }
    if (cJSON_IsArray(value)) {
        const char *separator = "";
        fputc('[', out);
        cJSON_ArrayForEach(item, value)
        {
            fputs(separator, out);
            describe(out, file, item);
            separator = ",";
        }
        fputc(']', out);
        return;
    }
    const cJSON *spelled = cJSON_GetObjectItemCaseSensitive(value, "float");
    char        *text = cJSON_PrintUnformatted(value);
    fputs(cJSON_IsString(spelled) ? spelled->valuestring : text ? text : "?", out);
    cJSON_free(text);
}

void opinfo_describe(FILE *out, const tap_safetensors *file, const cJSON *sample)
{
    const char  *separator = "";
    const cJSON *value;
    cJSON_ArrayForEach(value, cJSON_GetObjectItemCaseSensitive(sample, "args"))
    {
        fputs(separator, out);
        describe(out, file, value);
        separator = ", ";
    }
    cJSON_ArrayForEach(value, cJSON_GetObjectItemCaseSensitive(sample, "kwargs"))
    {
        fprintf(out, "%s%s=", separator, value->string);
        describe(out, file, value);
        separator = ", ";
    }
}
