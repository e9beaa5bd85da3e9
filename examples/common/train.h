/* examples/common/train.h: gradient descent with checkpoints, and the model file that training writes. A function that returns
 * false has printed the reason, one line on standard error. */
#ifndef EXAMPLES_TRAIN_H
#define EXAMPLES_TRAIN_H

#include <float.h>

#include "common.h"

/* A batch of data rows, the argument of a loss function. */
typedef struct {
    tap_tensor     x;    /* from a tap_loader */
    const int64_t *rows; /* their indices in the data set */
    int64_t        n;
    bool           held_out; /* whether the rows are from the held-out data */
    double         done;     /* the fraction of training that is completed */
    tap_var        per_row;  /* set by the loss (optional): the reported number of each row [the loss] */
} batch;

/* The training options, which are common to the command lines of all programs that train. */
typedef struct {
    const char *out;
    int64_t     epochs, batch, threads;
    double      lr, checkpoint_every; /* checkpoint_every: in seconds */
    uint64_t    seed;
    bool        resume, quiet; /* resume: start from the checkpoint */
} train_options;

/* Rows that the tables of options share. The options that a model depends on are saved in this order. */
/* clang-format off */
#define TRAINING_ROWS(rows, n_epochs, n_batch, rate) \
    { "--seed", "N", SEED, FIELD(train.seed), .roles = SAVED | SEEDS, .initial = "0", .help = "seed of all random numbers" }, \
    { "--epochs", "N", WHOLE, FIELD(train.epochs), 1, 1e6, SAVED | TRAINS, n_epochs, .help = "passes over the data" }, \
    { "--batch", "N", WHOLE, FIELD(train.batch), 1, 1e6, SAVED | TRAINS, n_batch, .help = rows " per step" }, \
    { "--lr", "RATE", REAL, FIELD(train.lr), DBL_MIN, 1e3, SAVED | TRAINS, rate, \
      .help = "step size of Adam; falls to 0 over the second half" }
#define CHECKPOINT_ROWS(remark) \
    { "--checkpoint-every", "S", REAL, FIELD(train.checkpoint_every), 0, 1e9, TRAINS, "60", \
      .help = "seconds between checkpoints; one is also written after each epoch and after an interruption" }, \
    { "--resume", NULL, FLAG, FIELD(train.resume), .roles = TRAINS, \
      .help = "continue from the checkpoint in --out, to the same bits" remark }
#define GENERAL_ROWS(when_quiet) \
    { .name = "General" }, \
    { "--threads", "N", WHOLE, FIELD(train.threads), 1, 256, \
      .help = "1 to 256; results do not depend on it [OMP_NUM_THREADS, else all processors]" }, \
    { "--quiet", NULL, FLAG, FIELD(train.quiet), .help = when_quiet }, \
    { "--help", NULL, HELP, .help = "print this help" }
/* clang-format on */
#define NOT_WITH_MODEL "is for training, not for --model"

/* Progress within the current epoch. */
typedef struct {
    double  sum, seconds;  /* sum: of the reported numbers; seconds: training time without evaluation */
    int64_t rows, skipped; /* rows trained on; steps without an update */
} progress;

typedef struct {
    train_options options;
    tap_module   *root;
    const void   *net;
    tap_var (*loss)(const void *net, tap_tape *t, batch *b); /* the mean over the rows, a scalar */
    tap_tensor      data, held_out; /* [n,...]; the loss of held_out, if present, is printed after each epoch */
    tap_checkpoint *checkpoint;     /* NULL: no checkpoints */
    int             n_results;      /* files that the program writes into `out` after training */
    const out_file *results;

    /* Optional settings; 0 and NULL stand for the defaults in brackets. */
    bool        constant_lr;      /* [the step size falls to 0 over the second half] */
    bool        skip_nonfinite;   /* omit updates with a loss or gradient that is not finite [training fails] */
    const char *data_name;        /* the loader's name in the checkpoint [data] */
    const char *reported;         /* the reported number's name in the progress bar [loss] */
    double      checkpoint_bytes; /* size of the tensors that `declare` adds */
    void       *ctx;              /* the argument of the three functions below */
    void (*declare)(void *ctx, tap_checkpoint *c, progress *p);     /* adds tensors to the checkpoint [sum and rows] */
    bool (*resumed)(void *ctx, int64_t epoch, const progress *p);   /* called after a checkpoint was loaded */
    bool (*end_epoch)(void *ctx, int64_t epoch, const progress *p); /* [prints the mean loss, and the loss of held_out] */
} train_config;

bool   train(const train_config *c);                       /* by Adam; also false, without a message, if interrupted */
bool   held_out_loss(const train_config *c, double *loss); /* the loss of c->held_out, with the same noise in each call */
double total(tap_var x);                                   /* the sum of all elements, in double precision */

/* Opens the checkpoint in `out`. Fails if it is in use or damaged, or belongs to an unfinished run and `resume` is not set.
 * If `notes` is set, prints where the run resumes. */
bool run_open(tap_checkpoint **c, const char *out, bool resume, const char *data_name, bool notes);
/* Checks that all files of a run can be written, and that the disk has space for them. */
bool run_prepare(const train_config *c);

/* Adds the SAVED options to the checkpoint. */
void options_save(tap_checkpoint *c, const void *options);
/* Sets those of the SAVED options that were not given (`given` has one bit each) from the run's checkpoint; those that were
 * given must be equal to the run's. The arena owns the texts. */
bool options_from_run(const tap_checkpoint_found *run, void *options, uint64_t given, tap_arena *a);

/* Writes model.safetensors into `out`: the parameters and, as metadata, the program's name, the data set's name and the options
 * with any of the roles. */
bool model_save(const tap_module *root, const char *out, const char *data, const void *options, unsigned roles);
/* Prepares the run, trains and saves the model with the SAVED options. */
bool train_and_save(train_config c, const char *data, const void *options);
/* Sets the options with any of the roles from a model file, which this program must have written. The arena owns the texts. */
bool model_options(tap_arena *a, const char *path, void *options, unsigned roles);
bool model_load(tap_module *root, const char *path);

#endif
