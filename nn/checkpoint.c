/* Checkpoints: everything that determines the rest of a run. What belongs to one is a list of named tensors that lie in the
 * objects themselves: a save writes them, a load copies back. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "autograd/internal.h"
#include "nn/internal.h"
#include "tensor/io/safetensors.h"
#include "tensor/text.h"

#define FORMAT   "tapestry checkpoint 1"
#define CHECKSUM "checksum"

/* So that a forged one can still be counted on from, and all are doubles. */
#define MAX_STEPS (1ll << 53)

/* What its numbers may be: WEIGHTS finite, a COUNT from 0 to `most`, a RATE finite and not negative. */
typedef enum { ANY, WEIGHTS, COUNT, RATE } meaning;

typedef struct item {
    struct item *next;
    const char  *name;
    tap_tensor   x;
    meaning      meaning;
    int64_t      most;
    int64_t     *rows;   /* of a table, of which x is the room */
    tap_loader  *loader; /* to be set going when its place has been put back */
    tap_optim   *optim;  /* whose gradients must have been consumed */
} item;

typedef struct option {
    struct option *next;
    tap_metadata   is;
} option;

struct tap_checkpoint {
    tap_arena  *memory;         /* of names; holds the error */
    bool        is_told, *told; /* the error has been read, or reported; told points to is_told, for readers of a const one */
    tap_arena  *read;           /* of what was found; NULL: no more */
    const char *path, *previous;
    tap__lock  *lock;
    tap_checkpoint_found found;
    bool                 whole; /* what is at the path is worth being kept */
    item                *items, **next_item;
    option              *options, **next_option;
};

/* Stands for a checkpoint for which there was no memory. */
static tap_checkpoint no_checkpoint;

/* ---- The checksum ---- */

static uint64_t hash_text(const char *text, uint64_t seed)
{
    return XXH3_64bits_withSeed(text, strlen(text), seed);
}

/* Over all names, numbers and options; their order in the file does not count. */
static uint64_t checksum(int n, const tap_named_tensor *tensors, int n_metadata, const tap_metadata *metadata)
{
    uint64_t sum = 0;
    for (int i = 0; i < n; i++) {
        const tap_tensor *x = &tensors[i].tensor;
        uint64_t          seed = hash_text(tensors[i].name, (uint64_t)x->dtype);
        seed = XXH3_64bits_withSeed(x->shape.n, (size_t)x->shape.rank * sizeof *x->shape.n, seed);
        sum += XXH3_64bits_withSeed(x->data, (size_t)tap_numel(x->shape) * tap_dtype_size(x->dtype), seed);
    }
    for (int i = 0; i < n_metadata; i++) {
        if (strcmp(metadata[i].key, CHECKSUM) != 0) sum += hash_text(metadata[i].value, hash_text(metadata[i].key, 0));
    }
    return sum;
}

static void put_checksum(char text[24], uint64_t sum)
{
    snprintf(text, 24, "xxh3:%016" PRIx64, sum);
}

/* ---- What is there ---- */

static bool is_whole(const tap_safetensors *file, const char *path, tap_error *e)
{
    const char *format = tap_safetensors_metadata(file, "format"), *found = tap_safetensors_metadata(file, CHECKSUM);
    char        expected[24];
    if (!format || strcmp(format, FORMAT) != 0 || !found) {
        tap_error_set(e, TAP_EIO, "%s: is no checkpoint", path);
        return false;
    }
    put_checksum(expected, checksum(file->n, file->tensors, file->n_metadata, file->metadata));
    if (strcmp(found, expected) != 0) tap_error_set(e, TAP_EIO, "%s: is damaged: its contents do not have its checksum", path);
    return e->status == TAP_OK;
}

/* An arena for the work on the file of this path. */
static tap_arena *arena_for(const char *path, tap_error *e)
{
    tap_arena *a = tap__arena_new_internal();
    if (tap_arena_status(a, NULL) != TAP_OK) tap_error_set(e, TAP_ENOMEM, "%s: no memory to begin with", path);
    tap__arena_name(a, path);
    return a;
}

/* Whether the path holds a checkpoint that is whole. If not, *e says why; it stays empty where there is no file. */
static bool read_one(tap_checkpoint *c, const char *path, tap_error *e)
{
    if (access(path, F_OK) != 0 && errno == ENOENT) return false;
    tap_arena      *a = arena_for(path, e);
    tap_safetensors file = tap_safetensors_read(a, path);
    tap__error_copy(e, tap_arena_error(a));
    if (e->status == TAP_OK && is_whole(&file, path, e)) {
        c->read = a;
        c->found = (tap_checkpoint_found){ path, "", file };
        return true;
    }
    tap_arena_free(a);
    return false;
}

