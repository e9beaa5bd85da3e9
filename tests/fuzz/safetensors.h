/* tests/fuzz/safetensors.h: for the targets that read safetensors files: hand-written files, and their mutator. */
#ifndef TAP_TESTS_FUZZ_SAFETENSORS_H
#define TAP_TESTS_FUZZ_SAFETENSORS_H

#include "tests/fuzz/fuzz.h"

/* A file: the header with its correct length, and data_bytes bytes behind it. */
static inline void put_header(fuzz_put *put, const char *name, const char *header, size_t data_bytes)
{
    unsigned char bytes[1024];
    size_t        n = strlen(header);
    for (size_t i = 0; i < 8; i++) bytes[i] = (unsigned char)(n >> 8 * i);
    memcpy(bytes + 8, header, n);
    for (size_t i = 0; i < data_bytes; i++) bytes[8 + n + i] = (unsigned char)(i * 17);
    put(name, bytes, 8 + n + data_bytes);
}

/* Corrects the length of the header, which ends with the last brace, after 7 of 8 mutations. */
static inline size_t mutate_safetensors(unsigned char *bytes, size_t n, size_t capacity, unsigned seed)
{
    n = LLVMFuzzerMutate(bytes, n, capacity);
    size_t end = n;
    while (end > 8 && bytes[end - 1] != '}') end--;
    for (size_t i = 0; i < 8 && end > 8 && seed % 8 != 0; i++) bytes[i] = (unsigned char)((end - 8) >> 8 * i);
    return n;
}

#endif
