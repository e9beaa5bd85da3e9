/* examples/vae_generate/learn.c: gradient descent, for the model and for its judge. */
#include "vae_generate.h"

#include <math.h>
#include <stdio.h>

typedef struct {
    const lesson *l;
    tap_tape     *tape;
    tap_optim    *adam;
    tap_loader   *images;
    double        loss[2]; /* in this epoch: the sum, and of how many images */
    double        saved;   /* when */
} student;

bool tape_end(tap_tape *t)
{
    const char *message;
    bool        ok = !tap_tape_status(t, &message) || fail("%s", message);
    tap_tape_free(t);
    return ok;
}

tap_var labels_of(tap_tape *t, const tap_loader *images, tap_tensor labels)
{
    int64_t        n;
    const int64_t *rows = tap_loader_rows(images, &n);
    tap_var        index = tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(n), (void *)rows));
    return tap_index_select(tap_input(t, labels), 0, index);
}

tap_var one_hot(tap_var label)
{
    return tap_cast(tap_one_hot(label, DIGITS), TAP_F32);
}

/* A run does not end because there is no room for a checkpoint. */
static void save(student *s)
{
    tap_error e = { 0 };
    if (s->l->checkpoint && tap_checkpoint_save(s->l->checkpoint, &e)) note("no checkpoint: %s", e.message);
    s->saved = now();
}

static bool step(student *s, tap_tensor x)
{
    const lesson *l = s->l;
    const char   *message;
    const double  n = (double)x.shape.n[0], all = (double)l->from.images.shape.n[0],
                 epoch = (double)tap_loader_epoch(s->images) - 1;
    const double done = (epoch + s->loss[1] / all) / (double)l->epochs;
    tap_tape_reset(s->tape);
    tap_var loss = l->loss(l->net, tap_input(s->tape, x), labels_of(s->tape, s->images, l->from.labels));
    tap_backward(loss);
    if (tap_tape_status(s->tape, &message)) return fail("%s", message);
    if (!isfinite(tap_item(loss)) || !tap_optim_finite(s->adam))
        return fail("the loss or its gradient is not a finite number in epoch %.0f; a smaller --lr may help", epoch + 1);
    tap_optim_set_lr(s->adam, l->lr * fmin(1, 2 * (1 - done)));
    tap_optim_step(s->adam, s->tape);
    s->loss[0] += n * tap_item(loss);
    s->loss[1] += n;
    return true;
}

static bool learn_epoch(student *s, bool *whole)
{
    const lesson *l = s->l;
    const int64_t epoch = (int64_t)tap_loader_epoch(s->images);
    const char   *message;
    tap_tensor    x;
    while ((*whole = !interrupted()) && tap_loader_next(s->images, &x)) {
        if (!step(s, x)) return false;
        bar_update(epoch, (int64_t)s->loss[1], s->loss[0] / s->loss[1]);
        if (now() - s->saved >= l->checkpoint_every) save(s);
    }
    bar_clear();
    if (tap_loader_status(s->images, &message)) return fail("%s", message);
    if (!*whole) return true;
    if (!l->quiet) printf("epoch %2lld of %lld: loss %.3f\n", (long long)epoch, (long long)l->epochs, s->loss[0] / s->loss[1]);
    fflush(stdout);
    s->loss[0] = s->loss[1] = 0;
    tap_loader_start(s->images, (uint64_t)epoch + 1);
    return true;
}

/* At the first epoch, or where the checkpoint stands. */
static bool begin(student *s)
{
    tap_error       e = { 0 };
    tap_checkpoint *c = s->l->checkpoint;
    tap_loader_start(s->images, 1);
    if (!c) return true;
    tap_checkpoint_module(c, "model", s->l->root);
    tap_checkpoint_optim(c, "adam", s->adam);
    tap_checkpoint_tape(c, "noise", s->tape);
    tap_checkpoint_loader(c, "images", s->images);
    tap_checkpoint_tensor(c, "loss", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), s->loss));
    return !s->l->resume || !tap_checkpoint_find(c).path || tap_checkpoint_load(c, &e) || fail("%s", e.message);
}

bool learn(const lesson *l, bool *whole)
{
    student s = {
        .l = l,
        .tape = tap_tape_new(TAP_F32, l->seed),
        .adam = tap_adam(l->root, (tap_adam_options){ .lr = l->lr }),
        .images = tap_loader_new(l->from.images, (tap_loader_options){ .batch = l->batch, .shuffle = true, .seed = l->seed }),
        .saved = now(),
    };
    bool ok = begin(&s);
    fflush(stdout);
    const double part = s.loss[1] / (double)l->from.images.shape.n[0];
    bar_start(l->quiet, "epoch", "loss", l->epochs, l->from.images.shape.n[0],
              ((double)tap_loader_epoch(s.images) - 1 + part) / (double)l->epochs);
    *whole = true;
    while (ok && *whole && (int64_t)tap_loader_epoch(s.images) <= l->epochs) {
        ok = learn_epoch(&s, whole);
        if (ok) save(&s);
    }
    tap_loader_free(s.images);
    return tape_end(s.tape) && ok;
}
