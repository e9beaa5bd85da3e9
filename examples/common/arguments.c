/* examples/common/arguments.c: parses command lines by a table of options, and prints the table as help text. An invalid value
 * is reported in one line that says what the option accepts. */
#include "common.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 80, HELP_COLUMN = 21 }; /* the width of the help text, and the column where the texts of options begin */

bool usage(const char *name, const char *value, const char *takes)
{
    return fail("%s%s%s: %s; see --help", name, *value ? " " : "", value, takes);
}

/* ---- Values ------------------------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int parse_list(const char *text, double min, double max, int max_n, int64_t *values)
{
    for (int n = 0; n < max_n && is_digit(*text);) {
        char *end;
        values[n] = strtoll(text, &end, 10);
        if ((double)values[n] < min || (double)values[n] > max) return 0;
        n++;
        if (!*end) return n;
        text = end + (*end == ',');
    }
    return 0;
}

static bool parse_seed(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return is_digit(*text) && !*end && errno == 0;
}

bool parse_real(const char *text, double min, double max, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end && *value >= min && *value <= max;
}

/* Extracts name i from a list "NAME, ... or NAME"; false if there are fewer names. */
static bool list_name(const char *list, int i, char name[PATH_SIZE])
{
    for (; *list; i--) {
        const size_t n = strcspn(list, ", ");
        if (i == 0) return snprintf(name, PATH_SIZE, "%.*s", (int)n, list) > 0;
        list += n + strspn(list + n, ", ");
        if (!strncmp(list, "or ", 3)) list += 3;
    }
    return false;
}

/* Finds the index of a name in a list. */
static bool find_name(const char *list, const char *text, int *i)
{
    char name[PATH_SIZE];
    for (*i = 0; list_name(list, *i, name); ++*i)
        if (!strcmp(name, text)) return true;
    return false;
}

bool argument_set(const argument *a, void *options, const char *text)
{
    void *field = (char *)options + a->field;
    int   i;
    switch (a->kind) {
    case HELP: break;
    case TEXT: *(const char **)field = text; return a->names ? find_name(a->names(), text, &i) : *text;
    case FOLDER: *(const char **)field = text; return *text && strlen(text) < PATH_SIZE - 64;
    case WHOLE: return parse_list(text, a->min, a->max, 1, field) == 1;
    case SEED: return parse_seed(text, field);
    case REAL: return parse_real(text, a->min, a->max, field);
    case CHOICE: return find_name(a->takes, text, field);
    case CUSTOM: return a->parse(options, text);
    case FLAG: *(bool *)field = !strcmp(text, "true"); return *(bool *)field || !strcmp(text, "false");
    }
    return false;
}

const char *argument_print(const argument *a, const void *options, char text[PATH_SIZE])
{
    const void *field = (const char *)options + a->field;
    switch (a->kind) {
    case HELP: break;
    case WHOLE: snprintf(text, PATH_SIZE, "%" PRId64, *(const int64_t *)field); break;
    case SEED: snprintf(text, PATH_SIZE, "%" PRIu64, *(const uint64_t *)field); break;
    case REAL: snprintf(text, PATH_SIZE, "%.17g", *(const double *)field); break;
    case FLAG: snprintf(text, PATH_SIZE, "%s", *(const bool *)field ? "true" : "false"); break;
    case CHOICE: list_name(a->takes, *(const int *)field, text); break;
    case TEXT:
    case FOLDER:
    case CUSTOM:
        if (a->print) a->print(field, text);
        else snprintf(text, PATH_SIZE, "%s", *(const char *const *)field);
    }
    return text;
}

/* ---- Help --------------------------------------------------------------------------------------------------------- */

/* Prints a text from a column on, and a newline. Lines are broken at spaces and continued at the indentation. */
static void print_wrapped(const char *text, int column, int indentation)
{
    while (*text) {
        const int spaces = (int)strspn(text, " ");
        int       n = spaces + (int)strcspn(text + spaces, " \n"); /* the next word and the spaces before it */
        if (column + n > LINE) {
            column = printf("\n%*s", indentation, "") - 1;
            text += spaces;
            n -= spaces;
        }
        column += printf("%.*s", n, text);
        text += n;
        if (*text != '\n') continue;
        putchar(*text++);
        column = 0;
    }
    putchar('\n');
}

