/* nn/data/loader.h: what a loader is made of. Not installed.
 *
 * - An order says which row is drawn at which place of an epoch.
 * - A batch is memory for the fields of some rows, and the place it was made for.
 * - A maker makes batches: it has the rows, the order and the transforms. It is used by one thread at a time, either the
 *   program's or that of a prefetch.
 * - The loader, in the program's thread alone, decides which batches are made when, and in which memory. */
#ifndef TAP_NN_DATA_LOADER_H
#define TAP_NN_DATA_LOADER_H

#include "nn/internal.h"
#include "tensor/bijection.h"

/* ---- The order (order.c) ---- */

typedef enum {
    TAP__IN_ORDER,
    TAP__SHUFFLED,     /* by tap_random_permutation */
    TAP__PERMUTED,     /* by a bijection */
    TAP__DRAWN,        /* with replacement */
    TAP__DRAWN_WITHOUT /* without replacement */
} tap__order_kind;

typedef struct {
    double  time; /* of a row's arrival */
    int64_t row;
} tap__arrival;

typedef struct {
    tap__order_kind kind;
    int64_t         rows, draws; /* of the data, and of an epoch */
    uint64_t        seed, epoch; /* epoch: the one that the order is of, if it is made */
    bool            is_made;
    int64_t        *row;       /* SHUFFLED: the whole order */
    double         *weight;    /* DRAWN: sums of the first 1, 2, ... weights; DRAWN_WITHOUT: the weights */
    tap__arrival   *arrival;   /* DRAWN_WITHOUT: of all rows, the drawn ones first */
    tap__bijection  bijection; /* PERMUTED */
} tap__order;

/* The memory is the arena's, and so are errors. */
void    tap__order_init(tap__order *o, tap_arena *a, int64_t rows, bool is_function, const tap_loader_options *options);
void    tap__order_begin(tap__order *o, uint64_t epoch);
int64_t tap__order_row(const tap__order *o, int64_t i); /* 0 <= i < draws, of the epoch that was begun */

/* ---- Batches (batch.c) ---- */

typedef struct tap__batch {
    struct tap__batch   *next;
    tap_tensor           x[TAP_MAX_FIELDS]; /* with space for a whole batch */
    int64_t             *rows;              /* which ones are in it */
    tap__loader_position at;                /* the place of the first one */
    int64_t              n;                 /* rows to be made, or made */
    bool                 is_posted;         /* a prefetch has it */
    tap_error            error;             /* why it could not be made */
} tap__batch;

typedef struct {
    bool              is_function; /* the rows are data's; otherwise those of the arrays */
    int               n, n_transforms;
    tap_tensor        array[TAP_MAX_FIELDS];
    tap_dataset       data;
    tap_field_options field[TAP_MAX_FIELDS];
    tap_dtype         dtype[TAP_MAX_FIELDS];   /* of fields in batches */
    tap_shape         shape[TAP_MAX_FIELDS];   /* of a field of one row, in batches */
    tap_tensor        scratch[TAP_MAX_FIELDS]; /* for fields that data writes and that are converted */
    tap_transform     transform[TAP_MAX_TRANSFORMS];
    uint64_t          seed;
    tap__order        order;
} tap__maker;

/* Makes b->n rows from b->at on. */
void tap__batch_make(tap__maker *m, tap__batch *b);

/* The dtype and the shape of a field of one row, in the data. */
tap_dtype tap__field_dtype(const tap__maker *m, int field);
tap_shape tap__field_shape(const tap__maker *m, int field);
/* Lets the data set write a row to out, or makes views of the arrays in it. False, and an error, if that fails. */
bool tap__read_row(const tap__maker *m, int64_t row, tap_tensor *out, tap_error *e);

/* ---- The thread (prefetch.c) ---- */

enum { TAP__MAX_PREFETCH = 16 };

typedef struct tap__prefetch tap__prefetch;

/* A thread that makes batches, in the order in which they are posted. NULL on an error. */
tap__prefetch    *tap__prefetch_new(tap__maker *m, tap_error *e);
void              tap__prefetch_free(tap__prefetch *p); /* drops all batches; NULL is allowed */
void              tap__prefetch_post(tap__prefetch *p, tap__batch *b);
int               tap__prefetch_posted(const tap__prefetch *p);      /* batches that were posted and not taken */
const tap__batch *tap__prefetch_peek(const tap__prefetch *p, int i); /* the i-th of them, the oldest first */
tap__batch       *tap__prefetch_take(tap__prefetch *p);              /* waits until the oldest one is made */
void              tap__prefetch_drop(tap__prefetch *p);              /* all, after that in work; the thread is idle */

/* ---- The loader (loader.c) ---- */

/* The maker of a loader whose thread is idle until the next batch is asked for. */
tap__maker               *tap__loader_maker(tap_loader *l);
const tap_loader_options *tap__loader_options_of(const tap_loader *l);

#endif
