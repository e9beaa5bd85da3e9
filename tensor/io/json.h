/* tensor/io/json.h: JSON as file headers have it, parsed by cJSON but strictly. Not installed. */
#ifndef TAP_TENSOR_IO_JSON_H
#define TAP_TENSOR_IO_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* Parses length bytes at text, which a NUL byte follows; the caller deletes the result. Numbers must be plain integers from
 * 0 to 2^53, strings without NUL characters. On an error NULL: *fault says what byte *at begins, or is NULL when there is
 * no memory. */
cJSON *tap__json_parse(const char *text, size_t length, const char **fault, size_t *at);

bool tap__is_utf8(const char *text);

#endif
