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
bool examine(const lesson *l, double *loss); /* of what is held out, with the same noise every time */
bool tape_end(tap_tape *t); /* frees it; whether all went well on it */

/* The checkpoint of a lesson in out, to which the first n options of a table belong. False: it is in use, damaged, or of a run
 * that is not done and that nobody asked to go on with. */
bool run_begin(tap_checkpoint **c, const char *out, bool resume, const argument *table, int n);

/* out/model.safetensors, with the names of program and data and the first n options of the table as metadata. */
bool model_keep(const tap_module *root, const char *out, const char *data, const argument *table, int n);
/* Takes the first n options of the table from such a file, which this program must have written; their texts are in the arena. */
bool model_options(tap_arena *a, const char *path, const argument *table, int n);
bool model_load(tap_module *root, const char *path);

#endif
