/* tensor/io/pickle.h: Python's pickles, read as data. Not installed. */
#ifndef TAP_TENSOR_IO_PICKLE_H
#define TAP_TENSOR_IO_PICKLE_H

#include "tensor/io/array.h"

/* The result of a call of a global. One that may not be called is a value, such as torch.float32. */
typedef enum { TAP__PICKLE_VALUE, TAP__PICKLE_CALL, TAP__PICKLE_MAKES_DICT, TAP__PICKLE_MAKES_LIST } tap__pickle_use;

/* A global that a pickle may name. */
typedef struct {
    const char     *module, *name;
    tap__pickle_use use;
    int             id; /* the reader's own */
} tap__pickle_global;

typedef enum {
    TAP__PICKLE_NONE,
    TAP__PICKLE_BOOL,
    TAP__PICKLE_INT,
    TAP__PICKLE_BIG, /* an integer beyond int64, as bytes */
    TAP__PICKLE_FLOAT,
    TAP__PICKLE_TEXT,
    TAP__PICKLE_BYTES,
    TAP__PICKLE_TUPLE,
    TAP__PICKLE_LIST,
    TAP__PICKLE_SET,
    TAP__PICKLE_DICT,
    TAP__PICKLE_GLOBAL,
    TAP__PICKLE_CALLED,    /* a call that was not made */
    TAP__PICKLE_PERSISTENT /* an object outside the pickle */
} tap__pickle_kind;

/* Objects are numbered. An object may be in several containers, or in itself. */
typedef struct {
    tap__pickle_kind kind;
    int              n;           /* items of a container, bytes of a text */
    int              first, last; /* cells of a container */
    union {
        int64_t                   integer; /* of a bool, too */
        double                    real;
        size_t                    text;   /* where the bytes are; a NUL is behind them */
        const tap__pickle_global *global; /* the one called, too */
    };
    int args; /* the tuple of a call's arguments, the name of a persistent object */
} tap__pickle_object;

/* An item of a container. */
typedef struct {
    int key, value; /* objects; the key is that of a dict */
    int next;       /* -1: the last item */
} tap__pickle_cell;

typedef struct {
    tap__reader              *in;
    const tap__pickle_global *globals;
    int                       n_globals;
    uint64_t                  taken; /* bytes that were parsed */
    tap__array                objects, cells, stack, marks, memo, text;
    unsigned char             buffer[4096]; /* bytes from `at` to `end` were read, but not parsed */
    int                       at, end;
    bool                      stopped;
} tap__pickle;

/* Reads pickles one after the other: tap__pickle_read returns the number of the object that the next one is, or -1 and an error
 * of the reader. No code is run: only data, and globals of the list, can be in it. */
void tap__pickle_begin(tap__pickle *p, tap__reader *in, int n_globals, const tap__pickle_global *globals);
int  tap__pickle_read(tap__pickle *p);
void tap__pickle_end(tap__pickle *p);

const tap__pickle_object *tap__pickle_at(const tap__pickle *p, int object);
const tap__pickle_cell   *tap__pickle_cell_at(const tap__pickle *p, int cell);
const char               *tap__pickle_text(const tap__pickle *p, const tap__pickle_object *o);

/* Item i of a tuple or list; NULL if there is none, or the object is no tuple or list. */
const tap__pickle_object *tap__pickle_item(const tap__pickle *p, const tap__pickle_object *o, int i);

#endif
