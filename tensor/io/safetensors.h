/* tensor/io/safetensors.h: what the reader and the writer of safetensors files share. Not installed.
 *
 * A file consists of the header's length (8 bytes, little-endian), the header (JSON, padded with spaces), and the tensors'
 * data in C order. */
#ifndef TAP_TENSOR_IO_SAFETENSORS_H
#define TAP_TENSOR_IO_SAFETENSORS_H

#include "tensor/tensor.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "data is copied between memory and file, which is little-endian");

#define TAP__SAFETENSORS_METADATA "__metadata__"

enum { TAP__SAFETENSORS_MAX_HEADER = 100000000, TAP__SAFETENSORS_DTYPES = 8 };

/* By ascending alignment, as the format orders its dtypes. Small integers are read as int64. Of a dtype's codes, the last
 * one is written. */
static const struct {
    const char *code;
    tap_dtype   dtype;
    int         size; /* bytes in the file */
} tap__safetensors_dtypes[TAP__SAFETENSORS_DTYPES] = {
    { "BOOL", TAP_BOOL, 1 }, { "U8", TAP_U8, 1 },   { "I8", TAP_I64, 1 },  { "I16", TAP_I64, 2 },
    { "I32", TAP_I64, 4 },   { "F32", TAP_F32, 4 }, { "F64", TAP_F64, 8 }, { "I64", TAP_I64, 8 },
};

/* tap_safetensors_write. A file that is replaced is renamed to `keep`, unless that is NULL. */
tap_status tap__safetensors_write(const char *path, const char *keep, int n, const tap_named_tensor *tensors, int n_metadata,
                                  const tap_metadata *metadata, tap_error *e);

#endif
