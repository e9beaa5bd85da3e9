/* tests/bad_arguments/bad_arguments.h: lists of calls with bad arguments, and the check that every function of a public header
 * has an entry. Operators need none: tests/autograd/test_operators.c calls them by the rows of the gradient tests. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_BAD_ARGUMENTS_H
#define TAP_TESTS_BAD_ARGUMENTS_BAD_ARGUMENTS_H

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include "tests/autograd/no_gradient.h"
#include "tests/tensor/scratch.h"

/* Some calls ask for more memory than there is: malloc must give NULL under the address sanitizer, too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* What a call works on: tapes, modules, arenas, and where its result goes. Each test program defines it. */
typedef struct fixture fixture;

/* A call of a public function. Traits say what it needs. */
typedef struct {
    const char *name;
    unsigned    traits;
    void (*call)(fixture *f);
} function_call;

/* A call that must fail on a sound fixture, with this status and this message. */
typedef struct {
    const char *name;
    int         status;
    const char *message;
    void (*call)(fixture *f);
} bad_call;

/* Calls are written as lists, which are macros. An entry is a name, traits (or a status and a message), and an expression that
 * makes the call; the macro of the entry says where in the fixture the value goes. A list is expanded twice: CALL and BAD_CALL
 * first define functions, then rows of a table. A call of several statements is a function call_NAME or bad_NAME above the
 * list; CALL_FUNCTION or BAD_FUNCTION is its entry. */
#define CALL_VAR(name, traits, ...)    CALL(name, traits, f->out = __VA_ARGS__)
#define CALL_TENSOR(name, traits, ...) CALL(name, traits, f->value = __VA_ARGS__)
#define CALL_STATUS(name, traits, ...) CALL(name, traits, f->status = (int)(__VA_ARGS__))
#define CALL_NUMBER(name, traits, ...) CALL(name, traits, f->item = __VA_ARGS__)
#define CALL_MEMORY(name, traits, ...) CALL(name, traits, f->p = __VA_ARGS__)

#define BAD_VAR(name, status, message, ...)     BAD_CALL(name, status, message, f->out = __VA_ARGS__)
#define BAD_TENSOR(name, status, message, ...)  BAD_CALL(name, status, message, f->value = __VA_ARGS__)
#define BAD_STATUS(name, status_, message, ...) BAD_CALL(name, status_, message, f->status = (int)(__VA_ARGS__))
#define BAD_NUMBER(name, status, message, ...)  BAD_CALL(name, status, message, f->item = __VA_ARGS__)
#define BAD_MEMORY(name, status, message, ...)  BAD_CALL(name, status, message, f->p = __VA_ARGS__)

#define AS_NOTHING(...)
#define AS_FUNCTION(name, traits, ...) \
    static void call_##name(fixture *f) \
    { \
        (void)f; \
        __VA_ARGS__; \
    }
#define AS_ROW(name, traits, ...)    { #name, traits, call_##name },
#define AS_WRITTEN_ROW(name, traits) { #name, traits, call_##name },
#define AS_BAD_FUNCTION(name, status, message, ...) \
    static void bad_##name(fixture *f) \
    { \
        (void)f; \
        __VA_ARGS__; \
    }
#define AS_BAD_ROW(name, status, message, ...)    { #name, status, message, bad_##name },
#define AS_WRITTEN_BAD_ROW(name, status, message) { #name, status, message, bad_##name },

static const tap_shape negative = { 1, { -3 } }, rank_9 = { .rank = 9 }, rank_min = { .rank = INT_MIN };
static const tap_shape overflowing = { 2, { INT64_MAX, INT64_MAX } }; /* its number of elements exceeds int64 */
static const tap_shape vast = { 2, { 1 << 25, 1 << 25 } };            /* more memory than there is */
static const tap_dtype no_dtype = (tap_dtype)99;

/* The message without the number of the call, which depends on earlier calls: "add, call 2: ..." becomes "add: ...". The text
 * is valid until the next call. */
static inline const char *without_number(const char *message)
{
    static char text[TAP_MESSAGE_SIZE];
    const char *number = strstr(message, ", call ");
    if (!number) return message;
    snprintf(text, sizeof text, "%.*s%s", (int)(number - message), message, number + strcspn(number, ":"));
    return text;
}

/* Whether x holds no value: it has no data, or NaN (0 if the dtype is no float). */
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

/* The declared name: the identifier before the first parenthesis. */
static inline bool declared_name(const char *declaration, char name[64])
{
    const char *end = strchr(declaration, '('), *begin = end;
    while (begin && begin > declaration && (isalnum((unsigned char)begin[-1]) || begin[-1] == '_')) begin--;
    if (!begin || begin == end || end - begin >= 64) return false;
    snprintf(name, 64, "%.*s", (int)(end - begin), begin);
    return true;
}

static inline int count_rows(int n, const function_call *rows, const char *name)
{
    int count = 0;
    for (int i = 0; i < n; i++) count += strcmp(rows[i].name, name) == 0;
    return count;
}

/* Whether the declared function is an operator, which test_operators.c calls with bad vars. */
static inline bool is_operator(const char *declaration, const char *name)
{
    return !strncmp(declaration, "tap_var ", 8) && !strncmp(name, "tap_", 4) && !needs_no_gradient(name + 4);
}

/* Returns how many functions the header declares besides operators. Each must have one row. */
static inline int check_header(const char *header, int n, const function_call *rows)
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
