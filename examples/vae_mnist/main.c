/* examples/vae_mnist/main.c: trains a variational autoencoder on images of digits, measures it and draws pictures with it. */
#include "vae_mnist.h"

#include <stdlib.h>

const char *const program = "vae_mnist";

static void print_start(const run *r)
{
    const options *o = r->o;
    const dataset *d = r->data;
    if (o->train.quiet) return;
    printf("%s from %s: %lld for training, %lld for testing\n", d->name, d->from, (long long)d->train.shape.n[0],
           (long long)d->test.shape.n[0]);
    printf("784-%s-%lld VAE, %s, %s likelihood: %lld parameters\n", o->hidden, (long long)o->model.latent, o->activation,
           o->model.likelihood == TAP_VAE_GAUSSIAN ? "Gaussian" : "Bernoulli", (long long)tap_module_numel(r->root));
    printf("%s\n", tap_config());
    fflush(stdout);
}

/* Writes the results of the epochs so far, also after an interruption, and prints a summary. */
static bool finish(const run *r)
{
    const options *o = r->o;
    const record  *last = record_last(r);
    const bool     done = r->n_records == o->train.epochs;
    log_likelihood l = { 0 };

    bool ok =
        model_write(r) && metrics_write(r, l) && timing_write(r) && curves_write(r) && pictures_write(o, r->vae, r->data->test);
    if (ok && !o->train.quiet) printf("\nthe model, its metrics and pictures are in %s\n", o->train.out);
    if (ok && !o->train.quiet && last) latents_print(r, last);
    if (ok && o->evaluate && done)
        ok = measure_log_likelihood(&l, r->vae, r->data->test, o->evaluate, o->train.seed, o->train.quiet) &&
             metrics_write(r, l);
    if (done)
        printf("test ELBO %.2f nats per image (reconstruction %.2f, KL %.2f)\n", last->test_elbo, last->test_rec,
               last->test_kl);
    else
        note("interrupted in epoch %lld of %lld; the same command with --resume continues from here",
             (long long)r->n_records + 1, (long long)o->train.epochs);
    if (l.known)
        printf("test log-likelihood %.2f +- %.2f nats per image (%lld draws)\n", l.mean, l.error, (long long)o->evaluate);
    else if (ok && o->evaluate && done) note("interrupted in the evaluation; the same command with --resume repeats it");
    if (!o->train.quiet && !pictures_print(o, r->vae, r->data->test)) ok = false;
    return ok;
}

/* Builds the model and trains it, starting at the checkpoint's position. */
static bool train_model(const options *o, const dataset *d, tap_checkpoint *c)
{
    tap_vae vae;
    run     r = { .o = o, .vae = &vae, .root = tap_module_new(TAP_F32, o->train.seed), .data = d, .checkpoint = c };
    bool    whole = true;
    r.records = calloc((size_t)o->train.epochs + 1, (size_t)record_columns(o) * sizeof *r.records);
    tap_vae_init(&vae, r.root, o->model);
    bool ok = (r.records || fail("out of memory")) && module_ok(r.root);
    if (ok) print_start(&r);
    ok = ok && train_vae(&r, &whole) && finish(&r);
    free(r.records);
    tap_module_free(r.root);
    return ok;
}

static bool start(options *o)
{
    tap_arena      *arena = tap_arena_new();
    tap_checkpoint *c = NULL;
    const out_file  first = { "checkpoint.safetensors", 0 };
    dataset         data;
    bool            ok = dataset_load(&data, arena, o->data) && prepare_out(o->train.out, 1, &first) &&
              run_open(&c, o->train.out, o->train.resume, "images", true) && options_resume(o, c, arena) &&
              train_model(o, &data, c);
    tap_checkpoint_free(c);
    tap_arena_free(arena);
    return ok;
}

int main(int argc, char **argv)
{
    options o;
    options_parse(&o, argc, argv);
    begin_program(o.train.threads);
    return end_program(start(&o));
}
