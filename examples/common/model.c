/* examples/common/model.c: reads and writes the files of a training run: its checkpoint, and model.safetensors with the options
 * that the model depends on. */
#include "common.h"

#include <stdio.h>
#include <string.h>

enum { MAX_OPTIONS = 24, MAX_RESULTS = 16 };

/* Whether the run has finished its last epoch. A checkpoint stores the number of epochs as an option or as a tensor. */
static bool is_done(const tap_checkpoint_found *run, const char *data_name)
{
    char name[64];
    snprintf(name, sizeof name, "%s.epoch", data_name);
    const tap_tensor *epoch = tap_safetensors_find(&run->file, name), *tensor = tap_safetensors_find(&run->file, "epochs");
    const char       *option = tap_safetensors_metadata(&run->file, "epochs");
    int64_t           n = tensor ? (int64_t)tap_tensor_item(*tensor, 0) : 0;
    return epoch && (tensor || (option && parse_list(option, 1, 1e6, 1, &n))) && tap_tensor_item(*epoch, 0) > (double)n;
}

bool run_open(tap_checkpoint **c, const char *out, bool resume, const char *data_name, bool notes)
{
    char        path[PATH_SIZE];
    const char *message;
    join(path, out, "checkpoint.safetensors");
    *c = tap_checkpoint_new(path);
    if (tap_checkpoint_status(*c, &message)) return fail("%s", message);
    const tap_checkpoint_found run = tap_checkpoint_peek(*c);
    if (notes && resume && !run.path) note("%s: there is no checkpoint yet; training starts from the beginning", path);
    if (run.path && !resume && !is_done(&run, data_name))
        return fail("%s: the checkpoint of an interrupted run; continue it with --resume, choose another --out, or remove it",
                    run.path);
    if (notes && run.path && resume && *run.skipped) note("%s; resuming from %s", run.skipped, run.path);
    return true;
}

/* A checkpoint holds each parameter and its two Adam moments. There are two generations, and a third file during a save. */
bool run_prepare(const train_config *c)
{
    const double values = 4 * (double)tap_module_numel(c->root) + 1e4, all = 3 * values + c->checkpoint_bytes;
    out_file     files[MAX_RESULTS] = { { "checkpoint.safetensors", all },
                                        { "checkpoint.safetensors.previous", all },
                                        { NULL, all },
                                        { "model.safetensors", values } };
    int          n = 4;
    for (int i = 0; i < c->n_results && n < MAX_RESULTS; i++) files[n++] = c->results[i];
    return module_ok(c->root) && prepare_out(c->options.out, n, files);
}

bool model_save(const tap_module *root, const char *out, const char *data, const void *options, unsigned roles)
{
    char         path[PATH_SIZE], text[MAX_OPTIONS][PATH_SIZE];
    tap_metadata metadata[2 + MAX_OPTIONS] = { { "program", program }, { "data", data } };
    int          n = 0;
    tap_error    e = { 0 };
    for (const argument *row = options_table; row->name && n < MAX_OPTIONS; row++) {
        if (!(row->roles & roles)) continue;
        argument_print(row, options, text[n]);
        metadata[2 + n] = (tap_metadata){ row->name + strlen("--"), text[n] };
        n++;
    }
    join(path, out, "model.safetensors");
    return !tap_module_save(root, path, 2 + n, metadata, &e) || fail("%s", e.message);
}

void options_save(tap_checkpoint *c, const void *options)
{
    char text[PATH_SIZE];
    for (const argument *row = options_table; row->name; row++) {
        if (!(row->roles & SAVED)) continue;
        argument_print(row, options, text);
        tap_checkpoint_option(c, row->name + strlen("--"), text);
    }
}

bool options_from_run(const tap_checkpoint_found *run, void *options, uint64_t given, tap_arena *a)
{
    char text[PATH_SIZE];
    for (const argument *row = options_table; row->name; row++) {
        if (!(row->roles & SAVED)) continue;
        const bool  is_given = given >> (row - options_table) & 1;
        const char *found = tap_safetensors_metadata(&run->file, row->name + strlen("--"));
        char       *value = found ? tap_arena_alloc(a, strlen(found) + 1) : NULL;
        if (!value) return fail("%s: its metadata has no %s", run->path, row->name);
        strcpy(value, found);
        argument_print(row, options, text);
        if (is_given && strcmp(text, value) != 0)
            return fail("%s %s: the run in %s has %s, and cannot be resumed with another", row->name, text, run->path, value);
        if (!is_given && !argument_set(row, options, value)) return fail("%s: %s must not be %s", run->path, row->name, value);
    }
    return true;
}

bool model_options(tap_arena *a, const char *path, void *options, unsigned roles)
{
    const tap_safetensors file = tap_safetensors_read(a, path);
    if (!arena_ok(a)) return false;
    const char *writer = tap_safetensors_metadata(&file, "program"), *not_ours = "not a model written by this program";
    if (!writer) return fail("%s: %s", path, not_ours);
    if (strcmp(writer, program) != 0) return fail("%s: %s, but by %s", path, not_ours, writer);
    for (const argument *row = options_table; row->name; row++) {
        if (!(row->roles & roles)) continue;
        const char *name = row->name + strlen("--"), *value = tap_safetensors_metadata(&file, name);
        if (!value) return fail("%s: %s: its metadata has no %s", path, not_ours, name);
        if (!argument_set(row, options, value)) return fail("%s: %s: its %s is '%.60s'", path, not_ours, name, value);
    }
    return true;
}

bool model_load(tap_module *root, const char *path)
{
    tap_error e = { 0 };
    return module_ok(root) && (!tap_module_load(root, path, &e) || fail("%s", e.message));
}

bool train_or_load(train_config c, const char *data, const char *kind, const void *options)
{
    const char *out = c.options.out;
    if (c.options.model) return model_load(c.root, c.options.model) && prepare_out(out, c.n_results, c.results);
    if (kind && !c.options.quiet) printf("%s, %lld parameters; %s\n", kind, (long long)tap_module_numel(c.root), tap_config());
    const bool ready = run_prepare(&c) && run_open(&c.checkpoint, out, c.options.resume, "data", true);
    if (ready) options_save(c.checkpoint, options);
    const bool done = ready && train(&c);
    tap_checkpoint_free(c.checkpoint);
    if (ready && !done && interrupted()) note("interrupted; the same command with --resume continues from here");
    return done && model_save(c.root, out, data, options, SAVED);
}
