/* examples/common/table.c: writes formatted text and tables to files. */
#include "common.h"

#include <stdarg.h>
#include <stdio.h>

static tap_error error; /* of the file that was begun last; there is one at a time */

void file_printf(tap_file *f, const char *format, ...)
{
    char    text[512];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0 && n < (int)sizeof text) tap_file_write(f, text, (size_t)n);
}

tap_file *file_begin(const char *dir, const char *name)
{
    char path[PATH_SIZE];
    error = (tap_error){ 0 };
    if (!join(path, dir, name)) {
        fail("%s: the name is too long", dir);
        return NULL;
    }
    tap_file *f = tap_file_create(path, &error);
    if (!f) fail("%s", error.message);
    return f;
}

bool file_end(tap_file *f)
{
    return f && (!tap_file_commit(f) || fail("%s", error.message));
}

bool table_write(const char *dir, const char *name, const char *const *names, int columns, tap_tensor table)
{
    const int64_t n = tap_tensor_numel(table);
    tap_file     *f = file_begin(dir, name);
    if (!f) return false;
    for (int i = 0; i < columns; i++) file_printf(f, "%s%s", i ? "," : "", names[i]);
    for (int64_t i = 0; i < n; i++) file_printf(f, "%c%.9g", i % columns ? ',' : '\n', tap_tensor_item(table, i));
    file_printf(f, "\n");
    return file_end(f);
}
