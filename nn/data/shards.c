/* nn/data/shards.c: files of rows as one data set. A shard is one file, whose rows are pieces of it: they are read when they
 * are asked for, or the file is mapped. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "nn/nn.h"
#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/io/file.h"
#include "tensor/io/map.h"
#include "tensor/io/stored.h"

typedef struct {
    const char *path;
    int         fd;  /* -1 if the file is mapped */
    const char *map; /* NULL if it is not */
    tap__stored at;
    int64_t     first, rows; /* the first one's number in the field */
} shard;

/* The rows of a field are those of its shards, one after the other. */
typedef struct {
    int       n;
    shard    *shards;
    tap_dtype dtype;
    tap_shape shape; /* of a row */
    int64_t   rows;
} field;

struct tap_shards {
    tap_arena      *memory; /* of fields and mapped files; holds the error */
    tap_shards_mode mode;
    int             n;
    field           fields[TAP_MAX_FIELDS];
};

/* Returned when there is no memory for one, with its error; and the error of NULL. */
static tap_shards      no_shards;
static const tap_error no_memory = { TAP_ENOMEM, "shards: no memory" }, null = { TAP_EARG, "shards: NULL" };

tap_shards *tap_shards_new(tap_shards_mode mode)
{
    tap_arena  *memory;
    tap_shards *s = tap__arena_object(sizeof *s, "shards", "set of shards", &no_memory, &memory);
    if (!s) return &no_shards;
    s->memory = memory;
    s->mode = mode;
    if (mode != TAP_SHARDS_STREAM && mode != TAP_SHARDS_MAP)
        tap_error_set(tap_arena_error(memory), TAP_EARG, "shards: the mode must be stream or map, not %d", (int)mode);
    return s;
}

void tap_shards_free(tap_shards *s)
{
    if (!s || s == &no_shards) return;
    for (int f = 0; f < s->n; f++) {
        for (int i = 0; i < s->fields[f].n; i++) {
            if (s->fields[f].shards[i].fd >= 0) close(s->fields[f].shards[i].fd);
        }
    }
    tap_arena_free(s->memory);
}

tap_status tap_shards_status(const tap_shards *s, const char **message)
{
    return tap__object_status(s ? s->memory : NULL, s ? &no_memory : &null, message);
}

/* ---- Opening ---- */

