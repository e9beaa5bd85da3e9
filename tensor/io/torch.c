/* tensor/io/torch.c: files of torch.save: a pickle of dicts, whose tensors are calls of functions that rebuild them from
 * storages, and the storages' bytes. Today's files are zip archives; those of PyTorch before 1.6 are five pickles with the
 * storages behind them. The calls are not made: their arguments are read as the description of a tensor. */
#include "tensor/io/torch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/arena.h"
#include "tensor/io/elements.h"
#include "tensor/io/json.h"
#include "tensor/io/array.h"
#include "tensor/io/pickle.h"
#include "tensor/io/zip.h"
#include "tensor/text.h"

/* The number with which old files begin, in two's complement. */
static const unsigned char legacy_magic[10] = { 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 };

enum { LEGACY_PROTOCOL = 1001, MAX_DEPTH = 64, MAX_NAMES_RATIO = 32, TENSOR_COST = 16, SLACK = 4096 };

/* Kinds of globals, besides the elements of a storage or a dtype, which are numbers from 0 on. */
enum { NO_ELEMENT = -1, REBUILD = 100, REBUILD_BY_DTYPE, REBUILD_PARAMETER, REBUILD_FROM_TYPE, SIZE, DEVICE, IGNORED, UNTYPED };

/* A storage class, and the dtype of the same name. */
#define ELEMENT(storage, dtype, element) \
    { "torch", storage "Storage", TAP__PICKLE_VALUE, element }, \
    { \
        "torch", dtype, TAP__PICKLE_VALUE, element \
    }
#define DTYPE(dtype) \
    { \
        "torch", dtype, TAP__PICKLE_VALUE, NO_ELEMENT \
    }
#define FUNCTION(name, id) \
    { \
        "torch._utils", name, TAP__PICKLE_CALL, id \
    }

static const tap__pickle_global globals[] = {
    ELEMENT("Float", "float32", TAP__FILE_F32),
    ELEMENT("Double", "float64", TAP__FILE_F64),
    ELEMENT("Half", "float16", TAP__FILE_F16),
    ELEMENT("BFloat16", "bfloat16", TAP__FILE_BF16),
    ELEMENT("Long", "int64", TAP__FILE_I64),
    ELEMENT("Int", "int32", TAP__FILE_I32),
    ELEMENT("Short", "int16", TAP__FILE_I16),
    ELEMENT("Char", "int8", TAP__FILE_I8),
    ELEMENT("Byte", "uint8", TAP__FILE_U8),
    ELEMENT("Bool", "bool", TAP__FILE_BOOL),
    ELEMENT("ComplexFloat", "complex64", NO_ELEMENT),
    ELEMENT("ComplexDouble", "complex128", NO_ELEMENT),
    ELEMENT("QInt8", "qint8", NO_ELEMENT),
    ELEMENT("QUInt8", "quint8", NO_ELEMENT),
    ELEMENT("QInt32", "qint32", NO_ELEMENT),
    { "torch", "uint16", TAP__PICKLE_VALUE, TAP__FILE_U16 },
    { "torch", "uint32", TAP__PICKLE_VALUE, TAP__FILE_U32 },
    { "torch", "uint64", TAP__PICKLE_VALUE, TAP__FILE_U64 },
    DTYPE("float8_e4m3fn"),
    DTYPE("float8_e5m2"),
    DTYPE("float8_e4m3fnuz"),
    DTYPE("float8_e5m2fnuz"),
    { "torch", "UntypedStorage", TAP__PICKLE_VALUE, UNTYPED },
    { "torch.storage", "UntypedStorage", TAP__PICKLE_VALUE, UNTYPED },
    FUNCTION("_rebuild_tensor", REBUILD),
    FUNCTION("_rebuild_tensor_v2", REBUILD),
    FUNCTION("_rebuild_tensor_v3", REBUILD_BY_DTYPE),
    FUNCTION("_rebuild_parameter", REBUILD_PARAMETER),
    FUNCTION("_rebuild_parameter_with_state", REBUILD_PARAMETER),
    { "torch._tensor", "_rebuild_from_type_v2", TAP__PICKLE_CALL, REBUILD_FROM_TYPE },
    { "torch", "Tensor", TAP__PICKLE_VALUE, IGNORED },
    { "torch.nn.parameter", "Parameter", TAP__PICKLE_VALUE, IGNORED },
    { "torch.nn.parameter", "Buffer", TAP__PICKLE_VALUE, IGNORED },
    { "torch", "Size", TAP__PICKLE_CALL, SIZE },
    { "torch", "device", TAP__PICKLE_CALL, DEVICE },
    { "_codecs", "encode", TAP__PICKLE_CALL, IGNORED },
    { "collections", "OrderedDict", TAP__PICKLE_MAKES_DICT, IGNORED },
    { "collections", "Counter", TAP__PICKLE_MAKES_DICT, IGNORED },
    { "builtins", "set", TAP__PICKLE_MAKES_LIST, IGNORED },
    { "__builtin__", "set", TAP__PICKLE_MAKES_LIST, IGNORED },
};

