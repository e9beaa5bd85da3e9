/* nn/optim/schedule.c: schedules of learning rates, as functions of the step k = 0, 1, ...; a fractional k is possible. The
 * formulas are PyTorch's. */
#include "nn/optim/schedule.h"

#include <math.h>

#include "tensor/text.h"

static const double pi = 3.14159265358979323846;

/* 0 stands for the default, TAP_ZERO for 0. */
static double filled(double x, double otherwise)
{
    return x == 0 ? otherwise : x == TAP_ZERO ? 0 : x;
}

static double of_group(const double *each, double all, int group)
{
    return each ? each[group] : all;
}

static void check_range(const tap_schedule *s, tap_module *m, const char *name, double x, double lo, double hi)
{
    if (!(x >= lo && x <= hi && isfinite(x)))
        tap_module_fail(m, TAP_EARG, "%s: %s must be a finite number of at least %g, not %g", s->type->name, name, lo, x);
}

/* ---- Factors of the base rate ---- */

static void check_factor(const tap_schedule *s, tap_module *m)
{
    check_range(s, m, "gamma", s->number[1], 0, HUGE_VAL);
}

static double step_factor(const tap_schedule *s, double k)
{
    return pow(s->number[1], floor(k / s->number[0]));
}

static void check_step(const tap_schedule *s, tap_module *m)
{
    check_range(s, m, "step_size", s->number[0], 1, HUGE_VAL);
    check_factor(s, m);
}

tap_schedule tap_step_lr(int64_t step_size, double gamma)
{
    static const tap_schedule_type type = { "step_lr", TAP__RELATIVE, check_step, step_factor, NULL, NULL };
    return (tap_schedule){ .type = &type, .number = { (double)step_size, gamma } };
}

static double multi_step_factor(const tap_schedule *s, double k)
{
    int passed = 0;
    for (int i = 0; i < s->n; i++) passed += k >= (double)s->milestones[i];
    return pow(s->number[1], passed);
}

static void check_list(const tap_schedule *s, tap_module *m)
{
    if (s->n < 0 || (s->n > 0 && !s->milestones))
        tap_module_fail(m, TAP_EARG, "%s: needs a list of n milestones", s->type->name);
    else check_factor(s, m);
}

tap_schedule tap_multi_step_lr(int n, const int64_t *milestones, double gamma)
{
    static const tap_schedule_type type = { "multi_step_lr", TAP__RELATIVE, check_list, multi_step_factor, NULL, NULL };
    return (tap_schedule){ .type = &type, .number = { 0, gamma }, .n = n, .milestones = milestones };
}

/* With total_iters = 0 the factor is kept for ever. */
static double constant_factor(const tap_schedule *s, double k)
{
    return s->number[2] == 0 || k < s->number[2] ? s->number[0] : 1;
}

static double linear_factor(const tap_schedule *s, double k)
{
    const double total = s->number[2];
    return total == 0 ? s->number[0] : s->number[0] + (s->number[1] - s->number[0]) * fmin(k, total) / total;
}

static void check_total(const tap_schedule *s, tap_module *m)
{
    check_range(s, m, "a factor", s->number[0], 0, HUGE_VAL);
    check_range(s, m, "a factor", s->number[1], 0, HUGE_VAL);
    check_range(s, m, "total_iters", s->number[2], 0, HUGE_VAL);
}

tap_schedule tap_constant_lr(double factor, int64_t total_iters)
{
    static const tap_schedule_type type = { "constant_lr", TAP__RELATIVE, check_total, constant_factor, NULL, NULL };
    return (tap_schedule){ .type = &type, .number = { factor, 0, (double)total_iters } };
}

tap_schedule tap_linear_lr(double start_factor, double end_factor, int64_t total_iters)
{
    static const tap_schedule_type type = { "linear_lr", TAP__RELATIVE, check_total, linear_factor, NULL, NULL };
    return (tap_schedule){ .type = &type, .number = { start_factor, end_factor, (double)total_iters } };
}

