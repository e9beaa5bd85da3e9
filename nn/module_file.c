/* nn/module_file.c: saving parameters and buffers of a module as a safetensors file, and loading them from a state dict in any
 * format, or a part of them. Loading checks the whole file first, so that a file that does not fit changes nothing. */
#include <stdio.h>
#include <string.h>

#include "nn/internal.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/io/torch.h"

tap_named_tensor *tap__module_state(const tap_module *m, tap_arena *a, int *n)
{
    const tap__entry first = tap__next_entry(m, (tap__entry){ 0 });
    *n = 0;
    for (tap__entry e = first; tap__entry_value(e); e = tap__next_entry(m, e)) ++*n;
    tap_named_tensor *all = tap_arena_alloc(a, (size_t)*n * sizeof *all), *x = all;
    for (tap__entry e = first; x && tap__entry_value(e); e = tap__next_entry(m, e))
        *x++ = (tap_named_tensor){ tap__entry_path(e), *tap__entry_value(e) };
    return all;
}

tap_status tap_module_save(const tap_module *m, const char *path, int n_metadata, const tap_metadata *metadata, tap_error *e)
{
    tap_error error = tap__module(m)->root->error;
    int       n;
    if (!path) tap_error_set(&error, TAP_EARG, "save: the path is NULL");
    if (error.status == TAP_OK) {
        tap_arena              *a = tap__arena_new_for_file(path, &error);
        const tap_named_tensor *tensors = tap__module_state(m, a, &n);
        tap__error_copy(&error, tap_arena_error(a));
        if (error.status == TAP_OK) tap_safetensors_write(path, n, tensors, n_metadata, metadata, &error);
        tap_arena_free(a);
    }
    tap__error_copy(e, &error);
    return error.status;
}

/* ---- Loading ---- */

typedef struct {
    tap_arena        *memory;
    tap_safetensors   file; /* those of its tensors that are loaded */
    int               n;
    tap_named_tensor *state; /* the parameters and buffers that they are for, under their names in the file */
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

/* Splits the n tensors into those that are among the m others, which are kept, and names, which list the rest. Returns how many
 * are kept. */
static int split(int n, tap_named_tensor *tensors, const char **names, int m, const tap_named_tensor *others)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (tap__has_tensor(tensors[i].name, m, others)) tensors[kept++] = tensors[i];
        else names[i - kept] = tensors[i].name;
    }
    return kept;
}

static void leave_out_unmatched(loading *l)
{
    const int         n = l->n, n_file = l->file.n;
    tap_named_tensor *file = tap_arena_alloc(l->memory, (size_t)n_file * sizeof *file);
    const char      **unexpected = tap_arena_alloc(l->memory, (size_t)n_file * sizeof *unexpected);
    const char      **missing = tap_arena_alloc(l->memory, (size_t)n * sizeof *missing);
    if (!file || !unexpected || !missing) return;
    memcpy(file, l->file.tensors, (size_t)n_file * sizeof *file);
    l->file.n = split(n_file, file, unexpected, n, l->state);
    l->n = split(n, l->state, missing, n_file, l->file.tensors);
    l->file.tensors = file;
    l->left_out = (tap_load_result){ n - l->n, n_file - l->file.n, missing, unexpected };
}

/* Copies names to memory of the caller's. */
static const char *const *copy_names(tap_arena *a, int n, const char *const *names)
{
    const char **copy = tap_arena_alloc(a, (size_t)n * sizeof *copy);
    for (int i = 0; copy && i < n; i++) {
        const size_t size = strlen(names[i]) + 1;
        char        *name = tap_arena_alloc(a, size);
        if (!name) return NULL;
        copy[i] = memcpy(name, names[i], size);
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
    return tap__check_file_match(&l->file, path, l->n, l->state, true, e);
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
        loading l = { .memory = tap__arena_new_for_file(path, &error) };
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
