/* examples/vae_cells/model.c: trains or loads the model, and trains its baseline. */
#include "vae_cells.h"

#include <math.h>
#include <stdio.h>

typedef struct {
    const models *m;
    const cells  *d;
    bool          baseline;
} train_context;

/* Log-probability of the counts under the decoder at z = 0: a rate and a dispersion for each gene and batch. */
tap_var baseline_log_prob(const models *m, cell_batch s)
{
    tap_var z = tap_zeros(s.x.tape, TAP_SHAPE(tap_shape_of(s.x).n[0], m->baseline.options.latent));
    tap_var log_library = tap_log(tap_clamp(tap_sum(s.x, tap_keepdim(TAP_LAST)), 1, (double)INFINITY)); /* as in the model */
    return tap_sum(tap_log_prob(tap_count_vae_decode(&m->baseline, z, s.c, log_library), s.x), TAP_LAST);
}

static tap_var loss(const void *net, tap_tape *t, batch *b)
{
    const train_context *p = net;
    tap_var              rows = tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(b->n), (void *)b->rows));
    tap_var              cell = tap_index_select(tap_input(t, b->held_out ? p->d->held_out : p->d->train), 0, rows);
    const cell_batch     s = cells_select(p->d, tap_select(cell, 1, 0));
    return p->baseline ? tap_neg(tap_mean(baseline_log_prob(p->m, s), TAP_ALL)) : tap_count_vae_loss(&p->m->vae, s.x, s.c);
}

static bool init(tap_count_vae *vae, tap_module *root, const options *o, const cells *d)
{
    tap_count_vae_init(vae, root,
                       (tap_count_vae_options){ .genes = d->counts.columns,
                                                .n_hidden = 1,
                                                .hidden = { o->hidden },
                                                .latent = o->latent,
                                                .condition = d->n_batches,
                                                .likelihood = (tap_count_likelihood)o->likelihood,
                                                .scale = o->scale });
    return module_ok(root);
}

static train_config config_of(const train_context *p, const train_options *o)
{
    return (train_config){
        .options = *o, .root = p->m->root[p->baseline], .net = p, .loss = loss, .data = p->d->train, .held_out = p->d->held_out
    };
}

static bool train_model(models *m, options *o, const cells *d, bool *whole)
{
    if (!init(&m->vae, m->root[0], o, d)) return false;
    if (!o->train.quiet)
        printf("VAE of counts, %s, %lld parameters; %s\n",
               o->likelihood == TAP_COUNTS_ZINB ? "zero-inflated negative binomial" : "negative binomial",
               (long long)tap_module_numel(m->root[0]), tap_config());
    out_file files[RESULTS];
    report_files(files, o, d);
    train_config config = config_of(&(train_context){ m, d, false }, &o->train);
    config.n_results = RESULTS;
    config.results = files;
    return train_and_save(config, o->data, o, whole);
}

static bool train_baseline(models *m, const options *o, const cells *d, bool *whole)
{
    const train_options baseline_options = {
        .epochs = 10, .batch = 128, .lr = 1e-2, .checkpoint_every = 1e9, .seed = o->train.seed, .quiet = true
    };
    const train_context p = { m, d, true };
    const train_config  config = config_of(&p, &baseline_options);
    return init(&m->baseline, m->root[1], o, d) && train(&config, whole);
}

/* Checks that the model file has the data's number of genes and of batches. */
static bool fits(const options *o, const cells *d)
{
    tap_arena            *a = tap_arena_new();
    const tap_safetensors file = tap_safetensors_read(a, o->model);
    const tap_tensor     *theta = tap_safetensors_find(&file, "log_theta"), *enc = tap_safetensors_find(&file, "enc.0.weight");
    const int64_t genes = theta ? theta->shape.n[0] : 0, batches = enc && enc->shape.rank == 2 ? enc->shape.n[1] - genes : 0;
    bool          ok = arena_ok(a);
    if (ok && genes && genes != d->counts.columns)
        ok = fail("%s: has learned %lld genes, and %s has %lld", o->model, (long long)genes, o->data,
                  (long long)d->counts.columns);
    else if (ok && genes && batches != d->n_batches)
        ok = fail("%s: has learned %lld batches, and %s has %lld; --metadata and --no-batches say which", o->model,
                  (long long)batches, o->data, (long long)d->n_batches);
    tap_arena_free(a);
    return ok;
}

static bool recall(models *m, const options *o, const cells *d)
{
    out_file files[RESULTS];
    report_files(files, o, d);
    return fits(o, d) && init(&m->vae, m->root[0], o, d) && model_load(m->root[0], o->model) &&
           prepare_out(o->train.out, RESULTS, files);
}

bool models_get(models *m, options *o, const cells *d, bool *whole)
{
    *whole = true;
    if (o->model ? !recall(m, o, d) : !train_model(m, o, d, whole)) return false;
    return !*whole || train_baseline(m, o, d, whole);
}
