/* nn/checkpoint.c: checkpoints: everything that determines the rest of a training run, in one safetensors file.
 *
 * A checkpoint is a list of items and a list of options. An item is a named tensor whose data is memory of the object that it
 * belongs to: the value of a parameter, a moment of Adam, the step of a tape, the position of a loader. Saving writes these
 * tensors to the file, and resuming copies the file's tensors into them, so that nothing is stored twice. An option is a pair
 * of strings, in the file's metadata, which must be the same in the file and in the program.
 *
 * Invariants:
 * - Names of items are unique, and none continues another one after a dot; so items of different objects never have the same
 *   name.
 * - A save writes a new file, syncs it, makes the old one PATH.previous if that one was whole, and renames the new one to PATH.
 *   From the first save on, one of the two is whole at any time. A file is whole if its contents have the checksum in its
 *   metadata.
 * - PATH.lock is held as long as the checkpoint exists: a path has one writer.
 * - Resuming checks everything before it copies anything: either all items become what the file holds, or none changes.
 * - `found` is what tap_checkpoint_new read, valid until the first save or successful resume.
 * - An error of the checkpoint's declaration (a bad name, no memory) sticks to it. An error of one save or resume is the
 *   caller's. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "autograd/internal.h" /* a tape's seed and step */
#include "nn/internal.h"
#include "nn/optim/schedule.h"
#include "tensor/io/safetensors.h"
#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/io/lock.h"

#define FORMAT   "tapestry checkpoint 1"
#define CHECKSUM "checksum"

/* A limit for counts of steps in a file, so that counting on does not overflow; a double holds all integers up to it. */
#define MAX_STEPS (1ll << 53)

/* Which numbers of an item are valid: any; finite ones; a count, from 0 to max; a rate, finite and at
 * least 0. */
typedef enum { ANY, FINITE, COUNT, RATE } constraint;

typedef struct item {
    struct item *next;
    const char  *name;
    tap_tensor   x;
    constraint   constraint;
    int64_t      max;
    double       limit;   /* of a rate, which is below it */
    int64_t     *rows;    /* of a table: how many of x's rows it has now */
    tap_loader  *loader;  /* to be resumed after its position has been restored */
    tap_optim   *optim;   /* its gradients must have been consumed */
    tap_module **modules; /* x holds their modes while a file is read or written */
} item;

typedef struct option {
    struct option *next;
    tap_metadata   pair;
} option;

struct tap_checkpoint {
    tap_arena           *memory;       /* of names; holds the error */
    tap_arena           *found_memory; /* of `found`; NULL: nothing was found, or it is no longer valid */
    const char          *path, *previous;
    tap__lock           *lock;
    tap_checkpoint_found found;
    bool                 whole; /* the file at the path is whole: a save keeps it as `previous` */
    item                *items, **next_item;
    option              *options, **next_option;
};

/* Returned when there is no memory for a checkpoint, with its error; and the error of NULL. */
static tap_checkpoint  no_checkpoint;
static const tap_error no_memory = { TAP_ENOMEM, "checkpoint: no memory" }, null = { TAP_EARG, "checkpoint: NULL" };

/* ---- The checksum ---- */

static uint64_t hash_text(const char *text, uint64_t seed)
{
    return XXH3_64bits_withSeed(text, strlen(text), seed);
}

/* Of all names, shapes, numbers and options; a sum of hashes, so that their order in the file does not matter. */
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

static void format_checksum(char text[24], uint64_t sum)
{
    snprintf(text, 24, "xxh3:%016" PRIx64, sum);
}

/* ---- The files at the path ---- */

static bool is_whole(const tap_safetensors *file, const char *path, tap_error *e)
{
    const char *format = tap_safetensors_metadata(file, "format"), *found = tap_safetensors_metadata(file, CHECKSUM);
    char        expected[24];
    if (!format || strcmp(format, FORMAT) != 0 || !found) {
        tap_error_set(e, TAP_EIO, "%s: is not a checkpoint", path);
        return false;
    }
    format_checksum(expected, checksum(file->n, file->tensors, file->n_metadata, file->metadata));
    if (strcmp(found, expected) != 0) tap_error_set(e, TAP_EIO, "%s: is damaged: its contents do not match its checksum", path);
    return e->status == TAP_OK;
}

