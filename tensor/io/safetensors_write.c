/* tensor/io/safetensors_write.c: writing safetensors files, with the same bytes as the format's own writer: the widest
 * dtypes first, then by name, and a header padded so that the data begins at a multiple of 8. */
#include "tensor/io/safetensors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/io/json.h"
#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/io/file.h"

typedef struct {
    const char              *path, *keep;
    tap_error               *e;
    const tap_named_tensor **order; /* tensors in the order of their data */
    int                      n;
    char                    *header;
    size_t                   length, capacity;
    bool                     no_memory; /* to make the header longer */
} writer;

static tap_status fail_tensor(const writer *w, const char *name, const char *what)
{
    return tap_error_set(w->e, TAP_EARG, "%s: tensor '%.100s' %s", w->path, name, what);
}

static int dtype_index(tap_dtype dtype)
{
    int index = TAP__SAFETENSORS_DTYPES - 1;
    while (index >= 0 && tap__element_dtype(tap__safetensors_dtypes[index].element) != dtype) index--;
    return index;
}

static int compare_names(const void *a, const void *b)
{
    const tap_named_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* The widest dtypes first, so that every tensor is aligned. */
static int compare_dtypes(const void *a, const void *b)
{
    const tap_named_tensor *const *x = a, *const *y = b;
    int                            left = dtype_index((*x)->tensor.dtype), right = dtype_index((*y)->tensor.dtype);
    return left != right ? right - left : compare_names(a, b);
}

static tap_status sort_tensors(writer *w, const tap_named_tensor *tensors)
{
    for (int i = 0; i < w->n; i++) {
        const tap_named_tensor *x = &tensors[i];
        w->order[i] = x;
        if (!x->name || !tap__is_utf8(x->name)) return tap_error_set(w->e, TAP_EARG, "%s: name %d is not UTF-8", w->path, i);
        if (strcmp(x->name, TAP__SAFETENSORS_METADATA) == 0)
            return fail_tensor(w, x->name, "has a name that the format reserves");
        if (!x->tensor.data || dtype_index(x->tensor.dtype) < 0 || tap_numel(x->tensor.shape) < 0)
            return fail_tensor(w, x->name, "is inert or invalid");
    }
    qsort(w->order, (size_t)w->n, sizeof *w->order, compare_names);
    for (int i = 1; i < w->n; i++) {
        if (compare_names(&w->order[i - 1], &w->order[i]) == 0) return fail_tensor(w, w->order[i]->name, "is given twice");
    }
    qsort(w->order, (size_t)w->n, sizeof *w->order, compare_dtypes);
    return TAP_OK;
}

static tap_status check_metadata(const writer *w, int n, const tap_metadata *metadata)
{
    for (int i = 0; i < n; i++) {
        const tap_metadata *x = &metadata[i];
        if (!x->key || !x->value || !tap__is_utf8(x->key) || !tap__is_utf8(x->value))
            return tap_error_set(w->e, TAP_EARG, "%s: metadata %d is not UTF-8", w->path, i);
        for (int k = 0; k < i; k++) {
            if (strcmp(metadata[k].key, x->key) == 0)
                return tap_error_set(w->e, TAP_EARG, "%s: metadata '%.100s' is given twice", w->path, x->key);
        }
    }
    return TAP_OK;
}

static void append(writer *w, const char *bytes, size_t n)
{
    if (n > w->capacity - w->length && !w->no_memory) {
        size_t capacity = 2 * w->capacity + n;
        char  *grown = realloc(w->header, capacity);
        w->no_memory = !grown;
        w->header = grown ? grown : w->header;
        w->capacity = grown ? capacity : w->capacity;
    }
    if (w->no_memory) return;
    memcpy(w->header + w->length, bytes, n);
    w->length += n;
}

static void append_format(writer *w, const char *format, ...) TAP_PRINTF(2, 3);
static void append_format(writer *w, const char *format, ...)
{
    char    text[128];
    va_list args;
    va_start(args, format);
    int n = tap__format_list(text, sizeof text, format, args);
    va_end(args);
    append(w, text, (size_t)n);
}

static void append_string(writer *w, const char *text)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    append_format(w, "\"");
    for (const char *p = text; *p; p++) {
        const char *special = strchr(escaped, *p);
        if (special) append_format(w, "\\%c", letter[special - escaped]);
        else if ((unsigned char)*p < 0x20) append_format(w, "\\u%04x", (unsigned)*p);
        else append(w, p, 1);
    }
    append_format(w, "\"");
}