static char *keep(tap_checkpoint *c, const char *text, const char *more)
{
    size_t size = strlen(text) + strlen(more) + 1;
    char  *kept = tap_arena_alloc(c->memory, size);
    if (kept) snprintf(kept, size, "%s%s", text, more);
    return kept;
}

static void find_newest(tap_checkpoint *c)
{
    tap_error newer = { 0 }, older = { 0 }, *error = tap_arena_error(c->memory);
    c->whole = read_one(c, c->path, &newer);
    if (c->whole || newer.status == TAP_ENOMEM) {
        tap__error_copy(error, &newer);
    } else if (read_one(c, c->previous, &older)) {
        if (newer.status == TAP_OK) tap_error_set(&newer, TAP_EIO, "%s: is missing", c->path);
        char *skipped = keep(c, newer.message, "");
        if (skipped) c->found.skipped = skipped;
    } else if (newer.status != TAP_OK) {
        tap_status status = older.status == TAP_ENOMEM ? TAP_ENOMEM : newer.status;
        tap_error_set(error, status, "%s%s%s", newer.message, older.status ? "; " : "", older.message);
    } else {
        tap__error_copy(error, &older);
    }
}

tap_checkpoint *tap_checkpoint_new(const char *path)
{
    tap_checkpoint *c = calloc(1, sizeof *c);
    tap_arena      *memory = tap__arena_new_internal();
    if (!c || tap_arena_status(memory, NULL) != TAP_OK) {
        tap_error_set(NULL, TAP_ENOMEM, "checkpoint: no memory");
        tap_arena_free(memory);
        free(c);
        return &no_checkpoint;
    }
    tap__arena_name(memory, "checkpoint");
    c->memory = memory;
    c->told = &c->is_told;
    c->next_item = &c->items;
    c->next_option = &c->options;
    if (!path || !*path) {
        tap_error_set(tap_arena_error(c->memory), TAP_EARG, "checkpoint: the path is %s", path ? "empty" : "NULL");
        return c;
    }
    c->path = keep(c, path, "");
    c->previous = keep(c, path, ".previous");
    const char *lock = keep(c, path, ".lock");
    if (lock) c->lock = tap__lock_acquire(lock, path, tap_arena_error(c->memory));
    if (c->lock) find_newest(c);
    tap_checkpoint_option(c, "format", FORMAT);
    return c;
}

static void forget_found(tap_checkpoint *c)
{
    tap_arena_free(c->read);
    c->read = NULL;
    c->found = (tap_checkpoint_found){ .skipped = "" };
}

void tap_checkpoint_free(tap_checkpoint *c)
{
    if (!c || c == &no_checkpoint) return;
    const tap_error *e = tap_arena_error(c->memory);
    if (e->status != TAP_OK && !c->is_told) tap__report_unread("checkpoint", e);
    forget_found(c);
    tap__lock_release(c->lock);
    tap_arena_free(c->memory);
    free(c);
}

tap_status tap_checkpoint_status(const tap_checkpoint *c, const char **message)
{
    if (c && c != &no_checkpoint && message) *c->told = true;
    if (c && c != &no_checkpoint) return tap_arena_status(c->memory, message);
    if (message) *message = c ? "checkpoint: no memory" : "checkpoint: NULL";
    return c ? TAP_ENOMEM : TAP_EARG;
}

tap_checkpoint_found tap_checkpoint_peek(const tap_checkpoint *c)
{
    return c && c->found.path ? c->found : (tap_checkpoint_found){ .skipped = "" };
}

/* ---- What belongs to it ---- */

static bool fail(tap_checkpoint *c, tap_status status, const char *what, const char *name)
{
    tap_error_set(tap_arena_error(c->memory), status, "checkpoint: %s %s", name ? name : "a name", what);
    return false;
}

static bool is_usable(const tap_checkpoint *c)
{
    return tap_checkpoint_status(c, NULL) == TAP_OK;
}

