/* nn/module_file.c: saving and loading the parameters and buffers of a module as a safetensors file. Loading checks the whole
 * file first, so that a file that does not fit the module changes nothing. */
#include <stdio.h>
#include <string.h>

#include "nn/internal.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/io/torch.h"

/* A temporary arena that names the path in its errors. */
static tap_arena *arena_for(const char *path, tap_error *e)
{
    tap_arena *a = tap__arena_new_internal();
    if (tap_arena_status(a, NULL) != TAP_OK) tap_error_set(e, TAP_ENOMEM, "%s: no memory to begin with", path);
    tap__arena_name(a, path);
    return a;
}

tap_named_tensor *tap__module_state(const tap_module *m, tap_arena *a, int *n)
{
    *n = 0;
    for (const tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) ++*n;
    for (const tap_buffer *b = tap_module_next_buffer(m, NULL); b; b = tap_module_next_buffer(m, b)) ++*n;
    tap_named_tensor *all = tap_arena_alloc(a, (size_t)*n * sizeof *all), *x = all;
    for (const tap_param *p = tap_module_next(m, NULL); x && p; p = tap_module_next(m, p))
        *x++ = (tap_named_tensor){ p->path, p->value };
    for (const tap_buffer *b = tap_module_next_buffer(m, NULL); x && b; b = tap_module_next_buffer(m, b))
        *x++ = (tap_named_tensor){ b->path, b->value };
    return all;
}

tap_status tap_module_save(const tap_module *m, const char *path, int n_metadata, const tap_metadata *metadata, tap_error *e)
{
    tap_error error = tap__module(m)->root->error;
    int       n;
    if (!path) tap_error_set(&error, TAP_EARG, "save: the path is NULL");
    if (error.status == TAP_OK) {
        tap_arena              *a = arena_for(path, &error);
        const tap_named_tensor *tensors = tap__module_state(m, a, &n);
        tap__error_copy(&error, tap_arena_error(a));
        if (error.status == TAP_OK) tap_safetensors_write(path, n, tensors, n_metadata, metadata, &error);
        tap_arena_free(a);
    }
    tap__error_copy(e, &error);
    return error.status;
}

/* ---- Loading ---- */

/* The file's tensors that a load is about, and what they are for: parameters and buffers under their names in the file. */
typedef struct {
    tap_arena        *memory;
    tap_safetensors   file;
    int               n;
    tap_named_tensor *state;
    tap_load_result   left_out;
} loading;

static bool begins_with(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

/* Names the state as the file does, and drops the file's tensors of other names. */
static void apply_prefix(loading *l, const tap_module *m, const char *prefix)
{
    tap_named_tensor *kept = tap_arena_alloc(l->memory, (size_t)l->file.n * sizeof *kept);
    int               n = 0;
    for (int i = 0; kept && i < l->file.n; i++) {
        if (begins_with(l->file.tensors[i].name, prefix)) kept[n++] = l->file.tensors[i];
    }
    l->file.tensors = kept;
    l->file.n = n;
    for (int i = 0; i < l->n; i++) {
        const char  *below = tap__path_below(m, l->state[i].name);
        const size_t size = strlen(prefix) + strlen(below) + 1;
        char        *name = tap_arena_alloc(l->memory, size);
        if (!name) return;
        snprintf(name, size, "%s%s", prefix, below);
        l->state[i].name = name;
    }
}

static bool is_named(const char *name, int n, const tap_named_tensor *tensors)
{
    for (int i = 0; i < n; i++) {
        if (!strcmp(tensors[i].name, name)) return true;
    }
    return false;
}

/* Moves those of the n tensors that are not among the m others to a list of names; *n becomes the number of those that stay. */
static const char *const *leave_out(tap_arena *a, int *n, tap_named_tensor *tensors, int m, const tap_named_tensor *others,
                                    int *n_names)
{
    const char **names = tap_arena_alloc(a, (size_t)*n * sizeof *names);
    int          kept = 0;
    *n_names = 0;
    for (int i = 0; names && i < *n; i++) {
        if (is_named(tensors[i].name, m, others)) tensors[kept++] = tensors[i];
        else names[(*n_names)++] = tensors[i].name;
    }
    *n = kept;
    return names;
}

static void leave_out_unmatched(loading *l)
{
    const int         n_file = l->file.n;
    tap_named_tensor *file = tap_arena_alloc(l->memory, (size_t)n_file * sizeof *file);
    if (!file) return;
    memcpy(file, l->file.tensors, (size_t)n_file * sizeof *file);
    l->left_out.unexpected = leave_out(l->memory, &l->file.n, file, l->n, l->state, &l->left_out.n_unexpected);
    l->left_out.missing = leave_out(l->memory, &l->n, l->state, n_file, l->file.tensors, &l->left_out.n_missing);
    l->file.tensors = file;
}

/* Copies names to memory of the caller's. */
static const char *const *copy_names(tap_arena *a, int n, const char *const *names)
{
    const char **copy = tap_arena_alloc(a, (size_t)n * sizeof *copy);
    for (int i = 0; copy && i < n; i++) {
        char *name = tap_arena_alloc(a, strlen(names[i]) + 1);
        if (!name) return NULL;
        copy[i] = strcpy(name, names[i]);
    }
    return copy;
}

static void report(const loading *l, tap_arena *a, tap_load_result *result, tap_error *e)
{
    const tap_load_result *left_out = &l->left_out;
    if (!result || !a) return;
    *result = *left_out;
    result->missing = copy_names(a, left_out->n_missing, left_out->missing);
    result->unexpected = copy_names(a, left_out->n_unexpected, left_out->unexpected);
    tap__error_copy(e, tap_arena_error(a));
}

static tap_status load(loading *l, const tap_module *m, const char *path, tap_load_options o, tap_error *e)
{
    l->file = tap__state_dict_read(l->memory, path);
    l->state = tap__module_state(m, l->memory, &l->n);
    if (tap_arena_status(l->memory, NULL) == TAP_OK && o.prefix) apply_prefix(l, m, o.prefix);
    if (tap_arena_status(l->memory, NULL) == TAP_OK && o.partial) leave_out_unmatched(l);
    tap__error_copy(e, tap_arena_error(l->memory));
    if (e->status != TAP_OK) return e->status;
    return tap__check_file_match(&l->file, path, "module", l->n, l->state, true, e);
}

/* Copies the file's tensors into parameters and buffers. The file has been checked, so nothing can fail here. */
static void restore(const loading *l)
{
    for (int i = 0; i < l->n; i++) tap_tensor_copy(l->state[i].tensor, *tap_safetensors_find(&l->file, l->state[i].name), NULL);
}

tap_status tap_module_load_with(tap_module *m, const char *path, tap_load_options o, tap_arena *a, tap_load_result *result,
                                tap_error *e)
{
    tap_error error = tap__module(m)->root->error;
    if (result) *result = (tap_load_result){ 0 };
    if (!path) tap_error_set(&error, TAP_EARG, "load: the path is NULL");
    if (error.status == TAP_OK) {
        loading l = { .memory = arena_for(path, &error) };
        if (load(&l, m, path, o, &error) == TAP_OK) report(&l, a, result, &error);
        if (error.status == TAP_OK) restore(&l);
        tap_arena_free(l.memory);
    }
    tap__error_copy(e, &error);
    return error.status;
}

tap_status tap_module_load(tap_module *m, const char *path, tap_error *e)
{
    return tap_module_load_with(m, path, (tap_load_options){ 0 }, NULL, NULL, e);
}
