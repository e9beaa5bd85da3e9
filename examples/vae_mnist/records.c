/* examples/vae_mnist/records.c: prints the measurements of a run and writes its files: metrics.jsonl, timing.jsonl
 * and training.svg. */
#include "vae_mnist.h"

#include <stddef.h>

int64_t record_columns(const options *o)
{
    return (int64_t)(sizeof(record) / sizeof(double)) + 2 * o->model.latent;
}

record *record_at(const run *r, int64_t i)
{
    return (record *)(r->records + i * record_columns(r->o));
}

/* Whether dimension i of z is active: the variance of its posterior mean is above 0.01. */
static bool is_active(const run *r, const record *e, int64_t i)
{
    return e->latents[r->o->model.latent + i] > 0.01;
}

static int64_t count_active(const run *r, const record *e)
{
    int64_t n = 0;
    for (int64_t i = 0; i < r->o->model.latent; i++) n += is_active(r, e, i);
    return n;
}

void latents_print(const run *r, const record *e)
{
    const int64_t n = r->o->model.latent;
    printf("%lld of %lld dimensions of z are active; KL by dimension, in parentheses where not:\n",
           (long long)count_active(r, e), (long long)n);
    for (int64_t i = 0; i < n; i++) {
        if (i % 10 == 0) printf("%s%5lld:", i ? "\n" : "", (long long)i);
        const char *space = i % 10 == 9 || i == n - 1 ? "" : " ";
        if (is_active(r, e, i)) printf("  %4.2f%s", e->latents[i], space);
        else printf(" (%4.2f)", e->latents[i]);
    }
    printf("\n");
}

/* Writes the speed to a file of its own, as it differs between runs that have equal metrics. */
bool timing_write(const run *r)
{
    tap_file *f = file_begin(r->o->train.out, "timing.jsonl");
    for (int64_t i = 0; f && i < r->n_records; i++) {
        const record *e = record_at(r, i);
        file_printf(f, "{\"epoch\": %.0f, \"images_per_second\": %.9g, \"seconds\": %.9g}\n", e->epoch, e->images_per_second,
                    e->seconds);
    }
    return file_end(f);
}

/* Rewrites the whole file after each epoch, so that it is complete at any time. All numbers are finite, as JSON requires. */
bool metrics_write(const run *r, log_likelihood l)
{
    const int64_t n = r->o->model.latent;
    tap_file     *f = file_begin(r->o->train.out, "metrics.jsonl");
    for (int64_t i = 0; f && i < r->n_records; i++) {
        const record *e = record_at(r, i);
        file_printf(f, "{\"epoch\": %.0f, \"train_elbo\": %.9g, \"test_elbo\": %.9g, \"test_rec\": %.9g, \"test_kl\": %.9g",
                    e->epoch, e->train_elbo, e->test_elbo, e->test_rec, e->test_kl);
        if (e->skipped > 0) file_printf(f, ", \"skipped_steps\": %.0f", e->skipped);
        file_printf(f, ", \"active_units\": %lld, \"active\": [", (long long)count_active(r, e));
        const char *before = "";
        for (int64_t k = 0; k < n; k++) {
            if (!is_active(r, e, k)) continue;
            file_printf(f, "%s%lld", before, (long long)k);
            before = ", ";
        }
        for (int64_t k = 0; k < n; k++) file_printf(f, "%s%.6g", k ? ", " : "], \"kl_per_dimension\": [", e->latents[k]);
        file_printf(f, "]}\n");
    }
    if (f && l.known)
        file_printf(f, "{\"samples\": %lld, \"test_log_likelihood\": %.9g, \"standard_error\": %.9g}\n",
                    (long long)r->o->evaluate, l.mean, l.error);
    return file_end(f);
}

bool curves_write(const run *r)
{
    const int64_t    n = r->n_records;
    const tap_tensor rows = tap_tensor_wrap(TAP_F64, TAP_SHAPE(n, record_columns(r->o)), r->records);
    if (n == 0) return true;
    tap_arena *a = tap_arena_new();
    double    *epochs = tap_tensor_contiguous(a, tap_tensor_transpose(a, rows, 0, 1)).data; /* [fields of a record,n] */
    double    *elbos = epochs + n * (int64_t)(offsetof(record, train_elbo) / sizeof(double));
    plot_axes  axes = { .title = "ELBO, nats per image", .x = "epoch", .x0 = epochs[0], .x1 = epochs[n - 1] };
    plot_begin(PLOT_SVG, 1, 1);
    plot_limits(tap_tensor_wrap(TAP_F64, TAP_SHAPE(2 * n, 1), elbos), 0, &axes.y0, &axes.y1);
    plot_panel(axes);
    plot_curve(PLOT_SOLID, n, epochs, elbos, 0, "training");
    plot_curve(PLOT_SOLID, n, epochs, elbos + n, 1, "test");
    tap_arena_free(a);
    return plot_write(r->o->train.out, "training.svg");
}