/* Adds one under "prefix.name", or "name" where prefix is NULL. It is the last of the list then, or NULL. */
static item *add(tap_checkpoint *c, const char *prefix, const char *name, tap_tensor x, meaning m)
{
    if (!is_usable(c)) return NULL;
    item *i = tap_arena_alloc(c->memory, sizeof *i);
    char *full = keep(c, prefix ? prefix : "", prefix ? "." : "");
    if (full) full = keep(c, full, name);
    if (!i || !full) return NULL;
    *i = (item){ .name = full, .x = x, .meaning = m };
    *c->next_item = i;
    c->next_item = &i->next;
    return i;
}

static tap_tensor number(tap_dtype dtype, void *at)
{
    return tap_tensor_wrap(dtype, TAP_SCALAR, at);
}

static item *add_count(tap_checkpoint *c, const char *prefix, const char *name, int64_t *at, int64_t most)
{
    item *i = add(c, prefix, name, number(TAP_I64, at), COUNT);
    if (i) i->most = most;
    return i;
}

/* Whether things can be added under the name. */
static bool is_new(tap_checkpoint *c, const char *name, const void *thing, tap_status status)
{
    if (!is_usable(c)) return false;
    if (!name || !*name) return fail(c, TAP_EARG, "is empty", NULL);
    if (!thing) return fail(c, TAP_EARG, "is NULL", name);
    if (status != TAP_OK) return fail(c, status, "has failed already", name);
    size_t n = strlen(name);
    for (const item *i = c->items; i; i = i->next) {
        if (!strncmp(i->name, name, n) && (!i->name[n] || i->name[n] == '.'))
            return fail(c, TAP_EARG, "is the name of something else, too", name);
    }
    return true;
}

void tap_checkpoint_module(tap_checkpoint *c, const char *name, tap_module *m)
{
    if (!is_new(c, name, m, tap_module_status(m, NULL))) return;
    for (const tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) add(c, name, p->path, p->value, WEIGHTS);
}

void tap_checkpoint_optim(tap_checkpoint *c, const char *name, tap_optim *o)
{
    char text[320];
    if (!is_new(c, name, o, o ? o->root->error.status : TAP_OK)) return;
    tap__optim_describe(o, text, sizeof text);
    tap_checkpoint_option(c, name, text);
    item *lr = add(c, name, "lr", number(TAP_F64, &o->hyper.lr), RATE);
    if (lr) lr->optim = o;
    char *steps = keep(c, name, ".step");
    for (int64_t i = 0; steps && i < o->n_slots; i++)
        add_count(c, steps, o->slots[i].param->path, &o->slots[i].step, MAX_STEPS);
    for (int k = 0; k < 2 && o->state_names[k]; k++) {
        char *prefix = keep(c, name, ".");
        prefix = prefix ? keep(c, prefix, o->state_names[k]) : NULL;
        for (int64_t i = 0; prefix && i < o->n_slots; i++) {
            const tap_param *p = o->slots[i].param;
            add(c, prefix, p->path, tap_tensor_wrap(p->value.dtype, p->value.shape, o->slots[i].state[k]), WEIGHTS);
        }
    }
}

void tap_checkpoint_tape(tap_checkpoint *c, const char *name, tap_tape *t)
{
    char text[64];
    if (!is_new(c, name, t, tap_tape_status(t, NULL))) return;
    snprintf(text, sizeof text, "%s, seed %" PRIu64, tap_dtype_name(tap_tape_dtype(t)), t->seed);
    tap_checkpoint_option(c, name, text);
    add(c, name, "step", number(TAP_I64, &t->step), ANY);
}

void tap_checkpoint_loader(tap_checkpoint *c, const char *name, tap_loader *l)
{
    char text[320];
    if (!is_new(c, name, l, tap_loader_status(l, NULL))) return;
    tap_status status = tap__loader_describe(l, text, sizeof text);
    if (status != TAP_OK) {
        fail(c, status, "has data that there was no memory to tell from others", name);
        return;
    }
    tap_checkpoint_option(c, name, text);
    add(c, name, "epoch", number(TAP_I64, &tap__loader_at(l)->epoch), ANY);
    item *next = add_count(c, name, "next", &tap__loader_at(l)->next, tap__loader_rows(l));
    if (next) next->loader = l;
}

void tap_checkpoint_tensor(tap_checkpoint *c, const char *name, tap_tensor x)
{
    if (!is_new(c, name, x.data, TAP_OK)) return;
    if (tap_tensor_numel(x) < 0) fail(c, TAP_ESHAPE, "has no valid shape", name);
    else add(c, NULL, name, x, ANY);
}

