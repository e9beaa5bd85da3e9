/* nn/module_file.c: saving and loading the parameters of a module as a safetensors file. Loading checks the whole file first,
 * so that a file that does not fit the module changes no parameter. */
#include "nn/internal.h"
#include "tensor/arena.h"
#include "tensor/error.h"

/* A temporary arena that names the path in its errors. */
static tap_arena *arena_for(const char *path, tap_error *e)
{
    tap_arena *a = tap__arena_new_internal();
    if (tap_arena_status(a, NULL) != TAP_OK) tap_error_set(e, TAP_ENOMEM, "%s: no memory to begin with", path);
    tap__arena_name(a, path);
    return a;
}

/* The parameters under their paths, in memory of the arena; NULL if the memory cannot be had. */
static tap_named_tensor *named_parameters(const tap_module *m, tap_arena *a, int *n)
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
    tap_error error = tap__module(m)->root->error;
    int       n;
    if (!path) tap_error_set(&error, TAP_EARG, "save: the path is NULL");
    if (error.status == TAP_OK) {
        tap_arena              *a = arena_for(path, &error);
        const tap_named_tensor *tensors = named_parameters(m, a, &n);
        tap__error_copy(&error, tap_arena_error(a));
        if (error.status == TAP_OK) tap_safetensors_write(path, n, tensors, n_metadata, metadata, &error);
        tap_arena_free(a);
    }
    tap__error_copy(e, &error);
    return error.status;
}

/* Copies the file's tensors into the parameters. The file has been checked, so nothing can fail here. */
static void restore(int n, const tap_named_tensor *tensors, const tap_safetensors *file)
{
    for (int i = 0; i < n; i++) tap_tensor_copy(tensors[i].tensor, *tap_safetensors_find(file, tensors[i].name), NULL);
}

tap_status tap_module_load(tap_module *m, const char *path, tap_error *e)
{
    tap_error error = tap__module(m)->root->error;
    int       n;
    if (!path) tap_error_set(&error, TAP_EARG, "load: the path is NULL");
    if (error.status == TAP_OK) {
        tap_arena              *a = arena_for(path, &error);
        const tap_safetensors   file = tap_safetensors_read(a, path);
        const tap_named_tensor *tensors = named_parameters(m, a, &n);
        tap__error_copy(&error, tap_arena_error(a));
        if (error.status == TAP_OK && tap__check_file_match(&file, path, "module", n, tensors, true, &error) == TAP_OK)
            restore(n, tensors, &file);
        tap_arena_free(a);
    }
    tap__error_copy(e, &error);
    return error.status;
}
