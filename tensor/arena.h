/* tensor/arena.h: an arena's memory as the library itself takes it: blocks with use counts, which can be reused. Not
 * installed. */
#ifndef TAP_TENSOR_ARENA_H
#define TAP_TENSOR_ARENA_H

#include "tensor/tensor.h"

/* An arena for the library's own work. Its error is copied to another owner, so an unread one is not reported. */
tap_arena *tap__arena_new_internal(void);
/* An internal arena for work on the file at the path, which begins its messages, also that in *e if there is no memory. */
tap_arena *tap__arena_new_for_file(const char *path, tap_error *e);

/* A zeroed object of `size` bytes in an arena of its own, *a, which holds the object's error and is freed with it. `name`
 * begins messages; the report of an unread error calls the object `kind`. NULL, and the error without_memory, if there is no
 * memory. */
void *tap__arena_object(size_t size, const char *name, const char *kind, const tap_error *without_memory, tap_arena **a);
/* The status of an object whose error is that of the arena, or is `without` where there is no arena (NULL). */
tap_status tap__object_status(const tap_arena *a, const tap_error *without, const char **message);

/* Takes an uninitialized block with a use count of 1. Retain adds a use and release ends one; after the last, later requests
 * may have the block. */
void *tap__arena_acquire(tap_arena *a, size_t bytes);
void  tap__arena_retain(void *p);
void  tap__arena_release(tap_arena *a, void *p);

/* Makes the arena the owner of n bytes that come from elsewhere: when it is reset or freed, they are given to `release`. False,
 * and an error, if there is no memory to note that. */
bool tap__arena_own(tap_arena *a, void *p, size_t n, void (*release)(void *p, size_t n));

/* Sets what the arena's memory is for, which begins the message when memory runs out ("arena" at first). Returns the name
 * before. */
const char *tap__arena_name(tap_arena *a, const char *name);

/* Bytes of heap memory that the arena holds. */
size_t tap__arena_bytes(const tap_arena *a);

/* For tests: each block is an allocation of its own, so that tools which watch the heap see it and tests can make it fail. */
void tap__arena_one_chunk_per_block(bool on);

#endif
