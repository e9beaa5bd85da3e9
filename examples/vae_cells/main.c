/* examples/vae_cells/main.c: reads gene counts of cells, trains a VAE on them and reports what it found; or simulates counts
 * whose ground truth is known. */
#include "vae_cells.h"

#include <math.h>
#include <stdio.h>

const char *const program = "vae_cells";

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
    options o;
    options_parse(&o, argc, argv);
    begin_program(o.train.threads);
    return end_program(o.simulate ? simulate(&o) : learn_and_tell(&o));
}