static double exponential_factor(const tap_schedule *s, double k)
{
    return pow(s->number[1], k);
}

tap_schedule tap_exponential_lr(double gamma)
{
    static const tap_schedule_type type = { "exponential_lr", TAP__RELATIVE, check_factor, exponential_factor, NULL, NULL };
    return (tap_schedule){ .type = &type, .number = { 0, gamma } };
}

static double polynomial_factor(const tap_schedule *s, double k)
{
    const double total = s->number[2];
    return total == 0 ? 1 : pow(1 - fmin(k, total) / total, s->number[1]);
}

tap_schedule tap_polynomial_lr(int64_t total_iters, double power)
{
    static const tap_schedule_type type = { "polynomial_lr", TAP__RELATIVE, check_total, polynomial_factor, NULL, NULL };
    return (tap_schedule){ .type = &type, .number = { 0, power, (double)total_iters } };
}

/* ---- Rates ---- */

static tap__rates lambda_rates(const tap_schedule *s, int group, double base, double k)
{
    (void)group;
    return (tap__rates){ .lr = base * s->factor(k, s->ctx) };
}

static void check_lambda(const tap_schedule *s, tap_module *m)
{
    if (!s->factor) tap_module_fail(m, TAP_EARG, "lambda_lr: the function must not be NULL");
}

tap_schedule tap_lambda_lr(double (*factor)(double step, void *ctx), void *ctx)
{
    static const tap_schedule_type type = { "lambda_lr", TAP__ABSOLUTE, check_lambda, NULL, lambda_rates, NULL };
    return (tap_schedule){ .type = &type, .factor = factor, .ctx = ctx };
}

static double half_cosine(double from, double to, double part)
{
    return to + (from - to) * (1 + cos(pi * part)) / 2;
}

static tap__rates cosine_rates(const tap_schedule *s, int group, double base, double k)
{
    (void)group;
    return (tap__rates){ .lr = half_cosine(base, s->number[2], k / s->number[0]) };
}

static void check_cosine(const tap_schedule *s, tap_module *m)
{
    check_range(s, m, "T_max", s->number[0], 1, HUGE_VAL);
    check_range(s, m, "eta_min", s->number[2], 0, HUGE_VAL);
}

tap_schedule tap_cosine_annealing_lr(int64_t T_max, double eta_min)
{
    static const tap_schedule_type type = { "cosine_annealing_lr", TAP__COSINE, check_cosine, NULL, cosine_rates, NULL };
    return (tap_schedule){ .type = &type, .number = { (double)T_max, 0, eta_min } };
}

static tap__rates restart_rates(const tap_schedule *s, int group, double base, double k)
{
    double length = s->number[0];
    (void)group;
    if (s->number[1] == 1) k = fmod(k, length);
    for (; k >= length; length *= s->number[1]) k -= length;
    return (tap__rates){ .lr = half_cosine(base, s->number[2], k / length) };
}

static void check_restarts(const tap_schedule *s, tap_module *m)
{
    check_range(s, m, "T_0", s->number[0], 1, HUGE_VAL);
    check_range(s, m, "T_mult", s->number[1], 1, HUGE_VAL);
    check_range(s, m, "eta_min", s->number[2], 0, HUGE_VAL);
}

tap_schedule tap_cosine_annealing_warm_restarts(int64_t T_0, int64_t T_mult, double eta_min)
{
    static const tap_schedule_type type = {
        "cosine_annealing_warm_restarts", TAP__ABSOLUTE, check_restarts, NULL, restart_rates, NULL
    };
    return (tap_schedule){ .type = &type, .number = { (double)T_0, (double)T_mult, eta_min } };
}

/* ---- Cycles of rate and momentum ---- */

