/* What the abuse tests have in common: rows that call one public function each, and the demand that no function of a public
 * header is without one. Operators need none: tests/autograd/test_operators.c calls them by their gradient tests' rows. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_BAD_ARGUMENTS_H
#define TAP_TESTS_BAD_ARGUMENTS_BAD_ARGUMENTS_H

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include "tests/autograd/no_gradient.h"
#include "tests/tensor/scratch.h"

/* Requests for more memory than there is are part of the abuse: with the address sanitizer, too, they are to give NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

typedef struct world world;

/* A call of the function, with whatever the world holds. */
typedef struct {
    const char *name;
    unsigned    traits;
    void (*call)(world *w);
} row;

/* A call that must fail on a world that is sound, with this status and this message. */
typedef struct {
    const char *name;
    int         status;
    const char *message;
    void (*call)(world *w);
} wrong;

#define AS_FUNCTION(name, traits, ...) \
    static void call_##name(world *w) \
    { \
        (void)w; \
        __VA_ARGS__; \
    }
#define AS_ROW(name, traits, ...) { #name, traits, call_##name },

#define AS_WRONG_FUNCTION(name, status, message, ...) \
    static void wrong_##name(world *w) \
    { \
        (void)w; \
        __VA_ARGS__; \
    }
#define AS_WRONG_ROW(name, status, message, ...) { #name, status, message, wrong_##name },

static const tap_shape negative = { 1, { -3 } }, rank_9 = { .rank = 9 }, rank_min = { .rank = INT_MIN },
                       overflowing = { 2, { INT64_MAX, INT64_MAX } }, /* no count of elements */
    vast = { 2, { 1 << 25, 1 << 25 } };                               /* no machine has the memory */
static const tap_dtype no_dtype = (tap_dtype)99;

/* The message without the number of the call, which depends on the calls before: "add, call 2: ..." is "add: ...". Lives until the next
 * call. */
static inline const char *without_number(const char *message)
{
    static char text[TAP_MESSAGE_SIZE];
    const char *number = strstr(message, ", call ");
    if (!number) return message;
    snprintf(text, sizeof text, "%.*s%s", (int)(number - message), message, number + strcspn(number, ":"));
    return text;
}

/* Whether x reads as a value that is not to be had: it has no data, or they are NaN (0 where they are no floats). */
static inline bool is_unreadable(tap_tensor x)
{
    return !x.data || (tap_dtype_is_float(x.dtype) ? isnan(tap_tensor_item(x, 0)) : tap_tensor_item(x, 0) == 0);
}

/* The header without its comments. */
static inline char *read_header(const char *header)
{
    char        path[1024];
    const char *root = getenv("TAP_SOURCE_ROOT");
    size_t      n;
    snprintf(path, sizeof path, "%s/%s", root ? root : ".", header);
    char *text = scratch_read(path, &n), *to = text;
    for (const char *from = text; *from;) {
        const char *end = strncmp(from, "/*", 2) == 0 ? strstr(from, "*/") : NULL;
        if (end) from = end + 2;
        else *to++ = *from++;
    }
    *to = '\0';
    return text;
}

/* The name that is declared behind a TAP_API: what stands before the first parenthesis. */
static inline bool declared_name(const char *declaration, char name[64])
{
    const char *end = strchr(declaration, '('), *begin = end;
    while (begin && begin > declaration && (isalnum((unsigned char)begin[-1]) || begin[-1] == '_')) begin--;
    if (!begin || begin == end || end - begin >= 64) return false;
    snprintf(name, 64, "%.*s", (int)(end - begin), begin);
    return true;
}

static inline int count_rows(int n, const row *rows, const char *name)
{
    int count = 0;
    for (int i = 0; i < n; i++) count += strcmp(rows[i].name, name) == 0;
    return count;
}

/* Whether the function at a declaration is called with bad vars by the gradient tests' rows (test_operators.c). */
static inline bool is_operator(const char *declaration, const char *name)
{
    return !strncmp(declaration, "tap_var ", 8) && !strncmp(name, "tap_", 4) && !needs_no_gradient(name + 4);
}

/* How many functions the header declares beside the operators; each must have one row. */
static inline int check_header(const char *header, int n, const row *rows)
{
    static const char mark[] = "\nTAP_API ";
    int               declared = 0;
    char              name[64], *text = read_header(header);
    for (const char *at = text; (at = strstr(at, mark));) {
        at += sizeof mark - 1;
        if (!declared_name(at, name)) fail_msg("%s: a declaration could not be read: %.60s", header, at);
        if (is_operator(at, name)) continue;
        declared++;
        if (count_rows(n, rows, name) != 1) fail_msg("%s: %s has %d rows", header, name, count_rows(n, rows, name));
    }
    free(text);
    assert_true(declared > 0);
    return declared;
}

#endif
