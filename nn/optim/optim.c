/* nn/optim/optim.c: what all optimizers have: options, groups of parameters, and state. An optimizer lives as long as its root,
 * or until tap_optim_free. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/internal.h"
#include "nn/optim/schedule.h"
#include "tensor/arena.h"
#include "tensor/text.h"

enum { CHUNK = 8192 }; /* elements. The partition is fixed, so that the number of threads does not change a bit of the result */

/* ---- Options ---- */

void *tap__optim_field(const tap_optim *o, int group, const tap__option *field)
{
    return (char *)o->groups[group].options + field->offset;
}

static void check_number(tap_module *m, const char *who, const tap__option *field, double x)
{
    if (x >= 0 && x < field->limit) return;
    if (isinf(field->limit))
        tap_module_fail(m, TAP_EARG, "%s: %s must be a finite number, at least 0, not %g", who, field->name, x);
    else tap_module_fail(m, TAP_EARG, "%s: %s must be at least 0 and below %g, not %g", who, field->name, field->limit, x);
}

/* Fills in the default of a field of the caller's: 0 stands for it, TAP_ZERO for 0. */
static void fill_in(tap_module *m, const char *who, const tap__option *field, char *options)
{
    if (field->type == TAP__NUMBER) {
        double *x = (double *)(void *)(options + field->offset);
        if (*x == 0) *x = field->default_value;
        else if (*x == TAP_ZERO) *x = 0;
        else check_number(m, who, field, *x);
    } else if (field->type == TAP__COUNT) {
        int64_t *n = (int64_t *)(void *)(options + field->offset);
        if (*n == 0) *n = (int64_t)field->default_value;
        if (*n < 0) tap_module_fail(m, TAP_EARG, "%s: %s must be at least 1, not %lld", who, field->name, (long long)*n);
    }
}

static void check_together(tap_module *m, const char *who, const tap__algorithm *a, const void *options)
{
    const char *problem = a->check ? a->check(options) : NULL;
    if (problem) tap_module_fail(m, TAP_EARG, "%s: %s", who, problem);
}

/* One field as ", beta1 0.9". Returns the end of the text. */
static char *describe_field(char *at, const char *end, const char *separator, const tap__option *field, const char *options)
{
    const size_t room = (size_t)(end - at);
    const void  *x = options + field->offset;
    switch (field->type) {
    case TAP__NUMBER: tap__format(at, room, "%s%s %.17g", separator, field->name, *(const double *)x); break;
    case TAP__COUNT: tap__format(at, room, "%s%s %lld", separator, field->name, (long long)*(const int64_t *)x); break;
    default: tap__format(at, room, "%s%s %s", separator, field->name, *(const bool *)x ? "true" : "false"); break;
    }
    return at + strlen(at);
}

const char *tap__optim_describe(const tap_optim *o, tap_arena *a)
{
    const size_t room = 1024 * (size_t)o->n_groups;
    char        *text = tap_arena_alloc(a, room), *at = text;
    if (!text) return NULL;
    tap__format(at, room, "%s: ", o->algorithm->name);
    at += strlen(at);
    for (int group = 0; group < o->n_groups; group++) {
        int64_t members = 0;
        for (int64_t i = 0; i < o->n_slots; i++) members += o->slots[i].group == group;
        if (group > 0) {
            tap__format(at, (size_t)(text + room - at), "; group %d of %lld parameters: ", group, (long long)members);
            at += strlen(at);
        }
        const tap__option *first = o->algorithm->options + 1; /* after lr */
        for (const tap__option *f = first; f->name; f++)
            at = describe_field(at, text + room, f == first ? "" : ", ", f, o->groups[group].options);
    }
    return text;
}

/* ---- Making an optimizer ---- */

static int64_t count_chunks(const tap_param *p)
{
    return (tap_numel(p->value.shape) + CHUNK - 1) / CHUNK;
}

/* Orders chunks by their relative position in their parameter, so that a thread gets the same fraction of each: that part of
 * the gradient was computed by the same thread, and is in its processor's cache. */
static int compare_positions(const void *a, const void *b)
{
    const tap__chunk *x = a, *y = b;
    const double      position_x = (double)x->start / (double)tap_numel(x->slot->param->value.shape);
    const double      position_y = (double)y->start / (double)tap_numel(y->slot->param->value.shape);
    if (position_x != position_y) return position_x < position_y ? -1 : 1;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* A parameter has one optimizer: of two, the first to step would consume the gradient. */
static void check_owners(tap_module *m, const char *call)
{
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) {
        if (p->owner) tap__param_fail(p, TAP_EARG, call, "has an optimizer already; free that one first (tap_optim_free)");
    }
}

