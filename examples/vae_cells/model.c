/* examples/vae_cells/model.c: what learns: the model, and its rival. */
#include "vae_cells.h"

#include <stdio.h>

typedef struct {
    const models *m;
    const cells  *d;
    bool          rival;
} pupil;

/* What the decoder says of an average z: a rate and a dispersion for each gene, in each batch. */
tap_var rival_log_prob(const models *m, seen s)
{
    tap_var z = tap_zeros(s.x.tape, TAP_SHAPE(tap_shape_of(s.x).n[0], m->rival.options.latent));
    tap_var log_library = tap_log(tap_sum(s.x, tap_keep(TAP_LAST)));
    return tap_sum(tap_log_prob(tap_count_vae_decode(&m->rival, z, s.c, log_library), s.x), TAP_LAST);
}

static tap_var loss(const void *net, tap_tape *t, const batch *b)
{
    const pupil *p = net;
    tap_var      rows = tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(b->n), (void *)b->rows));
    tap_var      cell = tap_index_select(tap_input(t, b->held_out ? p->d->held_out : p->d->train), 0, rows);
    const seen   s = cells_see(p->d, tap_select(cell, 1, 0));
    return p->rival ? tap_neg(tap_mean(rival_log_prob(p->m, s), TAP_ALL)) : tap_count_vae_loss(&p->m->vae, s.x, s.c);
}

static bool init(tap_count_vae *vae, tap_module *root, const options *o, const cells *d)
{
    const char *message;
    tap_count_vae_init(vae, root,
                       (tap_count_vae_options){ .genes = d->counts.columns,
                                                .n_hidden = 1,
                                                .hidden = { o->hidden },
                                                .latent = o->latent,
                                                .condition = d->n_batches,
                                                .likelihood = o->zero_inflated ? TAP_COUNTS_ZINB : TAP_COUNTS_NB,
                                                .scale = o->scale });
    return !tap_module_status(root, &message) || fail("%s", message);
}

static bool teach(const models *m, bool rival, const options *o, const cells *d, tap_checkpoint *c, bool *whole)
{
    return learn(&(lesson){ .root = m->root[rival],
                            .net = &(pupil){ m, d, rival },
                            .loss = loss,
                            .data = d->train,
                            .held_out = d->held_out,
                            .epochs = rival ? 10 : o->epochs,
                            .batch = rival ? 128 : o->batch,
                            .lr = rival ? 1e-2 : o->lr,
                            .seed = o->seed,
                            .checkpoint = c,
                            .checkpoint_every = o->checkpoint_every,
                            .resume = o->resume,
                            .quiet = o->quiet || rival },
                 whole);
}

static bool train(models *m, options *o, const cells *d, bool *whole)
{
    argument        table[OPTIONS + 1];
    tap_checkpoint *c = NULL;
    options_table(table, o);
    bool ok = run_begin(&c, o->out, o->resume, table, KEPT) && init(&m->vae, m->root[0], o, d);
    if (ok && !o->quiet)
        printf("VAE of counts, %s, %lld parameters; %s\n",
               o->zero_inflated ? "zero-inflated negative binomial" : "negative binomial",
               (long long)tap_module_count(m->root[0]), tap_config());
    ok = ok && teach(m, false, o, d, c, whole);
    tap_checkpoint_free(c);
    if (ok && !*whole) note("interrupted; the same command with --resume goes on from there");
    return ok && (!*whole || model_keep(m->root[0], o->out, o->data, table, KEPT));
}

bool models_get(models *m, options *o, const cells *d, bool *whole)
{
    *whole = true;
    if (!prepare_out(o->out, "latent.npy")) return false;
    if (o->model ? !init(&m->vae, m->root[0], o, d) || !model_load(m->root[0], o->model) : !train(m, o, d, whole)) return false;
    return !*whole || (init(&m->rival, m->root[1], o, d) && teach(m, true, o, d, NULL, whole));
}