static tap__rates cyclic_rates(const tap_schedule *s, int group, double base, double k)
{
    const tap_cyclic_lr_options *o = &s->options.cyclic;
    const double                 up = o->step_size_up, total = up + o->step_size_down;
    const double                 cycle = floor(1 + k / total), at = 1 + k / total - cycle, top = up / total;
    const double                 height = at <= top ? at / top : (at - 1) / (top - 1);
    const double                 lo = of_group(s->lrs[0], o->base_lr, group), hi = of_group(s->lrs[1], o->max_lr, group);
    const double least = of_group(s->lrs[2], o->base_momentum, group), most = of_group(s->lrs[3], o->max_momentum, group);
    double       scale = 1;
    (void)base;
    if (o->mode == TAP_CYCLIC_TRIANGULAR2) scale = pow(2, 1 - cycle);
    if (o->mode == TAP_CYCLIC_EXP_RANGE) scale = pow(o->gamma, k);
    return (tap__rates){
        .lr = lo + (hi - lo) * height * scale,
        .momentum = most - (most - least) * height * scale,
        .has_momentum = !o->keep_momentum,
    };
}

static void check_length(const tap_schedule *s, tap_module *m, const char *name, double x)
{
    if (!(x > 0 && isfinite(x)))
        tap_module_fail(m, TAP_EARG, "%s: %s must be a finite number above 0, not %g", s->type->name, name, x);
}

static void check_cyclic(const tap_schedule *s, tap_module *m)
{
    const tap_cyclic_lr_options *o = &s->options.cyclic;
    check_range(s, m, "base_lr", o->base_lr, 0, HUGE_VAL);
    check_range(s, m, "max_lr", o->max_lr, 0, HUGE_VAL);
    check_length(s, m, "step_size_up", o->step_size_up);
    check_length(s, m, "step_size_down", o->step_size_down);
    check_range(s, m, "gamma", o->gamma, 0, HUGE_VAL);
    if ((unsigned)o->mode > TAP_CYCLIC_EXP_RANGE)
        tap_module_fail(m, TAP_EARG, "cyclic_lr: the mode must be one of TAP_CYCLIC_..., not %d", (int)o->mode);
}

static void describe_cyclic(const tap_schedule *s, char *text, size_t room)
{
    const tap_cyclic_lr_options *o = &s->options.cyclic;
    tap__format(text, room, "%.17g, %.17g, %.17g, %.17g, mode %d, %.17g, %s, %.17g, %.17g", o->base_lr, o->max_lr,
                o->step_size_up, o->step_size_down, (int)o->mode, o->gamma, o->keep_momentum ? "keep_momentum" : "momentum",
                o->base_momentum, o->max_momentum);
}

tap_schedule tap_cyclic_lr(tap_cyclic_lr_options o)
{
    static const tap_schedule_type type = { "cyclic_lr", TAP__ABSOLUTE, check_cyclic, NULL, cyclic_rates, describe_cyclic };
    if (o.step_size_up == 0) o.step_size_up = 2000;
    if (o.step_size_down == 0) o.step_size_down = o.step_size_up;
    o.gamma = filled(o.gamma, 1);
    o.base_momentum = filled(o.base_momentum, 0.8);
    o.max_momentum = filled(o.max_momentum, 0.9);
    return (
        tap_schedule){ .type = &type, .options.cyclic = o, .lrs = { o.base_lrs, o.max_lrs, o.base_momenta, o.max_momenta } };
}

/* From one phase's end to the next. */
typedef struct {
    double end, lr, momentum; /* at the end */
} phase;

