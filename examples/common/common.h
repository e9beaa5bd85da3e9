/* examples/common/common.h: shared by all programs: arguments, messages, progress, signals, data sets, training, pictures and
 * plots. In all programs, a function that returns false has printed the reason, one line on standard error. */
#ifndef EXAMPLES_COMMON_H
#define EXAMPLES_COMMON_H

#include <float.h>

#include "models/models.h"

#define PATH_SIZE 4096

/* The program's name, with which its messages begin. Each program defines it. */
extern const char *const program;

/* ---- program.c: how a program begins and ends, and its files ------------------------------------------------------ */

/* Starts a program: sets the locale, the number of threads (0: the library's default) and the signal handlers. The first SIGINT,
 * SIGTERM or SIGHUP asks the program to finish its step and to write its results; a second one ends it. */
void begin_program(int64_t threads);
int  interrupted(void); /* the signal that asked the program to finish; 0 if there was none */
/* Flushes standard output and returns the exit status: 128 + signal after an interruption, else 0, or 1 after a failure. */
int end_program(bool ok);

/* path = dir/name, or dir if the name is empty. Returns false, without a message, if the path is too long. */
bool join(char path[PATH_SIZE], const char *dir, const char *name);
/* A file of a results folder and its approximate size. A name of NULL stands for a temporary file. */
typedef struct {
    const char *name;
    double      bytes;
} out_file;
#define PICTURE_BYTES 3e5 /* the approximate size of a picture */

/* Creates a results folder and checks that these files can be written there, in this order, before a long computation: no name
 * is that of a folder or of a file that must not be replaced, and the disk has space for all of them. */
bool prepare_out(const char *out, int n, const out_file *files);
/* Checks a single file in the same way; its folder must exist. Devices and pipes cannot be checked and are accepted. */
bool prepare_file(const char *path, double bytes);

/* Creates dir/name, the only file at a time; prints a message and returns NULL on failure. */
tap_file *file_begin(const char *dir, const char *name);
/* Commits the file under its final name. On failure prints a message and returns false; for NULL only returns false. */
bool file_end(tap_file *f);
void file_printf(tap_file *f, const char *format, ...) TAP_PRINTF(2, 3); /* at most 511 bytes */
/* Writes table [rows,columns] as CSV, with the columns' names as the first line. */
bool table_write(const char *dir, const char *name, const char *const *names, int columns, tap_tensor table);

/* These functions return whether the object has no error, and print the error if it has one. */
bool module_ok(const tap_module *root);
bool arena_ok(const tap_arena *a);
bool tape_ok(const tap_tape *t);
bool loader_ok(const tap_loader *l);
bool tape_end(tap_tape *t); /* frees the tape as well */

/* ---- arguments.c: the command line -------------------------------------------------------------------------------- */

/* The type of an option's value, and of its field in the program's `options`: const char * (TEXT, FOLDER), int64_t (WHOLE),
 * uint64_t (SEED), double (REAL), bool (FLAG, which has no value), int or an enum (CHOICE). The program parses a CUSTOM option
 * itself. A row that is HELP is a part of the help text only. */
typedef enum { HELP, TEXT, FOLDER, WHOLE, SEED, REAL, FLAG, CHOICE, CUSTOM } argument_kind;

/* What an option has to do with a trained model: it is saved with it; it is needed to rebuild it; it is for training only; it
 * is the seed. From OWN on, a program may define others. */
enum { SAVED = 1, BUILDS = 2, TRAINS = 4, SEEDS = 8, OWN = 16 };

/* A row of a table of options, "--name value" or "--name=value". A row without a name ends the table. */
typedef struct {
    const char   *name, *value; /* "--out", "DIR" */
    argument_kind kind;
    size_t        field;    /* FIELD(member) */
    double        min, max; /* bounds of a number; a minimum of DBL_MIN stands for "above 0" */
    unsigned      roles;
    const char   *initial; /* the default; NULL leaves the field as it is */
    const char   *help;    /* NULL: the row is a paragraph of the help text, its name */
    const char   *takes;   /* what follows "must be": CHOICE: "NAME, ... or NAME", the values 0, 1, ...; CUSTOM: any text */
    const char *(*names)(void); /* TEXT: lists the values that are allowed, "NAME, NAME" */
    bool (*parse)(void *options, const char *text);
    void (*print)(const void *field, char text[PATH_SIZE]); /* equal texts for equal values; NULL: the field is the text */
} argument;

