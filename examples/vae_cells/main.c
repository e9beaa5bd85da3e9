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
    { "--model", "FILE", TEXT, FIELD(model), .roles = LEARNS, .help = "a model trained before, DIR/model.safetensors" },
    { "--clusters", "N", WHOLE, FIELD(clusters), 1, 1e6, LEARNS,
      .help = "of k-means [as many as there are groups, else 8]" },
    { "--draws", "N", WHOLE, FIELD(draws), 1, 1e4, LEARNS, "50", .help = "of z, for the likelihood of cells held out" },

    { .name = "Training" },
    { "--likelihood", "NAME", CHOICE, FIELD(likelihood), .roles = SAVED | BUILDS | TRAINS, .initial = "nb", .takes = "nb or zinb",
      .help = "nb: negative binomial; zinb: zero-inflated, too" },
    { "--latent", "N", WHOLE, FIELD(latent), 1, 1e3, SAVED | BUILDS | TRAINS, "10", .help = "dimensions of z" },
    { "--hidden", "N", WHOLE, FIELD(hidden), 1, 1e6, SAVED | BUILDS | TRAINS, "128", .help = "width of the hidden layers" },
    { "--scale", "S", REAL, FIELD(scale), DBL_MIN, 1e12, SAVED | BUILDS | TRAINS,
      .help = "counts are taken as parts of S [the median library size]" },
    TRAINING_ROWS("cells", "40", "128", "3e-3"),
    { "--no-batches", NULL, FLAG, FIELD(no_batches), .roles = SAVED | LEARNS,
      .help = "do not tell the model of the batches" },
    CHECKPOINT_ROWS(""),

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
           (!o->model || arguments_exclude(given, TRAINS | SEEDS, NOT_WITH_MODEL)) &&
           (o->data || usage("--data", "", "must be given, or --simulate"));
}

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

/* Restores the options that are needed to rebuild a trained model from the file of that model. */
static bool recall(options *o, tap_arena *a)
{
    return !o->model || model_options(a, o->model, o, BUILDS | SEEDS);
}

static bool learn_and_tell(options *o)
{
    bool       whole = true;
    cells      d = { .n_groups = 0 };
    tap_arena *a = tap_arena_new();
    models     m = { .root = { tap_module_new(TAP_F32, o->train.seed), tap_module_new(TAP_F32, o->train.seed) } };
    bool       ok = recall(o, a) && cells_load(&d, a, o) && models_get(&m, o, &d, &whole) && (!whole || report(o, &m, &d));
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
