/* examples/common/train.c: trains by gradient descent, and reads and writes the files of a run: its checkpoint, and
 * model.safetensors with the options that the model depends on. All random numbers depend on the seed alone. */
#include "common.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- The files of a run ------------------------------------------------------------------------------------------- */

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
    const double values = 4 * (double)tap_module_numel(c->root) + 1e4, all = 3 * values;
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
        metadata[2 + n] = (tap_metadata){ row->name + strlen("--"), argument_print(row, options, text[n]) };
        n++;
    }
    join(path, out, "model.safetensors");
    return !tap_module_save(root, path, 2 + n, metadata, &e) || fail("%s", e.message);
}

void options_save(tap_checkpoint *c, const void *options)
{
    char text[PATH_SIZE];
    for (const argument *row = options_table; row->name; row++)
        if (row->roles & SAVED) tap_checkpoint_option(c, row->name + strlen("--"), argument_print(row, options, text));
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
        memcpy(value, found, strlen(found) + 1);
        if (is_given && strcmp(argument_print(row, options, text), value) != 0)
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

/* ---- Training ----------------------------------------------------------------------------------------------------- */

typedef struct {
    const train_config *c;
    tap_tape           *tape;
    tap_optim          *adam;
    tap_loader         *data;
    progress            now;
    double              loss[2]; /* now.sum and now.rows, as the default checkpoint stores them */
    double              saved;   /* time of the last checkpoint */
} trainer;

/* Saves a checkpoint. A failure does not end training: the previous checkpoint still exists, and the next save may succeed. */
static void save(trainer *t)
{
    tap_error e = { 0 };
    t->loss[0] = t->now.sum;
    t->loss[1] = (double)t->now.rows;
    if (t->c->checkpoint && tap_checkpoint_save(t->c->checkpoint, &e)) note("no checkpoint: %s", e.message);
    t->saved = now();
}

double total(tap_var x)
{
    const tap_tensor v = tap_value(x);
    double           sum = 0;
    for (int64_t i = 0; i < tap_tensor_numel(v); i++) sum += tap_tensor_item(v, i);
    return sum;
}

/* Runs the forward and the backward pass; returns the sum of the reported numbers. */
static double run_passes(const trainer *t, batch *b)
{
    const tap_var loss = t->c->loss(t->c->net, t->tape, b);
    tap_backward(loss);
    return b->per_row.tape ? total(b->per_row) : (double)b->n * tap_item(loss);
}

/* Repeats the step with the same noise and names the operator that produced the first value that is not finite. */
static bool explain_nonfinite(const trainer *t, batch *b)
{
    const char    *message;
    const uint64_t step = tap_tape_step(t->tape);
    tap_module_zero_grad(t->c->root);
    tap_tape_reset(t->tape);
    tap_tape_set_step(t->tape, step);
    tap_tape_trace_nonfinite(t->tape, true);
    run_passes(t, b);
    if (tap_tape_status(t->tape, &message) == TAP_OK) message = "the loss or its gradient is not a finite number";
    return fail("epoch %llu, step %llu: %s; a smaller --lr may help", (unsigned long long)tap_loader_epoch(t->data),
                (unsigned long long)step, message);
}

/* Performs one step. The weights are not updated if the loss or a gradient is not finite. */
static bool take_step(trainer *t, tap_tensor x)
{
    const train_config *c = t->c;
    const double        epoch = (double)tap_loader_epoch(t->data) - 1;
    batch               b = { .x = x };
    b.rows = tap_loader_rows(t->data, &b.n);
    b.done = (epoch + (double)t->now.rows / (double)c->data.shape.n[0]) / (double)c->options.epochs;
    tap_tape_reset(t->tape);
    const double sum = run_passes(t, &b);
    if (!tape_ok(t->tape)) return false;
    if (!isfinite(sum) || !tap_optim_finite(t->adam)) {
        if (!c->skip_nonfinite) return explain_nonfinite(t, &b);
        tap_module_zero_grad(c->root);
        t->now.skipped++;
        return true;
    }
    if (!c->constant_lr) tap_optim_set_lr(t->adam, c->options.lr * fmin(1, 2 * (1 - b.done)));
    tap_optim_step(t->adam, t->tape);
    t->now.sum += sum;
    t->now.rows += b.n;
    return true;
}

pass pass_begin(tap_tensor data, int64_t batch_size, uint64_t seed)
{
    const tap_loader_options o = { .batch = batch_size };
    const pass               p = { .tape = tap_tape_new(TAP_F32, seed), .data = tap_loader_new(data, o) };
    tap_tape_set_recording(p.tape, false);
    return p;
}

bool pass_next(pass *p)
{
    if (!tap_loader_next(p->data, &p->b.x)) return false;
    p->b.rows = tap_loader_rows(p->data, &p->b.n);
    p->done += p->b.n;
    tap_tape_reset(p->tape);
    return true;
}

bool pass_end(pass *p)
{
    const bool ok = loader_ok(p->data);
    bar_clear();
    tap_loader_free(p->data);
    return tape_end(p->tape) && ok;
}

bool held_out_loss(const train_config *c, double *loss)
{
    pass   p = pass_begin(c->held_out, 500, c->options.seed ^ tap_random_hash("held out"));
    double sum = 0;
    p.b.held_out = true;
    p.b.done = 1;
    while (pass_next(&p)) sum += (double)p.b.n * tap_item(c->loss(c->net, p.tape, &p.b));
    *loss = sum / (double)p.done;
    return pass_end(&p);
}

static bool print_epoch(const trainer *t, int64_t epoch)
{
    double held_out;
    bar_clear();
    if (t->c->options.quiet) return true;
    printf("epoch %2lld of %lld: loss %.3f", (long long)epoch, (long long)t->c->options.epochs,
           t->now.sum / (double)t->now.rows);
    if (t->c->held_out.data) {
        if (!held_out_loss(t->c, &held_out)) return false;
        printf(", held out %.3f", held_out);
    }
    printf("\n");
    fflush(stdout);
    return true;
}

/* Trains until the epoch ends. If the program is interrupted, saves a checkpoint and returns false. */
static bool train_epoch(trainer *t)
{
    const train_config *c = t->c;
    const int64_t       epoch = (int64_t)tap_loader_epoch(t->data);
    const double        start = now() - t->now.seconds;
    tap_tensor          x;
    while (!interrupted() && tap_loader_next(t->data, &x)) {
        if (!take_step(t, x)) return false;
        t->now.seconds = now() - start;
        bar_update(epoch, t->now.rows, t->now.sum / (double)t->now.rows);
        if (now() - t->saved >= c->options.checkpoint_every) save(t);
    }
    if (!loader_ok(t->data)) return false;
    if (interrupted()) {
        save(t);
        return false;
    }
    if (t->now.rows == 0) return fail("epoch %lld: no step had finite numbers; a smaller --lr may help", (long long)epoch);
    if (c->end_epoch ? !c->end_epoch(c->ctx, epoch, &t->now) : !print_epoch(t, epoch)) return false;
    t->now = (progress){ 0 };
    tap_loader_start(t->data, (uint64_t)epoch + 1);
    return true;
}

/* Adds all state that the rest of the run depends on to the checkpoint, and starts with the first epoch or at the checkpoint's
 * position. */
static bool start(trainer *t)
{
    const train_config *c = t->c;
    tap_checkpoint     *to = c->checkpoint;
    tap_error           e = { 0 };
    tap_loader_start(t->data, 1);
    if (!to) return true;
    tap_checkpoint_module(to, "model", c->root);
    tap_checkpoint_optim(to, "adam", t->adam);
    tap_checkpoint_tape(to, "noise", t->tape);
    tap_checkpoint_loader(to, c->data_name ? c->data_name : "data", t->data);
    if (c->declare) c->declare(c->ctx, to, &t->now);
    else tap_checkpoint_tensor(to, "loss", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), t->loss));
    if (!c->options.resume || !tap_checkpoint_peek(to).path) return true;
    if (!tap_checkpoint_resume(to, &e)) return fail("%s", e.message);
    if (!c->declare) {
        t->now.sum = t->loss[0];
        t->now.rows = (int64_t)t->loss[1];
    }
    return !c->resumed || c->resumed(c->ctx, (int64_t)tap_loader_epoch(t->data), &t->now);
}

bool train(const train_config *c)
{
    const train_options     *o = &c->options;
    const int64_t            rows = c->data.shape.n[0];
    const tap_loader_options batches = { .batch = o->batch, .shuffle = true, .seed = o->seed };
    trainer t = { .c = c, .tape = tap_tape_new(TAP_F32, o->seed), .data = tap_loader_new(c->data, batches), .saved = now() };
    t.adam = tap_adam_new(c->root, (tap_adam_options){ .lr = o->lr });
    bool ok = start(&t);
    fflush(stdout);
    if (ok && o->epochs)
        bar_start(o->quiet, "epoch", c->reported ? c->reported : "loss", o->epochs, rows,
                  ((double)tap_loader_epoch(t.data) - 1 + (double)t.now.rows / (double)rows) / (double)o->epochs);
    while (ok && (int64_t)tap_loader_epoch(t.data) <= o->epochs) {
        ok = train_epoch(&t);
        bar_clear();
        if (ok) save(&t);
    }
    tap_loader_free(t.data);
    if (ok) return tape_end(t.tape);
    tap_tape_free(t.tape); /* its error, if any, has already been printed */
    return false;
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
