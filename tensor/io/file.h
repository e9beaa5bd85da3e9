/* tensor/io/file.h: files that are opened, identified and replaced. Not installed. */
#ifndef TAP_TENSOR_IO_FILE_H
#define TAP_TENSOR_IO_FILE_H

#include "tensor/tensor.h"

/* open, repeated when a signal has interrupted it; mode is for O_CREAT. */
int tap__open(const char *path, int flags, unsigned mode);

/* Whether the open file is still the one at the path. unknown is the answer where the file system cannot tell. */
bool tap__is_file_at(int fd, const char *path, bool unknown);

/* The status for a system call that failed with this errno: TAP_ENOMEM or TAP_EIO. */
tap_status tap__errno_status(int reason);

/* On commit, the file that f replaces is renamed to the path instead of removed. It is renamed back if the new file cannot be
 * renamed to its place. */
tap_status tap__file_keep(tap_file *f, const char *path);

#endif
