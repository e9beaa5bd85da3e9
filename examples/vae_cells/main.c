/* examples/vae_cells/main.c: reads gene counts of cells, trains a VAE on them and reports what it found; or simulates counts
 * whose ground truth is known. */
#include "vae_cells.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const program = "vae_cells";

enum { LEARNS = OWN, SIMULATES = 2 * OWN }; /* roles: not for simulation, only for simulation */

static bool parse_separator(void *o, const char *text)
{
    const bool tab = !strcmp(text, "tab");
    ((options *)o)->separator = tab ? '\t' : *text;
    return tab || (*text && !text[1] && !strchr("\" \r\n", *text));
}

/* clang-format off */
const argument options_table[] = {
    { .name = "usage: vae_cells --data DIR|FILE.csv [options]\n"
              "       vae_cells --simulate DIR [options]\n\n"
              "Trains a variational autoencoder of gene counts in cells (scVI, Lopez et al. 2018), and writes what it makes of "
              "each cell." },

    { .name = "Data and results" },
    { "--data", "DIR", TEXT, FIELD(data), .roles = LEARNS,
      .help = "matrix.mtx, barcodes.tsv and features.tsv, plain or .gz, as 10x Genomics has them; or a CSV file (.csv, .csv.gz) "
              "of cells by genes, behind a row and a column of names" },
    { "--metadata", "FILE", TEXT, FIELD(metadata), .roles = LEARNS,
      .help = "CSV, a row of names and one for each cell, in any order, of which one column holds the barcodes; batch and group "
              "are used [metadata.csv in DIR, if there]" },
    { "--separator", "C", CUSTOM, .roles = LEARNS, .parse = parse_separator,
      .takes = "the word tab or one character that is neither a quote nor a space",
      .help = "of CSV files: , or ; or any other character, or the word tab [, and in .tsv files tab]" },
    { "--out", "DIR", FOLDER, FIELD(train.out), .roles = LEARNS, .initial = "out/vae_cells",
      .help = "where the results go; made if need be" },
    { "--model", "FILE", TEXT, FIELD(train.model), .roles = LEARNS, .help = "a model trained before, DIR/model.safetensors" },
    { "--clusters", "N", WHOLE, FIELD(clusters), 1, 1e6, LEARNS, .help = "of k-means [as many as there are groups, else 8]" },
    { "--draws", "N", WHOLE, FIELD(draws), 1, 1e4, LEARNS, "50", .help = "of z, for the likelihood of cells held out" },

    { .name = "Training" },
    { "--likelihood", "NAME", CHOICE, FIELD(likelihood), .roles = SAVED | BUILDS | TRAINS, .initial = "nb", .takes = "nb or zinb",
      .help = "nb: negative binomial; zinb: zero-inflated, too" },
    { "--latent", "N", WHOLE, FIELD(latent), 1, 1e3, SAVED | BUILDS | TRAINS, "10", .help = "dimensions of z" },
    { "--hidden", "N", WHOLE, FIELD(hidden), 1, 1e6, SAVED | BUILDS | TRAINS, "128", .help = "width of the hidden layers" },
    { "--scale", "S", REAL, FIELD(scale), DBL_MIN, 1e12, SAVED | BUILDS | TRAINS,
      .help = "counts are taken as parts of S [the median library size]" },
    TRAINING_ROWS("cells", "40", "128", "3e-3"),
    { "--no-batches", NULL, FLAG, FIELD(no_batches), .roles = SAVED | LEARNS, .help = "do not tell the model of the batches" },

    { .name = "Simulation, into a folder that --data takes, with metadata.csv" },
    { "--simulate", "DIR", FOLDER, FIELD(simulate), .help = "where to" },
    { "--cells", "N", WHOLE, FIELD(simulation.cells), 1, 1e7, SIMULATES, "10000", .help = "number of cells" },
    { "--genes", "N", WHOLE, FIELD(simulation.genes), 1, 1e6, SIMULATES, "2000", .help = "number of genes" },
    { "--groups", "N", WHOLE, FIELD(simulation.groups), 1, 1e3, SIMULATES, "8", .help = "number of groups of cells" },
    { "--batches", "N", WHOLE, FIELD(simulation.batches), 1, 1e3, SIMULATES, "3", .help = "number of batches" },

    GENERAL_ROWS("print the results only"),
    { .name = "Example\n"
              "  vae_cells --simulate out/cells\n"
              "  vae_cells --data out/cells --out out/vae_cells" },
    { 0 },
};
/* clang-format on */

/* Rejects options that do not apply to the mode of the program: simulation, training, or reporting with --model. */
static bool check(const options *o, uint64_t given)
{
    if (o->simulate) return arguments_exclude(given, TRAINS | LEARNS, "does not go with --simulate");
    return arguments_exclude(given, SIMULATES, "goes with --simulate") &&
           (!o->train.model || arguments_exclude(given, TRAINS | SEEDS, NOT_WITH_MODEL)) &&
           (o->data || usage("--data", "", "must be given, or --simulate"));
}

