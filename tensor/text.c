/* tensor/text.c: numbers and messages as text in the C locale. A call switches the calling thread to it and back, so that the
 * program's own locale stays in force everywhere else. */
#define _POSIX_C_SOURCE 200809L
#include "tensor/text.h"

#include <locale.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Created once. glibc and musl return a constant; other C libraries may allocate it, and if they have no memory, the
 * program's locale stays in force (uselocale changes nothing for a locale of 0). */
static locale_t c_locale(void)
{
    static _Atomic(locale_t) cached;
    locale_t                 locale = atomic_load(&cached), none = (locale_t)0;
    if (locale) return locale;
    locale = newlocale(LC_ALL_MASK, "C", none);
    if (!locale || atomic_compare_exchange_strong(&cached, &none, locale)) return locale;
    freelocale(locale); /* another thread was faster */
    return none;
}

int tap__format_list(char *text, size_t size, const char *format, va_list args)
{
    const locale_t before = uselocale(c_locale());
    const int      length = vsnprintf(text, size, format, args);
    uselocale(before);
    return length;
}

int tap__format(char *text, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = tap__format_list(text, size, format, args);
    va_end(args);
    return length;
}

double tap__parse_number(const char *text, char **stop)
{
    const locale_t before = uselocale(c_locale());
    const double   value = strtod(text, stop);
    uselocale(before);
    return value;
}

const char *tap__strerror(int reason)
{
    const locale_t c = c_locale();
    return c ? strerror_l(reason, c) : strerror(reason);
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool tap__equal_ignoring_case(const char *a, const char *b, size_t n)
{
    for (; n > 0; a++, b++, n--) {
        if (lower(*a) != lower(*b)) return false;
        if (!*a) return true;
    }
    return true;
}
