/* examples/common/arguments.c: parses command lines by a table of options. An invalid value is reported in one line that says
 * what the option accepts. */
#include "common.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) return true;
    return false;
}

bool usage(const char *name, const char *value, const char *takes)
{
    return fail("%s%s%s: %s; see --help", name, *value ? " " : "", value, takes);
}

static bool is_digits(const char *text)
{
    return *text && !text[strspn(text, "0123456789")];
}

bool parse_whole(const char *text, double min, double max, int64_t *value)
{
    if (!is_digits(text)) return false;
    errno = 0;
    *value = strtoll(text, NULL, 10);
    return errno == 0 && (double)*value >= min && (double)*value <= max;
}

int parse_list(const char *text, double min, double max, int max_n, int64_t *values)
{
    char item[24];
    for (int n = 0; n < max_n; n++) {
        const size_t length = strcspn(text, ",");
        if (length >= sizeof item) return 0;
        memcpy(item, text, length);
        item[length] = '\0';
        if (!parse_whole(item, min, max, &values[n])) return 0;
        if (!text[length]) return n + 1;
        text += length + 1;
    }
    return 0;
}

static bool parse_seed(const char *text, uint64_t *value)
{
    if (!is_digits(text)) return false;
    errno = 0;
    *value = strtoull(text, NULL, 10);
    return errno == 0;
}

bool parse_real(const char *text, double min, double max, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end && *value >= min && *value <= max;
}

/* Extracts name i from a choice's text "must be NAME, ... or NAME", skipping "or"; false if there are fewer names. */
static bool choice_name(const argument *a, int i, char name[64])
{
    const char *word = a->takes + strlen("must be ");
    for (; *word; i--) {
        const size_t n = strcspn(word, ", ");
        if (i == 0) return snprintf(name, 64, "%.*s", (int)n, word) > 0;
        word += n + strspn(word + n, ", ");
        if (!strncmp(word, "or ", 3)) word += 3;
    }
    return false;
}

static bool parse_choice(const argument *a, const char *text)
{
    char name[64];
    for (int i = 0; choice_name(a, i, name); i++) {
        *(int *)a->field = i;
        if (!strcmp(name, text)) return true;
    }
    return false;
}

static void print_choice(const argument *a, char text[PATH_SIZE])
{
    char name[64] = "";
    choice_name(a, *(const int *)a->field, name);
    snprintf(text, PATH_SIZE, "%s", name);
}

bool argument_set(const argument *a, const char *text)
{
    switch (a->kind) {
    case TEXT: *(const char **)a->field = text; return *text;
    case FOLDER: *(const char **)a->field = text; return *text && strlen(text) < PATH_SIZE - 64;
    case WHOLE: return parse_whole(text, a->min, a->max, a->field);
    case SEED: return parse_seed(text, a->field);
    case REAL: return parse_real(text, a->min, a->max, a->field);
    case CHOICE: return parse_choice(a, text);
    case CUSTOM: return a->parse(a->field, text);
    case FLAG: *(bool *)a->field = !strcmp(text, "true"); return *(bool *)a->field || !strcmp(text, "false");
    }
    return false;
}

void argument_print(const argument *a, char text[PATH_SIZE])
{
    switch (a->kind) {
    case TEXT:
    case FOLDER: snprintf(text, PATH_SIZE, "%s", *(const char *const *)a->field); break;
    case WHOLE: snprintf(text, PATH_SIZE, "%" PRId64, *(const int64_t *)a->field); break;
    case SEED: snprintf(text, PATH_SIZE, "%" PRIu64, *(const uint64_t *)a->field); break;
    case REAL: snprintf(text, PATH_SIZE, "%.17g", *(const double *)a->field); break;
    case FLAG: snprintf(text, PATH_SIZE, "%s", *(const bool *)a->field ? "true" : "false"); break;
    case CHOICE: print_choice(a, text); break;
    case CUSTOM:
        if (a->print) a->print(a->field, text);
        else snprintf(text, PATH_SIZE, "%s", *(const char *const *)a->field);
        break;
    }
}

static bool refuse(const argument *a, const char *value)
{
    char        text[128];
    const char *takes = a->takes ? a->takes : text;
    switch (a->kind) {
    case TEXT: snprintf(text, sizeof text, "must not be empty"); break;
    case FOLDER: snprintf(text, sizeof text, "must name a directory"); break;
    case WHOLE: snprintf(text, sizeof text, "must be a whole number from %.0f to %.0f", a->min, a->max); break;
    case SEED: snprintf(text, sizeof text, "must be a whole number from 0 to %" PRIu64, UINT64_MAX); break;
    case REAL:
        if (a->min == DBL_MIN) snprintf(text, sizeof text, "must be a number above 0, at most %.15g", a->max);
        else snprintf(text, sizeof text, "must be a number from %.15g to %.15g", a->min, a->max);
        break;
    case FLAG:
    case CHOICE:
    case CUSTOM: break;
    }
    return usage(a->name, *value ? value : "''", takes);
}

/* The row whose name equals the first n characters of arg; NULL if no row has that name. */
static const argument *find(const argument *table, const char *arg, size_t n)
{
    for (const argument *a = table; a->name; a++)
        if (strlen(a->name) == n && !memcmp(a->name, arg, n)) return a;
    return NULL;
}

/* Parses the option at argv[i]; returns the number of arguments consumed, 0 on an error. */
static int take(const argument *table, char **argv, int i, uint64_t *given)
{
    const char     *arg = argv[i], *equals = strchr(arg, '=');
    const argument *a = find(table, arg, equals ? (size_t)(equals - arg) : strlen(arg));
    if (!a) {
        usage(arg, "", arg[0] == '-' ? "there is no such option" : "not an option; all arguments begin with --");
        return 0;
    }
    const char *value = equals ? equals + 1 : argv[i + 1];
    *given |= 1ull << (a - table);
    if (a->kind == FLAG) {
        *(bool *)a->field = true;
        return equals ? usage(a->name, "", "takes no value") : 1;
    }
    if (!value || (!equals && !strncmp(value, "--", 2))) {
        usage(a->name, "", "a value is missing");
        return 0;
    }
    if (argument_set(a, value)) return equals ? 1 : 2;
    refuse(a, value);
    return 0;
}

bool arguments_parse(const argument *table, int argc, char **argv, uint64_t *given)
{
    uint64_t bits = 0;
    for (int i = 1; i < argc;) {
        const int n = take(table, argv, i, &bits);
        if (n == 0) return false;
        i += n;
    }
    if (given) *given = bits;
    return true;
}

bool arguments_take(const argument *table, const char *help, int argc, char **argv, uint64_t *given, int *status)
{
    *status = 2;
    if (!asks_for_help(argc, argv)) return arguments_parse(table, argc, argv, given);
    fputs(help, stdout);
    *status = end_program(true);
    return false;
}

bool arguments_exclude(const argument *table, uint64_t given, const char *names, const char *why)
{
    char name[64];
    for (int i = 0; table[i].name; i++) {
        snprintf(name, sizeof name, " %s ", table[i].name);
        if (given >> i & 1 && strstr(names, name)) return usage(table[i].name, "", why);
    }
    return true;
}