void tap_checkpoint_table(tap_checkpoint *c, const char *name, tap_tensor room, int64_t *rows)
{
    if (!is_new(c, name, room.data, TAP_OK)) return;
    if (!rows) fail(c, TAP_EARG, "has no count of its rows", name);
    else if (tap_tensor_numel(room) < 0 || room.shape.rank < 1) fail(c, TAP_ESHAPE, "has no rows", name);
    else {
        item *i = add(c, NULL, name, room, ANY);
        if (i) i->rows = rows;
    }
}

void tap_checkpoint_option(tap_checkpoint *c, const char *key, const char *value)
{
    if (!is_usable(c)) return;
    if (!key || !*key || !value) {
        fail(c, TAP_EARG, "has no key or no value", "an option");
        return;
    }
    for (const option *i = c->options; i; i = i->next) {
        if (!strcmp(i->is.key, key) || !strcmp(key, CHECKSUM)) {
            fail(c, TAP_EARG, "is the name of another option, too", key);
            return;
        }
    }
    option *o = tap_arena_alloc(c->memory, sizeof *o);
    char   *kept_key = keep(c, key, ""), *kept_value = kept_key ? keep(c, value, "") : NULL;
    if (!o || !kept_value) return;
    o->is = (tap_metadata){ kept_key, kept_value };
    *c->next_option = o;
    c->next_option = &o->next;
}

/* ---- Saving ---- */

/* What is to be written or put back, in the arena: tensors[n], and metadata[n_metadata] with room for the checksum. */
typedef struct {
    int               n, n_metadata;
    tap_named_tensor *tensors;
    tap_metadata     *metadata;
} contents;

static tap_tensor first_rows(tap_tensor room, int64_t rows)
{
    room.shape.n[0] = rows;
    return room;
}

/* Tables have as many rows as the file gives them, where there is one and they have room for them. */
static contents gather(const tap_checkpoint *c, const tap_safetensors *file, tap_arena *a)
{
    contents all = { 0 };
    int      n = 0, n_metadata = 0;
    for (const item *i = c->items; i; i = i->next) n++;
    for (const option *i = c->options; i; i = i->next) n_metadata++;
    all.tensors = tap_arena_alloc(a, (size_t)n * sizeof *all.tensors);
    all.metadata = tap_arena_alloc(a, ((size_t)n_metadata + 1) * sizeof *all.metadata);
    if (!all.tensors || !all.metadata) return all;
    for (const item *i = c->items; i; i = i->next) {
        const tap_tensor *stored = tap_safetensors_find(file, i->name);
        int64_t           rows = i->rows ? *i->rows : 0;
        if (stored && stored->shape.rank > 0) rows = stored->shape.n[0];
        const bool fits = i->rows && rows >= 0 && rows <= i->x.shape.n[0];
        all.tensors[all.n++] = (tap_named_tensor){ i->name, fits ? first_rows(i->x, rows) : i->x };
    }
    for (const option *i = c->options; i; i = i->next) all.metadata[all.n_metadata++] = i->is;
    return all;
}

static void check_number(const char *path, const item *i, tap_tensor x, tap_error *e)
{
    char   where[TAP_SHAPE_TEXT + 16];
    double value = i->meaning == WEIGHTS || i->meaning == ANY ? 0 : tap_tensor_item(x, 0);
    if (i->meaning != ANY && !tap__is_finite(x, where, sizeof where))
        tap_error_set(e, TAP_ENONFINITE, "%s: %s holds %s", path, i->name, where);
    if (value < 0 || (i->meaning == COUNT && value > (double)i->most))
        tap_error_set(e, TAP_EIO, "%s: %s = %g is out of range", path, i->name, value);
}

/* A gradient that has not been consumed is part of the run and not of the file. */
static void check_gradients(const tap_checkpoint *c, tap_error *e)
{
    for (const item *i = c->items; i; i = i->next) {
        for (int64_t k = 0; i->optim && k < i->optim->n_slots; k++) {
            const tap_param *p = i->optim->slots[k].param;
            if (tap__param_has_grad(p))
                tap_error_set(e, TAP_EARG, "%s: %s has a gradient that no step has consumed, which would be lost", c->path,
                              p->path);
        }
    }
}

