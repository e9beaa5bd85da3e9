/* examples/common/learn.h: gradient descent that goes on after an interruption, and the model that it leaves. A function that
 * returns false has already said why, in one line on standard error. */
#ifndef EXAMPLES_LEARN_H
#define EXAMPLES_LEARN_H

#include <float.h>

#include "common.h"

/* Some rows of the data, and where among them they are. */
typedef struct {
    tap_tensor     x; /* as a tap_loader gives them */
    const int64_t *rows;
    int64_t        n;
    bool           held_out; /* they are of the data held out */
    double         done;     /* the part of training that lies behind, from 0 to 1 */
} batch;

/* How a lesson goes, as every program that trains takes it from the command line. */
typedef struct {
    const char *out;
    int64_t     epochs, batch, threads;
    double      lr, checkpoint_every; /* seconds */
    uint64_t    seed;
    bool        resume, quiet; /* resume: from where the checkpoint stands */
} training;

/* Rows of a program's table of options: those that what is learned depends on, the seed first, and the others; what the help says of
 * them, with a program's defaults; and the names of those that mean nothing without training. */
#define TRAINING_KEPT    4
#define TRAINING_OPTIONS 9
#define ARGUMENTS_KEPT(how) \
    ARGUMENT("--seed", SEED, &(how)->seed), ARGUMENT_NUMBER("--epochs", WHOLE, &(how)->epochs, 1, 1e6), \
        ARGUMENT_NUMBER("--batch", WHOLE, &(how)->batch, 1, 1e6), ARGUMENT_NUMBER("--lr", REAL, &(how)->lr, DBL_MIN, 1e3)
#define ARGUMENTS_OF_RUN(how) \
    ARGUMENT("--out", FOLDER, &(how)->out), ARGUMENT_NUMBER("--checkpoint-every", REAL, &(how)->checkpoint_every, 0, 1e9), \
        ARGUMENT("--resume", FLAG, &(how)->resume), ARGUMENT_NUMBER("--threads", WHOLE, &(how)->threads, 1, 256), \
        ARGUMENT("--quiet", FLAG, &(how)->quiet)
#define TRAINING_NAMES " --epochs --batch --lr --checkpoint-every --resume "
#define NOT_WITH_MODEL "goes with training, not with --model"
#define HELP_TRAINING(rows, epochs, batch, lr) \
    "  --epochs N         passes over the data [" epochs "]\n" \
    "  --batch N          " rows " per step [" batch "]\n" \
    "  --lr RATE          step size of Adam; falls to 0 over the second half [" lr "]\n" \
    "  --checkpoint-every S\n" \
    "                     seconds between checkpoints; there is one after each epoch,\n" \
    "                     too, and after an interruption [60]\n" \
    "  --resume           go on from the checkpoint in --out, to the same bits\n"
#define HELP_PROGRAM \
    "  --seed N           results depend on it, and not on the number of threads [0]\n" \
    "  --threads N        1 to 256 [OMP_NUM_THREADS, else all processors]\n" \
    "  --quiet            print the measurements only\n" \
    "  --help             print this\n"

typedef struct {
    training    how;
    tap_module *root;
    const void *net;
    tap_var (*loss)(const void *net, tap_tape *t, const batch *b); /* [], a mean over the rows */
    tap_tensor      data, held_out; /* [n,...]; of what is held out (no data: nothing is) the loss is said after each epoch */
    tap_checkpoint *checkpoint;     /* NULL: none */
    int             n_results;      /* what the program writes into out when the model has learned */
    const out_file *results;
} lesson;

/* By Adam, whose step size falls to 0 over the second half. *whole is false if it was interrupted. */
bool learn(const lesson *l, bool *whole);
bool held_out_loss(const lesson *l, double *loss); /* of what is held out, with the same noise every time */

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

/* A lesson from its checkpoint in out, if there is one to go on with, to its model.safetensors there, which tells the names of program
 * and data; the first n options of the table belong to both. *whole is false if it was interrupted. Before it begins it sees whether all
 * can be written. A checkpoint that is in use, damaged, or of a run that is not done and that nobody asked to go on with, is an error. */
bool model_learn(lesson l, const char *data, const argument *table, int n, bool *whole);
/* Whether there is no such checkpoint, for a program with several lessons that wants to know before the first one. */
bool model_may_learn(const char *out, bool resume);
/* Takes the first n options of the table from such a file, which this program must have written; their texts are in the arena. */
bool model_options(tap_arena *a, const char *path, const argument *table, int n);
bool model_load(tap_module *root, const char *path);

#endif
