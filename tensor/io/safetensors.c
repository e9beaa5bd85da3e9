/* tensor/io/safetensors.c: reading safetensors files. No size in them is trusted: each is checked against the file's size
 * before memory is allocated. */
#include "tensor/io/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "tensor/io/stored.h"
#include "tensor/io/json.h"
#include "tensor/arena.h"

typedef struct {
    tap_named_tensor named;
    tap__element     element;
    uint64_t         begin, end;
} entry;

typedef struct {
    tap__reader  *in;
    size_t        length; /* of the header */
    char         *header; /* NUL-terminated; once it is parsed, names are stored in its memory */
    char         *names;  /* where the next name is stored */
    int           n, n_metadata;
    entry        *entries;
    tap_metadata *metadata;
} reader;

/* Names come from the file and may be of any length. */
static bool fail_tensor(const reader *r, const char *name, const char *what)
{
    return tap__reader_fail(r->in, TAP_EIO, "tensor '%.100s' %s", name, what);
}

static bool read_header(reader *r)
{
    unsigned char      bytes[8];
    unsigned long long n = 0, left = r->in->left;
    if (left < 8) return tap__reader_fail(r->in, TAP_EIO, "truncated: ends within the header's length");
    if (!tap__reader_read(r->in, bytes, 8)) return false;
    for (int i = 7; i >= 0; i--) n = n << 8 | bytes[i];
    left -= 8;
    if (n > TAP__SAFETENSORS_MAX_HEADER)
        return tap__reader_fail(r->in, TAP_EIO, "not safetensors: a header of %llu bytes, more than %d", n,
                                TAP__SAFETENSORS_MAX_HEADER);
    if (n > left) return tap__reader_fail(r->in, TAP_EIO, "truncated: the header takes %llu bytes, the file has %llu", n, left);
    r->length = (size_t)n;
    r->header = r->names = tap__arena_acquire(r->in->arena, r->length + 1);
    if (!r->header || !tap__reader_read(r->in, r->header, r->length)) return false;
    r->header[n] = '\0';
    return r->header[0] == '{' || tap__reader_fail(r->in, TAP_EIO, "not safetensors: the header does not begin with '{'");
}

static cJSON *parse_header(const reader *r)
{
    const char *fault;
    size_t      at;
    cJSON      *json = tap__json_parse(r->header, r->length, &fault, &at);
    if (!json && !fault) tap__reader_fail(r->in, TAP_ENOMEM, "no memory for its header");
    else if (!json) tap__reader_fail(r->in, TAP_EIO, "header byte %zu: %s", at, fault);
    return json;
}

/* Stores a string in the header's memory, which has space for all of them: each is shorter than its quoted form in the
 * header. */
static const char *store_string(reader *r, const char *text)
{
    size_t n = strlen(text) + 1;
    char  *stored = memcpy(r->names, text, n);
    r->names += n;
    return stored;
}

static int by_key(const void *a, const void *b)
{
    const tap_metadata *x = a, *y = b;
    return strcmp(x->key, y->key);
}

static bool read_metadata(reader *r, const cJSON *json)
{
    const cJSON *item;
    if (r->metadata) return tap__reader_fail(r->in, TAP_EIO, "has " TAP__SAFETENSORS_METADATA " twice");
    if (!cJSON_IsObject(json)) return tap__reader_fail(r->in, TAP_EIO, TAP__SAFETENSORS_METADATA " is not a table of strings");
    r->metadata = tap__arena_acquire(r->in->arena, (size_t)cJSON_GetArraySize(json) * sizeof *r->metadata);
    if (!r->metadata) return false;
    cJSON_ArrayForEach(item, json)
    {
        if (!cJSON_IsString(item))
            return tap__reader_fail(r->in, TAP_EIO, TAP__SAFETENSORS_METADATA " entry '%.100s' is not a string", item->string);
        const char *key = store_string(r, item->string);
        r->metadata[r->n_metadata++] = (tap_metadata){ key, store_string(r, item->valuestring) };
    }
    qsort(r->metadata, (size_t)r->n_metadata, sizeof *r->metadata, by_key);
    for (int i = 1; i < r->n_metadata; i++) {
        if (strcmp(r->metadata[i - 1].key, r->metadata[i].key) == 0)
            return tap__reader_fail(r->in, TAP_EIO, TAP__SAFETENSORS_METADATA " has '%.100s' twice", r->metadata[i].key);
    }
    return true;
}