#define FIELD(member) offsetof(options, member)
/* The program's table of options. Each program defines it. */
extern const argument options_table[];

/* If the arguments ask for help, prints it and ends the program. */
void arguments_help(int argc, char **argv);
/* Sets all options, to their defaults or to what the arguments say, and returns one bit for each row that was given. Ends the
 * program after --help, and with status 2 after an error. */
uint64_t arguments_take(void *options, int argc, char **argv);
/* The first row with any of the roles that was given, or NULL. */
const argument *arguments_given(uint64_t given, unsigned roles);
/* Whether no option with any of the roles was given; otherwise prints "--latent: WHY". */
bool arguments_exclude(uint64_t given, unsigned roles, const char *why);
/* Sets an option; returns false, without a message, if the text is not a valid value. */
bool        argument_set(const argument *a, void *options, const char *text);
const char *argument_print(const argument *a, const void *options, char text[PATH_SIZE]); /* returns text */
/* Prints "NAME VALUE: TAKES; see --help" and returns false. */
bool usage(const char *name, const char *value, const char *takes);
/* Parses 1 to max_n integers from min to max, separated by commas. Returns their number, 0 if the text is not such a list. */
int parse_list(const char *text, double min, double max, int max_n, int64_t *values);
/* Parses a number from min to max; NaN is rejected. */
bool parse_real(const char *text, double min, double max, double *value);

/* ---- screen.c: messages and the terminal -------------------------------------------------------------------------- */

bool fail(const char *format, ...) TAP_PRINTF(1, 2); /* prints an error on one line of standard error; returns false */
#define note(...) ((void)fail(__VA_ARGS__))          /* prints a warning */
double now(void);                                    /* seconds of a monotonic clock */

/* The progress bar: a line on standard error, redrawn periodically and omitted if standard error is not a terminal. begun is
 * the fraction of all rounds that is already done. */
void bar_start(bool quiet, const char *task, const char *number, int64_t rounds, int64_t images_per_round, double begun);
void bar_update(int64_t round, int64_t images, double value); /* value: the current value of the displayed number */
void bar_clear(void);

/* Properties of the terminal that a file descriptor refers to. */
bool screen_is_terminal(int fd);
bool screen_has_color(int fd); /* also false if NO_COLOR is set */
bool screen_is_utf8(void);
int  screen_width(int fd);

/* ---- data.c: images in the format of MNIST ------------------------------------------------------------------------ */

#define SIDE 28 /* images are SIDE x SIDE pixels */

typedef struct {
    const char *name;            /* "MNIST" */
    char        from[PATH_SIZE]; /* the directory of its files */
    tap_tensor  train, test;     /* uint8 [n,28,28] */
} dataset;

/* Loads the data set from the directory `given`, or, if that is NULL, from the first default directory with images. The arena
 * owns the images. */
bool dataset_load(dataset *d, tap_arena *a, const char *given);

/* Finds the directory: `given`, or, if that is NULL, the first default one with images. Returns false, without a message, if
 * no default directory has images. */
bool dataset_find(char dir[PATH_SIZE], const char *given);
/* Finds the file of a part ("train", "t10k") and a kind ("images", "labels") in dir under any of its usual names; rank is that
 * of its tensor. */
bool dataset_file(char path[PATH_SIZE], const char *dir, const char *part, const char *kind, int rank);
bool images_read(tap_tensor *images, tap_arena *a, const char *path); /* uint8 [n,28,28] */
/* Reads the images of a part, at least one. */
bool dataset_images(tap_tensor *images, tap_arena *a, const char *dir, const char *part);
/* Reads the labels of a part with n images: int64 [n], each less than `classes`. */
bool dataset_labels(tap_tensor *labels, tap_arena *a, const char *dir, const char *part, int64_t n, int64_t classes);
bool labels_hold(tap_tensor labels, int label); /* whether an image has the label */

/* Writes images [rows,columns,height,width] or [rows,columns,784] in [0,1] as a PNG, enlarged twofold and separated by `gap`
 * grey pixels. If the tape has an error, it writes nothing and returns true; the caller reports the error. */