static tap__rates one_cycle_rates(const tap_schedule *s, int group, double base, double k)
{
    const tap_one_cycle_lr_options *o = &s->options.one_cycle;
    const double                    hi = of_group(s->lrs[1], o->max_lr, group), lo = hi / o->div_factor,
                 rise = o->pct_start * (double)o->total_steps;
    const double least = of_group(s->lrs[2], o->base_momentum, group), most = of_group(s->lrs[3], o->max_momentum, group);
    const phase  last = { (double)(o->total_steps - 1), lo / o->final_div_factor, most };
    const phase  all[] = { { 0, lo, most }, { rise - 1, hi, least }, { 2 * rise - 2, lo, most }, last };
    const phase  two[] = { all[0], all[1], last };
    const phase *to = o->three_phase ? all + 1 : two + 1;
    (void)base;
    for (const phase *end = o->three_phase ? all + 3 : two + 2; to < end && k > to->end;) to++;
    const phase *from = to - 1;
    const double part = to->end > from->end ? (k - from->end) / (to->end - from->end) : 1;
    const bool   linear = o->anneal == TAP_ANNEAL_LINEAR;
    return (tap__rates){
        .lr = linear ? from->lr + (to->lr - from->lr) * part : half_cosine(from->lr, to->lr, part),
        .momentum =
            linear ? from->momentum + (to->momentum - from->momentum) * part : half_cosine(from->momentum, to->momentum, part),
        .has_momentum = !o->keep_momentum,
    };
}

static void check_one_cycle(const tap_schedule *s, tap_module *m)
{
    const tap_one_cycle_lr_options *o = &s->options.one_cycle;
    check_range(s, m, "max_lr", o->max_lr, 0, HUGE_VAL);
    check_range(s, m, "total_steps", (double)o->total_steps, 1, HUGE_VAL);
    if (!(o->pct_start >= 0 && o->pct_start <= 1))
        tap_module_fail(m, TAP_EARG, "one_cycle_lr: pct_start must be within 0..1, not %g", o->pct_start);
    if (!(o->div_factor > 0 && o->final_div_factor > 0))
        tap_module_fail(m, TAP_EARG, "one_cycle_lr: the factors must be above 0, not %g and %g", o->div_factor,
                        o->final_div_factor);
}

static void describe_one_cycle(const tap_schedule *s, char *text, size_t room)
{
    const tap_one_cycle_lr_options *o = &s->options.one_cycle;
    tap__format(text, room, "%.17g, %lld, %.17g, %s, %s, %.17g, %.17g, %.17g, %.17g%s", o->max_lr, (long long)o->total_steps,
                o->pct_start, o->anneal == TAP_ANNEAL_LINEAR ? "linear" : "cos",
                o->keep_momentum ? "keep_momentum" : "momentum", o->base_momentum, o->max_momentum, o->div_factor,
                o->final_div_factor, o->three_phase ? ", three_phase" : "");
}

tap_schedule tap_one_cycle_lr(tap_one_cycle_lr_options o)
{
    static const tap_schedule_type type = { "one_cycle_lr", TAP__ABSOLUTE,   check_one_cycle,
                                            NULL,           one_cycle_rates, describe_one_cycle };
    o.pct_start = filled(o.pct_start, 0.3);
    o.base_momentum = filled(o.base_momentum, 0.85);
    o.max_momentum = filled(o.max_momentum, 0.95);
    o.div_factor = filled(o.div_factor, 25);
    o.final_div_factor = filled(o.final_div_factor, 1e4);
    return (tap_schedule){ .type = &type, .options.one_cycle = o, .lrs = { NULL, o.max_lrs, o.base_momenta, o.max_momenta } };
}

/* ---- Reduction by a metric ---- */

static tap__rates unchanged(const tap_schedule *s, int group, double base, double k)
{
    (void)s, (void)group, (void)k;
    return (tap__rates){ .lr = base };
}

static void check_plateau(const tap_schedule *s, tap_module *m)
{
    const tap_plateau_options *o = &s->options.plateau;
    if (!(o->factor >= 0 && o->factor < 1))
        tap_module_fail(m, TAP_EARG, "reduce_lr_on_plateau: factor must be at least 0 and below 1, not %g", o->factor);
    check_range(s, m, "patience", (double)o->patience, 0, HUGE_VAL);
    check_range(s, m, "threshold", o->threshold, 0, HUGE_VAL);
    check_range(s, m, "cooldown", (double)o->cooldown, 0, HUGE_VAL);
    check_range(s, m, "eps", o->eps, 0, HUGE_VAL);
    check_range(s, m, "min_lr", o->min_lr, 0, HUGE_VAL);
}