/* A gradient accumulated before the optimizer was made is not used. */
static void take_ownership(tap_optim *o, tap_param *p)
{
    p->owner = o;
    tap__param_drop_grad(p);
}

/* Appends a group with a copy of the options; false without memory. */
static bool add_group(tap_optim *o, const void *options)
{
    tap_module *m = &o->root->module;
    tap__group *groups = tap__module_alloc(m, (size_t)(o->n_groups + 1) * sizeof *groups);
    void       *copy = tap__module_alloc(m, o->algorithm->size);
    tap_arena  *memory = o->root->memory;
    if (!groups || !copy) return false;
    memcpy(copy, options, o->algorithm->size);
    for (int i = 0; i < o->n_groups; i++) groups[i] = o->groups[i];
    groups[o->n_groups++].options = copy;
    if (o->groups) tap__arena_release(memory, o->groups);
    o->groups = groups;
    return true;
}

/* Allocates the states that the options of the slots' groups use, and, before a slot's first step, releases others, since
 * kernels ask for a state, not for the option; false without memory. */
static bool update_states(tap_optim *o)
{
    const tap__algorithm *a = o->algorithm;
    for (int64_t i = 0; i < o->n_slots; i++) {
        tap__slot *s = &o->slots[i];
        for (int k = 0; a->state[k]; k++) {
            const bool used = !a->uses || a->uses(o->groups[s->group].options, k);
            if (!used && s->state[k] && s->step == 0) {
                tap__arena_release(o->root->memory, s->state[k]);
                s->state[k] = NULL;
            }
            if (!used || s->state[k]) continue;
            s->state[k] = tap__module_alloc(&o->root->module, tap__param_bytes(s->param));
            if (!s->state[k]) return false;
        }
    }
    return true;
}

static void divide(tap_optim *o)
{
    tap__chunk *chunk = o->chunks;
    for (int64_t i = 0; i < o->n_slots; i++) {
        const int64_t n = tap_numel(o->slots[i].param->value.shape);
        for (int64_t at = 0; at < n; at += CHUNK) *chunk++ = (tap__chunk){ &o->slots[i], at, n - at < CHUNK ? n - at : CHUNK };
    }
    qsort(o->chunks, (size_t)o->n_chunks, sizeof *o->chunks, compare_positions);
}

/* Memory for the parameters at and below m; false, and the root has failed, without parameters or memory. */
static bool take_parameters(tap_optim *o, tap_module *m)
{
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p)) {
        o->n_slots++;
        o->n_chunks += count_chunks(p);
        o->numel += tap_numel(p->value.shape);
    }
    if (o->n_slots == 0)
        tap_module_fail(m, TAP_EARG, "%s: the module must have parameters, and has none yet", o->algorithm->name);
    o->slots = tap__module_alloc(m, (size_t)o->n_slots * sizeof *o->slots);
    o->chunks = tap__module_alloc(m, (size_t)o->n_chunks * sizeof *o->chunks);
    if (!o->slots || !o->chunks) return false;
    tap__slot *slot = o->slots;
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p), slot++) slot->param = p;
    divide(o);
    return true;
}

tap_optim *tap__optim_new(tap_module *m, const tap__algorithm *a, const void *options)
{
    m = tap__module(m);
    check_owners(m, a->name);
    tap_optim *o = tap__module_alloc(m, sizeof *o);
    if (!o) return &m->root->no_optim;
    *o = (tap_optim){ .root = m->root, .module = m, .newest = m->root->last, .algorithm = a };
    if (a->kernel >= 0) o->kernel = TAP__KERNEL_PICK(tap__update_kernels)[a->kernel][m->root->dtype];
    if (!add_group(o, options)) return &m->root->no_optim;
    for (const tap__option *f = a->options; f->name; f++) fill_in(m, a->name, f, o->groups[0].options);
    check_together(m, a->name, a, o->groups[0].options);
    if (!take_parameters(o, m) || !update_states(o)) return &m->root->no_optim;
    for (int64_t i = 0; i < o->n_slots; i++) take_ownership(o, o->slots[i].param);
    return o;
}

bool tap__optim_begin(tap_optim *o)
{
    return !o->algorithm->begin || o->own || o->algorithm->begin(o);
}

tap_status tap__optim_status(const tap_optim *o)
{
    const tap_status status = o->root->error.status;
    return status == TAP_OK && !o->module ? TAP_EARG : status;
}

static void release(tap_optim *o, void *p)
{
    if (p) tap__arena_release(o->root->memory, p);
}

