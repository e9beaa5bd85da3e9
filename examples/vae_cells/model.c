/* examples/vae_cells/model.c: trains or loads the model, and trains its baseline. */
#include "vae_cells.h"

#include <math.h>
#include <stdio.h>

typedef struct {
    const models *m;
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
    const cells         *d = p->m->d;
    tap_var              rows = tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(b->n), (void *)b->rows));
    tap_var              cell = tap_index_select(tap_input(t, b->held_out ? d->held_out : d->train), 0, rows);
    const cell_batch     s = cells_select(d, tap_select(cell, 1, 0));
    return p->baseline ? tap_neg(tap_mean(baseline_log_prob(p->m, s), TAP_ALL)) : tap_count_vae_loss(&p->m->vae, s.x, s.c);
}

static bool init(const models *m, tap_count_vae *vae, tap_module *root)
{
    tap_count_vae_init(vae, root,
                       (tap_count_vae_options){ .genes = m->d->counts.columns,
                                                .hidden = { m->o->hidden },
                                                .n_hidden = 1,
                                                .latent = m->o->latent,
                                                .condition = m->d->n_batches,
                                                .likelihood = (tap_count_likelihood)m->o->likelihood,
                                                .scale = m->o->scale });
    return module_ok(root);
}

static train_config config_of(const train_context *p, const train_options *o)
{
    const cells *d = p->m->d;
    return (train_config){
        .options = *o, .root = p->m->root[p->baseline], .net = p, .loss = loss, .data = d->train, .held_out = d->held_out
    };
}

static bool train_model(const models *m, int n_results, const out_file *results, bool *whole)
{
    const options *o = m->o;
    argument       table[OPTIONS + 1];
    train_config   config = config_of(&(train_context){ m, false }, &o->train);
    options_table(table, m->o);
    config.n_results = n_results;
    config.results = results;
    if (!o->train.quiet)
        printf("VAE of counts, %s, %lld parameters; %s\n",
               o->likelihood == TAP_COUNTS_ZINB ? "zero-inflated negative binomial" : "negative binomial",
               (long long)tap_module_numel(m->root[0]), tap_config());
    return train_and_save(config, o->data, table, MODEL_OPTIONS, whole);
}

static bool train_baseline(models *m, bool *whole)
{
    const train_options o = {
        .epochs = 10, .batch = 128, .lr = 1e-2, .checkpoint_every = 1e9, .seed = m->o->train.seed, .quiet = true
    };
    const train_config config = config_of(&(train_context){ m, true }, &o);
    return init(m, &m->baseline, m->root[1]) && train(&config, whole);
}

/* Checks that the model file has the data's number of genes and of batches. */
static bool fits(const char *model, const cells *d, const char *data)
{
    tap_arena            *a = tap_arena_new();
    const tap_safetensors file = tap_safetensors_read(a, model);
    const tap_tensor     *theta = tap_safetensors_find(&file, "log_theta"), *enc = tap_safetensors_find(&file, "enc.0.weight");
    const int64_t         genes = theta ? theta->shape.n[0] : 0, inputs = enc && enc->shape.rank == 2 ? enc->shape.n[1] : genes;
    bool                  ok = arena_ok(a);
    if (ok && genes && genes != d->counts.columns)
        ok = fail("%s: has learned %lld genes, and %s has %lld", model, (long long)genes, data, (long long)d->counts.columns);
    else if (ok && genes && inputs - genes != d->n_batches)
        ok = fail("%s: has learned %lld batches, and %s has %lld; --metadata and --no-batches say which", model,
                  (long long)(inputs - genes), data, (long long)d->n_batches);
    tap_arena_free(a);
    return ok;
}

bool models_get(models *m, bool *whole)
{
    enum { RESULTS = 4 };
    const options *o = m->o;
    const double   n = (double)m->d->counts.rows, header = 128;
    const out_file results[RESULTS] = { { "denoised.npy", header + 4 * n * (double)m->d->counts.columns },
                                        { "latent.npy", header + 4 * n * (double)o->latent },
                                        { "clusters.npy", header + 8 * n },
                                        { "latent.png", 4 * PICTURE_BYTES } };
    *whole = true;
    if ((o->model && !fits(o->model, m->d, o->data)) || !init(m, &m->vae, m->root[0])) return false;
    if (!o->model) return train_model(m, RESULTS, results, whole) && (!*whole || train_baseline(m, whole));
    return model_load(m->root[0], o->model) && prepare_out(o->train.out, RESULTS, results) && train_baseline(m, whole);
}
