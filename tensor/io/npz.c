/* tensor/io/npz.c: NumPy's .npz files: zip archives of .npy files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/arena.h"
#include "tensor/io/array.h"
#include "tensor/io/json.h"
#include "tensor/io/npy.h"
#include "tensor/io/zip.h"

#define SUFFIX ".npy"

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* The name of an entry without .npy, in memory of the arena. */
static const char *array_name(const tap__zip *z, int i)
{
    const char *name = tap__zip_name(z, i);
    size_t      n = name ? strlen(name) : 0;
    if (n >= strlen(SUFFIX) && strcmp(name + n - strlen(SUFFIX), SUFFIX) == 0) n -= strlen(SUFFIX);
    char *copy = name ? tap__arena_acquire(z->in->arena, n + 1) : NULL;
    if (!copy) return NULL;
    memcpy(copy, name, n);
    copy[n] = '\0';
    return copy;
}

static bool read_arrays(tap__zip *z, tap_named_tensor *tensors)
{
    for (int i = 0; i < z->n; i++) {
        tap__reader entry;
        tensors[i].name = array_name(z, i);
        if (tensors[i].name && tap__zip_enter(z, i, &entry)) tensors[i].tensor = tap__npy_read(&entry);
        else tensors[i].tensor.data = NULL;
        if (tensors[i].name) tap__zip_leave(&entry);
        if (!tensors[i].tensor.data) return false;
    }
    return true;
}

static bool check_names(const tap__zip *z, const tap_named_tensor *tensors)
{
    const char **names = tap__arena_acquire(z->in->arena, (size_t)z->n * sizeof *names);
    for (int i = 0; names && i < z->n; i++) names[i] = tensors[i].name;
    const bool ok = names && tap__check_distinct(z->in, "array", z->n, names);
    if (names) tap__arena_release(z->in->arena, names);
    return ok;
}

tap_safetensors tap_npz_read(tap_arena *a, const char *path)
{
    tap_safetensors s = { 0 };
    tap__reader     in;
    tap__zip        z;
    if (!tap__reader_open(&in, a, path, "npz")) return s;
    if (tap__zip_open(&z, &in)) {
        tap_named_tensor *tensors = tap__arena_acquire(a, (size_t)z.n * sizeof *tensors);
        if (tensors && read_arrays(&z, tensors) && check_names(&z, tensors))
            s = (tap_safetensors){ .n = z.n, .tensors = tensors };
    }
    tap__zip_close(&z);
    tap__reader_close(&in);
    return s;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static tap_status add_array(tap__zip_writer *w, tap_arena *scratch, const char *path, const tap_named_tensor *x,
                            bool compressed, tap_error *e)
{
    char             header[TAP__NPY_HEADER];
    const tap_tensor c = tap_tensor_contiguous(scratch, x->tensor);
    const size_t     size = strlen(x->name) + sizeof SUFFIX;
    char            *name = tap_arena_alloc(scratch, size);
    if (!c.data || !name) return tap_error_set(e, TAP_ENOMEM, "%s: no memory for a copy of '%.100s'", path, x->name);
    snprintf(name, size, "%s" SUFFIX, x->name);
    tap__npy_header(header, c.dtype, c.shape);
    return tap__zip_add(
        w, name, 2,
        (tap__zip_part[]){ { header, sizeof header }, { c.data, (size_t)tap_numel(c.shape) * tap_dtype_size(c.dtype) } },
        compressed);
}

static int compare(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static tap_status check_arrays(const char *path, int n, const tap_named_tensor *tensors, tap_error *e)
{
    if (!path || n < 0 || (n && !tensors))
        return tap_error_set(e, TAP_EARG, "%s: the path or the arrays are missing", path ? path : "npz");
    tap_status   status = TAP_OK;
    const char **names = malloc(((size_t)n + 1) * sizeof *names);
    if (!names) return tap_error_set(e, TAP_ENOMEM, "%s: no memory for %d names", path, n);
    for (int i = 0; i < n && status == TAP_OK; i++) {
        names[i] = tensors[i].name;
        if (!names[i] || !tap__is_utf8(names[i])) status = tap_error_set(e, TAP_EARG, "%s: name %d is not UTF-8", path, i);
        else if (!tap__npy_can_write(tensors[i].tensor))
            status = tap_error_set(e, TAP_EARG, "%s: array '%.100s' is inert or invalid", path, names[i]);
    }
    if (status == TAP_OK) qsort(names, (size_t)n, sizeof *names, compare);
    for (int i = 1; i < n && status == TAP_OK; i++) {
        if (strcmp(names[i - 1], names[i]) == 0)
            status = tap_error_set(e, TAP_EARG, "%s: array '%.100s' is given twice", path, names[i]);
    }
    free(names);
    return status;
}

static tap_status write_arrays(const char *path, int n, const tap_named_tensor *tensors, bool compressed, tap_error *e)
{
    tap_status status = check_arrays(path, n, tensors, e);
    if (status != TAP_OK) return status;
    tap__zip_writer *w = tap__zip_create(path, n, e);
    if (!w) return e ? e->status : TAP_EIO;
    tap_arena *scratch = tap__arena_new_internal();
    for (int i = 0; i < n && status == TAP_OK; i++) {
        status = add_array(w, scratch, path, &tensors[i], compressed, e);
        tap_arena_reset(scratch);
    }
    tap_arena_free(scratch);
    if (status == TAP_OK) return tap__zip_commit(w);
    tap__zip_abandon(w);
    return status;
}

tap_status tap_npz_write(const char *path, int n, const tap_named_tensor *tensors, tap_error *e)
{
    return write_arrays(path, n, tensors, false, e);
}

tap_status tap_npz_write_compressed(const char *path, int n, const tap_named_tensor *tensors, tap_error *e)
{
    return write_arrays(path, n, tensors, true, e);
}
