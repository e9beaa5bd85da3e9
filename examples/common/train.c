/* examples/common/train.c: trains by gradient descent. All random numbers depend on the seed alone. */
#include "common.h"

#include <math.h>
#include <stdio.h>

typedef struct {
    const train_config *c;
    tap_tape           *tape;
    tap_optim          *adam;
    tap_loader         *data;
    progress            now;
    double              loss[2]; /* now.sum and now.rows, as the default checkpoint stores them */
    double              saved;   /* time of the last checkpoint */
} trainer;

/* Saves a checkpoint. A failure does not end training: the previous checkpoint still exists, and the next save may succeed. */
static void save(trainer *t)
{
    tap_error e = { 0 };
    t->loss[0] = t->now.sum;
    t->loss[1] = (double)t->now.rows;
    if (t->c->checkpoint && tap_checkpoint_save(t->c->checkpoint, &e)) note("no checkpoint: %s", e.message);
    t->saved = now();
}

double total(tap_var x)
{
    const tap_tensor v = tap_value(x);
    double           sum = 0;
    for (int64_t i = 0; i < tap_tensor_numel(v); i++) sum += tap_tensor_item(v, i);
    return sum;
}

/* Runs the forward and the backward pass; returns the sum of the reported numbers. */
static double run_passes(const trainer *t, batch *b)
{
    const tap_var loss = t->c->loss(t->c->net, t->tape, b);
    tap_backward(loss);
    return b->per_row.tape ? total(b->per_row) : (double)b->n * tap_item(loss);
}

/* Repeats the step with the same noise and names the operator that produced the first value that is not finite. */
static bool explain_nonfinite(const trainer *t, batch *b)
{
    const char    *message;
    const uint64_t step = tap_tape_step(t->tape);
    tap_module_zero_grad(t->c->root);
    tap_tape_reset(t->tape);
    tap_tape_set_step(t->tape, step);
    tap_tape_trace_nonfinite(t->tape, true);
    run_passes(t, b);
    if (tap_tape_status(t->tape, &message) == TAP_OK) message = "the loss or its gradient is not a finite number";
    return fail("epoch %llu, step %llu: %s; a smaller --lr may help", (unsigned long long)tap_loader_epoch(t->data),
                (unsigned long long)step, message);
}

/* Performs one step. The weights are not updated if the loss or a gradient is not finite. */
static bool take_step(trainer *t, tap_tensor x)
{
    const train_config *c = t->c;
    const double        epoch = (double)tap_loader_epoch(t->data) - 1;
    batch               b = { .x = x };
    b.rows = tap_loader_rows(t->data, &b.n);
    b.done = (epoch + (double)t->now.rows / (double)c->data.shape.n[0]) / (double)c->options.epochs;
    tap_tape_reset(t->tape);
    const double sum = run_passes(t, &b);
    if (!tape_ok(t->tape)) return false;
    if (!isfinite(sum) || !tap_optim_finite(t->adam)) {
        if (!c->skip_nonfinite) return explain_nonfinite(t, &b);
        tap_module_zero_grad(c->root);
        t->now.skipped++;
        return true;
    }
    if (!c->constant_lr) tap_optim_set_lr(t->adam, c->options.lr * fmin(1, 2 * (1 - b.done)));
    tap_optim_step(t->adam, t->tape);
    t->now.sum += sum;
    t->now.rows += b.n;
    return true;
}

pass pass_begin(tap_tensor data, int64_t batch_size, uint64_t seed)
{
    const tap_loader_options o = { .batch = batch_size };
    const pass               p = { .tape = tap_tape_new(TAP_F32, seed), .data = tap_loader_new(data, o) };
    tap_tape_set_recording(p.tape, false);
    return p;
}

bool pass_next(pass *p)
{
    if (!tap_loader_next(p->data, &p->b.x)) return false;
    p->b.rows = tap_loader_rows(p->data, &p->b.n);
    p->done += p->b.n;
    tap_tape_reset(p->tape);
    return true;
}

bool pass_end(pass *p)
{
    const bool ok = loader_ok(p->data);
    bar_clear();
    tap_loader_free(p->data);
    return tape_end(p->tape) && ok;
}

