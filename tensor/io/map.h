/* tensor/io/map.h: files as memory. Not installed. */
#ifndef TAP_TENSOR_IO_MAP_H
#define TAP_TENSOR_IO_MAP_H

#include "tensor/io/reader.h"

/* The whole file, of this size, at an address that is a multiple of the page size, until the arena is reset or freed. Pages are
 * read when they are first used. Writes go to copies of the pages and never reach the file. NULL on an error of the reader. */
void *tap__map_file(const tap__reader *in, uint64_t size);

#endif
