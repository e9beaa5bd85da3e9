/* tensor/io/stored.h: where arrays lie in files, for readers that take a part of a file, or map it. Not installed. */
#ifndef TAP_TENSOR_IO_STORED_H
#define TAP_TENSOR_IO_STORED_H

#include "tensor/io/elements.h"
#include "tensor/io/reader.h"

typedef struct {
    const char  *name; /* of a tensor among others; NULL if the file holds one array */
    tap__element element;
    bool         big_endian, fortran;
    tap_shape    shape;
    uint64_t     offset; /* of the first element in the file */
} tap__stored;

/* Read the header of a file that was just opened, and check that the file holds the elements. A gzipped file is an error. Names
 * are in the reader's arena. */
bool tap__npy_locate(tap__reader *in, tap__stored *x);
bool tap__idx_locate(tap__reader *in, tap__stored *x);
/* All tensors, in the order of their data, in the arena; *file has the metadata, and no tensors. NULL on an error. */
tap__stored *tap__safetensors_locate(tap__reader *in, tap_safetensors *file, int *n);

/* The array in a file that is mapped at this address. Inert, and an error, if its elements are not those of a tensor. */
tap_tensor tap__stored_view(const tap__reader *in, const tap__stored *x, void *file);

#endif
