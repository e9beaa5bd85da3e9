/* tensor/io/array.c: arrays that grow while a file is read, and checks of the names in it. */
#include "tensor/io/array.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 1 << 29 };

bool tap__array_reserve(tap__array *a, const tap__reader *in, size_t more, size_t size)
{
    if (more <= (size_t)(a->capacity - a->n)) return true;
    if (more > MAX_ITEMS - (size_t)a->n) return tap__reader_fail(in, TAP_EIO, "holds too many objects");
    const size_t capacity = ((size_t)a->n + more) * 2 + 16;
    void        *grown = realloc(a->items, capacity * size);
    if (!grown) return tap__reader_fail(in, TAP_ENOMEM, "no memory for a list of its contents");
    a->items = grown;
    a->capacity = (int)capacity;
    return true;
}

bool tap__array_append(tap__array *a, const tap__reader *in, const void *items, size_t n, size_t size)
{
    if (n == 0) return true;
    if (!tap__array_reserve(a, in, n, size)) return false;
    memcpy((char *)a->items + (size_t)a->n * size, items, n * size);
    a->n += (int)n;
    return true;
}

void *tap__array_push(tap__array *a, const tap__reader *in, size_t size)
{
    if (!tap__array_reserve(a, in, 1, size)) return NULL;
    return memset((char *)a->items + (size_t)a->n++ * size, 0, size);
}

static int compare(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

bool tap__check_distinct(const tap__reader *in, const char *what, int n, const char **names)
{
    if (n > 0) qsort(names, (size_t)n, sizeof *names, compare);
    for (int i = 1; i < n; i++) {
        if (strcmp(names[i - 1], names[i]) == 0)
            return tap__reader_fail(in, TAP_EIO, "%s '%.100s' occurs twice", what, names[i]);
    }
    return true;
}
