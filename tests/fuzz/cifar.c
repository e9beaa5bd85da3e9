/* tests/fuzz/cifar.c: CIFAR-10's binary files, plain or gzipped. */
#include "tests/fuzz/fuzz.h"

enum { RECORD = 3073 };

static tap_tensor map(tap_arena *a, const char *path)
{
    return tap_cifar10_map(a, path, NULL);
}

void fuzz(const unsigned char *bytes, size_t n)
{
    tap_arena  *a = tap_arena_new();
    const char *path = fuzz_file(bytes, n);
    tap_tensor  labels, x = tap_cifar10_read(a, path, &labels);
    FUZZ_CHECK((labels.data != NULL) == (x.data != NULL), "labels without images");
    if (labels.data) fuzz_touch(labels);
    fuzz_check_mapped(x, map, path);
    fuzz_check_read(a, x, path, n);
    tap_arena_free(a);
}

/* Most mutations leave whole records. */
size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t capacity, unsigned seed)
{
    n = LLVMFuzzerMutate(bytes, n, capacity);
    return seed % 4 && n > RECORD ? n / RECORD * RECORD : n;
}

void fuzz_seeds(fuzz_put *put)
{
    static unsigned char bytes[3 * RECORD + 1];
    for (int i = 0; i < 3 * RECORD; i++) bytes[i] = (unsigned char)(i % RECORD ? i * 7 : i / RECORD);
    put("one", bytes, RECORD);
    put("three", bytes, 3 * RECORD);
    put("left_over", bytes, 3 * RECORD + 1);
    put("missing", bytes, 2 * RECORD - 1);
    put("empty", bytes, 0);
    bytes[RECORD] = 10;
    put("label", bytes, 3 * RECORD);
}