/* Reads a list of integers, the first max of them, and returns its length; -1 if it is anything else. */
static int read_integers(const cJSON *json, int max, int64_t *out)
{
    const cJSON *item;
    int          n = 0;
    if (!cJSON_IsArray(json)) return -1;
    cJSON_ArrayForEach(item, json)
    {
        if (!cJSON_IsNumber(item)) return -1;
        if (n < max) out[n] = (int64_t)item->valuedouble;
        n++;
    }
    return n;
}

/* The object's item of this name; NULL if there is none, or more than one. */
static const cJSON *find_unique(const cJSON *object, const char *name)
{
    const cJSON *item, *found = NULL;
    cJSON_ArrayForEach(item, object)
    {
        if (strcmp(item->string, name) != 0) continue;
        if (found) return NULL;
        found = item;
    }
    return found;
}

static bool read_dtype(const reader *r, const char *name, const cJSON *json, entry *x)
{
    if (!cJSON_IsString(json)) return fail_tensor(r, name, "needs one dtype");
    for (int i = 0; i < TAP__SAFETENSORS_DTYPES; i++) {
        if (strcmp(tap__safetensors_dtypes[i].code, json->valuestring) != 0) continue;
        x->element = tap__safetensors_dtypes[i].element;
        x->named.tensor.dtype = tap__element_dtype(x->element);
        return true;
    }
    return tap__reader_fail(r->in, TAP_EDTYPE,
                            "tensor '%.100s' has dtype %.20s; BF16, F16 to F64, I8 to I64, U8 to U64 and BOOL can be read",
                            name, json->valuestring);
}

static bool read_entry(reader *r, const cJSON *json)
{
    entry      *x = &r->entries[r->n];
    tap_tensor *t = &x->named.tensor;
    const char *name = json->string;
    int64_t     offsets[2];
    char        text[TAP_SHAPE_TEXT];
    *x = (entry){ 0 };
    if (!cJSON_IsObject(json)) return fail_tensor(r, name, "needs an object for its entry");
    if (!read_dtype(r, name, find_unique(json, "dtype"), x)) return false;
    t->shape.rank = read_integers(find_unique(json, "shape"), TAP_MAX_RANK, t->shape.n);
    if (t->shape.rank < 0) return fail_tensor(r, name, "needs one shape, a list of sizes");
    if (t->shape.rank > TAP_MAX_RANK)
        return tap__reader_fail(r->in, TAP_ESHAPE, "tensor '%.100s' has %d axes, more than %d", name, t->shape.rank,
                                TAP_MAX_RANK);
    if (read_integers(find_unique(json, "data_offsets"), 2, offsets) != 2)
        return fail_tensor(r, name, "needs one data_offsets, a list of two");
    int64_t n = tap_numel(t->shape), size = tap__element_size(x->element);
    tap_shape_format(text, t->shape);
    if (n < 0) return tap__reader_fail(r->in, TAP_EIO, "tensor '%.100s' has shape %s, which is too large", name, text);
    if (n * size != offsets[1] - offsets[0])
        return tap__reader_fail(r->in, TAP_EIO, "tensor '%.100s' is %s%s, %lld bytes, but lies from offset %lld to %lld", name,
                                tap__element_name(x->element), text, (long long)(n * size), (long long)offsets[0],
                                (long long)offsets[1]);
    x->begin = (uint64_t)offsets[0];
    x->end = (uint64_t)offsets[1];
    x->named.name = store_string(r, name);
    r->n++;
    return true;
}

