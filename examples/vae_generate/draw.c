/* examples/vae_generate/draw.c: draws pictures from the model. Each is an expression over vars: images [rows,columns,784]. */
#include "vae_generate.h"

#include <stdio.h>

enum { STEPS = 11 };

static tap_var decode(const state *s, tap_var z, tap_var c)
{
    return tap_dist_mean(tap_vae_decode_given(&s->vae, z, c));
}

/* STEPS equidistant numbers from a to b: [STEPS,1]. */
static tap_var range(tap_tape *t, double a, double b)
{
    tap_var i = tap_cast(tap_unsqueeze(tap_arange(t, STEPS), 1), TAP_F32);
    return tap_add_scalar(tap_mul_scalar(i, (b - a) / (STEPS - 1)), a);
}

/* Samples of one class or, if digit is negative, of random classes. */
static tap_var samples(const state *s, tap_tape *t, int64_t digit)
{
    tap_var c = digit < 0 ? one_hot(tap_cast(tap_floor(tap_mul_scalar(tap_rand(t, TAP_SHAPE(16, 16)), DIGITS)), TAP_I64))
                          : tap_select(tap_eye(t, DIGITS), 0, digit);
    return decode(s, tap_randn(t, TAP_SHAPE(16, 16, s->o.latent)), c);
}

/* A row of samples for each class; the images of a column share the same z. */
static tap_var classes(const state *s, tap_tape *t)
{
    tap_var z = tap_expand(tap_randn(t, TAP_SHAPE(16, s->o.latent)), TAP_SHAPE(DIGITS, 16, s->o.latent));
    return decode(s, z, tap_unsqueeze(tap_eye(t, DIGITS), 1));
}

/* A row for each dimension of z, which varies from -3 to 3 while the others are 0. */
static tap_var traversals(const state *s, tap_tape *t)
{
    tap_var z = tap_mul(tap_unsqueeze(tap_eye(t, s->o.latent), 1), range(t, -3, 3));
    return decode(s, z, tap_select(tap_eye(t, DIGITS), 0, s->o.digit < 0 ? 3 : s->o.digit));
}

/* Interpolates between two test images, shown at the ends of rows: both z and the class, then only z, then only the class. */
static tap_var interpolation(const state *s, tap_tape *t)
{
    static float moves[2][3] = { { 1, 1, 0 }, { 1, 0, 1 } }; /* of z, of the class */
    tap_var      which = tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(2), (void *)s->o.ends));
    tap_var      x = images_select(t, s->found.test, which);
    tap_var      c = one_hot(tap_index_select(tap_input(t, s->test_labels), 0, which));
    tap_var      mu = tap_dist_mean(tap_vae_encode_given(&s->vae, x, c));
    tap_var      way = tap_mul(tap_input(t, tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3, 1, 1), moves)), range(t, 0, 1));
    tap_var      z = tap_lerp(tap_select(mu, 0, 0), tap_select(mu, 0, 1), tap_select(way, 0, 0)); /* [3,STEPS,latent] */
    tap_var      between = decode(s, z, tap_lerp(tap_select(c, 0, 0), tap_select(c, 0, 1), tap_select(way, 0, 1)));
    tap_var      a = tap_expand(tap_select(x, 0, 0), TAP_SHAPE(3, 1, SIDE * SIDE)),
            b = tap_expand(tap_select(x, 0, 1), TAP_SHAPE(3, 1, SIDE * SIDE));
    return tap_cat(3, (tap_var[]){ a, between, b }, 1);
}

static bool write(const state *s, const char *name, tap_var images)
{
    if (!sheet_write(s->o.train.out, name, images, 2)) return false;
    if (!s->o.train.quiet && tap_value(images).data) printf("%s/%s\n", s->o.train.out, name);
    return true;
}

int draw_files(out_file files[PICTURES], state *s)
{
    const double   image = 3600; /* upper bound in bytes: one for each of (2 (28 + 2))^2 grey pixels */
    const options *o = &s->o;
    int            n = 0;
    snprintf(s->digit_file, sizeof s->digit_file, "digit_%lld.png", (long long)o->digit);
    if (o->samples) files[n++] = (out_file){ "samples.png", 256 * image };
    if (o->samples) files[n++] = (out_file){ "digits.png", 16 * DIGITS * image };
    if (o->digit >= 0) files[n++] = (out_file){ s->digit_file, 256 * image };
    if (o->traversals) files[n++] = (out_file){ "traversals.png", STEPS * (double)o->latent * image };
    if (o->ends[0] >= 0) files[n++] = (out_file){ "interpolation.png", 3 * (STEPS + 2) * image };
    return n;
}

bool draw(const state *s)
{
    const options *o = &s->o;
    tap_tape      *t = tap_tape_new(TAP_F32, o->train.seed ^ tap_random_hash("draw"));
    bool           ok = true;
    tap_tape_set_recording(t, false);
    if (o->samples) ok = write(s, "samples.png", samples(s, t, -1)) && write(s, "digits.png", classes(s, t));
    tap_tape_reset(t); /* makes the next picture's noise independent of the previous pictures */
    if (o->digit >= 0) ok = ok && write(s, s->digit_file, samples(s, t, o->digit));
    if (o->traversals) ok = ok && write(s, "traversals.png", traversals(s, t));
    if (o->ends[0] >= 0) ok = ok && write(s, "interpolation.png", interpolation(s, t));
    return tape_end(t) && ok;
}