static void describe_plateau(const tap_schedule *s, char *text, size_t room)
{
    const tap_plateau_options *o = &s->options.plateau;
    tap__format(text, room, "%s, %.17g, %lld, %.17g, %s, %lld, %.17g, %.17g", o->maximize ? "max" : "min", o->factor,
                (long long)o->patience, o->threshold, o->absolute_threshold ? "abs" : "rel", (long long)o->cooldown, o->min_lr,
                o->eps);
}

tap_schedule tap_reduce_lr_on_plateau(tap_plateau_options o)
{
    static const tap_schedule_type type = { "reduce_lr_on_plateau", TAP__METRIC, check_plateau, NULL, unchanged,
                                            describe_plateau };
    o.factor = filled(o.factor, 0.1);
    o.patience = o.patience == 0 ? 10 : o.patience == TAP_ZERO ? 0 : o.patience;
    o.threshold = filled(o.threshold, 1e-4);
    o.eps = filled(o.eps, 1e-8);
    return (tap_schedule){ .type = &type, .options.plateau = o, .lrs = { NULL, o.min_lrs } };
}

/* ---- Compositions ---- */

static int active_part(const tap_schedule *s, double k)
{
    int i = 0;
    while (i + 1 < s->n && k >= (double)s->milestones[i]) i++;
    return i;
}

static tap__rates sequential_rates(const tap_schedule *s, int group, double base, double k)
{
    const int i = active_part(s, k);
    return tap__schedule_rates(&s->parts[i], group, base, i > 0 ? k - (double)s->milestones[i - 1] : k);
}

static void check_parts(const tap_schedule *s, tap_module *m)
{
    if (s->n < 1 || !s->parts) {
        tap_module_fail(m, TAP_EARG, "%s: needs a list of n schedules, n at least 1", s->type->name);
        return;
    }
    for (int i = 0; i < s->n && tap_module_status(m, NULL) == TAP_OK; i++) {
        tap__schedule_check(&s->parts[i], m);
        if (s->parts[i].type && s->parts[i].type->action == TAP__METRIC)
            tap_module_fail(m, TAP_EARG, "%s: %s, which steps by a metric, cannot be a part", s->type->name,
                            s->parts[i].type->name);
    }
}

static void check_sequential(const tap_schedule *s, tap_module *m)
{
    check_parts(s, m);
    if (s->n > 1 && !s->milestones) {
        tap_module_fail(m, TAP_EARG, "sequential_lr: needs a list of n - 1 milestones");
        return;
    }
    for (int i = 0; i + 2 < s->n && tap_module_status(m, NULL) == TAP_OK; i++) {
        if (s->milestones[i] > s->milestones[i + 1])
            tap_module_fail(m, TAP_EARG, "sequential_lr: milestones must not decrease, from %lld to %lld",
                            (long long)s->milestones[i], (long long)s->milestones[i + 1]);
    }
}

tap_schedule tap_sequential_lr(int n, const tap_schedule *parts, const int64_t *milestones)
{
    static const tap_schedule_type type = { "sequential_lr", TAP__SEQUENCE, check_sequential, NULL, sequential_rates, NULL };
    return (tap_schedule){ .type = &type, .n = n, .parts = parts, .milestones = milestones };
}

/* Cosine annealing from the rate of the step before, which another schedule may have changed. At T_max, 3 T_max, ... the rate
 * is eta_min, and the ratio to it undefined: there the base rate counts. */
static double cosine_next(const tap_schedule *s, double base, double lr, double k)
{
    const double length = s->number[0], eta_min = s->number[2];
    if (k == 0) return lr;
    if (fmod(k - 1 - length, 2 * length) == 0) return lr + (base - eta_min) * (1 - cos(pi / length)) / 2;
    return (1 + cos(pi * k / length)) / (1 + cos(pi * (k - 1) / length)) * (lr - eta_min) + eta_min;
}

static double relative_next(const tap_schedule *s, double lr, double k)
{
    const double before = k > 0 ? s->type->factor(s, k - 1) : 1;
    return before == 0 ? lr : lr * (s->type->factor(s, k) / before);
}

