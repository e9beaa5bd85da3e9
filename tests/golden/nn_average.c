/* tests/golden/nn_average.c: cases of torch.optim.swa_utils.AveragedModel: the average after each update is compared. */
#include <math.h>

#include "nn/internal.h"
#include "tests/golden/nn.h"

/* The module that holds what has this path, made if there is none. *name: the last part of the path. */
static tap_module *module_of(tap_module *m, const char *path, const char **name)
{
    const char *dot = strchr(path, '.');
    char        first[64];
    *name = path;
    if (!dot) return m;
    snprintf(first, sizeof first, "%.*s", (int)(dot - path), path);
    tap_module *child = m->children;
    while (child && strcmp(tap__last_name(child->path), first) != 0) child = child->sibling;
    return module_of(child ? child : tap_module_child(m, first), dot + 1, name);
}

static const char *text_of(const cJSON *x)
{
    return cJSON_IsString(x) ? x->valuestring : "";
}

static void make_model(nn_case *c, tap_module *root)
{
    const cJSON *x;
    const char  *name;
    cJSON_ArrayForEach(x, nn_field(c->json, "params"))
    {
        tap_module *m = module_of(root, text_of(x), &name);
        tap_param_new(m, name, nn_at(nn_tensor(c, "model/%s", text_of(x)), 0).shape, tap_init_zeros());
    }
    cJSON_ArrayForEach(x, nn_field(c->json, "buffers"))
    {
        tap_module      *m = module_of(root, text_of(x), &name);
        const tap_tensor all = nn_tensor(c, "model/%s", text_of(x));
        tap_buffer_new(m, name, all.dtype, nn_at(all, 0).shape, 0);
    }
}

/* The value of a parameter or buffer; { 0 } if there is none. */
static tap_tensor value_of(const tap_module *m, const char *path)
{
    const tap_param *p = tap_module_param(m, path);
    return p ? tap_param_value(p) : tap_buffer_value(tap_module_buffer(m, path));
}

/* Row k of the tensors of this kind, for each name of a list: copied to the module, or compared with the average. */
static void each(nn_case *c, const char *list, tap_module *root, tap_module *average, int64_t k)
{
    const cJSON *x;
    cJSON_ArrayForEach(x, nn_field(c->json, list))
    {
        char path[96], what[128];
        snprintf(path, sizeof path, "module.%s", text_of(x));
        snprintf(what, sizeof what, "average/%s after update %lld", text_of(x), (long long)k);
        if (!average) tap_tensor_copy(value_of(root, text_of(x)), nn_at(nn_tensor(c, "model/%s", text_of(x)), k), NULL);
        else nn_compare(c, what, value_of(average, path), nn_at(nn_tensor(c, "average/%s", text_of(x)), k));
    }
}

/* The average has the tensors of PyTorch's state dict, and no others. */
static void compare_names(nn_case *c, const tap_module *average)
{
    const cJSON *names = nn_field(c->json, "state_dict"), *x;
    int          n = 0;
    cJSON_ArrayForEach(x, names)
    {
        if (!value_of(average, text_of(x)).data) nn_fail(c, "the average has no %s", text_of(x));
    }
    for (const tap_param *p = tap_module_next(average, NULL); p; p = tap_module_next(average, p)) n++;
    for (const tap_buffer *b = tap_module_next_buffer(average, NULL); b; b = tap_module_next_buffer(average, b)) n++;
    if (n != cJSON_GetArraySize(names)) nn_fail(c, "the average has %d tensors, expected %d", n, cJSON_GetArraySize(names));
}

static void run(nn_case *c, tap_module *root)
{
    const double              decay = nn_number(nn_field(c->json, "decay"), 0);
    const bool                ema = strcmp(nn_text(c->json, "how"), "ema") == 0;
    const tap_average_options o = { ema && decay == 0 ? TAP_ZERO : decay, nn_flag(c->json, "use_buffers") };
    make_model(c, root);
    if (!nn_module_ok(c, root)) return;
    tap_module *average = tap_averaged_model_new(root);
    for (int64_t k = 0; k < (int64_t)nn_number(nn_field(c->json, "steps"), 0) && !nn_failed(c); k++) {
        each(c, "params", root, NULL, k);
        each(c, "buffers", root, NULL, k);
        tap_averaged_model_update(average, root, o);
        each(c, "params", root, average, k);
        each(c, "buffers", root, average, k);
    }
    if (nn_module_ok(c, average)) nn_compare(c, "n_averaged", value_of(average, "n_averaged"), nn_tensor(c, "n_averaged"));
    compare_names(c, average);
    tap_module_free(average);
}

outcome nn_run_average(nn_case *c)
{
    tap_module *root = tap_module_new(TAP_F64, 0);
    run(c, root);
    tap_module_free(root);
    return nn_failed(c) ? FAILED : PASSED;
}
