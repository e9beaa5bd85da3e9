/* tensor/error.h: errors inside the library: prefixes, copies, and the report of errors that nobody has read. Not installed. */
#ifndef TAP_TENSOR_ERROR_H
#define TAP_TENSOR_ERROR_H

#include <stdarg.h>

#include "tensor/tensor.h"

/* tap_error_set with "where: " in front of the message, unless where is NULL or empty. */
tap_status tap__error_set_in(tap_error *e, tap_status status, const char *where, const char *format, va_list args);

/* Copies the error of one owner to another, unless that one has an error already. Returns from's status. */
tap_status tap__error_copy(tap_error *to, const tap_error *from);

/* Prints to stderr an error that was never read and is about to be freed with its owner, unless the program has turned that
 * off. */
void tap__report_unread(const char *owner, const tap_error *e);

#endif