static void append_entry(writer *w, const tap_named_tensor *x, uint64_t *offset)
{
    uint64_t begin = *offset;
    *offset += (uint64_t)tap_numel(x->tensor.shape) * tap_dtype_size(x->tensor.dtype);
    append_format(w, w->length > 1 ? "," : "");
    append_string(w, x->name);
    append_format(w, ":{\"dtype\":\"%s\",\"shape\":[", tap__safetensors_dtypes[dtype_index(x->tensor.dtype)].code);
    for (int i = 0; i < x->tensor.shape.rank; i++) append_format(w, i ? ",%lld" : "%lld", (long long)x->tensor.shape.n[i]);
    append_format(w, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)begin, (unsigned long long)*offset);
}

static tap_status make_header(writer *w, int n_metadata, const tap_metadata *metadata)
{
    uint64_t offset = 0;
    append_format(w, n_metadata ? "{\"" TAP__SAFETENSORS_METADATA "\":{" : "{");
    for (int i = 0; i < n_metadata; i++) {
        append_format(w, i ? "," : "");
        append_string(w, metadata[i].key);
        append_format(w, ":");
        append_string(w, metadata[i].value);
    }
    append_format(w, n_metadata ? "}" : "");
    for (int i = 0; i < w->n; i++) append_entry(w, w->order[i], &offset);
    append_format(w, "}");
    while (w->length % 8 != 0 && !w->no_memory) append_format(w, " ");
    if (w->no_memory) return tap_error_set(w->e, TAP_ENOMEM, "%s: no memory for its header", w->path);
    if (w->length > TAP__SAFETENSORS_MAX_HEADER)
        return tap_error_set(w->e, TAP_EARG, "%s: its header would take more than %d bytes", w->path,
                             TAP__SAFETENSORS_MAX_HEADER);
    return TAP_OK;
}

static tap_status write_data(const writer *w, tap_file *f, tap_arena *scratch)
{
    tap_status status = TAP_OK;
    for (int i = 0; i < w->n && status == TAP_OK; i++) {
        tap_tensor x = tap_tensor_contiguous(scratch, w->order[i]->tensor);
        if (!x.data)
            return tap_error_set(w->e, TAP_ENOMEM, "%s: no memory for a copy of tensor '%.100s'", w->path, w->order[i]->name);
        status = tap_file_write(f, x.data, (size_t)tap_numel(x.shape) * tap_dtype_size(x.dtype));
        tap_arena_reset(scratch);
    }
    return status;
}

static tap_status write_file(const writer *w)
{
    unsigned char length[8];
    tap_file     *f = tap_file_create(w->path, w->e);
    if (!f) return w->e ? w->e->status : TAP_EIO;
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)w->length >> 8 * i);
    tap_status status = w->keep ? tap__file_keep(f, w->keep) : TAP_OK;
    if (status == TAP_OK) status = tap_file_write(f, length, 8);
    if (status == TAP_OK) status = tap_file_write(f, w->header, w->length);
    tap_arena *scratch = tap__arena_new_internal();
    if (status == TAP_OK) status = write_data(w, f, scratch);
    tap_arena_free(scratch);
    if (status == TAP_OK) return tap_file_commit(f);
    tap_file_abandon(f);
    return status;
}

tap_status tap__safetensors_write(const char *path, const char *keep, int n, const tap_named_tensor *tensors, int n_metadata,
                                  const tap_metadata *metadata, tap_error *e)
{
    writer w = { .path = path, .keep = keep, .e = e, .n = n };
    if (!path || n < 0 || n_metadata < 0 || (n && !tensors) || (n_metadata && !metadata))
        return tap_error_set(e, TAP_EARG, "%s: a path, tensors or metadata are missing", path ? path : "safetensors");
    w.order = malloc(((size_t)n + 1) * sizeof *w.order);
    tap_status status = w.order ? TAP_OK : tap_error_set(e, TAP_ENOMEM, "%s: no memory for %d names", path, n);
    if (status == TAP_OK) status = sort_tensors(&w, tensors);
    if (status == TAP_OK) status = check_metadata(&w, n_metadata, metadata);
    if (status == TAP_OK) status = make_header(&w, n_metadata, metadata);
    if (status == TAP_OK) status = write_file(&w);
    free(w.order);
    free(w.header);
    return status;
}

tap_status tap_safetensors_write(const char *path, int n, const tap_named_tensor *tensors, int n_metadata,
                                 const tap_metadata *metadata, tap_error *e)
{
    return tap__safetensors_write(path, NULL, n, tensors, n_metadata, metadata, e);
}
