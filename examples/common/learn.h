/* examples/common/learn.h: gradient descent that goes on after an interruption, and the model that it leaves. A function that
 * returns false has already said why, in one line on standard error. */
#ifndef EXAMPLES_LEARN_H
#define EXAMPLES_LEARN_H

#include "common.h"

/* Some rows of the data, and where among them they are. */
typedef struct {
    tap_tensor     x; /* as a tap_loader gives them */
    const int64_t *rows;
    int64_t        n;
    bool           held_out; /* they are of the data held out */
    double         done;     /* the part of training that lies behind, from 0 to 1 */
} batch;

typedef struct {
    tap_module *root;
    const void *net;
    tap_var (*loss)(const void *net, tap_tape *t, const batch *b); /* [], a mean over the rows */
    tap_tensor      data, held_out; /* [n,...]; of what is held out (no data: nothing is) the loss is said after each epoch */
    int64_t         epochs, batch;
    double          lr;
    uint64_t        seed;
    tap_checkpoint *checkpoint;       /* NULL: none */
    double          checkpoint_every; /* seconds */
    bool            resume, quiet;    /* resume: from where the checkpoint stands */
} lesson;

/* By Adam, whose step size falls to 0 over the second half. *whole is false if it was interrupted. */
bool learn(const lesson *l, bool *whole);
bool held_out_loss(const lesson *l, double *loss); /* of what is held out, with the same noise every time */
bool tape_end(tap_tape *t); /* frees it; whether all went well on it */

/* What f makes of rows of the data, by batches, without a gradient. */
typedef struct {
    tap_var (*f)(const void *ctx, tap_var x); /* [batch,columns] */
    const void *ctx;
    tap_tensor  data, out; /* [n,...], and room [n,columns] for f of all of them, a view perhaps */
    int64_t     batch;
    uint64_t    seed;
    const char *task, *number; /* for the bar, which shows the mean of the last column */
    bool        quiet;
} examination;

/* *whole is false if it was interrupted. */
bool examine(const examination *e, bool *whole);

/* The checkpoint of a lesson in out, to which the first n options of a table belong. False: it is in use, damaged, or of a run
 * that is not done and that nobody asked to go on with. */
bool run_begin(tap_checkpoint **c, const char *out, bool resume, const argument *table, int n);

/* out/model.safetensors, with the names of program and data and the first n options of the table as metadata. */
bool model_keep(const tap_module *root, const char *out, const char *data, const argument *table, int n);
/* Takes the first n options of the table from such a file, which this program must have written; their texts are in the arena. */
bool model_options(tap_arena *a, const char *path, const argument *table, int n);
bool model_load(tap_module *root, const char *path);
/* A lesson from its checkpoint, if there is one to go on with, to its model in out; the first n options belong to both. */
bool model_learn(lesson l, const char *out, const char *data, const argument *table, int n, bool *whole);

#endif
