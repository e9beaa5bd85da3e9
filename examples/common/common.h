/* examples/common/common.h: shared by the programs: arguments, messages, progress, signals, data sets and pictures. A
 * function that returns false has printed the reason, one line on standard error. */
#ifndef EXAMPLES_COMMON_H
#define EXAMPLES_COMMON_H

#include "nn/nn.h"

#define PATH_SIZE 4096

/* The name of the program, which defines it; its messages begin with it. */
extern const char *const program;

/* ---- program.c: how a program begins and ends --------------------------------------------------------------------- */

/* From now on the first Ctrl-C, and what a shutdown or a closed terminal (unless nohup has it ignored) sends, asks the
 * program to finish its step and to write what there is; a second one ends it. */
void catch_signals(void);
int  interrupted(void); /* the signal that asks to finish; 0 if none has come */

/* path = dir/name, or dir for an empty name; false, without a message, if that is too long. */
bool join(char path[PATH_SIZE], const char *dir, const char *name);
/* A file that goes into a folder for results, of about so many bytes. Without a name: one that is there for a moment. */
typedef struct {
    const char *name;
    double      bytes;
} out_file;

/* The size of a picture, about. */
#define PICTURE_BYTES 3e5

/* Makes a folder for results and sees whether these files can be written there, one after the other, before hours are spent
 * on what is to be in them: none is a folder's name, or of a file that must not be replaced, and the disk has room for all of
 * them. */
bool prepare_out(const char *out, int n, const out_file *files);
/* The same of one file in a folder that there is; of a device or pipe nothing can be said before. */
bool prepare_file(const char *path, double bytes);

/* The status to end with: 0, 1 after a failure, 128 + signal after an interruption; standard output is written. */
int end_program(bool ok);
/* What every program begins with: the terminal's letters, its threads (0: the library's choice) and signals. */
void begin_program(int64_t threads);

/* Whether the object has no error; prints the error if it has one. */
bool module_ok(const tap_module *root);
bool arena_ok(const tap_arena *a);
/* They free the object, too. */
bool tape_end(tap_tape *t);
bool arena_end(tap_arena *a);
bool loader_end(tap_loader *l);

/* ---- arguments.c: the command line -------------------------------------------------------------------------------- */

/* A row of a table of options: "--name value" or "--name=value", or for a FLAG the name alone. The table ends with a row
 * without a name. For a CUSTOM option the program parses the text itself, and prints the value: the same text for the same
 * value. Without a function that prints, the field is the text, a const char *. */
typedef enum { TEXT, FOLDER, WHOLE, SEED, REAL, FLAG, CHOICE, CUSTOM } argument_kind;

typedef struct {
    const char   *name;
    argument_kind kind;
    void       *field; /* const char *, the same, int64_t, uint64_t, double, bool, int; what a CUSTOM option's functions take */
    double      min, max; /* of numbers. A minimum of DBL_MIN stands for "above 0" */
    const char *takes;    /* CHOICE: "must be NAME, ... or NAME", the names of the values 0, 1, ...; CUSTOM: "must be ..." */
    bool (*parse)(void *field, const char *text);
    void (*print)(const void *field, char text[PATH_SIZE]);
} argument;

/* clang-format off */
#define ARGUMENT(name, kind, field)                      { name, kind, field, 0, 0, NULL, NULL, NULL }
#define ARGUMENT_NUMBER(name, kind, field, min, max)     { name, kind, field, min, max, NULL, NULL, NULL }
#define ARGUMENT_CHOICE(name, field, takes)              { name, CHOICE, field, 0, 0, takes, NULL, NULL }
#define ARGUMENT_CUSTOM(name, field, takes, parse, print) { name, CUSTOM, field, 0, 0, takes, parse, print }
#define ARGUMENT_END                                     { NULL, TEXT, NULL, 0, 0, NULL, NULL, NULL }
/* clang-format on */

bool asks_for_help(int argc, char **argv); /* --help or -h is among them */
/* Takes all arguments; *given (may be NULL) gets a bit for each row that was given. */
bool arguments_parse(const argument *table, int argc, char **argv, uint64_t *given);
/* The whole command line: prints the help that is asked for, or takes the arguments. False: the program ends here, with
 * *status. */
