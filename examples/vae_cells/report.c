/* examples/vae_cells/report.c: reports what the model has learned about the cells. */
#include "vae_cells.h"

#include <stdio.h>
#include <string.h>

enum { AT_ONCE = 8 }; /* number of cells per batch */

typedef struct {
    const options *o;
    const models  *m;
    const cells   *d;
    tap_arena     *a;
    tap_tape      *t;
    tap_tensor     latent;       /* float32 [cells,latent] */
    tap_tensor     group, batch; /* of the cells with counts: int64 [n]; inert if unknown */
} reporter;

static bool sound(const reporter *r)
{
    if (interrupted()) return fail("interrupted; --model %s/model.safetensors goes on from there", r->o->train.out);
    return tape_ok(r->t) && arena_ok(r->a);
}

/* Prints means over held-out cells in nats: log p(x) estimated from draws of z, the ELBO, and the baseline's log p(x). */
static bool likelihood(const reporter *r)
{
    const double n = (double)r->d->held_out.shape.n[0];
    double       sum[3] = { 0 };
    pass         p = pass_begin(r->d->held_out, AT_ONCE, r->o->train.seed);
    p.b.held_out = true;
    bar_start(r->o->train.quiet, "held out", "log p", 1, r->d->held_out.shape.n[0], 0);
    while (!interrupted() && pass_next(&p)) {
        const cell_batch s = cells_of(r->m, p.tape, &p.b);
        sum[0] += tap_item(tap_sum(tap_count_vae_log_prob(&r->m->vae, s.x, s.c, r->o->draws), TAP_ALL));
        sum[1] += tap_item(tap_sum(tap_count_vae_elbo(&r->m->vae, s.x, s.c).elbo, TAP_ALL));
        sum[2] += tap_item(tap_sum(baseline_log_prob(r->m, s), TAP_ALL));
        bar_update(1, p.done, sum[0] / (double)p.done);
    }
    if (!pass_end(&p) || !sound(r)) return false;
    printf("cells held out, nats each: log p(x) %.2f by %lld draws, ELBO %.2f; without a latent space %.2f\n", sum[0] / n,
           (long long)r->o->draws, sum[1] / n, sum[2] / n);
    return true;
}

/* Writes the means of q(z|x), and their decoded expression as counts of a cell with library size `scale`, batch by batch. */
static bool write_latent(reporter *r)
{
    char          path[2][PATH_SIZE];
    tap_error     e = { 0 };
    const int64_t n = r->d->counts.rows, genes = r->d->counts.columns, width = r->o->latent;
    join(path[0], r->o->train.out, "denoised.npy");
    join(path[1], r->o->train.out, "latent.npy");
    r->latent = tap_tensor_zeros(r->a, TAP_F32, TAP_SHAPE(n, width));
    tap_file *f = tap_npy_create(path[0], TAP_F32, TAP_SHAPE(n, genes), &e);
    for (int64_t i = 0, k; i < n && r->latent.data && !interrupted(); i += k) {
        k = n - i < AT_ONCE ? n - i : AT_ONCE;
        tap_tape_reset(r->t);
        const cell_batch s = cells_select(r->d, tap_narrow(tap_arange(r->t, n), 0, i, k));
        tap_var          z = tap_dist_mean(tap_count_vae_encode(&r->m->vae, s.x, s.c));
        tap_tensor       x = tap_value(tap_mul_scalar(tap_count_vae_rates(&r->m->vae, z, (tap_var){ 0 }), r->o->scale));
        if (!x.data) break;
        memcpy((float *)r->latent.data + i * width, tap_value(z).data, (size_t)(k * width) * sizeof(float));
        tap_file_write(f, x.data, (size_t)(k * genes) * sizeof(float));
    }
    if (!sound(r)) {
        tap_file_abandon(f);
        return false;
    }
    return (!tap_file_commit(f) && !tap_npy_write(path[1], r->latent, &e)) || fail("%s", e.message);
}

