/* examples/vae_mnist/records.c: the files of a run: metrics.jsonl, timing.jsonl, training.svg and model.safetensors. */
#include "vae_mnist.h"

#include <math.h>
#include <string.h>

#include "examples/common/plot.h"

/* JSON has no NaN and no infinity. */
static void put_field(tap_file *f, const char *before, const char *name, double value)
{
    file_printf(f, isfinite(value) ? "%s\"%s\": %.9g" : "%s\"%s\": null", before, name, value);
}

static void put_latents(tap_file *f, const latents *z)
{
    put_field(f, ", ", "active_units", (double)z->active);
    const char *before = ", \"active\": [";
    for (int64_t i = 0; i < z->n; i++) {
        if (!is_active(z, i)) continue;
        file_printf(f, "%s%lld", before, (long long)i);
        before = ", ";
    }
    file_printf(f, "%s]", z->active ? "" : before);
    for (int64_t i = 0; i < z->n; i++) file_printf(f, "%s%.6g", i ? ", " : ", \"kl_per_dimension\": [", z->kl[i]);
    file_printf(f, "]");
}

enum { FIXED = 8 }; /* columns in front of those of the latents */

int64_t record_columns(int64_t latent)
{
    return FIXED + 2 * latent;
}

void record_store(double *row, const record *r)
{
    const double fixed[FIXED] = { (double)r->epoch, (double)r->skipped, r->train_elbo, r->test.elbo,
                                  r->test.rec,      r->test.kl,         r->seconds,    r->images_per_second };
    memcpy(row, fixed, sizeof fixed);
    memcpy(row + FIXED, r->z.kl, (size_t)r->z.n * sizeof *row);
    memcpy(row + FIXED + r->z.n, r->z.variance, (size_t)r->z.n * sizeof *row);
}

bool record_restore(record *r, const double *row, int64_t latent, tap_arena *a)
{
    const char *message;
    double     *kept = tap_arena_alloc(a, (size_t)(2 * latent) * sizeof *kept);
    if (tap_arena_status(a, &message)) return fail("%s", message);
    memcpy(kept, row + FIXED, (size_t)(2 * latent) * sizeof *kept);
    *r = (record){
        .epoch = (int64_t)row[0],
        .skipped = (int64_t)row[1],
        .train_elbo = row[2],
        .test = { row[3], row[4], row[5] },
        .seconds = row[6],
        .images_per_second = row[7],
        .z = { .n = latent, .kl = kept, .variance = kept + latent },
    };
    for (int64_t i = 0; i < latent; i++) r->z.active += is_active(&r->z, i);
    return true;
}

/* Creates a file of JSON lines in the folder for results. */
static tap_file *create(const options *o, const char *name, tap_error *e)
{
    char path[PATH_SIZE];
    join(path, o->train.out, name);
    return tap_file_create(path, e);
}

/* The speed differs between runs, and so has a file of its own; the metrics do not. */
bool timing_write(const options *o, int64_t n, const record *records)
{
    tap_error e = { 0 };
    tap_file *f = create(o, "timing.jsonl", &e);
    for (const record *r = records; f && r < records + n; r++) {
        put_field(f, "{", "epoch", (double)r->epoch);
        put_field(f, ", ", "images_per_second", r->images_per_second);
        put_field(f, ", ", "seconds", r->seconds);
        file_printf(f, "}\n");
    }
    return f && !tap_file_commit(f) ? true : fail("%s", e.message);
}