bool sheet_write(const char *dir, const char *name, tap_var images, int64_t gap);
/* Selects images uint8 [n,28,28] by indices int64 [m]: float32 [m,784] in [0,1]. */
tap_var rows_of(tap_tape *t, tap_tensor x, const int64_t *rows, int64_t n); /* these rows of x */
tap_var images_select(tap_tape *t, tap_tensor images, tap_var index);

/* ---- train.c: gradient descent with checkpoints ------------------------------------------------------------------- */

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
    const char *out, *model; /* model: the file of a model to load in place of training; NULL: none */
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
      .help = "step size of Adam; falls to 0 over the second half" }, \
    CHECKPOINT_ROWS("")
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
    bool        constant_lr;    /* [the step size falls to 0 over the second half] */
    bool        skip_nonfinite; /* omit updates with a loss or gradient that is not finite [training fails] */
    const char *data_name;      /* the loader's name in the checkpoint [data] */
    const char *reported;       /* the reported number's name in the progress bar [loss] */
    void       *ctx;            /* the argument of the three functions below */
    void (*declare)(void *ctx, tap_checkpoint *c, progress *p);     /* adds tensors to the checkpoint [sum and rows] */
    bool (*resumed)(void *ctx, int64_t epoch, const progress *p);   /* called after a checkpoint was loaded */
    bool (*end_epoch)(void *ctx, int64_t epoch, const progress *p); /* [prints the mean loss, and the loss of held_out] */
} train_config;

/* A pass over data, batch by batch, without gradients. */
typedef struct {
    tap_tape   *tape; /* reset before each batch */
    tap_loader *data;
    batch       b;
    int64_t     done; /* rows so far, those of the batch included */
} pass;

pass pass_begin(tap_tensor data, int64_t batch_size, uint64_t seed);
bool pass_next(pass *p); /* false at the end */
bool pass_end(
    pass *p); /* also clears the progress bar; returns whether there was no error, and prints the error if there was one */

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
/* Prepares the run, trains and saves the model with the SAVED options; or loads the model that the options name and prepares the
 * results. Before training, prints the kind of model, unless it is NULL. */
bool train_or_load(train_config c, const char *data, const char *kind, const void *options);
/* Sets the options with any of the roles from a model file, which this program must have written. The arena owns the texts. */
bool model_options(tap_arena *a, const char *path, void *options, unsigned roles);
bool model_load(tap_module *root, const char *path);

/* ---- plot.c: curves, points and bars in panels with axes, as PNG or SVG ------------------------------------------- */

typedef enum { PLOT_PNG, PLOT_SVG } plot_format;
typedef enum { PLOT_SOLID, PLOT_DASHED, PLOT_AREA } plot_style; /* area: between the curve and 0, translucent */

/* The titles and axis limits of a panel. If a base is set, the axis is logarithmic: coordinates are exponents of the base, and
 * ticks are labelled with its powers. */
typedef struct {
    const char *title, *x, *y; /* NULL: no title */
    double      x0, x1, y0, y1;
    double      x_base, y_base;
} plot_axes;

void plot_begin(plot_format format, int columns, int rows); /* begins a plot; there is one at a time */
void plot_panel(plot_axes axes); /* begins the next panel in row-major order; subsequent calls draw into it */

/* Colors are indices from 0; ten are distinct. The legend lists the series whose name is not NULL. Values that are not
 * finite leave gaps. */
void plot_curve(plot_style style, int64_t n, const double *x, const double *y, int color, const char *name);
void plot_bars(int64_t n, const double *height, int color, const char *name); /* translucent, across the panel */
/* Draws the points of group k, of the first two columns of x [n,columns] and groups [n] from 0, in the color k. */
void plot_group(tap_tensor x, tap_tensor group, int k, const char *name);
/* Begins the next panel and draws points, the first two columns of x [n,columns], colored by group [n] (from 0). Limits that
 * are not set are those of the points. The legend lists the first ten groups as name and number, counted from `first`. */
void plot_groups(plot_axes axes, tap_tensor x, tap_tensor group, const char *name, int first);

/* Computes a histogram for plot_bars: the fraction of n numbers in each of `bins` equal bins. Returns the largest fraction. */
double plot_bins(int64_t n, const double *x, int bins, double x0, double x1, double *height);
/* Computes the limits of an axis for a column of x [n,columns]: the numbers' range, extended by a small margin. */
void plot_limits(tap_tensor x, int64_t column, double *from, double *to);

bool plot_write(const char *dir, const char *name); /* writes dir/name and ends the plot */

#endif
