/* tests/fuzz/module.c: loading the parameters of a module. A file is loaded completely, or no parameter changes. */
#include "nn/nn.h"
#include "tensor/io/torch.h"
#include "tests/fuzz/safetensors.h"

typedef struct {
    float weight[6], bias[2];
} values;

static values values_of(tap_module *m)
{
    values v;
    memcpy(v.weight, tap_param_value(tap_module_param(m, "l.weight")).data, sizeof v.weight);
    memcpy(v.bias, tap_param_value(tap_module_param(m, "l.bias")).data, sizeof v.bias);
    return v;
}

static tap_module *make_module(uint64_t seed)
{
    tap_linear  l;
    tap_module *m = tap_module_new(TAP_F32, seed);
    tap_linear_init(&l, m, "l", 3, 2);
    FUZZ_CHECK(tap_module_status(m, NULL) == TAP_OK, "no module");
    return m;
}

/* Each parameter has the value that the file holds under its name. */
static void check_loaded(tap_arena *a, tap_module *m, const char *path)
{
    tap_safetensors file = tap__state_dict_read(a, path);
    FUZZ_CHECK(file.n == 2, "%d tensors", file.n);
    for (int i = 0; i < file.n; i++) {
        tap_param *p = tap_module_param(m, file.tensors[i].name);
        FUZZ_CHECK(p, "there is no parameter '%s'", file.tensors[i].name);
        fuzz_check_same(tap_param_value(p), tap_tensor_cast(a, file.tensors[i].tensor, TAP_F32));
    }
}

void fuzz(const unsigned char *bytes, size_t n)
{
    static tap_module *m, *other;
    tap_error          e = { 0 };
    if (!m) m = make_module(1);
    if (!other) other = make_module(2);
    const values before = values_of(m);
    const char  *path = fuzz_file(bytes, n);
    FUZZ_CHECK(tap_module_load(m, path, &e) == e.status, "%s", e.message);
    fuzz_check_status(e.status, e.message, path);
    const values after = values_of(m);
    if (e.status != TAP_OK) {
        FUZZ_CHECK(memcmp(&before, &after, sizeof before) == 0, "parameters have changed in spite of an error: %s", e.message);
        return;
    }
    tap_arena *a = tap_arena_new();
    check_loaded(a, m, path);
    tap_arena_free(a);
    FUZZ_CHECK(tap_module_save(m, fuzz_target_path(), 0, NULL, &e) == TAP_OK, "%s", e.message);
    FUZZ_CHECK(tap_module_load(other, fuzz_target_path(), &e) == TAP_OK, "%s", e.message);
    const values again = values_of(other);
    FUZZ_CHECK(memcmp(&again, &after, sizeof again) == 0, "saved and loaded, parameters differ");
}

size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t capacity, unsigned seed)
{
    return mutate_safetensors(bytes, n, capacity, seed);
}

static void put_saved(fuzz_put *put, tap_dtype dtype)
{
    size_t      n;
    tap_linear  l;
    tap_error   e = { 0 };
    tap_module *m = tap_module_new(dtype, 3);
    tap_linear_init(&l, m, "l", 3, 2);
    tap_module_save(m, fuzz_target_path(), 0, NULL, &e);
    FUZZ_CHECK(e.status == TAP_OK, "%s", e.message);
    void *bytes = fuzz_written(&n);
    put(tap_dtype_name(dtype), bytes, n);
    free(bytes);
    tap_module_free(m);
}

#define BIAS          "\"l.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
#define WEIGHT(shape) "\"l.weight\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[8,32]}"
#define OTHER(name)   "\"" name "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[32,32]}"

void fuzz_seeds(fuzz_put *put)
{
    put_saved(put, TAP_F32);
    put_saved(put, TAP_F64);
    put_header(put, "none", "{}", 0);
    put_header(put, "missing", "{" BIAS "}", 8);
    put_header(put, "whole", "{" BIAS "," WEIGHT("[2,3]") "}", 32);
    put_header(put, "turned", "{" BIAS "," WEIGHT("[3,2]") "}", 32);
    put_header(put, "flat", "{" BIAS "," WEIGHT("[6]") "}", 32);
    put_header(put, "one_row", "{" BIAS ",\"l.weight\":{\"dtype\":\"F32\",\"shape\":[1,3],\"data_offsets\":[8,20]}}", 20);
    put_header(put, "extra", "{" BIAS "," WEIGHT("[2,3]") "," OTHER("l.scale") "}", 32);
    put_header(put, "empty_name", "{" BIAS "," WEIGHT("[2,3]") "," OTHER("") "}", 32);
    put_header(put, "control", "{" BIAS "," WEIGHT("[2,3]") "," OTHER("\\u001b[2J\\n") "}", 32);
    put_header(put, "integers", "{" BIAS ",\"l.weight\":{\"dtype\":\"I32\",\"shape\":[2,3],\"data_offsets\":[8,32]}}", 32);
}