/* Reads the checkpoint at the path into c->found; false if it is not whole, with the reason in *e, or if there is no file. */
static bool read_one(tap_checkpoint *c, const char *path, tap_error *e)
{
    if (access(path, F_OK) != 0 && errno == ENOENT) return false;
    tap_arena      *a = tap__arena_new_for_file(path, e);
    tap_safetensors file = tap_safetensors_read(a, path);
    tap__error_copy(e, tap_arena_error(a));
    if (e->status == TAP_OK && is_whole(&file, path, e)) {
        c->found_memory = a;
        c->found = (tap_checkpoint_found){ path, "", file };
        return true;
    }
    tap_arena_free(a);
    return false;
}

/* text followed by more, in the checkpoint's memory; NULL if the memory cannot be had. */
static char *concat(tap_checkpoint *c, const char *text, const char *more)
{
    size_t size = strlen(text) + strlen(more) + 1;
    char  *joined = tap_arena_alloc(c->memory, size);
    if (joined) snprintf(joined, size, "%s%s", text, more);
    return joined;
}

static void find_newest(tap_checkpoint *c)
{
    tap_error newer = { 0 }, older = { 0 }, *error = tap_arena_error(c->memory);
    c->whole = read_one(c, c->path, &newer);
    if (c->whole || newer.status == TAP_ENOMEM) {
        tap__error_copy(error, &newer);
    } else if (read_one(c, c->previous, &older)) {
        if (newer.status == TAP_OK) tap_error_set(&newer, TAP_EIO, "%s: is missing", c->path);
        char *skipped = concat(c, newer.message, "");
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
    tap_arena      *memory;
    tap_checkpoint *c = tap__arena_object(sizeof *c, "checkpoint", "checkpoint", &no_memory, &memory);
    if (!c) return &no_checkpoint;
    c->memory = memory;
    c->next_item = &c->items;
    c->next_option = &c->options;
    if (!path || !*path) {
        tap_error_set(tap_arena_error(c->memory), TAP_EARG, "checkpoint: the path is %s", path ? "empty" : "NULL");
        return c;
    }
    c->path = concat(c, path, "");
    c->previous = concat(c, path, ".previous");
    const char *lock = concat(c, path, ".lock");
    if (lock) c->lock = tap__lock_acquire(lock, path, tap_arena_error(c->memory));
    if (c->lock) find_newest(c);
    tap_checkpoint_option(c, "format", FORMAT);
    return c;
}

static void drop_found(tap_checkpoint *c)
{
    tap_arena_free(c->found_memory);
    c->found_memory = NULL;
    c->found = (tap_checkpoint_found){ .skipped = "" };
}

void tap_checkpoint_free(tap_checkpoint *c)
{
    if (!c || c == &no_checkpoint) return;
    drop_found(c);
    tap__lock_release(c->lock);
    tap_arena_free(c->memory);
}

tap_status tap_checkpoint_status(const tap_checkpoint *c, const char **message)
{
    return tap__object_status(c ? c->memory : NULL, c ? &no_memory : &null, message);
}

tap_checkpoint_found tap_checkpoint_peek(const tap_checkpoint *c)
{
    return c && c->found.path ? c->found : (tap_checkpoint_found){ .skipped = "" };
}

/* ---- Items and options ---- */

static bool fail(tap_checkpoint *c, tap_status status, const char *what, const char *name)
{
    tap_error_set(tap_arena_error(c->memory), status, "checkpoint: %s %s", name ? name : "a name", what);
    return false;
}

static bool is_usable(const tap_checkpoint *c)
{
    return tap_checkpoint_status(c, NULL) == TAP_OK;
}

/* Appends an item named "prefix.name", or "name" if prefix is NULL. NULL, and the checkpoint has failed, if that is not
 * possible. */
static item *add(tap_checkpoint *c, const char *prefix, const char *name, tap_tensor x, constraint valid)
{
    if (!is_usable(c)) return NULL;
    item *i = tap_arena_alloc(c->memory, sizeof *i);
    char *full = concat(c, prefix ? prefix : "", prefix ? "." : "");
    if (full) full = concat(c, full, name);
    if (!i || !full) return NULL;
    *i = (item){ .name = full, .x = x, .constraint = valid };
    *c->next_item = i;
    c->next_item = &i->next;
    return i;
}

static tap_tensor scalar(tap_dtype dtype, void *at)
{
    return tap_tensor_wrap(dtype, TAP_SCALAR, at);
}

static item *add_count(tap_checkpoint *c, const char *prefix, const char *name, int64_t *count, int64_t max)
{
    item *i = add(c, prefix, name, scalar(TAP_I64, count), COUNT);
    if (i) i->max = max;
    return i;
}

/* Whether an object of this status can be added under the name; if not, the checkpoint has failed. */
static bool can_add(tap_checkpoint *c, const char *name, const void *object, tap_status status)
{
    if (!is_usable(c)) return false;
    if (!name || !*name) return fail(c, TAP_EARG, "must not be empty", NULL);
    if (!object) return fail(c, TAP_EARG, "must not be NULL", name);
    if (status != TAP_OK) return fail(c, status, "has failed already", name);
    size_t n = strlen(name);
    for (const item *i = c->items; i; i = i->next) {
        if (!strncmp(i->name, name, n) && (!i->name[n] || i->name[n] == '.'))
            return fail(c, TAP_EARG, "is the name of another item already", name);
    }
    return true;
}

/* Training and evaluation mode of all modules; the name cannot be that of a parameter. */
static void add_modes(tap_checkpoint *c, const char *name, tap_module *m)
{
    size_t n = 0;
    for (const tap_module *k = m; k; k = tap__next_module(m, k)) n++;
    tap_module     **modules = is_usable(c) ? tap_arena_alloc(c->memory, n * sizeof(tap_module *)) : NULL;
    const tap_tensor x = modules ? tap_tensor_zeros(c->memory, TAP_U8, TAP_SHAPE((int64_t)n)) : (tap_tensor){ 0 };
    const char      *full = x.data ? concat(c, name, " (training)") : NULL;
    item            *i = full ? add(c, NULL, full, x, ANY) : NULL;
    if (i) i->modules = modules;
    for (tap_module *k = m; i && k; k = tap__next_module(m, k)) *modules++ = k;
}

/* Copies the modes into the item, or back. */
static void copy_modes(const item *i, bool back)
{
    uint8_t *mode = i->x.data;
    for (int64_t k = 0; i->modules && k < i->x.shape.n[0]; k++) {
        if (back) i->modules[k]->training = mode[k];
        else mode[k] = i->modules[k]->training;
    }
}

void tap_checkpoint_module(tap_checkpoint *c, const char *name, tap_module *m)
{
    if (!can_add(c, name, m, tap_module_status(m, NULL))) return;
    for (tap__entry e = tap__next_entry(m, (tap__entry){ 0 }); tap__entry_value(e); e = tap__next_entry(m, e))
        add(c, name, tap__entry_path(e), *tap__entry_value(e), e.param ? FINITE : ANY);
    add_modes(c, name, m);
}

/* A name such as "optim.step", in the checkpoint's memory; NULL if the memory cannot be had. */
static char *join(tap_checkpoint *c, const char *name, const char *more)
{
    char *dotted = concat(c, name, ".");
    return dotted ? concat(c, dotted, more) : NULL;
}

/* The options of a group that are numbers: a schedule may change them. "optim.lr", or "optim.lr.1" for group 1. */
static void add_group(tap_checkpoint *c, const char *name, tap_optim *o, int group)
{
    char number[16];
    snprintf(number, sizeof number, "%d", group);
    for (const tap__option *f = o->algorithm->options; f->name; f++) {
        if (f->type != TAP__NUMBER) continue;
        char *prefix = group > 0 ? join(c, name, f->name) : NULL;
        if (group > 0 && !prefix) return;
        item *i = add(c, group > 0 ? prefix : name, group > 0 ? number : f->name,
                      scalar(TAP_F64, tap__optim_field(o, group, f)), RATE);
        if (i) {
            i->limit = f->limit;
            i->optim = o;
        }
    }
}

/* The optimizer's state for one parameter. */
static void add_slot(tap_checkpoint *c, const char *name, const tap__algorithm *a, tap__slot *s)
{
    const tap_param *p = s->param;
    char            *steps = join(c, name, "step");
    if (steps) add_count(c, steps, p->path, &s->step, MAX_STEPS);
    for (int k = 0; a->scalar[k]; k++) {
        char *prefix = join(c, name, a->scalar[k]);
        if (prefix) add(c, prefix, p->path, scalar(TAP_F64, &s->scalar[k]), FINITE);
    }
    for (int k = 0; a->state[k]; k++) {
        char *prefix = s->state[k] ? join(c, name, a->state[k]) : NULL;
        if (prefix) add(c, prefix, p->path, tap_tensor_wrap(p->value.dtype, p->value.shape, s->state[k]), FINITE);
    }
}

/* An algorithm's state for all parameters together. */
static void add_own(tap_checkpoint *c, const char *name, tap_optim *o)
{
    tap__own_item own[TAP__MAX_OWN];
    const int     n = o->algorithm->items && tap__optim_begin(o) ? o->algorithm->items(o, own) : 0;
    for (int k = 0; k < n; k++) {
        item *i = add(c, name, own[k].name, own[k].x, own[k].max < 0 ? FINITE : COUNT);
        if (!i) return;
        i->max = own[k].max;
        i->rows = own[k].rows;
    }
}

static void add_scheduler(tap_checkpoint *c, const char *name, tap_scheduler *s)
{
    const char *prefix = join(c, name, "scheduler"), *text = tap__scheduler_describe(s, c->memory);
    if (!prefix || !text) return;
    tap_checkpoint_option(c, prefix, text);
    item *at = add(c, prefix, "step", scalar(TAP_F64, &s->at), RATE);
    if (at) at->limit = (double)MAX_STEPS;
    add(c, prefix, "base_lr", tap_tensor_wrap(TAP_F64, TAP_SHAPE(s->optim->n_groups), s->base_lr), FINITE);
    add(c, prefix, "best", scalar(TAP_F64, &s->best), ANY);
    add_count(c, prefix, "num_bad_epochs", &s->bad, MAX_STEPS);
    add_count(c, prefix, "cooldown_counter", &s->cooldown, MAX_STEPS);
}

void tap_checkpoint_optim(tap_checkpoint *c, const char *name, tap_optim *o)
{
    if (!can_add(c, name, o, o ? tap__optim_status(o) : TAP_OK)) return;
    const char *text = tap__optim_describe(o, c->memory);
    if (text) tap_checkpoint_option(c, name, text);
    for (int i = 0; i < o->n_groups; i++) add_group(c, name, o, i);
    for (int64_t i = 0; i < o->n_slots; i++) add_slot(c, name, o->algorithm, &o->slots[i]);
    add_own(c, name, o);
    if (o->scheduler) add_scheduler(c, name, o->scheduler);
}

void tap_checkpoint_tape(tap_checkpoint *c, const char *name, tap_tape *t)
{
    char text[64];
    if (!can_add(c, name, t, tap_tape_status(t, NULL))) return;
    snprintf(text, sizeof text, "%s, seed %" PRIu64, tap_dtype_name(tap_tape_dtype(t)), t->seed);
    tap_checkpoint_option(c, name, text);
    add(c, name, "step", scalar(TAP_I64, &t->step), ANY);
}

void tap_checkpoint_loader(tap_checkpoint *c, const char *name, tap_loader *l)
{
    char      text[512];
    tap_error e = { 0 };
    if (!can_add(c, name, l, tap_loader_status(l, NULL))) return;
    if (tap__loader_describe(l, text, sizeof text, &e) != TAP_OK) {
        tap_error_set(tap_arena_error(c->memory), e.status, "checkpoint: %s could not be identified by a hash of its data: %s",
                      name, e.message);
        return;
    }
    tap_checkpoint_option(c, name, text);
    add(c, name, "epoch", scalar(TAP_I64, &tap__loader_position_of(l)->epoch), ANY);
    item *next = add_count(c, name, "next", &tap__loader_position_of(l)->next, tap__loader_rows(l));
    if (next) next->loader = l;
}

void tap_checkpoint_tensor(tap_checkpoint *c, const char *name, tap_tensor x)
{
    if (!can_add(c, name, x.data, TAP_OK)) return;
    if (tap_tensor_numel(x) < 0) fail(c, TAP_ESHAPE, "has no valid shape", name);
    else add(c, NULL, name, x, ANY);
}

void tap_checkpoint_table(tap_checkpoint *c, const char *name, tap_tensor buffer, int64_t *rows)
{
    if (!can_add(c, name, buffer.data, TAP_OK)) return;
    if (!rows) fail(c, TAP_EARG, "needs a pointer to its count of rows", name);
    else if (tap_tensor_numel(buffer) < 0 || buffer.shape.rank < 1) fail(c, TAP_ESHAPE, "must have at least one axis", name);
    else {
        item *i = add(c, NULL, name, buffer, ANY);
        if (i) i->rows = rows;
    }
}

void tap_checkpoint_option(tap_checkpoint *c, const char *key, const char *value)
{
    if (!is_usable(c)) return;
    if (!key || !*key || !value) {
        fail(c, TAP_EARG, "needs a key and a value", "an option");
        return;
    }
    for (const option *i = c->options; i; i = i->next) {
        if (!strcmp(i->pair.key, key) || !strcmp(key, CHECKSUM)) {
            fail(c, TAP_EARG, "is the name of another option already", key);
            return;
        }
    }
    option *o = tap_arena_alloc(c->memory, sizeof *o);
    char   *own_key = concat(c, key, ""), *own_value = own_key ? concat(c, value, "") : NULL;
    if (!o || !own_value) return;
    o->pair = (tap_metadata){ own_key, own_value };
    *c->next_option = o;
    c->next_option = &o->next;
}

/* ---- Saving ---- */

/* All items and options, in an arena: tensors[n], and metadata[n_metadata] with capacity for the checksum. */
typedef struct {
    int               n, n_metadata;
    tap_named_tensor *tensors;
    tap_metadata     *metadata;
} contents;

static tap_tensor first_rows(tap_tensor x, int64_t rows)
{
    x.shape.n[0] = rows;
    return x;
}

/* file: the one to resume from, or NULL before a save. A table has as many rows as in the file, if that is within its
 * capacity. */
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
        copy_modes(i, false);
        const tap_tensor *stored = tap_safetensors_find(file, i->name);
        int64_t           rows = i->rows ? *i->rows : 0;
        if (stored && stored->shape.rank > 0) rows = stored->shape.n[0];
        const bool fits = i->rows && rows >= 0 && rows <= i->x.shape.n[0];
        all.tensors[all.n++] = (tap_named_tensor){ i->name, fits ? first_rows(i->x, rows) : i->x };
    }
    for (const option *i = c->options; i; i = i->next) all.metadata[all.n_metadata++] = i->pair;
    return all;
}

