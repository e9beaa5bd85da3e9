/* tests/golden/nn_run.c: runs the files in and below a folder, and reports on them. */
#define _POSIX_C_SOURCE 200809L
#include "tests/golden/nn.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool has_base_lr(const cJSON *json)
{
    return nn_field(json, "base_lr");
}

static bool has_pair(const cJSON *json)
{
    return nn_field(json, "p") && nn_field(json, "q");
}

static bool has_op(const cJSON *json)
{
    return nn_field(json, "op");
}

static bool has_results(const cJSON *json)
{
    return nn_field(json, "results") || nn_field(json, "edge");
}

static bool has_inputs(const cJSON *json)
{
    return nn_field(json, "inputs") && nn_field(json, "outputs");
}

static bool has_average(const cJSON *json)
{
    return strcmp(nn_text(json, "class"), "AveragedModel") == 0;
}

static bool has_steps(const cJSON *json)
{
    return nn_field(json, "steps") || strncmp(nn_text(json, "function"), "clip_grad_", 10) == 0;
}

static bool has_function(const cJSON *json)
{
    return nn_field(json, "function");
}

/* A case is of the first kind that it fits. */
static const nn_kind kinds[] = {
    { "schedule", has_base_lr, nn_run_schedule }, { "optimizer", has_average, nn_run_average },
    { "optimizer", has_steps, nn_run_optimizer }, { "init", has_function, nn_run_init },
    { "layer", has_inputs, nn_run_layer },        { "kl", has_pair, NULL },
    { "distribution", has_results, NULL },        { "loss", has_op, NULL },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct {
    int passed, failed, skipped;
} tally;

typedef struct {
    FILE *out, *reasons; /* of skipped cases, printed at the end */
    tally sum;
    int   not_run[KINDS];
} nn_report;

/* ---- One file ---------------------------------------------------------------------------------------------------- */

static const nn_kind *kind_of(const cJSON *json)
{
    for (int i = 0; i < KINDS; i++) {
        if (cJSON_IsObject(json) && kinds[i].has(json)) return &kinds[i];
    }
    return NULL;
}

static outcome run_case(nn_case *c)
{
    const nn_kind *kind = kind_of(c->json);
    if (!kind) return nn_fail(c, "not a case of a kind known to this program");
    c->arena = tap_arena_new();
    const outcome got = kind->run(c);
    tap_arena_free(c->arena);
    return got == PASSED && nn_failed(c) ? FAILED : got;
}

/* Runs a case, and writes its failure to `failures`. */
static void count_case(nn_report *r, tally *n, FILE *failures, const char *file_name, nn_case *c)
{
    char  *text = NULL;
    size_t size;
    c->out = open_memstream(&text, &size);
    if (!c->out) return;
    const outcome got = run_case(c);
    fclose(c->out);
    if (got == PASSED) n->passed++;
    if (got == SKIPPED) n->skipped++;
    if (got == SKIPPED) fprintf(r->reasons, "%s %s: %s\n", file_name, c->name, text);
    if (got == FAILED) n->failed++;
    if (got == FAILED) fprintf(failures, "  %s: %s\n", c->name, text);
    free(text);
}

static void run_cases(nn_report *r, tally *n, FILE *failures, const char *file_name, const tap_safetensors *file)
{
    for (int i = 0; i < file->n_metadata; i++) {
        const tap_metadata *m = &file->metadata[i];
        if (strcmp(m->key, "format") == 0) continue;
        cJSON         *json = cJSON_ParseWithOpts(m->value, NULL, true);
        const nn_kind *kind = kind_of(json);
        if (kind && !kind->run) r->not_run[kind - kinds]++;
        else count_case(r, n, failures, file_name, &(nn_case){ .file = file, .name = m->key, .json = json });
        cJSON_Delete(json);
    }
}

static void run_file(nn_report *r, const char *path, const char *file_name)
{
    char           *text = NULL;
    size_t          size;
    const char     *message;
    tally           n = { 0 };
    tap_arena      *a = tap_arena_new();
    tap_safetensors file = tap_safetensors_read(a, path);
    FILE           *failures = open_memstream(&text, &size);
    if (!failures) return;
    if (tap_arena_status(a, &message) == TAP_OK) run_cases(r, &n, failures, file_name, &file);
    else {
        fprintf(failures, "  %s\n", message);
        n.failed = 1;
    }
    fclose(failures);
    tap_arena_free(a);
    if (n.passed + n.failed + n.skipped > 0) {
        fprintf(r->out, "%s %d/%d", file_name, n.passed, n.passed + n.failed);
        if (n.skipped) fprintf(r->out, ", %d skipped", n.skipped);
        fprintf(r->out, "\n%s", text);
        fflush(r->out);
    }
    free(text);
    r->sum.passed += n.passed;
    r->sum.failed += n.failed;
    r->sum.skipped += n.skipped;
}

/* ---- Folders ----------------------------------------------------------------------------------------------------- */

static int is_visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

/* root: the length of the part of the path that names of files leave out. */
static void run_folder(nn_report *r, const char *folder, size_t root)
{
    static const char suffix[] = ".safetensors";
    struct dirent   **names = NULL;
    const int         n = scandir(folder, &names, is_visible, alphasort);
    if (n < 0) fprintf(r->out, "%s: cannot read: %s\n", folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        char        path[4096], short_name[256];
        struct stat s;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        const size_t length = strlen(path);
        free(names[i]);
        if (stat(path, &s) == 0 && S_ISDIR(s.st_mode)) run_folder(r, path, root);
        if (length < root + sizeof suffix || strcmp(path + length - (sizeof suffix - 1), suffix) != 0) continue;
        snprintf(short_name, sizeof short_name, "%.*s", (int)(length - (sizeof suffix - 1) - root), path + root);
        run_file(r, path, short_name);
    }
    free(names);
}

int nn_run(FILE *out, const char *folder)
{
    char     *text = NULL;
    size_t    size;
    nn_report r = { .out = out, .reasons = open_memstream(&text, &size) };
    if (!r.reasons) return -1;
    run_folder(&r, folder, strlen(folder) + 1);
    fclose(r.reasons);
    const bool any = r.sum.passed + r.sum.failed + r.sum.skipped > 0;
    if (any) fprintf(out, "%d passed, %d failed, %d skipped\n", r.sum.passed, r.sum.failed, r.sum.skipped);
    else fprintf(out, "%s: no cases to run\n", folder);
    for (int i = 0; i < KINDS; i++) {
        if (r.not_run[i]) fprintf(out, "not run: %d cases of %s\n", r.not_run[i], kinds[i].name);
    }
    fputs(text, out);
    free(text);
    return any ? r.sum.failed : -1;
}
