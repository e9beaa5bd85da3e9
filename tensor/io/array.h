/* tensor/io/array.h: arrays that grow while a file is read, and checks of the names in it. Not installed. */
#ifndef TAP_TENSOR_IO_ARRAY_H
#define TAP_TENSOR_IO_ARRAY_H

#include "tensor/io/reader.h"

typedef struct {
    void *items; /* the owner frees them */
    int   n, capacity;
} tap__array;

/* Make room for more items of this size; append such items; append a zeroed one. If there is no memory, NULL or false, and an
 * error of the reader. */
bool  tap__array_reserve(tap__array *a, const tap__reader *in, size_t more, size_t size);
bool  tap__array_append(tap__array *a, const tap__reader *in, const void *items, size_t n, size_t size);
void *tap__array_push(tap__array *a, const tap__reader *in, size_t size);

/* Sorts the names; if one occurs twice, that is an error: "tensor 'w' occurs twice". */
bool tap__check_distinct(const tap__reader *in, const char *what, int n, const char **names);

#endif
