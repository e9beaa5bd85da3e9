/* tensor/text.h: text in the C locale, whatever locale the program has set: a decimal point in numbers, ASCII letters and
 * spaces, system errors in English. Nothing else in the library formats or parses floating-point numbers. Not installed. */
#ifndef TAP_TENSOR_TEXT_H
#define TAP_TENSOR_TEXT_H

#include <stdarg.h>

#include "tensor/tensor.h"

/* snprintf and vsnprintf. */
int tap__format(char *text, size_t size, const char *format, ...) TAP_PRINTF(3, 4);
int tap__format_list(char *text, size_t size, const char *format, va_list args);

/* strtod. */
double tap__parse_number(const char *text, char **stop);

/* strerror, safe for concurrent calls. */
const char *tap__strerror(int reason);

/* Whether the first n bytes of two strings, or all of them if they are shorter, are equal but for upper and lower case. */
bool tap__equal_ignoring_case(const char *a, const char *b, size_t n);

#endif