static void print_row(const argument *a)
{
    char text[1024];
    int  column = printf("  %s %s", a->name, a->value ? a->value : "");
    snprintf(text, sizeof text, "%s%s%s%s%s", a->help, a->names ? a->names() : "", a->initial ? " [" : "",
             a->initial ? a->initial : "", a->initial ? "]" : "");
    if (column > HELP_COLUMN - 2) column = printf("\n") - 1;
    printf("%*s", HELP_COLUMN - column, "");
    print_wrapped(text, HELP_COLUMN, HELP_COLUMN);
}

void arguments_help(int argc, char **argv)
{
    bool asked = false;
    for (int i = 1; i < argc; i++) asked = asked || !strcmp(argv[i], "--help") || !strcmp(argv[i], "-h");
    if (!asked) return;
    for (const argument *a = options_table; a->name; a++) {
        if (!a->help && a > options_table) putchar('\n');
        if (a->help) print_row(a);
        else print_wrapped(a->name, 0, 0);
    }
    exit(end_program(true));
}

/* ---- The command line --------------------------------------------------------------------------------------------- */

/* Says what the option accepts, and returns false. */
static bool refuse(const argument *a, const char *value)
{
    char text[512] = "";
    if (a->names) snprintf(text, sizeof text, "must be one of %s", a->names());
    else if (a->takes) snprintf(text, sizeof text, "must be %s", a->takes);
    else if (a->kind == TEXT) snprintf(text, sizeof text, "must not be empty");
    else if (a->kind == FOLDER) snprintf(text, sizeof text, "must name a directory");
    else if (a->kind == SEED) snprintf(text, sizeof text, "must be a whole number from 0 to %" PRIu64, UINT64_MAX);
    else if (a->min == DBL_MIN) snprintf(text, sizeof text, "must be a number above 0, at most %.15g", a->max);
    else
        snprintf(text, sizeof text, "must be a %snumber from %.15g to %.15g", a->kind == WHOLE ? "whole " : "", a->min, a->max);
    return usage(a->name, *value ? value : "''", text);
}

/* Parses an option and its value, which may be the next argument. Returns the number of arguments consumed, 0 on an error. */
static int take(void *options, char **argv, uint64_t *given)
{
    const char     *arg = *argv, *equals = strchr(arg, '=');
    const size_t    n = strcspn(arg, "=");
    const argument *a = options_table;
    while (a->name && (a->kind == HELP || strlen(a->name) != n || memcmp(a->name, arg, n))) a++;
    if (!a->name)
        return usage(arg, "", arg[0] == '-' ? "there is no such option" : "not an option; all arguments begin with --");
    const char *value = a->kind == FLAG ? "true" : equals ? equals + 1 : argv[1];
    if (a->kind == FLAG && equals) return usage(a->name, "", "takes no value");
    if (!value || (!equals && !strncmp(value, "--", 2))) return usage(a->name, "", "a value is missing");
    if (!argument_set(a, options, value)) return refuse(a, value);
    *given |= 1ull << (a - options_table);
    return a->kind == FLAG || equals ? 1 : 2;
}

uint64_t arguments_take(void *options, int argc, char **argv)
{
    uint64_t given = 0;
    arguments_help(argc, argv);
    for (const argument *a = options_table; a->name; a++)
        if (a->initial) argument_set(a, options, a->initial);
    for (int i = 1, n; i < argc; i += n) {
        n = take(options, argv + i, &given);
        if (n == 0) exit(2);
    }
    return given;
}

const argument *arguments_given(uint64_t given, unsigned roles)
{
    for (const argument *a = options_table; a->name; a++)
        if (given >> (a - options_table) & 1 && a->roles & roles) return a;
    return NULL;
}

bool arguments_exclude(uint64_t given, unsigned roles, const char *why)
{
    const argument *a = arguments_given(given, roles);
    return !a || usage(a->name, "", why);
}