/* Metadata under construction: places in the pool of names. */
typedef struct {
    size_t key, value;
} value;

/* A storage, which persistent objects of one key refer to. */
typedef struct {
    const char *key, *type;
    int64_t     stated;  /* elements; untyped, bytes */
    int64_t     numel;   /* elements of its dtype */
    int         element; /* tap__element, NO_ELEMENT or UNTYPED */
    bool        untyped, used;
    void       *data; /* its elements as those of a tensor */
} storage;

/* A tensor as the call that rebuilds it describes it. */
typedef struct {
    size_t    name;
    storage  *from;
    int64_t   offset, stride[TAP_MAX_RANK];
    tap_shape shape;
} description;

typedef struct {
    tap__reader in;
    tap__pickle pickle;
    tap__array  storages, tensors, values; /* storage (by key), description, value */
    tap__array  names, path;               /* characters: NUL-terminated texts; the path of the object at hand */
    uint64_t    cost;                      /* of what was walked */
    bool        big_endian;
} reader;

/* ---- Storages ---------------------------------------------------------------------------------------------------- */

/* Reads an integer that is at least 0. */
static bool read_size(const tap__pickle_object *o, int64_t *x)
{
    if (!o || o->kind != TAP__PICKLE_INT || o->integer < 0) return false;
    *x = o->integer;
    return true;
}

static const char *read_text(const reader *r, const tap__pickle_object *o)
{
    return o && o->kind == TAP__PICKLE_TEXT ? tap__pickle_text(&r->pickle, o) : NULL;
}

/* A persistent object is a tuple ('storage', type, key, location, elements). */
static bool read_storage(const reader *r, const tap__pickle_object *o, storage *s)
{
    const tap__pickle        *p = &r->pickle;
    const tap__pickle_object *id = tap__pickle_at(p, o->args), *type = tap__pickle_item(p, id, 1);
    const char               *tag = read_text(r, tap__pickle_item(p, id, 0));
    s->key = read_text(r, tap__pickle_item(p, id, 2));
    if (!tag || strcmp(tag, "storage") != 0 || !s->key || type->kind != TAP__PICKLE_GLOBAL ||
        !read_size(tap__pickle_item(p, id, 4), &s->stated))
        return tap__reader_fail(&r->in, TAP_EIO, "its pickle refers to something that is no storage");
    s->type = type->global->name;
    s->element = type->global->id;
    s->numel = s->stated;
    return true;
}

static int by_key(const void *a, const void *b)
{
    const storage *x = a, *y = b;
    return strcmp(x->key, y->key);
}

/* Lists the storages that the pickle refers to, each once. */
static bool list_storages(reader *r)
{
    const tap__pickle *p = &r->pickle;
    storage           *all;
    int                n = 0;
    for (int i = 0; i < p->objects.n; i++) {
        const tap__pickle_object *o = tap__pickle_at(p, i);
        if (o->kind != TAP__PICKLE_PERSISTENT) continue;
        storage *s = tap__array_push(&r->storages, &r->in, sizeof *s);
        if (!s || !read_storage(r, o, s)) return false;
    }
    all = r->storages.items;
    if (r->storages.n) qsort(all, (size_t)r->storages.n, sizeof *all, by_key);
    for (int i = 0; i < r->storages.n; i++) {
        if (n > 0 && by_key(&all[n - 1], &all[i]) == 0) {
            if (all[n - 1].element == all[i].element && all[n - 1].stated == all[i].stated) continue;
            return tap__reader_fail(&r->in, TAP_EIO, "storage '%.40s' has two dtypes or sizes", all[i].key);
        }
        all[n++] = all[i];
    }
    r->storages.n = n;
    return true;
}

