/* tensor/io/json.h: a strict parser for the JSON in file headers, based on cJSON. Not installed. */
#ifndef TAP_TENSOR_IO_JSON_H
#define TAP_TENSOR_IO_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* Parses length bytes at text, with a NUL byte behind them; the caller deletes the result. Numbers must be plain integers
 * from 0 to 2^53, and strings must not contain NUL characters. Returns NULL on an error: *fault describes the error at byte
 * *at, or is NULL if there was no memory. */
cJSON *tap__json_parse(const char *text, size_t length, const char **fault, size_t *at);

bool tap__is_utf8(const char *text);

#endif