/* Before anything is written. Numbers that do not lie in C order are copied. */
static void check_contents(const tap_checkpoint *c, contents *all, tap_arena *a, tap_error *e)
{
    const item *i = c->items;
    for (int k = 0; k < all->n && e->status == TAP_OK; k++, i = i->next) {
        if (i->rows && (*i->rows < 0 || *i->rows > i->x.shape.n[0]))
            tap_error_set(e, TAP_EARG, "%s: %s has room for %lld rows, not for %lld", c->path, i->name,
                          (long long)i->x.shape.n[0], (long long)*i->rows);
        check_number(c->path, i, all->tensors[k].tensor, e);
        all->tensors[k].tensor = tap_tensor_contiguous(a, all->tensors[k].tensor);
    }
    tap__error_copy(e, tap_arena_error(a));
}

static void copy_status(const tap_checkpoint *c, tap_error *e)
{
    const char *message;
    tap_status  status = tap_checkpoint_status(c, &message);
    if (status != TAP_OK) tap_error_set(e, status, "%s", message);
}

tap_status tap_checkpoint_save(tap_checkpoint *c, tap_error *e)
{
    tap_error mine = { 0 };
    char      sum[24];
    copy_status(c, &mine);
    if (mine.status == TAP_OK) {
        tap_arena *a = arena_for(c->path, &mine);
        contents   all = gather(c, NULL, a);
        check_gradients(c, &mine);
        check_contents(c, &all, a, &mine);
        if (mine.status == TAP_OK) {
            put_checksum(sum, checksum(all.n, all.tensors, all.n_metadata, all.metadata));
            all.metadata[all.n_metadata++] = (tap_metadata){ CHECKSUM, sum };
            tap__safetensors_write(c->path, c->whole ? c->previous : NULL, all.n, all.tensors, all.n_metadata, all.metadata,
                                   &mine);
        }
        tap_arena_free(a);
        forget_found(c);
        if (mine.status == TAP_OK) c->whole = true;
    }
    tap__error_copy(e, &mine);
    return mine.status;
}

/* ---- Loading ---- */

static const char *option_of(const tap_checkpoint *c, const char *key)
{
    const option *i = c->options;
    while (i && strcmp(i->is.key, key) != 0) i = i->next;
    return i ? i->is.value : NULL;
}

static void check_options(const tap_checkpoint *c, tap_error *e)
{
    const tap_safetensors *file = &c->found.file;
    for (int i = 0; i < file->n_metadata; i++) {
        const char *key = file->metadata[i].key, *was = file->metadata[i].value, *is = option_of(c, key);
        if (strcmp(key, CHECKSUM) != 0 && (!is || strcmp(is, was) != 0))
            tap_error_set(e, TAP_EARG, "%s: %s was %s and is %s now", c->found.path, key, was, is ? is : "not given");
    }
    for (const option *i = c->options; i; i = i->next) {
        if (!tap_safetensors_metadata(file, i->is.key))
            tap_error_set(e, TAP_EARG, "%s: %s was not given and is %s now", c->found.path, i->is.key, i->is.value);
    }
}

/* Everything has been checked: nothing can fail any more. */
static void put_back(const tap_checkpoint *c, const contents *all)
{
    const item *i = c->items;
    for (int k = 0; k < all->n; k++, i = i->next) {
        const tap_tensor *stored = tap_safetensors_find(&c->found.file, i->name);
        tap_tensor_copy(all->tensors[k].tensor, *stored, NULL);
        if (i->rows) *i->rows = stored->shape.n[0];
        if (i->loader) tap__loader_resume(i->loader);
        for (int64_t n = 0; i->optim && n < i->optim->n_slots; n++) tap__param_drop_grad(i->optim->slots[n].param);
    }
}

bool tap_checkpoint_resume(tap_checkpoint *c, tap_error *e)
{
    tap_error mine = { 0 };
    bool      done = false;
    copy_status(c, &mine);
    if (mine.status == TAP_OK && c->found.path) {
        tap_arena *a = arena_for(c->found.path, &mine);
        contents   all = gather(c, &c->found.file, a);
        tap__error_copy(&mine, tap_arena_error(a));
        if (mine.status == TAP_OK) check_options(c, &mine);
        if (mine.status == TAP_OK)
            tap__check_file_match(&c->found.file, c->found.path, "run", all.n, all.tensors, false, &mine);
        for (const item *i = c->items; i && mine.status == TAP_OK; i = i->next)
            check_number(c->found.path, i, *tap_safetensors_find(&c->found.file, i->name), &mine);
        done = mine.status == TAP_OK;
        if (done) put_back(c, &all);
        tap_arena_free(a);
        if (done) forget_found(c);
    }
    tap__error_copy(e, &mine);
    return done;
}