static void check_constraint(const char *path, const item *i, tap_tensor x, tap_error *e)
{
    char   where[TAP_SHAPE_TEXT + 16];
    double value = i->constraint == FINITE || i->constraint == ANY ? 0 : tap_tensor_item(x, 0);
    if (i->constraint != ANY && !tap__is_finite(x, where, sizeof where))
        tap_error_set(e, TAP_ENONFINITE, "%s: %s holds %s", path, i->name, where);
    if (value < 0 || (i->constraint == COUNT && value > (double)i->max) || (i->constraint == RATE && value >= i->limit))
        tap_error_set(e, TAP_EIO, "%s: %s = %g is out of range", path, i->name, value);
}

/* A gradient that no step has consumed is part of the run, but a file does not hold gradients. */
static void check_gradients(const tap_checkpoint *c, tap_error *e)
{
    for (const item *i = c->items; i; i = i->next) {
        for (int64_t k = 0; i->optim && k < i->optim->n_slots; k++) {
            const tap_param *p = i->optim->slots[k].param;
            if (tap__param_has_grad(p))
                tap_error_set(e, TAP_EARG,
                              "%s: %s has a gradient that no step has consumed, and a checkpoint does not hold gradients",
                              c->path, p->path);
        }
    }
}

/* Checks the items before a save, and makes their tensors contiguous. */
static void check_contents(const tap_checkpoint *c, contents *all, tap_arena *a, tap_error *e)
{
    const item *i = c->items;
    for (int k = 0; k < all->n && e->status == TAP_OK; k++, i = i->next) {
        if (i->rows && (*i->rows < 0 || *i->rows > i->x.shape.n[0]))
            tap_error_set(e, TAP_EARG, "%s: %s: rows must be within 0..%lld, not %lld", c->path, i->name,
                          (long long)i->x.shape.n[0], (long long)*i->rows);
        check_constraint(c->path, i, all->tensors[k].tensor, e);
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
    tap_error error = { 0 };
    char      sum[24];
    copy_status(c, &error);
    if (error.status == TAP_OK) {
        tap_arena *a = tap__arena_new_for_file(c->path, &error);
        contents   all = gather(c, NULL, a);
        check_gradients(c, &error);
        check_contents(c, &all, a, &error);
        if (error.status == TAP_OK) {
            format_checksum(sum, checksum(all.n, all.tensors, all.n_metadata, all.metadata));
            all.metadata[all.n_metadata++] = (tap_metadata){ CHECKSUM, sum };
            tap__safetensors_write(c->path, c->whole ? c->previous : NULL, all.n, all.tensors, all.n_metadata, all.metadata,
                                   &error);
        }
        tap_arena_free(a);
        drop_found(c);
        if (error.status == TAP_OK) c->whole = true;
    }
    tap__error_copy(e, &error);
    return error.status;
}

/* ---- Resuming ---- */

static const char *option_of(const tap_checkpoint *c, const char *key)
{
    const option *i = c->options;
    while (i && strcmp(i->pair.key, key) != 0) i = i->next;
    return i ? i->pair.value : NULL;
}

static void check_options(const tap_checkpoint *c, tap_error *e)
{
    const tap_safetensors *file = &c->found.file;
    for (int i = 0; i < file->n_metadata; i++) {
        const char *key = file->metadata[i].key, *old = file->metadata[i].value, *now = option_of(c, key);
        if (strcmp(key, CHECKSUM) != 0 && (!now || strcmp(now, old) != 0))
            tap_error_set(e, TAP_EARG, "%s: %s was %s and is %s now", c->found.path, key, old, now ? now : "not given");
    }
    for (const option *i = c->options; i; i = i->next) {
        if (!tap_safetensors_metadata(file, i->pair.key))
            tap_error_set(e, TAP_EARG, "%s: %s was not given and is %s now", c->found.path, i->pair.key, i->pair.value);
    }
}

/* Copies the file's tensors into the items. Everything has been checked, so nothing can fail here. */
static void restore(const tap_checkpoint *c, const contents *all)
{
    const item *i = c->items;
    for (int k = 0; k < all->n; k++, i = i->next) {
        const tap_tensor *stored = tap_safetensors_find(&c->found.file, i->name);
        tap_tensor_copy(all->tensors[k].tensor, *stored, NULL);
        if (i->rows) *i->rows = stored->shape.n[0];
        copy_modes(i, true);
        if (i->loader) tap__loader_resume(i->loader);
        for (int64_t n = 0; i->optim && n < i->optim->n_slots; n++) tap__param_drop_grad(i->optim->slots[n].param);
        if (i->optim && i->optim->scheduler) i->optim->scheduler->before_at = -1;
    }
}

bool tap_checkpoint_resume(tap_checkpoint *c, tap_error *e)
{
    tap_error error = { 0 };
    bool      done = false;
    copy_status(c, &error);
    if (error.status == TAP_OK && c->found.path) {
        tap_arena *a = tap__arena_new_for_file(c->found.path, &error);
        contents   all = gather(c, &c->found.file, a);
        tap__error_copy(&error, tap_arena_error(a));
        if (error.status == TAP_OK) check_options(c, &error);
        if (error.status == TAP_OK) tap__check_file_match(&c->found.file, c->found.path, all.n, all.tensors, false, &error);
        for (const item *i = c->items; i && error.status == TAP_OK; i = i->next)
            check_constraint(c->found.path, i, *tap_safetensors_find(&c->found.file, i->name), &error);
        done = error.status == TAP_OK;
        if (done) restore(c, &all);
        tap_arena_free(a);
        if (done) drop_found(c);
    }
    tap__error_copy(e, &error);
    return done;
}
