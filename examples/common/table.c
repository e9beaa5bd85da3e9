/* examples/common/table.c: numbers for other programs. */
#include "common.h"

#include <stdio.h>
#include <string.h>

bool table_write(const char *dir, const char *name, const char *const *names, int columns, tap_tensor table)
{
    char          path[PATH_SIZE], text[40];
    tap_error     e = { 0 };
    const int64_t n = tap_tensor_numel(table);
    tap_file     *f = join(path, dir, name) ? tap_file_create(path, &e) : NULL;
    if (!f) return fail("%s", *e.message ? e.message : "the name is too long");
    for (int i = 0; i < columns; i++) {
        tap_file_write(f, ",", i > 0);
        tap_file_write(f, names[i], strlen(names[i]));
    }
    for (int64_t i = 0; i < n; i++) {
        const int size = snprintf(text, sizeof text, "%c%.9g", i % columns ? ',' : '\n', tap_tensor_item(table, i));
        tap_file_write(f, text, (size_t)size);
    }
    tap_file_write(f, "\n", 1);
    return !tap_file_commit(f) || fail("%s", e.message);
}
