/* What the targets for safetensors files share: files made by hand, and their mutator. */
#ifndef TAP_TESTS_FUZZ_SAFETENSORS_H
#define TAP_TESTS_FUZZ_SAFETENSORS_H

#include "tests/fuzz/fuzz.h"

/* The header and its true length, then so many bytes of data. */
static inline void put_header(fuzz_put *put, const char *name, const char *header, size_t data)
{
    unsigned char bytes[1024];
    size_t        n = strlen(header);
    for (size_t i = 0; i < 8; i++) bytes[i] = (unsigned char)(n >> 8 * i);
    memcpy(bytes + 8, header, n);
    for (size_t i = 0; i < data; i++) bytes[8 + n + i] = (unsigned char)(i * 17);
    put(name, bytes, 8 + n + data);
}

/* Mostly, the length of the header is made right again: to where the last brace stands. */
static inline size_t mutate_safetensors(unsigned char *bytes, size_t n, size_t room, unsigned seed)
{
    n = LLVMFuzzerMutate(bytes, n, room);
    size_t end = n;
    while (end > 8 && bytes[end - 1] != '}') end--;
    for (size_t i = 0; i < 8 && end > 8 && seed % 8 != 0; i++) bytes[i] = (unsigned char)((end - 8) >> 8 * i);
    return n;
}

#endif