/* Clusters the rows of x by k-means and prints how well the clusters agree with the known labels. */
static bool cluster(const reporter *r, const char *what, tap_tensor x, tap_tensor found)
{
    tap_error e = { 0 };
    tap_kmeans(x, (tap_kmeans_options){ .clusters = r->o->clusters, .seed = r->o->train.seed }, found, &e);
    if (e.status) return fail("%s", e.message);
    printf("%-12s: %lld clusters by k-means", what, (long long)r->o->clusters);
    if (r->group.data) printf(", adjusted Rand index %.3f with the groups", tap_adjusted_rand_index(found, r->group, &e));
    if (r->batch.data) printf(", %.3f with the batches", tap_adjusted_rand_index(found, r->batch, &e));
    printf("\n");
    return true;
}

/* Selects the rows of the cells with counts from a tensor with a row for each cell. */
static tap_tensor of_full(const reporter *r, tap_tensor x)
{
    return tap_value(tap_index_select(tap_input(r->t, x), 0, tap_input(r->t, r->d->full)));
}

/* Writes the cluster of each cell; -1 for cells without counts. */
static bool write_clusters(const reporter *r, tap_tensor found)
{
    char          path[PATH_SIZE];
    tap_error     e = { 0 };
    const tap_var none = tap_cast(tap_full(r->t, TAP_SHAPE(r->d->counts.rows), -1), TAP_I64);
    const tap_var all = tap_scatter(none, 0, tap_input(r->t, r->d->full), tap_input(r->t, found));
    join(path, r->o->train.out, "clusters.npy");
    return sound(r) && (!tap_npy_write(path, tap_value(all), &e) || fail("%s", e.message));
}

/* Compares clusterings of the cells with counts. */
static bool compare(reporter *r)
{
    const cells *d = r->d;
    tap_tape_reset(r->t);
    if (d->n_groups) r->group = of_full(r, d->group);
    if (d->n_batches) r->batch = of_full(r, d->batch);
    const tap_shape  n = TAP_SHAPE(d->full_counts.rows);
    const tap_tensor found = tap_tensor_zeros(r->a, TAP_I64, n), other = tap_tensor_zeros(r->a, TAP_I64, n);
    const tap_tensor latent = of_full(r, r->latent);
    const tap_tensor pca =
        tap_csr_pca(r->a, tap_csr_log_normalize(r->a, d->full_counts, r->o->scale), r->o->latent, r->o->train.seed);
    const tap_tensor flat = tap_csr_pca(r->a, tap_csr_from_dense(r->a, latent), r->o->latent > 1 ? 2 : 1, r->o->train.seed);
    if (!sound(r) || !cluster(r, "latent space", latent, found) || !cluster(r, "PCA", pca, other)) return false;
    const tap_tensor by = d->n_groups ? r->group : found;
    const char      *name = d->n_groups ? "group " : "cluster ";
    const plot_axes  axes = { .title = "latent space" }, pca_axes = { .title = "PCA of log-normalized counts" };
    plot_begin(PLOT_PNG, 2, d->n_batches ? 2 : 1);
    plot_groups(axes, flat, by, name, 1);
    plot_groups(pca_axes, pca, by, name, 1);
    if (d->n_batches) plot_groups(axes, flat, r->batch, "batch ", 1);
    if (d->n_batches) plot_groups(pca_axes, pca, r->batch, "batch ", 1);
    return plot_write(r->o->train.out, "latent.png") && write_clusters(r, found);
}

bool report(const models *m)
{
    reporter r = { .o = m->o, .m = m, .d = m->d, .a = tap_arena_new(), .t = tap_tape_new(TAP_F32, m->o->train.seed) };
    tap_tape_set_recording(r.t, false);
    const bool ok = likelihood(&r) && write_latent(&r) && compare(&r);
    tap_tape_free(r.t);
    tap_arena_free(r.a);
    return ok;
}
