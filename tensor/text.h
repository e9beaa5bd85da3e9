/* tensor/text.h: text as the C locale has it, whatever locale the program has set: numbers with a point, letters and spaces of ASCII,
 * the system's reasons in English. Nothing else in the library formats or parses floating point numbers. Not installed. */
#ifndef TAP_TENSOR_TEXT_H
#define TAP_TENSOR_TEXT_H

#include <stdarg.h>

#include "tensor/tensor.h"

/* snprintf and vsnprintf. */
int tap__format(char *text, size_t size, const char *format, ...) TAP_PRINTF(3, 4);
int tap__format_list(char *text, size_t size, const char *format, va_list args);

/* strtod. */
double tap__parse_number(const char *text, char **stop);

/* strerror, for any number of threads at once. */
const char *tap__strerror(int reason);

/* Whether two strings are equal in up to n bytes, upper and lower case aside. */
bool tap__equal_ignoring_case(const char *a, const char *b, size_t n);

#endif
