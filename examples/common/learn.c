/* examples/common/learn.c: gradient descent. Everything random depends on the seed alone. */
#include "learn.h"

#include <math.h>
#include <stdio.h>

typedef struct {
    const lesson *l;
    tap_tape     *tape;
    tap_optim    *adam;
    tap_loader   *data;
    double        loss[2]; /* in this epoch: the sum, and of how many rows */
    double        saved;   /* when */
} student;

/* A run does not end because there is no room for a checkpoint. */
static void save(student *s)
{
    tap_error e = { 0 };
    if (s->l->checkpoint && tap_checkpoint_save(s->l->checkpoint, &e)) note("no checkpoint: %s", e.message);
    s->saved = now();
}

static batch batch_of(const tap_loader *from, tap_tensor x)
{
    batch b = { .x = x };
    b.rows = tap_loader_rows(from, &b.n);
    return b;
}

static bool step(student *s, tap_tensor x)
{
    const lesson *l = s->l;
    const char   *message;
    const double  epoch = (double)tap_loader_epoch(s->data) - 1;
    batch         b = batch_of(s->data, x);
    b.done = (epoch + s->loss[1] / (double)l->data.shape.n[0]) / (double)l->how.epochs;
    tap_tape_reset(s->tape);
    tap_var loss = l->loss(l->net, s->tape, &b);
    tap_backward(loss);
    if (tap_tape_status(s->tape, &message)) return fail("%s", message);
    if (!isfinite(tap_item(loss)) || !tap_optim_finite(s->adam))
        return fail("the loss or its gradient is not a finite number in epoch %.0f; a smaller --lr may help", epoch + 1);
    tap_optim_set_lr(s->adam, l->how.lr * fmin(1, 2 * (1 - b.done)));
    tap_optim_step(s->adam, s->tape);
    s->loss[0] += (double)b.n * tap_item(loss);
    s->loss[1] += (double)b.n;
    return true;
}

bool held_out_loss(const lesson *l, double *loss)
{
    tap_tape   *t = tap_tape_new(TAP_F32, l->how.seed ^ tap_random_hash("held out"));
    tap_loader *data = tap_loader_new(l->held_out, (tap_loader_options){ .batch = 500 });
    const char *message;
    double      sum = 0, n = 0;
    tap_tensor  x;
    tap_tape_set_recording(t, false);
    while (tap_loader_next(data, &x)) {
        batch b = batch_of(data, x);
        b.held_out = true, b.done = 1;
        tap_tape_reset(t);
        sum += (double)b.n * tap_item(l->loss(l->net, t, &b));
        n += (double)b.n;
    }
    *loss = sum / n;
    bool ok = !tap_loader_status(data, &message) || fail("%s", message);
    tap_loader_free(data);
    return tape_end(t) && ok;
}

static bool tell(const student *s, int64_t epoch)
{
    double held_out;
    if (s->l->how.quiet) return true;
    printf("epoch %2lld of %lld: loss %.3f", (long long)epoch, (long long)s->l->how.epochs, s->loss[0] / s->loss[1]);
    if (s->l->held_out.data) {
        if (!held_out_loss(s->l, &held_out)) return false;
        printf(", held out %.3f", held_out);
    }
    printf("\n");
    fflush(stdout);
    return true;
}

static bool learn_epoch(student *s, bool *whole)
{
    const lesson *l = s->l;
    const int64_t epoch = (int64_t)tap_loader_epoch(s->data);
    const char   *message;
    tap_tensor    x;
    while ((*whole = !interrupted()) && tap_loader_next(s->data, &x)) {
        if (!step(s, x)) return false;
        bar_update(epoch, (int64_t)s->loss[1], s->loss[0] / s->loss[1]);
        if (now() - s->saved >= l->how.checkpoint_every) save(s);
    }
    bar_clear();
    if (tap_loader_status(s->data, &message)) return fail("%s", message);
    if (!*whole) return true;
    if (!tell(s, epoch)) return false;
    s->loss[0] = s->loss[1] = 0;
    tap_loader_start(s->data, (uint64_t)epoch + 1);
    return true;
}

/* At the first epoch, or where the checkpoint stands. */
static bool begin(student *s)
{
    tap_error       e = { 0 };
    tap_checkpoint *c = s->l->checkpoint;
    tap_loader_start(s->data, 1);
    if (!c) return true;
    tap_checkpoint_module(c, "model", s->l->root);
    tap_checkpoint_optim(c, "adam", s->adam);
    tap_checkpoint_tape(c, "noise", s->tape);
    tap_checkpoint_loader(c, "data", s->data);
    tap_checkpoint_tensor(c, "loss", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), s->loss));
    return !s->l->how.resume || !tap_checkpoint_peek(c).path || tap_checkpoint_resume(c, &e) || fail("%s", e.message);
}

bool learn(const lesson *l, bool *whole)
{
    student s = {
        .l = l,
        .tape = tap_tape_new(TAP_F32, l->how.seed),
        .adam = tap_adam_new(l->root, (tap_adam_options){ .lr = l->how.lr }),
        .data = tap_loader_new(l->data, (tap_loader_options){ .batch = l->how.batch, .shuffle = true, .seed = l->how.seed }),
        .saved = now(),
    };
    bool ok = begin(&s);
    fflush(stdout);
    const double part = s.loss[1] / (double)l->data.shape.n[0];
    bar_start(l->how.quiet, "epoch", "loss", l->how.epochs, l->data.shape.n[0],
              ((double)tap_loader_epoch(s.data) - 1 + part) / (double)l->how.epochs);
    *whole = true;
    while (ok && *whole && (int64_t)tap_loader_epoch(s.data) <= l->how.epochs) {
        ok = learn_epoch(&s, whole);
        if (ok) save(&s);
    }
    tap_loader_free(s.data);
    return tape_end(s.tape) && ok;
}

bool examine(const examination *e, bool *whole)
{
    tap_loader   *data = tap_loader_new(e->data, (tap_loader_options){ .batch = e->batch });
    tap_tape     *t = tap_tape_new(TAP_F32, e->seed ^ tap_random_hash(e->task));
    tap_arena    *a = tap_arena_new();
    const int64_t n = e->data.shape.n[0];
    const char   *message;
    tap_tensor    x;
    tap_tape_set_recording(t, false);
    bar_start(e->quiet, e->task, e->number, 1, n, 0);
    for (int64_t done = 0, next; (*whole = !interrupted()) && tap_loader_next(data, &x); done = next) {
        next = done + x.shape.n[0];
        tap_tape_reset(t);
        tap_var y = e->f(e->ctx, tap_input(t, x));
        tap_tensor_copy(tap_tensor_slice(a, e->out, 0, done, next, 1), tap_value(y), tap_arena_error(a));
        bar_update(1, next, tap_item(tap_mean(tap_select(y, 1, -1), TAP_ALL)));
    }
    bar_clear();
    bool ok = !tap_loader_status(data, &message) || fail("%s", message);
    if (tap_tape_status(t, &message) || tap_arena_status(a, &message)) ok = fail("%s", message);
    tap_arena_free(a);
    tap_loader_free(data);
    tap_tape_free(t);
    return ok;
}