/* Reads n bytes at this place of the file, or up to its end. Returns how many, or -1. */
static ssize_t read_at(int fd, char *to, size_t n, uint64_t at)
{
    size_t done = 0;
    while (done < n) {
        const ssize_t count = pread(fd, to + done, n - done, (off_t)(at + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return -1;
        if (count == 0) break;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

/* Finds the tensor of this name among those of the file. */
static bool locate_named(tap__reader *in, const char *name, tap__stored *x)
{
    tap_safetensors file;
    int             n = 0;
    bool            found = false;
    tap__stored    *all = tap__safetensors_locate(in, &file, &n);
    for (int i = 0; i < n && all && !found; i++) {
        found = strcmp(all[i].name, name) == 0;
        if (found) *x = all[i];
    }
    if (all && !found) tap__reader_fail(in, TAP_EARG, "has no tensor '%.100s'", name);
    if (all) tap__arena_release(in->arena, all);
    return found;
}

static bool locate(tap__reader *in, const char *name, tap__stored *x)
{
    char magic[2] = { 0 };
    if (read_at(in->fd, magic, sizeof magic, 0) < 0)
        return tap__reader_fail(in, tap__errno_status(errno), "cannot read: %s", tap__strerror(errno));
    if (name) return locate_named(in, name, x);
    return memcmp(magic, "\x93N", 2) == 0 ? tap__npy_locate(in, x) : tap__idx_locate(in, x);
}

static tap_shape row_shape(tap_shape shape)
{
    shape.rank--;
    for (int i = 0; i < shape.rank; i++) shape.n[i] = shape.n[i + 1];
    return shape;
}

/* Adds the located rows to those of the field, whose first shard says what they are. */
static bool append(field *f, const tap__reader *in, shard *d)
{
    const tap__stored *x = &d->at;
    char               is[TAP_SHAPE_TEXT], must_be[TAP_SHAPE_TEXT];
    if (x->shape.rank < 1) return tap__reader_fail(in, TAP_ESHAPE, "must have rows, not shape []");
    if (x->fortran) return tap__reader_fail(in, TAP_ESHAPE, "is in Fortran order: its rows do not lie in one piece");
    const tap_shape row = row_shape(x->shape);
    const tap_dtype dtype = tap__element_dtype(x->element);
    if (f->n == 0) {
        f->shape = row;
        f->dtype = dtype;
    }
    if (!tap_shape_equal(row, f->shape) || dtype != f->dtype)
        return tap__reader_fail(in, TAP_ESHAPE, "has rows of %s %s, and %s has rows of %s %s", tap_dtype_name(dtype),
                                tap_shape_format(is, row), f->shards[0].path, tap_dtype_name(f->dtype),
                                tap_shape_format(must_be, f->shape));
    d->first = f->rows;
    d->rows = x->shape.n[0];
    if (__builtin_add_overflow(f->rows, d->rows, &f->rows)) return tap__reader_fail(in, TAP_ESHAPE, "has too many rows");
    return true;
}

/* Opens one file, whose descriptor the shard keeps in a stream. */
static bool open_shard(tap_shards *s, field *f, const char *path, const char *name)
{
    tap__reader in;
    shard      *d = &f->shards[f->n];
    size_t      size = path ? strlen(path) + 1 : 0;
    char       *copy = path ? tap_arena_alloc(s->memory, size) : NULL;
    if (!tap__reader_open(&in, s->memory, path, "shards")) return false;
    *d = (shard){ .path = copy ? memcpy(copy, path, size) : NULL, .fd = -1 };
    const uint64_t bytes = in.left;
    bool           ok = copy && locate(&in, name, &d->at) && append(f, &in, d);
    if (ok && s->mode == TAP_SHARDS_MAP) {
        void *file = tap__map_file(&in, bytes);
        ok = file && (d->map = tap__stored_view(&in, &d->at, file).data) != NULL;
    } else if (ok) {
        d->fd = in.fd;
        in.fd = -1;
    }
    tap__reader_close(&in);
    f->n += ok;
    return ok;
}

void tap_shards_add(tap_shards *s, int n, const char *const *paths, const char *name)
{
    if (tap_shards_status(s, NULL) != TAP_OK) return;
    tap_error *e = tap_arena_error(s->memory);
    if (n < 1 || !paths) {
        tap_error_set(e, TAP_EARG, "shards: a field needs at least one file, not %d", n);
        return;
    }
    if (s->n == TAP_MAX_FIELDS) tap_error_set(e, TAP_EARG, "shards: there are %d fields already", s->n);
    if (e->status != TAP_OK) return;
    field *f = &s->fields[s->n];
    f->shards = tap_arena_alloc(s->memory, (size_t)n * sizeof *f->shards);
    if (!f->shards) return;
    s->n++;
    for (int i = 0; i < n; i++) {
        if (!open_shard(s, f, paths[i], name)) return;
    }
    if (f->rows != s->fields[0].rows)
        tap_error_set(e, TAP_ESHAPE, "shards: field %d has %lld rows, field 0 has %lld", s->n - 1, (long long)f->rows,
                      (long long)s->fields[0].rows);
}

/* ---- Reading ---- */

/* The last one that begins at the row or before it: an empty one would begin where the one behind it does. */
static const shard *find(const field *f, int64_t row)
{
    int low = 0, high = f->n - 1;
    while (low < high) {
        const int middle = low + (high - low + 1) / 2;
        if (f->shards[middle].first <= row) low = middle;
        else high = middle - 1;
    }
    return &f->shards[low];
}

static tap_status read_bytes(const shard *d, char *to, size_t n, uint64_t offset, tap_error *e)
{
    const ssize_t count = read_at(d->fd, to, n, offset);
    if (count < 0) return tap_error_set(e, tap__errno_status(errno), "%s: cannot read: %s", d->path, tap__strerror(errno));
    if ((size_t)count < n) return tap_error_set(e, TAP_EIO, "%s: became shorter while it was used", d->path);
    return TAP_OK;
}

static tap_status read_field(const field *f, int64_t row, tap_tensor out, tap_error *e)
{
    const shard   *d = find(f, row);
    const int64_t  n = tap_numel(f->shape);
    const uint64_t bytes = (uint64_t)n * (unsigned)tap__element_size(d->at.element), begin = bytes * (uint64_t)(row - d->first);
    if (d->map) {
        memcpy(out.data, d->map + begin, bytes);
        return TAP_OK;
    }
    const tap_status status = read_bytes(d, out.data, bytes, d->at.offset + begin, e);
    if (status != TAP_OK) return status;
    if (!tap__decode(out.data, n, d->at.element, d->at.big_endian))
        return tap_error_set(e, TAP_EIO, "%s: holds a uint64 that is above INT64_MAX", d->path);
    return TAP_OK;
}

static tap_status read_row(void *context, int64_t row, const tap_tensor *out, tap_error *e)
{
    const tap_shards *s = context;
    tap_status        status = TAP_OK;
    for (int f = 0; f < s->n && status == TAP_OK; f++) status = read_field(&s->fields[f], row, out[f], e);
    return status;
}

tap_dataset tap_shards_dataset(tap_shards *s)
{
    const char *reported;
    if (!s || s == &no_shards) return (tap_dataset){ .error = s ? &no_memory : &null };
    tap_error  *e = tap_arena_error(s->memory);
    tap_dataset d = { .n = s->n, .read = read_row, .context = s, .error = e };
    if (s->n == 0) tap_error_set(e, TAP_EARG, "shards: there are no files");
    tap_shards_status(s, &reported); /* the error, by the loader */
    if (s->n > 0) d.rows = s->fields[0].rows;
    for (int f = 0; f < s->n; f++) {
        d.dtype[f] = s->fields[f].dtype;
        d.shape[f] = s->fields[f].shape;
    }
    return d;
}
