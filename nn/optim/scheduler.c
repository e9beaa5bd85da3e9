/* nn/optim/scheduler.c: schedulers: they set the rates of an optimizer's groups to those of a schedule, step by step. */
#include <math.h>
#include <string.h>

#include "nn/internal.h"
#include "nn/optim/schedule.h"
#include "tensor/arena.h"
#include "tensor/text.h"

/* ---- Copies and descriptions of schedules ---- */

static void *copy_array(tap_module *m, const void *from, int n, size_t size)
{
    void *to = from && n > 0 ? tap__module_alloc(m, (size_t)n * size) : NULL;
    if (to) memcpy(to, from, (size_t)n * size);
    return to;
}

/* A copy of the schedule and its parts, in memory of the root. */
static tap_schedule copy_schedule(const tap_schedule *s, int n_groups, tap_module *m)
{
    tap_schedule copy = *s;
    for (int i = 0; i < TAP__SCHEDULE_LISTS; i++) copy.lrs[i] = copy_array(m, s->lrs[i], n_groups, sizeof(double));
    copy.milestones = copy_array(m, s->milestones, s->parts ? s->n - 1 : s->n, sizeof *s->milestones);
    tap_schedule *parts = s->parts ? tap__module_alloc(m, (size_t)s->n * sizeof *parts) : NULL;
    for (int i = 0; parts && i < s->n; i++) parts[i] = copy_schedule(&s->parts[i], n_groups, m);
    copy.parts = parts;
    return copy;
}

static void free_array(tap_arena *a, const void *x)
{
    if (x) tap__arena_release(a, (void *)(uintptr_t)x);
}

static void free_schedule(tap_arena *a, const tap_schedule *s)
{
    for (int i = 0; i < s->n && s->parts; i++) free_schedule(a, &s->parts[i]);
    for (int i = 0; i < TAP__SCHEDULE_LISTS; i++) free_array(a, s->lrs[i]);
    free_array(a, s->milestones);
    free_array(a, s->parts);
}

static int count_schedules(const tap_schedule *s)
{
    int n = 1 + s->n; /* a milestone takes less room than a schedule */
    for (int i = 0; i < s->n && s->parts; i++) n += count_schedules(&s->parts[i]);
    return n;
}

static char *append(char *at, const char *end, const char *text)
{
    tap__format(at, (size_t)(end - at), "%s", text);
    return at + strlen(at);
}

/* Writes the schedule to the text. Returns the end of the text. */
static char *describe(const tap_schedule *s, int n_groups, char *at, const char *end)
{
    char number[40];
    at = append(append(at, end, s->type->name), end, "(");
    if (s->type->describe) {
        s->type->describe(s, at, (size_t)(end - at));
        at += strlen(at);
    } else if (!s->parts && !s->factor) {
        tap__format(at, (size_t)(end - at), "%.17g, %.17g, %.17g", s->number[0], s->number[1], s->number[2]);
        at += strlen(at);
    }
    for (int i = 0; i < TAP__SCHEDULE_LISTS * n_groups; i++) {
        if (!s->lrs[i / n_groups]) continue;
        tap__format(number, sizeof number, ", %.17g", s->lrs[i / n_groups][i % n_groups]);
        at = append(at, end, number);
    }
    for (int i = 0; s->milestones && i < (s->parts ? s->n - 1 : s->n); i++) {
        tap__format(number, sizeof number, ", %lld", (long long)s->milestones[i]);
        at = append(at, end, number);
    }
    for (int i = 0; s->parts && i < s->n; i++)
        at = describe(&s->parts[i], n_groups, append(at, end, at[-1] == '(' ? "" : ", "), end);
    return append(at, end, ")");
}

const char *tap__scheduler_describe(const tap_scheduler *s, tap_arena *a)
{
    const int    n_groups = s->optim->n_groups;
    const size_t room = (size_t)count_schedules(&s->schedule) * (size_t)(300 + 120 * n_groups);
    char        *text = tap_arena_alloc(a, room);
    if (text) describe(&s->schedule, n_groups, text, text + room);
    return text;
}

/* ---- Rates ---- */

/* The rates of a group in the current step. A chain goes on from the step before, if that is known. */
static tap__rates rates_now(tap_scheduler *s, int group)
{
    const tap_schedule *schedule = &s->schedule;
    const double        base = s->base_lr[group];
    if (!tap__schedule_is_chain(schedule)) return tap__schedule_rates(schedule, group, base, s->at);
    tap__rates r = { .lr = s->before[group] };
    if (s->before_at >= 0 && s->before_at + 1 == s->at) {
        for (int i = 0; i < schedule->n; i++) {
            const tap_schedule *part = &schedule->parts[i];
            if (tap__schedule_has_momentum(part)) r = tap__schedule_rates(part, group, base, s->at);
        }
        r.lr = tap__chain_next(schedule, group, base, s->before[group], s->at);
    } else r = tap__schedule_rates(schedule, group, base, s->at);
    s->before[group] = r.lr;
    return r;
}

static void apply(tap_scheduler *s)
{
    tap_optim  *o = s->optim;
    const char *momentum = isnan(tap_optim_get(o, 0, "momentum")) ? "beta1" : "momentum";
    for (int i = 0; i < o->n_groups && o->root->error.status == TAP_OK; i++) {
        const tap__rates r = rates_now(s, i);
        tap_optim_set(o, i, "lr", r.lr);
        if (r.has_momentum) tap_optim_set(o, i, momentum, r.momentum);
    }
    s->before_at = s->at;
}

