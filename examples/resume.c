/* examples/resume.c: continues a training run where it was stopped. Run it, stop it (Ctrl-C, kill -9) and run it again: the
 * result is equal to that of an uninterrupted run, bit for bit.   usage: resume [FILE [STEPS]]
 * (STEPS: exit after this number of steps) */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "nn/nn.h"

enum { POINTS = 200, EPOCHS = 100 };

typedef struct {
    tap_module          *root;
    tap_tape            *tape;
    tap_linear           in, out;
    tap_batch_norm_layer norm;
    tap_dropout_layer    dropout;
    tap_optim           *adam;
    tap_loader          *points;
    tap_checkpoint      *checkpoint;
    double               loss; /* of the previous step; an example of a program's own state */
} run;

/* The network; x has new noise in each step. */
static tap_var forward(const run *r, tap_var x)
{
    tap_var blur = tap_mul_scalar(tap_randn(r->tape, tap_shape_of(x)), 0.05);
    tap_var h = tap_batch_norm_forward(&r->norm, tap_linear_forward(&r->in, tap_add(x, blur)));
    return tap_linear_forward(&r->out, tap_dropout_forward(&r->dropout, tap_tanh(h)));
}

/* Performs one step. The network learns sin 3x. */
static void step(run *r, tap_tensor rows)
{
    tap_tape_reset(r->tape);
    tap_var xy = tap_input(r->tape, rows), x = tap_slice(xy, 1, 0, 1, 1), y = tap_slice(xy, 1, 1, 2, 1);
    tap_var loss = tap_mean(tap_square(tap_sub(forward(r, x), y)), TAP_ALL);
    tap_backward(loss);
    tap_optim_step(r->adam, r->tape);
    r->loss = tap_item(loss);
}

static void train(run *r, long steps, tap_error *e)
{
    tap_tensor rows;
    while (tap_loader_epoch(r->points) < EPOCHS) {
        if (tap_loader_epoch(r->points) == EPOCHS / 2) tap_module_eval(r->norm.module); /* its statistics stay as they are */
        while (tap_loader_next(r->points, &rows)) {
            step(r, rows);
            if (tap_checkpoint_save(r->checkpoint, e)) return; /* a longer run would save every minute */
            if (--steps == 0) _Exit(0);
        }
        tap_loader_start(r->points, tap_loader_epoch(r->points) + 1);
    }
    const tap_status status = tap_tape_status(r->tape, NULL);
    if (status) tap_error_set(e, status, "%s", tap_tape_message(r->tape));
}

int main(int argc, char **argv)
{
    static float points[POINTS][2];
    for (int i = 0; i < POINTS; i++) {
        points[i][0] = (float)i / (POINTS / 2) - 1;
        points[i][1] = sinf(3 * points[i][0]);
    }
    run r = { .root = tap_module_new(TAP_F32, 0), .tape = tap_tape_new(TAP_F32, 0) };
    tap_linear_init(&r.in, r.root, "in", 1, 32);
    tap_batch_norm_init(&r.norm, r.root, "norm", 32, (tap_batch_norm_options){ 0 });
    tap_dropout_init(&r.dropout, r.root, "dropout", 0.1);
    tap_linear_init(&r.out, r.root, "out", 32, 1);
    r.adam = tap_adam_new(r.root, (tap_adam_options){ .lr = 0.01 });
    r.points = tap_loader_new(tap_tensor_wrap(TAP_F32, TAP_SHAPE(POINTS, 2), points),
                              (tap_loader_options){ .batch = 100, .shuffle = true });

    /* The checkpoint holds all state that the rest of the run depends on, so that a resumed run is equal bit for bit. */
    r.checkpoint = tap_checkpoint_new(argc > 1 ? argv[1] : "resume.safetensors");
    tap_checkpoint_module(r.checkpoint, "model", r.root);
    tap_checkpoint_optim(r.checkpoint, "adam", r.adam);
    tap_checkpoint_tape(r.checkpoint, "noise", r.tape);
    tap_checkpoint_loader(r.checkpoint, "points", r.points);
    tap_checkpoint_tensor(r.checkpoint, "loss", tap_tensor_wrap(TAP_F64, TAP_SCALAR, &r.loss));

    tap_error e = { 0 };
    if (tap_checkpoint_resume(r.checkpoint, &e))
        printf("going on in epoch %llu, where the loss was %.6f\n", (unsigned long long)tap_loader_epoch(r.points), r.loss);
    if (e.status == TAP_OK) train(&r, argc > 2 ? atol(argv[2]) : 0, &e);
    if (e.status == TAP_OK) printf("in the end the loss is %.9g\n", r.loss);
    else fprintf(stderr, "resume: %s\n", e.message);

    tap_checkpoint_free(r.checkpoint);
    tap_loader_free(r.points);
    tap_tape_free(r.tape);
    tap_module_free(r.root);
    return e.status != TAP_OK;
}
