/* tensor/io/json.c: a strict JSON parser. cJSON accepts more than JSON, and misreads some of it, so the text is checked
 * before cJSON parses it. */
#include "tensor/io/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 127 };

/* Length of the UTF-8 character at p in a NUL-terminated text; 0 if the bytes are invalid. */
static int utf8_character(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    unsigned char        low = 0x80,
                  high =
                      0xBF; /* limits of the second byte exclude overlong forms, surrogates, and code points above U+10FFFF */
    if (u[0] < 0x80) return 1;
    if (u[0] < 0xC2 || u[0] > 0xF4) return 0;
    if (u[0] == 0xE0) low = 0xA0;
    if (u[0] == 0xED) high = 0x9F;
    if (u[0] == 0xF0) low = 0x90;
    if (u[0] == 0xF4) high = 0x8F;
    int n = u[0] < 0xE0 ? 2 : u[0] < 0xF0 ? 3 : 4;
    if (u[1] < low || u[1] > high) return 0;
    for (int i = 2; i < n; i++) {
        if ((u[i] & 0xC0) != 0x80) return 0;
    }
    return n;
}

bool tap__is_utf8(const char *text)
{
    while (*text) {
        int n = utf8_character(text);
        if (n == 0) return false;
        text += n;
    }
    return true;
}

/* Moves *at from the opening quote to the closing one, or to an error, which is returned. */
static const char *string_fault(const char **at)
{
    int step = 1;
    for (*at += step; **at != '"'; *at += step) {
        step = utf8_character(*at);
        if (!step) return "not UTF-8";
        if ((unsigned char)**at < 0x20) return "a control character in a string";
        if (**at != '\\') continue;
        step = (*at)[1] ? 2 : 1;
        if ((*at)[1] == 'u' && strspn(*at + 2, "0123456789abcdefABCDEF") < 4) return "a \\u without four hexadecimal digits";
        if (strncmp(*at, "\\u0000", 6) == 0) return "a NUL character in a string";
    }
    return NULL;
}

/* Numbers are sizes and offsets. cJSON's doubles represent all integers up to 2^53, and no file is larger than that. */
static const char *number_fault(const char **at)
{
    char              *stop;
    unsigned long long x = strtoull(*at, &stop, 10);
    bool               plain = **at != '-' && !(**at == '0' && stop - *at > 1);
    if (!plain || *stop == '.' || *stop == 'e' || *stop == 'E' || x > 1ull << 53)
        return "a number that is not a plain integer from 0 to 2^53";
    *at = stop - 1;
    return NULL;
}

/* Finds what cJSON would silently accept or change: it treats control characters as spaces, truncates strings at \u0000 and
 * \uXYZ, and reads 01 and 1.0 as 1. Nesting is limited, as cJSON recurses. Returns NULL, or the error, with its place in
 * *at. */
static const char *find_fault(const char *text, size_t length, const char **at)
{
    const char *fault = NULL;
    int         depth = 0;
    for (*at = text; *at < text + length; ++*at) {
        unsigned char c = (unsigned char)**at;
        if (c == '"') fault = string_fault(at);
        else if (c == '-' || (c >= '0' && c <= '9')) fault = number_fault(at);
        else if (c == '{' || c == '[') fault = ++depth > MAX_DEPTH ? "nested too deeply" : NULL;
        else if (c == '}' || c == ']') depth--;
        else if (c < ' ' && c != '\t' && c != '\n' && c != '\r') fault = "a control character";
        if (fault) return fault;
    }
    return NULL;
}

cJSON *tap__json_parse(const char *text, size_t length, const char **fault, size_t *at)
{
    cJSON      *json = NULL;
    const char *stop;
    *fault = find_fault(text, length, &stop);
    if (!*fault) {
        errno = 0;
        json = cJSON_ParseWithOpts(text, &stop, true);
        if (!json && errno != ENOMEM) *fault = "not valid JSON";
    }
    *at = (size_t)(stop - text);
    return json;
}
