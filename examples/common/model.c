/* examples/common/model.c: the files that a lesson leaves: its checkpoint, and the model with the options that it depends on. */
#include "learn.h"

#include <stdio.h>
#include <string.h>

enum { MOST_KEPT = 24, MOST_RESULTS = 16 };

/* Whether the run has come to its last epoch. */
static bool is_done(const tap_checkpoint_found *run)
{
    const tap_tensor *epoch = tap_safetensors_find(&run->file, "data.epoch");
    const char       *epochs = tap_safetensors_metadata(&run->file, "epochs");
    int64_t           n;
    return epoch && epochs && parse_whole(epochs, 1, 1e6, &n) && tap_tensor_item(*epoch, 0) > (double)n;
}

/* The checkpoint in out, if it is one to begin or to go on with; note: says which. */
static bool run_open(tap_checkpoint **c, const char *out, bool resume, bool noted)
{
    char        path[PATH_SIZE];
    const char *message;
    join(path, out, "checkpoint.safetensors");
    *c = tap_checkpoint_new(path);
    if (tap_checkpoint_status(*c, &message)) return fail("%s", message);
    const tap_checkpoint_found run = tap_checkpoint_peek(*c);
    if (noted && resume && !run.path) note("%s: there is none yet; beginning at the beginning", path);
    if (run.path && !resume && !is_done(&run))
        return fail("%s: a run that was interrupted; go on with it with --resume, choose another --out, or remove it",
                    run.path);
    if (noted && run.path && resume && *run.skipped) note("%s; going on from %s", run.skipped, run.path);
    return true;
}

bool model_may_learn(const char *out, bool resume)
{
    tap_checkpoint *c = NULL;
    const bool      ok = run_open(&c, out, resume, false);
    tap_checkpoint_free(c);
    return ok;
}

/* The checkpoint of a run, to which the first n options belong. */
static bool run_begin(tap_checkpoint **c, const char *out, bool resume, const argument *table, int n)
{
    char text[PATH_SIZE];
    if (!run_open(c, out, resume, true)) return false;
    for (int i = 0; i < n; i++) {
        argument_print(&table[i], text);
        tap_checkpoint_option(*c, table[i].name + strlen("--"), text);
    }
    return true;
}

/* Whether out can hold all that a lesson leaves: values of the parameters and, in a checkpoint, Adam's two moments of each; of two
 * generations, and a third while it is written. */
static bool prepare(const lesson *l)
{
    const double values = 4 * (double)tap_module_numel(l->root) + 1e4, all = 3 * values;
    /* clang-format off */
    out_file     files[MOST_RESULTS] = {
        { "checkpoint.safetensors", all }, { "checkpoint.safetensors.previous", all }, { NULL, all }, { "model.safetensors", values }
    };
    /* clang-format on */
    int n = 4;
    for (int i = 0; i < l->n_results && n < MOST_RESULTS; i++) files[n++] = l->results[i];
    return prepare_out(l->how.out, n, files);
}

static bool model_keep(const tap_module *root, const char *out, const char *data, const argument *table, int n)
{
    char         path[PATH_SIZE], text[PATH_SIZE];
    tap_metadata metadata[2 + MOST_KEPT] = { { "program", program }, { "data", data } };
    tap_error    e = { 0 };
    tap_arena   *a = tap_arena_new();
    for (int i = 0; i < n && i < MOST_KEPT; i++) {
        argument_print(&table[i], text);
        tap_tensor copy = tap_tensor_zeros(a, TAP_U8, TAP_SHAPE((int64_t)strlen(text) + 1));
        if (copy.data) memcpy(copy.data, text, strlen(text) + 1);
        metadata[2 + i] = (tap_metadata){ table[i].name + strlen("--"), copy.data };
    }
    join(path, out, "model.safetensors");
    const char *message;
    bool        ok = tap_arena_status(a, &message) ? fail("%s", message)
                                                   : !tap_module_save(root, path, 2 + n, metadata, &e) || fail("%s", e.message);
    tap_arena_free(a);
    return ok;
}

bool model_options(tap_arena *a, const char *path, const argument *table, int n)
{
    const tap_safetensors file = tap_safetensors_read(a, path);
    if (!arena_ok(a)) return false;
    const char *by = tap_safetensors_metadata(&file, "program"), *not_ours = "is no model that this program has written";
    if (!by) return fail("%s: %s", path, not_ours);
    if (strcmp(by, program) != 0) return fail("%s: %s, but %s", path, not_ours, by);
    for (int i = 0; i < n; i++) {
        const char *name = table[i].name + strlen("--"), *value = tap_safetensors_metadata(&file, name);
        if (!value) return fail("%s: %s: it does not say its %s", path, not_ours, name);
        if (!argument_set(&table[i], value)) return fail("%s: %s: its %s is '%.60s'", path, not_ours, name, value);
    }
    return true;
}

bool model_load(tap_module *root, const char *path)
{
    tap_error e = { 0 };
    return !tap_module_load(root, path, &e) || fail("%s", e.message);
}

bool model_learn(lesson l, const char *data, const argument *table, int n, bool *whole)
{
    const char *out = l.how.out;
    bool        ok = prepare(&l) && run_begin(&l.checkpoint, out, l.how.resume, table, n) && learn(&l, whole);
    tap_checkpoint_free(l.checkpoint);
    if (ok && !*whole) note("interrupted; the same command with --resume goes on from there");
    return ok && (!*whole || model_keep(l.root, out, data, table, n));
}