void tap_optim_free(tap_optim *o)
{
    if (!o || !o->module) return;
    for (int64_t i = 0; i < o->n_slots; i++) {
        o->slots[i].param->owner = NULL;
        for (int k = 0; k < TAP__MAX_STATES; k++) release(o, o->slots[i].state[k]);
    }
    for (int i = 0; i < o->n_groups; i++) release(o, o->groups[i].options);
    release(o, o->own);
    if (o->scheduler) tap__scheduler_free(o->scheduler);
    release(o, o->groups);
    release(o, o->chunks);
    release(o, o->slots);
    release(o, o);
}

/* ---- Reading and changing options ---- */

static const tap__option *find_option(const tap_optim *o, const char *name)
{
    const tap__option *f = o->algorithm->options;
    while (f->name && strcmp(f->name, name) != 0) f++;
    return f->name ? f : NULL;
}

/* Whether the optimizer is usable; if not, the root has failed. */
static bool is_usable(tap_optim *o, const char *call)
{
    if (!o) return false;
    if (!o->module) tap_error_set(&o->root->error, TAP_EARG, "%s: the optimizer could not be made", call);
    return o->root->error.status == TAP_OK;
}

/* The field of a group, or NULL, and the root has failed, if there is none. */
static const tap__option *checked_field(tap_optim *o, const char *call, int group, const char *name)
{
    tap_module        *m = &o->root->module;
    const tap__option *field = name ? find_option(o, name) : NULL;
    if (group < 0 || group >= o->n_groups)
        tap_module_fail(m, TAP_EARG, "%s: the group must be one of 0..%d, not %d", call, o->n_groups - 1, group);
    else if (!field) tap_module_fail(m, TAP_EARG, "%s: %s has no option %s", call, o->algorithm->name, name ? name : "NULL");
    return o->root->error.status == TAP_OK ? field : NULL;
}

double tap_optim_get(const tap_optim *o, int group, const char *option)
{
    const tap__option *f = o && o->module && option ? find_option(o, option) : NULL;
    if (!f || group < 0 || group >= o->n_groups) return (double)NAN;
    const void *x = tap__optim_field(o, group, f);
    return f->type == TAP__NUMBER ? *(const double *)x : f->type == TAP__COUNT ? (double)*(const int64_t *)x : *(const bool *)x;
}

static bool has_stepped(const tap_optim *o)
{
    for (int64_t i = 0; i < o->n_slots; i++) {
        if (o->slots[i].step > 0) return true;
    }
    return o->own != NULL;
}

/* Sets a field without checking the combination of fields. */
static void set_field(tap_optim *o, const char *call, int group, const char *option, double value)
{
    tap_module        *m = &o->root->module;
    const tap__option *f = checked_field(o, call, group, option);
    if (!f) return;
    void *x = tap__optim_field(o, group, f);
    if (f->type == TAP__NUMBER) check_number(m, call, f, value);
    else if (has_stepped(o)) tap_module_fail(m, TAP_EARG, "%s: %s must be set before the first step", call, option);
    else if (f->type == TAP__FLAG && value != 0 && value != 1)
        tap_module_fail(m, TAP_EARG, "%s: %s must be 0 or 1, not %g", call, option, value);
    else if (f->type == TAP__COUNT && !(value >= 1 && value < f->limit && value == floor(value)))
        tap_module_fail(m, TAP_EARG, "%s: %s must be an integer of at least 1, not %g", call, option, value);
    if (o->root->error.status != TAP_OK) return;
    if (f->type == TAP__NUMBER) *(double *)x = value;
    else if (f->type == TAP__COUNT) *(int64_t *)x = (int64_t)value;
    else *(bool *)x = value != 0;
}

/* Checks options that were changed, and allocates what they need; false if the root has failed. */
static bool accept_options(tap_optim *o, const char *call, int group)
{
    const tap__algorithm *a = o->algorithm;
    check_together(&o->root->module, call, a, o->groups[group].options);
    if (o->root->error.status != TAP_OK) return false;
    for (int64_t i = 0; i < o->n_slots; i++) {
        const tap__slot *s = &o->slots[i];
        for (int k = 0; a->state[k] && s->group == group && s->step > 0; k++) {
            if (!s->state[k] && (!a->uses || a->uses(o->groups[group].options, k)))
                tap_module_fail(&o->root->module, TAP_EARG, "%s: options that need %s must be set before the first step", call,
                                a->state[k]);
        }
    }
    return o->root->error.status == TAP_OK && update_states(o);
}

