/* tensor/io/safetensors.h: what the reader and the writer of safetensors files share. Not installed.
 *
 * A file consists of the header's length (8 bytes, little-endian), the header (JSON, padded with spaces), and the tensors'
 * data in C order. */
#ifndef TAP_TENSOR_IO_SAFETENSORS_H
#define TAP_TENSOR_IO_SAFETENSORS_H

#include "tensor/io/elements.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "data is copied between memory and file, which is little-endian");

#define TAP__SAFETENSORS_METADATA "__metadata__"

enum { TAP__SAFETENSORS_MAX_HEADER = 100000000, TAP__SAFETENSORS_DTYPES = 13 };

/* By ascending alignment; the format has this order of those that are written. Of the codes of one dtype, the last is. */
static const struct {
    const char  *code;
    tap__element element;
} tap__safetensors_dtypes[TAP__SAFETENSORS_DTYPES] = {
    { "BOOL", TAP__FILE_BOOL }, { "U8", TAP__FILE_U8 },   { "I8", TAP__FILE_I8 },     { "I16", TAP__FILE_I16 },
    { "U16", TAP__FILE_U16 },   { "F16", TAP__FILE_F16 }, { "BF16", TAP__FILE_BF16 }, { "I32", TAP__FILE_I32 },
    { "U32", TAP__FILE_U32 },   { "F32", TAP__FILE_F32 }, { "F64", TAP__FILE_F64 },   { "U64", TAP__FILE_U64 },
    { "I64", TAP__FILE_I64 },
};

/* tap_safetensors_write. A file that is replaced is renamed to `keep`, unless that is NULL. */
tap_status tap__safetensors_write(const char *path, const char *keep, int n, const tap_named_tensor *tensors, int n_metadata,
                                  const tap_metadata *metadata, tap_error *e);

#endif
