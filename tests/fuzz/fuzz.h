/* tests/fuzz/fuzz.h: the interface of fuzz targets. A target is one file that defines fuzz() and fuzz_seeds(). libFuzzer calls
 * it with generated inputs, replay.c with stored ones. See README.md. */
#ifndef TAP_TESTS_FUZZ_FUZZ_H
#define TAP_TESTS_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/tensor.h"

/* Lets a reader read these bytes, and checks the outcome. */
void fuzz(const unsigned char *bytes, size_t n);

/* Emits the initial inputs. */
typedef void fuzz_put(const char *name, const void *bytes, size_t n);
void         fuzz_seeds(fuzz_put *put);

/* The bytes of a string literal, which may hold NUL bytes. */
#define FUZZ_PUT(put, name, literal) (put)(name, literal, sizeof(literal) - 1)

#define FUZZ_CHECK(condition, ...) \
    do { \
        if (condition) break; \
        fprintf(stderr, "%s:%d: check failed: %s\n  ", __FILE__, __LINE__, #condition); \
        fprintf(stderr, __VA_ARGS__); \
        fputc('\n', stderr); \
        abort(); \
    } while (0)

/* The path of a file in memory that holds these bytes, until the next call. */
const char *fuzz_file(const void *bytes, size_t n);
/* A path in the same folder, to write to; and the bytes written there, which the caller frees. */
const char *fuzz_target_path(void);
void       *fuzz_written(size_t *n);

/* Checks a reader after a file of n bytes, which gave data_bytes bytes of tensors (0: none). There is no error, or a message of
 * one line that begins with the path; and the memory taken is in proportion. */
void fuzz_check_status(tap_status status, const char *message, const char *path);
void fuzz_check_arena(const tap_arena *a, const char *path, size_t n, size_t data_bytes);

/* Reads every byte of x. Returns their number. */
size_t fuzz_touch(tap_tensor x);
void   fuzz_check_same(tap_tensor x, tap_tensor y); /* bit by bit */
/* A file that can be mapped can be read, as x, and is the same. */
void fuzz_check_mapped(tap_tensor x, tap_tensor (*map)(tap_arena *a, const char *path), const char *path);
/* All these checks for a reader of one tensor, which is also written as .npy and read again. */
void fuzz_check_read(tap_arena *a, tap_tensor x, const char *path, size_t n);

/* libFuzzer's mutator, and the hook by which a target adds its own. */
size_t LLVMFuzzerMutate(unsigned char *bytes, size_t n, size_t capacity);
size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t capacity, unsigned seed);

#endif