void tap_optim_set(tap_optim *o, int group, const char *option, double value)
{
    if (!is_usable(o, "optim_set")) return;
    const double before = tap_optim_get(o, group, option);
    set_field(o, "optim_set", group, option, value == TAP_ZERO ? 0 : value);
    if (o->root->error.status != TAP_OK || accept_options(o, "optim_set", group)) return;
    const tap__option *f = find_option(o, option);
    if (f->type == TAP__NUMBER) *(double *)tap__optim_field(o, group, f) = before;
    else if (f->type == TAP__FLAG) *(bool *)tap__optim_field(o, group, f) = before != 0;
}

void tap_optim_set_lr(tap_optim *o, double lr)
{
    if (!o) return;
    if (!(isfinite(lr) && lr >= 0))
        tap_module_fail(&o->root->module, TAP_EARG, "optim_set_lr: lr must be a finite number, at least 0, not %g", lr);
    if (o->root->error.status != TAP_OK) return;
    for (int i = 0; i < o->n_groups; i++) set_field(o, "optim_set_lr", i, "lr", lr);
}

double tap_optim_lr(const tap_optim *o)
{
    return tap_optim_get(o, 0, "lr");
}

double tap_optim_group_lr(const tap_optim *o, int group)
{
    return tap_optim_get(o, group, "lr");
}

/* ---- Groups ---- */

int tap_optim_groups(const tap_optim *o)
{
    return o ? o->n_groups : 0;
}

bool tap_is_matrix(const tap_param *p, void *unused)
{
    (void)unused;
    return p && p->value.shape.rank >= 2;
}

bool tap_is_vector(const tap_param *p, void *unused)
{
    (void)unused;
    return p && p->value.shape.rank <= 1;
}

bool tap_is_below(const tap_param *p, void *module)
{
    return p && module && tap__module_has(module, p->module);
}

static void set_group_options(tap_optim *o, int group, tap_group_options g)
{
    const struct {
        const char *name;
        double      value;
    } given[] = {
        { "lr", g.lr },
        { "weight_decay", g.weight_decay },
        { "momentum", g.momentum },
        { "beta1", g.beta1 },
        { "beta2", g.beta2 },
        { "eps", g.eps },
    };
    for (size_t i = 0; i < sizeof given / sizeof *given && o->root->error.status == TAP_OK; i++) {
        const double x = given[i].value;
        if (x != 0) set_field(o, "optim_group", group, given[i].name, x == TAP_ZERO ? 0 : x);
    }
}

int tap_optim_group(tap_optim *o, tap_param_predicate which, void *ctx, tap_group_options g)
{
    if (!is_usable(o, "optim_group")) return 0;
    tap_module *m = &o->root->module;
    if (!which) tap_module_fail(m, TAP_EARG, "optim_group: the predicate must not be NULL");
    else if (o->algorithm->kernel < 0) tap_module_fail(m, TAP_EARG, "optim_group: %s has no groups", o->algorithm->name);
    else if (has_stepped(o)) tap_module_fail(m, TAP_EARG, "optim_group: groups must be made before the first step");
    else if (o->scheduler) tap_module_fail(m, TAP_EARG, "optim_group: groups must be made before the scheduler");
    if (o->root->error.status != TAP_OK || !add_group(o, o->groups[0].options)) return 0;
    const int group = o->n_groups - 1;
    set_group_options(o, group, g);
    check_together(m, "optim_group", o->algorithm, o->groups[group].options);
    if (o->root->error.status != TAP_OK) {
        release(o, o->groups[--o->n_groups].options);
        return 0;
    }
    for (int64_t i = 0; i < o->n_slots; i++) {
        if (which(o->slots[i].param, ctx)) o->slots[i].group = group;
    }
    update_states(o);
    return group;
}

typedef struct {
    int               n;
    tap_param *const *params;
} param_list;

static bool is_listed(const tap_param *p, void *ctx)
{
    const param_list *l = ctx;
    for (int i = 0; i < l->n; i++) {
        if (l->params[i] == p) return true;
    }
    return false;
}

int tap_optim_group_list(tap_optim *o, int n, tap_param *const *params, tap_group_options g)
{
    if (!is_usable(o, "optim_group_list")) return 0;
    tap_module *m = &o->root->module;
    if (n < 0 || (n > 0 && !params)) {
        tap_module_fail(m, TAP_EARG, "optim_group_list: needs a list of n parameters");
        return 0;
    }
    for (int i = 0; i < n && o->root->error.status == TAP_OK; i++) {
        if (!params[i] || params[i]->owner != o)
            tap_module_fail(m, TAP_EARG, "optim_group_list: parameter %d of the list is not one of the optimizer's", i);
    }
    if (o->root->error.status != TAP_OK) return 0;
    return tap_optim_group(o, is_listed, &(param_list){ n, params }, g);
}
