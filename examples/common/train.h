/* examples/common/train.h: gradient descent with checkpoints, and the model file that it leaves. A function that returns
 * false has printed the reason, one line on standard error. */
#ifndef EXAMPLES_TRAIN_H
#define EXAMPLES_TRAIN_H

#include <float.h>

#include "common.h"

/* Rows of the data, as a loss gets them. */
typedef struct {
    tap_tensor     x;    /* from a tap_loader */
    const int64_t *rows; /* their indices in the data */
    int64_t        n;
    bool           held_out; /* whether they are rows of the held-out data */
    double         done;     /* the fraction of training that is over */
    tap_var        per_row;  /* the loss may set it: the number to report for each row [the loss] */
} batch;

/* The options of training, which every program that trains takes from the command line. */
typedef struct {
    const char *out;
    int64_t     epochs, batch, threads;
    double      lr, checkpoint_every; /* seconds */
    uint64_t    seed;
    bool        resume, quiet; /* resume: start from the checkpoint */
} train_options;

/* Rows of a program's table of options: first those that a model depends on, then the others; their help texts, with a
 * program's defaults; and the names of those that have no meaning without training. */
#define TRAIN_MODEL_OPTIONS 4
#define TRAIN_OPTIONS       9
#define ARGUMENTS_OF_MODEL(train) \
    ARGUMENT("--seed", SEED, &(train)->seed), ARGUMENT_NUMBER("--epochs", WHOLE, &(train)->epochs, 1, 1e6), \
        ARGUMENT_NUMBER("--batch", WHOLE, &(train)->batch, 1, 1e6), ARGUMENT_NUMBER("--lr", REAL, &(train)->lr, DBL_MIN, 1e3)
#define ARGUMENTS_OF_RUN(train) \
    ARGUMENT("--out", FOLDER, &(train)->out), ARGUMENT_NUMBER("--checkpoint-every", REAL, &(train)->checkpoint_every, 0, 1e9), \
        ARGUMENT("--resume", FLAG, &(train)->resume), ARGUMENT_NUMBER("--threads", WHOLE, &(train)->threads, 1, 256), \
        ARGUMENT("--quiet", FLAG, &(train)->quiet)
#define TRAIN_NAMES    " --epochs --batch --lr --checkpoint-every --resume "
#define NOT_WITH_MODEL "is for training, not for --model"
#define HELP_CHECKPOINT \
    "  --checkpoint-every S\n" \
    "                     seconds between checkpoints; one is also written after each\n" \
    "                     epoch and after an interruption [60]\n"
#define HELP_TRAIN(rows, epochs, batch, lr) \
    "  --epochs N         passes over the data [" epochs "]\n" \
    "  --batch N          " rows " per step [" batch "]\n" \
    "  --lr RATE          step size of Adam; falls to 0 over the second half [" lr "]\n" HELP_CHECKPOINT \
    "  --resume           continue from the checkpoint in --out, to the same bits\n"
#define HELP_PROGRAM \
    "  --seed N           seed of all random numbers [0]\n" \
    "  --threads N        1 to 256; results do not depend on it [OMP_NUM_THREADS,\n" \
    "                     else all processors]\n" \
    "  --quiet            print the results only\n" \
    "  --help             print this help\n"

/* The current epoch so far. */
typedef struct {
    double  sum, seconds;  /* of the reported numbers; of training, without evaluation */
    int64_t rows, skipped; /* rows trained on; steps without an update */
} progress;

typedef struct {
    train_options options;
    tap_module   *root;
    const void   *net;
    tap_var (*loss)(const void *net, tap_tape *t, batch *b); /* [], a mean over the rows */
    tap_tensor      data, held_out; /* [n,...]; the loss of held_out, if there is any, is printed after each epoch */
    tap_checkpoint *checkpoint;     /* NULL: none */
    int             n_results;      /* files that the program writes into `out` after training */
    const out_file *results;

    /* What a program may change; 0 and NULL stand for the defaults in brackets. */
    bool        constant_lr;      /* [the step size falls to 0 over the second half] */
    bool        skip_nonfinite;   /* leave out steps whose loss or gradient is not finite [training fails] */
    const char *data_name;        /* the loader's name in the checkpoint [data] */
    const char *reported;         /* the name of the number in the progress bar [loss] */
    double      checkpoint_bytes; /* of the tensors that `declare` adds */
    void       *ctx;              /* for the three functions below */
    void (*declare)(void *ctx, tap_checkpoint *c, progress *p);     /* adds to the checkpoint [sum and rows] */
    bool (*resumed)(void *ctx, int64_t epoch, const progress *p);   /* after a checkpoint was read */
    bool (*end_epoch)(void *ctx, int64_t epoch, const progress *p); /* [prints the mean loss, and that of held_out] */
} train_config;

/* Trains by Adam. *whole is false if training was interrupted. */
bool   train(const train_config *c, bool *whole);
bool   held_out_loss(const train_config *c, double *loss); /* of c->held_out, with the same noise every time */
double total(tap_var x);                                   /* the sum of all elements, added in double */

/* Applies f to rows of the data, by batches, without gradients. */
typedef struct {
    tap_var (*f)(const void *ctx, tap_var x); /* [batch,columns] */
    const void *ctx;
    tap_tensor  data, out; /* [n,...]; [n,columns], which gets the results and may be a view */
    int64_t     batch;
    uint64_t    seed;
    const char *task, *number; /* of the progress bar, which shows the mean of the last column */
    bool        quiet;
} map_config;

/* *whole is false if it was interrupted. */
bool map_dataset(const map_config *m, bool *whole);

/* Opens the checkpoint in `out`. Fails if it is in use, damaged, or, unless `resume` is set, of a run that is not finished.
 * With `notes`, prints where the run resumes from. */
bool run_open(tap_checkpoint **c, const char *out, bool resume, const char *data_name, bool notes);
/* Whether run_open would succeed, for a program with several runs that checks all of them before the first one. */
bool run_may_start(const char *out, bool resume);
/* Checks that all files of a run can be written, and that the disk has space for them. */
bool run_prepare(const train_config *c);

/* Adds the first n options of the table to the checkpoint. */
void options_save(tap_checkpoint *c, const argument *table, int n);
/* Sets those of the first n options that were not given (a bit each) from the run's; those that were given must be equal to
 * the run's. The texts are in the arena. */
bool options_from_run(const tap_checkpoint_found *run, const argument *table, int n, uint64_t given, tap_arena *a);

/* Writes model.safetensors into `out`: the parameters, and as metadata the program, the data and the first n options of the
 * table. */
bool model_save(const tap_module *root, const char *out, const char *data, const argument *table, int n);
/* Prepares the run, trains and saves the model; the first n options of the table belong to its checkpoint and to the model.
 * *whole is false if training was interrupted. */
bool train_and_save(train_config c, const char *data, const argument *table, int n, bool *whole);
/* Sets the first n options of the table from a model file, which this program must have written; the texts are in the arena. */
bool model_options(tap_arena *a, const char *path, const argument *table, int n);
bool model_load(tap_module *root, const char *path);

#endif