bool held_out_loss(const train_config *c, double *loss)
{
    pass   p = pass_begin(c->held_out, 500, c->options.seed ^ tap_random_hash("held out"));
    double sum = 0;
    p.b.held_out = true;
    p.b.done = 1;
    while (pass_next(&p)) sum += (double)p.b.n * tap_item(c->loss(c->net, p.tape, &p.b));
    *loss = sum / (double)p.done;
    return pass_end(&p);
}

static bool print_epoch(const trainer *t, int64_t epoch)
{
    double held_out;
    bar_clear();
    if (t->c->options.quiet) return true;
    printf("epoch %2lld of %lld: loss %.3f", (long long)epoch, (long long)t->c->options.epochs,
           t->now.sum / (double)t->now.rows);
    if (t->c->held_out.data) {
        if (!held_out_loss(t->c, &held_out)) return false;
        printf(", held out %.3f", held_out);
    }
    printf("\n");
    fflush(stdout);
    return true;
}

/* Trains until the epoch ends. If the program is interrupted, saves a checkpoint and returns false. */
static bool train_epoch(trainer *t)
{
    const train_config *c = t->c;
    const int64_t       epoch = (int64_t)tap_loader_epoch(t->data);
    const double        start = now() - t->now.seconds;
    tap_tensor          x;
    while (!interrupted() && tap_loader_next(t->data, &x)) {
        if (!take_step(t, x)) return false;
        t->now.seconds = now() - start;
        bar_update(epoch, t->now.rows, t->now.sum / (double)t->now.rows);
        if (now() - t->saved >= c->options.checkpoint_every) save(t);
    }
    if (!loader_ok(t->data)) return false;
    if (interrupted()) {
        save(t);
        return false;
    }
    if (t->now.rows == 0) return fail("epoch %lld: no step had finite numbers; a smaller --lr may help", (long long)epoch);
    if (c->end_epoch ? !c->end_epoch(c->ctx, epoch, &t->now) : !print_epoch(t, epoch)) return false;
    t->now = (progress){ 0 };
    tap_loader_start(t->data, (uint64_t)epoch + 1);
    return true;
}

/* Adds all state that the rest of the run depends on to the checkpoint, and starts with the first epoch or at the checkpoint's
 * position. */
static bool start(trainer *t)
{
    const train_config *c = t->c;
    tap_checkpoint     *to = c->checkpoint;
    tap_error           e = { 0 };
    tap_loader_start(t->data, 1);
    if (!to) return true;
    tap_checkpoint_module(to, "model", c->root);
    tap_checkpoint_optim(to, "adam", t->adam);
    tap_checkpoint_tape(to, "noise", t->tape);
    tap_checkpoint_loader(to, c->data_name ? c->data_name : "data", t->data);
    if (c->declare) c->declare(c->ctx, to, &t->now);
    else tap_checkpoint_tensor(to, "loss", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), t->loss));
    if (!c->options.resume || !tap_checkpoint_peek(to).path) return true;
    if (!tap_checkpoint_resume(to, &e)) return fail("%s", e.message);
    if (!c->declare) {
        t->now.sum = t->loss[0];
        t->now.rows = (int64_t)t->loss[1];
    }
    return !c->resumed || c->resumed(c->ctx, (int64_t)tap_loader_epoch(t->data), &t->now);
}

bool train(const train_config *c)
{
    const train_options *o = &c->options;
    const int64_t        rows = c->data.shape.n[0];
    trainer              t = {
                     .c = c,
                     .tape = tap_tape_new(TAP_F32, o->seed),
                     .adam = tap_adam_new(c->root, (tap_adam_options){ .lr = o->lr }),
                     .data = tap_loader_new(c->data, (tap_loader_options){ .batch = o->batch, .shuffle = true, .seed = o->seed }),
                     .saved = now(),
    };
    bool ok = start(&t);
    fflush(stdout);
    if (ok && o->epochs)
        bar_start(o->quiet, "epoch", c->reported ? c->reported : "loss", o->epochs, rows,
                  ((double)tap_loader_epoch(t.data) - 1 + (double)t.now.rows / (double)rows) / (double)o->epochs);
    while (ok && (int64_t)tap_loader_epoch(t.data) <= o->epochs) {
        ok = train_epoch(&t);
        bar_clear();
        if (ok) save(&t);
    }
    tap_loader_free(t.data);
    if (ok) return tape_end(t.tape);
    tap_tape_free(t.tape); /* its error, if any, has already been printed */
    return false;
}