static storage *find_storage(const reader *r, const char *key)
{
    const storage wanted = { .key = key };
    if (r->storages.n == 0) return NULL;
    return bsearch(&wanted, r->storages.items, (size_t)r->storages.n, sizeof wanted, by_key);
}

/* ---- Tensors ----------------------------------------------------------------------------------------------------- */

static const char *name_at(const reader *r, size_t name)
{
    return (const char *)r->names.items + name;
}

static bool fail_tensor(const reader *r, size_t name, const char *what)
{
    return tap__reader_fail(&r->in, TAP_EIO, "tensor '%.100s' %s", name_at(r, name), what);
}

static bool is_call(const tap__pickle_object *o, int id)
{
    return o && o->kind == TAP__PICKLE_CALLED && o->global->id == id;
}

/* An item of a call's arguments. */
static const tap__pickle_object *argument(const reader *r, const tap__pickle_object *call, int i)
{
    return tap__pickle_item(&r->pickle, tap__pickle_at(&r->pickle, call->args), i);
}

/* Reads a tuple of sizes, the first TAP_MAX_RANK of them. */
static bool read_sizes(const reader *r, const tap__pickle_object *o, int64_t *sizes, int *n)
{
    if (is_call(o, SIZE)) o = argument(r, o, 0);
    if (!o || (o->kind != TAP__PICKLE_TUPLE && o->kind != TAP__PICKLE_LIST)) return false;
    *n = o->n;
    for (int i = 0; i < o->n && i < TAP_MAX_RANK; i++) {
        if (!read_size(tap__pickle_item(&r->pickle, o, i), &sizes[i])) return false;
    }
    return true;
}

/* Finds the storage, and where a view of it begins: in old files, item 5 may be (key, offset, elements) of a view. */
static bool read_place(const reader *r, const tap__pickle_object *o, description *d)
{
    if (!o || o->kind != TAP__PICKLE_PERSISTENT) return false;
    const tap__pickle_object *id = tap__pickle_at(&r->pickle, o->args), *view = tap__pickle_item(&r->pickle, id, 5);
    d->from = find_storage(r, read_text(r, tap__pickle_item(&r->pickle, id, 2)));
    return !view || view->kind == TAP__PICKLE_NONE || read_size(tap__pickle_item(&r->pickle, view, 1), &d->offset);
}

/* The dtype of the storage, or of version 3 of the function, which has it as its argument 6. */
static bool read_dtype(const reader *r, const tap__pickle_object *call, const description *d)
{
    storage    *s = d->from;
    const char *type = s->type;
    int         element = s->element;
    s->used = true;
    if (call->global->id == REBUILD_BY_DTYPE) {
        const tap__pickle_object *dtype = argument(r, call, 6);
        if (!dtype || dtype->kind != TAP__PICKLE_GLOBAL) return fail_tensor(r, d->name, "has no dtype");
        type = dtype->global->name;
        element = dtype->global->id;
    }
    if (element < 0 || element > TAP__FILE_F64)
        return tap__reader_fail(
            &r->in, TAP_EDTYPE,
            "tensor '%.100s' is of torch.%.40s; bool, integers and floats from bfloat16 to float64 can be read",
            name_at(r, d->name), type);
    if (s->element == element) return true;
    if (s->element != UNTYPED) return fail_tensor(r, d->name, "has another dtype than its storage");
    s->element = element;
    s->untyped = true;
    s->numel = s->stated / tap__element_size((tap__element)element);
    return true;
}

/* Whether all elements lie within the storage. */
static bool fits(const description *d)
{
    int64_t left = d->from->numel - 1 - d->offset;
    if (tap_numel(d->shape) == 0) return true;
    for (int i = 0; i < d->shape.rank; i++) {
        const int64_t steps = d->shape.n[i] - 1;
        if (left < 0 || (steps > 0 && d->stride[i] > left / steps)) return false;
        left -= steps * d->stride[i];
    }
    return left >= 0;
}

/* _rebuild_tensor(storage, offset, size, stride, ...) and later versions of it. */
static bool read_rebuilt(const reader *r, const tap__pickle_object *call, description *d)
{
    int     strides;
    int64_t offset;
    if (!read_place(r, argument(r, call, 0), d) || !read_size(argument(r, call, 1), &offset) ||
        !read_sizes(r, argument(r, call, 2), d->shape.n, &d->shape.rank) ||
        !read_sizes(r, argument(r, call, 3), d->stride, &strides) || strides != d->shape.rank)
        return fail_tensor(r, d->name, "is not described by a storage, an offset, sizes and strides");
    if (d->shape.rank > TAP_MAX_RANK)
        return tap__reader_fail(&r->in, TAP_ESHAPE, "tensor '%.100s' has %d axes, more than %d", name_at(r, d->name),
                                d->shape.rank, TAP_MAX_RANK);
    if (tap_numel(d->shape) < 0 || offset > INT64_MAX - d->offset) return fail_tensor(r, d->name, "is too large");
    d->offset += offset;
    if (!read_dtype(r, call, d)) return false;
    return fits(d) || fail_tensor(r, d->name, "has elements outside its storage");
}

