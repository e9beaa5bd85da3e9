/* examples/vae_generate/main.c: trains a conditional VAE on digits, draws the requested digits and evaluates them. */
#include "vae_generate.h"

const char *const program = "vae_generate";

static bool holds(tap_tensor labels, int digit)
{
    for (int64_t i = 0; i < labels.shape.n[0]; i++)
        if (((const int64_t *)labels.data)[i] == digit) return true;
    return false;
}

/* Checks that the training images include each digit that is to be drawn or classified. */
static bool check_classes(const state *s)
{
    const options  *o = &s->o;
    const long long tests = s->test.images.shape.n[0];
    for (int i = 0; i < DIGITS; i++) {
        const bool drawn = !o->model && (o->samples || (o->digit < 0 ? o->traversals && i == 3 : o->digit == i));
        if ((drawn || (o->measure && holds(s->test.labels, i))) && !holds(s->train.labels, i))
            return fail("%s: its training images hold no %d, which is to be %s", s->found.from, i,
                        drawn ? "drawn" : "measured");
    }
    return !o->measure || tests >= 4 ||
           fail("%s: --measure compares halves of the test images and needs 4 of them, not %lld", s->found.from, tests);
}

/* Loads the data set, which a trained model needs only for measuring and for interpolation. */
static bool load(state *s)
{
    const int64_t a = s->o.ends[0], b = s->o.ends[1];
    if (s->o.model && !s->o.measure && a < 0) return true;
    if (!dataset_load(&s->found, s->arena, s->o.data)) return false;
    s->train.images = s->found.train, s->test.images = s->found.test;
    const int64_t n = s->train.images.shape.n[0], tests = s->test.images.shape.n[0];
    if (a >= tests || b >= tests)
        return fail("--interpolate %lld,%lld: there are %lld test images", (long long)a, (long long)b, (long long)tests);
    return dataset_labels(&s->train.labels, s->arena, s->found.from, "train", n, DIGITS) &&
           dataset_labels(&s->test.labels, s->arena, s->found.from, "t10k", tests, DIGITS) && check_classes(s);
}

static bool run(state *s)
{
    out_file files[PICTURES + 1];
    int      n = draw_files(files, &s->o);
    bool     whole;
    if (!load(s) || (s->o.measure && !classifier_find(s))) return false;
    if (s->reader_missing)
        files[n++] = (out_file){ "classifier.safetensors", 4 * (double)tap_module_numel(s->reader_root) + 1e4 };
    return model_get(s, n, files, &whole) && (!whole || (draw(s) && (!s->o.measure || measure(s))));
}

int main(int argc, char **argv)
{
    state s = { 0 };
    int   status;
    if (!options_parse(&s.o, argc, argv, &status)) return status;
    begin_program(s.o.train.threads);
    s.arena = tap_arena_new();
    s.root = tap_module_new(TAP_F32, s.o.train.seed);
    s.reader_root = tap_module_new(TAP_F32, 0); /* the classifier does not depend on --seed */
    status = end_program(run(&s));
    tap_module_free(s.reader_root);
    tap_module_free(s.root);
    tap_arena_free(s.arena);
    return status;
}
