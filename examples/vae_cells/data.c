/* examples/vae_cells/data.c: cells, and what is known of them. */
#include "vae_cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool sound(const tap_arena *a)
{
    return arena_ok(a);
}

/* DIR/metadata.csv, unless another is given; a CSV file of counts has none by itself. */
static bool read_metadata(cells *d, tap_arena *a, const options *o)
{
    char  path[PATH_SIZE];
    FILE *there = o->metadata || !join(path, o->data, "metadata.csv") ? NULL : fopen(path, "r");
    if (!there && !o->metadata) return true;
    if (there) fclose(there);
    const tap_table t = tap_table_read(a, o->metadata ? o->metadata : path, ',');
    if (!sound(a)) return false;
    if (t.rows != d->counts.rows + 1)
        return fail("%s: describes %lld cells, not %lld", o->metadata ? o->metadata : path, (long long)t.rows - 1,
                    (long long)d->counts.rows);
    d->group = tap_table_labels(a, t, "group", &d->n_groups);
    if (!o->no_batches) d->batch = tap_table_labels(a, t, "batch", &d->n_batches);
    return sound(a);
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* One cell in ten is held out, by the seed. *median is of library sizes. */
static bool split(cells *d, tap_arena *a, uint64_t seed, double *median)
{
    const int64_t n = d->counts.rows, out = n / 10;
    if (out < 1) return fail("%lld cells are too few: one in ten is held out", (long long)n);
    int64_t *order = tap_arena_alloc(a, (size_t)n * sizeof *order), *size = tap_arena_alloc(a, (size_t)n * sizeof *size);
    d->held_out = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(out, 2));
    d->train = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(n - out, 2));
    if (!sound(a)) return false;
    tap_random_permutation(order, n, (tap_random){ seed, tap_random_hash("held out"), 0 });
    for (int64_t i = 0; i < n; i++) {
        int64_t *to = i < out ? (int64_t *)d->held_out.data + 2 * i : (int64_t *)d->train.data + 2 * (i - out);
        for (int64_t j = d->counts.start[order[i]]; j < d->counts.start[order[i] + 1]; j++)
            size[i] += (int64_t)d->counts.value[j];
        to[0] = order[i], to[1] = size[i];
    }
    qsort(size, (size_t)n, sizeof *size, compare);
    *median = (double)size[n / 2];
    return *median > 0 || fail("half of the cells have no counts at all");
}

bool cells_load(cells *d, tap_arena *a, options *o)
{
    double median = 0;
    d->counts = tap_cells_read(a, o->data).counts;
    if (!sound(a) || !read_metadata(d, a, o) || !split(d, a, o->how.seed, &median)) return false;
    if (o->scale == 0) o->scale = median;
    if (o->clusters == 0) o->clusters = d->n_groups ? d->n_groups : 8;
    if (o->latent > d->counts.columns || o->clusters > d->counts.rows)
        return fail("--latent and --clusters must not be above %lld genes, %lld cells", (long long)d->counts.columns,
                    (long long)d->counts.rows);
    if (!o->how.quiet)
        printf(
            "%s: %lld cells x %lld genes, %.1f %% of counts are not 0, median library size %.0f; %lld batches, %lld groups\n",
            o->data, (long long)d->counts.rows, (long long)d->counts.columns,
            100 * (double)d->counts.start[d->counts.rows] / ((double)d->counts.rows * (double)d->counts.columns), median,
            (long long)d->n_batches, (long long)d->n_groups);
    return true;
}

seen cells_see(const cells *d, tap_var index)
{
    seen s = { .x = tap_csr_select(d->counts, index) };
    if (d->n_batches)
        s.c = tap_cast(tap_one_hot(tap_index_select(tap_input(index.tape, d->batch), 0, index), d->n_batches), TAP_F32);
    return s;
}