/* The call with a tensor's storage, within calls that make a parameter of it or set its type; NULL if there is none.
 * _rebuild_from_type_v2(function, type, arguments, state) stands for a call of that function, which is put into *typed. */
static const tap__pickle_object *find_rebuild(const reader *r, const tap__pickle_object *o, tap__pickle_object *typed)
{
    for (int depth = 0; o && o->kind == TAP__PICKLE_CALLED && depth < MAX_DEPTH; depth++) {
        const tap__pickle_object *f = argument(r, o, 0), *args = argument(r, o, 2);
        switch (o->global->id) {
        case REBUILD:
        case REBUILD_BY_DTYPE: return o;
        case REBUILD_PARAMETER: o = f; continue;
        case REBUILD_FROM_TYPE:
            if (!args || f->kind != TAP__PICKLE_GLOBAL || args->kind != TAP__PICKLE_TUPLE) return NULL;
            *typed = (tap__pickle_object){ .kind = TAP__PICKLE_CALLED, .global = f->global };
            typed->args = (int)(args - tap__pickle_at(&r->pickle, 0));
            o = typed;
            continue;
        default: return NULL;
        }
    }
    return NULL;
}

/* ---- The walk ---------------------------------------------------------------------------------------------------- */

/* Stores a text, NUL-terminated, and where it is. */
static bool store(reader *r, const char *text, size_t n, size_t *at)
{
    *at = (size_t)r->names.n;
    if (strlen(text) != n || !tap__is_utf8(text))
        return tap__reader_fail(&r->in, TAP_EIO, "holds a text with a NUL character, or not in UTF-8: '%.100s'", text);
    if ((uint64_t)r->names.n > r->pickle.taken * MAX_NAMES_RATIO + SLACK)
        return tap__reader_fail(&r->in, TAP_EIO, "the names of its contents take more than %d times the bytes of its pickle",
                                MAX_NAMES_RATIO);
    return tap__array_append(&r->names, &r->in, text, n + 1, 1);
}

/* The path of the object at hand; NULL if there is no memory to end it. */
static const char *path_text(reader *r)
{
    if (!tap__array_append(&r->path, &r->in, "", 1, 1)) return NULL;
    r->path.n--;
    return r->path.items;
}

static bool store_path(reader *r, size_t *at)
{
    const char *path = path_text(r);
    return path && store(r, path, (size_t)r->path.n, at);
}

/* A number as Python prints it, with as many digits as it takes to read it back. */
static void format_real(char *text, size_t size, double x)
{
    for (int digits = 15; digits <= 17; digits++) {
        tap__format(text, size, "%.*g", digits, x);
        if (tap__parse_number(text, NULL) == x) return;
    }
}

/* Stores a value as text, as Python's str has it. Bytes, and integers beyond int64, are left out. */
static bool add_value(reader *r, const tap__pickle_object *o)
{
    char        text[64];
    const char *from = text;
    size_t      key;
    if (is_call(o, DEVICE)) o = argument(r, o, 0);
    if (!o || o->kind == TAP__PICKLE_BYTES || o->kind == TAP__PICKLE_BIG) return true;
    switch (o->kind) {
    case TAP__PICKLE_NONE: from = "None"; break;
    case TAP__PICKLE_BOOL: from = o->integer ? "True" : "False"; break;
    case TAP__PICKLE_INT: snprintf(text, sizeof text, "%lld", (long long)o->integer); break;
    case TAP__PICKLE_FLOAT: format_real(text, sizeof text, o->real); break;
    case TAP__PICKLE_TEXT: from = tap__pickle_text(&r->pickle, o); break;
    case TAP__PICKLE_GLOBAL: snprintf(text, sizeof text, "%.20s.%.40s", o->global->module, o->global->name); break;
    default: from = NULL;
    }
    if (!store_path(r, &key)) return false;
    if (!from) return tap__reader_fail(&r->in, TAP_EIO, "'%.100s' is no value that can be read", name_at(r, key));
    value *v = tap__array_push(&r->values, &r->in, sizeof *v);
    if (!v) return false;
    v->key = key;
    return store(r, from, o->kind == TAP__PICKLE_TEXT ? (size_t)o->n : strlen(from), &v->value);
}

