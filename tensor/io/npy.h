/* tensor/io/npy.h: .npy within other files. Not installed. */
#ifndef TAP_TENSOR_IO_NPY_H
#define TAP_TENSOR_IO_NPY_H

#include "tensor/io/reader.h"

/* NumPy pads the header so that the first size can grow, and the data begins at a multiple of 64: 128 for up to 8 axes. */
enum { TAP__NPY_HEADER = 128 };

/* Reads what is left in the reader; on an error, the result is inert. */
tap_tensor tap__npy_read(tap__reader *in);

bool tap__npy_can_write(tap_tensor x);
/* The header of a file in C order. The tensor must be one that can be written. */
void tap__npy_header(char header[TAP__NPY_HEADER], tap_dtype dtype, tap_shape shape);

#endif