bool arguments_take(const argument *table, const char *help, int argc, char **argv, uint64_t *given, int *status);
/* Whether none of these was given, names with a space before and behind each; else says why it must not: "--latent: WHY". */
bool arguments_exclude(const argument *table, uint64_t given, const char *names, const char *why);
bool argument_set(const argument *a, const char *text); /* without a word; false: not a value of it */
void argument_print(const argument *a, char text[PATH_SIZE]);
/* "NAME VALUE: TAKES; see --help"; returns false. */
bool usage(const char *name, const char *value, const char *takes);
/* Whole numbers from min to max, separated by commas; returns how many, 0 if the text is not a list of 1 to max_n of them. */
int parse_list(const char *text, double min, double max, int max_n, int64_t *values);
/* A whole number from min to max. */
bool parse_whole(const char *text, double min, double max, int64_t *value);
/* A number from min to max; NaN is refused. */
bool parse_real(const char *text, double min, double max, double *value);

/* ---- screen.c: messages and the terminal -------------------------------------------------------------------------- */

bool   fail(const char *format, ...) TAP_PRINTF(1, 2); /* one line on standard error; returns false */
void   note(const char *format, ...) TAP_PRINTF(1, 2); /* the same, where the program goes on */
double now(void);                                      /* seconds since some moment */

/* A line on the terminal behind standard error, redrawn now and then; nothing when that is no terminal. begun: the part of all
 * rounds that is done already. */
void bar_start(bool quiet, const char *task, const char *number, int64_t rounds, int64_t images_per_round, double begun);
void bar_update(int64_t round, int64_t images, double value); /* the number that is to be shown, so far */
void bar_clear(void);

/* Properties of the terminal behind a file descriptor. */
bool screen_is_terminal(int fd);
bool screen_has_color(int fd); /* and NO_COLOR is not set */
bool screen_is_utf8(void);
int  screen_width(int fd);

/* ---- data.c: images in the format of MNIST ------------------------------------------------------------------------ */

#define SIDE 28 /* images are SIDE x SIDE pixels */

typedef struct {
    const char *name;            /* "MNIST" */
    char        from[PATH_SIZE]; /* its directory */
    tap_tensor  train, test;     /* uint8 [n,28,28] */
} dataset;

/* From the directory `given`, or if that is NULL from the first place of the search that has any. The images live in the
 * arena. */
bool dataset_load(dataset *d, tap_arena *a, const char *given);

/* The first place of the search that has any images, or `given` if that is not NULL; no word if there is none. */
bool dataset_find(char dir[PATH_SIZE], const char *given);
/* The file of a part ("train", "t10k") and a kind ("images", "labels") in dir, whatever it is called there; its tensor's
 * rank. */
bool dataset_file(char path[PATH_SIZE], const char *dir, const char *part, const char *kind, int rank);
/* The images of a part: uint8 [n,28,28]. */
bool dataset_images(tap_tensor *images, tap_arena *a, const char *dir, const char *part);
/* A label below `classes` for each of n images of a part: int64 [n]. */
bool dataset_labels(tap_tensor *labels, tap_arena *a, const char *dir, const char *part, int64_t n, int64_t classes);

/* ---- table.c: text in files ---------------------------------------------------------------------------------------- */

/* Creates dir/name; NULL if that fails, after a message. The error lives until file_end. */
tap_file *file_begin(const char *dir, const char *name, tap_error *e);
/* Puts the file in its place. False after a message, or without one for NULL. */
bool file_end(tap_file *f, const tap_error *e);
void file_printf(tap_file *f, const char *format, ...) TAP_PRINTF(2, 3); /* at most 511 bytes */
/* table [rows,columns] as CSV, below a line with the columns' names. */
bool table_write(const char *dir, const char *name, const char *const *names, int columns, tap_tensor table);

/* ---- sheet.c: many images as one picture -------------------------------------------------------------------------- */

/* images [rows,columns,height,width] in [0,1], `gap` grey pixels apart, each pixel twice as wide and high; PNG. */
bool sheet_write(const char *dir, const char *name, tap_tensor images, int64_t gap);
/* images [rows,columns,784] or [rows,columns,height,width] in [0,1]. After an error on the tape, which remains to be
 * reported, it writes nothing and returns true. */
bool sheet_write_var(const char *dir, const char *name, tap_var images, int64_t gap);
/* The images uint8 [n,28,28] at the indices int64 [m]: float32 [m,784] in [0,1]. */
tap_var images_select(tap_tape *t, tap_tensor images, tap_var index);

/* ---- text.c: images in the terminal ------------------------------------------------------------------------------- */

int  text_columns(void);             /* number of images that fit side by side into the terminal */
void text_images(tap_tensor images); /* [1,n,28,28], with blocks of two pixels */

#endif
