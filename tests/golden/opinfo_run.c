/* tests/golden/opinfo_run.c: runs the files of a folder, and reports on them. */
#define _POSIX_C_SOURCE 200809L
#include "tests/golden/opinfo.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

static const char suffix[] = ".safetensors";

typedef struct {
    int passed, failed, skipped;
} tally;

/* Texts are collected in buffers, as they are printed in another order: an operator's line, its failures, and at the end the
 * reasons for skipping. */
typedef struct {
    char  *text;
    size_t size;
    FILE  *file;
} buffer;

static bool open_buffer(buffer *b)
{
    *b = (buffer){ 0 };
    b->file = open_memstream(&b->text, &b->size);
    return b->file;
}

static void print_buffer(buffer *b, FILE *out)
{
    fclose(b->file);
    if (b->size) fputs(b->text, out);
    free(b->text);
}

/* ---- One file ---------------------------------------------------------------------------------------------------- */

typedef struct {
    const char            *name; /* of the operator */
    const operator_row    *row;
    const tap_safetensors *file;
    tally                  n;
    FILE                  *failures, *reasons;
} operator_run;

static void count(operator_run *r, outcome o, const char *name, const cJSON *sample, const char *message)
{
    if (o == PASSED) r->n.passed++;
    if (o == SKIPPED) {
        r->n.skipped++;
        fprintf(r->reasons, "%s %s: %s\n", r->name, name, message);
    }
    if (o != FAILED) return;
    r->n.failed++;
    fprintf(r->failures, "  %s (", name);
    opinfo_describe(r->failures, r->file, sample);
    fprintf(r->failures, "): %s\n", message);
}

static outcome run_case(operator_run *r, const char *name, const cJSON *sample, FILE *out)
{
    const char *op = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(sample, "op"));
    if (cJSON_IsObject(sample) && op && strcmp(op, r->name) == 0) return opinfo_case(r->row, r->file, name, sample, out);
    if (!cJSON_IsObject(sample)) fputs("not a JSON object", out);
    else fprintf(out, "is a sample of '%.40s'", op ? op : "");
    return FAILED;
}

static void run_cases(operator_run *r)
{
    for (int i = 0; i < r->file->n_metadata; i++) {
        const tap_metadata *m = &r->file->metadata[i];
        buffer              message;
        if (strcmp(m->key, "format") == 0 || !open_buffer(&message)) continue;
        cJSON  *sample = cJSON_ParseWithOpts(m->value, NULL, true);
        outcome o = run_case(r, m->key, sample, message.file);
        fclose(message.file);
        count(r, o, m->key, sample, message.text);
        cJSON_Delete(sample);
        free(message.text);
    }
}

/* The reason why no case of the operator can be run, or NULL. */
static const char *skip_reason(const operator_run *r)
{
    if (r->file->n_metadata == 0) return "has no samples";
    if (r->row) return NULL;
    return opinfo_is_exempt(r->name) ? "not supported" : "not known to this program";
}

static void run_file(operator_run *r, const char *path)
{
    tap_arena      *a = tap_arena_new();
    tap_safetensors file = tap_safetensors_read(a, path);
    const char     *message;
    r->file = &file;
    r->row = opinfo_find(r->name);
    if (tap_arena_status(a, &message) == TAP_OK) message = skip_reason(r);
    if (!message) run_cases(r);
    else if (file.n_metadata && !r->row && opinfo_is_exempt(r->name)) {
        r->n.skipped = file.n_metadata;
        fprintf(r->reasons, "%s: %s\n", r->name, message);
    } else {
        r->n.failed = file.n_metadata ? file.n_metadata : 1;
        fprintf(r->failures, "  %s\n", message);
    }
    r->file = NULL;
    tap_arena_free(a);
}

static void run_operator(FILE *out, FILE *reasons, const char *folder, const char *name, tally *sum)
{
    buffer       failures;
    char         path[4096];
    operator_run r = { .name = name, .reasons = reasons };
    if (!open_buffer(&failures)) return;
    r.failures = failures.file;
    snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);
    run_file(&r, path);
    fprintf(out, "%s %d/%d", name, r.n.passed, r.n.passed + r.n.failed);
    fprintf(out, r.n.skipped ? ", %d skipped\n" : "\n", r.n.skipped);
    print_buffer(&failures, out);
    fflush(out);
    sum->passed += r.n.passed;
    sum->failed += r.n.failed;
    sum->skipped += r.n.skipped;
}

/* ---- The folder -------------------------------------------------------------------------------------------------- */

static int is_sample(const struct dirent *d)
{
    size_t n = strlen(d->d_name), m = sizeof suffix - 1;
    return n > m && strcmp(d->d_name + n - m, suffix) == 0;
}

/* Lists the operators that the folder has samples of, in alphabetical order. Returns -1 if there are none. */
static int list(FILE *out, const char *folder, struct dirent ***names)
{
    int n = scandir(folder, names, is_sample, alphasort);
    if (n < 0) fprintf(out, "%s: cannot read: %s\n", folder, strerror(errno));
    if (n == 0) fprintf(out, "%s: no samples, *%s\n", folder, suffix);
    if (n == 0) free(*names);
    for (int i = 0; i < n; i++) (*names)[i]->d_name[strlen((*names)[i]->d_name) - (sizeof suffix - 1)] = '\0';
    return n > 0 ? n : -1;
}

int opinfo_run(FILE *out, const char *folder, int n, char *const *operators)
{
    struct dirent **names = NULL;
    buffer          reasons;
    tally           sum = { 0 };
    int             found = list(out, folder, &names);
    if (found < 0 || !open_buffer(&reasons)) return -1;
    for (int i = 0; i < n; i++) run_operator(out, reasons.file, folder, operators[i], &sum);
    for (int i = 0; i < found; i++) {
        if (n == 0) run_operator(out, reasons.file, folder, names[i]->d_name, &sum);
        free(names[i]);
    }
    free(names);
    fprintf(out, "%d passed, %d failed, %d skipped\n", sum.passed, sum.failed, sum.skipped);
    print_buffer(&reasons, out);
    return sum.failed;
}
