/* What fuzz targets share. A target is one file that defines fuzz() and fuzz_seeds(). libFuzzer calls it with what it makes up,
 * replay.c with what is kept; README.md has the rest. */
#ifndef TAP_TESTS_FUZZ_FUZZ_H
#define TAP_TESTS_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/tensor.h"

/* Has a reader read these bytes, and checks what comes of it. */
void fuzz(const unsigned char *bytes, size_t n);

/* Puts the inputs that are worth beginning with. */
typedef void fuzz_put(const char *name, const void *bytes, size_t n);
void         fuzz_seeds(fuzz_put *put);

/* The bytes of a string literal, which may hold NUL bytes. */
#define FUZZ_PUT(put, name, literal) (put)(name, literal, sizeof(literal) - 1)

#define FUZZ_CHECK(condition, ...) \
    do { \
        if (condition) break; \
        fprintf(stderr, "%s:%d: not so: %s\n  ", __FILE__, __LINE__, #condition); \
        fprintf(stderr, __VA_ARGS__); \
        fputc('\n', stderr); \
        abort(); \
    } while (0)

/* The path of a file in memory that holds these bytes, until the next call. */
const char *fuzz_file(const void *bytes, size_t n);
/* A path beside it, to write to; and the bytes of what was written, which the caller frees. */
const char *fuzz_target_path(void);
void       *fuzz_written(size_t *n);

/* After a reader has read a file of n bytes, and has kept so many bytes of tensors (0: none): either there is no error, or a
 * sentence, one line that begins with the file's path; and the memory that it took is in proportion. */
void fuzz_check_status(tap_status status, const char *message, const char *path);
void fuzz_check_arena(const tap_arena *a, const char *path, size_t n, size_t kept);

/* Reads every byte of x, and how many these are. */
size_t fuzz_touch(tap_tensor x);
void   fuzz_check_same(tap_tensor x, tap_tensor y); /* bit by bit */
/* All this for a reader of one tensor; what it gives is also written as .npy and read again. */
void fuzz_check_read(tap_arena *a, tap_tensor x, const char *path, size_t n);

/* libFuzzer's own changes, for targets that make theirs out of them (LLVMFuzzerCustomMutator). */
size_t LLVMFuzzerMutate(unsigned char *bytes, size_t n, size_t room);
size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t room, unsigned seed);

#endif
