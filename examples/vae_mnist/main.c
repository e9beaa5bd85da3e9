/* examples/vae_mnist/main.c: trains a variational autoencoder on images of digits and shows what it has learned. */
#include "vae_mnist.h"

#include <stdlib.h>

const char *const program = "vae_mnist";

static void print_start(const options *o, const dataset *d, const tap_module *root)
{
    if (o->quiet) return;
    printf("%s from %s: %lld for training, %lld for testing\n", d->name, d->from, (long long)d->train.shape.n[0],
           (long long)d->test.shape.n[0]);
    printf("784-%s-%lld VAE, %s, %s likelihood: %lld parameters\n", o->hidden, (long long)o->model.latent, o->activation,
           o->model.likelihood == TAP_VAE_GAUSSIAN ? "Gaussian" : "Bernoulli", (long long)tap_module_numel(root));
    printf("%s\n", tap_config());
    fflush(stdout);
}

/* Writes what there is and says so, also after Ctrl-C. */
static bool finish(const options *o, const dataset *d, const tap_module *root, const tap_vae *vae, int64_t n,
                   const record *records, const record *last)
{
    const score *test = &last->test;
    evidence     l = { 0 };

    bool ok = model_write(o, root, d->name, n) && metrics_write(o, n, records, l) && timing_write(o, n, records) &&
              chart_write(o, n, records) && pictures_write(o, vae, d->test);
    if (ok && !o->quiet) printf("\nthe model, its metrics and pictures are in %s\n", o->out);
    if (ok && !o->quiet && last->z.n) latents_print(&last->z);
    if (ok && o->evaluate && n == o->epochs) ok = evidence_measure(&l, vae, o, d->test) && metrics_write(o, n, records, l);
    if (n == o->epochs)
        printf("test ELBO %.2f nats per image (reconstruction %.2f, KL %.2f)\n", test->elbo, test->rec, test->kl);
    else
        note("interrupted in epoch %lld of %lld; the same command with --resume goes on from there", (long long)n + 1,
             (long long)o->epochs);
    if (l.known)
        printf("test log-likelihood %.2f +- %.2f nats per image (%lld draws)\n", l.mean, l.error, (long long)o->evaluate);
    else if (ok && o->evaluate && n == o->epochs)
        note("interrupted in the evaluation; the same command with --resume makes it anew");
    if (!o->quiet && !pictures_show(o, vae, d->test)) ok = false;
    return ok;
}

/* Whether out can hold all that a run leaves. A checkpoint has three numbers for each parameter and all records; there are three while
 * one is written. */
static bool prepare(const options *o, const tap_module *root)
{
    const double   values = 4 * (double)tap_module_numel(root) + 1e4, epochs = (double)o->epochs + 1;
    const double   all = 3 * values + 8 * epochs * (double)record_columns(o->model.latent);
    const out_file files[] = { { "checkpoint.safetensors", all },
                               { "checkpoint.safetensors.previous", all },
                               { NULL, all },
                               { "model.safetensors", values },
                               { "metrics.jsonl", epochs * (200 + 20 * (double)o->model.latent) },
                               { "timing.jsonl", epochs * 100 },
                               { "training.svg", 1e4 + 200 * epochs },
                               { "reconstructions.png", PICTURE_BYTES },
                               { "samples.png", PICTURE_BYTES },
                               { "interpolation.png", PICTURE_BYTES },
                               { "manifold.png", PICTURE_BYTES } };
    return prepare_out(o->out, (int)(sizeof files / sizeof *files) - (o->model.latent != 2), files);
}

/* Builds the model, and trains it from where the checkpoint stands. */
static bool run(const options *o, const dataset *d, tap_checkpoint *c, tap_arena *arena)
{
    tap_module *root = tap_module_new(TAP_F32, o->seed);
    record     *records = calloc((size_t)o->epochs + 1, sizeof *records), last = { 0 };
    tap_vae     vae;
    int64_t     n = 0;
    tap_vae_init(&vae, root, o->model);
    bool ok = (records || fail("out of memory")) && module_ok(root) && prepare(o, root);
    if (ok) {
        print_start(o, d, root);
        ok = train(&vae, root, d, o, c, arena, records, &n, &last) && finish(o, d, root, &vae, n, records, &last);
    }
    free(records);
    tap_module_free(root);
    return ok;
}

static bool start(options *o)
{
    tap_arena      *arena = tap_arena_new();
    tap_checkpoint *c = NULL;
    const out_file  first = { "checkpoint.safetensors", 0 };
    dataset         data;
    bool            ok = dataset_load(&data, arena, o->data) && prepare_out(o->out, 1, &first) && resume_open(&c, o, arena) &&
              run(o, &data, c, arena);
    tap_checkpoint_free(c);
    tap_arena_free(arena);
    return ok;
}

int main(int argc, char **argv)
{
    options o;
    int     status;
    if (!options_parse(&o, argc, argv, &status)) return status;
    begin_program(o.threads);
    return end_program(start(&o));
}
