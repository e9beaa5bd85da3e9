/* nn/optim/schedule.h: schedules of learning rates as nn's files see them. Not installed. */
#ifndef TAP_NN_OPTIM_SCHEDULE_H
#define TAP_NN_OPTIM_SCHEDULE_H

#include "nn/nn.h"

/* The learning rate and momentum of a group in a step. */
typedef struct {
    double lr, momentum;
    bool   has_momentum; /* else the schedule leaves it alone */
} tap__rates;

enum { TAP__SCHEDULE_LISTS = sizeof((tap_schedule *)0)->lrs / sizeof(double *) };

/* How a schedule acts on the rate in a chain. */
typedef enum {
    TAP__RELATIVE, /* multiplies it by factor(k) / factor(k - 1) */
    TAP__ABSOLUTE, /* replaces it */
    TAP__COSINE,   /* moves it, relative to eta_min */
    TAP__SEQUENCE, /* its current part does */
    TAP__CHAIN,    /* its parts do, one after the other */
    TAP__METRIC,   /* reduces it when a metric says so; cannot be a part of another schedule */
} tap__schedule_action;

struct tap_schedule_type {
    const char          *name;
    tap__schedule_action action;
    /* Fails m if the arguments are not usable. */
    void (*check)(const tap_schedule *s, tap_module *m);
    double (*factor)(const tap_schedule *s, double k); /* of a relative one */
    tap__rates (*rates)(const tap_schedule *s, int group, double base, double k);
    void (*describe)(const tap_schedule *s, char *text, size_t room); /* the options; NULL: there are numbers only */
};

/* The rates of a group in step k, for a base rate. */
tap__rates tap__schedule_rates(const tap_schedule *s, int group, double base, double k);

/* The rate of a chain in step k, given that of step k - 1, lr; k = 0 begins with the base rate. */
double tap__chain_next(const tap_schedule *s, int group, double base, double lr, double k);

/* Fails m, in the name of the schedule, if its arguments, or those of its parts, are not usable. */
void tap__schedule_check(const tap_schedule *s, tap_module *m);

/* The last step that has a rate; infinity if all have one. */
double tap__schedule_end(const tap_schedule *s);

bool tap__schedule_is_chain(const tap_schedule *s);
bool tap__schedule_has_momentum(const tap_schedule *s);

/* The scheduler of an optimizer. */
struct tap_scheduler {
    tap_optim   *optim;
    tap_schedule schedule;         /* a copy */
    double       at;               /* the current step */
    double      *base_lr, *before; /* of each group: the base rate; in a chain, the rate of the step before */
    double       before_at;        /* that step; -1: none is known */
    double       best;             /* of the metrics */
    int64_t      bad, cooldown;    /* steps without improvement; steps during which these do not count */
};

/* Frees a scheduler's memory. */
void tap__scheduler_free(tap_scheduler *s);

/* The schedule and its arguments, as "step_lr(7, 0.1, 0)", in memory of the arena; NULL if there is none. */
const char *tap__scheduler_describe(const tap_scheduler *s, tap_arena *a);

#endif