static double next(const tap_schedule *s, int group, double base, double lr, double k);

/* Each part begins at its own rate, whatever the chain has made of the rate before. */
static double sequential_next(const tap_schedule *s, int group, double base, double lr, double k)
{
    const int    i = active_part(s, k);
    const double at = i > 0 ? k - (double)s->milestones[i - 1] : k;
    return at == 0 ? tap__schedule_rates(&s->parts[i], group, base, 0).lr : next(&s->parts[i], group, base, lr, at);
}

/* The rate in step k that a schedule makes of that in the step before, lr. */
static double next(const tap_schedule *s, int group, double base, double lr, double k)
{
    switch (s->type->action) {
    case TAP__RELATIVE: return relative_next(s, lr, k);
    case TAP__COSINE: return cosine_next(s, base, lr, k);
    case TAP__CHAIN: return tap__chain_next(s, group, base, lr, k);
    case TAP__SEQUENCE: return sequential_next(s, group, base, lr, k);
    default: return tap__schedule_rates(s, group, base, k).lr;
    }
}

double tap__chain_next(const tap_schedule *s, int group, double base, double lr, double k)
{
    for (int i = 0; i < s->n; i++) lr = next(&s->parts[i], group, base, lr, k);
    return lr;
}

static tap__rates chained_rates(const tap_schedule *s, int group, double base, double k)
{
    tap__rates r = { .lr = base };
    for (double at = 0; at <= floor(k); at++) r.lr = tap__chain_next(s, group, base, r.lr, at);
    for (int i = 0; i < s->n; i++) {
        if (!tap__schedule_has_momentum(&s->parts[i])) continue;
        const tap__rates part = tap__schedule_rates(&s->parts[i], group, base, k);
        r.momentum = part.momentum;
        r.has_momentum = true;
    }
    return r;
}

tap_schedule tap_chained_lr(int n, const tap_schedule *parts)
{
    static const tap_schedule_type type = { "chained_lr", TAP__CHAIN, check_parts, NULL, chained_rates, NULL };
    return (tap_schedule){ .type = &type, .n = n, .parts = parts };
}

bool tap__schedule_is_chain(const tap_schedule *s)
{
    return s->type->action == TAP__CHAIN;
}

/* ---- All schedules ---- */

tap__rates tap__schedule_rates(const tap_schedule *s, int group, double base, double k)
{
    if (s->type->rates) return s->type->rates(s, group, base, k);
    return (tap__rates){ .lr = base * s->type->factor(s, k) };
}

double tap_schedule_lr(tap_schedule s, double base_lr, double step)
{
    if (!s.type || !(step >= 0)) return (double)NAN;
    return tap__schedule_rates(&s, 0, base_lr, step).lr;
}

void tap__schedule_check(const tap_schedule *s, tap_module *m)
{
    if (s->type) s->type->check(s, m);
    else tap_module_fail(m, TAP_EARG, "scheduler: the schedule must be made by a function such as tap_step_lr");
}

double tap__schedule_end(const tap_schedule *s)
{
    double end = HUGE_VAL;
    if (s->type->check == check_one_cycle) return (double)s->options.one_cycle.total_steps;
    for (int i = 0; i < s->n && s->parts; i++) {
        const double from = s->milestones && i > 0 ? (double)s->milestones[i - 1] : 0;
        if (tap__schedule_is_chain(s) || i + 1 == s->n) end = fmin(end, from + tap__schedule_end(&s->parts[i]));
    }
    return end;
}

bool tap__schedule_has_momentum(const tap_schedule *s)
{
    if (s->type->check == check_one_cycle) return !s->options.one_cycle.keep_momentum;
    if (s->type->check == check_cyclic) return !s->options.cyclic.keep_momentum;
    for (int i = 0; i < s->n && s->parts; i++) {
        if (tap__schedule_has_momentum(&s->parts[i])) return true;
    }
    return false;
}
