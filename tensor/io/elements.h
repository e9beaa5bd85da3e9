/* tensor/io/elements.h: how files represent the elements of tensors, and the dtypes that they become. Not installed. */
#ifndef TAP_TENSOR_IO_ELEMENTS_H
#define TAP_TENSOR_IO_ELEMENTS_H

#include "tensor/tensor.h"

/* Representations that a dtype holds exactly: float16 and bfloat16 become float32, all integers but uint8 become int64. A
 * uint64 above INT64_MAX has no int64. */
typedef enum {
    TAP__FILE_BOOL,
    TAP__FILE_U8,
    TAP__FILE_I8,
    TAP__FILE_I16,
    TAP__FILE_U16,
    TAP__FILE_I32,
    TAP__FILE_U32,
    TAP__FILE_I64,
    TAP__FILE_U64,
    TAP__FILE_F16,
    TAP__FILE_BF16,
    TAP__FILE_F32,
    TAP__FILE_F64
} tap__element;

tap_dtype   tap__element_dtype(tap__element e);
int         tap__element_size(tap__element e); /* bytes in the file */
const char *tap__element_name(tap__element e); /* "bfloat16" */

/* Converts n elements in place, from a file's representation to the dtype's, for which data must have room. Any nonzero bool
 * becomes 1. False if a uint64 is above INT64_MAX. */
bool tap__decode(void *data, int64_t n, tap__element e, bool big_endian);

#endif