static bool read_entries(reader *r, const cJSON *json)
{
    const cJSON *item;
    r->entries = tap__arena_acquire(r->in->arena, (size_t)cJSON_GetArraySize(json) * sizeof *r->entries);
    r->names = r->header;
    if (!r->entries) return false;
    cJSON_ArrayForEach(item, json)
    {
        if (!(strcmp(item->string, TAP__SAFETENSORS_METADATA) == 0 ? read_metadata(r, item) : read_entry(r, item)))
            return false;
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return strcmp(x->named.name, y->named.name);
}

static int by_offset(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return by_name(a, b); /* empty tensors */
}

/* Names must be distinct, and the tensors must cover the data without gaps and overlaps. */
static bool check_entries(reader *r)
{
    unsigned long long at = 0, size = r->in->left;
    qsort(r->entries, (size_t)r->n, sizeof *r->entries, by_name);
    for (int i = 1; i < r->n; i++) {
        const entry *x = &r->entries[i];
        if (by_name(x - 1, x) == 0) return fail_tensor(r, x->named.name, "occurs twice");
    }
    qsort(r->entries, (size_t)r->n, sizeof *r->entries, by_offset);
    for (int i = 0; i < r->n; i++) {
        const entry *x = &r->entries[i];
        if (x->begin < at) return fail_tensor(r, x->named.name, "overlaps the one before it");
        if (x->begin > at) return fail_tensor(r, x->named.name, "begins behind a gap in the data");
        at = x->end;
    }
    if (at > size)
        return tap__reader_fail(r->in, TAP_EIO, "truncated: the tensors take %llu bytes, the file has %llu", at, size);
    if (at < size) return tap__reader_fail(r->in, TAP_EIO, "bytes left over behind the tensors: %llu", size - at);
    return true;
}

/* Each tensor gets memory of its own, so that it is aligned whatever its offset in the file. */
static bool read_data(reader *r)
{
    for (int i = 0; i < r->n; i++) {
        const entry *x = &r->entries[i];
        size_t       n = (size_t)(x->end - x->begin), size = (size_t)tap__element_size(x->element);
        tap_tensor  *t = &r->entries[i].named.tensor;
        void        *data = tap__arena_acquire(r->in->arena, n / size * tap_dtype_size(t->dtype));
        if (!data || !tap__reader_read(r->in, data, n)) return false;
        if (!tap__decode(data, (int64_t)(n / size), x->element, false))
            return fail_tensor(r, x->named.name, "holds a uint64 that is above INT64_MAX");
        *t = tap_tensor_wrap(t->dtype, t->shape, data);
    }
    return true;
}

static bool read_table(reader *r)
{
    if (!read_header(r)) return false;
    cJSON *json = parse_header(r);
    bool   ok = json && read_entries(r, json);
    cJSON_Delete(json);
    return ok && check_entries(r);
}

tap__stored *tap__safetensors_locate(tap__reader *in, tap_safetensors *file, int *n)
{
    reader       r = { .in = in };
    tap__stored *all = read_table(&r) ? tap__arena_acquire(in->arena, (size_t)r.n * sizeof *all) : NULL;
    for (int i = 0; i < r.n && all; i++) {
        const entry *x = &r.entries[i];
        all[i] = (tap__stored){
            .name = x->named.name, .element = x->element, .shape = x->named.tensor.shape, .offset = 8 + r.length + x->begin
        };
    }
    if (!all) return NULL;
    tap__arena_release(in->arena, r.entries);
    *file = (tap_safetensors){ .n_metadata = r.n_metadata, .metadata = r.metadata };
    *n = r.n;
    return all;
}

tap_safetensors tap_safetensors_read(tap_arena *a, const char *path)
{
    tap__reader       in;
    reader            r = { .in = &in };
    tap_named_tensor *tensors = NULL;
    if (!tap__reader_open(&in, a, path, "safetensors")) return (tap_safetensors){ 0 };
    if (read_table(&r) && read_data(&r)) tensors = tap__arena_acquire(a, (size_t)r.n * sizeof *tensors);
    tap__reader_close(&in);
    if (!tensors) return (tap_safetensors){ 0 };
    for (int i = 0; i < r.n; i++) tensors[i] = r.entries[i].named;
    tap__arena_release(a, r.entries);
    return (tap_safetensors){ r.n, tensors, r.n_metadata, r.metadata };
}

const tap_tensor *tap_safetensors_find(const tap_safetensors *s, const char *name)
{
    for (int i = 0; s && name && i < s->n; i++) {
        if (strcmp(s->tensors[i].name, name) == 0) return &s->tensors[i].tensor;
    }
    return NULL;
}

const char *tap_safetensors_metadata(const tap_safetensors *s, const char *key)
{
    for (int i = 0; s && key && i < s->n_metadata; i++) {
        if (strcmp(s->metadata[i].key, key) == 0) return s->metadata[i].value;
    }
    return NULL;
}