static bool add_tensor(reader *r, const tap__pickle_object *call)
{
    size_t name;
    r->cost += TENSOR_COST;
    if (!store_path(r, &name)) return false;
    description *d = tap__array_push(&r->tensors, &r->in, sizeof *d);
    if (!d) return false;
    d->name = name;
    return read_rebuilt(r, call, d);
}

/* Appends a key to the path: a string, or an integer in decimal, or the place in a list. */
static bool add_key(reader *r, const tap__pickle_object *key, int place, int depth)
{
    char        text[24];
    const char *from = text;
    size_t      n = 0;
    if (key && key->kind == TAP__PICKLE_TEXT) {
        from = tap__pickle_text(&r->pickle, key);
        n = (size_t)key->n;
    } else if (!key || key->kind == TAP__PICKLE_INT) {
        n = (size_t)snprintf(text, sizeof text, "%lld", key ? (long long)key->integer : (long long)place);
    } else {
        return tap__reader_fail(&r->in, TAP_EIO, "a dict has a key that is neither a string nor an integer");
    }
    if (depth > 0 && !tap__array_append(&r->path, &r->in, ".", 1, 1)) return false;
    return tap__array_append(&r->path, &r->in, from, n, 1);
}

static bool walk(reader *r, const tap__pickle_object *o, int depth);

static bool walk_items(reader *r, const tap__pickle_object *o, int depth)
{
    const tap__pickle *p = &r->pickle;
    const int          before = r->path.n;
    for (int i = 0, cell = o->first; i < o->n; i++) {
        const tap__pickle_cell *c = tap__pickle_cell_at(p, cell);
        if (!add_key(r, c->key < 0 ? NULL : tap__pickle_at(p, c->key), i, depth)) return false;
        if (!walk(r, tap__pickle_at(p, c->value), depth + 1)) return false;
        r->path.n = before;
        cell = c->next;
    }
    return true;
}

/* Lists the tensors and values in an object under their paths. Objects may occur several times; the cost limits how often. */
static bool walk(reader *r, const tap__pickle_object *o, int depth)
{
    tap__pickle_object typed;
    if (depth > MAX_DEPTH) return tap__reader_fail(&r->in, TAP_EIO, "is nested more than %d levels deep", MAX_DEPTH);
    if (++r->cost > r->pickle.taken + SLACK) return tap__reader_fail(&r->in, TAP_EIO, "holds the same objects again and again");
    const tap__pickle_object *call = find_rebuild(r, o, &typed);
    if (call) return add_tensor(r, call);
    if (is_call(o, SIZE)) o = argument(r, o, 0);
    if (is_call(o, IGNORED)) return true;
    switch (o ? o->kind : TAP__PICKLE_NONE) {
    case TAP__PICKLE_DICT:
    case TAP__PICKLE_LIST:
    case TAP__PICKLE_TUPLE:
    case TAP__PICKLE_SET: return walk_items(r, o, depth);
    default: return !o || add_value(r, o);
    }
}

/* ---- The storages' bytes ----------------------------------------------------------------------------------------- */

/* Reads a storage's elements, which are what comes next in the reader. */
static bool read_elements(const reader *r, tap__reader *from, storage *s)
{
    const tap__element e = (tap__element)s->element;
    s->data = tap__arena_acquire(r->in.arena, (size_t)s->numel * tap_dtype_size(tap__element_dtype(e)));
    if (!s->data || !tap__reader_read(from, s->data, (size_t)(s->numel * tap__element_size(e)))) return false;
    if (tap__decode(s->data, s->numel, e, r->big_endian)) return true;
    return tap__reader_fail(from, TAP_EIO, "storage '%.40s' holds a uint64 that is above INT64_MAX", s->key);
}

/* Whether the storage has exactly this many bytes. */
static bool has_bytes(const storage *s, uint64_t n)
{
    const int64_t size = tap__element_size((tap__element)s->element);
    return s->numel <= INT64_MAX / size && (uint64_t)(s->numel * size) == n;
}

