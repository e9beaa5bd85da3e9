/* examples/vae_mnist/records.c: the run in numbers, metrics.jsonl and timing.jsonl, and the model, model.safetensors. */
#include "vae_mnist.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

static void put_field(tap_file *f, const char *before, const char *name, double value)
{
    char text[64];
    int  n = snprintf(text, sizeof text, "%s\"%s\": ", before, name);
    /* JSON has no NaN and no infinity. */
    n += isfinite(value) ? snprintf(text + n, sizeof text - n, "%.9g", value) : snprintf(text + n, sizeof text - n, "null");
    tap_file_write(f, text, (size_t)n);
}

static void put(tap_file *f, const char *format, ...) TAP_PRINTF(2, 3);
static void put(tap_file *f, const char *format, ...)
{
    char    text[64];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tap_file_write(f, text, (size_t)n);
}

static void put_latents(tap_file *f, const latents *z)
{
    put_field(f, ", ", "active_units", (double)z->active);
    const char *before = ", \"active\": [";
    for (int64_t i = 0; i < z->n; i++) {
        if (!is_active(z, i)) continue;
        put(f, "%s%lld", before, (long long)i);
        before = ", ";
    }
    put(f, "%s]", z->active ? "" : before);
    for (int64_t i = 0; i < z->n; i++) put(f, "%s%.6g", i ? ", " : ", \"kl_per_dimension\": [", z->kl[i]);
    put(f, "]");
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

/* How fast it went differs from run to run; the metrics do not. */
bool timing_write(const options *o, int64_t n, const record *records)
{
    char      path[PATH_SIZE];
    tap_error e = { 0 };
    join(path, o->out, "timing.jsonl");
    tap_file *f = tap_file_create(path, &e);
    if (!f) return fail("%s", e.message);
    for (const record *r = records; r < records + n; r++) {
        put_field(f, "{", "epoch", (double)r->epoch);
        put_field(f, ", ", "images_per_second", r->images_per_second);
        put_field(f, ", ", "seconds", r->seconds);
        put(f, "}\n");
    }
    return tap_file_commit(f) ? fail("%s", e.message) : true;
}

/* Written anew after each epoch, so that it is whole at any moment. */
bool metrics_write(const options *o, int64_t n, const record *records, evidence l)
{
    char      path[PATH_SIZE];
    tap_error e = { 0 };
    join(path, o->out, "metrics.jsonl");
    tap_file *f = tap_file_create(path, &e);
    if (!f) return fail("%s", e.message);
    for (const record *r = records; r < records + n; r++) {
        put_field(f, "{", "epoch", (double)r->epoch);
        put_field(f, ", ", "train_elbo", r->train_elbo);
        put_field(f, ", ", "test_elbo", r->test.elbo);
        put_field(f, ", ", "test_rec", r->test.rec);
        put_field(f, ", ", "test_kl", r->test.kl);
        if (r->skipped) put_field(f, ", ", "skipped_steps", (double)r->skipped);
        put_latents(f, &r->z);
        put(f, "}\n");
    }
    if (l.known) {
        put_field(f, "{", "samples", (double)o->evaluate);
        put_field(f, ", ", "test_log_likelihood", l.mean);
        put_field(f, ", ", "standard_error", l.error);
        put(f, "}\n");
    }
    return tap_file_commit(f) ? fail("%s", e.message) : true;
}

bool model_write(const options *o, const tap_module *root, const char *data, int64_t epochs)
{
    char      path[PATH_SIZE], epochs_text[24], batch[24], latent[24], samples[24], beta[32], free_bits[32], lr[32], seed[24];
    tap_error e = { 0 };
    bool      gaussian = o->model.likelihood == TAP_VAE_GAUSSIAN;
    snprintf(epochs_text, sizeof epochs_text, "%" PRId64, epochs);
    snprintf(batch, sizeof batch, "%" PRId64, o->batch);
    snprintf(latent, sizeof latent, "%" PRId64, o->model.latent);
    snprintf(samples, sizeof samples, "%" PRId64, o->model.samples);
    snprintf(beta, sizeof beta, "%.9g", o->beta);
    snprintf(free_bits, sizeof free_bits, "%.9g", o->model.free_bits);
    snprintf(lr, sizeof lr, "%.9g", o->lr);
    snprintf(seed, sizeof seed, "%" PRIu64, o->seed);
    const tap_metadata metadata[] = {
        { "program", "vae_mnist" },
        { "data", data },
        { "epochs", epochs_text },
        { "batch", batch },
        { "hidden", o->hidden },
        { "latent", latent },
        { "activation", o->activation },
        { "likelihood", gaussian ? "gaussian" : "bernoulli" },
        { "samples", samples },
        { "bound", o->bound },
        { "estimator", o->estimator },
        { "beta", beta },
        { "free_bits", free_bits },
        { "lr", lr },
        { "seed", seed },
        { "sigma", o->sigma ? o->sigma : "learned" }, /* the last: only the Gaussian has one */
    };
    int n = (int)(sizeof metadata / sizeof *metadata) - !gaussian;
    join(path, o->out, "model.safetensors");
    return tap_module_save(root, path, n, metadata, &e) ? fail("%s", e.message) : true;
}
