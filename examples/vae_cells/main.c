/* examples/vae_cells/main.c: reads gene counts of cells, trains a VAE on them and reports what it found; or simulates counts
 * whose ground truth is known. */
#include "vae_cells.h"

#include <math.h>
#include <stdio.h>

const char *const program = "vae_cells";

/* ---- Simulation --------------------------------------------------------------------------------------------------- */

/* Writes the ground truth of each cell. */
static bool write_metadata(const char *dir, const simulated_counts *s)
{
    tap_error e = { 0 };
    tap_file *f = file_begin(dir, "metadata.csv", &e);
    if (!f) return false;
    file_printf(f, "barcode,group,batch,library\n");
    for (int64_t i = 0; i < s->counts.rows; i++)
        file_printf(f, "cell%lld,%.0f,%.0f,%.9g\n", (long long)i + 1, tap_tensor_item(s->group, i) + 1,
                    tap_tensor_item(s->batch, i) + 1, exp(tap_tensor_item(s->log_library, i)));
    return file_end(f, &e);
}

static bool simulate(options *o)
{
    const out_file files[] = { { "metadata.csv", 50 * (double)o->simulation.cells },
                               { "matrix.mtx.gz", 0 },
                               { "barcodes.tsv.gz", 0 },
                               { "features.tsv.gz", 0 } };
    if (!prepare_out(o->simulate, 4, files)) return false;
    tap_error  e = { 0 };
    tap_arena *a = tap_arena_new();
    o->simulation.seed = o->train.seed;
    const simulated_counts s = simulate_counts(a, o->simulation);
    bool                   ok = arena_ok(a);
    ok = ok && write_metadata(o->simulate, &s) &&
         (!cells_write(o->simulate, (cells_file){ .counts = s.counts }, &e) || fail("%s", e.message));
    tap_arena_free(a);
    return ok;
}

/* ---- Training ----------------------------------------------------------------------------------------------------- */

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

/* Trains the model and saves it, or loads the one that the options name; trains the baseline. Checks that report() can write
 * its files. *whole is false if training was interrupted. */
static bool models_get(models *m, const argument *table, bool *whole)
{
    const options *o = m->o;
    const double   n = (double)m->d->counts.rows, header = 128;
    const out_file results[] = { { "denoised.npy", header + 4 * n * (double)m->d->counts.columns },
                                 { "latent.npy", header + 4 * n * (double)o->latent },
                                 { "clusters.npy", header + 8 * n },
                                 { "latent.png", 4 * PICTURE_BYTES } };
    train_config   config = config_of(&(train_context){ m, false }, &o->train);
    config.n_results = (int)(sizeof results / sizeof *results);
    config.results = results;
    if ((o->model && !fits(o->model, m->d, o->data)) || !init(m, &m->vae, m->root[0])) return false;
    if (!o->model && !o->train.quiet)
        printf("VAE of counts, %s, %lld parameters; %s\n",
               o->likelihood == TAP_COUNTS_ZINB ? "zero-inflated negative binomial" : "negative binomial",
               (long long)tap_module_numel(m->root[0]), tap_config());
    const bool ok = o->model ? model_load(m->root[0], o->model) && prepare_out(o->train.out, config.n_results, results)
                             : train_and_save(config, o->data, table, MODEL_OPTIONS, whole);
    return ok && (!*whole || train_baseline(m, whole));
}

static bool learn_and_tell(options *o)
{
    bool       whole = true;
    cells      d = { .n_groups = 0 };
    tap_arena *a = tap_arena_new();
    models     m = { o, &d, .root = { tap_module_new(TAP_F32, o->train.seed), tap_module_new(TAP_F32, o->train.seed) } };
    argument   table[OPTIONS + 1];
    options_table(table, o);
    const bool ok = (!o->model || model_options(a, o->model, table, SHAPING)) && cells_load(&d, a, o) &&
                    models_get(&m, table, &whole) && (!whole || report(&m));
    for (int i = 0; i < 2; i++) tap_module_free(m.root[i]);
    tap_arena_free(a);
    return ok;
}

int main(int argc, char **argv)
{
    options o;
    int     status;
    if (!options_parse(&o, argc, argv, &status)) return status;
    begin_program(o.train.threads);
    return end_program(o.simulate ? simulate(&o) : learn_and_tell(&o));
}