/* ---- Schedulers ---- */

/* Whether the optimizer can follow the schedule. If not, the root has failed. */
static bool check_new(tap_optim *o, const tap_schedule *s)
{
    tap_module *m = &o->root->module;
    if (!o->module) return tap_error_set(&o->root->error, TAP_EARG, "scheduler: the optimizer could not be made") == TAP_OK;
    tap__schedule_check(s, m);
    if (o->scheduler)
        tap_module_fail(m, TAP_EARG,
                        "scheduler: the optimizer has one already; combine schedules by tap_chained_lr or "
                        "tap_sequential_lr");
    if (o->root->error.status == TAP_OK && tap__schedule_has_momentum(s) && isnan(tap_optim_get(o, 0, "momentum")) &&
        isnan(tap_optim_get(o, 0, "beta1")))
        tap_module_fail(m, TAP_EARG, "%s: %s has no momentum to cycle: set keep_momentum", s->type->name, o->algorithm->name);
    return o->root->error.status == TAP_OK;
}

tap_scheduler *tap_scheduler_new(tap_optim *o, tap_schedule schedule)
{
    static tap_scheduler none;
    if (!o || !check_new(o, &schedule)) return &none;
    tap_module    *m = &o->root->module;
    tap_scheduler *s = tap__module_alloc(m, sizeof *s);
    if (!s) return &none;
    const bool grows = schedule.type->action == TAP__METRIC && schedule.options.plateau.maximize;
    *s = (tap_scheduler){ .optim = o, .before_at = -1, .best = grows ? -HUGE_VAL : HUGE_VAL };
    s->base_lr = tap__module_alloc(m, (size_t)o->n_groups * sizeof *s->base_lr);
    s->before = tap__module_alloc(m, (size_t)o->n_groups * sizeof *s->before);
    s->schedule = copy_schedule(&schedule, o->n_groups, m);
    if (o->root->error.status != TAP_OK) return &none;
    for (int i = 0; i < o->n_groups; i++) s->base_lr[i] = tap_optim_group_lr(o, i);
    o->scheduler = s;
    apply(s);
    return s;
}

void tap__scheduler_free(tap_scheduler *s)
{
    tap_arena *a = s->optim->root->memory;
    free_schedule(a, &s->schedule);
    free_array(a, s->base_lr);
    free_array(a, s->before);
    free_array(a, s);
}

/* Whether the scheduler can step. If not, its root has failed. */
static bool is_usable(const tap_scheduler *s, const char *call, bool by_metric)
{
    if (!s || !s->optim) return false;
    tap_module *m = &s->optim->root->module;
    if (by_metric != (s->schedule.type->action == TAP__METRIC))
        tap_module_fail(m, TAP_EARG, "%s: %s steps %s a metric", call, s->schedule.type->name, by_metric ? "without" : "by");
    return s->optim->root->error.status == TAP_OK;
}

static void step_to(tap_scheduler *s, const char *call, double at)
{
    tap_module  *m = &s->optim->root->module;
    const double end = tap__schedule_end(&s->schedule);
    if (!(at >= 0 && isfinite(at))) tap_module_fail(m, TAP_EARG, "%s: the step must be at least 0, not %g", call, at);
    else if (at > end) tap_module_fail(m, TAP_EARG, "%s: step %g is beyond the schedule's total of %g steps", call, at, end);
    if (s->optim->root->error.status != TAP_OK) return;
    s->at = at;
    apply(s);
}

void tap_scheduler_step(tap_scheduler *s)
{
    if (is_usable(s, "scheduler_step", false)) step_to(s, "scheduler_step", s->at + 1);
}

void tap_scheduler_step_to(tap_scheduler *s, double epoch)
{
    if (is_usable(s, "scheduler_step_to", false)) step_to(s, "scheduler_step_to", epoch);
}

/* ---- Reduction by a metric ---- */

static bool is_better(const tap_plateau_options *o, double metric, double best)
{
    if (o->absolute_threshold) return o->maximize ? metric > best + o->threshold : metric < best - o->threshold;
    return o->maximize ? metric > best * (1 + o->threshold) : metric < best * (1 - o->threshold);
}

static void reduce(tap_scheduler *s)
{
    const tap_plateau_options *o = &s->schedule.options.plateau;
    for (int i = 0; i < s->optim->n_groups; i++) {
        const double least = s->schedule.lrs[1] ? s->schedule.lrs[1][i] : o->min_lr, old = tap_optim_group_lr(s->optim, i);
        const double lr = fmax(old * o->factor, least);
        if (old - lr > o->eps) tap_optim_set(s->optim, i, "lr", lr);
    }
}

void tap_scheduler_step_metric(tap_scheduler *s, double metric)
{
    if (!is_usable(s, "scheduler_step_metric", true)) return;
    const tap_plateau_options *o = &s->schedule.options.plateau;
    s->at++;
    s->bad++;
    if (is_better(o, metric, s->best)) {
        s->best = metric;
        s->bad = 0;
    }
    if (s->cooldown > 0) {
        s->cooldown--;
        s->bad = 0;
    }
    if (s->bad <= o->patience) return;
    reduce(s);
    s->cooldown = o->cooldown;
    s->bad = 0;
}
