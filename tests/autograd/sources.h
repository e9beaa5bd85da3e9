/* tests/autograd/sources.h: finds all operators in the sources and all public functions in the headers, for tests that
 * require a row for each. */
#ifndef TAP_TESTS_AUTOGRAD_SOURCES_H
#define TAP_TESTS_AUTOGRAD_SOURCES_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Called with each name, without tap_. */
typedef void (*sources_visitor)(const char *name, void *context);

/* The word after `before` on the line, up to one of the characters in `until`; false if there is none. */
static inline bool sources_word(const char *line, const char *before, const char *until, char *word, size_t size)
{
    const char *at = strstr(line, before);
    if (!at) return false;
    at += strlen(before);
    size_t n = strcspn(at, until);
    if (n == 0 || n >= size) return false;
    memcpy(word, at, n);
    word[n] = '\0';
    return true;
}

/* "UNARY(exp, ..." in a table. */
static inline bool sources_row_on(const char *line, char *name, size_t size)
{
    static const char *const macros[] = { "UNARY(",           "UNARY_P(",          "UNARY_PQ(",        "BINARY(",
                                          "TERNARY(",         "PRIVATE_BINARY(",   "PRIVATE_TERNARY(", "PRIVATE_UNARY(",
                                          "PRIVATE_UNARY_P(", "PRIVATE_UNARY_PQ(", "COMPARE(" };
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) {
        if (!strncmp(line, macros[i], strlen(macros[i]))) return sources_word(line, macros[i], ",", name, size);
    }
    return false;
}

/* `const tap_op exp_op = { "exp", ...` in a source file. */
static inline bool sources_operator_on(const char *line, char *name, size_t size)
{
    return strstr(line, "const tap_op ") && sources_word(line, "= { \"", "\"", name, size);
}

/* "TAP_API tap_var tap_exp(tap_var x);" in a header. */
static inline bool sources_function_on(const char *line, char *name, size_t size)
{
    if (strncmp(line, "TAP_API tap_var ", 16) != 0) return false;
    return sources_word(line + 15, " tap_", "(", name, size);
}

/* Visits all names in the file. Returns their number, or -1 if it cannot be read. */
static inline int sources_in_file(const char *path, bool (*find)(const char *, char *, size_t), sources_visitor visit,
                                  void *context)
{
    char  line[1024], name[64];
    int   found = 0;
    FILE *f = fopen(path, "r");
    if (!f) return -1;
    while (fgets(line, sizeof line, f)) {
        if (!find(line, name, sizeof name)) continue;
        found++;
        visit(name, context);
    }
    fclose(f);
    return found;
}

static inline const char *sources_root(void)
{
    const char *root = getenv("TAP_SOURCE_ROOT");
    return root ? root : ".";
}

/* Visits all operators in the sources below a folder. Returns their number, or -1 if it cannot be read. */
static inline int sources_in_folder(const char *folder, sources_visitor visit, void *context)
{
    char path[4096];
    int  found = 0, n;
    DIR *d = opendir(folder);
    if (!d) return -1;
    for (struct dirent *e; (e = readdir(d));) {
        const char *dot = strrchr(e->d_name, '.');
        const bool  table = dot && !strcmp(dot, ".def");
        if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= sizeof path) continue;
        if (!dot) n = sources_in_folder(path, visit, context);
        else if (table || !strcmp(dot, ".c"))
            n = sources_in_file(path, table ? sources_row_on : sources_operator_on, visit, context);
        else continue;
        found += n > 0 ? n : 0;
    }
    closedir(d);
    return found;
}

/* Visits all operators of the library. Returns their number, or -1 if TAP_SOURCE_ROOT is not the root of the sources. */
static inline int sources_operators(sources_visitor visit, void *context)
{
    static const char *const floors[] = { "tensor", "autograd", "nn", "models" };
    char                     path[4096];
    int                      found = 0;
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", sources_root(), floors[i]);
        const int n = sources_in_folder(path, visit, context);
        if (n < 0) return -1;
        found += n;
    }
    return found;
}

/* Visits all public functions that return a var. Returns their number, or -1 as above. */
static inline int sources_functions(sources_visitor visit, void *context)
{
    static const char *const headers[] = { "autograd/autograd.h", "nn/module.h", "nn/functional.h", "nn/layers.h",
                                           "nn/dist.h" };
    char                     path[4096];
    int                      found = 0;
    for (int i = 0; i < (int)(sizeof headers / sizeof *headers); i++) {
        snprintf(path, sizeof path, "%s/%s", sources_root(), headers[i]);
        const int n = sources_in_file(path, sources_function_on, visit, context);
        if (n < 0) return -1;
        found += n;
    }
    return found;
}

#endif
