/* tests/golden/nn_case.c: arguments and tensors of a case, and comparisons. */
#include "tests/golden/nn.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

const cJSON *nn_field(const cJSON *object, const char *name)
{
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNull(x) ? NULL : x;
}

double nn_number(const cJSON *x, double otherwise)
{
    const cJSON *spelled = cJSON_IsObject(x) ? nn_field(x, "float") : NULL;
    if (cJSON_IsString(spelled)) return strtod(spelled->valuestring, NULL);
    if (cJSON_IsBool(x)) return cJSON_IsTrue(x);
    return cJSON_IsNumber(x) ? x->valuedouble : otherwise;
}

bool nn_flag(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(nn_field(object, name));
}

const char *nn_text(const cJSON *object, const char *name)
{
    const cJSON *x = nn_field(object, name);
    return cJSON_IsString(x) ? x->valuestring : "";
}

static const tap_tensor *find(const nn_case *c, char key[KEY_SIZE], const char *format, va_list args)
{
    const int n = snprintf(key, KEY_SIZE, "%s/", c->name);
    vsnprintf(key + n, (size_t)(KEY_SIZE - n), format, args);
    return tap_safetensors_find(c->file, key);
}

const tap_tensor *nn_find(const nn_case *c, const char *format, ...)
{
    char    key[KEY_SIZE];
    va_list args;
    va_start(args, format);
    const tap_tensor *x = find(c, key, format, args);
    va_end(args);
    return x;
}

tap_tensor nn_tensor(nn_case *c, const char *format, ...)
{
    static double nothing;
    char          key[KEY_SIZE];
    va_list       args;
    va_start(args, format);
    const tap_tensor *x = find(c, key, format, args);
    va_end(args);
    if (x) return *x;
    nn_fail(c, "there is no tensor '%s'", key);
    nothing = (double)NAN;
    return tap_tensor_wrap(TAP_F64, TAP_SCALAR, &nothing);
}

tap_tensor nn_at(tap_tensor x, int64_t i)
{
    if (x.shape.rank == 0 || i >= x.shape.n[0]) return x;
    tap_shape rest = { x.shape.rank - 1, { 0 } };
    for (int k = 0; k < rest.rank; k++) rest.n[k] = x.shape.n[k + 1];
    const size_t row = (size_t)tap_numel(rest) * tap_dtype_size(x.dtype);
    return tap_tensor_wrap(x.dtype, rest, (char *)x.data + (size_t)i * row);
}

bool nn_failed(const nn_case *c)
{
    return ftell(c->out) > 0;
}

outcome nn_fail(nn_case *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!nn_failed(c)) vfprintf(c->out, format, args);
    va_end(args);
    return FAILED;
}

bool nn_compare(nn_case *c, const char *what, tap_tensor got, tap_tensor want)
{
    return !nn_failed(c) && opinfo_compare(c->out, what, got, want, opinfo_exact);
}

bool nn_compare_number(nn_case *c, const char *what, double got, double want)
{
    return nn_compare(c, what, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &got), tap_tensor_wrap(TAP_F64, TAP_SCALAR, &want));
}

bool nn_module_ok(nn_case *c, tap_module *m)
{
    const char *message;
    if (tap_module_status(m, &message) != TAP_OK) nn_fail(c, "%s", message);
    return !nn_failed(c);
}
