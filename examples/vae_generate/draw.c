/* examples/vae_generate/draw.c: draws pictures from the model. Each is an expression over vars: images [rows,columns,784]. */
#include "vae_generate.h"

#include <stdio.h>

enum { STEPS = 11 };

/* The state shared by the functions that draw pictures. */
typedef struct {
    const options *o;
    const tap_vae *vae;
    tap_tape      *tape;
} render_context;

static tap_var decode(const render_context *s, tap_var z, tap_var c)
{
    return tap_dist_mean(tap_vae_decode_given(s->vae, z, c));
}

static tap_var noise(const render_context *s, int64_t rows, int64_t columns)
{
    return tap_randn(s->tape, TAP_SHAPE(rows, columns, s->vae->options.latent));
}

static tap_var class_of(const render_context *s, int64_t digit)
{
    return tap_select(tap_eye(s->tape, DIGITS), 0, digit);
}

/* STEPS equidistant numbers from a to b: [STEPS,1]. */
static tap_var range(const render_context *s, double a, double b)
{
    tap_var i = tap_cast(tap_unsqueeze(tap_arange(s->tape, STEPS), 1), TAP_F32);
    return tap_add_scalar(tap_mul_scalar(i, (b - a) / (STEPS - 1)), a);
}

/* Samples of random classes. */
static tap_var samples(const render_context *s)
{
    tap_var u = tap_rand(s->tape, TAP_SHAPE(16, 16)), digit = tap_cast(tap_floor(tap_mul_scalar(u, DIGITS)), TAP_I64);
    return decode(s, noise(s, 16, 16), one_hot(digit));
}

/* A row of samples for each class; the images of a column share the same z. */
static tap_var classes(const render_context *s)
{
    tap_var z = tap_expand(noise(s, 1, 16), TAP_SHAPE(DIGITS, 16, s->vae->options.latent));
    return decode(s, z, tap_unsqueeze(tap_eye(s->tape, DIGITS), 1));
}

/* A row for each dimension of z, which varies from -3 to 3 while the others are 0. */
static tap_var traversals(const render_context *s)
{
    tap_var z = tap_mul(tap_unsqueeze(tap_eye(s->tape, s->vae->options.latent), 1), range(s, -3, 3));
    return decode(s, z, class_of(s, s->o->digit < 0 ? 3 : s->o->digit));
}

/* Interpolates between two test images, shown at the ends of rows: both z and the class, then only z, then only the class. */
static tap_var interpolation(const render_context *s, const labelled *test)
{
    static float z_moves[] = { 1, 1, 0 }, c_moves[] = { 1, 0, 1 };
    tap_var      which = tap_input(s->tape, tap_tensor_wrap(TAP_I64, TAP_SHAPE(2), (void *)s->o->ends));
    tap_var      x = images_select(s->tape, test->images, which);
    tap_var      c = one_hot(tap_index_select(tap_input(s->tape, test->labels), 0, which));

    tap_var mu = tap_dist_mean(tap_vae_encode_given(s->vae, x, c)), t = range(s, 0, 1);
    tap_var z_t = tap_mul(tap_input(s->tape, tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, 1, 1), z_moves)), t);
    tap_var c_t = tap_mul(tap_input(s->tape, tap_tensor_wrap(TAP_F32, TAP_SHAPE(3, 1, 1), c_moves)), t);
    tap_var z = tap_lerp(tap_select(mu, 0, 0), tap_select(mu, 0, 1), z_t); /* [3,STEPS,latent] */
    tap_var between = decode(s, z, tap_lerp(tap_select(c, 0, 0), tap_select(c, 0, 1), c_t));
    tap_var a = tap_expand(tap_select(x, 0, 0), TAP_SHAPE(3, 1, SIDE * SIDE)),
            b = tap_expand(tap_select(x, 0, 1), TAP_SHAPE(3, 1, SIDE * SIDE));
    return tap_cat(3, (tap_var[]){ a, between, b }, 1);
}

static bool write(const render_context *s, const char *name, tap_var images)
{
    if (!sheet_write(s->o->train.out, name, images, 2)) return false;
    if (!s->o->train.quiet && tap_value(images).data) printf("%s/%s\n", s->o->train.out, name);
    return true;
}

static const char *digit_file(const options *o)
{
    static char name[32];
    snprintf(name, sizeof name, "digit_%lld.png", (long long)o->digit);
    return name;
}

int draw_files(out_file files[PICTURES], const options *o)
{
    const double image = 3600; /* upper bound in bytes: one for each of (2 (28 + 2))^2 grey pixels */
    int          n = 0;
    if (o->samples) files[n++] = (out_file){ "samples.png", 256 * image };
    if (o->samples) files[n++] = (out_file){ "digits.png", 16 * DIGITS * image };
    if (o->digit >= 0) files[n++] = (out_file){ digit_file(o), 256 * image };
    if (o->traversals) files[n++] = (out_file){ "traversals.png", STEPS * (double)o->latent * image };
    if (o->ends[0] >= 0) files[n++] = (out_file){ "interpolation.png", 3 * (STEPS + 2) * image };
    return n;
}

bool draw(const options *o, const tap_vae *vae, const digits *d)
{
    render_context s = { o, vae, tap_tape_new(TAP_F32, o->train.seed ^ tap_random_hash("draw")) };
    bool           ok = true;
    tap_tape_set_recording(s.tape, false);
    if (o->samples) ok = ok && write(&s, "samples.png", samples(&s)) && write(&s, "digits.png", classes(&s));
    tap_tape_reset(s.tape); /* makes the next picture's noise independent of the previous pictures */
    if (o->digit >= 0) ok = ok && write(&s, digit_file(o), decode(&s, noise(&s, 16, 16), class_of(&s, o->digit)));
    if (o->traversals) ok = ok && write(&s, "traversals.png", traversals(&s));
    if (o->ends[0] >= 0) ok = ok && write(&s, "interpolation.png", interpolation(&s, &d->test));
    return tape_end(s.tape) && ok;
}
