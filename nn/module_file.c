/* Saving and loading a module's parameters as safetensors. A file fits as a whole, or no parameter is touched. */
#include "nn/internal.h"

/* An arena for the work on the file of this path. */
static tap_arena *arena_for(const char *path, tap_error *e)
{
    tap_arena *a = tap__arena_new_internal();
    if (tap_arena_status(a, NULL) != TAP_OK) tap_error_set(e, TAP_ENOMEM, "%s: no memory to begin with", path);
    tap__arena_name(a, path);
    return a;
}

/* The parameters by path, in memory of the arena; NULL where there is none. */
static tap_named_tensor *named(const tap_module *m, tap_arena *a, int *n)
{
    *n = 0;
    for (const tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) ++*n;
    tap_named_tensor *all = tap_arena_alloc(a, (size_t)*n * sizeof *all), *x = all;
    for (const tap_param *p = tap_module_next(m, NULL); x && p; p = tap_module_next(m, p))
        *x++ = (tap_named_tensor){ p->path, p->value };
    return all;
}

tap_status tap_module_save(const tap_module *m, const char *path, int n_metadata, const tap_metadata *metadata, tap_error *e)
{
    tap_error mine = tap__module(m)->root->error;
    int       n;
    if (!path) tap_error_set(&mine, TAP_EARG, "save: no path");
    if (mine.status == TAP_OK) {
        tap_arena              *a = arena_for(path, &mine);
        const tap_named_tensor *tensors = named(m, a, &n);
        tap__error_copy(&mine, tap_arena_error(a));
        if (mine.status == TAP_OK) tap_safetensors_write(path, n, tensors, n_metadata, metadata, &mine);
        tap_arena_free(a);
    }
    tap__error_copy(e, &mine);
    return mine.status;
}

/* Nothing can fail any more. */
static void put_back(int n, const tap_named_tensor *tensors, const tap_safetensors *file)
{
    for (int i = 0; i < n; i++) tap_tensor_copy(tensors[i].tensor, *tap_safetensors_find(file, tensors[i].name), NULL);
}

tap_status tap_module_load(tap_module *m, const char *path, tap_error *e)
{
    tap_error mine = tap__module(m)->root->error;
    int       n;
    if (!path) tap_error_set(&mine, TAP_EARG, "load: no path");
    if (mine.status == TAP_OK) {
        tap_arena              *a = arena_for(path, &mine);
        const tap_safetensors   file = tap_safetensors_read(a, path);
        const tap_named_tensor *tensors = named(m, a, &n);
        tap__error_copy(&mine, tap_arena_error(a));
        if (mine.status == TAP_OK && tap__check_file_match(&file, path, "module", n, tensors, true, &mine) == TAP_OK)
            put_back(n, tensors, &file);
        tap_arena_free(a);
    }
    tap__error_copy(e, &mine);
    return mine.status;
}
