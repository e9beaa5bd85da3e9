/* tensor/io/lock.h: locks between processes. Not installed. */
#ifndef TAP_TENSOR_IO_LOCK_H
#define TAP_TENSOR_IO_LOCK_H

#include "tensor/tensor.h"

/* An exclusive lock among all processes of one machine: an open, flocked file at the path, removed on release. The system
 * frees it when the process that holds it dies. On a file system without locks, acquiring always succeeds and excludes
 * nobody. */
typedef struct tap__lock tap__lock;

/* NULL, and an error that names the holder, if another process (or another call in this one) holds the lock. where: what is
 * locked, which begins messages. */
tap__lock *tap__lock_acquire(const char *path, const char *where, tap_error *e);
void       tap__lock_release(tap__lock *l); /* NULL is allowed */

#endif
