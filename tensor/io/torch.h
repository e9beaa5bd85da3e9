/* tensor/io/torch.h: state dicts in whatever format. Not installed. */
#ifndef TAP_TENSOR_IO_TORCH_H
#define TAP_TENSOR_IO_TORCH_H

#include "tensor/tensor.h"

/* tap_safetensors_read, tap_torch_read or tap_npz_read, as the file's contents (not its name) require. */
tap_safetensors tap__state_dict_read(tap_arena *a, const char *path);

#endif