static bool read_record(const reader *r, tap__zip *z, const char *prefix, storage *s)
{
    char        name[256];
    tap__reader entry;
    snprintf(name, sizeof name, "%.120sdata/%.100s", prefix, s->key);
    const int i = tap__zip_find(z, name);
    if (i < 0) return tap__reader_fail(&r->in, TAP_EIO, "has no entry '%s' for a storage", name);
    bool ok = tap__zip_enter(z, i, &entry);
    if (ok && !has_bytes(s, entry.left))
        ok = tap__reader_fail(&entry, TAP_EIO, "has %llu bytes, not those of %lld elements of %s",
                              (unsigned long long)entry.left, (long long)s->numel, tap__element_name((tap__element)s->element));
    ok = ok && read_elements(r, &entry, s);
    tap__zip_leave(&entry);
    return ok;
}

/* Bytes of each element that the pickle states; 0 if that cannot be known. */
static int64_t stated_size(const storage *s)
{
    if (s->untyped || s->element == UNTYPED) return 1;
    return s->element >= 0 && s->element <= TAP__FILE_F64 ? tap__element_size((tap__element)s->element) : 0;
}

/* The keys of storages are in the order of their data: for each the number of elements in 8 bytes, and the elements, which are
 * always little-endian. */
static bool read_legacy_storage(reader *r, const tap__pickle_object *key)
{
    int64_t     numel;
    const char *text = read_text(r, key);
    storage    *s = text ? find_storage(r, text) : NULL;
    if (!s || s->data) return tap__reader_fail(&r->in, TAP_EIO, "the list of its storages does not fit its pickle");
    if (r->in.left < 8) return tap__reader_fail(&r->in, TAP_EIO, "truncated: storage '%.40s' is missing", s->key);
    if (!tap__reader_read(&r->in, &numel, 8)) return false;
    const int64_t size = stated_size(s);
    if (size == 0)
        return tap__reader_fail(&r->in, TAP_EDTYPE, "storage '%.40s' is of torch.%.40s, which cannot be read", s->key, s->type);
    if (numel != s->stated)
        return tap__reader_fail(&r->in, TAP_EIO, "storage '%.40s' has %lld elements, not %lld", s->key, (long long)numel,
                                (long long)s->stated);
    if ((uint64_t)numel > r->in.left / (uint64_t)size || (s->used && !has_bytes(s, (uint64_t)(numel * size))))
        return tap__reader_fail(&r->in, TAP_EIO,
                                "truncated: storage '%.40s' takes %lld elements of %lld bytes, the file has %llu bytes", s->key,
                                (long long)numel, (long long)size, (unsigned long long)r->in.left);
    if (s->used) return read_elements(r, &r->in, s);
    return tap__reader_seek(&r->in, r->in.size - r->in.left + (uint64_t)(numel * size));
}

/* ---- The result -------------------------------------------------------------------------------------------------- */

static tap_tensor tensor_of(const description *d)
{
    const tap_dtype dtype = tap__element_dtype((tap__element)d->from->element);
    tap_tensor      x = { .dtype = dtype, .shape = d->shape };
    const int64_t   offset = tap_numel(d->shape) ? d->offset : 0;
    memcpy(x.stride, d->stride, sizeof x.stride);
    x.data = (char *)d->from->data + (size_t)offset * tap_dtype_size(dtype);
    return tap_tensor_is_contiguous(x) ? tap_tensor_wrap(dtype, d->shape, x.data) : x;
}

/* Names and values must be distinct each: {'a.b': x, 'a': {'b': y}} would give a.b twice. */
static bool check_names(const reader *r, const tap_safetensors *s)
{
    const int    most = s->n > s->n_metadata ? s->n : s->n_metadata;
    const char **names = tap__arena_acquire(r->in.arena, (size_t)most * sizeof *names);
    if (!names) return false;
    for (int i = 0; i < s->n; i++) names[i] = s->tensors[i].name;
    if (!tap__check_distinct(&r->in, "tensor", s->n, names)) return false;
    for (int i = 0; i < s->n_metadata; i++) names[i] = s->metadata[i].key;
    const bool ok = tap__check_distinct(&r->in, "value", s->n_metadata, names);
    tap__arena_release(r->in.arena, names);
    return ok;
}