/* ---- Simulation --------------------------------------------------------------------------------------------------- */

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
    tap_file              *f = arena_ok(a) ? file_begin(o->simulate, "metadata.csv") : NULL; /* the ground truth of each cell */
    if (f) file_printf(f, "barcode,group,batch,library\n");
    for (int64_t i = 0; f && i < s.counts.rows; i++)
        file_printf(f, "cell%lld,%.0f,%.0f,%.9g\n", (long long)i + 1, tap_tensor_item(s.group, i) + 1,
                    tap_tensor_item(s.batch, i) + 1, exp(tap_tensor_item(s.log_library, i)));
    const bool ok = file_end(f) && (!cells_write(o->simulate, (cells_file){ .counts = s.counts }, &e) || fail("%s", e.message));
    tap_arena_free(a);
    return ok;
}

/* ---- Training ----------------------------------------------------------------------------------------------------- */

/* Log-probability of the counts under the decoder at z = 0: a rate and a dispersion for each gene and batch. */
tap_var baseline_log_prob(const models *m, cell_batch s)
{
    tap_var z = tap_zeros(s.x.tape, TAP_SHAPE(tap_shape_of(s.x).n[0], m->baseline.options.latent));
    tap_var log_library = tap_log(tap_clamp(tap_sum(s.x, tap_keepdim(TAP_LAST)), 1, (double)INFINITY)); /* as in the model */
    return tap_sum(tap_log_prob(tap_count_vae_decode(&m->baseline, z, s.c, log_library), s.x), TAP_LAST);
}

cell_batch cells_of(const models *m, tap_tape *t, const batch *b)
{
    tap_var cell = rows_of(t, b->held_out ? m->d->held_out : m->d->train, b->rows, b->n);
    return cells_select(m->d, tap_select(cell, 1, 0));
}

static tap_var loss(const void *net, tap_tape *t, batch *b)
{
    const models    *m = net;
    const cell_batch s = cells_of(m, t, b);
    return tap_count_vae_loss(&m->vae, s.x, s.c);
}

static tap_var baseline_loss(const void *net, tap_tape *t, batch *b)
{
    return tap_neg(tap_mean(baseline_log_prob(net, cells_of(net, t, b)), TAP_ALL));
}

static bool init(const models *m, tap_count_vae *vae, tap_module *root)
{
    tap_count_vae_options v = { .genes = m->d->counts.columns, .hidden = { m->o->hidden }, .latent = m->o->latent };
    v.condition = m->d->n_batches;
    v.likelihood = (tap_count_likelihood)m->o->likelihood;
    v.scale = m->o->scale;
    tap_count_vae_init(vae, root, v);
    return module_ok(root);
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
 * its files. */
static bool models_get(models *m)
{
    const options *o = m->o;
    const double   n = (double)m->d->counts.rows, header = 128;
    const out_file results[] = { { "denoised.npy", header + 4 * n * (double)m->d->counts.columns },
                                 { "latent.npy", header + 4 * n * (double)o->latent },
                                 { "clusters.npy", header + 8 * n },
                                 { "latent.png", 4 * PICTURE_BYTES } };
    train_config   config = { o->train, m->root[0], m, loss, m->d->train, m->d->held_out, .n_results = 4, .results = results };
    if ((o->train.model && !fits(o->train.model, m->d, o->data)) || !init(m, &m->vae, m->root[0])) return false;
    const char *kind = o->likelihood == TAP_COUNTS_ZINB ? "VAE of counts, zero-inflated negative binomial"
                                                        : "VAE of counts, negative binomial";
    if (!train_or_load(config, o->data, kind, o)) return false;
    config.options = (train_options){ .epochs = 10, .batch = 128, .lr = 1e-2, .checkpoint_every = 1e9, .quiet = true };
    config.options.seed = o->train.seed;
    config.root = m->root[1];
    config.loss = baseline_loss;
    return init(m, &m->baseline, m->root[1]) && train(&config);
}

static bool learn_and_tell(options *o)
{
    cells      d = { .n_groups = 0 };
    tap_arena *a = tap_arena_new();
    models     m = { o, &d, .root = { tap_module_new(TAP_F32, o->train.seed), tap_module_new(TAP_F32, o->train.seed) } };
    const bool ok = (!o->train.model || model_options(a, o->train.model, o, BUILDS | SEEDS)) && cells_load(&d, a, o) &&
                    models_get(&m) && report(&m);
    for (int i = 0; i < 2; i++) tap_module_free(m.root[i]);
    tap_arena_free(a);
    return ok;
}

int main(int argc, char **argv)
{
    options o = { .data = NULL };
    if (!check(&o, arguments_take(&o, argc, argv))) return 2;
    begin_program(o.train.threads);
    return end_program(o.simulate ? simulate(&o) : learn_and_tell(&o));
}
