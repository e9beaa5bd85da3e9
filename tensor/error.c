/* tensor/error.c: every error of the library is recorded here, so that a breakpoint, or TAP_ABORT, catches all of them. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/text.h"
#include "tensor/error.h"

static void abort_if_requested(const char *message)
{
    const char *value = getenv("TAP_ABORT");
    if (!value || strcmp(value, "1") != 0) return;
    fprintf(stderr, "tapestry: %s\n", message);
    abort();
}

/* Messages quote paths, and names from files. They stay on one line, and send no control sequences to a terminal. */
static void replace_control_characters(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) *text = '?';
    }
}

tap_status tap__error_set_in(tap_error *e, tap_status status, const char *where, const char *format, va_list args)
{
    if (status == TAP_OK) return e ? e->status : TAP_OK;
    if (e && e->status != TAP_OK) return e->status;

    tap_error error = { .status = status };
    size_t    used = 0;
    if (where && *where) {
        snprintf(error.message, sizeof error.message, "%s: ", where);
        used = strlen(error.message);
    }
    if (format) tap__format_list(error.message + used, sizeof error.message - used, format, args);
    replace_control_characters(error.message);
    abort_if_requested(error.message);
    if (e) *e = error;
    return status;
}

tap_status tap_error_set(tap_error *e, tap_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    status = tap__error_set_in(e, status, NULL, format, args);
    va_end(args);
    return status;
}

static atomic_bool report_unread = true;

bool tap_report_unread_errors(bool on)
{
    return atomic_exchange(&report_unread, on);
}

void tap__report_unread(const char *owner, const tap_error *e)
{
    if (!atomic_load(&report_unread)) return;
    fprintf(stderr, "tapestry: this %s has failed, and its error was not read: %s\n", owner, e->message);
}

tap_status tap__error_copy(tap_error *to, const tap_error *from)
{
    if (to && to->status == TAP_OK) *to = *from;
    return to ? to->status : from->status;
}

const char *tap_status_name(tap_status status)
{
    switch (status) {
    case TAP_OK: return "TAP_OK";
    case TAP_ENOMEM: return "TAP_ENOMEM";
    case TAP_ESHAPE: return "TAP_ESHAPE";
    case TAP_EDTYPE: return "TAP_EDTYPE";
    case TAP_EARG: return "TAP_EARG";
    case TAP_ESTALE: return "TAP_ESTALE";
    case TAP_EIO: return "TAP_EIO";
    case TAP_ENONFINITE: return "TAP_ENONFINITE";
    }
    return "unknown status";
}