static bool make_result(const reader *r, tap_safetensors *s)
{
    tap_arena         *a = r->in.arena;
    const description *d = r->tensors.items;
    const value       *v = r->values.items;
    char              *names = tap__arena_acquire(a, (size_t)r->names.n);
    tap_named_tensor  *tensors = tap__arena_acquire(a, (size_t)r->tensors.n * sizeof *tensors);
    tap_metadata      *metadata = tap__arena_acquire(a, (size_t)r->values.n * sizeof *metadata);
    if (!metadata) return false;
    if (r->names.n) memcpy(names, r->names.items, (size_t)r->names.n);
    for (int i = 0; i < r->tensors.n; i++) tensors[i] = (tap_named_tensor){ names + d[i].name, tensor_of(&d[i]) };
    for (int i = 0; i < r->values.n; i++) metadata[i] = (tap_metadata){ names + v[i].key, names + v[i].value };
    *s = (tap_safetensors){ r->tensors.n, tensors, r->values.n, metadata };
    return check_names(r, s);
}

/* Lists what the object at the root holds. */
static bool walk_root(reader *r, int root)
{
    return root >= 0 && list_storages(r) && walk(r, tap__pickle_at(&r->pickle, root), 0);
}

/* ---- Archives ---------------------------------------------------------------------------------------------------- */

/* All entries have the archive's name as a folder in front, which may be anything. */
static bool find_prefix(const reader *r, const tap__zip *z, char *prefix, size_t size)
{
    static const char pickle[] = "data.pkl";
    for (int i = 0; i < z->n; i++) {
        const char *name = tap__zip_name(z, i);
        if (!name) return false;
        const size_t n = strlen(name), end = sizeof pickle - 1;
        if (n < end || n - end >= size || strcmp(name + n - end, pickle) != 0 || (n > end && name[n - end - 1] != '/'))
            continue;
        memcpy(prefix, name, n - end);
        prefix[n - end] = '\0';
        return true;
    }
    return tap__reader_fail(&r->in, TAP_EIO, "is a zip archive without PyTorch's data.pkl");
}

/* The entry "byteorder" is missing in older files, which are little-endian. */
static bool read_byte_order(reader *r, tap__zip *z, const char *prefix)
{
    char        name[256], text[8] = "";
    tap__reader entry;
    snprintf(name, sizeof name, "%.120sbyteorder", prefix);
    const int i = tap__zip_find(z, name);
    if (i < 0) return true;
    bool ok = tap__zip_enter(z, i, &entry);
    if (ok && entry.left < sizeof text) ok = tap__reader_read(&entry, text, (size_t)entry.left);
    r->big_endian = strcmp(text, "big") == 0;
    if (ok && !r->big_endian && strcmp(text, "little") != 0)
        ok = tap__reader_fail(&entry, TAP_EIO, "says neither little nor big");
    tap__zip_leave(&entry);
    return ok;
}

static bool read_pickle(reader *r, tap__zip *z, const char *prefix)
{
    char        name[256];
    tap__reader entry;
    snprintf(name, sizeof name, "%.120sdata.pkl", prefix);
    bool ok = tap__zip_enter(z, tap__zip_find(z, name), &entry);
    if (ok) {
        tap__pickle_begin(&r->pickle, &entry, sizeof globals / sizeof *globals, globals);
        ok = walk_root(r, tap__pickle_read(&r->pickle));
    }
    tap__zip_leave(&entry);
    return ok;
}

static bool read_archive(reader *r)
{
    tap__zip z;
    char     prefix[120];
    bool     ok = tap__zip_open(&z, &r->in) && find_prefix(r, &z, prefix, sizeof prefix) && read_byte_order(r, &z, prefix) &&
              read_pickle(r, &z, prefix);
    storage *s = r->storages.items;
    for (int i = 0; ok && i < r->storages.n; i++) {
        if (s[i].used) ok = read_record(r, &z, prefix, &s[i]);
    }
    tap__zip_close(&z);
    return ok;
}

/* ---- Legacy files ------------------------------------------------------------------------------------------------ */

static bool is_magic(const tap__pickle *p, const tap__pickle_object *o)
{
    return o->kind == TAP__PICKLE_BIG && o->n == sizeof legacy_magic &&
           memcmp(tap__pickle_text(p, o), legacy_magic, sizeof legacy_magic) == 0;
}

/* The pickles: a magic number, the protocol's version, facts about the system, the object, and the keys of the storages, whose
 * bytes follow. */