/* Written anew after each epoch, so that the file is complete at any moment. */
bool metrics_write(const options *o, int64_t n, const record *records, evidence l)
{
    tap_error e = { 0 };
    tap_file *f = create(o, "metrics.jsonl", &e);
    for (const record *r = records; f && r < records + n; r++) {
        put_field(f, "{", "epoch", (double)r->epoch);
        put_field(f, ", ", "train_elbo", r->train_elbo);
        put_field(f, ", ", "test_elbo", r->test.elbo);
        put_field(f, ", ", "test_rec", r->test.rec);
        put_field(f, ", ", "test_kl", r->test.kl);
        if (r->skipped) put_field(f, ", ", "skipped_steps", (double)r->skipped);
        put_latents(f, &r->z);
        file_printf(f, "}\n");
    }
    if (f && l.known) {
        put_field(f, "{", "samples", (double)o->evaluate);
        put_field(f, ", ", "test_log_likelihood", l.mean);
        put_field(f, ", ", "standard_error", l.error);
        file_printf(f, "}\n");
    }
    return f && !tap_file_commit(f) ? true : fail("%s", e.message);
}

/* Both ELBOs by epoch. */
bool curves_write(const options *o, int64_t n, const record *records)
{
    if (n == 0) return true;
    tap_arena   *a = tap_arena_new();
    const size_t bytes = (size_t)n * sizeof(double);
    double      *epoch = tap_arena_alloc(a, bytes), *elbo = tap_arena_alloc(a, 2 * bytes), low = HUGE_VAL, high = -HUGE_VAL;
    bool         ok = arena_ok(a);
    for (int64_t i = 0; ok && i < n; i++) {
        epoch[i] = (double)records[i].epoch;
        elbo[i] = records[i].train_elbo;
        elbo[n + i] = records[i].test.elbo;
        low = fmin(low, fmin(elbo[i], elbo[n + i]));
        high = fmax(high, fmax(elbo[i], elbo[n + i]));
    }
    plot *p = ok ? plot_new_svg(1, 1) : NULL;
    if (ok) {
        plot_panel(p, (plot_axes){ .title = "ELBO, nats per image",
                                   .x = "epoch",
                                   .x0 = epoch[0],
                                   .x1 = epoch[n - 1],
                                   .y0 = low - (high - low) / 20,
                                   .y1 = high + (high - low) / 20 });
        plot_curve(p, n, epoch, elbo, 0, "training");
        plot_curve(p, n, epoch, elbo + n, 1, "test");
        ok = plot_write(p, o->train.out, "training.svg");
    }
    tap_arena_free(a);
    return ok;
}

static void print_9_digits(const void *field, char text[PATH_SIZE])
{
    snprintf(text, PATH_SIZE, "%.9g", *(const double *)field);
}

bool model_write(const options *o, const tap_module *root, const char *data, int64_t epochs)
{
    options        m = *o;
    const bool     gaussian = o->model.likelihood == TAP_VAE_GAUSSIAN;
    const char    *sigma = o->sigma ? o->sigma : "learned";
    const argument rows[] = {
        ARGUMENT("--epochs", WHOLE, &epochs),
        ARGUMENT("--batch", WHOLE, &m.train.batch),
        ARGUMENT("--hidden", TEXT, &m.hidden),
        ARGUMENT("--latent", WHOLE, &m.model.latent),
        ARGUMENT("--activation", TEXT, &m.activation),
        ARGUMENT_CHOICE("--likelihood", &m.likelihood, LIKELIHOODS),
        ARGUMENT("--samples", WHOLE, &m.model.samples),
        ARGUMENT_CHOICE("--bound", &m.bound, BOUNDS),
        ARGUMENT_CHOICE("--estimator", &m.estimator, ESTIMATORS),
        ARGUMENT_CUSTOM("--beta", &m.beta, NULL, NULL, print_9_digits),
        ARGUMENT_CUSTOM("--free_bits", &m.model.free_bits, NULL, NULL, print_9_digits),
        ARGUMENT_CUSTOM("--lr", &m.train.lr, NULL, NULL, print_9_digits),
        ARGUMENT("--seed", SEED, &m.train.seed),
        ARGUMENT("--sigma", TEXT, &sigma), /* the last one: only the Gaussian has it */
    };
    return model_save(root, o->train.out, data, rows, (int)(sizeof rows / sizeof *rows) - !gaussian);
}