static bool read_legacy(reader *r)
{
    int          object[5];
    tap__pickle *p = &r->pickle;
    tap__pickle_begin(p, &r->in, sizeof globals / sizeof *globals, globals);
    for (int i = 0; i < 5; i++) {
        object[i] = tap__pickle_read(p);
        if (object[i] < 0) return false;
        if (i == 0 && !is_magic(p, tap__pickle_at(p, object[0])))
            return tap__reader_fail(&r->in, TAP_EIO, "is a pickle, but not one of torch.save");
    }
    const tap__pickle_object *version = tap__pickle_at(p, object[1]), *keys = tap__pickle_at(p, object[4]);
    if (version->kind != TAP__PICKLE_INT || version->integer != LEGACY_PROTOCOL)
        return tap__reader_fail(&r->in, TAP_EIO, "is not of version %d of PyTorch's old format", LEGACY_PROTOCOL);
    if (keys->kind != TAP__PICKLE_LIST) return tap__reader_fail(&r->in, TAP_EIO, "has no list of its storages");
    if (!walk_root(r, object[3]) || !tap__reader_seek(&r->in, p->taken)) return false;
    for (int i = 0, cell = keys->first; i < keys->n; i++) {
        if (!read_legacy_storage(r, tap__pickle_at(p, tap__pickle_cell_at(p, cell)->value))) return false;
        cell = tap__pickle_cell_at(p, cell)->next;
    }
    const storage *s = r->storages.items;
    for (int i = 0; i < r->storages.n; i++) {
        if (s[i].used && !s[i].data) return tap__reader_fail(&r->in, TAP_EIO, "storage '%.40s' is missing", s[i].key);
    }
    return true;
}

/* ---- Entry points ------------------------------------------------------------------------------------------------ */

typedef enum { OTHER, ARCHIVE, LEGACY } format;

/* Reads the first bytes, and goes back. safetensors begin with a length of 8 bytes, the upper 4 of which are 0, and a brace;
 * pickles with the opcode of their protocol. */
static bool find_format(tap__reader *in, format *f)
{
    char         start[9] = "";
    const size_t n = in->left < sizeof start ? (size_t)in->left : sizeof start;
    if (!tap__reader_read(in, start, n) || !tap__reader_seek(in, 0)) return false;
    *f = OTHER;
    if (start[8] == '{' && memcmp(start + 4, "\0\0\0\0", 4) == 0) return true;
    if (memcmp(start, TAP__ZIP_MAGIC, 4) == 0) *f = ARCHIVE;
    if ((unsigned char)start[0] == 0x80) *f = LEGACY;
    return true;
}

static bool read_file(reader *r, tap_safetensors *s)
{
    format f;
    if (!find_format(&r->in, &f)) return false;
    switch (f) {
    case ARCHIVE: return read_archive(r) && make_result(r, s);
    case LEGACY: return read_legacy(r) && make_result(r, s);
    default: return tap__reader_fail(&r->in, TAP_EIO, "is not a file of torch.save: neither a zip archive nor its old format");
    }
}

tap_safetensors tap_torch_read(tap_arena *a, const char *path)
{
    tap_safetensors s = { 0 };
    reader          r = { .big_endian = false };
    if (!tap__reader_open(&r.in, a, path, "torch")) return s;
    const bool        ok = read_file(&r, &s);
    tap__array *const all[] = { &r.storages, &r.tensors, &r.values, &r.names, &r.path };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]->items);
    tap__pickle_end(&r.pickle);
    tap__reader_close(&r.in);
    return ok ? s : (tap_safetensors){ 0 };
}

/* Whether the first entry of the archive is an array of NumPy. */
static bool find_npz(tap__reader *in, bool *npz)
{
    tap__zip    z;
    const char *name = tap__zip_open(&z, in) && z.n > 0 ? tap__zip_name(&z, 0) : NULL;
    const bool  ok = name || (z.archive && z.n == 0);
    *npz = name && strlen(name) > 4 && strcmp(name + strlen(name) - 4, ".npy") == 0;
    tap__zip_close(&z);
    return ok;
}

tap_safetensors tap__state_dict_read(tap_arena *a, const char *path)
{
    tap__reader in;
    format      f = OTHER;
    bool        npz = false;
    if (!tap__reader_open(&in, a, path, "load")) return (tap_safetensors){ 0 };
    const bool ok = find_format(&in, &f) && (f != ARCHIVE || find_npz(&in, &npz));
    tap__reader_close(&in);
    if (!ok) return (tap_safetensors){ 0 };
    if (npz) return tap_npz_read(a, path);
    return f == OTHER ? tap_safetensors_read(a, path) : tap_torch_read(a, path);
}
